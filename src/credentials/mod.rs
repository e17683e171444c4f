//! Signing in: from the variables of the environment to access tokens that are good now.
//!
//! What the environment says is read as a value ([`choice`]) and turned into one closed way to sign in
//! ([`Way`]). Microsoft's own library, `azure_identity`, speaks with the login authority; around it are
//! our own `carrier`, which sees to it that a secret goes to one origin only and that nothing is
//! followed or read without end, and our own `renewed` cache, which knows when a token is to be
//! renewed and which one Graph has refused.
//!
//! Deliberately absent: the environment and the terminal, which are `cli`'s; Graph, which only sees a
//! [`TokenSource`](crate::graph::TokenSource); and certificates with a password, which OpenSSL would
//! have to be linked for.

mod authority;
mod carrier;
mod certificate;
pub mod choice;
mod federated;
mod refusal;
mod renewed;
mod secret;
mod sign_in;
mod way;
mod wires;

pub use authority::{Authority, BadAuthority};
pub use renewed::Renewed;
pub use secret::Secret;
pub use sign_in::{Setting, SignIn};
pub use way::{Auth, Way};
pub use wires::Wires;
