//! What stands in a plan: steps, order, unfinished toggles, the summary line.

use super::*;
use change::Step;

#[test]
fn a_toggle_is_off_seen_waited_for_on_and_seen() {
    let plan = tenant().user("adele", &[on()]).names("adele", Some(ASKED)).plan();
    let hour = SignedDuration::from_mins(60);
    let steps =
        [Step::Off, Step::VerifyOff(SignedDuration::ZERO), Step::Wait(hour), Step::On, Step::VerifyOn];
    assert_eq!(the_change(&plan).steps, steps);
}

#[test]
fn an_enable_is_on_and_seen() {
    let plan = tenant().user("adele", &[off()]).names("adele", None).plan();
    assert_eq!(the_change(&plan).steps, [Step::On, Step::VerifyOn]);
}

#[test]
fn turning_on_comes_before_turning_off_and_names_decide_the_rest() {
    let tenant = tenant().user("adele", &[on()]).user("zoe", &[off()]).user("ida", &[off()]);
    let tenant = tenant.names("adele", Some(ASKED)).names("zoe", None).names("ida", None);
    let plan = tenant.in_flight(uid("max"), &upn("max"), Phase::Off { at: time(NOW) }).plan();
    let order: Vec<_> = plan.changes.iter().map(|change| change.subject.name.as_str()).collect();
    assert_eq!(order, [upn("max"), upn("ida"), upn("zoe"), upn("adele")]);
}

#[test]
fn an_unfinished_toggle_is_resumed_whether_it_is_declared_or_not() {
    let phase = Phase::InDoubt { since: time(BEFORE) };
    let plan = tenant().in_flight(uid("adele"), &upn("adele"), phase).plan();
    let change = the_change(&plan);
    assert_eq!((change.action, change.steps[0]), (Action::Resume, Step::Wait(SignedDuration::ZERO)));
    assert_eq!(change.edits[0].after, [OTHER].into());
    assert!(change.people.is_empty());
}

#[test]
fn who_is_unfinished_and_declared_stands_in_the_plan_once() {
    let tenant = tenant().user("adele", &[on()]).names("adele", Some(ASKED));
    let phase = Phase::OnSent { off_at: time(BEFORE), on_at: time(NOW) };
    assert_eq!(tenant.in_flight(uid("adele"), &upn("adele"), phase).says("adele"), "resume");
}

#[test]
fn who_was_deleted_in_mid_toggle_is_no_change_of_the_plan_until_restored() {
    let phase = Phase::Gone { off_at: time(BEFORE), since: time(BEFORE) };
    let mut tenant = tenant().in_flight(uid("adele"), &upn("adele"), phase);
    assert!(tenant.plan().changes.is_empty());
    tenant = tenant.user("adele", &[off()]).names("adele", None);
    assert_eq!(tenant.says("adele"), "resume");
}

#[test]
fn nobody_who_is_not_mentioned_is_in_the_plan() {
    let tenant = tenant().user("adele", &[off()]).user("megan", &[off()]).group("Legal", false, &["megan"]);
    let plan = tenant.names("adele", None).plan();
    assert_eq!(the_change(&plan).subject.name, upn("adele"));
    assert_eq!(plan.in_sync.len() + plan.blocked.len() + plan.unknown.len(), 0);
}

#[test]
fn the_reason_is_the_administrators_own_words_or_ours() {
    let mut tenant = tenant().user("adele", &[on()]).names("adele", Some(ASKED));
    assert_eq!(the_change(&tenant.plan()).reason, "not turned on since 2026-11-20T00:00:00Z");
    tenant.declared.users[0].wish.reason = Some("INC-4711".into());
    assert_eq!(the_change(&tenant.plan()).reason, "INC-4711");
}

#[test]
fn the_summary_line_counts_the_covered_as_in_sync_and_names_unknown_only_when_there_is_some() {
    let mut tenant = tenant().user("adele", &[off()]).user("megan", &[off_by("Legal")]).user("ida", &[]);
    tenant = tenant.names("adele", None).names("megan", None).names("ida", None);
    tenant = tenant.group("Legal", false, &["megan"]).names_group("Legal", None);
    let line = |tenant: &Tenant| tenant.plan().summary().to_string();
    assert_eq!(line(&tenant), "Plan: 2 to enable, 0 to toggle, 0 to resume, 1 in sync, 1 blocked.");
    tenant.observed.user_keys.insert(upn("ida"), Lookup::Unread("503".into()));
    assert_eq!(
        line(&tenant),
        "Plan: 2 to enable, 0 to toggle, 0 to resume, 1 in sync, 0 blocked, 1 unknown."
    );
}
