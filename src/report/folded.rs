//! Changes that differ in nothing but the subject, put together: what every text for people shows as one
//! block. Says how they are alike, not how that is drawn.

use std::collections::{BTreeMap, HashMap};

use super::json::v1::plan::{BlockedDocument, ChangeDocument, PlanDocument, StepDocument};
use super::words::{count, duration, people};
use crate::model::{SignedDuration, SkuId, SubjectKind, Timestamp};
use crate::plan::change::{Action, Cause};

/// Changes that one block can show; never empty.
#[derive(Clone)]
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
    let mut places: HashMap<Alike<'_>, usize> = HashMap::new();
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
#[derive(PartialEq, Eq, Hash)]
struct Alike<'a> {
    action: Action,
    /// A group stands for itself.
    group: Option<uuid::Uuid>,
    licenses: Vec<SkuId>,
    steps: &'a [StepDocument],
    reason: &'a str,
    cause: Option<Cause>,
    due: Option<Timestamp>,
}

fn alike(change: &ChangeDocument) -> Alike<'_> {
    let group = match change.subject.kind {
        SubjectKind::User => None,
        SubjectKind::Group => change.subject.id,
    };
    Alike {
        action: change.action,
        group,
        licenses: change.assignments.iter().map(|one| one.license.id).collect(),
        steps: &change.steps,
        reason: &change.reason,
        cause: change.cause,
        due: change.off.as_ref().map(|off| off.due),
    }
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

/// For how long a toggle turns somebody off: `60 min`, or for a group
/// `until every member was seen off (at most 2 h)`.
pub(super) fn off_for(change: &ChangeDocument) -> String {
    let seconds = |word: &str| {
        let own = change.steps.iter().filter(|step| step.r#do == word);
        SignedDuration::from_secs(own.map(|step| step.seconds).sum())
    };
    let (gate, wait) = (seconds("verify_off"), seconds("wait"));
    let until = format!("until every member was seen off (at most {})", duration(gate));
    match (gate.is_zero(), wait.is_zero()) {
        (true, _) => duration(wait),
        (false, true) => until,
        (false, false) => format!("{until}, then {}", duration(wait)),
    }
}

/// `12 people for about 60 min: 720 user-minutes`; none where nobody goes off.
pub(super) fn time_off(block: &Block<'_>) -> Option<String> {
    let off: u64 = block.all.iter().map(|change| change.people.len() as u64).sum();
    let minutes: u64 = block.all.iter().map(|change| change.off_user_minutes).sum();
    (block.first.action == Action::Toggle && off > 0).then(|| {
        let each = i64::try_from(minutes / off).unwrap_or(i64::MAX);
        let minutes = count(usize::try_from(minutes).unwrap_or(usize::MAX), "user-minute", "user-minutes");
        format!(
            "{} for about {}: {minutes}",
            people(off),
            duration(SignedDuration::from_mins(each.min(1 << 40)))
        )
    })
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
