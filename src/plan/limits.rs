//! Blast radius: how much one run may start, and how much this plan would.

use super::change::{Action, Change};
use crate::manifest::declared::{Limits, Toggle};
use crate::model::{Amount, SubjectKind};

/// A share of few people would forbid everything, so it is never below this for what a run starts.
const SHARE_FLOOR: u64 = 20;

/// The same for how many may be off at once.
const MAX_OFF_FLOOR: u64 = 10;

/// What is limited, by its name under `limits:`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// How many people one run may enable.
    Enable,
    /// How many people one run may turn off for a toggle.
    Toggle,
    /// How many members a group may have that is toggled.
    GroupMembers,
}

impl Limit {
    /// All of them.
    pub const ALL: [Limit; 3] = [Limit::Enable, Limit::Toggle, Limit::GroupMembers];

    /// The name in manifest, flags and documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Limit::Enable => "enable",
            Limit::Toggle => "toggle",
            Limit::GroupMembers => "groupMembers",
        }
    }

    /// The limit with that name.
    pub fn named(name: &str) -> Option<Self> {
        Limit::ALL.into_iter().find(|limit| limit.as_str() == name)
    }

    /// Puts another amount in its place; a share of a group's members means nothing.
    pub fn set(self, limits: &mut Limits, amount: Amount) {
        match (self, amount) {
            (Limit::Enable, _) => limits.enable = amount,
            (Limit::Toggle, _) => limits.toggle = amount,
            (Limit::GroupMembers, Amount::Count(count)) => limits.group_members = count,
            (Limit::GroupMembers, Amount::Share(_)) => {}
        }
    }
}

/// A limit that was overridden for one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Which.
    pub limit: Limit,
    /// Why.
    pub reason: String,
}

/// One limit beside what the plan would start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitCheck {
    /// Which.
    pub limit: Limit,
    /// How many people it allows.
    pub most: u64,
    /// How it is written, and of how many declared people it is a share.
    pub written: String,
    /// How many people this plan would start with; of the largest group that it toggles, how many go off.
    pub actual: u64,
    /// Why the manifest's own limit was overridden, if it was.
    pub allowed: Option<String>,
}

impl LimitCheck {
    /// Whether the run must not start anything new.
    pub fn exceeded(&self) -> bool {
        self.actual > self.most
    }
}

/// What a plan would start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Started<'a> {
    /// How many people are declared, members included.
    pub people: u64,
    /// How many are enabled, themselves or with their group.
    pub turned_on: u64,
    /// What is done.
    pub changes: &'a [Change],
}

/// Holds what a plan starts against the limits. Groups over their limit are blocked, and not in the plan.
pub(super) fn check(limits: &Limits, allowed: &[Allowance], started: Started<'_>) -> Vec<LimitCheck> {
    let one = |limit: Limit, amount: Amount, actual| LimitCheck {
        limit,
        most: amount.of(started.people, SHARE_FLOOR),
        written: amount.to_string(),
        actual,
        allowed: allowed.iter().find(|one| one.limit == limit).map(|one| one.reason.clone()),
    };
    let toggles = || started.changes.iter().filter(|change| change.action == Action::Toggle);
    let people = |change: &Change| change.people.len() as u64;
    let groups = toggles().filter(|change| change.subject.id.kind() == SubjectKind::Group);
    vec![
        one(Limit::Enable, limits.enable, started.turned_on),
        one(Limit::Toggle, limits.toggle, toggles().map(people).sum()),
        one(Limit::GroupMembers, Amount::Count(limits.group_members), groups.map(people).max().unwrap_or(0)),
    ]
}

/// How many people may be off at the same time.
pub(super) fn max_off(toggle: &Toggle, people: u64) -> u64 {
    toggle.max_off.of(people, MAX_OFF_FLOOR)
}
