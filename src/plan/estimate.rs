//! What carrying the plan out would cost: requests, quota, time, and time off.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::change::{Action, Change, Step};
use crate::model::{SignedDuration, SubjectKind};

/// One write of a license and the reads around it: the list before, the look after. Reads go 20 to
/// a request, so per subject they cost a tenth of a request but a resource unit each (GRAPH 7, 8.2).
const READS_PER_WRITE: u64 = 2;
/// Parts of one `$batch`.
const BATCH: u64 = 20;
/// Writes go one at a time (GRAPH 4.5), and a request takes about a tenth of a second; the quota allows
/// twice as many (GRAPH 8.1). A guess, for nobody was throttled when it was made.
const WRITES_PER_SECOND: u64 = 10;
/// Seconds that Graph takes for the members of a usual group; Microsoft names no number.
const SECONDS_PER_GROUP: u64 = 120;

/// What carrying a plan out would cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    /// HTTP requests.
    pub requests: u64,
    /// Graph's resource units (GRAPH 8.2).
    pub resource_units: u64,
    /// License writes.
    pub writes: u64,
    /// From start to end.
    pub seconds: u64,
    /// People times minutes off.
    pub off_user_minutes: u64,
    /// How many times the run fills up to `maxOff`.
    pub waves: u64,
}

/// Adds up the changes; toggles run in waves of `max_off` people.
pub(super) fn estimate(changes: &[Change], max_off: u64) -> Estimate {
    let all_writes: u64 = changes.iter().map(writes).sum();
    let member_reads: u64 = changes.iter().map(|change| member_reads(change) * writes(change)).sum();
    let reads = all_writes * READS_PER_WRITE + member_reads;
    let (toggling, waves) = toggling(changes, max_off);
    let resuming = changes.iter().filter(|change| change.action == Action::Resume).map(seconds_until_on);
    Estimate {
        requests: all_writes + reads.div_ceil(BATCH),
        resource_units: all_writes + reads,
        writes: all_writes,
        seconds: toggling.max(resuming.max().unwrap_or(0)) + all_writes.div_ceil(WRITES_PER_SECOND),
        off_user_minutes: changes.iter().map(off_minutes).sum(),
        waves,
    }
}

fn writes(change: &Change) -> u64 {
    match change.action {
        Action::Resume | Action::Enable => 1,
        Action::Toggle => 2,
    }
}

fn member_reads(change: &Change) -> u64 {
    match change.subject.id.kind() {
        SubjectKind::User => 0,
        SubjectKind::Group => change.people.len() as u64,
    }
}

fn off_minutes(change: &Change) -> u64 {
    match change.action {
        Action::Enable | Action::Resume => 0,
        Action::Toggle => change.people.len() as u64 * seconds_off(change).div_ceil(60),
    }
}

/// How long the people of a toggle are off.
fn seconds_off(change: &Change) -> u64 {
    let processing = match change.subject.id.kind() {
        SubjectKind::User => 0,
        SubjectKind::Group => SECONDS_PER_GROUP,
    };
    seconds(change.wait) + processing
}

/// Plays the waves through: seconds until the last toggle is back on, and how often the run had to
/// wait for room under `max_off`.
fn toggling(changes: &[Change], max_off: u64) -> (u64, u64) {
    let (mut now, mut off, mut waves, mut end) = (0_u64, 0_u64, 0_u64, 0_u64);
    let mut running: BinaryHeap<Reverse<(u64, u64)>> = BinaryHeap::new();
    for change in changes.iter().filter(|change| change.action == Action::Toggle) {
        let people = change.people.len() as u64;
        let mut waited = waves == 0;
        while off > 0 && off + people > max_off {
            let Some(Reverse((ends, back))) = running.pop() else { break };
            waited |= ends > now;
            now = now.max(ends);
            off -= back;
        }
        waves += u64::from(waited);
        off += people;
        running.push(Reverse((now + seconds_off(change), people)));
        end = end.max(now + seconds_off(change));
    }
    (end, waves)
}

fn seconds(duration: SignedDuration) -> u64 {
    u64::try_from(duration.as_secs()).unwrap_or(0)
}

/// How long the people of a resumed toggle stay off: the rest of its wait, and the gate of a group.
fn seconds_until_on(change: &Change) -> u64 {
    let step = |step: &Step| match step {
        Step::Wait(wait) => seconds(*wait),
        Step::VerifyOff(_) => SECONDS_PER_GROUP,
        Step::Off | Step::On | Step::VerifyOn => 0,
    };
    change.steps.iter().map(step).sum()
}
