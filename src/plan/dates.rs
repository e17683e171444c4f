//! `toggleIfEnabledBefore`: the toggle as desired state. The service plan must have been turned on
//! at or after a date T, and this says whether it was.

use crate::model::{Assignment, SignedDuration, Timestamp};
use crate::observe::observed::{Dates, User};

/// What the dates say of a subject that is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// It was turned on at or after T.
    Renewed,
    /// It was not: a toggle is due.
    Due,
    /// The assignment changed at or after T, but whether that turned it on cannot be told.
    ChangedSince(Timestamp),
    /// There is no date to be had.
    NoDate,
}

/// What our journal knows of a subject.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Own {
    /// Its newest on that ended an off.
    pub on: Option<Timestamp>,
    /// Its newest on that may have changed nothing: it ended an off of which nobody knows whether it
    /// happened.
    pub null_on: Option<Timestamp>,
}

/// How far Graph's date for a write may lie behind the time of its answer.
const SKEW: SignedDuration = SignedDuration::from_mins(2);

/// Judges one user's dates; `sources` are the assignments in force that leave the service plan on.
///
/// An on of ours that changed nothing moves the assignment's date all the same. If it did turn the
/// service plan on, `assignedPlans` says so; if not, the change is nobody else's, and decides nothing.
pub fn renewal(asked: Timestamp, own: Own, dates: &Dates, sources: &[&Assignment]) -> Renewal {
    if own.on.is_some_and(|on| on >= asked) || dates.newest_on().is_some_and(|on| on >= asked) {
        return Renewal::Renewed;
    }
    let is_ours = |changed: Timestamp| own.null_on.is_some_and(|on| changed.duration_since(on).abs() <= SKEW);
    match User::newest_update(sources.iter().copied()) {
        Some(changed) if changed < asked || is_ours(changed) => Renewal::Due,
        Some(changed) => Renewal::ChangedSince(changed),
        None => Renewal::NoDate,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AssignedBy, AssignmentState, SkuId};

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn changed(when: &str) -> Assignment {
        Assignment {
            sku: SkuId(uuid::Uuid::nil()),
            by: AssignedBy::Direct,
            disabled: std::collections::BTreeSet::new(),
            state: AssignmentState::Active,
            error: None,
            updated: Some(at(when)),
        }
    }

    #[test]
    fn an_on_of_ours_that_changed_nothing_does_not_hide_that_a_toggle_is_due() {
        let (asked, one) = (at("2026-11-20T00:00:00Z"), changed("2026-11-22T09:00:30Z"));
        let own = Own { on: None, null_on: Some(at("2026-11-22T09:00:31Z")) };
        assert_eq!(renewal(asked, own, &Dates::Read(Vec::new()), &[&one]), Renewal::Due);
        let later = changed("2026-11-22T10:00:00Z");
        assert!(matches!(renewal(asked, own, &Dates::Read(Vec::new()), &[&later]), Renewal::ChangedSince(_)));
    }
}
