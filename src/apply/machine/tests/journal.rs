//! Toggles that our journal does not know, and what the records hold.

use super::*;
use crate::plan::edit::Edit;
use crate::plan::running::{InFlight, Phase};
use Has::{Off, On};

fn unrecorded(live: &Live, phase: Phase) -> Story {
    let story = Story::new(Action::Resume, live);
    let subject = story.machine.job().subject.clone();
    let edits = story.machine.job().planned.iter();
    let edits = edits.map(|(sku, before)| Edit { sku: *sku, before: before.clone(), after: before.clone() });
    let own = InFlight {
        edits: edits.collect(),
        phase,
        wait: story.machine.job().wait,
        gate: story.machine.job().gate,
        members: Vec::new(),
        people: 1,
        reason: "found off".into(),
        asked: Some(start()),
        verified: subject.id.user().is_some(),
        on_lost: false,
        recorded: false,
        subject,
    };
    let job = Job { resumes: Some(own), ..story.machine.job().clone() };
    Story::of(job, story.catalog, Vec::new(), start())
}

#[test]
fn someone_found_off_is_written_down_first_and_turned_on_when_due() {
    let mut story = unrecorded(&adele(false), Phase::Waiting { off_at: after(-600), due: after(3000) });
    story.begins().does("adopted, come back in 50m");
    let mut next = story.resumed(after(100));
    next.begins().does("come back in 48m").at(3000).comes_back().sees(adele(false)).does("intent on, ON");
    next.accepted().does("on anew, read").sees(adele(true)).ends(Outcome::Resumed);
}

#[test]
fn someone_found_off_without_a_date_is_due_at_once() {
    let mut story = unrecorded(&adele(false), Phase::Waiting { off_at: start(), due: start() });
    story.begins().does("adopted, read").sees(adele(false)).does("intent on, ON");
}

#[test]
fn a_group_found_off_goes_through_its_gate_with_the_members_it_has_also_after_a_crash() {
    let off = |members| legal(false, Processing::Complete, members);
    let mut story = unrecorded(&off(None), Phase::Off { at: after(-600) });
    story.begins().does("adopted, read").sees(off(None)).does("read members");
    story.sees(off(Some(&[Off, On]))).does("read members");
    let mut next = story.resumed(after(60));
    next.begins().does("read").sees(off(None)).sees(off(Some(&[Off, On]))).does("read members");
    next.sees(off(Some(&[Off, Off]))).does("seen off, read").sees(off(None)).does("intent on, ON");
}

#[test]
fn the_intent_holds_all_that_is_needed_to_end_the_toggle() {
    let mut story = Story::group_toggle();
    story.group_off(&[On, Has::Error, On]);
    let running = replay(&story.records, story.now);
    let own = &running.in_flight[&SubjectId::Group(LEGAL)];
    assert_eq!(own.members, [1, 3].map(|number| UserId(Uuid::from_u128(number))));
    assert_eq!((own.wait, own.gate), (SignedDuration::ZERO, SignedDuration::from_hours(2)));
    assert_eq!((own.people, own.reason.as_str(), own.asked), (2, "INC-1", Some(start())));
    assert_eq!(own.edits[0].before, e5(AssignedBy::Direct, true).disabled);
    assert_eq!(own.phase, Phase::Off { at: start() });
}

#[test]
fn an_off_sent_again_keeps_the_older_doubt() {
    let mut story = Story::toggle();
    story.begins().sees(adele(true)).lost().at(5).sees(adele(true)).does("intent off, OFF");
    let running = replay(&story.records, story.now);
    assert_eq!(running.in_flight[&SubjectId::User(ADELE)].phase, Phase::InDoubt { since: start() });
}

#[test]
fn a_toggle_and_an_enable_are_remembered_as_an_on_and_one_without_effect_is_not() {
    let mut story = Story::enable();
    story.begins().sees(adele(false)).at(3).accepted().sees(adele(true));
    assert_eq!(replay(&story.records, story.now).last_on[&SubjectId::User(ADELE)], after(3));

    let both =
        || Live::User(person(ADELE, vec![e5(AssignedBy::Direct, false), e5(AssignedBy::Group(LEGAL), true)]));
    let mut story = Story::toggle();
    story.begins().sees(adele(true)).accepted().sees(both()).sees(both()).sees(both()).accepted();
    assert!(replay(&story.records, story.now).last_on.is_empty());
}

#[test]
fn the_wait_of_someone_deleted_in_doubt_and_restored_does_not_run_from_the_intent() {
    let mut story = Story::toggle();
    story.begins().sees(adele(true)).at(9).lost().at(20).sees(Live::Gone).at(81).sees(Live::Gone);
    story.does("closed subject_gone");
    let mut next = story.resumed(after(100));
    next.begins().does("read").sees(adele(false));
    assert_eq!(next.machine.due(), Some(after(81 + 3600)));
}

#[test]
fn an_on_that_was_sent_before_the_off_was_found_does_not_end_it() {
    let mut story = Story::toggle();
    story.begins().sees(adele(true)).lost().sees(adele(true)).does("intent off, OFF").refused();
    story.sees(adele(false)).does("intent on, ON"); // and the process dies
    let mut next = story.resumed(after(40));
    next.begins().sees(adele_changed(false, 0)).does("off, seen off, come back in 60m");
    assert!(!replay(&next.records, next.now).in_flight[&SubjectId::User(ADELE)].on_lost);
    next.at(3640).comes_back().sees(adele_changed(true, 50)).does("read");
    next.sees(adele_changed(true, 50)).does("closed cut_short");
}
