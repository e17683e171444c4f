//! The rollout of a run, step by step.

use uuid::Uuid;

use super::*;
use crate::model::{SubjectId, UserId};
use crate::plan::rollout::need;

fn subject(index: usize) -> Subject {
    let id = SubjectId::User(UserId(Uuid::from_u128(index as u128)));
    Subject { id, name: format!("user{index}@contoso.com") }
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

const NOW: &str = "2026-11-24T10:00:00Z";

fn hour() -> SignedDuration {
    need(SignedDuration::from_mins(60), SignedDuration::ZERO)
}

fn canary_of(size: u64) -> Rollout {
    Rollout { canary: Some(size), ..Rollout::default() }
}

fn course(rollout: Rollout) -> Course {
    Course::new(rollout, Past::default(), std::iter::empty())
}

impl Course {
    fn holds(&mut self, people: u64) -> Option<Held> {
        self.holds_start(people, hour(), at(NOW), at(NOW))
    }

    /// Starts so many users, one after the other; how many may.
    fn start_users(&mut self, indices: std::ops::Range<usize>) -> usize {
        let mut started = 0;
        for index in indices {
            if self.holds(1).is_some() {
                break;
            }
            self.starts(index, 1);
            started += 1;
        }
        started
    }

    fn end(&mut self, index: usize, outcome: Outcome) -> bool {
        let was_stopped = self.stop().is_some();
        self.ends(index, (&subject(index), 1), outcome, true);
        !was_stopped && self.stop().is_some()
    }
}

#[test]
fn nobody_else_starts_before_every_one_of_the_canary_is_back() {
    let mut course = course(canary_of(3));
    assert_eq!(course.start_users(0..10), 3);
    course.end(0, Outcome::Toggled);
    course.end(1, Outcome::Toggled);
    assert_eq!(course.holds(1), Some(Held::ForCanary), "one is still off");
    course.end(2, Outcome::Toggled);
    assert_eq!(course.start_users(3..10), 7);
}

#[test]
fn a_canary_counts_people_and_is_at_least_one_subject() {
    let mut course = course(canary_of(5));
    course.starts(0, 3);
    assert_eq!(course.holds(3), Some(Held::ForCanary), "six would be too many");
    assert_eq!(course.holds(2), None);
    let mut groups = self::course(canary_of(5));
    assert_eq!(groups.holds(40), None, "the smallest there is");
    groups.starts(0, 40);
    assert_eq!(groups.holds(1), Some(Held::ForCanary));
}

#[test]
fn whoever_never_went_off_is_replaced_and_whoever_did_not_come_back_stops_the_rest() {
    let mut stale = course(canary_of(2));
    assert_eq!(stale.start_users(0..5), 2);
    assert!(!stale.end(0, Outcome::Skipped));
    assert_eq!(stale.start_users(2..5), 1, "the next one takes the place");
    for outcome in Outcome::ALL.into_iter().filter(|outcome| outcome.went_wrong()) {
        let mut course = course(canary_of(2));
        assert_eq!(course.start_users(0..5), 2);
        assert!(course.end(1, outcome), "{outcome:?} is told");
        assert_eq!(course.stop(), Some(&Stop::CanaryFailed(Some(subject(1)))));
        // Not even the other one of the canary, if its off has not been sent.
        assert!(matches!(course.holds_off(hour(), at(NOW), at(NOW)), Some(Held::Stopped(_))));
        assert!(!course.end(0, Outcome::Toggled), "told once");
        assert!(matches!(course.holds(1), Some(Held::Stopped(_))), "and it stays so");
    }
}

#[test]
fn a_toggle_that_was_never_seen_off_proves_nothing() {
    let mut course = Course::new(canary_of(1), Past::default(), [(0, 1)].into_iter());
    course.ends(0, (&subject(0), 1), Outcome::Resumed, false);
    assert_eq!(course.start_users(1..5), 1, "the next one is the canary");
}

#[test]
fn whom_earlier_runs_left_off_is_the_first_of_the_canary() {
    let mut course = Course::new(canary_of(3), Past::default(), [(0, 1), (1, 1), (2, 1)].into_iter());
    assert_eq!(course.holds(1), Some(Held::ForCanary));
    (0..3).for_each(|index| _ = course.end(index, Outcome::Resumed));
    assert_eq!(course.start_users(3..9), 6);
}

#[test]
fn who_came_back_in_earlier_runs_has_been_the_canary() {
    let past = Past { came_back: 3, ..Past::default() };
    assert_eq!(Course::new(canary_of(3), past, std::iter::empty()).start_users(0..9), 9);
    assert_eq!(Course::new(canary_of(5), past, std::iter::empty()).start_users(0..9), 2, "two are missing");
}

#[test]
fn a_canary_that_left_members_in_error_has_failed_and_others_have_not() {
    let mut course = course(canary_of(1));
    assert_eq!(course.start_users(0..2), 1);
    course.left_in_error(5, &subject(5));
    assert_eq!(course.stop(), None, "it is none of the canary");
    course.left_in_error(0, &subject(0));
    assert_eq!(course.stop(), Some(&Stop::CanaryFailed(Some(subject(0)))));
}

#[test]
fn a_canary_that_failed_beside_others_who_were_off_stays_failed() {
    let past = Past { has_failed: true, ..Past::default() };
    let mut course = Course::new(canary_of(3), past, [(0, 1)].into_iter());
    course.end(0, Outcome::Resumed);
    assert_eq!(course.holds(1), Some(Held::Stopped(Stop::CanaryFailed(None))));
}

#[test]
fn after_as_many_failures_as_are_allowed_no_further_toggle_starts() {
    let mut course = course(Rollout { max_failures: Some(2), ..Rollout::default() });
    assert_eq!(course.start_users(0..5), 5);
    course.end(0, Outcome::Failed);
    course.end(1, Outcome::CutShort);
    course.end(2, Outcome::Skipped);
    assert_eq!(course.holds(1), None, "what others do is no failure of ours");
    assert!(course.end(3, Outcome::NoEffect));
    assert_eq!(course.holds(1), Some(Held::Stopped(Stop::TooManyFailures(2))));
}

#[test]
fn both_bounds_of_the_clock_have_to_lie_in_the_window() {
    let windows = vec!["Tue 10:00-11:00 UTC".parse().expect("a window")];
    let mut course = course(Rollout { windows, ..Rollout::default() });
    let mut held = |now: &str, latest: &str| course.holds_off(hour(), at(now), at(latest));
    let opens = Some(Held::Until(at("2026-11-24T10:00:00Z")));
    assert_eq!(held("2026-11-24T09:59:59Z", "2026-11-24T10:00:01Z"), opens, "perhaps not open yet");
    assert_eq!(held("2026-11-24T10:00:00Z", "2026-11-24T10:00:02Z"), None);
    let next = Some(Held::Until(at("2026-12-01T10:00:00Z")));
    assert_eq!(held("2026-11-24T10:59:59Z", "2026-11-24T11:00:00Z"), next, "perhaps closed");
}

#[test]
fn what_holds_back_says_how_it_ends_and_what_to_do() {
    let windows = vec!["Sat 22:00-04:00 Europe/Berlin".parse().expect("a window")];
    let by = Some("07:00 Europe/Berlin".parse().expect("a deadline"));
    let mut course = course(Rollout { windows, must_be_on_by: by, ..Rollout::default() });
    let held = course.holds(1).expect("it is Tuesday");
    let (outcome, trouble) = held.end(&course);
    assert_eq!((outcome, trouble.code.as_str()), (Outcome::Pending, "not-now"));
    assert_eq!(
        trouble.message,
        "not started: `window` lets toggles start Sat 22:00-04:00 Europe/Berlin, and `mustBeOnBy` is 07:00 \
         Europe/Berlin; run again at 2026-11-28T21:00:00Z or later"
    );
    let (outcome, trouble) = Held::Stopped(Stop::TooManyFailures(1)).end(&course);
    assert_eq!((outcome, trouble.code.as_str()), (Outcome::Skipped, "too-many-failures"));
}
