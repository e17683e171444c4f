//! Before the first write: is everything as the plan expects it, and is nobody protected in it?

use std::collections::BTreeSet;

use super::{Command, Machine, State, World};
use crate::apply::live::{Live, Members};
use crate::apply::outcome::{Outcome, Trouble};
use crate::apply::write_down;
use crate::model::{AssignedBy, Licensed, UserId};
use crate::observe::observed::User;
use crate::plan::change::Action;

impl Machine {
    pub(super) fn first_look(&mut self, live: &Live, world: &World<'_>) -> Vec<Command> {
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

    pub(super) fn protected_member(&self, live: &Live, world: &World<'_>) -> Option<String> {
        let Live::Group(group, Members::Read(members)) = live else { return None };
        if self.job.action != Action::Toggle {
            return None;
        }
        let goes_off = |user: &&User| {
            let sources = user.sources(world.catalog);
            !sources.is_empty() && sources.iter().all(|one| one.by == AssignedBy::Group(group.id))
        };
        let mut going = members.iter().filter(goes_off);
        going.find(|user| self.job.protected.covers(user.id, &user.upn)).map(|user| user.upn.clone())
    }

    pub(super) fn send_off(&mut self, fresh: Vec<Licensed>, world: &World<'_>) -> Vec<Command> {
        self.state = State::TurningOff;
        let intent = write_down::off_intent(&self.job, &fresh, &self.facts.members, world.catalog);
        vec![Command::Record(intent), Command::TurnOff(fresh)]
    }
}

fn ids(members: BTreeSet<(UserId, String)>) -> BTreeSet<UserId> {
    members.into_iter().map(|(id, _)| id).collect()
}
