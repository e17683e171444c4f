//! What a machine knows beside its state, and what it knows of a toggle that an earlier run left.

use std::collections::BTreeSet;

use super::State;
use crate::apply::outcome::{End, Outcome};
use crate::model::{Licensed, Timestamp, UserId};
use crate::plan::running::{InFlight, Phase};

/// Nothing new may start any more: the code of what is given up because of that.
pub(super) const STOPPED: &str = "stopped";

/// What is known beside the state.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Facts {
    /// When the off was accepted or first seen. From here on somebody is off because of us.
    pub off_at: Option<Timestamp>,
    /// Since when an off may have been done whose answer was lost.
    pub doubt_since: Option<Timestamp>,
    /// A read showed the off, and that it turned somebody off.
    pub verified: bool,
    /// A read showed the off of a group, whether or not it has reached its members.
    pub off_shown: bool,
    /// `lastUpdatedDateTime` of the read that showed the off.
    pub off_stamp: Option<Timestamp>,
    /// An on was sent whose answer was lost: from here on it may be us who turned it on.
    pub on_lost: bool,
    /// When the on was accepted.
    pub on_at: Option<Timestamp>,
    /// When the on is due.
    pub due: Option<Timestamp>,
    /// What the last write that was accepted said, per license.
    pub sent: Vec<Licensed>,
    /// Members without error before the off: the gate waits for them.
    pub members: BTreeSet<UserId>,
    /// Those of them who were seen off since.
    pub seen_off: BTreeSet<UserId>,
    /// Members in error before the first write, when they were read then.
    pub broken_before: Option<BTreeSet<UserId>>,
    /// The group's list and processing look done: the next read takes the members as well.
    pub ask_members: bool,
    /// What this read says, when it is surprising.
    pub surprise: Option<Surprise>,
    /// What the read before it said, when that was surprising.
    pub surprised_before: Option<Surprise>,
    /// Reads since the last write.
    pub reads: u32,
    /// Writes that could not be done, in a row.
    pub tries: u32,
    /// Reads that failed, in a row.
    pub misses: u32,
    /// How it will have ended once it is on, when that is not what was planned.
    pub instead: Option<End>,
}

/// Something that is not believed on one read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Oddity {
    /// It is not as the plan expects it.
    Changed,
    /// Its licenses, or it itself, are not there.
    Missing,
    /// The off is there, and it is on through something else.
    OnAnyway,
    /// It is on, by a change that came after the off.
    TurnedOn,
}

/// Reads in a row that say the same surprising thing.
#[derive(Clone, Copy, Debug, Hash)]
pub(super) struct Surprise {
    /// What they say.
    pub oddity: Oddity,
    /// Since when.
    pub since: Timestamp,
    /// How many.
    pub reads: u8,
}

impl Facts {
    /// Whether the toggle has turned out to change nothing.
    pub fn is_without_effect(&self) -> bool {
        self.instead.as_ref().is_some_and(|end| end.outcome == Outcome::NoEffect)
    }

    /// Whether an off in doubt is given up only because nothing new may start any more.
    pub fn is_stopped(&self) -> bool {
        let code =
            self.instead.as_ref().and_then(|end| end.trouble.as_ref()).map(|trouble| trouble.code.as_str());
        code == Some(STOPPED)
    }

    /// Whether somebody else turned it on before our on.
    pub fn is_cut_short(&self) -> bool {
        self.instead.as_ref().is_some_and(|end| end.outcome == Outcome::CutShort)
    }

    /// What is known of an unfinished toggle, and where it is taken up again.
    pub fn of(own: &InFlight) -> (Self, State) {
        let mut facts = Facts {
            members: own.members.iter().copied().collect(),
            verified: own.verified,
            on_lost: own.on_lost,
            ..Facts::default()
        };
        let state = match own.phase {
            Phase::InDoubt { since } => {
                facts.doubt_since = Some(since);
                State::Before
            }
            Phase::Off { at } => {
                facts.off_at = Some(at);
                State::CheckingOff
            }
            Phase::Waiting { off_at, due } => {
                facts.off_at = Some(off_at);
                facts.due = Some(due);
                State::Waiting { due }
            }
            Phase::OnSent { off_at, on_at } => {
                facts.off_at = Some(off_at);
                facts.on_at = Some(on_at);
                State::BeforeOn { since: on_at }
            }
            Phase::Gone { off_at, since } => {
                facts.off_at = Some(off_at);
                State::BeforeOn { since }
            }
        };
        (facts, state)
    }
}
