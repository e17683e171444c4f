//! The part of SARIF 2.1.0 that is written, with its names. `SARIF 3.n` is a section of the standard
//! (docs.oasis-open.org/sarif/sarif/v2.1.0).

use std::collections::BTreeMap;

use serde::Serialize;

/// SARIF 3.13.
#[derive(Serialize)]
pub(super) struct Log {
    #[serde(rename = "$schema")]
    pub schema: &'static str,
    pub version: &'static str,
    pub runs: [Run; 1],
}

/// SARIF 3.14.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Run {
    pub tool: Tool,
    pub invocations: [Invocation; 1],
    pub artifacts: Vec<Artifact>,
    pub column_kind: &'static str,
    pub results: Vec<SarifResult>,
}

/// SARIF 3.18.
#[derive(Serialize)]
pub(super) struct Tool {
    pub driver: Driver,
}

/// SARIF 3.19.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Driver {
    pub name: &'static str,
    pub version: &'static str,
    pub semantic_version: &'static str,
    pub rules: Vec<Rule>,
}

/// SARIF 3.49.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rule {
    pub id: String,
    pub short_description: Message,
    pub full_description: Message,
    pub help: Message,
    pub default_configuration: Configuration,
    pub properties: RuleProperties,
}

/// SARIF 3.50.
#[derive(Serialize)]
pub(super) struct Configuration {
    pub level: Level,
}

/// What GitHub reads beside the standard.
#[derive(Serialize)]
pub(super) struct RuleProperties {
    pub tags: Vec<String>,
    pub precision: &'static str,
    #[serde(rename = "problem.severity")]
    pub problem_severity: &'static str,
    #[serde(rename = "security-severity", skip_serializing_if = "Option::is_none")]
    pub security_severity: Option<&'static str>,
}

/// SARIF 3.20.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Invocation {
    pub execution_successful: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_execution_notifications: Vec<Notification>,
}

/// SARIF 3.58.
#[derive(Serialize)]
pub(super) struct Notification {
    pub level: Level,
    pub message: Message,
}

/// SARIF 3.24.
#[derive(Serialize)]
pub(super) struct Artifact {
    pub location: ArtifactLocation,
}

/// SARIF 3.27.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SarifResult {
    pub rule_id: String,
    pub rule_index: usize,
    pub level: Level,
    pub message: Message,
    pub locations: [Location; 1],
    pub partial_fingerprints: BTreeMap<&'static str, String>,
}

/// SARIF 3.27.10.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    Error,
    Warning,
    Note,
}

/// SARIF 3.11.
#[derive(Serialize)]
pub(super) struct Message {
    pub text: String,
}

/// SARIF 3.28.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Location {
    pub physical_location: Physical,
}

/// SARIF 3.29.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Physical {
    pub artifact_location: ArtifactLocation,
    pub region: Region,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_region: Option<Region>,
}

/// SARIF 3.4.
#[derive(Serialize)]
pub(super) struct ArtifactLocation {
    pub uri: String,
}

/// SARIF 3.30. By default the first line.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Region {
    pub start_line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_column: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_column: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snippet: Option<Message>,
}

impl Default for Region {
    fn default() -> Self {
        Region { start_line: 1, start_column: None, end_column: None, snippet: None }
    }
}
