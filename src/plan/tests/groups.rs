//! The table of declared groups in DESIGN 5, row by row.

use super::*;

fn legal(on: bool) -> Tenant {
    let one = if on { on_by("Legal") } else { off_by("Legal") };
    tenant().user("adele", std::slice::from_ref(&one)).user("megan", &[one]).group(
        "Legal",
        on,
        &["adele", "megan"],
    )
}

fn due() -> Tenant {
    legal(true).names_group("Legal", Some(ASKED))
}

#[test]
fn row_could_not_be_read_is_unknown() {
    let mut tenant = tenant().names_group("Legal", None);
    tenant.observed.group_keys.insert("legal".into(), Lookup::Unread("503".into()));
    assert_eq!(tenant.says("Legal"), "unknown");
}

#[test]
fn row_members_that_decide_and_could_not_be_read_make_it_unknown() {
    let mut without_list = due();
    without_list.observed.groups.get_mut(&gid("Legal")).expect("it is there").members =
        Members::Unread("503".into());
    assert_eq!(without_list.says("Legal"), "unknown");
    let mut without_megan = due();
    without_megan.observed.users.remove(&uid("megan"));
    assert_eq!(without_megan.says("Legal"), "unknown");
}

#[test]
fn row_does_not_exist_or_is_ambiguous_is_blocked_with_the_ids() {
    let mut tenant = tenant().names_group("Legal", None);
    tenant.observed.group_keys.insert("legal".into(), Lookup::NotFound);
    assert_eq!(tenant.says("Legal"), "not-found");
    let two = Lookup::Ambiguous(vec![gid("one"), gid("two")]);
    tenant.observed.group_keys.insert("legal".into(), two);
    assert_eq!(tenant.says("Legal"), "ambiguous");
    assert!(tenant.plan().blocked[0].why.reason().contains(&gid("two").to_string()));
}

#[test]
fn row_off_in_an_unfinished_toggle_is_resumed_and_covers_its_members() {
    let phase = Phase::Off { at: time(NOW) };
    let tenant = legal(false).names_group("Legal", None).names("adele", None);
    let tenant = tenant.in_flight(gid("Legal"), "Legal", phase);
    assert_eq!(tenant.says("Legal"), "resume");
    assert_eq!(tenant.says("adele"), "covered by Legal");
}

#[test]
fn row_off_with_a_date_and_no_record_is_resumed_through_the_gate() {
    let tenant = legal(false).names_group("Legal", Some(ASKED));
    let plan = tenant.plan();
    let own = the_change(&plan).resumes.as_ref().expect("an unfinished toggle");
    let newest = time(BEFORE) + SignedDuration::from_secs(1); // Graph cuts its dates to seconds
    assert_eq!(own.phase, Phase::Off { at: newest }, "off since its members' newest change");
    assert_eq!((own.people, own.recorded), (2, false));
    assert_eq!(own.gate, SignedDuration::from_hours(2));
}

#[test]
fn an_off_without_record_that_has_not_reached_every_member_is_as_young_as_the_look_at_it() {
    let mut tenant = legal(false).names_group("Legal", Some(ASKED));
    tenant = tenant.user("megan", &[on_by("Legal")]);
    let plan = tenant.plan();
    let own = the_change(&plan).resumes.as_ref().expect("an unfinished toggle");
    assert_eq!(own.phase, Phase::Off { at: time(NOW) }, "the dates of members are those of the on before");
}

#[test]
fn row_off_with_a_date_and_without_members_is_due_now() {
    let tenant = tenant().group("Legal", false, &[]).names_group("Legal", Some(ASKED));
    let plan = tenant.plan();
    assert_eq!(the_change(&plan).resumes.as_ref().map(InFlight::due), Some(time(NOW)));
}

#[test]
fn row_carries_no_license_with_the_service_plan_is_blocked() {
    let tenant = tenant().group_with("Legal", &[(E3, true)], &[]).names_group("Legal", None);
    assert_eq!(tenant.says("Legal"), "no-license");
}

#[test]
fn row_off_is_enabled_on_all_its_licenses_that_disable_it() {
    let carries = [(E5, false), (SECURITY, false), (E3, true)];
    let plan = tenant().group_with("Legal", &carries, &[]).names_group("Legal", None).plan();
    let change = the_change(&plan);
    assert_eq!((change.action, change.edits.len()), (Action::Enable, 2));
}

#[test]
fn off_because_of_the_tenant_is_blocked_with_that_reason() {
    let suspended = || legal(false).owns(E5, LicenseStatus::Suspended, "Success");
    assert_eq!(suspended().names_group("Legal", None).says("Legal"), "license-not-usable");
    let disabled = legal(false).owns(E5, LicenseStatus::Enabled, "Disabled");
    assert_eq!(disabled.names_group("Legal", None).says("Legal"), "not-provisioned");
}

#[test]
fn row_due_and_a_protected_person_would_go_off_is_blocked_with_the_names() {
    let plan = due().protects("megan").plan();
    assert_eq!(says(&plan, "Legal"), "protected-member");
    assert!(plan.blocked[0].why.reason().contains("megan@contoso.com"));
}

#[test]
fn a_protected_person_with_a_license_of_their_own_stays_on_and_blocks_nothing() {
    let tenant = due().user("megan", &[on_by("Legal"), on()]).protects("megan");
    assert_eq!(tenant.says("Legal"), "toggle");
    assert_eq!(going_off(the_change(&tenant.plan())), ["adele"]);
}

#[test]
fn what_the_tenant_has_not_provisioned_keeps_nobody_on_and_protects_nobody() {
    let of_no_use = holds(SECURITY, AssignedBy::Direct, true);
    let tenant = due().user("megan", &[on_by("Legal"), of_no_use]);
    let tenant = tenant.owns(SECURITY, LicenseStatus::Enabled, "PendingActivation");
    let plan = tenant.plan();
    let change = the_change(&plan);
    assert!(going_off(change).contains(&"megan"));
    assert_eq!(change.members.as_ref().map(|members| members.off), Some(change.people.len() as u64));
    assert_eq!(tenant.protects("megan").says("Legal"), "protected-member");
}

#[test]
fn a_protected_name_that_could_not_be_resolved_protects_the_member_who_answers_to_it() {
    let mut tenant = due().protects("megan");
    tenant.observed.user_keys.insert(upn("megan"), Lookup::Unread("503".into()));
    assert_eq!(tenant.says("Legal"), "protected-member");
}

fn two_groups() -> Tenant {
    let both = [on_by("Legal"), on_by("Sales")];
    let tenant = tenant().user("adele", &[on_by("Legal")]).user("megan", &[on_by("Sales")]);
    tenant.user("ceo", &both).group("Legal", true, &["adele", "ceo"]).group("Sales", true, &["megan", "ceo"])
}

#[test]
fn who_is_on_through_two_groups_goes_off_with_the_second_one() {
    let tenant = two_groups().names_group("Sales", Some(ASKED)).names_group("Legal", Some(ASKED));
    let plan = tenant.plan();
    let people: Vec<_> = plan.changes.iter().map(going_off).collect();
    assert_eq!(people, [vec!["adele"], vec!["ceo", "megan"]]);
}

#[test]
fn who_is_protected_and_on_through_two_groups_keeps_the_second_one_on() {
    let tenant = two_groups().names_group("Sales", Some(ASKED)).names_group("Legal", Some(ASKED));
    let tenant = tenant.protects("ceo");
    assert_eq!((tenant.says("Legal"), tenant.says("Sales")), ("toggle".into(), "protected-member".into()));
}

#[test]
fn who_is_protected_and_on_through_a_group_in_mid_toggle_keeps_the_other_one_on() {
    let tenant = two_groups().names_group("Sales", Some(ASKED)).protects("ceo");
    assert_eq!(tenant.says("Sales"), "toggle");
    let tenant = tenant.in_flight(gid("Legal"), "Legal", Phase::Off { at: time(NOW) });
    assert_eq!(tenant.says("Sales"), "protected-member");
}

#[test]
fn row_due_and_larger_than_the_limit_is_blocked_with_the_number() {
    let mut tenant = due();
    tenant.declared.limits.group_members = 1;
    let plan = tenant.plan();
    assert_eq!(says(&plan, "Legal"), "group-too-large");
    assert!(plan.blocked[0].why.reason().contains("2 members"));
    tenant.declared.limits.group_members = 2;
    assert_eq!(tenant.says("Legal"), "toggle");
}

/// "Toggle due, no member would go off" cannot come: who does not go off does not count, and a group
/// in which nobody counts is not due (DESIGN 4).
#[test]
fn row_due_and_no_member_would_go_off_is_in_sync_because_nobody_counts() {
    let tenant = due().user("adele", &[on_by("Legal"), on()]).user("megan", &[on_by("Legal"), on()]);
    assert_eq!(tenant.says("Legal"), "in sync");
    assert!(has(&tenant.plan(), Code::NobodyCounts));
}

#[test]
fn row_due_is_toggled_and_says_who_goes_off_and_who_does_not() {
    let tenant = due().user("ida", &[on_by("Legal"), on()]).user("max", &[in_error(on_by("Legal"))]);
    let tenant = tenant.group("Legal", true, &["adele", "megan", "ida", "max"]);
    let plan = tenant.plan();
    let change = the_change(&plan);
    assert_eq!(change.action, Action::Toggle);
    assert_eq!(going_off(change), ["adele", "megan"]);
    assert_eq!(change.wait, SignedDuration::ZERO);
    assert_eq!(change.gate, SignedDuration::from_hours(2));
    let members = change.members.as_ref().expect("what becomes of the members");
    assert_eq!((members.total, members.off, members.undeclared), (Some(4), 2, 2));
    let [stays] = members.stays_on.as_slice() else { panic!("{members:?}") };
    assert_eq!((sources::joined(&stays.what).as_str(), &stays.names), ("its own SPE_E5", &vec![upn("ida")]));
    let [broken] = members.in_error.as_slice() else { panic!("{members:?}") };
    assert_eq!((&broken.what, &broken.names), (&Some(AssignmentError::CountViolation), &vec![upn("max")]));
    assert!(!has(&plan, Code::MemberDoesNotCount), "its block says it");
}

#[test]
fn row_due_counts_members_who_are_not_declared_or_excepted() {
    let tenant = due().selects_all(&["megan"], None);
    assert_eq!(going_off(the_change(&tenant.plan())), ["adele", "megan"]);
}

#[test]
fn row_on_is_in_sync() {
    assert_eq!(legal(true).names_group("Legal", None).says("Legal"), "in sync");
    let one_of_two = [(E5, true), (SECURITY, false)];
    let tenant = tenant().group_with("Legal", &one_of_two, &[]).names_group("Legal", None);
    assert_eq!(tenant.says("Legal"), "in sync");
}
