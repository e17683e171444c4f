//! For people: findings as the Rust compiler shows them.

pub mod finding;
