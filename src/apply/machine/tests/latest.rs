//! Where Graph's time is known only between two bounds: an off is dated by the later one, so that the wait
//! is never too short as Graph sees it.

use super::*;

fn unsure(mut story: Story, seconds: i64) -> Story {
    story.unsure = SignedDuration::from_secs(seconds);
    story
}

/// When the on is due, in seconds of the story.
#[track_caller]
fn due(story: &Story) -> i64 {
    story.machine.due().expect("due").duration_since(start()).as_secs()
}

fn recorded_off_at(story: &Story) -> Timestamp {
    let mut offs = story.records.iter().filter_map(|record| match record.entry {
        Entry::OffDone { off_at, .. } => Some(off_at),
        _ => None,
    });
    offs.next_back().expect("an off")
}

#[test]
fn the_wait_runs_from_the_latest_moment_at_which_the_off_can_have_been() {
    let mut story = unsure(Story::toggle(), 2);
    story.begins().sees(adele(true)).at(10).accepted().at(12).sees(adele(false));
    assert_eq!(recorded_off_at(&story), after(12));
    assert_eq!(due(&story), 3612);
    story.at(3611).comes_back().does("come back in 0m").at(3612).comes_back().does("read");
}

#[test]
fn an_off_that_is_found_later_runs_from_the_latest_moment_of_that_look() {
    let mut story = unsure(Story::toggle(), 0);
    story.begins().sees(adele(true)).lost();
    let mut next = unsure(story.resumed(after(100)), 3);
    next.begins().sees(adele(false)).does("off, seen off, come back in 60m");
    assert_eq!((recorded_off_at(&next), due(&next)), (after(103), 3703));
}

#[test]
fn an_off_dated_by_an_answer_that_was_wrong_is_dated_by_the_look_that_shows_it() {
    let mut story = unsure(Story::toggle(), 7200);
    story.begins().sees(adele(true)).accepted();
    assert_eq!(recorded_off_at(&story), after(7200));
    story.unsure = SignedDuration::from_secs(1);
    story.at(4).sees(adele(false));
    assert_eq!(due(&story), 3605);
}

#[test]
fn an_off_that_the_journal_dates_in_the_future_is_dated_by_the_look_that_shows_it() {
    let mut story = unsure(Story::toggle(), 7200);
    story.begins().sees(adele(true)).accepted();
    let mut next = story.resumed(after(20));
    next.begins().sees(adele(false));
    assert_eq!(due(&next), 3620);
}

#[test]
fn the_wait_of_a_group_runs_from_the_latest_moment_of_its_gate() {
    let gone_through = |wait: i64| {
        let mut story = unsure(Story::group_toggle(), 5);
        let job = Job { wait: SignedDuration::from_mins(wait), ..story.machine.job().clone() };
        story.machine = Machine::new(job);
        story.group_off(&[Has::On]).sees(legal(false, Processing::Complete, None));
        story.at(60).sees(legal(false, Processing::Complete, Some(&[Has::Off])));
        due(&story)
    };
    assert_eq!(gone_through(10), 665);
    assert_eq!(gone_through(0), 60, "no wait, nothing to be too short");
}
