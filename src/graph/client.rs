//! One question to Graph: sent, judged, and repeated while that helps and is harmless.
//!
//! A [`Client`] can be made and cloned by anyone and used by nobody outside this folder; what may be
//! asked with it is decided by the [`Reader`](super::Reader) or the writer made from it.

use std::rc::Rc;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::envelope::{Refusal, describe};
use super::error::Failure;
use super::headers::header;
use super::permission::Needs;
use super::plain::plain;
use super::root::origin_of;
use super::throttle::{Patience, TRIES_MAX, TRIES_MAX_UNCONNECTED, Throttled};
use super::transport::{Lost, Request, Response, Transport};
use super::{Root, Token};
use crate::clock::Clock;
use crate::model::{SignedDuration, Timestamp};

const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("client-request-id");
const THROTTLE_PRIORITY: HeaderName = HeaderName::from_static("x-ms-throttle-priority");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Who is told that something waits.
pub type Observer = Rc<dyn Fn(Throttled)>;

/// A way to one tenant's Graph. Clones are cheap and share everything.
#[derive(Clone)]
pub struct Client(Rc<Inner>);

struct Inner {
    transport: Rc<dyn Transport>,
    root: Root,
    token: Token,
    clock: Clock,
    observer: Option<Observer>,
}

/// `x-ms-throttle-priority`: what Graph sheds first when it is busy (GRAPH 8.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Priority {
    /// Shed first: turning off can wait.
    Low,
    /// Everything that only looks.
    Normal,
    /// Shed last: turning on goes before all else (P2).
    High,
}

/// One question, ready to be sent any number of times.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    /// For messages: method and path, as `GET /users`.
    pub asked: String,
    /// What it needs, for a 403.
    pub needs: Needs,
    method: Method,
    url: String,
    body: Option<Vec<u8>>,
    priority: Priority,
}

/// An answer with a status of success.
#[derive(Debug)]
pub(super) struct Answer {
    /// What was asked.
    pub asked: String,
    /// The `request-id` header.
    pub request_id: Option<String>,
    /// The `client-request-id` that was sent.
    pub client_request_id: String,
    /// When it came, on the client's clock.
    pub at: Timestamp,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, as it came.
    pub body: Vec<u8>,
}

impl Client {
    /// A client of that root. Nothing is sent before something is asked.
    pub fn new(transport: Rc<dyn Transport>, root: Root, token: Token, clock: Clock) -> Client {
        Client(Rc::new(Inner { transport, root, token, clock, observer: None }))
    }

    /// The same client, telling `observer` each time it waits to ask again.
    #[must_use]
    pub fn observed(self, observer: Observer) -> Client {
        let Inner { transport, root, token, clock, .. } = &*self.0;
        let (transport, root, token, clock) = (transport.clone(), root.clone(), token.clone(), clock.clone());
        Client(Rc::new(Inner { transport, root, token, clock, observer: Some(observer) }))
    }

    /// Where this client asks.
    pub fn root(&self) -> &Root {
        &self.0.root
    }

    pub(super) fn token(&self) -> &Token {
        &self.0.token
    }

    pub(super) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// A question that changes nothing, by `GET`. `path` is below the version and percent-encoded.
    pub(super) fn get(&self, path: &str, needs: Needs) -> Ask {
        Ask {
            asked: asked("GET", path),
            needs,
            method: Method::GET,
            url: self.0.root.url(path),
            body: None,
            priority: Priority::Normal,
        }
    }

    /// A `POST`. Of itself it says nothing about whether it changes something: `$batch` does not.
    pub(super) fn post(&self, path: &str, needs: Needs, priority: Priority, body: &impl Serialize) -> Ask {
        Ask {
            asked: asked("POST", path),
            needs,
            method: Method::POST,
            url: self.0.root.url(path),
            // Our own bodies are plain structs, which serde_json cannot fail on.
            body: Some(serde_json::to_vec(body).unwrap_or_default()),
            priority,
        }
    }

    /// Asks something that changes nothing, again and again while that may help: what was throttled,
    /// lost or answered with 500, 502, 503 or 504. Waits as long as `Retry-After` says, else
    /// 1, 2, 4 … 32 s; at most eight times and ten minutes.
    pub(super) async fn read(&self, ask: &Ask) -> Result<Answer, Failure> {
        let mut patience = Patience::new(self.now());
        loop {
            let failure = match self.once(ask).await {
                Ok(answer) => return Ok(answer),
                Err(failure) if failure.is_transient() => failure,
                Err(failure) => return Err(failure),
            };
            let unconnected = matches!(failure, Failure::Lost { never_left: true, .. });
            let tries_max = if unconnected { TRIES_MAX_UNCONNECTED } else { TRIES_MAX };
            if !self.wait(&mut patience, &ask.asked, &failure, failure.retry_after(), tries_max).await {
                return Err(failure);
            }
        }
    }

    /// Waits before the next try, and tells the observer. False when it is time to give up.
    pub(super) async fn wait(
        &self,
        patience: &mut Patience,
        asked: &str,
        failure: &Failure,
        asked_to_wait: Option<SignedDuration>,
        tries_max: u32,
    ) -> bool {
        let Some(until) = patience.again(asked, asked_to_wait, tries_max, self.now()) else { return false };
        if let Some(observer) = &self.0.observer {
            let (asked, tries, status) = (asked.to_owned(), patience.tries(), failure.status());
            observer(Throttled { asked, until, tries, status });
        }
        self.0.clock.sleep_until(until).await;
        true
    }

    /// Sends once, and judges the answer.
    pub(super) async fn once(&self, ask: &Ask) -> Result<Answer, Failure> {
        let client_request_id = Uuid::new_v4().to_string();
        let request = self.request(ask, &client_request_id)?;
        match self.0.transport.send(request).await {
            Ok(response) => self.judge(ask, client_request_id, response),
            Err(Lost { reason, never_left }) => {
                let (asked, reason) = (ask.asked.clone(), self.0.token.scrub(&reason));
                Err(Failure::Lost { asked, reason, never_left, client_request_id })
            }
        }
    }

    /// The request of one attempt. The one place where the token meets a URL, and so the place that
    /// sees to it that the URL is on the origin of this run (P6, P9).
    fn request(&self, ask: &Ask, client_request_id: &str) -> Result<Request, Failure> {
        let not_sent = |reason: String| Failure::NotSent { asked: ask.asked.clone(), reason };
        let mut request = http::Request::builder()
            .method(&ask.method)
            .uri(&ask.url)
            .header(ACCEPT, JSON)
            .header(AUTHORIZATION, self.0.token.header().map_err(|error| not_sent(error.to_string()))?)
            .header(CLIENT_REQUEST_ID, client_request_id)
            .header(THROTTLE_PRIORITY, ask.priority.as_str());
        if ask.body.is_some() {
            request = request.header(CONTENT_TYPE, JSON);
        }
        let request = request
            .body(ask.body.clone().unwrap_or_default())
            .map_err(|_| not_sent("its address is not one that HTTP can carry".to_owned()))?;
        // Judged as it will travel, not as it was given.
        let url = request.uri().to_string();
        if self.0.root.holds(&url) {
            return Ok(request);
        }
        Err(Failure::OtherOrigin { asked: ask.asked.clone(), origin: origin_of(&url), request_id: None })
    }

    /// Success or failure, by the status alone.
    fn judge(&self, ask: &Ask, client_request_id: String, response: Response) -> Result<Answer, Failure> {
        let (parts, body) = response.into_parts();
        if parts.status.is_success() {
            return Ok(Answer {
                asked: ask.asked.clone(),
                request_id: header(&parts.headers, "request-id").map(|id| self.0.token.scrub(&id)),
                client_request_id,
                at: self.now(),
                headers: parts.headers,
                body,
            });
        }
        if parts.status.is_redirection() {
            return Err(redirected(&ask.asked, self.root(), &parts.headers));
        }
        let refusal = Refusal {
            asked: &ask.asked,
            needs: ask.needs,
            status: parts.status,
            headers: &parts.headers,
            body: serde_json::from_slice(&body).ok(),
            instead: describe(&parts.headers, &body),
            token: &self.0.token,
            client_request_id: &client_request_id,
            now: self.now(),
        };
        Err(refusal.into_failure())
    }
}

impl Ask {
    /// The same question for the next page: an opaque absolute URL (GRAPH 2.2).
    pub(super) fn next(&self, link: &str) -> Ask {
        Ask { url: link.to_owned(), ..self.clone() }
    }
}

impl Answer {
    /// The body as JSON of that shape.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let what = describe(&self.headers, &self.body);
            let syntax = error.is_syntax() || error.is_eof();
            self.unreadable(if syntax { what } else { error.to_string() })
        })
    }

    /// This answer does not say what was asked.
    pub(super) fn unreadable(&self, reason: impl Into<String>) -> Failure {
        let (asked, request_id) = (self.asked.clone(), self.request_id.clone());
        Failure::Unreadable { asked, reason: plain(reason), request_id }
    }
}

impl Priority {
    fn as_str(self) -> &'static str {
        match self {
            Priority::Low => "low",
            Priority::Normal => "normal",
            Priority::High => "high",
        }
    }
}

/// `GET /users` from `/users?$select=id`: what is shown, without the query.
pub(super) fn asked(method: &str, path: &str) -> String {
    format!("{method} {}", path.split('?').next().unwrap_or(path))
}

/// A redirect is never followed, wherever it leads: Graph sends none, so whoever sent this is not
/// Graph (P6).
pub(super) fn redirected(asked: &str, root: &Root, headers: &HeaderMap) -> Failure {
    let origin = match header(headers, LOCATION.as_str()) {
        None => "nowhere".to_owned(),
        Some(place) if place.starts_with('/') && !place.starts_with("//") => {
            format!("another place on {root}")
        }
        Some(place) => origin_of(&place),
    };
    Failure::OtherOrigin { asked: asked.to_owned(), origin, request_id: header(headers, "request-id") }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;
    use crate::graph::testing::{Bench, REQUEST_ID, TOKEN, lost, ok, raw, refused, status, unconnected};

    async fn read(bench: &Bench) -> Result<Answer, Failure> {
        let ask = bench.client.get("/users?$select=id", Needs::Users);
        bench.run(bench.client.read(&ask)).await
    }

    #[tokio::test]
    async fn each_attempt_has_the_token_and_a_client_request_id_of_its_own() {
        let bench = Bench::new([raw(503, ""), raw(503, ""), ok(json!({}))]);
        read(&bench).await.expect("an answer");
        assert_eq!(bench.asked(), ["GET /v1.0/users?$select=id"; 3]);
        let ids: BTreeSet<String> = bench.sent("client-request-id").into_iter().collect();
        assert_eq!(ids.len(), 3);
        assert!(ids.iter().all(|id| Uuid::parse_str(id).is_ok()));
        assert_eq!(bench.sent("authorization"), [format!("Bearer {TOKEN}").as_str(); 3]);
        assert_eq!(bench.sent("accept"), ["application/json"; 3]);
        assert_eq!(bench.sent("x-ms-throttle-priority"), ["normal"; 3]);
    }

    #[tokio::test]
    async fn a_retry_after_in_seconds_is_kept_to_and_told() {
        let throttled = refused(429, "TooManyRequests", "slow down").with("retry-after", "40");
        let bench = Bench::new([throttled, ok(json!({}))]);
        read(&bench).await.expect("an answer");
        assert!((40..=45).contains(&bench.seconds()), "{}", bench.seconds());
        let waits = bench.waits.borrow();
        assert_eq!(waits.len(), 1);
        assert_eq!((waits[0].asked.as_str(), waits[0].status, waits[0].tries), ("GET /users", Some(429), 1));
        assert!(waits[0].until.as_second() >= 40);
    }

    #[tokio::test]
    async fn a_retry_after_as_a_date_is_kept_to() {
        let busy = raw(503, "").with("retry-after", "Thu, 01 Jan 1970 00:01:00 GMT");
        let bench = Bench::new([busy, ok(json!({}))]);
        read(&bench).await.expect("an answer");
        assert!((60..=64).contains(&bench.seconds()), "{}", bench.seconds());
    }

    #[tokio::test]
    async fn every_transient_status_and_a_lost_answer_are_asked_again() {
        let bench =
            Bench::new([raw(500, ""), raw(502, ""), raw(503, ""), raw(504, ""), lost(), ok(json!({}))]);
        read(&bench).await.expect("an answer");
        assert!((31..=35).contains(&bench.seconds()), "1+2+4+8+16 s, not {}", bench.seconds());
    }

    #[tokio::test]
    async fn a_server_that_stays_busy_is_given_up_after_eight_tries() {
        let bench =
            Bench::new((0..8).map(|_| raw(503, "<html>busy</html>").with("content-type", "text/html")));
        let failure = read(&bench).await.expect_err("given up");
        assert!(matches!(&failure, Failure::Unavailable(told) if told.code == "ServiceUnavailable"));
        assert!(failure.told().expect("an answer").message.contains("text/html"), "{failure}");
        assert!(!failure.to_string().contains("busy"), "the body of a proxy is not shown: {failure}");
        assert!(bench.seconds() < 110);
    }

    #[tokio::test]
    async fn nobody_there_is_given_up_sooner() {
        let bench = Bench::new((0..5).map(|_| unconnected()));
        let failure = read(&bench).await.expect_err("given up");
        assert!(matches!(failure, Failure::Lost { never_left: true, .. }));
        assert!(bench.seconds() < 20);
    }

    #[tokio::test]
    async fn a_retry_after_beyond_ten_minutes_fails_at_once_and_says_how_long() {
        let bench = Bench::new([raw(429, "").with("retry-after", "3600")]);
        let failure = read(&bench).await.expect_err("too long");
        assert!(matches!(failure, Failure::Throttled(_)));
        assert_eq!(failure.retry_after(), Some(SignedDuration::from_hours(1)));
        assert_eq!(bench.seconds(), 0);
    }

    #[tokio::test]
    async fn refusals_are_not_asked_again() {
        for (code, kind) in [
            (401, "credentials"),
            (403, "denied"),
            (404, "not found"),
            (400, "refused"),
            (501, "unavailable"),
        ] {
            let bench = Bench::new([refused(code, "Word", "a message")]);
            let failure = read(&bench).await.expect_err("refused");
            let found = match &failure {
                Failure::Credentials(_) => "credentials",
                Failure::Denied { .. } => "denied",
                Failure::NotFound(_) => "not found",
                Failure::Refused(_) => "refused",
                Failure::Unavailable(_) => "unavailable",
                other => panic!("{other}"),
            };
            assert_eq!(found, kind);
            assert_eq!(failure.status(), Some(code));
            let text = failure.to_string();
            for part in ["GET /users: ", "Word", "a message", REQUEST_ID] {
                assert!(text.contains(part), "{text}");
            }
        }
    }

    #[tokio::test]
    async fn a_403_says_which_permission_is_needed() {
        let bench = Bench::new([refused(403, "Authorization_RequestDenied", "Insufficient privileges.")]);
        let failure = read(&bench).await.expect_err("denied");
        assert!(failure.is_denied());
        assert!(failure.hint().expect("a hint").contains("User.Read.All"));
    }

    #[tokio::test]
    async fn a_redirect_is_never_followed() {
        let bench = Bench::new([raw(302, "").with("location", "https://evil.example/users?token=x")]);
        let failure = read(&bench).await.expect_err("redirected");
        assert!(failure.is_other_origin());
        assert!(failure.to_string().contains("https://evil.example,"), "{failure}");
        assert!(!failure.to_string().contains("token=x"));
        assert_eq!(bench.asked().len(), 1);
    }

    #[tokio::test]
    async fn the_token_is_not_shown_even_when_the_server_repeats_it() {
        let bench = Bench::new([refused(400, TOKEN, &format!("I saw Bearer {TOKEN}"))]);
        let failure = read(&bench).await.expect_err("refused");
        assert!(!format!("{failure} {failure:?}").contains(TOKEN), "{failure:?}");
        assert!(failure.told().expect("an answer").message.contains("[token]"));
    }

    #[tokio::test]
    async fn nothing_is_sent_to_another_origin() {
        let bench = Bench::new([]);
        let ask = bench.client.get("/users", Needs::Users).next("https://evil.example/v1.0/users");
        let failure = bench.run(bench.client.read(&ask)).await.expect_err("another origin");
        assert!(failure.is_other_origin());
        assert!(bench.asked().is_empty());
    }

    #[tokio::test]
    async fn success_that_is_not_json_is_unreadable() {
        let bench = Bench::new([raw(200, "<html>sign in</html>").with("content-type", "text/html")]);
        let answer = read(&bench).await.expect("success");
        let failure = answer.json::<serde_json::Value>().expect_err("HTML");
        assert!(matches!(&failure, Failure::Unreadable { .. }));
        assert!(failure.to_string().contains("text/html"), "{failure}");
        let bench = Bench::new([status(200, json!(7))]);
        let failure = read(&bench).await.expect("success").json::<String>().expect_err("a number");
        assert!(failure.to_string().contains(REQUEST_ID), "{failure}");
    }
}
