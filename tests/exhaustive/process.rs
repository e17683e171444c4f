//! A process of the model: real machines, and around them what the driver does with their commands. The
//! driver's own order does not count here: whatever it may do next, may happen.

use std::collections::VecDeque;
use std::rc::Rc;

use advaudit::apply::job::Job;
use advaudit::apply::machine::{Command, Machine};
use advaudit::graph::Direction;
use advaudit::model::{Licensed, SignedDuration, Timestamp};

/// How old the read may be that a write is made from, as the driver has it.
pub const FRESH: SignedDuration = SignedDuration::from_secs(30);

/// What a process was started as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// May turn off.
    Apply,
    /// Has nothing to turn off with.
    Heal,
}

/// One process.
#[derive(Clone, Debug, Hash)]
pub struct Process {
    pub kind: Kind,
    /// Its lease is lost, and it knows: it only turns on whom it turned off.
    pub is_ending: bool,
    /// Somebody else has written the journal since: it cannot any more.
    pub is_outdated: bool,
    /// So many seconds its idea of the time is behind.
    pub behind: i64,
    /// One for each subject that it still works on.
    pub tasks: Vec<Option<Task>>,
    /// Commands of one machine that are not carried out yet; the first is a record.
    pub queue: VecDeque<Command>,
    /// Whose.
    pub whose: usize,
    /// Whether the read that they were made from showed how it stood.
    pub saw_fresh: bool,
}

/// One machine, and what it asked for.
#[derive(Clone, Debug, Hash)]
pub struct Task {
    pub machine: Rc<Machine>,
    pub has_begun: bool,
    pub read: Option<(Timestamp, bool)>,
    pub wake: Option<Timestamp>,
    pub write: Option<Write>,
}

/// A write in line.
#[derive(Clone, Debug, Hash)]
pub struct Write {
    pub direction: Direction,
    pub fresh: Vec<Licensed>,
    /// When the read came that it is made from.
    pub read_at: Timestamp,
    /// Whether that read showed how it stood.
    pub saw_fresh: bool,
}

impl Write {
    /// Whether the read that it is made from is too old to send it.
    pub fn is_too_old(&self, now: Timestamp) -> bool {
        now.duration_since(self.read_at) > FRESH
    }
}

impl Process {
    pub fn new(kind: Kind, behind: i64, jobs: Vec<Option<Job>>) -> Self {
        let task = |job| Task {
            machine: Rc::new(Machine::new(job)),
            has_begun: false,
            read: None,
            wake: None,
            write: None,
        };
        Process {
            kind,
            is_ending: false,
            is_outdated: false,
            behind,
            tasks: jobs.into_iter().map(|job| job.map(task)).collect(),
            queue: VecDeque::new(),
            whose: 0,
            saw_fresh: false,
        }
    }

    /// What it takes the time to be at least.
    pub fn now(&self, now: Timestamp) -> Timestamp {
        now.saturating_sub(SignedDuration::from_secs(self.behind)).expect("a time")
    }

    /// What it does about that subject.
    pub fn task(&mut self, number: u8) -> &mut Task {
        self.tasks[usize::from(number)].as_mut().expect("it still works on it")
    }

    /// When the next thing is due that it waits for, as the tenant's clock shows it.
    pub fn next(&self) -> Option<Timestamp> {
        let due = self.tasks.iter().flatten().flat_map(|task| {
            let read = task.read.map(|(at, _)| at);
            read.into_iter().chain(task.wake)
        });
        let due = due.min()?;
        Some(due.saturating_add(SignedDuration::from_secs(self.behind)).expect("a time"))
    }

    /// Whether it is over: no machine is left, or for an ending one none that holds somebody off.
    pub fn is_over(&self) -> bool {
        let mut left = self.tasks.iter().flatten();
        let goes_on = |task: &Task| !self.is_ending || task.machine.holds_off();
        self.queue.is_empty() && !left.any(goes_on)
    }

    /// Carries out what needs no record first, and lets go of machines that have ended.
    pub fn settle(&mut self, now: Timestamp) {
        let (at, saw_fresh) = (self.now(now), self.saw_fresh);
        while let Some(command) = self.queue.pop_front_if(|next| !matches!(next, Command::Record(_))) {
            let Some(task) = &mut self.tasks[self.whose] else { continue };
            let write = |direction, fresh| Some(Write { direction, fresh, read_at: at, saw_fresh });
            match command {
                Command::Record(_) => {}
                Command::TurnOff(fresh) => task.write = write(Direction::Off, fresh),
                Command::TurnOn(fresh) => task.write = write(Direction::On, fresh),
                Command::Read { at, members } => task.read = Some((at, members)),
                Command::Wake(at) => task.wake = Some(at),
            }
        }
        if self.queue.is_empty() {
            for task in &mut self.tasks {
                task.take_if(|task| task.machine.end().is_some());
            }
        }
    }

    /// What the driver drops of a run that has lost its lease: all writes but those that turn on whom we
    /// turned off.
    pub fn drop_writes(&mut self) {
        for task in self.tasks.iter_mut().flatten() {
            let holds_off = task.machine.holds_off();
            task.write.take_if(|write| write.direction == Direction::Off || !holds_off);
        }
    }
}
