//! Plays the simulation of `tests/simulation`: `cargo run --release --example simulate -- --seeds 100000`.
//!
//! Prints toggles, faults by kind, kills survived and violations; exits 1 when a promise was broken.
//! `--seed N` plays one seed and tells what happened, `--from N` begins there.

#[path = "../tests/simulation/mod.rs"]
mod simulation;

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::Parser;

/// Plays random stories of runs that are killed, rivalled and rained upon
#[derive(Parser)]
struct Args {
    /// How many seeds are played
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Only this one, and everything that happens in it
    #[arg(long, conflicts_with_all = ["seeds", "from"])]
    seed: Option<u64>,
    /// End with the first that breaks a promise
    #[arg(long)]
    until_broken: bool,
    /// How many are played at the same time
    #[arg(long, default_value_t = 2)]
    threads: u64,
}

#[derive(Default)]
struct Sum {
    counts: BTreeMap<String, u64>,
    broken: BTreeMap<u64, Vec<String>>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let mut out = std::io::stdout();
    if let Some(seed) = args.seed {
        let played = simulation::play(seed);
        _ = writeln!(out, "{}{:#?}\n{:#?}", played.told, played.counts, played.violations);
        return code(played.violations.is_empty());
    }
    #[expect(clippy::disallowed_methods, reason = "how fast a simulation is, is about real time")]
    let began = std::time::Instant::now();
    let sum = play(&args);
    let seconds = began.elapsed().as_secs_f64();
    for (what, times) in &sum.counts {
        _ = writeln!(out, "{times:>12}  {what}");
    }
    for (seed, violations) in sum.broken.iter().take(20) {
        _ = writeln!(out, "seed {seed}: {}", violations.join("; "));
        _ = writeln!(out, "    repeat it: cargo run --release --example simulate -- --seed {seed}");
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = *sum.counts.get("toggles").unwrap_or(&0) as f64 / seconds;
    _ = writeln!(
        out,
        "{} seeds in {seconds:.1} s, {rate:.0} toggles a second, {} seeds break a promise",
        args.seeds,
        sum.broken.len()
    );
    code(sum.broken.is_empty())
}

fn play(args: &Args) -> Sum {
    let (next, sum) = (AtomicU64::new(args.from), Mutex::new(Sum::default()));
    let end = args.from + args.seeds;
    std::thread::scope(|scope| {
        for _ in 0..args.threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let is_over = args.until_broken && !sum.lock().expect("sound").broken.is_empty();
                    if seed >= end || is_over {
                        return;
                    }
                    let played = simulation::play(seed);
                    let mut sum = sum.lock().expect("sound");
                    for (what, times) in played.counts {
                        *sum.counts.entry(what).or_default() += times;
                    }
                    if !played.violations.is_empty() {
                        sum.broken.insert(seed, played.violations);
                    }
                }
            });
        }
    });
    sum.into_inner().expect("all threads are done")
}

fn code(is_sound: bool) -> ExitCode {
    if is_sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
