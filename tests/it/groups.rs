//! Groups in depth: many members, members in error, and how they are told.

use serde_json::Value;

use super::common::Ran;
use super::common::site::{Site, T};

/// E5 Legal with these members in lines of their own, to be toggled.
fn legal(members: &[&str]) -> Site {
    let names: Vec<String> = (1..=members.len()).map(|number| format!("m{number}@contoso.com")).collect();
    let users: Vec<String> = names
        .iter()
        .zip(members)
        .map(|(name, special)| format!("  - {{upn: {name}, inherited: [{special}]}}\n"))
        .collect();
    let tenant = format!(
        "groupProcessing: 2m\ngroups: [{{name: E5 Legal, members: [{}], licenses: [SPE_E5]}}]\nusers:\n{}",
        names.join(", "),
        users.concat()
    );
    Site::new(&format!("groups: [{{group: E5 Legal, toggleIfEnabledBefore: {T}}}]\n"), &tenant)
}

const FINE: &str = "";
/// In error from the on of a toggle on.
const OTHER: &str = "{group: E5 Legal, error: Other, fromChange: 2}";
const NO_SEAT: &str = "{group: E5 Legal, error: CountViolation, fromChange: 2}";

fn apply(site: &Site, more: &str) -> Ran {
    site.run(format!("apply {} --auto-approve {more}", site.manifest()).trim_end())
}

/// How many attempts to reprocess stand in the journal: announced, and answered.
fn attempts(site: &Site) -> (usize, usize) {
    let journal = site.journal();
    let many = |kind: &str| journal.iter().filter(|record| record["entry"]["kind"] == kind).count();
    (many("reprocess_intent"), many("reprocessed"))
}

#[test]
fn members_newly_in_error_are_named_with_error_meaning_and_remedy() {
    let site = legal(&[FINE, OTHER, NO_SEAT]);
    let run = apply(&site, "--json").exits(0).json();
    let broken = run["subjects"][0]["members_in_error"].as_array().expect("members").clone();
    let word = |one: &Value| (one["member"]["name"].clone(), one["error"].clone());
    assert_eq!(
        broken.iter().map(word).collect::<Vec<_>>(),
        [("m2@contoso.com".into(), "Other".into()), ("m3@contoso.com".into(), "CountViolation".into())]
    );
    assert_eq!(broken[1]["meaning"], "no seat of the license was left");
    assert_eq!(broken[1]["remedy"], "free or buy seats of the license");
    let told = apply(&legal(&[FINE, OTHER, NO_SEAT]), "").exits(0).told();
    for word in
        ["1 member is newly in error", "CountViolation", "m3@contoso.com", "free or buy seats", "--reprocess"]
    {
        assert!(told.contains(word), "{word} in {told}");
    }
}

#[test]
fn what_members_could_not_get_is_tried_again_only_where_that_is_asked_for_and_every_attempt_is_recorded() {
    let site = legal(&[FINE, OTHER, NO_SEAT]);
    apply(&site, "").exits(0);
    assert_eq!(attempts(&site), (0, 0), "not asked for");
    let run = apply(&site, "--reprocess --json").exits(0).json();
    let tried = run["reprocessed"].as_array().expect("members");
    let word = |one: &Value| (one["member"]["name"].clone(), one["result"].clone());
    assert_eq!(
        tried.iter().map(word).collect::<Vec<_>>(),
        [("m2@contoso.com".into(), "healed".into()), ("m3@contoso.com".into(), "healed".into())]
    );
    assert_eq!(attempts(&site), (2, 2));
    let again = apply(&site, "--reprocess").exits(0);
    assert!(!again.told().contains("reprocessed"), "nobody is left: {}", again.told());
}

#[test]
fn a_group_of_five_thousand_is_looked_at_in_pages() {
    let tenant = "groupProcessing: 2m\ngroups: [{name: E5 All, licenses: [SPE_E5]}]\n\
                  generate: {users: 5000, group: E5 All}\n";
    let manifest = format!(
        "limits: {{toggle: 100%, groupMembers: 5000}}\ngroups: [{{group: E5 All, toggleIfEnabledBefore: {T}}}]\n"
    );
    let site = Site::new(&manifest, tenant);
    let ran = apply(&site, "--json").exits(0);
    let requests = ran.json()["requests"]["actual"].as_u64().expect("a number");
    assert!(requests < 200, "{requests} requests");
    let told = ran.told();
    assert!(
        told.contains("members off   E5 All: 5000 of 5000")
            && told.contains("members on    E5 All: 5000 of 5000"),
        "{told}"
    );
    let counts = |word: &str| -> Vec<u64> {
        let lines = told.lines().filter_map(|line| line.split_once(&format!("{word}E5 All: ")));
        lines.filter_map(|(_, rest)| rest.split(' ').next()?.parse().ok()).collect()
    };
    assert!(counts("members off   ").is_sorted() && counts("members off   ").len() > 1, "{told}");
}
