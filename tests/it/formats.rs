//! The formats that other programs read: each by a schema or a reader that nobody here wrote, within the limits of
//! those programs, and never where a command has no words for them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::common::Ran;
use super::common::repository;
use super::common::site::{Site, T};

/// Holds a log against the schema of SARIF, and returns its only run.
#[track_caller]
fn sarif(ran: &Ran) -> Value {
    let schema = std::fs::read_to_string(repository("tests/schemas/sarif-2.1.0.json")).expect("a schema");
    // The published pattern of a language has a bracket too many, and is no regular expression.
    let broken = "^[a-zA-Z]{2}|^[a-zA-Z]{2}-[a-zA-Z]{2}]?$";
    assert!(schema.contains(broken), "it was corrected, and this can go");
    let schema = schema.replace(broken, "^[a-zA-Z]{2}(-[a-zA-Z]{2})?$");
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let log = ran.json();
    let errors: Vec<String> = validator.iter_errors(&log).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "no SARIF: {errors:#?}\n{}", ran.told());
    log["runs"][0].clone()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

fn results(run: &Value) -> &Vec<Value> {
    run["results"].as_array().expect("results")
}

#[test]
fn code_scanning_is_told_what_is_blocked_and_where() {
    let site = Site::example("mixed");
    let plan = site.run(&format!("plan {} --json", site.manifest())).exits(0).json();
    let run = sarif(&site.run(&format!("plan {} --format sarif", site.manifest())).exits(0));
    let many = |key: &str| plan[key].as_array().expect("a list").len();
    assert_eq!(results(&run).len(), many("blocked") + many("findings") + many("unknown"));
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    assert!(run["invocations"][0].get("toolExecutionNotifications").is_none(), "nothing was left out");

    let manifest = std::fs::read_to_string(repository("examples/mixed/manifest.yaml")).expect("a manifest");
    let lines: Vec<&str> = manifest.lines().collect();
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    let mut fingerprints = BTreeSet::new();
    for one in results(&run) {
        let rule = &rules[usize::try_from(one["ruleIndex"].as_u64().expect("an index")).expect("small")];
        assert_eq!(rule["id"], one["ruleId"]);
        assert!(text(&rule["shortDescription"]["text"]).len() > 10 && text(&rule["help"]["text"]).len() > 10);
        let physical = &one["locations"][0]["physicalLocation"];
        assert_eq!(physical["artifactLocation"]["uri"], "examples/mixed/manifest.yaml");
        let region = &physical["region"];
        let number = |key: &str| usize::try_from(region[key].as_u64().expect("a number")).expect("small");
        let line: Vec<char> = lines[number("startLine") - 1].chars().collect();
        let under: String = line[number("startColumn") - 1..number("endColumn") - 1].iter().collect();
        assert_eq!(under, text(&region["snippet"]["text"]), "what the region covers");
        fingerprints.insert(text(&one["partialFingerprints"]["advauditEntry/v1"]).to_owned());
    }
    assert_eq!(fingerprints.len(), results(&run).len(), "each has a fingerprint of its own");
    let levels: Vec<&str> = results(&run).iter().map(|one| text(&one["level"])).collect();
    assert!(
        levels.is_sorted_by_key(|level| ["error", "warning", "note"].iter().position(|one| one == level))
    );
}

#[test]
fn an_alert_stays_the_same_when_its_line_moves() {
    let site = Site::new("users: [a@contoso.com]\n", "");
    let of = |site: &Site| {
        let run = sarif(&site.run(&format!("plan {} --format sarif", site.manifest())).exits(0));
        let own = &results(&run)[0];
        let physical = &own["locations"][0]["physicalLocation"];
        assert!(text(&physical["artifactLocation"]["uri"]).starts_with("file:///"), "a path from the root");
        (physical["region"]["startLine"].clone(), own["partialFingerprints"].clone())
    };
    let before = of(&site);
    site.declare("# one\n# two\nusers: [a@contoso.com]\n");
    let after = of(&site);
    assert_ne!(before.0, after.0, "the line did move");
    assert_eq!(before.1, after.1);
}

#[test]
fn a_manifest_that_cannot_be_used_is_told_to_code_scanning_and_to_the_test_view() {
    let site = Site::new("usres: [a@contoso.com]\n", "");
    let path = site.manifest().to_owned();
    let command = format!("check {path} examples/quick-start/manifest.yaml --format");
    let run = sarif(&site.run(&format!("{command} sarif")).exits(1));
    assert_eq!(results(&run)[0]["ruleId"], "unknown-key");
    assert_eq!(results(&run)[0]["level"], "error");
    let artifacts = run["artifacts"].as_array().expect("files");
    assert_eq!(artifacts[1], json!({"location": {"uri": "examples/quick-start/manifest.yaml"}}));

    let junit = site.run(&format!("{command} junit")).exits(1);
    junit
        .shows("<testsuite id=\"0\"")
        .shows("<testsuite id=\"1\"")
        .shows("type=\"unknown-key\"")
        .shows("<testcase name=\"the manifest can be used\" classname=\"advaudit\" time=\"0\"/>");
}

#[test]
fn a_manifest_that_cannot_be_read_is_no_success_in_any_format() {
    let site = Site::new("users: [a@contoso.com]\n", "");
    let missing = "examples/quick-start/nowhere.yaml";
    let utf16 = site.state().with_extension("yaml");
    std::fs::write(&utf16, [0xff, 0xfe, b'a', 0, b':', 0]).expect("written");
    let command = format!("check {missing} {} {} --format", site.manifest(), utf16.display());
    let run = sarif(&site.run(&format!("{command} sarif")).exits(1));
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    let told = run["invocations"][0]["toolExecutionNotifications"].as_array().expect("notifications");
    assert_eq!(told.len(), 2);
    assert!(text(&told[0]["message"]["text"]).contains(missing) && told[0]["level"] == "error", "{told:?}");
    assert!(text(&told[1]["message"]["text"]).contains("UTF-16"), "{told:?}");

    let junit = site.run(&format!("{command} junit")).exits(1);
    let junit = junit
        .shows(&format!("<error message=\"cannot read {missing}"))
        .shows("is UTF-16 text")
        .shows("errors=\"0\"");
    assert_eq!(junit.stdout.matches("failures=\"0\" errors=\"1\"").count(), 2, "{}", junit.told());
}

#[test]
fn the_test_view_shows_what_is_declared_and_not_so() {
    let manifest = format!(
        "limits: {{toggle: 0}}\nusers: [{{user: on@contoso.com, toggleIfEnabledBefore: {T}}}, no\u{e9}@contoso.com]\n"
    );
    let site = Site::new(&manifest, "users: [{upn: on@contoso.com, licenses: [SPE_E5]}]\n");
    site.run(&format!("plan {} --format junit", site.manifest()))
        .exits(0)
        .shows("<testcase name=\"everything declared could be read\" classname=\"advaudit\" time=\"0\"/>")
        .shows("<failure message=\"limits.toggle allows 0 people, and this plan would toggle 1\" type=\"limits-hold\">")
        .shows("<testcase name=\"no\u{e9}@contoso.com\" classname=\"advaudit.blocked\" time=\"0\">")
        .shows("failures=\"2\" errors=\"0\"");
}

#[test]
fn what_xml_cannot_write_is_replaced() {
    let site = Site::new("users: [\"a\\x01\\uFFFEb<&>@contoso.com\"]\n", "");
    let ran = site.run(&format!("plan {} --format junit", site.manifest()));
    let forbidden = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{fffe}' | '\u{ffff}');
    assert!(!ran.stdout.contains(forbidden), "{}", ran.told());
}

#[test]
fn gitlab_is_told_three_numbers() {
    let site = Site::example("mixed");
    let report = site.run(&format!("plan {} --format gitlab", site.manifest())).exits(0).json();
    assert_eq!(report, json!({"create": 4, "update": 5, "delete": 0}));
}

#[test]
fn a_format_that_a_command_cannot_print_is_a_usage_error_before_anything_is_done() {
    let site = Site::example("mixed");
    for (command, formats) in [
        ("check examples/mixed/manifest.yaml", &["markdown", "gitlab"][..]),
        ("apply examples/mixed/manifest.yaml --auto-approve", &["sarif", "junit", "gitlab"]),
        ("heal", &["sarif", "junit", "gitlab"]),
        ("status", &["markdown", "sarif", "junit", "gitlab"]),
        ("doctor", &["markdown", "sarif", "junit", "gitlab"]),
        ("schema", &["markdown", "sarif", "junit", "gitlab"]),
    ] {
        for format in formats {
            let ran = site.run(&format!("{command} --format {format}")).exits(64);
            ran.complains(&format!("cannot print {format}"));
        }
    }
    assert!(site.writes().is_empty(), "something was written");
}

#[test]
fn a_step_of_github_shows_the_plan_and_then_the_run() {
    let site = Site::example("mixed");
    let summary = site.state().with_extension("md");
    let run = |command: String| {
        site.run_with(&command, |own| {
            own.env("GITHUB_STEP_SUMMARY", &summary);
        })
    };
    run(format!("plan {}", site.manifest())).exits(0);
    run(format!("apply {} --auto-approve", site.manifest())).exits(0);
    let text = std::fs::read_to_string(&summary).expect("a summary");
    let plan =
        text.find("<!-- advaudit:plan tenant=c0450000-0000-4000-8000-000000000001 -->").expect("a plan");
    let run_at =
        text.find("<!-- advaudit:run tenant=c0450000-0000-4000-8000-000000000001 -->").expect("a run");
    assert!(plan < run_at, "{text}");
    assert!(text.contains("toggled: off, waited, and on again"), "{text}");
}

#[test]
fn a_summary_that_cannot_be_written_is_told_and_changes_nothing_else() {
    let site = Site::example("mixed");
    let folder = tempfile::tempdir().expect("a folder");
    let ran = site.run_with(&format!("plan {}", site.manifest()), |own| {
        own.env("GITHUB_STEP_SUMMARY", folder.path());
    });
    ran.exits(0).complains("nothing was added to the step summary").shows("Plan: 4 to enable");

    let full = folder.path().join("full.md");
    std::fs::write(&full, "x".repeat(1024 * 1024)).expect("written");
    let ran = site.run_with(&format!("plan {}", site.manifest()), |own| {
        own.env("GITHUB_STEP_SUMMARY", &full);
    });
    ran.exits(0).complains("1 MiB");
    assert_eq!(std::fs::metadata(&full).expect("a file").len(), 1024 * 1024, "and it is left as it was");
}

#[test]
fn a_run_is_told_in_markdown() {
    let site = Site::example("mixed");
    let left =
        site.run(&format!("apply {} --auto-approve --no-wait --format markdown", site.manifest())).exits(4);
    left.shows("<!-- advaudit:run tenant=c0450000").shows("Exit code 4: pending").shows("> [!IMPORTANT]");
    site.later(120);
    let done = site.run("heal --format markdown").exits(0);
    done.shows("resumed: an earlier toggle ended on").shows("Exit code 0");
}
