//! Microsoft Graph.
pub mod transport;
