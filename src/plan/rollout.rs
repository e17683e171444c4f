//! The rollout of a plan: who goes off first, how long a toggle needs until it is back on, and when it may
//! start. Pure. What becomes of it in a run is `apply::rollout`'s.

use super::calendar::Calendar;
use super::change::{Action, Change};
use super::running::Running;
use crate::diag::{Code, Finding};
use crate::manifest::declared::{Declared, Toggle};
use crate::model::{Rollout, SignedDuration, Subject, SubjectKind, Timestamp};

/// Beside wait and gate, the most that it is taken to need for writing and looking: at the quota of 20 writes a
/// second (GRAPH 8.1) thousands are turned on in it, and a write that has to be tried again for a while is still in
/// time.
const MARGIN_MAX: SignedDuration = SignedDuration::from_mins(5);
/// It is this part of wait and gate: five minutes of an hour.
const MARGIN_PART: i32 = 12;

/// How long after its start a toggle with these times is back on, if nothing is wrong: off and wait for a
/// user; off, gate and wait for a group, because its gate may hold the on back so long.
pub fn need(wait: SignedDuration, gate: SignedDuration) -> SignedDuration {
    let off = wait.saturating_add(gate);
    off.saturating_add(margin(off))
}

/// What it takes to write and to look, for a toggle that is off for so long.
fn margin(off: SignedDuration) -> SignedDuration {
    (off / MARGIN_PART).min(MARGIN_MAX)
}

/// The canary while it is put together: subjects join as long as their people fit, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Canary {
    /// How many people it is to have.
    pub size: u64,
    /// How many it has, who came back well in earlier runs included.
    pub people: u64,
}

impl Canary {
    /// Whether a subject with so many people still belongs to it.
    pub fn takes(self, people: u64) -> bool {
        self.people == 0 || self.people.saturating_add(people) <= self.size
    }
}

/// What earlier runs mean to the rollout of this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// How many people came back well since the newest date that asks for one of these toggles: they have
    /// been the canary already.
    pub came_back: u64,
    /// A toggle went wrong beside others who were still off when this run began: the canary has failed.
    pub has_failed: bool,
    /// How many toggles of this run had failed before these begin.
    pub failures: u64,
}

impl Past {
    /// Of these changes; `open_since` is when the run began that turned off who was off when this run began.
    pub fn of(changes: &[Change], running: &Running, open_since: Option<Timestamp>) -> Self {
        let newest =
            changes.iter().filter(|one| one.action == Action::Toggle).filter_map(|one| one.asked).max();
        Past {
            came_back: newest.map_or(0, |date| running.rolled.people_back_since(date)),
            has_failed: open_since.is_some_and(|since| running.rolled.went_wrong_since(since)),
            failures: 0,
        }
    }
}

/// Puts toggles into the order in which they go off: where there is a canary, the smallest first.
pub fn sort(changes: &mut [Change], rollout: &Rollout) {
    if rollout.canary.is_none() {
        return;
    }
    let first = changes.iter().position(|change| change.action == Action::Toggle).unwrap_or(changes.len());
    let toggles = &mut changes[first..];
    if toggles.iter().all(|change| change.action == Action::Toggle) {
        toggles.sort_by(|one, other| {
            let key = |change: &Change| people(change);
            (key(one), &one.subject.name, one.subject.id).cmp(&(
                key(other),
                &other.subject.name,
                other.subject.id,
            ))
        });
    }
}

/// How many people go off with a toggle, as far as is known by now.
pub fn people(change: &Change) -> u64 {
    (change.people.len() as u64).max(change.people_now.unwrap_or(0))
}

/// Whose toggles go first and alone; the changes are in their order. Nobody where that was done before.
pub fn canary<'a>(changes: &'a [Change], rollout: &Rollout, past: Past) -> Vec<&'a Subject> {
    let Some(size) = rollout.canary.filter(|size| past.came_back < *size) else { return Vec::new() };
    let off = changes
        .iter()
        .filter_map(|change| change.resumes.as_ref())
        .filter(|own| own.recorded && own.counts_as_off());
    let mut canary = Canary { size, people: past.came_back + off.map(|own| own.people).sum::<u64>() };
    let toggles = changes.iter().filter(|change| change.action == Action::Toggle);
    let first = toggles.take_while(|change| {
        let takes = canary.takes(people(change));
        canary.people += people(change);
        takes
    });
    first.map(|change| &change.subject).collect()
}

/// When the first of these toggles may start; none when none may within a year.
pub fn starts_at(changes: &[Change], rollout: &Rollout, now: Timestamp) -> Option<Timestamp> {
    let toggles = changes.iter().filter(|change| change.action == Action::Toggle);
    let mut needs: Vec<SignedDuration> = toggles.map(|change| need(change.wait, change.gate)).collect();
    needs.sort();
    needs.dedup();
    needs.into_iter().filter_map(|need| Some(Calendar::new(rollout, need).next(now)?.start)).min()
}

/// Warns where windows and deadline leave no time for any toggle that the manifest could ask for.
pub fn lint(declared: &Declared, now: Timestamp) -> Vec<Finding> {
    let Toggle { rollout, wait, group_wait, group_gate, rollout_place, .. } = &declared.toggle;
    let kinds = [
        (SubjectKind::User, need(*wait, SignedDuration::ZERO)),
        (SubjectKind::Group, need(*group_wait, *group_gate)),
    ];
    let never =
        |need: SignedDuration| rollout.has_times() && Calendar::new(rollout, need).next(now).is_none();
    let never = kinds.into_iter().filter(|(_, need)| never(*need));
    let finding = |(kind, need): (SubjectKind, SignedDuration)| {
        let (whose, parts) = match kind {
            SubjectKind::User => ("a user", "`wait`"),
            SubjectKind::Group => ("a group", "`groupGate` and `groupWait`"),
        };
        let message = format!(
            "no toggle of {whose} can ever start: it needs {} minutes ({parts}, and a little for the writes), and \
             `window` and `mustBeOnBy` never leave that much time",
            need.as_mins()
        );
        let finding =
            Finding::new(Code::NeverFits, message).help("open the window earlier, or put the deadline off");
        match rollout_place {
            Some(place) => finding.at(place),
            None => finding,
        }
    };
    never.map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canary_takes_subjects_as_long_as_their_people_fit_and_one_in_any_case() {
        let canary = |people| Canary { size: 5, people };
        assert!(canary(0).takes(40), "at least one subject");
        assert!(canary(4).takes(1) && canary(3).takes(2));
        assert!(!canary(5).takes(1) && !canary(3).takes(3));
    }

    #[test]
    fn a_group_needs_its_gate_too() {
        let minutes = SignedDuration::from_mins;
        assert_eq!(need(minutes(60), SignedDuration::ZERO), minutes(65));
        assert_eq!(need(minutes(30), minutes(120)), minutes(155));
    }
}
