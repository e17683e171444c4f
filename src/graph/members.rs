//! The members of groups: who they are, and what they have, as far as a list shows it.

use std::collections::BTreeSet;

use super::convert;
use super::error::Failure;
use super::fields::Fields;
use super::live::UserRead;
use super::permission::Needs;
use super::read::{PAGE, Reader};
use super::{keys, page};
use crate::model::{Assignment, GroupId, UserId, UserKey};

impl Reader {
    /// The users who are direct members of that group, each once: only they get its licenses (GRAPH
    /// 5.4). Other members are left out. A member that does not say what it is makes the whole list
    /// unreadable. An unknown group is [`Failure::NotFound`].
    ///
    /// Without the cast to users, which needs advanced headers and an index that lags.
    pub async fn members(&self, group: GroupId) -> Result<Vec<UserId>, Failure> {
        let path = keys::with_query(&format!("/groups/{group}/members"), &[PAGE, ("$select", "id")]);
        let ask = self.client().get(&path, Needs::Members);
        let (members, _) = page::all(self.client(), ask, "member", convert::member).await?;
        let mut seen = BTreeSet::new();
        Ok(members.into_iter().flatten().filter(|id| seen.insert(*id)).collect())
    }

    /// The same users with their state, 999 in a request. Each is handed to `take`, which says what is left of
    /// it, so that a group of 60,000 takes little room. Whoever comes without a state (GRAPH 4.4), or with one
    /// that cannot be read, is asked for by filters, and who is missing there by itself; one that Graph does not
    /// know by then is no member any more.
    ///
    /// # Errors
    /// As [`Reader::members`] for the whole list; a failure of its own for each member.
    pub async fn member_users<T>(
        &self,
        group: GroupId,
        fields: Fields,
        take: &dyn Fn(UserRead) -> T,
    ) -> Result<Vec<(UserId, Result<T, Failure>)>, Failure> {
        let shown = match self.members_as_shown(group, fields, take).await {
            // Properties of users in a list of directory objects: what is not known there is refused.
            Err(failure) if failure.is_not_taken() => {
                self.members(group).await?.into_iter().map(|id| (id, None)).collect()
            }
            shown => shown?,
        };
        let bare = shown.iter().filter(|(_, read)| read.is_none()).map(|(id, _)| UserKey::Id(*id));
        let bare: Vec<UserKey> = bare.collect();
        let mut asked = self.users_anyhow(&bare, fields).await.into_iter();
        let one = |(id, read): (UserId, Option<T>)| match read {
            Some(read) => Some((id, Ok(read))),
            None => asked.next()?.map(|read| read.map(take)).transpose().map(|read| (id, read)),
        };
        Ok(shown.into_iter().filter_map(one).collect())
    }

    /// The direct members whom some license of that group could not be assigned to, with their state
    /// (GRAPH 5.3).
    pub async fn members_in_error(&self, group: GroupId, fields: Fields) -> Result<Vec<UserRead>, Failure> {
        let path = format!("/groups/{group}/membersWithLicenseErrors");
        let path = keys::with_query(&path, &[PAGE, ("$select", fields.select())]);
        let (users, _) =
            page::all(self.client(), self.client().get(&path, Needs::Members), "user", convert::user).await?;
        Ok(users)
    }

    async fn members_as_shown<T>(
        &self,
        group: GroupId,
        fields: Fields,
        take: &dyn Fn(UserRead) -> T,
    ) -> Result<Vec<(UserId, Option<T>)>, Failure> {
        let query = [PAGE, ("$select", fields.select())];
        let path = keys::with_query(&format!("/groups/{group}/members"), &query);
        let ask = self.client().get(&path, Needs::Members);
        let convert = |member| {
            let member = convert::member_user(member)?;
            Ok(member.map(|(id, read)| (id, read.map(take))))
        };
        let (members, _) = page::all(self.client(), ask, "member", convert).await?;
        let mut seen = BTreeSet::new();
        Ok(members.into_iter().flatten().filter(|(id, _)| seen.insert(*id)).collect())
    }
}

/// A user without the assignments that are not wanted.
pub fn keeping(mut read: UserRead, wanted: &dyn Fn(&Assignment) -> bool) -> UserRead {
    read.assignments.retain(wanted);
    read.assignments.shrink_to_fit();
    read
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::graph::testing::{ADELE, Bench, E5, LEGAL, MEGAN, absent, batch, list, ok, refused, user};

    #[tokio::test]
    async fn members_are_the_direct_users_each_once() {
        let member = |kind: &str, id: &str| json!({ "@odata.type": kind, "id": id });
        let (person, nested) = ("#microsoft.graph.user", "#microsoft.graph.group");
        let next = json!({
            "value": [member(person, ADELE), member(nested, LEGAL)],
            "@odata.nextLink": "https://graph.microsoft.com/v1.0/next"
        });
        let bench = Bench::new([ok(next), list(&[member(person, MEGAN), member(person, ADELE)])]);
        let members = bench.run(bench.reader().members(LEGAL.parse().expect("an id"))).await;
        let ids = [ADELE, MEGAN].map(|id| id.parse::<UserId>().expect("an id"));
        assert_eq!(members.expect("members"), ids);
        assert_eq!(bench.asked()[0], format!("GET /v1.0/groups/{LEGAL}/members?$top=999&$select=id"));
    }

    #[tokio::test]
    async fn members_come_with_their_state_and_whoever_comes_without_is_asked_for() {
        let shown = |id: &str, upn: &str| {
            let mut shown = user(id, upn, &[]);
            shown["@odata.type"] = json!("#microsoft.graph.user");
            shown
        };
        let bare = |id: &str| json!({ "@odata.type": "#microsoft.graph.user", "id": id });
        let nested = json!({ "@odata.type": "#microsoft.graph.group", "id": E5 });
        let bench = Bench::new([
            list(&[shown(ADELE, "adele@x.com"), nested, bare(MEGAN), bare(LEGAL)]),
            batch(&[(200, json!({ "value": [user(MEGAN, "megan@x.com", &[])] }))]),
            batch(&[absent()]),
        ]);
        let group = LEGAL.parse().expect("an id");
        let reader = bench.reader();
        let members =
            bench.run(reader.member_users(group, Fields::STATE, &|read| read)).await.expect("members");
        let upns: Vec<String> =
            members.into_iter().map(|(_, read)| read.expect("a user")).map(|user| user.upn).collect();
        assert_eq!(upns, ["adele@x.com", "megan@x.com"]);
        let first = &bench.asked()[0];
        assert!(
            first.starts_with(&format!("GET /v1.0/groups/{LEGAL}/members?$top=999&$select=id,user")),
            "{first}"
        );
        assert_eq!(bench.asked()[1..], ["POST /v1.0/$batch"; 2]);
    }

    #[tokio::test]
    async fn where_a_list_of_members_does_not_take_the_properties_of_users_they_are_read_one_by_one() {
        let person = json!({ "@odata.type": "#microsoft.graph.user", "id": ADELE });
        let bench = Bench::new([
            refused(400, "Request_BadRequest", "Could not find a property named 'licenseAssignmentStates'"),
            list(&[person]),
            batch(&[(200, user(ADELE, "adele@x.com", &[]))]),
        ]);
        let reader = bench.reader();
        let members = bench
            .run(reader.member_users(LEGAL.parse().expect("an id"), Fields::STATE, &|read| {
                keeping(read, &|_| false)
            }))
            .await;
        let members = members.expect("members");
        let read = members[0].1.as_ref().expect("a user");
        assert!(read.assignments.is_empty(), "nothing is wanted: {read:?}");
    }

    #[tokio::test]
    async fn a_member_that_does_not_say_what_it_is_makes_the_list_unreadable() {
        let bench =
            Bench::new([list(&[json!({ "id": ADELE })]), refused(404, "Request_ResourceNotFound", "absent")]);
        let reader = bench.reader();
        let group = LEGAL.parse().expect("an id");
        assert!(matches!(bench.run(reader.members(group)).await, Err(Failure::Unreadable { .. })));
        assert!(matches!(bench.run(reader.members(group)).await, Err(Failure::NotFound(_))));
    }
}
