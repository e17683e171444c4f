//! Looks: at the subjects whose time has come, and at the date of the first toggle.

use super::super::date_guard;
use super::super::event::Event as Tell;
use super::super::look::{self, Wanted};
use super::super::machine::State;
use super::{Driver, LOOKS_AT_ONCE};
use crate::model::Timestamp;

/// Parts of one batch of reads.
const BATCH: usize = 20;

impl Driver<'_> {
    /// Sends the looks whose time has come, those before an on first; and one at the date of the first
    /// toggle, which keeps a lost journal from toggling for ever.
    pub(super) fn send_looks(&mut self) {
        let now = self.tools.clock.now();
        let (reader, catalog) = (self.tools.reader, self.tools.catalog);
        while self.flight.looks() < LOOKS_AT_ONCE
            && let Some(indices) = self.next_looks(now)
        {
            let wanted = indices.iter().filter_map(|index| {
                let (_, members) = self.reads.remove(index)?;
                Some(Wanted { id: self.machines[*index].job().subject.id, members })
            });
            let wanted: Vec<Wanted> = wanted.collect();
            self.flight.look(indices, async move { look::look(reader, &wanted, catalog).await });
        }
        let wants_date =
            self.waits_for_date() && self.guard.wants_a_look(now) && !self.flight.looks_at_date();
        if let Some(index) = self.guard.whose().filter(|_| wants_date) {
            let machine = &self.machines[index];
            let (job, members) = (machine.job().clone(), machine.members_before().collect::<Vec<_>>());
            self.flight
                .look_at_date(async move { date_guard::has_moved(reader, &job, &members, catalog).await });
        }
    }

    fn next_looks(&self, now: Timestamp) -> Option<Vec<usize>> {
        let due = self.reads.iter().filter(|(_, (at, _))| *at <= now);
        let mut due: Vec<usize> = due.map(|(index, _)| *index).collect();
        let turns_on = |index: usize| matches!(self.machines[index].state(), State::BeforeOn { .. });
        due.sort_by_key(|index| !turns_on(*index));
        due.truncate(BATCH);
        (!due.is_empty()).then_some(due)
    }

    pub(super) fn date_was_looked_at(&mut self, moved: bool) {
        let now = self.tools.clock.now();
        if let Some(index) = self.guard.whose().filter(|_| self.guard.looked(moved, now)) {
            let subject = self.machines[index].job().subject.clone();
            self.tell(Tell::DateDoesNotMove { subject });
        }
    }
}
