//! What holds toggles back: the room under `maxOff`, the date of the first toggle, and the rollout. Asked
//! when a toggle is to start, and once more when its off is to be sent, because minutes may lie between.

use super::super::event::Event as Tell;
use super::super::machine::{Command, State, World};
use super::super::outcome::{Outcome, Trouble};
use super::super::rollout::Held;
use super::super::room::Room;
use super::Driver;
use crate::journal::record::Entry;
use crate::model::{SignedDuration, Timestamp};
use crate::plan::change::Action;
use crate::plan::rollout::need;

impl Driver<'_> {
    /// Whether the toggle that is next in line may start. One that never fits its times ends here, so that it is
    /// in nobody's way.
    pub(super) fn lets_start(&mut self, index: usize) -> bool {
        let job = self.machines[index].job();
        let (people, need, clock) = (job.people, need(job.wait, job.gate), self.tools.clock);
        match self.course.holds_start(people, need, clock.now(), clock.latest()) {
            Some(Held::Never) => {
                self.end_unstarted(index, &Held::Never);
                return true;
            }
            Some(Held::Until(opens)) => {
                self.opens = Some(opens);
                return false;
            }
            Some(Held::ForCanary | Held::Stopped(_)) => return false,
            None => {}
        }
        let may = self.room().fits(people) && self.guard.allows_toggles();
        if may {
            self.course.starts(index, people);
        }
        may
    }

    /// Why the off of a toggle that has started may not be sent now.
    pub(super) fn holds_off(&mut self, index: usize) -> Option<Held> {
        let (need, clock) = (self.need(index), self.tools.clock);
        self.course.holds_off(need, clock.now(), clock.latest())
    }

    fn need(&self, index: usize) -> SignedDuration {
        let job = self.machines[index].job();
        need(job.wait, job.gate)
    }

    /// The last word before an off is written down and sent: is it still in time, has nothing failed meanwhile,
    /// and is there room for everybody who goes off by the look that was just taken?
    pub(super) fn last_word(
        &mut self,
        index: usize,
        commands: Vec<Command>,
        world: &World<'_>,
    ) -> Vec<Command> {
        let turns_off = |command: &Command| matches!(command, Command::Record(Entry::OffIntent { .. }));
        if self.stopped.is_some() || !commands.iter().any(turns_off) {
            return commands;
        }
        let (outcome, trouble) = match self.holds_off(index) {
            Some(held) => held.end(&self.course),
            None if !self.room_beside(index).fits(self.machines[index].job().people) => {
                let message =
                    "it has more members than the plan says, and there is no room for them now; run again";
                (Outcome::Pending, Trouble::ours("no-room", message))
            }
            None => return commands,
        };
        self.machines[index].stay_on(outcome, trouble, world)
    }

    /// The room that the others leave who are off, or whose off is on its way.
    fn room_beside(&self, index: usize) -> Room {
        let others = self.live.iter().filter(|other| **other != index).map(|other| &self.machines[*other]);
        let off = others.filter(|other| other.holds_off() || other.state() == State::TurningOff);
        let off = off.filter(|other| other.job().action != Action::Enable || other.holds_off());
        Room {
            max_off: self.manner.max_off,
            off: off.map(|other| other.job().people).sum::<u64>() + self.left_off,
        }
    }

    /// Tells once that no further toggle starts.
    pub(super) fn tell_halt(&mut self, halts: bool) {
        if let Some(stop) = self.course.stop().filter(|_| halts).cloned() {
            self.tell(Tell::Halted { stop });
        }
    }

    /// When the first of the toggles may start that wait for their time and for nothing that this run knows of.
    pub(super) fn starts_at(&mut self) -> Option<Timestamp> {
        let waits =
            |end: &super::super::outcome::End| end.trouble.as_ref().is_some_and(|why| why.code == "not-now");
        let begun = self.machines[..self.next].iter().enumerate();
        let held = begun.filter(|(_, one)| one.end().is_some_and(waits)).map(|(index, _)| index);
        let mut waiting: Vec<usize> = held.collect();
        let is_toggle = |index: &usize| self.machines[*index].job().action == Action::Toggle;
        waiting.extend((self.next..self.machines.len()).next().filter(is_toggle));
        let clock = self.tools.clock;
        let mut opens = Vec::new();
        for index in waiting {
            let need = self.need(index);
            if let Some(Held::Until(at)) = self.course.holds_off(need, clock.now(), clock.latest()) {
                opens.push(at);
            }
        }
        opens.into_iter().min()
    }

    /// Toggles that did not start end as what held them back says: pending, or skipped where no run that comes
    /// back by itself should try them.
    pub(super) fn end_what_did_not_start(&mut self) {
        if self.stopped.is_some() || self.guard.failed().is_some() {
            return;
        }
        let clock = self.tools.clock;
        let (now, latest) = (clock.now(), clock.latest());
        for index in self.next..self.machines.len() {
            let job = self.machines[index].job();
            if job.action != Action::Toggle {
                continue;
            }
            let (people, need) = (job.people, need(job.wait, job.gate));
            if let Some(held) = self.course.holds_start(people, need, now, latest) {
                self.end_unstarted(index, &held);
            }
        }
    }

    fn end_unstarted(&mut self, index: usize, held: &Held) {
        let (outcome, trouble) = held.end(&self.course);
        let world = self.world(self.tools.catalog);
        self.machines[index].stay_on(outcome, trouble, &world);
    }
}
