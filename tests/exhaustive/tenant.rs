//! The tenant of the model: how each subject stands, what a replica that lags may still show of it, and
//! what is remembered of it to judge us by.

use std::collections::BTreeSet;

use advaudit::apply::live::{Live, Members};
use advaudit::graph::{Direction, Processing};
use advaudit::model::{
    AssignedBy, Assignment, AssignmentState, Catalog, GroupId, License, LicenseStatus, Licensed,
    SERVICE_PLAN, ServicePlan, ServicePlanId, SignedDuration, SkuId, Subject, SubjectId, Timestamp, UserId,
};
use advaudit::observe::observed::{Dates, Group, Members as MemberIds, User};
use uuid::Uuid;

/// How long a replica may show what is no longer so.
const LAG: SignedDuration = SignedDuration::from_secs(60);
/// How long Graph processes a group, and how long when it is slow: longer than the gate of the model.
const PROCESSING: [SignedDuration; 2] = [SignedDuration::from_secs(20), SignedDuration::from_secs(400)];

const E5: SkuId = SkuId(Uuid::from_u128(0xe5));
const OTHER: ServicePlanId = ServicePlanId(Uuid::from_u128(0x0e));
const THIRD: ServicePlanId = ServicePlanId(Uuid::from_u128(0x03));
const SALES: GroupId = GroupId(Uuid::from_u128(0x5a));
const MEMBER: UserId = UserId(Uuid::from_u128(0x3e));

/// The only license.
pub fn catalog() -> Catalog {
    let plan = |id| (id, ServicePlan { name: "A_PLAN".into(), provisioning: "Success".into() });
    let plans = [SERVICE_PLAN, OTHER, THIRD].map(plan).into_iter().collect();
    let status = LicenseStatus::Enabled;
    [License { id: E5, part_number: "SPE_E5".into(), status, holders: None, plans }].into_iter().collect()
}

/// How a subject stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stood {
    /// Not deleted.
    pub exists: bool,
    /// It holds the license itself.
    pub assigned: bool,
    /// That license turns the service plan off.
    pub off: bool,
    /// An administrator turned another service plan off meanwhile; one has been off all the time.
    pub third_off: bool,
    /// A user has the service plan from a group as well.
    pub by_group: bool,
    /// When its own license last changed.
    pub updated: Timestamp,
}

/// What an administrator may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    TurnOn,
    TurnOff,
    TurnThirdOff,
    Take,
    Give,
    Delete,
    Restore,
    JoinGroup,
}

/// What one read shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// How it stands.
    Fresh,
    /// How it stood, so many changes ago.
    Stale(u8),
    /// A group as it stands, with the "complete" of the change before.
    StaleComplete,
    /// Nothing: it failed.
    Failed,
}

/// One user or group.
#[derive(Clone, Debug, Hash)]
pub struct Account {
    pub now: Stood,
    /// What replicas may still show, newest first, each with when it was replaced.
    older: Vec<(Stood, Timestamp)>,
    /// Off by a write of ours, since then.
    pub off_since: Option<Timestamp>,
    /// Turned on by us after an off that was seen and lasted for the wait.
    pub is_toggled: bool,
    /// The last off that ended had lasted for less than the wait.
    pub was_short: bool,
    /// Turned on by anybody: the tenant's date is new.
    pub is_renewed: bool,
    /// An administrator did something to it.
    pub edited_at: Option<Timestamp>,
    /// Of a group: its one member.
    member: Option<Member>,
}

#[derive(Clone, Copy, Debug, Hash)]
struct Member {
    off: bool,
    follows_at: Option<Timestamp>,
}

/// The subject with that number.
pub fn subject(number: usize, is_group: bool) -> Subject {
    let guid = Uuid::from_u128(0xa + number as u128);
    match is_group {
        true => Subject { id: SubjectId::Group(GroupId(guid)), name: format!("Group {number}") },
        false => Subject { id: SubjectId::User(UserId(guid)), name: format!("u{number}@contoso.com") },
    }
}

impl Account {
    /// A user, or a group with one member, on or off for a long time.
    pub fn new(off: bool, is_group: bool) -> Self {
        let long_ago = Timestamp::UNIX_EPOCH;
        let now =
            Stood { exists: true, assigned: true, off, third_off: false, by_group: false, updated: long_ago };
        Account {
            now,
            older: Vec::new(),
            off_since: None,
            is_toggled: false,
            was_short: false,
            is_renewed: false,
            edited_at: None,
            member: is_group.then_some(Member { off, follows_at: None }),
        }
    }

    pub fn is_group(&self) -> bool {
        self.member.is_some()
    }

    /// It can be turned on and is not.
    pub fn is_off(&self) -> bool {
        self.now.exists && self.now.assigned && self.now.off
    }

    /// Whether the one member of a group is on.
    pub fn member_is_on(&self) -> bool {
        self.member.is_some_and(|member| !member.off)
    }

    /// When something happens in it by itself.
    pub fn next(&self) -> Option<Timestamp> {
        self.member.and_then(|member| member.follows_at)
    }

    /// What has happened by itself by that time, and what no replica shows any more. Without lag they
    /// show nothing old at all.
    pub fn pass(&mut self, now: Timestamp, lags: bool) {
        self.older.retain(|(_, replaced)| lags && now.duration_since(*replaced) < LAG);
        let off = self.now.off;
        if let Some(member) = self.member.as_mut().filter(|one| one.follows_at.is_some_and(|at| at <= now)) {
            *member = Member { off, follows_at: None };
        }
    }

    /// How it is from now on.
    fn becomes(&mut self, stood: Stood, now: Timestamp, slowly: bool) {
        let before = std::mem::replace(&mut self.now, stood);
        self.older.insert(0, (before, now));
        let follows_at = now.saturating_add(PROCESSING[usize::from(slowly)]).expect("a time");
        if let Some(member) = &mut self.member {
            self.now.updated = before.updated;
            if before.off != stood.off {
                member.follows_at = Some(follows_at);
            }
        }
        if before.off && !stood.off {
            self.is_renewed = true;
        }
    }

    /// What an administrator can do now.
    pub fn edits(&self) -> Vec<Edit> {
        let Stood { exists, assigned, off, third_off, by_group, .. } = self.now;
        let is_user = !self.is_group();
        let all = [
            (Edit::TurnOn, exists && assigned && off),
            (Edit::TurnOff, exists && assigned && !off),
            (Edit::TurnThirdOff, exists && assigned && !third_off),
            (Edit::Take, exists && assigned),
            (Edit::Give, exists && !assigned),
            (Edit::Delete, exists),
            (Edit::Restore, !exists),
            (Edit::JoinGroup, exists && !by_group && is_user),
        ];
        all.into_iter().filter(|(_, can)| *can).map(|(edit, _)| edit).collect()
    }

    pub fn edit(&mut self, edit: Edit, now: Timestamp) {
        let mut stood = Stood { updated: now, ..self.now };
        match edit {
            Edit::TurnOn => stood.off = false,
            Edit::TurnOff => stood.off = true,
            Edit::TurnThirdOff => stood.third_off = true,
            Edit::Take => stood.assigned = false,
            Edit::Give => (stood.assigned, stood.off, stood.third_off) = (true, false, false),
            Edit::Delete | Edit::Restore => {
                (stood.exists, stood.updated) = (edit == Edit::Restore, self.now.updated);
            }
            Edit::JoinGroup => (stood.by_group, stood.updated) = (true, self.now.updated),
        }
        if matches!(edit, Edit::TurnOn | Edit::Take | Edit::Give) {
            self.off_since = None;
        }
        self.edited_at = Some(now);
        self.becomes(stood, now, false);
    }

    /// Does a write of ours, as Graph does it: the list is replaced, and a license that is not there is
    /// assigned. `ends_a_toggle`: whoever sends this on has seen the off.
    pub fn write(&mut self, sent: &[Licensed], now: Timestamp, wait: SignedDuration, toggle: Toggle) {
        let Some(sent) = sent.first() else { return };
        let (off, third_off) = (!sent.leaves_on(), sent.disabled.contains(&THIRD));
        let stood = Stood { assigned: true, off, third_off, updated: now, ..self.now };
        let was_off = self.now.assigned && self.now.off;
        match (off, self.off_since) {
            (true, since) => self.off_since = since.filter(|_| was_off).or(Some(now)),
            (false, Some(since)) => {
                self.was_short = now.duration_since(since) < wait;
                self.is_toggled |= toggle.is_seen && !self.was_short;
                self.off_since = None;
            }
            (false, None) => {}
        }
        if self.now != (Stood { updated: self.now.updated, ..stood }) {
            self.becomes(stood, now, toggle.is_slow);
        }
    }

    /// What reads may show now, besides how it stands.
    pub fn stale(&self) -> Vec<Look> {
        let older = (0..).zip(&self.older).filter(|(_, (stood, _))| *stood != self.now);
        let older = older.map(|(number, _)| Look::Stale(number));
        let is_processed = self.next().is_some() && !self.older.is_empty();
        older.chain(is_processed.then_some(Look::StaleComplete)).collect()
    }

    /// What a read shows; none when it fails.
    pub fn live(&self, who: &Subject, look: Look, with_members: bool) -> Option<Live> {
        let stood = match look {
            Look::Fresh | Look::StaleComplete => self.now,
            Look::Stale(number) => self.older[usize::from(number)].0,
            Look::Failed => return None,
        };
        if !stood.exists {
            return Some(Live::Gone);
        }
        Some(match (who.id, self.member) {
            (SubjectId::User(id), _) => Live::User(user(id, &who.name, stood, AssignedBy::Direct)),
            (SubjectId::Group(id), member) => {
                let is_behind = look == Look::Fresh && self.next().is_some();
                let licensed = Licensed { sku: E5, disabled: list(stood) };
                let group = Group {
                    id,
                    name: who.name.clone(),
                    licenses: stood.assigned.then_some(licensed).into_iter().collect(),
                    processing: if is_behind { Processing::InProgress } else { Processing::Complete },
                    members: MemberIds::NotRead,
                };
                let off = if matches!(look, Look::Stale(_)) { stood.off } else { member?.off };
                let member = user(MEMBER, "m@contoso.com", Stood { off, ..stood }, AssignedBy::Group(id));
                Live::Group(group, if with_members { Members::Read(vec![member]) } else { Members::NotRead })
            }
        })
    }

    /// Whether a write would change something else than the service plan.
    pub fn differs_elsewhere(&self, sent: &[Licensed]) -> bool {
        sent.iter().any(|one| {
            let mut list = list(self.now);
            list.remove(&SERVICE_PLAN);
            !self.now.assigned || one.disabled.iter().filter(|id| **id != SERVICE_PLAN).ne(&list)
        })
    }
}

/// Of a write: whether whoever sends it has seen the off, and whether Graph is slow to process it.
#[derive(Clone, Copy, Debug)]
pub struct Toggle {
    pub is_seen: bool,
    pub is_slow: bool,
}

fn user(id: UserId, upn: &str, stood: Stood, by: AssignedBy) -> User {
    let one = |by, disabled| {
        let (state, updated) = (AssignmentState::Active, Some(stood.updated));
        Assignment { sku: E5, by, disabled, state, error: None, updated }
    };
    let own = stood.assigned.then(|| one(by, list(stood)));
    let other = stood.by_group.then(|| one(AssignedBy::Group(SALES), BTreeSet::new()));
    let assignments = own.into_iter().chain(other).collect();
    User { id, upn: upn.to_owned(), usage_location: None, assignments, dates: Dates::NotRead }
}

fn list(stood: Stood) -> BTreeSet<ServicePlanId> {
    let mut list = BTreeSet::from([OTHER]);
    list.extend(stood.off.then_some(SERVICE_PLAN));
    list.extend(stood.third_off.then_some(THIRD));
    list
}

/// The lists that are written, turned that way.
pub fn turned(fresh: &[Licensed], direction: Direction, catalog: &Catalog) -> Vec<Licensed> {
    advaudit::graph::edited(fresh, direction, catalog).0
}
