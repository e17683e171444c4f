//! Many small reads in few requests: `$batch`, up to 20 parts each, every part with an outcome of
//! its own (GRAPH 7).
//!
//! Only parts that read. Writes are never batched: they conflict with each other (GRAPH 4.5).

use std::collections::BTreeMap;

use futures_util::future::join_all;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::Value;
use serde_json::value::RawValue;

use super::client::{Answer, Client, Priority, asked, redirected};
use super::envelope::Refusal;
use super::error::Failure;
use super::headers::scrubbed;
use super::permission::Needs;
use super::plain::plain;
use super::throttle::{Patience, TRIES_MAX};
use super::token::TOKEN_REQUEST;
use super::wire::{Batch, BatchAnswer, BatchPart, BatchRequest, Object};
use super::{Claims, Token};

/// The most parts that Graph takes in one batch.
const PARTS_MAX: usize = 20;

/// How the batch as a whole is spoken of.
const BATCH: &str = "POST /$batch";

/// The outcome of one part: its body, or why there is none.
pub(super) type Outcome = Result<Found, Failure>;

/// The body of a part that succeeded, with what a message about it needs.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// What was asked, as `GET /users/…`.
    pub asked: String,
    /// The `request-id` of the part, else of the batch.
    pub request_id: Option<String>,
    /// The body, as it is written.
    pub body: Box<RawValue>,
}

impl Found {
    /// This body does not say what was asked.
    pub(super) fn unreadable(&self, reason: impl Into<String>) -> Failure {
        let (asked, request_id) = (self.asked.clone(), self.request_id.clone());
        Failure::Unreadable { asked, reason: plain(reason), request_id }
    }
}

/// So many batches travel at once: enough to hide an answer's way, and few enough that a refusal is one of few.
const BATCHES_AT_ONCE: usize = 4;

/// So many batches in a row that came to nothing, although each was asked for patiently, are an outage
/// and not an accident.
const OUTAGE_BATCHES: u32 = 2;

/// Gets every path, in as few requests as possible; outcomes in the order of the paths. Parts that
/// are throttled, could not be answered or are missing are asked again, they alone, after the longest
/// `Retry-After` among them. When a whole batch fails, each of its parts has failed with it.
///
/// Some batches travel side by side once one has come back well. In an outage it ends soon: what is left of
/// thousands of batches is not waited for one by one.
pub(super) async fn get_all(client: &Client, paths: &[String], needs: Needs) -> Vec<Outcome> {
    let mut outcomes = Vec::with_capacity(paths.len());
    let (mut lost_in_a_row, mut worn_in_a_row) = (0, 0);
    let mut chunks = paths.chunks(PARTS_MAX);
    let mut at_once = 1;
    while chunks.len() > 0 {
        let tries_max = if worn_in_a_row < OUTAGE_BATCHES { TRIES_MAX } else { 1 };
        let sent = chunks.by_ref().take(at_once).map(|chunk| get_chunk(client, chunk, needs, tries_max));
        let mut gone = None;
        for found in join_all(sent).await {
            let failed = found.iter().filter_map(|one| one.as_ref().err());
            let whole = failed.clone().find(|failure| failure.asked() == BATCH).cloned();
            worn_in_a_row = if failed.clone().any(is_worth_repeating) { worn_in_a_row + 1 } else { 0 };
            lost_in_a_row = if whole.is_some() { lost_in_a_row + 1 } else { 0 };
            outcomes.extend(found);
            let is_gone = |failure: &Failure| is_for_all(failure) || lost_in_a_row >= OUTAGE_BATCHES;
            gone = gone.or(whole.filter(is_gone));
        }
        if let Some(failure) = gone {
            outcomes.extend(chunks.flatten().map(|_| Err(failure.clone())));
            break;
        }
        at_once = if worn_in_a_row + lost_in_a_row == 0 { BATCHES_AT_ONCE } else { 1 };
    }
    outcomes
}

/// Whether the next batch would fail in the same way.
fn is_for_all(failure: &Failure) -> bool {
    failure.ends_the_run() || failure.is_denied() || matches!(failure, Failure::Lost { .. })
}

async fn get_chunk(client: &Client, paths: &[String], needs: Needs, tries_max: u32) -> Vec<Outcome> {
    let mut done: BTreeMap<usize, Outcome> = BTreeMap::new();
    let mut left: Vec<usize> = (0..paths.len()).collect();
    let mut patience = Patience::new(client.ticks());
    let mut had_another_token = false;
    while !left.is_empty() {
        let sent = send(client, paths, &left, needs).await;
        for (&part, outcome) in left.iter().zip(sent.outcomes) {
            done.insert(part, outcome);
        }
        let failed = |part: &usize| done.get(part).and_then(|outcome| outcome.as_ref().err());
        // A part that a token was not good enough for is asked once more with another one.
        let has_another_token = match sent.unauthorized.filter(|_| !had_another_token) {
            Some(unauthorized) => client.tokens().refused(&unauthorized.token, unauthorized.challenge),
            None => false,
        };
        had_another_token |= has_another_token;
        let again = |failure: &Failure| {
            is_worth_repeating(failure) || (has_another_token && failure.is_credentials())
        };
        left.retain(|part| failed(part).is_some_and(again));
        let waits_for = left.iter().filter_map(failed).find(|failure| is_worth_repeating(failure));
        let Some(first) = waits_for else { continue };
        let longest = left.iter().filter_map(failed).filter_map(Failure::retry_after).max();
        if !client.wait(&mut patience, BATCH, first, longest, tries_max).await {
            break;
        }
    }
    done.into_values().collect()
}

/// Whether to ask for a part again. Not when it failed with the whole batch: then the client has
/// been patient already. What is unreadable here is a part that is missing, or answered in two ways.
fn is_worth_repeating(failure: &Failure) -> bool {
    let again = failure.is_transient() || matches!(failure, Failure::Unreadable { .. });
    again && failure.asked() != BATCH && failure.asked() != TOKEN_REQUEST
}

/// What came of one batch.
struct Sent {
    /// In the order of its parts.
    outcomes: Vec<Outcome>,
    /// Some part was answered with 401.
    unauthorized: Option<Unauthorized>,
}

/// A token that was not accepted for a part, and what Graph wants of the next one.
struct Unauthorized {
    token: Token,
    challenge: Option<Claims>,
}

/// One batch of the parts that are left.
async fn send(client: &Client, paths: &[String], left: &[usize], needs: Needs) -> Sent {
    let part = |&part: &usize| BatchRequest { id: part.to_string(), method: "GET", url: paths[part].clone() };
    let batch = Batch { requests: left.iter().map(part).collect() };
    let ask = client.post("/$batch", needs, Priority::Normal, &batch).of_parts(left.len());
    let (answer, parts) = match client.read_as(&ask, parts).await {
        Ok(both) => both,
        Err(failure) => {
            let outcomes = left.iter().map(|_| Err(of_the_whole(failure.clone()))).collect();
            return Sent { outcomes, unauthorized: None };
        }
    };
    let mut found = by_id(parts);
    let refused = found.values().find_map(|part| match part {
        Part::Found(part) if part.status.as_deref() == Some("401") => Some(part),
        Part::Found(_) | Part::Missing | Part::Disputed => None,
    });
    let unauthorized = refused.map(|part| Unauthorized {
        token: answer.token.clone(),
        challenge: Claims::of(&headers(part.headers.clone().unwrap_or_default(), &answer)),
    });
    let outcome = |part: &usize| {
        let own = found.remove(&part.to_string()).unwrap_or(Part::Missing);
        judge(client, &answer, &paths[*part], needs, own)
    };
    Sent { outcomes: left.iter().map(outcome).collect(), unauthorized }
}

/// The parts of an answer, each still as it is written.
fn parts(answer: &Answer) -> Result<Vec<Box<RawValue>>, Failure> {
    let Object(parts): Object<BatchAnswer> = answer.json()?;
    parts.responses.ok_or_else(|| answer.unreadable("it is no batch: `responses` is missing"))
}

/// What the answer says to one id.
enum Part {
    /// Nothing.
    Missing,
    /// This; the same twice is once.
    Found(BatchPart),
    /// Two things, and nobody knows which is true.
    Disputed,
}

/// The parts by their ids, whatever their order. One that cannot be read, or has no id, is one that is
/// missing; one that nobody asked for is never looked up.
fn by_id(parts: Vec<Box<RawValue>>) -> BTreeMap<String, Part> {
    let mut found: BTreeMap<String, Part> = BTreeMap::new();
    for part in parts {
        let Ok(Object(part)) = serde_json::from_str::<Object<BatchPart>>(part.get()) else { continue };
        let Some(id) = part.id.as_ref().map(|id| id.to_ascii_lowercase()) else { continue };
        let part = match found.remove(&id) {
            None | Some(Part::Missing) => Part::Found(part),
            Some(Part::Found(first)) if first.says_the_same_as(&part) => Part::Found(first),
            Some(Part::Found(_) | Part::Disputed) => Part::Disputed,
        };
        found.insert(id, part);
    }
    found
}

impl BatchPart {
    /// Whether two answers to one question are the same in what counts.
    fn says_the_same_as(&self, other: &BatchPart) -> bool {
        let body = |part: &BatchPart| part.body.as_ref().map(|body| body.get().to_owned());
        self.status == other.status && body(self) == body(other)
    }
}

/// "Not found" of the batch itself says nothing about any user or group (P6).
fn of_the_whole(failure: Failure) -> Failure {
    match failure {
        Failure::NotFound(told) => Failure::Refused(told),
        other => other,
    }
}

/// The outcome of one part.
fn judge(client: &Client, answer: &Answer, path: &str, needs: Needs, part: Part) -> Outcome {
    let asked = asked("GET", path);
    let request_id = answer.request_id.clone();
    let unreadable = |reason: &str| {
        let (asked, request_id) = (asked.clone(), request_id.clone());
        Err(Failure::Unreadable { asked, reason: reason.to_owned(), request_id })
    };
    let part = match part {
        Part::Found(part) => part,
        Part::Missing => return unreadable("the batch was answered without it"),
        Part::Disputed => return unreadable("the batch answers it twice, in different ways"),
    };
    let status = part.status.and_then(|status| StatusCode::from_bytes(status.as_bytes()).ok());
    let Some(status) = status else { return unreadable("the batch answers it without a status") };
    let headers = headers(part.headers.unwrap_or_default(), answer);
    client.governor().part_answered(status, &headers);
    let request_id = scrubbed(&headers, "request-id", |id| client.tokens().scrub(id));
    if status.is_success() {
        let body = part.body.unwrap_or_else(|| RawValue::NULL.to_owned());
        return Ok(Found { asked, request_id, body });
    }
    if status.is_redirection() {
        return Err(redirected(&asked, client.root(), &headers));
    }
    let refusal = Refusal {
        asked: &asked,
        needs,
        status,
        headers: &headers,
        body: part.body.and_then(|body| serde_json::from_str(body.get()).ok()),
        instead: "it came without a reason".to_owned(),
        tokens: client.tokens(),
        token: &answer.token,
        client_request_id: &answer.client_request_id,
        now: answer.at,
    };
    Err(refusal.into_failure())
}

/// The headers of a part, with the request id and the date of the batch where it has none.
fn headers(own: BTreeMap<String, Value>, answer: &Answer) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for name in ["request-id", "date"] {
        if let Some(value) = answer.headers.get(name) {
            headers.insert(name, value.clone());
        }
    }
    for (name, value) in own {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(&text)) {
            headers.insert(name, value);
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::graph::testing::{Bench, Prepared, REQUEST_ID, lost, ok, raw, refused};

    fn paths(count: usize) -> Vec<String> {
        (0..count).map(|at| format!("/users/{at}?$select=id")).collect()
    }

    fn parts(parts: &[Value]) -> Prepared {
        ok(json!({ "responses": parts }))
    }

    fn good(id: usize) -> Value {
        json!({ "id": id.to_string(), "status": 200, "headers": {}, "body": { "id": id.to_string() } })
    }

    fn throttled(id: usize, after: &str) -> Value {
        let error = json!({ "error": { "code": "TooManyRequests", "message": "slow down" } });
        json!({ "id": id.to_string(), "status": 429, "headers": { "Retry-After": after }, "body": error })
    }

    fn body(outcome: &Outcome) -> Value {
        serde_json::from_str(outcome.as_ref().expect("found").body.get()).expect("JSON")
    }

    async fn get(bench: &Bench, count: usize) -> Vec<Outcome> {
        bench.run(get_all(&bench.client, &paths(count), Needs::Users)).await
    }

    fn ids(bench: &Bench, request: usize) -> Vec<String> {
        let body = bench.body(request);
        let requests = body["requests"].as_array().expect("requests");
        requests.iter().map(|request| request["id"].as_str().expect("an id").to_owned()).collect()
    }

    #[tokio::test]
    async fn forty_five_parts_travel_in_three_batches_and_keep_their_order() {
        let all: Vec<Value> = (0..20).rev().map(good).collect();
        let bench = Bench::new([parts(&all), parts(&all), parts(&all[15..])]);
        let outcomes = get(&bench, 45).await;
        let bodies: Vec<Value> = outcomes.into_iter().map(|outcome| body(&outcome)["id"].clone()).collect();
        assert_eq!(
            (bodies.len(), &bodies[0], &bodies[19], &bodies[44]),
            (45, &json!("0"), &json!("19"), &json!("4"))
        );
        assert_eq!(bench.asked(), ["POST /v1.0/$batch"; 3]);
        let first = &bench.body(0)["requests"][7];
        assert_eq!(*first, json!({ "id": "7", "method": "GET", "url": "/users/7?$select=id" }));
    }

    #[tokio::test]
    async fn nothing_to_get_is_nothing_to_send() {
        let bench = Bench::new([]);
        assert!(get(&bench, 0).await.is_empty());
    }

    #[tokio::test]
    async fn only_throttled_parts_are_sent_again_after_the_longest_wait_among_them() {
        let bench = Bench::new([
            parts(&[good(0), throttled(1, "5"), throttled(2, "30")]),
            parts(&[good(2), good(1)]),
        ]);
        let outcomes = get(&bench, 3).await;
        assert!(outcomes.iter().all(Result::is_ok));
        assert_eq!((ids(&bench, 0).len(), ids(&bench, 1)), (3, vec!["1".to_owned(), "2".to_owned()]));
        assert!((30..=34).contains(&bench.seconds()), "{}", bench.seconds());
        assert_eq!(bench.waits.borrow()[0].status, Some(429));
    }

    #[tokio::test]
    async fn a_missing_part_is_asked_again_and_then_fails_alone() {
        let first = parts(&[good(0)]);
        let again = (0..7).map(|_| parts(&[]));
        let bench = Bench::new([first].into_iter().chain(again));
        let outcomes = get(&bench, 2).await;
        assert!(outcomes[0].is_ok());
        let failure = outcomes[1].as_ref().expect_err("never answered");
        assert!(matches!(failure, Failure::Unreadable { .. }), "{failure}");
        assert!(failure.to_string().contains("answered without it"), "{failure}");
        assert_eq!(failure.asked(), "GET /users/1");
        assert_eq!(ids(&bench, 7), ["1"]);
    }

    #[tokio::test]
    async fn a_part_that_cannot_be_read_is_one_that_is_missing() {
        let bench = Bench::new([
            parts(&[good(0), json!({ "id": "1", "status": [] }), json!("odd"), json!({ "status": 200 })]),
            parts(&[good(1)]),
        ]);
        assert!(get(&bench, 2).await.iter().all(Result::is_ok));
    }

    #[tokio::test]
    async fn each_part_fails_for_itself_with_its_own_request_id() {
        let denied = json!({
            "id": "1", "status": 403, "headers": { "request-id": "of-the-part" },
            "body": { "error": { "code": "Authorization_RequestDenied", "message": "no" } }
        });
        let absent =
            json!({ "id": "2", "status": 404, "body": { "error": { "code": "Request_ResourceNotFound" } } });
        let moved = json!({ "id": "3", "status": 302, "headers": { "Location": "https://evil.example/x" } });
        let outcomes = get(&Bench::new([parts(&[good(0), denied, absent, moved])]), 4).await;
        assert!(outcomes[0].is_ok());
        let failures: Vec<&Failure> =
            outcomes[1..].iter().map(|outcome| outcome.as_ref().expect_err("failed")).collect();
        assert!(failures[0].is_denied() && failures[2].is_other_origin());
        assert!(matches!(failures[1], Failure::NotFound(_)));
        assert_eq!(failures[0].request_id(), Some("of-the-part"));
        assert_eq!(failures[1].request_id(), Some(REQUEST_ID));
        assert_eq!(failures[1].asked(), "GET /users/2");
    }

    #[tokio::test]
    async fn a_batch_that_fails_fails_all_its_parts_and_nobody_is_absent() {
        let bench = Bench::new([refused(404, "Request_ResourceNotFound", "no such thing")]);
        let outcomes = get(&bench, 3).await;
        assert_eq!(outcomes.len(), 3);
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Err(Failure::Refused(_)))));
        let bench = Bench::new((0..4).map(|_| raw(200, "<html>")));
        assert!(
            get(&bench, 2).await.iter().all(|outcome| matches!(outcome, Err(Failure::Unreadable { .. })))
        );
    }

    #[tokio::test]
    async fn patience_with_a_whole_batch_is_not_spent_twice() {
        let bench = Bench::new((0..8).map(|_| lost()));
        assert!(get(&bench, 2).await.iter().all(|outcome| matches!(outcome, Err(Failure::Lost { .. }))));
        assert_eq!(bench.asked().len(), 8);
    }

    #[tokio::test]
    async fn numbers_as_texts_and_texts_as_numbers_say_the_same() {
        let texts = json!({ "id": "0", "status": "200", "body": { "id": "0" } });
        let numbers = json!({ "id": 1, "status": 200, "body": { "id": "1" } });
        let busy = json!({ "id": 2, "status": "429", "headers": { "Retry-After": 20 } });
        let bench = Bench::new([parts(&[texts, numbers, busy]), parts(&[good(2)])]);
        let outcomes = get(&bench, 3).await;
        assert_eq!([0, 1, 2].map(|at| body(&outcomes[at])["id"].clone()), ["0", "1", "2"]);
        assert!((20..=23).contains(&bench.seconds()), "{}", bench.seconds());
    }

    #[tokio::test]
    async fn an_answer_for_somebody_who_was_not_asked_for_is_not_taken() {
        let stranger = json!({ "id": "7", "status": 200, "body": { "id": "7" } });
        let bench = Bench::new([parts(&[stranger.clone(), good(0), stranger])]);
        let outcomes = get(&bench, 1).await;
        assert_eq!(outcomes.len(), 1);
        assert_eq!(body(&outcomes[0]), json!({ "id": "0" }));
    }

    #[tokio::test]
    async fn one_answer_twice_is_one_and_two_answers_are_none() {
        let other = json!({ "id": "1", "status": 200, "body": { "id": "1", "more": true } });
        let absent = json!({ "id": "2", "status": 404, "body": {} });
        let twice = [good(0), good(0), good(1), other.clone(), absent, good(2)];
        let bench = Bench::new([parts(&twice), parts(&[good(1), good(2)])]);
        assert!(get(&bench, 3).await.iter().all(Result::is_ok));
        assert_eq!(ids(&bench, 1), ["1", "2"]);
        let bench = Bench::new((0..8).map(move |_| parts(&[good(0), good(1), other.clone(), good(1)])));
        let outcomes = get(&bench, 2).await;
        let failure = outcomes[1].as_ref().expect_err("disputed");
        assert!(matches!(failure, Failure::Unreadable { .. }), "{failure}");
        assert!(failure.to_string().contains("in different ways"), "{failure}");
    }

    #[tokio::test]
    async fn a_batch_without_responses_is_asked_again_and_then_unreadable() {
        let bench = Bench::new([ok(json!({})), raw(200, "<html>"), parts(&[good(0)])]);
        assert!(get(&bench, 1).await[0].is_ok());
        let bench = Bench::new((0..4).map(|_| ok(json!({ "responses": null }))));
        let outcomes = get(&bench, 1).await;
        assert!(matches!(&outcomes[0], Err(Failure::Unreadable { .. })));
    }

    #[tokio::test]
    async fn an_outage_is_not_waited_for_batch_by_batch() {
        let bench = Bench::new((0..).map(|_| raw(503, "")));
        let outcomes = get(&bench, 2000).await;
        assert_eq!(outcomes.len(), 2000);
        assert!(outcomes.iter().all(|one| matches!(one, Err(Failure::Unavailable(_)))));
        assert_eq!(bench.asked().len(), 16);
        let bench = Bench::new((0..).map(|_| lost()));
        assert_eq!(get(&bench, 2000).await.len(), 2000);
        assert_eq!(bench.asked().len(), 8);
    }

    #[tokio::test]
    async fn parts_that_all_fail_for_ever_are_asked_once_each_in_the_end() {
        let busy = |id: usize| json!({ "id": id.to_string(), "status": 503 });
        let all: Vec<Value> = (0..20).map(busy).collect();
        let bench = Bench::new((0..).map(move |_| parts(&all)));
        assert!(get(&bench, 2000).await.iter().all(|one| matches!(one, Err(Failure::Unavailable(_)))));
        assert_eq!(bench.asked().len(), 8 + 8 + 98);
        assert!(bench.seconds() < 240, "{}", bench.seconds());
    }

    #[tokio::test]
    async fn a_batch_or_a_part_that_is_a_list_is_not_read_by_the_order_of_its_values() {
        let list = r#"[[{"id":"0","status":200,"body":{"id":"0"}}]]"#;
        let part = r#"{"responses":[["0",200,{},{"id":"0"}]]}"#;
        let bench = Bench::new([raw(200, list), raw(200, part), parts(&[good(0)])]);
        assert!(get(&bench, 1).await[0].is_ok());
        assert_eq!(bench.asked().len(), 3);
    }

    #[tokio::test]
    async fn a_part_with_a_key_twice_is_one_that_is_missing() {
        let twice = r#"{"responses":[{"id":"0","id":"1","status":200,"body":{"id":"0"}}]}"#;
        let bench = Bench::new([raw(200, twice), parts(&[good(0)])]);
        assert!(get(&bench, 1).await[0].is_ok());
        assert_eq!(bench.asked().len(), 2);
    }
}
