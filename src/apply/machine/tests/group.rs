//! The group's gate (DESIGN 5), after the off and after the on.

use super::*;
use Has::{Error, Nothing, Off, On};

const COMPLETE: Processing = Processing::Complete;
const BUSY: Processing = Processing::InProgress;

#[test]
fn the_gate_opens_when_every_member_shows_the_off() {
    let mut story = Story::group_toggle();
    story.group_off(&[On, On]).sees(legal(false, BUSY, None)).does("read");
    story.at(60).sees(legal(false, COMPLETE, None)).does("read members");
    story.sees(legal(false, COMPLETE, Some(&[Off, On]))).does("read members");
    story.at(90).sees(legal(false, COMPLETE, Some(&[Off, Off]))).does("seen off, read");
    story.sees(legal(false, COMPLETE, None)).does("intent on, ON").accepted().does("on anew, read");
    story.sees(legal(true, COMPLETE, None)).does("read members");
    story.sees(legal(true, COMPLETE, Some(&[Off, On]))).does("read members");
    story.sees(legal(true, COMPLETE, Some(&[On, On]))).does("closed toggled").ends(Outcome::Toggled);
    assert!(story.machine.notes().is_empty(), "{:?}", story.machine.notes());
}

#[test]
fn a_complete_of_the_run_before_does_not_open_the_gate() {
    let mut story = Story::group_toggle();
    story.group_off(&[On]).sees(legal(false, COMPLETE, None)).does("read members");
    story.at(600).sees(legal(false, COMPLETE, Some(&[On]))).does("read members");
}

#[test]
fn processing_that_failed_counts_as_finished() {
    let mut story = Story::group_toggle();
    story.group_off(&[On]).sees(legal(false, Processing::Failed, None)).does("read members");
    story.sees(legal(false, Processing::Failed, Some(&[Off]))).does("seen off, read");
}

#[test]
fn a_list_that_does_not_show_the_off_keeps_the_gate_shut() {
    let mut story = Story::group_toggle();
    story.group_off(&[On]).at(7199).sees(legal(true, COMPLETE, Some(&[Off]))).does("read");
}

#[test]
fn a_group_that_was_seen_off_and_is_on_for_a_minute_was_turned_on_by_somebody() {
    let mut story = Story::group_toggle();
    let on = || legal(true, BUSY, None);
    story.group_off(&[On]).sees(legal(false, BUSY, None)).does("read");
    story.at(30).sees(on()).does("read members").at(60).sees(legal(false, BUSY, None)).does("read");
    story.at(70).sees(on()).does("read members").at(129).sees(on()).does("read");
    story.at(130).sees(on()).does("not seen off, read").at(160).sees(on()).does("intent on, ON");
    story.accepted().does("on, read").sees(legal(true, COMPLETE, None)).does("read members");
    story.sees(legal(true, COMPLETE, Some(&[On]))).does("closed cut_short").ends(Outcome::CutShort);
}

#[test]
fn members_who_left_or_came_into_error_or_joined_are_not_waited_for() {
    let mut story = Story::group_toggle();
    story.group_off(&[On, On]).sees(legal(false, COMPLETE, None));
    story.sees(legal(false, COMPLETE, Some(&[Off, Error, On]))).does("seen off, read");
    let mut story = Story::group_toggle();
    story.group_off(&[On, On]).sees(legal(false, COMPLETE, None));
    story.sees(legal(false, COMPLETE, Some(&[Off]))).does("seen off, read");
}

#[test]
fn members_in_error_before_are_not_waited_for_and_not_called_new() {
    let mut story = Story::group_toggle();
    story.group_off(&[On, Error]).sees(legal(false, COMPLETE, None));
    story.sees(legal(false, COMPLETE, Some(&[Off, Error]))).does("seen off, read");
    story.sees(legal(false, COMPLETE, None)).accepted().sees(legal(true, COMPLETE, None));
    story.sees(legal(true, COMPLETE, Some(&[On, Error]))).ends(Outcome::Toggled);
    assert!(story.machine.broken().is_empty());
}

#[test]
fn members_newly_in_error_are_told_by_name() {
    let mut story = Story::group_toggle();
    story.group_off(&[On, On]).sees(legal(false, COMPLETE, None));
    story.sees(legal(false, COMPLETE, Some(&[Off, Off]))).sees(legal(false, COMPLETE, None)).accepted();
    story.sees(legal(true, COMPLETE, None)).sees(legal(true, COMPLETE, Some(&[On, Error])));
    story.ends(Outcome::Toggled);
    let [broken] = story.machine.broken() else { panic!("{:?}", story.machine.broken()) };
    assert_eq!(broken.name, "u2@contoso.com");
}

#[test]
fn while_graph_works_the_members_are_counted_now_and_then() {
    let mut story = Story::group_toggle();
    let busy = |members| legal(false, BUSY, members);
    story.group_off(&[On, On, On]).sees(busy(None)).sees(busy(None)).sees(busy(None)).does("read");
    assert_eq!(story.machine.headcount(), None);
    story.sees(busy(None)).does("read members").sees(busy(Some(&[Off, On, Error]))).does("read");
    assert_eq!(story.machine.headcount(), Some(Headcount { on: false, shown: 1, of: 2 }));
}

#[test]
fn whoever_was_seen_off_once_is_off_though_a_replica_that_lags_says_otherwise() {
    let mut story = Story::group_toggle();
    story.group_off(&[On, On]).sees(legal(false, COMPLETE, None));
    story.sees(legal(false, COMPLETE, Some(&[Off, On]))).does("read members");
    story.sees(legal(false, COMPLETE, Some(&[On, Off]))).does("seen off, read");
    assert_eq!(story.machine.headcount(), Some(Headcount { on: false, shown: 2, of: 2 }));
}

#[test]
fn that_a_member_was_seen_on_once_proves_nothing_for_it_may_have_been_before_the_off() {
    let mut story = Story::group_toggle();
    story.group_off(&[On, On]).sees(legal(false, COMPLETE, None));
    story.sees(legal(false, COMPLETE, Some(&[Off, Off]))).sees(legal(false, COMPLETE, None)).accepted();
    story
        .sees(legal(true, COMPLETE, None))
        .sees(legal(true, COMPLETE, Some(&[On, Off])))
        .does("read members");
    story.sees(legal(true, COMPLETE, Some(&[Off, On]))).does("read members");
}

#[test]
fn a_group_whose_members_are_not_on_when_patience_ends_stays_open_and_is_looked_at_by_the_next_run() {
    let mut story = Story::group_toggle();
    story.group_off(&[On, On]).sees(legal(false, COMPLETE, None));
    story.sees(legal(false, COMPLETE, Some(&[Off, Off]))).sees(legal(false, COMPLETE, None)).accepted();
    story.at(7201).sees(legal(true, BUSY, None)).does("read members");
    story.sees(legal(true, BUSY, Some(&[On, Off]))).does("").ends(Outcome::Pending);
    assert!(story.machine.holds_off(), "somebody is off because of us");
    let mut next = story.resumed(after(9_000));
    next.begins().sees(legal(true, BUSY, None)).does("read members");
    next.sees(legal(true, BUSY, Some(&[On, Off]))).ends(Outcome::Pending);
    let mut last = next.resumed(after(9_300));
    last.begins().sees(legal(true, BUSY, None)).sees(legal(true, BUSY, Some(&[On, On])));
    last.does("closed resumed").ends(Outcome::Resumed);
}

#[test]
fn a_member_who_shows_no_assignment_at_the_moment_has_not_shown_the_off() {
    let mut story = Story::group_toggle();
    story.group_off(&[On, On]).sees(legal(false, COMPLETE, None));
    story.sees(legal(false, COMPLETE, Some(&[Off, Nothing]))).does("read members");
}

#[test]
fn with_nobody_left_who_counts_a_complete_is_believed_after_a_minute() {
    let mut story = Story::group_toggle();
    story.group_off(&[On]).sees(legal(false, COMPLETE, None));
    story.at(30).sees(legal(false, COMPLETE, Some(&[Error]))).does("read members");
    story.at(60).sees(legal(false, COMPLETE, Some(&[Error]))).does("seen off, read");
}

#[test]
fn the_gate_runs_out_and_the_on_is_sent_while_the_group_still_processes() {
    let mut story = Story::group_toggle();
    story.group_off(&[On]).at(7199).sees(legal(false, BUSY, None)).does("read");
    story.at(7200).sees(legal(false, BUSY, None)).does("not seen off, read");
    story.sees(legal(false, BUSY, None)).does("intent on, ON").accepted().does("on, read");
    assert!(story.machine.notes()[0].contains("gate ran out"));
}

#[test]
fn the_on_waits_while_a_read_shows_the_group_processing() {
    let mut story = Story::group_toggle();
    story.group_off(&[On]).sees(legal(false, COMPLETE, None)).sees(legal(false, COMPLETE, Some(&[Off])));
    story
        .sees(legal(false, BUSY, None))
        .does("read")
        .sees(legal(false, COMPLETE, None))
        .does("intent on, ON");
}

#[test]
fn members_that_cannot_be_read_hold_the_gate_until_it_runs_out() {
    let unread = |on| match legal(on, COMPLETE, None) {
        Live::Group(group, _) => Live::Group(group, Members::Unread("503".into())),
        other => other,
    };
    let mut story = Story::group_toggle();
    story.group_off(&[On]).at(7000).sees(unread(false)).does("read members");
    story.at(7200).sees(unread(false)).does("not seen off, read");
}

#[test]
fn a_group_whose_members_cannot_be_read_is_not_turned_off() {
    let mut story = Story::group_toggle();
    story.begins().sees(legal(true, COMPLETE, None)).does("closed failed");
    assert!(story.written.is_empty());
}

#[test]
fn a_group_whose_members_cannot_be_read_while_the_off_is_in_doubt_is_ended_with_an_on() {
    let mut story = Story::group_toggle();
    story.begins().sees(legal(true, COMPLETE, Some(&[On]))).does("intent off, OFF").lost();
    story.sees(legal(true, COMPLETE, None)).does("read");
    story.at(60).sees(legal(true, COMPLETE, None)).does("intent on, ON");
}

#[test]
fn a_protected_person_who_joined_keeps_the_group_on() {
    let mut story = Story::group_toggle().protecting(UserId(Uuid::from_u128(2)));
    story.begins().sees(legal(true, COMPLETE, Some(&[On, On]))).does("closed skipped");
    assert!(story.written.is_empty());
}

#[test]
fn a_protected_person_who_joined_while_the_off_was_in_doubt_ends_it_with_an_on() {
    let mut story = Story::group_toggle().protecting(UserId(Uuid::from_u128(2)));
    story.begins().sees(legal(true, COMPLETE, Some(&[On]))).lost().does("read members");
    story.sees(legal(true, COMPLETE, Some(&[On, On]))).does("read");
    story.sees(legal(false, COMPLETE, None)).does("intent on, ON").accepted();
}

#[test]
fn a_protected_person_with_a_license_of_their_own_keeps_nothing_on() {
    let mut both = member(1, On);
    both.assignments.push(e5(AssignedBy::Direct, true));
    let Live::Group(group, _) = legal(true, COMPLETE, None) else { panic!("a group") };
    let mut story = Story::group_toggle().protecting(both.id);
    story.begins().sees(Live::Group(group, Members::Read(vec![both]))).does("intent off, OFF");
}

#[test]
fn the_groups_wait_comes_after_the_gate() {
    let mut story = Story::group_toggle();
    let job = Job { wait: SignedDuration::from_mins(30), ..story.machine.job().clone() };
    story.machine = Machine::new(job);
    story.group_off(&[On]).sees(legal(false, COMPLETE, None));
    story.at(600).sees(legal(false, COMPLETE, Some(&[Off]))).does("seen off, come back in 30m");
}

#[test]
fn a_group_that_goes_on_processing_after_the_on_is_on_with_a_note() {
    let mut story = Story::new(Action::Enable, &legal(false, COMPLETE, None));
    story.begins().sees(legal(false, COMPLETE, Some(&[Off]))).does("intent on, ON").accepted();
    story.at(7199).sees(legal(true, BUSY, None)).does("read");
    story.at(7200).sees(legal(true, BUSY, None)).does("read members");
    story.sees(legal(true, BUSY, Some(&[Off]))).does("closed enabled");
    assert!(story.machine.notes()[0].contains("still works"));
}

#[test]
fn a_license_taken_from_the_group_leaves_nothing_to_turn_on() {
    let none = || match legal(false, COMPLETE, None) {
        Live::Group(group, members) => Live::Group(Group { licenses: Vec::new(), ..group }, members),
        other => other,
    };
    let mut story = Story::group_toggle();
    story.group_off(&[On]).sees(none()).does("read").at(60).sees(none()).does("closed license_gone");
}
