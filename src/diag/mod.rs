//! What is wrong, and where: findings about the manifest or the tenant.
//!
//! A finding is not a failure: there can be many, each has a code and often a place. Nothing here
//! knows terminals; `report` draws them.

mod code;
mod finding;
mod lines;
mod place;
mod quote;
mod suggest;

pub use code::Code;
pub use finding::{Finding, Severity};
pub use lines::Lines;
pub use place::{Place, Source};
pub use quote::{is_invisible, quoted};
pub use suggest::did_you_mean;
