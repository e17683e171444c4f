//! A saved plan on the command line: read, and judged by whom it is for and how old it is. What of it is
//! still to be done is `plan::saved`'s to say.

use std::path::Path;

use super::plan::Made;
use super::{Failure, files};
use crate::clock::Clock;
use crate::model::{SignedDuration, Timestamp};
use crate::observe::collect;
use crate::observe::observed::Tenant;
use crate::observe::reading::Knows;
use crate::plan::check::check_saved;
use crate::plan::plan;
use crate::plan::resolve::resolve;
use crate::plan::saved::{left, toggles};
use crate::report::json::v1::plan::PlanDocument;
use crate::report::json::v1::plan_file::{self, LARGEST_BYTES};
use crate::report::json::v1::restored::Restored;
use crate::run::Run;

const PLAN_AGAIN: &str = "make a new one: `advaudit plan MANIFEST --out FILE`. Nothing new was started";

/// Graph's clock is known within bounds, and each run reckons anew.
const AHEAD: SignedDuration = SignedDuration::from_mins(2);

/// A plan as it was saved.
pub(super) struct SavedPlan {
    /// What was approved.
    pub document: PlanDocument,
    restored: Restored,
}

impl SavedPlan {
    /// Reads one; it fits its digests.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let bytes = files::read_within(path, LARGEST_BYTES as u64);
        let bytes = bytes.map_err(|cause| Failure::Read { path: path.to_owned(), cause })?;
        let refused = |why: String| {
            Failure::stale(format!("the plan in {} cannot be used: {why}", path.display()), PLAN_AGAIN)
        };
        let (document, restored) = plan_file::read(&bytes).map_err(|no_plan| refused(no_plan.to_string()))?;
        match check_saved(&restored.changes, &restored.protected) {
            wrong if wrong.is_empty() => Ok(SavedPlan { document, restored }),
            wrong => Err(refused(wrong.join("; "))),
        }
    }

    /// Whether it may be started now, on that tenant.
    pub fn may_start(&self, tenant: &Tenant, now: Timestamp, approved: Option<&str>) -> Result<(), Failure> {
        let PlanDocument { tenant: own, expires_at, created_at, .. } = &self.document;
        if own.id != tenant.id {
            return Err(Failure::stale(
                format!(
                    "the plan is for {} ({}), and the tenant that answers is {} ({})",
                    own.domain, own.id, tenant.domain, tenant.id
                ),
                "sign in to the plan's tenant, or apply the plan of this one. Nothing new was started",
            ));
        }
        if created_at.duration_since(now) > AHEAD {
            let message = format!("the plan was made at {created_at}, and it is {now}");
            return Err(Failure::stale(message, PLAN_AGAIN));
        }
        if *expires_at <= now {
            let message = format!("the plan expired at {expires_at}, and it is {now}");
            return Err(Failure::stale(message, PLAN_AGAIN));
        }
        approved.map_or(Ok(()), |approved| same_digest(&self.document.sha256, approved))
    }

    /// What of it is still to be done, and how many of its changes are done already, by whomever.
    pub async fn left(self, run: &Run, clock: &Clock) -> Result<(Made, usize), Failure> {
        let subjects = self.restored.changes.iter().map(|change| &change.subject);
        let groups = subjects.filter(|one| one.id.group().is_some()).cloned().collect();
        let (running, protected) = (run.running(), self.restored.protected);
        let rollout = self.restored.rollout;
        let mut left = left(&self.restored.changes, running, self.document.created_at, clock.now());
        if let Some(declared) = toggles(&left.changes, run.tenant().id, &protected) {
            let tenant = run.tenant().clone();
            let last_on = running.left_on();
            let knows = Knows::only(&last_on);
            let observed = collect::collect(run.reader(), &declared, tenant, knows, clock).await?;
            let fresh = plan(&resolve(&declared, &observed, running), &observed, running, clock.now());
            left = left.looked_at(&observed, &fresh, running.runs.began);
        }
        let (document, changes, nobody) = (self.document, left.changes, Vec::new());
        let made = Made { document, changes, protected, groups, rollout, nobody };
        Ok((made, left.done))
    }
}

/// Whether what would be started is what was approved.
pub(super) fn same_digest(sha256: &str, approved: &str) -> Result<(), Failure> {
    if sha256.eq_ignore_ascii_case(approved) {
        return Ok(());
    }
    Err(Failure::stale(
        format!("the plan has the digest {sha256}, and {approved} was approved (--plan-sha256)"),
        "the tenant, the manifest or a limit is not what it was then: look at the plan, and approve its digest. \
         Nothing new was started",
    ))
}
