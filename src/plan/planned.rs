//! The plan as a value: what a run would do, what it leaves alone, and why.

use std::fmt;

use super::change::{Action, Change};
use super::estimate::Estimate;
use super::limits::LimitCheck;
use super::skew::Skew;
use super::why::WhyNot;
use crate::diag::{Finding, Place};
use crate::model::{Catalog, GroupId, Rollout, Subject, SubjectId, SubjectKind, Timestamp};
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
    /// How many more are; of long lists not everybody is kept.
    pub passed_by: usize,
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
    /// Who goes first, when toggles may start, and what stops them.
    pub rollout: Rollout,
    /// Who goes first and alone.
    pub canary: Vec<Subject>,
    /// When the first toggle may start; none where there is none, or none may within a year.
    pub starts_at: Option<Timestamp>,
    /// What it would cost.
    pub estimate: Estimate,
    /// How the machine's clock stands to Graph's, where both are known.
    pub skew: Option<Skew>,
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

    /// Whether new toggles may start on this machine.
    pub fn allows_toggles(&self) -> bool {
        self.skew.is_none_or(Skew::allows_toggles)
    }

    /// The changes that this machine may carry out: turning on is always among them.
    pub fn allowed(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| change.action != Action::Toggle || self.allows_toggles())
    }

    /// The changes with that action.
    pub fn with(&self, action: Action) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(move |change| change.action == action)
    }

    /// What the plan says of one subject that exists.
    pub fn says_of(&self, id: SubjectId) -> Said<'_> {
        let is_it = |named: &Named| named.kind == id.kind() && named.id == Some(id.guid());
        if let Some(change) = self.changes.iter().find(|one| one.subject.id == id) {
            return Said::Change(change);
        }
        if let Some(one) = self.blocked.iter().find(|one| is_it(&one.subject)) {
            return Said::Blocked(one);
        }
        if let Some(one) = self.unknown.iter().find(|one| is_it(&one.subject)) {
            return Said::Unknown(one);
        }
        let in_sync = self.in_sync.iter().find(|one| one.subject.id == id);
        in_sync.map_or(Said::Nothing, Said::InSync)
    }

    /// The numbers of the summary line.
    pub fn summary(&self) -> Summary {
        Summary {
            enable: self.with(Action::Enable).count(),
            toggle: self.with(Action::Toggle).count(),
            resume: self.with(Action::Resume).count(),
            in_sync: self.in_sync.len() + self.passed_by,
            blocked: self.blocked.len(),
            unknown: self.unknown.len(),
        }
    }
}

/// What a plan says of one subject.
#[derive(Clone, Copy, Debug)]
pub enum Said<'p> {
    /// Something is done to it.
    Change(&'p Change),
    /// It is as it must be, or will be through a declared group.
    InSync(&'p InSync),
    /// Something else must happen first.
    Blocked(&'p Blocked),
    /// It could not be read, or what decides about it could not.
    Unknown(&'p Unknown),
    /// It is not declared.
    Nothing,
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

impl Named {
    /// Whether this is the text of a selector, `all: licensed`: no name of a user has a space in it.
    pub fn is_selector(&self) -> bool {
        self.kind == SubjectKind::User && self.id.is_none() && self.name.contains(": ")
    }
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

/// How many changes of each kind, and how many declared subjects need none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Off to on.
    pub enable: usize,
    /// Off and on again.
    pub toggle: usize,
    /// On when due.
    pub resume: usize,
    /// As they must be.
    pub in_sync: usize,
    /// Something else must happen first.
    pub blocked: usize,
    /// Could not be read.
    pub unknown: usize,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { enable, toggle, resume, in_sync, blocked, unknown } = self;
        write!(
            f,
            "Plan: {enable} to enable, {toggle} to toggle, {resume} to resume, {in_sync} in sync, {blocked} blocked"
        )?;
        if *unknown > 0 {
            write!(f, ", {unknown} unknown")?;
        }
        write!(f, ".")
    }
}
