//! What a machine knows beside its state, and what it knows of a toggle that an earlier run left.

use std::collections::BTreeSet;

use super::State;
use crate::apply::outcome::End;
use crate::model::{Licensed, Timestamp, UserId};
use crate::plan::running::Phase;

/// What is known beside the state.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    /// When the off was accepted or first seen. From here on somebody is off because of us.
    pub off_at: Option<Timestamp>,
    /// An off may have been done whose answer was lost.
    pub doubt: bool,
    /// A read showed the off.
    pub verified: bool,
    /// `lastUpdatedDateTime` of the read that showed the off.
    pub off_stamp: Option<Timestamp>,
    /// When the on was accepted.
    pub on_at: Option<Timestamp>,
    /// When the on is due.
    pub due: Option<Timestamp>,
    /// What the on said, per license.
    pub sent: Vec<Licensed>,
    /// Members without error before the off: the gate waits for them.
    pub members: BTreeSet<UserId>,
    /// Members in error before the first write.
    pub broken_before: Option<BTreeSet<UserId>>,
    /// The group's list and processing look done: the next read takes the members as well.
    pub ask_members: bool,
    /// Surprising reads in a row.
    pub surprises: u8,
    /// Reads since the last write.
    pub reads: u32,
    /// Writes that could not be done, in a row.
    pub tries: u32,
    /// How it will have ended once it is on, when that is not what was planned.
    pub instead: Option<End>,
}

/// Where an unfinished toggle is taken up again.
pub(super) fn stand_where(phase: Phase, facts: &mut Facts) -> State {
    match phase {
        Phase::InDoubt { .. } => {
            facts.doubt = true;
            State::Before
        }
        Phase::Off { at } => {
            facts.off_at = Some(at);
            State::CheckingOff
        }
        Phase::Waiting { off_at, due } => {
            facts.off_at = Some(off_at);
            facts.due = Some(due);
            facts.verified = true;
            State::Waiting { due }
        }
        Phase::OnSent { off_at, on_at } => {
            facts.off_at = Some(off_at);
            facts.on_at = Some(on_at);
            facts.verified = true;
            State::BeforeOn { since: on_at }
        }
        Phase::Gone { off_at, since } => {
            facts.off_at = Some(off_at);
            State::BeforeOn { since }
        }
    }
}
