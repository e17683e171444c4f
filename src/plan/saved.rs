//! A saved plan against what runs have done since: which of its changes are still to be done.
//!
//! Whether a subject is still as the plan expects it, is seen when its turn comes, by a fresh read. That read
//! has no dates, and knows nothing of an off without a record. So the toggles are looked at anew before: whoever
//! was turned on since by another hand is not toggled again, and whoever is off is turned on.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::change::{Action, Change};
use super::planned::Plan;
use super::resolve::Protected;
use super::running::{InFlight, Running};
use super::sequence::resume;
use crate::diag::{Place, Source};
use crate::manifest::declared::{Declared, GroupEntry, Limits, Located, Toggle, UserEntry, Who, Wish};
use crate::model::{GroupKey, SignedDuration, SubjectId, SubjectKind, TenantId, Timestamp, UserId, UserKey};
use crate::observe::observed::{Dates, Observed};

/// What is left of a saved plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Left {
    /// What is to be done: first everything that runs of ours left off, whether or not the plan knew.
    pub changes: Vec<Change>,
    /// How many of the plan's changes runs have ended since it was made.
    pub done: usize,
}

/// Lays the changes of a plan beside the journal. Whatever is unfinished is finished as the journal has it;
/// what was ended since the plan was made is ours, and not done twice.
pub fn left(changes: &[Change], running: &Running, made_at: Timestamp, now: Timestamp) -> Left {
    // Whoever is gone is looked for again where the plan saw them back.
    let is_back = |own: &InFlight| {
        let resumed =
            |change: &Change| change.subject.id == own.subject.id && change.action == Action::Resume;
        own.counts_as_off() || changes.iter().any(resumed)
    };
    let unfinished = running.in_flight.values().filter(|own| is_back(own));
    let mut left = Left { changes: unfinished.map(|own| resume(own, now)).collect(), done: 0 };
    for change in changes.iter().filter(|change| !running.in_flight.contains_key(&change.subject.id)) {
        let id = change.subject.id;
        let was_recorded = change.resumes.as_ref().is_some_and(|own| own.recorded);
        if was_recorded || running.is_settled_since(id, made_at) {
            left.done += 1;
            continue;
        }
        left.changes.push(again(change, now));
    }
    left.changes.sort_by_key(|change| change.action);
    left
}

/// What is still to be waited for is reckoned from now.
fn again(change: &Change, now: Timestamp) -> Change {
    match (&change.resumes, change.action) {
        (Some(own), Action::Resume) => Change { expect: change.expect.clone(), ..resume(own, now) },
        _ => change.clone(),
    }
}

/// The toggles among these changes as a manifest of their own; none when there are none with a date.
pub fn toggles(changes: &[Change], tenant: TenantId, protected: &Protected) -> Option<Declared> {
    let source = Arc::new(Source::new("the saved plan", ""));
    let place = Place::new(&source, 0..0);
    let toggles =
        || changes.iter().filter(|change| change.action == Action::Toggle && change.asked.is_some());
    let wish = |change: &Change| Wish {
        toggle_if_enabled_before: change.asked,
        reason: Some(change.reason.clone()),
        place: place.clone(),
    };
    let user = |change: &Change| {
        let who = Who::User(UserKey::Id(change.subject.id.user()?));
        Some(UserEntry { who, license: None, wish: wish(change) })
    };
    let group = |change: &Change| {
        let group = GroupKey::Id(change.subject.id.group()?);
        Some(GroupEntry { group, wish: wish(change) })
    };
    let longest = |kind: SubjectKind, time: fn(&Change) -> SignedDuration| {
        let of = toggles().filter(|change| change.subject.id.kind() == kind);
        of.map(time).max().unwrap_or_default()
    };
    toggles().next()?;
    Some(Declared {
        tenant: Located { value: tenant.to_string(), place: place.clone() },
        toggle: Toggle {
            wait: longest(SubjectKind::User, |change| change.wait),
            group_wait: longest(SubjectKind::Group, |change| change.wait),
            group_gate: longest(SubjectKind::Group, |change| change.gate),
            ..Toggle::default()
        },
        limits: Limits { group_members: u64::MAX, ..Limits::default() },
        protect: protected
            .words()
            .map(|word| Located { value: UserKey::parse(&word), place: place.clone() })
            .collect(),
        users: toggles().filter_map(user).collect(),
        groups: toggles().filter_map(group).collect(),
        source,
    })
}

impl Left {
    /// Takes in what a fresh look at the toggles showed: `fresh` is what would be planned for them now.
    #[must_use]
    pub fn looked_at(self, observed: &Observed, fresh: &Plan, journal_began: Option<Timestamp>) -> Left {
        // An off of ours that is older than the journal was lost with the journal before it. A younger one
        // is somebody else's, and its subject not what the plan expects.
        let is_lost = |own: &InFlight| journal_began.is_none_or(|began| own.off_at() <= began);
        let found_off = fresh.with(Action::Resume).filter(|one| one.resumes.as_ref().is_some_and(is_lost));
        let found_off = found_off.map(|change| (change.subject.id, change));
        let found_off: BTreeMap<SubjectId, &Change> = found_off.collect();
        let people_now = fresh.with(Action::Toggle).map(|one| (one.subject.id, one.people.len() as u64));
        let people_now: BTreeMap<SubjectId, u64> = people_now.collect();
        let mut done = self.done;
        let mut changes = Vec::with_capacity(self.changes.len());
        for change in self.changes {
            match found_off.get(&change.subject.id) {
                Some(resume) if change.action == Action::Toggle => changes.push((*resume).clone()),
                _ if is_renewed(&change, observed) => done += 1,
                _ => {
                    let people_now = people_now.get(&change.subject.id).copied();
                    changes.push(Change { people_now, ..change });
                }
            }
        }
        changes.sort_by_key(|change| change.action);
        Left { changes, done }
    }
}

/// Whether everybody whom a toggle would turn off was turned on at or after the date that asks for it.
fn is_renewed(change: &Change, observed: &Observed) -> bool {
    let (Action::Toggle, Some(asked)) = (change.action, change.asked) else { return false };
    let since = |id: UserId| match observed.users.get(&id).map(|user| &user.dates) {
        Some(dates @ Dates::Read(_)) => dates.newest_on().is_some_and(|on| on >= asked),
        Some(Dates::NotRead) | None => false,
    };
    !change.people.is_empty() && change.people.iter().all(|person| since(person.id))
}
