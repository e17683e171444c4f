//! Memory across restarts: who is off because of us, since when, and when the on is due.
//!
//! Graph is the truth, the journal is memory and evidence. Intent is durable before a request
//! leaves, the outcome after. What the records mean is `apply::replay`'s business.
//!
//! [`log`] is the journal, lines that follow from each other ([`chain`]); a [`store`] keeps them,
//! and the [`lease`] that makes one run its only writer.

pub mod chain;
pub mod disk;
pub mod folder;
pub mod lease;
pub mod log;
pub mod record;
pub mod state;
pub mod store;
