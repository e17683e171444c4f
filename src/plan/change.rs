//! The plan as a value: what a run would do, what it leaves alone, and why.

use std::collections::BTreeSet;

use super::limits::LimitCheck;
use super::running::InFlight;
use super::why::WhyNot;
use crate::diag::{Finding, Place};
use crate::model::{
    AssignedBy, AssignmentState, Catalog, GroupId, SERVICE_PLAN, ServicePlanId, SignedDuration, SkuId,
    Subject, SubjectKind, Timestamp, UserId,
};
use crate::observe::observed::Tenant;

/// What a run would do. Printed, saved and applied as this one value (P3).
#[derive(Clone, Debug)]
pub struct Plan {
    /// Whom it is for.
    pub tenant: Tenant,
    /// When it was made.
    pub created_at: Timestamp,
    /// The tenant's licenses, for names.
    pub catalog: Catalog,
    /// What would be done, turning on before turning off.
    pub changes: Vec<Change>,
    /// Declared subjects that are as they must be, or will be through a declared group.
    pub in_sync: Vec<InSync>,
    /// Declared subjects that need something which advaudit does not do.
    pub blocked: Vec<Blocked>,
    /// Declared subjects that could not be read.
    pub unknown: Vec<Unknown>,
    /// Things to tell.
    pub findings: Vec<Finding>,
    /// The limits, each with what this plan would start.
    pub limits: Vec<LimitCheck>,
    /// How many people may be off at the same time.
    pub max_off: u64,
    /// What it would cost.
    pub estimate: Estimate,
}

impl Plan {
    /// Whether everything that was declared could be read.
    pub fn is_complete(&self) -> bool {
        self.unknown.is_empty()
    }

    /// Whether a limit forbids to start anything new.
    pub fn exceeds_a_limit(&self) -> bool {
        self.limits.iter().any(LimitCheck::exceeded)
    }

    /// The changes with that action.
    pub fn with(&self, action: Action) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(move |change| change.action == action)
    }
}

/// What is done to a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// On, when due: it is off in an unfinished toggle.
    Resume,
    /// Off to on.
    Enable,
    /// Off, verified off, wait, on, verified on.
    Toggle,
}

impl Action {
    /// `resume`, `enable` or `toggle`.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Resume => "resume",
            Action::Enable => "enable",
            Action::Toggle => "toggle",
        }
    }
}

/// One thing to do to one subject. It leaves no choice to whoever carries it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What is done.
    pub action: Action,
    /// To whom.
    pub subject: Subject,
    /// Which of its own assignments are written, in one call.
    pub edits: Vec<Edit>,
    /// In this order.
    pub steps: Vec<Step>,
    /// Who goes off: the user, or the members of a group whom nothing else keeps on.
    pub people: Vec<Person>,
    /// Why, in a sentence.
    pub reason: String,
    /// What must still be so when it starts.
    pub expect: BTreeSet<Expectation>,
    /// Between off and on.
    pub wait: SignedDuration,
    /// How long the gate of a group may hold the on back.
    pub gate: SignedDuration,
    /// The date that asked for a toggle.
    pub asked: Option<Timestamp>,
    /// The unfinished toggle that is resumed; without a record of ours, one made up from dates.
    pub resumes: Option<InFlight>,
}

/// A license whose list is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Which license.
    pub sku: SkuId,
    /// The disabled service plans now.
    pub before: BTreeSet<ServicePlanId>,
    /// The disabled service plans at the end; the same for a toggle.
    pub after: BTreeSet<ServicePlanId>,
}

impl Edit {
    /// The list with the service plan off, as it is between the two writes of a toggle.
    pub fn off(&self) -> BTreeSet<ServicePlanId> {
        let mut off = self.before.clone();
        off.insert(SERVICE_PLAN);
        off
    }
}

/// One step of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Turn the service plan off.
    Off,
    /// Read until it shows as off; for a group at most that long (the gate).
    VerifyOff(SignedDuration),
    /// Wait that long.
    Wait(SignedDuration),
    /// Turn it on.
    On,
    /// Read until it shows as on.
    VerifyOn,
}

/// A person who goes off.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Person {
    /// Who.
    pub id: UserId,
    /// The user principal name.
    pub name: String,
}

/// One assignment of a license with the service plan, as far as a change rests on it. Other
/// service plans are left out on purpose: the write uses the fresh list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expectation {
    /// Which license.
    pub sku: SkuId,
    /// Direct, or by which group.
    pub by: AssignedBy,
    /// Whether Graph applies it.
    pub state: AssignmentState,
    /// Whether it leaves the service plan on.
    pub on: bool,
}

/// A declared subject that is as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InSync {
    /// Who.
    pub subject: Subject,
    /// The declared groups that make it so, when nothing is done to the subject itself.
    pub covered_by: Vec<GroupId>,
}

/// A declared subject, by the name the manifest gives it when nothing more is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// User or group.
    pub kind: SubjectKind,
    /// The id, when it is known.
    pub id: Option<uuid::Uuid>,
    /// What to call it.
    pub name: String,
}

impl From<&Subject> for Named {
    fn from(subject: &Subject) -> Self {
        Named { kind: subject.id.kind(), id: Some(subject.id.guid()), name: subject.name.clone() }
    }
}

/// A declared subject that needs something else first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// Who.
    pub subject: Named,
    /// Why, and what to do about it.
    pub why: WhyNot,
    /// The entry of the manifest.
    pub place: Place,
}

/// A declared subject, or a selector, that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// Who; for a selector its text.
    pub subject: Named,
    /// What went wrong.
    pub reason: String,
    /// The entry of the manifest.
    pub place: Place,
}

/// What carrying a plan out would cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    /// HTTP requests.
    pub requests: u64,
    /// Graph's resource units (GRAPH 8.2).
    pub resource_units: u64,
    /// License writes.
    pub writes: u64,
    /// From start to end.
    pub seconds: u64,
    /// People times minutes off.
    pub off_user_minutes: u64,
    /// How many times the run fills up to `maxOff`.
    pub waves: u64,
}
