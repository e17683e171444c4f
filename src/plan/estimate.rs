//! What carrying the plan out would cost: requests, quota, time, and time off.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::change::{Action, Change, Step};
use crate::model::{GroupId, SignedDuration, SubjectKind};

/// Parts of one `$batch` (GRAPH 7).
const BATCH: u64 = 20;
/// So many batches of first looks leave before the first write: the driver works on forty at once. What is
/// looked at later travels with looks that follow a write.
const FIRST_LOOKS: u64 = 2;
/// Members in a page (GRAPH 2.2), and what a page takes in resource units (GRAPH 8.2).
const PAGE: u64 = 999;
const PAGE_UNITS: u64 = 2;
/// So many members of a group are asked for their date.
const WITNESSES: u64 = 100;
/// The quota of writes, less the fiftieth that the governor leaves of it (GRAPH 8.1), times ten. Writes of
/// different subjects run side by side, so the pace of a large plan is the quota's.
const WRITES_IN_TEN_SECONDS: u64 = 196;
/// Seconds that Graph takes for the members of a usual group; Microsoft names no number. After the off as
/// after the on.
const SECONDS_PER_GROUP: u64 = 120;
/// Looks at a group alone, and with all its members, in these seconds after a write. They become rarer, so
/// twice the seconds are not twice the looks.
const LOOKS_PER_GROUP_WRITE: u64 = 8;
const MEMBER_LOOKS_PER_GROUP_WRITE: u64 = 6;

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

impl Estimate {
    /// One after the other.
    #[must_use]
    pub fn and(self, next: Estimate) -> Estimate {
        Estimate {
            requests: self.requests + next.requests,
            resource_units: self.resource_units + next.resource_units,
            writes: self.writes + next.writes,
            seconds: self.seconds + next.seconds,
            off_user_minutes: self.off_user_minutes + next.off_user_minutes,
            waves: self.waves + next.waves,
        }
    }
}

/// How many members a group has, where that is known.
pub type Members<'a> = &'a dyn Fn(GroupId) -> Option<u64>;

/// Adds up the changes; toggles run in waves of `max_off` people. Nobody else writes meanwhile, and Graph
/// neither refuses nor lags.
pub fn estimate(changes: &[Change], max_off: u64, members: Members<'_>) -> Estimate {
    if changes.is_empty() {
        return Estimate::default();
    }
    let waves = Waves::of(changes, max_off);
    let mut asked: Asked = changes.iter().map(|change| of_one(change, members)).sum();
    asked.requests += waves.looked_at_first.div_ceil(BATCH).min(FIRST_LOOKS);
    // Later ones are looked at one by one, as there is room for them.
    asked.requests += waves.users_later;
    if let Some(first_back) = waves.date_watched {
        asked = asked.and(date_look(first_back, members));
    }
    let others = changes.iter().filter(|change| change.action != Action::Toggle).map(seconds_until_done);
    let pace = (changes.len() as u64 * 10).div_ceil(WRITES_IN_TEN_SECONDS);
    Estimate {
        requests: asked.requests,
        resource_units: asked.units,
        writes: asked.writes,
        seconds: waves.seconds.max(others.max().unwrap_or(0)) + pace,
        off_user_minutes: changes.iter().map(off_minutes).sum(),
        waves: waves.count,
    }
}

/// What is asked of Graph.
#[derive(Clone, Copy, Debug, Default)]
struct Asked {
    requests: u64,
    units: u64,
    writes: u64,
}

impl Asked {
    /// A write of licenses.
    const WRITE: Asked = Asked { requests: 1, units: 1, writes: 1 };
    /// A look at one user or group, in a request of its own.
    const LOOK: Asked = Asked { requests: 1, units: 1, writes: 0 };
    /// A look that travels with others.
    const SHARED_LOOK: Asked = Asked { requests: 0, units: 1, writes: 0 };

    fn and(self, other: Asked) -> Asked {
        Asked {
            requests: self.requests + other.requests,
            units: self.units + other.units,
            writes: self.writes + other.writes,
        }
    }

    fn times(self, times: u64) -> Asked {
        Asked { requests: self.requests * times, units: self.units * times, writes: self.writes * times }
    }
}

impl std::iter::Sum for Asked {
    fn sum<I: Iterator<Item = Asked>>(all: I) -> Asked {
        all.fold(Asked::default(), Asked::and)
    }
}

/// What one change asks for. A write of a user is followed by a look in a request of its own, because
/// writes end one by one.
fn of_one(change: &Change, members: Members<'_>) -> Asked {
    let on = Asked::WRITE.and(Asked::LOOK);
    let Some(group) = change.subject.id.group() else {
        return match change.action {
            Action::Enable => Asked::SHARED_LOOK.and(on),
            Action::Resume if is_due(change) => Asked::SHARED_LOOK.and(on),
            Action::Resume => Asked::LOOK.and(on),
            Action::Toggle => Asked::SHARED_LOOK.and(on.times(2)).and(Asked::LOOK),
        };
    };
    let whole = look_at_members(member_count(change, group, members));
    let watched = Asked::LOOK.times(LOOKS_PER_GROUP_WRITE).and(whole.times(MEMBER_LOOKS_PER_GROUP_WRITE));
    let on = Asked::WRITE.and(watched);
    match change.action {
        Action::Enable => whole.and(on),
        Action::Toggle => whole.and(on.times(2)).and(Asked::LOOK),
        Action::Resume if has_gate(change) => watched.and(Asked::LOOK).and(on),
        Action::Resume => Asked::LOOK.and(on),
    }
}

/// A look at a group with all its members.
fn look_at_members(members: u64) -> Asked {
    let pages = members.div_ceil(PAGE).max(1);
    Asked::LOOK.and(Asked { requests: pages, units: pages * PAGE_UNITS, writes: 0 })
}

/// So many users, read in batches.
fn users(count: u64) -> Asked {
    Asked { requests: count.div_ceil(BATCH), units: count, writes: 0 }
}

/// The look at the date of the first toggle that is back on, while others wait for their turn.
fn date_look(first_back: &Change, members: Members<'_>) -> Asked {
    match first_back.subject.id.group() {
        None => users(1).times(2),
        Some(group) => users(member_count(first_back, group, members).min(WITNESSES)).times(2),
    }
}

/// Where the tenant was not asked, those who are known to go off, or to have gone.
fn member_count(change: &Change, group: GroupId, members: Members<'_>) -> u64 {
    members(group).unwrap_or_else(|| match &change.resumes {
        Some(own) => own.people.max(own.members.len() as u64),
        None => change.people.len() as u64,
    })
}

fn is_due(change: &Change) -> bool {
    change.steps.iter().all(|step| !matches!(step, Step::Wait(wait) if seconds(*wait) > 0))
}

fn has_gate(change: &Change) -> bool {
    change.steps.iter().any(|step| matches!(step, Step::VerifyOff(_)))
}

fn off_minutes(change: &Change) -> u64 {
    match change.action {
        Action::Enable | Action::Resume => 0,
        Action::Toggle => change.people.len() as u64 * seconds_off(change).div_ceil(60),
    }
}

/// How long Graph works on what was written.
fn processing(change: &Change) -> u64 {
    match change.subject.id.kind() {
        SubjectKind::User => 0,
        SubjectKind::Group => SECONDS_PER_GROUP,
    }
}

/// How long the people of a toggle are off.
fn seconds_off(change: &Change) -> u64 {
    seconds(change.wait) + processing(change)
}

/// Seconds until an enable or a resume is seen on: the rest of its wait, and what Graph takes.
fn seconds_until_done(change: &Change) -> u64 {
    let step = |step: &Step| match step {
        Step::Wait(wait) => seconds(*wait),
        Step::VerifyOff(_) => SECONDS_PER_GROUP,
        Step::Off | Step::On | Step::VerifyOn => 0,
    };
    let before_on: u64 = match change.action {
        Action::Resume => change.steps.iter().map(step).sum(),
        Action::Enable | Action::Toggle => 0,
    };
    before_on + processing(change)
}

/// How toggles take turns.
#[derive(Default)]
struct Waves<'a> {
    /// Until the last one is seen on.
    seconds: u64,
    /// How often the run fills up to `max_off`.
    count: u64,
    /// Users of every action whose first look is at the start.
    looked_at_first: u64,
    /// Users whose toggle starts later.
    users_later: u64,
    /// Whose date is watched while others wait: the first that is back.
    date_watched: Option<&'a Change>,
}

impl<'a> Waves<'a> {
    /// Plays them through. The room of a toggle is free when its on was seen.
    fn of(changes: &'a [Change], max_off: u64) -> Waves<'a> {
        let looks_now = |change: &&Change| match change.action {
            Action::Enable => true,
            Action::Resume => is_due(change),
            Action::Toggle => false,
        };
        let is_user = |change: &Change| change.subject.id.kind() == SubjectKind::User;
        let at_once = changes.iter().filter(|change| is_user(change)).filter(looks_now).count();
        let mut waves = Waves { looked_at_first: at_once as u64, ..Waves::default() };
        let (mut now, mut off) = (0_u64, 0_u64);
        let mut running: BinaryHeap<Reverse<(u64, u64)>> = BinaryHeap::new();
        let mut first_back: Option<(u64, &Change)> = None;
        for change in changes.iter().filter(|change| change.action == Action::Toggle) {
            let people = change.people.len() as u64;
            let mut waited = waves.count == 0;
            while off > 0 && off + people > max_off {
                let Some(Reverse((ends, back))) = running.pop() else { break };
                waited |= ends > now;
                now = now.max(ends);
                off -= back;
            }
            waves.count += u64::from(waited);
            if is_user(change) {
                *(if now == 0 { &mut waves.looked_at_first } else { &mut waves.users_later }) += 1;
            }
            if now > 0 {
                waves.date_watched = first_back.map(|(_, first)| first);
            }
            let ends = now + seconds_off(change) + processing(change);
            first_back = Some(first_back.filter(|(first, _)| *first <= ends).unwrap_or((ends, change)));
            off += people;
            running.push(Reverse((ends, people)));
            waves.seconds = waves.seconds.max(ends);
        }
        waves
    }
}

fn seconds(duration: SignedDuration) -> u64 {
    u64::try_from(duration.as_secs()).unwrap_or(0)
}
