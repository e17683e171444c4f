//! The plan document, format 1.0.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::{self, FindingDocument, PlaceDocument, ServicePlanDocument, SubjectName, TenantDocument};
use super::members::MembersDocument;
use super::rollout::RolloutDocument;
use crate::model::{
    AssignedBy, Catalog, SERVICE_PLAN, ServicePlanId, SignedDuration, SkuId, Timestamp, UserId,
};
use crate::plan::change::{Action, Cause, Change};
use crate::plan::digest::{self, FORMAT_VERSION, Fields};
use crate::plan::edit::Edit;
use crate::plan::estimate::{Estimate, off_minutes};
use crate::plan::planned::{Plan, Summary};
use crate::plan::resolve::Protected;
use crate::plan::running::InFlight;

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
    /// How many of those in sync owe it to a declared group.
    pub covered: usize,
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
    /// How many people may be off at the same time.
    pub max_off: u64,
    /// Who goes first, when toggles may start, and what stops them.
    pub rollout: RolloutDocument,
    /// Who is never turned off.
    pub protect: Vec<String>,
    /// The licenses that changes write, with the names of their service plans.
    pub licenses: Vec<NamesDocument>,
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
    /// The subjects that were meant (`--only`); empty when all were.
    pub only: Vec<String>,
}

/// How many of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// What is done.
    pub action: Action,
    /// To whom.
    pub subject: SubjectName,
    /// The subject's own assignments that are written, in one call.
    pub assignments: Vec<AssignmentDocument>,
    /// In this order.
    pub steps: Vec<StepDocument>,
    /// Who goes off.
    pub people: Vec<PersonDocument>,
    /// People times minutes that it is to turn off; 0 where it only turns on.
    pub off_user_minutes: u64,
    /// Of a group that is toggled or enabled: what becomes of its members.
    pub members: Option<MembersDocument>,
    /// Why.
    pub reason: String,
    /// The date that asked for a toggle.
    pub asked: Option<Timestamp>,
    /// What made it necessary, as far as the journal tells; null for what an earlier run began.
    pub cause: Option<Cause>,
    /// Only of a resume: since when it is off, and until when.
    pub off: Option<OffDocument>,
    /// What must still be so when it starts.
    pub expect: Vec<ExpectationDocument>,
}

/// An unfinished toggle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OffDocument {
    /// When it went off, as far as is known.
    pub at: Timestamp,
    /// When the on is due; for a group when to look at its gate.
    pub due: Timestamp,
    /// Between off and on.
    pub wait_seconds: i64,
    /// How long the gate of a group may hold the on back.
    pub gate_seconds: i64,
    /// How many people are off, or may be.
    pub people: u64,
    /// Whether the journal has it; otherwise it is told by the tenant's own dates.
    pub recorded: bool,
}

/// What the ids of one license mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NamesDocument {
    /// The license.
    pub license: LicenseDocument,
    /// Its service plans, and those that a change lists.
    pub service_plans: Vec<ServicePlanDocument>,
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
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
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
    /// `enable`, `toggle` or `groupMembers`, as under `limits:`.
    pub name: String,
    /// How many people one run may start with.
    pub limit: u64,
    /// The same as it was written: a number, or a share of declared people.
    pub written: String,
    /// Why the manifest's own limit was overridden (`--allow`); null when it was not.
    pub allowed: Option<String>,
    /// How many this plan would; of the largest group that it toggles, how many go off.
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
    /// How many times the run fills up to `max_off`; the canary is a wave of its own.
    pub waves: u64,
    /// In how many windows toggles start; 0 where there is no window.
    pub windows: u64,
}

/// What a plan was made from, beside the tenant.
#[derive(Clone, Copy, Debug)]
pub struct MadeFrom<'a> {
    /// The manifest's file as it was named.
    pub file: &'a str,
    /// Its text.
    pub text: &'a str,
    /// The subjects that are meant; empty for all.
    pub only: &'a [String],
    /// Who is never turned off.
    pub protected: &'a Protected,
    /// How long the plan may be started.
    pub expires_in: SignedDuration,
}

impl PlanDocument {
    /// The document of a plan made from that manifest.
    pub fn new(plan: &Plan, from: MadeFrom<'_>) -> Self {
        let mut document = PlanDocument {
            format_version: FORMAT_VERSION.to_owned(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            created_at: plan.created_at,
            expires_at: plan.created_at.saturating_add(from.expires_in).unwrap_or(Timestamp::MAX),
            tenant: TenantDocument::from(&plan.tenant),
            manifest: ManifestDocument {
                files: vec![from.file.to_owned()],
                sha256: digest::of_text(from.text),
                only: from.only.to_vec(),
            },
            service_plan: ServicePlanDocument::ours(),
            complete: plan.is_complete(),
            applyable: plan.allowed().next().is_some() && !plan.exceeds_a_limit(),
            summary: summary(plan),
            covered: plan.in_sync.iter().filter(|one| !one.covered_by.is_empty()).count(),
            changes: plan.changes.iter().map(|one| change(one, &plan.catalog)).collect(),
            blocked: blocked(plan),
            unknown: unknown(plan),
            findings: common::findings(&plan.findings),
            limits: limits(plan),
            max_off: plan.max_off,
            rollout: RolloutDocument::of(plan),
            protect: from.protected.words().collect(),
            licenses: names(plan),
            estimate: estimate(plan),
            sha256: digest::sha256(plan),
            file_sha256: String::new(),
        };
        document.file_sha256 = document.digest_of_the_rest();
        document
    }

    /// Whether a limit forbids to start anything new.
    pub fn exceeds_a_limit(&self) -> bool {
        self.limits.iter().any(|limit| limit.exceeded)
    }

    /// The digest of everything but `file_sha256` itself.
    pub(super) fn digest_of_the_rest(&self) -> String {
        let mut digest = Fields::default();
        digest.field("applyable", &self.applyable);
        digest.list("blocked", &self.blocked);
        digest.list("changes", &self.changes);
        digest.field("complete", &self.complete);
        digest.field("covered", &self.covered);
        digest.field("created_at", &self.created_at);
        digest.field("estimate", &self.estimate);
        digest.field("expires_at", &self.expires_at);
        digest.list("findings", &self.findings);
        digest.field("format_version", &self.format_version);
        digest.list("licenses", &self.licenses);
        digest.list("limits", &self.limits);
        digest.field("manifest", &self.manifest);
        digest.field("max_off", &self.max_off);
        digest.list("protect", &self.protect);
        digest.field("rollout", &self.rollout);
        digest.field("service_plan", &self.service_plan);
        digest.field("sha256", &self.sha256);
        digest.field("summary", &self.summary);
        digest.field("tenant", &self.tenant);
        digest.field("tool_version", &self.tool_version);
        digest.list("unknown", &self.unknown);
        digest.sha256()
    }
}

fn summary(plan: &Plan) -> SummaryDocument {
    let Summary { enable, toggle, resume, in_sync, blocked, unknown } = plan.summary();
    SummaryDocument { enable, toggle, resume, in_sync, blocked, unknown }
}

impl From<SummaryDocument> for Summary {
    fn from(document: SummaryDocument) -> Self {
        let SummaryDocument { enable, toggle, resume, in_sync, blocked, unknown } = document;
        Summary { enable, toggle, resume, in_sync, blocked, unknown }
    }
}

/// One change with the names of its licenses.
pub(super) fn change(change: &Change, catalog: &Catalog) -> ChangeDocument {
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
        action: change.action,
        subject: SubjectName::from(&change.subject),
        assignments: change.edits.iter().map(assignment).collect(),
        steps: steps.collect(),
        people: change
            .people
            .iter()
            .map(|one| PersonDocument { id: one.id, name: one.name.clone() })
            .collect(),
        off_user_minutes: off_minutes(change),
        members: change.members.as_ref().map(MembersDocument::from),
        reason: change.reason.clone(),
        asked: change.asked,
        cause: change.cause,
        off: change.resumes.as_ref().map(off),
        expect: expect.collect(),
    }
}

fn off(own: &InFlight) -> OffDocument {
    OffDocument {
        at: own.off_at(),
        due: own.due(),
        wait_seconds: own.wait.as_secs(),
        gate_seconds: own.gate.as_secs(),
        people: own.people,
        recorded: own.recorded,
    }
}

/// The names of what changes write.
fn names(plan: &Plan) -> Vec<NamesDocument> {
    let mut used: BTreeMap<SkuId, BTreeSet<ServicePlanId>> = BTreeMap::new();
    for edit in plan.changes.iter().flat_map(|change| &change.edits) {
        used.entry(edit.sku).or_default().extend(&edit.before);
    }
    let names = |(sku, mut ids): (SkuId, BTreeSet<ServicePlanId>)| {
        ids.insert(SERVICE_PLAN);
        ids.extend(plan.catalog.get(sku).into_iter().flat_map(|license| license.plans.keys()));
        let named = |id| ServicePlanDocument { id, name: plan.catalog.plan_name(sku, id) };
        NamesDocument {
            license: LicenseDocument { id: sku, part_number: plan.catalog.name(sku) },
            service_plans: ids.into_iter().map(named).collect(),
        }
    };
    used.into_iter().map(names).collect()
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
        name: one.limit.as_str().to_owned(),
        limit: one.most,
        written: one.written.clone(),
        allowed: one.allowed.clone(),
        actual: one.actual,
        exceeded: one.exceeded(),
    };
    plan.limits.iter().map(one).collect()
}

impl From<&EstimateDocument> for Estimate {
    fn from(own: &EstimateDocument) -> Self {
        Estimate {
            requests: own.requests,
            resource_units: own.resource_units,
            writes: own.writes,
            seconds: own.seconds,
            off_user_minutes: own.off_user_minutes,
            waves: own.waves,
            windows: own.windows,
        }
    }
}

fn estimate(plan: &Plan) -> EstimateDocument {
    let own = plan.estimate;
    EstimateDocument {
        requests: own.requests,
        resource_units: own.resource_units,
        writes: own.writes,
        seconds: own.seconds,
        off_user_minutes: own.off_user_minutes,
        waves: own.waves,
        windows: own.windows,
    }
}
