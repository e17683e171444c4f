//! From the wire to values. What is missing makes that one object unreadable, never empty: a user
//! without `licenseAssignmentStates` in the answer is not a user without licenses (P6).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::str::FromStr;

use serde_json::Value;

use super::live::{GroupRead, Organization, Processing, ServicePlanEntry, UserRead, is_service_plan};
use super::wire;
use crate::model::{
    AssignedBy, Assignment, AssignmentError, AssignmentState, License, LicenseStatus, Licensed, ServicePlan,
    ServicePlanId, Timestamp, UserId,
};

/// One object of an answer that cannot be read. The others can.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} {}: {why}", name.as_deref().or(id.as_deref()).unwrap_or("without an id"))]
pub struct Malformed {
    /// `user`, `group`, `license`, …
    pub what: &'static str,
    /// Its id as it was sent, where there was one.
    pub id: Option<String>,
    /// Its UPN or name as it was sent, where there was one.
    pub name: Option<String>,
    /// What is wrong with it.
    pub why: String,
}

/// Who an object is, kept aside while the rest of it is taken apart.
struct Who {
    what: &'static str,
    id: Option<String>,
    name: Option<String>,
}

impl Who {
    fn new(what: &'static str, id: &Option<String>, name: &Option<String>) -> Self {
        Who { what, id: id.clone(), name: name.clone() }
    }

    fn malformed(&self, why: impl Into<String>) -> Malformed {
        Malformed { what: self.what, id: self.id.clone(), name: self.name.clone(), why: why.into() }
    }

    /// A field that has to be there.
    fn need<T>(&self, field: &str, value: Option<T>) -> Result<T, Malformed> {
        value.ok_or_else(|| self.malformed(format!("`{field}` is missing")))
    }

    /// An id that has to be there and be one.
    fn id<T: FromStr<Err: Display>>(&self, field: &str, value: Option<&str>) -> Result<T, Malformed> {
        let text = self.need(field, value)?;
        text.parse().map_err(|error| self.malformed(format!("`{field}` is not an id: {error}")))
    }

    /// A list of service plans. One that is missing must not be read as empty: written back, an
    /// empty list turns every service plan on (GRAPH 4.2).
    fn plans(&self, field: &str, ids: Option<Vec<String>>) -> Result<BTreeSet<ServicePlanId>, Malformed> {
        self.need(field, ids)?.iter().map(|id| self.id(field, Some(id))).collect()
    }
}

/// An entry whose types are not those of the wire at all.
pub(super) fn unfit(what: &'static str, value: &Value, why: impl Display) -> Malformed {
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let name = text("userPrincipalName").or_else(|| text("displayName")).or_else(|| text("skuPartNumber"));
    Malformed { what, id: text("id").or_else(|| text("skuId")), name, why: why.to_string() }
}

/// A user with `licenseAssignmentStates` selected.
pub(super) fn user(user: wire::User) -> Result<UserRead, Malformed> {
    let who = Who::new("user", &user.id, &user.user_principal_name);
    let states = who.need("licenseAssignmentStates", user.license_assignment_states)?;
    Ok(UserRead {
        id: who.id("id", user.id.as_deref())?,
        upn: who.need("userPrincipalName", user.user_principal_name)?,
        name: user.display_name,
        usage_location: user.usage_location.filter(|location| !location.is_empty()),
        account_enabled: user.account_enabled,
        assignments: assignments(&who, states)?,
    })
}

/// One entry for each license and source. The same entry twice is one; two that differ leave open
/// which is true.
fn assignments(who: &Who, states: Vec<wire::LicenseAssignmentState>) -> Result<Vec<Assignment>, Malformed> {
    let mut assignments: Vec<Assignment> = Vec::with_capacity(states.len());
    for state in states {
        let assignment = assignment(who, state)?;
        match assignments.iter().find(|other| other.sku == assignment.sku && other.by == assignment.by) {
            None => assignments.push(assignment),
            Some(other) if *other == assignment => {}
            Some(_) => {
                return Err(
                    who.malformed(format!("license {} is there twice from one source", assignment.sku))
                );
            }
        }
    }
    Ok(assignments)
}

fn assignment(who: &Who, state: wire::LicenseAssignmentState) -> Result<Assignment, Malformed> {
    let by = match state.assigned_by_group {
        None => AssignedBy::Direct,
        Some(group) => AssignedBy::Group(who.id("assignedByGroup", Some(&group))?),
    };
    Ok(Assignment {
        sku: who.id("skuId", state.sku_id.as_deref())?,
        by,
        disabled: who.plans("disabledPlans", state.disabled_plans)?,
        state: AssignmentState::from(who.need("state", state.state)?.as_str()),
        error: state.error.as_deref().and_then(AssignmentError::parse),
        updated: time(state.last_updated_date_time),
    })
}

/// A date that cannot be read is no date, and no date decides nothing (DESIGN 4).
fn time(text: Option<String>) -> Option<Timestamp> {
    text.and_then(|text| text.parse().ok())
}

/// A user's entries of `assignedPlans` for *the* service plan. An entry that does not say which
/// service plan it is for could be the newest of ours, so it makes the user unreadable.
pub(super) fn service_plan_entries(user: wire::User) -> Result<Vec<ServicePlanEntry>, Malformed> {
    let who = Who::new("user", &user.id, &user.user_principal_name);
    let mut entries = Vec::new();
    for plan in who.need("assignedPlans", user.assigned_plans)? {
        if is_service_plan(&who.need("servicePlanId", plan.service_plan_id)?) {
            let status = plan.capability_status.unwrap_or_default();
            entries.push(ServicePlanEntry { status, assigned: time(plan.assigned_date_time) });
        }
    }
    Ok(entries)
}

/// A group with `assignedLicenses` and `licenseProcessingState` selected.
pub(super) fn group(group: wire::Group) -> Result<GroupRead, Malformed> {
    let who = Who::new("group", &group.id, &group.display_name);
    let id = who.id("id", group.id.as_deref())?;
    let mut licenses = BTreeMap::new();
    for license in who.need("assignedLicenses", group.assigned_licenses)? {
        let sku = who.id("skuId", license.sku_id.as_deref())?;
        let disabled = who.plans("disabledPlans", license.disabled_plans)?;
        if licenses.insert(sku, disabled.clone()).is_some_and(|other| other != disabled) {
            return Err(who.malformed(format!("license {sku} is there twice")));
        }
    }
    Ok(GroupRead {
        id,
        name: group.display_name.unwrap_or_else(|| id.to_string()),
        licenses: licenses.into_iter().map(|(sku, disabled)| Licensed { sku, disabled }).collect(),
        processing: Processing::from(group.license_processing_state.as_deref()),
    })
}

/// The id of a member that is a user; none for a member that is something else. Even where the
/// application may not read a member, its type and id are sent (GRAPH 4.4).
pub(super) fn member(member: wire::Member) -> Result<Option<UserId>, Malformed> {
    let who = Who::new("member", &member.id, &None);
    let kind = who.need("@odata.type", member.kind)?;
    if !kind.eq_ignore_ascii_case("#microsoft.graph.user") {
        return Ok(None);
    }
    who.id("id", member.id.as_deref()).map(Some)
}

/// One license of the tenant.
pub(super) fn license(sku: wire::SubscribedSku) -> Result<License, Malformed> {
    let who = Who::new("license", &sku.sku_id, &sku.sku_part_number);
    let id = who.id("skuId", sku.sku_id.as_deref())?;
    let mut plans = BTreeMap::new();
    for plan in who.need("servicePlans", sku.service_plans)? {
        let plan_id: ServicePlanId = who.id("servicePlanId", plan.service_plan_id.as_deref())?;
        let name = plan.service_plan_name.unwrap_or_else(|| plan_id.to_string());
        let provisioning = plan.provisioning_status.unwrap_or_default();
        plans.insert(plan_id, ServicePlan { name, provisioning });
    }
    Ok(License {
        id,
        part_number: sku.sku_part_number.unwrap_or_else(|| id.to_string()),
        status: LicenseStatus::from(sku.capability_status.unwrap_or_default().as_str()),
        plans,
    })
}

/// The tenant.
pub(super) fn organization(organization: wire::Organization) -> Result<Organization, Malformed> {
    let who = Who::new("organization", &organization.id, &organization.display_name);
    let mut domains = who.need("verifiedDomains", organization.verified_domains)?;
    domains.sort_by_key(|domain| domain.is_default != Some(true));
    Ok(Organization {
        id: who.id("id", organization.id.as_deref())?,
        name: organization.display_name,
        domains: domains.into_iter().filter_map(|domain| domain.name).collect(),
    })
}
