//! A plan that was approved is what runs: saved as a file, or known by its digest; expired, altered, for
//! somebody else, half carried out, or overtaken by other people.

use std::path::PathBuf;

use advaudit::model::{SERVICE_PLAN, SubjectId};
use advaudit::sandbox::{Deed, Tenant};
use serde_json::Value;

use super::common::Ran;
use super::common::site::{Site, T};

const TENANT: &str = "\
users:
  - {upn: on@contoso.com, licenses: [SPE_E5]}
  - {upn: on.too@contoso.com, licenses: [SPE_E5]}
  - {upn: off@contoso.com, licenses: [{license: SPE_E5, off: [M365_ADVANCED_AUDITING]}]}
  - {upn: off.too@contoso.com, licenses: [{license: SPE_E5, off: [M365_ADVANCED_AUDITING]}]}
";

/// Two toggles and two enables.
fn site() -> Site {
    let toggle = |name| format!("  - {{user: {name}@contoso.com, toggleIfEnabledBefore: {T}}}\n");
    let toggles = format!("{}{}", toggle("on"), toggle("on.too"));
    Site::new(&format!("users:\n{toggles}  - off@contoso.com\n  - off.too@contoso.com\n"), TENANT)
}

trait Saving {
    fn file(&self) -> PathBuf;
    fn save(&self, options: &str) -> Value;
    fn apply_saved(&self, options: &str) -> Ran;
    fn apply_digest(&self, digest: &str, options: &str) -> Ran;
    fn turns(&self, upn: &str, on: bool);
}

impl Saving for Site {
    fn file(&self) -> PathBuf {
        self.state().with_file_name("plan.json")
    }

    /// Saves a plan, and returns it.
    #[track_caller]
    fn save(&self, options: &str) -> Value {
        let (manifest, file) = (self.manifest(), self.file());
        let ran = self.run(format!("plan {manifest} --out {} {options}", file.display()).trim_end());
        ran.exits(0).complains("Saved to");
        serde_json::from_str(&std::fs::read_to_string(file).expect("saved")).expect("JSON")
    }

    fn apply_saved(&self, options: &str) -> Ran {
        self.run(format!("apply --plan {} {options}", self.file().display()).trim_end())
    }

    fn apply_digest(&self, digest: &str, options: &str) -> Ran {
        self.run(format!("apply {} --plan-sha256 {digest} {options}", self.manifest()).trim_end())
    }

    /// Somebody else turns the service plan on or off.
    fn turns(&self, upn: &str, on: bool) {
        self.somebody(|tenant: &Tenant| {
            let of = SubjectId::User(tenant.user_named(upn).expect("a user"));
            let license = tenant.license_named("SPE_E5").expect("owned");
            match on {
                true => Deed::TurnOn { of, license, plan: SERVICE_PLAN },
                false => Deed::TurnOff { of, license, plan: SERVICE_PLAN },
            }
        });
    }
}

fn sha256(plan: &Value) -> &str {
    plan["sha256"].as_str().expect("a digest")
}

fn outcomes(ran: &Ran) -> Vec<String> {
    let run = ran.json();
    let subjects = run["subjects"].as_array().expect("a list");
    let word = |one: &Value, key: &str| one[key].as_str().expect("a text").to_owned();
    let mut all: Vec<String> = subjects
        .iter()
        .map(|one| format!("{} {}", word(&one["subject"], "name"), word(one, "outcome")))
        .collect();
    all.sort();
    all
}

#[test]
fn a_saved_plan_is_shown_and_carried_out_as_it_was_without_being_asked_about() {
    let site = site();
    let plan = site.save("");
    let printed = site.plan().stdout;
    let shown = site.run(&format!("show {}", site.file().display())).exits(0);
    assert!(shown.stdout.starts_with(&printed), "{}", shown.told());
    assert!(shown.stdout.contains(&format!("Digest {}", sha256(&plan))), "{}", shown.told());
    let json = site.run(&format!("show {} --json", site.file().display())).json();
    assert_eq!(json, plan, "the same value in every format");
    site.run(&format!("show {} --detailed-exitcode", site.file().display())).exits(2);
    assert!(site.writes().is_empty(), "looking cannot change");

    let ran = site.apply_saved("--json").exits(0);
    assert_eq!(ran.json()["plan_sha256"], plan["sha256"]);
    assert_eq!(ran.json()["summary"]["toggled"], 2);
    assert_eq!(ran.json()["summary"]["enabled"], 2);
    site.plan().exits(0).shows("0 to enable, 0 to toggle, 0 to resume, 4 in sync");
}

#[test]
fn applying_a_plan_again_is_harmless() {
    let site = site();
    site.save("");
    site.apply_saved("").exits(0);
    let writes = site.writes().len();
    for _ in 0..2 {
        site.apply_saved("").exits(0).complains("4 of the plan's 4 changes are done already");
    }
    assert_eq!(site.writes().len(), writes, "nobody is toggled twice");
}

#[test]
fn a_plan_goes_on_where_it_was_left() {
    let site = site();
    site.save("");
    let ran = site.apply_saved("--no-wait --json").exits(4);
    assert!(ran.json()["resume_after"].is_string());
    let early = site.apply_saved("--no-wait --json").exits(4);
    assert_eq!(early.json()["summary"]["pending"], 2, "{}", early.told());
    site.later(61);
    let last = site.apply_saved("--no-wait --json").exits(0);
    assert_eq!(outcomes(&last), ["on.too@contoso.com resumed", "on@contoso.com resumed"]);
    assert_eq!(site.writes().len(), 6, "two enables, two toggles");
}

/// What a file says may be a month old; what the journal says of it counts.
#[test]
fn somebody_whom_another_run_toggled_since_the_plan_is_not_toggled_again() {
    let site = site();
    site.save("");
    site.apply().exits(0);
    let writes = site.writes().len();
    site.apply_saved("").exits(0);
    assert_eq!(site.writes().len(), writes);
}

#[test]
fn a_subject_that_changed_is_skipped_and_the_others_go_on() {
    let site = site();
    // There is a journal, so an off without a record in it is somebody else's.
    site.run(&format!("apply {} --auto-approve --only off.too@contoso.com", site.manifest())).exits(0);
    site.save("");
    site.turns("off@contoso.com", true);
    site.turns("on@contoso.com", false);
    let ran = site.apply_saved("--json").exits(5);
    let expected = ["off@contoso.com skipped", "on.too@contoso.com toggled", "on@contoso.com skipped"];
    assert_eq!(outcomes(&ran), expected);
    assert!(ran.stdout.contains("its licenses changed since the plan was made"), "{}", ran.told());
}

#[test]
fn other_service_plans_may_change_meanwhile() {
    let site = site();
    site.save("");
    site.somebody(|tenant| {
        let license = tenant.license_named("SPE_E5").expect("owned");
        let plan = tenant.plan_named(license, "YAMMER_ENTERPRISE").expect("a service plan");
        let of = SubjectId::User(tenant.user_named("off@contoso.com").expect("a user"));
        Deed::TurnOff { of, license, plan }
    });
    let ran = site.apply_saved("--json").exits(0);
    let run = ran.json();
    let off = run["subjects"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|one| one["subject"]["name"] == "off@contoso.com");
    assert_eq!(off.expect("it is there")["refreshed"], true);
}

/// Every way in which a plan is not to be started: nothing new is, and who is due is turned on all the same.
#[test]
fn code_6_altered_expired_for_another_tenant_or_not_what_was_approved() {
    let altered = |site: &Site| {
        let text = std::fs::read_to_string(site.file()).expect("saved");
        std::fs::write(site.file(), text.replace("\"seconds\":3600", "\"seconds\":60")).expect("written");
    };
    let signed_anew = |site: &Site| {
        let text = std::fs::read_to_string(site.file()).expect("saved");
        let mut plan: Value = serde_json::from_str(&text.replace("3600", "60")).expect("JSON");
        plan.as_object_mut().expect("a plan").remove("file_sha256");
        plan["file_sha256"] = Value::from(advaudit::plan::digest::of(&plan));
        std::fs::write(site.file(), plan.to_string()).expect("written");
    };
    let no_plan = |site: &Site| _ = std::fs::copy(site.manifest(), site.file()).expect("copied");
    let elsewhere = |site: &Site| {
        let tenant = std::fs::read_to_string(site.tenant()).expect("a tenant");
        let other =
            tenant.replace("c0450000-0000-4000-8000-000000000001", "c0450000-0000-4000-8000-000000000002");
        std::fs::write(site.tenant(), other).expect("written");
    };
    type Spoil<'a> = &'a dyn Fn(&Site);
    let cases: [(&str, Spoil, &str, &str); 6] = [
        ("", &altered, "", "file_sha256 does not fit"),
        ("", &signed_anew, "", ": sha256 does not fit"),
        ("", &no_plan, "", "it is no plan of advaudit"),
        ("", &elsewhere, "", "the tenant that answers is"),
        ("--expires-in 60m", &|site: &Site| site.later(61), "", "the plan expired at"),
        (
            "",
            &|_| {},
            "--plan-sha256 0000000000000000000000000000000000000000000000000000000000000000",
            "was approved",
        ),
    ];
    for (saving, spoil, option, why) in cases {
        let site = site();
        site.save(saving);
        spoil(&site);
        let ran = site.apply_saved(option).exits(6).complains(why).complains("Nothing new was started");
        assert!(site.writes().is_empty(), "{}", ran.told());
    }
}

#[test]
fn code_1_a_plan_that_is_not_there() {
    let site = site();
    site.run("show nowhere.json").exits(1).complains("cannot read nowhere.json");
    site.run("apply --plan nowhere.json").exits(1).complains("cannot read nowhere.json");
}

#[test]
fn whoever_is_due_is_turned_on_before_an_expired_plan_is_refused() {
    let site = site();
    site.save("--expires-in 30m");
    site.apply_saved("--no-wait").exits(4);
    site.later(61);
    let ran = site.apply_saved("--json").exits(6).complains("expired");
    assert_eq!(outcomes(&ran), ["on.too@contoso.com resumed", "on@contoso.com resumed"]);
    assert_eq!(ran.json()["exit_code"], 6);
}

#[test]
fn whoever_is_off_is_waited_for_though_the_plan_is_refused() {
    let site = site();
    site.save("--expires-in 30m");
    site.apply_saved("--no-wait").exits(4);
    site.later(31);
    site.apply_saved("").exits(6).shows("2 resumed");
    assert!(site.people().is_on("on@contoso.com") && site.people().is_on("on.too@contoso.com"));
}

#[test]
fn a_digest_is_enough_and_nothing_travels_between_jobs() {
    let site = site();
    let plan = site.plan_json();
    let digest = sha256(&plan);
    let ran = site.apply_digest(digest, "--no-wait --json").exits(4);
    assert_eq!(ran.json()["plan_sha256"], digest);
    // A fresh plan has neither those who are on by now nor those who are off because of us.
    assert_ne!(sha256(&site.plan_json()), digest);
    site.later(61);
    let last = site.apply_digest(digest, "--json").exits(0);
    assert_eq!(outcomes(&last), ["on.too@contoso.com resumed", "on@contoso.com resumed"]);
    site.apply_digest(digest, "").exits(0);
    assert_eq!(site.writes().len(), 6);
}

#[test]
fn a_digest_that_differs_starts_nothing_and_shows_the_plan() {
    let site = site();
    let plan = site.plan_json();
    site.turns("off@contoso.com", true);
    let ran = site.apply_digest(sha256(&plan), "").exits(6).shows("1 to enable, 2 to toggle");
    ran.complains("look at the plan, and approve its digest");
    assert_eq!(site.writes().len(), 0);
}

/// What is left of an approved plan must be what was approved of it.
#[test]
fn a_digest_is_not_gone_on_with_when_the_rest_has_changed() {
    let site = site();
    site.declare(&format!(
        "toggle: {{maxOff: 1}}\nusers:\n  - {{user: on@contoso.com, toggleIfEnabledBefore: {T}}}\n  - {{user: \
         on.too@contoso.com, toggleIfEnabledBefore: {T}}}\n"
    ));
    let plan = site.plan_json();
    site.apply_digest(sha256(&plan), "--no-wait").exits(4);
    let waiting = if site.people().is_on("on@contoso.com") { "on@contoso.com" } else { "on.too@contoso.com" };
    site.turns(waiting, false);
    site.later(61);
    let ran = site.apply_digest(sha256(&plan), "--json").exits(6);
    // Also whoever was turned off by somebody else is turned on again: that starts nothing.
    assert_eq!(ran.json()["summary"]["resumed"], 2, "{}", ran.told());
    assert_eq!(ran.json()["summary"]["toggled"], 0);
}

/// The same decision can be made in spring and in autumn, and what was done of it in spring is no part of
/// it in autumn.
#[test]
fn what_was_done_of_the_same_plan_long_ago_counts_no_more() {
    let site = site();
    site.declare("users: [off@contoso.com, off.too@contoso.com]\n");
    let plan = site.plan_json();
    site.apply_digest(sha256(&plan), "").exits(0);
    site.later(60 * 24 * 90);
    site.turns("off@contoso.com", false);
    assert_ne!(sha256(&site.plan_json()), sha256(&plan));
    site.apply_digest(sha256(&plan), "").exits(6);
    site.turns("off.too@contoso.com", false);
    assert_eq!(sha256(&site.plan_json()), sha256(&plan));
    site.save("");
    site.apply_saved("").exits(0).shows("2 enabled");
}

#[test]
fn an_allowance_is_part_of_the_digest_and_stands_in_the_journal() {
    let site = site();
    site.declare(&format!(
        "limits: {{toggle: 0}}\nusers: [{{user: on@contoso.com, toggleIfEnabledBefore: {T}}}]\n"
    ));
    let refused = site.run(&format!("apply {} --auto-approve", site.manifest())).exits(3);
    let flag = "--allow toggle=1 --reason";
    assert!(
        refused.stdout.contains("limits.toggle allows 0") && refused.stdout.contains(flag),
        "{}",
        refused.told()
    );
    site.save("");
    site.apply_saved("").exits(3);

    let plan = site.plan_json();
    let allowed = site.save("--allow toggle=1 --reason INC-4711");
    assert_ne!(sha256(&plan), sha256(&allowed));
    assert_eq!(allowed["limits"][1]["allowed"], "INC-4711");
    site.apply_digest(sha256(&allowed), "").exits(6);
    site.apply_digest(sha256(&allowed), "--allow toggle=1 --reason INC-4711 --no-wait").exits(4);
    let kept = site.journal().into_iter().filter_map(|record| record["entry"].get("allowed").cloned());
    let kept: Vec<Value> = kept.collect();
    assert_eq!(kept, [serde_json::json!([{"limit": "toggle", "written": "1", "reason": "INC-4711"}])]);
}

#[test]
fn a_saved_plan_of_a_part_or_of_a_lost_state_is_carried_out() {
    let site = site();
    site.save("--only off@contoso.com");
    let ran = site.apply_saved("--json").exits(0);
    assert_eq!(outcomes(&ran), ["off@contoso.com enabled"]);

    // Off without a record of ours: the plan has since when, and when it is due.
    let lost = site_with_somebody_left_off();
    let plan = lost.save("");
    assert_eq!(plan["summary"]["resume"], 1);
    let ran = lost.apply_saved("--json").exits(0);
    assert_eq!(outcomes(&ran), ["on@contoso.com resumed"]);
    assert!(lost.people().is_on("on@contoso.com"));
}

/// The journal is lost, or another machine has one of its own: the tenant's dates say who was toggled.
#[test]
fn somebody_who_was_toggled_since_the_plan_by_another_hand_is_not_toggled_again() {
    let site = site();
    site.save("");
    site.apply_saved("").exits(0);
    std::fs::remove_dir_all(site.journal_folder()).expect("lost");
    site.later(5);
    let writes = site.writes().len();
    let ran = site.apply_saved("--json").exits(5).complains("2 of the plan's 4 changes are done already");
    assert_eq!(outcomes(&ran), ["off.too@contoso.com skipped", "off@contoso.com skipped"]);
    assert_eq!(site.writes().len(), writes);
}

/// P2: also by a plan file, and without any memory.
#[test]
fn whoever_is_off_without_a_record_of_ours_is_turned_on() {
    let site = site();
    site.declare(&format!("users: [{{user: on@contoso.com, toggleIfEnabledBefore: {T}}}]\n"));
    site.save("");
    site.apply_saved("--no-wait").exits(4);
    std::fs::remove_dir_all(site.journal_folder()).expect("lost");
    let early = site.apply_saved("--no-wait --json").exits(4);
    assert!(early.json()["resume_after"].is_string(), "{}", early.told());
    site.later(62);
    let ran = site.apply_saved("--json").exits(0);
    assert_eq!(outcomes(&ran), ["on@contoso.com resumed"]);
    assert!(site.people().is_on("on@contoso.com"));
}

/// P7: a group may have grown since, and only so much of that is no surprise.
#[test]
fn a_group_that_has_grown_since_the_plan_is_skipped() {
    let people = |count: usize| {
        let names: Vec<String> = (0..count).map(|number| format!("m{number}@contoso.com")).collect();
        let users: String = names.iter().map(|name| format!("  - {name}\n")).collect();
        let members = names.join(", ");
        format!("users:\n{users}groups:\n  - {{name: E5 Legal, licenses: [SPE_E5], members: [{members}]}}\n")
    };
    let manifest = format!("groups: [{{group: E5 Legal, toggleIfEnabledBefore: {T}}}]\n");
    for (before, after, code) in [(5, 6, 5), (20, 22, 0), (20, 23, 5)] {
        let site = Site::new(&manifest, &people(before));
        site.save("");
        let grown = Site::new(&manifest, &people(after));
        std::fs::copy(site.file(), grown.file()).expect("copied");
        let ran = grown.apply_saved("--json").exits(code);
        if code == 5 {
            ran.shows(&format!("it would turn off {after} people, and the plan says {before}"));
            assert!(grown.writes().is_empty());
        } else {
            assert!(grown.journal().iter().any(|record| record["entry"]["people"] == after));
        }
    }
}

/// A wrong digest in between is no plan that is gone on with.
#[test]
fn a_run_that_starts_nothing_does_not_end_what_was_approved() {
    let site = site();
    let plan = site.plan_json();
    site.apply_digest(sha256(&plan), "--no-wait").exits(4);
    site.apply_digest(&"a".repeat(64), "--no-wait").exits(6);
    site.later(61);
    site.apply_digest(sha256(&plan), "").exits(0);
}

/// Whoever can write the file can sign it: what no plan of ours says is refused all the same.
#[test]
fn code_6_a_plan_that_contradicts_itself() {
    let forged = |change: &dyn Fn(&mut Value)| {
        let site = site();
        let mut plan = site.save("");
        change(&mut plan);
        plan.as_object_mut().expect("a plan").remove("file_sha256");
        plan["file_sha256"] = Value::from(advaudit::plan::digest::of(&plan));
        std::fs::write(site.file(), plan.to_string()).expect("written");
        let ran = site.apply_saved("--no-wait").exits(6);
        assert!(site.writes().is_empty(), "{}", ran.told());
    };
    let toggle = |plan: &Value| {
        let all = plan["changes"].as_array().expect("a list");
        all.iter().position(|change| change["action"] == "toggle").expect("a toggle")
    };
    forged(&|plan| plan["summary"]["toggle"] = 0.into());
    forged(&|plan| plan["limits"] = serde_json::json!([]));
    forged(&|plan| plan["limits"][1]["actual"] = 1.into());
    forged(&|plan| plan["service_plan"]["name"] = "EXCHANGE_S_ENTERPRISE".into());
    forged(&|plan| plan["created_at"] = "2026-11-22T10:30:00Z".into());
    forged(&|plan| {
        let at = toggle(plan);
        plan["changes"][at]["people"] = serde_json::json!([]);
    });
    forged(&|plan| {
        let at = toggle(plan);
        plan["changes"][at]["subject"]["name"] = "a\u{1b}[2J".into();
    });
    for seconds in [i64::MAX, 31 * 24 * 3600] {
        forged(&|plan| {
            let at = toggle(plan);
            plan["changes"][at]["steps"][2]["seconds"] = seconds.into();
        });
    }
}

fn site_with_somebody_left_off() -> Site {
    let site = Site::new(&format!("users: [{{user: on@contoso.com, toggleIfEnabledBefore: {T}}}]\n"), TENANT);
    site.apply_and_leave().exits(4);
    std::fs::remove_dir_all(site.journal_folder()).expect("lost");
    site
}

#[test]
fn a_plan_is_not_saved_over_its_manifest() {
    let site = site();
    let before = std::fs::read_to_string(site.manifest()).expect("a manifest");
    let ran = site.run(&format!("plan {0} --out {0}", site.manifest())).exits(64);
    ran.complains("is the manifest itself");
    assert_eq!(std::fs::read_to_string(site.manifest()).expect("still there"), before);
    site.run(&format!("plan {} --out {}", site.manifest(), site.tenant()))
        .exits(64)
        .complains("tenant itself");
    #[cfg(unix)]
    {
        site.run(&format!("plan {} --out /dev/stdin", site.manifest())).exits(64).complains("no file");
        let (link, led_to) = (site.file().with_extension("link"), site.file().with_extension("real"));
        std::fs::write(&led_to, "").expect("written");
        std::os::unix::fs::symlink(&led_to, &link).expect("a link");
        site.run(&format!("plan {} --out {}", site.manifest(), link.display())).exits(0);
        assert!(link.is_symlink() && std::fs::read_to_string(&led_to).expect("written").contains("sha256"));
    }
    let nowhere = site.state().join("nowhere/plan.json");
    let ran = site.run(&format!("plan {} --out {}", site.manifest(), nowhere.display())).exits(1);
    ran.shows("2 to enable").complains("cannot write");
}

trait Planning {
    fn plan_json(&self) -> Value;
}

impl Planning for Site {
    fn plan_json(&self) -> Value {
        self.run(&format!("plan {} --json", self.manifest())).json()
    }
}
