//! For people: findings as the Rust compiler shows them, plans, runs and what is in flight.

pub mod doctor;
pub mod explain;
pub mod finding;
pub mod plan;
pub mod plans;
pub mod run;
pub mod status;
