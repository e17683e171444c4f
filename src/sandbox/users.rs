//! The users of a tenant: a population of which nobody is stored, and whoever is not as described.
//!
//! A user of the population is kept from its first change on and then takes the place of what was
//! described. Users that the file lists are kept from the start.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, btree_map};
use std::iter::Peekable;
use std::ops::Bound;
use std::sync::Arc;

use super::history::History;
use super::population::{Person, Population};
use super::user::User;
use crate::model::{GroupId, SignedDuration, SkuId, Timestamp, UserId};

/// All users.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Users {
    population: Option<Arc<Population>>,
    kept: BTreeMap<UserId, History<User>>,
    /// How many hold each license; counted along, because a million users are too many to count.
    consumed: BTreeMap<SkuId, u64>,
}

/// A user in the order of lists, with what it was.
#[derive(Clone, Copy)]
pub enum Found<'a> {
    /// Stored.
    Kept(UserId, &'a History<User>),
    /// As described.
    Lazy(Person<'a>),
}

/// A user at one moment.
#[derive(Clone, Copy)]
pub enum Seen<'a> {
    /// Stored.
    Kept(&'a User),
    /// As described.
    Lazy(Person<'a>),
}

impl Users {
    /// Users that are kept from the start, and those that are described.
    pub fn new(kept: BTreeMap<UserId, User>, population: Option<Arc<Population>>) -> Self {
        let mut consumed = population.as_ref().map(|population| population.consumed()).unwrap_or_default();
        for user in kept.values() {
            for sku in held_by(user) {
                *consumed.entry(sku).or_default() += 1;
            }
        }
        let kept = kept.into_iter().map(|(id, user)| (id, History::new(user))).collect();
        Users { population, kept, consumed }
    }

    /// How many hold that license; several sources count once (GRAPH 3.5).
    pub fn consumed(&self, sku: SkuId) -> u64 {
        self.consumed.get(&sku).copied().unwrap_or(0)
    }

    /// How many there are, deleted ones included.
    pub fn len(&self) -> u64 {
        let population = self.population.as_deref();
        let lazy = |population: &Population| {
            let changed = self.kept.keys().filter(|id| population.by_id(**id).is_some()).count();
            population.len() - changed as u64
        };
        population.map_or(0, lazy) + self.kept.len() as u64
    }

    /// The user with that id, with what it was.
    pub fn find(&self, id: UserId) -> Option<Found<'_>> {
        match self.kept.get(&id) {
            Some(history) => Some(Found::Kept(id, history)),
            None => self.population.as_ref()?.by_id(id).map(Found::Lazy),
        }
    }

    /// The user with that id as it is.
    pub fn latest(&self, id: UserId) -> Option<Cow<'_, User>> {
        self.find(id).map(|found| found.latest().into_user())
    }

    /// Who had that UPN at first, in any case, among the described.
    pub fn described(&self, upn: &str) -> Option<UserId> {
        self.population.as_ref()?.by_upn(upn).map(Person::id)
    }

    /// All of them behind that id, in the order of lists.
    pub fn after(&self, place: Option<UserId>) -> After<'_> {
        let bound = place.map_or(Bound::Unbounded, Bound::Excluded);
        let population = self.population.as_deref();
        let next = match (population, place) {
            (Some(population), Some(place)) => {
                let from = population.from(place);
                from + u64::from(from < population.len() && population.person(from).id() == place)
            }
            (None, _) | (_, None) => 0,
        };
        let kept = self.kept.range((bound, Bound::Unbounded)).peekable();
        let mut after = After { population, next, limit: 0, kept };
        after.limit();
        after
    }

    /// All of them as they are.
    pub fn all(&self) -> impl Iterator<Item = Seen<'_>> {
        self.after(None).map(Found::latest)
    }

    /// Only those that are stored, as they are.
    #[cfg(test)]
    pub fn kept(&self) -> impl Iterator<Item = &User> {
        self.kept.values().map(History::latest)
    }

    /// The user from now on. Nobody new: whoever is not there stays so.
    pub fn change(&mut self, user: User, now: Timestamp, lag: SignedDuration) {
        let id = user.id;
        if let (false, Some(described)) = (self.kept.contains_key(&id), self.latest(id)) {
            let described = History::new(described.into_owned());
            self.kept.insert(id, described);
        }
        let Some(history) = self.kept.get_mut(&id) else { return };
        let (before, after) = (held_by(history.latest()), held_by(&user));
        for sku in before.difference(&after) {
            self.consumed.entry(*sku).and_modify(|count| *count = count.saturating_sub(1));
        }
        for sku in after.difference(&before) {
            *self.consumed.entry(*sku).or_default() += 1;
        }
        history.change(now, user, lag);
    }
}

/// The licenses that count as used because of that user.
fn held_by(user: &User) -> BTreeSet<SkuId> {
    let held = user.held.iter().filter(|held| user.deleted.is_none() && held.in_force());
    held.map(|held| held.sku).collect()
}

/// Users in the order of their ids.
pub struct After<'a> {
    population: Option<&'a Population>,
    /// The next person.
    next: u64,
    /// Where a kept user comes in between, or takes the place of a person.
    limit: u64,
    kept: Peekable<btree_map::Range<'a, UserId, History<User>>>,
}

impl After<'_> {
    fn limit(&mut self) {
        let Some(population) = self.population else { return };
        self.limit = self.kept.peek().map_or(population.len(), |(id, _)| population.from(**id));
    }
}

impl<'a> Iterator for After<'a> {
    type Item = Found<'a>;

    fn next(&mut self) -> Option<Found<'a>> {
        if let Some(population) = self.population.filter(|_| self.next < self.limit) {
            self.next += 1;
            return Some(Found::Lazy(population.person(self.next - 1)));
        }
        let (id, history) = self.kept.next()?;
        if self.population.is_some_and(|population| population.by_id(*id).is_some()) {
            self.next += 1;
        }
        self.limit();
        Some(Found::Kept(*id, history))
    }
}

impl<'a> Found<'a> {
    /// As it is.
    pub fn latest(self) -> Seen<'a> {
        match self {
            Found::Kept(_, history) => Seen::Kept(history.latest()),
            Found::Lazy(person) => Seen::Lazy(person),
        }
    }

    /// As it was at a time that is asked for only where it was ever changed.
    pub fn at(self, time: impl FnOnce(UserId) -> Timestamp) -> Seen<'a> {
        match self {
            Found::Kept(id, history) => Seen::Kept(history.at(time(id))),
            Found::Lazy(person) => Seen::Lazy(person),
        }
    }
}

impl<'a> Seen<'a> {
    /// Its id.
    pub fn id(self) -> UserId {
        match self {
            Seen::Kept(user) => user.id,
            Seen::Lazy(person) => person.id(),
        }
    }

    /// The whole user.
    pub fn into_user(self) -> Cow<'a, User> {
        match self {
            Seen::Kept(user) => Cow::Borrowed(user),
            Seen::Lazy(person) => Cow::Owned(person.user()),
        }
    }

    /// Whether it is there: nobody who is described is deleted.
    pub fn is_there(self) -> bool {
        match self {
            Seen::Kept(user) => user.deleted.is_none(),
            Seen::Lazy(_) => true,
        }
    }

    /// Whether any assignment from that group is in error (GRAPH 5.3).
    pub fn has_error_from(self, group: GroupId) -> bool {
        match self {
            Seen::Kept(user) => user.has_error_from(group),
            Seen::Lazy(person) => person.profile().has_error_from(group),
        }
    }

    /// How reads of it fail.
    pub fn unreadable(self) -> Option<super::words::Unreadable> {
        match self {
            Seen::Kept(user) => user.unreadable,
            Seen::Lazy(_) => None,
        }
    }
}
