//! The calendar against clocks on walls that are read minute by minute, for a year with its changes.

use jiff::ToSpan;
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;

fn rollout(windows: &[&str], must_be_on_by: Option<&str>) -> Rollout {
    Rollout {
        windows: windows.iter().map(|text| text.parse().expect("a window")).collect(),
        must_be_on_by: must_be_on_by.map(|text| text.parse().expect("a deadline")),
        ..Rollout::default()
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn mins(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

/// The first span from a time on, in words.
fn next(rollout: &Rollout, need: i64, from: &str) -> String {
    match Calendar::new(rollout, mins(need)).next(at(from)) {
        Some(span) if span.end == Timestamp::MAX => format!("{} on", span.start),
        Some(span) => {
            format!("{} until {}", span.start, Timestamp::from_second(span.end.as_second()).expect("one"))
        }
        None => "never".to_owned(),
    }
}

#[test]
fn without_windows_and_deadlines_everything_may_start_now() {
    let (always, now) = (Rollout::default(), "2026-11-24T10:00:00Z");
    assert_eq!(next(&always, 65, now), "2026-11-24T10:00:00Z on");
}

#[test]
fn what_is_past_midnight_belongs_to_the_day_on_which_the_window_began() {
    let night = rollout(&["Sat 22:00-04:00 Europe/Berlin"], None);
    let span = "2026-11-28T21:00:00Z until 2026-11-29T03:00:00Z";
    assert_eq!(next(&night, 65, "2026-11-24T10:00:00Z"), span);
    // Sunday at 02:00 is still in it, Saturday at 02:00 is not.
    assert_eq!(next(&night, 65, "2026-11-29T01:00:00Z"), "2026-11-29T01:00:00Z until 2026-11-29T03:00:00Z");
    assert_eq!(next(&night, 65, "2026-11-28T01:00:00Z"), span);
    assert_eq!(next(&night, 65, "2026-11-29T03:00:00Z"), "2026-12-05T21:00:00Z until 2026-12-06T03:00:00Z");
}

#[test]
fn a_toggle_starts_only_if_it_can_be_back_on_by_the_deadline() {
    let night = rollout(&["Sat 22:00-04:00 UTC"], Some("Sun 03:00 UTC"));
    assert_eq!(next(&night, 65, "2026-11-28T22:30:00Z"), "2026-11-28T22:30:00Z until 2026-11-29T01:55:00Z");
    let calendar = Calendar::new(&night, mins(65));
    assert!(calendar.allows(at("2026-11-29T01:55:00Z")), "just in time");
    assert!(!calendar.allows(at("2026-11-29T01:55:01Z")), "a second too late");
    // After Sunday's deadline the next one is a week away.
    assert_eq!(next(&night, 65, "2026-11-29T02:00:00Z"), "2026-11-29T03:00:00Z until 2026-11-29T04:00:00Z");
}

#[test]
fn once_the_moment_is_over_nothing_starts_any_more() {
    let once = rollout(&[], Some("2026-11-29T07:00:00Z"));
    assert_eq!(next(&once, 65, "2026-11-28T22:00:00Z"), "2026-11-28T22:00:00Z until 2026-11-29T05:55:00Z");
    assert_eq!(next(&once, 65, "2026-11-29T05:56:00Z"), "never");
}

#[test]
fn what_takes_longer_than_there_is_from_opening_to_deadline_never_fits() {
    let short = rollout(&["Sat 22:00-22:20 UTC"], Some("22:30 UTC"));
    assert_eq!(next(&short, 65, "2026-11-24T10:00:00Z"), "never");
    assert_eq!(next(&short, 10, "2026-11-24T10:00:00Z"), "2026-11-28T22:00:00Z until 2026-11-28T22:20:00Z");
}

#[test]
fn a_time_that_the_clocks_jump_over_is_the_moment_of_the_jump() {
    let jump = rollout(&["Sun 02:30-05:00 Europe/Berlin"], None);
    assert_eq!(next(&jump, 65, "2026-03-28T12:00:00Z"), "2026-03-29T01:00:00Z until 2026-03-29T03:00:00Z");
    // And where it comes twice, the first one counts: for opening as for closing.
    assert_eq!(next(&jump, 65, "2026-10-24T12:00:00Z"), "2026-10-25T00:30:00Z until 2026-10-25T04:00:00Z");
    let twice = rollout(&["Sat 23:00-02:30 Europe/Berlin"], None);
    assert_eq!(next(&twice, 65, "2026-10-24T12:00:00Z"), "2026-10-24T21:00:00Z until 2026-10-25T00:30:00Z");
}

const ZONES: [&str; 6] = [
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",    // its clocks jump at midnight
    "Australia/Lord_Howe", // by half an hour
    "Asia/Kolkata",
    "UTC",
];

/// A year, in minutes.
const YEAR: i64 = 366 * 24 * 60;

fn start() -> Timestamp {
    at("2026-01-15T00:00:00Z")
}

/// What the clocks of a zone have shown at most up to each minute: so it is seen what time has come there.
fn walls(zone: &str) -> Vec<DateTime> {
    let zone = TimeZone::get(zone).expect("a zone");
    let mut most = DateTime::MIN;
    let all = (0..YEAR).map(|minute| {
        most = most.max(zone.to_datetime(start() + minute.minutes()));
        most
    });
    all.collect()
}

fn is_day(days: &str, day: DateTime) -> bool {
    let word = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let own = word[usize::try_from(day.weekday().to_monday_zero_offset()).expect("0 to 6")];
    days == "daily" || days.split(',').any(|word| word == own)
}

/// Some policy, in the words of a manifest, beside the parts that it is made of.
#[derive(Clone, Debug)]
struct Policy {
    zone: &'static str,
    days: &'static str,
    opens: i16,
    closes: i16,
    deadline_zone: &'static str,
    deadline_days: &'static str,
    deadline: Option<i16>,
    need: i64,
}

fn clock(minutes: i16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

fn time(minutes: i16) -> Time {
    Time::midnight() + i64::from(minutes).minutes()
}

impl Policy {
    fn rollout(&self) -> Rollout {
        let window = format!("{} {}-{} {}", self.days, clock(self.opens), clock(self.closes), self.zone);
        let deadline = |at| format!("{} {} {}", self.deadline_days, clock(at), self.deadline_zone);
        rollout(&[&window], self.deadline.map(deadline).as_deref())
    }

    /// By looking at the clocks every minute.
    fn by_the_clocks(&self) -> Vec<bool> {
        let deadlines = self.deadline.map(|deadline| self.minutes_left(deadline));
        let walls = walls(self.zone);
        let in_time = |minute: usize| {
            deadlines.as_ref().is_none_or(|left| left[minute].is_none_or(|left| self.need <= left))
        };
        let open = walls.iter().map(|wall| self.is_open(*wall));
        open.enumerate().map(|(minute, open)| open && in_time(minute)).collect()
    }

    fn is_open(&self, wall: DateTime) -> bool {
        [wall.date(), wall.date().yesterday().expect("a day")].into_iter().any(|date| {
            let opens = date.to_datetime(time(self.opens));
            let closing = if self.closes < self.opens { date.tomorrow().expect("a day") } else { date };
            is_day(self.days, opens) && wall >= opens && wall < closing.to_datetime(time(self.closes))
        })
    }

    /// The minutes from each minute to the next deadline after it, as far as the year goes.
    fn minutes_left(&self, deadline: i16) -> Vec<Option<i64>> {
        let walls = walls(self.deadline_zone);
        let mut left = vec![None; walls.len()];
        let mut next = None;
        for minute in (1..walls.len()).rev() {
            let date = walls[minute].date();
            let moment = date.to_datetime(time(deadline));
            if is_day(self.deadline_days, moment) && walls[minute] >= moment && walls[minute - 1] < moment {
                next = Some(minute);
            }
            left[minute - 1] = next.map(|next| (next - (minute - 1)) as i64);
        }
        left
    }
}

fn policies() -> impl Strategy<Value = Policy> {
    let zone = || proptest::sample::select(&ZONES[..]);
    let days = || proptest::sample::select(&["daily", "Sat", "Sat,Sun", "Mon,Tue,Wed,Thu,Fri", "Sun"][..]);
    let of_day = || prop_oneof![0..24_i16 * 60, 0..4_i16 * 60]; // changes of the clocks are in the small hours
    let times = (of_day(), of_day()).prop_filter("opens before it closes", |(opens, closes)| opens != closes);
    let deadline = proptest::option::of(of_day());
    (zone(), days(), times, zone(), days(), deadline, 0..300_i64).prop_map(
        |(zone, days, (opens, closes), deadline_zone, deadline_days, deadline, need)| Policy {
            zone,
            days,
            opens,
            closes,
            deadline_zone,
            deadline_days,
            deadline,
            need,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn toggles_may_start_when_the_clocks_on_the_walls_say_so(policy in policies()) {
        let (rollout, told) = (policy.rollout(), policy.by_the_clocks());
        let calendar = Calendar::new(&rollout, mins(policy.need));
        // Towards the end of the year the next deadline is not known to the clocks any more.
        let until = told.len() - 15 * 24 * 60;
        let mut minute = 0;
        while minute < until {
            let now = start() + (minute as i64).minutes();
            let span = calendar.next(now);
            let begins = span.as_ref().map_or(i64::MAX, |span| span.start.duration_since(start()).as_mins());
            let ends = span.map_or(i64::MAX, |span| {
                (span.end.duration_since(start()).as_nanos() as i64 + 59_999_999_999) / 60_000_000_000
            });
            let begins = usize::try_from(begins).unwrap_or(usize::MAX).min(until);
            let ends = usize::try_from(ends).unwrap_or(usize::MAX).min(until);
            prop_assert!(begins < ends || begins == until, "a span at {now}");
            prop_assert_eq!(told[minute..begins].iter().position(|allowed| *allowed), None, "before, at {}", now);
            prop_assert_eq!(told[begins..ends].iter().position(|allowed| !allowed), None, "in it, at {}", now);
            minute = ends.max(begins);
        }
    }
}
