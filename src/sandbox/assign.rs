//! The rules of `assignLicense` (GRAPH 4).

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::group::Group;
use super::license::Shelf;
use super::user::{Held, User};
use super::wire::Refusal;
use super::words::AssignmentState;
use crate::model::{ServicePlanId, SkuId, Timestamp};

/// A request to change licenses that makes sense in this tenant.
#[derive(Debug, PartialEq)]
pub struct Order {
    /// What is assigned, each with its whole list of what is off.
    add: BTreeMap<SkuId, BTreeSet<ServicePlanId>>,
    remove: BTreeSet<SkuId>,
}

/// The body as it is sent. Both lists are required by the schema (GRAPH 4.1).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Body {
    add_licenses: Vec<Added>,
    remove_licenses: Vec<SkuId>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Added {
    sku_id: SkuId,
    #[serde(default)]
    disabled_plans: Vec<ServicePlanId>,
}

impl Order {
    /// Reads the body and holds it against what the tenant owns.
    pub fn read(body: &Value, shelf: &Shelf) -> Result<Self, Refusal> {
        let body = Body::deserialize(body).map_err(|error| Refusal::bad(error.to_string()))?;
        let remove: BTreeSet<SkuId> = body.remove_licenses.into_iter().collect();
        let mut add = BTreeMap::new();
        for Added { sku_id, disabled_plans } in body.add_licenses {
            if remove.contains(&sku_id) {
                return Err(Refusal::bad(format!("License {sku_id} is both added and removed.")));
            }
            check_owned(sku_id, &disabled_plans, shelf)?;
            if add.insert(sku_id, disabled_plans.into_iter().collect()).is_some() {
                return Err(Refusal::bad(format!("License {sku_id} is added more than once.")));
            }
        }
        match remove.iter().find(|sku| shelf.get(**sku).is_none()) {
            Some(sku) => Err(Refusal::not_owned(*sku)),
            None => Ok(Order { add, remove }),
        }
    }

    /// Whether it can be done to that user. `consumed` counts who holds a license already.
    pub fn check_for_user(
        &self,
        user: &User,
        shelf: &Shelf,
        consumed: impl Fn(SkuId) -> u64,
    ) -> Result<(), Refusal> {
        if !self.add.is_empty() && user.usage_location.as_ref().is_none_or(String::is_empty) {
            return Err(Refusal::bad(
                "License assignment cannot be done for user with invalid usage location.",
            ));
        }
        for sku in self.add.keys() {
            let seats = shelf.get(*sku).map_or(0, |owned| owned.seats);
            if !user.has(*sku) && consumed(*sku) >= seats {
                return Err(Refusal::bad(format!(
                    "Subscription with SKU {sku} does not have any available licenses."
                )));
            }
        }
        self.remove.iter().try_for_each(|sku| check_removable(user, *sku))
    }

    /// Whether it can be done to that group.
    pub fn check_for_group(&self, group: &Group) -> Result<(), Refusal> {
        match self.remove.iter().find(|sku| !group.licenses.contains_key(sku)) {
            Some(_) => Err(Refusal::bad("Group does not have a corresponding license.")),
            None => Ok(()),
        }
    }

    /// Does it: the list that is sent takes the place of the old one, and a license that was only
    /// inherited becomes a direct one beside it (GRAPH 4.2). An assignment in error stays so.
    pub fn apply_to_user(&self, user: &mut User, now: Timestamp) {
        user.held.retain(|held| !(held.is_direct() && self.remove.contains(&held.sku)));
        for (sku, off) in &self.add {
            if let Some(held) = user.held_mut(*sku, None) {
                held.disabled.clone_from(off);
                held.updated = Some(now);
                continue;
            }
            user.held.push(Held {
                sku: *sku,
                by: None,
                disabled: off.clone(),
                state: AssignmentState::Active,
                error: None,
                updated: Some(now),
            });
        }
    }

    /// Does it; the members follow later.
    pub fn apply_to_group(&self, group: &mut Group) {
        group.licenses.retain(|sku, _| !self.remove.contains(sku));
        group.licenses.extend(self.add.clone());
        group.changes += 1;
    }
}

fn check_owned(sku: SkuId, off: &[ServicePlanId], shelf: &Shelf) -> Result<(), Refusal> {
    let owned = shelf.get(sku).filter(|owned| owned.is_assignable());
    let Some(owned) = owned else { return Err(Refusal::not_owned(sku)) };
    match off.iter().find(|plan| !owned.plans.contains_key(plan)) {
        Some(plan) => Err(Refusal::bad(format!(
            "License assignment failed because service plan {plan} is not part of the license {sku}."
        ))),
        None => Ok(()),
    }
}

fn check_removable(user: &User, sku: SkuId) -> Result<(), Refusal> {
    let mut sources = user.held.iter().filter(|held| held.sku == sku).peekable();
    if sources.peek().is_none() {
        return Err(Refusal::bad("User does not have a corresponding license."));
    }
    if sources.any(Held::is_direct) {
        return Ok(());
    }
    Err(Refusal::bad(
        "User license is inherited from a group membership and it cannot be removed directly from the user.",
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::*;
    use super::super::{Answer, Tenant};
    use super::*;

    const A: &str = "/v1.0/users/a@contoso.com/assignLicense";

    fn with_direct() -> Tenant {
        tenant(
            "licenses: [SPE_E5, ENTERPRISEPREMIUM]\nusers:\n  \
             - {upn: a@contoso.com, licenses: [{license: SPE_E5, off: [YAMMER_ENTERPRISE]}]}\n",
        )
    }

    fn with_inherited() -> Tenant {
        tenant(
            "licenses: [SPE_E5]\nusers: [a@contoso.com]\ngroups:\n  \
             - {name: Legal, licenses: [SPE_E5], members: [a@contoso.com]}\n",
        )
    }

    fn write(tenant: &mut Tenant, body: &Value) -> Answer {
        tenant.handle(&post(A, body), noon())
    }

    fn refused(tenant: &mut Tenant, body: &Value) -> String {
        let before = tenant.state.clone();
        let (status, text) = refusal(&write(tenant, body));
        assert_eq!(status, 400, "{text}");
        assert!(tenant.state == before && tenant.writes().is_empty(), "a refusal changes nothing");
        text
    }

    #[test]
    fn the_list_that_is_sent_replaces_the_old_one() {
        let mut tenant = with_direct();
        assert_eq!(write(&mut tenant, &assign(&[AUDITING])).status, 200);
        let held = &user(&tenant, "a@contoso.com").held;
        assert_eq!(held.len(), 1);
        assert_eq!(held[0].disabled, BTreeSet::from([AUDITING]), "YAMMER_ENTERPRISE is on again");
        assert_eq!(held[0].updated, Some(noon()));
    }

    #[test]
    fn a_license_that_is_only_inherited_becomes_a_second_direct_one() {
        let mut tenant = with_inherited();
        write(&mut tenant, &assign(&[AUDITING]));
        let user = user(&tenant, "a@contoso.com");
        assert_eq!(user.held.iter().filter(|held| held.is_direct()).count(), 1);
        assert_eq!(user.held.len(), 2);
        assert!(user.given(tenant.shelf()).contains_key(&AUDITING), "the group still gives it");
    }

    #[test]
    fn both_lists_are_required() {
        let text = refused(&mut with_direct(), &json!({"addLicenses": []}));
        assert!(text.contains("removeLicenses"), "{text}");
        let text = refused(&mut with_direct(), &json!({"removeLicenses": []}));
        assert!(text.contains("addLicenses"), "{text}");
    }

    #[test]
    fn a_service_plan_of_another_license_is_refused() {
        let unknown: ServicePlanId = "11111111-1111-4111-8111-111111111111".parse().expect("a GUID");
        let text = refused(&mut with_direct(), &assign(&[AUDITING, unknown]));
        assert!(text.contains(&unknown.to_string()), "{text}");
    }

    #[test]
    fn a_license_that_the_tenant_does_not_own_is_refused() {
        let sku = "11111111-1111-4111-8111-111111111111";
        let body = json!({"addLicenses": [{"skuId": sku, "disabledPlans": []}], "removeLicenses": []});
        let text = refused(&mut with_direct(), &body);
        assert_eq!(
            text,
            format!("Request_BadRequest: License {sku} does not correspond to a valid company License.")
        );
    }

    #[test]
    fn a_license_that_is_not_paid_for_any_more_cannot_be_assigned() {
        let mut tenant = tenant(
            "licenses: [{license: SPE_E5, status: Suspended}]\nusers: [{upn: a@contoso.com, licenses: [SPE_E5]}]\n",
        );
        let text = refused(&mut tenant, &assign(&[AUDITING]));
        assert!(text.ends_with("does not correspond to a valid company License."), "{text}");
    }

    #[test]
    fn a_user_without_usage_location_is_refused() {
        let mut tenant = tenant(
            "licenses: [SPE_E5]\nusers: [{upn: a@contoso.com, usageLocation: none, licenses: [SPE_E5]}]\n",
        );
        let text = refused(&mut tenant, &assign(&[]));
        assert!(text.contains("invalid usage location"), "{text}");
    }

    #[test]
    fn no_seats_left_is_refused_except_for_who_holds_the_license() {
        let mut tenant = tenant(
            "licenses: [{license: SPE_E5, seats: 1}]\nusers: [{upn: b@contoso.com, licenses: [SPE_E5]}, a@contoso.com]\n",
        );
        let text = refused(&mut tenant, &assign(&[]));
        assert_eq!(
            text,
            format!("Request_BadRequest: Subscription with SKU {E5} does not have any available licenses.")
        );
        let answer =
            tenant.handle(&post("/v1.0/users/b@contoso.com/assignLicense", &assign(&[AUDITING])), noon());
        assert_eq!(answer.status, 200);
    }

    #[test]
    fn one_license_cannot_be_added_and_removed_in_one_call() {
        let body = json!({"addLicenses": [{"skuId": E5, "disabledPlans": []}], "removeLicenses": [E5]});
        assert!(refused(&mut with_direct(), &body).contains("both"));
    }

    #[test]
    fn an_inherited_license_cannot_be_removed_from_the_user() {
        let body = json!({"addLicenses": [], "removeLicenses": [E5]});
        assert!(refused(&mut with_inherited(), &body).contains("inherited from a group membership"));
        let mut tenant = with_direct();
        assert_eq!(write(&mut tenant, &body).status, 200);
        assert!(user(&tenant, "a@contoso.com").held.is_empty());
    }

    #[test]
    fn several_licenses_go_in_one_call() {
        let mut tenant = with_direct();
        let added = |sku| json!({"skuId": sku, "disabledPlans": [AUDITING]});
        let body = json!({"addLicenses": [added(E5), added(O365_E5)], "removeLicenses": []});
        assert_eq!(write(&mut tenant, &body).status, 200);
        assert_eq!(user(&tenant, "a@contoso.com").held.len(), 2);
        assert_eq!(tenant.writes().len(), 1);
    }

    #[test]
    fn an_object_in_a_restricted_unit_is_refused_with_403() {
        let mut tenant = tenant(
            "licenses: [SPE_E5]\nusers: [{upn: a@contoso.com, restricted: true, licenses: [SPE_E5]}]\n",
        );
        let (status, text) = refusal(&write(&mut tenant, &assign(&[])));
        assert_eq!(status, 403);
        assert_eq!(text, "Authorization_RequestDenied: Insufficient privileges to complete the operation.");
    }

    #[test]
    fn what_an_assignment_in_error_is_changed_to_is_still_in_error() {
        let mut tenant = tenant(
            "licenses: [SPE_E5]\nusers: [{upn: a@contoso.com, licenses: [{license: SPE_E5, error: Other}]}]\n",
        );
        write(&mut tenant, &assign(&[]));
        assert_eq!(user(&tenant, "a@contoso.com").held[0].state, AssignmentState::Error);
    }
}
