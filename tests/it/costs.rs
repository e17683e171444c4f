//! What a plan says it costs beside what it costs: in virtual time, on tenants where nobody else writes and
//! Graph refuses nothing. The numbers of the plan are those that a run is held against.

use serde_json::Value;

use super::common::Ran;
use super::common::site::{Site, T};

/// The numbers of a run, each `{planned, actual}`.
const NUMBERS: [&str; 5] = ["requests", "resource_units", "writes", "seconds", "off_user_minutes"];

/// Users in a tenant file: so many on, and so many off.
fn tenant(on: u32, off: u32) -> String {
    let block = |name: &str, users: u32, off: u32| match users {
        0 => String::new(),
        _ => format!("  - {{users: {users}, name: {name}, license: SPE_E5, off: {off}}}\n"),
    };
    format!("generate:\n{}{}", block("on", on, 0), block("off", off, off))
}

/// Declares those of [`tenant`]: who is on is toggled, with at most so many off at once.
fn manifest(on: u32, off: u32, max_off: &str) -> String {
    let mut text = format!("limits: {{toggle: 100%}}\ntoggle: {{maxOff: {max_off}}}\nusers:\n");
    let name = |word: &str, number: u32| format!("{word}{number:03}@contoso.onmicrosoft.com");
    for number in 1..=on {
        text.push_str(&format!("  - {{user: {}, toggleIfEnabledBefore: {T}}}\n", name("on", number)));
    }
    (1..=off).for_each(|number| text.push_str(&format!("  - {}\n", name("off", number))));
    text
}

/// A group of so many members, to be toggled or enabled, which Graph brings to all of them in two minutes.
fn group(members: u32, toggled: bool) -> (String, String) {
    let names: Vec<String> = (1..=members).map(|number| format!("m{number}@contoso.com")).collect();
    let license = if toggled { "SPE_E5" } else { "{license: SPE_E5, off: [M365_ADVANCED_AUDITING]}" };
    let tenant = format!(
        "groupProcessing: 2m\ngroups: [{{name: Legal, members: [{}], licenses: [{license}]}}]\nusers: [{}]\n",
        names.join(", "),
        names.join(", ")
    );
    let entry =
        if toggled { format!("{{group: Legal, toggleIfEnabledBefore: {T}}}") } else { "Legal".into() };
    (format!("limits: {{toggle: 100%}}\ngroups: [{entry}]\n"), tenant)
}

/// Plans and applies; the numbers of the run, of which the planned ones are the plan's.
#[track_caller]
fn applied(site: &Site) -> (Ran, Value) {
    let plan = site.run(&format!("plan {} --json", site.manifest())).exits(0).json();
    let ran = site.run(&format!("apply {} --auto-approve --json", site.manifest())).exits(0);
    let run = ran.json();
    for name in NUMBERS {
        assert_eq!(run[name]["planned"], plan["estimate"][name], "{name} is the plan's\n{}", ran.told());
    }
    (ran, run)
}

fn number(run: &Value, name: &str, which: &str) -> f64 {
    run[name][which].as_f64().unwrap_or_else(|| panic!("{name}.{which} in {run:#}"))
}

/// Holds what was planned beside what was: a tenth for what is asked of Graph, a fifth for time.
#[track_caller]
fn is_honest(what: &str, manifest: &str, tenant: &str) {
    let (_, run) = applied(&Site::new(manifest, tenant));
    let wrong: Vec<String> = NUMBERS
        .into_iter()
        .filter(|name| {
            let share = if matches!(*name, "seconds" | "off_user_minutes") { 0.2 } else { 0.1 };
            let (planned, actual) = (number(&run, name, "planned"), number(&run, name, "actual"));
            // Two of a dozen requests are no untruth.
            (planned - actual).abs() > (actual * share).max(2.0)
        })
        .map(|name| format!("{name}: {}", run[name]))
        .collect();
    assert!(wrong.is_empty(), "{what}: {}", wrong.join(", "));
    assert!(number(&run, "requests", "actual") > 0.0 && number(&run, "writes", "actual") > 0.0, "{what}");
}

#[test]
fn what_users_cost_is_what_the_plan_says() {
    for (on, off, max_off) in [
        (0, 1, "10"),
        (1, 0, "10"),
        (0, 30, "10"),
        (30, 0, "100%"),
        (4, 4, "10"),
        (15, 15, "10"),
        (150, 150, "100%"),
    ] {
        let what = format!("{on} to toggle, {off} to enable, at most {max_off} off");
        is_honest(&what, &manifest(on, off, max_off), &tenant(on, off));
    }
}

#[test]
fn what_an_organization_costs_in_waves_is_what_the_plan_says() {
    is_honest("300 to toggle in waves of 30", &manifest(300, 0, "10%"), &tenant(300, 0));
    is_honest("300 to enable", &manifest(0, 300, "10%"), &tenant(0, 300));
}

#[test]
fn what_groups_cost_is_what_the_plan_says() {
    for (members, toggled) in [(1, true), (50, true), (500, true), (500, false)] {
        let (manifest, tenant) = group(members, toggled);
        is_honest(&format!("a group of {members}, toggled: {toggled}"), &manifest, &tenant);
    }
}

#[test]
fn nothing_carried_out_costs_nothing_and_is_not_spoken_of() {
    let site = Site::new(&manifest(1, 0, "10"), &tenant(1, 0));
    site.declare("users: [on001@contoso.onmicrosoft.com]\n");
    let (_, run) = applied(&site);
    for name in NUMBERS {
        assert_eq!((&run[name]["planned"], &run[name]["actual"]), (&0.into(), &0.into()), "{name}");
    }
    let ran = site.apply().exits(0);
    assert!(!ran.stdout.contains("it took"), "{}", ran.told());
}

#[test]
fn writes_that_are_repeated_count_each_time() {
    let faults = "faults: [{write: 1, answer: 503, retryAfter: 5}]\n";
    let site = Site::new(&manifest(0, 1, "10"), &format!("{}{faults}", tenant(0, 1)));
    let (_, run) = applied(&site);
    assert_eq!((&run["writes"]["planned"], &run["writes"]["actual"]), (&1.into(), &2.into()));
}

#[test]
fn the_end_of_a_run_says_what_was_planned_and_what_it_took() {
    let site = Site::new(&manifest(1, 0, "10"), &tenant(1, 0));
    site.apply().exits(0).shows(
        "Planned 2 writes in about 60 min; it took 2 writes, 6 requests, 60 min, 60 user-minutes off.\n",
    );
}

/// The plan of the run that finishes is that of the one that began.
#[test]
fn heal_compares_as_well() {
    let site = Site::new(&manifest(2, 0, "10"), &tenant(2, 0));
    site.apply_and_leave().exits(4);
    let run = site.run("heal --json").exits(0).json();
    let both = |name: &str| (number(&run, name, "planned"), number(&run, name, "actual"));
    assert_eq!(both("writes"), (2.0, 2.0));
    assert_eq!(both("off_user_minutes"), (120.0, 120.0));
    let (planned, actual) = both("seconds");
    assert!((planned - actual).abs() <= 2.0 && planned > 3_500.0, "{run:#}");
}
