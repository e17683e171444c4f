//! Who gets the lease, and after how long.

use super::*;
use crate::journal::folder::Folder;

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
