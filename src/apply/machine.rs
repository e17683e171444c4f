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

use std::collections::BTreeSet;

use super::job::Job;
use super::live::{Live, Members, Stand};
use super::outcome::{End, Outcome, Trouble};
use super::write_down;
use crate::journal::record::Entry;
use crate::model::{Catalog, Licensed, SignedDuration, Timestamp, UserId};
use crate::plan::change::Action;
use crate::plan::running::Phase;

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
/// How often a write that could not be done is tried again in one run.
const TRIES: u32 = 12;

/// Where one subject is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    InDoubt(Trouble),
    /// The time that was asked for has come.
    Tick,
}

/// What the driver does next, in this order.
#[derive(Clone, Debug)]
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

/// What is known beside the state.
#[derive(Clone, Debug, Default)]
struct Facts {
    /// When the off was accepted or first seen. From here on somebody is off because of us.
    off_at: Option<Timestamp>,
    /// An off may have been done whose answer was lost.
    doubt: bool,
    /// A read showed the off.
    verified: bool,
    /// `lastUpdatedDateTime` of the read that showed the off.
    off_stamp: Option<Timestamp>,
    /// When the on was accepted.
    on_at: Option<Timestamp>,
    /// When the on is due.
    due: Option<Timestamp>,
    /// What the on said, per license.
    sent: Vec<Licensed>,
    /// Members without error before the off: the gate waits for them.
    members: BTreeSet<UserId>,
    /// Members in error before the first write.
    broken_before: Option<BTreeSet<UserId>>,
    /// The group's list and processing look done: the next read takes the members as well.
    ask_members: bool,
    /// Surprising reads in a row.
    surprises: u8,
    /// Reads since the last write.
    reads: u32,
    /// Writes that could not be done, in a row.
    tries: u32,
    /// How it will have ended once it is on, when that is not what was planned.
    instead: Option<End>,
}

/// One subject on its way.
#[derive(Clone, Debug)]
pub struct Machine {
    job: Job,
    state: State,
    facts: Facts,
    end: Option<End>,
    /// Other service plans changed between plan and write; the write used the fresh list.
    refreshed: bool,
    /// Things to tell about members or lists.
    notes: Vec<String>,
}

/// What a step may know of the world.
pub struct World<'a> {
    /// The time.
    pub now: Timestamp,
    /// The tenant's licenses.
    pub catalog: &'a Catalog,
}

impl Machine {
    /// A machine for a job, standing where the job's unfinished toggle stood.
    pub fn new(job: Job) -> Self {
        let mut facts = Facts::default();
        let state = match &job.resumes {
            None => State::Before,
            Some(own) => {
                facts.members = own.members.iter().copied().collect();
                stand_where(own.phase, &mut facts)
            }
        };
        Machine { job, state, facts, end: None, refreshed: false, notes: Vec::new() }
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

    /// Things to tell.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Whether somebody is, or may be, off because of us.
    pub fn holds_off(&self) -> bool {
        (self.facts.off_at.is_some() || self.facts.doubt) && !self.is_closed()
    }

    fn is_closed(&self) -> bool {
        self.end
            .as_ref()
            .is_some_and(|end| !matches!(end.outcome, Outcome::Pending | Outcome::Stuck | Outcome::Failed))
    }

    /// Ends it for this run, because the run stops: what is off stays in the journal.
    pub fn leave(&mut self, trouble: Option<Trouble>) {
        if self.end.is_none() {
            self.state = State::Ended;
            self.end = Some(End { outcome: Outcome::Pending, trouble });
        }
    }

    /// The whole table.
    pub fn step(&mut self, event: Event, world: &World<'_>) -> Vec<Command> {
        match (self.state, event) {
            (State::Ended, _) => Vec::new(),
            (_, Event::Start) => self.start(world),
            (State::Before, Event::Seen(live)) => self.first_look(&live, world),
            (State::CheckingOff, Event::Seen(live)) => self.look_for_off(&live, world),
            (State::BeforeOn { since }, Event::Seen(live)) => self.look_before_on(&live, since, world),
            (State::CheckingOn, Event::Seen(live)) => self.look_for_on(&live, world),
            (State::Waiting { due }, Event::Tick) => self.wait_until(due, world),
            (State::TurningOff, Event::Wrote { request_id, .. }) => self.off_accepted(request_id, world),
            (State::TurningOn, Event::Wrote { request_id, sent }) => {
                self.on_accepted(request_id, sent, world)
            }
            (State::TurningOff, Event::Busy { retry_after, trouble }) => {
                self.off_not_done(retry_after, trouble, world)
            }
            (State::TurningOff, Event::Refused(trouble)) => self.off_refused(trouble, world),
            (State::TurningOff, Event::InDoubt(trouble)) => self.off_in_doubt(trouble, world),
            (State::TurningOn, Event::Busy { retry_after, trouble }) => {
                self.on_again(retry_after, trouble, world)
            }
            (State::TurningOn, Event::InDoubt(trouble)) => self.on_in_doubt(trouble, world),
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
                | Event::InDoubt(_)
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

    // ── before the first write ──────────────────────────────────────────────────────────────────

    fn first_look(&mut self, live: &Live, world: &World<'_>) -> Vec<Command> {
        if self.facts.doubt {
            return self.look_in_doubt(live, world);
        }
        if live.expectation(world.catalog) != self.job.expect {
            if self.is_surprise() {
                return self.read_again(world);
            }
            let message = match live {
                Live::Gone => "it no longer exists",
                Live::User(_) | Live::Group(..) => "its licenses changed since the plan was made: plan again",
            };
            return self.close(Outcome::Skipped, Some(Trouble::ours("stale", message)));
        }
        self.facts.surprises = 0;
        if let Some(name) = self.protected_member(live, world) {
            let message =
                format!("it would turn off {name}, who is protected and is a member now: plan again");
            return self.close(Outcome::Skipped, Some(Trouble::ours("protected-member", message)));
        }
        let fresh = live.lists(&self.job.skus);
        self.refreshed =
            fresh.iter().any(|one| self.job.planned.get(&one.sku).is_some_and(|old| *old != one.disabled));
        self.facts.broken_before = Some(ids(live.broken_members(&self.job.skus)));
        match self.job.action {
            Action::Enable | Action::Resume => {
                self.facts.members = live.sound_members(&self.job.skus);
                self.send_on(fresh, world)
            }
            Action::Toggle => {
                self.facts.members = live.sound_members(&self.job.skus);
                self.send_off(fresh, world)
            }
        }
    }

    fn protected_member(&self, live: &Live, world: &World<'_>) -> Option<String> {
        let Live::Group(group, Members::Read(members)) = live else { return None };
        if self.job.action != Action::Toggle {
            return None;
        }
        let goes_off = |user: &&crate::observe::observed::User| {
            let sources = user.sources(world.catalog);
            !sources.is_empty()
                && sources.iter().all(|one| one.by == crate::model::AssignedBy::Group(group.id))
        };
        let mut going = members.iter().filter(goes_off);
        going.find(|user| self.job.protected.covers(user.id, &user.upn)).map(|user| user.upn.clone())
    }

    fn send_off(&mut self, fresh: Vec<Licensed>, world: &World<'_>) -> Vec<Command> {
        self.state = State::TurningOff;
        let intent = write_down::off_intent(&self.job, &fresh, &self.facts.members, world.catalog);
        vec![Command::Record(intent), Command::TurnOff(fresh)]
    }

    // ── the off ─────────────────────────────────────────────────────────────────────────────────

    fn off_accepted(&mut self, request_id: Option<String>, world: &World<'_>) -> Vec<Command> {
        self.off_began(world);
        vec![Command::Record(write_down::off_done(&self.job, world.now, request_id)), self.read_now(world)]
    }

    /// From this moment on the wait runs (DESIGN 9: from the answer, or from the first read).
    fn off_began(&mut self, world: &World<'_>) {
        self.state = State::CheckingOff;
        self.facts.off_at = Some(world.now);
        self.facts.doubt = false;
        self.facts.tries = 0;
    }

    fn off_not_done(
        &mut self,
        retry_after: SignedDuration,
        trouble: Trouble,
        world: &World<'_>,
    ) -> Vec<Command> {
        self.facts.tries += 1;
        if self.facts.tries > TRIES && !self.facts.doubt {
            return self.off_refused(trouble, world);
        }
        if self.facts.tries > TRIES {
            return self.give_up_off(trouble, world);
        }
        self.state = State::Before;
        let refused =
            (!self.facts.doubt).then(|| Command::Record(write_down::off_refused(&self.job, &trouble)));
        let read = self.read_after(retry_after.max(pause(self.facts.tries)), world);
        refused.into_iter().chain([read]).collect()
    }

    fn off_refused(&mut self, trouble: Trouble, world: &World<'_>) -> Vec<Command> {
        if self.facts.doubt {
            return self.give_up_off(trouble, world);
        }
        let record = Command::Record(write_down::off_refused(&self.job, &trouble));
        let mut commands = vec![record];
        commands.extend(self.close(Outcome::Failed, Some(trouble)));
        commands
    }

    /// An off whose answer was lost is never closed as "did not happen" (DESIGN 9): it is sent again.
    fn off_in_doubt(&mut self, trouble: Trouble, world: &World<'_>) -> Vec<Command> {
        self.facts.doubt = true;
        self.facts.tries += 1;
        if self.facts.tries > TRIES {
            return self.give_up_off(trouble, world);
        }
        self.state = State::Before;
        vec![self.read_after(pause(self.facts.tries), world)]
    }

    /// Ends an off that may or may not have been done: with the on.
    fn give_up_off(&mut self, trouble: Trouble, world: &World<'_>) -> Vec<Command> {
        self.facts.instead = Some(End { outcome: Outcome::Failed, trouble: Some(trouble) });
        self.turn_to_on(world)
    }

    /// A look while an off is in doubt, in the run that sent it (send again) or in a later one (the
    /// journal holds only the intent: take an off that shows, else end it with the on).
    fn look_in_doubt(&mut self, live: &Live, world: &World<'_>) -> Vec<Command> {
        match (live.stand(&self.job.skus), self.job.action) {
            (Stand::Missing, _) => self.nothing_left(live, world),
            (Stand::AllOff, Action::Resume) => {
                self.off_began(world);
                let mut commands = vec![Command::Record(write_down::off_done(&self.job, world.now, None))];
                commands.extend(self.look_for_off(live, world));
                commands
            }
            (Stand::AllOn | Stand::Mixed, Action::Resume) => self.turn_to_on(world),
            (_, Action::Toggle | Action::Enable) => self.send_off(live.lists(&self.job.skus), world),
        }
    }

    fn look_for_off(&mut self, live: &Live, world: &World<'_>) -> Vec<Command> {
        let off_at = self.facts.off_at.unwrap_or(world.now);
        match live.stand(&self.job.skus) {
            Stand::Missing => return self.nothing_left(live, world),
            Stand::AllOff if self.job.is_group() => return self.look_through_gate(live, off_at, world),
            Stand::AllOff => {}
            Stand::AllOn | Stand::Mixed => return self.off_not_seen(off_at, world),
        }
        self.facts.surprises = 0;
        self.facts.off_stamp = live.changed(&self.job.skus);
        if live.is_on_anyway(&self.job.skus, world.catalog) {
            let message = "another source keeps the service plan on, so turning it off here changes nothing";
            self.facts.instead =
                Some(End { outcome: Outcome::NoEffect, trouble: Some(Trouble::ours("no-effect", message)) });
            return self.off_seen(world.now, true, world);
        }
        self.off_seen(later(off_at, self.job.wait), true, world)
    }

    fn off_not_seen(&mut self, off_at: Timestamp, world: &World<'_>) -> Vec<Command> {
        let patience = if self.job.is_group() { self.job.gate } else { PATIENCE.max(self.job.wait) };
        if world.now < later(off_at, patience) {
            return self.read_again(world);
        }
        let message = "Graph accepted the off, and no read showed it: turned on again";
        self.facts.instead =
            Some(End { outcome: Outcome::Failed, trouble: Some(Trouble::ours("off-not-seen", message)) });
        self.off_seen(world.now, false, world)
    }

    /// The gate of a group: it opens when every member that counts shows the off, or runs out.
    fn look_through_gate(&mut self, live: &Live, off_at: Timestamp, world: &World<'_>) -> Vec<Command> {
        if world.now >= later(off_at, self.job.gate) {
            self.notes.push("the gate ran out before every member was seen off".into());
            return self.off_seen(world.now, false, world);
        }
        if self.job.resumes.as_ref().is_some_and(|own| !own.recorded) {
            self.facts.members = live.sound_members(&self.job.skus);
        }
        if self.members_are(false, live, off_at, world) {
            return self.off_seen(later(world.now, self.job.wait), true, world);
        }
        self.read_again(world)
    }

    /// Whether a group has been processed and its members show `on`. A state of "complete" may still
    /// be that of the change before, so it needs a witness: the members, or time.
    fn members_are(&mut self, on: bool, live: &Live, since: Timestamp, world: &World<'_>) -> bool {
        self.facts.ask_members = live.is_processed();
        let witnessed = !self.facts.members.is_empty() || world.now >= later(since, STALE_COMPLETE);
        let shown = live.members_show(&self.job.skus, &self.facts.members, on);
        live.is_processed() && witnessed && shown == Some(true)
    }

    fn off_seen(&mut self, due: Timestamp, complete: bool, world: &World<'_>) -> Vec<Command> {
        self.facts.verified = complete;
        let mut commands = vec![Command::Record(write_down::off_verified(&self.job, due, complete))];
        commands.extend(self.wait_until(due, world));
        commands
    }

    fn wait_until(&mut self, due: Timestamp, world: &World<'_>) -> Vec<Command> {
        self.facts.due = Some(due);
        if world.now >= due {
            return self.turn_to_on(world);
        }
        self.state = State::Waiting { due };
        vec![Command::Wake(due)]
    }

    // ── the on ──────────────────────────────────────────────────────────────────────────────────

    fn turn_to_on(&mut self, world: &World<'_>) -> Vec<Command> {
        self.state = State::BeforeOn { since: world.now };
        self.facts.surprises = 0;
        self.facts.reads = 0;
        vec![self.read_now(world)]
    }

    fn look_before_on(&mut self, live: &Live, since: Timestamp, world: &World<'_>) -> Vec<Command> {
        let still_processing = !live.is_processed()
            && self.facts.off_at.is_some_and(|off_at| world.now < later(off_at, self.job.gate));
        match live.stand(&self.job.skus) {
            Stand::Missing => self.nothing_left(live, world),
            Stand::AllOff | Stand::Mixed if still_processing => self.read_again(world),
            Stand::AllOff | Stand::Mixed => self.send_on(live.lists(&self.job.skus), world),
            Stand::AllOn if self.facts.on_at.is_some() => {
                self.state = State::CheckingOn;
                self.look_for_on(live, world)
            }
            Stand::AllOn if self.is_newer_than_off(live) => {
                if self.is_surprise() {
                    return self.read_again(world);
                }
                let message = "someone else turned it on during the wait";
                self.close(Outcome::CutShort, Some(Trouble::ours("cut-short", message)))
            }
            // Either a replica that lags, or someone turned it on and Graph gives no date. In doubt,
            // act: the on changes nothing where it is on, and ends it where it is not.
            Stand::AllOn if world.now < later(since, LAG) => self.read_again(world),
            Stand::AllOn => {
                if self.facts.verified && self.facts.instead.is_none() {
                    let message =
                        "reads showed it on before the wait was over; turned on once more to be sure";
                    self.facts.instead = Some(End {
                        outcome: Outcome::CutShort,
                        trouble: Some(Trouble::ours("cut-short", message)),
                    });
                }
                self.send_on(live.lists(&self.job.skus), world)
            }
        }
    }

    fn is_newer_than_off(&self, live: &Live) -> bool {
        match (live.changed(&self.job.skus), self.facts.off_stamp) {
            (Some(changed), Some(off)) => changed > off,
            _ => false,
        }
    }

    fn send_on(&mut self, fresh: Vec<Licensed>, world: &World<'_>) -> Vec<Command> {
        self.state = State::TurningOn;
        self.facts.surprises = 0;
        let intent = write_down::on_intent(&self.job, &fresh, world.catalog);
        vec![Command::Record(intent), Command::TurnOn(fresh)]
    }

    fn on_accepted(
        &mut self,
        request_id: Option<String>,
        sent: Vec<Licensed>,
        world: &World<'_>,
    ) -> Vec<Command> {
        self.state = State::CheckingOn;
        self.facts.ask_members = false;
        self.facts.on_at = Some(world.now);
        self.facts.sent = sent;
        self.facts.reads = 0;
        let renews = self.job.action == Action::Enable || self.facts.verified;
        vec![
            Command::Record(write_down::on_done(&self.job, world.now, renews, request_id)),
            self.read_now(world),
        ]
    }

    fn on_again(&mut self, retry_after: SignedDuration, trouble: Trouble, world: &World<'_>) -> Vec<Command> {
        self.facts.tries += 1;
        if self.facts.tries > TRIES {
            return self.stop_trying(Outcome::Failed, trouble);
        }
        self.state = match self.job.action {
            Action::Enable => State::Before,
            Action::Toggle | Action::Resume => State::BeforeOn { since: world.now },
        };
        vec![self.read_after(retry_after.max(pause(self.facts.tries)), world)]
    }

    /// Perhaps on: the next look shows it, or the on is sent again.
    fn on_in_doubt(&mut self, trouble: Trouble, world: &World<'_>) -> Vec<Command> {
        let commands = self.on_again(SignedDuration::ZERO, trouble, world);
        if self.state != State::Ended {
            self.state = State::BeforeOn { since: world.now };
        }
        commands
    }

    fn on_refused(&mut self, trouble: Trouble, world: &World<'_>) -> Vec<Command> {
        let usable = |sku| world.catalog.get(sku).is_some_and(|license| license.status.is_usable());
        let stuck = self.holds_off() && !self.job.skus.iter().all(|sku| usable(*sku));
        self.stop_trying(if stuck { Outcome::Stuck } else { Outcome::Failed }, trouble)
    }

    fn look_for_on(&mut self, live: &Live, world: &World<'_>) -> Vec<Command> {
        let on_at = self.facts.on_at.unwrap_or(world.now);
        let patience = if self.job.is_group() { self.job.gate.max(PATIENCE) } else { PATIENCE };
        let in_time = world.now < later(on_at, patience);
        match live.stand(&self.job.skus) {
            Stand::Missing => self.nothing_left(live, world),
            Stand::AllOff | Stand::Mixed if in_time => self.read_again(world),
            Stand::AllOff | Stand::Mixed => {
                let message = "Graph accepted the on, and no read shows it; the next run looks again";
                self.stop_trying(Outcome::Failed, Trouble::ours("on-not-seen", message))
            }
            Stand::AllOn if self.job.is_group() && in_time && !self.members_are(true, live, on_at, world) => {
                self.read_again(world)
            }
            Stand::AllOn => {
                self.compare(live, in_time);
                self.finish()
            }
        }
    }

    /// Reads back and compares (P1): what other people changed meanwhile is told, not undone.
    fn compare(&mut self, live: &Live, in_time: bool) {
        let lists = live.lists(&self.job.skus);
        let differs =
            |sent: &Licensed| lists.iter().any(|now| now.sku == sent.sku && now.disabled != sent.disabled);
        if self.facts.sent.iter().any(differs) {
            self.notes.push("other service plans of the license changed while it was written".into());
        }
        if !in_time {
            self.notes.push("not every member was seen on yet: Graph is still processing the group".into());
        }
        let before = self.facts.broken_before.clone();
        let newly = live.broken_members(&self.job.skus).into_iter();
        let newly = newly.filter(|(id, _)| before.as_ref().is_some_and(|before| !before.contains(id)));
        let names: Vec<String> = newly.map(|(_, name)| name).collect();
        if !names.is_empty() {
            self.notes.push(format!(
                "members newly in error: {}; remedy it and reprocess their licenses",
                names.join(", ")
            ));
        }
    }

    // ── endings ─────────────────────────────────────────────────────────────────────────────────

    /// It is on.
    fn finish(&mut self) -> Vec<Command> {
        let planned = match self.job.action {
            Action::Enable => Outcome::Enabled,
            Action::Toggle => Outcome::Toggled,
            Action::Resume => Outcome::Resumed,
        };
        let end = self.facts.instead.take().unwrap_or(End { outcome: planned, trouble: None });
        self.close(end.outcome, end.trouble)
    }

    /// The licenses, or the subject itself, are not there any more.
    fn nothing_left(&mut self, live: &Live, world: &World<'_>) -> Vec<Command> {
        if self.is_surprise() {
            return self.read_again(world);
        }
        let (outcome, code, message) = match live {
            Live::Gone => (
                Outcome::SubjectGone,
                "subject-gone",
                "it was deleted while it was off; if it is restored, the next run turns it on",
            ),
            Live::User(_) if live.is_by_group(&self.job.skus) => {
                (Outcome::NowByGroup, "now-by-group", "its license comes from a group now; declare the group")
            }
            Live::User(_) | Live::Group(..) => (
                Outcome::LicenseGone,
                "license-gone",
                "its license was taken away; nothing is left to turn on",
            ),
        };
        let trouble = Some(Trouble::ours(code, message));
        if outcome == Outcome::SubjectGone && self.was_gone_already() {
            self.state = State::Ended;
            self.end = Some(End { outcome, trouble });
            return Vec::new();
        }
        self.close(outcome, trouble)
    }

    /// The journal knows already that it is gone; it was only looked for again.
    fn was_gone_already(&self) -> bool {
        self.job.resumes.as_ref().is_some_and(|own| matches!(own.phase, Phase::Gone { .. }))
    }

    fn unreadable(&mut self, trouble: Trouble, world: &World<'_>) -> Vec<Command> {
        if !self.holds_off() && self.facts.on_at.is_none() {
            return self.close(Outcome::Failed, Some(trouble));
        }
        self.facts.tries += 1;
        if self.facts.tries > TRIES {
            return self.stop_trying(Outcome::Failed, trouble);
        }
        vec![self.read_after(pause(self.facts.tries), world)]
    }

    /// Ends it for this run. Whoever is off because of us stays open in the journal.
    fn stop_trying(&mut self, outcome: Outcome, trouble: Trouble) -> Vec<Command> {
        if self.holds_off() {
            self.state = State::Ended;
            self.end = Some(End { outcome, trouble: Some(trouble) });
            return Vec::new();
        }
        self.close(outcome, Some(trouble))
    }

    fn close(&mut self, outcome: Outcome, trouble: Option<Trouble>) -> Vec<Command> {
        self.state = State::Ended;
        let end = End { outcome, trouble };
        let record = Command::Record(write_down::closed(&self.job, &end));
        self.end = Some(end);
        vec![record]
    }

    // ── reads ───────────────────────────────────────────────────────────────────────────────────

    /// True while something surprising has not been read often enough to be believed.
    fn is_surprise(&mut self) -> bool {
        self.facts.surprises += 1;
        self.facts.surprises < AGREEING_READS
    }

    fn read_now(&mut self, world: &World<'_>) -> Command {
        self.facts.reads = 0;
        self.read_after(SignedDuration::ZERO, world)
    }

    fn read_again(&mut self, world: &World<'_>) -> Vec<Command> {
        self.facts.reads += 1;
        vec![self.read_after(pause(self.facts.reads), world)]
    }

    fn read_after(&self, delay: SignedDuration, world: &World<'_>) -> Command {
        let members = self.job.is_group() && (self.state == State::Before || self.facts.ask_members);
        Command::Read { at: later(world.now, delay), members }
    }
}

/// Where an unfinished toggle is taken up again.
fn stand_where(phase: Phase, facts: &mut Facts) -> State {
    match phase {
        Phase::InDoubt { .. } => {
            facts.doubt = true;
            State::Before
        }
        Phase::Off { at } => {
            facts.off_at = Some(at);
            State::CheckingOff
        }
        Phase::Waiting { off_at, due } => {
            facts.off_at = Some(off_at);
            facts.due = Some(due);
            facts.verified = true;
            State::Waiting { due }
        }
        Phase::OnSent { off_at, on_at } => {
            facts.off_at = Some(off_at);
            facts.on_at = Some(on_at);
            facts.verified = true;
            State::BeforeOn { since: on_at }
        }
        Phase::Gone { off_at, since } => {
            facts.off_at = Some(off_at);
            State::BeforeOn { since }
        }
    }
}

/// 1, 2, 4, 8, 15, 15 … seconds.
fn pause(times: u32) -> SignedDuration {
    SignedDuration::from_secs((1_i64 << times.saturating_sub(1).min(4)).min(15))
}

fn later(from: Timestamp, by: SignedDuration) -> Timestamp {
    from.saturating_add(by).unwrap_or(Timestamp::MAX)
}

fn ids(members: BTreeSet<(UserId, String)>) -> BTreeSet<UserId> {
    members.into_iter().map(|(id, _)| id).collect()
}
