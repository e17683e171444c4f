//! Changes that differ in nothing but the subject, put together: what every text for people shows as one
//! block. Says how they are alike, not how that is drawn.

use std::collections::BTreeMap;

use super::json::v1::plan::{BlockedDocument, ChangeDocument, PlanDocument, StepDocument};
use super::words::{count, duration, people};
use crate::model::{SignedDuration, SubjectKind};
use crate::plan::change::Action;

/// Changes that one block can show; never empty.
pub(super) struct Block<'a> {
    /// The first of them speaks for all.
    pub first: &'a ChangeDocument,
    /// All of them, in the order of the plan.
    pub all: Vec<&'a ChangeDocument>,
    /// Whether also the other service plans of their licenses are the same.
    pub same_lists: bool,
}

/// In the order of the first of each block. A group is a block of its own, because it has people of its own.
pub(super) fn changes(changes: &[ChangeDocument]) -> Vec<Block<'_>> {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut blocks: Vec<Block<'_>> = Vec::new();
    for change in changes {
        let at = *places.entry(alike(change)).or_insert(blocks.len());
        match blocks.get_mut(at) {
            Some(block) => {
                block.same_lists &= block.first.assignments == change.assignments;
                block.all.push(change);
            }
            None => blocks.push(Block { first: change, all: vec![change], same_lists: true }),
        }
    }
    blocks
}

/// Equal for changes that one block can show.
fn alike(change: &ChangeDocument) -> String {
    let whose = match change.subject.kind {
        SubjectKind::User => None,
        SubjectKind::Group => change.subject.id,
    };
    let licenses: Vec<_> = change.assignments.iter().map(|one| one.license.id).collect();
    let ChangeDocument { action, steps, reason, cause, off, .. } = change;
    let due = off.as_ref().map(|off| off.due);
    format!("{action:?}{whose:?}{licenses:?}{steps:?}{reason}{cause:?}{due:?}")
}

/// Blocked subjects by what is said of them: reason and next step.
pub(super) fn blocked(all: &[BlockedDocument]) -> BTreeMap<(&str, &str), Vec<&BlockedDocument>> {
    let mut alike: BTreeMap<(&str, &str), Vec<&BlockedDocument>> = BTreeMap::new();
    for one in all {
        alike.entry((&one.reason, &one.next_step)).or_default().push(one);
    }
    alike
}

/// `off, verified off, wait 60 min, on, verified on`.
pub(super) fn steps(change: &ChangeDocument) -> String {
    change.steps.iter().map(step).collect::<Vec<_>>().join(", ")
}

fn step(step: &StepDocument) -> String {
    let time = SignedDuration::from_secs(step.seconds);
    match step.r#do.as_str() {
        "verify_off" if time.is_zero() => "verified off".to_owned(),
        "verify_off" => format!("verified off for every member (at most {})", duration(time)),
        "wait" if time.is_zero() => "no wait".to_owned(),
        "wait" => format!("wait {}", duration(time)),
        "verify_on" => "verified on".to_owned(),
        word => word.to_owned(),
    }
}

/// `About 60 min, 5 writes; 4 people off, at most 4 at a time, 66 user-minutes of time off`.
pub(super) fn cost(plan: &PlanDocument) -> String {
    let own = plan.estimate;
    let usize_of = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let time = duration(SignedDuration::from_secs(i64::try_from(own.seconds).unwrap_or(i64::MAX)));
    let mut text = format!("About {time}, {}", count(usize_of(own.writes), "write", "writes"));
    let going_off: u64 = people_off(plan).sum();
    if going_off > 0 {
        let waves = if own.waves > 1 { format!(" in {} waves", own.waves) } else { String::new() };
        text.push_str(&format!(
            "; {} off{waves}, at most {} at a time, {} of time off",
            people(going_off),
            most_at_once(plan),
            count(usize_of(own.off_user_minutes), "user-minute", "user-minutes")
        ));
    }
    text
}

/// How many people each toggle turns off.
fn people_off(plan: &PlanDocument) -> impl Iterator<Item = u64> {
    let toggles = plan.changes.iter().filter(|change| change.action == Action::Toggle);
    toggles.map(|change| change.people.len() as u64)
}

/// `maxOff`, or the largest group, which goes alone.
fn most_at_once(plan: &PlanDocument) -> u64 {
    let largest = people_off(plan).max().unwrap_or(0);
    plan.max_off.max(largest).min(people_off(plan).sum())
}
