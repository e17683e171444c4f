//! The digest covers the decision, and nothing that drifts between two readings of it.

use super::digest::sha256;
use super::*;

fn some() -> Tenant {
    let tenant = tenant().user("adele", &[on()]).user("megan", &[off()]);
    tenant.names("adele", Some(ASKED)).names("megan", None)
}

fn digest(tenant: &Tenant) -> String {
    sha256(&tenant.plan())
}

#[test]
fn the_order_of_the_manifest_is_no_part_of_it() {
    let mut turned = some();
    turned.declared.users.reverse();
    assert_eq!(digest(&turned), digest(&some()));
}

#[test]
fn graphs_order_of_a_groups_licenses_is_no_part_of_it() {
    let group = |licenses: &[(&str, bool)]| {
        digest(&tenant().group_with("Legal", licenses, &[]).names_group("Legal", None))
    };
    assert_eq!(group(&[(E5, false), (SECURITY, false)]), group(&[(SECURITY, false), (E5, false)]));
}

#[test]
fn other_service_plans_are_no_part_of_it() {
    let mut other = on();
    other.disabled.clear();
    assert_eq!(digest(&some().user("adele", &[other])), digest(&some()));
}

#[test]
fn time_and_names_are_no_part_of_it() {
    let later = plan(&some().desired(), &some().observed, &some().running, time("2026-11-23T00:00:00Z"));
    assert_eq!(sha256(&later), digest(&some()));
    let renamed = some().but("megan", |user| user.upn = "aaa@contoso.com".into());
    assert_eq!(digest(&renamed), digest(&some()));
}

#[test]
fn blocked_unknown_resumed_and_in_sync_are_no_part_of_it() {
    let more = some().user("ida", &[on()]).user("max", &[]).names("ida", None).names("max", None);
    let more = more.in_flight(uid("zoe"), "zoe", Phase::Off { at: time(NOW) });
    assert_eq!(digest(&more), digest(&some()));
}

#[test]
fn what_a_share_comes_to_is_no_part_of_it() {
    let mut hired = some();
    for number in 0..100 {
        hired = hired.user(&format!("new{number}"), &[on()]).names(&format!("new{number}"), None);
    }
    assert_ne!(hired.plan().limits[1].most, some().plan().limits[1].most);
    assert_eq!(digest(&hired), digest(&some()));
}

#[test]
fn an_expectation_is_part_of_it() {
    let beside = some().user("megan", &[off(), off_by("Legal")]);
    assert_ne!(digest(&beside), digest(&some()));
}

#[test]
fn a_limit_is_part_of_it() {
    let mut limited = some();
    limited.declared.limits.toggle = crate::model::Amount::Count(7);
    assert_ne!(digest(&limited), digest(&some()));
}

#[test]
fn an_action_a_step_and_a_subject_are_part_of_it() {
    let mut slower = some();
    slower.declared.toggle.wait = SignedDuration::from_mins(90);
    let one_more = some().user("ida", &[off()]).names("ida", None);
    let no_toggle = some().we_turned_on(uid("adele"), SINCE);
    let all = [digest(&some()), digest(&slower), digest(&one_more), digest(&no_toggle)];
    assert_eq!(BTreeSet::from(all).len(), 4);
}

#[test]
fn the_tenant_is_part_of_it() {
    let mut elsewhere = some();
    elsewhere.observed.tenant.id = TenantId(guid("fabrikam"));
    assert_ne!(digest(&elsewhere), digest(&some()));
}
