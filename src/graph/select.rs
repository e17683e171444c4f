//! Whom a `$filter` selects. What a filter means is Graph's to say: it is passed on as it is written.
//!
//! Graph answers some filters only as *advanced queries* (GRAPH 2.3). Those come from another index, which
//! lags behind the directory: it may say who is meant, never what they hold.

use super::convert;
use super::error::{Failure, Told};
use super::fields::Fields;
use super::permission::Needs;
use super::read::{Listed, PAGE, Reader};
use super::{keys, page, wire};
use crate::model::UserId;

/// How Graph has answered a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filtered {
    /// Every user was given, with its state.
    Given,
    /// Only who they are, each once: they have to be asked for by themselves.
    OnlyIds(Vec<UserId>),
    /// It does not take this filter, neither plain nor as an advanced query.
    Refused(Box<Told>),
}

impl Reader {
    /// The users whom that filter selects, page by page, as [`Reader::each_user`] gives all of them. Where
    /// only an advanced query can tell, nobody is given, and their ids come back.
    pub async fn users_where(
        &self,
        filter: &str,
        fields: Fields,
        each: &mut dyn FnMut(Listed),
    ) -> Result<Filtered, Failure> {
        let query = [PAGE, ("$filter", filter), ("$select", fields.select())];
        let mut given = false;
        let outcome = self
            .each_listed(&query, &mut |listed| {
                given = true;
                each(listed);
            })
            .await;
        match outcome {
            Ok(()) => Ok(Filtered::Given),
            // Once somebody was given, a refusal is about a link of Graph's own.
            Err(Failure::Refused(told)) if told.status == 400 && !given => self.advanced(filter, told).await,
            Err(failure) => Err(failure),
        }
    }

    /// Only the ids of the users whom that filter selects.
    pub async fn ids_where(&self, filter: &str) -> Result<Filtered, Failure> {
        match self.ids(filter, false).await {
            Ok(ids) => Ok(Filtered::OnlyIds(ids)),
            Err(Failure::Refused(told)) if told.status == 400 => self.advanced(filter, told).await,
            Err(failure) => Err(failure),
        }
    }

    /// Asks as an advanced query what was refused as a plain one. Graph says that in several codes, so any 400
    /// is tried; a filter that is wrong stays wrong.
    async fn advanced(&self, filter: &str, refused: Box<Told>) -> Result<Filtered, Failure> {
        match self.ids(filter, true).await {
            Ok(ids) => Ok(Filtered::OnlyIds(ids)),
            Err(Failure::Refused(told)) if told.status == 400 => {
                let unsupported = refused.code == "Request_UnsupportedQuery";
                Ok(Filtered::Refused(if unsupported { told } else { refused }))
            }
            Err(failure) => Err(failure),
        }
    }

    async fn ids(&self, filter: &str, as_advanced: bool) -> Result<Vec<UserId>, Failure> {
        let mut query = vec![PAGE, ("$filter", filter), ("$select", "id")];
        if as_advanced {
            query.push(("$count", "true"));
        }
        let plain = self.client().get(&keys::with_query("/users", &query), Needs::Users);
        let ask = if as_advanced { plain.eventual() } else { plain };
        let (mut ids, _) =
            page::all(self.client(), ask, "user", |user: wire::User| convert::user_id(user.id)).await?;
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::graph::testing::{ADELE, Bench, MEGAN, Prepared, ok, refused, user};

    const LEGAL: &str = "department ne 'Legal'";

    fn page(users: &[Value], next: bool) -> Prepared {
        let link = next.then_some("https://graph.microsoft.com/v1.0/users?$skiptoken=x");
        ok(json!({ "value": users, "@odata.nextLink": link }))
    }

    fn unsupported() -> Prepared {
        refused(400, "Request_UnsupportedQuery", "Unsupported property filter clause operator 'ne'.")
    }

    async fn asked(bench: &Bench, fields: Fields) -> (Result<Filtered, Failure>, Vec<Listed>) {
        let (reader, mut seen) = (bench.reader(), Vec::new());
        (bench.run(reader.users_where(LEGAL, fields, &mut |user| seen.push(user))).await, seen)
    }

    #[tokio::test]
    async fn a_filter_is_asked_in_full_pages_with_the_state() {
        let bench = Bench::new([
            page(&[user(ADELE, "adele@x.com", &[])], true),
            page(&[user(MEGAN, "megan@x.com", &[])], false),
        ]);
        let (outcome, seen) = asked(&bench, Fields::STATE).await;
        assert_eq!((outcome, seen.len()), (Ok(Filtered::Given), 2));
        assert_eq!(
            bench.asked()[0],
            "GET /v1.0/users?$top=999&$filter=department%20ne%20%27Legal%27\
             &$select=id,userPrincipalName,usageLocation,licenseAssignmentStates"
        );
        assert_eq!(bench.sent("consistencylevel"), ["", ""]);
    }

    #[tokio::test]
    async fn what_only_an_advanced_query_can_tell_is_asked_so_on_every_page_and_selects_ids() {
        let (adele, megan) = (json!({ "id": ADELE }), json!({ "id": MEGAN }));
        let bench = Bench::new([
            unsupported(),
            page(std::slice::from_ref(&megan), true),
            page(&[adele, megan], false),
        ]);
        let (outcome, seen) = asked(&bench, Fields { account: true, dates: false }).await;
        let ids = [ADELE, MEGAN].map(|id| id.parse::<UserId>().expect("an id"));
        assert_eq!((outcome, seen), (Ok(Filtered::OnlyIds(ids.to_vec())), Vec::new()));
        let asked = bench.asked();
        assert!(asked[0].contains("accountEnabled,userType"), "{asked:?}");
        assert!(asked[1].ends_with("&$select=id&$count=true"), "{asked:?}");
        assert_eq!(bench.sent("consistencylevel"), ["", "eventual", "eventual"]);
    }

    #[tokio::test]
    async fn a_filter_that_is_refused_both_ways_is_refused_in_the_words_that_say_more() {
        let wrong = || refused(400, "Request_BadRequest", "Invalid filter clause");
        for answers in [[wrong(), unsupported()], [unsupported(), wrong()]] {
            let (outcome, _) = asked(&Bench::new(answers), Fields::STATE).await;
            let Ok(Filtered::Refused(told)) = outcome else { panic!("{outcome:?}") };
            assert_eq!(told.message, "Invalid filter clause");
        }
        let bench = Bench::new([wrong(), wrong()]);
        let outcome = bench.run(bench.reader().ids_where(LEGAL)).await;
        assert!(matches!(outcome, Ok(Filtered::Refused(_))), "{outcome:?}");
    }

    #[tokio::test]
    async fn a_refusal_in_the_middle_says_nothing_about_the_filter() {
        let first = || page(&[user(ADELE, "adele@x.com", &[])], true);
        let bench = Bench::new([first(), unsupported(), first(), unsupported(), first(), unsupported()]);
        let (outcome, _) = asked(&bench, Fields::STATE).await;
        assert!(matches!(outcome, Err(Failure::Refused(_))), "{outcome:?}");
        assert!(bench.sent("consistencylevel").iter().all(String::is_empty));
    }

    #[tokio::test]
    async fn a_user_without_an_id_makes_the_ids_unreadable() {
        let bench = Bench::new([page(&[json!({ "id": ADELE }), json!({})], false)]);
        let outcome = bench.run(bench.reader().ids_where(LEGAL)).await;
        assert!(matches!(outcome, Err(Failure::Unreadable { .. })), "{outcome:?}");
    }
}
