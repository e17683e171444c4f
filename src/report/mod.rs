//! Data → text or JSON: the only module that writes to a terminal.
//!
//! Results go to stdout, everything else to stderr. What is shown is handed in as values; nothing
//! here decides, asks Graph or reads a clock.

mod broken;
pub mod events;
mod folded;
pub mod github;
pub mod gitlab;
pub mod human;
pub mod json;
pub mod junit;
pub mod markdown;
mod member_lines;
pub mod output;
pub mod progress;
pub mod remarks;
mod rollout;
pub mod sarif;
mod style;
mod words;

/// A style without colours, for tests elsewhere.
#[cfg(test)]
pub(crate) fn plain_style() -> style::Style {
    style::Style { colour: false }
}
