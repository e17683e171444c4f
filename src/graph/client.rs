//! One question to Graph: sent, judged, and repeated while that helps and is harmless.
//!
//! A [`Client`] can be made and cloned by anyone and used by nobody outside this folder; what may be
//! asked with it is decided by the [`Reader`](super::Reader) or the writer made from it.

use std::rc::Rc;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::envelope::{Refusal, describe};
use super::error::Failure;
use super::governor::{Governor, Load, NextWrite, Ticket};
use super::headers::{date, header, scrubbed};
use super::permission::Needs;
use super::plain::plain;
use super::root::origin_of;
use super::spent::{Meter, Spent};
use super::throttle::{Patience, TRIES_MAX, TRIES_MAX_UNCONNECTED, Throttled};
use super::token::{NoToken, TOKEN_REQUEST};
use super::transport::{HowLost, Lost, Request, Response, Transport};
use super::{Claims, Root, Token, TokenSource};
use crate::clock::Clock;
use crate::model::{SignedDuration, Timestamp};

const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("client-request-id");
const THROTTLE_PRIORITY: HeaderName = HeaderName::from_static("x-ms-throttle-priority");
const CONSISTENCY_LEVEL: HeaderName = HeaderName::from_static("consistencylevel");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A write is made from a list that was just read (P1). Whoever had to wait longer than that for a token
/// reads again first.
const TOKEN_FOR_A_WRITE: SignedDuration = SignedDuration::from_secs(10);

/// Who is told that something waits.
pub type Observer = Rc<dyn Fn(Throttled)>;

/// A way to one tenant's Graph. Clones are cheap and share everything.
#[derive(Clone)]
pub struct Client(Rc<Inner>);

struct Inner {
    transport: Rc<dyn Transport>,
    root: Root,
    tokens: Rc<dyn TokenSource>,
    clock: Clock,
    governor: Rc<Governor>,
    meter: Rc<Meter>,
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
    load: Load,
    /// Asked with `ConsistencyLevel: eventual`, of the index that can count (GRAPH 2.3).
    is_eventual: bool,
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
    /// What it was asked with.
    pub token: Token,
    /// When it came, on the client's clock.
    pub at: Timestamp,
    /// Its `Date` is far from what was expected, and the next answer decides.
    pub is_dated_in_doubt: bool,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, as it came.
    pub body: Vec<u8>,
}

/// An attempt: when it left and with what, and what came back.
struct Sent {
    sent: SignedDuration,
    token: Token,
    answer: Result<Response, Lost>,
}

impl Client {
    /// A client of that root. Nothing is sent before something is asked.
    pub fn new(
        transport: Rc<dyn Transport>,
        root: Root,
        tokens: Rc<dyn TokenSource>,
        clock: Clock,
    ) -> Client {
        let governor = Governor::new(clock.clone());
        let meter = Rc::default();
        Client(Rc::new(Inner { transport, root, tokens, clock, governor, meter, observer: None }))
    }

    /// The same client, telling `observer` each time it waits to ask again.
    #[must_use]
    pub fn observed(self, observer: Observer) -> Client {
        let Inner { transport, root, tokens, clock, governor, meter, .. } = &*self.0;
        let (transport, root, tokens) = (transport.clone(), root.clone(), tokens.clone());
        let (clock, governor, meter) = (clock.clone(), governor.clone(), meter.clone());
        Client(Rc::new(Inner { transport, root, tokens, clock, governor, meter, observer: Some(observer) }))
    }

    /// Where this client asks.
    pub fn root(&self) -> &Root {
        &self.0.root
    }

    /// What really left for Graph so far, by this client and its clones.
    pub fn spent(&self) -> Spent {
        self.0.meter.so_far()
    }

    pub(super) fn tokens(&self) -> &dyn TokenSource {
        &*self.0.tokens
    }

    pub(super) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    pub(super) fn ticks(&self) -> SignedDuration {
        self.0.clock.ticks()
    }

    /// Keeps what is asked within the tenant's quotas.
    pub(super) fn governor(&self) -> &Governor {
        &self.0.governor
    }

    /// A token that is good now.
    pub(super) async fn current_token(&self) -> Result<Token, Failure> {
        self.0.tokens.token().await.map_err(|none| self.tokenless(none))
    }

    /// When the next write may leave.
    pub(super) fn next_write(&self) -> NextWrite {
        self.0.governor.next_write()
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
            load: Load { units: needs.units(), is_write: false },
            is_eventual: false,
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
            load: Load { units: needs.units(), is_write: needs.is_write() },
            is_eventual: false,
        }
    }

    /// Asks something that changes nothing, again and again while that may help: what was throttled,
    /// lost or answered with 500, 502, 503 or 504. Waits as long as `Retry-After` says, else
    /// 1, 2, 4 … 32 s; at most eight times and ten minutes.
    ///
    /// An answer whose `Date` is in doubt is asked for once more: two that agree set the clock, and
    /// whoever asked goes on with a clock that is right.
    pub(super) async fn read(&self, ask: &Ask) -> Result<Answer, Failure> {
        let mut patience = Patience::new(self.ticks());
        loop {
            let failure = match self.once(ask).await {
                Ok(answer) if answer.is_dated_in_doubt => return self.once(ask).await.or(Ok(answer)),
                Ok(answer) => return Ok(answer),
                // For a token somebody has been patient already.
                Err(failure) if failure.is_transient() && failure.asked() != TOKEN_REQUEST => failure,
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
        let Some(wait) = patience.again(asked, asked_to_wait, tries_max, self.ticks()) else { return false };
        if let Some(observer) = &self.0.observer {
            let until = self.now().saturating_add(wait).unwrap_or(Timestamp::MAX);
            let (asked, tries, status) = (asked.to_owned(), patience.tries(), failure.status());
            observer(Throttled { asked, until, tries, status });
        }
        self.0.clock.sleep(wait).await;
        true
    }

    /// Sends once, as soon as the quotas allow, and judges the answer.
    pub(super) async fn once(&self, ask: &Ask) -> Result<Answer, Failure> {
        let announced = self.0.governor.announce(ask.load);
        // A token first: who has leave to go goes, and does not stand in the way of others meanwhile.
        self.token(ask).await?;
        let ticket = self.0.governor.let_leave(ask.load).await?;
        drop(announced);
        let outcome = self.send(ask, &ticket).await;
        ticket.judged(outcome.as_ref().err());
        outcome
    }

    async fn send(&self, ask: &Ask, ticket: &Ticket) -> Result<Answer, Failure> {
        let client_request_id = Uuid::new_v4().to_string();
        let request = self.request(ask, &client_request_id)?;
        let Sent { sent, token, answer } = self.carry(ask, request).await?;
        match answer {
            Ok(response) => {
                ticket.answered(response.status(), response.headers());
                let date = date(response.headers());
                let settled = date.is_none_or(|date| self.0.clock.heard(sent, date));
                let answer = self.judge(ask, client_request_id, response, token)?;
                Ok(Answer { is_dated_in_doubt: !settled, ..answer })
            }
            Err(Lost { reason, how }) => {
                let (asked, reason) = (ask.asked.clone(), self.0.tokens.scrub(&reason));
                Err(Failure::lost(asked, reason, how, client_request_id))
            }
        }
    }

    /// Sends a request with a token that is good now. A 401 certainly did nothing (GRAPH 9), so also a
    /// write goes out once more when there is another token; a second 401 is an answer.
    async fn carry(&self, ask: &Ask, mut request: Request) -> Result<Sent, Failure> {
        let mut again = true;
        loop {
            let token = self.token(ask).await?;
            let header = token.header();
            let header = header.map_err(|error| self.tokenless(NoToken::Unreachable(error.to_string())))?;
            request.headers_mut().insert(AUTHORIZATION, header);
            self.stays_here(ask, &request)?;
            let sent = self.ticks();
            self.0.meter.leaves(ask.load);
            let answer = self.0.transport.send(request.clone()).await;
            if matches!(answer, Err(Lost { how: HowLost::NeverLeft, .. })) {
                self.0.meter.never_left(ask.load);
            }
            let challenge = match &answer {
                Ok(response) if response.status() == StatusCode::UNAUTHORIZED && again => {
                    Claims::of(response.headers())
                }
                Ok(_) | Err(_) => return Ok(Sent { sent, token, answer }),
            };
            if !self.0.tokens.refused(&token, challenge) {
                return Ok(Sent { sent, token, answer });
            }
            again = false;
        }
    }

    /// A token that is good now, in time for what is asked.
    async fn token(&self, ask: &Ask) -> Result<Token, Failure> {
        let began = self.ticks();
        let token = self.0.tokens.token().await.map_err(|none| self.tokenless(none))?;
        if ask.needs.is_write() && self.ticks().saturating_sub(began) > TOKEN_FOR_A_WRITE {
            let reason = "it came so late that what was read before has to be read again";
            return Err(self.tokenless(NoToken::Unreachable(reason.to_owned())));
        }
        Ok(token)
    }

    /// Without a token nothing leaves.
    fn tokenless(&self, none: NoToken) -> Failure {
        match none {
            NoToken::Refused { reason, hint, request_id } => {
                let scrub = |text: String| self.0.tokens.scrub(&text);
                Failure::SignIn {
                    reason: scrub(reason),
                    hint: hint.map(scrub),
                    request_id: request_id.map(scrub),
                }
            }
            NoToken::Unreachable(reason) => Failure::Lost {
                asked: TOKEN_REQUEST.to_owned(),
                reason: self.0.tokens.scrub(&reason),
                never_left: true,
                client_request_id: String::new(),
            },
        }
    }

    /// The one place that sees to it that a token meets no URL but those on the origin of this run (P6,
    /// P9). Judged as it will travel, not as it was given.
    fn stays_here(&self, ask: &Ask, request: &Request) -> Result<(), Failure> {
        let url = request.uri().to_string();
        if self.0.root.holds(&url) {
            return Ok(());
        }
        Err(Failure::OtherOrigin { asked: ask.asked.clone(), origin: origin_of(&url), request_id: None })
    }

    /// The request of one attempt, without its token.
    fn request(&self, ask: &Ask, client_request_id: &str) -> Result<Request, Failure> {
        let not_sent = |reason: String| Failure::NotSent { asked: ask.asked.clone(), reason };
        let mut request = http::Request::builder()
            .method(&ask.method)
            .uri(&ask.url)
            .header(ACCEPT, JSON)
            .header(CLIENT_REQUEST_ID, client_request_id)
            .header(THROTTLE_PRIORITY, ask.priority.as_str());
        if ask.body.is_some() {
            request = request.header(CONTENT_TYPE, JSON);
        }
        if ask.is_eventual {
            request = request.header(CONSISTENCY_LEVEL, HeaderValue::from_static("eventual"));
        }
        let request = request
            .body(ask.body.clone().unwrap_or_default())
            .map_err(|_| not_sent("its address is not one that HTTP can carry".to_owned()))?;
        // Before a token is put to it.
        self.stays_here(ask, &request)?;
        Ok(request)
    }

    /// Success or failure, by the status alone.
    fn judge(
        &self,
        ask: &Ask,
        client_request_id: String,
        response: Response,
        token: Token,
    ) -> Result<Answer, Failure> {
        let (parts, body) = response.into_parts();
        if parts.status.is_success() {
            return Ok(Answer {
                asked: ask.asked.clone(),
                request_id: scrubbed(&parts.headers, "request-id", |id| self.0.tokens.scrub(id)),
                client_request_id,
                token,
                at: self.now(),
                is_dated_in_doubt: false,
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
            tokens: self.tokens(),
            token: &token,
            client_request_id: &client_request_id,
            now: self.now(),
        };
        Err(refusal.into_failure())
    }
}

impl Ask {
    /// The same question to the index that can count.
    pub(super) fn eventual(self) -> Ask {
        Ask { is_eventual: true, ..self }
    }

    /// The same question, taking so many resource units: a batch takes those of its parts.
    pub(super) fn of_parts(self, parts: usize) -> Ask {
        let parts = u32::try_from(parts).unwrap_or(u32::MAX);
        Ask { load: Load { units: self.load.units.saturating_mul(parts), ..self.load }, ..self }
    }

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
mod tests;
