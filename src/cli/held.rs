//! Why `apply` starts less than its plan says. Whatever it is, turning on goes ahead.

use super::connect::Connection;
use super::options::Global;
use super::{Exit, Failure};
use crate::diag::Code;
use crate::plan::change::{Action, Change};
use crate::plan::skew::Skew;
use crate::report::output::Output;

/// Why something is not started.
pub(super) enum Held {
    /// The machine's clock and Graph's are too far apart for toggles.
    Clock(Skew),
    /// There are toggles to start, and the memory of who is off would be lost with the runner.
    LostMemory,
    /// It is not what was approved.
    Digest(Failure),
    /// It is more than a limit allows; the plan's finding says which.
    Limit,
    /// Somebody said no.
    Answer,
    /// Somebody pressed Ctrl-C instead of answering.
    Interrupt,
}

impl Held {
    /// Whether a change may start all the same.
    pub fn lets(&self, change: &Change) -> bool {
        match self {
            Held::Clock(_) => change.action != Action::Toggle,
            Held::LostMemory | Held::Digest(_) | Held::Limit | Held::Answer | Held::Interrupt => {
                change.action == Action::Resume
            }
        }
    }

    /// Whether anything of the plan starts all the same.
    pub fn starts(&self) -> bool {
        matches!(self, Held::Clock(_))
    }

    /// What went wrong, where something did.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Held::Digest(failure) => Some(failure),
            Held::Clock(_) | Held::LostMemory | Held::Limit | Held::Answer | Held::Interrupt => None,
        }
    }

    /// The code that holds because of it.
    pub fn exit(&self) -> Exit {
        match self {
            Held::Clock(_) => Exit::Pending,
            Held::LostMemory => Exit::Usage,
            Held::Digest(failure) => failure.exit(),
            Held::Limit => Exit::Limit,
            Held::Answer | Held::Interrupt => Exit::Error,
        }
    }

    /// Says why.
    pub fn tell(&self, output: &Output) {
        match self {
            Held::Clock(skew) => output.explain(&by_clock(*skew)),
            Held::LostMemory => output.explain(&output.error_style().error(LOST_MEMORY)),
            Held::Digest(failure) => failure.show(output),
            Held::Answer => output.say("Not approved: nothing new was started."),
            Held::Limit | Held::Interrupt => {}
        }
    }
}

fn by_clock(skew: Skew) -> String {
    format!(
        "no toggle was started [{}]: {skew}, and so far apart either of them may be wrong. Set the machine's \
         clock and run again; turning on went ahead.",
        Code::ClockSkew
    )
}

const LOST_MEMORY: &str = "there are toggles to start, CI is set, and no --state is named: a runner's folder is \
     lost with the runner, and with it the memory of who is off. Name a place that outlives the job with --state, a \
     folder or an object store (az://, s3://, gs://); nothing new was started";

/// Whether what is remembered of this run would be lost with the machine.
pub(super) fn loses_its_memory(global: &Global, connection: &Connection) -> bool {
    let ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false");
    ci && !global.names_state() && !connection.is_sandbox()
}
