//! Everything that can happen, in a small scope. The machines are pure, so all their interleavings with
//! crashes, lost answers, lagging reads, an administrator, a second run and the clock can be gone through,
//! breadth first: real machines, real records, the real `replay`, `resume` and `Job::new`.
//!
//! In every state and at every write the promises are asked ([`promises`]); and from every state a world in
//! which nothing goes wrong any more has to end with everybody on who can be.

mod doing;
mod fingerprint;
mod journal;
mod model;
mod planner;
mod process;
mod promises;
pub mod scope;
pub mod search;
mod tenant;

use std::fmt::Write;

pub use model::Action;
use model::World;
use scope::Scope;
use search::{Found, Model, Verdict, search};

/// Goes through all of a scope.
pub fn explore(scope: Scope) -> (Found<Action>, String) {
    let most_states = scope.most_states;
    let world = World::new(scope);
    let found = search(&world, most_states);
    let told = tell(&world, &found);
    (found, told)
}

/// What was found, in words; a counterexample step by step.
fn tell(world: &World, found: &Found<Action>) -> String {
    let mut out = String::new();
    match &found.verdict {
        Verdict::Holds => out.push_str("no promise breaks, and everything ends on\n"),
        Verdict::TooMany => out.push_str("there are more states than that\n"),
        Verdict::Broken { what, way } => {
            let (before, last) = way.split_at(way.len() - 1);
            walk(world, before, usize::MAX, &mut out);
            _ = writeln!(out, "{:>8}  {:?}\nafter {} steps: {what}", "", last[0], way.len());
        }
        Verdict::NoGoodEnd { way, until } => {
            walk(world, way, *until, &mut out);
            _ = writeln!(out, "after {until} steps there is a calm way that never ends with everybody on");
        }
    }
    out
}

/// Takes the actions again, and says what came of each.
fn walk(world: &World, way: &[Action], until: usize, out: &mut String) {
    let mut state = world.start();
    let begin = state.now;
    for (number, action) in way.iter().enumerate() {
        if number == until {
            out.push_str("from here on nothing goes wrong any more\n");
        }
        let records = state.journal.records().len();
        state = world.next(&state, *action).expect("it went well before");
        let seconds = state.now.duration_since(begin).as_secs();
        _ = writeln!(out, "{seconds:>6} s  {action:?}");
        for record in &state.journal.records()[records..] {
            _ = writeln!(out, "          {:?}", record.entry);
        }
    }
}
