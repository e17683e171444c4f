//! Drift told apart: what the manifest asks for anew, what somebody changed in the tenant, and what no run
//! has settled yet.

use advaudit::model::{SERVICE_PLAN, SubjectId};
use advaudit::sandbox::{Deed, Tenant};
use serde_json::Value;

use super::common::site::{Site, T};

const TENANT: &str = "\
users:
  - {upn: a@contoso.com, licenses: [SPE_E5]}
  - {upn: b@contoso.com, licenses: [{license: SPE_E5, off: [M365_ADVANCED_AUDITING]}]}
  - {upn: c@contoso.com, licenses: [{license: SPE_E5, off: [M365_ADVANCED_AUDITING]}]}
  - m@contoso.com
groups:
  - {name: E5 Legal, licenses: [SPE_E5], members: [m@contoso.com]}
";

fn site(manifest: &str) -> Site {
    Site::new(manifest, TENANT)
}

fn plan(site: &Site) -> Value {
    site.run(&format!("plan {} --json", site.manifest())).json()
}

/// `b@contoso.com enable first_run`, for each change.
fn causes(site: &Site) -> Vec<String> {
    let word = |value: &Value| value.as_str().unwrap_or("none").to_owned();
    let plan = plan(site);
    let changes = plan["changes"].as_array().expect("a list");
    let said = |one: &Value| {
        format!("{} {} {}", word(&one["subject"]["name"]), word(&one["action"]), word(&one["cause"]))
    };
    changes.iter().map(said).collect()
}

/// Whom a plan says to have been turned off by somebody else.
fn alarms(site: &Site) -> Vec<String> {
    let plan = plan(site);
    let findings = plan["findings"].as_array().expect("a list").iter();
    let alarms = findings.filter(|one| one["code"] == "turned-off-by-others");
    alarms
        .map(|one| {
            assert_eq!(one["severity"], "error");
            assert!(
                one["place"]["line"].is_u64()
                    && one["help"].as_str().is_some_and(|help| help.contains("T1562.008"))
            );
            one["message"].as_str().expect("a text").split(' ').next().expect("a name").to_owned()
        })
        .collect()
}

fn turns_off(site: &Site, upn: &str) {
    site.somebody(|tenant: &Tenant| Deed::TurnOff {
        of: SubjectId::User(tenant.user_named(upn).expect("a user")),
        license: tenant.license_named("SPE_E5").expect("owned"),
        plan: SERVICE_PLAN,
    });
}

#[test]
fn before_the_first_run_there_is_nothing_to_compare_with() {
    let site = site("users: [a@contoso.com, b@contoso.com]\n");
    assert_eq!(causes(&site), ["b@contoso.com enable first_run"]);
    assert!(alarms(&site).is_empty());
}

#[test]
fn what_the_manifest_asks_for_anew_is_its_own_doing() {
    let site = site("users: [a@contoso.com, b@contoso.com]\n");
    site.apply().exits(0);
    site.later(60);
    site.declare(&format!(
        "users: [{{user: a@contoso.com, toggleIfEnabledBefore: {T}}}, b@contoso.com, c@contoso.com]\n"
    ));
    assert_eq!(
        causes(&site),
        ["c@contoso.com enable manifest_changed", "a@contoso.com toggle manifest_changed"]
    );
    assert!(alarms(&site).is_empty());
    site.plan().shows("cause: the manifest changed since it was last carried out");
}

#[test]
fn whoever_was_on_and_is_off_was_turned_off_by_somebody() {
    let site = site("users: [a@contoso.com, b@contoso.com]\n");
    site.apply().exits(0);
    site.later(60);
    // One whom we turned on, and one who was on already.
    turns_off(&site, "b@contoso.com");
    turns_off(&site, "a@contoso.com");
    assert_eq!(causes(&site), ["a@contoso.com enable tenant_changed", "b@contoso.com enable tenant_changed"]);
    assert_eq!(alarms(&site), ["a@contoso.com", "b@contoso.com"]);
    site.plan().shows("error[turned-off-by-others]: a@contoso.com was turned off by somebody else");
    // Every format tells it as what it may be.
    let told = |format: &str| site.run(&format!("plan {} --format {format}", site.manifest())).exits(0);
    told("sarif").shows("\"external/mitre/T1562.008\"").shows("\"security-severity\": \"8.1\"");
    told("markdown").shows("> [!CAUTION]\n> `turned-off-by-others` ").shows(" tenant changed |");
    told("junit").shows("type=\"turned-off-by-others\"").shows("<failure");
    // It is turned on again all the same, and said by whoever does it.
    let healed = site.run(&format!("heal {}", site.manifest())).exits(0).shows("2 enabled");
    healed.complains("error[turned-off-by-others]");
}

#[test]
fn a_group_that_was_on_and_is_off() {
    let site = site("groups: [E5 Legal]\n");
    site.apply().exits(0);
    site.later(60);
    site.somebody(|tenant: &Tenant| Deed::TurnOff {
        of: SubjectId::Group(tenant.group_named("E5 Legal").expect("a group")),
        license: tenant.license_named("SPE_E5").expect("owned"),
        plan: SERVICE_PLAN,
    });
    site.later(60);
    assert_eq!(causes(&site), ["E5 Legal enable tenant_changed"]);
    assert_eq!(alarms(&site).len(), 1);
}

/// Whoever is hired with the service plan off was never on.
#[test]
fn somebody_whom_a_selector_picks_up_is_no_alarm() {
    let site = site("users: [{all: licensed}]\n");
    site.apply().exits(0);
    site.later(60);
    turns_off(&site, "a@contoso.com");
    assert_eq!(causes(&site), ["a@contoso.com enable tenant_changed"]);
    assert!(alarms(&site).is_empty(), "a selector may have picked it up since");
    turns_off(&site, "b@contoso.com");
    assert_eq!(alarms(&site), ["b@contoso.com"], "the journal has that it was on");
}

/// Whoever was blocked or refused when it was last carried out was not on then.
#[test]
fn whoever_was_never_on_is_no_alarm() {
    let tenant = "users:\n  - bare@contoso.com\n  - {upn: refused@contoso.com, restricted: true, licenses: [{license: \
                  SPE_E5, off: [M365_ADVANCED_AUDITING]}]}\ngroups:\n  - {name: E5 Legal}\n";
    let manifest = "users: [bare@contoso.com, refused@contoso.com]\ngroups: [E5 Legal]\n";
    let site = Site::new(manifest, tenant);
    site.apply().exits(5);
    site.later(60);
    for group in [true, false] {
        site.somebody(|tenant: &Tenant| Deed::Assign {
            to: match group {
                true => SubjectId::Group(tenant.group_named("E5 Legal").expect("a group")),
                false => SubjectId::User(tenant.user_named("bare@contoso.com").expect("a user")),
            },
            license: tenant.license_named("SPE_E5").expect("owned"),
            off: [SERVICE_PLAN].into(),
        });
    }
    site.later(60);
    assert_eq!(causes(&site).len(), 3);
    assert_eq!(alarms(&site), Vec::<String>::new());
}

/// A run that a limit stopped, or that was meant for a part only, has settled nothing.
#[test]
fn a_run_that_settled_nothing_is_nothing_to_compare_with() {
    let site = site("limits: {enable: 0}\nusers: [b@contoso.com, c@contoso.com]\n");
    site.apply().exits(3);
    site.later(60);
    site.declare("users: [b@contoso.com, c@contoso.com]\n");
    site.run(&format!("apply {} --auto-approve --only b@contoso.com", site.manifest())).exits(0);
    assert_eq!(causes(&site), ["c@contoso.com enable first_run"]);
}

/// Somebody in mid-toggle is off because of us.
#[test]
fn who_is_off_because_of_us_is_no_alarm() {
    let site = site(&format!("users: [{{user: a@contoso.com, toggleIfEnabledBefore: {T}}}]\n"));
    site.apply_and_leave().exits(4);
    assert_eq!(causes(&site), ["a@contoso.com resume none"]);
    assert!(alarms(&site).is_empty());
    site.later(61);
    assert!(alarms(&site).is_empty());
}
