//! Data → text or JSON: the only module that writes to a terminal.
//!
//! Results go to stdout, everything else to stderr. What is shown is handed in as values; nothing
//! here decides, asks Graph or reads a clock.

mod folded;
pub mod human;
pub mod json;
pub mod output;
pub mod progress;
mod style;
mod words;
