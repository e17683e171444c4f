//! What the tenant looks like from outside: requests and answers as Graph writes them. No HTTP
//! library is named here.
//!
//! `ask` holds the two ends, `reply` goes from one to the other; `url` and `target` say what was
//! asked for, `options` and `filter` how, `show` what objects look like, `list` pages through
//! them, `batch` takes twenty at once, `spoil` is what goes wrong, `refusal` knows the words of errors, `cost` the price.

mod ask;
mod batch;
mod cost;
mod filter;
mod list;
mod options;
mod properties;
mod refusal;
mod reply;
mod show;
mod spoil;
mod target;
#[cfg(test)]
mod tests;
mod url;

pub use ask::{Answer, Ask};
pub use refusal::Refusal;
pub use reply::answer;
