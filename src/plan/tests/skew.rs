//! A machine whose clock is wrong.

use super::*;

/// A tenant with one user to enable and one to toggle, seen from a machine that is ahead by so much.
fn seen_from(ahead: SignedDuration) -> Plan {
    let mut tenant = tenant().user("adele", &[off()]).names("adele", None);
    tenant = tenant.user("megan", &[on()]).names("megan", Some(ASKED));
    tenant.observed.machine_ahead = Some(ahead);
    tenant.plan()
}

fn told(plan: &Plan) -> Option<String> {
    let own = plan.findings.iter().find(|one| one.code == Code::ClockSkew)?;
    Some(own.message.clone())
}

fn starts(plan: &Plan) -> Vec<Action> {
    plan.allowed().map(|change| change.action).collect()
}

#[test]
fn up_to_two_minutes_nothing_is_told() {
    for seconds in [-120, 0, 120] {
        assert_eq!(told(&seen_from(SignedDuration::from_secs(seconds))), None);
    }
}

#[test]
fn over_two_minutes_it_is_told_how_much_and_in_which_direction_and_everything_starts() {
    for (seconds, says) in [
        (121, "this machine's clock is 2 min ahead of Graph's"),
        (-121, "this machine's clock is 2 min behind Graph's"),
        (900, "this machine's clock is 15 min ahead of Graph's"),
        (-900, "this machine's clock is 15 min behind Graph's"),
    ] {
        let plan = seen_from(SignedDuration::from_secs(seconds));
        assert_eq!(told(&plan).as_deref(), Some(says));
        assert_eq!(starts(&plan), [Action::Enable, Action::Toggle]);
    }
}

#[test]
fn over_a_quarter_of_an_hour_no_toggle_starts_and_the_plan_shows_it_all_the_same() {
    for (seconds, says) in [
        (901, "this machine's clock is 15 min ahead of Graph's: no new toggle is started"),
        (-12_000, "this machine's clock is 3 h 20 min behind Graph's: no new toggle is started"),
        (7200, "this machine's clock is 2 h ahead of Graph's: no new toggle is started"),
    ] {
        let plan = seen_from(SignedDuration::from_secs(seconds));
        assert_eq!(told(&plan).as_deref(), Some(says));
        assert_eq!(starts(&plan), [Action::Enable]);
        assert_eq!(plan.summary().toggle, 1);
    }
}

#[test]
fn before_graph_was_heard_and_in_virtual_time_there_is_nothing_to_compare() {
    let tenant = tenant().user("megan", &[on()]).names("megan", Some(ASKED));
    let plan = tenant.plan();
    assert_eq!(told(&plan), None);
    assert_eq!(starts(&plan), [Action::Toggle]);
}
