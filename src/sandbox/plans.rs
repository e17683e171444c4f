//! `assignedPlans` of a user. An E5 user has 86 of them and most users of a tenant have the same, so a user
//! keeps only what differs from a list that all of them share.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::words::Capability;
use crate::model::{ServicePlanId, Timestamp};

/// More differences than that are a list of its own.
const MOST_CHANGED: usize = 8;

/// An entry of `assignedPlans`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Provisioned {
    /// `servicePlanId`.
    pub plan: ServicePlanId,
    /// `assignedDateTime`.
    pub since: Option<Timestamp>,
    /// `capabilityStatus`.
    pub status: Capability,
}

/// The entries of one user, in their order.
#[derive(Clone, Debug, Default)]
pub struct Plans {
    shared: Arc<Vec<Provisioned>>,
    /// The date of all that are shared, where they have none.
    since: Option<Timestamp>,
    /// What stands in the place of shared ones, or behind them.
    changed: BTreeMap<usize, Provisioned>,
}

/// Equal users have equal entries, however they are kept.
impl PartialEq for Plans {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Plans {
    /// Entries that others may share.
    pub fn new(shared: Arc<Vec<Provisioned>>) -> Self {
        Plans { shared, since: None, changed: BTreeMap::new() }
    }

    /// Entries without a date, all of them since then.
    pub fn since(shared: Arc<Vec<Provisioned>>, since: Timestamp) -> Self {
        Plans { since: Some(since), ..Plans::new(shared) }
    }

    /// The entries.
    pub fn iter(&self) -> impl Iterator<Item = Provisioned> + '_ {
        let behind = self.changed.range(self.shared.len()..).map(|(_, entry)| *entry);
        (0..self.shared.len())
            .map(|at| self.changed.get(&at).copied().unwrap_or_else(|| self.first(at)))
            .chain(behind)
    }

    fn first(&self, at: usize) -> Provisioned {
        let entry = self.shared[at];
        Provisioned { since: entry.since.or(self.since), ..entry }
    }

    /// These take the place of all entries.
    pub fn replace(&mut self, entries: Vec<Provisioned>) {
        let differs =
            |(at, entry): &(usize, Provisioned)| *at >= self.shared.len() || self.first(*at) != *entry;
        let changed: BTreeMap<_, _> = entries.iter().copied().enumerate().filter(differs).collect();
        if changed.len() > MOST_CHANGED || entries.len() < self.shared.len() {
            *self = Plans::new(Arc::new(entries));
        } else {
            self.changed = changed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(count: u8) -> Vec<Provisioned> {
        let plan = |byte: u8| ServicePlanId(uuid::Uuid::from_bytes([byte; 16]));
        let entry = |byte| Provisioned { plan: plan(byte), since: None, status: Capability::Enabled };
        (0..count).map(entry).collect()
    }

    #[test]
    fn what_is_kept_is_what_was_given() {
        let shared = Arc::new(entries(20));
        for (count, changes) in [(20, 1), (23, 3), (20, 15), (12, 0), (40, 0)] {
            let mut plans = Plans::since(Arc::clone(&shared), Timestamp::UNIX_EPOCH);
            let mut given = entries(count);
            given.iter_mut().take(changes).for_each(|entry| entry.status = Capability::Deleted);
            given.iter_mut().skip(changes).for_each(|entry| entry.since = Some(Timestamp::UNIX_EPOCH));
            plans.replace(given.clone());
            assert_eq!(plans.iter().collect::<Vec<_>>(), given);
            assert_eq!(plans, Plans::new(Arc::new(given)));
            plans.replace(entries(20));
            assert_eq!(plans, Plans::new(Arc::new(entries(20))));
        }
    }
}
