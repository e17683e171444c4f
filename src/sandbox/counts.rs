//! How many users a filter finds, remembered for as long as nothing changes: counting a million takes a while.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::model::{SignedDuration, Timestamp};

/// How many different filters are remembered; nobody counts by more.
const MOST: usize = 1_000;

/// Counts by filter.
#[derive(Debug, Default)]
pub struct Counts {
    known: Mutex<BTreeMap<String, usize>>,
    /// When the tenant was last changed.
    changed: Option<Timestamp>,
}

impl Counts {
    /// The tenant is changed at `now`.
    pub fn forget(&mut self, now: Timestamp) {
        self.changed = self.changed.max(Some(now));
        self.known.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What is remembered of that filter, or what `count` says. While reads may still show the time before
    /// the last change, nothing is remembered.
    pub fn of(
        &self,
        filter: String,
        now: Timestamp,
        lag: SignedDuration,
        count: impl FnOnce() -> usize,
    ) -> usize {
        let settled = self.changed.is_none_or(|changed| now.duration_since(changed) >= lag);
        if !settled {
            return count();
        }
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known().get(&filter) {
            return *found;
        }
        let counted = count();
        let mut known = known();
        if known.len() < MOST {
            known.insert(filter, counted);
        }
        counted
    }
}
