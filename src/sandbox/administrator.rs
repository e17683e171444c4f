//! What somebody else does to the tenant while a run is under way: past the wire, at a time of the
//! caller's choice, and then visible over the wire as late as any other change (GRAPH 12).

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::deed::{Deed, Done};
use super::group::Group;
use super::license::Owned;
use super::tenant::{Happened, Tenant};
use super::truth::Doing;
use super::user::User;
use super::users::Found;
use super::wire::Refusal;
use super::words::Capability;
use crate::model::{GroupId, ServicePlanId, SignedDuration, SkuId, SubjectId, Timestamp, UserId};

/// How long a deleted user can be restored.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

impl Tenant {
    /// Does at `now` what somebody else might. It is no request: no fault meets it and it is not
    /// counted. What Graph would refuse is refused in Graph's words, and then nothing is done.
    pub fn administrate(&mut self, deed: &Deed, now: Timestamp) -> Result<(), Refusal> {
        self.advance(now);
        self.doing = Doing::Administrator(deed.clone());
        let done = self.do_deed(deed, now);
        self.doing = Doing::Processing;
        done?;
        self.advance(now); // without processing time the members of groups change at once
        let done = Done { at: now, deed: deed.clone() };
        self.tell(&Happened::Deed(&done));
        Ok(())
    }

    fn do_deed(&mut self, deed: &Deed, now: Timestamp) -> Result<(), Refusal> {
        match deed {
            Deed::Assign { to, license, off } => self.change_licenses(*to, &assigns(*license, off), now),
            Deed::TurnOn { of, license, plan } => {
                let mut off = self.off_of(*of, *license)?;
                off.remove(plan);
                self.change_licenses(*of, &assigns(*license, &off), now)
            }
            Deed::TurnOff { of, license, plan } => {
                let mut off = self.off_of(*of, *license)?;
                off.insert(*plan);
                self.change_licenses(*of, &assigns(*license, &off), now)
            }
            Deed::Remove { from, license } => self.change_licenses(*from, &removes(*license), now),
            Deed::MoveToGroup { user, license, group } => {
                let is_member = self.group(*group)?.has_user(*user);
                self.change_licenses(SubjectId::User(*user), &removes(*license), now)?;
                if is_member { Ok(()) } else { self.add_member(*group, *user, now) }
            }
            Deed::DeleteUser { user } => self.delete_user(*user, now),
            Deed::RestoreUser { user } => self.restore_user(*user, now),
            Deed::RenameUser { user, upn } => self.rename_user(*user, upn, now),
            Deed::AddMember { group, user } => self.add_member(*group, *user, now),
            Deed::RemoveMember { group, user } => self.remove_member(*group, *user, now),
            Deed::DeleteGroup { group } => self.delete_group(*group, now),
            Deed::Suspend { license } => self.set_status(*license, Capability::Suspended, now),
            Deed::Resume { license } => self.set_status(*license, Capability::Enabled, now),
            Deed::LeaveSeats { license, free } => {
                let seats = self.consumed(*license).saturating_add(*free);
                self.change_license(*license, now, |owned| owned.seats = seats)
            }
            Deed::Reprocess { user } => self.reprocess(*user, now),
        }
    }

    /// What is off in the subject's own assignment of that license.
    fn off_of(&self, subject: SubjectId, license: SkuId) -> Result<BTreeSet<ServicePlanId>, Refusal> {
        let off = match subject {
            SubjectId::User(id) => {
                let user = self.user(id)?;
                let held = user.held.iter().find(|held| held.is_direct() && held.sku == license);
                held.map(|held| held.disabled.clone())
            }
            SubjectId::Group(id) => self.group(id)?.licenses.get(&license).cloned(),
        };
        off.ok_or_else(|| Refusal::bad("It does not have a corresponding license."))
    }

    fn delete_user(&mut self, id: UserId, now: Timestamp) -> Result<(), Refusal> {
        let user = User { deleted: Some(now), ..self.user(id)?.into_owned() };
        self.change_user(user, now);
        Ok(())
    }

    /// As it was: the licenses that it had itself are what they were when it was deleted. Those of its
    /// groups are brought up to date.
    fn restore_user(&mut self, id: UserId, now: Timestamp) -> Result<(), Refusal> {
        let not_found = || Refusal::not_found(&id.to_string());
        let user = self.state.users.latest(id).ok_or_else(not_found)?;
        let deleted = user.deleted.ok_or_else(not_found)?;
        if now.duration_since(deleted) > KEPT {
            return Err(not_found());
        }
        self.is_free(&user.upn)?;
        let mut user = User { deleted: None, ..user.into_owned() };
        user.provision(self.shelf(), now, self.settings.plan_dates);
        self.change_user(user, now);
        let is_member = |group: &&Group| group.has_user(id);
        let groups: Vec<GroupId> = self.groups().filter(is_member).map(|group| group.id).collect();
        for group in groups {
            self.plan_move(group, id, now);
        }
        Ok(())
    }

    fn rename_user(&mut self, id: UserId, upn: &str, now: Timestamp) -> Result<(), Refusal> {
        let user = User { upn: upn.to_owned(), ..self.user(id)?.into_owned() };
        self.is_free(upn)?;
        let known = self.state.upns.entry(upn.to_lowercase()).or_default();
        if !known.contains(&id) {
            known.push(id);
        }
        self.change_user(user, now);
        Ok(())
    }

    fn is_free(&self, upn: &str) -> Result<(), Refusal> {
        match self.user_by_key(upn, Found::latest) {
            Some(_) => Err(Refusal::bad(
                "Another object with the same value for property userPrincipalName already exists.",
            )),
            None => Ok(()),
        }
    }

    fn add_member(&mut self, group: GroupId, user: UserId, now: Timestamp) -> Result<(), Refusal> {
        self.user(user)?;
        if self.group(group)?.has_user(user) {
            return Err(Refusal::bad(
                "One or more added object references already exist for the following modified properties: 'members'.",
            ));
        }
        self.change_members(group, user, now, Group::add)
    }

    fn remove_member(&mut self, group: GroupId, user: UserId, now: Timestamp) -> Result<(), Refusal> {
        if !self.group(group)?.has_user(user) {
            return Err(Refusal::not_found(&user.to_string()));
        }
        self.change_members(group, user, now, Group::remove)
    }

    fn change_members(
        &mut self,
        group: GroupId,
        user: UserId,
        now: Timestamp,
        change: fn(&mut Group, UserId),
    ) -> Result<(), Refusal> {
        let mut group = self.group(group)?.clone();
        change(&mut group, user);
        self.plan_move(group.id, user, now);
        self.change_group(group, now);
        Ok(())
    }

    fn delete_group(&mut self, id: GroupId, now: Timestamp) -> Result<(), Refusal> {
        let group = self.group(id)?;
        if !group.licenses.is_empty() {
            return Err(Refusal::bad("A group with active licenses assigned cannot be deleted."));
        }
        let group = Group { deleted: true, ..group.clone() };
        self.change_group(group, now);
        Ok(())
    }

    /// What people can use of it changes with it (GRAPH 3.3); their assignments stay.
    fn set_status(&mut self, license: SkuId, status: Capability, now: Timestamp) -> Result<(), Refusal> {
        self.change_license(license, now, |owned| owned.status = status)?;
        let holds = |user: &Cow<'_, User>| user.held.iter().any(|held| held.sku == license);
        let holders: Vec<User> = self.users().filter(holds).map(Cow::into_owned).collect();
        for mut user in holders {
            user.provision(self.shelf(), now, self.settings.plan_dates);
            self.change_user(user, now);
        }
        Ok(())
    }

    fn change_license(
        &mut self,
        license: SkuId,
        now: Timestamp,
        change: impl FnOnce(&mut Owned),
    ) -> Result<(), Refusal> {
        let mut shelf = self.shelf().clone();
        change(shelf.0.get_mut(&license).ok_or_else(|| Refusal::not_owned(license))?);
        self.shelf.change(now, shelf, self.settings.lag);
        Ok(())
    }

    pub(super) fn reprocess(&mut self, id: UserId, now: Timestamp) -> Result<(), Refusal> {
        let mut user = self.user(id)?.into_owned();
        let groups: BTreeSet<GroupId> = user.held.iter().filter_map(|held| held.by).collect();
        user.held.retain(|held| held.is_direct() || !held.has_error());
        user.to_come.clear();
        self.change_user(user, now);
        for group in groups {
            let group = self.group(group)?.clone();
            self.reach(&group, id, now);
        }
        Ok(())
    }
}

fn assigns(license: SkuId, off: &BTreeSet<ServicePlanId>) -> Value {
    json!({ "addLicenses": [{ "skuId": license, "disabledPlans": off }], "removeLicenses": [] })
}

fn removes(license: SkuId) -> Value {
    json!({ "addLicenses": [], "removeLicenses": [license] })
}

#[cfg(test)]
mod tests;
