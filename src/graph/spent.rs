//! What really left for Graph so far: a count beside the client, for comparing with what was planned.

use std::cell::Cell;
use std::ops::Sub;

use super::governor::Load;

/// What left for Graph. Tokens are asked of others and do not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// HTTP requests, repeated ones each time; a batch is one.
    pub requests: u64,
    /// Resource units as they are published (GRAPH 8.2); of a batch, those of its parts.
    pub resource_units: u64,
    /// License writes, repeated ones each time.
    pub writes: u64,
}

impl Sub for Spent {
    type Output = Spent;

    fn sub(self, before: Spent) -> Spent {
        Spent {
            requests: self.requests.saturating_sub(before.requests),
            resource_units: self.resource_units.saturating_sub(before.resource_units),
            writes: self.writes.saturating_sub(before.writes),
        }
    }
}

impl Spent {
    fn one(load: Load) -> Spent {
        Spent { requests: 1, resource_units: load.units.into(), writes: load.is_write.into() }
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Spent) -> Spent {
        Spent {
            requests: self.requests + other.requests,
            resource_units: self.resource_units + other.resource_units,
            writes: self.writes + other.writes,
        }
    }
}

/// Counts. Shared by all clones of a client.
#[derive(Debug, Default)]
pub(super) struct Meter(Cell<Spent>);

impl Meter {
    /// A request leaves. Counted at once: whoever is interrupted does not wait for its answer.
    pub fn leaves(&self, load: Load) {
        self.0.set(self.0.get().and(Spent::one(load)));
    }

    /// It turned out that the request never left.
    pub fn never_left(&self, load: Load) {
        self.0.set(self.0.get() - Spent::one(load));
    }

    /// So much so far.
    pub fn so_far(&self) -> Spent {
        self.0.get()
    }
}
