//! The state machine of one subject: state × event → state + commands. No I/O, no clock, no async.
//!
//! ```text
//! Before ──look──▶ TurningOff ──accepted──▶ CheckingOff ──seen──▶ Waiting ──due──▶ BeforeOn
//!    │ (enable)        │ in doubt: look, send again   │ gate ran out, never seen ─────▶│
//!    └────────────────────────────────────────▶ TurningOn ◀──────────look─────────────┘
//!                                                  └──accepted──▶ CheckingOn ──seen──▶ Ended
//! ```
//!
//! What every path keeps: a write comes after a fresh read of its own and is made from that read; the
//! record of an intent comes before its write; from the first off on, there is no way out that does
//! not try to turn on, except when there is nothing left to turn on; no on before the wait is over.
//!
//! The table is `Machine::answer`, behind [`Machine::step`]; each phase has a file of its own.

mod before;
mod ending;
mod facts;
mod off;
mod on;
#[cfg(test)]
mod tests;

use facts::{Facts, Oddity, STOPPED, Surprise};

use super::job::Job;
use super::live::Live;
use super::outcome::{End, Outcome, Trouble};
use super::write_down;
use crate::journal::record::{Entry, TimeOff};
use crate::model::{AssignmentError, Catalog, Licensed, SignedDuration, Timestamp, UserId};
use crate::plan::change::Action;

/// Reads that must agree before something surprising is believed: replicas lag (GRAPH 12).
const AGREEING_READS: u8 = 2;
/// How long an accepted write may stay invisible before that is called a failure. Microsoft names no
/// bound; lag of minutes is reported, an hour is not.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);
/// How long reads that show "on" are taken for lag before the on is sent all the same.
const LAG: SignedDuration = SignedDuration::from_secs(30);
/// How long a group's "processing complete" may still be that of the change before (GRAPH 5.2), when
/// no member can bear witness.
const STALE_COMPLETE: SignedDuration = SignedDuration::from_secs(60);
/// How long reads may be those of a replica that lags, where being wrong costs much: they show nothing
/// to turn on while somebody is off, and what is closed on their word is not looked at again; or they
/// show a group on that was seen off, and its toggle ends on their word.
const BELIEVED: SignedDuration = SignedDuration::from_secs(60);
/// One look at a group in so many takes its members as well, though Graph is not done: they are the progress.
const ROLL_CALL: u32 = 2;
/// So many members are looked at in a second at most, on the long run: four pages, a hundredth of the quota of
/// resource units of a large tenant (GRAPH 8).
const MEMBERS_A_SECOND: usize = 4 * 999;
/// How often a write that could not be done is tried again in one run: two minutes of pauses.
const TRIES: u32 = 12;
/// The same while somebody is off because of us: ten minutes. An outage that is shorter does not leave
/// the on to the next run.
const TRIES_WHILE_OFF: u32 = 40;

/// Where one subject is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Looked at before the first write.
    Before,
    /// The off is under way.
    TurningOff,
    /// Waiting for a read that shows the off; for a group, for its gate.
    CheckingOff,
    /// Off; the on has its time.
    Waiting {
        /// When.
        due: Timestamp,
    },
    /// Looked at before the on; since then.
    BeforeOn {
        /// Since when.
        since: Timestamp,
    },
    /// The on is under way.
    TurningOn,
    /// Waiting for a read that shows the on.
    CheckingOn,
    /// Done with.
    Ended,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// The driver has room for it.
    Start,
    /// A read came back.
    Seen(Live),
    /// A read failed, retries included.
    Unreadable(Trouble),
    /// Graph accepted the write.
    Wrote {
        /// Graph's request id.
        request_id: Option<String>,
        /// What was sent.
        sent: Vec<Licensed>,
    },
    /// The write was certainly not done and may be tried again.
    Busy {
        /// Not before that.
        retry_after: SignedDuration,
        /// What Graph said.
        trouble: Trouble,
    },
    /// The write was certainly not done and will not be.
    Refused(Trouble),
    /// Nobody knows whether the write was done.
    InDoubt {
        /// Not again before that.
        retry_after: SignedDuration,
        /// What is known.
        trouble: Trouble,
    },
    /// The time that was asked for has come. For a write that was asked for: it had to stay in line so
    /// long that the read it is made from is too old, and it was not sent.
    Tick,
}

/// What the driver does next, in this order.
#[derive(Clone, Debug, Hash)]
pub enum Command {
    /// Make this durable.
    Record(Entry),
    /// Send the off, made from these lists.
    TurnOff(Vec<Licensed>),
    /// Send the on, made from these lists.
    TurnOn(Vec<Licensed>),
    /// Look, not before then.
    Read {
        /// Not before.
        at: Timestamp,
        /// With the members of a group.
        members: bool,
    },
    /// Come back then.
    Wake(Timestamp),
}

/// One subject on its way.
#[derive(Clone, Debug, Hash)]
pub struct Machine {
    job: Job,
    state: State,
    facts: Facts,
    end: Option<End>,
    /// Nobody is off because of us any more, and the journal knows it.
    closed: bool,
    /// Other service plans changed between plan and write; the write used the fresh list.
    refreshed: bool,
    /// Things to tell about members or lists.
    notes: Vec<String>,
    /// What the last look at the members of a group showed.
    headcount: Option<Headcount>,
    /// Members of a group whom its change left in error, by name.
    broken: Vec<BrokenMember>,
}

/// A member of a group whom a change of it left in error.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BrokenMember {
    /// Who.
    pub id: UserId,
    /// The user principal name.
    pub name: String,
    /// What Graph says is wrong, where it does.
    pub error: Option<AssignmentError>,
}

/// How far a write has come with the members of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Headcount {
    /// On, or off.
    pub on: bool,
    /// How many members show it.
    pub shown: u64,
    /// Of so many who are waited for: who were without error before, and still are members without error.
    pub of: u64,
}

/// What a step may know of the world.
pub struct World<'a> {
    /// The time: Graph's clock shows at least this. Whether something is due is asked of it.
    pub now: Timestamp,
    /// Graph's clock shows at most this. What was done there was done no later: between an off taken to
    /// have been then and an on at `now` there is never less than the wait.
    pub latest: Timestamp,
    /// The tenant's licenses.
    pub catalog: &'a Catalog,
}

impl Machine {
    /// A machine for a job, standing where the job's unfinished toggle stood.
    pub fn new(job: Job) -> Self {
        let (facts, state) = match &job.resumes {
            None => (Facts::default(), State::Before),
            Some(own) => Facts::of(own),
        };
        Machine {
            job,
            state,
            facts,
            end: None,
            closed: false,
            refreshed: false,
            notes: Vec::new(),
            headcount: None,
            broken: Vec::new(),
        }
    }

    /// What it works on.
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// Where it is.
    pub fn state(&self) -> State {
        self.state
    }

    /// How it ended, once it has.
    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// When the off was accepted or first seen.
    pub fn off_at(&self) -> Option<Timestamp> {
        self.facts.off_at
    }

    /// When the on was accepted.
    pub fn on_at(&self) -> Option<Timestamp> {
        self.facts.on_at
    }

    /// When the on is due, where that is known.
    pub fn due(&self) -> Option<Timestamp> {
        self.facts.due
    }

    /// Whether the write used a list that other people had changed since the plan.
    pub fn refreshed(&self) -> bool {
        self.refreshed
    }

    /// How far the last write has come with the members of a group, as far as that was looked at.
    pub fn headcount(&self) -> Option<Headcount> {
        self.headcount
    }

    /// Members of a group whom its change left in error, by name.
    pub fn broken(&self) -> &[BrokenMember] {
        &self.broken
    }

    /// The members of a group that were without error before the off.
    pub fn members_before(&self) -> impl Iterator<Item = UserId> {
        self.facts.members.iter().copied()
    }

    /// Things to tell.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Whether somebody is, or may be, off because of us.
    pub fn holds_off(&self) -> bool {
        (self.facts.off_at.is_some() || self.facts.doubt_since.is_some()) && !self.closed
    }

    /// Whether it ended as it should: by a read that showed it on after our write.
    pub fn was_seen_on(&self) -> bool {
        let outcome = self.end.as_ref().map(|end| end.outcome);
        self.facts.on_at.is_some()
            && matches!(outcome, Some(Outcome::Enabled | Outcome::Toggled | Outcome::Resumed))
    }

    /// Whether its on turns the service plan on anew, so that the tenant's date for it should move: an
    /// off that was seen goes before it, that off turned somebody off, and nobody else ended it.
    pub fn renews(&self) -> bool {
        self.job.action == Action::Enable || (self.facts.verified && !self.facts.is_cut_short())
    }

    /// Ends it for this run, because the run stops: what is off stays in the journal.
    pub fn leave(&mut self, trouble: Option<Trouble>) {
        if self.end.is_some() {
            return;
        }
        let accepted = self.state == State::CheckingOn && self.job.action == Action::Enable;
        self.state = State::Ended;
        self.end = Some(if accepted {
            self.notes.push("Graph accepted the on; that it shows was not waited for".into());
            End { outcome: Outcome::Enabled, trouble: None }
        } else {
            End { outcome: Outcome::Pending, trouble }
        });
    }

    /// The off that was about to be sent is not sent, or was never asked for, because of that. Where an earlier
    /// one is in doubt, that one is ended with the on.
    pub fn stay_on(&mut self, outcome: Outcome, trouble: Trouble, world: &World<'_>) -> Vec<Command> {
        if self.facts.doubt_since.is_some() {
            // It may have been off, so it is not called not started.
            let message =
                trouble.message.replacen("not started", "its off was in doubt, and it is turned on again", 1);
            return self.give_up_off(Trouble { message, ..trouble }, world);
        }
        self.state = State::Ended;
        self.end.get_or_insert(End { outcome, trouble: Some(trouble) });
        Vec::new()
    }

    /// Nothing new may start any more. Whoever is, or may be, off because of us is still turned on: an
    /// off in doubt, which would be sent again, is ended with the on. Everybody else is left.
    pub fn start_nothing(&mut self, world: &World<'_>) -> Vec<Command> {
        if !self.holds_off() {
            self.leave(Some(Trouble::ours(Outcome::Pending.as_str(), "nothing new was started; run again")));
            return Vec::new();
        }
        match self.state {
            State::Before | State::TurningOff if self.job.action == Action::Toggle => {
                self.give_up_off(Trouble::ours(STOPPED, "nothing new was started"), world)
            }
            State::Before
            | State::TurningOff
            | State::CheckingOff
            | State::Waiting { .. }
            | State::BeforeOn { .. }
            | State::TurningOn
            | State::CheckingOn
            | State::Ended => Vec::new(),
        }
    }

    /// What happened → what is done next.
    pub fn step(&mut self, event: Event, world: &World<'_>) -> Vec<Command> {
        let mut commands = self.answer(event, world);
        for command in &mut commands {
            if let Command::Record(Entry::Closed { off, .. }) = command {
                *off = self.time_off(world.now);
            }
        }
        commands
    }

    /// How long people have been off because of it by then, or were; none where nobody was. Who was found off
    /// without a record of ours may have been off for years, and that is not our doing.
    pub fn time_off(&self, now: Timestamp) -> Option<TimeOff> {
        let is_ours = self.job.resumes.as_ref().is_none_or(|own| own.recorded);
        let has_effect = self.end.as_ref().is_none_or(|end| end.outcome != Outcome::NoEffect);
        let off_at = self.facts.off_at.filter(|_| is_ours && has_effect)?;
        // One that ended without an on of ours was on, or gone, by the time ours was due.
        let ended = self.end.as_ref().filter(|_| !self.holds_off()).and(self.facts.due);
        let until = self.facts.on_at.or(ended).unwrap_or(now).min(now);
        Some(TimeOff {
            seconds: u64::try_from(until.duration_since(off_at).as_secs()).unwrap_or(0),
            people: self.job.people,
            at_most: self.job.is_group() || self.facts.on_at.is_none(),
        })
    }

    /// The whole table.
    fn answer(&mut self, event: Event, world: &World<'_>) -> Vec<Command> {
        if matches!(event, Event::Seen(_)) {
            self.facts.misses = 0;
            self.facts.surprised_before = self.facts.surprise.take();
        }
        match (self.state, event) {
            (State::Ended, _) => Vec::new(),
            (_, Event::Start) => self.start(world),
            (State::Before, Event::Seen(live)) => self.first_look(&live, world),
            (State::CheckingOff, Event::Seen(live)) => self.look_for_off(&live, world),
            (State::BeforeOn { since }, Event::Seen(live)) => self.look_before_on(&live, since, world),
            (State::CheckingOn, Event::Seen(live)) => self.look_for_on(&live, world),
            (State::Waiting { due }, Event::Tick) => self.wait_until(due, world),
            (State::TurningOff, Event::Wrote { request_id, sent }) => {
                self.off_accepted(request_id, sent, world)
            }
            (State::TurningOn, Event::Wrote { request_id, sent }) => {
                self.on_accepted(request_id, sent, world)
            }
            (State::TurningOff, Event::Busy { retry_after, trouble }) => {
                self.off_not_done(retry_after, trouble, world)
            }
            (State::TurningOff, Event::Tick) => self.off_too_late(world),
            (State::TurningOn, Event::Tick) => self.on_too_late(world),
            (State::TurningOff, Event::Refused(trouble)) => self.off_refused(trouble, world),
            (State::TurningOff, Event::InDoubt { retry_after, trouble }) => {
                self.off_in_doubt(retry_after, trouble, world)
            }
            (State::TurningOn, Event::Busy { retry_after, trouble }) => {
                self.on_not_done(retry_after, trouble, world)
            }
            (State::TurningOn, Event::InDoubt { retry_after, trouble }) => {
                self.on_in_doubt(retry_after, trouble, world)
            }
            (State::TurningOn, Event::Refused(trouble)) => self.on_refused(trouble, world),
            (_, Event::Unreadable(trouble)) => self.unreadable(trouble, world),
            // A read or a wake-up that was asked for in an earlier state, or an answer to nothing.
            (
                State::Before
                | State::TurningOff
                | State::CheckingOff
                | State::Waiting { .. }
                | State::BeforeOn { .. }
                | State::TurningOn
                | State::CheckingOn,
                Event::Seen(_)
                | Event::Wrote { .. }
                | Event::Busy { .. }
                | Event::Refused(_)
                | Event::InDoubt { .. }
                | Event::Tick,
            ) => Vec::new(),
        }
    }

    fn start(&mut self, world: &World<'_>) -> Vec<Command> {
        let mut commands = Vec::new();
        if let Some(own) = self.job.resumes.as_ref().filter(|own| !own.recorded) {
            commands.push(Command::Record(write_down::adopted(&self.job, own, world.catalog)));
        }
        match self.state {
            State::Waiting { due } => commands.extend(self.wait_until(due, world)),
            _ => commands.push(self.read_now(world)),
        }
        commands
    }

    /// True while something surprising has not been read often enough in a row to be believed.
    fn is_doubtful(&mut self, oddity: Oddity, world: &World<'_>) -> bool {
        let before = self.facts.surprised_before.filter(|before| before.oddity == oddity);
        let before = before.unwrap_or(Surprise { oddity, since: world.now, reads: 0 });
        let surprise = Surprise { reads: before.reads.saturating_add(1), ..before };
        self.facts.surprise = Some(surprise);
        let is_last_look = oddity == Oddity::Missing && self.holds_off() && !self.was_gone_already();
        let is_undated = oddity == Oddity::TurnedOn && self.job.is_group();
        let span = if is_last_look || is_undated { BELIEVED } else { SignedDuration::ZERO };
        surprise.reads < AGREEING_READS || world.now < later(surprise.since, span)
    }

    /// How often something that fails is tried in a row.
    fn patience_in_tries(&self) -> u32 {
        if self.holds_off() { TRIES_WHILE_OFF } else { TRIES }
    }

    fn read_now(&mut self, world: &World<'_>) -> Command {
        self.facts.reads = 0;
        self.read_after(SignedDuration::ZERO, world)
    }

    fn read_again(&mut self, world: &World<'_>) -> Vec<Command> {
        self.read_again_before(Timestamp::MAX, world)
    }

    /// Reads again after a pause; at `end` at the latest.
    fn read_again_before(&mut self, end: Timestamp, world: &World<'_>) -> Vec<Command> {
        self.facts.reads += 1;
        // A look at many members takes as many pages, and as much of the quota.
        let pages =
            if self.looks_at_members() { self.facts.members.len().div_ceil(MEMBERS_A_SECOND) } else { 0 };
        let pages = SignedDuration::from_secs(i64::try_from(pages).unwrap_or(i64::MAX));
        let left = end.duration_since(world.now).max(SignedDuration::ZERO);
        vec![self.read_after(pause(self.facts.reads).max(pages).min(left), world)]
    }

    fn read_after(&self, delay: SignedDuration, world: &World<'_>) -> Command {
        Command::Read { at: later(world.now, delay), members: self.looks_at_members() }
    }

    /// Whether the next look at a group takes its members.
    fn looks_at_members(&self) -> bool {
        let is_roll_call = self.facts.reads > 0 && self.facts.reads.is_multiple_of(ROLL_CALL);
        self.job.is_group() && (self.state == State::Before || self.facts.ask_members || is_roll_call)
    }
}

/// 1, 2, 4, 8, 15, 15 … seconds.
fn pause(times: u32) -> SignedDuration {
    SignedDuration::from_secs((1_i64 << times.saturating_sub(1).min(4)).min(15))
}

fn later(from: Timestamp, by: SignedDuration) -> Timestamp {
    from.saturating_add(by).unwrap_or(Timestamp::MAX)
}
