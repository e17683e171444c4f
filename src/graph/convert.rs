//! From the wire to values. What is missing makes that one object unreadable, never empty: a user
//! without `licenseAssignmentStates` in the answer is not a user without licenses (P6).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::str::FromStr;

use serde_json::Value;
use serde_json::value::RawValue;

use super::live::{
    Account, GroupRead, Organization, Processing, ServicePlanEntry, UserRead, is_service_plan,
};
use super::plain::plain;
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
        let shown = |text: &Option<String>| text.as_deref().map(plain);
        Who { what, id: shown(id), name: shown(name) }
    }

    fn malformed(&self, why: impl Into<String>) -> Malformed {
        Malformed { what: self.what, id: self.id.clone(), name: self.name.clone(), why: plain(why) }
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
pub(super) fn unfit(what: &'static str, entry: &RawValue, why: impl Display) -> Malformed {
    let value: Value = serde_json::from_str(entry.get()).unwrap_or_default();
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(plain);
    let name = text("userPrincipalName").or_else(|| text("displayName")).or_else(|| text("skuPartNumber"));
    Malformed { what, id: text("id").or_else(|| text("skuId")), name, why: plain(why.to_string()) }
}

/// A user with `licenseAssignmentStates` selected.
pub(super) fn user(user: wire::User) -> Result<UserRead, Malformed> {
    let who = Who::new("user", &user.id, &user.user_principal_name);
    let states = who.need("licenseAssignmentStates", user.license_assignment_states)?;
    Ok(UserRead {
        id: who.id("id", user.id.as_deref())?,
        upn: plain(who.need("userPrincipalName", user.user_principal_name)?),
        usage_location: user.usage_location.filter(|location| !location.is_empty()).map(plain),
        assignments: assignments(&who, states)?,
        account: account(user.account_enabled, user.user_type.as_deref()),
    })
}

/// Whose account it is. What is not said is no account: whoever leaves out disabled accounts must not
/// leave out somebody about whom nothing is known.
fn account(enabled: Option<bool>, kind: Option<&str>) -> Option<Account> {
    match (kind, enabled) {
        (Some(kind), _) if kind.eq_ignore_ascii_case("Guest") => Some(Account::Guest),
        (_, Some(true)) => Some(Account::Enabled),
        (_, Some(false)) => Some(Account::Disabled),
        (_, None) => None,
    }
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
        state: AssignmentState::from(plain(who.need("state", state.state)?).as_str()),
        error: state.error.map(plain).as_deref().and_then(AssignmentError::parse),
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
            let status = plain(plan.capability_status.unwrap_or_default());
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
        name: group.display_name.map_or_else(|| id.to_string(), plain),
        licenses: licenses.into_iter().map(|(sku, disabled)| Licensed { sku, disabled }).collect(),
        processing: Processing::from(group.license_processing_state.map(plain).as_deref()),
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

/// A member that is a user, with its state where the list shows it; none for a member that is something
/// else. Without a state nothing is known of it but its id: it has to be asked for by itself (P6).
pub(super) fn member_user(member: wire::Member) -> Result<Option<(UserId, Option<UserRead>)>, Malformed> {
    let read = wire::User {
        id: member.id.clone(),
        user_principal_name: member.user_principal_name.clone(),
        usage_location: member.usage_location.clone(),
        account_enabled: member.account_enabled,
        user_type: member.user_type.clone(),
        license_assignment_states: member.license_assignment_states.clone(),
        assigned_plans: None,
    };
    Ok(self::member(member)?.map(|id| (id, user(read).ok())))
}

/// The id of a user of whom nothing else was asked.
pub(super) fn user_id(id: Option<String>) -> Result<UserId, Malformed> {
    Who::new("user", &id, &None).id("id", id.as_deref())
}

/// One license of the tenant.
pub(super) fn license(sku: wire::SubscribedSku) -> Result<License, Malformed> {
    let who = Who::new("license", &sku.sku_id, &sku.sku_part_number);
    let id = who.id("skuId", sku.sku_id.as_deref())?;
    let mut plans = BTreeMap::new();
    for plan in who.need("servicePlans", sku.service_plans)? {
        let plan_id: ServicePlanId = who.id("servicePlanId", plan.service_plan_id.as_deref())?;
        let name = plan.service_plan_name.map_or_else(|| plan_id.to_string(), plain);
        let provisioning = plain(plan.provisioning_status.unwrap_or_default());
        plans.insert(plan_id, ServicePlan { name, provisioning });
    }
    Ok(License {
        id,
        part_number: sku.sku_part_number.map_or_else(|| id.to_string(), plain),
        status: LicenseStatus::from(plain(sku.capability_status.unwrap_or_default()).as_str()),
        plans,
    })
}

/// The tenant.
pub(super) fn organization(organization: wire::Organization) -> Result<Organization, Malformed> {
    let who = Who::new("organization", &organization.id, &None);
    let mut domains = who.need("verifiedDomains", organization.verified_domains)?;
    domains.sort_by_key(|domain| domain.is_default != Some(true));
    Ok(Organization {
        id: who.id("id", organization.id.as_deref())?,
        domains: domains.into_iter().filter_map(|domain| domain.name).map(plain).collect(),
    })
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;
    use serde_json::json;

    use super::*;
    use crate::graph::testing::{ADELE, AUDITING, E5, LEGAL, SWAY, group as group_json, user as user_json};
    use crate::model::SERVICE_PLAN;

    fn wire<T: DeserializeOwned>(value: Value) -> T {
        serde_json::from_value(value).expect("the wire takes it")
    }

    fn read(value: Value) -> Result<UserRead, Malformed> {
        user(wire(value))
    }

    fn state(value: Value) -> Value {
        let mut state =
            json!({ "skuId": E5, "disabledPlans": [], "assignedByGroup": null, "state": "Active" });
        for (key, value) in value.as_object().expect("an object") {
            state[key] = value.clone();
        }
        state
    }

    fn with_states(states: &[Value]) -> Value {
        json!({ "id": ADELE, "userPrincipalName": "a@x.com", "licenseAssignmentStates": states })
    }

    #[test]
    fn a_user_is_read_with_every_source_of_its_licenses() {
        let by_group = state(
            json!({ "assignedByGroup": LEGAL.to_uppercase(), "disabledPlans": [AUDITING.to_uppercase()] }),
        );
        let user = read(with_states(&[state(json!({})), by_group])).expect("a user");
        assert_eq!(user.assignments.len(), 2);
        assert_eq!(user.assignments[0].by, AssignedBy::Direct);
        assert_eq!(user.assignments[1].by, AssignedBy::Group(LEGAL.parse().expect("an id")));
        assert!(user.assignments[1].disabled.contains(&SERVICE_PLAN));
    }

    #[test]
    fn an_account_is_disabled_or_a_guests_only_where_graph_says_so() {
        let account = |more: Value| {
            let mut json = with_states(&[]);
            json.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            read(json).expect("a user").account
        };
        assert_eq!(account(json!({})), None);
        assert_eq!(account(json!({ "accountEnabled": null, "userType": "Member" })), None);
        assert_eq!(account(json!({ "accountEnabled": true, "userType": null })), Some(Account::Enabled));
        assert_eq!(account(json!({ "accountEnabled": false, "userType": 5 })), Some(Account::Disabled));
        assert_eq!(account(json!({ "accountEnabled": true, "userType": "guest" })), Some(Account::Guest));
    }

    #[test]
    fn no_error_has_three_spellings() {
        for error in [json!(null), json!(""), json!("None")] {
            let user = read(with_states(&[state(json!({ "error": error }))])).expect("a user");
            assert_eq!(user.assignments[0].error, None);
        }
        let user = read(with_states(&[state(json!({ "error": "CountViolation" }))])).expect("a user");
        assert_eq!(user.assignments[0].error, Some(AssignmentError::CountViolation));
    }

    #[test]
    fn unknown_words_and_fields_are_kept_or_ignored() {
        let user = read(with_states(&[state(json!({ "state": "Dreaming", "isNew": { "deep": [1] } }))]))
            .expect("a user");
        assert_eq!(user.assignments[0].state, AssignmentState::Other("Dreaming".to_owned()));
    }

    #[test]
    fn a_user_whose_licenses_were_not_sent_is_unreadable_and_not_without_licenses() {
        for states in [json!(null), json!("gone")] {
            let value =
                json!({ "id": ADELE, "userPrincipalName": "a@x.com", "licenseAssignmentStates": states });
            let text = serde_json::value::to_raw_value(&value).expect("JSON");
            let outcome = crate::graph::page::fit("user", &text).and_then(user);
            let malformed = outcome.expect_err("unreadable");
            assert_eq!(malformed.id.as_deref(), Some(ADELE));
            assert!(malformed.to_string().starts_with("user a@x.com: "), "{malformed}");
        }
        assert!(read(json!({ "id": ADELE, "userPrincipalName": "a@x.com" })).is_err());
        assert_eq!(read(with_states(&[])).expect("without licenses").assignments, []);
    }

    #[test]
    fn what_a_write_would_need_has_to_be_there() {
        for hole in [
            json!({ "skuId": null }),
            json!({ "skuId": "not-an-id" }),
            json!({ "disabledPlans": null }),
            json!({ "disabledPlans": ["not-an-id"] }),
            json!({ "assignedByGroup": "" }),
            json!({ "state": null }),
        ] {
            assert!(read(with_states(&[state(hole.clone())])).is_err(), "{hole}");
        }
        assert!(read(json!({ "id": ADELE, "licenseAssignmentStates": [] })).is_err(), "without a UPN");
        assert!(read(json!({ "userPrincipalName": "a@x.com", "licenseAssignmentStates": [] })).is_err());
    }

    #[test]
    fn one_source_twice_is_one_unless_the_two_differ() {
        let one = state(json!({}));
        let user = read(with_states(&[one.clone(), one.clone()])).expect("the same twice");
        assert_eq!(user.assignments.len(), 1);
        let other = state(json!({ "disabledPlans": [SWAY] }));
        assert!(read(with_states(&[one, other])).is_err());
    }

    #[test]
    fn a_date_that_cannot_be_read_is_no_date() {
        let user =
            read(with_states(&[state(json!({ "lastUpdatedDateTime": "yesterday" }))])).expect("a user");
        assert_eq!(user.assignments[0].updated, None);
        let user = read(user_json(ADELE, "a@x.com", &[])).expect("a user");
        assert_eq!(user.assignments[0].updated, Some("2026-11-20T08:00:00Z".parse().expect("a time")));
    }

    #[test]
    fn the_processing_state_is_an_object_or_a_word_or_null() {
        let processing = |value: Value| {
            let mut json = group_json(LEGAL, "E5 Legal", &[]);
            json["licenseProcessingState"] = value;
            group(wire(json)).expect("a group").processing
        };
        assert_eq!(processing(json!({ "state": "ProcessingInProgress" })), Processing::InProgress);
        assert_eq!(processing(json!({ "state": null })), Processing::None);
        assert_eq!(processing(json!("QueuedForProcessing")), Processing::Queued);
        assert_eq!(processing(json!(null)), Processing::None);
        assert_eq!(processing(json!({ "state": "Napping" })), Processing::Other("Napping".to_owned()));
        assert!(processing(json!("ProcessingFailed")).is_finished());
        assert!(!processing(json!("Napping")).is_finished());
    }

    #[test]
    fn a_group_without_its_licenses_in_the_answer_is_unreadable() {
        for licenses in [json!(null), json!([{ "disabledPlans": [] }]), json!([{ "skuId": E5 }])] {
            let json = json!({ "id": LEGAL, "displayName": "E5 Legal", "assignedLicenses": licenses });
            assert!(group(wire(json)).is_err(), "{licenses}");
        }
        let twice = json!([{ "skuId": E5, "disabledPlans": [] }, { "skuId": E5, "disabledPlans": [SWAY] }]);
        assert!(group(wire(json!({ "id": LEGAL, "assignedLicenses": twice }))).is_err());
        assert!(
            group(wire(json!({ "id": LEGAL, "assignedLicenses": [] }))).expect("a group").licenses.is_empty()
        );
    }

    #[test]
    fn a_member_has_to_say_what_it_is() {
        let read = |value: Value| member(wire(value));
        assert!(
            read(json!({ "@odata.type": "#microsoft.graph.user", "id": ADELE })).expect("a user").is_some()
        );
        assert_eq!(read(json!({ "@odata.type": "#microsoft.graph.device", "id": "odd" })), Ok(None));
        assert!(read(json!({ "id": ADELE })).is_err());
        assert!(read(json!({ "@odata.type": "#microsoft.graph.user" })).is_err());
    }

    #[test]
    fn only_entries_of_the_service_plan_are_kept_and_one_without_an_id_is_not_skipped() {
        let entries =
            |plans: Value| service_plan_entries(wire(json!({ "id": ADELE, "assignedPlans": plans })));
        let found = entries(json!([
            { "servicePlanId": SWAY, "capabilityStatus": "Enabled" },
            { "servicePlanId": AUDITING.to_uppercase(), "capabilityStatus": "Deleted",
              "assignedDateTime": "2025-01-01T00:00:00Z" },
            { "servicePlanId": AUDITING, "capabilityStatus": "Enabled", "assignedDateTime": "2026-01-01T00:00:00Z" }
        ]))
        .expect("entries");
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].is_usable(), found[1].is_usable()), (false, true));
        assert!(found[1].assigned > found[0].assigned);
        assert!(entries(json!([{ "capabilityStatus": "Enabled" }])).is_err());
        assert!(entries(json!(null)).is_err());
    }

    #[test]
    fn a_license_needs_its_id_and_its_service_plans() {
        let sku = json!({
            "skuId": E5, "skuPartNumber": "SPE_E5", "capabilityStatus": "Warning", "consumedUnits": 7,
            "servicePlans": [{
                "servicePlanId": AUDITING, "servicePlanName": "M365_ADVANCED_AUDITING",
                "provisioningStatus": "Success"
            }]
        });
        let found = license(wire(sku)).expect("a license");
        assert!(found.has_service_plan() && found.status == LicenseStatus::Warning);
        assert!(license(wire(json!({ "skuId": E5 }))).is_err());
        assert!(license(wire(json!({ "servicePlans": [] }))).is_err());
        assert!(license(wire(json!({ "skuId": E5, "servicePlans": [{}] }))).is_err());
    }

    #[test]
    fn the_default_domain_comes_first() {
        let domains = json!([
            { "name": "contoso.onmicrosoft.com", "isInitial": true },
            { "name": "contoso.com", "isDefault": true }
        ]);
        let found = organization(wire(json!({ "id": LEGAL, "verifiedDomains": domains }))).expect("a tenant");
        assert_eq!(found.domains, ["contoso.com", "contoso.onmicrosoft.com"]);
        assert!(organization(wire(json!({ "verifiedDomains": [] }))).is_err());
    }
}
