//! The transport over a socket: https to Graph, plain http to a simulated tenant on this machine.

use std::cell::OnceCell;
use std::error::Error;
use std::time::Duration;

use reqwest::{ClientBuilder, Url};

use super::root::{is_loopback, may_carry_a_token};
use super::transport::{Lost, Request, Response, Sending, Transport};

/// Connecting takes well under a second; ten also cover a dropped packet or two.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Graph ends a request of its own by 504 within about half a minute; a page of 999 users is less
/// than 2 MB.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(60);

/// The largest answer that is read, unpacked. A page of 999 users with their `assignedPlans`, which
/// is never asked for, would be 10 MB (GRAPH 3.3).
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Carries requests over HTTP. Follows no redirect; refuses plain http to anywhere but this machine.
#[derive(Debug, Default)]
pub struct HttpTransport {
    /// Made on first use, because making one reads the machine's certificates and fails where there
    /// are none, which must not keep a slim container from talking to loopback.
    secure: OnceCell<reqwest::Client>,
    loopback: OnceCell<reqwest::Client>,
}

impl HttpTransport {
    /// A transport. Nothing is opened or read before the first request.
    pub fn new() -> Self {
        Self::default()
    }

    fn client(&self, url: &Url) -> Result<&reqwest::Client, Lost> {
        if !may_carry_a_token(url) {
            return Err(never_left("plain http is for loopback addresses only".to_owned()));
        }
        let plain = url.scheme() == "http";
        let cell = if plain { &self.loopback } else { &self.secure };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let mut builder = base();
        if plain {
            builder = builder.tls_certs_only([]);
        }
        if is_loopback(url) {
            // Otherwise HTTP_PROXY would carry what is meant for this machine to another one.
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| never_left(explain(&error)))?;
        Ok(cell.get_or_init(|| client))
    }

    async fn carry(&self, request: Request) -> Result<Response, Lost> {
        let url = Url::parse(&request.uri().to_string())
            .map_err(|_| never_left("the address is not an absolute URL".to_owned()))?;
        let client = self.client(&url)?;
        let request = reqwest::Request::try_from(request).map_err(|error| lost(&error))?;
        let answer = client.execute(request).await.map_err(|error| lost(&error))?;
        read(answer).await
    }
}

impl Transport for HttpTransport {
    fn send(&self, request: Request) -> Sending<'_> {
        Box::pin(self.carry(request))
    }
}

fn base() -> ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("advaudit/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TOTAL_TIMEOUT)
}

/// Reads the whole answer, up to the cap.
async fn read(mut answer: reqwest::Response) -> Result<Response, Lost> {
    let mut response = http::Response::new(Vec::new());
    *response.status_mut() = answer.status();
    *response.headers_mut() = answer.headers().clone();
    while let Some(chunk) = answer.chunk().await.map_err(|error| lost(&error))? {
        if response.body().len() + chunk.len() > BODY_BYTES_MAX {
            let reason = format!("the answer is larger than {} MB", BODY_BYTES_MAX / 1024 / 1024);
            return Err(Lost { reason, never_left: false });
        }
        response.body_mut().extend_from_slice(&chunk);
    }
    Ok(response)
}

fn never_left(reason: String) -> Lost {
    Lost { reason, never_left: true }
}

fn lost(error: &reqwest::Error) -> Lost {
    Lost { reason: explain(error), never_left: error.is_connect() || error.is_builder() }
}

/// What the network said, without the URL, whose query may hold more than belongs in a log. The
/// chain of causes is walked, because the outermost says only "error sending request".
fn explain(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        let timeout = if error.is_connect() { CONNECT_TIMEOUT } else { TOTAL_TIMEOUT };
        return format!("nothing came for {} s", timeout.as_secs());
    }
    let causes: Vec<String> =
        std::iter::successors(error.source(), |cause| (*cause).source()).map(ToString::to_string).collect();
    if causes.is_empty() { "the request could not be sent".to_owned() } else { causes.join(": ") }
}
