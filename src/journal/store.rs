//! Where the journal and the lease of one tenant are kept: what every place must be able to do.
//!
//! A store knows bytes and one lease. Records are [`log`](super::log)'s business, patience is
//! [`lease`](super::lease)'s.

use std::future::Future;
use std::pin::Pin;

use super::lease::Holder;
use crate::model::Timestamp;

/// An answer of a store, later.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + 'a>>;

/// The journal and the lease of one tenant.
pub trait Store {
    /// Where that is, for messages: a path or an address.
    fn place(&self) -> String;

    /// All of the journal; empty when there is none. Changes nothing.
    fn load(&self) -> Later<'_, Vec<u8>>;

    /// Puts a line behind the first `whole` bytes and makes it durable, or leaves it out. What stands
    /// behind those bytes and is no whole line is what a write left that failed; it is cut off. A whole
    /// line there is another writer's: [`StoreError::Conflict`].
    fn append(&self, whole: u64, line: Vec<u8>) -> Later<'_, ()>;

    /// Takes the lease where nobody has it, or where it has expired at `now`. Otherwise says who has it.
    fn take(&self, own: Holder, now: Timestamp) -> Later<'_, Taken>;

    /// Holds the lease on until `own.expires_at`; [`StoreError::Conflict`] when it is another's by now.
    fn renew(&self, own: Holder) -> Later<'_, ()>;

    /// Lets the lease go, if it is still ours.
    fn release(&self) -> Later<'_, ()>;

    /// Who holds the lease at `now`, if anyone.
    fn holder(&self, now: Timestamp) -> Later<'_, Option<Holder>>;

    /// Takes the lease away from whoever holds it, so that the next [`Store::take`] gets it.
    fn break_lease(&self) -> Later<'_, ()>;

    /// How the lease ends when its holder dies.
    fn term(&self) -> Term;
}

/// What came of asking for the lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is ours.
    Ours,
    /// It is another's; who that is may not be known.
    Held(Option<Holder>),
}

/// How a lease ends when its holder dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    /// With the process, at once: a lock of the operating system.
    Process,
    /// By expiring, because nobody renews it.
    Time,
}

/// What a store could not do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The place cannot be used.
    #[error("cannot {what} {place}: {cause}")]
    Failed {
        /// The verb.
        what: &'static str,
        /// Which file or object.
        place: String,
        /// What the system says.
        cause: String,
    },
    /// Another run has written there, so this one must not.
    #[error("another run has written {place} meanwhile")]
    Conflict {
        /// Which file or object.
        place: String,
    },
}

impl StoreError {
    /// Whether somebody else has written there.
    pub fn is_conflict(&self) -> bool {
        matches!(self, StoreError::Conflict { .. })
    }
}
