//! Whom the selectors of a manifest mean, each asked for with the fewest requests.
//!
//! A selection comes with its state, 999 users in a request. Whoever is selected and has not come with a state is
//! read as those are who have an entry of their own. Of whom nothing follows only the id is kept.

use std::collections::BTreeSet;

use super::super::observed::{Lookup, Members, User};
use super::super::reading::{READS_DISAGREE, fatal, matters, user};
use super::super::selection::{Listing, Selection};
use super::super::user_list::{Ended, Sorted, UserList};
use super::Collecting;
use crate::graph::{Account, Failure, Filtered, UserRead, keeping};
use crate::manifest::declared::Select;
use crate::model::{GroupId, GroupKey, Timestamp, UserId, UserKey};

/// A member of a group as far as it is kept.
enum Member {
    Kept(Box<User>, Option<Account>),
    PassedBy,
}

/// The members of a group: who they are, and who of them was passed by.
#[derive(Default)]
struct Chosen {
    ids: Vec<UserId>,
    passed_by: BTreeSet<UserId>,
}

impl Collecting<'_> {
    /// Resolves every selector.
    pub(super) async fn selections(&mut self) -> Result<(), Failure> {
        let selects: BTreeSet<Select> =
            self.declared.selectors().map(|one| one.select.value.clone()).collect();
        // Sorted, those of license holders would come first; the others decide who of them is kept.
        for select in selects.iter().filter(|select| **select != Select::AllLicensed) {
            self.resolve(select).await?;
        }
        if selects.contains(&Select::AllLicensed) {
            self.resolve(&Select::AllLicensed).await?;
        }
        self.selected_users().await
    }

    /// Resolves one selection. An empty one is believed on two reads, where it may be empty at all.
    async fn resolve(&mut self, select: &Select) -> Result<(), Failure> {
        let mut of = self.declared.selectors().filter(|one| one.select.value == *select);
        let may_be_empty = of.any(|one| one.allow_empty);
        let mut selection = self.ask(select).await?;
        if selection.is_empty() && may_be_empty {
            selection = self.ask(select).await?;
        }
        self.observed.selections.insert(select.clone(), selection);
        Ok(())
    }

    async fn ask(&mut self, select: &Select) -> Result<Selection, Failure> {
        let asked = self.asked_of(select);
        match select {
            Select::AllLicensed => self.everyone().await,
            Select::Filter(filter) => self.filtered(filter, asked).await,
            Select::MembersOf(group) => self.selected_members(group, asked).await,
        }
    }

    /// Whether a user who is selected has to be kept.
    fn sorted(&self, user: &User, account: Option<Account>, asked: Option<Timestamp>) -> Sorted {
        let is_named = self.named.has(user.id, &user.upn);
        let passes_by = self.knows.passes_by;
        if !is_named && passes_by(user, account, asked, &self.observed.catalog) {
            Sorted::PassBy
        } else {
            Sorted::Keep
        }
    }

    /// The users whom a filter selects.
    async fn filtered(&mut self, filter: &str, asked: Option<Timestamp>) -> Result<Selection, Failure> {
        let mut list = UserList::default();
        let sort = |user: &User, account| self.sorted(user, account, asked);
        let keep = &mut |listed| list.take(listed, &sort);
        let outcome = self.reader.users_where(filter, self.fields(), keep).await;
        Ok(match self.listed(outcome)? {
            Ok(Filtered::Given) => {
                let ended = list.end();
                let ids = ended.kept.keys().copied().collect();
                self.listing(ended, ids)
            }
            Ok(Filtered::OnlyIds(ids)) => only(Chosen { ids, ..Chosen::default() }),
            Ok(Filtered::Refused(told)) => Selection::Refused(told.to_string()),
            Err(reason) => Selection::Incomplete(reason),
        })
    }

    /// The outcome of listing users. Without the permission to list them no other page would come either.
    pub(super) fn listed<T>(&mut self, outcome: Result<T, Failure>) -> Result<Result<T, String>, Failure> {
        match outcome {
            Err(failure) if failure.is_denied() => Err(failure),
            outcome => self.one(outcome),
        }
    }

    /// Keeps whoever came and has to be kept; of those `ids` are selected, and whoever was passed by.
    pub(super) fn listing(&mut self, list: Ended, ids: BTreeSet<UserId>) -> Selection {
        let Ended { kept, passed_by, disputed, unreadable, total } = list;
        kept.into_values().for_each(|(user, account)| _ = self.keep(user, account));
        Selection::Read(Listing { ids, passed_by, unreadable, disputed: disputed.len(), total })
    }

    /// The direct members of a group that are users (GRAPH 5.4). The group need not be declared.
    async fn selected_members(
        &mut self,
        group: &GroupKey,
        asked: Option<Timestamp>,
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
        let mut members = self.members_chosen(id, asked).await?;
        if members.is_none() {
            members = self.members_chosen(id, asked).await?;
        }
        Ok(match (members, group) {
            (Some(members), _) => members.map_or_else(Selection::Incomplete, only),
            (None, GroupKey::Id(_)) => Selection::NotFound,
            (None, GroupKey::Name(_)) => Selection::Incomplete(READS_DISAGREE.into()),
        })
    }

    /// The members of a group, kept as users where they have to be; none when there is no such group.
    async fn members_chosen(
        &mut self,
        id: GroupId,
        asked: Option<Timestamp>,
    ) -> Result<Option<Result<Chosen, String>>, Failure> {
        if let Some(Members::Read(ids)) = self.observed.groups.get(&id).map(|group| &group.members) {
            let has_come = |id: &UserId| self.observed.users.contains_key(id);
            if !ids.is_empty() && ids.iter().all(has_come) {
                return Ok(Some(Ok(Chosen { ids: ids.clone(), ..Chosen::default() })));
            }
        }
        let catalog = &self.observed.catalog;
        let take = |read: UserRead| {
            let account = read.account;
            let user = user(keeping(read, &|one| matters(one, catalog)));
            match self.sorted(&user, account, asked) {
                Sorted::PassBy => Member::PassedBy,
                Sorted::Keep | Sorted::Leave => Member::Kept(Box::new(user), account),
            }
        };
        match self.reader.member_users(id, self.fields(), &take).await {
            Err(Failure::NotFound(_)) => Ok(None),
            Ok(found) => Ok(Some(Ok(self.keep_chosen(found)?))),
            Err(failure) => self.one(Err(failure)).map(Some),
        }
    }

    fn keep_chosen(&mut self, found: Vec<(UserId, Result<Member, Failure>)>) -> Result<Chosen, Failure> {
        let mut chosen = Chosen::default();
        for (id, member) in found {
            match fatal(member)? {
                Ok(Member::PassedBy) => {
                    chosen.passed_by.insert(id);
                    continue;
                }
                Ok(Member::Kept(user, account)) => _ = self.keep(*user, account),
                Err(reason) => _ = self.observed.unread_users.insert(id, reason),
            }
            chosen.ids.push(id);
        }
        Ok(chosen)
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

    /// Reads whoever is selected and has not come with a list. Whom Graph does not know any more is not selected:
    /// lists and indexes lag.
    async fn selected_users(&mut self) -> Result<(), Failure> {
        let observed = &self.observed;
        let selected: BTreeSet<UserId> = observed.selections.values().flat_map(Selection::ids).collect();
        let is_missing = |id: &UserId| !observed.users.contains_key(id);
        let missing = selected.into_iter().filter(is_missing).map(UserKey::Id).collect();
        let asked = observed.selections.keys().filter_map(|select| self.asked_of(select)).max();
        let mut passed_by = BTreeSet::new();
        for (key, lookup) in self.people("selected", missing).await? {
            let UserKey::Id(id) = key else { continue };
            match lookup {
                Lookup::Found(_) => {
                    self.observed.unread_users.remove(&id);
                    let account = self.observed.accounts.get(&id).copied();
                    let user = self.observed.users.get(&id);
                    if user.is_some_and(|user| self.sorted(user, account, asked) == Sorted::PassBy) {
                        passed_by.insert(id);
                    }
                }
                Lookup::NotFound | Lookup::Ambiguous(_) => {
                    self.observed.selections.values_mut().for_each(|selection| selection.forget(id));
                }
                Lookup::Unread(reason) => _ = self.observed.unread_users.insert(id, reason),
            }
        }
        let members = self.observed.groups.values().flat_map(|group| group.members.ids());
        let members: BTreeSet<UserId> = members.copied().collect();
        passed_by.retain(|id| !members.contains(id));
        self.observed.users.retain(|id, _| !passed_by.contains(id));
        self.observed.accounts.retain(|id, _| !passed_by.contains(id));
        self.observed.selections.values_mut().for_each(|selection| selection.pass_by(&passed_by));
        Ok(())
    }
}

/// A selection of which only the ids are known.
fn only(chosen: Chosen) -> Selection {
    let total = chosen.ids.len() + chosen.passed_by.len();
    let (ids, passed_by) = (chosen.ids.into_iter().collect(), chosen.passed_by.into_iter().collect());
    Selection::Read(Listing { ids, passed_by, total, ..Listing::default() })
}
