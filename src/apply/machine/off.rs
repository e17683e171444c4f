//! The off: sent, seen, and for a group the gate.

use super::facts::Oddity;
use super::{Command, Headcount, Machine, PATIENCE, STALE_COMPLETE, State, TRIES, World, later, pause};
use crate::apply::live::{Live, Stand};
use crate::apply::outcome::{End, Outcome, Trouble};
use crate::apply::write_down;
use crate::model::{Licensed, SignedDuration, Timestamp};
use crate::plan::change::Action;

impl Machine {
    pub(super) fn off_accepted(
        &mut self,
        request_id: Option<String>,
        sent: Vec<Licensed>,
        world: &World<'_>,
    ) -> Vec<Command> {
        self.off_began(world);
        self.facts.sent = sent;
        vec![Command::Record(write_down::off_done(&self.job, world.latest, request_id)), self.read_now(world)]
    }

    /// From this moment on the wait runs (DESIGN 9: from the answer, or from the first read): the latest
    /// one at which it can have been.
    fn off_began(&mut self, world: &World<'_>) {
        self.state = State::CheckingOff;
        self.facts.off_at = Some(world.latest);
        self.facts.doubt_since = None;
        // An on that was sent before was not done before this: whoever turns it on now, it ends no whole toggle.
        self.facts.on_lost = false;
        self.facts.tries = 0;
        self.facts.ask_members = false;
        self.facts.seen_off.clear();
    }

    pub(super) fn off_not_done(
        &mut self,
        retry_after: SignedDuration,
        trouble: Trouble,
        world: &World<'_>,
    ) -> Vec<Command> {
        self.facts.tries += 1;
        if self.facts.tries > TRIES {
            return self.off_refused(trouble, world);
        }
        self.state = State::Before;
        let refused = self.facts.doubt_since.is_none();
        let refused = refused.then(|| Command::Record(write_down::off_refused(&self.job, &trouble)));
        let read = self.read_after(retry_after.max(pause(self.facts.tries)), world);
        refused.into_iter().chain([read]).collect()
    }

    /// It never left, because its turn came too late: look again.
    pub(super) fn off_too_late(&mut self, world: &World<'_>) -> Vec<Command> {
        self.state = State::Before;
        let waited = Trouble::ours("waited", "not sent: it waited too long for its turn");
        let refused = self.facts.doubt_since.is_none();
        let refused = refused.then(|| Command::Record(write_down::off_refused(&self.job, &waited)));
        refused.into_iter().chain([self.read_now(world)]).collect()
    }

    pub(super) fn off_refused(&mut self, trouble: Trouble, world: &World<'_>) -> Vec<Command> {
        // This one was not done. One before it may have been.
        if self.facts.doubt_since.is_some() {
            return self.give_up_off(trouble, world);
        }
        let record = Command::Record(write_down::off_refused(&self.job, &trouble));
        let mut commands = vec![record];
        commands.extend(self.close(Outcome::Failed, Some(trouble)));
        commands
    }

    /// An off whose answer was lost is never closed as "did not happen" (DESIGN 9): it is sent again.
    pub(super) fn off_in_doubt(
        &mut self,
        retry_after: SignedDuration,
        trouble: Trouble,
        world: &World<'_>,
    ) -> Vec<Command> {
        self.facts.doubt_since.get_or_insert(world.now);
        self.facts.tries += 1;
        if self.facts.tries > TRIES {
            return self.give_up_off(trouble, world);
        }
        self.state = State::Before;
        vec![self.read_after(retry_after.max(pause(self.facts.tries)), world)]
    }

    /// Ends an off that may or may not have been done: with the on.
    pub(super) fn give_up_off(&mut self, trouble: Trouble, world: &World<'_>) -> Vec<Command> {
        self.facts.instead = Some(End { outcome: Outcome::Failed, trouble: Some(trouble) });
        self.turn_to_on(world)
    }

    /// A look while an off is in doubt, in the run that sent it (send again) or in a later one (the
    /// journal holds only the intent: take an off that shows, else end it with the on).
    pub(super) fn look_in_doubt(&mut self, live: &Live, world: &World<'_>) -> Vec<Command> {
        match (live.stand(&self.job.skus), self.job.action) {
            (Stand::Missing, _) => self.nothing_left(live, world),
            (Stand::AllOff, Action::Resume) => self.off_shows(live, world),
            (Stand::AllOn | Stand::Mixed, Action::Resume) | (_, Action::Enable) => self.turn_to_on(world),
            (Stand::AllOn | Stand::AllOff | Stand::Mixed, Action::Toggle) => {
                // One of them may be protected, as at the first look.
                if let Some(reason) = live.unread_members() {
                    return self.give_up_off(Trouble::ours("members-unread", reason), world);
                }
                if let Some(name) = self.protected(live, world) {
                    let message = format!("it would turn off {name}, who is protected: plan again");
                    return self.give_up_off(Trouble::ours("protected-member", message), world);
                }
                self.send_off(live.lists(&self.job.skus), world)
            }
        }
    }

    /// An off of which only the intent is known, and now a read shows it: it is taken for ours, and
    /// the wait runs from here.
    pub(super) fn off_shows(&mut self, live: &Live, world: &World<'_>) -> Vec<Command> {
        self.off_began(world);
        let mut commands = vec![Command::Record(write_down::off_done(&self.job, world.latest, None))];
        commands.extend(self.look_for_off(live, world));
        commands
    }

    pub(super) fn look_for_off(&mut self, live: &Live, world: &World<'_>) -> Vec<Command> {
        // An off before this look was not after it. One that stands so in the journal was dated by an
        // answer that turned out to be wrong.
        let off_at = self.facts.off_at.map_or(world.latest, |off_at| off_at.min(world.latest));
        self.facts.off_at = Some(off_at);
        match live.stand(&self.job.skus) {
            Stand::Missing => return self.nothing_left(live, world),
            Stand::AllOff if self.job.is_group() => {
                self.facts.off_shown = true;
                return self.look_through_gate(live, off_at, world);
            }
            Stand::AllOff => {}
            Stand::AllOn | Stand::Mixed => return self.off_not_seen(live, off_at, world),
        }
        if live.is_on_anyway(&self.job.skus, world.catalog) {
            if self.is_doubtful(Oddity::OnAnyway, world) {
                return self.read_again(world);
            }
            let message = "another source keeps the service plan on, so turning it off here changes nothing";
            self.facts.instead =
                Some(End { outcome: Outcome::NoEffect, trouble: Some(Trouble::ours("no-effect", message)) });
            return self.off_seen(world.now, false, world);
        }
        self.facts.off_stamp = live.changed(&self.job.skus);
        self.compare_lists(live, world);
        self.off_seen(later(off_at, self.job.wait), true, world)
    }

    fn off_not_seen(&mut self, live: &Live, off_at: Timestamp, world: &World<'_>) -> Vec<Command> {
        // Not a replica that lags: its assignment changed after our off, and now it is on. A group has
        // no such date; there the off was seen, and then for longer than replicas lag it was not.
        let is_newer = live.changed(&self.job.skus).is_some_and(|changed| changed > off_at);
        if is_newer || self.facts.off_shown {
            if self.is_doubtful(Oddity::TurnedOn, world) {
                return self.read_again(world);
            }
            let message = if self.job.is_group() {
                "someone else turned it on before every member was seen off"
            } else {
                "someone else turned it on before the off was seen"
            };
            let trouble = Some(Trouble::ours("cut-short", message));
            self.facts.instead = Some(End { outcome: Outcome::CutShort, trouble });
            return self.off_seen(later(off_at, self.job.wait).max(world.now), false, world);
        }
        let patience = if self.job.is_group() { self.job.gate } else { PATIENCE.max(self.job.wait) };
        if world.now < later(off_at, patience) {
            return self.read_again(world);
        }
        let message = "Graph accepted the off, and no read showed it: turned on again";
        self.facts.instead =
            Some(End { outcome: Outcome::Failed, trouble: Some(Trouble::ours("off-not-seen", message)) });
        self.off_seen(later(off_at, self.job.wait).max(world.now), false, world)
    }

    /// The gate of a group: it opens when every member that counts shows the off, or runs out. The
    /// wait comes after it either way.
    fn look_through_gate(&mut self, live: &Live, off_at: Timestamp, world: &World<'_>) -> Vec<Command> {
        let due = if self.job.wait.is_zero() { world.now } else { later(world.latest, self.job.wait) };
        if world.now >= later(off_at, self.job.gate) {
            self.notes.push(self.gate_ran_out());
            return self.off_seen(due, false, world);
        }
        // A group that was found off has no list of members from before; then all who are there count.
        if self.job.resumes.as_ref().is_some_and(|own| own.members.is_empty()) {
            self.facts.members = live.sound_members(&self.job.skus);
        }
        if self.members_are(false, live, off_at, world) {
            self.compare_lists(live, world);
            return self.off_seen(due, true, world);
        }
        if self.facts.ask_members && live.has_no_members_read() {
            return vec![self.read_after(SignedDuration::ZERO, world)];
        }
        self.read_again_before(later(off_at, self.job.gate), world)
    }

    fn gate_ran_out(&self) -> String {
        let seen = self.headcount.filter(|seen| !seen.on).map(|seen| {
            format!(
                ": {} of {} were, and whoever was not has no new date from this toggle",
                seen.shown, seen.of
            )
        });
        format!("the gate ran out before every member was seen off{}", seen.unwrap_or_default())
    }

    /// Whether a group has been processed and its members show `on`. A state of "complete" may still
    /// be that of the change before, so it needs a witness: the members, or time.
    pub(super) fn members_are(&mut self, on: bool, live: &Live, since: Timestamp, world: &World<'_>) -> bool {
        self.facts.ask_members = live.is_processed();
        let Some((shown, waited_for)) = self.call_the_roll(on, live) else { return false };
        live.is_processed()
            && shown == waited_for
            // After the on nobody is left to wait for; after the off that keeps the gate closed.
            && (waited_for > 0 || on || world.now >= later(since, STALE_COMPLETE))
    }

    /// How many of the members who are waited for show it, and how many there are. Whoever was seen off once
    /// is off: a later read that does not show it is older. Whoever was seen on may have been seen before
    /// the off by a replica that lags, so of them only this read counts.
    fn call_the_roll(&mut self, on: bool, live: &Live) -> Option<(usize, usize)> {
        let mut call = live.roll_call(&self.job.skus, &self.facts.members, on)?;
        if !on {
            let seen_before = self.facts.seen_off.intersection(&call.waited_for).copied();
            call.shown.extend(seen_before);
            self.facts.seen_off.clone_from(&call.shown);
        }
        let counted = (call.shown.len(), call.waited_for.len());
        if counted.1 > 0 {
            self.headcount = Some(Headcount { on, shown: counted.0 as u64, of: counted.1 as u64 });
        }
        Some(counted)
    }

    fn off_seen(&mut self, due: Timestamp, complete: bool, world: &World<'_>) -> Vec<Command> {
        self.facts.verified = complete;
        let mut commands = vec![Command::Record(write_down::off_verified(&self.job, due, complete))];
        commands.extend(self.wait_until(due, world));
        commands
    }

    pub(super) fn wait_until(&mut self, due: Timestamp, world: &World<'_>) -> Vec<Command> {
        self.facts.due = Some(due);
        if world.now >= due {
            return self.turn_to_on(world);
        }
        self.state = State::Waiting { due };
        vec![Command::Wake(due)]
    }
}
