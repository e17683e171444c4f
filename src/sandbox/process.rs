//! What happens by itself: a changed group reaches its members one after the other (GRAPH 5.5).
//!
//! The work is planned when the group is changed and done when time has come, always in the same
//! order, so it does not matter how often anybody looks.

use std::collections::BTreeSet;

use super::group::{Group, Processing};
use super::tenant::Tenant;
use super::user::{Held, User};
use super::words::{AssignmentError, AssignmentState};
use super::work::{Step, Work};
use crate::model::{GroupId, SkuId, Timestamp, UserId};

/// When the steps come, in percent of the whole processing time.
const QUEUED_AT: i32 = 5;
const STARTED_AT: i32 = 15;
const LAST_MEMBER_AT: i32 = 95;

impl Tenant {
    /// Plans what a change of that group brings about.
    pub(super) fn plan_work(&mut self, group: &Group, now: Timestamp) {
        let whole = self.settings.group_processing;
        let stuck = self.is_stuck(group);
        let members = self.in_no_particular_order(group);
        let places = i32::try_from(members.len()).unwrap_or(i32::MAX).max(1);
        let mut steps = vec![(whole * QUEUED_AT / 100, Step::Queue), (whole * STARTED_AT / 100, Step::Start)];
        let share = whole * (LAST_MEMBER_AT - STARTED_AT) / 100;
        for (place, member) in (1..).zip(members) {
            let at = whole * STARTED_AT / 100 + share / places * place;
            let hangs = stuck.filter(|_| place == places);
            steps.push((hangs.unwrap_or(at).max(at), Step::Member(member)));
        }
        steps.push((stuck.unwrap_or(whole).max(whole), Step::Finish));
        for (delay, step) in steps {
            let at = now.saturating_add(delay).unwrap_or(Timestamp::MAX);
            let work = Work { group: group.id, change: group.changes, step };
            self.state.work.insert((at, self.state.planned), work);
            self.state.planned += 1;
        }
    }

    /// Plans what follows when a user became a member of that group, or is none any more: it takes
    /// as long as a change of the group does (minutes, GRAPH 5.4).
    pub(super) fn plan_move(&mut self, group: GroupId, user: UserId, now: Timestamp) {
        let at = now.saturating_add(self.settings.group_processing).unwrap_or(Timestamp::MAX);
        let work = Work { group, change: 0, step: Step::Moved(user) };
        self.state.work.insert((at, self.state.planned), work);
        self.state.planned += 1;
    }

    /// Entra promises no order of members.
    fn in_no_particular_order(&self, group: &Group) -> Vec<UserId> {
        let (id, change) = (group.id.to_string(), group.changes.to_string());
        self.settings.seed.shuffled(group.users(), &[&id, &change])
    }

    /// Whether anything is to be done until `now`.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.state.work.first_key_value().is_some_and(|((at, _), _)| *at <= now)
    }

    /// Does what was due until `now`.
    pub(super) fn advance(&mut self, now: Timestamp) {
        while let Some(next) = self.state.work.first_entry() {
            let at = next.key().0;
            if at > now {
                return;
            }
            let work = next.remove();
            self.work(&work, at);
        }
    }

    fn work(&mut self, work: &Work, at: Timestamp) {
        let Some(history) = self.state.groups.get(&work.group) else { return };
        let group = history.latest().clone();
        if !work.is_due_for(&group) {
            return;
        }
        match &work.step {
            Step::Queue => self.set_processing(group, Processing::Queued, at),
            Step::Start => self.set_processing(group, Processing::InProgress, at),
            Step::Member(id) | Step::Moved(id) => self.reach(&group, *id, at),
            Step::Finish => {
                let end = self.how_it_ended(&group);
                self.set_processing(group, end, at);
            }
        }
    }

    fn set_processing(&mut self, mut group: Group, state: Processing, at: Timestamp) {
        group.processing = Some(state);
        self.change_group(group, at);
    }

    fn how_it_ended(&self, group: &Group) -> Processing {
        let users = &self.state.users;
        let failed = |id| users.find(id).is_some_and(|user| user.latest().has_error_from(group.id));
        if group.users().any(failed) { Processing::Failed } else { Processing::Complete }
    }

    /// Brings one user in line with the group.
    pub(super) fn reach(&mut self, group: &Group, id: UserId, at: Timestamp) {
        let Ok(user) = self.user(id) else { return };
        let mut user = user.into_owned();
        // Looking through the members of a large group for each of them would take too long.
        if group.has_moved && !group.has_user(id) {
            user.held.retain(|held| held.by != Some(group.id));
        } else {
            let without_seats = self.without_seats(&user, group);
            inherit(&mut user, group, &without_seats, at);
            if self.is_member_error(group, id) {
                let own = user.held.iter_mut().filter(|held| held.by == Some(group.id));
                own.for_each(|held| {
                    held.state = AssignmentState::Error;
                    held.error = Some(AssignmentError::CountViolation);
                });
            }
        }
        user.provision(self.shelf(), at, self.settings.plan_dates);
        self.change_user(user, at);
    }

    /// The licenses of that group that the user does not hold and for which no seats are left.
    fn without_seats(&self, user: &User, group: &Group) -> BTreeSet<SkuId> {
        let seats = |sku: SkuId| self.shelf().get(sku).map_or(0, |owned| owned.seats);
        let missing = group.licenses.keys().copied().filter(|sku| !user.has(*sku));
        missing.filter(|sku| self.consumed(*sku) >= seats(*sku)).collect()
    }
}

/// What a member holds from a group becomes what the group carries. What is in error stays so. If one
/// license of the group cannot be assigned, none of it is (GRAPH 3.2).
fn inherit(user: &mut User, group: &Group, without_seats: &BTreeSet<SkuId>, at: Timestamp) {
    let by = Some(group.id);
    user.held.retain(|held| held.by != by || group.licenses.contains_key(&held.sku));
    let refused = |sku: &SkuId| match without_seats {
        none if none.is_empty() => None,
        these if these.contains(sku) => Some(AssignmentError::CountViolation),
        _ => Some(AssignmentError::Other),
    };
    for (sku, off) in &group.licenses {
        let error = user.to_come.iter().find(|error| {
            error.group == group.id
                && error.change <= group.changes
                && error.sku.is_none_or(|own| own == *sku)
        });
        let error = error.cloned();
        let held = match user.held_mut(*sku, by) {
            Some(held) if held.has_error() => continue,
            Some(held) => held,
            None => {
                let error = refused(sku);
                let state = if error.is_some() { AssignmentState::Error } else { AssignmentState::Active };
                let disabled = off.clone();
                user.held.push(Held { sku: *sku, by, disabled, state, error, updated: None });
                user.held.last_mut().expect("just pushed")
            }
        };
        if let Some(error) = error {
            (held.state, held.error) = (error.state, error.error);
        }
        held.disabled.clone_from(off);
        held.updated = Some(at);
    }
}

/// Keeps the arithmetic of [`Tenant::plan_work`] honest: the last member comes before the end.
const _: () = assert!(QUEUED_AT < STARTED_AT && STARTED_AT < LAST_MEMBER_AT && LAST_MEMBER_AT < 100);

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    const TEN: &str = "\
licenses: [SPE_E5]
groupProcessing: 100s
groups:
  - {name: Legal, id: 8a9b0c1d-0000-4000-8000-000000000002, licenses: [SPE_E5]}
generate: {users: 10, group: Legal}
";

    const LEGAL: &str = "/v1.0/groups/8a9b0c1d-0000-4000-8000-000000000002";

    fn write(tenant: &mut Tenant, off: bool, now: Timestamp) {
        let off = if off { vec![AUDITING] } else { vec![] };
        let answer = tenant.handle(&post(&format!("{LEGAL}/assignLicense"), &assign(&off)), now);
        assert_eq!(answer.status, 202, "{answer:?}");
    }

    fn state(tenant: &mut Tenant, now: Timestamp) -> String {
        let (_, group) = get_at(tenant, &format!("{LEGAL}?$select=licenseProcessingState"), now);
        group["licenseProcessingState"]["state"].as_str().expect("a word").to_owned()
    }

    fn off(tenant: &mut Tenant, now: Timestamp) -> usize {
        tenant.advance(now);
        tenant.users().filter(|user| user.held[0].disabled.contains(&AUDITING)).count()
    }

    #[test]
    fn the_state_reads_the_old_complete_for_a_moment_and_then_goes_its_way() {
        let mut tenant = tenant(TEN);
        write(&mut tenant, true, noon());
        assert_eq!(state(&mut tenant, after(1)), "ProcessingComplete");
        assert_eq!(state(&mut tenant, after(5)), "QueuedForProcessing");
        assert_eq!(state(&mut tenant, after(15)), "ProcessingInProgress");
        assert_eq!(state(&mut tenant, after(99)), "ProcessingInProgress");
        assert_eq!(state(&mut tenant, after(100)), "ProcessingComplete");
    }

    #[test]
    fn members_change_one_after_the_other_and_their_dates_move() {
        let mut tenant = tenant(TEN);
        write(&mut tenant, true, noon());
        assert_eq!([15, 23, 55, 95].map(|second| off(&mut tenant, after(second))), [0, 1, 5, 10]);
        assert!(tenant.users().all(|user| user.held[0].updated > Some(noon())));
    }

    #[test]
    fn a_change_during_processing_spares_the_members_that_were_not_reached() {
        let mut tenant = tenant(TEN);
        write(&mut tenant, true, noon());
        assert_eq!(off(&mut tenant, after(55)), 5);
        write(&mut tenant, false, after(55));
        assert_eq!(off(&mut tenant, after(60)), 5);
        assert_eq!(off(&mut tenant, after(155)), 0);
        let renewed = tenant.users().filter(|user| user.plans.iter().any(|plan| plan.since >= Some(noon())));
        assert_eq!(renewed.count(), 5);
    }

    #[test]
    fn a_member_in_error_stays_in_error_and_the_processing_has_failed() {
        let mut tenant = tenant(
            "licenses: [SPE_E5]\ngroups:\n  - name: Legal\n    id: 8a9b0c1d-0000-4000-8000-000000000002\n    \
             licenses: [SPE_E5]\n    members: [a@contoso.com, b@contoso.com]\nusers:\n  - b@contoso.com\n  \
             - {upn: a@contoso.com, inherited: [{group: Legal, error: CountViolation}]}\n",
        );
        write(&mut tenant, true, noon());
        assert_eq!(state(&mut tenant, noon()), "ProcessingFailed");
        let held = user(&tenant, "a@contoso.com").held[0].clone();
        assert_eq!(held.state, AssignmentState::Error);
        assert!(held.updated < Some(noon()) && held.disabled.is_empty());
        assert!(user(&tenant, "b@contoso.com").held[0].disabled.contains(&AUDITING));
    }

    #[test]
    fn an_error_can_come_with_a_later_change() {
        let mut tenant = tenant(
            "licenses: [SPE_E5]\ngroups:\n  - name: Legal\n    id: 8a9b0c1d-0000-4000-8000-000000000002\n    \
             licenses: [SPE_E5]\n    members: [a@contoso.com]\nusers:\n  \
             - {upn: a@contoso.com, inherited: [{group: Legal, error: Other, fromChange: 2}]}\n",
        );
        write(&mut tenant, true, noon());
        assert_eq!(state(&mut tenant, noon()), "ProcessingComplete");
        write(&mut tenant, false, after(1));
        assert_eq!(state(&mut tenant, after(1)), "ProcessingFailed");
        assert!(user(&tenant, "a@contoso.com").given(tenant.shelf()).is_empty());
    }
}
