//! A login authority on loopback, with a Graph behind it that takes the tokens it gave and no others.
//! GitHub and Azure Pipelines mint their id tokens on it too. Written from Microsoft's documentation.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use advaudit::clock::Clock;
use advaudit::model::SignedDuration;
use advaudit::sandbox::{Ask, Tenant};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

pub const CLIENT: &str = "11111111-aaaa-4000-8000-000000000001";
pub const TENANT_ID: &str = super::site::TENANT_ID;
pub const SECRET: &str = "abc8Q~the/client+secret=of.the_tests";
pub const BEARER: &str = "the-bearer-of-the-job-and-nobody-else";
pub const CERTIFICATE: &str = "tests/it/keys/app.pem";
pub const THUMBPRINT_OF: &str = include_str!("../keys/app.pem");
const PUBLIC_KEY: &str = include_str!("../keys/app.pub");

/// By what the application shows that it is itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    Secret,
    Certificate,
    /// A token of another issuer, one of `World::trusted`.
    Federated,
}

/// What the authority and its Graph know and did.
pub struct World {
    tenants: Vec<Own>,
    clock: Clock,
    pub url: String,
    pub shows: Shows,
    /// How long a token lives, in seconds.
    pub life: i64,
    /// Tokens of other issuers; each is good for one request where it was minted for a job.
    pub trusted: Vec<String>,
    pub minted: usize,
    /// Answers to the next requests for a token, instead of what they should be.
    pub instead: VecDeque<(u16, &'static str, String)>,
    /// The token requests, as forms.
    pub asked: Vec<BTreeMap<String, String>>,
    /// The tenants that they were for, as they were named.
    pub asked_for: Vec<String>,
    /// Every token that was given, with its end in ticks, whether it still counts, and whose it is.
    given: Vec<(String, SignedDuration, bool, usize)>,
    /// So many requests to Graph are answered with 401, each for a good token.
    pub refusals: usize,
    /// What Graph wants of the next token after a refusal, as JSON.
    pub challenge: Option<String>,
    /// Requests to Graph that were answered.
    pub answered: usize,
    /// What must never happen: an expired or refused token on the wire, a secret at the wrong place.
    pub wrongs: Vec<String>,
}

/// A tenant, and the names by which a token for it may be asked for.
struct Own {
    names: Vec<String>,
    tenant: Tenant,
}

impl Own {
    fn read(file: &Path) -> Own {
        let text = std::fs::read_to_string(file).expect("a tenant");
        Own { names: Tenant::names(&text).expect("a tenant"), tenant: Tenant::read(&text).expect("a tenant") }
    }
}

/// A served world; ends with the process.
pub struct Authority {
    pub url: String,
    world: Arc<Mutex<World>>,
}

impl Authority {
    /// Serves that tenant file.
    pub fn start(tenant: &Path, shows: Shows) -> Authority {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a socket");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let world = Arc::new(Mutex::new(World {
            tenants: vec![Own::read(tenant)],
            clock: Clock::system(),
            url: url.clone(),
            shows,
            life: 3600,
            trusted: Vec::new(),
            minted: 0,
            instead: VecDeque::new(),
            asked: Vec::new(),
            asked_for: Vec::new(),
            given: Vec::new(),
            refusals: 0,
            challenge: None,
            answered: 0,
            wrongs: Vec::new(),
        }));
        let served = world.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                let router = Router::new().fallback(handle).with_state(served);
                axum::serve(listener, router).await.expect("served");
            });
        });
        Authority { url, world }
    }

    /// Another tenant, in which the application is as well.
    pub fn also(&self, tenant: &Path) {
        self.world().tenants.push(Own::read(tenant));
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything that must show up nowhere.
    pub fn secrets(&self) -> Vec<String> {
        let world = self.world();
        let mut secrets = vec![SECRET.to_owned(), BEARER.to_owned()];
        secrets.extend(world.given.iter().map(|(token, ..)| token.clone()));
        secrets.extend(world.trusted.iter().cloned());
        secrets.extend(world.asked.iter().filter_map(|form| form.get("client_assertion").cloned()));
        secrets
    }
}

async fn handle(State(world): State<Arc<Mutex<World>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.expect("a body").to_vec();
    let headers: BTreeMap<String, String> = parts
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().expect("text").to_owned()))
        .collect();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let mut world = world.lock().unwrap_or_else(PoisonError::into_inner);
    let (status, kind, text) = if path.starts_with("/v1.0/") {
        return world.graph(parts.method.as_str(), &path, &headers, body);
    } else if path.ends_with("/oauth2/v2.0/token") {
        world.token(&path, &headers, &body)
    } else {
        world.mint(&path, &headers)
    };
    let response = Response::builder().status(status);
    let response = match kind {
        "redirect" => response.header("location", &text),
        kind => response.header("content-type", kind),
    };
    response.body(Body::from(if kind == "redirect" { String::new() } else { text })).expect("a response")
}

type Answered = (u16, &'static str, String);

const JSON: &str = "application/json";

impl World {
    fn wrong(&mut self, what: impl Into<String>) {
        self.wrongs.push(what.into());
    }

    fn bearer(headers: &BTreeMap<String, String>) -> String {
        let value = headers.get("authorization").cloned().unwrap_or_default();
        value.strip_prefix("Bearer ").unwrap_or_default().to_owned()
    }

    fn token(&mut self, path: &str, headers: &BTreeMap<String, String>, body: &[u8]) -> Answered {
        if headers.contains_key("authorization") {
            self.wrong("a bearer came to the authority");
        }
        let text = String::from_utf8(body.to_vec()).expect("a form");
        let form: BTreeMap<String, String> =
            text.split('&').filter_map(|pair| pair.split_once('=')).map(field).collect();
        self.asked.push(form.clone());
        if let Some(answer) = self.instead.pop_front() {
            return answer;
        }
        let is = |name: &str, value: &str| form.get(name).is_some_and(|own| own == value);
        let name = path.trim_start_matches('/').trim_end_matches("/oauth2/v2.0/token");
        self.asked_for.push(name.to_owned());
        let is_named = |own: &Own| own.names.iter().any(|one| one == name);
        let Some(tenant) = self.tenants.iter().position(is_named) else {
            return refused(90_002, "Tenant not found.");
        };
        if !is("client_id", CLIENT) {
            return refused(700_016, "Application was not found in the directory.");
        }
        if !is("grant_type", "client_credentials") || !is("scope", "https://graph.microsoft.com/.default") {
            return refused(70_011, "The provided scope is not valid.");
        }
        let shown = match self.shows {
            Shows::Secret if !is("client_secret", SECRET) => {
                Err(refused(7_000_215, &format!("Invalid client secret provided, the form was {text}.")))
            }
            Shows::Secret => Ok(()),
            Shows::Certificate => self.is_signed(form.get("client_assertion")),
            Shows::Federated => self.is_trusted(form.get("client_assertion")),
        };
        if let Err(refusal) = shown {
            return refusal;
        }
        if let Some(wanted) = &self.challenge
            && form.get("claims") == Some(wanted)
        {
            self.challenge = None;
        }
        let token = format!("eyJ0eXAiOiJKV1Qi.a-token-of-the-tests-{}.c2lnbmF0dXJl", self.given.len());
        let until = self.clock.ticks() + SignedDuration::from_secs(self.life);
        self.given.push((token.clone(), until, true, tenant));
        let answer = json!({
            "token_type": "Bearer", "expires_in": self.life, "ext_expires_in": self.life, "access_token": token
        });
        (200, JSON, answer.to_string())
    }

    /// learn.microsoft.com/entra/identity-platform/certificate-credentials
    fn is_signed(&self, assertion: Option<&String>) -> Result<(), Answered> {
        let no = |why: &str| Err(refused(700_027, &format!("The certificate is not registered: {why}.")));
        let Some(assertion) = assertion else { return no("there is no assertion") };
        let Ok(header) = jsonwebtoken::decode_header(assertion) else { return no("no header") };
        if header.x5t_s256 != Some(thumbprint()) {
            return no("another thumbprint");
        }
        let mut rules = Validation::new(Algorithm::PS256);
        rules.set_audience(&[format!("{}/{TENANT_ID}/oauth2/v2.0/token", self.url)]);
        rules.set_issuer(&[CLIENT]);
        rules.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
        rules.sub = Some(CLIENT.to_owned());
        rules.validate_nbf = true;
        let key = DecodingKey::from_rsa_pem(PUBLIC_KEY.as_bytes()).expect("a key");
        match jsonwebtoken::decode::<Value>(assertion, &key, &rules) {
            Ok(decoded) if decoded.claims["jti"].is_string() => Ok(()),
            Ok(_) => no("no jti"),
            Err(error) => no(&error.to_string()),
        }
    }

    fn is_trusted(&mut self, assertion: Option<&String>) -> Result<(), Answered> {
        match assertion {
            Some(assertion) if self.trusted.contains(assertion) => {
                // What was minted for a job is good once.
                if assertion.contains("minted") {
                    self.trusted.retain(|one| one != assertion);
                }
                Ok(())
            }
            _ => Err(refused(700_213, "No matching federated identity record found.")),
        }
    }

    /// The id tokens of jobs.
    fn mint(&mut self, path: &str, headers: &BTreeMap<String, String>) -> Answered {
        if World::bearer(headers) != BEARER {
            self.wrong(format!("{path} without the bearer of the job"));
            return (401, "text/plain", "no".to_owned());
        }
        self.minted += 1;
        let token = format!("eyJhbGciOiJSUzI1NiJ9.minted-for-the-job-{}.c2lnbmF0dXJl", self.minted);
        self.trusted.push(token.clone());
        if path.starts_with("/github?") && path.contains("audience=api%3A%2F%2FAzureADTokenExchange") {
            (200, JSON, json!({ "count": 1, "value": token }).to_string())
        } else if path.starts_with("/pipelines?") && path.contains("serviceConnectionId=the-connection") {
            (200, JSON, json!({ "oidcToken": token }).to_string())
        } else {
            self.wrong(format!("somebody asked for {path}"));
            (404, "text/plain", "nothing here".to_owned())
        }
    }

    fn graph(
        &mut self,
        method: &str,
        path: &str,
        headers: &BTreeMap<String, String>,
        body: Vec<u8>,
    ) -> Response {
        let token = World::bearer(headers);
        let now = self.clock.ticks();
        let known = self.given.iter().position(|(own, ..)| *own == token);
        let tenant = match known.map(|at| (at, self.given[at].clone())) {
            None => {
                self.wrong(format!("a token that nobody gave: {token}"));
                return unauthorized(None);
            }
            Some((_, (_, _, false, _))) => {
                self.wrong("a token that was refused before");
                return unauthorized(None);
            }
            Some((_, (_, until, true, _))) if until < now => {
                self.wrong("a token that has expired");
                return unauthorized(None);
            }
            Some((at, _)) if self.refusals > 0 => {
                self.refusals -= 1;
                self.given[at].2 = false;
                return unauthorized(self.challenge.as_deref());
            }
            Some((_, (_, _, true, own))) => own,
        };
        self.answered += 1;
        let host = headers.get("host").cloned().unwrap_or_default();
        let ask = Ask {
            method: method.to_owned(),
            origin: format!("http://{host}"),
            path_and_query: path.to_owned(),
            headers: headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
            body,
        };
        let answer = self.tenants[tenant].tenant.handle(&ask, self.clock.now());
        let mut response = Response::builder().status(answer.status);
        for (name, value) in &answer.headers {
            response = response.header(name, value);
        }
        response.body(Body::from(answer.body)).expect("a response")
    }
}

fn unauthorized(claims: Option<&str>) -> Response {
    use base64::Engine;
    let mut response = Response::builder().status(401).header("content-type", JSON);
    if let Some(claims) = claims {
        let claims = base64::engine::general_purpose::STANDARD.encode(claims);
        let challenge = format!("Bearer realm=\"\", error=\"insufficient_claims\", claims=\"{claims}\"");
        response = response.header("www-authenticate", challenge);
    }
    let error = json!({ "error": { "code": "InvalidAuthenticationToken", "message": "no" } });
    response.body(Body::from(error.to_string())).expect("a response")
}

fn refused(code: u32, why: &str) -> Answered {
    let text = format!("AADSTS{code}: {why} Trace ID: 0a0b Correlation ID: 0c0d Timestamp: now");
    let answer = json!({
        "error": "invalid_client", "error_description": text, "error_codes": [code], "trace_id": "0a0b",
        "correlation_id": "0c0d"
    });
    (401, JSON, answer.to_string())
}

/// A field of a form.
fn field((name, value): (&str, &str)) -> (String, String) {
    let value = value.replace('+', " ");
    let value = percent_encoding::percent_decode_str(&value).decode_utf8().expect("UTF-8").into_owned();
    (name.to_owned(), value)
}

/// `x5t#S256` of the application's certificate.
fn thumbprint() -> String {
    use base64::Engine;
    use sha2::Digest;
    let begin = "-----BEGIN CERTIFICATE-----";
    let from = &THUMBPRINT_OF[THUMBPRINT_OF.find(begin).expect("a certificate") + begin.len()..];
    let text: String = from.split("-----END").next().expect("an end").split_whitespace().collect();
    let der = base64::engine::general_purpose::STANDARD.decode(text).expect("base64");
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(der))
}
