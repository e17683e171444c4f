//! What Graph says about a tenant, as values.

use crate::model::{Assignment, GroupId, Licensed, TenantId, Timestamp, UserId};

/// The tenant, from `GET /organization`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub id: TenantId,
    /// Its verified domains, the default one first.
    pub domains: Vec<String>,
}

/// A user and every way in which it holds a license, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRead {
    /// The object id.
    pub id: UserId,
    /// The user principal name.
    pub upn: String,
    /// `usageLocation`; a direct change needs one (GRAPH 4.3).
    pub usage_location: Option<String>,
    /// The entries of `licenseAssignmentStates`.
    pub assignments: Vec<Assignment>,
    /// Whose account it is; none where that was not asked for, or Graph does not say.
    pub account: Option<Account>,
    /// The entries of `assignedPlans` for *the* service plan; none where they were not asked for.
    pub dates: Option<Vec<ServicePlanEntry>>,
}

/// Whose account a user is, from `accountEnabled` and `userType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account {
    /// Of a member of the organization, who can sign in. A type that is not `Guest` is a member's: of old
    /// accounts Graph gives none.
    Enabled,
    /// Of a member who cannot sign in.
    Disabled,
    /// Of a guest, whether or not the guest can sign in.
    Guest,
}

impl Account {
    /// `enabled`, `disabled` or `guest`.
    pub fn as_str(self) -> &'static str {
        match self {
            Account::Enabled => "enabled",
            Account::Disabled => "disabled",
            Account::Guest => "guest",
        }
    }
}

/// A group and the licenses that it carries, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRead {
    /// The object id.
    pub id: GroupId,
    /// The display name, or the id where there is none.
    pub name: String,
    /// The entries of `assignedLicenses`.
    pub licenses: Vec<Licensed>,
    /// How far its last change has come.
    pub processing: Processing,
}

/// `licenseProcessingState` (GRAPH 5.2). A stale `Complete` of the change before is possible: by
/// itself this proves nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Processing {
    /// None: the group never carried a license.
    None,
    /// Waiting for its turn.
    Queued,
    /// Members are being changed.
    InProgress,
    /// Members have been changed.
    Complete,
    /// Some members could not be changed. Undocumented, but Microsoft's own sample expects it.
    Failed,
    /// A word that Microsoft has added since; never read as finished.
    Other(String),
}

impl Processing {
    /// Whether nothing more will come of the change that this speaks of.
    pub fn is_finished(&self) -> bool {
        match self {
            Processing::None | Processing::Complete | Processing::Failed => true,
            Processing::Queued | Processing::InProgress | Processing::Other(_) => false,
        }
    }
}

impl Processing {
    /// The word as Graph writes it; none where it writes nothing.
    pub fn word(&self) -> Option<&str> {
        match self {
            Processing::None => None,
            Processing::Queued => Some("QueuedForProcessing"),
            Processing::InProgress => Some("ProcessingInProgress"),
            Processing::Complete => Some("ProcessingComplete"),
            Processing::Failed => Some("ProcessingFailed"),
            Processing::Other(word) => Some(word),
        }
    }
}

impl From<Option<&str>> for Processing {
    fn from(word: Option<&str>) -> Self {
        match word {
            None | Some("") => Processing::None,
            Some("QueuedForProcessing") => Processing::Queued,
            Some("ProcessingInProgress") => Processing::InProgress,
            Some("ProcessingComplete") => Processing::Complete,
            Some("ProcessingFailed") => Processing::Failed,
            Some(other) => Processing::Other(other.to_owned()),
        }
    }
}

/// One entry of a user's `assignedPlans` for *the* service plan (GRAPH 3.3). There may be several:
/// one that was turned off commonly stays, as `Deleted`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePlanEntry {
    /// `capabilityStatus`: Enabled, Warning, Suspended, LockedOut, Deleted, or a newer word.
    pub status: String,
    /// `assignedDateTime`.
    pub assigned: Option<Timestamp>,
}

impl ServicePlanEntry {
    /// Whether the user can use the service plan by this entry: Enabled or Warning.
    pub fn is_usable(&self) -> bool {
        matches!(self.status.as_str(), "Enabled" | "Warning")
    }
}
