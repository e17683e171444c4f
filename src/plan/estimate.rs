//! What carrying the plan out would cost: requests, quota, time, and time off.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

use super::calendar::Calendar;
use super::change::{Action, Change, Step};
use super::rollout::{Canary, Past, need};
use crate::model::{GroupId, Rollout, SignedDuration, SubjectKind, Timestamp};

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
/// Of a large group, how many members it reaches in a second. A guess as well: 60,000 take the better part of an
/// hour, and Microsoft calls a day too long for so many (GRAPH 5.5).
const MEMBERS_PER_SECOND: u64 = 25;
/// Looks at a group alone, and with all its members, in these seconds after a write. They become rarer, so
/// twice the seconds are not twice the looks.
const LOOKS_PER_GROUP_WRITE: u64 = 5;
const MEMBER_LOOKS_PER_GROUP_WRITE: u64 = 9;

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
    /// How many times the run fills up to `maxOff`; the canary is a wave of its own.
    pub waves: u64,
    /// In how many windows toggles start; 0 where there is no window.
    pub windows: u64,
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
            windows: self.windows + next.windows,
        }
    }
}

/// How many members a group has, where that is known.
pub type Members<'a> = &'a dyn Fn(GroupId) -> Option<u64>;

/// What toggles have to keep to.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// How many people may be off at the same time.
    pub max_off: u64,
    /// Who goes first, and when.
    pub rollout: &'a Rollout,
    /// What earlier runs mean to that.
    pub past: Past,
    /// From when on.
    pub from: Timestamp,
}

/// Adds up the changes; toggles run in waves of `max_off` people, the canary first. Nobody else writes meanwhile,
/// and Graph neither refuses nor lags. The time until a window opens is not counted while nobody is off: no run
/// waits for it.
pub fn estimate(changes: &[Change], terms: Terms<'_>, members: Members<'_>) -> Estimate {
    if changes.is_empty() {
        return Estimate::default();
    }
    let others = changes.iter().filter(|change| change.action != Action::Toggle).map(seconds_until_done);
    let others = others.max().unwrap_or(0);
    let waves = Waves::of(changes, terms);
    let mut asked: Asked = changes.iter().map(|change| of_one(change, members)).sum();
    asked.requests += waves.looked_at_first.div_ceil(BATCH).min(FIRST_LOOKS);
    // Later ones are looked at one by one, as there is room for them.
    asked.requests += waves.users_later;
    if let Some(first_back) = waves.date_watched {
        asked = asked.and(date_look(first_back, members));
    }
    let pace = (changes.len() as u64 * 10).div_ceil(WRITES_IN_TEN_SECONDS);
    Estimate {
        requests: asked.requests,
        resource_units: asked.units,
        writes: asked.writes,
        seconds: waves.seconds.max(others) + pace,
        off_user_minutes: changes.iter().map(off_minutes).sum(),
        waves: waves.count,
        windows: waves.windows,
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

/// People times minutes that a change turns somebody off: none for one that only turns on.
pub fn off_minutes(change: &Change) -> u64 {
    match change.action {
        Action::Enable | Action::Resume => 0,
        Action::Toggle => change.people.len() as u64 * seconds_off(change).div_ceil(60),
    }
}

/// The same with what an earlier run began: from its off to the on that is due.
pub fn planned_minutes(change: &Change) -> u64 {
    match change.resumes.as_ref().filter(|own| own.recorded && own.counts_as_off()) {
        Some(own) => (own.people * seconds(own.due().duration_since(own.off_at()))).div_ceil(60),
        None => off_minutes(change),
    }
}

/// How long Graph works on what was written.
fn processing(change: &Change) -> u64 {
    match change.subject.id.kind() {
        SubjectKind::User => 0,
        SubjectKind::Group => SECONDS_PER_GROUP.max(change.people.len() as u64 / MEMBERS_PER_SECOND),
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

/// How toggles take turns, played through.
struct Waves<'a> {
    terms: Terms<'a>,
    /// Seconds from the start.
    now: u64,
    /// Seconds in which nobody was off, until a window opened.
    idle: u64,
    /// Until the last one is seen on.
    seconds: u64,
    /// How often the run fills up to `max_off`.
    count: u64,
    /// In how many windows something starts.
    windows: u64,
    /// The span in which something may start now, and for toggles that need how long that was looked up.
    open: Option<(SignedDuration, Range<Timestamp>)>,
    /// For toggles that need so long there is none.
    never: Option<SignedDuration>,
    /// Users of every action whose first look is at the start.
    looked_at_first: u64,
    /// Users whose toggle starts later.
    users_later: u64,
    /// Whose date is watched while others wait: the first that is back.
    date_watched: Option<&'a Change>,
    /// How many people are off; who is back when, and with how many people.
    off: u64,
    running: BinaryHeap<Reverse<(u64, u64)>>,
    canary: Option<Canary>,
}

impl<'a> Waves<'a> {
    /// Plays them through. The room of a toggle is free when its on was seen.
    fn of(changes: &'a [Change], terms: Terms<'a>) -> Waves<'a> {
        let looks_now = |change: &&Change| match change.action {
            Action::Enable => true,
            Action::Resume => is_due(change),
            Action::Toggle => false,
        };
        let at_once = changes.iter().filter(|change| is_user(change)).filter(looks_now).count();
        let mut waves = Waves {
            terms,
            now: 0,
            idle: 0,
            seconds: 0,
            count: 0,
            windows: 0,
            open: None,
            never: None,
            looked_at_first: at_once as u64,
            users_later: 0,
            date_watched: None,
            off: 0,
            running: BinaryHeap::new(),
            canary: None,
        };
        waves.begin(changes);
        let mut first_back: Option<(u64, &Change)> = None;
        for change in changes.iter().filter(|change| change.action == Action::Toggle) {
            let people = change.people.len() as u64;
            if !waves.wait_for_turn(change, people) {
                continue;
            }
            if is_user(change) {
                *(if waves.now == 0 { &mut waves.looked_at_first } else { &mut waves.users_later }) += 1;
            }
            if waves.now > 0 {
                waves.date_watched = first_back.map(|(_, first)| first);
            }
            let ends = waves.now + seconds_off(change) + processing(change);
            first_back = Some(first_back.filter(|(first, _)| *first <= ends).unwrap_or((ends, change)));
            waves.off += people;
            waves.running.push(Reverse((ends, people)));
            waves.seconds = waves.seconds.max(ends - waves.idle);
        }
        waves
    }

    /// Who is off already is the beginning of the canary.
    fn begin(&mut self, changes: &[Change]) {
        let past = self.terms.past;
        let Some(size) = self.terms.rollout.canary.filter(|size| past.came_back < *size) else { return };
        let off = changes.iter().filter_map(|change| change.resumes.as_ref().map(|own| (change, own)));
        let mut people = past.came_back;
        for (change, own) in off.filter(|(_, own)| own.recorded && own.counts_as_off()) {
            people += own.people;
            self.off += own.people;
            self.running.push(Reverse((seconds_until_done(change), own.people)));
        }
        self.canary = Some(Canary { size, people });
    }

    /// Lets time pass until it may start; false when that is never.
    fn wait_for_turn(&mut self, change: &Change, people: u64) -> bool {
        let mut waited = self.count == 0;
        if let Some(canary) = &mut self.canary {
            if canary.takes(people) {
                canary.people += people;
            } else {
                self.canary = None;
                waited |= self.wait_until(|waves| waves.running.is_empty());
            }
        }
        let max_off = self.terms.max_off;
        waited |= self.wait_until(|waves| waves.off == 0 || waves.off + people <= max_off);
        let Some(waited_for_window) = self.wait_for_window(need(change.wait, change.gate)) else {
            return false;
        };
        self.count += u64::from(waited || waited_for_window);
        true
    }

    /// Lets toggles come back until that is so; true when that took time.
    fn wait_until(&mut self, is_so: impl Fn(&Self) -> bool) -> bool {
        let before = self.now;
        while !is_so(self) {
            let Some(Reverse((ends, back))) = self.running.pop() else { break };
            self.now = self.now.max(ends);
            self.off -= back;
        }
        self.now > before
    }

    /// Goes on to the next span in which such a toggle may start; true when that took time, none when there
    /// is no such span.
    fn wait_for_window(&mut self, need: SignedDuration) -> Option<bool> {
        if !self.terms.rollout.has_times() {
            return Some(false);
        }
        let now = self.at(self.now);
        if self.open.as_ref().is_some_and(|(of, span)| *of == need && span.contains(&now)) {
            return Some(false);
        }
        if self.never == Some(need) {
            return None;
        }
        let Some(span) = Calendar::new(self.terms.rollout, need).next(now) else {
            self.never = Some(need);
            return None;
        };
        let is_new = self.open.as_ref().is_none_or(|(_, open)| open.end < span.start);
        self.windows += u64::from(is_new && !self.terms.rollout.windows.is_empty());
        let opens = seconds(span.start.duration_since(self.terms.from));
        self.open = Some((need, span));
        if opens <= self.now {
            return Some(false);
        }
        // Those who are off come back meanwhile; after the last of them nobody waits for the window.
        while self.running.peek().is_some_and(|Reverse((ends, _))| *ends <= opens) {
            let Some(Reverse((ends, back))) = self.running.pop() else { break };
            self.now = self.now.max(ends);
            self.off -= back;
        }
        if self.running.is_empty() {
            self.idle += opens - self.now;
        }
        self.now = opens;
        Some(true)
    }

    fn at(&self, seconds: u64) -> Timestamp {
        let seconds = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
        self.terms.from.saturating_add(seconds).unwrap_or(Timestamp::MAX)
    }
}

fn is_user(change: &Change) -> bool {
    change.subject.id.kind() == SubjectKind::User
}

fn seconds(duration: SignedDuration) -> u64 {
    u64::try_from(duration.as_secs()).unwrap_or(0)
}
