//! One fresh look at a subject, and what it shows of the licenses that a job is about. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    AssignedBy, Assignment, AssignmentError, AssignmentState, Catalog, Licensed, SkuId, Timestamp, UserId,
};
use crate::observe::effect::is_in_error;
use crate::observe::observed::{Group, User};
use crate::plan::change::Expectation;
use crate::plan::sources::unprovisioned;
use crate::plan::{expect_group, expect_user};

/// What one read showed.
#[derive(Clone, Debug)]
pub enum Live {
    /// It does not exist, or no longer.
    Gone,
    /// A user.
    User(User),
    /// A group, with its members when they were asked for.
    Group(Group, Members),
}

/// The members of a group at one moment.
#[derive(Clone, Debug)]
pub enum Members {
    /// Not asked for.
    NotRead,
    /// All of them.
    Read(Vec<User>),
    /// Some or all could not be read.
    Unread(String),
}

/// How the licenses of a job stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    /// None of them is assigned any more.
    Missing,
    /// Each one that is assigned turns the service plan off.
    AllOff,
    /// Each one that is assigned leaves it on.
    AllOn,
    /// Some do, some do not.
    Mixed,
}

/// The members of a group who are waited for, and which of them show a change of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RollCall {
    /// Who was a member without error before, and still is.
    pub waited_for: BTreeSet<UserId>,
    /// Who of them shows it.
    pub shown: BTreeSet<UserId>,
}

impl Live {
    /// What a change of this subject rests on.
    pub fn expectation(&self, catalog: &Catalog) -> BTreeSet<Expectation> {
        match self {
            Live::Gone => BTreeSet::new(),
            Live::User(user) => expect_user(user, catalog),
            Live::Group(group, _) => expect_group(group, catalog),
        }
    }

    /// The subject's own assignments of those licenses, in the shape that is written.
    pub fn lists(&self, skus: &BTreeSet<SkuId>) -> Vec<Licensed> {
        match self {
            Live::Gone => Vec::new(),
            Live::User(user) => user
                .assignments
                .iter()
                .filter(|one| one.is_direct() && skus.contains(&one.sku))
                .map(|one| Licensed { sku: one.sku, disabled: one.disabled.clone() })
                .collect(),
            Live::Group(group, _) => {
                group.licenses.iter().filter(|one| skus.contains(&one.sku)).cloned().collect()
            }
        }
    }

    /// How they stand.
    pub fn stand(&self, skus: &BTreeSet<SkuId>) -> Stand {
        let lists = self.lists(skus);
        let on = lists.iter().filter(|one| one.leaves_on()).count();
        match (lists.len(), on) {
            (0, _) => Stand::Missing,
            (_, 0) => Stand::AllOff,
            (all, on) if all == on => Stand::AllOn,
            _ => Stand::Mixed,
        }
    }

    /// Whether something else than the subject's own assignments keeps a user on.
    pub fn is_on_anyway(&self, skus: &BTreeSet<SkuId>, catalog: &Catalog) -> bool {
        match self {
            Live::Gone | Live::Group(..) => false,
            Live::User(user) => {
                user.sources(catalog).iter().any(|one| !one.is_direct() || !skus.contains(&one.sku))
            }
        }
    }

    /// When the user's own assignments of those licenses last changed.
    pub fn changed(&self, skus: &BTreeSet<SkuId>) -> Option<Timestamp> {
        match self {
            Live::Gone | Live::Group(..) => None,
            Live::User(user) => user
                .assignments
                .iter()
                .filter(|one| one.is_direct() && skus.contains(&one.sku))
                .filter_map(|one| one.updated)
                .max(),
        }
    }

    /// Whether the license comes from a group now.
    pub fn is_by_group(&self, skus: &BTreeSet<SkuId>) -> bool {
        match self {
            Live::Gone | Live::Group(..) => false,
            Live::User(user) => {
                user.assignments.iter().any(|one| !one.is_direct() && skus.contains(&one.sku))
            }
        }
    }

    /// Whether Graph has no change of a group's licenses left to process.
    pub fn is_processed(&self) -> bool {
        match self {
            Live::Gone | Live::User(_) => true,
            Live::Group(group, _) => group.processing.is_finished(),
        }
    }

    /// Why the members of a group are not known by this read, if so.
    pub fn unread_members(&self) -> Option<String> {
        match self {
            Live::Gone | Live::User(_) | Live::Group(_, Members::Read(_)) => None,
            Live::Group(_, Members::NotRead) => Some("its members were not asked for".into()),
            Live::Group(_, Members::Unread(reason)) => {
                Some(format!("its members could not be read: {reason}"))
            }
        }
    }

    /// Whether this is a group whose members were not asked for.
    pub fn has_no_members_read(&self) -> bool {
        matches!(self, Live::Group(_, Members::NotRead))
    }

    /// The people whom turning those licenses off turns off. An assignment with an error may be in
    /// force, so it is taken to be: this is asked for the sake of people who must not go off.
    pub fn would_go_off<'a>(
        &'a self,
        skus: &'a BTreeSet<SkuId>,
        catalog: &'a Catalog,
    ) -> impl Iterator<Item = &'a User> {
        let (by, users) = match self {
            Live::Gone => (AssignedBy::Direct, &[][..]),
            Live::User(user) => (AssignedBy::Direct, std::slice::from_ref(user)),
            Live::Group(group, Members::Read(members)) => (AssignedBy::Group(group.id), members.as_slice()),
            Live::Group(group, Members::NotRead | Members::Unread(_)) => {
                (AssignedBy::Group(group.id), &[][..])
            }
        };
        let own = move |one: &Assignment| one.by == by && skus.contains(&one.sku);
        users.iter().filter(move |user| {
            let mut held = user.assignments.iter();
            held.any(|one| own(one) && one.leaves_on() && one.state != AssignmentState::Error)
                // What the tenant has not provisioned keeps nobody on.
                && user.sources(catalog).into_iter().all(|one| own(one) || unprovisioned(one.sku, catalog).is_some())
        })
    }

    /// The members whose assignments from this group are all without error.
    pub fn sound_members(&self, skus: &BTreeSet<SkuId>) -> BTreeSet<UserId> {
        let sound = |own: &[&Assignment]| !own.is_empty() && !is_broken(own);
        self.members_with(skus).filter(|(_, own)| sound(own)).map(|(user, _)| user.id).collect()
    }

    /// The members whose assignment from this group is in error: id, name, and what is wrong. If one license
    /// of a group cannot be assigned, none is, and the others only say `Other` (GRAPH 3.2): the true error
    /// is looked for among all that come from the group.
    pub fn broken_members(
        &self,
        skus: &BTreeSet<SkuId>,
    ) -> BTreeMap<UserId, (String, Option<AssignmentError>)> {
        let broken = self.members_with(skus).filter(|(_, own)| is_broken(own));
        let error = |user: &User, by: AssignedBy| {
            let errors =
                user.assignments.iter().filter(|one| one.by == by).filter_map(|one| one.error.clone());
            errors.min_by_key(|error| matches!(error, AssignmentError::Other(_)))
        };
        broken
            .filter_map(|(user, own)| Some((user.id, (user.upn.clone(), error(user, own.first()?.by)))))
            .collect()
    }

    /// Which members in `before` who still are members without error show `on` in the assignments from this
    /// group; none when the members were not read. One who has no such assignment at the moment does not
    /// show it yet.
    pub fn roll_call(&self, skus: &BTreeSet<SkuId>, before: &BTreeSet<UserId>, on: bool) -> Option<RollCall> {
        let Live::Group(_, Members::Read(_)) = self else { return None };
        let shows = |own: &[&Assignment]| !own.is_empty() && own.iter().all(|one| one.leaves_on() == on);
        let mut call = RollCall::default();
        for (user, own) in self.members_with(skus) {
            if before.contains(&user.id) && !is_broken(&own) {
                call.waited_for.insert(user.id);
                if shows(&own) {
                    call.shown.insert(user.id);
                }
            }
        }
        Some(call)
    }

    /// The members with their assignments of those licenses from this group.
    fn members_with<'a>(
        &'a self,
        skus: &'a BTreeSet<SkuId>,
    ) -> impl Iterator<Item = (&'a User, Vec<&'a Assignment>)> {
        let (group, members) = match self {
            Live::Group(group, Members::Read(members)) => (Some(group.id), members.as_slice()),
            Live::Gone | Live::User(_) | Live::Group(..) => (None, &[][..]),
        };
        members.iter().map(move |user| {
            let own = user.assignments.iter();
            let own = own.filter(|one| group.is_some_and(|id| one.by == AssignedBy::Group(id)));
            (user, own.filter(|one| skus.contains(&one.sku)).collect())
        })
    }
}

/// Whether Graph could not apply one of them.
fn is_broken(own: &[&Assignment]) -> bool {
    own.iter().any(|one| is_in_error(one))
}
