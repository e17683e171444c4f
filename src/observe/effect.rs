//! What a set of assignments amounts to: the union rule (GRAPH 3.5, DESIGN's "in force" and "on").
//!
//! A user is on when *any* assignment in force leaves the service plan enabled, whatever the other
//! ones say, so turning one source off may change nothing.

use super::observed::{Group, User};
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
        !self.sources(catalog).is_empty()
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
