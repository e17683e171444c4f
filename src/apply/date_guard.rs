//! `date-does-not-move`: when the first toggle of a run is back on and the tenant's date for it has
//! not moved after a while, no further toggle starts. The date is what keeps a run without its
//! journal from toggling the same people again, so it has to be seen to work once.

use super::job::Job;
use crate::graph::{Failure, Reader};
use crate::model::{Catalog, SignedDuration, SubjectId, Timestamp, UserId, UserKey};
use crate::observe::effect::Member;
use crate::observe::observed::{Dates, User};
use crate::observe::reading::user;
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

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::Arc;

    use uuid::Uuid;

    use super::*;
    use crate::graph::ServicePlanEntry;
    use crate::model::{
        AssignedBy, Assignment, AssignmentState, License, LicenseStatus, SERVICE_PLAN, ServicePlan, SkuId,
        Subject,
    };
    use crate::plan::change::Action;

    const E5: SkuId = SkuId(Uuid::from_u128(0xe5));
    const ADELE: UserId = UserId(Uuid::from_u128(0xa));

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + 60 * minute).expect("a time")
    }

    fn watching() -> DateGuard {
        let mut guard = DateGuard::default();
        guard.came_back(3, SubjectId::User(ADELE), at(0));
        guard
    }

    #[test]
    fn nothing_is_watched_before_the_first_toggle_is_back() {
        let guard = DateGuard::default();
        assert!(guard.allows_toggles() && guard.whose().is_none() && !guard.wants_a_look(at(0)));
    }

    #[test]
    fn toggles_go_on_while_the_date_has_time_to_move() {
        let mut guard = watching();
        assert!(guard.wants_a_look(at(0)) && !guard.looked(true, at(14)));
        assert!(guard.allows_toggles() && guard.next_look() == Some(at(15)));
    }

    #[test]
    fn a_date_that_moved_is_not_watched_any_more() {
        let mut guard = watching();
        assert!(!guard.looked(false, at(14)));
        guard.came_back(4, SubjectId::User(ADELE), at(15));
        assert!(guard.allows_toggles() && guard.whose().is_none());
    }

    #[test]
    fn a_date_that_has_not_moved_after_a_quarter_of_an_hour_stops_toggles() {
        let mut guard = watching();
        assert!(guard.looked(true, at(15)));
        assert!(!guard.allows_toggles() && guard.failed() == Some(3) && guard.next_look().is_none());
    }

    fn catalog() -> Catalog {
        let plan = ServicePlan { name: "A_PLAN".into(), provisioning: "Success".into() };
        let plans: BTreeMap<_, _> = [(SERVICE_PLAN, plan)].into();
        let license = License { id: E5, part_number: "SPE_E5".into(), status: LicenseStatus::Enabled, plans };
        [license].into_iter().collect()
    }

    fn says(on: bool, assigned: i64) -> Option<bool> {
        let disabled: BTreeSet<_> = if on { BTreeSet::new() } else { [SERVICE_PLAN].into() };
        let (by, state) = (AssignedBy::Direct, AssignmentState::Active);
        let direct = Assignment { sku: E5, by, disabled, state, error: None, updated: Some(at(-90)) };
        let entry = ServicePlanEntry { status: "Enabled".into(), assigned: Some(at(assigned)) };
        let user = User {
            id: ADELE,
            upn: "adele@contoso.com".into(),
            usage_location: None,
            assignments: vec![direct],
            dates: Dates::Read(vec![entry]),
        };
        let job = Job {
            action: Action::Toggle,
            subject: Subject { id: SubjectId::User(ADELE), name: String::new() },
            skus: [E5].into(),
            planned: BTreeMap::new(),
            expect: BTreeSet::new(),
            wait: SignedDuration::ZERO,
            gate: SignedDuration::ZERO,
            people: 1,
            reason: String::new(),
            asked: Some(at(0)),
            protected: Arc::default(),
            resumes: None,
        };
        is_due(&user, &job, at(0), &catalog())
    }

    #[test]
    fn a_date_at_or_after_the_one_asked_for_has_moved() {
        assert_eq!([says(true, -1), says(true, 0), says(true, 5)], [Some(true), Some(false), Some(false)]);
    }

    #[test]
    fn a_replica_that_still_shows_off_says_nothing() {
        assert_eq!(says(false, 5), None);
    }
}
