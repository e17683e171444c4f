//! The model: a tenant, a journal, up to two processes with real machines in them, and the clock. What may
//! happen next is in `actions`, what comes of it in `doing`.

use advaudit::model::{Catalog, Subject, Timestamp};

use super::doing::Doing;
use super::fingerprint::fingerprint;
use super::journal::Journal;
use super::planner::Planner;
use super::process::{Kind, Process, Task};
use super::promises;
use super::scope::{Budget, Role, Rule, Scope};
use super::search::Model;
use super::tenant::{self, Account, Edit, Look};

/// One moment of the world.
#[derive(Clone, Debug, Hash)]
pub struct State {
    /// The tenant's time.
    pub now: Timestamp,
    pub accounts: Vec<Account>,
    pub journal: Journal,
    /// The process that holds the lease.
    pub holder: Option<Process>,
    /// One that held it before and still turns on whom it turned off.
    pub old: Option<Process>,
    /// What may still go wrong.
    pub left: Budget,
    /// Whether a process has crashed.
    pub crashed: bool,
    /// Whether there was a run: the first one's clock is behind.
    pub ran: bool,
}

/// Which of the two processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Holder,
    Old,
}

/// How long after the run before it a run starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    Nothing,
    Minutes,
    Hours,
}

/// What becomes of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Done,
    /// A group's, and Graph takes longer than the gate to process it.
    DoneSlowly,
    LostUndone,
    LostDone,
    Busy,
    Refused,
}

/// One thing that may happen. The number is the subject's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Start(Kind, After),
    /// A machine is started.
    Begin(Who, u8),
    /// The next record of a machine is made durable, and what follows it is done.
    Record(Who),
    Send(Who, u8, Answer),
    Look(Who, u8, Look),
    Wake(Who, u8),
    /// Nothing is left to do now: on to when there is.
    Pass,
    /// What is to be done now is done half a minute later.
    Stall,
    Crash(Who),
    LoseLease,
    Edit(u8, Edit),
}

/// A scope, ready to be searched.
pub struct World {
    pub scope: Scope,
    pub catalog: Catalog,
    pub subjects: Vec<Subject>,
}

impl World {
    pub fn new(scope: Scope) -> Self {
        let subject = |(number, role): (usize, &Role)| tenant::subject(number, *role == Role::GroupToggle);
        let subjects = scope.roles.iter().enumerate().map(subject).collect();
        World { scope, catalog: tenant::catalog(), subjects }
    }

    pub fn planner<'a>(&'a self, journal: &'a Journal, kind: Kind, now: Timestamp) -> Planner<'a> {
        Planner { journal, catalog: &self.catalog, kind, now, has_dates: self.scope.has_dates }
    }

    /// Whether such a run would do anything.
    fn has_work(&self, state: &State, kind: Kind) -> bool {
        let planner = self.planner(&state.journal, kind, state.now);
        let all = self.subjects.iter().zip(&self.scope.roles).zip(&state.accounts);
        all.into_iter().any(|((who, role), account)| planner.has_work(who, *role, account))
    }

    fn starts(&self, state: &State, found: &mut Vec<Action>) {
        if state.holder.is_some() || !self.has_work(state, Kind::Apply) {
            return;
        }
        if self.scope.rule == Rule::NobodyComesBack && state.crashed {
            return;
        }
        let heals = state.ran && self.has_work(state, Kind::Heal);
        for kind in [Kind::Apply, Kind::Heal].into_iter().filter(|kind| *kind == Kind::Apply || heals) {
            found.push(Action::Start(kind, After::Nothing));
            if state.ran && state.old.is_none() {
                found.extend([After::Minutes, After::Hours].map(|after| Action::Start(kind, after)));
            }
        }
    }

    /// What goes wrong without regard to what is being done.
    fn mishaps(state: &State, found: &mut Vec<Action>) {
        let left = state.left;
        if left.has(left.crashes) {
            found.extend(state.processes().map(|(who, _)| Action::Crash(who)));
        }
        if left.has(left.leases) && state.holder.is_some() && state.old.is_none() {
            found.push(Action::LoseLease);
        }
        // While records are written, a look or a change of the tenant comes to the same before or after.
        if state.is_recording() {
            return;
        }
        for (number, account) in (0..).zip(&state.accounts) {
            let may = |edit: &Edit| *edit == Edit::Restore || left.has(left.edits);
            found.extend(account.edits().into_iter().filter(may).map(|edit| Action::Edit(number, edit)));
        }
    }

    fn work(state: &State, who: Who, process: &Process, found: &mut Vec<Action>) {
        if !process.queue.is_empty() {
            return found.push(Action::Record(who));
        }
        let now = process.now(state.now);
        for (number, task) in (0..).zip(&process.tasks) {
            let Some(task) = task else { continue };
            if !task.has_begun {
                found.push(Action::Begin(who, number));
                continue;
            }
            if task.wake.is_some_and(|at| at <= now) {
                found.push(Action::Wake(who, number));
            }
            let account = &state.accounts[usize::from(number)];
            if task.write.is_some() {
                found.extend(
                    answers(state.left, now, task, account).map(|answer| Action::Send(who, number, answer)),
                );
            }
            if task.read.is_some_and(|(at, _)| at <= now) {
                found.extend(looks(state.left, account).map(|look| Action::Look(who, number, look)));
            }
        }
    }
}

fn answers(left: Budget, now: Timestamp, task: &Task, account: &Account) -> impl Iterator<Item = Answer> {
    let (lost, refused) = (left.has(left.losses), left.has(left.refusals));
    let too_late = task.write.as_ref().is_some_and(|write| write.is_too_old(now));
    // Nothing leaves, or nobody is there: it comes to the same whatever is answered.
    let is_plain = too_late || !account.now.exists;
    let slow = account.is_group() && left.has(left.slow);
    let all = [
        (Answer::Done, true),
        (Answer::DoneSlowly, !is_plain && slow),
        (Answer::LostUndone, !is_plain && lost),
        (Answer::LostDone, !is_plain && lost),
        (Answer::Busy, !is_plain && refused),
        (Answer::Refused, !is_plain && refused),
    ];
    all.into_iter().filter(|(_, may)| *may).map(|(answer, _)| answer)
}

fn looks(left: Budget, account: &Account) -> impl Iterator<Item = Look> {
    let stale = if left.has(left.stale) { account.stale() } else { Vec::new() };
    let failed = left.has(left.refusals).then_some(Look::Failed);
    [Look::Fresh].into_iter().chain(stale).chain(failed)
}

impl State {
    /// Both processes.
    pub fn processes(&self) -> impl Iterator<Item = (Who, &Process)> {
        let one = |who, process: &'_ Option<Process>| process.is_some().then_some(who);
        let there = [one(Who::Holder, &self.holder), one(Who::Old, &self.old)].into_iter().flatten();
        there.filter_map(|who| Some((who, self.process(who)?)))
    }

    /// One of them.
    pub fn process(&self, who: Who) -> Option<&Process> {
        match who {
            Who::Holder => self.holder.as_ref(),
            Who::Old => self.old.as_ref(),
        }
    }

    fn is_recording(&self) -> bool {
        self.processes().any(|(_, process)| !process.queue.is_empty())
    }

    /// When the next thing is due, in the tenant or in a process.
    pub fn next(&self) -> Option<Timestamp> {
        let tenant = self.accounts.iter().filter_map(Account::next);
        tenant.chain(self.processes().filter_map(|(_, process)| process.next())).min()
    }
}

impl Model for World {
    type State = State;
    type Action = Action;

    fn start(&self) -> State {
        let account = |role: &Role| Account::new(*role == Role::Enable, *role == Role::GroupToggle);
        State {
            now: "2026-11-20T12:00:00Z".parse().expect("a time"),
            accounts: self.scope.roles.iter().map(account).collect(),
            journal: Journal::new(),
            holder: None,
            old: None,
            left: self.scope.budget,
            crashed: false,
            ran: false,
        }
    }

    fn actions(&self, state: &State) -> Vec<Action> {
        let mut found = Vec::new();
        // A process that holds the lease writes its records down without anything in between.
        if let Some(holder) = state.holder.as_ref().filter(|holder| !holder.queue.is_empty()) {
            Self::work(state, Who::Holder, holder, &mut found);
        } else {
            state.processes().for_each(|(who, process)| Self::work(state, who, process, &mut found));
            let is_idle = found.is_empty();
            if is_idle && state.next().is_some() {
                found.push(Action::Pass);
            }
            if !is_idle && state.left.has(state.left.stalls) && !state.is_recording() {
                found.push(Action::Stall);
            }
            self.starts(state, &mut found);
        }
        Self::mishaps(state, &mut found);
        found
    }

    fn next(&self, state: &State, action: Action) -> Result<State, String> {
        let state = Doing { world: self, state: state.clone() }.act(action)?;
        let accounts: Vec<_> = self.subjects.iter().map(|who| who.id).zip(&state.accounts).collect();
        promises::of_state(&accounts, &state.journal, self.scope.rule)?;
        Ok(state)
    }

    fn fingerprint(&self, state: &State) -> u128 {
        fingerprint(state, state.now)
    }

    fn is_calm(&self, action: Action) -> bool {
        match action {
            Action::Start(kind, after) => kind == Kind::Apply && after == After::Nothing,
            Action::Send(_, _, answer) => answer == Answer::Done,
            Action::Look(_, _, look) => look == Look::Fresh,
            Action::Begin(..) | Action::Record(_) | Action::Wake(..) | Action::Pass => true,
            Action::Stall | Action::Crash(_) | Action::LoseLease | Action::Edit(..) => false,
        }
    }

    fn is_good_end(&self, state: &State) -> bool {
        state.processes().next().is_none()
            && !self.has_work(state, Kind::Apply)
            && state.accounts.iter().all(|account| !account.is_off())
    }
}
