//! What the tenant looks like from outside: requests and answers as Graph writes them. No HTTP
//! library is named here.
//!
//! `ask` holds the two ends, `reply` goes from one to the other by way of `access`; `url` and `target` say what was
//! asked for, `options` and `filter` how, `show` what objects look like (`columns` many users at once), `list`
//! pages through them, `batch` takes twenty at once, `spoil` is what goes wrong, `refusal` knows the words of errors, `cost` the price.

mod access;
mod ask;
mod batch;
mod columns;
mod cost;
mod filter;
mod list;
mod members;
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

pub use access::{Alone, Beside};
pub use ask::{Answer, Ask};
pub use columns::Pieces;
pub use refusal::Refusal;
pub use reply::answer;
