//! Patience: how long to stay away after a refusal, and when to give up.

use crate::model::{SignedDuration, Timestamp};

/// How often a read is tried. The waits between eight tries add up to a minute and a half, which
/// outlasts a failover and most of the longest quota window that is ours alone (150 s, GRAPH 8.1).
/// With `Retry-After` two or three are enough.
pub(super) const TRIES_MAX: u32 = 8;

/// How often when nobody could even be connected to: 15 s in all. A wrong address or an unplugged
/// network does not heal by waiting, and whoever sits there wants to know.
pub(super) const TRIES_MAX_UNCONNECTED: u32 = 5;

/// How long a read is tried in all: twice the longest quota window (5 min, GRAPH 8.1). A longer
/// `Retry-After` is for the caller to honour.
pub(super) const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// The longest wait of our own choosing: 1, 2, 4, 8, 16, 32, 32 s.
const BACKOFF_SECONDS_MAX: i64 = 32;

/// The most that is added to a wait so that many do not come back together: an eighth of it, at most
/// this. More would be a visible part of a `Retry-After` of minutes.
const JITTER_MAX: SignedDuration = SignedDuration::from_secs(4);

/// Something is waited for, because Graph refused for now or did not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Throttled {
    /// What was asked, as `GET /users`.
    pub asked: String,
    /// When it is asked again.
    pub until: Timestamp,
    /// How many times it has been tried, from 1.
    pub tries: u32,
    /// The status that refused it; none when no answer came.
    pub status: Option<u16>,
}

/// The count of tries of one question. In ticks: an answer may correct the clock in the middle of it.
pub(super) struct Patience {
    give_up: SignedDuration,
    tries: u32,
}

impl Patience {
    /// Patience for a question that is asked first at those ticks.
    pub(super) fn new(ticks: SignedDuration) -> Self {
        Patience { give_up: ticks.saturating_add(PATIENCE), tries: 0 }
    }

    /// How many tries have failed.
    pub(super) fn tries(&self) -> u32 {
        self.tries
    }

    /// After a try that failed: how long to wait before the next, or none when it is time to give up.
    pub(super) fn again(
        &mut self,
        asked: &str,
        asked_to_wait: Option<SignedDuration>,
        tries_max: u32,
        ticks: SignedDuration,
    ) -> Option<SignedDuration> {
        self.tries += 1;
        if self.tries >= tries_max {
            return None;
        }
        // A `Retry-After: 0` says nothing, and refused requests count (GRAPH 8.4).
        let wait = asked_to_wait.filter(|wait| wait.is_positive()).unwrap_or_else(|| backoff(self.tries));
        let wait = wait + jitter(wait, asked, self.tries);
        (ticks.saturating_add(wait) <= self.give_up).then_some(wait)
    }
}

/// The wait after the nth failed try.
fn backoff(tries: u32) -> SignedDuration {
    let doubled = 1_i64.checked_shl(tries.saturating_sub(1)).unwrap_or(BACKOFF_SECONDS_MAX);
    SignedDuration::from_secs(doubled.clamp(1, BACKOFF_SECONDS_MAX))
}

/// A little more, different for each question and try, the same in each run (FNV-1a).
fn jitter(wait: SignedDuration, asked: &str, tries: u32) -> SignedDuration {
    let mut hash: u32 = 0x811c_9dc5;
    for byte in asked.bytes().chain(tries.to_le_bytes()) {
        hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    let most = (wait / 8).min(JITTER_MAX).as_millis();
    let share = most * i128::from(hash % 1000) / 1000;
    SignedDuration::from_millis(i64::try_from(share).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: SignedDuration = SignedDuration::ZERO;

    #[test]
    fn waits_double_up_to_32_seconds_and_end_with_the_eighth_try() {
        let mut patience = Patience::new(NOW);
        let mut waits = Vec::new();
        while let Some(wait) = patience.again("GET /users", None, TRIES_MAX, NOW) {
            waits.push(wait.as_secs());
        }
        assert_eq!(patience.tries(), TRIES_MAX);
        for (wait, least) in waits.iter().zip([1, 2, 4, 8, 16, 32, 32]) {
            assert!((least..=least + least / 8 + 1).contains(wait), "{waits:?}");
        }
        assert_eq!(waits.len(), 7);
    }

    #[test]
    fn a_wait_beyond_ten_minutes_is_left_to_the_caller() {
        let asked = |minutes| {
            Patience::new(NOW).again("GET /users", Some(SignedDuration::from_mins(minutes)), TRIES_MAX, NOW)
        };
        assert!(asked(9).is_some());
        assert!(asked(11).is_none());
    }

    #[test]
    fn the_jitter_differs_by_question_and_repeats_in_each_run() {
        let wait = SignedDuration::from_secs(32);
        assert_eq!(jitter(wait, "GET /users", 1), jitter(wait, "GET /users", 1));
        assert_ne!(jitter(wait, "GET /users", 1), jitter(wait, "GET /groups", 1));
        assert!(jitter(SignedDuration::from_hours(1), "GET /users", 1) <= JITTER_MAX);
    }

    #[test]
    fn a_retry_after_of_zero_is_no_invitation_to_hammer() {
        let wait = Patience::new(NOW).again("GET /users", Some(SignedDuration::ZERO), TRIES_MAX, NOW);
        assert!(wait.expect("again").as_secs() >= 1);
    }
}
