//! What a run of the model sets out to do: the real `resume` of what is in flight, and, in the planner's
//! place, the rows of DESIGN 5 that the model can come to.

use std::collections::BTreeSet;
use std::sync::Arc;

use advaudit::apply::job::Job;
use advaudit::apply::live::Live;
use advaudit::model::{Catalog, SERVICE_PLAN, SignedDuration, Subject, SubjectKind, Timestamp};
use advaudit::plan::change::{Action, Change, Person};
use advaudit::plan::edit::Edit;
use advaudit::plan::resume;
use advaudit::plan::running::{InFlight, Phase};

use super::journal::Journal;
use super::process::Kind;
use super::scope::Role;
use super::tenant::{Account, Look};

/// Between off and on of a user, as by default.
const WAIT: SignedDuration = SignedDuration::from_mins(60);
/// How long the gate of a group may hold the on back: shorter than by default, so that it runs out.
const GATE: SignedDuration = SignedDuration::from_secs(180);

/// What decides what a run does.
pub struct Planner<'a> {
    pub journal: &'a Journal,
    pub catalog: &'a Catalog,
    pub kind: Kind,
    /// The run's idea of the time.
    pub now: Timestamp,
    pub has_dates: bool,
}

impl Planner<'_> {
    /// What it does about one subject.
    pub fn job(&self, who: &Subject, role: Role, account: &Account) -> Option<Job> {
        let change = match self.journal.own(who.id) {
            Some(own) => self.is_to_finish(own, account).then(|| resume(own, self.now)),
            None if self.kind == Kind::Heal => None,
            None => self.change(who, role, account),
        };
        change.map(|change| Job::new(&change, &Arc::default()))
    }

    /// Whoever was deleted is looked for when the on is due, and by an `apply` also once it is read again.
    fn is_to_finish(&self, own: &InFlight, account: &Account) -> bool {
        let is_back = self.kind == Kind::Apply && account.now.exists;
        own.due() <= self.now || own.counts_as_off() || is_back
    }

    /// Whether a run would do something about it, and not only look for who is deleted.
    pub fn has_work(&self, who: &Subject, role: Role, account: &Account) -> bool {
        let is_gone = |own: &InFlight| matches!(own.phase, Phase::Gone { .. });
        let waits = self.journal.own(who.id).is_some_and(is_gone) && !account.now.exists;
        !waits && self.job(who, role, account).is_some()
    }

    /// A subject that is not in flight.
    fn change(&self, who: &Subject, role: Role, account: &Account) -> Option<Change> {
        let stood = account.now;
        if !stood.exists || !stood.assigned {
            return None;
        }
        let live = account.live(who, Look::Fresh, false)?;
        let date_is_new = self.has_dates && account.is_renewed;
        match (role, stood.off) {
            (Role::Enable, true) => Some(new(who, &live, Action::Enable, self.catalog)),
            (Role::Enable, false) => None,
            (Role::Toggle | Role::GroupToggle, true) => Some(self.found_off(who, &live, account)),
            (Role::Toggle | Role::GroupToggle, false) => {
                let is_due = !stood.by_group && !date_is_new && !self.journal.has_renewed(who.id);
                is_due.then(|| new(who, &live, Action::Toggle, self.catalog))
            }
        }
    }

    /// Off without a record, and a toggle is asked for (DESIGN 9).
    fn found_off(&self, who: &Subject, live: &Live, account: &Account) -> Change {
        let change = new(who, live, Action::Resume, self.catalog);
        let off_at = if account.is_group() { self.now } else { account.now.updated };
        let phase = match who.id.kind() {
            SubjectKind::User => Phase::Waiting { off_at, due: off_at.saturating_add(WAIT).expect("a time") },
            SubjectKind::Group => Phase::Off { at: off_at },
        };
        let own = InFlight {
            subject: who.clone(),
            edits: change.edits.clone(),
            phase,
            wait: change.wait,
            gate: change.gate,
            members: Vec::new(),
            people: 1,
            reason: String::new(),
            asked: None,
            verified: who.id.kind() == SubjectKind::User,
            on_lost: false,
            recorded: false,
        };
        Change { expect: change.expect, ..resume(&own, self.now) }
    }
}

/// A change that begins.
fn new(who: &Subject, live: &Live, action: Action, catalog: &Catalog) -> Change {
    let expect = live.expectation(catalog);
    let skus: BTreeSet<_> = expect.iter().map(|one| one.sku).collect();
    let edits = live.lists(&skus).into_iter().map(|one| {
        let mut after = one.disabled.clone();
        after.remove(&SERVICE_PLAN);
        Edit { sku: one.sku, before: one.disabled, after }
    });
    let (wait, gate) = match (action, who.id.kind()) {
        (Action::Enable, _) => (SignedDuration::ZERO, SignedDuration::ZERO),
        (_, SubjectKind::User) => (WAIT, SignedDuration::ZERO),
        (_, SubjectKind::Group) => (SignedDuration::ZERO, GATE),
    };
    let people = if action == Action::Toggle { who.id.user() } else { None };
    Change {
        action,
        subject: who.clone(),
        edits: edits.collect(),
        steps: Vec::new(),
        people: people.map(|id| Person { id, name: String::new() }).into_iter().collect(),
        members: None,
        people_now: None,
        reason: String::new(),
        expect,
        wait,
        gate,
        asked: None,
        cause: None,
        resumes: None,
    }
}
