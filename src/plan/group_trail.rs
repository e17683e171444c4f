//! The whole picture of one group: what a change of it does to its members, from which other groups they
//! have the service plan, and who of them must not be turned off.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::explained::Judged;
use super::members::{Members, members};
use super::planned::Said;
use super::sources::Turn;
use super::why::GroupRef;
use crate::model::{GroupId, SubjectId};
use crate::observe::observed::{Group, Observed, User};

/// What is known of a group beside its licenses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupTrail {
    /// What a toggle of it does, or an enable where it is off.
    pub members: Members,
    /// Who goes off by a toggle.
    pub goes_off: Vec<String>,
    /// Other groups that give members a license with the service plan, and how many members; the most first.
    pub overlaps: Vec<(GroupRef, u64)>,
    /// Members who are never turned off.
    pub protected: Vec<String>,
}

impl GroupTrail {
    /// The picture of a group whose members were read. Where the plan changes the group, its own count is told.
    pub fn of(group: &Group, observed: &Observed, judged: &Judged) -> Self {
        let desired = &judged.desired;
        let turn = if group.is_on(&observed.catalog) { Turn::Off } else { Turn::On };
        let planned = match judged.plan.says_of(SubjectId::Group(group.id)) {
            Said::Change(change) => change
                .members
                .clone()
                .map(|members| (members, change.people.iter().map(|person| person.name.clone()).collect())),
            Said::InSync(_) | Said::Blocked(_) | Said::Unknown(_) | Said::Nothing => None,
        };
        let (members, goes_off) = planned.unwrap_or_else(|| {
            let counted = members(group, turn, observed, desired, &BTreeSet::new());
            (counted, going_off(group, turn, observed))
        });
        let read = || group.members.ids().iter().filter_map(|id| observed.users.get(id));
        let is_protected = |user: &&User| desired.protected.covers(user.id, &user.upn);
        let mut protected: Vec<String> = read().filter(is_protected).map(|user| user.upn.clone()).collect();
        protected.sort();
        GroupTrail { members, goes_off, overlaps: overlaps(group, read(), observed), protected }
    }
}

/// Who has the service plan from this group alone.
fn going_off(group: &Group, turn: Turn, observed: &Observed) -> Vec<String> {
    if turn == Turn::On {
        return Vec::new();
    }
    let is_only = |user: &&User| {
        let giving = user.sources(&observed.catalog);
        !giving.is_empty() && giving.iter().all(|one| one.by.group() == Some(group.id))
    };
    let members = group.members.ids().iter().filter_map(|id| observed.users.get(id));
    let mut names: Vec<String> = members.filter(is_only).map(|user| user.upn.clone()).collect();
    names.sort();
    names
}

fn overlaps<'a>(
    group: &Group,
    members: impl Iterator<Item = &'a User>,
    observed: &Observed,
) -> Vec<(GroupRef, u64)> {
    let mut counted: BTreeMap<GroupId, u64> = BTreeMap::new();
    for user in members {
        let others: BTreeSet<GroupId> =
            user.relevant(&observed.catalog).filter_map(|one| one.by.group()).collect();
        for id in others.into_iter().filter(|id| *id != group.id) {
            *counted.entry(id).or_default() += 1;
        }
    }
    let named = |(id, count)| (GroupRef { id, name: observed.group_name(id) }, count);
    let mut overlaps: Vec<(GroupRef, u64)> = counted.into_iter().map(named).collect();
    overlaps.sort_by_key(|(_, count)| Reverse(*count));
    overlaps
}
