//! One change: what is done to one subject, step by step, and what must be so when it starts.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::edit::Edit;
use super::members::Members;
use super::running::InFlight;
use crate::model::{AssignedBy, AssignmentState, SignedDuration, SkuId, Subject, Timestamp, UserId};

/// What is done to a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
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

/// What made a change necessary, as far as the journal tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// No earlier run has settled what the manifest declares: there is nothing to compare with.
    FirstRun,
    /// The manifest asks for something that it did not ask for when it was last carried out.
    ManifestChanged,
    /// Somebody else changed the tenant since.
    TenantChanged,
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
    /// Of a group that is toggled or enabled: what becomes of each member.
    pub members: Option<Members>,
    /// How many go off by a later look, where the plan was made long before.
    pub people_now: Option<u64>,
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
    /// What made it necessary; none for what an earlier run began.
    pub cause: Option<Cause>,
    /// The unfinished toggle that is resumed; without a record of ours, one made up from dates.
    pub resumes: Option<InFlight>,
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

impl Step {
    /// The word of the step in every document, and how long it takes at most.
    pub fn parts(&self) -> (&'static str, SignedDuration) {
        match self {
            Step::Off => ("off", SignedDuration::ZERO),
            Step::VerifyOff(gate) => ("verify_off", *gate),
            Step::Wait(wait) => ("wait", *wait),
            Step::On => ("on", SignedDuration::ZERO),
            Step::VerifyOn => ("verify_on", SignedDuration::ZERO),
        }
    }
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
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
