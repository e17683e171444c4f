//! A made-up large tenant: its file, and what a run makes of it.

use super::common::served::{Served, on};
use super::common::site::MANIFEST;
use super::common::{Ran, advaudit};

#[test]
fn the_file_is_short_and_says_how_everybody_is() {
    let new = |words: &[&str]| {
        Ran::of(&mut advaudit(&[&["sandbox", "new", "--users", "1000000"], words].concat())).exits(0)
    };
    let file = new(&["--seed", "7"]).shows("\n  users: 1000000\n").shows("seed: 7 ").shows("off: 1% ");
    assert!(file.stdout.lines().count() < 80, "{}", file.told());
    assert_eq!(file.stdout, new(&["--seed", "7"]).stdout);
    assert_ne!(file.stdout, new(&["--seed", "8"]).stdout);
    new(&["--off", "2.5%", "--quota"]).shows("off: 2.5% ").shows("writes: {most: 3000, every: 150s}");
    Ran::of(&mut advaudit(&["sandbox", "new", "--users", "0"])).exits(64);
    Ran::of(&mut advaudit(&["sandbox", "new", "--users", "9", "--off", "many"]))
        .exits(64)
        .complains("no share");
}

#[test]
fn a_file_that_is_there_already_is_not_written_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("tenant.yaml");
    let new = || advaudit(&["sandbox", "new", "--users", "50", "--out", file.to_str().expect("UTF-8")]);
    Ran::of(&mut new()).exits(0);
    let text = std::fs::read(&file).expect("written");
    assert_ne!(Ran::of(&mut new()).code, Some(0));
    assert_eq!(std::fs::read(&file).expect("still there"), text);
}

#[test]
fn a_run_plans_for_everybody_who_holds_the_service_plan() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("tenant.yaml");
    let path = file.to_str().expect("UTF-8");
    Ran::of(&mut advaudit(&["sandbox", "new", "--users", "3000", "--seed", "7", "--out", path])).exits(0);
    let manifest = format!("{MANIFEST}users:\n  - all: licensed\n");
    let manifest_file = folder.path().join("manifest.yaml");
    std::fs::write(&manifest_file, manifest).expect("written");
    let served = Served::start(&file);
    let plan = format!("plan {} --json", manifest_file.to_str().expect("UTF-8"));
    let plan = Ran::of(&mut on(&served.url, &folder.path().join("state"), &plan));
    assert!(plan.json()["changes"].as_array().is_some_and(|changes| !changes.is_empty()), "{}", plan.told());
}
