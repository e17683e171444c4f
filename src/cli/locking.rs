//! Getting the lease: how long to wait for it, and taking it away from a run that does not come back.

use super::{Failure, ask};
use crate::apply::interrupt::Interrupt;
use crate::clock::Clock;
use crate::journal::lease::Holder;
use crate::journal::store::{Store, Term};
use crate::model::SignedDuration;
use crate::report::output::Output;
use crate::run::Begin;

/// What `apply` and `heal` do about a lease that is held.
#[derive(clap::Args, Clone)]
pub(super) struct Locking {
    /// How long to wait for another run that holds the lease, such as 90s or 10m [default: 90s if it
    /// has stopped renewing the lease, else not at all]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    lock_timeout: Option<SignedDuration>,
    /// Take the lease away from the run that holds it: shows which, and asks
    #[arg(long)]
    break_lease: bool,
}

/// How a command begins, and whom it may ask.
pub(super) struct Start<'a> {
    /// `apply` or `heal`.
    pub command: &'static str,
    /// What to do about a lease that is held.
    pub locking: &'a Locking,
    /// Whether nobody is to be asked.
    pub auto_approve: bool,
}

fn duration(text: &str) -> Result<SignedDuration, String> {
    match text.parse::<SignedDuration>() {
        Ok(duration) if !duration.is_negative() => Ok(duration),
        Ok(_) | Err(_) => Err("write a duration with its unit, such as `90s` or `2m`".to_owned()),
    }
}

impl Locking {
    /// Whether somebody may have to be asked.
    pub fn asks(&self) -> bool {
        self.break_lease
    }
}

impl Start<'_> {
    /// Breaks the lease if that is wanted; otherwise says who has to be waited for.
    pub async fn begin(
        &self,
        store: &dyn Store,
        clock: &Clock,
        output: Output,
        interrupt: &Interrupt,
    ) -> Result<Begin, Failure> {
        let Locking { lock_timeout, break_lease } = *self.locking;
        let holder = store.holder(clock.now()).await?;
        let broke = match (holder, break_lease) {
            (Some(holder), true) => Some(self.take_away(&holder, store, clock, output, interrupt).await?),
            (Some(holder), false) => {
                self.say_who_works(&holder, store.term(), output);
                None
            }
            (None, true) => {
                output.say("Nobody holds the lease: there was nothing to break.");
                None
            }
            (None, false) => None,
        };
        Ok(Begin { command: self.command, lock_timeout, broke })
    }

    fn say_who_works(&self, holder: &Holder, term: Term, output: Output) {
        let waits = match (self.locking.lock_timeout, term) {
            (Some(timeout), _) => !timeout.is_zero(),
            (None, Term::Time) => true,
            (None, Term::Process) => false,
        };
        if waits {
            output.say(&format!("{} works on this tenant; waiting for it.", whole(holder)));
        }
    }

    /// Breaks the lease of a run; who that was.
    async fn take_away(
        &self,
        holder: &Holder,
        store: &dyn Store,
        clock: &Clock,
        output: Output,
        interrupt: &Interrupt,
    ) -> Result<String, Failure> {
        if store.term() == Term::Process {
            return Err(Failure::other(
                format!(
                    "{holder} is alive: the lock of a local folder ends with its process, so there is nothing to break"
                ),
                format!(
                    "end process {} on {} if it hangs; what it began is in the journal",
                    holder.pid, holder.host
                ),
            ));
        }
        if !self.auto_approve {
            let question = format!(
                "{} works on this tenant. If it is alive it starts nothing new from its next record on, and turns \
                 on whom it turned off. Take the lease away from it?",
                whole(holder)
            );
            if !ask::yes(&question, output, interrupt).await {
                return Err(Failure::other(
                    "the lease was not broken, and nothing was started",
                    "wait with --lock-timeout",
                ));
            }
            let now = store.holder(clock.now()).await?;
            if now.is_some_and(|now| now.run != holder.run) {
                return Err(Failure::other(
                    "another run has taken the lease meanwhile",
                    "look at `advaudit status`",
                ));
            }
        }
        store.break_lease().await?;
        output.say(&format!("The lease of {holder} was broken."));
        Ok(holder.to_string())
    }
}

/// A holder with the end of its lease.
fn whole(holder: &Holder) -> String {
    match holder.expires_at {
        Some(end) => format!("{holder}, with a lease until {}", end.strftime("%H:%M:%S UTC")),
        None => holder.to_string(),
    }
}
