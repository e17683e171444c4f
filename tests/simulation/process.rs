//! One process of advaudit in the simulation: it can be killed at any step, together with the machine
//! or alone, and knows only its own clock.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use super::chance::Chance;

/// A process, as the disk and the network see it.
pub struct Process {
    /// Tells processes apart.
    pub number: u64,
    /// Whether it is one of `heal`, which must not be able to turn off.
    pub heals: bool,
    /// After how many steps it is killed.
    fuse: Cell<Option<u64>>,
    /// Draws what happens to it.
    pub chance: RefCell<Chance>,
    /// Requests it has sent.
    pub requests: Cell<u64>,
}

/// What unwinds a process that is killed.
struct Killed;

/// How a process ended.
pub enum Death<T> {
    /// By itself.
    Natural(T),
    /// Killed in the middle.
    Kill,
}

impl Process {
    pub fn new(number: u64, heals: bool, fuse: Option<u64>, chance: Chance) -> Process {
        let (fuse, chance) = (Cell::new(fuse), RefCell::new(chance));
        Process { number, heals, fuse, chance, requests: Cell::new(0) }
    }

    /// A step of the process, before or after something that outlives it. Killed here, it does not return.
    pub fn step(&self) {
        if self.burns() {
            self.die();
        }
    }

    /// Counts a step: true when it is the last.
    pub fn burns(&self) -> bool {
        let left = self.fuse.get();
        self.fuse.set(left.map(|left| left.saturating_sub(1)));
        left == Some(0)
    }

    /// Kills it now. No message is printed and no panic hook asked.
    pub fn die(&self) -> ! {
        resume_unwind(Box::new(Killed))
    }

    pub fn percent(&self, share: u64) -> bool {
        self.chance.borrow_mut().percent(share)
    }
}

/// A future that can be killed from inside.
pub struct Mortal<F>(pub Pin<Box<F>>);

impl<F: Future> Future for Mortal<F> {
    type Output = Death<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let own = &mut self.0;
        match catch_unwind(AssertUnwindSafe(|| own.as_mut().poll(context))) {
            Ok(Poll::Ready(output)) => Poll::Ready(Death::Natural(output)),
            Ok(Poll::Pending) => Poll::Pending,
            Err(cause) if cause.is::<Killed>() => Poll::Ready(Death::Kill),
            Err(cause) => resume_unwind(cause),
        }
    }
}
