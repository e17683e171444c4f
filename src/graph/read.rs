//! Everything that is read from a tenant. There is no method here that changes anything (P4).

use serde::de::DeserializeOwned;

use super::among::AMONG_MAX;
use super::batch::{self, Found, Outcome};
use super::client::{Ask, Client};
use super::convert::{self, Malformed};
use super::error::Failure;
use super::fields::Fields;
use super::live::{GroupRead, Organization, ServicePlanEntry, UserRead};
use super::page::Step;
use super::permission::Needs;
use super::{keys, page, wire};
use crate::model::{Catalog, GroupId, SkuId, UserId, UserKey};

/// What is asked of a group.
const GROUP_SELECT: &str = "id,displayName,assignedLicenses,licenseProcessingState";

/// The largest page that Graph gives (GRAPH 2.2); charged like the smallest (GRAPH 8.2).
pub(super) const PAGE: (&str, &str) = ("$top", "999");

/// What [`Reader::each_user`] gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed {
    /// The next user.
    User(UserRead),
    /// A user that cannot be read.
    Unreadable(Malformed),
    /// Graph has forgotten where it was: whoever was given so far does not count, all of them come
    /// again.
    FromTheStart,
}

/// Reads one tenant. Clones are cheap. Every method repeats what is throttled, lost or answered with
/// 5xx, for up to eight tries or ten minutes, before it fails.
#[derive(Clone)]
pub struct Reader(Client);

impl Reader {
    /// A reader that asks through that client.
    pub fn new(client: Client) -> Self {
        Reader(client)
    }

    pub(super) fn client(&self) -> &Client {
        &self.0
    }

    /// The tenant: its id and verified domains. Asked first by every run.
    pub async fn organization(&self) -> Result<Organization, Failure> {
        let ask = self.0.get("/organization?$select=id,verifiedDomains", Needs::Organization);
        let (all, answer) = page::all(&self.0, ask, "organization", convert::organization).await?;
        match <[Organization; 1]>::try_from(all) {
            Ok([organization]) => Ok(organization),
            Err(all) => Err(answer.unreadable(format!("it names {} tenants instead of one", all.len()))),
        }
    }

    /// The tenant's licenses and their service plans. One that cannot be read is a failure of all.
    pub async fn catalog(&self) -> Result<Catalog, Failure> {
        let ask = self.0.get("/subscribedSkus", Needs::Licenses);
        let (licenses, _) = page::all(&self.0, ask, "license", convert::license).await?;
        Ok(licenses.into_iter().collect())
    }

    /// Every user of the tenant, page by page, never held here all at once. A user that cannot be
    /// read is given as such. A user may be given twice when the tenant changes meanwhile (GRAPH
    /// 2.2), and all of them again after [`Listed::FromTheStart`]. After a failure what was given is
    /// a part of the tenant, from which nothing follows about the rest.
    pub async fn each_user(&self, fields: Fields, each: &mut dyn FnMut(Listed)) -> Result<(), Failure> {
        self.each_listed(&[PAGE, ("$select", fields.select())], each).await
    }

    /// The users of the first page, and whether others follow.
    pub async fn first_users(&self, fields: Fields, each: &mut dyn FnMut(Listed)) -> Result<bool, Failure> {
        let ask = self.list(&[PAGE, ("$select", fields.select())]);
        page::first(&self.0, &ask, "user", &mut |users| give(users, each)).await
    }

    pub(super) fn list(&self, query: &[(&str, &str)]) -> Ask {
        self.0.get(&keys::with_query("/users", query), Needs::Users)
    }

    /// The users that `/users` lists with that query, as [`Reader::each_user`] gives them.
    pub(super) async fn each_listed(
        &self,
        query: &[(&str, &str)],
        each: &mut dyn FnMut(Listed),
    ) -> Result<(), Failure> {
        page::each_page(&self.0, self.list(query), "user", &mut |step| {
            match step {
                Step::Page(_, users) => give(users, each),
                Step::FromTheStart => each(Listed::FromTheStart),
            }
            Ok(())
        })
        .await?;
        Ok(())
    }

    /// Those users, in the order of `keys`; none for one that Graph does not know (404). A UPN that
    /// is answered with another user is a failure, not that user.
    pub async fn users(&self, keys: &[UserKey]) -> Vec<Result<Option<UserRead>, Failure>> {
        self.users_with(keys, Fields::STATE).await
    }

    /// The same users with that much of each.
    pub async fn users_with(
        &self,
        keys: &[UserKey],
        fields: Fields,
    ) -> Vec<Result<Option<UserRead>, Failure>> {
        let path = |key| keys::with_query(&keys::user(key), &[("$select", fields.select())]);
        let paths: Vec<String> = keys.iter().map(path).collect();
        let outcomes = batch::get_all(&self.0, &paths, Needs::Users).await;
        let fit = |user: &UserRead, key: &UserKey| key.names(user.id, &user.upn);
        one_by_one(outcomes, keys, "user", convert::user, fit)
    }

    /// The user with that UPN by a filter, which is another index: a second opinion on a 404.
    pub async fn users_by_filter(&self, upn: &str) -> Result<Option<UserRead>, Failure> {
        let filter = format!("userPrincipalName eq {}", keys::literal(upn));
        let path = keys::with_query("/users", &[("$filter", &filter), ("$select", Fields::STATE.select())]);
        let ask = self.0.get(&path, Needs::Users);
        let (mut users, answer) = page::all(&self.0, ask, "user", convert::user).await?;
        let key = UserKey::Upn(upn.to_owned());
        let found = users.pop();
        if !users.is_empty() || found.as_ref().is_some_and(|user| !key.names(user.id, &user.upn)) {
            return Err(answer.unreadable(format!("it names others than {upn}")));
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
        let fit = |(id, _): &(UserId, _), key: &UserId| id == key;
        let found = one_by_one(outcomes, ids, "user", convert::service_plan_entries, fit);
        found.into_iter().map(|outcome| outcome.map(|found| found.map(|(_, entries)| entries))).collect()
    }

    /// Those groups, in the order of `ids`; none for one that Graph does not know (404).
    pub async fn groups(&self, ids: &[GroupId]) -> Vec<Result<Option<GroupRead>, Failure>> {
        let path = |id: &GroupId| keys::with_query(&format!("/groups/{id}"), &[("$select", GROUP_SELECT)]);
        let paths: Vec<String> = ids.iter().map(path).collect();
        let outcomes = batch::get_all(&self.0, &paths, Needs::Groups).await;
        one_by_one(outcomes, ids, "group", convert::group, |group: &GroupRead, id: &GroupId| group.id == *id)
    }

    /// The groups of which some member's assignment is in error (GRAPH 5.3).
    pub async fn groups_in_error(&self) -> Result<Vec<GroupId>, Failure> {
        let query = [("$filter", "hasMembersWithLicenseErrors eq true"), ("$select", "id"), PAGE];
        let ask = self.0.get(&keys::with_query("/groups", &query), Needs::Groups);
        let (ids, _) =
            page::all(&self.0, ask, "group", |group: wire::Group| convert::group_id(group.id)).await?;
        Ok(ids)
    }

    /// The groups that carry one of these licenses, as many as one filter can name.
    pub async fn groups_carrying(&self, licenses: &[SkuId]) -> Result<Vec<GroupRead>, Failure> {
        let clauses: Vec<String> = licenses.iter().take(AMONG_MAX).map(holds).collect();
        let query = [("$filter", clauses.join(" or ")), ("$select", GROUP_SELECT.to_owned())];
        let query = query.each_ref().map(|(name, value)| (*name, value.as_str()));
        let path = keys::with_query("/groups", &[query[0], query[1], PAGE]);
        let (groups, _) =
            page::all(&self.0, self.0.get(&path, Needs::Groups), "group", convert::group).await?;
        Ok(groups)
    }

    /// Every group with that display name; there may be none or several (GRAPH 5.1).
    pub async fn groups_named(&self, name: &str) -> Result<Vec<GroupRead>, Failure> {
        let filter = format!("displayName eq {}", keys::literal(name));
        let path = keys::with_query("/groups", &[("$filter", &filter), ("$select", GROUP_SELECT)]);
        let (groups, _) =
            page::all(&self.0, self.0.get(&path, Needs::Groups), "group", convert::group).await?;
        Ok(groups)
    }
}

/// The clause of a filter: it holds, or carries, that license (GRAPH 2.3, 5.1).
pub(super) fn holds(sku: &SkuId) -> String {
    format!("assignedLicenses/any(a:a/skuId eq {sku})")
}

/// Gives users on, each as what it is.
pub(super) fn give(users: Vec<Result<wire::User, Malformed>>, each: &mut dyn FnMut(Listed)) {
    for user in users {
        each(user.and_then(convert::user).map_or_else(Listed::Unreadable, Listed::User));
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
    page::fit(what, &found.body).and_then(convert).map_err(|error| found.unreadable(error.to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::graph::testing::{
        ADELE, AUDITING, Bench, E5, LEGAL, MEGAN, REQUEST_ID, absent, batch, group, list, user,
    };
    use crate::model::SERVICE_PLAN;

    fn key(text: &str) -> UserKey {
        UserKey::parse(text)
    }

    #[tokio::test]
    async fn the_tenant_is_exactly_one() {
        let tenant =
            json!({ "id": LEGAL, "displayName": "Contoso", "verifiedDomains": [{ "name": "contoso.com" }] });
        let bench =
            Bench::new([list(std::slice::from_ref(&tenant)), list(&[]), list(&[tenant.clone(), tenant])]);
        let reader = bench.reader();
        assert_eq!(bench.run(reader.organization()).await.expect("one").domains, ["contoso.com"]);
        for _ in 0..2 {
            let failure = bench.run(reader.organization()).await.expect_err("none or two");
            assert!(failure.to_string().contains(REQUEST_ID), "{failure}");
        }
    }

    #[tokio::test]
    async fn one_unreadable_license_spoils_the_catalog() {
        let good = json!({ "skuId": E5, "servicePlans": [{ "servicePlanId": AUDITING }] });
        let bench =
            Bench::new([list(std::slice::from_ref(&good)), list(&[good, json!({ "skuPartNumber": "ODD" })])]);
        let reader = bench.reader();
        let catalog = bench.run(reader.catalog()).await.expect("a catalog");
        assert!(catalog.licenses().all(|license| license.plans.contains_key(&SERVICE_PLAN)));
        let failure = bench.run(reader.catalog()).await.expect_err("spoilt");
        let Failure::Unreadable { reason, .. } = &failure else { panic!("{failure}") };
        assert!(reason.contains("license ODD: `skuId` is missing"), "{failure}");
        assert_eq!(bench.asked()[0], "GET /v1.0/subscribedSkus");
    }

    #[tokio::test]
    async fn every_user_is_given_and_an_unreadable_one_as_such() {
        let odd =
            json!({ "id": MEGAN, "userPrincipalName": "megan@x.com", "licenseAssignmentStates": "odd" });
        let hole = json!({ "id": MEGAN, "userPrincipalName": "megan@x.com" });
        let bench = Bench::new([list(&[user(ADELE, "adele@x.com", &[]), odd, hole])]);
        let mut seen = Vec::new();
        let reader = bench.reader();
        bench.run(reader.each_user(Fields::STATE, &mut |user| seen.push(user))).await.expect("all pages");
        assert!(matches!(&seen[0], Listed::User(user) if user.upn == "adele@x.com"));
        assert_eq!(seen.len(), 3);
        for malformed in &seen[1..] {
            let Listed::Unreadable(malformed) = malformed else { panic!("{malformed:?}") };
            assert_eq!(
                (malformed.id.as_deref(), malformed.name.as_deref()),
                (Some(MEGAN), Some("megan@x.com"))
            );
        }
        assert_eq!(
            bench.asked(),
            ["GET /v1.0/users?$top=999&$select=id,userPrincipalName,usageLocation,licenseAssignmentStates"]
        );
    }

    #[tokio::test]
    async fn users_come_in_the_order_of_their_keys_and_an_absent_one_is_none() {
        let bench = Bench::new([batch(&[
            (200, user(ADELE, "Adele@X.com", &[])),
            absent(),
            (200, user(MEGAN, "megan@x.com", &[])),
        ])]);
        let keys = [key("adele@x.com"), key("nobody#EXT#@x.com"), key(MEGAN)];
        let users = bench.run(bench.reader().users(&keys)).await;
        let upns: Vec<Option<String>> =
            users.into_iter().map(|user| user.expect("an answer").map(|user| user.upn)).collect();
        assert_eq!(upns, [Some("Adele@X.com".to_owned()), None, Some("megan@x.com".to_owned())]);
        assert!(bench.urls()[1].starts_with("/users/nobody%23EXT%23@x.com?$select=id,userPrincipalName,"));
    }

    #[tokio::test]
    async fn one_unreadable_user_of_a_batch_is_only_that_one() {
        let bench =
            Bench::new([batch(&[(200, json!({ "id": ADELE })), (200, user(MEGAN, "megan@x.com", &[]))])]);
        let users = bench.run(bench.reader().users(&[key(ADELE), key(MEGAN)])).await;
        let failure = users[0].as_ref().expect_err("unreadable");
        assert!(failure.to_string().contains("licenseAssignmentStates"), "{failure}");
        assert!(users[1].is_ok());
    }

    #[tokio::test]
    async fn an_answer_about_another_user_is_a_failure() {
        let other = (200, user(MEGAN, "megan@x.com", &[]));
        let bench = Bench::new([batch(&[other.clone(), other])]);
        let users = bench.run(bench.reader().users(&[key(ADELE), key("adele@x.com")])).await;
        assert!(users.iter().all(|user| matches!(user, Err(Failure::Unreadable { .. }))), "{users:?}");
    }

    #[tokio::test]
    async fn the_second_opinion_asks_by_filter_with_doubled_quotes() {
        let found = user(ADELE, "o'brien@x.com", &[]);
        let bench =
            Bench::new([list(&[]), list(std::slice::from_ref(&found)), list(&[found.clone(), found])]);
        let reader = bench.reader();
        assert_eq!(bench.run(reader.users_by_filter("o'brien@x.com")).await, Ok(None));
        assert!(bench.run(reader.users_by_filter("O'Brien@x.com")).await.expect("one").is_some());
        assert!(bench.run(reader.users_by_filter("o'brien@x.com")).await.is_err());
        assert!(bench.asked()[0].contains("$filter=userPrincipalName%20eq%20%27o%27%27brien@x.com%27&"));
    }

    #[tokio::test]
    async fn dates_are_asked_for_alone_and_absence_is_not_an_empty_list() {
        let plans = json!([{
            "servicePlanId": AUDITING, "capabilityStatus": "Enabled",
            "assignedDateTime": "2026-01-01T00:00:00Z"
        }]);
        let bench = Bench::new([batch(&[
            (200, json!({ "id": ADELE, "assignedPlans": plans })),
            absent(),
            (200, json!({ "id": LEGAL })),
        ])]);
        let ids = [ADELE, MEGAN, LEGAL].map(|id| id.parse::<UserId>().expect("an id"));
        let dates = bench.run(bench.reader().service_plan_dates(&ids)).await;
        assert_eq!(dates[0].as_ref().expect("an answer").as_ref().expect("a user").len(), 1);
        assert_eq!(dates[1], Ok(None));
        assert!(dates[2].is_err());
        assert_eq!(bench.urls()[0], format!("/users/{ADELE}?$select=id,assignedPlans"));
    }

    #[tokio::test]
    async fn groups_are_read_by_id_and_by_name() {
        let legal = group(LEGAL, "E5 Legal", &[AUDITING]);
        let bench = Bench::new([batch(&[(200, legal.clone()), absent()]), list(&[legal.clone(), legal])]);
        let reader = bench.reader();
        let ids = [LEGAL, MEGAN].map(|id| id.parse::<GroupId>().expect("an id"));
        let groups = bench.run(reader.groups(&ids)).await;
        assert!(!groups[0].as_ref().expect("an answer").as_ref().expect("a group").licenses[0].leaves_on());
        assert_eq!(groups[1], Ok(None));
        assert_eq!(bench.run(reader.groups_named("E5 Legal")).await.expect("two").len(), 2);
        assert_eq!(
            bench.asked()[1],
            "GET /v1.0/groups?$filter=displayName%20eq%20%27E5%20Legal%27\
             &$select=id,displayName,assignedLicenses,licenseProcessingState"
        );
    }
}
