//! The on: looked at before, sent, seen.

use super::facts::Oddity;
use super::{BrokenMember, Command, LAG, Machine, PATIENCE, State, World, later, pause};
use crate::apply::live::{Live, Stand};
use crate::apply::outcome::{End, Outcome, Trouble};
use crate::apply::write_down;
use crate::graph::Direction;
use crate::model::{Licensed, SignedDuration, SkuId, Timestamp, UserId};
use crate::plan::change::Action;

impl Machine {
    pub(super) fn turn_to_on(&mut self, world: &World<'_>) -> Vec<Command> {
        self.state = State::BeforeOn { since: world.now };
        self.facts.tries = 0;
        self.facts.ask_members = false;
        vec![self.read_now(world)]
    }

    pub(super) fn look_before_on(
        &mut self,
        live: &Live,
        since: Timestamp,
        world: &World<'_>,
    ) -> Vec<Command> {
        match live.stand(&self.job.skus) {
            Stand::Missing => self.nothing_left(live, world),
            stand @ (Stand::AllOff | Stand::Mixed) => self.off_before_on(live, stand, world),
            Stand::AllOn => self.on_before_on(live, since, world),
        }
    }

    /// It is off, as it should be before the on.
    fn off_before_on(&mut self, live: &Live, stand: Stand, world: &World<'_>) -> Vec<Command> {
        let off_since = self.facts.off_at.or(self.facts.doubt_since);
        let gate_ends = off_since.map_or(world.now, |since| later(since, self.job.gate));
        if !live.is_processed() && world.now < gate_ends {
            return self.read_again_before(gate_ends, world);
        }
        let only_intended = self.facts.off_at.is_none() && self.facts.doubt_since.is_some();
        let goes_on = self.job.action == Action::Resume || self.facts.is_stopped();
        if stand == Stand::AllOff && only_intended && goes_on && !self.facts.on_lost {
            // It was done after all, and whoever is off because of us has the whole wait.
            self.facts.instead = None;
            return self.off_shows(live, world);
        }
        self.send_on_in_time(live, world)
    }

    fn send_on_in_time(&mut self, live: &Live, world: &World<'_>) -> Vec<Command> {
        match self.earliest_on() {
            Some(earliest) if world.now < earliest => self.wait_until(earliest, world),
            Some(_) | None => self.send_on(live.lists(&self.job.skus), world),
        }
    }

    /// Before that no on is sent (DESIGN 9): the due that stands in the journal, or the wait after an
    /// off that went another way than through `Waiting`.
    fn earliest_on(&self) -> Option<Timestamp> {
        if self.facts.is_without_effect() {
            return None;
        }
        self.facts.due.or_else(|| self.facts.off_at.map(|off_at| later(off_at, self.job.wait)))
    }

    /// It is on before our on was answered: by an on of ours whose answer was lost, by someone else,
    /// or by a replica that lags.
    fn on_before_on(&mut self, live: &Live, since: Timestamp, world: &World<'_>) -> Vec<Command> {
        let turned_on_since = self.is_newer_than_off(live);
        if self.facts.on_at.is_some() {
            self.state = State::CheckingOn;
            return self.look_for_on(live, world);
        }
        // An enable begins with reads that show off, so no replica can still show on from before.
        let after_an_on_of_ours =
            self.facts.on_lost && (turned_on_since || self.job.action == Action::Enable);
        if after_an_on_of_ours || self.was_turned_on_in_time(live) {
            let mut commands = vec![self.on_began(None, world)];
            commands.extend(self.look_for_on(live, world));
            return commands;
        }
        if turned_on_since {
            if self.is_doubtful(Oddity::TurnedOn, world) {
                return self.read_again(world);
            }
            return self
                .close(Outcome::CutShort, Some(cut_short("someone else turned it on during the wait")));
        }
        // In doubt, act: the on changes nothing where it is on, and ends it where it is not.
        if world.now < later(since, LAG) {
            return self.read_again(world);
        }
        if self.facts.verified && !self.facts.on_lost {
            let message = "reads showed it on before the wait was over; turned on once more to be sure";
            let end = End { outcome: Outcome::CutShort, trouble: Some(cut_short(message)) };
            self.facts.instead.get_or_insert(end);
        }
        self.send_on_in_time(live, world)
    }

    /// Whether it was turned on when its wait was over: by an on of ours that could not be written down,
    /// or by somebody who meant the same.
    fn was_turned_on_in_time(&self, live: &Live) -> bool {
        /// The tenant's dates are cut to the second.
        const CUT: SignedDuration = SignedDuration::from_secs(1);
        let due = self.facts.due.filter(|_| self.facts.verified);
        due.is_some_and(|due| live.changed(&self.job.skus).is_some_and(|changed| later(changed, CUT) > due))
    }

    fn is_newer_than_off(&self, live: &Live) -> bool {
        match (live.changed(&self.job.skus), self.facts.off_stamp) {
            (Some(changed), Some(off)) => changed > off,
            _ => false,
        }
    }

    pub(super) fn send_on(&mut self, fresh: Vec<Licensed>, world: &World<'_>) -> Vec<Command> {
        self.state = State::TurningOn;
        self.facts.sent.clear(); // the off's list: an on whose answer is lost is not to be compared with it
        self.tell_left_out(&fresh, Direction::On, world);
        let intent = write_down::on_intent(&self.job, &fresh, world.catalog);
        vec![Command::Record(intent), Command::TurnOn(fresh)]
    }

    pub(super) fn on_accepted(
        &mut self,
        request_id: Option<String>,
        sent: Vec<Licensed>,
        world: &World<'_>,
    ) -> Vec<Command> {
        self.facts.sent = sent;
        vec![self.on_began(request_id, world), self.read_now(world)]
    }

    /// From this moment on it is on, by our own doing.
    fn on_began(&mut self, request_id: Option<String>, world: &World<'_>) -> Command {
        self.state = State::CheckingOn;
        self.facts.ask_members = false;
        self.facts.on_at = Some(world.now);
        self.facts.reads = 0;
        self.facts.tries = 0;
        Command::Record(write_down::on_done(&self.job, world.now, self.renews(), request_id))
    }

    /// Certainly not on.
    pub(super) fn on_not_done(
        &mut self,
        retry_after: SignedDuration,
        trouble: Trouble,
        world: &World<'_>,
    ) -> Vec<Command> {
        self.on_again(self.before_this_on(world), retry_after, trouble, world)
    }

    /// It never left, because its turn came too late: look again.
    pub(super) fn on_too_late(&mut self, world: &World<'_>) -> Vec<Command> {
        self.state = self.before_this_on(world);
        vec![self.read_now(world)]
    }

    /// Where an on is looked at before, when the last one was certainly not done.
    fn before_this_on(&self, world: &World<'_>) -> State {
        match self.job.action {
            Action::Enable if !self.facts.on_lost => State::Before,
            Action::Enable | Action::Toggle | Action::Resume => State::BeforeOn { since: world.now },
        }
    }

    /// Perhaps on: the next look shows it, or the on is sent again.
    pub(super) fn on_in_doubt(
        &mut self,
        retry_after: SignedDuration,
        trouble: Trouble,
        world: &World<'_>,
    ) -> Vec<Command> {
        self.facts.on_lost = true;
        self.on_again(State::BeforeOn { since: world.now }, retry_after, trouble, world)
    }

    fn on_again(
        &mut self,
        state: State,
        retry_after: SignedDuration,
        trouble: Trouble,
        world: &World<'_>,
    ) -> Vec<Command> {
        self.facts.tries += 1;
        if self.facts.tries > self.patience_in_tries() {
            return self.stop_trying(Outcome::Failed, trouble);
        }
        self.state = state;
        vec![self.read_after(retry_after.max(pause(self.facts.tries)), world)]
    }

    pub(super) fn on_refused(&mut self, trouble: Trouble, world: &World<'_>) -> Vec<Command> {
        let unusable = self.job.skus.iter().find_map(|sku| unusable(*sku, world));
        match unusable.filter(|_| self.holds_off()) {
            Some(why) => {
                let message = format!("{why}; each run tries again ({})", trouble.message);
                self.stop_trying(Outcome::Stuck, Trouble { message, ..trouble })
            }
            None => self.stop_trying(Outcome::Failed, trouble),
        }
    }

    pub(super) fn look_for_on(&mut self, live: &Live, world: &World<'_>) -> Vec<Command> {
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
            Stand::AllOn if self.job.is_group() => self.members_after_on(live, on_at, in_time, world),
            Stand::AllOn => {
                self.compare_lists(live, world);
                self.finish()
            }
        }
    }

    /// The group is on: are its members? Late or not, they are looked at once.
    fn members_after_on(
        &mut self,
        live: &Live,
        on_at: Timestamp,
        in_time: bool,
        world: &World<'_>,
    ) -> Vec<Command> {
        let all_on = self.members_are(true, live, on_at, world);
        if !all_on && live.has_no_members_read() && (self.facts.ask_members || !in_time) {
            self.facts.ask_members = true;
            return vec![self.read_after(SignedDuration::ZERO, world)];
        }
        if !all_on && in_time {
            return self.read_again(world);
        }
        if !all_on && !self.do_all_show_on(live) {
            let message = self.who_is_not_on();
            if self.holds_off() {
                return self.stop_trying(Outcome::Pending, Trouble::ours("members-not-on", message));
            }
            self.notes.push(message);
        }
        self.compare_lists(live, world);
        self.note_newly_broken(live);
        self.finish()
    }

    /// Whether every member shows the on, though Graph calls the group unfinished.
    fn do_all_show_on(&self, live: &Live) -> bool {
        let call = live.roll_call(&self.job.skus, &self.facts.members, true);
        call.is_some_and(|call| call.shown == call.waited_for)
    }

    fn who_is_not_on(&self) -> String {
        let seen = self.headcount.filter(|seen| seen.on);
        let seen = seen.map_or_else(String::new, |seen| format!(" ({} of {} were)", seen.shown, seen.of));
        format!(
            "not every member was seen on yet{seen}: Graph still works on the group; the next run looks again"
        )
    }

    /// Members whom the change left in error.
    fn note_newly_broken(&mut self, live: &Live) {
        let is_new = |id: &UserId| match &self.facts.broken_before {
            Some(before) => !before.contains(id),
            None => self.facts.members.contains(id),
        };
        let broken = live.broken_members(&self.job.skus).into_iter().filter(|(id, _)| is_new(id));
        self.broken = broken.map(|(id, (name, error))| BrokenMember { id, name, error }).collect();
        self.broken.sort_by(|one, other| one.name.cmp(&other.name));
    }
}

/// Why nobody can be turned on in that license, if so.
fn unusable(sku: SkuId, world: &World<'_>) -> Option<String> {
    let name = world.catalog.name(sku);
    match world.catalog.get(sku) {
        Some(license) if license.status.is_usable() => None,
        Some(license) => {
            let status = license.status.as_str();
            Some(format!("the tenant's {name} is {status}, so nothing in it can be turned on"))
        }
        None => Some(format!("the tenant does not own {name} any more, so nothing in it can be turned on")),
    }
}

fn cut_short(message: &str) -> Trouble {
    Trouble::ours("cut-short", message)
}
