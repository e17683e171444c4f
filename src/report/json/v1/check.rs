//! The document of `check`, format 1.0.

use schemars::JsonSchema;
use serde::Serialize;

use super::common::FindingDocument;

/// What is wrong with manifests.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(title = "advaudit check")]
pub struct CheckDocument {
    /// `1.0`.
    pub format_version: String,
    /// Whether every manifest can be used.
    pub valid: bool,
    /// Errors, warnings and notes, by place.
    pub findings: Vec<FindingDocument>,
}
