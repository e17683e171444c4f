//! The loop around the machines: journal, request, journal. It owns what runs at the same time, the
//! room under `maxOff`, and the next wake-up; what a step does is the machines' business.
//!
//! Writes of different subjects run side by side, as many as the governor of the client lets go; never
//! two of one subject, because a machine asks for one and waits for what becomes of it. Looks go twenty
//! to a request. Whenever a write may leave, turning on goes before turning off (P2).

mod ending;
mod holding;
mod looking;
#[cfg(test)]
mod tests;
mod writing;

use std::collections::{BTreeMap, BTreeSet};

use writing::Write;

use super::date_guard::DateGuard;
use super::event::{Event as Tell, Told};
use super::flight::{Flight, Landed, Wrote};
use super::job::Job;
use super::machine::{Command, Event, Machine, State, World};
use super::outcome::Trouble;
use super::replay;
use super::rollout::Course;
use super::room::Room;
pub use super::tools::{Done, Manner, Stopped, Tools};
use crate::graph::NextWrite;
use crate::journal::record::Entry;
use crate::model::{Catalog, SignedDuration, Timestamp};
use crate::plan::change::Action;
use crate::plan::running::{InFlight, Running};

/// How many subjects are on their way to a write at once: two batches of reads. More would only lengthen
/// the time between the read and the write that is made from it.
const AT_ONCE: usize = 40;
/// How many written ones may wait at once for a read that shows it: twenty seconds' worth at the quota
/// (GRAPH 8.1). A tenant in which nothing shows is not written to for longer.
const CHECKED_AT_ONCE: usize = 400;
/// How many batches of looks are on their way at once, so that one that has to be repeated does not
/// hold up the others.
const LOOKS_AT_ONCE: usize = 4;
/// So many batches of looks in a row without one subject that could be read are an outage: each of them was
/// repeated for a minute and a half at least. Otherwise a large plan would go through it wave by wave.
const OUTAGE: u32 = 3;
/// A wait shorter than this is not told: it is only the pace of writes and reads.
const TOLD: SignedDuration = SignedDuration::from_secs(1);

/// Carries the jobs out, in their order.
pub async fn run(jobs: Vec<Job>, manner: Manner, tools: Tools<'_>) -> Done {
    let course = Course::new(manner.rollout.clone(), manner.past, left_off(&jobs, tools.running));
    let mut driver = Driver {
        machines: jobs.into_iter().map(Machine::new).collect(),
        next: 0,
        live: BTreeSet::new(),
        left_off: 0,
        reads: BTreeMap::new(),
        wakes: BTreeMap::new(),
        writes: Vec::new(),
        flight: Flight::default(),
        guard: DateGuard::default(),
        course,
        opens: None,
        in_vain: 0,
        stopped: None,
        is_ending: false,
        manner,
        tools,
    };
    driver.tell(Tell::Begun { subjects: driver.machines.len() });
    driver.tell_halt(driver.course.stop().is_some());
    driver.work().await;
    driver.land_writes().await;
    driver.tell_left();
    driver.tell(Tell::Over);
    driver.finish()
}

/// Whom earlier runs turned off and left so. Whoever does not exist any more is not waited for.
fn left_off(jobs: &[Job], running: &Running) -> impl Iterator<Item = (usize, u64)> {
    let counts = |job: &Job| {
        let is_off = job.resumes.as_ref().is_some_and(InFlight::counts_as_off);
        is_off && running.rolled.is_open(job.subject.id)
    };
    jobs.iter().enumerate().filter(move |(_, job)| counts(job)).map(|(index, job)| (index, job.people))
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
    /// What left and has not come back.
    flight: Flight<'a>,
    guard: DateGuard,
    course: Course,
    /// When the next toggle in line may start, where it waits for nothing else.
    opens: Option<Timestamp>,
    /// Batches of looks in a row that showed nothing.
    in_vain: u32,
    stopped: Option<Stopped>,
    /// Only whoever is off because of us is still turned on.
    is_ending: bool,
    manner: Manner,
    tools: Tools<'a>,
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
            self.send_writes().await;
            self.send_looks();
            if !self.wait().await {
                return;
            }
        }
    }

    /// Whether there is something to go on for. Without a journal, a lease or a Graph that answers nothing
    /// new starts, but whoever is off because of us is waited for and turned on: that harms nobody, and the next run
    /// sees it.
    async fn goes_on(&mut self) -> bool {
        match &self.stopped {
            None => true,
            Some(Stopped::Interrupted | Stopped::Graph(_)) => false,
            Some(Stopped::Journal(_) | Stopped::Lease(_) | Stopped::Outage(_)) => {
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
            self.start_nothing(index).await;
        }
    }

    /// A write that is on its way is waited for first: it is not known whether it holds anybody off.
    async fn start_nothing(&mut self, index: usize) {
        if self.flight.is_writing(index) {
            return;
        }
        let world = self.world(self.tools.catalog);
        let commands = self.machines[index].start_nothing(&world);
        self.obey_all(index, commands).await;
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
        self.opens = None;
        while self.holds_back() && self.has_hands_free() {
            let machine = &self.machines[self.next];
            if self.is_ending && !machine.holds_off() {
                self.next += 1;
                continue;
            }
            let job = machine.job();
            let (index, subject, action) = (self.next, job.subject.clone(), job.action);
            if action == Action::Toggle && !self.lets_start(index) {
                return;
            }
            self.next += 1;
            if self.machines[index].end().is_some() {
                continue;
            }
            self.live.insert(index);
            self.tell(Tell::Started { subject, action });
            self.step(index, Event::Start).await;
        }
    }

    /// Whether another subject can be worked on. Those that wait for their time take nothing.
    fn has_hands_free(&self) -> bool {
        let checks = |one: &&Machine| match one.state() {
            State::CheckingOff | State::CheckingOn => !one.job().is_group(),
            State::Before | State::TurningOff | State::BeforeOn { .. } | State::TurningOn => false,
            State::Waiting { .. } | State::Ended => false,
        };
        let waits = self.alive().filter(|one| matches!(one.state(), State::Waiting { .. })).count();
        let checked = self.alive().filter(checks).count();
        self.live.len() - waits - checked < AT_ONCE && checked < CHECKED_AT_ONCE
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
        let machine = &mut self.machines[index];
        let before = machine.headcount();
        let commands = machine.step(event, &world);
        if let Some(headcount) = machine.headcount().filter(|headcount| before != Some(*headcount)) {
            let subject = machine.job().subject.clone();
            self.tell(Tell::Members { subject, headcount });
        }
        let commands = self.last_word(index, commands, &world);
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
            Entry::Closed { .. } if self.machines[index].was_seen_on() => Some(Tell::VerifiedOn { subject }),
            _ => None,
        }
    }

    /// Deals with what came back.
    async fn land(&mut self, landed: Landed) {
        match landed {
            Landed::Wrote(Wrote { index, turns_off, outcome, catalog }) => {
                let catalog = catalog.as_ref().unwrap_or(self.tools.catalog);
                self.answered(index, outcome, turns_off, catalog).await;
                if self.is_ending {
                    self.start_nothing(index).await;
                }
            }
            Landed::Looked { indices, events: Ok(events) } => {
                self.notice_outage(&events);
                for (index, event) in indices.into_iter().zip(events) {
                    self.step(index, event).await;
                }
            }
            Landed::Date(Ok(moved)) => self.date_was_looked_at(moved),
            Landed::Looked { events: Err(failure), .. } | Landed::Date(Err(failure)) => {
                self.stopped.get_or_insert(Stopped::Graph(failure));
            }
        }
    }

    /// Looks that show nobody, one after the other.
    fn notice_outage(&mut self, events: &[Event]) {
        let mut last = None;
        for event in events {
            match event {
                Event::Unreadable(trouble) => last = Some(&trouble.message),
                _ => return self.in_vain = 0,
            }
        }
        let Some(last) = last else { return };
        self.in_vain += 1;
        if self.in_vain >= OUTAGE {
            self.stopped.get_or_insert_with(|| Stopped::Outage(last.clone()));
        }
    }

    /// Waits for the next thing to do; false when there is none, or when waiting is not wanted.
    async fn wait(&mut self) -> bool {
        let guard = self.guard.next_look().filter(|_| self.waits_for_date() && !self.flight.looks_at_date());
        let work = self.next_work();
        // Nobody waits only for a window; while others are off it may open.
        let opens = self.opens.filter(|_| work.is_some());
        let next = work.into_iter().chain(guard).chain(opens).min();
        if self.flight.is_empty() {
            if next.is_none() || (self.manner.no_wait && self.only_waits()) {
                return false;
            }
            // What is only looked at again has its own events.
            let wait = self.wakes.values().min().copied().filter(|until| Some(*until) == next);
            if let Some(until) = wait.filter(|until| until.duration_since(self.tools.clock.now()) >= TOLD) {
                self.tell(Tell::WaitUntil { until, off: self.room().off });
            }
        }
        let clock = self.tools.clock;
        let landed = tokio::select! {
            biased;
            () = self.tools.interrupt.set() => None,
            () = self.tools.lease.lost(), if self.stopped.is_none() => None,
            landed = self.flight.next() => Some(landed),
            () = clock.sleep_until(next.unwrap_or(Timestamp::MAX)), if next.is_some() => None,
        };
        if let Some(landed) = landed {
            self.land(landed).await;
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
        let looks = self.reads.values().map(|(at, _)| *at);
        let looks = looks.filter(|_| self.flight.looks() < LOOKS_AT_ONCE);
        let write = match self.tools.on.next_write() {
            NextWrite::Now => Some(self.tools.clock.now()),
            NextWrite::At(at) => Some(at),
            NextWrite::AfterAnother => None,
        };
        looks.chain(self.wakes.values().copied()).chain(write.filter(|_| !self.writes.is_empty())).min()
    }

    /// Whether toggles wait for their turn.
    fn holds_back(&self) -> bool {
        self.next < self.machines.len()
    }

    /// Whether the date of the first toggle decides about others in this run.
    fn waits_for_date(&self) -> bool {
        self.holds_back() && self.opens.is_none() && self.course.stop().is_none()
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
}
