//! `date-does-not-move`: when the first toggle of a run is back on and the tenant's date for it has
//! not moved after a while, no further toggle starts. The date is what keeps a run without its
//! journal from toggling the same people again, so it has to be seen to work once.

use super::job::Job;
use crate::graph::{Failure, Reader};
use crate::model::{Catalog, SignedDuration, SubjectId, Timestamp, UserId, UserKey};
use crate::observe::effect::Member;
use crate::observe::observed::{Dates, User};
use crate::observe::reading::user;

/// How long the date may take to move.
const PATIENCE: SignedDuration = SignedDuration::from_mins(15);
/// How often it is looked at meanwhile.
const EVERY: SignedDuration = SignedDuration::from_secs(60);

/// How many members of a group are asked: all of them were turned on.
const WITNESSES: usize = 100;

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
    pub fn came_back(&mut self, index: usize, now: Timestamp) {
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

    /// Notes a look: whether the date has moved. True when patience ends with this look.
    pub fn looked(&mut self, moved: bool, now: Timestamp) -> bool {
        let Some(watched) = &mut self.watched else { return false };
        if moved {
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

/// Whether the tenant's own date says that the toggle was done: the one that a run without its journal
/// would know it by; of a group, by the first of the members who were without error when it went off. What
/// could not be read has not been seen to move.
pub(super) async fn has_moved(
    reader: &Reader,
    job: &Job,
    members: &[UserId],
    catalog: &Catalog,
) -> Result<bool, Failure> {
    let Some(asked) = job.asked else { return Ok(true) };
    let ids: Vec<UserId> = match job.subject.id {
        SubjectId::User(id) => vec![id],
        SubjectId::Group(_) => members.iter().copied().take(WITNESSES).collect(),
    };
    let keys: Vec<UserKey> = ids.iter().copied().map(UserKey::Id).collect();
    let (found, dates) = (reader.users(&keys).await, reader.service_plan_dates(&ids).await);
    let mut moved = false;
    for (found, dates) in found.into_iter().zip(dates) {
        moved |= match (found, dates) {
            (Ok(Some(read)), Ok(Some(entries))) => {
                let user = User { dates: Dates::Read(entries), ..user(read) };
                is_renewed(&user, job, asked, catalog)
            }
            (Err(failure), _) | (_, Err(failure)) => nothing_seen(failure)?,
            (Ok(_), Ok(_)) => false,
        }
    }
    Ok(moved)
}

/// Whether that user's own date is new. In a group only members who count bear witness: others may
/// owe a new date to something else.
fn is_renewed(user: &User, job: &Job, asked: Timestamp, catalog: &Catalog) -> bool {
    let counts = match job.subject.id {
        SubjectId::User(_) => true,
        SubjectId::Group(group) => user.as_member(group, catalog) == Member::Counts,
    };
    counts && user.dates.newest_on().is_some_and(|on| on >= asked)
}

fn nothing_seen(failure: Failure) -> Result<bool, Failure> {
    if failure.ends_the_run() { Err(failure) } else { Ok(false) }
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
        guard.came_back(3, at(0));
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
        assert!(guard.wants_a_look(at(0)) && !guard.looked(false, at(14)));
        assert!(guard.allows_toggles() && guard.next_look() == Some(at(15)));
    }

    #[test]
    fn a_date_that_moved_is_not_watched_any_more() {
        let mut guard = watching();
        assert!(!guard.looked(true, at(14)));
        guard.came_back(4, at(15));
        assert!(guard.allows_toggles() && guard.whose().is_none());
    }

    #[test]
    fn a_date_that_has_not_moved_after_a_quarter_of_an_hour_stops_toggles() {
        let mut guard = watching();
        assert!(guard.looked(false, at(15)));
        assert!(!guard.allows_toggles() && guard.failed() == Some(3) && guard.next_look().is_none());
    }

    fn catalog() -> Catalog {
        let plan = ServicePlan { name: "A_PLAN".into(), provisioning: "Success".into() };
        let plans: BTreeMap<_, _> = [(SERVICE_PLAN, plan)].into();
        let license = License {
            id: E5,
            part_number: "SPE_E5".into(),
            status: LicenseStatus::Enabled,
            holders: None,
            plans,
        };
        [license].into_iter().collect()
    }

    fn is_new(on: bool, assigned: i64) -> bool {
        let disabled: BTreeSet<_> = if on { BTreeSet::new() } else { [SERVICE_PLAN].into() };
        let (by, state) = (AssignedBy::Direct, AssignmentState::Active);
        let direct = Assignment { sku: E5, by, disabled, state, error: None, updated: Some(at(-90)) };
        let status = if on { "Enabled" } else { "Deleted" };
        let entry = ServicePlanEntry { status: status.into(), assigned: Some(at(assigned)) };
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
            planned_people: 1,
            planned_minutes: 60,
            reason: String::new(),
            asked: Some(at(0)),
            protected: Arc::default(),
            resumes: None,
            change: None,
        };
        is_renewed(&user, &job, at(0), &catalog())
    }

    #[test]
    fn a_date_at_or_after_the_one_asked_for_has_moved() {
        assert_eq!([is_new(true, -1), is_new(true, 0), is_new(true, 5)], [false, true, true]);
    }

    #[test]
    fn a_replica_that_still_shows_off_has_no_date() {
        assert!(!is_new(false, 5));
    }
}
