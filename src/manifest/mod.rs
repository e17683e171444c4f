//! Desired state: the manifest's text in, the valid manifest or all its findings out.
//!
//! Pure: it is handed the text and the time, and asks nobody.

pub mod declared;
