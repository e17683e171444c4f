//! How much one run may start, and how many people may be off at once.

use super::*;
use crate::model::Amount;

/// So many users who are due, or off.
fn many(count: usize, one: &Assignment, asked: Option<&str>) -> Tenant {
    (0..count).fold(tenant(), |tenant, number| {
        let name = format!("u{number}");
        tenant.user(&name, std::slice::from_ref(one)).names(&name, asked)
    })
}

fn limit(plan: &Plan, name: &str) -> (u64, u64, bool) {
    let check = plan.limits.iter().find(|one| one.limit.as_str() == name).expect("a limit");
    (check.actual, check.most, check.exceeded())
}

#[test]
fn a_share_is_never_below_twenty() {
    assert_eq!(limit(&many(20, &on(), Some(ASKED)).plan(), "toggle"), (20, 20, false));
    assert_eq!(limit(&many(21, &on(), Some(ASKED)).plan(), "toggle"), (21, 20, true));
}

#[test]
fn a_share_is_of_the_declared_people() {
    let mut tenant = many(100, &on(), Some(ASKED));
    assert_eq!(limit(&tenant.plan(), "toggle"), (100, 25, true));
    tenant.declared.limits.toggle = Amount::Share(100);
    assert!(!tenant.plan().exceeds_a_limit());
}

#[test]
fn a_count_is_taken_as_it_is() {
    let mut tenant = many(3, &on(), Some(ASKED));
    tenant.declared.limits.toggle = Amount::Count(2);
    let plan = tenant.plan();
    assert_eq!(limit(&plan, "toggle"), (3, 2, true));
    assert!(plan.exceeds_a_limit() && has(&plan, Code::LimitExceeded));
    assert_eq!(plan.changes.len(), 3, "it is shown in full");
}

#[test]
fn enabling_has_no_limit_unless_one_is_set() {
    let mut tenant = many(50, &off(), None);
    assert_eq!(limit(&tenant.plan(), "enable"), (50, 50, false));
    tenant.declared.limits.enable = Amount::Count(49);
    assert!(tenant.plan().exceeds_a_limit());
}

#[test]
fn a_toggled_group_counts_with_the_people_who_go_off() {
    let tenant = tenant().user("adele", &[on_by("Legal")]).user("megan", &[on_by("Legal"), on()]);
    let tenant = tenant.group("Legal", true, &["adele", "megan"]).names_group("Legal", Some(ASKED));
    assert_eq!(limit(&tenant.plan(), "toggle"), (1, 20, false));
}

#[test]
fn an_enabled_group_counts_with_its_members_and_nobody_counts_twice() {
    let both = [off_by("Legal"), off()];
    let tenant = tenant().user("adele", &both).user("megan", &[off_by("Legal")]).names("adele", None);
    let tenant = tenant.group("Legal", false, &["adele", "megan"]).names_group("Legal", None);
    let plan = tenant.plan();
    assert_eq!(plan.changes.len(), 2);
    assert_eq!(limit(&plan, "enable"), (2, 20, false));
}

#[test]
fn what_is_resumed_counts_against_no_limit() {
    let tenant = tenant().user("adele", &[off_by("Legal")]).user("megan", &[off()]);
    let tenant = tenant.group("Legal", false, &["adele"]).names_group("Legal", Some(ASKED));
    let plan = tenant.names("megan", Some(ASKED)).plan();
    assert_eq!(plan.with(Action::Resume).count(), 2);
    assert_eq!((limit(&plan, "enable").0, limit(&plan, "toggle").0), (0, 0));
}

#[test]
fn max_off_is_a_share_never_below_ten_or_a_count() {
    let mut tenant = many(50, &on(), None);
    assert_eq!(tenant.plan().max_off, 10);
    tenant.declared.toggle.max_off = Amount::Share(50);
    assert_eq!(tenant.plan().max_off, 25);
    tenant.declared.toggle.max_off = Amount::Count(3);
    assert_eq!(tenant.plan().max_off, 3);
}

#[test]
fn a_group_larger_than_max_off_goes_alone_and_that_is_told() {
    let mut tenant = tenant().user("adele", &[on_by("Legal")]).user("megan", &[on_by("Legal")]);
    tenant.declared.toggle.max_off = Amount::Count(1);
    let plan = tenant.group("Legal", true, &["adele", "megan"]).names_group("Legal", Some(ASKED)).plan();
    let alone = plan.findings.iter().find(|one| one.code == Code::GroupAlone).expect("a finding");
    assert!(alone.message.contains("2 people"), "{}", alone.message);
}

#[test]
fn the_estimate_says_how_many_waves_and_how_long() {
    let mut tenant = many(10, &on(), Some(ASKED));
    tenant.declared.toggle.max_off = Amount::Count(4);
    let estimate = tenant.plan().estimate;
    assert_eq!((estimate.waves, estimate.writes, estimate.off_user_minutes), (3, 20, 600));
    assert_eq!(estimate.seconds, 3 * 3600 + 2); // ten writes a second
}

#[test]
fn a_plan_that_changes_nothing_costs_nothing() {
    assert_eq!(many(3, &on(), None).plan().estimate, estimate::Estimate::default());
}

#[test]
fn a_resume_lasts_until_it_is_due() {
    let phase = Phase::Waiting { off_at: time(NOW), due: time("2026-11-22T12:30:00Z") };
    let plan = tenant().in_flight(uid("adele"), "adele", phase).plan();
    assert_eq!((plan.estimate.writes, plan.estimate.seconds), (1, 1801));
}
