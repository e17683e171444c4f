//! The doing. `machine` decides each step of one subject and `replay` says what earlier runs left
//! unfinished: both are pure. `driver` is the loop around them that journals, asks Graph and waits.

mod date_guard;
pub mod driver;
pub mod event;
mod flight;
pub mod interrupt;
pub mod job;
pub mod live;
mod look;
pub mod machine;
pub mod outcome;
pub mod replay;
pub mod rollout;
mod room;
mod tools;
mod write_down;
