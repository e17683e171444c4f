//! How the work on one subject ended: the closed set of DESIGN 8.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{AssignmentError, Subject};

/// How it ended for one subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Off to on.
    Enabled,
    /// Off, verified, waited, on, verified.
    Toggled,
    /// An earlier run's toggle, ended on.
    Resumed,
    /// Off because of us, or not started yet: run again.
    Pending,
    /// Someone else turned it on during the wait.
    CutShort,
    /// The license was taken away; there is nothing to turn on.
    LicenseGone,
    /// The license comes from a group now.
    NowByGroup,
    /// The off was written, yet another source kept it on; turned on again at once.
    NoEffect,
    /// The subject no longer exists.
    SubjectGone,
    /// The license is not usable now, so the on is refused; tried again by each run.
    Stuck,
    /// Something went wrong; the error says what.
    Failed,
    /// It changed since the plan; nothing was done.
    Skipped,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Outcome; 12] = [
        Outcome::Enabled,
        Outcome::Toggled,
        Outcome::Resumed,
        Outcome::Pending,
        Outcome::CutShort,
        Outcome::LicenseGone,
        Outcome::NowByGroup,
        Outcome::NoEffect,
        Outcome::SubjectGone,
        Outcome::Stuck,
        Outcome::Failed,
        Outcome::Skipped,
    ];

    /// Whether it is neither what was planned, nor a failure, nor waiting: it stands only in the list.
    pub fn is_aside(self) -> bool {
        match self {
            Outcome::CutShort
            | Outcome::LicenseGone
            | Outcome::NowByGroup
            | Outcome::NoEffect
            | Outcome::SubjectGone => true,
            Outcome::Enabled
            | Outcome::Toggled
            | Outcome::Resumed
            | Outcome::Pending
            | Outcome::Stuck
            | Outcome::Failed
            | Outcome::Skipped => false,
        }
    }

    /// Whether a toggle ended as it should: seen back on.
    pub fn came_back(self) -> bool {
        matches!(self, Outcome::Toggled | Outcome::Resumed)
    }

    /// Whether a toggle began and ended otherwise, by whomever. A canary that does has failed.
    pub fn went_wrong(self) -> bool {
        match self {
            Outcome::Failed
            | Outcome::Stuck
            | Outcome::NoEffect
            | Outcome::CutShort
            | Outcome::LicenseGone
            | Outcome::NowByGroup
            | Outcome::SubjectGone => true,
            Outcome::Enabled | Outcome::Toggled | Outcome::Resumed | Outcome::Pending | Outcome::Skipped => {
                false
            }
        }
    }

    /// Whether it counts for `maxFailures`: Graph or the tenant did not do what was asked. What other people
    /// do to somebody meanwhile does not count.
    pub fn is_failure(self) -> bool {
        matches!(self, Outcome::Failed | Outcome::Stuck | Outcome::NoEffect)
    }

    /// The outcome with that word.
    pub fn named(word: &str) -> Option<Self> {
        Outcome::ALL.into_iter().find(|outcome| outcome.as_str() == word)
    }

    /// The word of the documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Enabled => "enabled",
            Outcome::Toggled => "toggled",
            Outcome::Resumed => "resumed",
            Outcome::Pending => "pending",
            Outcome::CutShort => "cut_short",
            Outcome::LicenseGone => "license_gone",
            Outcome::NowByGroup => "now_by_group",
            Outcome::NoEffect => "no_effect",
            Outcome::SubjectGone => "subject_gone",
            Outcome::Stuck => "stuck",
            Outcome::Failed => "failed",
            Outcome::Skipped => "skipped",
        }
    }
}

/// Why, for people and for machines.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Trouble {
    /// Graph's error code, or one of ours in kebab case.
    pub code: String,
    /// What happened and what to do.
    pub message: String,
    /// Graph's `request-id`, to give to Microsoft.
    pub request_id: Option<String>,
}

impl Trouble {
    /// Trouble of our own.
    pub fn ours(code: &str, message: impl Into<String>) -> Self {
        Trouble { code: code.to_owned(), message: message.into(), request_id: None }
    }
}

/// What became of one subject.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct End {
    /// How it ended.
    pub outcome: Outcome,
    /// Why, when there is something to say.
    pub trouble: Option<Trouble>,
}

/// A member of a group whose licenses Graph was asked to try again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reprocessed {
    /// The group.
    pub group: Subject,
    /// Who.
    pub member: Subject,
    /// What stood in the way, as Graph wrote it.
    pub error: Option<AssignmentError>,
    /// What became of it.
    pub result: Retried,
}

/// What another try brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retried {
    /// Nothing is in error any more.
    Healed,
    /// It was tried, and something still is.
    StillInError,
    /// It was not done, or is not known to be; what Graph said.
    Refused(String),
}
