//! What left and has not come back: writes, and looks beside them. It keeps requests going; what they
//! bring is the driver's to deal with, one after the other.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::machine::Event;
use crate::graph::{Failure, NotWritten, Written};
use crate::model::Catalog;

/// Something that came back.
pub(super) enum Landed {
    /// A write.
    Wrote(Wrote),
    /// A look at several subjects, in their order.
    Looked {
        /// Which machines.
        indices: Vec<usize>,
        /// What each shows; or why nothing can be read any more.
        events: Result<Vec<Event>, Failure>,
    },
    /// Whether the date of the first toggle moved.
    Date(Result<bool, Failure>),
}

/// What became of a write.
pub(super) struct Wrote {
    /// Which machine.
    pub index: usize,
    /// Off, or on.
    pub turns_off: bool,
    /// What Graph said.
    pub outcome: Result<Written, NotWritten>,
    /// The tenant's licenses, read again because an on was refused.
    pub catalog: Option<Catalog>,
}

type Going<'a> = Pin<Box<dyn Future<Output = Landed> + 'a>>;

/// Everything that is on its way.
#[derive(Default)]
pub(super) struct Flight<'a> {
    writes: FuturesUnordered<Going<'a>>,
    looks: FuturesUnordered<Going<'a>>,
    /// The machines whose write is on its way.
    writing: BTreeSet<usize>,
    looks_at_date: bool,
}

impl<'a> Flight<'a> {
    /// Sends a write. It has left when this returns, and may have come back.
    pub fn write(&mut self, index: usize, write: impl Future<Output = Wrote> + 'a) -> Option<Landed> {
        self.writing.insert(index);
        self.writes.push(Box::pin(async move { Landed::Wrote(write.await) }));
        // Whoever comes next asks whether there is room for another, so this one has to have left.
        let mut context = Context::from_waker(Waker::noop());
        match self.writes.poll_next_unpin(&mut context) {
            Poll::Ready(landed) => landed.map(|landed| self.landed(landed)),
            Poll::Pending => None,
        }
    }

    /// Looks at several subjects.
    pub fn look(
        &mut self,
        indices: Vec<usize>,
        look: impl Future<Output = Result<Vec<Event>, Failure>> + 'a,
    ) {
        self.looks.push(Box::pin(async move { Landed::Looked { indices, events: look.await } }));
    }

    /// Looks whether the date of the first toggle moved.
    pub fn look_at_date(&mut self, look: impl Future<Output = Result<bool, Failure>> + 'a) {
        self.looks_at_date = true;
        self.looks.push(Box::pin(async move { Landed::Date(look.await) }));
    }

    /// Whether a write of that machine is on its way.
    pub fn is_writing(&self, index: usize) -> bool {
        self.writing.contains(&index)
    }

    /// Whether the date is being looked at.
    pub fn looks_at_date(&self) -> bool {
        self.looks_at_date
    }

    /// How many looks are on their way.
    pub fn looks(&self) -> usize {
        self.looks.len()
    }

    /// Whether nothing is on its way.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.looks.is_empty()
    }

    /// The next thing that comes back; never, when nothing is on its way.
    pub async fn next(&mut self) -> Landed {
        let landed = tokio::select! {
            biased;
            Some(landed) = self.writes.next() => landed,
            Some(landed) = self.looks.next() => landed,
            else => std::future::pending().await,
        };
        self.landed(landed)
    }

    /// The next write that comes back, when nothing else counts any more.
    pub async fn next_write(&mut self) -> Option<Landed> {
        let landed = self.writes.next().await?;
        Some(self.landed(landed))
    }

    fn landed(&mut self, landed: Landed) -> Landed {
        match &landed {
            Landed::Wrote(wrote) => _ = self.writing.remove(&wrote.index),
            Landed::Looked { .. } => {}
            Landed::Date(_) => self.looks_at_date = false,
        }
        landed
    }
}
