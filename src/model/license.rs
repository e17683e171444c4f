//! How a subject holds a license: the entries of `licenseAssignmentStates` and of a group's
//! `assignedLicenses`, as values.

use std::collections::BTreeSet;
use std::fmt;

use super::{GroupId, SERVICE_PLAN, ServicePlanId, SkuId, Timestamp};

/// The source of an assignment. An inherited one can only be changed on its group (GRAPH 3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AssignedBy {
    /// On the user itself.
    Direct,
    /// Inherited from that group.
    Group(GroupId),
}

impl AssignedBy {
    /// The group, when it is inherited.
    pub fn group(self) -> Option<GroupId> {
        match self {
            AssignedBy::Direct => None,
            AssignedBy::Group(id) => Some(id),
        }
    }
}

/// `licenseAssignmentStates[].state`. Meanings are a working reading (GRAPH 3.2).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AssignmentState {
    /// In force.
    Active,
    /// In force, but the last change could not be applied.
    ActiveWithError,
    /// Present, not in force.
    Disabled,
    /// Not applied.
    Error,
    /// A word that Microsoft has added since; never read as in force.
    Other(String),
}

impl AssignmentState {
    /// The word as Graph writes it.
    pub fn as_str(&self) -> &str {
        match self {
            AssignmentState::Active => "Active",
            AssignmentState::ActiveWithError => "ActiveWithError",
            AssignmentState::Disabled => "Disabled",
            AssignmentState::Error => "Error",
            AssignmentState::Other(word) => word,
        }
    }
}

impl From<&str> for AssignmentState {
    fn from(word: &str) -> Self {
        match word {
            "Active" => AssignmentState::Active,
            "ActiveWithError" => AssignmentState::ActiveWithError,
            "Disabled" => AssignmentState::Disabled,
            "Error" => AssignmentState::Error,
            other => AssignmentState::Other(other.to_owned()),
        }
    }
}

/// `licenseAssignmentStates[].error`. Null, empty and the word `None` all mean "no error".
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AssignmentError {
    /// No seats left.
    CountViolation,
    /// Two service plans exclude each other.
    MutuallyExclusiveViolation,
    /// A needed service plan is absent, or one that others need would go.
    DependencyViolation,
    /// A service is not offered at the user's usage location.
    ProhibitedInUsageLocationViolation,
    /// A proxy address is already taken.
    UniquenessViolation,
    /// Usually: another license of the same group failed.
    Other(String),
}

impl AssignmentError {
    /// Reads the word as Graph sends it.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "" | "None" => None,
            "CountViolation" => Some(AssignmentError::CountViolation),
            "MutuallyExclusiveViolation" => Some(AssignmentError::MutuallyExclusiveViolation),
            "DependencyViolation" => Some(AssignmentError::DependencyViolation),
            "ProhibitedInUsageLocationViolation" => Some(AssignmentError::ProhibitedInUsageLocationViolation),
            "UniquenessViolation" => Some(AssignmentError::UniquenessViolation),
            other => Some(AssignmentError::Other(other.to_owned())),
        }
    }

    /// The word as Graph writes it.
    pub fn as_str(&self) -> &str {
        match self {
            AssignmentError::CountViolation => "CountViolation",
            AssignmentError::MutuallyExclusiveViolation => "MutuallyExclusiveViolation",
            AssignmentError::DependencyViolation => "DependencyViolation",
            AssignmentError::ProhibitedInUsageLocationViolation => "ProhibitedInUsageLocationViolation",
            AssignmentError::UniquenessViolation => "UniquenessViolation",
            AssignmentError::Other(word) => word,
        }
    }

    /// What went wrong, in plain words (GRAPH 3.2): a clause in lower case.
    pub fn meaning(&self) -> &'static str {
        match self {
            AssignmentError::CountViolation => "no seat of the license was left",
            AssignmentError::MutuallyExclusiveViolation => "two of its service plans exclude each other",
            AssignmentError::DependencyViolation => {
                "a service plan is missing that another one needs, or would go while another one needs it"
            }
            AssignmentError::ProhibitedInUsageLocationViolation => {
                "a service of it is not offered at the user's usage location"
            }
            AssignmentError::UniquenessViolation => "a proxy address of the user is taken by another object",
            AssignmentError::Other(word) if word == "Other" => {
                "usually another license of the same group could not be assigned, and then none of the group's is"
            }
            AssignmentError::Other(_) => "an error that this version of advaudit does not know",
        }
    }

    /// What an administrator does about it (GRAPH 3.2 and its Entra sources).
    pub fn remedy(&self) -> &'static str {
        match self {
            AssignmentError::CountViolation => "free or buy seats of the license",
            AssignmentError::MutuallyExclusiveViolation => {
                "turn off one of the two service plans that exclude each other"
            }
            AssignmentError::DependencyViolation => "turn on the service plan that it depends on",
            AssignmentError::ProhibitedInUsageLocationViolation => {
                "the service is not offered at the user's usage location: correct the location, or turn that service plan off"
            }
            AssignmentError::UniquenessViolation => {
                "a proxy address is used twice: remove it from the other object"
            }
            AssignmentError::Other(word) if word == "Other" => {
                "see to the errors of the user's other licenses first"
            }
            AssignmentError::Other(_) => "look at the user's licenses in the Microsoft 365 admin center",
        }
    }
}

impl fmt::Display for AssignmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One entry of a user's `licenseAssignmentStates`: one way in which the user holds a license.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// Which license.
    pub sku: SkuId,
    /// From where.
    pub by: AssignedBy,
    /// The service plans that this assignment turns off.
    pub disabled: BTreeSet<ServicePlanId>,
    /// Whether Graph applies it.
    pub state: AssignmentState,
    /// What is wrong with it, if anything.
    pub error: Option<AssignmentError>,
    /// `lastUpdatedDateTime`.
    pub updated: Option<Timestamp>,
}

impl Assignment {
    /// Whether the assignment leaves *the* service plan on (whatever its state).
    pub fn leaves_on(&self) -> bool {
        !self.disabled.contains(&SERVICE_PLAN)
    }

    /// Whether it was assigned on the user itself.
    pub fn is_direct(&self) -> bool {
        self.by == AssignedBy::Direct
    }
}

/// One entry of a group's `assignedLicenses`: a license that the group carries. Also the shape of
/// what `assignLicense` is sent, for users and groups alike: a license and its whole list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Licensed {
    /// Which license.
    pub sku: SkuId,
    /// The service plans that are turned off.
    pub disabled: BTreeSet<ServicePlanId>,
}

impl Licensed {
    /// Whether it leaves *the* service plan on.
    pub fn leaves_on(&self) -> bool {
        !self.disabled.contains(&SERVICE_PLAN)
    }
}
