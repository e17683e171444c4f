//! The journal's records, version 1: types of their own, so that inner types can change without
//! breaking a journal that waits on disk. Times are UTC, ids are GUIDs, durations are seconds.

use std::collections::BTreeSet;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::{RunId, ServicePlanId, SkuId, Subject, SubjectKind, TenantId, UserId};

/// The version that this program writes.
pub const VERSION: u32 = 1;

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// Version of the format.
    pub v: u32,
    /// Counts from 1.
    pub seq: u64,
    /// When it was written.
    pub at: Timestamp,
    /// The run that wrote it.
    pub run: RunId,
    /// SHA-256 of the line before, without its line end; empty for the first.
    pub prev: String,
    /// What happened.
    pub entry: Entry,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    /// A run begins.
    RunStarted {
        /// `apply` or `heal`.
        command: String,
        /// Version of advaudit.
        tool_version: String,
        /// The tenant that it works on.
        tenant: TenantId,
        /// Digest of the plan; absent while only unfinished toggles are ended.
        plan_sha256: Option<String>,
        /// Digest of the manifest that the plan was made from; absent where only a part of it was meant.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        manifest_sha256: Option<String>,
        /// The declared subjects that were not as they must be, by id and by name in lower case; absent where
        /// that is not known, or they are too many to tell.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        out_of_sync: Option<Vec<String>>,
        /// Limits of the manifest that were overridden, and why.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        allowed: Vec<Allowed>,
    },
    /// This run took the lease away from another one (`--break-lease`).
    LeaseBroken {
        /// Who had it, as far as that was known.
        owner: String,
    },
    /// The off is about to be sent. Holds everything that is needed to end the toggle.
    OffIntent {
        /// Whom it turns off.
        subject: Who,
        /// The licenses and their lists.
        lists: Vec<List>,
        /// Between off and on.
        wait_seconds: i64,
        /// How long the gate of a group may hold the on back.
        gate_seconds: i64,
        /// How many people go off.
        people: u64,
        /// Members of a group that were without error before: the gate waits for them.
        members: Vec<UserId>,
        /// Why.
        reason: String,
        /// The date that asked for it.
        asked: Option<Timestamp>,
        /// Digest of the change of the plan.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        change: Option<String>,
    },
    /// Graph accepted the off, or a read showed it.
    OffDone {
        /// Who is off.
        subject: Who,
        /// When the answer came.
        off_at: Timestamp,
        /// Graph's request id; absent when a read showed it.
        request_id: Option<String>,
    },
    /// The off certainly did not happen.
    OffRefused {
        /// Who is not off.
        subject: Who,
        /// What Graph said.
        message: String,
        /// Graph's request id.
        request_id: Option<String>,
    },
    /// A read showed the off (for a group: the gate opened, or ran out).
    OffVerified {
        /// Who is off.
        subject: Who,
        /// When the on is due.
        due: Timestamp,
        /// False when the gate ran out before every member was seen off.
        complete: bool,
    },
    /// A subject was found off without a record of ours, and a toggle is asked for.
    Adopted {
        /// Who is off.
        subject: Who,
        /// The licenses and their lists.
        lists: Vec<List>,
        /// Between off and on.
        wait_seconds: i64,
        /// How long the gate of a group may hold the on back.
        gate_seconds: i64,
        /// Since when, as far as the tenant's dates tell.
        off_at: Timestamp,
        /// How many people are off.
        people: u64,
        /// When the on is due; fixed here and never moved later. Absent for a group, whose gate decides.
        due: Option<Timestamp>,
        /// Why.
        reason: String,
        /// The date that asked for it.
        asked: Option<Timestamp>,
    },
    /// The on is about to be sent.
    OnIntent {
        /// Whom it turns on.
        subject: Who,
        /// The licenses and their lists.
        lists: Vec<List>,
        /// Why.
        reason: String,
        /// Digest of the change of the plan, where the on begins it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        change: Option<String>,
    },
    /// Graph accepted the on.
    OnDone {
        /// Who is on.
        subject: Who,
        /// When the answer came.
        on_at: Timestamp,
        /// Whether it ended an off that was seen, so that the service plan was turned on anew.
        renews: bool,
        /// Graph's request id.
        request_id: Option<String>,
    },
    /// Nothing is left to do for this subject.
    Closed {
        /// Who.
        subject: Who,
        /// How it ended, a word of the run document.
        outcome: String,
        /// What there is to say about it.
        message: Option<String>,
        /// What was done: `enable`, `toggle`, or `resume` of an earlier run's toggle.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        action: Option<String>,
        /// Of a toggle that turned somebody off: how long.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        off: Option<TimeOff>,
    },
    /// Graph is about to be asked to try again what a member of a group could not get.
    ReprocessIntent {
        /// Who.
        subject: Who,
        /// Of which group.
        group: Who,
        /// What stands in the way, as Graph wrote it.
        error: Option<String>,
    },
    /// It was asked.
    Reprocessed {
        /// Who.
        subject: Who,
        /// Why it was not done, or is not known to be.
        message: Option<String>,
        /// Graph's request id.
        request_id: Option<String>,
    },
    /// The run ended by itself.
    RunFinished {
        /// Its exit code.
        exit_code: u8,
    },
}

/// How long people were off because of a toggle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct TimeOff {
    /// From the answer to the off to that to the on, or to the end where there was no on of ours.
    pub seconds: u64,
    /// How many people.
    pub people: u64,
    /// Whether it was no longer than that: the members of a group go off and on one after the other, and an
    /// on of somebody else has no time of ours.
    pub at_most: bool,
}

/// A limit that was overridden (`--allow`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Allowed {
    /// The name under `limits:`.
    pub limit: String,
    /// What was allowed instead, as it was written.
    pub written: String,
    /// Why.
    pub reason: String,
}

/// A subject.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Who {
    /// User or group.
    pub kind: SubjectKind,
    /// Object id.
    pub id: Uuid,
    /// The name it had.
    pub name: String,
}

impl From<&Subject> for Who {
    fn from(subject: &Subject) -> Self {
        Who { kind: subject.id.kind(), id: subject.id.guid(), name: subject.name.clone() }
    }
}

/// A license and its disabled service plans, before and after a write.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct List {
    /// `skuId`.
    pub license: SkuId,
    /// `skuPartNumber`.
    pub part_number: String,
    /// As read just before.
    pub before: BTreeSet<ServicePlanId>,
    /// As sent.
    pub after: BTreeSet<ServicePlanId>,
}

impl Entry {
    /// The subject, for the entries that have one.
    pub fn subject(&self) -> Option<&Who> {
        match self {
            Entry::RunStarted { .. } | Entry::LeaseBroken { .. } | Entry::RunFinished { .. } => None,
            Entry::OffIntent { subject, .. }
            | Entry::OffDone { subject, .. }
            | Entry::OffRefused { subject, .. }
            | Entry::OffVerified { subject, .. }
            | Entry::Adopted { subject, .. }
            | Entry::OnIntent { subject, .. }
            | Entry::OnDone { subject, .. }
            | Entry::Closed { subject, .. }
            | Entry::ReprocessIntent { subject, .. }
            | Entry::Reprocessed { subject, .. } => Some(subject),
        }
    }
}
