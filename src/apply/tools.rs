//! What the driver works with, and what comes of it.

use super::event::Told;
use super::interrupt::Interrupt;
use super::machine::Machine;
use super::rollout::Stop;
use crate::clock::Clock;
use crate::graph::{Failure, OffWriter, OnWriter, Reader};
use crate::journal::chain::JournalError;
use crate::journal::lease::Lease;
use crate::journal::log::Journal;
use crate::model::{Catalog, Rollout, Subject, Timestamp};
use crate::plan::rollout::Past;
use crate::plan::running::Running;

/// What a run works with. Without an [`OffWriter`] nothing can be turned off (`heal`).
pub struct Tools<'a> {
    /// Reads.
    pub reader: &'a Reader,
    /// Turns on.
    pub on: &'a OnWriter,
    /// Turns off.
    pub off: Option<&'a OffWriter>,
    /// Remembers.
    pub journal: &'a mut Journal,
    /// What the journal says is unfinished; kept up with every record.
    pub running: &'a mut Running,
    /// Makes this run the only one. Without it nothing new starts.
    pub lease: &'a Lease,
    /// Knows the time.
    pub clock: &'a Clock,
    /// The tenant's licenses.
    pub catalog: &'a Catalog,
    /// Is told what happens.
    pub tell: &'a mut dyn FnMut(&Told),
    /// Says when to stop.
    pub interrupt: &'a Interrupt,
}

/// How a run goes.
#[derive(Clone, Debug, Default)]
pub struct Manner {
    /// How many people may be off at the same time.
    pub max_off: u64,
    /// Leave instead of waiting.
    pub no_wait: bool,
    /// Who goes first, when toggles may start, and what stops them.
    pub rollout: Rollout,
    /// What earlier runs mean to that.
    pub past: Past,
}

/// What became of the subjects of a run.
#[derive(Debug, Default)]
pub struct Done {
    /// Every machine, in the order of the jobs.
    pub machines: Vec<Machine>,
    /// What ended the run early.
    pub stopped: Option<Stopped>,
    /// The first toggle came back and its date did not move.
    pub date_does_not_move: Option<Subject>,
    /// Why no further toggle was started, where some were left.
    pub halted: Option<Stop>,
    /// When the first of the toggles may start that were not started for their time.
    pub starts_at: Option<Timestamp>,
}

/// What ended a run early. Whoever is off stays in the journal.
#[derive(Debug)]
pub enum Stopped {
    /// Ctrl-C.
    Interrupted,
    /// Graph cannot be asked any more.
    Graph(Failure),
    /// Graph gave no answer that could be used, several times in a row; the last of them.
    Outage(String),
    /// The journal cannot be written any more.
    Journal(JournalError),
    /// The lease is not ours any more, for that reason.
    Lease(String),
}
