//! The way of `azure_identity` to the network: our own transport, which follows nothing, reads a bounded
//! answer, and talks to the one authority of this run.
//!
//! It also does what the library has no words for: plain http to an authority on this machine, the
//! parameter `claims`, and keeping what came back, because the library's errors tell little of it.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use azure_core::error::ErrorKind;
use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, Body, HttpClient, Request};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::authority::Authority;
use super::refusal::{NotFetched, Seen};
use super::secret::Known;
use crate::graph::transport::Lost;
use crate::graph::{Claims, HttpTransport};

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Party {
    /// The login authority.
    Authority,
    /// Who gives an application the token that it shows there: GitHub, Azure Pipelines.
    Issuer,
    /// The machine, for its own identity.
    Machine,
}

/// Carries the requests for one token.
#[derive(Debug)]
pub(super) struct Carrier {
    http: Arc<HttpTransport>,
    authority: Authority,
    /// Whom a request goes to that is not for the authority.
    other: Party,
    claims: Option<Claims>,
    known: Arc<Known>,
    seen: Mutex<Option<Result<Seen, NotFetched>>>,
}

impl Carrier {
    /// A carrier; `claims` go with what the authority is asked.
    pub(super) fn new(
        http: Arc<HttpTransport>,
        authority: Authority,
        other: Party,
        claims: Option<&Claims>,
        known: Arc<Known>,
    ) -> Carrier {
        Carrier { http, authority, other, claims: claims.cloned(), known, seen: Mutex::new(None) }
    }

    /// The last thing that was seen, once.
    pub(super) fn last(&self) -> Option<Result<Seen, NotFetched>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Sends a request and keeps the answer.
    pub(super) async fn ask(
        &self,
        party: Party,
        request: http::Request<Vec<u8>>,
    ) -> Result<Seen, NotFetched> {
        let uri = request.uri();
        // Never the query: GitHub's and the machine's hold more than a message needs.
        let place = format!("{}://{}", uri.scheme_str().unwrap_or_default(), uri.host().unwrap_or_default());
        let seen = match self.http.carry(request).await {
            Ok(response) => Ok(Seen::new(party, place, response)),
            Err(Lost { reason, .. }) => Err(NotFetched::lost(self.known.scrub(&reason))),
        };
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen.clone());
        seen
    }

    /// The library's request as it will travel.
    fn translate(&self, request: &Request) -> Option<(Party, http::Request<Vec<u8>>)> {
        let url = request.url().as_str();
        let (party, url) = match self.authority.real(url) {
            Some(real) => (Party::Authority, real),
            None => (self.other, url.to_owned()),
        };
        let Body::Bytes(body) = request.body() else { return None };
        let mut body = body.to_vec();
        if party == Party::Authority {
            self.learn(&body);
            if let Some(claims) = &self.claims {
                let claims = utf8_percent_encode(claims.as_str(), NON_ALPHANUMERIC);
                body.extend_from_slice(format!("&claims={claims}").as_bytes());
            }
        }
        let mut travelling = http::Request::builder().method(request.method().as_str()).uri(url);
        for (name, value) in request.headers().iter() {
            // Ours says who asks, and the length is the transport's to count.
            if !["user-agent", "content-length"].contains(&name.as_str()) {
                travelling = travelling.header(name.as_str(), value.as_str());
            }
        }
        Some((party, travelling.body(body).ok()?))
    }

    /// Secrets as the form spells them.
    fn learn(&self, form: &[u8]) {
        let form = String::from_utf8_lossy(form);
        for pair in form.split('&') {
            if let Some(("client_secret" | "client_assertion", value)) = pair.split_once('=') {
                self.known.learn(value);
            }
        }
    }
}

#[async_trait]
impl HttpClient for Carrier {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let error = |kind, text: &str| azure_core::Error::with_message(kind, text.to_owned());
        let Some((party, request)) = self.translate(request) else {
            return Err(error(ErrorKind::Other, "the request cannot travel"));
        };
        let seen = self.ask(party, request).await;
        let seen = seen.map_err(|_| error(ErrorKind::Other, "no answer came"))?;
        Ok(AsyncRawResponse::from_bytes(seen.status.into(), Headers::default(), seen.body))
    }
}
