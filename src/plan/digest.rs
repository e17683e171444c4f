//! The digest of a decision: two plans with the same digest would start the same things.
//!
//! It covers what is started and nothing that drifts between two readings of the same decision:
//! not times, names or counts, not other service plans, not the estimate, not what is blocked,
//! unknown or resumed. It is no signature.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::change::{Action, Change, Expectation, Step};
use super::planned::Plan;
use crate::model::{AssignedBy, SERVICE_PLAN};

/// The version of the plan document, part of the digest.
pub const FORMAT_VERSION: &str = "1.0";

/// The digest of the decision, 64 hex digits.
pub fn sha256(plan: &Plan) -> String {
    let mut started: Vec<&Change> = plan.changes.iter().filter(|one| one.action != Action::Resume).collect();
    started.sort_by_key(|change| change.subject.id.guid());
    let limits: Vec<Value> =
        plan.limits.iter().map(|limit| json!({ "name": limit.name, "limit": limit.limit })).collect();
    of(&json!({
        "format_version": FORMAT_VERSION,
        "tenant": plan.tenant.id,
        "service_plan": SERVICE_PLAN,
        "limits": limits,
        "changes": started.into_iter().map(change).collect::<Vec<_>>(),
    }))
}

/// The digest of any JSON. `serde_json` keeps object keys sorted, so equal values have equal text.
pub fn of(value: &Value) -> String {
    hex(&Sha256::digest(value.to_string().as_bytes()))
}

/// The digest of a text.
pub fn of_text(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

fn change(change: &Change) -> Value {
    json!({
        "action": change.action.as_str(),
        "kind": change.subject.id.kind().as_str(),
        "id": change.subject.id.guid(),
        "licenses": change.edits.iter().map(|edit| edit.sku).collect::<Vec<_>>(),
        "steps": change.steps.iter().map(step).collect::<Vec<_>>(),
        "expect": change.expect.iter().map(expectation).collect::<Vec<_>>(),
    })
}

fn step(step: &Step) -> Value {
    let (word, duration) = step.parts();
    json!({ "do": word, "seconds": duration.as_secs() })
}

fn expectation(one: &Expectation) -> Value {
    let group = match one.by {
        AssignedBy::Direct => Value::Null,
        AssignedBy::Group(id) => json!(id),
    };
    json!({ "license": one.sku, "group": group, "state": one.state.as_str(), "on": one.on })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
