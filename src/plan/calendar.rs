//! When a toggle may start: inside a window, and early enough to be back on by the next deadline. Pure; the
//! time comes in as a value.
//!
//! All of it is said by spans of time in which a toggle that takes so long may start. A span ends where its
//! window closes, or where the deadline is too near. Spans are asked for one after the other, so nobody asks
//! a clock on a wall more often than that.

use std::ops::Range;

use crate::model::{Days, Deadline, Rollout, SignedDuration, TimeOfDay, Timestamp, Window, Zone};

/// So far ahead is looked: both changes of the clocks lie in a year. What fits nowhere in it never fits.
const AHEAD: SignedDuration = SignedDuration::from_hours(366 * 24);

/// Longer than any day with a change of the clocks, so that what began yesterday is seen.
const A_DAY_BACK: SignedDuration = SignedDuration::from_hours(49);

/// When toggles that take `need` may start.
#[derive(Clone, Copy, Debug)]
pub struct Calendar<'a> {
    rollout: &'a Rollout,
    need: SignedDuration,
}

impl<'a> Calendar<'a> {
    /// For toggles that are back on `need` after they start.
    pub fn new(rollout: &'a Rollout, need: SignedDuration) -> Self {
        Calendar { rollout, need }
    }

    /// The first span from that time on: it has begun by then, or begins later. None when there is none
    /// within a year.
    pub fn next(&self, from: Timestamp) -> Option<Range<Timestamp>> {
        let end = from.saturating_add(AHEAD).unwrap_or(Timestamp::MAX);
        let mut at = from;
        while at <= end {
            let window = self.window(at)?;
            let starts = window.start.max(at);
            let Some(deadline) = self.deadline(starts) else { return Some(starts..window.end) };
            let deadline = deadline?;
            // By then, and not before it: the deadline itself is still in time.
            let latest = deadline.saturating_sub(self.need).unwrap_or(Timestamp::MIN);
            let closes = latest.saturating_add(SignedDuration::from_nanos(1)).unwrap_or(latest);
            if starts < closes {
                return Some(starts..window.end.min(closes));
            }
            // Too late for this deadline: from it on the next one counts.
            at = deadline.max(starts);
        }
        None
    }

    /// Whether a toggle may start then.
    pub fn allows(&self, at: Timestamp) -> bool {
        self.next(at).is_some_and(|span| span.start <= at)
    }

    /// The first window that is open at that time or opens later; all of time where there is none.
    fn window(&self, from: Timestamp) -> Option<Range<Timestamp>> {
        if self.rollout.windows.is_empty() {
            return Some(Timestamp::MIN..Timestamp::MAX);
        }
        let own = self.rollout.windows.iter().filter_map(|window| next_opening(window, from));
        own.min_by_key(|span| (span.start.max(from), std::cmp::Reverse(span.end)))
    }

    /// The next deadline after that time: none where there is no deadline, nothing in it where it is over.
    fn deadline(&self, after: Timestamp) -> Option<Option<Timestamp>> {
        let own = self.rollout.must_be_on_by.as_ref()?;
        Some(match own {
            Deadline::Once(at) => (*at > after).then_some(*at),
            Deadline::Every { days, time, zone } => moments(*days, *time, zone, after).find(|at| *at > after),
        })
    }
}

/// The first time that a window is open at or after `from`, whole.
fn next_opening(window: &Window, from: Timestamp) -> Option<Range<Timestamp>> {
    dates(window.days, &window.zone, from).find_map(|date| {
        let closing_day = if window.is_over_midnight() { date.tomorrow().ok()? } else { date };
        let opens = window.zone.first(date, window.opens)?;
        let closes = window.zone.first(closing_day, window.closes)?;
        (opens < closes && closes > from).then_some(opens..closes)
    })
}

/// That time of day on those days, from about a day before `from` on.
fn moments(days: Days, time: TimeOfDay, zone: &Zone, from: Timestamp) -> impl Iterator<Item = Timestamp> {
    dates(days, zone, from).filter_map(move |date| zone.first(date, time))
}

/// The dates there that are such days, from about a day before `from` on, for more than a week.
fn dates(days: Days, zone: &Zone, from: Timestamp) -> impl Iterator<Item = jiff::civil::Date> + use<> {
    /// Whatever the day, it comes again within a week; twice that where the clocks jump over one.
    const DATES: usize = 17;
    let first = zone.date(from.saturating_sub(A_DAY_BACK).unwrap_or(Timestamp::MIN));
    let all = std::iter::successors(Some(first), |date| date.tomorrow().ok());
    all.take(DATES).filter(move |date| days.has(*date))
}

#[cfg(test)]
mod tests;
