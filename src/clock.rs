//! The clock: the system's, or a virtual one that moves when everything waits.
//!
//! The only caller of the system clock and the only place that sleeps. Virtual time ships in the
//! release binary (`--sandbox` lets an hour pass at once); it is not the runtime's test clock.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use crate::model::{SignedDuration, Timestamp};

/// What time it is, and how to wait. Clones share one clock.
#[derive(Clone)]
pub struct Clock(Kind);

#[derive(Clone)]
enum Kind {
    System,
    Virtual(Arc<Mutex<Virtual>>),
}

/// Virtual time and those who wait for it.
struct Virtual {
    now: Timestamp,
    sleepers: Vec<Sleeper>,
}

struct Sleeper {
    until: Timestamp,
    waker: Waker,
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Clock(Kind::System)
    }

    /// A clock that stands at `start` and moves only by [`Clock::drive`].
    pub fn starting_at(start: Timestamp) -> Self {
        Clock(Kind::Virtual(Arc::new(Mutex::new(Virtual { now: start, sleepers: Vec::new() }))))
    }

    /// Whether waits pass at once.
    pub fn is_virtual(&self) -> bool {
        matches!(self.0, Kind::Virtual(_))
    }

    /// The time now, UTC.
    #[expect(clippy::disallowed_methods, reason = "the clock is the home of the system clock")]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Kind::System => Timestamp::now(),
            Kind::Virtual(time) => lock(time).now,
        }
    }

    /// Waits until `deadline`; at once when it has passed.
    pub async fn sleep_until(&self, deadline: Timestamp) {
        match &self.0 {
            Kind::System => sleep_system(deadline).await,
            Kind::Virtual(time) => VirtualSleep { time, until: deadline }.await,
        }
    }

    /// Waits that long.
    pub async fn sleep(&self, duration: SignedDuration) {
        self.sleep_until(self.now().saturating_add(duration).unwrap_or(Timestamp::MAX)).await;
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
                let jumped = match &self.0 {
                    Kind::System => false,
                    Kind::Virtual(time) => lock(time).jump(),
                };
                if !jumped {
                    return Poll::Pending;
                }
            }
        })
        .await
    }
}

impl Virtual {
    /// Moves to the earliest deadline and wakes whoever it was for. False when nobody waits.
    fn jump(&mut self) -> bool {
        let Some(next) = self.sleepers.iter().map(|sleeper| sleeper.until).min() else {
            return false;
        };
        self.now = self.now.max(next);
        let now = self.now;
        for sleeper in self.sleepers.extract_if(.., |sleeper| sleeper.until <= now) {
            sleeper.waker.wake();
        }
        true
    }
}

/// A wait in virtual time; dropping it (an interrupt) leaves at most one stale wake-up behind.
struct VirtualSleep<'a> {
    time: &'a Mutex<Virtual>,
    until: Timestamp,
}

impl Future for VirtualSleep<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut time = lock(self.time);
        if time.now >= self.until {
            return Poll::Ready(());
        }
        time.sleepers.push(Sleeper { until: self.until, waker: context.waker().clone() });
        Poll::Pending
    }
}

/// Sleeps in slices, because a laptop that was asleep or a clock that was set wakes late otherwise.
#[expect(clippy::disallowed_methods, reason = "the clock is the home of sleeping")]
async fn sleep_system(deadline: Timestamp) {
    const SLICE: std::time::Duration = std::time::Duration::from_secs(5);
    loop {
        let left = deadline.duration_since(Timestamp::now());
        let Ok(left) = std::time::Duration::try_from(left) else { return };
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(SLICE)).await;
    }
}

/// A poisoned lock only means that another thread panicked; the time in it is still the time.
fn lock(time: &Mutex<Virtual>) -> MutexGuard<'_, Virtual> {
    time.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock() -> Clock {
        Clock::starting_at(Timestamp::UNIX_EPOCH)
    }

    #[tokio::test]
    async fn an_hour_passes_at_once() {
        let clock = clock();
        clock.drive(clock.sleep(SignedDuration::from_hours(1))).await;
        assert_eq!(clock.now().as_second(), 3600);
    }

    #[tokio::test]
    async fn time_jumps_to_the_earliest_of_several_deadlines() {
        let clock = clock();
        let order = Mutex::new(Vec::new());
        let wait = |seconds| {
            let (clock, order) = (clock.clone(), &order);
            async move {
                clock.sleep(SignedDuration::from_secs(seconds)).await;
                order.lock().expect("no panic").push((seconds, clock.now().as_second()));
            }
        };
        clock.drive(async { tokio::join!(wait(30), wait(10), wait(20)) }).await;
        assert_eq!(*order.lock().expect("no panic"), [(10, 10), (20, 20), (30, 30)]);
    }

    #[tokio::test]
    async fn a_deadline_that_has_passed_does_not_turn_time_back() {
        let clock = clock();
        clock.drive(clock.sleep(SignedDuration::from_secs(60))).await;
        clock.drive(clock.sleep_until(Timestamp::UNIX_EPOCH)).await;
        assert_eq!(clock.now().as_second(), 60);
    }
}
