//! What happens → the lines of `--log-events`. Pure: times come in, nothing is written here.

use super::json::v1::common::FindingDocument;
use super::json::v1::event::{
    ApplyEnd, ApplyProgress, ApplyStart, Diagnostic, Event, EventDocument, FORMAT_VERSION, Level,
    MembersSeen, PlanSummary, PlannedChange, RunSummaryEvent, State, Stopped, StoppedBy, Throttled,
    VerifyResult, Version, WaitUntil,
};
use super::json::v1::plan::{BlockedDocument, ChangeDocument, PlanDocument, UnknownDocument};
use super::json::v1::run::RunDocument;
use super::words::{duration, people, time};
use crate::apply::event::{Event as Happened, Told};
use crate::apply::machine::Headcount;
use crate::apply::outcome::{End, Outcome};
use crate::apply::rollout::Stop;
use crate::diag::Severity;
use crate::graph::Throttled as Asked;
use crate::model::{SignedDuration, Subject, Timestamp};
use crate::plan::change::Action;
use crate::plan::planned::Summary;

/// The first line.
pub fn version(command: &str, at: Timestamp) -> EventDocument {
    let tool_version = env!("CARGO_PKG_VERSION").to_owned();
    let message = format!("advaudit {tool_version} {command}");
    let format_version = FORMAT_VERSION.to_owned();
    info(at, message, Event::Version(Version { format_version, tool_version, command: command.to_owned() }))
}

/// A plan: what it tells, its changes, and its numbers. Of what `heal` does not do, nothing is said.
pub fn planned(plan: &PlanDocument, turns_off: bool, at: Timestamp) -> Vec<EventDocument> {
    let mut lines: Vec<EventDocument> = plan.findings.iter().map(|one| finding(one, None, at)).collect();
    lines.extend(plan.unknown.iter().map(|one| unknown(one, at)));
    lines.extend(plan.blocked.iter().map(|one| blocked(one, at)));
    let done = plan.changes.iter().filter(|change| turns_off || change.action != Action::Toggle);
    lines.extend(done.map(|one| planned_change(one, at)));
    let exceeded = plan.limits.iter().filter(|limit| limit.exceeded);
    let exceeded: Vec<String> = exceeded.map(|limit| limit.name.clone()).collect();
    let level = if plan.complete && exceeded.is_empty() { Level::Info } else { Level::Warn };
    let summary = plan.summary;
    let message = Summary::from(summary).to_string();
    let (sha256, complete) = (plan.sha256.clone(), plan.complete);
    let event = Event::PlanSummary(PlanSummary { summary, sha256, complete, exceeded });
    lines.push(EventDocument { timestamp: at, level, message, event });
    lines
}

fn planned_change(change: &ChangeDocument, at: Timestamp) -> EventDocument {
    let off = if change.action == Action::Toggle { change.people.len() as u64 } else { 0 };
    let whom = if off > 0 { format!(", {} off meanwhile", people(off)) } else { String::new() };
    let message = format!("{}: {}{whom}", change.subject.name, change.action.as_str());
    let event = PlannedChange {
        subject: change.subject.clone(),
        action: change.action,
        people: off,
        reason: change.reason.clone(),
    };
    info(at, message, Event::PlannedChange(event))
}

fn blocked(one: &BlockedDocument, at: Timestamp) -> EventDocument {
    let event = Diagnostic {
        code: Some(one.code.clone()),
        help: Some(one.next_step.clone()),
        subject: Some(one.subject.clone()),
        place: Some(one.place.clone()),
        exit_code: None,
    };
    let message = format!("{} is blocked: {}", one.subject.name, one.reason);
    EventDocument { timestamp: at, level: Level::Warn, message, event: Event::Diagnostic(event) }
}

fn unknown(one: &UnknownDocument, at: Timestamp) -> EventDocument {
    let event = Diagnostic {
        code: Some("unknown".to_owned()),
        subject: Some(one.subject.clone()),
        place: Some(one.place.clone()),
        ..Diagnostic::default()
    };
    let message = format!("{} is unknown: {}", one.subject.name, one.reason);
    EventDocument { timestamp: at, level: Level::Warn, message, event: Event::Diagnostic(event) }
}

/// A finding; with the exit code of the command that ends because of it.
pub fn finding(one: &FindingDocument, exit_code: Option<u8>, at: Timestamp) -> EventDocument {
    let level = match one.severity {
        Severity::Error => Level::Error,
        Severity::Warning => Level::Warn,
        Severity::Note => Level::Info,
    };
    let event = Diagnostic {
        code: Some(one.code.clone()),
        help: one.help.clone(),
        subject: None,
        place: one.place.clone(),
        exit_code: exit_code.filter(|_| level == Level::Error),
    };
    EventDocument { timestamp: at, level, message: one.message.clone(), event: Event::Diagnostic(event) }
}

/// What ended a command.
pub fn failure(message: String, help: Option<String>, exit_code: u8, at: Timestamp) -> EventDocument {
    let event = Diagnostic { help, exit_code: Some(exit_code), ..Diagnostic::default() };
    EventDocument { timestamp: at, level: Level::Error, message, event: Event::Diagnostic(event) }
}

/// What a driver tells; none for what other lines say already.
pub fn happened(told: &Told) -> Option<EventDocument> {
    let (level, message, event) = match &told.event {
        Happened::Due { .. } | Happened::Begun { .. } | Happened::Over => return None,
        Happened::Started { subject, action } => {
            let message = format!("{subject}: {} begins", action.as_str());
            let event = ApplyStart { subject: subject.into(), action: *action };
            (Level::Info, message, Event::ApplyStart(event))
        }
        Happened::TurnedOff { subject, people } => wrote(subject, State::Off, Some(*people)),
        Happened::TurnedOn { subject } => wrote(subject, State::On, None),
        Happened::Members { subject, headcount } => members(subject, *headcount),
        Happened::VerifiedOff { subject, due } => seen(subject, State::Off, Some(*due)),
        Happened::VerifiedOn { subject } => seen(subject, State::On, None),
        Happened::WaitUntil { until, off } => {
            let message = format!("waiting until {}, {} off because of us", time(*until), people(*off));
            (Level::Info, message, Event::WaitUntil(WaitUntil { until: *until, people_off: *off }))
        }
        Happened::Throttled { pause, asked } => waits(asked, *pause, None),
        Happened::Ended { subject, end } => ended(subject, end),
        Happened::Left { subject, due } => left(subject, *due),
        Happened::DateDoesNotMove { subject } => {
            let message =
                format!("the date of {subject} did not move after its toggle: no further toggle starts");
            (Level::Error, message, Event::Stopped(Stopped { why: StoppedBy::DateDoesNotMove }))
        }
        Happened::NothingNew => {
            let message = "nothing new is started; whoever is off because of us is turned on when due";
            (Level::Error, message.to_owned(), Event::Stopped(Stopped { why: StoppedBy::Trouble }))
        }
        Happened::Halted { stop } => {
            let why = match stop {
                Stop::CanaryFailed(_) => StoppedBy::CanaryFailed,
                Stop::TooManyFailures(_) => StoppedBy::TooManyFailures,
            };
            (Level::Error, halted(stop), Event::Stopped(Stopped { why }))
        }
        Happened::Interrupted => {
            let message = "interrupted: nothing new is started".to_owned();
            (Level::Warn, message, Event::Stopped(Stopped { why: StoppedBy::Interrupted }))
        }
    };
    Some(EventDocument { timestamp: told.at, level, message, event })
}

/// Why no further toggle starts, while the run goes on.
pub(super) fn halted(stop: &Stop) -> String {
    match stop {
        Stop::CanaryFailed(Some(subject)) => {
            format!("{subject} of the canary did not come back on as it should: no further toggle starts")
        }
        Stop::CanaryFailed(None) => {
            "one of the canary failed in an earlier run, beside others who were still off: no further toggle starts"
                .to_owned()
        }
        Stop::TooManyFailures(failures) => {
            format!("{failures} failed, which is what `maxFailures` allows: no further toggle starts")
        }
    }
}

/// The end of a run.
pub fn run(document: &RunDocument) -> EventDocument {
    let level = match document.exit_code {
        0 => Level::Info,
        4 => Level::Warn,
        _ => Level::Error,
    };
    let own = &document.summary;
    let message = format!(
        "Run over: {} enabled, {} toggled, {} resumed, {} pending, {} failed, {} skipped, {} blocked.",
        own.enabled, own.toggled, own.resumed, own.pending, own.failed, own.skipped, own.blocked
    );
    let event = RunSummaryEvent {
        run_id: document.run_id,
        plan_sha256: document.plan_sha256.clone(),
        summary: document.summary,
        exit_code: document.exit_code,
        resume_after: document.resume_after,
        cost: document.cost,
    };
    EventDocument { timestamp: document.finished_at, level, message, event: Event::RunSummary(event) }
}

/// A read that waits before it is asked again.
pub fn throttled(told: &Asked, at: Timestamp) -> EventDocument {
    let (level, message, event) = waits(&told.asked, told.until.duration_since(at), told.status);
    EventDocument { timestamp: at, level, message, event }
}

type Parts = (Level, String, Event);

fn info(timestamp: Timestamp, message: String, event: Event) -> EventDocument {
    EventDocument { timestamp, level: Level::Info, message, event }
}

fn wrote(subject: &Subject, now: State, people: Option<u64>) -> Parts {
    let message = format!("{subject}: Graph accepted the {}", word(now));
    let event = ApplyProgress { subject: subject.into(), now, people, members: None };
    (Level::Info, message, Event::ApplyProgress(event))
}

fn members(subject: &Subject, headcount: Headcount) -> Parts {
    let now = if headcount.on { State::On } else { State::Off };
    let message = format!("{subject}: {} of {} members seen {}", headcount.shown, headcount.of, word(now));
    let members = Some(MembersSeen { shown: headcount.shown, of: headcount.of });
    let event = ApplyProgress { subject: subject.into(), now, people: None, members };
    (Level::Info, message, Event::ApplyProgress(event))
}

fn seen(subject: &Subject, now: State, due_at: Option<Timestamp>) -> Parts {
    let due = due_at.map_or(String::new(), |due| format!(", the on is due at {}", time(due)));
    let message = format!("{subject}: verified {}{due}", word(now));
    (Level::Info, message, Event::VerifyResult(VerifyResult { subject: subject.into(), now, due_at }))
}

fn word(state: State) -> &'static str {
    match state {
        State::On => "on",
        State::Off => "off",
    }
}

fn waits(asked: &str, pause: SignedDuration, status: Option<u16>) -> Parts {
    // Less than a second is not no time at all.
    let pause = pause.max(SignedDuration::from_secs(1));
    let message = format!("{asked}: asked again in {}", duration(pause));
    let seconds = u64::try_from(pause.as_secs()).unwrap_or(0);
    (Level::Warn, message, Event::Throttled(Throttled { seconds, asked: asked.to_owned(), status }))
}

fn ended(subject: &Subject, end: &End) -> Parts {
    let outcome = end.outcome;
    let why = end.trouble.as_ref().map_or(String::new(), |trouble| format!(": {}", trouble.message));
    let message = format!("{subject}: {}{why}", outcome.as_str().replace('_', " "));
    let event = ApplyEnd { subject: subject.into(), outcome, due_at: None, error: end.trouble.clone() };
    match outcome {
        Outcome::Enabled | Outcome::Toggled | Outcome::Resumed => {
            (Level::Info, message, Event::ApplyComplete(event))
        }
        Outcome::CutShort
        | Outcome::LicenseGone
        | Outcome::NowByGroup
        | Outcome::NoEffect
        | Outcome::SubjectGone => (Level::Warn, message, Event::ApplyComplete(event)),
        Outcome::Pending => (Level::Warn, message, Event::ApplyPending(event)),
        Outcome::Failed | Outcome::Stuck | Outcome::Skipped => {
            (Level::Error, message, Event::ApplyFailed(event))
        }
    }
}

fn left(subject: &Subject, due_at: Option<Timestamp>) -> Parts {
    let due = due_at.map_or(String::new(), |due| format!(", the on is due at {}", time(due)));
    let message = format!("{subject}: left for the next run{due}");
    let outcome = Outcome::Pending;
    let event = ApplyEnd { subject: subject.into(), outcome, due_at, error: None };
    (Level::Warn, message, Event::ApplyPending(event))
}
