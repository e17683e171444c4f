//! Where a state comes from, what a change of each source would do, and the smallest set of declarations that
//! would work.

use super::*;
use crate::plan::sources::{Effect, Role, Sources};

/// What each source does, and what a change of it would.
fn picture(tenant: &Tenant) -> Vec<String> {
    let user = &tenant.observed.users[&uid("adele")];
    let sources = Sources::of(user, &tenant.observed);
    assert_eq!(
        sources.giving().is_empty(),
        !user.is_on(&tenant.observed.catalog),
        "the picture and the union rule agree"
    );
    let roles = sources.all.iter().map(|one| format!("{}: {}", one.through, one.role.as_str()));
    let changes = sources.changes(&tenant.observed);
    roles.chain(changes.iter().map(|one| format!("{}: {}", one.in_words(), one.effect))).collect()
}

fn adele(assignments: &[Assignment]) -> Tenant {
    let tenant = tenant().user("adele", assignments).names("adele", Some(ASKED));
    tenant.group("Legal", true, &["adele"]).group("Sales", true, &["adele"])
}

#[test]
fn one_source_turns_off_and_two_keep_each_other_on() {
    assert_eq!(
        picture(&adele(&[on()])),
        ["its own SPE_E5: gives", "turning it off in its own SPE_E5: turns this user off"]
    );
    assert_eq!(
        picture(&adele(&[on_by("Legal"), on()])),
        [
            "its own SPE_E5: gives",
            "SPE_E5 of group \"Legal\": gives",
            "turning it off in its own SPE_E5: changes nothing: still on through SPE_E5 of group \"Legal\"",
            "turning it off at group \"Legal\": changes nothing: still on through its own SPE_E5",
        ]
    );
}

#[test]
fn a_source_that_hides_it_takes_nothing_that_another_one_gives() {
    let tenant = adele(&[on_by("Legal"), off_by("Sales")]).group("Sales", false, &["adele"]);
    assert_eq!(
        picture(&tenant)[2..],
        [
            "turning it off at group \"Legal\": turns this user off",
            "turning it on at group \"Sales\": changes nothing: on through SPE_E5 of group \"Legal\"",
        ]
    );
}

#[test]
fn licenses_of_its_own_are_turned_together() {
    let both = [on(), holds(SECURITY, AssignedBy::Direct, true)];
    let lines = picture(&adele(&both));
    assert_eq!(lines[2..], ["turning it off in its own E5_SECURITY and SPE_E5: turns this user off"]);
}

#[test]
fn what_is_in_error_or_of_no_use_says_why_turning_it_on_is_none_either() {
    let lines = picture(&adele(&[in_error(on_by("Legal"))]));
    assert!(lines[1].starts_with("a change at group \"Legal\": changes nothing"), "{lines:?}");
    assert!(lines[1].contains("no seat of the license was left; free or buy seats"), "{lines:?}");
    let new = Assignment { state: AssignmentState::Other("Paused".into()), ..on() };
    assert!(picture(&adele(&[new]))[1].contains("its state is Paused"));
    let suspended = adele(&[on()]).owns(E5, LicenseStatus::Suspended, "Success");
    assert!(picture(&suspended)[1].contains("the tenant's SPE_E5 is Suspended"));
    let disabled = adele(&[off()]).owns(E5, LicenseStatus::Enabled, "PendingActivation");
    assert!(picture(&disabled)[1].contains("has not provisioned the service plan in SPE_E5"));
    let nowhere = adele(&[off()]).but("adele", |user| user.usage_location = None);
    assert!(picture(&nowhere)[1].contains("usageLocation"));
}

#[test]
fn on_where_the_tenant_has_not_provisioned_it_is_on_and_of_no_use() {
    let tenant = adele(&[on()]).owns(E5, LicenseStatus::Enabled, "PendingActivation");
    let user = &tenant.observed.users[&uid("adele")];
    let sources = Sources::of(user, &tenant.observed);
    assert_eq!(sources.all[0].role, Role::GivesUnprovisioned("PendingActivation".into()));
}

#[test]
fn a_change_of_a_group_that_has_not_arrived_is_on_its_way() {
    let tenant = adele(&[off_by("Legal")]);
    let effect = |tenant: &Tenant| {
        let user = &tenant.observed.users[&uid("adele")];
        Sources::of(user, &tenant.observed).changes(&tenant.observed)[0].effect.clone()
    };
    assert_eq!(effect(&tenant), Effect::OnItsWay, "the group is on already");
    assert!(tenant.plan().blocked[0].why.next_step().starts_with("wait: group \"Legal\" has it on"));
    let tenant = adele(&[on_by("Legal")]).group("Legal", false, &["adele"]);
    assert_eq!(effect(&tenant), Effect::OnItsWay, "the group is off already");
}

/// Why, and the next step, of the one that is blocked.
#[track_caller]
fn blocked(tenant: &Tenant) -> (String, String) {
    let plan = tenant.plan();
    let [one] = plan.blocked.as_slice() else { panic!("one blocked: {:?}", plan.blocked) };
    (one.why.reason(), one.why.next_step())
}

#[test]
fn on_by_one_group_says_how_to_declare_it() {
    let date = "`toggleIfEnabledBefore: 2026-11-20T00:00:00Z`";
    let by_group = || adele(&[on_by("Legal")]);
    assert_eq!(blocked(&by_group()).1, format!("declare group \"Legal\" under `groups` with {date}"));
    let undated = by_group().names_group("Legal", None);
    assert_eq!(blocked(&undated).1, format!("give the declaration of group \"Legal\" {date}"));
    let early = by_group().names_group("Legal", Some(BEFORE));
    assert_eq!(
        blocked(&early).1,
        "give the declaration of group \"Legal\" a date at or after 2026-11-20T00:00:00Z (it has 2026-10-01T00:00:00Z)"
    );
    assert_eq!(by_group().names_group("Legal", Some(ASKED)).says("adele"), "covered by Legal");
}

#[test]
fn on_by_two_groups_names_both_and_says_that_it_is_not_assured() {
    let (why, next) = blocked(&adele(&[on_by("Legal"), on_by("Sales")]));
    assert!(why.contains("group \"Legal\"") && why.contains("nor of one of them"), "{why}");
    assert!(next.starts_with("declare group \"Legal\" and group \"Sales\" under `groups` with"), "{next}");
    assert!(next.contains("only while all of them are off at once, which is not assured"), "{next}");
    let half = adele(&[on_by("Legal"), on_by("Sales")]).names_group("Legal", Some(ASKED));
    assert!(blocked(&half).1.starts_with("declare group \"Sales\" under"), "{}", blocked(&half).1);
}

#[test]
fn on_directly_and_by_a_group_no_declaration_helps_and_the_one_in_the_way_is_named() {
    for declared in [None, Some(ASKED)] {
        let mut tenant = adele(&[on_by("Legal"), holds(SECURITY, AssignedBy::Direct, true)]);
        if declared.is_some() {
            tenant = tenant.names_group("Legal", declared);
        }
        let plan = tenant.plan();
        let one = plan.blocked.iter().find(|one| one.subject.name == upn("adele")).expect("she is blocked");
        let (why, next) = (one.why.reason(), one.why.next_step());
        assert!(why.contains("its own E5_SECURITY and through group \"Legal\""), "{why}");
        assert!(next.starts_with("no declaration helps, and advaudit takes no license away."), "{next}");
        assert!(next.contains("turn the service plan off in its own E5_SECURITY"), "{next}");
        assert_eq!(next.contains("declare group \"Legal\""), declared.is_none(), "{next}");
    }
}

#[test]
fn on_directly_and_a_group_about_to_give_it_says_that_it_is_to_come() {
    let tenant = adele(&[on(), off_by("Legal")]);
    let (why, _) = blocked(&tenant);
    assert!(why.contains("group \"Legal\"") && why.contains("is about to give it as well"), "{why}");
}

#[test]
fn on_by_a_group_with_an_error_names_the_error_first() {
    let with_error = Assignment { state: AssignmentState::ActiveWithError, ..in_error(on_by("Legal")) };
    let tenant = adele(&[with_error]).turned_on("adele", BEFORE);
    let (_, next) = blocked(&tenant);
    assert!(
        next.starts_with("see to the error of what group \"Legal\" gives first, CountViolation"),
        "{next}"
    );
}

#[test]
fn off_by_groups_one_of_them_is_enough() {
    let off = |tenant: Tenant| tenant.group("Legal", false, &["adele"]).group("Sales", false, &["adele"]);
    let one = off(adele(&[off_by("Legal")]));
    assert_eq!(blocked(&one).1, "declare group \"Legal\" under `groups`, or license the user directly");
    let two = off(adele(&[off_by("Legal"), off_by("Sales")]));
    let next = blocked(&two).1;
    assert!(
        next.contains("group \"Legal\" or group \"Sales\" under `groups` (one of them is enough)"),
        "{next}"
    );
    assert_eq!(two.names_group("Sales", None).says("adele"), "covered by Sales");
}

#[test]
fn in_error_or_without_a_location_a_group_that_hides_it_would_do_as_well() {
    let both = [in_error(on()), off_by("Legal")];
    let tenant = adele(&both).group("Legal", false, &["adele"]);
    let (why, next) = blocked(&tenant);
    assert!(why.contains("CountViolation, no seat of the license was left"), "{why}");
    assert_eq!(next, "free or buy seats of the license; or declare group \"Legal\" under `groups`");
    let nowhere = adele(&[off(), off_by("Legal")]).but("adele", |user| user.usage_location = None);
    let nowhere = nowhere.group("Legal", false, &["adele"]);
    assert_eq!(
        blocked(&nowhere).1,
        "set the user's usageLocation; or declare group \"Legal\" under `groups`"
    );
}

#[test]
fn off_by_a_group_in_our_own_toggle_asks_to_finish_it() {
    let phase = Phase::Off { at: time(NOW) };
    let tenant = adele(&[off_by("Legal")]).group("Legal", false, &["adele"]);
    let tenant = tenant.in_flight(gid("Legal"), "Legal", phase);
    assert!(blocked(&tenant).1.starts_with("`advaudit heal`"), "{}", blocked(&tenant).1);
}

#[test]
fn narrowed_to_another_license_names_those_that_would_do() {
    let tenant = tenant().user("adele", &[off()]).names("adele", None).with_license(SECURITY);
    let (_, next) = blocked(&tenant);
    assert_eq!(next, "name SPE_E5 as `license`, or leave it out");
}

fn covered_twice() -> Tenant {
    let both = [on_by("Legal"), on_by("Sales")];
    let tenant = adele(&both).user("megan", &[on_by("Legal")]).user("max", &[on_by("Sales")]);
    let tenant = tenant.group("Legal", true, &["adele", "megan"]).group("Sales", true, &["adele", "max"]);
    tenant.names_group("Legal", Some(ASKED)).names_group("Sales", Some(ASKED))
}

#[test]
fn covered_by_two_groups_is_told_that_it_goes_off_only_while_both_are_off() {
    let plan = covered_twice().plan();
    let told: Vec<_> = plan.findings.iter().filter(|one| one.code == Code::OverlappingGroups).collect();
    let [one] = told.as_slice() else { panic!("{:?}", plan.findings) };
    assert!(one.message.contains("adele@contoso.com goes off only while"), "{}", one.message);
    assert!(one.message.contains("which is not assured"), "{}", one.message);
    // Covered by one group it is as good as declared itself.
    let tenant = adele(&[on_by("Legal")]).names_group("Legal", Some(ASKED));
    assert!(!has(&tenant.plan(), Code::OverlappingGroups));
}

#[test]
fn covered_by_two_groups_of_which_one_is_not_toggled_says_which() {
    let tenant = covered_twice().we_turned_on(gid("Sales"), SINCE);
    let plan = tenant.plan();
    let one = plan.findings.iter().find(|one| one.code == Code::OverlappingGroups).expect("it is told");
    assert!(one.message.contains("this plan does not toggle group \"Sales\""), "{}", one.message);
}

#[test]
fn a_toggle_says_who_goes_off_only_with_another_group() {
    let plan = covered_twice().plan();
    let together: Vec<_> = plan
        .changes
        .iter()
        .filter_map(|one| one.members.as_ref())
        .flat_map(|one| &one.only_together)
        .collect();
    let [one] = together.as_slice() else { panic!("{together:?}") };
    assert_eq!(one.names, [upn("adele")]);
    assert_eq!(plan.changes.iter().map(|one| one.people.len()).sum::<usize>(), 3);
}

#[test]
fn turning_a_group_on_says_who_comes_on_and_who_does_not() {
    let tenant = tenant()
        .user("adele", &[off_by("Legal")])
        .user("megan", &[off_by("Legal"), on()])
        .user("max", &[in_error(off_by("Legal"))])
        .group("Legal", false, &["adele", "megan", "max", "ida"])
        .names_group("Legal", None);
    let plan = tenant.plan();
    let members = the_change(&plan).members.as_ref().expect("what becomes of the members");
    assert_eq!(members.on, [upn("adele")]);
    assert_eq!(members.stays_on[0].names, [upn("megan")]);
    assert_eq!(members.in_error[0].names, [upn("max")]);
    assert_eq!((members.total, members.off, members.unread), (Some(4), 0, 1));
}

#[test]
fn a_member_who_still_shows_a_group_on_that_is_off_stays_on_through_it() {
    let tenant = tenant().user("adele", &[on_by("Legal")]).group("Legal", false, &["adele"]);
    let plan = tenant.names_group("Legal", None).plan();
    let members = the_change(&plan).members.as_ref().expect("what becomes of the members");
    assert_eq!(crate::plan::sources::joined(&members.stays_on[0].what), "SPE_E5 of group \"Legal\"");
}

#[test]
fn who_is_left_out_by_only_is_declared_all_the_same() {
    let tenant = covered_twice().names("megan", None);
    let mut desired = tenant.desired();
    desired.keep_only(&["Legal".to_owned()], &tenant.observed);
    let plan = tenant.plan_of(&desired);
    let members = the_change(&plan).members.as_ref().expect("what becomes of the members");
    assert_eq!((members.off, members.undeclared), (1, 0));
}

#[test]
fn covered_by_two_groups_that_do_not_fit_under_max_off_says_that_they_never_overlap() {
    let mut tenant = covered_twice();
    tenant.declared.toggle.max_off = crate::model::Amount::Count(2);
    let plan = tenant.plan();
    let one = plan.findings.iter().find(|one| one.code == Code::OverlappingGroups).expect("it is told");
    assert!(one.message.contains("together they turn off 3 people, more than maxOff (2)"), "{}", one.message);
}
