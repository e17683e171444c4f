//! What several documents share.

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diag::{Finding, Place, Severity};
use crate::model::{SERVICE_PLAN, SERVICE_PLAN_NAME, ServicePlanId, Subject, SubjectKind, TenantId};
use crate::observe::observed::Tenant;
use crate::plan::planned::Named;

/// The tenant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TenantDocument {
    /// `organization.id`.
    pub id: TenantId,
    /// The default verified domain.
    pub domain: String,
}

impl From<&Tenant> for TenantDocument {
    fn from(tenant: &Tenant) -> Self {
        TenantDocument { id: tenant.id, domain: tenant.domain.clone() }
    }
}

/// The one service plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServicePlanDocument {
    /// `servicePlanId`.
    pub id: ServicePlanId,
    /// `servicePlanName`.
    pub name: String,
}

impl ServicePlanDocument {
    /// `M365_ADVANCED_AUDITING`.
    pub fn ours() -> Self {
        ServicePlanDocument { id: SERVICE_PLAN, name: SERVICE_PLAN_NAME.to_owned() }
    }
}

/// A user or a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SubjectName {
    /// `user` or `group`.
    pub kind: SubjectKind,
    /// Object id; null when the name leads nowhere.
    pub id: Option<uuid::Uuid>,
    /// UPN or display name; for a selector its text.
    pub name: String,
}

impl From<&Subject> for SubjectName {
    fn from(subject: &Subject) -> Self {
        SubjectName { kind: subject.id.kind(), id: Some(subject.id.guid()), name: subject.name.clone() }
    }
}

impl From<&Named> for SubjectName {
    fn from(named: &Named) -> Self {
        SubjectName { kind: named.kind, id: named.id, name: named.name.clone() }
    }
}

/// Where something stands in a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlaceDocument {
    /// The file as it was named.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// How many characters of that line it covers; 0 where it begins at the end of a line.
    pub length: usize,
    /// That line, without much of what follows the place; null when too much comes before it.
    pub text: Option<String>,
}

/// So much of a line is kept after a place.
const AFTER_BYTES: usize = 300;

/// A line with more than this before the place is not kept: it is no line that people read.
const BEFORE_BYTES: usize = 1000;

impl From<&Place> for PlaceDocument {
    fn from(place: &Place) -> Self {
        let Range { start, end } = place.range();
        let text = &place.source.text;
        let whole = place.source.lines().range(place.source.lines().number(start));
        let before = &text[whole.start..start];
        let rest = text[start..whole.end].trim_end_matches(['\n', '\r']);
        let length = (end - start).min(rest.len()).min(AFTER_BYTES);
        let (under, after) = rest.split_at(rest.floor_char_boundary(length));
        let after = &after[..after.floor_char_boundary(AFTER_BYTES)];
        let (line, column) = place.line_column();
        PlaceDocument {
            file: place.source.name.clone(),
            line,
            column,
            length: under.chars().count(),
            text: (before.len() <= BEFORE_BYTES).then(|| format!("{before}{under}{after}")),
        }
    }
}

/// Something to tell about the manifest or the tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FindingDocument {
    /// Stable, in kebab case.
    pub code: String,
    /// How much it weighs.
    pub severity: Severity,
    /// One sentence.
    pub message: String,
    /// The few words under the underline, such as "did you mean".
    pub label: Option<String>,
    /// The next step.
    pub help: Option<String>,
    /// Where in the manifest; null when the tenant is meant.
    pub place: Option<PlaceDocument>,
}

impl From<&Finding> for FindingDocument {
    fn from(finding: &Finding) -> Self {
        FindingDocument {
            code: finding.code.as_str().to_owned(),
            severity: finding.severity,
            message: finding.message.clone(),
            label: finding.label.clone(),
            help: finding.help.clone(),
            place: finding.place.as_ref().map(PlaceDocument::from),
        }
    }
}

/// Findings as documents show them.
pub fn findings(findings: &[Finding]) -> Vec<FindingDocument> {
    findings.iter().map(FindingDocument::from).collect()
}

/// A document on one line, for files that nobody reads by eye.
pub fn line(document: &impl Serialize) -> String {
    let mut text = serde_json::to_string(document).unwrap_or_default();
    text.push('\n');
    text
}

/// A document as text, with a line end.
pub fn text(document: &impl Serialize) -> String {
    // Plain structs with text keys: serde_json cannot fail on them.
    let mut text = serde_json::to_string_pretty(document).unwrap_or_default();
    text.push('\n');
    text
}
