//! What the weather brings, and that it can be had again.

use serde_json::{Value, json};

use super::super::testing::*;
use super::super::words::AssignmentError;
use super::super::{Answer, Tenant};
use super::*;
use crate::model::GroupId;

const ONE: &str = "seed: 7\nlicenses: [SPE_E5]\nusers: [{upn: a@contoso.com, licenses: [SPE_E5]}]\n";
const A: &str = "/v1.0/users/a@contoso.com";

fn with(weather: &str) -> Tenant {
    tenant(&format!("{ONE}weather: {weather}\n"))
}

fn reads(tenant: &mut Tenant, times: usize) -> Vec<Answer> {
    (0..times).map(|_| tenant.handle(&ask("GET", A), noon())).collect()
}

fn writes(tenant: &mut Tenant, times: usize) -> Vec<Answer> {
    let write = post(&format!("{A}/assignLicense"), &assign(&[AUDITING]));
    (0..times).map(|_| tenant.handle(&write, noon())).collect()
}

/// How many of the answers are so.
fn count(answers: &[Answer], is: impl Fn(&Answer) -> bool) -> usize {
    answers.iter().filter(|answer| is(answer)).count()
}

#[test]
fn about_as_many_requests_are_struck_as_it_says_and_always_the_same_ones() {
    let mut tenant = with("{throttled: 20}");
    let first = reads(&mut tenant, 500);
    let struck = count(&first, |answer| answer.status == 429);
    assert!((75..125).contains(&struck), "{struck}");
    assert!(first.iter().all(|answer| (answer.status == 429) == answer.header("Retry-After").is_some()));
    assert_eq!(
        tenant.faults_injected().clone().into_iter().collect::<Vec<_>>(),
        [("throttled", struck as u64)]
    );
    assert_eq!(reads(&mut with("{throttled: 20}"), 500), first);
    let mut other =
        super::super::testing::tenant(&format!("{}weather: {{throttled: 20}}\n", ONE.replace('7', "8")));
    let statuses = |answers: &[Answer]| answers.iter().map(|answer| answer.status).collect::<Vec<_>>();
    assert_ne!(statuses(&reads(&mut other, 500)), statuses(&first));
}

#[test]
fn it_can_be_calmed_at_any_time() {
    let mut tenant = with("{dropped: 100}");
    assert!(reads(&mut tenant, 3).iter().all(|answer| answer.lost));
    tenant.set_weather(Weather::calm());
    assert_eq!(count(&reads(&mut tenant, 3), |answer| answer.status == 200 && !answer.lost), 3);
}

#[test]
fn nothing_is_done_by_what_is_struck_before_the_work_and_all_by_what_is_struck_after() {
    for weather in ["throttled", "unavailable", "dropped", "conflict", "expired"] {
        let mut tenant = with(&format!("{{{weather}: 100}}"));
        let answers = writes(&mut tenant, 20);
        assert_eq!(count(&answers, |answer| answer.status < 300 && !answer.lost), 0, "{weather}");
        assert!(tenant.writes().is_empty(), "{weather}");
        assert_eq!(tenant.faults_injected()[weather], 20);
    }
    for weather in ["lost", "truncated", "empty"] {
        let mut tenant = with(&format!("{{{weather}: 100}}"));
        writes(&mut tenant, 20);
        assert_eq!(tenant.writes().len(), 20, "{weather}");
        assert_eq!(tenant.faults_injected()[weather], 20);
    }
}

#[test]
fn each_kind_comes_in_all_its_shapes() {
    let answers = reads(&mut with("{unavailable: 100}"), 100);
    for status in [500, 502, 503, 504] {
        assert!(count(&answers, |answer| answer.status == status) > 0, "{status}");
    }
    let html = |answer: &Answer| answer.header("Content-Type") == Some("text/html");
    assert!(count(&answers, html) > 0);
    let answers = writes(&mut with("{conflict: 100}"), 50);
    for status in [400, 409] {
        assert!(count(&answers, |answer| answer.status == status) > 0, "{status}");
    }
    assert!(refusal(&answers[0]).1.starts_with("Directory_ConcurrencyViolation: "));
    let mut tenant = with("{page: 100}");
    let answers = writes(&mut tenant, 50);
    assert_eq!(count(&answers, |answer| answer.status == 200 && html(answer)), 50);
    assert!((10..40).contains(&tenant.writes().len()), "done or not: {}", tenant.writes().len());
}

#[test]
fn an_answer_breaks_off_in_the_middle_of_its_json() {
    let answers = reads(&mut with("{truncated: 100}"), 1);
    assert_eq!(answers[0].status, 200);
    assert!(!answers[0].body.is_empty() && serde_json::from_slice::<Value>(&answers[0].body).is_err());
}

#[test]
fn reads_meet_neither_conflicts_nor_empty_bodies() {
    let answers = reads(&mut with("{conflict: 50, empty: 50}"), 50);
    assert_eq!(count(&answers, |answer| answer.status == 200 && !answer.body.is_empty()), 50);
}

#[test]
fn a_token_is_refused_for_a_stretch_of_requests() {
    let answers = reads(&mut with("{expired: 2}"), 1000);
    let refused: Vec<bool> = answers.iter().map(|answer| answer.status == 401).collect();
    let stretches: Vec<usize> =
        refused.split(|refused| !refused).map(<[bool]>::len).filter(|length| *length > 0).collect();
    assert!(stretches.contains(&1) && stretches.iter().any(|length| *length > 1), "{stretches:?}");
}

fn batch(tenant: &mut Tenant) -> Answer {
    let part = |id: usize| {
        json!({
            "id": id.to_string(), "method": "POST", "url": "/users/a@contoso.com/assignLicense",
            "headers": {"Content-Type": "application/json"}, "body": assign(&[AUDITING]),
        })
    };
    let parts: Vec<Value> = (0..20).map(part).collect();
    tenant.handle(&post("/v1.0/$batch", &json!({ "requests": parts })), noon())
}

#[test]
fn parts_of_a_batch_are_struck_one_by_one_and_its_connection_as_a_whole() {
    let mut tenant = with("{throttled: 15, conflict: 15}");
    let answers: Vec<Answer> = (0..20).map(|_| batch(&mut tenant)).collect();
    let whole = answers.iter().filter(|answer| answer.status == 200);
    let statuses = whole.map(|answer| {
        let body = json(answer);
        let parts = body["responses"].as_array().expect("parts").clone();
        parts.iter().map(|part| part["status"].as_u64().expect("a status")).collect::<Vec<_>>()
    });
    let statuses: Vec<Vec<u64>> = statuses.collect();
    assert!(statuses.len() < 20, "some were struck as a whole");
    assert!(statuses.iter().all(|parts| parts.len() == 20));
    assert!(
        statuses.iter().any(|parts| parts.contains(&200) && parts.contains(&429) && parts.contains(&409))
    );

    let mut tenant = with("{lost: 50}");
    let lost = (0..20).filter(|_| batch(&mut tenant).lost).count();
    assert!((4..16).contains(&lost), "not each of twenty parts may break the connection: {lost}");
    assert_eq!(tenant.writes().len(), 400, "and all of it was done");
}

#[test]
fn a_batch_that_is_sent_again_meets_another_chance() {
    let mut tenant = with("{dropped: 50}");
    let lost: Vec<bool> = (0..20).map(|_| batch(&mut tenant).lost).collect();
    assert!(lost.contains(&true) && lost.contains(&false), "{lost:?}");
}

const TEN: &str = "\
seed: 7
licenses: [SPE_E5]
groupProcessing: 100s
groups: [{name: Legal, id: 8a9b0c1d-0000-4000-8000-000000000002, licenses: [SPE_E5]}]
generate: {users: 10, group: Legal}
";
const LEGAL: GroupId = GroupId(uuid::uuid!("8a9b0c1d-0000-4000-8000-000000000002"));

fn turn_group_off(tenant: &mut Tenant) {
    let path = format!("/v1.0/groups/{LEGAL}/assignLicense");
    assert_eq!(tenant.handle(&post(&path, &assign(&[AUDITING])), noon()).status, 202);
}

fn on(tenant: &mut Tenant, seconds: i64) -> usize {
    tenant.truth(after(seconds)).users.values().filter(|user| user.is_on).count()
}

#[test]
fn a_stuck_group_does_not_finish_and_leaves_out_its_last_member_for_a_long_time() {
    let mut tenant = tenant(&format!("{TEN}weather: {{stuck: 100, stuckFor: 3h}}\n"));
    turn_group_off(&mut tenant);
    assert_eq!(on(&mut tenant, 3 * 3600 - 1), 1);
    let path = format!("/v1.0/groups/{LEGAL}?$select=licenseProcessingState");
    let state = |tenant: &mut Tenant, seconds| get_at(tenant, &path, after(seconds)).1;
    assert_eq!(state(&mut tenant, 3 * 3600 - 1)["licenseProcessingState"]["state"], "ProcessingInProgress");
    assert_eq!(on(&mut tenant, 3 * 3600), 0);
    assert_eq!(state(&mut tenant, 3 * 3600)["licenseProcessingState"]["state"], "ProcessingComplete");
    assert_eq!(tenant.faults_injected()["stuck"], 1);
}

#[test]
fn members_end_in_error_and_stay_so() {
    let mut tenant = tenant(&format!("{TEN}weather: {{memberErrors: 40}}\n"));
    turn_group_off(&mut tenant);
    let truth = tenant.truth(after(100));
    let errors = truth
        .users
        .values()
        .filter(|user| user.assignments[0].error == Some(AssignmentError::CountViolation) && !user.is_on);
    let errors = errors.count();
    assert!((1..9).contains(&errors), "{errors}");
    assert_eq!(tenant.faults_injected()["memberError"], errors as u64);
    let path = format!("/v1.0/groups/{LEGAL}?$select=licenseProcessingState");
    let (_, group) = get_at(&mut tenant, &path, after(100));
    assert_eq!(group["licenseProcessingState"]["state"], "ProcessingFailed");
}

#[test]
fn what_is_no_percentage_is_refused() {
    for weather in ["{lost: -1}", "{lost: 101}", "{lots: 1}", "{lost: many}"] {
        assert!(Tenant::read(&format!("{TENANT}weather: {weather}\n")).is_err(), "{weather}");
    }
}
