//! What goes wrong with an answer: it says something else, breaks off, or does not come.

use serde_json::{Value, json};

use super::super::faults::{Fault, FaultAnswer};
use super::super::tenant::Tenant;
use super::ask::{Answer, Ask};
use super::options::token;
use super::refusal::Refusal;
use super::reply::{Call, refused};
use crate::model::Timestamp;

/// What comes instead of an answer, when nothing was done.
pub fn instead(tenant: &Tenant, fault: &Fault, ask: &Ask, number: u64, now: Timestamp) -> Answer {
    let refusal = match fault.answer {
        FaultAnswer::Status(status) => Refusal::of_status(status),
        FaultAnswer::Conflict => Refusal::conflict(),
        _ => Refusal::of_status(503),
    };
    let mut answer = refused(tenant, &refusal, ask, number, now);
    match fault.answer {
        FaultAnswer::Html => page(&mut answer, 503, "The service is unavailable."),
        FaultAnswer::PageInstead => page(&mut answer, 200, "Sign in to the network."),
        FaultAnswer::Dropped => answer.lost = true,
        _ => {}
    }
    if let Some(seconds) = fault.retry_after {
        answer.set("Retry-After", seconds.to_string());
    }
    answer
}

/// What becomes of the answer to something that was done.
pub fn after(answer: &mut Answer, fault: FaultAnswer) {
    match fault {
        FaultAnswer::Lost => answer.lost = true,
        FaultAnswer::Empty => answer.body.clear(),
        FaultAnswer::Truncated => answer.body.truncate(answer.body.len() / 2),
        FaultAnswer::PageAfter => page(answer, 200, "Sign in to the network."),
        FaultAnswer::Status(_)
        | FaultAnswer::Html
        | FaultAnswer::Dropped
        | FaultAnswer::PageInstead
        | FaultAnswer::Conflict
        | FaultAnswer::EmptyPage
        | FaultAnswer::ForeignLink => {}
    }
}

/// A page of HTML from something between here and Graph.
fn page(answer: &mut Answer, status: u16, text: &str) {
    answer.status = status;
    answer.headers.clear();
    answer.set("Content-Type", "text/html");
    answer.body = format!("<html><body>{text}</body></html>").into_bytes();
}

/// Gives a page of a list another link, and perhaps takes its items.
pub fn relink(answer: &mut Answer, fault: FaultAnswer, call: &Call<'_>) {
    let (link, without_items) = match fault {
        FaultAnswer::EmptyPage => {
            let place = call.options.skip.clone().unwrap_or_default();
            (call.url.next_link(&call.ask.origin, &token(&place)), true)
        }
        FaultAnswer::ForeignLink => (call.url.next_link("https://graph.example.net", &token("")), false),
        _ => return,
    };
    let Ok(mut body) = serde_json::from_slice::<Value>(&answer.body) else { return };
    if body["value"].is_array() {
        body["@odata.nextLink"] = json!(link);
        if without_items {
            body["value"] = json!([]);
        }
        answer.body = body.to_string().into_bytes();
    }
}
