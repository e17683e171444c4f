//! Where the rollout of a run stands: who is the canary and what became of it, how many toggles have failed,
//! and so whether another one may start now. Pure: it is told who starts and how each ends.
//!
//! It only ever holds back who is to go off. Whoever is off is turned on, whatever is said here.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::outcome::{Outcome, Trouble};
use crate::model::{Rollout, SignedDuration, Subject, Timestamp};
use crate::plan::calendar::Calendar;
use crate::plan::rollout::{Canary, Past};

/// The rollout of a run while it goes on.
#[derive(Debug)]
pub(super) struct Course {
    rollout: Rollout,
    /// While it is put together, and until all of it is back; none where there is none.
    canary: Option<Canary>,
    /// Those of it who are not back yet.
    out: BTreeSet<usize>,
    failures: u64,
    stop: Option<Stop>,
    /// For toggles that need so long: the span in which they may start, at or after the time that was last
    /// asked for.
    spans: BTreeMap<SignedDuration, Option<Range<Timestamp>>>,
}

/// Why no further toggle starts in this run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The canary did not come back: that one, or one of an earlier run.
    CanaryFailed(Option<Subject>),
    /// So many toggles have failed.
    TooManyFailures(u64),
}

/// Why a toggle does not start now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// The canary is not back yet.
    ForCanary,
    /// Not before that, by window and deadline.
    Until(Timestamp),
    /// At no time, by window and deadline.
    Never,
    /// None does any more.
    Stopped(Stop),
}

impl Course {
    /// At the beginning, with those whom earlier runs left off: they are the first of the canary.
    pub fn new(rollout: Rollout, past: Past, left_off: impl Iterator<Item = (usize, u64)>) -> Self {
        // Where enough people came back well before, that was the canary.
        let size = rollout.canary.filter(|size| past.came_back < *size);
        let mut course = Course {
            canary: size.map(|size| Canary { size, people: past.came_back }),
            rollout,
            out: BTreeSet::new(),
            failures: past.failures,
            stop: None,
            spans: BTreeMap::new(),
        };
        if past.has_failed && course.canary.is_some() {
            course.stop = Some(Stop::CanaryFailed(None));
        }
        left_off.for_each(|(index, people)| course.joins(index, people));
        course.count_failures();
        course
    }

    /// A toggle starts.
    pub fn starts(&mut self, index: usize, people: u64) {
        match self.canary {
            Some(canary) if canary.takes(people) => self.joins(index, people),
            // Whoever is not taken starts only when the canary is back, and then there is none any more.
            Some(_) | None => self.canary = None,
        }
    }

    fn joins(&mut self, index: usize, people: u64) {
        if let Some(canary) = &mut self.canary {
            canary.people += people;
            self.out.insert(index);
        }
    }

    /// A toggle left members of its group in error: of the canary, that is what a canary is for.
    pub fn left_in_error(&mut self, index: usize, subject: &Subject) {
        if self.out.contains(&index) {
            self.stop.get_or_insert_with(|| Stop::CanaryFailed(Some(subject.clone())));
        }
    }

    /// A toggle, or one of an earlier run, ended, with so many people; `was_off` when it was turned on after an
    /// off that was seen.
    pub fn ends(&mut self, index: usize, who: (&Subject, u64), outcome: Outcome, was_off: bool) {
        let (subject, people) = who;
        self.failures += u64::from(outcome.is_failure());
        if self.out.remove(&index) {
            if outcome.went_wrong() {
                self.stop.get_or_insert_with(|| Stop::CanaryFailed(Some(subject.clone())));
            } else if let Some(canary) = self.canary.as_mut().filter(|_| !(outcome.came_back() && was_off)) {
                // It was never seen off: the next one takes its place.
                canary.people = canary.people.saturating_sub(people);
            }
        }
        self.count_failures();
    }

    fn count_failures(&mut self) {
        if self.rollout.max_failures.is_some_and(|most| self.failures >= most) {
            self.stop.get_or_insert(Stop::TooManyFailures(self.failures));
        }
    }

    /// Why a toggle of so many people, which is back on after `need`, may not start; `now` and `latest` are
    /// the bounds between which Graph's clock stands.
    pub fn holds_start(
        &mut self,
        people: u64,
        need: SignedDuration,
        now: Timestamp,
        latest: Timestamp,
    ) -> Option<Held> {
        let held = self.holds_off(need, now, latest);
        let for_canary = self.canary.is_some_and(|canary| !canary.takes(people)) && !self.out.is_empty();
        held.or(for_canary.then_some(Held::ForCanary))
    }

    /// Why an off may not be sent any more, of a toggle that has started.
    pub fn holds_off(&mut self, need: SignedDuration, now: Timestamp, latest: Timestamp) -> Option<Held> {
        if let Some(stop) = &self.stop {
            return Some(Held::Stopped(stop.clone()));
        }
        if !self.rollout.has_times() {
            return None;
        }
        // By either bound: nobody goes off where the window may have closed, or may not be open yet.
        self.holds_at(need, now).or_else(|| self.holds_at(need, latest))
    }

    fn holds_at(&mut self, need: SignedDuration, at: Timestamp) -> Option<Held> {
        match self.span(need, at) {
            None => Some(Held::Never),
            Some(span) if at < span.start => Some(Held::Until(span.start)),
            Some(_) => None,
        }
    }

    /// The span that is open then, or opens next.
    fn span(&mut self, need: SignedDuration, at: Timestamp) -> Option<Range<Timestamp>> {
        match self.spans.get(&need) {
            // Never is never; and time goes on, so until it is over a span stays the next one.
            Some(None) => None,
            Some(Some(span)) if at < span.end => Some(span.clone()),
            Some(Some(_)) | None => {
                let span = Calendar::new(&self.rollout, need).next(at);
                self.spans.insert(need, span.clone());
                span
            }
        }
    }

    /// Why no further toggle starts in this run.
    pub fn stop(&self) -> Option<&Stop> {
        self.stop.as_ref()
    }

    /// When and by when, in the words of the manifest.
    pub fn times(&self) -> String {
        let windows: Vec<String> = self.rollout.windows.iter().map(ToString::to_string).collect();
        let windows =
            (!windows.is_empty()).then(|| format!("`window` lets toggles start {}", windows.join(" or ")));
        let by = self.rollout.must_be_on_by.as_ref();
        let by = by.map(|by| format!("`mustBeOnBy` is {by}"));
        windows.into_iter().chain(by).collect::<Vec<_>>().join(", and ")
    }
}

impl Held {
    /// How a toggle ends in this run that was held back by this, and why.
    pub fn end(&self, course: &Course) -> (Outcome, Trouble) {
        match self {
            Held::ForCanary => (
                Outcome::Pending,
                Trouble::ours(
                    "waits-for-canary",
                    "it starts when the canary is back on; run again to continue",
                ),
            ),
            Held::Until(at) => {
                let at = Timestamp::from_second(at.as_second()).unwrap_or(*at);
                let message = format!("not started: {}; run again at {at} or later", course.times());
                (Outcome::Pending, Trouble::ours("not-now", message))
            }
            Held::Never => {
                let message = format!(
                    "not started: {}, and that never leaves it enough time; open the window earlier, or put the \
                     deadline off",
                    course.times()
                );
                (Outcome::Skipped, Trouble::ours("never-fits", message))
            }
            Held::Stopped(stop) => (Outcome::Skipped, stop.trouble()),
        }
    }
}

impl Stop {
    /// What it means to whoever did not start.
    pub fn trouble(&self) -> Trouble {
        match self {
            Stop::CanaryFailed(Some(subject)) => {
                let message = format!(
                    "not started: {subject} of the canary did not come back on as it should, or left members in error; \
                     see to that, then run again"
                );
                Trouble::ours("canary-failed", message)
            }
            Stop::CanaryFailed(None) => Trouble::ours(
                "canary-failed",
                "not started: the canary of an earlier run did not come back on as it should; see to that, then run again",
            ),
            Stop::TooManyFailures(failures) => {
                let toggles = if *failures == 1 { "toggle has" } else { "toggles have" };
                let message = format!(
                    "not started: {failures} {toggles} failed in this run, and `maxFailures` allows no further one; see to \
                     what failed, then run again"
                );
                Trouble::ours("too-many-failures", message)
            }
        }
    }
}

#[cfg(test)]
mod tests;
