//! A simulated tenant on loopback whose clock may differ from the machine's: served by a thread of the
//! test, which can ask the tenant itself what was done to it and when.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use advaudit::clock::Clock;
use advaudit::model::{SignedDuration, Timestamp};
use advaudit::sandbox::{Ask, Audited, Deed, Tenant, Truth};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;

use super::site::TENANT;
use super::token;

/// A served tenant, for as long as the test lasts.
#[derive(Clone)]
pub struct Elsewhen {
    pub url: String,
    tenant: Arc<Mutex<Tenant>>,
    clock: Clock,
    /// How long a write is on its way, and its answer.
    way: SignedDuration,
    /// Writes of tokens that lack the permission.
    refused: Arc<AtomicUsize>,
}

impl Elsewhen {
    /// Serves a tenant file that begins as all do. Its clock is ahead of the machine's by so much.
    pub fn start(file: &str, ahead: SignedDuration) -> Elsewhen {
        Elsewhen::start_far_away(file, ahead, SignedDuration::ZERO)
    }

    /// The same where each write takes that long to arrive, and its answer to come back. Whoever hangs up
    /// before it has arrived has written nothing.
    pub fn start_far_away(file: &str, ahead: SignedDuration, way: SignedDuration) -> Elsewhen {
        let mut tenant = Tenant::read(&format!("{TENANT}{file}")).expect("a tenant");
        tenant.keep_audit();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a listener for tokio");
        let served = Elsewhen {
            url: format!("http://{}", listener.local_addr().expect("an address")),
            tenant: Arc::new(Mutex::new(tenant)),
            // Nothing is heard by it, so it is the machine's with an offset.
            clock: Clock::machine_of(&Clock::system(), ahead),
            way,
            refused: Arc::default(),
        };
        let router = Router::new().fallback(handle).with_state(served.clone());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                axum::serve(listener, router).await.expect("served");
            });
        });
        served
    }

    /// Sets its clock.
    pub fn is_ahead(&self, ahead: SignedDuration) {
        self.clock.set_wall_offset(ahead);
    }

    /// When something was changed, by its clock and its own record.
    pub fn written_at(&self) -> Vec<Timestamp> {
        self.tenant().writes().iter().map(|write| write.at).collect()
    }

    /// Every change by its own record, those of group processing included.
    pub fn audit(&self) -> Vec<Audited> {
        self.tenant().audit().expect("kept").to_vec()
    }

    /// How many writes were refused, because their token says that it may not.
    pub fn refused(&self) -> usize {
        self.refused.load(Ordering::Relaxed)
    }

    /// Somebody else does something.
    #[track_caller]
    pub fn somebody(&self, deed: impl FnOnce(&Tenant) -> Deed) {
        let mut tenant = self.tenant();
        let deed = deed(&tenant);
        let done = tenant.administrate(&deed, self.clock.now());
        done.unwrap_or_else(|refusal| panic!("{deed:?}: {refusal:?}"));
    }

    /// How everything stands.
    pub fn truth(&self) -> Truth {
        self.tenant().truth(self.clock.now())
    }

    fn tenant(&self) -> MutexGuard<'_, Tenant> {
        self.tenant.lock().expect("no panic")
    }
}

async fn handle(State(served): State<Elsewhen>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let text = |value: &axum::http::HeaderValue| value.to_str().expect("ASCII").to_owned();
    let ask = Ask {
        method: parts.method.to_string(),
        origin: served.url.clone(),
        path_and_query: parts.uri.path_and_query().expect("a path").to_string(),
        headers: parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body: to_bytes(body, 1 << 22).await.expect("a body").to_vec(),
    };
    let is_write = ask.path_and_query.ends_with("/assignLicense");
    if is_write && !may_write(&ask) {
        served.refused.fetch_add(1, Ordering::Relaxed);
        let response = Response::builder().status(403).header("content-type", "application/json");
        return response.body(Body::from(DENIED)).expect("a response");
    }
    let way = if is_write { served.way } else { SignedDuration::ZERO };
    served.clock.sleep(way).await;
    let now = served.clock.now();
    let answer = served.tenant().handle(&ask, now);
    served.clock.sleep(way).await;
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(answer.body)).expect("a response")
}

const DENIED: &str =
    r#"{"error": {"code": "Authorization_RequestDenied", "message": "Insufficient privileges"}}"#;

/// Whether the token may change licenses. One that does not say what it may, may.
fn may_write(ask: &Ask) -> bool {
    let bearer = ask.headers.iter().find_map(|(name, value)| match name.as_str() {
        "authorization" => value.strip_prefix("Bearer "),
        _ => None,
    });
    bearer.and_then(token::roles).is_none_or(|roles| roles.iter().any(|role| role == token::WRITES))
}
