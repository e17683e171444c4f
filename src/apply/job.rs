//! What is to be done to one subject: a change of the plan, as the machine needs it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{ServicePlanId, SignedDuration, SkuId, Subject, SubjectKind, Timestamp};
use crate::plan::change::{Action, Change, Expectation};
use crate::plan::digest;
use crate::plan::estimate::planned_minutes;
use crate::plan::resolve::Protected;
use crate::plan::running::InFlight;

/// One change, ready to be carried out.
#[derive(Clone, Debug, Hash)]
pub struct Job {
    /// What is done.
    pub action: Action,
    /// To whom.
    pub subject: Subject,
    /// The licenses that are written.
    pub skus: BTreeSet<SkuId>,
    /// Their lists when the plan was made.
    pub planned: BTreeMap<SkuId, BTreeSet<ServicePlanId>>,
    /// What must still be so when it starts.
    pub expect: BTreeSet<Expectation>,
    /// Between off and on.
    pub wait: SignedDuration,
    /// How long the gate of a group may hold the on back.
    pub gate: SignedDuration,
    /// How many people go off.
    pub people: u64,
    /// How many the plan says.
    pub planned_people: u64,
    /// People times minutes that it was planned to turn off, from its off on.
    pub planned_minutes: u64,
    /// Why.
    pub reason: String,
    /// The date that asked for a toggle.
    pub asked: Option<Timestamp>,
    /// Who must not go off with a group.
    pub protected: Arc<Protected>,
    /// The unfinished toggle that is ended.
    pub resumes: Option<InFlight>,
    /// Digest of the change, by which a later run knows what of its plan was begun.
    pub change: Option<String>,
}

impl Job {
    /// The job of a change.
    pub fn new(change: &Change, protected: &Arc<Protected>) -> Self {
        Job {
            action: change.action,
            subject: change.subject.clone(),
            skus: change.edits.iter().map(|edit| edit.sku).collect(),
            planned: change.edits.iter().map(|edit| (edit.sku, edit.before.clone())).collect(),
            expect: change.expect.clone(),
            wait: change.wait,
            gate: change.gate,
            people: people(change).max(change.people_now.unwrap_or(0)),
            planned_people: people(change),
            planned_minutes: planned_minutes(change),
            reason: change.reason.clone(),
            asked: change.asked,
            protected: Arc::clone(protected),
            resumes: change.resumes.clone(),
            change: digest::of_change(change),
        }
    }

    /// Whether it is about a group.
    pub fn is_group(&self) -> bool {
        self.subject.id.kind() == SubjectKind::Group
    }
}

fn people(change: &Change) -> u64 {
    match (&change.resumes, change.action) {
        (Some(own), _) => own.people,
        (None, Action::Toggle) => change.people.len() as u64,
        (None, Action::Enable | Action::Resume) => 0,
    }
}
