//! The simulation, some thousand seeds of it. `cargo run --release --example simulate` plays more.

#[path = "../simulation/mod.rs"]
mod kit;

use std::collections::BTreeMap;

/// Plays those seeds; fails with the first that breaks a promise, and how to repeat it.
fn seeds(range: std::ops::Range<u64>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for seed in range {
        let played = kit::play(seed);
        assert!(
            played.violations.is_empty(),
            "{}\nseed {seed} breaks a promise:\n{}\nrepeat it: cargo run --example simulate -- --seed {seed}",
            played.told,
            played.violations.join("\n")
        );
        for (what, times) in played.counts {
            *counts.entry(what).or_default() += times;
        }
    }
    counts
}

/// A simulation in which nothing happens proves nothing.
#[track_caller]
fn much_happened(counts: &BTreeMap<String, u64>) {
    let wanted = [
        "toggles",
        "kills survived",
        "power lost",
        "rivals",
        "deeds of others",
        "disk full",
        "clock jump",
        "wrong date",
        "state lost",
        "fault throttled",
        "fault unavailable",
        "fault dropped",
        "fault lost",
        "fault truncated",
        "fault page",
        "fault conflict",
        "fault expired",
        "fault store lost request",
        "fault store lost answer",
        "fault store works late",
        "fault store out of reach",
        // A canary that fails is rare here; `tests/it/rollout.rs` and `apply/rollout` have those stories.
        "code waits-for-canary",
        "code not-now",
    ];
    for what in wanted {
        assert!(counts.get(what).is_some_and(|times| *times > 5), "hardly any `{what}`: {counts:#?}");
    }
}

// Two halves, because there are two cores.

#[test]
fn whatever_goes_wrong_the_promises_hold_1() {
    much_happened(&seeds(0..1000));
}

#[test]
fn whatever_goes_wrong_the_promises_hold_2() {
    much_happened(&seeds(1000..2000));
}

/// What happened and when, without the ids of runs, which no seed decides.
fn happened(played: &kit::Played) -> Vec<&str> {
    let (_, lines) = played.told.split_once("--- what happened").expect("told");
    lines.lines().map(|line| line.split(": run ").next().unwrap_or(line)).collect()
}

#[test]
fn the_same_seed_tells_the_same_story() {
    for seed in 0..5 {
        let (one, two) = (kit::play(seed), kit::play(seed));
        assert_eq!(one.counts, two.counts, "seed {seed}");
        assert_eq!(happened(&one), happened(&two), "seed {seed}");
    }
}
