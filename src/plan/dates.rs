//! `toggleIfEnabledBefore`: the toggle as desired state. The service plan must have been turned on
//! at or after a date T, and this says whether it was.

use crate::model::{Assignment, Timestamp};
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

/// Judges one user's dates. `own_on` is the newest on in our journal; `sources` are the assignments
/// in force that leave the service plan on.
pub fn renewal(
    asked: Timestamp,
    own_on: Option<Timestamp>,
    dates: &Dates,
    sources: &[&Assignment],
) -> Renewal {
    if own_on.is_some_and(|on| on >= asked) || dates.newest_on().is_some_and(|on| on >= asked) {
        return Renewal::Renewed;
    }
    match User::newest_update(sources.iter().copied()) {
        Some(changed) if changed < asked => Renewal::Due,
        Some(changed) => Renewal::ChangedSince(changed),
        None => Renewal::NoDate,
    }
}
