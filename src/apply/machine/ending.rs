//! How it ends: closed, or left open in the journal for the next run.

use super::facts::Oddity;
use super::{Command, Machine, State, World, pause};
use crate::apply::live::Live;
use crate::apply::outcome::{End, Outcome, Trouble};
use crate::apply::write_down;
use crate::graph::{Direction, edited};
use crate::model::Licensed;
use crate::plan::change::Action;
use crate::plan::running::Phase;

impl Machine {
    /// It is on.
    pub(super) fn finish(&mut self) -> Vec<Command> {
        let planned = match self.job.action {
            Action::Enable => Outcome::Enabled,
            Action::Toggle => Outcome::Toggled,
            Action::Resume => Outcome::Resumed,
        };
        let end = self.facts.instead.take().unwrap_or(End { outcome: planned, trouble: None });
        self.close(end.outcome, end.trouble)
    }

    /// The licenses, or the subject itself, are not there any more.
    pub(super) fn nothing_left(&mut self, live: &Live, world: &World<'_>) -> Vec<Command> {
        if self.is_doubtful(Oddity::Missing, world) {
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
            self.closed = true;
            self.end_with(End { outcome, trouble });
            return Vec::new();
        }
        self.close(outcome, trouble)
    }

    /// The journal knows already that it is gone; it was only looked for again.
    pub(super) fn was_gone_already(&self) -> bool {
        self.job.resumes.as_ref().is_some_and(|own| matches!(own.phase, Phase::Gone { .. }))
    }

    pub(super) fn unreadable(&mut self, trouble: Trouble, world: &World<'_>) -> Vec<Command> {
        if !self.holds_off() && self.facts.on_at.is_none() {
            return self.close(Outcome::Failed, Some(trouble));
        }
        self.facts.misses += 1;
        if self.facts.misses > self.patience_in_tries() {
            return self.stop_trying(Outcome::Failed, trouble);
        }
        vec![self.read_after(pause(self.facts.misses), world)]
    }

    /// Ends it for this run. Whoever is off because of us stays open in the journal.
    pub(super) fn stop_trying(&mut self, outcome: Outcome, trouble: Trouble) -> Vec<Command> {
        if self.holds_off() {
            self.end_with(End { outcome, trouble: Some(trouble) });
            return Vec::new();
        }
        self.close(outcome, Some(trouble))
    }

    pub(super) fn close(&mut self, outcome: Outcome, trouble: Option<Trouble>) -> Vec<Command> {
        let end = End { outcome, trouble };
        let record = Command::Record(write_down::closed(&self.job, &end));
        self.closed = true;
        self.end_with(end);
        vec![record]
    }

    fn end_with(&mut self, end: End) {
        self.state = State::Ended;
        self.end = Some(end);
    }

    /// Reads back and compares (P1): what other people changed meanwhile is told, not undone. Service
    /// plans that the tenant no longer lists could not be sent, so they are no difference.
    pub(super) fn compare_lists(&mut self, live: &Live, world: &World<'_>) {
        let lists = live.lists(&self.job.skus);
        let differs = |sent: &Licensed| {
            let found = lists.iter().find(|now| now.sku == sent.sku);
            found.is_some_and(|now| {
                let known = world.catalog.get(sent.sku);
                let mut ids = now.disabled.symmetric_difference(&sent.disabled);
                ids.any(|id| known.is_none_or(|license| license.plans.contains_key(id)))
            })
        };
        if self.facts.sent.iter().any(differs) {
            self.tell("other service plans of the license changed while it was written".into());
        }
    }

    /// Service plans that were turned off and cannot be written as such any more (P1).
    pub(super) fn tell_left_out(&mut self, fresh: &[Licensed], direction: Direction, world: &World<'_>) {
        for left_out in edited(fresh, direction, world.catalog).1 {
            let license = world.catalog.name(left_out.sku);
            let plan = left_out.plan;
            self.tell(format!(
                "the tenant no longer lists service plan {plan} in {license}: it was left out"
            ));
        }
    }

    fn tell(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}
