//! The transport over a socket: https to Graph, plain http to a simulated tenant on this machine. What
//! gets tokens goes by the same way, with less patience and smaller answers.
//!
//! Bytes are sent, received, decrypted and unpacked on a thread of their own, so that the next answer comes in
//! while the one before is taken apart.

use std::error::Error;
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::{ClientBuilder, Url};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use super::root::{is_link_local, is_loopback, may_carry_a_token, origin_of};
use super::transport::{HowLost, Lost, Request, Response, Sending, Transport};
use super::trust::Trust;

/// Connecting takes well under a second; ten also cover a dropped packet or two.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Graph ends a request of its own by 504 within about half a minute; a page of 999 users is less
/// than 2 MB. From the first byte sent to the last one read, so an answer that drips ends too.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(60);

/// The largest answer that is read, unpacked. A page of 999 users with their `assignedPlans`, which
/// is never asked for, would be 10 MB (GRAPH 3.3). Counted while it is unpacked, so that a few bytes
/// cannot become all of the memory.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// More than a page of 999 users has.
const ORDINARY_BYTES: usize = 2 * 1024 * 1024;

/// A token is given or refused within a few seconds.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(20);

/// Tokens have some kilobytes, refusals less.
const TOKEN_BYTES_MAX: usize = 1024 * 1024;

/// Carries requests over HTTP. Follows no redirect; refuses plain http to anywhere but this machine.
#[derive(Debug)]
pub struct HttpTransport {
    trust: Trust,
    total_timeout: Duration,
    bytes_max: usize,
    /// Plain http to a link-local address, where Azure gives its machines tokens.
    reaches_link_local: bool,
    /// Made on first use, because making one reads the machine's certificates and fails where there
    /// are none, which must not keep a slim container from talking to loopback.
    secure: OnceLock<reqwest::Client>,
    plain: OnceLock<reqwest::Client>,
    wire: OnceLock<Wire>,
}

/// The thread on which bytes travel. Nobody waits for it at the end.
#[derive(Debug)]
struct Wire(Option<Runtime>);

impl Drop for Wire {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// A request on its way; given up when nobody waits for its answer any more.
struct OnItsWay(JoinHandle<Result<Response, Lost>>);

impl Drop for OnItsWay {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl HttpTransport {
    /// The way to Graph. Nothing is opened or read before the first request.
    pub fn new(trust: Trust) -> Self {
        HttpTransport {
            trust,
            total_timeout: TOTAL_TIMEOUT,
            bytes_max: BODY_BYTES_MAX,
            reaches_link_local: false,
            secure: OnceLock::new(),
            plain: OnceLock::new(),
            wire: OnceLock::new(),
        }
    }

    /// The way to whoever gives tokens.
    pub fn for_tokens(trust: Trust) -> Self {
        let (total_timeout, bytes_max) = (TOKEN_TIMEOUT, TOKEN_BYTES_MAX);
        HttpTransport { total_timeout, bytes_max, ..HttpTransport::new(trust) }
    }

    /// The way to the machine that this one runs on, which gives a managed identity its tokens by plain
    /// http on a link-local address.
    pub fn for_managed_identity(trust: Trust, total_timeout: Option<Duration>) -> Self {
        let transport = HttpTransport::for_tokens(trust);
        let total_timeout = total_timeout.unwrap_or(transport.total_timeout);
        HttpTransport { reaches_link_local: true, total_timeout, ..transport }
    }

    fn client(&self, url: &Url) -> Result<&reqwest::Client, Lost> {
        let is_near = self.reaches_link_local && url.scheme() == "http" && is_link_local(url);
        if !may_carry_a_token(url) && !is_near {
            return Err(never_left("plain http is for loopback addresses only".to_owned()));
        }
        let plain = url.scheme() == "http";
        let cell = if plain { &self.plain } else { &self.secure };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let mut builder = self.base();
        if plain {
            builder = builder.tls_certs_only([]);
        } else {
            builder = self.trust.put_into(builder);
        }
        if is_loopback(url) || is_near {
            // Otherwise HTTP_PROXY would carry what is meant for this machine to another one.
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| never_left(cannot_begin(&error)))?;
        Ok(cell.get_or_init(|| client))
    }

    fn base(&self) -> ClientBuilder {
        reqwest::Client::builder()
            .user_agent(concat!("advaudit/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT.min(self.total_timeout))
            .timeout(self.total_timeout)
    }

    fn runtime(&self) -> Result<&Runtime, Lost> {
        if let Some(Wire(Some(runtime))) = self.wire.get() {
            return Ok(runtime);
        }
        let builder = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = builder.map_err(|error| never_left(format!("cannot start a thread: {error}")))?;
        match self.wire.get_or_init(|| Wire(Some(runtime))) {
            Wire(Some(runtime)) => Ok(runtime),
            Wire(None) => Err(never_left("the thread has ended".to_owned())),
        }
    }

    /// Sends one request; see [`Transport::send`].
    pub async fn carry(&self, request: Request) -> Result<Response, Lost> {
        let url = Url::parse(&request.uri().to_string())
            .map_err(|_| never_left("the address is not an absolute URL".to_owned()))?;
        let client = self.client(&url)?.clone();
        let call = Call { client, url, total_timeout: self.total_timeout, bytes_max: self.bytes_max };
        let mut on_its_way = OnItsWay(self.runtime()?.spawn(call.send(request)));
        let ended = (&mut on_its_way.0).await;
        ended.unwrap_or_else(|error| Err(Lost { reason: error.to_string(), how: HowLost::NoAnswer }))
    }
}

/// One request to one place.
struct Call {
    client: reqwest::Client,
    url: Url,
    total_timeout: Duration,
    bytes_max: usize,
}

impl Call {
    async fn send(self, request: Request) -> Result<Response, Lost> {
        let lost = |error: reqwest::Error| Lost {
            reason: format!("{}: {}", origin_of(self.url.as_str()), explain(&error, self.total_timeout)),
            how: if error.is_connect() || error.is_builder() {
                HowLost::NeverLeft
            } else {
                HowLost::NoAnswer
            },
        };
        let request = reqwest::Request::try_from(request).map_err(lost)?;
        let mut answer = self.client.execute(request).await.map_err(lost)?;
        let length = answer.content_length();
        let bytes_max = u64::try_from(self.bytes_max).unwrap_or(u64::MAX);
        if length.is_some_and(|length| length > bytes_max) {
            return Err(too_large(self.bytes_max));
        }
        let mut response = http::Response::new(Vec::new());
        *response.status_mut() = answer.status();
        *response.headers_mut() = answer.headers().clone();
        // Only as much as an ordinary page is believed without having come.
        let length = length.and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
        response.body_mut().reserve(length.min(ORDINARY_BYTES));
        while let Some(chunk) = answer.chunk().await.map_err(lost)? {
            if response.body().len() + chunk.len() > self.bytes_max {
                return Err(too_large(self.bytes_max));
            }
            response.body_mut().extend_from_slice(&chunk);
        }
        Ok(response)
    }
}

impl Transport for HttpTransport {
    fn send(&self, request: Request) -> Sending<'_> {
        Box::pin(self.carry(request))
    }
}

fn never_left(reason: String) -> Lost {
    Lost { reason, how: HowLost::NeverLeft }
}

fn too_large(bytes_max: usize) -> Lost {
    let reason = format!("the answer is larger than {} MB", bytes_max / 1024 / 1024);
    Lost { reason, how: HowLost::TooLarge }
}

/// What the network said, without the URL, whose query may hold more than belongs in a log. The
/// chain of causes is walked, because the outermost says only "error sending request".
fn explain(error: &reqwest::Error, total_timeout: Duration) -> String {
    if error.is_timeout() {
        let timeout = if error.is_connect() { CONNECT_TIMEOUT.min(total_timeout) } else { total_timeout };
        return match error.is_connect() {
            true => format!("nothing came for {} s", timeout.as_secs()),
            false => format!("the whole answer did not come within {} s", timeout.as_secs()),
        };
    }
    let causes: Vec<String> =
        std::iter::successors(error.source(), |cause| (*cause).source()).map(ToString::to_string).collect();
    if causes.is_empty() { "the request could not be sent".to_owned() } else { causes.join(": ") }
}

/// Why there cannot even be a client: mostly because the machine knows no authority.
fn cannot_begin(error: &reqwest::Error) -> String {
    let why = explain(error, Duration::ZERO);
    if why.contains("No CA certificates") {
        return "this machine has no certificate authorities to tell servers by: install its CA certificates \
                (ca-certificates), or name a PEM file of them in SSL_CERT_FILE"
            .to_owned();
    }
    why
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpListener;
    use std::rc::Rc;
    use std::thread::JoinHandle;

    use super::*;
    use crate::clock::Clock;
    use crate::graph::{Client, Failure, Reader, Root, Token};
    use crate::model::Timestamp;

    /// A server that gives one answer to each connection and remembers what it was asked.
    struct Server {
        origin: String,
        heard: JoinHandle<Vec<String>>,
    }

    fn serve(answers: Vec<Vec<u8>>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let heard = std::thread::spawn(move || {
            let mut heard = Vec::new();
            for answer in answers {
                let (mut stream, _) = listener.accept().expect("a connection");
                let mut head = String::new();
                let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
                while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).expect("a line") > 0 {}
                heard.push(head);
                // A client that has had enough closes first.
                let _ = stream.write_all(&answer);
                let _ = stream.shutdown(std::net::Shutdown::Write);
                let _ = stream.read(&mut [0; 64]);
            }
            heard
        });
        Server { origin, heard }
    }

    fn answer(head: &str, body: &[u8]) -> Vec<u8> {
        let head = format!("HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
        [head.as_bytes(), body].concat()
    }

    async fn send(url: &str) -> Result<Response, Lost> {
        let request = http::Request::get(url).header("authorization", "Bearer s3cret").body(Vec::new());
        HttpTransport::new(Trust::system()).send(request.expect("a request")).await
    }

    #[tokio::test]
    async fn a_redirect_is_handed_up_and_not_followed() {
        let server = serve(vec![answer("302 Found\r\nLocation: http://127.0.0.1:9/other", b"")]);
        let response = send(&format!("{}/v1.0/users", server.origin)).await.expect("an answer");
        assert_eq!(response.status(), 302);
        assert_eq!(response.headers()["location"], "http://127.0.0.1:9/other");
    }

    #[tokio::test]
    async fn plain_http_to_another_machine_never_leaves() {
        let lost = send("http://graph.microsoft.com/v1.0/users?token=s3cret").await.expect_err("refused");
        assert_eq!(lost.how, HowLost::NeverLeft);
        assert!(!lost.to_string().contains("s3cret"));
    }

    #[tokio::test]
    async fn nobody_there_is_a_request_that_never_left() {
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
        let lost =
            send(&format!("http://127.0.0.1:{port}/v1.0/users?token=s3cret")).await.expect_err("refused");
        assert_eq!(lost.how, HowLost::NeverLeft, "{lost}");
        assert!(!lost.to_string().contains("s3cret") && !lost.to_string().is_empty(), "{lost}");
    }

    #[tokio::test]
    async fn an_answer_that_breaks_off_is_lost_after_it_left() {
        let server = serve(vec![b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"value\"".to_vec()]);
        let lost = send(&format!("{}/v1.0/users", server.origin)).await.expect_err("cut off");
        assert_eq!(lost.how, HowLost::NoAnswer, "{lost}");
    }

    #[tokio::test]
    async fn an_answer_without_end_is_not_read_to_its_end() {
        let body = vec![b' '; BODY_BYTES_MAX + 1];
        let endless = [b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), body.as_slice()].concat();
        let server = serve(vec![endless]);
        let lost = send(&format!("{}/v1.0/users", server.origin)).await.expect_err("too large");
        assert!(lost.to_string().contains("larger than 64 MB") && lost.how == HowLost::TooLarge, "{lost}");
    }

    #[tokio::test]
    async fn an_answer_that_says_it_is_too_large_is_not_read_at_all() {
        let server = serve(vec![b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n[".to_vec()]);
        let lost = send(&format!("{}/v1.0/users", server.origin)).await.expect_err("too large");
        assert_eq!(lost.how, HowLost::TooLarge, "{lost}");
    }

    /// Zeros, packed to almost nothing.
    fn bomb(length: usize) -> Vec<u8> {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(&vec![b' '; length]).expect("packed");
        packer.finish().expect("packed")
    }

    #[tokio::test]
    async fn a_few_packed_bytes_are_not_unpacked_beyond_the_cap() {
        let packed = bomb(BODY_BYTES_MAX + 1);
        assert!(packed.len() < 1024 * 1024, "{}", packed.len());
        let server = serve(vec![answer("200 OK\r\nContent-Encoding: gzip", &packed)]);
        let lost = send(&format!("{}/v1.0/users", server.origin)).await.expect_err("too large");
        assert_eq!(lost.how, HowLost::TooLarge, "{lost}");
    }

    #[tokio::test]
    async fn an_answer_that_is_too_large_is_fetched_once_and_not_eight_times() {
        let server = serve(vec![b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n[".to_vec()]);
        let (clock, reader) = reader_of(&server);
        let failure = clock.drive(reader.catalog()).await.expect_err("too large");
        assert!(matches!(failure, Failure::Unreadable { .. }), "{failure}");
        assert!(failure.to_string().contains("larger than 64 MB"), "{failure}");
        assert_eq!(ended(server.heard).await.len(), 1);
    }

    #[tokio::test]
    async fn an_answer_that_drips_ends_with_the_time_for_the_whole_of_it() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/v1.0/users", listener.local_addr().expect("an address"));
        let dripping = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            // An answer before its question is none.
            assert!(stream.read(&mut [0; 4096]).expect("a request") > 0);
            stream.set_read_timeout(Some(Duration::from_millis(20))).expect("a timeout");
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n").expect("a head");
            // Each byte comes soon after the one before.
            let mut drops = 0;
            while stream.write_all(b" ").is_ok() {
                drops += 1;
                while matches!(stream.read(&mut [0; 256]), Ok(1..)) {}
            }
            drops
        });
        let request = http::Request::get(url).body(Vec::new()).expect("a request");
        let lost = HttpTransport {
            total_timeout: Duration::from_millis(300),
            ..HttpTransport::new(Trust::system())
        }
        .send(request)
        .await
        .expect_err("drips");
        assert_eq!(lost.how, HowLost::NoAnswer, "{lost}");
        assert!(lost.to_string().contains("did not come within"), "{lost}");
        assert!(ended(dripping).await > 3);
    }

    /// What a server's thread ends with, once the client has closed; this runtime has to run for that.
    async fn ended<T: Send + 'static>(thread: JoinHandle<T>) -> T {
        let joined = tokio::task::spawn_blocking(move || thread.join().expect("the server did not panic"));
        joined.await.expect("joined")
    }

    fn reader_of(server: &Server) -> (Clock, Reader) {
        let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
        let (root, token) =
            (Root::parse(&server.origin).expect("a root"), Token::new("s3cret").expect("a token"));
        let transport = Rc::new(HttpTransport::new(Trust::system()));
        let client = Client::new(transport, root, Rc::new(token), clock.clone());
        (clock, Reader::new(client))
    }

    #[tokio::test]
    async fn html_of_a_gateway_is_waited_out_and_the_next_answer_counts() {
        let page = answer(
            "503 Service Unavailable\r\nContent-Type: text/html\r\nRetry-After: 20",
            b"<html>busy</html>",
        );
        let server = serve(vec![page, answer("200 OK\r\nContent-Type: application/json", b"{\"value\":[]}")]);
        let (clock, reader) = reader_of(&server);
        let catalog = clock.drive(reader.catalog()).await.expect("an answer");
        assert_eq!(catalog.licenses().count(), 0);
        assert!(clock.now().as_second() >= 20);
        let heard = server.heard.join().expect("two connections").concat().to_lowercase();
        assert_eq!(heard.matches("get /v1.0/subscribedskus http/1.1").count(), 2);
        assert!(heard.contains(concat!("user-agent: advaudit/", env!("CARGO_PKG_VERSION"))));
        assert!(heard.contains("authorization: bearer s3cret"));
    }

    #[tokio::test]
    async fn a_redirect_of_the_tenant_ends_the_reading() {
        let server = serve(vec![answer("307 Temporary Redirect\r\nLocation: https://evil.example/", b"")]);
        let (clock, reader) = reader_of(&server);
        let failure = clock.drive(reader.catalog()).await.expect_err("redirected");
        assert!(matches!(failure, Failure::OtherOrigin { .. }), "{failure}");
    }
}
