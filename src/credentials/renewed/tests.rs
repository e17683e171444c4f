//! The cache, in virtual time, over an authority made of prepared answers.

use std::rc::Rc;

use super::*;

/// Gives `token-1`, `token-2`, … with that life, each after a while; or what was prepared.
#[derive(Default)]
struct Authority {
    life: Cell<i64>,
    takes: Cell<i64>,
    prepared: RefCell<VecDeque<Result<&'static str, NotFetched>>>,
    asked: RefCell<Vec<(i64, Option<String>)>>,
    at_once: Cell<u32>,
    clock: RefCell<Option<Clock>>,
}

struct Way(Rc<Authority>);

impl Fetch for Way {
    fn fetch<'a>(&'a self, claims: Option<&'a Claims>) -> Fetching<'a> {
        Box::pin(async move {
            let clock = self.0.clock.borrow().clone().expect("a clock");
            let claims = claims.map(|claims| claims.as_str().to_owned());
            self.0.asked.borrow_mut().push((clock.now().as_second(), claims));
            let number = self.0.asked.borrow().len();
            let prepared = self.0.prepared.borrow_mut().pop_front();
            assert_eq!(self.0.at_once.replace(1), 0, "one at a time");
            clock.sleep(SignedDuration::from_secs(self.0.takes.get())).await;
            self.0.at_once.set(0);
            let lifetime = SignedDuration::from_secs(self.0.life.get());
            let given = |text: &str| Fetched { token: Token::new(text).expect("a token"), lifetime };
            match prepared {
                None => Ok(given(&format!("token-{number}"))),
                Some(Ok(text)) => Ok(given(text)),
                Some(Err(not)) => Err(not),
            }
        })
    }

    fn stale(&self, claims: bool) -> NoToken {
        NoToken::Refused { reason: format!("the same again, claims: {claims}"), hint: None, request_id: None }
    }

    fn scrub(&self, text: &str) -> String {
        text.to_owned()
    }
}

struct Bench {
    clock: Clock,
    authority: Rc<Authority>,
    tokens: Renewed,
    waits: Rc<RefCell<Vec<Throttled>>>,
}

fn bench(life: i64) -> Bench {
    let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
    let authority = Rc::new(Authority::default());
    authority.life.set(life);
    *authority.clock.borrow_mut() = Some(clock.clone());
    let waits: Rc<RefCell<Vec<Throttled>>> = Rc::default();
    let heard = waits.clone();
    let observer: Observer = Rc::new(move |throttled| heard.borrow_mut().push(throttled));
    let tokens = Renewed::new(Box::new(Way(authority.clone())), clock.clone(), observer);
    Bench { clock, authority, tokens, waits }
}

impl Bench {
    async fn token(&self) -> Result<Token, NoToken> {
        self.clock.drive(self.tokens.token()).await
    }

    /// The number of the token that is given now.
    async fn number(&self) -> u32 {
        let given = self.token().await.expect("a token");
        let is = |number: &u32| given == Token::new(format!("token-{number}")).expect("a token");
        (1..100).find(is).expect("a numbered token")
    }

    async fn later(&self, seconds: i64) {
        self.clock.drive(self.clock.sleep(SignedDuration::from_secs(seconds))).await;
    }

    fn asked_at(&self) -> Vec<i64> {
        self.authority.asked.borrow().iter().map(|(at, _)| *at).collect()
    }

    fn prepare(&self, answers: impl IntoIterator<Item = Result<&'static str, NotFetched>>) {
        self.authority.prepared.borrow_mut().extend(answers);
    }
}

fn busy() -> Result<&'static str, NotFetched> {
    Err(NotFetched::Lost { reason: "503".to_owned(), again: true, retry_after: None, status: Some(503) })
}

fn refused() -> Result<&'static str, NotFetched> {
    Err(NotFetched::refused("AADSTS7000222".to_owned(), None))
}

fn claims() -> Claims {
    let mut headers = http::HeaderMap::new();
    let challenge = "Bearer error=\"insufficient_claims\", claims=\"eyJhIjoxfQ==\"";
    headers.insert("www-authenticate", challenge.parse().expect("a value"));
    Claims::of(&headers).expect("claims")
}

#[tokio::test]
async fn a_token_of_an_hour_is_renewed_five_minutes_before_its_end() {
    let bench = bench(3600);
    for _ in 0..111 {
        bench.token().await.expect("a token");
        bench.later(60).await;
    }
    assert_eq!(bench.asked_at(), [0, 3300, 6600]);
}

#[tokio::test]
async fn a_token_of_twenty_seconds_is_fetched_each_fifteen_and_never_used_at_its_end() {
    let bench = bench(20);
    for _ in 0..60 {
        bench.token().await.expect("a token");
        bench.later(1).await;
    }
    assert_eq!(bench.asked_at(), [0, 15, 30, 45]);
}

#[tokio::test]
async fn who_comes_while_somebody_asks_gets_the_same_answer() {
    let bench = bench(3600);
    bench.authority.takes.set(3);
    let ask = || bench.tokens.token();
    let (one, two, three) = bench.clock.drive(async { tokio::join!(ask(), ask(), ask()) }).await;
    assert_eq!((one.clone(), one), (two, three));
    assert_eq!(bench.asked_at(), [0]);
}

#[tokio::test]
async fn a_life_counts_from_the_question_not_from_the_answer() {
    let bench = bench(20);
    bench.authority.takes.set(10);
    bench.token().await.expect("a token");
    bench.later(6).await;
    bench.token().await.expect("a token");
    assert_eq!(bench.asked_at(), [0, 16]);
}

#[tokio::test]
async fn a_renewal_that_fails_leaves_the_good_token_in_use_and_is_tried_again_now_and_then() {
    let bench = bench(400);
    assert_eq!(bench.number().await, 1);
    bench.later(310).await;
    bench.prepare((0..20).map(|_| busy()));
    for _ in 0..60 {
        assert_eq!(bench.number().await, 1);
        bench.later(1).await;
    }
    assert_eq!(bench.asked_at(), [0, 310, 320, 330, 340, 350, 360]);
    assert!(bench.waits.borrow().is_empty(), "nothing had to wait");
    // Then it is over, and whoever asks waits.
    bench.later(27).await;
    bench.authority.prepared.borrow_mut().truncate(2);
    assert!(bench.number().await > 1);
    assert!(!bench.waits.borrow().is_empty());
}

#[tokio::test]
async fn a_renewal_that_is_refused_is_told_at_once() {
    let bench = bench(400);
    bench.token().await.expect("a token");
    bench.later(310).await;
    bench.prepare([refused()]);
    assert!(matches!(bench.token().await, Err(NoToken::Refused { .. })));
}

#[tokio::test]
async fn without_a_token_the_authority_is_asked_for_three_quarters_of_a_minute_with_a_word_about_it() {
    let bench = bench(3600);
    bench.prepare((0..50).map(|_| busy()));
    assert_eq!(bench.token().await, Err(NoToken::Unreachable("503".to_owned())));
    let seconds = bench.clock.now().as_second();
    assert!((30..=45).contains(&seconds), "{seconds}");
    let waits = bench.waits.borrow();
    assert_eq!((waits[0].asked.as_str(), waits[0].status, waits[0].tries), (TOKEN_REQUEST, Some(503), 1));
    assert!((5..=9).contains(&waits.len()), "{}", waits.len());
}

#[tokio::test]
async fn a_retry_after_is_kept_to_and_one_beyond_all_patience_is_not_waited_for() {
    for (retry_after, waited) in [(30, 30), (300, 0)] {
        let bench = bench(3600);
        let retry_after = Some(SignedDuration::from_secs(retry_after));
        let lost = NotFetched::Lost { reason: "429".into(), again: true, retry_after, status: Some(429) };
        bench.prepare([Err(lost)]);
        let given = bench.token().await;
        assert_eq!((given.is_ok(), bench.clock.now().as_second()), (waited > 0, waited));
    }
}

#[tokio::test]
async fn an_answer_that_will_stay_the_same_is_not_asked_for_again() {
    let bench = bench(3600);
    let lost = NotFetched::Lost { reason: "302".into(), again: false, retry_after: None, status: Some(302) };
    bench.prepare([Err(lost)]);
    assert_eq!(bench.token().await, Err(NoToken::Unreachable("302".to_owned())));
    assert_eq!(bench.asked_at(), [0]);
}

#[tokio::test]
async fn a_refused_token_is_never_given_again() {
    let bench = bench(3600);
    let first = bench.token().await.expect("a token");
    assert!(bench.tokens.refused(&first, None));
    assert_eq!(bench.number().await, 2);
    // A refusal of the first one that comes late does not cost the second.
    assert!(bench.tokens.refused(&first, None));
    assert_eq!(bench.number().await, 2);
    // An endpoint with a cache of its own gives it again.
    let second = bench.token().await.expect("a token");
    bench.tokens.refused(&second, None);
    bench.prepare([Ok("token-1")]);
    let told = bench.token().await.expect_err("refused before");
    assert_eq!(told.to_string(), "the same again, claims: false");
}

#[tokio::test]
async fn a_challenge_goes_with_the_next_request_until_it_is_answered() {
    let bench = bench(3600);
    let first = bench.token().await.expect("a token");
    bench.tokens.refused(&first, Some(claims()));
    bench.prepare([busy()]);
    bench.token().await.expect("a token");
    bench.later(3500).await;
    bench.token().await.expect("a token");
    let asked: Vec<Option<String>> =
        bench.authority.asked.borrow().iter().map(|(_, it)| it.clone()).collect();
    let told = Some(r#"{"a":1}"#.to_owned());
    assert_eq!(asked, [None, told.clone(), told, None]);
}

#[tokio::test]
async fn a_life_that_cannot_be_is_no_request_for_each_request() {
    for life in [0, -100] {
        let bench = bench(life);
        for _ in 0..3 {
            bench.token().await.expect("a token");
            bench.later(1).await;
        }
        assert_eq!(bench.asked_at(), [0], "{life}");
    }
}
