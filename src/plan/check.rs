//! A second opinion on a finished plan, independent of the code that made it: what must hold of
//! every plan, whatever the tenant. A plan that fails is never carried out.

use std::collections::BTreeSet;

use super::change::{Action, Change, Person, Step};
use super::edit::Edit;
use super::planned::Plan;
use super::resolve::{Desired, Protected};
use super::running::Running;
use crate::model::{AssignedBy, SERVICE_PLAN, SubjectId};

/// Everything that is wrong with a plan; empty for every plan that [`super::plan`] makes.
pub fn check(plan: &Plan, desired: &Desired, running: &Running) -> Vec<String> {
    let is_known = |id| is_declared(id, desired) || running.in_flight.contains_key(&id);
    check_changes(&plan.changes, &desired.protected, is_known)
}

/// The same of changes that were saved: whether they were declared is past knowing, and their digest holds
/// them together.
pub fn check_saved(changes: &[Change], protected: &Protected) -> Vec<String> {
    check_changes(changes, protected, |_| true)
}

fn check_changes(
    changes: &[Change],
    protected: &Protected,
    is_known: impl Fn(SubjectId) -> bool,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for change in changes {
        let mut say =
            |what: &str| wrong.push(format!("{} {}: {what}", change.action.as_str(), change.subject));
        if !seen.insert(change.subject.id) {
            say("stands in the plan twice");
        }
        if !is_known(change.subject.id) {
            say("is not declared (P5)");
        }
        if change.edits.is_empty() {
            say("changes nothing");
        }
        if change.edits.iter().any(|edit| !is_one_service_plan(edit)) {
            say("changes another service plan, or ends off (P1, P2)");
        }
        if !begins_right(change) {
            say("begins with lists that do not fit its action");
        }
        if !ends_on(change) {
            say("has steps that do not end on (P2)");
        }
        if change.action != Action::Resume && !expects_its_licenses(change) {
            say("writes a license that it does not expect to find (P1)");
        }
        if change.action == Action::Toggle && !names_its_people(change) {
            say("does not say who goes off");
        }
        if change.action == Action::Toggle {
            let is_protected = |person: &Person| protected.covers(person.id, &person.name);
            if change.people.iter().any(is_protected) {
                say("turns a protected person off");
            }
        }
    }
    wrong
}

fn is_declared(id: SubjectId, desired: &Desired) -> bool {
    match id {
        SubjectId::User(id) => desired.users.contains_key(&id),
        SubjectId::Group(id) => desired.groups.contains_key(&id),
    }
}

fn is_one_service_plan(edit: &Edit) -> bool {
    let only_ours = edit.before.symmetric_difference(&edit.after).all(|id| *id == SERVICE_PLAN);
    only_ours && !edit.after.contains(&SERVICE_PLAN)
}

/// An enable begins off, a toggle begins on. A resume takes it as it is.
fn begins_right(change: &Change) -> bool {
    change.edits.iter().all(|edit| match change.action {
        Action::Enable => edit.before.contains(&SERVICE_PLAN),
        Action::Toggle => !edit.before.contains(&SERVICE_PLAN),
        Action::Resume => true,
    })
}

fn ends_on(change: &Change) -> bool {
    let words: Vec<&str> = change.steps.iter().map(|step| step.parts().0).collect();
    let expected: &[&str] = match change.action {
        Action::Enable => &["on", "verify_on"],
        Action::Resume if words.len() == 4 => &["verify_off", "wait", "on", "verify_on"],
        Action::Resume => &["wait", "on", "verify_on"],
        Action::Toggle => &["off", "verify_off", "wait", "on", "verify_on"],
    };
    words == expected
        && change.steps.iter().all(|step| !matches!(step, Step::Wait(wait) if wait.is_negative()))
}

/// A user's toggle turns that user off, a group's at least one member.
fn names_its_people(change: &Change) -> bool {
    match change.subject.id {
        SubjectId::User(id) => matches!(change.people.as_slice(), [person] if person.id == id),
        SubjectId::Group(_) => !change.people.is_empty(),
    }
}

fn expects_its_licenses(change: &Change) -> bool {
    let is_expected = |edit: &Edit| {
        let found = change.expect.iter().find(|one| one.sku == edit.sku && one.by == AssignedBy::Direct);
        found.is_some_and(|one| one.on != edit.before.contains(&SERVICE_PLAN))
    };
    change.edits.iter().all(is_expected)
}
