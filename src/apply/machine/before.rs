//! Before the first write: is everything as the plan expects it, and is nobody protected in it?

use super::facts::Oddity;
use super::{Command, Machine, State, World};
use crate::apply::live::Live;
use crate::apply::outcome::{Outcome, Trouble};
use crate::apply::write_down;
use crate::graph::Direction;
use crate::model::Licensed;
use crate::plan::change::Action;

/// One in so many members may have joined a group since the plan.
const A_FEW_MORE: u64 = 10;

impl Machine {
    pub(super) fn first_look(&mut self, live: &Live, world: &World<'_>) -> Vec<Command> {
        if self.facts.doubt_since.is_some() {
            return self.look_in_doubt(live, world);
        }
        if live.expectation(world.catalog) != self.job.expect {
            if self.is_doubtful(Oddity::Changed, world) {
                return self.read_again(world);
            }
            let message = match live {
                Live::Gone => "it no longer exists",
                Live::User(_) | Live::Group(..) => "its licenses changed since the plan was made: plan again",
            };
            return self.close(Outcome::Skipped, Some(Trouble::ours("stale", message)));
        }
        if self.job.action == Action::Toggle {
            // One of them may be protected, and the gate would not know for whom to wait.
            if let Some(reason) = live.unread_members() {
                return self.unreadable(Trouble::ours("members-unread", reason), world);
            }
            if let Some(name) = self.protected(live, world) {
                let message = format!("it would turn off {name}, who is protected: plan again");
                return self.close(Outcome::Skipped, Some(Trouble::ours("protected-member", message)));
            }
            if let Some(trouble) = self.has_grown() {
                return self.close(Outcome::Skipped, Some(trouble));
            }
            // Whoever has joined since goes off as well, and takes room.
            let going = live.would_go_off(&self.job.skus, world.catalog).count() as u64;
            self.job.people = self.job.people.max(going);
        }
        self.first_write(live, world)
    }

    fn first_write(&mut self, live: &Live, world: &World<'_>) -> Vec<Command> {
        let fresh = live.lists(&self.job.skus);
        self.refreshed =
            fresh.iter().any(|one| self.job.planned.get(&one.sku).is_some_and(|old| *old != one.disabled));
        self.facts.members = live.sound_members(&self.job.skus);
        self.facts.broken_before = live
            .unread_members()
            .is_none()
            .then(|| live.broken_members(&self.job.skus).into_keys().collect());
        match self.job.action {
            Action::Enable | Action::Resume => self.send_on(fresh, world),
            Action::Toggle => self.send_off(fresh, world),
        }
    }

    /// A group that has grown since its plan was saved. A few people more are no surprise; many are, and were
    /// held against no limit.
    fn has_grown(&self) -> Option<Trouble> {
        let (now, planned) = (self.job.people, self.job.planned_people);
        (now > planned + planned / A_FEW_MORE).then(|| {
            let message = format!("it would turn off {now} people, and the plan says {planned}: plan again");
            Trouble::ours("more-people", message)
        })
    }

    /// Who would go off and must not.
    pub(super) fn protected(&self, live: &Live, world: &World<'_>) -> Option<String> {
        let going = live.would_go_off(&self.job.skus, world.catalog);
        let mut protected = going.filter(|user| self.job.protected.covers(user.id, &user.upn));
        protected.next().map(|user| user.upn.clone())
    }

    pub(super) fn send_off(&mut self, fresh: Vec<Licensed>, world: &World<'_>) -> Vec<Command> {
        self.state = State::TurningOff;
        self.tell_left_out(&fresh, Direction::Off, world);
        let intent = write_down::off_intent(&self.job, &fresh, &self.facts.members, world.catalog);
        vec![Command::Record(intent), Command::TurnOff(fresh)]
    }
}
