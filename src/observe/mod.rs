//! Live state: what the declared subjects have, read once, before anything is decided.
//!
//! `collect` asks Graph (`people` by name, `selections` whom the selectors mean, `everyone` who holds a license;
//! `ways` says how that is cheapest, `user_list` keeps each of many users once), `confirm` again where the journal
//! knows better; `observed` is the value that is left behind; `effect` says what a set of assignments amounts to. Nothing here decides what to do
//! about it.

pub mod collect;
mod confirm;
pub mod effect;
pub mod observed;
pub mod reading;
pub mod selection;
mod user_list;
pub mod ways;
