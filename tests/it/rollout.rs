//! A rollout, as its administrator sees it: a canary that must come back before the others go off, windows,
//! a deadline, failures that are enough, and time off as a number. In virtual time, through the real binary.

use std::collections::BTreeSet;

use advaudit::apply::outcome::Outcome;
use advaudit::model::{SERVICE_PLAN, SubjectId, Timestamp};
use advaudit::sandbox::{Deed, Tenant};
use serde_json::Value;

use super::common::Ran;
use super::common::site::{Site, T, Write};
use super::common::world::World;

/// So many users with a license of their own. It is a Sunday, 09:00 UTC.
fn tenant(users: usize) -> String {
    let user = |number: usize| format!("  - {{upn: u{number}@contoso.com, licenses: [SPE_E5]}}\n");
    format!("users:\n{}", (0..users).map(user).collect::<String>())
}

/// All of them toggled, in that manner.
fn manifest(toggle: &str) -> String {
    format!(
        "toggle: {{{toggle}}}\nlimits: {{toggle: 100%}}\nusers: [{{all: licensed, toggleIfEnabledBefore: {T}}}]\n"
    )
}

fn site(users: usize, toggle: &str) -> Site {
    Site::new(&manifest(toggle), &tenant(users))
}

fn apply(site: &Site, options: &str) -> Ran {
    site.run(&format!("apply {} --auto-approve --json{options}", site.manifest()))
}

/// `u0 toggled`, and with a code where there is one: `u1 skipped canary-failed`.
fn outcomes(run: &Value) -> Vec<String> {
    let word = |value: &Value| value.as_str().unwrap_or("").to_owned();
    let subjects = run["subjects"].as_array().expect("a list");
    let mut all: Vec<String> = subjects
        .iter()
        .map(|one| {
            let name = word(&one["subject"]["name"]).replace("@contoso.com", "");
            format!("{name} {} {}", word(&one["outcome"]), word(&one["error"]["code"])).trim().to_owned()
        })
        .collect();
    all.sort();
    all
}

/// The writes in their order: `-` for an off, `+` for an on.
fn signs(site: &Site) -> String {
    site.writes().iter().map(|write| if write.turns_on() { '+' } else { '-' }).collect()
}

fn offs(site: &Site) -> Vec<Write> {
    site.writes().into_iter().filter(|write| !write.turns_on()).collect()
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

#[test]
fn nobody_else_goes_off_before_the_canary_is_back() {
    let site = site(6, "canary: 2");
    site.plan().exits(0).shows(
        "Canary: u0@contoso.com, u1@contoso.com (2 people) go off first; nobody else does before every one",
    );
    let run = apply(&site, "").exits(0).json();
    assert_eq!(run["summary"]["toggled"], 6);
    assert_eq!(signs(&site), "--++----++++");
    let seconds = run["seconds"].clone();
    let planned = seconds["planned"].as_u64().expect("a number");
    let actual = seconds["actual"].as_u64().expect("a number");
    assert!(planned.abs_diff(actual) < 120, "a wave of its own in the estimate: {seconds}");
}

#[test]
fn a_run_that_does_not_wait_leaves_the_rest_to_the_next_and_one_canary_is_enough() {
    let site = site(6, "canary: 2, maxOff: 3");
    let run = apply(&site, " --no-wait").exits(4).json();
    assert!(outcomes(&run).contains(&"u2 pending waits-for-canary".to_owned()), "{:?}", outcomes(&run));
    assert_eq!(run["resume_after"].as_str().map(at), run["subjects"][0]["due_at"].as_str().map(at));
    site.later(61);
    let run = apply(&site, " --no-wait").exits(4).json();
    assert_eq!(run["summary"]["resumed"], 2);
    assert_eq!(signs(&site), "--++---", "three at a time now");
    site.later(61);
    let run = apply(&site, "").exits(0).json();
    assert_eq!((&run["summary"]["resumed"], &run["summary"]["toggled"]), (&3.into(), &1.into()));
    assert_eq!(signs(&site), "--++---+++-+");
}

#[test]
fn a_saved_plan_obeys_its_rollout_from_run_to_run() {
    let site = site(4, "canary: 1");
    let file = site.state().with_extension("plan");
    let file = file.to_str().expect("UTF-8");
    site.run(&format!("plan {} --out {file}", site.manifest())).exits(0);
    let plan: Value = serde_json::from_str(&std::fs::read_to_string(file).expect("saved")).expect("JSON");
    assert_eq!(plan["rollout"]["canary"], 1);
    site.declare(&manifest("maxOff: 4"));
    site.run(&format!("apply --plan {file} --no-wait")).exits(4);
    assert_eq!(signs(&site), "-");
    site.later(61);
    site.run(&format!("apply --plan {file}")).exits(0);
    assert_eq!(signs(&site), "-+---+++");
}

#[test]
fn a_plan_file_whose_rollout_was_changed_starts_nothing() {
    let site = site(4, "canary: 1");
    let file = site.state().with_extension("plan");
    let file = file.to_str().expect("UTF-8");
    site.run(&format!("plan {} --out {file}", site.manifest())).exits(0);
    let text = std::fs::read_to_string(file).expect("saved").replace("\"canary\":1", "\"canary\":4");
    std::fs::write(file, text).expect("written");
    site.run(&format!("apply --plan {file}")).exits(6).complains("file_sha256");
    assert_eq!(signs(&site), "");
}

fn turns_on(site: &Site, upn: &str) {
    site.somebody(|tenant: &Tenant| Deed::TurnOn {
        of: SubjectId::User(tenant.user_named(upn).expect("a user")),
        license: tenant.license_named("SPE_E5").expect("owned"),
        plan: SERVICE_PLAN,
    });
}

#[test]
fn a_canary_that_did_not_come_back_by_itself_stops_the_rest_until_somebody_starts_anew() {
    let site = site(6, "canary: 2");
    apply(&site, " --no-wait").exits(4);
    site.later(10);
    turns_on(&site, "u0@contoso.com");
    site.later(60);
    let ran = apply(&site, "").exits(5).complains("stopped [canary-failed]: no further toggle was started");
    let (ended, run) = (outcomes(&ran.json()), ran.json());
    assert_eq!(ended[0], "u0 cut_short cut-short");
    assert_eq!(ended[1], "u1 resumed");
    assert!(ended[2..].iter().all(|one| one.ends_with("skipped canary-failed")), "{ended:?}");
    assert_eq!(run["resume_after"], Value::Null, "a pipeline does not come back by itself");
    assert_eq!(signs(&site).matches('-').count(), 2);
    // Somebody looked into it. One of the two came back, so one more is enough.
    let before = site.writes().len();
    apply(&site, "").exits(0);
    assert_eq!(signs(&site)[before..], *"-+---+++");
}

#[test]
fn a_canary_that_failed_in_one_run_stays_failed_while_others_of_it_are_off() {
    let site = Site::new(
        &manifest("canary: 2"),
        "users:\n  - {upn: a@contoso.com, licenses: [SPE_E5], restricted: true}\n  - {upn: b@contoso.com, licenses: \
         [SPE_E5]}\n  - {upn: c@contoso.com, licenses: [SPE_E5]}\n  - {upn: d@contoso.com, licenses: [SPE_E5]}\n",
    );
    let ran = apply(&site, " --no-wait");
    let first = outcomes(&ran.json());
    assert!(first[0].starts_with("a failed"), "{first:?}");
    // Whether b was off by then is a matter of moments; c and d were never.
    assert!(first[2].ends_with("canary-failed") && first[3].ends_with("canary-failed"), "{first:?}");
    let off = offs(&site).len();
    site.later(61);
    apply(&site, " --no-wait");
    assert!(offs(&site).len() <= off.max(1), "no further one: {}", signs(&site));
}

#[test]
fn after_as_many_failures_as_allowed_no_further_toggle_starts() {
    let restricted = "restricted: true";
    let user =
        |number: usize, how: &str| format!("  - {{upn: u{number}@contoso.com, licenses: [SPE_E5], {how}}}\n");
    let users: String =
        (0..8).map(|number| user(number, if number < 3 { restricted } else { "enabled: true" })).collect();
    let site = Site::new(&manifest("maxOff: 1, maxFailures: 2"), &format!("users:\n{users}"));
    let ran = apply(&site, "").exits(5).complains("stopped [too-many-failures]");
    let ended = outcomes(&ran.json());
    assert!(ended[0].starts_with("u0 failed") && ended[1].starts_with("u1 failed"), "{ended:?}");
    assert!(ended[2..].iter().all(|one| one.ends_with("skipped too-many-failures")), "{ended:?}");
    assert!(offs(&site).is_empty());
}

#[test]
fn outside_the_window_no_toggle_starts_and_the_run_says_when_to_come_back() {
    let site = site(2, "window: 'Sun 22:00-04:00 Europe/Berlin'");
    site.plan()
        .exits(0)
        .shows("Toggles may start Sun 22:00-04:00 Europe/Berlin, next at 2026-11-22 21:00:00 UTC.");
    let run = apply(&site, "").exits(4).json();
    assert_eq!(run["resume_after"], "2026-11-22T21:00:00Z");
    assert_eq!(outcomes(&run), ["u0 pending not-now", "u1 pending not-now"]);
    assert!(
        site.writes().is_empty() && run["seconds"]["actual"].as_u64().is_some_and(|took| took < 60),
        "it does not wait"
    );
    site.later(12 * 60 + 1);
    apply(&site, "").exits(0);
    assert!(offs(&site).iter().all(|off| off.at >= at("2026-11-22T21:00:00Z")));
}

#[test]
fn turning_on_knows_no_window() {
    let tenant = "users:\n  - {upn: a@contoso.com, licenses: [SPE_E5]}\n  - {upn: b@contoso.com, licenses: [{license: \
                  SPE_E5, off: [M365_ADVANCED_AUDITING]}]}\n";
    let window = "toggle: {window: 'daily 09:00-09:30 UTC'}\n";
    let user = format!("users: [{{user: a@contoso.com, toggleIfEnabledBefore: {T}}}");
    let site = Site::new(&format!("{window}{user}]\n"), tenant);
    site.apply_and_leave().exits(4);
    site.later(61);
    site.declare(&format!("{window}{user}, b@contoso.com]\n"));
    let run = apply(&site, "").exits(0).json();
    assert_eq!(outcomes(&run), ["a resumed", "b enabled"]);
}

#[test]
fn while_others_are_off_the_next_may_start_as_long_as_the_window_is_open() {
    let site = site(4, "maxOff: 1, window: 'daily 09:00-10:30 UTC'");
    site.plan().exits(0).shows("it takes about 2 windows for all of them");
    let run = apply(&site, "").exits(4).json();
    assert_eq!(run["summary"]["toggled"], 2, "at 09:00 and at 10:00");
    assert_eq!(run["resume_after"], "2026-11-23T09:00:00Z");
    assert!(offs(&site).iter().all(|off| off.at < at("2026-11-22T10:30:00Z")));
    assert_eq!(signs(&site), "-+-+", "whoever was off is on");
}

#[test]
fn a_toggle_starts_only_if_it_can_be_back_on_by_the_deadline() {
    let site = site(3, "maxOff: 1, mustBeOnBy: '11:15 UTC'");
    let run = apply(&site, "").exits(4).json();
    assert_eq!(run["summary"]["toggled"], 2, "the third would be off until noon");
    assert!(site.writes().iter().all(|write| write.at <= at("2026-11-22T11:15:00Z")));
    assert_eq!(run["resume_after"], "2026-11-22T11:15:00Z", "from then on the deadline of tomorrow counts");
}

#[test]
fn what_never_fits_is_told_by_check_and_is_not_tried_for_ever() {
    let site = site(1, "window: 'Sat 22:00-22:20 UTC', mustBeOnBy: '22:30 UTC'");
    site.run_check()
        .exits(0)
        .shows("never-fits")
        .shows("no toggle of a user can ever start: it needs 65 minutes");
    site.plan().exits(0).shows("No toggle can start: window and deadline never leave it enough time.");
    let run = apply(&site, "").exits(5).json();
    assert_eq!(outcomes(&run), ["u0 skipped never-fits"]);
    assert_eq!(run["resume_after"], Value::Null);
}

impl Site {
    fn run_check(&self) -> Ran {
        Ran::of(&mut super::common::advaudit(&["check", self.manifest()]))
    }
}

#[test]
fn whoever_joins_a_group_before_its_off_takes_room_too() {
    let members: Vec<String> = (0..3).map(|number| format!("m{number}@contoso.com")).collect();
    let tenant = format!(
        "users: [{}, late@contoso.com, {{upn: u@contoso.com, licenses: [SPE_E5]}}]\ngroups:\n  - {{name: E5 Legal, \
         licenses: [SPE_E5], members: [{}]}}\n",
        members.join(", "),
        members.join(", ")
    );
    let world = World::new(&tenant);
    let planned = world.plan(&format!(
        "toggle: {{maxOff: 4}}\nusers: [{{user: u@contoso.com, toggleIfEnabledBefore: {T}}}]\ngroups: [{{group: E5 \
         Legal, toggleIfEnabledBefore: {T}}}]\n"
    ));
    let (group, late) = {
        let tenant = world.tenant.tenant();
        let group = planned.0.changes.iter().find_map(|change| change.subject.id.group()).expect("a group");
        (group, tenant.user_named("late@contoso.com").expect("a user"))
    };
    world.somebody(&Deed::AddMember { group, user: late });
    let ended: BTreeSet<_> = world.carry_out(&planned).into_iter().collect();
    // Four of the group and the user beside them would be five.
    let wanted = [("E5 Legal".to_owned(), Outcome::Toggled), ("u@contoso.com".to_owned(), Outcome::Pending)];
    let other = [("E5 Legal".to_owned(), Outcome::Pending), ("u@contoso.com".to_owned(), Outcome::Toggled)];
    assert!(ended == wanted.into() || ended == other.into(), "{ended:?}");
}

#[test]
fn time_off_is_a_number_in_plan_run_journal_and_status() {
    let tenant = "users:\n  - {upn: a@contoso.com, licenses: [SPE_E5]}\n  - m@contoso.com\n  - n@contoso.com\n\
                  groupProcessing: 60s\ngroups:\n  - {name: E5 Legal, licenses: [SPE_E5], members: [m@contoso.com, \
                  n@contoso.com]}\n";
    let site = Site::new(
        &format!(
            "users: [{{user: a@contoso.com, toggleIfEnabledBefore: {T}}}]\ngroups: [{{group: E5 Legal, \
             toggleIfEnabledBefore: {T}}}]\n"
        ),
        tenant,
    );
    let plan = site.run(&format!("plan {} --json", site.manifest())).json();
    let planned: Vec<u64> = plan["changes"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|one| one["off_user_minutes"].as_u64())
        .collect();
    assert_eq!(planned, [4, 60], "two members for two minutes, one user for an hour");
    site.plan().shows("time off: 1 person for about 60 min: 60 user-minutes");
    apply(&site, " --no-wait").exits(4);
    site.later(30);
    let status = site.run("status --json").json();
    let open = status["in_flight"].as_array().expect("a list");
    let user = open.iter().find(|one| one["subject"]["name"] == "a@contoso.com").expect("off");
    assert_eq!((&user["people"], &user["off_user_minutes"]), (&1.into(), &30.into()));
    site.run("status").shows("user-minutes so far");
    site.later(31);
    let run = apply(&site, "").exits(0).json();
    let own = &run["subjects"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|one| one["subject"]["name"] == "a@contoso.com")
        .expect("resumed")["off_user_minutes"];
    assert_eq!((&own["planned"], &own["actual"]), (&60.into(), &61.into()), "{run:#}");
    let closed: Vec<Value> = site.journal().into_iter().map(|record| record["entry"].clone()).collect();
    let closed: Vec<&Value> = closed.iter().filter(|entry| entry["kind"] == "closed").collect();
    let off = |name: &str| &closed.iter().find(|one| one["subject"]["name"] == name).expect("closed")["off"];
    assert_eq!(
        (&off("a@contoso.com")["people"], &off("a@contoso.com")["at_most"]),
        (&1.into(), &false.into())
    );
    assert!(off("a@contoso.com")["seconds"].as_u64().is_some_and(|seconds| (3660..3720).contains(&seconds)));
    assert_eq!((&off("E5 Legal")["people"], &off("E5 Legal")["at_most"]), (&2.into(), &true.into()));
    let status = site.run("status --json").json();
    assert!(status["ended"]["off_user_minutes"].as_u64().is_some_and(|minutes| minutes >= 61), "{status:#}");
}
