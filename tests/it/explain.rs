//! `explain`: people and groups about whose licenses one has to think twice. What is said of each is kept in
//! `explained/users.txt`, `groups.txt` and `later.txt`, to be read by somebody who knows group-based licensing;
//! `SNAPSHOTS=overwrite cargo test --test it explain` writes them again.

use std::fmt::Write as _;

use advaudit::sandbox::Deed;
use serde_json::Value;
use snapbox::assert::DEFAULT_ACTION_ENV;
use snapbox::data::DataFormat;
use snapbox::{Assert, Data};

use super::common::site::{Site, T};
use super::common::{Ran, advaudit, repository};

const TENANT: &str = "tests/it/explained/tenant.yaml";
const MANIFEST: &str = "tests/it/explained/manifest.yaml";

/// Everybody in the tenant file, in the order in which they are best read.
const USERS: [&str; 40] = [
    // On through more than one thing.
    "both",
    "by.group",
    "by.two.groups",
    "one.hides",
    "two.skus",
    "other.sku",
    // With errors.
    "last.change.failed",
    "last.change.lost",
    "error.beside",
    "no.seat.in.group",
    "new.state",
    // Because of the tenant or the account.
    "suspended",
    "not.provisioned",
    "provisioned.never",
    "nowhere",
    "nowhere.in.group",
    "guest_fabrikam.com#EXT#@contoso.onmicrosoft.com",
    "left.the.company",
    "ceo",
    "chair",
    // Off, or covered by groups.
    "off.by.group",
    "off.by.two.groups",
    "covered",
    "covered.twice",
    "covered.and.direct",
    "covered.off",
    "only.field",
    "nested.member",
    "too.early",
    "undated",
    // Dates.
    "renewed",
    "changed.since",
    "left.off",
    "ticked",
    // Without a license that has it, narrowed, ordinary.
    "only.e3",
    "nobody",
    "narrowed",
    "not.ticked",
    "deleted",
    "not.tickd",
];

const GROUPS: [&str; 8] =
    ["E5 Legal", "E5 Field", "E5 Support", "E5 Finance", "E5 Research", "E5 Undated", "nested", "E5 Twins"];

fn site() -> Site {
    Site::of_files(MANIFEST, TENANT)
}

fn upn(name: &str) -> String {
    if name.contains('@') { name.to_owned() } else { format!("{name}@contoso.com") }
}

fn explain(site: &Site, subject: &str, more: &[&str]) -> Ran {
    let mut args = vec!["explain", subject, site.manifest()];
    args.extend(more);
    site.run_words(&args)
}

/// What a person sees who asks.
fn asked(ran: &Ran) -> String {
    let mut text = format!("$ {}\n{}", ran.command, ran.stdout);
    for line in ran.stderr.lines() {
        writeln!(text, "2> {line}").expect("a text takes everything");
    }
    writeln!(text, "[exit code {}]\n", ran.code.expect("ended by itself")).expect("a text takes everything");
    text
}

fn is_as_kept(actual: String, file: &str) {
    let path = repository("tests/it/explained").join(file);
    let kept = Data::read_from(&path, Some(DataFormat::Text));
    Assert::new().action_env(DEFAULT_ACTION_ENV).eq(actual, kept.raw());
}

#[test]
fn forty_awkward_users() {
    let site = site();
    let story: String = USERS.iter().map(|name| asked(&explain(&site, &upn(name), &[]))).collect();
    assert!(site.writes().is_empty(), "looking cannot change");
    is_as_kept(story, "users.txt");
}

#[test]
fn eight_awkward_groups() {
    let site = site();
    let story: String = GROUPS.iter().map(|name| asked(&explain(&site, name, &[]))).collect();
    is_as_kept(story, "groups.txt");
}

/// Without a manifest; in flight; while Graph still works on a group; a name that moved.
#[test]
fn what_is_said_later() {
    let site = site();
    let mut story = asked(&site.run_words(&["explain", "both@contoso.com"]));
    story.push_str(&asked(&site.run_words(&["explain", "not.ticked@contoso.com"])));
    site.run_words(&[
        "apply",
        site.manifest(),
        "--auto-approve",
        "--no-wait",
        "--only",
        "ticked@contoso.com",
    ])
    .exits(4);
    story.push_str(&asked(&explain(&site, "ticked@contoso.com", &[])));
    site.run_words(&["apply", site.manifest(), "--auto-approve", "--no-wait", "--only", "E5 Support"])
        .exits(4);
    story.push_str(&asked(&explain(&site, "covered@contoso.com", &[])));
    story.push_str(&asked(&explain(&site, "E5 Support", &[])));
    site.later(24 * 60);
    site.run_words(&["heal"]).exits(0);
    story.push_str(&asked(&explain(&site, "ticked@contoso.com", &[])));
    site.somebody(|tenant| {
        let user = tenant.user_named("ticked@contoso.com").expect("a user");
        Deed::RenameUser { user, upn: "ticked.old@contoso.com".to_owned() }
    });
    site.somebody(|tenant| {
        let user = tenant.user_named("renewed@contoso.com").expect("a user");
        Deed::RenameUser { user, upn: "ticked@contoso.com".to_owned() }
    });
    story.push_str(&asked(&explain(&site, "ticked@contoso.com", &[])));
    is_as_kept(story, "later.txt");
}

#[test]
fn what_explain_says_is_what_the_plan_says() {
    let site = site();
    let plan = site.run(&format!("plan {} --json", site.manifest())).json();
    for name in USERS.iter().filter(|name| !["deleted", "not.tickd"].contains(name)) {
        let own = explain(&site, &upn(name), &["--json"]).exits(0).json();
        let decision = own["manifests"][0]["decision"].clone();
        let is_it = |one: &&Value| one["subject"]["name"] == own["subject"]["name"];
        let list = |key: &str| plan[key].as_array().expect("a list").iter().find(is_it).cloned();
        let said = match (list("changes"), list("blocked")) {
            (Some(change), _) => change["action"].clone(),
            (None, Some(blocked)) => {
                assert_eq!(decision["why"], blocked["reason"], "{name}");
                assert_eq!(decision["next_step"], blocked["next_step"], "{name}");
                "blocked".into()
            }
            (None, None) => "nothing".into(),
        };
        match said.as_str().expect("a word") {
            "nothing" => {
                let words = ["in_sync", "covered", "undecided", "not_declared"];
                assert!(
                    words.contains(&decision["decision"].as_str().expect("a word")),
                    "{name}: {decision}"
                );
            }
            word => assert_eq!(decision["decision"], word, "{name}"),
        }
    }
    for name in GROUPS.iter().filter(|name| **name != "E5 Twins") {
        let own = explain(&site, name, &["--json"]).exits(0).json();
        let is_it = |one: &&Value| one["subject"]["name"] == **name;
        let planned = plan["changes"].as_array().expect("a list").iter().find(is_it).cloned();
        let change = own["manifests"][0]["change"].clone();
        assert_eq!(change, planned.unwrap_or(Value::Null), "{name}");
    }
}

/// The last question whose answer matters is the last one.
#[test]
fn a_question_costs_few_requests() {
    let tenant = std::fs::read_to_string(repository(TENANT)).expect("a tenant");
    let (_, tenant) = tenant.split_once("now:").expect("the head of the file");
    let costs = |subject: &str, most: u64| {
        let ends = |request: u64| {
            let site = site();
            let fault = format!("faults: [{{request: {request}, answer: 403}}]\n");
            let head = "tenant: {id: c0450000-0000-4000-8000-000000000001, domain: contoso.onmicrosoft.com, domains: \
                        [contoso.com]}\n";
            let tenant = site.beside("tenant.yaml", &format!("{head}{fault}now:{tenant}"));
            let state = site.state();
            let state = state.to_str().expect("UTF-8");
            let args = ["explain", subject, MANIFEST, "--sandbox", &tenant, "--state", state];
            Ran::of(&mut advaudit(&args)).code
        };
        assert_eq!((1..=most + 2).filter(|request| ends(*request) != Some(0)).max(), Some(most), "{subject}");
    };
    // Tenant, licenses, the user.
    costs("not.ticked@contoso.com", 3);
    // And its group, whether the group's name is the only one, the dates of the user.
    costs("covered@contoso.com", 6);
}

#[test]
fn who_cannot_be_found_or_is_meant_twice_exits_1_with_what_to_do() {
    let site = site();
    explain(&site, "not.tickd@contoso.com", &[]).exits(1).complains("did you mean `not.ticked@contoso.com`?");
    explain(&site, "E5 Twins", &[]).exits(1).complains("2 groups are called `E5 Twins`");
    explain(&site, "covered@contoso.com", &["--kind", "group"]).exits(1).complains("no group");
    explain(&site, "6e000000-0000-4000-8000-000000000001", &[]).exits(0).shows("Group E5 Legal");
    explain(&site, "both@contoso.com", &["--format", "markdown"]).exits(64);
}

#[test]
fn of_several_manifests_those_of_other_tenants_are_left_out() {
    let site = Site::new(
        &format!("users: [{{user: a@contoso.com, toggleIfEnabledBefore: {T}}}]\n"),
        "users: [{upn: a@contoso.com, licenses: [SPE_E5]}]\n",
    );
    let other =
        site.beside("other.yaml", "apiVersion: advaudit/v1\ntenant: fabrikam.com\nusers: [a@fabrikam.com]\n");
    site.run_words(&["explain", "a@contoso.com", site.manifest(), &other])
        .exits(0)
        .shows("~ toggle")
        .complains("for another tenant and left out");
    site.run_words(&["explain", "a@contoso.com", &other]).exits(1).complains("wrong-tenant");
}

#[test]
fn selectors_are_asked_about_the_one_user() {
    let manifest = format!(
        "users:\n  - {{filter: department eq 'Legal', toggleIfEnabledBefore: {T}}}\n  - {{membersOf: Watchlist, members: enabled}}\n"
    );
    let tenant = "groups: [{name: Watchlist, members: [b@contoso.com, c@contoso.com]}]\nusers:\n  - {upn: \
                  a@contoso.com, department: Legal, licenses: [SPE_E5]}\n  - {upn: b@contoso.com, licenses: \
                  [{license: SPE_E5, off: [M365_ADVANCED_AUDITING]}]}\n  - {upn: c@contoso.com, guest: true, licenses: \
                  [SPE_E5]}\n  - {upn: d@contoso.com, department: Sales, licenses: [SPE_E5]}\n";
    let site = Site::new(&manifest, tenant);
    explain(&site, "a@contoso.com", &[]).exits(0).shows("selects it").shows("~ toggle");
    explain(&site, "b@contoso.com", &[]).exits(0).shows("selects it").shows("+ enable");
    explain(&site, "c@contoso.com", &[])
        .exits(0)
        .shows("A guest")
        .shows("leaves it out: `members: enabled`")
        .shows("not declared");
    let ran = explain(&site, "d@contoso.com", &[]).exits(0).shows("no entry names or selects it");
    assert!(!ran.stdout.contains("selects it, toggle"), "{}", ran.told());
    assert!(site.writes().is_empty());
}
