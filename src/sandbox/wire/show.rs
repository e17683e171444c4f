//! What objects look like: each property as JSON.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::super::file::OtherKind;
use super::super::group::{Group, Member};
use super::super::license::{Owned, Shelf};
use super::super::plans::Provisioned;
use super::super::tenant::Tenant;
use super::super::user::{Held, User};
use super::super::words::Capability;
use super::properties::{GROUP, Properties, USER};
use crate::model::{ServicePlanId, Timestamp};

/// The selected properties of an object, or those that are shown without being asked for.
pub fn object(
    properties: &Properties,
    select: Option<&[String]>,
    property: impl Fn(&str) -> Value,
) -> Map<String, Value> {
    match select {
        Some(names) => names.iter().map(|name| (name.clone(), property(name))).collect(),
        None => properties.default.iter().map(|name| ((*name).to_owned(), property(name))).collect(),
    }
}

/// A property of a user.
pub fn user(user: &User, name: &str, shelf: &Shelf) -> Value {
    let words = || user.name.split_once(' ');
    match name {
        "id" => json!(user.id),
        "userPrincipalName" | "mail" => json!(user.upn),
        "displayName" => json!(user.name),
        "givenName" => json!(words().map(|(first, _)| first)),
        "surname" => json!(words().map(|(_, last)| last)),
        "jobTitle" => json!(user.job_title),
        "department" => json!(user.department),
        "mailNickname" => json!(user.upn.split('@').next()),
        "usageLocation" => json!(user.usage_location),
        "accountEnabled" => json!(user.enabled),
        "userType" => json!(if user.guest { "Guest" } else { "Member" }),
        "onPremisesSyncEnabled" => json!(user.synced.then_some(true)), // null: never synced
        "isManagementRestricted" => json!(user.restricted),
        "assignedLicenses" => assigned_licenses(user),
        "licenseAssignmentStates" => user.held.iter().map(state).collect(),
        "assignedPlans" => user.plans.iter().map(|entry| assigned_plan(&entry, shelf)).collect(),
        "provisionedPlans" => user.plans.iter().map(|entry| provisioned_plan(&entry, shelf)).collect(),
        other if USER.lists.contains(&other) => json!([]),
        _ => Value::Null,
    }
}

/// The merged view: one entry for each license, whatever its sources (GRAPH 3.1).
fn assigned_licenses(user: &User) -> Value {
    let entry = |(sku, off)| json!({ "skuId": sku, "disabledPlans": off });
    user.merged().into_iter().map(entry).collect()
}

fn state(held: &Held) -> Value {
    json!({
        "skuId": held.sku,
        "disabledPlans": held.disabled,
        "assignedByGroup": held.by,
        "state": held.state.as_str(),
        "error": held.error.map_or("None", |error| error.as_str()),
        "lastUpdatedDateTime": held.updated.map(seconds),
    })
}

fn assigned_plan(entry: &Provisioned, shelf: &Shelf) -> Value {
    json!({
        "assignedDateTime": entry.since.map(seconds),
        "capabilityStatus": entry.status.as_str(),
        "service": service(entry.plan, shelf),
        "servicePlanId": entry.plan,
    })
}

fn provisioned_plan(entry: &Provisioned, shelf: &Shelf) -> Value {
    json!({
        "capabilityStatus": entry.status.as_str(),
        "provisioningStatus": "Success",
        "service": service(entry.plan, shelf),
    })
}

/// The service behind a service plan. The real names are not documented (GRAPH 3.3): these are
/// likely ones, and nobody should look at them.
pub fn service(plan: ServicePlanId, shelf: &Shelf) -> &'static str {
    let owned = shelf.0.values().find_map(|owned| owned.plans.get(&plan));
    let name = owned.map_or("", |plan| plan.name.as_str());
    let known = [
        ("EXCHANGE", "exchange"),
        ("SHAREPOINT", "SharePoint"),
        ("TEAMS", "TeamspaceAPI"),
        ("MCO", "MicrosoftCommunicationsOnline"),
        ("YAMMER", "YammerEnterprise"),
        ("INTUNE", "SCO"),
        ("AAD", "AADPremiumService"),
        ("RMS", "RMSOnline"),
    ];
    known.iter().find(|(start, _)| name.starts_with(start)).map_or("exchange", |(_, service)| service)
}

/// Graph writes no fractions of a second in these dates.
pub fn seconds(time: Timestamp) -> String {
    format!("{time:.0}")
}

/// A property of a group.
pub fn group(group: &Group, name: &str) -> Value {
    match name {
        "id" => json!(group.id),
        "displayName" => json!(group.name),
        "description" => json!(group.description),
        "securityEnabled" => json!(true),
        "mailEnabled" => json!(false),
        "isManagementRestricted" => json!(group.restricted),
        "assignedLicenses" => {
            let entry = |(sku, off)| json!({ "skuId": sku, "disabledPlans": off });
            group.licenses.iter().map(entry).collect()
        }
        "licenseProcessingState" => {
            group.processing.map_or(Value::Null, |state| json!({ "state": state.as_str() }))
        }
        other if GROUP.lists.contains(&other) => json!([]),
        _ => Value::Null,
    }
}

/// A member that is no user and no group.
pub fn other_member(id: Uuid, member: &Member, name: &str) -> Value {
    match (name, member) {
        ("id", _) => json!(id),
        ("displayName", Member::Other(_, other)) => json!(other.name),
        _ => Value::Null,
    }
}

/// `@odata.type`
pub fn odata_type(member: &Member) -> &'static str {
    match member {
        Member::User(_) => "#microsoft.graph.user",
        Member::Group(_) => "#microsoft.graph.group",
        Member::Other(_, other) => match other.kind {
            OtherKind::Device => "#microsoft.graph.device",
            OtherKind::OrgContact => "#microsoft.graph.orgContact",
            OtherKind::ServicePrincipal => "#microsoft.graph.servicePrincipal",
        },
    }
}

/// A property of the organization.
pub fn organization(tenant: &Tenant, name: &str) -> Value {
    let own = &tenant.settings.organization;
    let domain = |name: &String, initial: bool| {
        json!({
            "name": name,
            "type": "Managed",
            "capabilities": "Email, OfficeCommunicationsOnline",
            "isInitial": initial,
            "isDefault": initial == own.domains.is_empty(),
        })
    };
    match name {
        "id" => json!(own.id),
        "displayName" => json!(own.name.as_deref().or(own.domain.split('.').next())),
        "countryLetterCode" | "defaultUsageLocation" => json!(own.country),
        "tenantType" => json!("AAD"),
        "verifiedDomains" => {
            let further = own.domains.iter().map(|name| domain(name, false));
            std::iter::once(domain(&own.domain, true)).chain(further).collect()
        }
        "assignedPlans" => json!([]),
        _ => Value::Null,
    }
}

/// A property of a license that the tenant owns.
pub fn subscribed_sku(tenant: &Tenant, owned: &Owned, name: &str) -> Value {
    let own = &tenant.settings.organization;
    match name {
        "id" => json!(format!("{}_{}", own.id, owned.id)),
        "accountId" => json!(own.id),
        "accountName" => json!(own.domain.split('.').next()),
        "appliesTo" => json!("User"),
        "capabilityStatus" => json!(owned.status.as_str()),
        "consumedUnits" => json!(tenant.consumed(owned.id)),
        "prepaidUnits" => prepaid(owned),
        "servicePlans" => {
            owned.plans.iter().map(|(id, plan)| service_plan(*id, &plan.name, &plan.provisioning)).collect()
        }
        "skuId" => json!(owned.id),
        "skuPartNumber" => json!(owned.part_number),
        "subscriptionIds" => json!([tenant.settings.seed.guid(&["subscription", &owned.part_number])]),
        _ => Value::Null,
    }
}

/// All seats are in the state that the license is in.
fn prepaid(owned: &Owned) -> Value {
    let seats = |status| if owned.status == status { owned.seats } else { 0 };
    json!({
        "enabled": seats(Capability::Enabled),
        "suspended": seats(Capability::Suspended),
        "warning": seats(Capability::Warning),
        "lockedOut": seats(Capability::LockedOut),
    })
}

fn service_plan(id: ServicePlanId, name: &str, status: &str) -> Value {
    json!({
        "servicePlanId": id,
        "servicePlanName": name,
        "provisioningStatus": status,
        "appliesTo": "User",
    })
}

/// A property of an entry of `licenseDetails`: a license of a user, merged over its sources.
pub fn license_detail(owned: &Owned, off: &std::collections::BTreeSet<ServicePlanId>, name: &str) -> Value {
    match name {
        "id" => json!(format!("{}", owned.id.0.simple())),
        "skuId" => json!(owned.id),
        "skuPartNumber" => json!(owned.part_number),
        "servicePlans" => {
            let plan = |(id, plan): (&ServicePlanId, &super::super::license::OwnedPlan)| {
                let status = if off.contains(id) { "Disabled" } else { &plan.provisioning };
                service_plan(*id, &plan.name, status)
            };
            owned.plans.iter().map(plan).collect()
        }
        _ => Value::Null,
    }
}
