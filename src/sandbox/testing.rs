//! What the tests of the sandbox share: tenants from a few lines, requests from a few words.

use serde_json::Value;

use super::user::User;
use super::{Answer, Ask, Tenant};
use crate::model::{ServicePlanId, SignedDuration, SkuId, Timestamp};

/// The head of a tenant file.
pub const TENANT: &str =
    "tenant: {id: 8a9b0c1d-0000-4000-8000-000000000001, domain: contoso.onmicrosoft.com}\n";

/// SPE_E5.
pub const E5: SkuId = SkuId(uuid::uuid!("06ebc4ee-1bb5-47dd-8120-11324bc54e06"));

/// ENTERPRISEPREMIUM.
pub const O365_E5: SkuId = SkuId(uuid::uuid!("c7df2760-2c81-4ef7-b578-5b5392b571df"));

/// M365_ADVANCED_AUDITING, not taken from the planner's words.
pub const AUDITING: ServicePlanId = ServicePlanId(uuid::uuid!("2f442157-a11c-46b9-ae5b-6e39ff4e5849"));

/// When most tests take place.
pub fn noon() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().expect("a time")
}

/// That many seconds after noon.
pub fn after(seconds: i64) -> Timestamp {
    noon() + SignedDuration::from_secs(seconds)
}

/// A tenant with the usual head.
pub fn tenant(rest: &str) -> Tenant {
    Tenant::read(&format!("{TENANT}{rest}")).unwrap_or_else(|error| panic!("{error}"))
}

/// The user with that UPN, as it is now.
pub fn user<'a>(tenant: &'a Tenant, upn: &str) -> &'a User {
    tenant.state.users.kept().find(|user| user.upn == upn).unwrap_or_else(|| panic!("no user {upn}"))
}

/// A request with a token and without a body.
pub fn ask(method: &str, path: &str) -> Ask {
    Ask {
        method: method.to_owned(),
        origin: "https://graph.microsoft.com".to_owned(),
        path_and_query: path.to_owned(),
        headers: vec![("Authorization".to_owned(), "Bearer t".to_owned())],
        body: Vec::new(),
    }
}

/// A GET with the headers of an advanced query.
pub fn advanced(path: &str) -> Ask {
    let mut ask = ask("GET", path);
    ask.headers.push(("ConsistencyLevel".to_owned(), "eventual".to_owned()));
    ask
}

/// A POST of JSON.
pub fn post(path: &str, body: &Value) -> Ask {
    Ask { body: body.to_string().into_bytes(), ..ask("POST", path) }
}

/// The body of `assignLicense` that assigns E5 with these service plans off.
pub fn assign(off: &[ServicePlanId]) -> Value {
    serde_json::json!({ "addLicenses": [{ "skuId": E5, "disabledPlans": off }], "removeLicenses": [] })
}

/// The JSON of an answer.
pub fn json(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
}

/// GETs at noon.
pub fn get(tenant: &mut Tenant, path: &str) -> (u16, Value) {
    get_at(tenant, path, noon())
}

/// GETs at that time.
pub fn get_at(tenant: &mut Tenant, path: &str, now: Timestamp) -> (u16, Value) {
    let answer = tenant.handle(&ask("GET", path), now);
    (answer.status, json(&answer))
}

/// The status and `code: message` of a refusal.
pub fn refusal(answer: &Answer) -> (u16, String) {
    let error = &json(answer)["error"];
    let text = |key: &str| error[key].as_str().unwrap_or_default().to_owned();
    (answer.status, format!("{}: {}", text("code"), text("message")))
}
