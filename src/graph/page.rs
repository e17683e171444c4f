//! Collections page by page. The next link is opaque and followed as it is, only on the origin of
//! this run, until there is none (GRAPH 2.2).

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::client::{Answer, Ask, Client};
use super::convert::{Malformed, unfit};
use super::error::Failure;
use super::root::origin_of;
use super::wire::Page;

/// More pages than that are taken for a server that does not end. The largest tenant that advaudit
/// is made for has 500,000 users: 501 pages of 999, or 5,000 where a server insists on its default
/// of 100.
const PAGES_MAX: usize = 20_000;

/// What is done with one page: the answer it came in, for its request id, and its entries.
pub(super) type EachPage<'a, T> =
    &'a mut dyn FnMut(&Answer, Vec<Result<T, Malformed>>) -> Result<(), Failure>;

/// Reads every page, in order. A page may be empty and still have a next one. Entries that do not
/// fit the wire type are given as [`Malformed`] `what`, each for itself. After a failure what was
/// given is not the whole collection. Returns the last answer, for messages about the whole.
pub(super) async fn each_page<T: DeserializeOwned>(
    client: &Client,
    first: Ask,
    what: &'static str,
    each: EachPage<'_, T>,
) -> Result<Answer, Failure> {
    let mut ask = first;
    let mut followed = BTreeSet::new();
    loop {
        let answer = client.read(&ask).await?;
        let (entries, next) = entries(&answer, what)?;
        each(&answer, entries)?;
        let Some(link) = next else { return Ok(answer) };
        ask = follow(client, &ask, &answer, &link)?;
        let reason = if followed.len() >= PAGES_MAX {
            format!("there are more than {PAGES_MAX}")
        } else if !followed.insert(link) {
            "a link came a second time".to_owned()
        } else {
            continue;
        };
        let (asked, request_id) = (answer.asked, answer.request_id);
        return Err(Failure::Endless { asked, reason, request_id });
    }
}

/// All entries of a collection of which none may be missing: one that cannot be read is a failure.
/// With the last answer, for messages about the whole.
pub(super) async fn all<T: DeserializeOwned, V>(
    client: &Client,
    first: Ask,
    what: &'static str,
    convert: impl Fn(T) -> Result<V, Malformed>,
) -> Result<(Vec<V>, Answer), Failure> {
    let mut all = Vec::new();
    let last = each_page(client, first, what, &mut |answer, entries: Vec<Result<T, Malformed>>| {
        for entry in entries {
            let value = entry.and_then(&convert).map_err(|error| answer.unreadable(error.to_string()))?;
            all.push(value);
        }
        Ok(())
    })
    .await?;
    Ok((all, last))
}

/// The question for the next page.
fn follow(client: &Client, ask: &Ask, answer: &Answer, link: &str) -> Result<Ask, Failure> {
    if client.root().holds(link) {
        return Ok(ask.next(link));
    }
    let (asked, request_id) = (answer.asked.clone(), answer.request_id.clone());
    Err(Failure::OtherOrigin { asked, origin: origin_of(link), request_id })
}

/// One entry, or why it is none.
type Entries<T> = Vec<Result<T, Malformed>>;

/// The entries of one page and the link to the next. Read typed in one go, which is three times as
/// fast; only when something does not fit is it taken apart to find which.
fn entries<T: DeserializeOwned>(
    answer: &Answer,
    what: &'static str,
) -> Result<(Entries<T>, Option<String>), Failure> {
    let (values, next) = match serde_json::from_slice::<Page<T>>(&answer.body) {
        Ok(page) => (page.value.map(|entries| entries.into_iter().map(Ok).collect()), page.next_link),
        Err(_) => {
            let page: Page<Value> = answer.json()?;
            let entries =
                page.value.map(|entries| entries.into_iter().map(|entry| fit(what, entry)).collect());
            (entries, page.next_link)
        }
    };
    let values = values.ok_or_else(|| answer.unreadable("it is not a page: `value` is missing"))?;
    Ok((values, next))
}

fn fit<T: DeserializeOwned>(what: &'static str, entry: Value) -> Result<T, Malformed> {
    T::deserialize(&entry).map_err(|error| unfit(what, &entry, error))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::graph::permission::Needs;
    use crate::graph::testing::{Bench, REQUEST_ID, ok, raw};
    use crate::graph::wire::Member;

    const NEXT: &str = "https://graph.microsoft.com/v1.0/users?$skiptoken=RFNwdAIAAQ%2b'x'";

    fn page(ids: &[&str], next: Option<&str>) -> Value {
        let value: Vec<Value> = ids.iter().map(|id| json!({ "id": id })).collect();
        match next {
            Some(next) => json!({ "value": value, "@odata.nextLink": next }),
            None => json!({ "value": value }),
        }
    }

    async fn ids(bench: &Bench) -> Result<Vec<Option<String>>, Failure> {
        let ask = bench.client.get("/users?$top=999", Needs::Users);
        bench.run(all(&bench.client, ask, "user", |member: Member| Ok(member.id))).await.map(|(ids, _)| ids)
    }

    #[tokio::test]
    async fn the_next_link_is_followed_as_it_is_and_an_empty_page_is_not_the_last() {
        let bench = Bench::new([
            ok(page(&["1"], Some(NEXT))),
            ok(page(&[], Some(&format!("{NEXT}2")))),
            ok(page(&["2"], None)),
        ]);
        assert_eq!(ids(&bench).await.expect("pages"), [Some("1".to_owned()), Some("2".to_owned())]);
        let path = NEXT.trim_start_matches("https://graph.microsoft.com");
        assert_eq!(
            bench.asked(),
            ["GET /v1.0/users?$top=999", &format!("GET {path}"), &format!("GET {path}2")]
        );
    }

    #[tokio::test]
    async fn a_link_to_another_origin_ends_the_reading_and_nothing_is_sent_there() {
        for link in [
            "https://evil.example/v1.0/users?$skiptoken=secret",
            "http://graph.microsoft.com/v1.0/users",
            "https://graph.microsoft.com:444/v1.0/users",
            "https://graph.microsoft.com@evil.example/",
            "/v1.0/users?$skiptoken=x",
            "",
        ] {
            let bench = Bench::new([ok(page(&["1"], Some(link)))]);
            let failure = ids(&bench).await.expect_err("another origin");
            assert!(failure.is_other_origin(), "{link}: {failure}");
            assert!(failure.to_string().contains(REQUEST_ID));
            assert!(!failure.to_string().contains("secret"));
            assert_eq!(bench.asked().len(), 1);
        }
    }

    #[tokio::test]
    async fn a_link_that_comes_again_is_an_error() {
        let bench = Bench::new([ok(page(&["1"], Some(NEXT))), ok(page(&["2"], Some(NEXT)))]);
        let failure = ids(&bench).await.expect_err("endless");
        assert!(matches!(failure, Failure::Endless { .. }), "{failure}");
    }

    #[tokio::test]
    async fn what_is_not_a_page_is_not_an_empty_page() {
        for body in
            ["{}", "", "null", "[]", r#"{"value":null}"#, r#"{"value":[],"@odata.nextLink":7}"#, "<html>"]
        {
            let bench = Bench::new([raw(200, body)]);
            let failure = ids(&bench).await.expect_err("no page");
            assert!(matches!(failure, Failure::Unreadable { .. }), "{body}: {failure}");
        }
    }

    #[tokio::test]
    async fn a_throttled_page_is_asked_again_and_the_reading_goes_on() {
        let bench = Bench::new([
            ok(page(&["1"], Some(NEXT))),
            raw(429, "").with("retry-after", "5"),
            ok(page(&["2"], None)),
        ]);
        assert_eq!(ids(&bench).await.expect("pages").len(), 2);
        assert_eq!(bench.asked()[1], bench.asked()[2]);
    }
}
