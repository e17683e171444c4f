//! The quota governor: everything that is asked of one tenant passes here, so that it lives within the
//! tenant's quotas instead of running into them (GRAPH 8). It decides *when* something may leave, never
//! what.
//!
//! Three things hold something back: resource units, writes (a [`Quota`] each), and how many writes are in
//! flight at once (a [`Window`]). All three start from what is published, or carefully where nothing is,
//! and learn from each answer: `x-ms-resource-unit`, `x-ms-throttle-limit-percentage`, `Retry-After` of a
//! request or of a part of a batch, and `Directory_ConcurrencyViolation`.
//!
//! Who comes first is not decided here: whoever has several things to send asks [`Governor::next_write`]
//! and sends the most urgent.

mod heard;
mod quota;
mod window;

use std::cell::RefCell;
use std::rc::Rc;

use http::{HeaderMap, StatusCode};
use tokio::sync::Notify;

use self::heard::{Scope, used_share};
use self::quota::{Published, Quota};
use self::window::{Left, Window};
use super::error::Failure;
use super::headers::{header, retry_after};
use super::throttle::PATIENCE;
use crate::clock::Clock;
use crate::model::{SignedDuration, Timestamp};

/// Resource units of an application in one tenant (GRAPH 8.1): 3,500 in 10 s for a small tenant, 8,000
/// for a large one. Which it is shows when nothing is refused. It grows by 6 % in 3,000 units: a refusal
/// can be of a whole batch.
const UNITS: Published =
    Published { rate: 350.0, rate_max: 800.0, rate_min: 10.0, raised: 0.00002, burst_seconds: 0.2 };

/// Writes of an application in one tenant: 3,000 in 150 s (GRAPH 8.1), less a fiftieth, because two clocks
/// never run alike. Hardly any burst: what leaves evenly is what hits no window. It grows by 6 % in 300.
const WRITES: Published =
    Published { rate: 19.6, rate_max: 19.6, rate_min: 1.0, raised: 0.0002, burst_seconds: 0.1 };

/// How long writers stay away when Graph names no time.
const UNNAMED: SignedDuration = SignedDuration::from_secs(2);

/// When the next write may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextWrite {
    /// Now.
    Now,
    /// Not before that; the time of the client's clock.
    At(Timestamp),
    /// When one that is in flight is over.
    AfterAnother,
}

/// What a request takes of the quotas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Load {
    /// Resource units, as they are published (GRAPH 8.2); of a batch, those of its parts.
    pub units: u32,
    /// Whether it changes something.
    pub is_write: bool,
}

/// Lets requests to one tenant leave, one after the other or side by side, as the quotas allow.
pub(super) struct Governor {
    clock: Clock,
    state: RefCell<State>,
    write_over: Notify,
}

struct State {
    units: Quota,
    writes: Quota,
    window: Window,
    /// Writes that are wanted and have not left: they wait for a token, or for their turn.
    announced: u32,
    /// Asked to stay away for longer than any read waits: until when, and by which answer.
    away: Option<(SignedDuration, Failure)>,
}

/// A request that left. Dropped when it is over, also when nobody waits for its answer any more.
pub(super) struct Ticket {
    governor: Rc<Governor>,
    load: Load,
    left: Option<Left>,
}

/// A request that is wanted and has not left.
pub(super) struct Announced<'a> {
    governor: &'a Governor,
    load: Load,
}

impl Governor {
    pub fn new(clock: Clock) -> Rc<Self> {
        let now = clock.ticks();
        let state = State {
            units: Quota::new(UNITS, now),
            writes: Quota::new(WRITES, now),
            window: Window::new(),
            announced: 0,
            away: None,
        };
        Rc::new(Governor { clock, state: RefCell::new(state), write_over: Notify::new() })
    }

    /// A write is wanted. Until this is dropped no other one is let go: whoever has several chooses the
    /// most urgent when one can really leave.
    pub fn announce(&self, load: Load) -> Announced<'_> {
        self.state.borrow_mut().announced += u32::from(load.is_write);
        Announced { governor: self, load }
    }

    /// When the next write may leave.
    pub fn next_write(&self) -> NextWrite {
        if self.state.borrow().announced > 0 {
            return NextWrite::AfterAnother;
        }
        let wait = self.state.borrow_mut().wait(Load { units: 1, is_write: true }, self.clock.ticks());
        match wait {
            Some(wait) if wait.is_positive() => {
                NextWrite::At(self.clock.now().saturating_add(wait).unwrap_or(Timestamp::MAX))
            }
            Some(_) => NextWrite::Now,
            None => NextWrite::AfterAnother,
        }
    }

    /// Waits until a request may leave, and lets it. A read fails at once where Graph asked to stay away
    /// for longer than any read is waited for.
    pub async fn let_leave(self: &Rc<Self>, load: Load) -> Result<Ticket, Failure> {
        loop {
            let now = self.clock.ticks();
            if !load.is_write
                && let Some(failure) = self.state.borrow().away_for_too_long(now)
            {
                return Err(failure);
            }
            let wait = self.state.borrow_mut().wait(load, now);
            match wait {
                Some(wait) if wait.is_positive() => self.clock.sleep(wait).await,
                Some(_) => break,
                None => self.write_over.notified().await,
            }
        }
        let left = self.state.borrow_mut().leave(load, self.clock.ticks());
        Ok(Ticket { governor: self.clone(), load, left })
    }

    /// What one part of a batch says, which may be refused while the others of it are not.
    pub fn part_answered(&self, status: StatusCode, headers: &HeaderMap) {
        let (mut state, now) = (self.state.borrow_mut(), self.clock.ticks());
        if let Some(share) = used_share(headers) {
            state.units.used_up(share, now);
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            state.units.taken(-1.0);
            state.refused(headers, false, &self.clock, now);
        }
    }
}

impl Ticket {
    /// An answer came.
    pub fn answered(&self, status: StatusCode, headers: &HeaderMap) {
        let governor = &self.governor;
        let (mut state, now) = (governor.state.borrow_mut(), governor.clock.ticks());
        let units = f64::from(self.load.units);
        if let Some(real) = header(headers, "x-ms-resource-unit").and_then(|text| text.parse::<u32>().ok()) {
            state.units.leave(f64::from(real.min(UNITS_MAX)) - units, now);
        }
        let share = used_share(headers).unwrap_or(0.0);
        let own = if self.load.is_write { &mut state.writes } else { &mut state.units };
        own.used_up(share, now);
        if status == StatusCode::TOO_MANY_REQUESTS {
            return state.refused(headers, self.load.is_write, &governor.clock, now);
        }
        state.units.taken(units);
        if self.load.is_write {
            state.writes.taken(1.0);
        }
    }

    /// What the answer was, once it was read.
    pub fn judged(&self, failure: Option<&Failure>) {
        let mut state = self.governor.state.borrow_mut();
        match (failure, self.left) {
            (Some(failure), Some(left)) if failure.is_concurrency() => state.window.met_another(left),
            (None, Some(_)) => state.window.went_well(),
            (Some(failure @ Failure::Throttled(_)), None) => {
                let away = failure.retry_after().filter(|away| *away > PATIENCE);
                let until = away.map(|away| self.governor.clock.ticks().saturating_add(away));
                state.away = until.map(|until| (until, failure.clone()));
            }
            (Some(_), _) | (None, None) => {}
        }
    }
}

impl Drop for Announced<'_> {
    fn drop(&mut self) {
        self.governor.state.borrow_mut().announced -= u32::from(self.load.is_write);
    }
}

/// No request is charged more; a header that says so is none of Graph's.
const UNITS_MAX: u32 = 1_000;

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.left.is_some() {
            self.governor.state.borrow_mut().window.end();
            self.governor.write_over.notify_one();
        }
    }
}

impl State {
    /// How long until that may leave; none when something has to end first.
    fn wait(&mut self, load: Load, now: SignedDuration) -> Option<SignedDuration> {
        let units = self.units.wait(f64::from(load.units), now);
        if !load.is_write {
            return Some(units);
        }
        self.window.is_open().then(|| units.max(self.writes.wait(1.0, now)))
    }

    fn leave(&mut self, load: Load, now: SignedDuration) -> Option<Left> {
        self.units.leave(f64::from(load.units), now);
        load.is_write.then(|| {
            self.writes.leave(1.0, now);
            self.window.leave()
        })
    }

    /// 429: what it was about stays away.
    fn refused(&mut self, headers: &HeaderMap, is_write: bool, clock: &Clock, now: SignedDuration) {
        let away = retry_after(headers, clock.now()).filter(|away| away.is_positive()).unwrap_or(UNNAMED);
        // Longer is not believed of what may keep people off: see `PATIENCE`.
        let away = away.min(PATIENCE);
        match Scope::of(headers, is_write) {
            Scope::Writes => self.writes.refused(away, now),
            Scope::Reads => self.units.refused(away, now),
            Scope::Both => {
                let own = if is_write {
                    (&mut self.writes, &mut self.units)
                } else {
                    (&mut self.units, &mut self.writes)
                };
                own.0.refused(away, now);
                own.1.stay_away(away, now);
            }
        }
    }

    fn away_for_too_long(&self, now: SignedDuration) -> Option<Failure> {
        let (until, failure) = self.away.as_ref()?;
        (until.saturating_sub(now) > PATIENCE).then(|| failure.clone())
    }
}

#[cfg(test)]
mod tests;
