//! From the wire to values. What is missing makes that one object unreadable, never empty: a user
//! without `licenseAssignmentStates` in the answer is not a user without licenses (P6).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::str::FromStr;

use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use super::live::{Account, GroupRead, Organization, Processing, ServicePlanEntry, UserRead};
use super::plain::plain;
use super::scalar::Guid;
use super::wire;
use crate::model::{
    AssignedBy, Assignment, AssignmentError, AssignmentState, GroupId, License, LicenseStatus, Licensed,
    ServicePlan, ServicePlanId, SkuId, UserId,
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

/// Who an object is, for when something of it is missing.
#[derive(Clone, Copy)]
struct Who<'a> {
    what: &'static str,
    id: Option<&'a dyn Display>,
    name: Option<&'a String>,
}

impl<'a> Who<'a> {
    fn new(what: &'static str, id: Option<&'a dyn Display>, name: &'a Option<String>) -> Self {
        Who { what, id, name: name.as_ref() }
    }

    fn malformed(&self, why: impl Into<String>) -> Malformed {
        let id = self.id.map(|id| plain(id.to_string()));
        Malformed { what: self.what, id, name: self.name.map(plain), why: plain(why) }
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

    /// The same of an id that was taken in as one.
    fn guid(&self, field: &str, value: Option<&Guid>) -> Result<Uuid, Malformed> {
        match self.need(field, value)? {
            Guid::Is(id) => Ok(*id),
            Guid::Not(text) => self.id::<Hyphenated>(field, Some(text)).map(Hyphenated::into_uuid),
        }
    }

    /// A list of service plans. One that is missing must not be read as empty: written back, an
    /// empty list turns every service plan on (GRAPH 4.2).
    fn plans(&self, field: &str, ids: Option<&[Guid]>) -> Result<BTreeSet<ServicePlanId>, Malformed> {
        self.need(field, ids)?.iter().map(|id| self.guid(field, Some(id)).map(ServicePlanId)).collect()
    }
}

/// An id where one is shown, if there is one.
fn shown<T: Display>(id: &Option<T>) -> Option<&dyn Display> {
    id.as_ref().map(|id| id as &dyn Display)
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
    let who = Who::new("user", shown(&user.id), &user.user_principal_name);
    let states = who.need("licenseAssignmentStates", user.license_assignment_states.as_deref())?;
    let id = UserId(who.guid("id", user.id.as_ref())?);
    who.need("userPrincipalName", user.user_principal_name.as_deref())?;
    let assignments = assignments(&who, states)?;
    let dates = user.assigned_plans.as_ref().map(|plans| entries(&who, plans)).transpose()?;
    Ok(UserRead {
        id,
        upn: plain(user.user_principal_name.unwrap_or_default()),
        usage_location: user.usage_location.filter(|location| !location.is_empty()).map(plain),
        assignments,
        account: account(user.account_enabled, user.user_type.as_deref()),
        dates,
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
fn assignments(who: &Who<'_>, states: &[wire::LicenseAssignmentState]) -> Result<Vec<Assignment>, Malformed> {
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

fn assignment(who: &Who<'_>, state: &wire::LicenseAssignmentState) -> Result<Assignment, Malformed> {
    let by = match &state.assigned_by_group {
        None => AssignedBy::Direct,
        Some(group) => AssignedBy::Group(GroupId(who.guid("assignedByGroup", Some(group))?)),
    };
    let error = state.error.as_ref().map(|error| AssignmentError::parse(&error.0));
    Ok(Assignment {
        sku: SkuId(who.guid("skuId", state.sku_id.as_ref())?),
        by,
        disabled: who.plans("disabledPlans", state.disabled_plans.as_deref())?,
        state: plain_state(AssignmentState::from(who.need("state", state.state.as_ref())?.0.as_ref())),
        error: error.flatten().map(plain_error),
        updated: state.last_updated_date_time.and_then(|moment| moment.0),
    })
}

/// Words that are known are as they should be; only others can hold anything.
fn plain_state(state: AssignmentState) -> AssignmentState {
    match state {
        AssignmentState::Other(word) => AssignmentState::Other(plain(word)),
        known => known,
    }
}

fn plain_error(error: AssignmentError) -> AssignmentError {
    match error {
        AssignmentError::Other(word) => AssignmentError::Other(plain(word)),
        known => known,
    }
}

/// A user's entries of `assignedPlans` for *the* service plan, with its id.
pub(super) fn service_plan_entries(user: wire::User) -> Result<(UserId, Vec<ServicePlanEntry>), Malformed> {
    let who = Who::new("user", shown(&user.id), &user.user_principal_name);
    let entries = entries(&who, who.need("assignedPlans", user.assigned_plans.as_ref())?)?;
    Ok((UserId(who.guid("id", user.id.as_ref())?), entries))
}

/// An entry that does not say which service plan it is for could be the newest of ours, so it makes the
/// user unreadable.
fn entries(who: &Who<'_>, plans: &wire::AssignedPlans) -> Result<Vec<ServicePlanEntry>, Malformed> {
    let entry = |plan: &wire::AssignedPlan| {
        who.need("servicePlanId", plan.service_plan_id.as_ref())?;
        let status = plan.capability_status.as_ref().map_or("", |status| &status.0);
        Ok(ServicePlanEntry { status: plain(status), assigned: plan.assigned_date_time })
    };
    plans.0.iter().map(entry).collect()
}

/// A group with `assignedLicenses` and `licenseProcessingState` selected.
pub(super) fn group(group: wire::Group) -> Result<GroupRead, Malformed> {
    let who = Who::new("group", shown(&group.id), &group.display_name);
    let id = who.id("id", group.id.as_deref())?;
    let mut licenses = BTreeMap::new();
    for license in who.need("assignedLicenses", group.assigned_licenses.as_ref())? {
        let sku = who.id("skuId", license.sku_id.as_deref())?;
        let ids =
            license.disabled_plans.as_ref().map(|ids| ids.iter().map(|id| Guid::of(id)).collect::<Vec<_>>());
        let disabled = who.plans("disabledPlans", ids.as_deref())?;
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
    let who = Who::new("member", shown(&member.id), &None);
    let kind = who.need("@odata.type", member.kind.as_ref())?;
    if !kind.0.eq_ignore_ascii_case("#microsoft.graph.user") {
        return Ok(None);
    }
    who.guid("id", member.id.as_ref()).map(|id| Some(UserId(id)))
}

/// A member that is a user, with its state where the list shows it; none for a member that is something
/// else. Without a state nothing is known of it but its id: it has to be asked for by itself (P6).
pub(super) fn member_user(member: wire::Member) -> Result<Option<(UserId, Option<UserRead>)>, Malformed> {
    let wire::Member { kind, id, user_principal_name, usage_location, .. } = member;
    let bare = wire::Member { kind, id: id.clone(), ..wire::Member::default() };
    let Some(own) = self::member(bare)? else { return Ok(None) };
    let read = wire::User {
        id,
        user_principal_name,
        usage_location,
        account_enabled: member.account_enabled,
        user_type: member.user_type,
        license_assignment_states: member.license_assignment_states,
        assigned_plans: None,
    };
    Ok(Some((own, user(read).ok())))
}

/// The id of a user of whom nothing else was asked.
pub(super) fn user_id(id: Option<Guid>) -> Result<UserId, Malformed> {
    Who::new("user", shown(&id), &None).guid("id", id.as_ref()).map(UserId)
}

/// The id of a group of which nothing else was asked.
pub(super) fn group_id(id: Option<String>) -> Result<GroupId, Malformed> {
    Who::new("group", shown(&id), &None).id("id", id.as_deref())
}

/// One license of the tenant.
pub(super) fn license(sku: wire::SubscribedSku) -> Result<License, Malformed> {
    let who = Who::new("license", shown(&sku.sku_id), &sku.sku_part_number);
    let id = who.id("skuId", sku.sku_id.as_deref())?;
    let mut plans = BTreeMap::new();
    for plan in who.need("servicePlans", sku.service_plans.as_ref())? {
        let plan_id: ServicePlanId = who.id("servicePlanId", plan.service_plan_id.as_deref())?;
        let name = plan.service_plan_name.as_ref().map_or_else(|| plan_id.to_string(), plain);
        let provisioning = plain(plan.provisioning_status.clone().unwrap_or_default());
        plans.insert(plan_id, ServicePlan { name, provisioning });
    }
    Ok(License {
        id,
        part_number: sku.sku_part_number.map_or_else(|| id.to_string(), plain),
        status: LicenseStatus::from(plain(sku.capability_status.unwrap_or_default()).as_str()),
        holders: sku.consumed_units.and_then(|units| units.parse().ok()),
        plans,
    })
}

/// The tenant.
pub(super) fn organization(organization: wire::Organization) -> Result<Organization, Malformed> {
    let who = Who::new("organization", shown(&organization.id), &None);
    let mut domains = who.need("verifiedDomains", organization.verified_domains.clone())?;
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
        .expect("entries")
        .1;
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
