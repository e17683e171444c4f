//! An object and what it was before, so that a read can show the state of a while ago.

use crate::model::{SignedDuration, Timestamp};

/// The versions of one object, oldest first; never empty.
#[derive(Clone, Debug, PartialEq)]
pub struct History<T> {
    versions: Vec<(Timestamp, T)>,
}

impl<T> History<T> {
    /// An object that has always been so.
    pub fn new(first: T) -> Self {
        History { versions: vec![(Timestamp::MIN, first)] }
    }

    /// The object as it is.
    pub fn latest(&self) -> &T {
        &self.versions.last().expect("a history is never empty").1
    }

    /// The object as it was at that time.
    pub fn at(&self, time: Timestamp) -> &T {
        let newer = self.versions.partition_point(|(since, _)| *since <= time);
        &self.versions[newer.saturating_sub(1)].1
    }

    /// The object from now on. What no read can show any more, because it was replaced more than
    /// `lag` ago, is forgotten.
    pub fn change(&mut self, now: Timestamp, next: T, lag: SignedDuration) {
        // A clock that was set back must not put the newest version in front of an older one.
        let now = self.versions.last().map_or(now, |(since, _)| now.max(*since));
        self.versions.push((now, next));
        let oldest_read = now.saturating_sub(lag).unwrap_or(Timestamp::MIN);
        let shown = self.versions.partition_point(|(since, _)| *since <= oldest_read);
        self.versions.drain(..shown.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a small number")
    }

    #[test]
    fn an_earlier_time_shows_an_earlier_version() {
        let lag = SignedDuration::from_secs(30);
        let mut history = History::new("first");
        history.change(at(100), "second", lag);
        history.change(at(110), "third", lag);
        assert_eq!(*history.at(at(99)), "first");
        assert_eq!(*history.at(at(100)), "second");
        assert_eq!(*history.latest(), "third");
    }

    #[test]
    fn the_newest_version_stays_the_newest_when_the_clock_is_set_back() {
        let mut history = History::new("first");
        history.change(at(100), "second", SignedDuration::ZERO);
        history.change(at(90), "third", SignedDuration::ZERO);
        assert_eq!(*history.at(at(100)), "third");
    }

    #[test]
    fn versions_that_no_read_can_show_are_forgotten() {
        let mut history = History::new(0);
        for second in 1..=100 {
            history.change(at(second), second, SignedDuration::from_secs(3));
        }
        assert_eq!(history.versions.len(), 4);
        assert_eq!(*history.at(at(97)), 97);
    }
}
