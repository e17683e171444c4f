//! What comes of an action: the machines are stepped, and Graph, the journal and the driver do their part.

use std::rc::Rc;

use advaudit::apply::machine::{Command, Event, World as Known};
use advaudit::apply::outcome::Trouble;
use advaudit::graph::Direction;
use advaudit::journal::record::Entry;
use advaudit::model::{SignedDuration, Timestamp};

use super::model::{Action, After, Answer, State, Who, World};
use super::process::{FRESH, Kind, Process, Write};
use super::promises::{self, Leaving};
use super::scope::Rule;
use super::tenant::{Look, Toggle, turned};

/// How unsure every process is of the time, and how much the first one's idea is behind: as much.
const UNSURE: i64 = 2;

/// A state that an action happens to.
pub struct Doing<'a> {
    pub world: &'a World,
    pub state: State,
}

impl Doing<'_> {
    /// What comes of it, or the promise that it breaks.
    pub fn act(mut self, action: Action) -> Result<State, String> {
        match action {
            Action::Start(kind, after) => self.start(kind, after),
            Action::Begin(who, number) => {
                self.process(who).task(number).has_begun = true;
                self.step(who, number, Event::Start, true)?;
            }
            Action::Record(who) => self.record(who)?,
            Action::Send(who, number, answer) => self.send(who, number, answer)?,
            Action::Look(who, number, look) => self.look(who, number, look)?,
            Action::Wake(who, number) => {
                self.process(who).task(number).wake = None;
                self.step(who, number, Event::Tick, true)?;
            }
            Action::Pass => {
                let next = self.state.next().expect("something is due");
                self.pass(next);
            }
            Action::Stall => {
                self.state.left.spend(|left| &mut left.stalls);
                self.pass(later(self.state.now, FRESH.as_secs() + 1));
            }
            Action::Crash(who) => {
                self.state.left.spend(|left| &mut left.crashes);
                self.state.crashed = true;
                *self.place(who) = None;
            }
            Action::LoseLease => self.lose_lease()?,
            Action::Edit(number, edit) => {
                if edit != super::tenant::Edit::Restore {
                    self.state.left.spend(|left| &mut left.edits);
                }
                let now = self.state.now;
                self.state.accounts[usize::from(number)].edit(edit, now);
                self.pass(now);
            }
        }
        for who in [Who::Holder, Who::Old] {
            self.settle(who)?;
        }
        Ok(self.state)
    }

    fn place(&mut self, who: Who) -> &mut Option<Process> {
        match who {
            Who::Holder => &mut self.state.holder,
            Who::Old => &mut self.state.old,
        }
    }

    fn process(&mut self, who: Who) -> &mut Process {
        self.place(who).as_mut().expect("it is there")
    }

    fn pass(&mut self, until: Timestamp) {
        self.state.now = until.max(self.state.now);
        let lags = self.state.left.has(self.state.left.stale);
        let now = self.state.now;
        self.state.accounts.iter_mut().for_each(|account| account.pass(now, lags));
    }

    fn start(&mut self, kind: Kind, after: After) {
        self.pass(later(
            self.state.now,
            match after {
                After::Nothing => 0,
                After::Minutes => 90,
                After::Hours => 2 * 60 * 60,
            },
        ));
        let behind = if self.state.ran { 0 } else { UNSURE };
        self.state.ran = true;
        let planner = self.world.planner(&self.state.journal, kind, later(self.state.now, -behind));
        let all = self.world.subjects.iter().zip(&self.world.scope.roles).zip(&self.state.accounts);
        let jobs = all.map(|((who, role), account)| planner.job(who, *role, account)).collect();
        self.state.holder = Some(Process::new(kind, behind, jobs));
        // The first record of a run comes before anything else it does.
        if let Some(old) = &mut self.state.old {
            old.is_outdated = true;
        }
    }

    /// The run goes on without its lease: it only turns on whom it turned off.
    fn lose_lease(&mut self) -> Result<(), String> {
        self.state.left.spend(|left| &mut left.leases);
        let Some(mut process) = self.state.holder.take() else { return Ok(()) };
        process.is_ending = true;
        self.state.old = Some(process);
        self.settle(Who::Old)
    }

    /// What a driver does between two steps. Without a lease it drops what does not turn on whom it turned
    /// off, and tells every machine.
    fn settle(&mut self, who: Who) -> Result<(), String> {
        let (now, catalog) = (self.state.now, &self.world.catalog);
        let Some(process) = self.place(who).as_mut() else { return Ok(()) };
        process.settle(now);
        if process.is_ending && process.queue.is_empty() {
            process.drop_writes();
            let at = process.now(now);
            let known = Known { now: at, latest: later(at, UNSURE), catalog };
            for number in 0..process.tasks.len() {
                let Some(task) = process.tasks[number].as_mut().filter(|task| task.has_begun) else {
                    process.tasks[number].take_if(|task| !task.machine.holds_off());
                    continue;
                };
                let commands = Rc::make_mut(&mut task.machine).start_nothing(&known);
                promises::of_commands(None, &commands, &task.machine)?;
                process.whose = number;
                process.queue.extend(commands);
                process.settle(now);
            }
        }
        self.place(who).take_if(|process| process.is_over());
        Ok(())
    }

    /// One machine, one event. The driver carries out what it asks for before anything else of this process.
    fn step(&mut self, who: Who, number: u8, event: Event, saw_fresh: bool) -> Result<(), String> {
        let (now, catalog) = (self.state.now, &self.world.catalog);
        let process = match who {
            Who::Holder => &mut self.state.holder,
            Who::Old => &mut self.state.old,
        };
        let process = process.as_mut().expect("it is there");
        let at = process.now(now);
        let known = Known { now: at, latest: later(at, UNSURE), catalog };
        let seen = if let Event::Seen(live) = &event { Some(live.clone()) } else { None };
        let task = process.tasks[usize::from(number)].as_mut().expect("it is there");
        let commands = Rc::make_mut(&mut task.machine).step(event, &known);
        promises::of_commands(seen.as_ref(), &commands, &task.machine)?;
        (process.whose, process.saw_fresh) = (usize::from(number), saw_fresh);
        process.queue.extend(commands);
        Ok(())
    }

    /// Makes the next record durable, as the driver does: without it nothing more is done of these
    /// commands, but to turn on whom we turned off.
    fn record(&mut self, who: Who) -> Result<(), String> {
        let now = self.state.now;
        let rule = self.world.scope.rule;
        let process = self.process(who);
        let at = process.now(now);
        let (number, Some(Command::Record(entry))) = (process.whose, process.queue.pop_front()) else {
            return Ok(());
        };
        let turns_off = matches!(entry, Entry::OffIntent { .. });
        let is_late = turns_off && process.is_ending;
        let fails = is_late || process.is_outdated;
        let Some(task) = &mut process.tasks[number] else { return Ok(()) };
        let action = task.machine.job().action;
        if fails {
            if turns_off {
                Rc::make_mut(&mut task.machine).leave(None);
            }
            if turns_off || !task.machine.holds_off() {
                process.queue.clear();
            }
            return Ok(());
        }
        promises::of_record(&entry, action, &self.state.accounts[number])?;
        if !(turns_off && rule == Rule::IntentsAreLost) {
            self.state.journal.append(entry, at);
        }
        Ok(())
    }

    fn look(&mut self, who: Who, number: u8, look: Look) -> Result<(), String> {
        match look {
            Look::Fresh => {}
            Look::Stale(_) | Look::StaleComplete => self.state.left.spend(|left| &mut left.stale),
            Look::Failed => self.state.left.spend(|left| &mut left.refusals),
        }
        let subject = &self.world.subjects[usize::from(number)];
        let (_, members) = self.process(who).task(number).read.take().expect("it wants to look");
        let live = self.state.accounts[usize::from(number)].live(subject, look, members);
        let event = live.map_or_else(|| Event::Unreadable(trouble("unreadable")), Event::Seen);
        self.pass(self.state.now);
        self.step(who, number, event, look == Look::Fresh)
    }

    fn send(&mut self, who: Who, number: u8, answer: Answer) -> Result<(), String> {
        let now = self.state.now;
        let write = self.process(who).task(number).write.take().expect("it wants to write");
        if write.is_too_old(self.process(who).now(now)) {
            return self.step(who, number, Event::Tick, true);
        }
        if write.direction == Direction::Off && self.process(who).kind == Kind::Heal {
            return Err("P4: a heal turns off".into());
        }
        let sent = turned(&write.fresh, write.direction, &self.world.catalog);
        self.judge(who, number, &write, &sent)?;
        let event = match answer {
            Answer::Done | Answer::DoneSlowly => Event::Wrote { request_id: None, sent: sent.clone() },
            Answer::LostUndone | Answer::LostDone => {
                Event::InDoubt { retry_after: SignedDuration::ZERO, trouble: trouble("lost") }
            }
            Answer::Busy => Event::Busy { retry_after: SignedDuration::ZERO, trouble: trouble("busy") },
            Answer::Refused => Event::Refused(trouble("refused")),
        };
        match answer {
            Answer::Done => {}
            Answer::DoneSlowly => self.state.left.spend(|left| &mut left.slow),
            Answer::LostUndone | Answer::LostDone => self.state.left.spend(|left| &mut left.losses),
            Answer::Busy | Answer::Refused => self.state.left.spend(|left| &mut left.refusals),
        }
        let machine = Rc::clone(&self.process(who).task(number).machine);
        let account = &mut self.state.accounts[usize::from(number)];
        if !account.now.exists {
            return self.step(who, number, Event::Refused(trouble("not found")), true);
        }
        if matches!(answer, Answer::Done | Answer::DoneSlowly | Answer::LostDone) {
            let toggle = Toggle { is_seen: machine.renews(), is_slow: answer == Answer::DoneSlowly };
            account.write(&sent, now, machine.job().wait, toggle);
        }
        self.pass(now);
        self.step(who, number, event, true)
    }

    fn judge(
        &self,
        who: Who,
        number: u8,
        write: &Write,
        sent: &[advaudit::model::Licensed],
    ) -> Result<(), String> {
        let Some(process) = self.state.process(who) else { return Ok(()) };
        let Some(task) = &process.tasks[usize::from(number)] else { return Ok(()) };
        let leaving = Leaving {
            process,
            machine: &task.machine,
            account: &self.state.accounts[usize::from(number)],
            journal: &self.state.journal,
            write,
            sent,
            now: self.state.now,
        };
        leaving.judge()
    }
}

fn later(from: Timestamp, seconds: i64) -> Timestamp {
    from.saturating_add(SignedDuration::from_secs(seconds)).expect("a time")
}

fn trouble(code: &str) -> Trouble {
    Trouble::ours(code, "so it is")
}
