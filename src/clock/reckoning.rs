//! What time Graph's clock shows, reckoned from the `Date` of its answers. Pure: ticks, dates and the
//! machine's wall clock come in as values.
//!
//! A `Date` is cut to whole seconds and was set at some moment between the request and its answer. So one
//! answer says of the distance from our ticks to Graph's time that it is at least `Date - received` and at
//! most `Date + 1 s - sent`. Every further answer narrows that, as long as they agree.

use crate::model::{SignedDuration, Timestamp};

/// A `Date` that is further from what was expected is not believed on one answer: it may be the clock of a
/// proxy. Below, it is front ends that differ, or an oscillator.
const BELIEVED_AT_ONCE: SignedDuration = SignedDuration::from_secs(60);
/// A tick is at most that part shorter or longer than Graph's: 500 ppm, the most by which systems slew
/// their clocks, and five times what an oscillator is off by.
const DRIFT_PART: i32 = 2000;
/// What a `Date` is cut to.
const DATE_STEP: SignedDuration = SignedDuration::from_secs(1);

/// One answer with a `Date`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// The ticks when the request was sent.
    pub sent: SignedDuration,
    /// The ticks when the answer had come.
    pub received: SignedDuration,
    /// Its `Date`.
    pub date: Timestamp,
}

/// What is known of Graph's clock.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reckoning {
    believed: Option<Bounds>,
    /// An answer that contradicts what is believed, while none after it has decided between them.
    doubtful: Option<Bounds>,
    /// The latest time that was told as `now`.
    told: Option<SignedDuration>,
}

/// Between what Graph's time minus our ticks lies.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    lower: SignedDuration,
    upper: SignedDuration,
    /// The ticks at which this was so. With distance from them the bounds go apart.
    at: SignedDuration,
}

impl Reckoning {
    /// Takes an answer in. False when its `Date` is not believed yet: then the next answer decides.
    /// Before the first answer `wall` is what is expected, the machine's wall clock.
    pub fn hear(&mut self, sample: Sample, wall: Timestamp) -> bool {
        let heard = Bounds::of(sample);
        let expected = match self.believed {
            Some(believed) => believed.at(heard.at),
            None => Bounds::exactly(wall.as_duration().saturating_sub(heard.at), heard.at),
        };
        let doubtful = self.doubtful.take().map(|doubtful| doubtful.at(heard.at));
        if heard.agrees(expected) {
            self.believed = Some(self.believed.and_then(|_| heard.and(expected)).unwrap_or(heard));
        } else if let Some(doubtful) = doubtful.filter(|doubtful| heard.agrees(*doubtful)) {
            self.believed = Some(heard.and(doubtful).unwrap_or(heard));
        } else {
            self.doubtful = Some(heard);
            return false;
        }
        true
    }

    /// Graph's clock shows at least this, unless two answers in a row said wrongly that it does: then
    /// it stands still until that is so. Never earlier than what was told before. None before the first
    /// answer.
    pub fn now(&mut self, ticks: SignedDuration) -> Option<Timestamp> {
        let now = self.believed?.at(ticks).lower.saturating_add(ticks);
        let now = self.told.map_or(now, |told| told.max(now));
        self.told = Some(now);
        Some(time(now))
    }

    /// Graph's clock shows at most this. An answer that is in doubt counts, because it may turn out to be
    /// true. Never earlier than [`Reckoning::now`].
    pub fn latest(&mut self, ticks: SignedDuration) -> Option<Timestamp> {
        let upper = self.believed?.at(ticks).upper;
        let doubtful = self.doubtful.map_or(upper, |doubtful| doubtful.at(ticks).upper);
        let latest = time(upper.max(doubtful).saturating_add(ticks));
        self.now(ticks).map(|now| now.max(latest))
    }

    /// The best guess at Graph's time: the middle.
    pub fn middle(&self, ticks: SignedDuration) -> Option<Timestamp> {
        let bounds = self.believed?.at(ticks);
        let half = bounds.upper.saturating_sub(bounds.lower) / 2;
        Some(time(bounds.lower.saturating_add(half).saturating_add(ticks)))
    }
}

impl Bounds {
    fn of(Sample { sent, received, date }: Sample) -> Bounds {
        let date = date.as_duration();
        let drifted = received.saturating_sub(sent) / DRIFT_PART;
        Bounds {
            lower: date.saturating_sub(received),
            upper: date.saturating_add(DATE_STEP).saturating_sub(sent).saturating_add(drifted),
            at: received,
        }
    }

    fn exactly(offset: SignedDuration, at: SignedDuration) -> Bounds {
        Bounds { lower: offset, upper: offset, at }
    }

    /// The same at other ticks.
    fn at(self, ticks: SignedDuration) -> Bounds {
        let drifted = ticks.saturating_sub(self.at).abs() / DRIFT_PART;
        let (lower, upper) = (self.lower.saturating_sub(drifted), self.upper.saturating_add(drifted));
        Bounds { lower, upper, at: ticks }
    }

    fn agrees(self, other: Bounds) -> bool {
        let apart = self.lower.max(other.lower).saturating_sub(self.upper.min(other.upper));
        apart <= BELIEVED_AT_ONCE
    }

    /// What both allow; none when they contradict each other.
    fn and(self, other: Bounds) -> Option<Bounds> {
        let (lower, upper) = (self.lower.max(other.lower), self.upper.min(other.upper));
        (lower <= upper).then_some(Bounds { lower, upper, at: self.at })
    }
}

/// A time from its distance to 1970; a `Date` may be any.
fn time(since_epoch: SignedDuration) -> Timestamp {
    let outside = if since_epoch.is_negative() { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_duration(since_epoch).unwrap_or(outside)
}

#[cfg(test)]
mod tests;
