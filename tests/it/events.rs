//! `--log-events`: what a pipeline reads while the program works. Every line is held against
//! `schema/event.schema.json`.

use std::collections::BTreeSet;
use std::path::Path;

use advaudit::model::Timestamp;
use serde_json::Value;

use super::common::served::{Running, Served, TOKEN, on, until};
use super::common::site::{MANIFEST, Site, T, TENANT};
use super::common::{Ran, advaudit, repository};

/// On, off, refused, without a license, and a group that is off.
const PEOPLE: &str = "\
groups: [{name: Legal, members: [m1@contoso.com], licenses: [{license: SPE_E5, off: [M365_ADVANCED_AUDITING]}]}]
users:
  - {upn: on@contoso.com, licenses: [SPE_E5]}
  - {upn: off@contoso.com, licenses: [{license: SPE_E5, off: [M365_ADVANCED_AUDITING]}]}
  - {upn: refused@contoso.com, restricted: true, licenses: [{license: SPE_E5, off: [M365_ADVANCED_AUDITING]}]}
  - {upn: unread@contoso.com, unreadable: 403, licenses: [SPE_E5]}
  - bare@contoso.com
  - m1@contoso.com
";

fn everybody() -> String {
    format!(
        "users:\n  - off@contoso.com\n  - refused@contoso.com\n  - bare@contoso.com\n  - {{user: on@contoso.com, \
         toggleIfEnabledBefore: {T}}}\ngroups: [Legal]\n"
    )
}

fn site(manifest: &str) -> Site {
    Site::new(manifest, PEOPLE)
}

fn schema() -> Value {
    let text = std::fs::read_to_string(repository("schema/event.schema.json")).expect("a schema");
    serde_json::from_str(&text).expect("JSON")
}

/// Lines of events, each by the schema and with what every line has.
#[track_caller]
fn read(text: &str) -> Vec<Value> {
    let schema = schema();
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    assert!(text.is_empty() || text.ends_with('\n'), "whole lines only: {text}");
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    for event in &events {
        let wrong: Vec<String> = validator.iter_errors(event).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "no event by the schema: {wrong:#?}\n{event:#}");
        for key in ["@timestamp", "@level", "@message", "type"] {
            assert!(event[key].is_string(), "`{key}` is missing in {event:#}");
        }
    }
    events
}

/// Runs a command with its events in a file.
#[track_caller]
fn logged(site: &Site, command: &str) -> (Ran, Vec<Value>) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("events.ndjson");
    let command = command.replace("MANIFEST", site.manifest());
    let ran = site.run(&format!("{command} --log-events {}", file.display()));
    let events = read(&std::fs::read_to_string(&file).unwrap_or_default());
    (ran, events)
}

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().expect("a type")).collect()
}

fn of<'a>(events: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    events.iter().filter(move |event| event["type"] == kind)
}

/// The types that a subject went through, in order.
fn story<'a>(events: &'a [Value], name: &str) -> Vec<&'a str> {
    let own: Vec<&Value> = events.iter().filter(|event| event["subject"]["name"] == name).collect();
    own.into_iter().map(|event| event["type"].as_str().expect("a type")).collect()
}

#[test]
fn an_apply_is_told_from_the_first_word_to_the_last() {
    let site = site(&everybody());
    let (ran, events) = logged(&site, "apply MANIFEST --auto-approve");
    ran.exits(5);
    assert_eq!(events[0]["type"], "version");
    assert_eq!((&events[0]["format_version"], &events[0]["command"]), (&"1.0".into(), &"apply".into()));
    assert_eq!(events[0]["tool_version"], env!("CARGO_PKG_VERSION"));
    let toggled = [
        "planned_change",
        "apply_start",
        "apply_progress",
        "verify_result",
        "apply_progress",
        "verify_result",
        "apply_complete",
    ];
    assert_eq!(story(&events, "on@contoso.com"), toggled);
    let enabled = ["planned_change", "apply_start", "apply_progress", "verify_result", "apply_complete"];
    assert_eq!(story(&events, "off@contoso.com"), enabled);
    let members = of(&events, "apply_progress").filter(|one| !one["members"].is_null());
    let members: Vec<&Value> = members.map(|one| &one["members"]).collect();
    assert!(!members.is_empty() && members.iter().all(|seen| seen["shown"] == seen["of"]), "{members:?}");
    let enabled = [
        "planned_change",
        "apply_start",
        "apply_progress",
        "apply_progress",
        "verify_result",
        "apply_complete",
    ];
    assert_eq!(story(&events, "Legal"), enabled);
    assert_eq!(story(&events, "refused@contoso.com"), ["planned_change", "apply_start", "apply_failed"]);
    let failed = of(&events, "apply_failed").next().expect("a failure");
    assert_eq!((&failed["outcome"], &failed["@level"]), (&"failed".into(), &"error".into()));
    assert!(failed["error"]["message"].as_str().expect("a text").contains("403"), "{failed:#}");
    let bare = of(&events, "diagnostic").find(|one| one["subject"]["name"] == "bare@contoso.com");
    assert_eq!(bare.expect("blocked")["code"], "no-license");
    let wait = of(&events, "wait_until").find(|one| one["people_off"] == 1).expect("the wait");
    assert!(wait["until"].as_str().expect("a time").starts_with("2026-11-22T10:00:0"), "{wait:#}");
    let now: Vec<&Value> = of(&events, "verify_result").map(|one| &one["now"]).collect();
    assert_eq!(now.iter().filter(|now| **now == "off").count(), 1);
    let time = |one: &Value| one["@timestamp"].as_str().expect("a time").parse().expect("a time");
    let times: Vec<Timestamp> = events.iter().map(time).collect();
    assert!(times.is_sorted(), "{times:?}");
}

#[test]
fn the_numbers_are_those_of_the_documents() {
    let (one, other) = (site(&everybody()), site(&everybody()));
    let (_, events) = logged(&one, "apply MANIFEST --auto-approve");
    let plan = other.run(&format!("plan {} --json", other.manifest())).json();
    let run = other.run(&format!("apply {} --auto-approve --json", other.manifest())).json();
    let planned = of(&events, "plan_summary").next().expect("a plan");
    for key in ["summary", "sha256", "complete"] {
        assert_eq!(planned[key], plan[key], "{key}");
    }
    assert_eq!(of(&events, "planned_change").count(), plan["changes"].as_array().expect("a list").len());
    let end = events.last().expect("an end");
    assert_eq!(end["type"], "run_summary");
    for key in
        ["plan_sha256", "summary", "exit_code", "resume_after", "off_user_minutes", "writes", "requests"]
    {
        assert_eq!(end[key], run[key], "{key}");
    }
}

#[test]
fn plan_tells_its_changes_and_ends() {
    let site = site("users: [off@contoso.com]\n");
    let (ran, events) = logged(&site, "plan MANIFEST");
    ran.exits(0).shows("1 to enable");
    assert_eq!(types(&events), ["version", "planned_change", "plan_summary"]);
}

#[test]
fn heal_tells_what_it_turns_on_and_nothing_of_what_it_leaves() {
    let manifest =
        format!("users:\n  - {{user: on@contoso.com, toggleIfEnabledBefore: {T}}}\n  - off@contoso.com\n");
    let site = site(&manifest);
    let (ran, events) = logged(&site, "heal MANIFEST");
    ran.exits(0);
    assert!(story(&events, "on@contoso.com").is_empty(), "heal toggles nobody");
    assert!(!story(&events, "off@contoso.com").is_empty());
    let (ran, events) = logged(&site, "apply MANIFEST --auto-approve --no-wait");
    ran.exits(4);
    let left = of(&events, "apply_pending").next().expect("somebody is left off");
    assert_eq!(left["subject"]["name"], "on@contoso.com");
    assert!(left["due_at"].is_string(), "{left:#}");
    assert!(events.last().expect("an end")["resume_after"].is_string());
    let (ran, events) = logged(&site, "heal");
    ran.exits(0);
    let resumed = ["apply_start", "apply_progress", "verify_result", "apply_complete"];
    assert_eq!(story(&events, "on@contoso.com"), resumed);
    assert_eq!(of(&events, "apply_complete").next().expect("an end")["outcome"], "resumed");
}

#[test]
fn what_graph_puts_off_is_told_of_reads_and_of_writes() {
    let faults =
        "faults: [{request: 1, answer: 429, retryAfter: 7}, {write: 1, answer: 429, retryAfter: 9}]\n";
    let site = Site::new("users: [off@contoso.com]\n", &format!("{PEOPLE}{faults}"));
    let (ran, events) = logged(&site, "apply MANIFEST --auto-approve");
    ran.exits(0);
    let told: Vec<(u64, &str)> = of(&events, "throttled")
        .map(|one| (one["seconds"].as_u64().expect("seconds"), one["asked"].as_str().expect("a text")))
        .collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!((7..=8).contains(&told[0].0) && told[0].1.starts_with("GET /"), "{told:?}");
    assert!(told[1].0 == 9 && told[1].1.contains("assignLicense"), "{told:?}");
}

#[test]
fn what_ends_a_command_is_told_with_its_code() {
    let site = site("usres: [off@contoso.com]\n");
    let (ran, events) = logged(&site, "apply MANIFEST --auto-approve");
    ran.exits(1);
    assert_eq!(types(&events), ["version", "diagnostic"]);
    assert_eq!((&events[1]["exit_code"], &events[1]["@level"]), (&1.into(), &"error".into()));
    assert!(events[1]["place"]["line"].is_u64(), "{:#}", events[1]);
    let (ran, events) = logged(&self::site("users: [on@contoso.com]\n"), "heal");
    ran.exits(1);
    let last = events.last().expect("a failure");
    assert!(last["help"].as_str().expect("a next step").contains("--state"), "{last:#}");
}

#[test]
fn on_stdout_the_events_are_alone() {
    let site = site(&everybody());
    let ran = site.run(&format!("apply {} --auto-approve --log-events -", site.manifest())).exits(5);
    let events = read(&ran.stdout);
    assert_eq!(events.last().expect("an end")["type"], "run_summary");
    ran.complains("Plan: 3 to enable, 1 to toggle").complains("2 enabled, 1 toggled, 1 failed");
    let ran = site.run(&format!("plan {} --log-events -", site.manifest()));
    assert_eq!(types(&read(&ran.stdout)).last(), Some(&"plan_summary"));
    ran.complains("Plan: ");
}

#[test]
fn two_things_on_stdout_and_commands_without_events_are_usage_errors() {
    let site = site("users: [off@contoso.com]\n");
    for json in ["--json", "--format json"] {
        let command = format!("apply {} --auto-approve --log-events - {json}", site.manifest());
        let ran = site.run(&command).exits(64).complains("stdout").complains("--json");
        assert!(ran.stdout.is_empty(), "{}", ran.told());
    }
    for command in ["status", "doctor", "schema", "completions bash", "check MANIFEST"] {
        let command = command.replace("MANIFEST", site.manifest());
        site.run(&format!("{command} --log-events events.ndjson")).exits(64).complains("--log-events");
    }
    assert!(site.writes().is_empty() && !Path::new("events.ndjson").exists());
}

#[test]
fn a_file_that_cannot_be_opened_is_told_before_anything_begins() {
    let site = site("users: [off@contoso.com]\n");
    let apply = format!("apply {} --auto-approve --log-events /no/such/folder/events", site.manifest());
    site.run(&apply)
        .exits(1)
        .complains("/no/such/folder/events")
        .complains("nothing was begun")
        .holds("nothing was begun", !site.state().exists());
}

/// `/dev/full` can be opened, and never written.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_is_full_is_told_once_and_stops_nothing() {
    let site =
        site(&format!("users: [off@contoso.com, {{user: on@contoso.com, toggleIfEnabledBefore: {T}}}]\n"));
    let ran = site.run(&format!("apply {} --auto-approve --log-events /dev/full", site.manifest())).exits(0);
    assert_eq!(ran.stderr.matches("cannot write events to /dev/full").count(), 1, "{}", ran.told());
    ran.shows("1 enabled, 1 toggled");
    assert!(site.people().is_on("on@contoso.com"));
}

#[test]
fn a_second_command_adds_its_lines() {
    let site = site("users: [off@contoso.com]\n");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("events");
    let command = format!("plan {} --log-events {}", site.manifest(), file.display());
    site.run(&command).exits(0);
    site.run(&command).exits(0);
    let events = read(&std::fs::read_to_string(&file).expect("events"));
    assert_eq!(of(&events, "version").count(), 2);
}

/// A real process over a socket, read along while it waits; the token is in none of it.
#[cfg(unix)]
#[test]
fn whoever_reads_along_sees_each_line_when_it_happens() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("tenant.yaml"), format!("{TENANT}{PEOPLE}")).expect("written");
    let manifest = format!(
        "{MANIFEST}toggle: {{wait: 60s}}\nusers: [{{user: on@contoso.com, toggleIfEnabledBefore: {T}}}]\n"
    );
    std::fs::write(path("manifest.yaml"), manifest).expect("written");
    let served = Served::start(&path("tenant.yaml"));
    let command = format!(
        "apply {} --auto-approve --log-events {}",
        path("manifest.yaml").display(),
        path("events").display()
    );
    let run = Running::start(on(&served.url, &path("state"), &command));
    let text = || std::fs::read_to_string(path("events")).unwrap_or_default();
    until("the wait is told while it lasts", || text().contains("\"type\":\"wait_until\""));
    read(&text());
    run.signal("INT");
    run.end().exits(130);
    let events = read(&text());
    let end: Vec<&str> = types(&events).into_iter().rev().take(3).collect();
    assert_eq!(end, ["run_summary", "apply_pending", "stopped"]);
    assert_eq!(events.last().expect("an end")["exit_code"], 130);
    assert!(!text().contains(TOKEN), "the token is in the events");
}

/// The types of the schema are those that happen.
#[test]
fn every_type_of_the_schema_is_written_by_something() {
    let mut seen = BTreeSet::new();
    let mut see = |events: &[Value]| seen.extend(types(events).into_iter().map(str::to_owned));
    let faults = "faults: [{request: 1, answer: 503}]\n";
    let tenant = Site::new(&everybody(), &format!("{PEOPLE}{faults}"));
    see(&logged(&tenant, "apply MANIFEST --auto-approve --no-wait").1);
    // The date of this tenant never moves, and others wait for their turn.
    let stubborn = "planDates: stay\ngenerate: {users: 3, license: SPE_E5}\n";
    let site = Site::new(
        &format!("toggle: {{maxOff: 1}}\nusers: [{{all: licensed, toggleIfEnabledBefore: {T}}}]\n"),
        stubborn,
    );
    see(&logged(&site, "apply MANIFEST --auto-approve").1);
    let known: BTreeSet<String> = consts(&schema()).into_iter().collect();
    assert_eq!(seen, known);
}

/// Every `type` that a schema allows.
fn consts(schema: &Value) -> Vec<String> {
    match schema {
        Value::Object(keys) => {
            let own = keys.get("properties").and_then(|keys| keys.get("type")?.get("const")?.as_str());
            own.map(str::to_owned).into_iter().chain(keys.values().flat_map(consts)).collect()
        }
        Value::Array(all) => all.iter().flat_map(consts).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn the_schema_can_be_printed() {
    let ran = Ran::of(&mut advaudit(&["schema", "event"])).exits(0);
    assert_eq!(ran.json(), schema());
}
