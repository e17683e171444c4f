//! Reads what a manifest needs, once, before anything is decided, with about the fewest requests: whom a selector
//! means by pages of 999 (`selections`, `everyone`), declared users fifteen to a unit or from such a list too, where
//! that is cheaper (`people`).
//!
//! Long lists pass through: of whom nothing follows only the id is kept.
//!
//! A failure to read one subject makes that subject unread (P6); a failure that would hold for every
//! subject (credentials, a link to another origin) ends the reading.

mod dating;
mod everyone;
mod people;
mod selections;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::confirm;
use super::observed::{Lookup, Members, Observed, Tenant, User};
use super::reading::{Knows, fatal, group, matters, user};
use super::ways;
use crate::clock::Clock;
use crate::graph::{Account, Failure, Fields, GroupRead, Reader, UserRead, keeping};
use crate::manifest::declared::{Declared, Who};
use crate::model::{AssignedBy, GroupId, GroupKey, UserId, UserKey};

/// Asks which tenant answers.
pub async fn tenant(reader: &Reader) -> Result<Tenant, Failure> {
    let own = reader.organization().await?;
    let domain = own.domains.first().cloned().unwrap_or_else(|| own.id.to_string());
    Ok(Tenant { id: own.id, domain, domains: own.domains })
}

/// How much is read of groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Whatever planning needs: members where they decide something or count.
    Plan,
    /// No members, and nobody who is only protected: what the state of one user needs.
    OneUser,
    /// The members of every declared group, as users.
    Members,
}

/// Reads everything that planning this manifest needs.
pub async fn collect(
    reader: &Reader,
    declared: &Declared,
    tenant: Tenant,
    knows: Knows<'_>,
    clock: &Clock,
) -> Result<Observed, Failure> {
    let observed = nothing_yet(reader, tenant, clock).await?;
    more(reader, declared, Reach::Plan, observed, knows, clock).await
}

/// The tenant and its licenses, and nobody in it.
pub async fn nothing_yet(reader: &Reader, tenant: Tenant, clock: &Clock) -> Result<Observed, Failure> {
    let catalog = reader.catalog().await?;
    Ok(Observed {
        tenant,
        catalog,
        users: BTreeMap::new(),
        unread_users: BTreeMap::new(),
        groups: BTreeMap::new(),
        user_keys: BTreeMap::new(),
        group_keys: BTreeMap::new(),
        selections: BTreeMap::new(),
        accounts: BTreeMap::new(),
        machine_ahead: clock.skew(),
        ways: Vec::new(),
    })
}

/// Reads what this manifest needs beside what was read a moment ago.
pub async fn more(
    reader: &Reader,
    declared: &Declared,
    reach: Reach,
    observed: Observed,
    knows: Knows<'_>,
    clock: &Clock,
) -> Result<Observed, Failure> {
    let mut collecting = Collecting {
        reader,
        declared,
        reach,
        knows,
        clock,
        observed,
        named: Named::default(),
        unanswered: 0,
    };
    collecting.named = Named::of(&collecting.keys());
    collecting.groups().await?;
    collecting.selections().await?;
    collecting.named_users().await?;
    collecting.confirm().await?;
    collecting.giving_groups().await?;
    collecting.dates().await?;
    Ok(collecting.observed)
}

struct Collecting<'a> {
    reader: &'a Reader,
    declared: &'a Declared,
    reach: Reach,
    knows: Knows<'a>,
    clock: &'a Clock,
    observed: Observed,
    /// Who has to be found by its name or id.
    named: Named,
    /// So many questions in a row Graph could not answer, patience included.
    unanswered: u32,
}

/// Names and ids of users.
#[derive(Debug, Default)]
struct Named {
    ids: HashSet<UserId>,
    upns: HashSet<String>,
}

impl Named {
    fn of(keys: &[UserKey]) -> Self {
        let mut named = Named::default();
        for key in keys {
            match key {
                UserKey::Id(id) => _ = named.ids.insert(*id),
                UserKey::Upn(_) => _ = named.upns.insert(key.folded()),
            }
        }
        named
    }

    fn has(&self, id: UserId, upn: &str) -> bool {
        self.ids.contains(&id) || (!self.upns.is_empty() && self.upns.contains(&upn.to_lowercase()))
    }
}

/// After that many it is an outage: asking thousands of names one by one, each patiently, takes days.
const UNANSWERED_MAX: u32 = 3;

impl Collecting<'_> {
    /// The answer to one question of many: [`fatal`], and an end when none is answered any more.
    fn one<T>(&mut self, outcome: Result<T, Failure>) -> Result<Result<T, String>, Failure> {
        match &outcome {
            Err(failure) if failure.is_transient() => self.unanswered += 1,
            _ => self.unanswered = 0,
        }
        match outcome {
            Err(failure) if self.unanswered >= UNANSWERED_MAX => Err(failure),
            outcome => fatal(outcome),
        }
    }

    /// How much is asked of each user: more only where a selector looks at it.
    fn fields(&self) -> Fields {
        let looks = self.declared.selectors().any(|one| one.only_enabled);
        // Of one user it is told whose account it is.
        let tells = self.reach == Reach::OneUser;
        Fields { account: looks || tells, dates: false }
    }

    /// The declared groups, by id and by name, with their members where those matter.
    async fn groups(&mut self) -> Result<(), Failure> {
        let is_known = |key: &GroupKey| matches!(self.observed.group_key(key), Lookup::Found(_));
        let new = self.declared.groups.iter().filter(|entry| !is_known(&entry.group));
        let ids: Vec<GroupId> = new.filter_map(|entry| by_id(&entry.group)).collect();
        let found = self.reader.groups(&ids).await;
        for (id, outcome) in ids.into_iter().zip(found) {
            let lookup = self.group_by_id(outcome)?;
            self.observed.group_keys.insert(id.to_string(), lookup);
        }
        for entry in &self.declared.groups {
            let is_known = matches!(self.observed.group_key(&entry.group), Lookup::Found(_));
            if let (GroupKey::Name(name), false) = (&entry.group, is_known) {
                let lookup = self.group_by_name(name).await?;
                self.observed.group_keys.insert(entry.group.folded(), lookup);
            }
        }
        self.confirm_missing_groups().await?;
        let ids: Vec<GroupId> = self.observed.groups.keys().copied().collect();
        for id in ids {
            self.members_of(id).await?;
        }
        Ok(())
    }

    fn group_by_id(&mut self, found: Result<Option<GroupRead>, Failure>) -> Result<Lookup<GroupId>, Failure> {
        Ok(match fatal(found)? {
            Ok(Some(group)) => Lookup::Found(self.keep_group(group)),
            Ok(None) => Lookup::NotFound,
            Err(reason) => Lookup::Unread(reason),
        })
    }

    async fn group_by_name(&mut self, name: &str) -> Result<Lookup<GroupId>, Failure> {
        let found = self.reader.groups_named(name).await;
        let found = match self.one(found)? {
            Ok(found) => found,
            Err(reason) => return Ok(Lookup::Unread(reason)),
        };
        let mut ids: Vec<GroupId> = found.iter().map(|group| group.id).collect();
        ids.sort_unstable();
        ids.dedup();
        match (ids.as_slice(), found) {
            ([], _) => Ok(Lookup::NotFound),
            ([_], mut found) => Ok(Lookup::Found(self.keep_group(found.remove(0)))),
            (_, _) => Ok(Lookup::Ambiguous(ids)),
        }
    }

    /// A group is missing only on two reads.
    async fn confirm_missing_groups(&mut self) -> Result<(), Failure> {
        for entry in &self.declared.groups {
            if self.observed.group_key(&entry.group) != Lookup::NotFound {
                continue;
            }
            let lookup = match &entry.group {
                GroupKey::Name(name) => self.group_by_name(name).await?,
                GroupKey::Id(id) => {
                    let found = self.reader.groups(&[*id]).await.remove(0);
                    self.group_by_id(found)?
                }
            };
            self.observed.group_keys.insert(entry.group.folded(), lookup);
        }
        Ok(())
    }

    fn keep_group(&mut self, read: GroupRead) -> GroupId {
        let id = read.id;
        self.observed.groups.insert(id, group(read));
        id
    }

    /// Members decide about toggles, and count where a limit is a share of the declared people. Of a group
    /// that may be toggled or enabled they are read as users, which takes no more requests.
    async fn members_of(&mut self, id: GroupId) -> Result<(), Failure> {
        let Some(group) = self.observed.groups.get(&id) else { return Ok(()) };
        if matches!(group.members, Members::Read(_)) || !self.is_declared(id) {
            return Ok(());
        }
        let is_off = !group.is_on(&self.observed.catalog);
        let (as_users, as_ids) = match self.reach {
            Reach::Plan => (is_off || self.may_be_toggled(id), self.declared.asks_for_toggles()),
            Reach::OneUser => (false, false),
            Reach::Members => (true, false),
        };
        let members = if as_users {
            self.member_users(id).await?
        } else if as_ids {
            let ids = self.reader.members(id).await;
            self.one(ids)?.map_or_else(Members::Unread, Members::Read)
        } else {
            return Ok(());
        };
        if let Some(group) = self.observed.groups.get_mut(&id) {
            group.members = members;
        }
        Ok(())
    }

    fn is_declared(&self, id: GroupId) -> bool {
        let leads_here = |key: &GroupKey| self.observed.group_key(key) == Lookup::Found(id);
        self.declared.groups.iter().any(|entry| leads_here(&entry.group))
    }

    fn may_be_toggled(&self, id: GroupId) -> bool {
        let leads_here = |key: &GroupKey| self.observed.group_key(key) == Lookup::Found(id);
        let mut entries = self.declared.groups.iter();
        entries.any(|entry| entry.wish.toggle_if_enabled_before.is_some() && leads_here(&entry.group))
    }

    async fn member_users(&mut self, id: GroupId) -> Result<Members, Failure> {
        let catalog = &self.observed.catalog;
        let take = |read| keeping(read, &|one| matters(one, catalog));
        let found = self.reader.member_users(id, self.fields(), &take).await;
        Ok(match self.one(found)? {
            Ok(found) => Members::Read(self.keep_members(found)?),
            Err(reason) => Members::Unread(reason),
        })
    }

    /// Keeps members as users, and gives their ids.
    fn keep_members(
        &mut self,
        found: Vec<(UserId, Result<UserRead, Failure>)>,
    ) -> Result<Vec<UserId>, Failure> {
        let ids = found.iter().map(|(id, _)| *id).collect();
        for (id, read) in found {
            match fatal(read)? {
                Ok(read) => _ = self.keep_user(read),
                Err(reason) => _ = self.observed.unread_users.insert(id, reason),
            }
        }
        Ok(ids)
    }

    /// Every user name or id in the manifest that must lead somewhere.
    fn keys(&self) -> Vec<UserKey> {
        let named = self.declared.users.iter().filter_map(|entry| match &entry.who {
            Who::User(key) => Some(key),
            Who::Selected(_) => None,
        });
        let protected = self.declared.protect.iter().map(|name| &name.value);
        let protects = self.declared.asks_for_toggles() && self.reach != Reach::OneUser;
        let wanted = named.chain(protected.filter(|_| protects));
        wanted.cloned().collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn keep_user(&mut self, read: UserRead) -> UserId {
        let account = read.account;
        self.keep(user(read), account)
    }

    /// Keeps a user, and where the manifest's names for it lead.
    fn keep(&mut self, user: User, account: Option<Account>) -> UserId {
        let id = user.id;
        if self.reach == Reach::OneUser || self.named.has(id, &user.upn) {
            for key in [user.upn.to_lowercase(), id.to_string()] {
                self.observed.user_keys.insert(key, Lookup::Found(id));
            }
        }
        if let Some(account) = account {
            self.observed.accounts.insert(id, account);
        }
        self.observed.users.insert(id, user);
        id
    }

    /// Reads again whatever shows an older state than our journal has seen.
    async fn confirm(&mut self) -> Result<(), Failure> {
        confirm::confirm(self.reader, &mut self.observed, self.knows.last_on, self.clock).await
    }

    /// Names for the groups that give declared users a license. Not needed for any decision.
    async fn giving_groups(&mut self) -> Result<(), Failure> {
        let observed = &self.observed;
        let given = observed.users.values().flat_map(|user| user.relevant(&observed.catalog));
        let ids: BTreeSet<GroupId> = given
            .filter_map(|one| match one.by {
                AssignedBy::Group(id) => Some(id),
                AssignedBy::Direct => None,
            })
            .filter(|id| !observed.groups.contains_key(id))
            .collect();
        let mut ids: Vec<GroupId> = ids.into_iter().collect();
        if ids.len() > NAMED_ONE_BY_ONE {
            let carrying = self.reader.groups_carrying(&ways::holding(&self.observed.catalog)).await;
            for read in fatal(carrying)?.unwrap_or_default() {
                if ids.contains(&read.id) {
                    self.keep_group(read);
                }
            }
            ids.retain(|id| !self.observed.groups.contains_key(id));
        }
        for outcome in self.reader.groups(&ids).await {
            if let Ok(Some(read)) = fatal(outcome)? {
                self.keep_group(read);
            }
        }
        Ok(())
    }
}

/// More groups than that are found in the list of all that carry a license with the service plan.
const NAMED_ONE_BY_ONE: usize = 3;

fn by_id(key: &GroupKey) -> Option<GroupId> {
    match key {
        GroupKey::Id(id) => Some(*id),
        GroupKey::Name(_) => None,
    }
}
