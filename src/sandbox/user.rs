//! A user, the ways in which it holds licenses, and what it can use because of them.

use std::collections::{BTreeMap, BTreeSet};

use super::license::Shelf;
use super::plans::{Plans, Provisioned};
use super::words::{AssignmentError, AssignmentState, Capability, PlanDates, Unreadable};
use crate::model::{GroupId, ServicePlanId, SkuId, Timestamp, UserId};

/// An account.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// `id`.
    pub id: UserId,
    /// `userPrincipalName`.
    pub upn: String,
    /// `displayName`.
    pub name: String,
    /// `usageLocation`.
    pub usage_location: Option<String>,
    /// `accountEnabled`.
    pub enabled: bool,
    /// Whether `userType` is `Guest`.
    pub guest: bool,
    /// `department`.
    pub department: Option<String>,
    /// `jobTitle`.
    pub job_title: Option<String>,
    /// `onPremisesSyncEnabled`.
    pub synced: bool,
    /// `isManagementRestricted`: writes are refused.
    pub restricted: bool,
    /// Reads are refused.
    pub unreadable: Option<Unreadable>,
    /// `licenseAssignmentStates`: one entry for each license and source (GRAPH 3.2).
    pub held: Vec<Held>,
    /// `assignedPlans`.
    pub plans: Plans,
    /// Errors that wait for a change of a group.
    pub to_come: Vec<ErrorToCome>,
    /// When it was deleted. It keeps all it had, in case it is restored.
    pub deleted: Option<Timestamp>,
}

/// One way in which a user holds a license.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// Which license.
    pub sku: SkuId,
    /// `assignedByGroup`; none for a direct assignment.
    pub by: Option<GroupId>,
    /// `disabledPlans`.
    pub disabled: BTreeSet<ServicePlanId>,
    /// `state`.
    pub state: AssignmentState,
    /// `error`.
    pub error: Option<AssignmentError>,
    /// `lastUpdatedDateTime`.
    pub updated: Option<Timestamp>,
}

/// An assignment from a group that falls into error when the group is changed.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorToCome {
    /// From which group.
    pub group: GroupId,
    /// Only this license of it.
    pub sku: Option<SkuId>,
    /// With the group's n-th change.
    pub change: u64,
    /// What the state will be.
    pub state: AssignmentState,
    /// What the error will be.
    pub error: Option<AssignmentError>,
}

impl Held {
    /// Whether Graph applies it. A change that could not be applied leaves the rest in force.
    pub fn in_force(&self) -> bool {
        matches!(self.state, AssignmentState::Active | AssignmentState::ActiveWithError)
    }

    /// Whether it was assigned on the user itself.
    pub fn is_direct(&self) -> bool {
        self.by.is_none()
    }

    /// Whether something is wrong with it.
    pub fn has_error(&self) -> bool {
        matches!(self.state, AssignmentState::ActiveWithError | AssignmentState::Error)
    }
}

impl User {
    /// The licenses that are in force, each with what all its sources leave off: the union of
    /// what they leave on (GRAPH 3.5).
    pub fn merged(&self) -> BTreeMap<SkuId, BTreeSet<ServicePlanId>> {
        merged(&self.held)
    }

    /// What all assignments in force give together, and how usable it is.
    pub fn given(&self, shelf: &Shelf) -> BTreeMap<ServicePlanId, Capability> {
        given(&self.held, shelf)
    }

    /// Whether it holds that license, from whatever source, and it is in force.
    pub fn has(&self, sku: SkuId) -> bool {
        self.held.iter().any(|held| held.sku == sku && held.in_force())
    }

    /// Brings `assignedPlans` in line with the assignments. What goes off stays as `Deleted`
    /// (GRAPH 3.3); what comes on gets a new date.
    pub fn provision(&mut self, shelf: &Shelf, now: Timestamp, dates: PlanDates) {
        let mut given = self.given(shelf);
        let mut plans: Vec<Provisioned> = self.plans.iter().collect();
        for entry in &mut plans {
            let status = given.remove(&entry.plan).unwrap_or(Capability::Deleted);
            if status.is_usable() && !entry.status.is_usable() && dates == PlanDates::Move {
                entry.since = Some(now);
            }
            entry.status = status;
        }
        plans.extend(given.into_iter().map(|(plan, status)| Provisioned { plan, since: Some(now), status }));
        self.plans.replace(plans);
    }

    /// The assignment of that license from that source.
    pub fn held_mut(&mut self, sku: SkuId, by: Option<GroupId>) -> Option<&mut Held> {
        self.held.iter_mut().find(|held| held.sku == sku && held.by == by)
    }

    /// Whether any assignment from that group is in error (GRAPH 5.3).
    pub fn has_error_from(&self, group: GroupId) -> bool {
        self.held.iter().any(|held| held.by == Some(group) && held.has_error())
    }
}

/// The licenses that are in force, each with what all its sources leave off.
pub fn merged(held: &[Held]) -> BTreeMap<SkuId, BTreeSet<ServicePlanId>> {
    let mut merged: BTreeMap<SkuId, BTreeSet<ServicePlanId>> = BTreeMap::new();
    for held in held.iter().filter(|held| held.in_force()) {
        let off = merged.entry(held.sku).or_insert_with(|| held.disabled.clone());
        off.retain(|plan| held.disabled.contains(plan));
    }
    merged
}

/// What all assignments in force give together, and how usable it is.
pub fn given(held: &[Held], shelf: &Shelf) -> BTreeMap<ServicePlanId, Capability> {
    let mut given = BTreeMap::new();
    for held in held.iter().filter(|held| held.in_force()) {
        let Some(owned) = shelf.get(held.sku) else { continue };
        for plan in owned.plans_without(&held.disabled) {
            let best = given.entry(plan).or_insert(owned.status);
            *best = owned.status.min(*best);
        }
    }
    given
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, AUDITING, E5};
    use super::*;

    fn user(held: Vec<Held>) -> User {
        let tenant = testing::tenant("licenses: [SPE_E5, ENTERPRISEPREMIUM]\nusers: [a@contoso.com]\n");
        let mut user = testing::user(&tenant, "a@contoso.com").clone();
        user.held = held;
        user
    }

    fn shelf() -> Shelf {
        testing::tenant("licenses: [SPE_E5, ENTERPRISEPREMIUM]\n").shelf().clone()
    }

    fn held(off: &[ServicePlanId], state: AssignmentState) -> Held {
        Held { sku: E5, by: None, disabled: off.iter().copied().collect(), state, error: None, updated: None }
    }

    #[test]
    fn any_assignment_in_force_that_leaves_it_on_gives_it() {
        let both = vec![held(&[AUDITING], AssignmentState::Active), held(&[], AssignmentState::Active)];
        assert!(user(both).given(&shelf()).contains_key(&AUDITING));
    }

    #[test]
    fn an_assignment_in_error_gives_nothing() {
        for state in [AssignmentState::Error, AssignmentState::Disabled] {
            assert!(user(vec![held(&[], state)]).given(&shelf()).is_empty());
        }
        let with_error = user(vec![held(&[], AssignmentState::ActiveWithError)]);
        assert!(with_error.given(&shelf()).contains_key(&AUDITING));
    }

    #[test]
    fn what_goes_off_stays_as_deleted_and_what_comes_on_gets_a_new_date() {
        let (first, second) =
            (Timestamp::from_second(10).expect("10"), Timestamp::from_second(20).expect("20"));
        let mut user = user(vec![held(&[], AssignmentState::Active)]);
        user.provision(&shelf(), first, PlanDates::Move);
        let entry = |user: &User| user.plans.iter().find(|entry| entry.plan == AUDITING).expect("there");
        assert_eq!((entry(&user).status, entry(&user).since), (Capability::Enabled, Some(first)));

        user.held[0].disabled.insert(AUDITING);
        user.provision(&shelf(), second, PlanDates::Move);
        assert_eq!((entry(&user).status, entry(&user).since), (Capability::Deleted, Some(first)));

        user.held[0].disabled.clear();
        user.provision(&shelf(), second, PlanDates::Move);
        assert_eq!((entry(&user).status, entry(&user).since), (Capability::Enabled, Some(second)));
    }

    #[test]
    fn dates_stay_where_the_file_says_so() {
        let (first, second) =
            (Timestamp::from_second(10).expect("10"), Timestamp::from_second(20).expect("20"));
        let mut user = user(vec![held(&[], AssignmentState::Active)]);
        user.provision(&shelf(), first, PlanDates::Stay);
        user.held[0].disabled.insert(AUDITING);
        user.provision(&shelf(), second, PlanDates::Stay);
        user.held[0].disabled.clear();
        user.provision(&shelf(), second, PlanDates::Stay);
        let entry = user.plans.iter().find(|entry| entry.plan == AUDITING).expect("there");
        assert_eq!((entry.status, entry.since), (Capability::Enabled, Some(first)));
    }

    #[test]
    fn a_suspended_license_gives_nothing_that_can_be_used() {
        let tenant = testing::tenant(
            "licenses: [{license: SPE_E5, status: Suspended}]\nusers: [{upn: a@contoso.com, licenses: [SPE_E5]}]\n",
        );
        let given = testing::user(&tenant, "a@contoso.com").given(tenant.shelf());
        assert_eq!(given[&AUDITING], Capability::Suspended);
    }

    #[test]
    fn the_merged_view_leaves_off_what_every_source_leaves_off() {
        let both = vec![held(&[AUDITING], AssignmentState::Active), held(&[], AssignmentState::Active)];
        assert!(user(both).merged()[&E5].is_empty());
    }
}
