//! What the client sends, how patient it is, and what it makes of an answer.

mod tokens;

use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::graph::testing::{Bench, REQUEST_ID, TOKEN, lost, ok, raw, refused, status, unconnected};

async fn read(bench: &Bench) -> Result<Answer, Failure> {
    let ask = bench.client.get("/users?$select=id", Needs::Users);
    bench.run(bench.client.read(&ask)).await
}

#[tokio::test]
async fn each_attempt_has_the_token_and_a_client_request_id_of_its_own() {
    let bench = Bench::new([raw(503, ""), raw(503, ""), ok(json!({}))]);
    read(&bench).await.expect("an answer");
    assert_eq!(bench.asked(), ["GET /v1.0/users?$select=id"; 3]);
    let ids: BTreeSet<String> = bench.sent("client-request-id").into_iter().collect();
    assert_eq!(ids.len(), 3);
    assert!(ids.iter().all(|id| Uuid::parse_str(id).is_ok()));
    assert_eq!(bench.sent("authorization"), [format!("Bearer {TOKEN}").as_str(); 3]);
    assert_eq!(bench.sent("accept"), ["application/json"; 3]);
    assert_eq!(bench.sent("x-ms-throttle-priority"), ["normal"; 3]);
}

#[tokio::test]
async fn a_retry_after_in_seconds_is_kept_to_and_told() {
    let throttled = refused(429, "TooManyRequests", "slow down").with("retry-after", "40");
    let bench = Bench::new([throttled, ok(json!({}))]);
    read(&bench).await.expect("an answer");
    assert!((40..=45).contains(&bench.seconds()), "{}", bench.seconds());
    let waits = bench.waits.borrow();
    assert_eq!(waits.len(), 1);
    assert_eq!((waits[0].asked.as_str(), waits[0].status, waits[0].tries), ("GET /users", Some(429), 1));
    assert!(waits[0].until.as_second() >= 40);
}

#[tokio::test]
async fn a_retry_after_as_a_date_is_kept_to() {
    let busy = raw(503, "").with("retry-after", "Thu, 01 Jan 1970 00:01:00 GMT");
    let bench = Bench::new([busy, ok(json!({}))]);
    read(&bench).await.expect("an answer");
    assert!((60..=64).contains(&bench.seconds()), "{}", bench.seconds());
}

/// A machine that is right, or off by so many hours, in 1970.
fn machine(hours: i64) -> Clock {
    let virtual_clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
    Clock::machine_of(&virtual_clock, SignedDuration::from_hours(hours))
}

#[tokio::test]
async fn the_date_of_every_answer_sets_the_clock_whatever_its_status() {
    let busy = raw(503, "").with("date", "Thu, 01 Jan 1970 00:00:20 GMT");
    let denied = refused(403, "Word", "").with("date", "Thu, 01 Jan 1970 00:00:40 GMT");
    let bench = Bench::at(machine(0), [busy, denied]);
    read(&bench).await.expect_err("denied");
    assert_eq!(bench.seconds(), 40);
    assert_eq!(bench.asked().len(), 2);
}

#[tokio::test]
async fn a_date_far_from_the_machines_clock_is_asked_for_once_more() {
    let dated = |second: &str| ok(json!({})).with("date", &format!("Thu, 01 Jan 1970 00:00:{second} GMT"));
    let bench = Bench::at(machine(5), [dated("10"), dated("11"), dated("12")]);
    let answer = read(&bench).await.expect("an answer");
    assert_eq!((bench.asked().len(), answer.at.as_second()), (2, 11));
    read(&bench).await.expect("an answer");
    assert_eq!((bench.asked().len(), bench.seconds()), (3, 12));
}

#[tokio::test]
async fn an_answer_in_doubt_is_taken_when_it_cannot_be_had_again() {
    let far = ok(json!({})).with("date", "Thu, 01 Jan 1970 09:00:00 GMT");
    let bench = Bench::at(machine(0), [far, refused(404, "Word", "")]);
    read(&bench).await.expect("the first answer");
}

#[tokio::test]
async fn a_clock_that_is_corrected_in_between_costs_no_patience() {
    let busy = |second: &str| raw(503, "").with("date", &format!("Fri, 02 Jan 1970 00:00:{second} GMT"));
    let bench = Bench::at(machine(0), [busy("00"), busy("02"), busy("05"), ok(json!({}))]);
    read(&bench).await.expect("an answer");
    assert!(bench.seconds() > 86_400);
}

#[tokio::test]
async fn every_transient_status_and_a_lost_answer_are_asked_again() {
    let bench = Bench::new([raw(500, ""), raw(502, ""), raw(503, ""), raw(504, ""), lost(), ok(json!({}))]);
    read(&bench).await.expect("an answer");
    assert!((31..=35).contains(&bench.seconds()), "1+2+4+8+16 s, not {}", bench.seconds());
}

#[tokio::test]
async fn a_server_that_stays_busy_is_given_up_after_eight_tries() {
    let bench = Bench::new((0..8).map(|_| raw(503, "<html>busy</html>").with("content-type", "text/html")));
    let failure = read(&bench).await.expect_err("given up");
    assert!(matches!(&failure, Failure::Unavailable(told) if told.code == "ServiceUnavailable"));
    assert!(failure.told().expect("an answer").message.contains("text/html"), "{failure}");
    assert!(!failure.to_string().contains("busy"), "the body of a proxy is not shown: {failure}");
    assert!(bench.seconds() < 110);
}

#[tokio::test]
async fn nobody_there_is_given_up_sooner() {
    let bench = Bench::new((0..5).map(|_| unconnected()));
    let failure = read(&bench).await.expect_err("given up");
    assert!(matches!(failure, Failure::Lost { never_left: true, .. }));
    assert!(bench.seconds() < 20);
}

#[tokio::test]
async fn a_retry_after_beyond_ten_minutes_fails_at_once_and_says_how_long() {
    let bench = Bench::new([raw(429, "").with("retry-after", "3600")]);
    let failure = read(&bench).await.expect_err("too long");
    assert!(matches!(failure, Failure::Throttled(_)));
    assert_eq!(failure.retry_after(), Some(SignedDuration::from_hours(1)));
    assert_eq!(bench.seconds(), 0);
}

#[tokio::test]
async fn refusals_are_not_asked_again() {
    for (code, kind) in
        [(401, "credentials"), (403, "denied"), (404, "not found"), (400, "refused"), (501, "unavailable")]
    {
        let bench = Bench::new([refused(code, "Word", "a message")]);
        let failure = read(&bench).await.expect_err("refused");
        let found = match &failure {
            Failure::Credentials(_) => "credentials",
            Failure::Denied { .. } => "denied",
            Failure::NotFound(_) => "not found",
            Failure::Refused(_) => "refused",
            Failure::Unavailable(_) => "unavailable",
            other => panic!("{other}"),
        };
        assert_eq!(found, kind);
        assert_eq!(failure.status(), Some(code));
        let text = failure.to_string();
        for part in ["GET /users: ", "Word", "a message", REQUEST_ID] {
            assert!(text.contains(part), "{text}");
        }
    }
}

#[tokio::test]
async fn a_403_says_which_permission_is_needed() {
    let bench = Bench::new([refused(403, "Authorization_RequestDenied", "Insufficient privileges.")]);
    let failure = read(&bench).await.expect_err("denied");
    assert!(failure.is_denied());
    assert!(failure.hint().expect("a hint").contains("User.Read.All"));
}

#[tokio::test]
async fn a_redirect_is_never_followed() {
    let bench = Bench::new([raw(302, "").with("location", "https://evil.example/users?token=x")]);
    let failure = read(&bench).await.expect_err("redirected");
    assert!(failure.is_other_origin());
    assert!(failure.to_string().contains("https://evil.example,"), "{failure}");
    assert!(!failure.to_string().contains("token=x"));
    assert_eq!(bench.asked().len(), 1);
}

#[tokio::test]
async fn the_token_is_not_shown_even_when_the_server_repeats_it() {
    let bench = Bench::new([refused(400, TOKEN, &format!("I saw Bearer {TOKEN}"))]);
    let failure = read(&bench).await.expect_err("refused");
    assert!(!format!("{failure} {failure:?}").contains(TOKEN), "{failure:?}");
    assert!(failure.told().expect("an answer").message.contains("[token]"));
}

#[tokio::test]
async fn nothing_is_sent_to_another_origin() {
    let bench = Bench::new([]);
    let ask = bench.client.get("/users", Needs::Users).next("https://evil.example/v1.0/users");
    let failure = bench.run(bench.client.read(&ask)).await.expect_err("another origin");
    assert!(failure.is_other_origin());
    assert!(bench.asked().is_empty());
}

#[tokio::test]
async fn success_that_is_not_json_is_unreadable() {
    let bench = Bench::new([raw(200, "<html>sign in</html>").with("content-type", "text/html")]);
    let answer = read(&bench).await.expect("success");
    let failure = answer.json::<serde_json::Value>().expect_err("HTML");
    assert!(matches!(&failure, Failure::Unreadable { .. }));
    assert!(failure.to_string().contains("text/html"), "{failure}");
    let bench = Bench::new([status(200, json!(7))]);
    let failure = read(&bench).await.expect("success").json::<String>().expect_err("a number");
    assert!(failure.to_string().contains(REQUEST_ID), "{failure}");
}

#[tokio::test]
async fn what_really_left_is_counted_and_what_could_not_leave_is_not() {
    let bench = Bench::new([unconnected(), raw(503, ""), ok(json!({}))]);
    read(&bench).await.expect("an answer");
    assert_eq!(bench.client.spent(), Spent { requests: 2, resource_units: 2, writes: 0 });
}

#[tokio::test]
async fn a_batch_is_one_request_and_takes_what_its_parts_take() {
    let bench = Bench::new([ok(json!({ "responses": [] }))]);
    let other = bench.client.clone();
    let ask = bench.client.post("/$batch", Needs::Users, Priority::Normal, &json!({})).of_parts(20);
    bench.run(bench.client.read(&ask)).await.expect("an answer");
    assert_eq!(other.spent(), Spent { requests: 1, resource_units: 20, writes: 0 });
}

#[tokio::test]
async fn a_write_counts_as_one_also_when_it_is_refused() {
    let bench = Bench::new([refused(400, "Request_BadRequest", "no")]);
    let ask = bench.client.post("/users/1/assignLicense", Needs::WriteUser, Priority::High, &json!({}));
    bench.run(bench.client.once(&ask)).await.expect_err("refused");
    assert_eq!(bench.client.spent(), Spent { requests: 1, resource_units: 1, writes: 1 });
}
