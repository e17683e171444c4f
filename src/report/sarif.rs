//! SARIF 2.1.0, which code scanning shows beside the lines of the manifest: findings, and declared subjects
//! that are blocked or unknown.
//!
//! Held within what GitHub takes (docs.github.com, "SARIF results exceed one or more limits"): it shows 5,000
//! results of a run, and refuses a file above 10 MB compressed. The worst come first; how many were left out
//! is a notification of the run.

mod log;
mod rules;

use std::collections::{BTreeMap, HashMap};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};

use self::log::{
    Artifact, Configuration, Driver, Invocation, Level, Location, Log, Message, Notification, Physical,
    Region, Rule, RuleProperties, Run, SarifResult, Tool,
};
use super::json::v1::common::{self, FindingDocument, PlaceDocument};
use super::json::v1::plan::PlanDocument;
use super::remarks::{self, Remark, Unread, plain};
use super::words::count;
use crate::diag::Severity;

/// GitHub shows so many results of a run.
const RESULTS: usize = 5_000;
/// Bytes of all results together: GitHub takes 10 MB compressed, and a text of chance does not compress.
const BYTES: usize = 8_000_000;
/// Characters of a message or a line that is shown.
const TEXT: usize = 1_000;

/// What a path may hold as it is (RFC 3986, `pchar` and `/`).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// The log of a plan.
pub fn of_plan(plan: &PlanDocument) -> String {
    let files: Vec<&str> = plan.manifest.files.iter().map(String::as_str).collect();
    render(&remarks::of_plan(plan), &files, &[])
}

/// The log of manifests that were checked; of one that could not be read nothing is known, and the log says
/// that it is not whole.
pub fn of_findings(findings: &[FindingDocument], unread: &[Unread], files: &[String]) -> String {
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    render(&remarks::of_findings(findings), &files, unread)
}

fn render(remarks: &[Remark<'_>], files: &[&str], unread: &[Unread]) -> String {
    // Without a place it is of the whole: the first line of the manifest.
    let whole = files.first().copied().unwrap_or("manifest.yaml");
    let (mut results, mut rules, mut seen) = (Vec::new(), Rules::default(), HashMap::new());
    let mut bytes = 0;
    for remark in remarks.iter().take(RESULTS) {
        let result = result(remark, rules.index(remark), whole, &mut seen);
        bytes += serde_json::to_string(&result).map_or(0, |text| text.len());
        if bytes > BYTES {
            break;
        }
        results.push(result);
    }
    let left = remarks.len() - results.len();
    let notifications = unread.iter().map(could_not_be_read).chain((left > 0).then(|| left_out(left)));
    common::text(&Log {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: "advaudit",
                    version: env!("CARGO_PKG_VERSION"),
                    semantic_version: env!("CARGO_PKG_VERSION"),
                    rules: rules.all,
                },
            },
            invocations: [Invocation {
                execution_successful: unread.is_empty(),
                tool_execution_notifications: notifications.collect(),
            }],
            artifacts: files.iter().map(|file| Artifact { location: uri(file) }).collect(),
            column_kind: "unicodeCodePoints",
            results,
        }],
    })
}

fn could_not_be_read(unread: &Unread) -> Notification {
    Notification { level: Level::Error, message: Message { text: unread.text() } }
}

fn left_out(left: usize) -> Notification {
    let results = count(left, "more result is", "more results are");
    let text = format!("{results} left out, the least important ones: `--json` shows them all");
    Notification { level: Level::Warning, message: Message { text } }
}

/// The rules that are used, each once.
#[derive(Default)]
struct Rules {
    all: Vec<Rule>,
    indices: BTreeMap<String, usize>,
}

impl Rules {
    fn index(&mut self, remark: &Remark<'_>) -> usize {
        let id = rules::id(remark);
        if let Some(&index) = self.indices.get(&id) {
            return index;
        }
        self.indices.insert(id.clone(), self.all.len());
        self.all.push(rule(remark, id));
        self.all.len() - 1
    }
}

fn rule(remark: &Remark<'_>, id: String) -> Rule {
    let about = rules::about(remark);
    let technique = rules::technique(remark);
    let tags = technique.iter().map(|one| format!("external/mitre/{}", one.id));
    Rule {
        id,
        short_description: Message { text: about.to_owned() },
        full_description: Message { text: about.to_owned() },
        help: Message { text: rules::help(remark).to_owned() },
        default_configuration: Configuration { level: level(remark.severity) },
        properties: RuleProperties {
            tags: std::iter::once("security".to_owned()).chain(tags).collect(),
            precision: "very-high",
            problem_severity: match remark.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Note => "recommendation",
            },
            security_severity: technique.map(|one| one.severity),
        },
    }
}

fn level(severity: Severity) -> Level {
    match severity {
        Severity::Error => Level::Error,
        Severity::Warning => Level::Warning,
        Severity::Note => Level::Note,
    }
}

fn result(
    remark: &Remark<'_>,
    rule_index: usize,
    whole: &str,
    seen: &mut HashMap<String, usize>,
) -> SarifResult {
    let help = remark.help.map_or(String::new(), |help| format!("\nNext: {}", plain(help, TEXT)));
    let file = remark.place.map_or(whole, |place| &place.file);
    SarifResult {
        rule_id: rules::id(remark),
        rule_index,
        level: level(remark.severity),
        message: Message { text: format!("{}.{help}", plain(&remark.text(), TEXT)) },
        locations: [Location {
            physical_location: Physical {
                artifact_location: uri(file),
                region: remark.place.map_or_else(Region::default, |place| region(place, remark.under())),
                context_region: remark.place.and_then(line),
            },
        }],
        partial_fingerprints: BTreeMap::from([("advauditEntry/v1", fingerprint(remark, file, seen))]),
    }
}

/// Moved with its entry: the rule, the file, what stands at the place, and which of several alike it is.
fn fingerprint(remark: &Remark<'_>, file: &str, seen: &mut HashMap<String, usize>) -> String {
    let mut hash = Sha256::new();
    let what = remark.under().unwrap_or(remark.message);
    for part in [rules::id(remark).as_str(), file, what] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let digits: String = hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let nth = seen.entry(digits.clone()).or_default();
    *nth += 1;
    format!("{digits}:{nth}")
}

/// The place, in code points from 1; where nothing is covered only its start.
fn region(place: &PlaceDocument, under: Option<&str>) -> Region {
    Region {
        start_line: place.line,
        start_column: Some(place.column),
        end_column: (place.length > 0).then_some(place.column + place.length),
        snippet: under.map(|text| Message { text: plain(text, TEXT) }),
    }
}

/// The whole line, to be shown around the place.
fn line(place: &PlaceDocument) -> Option<Region> {
    let text = place.text.as_ref()?;
    let snippet = Message { text: text.chars().take(TEXT).collect() };
    Some(Region { start_line: place.line, snippet: Some(snippet), ..Region::default() })
}

/// A relative path as it was named, so that it can be found in the repository; an absolute one as a `file:` URI.
fn uri(file: &str) -> log::ArtifactLocation {
    let path = file.replace('\\', "/");
    let path = path.strip_prefix("./").unwrap_or(&path);
    let encoded = |path: &str| utf8_percent_encode(path, ENCODED).to_string();
    let is_drive = path.as_bytes().get(1) == Some(&b':');
    let uri = match (path.strip_prefix('/'), is_drive) {
        (Some(rest), _) => format!("file:///{}", encoded(rest)),
        (None, true) => format!("file:///{}:{}", &path[..1], encoded(&path[2..])),
        (None, false) => encoded(path),
    };
    log::ArtifactLocation { uri }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_becomes_a_uri() {
        let text = |file: &str| uri(file).uri;
        assert_eq!(text("./tenants/a b#1.yaml"), "tenants/a%20b%231.yaml");
        assert_eq!(text("tenants\\ü.yaml"), "tenants/%C3%BC.yaml");
        assert_eq!(text("/srv/m.yaml"), "file:///srv/m.yaml");
        assert_eq!(text("C:\\m.yaml"), "file:///C:/m.yaml");
    }
}
