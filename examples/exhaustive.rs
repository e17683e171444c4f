//! Goes through everything that can happen in a small scope (`tests/exhaustive`):
//! `cargo run --release --example exhaustive`.
//!
//! Prints states, transitions, depth and seconds; exits 1 with the shortest counterexample when a promise
//! breaks. A scope is who is declared (`--subjects toggle,enable,group`) and how much goes wrong (`--faults 2`).

#[path = "../tests/exhaustive/mod.rs"]
mod exhaustive;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use exhaustive::scope::{Budget, Role, Scope};
use exhaustive::search::Verdict;

/// Goes through everything that can happen to some subjects while some things go wrong
#[derive(Parser)]
struct Args {
    /// Who is declared
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["toggle"])]
    subjects: Vec<Subject>,
    /// How many things go wrong on one way: crashes, lost answers, stale reads, edits, refusals, stalls
    #[arg(long, default_value_t = 2)]
    faults: u8,
    /// The tenant's own dates can be read
    #[arg(long)]
    dates: bool,
    /// Runs lose their lease as well; needs --dates, because a record can be lost that way
    #[arg(long, requires = "dates")]
    leases: bool,
    /// More states than that are too many
    #[arg(long, default_value_t = 20_000_000)]
    most: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum Subject {
    /// A user that is on and has to be toggled
    Toggle,
    /// A user that is off and has to be on
    Enable,
    /// A group that has to be toggled
    Group,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let role = |subject: &Subject| match subject {
        Subject::Toggle => Role::Toggle,
        Subject::Enable => Role::Enable,
        Subject::Group => Role::GroupToggle,
    };
    let roles: Vec<Role> = args.subjects.iter().map(role).collect();
    let budget = Budget { leases: u8::from(args.leases), ..Budget::any(args.faults) };
    let scope = Scope { has_dates: args.dates, most_states: args.most, ..Scope::of(&roles, budget) };
    #[allow(clippy::disallowed_methods, reason = "how long it takes is no part of what is searched")]
    let begun = std::time::Instant::now();
    let (found, told) = exhaustive::explore(scope);
    let seconds = begun.elapsed().as_secs_f64();
    _ = writeln!(
        std::io::stdout(),
        "{told}{} states, {} transitions, depth {}, {seconds:.1} s",
        found.states,
        found.transitions,
        found.depth
    );
    if found.verdict == Verdict::Holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
