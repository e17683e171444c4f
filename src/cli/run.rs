//! What `apply` and `heal` share: the run with its lease, its journal and its two stages. First
//! what earlier runs left is turned on as far as it is due, whatever comes after; then the rest.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use super::connect::Connection;
use super::plan::{self, Made, Narrow};
use super::{Exit, Failure, journal};
use crate::apply::driver::{self, Done, Manner, Stopped, Tools};
use crate::apply::event::Told;
use crate::apply::interrupt::{Interrupt, Interrupter};
use crate::apply::job::Job;
use crate::apply::machine::Machine;
use crate::apply::outcome::Outcome;
use crate::apply::replay::replay;
use crate::diag::Code;
use crate::graph::{OffWriter, OnWriter, Reader};
use crate::journal::record::Entry;
use crate::journal::store;
use crate::model::{Catalog, SubjectId, Timestamp};
use crate::observe::collect;
use crate::observe::observed::Tenant;
use crate::plan::change::{Action, Change};
use crate::plan::planned::Plan;
use crate::plan::resolve::Protected;
use crate::plan::running::Running;
use crate::plan::{digest, resume};
use crate::report::human;
use crate::report::json::v1::common::{self, TenantDocument};
use crate::report::json::v1::run::{OffMinutes, RunDocument, RunSummary, SubjectDocument, minutes_off};
use crate::report::output::{Format, Output};
use crate::report::progress::{self, Progress};

/// Drives a command to its end, with the interrupt that Ctrl-C sets.
pub(super) fn drive<W>(connection: &Connection, work: impl FnOnce(Interrupt) -> W) -> Result<Exit, Failure>
where
    W: Future<Output = Result<Exit, Failure>>,
{
    let (interrupter, interrupt) = Interrupt::pair();
    connection.drive(async {
        tokio::select! {
            biased;
            // First, so that it is heard from the first request on.
            never = listen(interrupter) => never,
            exit = work(interrupt) => exit,
        }
    })
}

/// Sets the interrupt at Ctrl-C, or when the system asks to stop. Never ends by itself.
async fn listen(interrupter: Interrupter) -> Result<Exit, Failure> {
    while asked_to_stop().await.is_ok() {
        interrupter.interrupt();
    }
    std::future::pending().await
}

/// Ctrl-C, or SIGTERM, by which runners and containers cancel a job.
#[cfg(unix)]
async fn asked_to_stop() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn asked_to_stop() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}

/// One run on one tenant, from the lease to the run document.
pub(super) struct Run<'a> {
    connection: &'a Connection,
    output: Output,
    command: &'static str,
    reader: Reader,
    on: OnWriter,
    /// Absent for `heal`, which can only turn on.
    off: Option<OffWriter>,
    tenant: Tenant,
    catalog: Catalog,
    taken: journal::Taken,
    interrupt: Interrupt,
    started_at: Timestamp,
    machines: Vec<Machine>,
    stopped: Option<Stopped>,
    date_does_not_move: bool,
    plan: Option<Plan>,
}

impl<'a> Run<'a> {
    /// Checks the tenant, takes the lease and replays the journal.
    pub async fn begin(
        connection: &'a Connection,
        output: Output,
        command: &'static str,
        off: Option<OffWriter>,
        interrupt: Interrupt,
    ) -> Result<Self, Failure> {
        let reader = Reader::new(connection.client.clone());
        let tenant = collect::tenant(&reader).await?;
        let now = connection.clock.now();
        let taken = journal::take(&connection.folder(tenant.id), now, &output)?;
        let catalog = reader.catalog().await?;
        let on = OnWriter::new(connection.client.clone());
        Ok(Run {
            connection,
            output,
            command,
            reader,
            on,
            off,
            tenant,
            catalog,
            taken,
            interrupt,
            started_at: now,
            machines: Vec::new(),
            stopped: None,
            date_does_not_move: false,
            plan: None,
        })
    }

    /// What earlier runs left, as the journal says now.
    pub fn running(&self) -> &Running {
        &self.taken.running
    }

    /// What ended the run early, if anything did.
    pub fn is_stopped(&self) -> bool {
        self.stopped.is_some()
    }

    /// Turns on what is due, without asking, and without waiting for what is not.
    pub async fn turn_on_what_is_due(&mut self) -> Result<(), Failure> {
        let now = self.connection.clock.now();
        let due: Vec<Change> = self
            .taken
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
            self.output.say(&progress::due(due.len()));
        }
        let manner = Manner { max_off: u64::MAX, no_wait: true };
        let done = self.work(due, &Arc::default(), manner, None).await?;
        // What waits goes on in the second stage, or stays in the journal.
        self.keep(done, |machine| machine.end().is_some_and(|end| end.outcome != Outcome::Pending));
        self.reload()
    }

    /// Carries the changes of a plan out.
    pub async fn carry_out(
        &mut self,
        changes: Vec<Change>,
        protected: Protected,
        plan: Option<&Plan>,
        no_wait: bool,
    ) -> Result<(), Failure> {
        let max_off = plan.map_or(u64::MAX, |plan| plan.max_off);
        let sha256 = plan.map(digest::sha256);
        self.plan = plan.cloned();
        let done = self.work(changes, &Arc::new(protected), Manner { max_off, no_wait }, sha256).await?;
        self.date_does_not_move = done.date_does_not_move.is_some();
        self.keep(done, |_| true);
        Ok(())
    }

    async fn work(
        &mut self,
        changes: Vec<Change>,
        protected: &Arc<Protected>,
        manner: Manner,
        plan_sha256: Option<String>,
    ) -> Result<Done, Failure> {
        let clock = &self.connection.clock;
        let begun = Entry::RunStarted {
            command: self.command.to_owned(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            plan_sha256,
        };
        let written = self.taken.journal.append(begun, clock.now());
        if changes.is_empty() {
            written?;
        }
        // Otherwise the driver meets the same error at its own records: it starts nothing without one,
        // and turns on who is due all the same.
        let jobs = changes.iter().map(|change| Job::new(change, protected)).collect();
        let mut progress = Progress::new(self.output, clock);
        let mut tell = |told: &Told| progress.tell(told);
        let tools = Tools {
            reader: &self.reader,
            on: &self.on,
            off: self.off.as_ref(),
            journal: &mut self.taken.journal,
            clock,
            catalog: &self.catalog,
            tell: &mut tell,
            interrupt: &self.interrupt,
        };
        let done = driver::run(jobs, manner, tools).await;
        progress.finish();
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

    /// Whether an earlier run left any record of this tenant.
    pub fn is_known(&self) -> bool {
        self.taken.known
    }

    /// Plans in the middle of the run; breaks with its end where that cannot be.
    pub async fn plan(
        self,
        manifest: &Path,
        narrow: &Narrow,
    ) -> ControlFlow<Result<Exit, Failure>, (Self, Made)> {
        let (tenant, interrupt) = (self.tenant.clone(), self.interrupt.clone());
        let made = tokio::select! {
            biased;
            () = interrupt.set() => return ControlFlow::Break(self.interrupted()),
            made = plan::make(manifest, narrow, tenant, &self.reader, self.running(), self.connection) => made,
        };
        match made {
            Ok(made) => ControlFlow::Continue((self, made)),
            Err(failure) => ControlFlow::Break(self.fail(failure)),
        }
    }

    /// Ends a run that was interrupted outside of the driver.
    fn interrupted(mut self) -> Result<Exit, Failure> {
        self.stopped = Some(Stopped::Interrupted);
        self.end(&[])
    }

    /// Ends a run whose manifest or plan cannot be used: what was turned on before is still told.
    fn fail(self, failure: Failure) -> Result<Exit, Failure> {
        if self.machines.is_empty() {
            return Err(failure);
        }
        failure.show(&self.output);
        self.end(&[failure.exit()])
    }

    fn reload(&mut self) -> Result<(), Failure> {
        let folder = self.connection.folder(self.tenant.id);
        self.taken.running = replay(&store::load(&folder)?.records, self.connection.clock.now());
        Ok(())
    }

    /// Ends the run: the last record, the document, the exit code. `also` are codes that hold beside
    /// what the run itself shows.
    pub fn end(mut self, also: &[Exit]) -> Result<Exit, Failure> {
        self.reload()?;
        let now = self.connection.clock.now();
        let subjects: Vec<SubjectDocument> = self.machines.iter().map(SubjectDocument::new).collect();
        let left = self.taken.running.in_flight.values().filter(|own| own.counts_as_off());
        let come_back = left.map(|own| own.come_back(now)).min();
        let waits = subjects.iter().any(|one| one.outcome == Outcome::Pending);
        let exit = self.exit(&subjects, come_back.is_some(), also);
        let blocked = self.plan.as_ref().map_or(0, |plan| plan.blocked.len());
        let document = RunDocument {
            format_version: "1.0".to_owned(),
            run_id: self.taken.journal.run(),
            tenant: TenantDocument::from(&self.tenant),
            plan_sha256: self.plan.as_ref().map(digest::sha256),
            started_at: self.started_at,
            finished_at: now,
            exit_code: exit.code(),
            summary: RunSummary::of(&subjects, blocked),
            resume_after: come_back.or(waits.then_some(now)),
            off_user_minutes: OffMinutes {
                planned: self.plan.as_ref().map_or(0, |plan| plan.estimate.off_user_minutes),
                actual: minutes_off(&self.machines, now),
            },
            subjects,
        };
        _ = self.taken.journal.append(Entry::RunFinished { exit_code: exit.code() }, now);
        match self.output.format {
            Format::Human => {
                self.output.result(&human::run::render(&document, self.output.style(), self.output.width()))
            }
            Format::Json => self.output.result(&common::text(&document)),
        }
        self.say_what_stopped();
        Ok(exit)
    }

    fn exit(&self, subjects: &[SubjectDocument], someone_is_off: bool, also: &[Exit]) -> Exit {
        let any = |wanted: &[Outcome]| subjects.iter().any(|one| wanted.contains(&one.outcome));
        let stopped = self.stopped.as_ref().map(|stopped| match stopped {
            Stopped::Interrupted => Exit::Interrupted,
            Stopped::Graph(failure) if failure.is_credentials() => Exit::Credentials,
            Stopped::Graph(_) | Stopped::Journal(_) => Exit::Error,
        });
        let holding = [
            stopped,
            (someone_is_off || any(&[Outcome::Pending, Outcome::Stuck])).then_some(Exit::Pending),
            any(&[Outcome::Failed, Outcome::Skipped]).then_some(Exit::Partial),
            self.plan.as_ref().is_some_and(|plan| !plan.is_complete()).then_some(Exit::Partial),
        ];
        Exit::first(&holding.into_iter().flatten().chain(also.iter().copied()).collect::<Vec<_>>())
    }

    fn say_what_stopped(&self) {
        let output = &self.output;
        if self.date_does_not_move {
            output.explain(&format!(
                "stopped [{}]: the first toggle is back on, and 15 minutes later Graph still shows \
                 its old date. Without that date a lost journal would toggle the same people again, so no further \
                 toggle was started; those that were done stay done.",
                Code::DateDoesNotMove
            ));
        }
        let off = self.taken.running.in_flight.values().any(|own| own.counts_as_off());
        let next = if off {
            "Who is off is in the journal: `advaudit status` lists them, `advaudit heal` turns them on when they are due."
        } else {
            "Nobody is off because of us."
        };
        let wrong = match &self.stopped {
            None => return,
            Some(Stopped::Interrupted) => "interrupted: nothing new was started.".to_owned(),
            Some(Stopped::Graph(failure)) => output.error_style().error(&format!("{failure}.")),
            Some(Stopped::Journal(error)) => {
                output.error_style().error(&format!("{error}. Nothing is turned off without a record of it."))
            }
        };
        output.explain(&format!("{wrong} {next}"));
    }
}

/// Interrupted before anything was begun.
pub(super) fn interrupted_at_once(output: &Output) -> Exit {
    output.explain("interrupted: nothing was begun.");
    Exit::Interrupted
}

/// Changes of a plan that turn on what is off because of us.
pub(super) fn resumes(plan: &Plan) -> Vec<Change> {
    plan.with(Action::Resume).cloned().collect()
}
