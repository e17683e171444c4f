//! Memory across restarts: who is off because of us, since when, and when the on is due.
//!
//! Graph is the truth, the journal is memory and evidence. Intent is durable before a request
//! leaves, the outcome after. What the records mean is `apply::replay`'s business.

pub mod lease;
pub mod record;
pub mod store;
