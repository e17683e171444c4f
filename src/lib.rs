//! advaudit.
pub mod clock;
pub mod diag;
pub mod graph;
pub mod manifest;
pub mod model;
pub mod sandbox;
