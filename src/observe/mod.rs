//! Live state: what the declared subjects have, read once, before anything is decided.
//!
//! `collect` asks Graph, `confirm` again where the journal knows better; `observed` is the value it leaves behind; `effect` says what a set of
//! assignments amounts to. Nothing here decides what to do about it.

pub mod collect;
mod confirm;
pub mod effect;
pub mod observed;
pub mod reading;
