//! The plan document, format 1.0.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::common::{FindingDocument, PlaceDocument, ServicePlanDocument, SubjectName, TenantDocument};
use crate::model::{AssignedBy, Catalog, ServicePlanId, SignedDuration, SkuId, Timestamp, UserId};
use crate::plan::change::Change;
use crate::plan::digest::{self, FORMAT_VERSION};
use crate::plan::edit::Edit;
use crate::plan::planned::Plan;

/// How long a plan may be started.
pub const EXPIRES_IN: SignedDuration = SignedDuration::from_hours(24);

/// What a run would do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "advaudit plan")]
pub struct PlanDocument {
    /// `1.0`.
    pub format_version: String,
    /// Version of advaudit that made it.
    pub tool_version: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it may be started; finishing is not bounded.
    pub expires_at: Timestamp,
    /// Whom it is for.
    pub tenant: TenantDocument,
    /// What it was made from.
    pub manifest: ManifestDocument,
    /// What is managed.
    pub service_plan: ServicePlanDocument,
    /// Whether everything that was declared could be read.
    pub complete: bool,
    /// Whether there is something to do, and neither a limit nor the machine's clock forbids it.
    pub applyable: bool,
    /// How many of each.
    pub summary: SummaryDocument,
    /// What would be done, in order.
    pub changes: Vec<ChangeDocument>,
    /// Declared subjects that need something else first.
    pub blocked: Vec<BlockedDocument>,
    /// Declared subjects and selectors that could not be read.
    pub unknown: Vec<UnknownDocument>,
    /// Things to tell.
    pub findings: Vec<FindingDocument>,
    /// The limits, and what this plan would start.
    pub limits: Vec<LimitDocument>,
    /// What it would cost.
    pub estimate: EstimateDocument,
    /// Digest of the decision.
    pub sha256: String,
    /// Digest of everything else in this document.
    pub file_sha256: String,
}

/// The manifest that a plan was made from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ManifestDocument {
    /// As they were named.
    pub files: Vec<String>,
    /// Digest of the text.
    pub sha256: String,
}

/// How many of each.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SummaryDocument {
    /// Off to on.
    pub enable: usize,
    /// Off and on again.
    pub toggle: usize,
    /// On when due.
    pub resume: usize,
    /// As they must be, covered ones included.
    pub in_sync: usize,
    /// Something else must happen first.
    pub blocked: usize,
    /// Could not be read.
    pub unknown: usize,
}

/// One thing to do to one subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeDocument {
    /// `enable`, `toggle` or `resume`.
    pub action: String,
    /// To whom.
    pub subject: SubjectName,
    /// The subject's own assignments that are written, in one call.
    pub assignments: Vec<AssignmentDocument>,
    /// In this order.
    pub steps: Vec<StepDocument>,
    /// Who goes off.
    pub people: Vec<PersonDocument>,
    /// Why.
    pub reason: String,
    /// What must still be so when it starts.
    pub expect: Vec<ExpectationDocument>,
}

/// A license whose list of disabled service plans is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AssignmentDocument {
    /// Which.
    pub license: LicenseDocument,
    /// Disabled service plans now.
    pub before: BTreeSet<ServicePlanId>,
    /// Disabled service plans at the end; the same for a toggle.
    pub after: BTreeSet<ServicePlanId>,
}

/// A license.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LicenseDocument {
    /// `skuId`.
    pub id: SkuId,
    /// `skuPartNumber`.
    pub part_number: String,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepDocument {
    /// `off`, `verify_off`, `wait`, `on` or `verify_on`.
    pub r#do: String,
    /// How long; for `verify_off` of a group at most.
    pub seconds: i64,
}

/// A person who goes off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PersonDocument {
    /// Object id.
    pub id: UserId,
    /// UPN.
    pub name: String,
}

/// An assignment that a change rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExpectationDocument {
    /// `skuId`.
    pub license: SkuId,
    /// `direct`, or the id of the group.
    pub by: String,
    /// `state` as Graph writes it.
    pub state: String,
    /// Whether it leaves the service plan on.
    pub on: bool,
}

/// A declared subject that needs something else first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BlockedDocument {
    /// Who.
    pub subject: SubjectName,
    /// Stable, in kebab case.
    pub code: String,
    /// Why.
    pub reason: String,
    /// What to do about it.
    pub next_step: String,
    /// The entry of the manifest.
    pub place: PlaceDocument,
}

/// A declared subject that could not be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UnknownDocument {
    /// Who.
    pub subject: SubjectName,
    /// What went wrong.
    pub reason: String,
    /// The entry of the manifest.
    pub place: PlaceDocument,
}

/// One limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LimitDocument {
    /// `enable` or `toggle`.
    pub name: String,
    /// How many people one run may start with.
    pub limit: u64,
    /// How many this plan would.
    pub actual: u64,
    /// Whether the run must not start anything new.
    pub exceeded: bool,
}

/// What it would cost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EstimateDocument {
    /// HTTP requests.
    pub requests: u64,
    /// Graph's resource units.
    pub resource_units: u64,
    /// License writes.
    pub writes: u64,
    /// From start to end.
    pub seconds: u64,
    /// People times minutes off.
    pub off_user_minutes: u64,
}

impl PlanDocument {
    /// The document of a plan made from that manifest.
    pub fn new(plan: &Plan, file: &str, text: &str) -> Self {
        let mut document = PlanDocument {
            format_version: FORMAT_VERSION.to_owned(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            created_at: plan.created_at,
            expires_at: plan.created_at.saturating_add(EXPIRES_IN).unwrap_or(Timestamp::MAX),
            tenant: TenantDocument::from(&plan.tenant),
            manifest: ManifestDocument { files: vec![file.to_owned()], sha256: digest::of_text(text) },
            service_plan: ServicePlanDocument::ours(),
            complete: plan.is_complete(),
            applyable: plan.allowed().next().is_some() && !plan.exceeds_a_limit(),
            summary: summary(plan),
            changes: plan.changes.iter().map(|one| change(one, &plan.catalog)).collect(),
            blocked: blocked(plan),
            unknown: unknown(plan),
            findings: plan.findings.iter().map(FindingDocument::from).collect(),
            limits: limits(plan),
            estimate: estimate(plan),
            sha256: digest::sha256(plan),
            file_sha256: String::new(),
        };
        document.file_sha256 = document.digest_of_the_rest();
        document
    }

    /// The digest of everything but `file_sha256` itself.
    pub(super) fn digest_of_the_rest(&self) -> String {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        if let Value::Object(fields) = &mut value {
            fields.remove("file_sha256");
        }
        digest::of(&value)
    }
}

fn summary(plan: &Plan) -> SummaryDocument {
    let crate::plan::planned::Summary { enable, toggle, resume, in_sync, blocked, unknown } = plan.summary();
    SummaryDocument { enable, toggle, resume, in_sync, blocked, unknown }
}

fn change(change: &Change, catalog: &Catalog) -> ChangeDocument {
    let assignment = |edit: &Edit| AssignmentDocument {
        license: LicenseDocument { id: edit.sku, part_number: catalog.name(edit.sku) },
        before: edit.before.clone(),
        after: edit.after.clone(),
    };
    let steps = change.steps.iter().map(|step| {
        let (word, duration) = step.parts();
        StepDocument { r#do: word.to_owned(), seconds: duration.as_secs() }
    });
    let expect = change.expect.iter().map(|one| ExpectationDocument {
        license: one.sku,
        by: match one.by {
            AssignedBy::Direct => "direct".to_owned(),
            AssignedBy::Group(id) => id.to_string(),
        },
        state: one.state.as_str().to_owned(),
        on: one.on,
    });
    ChangeDocument {
        action: change.action.as_str().to_owned(),
        subject: SubjectName::from(&change.subject),
        assignments: change.edits.iter().map(assignment).collect(),
        steps: steps.collect(),
        people: change
            .people
            .iter()
            .map(|one| PersonDocument { id: one.id, name: one.name.clone() })
            .collect(),
        reason: change.reason.clone(),
        expect: expect.collect(),
    }
}

fn blocked(plan: &Plan) -> Vec<BlockedDocument> {
    let one = |one: &crate::plan::planned::Blocked| BlockedDocument {
        subject: SubjectName::from(&one.subject),
        code: one.why.code().to_owned(),
        reason: one.why.reason(),
        next_step: one.why.next_step(),
        place: PlaceDocument::from(&one.place),
    };
    plan.blocked.iter().map(one).collect()
}

fn unknown(plan: &Plan) -> Vec<UnknownDocument> {
    let one = |one: &crate::plan::planned::Unknown| UnknownDocument {
        subject: SubjectName::from(&one.subject),
        reason: one.reason.clone(),
        place: PlaceDocument::from(&one.place),
    };
    plan.unknown.iter().map(one).collect()
}

fn limits(plan: &Plan) -> Vec<LimitDocument> {
    let one = |one: &crate::plan::limits::LimitCheck| LimitDocument {
        name: one.name.to_owned(),
        limit: one.limit,
        actual: one.actual,
        exceeded: one.exceeded(),
    };
    plan.limits.iter().map(one).collect()
}

fn estimate(plan: &Plan) -> EstimateDocument {
    let own = plan.estimate;
    EstimateDocument {
        requests: own.requests,
        resource_units: own.resource_units,
        writes: own.writes,
        seconds: own.seconds,
        off_user_minutes: own.off_user_minutes,
    }
}
