//! Who a thing is about: a user or a group, by id and by the name people use.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{GroupId, UserId};

/// The two kinds of subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SubjectKind {
    /// A person's or a service's account.
    User,
    /// A group that carries licenses.
    Group,
}

impl SubjectKind {
    /// `user` or `group`.
    pub fn as_str(self) -> &'static str {
        match self {
            SubjectKind::User => "user",
            SubjectKind::Group => "group",
        }
    }
}

impl fmt::Display for SubjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The id of a subject. Ids drive, names are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubjectId {
    /// A user.
    User(UserId),
    /// A group.
    Group(GroupId),
}

impl SubjectId {
    /// Which kind of subject this is.
    pub fn kind(self) -> SubjectKind {
        match self {
            SubjectId::User(_) => SubjectKind::User,
            SubjectId::Group(_) => SubjectKind::Group,
        }
    }

    /// The id as a bare GUID, as it stands in a URL.
    pub fn guid(self) -> uuid::Uuid {
        match self {
            SubjectId::User(id) => id.0,
            SubjectId::Group(id) => id.0,
        }
    }

    /// The user's id, when it is a user.
    pub fn user(self) -> Option<UserId> {
        match self {
            SubjectId::User(id) => Some(id),
            SubjectId::Group(_) => None,
        }
    }

    /// The group's id, when it is a group.
    pub fn group(self) -> Option<GroupId> {
        match self {
            SubjectId::Group(id) => Some(id),
            SubjectId::User(_) => None,
        }
    }
}

impl fmt::Display for SubjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.guid().fmt(f)
    }
}

/// A subject as it is shown: its id and the name it had when it was read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    /// What drives.
    pub id: SubjectId,
    /// What is shown: a UPN, or a group's display name.
    pub name: String,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name)
    }
}

/// How a manifest names a user. UPNs are compared without regard to case (GRAPH 2.4).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UserKey {
    /// By object id.
    Id(UserId),
    /// By user principal name, as written.
    Upn(String),
}

impl UserKey {
    /// An object id when it has the shape of one, otherwise a UPN.
    pub fn parse(text: &str) -> Self {
        text.parse().map_or_else(|_| UserKey::Upn(text.to_owned()), UserKey::Id)
    }

    /// Whether this key names the user with that id and UPN.
    pub fn names(&self, id: UserId, upn: &str) -> bool {
        match self {
            UserKey::Id(own) => *own == id,
            UserKey::Upn(own) => own.to_lowercase() == upn.to_lowercase(),
        }
    }

    /// The form in which two keys for one user are equal.
    pub fn folded(&self) -> String {
        match self {
            UserKey::Id(id) => id.to_string(),
            UserKey::Upn(upn) => upn.to_lowercase(),
        }
    }
}

impl fmt::Display for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UserKey::Id(id) => id.fmt(f),
            UserKey::Upn(upn) => f.pad(upn),
        }
    }
}

/// How a manifest names a group. Display names are not unique in a tenant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroupKey {
    /// By object id.
    Id(GroupId),
    /// By display name, as written.
    Name(String),
}

impl GroupKey {
    /// An object id when it has the shape of one, otherwise a display name.
    pub fn parse(text: &str) -> Self {
        text.parse().map_or_else(|_| GroupKey::Name(text.to_owned()), GroupKey::Id)
    }

    /// The form in which two keys for one group are equal.
    pub fn folded(&self) -> String {
        match self {
            GroupKey::Id(id) => id.to_string(),
            GroupKey::Name(name) => name.to_lowercase(),
        }
    }
}

impl fmt::Display for GroupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GroupKey::Id(id) => id.fmt(f),
            GroupKey::Name(name) => f.pad(name),
        }
    }
}
