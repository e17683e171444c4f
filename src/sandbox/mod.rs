//! A simulated Microsoft 365 tenant behind Microsoft Graph's wire format.
//!
//! It is written from what is known of Graph (cited as "GRAPH 4.2") and shares no logic with the
//! planner: otherwise both would be wrong together. A tenant is a YAML file that a person can
//! write; [`Tenant`] holds its state and answers requests; [`InProcess`] and [`serve()`] put it
//! behind the client, in virtual time or on loopback.
//!
//! In reading order: `file` and `build` (what the file says), `user`, `group`, `license` (what
//! the tenant is), `population` and `users` (where there are too many to list), `assign` and
//! `process` (what changes it), `wire` (what it looks like from outside), `gate`, `faults` and
//! `weather` (what goes wrong), `deed` and `administrator` (what other people do), `truth` (what a
//! test may know), `transport`, `saved`, `serve` (how it is reached), `new` (a file to begin with).

mod administrator;
mod assign;
mod build;
mod counts;
mod deed;
mod faults;
mod file;
mod gate;
mod generate;
mod group;
mod history;
mod known;
mod license;
mod lines;
mod new;
mod plans;
mod population;
mod process;
mod quota;
mod saved;
mod seed;
mod serve;
mod short;
mod tenant;
#[cfg(test)]
mod testing;
mod transport;
mod truth;
mod user;
mod users;
mod weather;
mod wire;
mod words;
mod work;

pub use deed::{Deed, Done};
pub use faults::{Fault, FaultAnswer, Faults};
pub use file::Unusable;
pub use new::NewTenant;
pub use population::Share;
pub use quota::{Allowance, Quota};
pub use saved::{CannotSave, Opened, Saved};
pub use serve::{Serving, serve};
pub use tenant::{Collection, Counters, Happened, OnChange, Tenant, Written};
pub use transport::InProcess;
pub use truth::{Assigned, Audited, Doing, TrueGroup, TrueUser, Truth};
pub use weather::Weather;
pub use wire::{Answer, Ask, Refusal};
pub use words::{AssignmentError, AssignmentState};
