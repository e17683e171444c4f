//! In how many ways the people of a population hold licenses: a few hundred, however many people.
//!
//! A profile is everything about a person's licenses but their date.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::group::Group;
use super::super::license::{Owned, Shelf};
use super::super::plans::Provisioned;
use super::super::user::{self, Held};
use super::super::wire::Pieces;
use super::super::words::{AssignmentError, AssignmentState};
use crate::model::{GroupId, SERVICE_PLAN, ServicePlanId, SkuId};

/// Where somebody's licenses come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// A direct assignment.
    Direct(SkuId),
    /// A group that carries these.
    Group(GroupId, BTreeMap<SkuId, BTreeSet<ServicePlanId>>),
    /// Nowhere.
    Nothing,
}

/// A direct assignment, if there is one, and what is off in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Own {
    /// There is one.
    pub is_there: bool,
    /// The service plan is off.
    pub off: bool,
    /// Some other service plan is off.
    pub other_off: bool,
}

/// The errors that occur, with how many of twenty have which.
const ERRORS: [(u64, AssignmentError); 6] = [
    (12, AssignmentError::CountViolation),
    (3, AssignmentError::Other),
    (2, AssignmentError::DependencyViolation),
    (1, AssignmentError::MutuallyExclusiveViolation),
    (1, AssignmentError::ProhibitedInUsageLocationViolation),
    (1, AssignmentError::UniquenessViolation),
];

/// How many profiles each source has: eight kinds of own assignments, each without or with an error.
pub const PER_SOURCE: usize = 8 * (ERRORS.len() + 1);

/// The number of a profile among those of its source; `error` is none, or any number.
pub fn variant(own: Own, error: Option<u64>) -> usize {
    let own = usize::from(own.is_there) | usize::from(own.off) << 1 | usize::from(own.other_off) << 2;
    let error = error.map_or(0, |draw| {
        let mut roll = super::share::below(draw, 20);
        let kind = ERRORS.iter().position(|(weight, _)| {
            let hit = roll < *weight;
            roll = roll.saturating_sub(*weight);
            hit
        });
        kind.map_or(0, |kind| kind + 1)
    });
    own * (ERRORS.len() + 1) + error
}

/// One way of holding licenses.
#[derive(Debug)]
pub struct Profile {
    /// `licenseAssignmentStates`, without their dates.
    pub held: Vec<Held>,
    /// `assignedPlans`, without their dates.
    pub plans: Arc<Vec<Provisioned>>,
    /// The licenses in force.
    pub in_force: Vec<SkuId>,
    /// How the wire shows it.
    pub pieces: Pieces,
}

impl Profile {
    /// The profile of that number.
    pub fn new(source: &Source, variant: usize, shelf: &Shelf) -> Self {
        let (own, error) = (variant / (ERRORS.len() + 1), variant % (ERRORS.len() + 1));
        let own = Own { is_there: own & 1 != 0, off: own & 2 != 0, other_off: own & 4 != 0 };
        let error = error.checked_sub(1).map(|kind| ERRORS[kind].1);
        let held = match source {
            Source::Nothing => Vec::new(),
            Source::Direct(sku) => vec![direct(*sku, own, error, shelf)],
            Source::Group(group, carried) => {
                let first = carried.keys().next().filter(|_| own.is_there);
                let both = first.map(|sku| direct(*sku, own, None, shelf));
                both.into_iter().chain(inherited(*group, carried, error)).collect()
            }
        };
        let merged = user::merged(&held);
        let given = user::given(&held, shelf).into_iter();
        Profile {
            plans: Arc::new(given.map(|(plan, status)| Provisioned { plan, since: None, status }).collect()),
            in_force: merged.into_keys().collect(),
            pieces: Pieces::default(),
            held,
        }
    }

    /// Whether any assignment from that group is in error.
    pub fn has_error_from(&self, group: GroupId) -> bool {
        self.held.iter().any(|held| held.by == Some(group) && held.has_error())
    }
}

fn direct(sku: SkuId, own: Own, error: Option<AssignmentError>, shelf: &Shelf) -> Held {
    let mut disabled = BTreeSet::new();
    if let Some(owned) = shelf.get(sku) {
        disabled.extend(Some(SERVICE_PLAN).filter(|plan| own.off && owned.plans.contains_key(plan)));
        disabled.extend(other_plan(owned).filter(|_| own.other_off));
    }
    let state = if error.is_some() { AssignmentState::ActiveWithError } else { AssignmentState::Active };
    Held { sku, by: None, disabled, state, error, updated: None }
}

/// If one license of a group cannot be assigned, none of it is (GRAPH 3.2).
fn inherited(
    group: GroupId,
    carried: &BTreeMap<SkuId, BTreeSet<ServicePlanId>>,
    error: Option<AssignmentError>,
) -> impl Iterator<Item = Held> {
    carried.iter().enumerate().map(move |(at, (sku, off))| {
        let error = error.map(|first| if at == 0 { first } else { AssignmentError::Other });
        let state = if error.is_some() { AssignmentState::Error } else { AssignmentState::Active };
        Held { sku: *sku, by: Some(group), disabled: off.clone(), state, error, updated: None }
    })
}

/// What administrators like to turn off.
fn other_plan(owned: &Owned) -> Option<ServicePlanId> {
    let named = |start: &str| owned.plans.iter().find(|(_, plan)| plan.name.starts_with(start));
    let found = named("YAMMER").or_else(|| named("SWAY")).or_else(|| named("BPOS"));
    found.map(|(id, _)| *id)
}

impl Source {
    /// What a group gives to its members.
    pub fn of(group: &Group) -> Self {
        Source::Group(group.id, group.licenses.clone())
    }
}
