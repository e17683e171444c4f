//! Answers that are lost, writes that are not done, reads that fail.

use super::*;

#[test]
fn an_off_that_was_not_done_is_taken_back_in_the_journal_and_tried_after_a_new_read() {
    let mut story = Story::toggle();
    story.begins().sees(adele(true)).busy().does("not off, read");
    assert!(!story.machine.holds_off());
    story.sees(adele(true)).does("intent off, OFF").accepted().does("off, read");
}

#[test]
fn an_off_that_is_never_done_fails_in_the_end_and_nobody_is_off() {
    let mut story = Story::toggle();
    story.begins();
    for _ in 0..TRIES {
        story.sees(adele(true)).does("intent off, OFF").busy().does("not off, read");
    }
    story.sees(adele(true)).busy().does("not off, closed failed").ends(Outcome::Failed);
    assert!(replay(&story.records, story.now).in_flight.is_empty());
}

#[test]
fn an_off_that_is_refused_fails() {
    let mut story = Story::toggle();
    story.begins().sees(adele(true)).refused().does("not off, closed failed");
    assert!(!story.machine.holds_off());
}

#[test]
fn a_write_that_waited_too_long_for_its_turn_is_made_from_a_new_read() {
    let mut story = Story::toggle();
    story.begins().sees(adele(true)).comes_back().does("not off, read").sees(adele(true));
    story.does("intent off, OFF").accepted().sees(adele(false)).at(3600).comes_back().sees(adele(false));
    story.comes_back().does("read").sees(adele(false)).does("intent on, ON");
}

#[test]
fn an_off_in_doubt_that_turns_out_to_be_done_has_its_wait_though_nothing_new_may_start() {
    let mut story = Story::toggle();
    story.begins().sees(adele(true)).lost().at(5).stops().does("read");
    story.at(9).sees(adele_changed(false, 1)).does("off, seen off, come back in 60m");
    story.at(3609).comes_back().sees(adele(false)).does("intent on, ON").accepted().does("on anew, read");
    story.sees(adele(true)).ends(Outcome::Toggled);
    let mut never_done = Story::toggle();
    never_done
        .begins()
        .sees(adele(true))
        .lost()
        .stops()
        .sees(adele(true))
        .does("read")
        .at(31)
        .sees(adele(true));
    never_done.does("intent on, ON").accepted().sees(adele(true)).ends(Outcome::Failed);
}

#[test]
fn an_off_whose_answer_was_lost_is_sent_again_whatever_reads_say() {
    for seen in [true, false] {
        let mut story = Story::toggle();
        story.begins().sees(adele(true)).lost().does("read");
        assert!(story.machine.holds_off());
        story.at(5).sees(adele(seen)).does("intent off, OFF").accepted().does("off, read");
        story.sees(adele(false)).does("seen off, come back in 60m");
        assert_eq!(story.machine.due(), Some(after(3605)), "the wait runs from the answer that came");
    }
}

#[test]
fn an_off_that_stays_in_doubt_is_ended_with_an_on() {
    let mut story = Story::toggle();
    story.begins();
    for _ in 0..TRIES {
        story.sees(adele(true)).does("intent off, OFF").lost().does("read");
    }
    story.sees(adele(true)).lost().does("read").sees(adele(false)).does("intent on, ON");
    story.busy().does("read").sees(adele(false)).does("intent on, ON").accepted().does("on, read");
    story.sees(adele(true)).does("closed failed");
    assert!(!story.machine.holds_off());
}

#[test]
fn an_off_in_doubt_that_is_refused_when_it_is_sent_again_is_ended_with_an_on() {
    let mut story = Story::toggle();
    story.begins().sees(adele(true)).lost().sees(adele(true)).refused().does("read");
    story.sees(adele(false)).does("intent on, ON").accepted().sees(adele(true)).ends(Outcome::Failed);
}

#[test]
fn an_off_in_doubt_that_is_throttled_stays_in_doubt() {
    let mut story = Story::toggle();
    story.begins().sees(adele(true)).lost().sees(adele(true)).busy().does("read");
    assert!(story.machine.holds_off());
    story.sees(adele(true)).does("intent off, OFF");
}

#[test]
fn an_off_in_doubt_of_a_license_that_is_gone_has_nothing_to_turn_on() {
    let none = || Live::User(person(ADELE, Vec::new()));
    let mut story = Story::toggle();
    story.begins().sees(adele(true)).lost().sees(none()).does("read").at(60).sees(none());
    story.does("closed license_gone");
}

#[test]
fn an_on_whose_answer_was_lost_and_that_shows_is_ours_and_not_someone_elses() {
    let mut story = Story::toggle();
    story.off_and_waiting().at(3600).comes_back().sees(adele_changed(false, 0)).lost().does("read");
    story.at(3602).sees(adele_changed(true, 3601)).does("on anew, closed toggled").ends(Outcome::Toggled);
}

#[test]
fn an_on_whose_answer_was_lost_and_that_does_not_show_is_sent_again() {
    let mut story = Story::toggle();
    story.off_and_waiting().at(3600).comes_back().sees(adele(false)).lost().sees(adele(false));
    story.does("intent on, ON").accepted().sees(adele(true)).ends(Outcome::Toggled);
}

#[test]
fn an_enable_whose_answer_was_lost_is_done_when_it_shows() {
    let mut story = Story::enable();
    story.begins().sees(adele(false)).lost().does("read").sees(adele(true)).does("on anew, closed enabled");
    assert_eq!(story.written.len(), 1);
}

#[test]
fn an_enable_that_was_throttled_begins_anew() {
    let mut story = Story::enable();
    story.begins().sees(adele(false)).busy().does("read").sees(adele(false)).does("intent on, ON");
    story.busy().sees(adele(true)).sees(adele(true)).does("closed skipped");
}

#[test]
fn an_on_that_cannot_be_done_is_left_open_for_the_next_run() {
    let mut story = Story::toggle();
    story.off_and_waiting().at(3600).comes_back();
    for _ in 0..TRIES_WHILE_OFF {
        story.sees(adele(false)).does("intent on, ON").busy().does("read");
    }
    story.sees(adele(false)).busy().does("").ends(Outcome::Failed);
    assert!(story.machine.holds_off());
    let mut next = story.resumed(after(8000));
    next.begins()
        .sees(adele(false))
        .does("intent on, ON")
        .accepted()
        .sees(adele(true))
        .ends(Outcome::Resumed);
}

#[test]
fn an_on_that_is_refused_is_left_open_for_the_next_run() {
    let mut story = Story::toggle();
    story.off_and_waiting().at(3600).comes_back().sees(adele(false)).refused().does("").ends(Outcome::Failed);
    assert!(story.machine.holds_off());
}

#[test]
fn an_on_that_no_read_shows_is_left_open_for_the_next_run() {
    let mut story = Story::toggle();
    story.off_and_waiting().at(3600).comes_back().sees(adele(false)).accepted();
    story.at(4199).sees(adele(false)).does("read").at(4200).sees(adele(false)).does("");
    story.ends(Outcome::Failed);
    let mut next = story.resumed(after(5000));
    next.begins().sees(adele(false)).does("intent on, ON");
}

#[test]
fn who_cannot_be_read_before_anything_was_done_fails() {
    Story::toggle().begins().unreadable().does("closed failed").ends(Outcome::Failed);
}

#[test]
fn who_is_off_and_cannot_be_read_is_read_again_for_ten_minutes_and_stays_open() {
    let mut story = Story::toggle();
    story.begins().sees(adele(true)).accepted();
    for _ in 0..TRIES_WHILE_OFF {
        story.unreadable().does("read");
    }
    story.unreadable().does("").ends(Outcome::Failed);
    assert!(story.machine.holds_off());
}

#[test]
fn reads_that_fail_now_and_then_are_not_counted_together() {
    let mut story = Story::toggle();
    story.begins().sees(adele(true)).accepted();
    for _ in 0..3 * TRIES_WHILE_OFF {
        story.unreadable().does("read").sees(adele(true)).does("read");
    }
}

#[test]
fn a_run_that_stops_leaves_who_is_off_open() {
    let mut story = Story::toggle();
    story.off_and_waiting();
    story.machine.leave(None);
    story.ends(Outcome::Pending);
    assert!(story.machine.holds_off());
    story.at(3600).comes_back().does("");
}
