//! For people: findings as the Rust compiler shows them, plans, runs, what is in flight, and how people were read.

pub mod doctor;
pub mod explain;
pub mod finding;
pub mod plan;
pub mod plans;
pub mod run;
pub mod status;
pub mod ways;
