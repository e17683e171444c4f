//! Writes: which one leaves next, and what its answer means to its machine.

use super::super::event::Event as Tell;
use super::super::flight::Wrote;
use super::super::interrupt::Interrupt;
use super::super::look;
use super::super::machine::Event;
use super::super::outcome::Trouble;
use super::super::tools::Stopped;
use super::Driver;
use crate::graph::{Failure, NextWrite, NotWritten, Reader, Written};
use crate::model::{Catalog, Licensed, SignedDuration, SubjectId, Timestamp};
use crate::plan::change::Action;

/// How old the read may be that a write is made from. Forty writes at the quota take some two seconds.
const FRESH: SignedDuration = SignedDuration::from_secs(30);
/// The longest that writes stay away when Graph asks for it: twice its longest quota window (5 min,
/// GRAPH 8.1). What asks for more must not keep people off for as long as it likes.
const QUIET_MAX: SignedDuration = SignedDuration::from_mins(10);

/// A write that is wanted, from the lists of a fresh read.
pub(super) enum Write {
    On(Vec<Licensed>),
    Off(Vec<Licensed>),
}

impl<'a> Driver<'a> {
    /// Sends writes as long as one may leave, the most urgent first: back on, then enable, then off.
    pub(super) async fn send_writes(&mut self) {
        while self.tools.on.next_write() == NextWrite::Now {
            let Some((index, write, read_at)) = self.take_most_urgent() else { return };
            if self.tools.clock.now().duration_since(read_at) > FRESH {
                self.step(index, Event::Tick).await;
                continue;
            }
            if matches!(write, Write::Off(_)) && self.holds_off(index).is_some() {
                // It had to stay in line for too long: the look that follows has the last word.
                self.step(index, Event::Tick).await;
                continue;
            }
            match self.writing(index, write) {
                None => self.machines[index].leave(None),
                Some(write) => {
                    if let Some(landed) = self.flight.write(index, write) {
                        self.land(landed).await;
                    }
                }
            }
        }
    }

    fn take_most_urgent(&mut self) -> Option<(usize, Write, Timestamp)> {
        let urgency = |(index, write, _): &(usize, Write, Timestamp)| match write {
            Write::On(_) if self.machines[*index].holds_off() => 0,
            Write::On(_) => 1,
            Write::Off(_) => 2,
        };
        let at = (0..self.writes.len()).min_by_key(|at| urgency(&self.writes[*at]))?;
        Some(self.writes.remove(at))
    }

    /// One write to its end; none where nothing can be turned off.
    fn writing(&self, index: usize, write: Write) -> Option<impl Future<Output = Wrote> + use<'a>> {
        let machine = &self.machines[index];
        let (id, holds_off) = (machine.job().subject.id, machine.holds_off());
        let (on, off, catalog) = (self.tools.on, self.tools.off, self.tools.catalog);
        let (reader, interrupt) = (self.tools.reader, self.tools.interrupt);
        let off = match &write {
            Write::On(_) => None,
            Write::Off(_) => Some(off?),
        };
        Some(async move {
            let outcome = match (&write, off) {
                (Write::Off(fresh), Some(off)) => off.turn_off(id, fresh, catalog).await,
                (Write::On(fresh) | Write::Off(fresh), _) => on.turn_on(id, fresh, catalog).await,
            };
            let outcome = explained(outcome, id, reader, interrupt).await;
            let is_left_off = matches!(outcome, Err(NotWritten::Refused(_))) && off.is_none() && holds_off;
            let catalog = if is_left_off { licenses_now(reader, interrupt).await } else { None };
            Wrote { index, turns_off: off.is_some(), outcome, catalog }
        })
    }

    /// Waits for the writes that are on their way: what they did has to be written down.
    pub(super) async fn land_writes(&mut self) {
        while let Some(landed) = self.flight.next_write().await {
            self.land(landed).await;
        }
    }

    pub(super) async fn answered(
        &mut self,
        index: usize,
        outcome: Result<Written, NotWritten>,
        turns_off: bool,
        catalog: &Catalog,
    ) {
        let event = match outcome {
            Ok(Written { request_id, sent, .. }) => Event::Wrote { request_id, sent },
            Err(NotWritten::Busy { retry_after, failure }) => {
                let retry_after = self.told_to_stay_away(retry_after, &failure);
                Event::Busy { retry_after, trouble: look::trouble(&failure) }
            }
            Err(NotWritten::Refused(failure)) if failure.ends_the_run() && !turns_off => {
                let trouble = self.note(failure);
                return self.machines[index].leave(Some(trouble));
            }
            Err(NotWritten::Refused(failure)) => Event::Refused(self.note(failure)),
            Err(NotWritten::InDoubt(failure)) => {
                let retry_after = self.told_to_stay_away(failure.retry_after(), &failure);
                Event::InDoubt { retry_after, trouble: self.note(failure) }
            }
        };
        let accepted_on = matches!(event, Event::Wrote { .. }) && !turns_off;
        self.step_with(index, event, catalog).await;
        // One that changed nothing, or was never seen off, moves no date.
        let machine = &self.machines[index];
        if accepted_on && machine.job().action == Action::Toggle && machine.renews() {
            self.guard.came_back(index, self.tools.clock.now());
        }
    }

    /// How long Graph wants this subject left alone; told, so that nobody wonders.
    fn told_to_stay_away(&mut self, asked: Option<SignedDuration>, failure: &Failure) -> SignedDuration {
        let pause = asked.unwrap_or(SignedDuration::ZERO).min(QUIET_MAX);
        if !pause.is_zero() {
            self.tell(Tell::Throttled { pause, asked: failure.asked().to_owned() });
        }
        pause
    }

    /// The trouble that a failed write is to its machine; one that would meet every request ends the run.
    pub(super) fn note(&mut self, failure: Failure) -> Trouble {
        let trouble = look::trouble(&failure);
        if failure.ends_the_run() {
            self.stopped = Some(Stopped::Graph(failure));
        }
        trouble
    }
}

/// A refusal for want of permission, with what is known of the subject: it may be protected.
async fn explained(
    outcome: Result<Written, NotWritten>,
    id: SubjectId,
    reader: &Reader,
    interrupt: &Interrupt,
) -> Result<Written, NotWritten> {
    let denied = match outcome {
        Err(NotWritten::Refused(failure)) if failure.is_denied() => failure,
        other => return other,
    };
    let guarded = tokio::select! {
        biased;
        guarded = reader.guarded(id) => guarded,
        () = interrupt.set() => None,
    };
    Err(NotWritten::Refused(match guarded {
        Some(reason) => denied.because(reason),
        None => denied,
    }))
}

/// The tenant's licenses, read again: one may have been suspended since the plan was made, and then no on
/// can be done in it.
async fn licenses_now(reader: &Reader, interrupt: &Interrupt) -> Option<Catalog> {
    tokio::select! {
        biased;
        catalog = reader.catalog() => catalog.ok(),
        () = interrupt.set() => None,
    }
}
