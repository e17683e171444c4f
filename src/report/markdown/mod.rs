//! Markdown for GitHub and GitLab: a plan as a pull-request comment, the plans of several tenants as a
//! table, and what became of a run, all also for a step summary. Each begins with a hidden marker by which a later comment can replace it.
//!
//! A comment has room for 65,536 characters. What does not fit is folded first, then left out, the least
//! important part of it, and what was left out is counted.

mod fit;
mod plan;
mod plans;
mod run;
mod text;

pub use plan::render as plan;
pub use plans::{Line, render as plans};
pub use run::render as run;

/// Bytes of a text: GitHub's bound of 65,536 characters, however it counts them, and some room for what a
/// pipeline writes around it.
pub const BYTES: usize = 64_000;

#[cfg(test)]
mod tests;
