//! Desired state: the manifest's text in, the valid manifest or all its findings out.
//!
//! Pure: it is handed the text and the time, and asks nobody. In reading order: `syntax` is the
//! YAML as people write it, `tree` the text with places (of `node`s), `keys`, `values`, `entries` and `settings`
//! the checks, [`read()`] the way through them, and [`declared`] what comes out.

mod broken;
pub mod declared;
mod entries;
mod filter;
mod keys;
mod licenses;
mod node;
mod read;
mod review;
mod schema;
mod settings;
mod syntax;
mod tree;
mod values;

pub use read::read;
pub use schema::json_schema;
