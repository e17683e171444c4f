//! Memory across restarts: who is off because of us, since when, and when the on is due.
//!
//! Graph is the truth, the journal is memory and evidence. Intent is durable before a request
//! leaves, the outcome after. What the records mean is `apply::replay`'s business.
//!
//! [`log`] is the journal, lines that follow from each other ([`chain`]); a [`store`] keeps them,
//! and the [`lease`] that makes one run its only writer: a local [`folder`] on a [`disk`], or one that
//! is [`shared`], of [`objects`].

pub mod address;
pub mod bucket;
mod bucket_error;
pub mod chain;
pub mod claim;
pub mod disk;
pub mod folder;
pub mod lease;
pub mod log;
pub mod objects;
pub mod record;
pub mod segments;
pub mod shared;
pub mod state;
pub mod store;
#[cfg(test)]
mod testing;
