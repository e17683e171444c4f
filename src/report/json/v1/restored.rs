//! A saved plan back to what is carried out: the changes of the document, as the planner made them.
//!
//! Nothing is decided here. What a document leaves out (the lists of other service plans are read afresh
//! anyway) is not made up: a document that does not say all that a change needs is refused.

use std::collections::BTreeSet;

use super::common::ServicePlanDocument;
use super::members::MembersDocument;
use super::plan::{
    ChangeDocument, ExpectationDocument, OffDocument, PlanDocument, StepDocument, SummaryDocument,
};
use super::rollout::RolloutDocument;
use crate::model::{
    AssignedBy, AssignmentState, GroupId, NoTime, Rollout, SERVICE_PLAN_NAME, SignedDuration, Subject,
    SubjectId, SubjectKind, Timestamp, UserId,
};
use crate::plan::change::{Action, Change, Expectation, Person, Step};
use crate::plan::edit::Edit;
use crate::plan::limits::Limit;
use crate::plan::members::Members;
use crate::plan::resolve::Protected;
use crate::plan::running::{InFlight, Phase};

/// No manifest asks for more, and no journal is believed that does.
const LONGEST: SignedDuration = SignedDuration::from_hours(30 * 24);

/// More people than any tenant has.
const MOST_PEOPLE: u64 = 100_000_000;

/// What is carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct Restored {
    /// In the order of the document.
    pub changes: Vec<Change>,
    /// Who is never turned off.
    pub protected: Protected,
    /// Who goes first, when toggles may start, and what stops them.
    pub rollout: Rollout,
}

/// What a plan document would do; or the part of it that means nothing.
pub fn restore(plan: &PlanDocument) -> Result<Restored, String> {
    let words = plan.protect.iter().chain([&plan.tenant.domain]);
    words.map(String::as_str).try_for_each(on_one_line)?;
    let changes: Vec<Change> =
        plan.changes.iter().map(|one| change(one, plan.created_at)).collect::<Result<_, _>>()?;
    is_summed_up(plan, &changes)?;
    let protected = Protected::named(plan.protect.iter().map(String::as_str));
    Ok(Restored { changes, protected, rollout: rollout(&plan.rollout)? })
}

/// As a manifest could have said it.
fn rollout(document: &RolloutDocument) -> Result<Rollout, String> {
    let RolloutDocument { canary, max_failures, windows, must_be_on_by, .. } = document;
    if [canary, max_failures].into_iter().flatten().any(|count| *count == 0) {
        return Err("its rollout counts to 0".to_owned());
    }
    let windows = windows.iter().map(|text| text.parse().map_err(|wrong: NoTime| wrong.what));
    let must_be_on_by = must_be_on_by.as_ref().map(|text| text.parse().map_err(|wrong: NoTime| wrong.what));
    Ok(Rollout {
        canary: *canary,
        max_failures: *max_failures,
        windows: windows.collect::<Result<_, _>>()?,
        must_be_on_by: must_be_on_by.transpose()?,
    })
}

/// A name with a line break or worse would draw something of its own wherever it is shown.
fn on_one_line(text: &str) -> Result<(), String> {
    match text.contains(char::is_control) {
        true => Err("a name holds control characters".to_owned()),
        false => Ok(()),
    }
}

/// Whether the numbers that people go by are those of the changes.
fn is_summed_up(plan: &PlanDocument, changes: &[Change]) -> Result<(), String> {
    let SummaryDocument { enable, toggle, resume, blocked, unknown, .. } = plan.summary;
    let with = |action| changes.iter().filter(|change| change.action == action).count();
    let said = [enable, toggle, resume, blocked, unknown];
    let actions = [Action::Enable, Action::Toggle, Action::Resume].map(with);
    if said != [actions[0], actions[1], actions[2], plan.blocked.len(), plan.unknown.len()] {
        return Err("its summary is not that of its changes".to_owned());
    }
    let toggles = changes.iter().filter(|change| change.action == Action::Toggle);
    let going_off: u64 = toggles.map(|change| change.people.len() as u64).sum();
    for limit in &plan.limits {
        let is_counted = limit.name != Limit::Toggle.as_str() || limit.actual == going_off;
        if !is_counted || limit.exceeded != (limit.actual > limit.limit) {
            return Err(format!("limits.{} is not held against its changes", limit.name));
        }
    }
    if Limit::ALL.iter().any(|limit| !plan.limits.iter().any(|own| own.name == limit.as_str())) {
        return Err("a limit is missing".to_owned());
    }
    if plan.service_plan != ServicePlanDocument::ours() {
        return Err(format!("it is about another service plan than {SERVICE_PLAN_NAME}"));
    }
    Ok(())
}

fn change(document: &ChangeDocument, made_at: Timestamp) -> Result<Change, String> {
    let subject = subject(document)?;
    let steps: Vec<Step> = document.steps.iter().map(step).collect::<Result<_, _>>()?;
    let edits = document.assignments.iter().map(|one| Edit {
        sku: one.license.id,
        before: one.before.clone(),
        after: one.after.clone(),
    });
    let edits: Vec<Edit> = edits.collect();
    if document.members.is_some() && subject.id.user().is_some() {
        return Err(format!("{subject} is a user and has members"));
    }
    let off = document.members.as_ref().map(|members| members.off);
    if document.action == Action::Toggle && off.is_some_and(|off| off != document.people.len() as u64) {
        return Err(format!("the members of {subject} who go off are not counted as they are named"));
    }
    let people = document.people.iter().map(|one| Person { id: one.id, name: one.name.clone() });
    let expect: BTreeSet<Expectation> = document.expect.iter().map(expectation).collect::<Result<_, _>>()?;
    let resumes = match (&document.off, document.action) {
        (Some(off), Action::Resume) => Some(in_flight(document, &subject, is_sound(off, made_at)?, &edits)),
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
        members: document.members.as_ref().map(Members::from),
        people_now: None,
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
    on_one_line(&name)?;
    document.people.iter().try_for_each(|person| on_one_line(&person.name))?;
    document.members.iter().flat_map(MembersDocument::words).try_for_each(on_one_line)?;
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

/// Times that a manifest could have asked for. What the journal has is carried out as the journal has it.
fn is_sound(off: &OffDocument, made_at: Timestamp) -> Result<&OffDocument, String> {
    if off.recorded {
        return Ok(off);
    }
    let longest = 0..=LONGEST.as_secs();
    let waits = off.due.duration_since(made_at) <= LONGEST && off.at <= off.due;
    match longest.contains(&off.wait_seconds) && longest.contains(&off.gate_seconds) && waits {
        true if off.people <= MOST_PEOPLE => Ok(off),
        _ => Err("an unfinished toggle has times or people that no plan has".to_owned()),
    }
}

fn step(document: &StepDocument) -> Result<Step, String> {
    let time = SignedDuration::from_secs(document.seconds);
    if time > LONGEST {
        return Err(format!("`{}` takes longer than 30 days", document.r#do));
    }
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
