//! What a change of a group does to each of its members: who goes off or on, who stays as they are and
//! through what, who is in error.
//!
//! Counted from what was read; decides nothing (that is `groups`).

use std::collections::{BTreeMap, BTreeSet};

use super::resolve::Desired;
use super::sources::{Through, Turn, through, unprovisioned};
use super::why::GroupRef;
use crate::model::{AssignedBy, Assignment, AssignmentError, GroupId, Licensed};
use crate::observe::effect::is_in_error;
use crate::observe::observed::{Group, Members as Listed, Observed, User};

/// What becomes of the members of a group. Whoever was read is in one of `off`, `on`, `stays_on` and
/// `stays_off`, or in error and not on; whoever is in error and in force all the same is also in `off`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// How many members that are users the group has; none where the list was not read.
    pub total: Option<u64>,
    /// How many go off, by a toggle.
    pub off: u64,
    /// How many of those have no entry under `users`, of their own or by a selector.
    pub undeclared: u64,
    /// Of those who go off: whoever does so only while other groups are off as well.
    pub only_together: Vec<Alike<Vec<GroupRef>>>,
    /// Who comes on, by an enable.
    pub on: Vec<String>,
    /// Who is on through something else, and stays so.
    pub stays_on: Vec<Alike<Vec<Through>>>,
    /// Whose assignment from this group is in error. Graph may not bring the change to them.
    pub in_error: Vec<Alike<Option<AssignmentError>>>,
    /// Who is off, without an error, and is not changed by it.
    pub stays_off: Vec<String>,
    /// How many were not looked at one by one.
    pub unread: u64,
}

/// Members of whom the same is to be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alike<T> {
    /// What is the same.
    pub what: T,
    /// Their names, sorted.
    pub names: Vec<String>,
}

/// Sorts the members for a change of the group. `going_off` are groups that are off some time in the same run.
pub fn members(
    group: &Group,
    turn: Turn,
    observed: &Observed,
    desired: &Desired,
    going_off: &BTreeSet<GroupId>,
) -> Members {
    let (mut together, mut stays_on, mut in_error) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let mut counted = Members::default();
    let ids = group.members.ids();
    for user in ids.iter().filter_map(|id| observed.users.get(id)) {
        let name = user.upn.clone();
        let own = own_error(user, group.id, observed);
        match fate(user, group.id, turn, observed, going_off) {
            Fate::Off(others) => {
                counted.off += 1;
                counted.undeclared += u64::from(!desired.declares(user.id));
                if !others.is_empty() {
                    note(&mut together, others, &name);
                }
                if let Some(error) = own {
                    note(&mut in_error, error, &name);
                }
            }
            Fate::On => counted.on.push(name),
            Fate::StaysOn(through) => note(&mut stays_on, through, &name),
            Fate::StaysOff => match own {
                Some(error) => note(&mut in_error, error, &name),
                None => counted.stays_off.push(name),
            },
        }
    }
    counted.on.sort();
    counted.stays_off.sort();
    let is_listed = !matches!(group.members, Listed::NotRead | Listed::Unread(_));
    let unread = ids.iter().filter(|id| !observed.users.contains_key(id)).count() as u64;
    Members {
        total: is_listed.then_some(ids.len() as u64),
        only_together: alike(together),
        stays_on: alike(stays_on),
        in_error: alike(in_error),
        unread,
        ..counted
    }
}

/// What becomes of one member.
enum Fate {
    /// It goes off; with these groups that have to be off as well.
    Off(Vec<GroupRef>),
    /// It comes on.
    On,
    /// It is on through these, and stays so.
    StaysOn(Vec<Through>),
    /// It is off, and stays so.
    StaysOff,
}

/// Whoever is on through several groups that are off in the same run goes off as well, as soon as all of them
/// are: that is laid to the group judged last.
fn fate(user: &User, group: GroupId, turn: Turn, observed: &Observed, going_off: &BTreeSet<GroupId>) -> Fate {
    let giving = user.sources(&observed.catalog);
    let (own, others): (Vec<&Assignment>, Vec<&Assignment>) =
        giving.into_iter().partition(|one| one.by == AssignedBy::Group(group));
    let goes_off = |one: &&&Assignment| matches!(one.by, AssignedBy::Group(id) if going_off.contains(&id));
    // What the tenant has not provisioned is of no use to anybody, so it keeps nobody on.
    let is_of_use = |one: &&&Assignment| unprovisioned(one.sku, &observed.catalog).is_none();
    let is_left = others.iter().any(|one| !goes_off(&one) && is_of_use(&one));
    match turn {
        Turn::Off if own.is_empty() && others.is_empty() => Fate::StaysOff,
        Turn::Off if !own.is_empty() && !is_left => {
            Fate::Off(others.iter().filter_map(|one| through(one, observed).group).collect())
        }
        Turn::On if own.is_empty() && others.is_empty() => match own_error(user, group, observed) {
            None if can_give(group, observed) => Fate::On,
            Some(_) | None => Fate::StaysOff,
        },
        Turn::Off | Turn::On => {
            // A group that is off may still be on for members whom Graph has not come to.
            let stays = others.iter().chain(own.iter().filter(|_| turn == Turn::On));
            let mut through: Vec<Through> = stays.map(|one| through(one, observed)).collect();
            through.sort();
            Fate::StaysOn(through)
        }
    }
}

/// Whether the tenant may use a license of that group, and has the service plan ready in it.
fn can_give(group: GroupId, observed: &Observed) -> bool {
    let ready = |license: &Licensed| unprovisioned(license.sku, &observed.catalog).is_none();
    observed.groups.get(&group).is_some_and(|group| group.usable(&observed.catalog).any(ready))
}

/// What is wrong with the user's assignment from that group, where something is; Graph may not say what.
pub(super) fn own_error(user: &User, group: GroupId, observed: &Observed) -> Option<Option<AssignmentError>> {
    let own = user.relevant(&observed.catalog).filter(|one| one.by == AssignedBy::Group(group));
    let broken: Vec<&Assignment> = own.filter(|one| is_in_error(one)).collect();
    let named = broken.iter().find(|one| one.error.is_some());
    named.or(broken.first()).map(|one| one.error.clone())
}

fn note<T: Ord>(sorted: &mut BTreeMap<T, Vec<String>>, what: T, name: &str) {
    sorted.entry(what).or_default().push(name.to_owned());
}

fn alike<T>(sorted: BTreeMap<T, Vec<String>>) -> Vec<Alike<T>> {
    let one = |(what, mut names): (T, Vec<String>)| {
        names.sort();
        Alike { what, names }
    };
    sorted.into_iter().map(one).collect()
}
