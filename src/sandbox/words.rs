//! The closed sets of words: of the wire, and of the tenant file.

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// `licenseAssignmentStates[].state`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum AssignmentState {
    /// In force.
    #[default]
    Active,
    /// In force, but the last change could not be applied.
    ActiveWithError,
    /// Present, not in force.
    Disabled,
    /// Not applied.
    Error,
}

/// `licenseAssignmentStates[].error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum AssignmentError {
    /// No seats left.
    CountViolation,
    /// Two service plans clash.
    MutuallyExclusiveViolation,
    /// A service plan lacks another one, or another one needs it.
    DependencyViolation,
    /// A service is not offered where the user is.
    ProhibitedInUsageLocationViolation,
    /// A proxy address is taken.
    UniquenessViolation,
    /// Usually another license of the same group.
    Other,
}

/// `capabilityStatus`, of an owned license and of an entry of `assignedPlans`. In the documented
/// order of what happens to a license that is not paid for (GRAPH 3.3), best first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum Capability {
    /// Usable.
    #[default]
    Enabled,
    /// Usable, in the grace period.
    Warning,
    /// Not usable.
    Suspended,
    /// Not usable.
    LockedOut,
    /// Gone.
    Deleted,
}

impl AssignmentState {
    /// The word as Graph writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            AssignmentState::Active => "Active",
            AssignmentState::ActiveWithError => "ActiveWithError",
            AssignmentState::Disabled => "Disabled",
            AssignmentState::Error => "Error",
        }
    }
}

impl AssignmentError {
    /// The word as Graph writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            AssignmentError::CountViolation => "CountViolation",
            AssignmentError::MutuallyExclusiveViolation => "MutuallyExclusiveViolation",
            AssignmentError::DependencyViolation => "DependencyViolation",
            AssignmentError::ProhibitedInUsageLocationViolation => "ProhibitedInUsageLocationViolation",
            AssignmentError::UniquenessViolation => "UniquenessViolation",
            AssignmentError::Other => "Other",
        }
    }
}

impl Capability {
    const ALL: [Capability; 5] = [
        Capability::Enabled,
        Capability::Warning,
        Capability::Suspended,
        Capability::LockedOut,
        Capability::Deleted,
    ];

    /// The word as Graph writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Capability::Enabled => "Enabled",
            Capability::Warning => "Warning",
            Capability::Suspended => "Suspended",
            Capability::LockedOut => "LockedOut",
            Capability::Deleted => "Deleted",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// Whether it can be used (GRAPH 3.3).
    pub fn is_usable(self) -> bool {
        matches!(self, Capability::Enabled | Capability::Warning)
    }
}

/// `planDates:`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PlanDates {
    /// A service plan that is turned on gets a new `assignedDateTime`.
    #[default]
    Move,
    /// An entry keeps the date it first had.
    Stay,
}

/// How reads of an object fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// 403 Authorization_RequestDenied.
    Forbidden,
    /// 503, for ever.
    Unavailable,
}

impl<'de> Deserialize<'de> for Unreadable {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match u16::deserialize(from)? {
            403 => Ok(Unreadable::Forbidden),
            503 => Ok(Unreadable::Unavailable),
            other => Err(D::Error::custom(format!("`{other}` is neither 403 nor 503"))),
        }
    }
}
