//! Whom the selectors of a manifest mean, each asked for with the fewest requests.
//!
//! Where `all: licensed` is among them every user of the tenant is read anyway, so the others are asked only
//! for ids, before, and the state of whomever they select is taken from that reading. Otherwise a selection
//! comes with its state, 999 users in a request. Whoever is selected and has not come is read by id.

use std::collections::BTreeSet;

use super::super::observed::{Lookup, Members};
use super::super::reading::{READS_DISAGREE, fatal, matters};
use super::super::selection::{Listing, Selection};
use super::super::user_list::UserList;
use super::{Collecting, Reach};
use crate::graph::{Failure, Fields, Filtered, UserRead};
use crate::manifest::declared::Select;
use crate::model::{Assignment, GroupId, GroupKey, UserId, UserKey};

impl Collecting<'_> {
    /// Resolves every selector.
    pub(super) async fn selections(&mut self) -> Result<(), Failure> {
        let selects: BTreeSet<Select> =
            self.declared.selectors().map(|one| one.select.value.clone()).collect();
        // Sorted, everyone would come first; the others decide who of them is kept.
        for select in selects.iter().filter(|select| **select != Select::AllLicensed) {
            self.resolve(select, selects.contains(&Select::AllLicensed)).await?;
        }
        if selects.contains(&Select::AllLicensed) {
            self.resolve(&Select::AllLicensed, true).await?;
        }
        self.selected_users().await
    }

    /// Resolves one selection. An empty one is believed on two reads, where it may be empty at all.
    async fn resolve(&mut self, select: &Select, everyone_comes: bool) -> Result<(), Failure> {
        let mut of = self.declared.selectors().filter(|one| one.select.value == *select);
        let may_be_empty = of.any(|one| one.allow_empty);
        let mut selection = self.ask(select, everyone_comes).await?;
        if selection.is_empty() && may_be_empty {
            selection = self.ask(select, everyone_comes).await?;
        }
        self.observed.selections.insert(select.clone(), selection);
        Ok(())
    }

    async fn ask(&mut self, select: &Select, everyone_comes: bool) -> Result<Selection, Failure> {
        match select {
            Select::AllLicensed => self.everyone().await,
            Select::Filter(filter) => self.filtered(filter, everyone_comes).await,
            Select::MembersOf(group) => self.selected_members(group, everyone_comes).await,
        }
    }

    /// How much is asked of each user: more only where a selector looks at it.
    pub(super) fn fields(&self) -> Fields {
        let looks = self.declared.selectors().any(|one| one.only_enabled);
        // Of one user it is told whose account it is.
        let tells = self.reach == Reach::OneUser;
        if looks || tells { Fields::StateAndAccount } else { Fields::State }
    }

    /// All users of the tenant; kept are those who hold a license with the service plan, who are named or
    /// selected otherwise, or who are members of a declared group.
    async fn everyone(&mut self) -> Result<Selection, Failure> {
        let named: BTreeSet<String> = self.keys().iter().map(UserKey::folded).collect();
        let members = self.observed.groups.values().flat_map(|group| group.members.ids()).copied();
        let selected = self.observed.selections.values().flat_map(Selection::ids);
        let known: BTreeSet<UserId> = members.chain(selected).collect();
        let catalog = &self.observed.catalog;
        let holds_it = |read: &UserRead| {
            read.assignments.iter().any(|one: &Assignment| catalog.has_service_plan(one.sku))
        };
        let keeps = |read: &UserRead| {
            let is_named = named.contains(&read.upn.to_lowercase()) || named.contains(&read.id.to_string());
            is_named || known.contains(&read.id) || holds_it(read)
        };
        let mut list = UserList::default();
        let outcome = self.reader.each_user(self.fields(), &mut |listed| list.take(listed, &keeps)).await;
        let licensed = list.kept.values().filter(|read| holds_it(read)).map(|read| read.id).collect();
        if let Err(reason) = self.listed(outcome)? {
            return Ok(Selection::Incomplete(reason));
        }
        if list.total() == 0 {
            return Ok(Selection::Incomplete("Graph says that the tenant has no users".into()));
        }
        Ok(self.listing(list, licensed))
    }

    /// The users whom a filter selects.
    async fn filtered(&mut self, filter: &str, everyone_comes: bool) -> Result<Selection, Failure> {
        let mut list = UserList::default();
        let outcome = if everyone_comes {
            self.reader.ids_where(filter).await
        } else {
            let keep = &mut |listed| list.take(listed, &|_| true);
            self.reader.users_where(filter, self.fields(), keep).await
        };
        Ok(match self.listed(outcome)? {
            Ok(Filtered::Given) => {
                let ids = list.kept.keys().copied().collect();
                self.listing(list, ids)
            }
            Ok(Filtered::OnlyIds(ids)) => only(ids),
            Ok(Filtered::Refused(told)) => Selection::Refused(told.to_string()),
            Err(reason) => Selection::Incomplete(reason),
        })
    }

    /// The outcome of listing users. Without the permission to list them no other page would come either.
    fn listed<T>(&mut self, outcome: Result<T, Failure>) -> Result<Result<T, String>, Failure> {
        match outcome {
            Err(failure) if failure.is_denied() => Err(failure),
            outcome => self.one(outcome),
        }
    }

    /// Keeps whoever came, of whom `ids` are selected.
    fn listing(&mut self, list: UserList, ids: BTreeSet<UserId>) -> Selection {
        let (unreadable, disputed, total) = (list.unreadable, list.disputed.len(), list.total());
        list.kept.into_values().for_each(|read| _ = self.keep_user(read));
        Selection::Read(Listing { ids, unreadable, disputed, total })
    }

    /// The direct members of a group that are users (GRAPH 5.4). The group need not be declared.
    async fn selected_members(
        &mut self,
        group: &GroupKey,
        everyone_comes: bool,
    ) -> Result<Selection, Failure> {
        let id = match group {
            GroupKey::Id(id) => *id,
            GroupKey::Name(name) => match self.named_group(group, name).await? {
                Lookup::Found(id) => id,
                Lookup::NotFound => return Ok(Selection::NotFound),
                Lookup::Ambiguous(ids) => return Ok(Selection::Ambiguous(ids)),
                Lookup::Unread(reason) => return Ok(Selection::Incomplete(reason)),
            },
        };
        let mut members = self.ids_of_members(id, everyone_comes).await?;
        if members.is_none() {
            members = self.ids_of_members(id, everyone_comes).await?;
        }
        Ok(match (members, group) {
            (Some(members), _) => members.map_or_else(Selection::Incomplete, only),
            (None, GroupKey::Id(_)) => Selection::NotFound,
            (None, GroupKey::Name(_)) => Selection::Incomplete(READS_DISAGREE.into()),
        })
    }

    /// The members of a group by id, kept as users unless everyone comes; none when there is no such group.
    async fn ids_of_members(
        &mut self,
        id: GroupId,
        everyone_comes: bool,
    ) -> Result<Option<Result<Vec<UserId>, String>>, Failure> {
        if let Some(Members::Read(ids)) = self.observed.groups.get(&id).map(|group| &group.members) {
            let has_come = |id: &UserId| self.observed.users.contains_key(id);
            if !ids.is_empty() && (everyone_comes || ids.iter().all(has_come)) {
                return Ok(Some(Ok(ids.clone())));
            }
        }
        let outcome = if everyone_comes {
            self.reader.members(id).await
        } else {
            let catalog = &self.observed.catalog;
            let wanted = &|one: &Assignment| matters(one, catalog);
            match self.reader.member_users(id, self.fields(), wanted).await {
                Ok(found) => Ok(self.keep_members(found)?),
                Err(failure) => Err(failure),
            }
        };
        match outcome {
            Err(Failure::NotFound(_)) => Ok(None),
            outcome => self.one(outcome).map(Some),
        }
    }

    /// Where the name of a group leads; nowhere only on two reads. A declared group has been looked up.
    async fn named_group(&mut self, key: &GroupKey, name: &str) -> Result<Lookup<GroupId>, Failure> {
        if let Some(known) = self.observed.group_keys.get(&key.folded()) {
            return Ok(known.clone());
        }
        let mut lookup = self.group_by_name(name).await?;
        if lookup == Lookup::NotFound {
            lookup = self.group_by_name(name).await?;
        }
        self.observed.group_keys.insert(key.folded(), lookup.clone());
        Ok(lookup)
    }

    /// Reads, by id, whoever is selected and has not come with a list.
    async fn selected_users(&mut self) -> Result<(), Failure> {
        let observed = &self.observed;
        let selected: BTreeSet<UserId> = observed.selections.values().flat_map(Selection::ids).collect();
        let mut missing: Vec<UserId> =
            selected.into_iter().filter(|id| !observed.users.contains_key(id)).collect();
        // Lists and indexes lag: whoever is deleted is still in them, so nobody is missing on one read.
        for _ in 0..2 {
            missing = self.read_selected(missing).await?;
        }
        for id in missing {
            self.observed.selections.values_mut().for_each(|selection| selection.forget(id));
        }
        Ok(())
    }

    /// Reads those users, and returns whom Graph does not know.
    async fn read_selected(&mut self, ids: Vec<UserId>) -> Result<Vec<UserId>, Failure> {
        let keys: Vec<UserKey> = ids.iter().copied().map(UserKey::Id).collect();
        let mut missing = Vec::new();
        for (id, outcome) in ids.into_iter().zip(self.reader.users_with(&keys, self.fields()).await) {
            match fatal(outcome)? {
                Ok(Some(read)) => {
                    self.observed.unread_users.remove(&id);
                    self.keep_user(read);
                }
                Ok(None) => missing.push(id),
                Err(reason) => _ = self.observed.unread_users.insert(id, reason),
            }
        }
        Ok(missing)
    }
}

/// A selection of which only the ids are known.
fn only(ids: Vec<UserId>) -> Selection {
    let total = ids.len();
    Selection::Read(Listing { ids: ids.into_iter().collect(), total, ..Listing::default() })
}
