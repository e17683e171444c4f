//! A saved plan back to what is carried out: the changes of the document, as the planner made them.
//!
//! Nothing is decided here. What a document leaves out (the lists of other service plans are read afresh
//! anyway) is not made up: a document that does not say all that a change needs is refused.

use std::collections::BTreeSet;

use super::plan::{ChangeDocument, ExpectationDocument, OffDocument, PlanDocument, StepDocument};
use crate::model::{
    AssignedBy, AssignmentState, GroupId, SignedDuration, Subject, SubjectId, SubjectKind, UserId,
};
use crate::plan::change::{Action, Change, Expectation, Person, Step};
use crate::plan::edit::Edit;
use crate::plan::resolve::Protected;
use crate::plan::running::{InFlight, Phase};

/// What is carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct Restored {
    /// In the order of the document.
    pub changes: Vec<Change>,
    /// Who is never turned off.
    pub protected: Protected,
}

/// What a plan document would do; or the part of it that means nothing.
pub fn restore(plan: &PlanDocument) -> Result<Restored, String> {
    let changes = plan.changes.iter().map(change).collect::<Result<_, _>>()?;
    Ok(Restored { changes, protected: Protected::named(plan.protect.iter().map(String::as_str)) })
}

fn change(document: &ChangeDocument) -> Result<Change, String> {
    let subject = subject(document)?;
    let steps: Vec<Step> = document.steps.iter().map(step).collect::<Result<_, _>>()?;
    let edits = document.assignments.iter().map(|one| Edit {
        sku: one.license.id,
        before: one.before.clone(),
        after: one.after.clone(),
    });
    let edits: Vec<Edit> = edits.collect();
    let people = document.people.iter().map(|one| Person { id: one.id, name: one.name.clone() });
    let expect: BTreeSet<Expectation> = document.expect.iter().map(expectation).collect::<Result<_, _>>()?;
    let resumes = match (&document.off, document.action) {
        (Some(off), Action::Resume) => Some(in_flight(document, &subject, off, &edits)),
        (None, Action::Enable | Action::Toggle) => None,
        (_, action) => {
            return Err(format!("the {} of {subject} has the keys of another action", action.as_str()));
        }
    };
    let (wait, gate) = match &resumes {
        Some(own) => (own.wait, own.gate),
        None => (longest(&steps, |step| matches!(step, Step::Wait(_))), longest(&steps, is_gate)),
    };
    Ok(Change {
        action: document.action,
        edits,
        steps,
        people: people.collect(),
        reason: document.reason.clone(),
        expect,
        wait,
        gate,
        asked: document.asked,
        cause: document.cause,
        resumes,
        subject,
    })
}

fn subject(document: &ChangeDocument) -> Result<Subject, String> {
    let name = document.subject.name.clone();
    let id = document.subject.id.ok_or_else(|| format!("{name} has no id"))?;
    let id = match document.subject.kind {
        SubjectKind::User => SubjectId::User(UserId(id)),
        SubjectKind::Group => SubjectId::Group(GroupId(id)),
    };
    Ok(Subject { id, name })
}

fn is_gate(step: &Step) -> bool {
    matches!(step, Step::VerifyOff(_))
}

/// The duration of the step that is meant, of which there is at most one.
fn longest(steps: &[Step], is_meant: impl Fn(&Step) -> bool) -> SignedDuration {
    steps.iter().filter(|step| is_meant(step)).map(|step| step.parts().1).max().unwrap_or_default()
}

fn step(document: &StepDocument) -> Result<Step, String> {
    let time = SignedDuration::from_secs(document.seconds);
    match (document.r#do.as_str(), document.seconds) {
        ("off", 0) => Ok(Step::Off),
        ("verify_off", 0..) => Ok(Step::VerifyOff(time)),
        ("wait", 0..) => Ok(Step::Wait(time)),
        ("on", 0) => Ok(Step::On),
        ("verify_on", 0) => Ok(Step::VerifyOn),
        (word, seconds) => Err(format!("no step is `{word}` with {seconds} seconds")),
    }
}

fn expectation(document: &ExpectationDocument) -> Result<Expectation, String> {
    let by = match document.by.as_str() {
        "direct" => AssignedBy::Direct,
        id => AssignedBy::Group(id.parse().map(GroupId).map_err(|_| format!("`{id}` is no group"))?),
    };
    Ok(Expectation {
        sku: document.license,
        by,
        state: AssignmentState::from(document.state.as_str()),
        on: document.on,
    })
}

/// The unfinished toggle of a resume. Where the journal has it, the journal's own is carried out instead.
fn in_flight(document: &ChangeDocument, subject: &Subject, off: &OffDocument, edits: &[Edit]) -> InFlight {
    let (is_user, wait) =
        (document.subject.kind == SubjectKind::User, SignedDuration::from_secs(off.wait_seconds));
    InFlight {
        subject: subject.clone(),
        edits: edits.to_vec(),
        phase: match is_user {
            true => Phase::Waiting { off_at: off.at, due: off.due },
            false => Phase::Off { at: off.at },
        },
        wait,
        gate: SignedDuration::from_secs(off.gate_seconds),
        members: Vec::new(),
        people: off.people,
        reason: document.reason.clone(),
        asked: document.asked,
        verified: is_user,
        on_lost: false,
        recorded: off.recorded,
    }
}
