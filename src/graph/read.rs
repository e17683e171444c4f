//! Everything that is read from a tenant. There is no method here that changes anything (P4).

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;

use super::batch::{self, Found, Outcome};
use super::client::Client;
use super::convert::{self, Malformed};
use super::error::Failure;
use super::live::{GroupRead, Organization, ServicePlanEntry, UserRead};
use super::permission::Needs;
use super::{keys, page, wire};
use crate::model::{Catalog, GroupId, UserId, UserKey};

/// What is asked of a user: each assignment with its source. Never the merged `assignedLicenses`,
/// which does not say where a license comes from (GRAPH 3.1), and never `assignedPlans`, which makes
/// an answer fifteen times as large (GRAPH 3.3).
const USER_SELECT: &str =
    "id,userPrincipalName,displayName,accountEnabled,usageLocation,licenseAssignmentStates";

/// What is asked of a group.
const GROUP_SELECT: &str = "id,displayName,assignedLicenses,licenseProcessingState";

/// The largest page that Graph gives (GRAPH 2.2); charged like the smallest (GRAPH 8.2).
const PAGE: (&str, &str) = ("$top", "999");

/// Reads one tenant. Clones are cheap. Every method repeats what is throttled, lost or answered with
/// 5xx, for up to eight tries or ten minutes, before it fails.
#[derive(Clone)]
pub struct Reader(Client);

impl Reader {
    /// A reader that asks through that client.
    pub fn new(client: Client) -> Self {
        Reader(client)
    }

    /// The tenant: its id and verified domains. Asked first by every run.
    pub async fn organization(&self) -> Result<Organization, Failure> {
        let ask = self.0.get("/organization?$select=id,displayName,verifiedDomains", Needs::Organization);
        let asked = ask.asked.clone();
        let all = page::all(&self.0, ask, "organization", convert::organization).await?;
        match <[Organization; 1]>::try_from(all) {
            Ok([organization]) => Ok(organization),
            Err(others) => {
                let reason = format!("it names {} tenants instead of one", others.len());
                Err(Failure::Unreadable { asked, reason, request_id: None })
            }
        }
    }

    /// The tenant's licenses and their service plans. One that cannot be read is a failure of all.
    pub async fn catalog(&self) -> Result<Catalog, Failure> {
        let ask = self.0.get("/subscribedSkus", Needs::Licenses);
        let licenses = page::all(&self.0, ask, "license", convert::license).await?;
        Ok(licenses.into_iter().collect())
    }

    /// Every user of the tenant, page by page, never held here all at once. A user that cannot be
    /// read is given as such. A user may be given twice when the tenant changes meanwhile (GRAPH
    /// 2.2). After a failure what was given is a part of the tenant, from which nothing follows about
    /// the rest.
    pub async fn each_user(&self, each: &mut dyn FnMut(Result<UserRead, Malformed>)) -> Result<(), Failure> {
        let path = keys::with_query("/users", &[PAGE, ("$select", USER_SELECT)]);
        let ask = self.0.get(&path, Needs::Users);
        page::each_page(&self.0, ask, "user", &mut |_, users| {
            users.into_iter().for_each(|user| each(user.and_then(convert::user)));
            Ok(())
        })
        .await
    }

    /// Those users, in the order of `keys`; none for one that Graph does not know (404). A UPN that
    /// is answered with another user is a failure, not that user.
    pub async fn users(&self, keys: &[UserKey]) -> Vec<Result<Option<UserRead>, Failure>> {
        let path = |key| keys::with_query(&keys::user(key), &[("$select", USER_SELECT)]);
        let paths: Vec<String> = keys.iter().map(path).collect();
        let outcomes = batch::get_all(&self.0, &paths, Needs::Users).await;
        let fit = |user: &UserRead, key: &UserKey| key.names(user.id, &user.upn);
        one_by_one(outcomes, keys, "user", convert::user, fit)
    }

    /// The user with that UPN by a filter, which is another index: a second opinion on a 404.
    pub async fn users_by_filter(&self, upn: &str) -> Result<Option<UserRead>, Failure> {
        let filter = format!("userPrincipalName eq {}", keys::literal(upn));
        let path = keys::with_query("/users", &[("$filter", &filter), ("$select", USER_SELECT)]);
        let ask = self.0.get(&path, Needs::Users);
        let asked = ask.asked.clone();
        let mut users = page::all(&self.0, ask, "user", convert::user).await?;
        let key = UserKey::Upn(upn.to_owned());
        let found = users.pop();
        if !users.is_empty() || found.as_ref().is_some_and(|user| !key.names(user.id, &user.upn)) {
            let reason = format!("it names others than {upn}");
            return Err(Failure::Unreadable { asked, reason, request_id: None });
        }
        Ok(found)
    }

    /// What `assignedPlans` says about *the* service plan for those users, in their order; none for a
    /// user that Graph does not know. 10 kB a user: ask only where the date decides (GRAPH 3.3).
    pub async fn service_plan_dates(
        &self,
        ids: &[UserId],
    ) -> Vec<Result<Option<Vec<ServicePlanEntry>>, Failure>> {
        let path =
            |id: &UserId| keys::with_query(&format!("/users/{id}"), &[("$select", "id,assignedPlans")]);
        let paths: Vec<String> = ids.iter().map(path).collect();
        let outcomes = batch::get_all(&self.0, &paths, Needs::Users).await;
        let read = |user: wire::User| Ok((user.id.clone(), convert::service_plan_entries(user)?));
        let fit = |(id, _): &(Option<String>, _), key: &UserId| {
            id.as_deref().and_then(|id| id.parse().ok()) == Some(*key)
        };
        let found = one_by_one(outcomes, ids, "user", read, fit);
        found.into_iter().map(|outcome| outcome.map(|found| found.map(|(_, entries)| entries))).collect()
    }

    /// Those groups, in the order of `ids`; none for one that Graph does not know (404).
    pub async fn groups(&self, ids: &[GroupId]) -> Vec<Result<Option<GroupRead>, Failure>> {
        let path = |id: &GroupId| keys::with_query(&format!("/groups/{id}"), &[("$select", GROUP_SELECT)]);
        let paths: Vec<String> = ids.iter().map(path).collect();
        let outcomes = batch::get_all(&self.0, &paths, Needs::Groups).await;
        one_by_one(outcomes, ids, "group", convert::group, |group: &GroupRead, id: &GroupId| group.id == *id)
    }

    /// Every group with that display name; there may be none or several (GRAPH 5.1).
    pub async fn groups_named(&self, name: &str) -> Result<Vec<GroupRead>, Failure> {
        let filter = format!("displayName eq {}", keys::literal(name));
        let path = keys::with_query("/groups", &[("$filter", &filter), ("$select", GROUP_SELECT)]);
        page::all(&self.0, self.0.get(&path, Needs::Groups), "group", convert::group).await
    }

    /// The users who are direct members of that group, each once: only they get its licenses (GRAPH
    /// 5.4). Other members are left out. A member that does not say what it is makes the whole list
    /// unreadable. An unknown group is [`Failure::NotFound`].
    ///
    /// Without the cast to users, which needs advanced headers and an index that lags.
    pub async fn members(&self, group: GroupId) -> Result<Vec<UserId>, Failure> {
        let path = keys::with_query(&format!("/groups/{group}/members"), &[PAGE, ("$select", "id")]);
        let ask = self.0.get(&path, Needs::Members);
        let members = page::all(&self.0, ask, "member", convert::member).await?;
        let mut seen = BTreeSet::new();
        Ok(members.into_iter().flatten().filter(|id| seen.insert(*id)).collect())
    }
}

/// The outcomes of a batch as values, in the order of what was asked. 404 is none. A body that is
/// not of the shape, or about somebody else, is a failure of that one.
fn one_by_one<K, T: DeserializeOwned, V>(
    outcomes: Vec<Outcome>,
    keys: &[K],
    what: &'static str,
    convert: impl Fn(T) -> Result<V, Malformed>,
    fit: impl Fn(&V, &K) -> bool,
) -> Vec<Result<Option<V>, Failure>> {
    let one = |(outcome, key): (Outcome, &K)| match outcome {
        Ok(found) => value(&found, what, &convert).and_then(|value| match fit(&value, key) {
            true => Ok(Some(value)),
            false => Err(found.unreadable(format!("it is about another {what}"))),
        }),
        Err(Failure::NotFound(_)) => Ok(None),
        Err(failure) => Err(failure),
    };
    outcomes.into_iter().zip(keys).map(one).collect()
}

fn value<T: DeserializeOwned, V>(
    found: &Found,
    what: &'static str,
    convert: impl Fn(T) -> Result<V, Malformed>,
) -> Result<V, Failure> {
    let entry = T::deserialize(&found.body).map_err(|error| convert::unfit(what, &found.body, error));
    entry.and_then(convert).map_err(|error| found.unreadable(error.to_string()))
}
