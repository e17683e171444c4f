//! Blast radius: how much one run may start, and how much this plan would.

use crate::manifest::declared::{Limits, Toggle};
use crate::model::Amount;

/// A share of few people would forbid everything, so it is never below this for what a run starts.
const SHARE_FLOOR: u64 = 20;

/// The same for how many may be off at once.
const MAX_OFF_FLOOR: u64 = 10;

/// One limit beside what the plan would start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitCheck {
    /// `enable` or `toggle`, as under `limits:`.
    pub name: &'static str,
    /// How many people one run may start with.
    pub limit: u64,
    /// How the manifest writes it, and of how many declared people it is a share.
    pub written: String,
    /// How many people this plan would start with.
    pub actual: u64,
    /// Why the manifest's own limit was overridden, if it was.
    pub allowed: Option<String>,
}

impl LimitCheck {
    /// Whether the run must not start anything new.
    pub fn exceeded(&self) -> bool {
        self.actual > self.limit
    }
}

/// Holds what a plan starts against the limits. `people` is how many are declared, members included;
/// `turned_on` how many are enabled, themselves or with their group; `going_off` how many a toggle
/// turns off.
pub(super) fn check(limits: &Limits, people: u64, turned_on: u64, going_off: u64) -> Vec<LimitCheck> {
    let one = |name, amount: Amount, actual| LimitCheck {
        name,
        limit: amount.of(people, SHARE_FLOOR),
        written: amount.to_string(),
        actual,
        allowed: None,
    };
    vec![one("enable", limits.enable, turned_on), one("toggle", limits.toggle, going_off)]
}

/// How many people may be off at the same time.
pub(super) fn max_off(toggle: &Toggle, people: u64) -> u64 {
    toggle.max_off.of(people, MAX_OFF_FLOOR)
}
