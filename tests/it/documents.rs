//! What `--json` prints is what `schema/` says, and the digest of a plan is the digest of its decision.

use serde_json::Value;

use super::common::site::{Site, T};
use super::common::{Ran, examples, repository};

/// Holds a document against the schema of its kind, and against the keys that are promised.
#[track_caller]
fn is_a(ran: &Ran, kind: &str, keys: &[&str]) -> Value {
    let schema =
        std::fs::read_to_string(repository(&format!("schema/{kind}.schema.json"))).expect("a schema");
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let document = ran.json();
    let errors: Vec<String> =
        validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "no {kind} by its schema: {errors:#?}\n{}", ran.told());
    has(&document, keys, ran);
    document
}

#[track_caller]
fn has(object: &Value, keys: &[&str], ran: &Ran) {
    for key in keys {
        assert!(object.get(key).is_some(), "`{key}` is missing in {object:#}\n{}", ran.told());
    }
}

const PLAN: &[&str] = &[
    "format_version",
    "tool_version",
    "created_at",
    "expires_at",
    "tenant",
    "manifest",
    "service_plan",
    "complete",
    "applyable",
    "summary",
    "changes",
    "blocked",
    "unknown",
    "findings",
    "limits",
    "estimate",
    "sha256",
    "file_sha256",
];
const CHANGE: &[&str] = &["action", "subject", "assignments", "steps", "people", "reason", "expect"];
const RUN: &[&str] = &[
    "format_version",
    "run_id",
    "tenant",
    "plan_sha256",
    "started_at",
    "finished_at",
    "exit_code",
    "summary",
    "resume_after",
    "off_user_minutes",
    "subjects",
];
const SUBJECT: &[&str] = &["subject", "outcome", "off_at", "on_at", "due_at", "error"];

/// A plan by its schema, with every key of the contract.
#[track_caller]
fn plan(ran: &Ran) -> Value {
    let plan = is_a(ran, "plan", PLAN);
    assert_eq!(plan["format_version"], "1.0");
    has(&plan["tenant"], &["id", "domain"], ran);
    has(&plan["manifest"], &["files", "sha256"], ran);
    has(&plan["service_plan"], &["id", "name"], ran);
    has(&plan["summary"], &["enable", "toggle", "resume", "in_sync", "blocked", "unknown"], ran);
    has(&plan["estimate"], &["requests", "resource_units", "writes", "seconds", "off_user_minutes"], ran);
    for limit in plan["limits"].as_array().expect("a list") {
        has(limit, &["name", "limit", "actual", "exceeded"], ran);
    }
    for change in plan["changes"].as_array().expect("a list") {
        has(change, CHANGE, ran);
        has(&change["subject"], &["kind", "id", "name"], ran);
        for assignment in change["assignments"].as_array().expect("a list") {
            has(assignment, &["license", "before", "after"], ran);
            has(&assignment["license"], &["id", "part_number"], ran);
            let toggles = change["action"] == "toggle";
            assert!(!toggles || assignment["before"] == assignment["after"], "a toggle ends as it began");
        }
        for step in change["steps"].as_array().expect("a list") {
            has(step, &["do", "seconds"], ran);
        }
    }
    plan
}

/// A run by its schema, with every key of the contract, which says its own exit code.
#[track_caller]
fn run(ran: &Ran) -> Value {
    let run = is_a(ran, "run", RUN);
    assert_eq!(run["format_version"], "1.0");
    assert_eq!(run["exit_code"].as_i64(), ran.code.map(i64::from), "{}", ran.told());
    let counted = ["enabled", "toggled", "resumed", "pending", "failed", "skipped", "blocked"];
    has(&run["summary"], &counted, ran);
    has(&run["off_user_minutes"], &["planned", "actual"], ran);
    for subject in run["subjects"].as_array().expect("a list") {
        has(subject, SUBJECT, ran);
    }
    run
}

#[test]
fn every_plan_of_an_example_is_a_plan_document() {
    for example in examples() {
        let site = Site::example(&example);
        plan(&site.run(&format!("plan {} --json", site.manifest())));
    }
}

#[test]
fn every_run_of_an_example_is_a_run_document() {
    for example in examples() {
        let site = Site::example(&example);
        run(&site.run(&format!("apply {} --auto-approve --json", site.manifest())));
        run(&site.run(&format!("heal {} --json", site.manifest())));
        run(&site.run("heal --json"));
    }
}

#[test]
fn every_explanation_is_an_explain_document() {
    const KEYS: &[&str] = &[
        "format_version",
        "read_at",
        "tenant",
        "subject",
        "on",
        "through",
        "licenses",
        "user",
        "group",
        "manifests",
    ];
    let site = Site::of_files("tests/it/explained/manifest.yaml", "tests/it/explained/tenant.yaml");
    for subject in
        ["both@contoso.com", "covered.twice@contoso.com", "only.e3@contoso.com", "E5 Legal", "E5 Support"]
    {
        for manifest in [None, Some(site.manifest())] {
            let words: Vec<&str> =
                ["explain", subject].into_iter().chain(manifest).chain(["--json"]).collect();
            let document = is_a(&site.run_words(&words), "explain", KEYS);
            assert_eq!(document["manifests"].as_array().map(Vec::len), Some(usize::from(manifest.is_some())));
        }
    }
}

#[test]
fn a_journal_of_an_example_is_made_of_records() {
    let schema = std::fs::read_to_string(repository("schema/journal.schema.json")).expect("a schema");
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for example in examples() {
        let site = Site::example(&example);
        site.apply();
        let records = site.journal();
        assert!(records.len() > 2, "{example}: {records:?}");
        for record in records {
            assert!(validator.is_valid(&record), "{example}: {record:#}");
        }
    }
}

#[test]
fn whoever_waits_is_in_the_run_document_and_in_status() {
    let site = Site::example("ticked");
    let ran = site.run(&format!("apply {} --auto-approve --no-wait --json", site.manifest())).exits(4);
    let document = run(&ran);
    assert_eq!(document["summary"]["pending"], 1);
    let subject = &document["subjects"][0];
    assert_eq!(subject["outcome"], "pending");
    assert_eq!(subject["due_at"], document["resume_after"]);
    let status = site.run("status --json").exits(0);
    let told = status.json();
    has(&told, &["in_flight", "lease"], &status);
    has(&told["in_flight"][0], SUBJECT, &status);
    assert_eq!(told["in_flight"][0]["due_at"], subject["due_at"]);
    assert_eq!(told["lease"], Value::Null);
}

#[test]
fn the_schemas_are_printed_as_they_are_kept() {
    for kind in ["manifest", "plan", "plans", "run", "journal"] {
        let ran = Ran::of(&mut super::common::advaudit(&["schema", kind])).exits(0);
        let kept =
            std::fs::read_to_string(repository(&format!("schema/{kind}.schema.json"))).expect("a schema");
        assert!(ran.stdout == kept, "schema/{kind}.schema.json is old");
    }
}

#[test]
fn every_manifest_of_an_example_is_valid_by_the_schema_that_editors_use() {
    let schema = std::fs::read_to_string(repository("schema/manifest.schema.json")).expect("a schema");
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for example in examples() {
        let text = std::fs::read_to_string(repository(&format!("examples/{example}/manifest.yaml")));
        let manifest: Value = serde_yaml::from_str(&text.expect("a manifest")).expect("YAML");
        let errors: Vec<String> = validator.iter_errors(&manifest).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{example}: {errors:#?}");
    }
}

const TWO: &str = "users:\n  - {upn: on@contoso.com, licenses: [SPE_E5]}\n  \
                   - {upn: off@contoso.com, licenses: [{license: SPE_E5, off: [M365_ADVANCED_AUDITING]}]}\n";

/// Digest of the decision, of everything else, and of the manifest.
fn digests(site: &Site) -> [String; 3] {
    let plan = plan(&site.run(&format!("plan {} --json", site.manifest())).exits(0));
    [&plan["sha256"], &plan["file_sha256"], &plan["manifest"]["sha256"]]
        .map(|digest| digest.as_str().filter(|text| text.len() == 64).expect("a digest").to_owned())
}

#[test]
fn the_digest_is_that_of_the_decision() {
    let toggle =
        format!("users:\n  - off@contoso.com\n  - {{user: on@contoso.com, toggleIfEnabledBefore: {T}}}\n");
    let site = Site::new(&toggle, TWO);
    let [decision, file, manifest] = digests(&site);
    let [again, later, _] = digests(&site);
    assert_eq!(decision, again, "the same plan a moment later");
    assert_ne!(file, later, "which the rest of the file tells");

    site.declare(&format!("# only a comment\n{toggle}"));
    let [same, _, another] = digests(&site);
    assert_eq!(decision, same, "a comment decides nothing");
    assert_ne!(manifest, another, "but is another text");

    for (what, changed) in [
        ("a limit", format!("limits: {{toggle: 7}}\n{toggle}")),
        ("the wait", format!("toggle: {{wait: 90m}}\n{toggle}")),
        ("a subject less", toggle.replace("  - off@contoso.com\n", "")),
    ] {
        site.declare(&changed);
        assert_ne!(decision, digests(&site)[0], "{what} decides");
    }
}

#[test]
fn a_subject_that_is_only_blocked_does_not_change_the_digest() {
    let site = Site::new("users: [off@contoso.com]\n", TWO);
    let [alone, ..] = digests(&site);
    site.declare("users: [off@contoso.com, nobody@contoso.com]\n");
    assert_eq!(alone, digests(&site)[0]);
}
