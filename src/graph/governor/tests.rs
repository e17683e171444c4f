//! The governor by virtual time.

use super::*;

const WRITE: Load = Load { units: 1, is_write: true };
const BATCH: Load = Load { units: 20, is_write: false };

fn governor() -> (Rc<Governor>, Clock) {
    let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
    (Governor::new(clock.clone()), clock)
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&'static str, &str)| {
        (http::HeaderName::from_static(name), value.parse().expect("a value"))
    };
    pairs.iter().map(pair).collect()
}

const REFUSED: StatusCode = StatusCode::TOO_MANY_REQUESTS;

#[tokio::test]
async fn one_write_at_first_and_more_when_they_go_well() {
    let (governor, clock) = governor();
    clock
        .drive(async {
            assert_eq!(governor.next_write(), NextWrite::Now);
            let first = governor.let_leave(WRITE).await.expect("a ticket");
            assert_eq!(governor.next_write(), NextWrite::AfterAnother);
            first.judged(None);
            drop(first);
            let _second = governor.let_leave(WRITE).await.expect("a ticket");
            let _third = governor.let_leave(WRITE).await.expect("a ticket");
            assert_eq!(governor.next_write(), NextWrite::AfterAnother);
        })
        .await;
}

#[tokio::test]
async fn what_was_dropped_in_flight_makes_room() {
    let (governor, clock) = governor();
    clock
        .drive(async {
            drop(governor.let_leave(WRITE).await);
            assert_ne!(governor.next_write(), NextWrite::AfterAnother);
        })
        .await;
}

#[tokio::test]
async fn a_refused_write_keeps_writes_away_and_lets_reads_go_on() {
    let (governor, clock) = governor();
    let refused = headers(&[("retry-after", "7"), ("x-ms-throttle-scope", "Tenant_Application/Write/a/t")]);
    clock
        .drive(async {
            let ticket = governor.let_leave(WRITE).await.expect("a ticket");
            ticket.answered(REFUSED, &refused);
            drop(ticket);
            assert_eq!(governor.next_write(), NextWrite::At(Timestamp::from_second(7).expect("a time")));
            governor.let_leave(BATCH).await.expect("a ticket");
            assert_eq!(clock.now(), Timestamp::UNIX_EPOCH);
            governor.let_leave(WRITE).await.expect("a ticket");
            assert!(clock.now().as_second() >= 7);
        })
        .await;
}

#[tokio::test]
async fn a_refused_part_of_a_batch_keeps_everything_away_when_everything_is_meant() {
    let (governor, clock) = governor();
    let refused =
        headers(&[("retry-after", "5"), ("x-ms-throttle-scope", "Tenant_Application/ReadWrite/a/t")]);
    clock
        .drive(async {
            governor.part_answered(REFUSED, &refused);
            assert_eq!(governor.next_write(), NextWrite::At(Timestamp::from_second(5).expect("a time")));
            governor.let_leave(BATCH).await.expect("a ticket");
            assert!(clock.now().as_second() >= 5);
        })
        .await;
}

#[tokio::test]
async fn units_are_charged_as_graph_says() {
    let (governor, clock) = governor();
    clock
        .drive(async {
            let ticket = governor.let_leave(BATCH).await.expect("a ticket");
            ticket.answered(StatusCode::OK, &headers(&[("x-ms-resource-unit", "700")]));
            governor.let_leave(BATCH).await.expect("a ticket");
            assert!(clock.now().as_millisecond() >= 1_700, "350 a second");
        })
        .await;
}

#[tokio::test]
async fn asked_to_stay_away_for_an_hour_reads_fail_at_once_and_writes_wait_ten_minutes() {
    let (governor, clock) = governor();
    let refused = headers(&[("retry-after", "3600")]);
    let failure = crate::graph::testing::throttled(3_600);
    clock
        .drive(async {
            let ticket = governor.let_leave(BATCH).await.expect("a ticket");
            ticket.answered(REFUSED, &refused);
            ticket.judged(Some(&failure));
            assert_eq!(governor.let_leave(BATCH).await.err(), Some(failure.clone()));
            assert_eq!(clock.now(), Timestamp::UNIX_EPOCH);
            governor.let_leave(WRITE).await.expect("a ticket");
            assert!(clock.now().as_second() <= 600);
        })
        .await;
}

#[tokio::test]
async fn while_a_write_waits_for_its_token_no_other_one_is_let_go() {
    let (governor, _) = governor();
    let announced = governor.announce(WRITE);
    assert_eq!(governor.next_write(), NextWrite::AfterAnother);
    drop(announced);
    drop(governor.announce(BATCH));
    assert_eq!(governor.next_write(), NextWrite::Now);
}
