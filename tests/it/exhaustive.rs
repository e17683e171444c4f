//! Everything that can happen in a small scope. `cargo run --release --example exhaustive` goes farther.

#[path = "../exhaustive/mod.rs"]
mod kit;

use kit::scope::{Budget, Role, Rule, Scope};
use kit::search::{Found, Model, Verdict, search};

/// Goes through a scope in which everything has to hold.
#[track_caller]
fn holds(scope: Scope) -> usize {
    let (found, told) = kit::explore(scope);
    assert_eq!(found.verdict, Verdict::Holds, "{told}");
    found.states
}

#[test]
fn whatever_goes_wrong_once_with_two_users_the_promises_hold() {
    let states = holds(Scope::of(&[Role::Toggle, Role::Toggle], Budget { leases: 0, ..Budget::any(1) }));
    assert!(states > 5_000, "{states}");
}

#[test]
fn whatever_goes_wrong_once_with_a_group_the_promises_hold() {
    let scope = Scope::of(&[Role::GroupToggle], Budget::any(1));
    let states = holds(Scope { has_dates: true, ..scope });
    assert!(states > 5_000, "{states}");
}

#[test]
fn two_crashes_lost_answers_and_stale_reads_of_a_user_break_no_promise() {
    let budget = Budget { all: 2, crashes: 2, losses: 2, stale: 2, ..Budget::default() };
    let states = holds(Scope::of(&[Role::Toggle], budget));
    assert!(states > 5_000, "{states}");
}

#[test]
fn a_run_that_loses_its_lease_and_one_more_fault_break_no_promise() {
    let budget = Budget { all: 2, crashes: 1, losses: 1, edits: 1, leases: 1, ..Budget::default() };
    let states = holds(Scope { has_dates: true, ..Scope::of(&[Role::Toggle], budget) });
    assert!(states > 5_000, "{states}");
}

#[test]
fn a_broken_promise_is_found_by_the_shortest_way() {
    let scope = Scope::of(&[Role::Toggle, Role::Enable], Budget::any(1));
    let (found, told) = kit::explore(Scope { rule: Rule::NobodyIsEverOff, ..scope });
    let Verdict::Broken { what, way } = found.verdict else { panic!("{told}") };
    // A run starts, a machine is started, it looks, writes its intent down and sends the off.
    assert_eq!((what.as_str(), way.len()), ("somebody is off", 5), "{told}");
    assert!(told.contains("OffIntent"), "{told}");
}

#[test]
fn a_disk_that_lies_about_an_intent_is_found_out_at_the_off() {
    let scope = Scope::of(&[Role::Toggle], Budget::default());
    let (found, told) = kit::explore(Scope { rule: Rule::IntentsAreLost, ..scope });
    let Verdict::Broken { what, way } = found.verdict else { panic!("{told}") };
    assert_eq!(
        (what.as_str(), way.len()),
        ("P2: the off leaves before its intent is in the journal", 5),
        "{told}"
    );
}

#[test]
fn a_world_that_stays_off_is_no_good_end() {
    let budget = Budget { all: 1, crashes: 1, ..Budget::default() };
    let (found, told) =
        kit::explore(Scope { rule: Rule::NobodyComesBack, ..Scope::of(&[Role::Enable], budget) });
    let Verdict::NoGoodEnd { way, until } = found.verdict else { panic!("{told}") };
    // It stands still where the crash leaves it: after the start of the run, and of nothing else.
    assert_eq!((way.len(), until), (2, 2), "{told}");
}

/// Numbers that are doubled, or made one more, up to a hundred; the goal is 64.
struct Doubling {
    /// A number that must not be reached.
    forbidden: u32,
    /// Numbers that end well.
    goal: u32,
    /// Whether a hundred begins at one again.
    comes_round: bool,
}

impl Model for Doubling {
    type State = u32;
    type Action = char;

    fn start(&self) -> u32 {
        1
    }

    fn actions(&self, state: &u32) -> Vec<char> {
        match *state {
            number if number == self.goal => Vec::new(),
            100.. if self.comes_round => vec!['0'],
            100.. => Vec::new(),
            _ => vec!['+', '*'],
        }
    }

    fn next(&self, state: &u32, action: char) -> Result<u32, String> {
        let next = match action {
            '+' => state + 1,
            '*' => (state * 2).min(100),
            _ => 1,
        };
        if next == self.forbidden { Err("forbidden".into()) } else { Ok(next) }
    }

    fn fingerprint(&self, state: &u32) -> u128 {
        u128::from(*state)
    }

    fn is_calm(&self, action: char) -> bool {
        action != '*'
    }

    fn is_good_end(&self, state: &u32) -> bool {
        *state == self.goal
    }
}

fn doubling(forbidden: u32, goal: u32, comes_round: bool) -> Found<char> {
    search(&Doubling { forbidden, goal, comes_round }, 1_000)
}

#[test]
fn the_shortest_way_is_told() {
    let way = |forbidden| match doubling(forbidden, 1_000, false).verdict {
        Verdict::Broken { way, .. } => way.into_iter().collect::<String>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(way(13).len(), 5, "1, 2, 3, 6, 12, 13");
    assert_eq!(way(64), "+*****");
}

#[test]
fn each_state_is_looked_at_once_and_a_bound_is_kept() {
    let found = doubling(0, 100, false);
    assert_eq!((found.states, found.verdict), (100, Verdict::Holds));
    assert_eq!((found.transitions, found.depth), (198, 11), "95 is eleven steps away");
    let found = search(&Doubling { forbidden: 0, goal: 100, comes_round: false }, 50);
    assert_eq!(found.verdict, Verdict::TooMany);
}

#[test]
fn standing_still_and_going_round_are_no_good_ends() {
    // From 65 on, adding never comes to 64; the first such number is seven steps away.
    let Verdict::NoGoodEnd { way, until } = doubling(0, 64, false).verdict else { panic!("it stands still") };
    assert!(until == 7 && way[until..].iter().all(|calm| *calm == '+'), "{way:?}");
    let Verdict::NoGoodEnd { way, .. } = doubling(0, 1_000, true).verdict else { panic!("it goes round") };
    assert!(way.ends_with(&['0']), "{way:?}");
}
