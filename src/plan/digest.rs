//! The digest of a decision: two plans with the same digest would start the same things.
//!
//! It covers what is started and nothing that drifts between two readings of the same decision:
//! not times, names or counts, not other service plans, not the estimate, not what is blocked,
//! unknown or resumed. It is no signature.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::change::{Action, Change, Expectation, Step};
use super::planned::Plan;
use crate::model::{AssignedBy, SERVICE_PLAN, SubjectId, TenantId};

/// The version of the plan document, part of the digest.
pub const FORMAT_VERSION: &str = "1.0";

/// What a plan would start, as far as its digest goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Where.
    pub tenant: TenantId,
    /// Each limit by its name, as it was written: what a share comes to is a count, and moves with everybody
    /// who is hired.
    pub limits: Vec<(String, String)>,
    /// The digest of each enable and toggle.
    pub started: BTreeMap<SubjectId, String>,
}

impl Decision {
    /// The decision that these changes are; resumes are none.
    pub fn new(tenant: TenantId, limits: Vec<(String, String)>, changes: &[Change]) -> Self {
        let started = changes.iter().filter_map(|change| Some((change.subject.id, of_change(change)?)));
        Decision { tenant, limits, started: started.collect() }
    }

    /// The decision of a plan.
    pub fn of(plan: &Plan) -> Self {
        let limits = plan.limits.iter().map(|limit| (limit.limit.as_str().to_owned(), limit.written.clone()));
        Decision::new(plan.tenant.id, limits.collect(), &plan.changes)
    }

    /// The decision of which a part was begun already; what is still to be started counts as it is now.
    #[must_use]
    pub fn with(mut self, begun: &BTreeMap<SubjectId, String>) -> Self {
        for (id, change) in begun {
            self.started.entry(*id).or_insert_with(|| change.clone());
        }
        self
    }

    /// 64 hex digits.
    pub fn sha256(&self) -> String {
        let limit = |(name, written): &(String, String)| json!({ "name": name, "limit": written });
        let change = |(id, sha256): (&SubjectId, &String)| json!({ "kind": id.kind().as_str(), "id": id.guid(), "sha256": sha256 });
        let mut digest = Fields::default();
        digest.list("changes", self.started.iter().map(change));
        digest.field("format_version", &FORMAT_VERSION);
        digest.list("limits", self.limits.iter().map(limit));
        digest.field("service_plan", &SERVICE_PLAN);
        digest.field("tenant", &self.tenant);
        digest.sha256()
    }
}

/// The digest of the decision, 64 hex digits.
pub fn sha256(plan: &Plan) -> String {
    Decision::of(plan).sha256()
}

/// The digest of one change; none of a resume, which ends what was decided before.
pub fn of_change(change: &Change) -> Option<String> {
    (change.action != Action::Resume).then(|| of(&decided(change)))
}

/// The digest of any JSON. `serde_json` keeps object keys sorted, so equal values have equal text.
pub fn of(value: &Value) -> String {
    hex(&Sha256::digest(value.to_string().as_bytes()))
}

/// The digest of a large object, as [`of`] would give it, made field by field and entry by entry: as a tree of
/// values it would be many times as large. Fields come in the order of their names.
#[derive(Default)]
pub struct Fields {
    hash: Sha256,
    last: &'static str,
}

impl Fields {
    /// The next field.
    pub fn field(&mut self, name: &'static str, value: &impl Serialize) {
        self.name(name);
        self.value(value);
    }

    /// The next field, which is a list.
    pub fn list<T: Serialize>(&mut self, name: &'static str, entries: impl IntoIterator<Item = T>) {
        self.name(name);
        let mut opening = "[";
        for entry in entries {
            self.hash.update(opening);
            self.value(&entry);
            opening = ",";
        }
        self.hash.update(if opening == "[" { "[]" } else { "]" });
    }

    /// 64 hex digits.
    pub fn sha256(mut self) -> String {
        self.hash.update(if self.last.is_empty() { "{}" } else { "}" });
        hex(&self.hash.finalize())
    }

    fn name(&mut self, name: &'static str) {
        assert!(self.last < name, "{name} comes after {}", self.last);
        self.hash.update(if self.last.is_empty() { "{\"" } else { ",\"" });
        self.hash.update(name);
        self.hash.update("\":");
        self.last = name;
    }

    /// Through a value, which sorts the keys of objects.
    fn value(&mut self, value: &impl Serialize) {
        let value = serde_json::to_value(value).unwrap_or_default();
        self.hash.update(value.to_string());
    }
}

/// The digest of a text.
pub fn of_text(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

fn decided(change: &Change) -> Value {
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
