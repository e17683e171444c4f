//! A group, what it carries and whom it reaches.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use super::file::OtherMember;
use super::population::{Crowd, Person};
use super::words::Unreadable;
use crate::model::{GroupId, ServicePlanId, SkuId, UserId};

/// A group.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// `id`.
    pub id: GroupId,
    /// `displayName`; not unique.
    pub name: String,
    /// `description`.
    pub description: Option<String>,
    /// `assignedLicenses`: each license and what it turns off.
    pub licenses: BTreeMap<SkuId, BTreeSet<ServicePlanId>>,
    /// `licenseProcessingState.state`; none for a group that never had licenses.
    pub processing: Option<Processing>,
    /// Direct members. Only the users among them get licenses (GRAPH 5.4).
    pub members: Arc<Vec<Member>>,
    /// Those members who are described and not listed.
    pub crowd: Option<Crowd>,
    /// Those of the crowd who are no members any more.
    pub left: Arc<BTreeSet<UserId>>,
    /// How often its licenses were changed.
    pub changes: u64,
    /// Whether members ever came or left.
    pub has_moved: bool,
    /// Whether it was deleted.
    pub deleted: bool,
    /// Writes are refused.
    pub restricted: bool,
    /// Reads are refused.
    pub unreadable: Option<Unreadable>,
}

/// A direct member.
#[derive(Clone, Debug, PartialEq)]
pub enum Member {
    /// A user.
    User(UserId),
    /// A group; its members get nothing from this one.
    Group(GroupId),
    /// Anything else.
    Other(Uuid, OtherMember),
}

/// `licenseProcessingState.state` (GRAPH 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Processing {
    /// The change waits.
    Queued,
    /// Members are being changed.
    InProgress,
    /// All members are changed.
    Complete,
    /// All members were tried; some are in error.
    Failed,
}

impl Processing {
    /// The word as Graph writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Processing::Queued => "QueuedForProcessing",
            Processing::InProgress => "ProcessingInProgress",
            Processing::Complete => "ProcessingComplete",
            Processing::Failed => "ProcessingFailed",
        }
    }
}

impl Group {
    /// The users among the direct members.
    pub fn users(&self) -> impl Iterator<Item = UserId> + '_ {
        self.listed().chain(self.people_from(0).map(Person::id))
    }

    /// Those of them who are listed.
    pub fn listed(&self) -> impl Iterator<Item = UserId> + '_ {
        self.members.iter().filter_map(|member| match member {
            Member::User(id) => Some(*id),
            Member::Group(_) | Member::Other(..) => None,
        })
    }

    /// The members who are described, from that number on.
    pub fn people_from(&self, number: u64) -> impl Iterator<Item = Person<'_>> {
        let people = self.crowd.iter().flat_map(move |crowd| crowd.people_from(number));
        people.filter(|person| self.left.is_empty() || !self.left.contains(&person.id()))
    }

    /// Whether that user is among the direct members. Does not go through those who are described.
    pub fn has_user(&self, id: UserId) -> bool {
        let listed = self.members.contains(&Member::User(id));
        listed || !self.left.contains(&id) && self.has_in_crowd(id)
    }

    fn has_in_crowd(&self, id: UserId) -> bool {
        self.crowd.as_ref().is_some_and(|crowd| crowd.has(id))
    }

    /// The user becomes a member.
    pub fn add(&mut self, id: UserId) {
        if self.has_in_crowd(id) {
            Arc::make_mut(&mut self.left).remove(&id);
        } else {
            Arc::make_mut(&mut self.members).push(Member::User(id));
        }
        self.has_moved = true;
    }

    /// The user is no member any more.
    pub fn remove(&mut self, id: UserId) {
        if self.has_in_crowd(id) {
            Arc::make_mut(&mut self.left).insert(id);
        } else {
            Arc::make_mut(&mut self.members).retain(|one| *one != Member::User(id));
        }
        self.has_moved = true;
    }
}
