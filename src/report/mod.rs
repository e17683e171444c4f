//! Data to text. The only module that knows terminals.

pub mod human;
