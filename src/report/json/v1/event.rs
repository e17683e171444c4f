//! A line of `--log-events`, format 1.0: what happens while it happens, one JSON object a line.
//!
//! The closed set of types, as structs of their own. The model is Terraform's machine-readable UI: four
//! keys that every line has, and the rest by `type`.

use schemars::JsonSchema;
use serde::Serialize;

use super::common::{PlaceDocument, SubjectName};
use super::plan::SummaryDocument;
use super::run::{CostDocument, RunSummary};
use crate::apply::outcome::{Outcome, Trouble};
use crate::model::{RunId, Timestamp};
use crate::plan::change::Action;

/// The version of the format.
pub const FORMAT_VERSION: &str = "1.0";

/// One line.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(title = "advaudit event")]
pub struct EventDocument {
    /// When, by Graph's clock as far as it is known.
    #[serde(rename = "@timestamp")]
    pub timestamp: Timestamp,
    /// How much it weighs.
    #[serde(rename = "@level")]
    pub level: Level,
    /// A sentence for people.
    #[serde(rename = "@message")]
    pub message: String,
    /// The type, and the keys that it has.
    #[serde(flatten)]
    pub event: Event,
}

/// How much a line weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// All is well.
    Info,
    /// Somebody should look.
    Warn,
    /// Something went wrong.
    Error,
}

/// What a line tells. Each type is a struct of its own.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// Always the first.
    Version(Version),
    /// A change of the plan; one for each, in order.
    PlannedChange(PlannedChange),
    /// The plan is made, and all its changes were told.
    PlanSummary(PlanSummary),
    /// Something to tell about manifest, tenant or command.
    Diagnostic(Diagnostic),
    /// Work on a subject begins.
    ApplyStart(ApplyStart),
    /// Graph accepted a write, or has come further with one.
    ApplyProgress(ApplyProgress),
    /// A read showed what was written.
    VerifyResult(VerifyResult),
    /// Nothing to do until then.
    WaitUntil(WaitUntil),
    /// Graph is asked again later.
    Throttled(Throttled),
    /// Work on a subject is done.
    ApplyComplete(ApplyEnd),
    /// Work on a subject failed, or it changed since the plan and was skipped.
    ApplyFailed(ApplyEnd),
    /// The run leaves a subject that it has begun with; the next one goes on.
    ApplyPending(ApplyEnd),
    /// From here on nothing new starts.
    Stopped(Stopped),
    /// The run is over.
    RunSummary(RunSummaryEvent),
}

/// Who writes, and what.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Version {
    /// `1.0`: of these lines.
    pub format_version: String,
    /// Version of advaudit.
    pub tool_version: String,
    /// `plan`, `apply` or `heal`.
    pub command: String,
}

/// A change of the plan.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PlannedChange {
    /// To whom.
    pub subject: SubjectName,
    /// What is done.
    pub action: Action,
    /// How many people go off.
    pub people: u64,
    /// Why.
    pub reason: String,
}

/// The plan in numbers.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PlanSummary {
    /// How many of each.
    pub summary: SummaryDocument,
    /// Digest of the decision.
    pub sha256: String,
    /// Whether everything that was declared could be read.
    pub complete: bool,
    /// The limits that it exceeds: nothing new starts.
    pub exceeded: Vec<String>,
}

/// Something to tell.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Diagnostic {
    /// Stable, in kebab case; null for what ended the command.
    pub code: Option<String>,
    /// The next step.
    pub help: Option<String>,
    /// Of whom; null when it is about more.
    pub subject: Option<SubjectName>,
    /// Where in the manifest; null when something else is meant.
    pub place: Option<PlaceDocument>,
    /// With which code the command ends because of this; null when it goes on.
    pub exit_code: Option<u8>,
}

/// Work on a subject begins.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ApplyStart {
    /// Whose.
    pub subject: SubjectName,
    /// What is done.
    pub action: Action,
}

/// Graph accepted a write, or a look showed how far it has come with the members of a group.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ApplyProgress {
    /// Whose.
    pub subject: SubjectName,
    /// What is so from now on.
    pub now: State,
    /// How many people an off turned off; null for an on, and for a look.
    pub people: Option<u64>,
    /// What a look at the members of a group showed; null when Graph accepted a write.
    pub members: Option<MembersSeen>,
}

/// How far a write has come with the members of a group.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct MembersSeen {
    /// So many were seen like that.
    pub shown: u64,
    /// Of so many who are waited for: they were without error before, and still are members without error.
    pub of: u64,
}

/// A read showed what was written.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct VerifyResult {
    /// Whose.
    pub subject: SubjectName,
    /// What the read showed.
    pub now: State,
    /// When the on is due, after an off.
    pub due_at: Option<Timestamp>,
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The service plan is on.
    On,
    /// It is off.
    Off,
}

/// Nothing to do until then.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct WaitUntil {
    /// Until when.
    pub until: Timestamp,
    /// How many people are off because of us meanwhile.
    pub people_off: u64,
}

/// Graph is asked again later.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Throttled {
    /// In so many seconds.
    pub seconds: u64,
    /// What was asked, as `GET /users`.
    pub asked: String,
    /// The status that refused it; null where no usable answer came, and for writes, whose end tells it.
    pub status: Option<u16>,
}

/// Work on a subject ended, for this run at least.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ApplyEnd {
    /// Whose.
    pub subject: SubjectName,
    /// How.
    pub outcome: Outcome,
    /// When the on is due, where somebody is left off.
    pub due_at: Option<Timestamp>,
    /// Why, when there is something to say.
    pub error: Option<Trouble>,
}

/// Nothing new starts.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Stopped {
    /// Why.
    pub why: StoppedBy,
}

/// What keeps a run from starting anything new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StoppedBy {
    /// Somebody asked the process to end.
    Interrupted,
    /// Journal, lease or Graph cannot be used any more; whoever is off is still turned on.
    Trouble,
    /// The date of the first toggle did not move.
    DateDoesNotMove,
    /// One of the canary did not come back on as it should.
    CanaryFailed,
    /// As many toggles have failed as `maxFailures` allows.
    TooManyFailures,
}

/// The end of a run.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RunSummaryEvent {
    /// The run, as in the journal.
    pub run_id: RunId,
    /// Digest of the plan; null when there was none.
    pub plan_sha256: Option<String>,
    /// How many of each.
    pub summary: RunSummary,
    /// The exit code of the command.
    pub exit_code: u8,
    /// When to come back; null when nothing waits.
    pub resume_after: Option<Timestamp>,
    /// What carrying out cost; the keys stand beside the others.
    #[serde(flatten)]
    pub cost: CostDocument,
}
