//! Colours, in one place. Text is the same with and without them.

use std::fmt::Display;

use anstyle::{AnsiColor, Style as Ansi};

use crate::apply::outcome::Outcome;

/// What a piece of text is, not how it looks.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// Turned on.
    On,
    /// Turned off, or off and on again.
    Toggle,
    /// Taken up again.
    Resume,
    /// Blocked or failed.
    Bad,
    /// A heading or a name.
    Strong,
    /// Less important.
    Dim,
}

/// Paints, or not.
#[derive(Clone, Copy)]
pub struct Style {
    /// Whether to colour.
    pub colour: bool,
}

impl Style {
    pub(super) fn paint(self, kind: Kind, text: impl Display) -> String {
        if !self.colour {
            return text.to_string();
        }
        let style = match kind {
            Kind::On => AnsiColor::Green.on_default(),
            Kind::Toggle => AnsiColor::Yellow.on_default(),
            Kind::Resume => AnsiColor::Cyan.on_default(),
            Kind::Bad => AnsiColor::Red.on_default(),
            Kind::Strong => Ansi::new().bold(),
            Kind::Dim => Ansi::new().dimmed(),
        };
        format!("{style}{text}{style:#}")
    }
}

impl Kind {
    /// How an outcome is painted.
    pub(super) fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Enabled | Outcome::Toggled | Outcome::Resumed => Kind::On,
            Outcome::Failed | Outcome::Stuck => Kind::Bad,
            Outcome::Pending
            | Outcome::CutShort
            | Outcome::LicenseGone
            | Outcome::NowByGroup
            | Outcome::NoEffect
            | Outcome::SubjectGone
            | Outcome::Skipped => Kind::Toggle,
        }
    }
}

impl Style {
    /// `error: …`, in red where there are colours.
    pub fn error(self, text: &str) -> String {
        format!("{} {text}", self.paint(Kind::Bad, "error:"))
    }
}
