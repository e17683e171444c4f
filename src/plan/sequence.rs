//! A decision → the steps that carry it out, each with what it expects to find.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Action, Cause, Change, Expectation, Person, Step};
use super::edit::Edit;
use super::members::Members;
use super::resolve::Want;
use super::running::{InFlight, Phase};
use crate::manifest::declared::Toggle;
use crate::model::{
    AssignedBy, AssignmentState, Catalog, SERVICE_PLAN, ServicePlanId, SignedDuration, SkuId, Subject,
    SubjectKind, Timestamp,
};
use crate::observe::observed::{Group, User};

/// A declared subject as it was found: all that a change of it is made from.
pub(super) struct Found<'a> {
    pub subject: Subject,
    pub want: &'a Want,
    /// The disabled service plans of each license that the subject itself carries.
    pub lists: BTreeMap<SkuId, &'a BTreeSet<ServicePlanId>>,
    /// What the change rests on.
    pub expect: BTreeSet<Expectation>,
    /// Who goes off with it.
    pub people: Vec<Person>,
    /// How many people are off now, or may be.
    pub off: u64,
    /// What becomes of each member of a group.
    pub members: Option<Members>,
}

impl Found<'_> {
    /// Off to on.
    pub fn enable(self, licenses: &[SkuId], cause: Cause) -> Change {
        Change {
            action: Action::Enable,
            edits: self.edits(licenses),
            steps: vec![Step::On, Step::VerifyOn],
            people: Vec::new(),
            members: self.members,
            people_now: None,
            reason: reason(self.want, "the service plan is off"),
            wait: SignedDuration::ZERO,
            gate: SignedDuration::ZERO,
            asked: self.want.asked,
            cause: Some(cause),
            resumes: None,
            subject: self.subject,
            expect: self.expect,
        }
    }

    /// Off, verified off, wait, on, verified on.
    pub fn toggle(self, licenses: &[SkuId], rule: &Toggle, cause: Cause) -> Change {
        let (wait, gate) = times(self.subject.id.kind(), rule);
        let since = self.want.asked.map_or_else(String::new, |asked| format!("not turned on since {asked}"));
        Change {
            action: Action::Toggle,
            edits: self.edits(licenses),
            steps: vec![Step::Off, Step::VerifyOff(gate), Step::Wait(wait), Step::On, Step::VerifyOn],
            people: self.people,
            members: self.members,
            people_now: None,
            reason: reason(self.want, &since),
            wait,
            gate,
            asked: self.want.asked,
            cause: Some(cause),
            resumes: None,
            subject: self.subject,
            expect: self.expect,
        }
    }

    /// On when due, for a subject that is off without a record of ours.
    pub fn resume(
        self,
        licenses: &[SkuId],
        off_since: Option<Timestamp>,
        rule: &Toggle,
        now: Timestamp,
    ) -> Change {
        let own = self.unrecorded(licenses, off_since, rule, now);
        Change { expect: self.expect, ..resume(&own, now) }
    }

    /// An unfinished toggle made up from the tenant's own dates, when our journal has none: due at the
    /// newest change of its assignments plus the wait (DESIGN 9, "without a record").
    fn unrecorded(
        &self,
        licenses: &[SkuId],
        off_since: Option<Timestamp>,
        rule: &Toggle,
        now: Timestamp,
    ) -> InFlight {
        let kind = self.subject.id.kind();
        let (wait, gate) = times(kind, rule);
        let off_at = off_since.map_or(now, end_of);
        let phase = match (kind, off_since) {
            (SubjectKind::User, Some(_)) => {
                Phase::Waiting { off_at, due: off_at.saturating_add(wait).unwrap_or(Timestamp::MAX) }
            }
            (SubjectKind::User, None) => Phase::Waiting { off_at, due: now },
            (SubjectKind::Group, _) => Phase::Off { at: off_at },
        };
        InFlight {
            subject: self.subject.clone(),
            edits: self.edits(licenses),
            phase,
            wait,
            gate,
            members: Vec::new(),
            people: self.off,
            reason: reason(self.want, "off without a record of ours, and a toggle is asked for"),
            asked: self.want.asked,
            verified: kind == SubjectKind::User,
            on_lost: false,
            recorded: false,
        }
    }

    /// Every license with its list now and at the end, which differ in the service plan or not at all.
    fn edits(&self, licenses: &[SkuId]) -> Vec<Edit> {
        let one = |sku: &SkuId| {
            let before = (*self.lists.get(sku)?).clone();
            let mut after = before.clone();
            after.remove(&SERVICE_PLAN);
            Some(Edit { sku: *sku, before, after })
        };
        licenses.iter().filter_map(one).collect()
    }
}

/// On when due.
pub fn resume(own: &InFlight, now: Timestamp) -> Change {
    let left = |until: Timestamp| until.duration_since(now).max(SignedDuration::ZERO);
    let before_on = match own.phase {
        Phase::Off { at } if own.subject.id.group().is_some() => {
            let gate = at.saturating_add(own.gate).unwrap_or(Timestamp::MAX);
            vec![Step::VerifyOff(left(gate)), Step::Wait(own.wait)]
        }
        _ => vec![Step::Wait(left(own.due()))],
    };
    Change {
        action: Action::Resume,
        subject: own.subject.clone(),
        edits: own.edits.iter().map(resumed).collect(),
        steps: [before_on, vec![Step::On, Step::VerifyOn]].concat(),
        people: Vec::new(),
        members: None,
        people_now: None,
        reason: own.reason.clone(),
        expect: BTreeSet::new(),
        wait: own.wait,
        gate: own.gate,
        asked: own.asked,
        cause: None,
        resumes: Some(own.clone()),
    }
}

/// What a resume does to a list: from off to what it was before the toggle.
fn resumed(edit: &Edit) -> Edit {
    let mut after = edit.before.clone();
    after.remove(&SERVICE_PLAN);
    Edit { sku: edit.sku, before: edit.off(), after }
}

/// The latest moment that a date of Graph's can mean: most are cut to whole seconds, and a wait that
/// begins too early ends too early.
fn end_of(date: Timestamp) -> Timestamp {
    const SECOND: SignedDuration = SignedDuration::from_secs(1);
    if date.subsec_nanosecond() == 0 { date.saturating_add(SECOND).unwrap_or(date) } else { date }
}

/// The wait and the gate for that kind of subject.
fn times(kind: SubjectKind, rule: &Toggle) -> (SignedDuration, SignedDuration) {
    match kind {
        SubjectKind::User => (rule.wait, SignedDuration::ZERO),
        SubjectKind::Group => (rule.group_wait, rule.group_gate),
    }
}

/// The administrator's own words; ours where there are none.
fn reason(want: &Want, because: &str) -> String {
    match &want.reason {
        Some(own) => own.clone(),
        None => because.to_owned(),
    }
}

/// What a change of a user rests on: all its assignments of licenses with the service plan.
pub fn expect_user(user: &User, catalog: &Catalog) -> BTreeSet<Expectation> {
    user.relevant(catalog)
        .map(|one| Expectation { sku: one.sku, by: one.by, state: one.state.clone(), on: one.leaves_on() })
        .collect()
}

/// What a change of a group rests on: its licenses with the service plan.
pub fn expect_group(group: &Group, catalog: &Catalog) -> BTreeSet<Expectation> {
    group
        .relevant(catalog)
        .map(|one| Expectation {
            sku: one.sku,
            by: AssignedBy::Direct,
            state: AssignmentState::Active,
            on: one.leaves_on(),
        })
        .collect()
}
