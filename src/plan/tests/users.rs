//! The table of declared users in DESIGN 5, row by row.

use super::*;

fn adele(assignments: &[Assignment]) -> Tenant {
    tenant().user("adele", assignments).names("adele", None)
}

fn adele_asked(assignments: &[Assignment]) -> Tenant {
    tenant().user("adele", assignments).names("adele", Some(ASKED))
}

#[test]
fn row_could_not_be_read_is_unknown_and_the_plan_is_incomplete() {
    let mut tenant = tenant().names("adele", None);
    tenant.observed.user_keys.insert(upn("adele"), Lookup::Unread("503".into()));
    assert_eq!(tenant.says("adele"), "unknown");
    assert!(!tenant.plan().is_complete());
}

#[test]
fn row_two_reads_disagree_is_unknown() {
    let mut tenant = adele_asked(&[on()]);
    let user = tenant.observed.users.remove(&uid("adele")).expect("she was there");
    tenant.observed.unread_users.insert(user.id, "two reads disagree whether it exists".into());
    let plan = tenant.plan();
    assert!(plan.changes.is_empty() && plan.unknown.len() == 1);
}

#[test]
fn row_does_not_exist_is_blocked_and_the_plan_is_complete() {
    let mut tenant = tenant().names("adele", None);
    tenant.observed.user_keys.insert(upn("adele"), Lookup::NotFound);
    assert_eq!(tenant.says("adele"), "not-found");
    assert!(tenant.plan().is_complete());
}

#[test]
fn row_name_moved_is_blocked() {
    let mut tenant = adele(&[off()]);
    tenant.running.names.insert(upn("adele"), uid("another"));
    assert_eq!(tenant.says("adele"), "name-moved");
    tenant.running.names.insert(upn("adele"), uid("adele"));
    assert_eq!(tenant.says("adele"), "enable");
}

#[test]
fn row_off_in_an_unfinished_toggle_is_resumed_when_due() {
    let phase = Phase::Waiting { off_at: time(NOW), due: time("2026-11-22T13:00:00Z") };
    let tenant = adele(&[off()]).in_flight(uid("adele"), &upn("adele"), phase);
    let plan = tenant.plan();
    assert_eq!(says(&plan, "adele"), "resume");
    assert_eq!(the_change(&plan).steps[0], change::Step::Wait(SignedDuration::from_mins(60)));
}

#[test]
fn row_off_with_a_date_and_no_record_is_resumed_an_hour_after_it_changed() {
    let tenant = adele_asked(&[changed(off(), "2026-11-22T11:30:00Z")]);
    let plan = tenant.plan();
    assert_eq!(says(&plan, "adele"), "resume");
    let own = the_change(&plan).resumes.as_ref().expect("an unfinished toggle");
    assert_eq!(own.due(), time("2026-11-22T12:30:01Z"), "Graph cuts its dates to seconds");
    assert!(!own.recorded && own.people == 1);
}

#[test]
fn row_off_with_a_date_long_ago_or_never_is_resumed_now() {
    for one in [off(), undated(off())] {
        let plan = adele_asked(&[one]).plan();
        assert_eq!(the_change(&plan).steps[0], change::Step::Wait(SignedDuration::ZERO));
    }
}

#[test]
fn row_holds_no_license_with_the_service_plan_is_blocked() {
    assert_eq!(adele(&[]).says("adele"), "no-license");
    assert_eq!(adele(&[holds(E3, AssignedBy::Direct, true)]).says("adele"), "no-license");
}

#[test]
fn row_off_and_the_license_is_suspended_is_blocked() {
    let tenant = adele(&[on()]).owns(E5, LicenseStatus::Suspended, "Success");
    assert_eq!(tenant.says("adele"), "license-not-usable");
    let tenant = adele(&[off()]).owns(E5, LicenseStatus::LockedOut, "Success");
    assert_eq!(tenant.says("adele"), "license-not-usable");
}

#[test]
fn row_off_and_the_service_plan_is_not_provisioned_is_blocked() {
    let tenant = adele(&[off()]).owns(E5, LicenseStatus::Enabled, "PendingActivation");
    assert_eq!(tenant.says("adele"), "not-provisioned");
}

#[test]
fn row_off_by_a_group_that_this_plan_turns_on_is_covered() {
    let tenant = adele(&[off_by("Legal")]).group("Legal", false, &["adele"]).names_group("Legal", None);
    assert_eq!(tenant.says("adele"), "covered by Legal");
    assert_eq!(tenant.says("Legal"), "enable");
}

#[test]
fn row_off_by_groups_is_blocked_and_names_them() {
    let tenant = adele(&[off_by("Legal")]).group("Legal", false, &["adele"]);
    let plan = tenant.plan();
    assert_eq!(says(&plan, "adele"), "off-by-group");
    assert!(plan.blocked[0].why.reason().contains("\"Legal\""), "{}", plan.blocked[0].why.reason());
}

#[test]
fn row_off_and_in_error_is_blocked_with_the_remedy() {
    let plan = adele(&[in_error(on())]).plan();
    assert_eq!(says(&plan, "adele"), "assignment-in-error");
    assert!(plan.blocked[0].why.reason().contains("CountViolation"));
    assert!(plan.blocked[0].why.next_step().contains("seats"));
}

#[test]
fn row_off_without_a_usage_location_is_blocked() {
    let tenant = adele(&[off()]).but("adele", |user| user.usage_location = None);
    assert_eq!(tenant.says("adele"), "no-usage-location");
}

#[test]
fn row_off_by_direct_assignments_is_enabled_on_each_of_them_in_one_call() {
    let plan = adele(&[off(), holds(SECURITY, AssignedBy::Direct, false), off_by("Legal")]).plan();
    let change = the_change(&plan);
    assert_eq!(change.action, Action::Enable);
    assert_eq!(change.edits.len(), 2);
    assert!(change.edits.iter().all(|edit| edit.after == [OTHER].into()), "no other service plan changes");
    assert_eq!(change.expect.len(), 3, "it rests on all of them");
}

#[test]
fn row_off_and_narrowed_to_a_license_is_enabled_on_that_one() {
    let both = [off(), holds(SECURITY, AssignedBy::Direct, false)];
    let plan = adele(&both).with_license("e5_security").plan();
    assert_eq!(the_change(&plan).edits.iter().map(|edit| edit.sku).collect::<Vec<_>>(), [sku(SECURITY)]);
    assert_eq!(adele(&[off()]).with_license(SECURITY).says("adele"), "no-license");
    assert!(has(&adele(&[off()]).with_license("SPE_E7").plan(), Code::UnknownLicense));
}

#[test]
fn row_due_and_protected_is_blocked() {
    assert_eq!(adele_asked(&[on()]).protects("adele").says("adele"), "protected");
}

#[test]
fn a_protected_user_who_is_off_is_enabled() {
    assert_eq!(adele(&[off()]).protects("adele").says("adele"), "enable");
}

#[test]
fn row_due_and_on_by_direct_assignments_only_is_toggled_on_all_of_them() {
    let plan = adele_asked(&[on(), holds(SECURITY, AssignedBy::Direct, true)]).plan();
    let change = the_change(&plan);
    assert_eq!((change.action, change.edits.len()), (Action::Toggle, 2));
    assert!(change.edits.iter().all(|edit| edit.before == edit.after));
    assert_eq!(going_off(change), ["adele"]);
}

#[test]
fn row_due_and_on_by_groups_with_an_equal_or_later_date_is_covered() {
    for date in [ASKED, SINCE] {
        let tenant = adele_asked(&[on_by("Legal")]).group("Legal", true, &["adele"]);
        assert_eq!(tenant.names_group("Legal", Some(date)).says("adele"), "covered by Legal");
    }
}

#[test]
fn row_due_and_on_by_a_group_is_blocked_and_names_it() {
    let by_group = || adele_asked(&[on_by("Legal")]).group("Legal", true, &["adele"]);
    assert_eq!(by_group().says("adele"), "on-by-group");
    assert_eq!(by_group().names_group("Legal", None).says("adele"), "on-by-group");
    assert_eq!(by_group().names_group("Legal", Some(BEFORE)).says("adele"), "on-by-group");
    let beside = adele_asked(&[on(), on_by("Legal")]).group("Legal", true, &["adele"]);
    assert_eq!(beside.names_group("Legal", Some(ASKED)).says("adele"), "on-by-group");
}

#[test]
fn row_due_and_on_by_two_groups_of_which_one_is_declared_is_blocked() {
    let tenant = adele_asked(&[on_by("Legal"), on_by("Sales")]).group("Legal", true, &["adele"]);
    let tenant = tenant.group("Sales", true, &["adele"]).names_group("Legal", Some(ASKED));
    assert_eq!(tenant.says("adele"), "on-by-group");
}

#[test]
fn on_directly_in_a_group_that_this_plan_turns_on_is_not_toggled_in_vain() {
    let member = adele_asked(&[on(), off_by("Legal")]).group("Legal", false, &["adele"]);
    assert_eq!(member.says("adele"), "toggle");
    assert_eq!(member.names_group("Legal", None).says("adele"), "on-by-group");
}

#[test]
fn a_tenant_without_any_license_with_the_service_plan_is_told_once() {
    let mut tenant = adele(&[]);
    assert!(!has(&tenant.plan(), Code::NoLicenseInTenant));
    tenant.observed.catalog = Catalog::default();
    assert!(has(&tenant.plan(), Code::NoLicenseInTenant));
}

#[test]
fn row_undecided_is_in_sync_with_a_finding() {
    let tenant = adele_asked(&[changed(on(), SINCE)]);
    assert_eq!(tenant.says("adele"), "in sync");
    assert!(has(&tenant.plan(), Code::Undecided));
}

#[test]
fn row_on_is_in_sync() {
    for one in [on(), on_by("Legal")] {
        assert_eq!(adele(&[one]).says("adele"), "in sync");
    }
}

#[test]
fn an_assignment_in_error_beside_one_that_gives_it_is_a_finding_and_no_block() {
    let tenant = adele(&[on(), in_error(on_by("Legal"))]);
    assert_eq!(tenant.says("adele"), "in sync");
    assert!(has(&tenant.plan(), Code::AssignmentInError));
}

#[test]
fn one_source_is_enough_to_be_on() {
    assert_eq!(adele(&[off(), on_by("Legal")]).says("adele"), "in sync");
    assert_eq!(adele(&[off(), holds(SECURITY, AssignedBy::Direct, true)]).says("adele"), "in sync");
}
