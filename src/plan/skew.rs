//! The machine's clock beside Graph's (DESIGN 9). Deadlines are Graph's, so a machine that is wrong turns
//! nobody on early or late; but who runs on it, and what reads its logs, should know. Far off, either clock
//! may be the wrong one, and nobody is turned off by a clock that may be wrong.

use std::fmt;

use crate::diag::{Code, Finding};
use crate::model::SignedDuration;

/// More than this is told.
const TOLD: SignedDuration = SignedDuration::from_mins(2);
/// With more than this no new toggle starts.
const STARTS_NO_TOGGLE: SignedDuration = SignedDuration::from_mins(15);

/// By how much the machine's clock is ahead of Graph's; behind, where it is negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skew(pub SignedDuration);

impl Skew {
    /// Whether new toggles may start on such a machine.
    pub fn allows_toggles(self) -> bool {
        self.0.abs() <= STARTS_NO_TOGGLE
    }

    /// Whether whoever runs on the machine should know.
    pub fn is_told(self) -> bool {
        self.0.abs() > TOLD
    }

    /// What is to be told of it, if anything.
    pub fn finding(self) -> Option<Finding> {
        let so = if self.allows_toggles() { "" } else { ": no new toggle is started" };
        let help =
            "set the machine's clock; deadlines are Graph's, so nobody is turned on early or late by it";
        let finding = Finding::new(Code::ClockSkew, format!("{self}{so}")).help(help);
        self.is_told().then_some(finding)
    }
}

/// `this machine's clock is 3 h 20 min ahead of Graph's`.
impl fmt::Display for Skew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = (self.0.abs().as_secs() + 30) / 60;
        let how_much = match (minutes / 60, minutes % 60) {
            (0, minutes) => format!("{minutes} min"),
            (hours, 0) => format!("{hours} h"),
            (hours, minutes) => format!("{hours} h {minutes} min"),
        };
        let direction = if self.0.is_negative() { "behind" } else { "ahead of" };
        write!(f, "this machine's clock is {how_much} {direction} Graph's")
    }
}
