//! A saved plan against what runs have done since: which of its changes are still to be done.
//!
//! Whether a subject is still as the plan expects it, is seen when its turn comes, by a fresh read.

use super::change::{Action, Change};
use super::running::{InFlight, Running};
use super::sequence::resume;
use crate::model::Timestamp;

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
