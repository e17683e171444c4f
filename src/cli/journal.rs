//! The journal of the tenant that answers: taken for a run, or only looked at.

use std::path::Path;

use super::Failure;
use crate::apply::replay::replay;
use crate::journal::lease::Lease;
use crate::journal::store::{self, Journal};
use crate::model::{RunId, Timestamp};
use crate::plan::running::Running;
use crate::report::output::Output;

/// What earlier runs left, without taking anything.
pub(super) fn look(folder: &Path, now: Timestamp) -> Result<Running, Failure> {
    Ok(replay(&store::load(folder)?.records, now))
}

/// Whether a journal with any record is there.
pub(super) fn is_known(folder: &Path) -> Result<bool, Failure> {
    Ok(!store::load(folder)?.records.is_empty())
}

/// The lease and the journal of one run.
pub(super) struct Taken {
    /// Held until the run ends.
    _lease: Lease,
    /// Open for writing.
    pub journal: Journal,
    /// What earlier runs left.
    pub running: Running,
    /// Whether there was any record before this run.
    pub known: bool,
}

/// Takes the lease, then opens the journal: never the other way round, because opening may cut a
/// torn record off that another run is just writing.
pub(super) fn take(folder: &Path, now: Timestamp, output: &Output) -> Result<Taken, Failure> {
    let run = RunId(uuid::Uuid::now_v7());
    let lease = Lease::take(folder, run, now)?;
    let (journal, loaded) = Journal::open(folder, run)?;
    if loaded.torn > 0 {
        output.complain(&format!(
            "the last record of the journal was torn ({} bytes) and is cut off; what it announced never began",
            loaded.torn
        ));
    }
    let running = replay(&loaded.records, now);
    Ok(Taken { _lease: lease, journal, running, known: !loaded.records.is_empty() })
}
