//! What the plan says of a declared group: the second table of DESIGN 5, first row that matches.

use std::collections::{BTreeMap, BTreeSet};

use super::Draft;
use super::change::Person;
use super::dates::{Own, Renewal, renewal};
use super::resolve::{Desired, Want};
use super::sources::unprovisioned;
use super::users::Verdict;
use super::why::WhyNot;
use crate::model::{
    AssignedBy, Assignment, GroupId, Licensed, SERVICE_PLAN, SkuId, SubjectId, Timestamp, UserId,
};
use crate::observe::effect::{Member, is_in_error};
use crate::observe::observed::{Group, Members, Observed, User};

/// What is decided for a group, and what was seen of its members on the way.
pub(super) struct Judged {
    pub verdict: Verdict,
    pub roll: Roll,
}

/// The members, by what they are to a toggle of the group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Roll {
    /// Who goes off: nothing but this group, and others that go off as well, keeps them on.
    pub off: Vec<Person>,
    /// How many of each kind.
    pub kinds: BTreeMap<Member, Vec<UserId>>,
}

impl Roll {
    pub fn count(&self, kind: Member) -> usize {
        self.kinds.get(&kind).map_or(0, Vec::len)
    }
}

/// Judges one group that exists, was read, and is not in an unfinished toggle of ours. `Err`: the
/// members decide, and some could not be read.
pub(super) fn judge(group: &Group, want: &Want, draft: &Draft<'_>) -> Result<Judged, String> {
    let Draft { desired, observed, running, going_off, .. } = draft;
    let roll = roll(group, observed, going_off);
    let judged = |verdict| Ok(Judged { verdict, roll: roll.clone() });
    let catalog = &observed.catalog;
    let Some(first) = group.relevant(catalog).next() else {
        let why = WhyNot::NoLicense { narrowed_to: None, own: Vec::new(), is_selected: false };
        return judged(Verdict::Blocked(why));
    };
    if !group.is_on(catalog) {
        return judged(match off(group, want, observed) {
            Some(verdict) => verdict,
            None => match super::tenant_level(first.sku, catalog) {
                Some(why) => Verdict::Blocked(why),
                None => Verdict::InSync,
            },
        });
    }
    let Some(asked) = want.asked else { return judged(Verdict::InSync) };
    let own_on = running.last_on.get(&SubjectId::Group(group.id)).copied();
    if own_on.is_some_and(|on| on >= asked) {
        return judged(Verdict::InSync);
    }
    let members = read_members(group, observed)?;
    judged(match members_renewal(group, asked, &members, observed) {
        None | Some(Renewal::Renewed) => Verdict::InSync,
        Some(Renewal::Due) => toggle_due(group, &members, &roll, desired, observed),
        Some(undecided @ (Renewal::ChangedSince(_) | Renewal::NoDate)) => Verdict::Undecided(undecided),
    })
}

/// The rows of a group that is off; `None` when no license of it can be turned on.
fn off(group: &Group, want: &Want, observed: &Observed) -> Option<Verdict> {
    let ready = |license: &&Licensed| {
        let plan = observed.catalog.get(license.sku).and_then(|own| own.plans.get(&SERVICE_PLAN));
        plan.is_some_and(|plan| plan.is_provisioned())
    };
    let licenses = ids(group.usable(&observed.catalog).filter(ready));
    if licenses.is_empty() {
        return None;
    }
    Some(match want.asked {
        None => Verdict::Enable(licenses),
        Some(_) => Verdict::Resume { licenses, off_since: off_since(group, observed) },
    })
}

/// When a group that is off seems to have gone off: the newest change of its members' assignments from
/// it. `None` while the off is still on its way to them: their dates are those of the on before.
fn off_since(group: &Group, observed: &Observed) -> Option<Timestamp> {
    let members = group.members.ids().iter().filter_map(|id| observed.users.get(id));
    let all = members.flat_map(|user| user.relevant(&observed.catalog));
    let own: Vec<&Assignment> = all.filter(|one| one.by == AssignedBy::Group(group.id)).collect();
    let on_its_way =
        !group.processing.is_finished() || own.iter().any(|one| one.leaves_on() && !is_in_error(one));
    own.iter().filter(|_| !on_its_way).filter_map(|one| one.updated).max()
}

/// All members as users, or why that is not to be had. One unread member may be the protected one.
fn read_members<'a>(group: &Group, observed: &'a Observed) -> Result<Vec<&'a User>, String> {
    let ids = match &group.members {
        Members::Read(ids) => ids,
        Members::NotRead => return Err("its members were not asked for".into()),
        Members::Unread(reason) => return Err(format!("its members could not be read: {reason}")),
    };
    let read = |id: &UserId| {
        observed.users.get(id).ok_or_else(|| {
            let reason = observed.unread_users.get(id).map_or("it was not asked for", String::as_str);
            format!("its member {id} could not be read: {reason}")
        })
    };
    ids.iter().map(read).collect()
}

/// A group is due when any member that counts is due. `None`: no member counts.
fn members_renewal(
    group: &Group,
    asked: Timestamp,
    members: &[&User],
    observed: &Observed,
) -> Option<Renewal> {
    let catalog = &observed.catalog;
    let each: Vec<Renewal> = members
        .iter()
        .filter(|user| user.as_member(group.id, catalog) == Member::Counts)
        .map(|user| renewal(asked, Own::default(), &user.dates, &user.sources(catalog)))
        .collect();
    let undecided = |one: &&Renewal| matches!(one, Renewal::ChangedSince(_) | Renewal::NoDate);
    each.iter()
        .find(|one| **one == Renewal::Due)
        .or_else(|| each.iter().find(undecided))
        .or_else(|| each.first())
        .copied()
}

/// The rows of a group whose toggle is due.
fn toggle_due(
    group: &Group,
    members: &[&User],
    roll: &Roll,
    desired: &Desired,
    observed: &Observed,
) -> Verdict {
    let goes_off = |user: &&&User| roll.off.iter().any(|person| person.id == user.id);
    let protected: Vec<String> = members
        .iter()
        .filter(|user| desired.protected.covers(user.id, &user.upn))
        .filter(goes_off)
        .map(|user| user.upn.clone())
        .collect();
    if !protected.is_empty() {
        return Verdict::Blocked(WhyNot::ProtectedMembers(protected));
    }
    let (members, limit) = (members.len() as u64, desired.limits.group_members);
    if members > limit {
        return Verdict::Blocked(WhyNot::GroupTooLarge { members, limit });
    }
    Verdict::Toggle(ids(group.usable(&observed.catalog).filter(|license| license.leaves_on())))
}

/// In an order of their own: Graph's order of a group's licenses is no part of the decision.
fn ids<'a>(licenses: impl Iterator<Item = &'a Licensed>) -> Vec<SkuId> {
    let mut ids: Vec<SkuId> = licenses.map(|license| license.sku).collect();
    ids.sort_unstable();
    ids
}

/// Sorts the members that were read. Whoever is on through several groups that are off in the same
/// run goes off as well, as soon as all of them are: that is laid to the group judged last.
fn roll(group: &Group, observed: &Observed, going_off: &BTreeSet<GroupId>) -> Roll {
    let mut roll = Roll::default();
    for user in group.members.ids().iter().filter_map(|id| observed.users.get(id)) {
        let kind = user.as_member(group.id, &observed.catalog);
        let sources = user.sources(&observed.catalog);
        let by_this = |one: &&Assignment| one.by == AssignedBy::Group(group.id);
        // What the tenant has not provisioned is of no use to anybody, so it keeps nobody on either.
        let stays_on = |one: &&Assignment| {
            unprovisioned(one.sku, &observed.catalog).is_none()
                && match one.by {
                    AssignedBy::Direct => true,
                    AssignedBy::Group(id) => id != group.id && !going_off.contains(&id),
                }
        };
        if sources.iter().any(by_this) && !sources.iter().any(stays_on) {
            roll.off.push(Person { id: user.id, name: user.upn.clone() });
            if kind == Member::OnAnyway {
                continue;
            }
        }
        roll.kinds.entry(kind).or_default().push(user.id);
    }
    roll.off.sort_by(|one, other| one.name.cmp(&other.name));
    roll
}
