//! Virtual time: it stands, and jumps to the next deadline when everything waits.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use super::lock;
use crate::model::Timestamp;

/// Virtual time and those who wait for it.
pub(super) struct Virtual {
    now: Timestamp,
    sleepers: Vec<Sleeper>,
}

struct Sleeper {
    until: Timestamp,
    waker: Waker,
}

impl Virtual {
    /// Time that stands at `start`.
    pub fn starting_at(start: Timestamp) -> Arc<Mutex<Virtual>> {
        Arc::new(Mutex::new(Virtual { now: start, sleepers: Vec::new() }))
    }

    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Moves to the earliest deadline and wakes whoever it was for. False when nobody waits.
    pub fn jump(&mut self) -> bool {
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
pub(super) struct VirtualSleep<'a> {
    pub time: &'a Mutex<Virtual>,
    pub until: Timestamp,
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
