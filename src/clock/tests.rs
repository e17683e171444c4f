//! Virtual time, and a simulated machine that learns Graph's.

use super::*;

fn clock() -> Clock {
    Clock::starting_at(Timestamp::UNIX_EPOCH)
}

fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

#[tokio::test]
async fn an_hour_passes_at_once() {
    let clock = clock();
    clock.drive(clock.sleep(SignedDuration::from_hours(1))).await;
    assert_eq!(clock.now().as_second(), 3600);
}

#[tokio::test]
async fn time_jumps_to_the_earliest_of_several_deadlines() {
    let clock = clock();
    let order = Mutex::new(Vec::new());
    let wait = |seconds| {
        let (clock, order) = (clock.clone(), &order);
        async move {
            clock.sleep(SignedDuration::from_secs(seconds)).await;
            order.lock().expect("no panic").push((seconds, clock.now().as_second()));
        }
    };
    clock.drive(async { tokio::join!(wait(30), wait(10), wait(20)) }).await;
    assert_eq!(*order.lock().expect("no panic"), [(10, 10), (20, 20), (30, 30)]);
}

#[tokio::test]
async fn a_deadline_that_has_passed_does_not_turn_time_back() {
    let clock = clock();
    clock.drive(clock.sleep(SignedDuration::from_secs(60))).await;
    clock.drive(clock.sleep_until(Timestamp::UNIX_EPOCH)).await;
    assert_eq!(clock.now().as_second(), 60);
}

#[test]
fn an_exact_clock_learns_nothing_and_is_never_wrong() {
    let clock = clock();
    assert!(clock.heard(SignedDuration::ZERO, Timestamp::MAX));
    assert_eq!((clock.now(), clock.latest()), (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH));
    assert_eq!(clock.skew(), None);
    assert!(!clock.seems_to_have_slept());
}

/// A machine that is three hours ahead of Graph, and Graph's clock.
fn three_hours_ahead() -> (Clock, Clock) {
    let graph = clock();
    let machine = Clock::machine_of(&graph, SignedDuration::from_hours(3));
    (machine, graph)
}

/// Graph answers at once.
fn answers(machine: &Clock, graph: &Clock) -> bool {
    let date = Timestamp::from_second(graph.now().as_second()).expect("a time");
    machine.heard(machine.ticks(), date)
}

#[test]
fn a_machine_has_its_own_time_until_graph_was_heard_twice() {
    let (machine, graph) = three_hours_ahead();
    assert_eq!(machine.now().as_second(), 3 * 3600);
    assert_eq!(machine.latest(), machine.now());
    assert_eq!(machine.skew(), None);
    assert!(!answers(&machine, &graph), "so far away that a second answer decides");
    assert_eq!(machine.skew(), None);
    assert!(answers(&machine, &graph));
    assert_eq!(machine.now(), graph.now());
    assert_eq!(machine.latest(), graph.now() + seconds(1));
    let ahead = machine.skew().expect("heard");
    assert!((seconds(10_799)..=seconds(10_800)).contains(&ahead), "{ahead}");
}

#[tokio::test]
async fn a_machine_sleeps_until_graphs_deadline() {
    let (machine, graph) = three_hours_ahead();
    answers(&machine, &graph);
    answers(&machine, &graph);
    let deadline = graph.now() + SignedDuration::from_hours(1);
    machine.drive(machine.sleep_until(deadline)).await;
    assert!(machine.now() >= deadline);
    let late = graph.now().duration_since(deadline);
    assert!((SignedDuration::ZERO..seconds(3)).contains(&late), "{late}");
}

#[tokio::test]
async fn a_wait_ends_when_answers_meanwhile_say_that_it_is_over() {
    let graph = clock();
    let machine = Clock::machine_of(&graph, SignedDuration::ZERO);
    answers(&machine, &graph);
    let deadline = graph.now() + SignedDuration::from_hours(1);
    let meanwhile = async {
        machine.sleep(seconds(60)).await;
        // The machine's oscillator stood still, say; or Graph's clock was set.
        for _ in 0..2 {
            machine.heard(machine.ticks(), deadline);
        }
    };
    machine.drive(async { tokio::join!(machine.sleep_until(deadline), meanwhile) }).await;
    assert!(graph.now().as_second() <= 66, "{}", graph.now());
}

#[tokio::test]
async fn setting_the_machines_clock_moves_no_deadline() {
    let graph = clock();
    let machine = Clock::machine_of(&graph, SignedDuration::ZERO);
    answers(&machine, &graph);
    let before = machine.now();
    machine.set_wall_offset(SignedDuration::from_hours(-2));
    assert_eq!(machine.now(), before);
    assert_eq!(machine.skew().expect("heard").as_hours(), -2);
    assert!(!machine.seems_to_have_slept());
}

#[tokio::test]
async fn a_wall_clock_that_runs_away_ends_the_sleep_so_that_graph_can_be_asked() {
    let graph = clock();
    let machine = Clock::machine_of(&graph, SignedDuration::ZERO);
    answers(&machine, &graph);
    let deadline = graph.now() + SignedDuration::from_hours(1);
    machine.set_wall_offset(SignedDuration::from_mins(40));
    assert!(machine.seems_to_have_slept());
    machine.drive(machine.sleep_until(deadline)).await;
    assert_eq!(graph.now().as_second(), 5, "one slice");
    assert!(machine.now() < deadline, "the wall clock is not believed");
    answers(&machine, &graph);
    assert!(!machine.seems_to_have_slept());
}
