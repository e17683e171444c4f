//! `check` on plans that somebody broke.

use super::check::check;
use super::*;
use change::Step;

/// What is wrong with a plan of one toggle and one enable, after that change of the toggle.
fn broken(change: impl FnOnce(&mut Change)) -> Vec<String> {
    let tenant = tenant().user("adele", &[on()]).user("megan", &[off()]);
    let tenant = tenant.names("adele", Some(ASKED)).names("megan", None);
    let mut plan = tenant.plan();
    change(plan.changes.last_mut().expect("the toggle"));
    check(&plan, &tenant.desired(), &tenant.running)
}

#[track_caller]
fn says_so(wrong: &[String], what: &str) {
    assert!(wrong.iter().any(|one| one.contains(what)), "{what}: {wrong:?}");
}

#[test]
fn nothing_is_wrong_with_a_plan_as_it_was_made() {
    assert!(broken(|_| {}).is_empty());
}

#[test]
fn a_subject_that_stands_in_it_twice() {
    says_so(&broken(|change| change.subject.id = uid("megan").into()), "twice");
}

#[test]
fn a_subject_that_is_not_declared() {
    says_so(&broken(|change| change.subject.id = uid("somebody").into()), "P5");
}

#[test]
fn a_change_of_nothing() {
    says_so(&broken(|change| change.edits.clear()), "changes nothing");
}

#[test]
fn another_service_plan() {
    says_so(&broken(|change| _ = change.edits[0].after.remove(&OTHER)), "another service plan");
}

#[test]
fn an_end_that_is_off() {
    says_so(&broken(|change| _ = change.edits[0].after.insert(SERVICE_PLAN)), "ends off");
}

#[test]
fn steps_that_do_not_end_on() {
    says_so(&broken(|change| change.steps.truncate(3)), "do not end on");
    says_so(&broken(|change| change.steps.reverse()), "do not end on");
    let negative = Step::Wait(SignedDuration::from_secs(-1));
    says_so(&broken(|change| change.steps[2] = negative), "do not end on");
}

#[test]
fn a_license_that_it_does_not_expect() {
    says_so(&broken(|change| change.expect.clear()), "does not expect");
    says_so(&broken(|change| change.edits[0].sku = sku(SECURITY)), "does not expect");
}

#[test]
fn a_toggle_of_what_is_off() {
    says_so(&broken(|change| _ = change.edits[0].before.insert(SERVICE_PLAN)), "begins with");
}

#[test]
fn a_protected_person() {
    let tenant = tenant().user("adele", &[on()]).names("adele", Some(ASKED));
    let plan = tenant.plan();
    let desired = tenant.protects("adele").desired();
    says_so(&check(&plan, &desired, &Running::default()), "protected");
}
