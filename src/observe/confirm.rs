//! Replicas lag: a read that shows a subject off although our journal turned it on a moment ago is
//! older than what we know. It is discarded and repeated, for a while; then it is believed, because
//! somebody may really have turned it off.

use std::collections::BTreeSet;

use super::effect::is_in_error;
use super::observed::{Members, Observed};
use super::reading::{LastOn, READS_DISAGREE, fatal, group, user};
use crate::clock::Clock;
use crate::graph::{Failure, Reader};
use crate::model::{AssignedBy, GroupId, SignedDuration, SubjectId, Timestamp, UserId, UserKey};

/// How long after an on of ours a read may still be older than it.
const RECENT: SignedDuration = SignedDuration::from_hours(1);
/// How long to wait before each repeated read, in seconds: a minute in all.
const PAUSES: [i64; 6] = [1, 2, 4, 8, 15, 30];

/// Repeats the reads that contradict the journal.
pub(super) async fn confirm(
    reader: &Reader,
    observed: &mut Observed,
    last_on: &LastOn,
    clock: &Clock,
) -> Result<(), Failure> {
    let recent: BTreeSet<SubjectId> =
        last_on.iter().filter(|(_, on)| is_recent(**on, clock.now())).map(|(subject, _)| *subject).collect();
    for pause in PAUSES {
        let (users, groups) = (stale_users(observed, &recent), stale_groups(observed, &recent));
        if users.is_empty() && groups.is_empty() {
            return Ok(());
        }
        clock.sleep(SignedDuration::from_secs(pause)).await;
        read_users(reader, observed, &users).await?;
        read_groups(reader, observed, &groups).await?;
    }
    Ok(())
}

fn is_recent(on: Timestamp, now: Timestamp) -> bool {
    now.duration_since(on) < RECENT
}

/// Users who show off, although we turned them, or a group of theirs, on a moment ago. Of an assignment in
/// error that is no surprise.
fn stale_users(observed: &Observed, recent: &BTreeSet<SubjectId>) -> Vec<UserId> {
    let turned_on = |by: AssignedBy, id: UserId| match by {
        AssignedBy::Direct => recent.contains(&SubjectId::User(id)),
        AssignedBy::Group(group) => recent.contains(&SubjectId::Group(group)),
    };
    let off = observed.users.values().filter(|user| {
        let mut off = user.relevant(&observed.catalog).filter(|one| !one.leaves_on() && !is_in_error(one));
        !user.is_on(&observed.catalog) && off.any(|one| turned_on(one.by, user.id))
    });
    off.map(|user| user.id).collect()
}

fn stale_groups(observed: &Observed, recent: &BTreeSet<SubjectId>) -> Vec<GroupId> {
    let off = observed.groups.values().filter(|group| !group.is_on(&observed.catalog));
    off.filter(|group| recent.contains(&SubjectId::Group(group.id))).map(|group| group.id).collect()
}

async fn read_users(reader: &Reader, observed: &mut Observed, ids: &[UserId]) -> Result<(), Failure> {
    let keys: Vec<UserKey> = ids.iter().copied().map(UserKey::Id).collect();
    for (id, outcome) in ids.iter().zip(reader.users(&keys).await) {
        match fatal(outcome)? {
            Ok(Some(read)) => _ = observed.users.insert(*id, user(read)),
            Ok(None) => observed.disbelieve(*id, READS_DISAGREE.into()),
            Err(reason) => observed.disbelieve(*id, reason),
        }
    }
    Ok(())
}

async fn read_groups(reader: &Reader, observed: &mut Observed, ids: &[GroupId]) -> Result<(), Failure> {
    for (id, outcome) in ids.iter().zip(reader.groups(ids).await) {
        if let Ok(Some(read)) = fatal(outcome)? {
            let members = observed.groups.get(id).map_or(Members::NotRead, |old| old.members.clone());
            let mut fresh = group(read);
            fresh.members = members;
            observed.groups.insert(*id, fresh);
        }
    }
    Ok(())
}
