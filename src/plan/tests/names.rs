//! Names, selectors, `--only`: who is declared.

use super::*;
use crate::graph::Account;

fn three() -> Tenant {
    tenant()
        .user("adele", &[on()])
        .user("megan", &[on_by("Legal")])
        .user("ida", &[holds(E3, AssignedBy::Direct, true)])
}

fn declared(tenant: &Tenant) -> Vec<String> {
    let users = tenant.desired().users;
    users.keys().map(|id| tenant.observed.users[id].upn.trim_end_matches("@contoso.com").to_owned()).collect()
}

#[test]
fn all_licensed_is_everyone_with_the_service_plan_in_a_license_directly_or_by_group() {
    assert_eq!(declared(&three().selects_all(&[], None)), ["adele", "megan"]);
}

#[test]
fn except_leaves_out_of_that_entry_only() {
    let tenant = three().selects_all(&["adele"], None);
    assert_eq!(declared(&tenant), ["megan"]);
    assert_eq!(declared(&tenant.selects_all(&["megan"], None)), ["adele", "megan"]);
}

#[test]
fn except_for_somebody_unknown_is_a_finding() {
    assert!(has(&three().selects_all(&["nobody"], None).plan(), Code::UnknownName));
}

#[test]
fn a_named_entry_beats_a_selector_before_and_after_it() {
    let before = three().names("adele", None).selects_all(&[], Some(ASKED));
    let after = three().selects_all(&[], Some(ASKED)).names("adele", None);
    for tenant in [before, after] {
        assert_eq!(tenant.says("adele"), "in sync");
        assert_eq!(tenant.desired().users[&uid("adele")].asked, None);
    }
}

#[test]
fn a_named_entry_that_is_blocked_is_not_taken_up_by_a_selector() {
    let mut tenant = three().names("adele", None).selects_all(&[], Some(ASKED));
    tenant.running.names.insert(upn("adele"), uid("another"));
    assert_eq!(tenant.says("adele"), "name-moved");
}

#[test]
fn a_named_entry_that_could_not_be_read_is_not_taken_up_by_a_selector() {
    let mut tenant = three().names("adele", None).selects_all(&[], Some(ASKED));
    tenant.observed.user_keys.insert(upn("adele"), Lookup::Unread("503".into()));
    assert_eq!(tenant.says("adele"), "unknown");
}

#[test]
fn selected_by_several_the_latest_date_counts() {
    for dates in [[None, Some(SINCE), Some(ASKED)], [Some(SINCE), Some(ASKED), None]] {
        let tenant = dates.into_iter().fold(three(), |tenant, date| tenant.selects_all(&[], date));
        assert_eq!(tenant.desired().users[&uid("adele")].asked, Some(time(SINCE)));
    }
}

#[test]
fn a_selector_that_was_read_incompletely_selects_nobody_and_others_go_on() {
    let mut tenant = three().names("megan", None).selects_all(&[], Some(ASKED));
    tenant.observed.selections.insert(Select::AllLicensed, Selection::Incomplete("503".into()));
    let plan = tenant.plan();
    assert_eq!(declared(&tenant), ["megan"]);
    assert!(plan.changes.is_empty() && !plan.is_complete());
    assert_eq!((says(&plan, "megan"), says(&plan, "all: licensed")), ("in sync".into(), "unknown".into()));
}

#[test]
fn an_empty_answer_never_becomes_nobody_is_declared() {
    let nobody = tenant().user("ida", &[holds(E3, AssignedBy::Direct, true)]).selects_all(&[], None);
    assert_eq!(nobody.says("all: licensed"), "unknown");
    assert!(!nobody.plan().is_complete());
}

#[test]
fn an_empty_selection_is_told_where_it_may_be_empty() {
    let nobody = three().names("adele", None).selects_by("x", &[], &[], None);
    assert_eq!((nobody.says("filter: x"), nobody.says("adele")), ("unknown".into(), "in sync".into()));
    let nobody = nobody.but_selector(|selector| selector.allow_empty = true);
    let plan = nobody.plan();
    assert!(plan.is_complete() && has(&plan, Code::EmptySelection));
}

#[test]
fn a_selection_that_was_not_read_is_unknown_even_where_it_may_be_empty() {
    let tenant = three().selects_by("x", &["adele"], &[], None);
    let mut tenant = tenant.but_selector(|selector| selector.allow_empty = true);
    for selection in [Selection::Incomplete("503".into()), Selection::Refused("400".into())] {
        let refused = matches!(selection, Selection::Refused(_));
        tenant.observed.selections.insert(Select::Filter("x".into()), selection);
        let plan = tenant.plan();
        assert_eq!((says(&plan, "filter: x"), says(&plan, "adele")), ("unknown".into(), String::new()));
        assert_eq!(has(&plan, Code::FilterRefused), refused);
    }
}

#[test]
fn a_filter_means_people_whatever_they_hold() {
    let tenant = three().selects_by("x", &["adele", "ida"], &[], None);
    assert_eq!((tenant.says("adele"), tenant.says("ida")), ("in sync".into(), "no-license".into()));
    let plan = tenant.plan();
    assert!(plan.blocked[0].why.next_step().contains("except"), "the entry means others too");
}

#[test]
fn the_entry_with_the_latest_date_gives_license_and_reason() {
    let tenant = tenant().user("adele", &[off(), holds(SECURITY, AssignedBy::Direct, false)]);
    let early = |tenant: Tenant| tenant.selects_by("early", &["adele"], &[], None);
    let late = |tenant: Tenant| tenant.selects_by("late", &["adele"], &[], Some(ASKED)).with_license(E5);
    for tenant in [late(early(tenant.clone())), early(late(tenant))] {
        let want = tenant.desired().users[&uid("adele")].clone();
        assert_eq!(want.asked, Some(time(ASKED)));
        assert_eq!(want.license.map(|(name, _)| name).as_deref(), Some(E5));
    }
}

#[test]
fn without_guests_and_disabled_accounts() {
    let tenant = three().selects_by("x", &["adele", "ida", "megan"], &["ida"], None);
    let mut tenant = tenant.but_selector(|selector| selector.only_enabled = true);
    tenant.observed.accounts = [(uid("adele"), Account::Guest), (uid("megan"), Account::Disabled)].into();
    assert_eq!(declared(&tenant), [""; 0], "ida is excepted");
    assert!(!has(&tenant.plan(), Code::UnknownName) && has(&tenant.plan(), Code::LeftOut));
    tenant.observed.accounts.insert(uid("ida"), Account::Disabled);
    assert_eq!(tenant.says("filter: x"), "unknown", "that leaves nobody");
    let mut tenant = tenant.but_selector(|selector| selector.only_enabled = false);
    assert_eq!(declared(&tenant), ["adele", "megan"]);
    tenant.observed.accounts.clear();
    assert!(tenant.plan().findings.is_empty());
}

#[test]
fn only_does_not_deny_whom_an_unread_selector_may_select() {
    let mut tenant = three().names("megan", None).selects_by("x", &["adele"], &[], None);
    tenant.observed.selections.insert(Select::Filter("x".into()), Selection::Incomplete("503".into()));
    let mut desired = tenant.desired();
    assert!(desired.keep_only(&[upn("adele")], &tenant.observed).is_empty());
    assert_eq!((desired.users.len(), desired.unknown.len()), (0, 1));
    let mut desired = tenant.desired();
    assert!(desired.keep_only(&[upn("megan")], &tenant.observed).is_empty());
    assert_eq!((desired.users.len(), desired.unknown.len()), (1, 0));
}

#[test]
fn two_entries_that_turn_out_to_be_one_user_are_an_error() {
    let mut tenant = three().names("adele", None);
    let entry = UserEntry { who: Who::User(UserKey::Id(uid("adele"))), ..tenant.declared.users[0].clone() };
    tenant.declared.users.push(entry);
    let plan = tenant.plan();
    let finding = plan.findings.iter().find(|one| one.code == Code::DuplicateSubject).expect("a finding");
    assert!(finding.is_error());
    assert_eq!(says(&plan, "adele"), "in sync", "once");
}

#[test]
fn a_protected_name_that_nobody_has_is_a_finding_and_one_that_was_not_read_protects() {
    let mut tenant = three().names("adele", Some(ASKED)).protects("nobody").protects("adele");
    tenant.observed.user_keys.insert(upn("nobody"), Lookup::NotFound);
    assert!(has(&tenant.plan(), Code::UnknownName));
    assert_eq!(tenant.says("adele"), "protected");
}

#[test]
fn only_keeps_those_subjects_by_name_or_id_and_says_which_words_name_nobody() {
    let tenant = three().names("adele", None).names("megan", None).group("Legal", true, &[]);
    let tenant = tenant.names_group("Legal", None);
    let mut desired = tenant.desired();
    let words = ["ADELE@contoso.com".into(), "legal".into(), "nobody".into()];
    assert_eq!(desired.keep_only(&words, &tenant.observed), ["nobody"]);
    assert_eq!(desired.users.keys().copied().collect::<Vec<_>>(), [uid("adele")]);
    assert_eq!(desired.groups.keys().copied().collect::<Vec<_>>(), [gid("Legal")]);
    let mut desired = tenant.desired();
    assert!(desired.keep_only(&[uid("megan").to_string()], &tenant.observed).is_empty());
    assert_eq!(desired.users.len(), 1);
}

#[test]
fn only_leaves_the_rest_of_the_manifest_alone_and_finishes_what_is_unfinished() {
    let tenant = three().names("adele", Some(ASKED)).selects_all(&[], Some(ASKED));
    let tenant = tenant.in_flight(uid("max"), &upn("max"), Phase::Off { at: time(NOW) });
    let mut desired = tenant.desired();
    desired.keep_only(&[upn("megan")], &tenant.observed);
    let plan = tenant.plan_of(&desired);
    assert_eq!((says(&plan, "adele"), says(&plan, "max")), (String::new(), "resume".into()));
}

#[test]
fn only_keeps_what_is_blocked_or_unknown_by_that_name() {
    let mut tenant = three().names("adele", None).names("zoe", None);
    tenant.observed.user_keys.insert(upn("zoe"), Lookup::NotFound);
    let mut desired = tenant.desired();
    assert!(desired.keep_only(&[upn("zoe")], &tenant.observed).is_empty());
    assert_eq!(says(&tenant.plan_of(&desired), "zoe"), "not-found");
}
