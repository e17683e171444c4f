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
/// given is not the whole collection.
pub(super) async fn each_page<T: DeserializeOwned>(
    client: &Client,
    first: Ask,
    what: &'static str,
    each: EachPage<'_, T>,
) -> Result<(), Failure> {
    let mut ask = first;
    let mut followed = BTreeSet::new();
    loop {
        let answer = client.read(&ask).await?;
        let (entries, next) = entries(&answer, what)?;
        each(&answer, entries)?;
        let Some(link) = next else { return Ok(()) };
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
pub(super) async fn all<T: DeserializeOwned, V>(
    client: &Client,
    first: Ask,
    what: &'static str,
    convert: impl Fn(T) -> Result<V, Malformed>,
) -> Result<Vec<V>, Failure> {
    let mut all = Vec::new();
    each_page(client, first, what, &mut |answer, entries: Vec<Result<T, Malformed>>| {
        for entry in entries {
            let value = entry.and_then(&convert).map_err(|error| answer.unreadable(error.to_string()))?;
            all.push(value);
        }
        Ok(())
    })
    .await?;
    Ok(all)
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
