//! advaudit.
pub mod apply;
pub mod cli;
pub mod clock;
pub mod diag;
pub mod graph;
pub mod journal;
pub mod manifest;
pub mod model;
pub mod observe;
pub mod plan;
pub mod report;
pub mod sandbox;
