//! Collections page by page. The next link is opaque and followed as it is, only on the origin of
//! this run, until there is none (GRAPH 2.2).

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::ahead::Ahead;
use super::client::{Answer, Ask, Client};
use super::convert::{Malformed, unfit};
use super::error::{Failure, Told};
use super::root::origin_of;
use super::throttle::Patience;
use super::wire::{Object, Page};
use crate::model::SignedDuration;

/// More pages than that are taken for a server that does not end. The largest tenant that advaudit
/// is made for has 500,000 users: 501 pages of 999, or 5,000 where a server insists on its default
/// of 100.
const PAGES_MAX: usize = 20_000;

/// More pages in a row without an entry are taken for one too. One or two are ordinary (GRAPH 2.2).
const EMPTY_PAGES_MAX: usize = 100;

/// More entries than that are of no tenant, and would fill the memory.
const ENTRIES_MAX: usize = 5_000_000;

/// Pages that take longer altogether are taken for one too: a second for each of the 5,000 pages,
/// and as long again for what is throttled meanwhile.
const PAGING_MAX: SignedDuration = SignedDuration::from_hours(3);

/// How often a collection is read in all, when the server forgets in the middle where it was.
const BEGINNINGS_MAX: u32 = 3;

/// What a reader of a collection is given.
pub(super) enum Step<'a, T> {
    /// The next page: the answer it came in, for its request id, and its entries.
    Page(&'a Answer, Vec<Result<T, Malformed>>),
    /// The server has forgotten where it was. What was given so far does not count; the first page
    /// comes next.
    FromTheStart,
}

/// What is done with each step.
pub(super) type EachStep<'a, T> = &'a mut dyn FnMut(Step<'_, T>) -> Result<(), Failure>;

/// Why pages ended before the last one.
enum Broken {
    /// The server does not know its own link any more.
    Expired(Box<Told>),
    /// Anything else.
    Failed(Failure),
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        Broken::Failed(failure)
    }
}

/// Reads every page, in order. A page may be empty and still have a next one. Entries that do not
/// fit the wire type are given as [`Malformed`] `what`, each for itself. After a failure what was
/// given is not the whole collection. Returns the last answer, for messages about the whole.
///
/// A link that has expired in the middle (GRAPH 2.2) is begun again, from the start: a link is
/// opaque, so there is no other place to go on from.
pub(super) async fn each_page<T: DeserializeOwned>(
    client: &Client,
    first: Ask,
    what: &'static str,
    each: EachStep<'_, T>,
) -> Result<Answer, Failure> {
    let mut patience = Patience::new(client.ticks());
    loop {
        let told = match walk(client, &first, what, each).await {
            Ok(last) => return Ok(last),
            Err(Broken::Failed(failure)) => return Err(failure),
            Err(Broken::Expired(told)) => told,
        };
        // "Not found" of a link says nothing about what was asked for (P6).
        let failure = Failure::Refused(told);
        if !client.wait(&mut patience, &first.asked, &failure, failure.retry_after(), BEGINNINGS_MAX).await {
            return Err(failure);
        }
        each(Step::FromTheStart)?;
    }
}

/// The entries of the first page, and whether another one follows.
pub(super) async fn first<T: DeserializeOwned>(
    client: &Client,
    ask: &Ask,
    what: &'static str,
    each: &mut dyn FnMut(Vec<Result<T, Malformed>>),
) -> Result<bool, Failure> {
    let (answer, (entries, next)) = client.read_as(ask, |answer| entries(answer, what)).await?;
    let more = next.map(|link| follow(client, ask, &answer, &link)).transpose()?.is_some();
    each(entries);
    Ok(more)
}

/// From the first page to the last one. While a page is taken apart the next one is on its way already.
async fn walk<T: DeserializeOwned>(
    client: &Client,
    first: &Ask,
    what: &'static str,
    each: EachStep<'_, T>,
) -> Result<Answer, Broken> {
    let mut way = Way::new(client.ticks());
    let mut ask = first.clone();
    let mut ahead: Option<Ahead<'_>> = None;
    loop {
        let came = match ahead.take() {
            Some(ahead) => ahead.came().await,
            None => client.read(&ask).await,
        };
        let read = match came {
            Ok(answer) => {
                ahead = Ahead::send(client, &ask, &answer, |link| way.links.contains(&digest(link))).await;
                client.read_on(&ask, answer, |answer| entries(answer, what)).await
            }
            Err(failure) => Err(failure),
        };
        let (answer, (entries, next)) = match read {
            Err(failure) if !way.links.is_empty() => return Err(expired(failure)),
            read => read?,
        };
        way.count(entries.len());
        each(Step::Page(&answer, entries))?;
        let Some(link) = next else { return Ok(answer) };
        ask = follow(client, &ask, &answer, &link)?;
        if let Some(reason) = way.is_endless(&link, client.ticks()) {
            let (asked, request_id) = (answer.asked, answer.request_id);
            return Err(Failure::Endless { asked, reason, request_id }.into());
        }
        ahead = ahead.filter(|ahead| ahead.is_of(&link));
    }
}

/// What a link of the server's own is answered with when it has expired: `Directory_ExpiredPageToken`,
/// `Request_UnsupportedQuery` with a skip token in the message, `syncStateNotFound`, `resyncRequired`,
/// 410, 404. Not one of them is documented for lists, so the status decides and not the word: the
/// server made this link a moment ago, and whatever it has against it now, another one helps.
fn expired(failure: Failure) -> Broken {
    match failure {
        Failure::NotFound(told) => Broken::Expired(told),
        Failure::Refused(told) if matches!(told.status, 400 | 410) => Broken::Expired(told),
        failure => Broken::Failed(failure),
    }
}

/// How far a collection has been read.
struct Way {
    begun: SignedDuration,
    /// Each link followed, as a short digest: a server may make them long.
    links: BTreeSet<u64>,
    entries: usize,
    empty_in_a_row: usize,
}

impl Way {
    fn new(ticks: SignedDuration) -> Self {
        Way { begun: ticks, links: BTreeSet::new(), entries: 0, empty_in_a_row: 0 }
    }

    fn count(&mut self, entries: usize) {
        self.entries += entries;
        self.empty_in_a_row = if entries == 0 { self.empty_in_a_row + 1 } else { 0 };
    }

    /// Why the next link is not followed.
    fn is_endless(&mut self, link: &str, ticks: SignedDuration) -> Option<String> {
        if !self.links.insert(digest(link)) {
            Some("a link came a second time".to_owned())
        } else if self.links.len() > PAGES_MAX {
            Some(format!("there are more than {PAGES_MAX}"))
        } else if self.empty_in_a_row > EMPTY_PAGES_MAX {
            Some(format!("more than {EMPTY_PAGES_MAX} in a row are empty"))
        } else if self.entries > ENTRIES_MAX {
            Some(format!("they hold more than {ENTRIES_MAX} entries"))
        } else if ticks - self.begun > PAGING_MAX {
            Some(format!("after {} hours there is still another one", PAGING_MAX.as_hours()))
        } else {
            None
        }
    }
}

fn digest(link: &str) -> u64 {
    let mut digest = DefaultHasher::new();
    link.hash(&mut digest);
    digest.finish()
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
    let last = each_page(client, first, what, &mut |step: Step<'_, T>| {
        let Step::Page(answer, entries) = step else {
            all.clear();
            return Ok(());
        };
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
/// fast; only when something does not fit is it taken apart to find which. Entry by entry from the
/// text: a key that stands twice would otherwise be read as the last of the two.
fn entries<T: DeserializeOwned>(
    answer: &Answer,
    what: &'static str,
) -> Result<(Entries<T>, Option<String>), Failure> {
    // The text is held against UTF-8 as a whole, which is faster than each string of it by itself.
    let typed = match str::from_utf8(&answer.body) {
        Ok(text) => serde_json::from_str::<Object<Page<Object<T>>>>(text),
        Err(_) => serde_json::from_slice(&answer.body),
    };
    let (values, next) = match typed {
        Ok(Object(page)) => {
            (page.value.map(|entries| entries.into_iter().map(|entry| Ok(entry.0)).collect()), page.next_link)
        }
        Err(_) => {
            let Object(page): Object<Page<Box<RawValue>>> = answer.json()?;
            let entries = page.value.map(|entries| entries.iter().map(|entry| fit(what, entry)).collect());
            (entries, page.next_link)
        }
    };
    let values = values.ok_or_else(|| answer.unreadable("it is not a page: `value` is missing"))?;
    Ok((values, next))
}

/// One object as it is written.
pub(super) fn fit<T: DeserializeOwned>(what: &'static str, entry: &RawValue) -> Result<T, Malformed> {
    let object: Result<Object<T>, _> = serde_json::from_str(entry.get());
    object.map(|object| object.0).map_err(|error| unfit(what, entry, error))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::graph::permission::Needs;
    use crate::graph::testing::{Bench, Prepared, REQUEST_ID, ok, raw, refused};
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
        bench
            .run(all(&bench.client, ask, "user", |member: Member| Ok(member.id.map(|id| id.to_string()))))
            .await
            .map(|(ids, _)| ids)
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
            let bench = Bench::new((0..4).map(|_| raw(200, body)));
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

    /// A page whose link is another one each time.
    fn nth(nth: usize, ids: &[&str]) -> Prepared {
        ok(page(ids, Some(&format!("{NEXT}{nth}"))))
    }

    #[tokio::test]
    async fn a_page_that_is_html_or_cut_off_is_asked_again_and_then_counts() {
        let bench = Bench::new([
            raw(200, "<html>sign in</html>"),
            raw(200, r#"{"value":[{"id":"1"#),
            ok(page(&["1"], None)),
        ]);
        assert_eq!(ids(&bench).await.expect("pages"), [Some("1".to_owned())]);
        assert_eq!((bench.asked().len(), bench.waits.borrow().len()), (3, 2));
        assert!((3..=4).contains(&bench.seconds()), "{}", bench.seconds());
    }

    #[tokio::test]
    async fn different_links_for_ever_end_with_an_honest_bound() {
        let bench = Bench::new((0..).map(|at| nth(at, &["1"])));
        let failure = ids(&bench).await.expect_err("endless");
        assert!(failure.to_string().contains("there are more than 20000"), "{failure}");
        assert!(failure.to_string().contains(REQUEST_ID), "{failure}");
    }

    #[tokio::test]
    async fn empty_pages_for_ever_end_much_sooner() {
        let bench = Bench::new((0..).map(|at| nth(at, &[])));
        let failure = ids(&bench).await.expect_err("endless");
        assert!(failure.to_string().contains("more than 100 in a row are empty"), "{failure}");
        assert_eq!(bench.asked().len(), EMPTY_PAGES_MAX + 1);
    }

    #[tokio::test]
    async fn a_hundred_empty_pages_before_the_rest_are_only_strange() {
        let empty = (0..EMPTY_PAGES_MAX).map(|at| nth(at, &[]));
        let bench = Bench::new(empty.chain([ok(page(&["1"], None))]));
        assert_eq!(ids(&bench).await.expect("pages").len(), 1);
    }

    #[tokio::test]
    async fn pages_that_all_come_slowly_end_after_hours() {
        let slow = |at: usize| [raw(503, "").with("retry-after", "500"), nth(at, &["1"])];
        let bench = Bench::new((0..).flat_map(slow));
        let failure = ids(&bench).await.expect_err("endless");
        assert!(failure.to_string().contains("after 3 hours there is still another one"), "{failure}");
        assert!((10_800..11_500).contains(&bench.seconds()), "{}", bench.seconds());
    }

    #[tokio::test]
    async fn a_link_that_has_expired_is_begun_again_from_the_start() {
        for (status, code) in [
            (400, "Directory_ExpiredPageToken"),
            (400, "Request_UnsupportedQuery"),
            (404, "Request_ResourceNotFound"),
            (410, "resyncRequired"),
        ] {
            let bench = Bench::new([
                ok(page(&["1"], Some(NEXT))),
                refused(status, code, "The skip token is expired."),
                ok(page(&["1"], Some(&format!("{NEXT}2")))),
                ok(page(&["2"], None)),
            ]);
            let found = ids(&bench).await.expect("pages");
            assert_eq!(found, [Some("1".to_owned()), Some("2".to_owned())], "{code}: nobody twice");
            assert_eq!(bench.asked()[2], "GET /v1.0/users?$top=999", "{code}");
            assert_eq!(bench.waits.borrow().len(), 1, "{code}: it is said");
        }
    }

    #[tokio::test]
    async fn links_that_always_expire_end_after_three_beginnings_and_nothing_is_absent() {
        let once = || [ok(page(&["1"], Some(NEXT))), refused(404, "Request_ResourceNotFound", "gone")];
        let bench = Bench::new((0..3).flat_map(move |_| once()));
        let failure = ids(&bench).await.expect_err("never whole");
        assert!(matches!(failure, Failure::Refused(_)), "{failure}");
        assert_eq!(bench.asked().len(), 6);
    }

    #[tokio::test]
    async fn a_first_page_that_is_refused_is_no_expired_link() {
        for status in [400, 404, 410] {
            let bench = Bench::new([refused(status, "Word", "no")]);
            ids(&bench).await.expect_err("refused");
            assert_eq!(bench.asked().len(), 1);
        }
    }

    #[tokio::test]
    async fn an_object_with_a_key_twice_cannot_be_read_and_the_others_can() {
        let body = r#"{"value":[{"id":"1","id":"2"},{"id":"3","other":1,"other":2}]}"#;
        let bench = Bench::new([raw(200, body)]);
        let failure = ids(&bench).await.expect_err("which of the two");
        assert!(failure.to_string().contains("duplicate field `id`"), "{failure}");
        let page = r#"{"value":[],"value":[{"id":"1"}]}"#;
        let bench = Bench::new((0..4).map(|_| raw(200, page)));
        assert!(matches!(ids(&bench).await, Err(Failure::Unreadable { .. })));
    }

    #[tokio::test]
    async fn a_list_in_the_place_of_an_object_is_not_read_by_the_order_of_its_values() {
        for body in [r#"[[{"id":"1"}],null]"#, r#"{"value":{"id":"1"}}"#] {
            let bench = Bench::new((0..4).map(move |_| raw(200, body)));
            assert!(matches!(ids(&bench).await, Err(Failure::Unreadable { .. })), "{body}");
        }
        let bench = Bench::new([raw(200, r##"{"value":[["#microsoft.graph.user","1"]]}"##)]);
        assert!(matches!(ids(&bench).await, Err(Failure::Unreadable { .. })));
    }

    #[tokio::test]
    async fn deep_json_and_wrong_encodings_are_unreadable() {
        let deep = format!(r#"{{"value":[{{"id":{}1{}}}]}}"#, "[".repeat(100_000), "]".repeat(100_000));
        let link = format!(r#"{{"value":[],"@odata.nextLink":{}}}"#, "[".repeat(1_000_000));
        let wrong = b"{\"value\":[{\"id\":\"\xff\xfe\"}]}".to_vec();
        for body in [deep.into_bytes(), link.into_bytes(), wrong] {
            let answer = move |_| Prepared::Answer(http::Response::new(body.clone()));
            let bench = Bench::new((0..4).map(answer));
            assert!(matches!(ids(&bench).await, Err(Failure::Unreadable { .. })));
        }
        let unasked =
            format!(r#"{{"value":[{{"id":"1","x":{}1{}}}]}}"#, "[".repeat(99_999), "]".repeat(99_999));
        let bench = Bench::new([raw(200, &unasked).with("content-type", "text/plain")]);
        assert_eq!(ids(&bench).await.expect("what was not asked for is not read").len(), 1);
    }
}
