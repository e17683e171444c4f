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
use super::permission::Needs;
use super::throttle::{Patience, TRIES_MAX};
use super::wire::{Batch, BatchAnswer, BatchPart, BatchRequest};

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
        Failure::Unreadable { asked, reason: reason.into(), request_id }
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
    let mut patience = Patience::new(client.now());
    while !left.is_empty() {
        let answers = send(client, paths, &left, needs).await;
        for (&part, outcome) in left.iter().zip(answers) {
            done.insert(part, outcome);
        }
        let failed = |part: &usize| done.get(part).and_then(|outcome| outcome.as_ref().err());
        left.retain(|part| failed(part).is_some_and(|failure| is_worth_repeating(failure)));
        let Some(first) = left.first().and_then(failed) else { break };
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
    failure.is_transient() && failure.asked() != BATCH
}

/// One batch of the parts that are left; outcomes in their order.
async fn send(client: &Client, paths: &[String], left: &[usize], needs: Needs) -> Vec<Outcome> {
    let part = |&part: &usize| BatchRequest { id: part.to_string(), method: "GET", url: paths[part].clone() };
    let batch = Batch { requests: left.iter().map(part).collect() };
    let ask = client.post("/$batch", needs, Priority::Normal, &batch);
    let answer = client.read(&ask).await;
    let parts = answer.and_then(|answer| answer.json().map(|parts| (answer, parts)));
    let (answer, parts): (Answer, BatchAnswer) = match parts {
        Ok(both) => both,
        Err(failure) => return left.iter().map(|_| Err(of_the_whole(failure.clone()))).collect(),
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
    let outcome =
        |part: &usize| judge(client, &answer, &paths[*part], needs, found.remove(&part.to_string()));
    left.iter().map(outcome).collect()
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
    let request_id = super::envelope::header(&headers, "request-id");
    if status.is_success() {
        return Ok(Found { asked, request_id, body: part.body.unwrap_or_default() });
    }
    if status.is_redirection() {
        return Err(redirected(&asked, client.root(), &headers));
    }
    let refusal = Refusal {
        asked: &asked,
        needs,
        status,
        headers: &headers,
        body: part.body,
        instead: "it came without a reason".to_owned(),
        token: client.token(),
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
