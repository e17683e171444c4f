//! What every request passes before it is answered: it is counted and charged, and it is decided what goes
//! wrong with it.
//!
//! The gate has a lock of its own, so that a tenant that many ask at once is only shut for as long as this
//! takes, not while an answer is written.

use std::collections::BTreeMap;
use std::sync::{MutexGuard, PoisonError};

use super::faults::{Fault, Faults};
use super::quota::{Buckets, Charged};
use super::seed::Seed;
use super::tenant::{Counters, Tenant};
use super::weather::{Place, Weather};
use crate::model::Timestamp;

/// What stands before a tenant.
#[derive(Debug)]
pub struct Gate {
    pub faults: Faults,
    pub weather: Weather,
    pub buckets: Buckets,
    pub faults_injected: BTreeMap<&'static str, u64>,
    pub counters: Counters,
}

/// What the gate says of a request.
pub struct Passed {
    /// Which request it is, counted from 1.
    pub number: u64,
    /// What goes wrong with it.
    pub fault: Option<Fault>,
    /// What it costs.
    pub charged: Charged,
    /// Whether it is a write that meets others.
    pub meets: bool,
}

impl Default for Gate {
    fn default() -> Self {
        Gate {
            faults: Faults::none(),
            weather: Weather::calm(),
            buckets: Buckets::default(),
            faults_injected: BTreeMap::new(),
            counters: Counters::default(),
        }
    }
}

impl Gate {
    /// Lets a request through.
    pub fn pass(&mut self, seed: Seed, is_write: bool, units: u32, place: Place, now: Timestamp) -> Passed {
        self.counters.requests += 1;
        self.counters.writes += u64::from(is_write);
        let fault = self.fault(seed, is_write, place);
        let charged = self.buckets.charge(units, is_write, now);
        let meets = is_write && self.buckets.writes_meet();
        Passed { number: self.counters.requests, fault, charged, meets }
    }

    /// Counts a request that is not charged.
    pub fn count_request(&mut self) -> u64 {
        self.counters.requests += 1;
        self.counters.requests
    }

    /// Counts what goes wrong.
    pub fn count_fault(&mut self, word: &'static str) {
        *self.faults_injected.entry(word).or_default() += 1;
    }
}

impl Tenant {
    /// The gate, for a moment.
    pub(super) fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The gate, for whoever has the tenant alone.
    pub(super) fn own_gate(&mut self) -> &mut Gate {
        self.gate.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}
