//! What is reckoned from answers, by examples and over random networks.

use proptest::prelude::*;

use super::*;

const NOON: i64 = 1_795_348_800;

fn millis(millis: i64) -> SignedDuration {
    SignedDuration::from_millis(millis)
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

/// An answer that took 100 ms and came at those ticks, in seconds.
fn sample(received: i64, date: Timestamp) -> Sample {
    let received = SignedDuration::from_secs(received);
    Sample { sent: received - millis(100), received, date }
}

/// Hears from a Graph whose clock showed noon at tick zero, on a machine that is right.
fn at_noon() -> Reckoning {
    let mut reckoning = Reckoning::default();
    assert!(reckoning.hear(sample(0, at(NOON)), at(NOON)));
    reckoning
}

#[track_caller]
fn shows(reckoning: &mut Reckoning, ticks: i64) -> i64 {
    reckoning.now(SignedDuration::from_secs(ticks)).expect("heard").as_second()
}

#[test]
fn before_the_first_answer_nothing_is_known() {
    let mut reckoning = Reckoning::default();
    assert_eq!(reckoning.now(SignedDuration::ZERO), None);
    assert_eq!(reckoning.latest(SignedDuration::ZERO), None);
    assert_eq!(reckoning.middle(SignedDuration::ZERO), None);
}

#[test]
fn one_answer_says_at_least_its_date_and_at_most_a_second_and_the_way_more() {
    let mut reckoning = at_noon();
    assert_eq!(reckoning.now(SignedDuration::ZERO), Some(at(NOON)));
    let latest = reckoning.latest(SignedDuration::ZERO).expect("heard");
    let most = at(NOON) + millis(1100);
    assert!(latest >= most && latest < most + millis(1), "{latest}");
}

#[test]
fn answers_that_agree_narrow_it() {
    let mut reckoning = at_noon();
    // Nine tenths of a second later it is still the same second: so it was no more than 100 ms past.
    let sent = millis(890);
    assert!(reckoning.hear(Sample { sent, received: millis(900), date: at(NOON) }, at(NOON)));
    let (now, latest) = (reckoning.now(millis(900)), reckoning.latest(millis(900)));
    let width = latest.expect("heard").duration_since(now.expect("heard"));
    assert!(width < millis(120), "{width}");
}

#[test]
fn with_distance_from_an_answer_it_is_less_sure() {
    let mut reckoning = at_noon();
    let hour = SignedDuration::from_hours(1);
    let late = at(NOON) + hour - reckoning.now(hour).expect("heard").as_duration();
    assert_eq!(late.as_duration(), hour / DRIFT_PART);
    assert!(reckoning.latest(hour).expect("heard") > at(NOON) + hour + millis(1100));
}

#[test]
fn a_front_end_that_is_seconds_off_is_believed_at_once() {
    let mut reckoning = at_noon();
    assert!(reckoning.hear(sample(10, at(NOON + 13)), at(NOON)));
    assert_eq!(shows(&mut reckoning, 10), NOON + 13);
    // And back: time stands still until it has caught up.
    assert!(reckoning.hear(sample(11, at(NOON + 11)), at(NOON)));
    assert_eq!(shows(&mut reckoning, 11), NOON + 13);
    assert_eq!(shows(&mut reckoning, 15), NOON + 14);
}

#[test]
fn one_crazy_date_changes_nothing_but_how_late_it_may_be() {
    for crazy in [-1_000_000, 61 * 60, 4_000_000_000] {
        let mut reckoning = at_noon();
        assert!(!reckoning.hear(sample(10, at(NOON + 10 + crazy)), at(NOON)));
        assert!((NOON + 9..=NOON + 10).contains(&shows(&mut reckoning, 10)));
        let latest = reckoning.latest(SignedDuration::from_secs(10)).expect("heard").as_second();
        assert!(latest >= NOON + 10 + crazy.max(0), "it may be true");
        assert!(reckoning.hear(sample(20, at(NOON + 20)), at(NOON)));
        assert!((NOON + 19..=NOON + 20).contains(&shows(&mut reckoning, 20)));
        let latest = reckoning.latest(SignedDuration::from_secs(20)).expect("heard");
        assert!(latest <= at(NOON + 22), "{latest}");
    }
}

#[test]
fn two_crazy_dates_that_agree_are_the_truth() {
    let mut reckoning = at_noon();
    assert!(!reckoning.hear(sample(10, at(NOON + 3610)), at(NOON)));
    assert!(reckoning.hear(sample(11, at(NOON + 3611)), at(NOON)));
    assert_eq!(shows(&mut reckoning, 11), NOON + 3611);
}

#[test]
fn two_crazy_dates_that_contradict_each_other_change_nothing() {
    let mut reckoning = at_noon();
    assert!(!reckoning.hear(sample(10, at(NOON + 3610)), at(NOON)));
    assert!(!reckoning.hear(sample(11, at(NOON - 3611)), at(NOON)));
    assert!(shows(&mut reckoning, 11) < NOON + 12);
}

#[test]
fn two_crazy_dates_with_a_sound_one_between_change_nothing() {
    let mut reckoning = at_noon();
    assert!(!reckoning.hear(sample(10, at(NOON + 3610)), at(NOON)));
    assert!(reckoning.hear(sample(11, at(NOON + 11)), at(NOON)));
    assert!(!reckoning.hear(sample(12, at(NOON + 3612)), at(NOON)));
    assert!(shows(&mut reckoning, 12) < NOON + 13);
}

#[test]
fn on_a_machine_whose_clock_is_wrong_the_first_answer_needs_a_second() {
    let wall = at(NOON + 10_800);
    let mut reckoning = Reckoning::default();
    assert!(!reckoning.hear(sample(0, at(NOON)), wall));
    assert_eq!(reckoning.now(SignedDuration::ZERO), None);
    assert!(reckoning.hear(sample(1, at(NOON + 1)), wall));
    assert_eq!(shows(&mut reckoning, 1), NOON + 1);
}

#[test]
fn when_graph_was_believed_to_be_ahead_time_stands_still_and_latest_with_it() {
    let mut reckoning = at_noon();
    assert!(!reckoning.hear(sample(10, at(NOON + 610)), at(NOON)));
    assert!(reckoning.hear(sample(11, at(NOON + 611)), at(NOON)));
    assert_eq!(shows(&mut reckoning, 11), NOON + 611);
    assert!(!reckoning.hear(sample(12, at(NOON + 12)), at(NOON)));
    assert!(reckoning.hear(sample(13, at(NOON + 13)), at(NOON)));
    assert_eq!(shows(&mut reckoning, 13), NOON + 611);
    let latest = reckoning.latest(SignedDuration::from_secs(13)).expect("heard");
    assert_eq!(latest, at(NOON + 611), "an off now is not due before its wait");
}

#[test]
fn a_date_at_the_ends_of_time_does_no_harm() {
    for date in [Timestamp::MIN, Timestamp::MAX] {
        let mut reckoning = Reckoning::default();
        _ = reckoning.hear(sample(0, date), at(NOON));
        _ = reckoning.hear(sample(1, date), at(NOON));
        _ = reckoning.now(SignedDuration::MAX);
        _ = reckoning.latest(SignedDuration::MAX);
        _ = reckoning.middle(SignedDuration::MAX);
    }
}

/// One exchange of a random network, in milliseconds: the pause before it, the way there, the way back,
/// and whether a proxy with another clock answers.
type Exchange = (i64, i64, i64, bool);

fn exchanges(crazy: bool) -> impl Strategy<Value = Vec<Exchange>> {
    let crazy = if crazy { prop::bool::weighted(0.3).boxed() } else { Just(false).boxed() };
    prop::collection::vec((0..600_000_i64, 0..8000_i64, 0..8000_i64, crazy), 1..40)
}

/// Graph's time at those ticks, by an oscillator that is off by so many parts in a million.
fn truth(ticks: i64, ppm: i64) -> Timestamp {
    let nanos = i128::from(NOON) * 1_000_000_000
        + i128::from(ticks) * 1_000_000
        + i128::from(ticks) * i128::from(ppm);
    Timestamp::from_nanosecond(nanos).expect("a time")
}

proptest! {
    #[test]
    fn the_truth_lies_between_now_and_latest_and_time_never_goes_back(
        exchanges in exchanges(false),
        ppm in -400..400_i64,
        wall_off in -59..59_i64,
    ) {
        let mut reckoning = Reckoning::default();
        let (mut ticks, mut before) = (0, Timestamp::MIN);
        for (pause, there, back, _) in exchanges {
            let (sent, stamped) = (ticks + pause, ticks + pause + there);
            // Before the answer, which may have been long in coming.
            if let (Some(now), Some(latest)) = (reckoning.now(millis(sent)), reckoning.latest(millis(sent))) {
                prop_assert!(now <= truth(sent, ppm) && truth(sent, ppm) <= latest);
                prop_assert!(now >= before);
                before = now;
            }
            ticks = stamped + back;
            let date = at(truth(stamped, ppm).as_second());
            let wall = truth(ticks, 0) + SignedDuration::from_secs(wall_off);
            let believed = reckoning.hear(Sample { sent: millis(sent), received: millis(ticks), date }, wall);
            prop_assert!(believed);
            let now = reckoning.now(millis(ticks)).expect("heard");
            let latest = reckoning.latest(millis(ticks)).expect("heard");
            prop_assert!(now <= truth(ticks, ppm) && truth(ticks, ppm) <= latest);
            prop_assert!(now >= before);
            prop_assert!(latest.duration_since(now) < SignedDuration::from_secs(18));
            before = now;
        }
    }

    #[test]
    fn crazy_dates_that_are_no_two_in_a_row_change_nothing(
        exchanges in exchanges(true),
        far in prop::sample::select(vec![-90_000_i64, -300, 300, 5000, 100_000_000]),
    ) {
        let mut reckoning = at_noon();
        let (mut ticks, mut was_crazy) = (0, false);
        for (pause, there, back, crazy) in exchanges {
            let crazy = crazy && !was_crazy;
            let (sent, stamped) = (ticks + pause, ticks + pause + there);
            ticks = stamped + back;
            let date = at(truth(stamped, 0).as_second() + if crazy { far } else { 0 });
            let believed = reckoning.hear(Sample { sent: millis(sent), received: millis(ticks), date }, at(NOON));
            prop_assert_eq!(believed, !crazy);
            let now = reckoning.now(millis(ticks)).expect("heard");
            let latest = reckoning.latest(millis(ticks)).expect("heard");
            prop_assert!(now <= truth(ticks, 0) && truth(ticks, 0) <= latest);
            prop_assert!(crazy || latest.duration_since(now) < SignedDuration::from_secs(18));
            was_crazy = crazy;
        }
    }

    #[test]
    fn whatever_is_heard_now_never_goes_back_and_latest_is_never_before_it(
        dates in prop::collection::vec((-200_000..200_000_i64, 0..10_000_i64), 1..60),
    ) {
        let mut reckoning = Reckoning::default();
        let (mut ticks, mut before) = (0, Timestamp::MIN);
        for (off, pause) in dates {
            let date = at(NOON + ticks / 1000 + if off % 3 == 0 { off } else { off % 100 });
            _ = reckoning.hear(Sample { sent: millis(ticks), received: millis(ticks + 50), date }, at(NOON));
            ticks += 50 + pause;
            if let Some(now) = reckoning.now(millis(ticks)) {
                prop_assert!(now >= before);
                prop_assert!(reckoning.latest(millis(ticks)).expect("heard") >= now);
                before = now;
            }
        }
    }
}
