//! What a test may know of a tenant and no client can: how everything stands, without lag and without
//! faults, and who changed what.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::deed::Deed;
use super::group::Group;
use super::history::History;
use super::tenant::Tenant;
use super::user::{Held, User};
use super::users::{Found, Seen};
use super::words::{AssignmentError, AssignmentState, Capability};
use crate::model::{GroupId, SERVICE_PLAN, ServicePlanId, SkuId, SubjectId, Timestamp, UserId};

/// How everything stands at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Truth {
    /// Every user, deleted ones included.
    pub users: BTreeMap<UserId, TrueUser>,
    /// Every group, deleted ones included.
    pub groups: BTreeMap<GroupId, TrueGroup>,
}

/// How a user stands.
#[derive(Clone, Debug, PartialEq)]
pub struct TrueUser {
    /// `userPrincipalName`.
    pub upn: String,
    /// Whether it is deleted at the moment.
    pub is_deleted: bool,
    /// Whether any assignment in force gives the service plan, of a license that can be used. Of a
    /// deleted user: whether it would be on if it came back.
    pub is_on: bool,
    /// Every way in which it holds a license.
    pub assignments: Vec<Assigned>,
}

/// One way in which somebody holds a license.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assigned {
    /// Which license.
    pub license: SkuId,
    /// From which group; none for the subject's own.
    pub by: Option<GroupId>,
    /// What is off in it.
    pub off: BTreeSet<ServicePlanId>,
    /// `state`; a group's own is always active.
    pub state: AssignmentState,
    /// `error`.
    pub error: Option<AssignmentError>,
}

/// How a group stands.
#[derive(Clone, Debug, PartialEq)]
pub struct TrueGroup {
    /// `displayName`.
    pub name: String,
    /// Whether it was deleted.
    pub is_deleted: bool,
    /// What it carries.
    pub licenses: Vec<Assigned>,
    /// The users among its direct members.
    pub members: BTreeSet<UserId>,
    /// Whether a change of it, or of its members, is still under way.
    pub is_processing: bool,
}

/// Whose doing a change is.
#[derive(Clone, Debug, PartialEq)]
pub enum Doing {
    /// A request over the wire.
    Wire {
        /// Its body.
        body: Value,
    },
    /// Somebody else, past the wire.
    Administrator(Deed),
    /// Nobody's: a changed group reached a member.
    Processing,
}

/// A change of one user or group.
#[derive(Clone, Debug, PartialEq)]
pub struct Audited {
    /// When.
    pub at: Timestamp,
    /// Of whom.
    pub object: SubjectId,
    /// Whose doing.
    pub doing: Doing,
    /// What it held.
    pub before: Vec<Assigned>,
    /// What it holds since then.
    pub after: Vec<Assigned>,
}

impl Tenant {
    /// How everything stands at `now`.
    pub fn truth(&mut self, now: Timestamp) -> Truth {
        self.advance(now);
        let users = self.state.users.all().map(Seen::into_user);
        let groups = self.state.groups.values().map(History::latest);
        Truth {
            users: users.map(|user| (user.id, self.true_user(&user))).collect(),
            groups: groups.map(|group| (group.id, self.true_group(group))).collect(),
        }
    }

    /// Writes down every change from now on, those of group processing included. A large tenant that
    /// lives for long should not.
    pub fn keep_audit(&mut self) {
        self.audit.get_or_insert_default();
    }

    /// Every change since [`Tenant::keep_audit`], in order; none where nobody asked for it.
    pub fn audit(&self) -> Option<&[Audited]> {
        self.audit.as_deref()
    }

    /// The id of the user who has that UPN now.
    pub fn user_named(&self, upn: &str) -> Option<UserId> {
        self.user_by_key(upn, Found::latest).map(Seen::id)
    }

    /// The id of the first group with that name.
    pub fn group_named(&self, name: &str) -> Option<GroupId> {
        self.groups().find(|group| group.name == name).map(|group| group.id)
    }

    /// The id of an owned license by its part number.
    pub fn license_named(&self, part_number: &str) -> Option<SkuId> {
        self.shelf().find(part_number).map(|owned| owned.id)
    }

    /// The id of a service plan by its name in an owned license.
    pub fn plan_named(&self, license: SkuId, name: &str) -> Option<ServicePlanId> {
        self.shelf().get(license)?.plan(name)
    }

    fn true_user(&self, user: &User) -> TrueUser {
        let given = user.given(self.shelf());
        TrueUser {
            upn: user.upn.clone(),
            is_deleted: user.deleted.is_some(),
            is_on: given.get(&SERVICE_PLAN).copied().is_some_and(Capability::is_usable),
            assignments: held_by(user),
        }
    }

    fn true_group(&self, group: &Group) -> TrueGroup {
        let mut work = self.state.work.values().filter(|work| work.group == group.id);
        TrueGroup {
            name: group.name.clone(),
            is_deleted: group.deleted,
            licenses: carried_by(group),
            members: group.users().collect(),
            is_processing: work.any(|work| work.is_due_for(group)),
        }
    }

    pub(super) fn audit_user(&mut self, user: &User, now: Timestamp) {
        if self.audit.is_none() {
            return;
        }
        let before = self.state.users.latest(user.id).map(|user| held_by(&user));
        self.write_down(SubjectId::User(user.id), before, held_by(user), now);
    }

    pub(super) fn audit_group(&mut self, group: &Group, now: Timestamp) {
        if self.audit.is_none() {
            return;
        }
        let before = self.state.groups.get(&group.id).map(|history| carried_by(history.latest()));
        self.write_down(SubjectId::Group(group.id), before, carried_by(group), now);
    }

    /// The states that processing goes through change no list and are nobody's deed.
    fn write_down(
        &mut self,
        object: SubjectId,
        before: Option<Vec<Assigned>>,
        after: Vec<Assigned>,
        at: Timestamp,
    ) {
        let before = before.unwrap_or_default();
        if self.doing == Doing::Processing && before == after {
            return;
        }
        let audited = Audited { at, object, doing: self.doing.clone(), before, after };
        self.audit.get_or_insert_default().push(audited);
    }
}

fn held_by(user: &User) -> Vec<Assigned> {
    let one = |held: &Held| Assigned {
        license: held.sku,
        by: held.by,
        off: held.disabled.clone(),
        state: held.state,
        error: held.error,
    };
    user.held.iter().map(one).collect()
}

fn carried_by(group: &Group) -> Vec<Assigned> {
    let one = |(license, off): (&SkuId, &BTreeSet<ServicePlanId>)| Assigned {
        license: *license,
        by: None,
        off: off.clone(),
        state: AssignmentState::Active,
        error: None,
    };
    group.licenses.iter().map(one).collect()
}
