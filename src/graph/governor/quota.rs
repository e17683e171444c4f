//! One quota of the tenant: how fast units may leave so that they are taken (GRAPH 8). Pure: time comes
//! in as ticks.
//!
//! The published figure is where it starts and what it never exceeds. What the tenant says moves it: a
//! share of the quota that is used up eases it off before anything is refused; a refusal closes it for
//! as long as `Retry-After` says, and teaches the rate at which units were really taken. After that it
//! grows slowly, so that a quota that was only full for a while is used again.

use crate::model::SignedDuration;

/// From this used-up share on (`x-ms-throttle-limit-percentage`) it eases off. Graph tells shares from
/// 0.8 on; starting there would leave a tenth unused.
const EASES_FROM: f64 = 0.95;

/// What is left of the rate when all is used up. Not nothing: only an answer tells that it is free again.
const EASED: f64 = 0.25;

/// The share of what a tenant was seen to take that is sent afterwards.
const BELOW_SEEN: f64 = 0.99;

/// `Retry-After` is in whole seconds, rounded up: by so much too long on average.
const ROUNDED_UP_SECONDS: f64 = 0.5;

/// By what share a refusal lowers a rate that was not yet seen to be too high.
const LOWERED: f64 = 0.9;

/// A cycle that took fewer units says little about the rate.
const TELLING_UNITS: f64 = 5.0;

/// What is published for one quota, and how it is used.
#[derive(Clone, Copy, Debug)]
pub struct Published {
    /// Units a second, to begin with.
    pub rate: f64,
    /// The most.
    pub rate_max: f64,
    /// The least, whatever is refused: refusals by chance must not bring everything to a stop.
    pub rate_min: f64,
    /// By what share each unit that is taken raises a lowered rate. Where nothing but refusals tells of the
    /// quota, this is how often one is refused.
    pub raised: f64,
    /// How many seconds' worth may leave at once after a pause.
    pub burst_seconds: f64,
}

/// How fast units may leave.
#[derive(Debug)]
pub struct Quota {
    published: Published,
    rate: f64,
    /// What may leave at once; below zero after more than that left.
    saved: f64,
    as_of: SignedDuration,
    used_share: f64,
    closed_until: SignedDuration,
    /// Since when, and how many units were taken since.
    cycle: Cycle,
}

#[derive(Clone, Copy, Debug)]
struct Cycle {
    since: SignedDuration,
    taken: f64,
    /// It began with a quota that had been left alone, so more was taken than can be sustained.
    is_first: bool,
}

impl Quota {
    /// A quota that nothing was taken of.
    pub fn new(published: Published, now: SignedDuration) -> Self {
        Quota {
            published,
            rate: published.rate,
            saved: published.rate * published.burst_seconds,
            as_of: now,
            used_share: 0.0,
            closed_until: now,
            cycle: Cycle { since: now, taken: 0.0, is_first: true },
        }
    }

    /// How long until so many units may leave; zero when they may now.
    pub fn wait(&mut self, units: f64, now: SignedDuration) -> SignedDuration {
        if now < self.closed_until {
            return self.closed_until.saturating_sub(now);
        }
        self.save(now);
        let missing = units.min(self.burst()) - self.saved;
        if missing <= 0.0 {
            return SignedDuration::ZERO;
        }
        // A millisecond more than nothing, or rounding would make a loop of it.
        SignedDuration::from_secs_f64(missing / self.eased()).max(SignedDuration::from_millis(1))
    }

    /// So many units leave.
    pub fn leave(&mut self, units: f64, now: SignedDuration) {
        self.save(now);
        self.saved -= units;
    }

    /// So many units were taken by the tenant.
    pub fn taken(&mut self, units: f64) {
        self.cycle.taken += units;
        self.rate = (self.rate * (1.0 + self.published.raised * units)).min(self.published.rate_max);
    }

    /// The tenant says how much of the quota is used up; 1 is all of it.
    pub fn used_up(&mut self, share: f64, now: SignedDuration) {
        self.save(now);
        self.used_share = share;
    }

    /// The tenant refused, and asked to stay away that long. Refusals of what had left before the first
    /// one came back say nothing new about the rate.
    pub fn refused(&mut self, stay_away: SignedDuration, now: SignedDuration) {
        let until = now.saturating_add(stay_away);
        let is_new = now >= self.closed_until;
        self.closed_until = self.closed_until.max(until);
        if !is_new {
            return;
        }
        self.save(now);
        self.saved = self.saved.min(0.0);
        let seconds = until.saturating_sub(self.cycle.since).as_secs_f64();
        let seen =
            self.cycle.taken / (seconds - ROUNDED_UP_SECONDS).max(seconds / 2.0).max(f64::MIN_POSITIVE);
        let is_telling = !self.cycle.is_first && self.cycle.taken >= TELLING_UNITS;
        let lower = if is_telling { (seen * BELOW_SEEN).min(self.rate) } else { self.rate * LOWERED };
        self.rate = lower.max(self.published.rate_min);
        self.cycle = Cycle { since: until, taken: 0.0, is_first: false };
    }

    /// Another quota was refused, and everything is to stay away.
    pub fn stay_away(&mut self, away: SignedDuration, now: SignedDuration) {
        self.save(now);
        self.closed_until = self.closed_until.max(now.saturating_add(away));
    }

    /// Units a second now.
    #[cfg(test)]
    pub fn rate(&self) -> f64 {
        self.eased()
    }

    fn burst(&self) -> f64 {
        (self.rate * self.published.burst_seconds).max(1.0)
    }

    /// The rate, less the more of the quota is used up.
    fn eased(&self) -> f64 {
        let left = (1.0 - self.used_share) / (1.0 - EASES_FROM);
        self.rate * left.clamp(EASED, 1.0)
    }

    fn save(&mut self, now: SignedDuration) {
        let from = self.as_of.max(self.closed_until);
        let seconds = now.saturating_sub(from).as_secs_f64().max(0.0);
        self.saved = (self.saved + seconds * self.eased()).min(self.burst());
        self.as_of = self.as_of.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITES: Published =
        Published { rate: 20.0, rate_max: 20.0, rate_min: 1.0, raised: 0.0002, burst_seconds: 0.1 };

    /// A tenant with a quota of its own, by rules of its own.
    trait Server {
        /// Taken, or refused with a `Retry-After` in whole seconds; and the share that is used up.
        fn ask(&mut self, at: f64) -> Result<f64, i64>;
    }

    /// So many in each window.
    struct Windows {
        most: f64,
        seconds: f64,
        window: f64,
        used: f64,
    }

    impl Server for Windows {
        fn ask(&mut self, at: f64) -> Result<f64, i64> {
            let window = (at / self.seconds).floor();
            if window > self.window {
                (self.window, self.used) = (window, 0.0);
            }
            if self.used >= self.most {
                return Err(((window + 1.0) * self.seconds - at).ceil() as i64);
            }
            self.used += 1.0;
            Ok(self.used / self.most)
        }
    }

    /// A bucket that is filled at a steady rate.
    struct Bucket {
        most: f64,
        rate: f64,
        left: f64,
        at: f64,
    }

    impl Server for Bucket {
        fn ask(&mut self, at: f64) -> Result<f64, i64> {
            self.left = (self.left + (at - self.at) * self.rate).min(self.most);
            self.at = at;
            if self.left < 1.0 {
                return Err(((1.0 - self.left) / self.rate).ceil() as i64);
            }
            self.left -= 1.0;
            Ok(1.0 - self.left / self.most)
        }
    }

    struct Came {
        /// Of the quota, over the second half.
        used: f64,
        /// Of all that was sent.
        refused: f64,
    }

    /// Sends 1,500 units as fast as the quota lets them go.
    fn send(mut server: impl Server, sustained: f64, tells_shares: bool) -> Came {
        let mut quota = Quota::new(WRITES, SignedDuration::ZERO);
        let (mut now, mut refused, mut taken, mut half) = (SignedDuration::ZERO, 0.0, 0.0, None);
        while taken < 1_500.0 {
            let wait = quota.wait(1.0, now);
            if wait.is_positive() {
                now += wait;
                continue;
            }
            quota.leave(1.0, now);
            match server.ask(now.as_secs_f64()) {
                Ok(share) => {
                    taken += 1.0;
                    quota.taken(1.0);
                    if tells_shares && share >= 0.8 {
                        quota.used_up(share, now);
                    } else {
                        quota.used_up(0.0, now);
                    }
                }
                Err(seconds) => {
                    refused += 1.0;
                    quota.refused(SignedDuration::from_secs(seconds), now);
                }
            }
            if taken >= 750.0 && half.is_none() {
                half = Some((now.as_secs_f64(), taken));
            }
        }
        let (since, before) = half.expect("half of them");
        let used = (taken - before) / (now.as_secs_f64() - since) / sustained;
        Came { used, refused: refused / (taken + refused) }
    }

    #[test]
    fn a_quota_unlike_the_published_one_is_found_used_and_hardly_ever_hit() {
        for tells_shares in [true, false] {
            for (most, seconds) in [(60.0, 10.0), (300.0, 30.0), (50.0, 5.0), (240.0, 60.0)] {
                let windows = Windows { most, seconds, window: 0.0, used: 0.0 };
                let came = send(windows, most / seconds, tells_shares);
                let case = format!("windows of {most} in {seconds} s, shares told: {tells_shares}");
                assert!(came.used >= 0.9, "{case}: only {:.3} of it used", came.used);
                assert!(came.refused < 0.01, "{case}: {:.4} refused", came.refused);
                let bucket = Bucket { most, rate: most / seconds, left: most, at: 0.0 };
                let came = send(bucket, most / seconds, tells_shares);
                let case = format!("a bucket of {most} in {seconds} s, shares told: {tells_shares}");
                assert!(came.used >= 0.9, "{case}: only {:.3} of it used", came.used);
                assert!(came.refused < 0.01, "{case}: {:.4} refused", came.refused);
            }
        }
    }

    #[test]
    fn the_published_quota_is_used_whole_and_never_hit() {
        let windows = Windows { most: 3_000.0, seconds: 150.0, window: 0.0, used: 0.0 };
        let came = send(windows, 20.0, true);
        assert!(came.used >= 0.97 && came.refused == 0.0, "{:.3} {:.4}", came.used, came.refused);
    }

    #[test]
    fn nothing_leaves_before_retry_after_is_over() {
        let second = SignedDuration::from_secs;
        let mut quota = Quota::new(WRITES, second(0));
        quota.refused(second(7), second(10));
        quota.refused(second(3), second(11));
        assert_eq!(quota.wait(1.0, second(12)), second(5));
        assert!(quota.wait(1.0, second(18)).is_zero());
    }

    #[test]
    fn refusals_by_chance_do_not_bring_it_to_a_stop() {
        let second = SignedDuration::from_secs;
        let mut quota = Quota::new(WRITES, second(0));
        for at in 0..100 {
            quota.taken(10.0);
            quota.refused(second(2), second(10 * at));
        }
        assert!(quota.rate() >= WRITES.rate_min);
    }
}
