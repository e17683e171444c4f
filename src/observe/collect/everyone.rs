//! `all: licensed`: whoever holds a license with the service plan, from the list of holders or of all users.
//!
//! The list of holders goes by `assignedLicenses`, and whether that shows a license whose assignment is in error is
//! not documented (GRAPH 3.1). Such people are meant too, if only to be told. Where the list shows one whose license
//! a group could not give it shows all; where it shows none, Graph is asked in which groups they are (GRAPH 5.3). A
//! direct assignment that cannot be made is refused (GRAPH 4.3), and not left in error.
//!
//! How many hold a license is known from the licenses themselves. A list that shows far fewer is not believed, and
//! the list of all users is read instead.

use std::cell::Cell;
use std::collections::HashSet;

use futures_util::future::join;
use futures_util::{StreamExt, stream};

use super::super::observed::User;
use super::super::selection::{Listing, Selection};
use super::super::user_list::{Ended, Sort, Sorted, UserList};
use super::super::ways::{self, Chosen, Price, Way};
use super::Collecting;
use crate::graph::{Account, Failure, Fields, Lanes, Listed, Scan, Scanned};
use crate::manifest::declared::{Select, Who};
use crate::model::{Assignment, AssignmentState, GroupId, SkuId, Timestamp, UserId};

/// More groups with members in error than that, and more than there are pages, and the list of all users is read.
const GROUPS_IN_ERROR_MAX: u64 = 20;

/// So many groups are asked at once who of them is in error.
const GROUPS_AT_ONCE: usize = 8;

/// So many users without a date are asked for theirs by filters; of more, the list shows it.
const UNDATED_MAX: u64 = 300;

/// What is needed of a list beside whom it is about.
struct Wanted<'a> {
    fields: Fields,
    sort: Sort<'a>,
}

impl Collecting<'_> {
    pub(super) async fn everyone(&mut self) -> Result<Selection, Failure> {
        let holding = ways::holding(&self.observed.catalog);
        if holding.is_empty() {
            return Ok(Selection::Read(Listing::default()));
        }
        let asked = self.asked_of(&Select::AllLicensed);
        let prices = ways::of_holders(&self.observed.catalog);
        let fields = Fields { dates: self.lists_show_dates(asked), ..self.fields() };
        let known = self.known();
        let (named, catalog, passes_by) = (&self.named, &self.observed.catalog, self.knows.passes_by);
        let sort = |user: &User, account: Option<Account>| {
            if known.contains(&user.id) || named.has(user.id, &user.upn) {
                Sorted::Keep
            } else if user.relevant(catalog).next().is_none() {
                Sorted::Leave
            } else if passes_by(user, account, asked, catalog) {
                Sorted::PassBy
            } else {
                Sorted::Keep
            }
        };
        let (way, outcome) = self.cheapest(&prices, holding, Wanted { fields, sort: &sort }).await;
        let mut prices = prices;
        prices.sort_by_key(|price| price.way != way);
        let whom = "whoever holds a license with the service plan".to_owned();
        self.observed.ways.push(Chosen { whom, prices });
        let ended = match self.listed(outcome)? {
            Ok(ended) => ended,
            Err(reason) => return Ok(Selection::Incomplete(reason)),
        };
        if ended.total == 0 && way == Way::Everyone {
            return Ok(Selection::Incomplete("Graph says that the tenant has no users".into()));
        }
        let catalog = &self.observed.catalog;
        let holders = ended.kept.values().filter(|(user, _)| user.relevant(catalog).next().is_some());
        let ids = holders.map(|(user, _)| user.id).collect();
        Ok(self.listing(ended, ids))
    }

    /// Members of declared groups, and whoever is selected otherwise and has not come with its state.
    fn known(&self) -> HashSet<UserId> {
        let members = self.observed.groups.values().flat_map(|group| group.members.ids()).copied();
        let selected = self.observed.selections.values().flat_map(Selection::ids);
        members.chain(selected.filter(|id| !self.observed.users.contains_key(id))).collect()
    }

    /// The newest date that entries with that selection ask for.
    pub(super) fn asked_of(&self, select: &Select) -> Option<Timestamp> {
        let of = self.declared.users.iter().filter(|entry| match &entry.who {
            Who::Selected(selector) => selector.select.value == *select,
            Who::User(_) => false,
        });
        of.filter_map(|entry| entry.wish.toggle_if_enabled_before).max()
    }

    /// Whether the list of holders is asked for dates: where most of them decide, and asking for them by filters
    /// would cost more than the list itself.
    fn lists_show_dates(&self, asked: Option<Timestamp>) -> bool {
        let Some(asked) = asked else { return false };
        let holders: Option<u64> = self
            .observed
            .catalog
            .licenses()
            .filter(|one| one.has_service_plan())
            .map(|one| one.holders)
            .sum();
        let renewed = self.knows.last_on.values().filter(|on| **on >= asked).count() as u64;
        holders.unwrap_or(0).saturating_sub(renewed) > UNDATED_MAX
    }

    /// Reads the list that is said to be cheapest, and the other one where that turns out not to be so, or not
    /// to be had.
    async fn cheapest(
        &self,
        prices: &[Price],
        holding: Vec<SkuId>,
        wanted: Wanted<'_>,
    ) -> (Way, Result<Ended, Failure>) {
        let Wanted { fields, sort } = wanted;
        let pages = |way| prices.iter().find(|price| price.way == way).map_or(0, |price| price.units);
        let mut ways: Vec<Way> = prices.iter().map(|price| price.way).collect();
        if let [Way::Everyone, Way::Holders] = ways.as_slice() {
            let mut list = UserList::default();
            match self.reader.first_users(fields, &mut |listed| list.take(listed, sort)).await {
                Ok(false) => return (Way::Everyone, Ok(list.end())),
                Ok(true) => ways.reverse(),
                Err(failure) => return (Way::Everyone, Err(failure)),
            }
        }
        if ways.first() == Some(&Way::Holders) {
            match self.holders(holding, pages(Way::Holders), Wanted { fields, sort }).await {
                Ok(Some(ended)) => return (Way::Holders, Ok(ended)),
                Ok(None) => {}
                Err(failure) => return (Way::Holders, Err(failure)),
            }
        }
        let scan = self.scan_of(Vec::new(), fields, pages(Way::Everyone));
        (Way::Everyone, self.users_of(&scan, sort).await)
    }

    /// The holders of these licenses, with those whose assignment is in error. None where Graph does not take what
    /// has to be asked for that, or too many groups would have to be asked.
    async fn holders(
        &self,
        holding: Vec<SkuId>,
        pages: u64,
        wanted: Wanted<'_>,
    ) -> Result<Option<Ended>, Failure> {
        let Wanted { fields, sort } = wanted;
        let (catalog, shows_errors) = (&self.observed.catalog, Cell::new(false));
        let sort_and_see = |user: &User, account: Option<Account>| {
            let not_given = |one: &Assignment| one.state == AssignmentState::Error && !one.is_direct();
            let mut own = user.relevant(catalog).peekable();
            if own.peek().is_some() && own.all(not_given) {
                shows_errors.set(true);
            }
            sort(user, account)
        };
        let scan = self.scan_of(holding, fields, pages);
        // Where waiting is what takes time it is asked for meanwhile, whether or not it will be needed.
        let groups =
            async { if scan.lanes() > 1 { Some(self.reader.groups_in_error().await) } else { None } };
        let (ended, groups) = join(self.users_of(&scan, &sort_and_see), groups).await;
        let mut ended = match ended {
            Err(failure) if failure.is_not_taken() => return Ok(None),
            ended => ended?,
        };
        let held = |(user, _): &&(User, Option<Account>)| user.relevant(catalog).next().is_some();
        let holders = ended.kept.values().filter(held).count() + ended.passed_by.len() + ended.disputed.len();
        if (holders as u64) < ways::holders_at_least(catalog) {
            return Ok(None);
        }
        if shows_errors.get() {
            return Ok(Some(ended));
        }
        let groups = match groups {
            Some(groups) => groups,
            None => self.reader.groups_in_error().await,
        };
        let Some(in_error) = self.in_error(groups, pages, sort).await? else { return Ok(None) };
        ended.take_in(in_error);
        Ok(Some(ended))
    }

    /// The members of groups who are in error, with their dates: those say whether what they have is in force.
    async fn in_error(
        &self,
        groups: Result<Vec<GroupId>, Failure>,
        pages: u64,
        sort: Sort<'_>,
    ) -> Result<Option<Ended>, Failure> {
        let is_to_be_listed = |failure: &Failure| failure.is_not_taken() || failure.is_denied();
        let groups = match groups {
            Ok(groups) if groups.len() as u64 <= pages.max(GROUPS_IN_ERROR_MAX) => groups,
            Ok(_) => return Ok(None),
            Err(failure) if is_to_be_listed(&failure) => return Ok(None),
            Err(failure) => return Err(failure),
        };
        let fields = Fields { dates: true, ..self.fields() };
        let mut list = UserList::default();
        let asked = groups.into_iter().map(|group| self.reader.members_in_error(group, fields));
        let mut answers = stream::iter(asked).buffered(GROUPS_AT_ONCE);
        while let Some(members) = answers.next().await {
            match members {
                Ok(users) => users.into_iter().for_each(|user| list.take(Listed::User(user), sort)),
                // A group that was deleted meanwhile.
                Err(Failure::NotFound(_)) => {}
                Err(failure) if is_to_be_listed(&failure) => return Ok(None),
                Err(failure) => return Err(failure),
            }
        }
        Ok(Some(list.end()))
    }

    pub(super) fn scan_of(&self, holding: Vec<SkuId>, fields: Fields, pages: u64) -> Scan {
        Scan { fields, holding, lanes: self.knows.lanes, pages }
    }

    /// The users of a list, sorted. What came in lanes has to be as many as Graph counts, then or now; if not, the
    /// list is read again in one.
    pub(super) async fn users_of(&self, scan: &Scan, sort: Sort<'_>) -> Result<Ended, Failure> {
        let mut list = UserList::default();
        let scanned = self.reader.scan(scan, &mut |listed| list.take(listed, sort)).await?;
        let ended = list.end();
        let is_whole = match scanned {
            Scanned::InOneLane => true,
            Scanned::InLanes(None) => false,
            Scanned::InLanes(Some(counted)) if counted == ended.total as u64 => true,
            // Somebody may have come or gone since, and the index that counts lags.
            Scanned::InLanes(Some(_)) => self.reader.count(scan).await? == Some(ended.total as u64),
        };
        if is_whole {
            return Ok(ended);
        }
        let mut list = UserList::default();
        let scan = Scan { lanes: Lanes::Exactly(1), ..scan.clone() };
        self.reader.scan(&scan, &mut |listed| list.take(listed, sort)).await?;
        Ok(list.end())
    }
}
