//! One run per tenant and store: the lease, how long to wait for it, and how it is kept (DESIGN 9).
//!
//! A lock of the operating system ends with its process. A lease in an object store ends by itself
//! a minute after it was last renewed; the journal there refuses a writer that has lost it, whether
//! that writer knows it or not.

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::store::{Store, StoreError, Taken, Term};
use crate::clock::Clock;
use crate::model::{RunId, SignedDuration, Timestamp};

/// How long a lease lasts that is not renewed.
const TERM: SignedDuration = SignedDuration::from_secs(60);
/// How often it is renewed.
const EVERY: SignedDuration = SignedDuration::from_secs(15);
/// How soon a renewal that failed is tried again.
const AGAIN: SignedDuration = SignedDuration::from_secs(5);
/// How long a lease that could not be renewed is still worked under: until shortly before another run
/// may take it, so that no request of ours is under way then.
const SAFE: SignedDuration = SignedDuration::from_secs(45);
/// How long to wait for a holder that does not renew: its term, and a little more for clocks that differ.
const PATIENCE: SignedDuration = SignedDuration::from_secs(90);

/// Who holds the lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The run.
    pub run: RunId,
    /// Process id on `host`.
    pub pid: u32,
    /// The machine's name.
    pub host: String,
    /// Since when.
    pub since: Timestamp,
    /// When it ends by itself, unless it is renewed; none where it ends with the process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl Holder {
    /// This process, for a run.
    pub fn this(run: RunId, since: Timestamp) -> Holder {
        Holder { run, pid: std::process::id(), host: host(), since, expires_at: None }
    }

    fn until(&self, now: Timestamp, term: Term) -> Holder {
        let expires_at = match term {
            Term::Process => None,
            Term::Time => now.checked_add(TERM).ok(),
        };
        Holder { expires_at, ..self.clone() }
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let since = self.since.strftime("%Y-%m-%d %H:%M:%S UTC");
        write!(f, "run {} (process {} on {}, since {since})", self.run, self.pid, self.host)
    }
}

/// Why the lease was not to be had.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// Another run works on this tenant.
    #[error("{} already works on this tenant; nothing was started. Wait for it (--lock-timeout 10m), \
        or look at `advaudit status`",
        .0.as_ref().map_or_else(|| "another run".to_owned(), ToString::to_string))]
    Held(Option<Holder>),
    /// The place where it is kept cannot be used.
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// The lease of one run: taken once, kept while the run works, and perhaps lost.
pub struct Lease {
    store: Rc<dyn Store>,
    clock: Clock,
    /// Ours, once it is taken.
    own: RefCell<Option<Holder>>,
    is_taken: watch::Sender<bool>,
    lost: watch::Sender<Option<String>>,
}

impl Lease {
    /// The lease of that store, not taken yet.
    pub fn new(store: Rc<dyn Store>, clock: Clock) -> Lease {
        let (is_taken, lost) = (watch::Sender::new(false), watch::Sender::new(None));
        Lease { store, clock, own: RefCell::default(), is_taken, lost }
    }

    /// Takes the lease, or says who has it. Waits for it as long as `timeout` says; without one, only
    /// where its holder has stopped renewing it.
    pub async fn take(&self, run: RunId, timeout: Option<SignedDuration>) -> Result<(), LeaseError> {
        let (began, term) = (self.clock.ticks(), self.store.term());
        let own = Holder::this(run, self.clock.now());
        let mut watched: Option<Watched> = None;
        loop {
            let wanted = own.until(self.clock.now(), term);
            let now = watched.as_ref().and_then(|one| one.expired(term, self.clock.ticks()));
            let held = match self.store.take(wanted.clone(), now.unwrap_or(self.clock.now())).await? {
                Taken::Ours => {
                    self.own.replace(Some(wanted));
                    self.is_taken.send_replace(true);
                    return Ok(());
                }
                Taken::Held(holder) => holder,
            };
            let is_alive = watched.as_ref().is_some_and(|one| one.holder != held);
            let patience = match (timeout, term) {
                (Some(timeout), _) => timeout,
                (None, Term::Process) => SignedDuration::ZERO,
                (None, Term::Time) if is_alive => SignedDuration::ZERO,
                (None, Term::Time) => PATIENCE,
            };
            let left = patience - (self.clock.ticks() - began);
            if !left.is_positive() {
                return Err(LeaseError::Held(held));
            }
            if is_alive || watched.is_none() {
                watched = Some(Watched { holder: held, since: self.clock.ticks() });
            }
            self.clock.sleep(left.min(AGAIN)).await;
        }
    }

    /// Renews the lease as long as it is ours. Never ends: it runs beside the work, and says by
    /// [`Lease::lost`] when the work has to stop.
    pub async fn keep(&self) -> Infallible {
        // Who waits for the lease holds this sender, so it cannot be gone.
        _ = self.is_taken.subscribe().wait_for(|taken| *taken).await;
        let mut renewed = self.clock.now();
        let mut pause = EVERY;
        while self.store.term() == Term::Time && !self.is_lost() {
            self.clock.sleep(pause).await;
            let now = self.clock.now();
            let own = self.own.borrow().as_ref().map(|own| own.until(now, Term::Time));
            let Some(own) = own else { break };
            pause = EVERY;
            match self.renewed(own, renewed).await {
                Ok(()) => renewed = now,
                Err(error) if error.is_conflict() => self.lose("another run has taken the lease"),
                Err(error) if self.clock.now().duration_since(renewed) >= SAFE => {
                    self.lose(&format!("the lease could not be renewed: {error}"));
                }
                Err(_) => pause = AGAIN,
            }
        }
        std::future::pending().await
    }

    /// Renews it once. Not longer than the last renewal is good for, however long the store takes.
    async fn renewed(&self, own: Holder, last: Timestamp) -> Result<(), StoreError> {
        let until = last.checked_add(SAFE).unwrap_or(Timestamp::MAX);
        tokio::select! {
            biased;
            answer = self.store.renew(own) => answer,
            () = self.clock.sleep_until(until) => {
                let (place, cause) = (self.store.place(), "the store did not answer in time".to_owned());
                Err(StoreError::Failed { what: "renew the lease of", place, cause })
            }
        }
    }

    /// Notes that the lease is not ours any more.
    pub fn lose(&self, why: &str) {
        self.lost.send_replace(Some(why.to_owned()));
    }

    /// Whether it is not ours any more.
    pub fn is_lost(&self) -> bool {
        self.lost.borrow().is_some()
    }

    /// Why it is not ours any more, if so.
    pub fn why_lost(&self) -> Option<String> {
        self.lost.borrow().clone()
    }

    /// Ends when it is lost.
    pub async fn lost(&self) {
        _ = self.lost.subscribe().wait_for(Option::is_some).await;
    }

    /// Lets it go. Where that fails it ends by itself.
    pub async fn release(&self) {
        if self.own.take().is_some() && !self.is_lost() {
            _ = self.store.release().await;
        }
    }
}

/// A lease of another run, as it was seen and has not changed since.
struct Watched {
    holder: Option<Holder>,
    since: SignedDuration,
}

impl Watched {
    /// The time by which it has run out, whatever its holder's clock said: nobody has renewed it for
    /// longer than it lasts.
    fn expired(&self, term: Term, ticks: SignedDuration) -> Option<Timestamp> {
        let is_dead = term == Term::Time && ticks.saturating_sub(self.since) > TERM + AGAIN;
        self.holder.as_ref().filter(|_| is_dead)?.expires_at
    }
}

/// The machine's name, to tell runners apart; only shown.
fn host() -> String {
    std::env::var("HOSTNAME")
        .ok()
        .or_else(|| std::fs::read_to_string("/etc/hostname").ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "this machine".into())
}

#[cfg(test)]
mod tests;
