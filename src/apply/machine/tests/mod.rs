//! Stories of one subject: what is seen and answered, and what the machine does about it.
//!
//! A story says in words what came back; `intent off, OFF` reads: the record of the intent, then the
//! write. Time is the story's own.

mod crash;
mod group;
mod group_world;
mod journal;
mod latest;
mod toggle;
mod trouble;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use super::*;
use crate::apply::live::Members;
use crate::apply::replay::replay;
use crate::graph::{Direction, Processing, edited};
use crate::journal::record::{Record, VERSION};
use crate::model::{
    AssignedBy, Assignment, AssignmentError, AssignmentState, GroupId, License, LicenseStatus, RunId,
    SERVICE_PLAN, ServicePlan, ServicePlanId, SkuId, Subject, SubjectId, UserId,
};
use crate::observe::observed::{Dates, Group, Members as MemberIds, User};
use crate::plan::resolve::Protected;

pub const OTHER: ServicePlanId = ServicePlanId(Uuid::from_u128(0x0e));
pub const E5: SkuId = SkuId(Uuid::from_u128(0xe5));
pub const ADELE: UserId = UserId(Uuid::from_u128(0xa));
pub const LEGAL: GroupId = GroupId(Uuid::from_u128(0x6));

pub fn start() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().expect("a time")
}

pub fn after(seconds: i64) -> Timestamp {
    later(start(), SignedDuration::from_secs(seconds))
}

pub fn catalog_with(status: LicenseStatus) -> Catalog {
    let plan = |id| (id, ServicePlan { name: "A_PLAN".into(), provisioning: "Success".into() });
    let plans = [SERVICE_PLAN, OTHER].map(plan).into_iter().collect();
    [License { id: E5, part_number: "SPE_E5".into(), status, holders: None, plans }].into_iter().collect()
}

/// One assignment of E5 that turns another service plan off as well, which must stay so.
pub fn e5(by: AssignedBy, on: bool) -> Assignment {
    let disabled: BTreeSet<ServicePlanId> = if on { [OTHER].into() } else { [OTHER, SERVICE_PLAN].into() };
    Assignment { sku: E5, by, disabled, state: AssignmentState::Active, error: None, updated: None }
}

pub fn person(id: UserId, assignments: Vec<Assignment>) -> User {
    let upn =
        if id == ADELE { "adele@contoso.com".into() } else { format!("u{}@contoso.com", id.0.as_u128()) };
    User { id, upn, usage_location: Some("CH".into()), assignments, dates: Dates::NotRead }
}

/// Adele, on or off by a direct license.
pub fn adele(on: bool) -> Live {
    Live::User(person(ADELE, vec![e5(AssignedBy::Direct, on)]))
}

/// The same, last changed at that second of the story.
pub fn adele_changed(on: bool, at: i64) -> Live {
    let direct = Assignment { updated: Some(after(at)), ..e5(AssignedBy::Direct, on) };
    Live::User(person(ADELE, vec![direct]))
}

/// A member of the group: its assignment from it is on, off, or in error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Has {
    On,
    Off,
    Error,
    Nothing,
}

pub fn member(number: u128, has: Has) -> User {
    let own = |on| e5(AssignedBy::Group(LEGAL), on);
    let assignments = match has {
        Has::On => vec![own(true)],
        Has::Off => vec![own(false)],
        Has::Error => vec![Assignment {
            state: AssignmentState::Error,
            error: Some(AssignmentError::CountViolation),
            ..own(true)
        }],
        Has::Nothing => Vec::new(),
    };
    person(UserId(Uuid::from_u128(number)), assignments)
}

/// The group, and its members 1, 2, 3 … when they are read.
pub fn legal(on: bool, processing: Processing, members: Option<&[Has]>) -> Live {
    let disabled = e5(AssignedBy::Direct, on).disabled;
    let group = Group {
        id: LEGAL,
        name: "E5 Legal".into(),
        licenses: vec![Licensed { sku: E5, disabled }],
        processing,
        members: MemberIds::NotRead,
    };
    let members = members.map_or(Members::NotRead, |members| {
        Members::Read((1..).zip(members).map(|(number, has)| member(number, *has)).collect())
    });
    Live::Group(group, members)
}

pub struct Story {
    pub machine: Machine,
    pub now: Timestamp,
    /// How much later than `now` it may be.
    pub unsure: SignedDuration,
    pub catalog: Catalog,
    pub records: Vec<Record>,
    pub written: Vec<(Direction, Vec<Licensed>)>,
    pub last: Vec<Command>,
}

impl Story {
    pub fn new(action: Action, live: &Live) -> Self {
        let catalog = catalog_with(LicenseStatus::Enabled);
        let is_group = matches!(live, Live::Group(..));
        let (id, name) = if is_group {
            (SubjectId::Group(LEGAL), "E5 Legal")
        } else {
            (SubjectId::User(ADELE), "adele@contoso.com")
        };
        let job = Job {
            action,
            subject: Subject { id, name: name.into() },
            skus: [E5].into(),
            planned: live.lists(&[E5].into()).into_iter().map(|one| (one.sku, one.disabled)).collect(),
            expect: live.expectation(&catalog),
            wait: SignedDuration::from_mins(if is_group { 0 } else { 60 }),
            gate: if is_group { SignedDuration::from_hours(2) } else { SignedDuration::ZERO },
            people: 1,
            planned_people: 1,
            planned_minutes: 60,
            reason: "INC-1".into(),
            asked: Some(start()),
            protected: Arc::default(),
            resumes: None,
            change: None,
        };
        Story::of(job, catalog, Vec::new(), start())
    }

    pub fn toggle() -> Self {
        Story::new(Action::Toggle, &adele(true))
    }

    pub fn enable() -> Self {
        Story::new(Action::Enable, &adele(false))
    }

    pub fn group_toggle() -> Self {
        Story::new(Action::Toggle, &legal(true, Processing::Complete, None))
    }

    pub fn of(job: Job, catalog: Catalog, records: Vec<Record>, now: Timestamp) -> Self {
        let (machine, unsure) = (Machine::new(job), SignedDuration::ZERO);
        Story { machine, now, unsure, catalog, records, written: Vec::new(), last: Vec::new() }
    }

    /// The next run: nothing is left but the first so many records.
    pub fn resumed_after(&self, records: usize, now: Timestamp) -> Option<Self> {
        let records = self.records[..records].to_vec();
        let running = replay(&records, now);
        let own = running.in_flight.values().next()?.clone();
        let job = Job {
            action: Action::Resume,
            skus: own.edits.iter().map(|edit| edit.sku).collect(),
            planned: BTreeMap::new(),
            expect: BTreeSet::new(),
            wait: own.wait,
            gate: own.gate,
            resumes: Some(own),
            ..self.machine.job().clone()
        };
        Some(Story::of(job, self.catalog.clone(), records, now))
    }

    /// The next run, with all records.
    pub fn resumed(&self, now: Timestamp) -> Self {
        self.resumed_after(self.records.len(), now).expect("something unfinished")
    }

    /// Protects somebody from now on.
    pub fn protecting(mut self, id: UserId) -> Self {
        let job = Job { protected: Arc::new(Protected::of([id])), ..self.machine.job().clone() };
        self.machine = Machine::new(job);
        self
    }

    pub fn at(&mut self, seconds: i64) -> &mut Self {
        self.now = after(seconds);
        self
    }

    pub fn happens(&mut self, event: Event) -> &mut Self {
        let commands = self.machine.step(
            event,
            &World { now: self.now, latest: later(self.now, self.unsure), catalog: &self.catalog },
        );
        for command in &commands {
            match command {
                Command::Record(entry) => self.record(entry.clone()),
                Command::TurnOff(fresh) => self.written.push((Direction::Off, fresh.clone())),
                Command::TurnOn(fresh) => self.written.push((Direction::On, fresh.clone())),
                Command::Read { .. } | Command::Wake(_) => {}
            }
        }
        self.last = commands;
        self
    }

    fn record(&mut self, entry: Entry) {
        let seq = self.records.len() as u64 + 1;
        let run = RunId(Uuid::nil());
        self.records.push(Record { v: VERSION, seq, at: self.now, run, prev: String::new(), entry });
    }

    /// Nothing new may start any more.
    pub fn stops(&mut self) -> &mut Self {
        let world = World { now: self.now, latest: later(self.now, self.unsure), catalog: &self.catalog };
        self.last = self.machine.start_nothing(&world);
        self
    }

    pub fn begins(&mut self) -> &mut Self {
        self.happens(Event::Start)
    }

    pub fn sees(&mut self, live: Live) -> &mut Self {
        self.happens(Event::Seen(live))
    }

    /// Graph takes the write that was sent last.
    pub fn accepted(&mut self) -> &mut Self {
        let (direction, fresh) = self.written.last().expect("a write");
        let (sent, _) = edited(fresh, *direction, &self.catalog);
        self.happens(Event::Wrote { request_id: Some("r-1".into()), sent })
    }

    pub fn busy(&mut self) -> &mut Self {
        self.happens(Event::Busy { retry_after: SignedDuration::ZERO, trouble: trouble("busy") })
    }

    pub fn refused(&mut self) -> &mut Self {
        self.happens(Event::Refused(trouble("refused")))
    }

    pub fn lost(&mut self) -> &mut Self {
        self.happens(Event::InDoubt { retry_after: SignedDuration::ZERO, trouble: trouble("lost") })
    }

    pub fn unreadable(&mut self) -> &mut Self {
        self.happens(Event::Unreadable(trouble("unreadable")))
    }

    pub fn comes_back(&mut self) -> &mut Self {
        self.happens(Event::Tick)
    }

    /// What the machine does now, in words.
    #[track_caller]
    pub fn does(&mut self, words: &str) -> &mut Self {
        let says: Vec<String> = self.last.iter().map(|command| word(command, self.now)).collect();
        assert_eq!(says.join(", "), words);
        self
    }

    #[track_caller]
    pub fn ends(&mut self, outcome: Outcome) -> &mut Self {
        assert_eq!(self.machine.end().map(|end| end.outcome), Some(outcome), "{:?}", self.machine.end());
        self
    }

    /// The toggle of Adele up to the wait, on the calm way.
    pub fn off_and_waiting(&mut self) -> &mut Self {
        self.begins()
            .sees(adele(true))
            .accepted()
            .sees(adele_changed(false, 0))
            .does("seen off, come back in 60m")
    }

    /// The group's toggle up to its gate.
    pub fn group_off(&mut self, members: &[Has]) -> &mut Self {
        self.begins().does("read members").sees(legal(true, Processing::Complete, Some(members)));
        self.does("intent off, OFF").accepted().does("off, read")
    }
}

pub fn trouble(code: &str) -> Trouble {
    Trouble::ours(code, "so it is")
}

fn word(command: &Command, now: Timestamp) -> String {
    match command {
        Command::Record(entry) => match entry {
            Entry::OffIntent { .. } => "intent off".into(),
            Entry::OffDone { .. } => "off".into(),
            Entry::OffRefused { .. } => "not off".into(),
            Entry::OffVerified { complete: true, .. } => "seen off".into(),
            Entry::OffVerified { complete: false, .. } => "not seen off".into(),
            Entry::Adopted { .. } => "adopted".into(),
            Entry::OnIntent { .. } => "intent on".into(),
            Entry::OnDone { renews: true, .. } => "on anew".into(),
            Entry::OnDone { renews: false, .. } => "on".into(),
            Entry::Closed { outcome, .. } => format!("closed {outcome}"),
            Entry::RunStarted { .. }
            | Entry::LeaseBroken { .. }
            | Entry::ReprocessIntent { .. }
            | Entry::Reprocessed { .. }
            | Entry::RunFinished { .. } => "a run".into(),
        },
        Command::TurnOff(_) => "OFF".into(),
        Command::TurnOn(_) => "ON".into(),
        Command::Read { members: false, .. } => "read".into(),
        Command::Read { members: true, .. } => "read members".into(),
        Command::Wake(at) => format!("come back in {}m", at.duration_since(now).as_mins()),
    }
}
