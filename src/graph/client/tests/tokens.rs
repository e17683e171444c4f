//! What a 401 means, with tokens that can be renewed and with one that cannot.

use serde_json::json;

use super::super::*;
use crate::graph::testing::{
    ADELE, AUDITING, Bench, E5, Numbered, Prepared, catalog, ok, raw, refused, sku, unconnected,
};
use crate::graph::{Giving, NotWritten};
use crate::model::{Licensed, SubjectId, UserKey};

fn unauthorized() -> Prepared {
    refused(401, "InvalidAuthenticationToken", "Lifetime validation failed, token-number-1 is expired.")
}

fn renewed(
    last: u32,
    answers: impl IntoIterator<Item = Prepared, IntoIter: 'static>,
) -> (Bench, Rc<Numbered>) {
    let tokens = Rc::new(Numbered { last, ..Numbered::default() });
    (Bench::with(tokens.clone(), answers), tokens)
}

fn used(bench: &Bench) -> Vec<String> {
    bench.sent("authorization").iter().map(|value| value.replace("Bearer token-number-", "")).collect()
}

#[tokio::test]
async fn after_a_401_the_question_is_asked_once_more_with_another_token() {
    let (bench, _) = renewed(9, [unauthorized(), ok(json!({ "value": [] })), ok(json!({ "value": [] }))]);
    bench.run(bench.reader().catalog()).await.expect("an answer");
    bench.run(bench.reader().catalog()).await.expect("another");
    assert_eq!(used(&bench), ["1", "2", "2"]);
    assert_eq!(bench.seconds(), 0, "nothing is waited for");
}

#[tokio::test]
async fn a_second_401_is_an_answer() {
    let (bench, _) = renewed(9, [unauthorized(), unauthorized()]);
    let failure = bench.run(bench.reader().catalog()).await.expect_err("refused");
    assert!(matches!(failure, Failure::Credentials(_)) && failure.ends_the_run(), "{failure}");
    assert_eq!(used(&bench), ["1", "2"]);
    assert!(!failure.to_string().contains("token-number"), "{failure}");
}

#[tokio::test]
async fn a_ready_made_token_is_not_asked_with_twice() {
    let bench = Bench::new([unauthorized()]);
    let failure = bench.run(bench.reader().catalog()).await.expect_err("refused");
    assert!(matches!(failure, Failure::Credentials(_)), "{failure}");
    assert_eq!(bench.asked().len(), 1);
}

#[tokio::test]
async fn no_further_token_ends_the_run_with_what_the_authority_said() {
    let (bench, _) = renewed(1, [unauthorized()]);
    let failure = bench.run(bench.reader().catalog()).await.expect_err("no token");
    assert!(failure.is_credentials() && failure.ends_the_run());
    assert_eq!(failure.explained(), "cannot sign in: AADSTS7000222; [token]; ask somebody");
}

#[tokio::test]
async fn a_write_is_sent_again_too_for_a_401_did_nothing() {
    let adele = SubjectId::User(ADELE.parse().expect("an id"));
    let fresh = [Licensed { sku: sku(E5), disabled: [AUDITING.parse().expect("an id")].into() }];
    let (bench, _) = renewed(9, [unauthorized(), raw(200, "")]);
    bench.run(bench.on().turn_on(adele, &fresh, &catalog(&[AUDITING]))).await.expect("written");
    assert_eq!(used(&bench), ["1", "2"]);
    assert_eq!(bench.body(0), bench.body(1));
    // And without another one nothing was done.
    let (bench, _) = renewed(1, [unauthorized()]);
    let outcome = bench.run(bench.on().turn_on(adele, &fresh, &catalog(&[AUDITING]))).await;
    assert!(matches!(outcome, Err(NotWritten::Refused(Failure::SignIn { .. }))), "{outcome:?}");
}

#[tokio::test]
async fn the_challenge_of_a_401_reaches_whoever_gets_the_next_token() {
    // {"access_token":{"nbf":{"essential":true}}}
    let claims = "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZX19fQ==";
    let challenge = format!("Bearer realm=\"\", error=\"insufficient_claims\", claims=\"{claims}\"");
    let first = unauthorized().with("www-authenticate", &challenge);
    let (bench, tokens) = renewed(9, [first, ok(json!({ "value": [] }))]);
    bench.run(bench.reader().catalog()).await.expect("an answer");
    let told = r#"{"access_token":{"nbf":{"essential":true}}}"#.to_owned();
    assert_eq!(*tokens.challenges.borrow(), [Some(told)]);
}

#[tokio::test]
async fn a_part_of_a_batch_is_asked_again_with_another_token_and_a_throttled_one_after_its_wait() {
    let part = |id: usize, status: u16| {
        let body = json!({ "id": ADELE, "userPrincipalName": "a@x.com", "licenseAssignmentStates": [] });
        let headers = if status == 429 { json!({ "Retry-After": "7" }) } else { json!({}) };
        json!({ "id": id.to_string(), "status": status, "headers": headers, "body": body })
    };
    let parts = |parts: &[serde_json::Value]| ok(json!({ "responses": parts }));
    let keys = [1, 2, 3].map(|_| UserKey::Id(ADELE.parse().expect("an id")));
    let (bench, _) = renewed(9, [parts(&[part(0, 200), part(1, 401), part(2, 200)]), parts(&[part(1, 200)])]);
    let found = bench.run(bench.reader().users(&keys)).await;
    assert!(found.iter().all(Result::is_ok), "{found:?}");
    assert_eq!((used(&bench), bench.seconds()), (vec!["1".to_owned(), "2".to_owned()], 0));
    assert_eq!(bench.body(1)["requests"].as_array().map(Vec::len), Some(1));

    let again = parts(&[part(1, 200), part(2, 200)]);
    let (bench, _) = renewed(9, [parts(&[part(0, 200), part(1, 401), part(2, 429)]), again]);
    let found = bench.run(bench.reader().users(&keys)).await;
    assert!(found.iter().all(Result::is_ok) && bench.seconds() >= 7, "{} s: {found:?}", bench.seconds());

    let (bench, _) = renewed(9, [parts(&[part(0, 401)]), parts(&[part(0, 401)])]);
    let found = bench.run(bench.reader().users(&keys[..1])).await;
    assert!(matches!(&found[0], Err(Failure::Credentials(_))), "{found:?}");
}

/// An authority that takes its time.
struct Slow(Clock, i64);

impl TokenSource for Slow {
    fn token(&self) -> Giving<'_> {
        Box::pin(async {
            self.0.sleep(SignedDuration::from_secs(self.1)).await;
            Ok(Token::new("token-number-1").expect("a token"))
        })
    }

    fn refused(&self, _: &Token, _: Option<Claims>) -> bool {
        false
    }

    fn scrub(&self, text: &str) -> String {
        text.to_owned()
    }
}

#[tokio::test]
async fn p1_a_write_whose_token_came_late_is_not_sent_from_what_was_read_before() {
    let adele = SubjectId::User(ADELE.parse().expect("an id"));
    let fresh = [Licensed { sku: sku(E5), disabled: [AUDITING.parse().expect("an id")].into() }];
    for (seconds, sent) in [(9, 1), (11, 0)] {
        let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
        let tokens = Rc::new(Slow(clock.clone(), seconds));
        let bench = Bench::of(clock, tokens, (0..sent).map(|_| raw(200, "")));
        let outcome = bench.run(bench.on().turn_on(adele, &fresh, &catalog(&[AUDITING]))).await;
        assert_eq!(bench.asked().len(), sent);
        assert!(outcome.is_ok() || matches!(outcome, Err(NotWritten::Busy { .. })), "{outcome:?}");
    }
    let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
    let bench = Bench::of(clock.clone(), Rc::new(Slow(clock, 40)), [ok(json!({ "value": [] }))]);
    bench.run(bench.reader().catalog()).await.expect("a read has time");
}

/// An authority that does not answer.
struct Silent;

impl TokenSource for Silent {
    fn token(&self) -> Giving<'_> {
        Box::pin(std::future::ready(Err(NoToken::Unreachable("nothing came for 10 s".to_owned()))))
    }

    fn refused(&self, _: &Token, _: Option<Claims>) -> bool {
        false
    }

    fn scrub(&self, text: &str) -> String {
        text.to_owned()
    }
}

#[tokio::test]
async fn trouble_with_the_authority_is_a_request_that_never_left_and_nobody_is_patient_twice() {
    let bench = Bench::with(Rc::new(Silent), []);
    let failure = bench.run(bench.reader().catalog()).await.expect_err("no token");
    assert!(matches!(failure, Failure::Lost { never_left: true, .. }) && !failure.ends_the_run());
    assert_eq!(failure.to_string(), "no answer to the request for an access token: nothing came for 10 s");
    let keys = [UserKey::Id(ADELE.parse().expect("an id"))];
    let found = bench.run(bench.reader().users(&keys)).await;
    assert!(matches!(found[0], Err(Failure::Lost { .. })));
    assert!(bench.asked().is_empty() && bench.seconds() == 0 && bench.waits.borrow().is_empty());
}

#[tokio::test]
async fn connecting_to_graph_is_still_tried_patiently() {
    let (bench, _) = renewed(1, [unconnected(), ok(json!({ "value": [] }))]);
    bench.run(bench.reader().catalog()).await.expect("an answer");
    assert_eq!(used(&bench), ["1", "1"]);
}
