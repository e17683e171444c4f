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
    fuse: Fuse,
    /// Draws what happens to it.
    pub chance: RefCell<Chance>,
    /// Requests it has sent.
    pub requests: Cell<u64>,
}

/// When a process is killed.
#[derive(Default)]
pub struct Fuse {
    /// After that many steps.
    steps: Cell<Option<u64>>,
    /// After that many writes, before their answer comes.
    writes: Cell<Option<u64>>,
}

impl Fuse {
    /// Somewhere, in the worst moment, or never.
    pub fn by(chance: &mut Chance) -> Fuse {
        let (steps, writes) = match chance.between(0, 9) {
            0..=3 => (Some(chance.between(0, 160)), None),
            4..=6 => (None, Some(chance.between(0, 3))),
            _ => (None, None),
        };
        Fuse { steps: Cell::new(steps), writes: Cell::new(writes) }
    }
}

/// One step less; true when it was the last.
fn burns(left: &Cell<Option<u64>>) -> bool {
    let was = left.get();
    left.set(was.map(|was| was.saturating_sub(1)));
    was == Some(0)
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
    pub fn new(number: u64, heals: bool, fuse: Fuse, chance: Chance) -> Process {
        Process { number, heals, fuse, chance: RefCell::new(chance), requests: Cell::new(0) }
    }

    /// A step of the process, before or after something that outlives it. Killed here, it does not return.
    pub fn step(&self) {
        if self.burns() {
            self.die();
        }
    }

    /// Counts a step: true when it is the last.
    pub fn burns(&self) -> bool {
        burns(&self.fuse.steps)
    }

    /// A write was done, and its answer is on its way.
    pub fn wrote(&self) {
        if burns(&self.fuse.writes) {
            self.die();
        }
    }

    /// Kills it now. No message is printed and no panic hook asked.
    pub fn die(&self) -> ! {
        resume_unwind(Box::new(Killed))
    }

    pub fn per_mille(&self, share: u64) -> bool {
        self.chance.borrow_mut().between(0, 999) < share
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
