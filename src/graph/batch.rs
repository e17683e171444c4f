//! Many small reads in few requests: `$batch`, up to 20 parts each, every part with an outcome of
//! its own (GRAPH 7).
//!
//! Only parts that read. Writes are never batched: they conflict with each other (GRAPH 4.5).

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::Value;

use super::client::{Answer, Client, Priority, asked, redirected};
use super::envelope::Refusal;
use super::error::Failure;
use super::headers::header;
use super::permission::Needs;
use super::plain::plain;
use super::throttle::{Patience, TRIES_MAX};
use super::token::TOKEN_REQUEST;
use super::wire::{Batch, BatchAnswer, BatchPart, BatchRequest};
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
    /// The body.
    pub body: Value,
}

impl Found {
    /// This body does not say what was asked.
    pub(super) fn unreadable(&self, reason: impl Into<String>) -> Failure {
        let (asked, request_id) = (self.asked.clone(), self.request_id.clone());
        Failure::Unreadable { asked, reason: plain(reason), request_id }
    }
}

/// Gets every path, in as few requests as possible; outcomes in the order of the paths. Parts that
/// are throttled, could not be answered or are missing are asked again, they alone, after the longest
/// `Retry-After` among them. When a whole batch fails, each of its parts has failed with it.
pub(super) async fn get_all(client: &Client, paths: &[String], needs: Needs) -> Vec<Outcome> {
    let mut outcomes = Vec::with_capacity(paths.len());
    for chunk in paths.chunks(PARTS_MAX) {
        outcomes.extend(get_chunk(client, chunk, needs).await);
    }
    outcomes
}

async fn get_chunk(client: &Client, paths: &[String], needs: Needs) -> Vec<Outcome> {
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
        if !client.wait(&mut patience, BATCH, first, longest, TRIES_MAX).await {
            break;
        }
    }
    done.into_values().collect()
}

/// Whether to ask for a part again. Not when it failed with the whole batch: then the client has
/// been patient already.
fn is_worth_repeating(failure: &Failure) -> bool {
    failure.is_transient() && failure.asked() != BATCH && failure.asked() != TOKEN_REQUEST
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
    let answer = client.read(&ask).await;
    let parts = answer.and_then(|answer| answer.json().map(|parts| (answer, parts)));
    let (answer, parts): (Answer, BatchAnswer) = match parts {
        Ok(both) => both,
        Err(failure) => {
            let outcomes = left.iter().map(|_| Err(of_the_whole(failure.clone()))).collect();
            return Sent { outcomes, unauthorized: None };
        }
    };
    let mut found: BTreeMap<String, BatchPart> = BTreeMap::new();
    for part in parts.responses.unwrap_or_default() {
        // A part that cannot be read, or has no id, is one that is missing.
        if let Ok(BatchPart { id: Some(id), .. }) = serde_json::from_value(part.clone())
            && let Ok(part) = serde_json::from_value(part)
        {
            found.insert(id.to_ascii_lowercase(), part);
        }
    }
    let unauthorized = found.values().find(|part| part.status == Some(401)).map(|part| Unauthorized {
        token: answer.token.clone(),
        challenge: Claims::of(&headers(part.headers.clone().unwrap_or_default(), &answer)),
    });
    let outcome =
        |part: &usize| judge(client, &answer, &paths[*part], needs, found.remove(&part.to_string()));
    Sent { outcomes: left.iter().map(outcome).collect(), unauthorized }
}

/// "Not found" of the batch itself says nothing about any user or group (P6).
fn of_the_whole(failure: Failure) -> Failure {
    match failure {
        Failure::NotFound(told) => Failure::Refused(told),
        other => other,
    }
}

/// The outcome of one part.
fn judge(client: &Client, answer: &Answer, path: &str, needs: Needs, part: Option<BatchPart>) -> Outcome {
    let asked = asked("GET", path);
    let status = part.as_ref().and_then(|part| part.status).and_then(|code| StatusCode::from_u16(code).ok());
    let (Some(part), Some(status)) = (part, status) else {
        let reason = "the batch was answered without it".to_owned();
        let client_request_id = answer.client_request_id.clone();
        return Err(Failure::Lost { asked, reason, never_left: false, client_request_id });
    };
    let headers = headers(part.headers.unwrap_or_default(), answer);
    let request_id = header(&headers, "request-id").map(|id| client.tokens().scrub(&id));
    if status.is_success() {
        return Ok(Found { asked, request_id, body: part.body.unwrap_or_default() });
    }
    if status.is_redirection() {
        return Err(redirected(&asked, client.root(), &headers));
    }
    if status == StatusCode::TOO_MANY_REQUESTS {
        client.governor().part_refused(&headers);
    }
    let refusal = Refusal {
        asked: &asked,
        needs,
        status,
        headers: &headers,
        body: part.body,
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
        let bodies: Vec<Value> =
            outcomes.into_iter().map(|outcome| outcome.expect("found").body["id"].clone()).collect();
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
        assert!(matches!(failure, Failure::Lost { never_left: false, .. }), "{failure}");
        assert_eq!(failure.asked(), "GET /users/1");
        assert_eq!(ids(&bench, 7), ["1"]);
    }

    #[tokio::test]
    async fn a_part_that_cannot_be_read_is_one_that_is_missing() {
        let bench = Bench::new([
            parts(&[good(0), json!({ "id": "1", "status": "200" }), json!("odd"), json!({ "status": 200 })]),
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
        let bench = Bench::new([raw(200, "<html>")]);
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
}
