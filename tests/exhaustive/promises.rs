//! The promises (DESIGN 2), each asked in the moment in which it could be broken.

use advaudit::apply::live::Live;
use advaudit::apply::machine::{Command, Machine};
use advaudit::graph::Direction;
use advaudit::journal::record::Entry;
use advaudit::model::{Licensed, SERVICE_PLAN, SubjectId, Timestamp};
use advaudit::plan::change::Action;
use advaudit::plan::running::Phase;

use super::journal::Journal;
use super::process::{Kind, Process, Write};
use super::scope::Rule;
use super::tenant::Account;

/// P1, P2: what a machine asks for after an event. A write is made from the read of this very step, and
/// comes after its intent.
pub fn of_commands(seen: Option<&Live>, commands: &[Command], machine: &Machine) -> Result<(), String> {
    let writes = |command: &Command| matches!(command, Command::TurnOff(_) | Command::TurnOn(_));
    let Some(at) = commands.iter().position(writes) else { return Ok(()) };
    let (Command::TurnOff(fresh) | Command::TurnOn(fresh)) = &commands[at] else { return Ok(()) };
    let lists = seen.map(|live| live.lists(&machine.job().skus)).unwrap_or_default();
    if *fresh != lists || fresh.is_empty() {
        return Err("P1: a write is not made from the read of its own step".into());
    }
    let turns_off = matches!(commands[at], Command::TurnOff(_));
    if turns_off && machine.job().action != Action::Toggle {
        return Err("P4: what only turns on turns off".into());
    }
    let is_intent = |entry: &Entry| match entry {
        Entry::OffIntent { .. } => turns_off,
        Entry::OnIntent { .. } => !turns_off,
        _ => false,
    };
    match at.checked_sub(1).map(|before| &commands[before]) {
        Some(Command::Record(entry)) if is_intent(entry) => Ok(()),
        _ => Err("P2: no record of the intent before the write".into()),
    }
}

/// A write is about to leave.
pub struct Leaving<'a> {
    pub process: &'a Process,
    pub machine: &'a Machine,
    pub account: &'a Account,
    pub journal: &'a Journal,
    pub write: &'a Write,
    pub sent: &'a [Licensed],
    pub now: Timestamp,
}

impl Leaving<'_> {
    /// All that is promised of a write.
    pub fn judge(&self) -> Result<(), String> {
        self.only_the_service_plan()?;
        match self.write.direction {
            Direction::Off => self.off(),
            Direction::On => self.on(),
        }
    }

    /// P1: as the read showed it, but for one id; and nothing else changes in the tenant by it, unless
    /// somebody else was at work since.
    fn only_the_service_plan(&self) -> Result<(), String> {
        for (read, sent) in self.write.fresh.iter().zip(self.sent) {
            let mut differs = read.disabled.symmetric_difference(&sent.disabled);
            if read.sku != sent.sku || differs.any(|id| *id != SERVICE_PLAN) {
                return Err("P1: another service plan is written".into());
            }
        }
        let edited = self.account.edited_at.is_some_and(|at| at >= self.write.read_at);
        if self.write.saw_fresh && !edited && self.account.differs_elsewhere(self.sent) {
            return Err("P1: another service plan changes in the tenant".into());
        }
        Ok(())
    }

    fn off(&self) -> Result<(), String> {
        if self.process.is_ending {
            return Err("P4: a run without its lease turns off".into());
        }
        if self.process.kind == Kind::Heal {
            return Err("P4: a heal turns off".into());
        }
        if self.account.is_toggled && self.account.edited_at.is_none() {
            return Err("P2: it is toggled twice for one date".into());
        }
        match self.journal.own(self.id()).map(|own| own.phase) {
            Some(Phase::InDoubt { .. }) => Ok(()),
            _ => Err("P2: the off leaves before its intent is in the journal".into()),
        }
    }

    /// P2: not before the wait is over. An off that nobody knows to have been done may be ended at once.
    fn on(&self) -> Result<(), String> {
        let Some(since) = self.account.off_since.filter(|_| !self.account.now.by_group) else {
            return Ok(());
        };
        if !self.knows_the_off() {
            return Ok(());
        }
        let lasted = self.now.duration_since(since);
        if lasted < self.machine.job().wait {
            return Err("P2: the on leaves before the wait is over".into());
        }
        if self.account.is_group() && self.account.member_is_on() && lasted < self.machine.job().gate {
            return Err("P2: the on of a group leaves before its member was off".into());
        }
        Ok(())
    }

    fn knows_the_off(&self) -> bool {
        let is_known = |phase: Phase| match phase {
            Phase::InDoubt { .. } => false,
            Phase::Off { .. } | Phase::Waiting { .. } | Phase::OnSent { .. } | Phase::Gone { .. } => true,
        };
        let by_journal = self.journal.own(self.id()).is_some_and(|own| is_known(own.phase));
        self.machine.off_at().is_some() || (by_journal && !self.process.is_outdated)
    }

    fn id(&self) -> SubjectId {
        self.machine.job().subject.id
    }
}

/// P2: what the journal claims. A toggle was one only when the off lasted.
pub fn of_record(entry: &Entry, action: Action, account: &Account) -> Result<(), String> {
    let claims = matches!(entry, Entry::OnDone { renews: true, .. }) && action != Action::Enable;
    if claims && account.was_short && account.edited_at.is_none() {
        return Err("P2: an off that was too short is taken for a toggle".into());
    }
    Ok(())
}

/// P2: at any time, whoever is off because of us is in flight by the journal.
pub fn of_state(accounts: &[(SubjectId, &Account)], journal: &Journal, rule: Rule) -> Result<(), String> {
    for (id, account) in accounts {
        if account.off_since.is_none() {
            continue;
        }
        if rule == Rule::NobodyIsEverOff {
            return Err("somebody is off".into());
        }
        if journal.own(*id).is_none() {
            return Err("P2: somebody is off because of us, and nothing is in flight".into());
        }
    }
    Ok(())
}
