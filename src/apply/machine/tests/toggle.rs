//! A user's toggle and enable when nothing is lost: the calm way, lag, and other people.

use super::*;

#[test]
fn an_enable_is_a_look_an_on_and_a_look() {
    let mut story = Story::enable();
    story.begins().does("read").sees(adele(false)).does("intent on, ON");
    story.accepted().does("on anew, read").sees(adele(true)).does("closed enabled").ends(Outcome::Enabled);
    assert!(!story.machine.holds_off());
}

#[test]
fn a_toggle_is_off_seen_waited_for_and_on_again() {
    let mut story = Story::toggle();
    story.begins().does("read").sees(adele(true)).does("intent off, OFF").accepted().does("off, read");
    story.at(2).sees(adele(false)).does("seen off, come back in 59m");
    story.at(3600).comes_back().does("read").sees(adele(false)).does("intent on, ON");
    story.at(3601).accepted().does("on anew, read").sees(adele(true)).does("closed toggled");
    story.ends(Outcome::Toggled);
    assert_eq!(story.written.len(), 2);
    assert!(story.machine.notes().is_empty());
}

#[test]
fn every_write_is_made_from_the_read_just_before_it() {
    let other = |on: bool| {
        let mut direct = e5(AssignedBy::Direct, on);
        direct.disabled.insert(ServicePlanId(Uuid::from_u128(77)));
        Live::User(person(ADELE, vec![direct]))
    };
    let mut story = Story::toggle();
    story.begins().sees(other(true)).accepted().sees(adele(false)).at(3600).comes_back().sees(other(false));
    assert!(story.machine.refreshed());
    assert_eq!(story.written[0].1, other(true).lists(&[E5].into()));
    assert_eq!(story.written[1].1, other(false).lists(&[E5].into()));
}

#[test]
fn what_changed_since_the_plan_is_skipped_on_two_reads_that_agree() {
    let mut story = Story::toggle();
    story.begins().sees(adele(false)).does("read").sees(adele(false)).does("closed skipped");
    assert!(story.written.is_empty());
}

#[test]
fn one_read_of_a_replica_that_lags_skips_nobody() {
    let mut story = Story::toggle();
    story.begins().sees(adele(false)).does("read").sees(adele(true)).does("intent off, OFF");
}

#[test]
fn someone_who_no_longer_exists_is_skipped_before_the_first_write() {
    Story::toggle().begins().sees(Live::Gone).sees(Live::Gone).does("closed skipped");
}

#[test]
fn a_user_who_is_protected_is_never_turned_off() {
    let mut story = Story::toggle().protecting(ADELE);
    story.begins().sees(adele(true)).does("closed skipped");
}

#[test]
fn reads_that_do_not_show_the_off_are_repeated_and_the_wait_runs_from_the_answer() {
    let mut story = Story::toggle();
    story.begins().sees(adele(true)).accepted();
    for second in [1, 20, 40] {
        story.at(second).sees(adele(true)).does("read");
    }
    story.at(60).sees(adele(false)).does("seen off, come back in 59m");
    assert_eq!(story.machine.due(), Some(after(3600)));
}

#[test]
fn an_off_that_no_read_ever_shows_ends_on_and_renews_nothing() {
    let mut story = Story::toggle();
    story.begins().sees(adele(true)).accepted().at(3599).sees(adele(true)).does("read");
    story.at(3600).sees(adele(true)).does("not seen off, read");
    story.sees(adele(true)).does("read").at(3631).sees(adele(true)).does("intent on, ON");
    story.accepted().does("on, read").sees(adele(true)).does("closed failed").ends(Outcome::Failed);
    assert!(!story.machine.holds_off(), "it is on, so it does not fill the room");
}

#[test]
fn the_on_is_not_sent_before_the_wait_is_over() {
    let mut story = Story::toggle();
    story.off_and_waiting().at(3599).comes_back().does("come back in 0m");
    story.at(3600).comes_back().does("read");
}

#[test]
fn a_stale_read_before_the_on_is_repeated() {
    let mut story = Story::toggle();
    story.off_and_waiting().at(3600).comes_back().sees(adele(true)).does("read");
    story.at(3610).sees(adele(false)).does("intent on, ON").accepted().sees(adele(false)).does("read");
    story.sees(adele(true)).ends(Outcome::Toggled);
}

#[test]
fn someone_else_turned_it_on_during_the_wait() {
    let mut story = Story::toggle();
    story.off_and_waiting().at(3600).comes_back().sees(adele_changed(true, 600)).does("read");
    story.sees(adele_changed(true, 600)).does("closed cut_short").ends(Outcome::CutShort);
    assert!(!story.machine.holds_off());
}

#[test]
fn someone_else_turned_it_on_before_the_off_was_seen() {
    let mut story = Story::toggle();
    story.begins().sees(adele_changed(true, -900)).accepted();
    story.at(3).sees(adele_changed(true, -900)).does("read"); // a replica that lags
    story.at(5).sees(adele_changed(true, 4)).does("read");
    story.sees(adele_changed(true, 4)).does("not seen off, come back in 59m");
    story.at(3600).comes_back().sees(adele_changed(true, 4)).does("read");
    story.at(3640).sees(adele_changed(true, 4)).does("intent on, ON");
    story.accepted().sees(adele_changed(true, 4)).ends(Outcome::CutShort);
}

#[test]
fn on_before_our_on_and_no_date_to_tell_by_is_turned_on_once_more() {
    let mut story = Story::toggle();
    story.begins().sees(adele(true)).accepted().sees(adele(false)).at(3600).comes_back();
    story.sees(adele(true)).does("read").at(3630).sees(adele(true)).does("intent on, ON");
    story.accepted().does("on, read").sees(adele(true)).ends(Outcome::CutShort);
}

#[test]
fn the_license_is_gone_when_reads_of_a_minute_agree() {
    let none = || Live::User(person(ADELE, Vec::new()));
    let mut story = Story::toggle();
    story.off_and_waiting().at(3600).comes_back();
    story.sees(none()).does("read").at(3630).sees(none()).does("read").at(3660).sees(none());
    story.does("closed license_gone").ends(Outcome::LicenseGone);
}

#[test]
fn a_license_that_is_missing_on_one_replica_only_is_not_gone() {
    let none = || Live::User(person(ADELE, Vec::new()));
    let mut story = Story::toggle();
    story.off_and_waiting().at(3600).comes_back().sees(none()).at(3620).sees(adele(true)).does("read");
    story.at(3661).sees(none()).does("read").sees(adele(false)).does("intent on, ON");
}

#[test]
fn the_license_comes_from_a_group_now() {
    let inherited = || Live::User(person(ADELE, vec![e5(AssignedBy::Group(LEGAL), true)]));
    let mut story = Story::toggle();
    story.off_and_waiting().at(3600).comes_back().sees(inherited()).at(3660).sees(inherited());
    story.does("closed now_by_group").ends(Outcome::NowByGroup);
}

#[test]
fn the_user_was_deleted_while_off() {
    let mut story = Story::toggle();
    story.off_and_waiting().at(3600).comes_back().sees(Live::Gone).at(3660).sees(Live::Gone);
    story.does("closed subject_gone").ends(Outcome::SubjectGone);
}

#[test]
fn an_off_that_changes_nothing_is_turned_on_again_at_once_and_renews_nothing() {
    let both = || {
        let direct = e5(AssignedBy::Direct, false);
        Live::User(person(ADELE, vec![direct, e5(AssignedBy::Group(LEGAL), true)]))
    };
    let mut story = Story::toggle();
    story.begins().sees(adele(true)).accepted().sees(both()).does("read").sees(both());
    story.does("not seen off, read").sees(both()).does("intent on, ON").accepted().does("on, read");
    story.sees(adele(true)).does("closed no_effect").ends(Outcome::NoEffect);
    assert!(!story.machine.renews());
}

#[test]
fn a_license_that_is_suspended_keeps_the_toggle_open() {
    let mut story = Story::toggle();
    story.off_and_waiting().at(3600).comes_back().sees(adele(false));
    story.catalog = catalog_with(LicenseStatus::Suspended);
    story.refused().does("").ends(Outcome::Stuck);
    assert!(story.machine.holds_off());
    let trouble = story.machine.end().and_then(|end| end.trouble.as_ref()).expect("told");
    assert!(trouble.message.starts_with("the tenant's SPE_E5 is Suspended, "), "{trouble:?}");
    let mut next = story.resumed(after(90_000));
    next.begins().does("read").sees(adele(false)).does("intent on, ON");
}

#[test]
fn an_on_whose_answer_was_lost_is_not_compared_with_the_off_before_it() {
    let mut story = Story::toggle();
    story.off_and_waiting().at(3600).comes_back().sees(adele(false)).does("intent on, ON").lost();
    story.at(3605).sees(adele_changed(true, 3601)).does("on anew, closed toggled").ends(Outcome::Toggled);
    assert!(story.machine.notes().is_empty(), "{:?}", story.machine.notes());
}

#[test]
fn service_plans_that_changed_while_it_was_written_are_told() {
    let mut changed = e5(AssignedBy::Direct, true);
    changed.disabled.clear();
    let mut story = Story::enable();
    story.begins().sees(adele(false)).accepted().sees(Live::User(person(ADELE, vec![changed])));
    story.ends(Outcome::Enabled);
    assert_eq!(story.machine.notes().len(), 1);
}

#[test]
fn a_service_plan_that_the_tenant_forgot_is_left_out_and_told_and_no_difference() {
    let with_old = |on| {
        let mut direct = e5(AssignedBy::Direct, on);
        direct.disabled.insert(ServicePlanId(Uuid::from_u128(77)));
        Live::User(person(ADELE, vec![direct]))
    };
    let mut story = Story::enable();
    story.begins().sees(with_old(false)).accepted().sees(with_old(true)).ends(Outcome::Enabled);
    let notes = story.machine.notes();
    assert!(notes.len() == 1 && notes[0].contains("left out"), "{notes:?}");
}
