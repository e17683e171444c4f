//! A run that dies, and the one after it: replay, then a machine that stands where the toggle stood.

use super::*;
use Has::{Off, On};

/// Plays a machine to its end against a tenant without lag, faults or other people. `truth` is how it
/// stands; members follow their group at once.
fn play_on(story: &mut Story, truth: &mut bool, live: &dyn Fn(bool, bool) -> Live) {
    story.begins();
    for _ in 0..1_000 {
        let Some(command) = story.last.last().cloned() else { return };
        match command {
            Command::Record(_) => return,
            Command::TurnOff(_) | Command::TurnOn(_) => {
                *truth = matches!(command, Command::TurnOn(_));
                story.accepted();
            }
            Command::Read { at, members } => {
                story.now = story.now.max(at);
                story.sees(live(*truth, members));
            }
            Command::Wake(at) => {
                story.now = at;
                story.comes_back();
            }
        }
    }
    panic!("no end");
}

/// Crashes after each record of a whole toggle, with the write behind the record done or not, and
/// carries on in a new run.
fn crash_everywhere(story: impl Fn() -> Story, live: &dyn Fn(bool, bool) -> Live) {
    let mut whole = story();
    play_on(&mut whole, &mut true, live);
    whole.ends(Outcome::Toggled);
    let all = whole.records.len();
    assert_eq!(all, 6, "intent, off, seen, intent, on, closed");
    for records in 1..all {
        for is_on in [true, false] {
            let crashed_at = whole.records[records - 1].at;
            for gap in [0, 40, 100_000] {
                let now = later(crashed_at, SignedDuration::from_secs(gap));
                let Some(mut next) = whole.resumed_after(records, now) else {
                    panic!("open after {records}")
                };
                let mut truth = is_on;
                play_on(&mut next, &mut truth, live);
                assert!(truth, "off after a crash after record {records}");
                assert!(!next.machine.holds_off(), "{records} {is_on} {gap}: {:?}", next.machine.end());
                assert!(replay(&next.records, next.now).in_flight.is_empty());
                let on_at = next.records.iter().find_map(|record| match record.entry {
                    Entry::OnDone { on_at, .. } => Some(on_at),
                    _ => None,
                });
                let off_at = next.records.iter().find_map(|record| match record.entry {
                    Entry::OffDone { off_at, .. } => Some(off_at),
                    _ => None,
                });
                if let (Some(off_at), Some(on_at)) = (off_at, on_at) {
                    assert!(on_at >= later(off_at, next.machine.job().wait), "{records} {is_on} {gap}");
                }
            }
        }
    }
    assert!(whole.resumed_after(all, whole.now).is_none(), "closed is closed");
}

#[test]
fn a_crash_after_any_record_of_a_users_toggle_ends_on() {
    crash_everywhere(Story::toggle, &|on, _| adele(on));
}

#[test]
fn a_crash_after_any_record_of_a_groups_toggle_ends_on() {
    let live = |on: bool, members: bool| {
        let has = if on { [On, On] } else { [Off, Off] };
        legal(on, Processing::Complete, members.then_some(&has))
    };
    crash_everywhere(Story::group_toggle, &live);
}

#[test]
fn an_intent_and_an_off_that_shows_is_taken_and_the_wait_runs_from_that_read() {
    let mut story = Story::toggle();
    story.begins().sees(adele(true)).does("intent off, OFF");
    let mut next = story.resumed(after(500));
    next.begins().does("read").at(510).sees(adele(false)).does("off, seen off, come back in 60m");
    assert_eq!(next.machine.due(), Some(after(4110)));
    next.at(4110).comes_back().sees(adele(false)).accepted().does("on anew, read").sees(adele(true));
    next.ends(Outcome::Resumed);
}

#[test]
fn an_intent_and_an_off_that_does_not_show_is_ended_with_an_on() {
    let mut story = Story::toggle();
    story.begins().sees(adele(true));
    let mut next = story.resumed(after(500));
    next.begins().sees(adele(true)).does("read").sees(adele(true)).does("read");
    next.at(530).sees(adele(true)).does("intent on, ON").accepted().does("on, read").sees(adele(true));
    next.ends(Outcome::Resumed);
}

#[test]
fn an_off_in_doubt_that_shows_late_is_taken_as_well() {
    let mut story = Story::toggle();
    story.begins().sees(adele(true));
    let mut next = story.resumed(after(500));
    next.begins().sees(adele(true)).sees(adele(true)).at(520).sees(adele(false));
    next.does("off, seen off, come back in 60m");
}

#[test]
fn a_crash_during_the_wait_keeps_the_due_that_stood() {
    let mut story = Story::toggle();
    story.off_and_waiting();
    let mut next = story.resumed(after(3000));
    next.begins().does("come back in 10m").at(3600).comes_back().sees(adele(false)).does("intent on, ON");
    next.accepted().sees(adele(true)).ends(Outcome::Resumed);
}

#[test]
fn a_crash_around_the_on_is_not_called_someone_elses_doing() {
    let mut story = Story::toggle();
    story.off_and_waiting().at(3600).comes_back().sees(adele(false)).does("intent on, ON");
    let mut next = story.resumed(after(3700));
    next.begins()
        .does("read")
        .sees(adele(true))
        .does("read")
        .at(3730)
        .sees(adele(true))
        .does("intent on, ON");
    next.accepted().sees(adele(true)).ends(Outcome::Resumed);
}

#[test]
fn a_crash_after_the_on_was_accepted_only_looks() {
    let mut story = Story::toggle();
    story.off_and_waiting().at(3600).comes_back().sees(adele(false)).accepted();
    let mut next = story.resumed(after(3700));
    next.begins().sees(adele(true)).does("closed resumed");
    assert!(next.written.is_empty());
}

#[test]
fn a_group_whose_on_was_accepted_long_ago_has_its_members_looked_at_once() {
    let mut story = Story::group_toggle();
    story.group_off(&[On]).sees(legal(false, Processing::Complete, None));
    story.sees(legal(false, Processing::Complete, Some(&[Off])));
    story.sees(legal(false, Processing::Complete, None)).accepted();
    let mut next = story.resumed(after(100_000));
    next.begins().sees(legal(true, Processing::Complete, None)).does("read members");
    next.sees(legal(true, Processing::Complete, Some(&[Has::Error]))).does("closed resumed");
    assert!(!next.machine.broken().is_empty());
}

#[test]
fn an_off_that_was_never_seen_does_not_renew_in_the_next_run_either() {
    let mut story = Story::toggle();
    story.begins().sees(adele(true)).accepted().at(3600).sees(adele(true)).does("not seen off, read");
    let mut next = story.resumed(after(3700));
    next.begins().sees(adele(false)).does("intent on, ON").accepted().does("on, read");
}

#[test]
fn who_was_deleted_while_off_and_comes_back_is_turned_on_and_not_before_the_wait_is_over() {
    let mut story = Story::toggle();
    story.begins().sees(adele(true)).accepted().sees(Live::Gone).at(60).sees(Live::Gone);
    story.does("closed subject_gone");
    let mut next = story.resumed(after(600));
    next.begins().does("read").sees(adele(false)).does("come back in 50m");
    next.at(3600).comes_back().sees(adele(false)).does("intent on, ON").accepted().sees(adele(true));
    next.ends(Outcome::Resumed);
}

#[test]
fn who_was_deleted_and_still_is_gets_no_second_record() {
    let mut story = Story::toggle();
    story.off_and_waiting().at(3600).comes_back().sees(Live::Gone).at(3660).sees(Live::Gone);
    let mut next = story.resumed(after(90_000));
    next.begins().sees(Live::Gone).sees(Live::Gone).does("").ends(Outcome::SubjectGone);
    assert!(!next.machine.holds_off());
    let in_a_month = later(after(3660), SignedDuration::from_hours(30 * 24));
    assert!(replay(&story.records, in_a_month).in_flight.is_empty());
}
