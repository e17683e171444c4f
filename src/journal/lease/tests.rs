//! Who gets the lease, and after how long.

use super::*;
use crate::journal::folder::Folder;
use crate::journal::shared::Shared;
use crate::journal::testing::{Fault, Memory};
use crate::model::TenantId;

fn clock() -> Clock {
    Clock::starting_at(Timestamp::UNIX_EPOCH)
}

fn run(number: u128) -> RunId {
    RunId(uuid::Uuid::from_u128(number))
}

fn lease(folder: &std::path::Path, clock: &Clock) -> Lease {
    Lease::new(Rc::new(Folder::new(folder.to_owned())), clock.clone())
}

#[tokio::test]
async fn a_second_run_is_told_at_once_who_holds_a_folder_and_gets_it_when_the_first_is_gone() {
    let (folder, clock) = (tempfile::tempdir().expect("a folder"), clock());
    let first = lease(folder.path(), &clock);
    first.take(run(7), None).await.expect("free");
    let second = lease(folder.path(), &clock);
    let refused = second.take(run(8), None).await.expect_err("held");
    assert!(refused.to_string().contains(&run(7).to_string()), "{refused}");
    let seen = second.store.holder(clock.now()).await.expect("readable");
    assert_eq!(seen.map(|holder| holder.run), Some(run(7)));
    first.release().await;
    assert_eq!(second.store.holder(clock.now()).await.expect("readable"), None);
    second.take(run(8), None).await.expect("free again");
}

#[tokio::test]
async fn a_lock_timeout_waits_for_a_folder_too() {
    let (folder, clock) = (tempfile::tempdir().expect("a folder"), clock());
    let (first, second) = (lease(folder.path(), &clock), lease(folder.path(), &clock));
    first.take(run(7), None).await.expect("free");
    let story = async {
        let minute = SignedDuration::from_secs(60);
        let (taken, ()) = tokio::join!(second.take(run(8), Some(minute)), async {
            clock.sleep(SignedDuration::from_secs(30)).await;
            first.release().await;
        });
        taken.expect("free after half a minute");
    };
    clock.drive(story).await;
    assert!((30..40).contains(&clock.now().as_second()), "{}", clock.now());
}

/// A lease that ends by time, in an object store.
fn timed(memory: &Memory, clock: &Clock) -> Lease {
    let tenant = TenantId(uuid::Uuid::from_u128(7));
    Lease::new(Rc::new(Shared::new(Rc::new(memory.clone()), tenant)), clock.clone())
}

/// Does something while the first run keeps its lease.
async fn beside<T>(clock: &Clock, first: &Lease, story: impl Future<Output = T>) -> T {
    let both = async {
        tokio::select! {
            biased;
            done = story => done,
            never = first.keep() => match never {},
        }
    };
    clock.drive(both).await
}

async fn sleep(clock: &Clock, seconds: i64) {
    clock.sleep(SignedDuration::from_secs(seconds)).await;
}

#[tokio::test]
async fn a_run_that_lives_is_named_soon_to_the_one_that_comes_second() {
    let (memory, clock) = (Memory::default(), clock());
    let (first, second) = (timed(&memory, &clock), timed(&memory, &clock));
    first.take(run(7), None).await.expect("free");
    let refused = beside(&clock, &first, second.take(run(8), None)).await.expect_err("held");
    assert!(refused.to_string().contains(&run(7).to_string()), "{refused}");
    assert!(clock.now().as_second() <= 20, "{}", clock.now());
    assert!(!first.is_lost());
}

#[tokio::test]
async fn the_lease_of_a_run_that_died_is_taken_when_it_has_expired() {
    let (memory, clock) = (Memory::by_bytes(), clock());
    timed(&memory, &clock).take(run(7), None).await.expect("free");
    let second = timed(&memory, &clock);
    clock.drive(second.take(run(8), None)).await.expect("expired");
    assert!((60..=65).contains(&clock.now().as_second()), "{}", clock.now());
    let seen = second.store.holder(clock.now()).await.expect("readable").expect("held");
    assert_eq!(seen.run, run(8));
    assert!(seen.expires_at.is_some_and(|end| end > clock.now()));
}

#[tokio::test]
async fn a_run_that_died_with_a_clock_of_its_own_is_dead_when_nobody_renewed_its_lease_for_a_term() {
    let (memory, late, clock) = (Memory::default(), clock(), clock());
    late.drive(sleep(&late, 600)).await;
    timed(&memory, &late).take(run(7), None).await.expect("free");
    let second = timed(&memory, &clock);
    clock.drive(second.take(run(8), None)).await.expect("nobody renews it");
    assert!((65..=75).contains(&clock.now().as_second()), "{}", clock.now());
}

#[tokio::test]
async fn a_lock_timeout_waits_for_a_run_that_lives_and_gives_up_in_time() {
    let (memory, clock) = (Memory::default(), clock());
    let (first, second) = (timed(&memory, &clock), timed(&memory, &clock));
    first.take(run(7), None).await.expect("free");
    let patience = |seconds| Some(SignedDuration::from_secs(seconds));
    beside(&clock, &first, second.take(run(8), patience(0))).await.expect_err("held");
    assert_eq!(clock.now().as_second(), 0);
    beside(&clock, &first, second.take(run(8), patience(120))).await.expect_err("held");
    assert_eq!(clock.now().as_second(), 120);
    let story = async {
        tokio::join!(second.take(run(8), patience(120)), async {
            sleep(&clock, 30).await;
            first.release().await;
        })
        .0
    };
    clock.drive(story).await.expect("free after half a minute");
    assert!((150..=155).contains(&clock.now().as_second()), "{}", clock.now());
}

#[tokio::test]
async fn a_lease_that_is_let_go_is_free_at_once() {
    let (memory, clock) = (Memory::by_bytes(), clock());
    let (first, second) = (timed(&memory, &clock), timed(&memory, &clock));
    for _ in 0..3 {
        first.take(run(7), None).await.expect("free");
        first.release().await;
        assert_eq!(first.store.holder(clock.now()).await.expect("readable"), None);
        second.take(run(8), None).await.expect("free");
        second.release().await;
    }
    assert_eq!(clock.now().as_second(), 0);
}

#[tokio::test]
async fn a_lease_that_is_broken_is_lost_with_the_next_renewal() {
    let (memory, clock) = (Memory::default(), clock());
    let (first, second) = (timed(&memory, &clock), timed(&memory, &clock));
    first.take(run(7), None).await.expect("free");
    second.store.break_lease().await.expect("broken");
    second.take(run(8), None).await.expect("free");
    beside(&clock, &first, first.lost()).await;
    assert_eq!(clock.now().as_second(), 15);
    assert_eq!(first.why_lost().as_deref(), Some("another run has taken the lease"));
    first.release().await;
    let seen = second.store.holder(clock.now()).await.expect("readable");
    assert_eq!(seen.map(|holder| holder.run), Some(run(8)), "it was not the first one's to let go");
}

#[tokio::test]
async fn a_lease_that_cannot_be_renewed_is_lost_before_another_run_may_take_it() {
    let (memory, clock) = (Memory::default(), clock());
    let first = timed(&memory, &clock);
    first.take(run(7), None).await.expect("free");
    memory.silent(true);
    beside(&clock, &first, first.lost()).await;
    assert!((45..=50).contains(&clock.now().as_second()), "{}", clock.now());
    assert!(first.why_lost().is_some_and(|why| why.contains("could not be renewed")));
}

#[tokio::test]
async fn a_lease_outlives_a_store_that_is_silent_for_half_a_minute() {
    let (memory, clock) = (Memory::by_bytes(), clock());
    let (first, second) = (timed(&memory, &clock), timed(&memory, &clock));
    first.take(run(7), None).await.expect("free");
    let story = async {
        sleep(&clock, 20).await;
        memory.silent(true);
        sleep(&clock, 30).await;
        memory.silent(false);
        memory.will(&[Fault::AnswerLost, Fault::Late, Fault::AskedTwice]);
        sleep(&clock, 300).await;
        second.take(run(8), Some(SignedDuration::ZERO)).await
    };
    beside(&clock, &first, story).await.expect_err("held");
    assert!(!first.is_lost(), "{:?}", first.why_lost());
}

#[tokio::test]
async fn answers_that_are_lost_give_the_lease_to_exactly_one() {
    use Fault::{AnswerLost, AskedTwice, Fine, Late, RequestLost};
    let one = [Fine, AnswerLost, AskedTwice, Late, RequestLost];
    for faults in one.iter().flat_map(|a| one.iter().map(move |b| [*a, *b])) {
        for memory in [Memory::default(), Memory::by_bytes()] {
            let clock = clock();
            let (first, second) = (timed(&memory, &clock), timed(&memory, &clock));
            memory.will(&faults);
            let now = Some(SignedDuration::ZERO);
            let (one, two) = tokio::join!(first.take(run(7), now), second.take(run(8), now));
            assert!(one.is_ok() != two.is_ok(), "{faults:?}: {one:?} {two:?}");
            let holder = first.store.holder(clock.now()).await.expect("readable").expect("held");
            assert_eq!(holder.run, if one.is_ok() { run(7) } else { run(8) }, "{faults:?}");
            memory.will(&faults);
            first.release().await;
            second.release().await;
            let left = first.store.holder(clock.now()).await.expect("readable");
            assert_eq!(left, None, "{faults:?} at the release");
        }
    }
}

#[tokio::test]
async fn a_store_that_ignores_conditions_is_not_used() {
    let (memory, clock) = (Memory::without_conditions(), clock());
    let lease = timed(&memory, &clock);
    let refused = lease.take(run(7), None).await.expect_err("no conditions").to_string();
    assert!(
        refused.contains("memory://test/") && refused.contains("ignores conditional writes"),
        "{refused}"
    );
    assert_eq!(lease.store.holder(clock.now()).await.expect("readable"), None);
}

#[tokio::test]
async fn a_lease_that_cannot_be_read_is_left_alone() {
    let (memory, clock) = (Memory::default(), clock());
    memory.place_by_hand("00000000-0000-0000-0000-000000000007/lease.json", b"{\"by\": 7}");
    let refused = timed(&memory, &clock).take(run(7), None).await.expect_err("unknown").to_string();
    assert!(refused.contains("lease.json: it is no lease that this advaudit knows"), "{refused}");
}
