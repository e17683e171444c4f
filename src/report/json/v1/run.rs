//! The run document of `apply` and `heal`, format 1.0.

use schemars::JsonSchema;
use serde::Serialize;

use super::common::{SubjectName, TenantDocument};
use crate::apply::machine::{BrokenMember, Machine};
use crate::apply::outcome::{Outcome, Reprocessed, Retried, Trouble};
use crate::model::{AssignmentError, RunId, Subject, SubjectId, Timestamp};

/// What a run did.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(title = "advaudit run")]
pub struct RunDocument {
    /// `1.0`.
    pub format_version: String,
    /// The run, as in the journal.
    pub run_id: RunId,
    /// Where it ran.
    pub tenant: TenantDocument,
    /// Digest of the plan; null when there was none.
    pub plan_sha256: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// The exit code of the command.
    pub exit_code: u8,
    /// How many of each.
    pub summary: RunSummary,
    /// When to come back; null when nothing waits.
    pub resume_after: Option<Timestamp>,
    /// What carrying out cost; the keys stand beside the others.
    #[serde(flatten)]
    pub cost: CostDocument,
    /// Every subject that the run worked on.
    pub subjects: Vec<SubjectDocument>,
    /// Members of declared groups whose licenses Graph was asked to try again.
    pub reprocessed: Vec<ReprocessedDocument>,
}

/// A member of a group whose licenses Graph was asked to try again.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ReprocessedDocument {
    /// The group.
    pub group: SubjectName,
    /// Who.
    pub member: SubjectName,
    /// What stood in the way, as Graph wrote it.
    pub error: Option<String>,
    /// What came of it.
    pub result: ReprocessResult,
    /// What Graph said, where it refused.
    pub message: Option<String>,
}

/// What another try brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReprocessResult {
    /// Nothing of what comes from the group is in error any more.
    Healed,
    /// It was tried, and something still is.
    StillInError,
    /// It was not done, or is not known to be.
    Refused,
}

impl From<&Reprocessed> for ReprocessedDocument {
    fn from(one: &Reprocessed) -> Self {
        let (result, message) = match &one.result {
            Retried::Healed => (ReprocessResult::Healed, None),
            Retried::StillInError => (ReprocessResult::StillInError, None),
            Retried::Refused(message) => (ReprocessResult::Refused, Some(message.clone())),
        };
        ReprocessedDocument {
            group: SubjectName::from(&one.group),
            member: SubjectName::from(&one.member),
            error: one.error.as_ref().map(ToString::to_string),
            result,
            message,
        }
    }
}

/// How many of each; subjects with another outcome stand only in the list.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
pub struct RunSummary {
    /// Off to on.
    pub enabled: usize,
    /// Off and on again.
    pub toggled: usize,
    /// An earlier run's toggle, ended on.
    pub resumed: usize,
    /// Off because of us, or not started yet.
    pub pending: usize,
    /// Something went wrong.
    pub failed: usize,
    /// Changed since the plan.
    pub skipped: usize,
    /// Declared, and something else must happen first.
    pub blocked: usize,
}

/// What carrying out cost, from its start to its end, without the looks before and for the plan.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
pub struct CostDocument {
    /// HTTP requests, repeated ones each time; a batch is one.
    pub requests: Compared,
    /// Graph's resource units.
    pub resource_units: Compared,
    /// License writes, repeated ones each time.
    pub writes: Compared,
    /// Seconds.
    pub seconds: Compared,
    /// People times minutes off; whoever is still off counts until the end of the run.
    pub off_user_minutes: Compared,
}

/// A number beside what was estimated.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
pub struct Compared {
    /// By the estimate of what was carried out: the plan's own, where that was all of it.
    pub planned: u64,
    /// As it went.
    pub actual: u64,
}

/// What became of one subject.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SubjectDocument {
    /// Who.
    pub subject: SubjectName,
    /// How it ended.
    pub outcome: Outcome,
    /// When it went off.
    pub off_at: Option<Timestamp>,
    /// When it went on.
    pub on_at: Option<Timestamp>,
    /// When the on is due.
    pub due_at: Option<Timestamp>,
    /// People times minutes that it was off because of us, planned and so far; of a group at most.
    pub off_user_minutes: Compared,
    /// Other service plans had changed since the plan; the write used the fresh list.
    pub refreshed: bool,
    /// Why, when there is something to say.
    pub error: Option<Trouble>,
    /// Things to tell.
    pub notes: Vec<String>,
    /// Members of a group whom its change left in error, by name.
    pub members_in_error: Vec<MemberInErrorDocument>,
}

/// A member of a group whom a change of it left in error.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MemberInErrorDocument {
    /// Who.
    pub member: SubjectName,
    /// `licenseAssignmentStates.error`, as Graph wrote it; null where it only says that there is one.
    pub error: Option<String>,
    /// What that means.
    pub meaning: String,
    /// What to do about it.
    pub remedy: String,
}

impl SubjectDocument {
    /// What became of a machine's subject by then.
    pub fn new(machine: &Machine, now: Timestamp) -> Self {
        let end = machine.end();
        SubjectDocument {
            subject: SubjectName::from(&machine.job().subject),
            outcome: end.map_or(Outcome::Pending, |end| end.outcome),
            off_at: machine.off_at(),
            on_at: machine.on_at(),
            due_at: machine.due(),
            off_user_minutes: Compared {
                planned: machine.job().planned_minutes,
                actual: user_seconds(machine, now).div_ceil(60),
            },
            refreshed: machine.refreshed(),
            error: end.and_then(|end| end.trouble.clone()),
            notes: machine.notes().to_vec(),
            members_in_error: machine.broken().iter().map(MemberInErrorDocument::from).collect(),
        }
    }
}

impl From<&BrokenMember> for MemberInErrorDocument {
    fn from(broken: &BrokenMember) -> Self {
        let error = broken.error.as_ref();
        let (unsaid, look) = ("Graph does not say why", "look at the member's licenses in the admin center");
        let member = Subject { id: SubjectId::User(broken.id), name: broken.name.clone() };
        MemberInErrorDocument {
            member: SubjectName::from(&member),
            error: error.map(ToString::to_string),
            meaning: error.map_or(unsaid, AssignmentError::meaning).to_owned(),
            remedy: error.map_or(look, AssignmentError::remedy).to_owned(),
        }
    }
}

impl RunSummary {
    /// How many of each there are, with its word; nothing of what there is none.
    pub fn counted(&self) -> impl Iterator<Item = (usize, &'static str)> {
        let RunSummary { enabled, toggled, resumed, pending, failed, skipped, blocked } = *self;
        let all = [
            (enabled, "enabled"),
            (toggled, "toggled"),
            (resumed, "resumed"),
            (pending, "pending"),
            (failed, "failed"),
            (skipped, "skipped"),
            (blocked, "blocked"),
        ];
        all.into_iter().filter(|(many, _)| *many > 0)
    }

    /// Counts the outcomes; `stuck` counts as failed, because someone is off and stays so.
    pub fn of(subjects: &[SubjectDocument], blocked: usize) -> Self {
        let mut summary = RunSummary { blocked, ..RunSummary::default() };
        for one in subjects {
            match one.outcome {
                Outcome::Enabled => summary.enabled += 1,
                Outcome::Toggled => summary.toggled += 1,
                Outcome::Resumed => summary.resumed += 1,
                Outcome::Pending => summary.pending += 1,
                Outcome::Failed | Outcome::Stuck => summary.failed += 1,
                Outcome::Skipped => summary.skipped += 1,
                Outcome::CutShort
                | Outcome::LicenseGone
                | Outcome::NowByGroup
                | Outcome::NoEffect
                | Outcome::SubjectGone => {}
            }
        }
        summary
    }
}

/// People times minutes that the subjects of those machines were off because of us.
pub fn minutes_off(machines: &[Machine], now: Timestamp) -> u64 {
    machines.iter().map(|machine| user_seconds(machine, now)).sum::<u64>().div_ceil(60)
}

fn user_seconds(machine: &Machine, now: Timestamp) -> u64 {
    machine.time_off(now).map_or(0, |off| off.seconds * off.people)
}
