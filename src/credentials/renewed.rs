//! One token for the whole process: fetched by one at a time, renewed before it expires, and never
//! given again once Graph has refused it.
//!
//! In ticks, because a wall clock that is set must not make a token young again. How a token is fetched
//! is not known here.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;

use tokio::sync::Mutex;

use super::refusal::NotFetched;
use crate::clock::Clock;
use crate::graph::{Claims, Giving, NoToken, Observer, TOKEN_REQUEST, Throttled, Token, TokenSource};
use crate::model::{SignedDuration, Timestamp};

/// A token is renewed when less than this is left of it, or a quarter of its life if that is shorter.
const MARGIN_MAX: SignedDuration = SignedDuration::from_mins(5);
/// A token is not used any more when less than this is left of it, or a tenth of its life: the request
/// has to arrive.
const TRAVEL_MAX: SignedDuration = SignedDuration::from_secs(5);
/// How long is waited between two attempts to renew a token that is still good.
const AGAIN: SignedDuration = SignedDuration::from_secs(10);
/// How long the authority is asked again and again when there is no token: a failover takes less, and
/// whoever sits there wants to know.
const PATIENCE: SignedDuration = SignedDuration::from_secs(45);
/// The longest wait of our own choosing: 1, 2, 4, 8, 8 … s.
const BACKOFF_SECONDS_MAX: i64 = 8;
/// The life of a token whose answer says that it has none; otherwise each request would ask for another.
const LIFE_UNTOLD: SignedDuration = SignedDuration::from_secs(5);
/// How many refused tokens are remembered.
const REFUSED_MAX: usize = 8;

/// A token that has just been got.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fetched {
    pub(super) token: Token,
    /// From when it was asked for.
    pub(super) lifetime: SignedDuration,
}

/// A token, or not, later.
pub(super) type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Fetched, NotFetched>> + 'a>>;

/// Gets tokens, each time a new one.
pub(super) trait Fetch {
    /// Asks once. `claims` is what Graph wants of the token.
    fn fetch<'a>(&'a self, claims: Option<&'a Claims>) -> Fetching<'a>;

    /// Why a token that was refused comes again, and what to do.
    fn stale(&self, claims: bool) -> NoToken;

    /// The text without any secret that was used.
    fn scrub(&self, text: &str) -> String;
}

/// A [`TokenSource`] that renews.
pub struct Renewed {
    fetch: Box<dyn Fetch>,
    clock: Clock,
    observer: Observer,
    /// Whoever holds it asks; the others wait for the answer.
    turn: Mutex<()>,
    held: RefCell<Option<Held>>,
    refused: RefCell<VecDeque<Token>>,
    /// What the next token has to bring.
    claims: RefCell<Option<Claims>>,
    /// Not before these ticks is a good token tried to be renewed again.
    not_before: Cell<SignedDuration>,
}

#[derive(Clone)]
struct Held {
    token: Token,
    /// In ticks.
    since: SignedDuration,
    lifetime: SignedDuration,
}

impl Held {
    fn left(&self, ticks: SignedDuration) -> SignedDuration {
        self.lifetime.saturating_sub(ticks.saturating_sub(self.since))
    }

    fn is_fresh(&self, ticks: SignedDuration) -> bool {
        self.left(ticks) > MARGIN_MAX.min(self.lifetime / 4)
    }

    fn is_good(&self, ticks: SignedDuration) -> bool {
        self.left(ticks) > TRAVEL_MAX.min(self.lifetime / 10)
    }
}

impl Renewed {
    /// Tokens of that way to get them; `observer` is told of each wait.
    pub(super) fn new(fetch: Box<dyn Fetch>, clock: Clock, observer: Observer) -> Renewed {
        Renewed {
            fetch,
            clock,
            observer,
            turn: Mutex::default(),
            held: RefCell::default(),
            refused: RefCell::default(),
            claims: RefCell::default(),
            not_before: Cell::new(SignedDuration::MIN),
        }
    }

    async fn good(&self) -> Result<Token, NoToken> {
        let _turn = self.turn.lock().await;
        if let Some(token) = self.held_if(|held, ticks| {
            held.is_fresh(ticks) || (held.is_good(ticks) && ticks < self.not_before.get())
        }) {
            return Ok(token);
        }
        let began = self.clock.ticks();
        let mut tries = 0;
        loop {
            let claims = self.claims.borrow().clone();
            let since = self.clock.ticks();
            let (reason, again, retry_after, status) = match self.fetch.fetch(claims.as_ref()).await {
                Ok(fetched) => return self.keep(fetched, since, claims.is_some()),
                Err(NotFetched::Refused { reason, hint, request_id }) => {
                    return Err(NoToken::Refused { reason, hint, request_id });
                }
                Err(NotFetched::Lost { reason, again, retry_after, status }) => {
                    (reason, again, retry_after, status)
                }
            };
            if let Some(token) = self.held_if(Held::is_good) {
                let pause = AGAIN.max(retry_after.unwrap_or(AGAIN));
                self.not_before.set(self.clock.ticks().saturating_add(pause));
                return Ok(token);
            }
            tries += 1;
            let wait = retry_after.filter(|wait| wait.is_positive()).unwrap_or_else(|| backoff(tries));
            let over = self.clock.ticks().saturating_add(wait).saturating_sub(began) > PATIENCE;
            if !again || over {
                return Err(NoToken::Unreachable(reason));
            }
            self.tell(tries, wait, status);
            self.clock.sleep(wait).await;
        }
    }

    fn keep(&self, fetched: Fetched, since: SignedDuration, claims: bool) -> Result<Token, NoToken> {
        let Fetched { token, lifetime } = fetched;
        if self.refused.borrow().contains(&token) {
            return Err(self.fetch.stale(claims));
        }
        self.claims.borrow_mut().take();
        let lifetime = if lifetime.is_positive() { lifetime } else { LIFE_UNTOLD };
        *self.held.borrow_mut() = Some(Held { token: token.clone(), since, lifetime });
        Ok(token)
    }

    /// The token that is there, if it is so.
    fn held_if(&self, so: impl Fn(&Held, SignedDuration) -> bool) -> Option<Token> {
        let held = self.held.borrow();
        held.as_ref().filter(|held| so(held, self.clock.ticks())).map(|held| held.token.clone())
    }

    fn tell(&self, tries: u32, wait: SignedDuration, status: Option<u16>) {
        let until = self.clock.now().saturating_add(wait).unwrap_or(Timestamp::MAX);
        (self.observer)(Throttled { asked: TOKEN_REQUEST.to_owned(), until, tries, status });
    }
}

impl TokenSource for Renewed {
    fn token(&self) -> Giving<'_> {
        Box::pin(self.good())
    }

    fn refused(&self, token: &Token, claims: Option<Claims>) -> bool {
        let mut refused = self.refused.borrow_mut();
        if !refused.contains(token) {
            refused.push_back(token.clone());
        }
        if refused.len() > REFUSED_MAX {
            refused.pop_front();
        }
        let is_held = self.held.borrow().as_ref().is_some_and(|held| held.token == *token);
        if is_held {
            self.held.borrow_mut().take();
        }
        if claims.is_some() {
            *self.claims.borrow_mut() = claims;
            // Another one that was got meanwhile does not bring them either.
            self.held.borrow_mut().take();
        }
        true
    }

    fn scrub(&self, text: &str) -> String {
        self.fetch.scrub(text)
    }
}

fn backoff(tries: u32) -> SignedDuration {
    let doubled = 1_i64.checked_shl(tries.saturating_sub(1)).unwrap_or(BACKOFF_SECONDS_MAX);
    SignedDuration::from_secs(doubled.clamp(1, BACKOFF_SECONDS_MAX))
}

#[cfg(test)]
mod tests;
