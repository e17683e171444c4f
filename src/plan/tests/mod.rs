//! Tenants and manifests as values, in few words, and what the plan says of each subject in one.
//!
//! Names are enough: ids are made from them. Every plan made here is held against `check`.

mod changes;
mod dates;
mod groups;
mod how_much;
mod names;
mod rendering;
mod same_decision;
mod second_opinion;
mod skew;
mod users;
mod where_from;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use super::change::Action;
use super::change::Change;
use super::resolve::resolve;
use super::running::{InFlight, Phase};
use super::*;
use crate::diag::{Code, Place, Source};
use crate::graph::{Processing, ServicePlanEntry};
use crate::manifest::declared::{
    Declared, GroupEntry, Limits, Located, Select, Selector, Toggle, UserEntry, Who, Wish,
};
use crate::model::{
    AssignedBy, Assignment, AssignmentError, AssignmentState, GroupKey, License, LicenseStatus, Licensed,
    ServicePlan, ServicePlanId, SignedDuration, TenantId, UserKey,
};
use crate::observe::observed::{Dates, Lookup, Members, Tenant as Named_, User};
use crate::observe::selection::{Listing, Selection};

pub const E5: &str = "SPE_E5";
pub const SECURITY: &str = "E5_SECURITY";
pub const E3: &str = "SPE_E3";
pub const OTHER: ServicePlanId = ServicePlanId(Uuid::from_u128(0x0e));

/// The date that the manifest asks for, one before it, one after it, and the time of the plan.
pub const ASKED: &str = "2026-11-20T00:00:00Z";
pub const BEFORE: &str = "2026-10-01T00:00:00Z";
pub const SINCE: &str = "2026-11-21T00:00:00Z";
pub const NOW: &str = "2026-11-22T12:00:00Z";

pub fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

pub fn guid(name: &str) -> Uuid {
    Uuid::from_u128(name.bytes().take(16).fold(0, |id, byte| (id << 8) | u128::from(byte)))
}

pub fn uid(name: &str) -> UserId {
    UserId(guid(name))
}

pub fn gid(name: &str) -> GroupId {
    GroupId(guid(name))
}

pub fn sku(name: &str) -> SkuId {
    SkuId(guid(name))
}

pub fn upn(name: &str) -> String {
    format!("{name}@contoso.com")
}

pub fn license(name: &str, status: LicenseStatus, provisioning: &str) -> License {
    let plan = |provisioning: &str| ServicePlan { name: "A_PLAN".into(), provisioning: provisioning.into() };
    let mut plans: BTreeMap<_, _> = [(OTHER, plan("Success"))].into();
    if name != E3 {
        plans.insert(SERVICE_PLAN, plan(provisioning));
    }
    License { id: sku(name), part_number: name.into(), status, holders: None, plans }
}

/// One assignment, changed last before the date that is asked for.
pub fn holds(license: &str, by: AssignedBy, on: bool) -> Assignment {
    let disabled: BTreeSet<ServicePlanId> = if on { [OTHER].into() } else { [OTHER, SERVICE_PLAN].into() };
    let updated = Some(time(BEFORE));
    Assignment { sku: sku(license), by, disabled, state: AssignmentState::Active, error: None, updated }
}

pub fn on() -> Assignment {
    holds(E5, AssignedBy::Direct, true)
}

pub fn off() -> Assignment {
    holds(E5, AssignedBy::Direct, false)
}

pub fn on_by(group: &str) -> Assignment {
    holds(E5, AssignedBy::Group(gid(group)), true)
}

pub fn off_by(group: &str) -> Assignment {
    holds(E5, AssignedBy::Group(gid(group)), false)
}

pub fn in_error(one: Assignment) -> Assignment {
    Assignment { state: AssignmentState::Error, error: Some(AssignmentError::CountViolation), ..one }
}

pub fn changed(one: Assignment, at: &str) -> Assignment {
    Assignment { updated: Some(time(at)), ..one }
}

pub fn undated(one: Assignment) -> Assignment {
    Assignment { updated: None, ..one }
}

/// A tenant, its manifest and our journal.
#[derive(Clone)]
pub struct Tenant {
    pub observed: Observed,
    pub declared: Declared,
    pub running: Running,
}

pub fn tenant() -> Tenant {
    let named = Named_ {
        id: TenantId(guid("contoso")),
        domain: "contoso.com".into(),
        domains: vec!["contoso.com".into()],
    };
    let licenses = [E5, SECURITY, E3].map(|name| license(name, LicenseStatus::Enabled, "Success"));
    let source = Arc::new(Source::new("m.yaml", "x\n".repeat(200)));
    let at = Place::new(&source, 0..1);
    Tenant {
        observed: Observed {
            tenant: named,
            catalog: licenses.into_iter().collect(),
            users: BTreeMap::new(),
            unread_users: BTreeMap::new(),
            groups: BTreeMap::new(),
            user_keys: BTreeMap::new(),
            group_keys: BTreeMap::new(),
            selections: BTreeMap::new(),
            accounts: BTreeMap::new(),
            machine_ahead: None,
            ways: Vec::new(),
        },
        declared: Declared {
            source,
            tenant: Located { value: "contoso.com".into(), place: at },
            toggle: Toggle::default(),
            limits: Limits::default(),
            protect: Vec::new(),
            users: Vec::new(),
            groups: Vec::new(),
        },
        running: Running::default(),
    }
}

impl Tenant {
    /// The tenant's state of a license and of the service plan in it.
    pub fn owns(mut self, name: &str, status: LicenseStatus, provisioning: &str) -> Self {
        let others = self.observed.catalog.licenses().cloned().collect::<Vec<_>>();
        let own = license(name, status, provisioning);
        self.observed.catalog = others.into_iter().chain([own]).collect();
        self
    }

    pub fn user(mut self, name: &str, assignments: &[Assignment]) -> Self {
        let user = User {
            id: uid(name),
            upn: upn(name),
            usage_location: Some("CH".into()),
            assignments: assignments.to_vec(),
            dates: Dates::NotRead,
        };
        for key in [upn(name), uid(name).to_string()] {
            self.observed.user_keys.insert(key, Lookup::Found(uid(name)));
        }
        self.observed.users.insert(uid(name), user);
        self
    }

    pub fn but(mut self, name: &str, change: impl FnOnce(&mut User)) -> Self {
        change(self.observed.users.get_mut(&uid(name)).expect("a user"));
        self
    }

    /// `assignedPlans` of a user: the service plan was turned on then.
    pub fn turned_on(self, name: &str, at: &str) -> Self {
        let entry = ServicePlanEntry { status: "Enabled".into(), assigned: Some(time(at)) };
        self.but(name, |user| user.dates = Dates::Read(vec![entry]))
    }

    pub fn group(self, name: &str, on: bool, members: &[&str]) -> Self {
        self.group_with(name, &[(E5, on)], members)
    }

    pub fn group_with(mut self, name: &str, licenses: &[(&str, bool)], members: &[&str]) -> Self {
        let carries = |(license, on): &(&str, bool)| {
            let one = holds(license, AssignedBy::Direct, *on);
            Licensed { sku: one.sku, disabled: one.disabled }
        };
        let group = Group {
            id: gid(name),
            name: name.into(),
            licenses: licenses.iter().map(carries).collect(),
            processing: Processing::Complete,
            members: Members::Read(members.iter().map(|name| uid(name)).collect()),
        };
        for key in [name.to_lowercase(), gid(name).to_string()] {
            self.observed.group_keys.insert(key, Lookup::Found(gid(name)));
        }
        self.observed.groups.insert(gid(name), group);
        self
    }

    fn wish(&self, asked: Option<&str>) -> Wish {
        let line = 2 * (self.declared.users.len() + self.declared.groups.len());
        let place = Place::new(&self.declared.source, line..line + 1);
        Wish { toggle_if_enabled_before: asked.map(time), reason: None, place }
    }

    fn entry(&self, who: Who, asked: Option<&str>) -> UserEntry {
        UserEntry { who, license: None, wish: self.wish(asked) }
    }

    /// Names a user; with a date where one is given.
    pub fn names(mut self, name: &str, asked: Option<&str>) -> Self {
        let entry = self.entry(Who::User(UserKey::parse(&upn(name))), asked);
        self.declared.users.push(entry);
        self
    }

    /// Selects whoever holds a license with the service plan so far.
    pub fn selects_all(self, except: &[&str], asked: Option<&str>) -> Self {
        let catalog = &self.observed.catalog;
        let licensed = self.observed.users.values().filter(|user| user.relevant(catalog).next().is_some());
        let ids: Vec<UserId> = licensed.map(|user| user.id).collect();
        self.selects(Select::AllLicensed, ids, except, asked)
    }

    /// Selects the users with these names by a filter.
    pub fn selects_by(self, filter: &str, names: &[&str], except: &[&str], asked: Option<&str>) -> Self {
        let ids = names.iter().map(|name| uid(name)).collect();
        self.selects(Select::Filter(filter.into()), ids, except, asked)
    }

    fn selects(mut self, select: Select, ids: Vec<UserId>, except: &[&str], asked: Option<&str>) -> Self {
        let total = ids.len();
        let read = Selection::Read(Listing { ids: ids.into_iter().collect(), total, ..Listing::default() });
        self.observed.selections.entry(select.clone()).or_insert(read);
        let selector = Selector {
            select: Located { value: select, place: self.wish(None).place },
            except: except.iter().map(|name| self.located(name)).collect(),
            only_enabled: false,
            allow_empty: false,
        };
        let entry = self.entry(Who::Selected(selector), asked);
        self.declared.users.push(entry);
        self
    }

    /// Changes the last entry, which is a selector.
    pub fn but_selector(mut self, change: impl FnOnce(&mut Selector)) -> Self {
        let entry = self.declared.users.last_mut().expect("an entry");
        let Who::Selected(selector) = &mut entry.who else { panic!("a selector") };
        change(selector);
        self
    }

    /// The last entry is narrowed to that license.
    pub fn with_license(mut self, name: &str) -> Self {
        let place = self.wish(None).place;
        let entry = self.declared.users.last_mut().expect("an entry");
        entry.license = Some(Located { value: name.into(), place });
        self
    }

    pub fn names_group(mut self, name: &str, asked: Option<&str>) -> Self {
        let wish = self.wish(asked);
        self.declared.groups.push(GroupEntry { group: GroupKey::parse(name), wish });
        self
    }

    fn located(&self, name: &str) -> Located<UserKey> {
        Located { value: UserKey::parse(&upn(name)), place: self.wish(None).place }
    }

    pub fn protects(mut self, name: &str) -> Self {
        let name = self.located(name);
        self.declared.protect.push(name);
        self
    }

    /// Our journal turned it on then.
    pub fn we_turned_on(mut self, id: impl Into<SubjectId>, at: &str) -> Self {
        self.running.last_on.insert(id.into(), time(at));
        self
    }

    /// An unfinished toggle of ours.
    pub fn in_flight(mut self, id: impl Into<SubjectId>, name: &str, phase: Phase) -> Self {
        let id = id.into();
        let before = on().disabled;
        let own = InFlight {
            subject: Subject { id, name: name.into() },
            edits: vec![edit::Edit { sku: sku(E5), before: before.clone(), after: before }],
            phase,
            wait: SignedDuration::from_mins(60),
            gate: SignedDuration::ZERO,
            members: Vec::new(),
            people: 1,
            reason: "INC-1".into(),
            asked: Some(time(ASKED)),
            verified: false,
            on_lost: false,
            recorded: true,
        };
        self.running.in_flight.insert(id, own);
        self
    }

    pub fn desired(&self) -> Desired {
        resolve(&self.declared, &self.observed, &self.running)
    }

    #[track_caller]
    pub fn plan(&self) -> Plan {
        self.plan_of(&self.desired())
    }

    #[track_caller]
    pub fn plan_of(&self, desired: &Desired) -> Plan {
        let plan = plan(desired, &self.observed, &self.running, time(NOW));
        assert_eq!(check::check(&plan, desired, &self.running), Vec::<String>::new());
        plan
    }

    /// What the plan says of a user or a group, in words.
    #[track_caller]
    pub fn says(&self, name: &str) -> String {
        says(&self.plan(), name)
    }
}

impl From<UserId> for SubjectId {
    fn from(id: UserId) -> Self {
        SubjectId::User(id)
    }
}

impl From<GroupId> for SubjectId {
    fn from(id: GroupId) -> Self {
        SubjectId::Group(id)
    }
}

/// All that the plan says of a subject; nothing when it is not in it.
pub fn says(plan: &Plan, name: &str) -> String {
    let named = |subject: &str| subject == name || subject == upn(name);
    let mut words = Vec::new();
    for change in plan.changes.iter().filter(|change| named(&change.subject.name)) {
        words.push(change.action.as_str().to_owned());
    }
    for one in plan.in_sync.iter().filter(|one| named(&one.subject.name)) {
        words.push(match one.covered_by.as_slice() {
            [] => "in sync".into(),
            groups => {
                format!("covered by {}", groups.iter().map(group_name).collect::<Vec<_>>().join(" and "))
            }
        });
    }
    words.extend(plan.blocked.iter().filter(|one| named(&one.subject.name)).map(|one| one.why.code().into()));
    words.extend(plan.unknown.iter().filter(|one| named(&one.subject.name)).map(|_| "unknown".into()));
    words.join(", ")
}

/// The name that an id was made from.
fn group_name(id: &GroupId) -> String {
    id.0.as_bytes().iter().filter(|byte| **byte != 0).map(|byte| char::from(*byte)).collect()
}

pub fn the_change(plan: &Plan) -> &Change {
    let [change] = plan.changes.as_slice() else { panic!("one change: {:?}", plan.changes) };
    change
}

pub fn has(plan: &Plan, code: Code) -> bool {
    plan.findings.iter().any(|finding| finding.code == code)
}

/// Who would go off, by name.
pub fn going_off(change: &Change) -> Vec<&str> {
    change.people.iter().map(|person| person.name.trim_end_matches("@contoso.com")).collect()
}
