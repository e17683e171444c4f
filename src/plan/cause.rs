//! What made a change necessary: the manifest, somebody else's hand, or the first run. By the journal and
//! the tenant's dates; nothing is done or left undone because of it.

use super::change::{Action, Cause};
use super::running::Running;
use crate::model::{Subject, SubjectId, Timestamp};

/// What is known of a subject that is to be changed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case<'a> {
    /// Who.
    pub subject: &'a Subject,
    /// What is done.
    pub action: Action,
    /// When its assignments last changed (`lastUpdatedDateTime`); groups have no such date.
    pub changed: Option<Timestamp>,
    /// Digest of the manifest as it is now.
    pub manifest: &'a str,
    /// Whether the manifest names it; a selector may have picked it up since.
    pub is_named: bool,
}

/// Why it has to be changed.
pub(super) fn cause(case: Case<'_>, running: &Running) -> Cause {
    let Case { subject, action, changed, manifest, .. } = case;
    if action == Action::Enable && left_on(subject.id, running).is_some() {
        return Cause::TenantChanged;
    }
    let Some(base) = &running.runs.baseline else { return Cause::FirstRun };
    let same_manifest = base.manifest == manifest;
    match changed {
        Some(changed) if changed > base.at => Cause::TenantChanged,
        _ if !same_manifest => Cause::ManifestChanged,
        // A group has no date.
        None if action == Action::Enable && base.was_in_sync(subject) => Cause::TenantChanged,
        // Neither changed, so it is what that run did not get to.
        Some(_) | None => Cause::FirstRun,
    }
}

/// Whether somebody turned off what was on as declared, and since when it was known to be on.
pub(super) fn was_on_since(case: Case<'_>, running: &Running) -> Option<Timestamp> {
    left_on(case.subject.id, running).or_else(|| {
        let base = running.runs.baseline.as_ref().filter(|base| base.manifest == case.manifest)?;
        let changed = case.changed.is_none_or(|changed| changed > base.at);
        (changed && case.is_named && base.was_in_sync(case.subject)).then_some(base.at)
    })
}

/// When an on of ours left it on.
fn left_on(id: SubjectId, running: &Running) -> Option<Timestamp> {
    let last = [running.last_on.get(&id), running.null_on.get(&id)].into_iter().flatten().max()?;
    (!running.in_flight.contains_key(&id)).then_some(*last)
}
