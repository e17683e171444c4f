//! Each deed: what it does, what it looks like over the wire, and when it is refused.

use serde_json::{Value, json};

use super::super::deed::Deed;
use super::super::testing::*;
use super::super::words::{AssignmentError, AssignmentState};
use super::super::{Doing, Tenant};
use super::*;

const TWO: &str = "\
licenses: [SPE_E5]
groupProcessing: 100s
users: [{upn: a@contoso.com, licenses: [{license: SPE_E5, off: [YAMMER_ENTERPRISE]}]}, b@contoso.com, c@contoso.com]
groups:
  - {name: Legal, id: 8a9b0c1d-0000-4000-8000-000000000002, licenses: [SPE_E5], members: [b@contoso.com]}
";

const LEGAL: GroupId = GroupId(uuid::uuid!("8a9b0c1d-0000-4000-8000-000000000002"));

fn id(tenant: &Tenant, name: &str) -> UserId {
    tenant.user_named(&format!("{name}@contoso.com")).expect("a user")
}

fn holder(tenant: &Tenant, name: &str) -> SubjectId {
    SubjectId::User(id(tenant, name))
}

#[track_caller]
fn does(tenant: &mut Tenant, deed: &Deed) {
    tenant.administrate(deed, noon()).unwrap_or_else(|refusal| panic!("{deed:?}: {refusal:?}"));
}

#[track_caller]
fn is_refused(tenant: &mut Tenant, deed: &Deed) -> String {
    let before = tenant.state.clone();
    let refusal = tenant.administrate(deed, noon()).expect_err("refused");
    assert!(tenant.state == before, "a refusal changes nothing");
    refusal.message
}

/// The states of a user over the wire.
fn states(tenant: &mut Tenant, name: &str, seconds: i64) -> Value {
    let path = format!("/v1.0/users/{name}@contoso.com?$select=licenseAssignmentStates");
    let (status, user) = get_at(tenant, &path, after(seconds));
    assert_eq!(status, 200, "{user}");
    user["licenseAssignmentStates"].clone()
}

fn status(tenant: &mut Tenant, path: &str) -> u16 {
    get(tenant, path).0
}

#[test]
fn one_service_plan_is_turned_and_the_others_stay() {
    let mut tenant = tenant(TWO);
    let (of, license) = (holder(&tenant, "a"), E5);
    let yammer = tenant.plan_named(E5, "YAMMER_ENTERPRISE").expect("known");
    does(&mut tenant, &Deed::TurnOff { of, license, plan: AUDITING });
    assert_eq!(states(&mut tenant, "a", 0)[0]["disabledPlans"], json!([AUDITING, yammer]));
    assert!(!tenant.truth(noon()).users[&id(&tenant, "a")].is_on);
    does(&mut tenant, &Deed::TurnOn { of, license, plan: AUDITING });
    let shown = states(&mut tenant, "a", 0);
    assert_eq!(shown[0]["disabledPlans"], json!([yammer]));
    assert_eq!(shown[0]["lastUpdatedDateTime"], "2026-11-22T12:00:00Z");
    does(&mut tenant, &Deed::Assign { to: of, license, off: BTreeSet::new() });
    assert_eq!(states(&mut tenant, "a", 0)[0]["disabledPlans"], json!([]));
}

#[test]
fn what_nobody_holds_cannot_be_turned() {
    let mut tenant = tenant(TWO);
    let of = holder(&tenant, "b");
    is_refused(&mut tenant, &Deed::TurnOn { of, license: E5, plan: AUDITING });
    is_refused(&mut tenant, &Deed::Remove { from: of, license: E5 });
}

#[test]
fn a_deed_is_no_request_and_shows_as_late_as_any_change() {
    let mut tenant = tenant(&format!("lag: 30s\n{TWO}"));
    let user = id(&tenant, "a");
    does(&mut tenant, &Deed::DeleteUser { user });
    assert_eq!((tenant.counters().requests, tenant.writes().len()), (0, 0));
    let path = format!("/v1.0/users/{user}");
    let seen: Vec<u16> = (0..30).map(|second| get_at(&mut tenant, &path, after(second)).0).collect();
    assert_eq!(seen[0], 200, "the first read is stale");
    assert!(seen.contains(&404) && seen.windows(2).any(|pair| pair == [404, 200]), "replicas disagree");
    assert!((30..40).all(|second| get_at(&mut tenant, &path, after(second)).0 == 404));
}

#[test]
fn a_license_that_is_taken_away_is_gone_and_can_be_given_again() {
    let mut tenant = tenant(TWO);
    let who = holder(&tenant, "a");
    does(&mut tenant, &Deed::Remove { from: who, license: E5 });
    assert_eq!(states(&mut tenant, "a", 0), json!([]));
    does(&mut tenant, &Deed::Assign { to: who, license: E5, off: BTreeSet::from([AUDITING]) });
    assert_eq!(states(&mut tenant, "a", 0)[0]["disabledPlans"], json!([AUDITING]));
}

#[test]
fn a_license_moves_to_a_group_and_is_missing_until_the_group_is_processed() {
    let mut tenant = tenant(TWO);
    let user = id(&tenant, "a");
    does(&mut tenant, &Deed::MoveToGroup { user, license: E5, group: LEGAL });
    assert_eq!(states(&mut tenant, "a", 99), json!([]));
    assert_eq!(states(&mut tenant, "a", 100)[0]["assignedByGroup"], json!(LEGAL));
}

#[test]
fn members_come_and_go_and_their_licenses_follow() {
    let mut tenant = tenant(TWO);
    let (b, c) = (id(&tenant, "b"), id(&tenant, "c"));
    does(&mut tenant, &Deed::AddMember { group: LEGAL, user: c });
    does(&mut tenant, &Deed::RemoveMember { group: LEGAL, user: b });
    let (_, members) = get(&mut tenant, &format!("/v1.0/groups/{LEGAL}/members"));
    assert_eq!(members["value"].as_array().expect("a list").len(), 1);
    assert!(tenant.truth(noon()).groups[&LEGAL].is_processing);
    assert_eq!(states(&mut tenant, "b", 99)[0]["assignedByGroup"], json!(LEGAL));
    assert_eq!(states(&mut tenant, "b", 100), json!([]));
    assert_eq!(states(&mut tenant, "c", 100)[0]["assignedByGroup"], json!(LEGAL));
    assert!(!tenant.truth(after(100)).groups[&LEGAL].is_processing);
    is_refused(&mut tenant, &Deed::AddMember { group: LEGAL, user: c });
    is_refused(&mut tenant, &Deed::RemoveMember { group: LEGAL, user: b });
}

#[test]
fn who_left_is_not_reached_by_a_change_that_was_under_way() {
    let mut tenant = tenant(TWO);
    let user = id(&tenant, "b");
    let path = format!("/v1.0/groups/{LEGAL}/assignLicense");
    does(&mut tenant, &Deed::RemoveMember { group: LEGAL, user });
    does(&mut tenant, &Deed::AddMember { group: LEGAL, user });
    tenant.handle(&post(&path, &assign(&[AUDITING])), after(50));
    tenant.administrate(&Deed::RemoveMember { group: LEGAL, user }, after(51)).expect("a member");
    assert_eq!(states(&mut tenant, "b", 151), json!([]));
}

#[test]
fn no_seats_left_leaves_a_new_member_in_error_until_there_are_some_again() {
    let mut tenant = tenant(&TWO.replace("100s", "0s"));
    let user = id(&tenant, "c");
    does(&mut tenant, &Deed::LeaveSeats { license: E5, free: 0 });
    does(&mut tenant, &Deed::AddMember { group: LEGAL, user });
    let held = |tenant: &mut Tenant| tenant.truth(noon()).users[&user].assignments[0].clone();
    let first = held(&mut tenant);
    assert_eq!((first.state, first.error), (AssignmentState::Error, Some(AssignmentError::CountViolation)));
    let (_, sku) = get(&mut tenant, "/v1.0/subscribedSkus");
    assert_eq!(sku["value"][0]["prepaidUnits"]["enabled"], 2);
    does(&mut tenant, &Deed::Reprocess { user });
    assert_eq!(held(&mut tenant).state, AssignmentState::Error);
    does(&mut tenant, &Deed::LeaveSeats { license: E5, free: 1 });
    does(&mut tenant, &Deed::Reprocess { user });
    assert_eq!(held(&mut tenant).state, AssignmentState::Active);
    let to = holder(&tenant, "a");
    does(&mut tenant, &Deed::Assign { to, license: E5, off: BTreeSet::new() });
}

#[test]
fn a_deleted_user_is_nowhere_and_comes_back_as_it_was() {
    let mut tenant = tenant(TWO);
    let (user, of) = (id(&tenant, "b"), holder(&tenant, "a"));
    does(&mut tenant, &Deed::TurnOff { of, license: E5, plan: AUDITING });
    let a = id(&tenant, "a");
    for user in [a, user] {
        does(&mut tenant, &Deed::DeleteUser { user });
        assert_eq!(status(&mut tenant, &format!("/v1.0/users/{user}")), 404);
    }
    assert_eq!(status(&mut tenant, "/v1.0/users/a@contoso.com"), 404);
    let users = get(&mut tenant, "/v1.0/users").1["value"].clone();
    assert_eq!(users.as_array().expect("a list").len(), 1);
    let members = get(&mut tenant, &format!("/v1.0/groups/{LEGAL}/members")).1["value"].clone();
    assert_eq!(members, json!([]));
    let write = post(&format!("/v1.0/users/{a}/assignLicense"), &assign(&[]));
    assert_eq!(tenant.handle(&write, noon()).status, 404);
    is_refused(&mut tenant, &Deed::DeleteUser { user: a });
    let truth = tenant.truth(noon());
    assert!(truth.users[&a].is_deleted && truth.users.len() == 3);

    does(&mut tenant, &Deed::RestoreUser { user: a });
    assert!(states(&mut tenant, "a", 0)[0]["disabledPlans"].to_string().contains(&AUDITING.to_string()));
    is_refused(&mut tenant, &Deed::RestoreUser { user: a });
}

#[test]
fn what_a_group_became_meanwhile_reaches_a_restored_member() {
    let mut tenant = tenant(TWO);
    let user = id(&tenant, "b");
    does(&mut tenant, &Deed::DeleteUser { user });
    does(&mut tenant, &Deed::TurnOff { of: SubjectId::Group(LEGAL), license: E5, plan: AUDITING });
    tenant.administrate(&Deed::RestoreUser { user }, after(1000)).expect("kept");
    assert_eq!(states(&mut tenant, "b", 1000)[0]["disabledPlans"], json!([]));
    assert_eq!(states(&mut tenant, "b", 1100)[0]["disabledPlans"], json!([AUDITING]));
}

#[test]
fn after_thirty_days_a_deleted_user_is_gone_for_good() {
    let mut tenant = tenant(TWO);
    let user = id(&tenant, "a");
    does(&mut tenant, &Deed::DeleteUser { user });
    let late = after(30 * 24 * 3600 + 1);
    assert!(tenant.administrate(&Deed::RestoreUser { user }, late).is_err());
}

#[test]
fn an_old_name_leads_nowhere_or_to_whoever_has_it_now() {
    let mut tenant = tenant(TWO);
    let (a, b) = (id(&tenant, "a"), id(&tenant, "b"));
    is_refused(&mut tenant, &Deed::RenameUser { user: b, upn: "A@contoso.com".to_owned() });
    does(&mut tenant, &Deed::RenameUser { user: a, upn: "new@contoso.com".to_owned() });
    assert_eq!(status(&mut tenant, "/v1.0/users/a@contoso.com"), 404);
    let found = |tenant: &mut Tenant, name: &str| {
        get(tenant, &format!("/v1.0/users/{name}@contoso.com")).1["id"].clone()
    };
    assert_eq!(found(&mut tenant, "new"), json!(a));
    does(&mut tenant, &Deed::RenameUser { user: b, upn: "a@contoso.com".to_owned() });
    assert_eq!(found(&mut tenant, "a"), json!(b));
    assert_eq!(found(&mut tenant, "new"), json!(a));
    does(&mut tenant, &Deed::DeleteUser { user: b });
    does(&mut tenant, &Deed::RenameUser { user: a, upn: "a@contoso.com".to_owned() });
    is_refused(&mut tenant, &Deed::RestoreUser { user: b });
}

#[test]
fn a_group_is_deleted_only_without_licenses() {
    let mut tenant = tenant(TWO);
    let message = is_refused(&mut tenant, &Deed::DeleteGroup { group: LEGAL });
    assert_eq!(message, "A group with active licenses assigned cannot be deleted.");
    does(&mut tenant, &Deed::Remove { from: SubjectId::Group(LEGAL), license: E5 });
    does(&mut tenant, &Deed::DeleteGroup { group: LEGAL });
    assert_eq!(status(&mut tenant, &format!("/v1.0/groups/{LEGAL}")), 404);
    assert_eq!(get(&mut tenant, "/v1.0/groups").1["value"], json!([]));
    assert_eq!(states(&mut tenant, "b", 100), json!([]), "its members are still brought in line");
}

#[test]
fn a_suspended_license_gives_nothing_and_cannot_be_assigned_until_it_is_paid_for() {
    let mut tenant = tenant(TWO);
    let a = id(&tenant, "a");
    let usable = |tenant: &mut Tenant| {
        let (_, user) = get(tenant, "/v1.0/users/a@contoso.com?$select=assignedPlans");
        let plans = user["assignedPlans"].as_array().expect("a list").clone();
        let own = plans.into_iter().find(|entry| entry["servicePlanId"] == json!(AUDITING));
        own.expect("an entry")["capabilityStatus"].clone()
    };
    let write = post("/v1.0/users/a@contoso.com/assignLicense", &assign(&[]));
    does(&mut tenant, &Deed::Suspend { license: E5 });
    let (_, skus) = get(&mut tenant, "/v1.0/subscribedSkus");
    assert_eq!(skus["value"][0]["capabilityStatus"], "Suspended");
    assert_eq!(usable(&mut tenant), "Suspended");
    assert_eq!(tenant.handle(&write, noon()).status, 400);
    assert!(!tenant.truth(noon()).users[&a].is_on);
    does(&mut tenant, &Deed::Resume { license: E5 });
    assert_eq!(usable(&mut tenant), "Enabled");
    assert_eq!(tenant.handle(&write, noon()).status, 200);
}

#[test]
fn the_audit_knows_who_did_what() {
    let mut tenant = tenant(TWO);
    assert_eq!(tenant.audit(), None);
    tenant.keep_audit();
    let (of, b) = (holder(&tenant, "a"), holder(&tenant, "b"));
    let deed = Deed::TurnOff { of, license: E5, plan: AUDITING };
    does(&mut tenant, &deed);
    tenant.handle(&post("/v1.0/users/a@contoso.com/assignLicense", &assign(&[])), after(1));
    let path = format!("/v1.0/groups/{LEGAL}/assignLicense");
    tenant.handle(&post(&path, &assign(&[AUDITING])), after(2));
    tenant.truth(after(200));
    let audit = tenant.audit().expect("kept");
    let whose: Vec<(SubjectId, &Doing)> = audit.iter().map(|one| (one.object, &one.doing)).collect();
    let group = SubjectId::Group(LEGAL);
    let wire = |off: &[ServicePlanId]| Doing::Wire { body: assign(off) };
    assert_eq!(
        whose,
        [
            (of, &Doing::Administrator(deed)),
            (of, &wire(&[])),
            (group, &wire(&[AUDITING])),
            (b, &Doing::Processing)
        ]
    );
    assert_eq!(audit[1].before[0].off.len(), 2);
    assert!(audit[1].after[0].off.is_empty());
    assert_eq!(audit[3].at, after(97), "when it reached the member");
}
