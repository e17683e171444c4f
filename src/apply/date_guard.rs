//! `date-does-not-move`: when the first toggle of a run is back on and the tenant's date for it has
//! not moved after a while, no further toggle starts. The date is what keeps a run without its
//! journal from toggling the same people again, so it has to be seen to work once.

use super::job::Job;
use crate::graph::{Failure, Reader};
use crate::model::{Catalog, SignedDuration, SubjectId, Timestamp, UserId, UserKey};
use crate::observe::collect::user;
use crate::observe::effect::Member;
use crate::observe::observed::{Dates, User};
use crate::plan::dates::{Own, Renewal, renewal};

/// How long the date may take to move.
const PATIENCE: SignedDuration = SignedDuration::from_mins(15);
/// How often it is looked at meanwhile.
const EVERY: SignedDuration = SignedDuration::from_secs(60);

/// Watches the date of the first toggle that came back on.
#[derive(Debug, Default)]
pub(super) struct DateGuard {
    watched: Option<Watched>,
    moved: bool,
    failed: bool,
}

#[derive(Debug)]
struct Watched {
    index: usize,
    since: Timestamp,
    next: Timestamp,
}

impl DateGuard {
    /// A toggle is back on; the first one is watched.
    pub fn came_back(&mut self, index: usize, _id: SubjectId, now: Timestamp) {
        self.watched.get_or_insert(Watched { index, since: now, next: now });
    }

    /// Whether further toggles may start.
    pub fn allows_toggles(&self) -> bool {
        !self.failed
    }

    /// Whose date is watched, while that is open.
    pub fn whose(&self) -> Option<usize> {
        self.watched.as_ref().filter(|_| self.is_open()).map(|watched| watched.index)
    }

    /// Whose date did not move.
    pub fn failed(&self) -> Option<usize> {
        self.watched.as_ref().filter(|_| self.failed).map(|watched| watched.index)
    }

    /// When to look next.
    pub fn next_look(&self) -> Option<Timestamp> {
        self.watched.as_ref().filter(|_| self.is_open()).map(|watched| watched.next)
    }

    /// Whether it is time to look.
    pub fn wants_a_look(&self, now: Timestamp) -> bool {
        self.next_look().is_some_and(|next| next <= now)
    }

    /// Notes a look: whether the toggle would still be due by the tenant's dates alone. True when
    /// patience ends with this look.
    pub fn looked(&mut self, due: bool, now: Timestamp) -> bool {
        let Some(watched) = &mut self.watched else { return false };
        if !due {
            self.moved = true;
        } else if now.duration_since(watched.since) >= PATIENCE {
            self.failed = true;
        }
        watched.next = now.saturating_add(EVERY).unwrap_or(Timestamp::MAX);
        self.failed
    }

    fn is_open(&self) -> bool {
        !self.moved && !self.failed
    }
}

/// Whether the tenant's own dates would ask for this toggle again.
pub(super) async fn still_due(reader: &Reader, job: &Job, catalog: &Catalog) -> Result<bool, Failure> {
    let Some(asked) = job.asked else { return Ok(false) };
    let ids: Vec<UserId> = match job.subject.id {
        SubjectId::User(id) => vec![id],
        SubjectId::Group(id) => match reader.members(id).await {
            Ok(ids) => ids,
            Err(failure) => return nothing_seen(failure),
        },
    };
    let keys: Vec<UserKey> = ids.iter().copied().map(UserKey::Id).collect();
    let (found, dates) = (reader.users(&keys).await, reader.service_plan_dates(&ids).await);
    let (mut seen, mut due) = (false, false);
    for (found, dates) in found.into_iter().zip(dates) {
        match (found, dates) {
            (Ok(Some(read)), Ok(Some(entries))) => {
                let user = User { dates: Dates::Read(entries), ..user(read) };
                let says = is_due(&user, job, asked, catalog);
                seen |= says.is_some();
                due |= says == Some(true);
            }
            (Err(failure), _) | (_, Err(failure)) => due |= nothing_seen(failure)?,
            (Ok(_), Ok(_)) => {}
        }
    }
    Ok(due || !seen)
}

/// Whether the dates of that user ask for the toggle again; `None` when they say nothing, because the
/// user shows off (a replica that lags) or does not count in the group.
fn is_due(user: &User, job: &Job, asked: Timestamp, catalog: &Catalog) -> Option<bool> {
    let says = match job.subject.id {
        SubjectId::User(_) => user.is_on(catalog),
        SubjectId::Group(group) => user.as_member(group, catalog) == Member::Counts,
    };
    says.then(|| renewal(asked, Own::default(), &user.dates, &user.sources(catalog)) == Renewal::Due)
}

/// What could not be read has not been seen to move.
fn nothing_seen(failure: Failure) -> Result<bool, Failure> {
    if failure.ends_the_run() { Err(failure) } else { Ok(true) }
}
