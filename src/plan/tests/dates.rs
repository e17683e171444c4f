//! The date table of DESIGN 4, row by row, for a subject that is on.

use super::*;

fn asked(user: &[Assignment]) -> Tenant {
    tenant().user("adele", user).names("adele", Some(ASKED))
}

#[test]
fn row_renewed_by_our_journal_is_in_sync() {
    assert_eq!(asked(&[on()]).we_turned_on(uid("adele"), SINCE).says("adele"), "in sync");
    assert_eq!(
        asked(&[on()]).we_turned_on(uid("adele"), ASKED).says("adele"),
        "in sync",
        "at T is not before it"
    );
    assert_eq!(asked(&[on()]).we_turned_on(uid("adele"), BEFORE).says("adele"), "toggle");
}

#[test]
fn row_renewed_by_assigned_plans_is_in_sync() {
    let tenant = asked(&[changed(on(), SINCE)]);
    assert_eq!(tenant.clone().turned_on("adele", SINCE).says("adele"), "in sync");
    assert_eq!(tenant.clone().turned_on("adele", ASKED).says("adele"), "in sync");
    assert!(!has(&tenant.turned_on("adele", SINCE).plan(), Code::Undecided));
}

#[test]
fn row_renewed_counts_warning_and_no_other_status() {
    for (status, renewed) in [("Warning", true), ("Deleted", false), ("Suspended", false)] {
        let entry = ServicePlanEntry { status: status.into(), assigned: Some(time(SINCE)) };
        let tenant = asked(&[on()]).but("adele", |user| user.dates = Dates::Read(vec![entry]));
        assert_eq!(tenant.says("adele") == "in sync", renewed, "{status}");
    }
}

#[test]
fn row_renewed_takes_the_newest_of_several_entries() {
    let entry = |at| ServicePlanEntry { status: "Enabled".into(), assigned: Some(time(at)) };
    let entries = vec![entry(BEFORE), entry(SINCE), entry(BEFORE)];
    let tenant = asked(&[on()]).but("adele", |user| user.dates = Dates::Read(entries));
    assert_eq!(tenant.says("adele"), "in sync");
}

#[test]
fn row_not_renewed_and_unchanged_since_is_due() {
    assert_eq!(asked(&[on()]).says("adele"), "toggle");
    assert_eq!(asked(&[on()]).turned_on("adele", BEFORE).says("adele"), "toggle");
}

#[test]
fn row_not_renewed_but_changed_since_is_undecided() {
    for at in [ASKED, SINCE] {
        let tenant = asked(&[changed(on(), at)]).turned_on("adele", BEFORE);
        assert_eq!(tenant.says("adele"), "in sync");
        assert!(has(&tenant.plan(), Code::Undecided));
    }
}

#[test]
fn row_no_date_is_undecided() {
    let tenant = asked(&[undated(on())]);
    assert_eq!(tenant.says("adele"), "in sync");
    assert!(has(&tenant.plan(), Code::Undecided));
}

#[test]
fn one_undated_assignment_beside_an_old_one_decides_nothing() {
    let second = undated(holds(SECURITY, AssignedBy::Direct, true));
    let tenant = asked(&[on(), second]);
    assert!(tenant.plan().changes.is_empty());
    assert!(has(&tenant.plan(), Code::Undecided));
}

#[test]
fn without_a_date_asked_for_nothing_is_due() {
    assert_eq!(tenant().user("adele", &[on()]).names("adele", None).says("adele"), "in sync");
}

fn group_of(members: &[(&str, Assignment)]) -> Tenant {
    let names: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
    let empty = tenant().group("Legal", true, &names).names_group("Legal", Some(ASKED));
    members.iter().fold(empty, |tenant, (name, one)| tenant.user(name, std::slice::from_ref(one)))
}

#[test]
fn a_group_is_due_when_any_member_that_counts_is() {
    let members = [("adele", changed(on_by("Legal"), SINCE)), ("megan", on_by("Legal"))];
    let tenant = group_of(&members).turned_on("adele", SINCE);
    assert_eq!(tenant.says("Legal"), "toggle");
    assert_eq!(going_off(the_change(&tenant.plan())), ["adele", "megan"]);
}

#[test]
fn a_group_is_renewed_when_all_members_that_count_are() {
    let members = [("adele", changed(on_by("Legal"), SINCE)), ("megan", changed(on_by("Legal"), SINCE))];
    let tenant = group_of(&members).turned_on("adele", SINCE).turned_on("megan", SINCE);
    assert_eq!(tenant.says("Legal"), "in sync");
    assert!(!has(&tenant.plan(), Code::Undecided));
}

#[test]
fn a_group_is_undecided_when_a_member_is_and_none_is_due() {
    let members = [("adele", changed(on_by("Legal"), SINCE)), ("megan", changed(on_by("Legal"), SINCE))];
    let tenant = group_of(&members).turned_on("adele", SINCE).turned_on("megan", BEFORE);
    assert_eq!(tenant.says("Legal"), "in sync");
    assert!(has(&tenant.plan(), Code::Undecided));
}

#[test]
fn a_group_that_we_turned_on_since_is_renewed() {
    let tenant = group_of(&[("adele", on_by("Legal"))]).we_turned_on(gid("Legal"), SINCE);
    assert_eq!(tenant.says("Legal"), "in sync");
}

#[test]
fn members_with_another_source_or_in_error_do_not_count() {
    let tenant = group_of(&[("adele", in_error(on_by("Legal"))), ("megan", on_by("Legal"))])
        .user("megan", &[on_by("Legal"), changed(on(), SINCE)]);
    assert_eq!(tenant.says("Legal"), "in sync");
    assert!(has(&tenant.plan(), Code::NobodyCounts));
    assert!(has(&tenant.plan(), Code::MemberDoesNotCount));
}

#[test]
fn an_assignment_with_an_error_is_in_force_only_while_assigned_plans_agrees() {
    let with_error = |one| Assignment { state: AssignmentState::ActiveWithError, ..in_error(one) };
    let tenant = asked(&[with_error(on())]);
    assert_eq!(tenant.says("adele"), "assignment-in-error");
    assert_eq!(tenant.turned_on("adele", BEFORE).says("adele"), "toggle");
}
