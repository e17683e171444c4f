//! The on: looked at before, sent, seen.

use super::{Command, LAG, Machine, PATIENCE, State, TRIES, World, later, pause};
use crate::apply::live::{Live, Stand};
use crate::apply::outcome::{End, Outcome, Trouble};
use crate::apply::write_down;
use crate::model::{Licensed, SignedDuration, Timestamp};
use crate::plan::change::Action;

impl Machine {
    pub(super) fn turn_to_on(&mut self, world: &World<'_>) -> Vec<Command> {
        self.state = State::BeforeOn { since: world.now };
        self.facts.surprises = 0;
        self.facts.reads = 0;
        vec![self.read_now(world)]
    }

    pub(super) fn look_before_on(
        &mut self,
        live: &Live,
        since: Timestamp,
        world: &World<'_>,
    ) -> Vec<Command> {
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

    pub(super) fn is_newer_than_off(&self, live: &Live) -> bool {
        match (live.changed(&self.job.skus), self.facts.off_stamp) {
            (Some(changed), Some(off)) => changed > off,
            _ => false,
        }
    }

    pub(super) fn send_on(&mut self, fresh: Vec<Licensed>, world: &World<'_>) -> Vec<Command> {
        self.state = State::TurningOn;
        self.facts.surprises = 0;
        let intent = write_down::on_intent(&self.job, &fresh, world.catalog);
        vec![Command::Record(intent), Command::TurnOn(fresh)]
    }

    pub(super) fn on_accepted(
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

    pub(super) fn on_again(
        &mut self,
        retry_after: SignedDuration,
        trouble: Trouble,
        world: &World<'_>,
    ) -> Vec<Command> {
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
    pub(super) fn on_in_doubt(&mut self, trouble: Trouble, world: &World<'_>) -> Vec<Command> {
        let commands = self.on_again(SignedDuration::ZERO, trouble, world);
        if self.state != State::Ended {
            self.state = State::BeforeOn { since: world.now };
        }
        commands
    }

    pub(super) fn on_refused(&mut self, trouble: Trouble, world: &World<'_>) -> Vec<Command> {
        let usable = |sku| world.catalog.get(sku).is_some_and(|license| license.status.is_usable());
        let stuck = self.holds_off() && !self.job.skus.iter().all(|sku| usable(*sku));
        self.stop_trying(if stuck { Outcome::Stuck } else { Outcome::Failed }, trouble)
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
    pub(super) fn compare(&mut self, live: &Live, in_time: bool) {
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
}
