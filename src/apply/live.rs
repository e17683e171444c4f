//! One fresh look at a subject, and what it shows of the licenses that a job is about. Pure.

use std::collections::BTreeSet;

use crate::model::{AssignedBy, Assignment, Catalog, Licensed, SkuId, Timestamp, UserId};
use crate::observe::observed::{Group, User};
use crate::plan::change::Expectation;
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

    /// The members whose assignments from this group are all without error.
    pub fn sound_members(&self, skus: &BTreeSet<SkuId>) -> BTreeSet<UserId> {
        self.members_with(skus).filter(|(_, own)| is_sound(own)).map(|(user, _)| user.id).collect()
    }

    /// The members whose assignment from this group is in error, by name.
    pub fn broken_members(&self, skus: &BTreeSet<SkuId>) -> BTreeSet<(UserId, String)> {
        let broken = self.members_with(skus).filter(|(_, own)| own.iter().any(|one| one.error.is_some()));
        broken.map(|(user, _)| (user.id, user.upn.clone())).collect()
    }

    /// Whether every member in `before` who still is a member without error shows `on` in the
    /// assignments from this group; `None` when that cannot be told from this read.
    pub fn members_show(&self, skus: &BTreeSet<SkuId>, before: &BTreeSet<UserId>, on: bool) -> Option<bool> {
        let Live::Group(_, Members::Read(_)) = self else { return None };
        let mut waited_for =
            self.members_with(skus).filter(|(user, own)| before.contains(&user.id) && is_sound(own));
        Some(waited_for.all(|(_, own)| own.iter().all(|one| one.leaves_on() == on)))
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

/// Has the license from the group, and no error with it.
fn is_sound(own: &[&Assignment]) -> bool {
    !own.is_empty() && own.iter().all(|one| one.error.is_none())
}
