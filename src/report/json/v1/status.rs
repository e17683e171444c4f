//! The document of `status`, format 1.0.

use schemars::JsonSchema;
use serde::Serialize;

use super::common::SubjectName;
use crate::apply::outcome::{Outcome, Trouble};
use crate::journal::lease::Holder;
use crate::model::{RunId, SubjectKind, TenantId, Timestamp};
use crate::plan::rolled::TimeOff;
use crate::plan::running::{InFlight, Phase, Running};

/// What is in flight.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(title = "advaudit status")]
pub struct StatusDocument {
    /// `1.0`.
    pub format_version: String,
    /// The tenant whose journal was read.
    pub tenant: TenantId,
    /// Unfinished toggles.
    pub in_flight: Vec<InFlightDocument>,
    /// How many people are off because of them.
    pub people_off: u64,
    /// People times minutes that they have been off so far.
    pub off_user_minutes: u64,
    /// The time off of toggles that have ended, as the journal has it.
    pub ended: EndedDocument,
    /// When to come back; null when nothing waits.
    pub resume_after: Option<Timestamp>,
    /// Who works on the tenant now.
    pub lease: Option<LeaseDocument>,
}

/// How long people were off by toggles that have ended.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct EndedDocument {
    /// People times minutes, since the journal began.
    pub off_user_minutes: u64,
    /// The newest run in which a toggle ended; null before the first.
    pub run_id: Option<RunId>,
    /// People times minutes of what ended in that run.
    pub run_off_user_minutes: u64,
}

/// One unfinished toggle, with the keys of the run document.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct InFlightDocument {
    /// Who.
    pub subject: SubjectName,
    /// `pending`, or `subject_gone`.
    pub outcome: Outcome,
    /// When it went off; null when an off may or may not have been done.
    pub off_at: Option<Timestamp>,
    /// When the on was accepted, if it was.
    pub on_at: Option<Timestamp>,
    /// When the on is due; null where the next run has to look first: an off that may or may not have
    /// been done, or a group whose members were not all seen off yet.
    pub due_at: Option<Timestamp>,
    /// How many people are off, or may be.
    pub people: u64,
    /// People times minutes that they have been off so far; of a group at most. 0 where it is not known whether.
    pub off_user_minutes: u64,
    /// Always null here.
    pub error: Option<Trouble>,
}

/// Who works on the tenant.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LeaseDocument {
    /// Run, process, machine.
    pub owner: String,
    /// When it ends by itself; null for a lock of the operating system, which ends with its process.
    pub expires_at: Option<Timestamp>,
}

impl StatusDocument {
    /// The document of what a journal says.
    pub fn new(tenant: TenantId, running: &Running, holder: Option<Holder>, now: Timestamp) -> Self {
        let open: Vec<&InFlight> = running.in_flight.values().filter(|own| own.counts_as_off()).collect();
        StatusDocument {
            format_version: "1.0".into(),
            tenant,
            people_off: open.iter().map(|own| own.people).sum(),
            resume_after: open.iter().map(|own| own.come_back(now)).min(),
            off_user_minutes: open.iter().map(|own| user_seconds(own, now)).sum::<u64>().div_ceil(60),
            ended: ended(running.rolled.time_off),
            in_flight: running.in_flight.values().map(|own| in_flight(own, now)).collect(),
            lease: holder
                .map(|holder| LeaseDocument { owner: holder.to_string(), expires_at: holder.expires_at }),
        }
    }
}

fn ended(off: TimeOff) -> EndedDocument {
    EndedDocument {
        off_user_minutes: off.user_seconds.div_ceil(60),
        run_id: off.newest.map(|(run, _)| run),
        run_off_user_minutes: off.newest.map_or(0, |(_, seconds)| seconds.div_ceil(60)),
    }
}

/// How long its people have been off by then.
fn user_seconds(own: &InFlight, now: Timestamp) -> u64 {
    let until = match own.phase {
        Phase::InDoubt { .. } | Phase::Gone { .. } => return 0,
        Phase::OnSent { on_at, .. } => on_at,
        Phase::Off { .. } | Phase::Waiting { .. } => now,
    };
    u64::try_from(until.duration_since(own.off_at()).as_secs()).unwrap_or(0).saturating_mul(own.people)
}

/// What is known of one unfinished toggle.
pub(super) fn in_flight(own: &InFlight, now: Timestamp) -> InFlightDocument {
    let group = own.subject.id.kind() == SubjectKind::Group;
    let (outcome, off_at, on_at, due_at) = match own.phase {
        Phase::InDoubt { .. } => (Outcome::Pending, None, None, None),
        Phase::Off { at } if group => (Outcome::Pending, Some(at), None, None),
        Phase::Off { at } => (Outcome::Pending, Some(at), None, Some(own.due())),
        Phase::Waiting { off_at, due } => (Outcome::Pending, Some(off_at), None, Some(due)),
        Phase::OnSent { off_at, on_at } => (Outcome::Pending, Some(off_at), Some(on_at), Some(on_at)),
        Phase::Gone { off_at, .. } => (Outcome::SubjectGone, Some(off_at), None, None),
    };
    InFlightDocument {
        subject: SubjectName::from(&own.subject),
        outcome,
        off_at,
        on_at,
        due_at,
        people: if own.counts_as_off() { own.people } else { 0 },
        off_user_minutes: user_seconds(own, now).div_ceil(60),
        error: None,
    }
}
