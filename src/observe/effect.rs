//! What a set of assignments amounts to: the union rule (GRAPH 3.5, DESIGN's "in force" and "on").
//!
//! A user is on when *any* assignment in force leaves the service plan enabled, whatever the other
//! ones say, so turning one source off may change nothing.

use super::observed::{Dates, Group, User};
use crate::model::{AssignedBy, Assignment, AssignmentState, Catalog, GroupId, Licensed, Timestamp};

/// Whether Graph could not apply the last change of an assignment: it says so in the state, in the
/// error, or in both.
pub fn is_in_error(assignment: &Assignment) -> bool {
    assignment.error.is_some()
        || matches!(assignment.state, AssignmentState::ActiveWithError | AssignmentState::Error)
}

impl User {
    /// The assignments of licenses that contain the service plan, in force or not.
    pub fn relevant<'a>(&'a self, catalog: &'a Catalog) -> impl Iterator<Item = &'a Assignment> {
        self.assignments.iter().filter(|assignment| catalog.has_service_plan(assignment.sku))
    }

    /// Whether that assignment is in force: `Active`, or `ActiveWithError` while `assignedPlans`
    /// agrees, of a license that the tenant may use.
    pub fn in_force(&self, assignment: &Assignment, catalog: &Catalog) -> bool {
        let usable = catalog.get(assignment.sku).is_some_and(|license| license.status.is_usable());
        usable
            && match assignment.state {
                AssignmentState::Active => true,
                AssignmentState::ActiveWithError => self.dates.agree(),
                AssignmentState::Disabled | AssignmentState::Error | AssignmentState::Other(_) => false,
            }
    }

    /// The assignments that turn the service plan on for this user.
    pub fn sources<'a>(&'a self, catalog: &'a Catalog) -> Vec<&'a Assignment> {
        self.relevant(catalog)
            .filter(|assignment| assignment.leaves_on() && self.in_force(assignment, catalog))
            .collect()
    }

    /// Whether the user has the service plan.
    pub fn is_on(&self, catalog: &Catalog) -> bool {
        self.relevant(catalog).any(|one| one.leaves_on() && self.in_force(one, catalog))
    }

    /// Whether the costly `assignedPlans` can change an answer about this user: whether an assignment
    /// with an error is in force, or whether the user was turned on since `asked`. That an assignment
    /// untouched since then was not turned on since either is likely but unconfirmed (GRAPH 3.3), and
    /// too little to turn a person off on; so it is asked for everyone who could be toggled.
    pub fn needs_dates(
        &self,
        asked: Option<Timestamp>,
        own_on: Option<Timestamp>,
        catalog: &Catalog,
    ) -> bool {
        let mut leaving_on = self.relevant(catalog).filter(|one| one.leaves_on());
        if leaving_on.any(|one| one.state == AssignmentState::ActiveWithError) {
            return true;
        }
        let Some(asked) = asked else { return false };
        let renewed_by_us = own_on.is_some_and(|on| on >= asked);
        self.is_on(catalog) && !renewed_by_us
    }

    /// Whether neither the service plan was turned on nor what gives it changed at that time or later, by
    /// dates that were read.
    pub fn is_untouched_since(&self, time: Timestamp, catalog: &Catalog) -> bool {
        self.dates != Dates::NotRead
            && self.dates.newest_on().is_none_or(|on| on < time)
            && Self::newest_update(self.sources(catalog)).is_some_and(|changed| changed < time)
    }

    /// What this user is to a toggle of that group.
    pub fn as_member(&self, group: GroupId, catalog: &Catalog) -> Member {
        let sources = self.sources(catalog);
        let (own, other): (Vec<_>, Vec<_>) =
            sources.iter().partition(|source| source.by == AssignedBy::Group(group));
        match (own.is_empty(), other.is_empty()) {
            (false, true) if !own.iter().any(|source: &&Assignment| is_in_error(source)) => Member::Counts,
            (false, true) => Member::InError,
            (_, false) => Member::OnAnyway,
            (true, true) if self.errs_in(group, catalog) => Member::InError,
            (true, true) => Member::Off,
        }
    }

    fn errs_in(&self, group: GroupId, catalog: &Catalog) -> bool {
        self.relevant(catalog).any(|one| one.by == AssignedBy::Group(group) && is_in_error(one))
    }

    /// The newest `lastUpdatedDateTime` of those assignments; `None` when any has no date, because
    /// the missing one may be the newest.
    pub fn newest_update<'a>(assignments: impl IntoIterator<Item = &'a Assignment>) -> Option<Timestamp> {
        let dates: Option<Vec<Timestamp>> = assignments.into_iter().map(|one| one.updated).collect();
        dates?.into_iter().max()
    }
}

/// What a member is to a toggle of its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Member {
    /// On by this group alone and without error: its date counts, and it goes off.
    Counts,
    /// On by this group alone, or not at all, and the assignment is in error.
    InError,
    /// On through another source as well, or only: the toggle does not turn it off.
    OnAnyway,
    /// Not on, and not in error.
    Off,
}

impl Group {
    /// The licenses that contain the service plan.
    pub fn relevant<'a>(&'a self, catalog: &'a Catalog) -> impl Iterator<Item = &'a Licensed> {
        self.licenses.iter().filter(|license| catalog.has_service_plan(license.sku))
    }

    /// The licenses with the service plan that the tenant may use.
    pub fn usable<'a>(&'a self, catalog: &'a Catalog) -> impl Iterator<Item = &'a Licensed> {
        self.relevant(catalog)
            .filter(|license| catalog.get(license.sku).is_some_and(|own| own.status.is_usable()))
    }

    /// Whether the group's own licenses leave the service plan enabled.
    pub fn is_on(&self, catalog: &Catalog) -> bool {
        self.usable(catalog).any(Licensed::leaves_on)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use uuid::Uuid;

    use super::*;
    use crate::graph::ServicePlanEntry;
    use crate::model::{AssignmentError, License, LicenseStatus, SERVICE_PLAN, ServicePlan, SkuId, UserId};

    const E5: SkuId = SkuId(Uuid::from_u128(0xe5));
    const LEGAL: GroupId = GroupId(Uuid::from_u128(1));
    const SALES: GroupId = GroupId(Uuid::from_u128(2));

    fn catalog(status: LicenseStatus) -> Catalog {
        let plan = ServicePlan { name: "A_PLAN".into(), provisioning: "Success".into() };
        let plans: BTreeMap<_, _> = [(SERVICE_PLAN, plan)].into();
        [License { id: E5, part_number: "SPE_E5".into(), status, holders: None, plans }].into_iter().collect()
    }

    fn usable() -> Catalog {
        catalog(LicenseStatus::Enabled)
    }

    fn holds(by: AssignedBy, on: bool, state: AssignmentState) -> Assignment {
        let disabled: BTreeSet<_> = if on { BTreeSet::new() } else { [SERVICE_PLAN].into() };
        Assignment { sku: E5, by, disabled, state, error: None, updated: Some(Timestamp::UNIX_EPOCH) }
    }

    fn by(group: GroupId, on: bool) -> Assignment {
        holds(AssignedBy::Group(group), on, AssignmentState::Active)
    }

    fn direct(on: bool) -> Assignment {
        holds(AssignedBy::Direct, on, AssignmentState::Active)
    }

    fn user(assignments: &[Assignment]) -> User {
        User {
            id: UserId(Uuid::from_u128(0xa)),
            upn: "adele@contoso.com".into(),
            usage_location: None,
            assignments: assignments.to_vec(),
            dates: Dates::NotRead,
        }
    }

    #[test]
    fn any_assignment_in_force_that_leaves_it_on_is_enough() {
        assert!(user(&[direct(false), by(LEGAL, true)]).is_on(&usable()));
        assert!(!user(&[direct(false), by(LEGAL, false)]).is_on(&usable()));
        assert!(!user(&[]).is_on(&usable()));
    }

    #[test]
    fn only_active_is_in_force_and_active_with_error_while_assigned_plans_agrees() {
        for (state, on) in [
            (AssignmentState::Active, true),
            (AssignmentState::ActiveWithError, false),
            (AssignmentState::Error, false),
            (AssignmentState::Disabled, false),
            (AssignmentState::Other("New".into()), false),
        ] {
            assert_eq!(user(&[holds(AssignedBy::Direct, true, state)]).is_on(&usable()), on);
        }
        let mut with_error = user(&[holds(AssignedBy::Direct, true, AssignmentState::ActiveWithError)]);
        for (status, on) in [("Enabled", true), ("Warning", true), ("Deleted", false), ("Suspended", false)] {
            with_error.dates = Dates::Read(vec![ServicePlanEntry { status: status.into(), assigned: None }]);
            assert_eq!(with_error.is_on(&usable()), on, "{status}");
        }
    }

    #[test]
    fn a_license_that_the_tenant_may_not_use_gives_nothing() {
        assert!(user(&[direct(true)]).is_on(&catalog(LicenseStatus::Warning)));
        assert!(!user(&[direct(true)]).is_on(&catalog(LicenseStatus::Suspended)));
        assert!(!user(&[direct(true)]).is_on(&Catalog::default()));
    }

    #[test]
    fn a_member_counts_when_only_this_group_turns_it_on_and_without_error() {
        let says = |assignments: &[Assignment]| user(assignments).as_member(LEGAL, &usable());
        let error = Some(AssignmentError::CountViolation);
        assert_eq!(says(&[by(LEGAL, true)]), Member::Counts);
        assert_eq!(says(&[by(LEGAL, true), direct(false)]), Member::Counts);
        assert_eq!(says(&[by(LEGAL, true), direct(true)]), Member::OnAnyway);
        assert_eq!(says(&[by(LEGAL, true), by(SALES, true)]), Member::OnAnyway);
        assert_eq!(says(&[by(LEGAL, false), direct(true)]), Member::OnAnyway);
        assert_eq!(says(&[Assignment { error: error.clone(), ..by(LEGAL, true) }]), Member::InError);
        let state = AssignmentState::Error;
        assert_eq!(says(&[Assignment { error, state: state.clone(), ..by(LEGAL, true) }]), Member::InError);
        assert_eq!(
            says(&[Assignment { state, ..by(LEGAL, true) }]),
            Member::InError,
            "the state alone says so"
        );
        assert_eq!(says(&[by(LEGAL, false)]), Member::Off);
        assert_eq!(says(&[]), Member::Off);
    }

    #[test]
    fn the_dates_are_read_for_whoever_is_on_and_asked_for_unless_we_turned_it_on_since() {
        let (asked, catalog) = (Some(Timestamp::from_second(1_000).expect("a time")), usable());
        assert!(user(&[direct(true)]).needs_dates(asked, None, &catalog));
        assert!(!user(&[direct(true)]).needs_dates(None, None, &catalog));
        assert!(!user(&[direct(true)]).needs_dates(asked, asked, &catalog));
        assert!(!user(&[direct(false)]).needs_dates(asked, None, &catalog));
        let with_error = user(&[holds(AssignedBy::Direct, true, AssignmentState::ActiveWithError)]);
        assert!(with_error.needs_dates(None, None, &catalog));
    }

    #[test]
    fn a_missing_date_may_be_the_newest() {
        let undated = Assignment { updated: None, ..direct(true) };
        assert_eq!(User::newest_update([&direct(true), &undated]), None);
        assert_eq!(User::newest_update([&direct(true)]), Some(Timestamp::UNIX_EPOCH));
    }

    #[test]
    fn a_group_is_on_when_a_usable_license_of_its_own_leaves_it_on() {
        let group = |licenses: Vec<Licensed>| Group {
            id: LEGAL,
            name: "Legal".into(),
            licenses,
            processing: crate::graph::Processing::Complete,
            members: crate::observe::observed::Members::NotRead,
        };
        let on = Licensed { sku: E5, disabled: BTreeSet::new() };
        assert!(group(vec![on.clone()]).is_on(&usable()));
        assert!(!group(vec![on]).is_on(&catalog(LicenseStatus::LockedOut)));
        let off = Licensed { sku: E5, disabled: [SERVICE_PLAN].into() };
        assert!(!group(vec![off]).is_on(&usable()));
    }
}
