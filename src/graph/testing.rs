//! A tenant made of prepared answers and a clock that jumps, for the tests of this folder.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::{Value, json};

use super::client::Client;
use super::throttle::Throttled;
use super::transport::{HowLost, Lost, Request, Response, Sending, Transport};
use super::{Claims, Failure, Giving, NoToken, OffWriter, OnWriter, Reader, Root, Token, TokenSource, Told};
use crate::clock::Clock;
use crate::model::{
    Catalog, License, LicenseStatus, ServicePlan, ServicePlanId, SignedDuration, SkuId, Timestamp,
};

pub const TOKEN: &str = "t0p-s3cret";
pub const REQUEST_ID: &str = "11111111-2222-4333-8444-555555555555";
pub const ADELE: &str = "aaaaaaaa-0000-4000-8000-000000000001";
pub const MEGAN: &str = "aaaaaaaa-0000-4000-8000-000000000002";
pub const LEGAL: &str = "bbbbbbbb-0000-4000-8000-000000000001";
pub const E5: &str = "06ebc4ee-1bb5-47dd-8120-11324bc54e06";
pub const AUDITING: &str = "2f442157-a11c-46b9-ae5b-6e39ff4e5849";
pub const SWAY: &str = "a23b959c-7ce8-4e57-9140-b90eb88a9e97";

/// What the tenant does with one request.
pub enum Prepared {
    Answer(Response),
    Lost(HowLost),
}

impl Prepared {
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        if let Prepared::Answer(response) = &mut self {
            response.headers_mut().insert(name, value.parse().expect("a header"));
        }
        self
    }
}

/// 200 with a body.
pub fn ok(body: Value) -> Prepared {
    status(200, body)
}

/// That status with a JSON body and a request id.
pub fn status(status: u16, body: Value) -> Prepared {
    raw(status, &body.to_string()).with("content-type", "application/json").with("request-id", REQUEST_ID)
}

/// That status with anything as its body, and no header.
pub fn raw(status: u16, body: &str) -> Prepared {
    let response = http::Response::builder().status(status).body(body.as_bytes().to_vec());
    Prepared::Answer(response.expect("a response"))
}

/// That status with Graph's error envelope.
pub fn refused(code: u16, word: &str, message: &str) -> Prepared {
    status(code, json!({ "error": { "code": word, "message": message } }))
}

/// The failure that a 429 is, asking to stay away that long.
pub fn throttled(seconds: i64) -> Failure {
    Failure::Throttled(Box::new(Told {
        asked: "GET /users".to_owned(),
        status: 429,
        code: "TooManyRequests".to_owned(),
        inner_code: None,
        message: "slow down".to_owned(),
        request_id: None,
        client_request_id: "mine".to_owned(),
        retry_after: Some(SignedDuration::from_secs(seconds)),
    }))
}

/// The request left and no answer came.
pub fn lost() -> Prepared {
    Prepared::Lost(HowLost::NoAnswer)
}

/// Nothing listens there.
pub fn unconnected() -> Prepared {
    Prepared::Lost(HowLost::NeverLeft)
}

/// Every request that came, and the answers that are left.
pub struct Script {
    answers: RefCell<Box<dyn Iterator<Item = Prepared>>>,
    pub seen: RefCell<Vec<Request>>,
}

impl Transport for Script {
    fn send(&self, request: Request) -> Sending<'_> {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        self.seen.borrow_mut().push(request);
        let answer = self.answers.borrow_mut().next();
        Box::pin(async move {
            match answer {
                Some(Prepared::Answer(response)) => Ok(response),
                Some(Prepared::Lost(how)) => Err(Lost { reason: "connection reset".to_owned(), how }),
                None => panic!("no answer was prepared for {method} {uri}"),
            }
        })
    }
}

/// Gives a new token after each refusal, as many as there are: `token-number-1`, `token-number-2`, …
#[derive(Default)]
pub struct Numbered {
    /// How many there are; then the credentials are refused.
    pub last: u32,
    /// What the tokens were refused with.
    pub challenges: RefCell<Vec<Option<String>>>,
}

impl TokenSource for Numbered {
    fn token(&self) -> Giving<'_> {
        let number = u32::try_from(self.challenges.borrow().len()).expect("few") + 1;
        let none = |reason: &str| NoToken::Refused {
            reason: format!("{reason}; token-number-{}", number - 1),
            hint: Some("ask somebody".to_owned()),
            request_id: None,
        };
        let token = Token::new(format!("token-number-{number}")).expect("a token");
        let given = if number > self.last { Err(none("AADSTS7000222")) } else { Ok(token) };
        Box::pin(std::future::ready(given))
    }

    fn refused(&self, _: &Token, claims: Option<Claims>) -> bool {
        let text = claims.map(|claims| claims.as_str().to_owned());
        self.challenges.borrow_mut().push(text);
        true
    }

    fn scrub(&self, text: &str) -> String {
        (1..=self.last)
            .fold(text.to_owned(), |text, number| text.replace(&format!("token-number-{number}"), "[token]"))
    }
}

/// A client on prepared answers.
pub struct Bench {
    pub client: Client,
    pub clock: Clock,
    pub script: Rc<Script>,
    pub waits: Rc<RefCell<Vec<Throttled>>>,
}

impl Bench {
    /// Answers may be without end.
    pub fn new<I: IntoIterator<Item = Prepared>>(answers: I) -> Self
    where
        I::IntoIter: 'static,
    {
        Bench::at(Clock::starting_at(Timestamp::UNIX_EPOCH), answers)
    }

    /// The same with other tokens.
    pub fn with<I: IntoIterator<Item = Prepared>>(tokens: Rc<dyn TokenSource>, answers: I) -> Self
    where
        I::IntoIter: 'static,
    {
        Bench::of(Clock::starting_at(Timestamp::UNIX_EPOCH), tokens, answers)
    }

    /// The same by another clock.
    pub fn at<I: IntoIterator<Item = Prepared>>(clock: Clock, answers: I) -> Self
    where
        I::IntoIter: 'static,
    {
        Bench::of(clock, Rc::new(Token::new(TOKEN).expect("a token")), answers)
    }

    /// The same by another clock and with other tokens.
    pub fn of<I: IntoIterator<Item = Prepared>>(clock: Clock, tokens: Rc<dyn TokenSource>, answers: I) -> Self
    where
        I::IntoIter: 'static,
    {
        let answers: Box<dyn Iterator<Item = Prepared>> = Box::new(answers.into_iter());
        let answers = RefCell::new(answers);
        let script = Rc::new(Script { answers, seen: RefCell::default() });
        let waits: Rc<RefCell<Vec<Throttled>>> = Rc::default();
        let heard = waits.clone();
        let root = Root::parse("https://graph.microsoft.com").expect("a root");
        let client = Client::new(script.clone(), root, tokens, clock.clone())
            .observed(Rc::new(move |throttled| heard.borrow_mut().push(throttled)));
        Bench { client, clock, script, waits }
    }

    pub fn reader(&self) -> Reader {
        Reader::new(self.client.clone())
    }

    pub fn on(&self) -> OnWriter {
        OnWriter::new(self.client.clone())
    }

    pub fn off(&self) -> OffWriter {
        OffWriter::new(self.client.clone())
    }

    /// Runs to the end; waits pass at once.
    pub async fn run<F: Future>(&self, future: F) -> F::Output {
        self.clock.drive(future).await
    }

    /// How long it took, in seconds of virtual time.
    pub fn seconds(&self) -> i64 {
        self.clock.now().as_second()
    }

    /// `GET /v1.0/users?…` for each request that came.
    pub fn asked(&self) -> Vec<String> {
        let line = |request: &Request| {
            let path = request.uri().path_and_query().expect("a path");
            format!("{} {path}", request.method())
        };
        self.script.seen.borrow().iter().map(line).collect()
    }

    /// The body of the nth request.
    pub fn body(&self, nth: usize) -> Value {
        serde_json::from_slice(self.script.seen.borrow()[nth].body()).expect("JSON")
    }

    /// The URLs of the parts of the first request, a batch.
    pub fn urls(&self) -> Vec<String> {
        let body = self.body(0);
        let requests = body["requests"].as_array().expect("requests");
        requests.iter().map(|request| request["url"].as_str().expect("a url").to_owned()).collect()
    }

    /// A header of each request that came.
    pub fn sent(&self, header: &str) -> Vec<String> {
        let value = |request: &Request| {
            let value = request.headers().get(header);
            value.map(|value| value.to_str().expect("text").to_owned()).unwrap_or_default()
        };
        self.script.seen.borrow().iter().map(value).collect()
    }
}

/// A user with one direct license and that list.
pub fn user(id: &str, upn: &str, disabled: &[&str]) -> Value {
    json!({
        "id": id, "userPrincipalName": upn, "displayName": "Somebody", "accountEnabled": true,
        "usageLocation": "CH", "licenseAssignmentStates": [{
            "skuId": E5, "disabledPlans": disabled, "assignedByGroup": null, "state": "Active",
            "error": "None", "lastUpdatedDateTime": "2026-11-20T08:00:00Z"
        }]
    })
}

/// A group with one license and that list.
pub fn group(id: &str, name: &str, disabled: &[&str]) -> Value {
    json!({
        "id": id, "displayName": name,
        "assignedLicenses": [{ "skuId": E5, "disabledPlans": disabled }],
        "licenseProcessingState": { "state": "ProcessingComplete" }
    })
}

/// A tenant with one license that holds those service plans.
pub fn catalog(plans: &[&str]) -> Catalog {
    let plan = |id: &&str| {
        let id: ServicePlanId = id.parse().expect("an id");
        (id, ServicePlan { name: id.to_string(), provisioning: "Success".to_owned() })
    };
    let license = License {
        id: sku(E5),
        part_number: "SPE_E5".to_owned(),
        status: LicenseStatus::Enabled,
        holders: None,
        plans: plans.iter().map(plan).collect(),
    };
    [license].into_iter().collect()
}

pub fn sku(id: &str) -> SkuId {
    id.parse().expect("an id")
}

/// A page of a collection, without a next one.
pub fn list(value: &[Value]) -> Prepared {
    ok(json!({ "value": value }))
}

/// The answer to a batch: status and body of each part.
pub fn batch(parts: &[(u16, Value)]) -> Prepared {
    let part = |(id, (status, body)): (usize, &(u16, Value))| json!({ "id": id.to_string(), "status": status, "body": body });
    ok(json!({ "responses": parts.iter().enumerate().map(part).collect::<Vec<_>>() }))
}

/// The part about somebody whom Graph does not know.
pub fn absent() -> (u16, Value) {
    (404, json!({ "error": { "code": "Request_ResourceNotFound", "message": "absent" } }))
}
