//! Has Graph try again what a user inherits from groups (GRAPH 5.6). It assigns nothing by itself: the groups
//! stay as they are, and whoever could not get what they carry may get it now.

use super::client::{Client, Priority};
use super::permission::Needs;
use super::write::{NotWritten, is_graphs_own, judge};
use crate::model::UserId;

/// Has licenses that come from groups tried again, and nothing else.
#[derive(Clone)]
pub struct Reprocessor(Client);

impl Reprocessor {
    /// One that asks through that client.
    pub fn new(client: Client) -> Self {
        Reprocessor(client)
    }

    /// Has all group-based licenses of that user tried again; returns the `request-id`. Done when it is
    /// answered; whether it helped is seen by reading the user.
    ///
    /// # Errors
    /// What still stands in the way comes as a refusal with the true error.
    pub async fn reprocess(&self, user: UserId) -> Result<Option<String>, NotWritten> {
        let path = format!("/users/{user}/reprocessLicenseAssignment");
        let nothing = serde_json::Map::new();
        let ask = self.0.post(&path, Needs::Reprocess, Priority::Low, &nothing);
        let answer = self.0.once(&ask).await.map_err(judge)?;
        is_graphs_own(&answer).map_err(NotWritten::InDoubt)?;
        Ok(answer.request_id)
    }
}
