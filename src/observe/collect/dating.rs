//! `assignedPlans`, where its date decides: ten kilobytes a user (GRAPH 3.3), so nobody is asked in vain.

use std::collections::{BTreeSet, HashSet};

use super::Collecting;
use crate::graph::{Failure, Fields, ServicePlanEntry, is_to_be_asked_alone};
use crate::manifest::declared::Who;
use crate::model::{GroupId, SubjectId, Timestamp, UserId, UserKey};
use crate::observe::effect::Member;
use crate::observe::observed::{Dates, Lookup, User};
use crate::observe::reading::{READS_DISAGREE, fatal};
use crate::observe::user_list::Sorted;
use crate::observe::ways::{self, Way};

/// What is said of somebody's dates.
type Dated = Result<Option<Vec<ServicePlanEntry>>, Failure>;

/// So many members of a group are asked at once. One that is due decides for the whole group, and usually
/// the first is.
const MEMBERS: usize = 100;

impl Collecting<'_> {
    pub(super) async fn dates(&mut self) -> Result<(), Failure> {
        let ids: Vec<UserId> = self.undated().into_iter().collect();
        self.read_dates(&ids).await?;
        for entry in &self.declared.groups {
            let asked = entry.wish.toggle_if_enabled_before;
            if let (Some(asked), Lookup::Found(id)) = (asked, self.observed.group_key(&entry.group)) {
                self.dates_of_members(id, asked).await?;
            }
        }
        Ok(())
    }

    /// By filters where there are several, and by themselves whom those do not show. Where many are asked the list
    /// of license holders may be cheaper.
    async fn read_dates(&mut self, ids: &[UserId]) -> Result<(), Failure> {
        let keys: Vec<UserKey> = ids.iter().copied().map(UserKey::Id).collect();
        let mut left = match ways::of_named(&keys, &self.observed.catalog).first() {
            Some(price) if price.way == Way::Holders => self.dates_of_holders(ids, price.units).await?,
            Some(_) | None => ids.to_vec(),
        };
        if left.len() > 1 {
            let answers = self.reader.dates_among(&left).await;
            let (alone, told): (Vec<_>, Vec<_>) =
                left.into_iter().zip(answers).partition(|(_, answer)| is_to_be_asked_alone(answer));
            self.take_dates(told)?;
            left = alone.into_iter().map(|(id, _)| id).collect();
        }
        let answers = self.reader.service_plan_dates(&left).await;
        self.take_dates(left.into_iter().zip(answers).collect())
    }

    /// Takes dates from the list; returns who did not come with it.
    async fn dates_of_holders(&mut self, ids: &[UserId], pages: u64) -> Result<Vec<UserId>, Failure> {
        let wanted: HashSet<UserId> = ids.iter().copied().collect();
        let fields = Fields { dates: true, ..Fields::STATE };
        let scan = self.scan_of(ways::holding(&self.observed.catalog), fields, pages);
        let sort = |user: &User, _| if wanted.contains(&user.id) { Sorted::Keep } else { Sorted::Leave };
        let outcome = self.users_of(&scan, &sort).await;
        let Ok(mut ended) = self.listed(outcome)? else { return Ok(ids.to_vec()) };
        let mut left = Vec::new();
        for id in ids {
            match (ended.kept.remove(id), self.observed.users.get_mut(id)) {
                (Some((read, _)), Some(user)) => user.dates = read.dates,
                _ => left.push(*id),
            }
        }
        Ok(left)
    }

    fn take_dates(&mut self, answers: Vec<(UserId, Dated)>) -> Result<(), Failure> {
        for (id, outcome) in answers {
            match fatal(outcome)? {
                Ok(Some(entries)) => {
                    if let Some(user) = self.observed.users.get_mut(&id) {
                        user.dates = Dates::Read(entries);
                    }
                }
                Ok(None) => self.observed.disbelieve(id, READS_DISAGREE.into()),
                Err(reason) => self.observed.disbelieve(id, reason),
            }
        }
        Ok(())
    }

    /// The users about whom `assignedPlans` decides something by themselves: declared ones, and members of
    /// whom it says whether an assignment with an error is in force.
    fn undated(&self) -> BTreeSet<UserId> {
        let observed = &self.observed;
        let needs = |user: &&User, asked: Option<Timestamp>| {
            user.dates == Dates::NotRead && user.needs_dates(asked, self.last_on(user.id), &observed.catalog)
        };
        let mut ids = BTreeSet::new();
        for entry in &self.declared.users {
            let asked = entry.wish.toggle_if_enabled_before;
            match &entry.who {
                Who::User(key) => {
                    if let Lookup::Found(id) = observed.user_key(key) {
                        let user = observed.users.get(&id).filter(|user| needs(user, asked));
                        ids.extend(user.map(|user| user.id));
                    }
                }
                Who::Selected(selector) => {
                    let selected = observed.chosen(selector).ids.into_iter();
                    let selected = selected.filter_map(|id| observed.users.get(&id));
                    let meant = selected.filter(|user| !selector.excepts(user.id, &user.upn));
                    ids.extend(meant.filter(|user| needs(user, asked)).map(|user| user.id));
                }
            }
        }
        for entry in &self.declared.groups {
            if let Lookup::Found(id) = observed.group_key(&entry.group) {
                ids.extend(self.members_read(id).filter(|user| needs(user, None)).map(|user| user.id));
            }
        }
        ids
    }

    fn members_read(&self, id: GroupId) -> impl Iterator<Item = &User> {
        let members = self.observed.groups.get(&id).map_or(&[][..], |group| group.members.ids());
        members.iter().filter_map(|id| self.observed.users.get(id))
    }

    /// The dates of members, as far as it takes to know that the group is due: one who counts and is due
    /// is enough. Whoever was left alone for longest is asked first.
    async fn dates_of_members(&mut self, id: GroupId, asked: Timestamp) -> Result<(), Failure> {
        let own_on = self.knows.last_on.get(&SubjectId::Group(id)).copied();
        let catalog = &self.observed.catalog;
        let counts = |user: &&User| {
            user.as_member(id, catalog) == Member::Counts && user.needs_dates(Some(asked), own_on, catalog)
        };
        let mut members: Vec<&User> = self.members_read(id).filter(counts).collect();
        members.sort_by_key(|user| User::newest_update(user.sources(catalog)).unwrap_or(Timestamp::MAX));
        let members: Vec<UserId> = members.into_iter().map(|user| user.id).collect();
        for some in members.chunks(MEMBERS) {
            let unread =
                |id: &&UserId| self.observed.users.get(id).is_some_and(|user| user.dates == Dates::NotRead);
            let ids: Vec<UserId> = some.iter().filter(unread).copied().collect();
            self.read_dates(&ids).await?;
            let mut read = some.iter().filter_map(|id| self.observed.users.get(id));
            if read.any(|user| user.is_untouched_since(asked, &self.observed.catalog)) {
                return Ok(());
            }
        }
        Ok(())
    }
}
