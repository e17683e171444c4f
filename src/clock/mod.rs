//! The clock: Graph's, reckoned over the ticks of this machine, or a virtual one that moves when
//! everything waits.
//!
//! Deadlines are stored in Graph's time (DESIGN 9), because they outlive the machine that set them and
//! because Graph's dates are compared with them. What a machine's own wall clock shows is only the first
//! guess, and a finding when it is wrong.
//!
//! The only caller of the system clock and the only place that sleeps. Virtual time ships in the
//! release binary (`--sandbox` lets an hour pass at once); it is not the runtime's test clock.

mod machine;
mod reckoning;
#[cfg(test)]
mod tests;
mod virtual_time;

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;

use machine::{Machine, Ticks};
use reckoning::{Reckoning, Sample};
use virtual_time::{Virtual, VirtualSleep};

use crate::model::{SignedDuration, Timestamp};

/// The longest sleep without a look at the clock: an answer meanwhile may have moved it, and the machine
/// may have slept.
const SLICE: SignedDuration = SignedDuration::from_secs(5);
/// The wall clock has gone so much further than the ticks: the machine seems to have slept, or somebody
/// set its clock.
const SLEPT: SignedDuration = SignedDuration::from_secs(30);

/// What time it is, and how to wait. Clones share one clock.
#[derive(Clone)]
pub struct Clock(Kind);

#[derive(Clone)]
enum Kind {
    /// Graph's time, as far as it was heard; the machine's before.
    Reckoned(Arc<Reckoned>),
    /// Exact by itself.
    Virtual(Arc<Mutex<Virtual>>),
}

/// Graph's time over the ticks of a machine.
struct Reckoned {
    machine: Machine,
    heard: Mutex<Heard>,
}

#[derive(Default)]
struct Heard {
    reckoning: Reckoning,
    /// How far the wall clock was ahead of the ticks at the last answer.
    wall_ahead: Option<SignedDuration>,
}

impl Clock {
    /// The machine's clock, and Graph's from the first answer on.
    pub fn system() -> Self {
        Clock::over(Machine::this())
    }

    /// A clock that stands at `start` and moves only by [`Clock::drive`].
    pub fn starting_at(start: Timestamp) -> Self {
        Clock(Kind::Virtual(Virtual::starting_at(start)))
    }

    /// The clock of a simulated machine, which shares time and its passing with `clock` and knows
    /// neither: its wall clock is wrong by `wall_offset`, and what Graph's clock shows it learns from
    /// answers, as [`Clock::system`] does.
    pub fn machine_of(clock: &Clock, wall_offset: SignedDuration) -> Self {
        let ticks = match &clock.0 {
            Kind::Reckoned(own) => own.machine.source(),
            Kind::Virtual(time) => Ticks::Virtual(Arc::clone(time)),
        };
        Clock::over(Machine::with(ticks, wall_offset))
    }

    fn over(machine: Machine) -> Self {
        Clock(Kind::Reckoned(Arc::new(Reckoned { machine, heard: Mutex::default() })))
    }

    /// Sets the wall clock of a [`Clock::machine_of`] as somebody might in the middle of a run. An exact
    /// virtual clock has none.
    pub fn set_wall_offset(&self, offset: SignedDuration) {
        match &self.0 {
            Kind::Reckoned(own) => own.machine.set_wall_offset(offset),
            Kind::Virtual(_) => {}
        }
    }

    /// Whether waits pass at once.
    pub fn is_virtual(&self) -> bool {
        self.virtual_time().is_some()
    }

    /// The time now, UTC: Graph's clock shows at least this. Whether something is due is asked of it.
    /// It never goes back, from the first answer of Graph on.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Kind::Reckoned(own) => own.now(),
            Kind::Virtual(time) => lock(time).now(),
        }
    }

    /// Graph's clock shows at most this. What has just happened there, happened no later.
    pub fn latest(&self) -> Timestamp {
        match &self.0 {
            Kind::Reckoned(own) => own.latest(),
            Kind::Virtual(time) => lock(time).now(),
        }
    }

    /// Time that has passed, from some moment on: for what is no business of Graph's.
    pub fn ticks(&self) -> SignedDuration {
        match &self.0 {
            Kind::Reckoned(own) => own.machine.ticks(),
            Kind::Virtual(time) => lock(time).now().as_duration(),
        }
    }

    /// Takes in the `Date` of an answer that has just come, to a request that was sent at those ticks.
    /// False when it is so far from what was expected that the next answer has to decide.
    pub fn heard(&self, sent: SignedDuration, date: Timestamp) -> bool {
        match &self.0 {
            Kind::Reckoned(own) => own.heard(sent, date),
            Kind::Virtual(_) => true,
        }
    }

    /// By how much the machine's wall clock is ahead of Graph's. None before Graph was heard, and where
    /// there is only one clock.
    pub fn skew(&self) -> Option<SignedDuration> {
        match &self.0 {
            Kind::Reckoned(own) => own.skew(),
            Kind::Virtual(_) => None,
        }
    }

    /// Whether the machine seems to have slept since the last answer of Graph. Then only another answer
    /// tells the time: ticks do not count sleep, and the wall clock is not believed.
    pub fn seems_to_have_slept(&self) -> bool {
        match &self.0 {
            Kind::Reckoned(own) => own.seems_to_have_slept(),
            Kind::Virtual(_) => false,
        }
    }

    /// Waits until `deadline`, at once when it has passed; or until the machine seems to have slept.
    pub async fn sleep_until(&self, deadline: Timestamp) {
        match &self.0 {
            Kind::Reckoned(own) => own.sleep_until(deadline).await,
            Kind::Virtual(time) => VirtualSleep { time, until: deadline }.await,
        }
    }

    /// Waits that long, whatever any clock shows meanwhile.
    pub async fn sleep(&self, duration: SignedDuration) {
        match &self.0 {
            Kind::Reckoned(own) => own.machine.sleep(duration).await,
            Kind::Virtual(_) => {
                self.sleep_until(self.now().saturating_add(duration).unwrap_or(Timestamp::MAX)).await
            }
        }
    }

    /// Runs a future to its end. Under virtual time, whenever the future waits, time jumps to the
    /// next deadline, so nothing that answers from outside this process may be waited for inside.
    pub async fn drive<F: Future>(&self, future: F) -> F::Output {
        let mut future = std::pin::pin!(future);
        std::future::poll_fn(|context| {
            loop {
                if let Poll::Ready(output) = future.as_mut().poll(context) {
                    return Poll::Ready(output);
                }
                if !self.virtual_time().is_some_and(|time| lock(time).jump()) {
                    return Poll::Pending;
                }
            }
        })
        .await
    }

    fn virtual_time(&self) -> Option<&Mutex<Virtual>> {
        match &self.0 {
            Kind::Reckoned(own) => own.machine.virtual_time(),
            Kind::Virtual(time) => Some(time),
        }
    }
}

impl Reckoned {
    fn now(&self) -> Timestamp {
        let mut heard = lock(&self.heard);
        let now = heard.reckoning.now(self.machine.ticks());
        now.unwrap_or_else(|| self.machine.wall())
    }

    fn latest(&self) -> Timestamp {
        let mut heard = lock(&self.heard);
        let latest = heard.reckoning.latest(self.machine.ticks());
        latest.unwrap_or_else(|| self.machine.wall())
    }

    fn heard(&self, sent: SignedDuration, date: Timestamp) -> bool {
        let (received, wall) = (self.machine.ticks(), self.machine.wall());
        let mut heard = lock(&self.heard);
        heard.wall_ahead = Some(wall.as_duration().saturating_sub(received));
        heard.reckoning.hear(Sample { sent, received, date }, wall)
    }

    fn skew(&self) -> Option<SignedDuration> {
        let graph = lock(&self.heard).reckoning.middle(self.machine.ticks())?;
        Some(self.machine.wall().duration_since(graph))
    }

    fn seems_to_have_slept(&self) -> bool {
        let ahead = self.machine.wall().as_duration().saturating_sub(self.machine.ticks());
        lock(&self.heard).wall_ahead.is_some_and(|before| ahead.saturating_sub(before) > SLEPT)
    }

    /// In slices, because an answer meanwhile may move the clock.
    async fn sleep_until(&self, deadline: Timestamp) {
        loop {
            let left = deadline.duration_since(self.now());
            if !left.is_positive() {
                return;
            }
            self.machine.sleep(left.min(SLICE)).await;
            if self.seems_to_have_slept() {
                return;
            }
        }
    }
}

/// A poisoned lock only means that another thread panicked; the time in it is still the time.
fn lock<T>(time: &Mutex<T>) -> MutexGuard<'_, T> {
    time.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
