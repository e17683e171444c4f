//! The tenant on loopback, in real time: any Graph client can talk to it.
//!
//! Times in the tenant file stay what they are; its `now` is not used, because real time is what
//! the clients live in. Reads are answered side by side.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::response::Response;
use http_body::Frame;
use tokio::net::TcpListener;

use super::wire::{self, Beside};
use super::{Answer, Ask, Tenant};
use crate::clock::Clock;
use crate::model::SignedDuration;

/// The largest request body that is read: a full batch is far below.
const LARGEST_BODY: usize = 4 << 20;

/// Where a tenant answers, and after how long.
#[derive(Clone, Copy, Debug)]
pub struct Serving {
    /// The port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Every answer takes that long, those to other requests meanwhile.
    pub latency: SignedDuration,
}

/// A tenant and the time.
#[derive(Clone)]
struct Served {
    tenant: Arc<RwLock<Tenant>>,
    clock: Clock,
    latency: SignedDuration,
}

/// Answers on loopback until Ctrl-C; `on_ready` is told where.
pub async fn serve(tenant: Tenant, serving: Serving, on_ready: impl FnOnce(SocketAddr)) -> io::Result<()> {
    let stop = async {
        // Where Ctrl-C cannot be listened to, the process is ended some other way.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    serve_until(tenant, serving, on_ready, stop).await
}

async fn serve_until(
    tenant: Tenant,
    serving: Serving,
    on_ready: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, serving.port)).await?;
    on_ready(listener.local_addr()?);
    let tenant = Arc::new(RwLock::new(tenant));
    let served = Served { tenant, clock: Clock::system(), latency: serving.latency };
    let router = Router::new().fallback(handle).with_state(served);
    axum::serve(listener, router).with_graceful_shutdown(stop).await
}

async fn handle(State(served): State<Served>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, LARGEST_BODY).await else {
        return response(Answer { status: 413, ..Answer::default() });
    };
    let text = |value: &axum::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let host = parts.headers.get("host").map_or_else(|| "127.0.0.1".to_owned(), text);
    let ask = Ask {
        method: parts.method.to_string(),
        origin: format!("http://{host}"),
        path_and_query: parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        headers: parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body: body.to_vec(),
    };
    let _on_its_way = OnItsWay::new(&served, &ask);
    if served.latency > SignedDuration::ZERO {
        served.clock.sleep(served.latency).await;
    }
    response(wire::answer(&mut Beside(&served.tenant), &ask, served.clock.now()))
}

/// A write that was sent and is not answered yet.
struct OnItsWay<'a>(Option<&'a Served>);

impl<'a> OnItsWay<'a> {
    fn new(served: &'a Served, ask: &Ask) -> Self {
        let on_its_way = OnItsWay(ask.path_and_query.ends_with("/assignLicense").then_some(served));
        on_its_way.tell(Tenant::write_sets_out);
        on_its_way
    }

    fn tell(&self, what: fn(&Tenant)) {
        if let Some(served) = self.0 {
            what(&served.tenant.read().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

impl Drop for OnItsWay<'_> {
    fn drop(&mut self) {
        self.tell(Tenant::write_is_over);
    }
}

fn response(answer: Answer) -> Response {
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    let body = if answer.lost { Body::new(Broken) } else { Body::from(answer.body) };
    response.body(body).unwrap_or_else(|_| Response::new(Body::new(Broken)))
}

/// A body that breaks off, so that the connection is closed without an answer.
struct Broken;

impl HttpBody for Broken {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(Some(Err(io::Error::from(io::ErrorKind::ConnectionReset))))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::tenant;
    use super::*;

    const ONE: &str = "licenses: [SPE_E5]\nusers: [{upn: a@contoso.com, licenses: [SPE_E5]}, b@contoso.com]\n\
                       faults: [{request: 3, answer: lost}]\n";

    /// Serves while `client` runs, then stops.
    async fn with_server<T>(latency: SignedDuration, client: impl AsyncFnOnce(String) -> T) -> T {
        let serving = Serving { port: 0, latency };
        let (ready, address) = tokio::sync::oneshot::channel();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let on_ready = move |address| ready.send(address).expect("somebody waits");
        let stopped = async {
            let _ = stopped.await;
        };
        let server = serve_until(tenant(ONE), serving, on_ready, stopped);
        let client = async {
            let address: SocketAddr = address.await.expect("served");
            let result = client(format!("http://{address}")).await;
            let _ = stop.send(());
            result
        };
        let (served, result) = tokio::join!(server, client);
        served.expect("served to the end");
        result
    }

    fn client() -> reqwest::Client {
        let plain = reqwest::Client::builder().no_proxy().tls_certs_only([]);
        plain.build().expect("a client")
    }

    #[tokio::test]
    async fn any_client_can_talk_to_it_and_links_lead_back_to_it() {
        with_server(SignedDuration::ZERO, async |root| {
            let get = |url: String| client().get(url).bearer_auth("t").send();
            let first = get(format!("{root}/v1.0/users?$top=1")).await.expect("an answer");
            assert!(first.headers()["request-id"].len() == 36);
            let body: serde_json::Value =
                serde_json::from_slice(&first.bytes().await.expect("a body")).expect("JSON");
            let link = body["@odata.nextLink"].as_str().expect("a link").to_owned();
            assert!(link.starts_with(&root), "{link}");
            assert_eq!(get(link).await.expect("an answer").status(), 200);
            let lost = get(format!("{root}/v1.0/users")).await;
            assert!(match lost {
                Err(_) => true,
                Ok(answer) => answer.bytes().await.is_err(),
            });
        })
        .await;
    }

    #[tokio::test]
    async fn every_answer_takes_its_time_and_others_come_meanwhile() {
        let latency = SignedDuration::from_millis(250);
        with_server(latency, async |root| {
            let clock = Clock::system();
            let began = clock.now();
            let get = || client().get(format!("{root}/v1.0/users/a@contoso.com")).bearer_auth("t").send();
            let (first, second) = tokio::join!(get(), get());
            assert!(first.expect("an answer").status() == 200 && second.expect("an answer").status() == 200);
            let took = clock.now().duration_since(began);
            assert!(took >= latency && took < latency * 2, "{took}");
        })
        .await;
    }
}
