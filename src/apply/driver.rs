//! The loop around the machines: journal, request, journal. It owns what runs at the same time, the
//! room under `maxOff`, and the next wake-up; what a step does is the machines' business.
//!
//! One write at a time: parallel license writes meet `Directory_ConcurrencyViolation` (GRAPH 4.5).
//! Reads go twenty to a request. In each round turning on goes before turning off (P2).

use std::collections::{BTreeMap, BTreeSet};

use super::date_guard::{self, DateGuard};
use super::event::{Event as Tell, Told};
use super::job::Job;
use super::look::{self, Wanted};
use super::machine::{Command, Event, Machine, State, World};
use super::outcome::{Outcome, Trouble};
use super::replay;
use super::room::Room;
pub use super::tools::{Done, Manner, Stopped, Tools};
use crate::graph::{Failure, NotWritten, Written};
use crate::journal::record::Entry;
use crate::model::{Catalog, Licensed, SignedDuration, Timestamp};
use crate::plan::change::Action;

/// How many subjects are worked on at once: two batches of reads. More would only lengthen the time
/// between the read and the write that is made from it.
const AT_ONCE: usize = 40;
/// How old the read may be that a write is made from. Forty writes in a row take some ten seconds.
const FRESH: SignedDuration = SignedDuration::from_secs(30);
/// The longest that writes stay away when Graph asks for it: twice its longest quota window (5 min,
/// GRAPH 8.1). What asks for more must not keep people off for as long as it likes.
const QUIET_MAX: SignedDuration = SignedDuration::from_mins(10);
/// Parts of one batch of reads.
const BATCH: usize = 20;

/// Carries the jobs out, in their order.
pub async fn run(jobs: Vec<Job>, manner: Manner, tools: Tools<'_>) -> Done {
    let mut driver = Driver {
        machines: jobs.into_iter().map(Machine::new).collect(),
        next: 0,
        live: BTreeSet::new(),
        left_off: 0,
        reads: BTreeMap::new(),
        wakes: BTreeMap::new(),
        writes: Vec::new(),
        quiet_until: None,
        guard: DateGuard::default(),
        stopped: None,
        is_ending: false,
        manner,
        tools,
    };
    driver.tell(Tell::Begun { subjects: driver.machines.len() });
    driver.work().await;
    driver.tell(Tell::Over);
    driver.finish()
}

struct Driver<'a> {
    machines: Vec<Machine>,
    /// The first machine that has not started.
    next: usize,
    /// The machines between start and end. There are few of them however many jobs there are.
    live: BTreeSet<usize>,
    /// People of machines that ended without turning them on again; they keep their room.
    left_off: u64,
    reads: BTreeMap<usize, (Timestamp, bool)>,
    wakes: BTreeMap<usize, Timestamp>,
    /// Writes in line, each with the time of the read that it is made from.
    writes: Vec<(usize, Write, Timestamp)>,
    /// Graph asked writers to stay away until then.
    quiet_until: Option<Timestamp>,
    guard: DateGuard,
    stopped: Option<Stopped>,
    /// Only whoever is off because of us is still turned on.
    is_ending: bool,
    manner: Manner,
    tools: Tools<'a>,
}

enum Write {
    On(Vec<Licensed>),
    Off(Vec<Licensed>),
}

impl<'a> Driver<'a> {
    async fn work(&mut self) {
        loop {
            if self.tools.interrupt.is_set() {
                self.tell(Tell::Interrupted);
                self.stopped = Some(Stopped::Interrupted);
            }
            if let Some(why) = self.tools.lease.why_lost() {
                self.stopped.get_or_insert(Stopped::Lease(why));
            }
            if !self.goes_on().await {
                return;
            }
            self.wake_due().await;
            self.admit().await;
            let now = self.tools.clock.now();
            if !self.writes.is_empty() && self.quiet_until.is_none_or(|until| until <= now) {
                self.write_one().await;
            } else if self.reads.values().any(|(at, _)| *at <= now) {
                self.read_some(now).await;
            } else if self.holds_back() && self.guard.wants_a_look(now) {
                self.look_at_date(now).await;
            } else if !self.wait().await {
                return;
            }
        }
    }

    /// Whether there is something to go on for. Without a journal or a lease nothing new starts, but
    /// whoever is off because of us is waited for and turned on: that harms nobody, and the next run
    /// sees it.
    async fn goes_on(&mut self) -> bool {
        match &self.stopped {
            None => true,
            Some(Stopped::Interrupted | Stopped::Graph(_)) => false,
            Some(Stopped::Journal(_) | Stopped::Lease(_)) => {
                self.only_turn_on().await;
                self.alive().chain(&self.machines[self.next..]).any(Machine::holds_off)
            }
        }
    }

    /// Drops everything that does not end an off of ours; an off in doubt is ended with the on.
    async fn only_turn_on(&mut self) {
        if !self.is_ending {
            self.is_ending = true;
            self.tell(Tell::NothingNew);
        }
        let machines = &self.machines;
        let turns_back_on =
            |index: usize, write: &Write| matches!(write, Write::On(_)) && machines[index].holds_off();
        self.writes.retain(|(index, write, _)| turns_back_on(*index, write));
        let live: Vec<usize> = self.live.iter().copied().collect();
        for index in live {
            let world = self.world(self.tools.catalog);
            let commands = self.machines[index].start_nothing(&world);
            self.obey_all(index, commands).await;
        }
    }

    /// Ticks every machine whose time has come.
    async fn wake_due(&mut self) {
        let now = self.tools.clock.now();
        let due: Vec<usize> =
            self.wakes.iter().filter(|(_, at)| **at <= now).map(|(index, _)| *index).collect();
        for index in due {
            self.wakes.remove(&index);
            self.step(index, Event::Tick).await;
        }
    }

    /// Starts machines, in order, as far as there is room. What turns on is never held back.
    async fn admit(&mut self) {
        while self.holds_back() && self.at_work() < AT_ONCE {
            let machine = &self.machines[self.next];
            if self.is_ending && !machine.holds_off() {
                self.next += 1;
                continue;
            }
            let job = machine.job();
            if job.action == Action::Toggle && !(self.room().fits(job.people) && self.guard.allows_toggles())
            {
                return;
            }
            let (index, subject, action) = (self.next, job.subject.clone(), job.action);
            self.next += 1;
            self.live.insert(index);
            self.tell(Tell::Started { subject, action });
            self.step(index, Event::Start).await;
        }
    }

    /// Live machines that do more than wait for their time.
    fn at_work(&self) -> usize {
        self.alive().filter(|one| !matches!(one.state(), State::Waiting { .. })).count()
    }

    /// Who is off, or about to be, by toggles of ours; also who could not be turned on again.
    fn room(&self) -> Room {
        let toggling = self.alive().filter(|one| one.job().action != Action::Enable || one.holds_off());
        let off = toggling.map(|machine| machine.job().people).sum::<u64>() + self.left_off;
        Room { max_off: self.manner.max_off, off }
    }

    fn alive(&self) -> impl Iterator<Item = &Machine> {
        self.live.iter().map(|index| &self.machines[*index])
    }

    async fn step(&mut self, index: usize, event: Event) {
        self.step_with(index, event, self.tools.catalog).await;
    }

    /// The same with licenses that were read since.
    async fn step_with(&mut self, index: usize, event: Event, catalog: &Catalog) {
        let world = self.world(catalog);
        let commands = self.machines[index].step(event, &world);
        self.obey_all(index, commands).await;
    }

    fn world<'c>(&self, catalog: &'c Catalog) -> World<'c> {
        let clock = self.tools.clock;
        World { now: clock.now(), latest: clock.latest(), catalog }
    }

    async fn obey_all(&mut self, index: usize, commands: Vec<Command>) {
        for command in commands {
            if !self.obey(index, command).await {
                break;
            }
        }
        self.tell_end(index);
    }

    /// False: what follows must not happen.
    async fn obey(&mut self, index: usize, command: Command) -> bool {
        match command {
            Command::Record(entry) => return self.record(index, entry).await,
            Command::TurnOn(fresh) => self.in_line(index, Write::On(fresh)),
            Command::TurnOff(fresh) => self.in_line(index, Write::Off(fresh)),
            Command::Read { at, members } => _ = self.reads.insert(index, (at, members)),
            Command::Wake(at) => _ = self.wakes.insert(index, at),
        }
        true
    }

    fn in_line(&mut self, index: usize, write: Write) {
        self.writes.push((index, write, self.tools.clock.now()));
    }

    /// Makes a record durable. Without it nothing leaves but an on for somebody who is off because of us.
    async fn record(&mut self, index: usize, entry: Entry) -> bool {
        let told = self.telling(index, &entry);
        let turns_off = matches!(entry, Entry::OffIntent { .. });
        if turns_off && self.stopped.is_some() {
            self.machines[index].leave(None);
            return false;
        }
        match self.tools.journal.append(entry, self.tools.clock.now()).await {
            Ok(record) => {
                replay::note(self.tools.running, &record);
                told.into_iter().for_each(|event| self.tell(event));
                true
            }
            Err(error) => {
                if turns_off {
                    self.machines[index].leave(Some(Trouble::ours("journal", error.to_string())));
                }
                if error.is_conflict() {
                    self.tools.lease.lose("another run has written the journal");
                }
                self.stopped.get_or_insert(Stopped::Journal(error));
                self.machines[index].holds_off() && !turns_off
            }
        }
    }

    fn telling(&self, index: usize, entry: &Entry) -> Option<Tell> {
        let job = self.machines[index].job();
        let subject = job.subject.clone();
        match entry {
            Entry::OffDone { .. } => Some(Tell::TurnedOff { subject, people: job.people }),
            Entry::OffVerified { due, .. } => Some(Tell::VerifiedOff { subject, due: *due }),
            Entry::OnDone { .. } => Some(Tell::TurnedOn { subject }),
            _ => None,
        }
    }

    /// Sends the most urgent write: back on, then enable, then off.
    async fn write_one(&mut self) {
        let urgency = |index: usize, write: &Write| match write {
            Write::On(_) if self.machines[index].holds_off() => 0,
            Write::On(_) => 1,
            Write::Off(_) => 2,
        };
        let most_urgent =
            (0..self.writes.len()).min_by_key(|at| urgency(self.writes[*at].0, &self.writes[*at].1));
        let Some(at) = most_urgent else { return };
        let (index, write, read_at) = self.writes.remove(at);
        if self.tools.clock.now().duration_since(read_at) > FRESH {
            return self.step(index, Event::Tick).await;
        }
        let id = self.machines[index].job().subject.id;
        let (outcome, turns_off) = match &write {
            Write::On(fresh) => (self.tools.on.turn_on(id, fresh, self.tools.catalog).await, false),
            Write::Off(fresh) => match self.tools.off {
                Some(off) => (off.turn_off(id, fresh, self.tools.catalog).await, true),
                None => return self.machines[index].leave(None),
            },
        };
        let refused = matches!(outcome, Err(NotWritten::Refused(_)));
        let is_left_off = refused && !turns_off && self.machines[index].holds_off();
        let catalog = if is_left_off { self.licenses_now().await } else { None };
        self.answered(index, outcome, turns_off, catalog.as_ref().unwrap_or(self.tools.catalog)).await;
    }

    /// The tenant's licenses, read again: one may have been suspended since the plan was made, and then
    /// no on can be done in it.
    async fn licenses_now(&self) -> Option<Catalog> {
        tokio::select! {
            biased;
            catalog = self.tools.reader.catalog() => catalog.ok(),
            () = self.tools.interrupt.set() => None,
        }
    }

    async fn answered(
        &mut self,
        index: usize,
        outcome: Result<Written, NotWritten>,
        turns_off: bool,
        catalog: &Catalog,
    ) {
        let event = match outcome {
            Ok(Written { request_id, sent, .. }) => Event::Wrote { request_id, sent },
            Err(NotWritten::Busy { retry_after, failure }) => {
                let pause = retry_after.unwrap_or(SignedDuration::ZERO).min(QUIET_MAX);
                self.quiet_until = self.tools.clock.now().checked_add(pause).ok();
                if !pause.is_zero() {
                    self.tell(Tell::Throttled { pause, asked: failure.asked().to_owned() });
                }
                Event::Busy { retry_after: pause, trouble: look::trouble(&failure) }
            }
            Err(NotWritten::Refused(failure)) if failure.ends_the_run() && !turns_off => {
                let trouble = self.note(failure);
                return self.machines[index].leave(Some(trouble));
            }
            Err(NotWritten::Refused(failure)) => Event::Refused(self.note(failure)),
            Err(NotWritten::InDoubt(failure)) => Event::InDoubt(self.note(failure)),
        };
        let accepted_on = matches!(event, Event::Wrote { .. }) && !turns_off;
        self.step_with(index, event, catalog).await;
        // One that changed nothing, or was never seen off, moves no date.
        let machine = &self.machines[index];
        if accepted_on && machine.job().action == Action::Toggle && machine.renews() {
            self.guard.came_back(index, self.tools.clock.now());
        }
    }

    /// The trouble that a failed write is to its machine; one that would meet every request ends the run.
    fn note(&mut self, failure: Failure) -> Trouble {
        let trouble = look::trouble(&failure);
        if failure.ends_the_run() {
            self.stopped = Some(Stopped::Graph(failure));
        }
        trouble
    }

    async fn read_some(&mut self, now: Timestamp) {
        let due = self.reads.iter().filter(|(_, (at, _))| *at <= now);
        let mut due: Vec<(usize, bool)> = due.map(|(index, (_, members))| (*index, *members)).collect();
        let turns_on = |index: usize| matches!(self.machines[index].state(), State::BeforeOn { .. });
        due.sort_by_key(|(index, _)| !turns_on(*index));
        due.truncate(BATCH);
        let wanted: Vec<Wanted> = due
            .iter()
            .map(|(index, members)| Wanted { id: self.machines[*index].job().subject.id, members: *members })
            .collect();
        let events = tokio::select! {
            biased;
            events = look::look(self.tools.reader, &wanted) => events,
            () = self.tools.interrupt.set() => return,
        };
        match events {
            Ok(events) => {
                for ((index, _), event) in due.into_iter().zip(events) {
                    self.reads.remove(&index);
                    self.step(index, event).await;
                }
            }
            Err(failure) => self.stopped = Some(Stopped::Graph(failure)),
        }
    }

    /// Whether the date of the first toggle moved, which keeps a lost journal from toggling for ever.
    async fn look_at_date(&mut self, now: Timestamp) {
        let Some(index) = self.guard.whose() else { return };
        let job = self.machines[index].job();
        let moved = tokio::select! {
            biased;
            moved = date_guard::has_moved(self.tools.reader, job, self.tools.catalog) => moved,
            () = self.tools.interrupt.set() => return,
        };
        match moved {
            Ok(moved) => {
                if self.guard.looked(moved, now) {
                    let subject = job.subject.clone();
                    self.tell(Tell::DateDoesNotMove { subject });
                }
            }
            Err(failure) => self.stopped = Some(Stopped::Graph(failure)),
        }
    }

    /// Waits for the next thing to do; false when there is none, or when waiting is not wanted.
    async fn wait(&mut self) -> bool {
        let guard = self.guard.next_look().filter(|_| self.holds_back());
        let work = self.next_work();
        let Some(next) = work.into_iter().chain(guard).min() else { return false };
        if self.manner.no_wait && self.only_waits() {
            return false;
        }
        if let Some(until) = work {
            self.tell(Tell::WaitUntil { until, off: self.room().off });
        }
        tokio::select! {
            biased;
            () = self.tools.interrupt.set() => {}
            () = self.tools.lease.lost(), if self.stopped.is_none() => {}
            () = self.tools.clock.sleep_until(next) => {}
        }
        if self.tools.clock.seems_to_have_slept() {
            self.ask_for_the_time().await;
        }
        true
    }

    /// Any answer tells the time, so that nobody stays off for as long as a laptop slept.
    async fn ask_for_the_time(&mut self) {
        let asked = tokio::select! {
            biased;
            () = self.tools.interrupt.set() => return,
            asked = self.tools.reader.organization() => asked,
        };
        if let Err(failure) = asked
            && failure.ends_the_run()
        {
            self.stopped = Some(Stopped::Graph(failure));
        }
    }

    /// When the next subject needs something.
    fn next_work(&self) -> Option<Timestamp> {
        let reads = self.reads.values().map(|(at, _)| *at);
        let writes = self.quiet_until.filter(|_| !self.writes.is_empty());
        reads.chain(self.wakes.values().copied()).chain(writes).min()
    }

    /// Whether toggles wait for their turn.
    fn holds_back(&self) -> bool {
        self.next < self.machines.len()
    }

    /// Nothing is left but waits, and groups that Graph processes: that takes as long as it takes.
    fn only_waits(&self) -> bool {
        self.writes.is_empty()
            && self.alive().all(|machine| match machine.state() {
                State::Ended | State::Waiting { .. } => true,
                State::CheckingOff | State::CheckingOn => machine.job().is_group(),
                State::Before | State::TurningOff | State::BeforeOn { .. } | State::TurningOn => false,
            })
    }

    fn tell(&mut self, event: Tell) {
        (self.tools.tell)(&Told { at: self.tools.clock.now(), event });
    }

    /// Takes a machine that has ended off the lists. A look or a wake-up that it asked for is void.
    fn tell_end(&mut self, index: usize) {
        let machine = &self.machines[index];
        let Some(end) = machine.end().filter(|_| self.live.contains(&index)) else { return };
        let (subject, end) = (machine.job().subject.clone(), end.clone());
        if machine.holds_off() {
            self.left_off += machine.job().people;
        }
        self.live.remove(&index);
        self.reads.remove(&index);
        self.wakes.remove(&index);
        self.tell(Tell::Ended { subject, end });
    }

    fn finish(self) -> Done {
        let waits = "it waits for its turn or its time; run again to continue";
        let subject = |index: usize| self.machines[index].job().subject.clone();
        let date_does_not_move = self.guard.failed().filter(|_| self.holds_back()).map(subject);
        let leave = |mut machine: Machine| {
            machine.leave(Some(Trouble::ours(Outcome::Pending.as_str(), waits)));
            machine
        };
        let machines = self.machines.into_iter().map(leave).collect();
        Done { machines, stopped: self.stopped, date_does_not_move }
    }
}

#[cfg(test)]
mod tests;
