//! `$batch`: up to twenty requests in one, answered in any order (GRAPH 7).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::weather::Place;
use super::access::Access;
use super::ask::{Answer, Ask};
use super::refusal::Refusal;
use super::reply::{one, refused, set_headers};
use super::spoil;
use crate::model::Timestamp;

const MOST_PARTS: usize = 20;

#[derive(Deserialize)]
struct Batch {
    requests: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    id: String,
    method: String,
    url: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<Value>,
    #[serde(default)]
    depends_on: Vec<String>,
}

/// The answer to a batch: 200, whatever its parts say, unless the batch itself makes no sense.
pub fn answer(access: &mut impl Access, ask: &Ask, now: Timestamp) -> Answer {
    let fault = access.look(|tenant| tenant.gate().fault_of_batch(tenant.settings.seed));
    let mut answer = match &fault {
        Some(fault) if !fault.answer.after_the_work() => access.look(|tenant| {
            // Counted, or the same batch would meet the same chance for ever.
            let number = tenant.gate().count_request();
            spoil::instead(tenant, fault, ask, number, now)
        }),
        _ => parts(access, ask, now),
    };
    if let Some(fault) = &fault {
        spoil::after(&mut answer, fault.answer);
    }
    access.look(|tenant| set_headers(&mut answer, tenant, ask, tenant.counters().requests, now));
    answer
}

/// The answers to all parts in one.
fn parts(access: &mut impl Access, ask: &Ask, now: Timestamp) -> Answer {
    let last = |access: &mut _, refusal: &Refusal| {
        Access::look(access, |tenant| refused(tenant, refusal, ask, tenant.counters().requests, now))
    };
    let parts = match read(&ask.body) {
        Ok(parts) => parts,
        Err(refusal) => return last(access, &refusal),
    };
    let mut done: BTreeMap<String, Answer> = BTreeMap::new();
    for part in &parts {
        let failed = |id: &String| done.get(&id.to_lowercase()).is_none_or(|answer| answer.status >= 400);
        let answer = if part.depends_on.iter().any(failed) {
            last(access, &Refusal::of_status(424))
        } else {
            one(access, &part.ask(ask), Place::Part, now)
        };
        done.insert(part.id.to_lowercase(), answer);
    }
    let lost = done.values().any(|answer| answer.lost);
    let responses = parts.iter().map(|part| part.response(&done[&part.id.to_lowercase()]));
    let (seed, number) = access.look(|tenant| (tenant.settings.seed, tenant.counters().requests));
    let responses = seed.shuffled(responses, &["batch", &number.to_string()]);
    let mut answer = Answer { status: 200, lost, ..Answer::default() };
    answer.set("Content-Type", "application/json");
    answer.body = json!({ "responses": responses }).to_string().into_bytes();
    answer
}

fn read(body: &[u8]) -> Result<Vec<Part>, Refusal> {
    let batch: Batch = serde_json::from_slice(body)
        .map_err(|error| Refusal::misread(format!("Invalid batch payload format: {error}.")))?;
    let parts = batch.requests;
    if parts.is_empty() || parts.len() > MOST_PARTS {
        let message =
            format!("Number of batch request steps must be between 1 and {MOST_PARTS}, not {}.", parts.len());
        return Err(Refusal::misread(message));
    }
    let mut ids = Vec::new();
    for part in &parts {
        part.check(&ids)?;
        ids.push(part.id.to_lowercase());
    }
    Ok(parts)
}

impl Part {
    /// Whether the part makes sense after those with these ids.
    fn check(&self, before: &[String]) -> Result<(), Refusal> {
        let id = &self.id;
        if id.is_empty() || before.contains(&id.to_lowercase()) {
            return Err(Refusal::misread(format!("Request id '{id}' is empty or not unique.")));
        }
        if self.url.contains("://") || self.url.starts_with("/v1.0") || self.url.is_empty() {
            return Err(Refusal::misread(format!(
                "The url of request id '{id}' must be relative to the version of the batch."
            )));
        }
        let has_type = self.headers.keys().any(|name| name.eq_ignore_ascii_case("Content-Type"));
        if self.method != "GET" && (self.body.is_none() || !has_type) {
            return Err(Refusal::misread(format!(
                "Write request id : {id} does not contain Content-Type header or body."
            )));
        }
        match self.depends_on.iter().find(|other| !before.contains(&other.to_lowercase())) {
            Some(other) => Err(Refusal::misread(format!(
                "Request id '{id}' depends on '{other}', which is not before it."
            ))),
            None => Ok(()),
        }
    }

    /// The part as a request of its own. The token is the batch's, other headers are not.
    fn ask(&self, batch: &Ask) -> Ask {
        let mut headers: Vec<(String, String)> = self.headers.clone().into_iter().collect();
        let token = batch.header("Authorization").unwrap_or_default();
        headers.push(("Authorization".to_owned(), token.to_owned()));
        Ask {
            method: self.method.clone(),
            origin: batch.origin.clone(),
            path_and_query: format!("/v1.0/{}", self.url.trim_start_matches('/')),
            headers,
            body: self.body.as_ref().map(|body| body.to_string().into_bytes()).unwrap_or_default(),
        }
    }

    fn response(&self, answer: &Answer) -> Value {
        let headers: Map<String, Value> =
            answer.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        let mut response = json!({ "id": self.id, "status": answer.status, "headers": headers });
        if !answer.body.is_empty() {
            let text = || json!(String::from_utf8_lossy(&answer.body));
            response["body"] = serde_json::from_slice(&answer.body).unwrap_or_else(|_| text());
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::tenant::Tenant;
    use super::super::super::testing::*;
    use super::*;

    const TWO: &str =
        "licenses: [SPE_E5]\nusers: [{upn: a@contoso.com, licenses: [SPE_E5]}, b@contoso.com]\n";

    fn get_part(id: &str, url: &str) -> Value {
        json!({ "id": id, "method": "GET", "url": url })
    }

    fn batch(tenant: &mut Tenant, parts: &[Value]) -> Answer {
        tenant.handle(&post("/v1.0/$batch", &json!({ "requests": parts })), noon())
    }

    /// The statuses by id, in the order of the answer.
    fn statuses(answer: &Answer) -> Vec<(String, u64)> {
        let json = json(answer);
        let responses = json["responses"].as_array().expect("responses").iter();
        let pair = |part: &Value| {
            (part["id"].as_str().expect("an id").to_owned(), part["status"].as_u64().expect("a status"))
        };
        responses.map(pair).collect()
    }

    #[test]
    fn parts_are_answered_one_by_one_and_in_any_order() {
        let mut tenant = tenant(TWO);
        let mut parts: Vec<Value> =
            (0..19).map(|n| get_part(&n.to_string(), "/users/a@contoso.com")).collect();
        parts.push(get_part("nobody", "users/c@contoso.com"));
        let answer = batch(&mut tenant, &parts);
        assert_eq!(answer.status, 200);
        let mut statuses = statuses(&answer);
        assert_ne!(statuses[0].0, "0", "shuffled");
        statuses.sort();
        assert_eq!(statuses.last(), Some(&("nobody".to_owned(), 404)));
        assert!(statuses[..19].iter().all(|(_, status)| *status == 200));
    }

    #[test]
    fn a_part_is_throttled_while_the_batch_is_not() {
        let mut tenant = tenant(&format!("{TWO}faults: [{{request: 2, answer: 429, retryAfter: 12}}]\n"));
        let answer = batch(&mut tenant, &[get_part("1", "/users"), get_part("2", "/users")]);
        let json = json(&answer);
        let refused = json["responses"].as_array().expect("responses").iter().find(|part| part["id"] == "2");
        let refused = refused.expect("answered");
        assert_eq!((answer.status, &refused["status"]), (200, &json!(429)));
        assert_eq!(refused["headers"]["Retry-After"], "12");
        assert_eq!(refused["body"]["error"]["code"], "TooManyRequests");
    }

    #[test]
    fn a_batch_that_makes_no_sense_is_refused_whole() {
        let mut tenant = tenant(TWO);
        let many: Vec<Value> = (0..21).map(|n| get_part(&n.to_string(), "/users")).collect();
        let write =
            json!({"id": "1", "method": "POST", "url": "/users/x/assignLicense", "body": assign(&[])});
        let wrong = [
            many,
            vec![],
            vec![get_part("a", "/users"), get_part("A", "/users")],
            vec![get_part("1", "https://graph.microsoft.com/v1.0/users")],
            vec![json!({"id": "1", "method": "GET", "url": "/users", "dependsOn": ["2"]})],
            vec![write],
        ];
        for parts in wrong {
            assert_eq!(batch(&mut tenant, &parts).status, 400, "{parts:?}");
        }
        assert_eq!(tenant.counters().requests, 0);
    }

    #[test]
    fn what_depends_on_a_failure_is_not_tried() {
        let mut tenant = tenant(TWO);
        let write = |id: &str, upn: &str, depends_on: &[&str]| {
            json!({
                "id": id, "method": "POST", "url": format!("/users/{upn}/assignLicense"),
                "headers": {"Content-Type": "application/json"},
                "body": assign(&[AUDITING]), "dependsOn": depends_on,
            })
        };
        let parts = [
            write("1", "nobody@contoso.com", &[]),
            write("2", "a@contoso.com", &["1"]),
            write("3", "a@contoso.com", &[]),
        ];
        let mut statuses = statuses(&batch(&mut tenant, &parts));
        statuses.sort();
        assert_eq!(statuses.iter().map(|(_, status)| *status).collect::<Vec<_>>(), [404, 424, 200]);
        assert_eq!(tenant.writes().len(), 1);
    }

    #[test]
    fn an_advanced_query_needs_its_header_in_the_part() {
        let mut tenant = tenant(TWO);
        let url = "/users?$count=true&$filter=department ne 'x'";
        let mut with = get_part("2", url);
        with["headers"] = json!({"ConsistencyLevel": "eventual"});
        let mut statuses = statuses(&batch(&mut tenant, &[get_part("1", url), with]));
        statuses.sort();
        assert_eq!(statuses, [("1".to_owned(), 400), ("2".to_owned(), 200)]);
    }
}
