//! A machine as the clock needs it: ticks that never go back, a wall clock that may be wrong, and sleep.
//! The only caller of the system's clock.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::lock;
use super::virtual_time::{Virtual, VirtualSleep};
use crate::model::{SignedDuration, Timestamp};

/// Where ticks, the wall clock and sleep come from.
pub(super) struct Machine {
    ticks: Ticks,
    /// By how much the wall clock is wrong on purpose; nothing but for a simulated machine.
    wall_offset: Mutex<SignedDuration>,
}

#[derive(Clone)]
pub(super) enum Ticks {
    /// This machine's. They stand still while it sleeps, on most systems.
    System { start: Instant },
    /// Those of virtual time.
    Virtual(Arc<Mutex<Virtual>>),
}

impl Machine {
    /// This machine.
    #[expect(clippy::disallowed_methods, reason = "the clock is the home of the system clock")]
    pub fn this() -> Machine {
        Machine::with(Ticks::System { start: Instant::now() }, SignedDuration::ZERO)
    }

    /// A machine with these ticks and a wall clock that is wrong by so much.
    pub fn with(ticks: Ticks, wall_offset: SignedDuration) -> Machine {
        Machine { ticks, wall_offset: Mutex::new(wall_offset) }
    }

    /// Where its ticks come from, for another machine.
    pub fn source(&self) -> Ticks {
        self.ticks.clone()
    }

    /// Virtual time, where it is that.
    pub fn virtual_time(&self) -> Option<&Mutex<Virtual>> {
        match &self.ticks {
            Ticks::System { .. } => None,
            Ticks::Virtual(time) => Some(time),
        }
    }

    /// How much time has passed, from some moment on.
    pub fn ticks(&self) -> SignedDuration {
        match &self.ticks {
            Ticks::System { start } => {
                SignedDuration::try_from(start.elapsed()).unwrap_or(SignedDuration::MAX)
            }
            Ticks::Virtual(time) => lock(time).now().as_duration(),
        }
    }

    /// What its wall clock shows.
    #[expect(clippy::disallowed_methods, reason = "the clock is the home of the system clock")]
    pub fn wall(&self) -> Timestamp {
        let right = match &self.ticks {
            Ticks::System { .. } => Timestamp::now(),
            Ticks::Virtual(time) => lock(time).now(),
        };
        right.saturating_add(*lock(&self.wall_offset)).unwrap_or(Timestamp::MAX)
    }

    /// Sets the wall clock; only how wrong it is can be said.
    pub fn set_wall_offset(&self, offset: SignedDuration) {
        *lock(&self.wall_offset) = offset;
    }

    /// Lets so much time pass.
    #[expect(clippy::disallowed_methods, reason = "the clock is the home of sleeping")]
    pub async fn sleep(&self, duration: SignedDuration) {
        match &self.ticks {
            Ticks::System { .. } => {
                tokio::time::sleep(Duration::try_from(duration).unwrap_or_default()).await
            }
            Ticks::Virtual(time) => {
                let until = lock(time).now().saturating_add(duration).unwrap_or(Timestamp::MAX);
                VirtualSleep { time, until }.await;
            }
        }
    }
}
