//! The state of a simulated tenant and the only way to ask it something.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::assign::Order;
use super::counts::Counts;
use super::deed::Done;
use super::faults::Faults;
use super::file::Organization;
use super::gate::Gate;
use super::group::Group;
use super::history::History;
use super::license::Shelf;
use super::seed::Seed;
use super::truth::{Audited, Doing};
use super::user::User;
use super::users::{Found, Seen, Users};
use super::wire::{self, Alone, Answer, Ask, Refusal};
use super::words::PlanDates;
use super::work::Work;
use crate::model::{GroupId, SignedDuration, SkuId, SubjectId, Timestamp, UserId};

/// A simulated tenant. It has no clock: each request says what time it is.
pub struct Tenant {
    pub(super) settings: Settings,
    pub(super) shelf: History<Shelf>,
    pub(super) state: State,
    pub(super) gate: Mutex<Gate>,
    pub(super) counts: Counts,
    /// Whose doing the change is that is being made.
    pub(super) doing: Doing,
    pub(super) audit: Option<Vec<Audited>>,
    writes: Vec<Written>,
    on_change: Option<OnChange>,
}

/// What is told of a tenant as it happens.
#[derive(Debug)]
pub enum Happened<'a> {
    /// A write over the wire was done.
    Write(&'a Written),
    /// A deed was done past the wire.
    Deed(&'a Done),
}

/// Told of each write and deed as it happens, before its answer leaves.
pub type OnChange = Box<dyn FnMut(&Happened<'_>, Counters) + Send + Sync>;

/// What stays as the file says.
#[derive(Debug)]
pub struct Settings {
    /// Whose tenant it is.
    pub organization: Organization,
    /// When virtual time starts.
    pub now: Option<Timestamp>,
    /// Where chance comes from.
    pub seed: Seed,
    /// How far reads may be behind.
    pub lag: SignedDuration,
    /// How long a change of a group takes to reach its last member.
    pub group_processing: SignedDuration,
    /// Whether dates of service plans move.
    pub plan_dates: PlanDates,
}

/// What changes: everything that writes and time do. Equal states are equal tenants.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// The users.
    pub users: Users,
    /// Of those that are kept: lower-case UPNs to whoever has or had them. Only a way to find: who has one is in the user.
    pub upns: BTreeMap<String, Vec<UserId>>,
    /// The groups by id.
    pub groups: BTreeMap<GroupId, History<Group>>,
    /// What will happen by itself, by time and then by the order in which it was planned.
    pub work: BTreeMap<(Timestamp, u64), Work>,
    /// How much work was ever planned.
    pub planned: u64,
}

/// What was counted since the tenant began; faults are written down in these numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Requests, parts of a batch included; batches only when weather kept their parts from coming in.
    pub requests: u64,
    /// Requests to change licenses, refused ones included.
    pub writes: u64,
}

/// A change of licenses that was done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// When.
    pub at: Timestamp,
    /// `users` or `groups`.
    pub collection: Collection,
    /// The object.
    pub id: Uuid,
    /// The body of the request.
    pub body: Value,
}

/// The two collections whose objects hold licenses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Collection {
    /// `/users`
    Users,
    /// `/groups`
    Groups,
}

impl Written {
    /// Whether it was no assignment, but `reprocessLicenseAssignment`, which has no body.
    fn is_reprocessing(&self) -> bool {
        self.body.as_object().is_some_and(serde_json::Map::is_empty)
    }

    /// What was changed.
    pub fn object(&self) -> SubjectId {
        match self.collection {
            Collection::Users => SubjectId::User(UserId(self.id)),
            Collection::Groups => SubjectId::Group(GroupId(self.id)),
        }
    }
}

impl Tenant {
    pub(super) fn new(settings: Settings, shelf: Shelf, state: State) -> Self {
        Tenant {
            settings,
            shelf: History::new(shelf),
            state,
            gate: Mutex::default(),
            counts: Counts::default(),
            doing: Doing::Processing,
            audit: None,
            writes: Vec::new(),
            on_change: None,
        }
    }

    /// Answers a request that arrives at `now`. Time never runs backwards: an earlier `now` than
    /// before only shows fewer changes than there are.
    pub fn handle(&mut self, ask: &Ask, now: Timestamp) -> Answer {
        wire::answer(&mut Alone(self), ask, now)
    }

    /// When virtual time starts, if the file says so.
    pub fn start(&self) -> Option<Timestamp> {
        self.settings.now
    }

    /// Every change of licenses over the wire so far, in order. Refused ones are not among them.
    pub fn writes(&self) -> &[Written] {
        &self.writes
    }

    /// Tells `listener` of each write and each deed from now on.
    pub fn on_change(&mut self, listener: OnChange) {
        self.on_change = Some(listener);
    }

    pub(super) fn tell(&mut self, happened: &Happened<'_>) {
        if let Some(listener) = &mut self.on_change {
            let counters = self.gate.get_mut().unwrap_or_else(PoisonError::into_inner).counters;
            listener(happened, counters);
        }
    }

    /// Replaces what goes wrong with requests that are named by their number.
    pub fn set_faults(&mut self, faults: Faults) {
        self.own_gate().faults = faults;
    }

    /// How often what went wrong in this process, by word.
    pub fn faults_injected(&self) -> BTreeMap<&'static str, u64> {
        self.gate().faults_injected.clone()
    }

    /// What was counted so far.
    pub fn counters(&self) -> Counters {
        self.gate().counters
    }

    /// The groups as they are, without any lag and without those that were deleted.
    pub(super) fn groups(&self) -> impl Iterator<Item = &Group> {
        self.state.groups.values().map(History::latest).filter(|group| !group.deleted)
    }

    /// The users as they are, without any lag and without those that were deleted.
    pub(super) fn users(&self) -> impl Iterator<Item = Cow<'_, User>> {
        self.state.users.all().filter(|seen| seen.is_there()).map(Seen::into_user)
    }

    /// The user as it is, unless it was deleted.
    pub(super) fn user(&self, id: UserId) -> Result<Cow<'_, User>, Refusal> {
        let user = self.state.users.latest(id);
        user.filter(|user| user.deleted.is_none()).ok_or_else(|| Refusal::not_found(&id.to_string()))
    }

    /// The group as it is, unless it was deleted.
    pub(super) fn group(&self, id: GroupId) -> Result<&Group, Refusal> {
        let group = self.state.groups.get(&id).map(History::latest);
        group.filter(|group| !group.deleted).ok_or_else(|| Refusal::not_found(&id.to_string()))
    }

    /// The user with that UPN (in any case) or id, among the users as `seen` shows them.
    pub(super) fn user_by_key<'t>(
        &'t self,
        key: &str,
        seen: impl Fn(Found<'t>) -> Seen<'t>,
    ) -> Option<Seen<'t>> {
        let there = |id: UserId| self.state.users.find(id).map(&seen).filter(|user| user.is_there());
        let name = key.to_lowercase();
        let described = self.state.users.described(&name);
        let known = self.state.upns.get(&name).into_iter().flatten().copied();
        let mut named = known.chain(described).filter_map(there);
        let is_named = |user: &Seen<'t>| match user {
            Seen::Kept(user) => user.upn.to_lowercase() == name,
            Seen::Lazy(_) => true,
        };
        named.find(is_named).or_else(|| there(key.parse().ok()?))
    }

    /// What the tenant owns.
    pub(super) fn shelf(&self) -> &Shelf {
        self.shelf.latest()
    }

    /// Does once more what was done before. Faults do not come back: what they prevented is not
    /// in the list, what they hid is.
    pub(super) fn replay(&mut self, written: &Written) -> Result<(), Refusal> {
        self.advance(written.at);
        match written.object() {
            SubjectId::User(id) if written.is_reprocessing() => self.reprocess_as_asked(id, written.at),
            object => self.assign(object, &written.body, written.at),
        }
    }

    /// Has the licenses tried again that a user inherits, by a request.
    pub(super) fn reprocess_as_asked(&mut self, id: UserId, now: Timestamp) -> Result<(), Refusal> {
        if self.user(id)?.restricted {
            return Err(Refusal::denied());
        }
        self.doing = Doing::Wire { body: json!({}) };
        let done = self.reprocess(id, now);
        self.doing = Doing::Processing;
        done?;
        let written = Written { at: now, collection: Collection::Users, id: id.0, body: json!({}) };
        self.tell(&Happened::Write(&written));
        self.writes.push(written);
        Ok(())
    }

    /// Goes on counting where an earlier process stopped.
    pub(super) fn set_counters(&mut self, counters: Counters) {
        self.own_gate().counters = counters;
    }

    /// Changes the licenses of a user or a group by a request.
    pub(super) fn assign(&mut self, object: SubjectId, body: &Value, now: Timestamp) -> Result<(), Refusal> {
        self.doing = Doing::Wire { body: body.clone() };
        let done = self.change_licenses(object, body, now);
        self.doing = Doing::Processing;
        done?;
        self.advance(now); // without processing time the members of a group change at once
        let collection = match object {
            SubjectId::User(_) => Collection::Users,
            SubjectId::Group(_) => Collection::Groups,
        };
        let written = Written { at: now, collection, id: object.guid(), body: body.clone() };
        self.tell(&Happened::Write(&written));
        self.writes.push(written);
        Ok(())
    }

    /// Changes the licenses of a user or a group as `assignLicense` does.
    pub(super) fn change_licenses(
        &mut self,
        object: SubjectId,
        body: &Value,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let order = Order::read(body, self.shelf())?;
        match object {
            SubjectId::User(id) => self.assign_user(id, &order, now),
            SubjectId::Group(id) => self.assign_group(id, &order, now),
        }
    }

    fn assign_user(&mut self, id: UserId, order: &Order, now: Timestamp) -> Result<(), Refusal> {
        let mut user = self.user(id)?.into_owned();
        if user.restricted {
            return Err(Refusal::denied());
        }
        order.check_for_user(&user, self.shelf(), |sku| self.consumed(sku))?;
        order.apply_to_user(&mut user, now);
        user.provision(self.shelf(), now, self.settings.plan_dates);
        self.change_user(user, now);
        Ok(())
    }

    fn assign_group(&mut self, id: GroupId, order: &Order, now: Timestamp) -> Result<(), Refusal> {
        let mut group = self.group(id)?.clone();
        if group.restricted {
            return Err(Refusal::denied());
        }
        order.check_for_group(&group)?;
        order.apply_to_group(&mut group);
        self.plan_work(&group, now);
        self.change_group(group, now);
        Ok(())
    }

    /// How many users hold that license; several sources count once (GRAPH 3.5).
    pub(super) fn consumed(&self, sku: SkuId) -> u64 {
        self.state.users.consumed(sku)
    }

    pub(super) fn change_user(&mut self, user: User, now: Timestamp) {
        self.audit_user(&user, now);
        self.counts.forget(now);
        self.state.users.change(user, now, self.settings.lag);
    }

    pub(super) fn change_group(&mut self, group: Group, now: Timestamp) {
        self.audit_group(&group, now);
        self.counts.forget(now);
        if let Some(history) = self.state.groups.get_mut(&group.id) {
            history.change(now, group, self.settings.lag);
        }
    }

    /// The time that a read of that object shows, which is done for that request. Each object is on three replicas, each behind by
    /// an amount of its own, and requests reach them in turn: two reads can disagree, and a later
    /// one can show an older state (GRAPH 12).
    pub(super) fn shown(&self, object: Uuid, now: Timestamp, request: u64) -> Timestamp {
        let Ok(lag @ 1..) = u64::try_from(self.settings.lag.as_millis()) else { return now };
        let replica = (request % 3).to_string();
        let behind = self.settings.seed.below(lag + 1, &["lag", &object.to_string(), &replica]);
        let behind = SignedDuration::from_millis(behind.try_into().unwrap_or(i64::MAX));
        now.saturating_sub(behind).unwrap_or(Timestamp::MIN)
    }
}

impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenant")
            .field("domain", &self.settings.organization.domain)
            .field("users", &self.state.users.len())
            .field("groups", &self.state.groups.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    const LAGGING: &str = "lag: 30s\nlicenses: [SPE_E5]\nusers: [{upn: a@contoso.com, licenses: [SPE_E5]}]\n";

    /// Whether a read of the states shows the service plan off.
    fn shows_off(tenant: &mut Tenant, now: Timestamp) -> bool {
        let (_, user) = get_at(tenant, "/v1.0/users/a@contoso.com?$select=licenseAssignmentStates", now);
        user["licenseAssignmentStates"][0]["disabledPlans"] == serde_json::json!([AUDITING])
    }

    #[test]
    fn reads_lag_behind_a_write_and_can_disagree_but_not_for_longer_than_the_lag() {
        let mut tenant = tenant(LAGGING);
        tenant.handle(&post("/v1.0/users/a@contoso.com/assignLicense", &assign(&[AUDITING])), noon());
        let mut seen: Vec<bool> = Vec::new();
        for second in 0..30 {
            seen.push(shows_off(&mut tenant, after(second)));
        }
        assert!(!seen[0], "the first read is stale");
        assert!(seen.windows(2).any(|pair| pair == [true, false]), "replicas disagree: {seen:?}");
        assert!((30..40).all(|second| shows_off(&mut tenant, after(second))));
    }

    #[test]
    fn writes_are_told_as_they_happen_and_refused_ones_are_not() {
        let mut tenant = tenant("licenses: [SPE_E5]\nusers: [{upn: a@contoso.com, licenses: [SPE_E5]}]\n");
        let (sender, told) = std::sync::mpsc::channel();
        tenant.on_change(Box::new(move |happened, counters| {
            if let Happened::Write(written) = happened {
                let _ = sender.send(((*written).clone(), counters));
            }
        }));
        let path = "/v1.0/users/a@contoso.com/assignLicense";
        tenant.handle(&post(path, &assign(&[AUDITING])), noon());
        tenant.handle(&post(path, &serde_json::json!({"addLicenses": []})), noon());
        let (written, counters) = told.try_recv().expect("told of the first");
        assert_eq!(tenant.writes(), [written]);
        assert_eq!((counters.requests, counters.writes), (1, 1));
        assert!(told.try_recv().is_err());
        assert_eq!(tenant.counters().writes, 2);
    }
}
