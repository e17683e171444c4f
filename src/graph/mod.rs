//! Microsoft Graph: what advaudit asks a tenant and what it may change there.
//!
//! The way in is a [`Client`]: a [`transport`], the [`Root`] of one cloud, a [`TokenSource`] and the clock.
//! A client by itself can do nothing outside this folder. It is handed on as one of three things, and
//! which of them a command is given decides what that command is able to do:
//!
//! - [`Reader`] reads and has no method that changes anything. It repeats what was throttled or lost.
//! - [`OnWriter`] turns the service plan on, and cannot turn it off.
//! - [`OffWriter`] turns the service plan off. Neither writer repeats a write by itself, because each
//!   write needs a fresh read before it.
//!
//! Deliberately absent: decisions. What should be on, what to do about a refusal and when to come
//! again are the callers'. Nothing here assigns or removes a license, or follows a link or a redirect
//! to another origin.

mod again;
mod ahead;
mod among;
mod batch;
mod claims;
mod client;
mod convert;
mod edit;
mod envelope;
mod error;
mod examine;
mod fields;
mod governor;
mod granted;
mod headers;
mod http;
mod keys;
mod live;
mod members;
mod page;
mod permission;
mod plain;
mod prefixes;
mod read;
mod reprocess;
mod root;
mod scalar;
mod scan;
mod select;
mod spent;
mod throttle;
mod token;
pub mod transport;
mod trust;
mod wire;
mod write;

#[cfg(test)]
mod testing;

pub use among::{AMONG_MAX, is_to_be_asked_alone};
pub use claims::Claims;
pub use client::{Client, Observer};
pub use convert::Malformed;
pub use edit::{Direction, LeftOut, edited};
pub use error::{Failure, Told};
pub use fields::Fields;
pub use governor::NextWrite;
pub use granted::Granted;
pub use http::HttpTransport;
pub use live::{Account, GroupRead, Organization, Processing, ServicePlanEntry, UserRead};
pub use members::keeping;
pub use permission::Needs;
pub use read::{Listed, Reader};
pub use reprocess::Reprocessor;
pub use root::{BadRoot, Cloud, Root};
pub use scan::{Lanes, Scan, Scanned};
pub use select::Filtered;
pub use spent::Spent;
pub use throttle::Throttled;
pub use token::{BadToken, Giving, NoToken, TOKEN_REQUEST, Token, TokenSource};
pub use trust::{BadTrust, Trust};
pub use write::{NotWritten, OffWriter, OnWriter, Written};
