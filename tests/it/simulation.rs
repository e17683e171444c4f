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

#[test]
fn whatever_goes_wrong_the_promises_hold() {
    let counts = seeds(0..100);
    assert!(counts["toggles"] > 20, "{counts:#?}");
}
