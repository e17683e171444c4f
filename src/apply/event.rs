//! What the driver tells the world while it works. Values only; `report` draws them.

use super::machine::Headcount;
use super::outcome::End;
use super::rollout::Stop;
use crate::model::{SignedDuration, Subject, Timestamp};
use crate::plan::change::Action;

/// Something happened in a run.
#[derive(Clone, Debug)]
pub struct Told {
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: Event,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// Earlier runs left that many off who are due now.
    Due {
        /// How many.
        subjects: usize,
    },
    /// Work on so many subjects begins.
    Begun {
        /// How many.
        subjects: usize,
    },
    /// Work on a subject begins.
    Started {
        /// Whose.
        subject: Subject,
        /// What is done.
        action: Action,
    },
    /// Graph accepted the off.
    TurnedOff {
        /// Who.
        subject: Subject,
        /// How many people that is.
        people: u64,
    },
    /// A look showed how far a write has come with the members of a group.
    Members {
        /// Which group.
        subject: Subject,
        /// How many of how many.
        headcount: Headcount,
    },
    /// A read showed the off; the on waits for its time.
    VerifiedOff {
        /// Who.
        subject: Subject,
        /// When the on is due.
        due: Timestamp,
    },
    /// Graph accepted the on.
    TurnedOn {
        /// Who.
        subject: Subject,
    },
    /// A read showed the on, after a write of ours.
    VerifiedOn {
        /// Who.
        subject: Subject,
    },
    /// Nothing to do until then.
    WaitUntil {
        /// Until when.
        until: Timestamp,
        /// How many people are off because of us.
        off: u64,
    },
    /// Graph asks to stay away.
    Throttled {
        /// How long.
        pause: SignedDuration,
        /// What was asked.
        asked: String,
    },
    /// Work on a subject ended.
    Ended {
        /// Whose.
        subject: Subject,
        /// How.
        end: End,
    },
    /// The run leaves a subject that it has begun with: it waits for its time, or for Graph.
    Left {
        /// Whom.
        subject: Subject,
        /// When the on is due, where that is known.
        due: Option<Timestamp>,
    },
    /// The date of the first toggle did not move: no further toggle starts.
    DateDoesNotMove {
        /// Whose date.
        subject: Subject,
    },
    /// No further toggle starts in this run.
    Halted {
        /// Why.
        stop: Stop,
    },
    /// Interrupted: nothing new starts.
    Interrupted,
    /// The journal cannot be written, or the lease is lost: nothing new starts, and whoever is off
    /// because of us is still turned on.
    NothingNew,
    /// The work that [`Event::Begun`] announced is over.
    Over,
}
