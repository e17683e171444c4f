//! What Graph sends: the answers of a simulated tenant, each changed on its way. Whatever comes, reading
//! ends, and what is read of somebody is what was sent of that one, or a failure.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use advaudit::clock::Clock;
use advaudit::diag::Source;
use advaudit::graph::transport::{Request, Response, Sending, Transport};
use advaudit::graph::{Client, Failure, Reader, Root, Token, UserRead};
use advaudit::manifest;
use advaudit::model::{SignedDuration, Timestamp, UserId, UserKey};
use advaudit::observe::collect;
use advaudit::observe::reading::Knows;
use advaudit::plan::running::Running;
use advaudit::plan::{check, plan, resolve};
use advaudit::sandbox::{InProcess, Tenant};
use serde_json::{Value, json};

use super::mutate::{self, Choices};
use super::play;

const MANIFEST: &str = include_str!("../../../examples/mixed/manifest.yaml");
const TENANT: &str = include_str!("../../../examples/mixed/tenant.yaml");
const EVERYBODY: &str =
    "apiVersion: advaudit/v1\ntenant: contoso.onmicrosoft.com\nusers: [{all: licensed}]\n";
const SELECTORS: &str = include_str!("../../../examples/selectors/manifest.yaml");
const SELECTED: &str = include_str!("../../../examples/selectors/tenant.yaml");
const WORDS: [&str; 16] = [
    "{",
    "}",
    "[",
    "]",
    "\"",
    ",",
    ":",
    "null",
    "<html>",
    "\u{feff}",
    "\"id\":\"x\",",
    "\"value\":[],",
    "\\ud800",
    "\n",
    "\"status\":200,",
    "-",
];
const HEADERS: [(&str, &str); 16] = [
    ("retry-after", "1"),
    ("retry-after", "-1"),
    ("retry-after", "99999999999999999999"),
    ("retry-after", "0"),
    ("retry-after", "Fri, 31 Dec 9999 23:59:59 GMT"),
    ("retry-after", "soon"),
    ("date", "Thu, 01 Jan 1970 00:00:00 GMT"),
    ("date", "Fri, 31 Dec 9999 23:59:59 GMT"),
    ("date", "yesterday"),
    ("location", "https://evil.example/"),
    ("location", "/v1.0/users"),
    ("content-type", "text/html; charset=utf-16"),
    ("www-authenticate", "Bearer error=\"insufficient_claims\", claims=\"e30=\""),
    ("www-authenticate", "Bearer \"\"\","),
    ("request-id", "\u{e9}"),
    ("content-encoding", "gzip"),
];
const STATUS: [u16; 16] = [200, 200, 200, 200, 200, 204, 301, 400, 401, 403, 404, 410, 429, 500, 503, 599];

/// Changes what a tenant says, and remembers what it said then.
struct Spoiler {
    choices: RefCell<Vec<u8>>,
    sent: RefCell<Vec<Vec<u8>>>,
}

impl Spoiler {
    fn new(choices: &[u8]) -> Self {
        Spoiler { choices: RefCell::new(choices.to_vec()), sent: RefCell::default() }
    }

    /// Takes the next few choices; at their end answers are left as they are.
    fn spoil(&self, mut response: Response) -> Response {
        let mut left = self.choices.borrow_mut();
        let end = left.len().min(24);
        let own: Vec<u8> = left.drain(..end).collect();
        let mut choices = Choices::new(&own);
        if choices.rarely(6) {
            *response.status_mut() = http::StatusCode::from_u16(*choices.one(&STATUS)).expect("a status");
        }
        if choices.rarely(6) {
            let (name, value) = *choices.one(&HEADERS);
            let value = http::HeaderValue::from_bytes(value.as_bytes()).expect("a value");
            response.headers_mut().insert(name, value);
        }
        if !own.is_empty()
            && let Ok(mut body) = serde_json::from_slice::<Value>(response.body())
        {
            mutate::nodes(&mut body, &mut choices);
            *response.body_mut() = body.to_string().into_bytes();
        }
        if choices.rarely(3) {
            mutate::bytes(response.body_mut(), &WORDS, &mut choices);
        }
        self.sent.borrow_mut().push(response.body().clone());
        assert!(self.sent.borrow().len() < 5_000, "it does not end");
        response
    }
}

/// A simulated tenant behind it.
struct Spoiled {
    inner: InProcess,
    spoiler: Spoiler,
}

impl Transport for Spoiled {
    fn send(&self, request: Request) -> Sending<'_> {
        assert_eq!(request.uri().host(), Some("graph.microsoft.com"), "the token went to another host");
        Box::pin(async move { Ok(self.spoiler.spoil(self.inner.send(request).await?)) })
    }
}

fn reader(transport: Rc<dyn Transport>, clock: &Clock) -> Reader {
    let root = Root::parse("https://graph.microsoft.com").expect("a root");
    Reader::new(Client::new(transport, root, Rc::new(Token::new("s3cret").expect("a token")), clock.clone()))
}

fn run<F: Future>(clock: &Clock, work: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(clock.drive(work))
}

/// Reading and planning a whole manifest.
#[test]
fn bodies() {
    play("graph bodies", |choices| {
        let (text, tenant) =
            [(MANIFEST, TENANT), (EVERYBODY, TENANT), (SELECTORS, SELECTED)][choices.below(3)];
        let start: Timestamp = "2026-11-22T09:00:00Z".parse().expect("a time");
        let clock = Clock::starting_at(start);
        let inner = InProcess::new(Tenant::read(tenant).expect("a tenant"), clock.clone());
        let reader = reader(Rc::new(Spoiled { inner, spoiler: Spoiler::new(choices.rest()) }), &clock);
        let (declared, _) = manifest::read(Arc::new(Source::new("m.yaml", text)), start).expect("a manifest");
        let work = async {
            let tenant = collect::tenant(&reader).await?;
            collect::collect(&reader, &declared, tenant, Knows::only(&BTreeMap::new()), &clock).await
        };
        let outcome = run(&clock, work);
        assert!(
            clock.now().duration_since(start) < SignedDuration::from_hours(12),
            "it took {}",
            clock.now()
        );
        match outcome {
            Ok(observed) => {
                let running = Running::default();
                let desired = resolve::resolve(&declared, &observed, &running);
                let plan = plan(&desired, &observed, &running, clock.now());
                assert_eq!(check::check(&plan, &desired, &running), Vec::<String>::new());
            }
            Err(failure) => {
                let text = failure.explained();
                assert!(!text.contains("s3cret") && text.len() < 5000, "{text}");
                assert!(!text.contains(char::is_control), "{text:?}");
            }
        }
    });
}

const PEOPLE: usize = 30;

fn id(at: usize) -> String {
    format!("aaaaaaaa-0000-4000-8000-{at:012}")
}

/// Whether a part of some answer says of that user to be there. What the judge cannot read himself, being
/// nested too deep for a tree, could say anything.
fn was_sent(sent: &[Vec<u8>], id: UserId, location: Option<&str>) -> bool {
    let says_so = |body: &Value| {
        let own_id = body["id"].as_str().map(str::to_lowercase);
        let own_location = body["usageLocation"].as_str().filter(|text| !text.is_empty());
        own_id == Some(id.to_string()) && own_location == location
    };
    sent.iter().any(|answer| match serde_json::from_slice::<Value>(answer) {
        Err(_) => true,
        Ok(answer) => answer["responses"].as_array().into_iter().flatten().any(|part| says_so(&part["body"])),
    })
}

/// Answers a batch with the users that it asks for, each in a place of its own.
struct Batches {
    spoiler: Spoiler,
}

impl Transport for Batches {
    fn send(&self, request: Request) -> Sending<'_> {
        let asked: Value = serde_json::from_slice(request.body()).expect("a batch");
        let part = |part: &Value| {
            let url = part["url"].as_str().expect("a URL");
            let id = url.trim_start_matches("/users/").split('?').next().expect("an id");
            let at: usize = id[24..].parse().expect("a number");
            json!({
                "id": part["id"], "status": 200, "headers": { "Content-Type": "application/json" },
                "body": { "id": id, "userPrincipalName": format!("user{at}@contoso.com"), "usageLocation": place(at),
                          "licenseAssignmentStates": [] }
            })
        };
        let parts: Vec<Value> = asked["requests"].as_array().expect("parts").iter().map(part).collect();
        let body = json!({ "responses": parts }).to_string().into_bytes();
        Box::pin(async move { Ok(self.spoiler.spoil(http::Response::new(body))) })
    }
}

fn place(at: usize) -> String {
    let letter = |at: usize| char::from(b'A' + u8::try_from(at % 26).expect("a letter"));
    [letter(at / 26), letter(at)].iter().collect()
}

/// `$batch`: what comes back for one who was asked for is that one's, or a failure.
#[test]
fn batch() {
    let ids: Vec<UserId> = (1..=PEOPLE).map(|at| id(at).parse().expect("an id")).collect();
    play("$batch", move |choices| {
        let (found, server) = read_all(&ids, choices.rest());
        assert_eq!(found.len(), ids.len());
        let sent = server.spoiler.sent.borrow();
        for (id, outcome) in ids.iter().zip(found) {
            let Ok(Some(user)) = outcome else { continue };
            assert_eq!(user.id, *id, "somebody else's");
            let location = user.usage_location.as_deref();
            let is_escaped = location.is_some_and(|text| text.contains('\\'));
            assert!(
                is_escaped || was_sent(&sent, *id, location),
                "{id} is in {location:?}, which nobody sent"
            );
        }
    });
}

type Found = Vec<Result<Option<UserRead>, Failure>>;

fn read_all(ids: &[UserId], choices: &[u8]) -> (Found, Rc<Batches>) {
    let start: Timestamp = "2026-11-22T09:00:00Z".parse().expect("a time");
    let clock = Clock::starting_at(start);
    let server = Rc::new(Batches { spoiler: Spoiler::new(choices) });
    let keys: Vec<UserKey> = ids.iter().copied().map(UserKey::Id).collect();
    let found = run(&clock, reader(server.clone(), &clock).users(&keys));
    assert!(clock.now().duration_since(start) < SignedDuration::from_hours(2), "it took {}", clock.now());
    (found, server)
}

#[test]
fn unchanged_answers_are_read_whole() {
    let ids: Vec<UserId> = (1..=PEOPLE).map(|at| id(at).parse().expect("an id")).collect();
    let (found, server) = read_all(&ids, &[]);
    let places: Vec<Option<String>> =
        found.into_iter().map(|one| one.unwrap().unwrap().usage_location).collect();
    assert_eq!(places, (1..=PEOPLE).map(|at| Some(place(at))).collect::<Vec<_>>());
    assert_eq!(server.spoiler.sent.borrow().len(), 2);
}
