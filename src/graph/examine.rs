//! Questions that only find out whether questions can be asked: for `doctor`. They change nothing.

use serde_json::Value;

use super::client::Client;
use super::granted::Granted;
use super::permission::Needs;
use super::read::Reader;
use super::wire::{Group, Page};
use super::{Failure, keys};
use crate::model::{GroupId, SubjectId};

impl Client {
    /// What the access token says of itself; none when it says nothing.
    pub async fn granted(&self) -> Result<Option<Granted>, Failure> {
        self.current_token().await.map(|token| token.granted())
    }
}

impl Reader {
    /// Asks for one user with its licenses.
    pub async fn try_users(&self) -> Result<(), Failure> {
        self.first("/users", "id,licenseAssignmentStates", Needs::Users).await.map(|_| ())
    }

    /// Some group, asked for with its licenses; none where there is no group.
    pub async fn first_group(&self) -> Result<Option<GroupId>, Failure> {
        self.first("/groups", "id,assignedLicenses", Needs::Groups).await
    }

    /// Asks for one member of that group.
    pub async fn try_members(&self, group: GroupId) -> Result<(), Failure> {
        self.first(&format!("/groups/{group}/members"), "id", Needs::Members).await.map(|_| ())
    }

    /// The first entry of a collection, by its id.
    async fn first(&self, path: &str, select: &str, needs: Needs) -> Result<Option<GroupId>, Failure> {
        let path = keys::with_query(path, &[("$top", "1"), ("$select", select)]);
        let answer = self.client().read(&self.client().get(&path, needs)).await?;
        let page: Page<Group> = answer.json()?;
        let first = page.value.into_iter().flatten().next();
        Ok(first.and_then(|group| group.id).and_then(|id| id.parse().ok()))
    }

    /// How many users the tenant has; none where Graph does not count them.
    pub async fn count_users(&self) -> Option<u64> {
        let path = keys::with_query("/users", &[("$top", "1"), ("$select", "id"), ("$count", "true")]);
        let ask = self.client().get(&path, Needs::Users).eventual();
        let answer = self.client().read(&ask).await.ok()?;
        let body: Value = answer.json().ok()?;
        body.get("@odata.count")?.as_u64()
    }

    /// What protects a subject against changes, in words for a 403; none where nothing is known to.
    pub async fn guarded(&self, subject: SubjectId) -> Option<&'static str> {
        let (path, select, needs) = match subject {
            SubjectId::User(id) => (format!("/users/{id}"), "id,isManagementRestricted", Needs::Users),
            SubjectId::Group(id) => {
                (format!("/groups/{id}"), "id,isManagementRestricted,isAssignableToRole", Needs::Groups)
            }
        };
        let ask = self.client().get(&keys::with_query(&path, &[("$select", select)]), needs);
        let body: Value = self.client().once(&ask).await.ok()?.json().ok()?;
        let is = |name: &str| body.get(name).and_then(Value::as_bool) == Some(true);
        if is("isAssignableToRole") {
            return Some(
                "this group is role-assignable: only its owners and Privileged Role Administrators can change it",
            );
        }
        is("isManagementRestricted").then_some(
            "it is in a restricted management administrative unit: only those who administer that unit can change it",
        )
    }
}
