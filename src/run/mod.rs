//! One run on one tenant, from the lease to the last record: what `apply` and `heal` share, without a
//! terminal. First what earlier runs left is turned on as far as it is due, whatever comes after; then
//! the rest.
//!
//! Nothing is printed here and no file is read: a run is told what to carry out, and says what became
//! of it. So the same code runs under the commands and under a simulation.

mod cost;
mod reprocess;

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

pub use cost::Cost;

use crate::apply::driver::{self, Done, Manner, Stopped, Tools};
use crate::apply::event::{Event, Told};
use crate::apply::interrupt::Interrupt;
use crate::apply::job::Job;
use crate::apply::machine::Machine;
use crate::apply::outcome::{Outcome, Reprocessed};
use crate::apply::replay::replay;
use crate::apply::rollout::Stop;
use crate::clock::Clock;
use crate::graph::{Client, Failure, OffWriter, OnWriter, Reader};
use crate::journal::chain::JournalError;
use crate::journal::lease::{Lease, LeaseError};
use crate::journal::log::{self, Journal};
use crate::journal::record::{Allowed, Entry};
use crate::journal::store::Store;
use crate::model::{Catalog, Rollout, RunId, SignedDuration, SubjectId, Timestamp};
use crate::observe::collect;
use crate::observe::observed::Tenant;
use crate::plan::change::Change;
use crate::plan::estimate::Estimate;
use crate::plan::resolve::Protected;
use crate::plan::resume;
use crate::plan::rollout::{self, Past};
use crate::plan::running::Running;

/// What a run works with.
pub struct Way {
    /// Graph, or what stands in its place.
    pub client: Client,
    /// Graph's clock.
    pub clock: Clock,
    /// Where the journal and the lease of the tenant are.
    pub store: Rc<dyn Store>,
    /// The lease of that store; somebody has to [`Lease::keep`] it meanwhile.
    pub lease: Rc<Lease>,
    /// Says when to stop.
    pub interrupt: Interrupt,
    /// Is told what happens.
    pub tell: Box<dyn FnMut(&Told)>,
}

/// The plan that a run carries out, as far as the run and its journal need it.
#[derive(Clone, Debug, Default)]
pub struct Mandate {
    /// The digest of the decision.
    pub sha256: String,
    /// How many people may be off at the same time.
    pub max_off: u64,
    /// Who goes first, when toggles may start, and what stops them.
    pub rollout: Rollout,
    /// The digest of the manifest; none where only a part of it is meant.
    pub manifest_sha256: Option<String>,
    /// The declared subjects that were not in sync, as the journal keeps them.
    pub out_of_sync: Option<Vec<String>>,
    /// Limits that were overridden.
    pub allowed: Vec<Allowed>,
    /// How many changes the plan has, those included that are not carried out.
    pub changes: usize,
    /// What all of them cost.
    pub estimate: Estimate,
}

/// How a run begins.
#[derive(Clone, Debug)]
pub struct Begin {
    /// `apply` or `heal`.
    pub command: &'static str,
    /// How long to wait for the lease; none leaves that to what its holder does.
    pub lock_timeout: Option<SignedDuration>,
    /// Whose lease was broken for this run, as far as that is known.
    pub broke: Option<String>,
}

/// Why a run could not begin, or not go on.
#[derive(Debug, thiserror::Error)]
pub enum CannotRun {
    /// Graph did not do what was asked.
    #[error("{0}")]
    Graph(#[from] Failure),
    /// The journal cannot be used.
    #[error("{0}")]
    Journal(#[from] JournalError),
    /// The lease is not to be had.
    #[error("{0}")]
    Lease(#[from] LeaseError),
}

/// One run on one tenant.
pub struct Run {
    way: Way,
    command: &'static str,
    reader: Reader,
    on: OnWriter,
    /// Absent for `heal`, which can only turn on.
    off: Option<OffWriter>,
    tenant: Tenant,
    catalog: Catalog,
    journal: Journal,
    running: Running,
    is_known: bool,
    torn: usize,
    started_at: Timestamp,
    machines: Vec<Machine>,
    stopped: Option<Stopped>,
    date_does_not_move: bool,
    reprocessed: Vec<Reprocessed>,
    /// When the run began that turned off who was off when this one began.
    open_since: Option<Timestamp>,
    halted: Option<Stop>,
    starts_at: Option<Timestamp>,
    cost: Cost,
}

/// What became of a run.
pub struct Ended {
    /// The run.
    pub run: RunId,
    /// Its tenant.
    pub tenant: Tenant,
    /// Every subject that it worked on; the last word on each.
    pub machines: Vec<Machine>,
    /// What it leaves unfinished.
    pub running: Running,
    /// What ended it early.
    pub stopped: Option<Stopped>,
    /// The first toggle came back, and its date did not move.
    pub date_does_not_move: bool,
    /// Whose licenses Graph was asked to try again.
    pub reprocessed: Vec<Reprocessed>,
    /// Why no further toggle was started, where some were left.
    pub halted: Option<Stop>,
    /// When the first of the toggles may start that were not started for their time.
    pub starts_at: Option<Timestamp>,
    /// What carrying out cost.
    pub cost: Cost,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
}

impl Run {
    /// Takes the lease of the tenant that was asked, and replays its journal. The journal is opened
    /// only under the lease: another run may be in the middle of a record.
    pub async fn begin(
        tenant: Tenant,
        way: Way,
        begin: Begin,
        off: Option<OffWriter>,
    ) -> Result<Run, CannotRun> {
        let reader = Reader::new(way.client.clone());
        let run = RunId(uuid::Uuid::now_v7());
        way.lease.take(run, begin.lock_timeout).await?;
        let (mut journal, loaded) = Journal::open(way.store.clone(), tenant.id, run).await?;
        let now = way.clock.now();
        let running = replay(&loaded.records, now);
        let open_since = running.rolled.open_since();
        if let Some(owner) = begin.broke {
            journal.append(Entry::LeaseBroken { owner }, now).await?;
        }
        let catalog = reader.catalog().await?;
        let on = OnWriter::new(way.client.clone());
        Ok(Run {
            way,
            command: begin.command,
            reader,
            on,
            off,
            tenant,
            catalog,
            journal,
            running,
            is_known: !loaded.records.is_empty(),
            torn: loaded.torn,
            started_at: now,
            machines: Vec::new(),
            stopped: None,
            date_does_not_move: false,
            reprocessed: Vec::new(),
            open_since,
            halted: None,
            starts_at: None,
            cost: Cost::default(),
        })
    }

    /// The tenant.
    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// Reads the tenant.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// What earlier runs left, as the journal says now.
    pub fn running(&self) -> &Running {
        &self.running
    }

    /// Whether an earlier run left any record of this tenant.
    pub fn is_known(&self) -> bool {
        self.is_known
    }

    /// How many bytes of a torn last record were found.
    pub fn torn(&self) -> usize {
        self.torn
    }

    /// What ended the run early, if anything did.
    pub fn is_stopped(&self) -> bool {
        self.stopped.is_some()
    }

    /// Whether it has turned anybody on by now.
    pub fn has_worked(&self) -> bool {
        !self.machines.is_empty()
    }

    /// Turns on what is due, without asking, and without waiting for what is not.
    pub async fn turn_on_what_is_due(&mut self) -> Result<(), CannotRun> {
        let now = self.way.clock.now();
        let due: Vec<Change> = self
            .running
            .in_flight
            .values()
            .filter(|own| own.due() <= now)
            .map(|own| resume(own, now))
            .collect();
        if due.is_empty() {
            return Ok(());
        }
        if due.iter().any(|change| change.resumes.as_ref().is_some_and(|own| own.counts_as_off())) {
            (self.way.tell)(&Told { at: now, event: Event::Due { subjects: due.len() } });
        }
        self.cost.plan(&due, None, Past::default(), now);
        let manner = Manner { max_off: u64::MAX, no_wait: true, ..Manner::default() };
        let done = self.work(due, &Arc::default(), manner, None).await?;
        // What waits goes on in the second stage, or stays in the journal.
        self.keep(done, |machine| machine.end().is_some_and(|end| end.outcome != Outcome::Pending));
        Ok(())
    }

    /// Everything that earlier runs left off, to be turned on when due.
    pub fn unfinished(&self) -> Vec<Change> {
        let now = self.way.clock.now();
        let open = self.running.in_flight.values().filter(|own| own.counts_as_off());
        open.map(|own| resume(own, now)).collect()
    }

    /// Carries the changes of a plan out, or without one only what earlier runs began.
    pub async fn carry_out(
        &mut self,
        mut changes: Vec<Change>,
        protected: Protected,
        mandate: Option<&Mandate>,
        no_wait: bool,
    ) -> Result<(), CannotRun> {
        let rollout = mandate.map(|mandate| mandate.rollout.clone()).unwrap_or_default();
        rollout::sort(&mut changes, &rollout);
        let past = self.past(&changes);
        self.cost.plan(&changes, mandate, past, self.way.clock.now());
        let max_off = mandate.map_or(u64::MAX, |mandate| mandate.max_off);
        let manner = Manner { max_off, no_wait, rollout, past };
        let done = self.work(changes, &Arc::new(protected), manner, mandate).await?;
        self.date_does_not_move = done.date_does_not_move.is_some();
        (self.halted, self.starts_at) = (done.halted.clone(), done.starts_at);
        self.keep(done, |_| true);
        Ok(())
    }

    /// What earlier runs, and what this one has turned on already, mean to the rollout of these changes.
    fn past(&self, changes: &[Change]) -> Past {
        let again: BTreeSet<SubjectId> = changes.iter().map(|change| change.subject.id).collect();
        let ended = self.machines.iter().filter(|machine| !again.contains(&machine.job().subject.id));
        let failed = ended.filter_map(Machine::end).filter(|end| end.outcome.is_failure());
        Past { failures: failed.count() as u64, ..Past::of(changes, &self.running, self.open_since) }
    }

    async fn work(
        &mut self,
        changes: Vec<Change>,
        protected: &Arc<Protected>,
        manner: Manner,
        mandate: Option<&Mandate>,
    ) -> Result<Done, CannotRun> {
        let begun = Entry::RunStarted {
            command: self.command.to_owned(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            tenant: self.tenant.id,
            plan_sha256: mandate.map(|mandate| mandate.sha256.clone()),
            manifest_sha256: mandate.and_then(|mandate| mandate.manifest_sha256.clone()),
            out_of_sync: mandate.and_then(|mandate| mandate.out_of_sync.clone()),
            allowed: mandate.map(|mandate| mandate.allowed.clone()).unwrap_or_default(),
        };
        let written = self.journal.append(begun, self.way.clock.now()).await;
        if changes.is_empty() {
            written?;
        }
        // Otherwise the driver meets the same error at its own records: it starts nothing without one,
        // and turns on who is due all the same.
        let (spent, began) = (self.way.client.spent(), self.way.clock.ticks());
        let jobs = changes.iter().map(|change| Job::new(change, protected)).collect();
        let tools = Tools {
            reader: &self.reader,
            on: &self.on,
            off: self.off.as_ref(),
            journal: &mut self.journal,
            running: &mut self.running,
            lease: &self.way.lease,
            clock: &self.way.clock,
            catalog: &self.catalog,
            tell: &mut *self.way.tell,
            interrupt: &self.way.interrupt,
        };
        let done = driver::run(jobs, manner, tools).await;
        let took = self.way.clock.ticks().saturating_sub(began);
        self.cost.add(self.way.client.spent() - spent, took);
        Ok(done)
    }

    /// Takes over what became of the subjects; what a later stage says of one counts.
    fn keep(&mut self, done: Done, wanted: impl FnMut(&Machine) -> bool) {
        self.stopped = self.stopped.take().or(done.stopped);
        let newer: Vec<Machine> = done.machines.into_iter().filter(wanted).collect();
        let again: BTreeSet<SubjectId> = newer.iter().map(|machine| machine.job().subject.id).collect();
        self.machines.retain(|machine| !again.contains(&machine.job().subject.id));
        self.machines.extend(newer);
    }

    /// Notes that the run was interrupted outside of the driver.
    pub fn interrupted(&mut self) {
        self.stopped = Some(Stopped::Interrupted);
    }

    /// Ends the run. `judge` makes its exit code, which the last record holds; then the lease is free.
    pub async fn end<T>(mut self, judge: impl FnOnce(&Ended) -> (u8, T)) -> (Ended, T) {
        let ended = Ended {
            run: self.journal.run(),
            tenant: self.tenant,
            machines: self.machines,
            running: self.running,
            stopped: self.stopped,
            date_does_not_move: self.date_does_not_move,
            reprocessed: self.reprocessed,
            halted: self.halted,
            starts_at: self.starts_at,
            cost: self.cost,
            started_at: self.started_at,
            finished_at: self.way.clock.now(),
        };
        let (exit_code, judged) = judge(&ended);
        // A journal that cannot be written was told before, and what matters in it is in it.
        _ = self.journal.append(Entry::RunFinished { exit_code }, ended.finished_at).await;
        self.way.lease.release().await;
        (ended, judged)
    }
}

/// Asks which tenant answers, before anything else.
pub async fn tenant(client: &Client) -> Result<Tenant, CannotRun> {
    Ok(collect::tenant(&Reader::new(client.clone())).await?)
}

/// What the journal says is unfinished, without taking anything.
pub async fn look(store: &dyn Store, tenant: &Tenant, now: Timestamp) -> Result<Running, JournalError> {
    Ok(replay(&log::load(store, Some(tenant.id)).await?.records, now))
}
