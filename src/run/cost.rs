//! What carrying out cost, beside what it was estimated to cost. Pure.

use super::Mandate;
use crate::graph::Spent;
use crate::model::{Rollout, SignedDuration, Timestamp};
use crate::plan::change::Change;
use crate::plan::estimate::{Estimate, Terms, estimate};
use crate::plan::rollout::Past;

/// What everything that a run carried out was estimated to cost, and what it did cost. Looking, planning
/// and asking before and in between are in neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// By the estimate of what was to be carried out: the plan's own, where all of it was.
    pub planned: Estimate,
    /// What left for Graph.
    pub spent: Spent,
    /// From the start of carrying out to its end.
    pub took: SignedDuration,
}

impl Cost {
    /// That is to be carried out from now on: of a plan, or what earlier runs left.
    pub(super) fn plan(&mut self, changes: &[Change], mandate: Option<&Mandate>, past: Past, now: Timestamp) {
        let mut own = match mandate {
            Some(plan) if plan.changes == changes.len() => plan.estimate,
            Some(plan) => {
                let terms = Terms { max_off: plan.max_off, rollout: &plan.rollout, past, from: now };
                estimate(changes, terms, &|_| None)
            }
            None => {
                let terms = Terms { max_off: u64::MAX, rollout: &Rollout::default(), past, from: now };
                estimate(changes, terms, &|_| None)
            }
        };
        own.off_user_minutes += changes.iter().map(|change| resumed_minutes(change, now)).sum::<u64>();
        self.planned = self.planned.and(own);
    }

    /// It was carried out.
    pub(super) fn add(&mut self, spent: Spent, took: SignedDuration) {
        self.spent = self.spent.and(spent);
        self.took = self.took.saturating_add(took);
    }
}

/// Whoever is resumed is off since an earlier run. The plan says only what it turns off itself; the end of
/// a run tells the whole time off of all its subjects, as far as it is known to be because of us.
fn resumed_minutes(change: &Change, now: Timestamp) -> u64 {
    let Some(own) = change.resumes.as_ref().filter(|own| own.recorded && own.counts_as_off()) else {
        return 0;
    };
    let seconds = own.due().max(now).duration_since(own.off_at()).as_secs();
    (own.people * u64::try_from(seconds).unwrap_or(0)).div_ceil(60)
}
