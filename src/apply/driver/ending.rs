//! Ends: of one subject, of whoever is left for the next run, and of the whole.

use super::super::event::Event as Tell;
use super::super::machine::Machine;
use super::super::outcome::{Outcome, Trouble};
use super::{Done, Driver};
use crate::plan::change::Action;

impl Driver<'_> {
    /// Takes a machine that has ended off the lists. A look or a wake-up that it asked for is void.
    pub(super) fn tell_end(&mut self, index: usize) {
        let machine = &self.machines[index];
        let Some(end) = machine.end().filter(|_| self.live.contains(&index)) else { return };
        let (subject, end) = (machine.job().subject.clone(), end.clone());
        let (people, is_toggle) = (machine.job().people, machine.job().action != Action::Enable);
        let (is_off, was_off) = (machine.holds_off(), machine.renews());
        if is_off {
            self.left_off += people;
        }
        self.live.remove(&index);
        self.reads.remove(&index);
        self.wakes.remove(&index);
        let is_told = is_toggle && !(is_off && end.outcome == Outcome::Pending);
        let was_halted = self.course.stop().is_some();
        if is_told && !self.machines[index].broken().is_empty() {
            self.course.left_in_error(index, &subject);
        }
        if is_told {
            self.course.ends(index, (&subject, people), end.outcome, was_off);
        }
        let halts = !was_halted && self.course.stop().is_some();
        self.tell(Tell::Ended { subject, end });
        self.tell_halt(halts);
    }

    /// Whoever was begun with and has no end: the next run goes on with them.
    pub(super) fn tell_left(&mut self) {
        let left = self.live.iter().map(|index| &self.machines[*index]);
        let left: Vec<Tell> = left
            .map(|machine| Tell::Left { subject: machine.job().subject.clone(), due: machine.due() })
            .collect();
        left.into_iter().for_each(|event| self.tell(event));
    }

    pub(super) fn finish(mut self) -> Done {
        let waits = "it waits for its turn or its time; run again to continue";
        let subject = |index: usize| self.machines[index].job().subject.clone();
        let date_does_not_move = self.guard.failed().filter(|_| self.holds_back()).map(subject);
        let halted = self.course.stop().filter(|_| self.holds_back()).cloned();
        let starts_at = self.starts_at();
        self.end_what_did_not_start();
        let leave = |mut machine: Machine| {
            let off = machine.holds_off().then(|| match machine.due() {
                Some(due) => {
                    format!("it is off because of us, and turned on when due, at {due:.0}; run again then")
                }
                None => "it is off because of us; run again soon, to see how far it is".to_owned(),
            });
            let why = off.unwrap_or_else(|| waits.to_owned());
            machine.leave(Some(Trouble::ours(Outcome::Pending.as_str(), why)));
            machine
        };
        let machines = self.machines.into_iter().map(leave).collect();
        Done { machines, stopped: self.stopped, date_does_not_move, halted, starts_at }
    }
}
