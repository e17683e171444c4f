//! The document of `plan` for several tenants, format 1.0. It is written as it is made, a tenant at a time:
//! a thousand plans are never in memory together.

use schemars::JsonSchema;
use serde::Serialize;

use super::common::{self, FindingDocument};
use super::plan::{PlanDocument, SummaryDocument};
use crate::plan::digest::FORMAT_VERSION;

/// What runs on several tenants would do.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "advaudit plans")]
pub struct PlansDocument {
    /// `1.0`.
    pub format_version: String,
    /// Version of advaudit that made it.
    pub tool_version: String,
    /// One for each manifest, in the order of the manifests.
    pub tenants: Vec<TenantPlanDocument>,
    /// How many of each.
    pub summary: PlansSummaryDocument,
    /// The code that the command ends with.
    pub exit_code: u8,
}

/// What came of one manifest: a plan or an error.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct TenantPlanDocument {
    /// The file as it was named.
    pub manifest: String,
    /// The tenant as the manifest names it; null where the manifest cannot be used.
    pub tenant: Option<String>,
    /// The plan, as for one manifest; null where there is an error.
    pub plan: Option<PlanDocument>,
    /// Why there is no plan; null where there is one.
    pub error: Option<ErrorDocument>,
    /// The code that the command would end with for this manifest alone.
    pub exit_code: u8,
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ErrorDocument {
    /// What happened.
    pub message: String,
    /// The next step.
    pub hint: Option<String>,
    /// What is wrong with the manifest, by place.
    pub findings: Vec<FindingDocument>,
}

/// How many of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct PlansSummaryDocument {
    /// How many manifests there were.
    pub tenants: usize,
    /// Those with a plan in which something would be written.
    pub with_changes: usize,
    /// Those with a plan for which not everything could be read.
    pub incomplete: usize,
    /// Those without a plan.
    pub failed: usize,
    /// The sums over all plans.
    pub subjects: SummaryDocument,
}

impl PlansSummaryDocument {
    /// The numbers of one.
    pub fn of(own: &TenantPlanDocument) -> Self {
        let Some(plan) = &own.plan else {
            return PlansSummaryDocument { tenants: 1, failed: 1, ..PlansSummaryDocument::default() };
        };
        PlansSummaryDocument {
            tenants: 1,
            with_changes: usize::from(!plan.changes.is_empty()),
            incomplete: usize::from(!plan.complete),
            failed: 0,
            subjects: plan.summary,
        }
    }

    /// Adds those of another.
    pub fn add(&mut self, other: &Self) {
        let PlansSummaryDocument { tenants, with_changes, incomplete, failed, subjects } = *other;
        self.tenants += tenants;
        self.with_changes += with_changes;
        self.incomplete += incomplete;
        self.failed += failed;
        let SummaryDocument { enable, toggle, resume, in_sync, blocked, unknown } = subjects;
        self.subjects.enable += enable;
        self.subjects.toggle += toggle;
        self.subjects.resume += resume;
        self.subjects.in_sync += in_sync;
        self.subjects.blocked += blocked;
        self.subjects.unknown += unknown;
    }
}

/// What the document begins with.
pub fn begin() -> String {
    let version = |name: &str, value: &str| format!("  \"{name}\": {},\n", inner(&value, ""));
    let versions =
        version("format_version", FORMAT_VERSION) + &version("tool_version", env!("CARGO_PKG_VERSION"));
    format!("{{\n{versions}  \"tenants\": [\n")
}

/// One tenant of it.
pub fn tenant(own: &TenantPlanDocument, is_last: bool) -> String {
    let comma = if is_last { "" } else { "," };
    format!("    {}{comma}\n", inner(own, "    "))
}

/// What it ends with.
pub fn end(summary: &PlansSummaryDocument, exit_code: u8) -> String {
    format!("  ],\n  \"summary\": {},\n  \"exit_code\": {exit_code}\n}}\n", inner(summary, "  "))
}

/// A part as text; a text in it has no line end of its own.
fn inner(part: &impl Serialize, indent: &str) -> String {
    common::text(part).trim_end().replace('\n', &format!("\n{indent}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(manifest: &str) -> TenantPlanDocument {
        let error = ErrorDocument { message: "two\nlines".into(), hint: None, findings: Vec::new() };
        TenantPlanDocument {
            manifest: manifest.to_owned(),
            tenant: Some("contoso.com".to_owned()),
            plan: None,
            error: Some(error),
            exit_code: 7,
        }
    }

    #[test]
    fn the_parts_make_the_whole_document() {
        let tenants = vec![failed("a.yaml"), failed("b \"quoted\".yaml")];
        let mut summary = PlansSummaryDocument::default();
        tenants.iter().for_each(|own| summary.add(&PlansSummaryDocument::of(own)));
        let parts = begin() + &tenant(&tenants[0], false) + &tenant(&tenants[1], true) + &end(&summary, 7);
        let whole = PlansDocument {
            format_version: FORMAT_VERSION.to_owned(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            tenants,
            summary,
            exit_code: 7,
        };
        assert_eq!(parts, common::text(&whole));
        assert_eq!(whole.summary.failed, 2);
    }
}
