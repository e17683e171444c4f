//! Version 1 of the documents.

pub mod check;
pub mod common;
pub mod doctor;
pub mod event;
pub mod explain;
pub mod members;
pub mod plan;
pub mod plan_file;
pub mod plans;
pub mod restored;
pub mod rollout;
pub mod run;
pub mod status;
