//! Inputs that nobody writes by hand: seeds, changed in ways that a fuzzer chooses.
//!
//! Random bytes are refused by the first reader and find nothing. So the fuzzer's bytes are *choices*:
//! which node of a valid input is taken away, doubled, swapped with another or made into something else,
//! and which bytes are changed after that (`mutate`). Any engine of `bolero` can drive it.
//!
//! `cargo test` plays a second or two of each. For longer, one target at a time:
//!
//! ```sh
//! ADVAUDIT_FUZZ_SECONDS=3600 cargo test --release --test it fuzz::manifest::target -- --nocapture
//! ```
//!
//! That is random, in a process whose memory is looked at in the end.

mod graph;
mod journal;
mod manifest;
mod mutate;
mod plan_file;

use std::cell::Cell;
use std::time::Duration;

use advaudit::clock::Clock;
use advaudit::model::SignedDuration;
use advaudit::report::output::Output;
use mutate::Choices;

/// How long each target plays in an ordinary run of the tests.
const SHORT: Duration = Duration::from_millis(1500);

/// No single input may take longer; a debug build on a busy machine is slow.
const LONGEST: SignedDuration = SignedDuration::from_secs(10);

/// More memory than any input may make the process use. Only looked at in long runs, where nothing else
/// runs in the process.
const MOST_KILOBYTES: u64 = 1024 * 1024;

/// Plays one target for its time and says how often.
fn play(name: &'static str, one: impl Fn(&mut Choices<'_>) + std::panic::RefUnwindSafe) {
    let seconds = std::env::var("ADVAUDIT_FUZZ_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    let time = seconds.map_or(SHORT, Duration::from_secs);
    let played = std::panic::AssertUnwindSafe(Cell::new(0_u64));
    let count = &played;
    bolero::check!().with_test_time(time).with_iterations(usize::MAX).with_max_len(512).for_each(
        move |input: &[u8]| {
            let clock = Clock::system();
            let begun = clock.ticks();
            one(&mut Choices::new(input));
            let taken = clock.ticks() - begun;
            assert!(taken < LONGEST, "{name}: one input took {taken}");
            count.set(count.get() + 1);
        },
    );
    assert!(played.get() > 0, "{name}: nothing was played");
    if seconds.is_some() {
        let most = most_kilobytes();
        let inputs = played.get();
        Output { no_colour: true, ..Output::default() }
            .say(&format!("{name}: {inputs} inputs in {} s, at most {most:?} kB", time.as_secs()));
        assert!(most.is_none_or(|most| most < MOST_KILOBYTES), "{name}: {most:?} kB");
    }
}

/// The most memory that this process has used, where the system says so.
fn most_kilobytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
