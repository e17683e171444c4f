//! The valid manifest: names, selectors and limits as data, each entry with its place.
//!
//! Made only by [`super::read()`], which has checked everything that can be checked offline; ids of
//! the tenant come later, in `plan::resolve`.

use std::fmt;
use std::sync::Arc;

use crate::diag::{Place, Source};
use crate::model::{Amount, GroupKey, Rollout, SignedDuration, Timestamp, UserId, UserKey};

/// What must be so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// The text it was read from.
    pub source: Arc<Source>,
    /// Tenant id or verified domain, as written.
    pub tenant: Located<String>,
    /// How a toggle runs.
    pub toggle: Toggle,
    /// What one run may start.
    pub limits: Limits,
    /// People who are never turned off.
    pub protect: Vec<Located<UserKey>>,
    /// Users, named and selected, in the order of the manifest.
    pub users: Vec<UserEntry>,
    /// Groups that carry licenses.
    pub groups: Vec<GroupEntry>,
}

/// A value and where it stands in the manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub place: Place,
}

/// The `toggle:` block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toggle {
    /// Between off and on, for users.
    pub wait: SignedDuration,
    /// After the verified-off gate, for groups.
    pub group_wait: SignedDuration,
    /// How long the gate may hold the on of a group back.
    pub group_gate: SignedDuration,
    /// How many people may be off at the same time; a share is never below 10.
    pub max_off: Amount,
    /// Who goes first, when, and what stops it.
    pub rollout: Rollout,
    /// Where its times stand.
    pub rollout_place: Option<Place>,
}

/// The `limits:` block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many people one run may enable; a share is never below 20.
    pub enable: Amount,
    /// How many people one run may turn off for a toggle; a share is never below 20.
    pub toggle: Amount,
    /// Groups with more members are not toggled.
    pub group_members: u64,
}

/// What is the same for every kind of entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The service plan must have been turned on at or after this.
    pub toggle_if_enabled_before: Option<Timestamp>,
    /// Why, in the administrator's words.
    pub reason: Option<String>,
    /// Where the entry stands.
    pub place: Place,
}

/// An entry of `users:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserEntry {
    /// Whom it names or selects.
    pub who: Who,
    /// Narrows an enable to the license with this part number.
    pub license: Option<Located<String>>,
    /// Date, reason, place.
    pub wish: Wish,
}

/// Whom an entry of `users:` names or selects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// One user.
    User(UserKey),
    /// Many of them.
    Selected(Selector),
}

/// A selection of users, and who of them is not meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    /// Among whom, and where that is written.
    pub select: Located<Select>,
    /// Left out of this entry only.
    pub except: Vec<Located<UserKey>>,
    /// `members: enabled`: without guests and disabled accounts.
    pub only_enabled: bool,
    /// Selecting nobody may be the truth; otherwise it is taken for a mistake (P6).
    pub allow_empty: bool,
}

impl Selector {
    /// Whether `except` names that user.
    pub fn excepts(&self, id: UserId, upn: &str) -> bool {
        self.except.iter().any(|name| name.value.names(id, upn))
    }
}

/// Among whom a selector selects. Entries that select among the same share one answer of Graph's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Select {
    /// Each user who holds a license with the service plan, directly or by group.
    AllLicensed,
    /// Users by a `$filter` of Graph's, as written.
    Filter(String),
    /// The direct members of a group that are users, whatever licenses they hold.
    MembersOf(GroupKey),
}

impl fmt::Display for Select {
    /// As it stands in the manifest: `filter: department eq 'Legal'`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Select::AllLicensed => write!(f, "all: licensed"),
            Select::Filter(filter) => write!(f, "filter: {filter}"),
            Select::MembersOf(group) => write!(f, "membersOf: {group}"),
        }
    }
}

/// An entry of `groups:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupEntry {
    /// Which group.
    pub group: GroupKey,
    /// Date, reason, place.
    pub wish: Wish,
}

impl Default for Toggle {
    fn default() -> Self {
        Toggle {
            wait: SignedDuration::from_mins(60), // Microsoft's published remedy
            group_wait: SignedDuration::ZERO,    // the remedy gives no minutes for groups
            group_gate: SignedDuration::from_hours(2),
            max_off: Amount::Share(10),
            rollout: Rollout::default(),
            rollout_place: None,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits { enable: Amount::Share(100), toggle: Amount::Share(25), group_members: 1000 }
    }
}

impl Declared {
    /// Whether any entry can ask for a toggle.
    pub fn asks_for_toggles(&self) -> bool {
        let users = self.users.iter().map(|entry| &entry.wish);
        let groups = self.groups.iter().map(|entry| &entry.wish);
        users.chain(groups).any(|wish| wish.toggle_if_enabled_before.is_some())
    }

    /// The selectors, in the order of the manifest.
    pub fn selectors(&self) -> impl Iterator<Item = &Selector> {
        self.users.iter().filter_map(|entry| match &entry.who {
            Who::Selected(selector) => Some(selector),
            Who::User(_) => None,
        })
    }
}
