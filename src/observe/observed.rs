//! The snapshot: everything that planning may know of the tenant, and what could not be read.

use std::collections::BTreeMap;

use super::selection::Selection;
use super::ways::Chosen;
pub use crate::graph::Account;
use crate::graph::{Processing, ServicePlanEntry};
use crate::manifest::declared::Select;
use crate::model::{
    Assignment, Catalog, GroupId, GroupKey, Licensed, SignedDuration, TenantId, Timestamp, UserId, UserKey,
};

/// The tenant that answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// `organization.id`.
    pub id: TenantId,
    /// The default verified domain.
    pub domain: String,
    /// All verified domains.
    pub domains: Vec<String>,
}

impl Tenant {
    /// Whether a manifest that names its tenant like this means this one.
    pub fn is_named(&self, name: &str) -> bool {
        self.id.to_string().eq_ignore_ascii_case(name)
            || self.domains.iter().any(|domain| domain.eq_ignore_ascii_case(name))
    }
}

/// One reading of the tenant, as far as a manifest needs it.
#[derive(Clone, Debug)]
pub struct Observed {
    /// Whom we asked.
    pub tenant: Tenant,
    /// The tenant's licenses.
    pub catalog: Catalog,
    /// Users by id: declared and selected ones, and members of declared groups.
    pub users: BTreeMap<UserId, User>,
    /// Users that are known to exist but could not be read, and why.
    pub unread_users: BTreeMap<UserId, String>,
    /// Groups by id: declared ones, and those that give a declared user a license.
    pub groups: BTreeMap<GroupId, Group>,
    /// What each user name or id in the manifest leads to, by its folded form.
    pub user_keys: BTreeMap<String, Lookup<UserId>>,
    /// What each group name or id in the manifest leads to, by its folded form.
    pub group_keys: BTreeMap<String, Lookup<GroupId>>,
    /// Whom each selector of the manifest selects, by what it selects among.
    pub selections: BTreeMap<Select, Selection>,
    /// Whose account a user is, where a selector asks for that and Graph says it.
    pub accounts: BTreeMap<UserId, Account>,
    /// By how much the machine's clock is ahead of Graph's, where both are known.
    pub machine_ahead: Option<SignedDuration>,
    /// How people were read, and what other ways would have cost.
    pub ways: Vec<Chosen>,
}

/// Where a name of the manifest leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup<T> {
    /// To this object.
    Found(T),
    /// To nothing, on two reads.
    NotFound,
    /// To several.
    Ambiguous(Vec<T>),
    /// Nobody knows, because reading failed.
    Unread(String),
}

/// A user as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Object id.
    pub id: UserId,
    /// User principal name.
    pub upn: String,
    /// Two letters, or nothing; direct assignments need it.
    pub usage_location: Option<String>,
    /// One entry for each way in which the user holds a license.
    pub assignments: Vec<Assignment>,
    /// The user's `assignedPlans` entries of the service plan.
    pub dates: Dates,
}

/// The `assignedPlans` entries of the service plan; read only where they decide (GRAPH 3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dates {
    /// They decide nothing for this user.
    NotRead,
    /// All entries of the service plan.
    Read(Vec<ServicePlanEntry>),
}

impl Dates {
    /// Whether an entry says that the service plan is usable.
    pub fn agree(&self) -> bool {
        self.usable().next().is_some()
    }

    /// The newest date on which it was turned on, of the entries that are in use.
    pub fn newest_on(&self) -> Option<Timestamp> {
        self.usable().filter_map(|entry| entry.assigned).max()
    }

    fn usable(&self) -> impl Iterator<Item = &ServicePlanEntry> {
        let entries = match self {
            Dates::NotRead => &[][..],
            Dates::Read(entries) => entries,
        };
        entries.iter().filter(|entry| entry.is_usable())
    }
}

/// A group as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Object id.
    pub id: GroupId,
    /// Display name; not unique.
    pub name: String,
    /// The licenses that the group carries.
    pub licenses: Vec<Licensed>,
    /// Where Graph is with the last change of them.
    pub processing: Processing,
    /// The direct members that are users.
    pub members: Members,
}

/// The members of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Members {
    /// They decide nothing for this group.
    NotRead,
    /// Ids; the users are in [`Observed::users`] when their state was needed.
    Read(Vec<UserId>),
    /// Reading failed.
    Unread(String),
}

impl Members {
    /// The ids, as far as they were read.
    pub fn ids(&self) -> &[UserId] {
        match self {
            Members::NotRead | Members::Unread(_) => &[],
            Members::Read(ids) => ids,
        }
    }
}

impl Observed {
    /// Takes back what was read of a user, because a later read failed or says otherwise.
    pub(super) fn disbelieve(&mut self, id: UserId, reason: String) {
        self.users.remove(&id);
        self.unread_users.insert(id, reason);
    }

    /// Where the manifest's name for a user leads.
    pub fn user_key(&self, key: &UserKey) -> Lookup<UserId> {
        let missing = || Lookup::Unread("it was not asked for".into());
        self.user_keys.get(&key.folded()).cloned().unwrap_or_else(missing)
    }

    /// Where the manifest's name for a group leads.
    pub fn group_key(&self, key: &GroupKey) -> Lookup<GroupId> {
        let missing = || Lookup::Unread("it was not asked for".into());
        self.group_keys.get(&key.folded()).cloned().unwrap_or_else(missing)
    }

    /// A group's display name, or its id when it could not be read.
    pub fn group_name(&self, id: GroupId) -> String {
        self.groups.get(&id).map_or_else(|| id.to_string(), |group| group.name.clone())
    }
}
