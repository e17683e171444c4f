//! Many like works side by side on one thread, so many at once, whose results come out in the order in which
//! the works were given.

use std::collections::BTreeMap;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

/// Results that have to wait for an earlier one are kept; over so many bytes of them, nothing more is begun
/// before it has come. So one slow work holds the others up late, and memory has a bound.
const KEPT_BYTES: usize = 64 * 1024 * 1024;

/// Does works 0 to `count`, at most `at_once` at the same time, and hands each result to `take`, in order.
/// `bytes` is how large a result is.
pub(super) async fn in_order<T, W: Future<Output = T>>(
    count: usize,
    at_once: usize,
    work: impl Fn(usize) -> W,
    bytes: impl Fn(&T) -> usize,
    mut take: impl FnMut(usize, T),
) {
    let work = &work;
    let mut running = FuturesUnordered::new();
    let (mut early, mut kept) = (BTreeMap::new(), 0);
    let (mut next, mut due) = (0, 0);
    loop {
        // Who is waited for is among those that run: it was begun before all that have to wait for it.
        while next < count && running.len() < at_once && kept < KEPT_BYTES {
            let at = next;
            running.push(async move { (at, work(at).await) });
            next += 1;
        }
        let Some((at, result)) = running.next().await else { return };
        kept += bytes(&result);
        early.insert(at, result);
        while let Some(result) = early.remove(&due) {
            kept -= bytes(&result);
            take(due, result);
            due += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;
    use crate::clock::Clock;
    use crate::model::{SignedDuration, Timestamp};

    /// What happened: how many were at work at most, and which work was begun last when work 0 ended.
    struct Seen {
        at_once: usize,
        begun_before_the_first_ended: usize,
        order: Vec<usize>,
    }

    /// Two hundred works, the first of which takes longer than all others together.
    async fn play(at_once: usize, bytes: usize) -> Seen {
        let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
        let (now, most, begun, begun_then) = (Cell::new(0), Cell::new(0), Cell::new(0), Cell::new(0));
        let order = RefCell::new(Vec::new());
        let work = |at: usize| {
            let (clock, now, most, begun, begun_then) = (&clock, &now, &most, &begun, &begun_then);
            async move {
                now.set(now.get() + 1);
                most.set(most.get().max(now.get()));
                begun.set(at);
                clock.sleep(SignedDuration::from_secs(if at == 0 { 3600 } else { 1 + at as i64 % 3 })).await;
                now.set(now.get() - 1);
                if at == 0 {
                    begun_then.set(begun.get());
                }
                at
            }
        };
        let all = in_order(
            200,
            at_once,
            work,
            |_| bytes,
            |at, result| {
                assert_eq!(at, result);
                order.borrow_mut().push(at);
            },
        );
        clock.drive(all).await;
        let order = order.into_inner();
        Seen { at_once: most.get(), begun_before_the_first_ended: begun_then.get(), order }
    }

    #[tokio::test]
    async fn so_many_are_at_work_and_no_more_and_results_come_in_order() {
        for at_once in [1, 2, 10, 500] {
            let seen = play(at_once, 1).await;
            assert_eq!(seen.at_once, at_once.min(200));
            assert_eq!(seen.order, (0..200).collect::<Vec<_>>());
        }
    }

    #[tokio::test]
    async fn a_slow_one_holds_nobody_up_before_too_much_waits_for_it() {
        assert_eq!(play(10, 1).await.begun_before_the_first_ended, 199);
        let large = play(10, KEPT_BYTES / 20).await;
        assert!(large.begun_before_the_first_ended < 40, "{}", large.begun_before_the_first_ended);
        assert_eq!(large.order.len(), 200);
    }

    #[tokio::test]
    async fn no_work_is_done_at_once() {
        in_order(0, 10, |_| async {}, |()| 0, |_, ()| panic!("a result of nothing")).await;
    }
}
