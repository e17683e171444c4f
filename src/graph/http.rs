//! The transport over a socket: https to Graph, plain http to a simulated tenant on this machine.

use std::cell::OnceCell;
use std::error::Error;
use std::time::Duration;

use reqwest::{ClientBuilder, Url};

use super::root::{is_loopback, may_carry_a_token};
use super::transport::{HowLost, Lost, Request, Response, Sending, Transport};

/// Connecting takes well under a second; ten also cover a dropped packet or two.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Graph ends a request of its own by 504 within about half a minute; a page of 999 users is less
/// than 2 MB. From the first byte sent to the last one read, so an answer that drips ends too.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(60);

/// The largest answer that is read, unpacked. A page of 999 users with their `assignedPlans`, which
/// is never asked for, would be 10 MB (GRAPH 3.3). Counted while it is unpacked, so that a few bytes
/// cannot become all of the memory.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Carries requests over HTTP. Follows no redirect; refuses plain http to anywhere but this machine.
#[derive(Debug)]
pub struct HttpTransport {
    /// How long one request and its answer may take.
    total: Duration,
    /// Made on first use, because making one reads the machine's certificates and fails where there
    /// are none, which must not keep a slim container from talking to loopback.
    secure: OnceCell<reqwest::Client>,
    loopback: OnceCell<reqwest::Client>,
}

impl HttpTransport {
    /// A transport. Nothing is opened or read before the first request.
    pub fn new() -> Self {
        HttpTransport::within(TOTAL_TIMEOUT)
    }

    fn within(total: Duration) -> Self {
        HttpTransport { total, secure: OnceCell::new(), loopback: OnceCell::new() }
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
        let mut builder = base().timeout(self.total);
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

impl Default for HttpTransport {
    fn default() -> Self {
        HttpTransport::new()
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
}

/// Reads the whole answer, up to the cap.
async fn read(mut answer: reqwest::Response) -> Result<Response, Lost> {
    let mut response = http::Response::new(Vec::new());
    *response.status_mut() = answer.status();
    *response.headers_mut() = answer.headers().clone();
    if answer.content_length().is_some_and(|length| length > BODY_BYTES_MAX as u64) {
        return Err(too_large());
    }
    while let Some(chunk) = answer.chunk().await.map_err(|error| lost(&error))? {
        if response.body().len() + chunk.len() > BODY_BYTES_MAX {
            return Err(too_large());
        }
        response.body_mut().extend_from_slice(&chunk);
    }
    Ok(response)
}

fn never_left(reason: String) -> Lost {
    Lost { reason, how: HowLost::NeverLeft }
}

fn too_large() -> Lost {
    let reason = format!("the answer is larger than {} MB", BODY_BYTES_MAX / 1024 / 1024);
    Lost { reason, how: HowLost::TooLarge }
}

fn lost(error: &reqwest::Error) -> Lost {
    let unsent = error.is_connect() || error.is_builder();
    Lost { reason: explain(error), how: if unsent { HowLost::NeverLeft } else { HowLost::NoAnswer } }
}

/// What the network said, without the URL, whose query may hold more than belongs in a log. The
/// chain of causes is walked, because the outermost says only "error sending request".
fn explain(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        let seconds = CONNECT_TIMEOUT.as_secs();
        return match error.is_connect() {
            true => format!("nothing came for {seconds} s"),
            false => format!("the whole answer did not come within {} s", TOTAL_TIMEOUT.as_secs()),
        };
    }
    let causes: Vec<String> =
        std::iter::successors(error.source(), |cause| (*cause).source()).map(ToString::to_string).collect();
    if causes.is_empty() { "the request could not be sent".to_owned() } else { causes.join(": ") }
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
        HttpTransport::new().send(request.expect("a request")).await
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
        let lost = HttpTransport::within(Duration::from_millis(300)).send(request).await.expect_err("drips");
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
        let client = Client::new(Rc::new(HttpTransport::new()), root, token, clock.clone());
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
