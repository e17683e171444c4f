//! The program as its users meet it: the real binary, against simulated tenants.
//!
//! Virtual time (`--sandbox`) is for stories that take hours; sockets (`sandbox serve`) are for what
//! only happens between processes. The two are never mixed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod clocks;
mod common;
mod costs;
mod credentials;
mod distrust;
mod doctor;
mod documents;
mod drift;
mod events;
mod examples;
mod exhaustive;
mod exit_codes;
mod explain;
mod formats;
mod fuzz;
mod groups;
mod hostile;
mod kills;
mod large;
mod layers;
mod meanwhile;
mod mutants;
mod outputs;
mod pipeline;
mod places;
mod promises;
mod quotas;
mod ready_pipelines;
mod rollout;
mod saved_plans;
mod scale;
mod selectors;
mod simulation;
mod sockets;
mod stores;
mod tenants;
