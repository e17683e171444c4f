//! How toggles of earlier runs ended, as far as a rollout goes by it. Filled by `apply::replay`.
//!
//! Whoever came back well since the date that asks for a toggle has been its canary, in whichever run. And
//! what went wrong since the first of those who are off now went off belongs to the same canary: a pipeline
//! that comes back by itself must not try the next one. Once nobody is off any more, somebody has seen the
//! end of that, and a new run begins anew.

use std::collections::BTreeMap;

use crate::model::{RunId, SubjectId, Timestamp};

/// How toggles of earlier runs ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rolled {
    /// When the newest run began.
    run_began: Option<Timestamp>,
    /// Toggles that are not ended.
    open: BTreeMap<SubjectId, Open>,
    /// When a toggle last ended well, and how many people were off with it.
    came_back: BTreeMap<SubjectId, (Timestamp, u64)>,
    /// When a toggle last ended otherwise.
    went_wrong: BTreeMap<SubjectId, Timestamp>,
    /// How long people were off by toggles that have ended.
    pub time_off: TimeOff,
}

/// A toggle that is not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Open {
    /// The beginning of the run that turned it off.
    since: Timestamp,
    /// It was turned on after an off that was seen.
    is_renewed: bool,
}

/// People times seconds off, as the journal has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeOff {
    /// Since the journal began.
    pub user_seconds: u64,
    /// The newest run in which a toggle ended, and what ended in it.
    pub newest: Option<(RunId, u64)>,
}

impl TimeOff {
    /// A toggle ended in that run.
    pub fn add(&mut self, run: RunId, user_seconds: u64) {
        let before = self.newest.filter(|(newest, _)| *newest == run).map_or(0, |(_, before)| before);
        self.user_seconds += user_seconds;
        self.newest = Some((run, before + user_seconds));
    }
}

impl Rolled {
    /// A run begins.
    pub fn run_begins(&mut self, at: Timestamp) {
        self.run_began = Some(at);
    }

    /// Somebody is about to go off. Whoever was only found off proves nothing about our toggles.
    pub fn goes_off(&mut self, id: SubjectId, at: Timestamp) {
        let since = self.run_began.unwrap_or(at);
        self.open.entry(id).or_insert(Open { since, is_renewed: false });
    }

    /// Whether a toggle of ours on that subject has begun and not ended.
    pub fn is_open(&self, id: SubjectId) -> bool {
        self.open.contains_key(&id)
    }

    /// It was turned on after an off that was seen.
    pub fn is_renewed(&mut self, id: SubjectId) {
        if let Some(open) = self.open.get_mut(&id) {
            open.is_renewed = true;
        }
    }

    /// A toggle ended well. One that was never seen off proves nothing.
    pub fn came_back(&mut self, id: SubjectId, at: Timestamp, people: u64) {
        if self.open.remove(&id).is_some_and(|open| open.is_renewed) {
            self.came_back.insert(id, (at, people));
        }
    }

    /// A toggle ended otherwise.
    pub fn went_wrong(&mut self, id: SubjectId, at: Timestamp) {
        self.open.remove(&id);
        self.went_wrong.insert(id, at);
    }

    /// It is over and says nothing: it never began, or nobody is there any more.
    pub fn is_over(&mut self, id: SubjectId) {
        self.open.remove(&id);
    }

    /// Since when somebody has been off without an end: the beginning of the run that turned them off.
    pub fn open_since(&self) -> Option<Timestamp> {
        self.open.values().map(|open| open.since).min()
    }

    /// How many people came back well since then.
    pub fn people_back_since(&self, time: Timestamp) -> u64 {
        self.came_back.values().filter(|(at, _)| *at >= time).map(|(_, people)| people).sum()
    }

    /// Whether a toggle went wrong since then.
    pub fn went_wrong_since(&self, time: Timestamp) -> bool {
        self.went_wrong.values().any(|at| *at >= time)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::model::UserId;

    fn user(number: u128) -> SubjectId {
        SubjectId::User(UserId(Uuid::from_u128(number)))
    }

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + 60 * minute).expect("a time")
    }

    #[test]
    fn who_came_back_since_the_date_counts_with_all_their_people() {
        let mut rolled = Rolled::default();
        for (number, minute, people) in [(1, 0, 1), (2, 10, 1), (3, 20, 40)] {
            rolled.goes_off(user(number), at(minute));
            rolled.is_renewed(user(number));
            rolled.came_back(user(number), at(minute), people);
        }
        rolled.came_back(user(4), at(20), 1); // was only found off
        rolled.goes_off(user(5), at(20)); // and that off was never seen
        rolled.came_back(user(5), at(20), 1);
        assert_eq!(rolled.people_back_since(at(10)), 41);
    }

    #[test]
    fn what_went_wrong_beside_somebody_who_is_still_off_is_remembered_until_nobody_is() {
        let mut rolled = Rolled::default();
        rolled.run_begins(at(0));
        rolled.goes_off(user(1), at(2));
        rolled.went_wrong(user(2), at(1));
        assert!(rolled.open_since().is_some_and(|since| rolled.went_wrong_since(since)), "the same run");
        rolled.came_back(user(1), at(62), 1);
        assert_eq!(rolled.open_since(), None);
        rolled.run_begins(at(70));
        rolled.goes_off(user(2), at(71));
        assert!(!rolled.open_since().is_some_and(|since| rolled.went_wrong_since(since)), "a new canary");
    }
}
