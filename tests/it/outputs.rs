//! `$GITHUB_OUTPUT`: what a step of GitHub Actions gives on to the next one.

use std::collections::BTreeMap;
use std::path::Path;

use super::common::site::{Site, T};
use super::common::{Ran, advaudit};

const PEOPLE: &str = "\
users:
  - {upn: on@contoso.com, licenses: [SPE_E5]}
  - {upn: off@contoso.com, licenses: [{license: SPE_E5, off: [M365_ADVANCED_AUDITING]}]}
";

fn site() -> Site {
    let toggle = format!("  - {{user: on@contoso.com, toggleIfEnabledBefore: {T}}}\n");
    Site::new(&format!("users:\n  - off@contoso.com\n{toggle}"), PEOPLE)
}

/// Runs a command as a step; what it gives on.
#[track_caller]
fn step(site: &Site, command: &str) -> (Ran, BTreeMap<String, String>) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("output");
    // What the step itself wrote before stays.
    std::fs::write(&file, "mine=1\n").expect("written");
    let command = command.replace("MANIFEST", site.manifest());
    let ran = site.run_with(&command, |step| _ = step.env("GITHUB_OUTPUT", &file));
    let outputs = outputs(&file);
    assert_eq!(outputs["mine"], "1");
    let code = ran.code.expect("a code").to_string();
    assert_eq!(outputs["exit_code"], code, "{}", ran.told());
    (ran, outputs)
}

/// The lines of the file, each once, in the format of GitHub.
#[track_caller]
fn outputs(file: &Path) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(file).expect("outputs");
    let mut outputs = BTreeMap::new();
    for line in text.lines() {
        let (name, value) = line.split_once('=').unwrap_or_else(|| panic!("no output: {line}"));
        assert!(outputs.insert(name.to_owned(), value.to_owned()).is_none(), "{name} twice: {text}");
    }
    outputs
}

#[test]
fn a_plan_gives_on_its_digest_and_whether_there_is_something_to_do() {
    let site = site();
    let (ran, given) = step(&site, "plan MANIFEST --json");
    let plan = ran.exits(0).json();
    assert_eq!((given["has_changes"].as_str(), given["resume_after"].as_str()), ("true", ""));
    assert_eq!(given["plan_sha256"], plan["sha256"].as_str().expect("a digest"));
    site.apply().exits(0);
    let (ran, given) = step(&site, "plan MANIFEST --detailed-exitcode");
    ran.exits(0);
    assert_eq!(given["has_changes"], "false");
}

#[test]
fn whoever_is_left_off_is_come_back_for() {
    let site = site();
    let (ran, given) = step(&site, "apply MANIFEST --auto-approve --no-wait --json");
    let run = ran.exits(4).json();
    assert_eq!(given["resume_after"], run["resume_after"].as_str().expect("a time"));
    assert_eq!(given["plan_sha256"], run["plan_sha256"].as_str().expect("a digest"));
    let (ran, given) = step(&site, "heal");
    ran.exits(0).shows("1 resumed");
    assert_eq!((given["has_changes"].as_str(), given["resume_after"].as_str()), ("true", ""));
    let (ran, given) = step(&site, "heal");
    ran.exits(0);
    assert_eq!(given["has_changes"], "false");
}

#[test]
fn what_fails_gives_on_at_least_its_code() {
    let site = site();
    for (command, code) in [
        ("heal", 1),
        ("plan no/such/file.yaml", 1),
        ("apply MANIFEST", 64),
        ("plan MANIFEST --no-such-option", 64),
        ("apply MANIFEST --auto-approve --log-events - --json", 64),
    ] {
        let (ran, given) = step(&site, command);
        ran.exits(code);
        for name in ["has_changes", "plan_sha256", "resume_after"] {
            assert_eq!(given[name], "", "{command}: {name}");
        }
    }
}

#[test]
fn other_commands_give_on_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("output");
    let mut check = advaudit(&["check", "examples/mixed/manifest.yaml"]);
    Ran::of(check.env("GITHUB_OUTPUT", &file)).exits(0);
    assert!(!file.exists());
}

#[test]
fn a_file_that_cannot_be_written_changes_no_code() {
    let site = site();
    let apply = format!("apply {} --auto-approve", site.manifest());
    let ran = site.run_with(&apply, |step| _ = step.env("GITHUB_OUTPUT", "/no/such/folder/output"));
    ran.exits(0).shows("1 enabled, 1 toggled").complains("/no/such/folder/output").complains("GITHUB_OUTPUT");
    let ran = site.run_with(&apply, |step| _ = step.env("GITHUB_OUTPUT", ""));
    let ran = ran.exits(0);
    assert!(!ran.stderr.contains("GITHUB_OUTPUT"), "{}", ran.told());
}
