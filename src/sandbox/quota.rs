//! The quotas of a tenant, for those that have any: a bucket of resource units and one of writes, refilled
//! at a steady rate (GRAPH 8.1), and how many writes may be on their way at once (GRAPH 4.5).
//!
//! A tenant file that names none is a tenant without limits.

use serde::Deserialize;

use super::tenant::Tenant;
use super::wire::Answer;
use crate::model::{SignedDuration, Timestamp};

/// From this used-up share on, answers tell it (GRAPH 8.4).
const TOLD_FROM: f64 = 0.8;

/// `quota:`
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Quota {
    /// Resource units of everything that is asked.
    pub units: Option<Allowance>,
    /// Requests that change something.
    pub writes: Option<Allowance>,
    /// One more write than that, while they are on their way, meets the others.
    pub writes_at_once: Option<u32>,
    /// Whether answers tell the share that is used up.
    #[serde(default)]
    pub silent: bool,
}

/// `{most: 3000, every: 150s}`
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Allowance {
    /// How many the bucket holds.
    pub most: u32,
    /// How long it takes to fill an empty one.
    pub every: SignedDuration,
}

/// What the quotas say of one request.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Charged {
    /// The quota that refuses it, `Write` or `ReadWrite`, and for how many seconds.
    pub refused: Option<(&'static str, u64)>,
    /// The share of the fuller quota that is used up.
    used: f64,
    silent: bool,
}

/// The quotas as they are now.
#[derive(Debug, Default)]
pub(super) struct Buckets {
    quota: Quota,
    units: Option<Bucket>,
    writes: Option<Bucket>,
    writes_on_their_way: u32,
}

#[derive(Debug)]
struct Bucket {
    allowance: Allowance,
    left: f64,
    as_of: Option<Timestamp>,
}

impl Bucket {
    fn new(allowance: Allowance) -> Self {
        Bucket { allowance, left: f64::from(allowance.most), as_of: None }
    }

    fn a_second(&self) -> f64 {
        f64::from(self.allowance.most) / self.allowance.every.as_secs_f64().max(0.001)
    }

    fn fill(&mut self, now: Timestamp) {
        let since = self.as_of.map_or(0.0, |before| now.duration_since(before).as_secs_f64().max(0.0));
        self.left = (self.left + since * self.a_second()).min(f64::from(self.allowance.most));
        self.as_of = Some(now);
    }

    /// How many seconds until there is enough, if there is not.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates, as it should")]
    fn lacks(&self, units: f64) -> Option<u64> {
        let wanted = units.min(f64::from(self.allowance.most));
        (self.left < wanted).then(|| ((wanted - self.left) / self.a_second()).ceil().max(1.0) as u64)
    }

    fn used(&self) -> f64 {
        1.0 - self.left / f64::from(self.allowance.most.max(1))
    }
}

impl Buckets {
    pub fn new(quota: Quota) -> Self {
        let bucket = |allowance: Option<Allowance>| allowance.map(Bucket::new);
        Buckets { quota, units: bucket(quota.units), writes: bucket(quota.writes), writes_on_their_way: 0 }
    }

    /// Takes what a request costs, if all of it is there.
    pub fn charge(&mut self, units: u32, is_write: bool, now: Timestamp) -> Charged {
        let units = f64::from(units);
        let mut charged = Charged { silent: self.quota.silent, ..Charged::default() };
        for bucket in [&mut self.units, &mut self.writes].into_iter().flatten() {
            bucket.fill(now);
        }
        let writes = self.writes.as_mut().filter(|_| is_write);
        let lacks_units = self.units.as_ref().and_then(|bucket| bucket.lacks(units));
        let lacks_writes = writes.as_ref().and_then(|bucket| bucket.lacks(1.0));
        charged.refused = lacks_writes
            .map(|seconds| ("Write", seconds))
            .or(lacks_units.map(|seconds| ("ReadWrite", seconds)));
        let all = [self.units.as_mut().map(|bucket| (bucket, units)), writes.map(|bucket| (bucket, 1.0))];
        for (bucket, cost) in all.into_iter().flatten() {
            if charged.refused.is_none() {
                bucket.left -= cost;
            }
            charged.used = charged.used.max(bucket.used());
        }
        charged
    }
}

impl Charged {
    /// Tells it in the headers of the answer (GRAPH 8.4).
    pub fn tell(self, answer: &mut Answer) {
        if let Some((limit, seconds)) = self.refused {
            let limited = if limit == "Write" { "WriteLimitExceeded" } else { "ResourceUnitLimitExceeded" };
            answer.set("Retry-After", seconds.to_string());
            answer.set("x-ms-throttle-scope", format!("Tenant_Application/{limit}/advaudit/contoso"));
            answer.set("x-ms-throttle-information", limited.to_owned());
        }
        if self.used >= TOLD_FROM && !self.silent {
            answer.set("x-ms-throttle-limit-percentage", format!("{:.2}", self.used));
        }
    }
}

impl Buckets {
    /// Whether the writes on their way are more than can be at once.
    pub fn writes_meet(&self) -> bool {
        self.quota.writes_at_once.is_some_and(|most| self.writes_on_their_way > most)
    }
}

impl Tenant {
    /// Gives the tenant quotas, full ones.
    pub fn set_quota(&mut self, quota: Quota) {
        self.own_gate().buckets = Buckets::new(quota);
    }

    /// A write sets out for the tenant.
    pub(super) fn write_sets_out(&self) {
        self.gate().buckets.writes_on_their_way += 1;
    }

    /// It is over.
    pub(super) fn write_is_over(&self) {
        let buckets = &mut self.gate().buckets;
        buckets.writes_on_their_way = buckets.writes_on_their_way.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{after, noon};
    use super::*;

    fn buckets(units: u32, writes: u32) -> Buckets {
        let allowance = |most| Some(Allowance { most, every: SignedDuration::from_secs(10) });
        Buckets::new(Quota { units: allowance(units), writes: allowance(writes), ..Quota::default() })
    }

    #[test]
    fn what_is_used_up_is_refused_until_it_has_come_back() {
        let mut buckets = buckets(1_000, 2);
        assert_eq!(buckets.charge(1, true, noon()).refused, None);
        assert_eq!(buckets.charge(1, true, noon()).refused, None);
        assert_eq!(buckets.charge(1, true, noon()).refused, Some(("Write", 5)));
        assert_eq!(buckets.charge(1, false, noon()).refused, None, "reads go on");
        assert_eq!(buckets.charge(1, true, after(5)).refused, None);
    }

    #[test]
    fn units_are_of_reads_and_writes_alike() {
        let mut buckets = buckets(10, 100);
        assert_eq!(buckets.charge(9, false, noon()).refused, None);
        assert_eq!(buckets.charge(3, true, noon()).refused, Some(("ReadWrite", 2)));
    }

    #[test]
    fn the_used_up_share_is_told_from_four_fifths_on() {
        let mut buckets = buckets(10, 100);
        let mut told = Vec::new();
        for _ in 0..9 {
            let mut answer = Answer::default();
            buckets.charge(1, false, noon()).tell(&mut answer);
            told.push(answer.header("x-ms-throttle-limit-percentage").map(str::to_owned));
        }
        assert_eq!(told.iter().flatten().collect::<Vec<_>>(), ["0.80", "0.90"]);
    }
}
