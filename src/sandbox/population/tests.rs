//! A described tenant seen from outside: whoever looks cannot tell that nobody is listed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::testing::*;
use super::super::{Deed, NewTenant, Tenant};
use crate::model::{SkuId, UserId};

const USERS: u64 = 4_000;

fn large(seed: u64) -> Tenant {
    let new = NewTenant { users: USERS, seed, off: None, quota: false };
    Tenant::read(&new.text()).unwrap_or_else(|error| panic!("{error}"))
}

/// All objects of a list, page after page.
fn whole(tenant: &mut Tenant, path: &str) -> Vec<Value> {
    let mut path = path.to_owned();
    let mut all = Vec::new();
    loop {
        let answer = tenant.handle(&advanced(&path), noon());
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        let page = json(&answer);
        all.extend(page["value"].as_array().expect("a list").clone());
        match page["@odata.nextLink"].as_str() {
            Some(link) => path = link.strip_prefix("https://graph.microsoft.com").expect("ours").to_owned(),
            None => return all,
        }
    }
}

fn users(tenant: &mut Tenant, rest: &str) -> Vec<Value> {
    whole(tenant, &format!("/v1.0/users?$top=999&{rest}"))
}

fn word<'v>(user: &'v Value, name: &str) -> &'v str {
    user[name].as_str().unwrap_or_default()
}

fn count(tenant: &mut Tenant, filter: &str) -> String {
    let path = format!("/v1.0/users/$count{filter}");
    let answer = tenant.handle(&advanced(&path), noon());
    assert_eq!((answer.status, answer.header("Content-Type")), (200, Some("text/plain")), "{answer:?}");
    String::from_utf8(answer.body).expect("a number")
}

const ALL_PROPERTIES: &str = "$select=id,userPrincipalName,displayName,mail,usageLocation,department,jobTitle,accountEnabled,\
                              userType,onPremisesSyncEnabled,assignedLicenses,licenseAssignmentStates,assignedPlans,\
                              provisionedPlans";

#[test]
fn everybody_is_in_the_list_once_and_is_the_same_alone() {
    let mut tenant = large(7);
    let all = users(&mut tenant, ALL_PROPERTIES);
    assert_eq!(all.len() as u64, USERS);
    let ids: Vec<&str> = all.iter().map(|user| word(user, "id")).collect();
    assert!(ids.is_sorted() && ids.iter().collect::<BTreeSet<_>>().len() == ids.len());
    for user in all.iter().step_by(37) {
        for key in [word(user, "id").to_owned(), word(user, "userPrincipalName").to_uppercase()] {
            let key = key.replace('#', "%23");
            let (status, mut alone) = get(&mut tenant, &format!("/v1.0/users/{key}?{ALL_PROPERTIES}"));
            assert_eq!(status, 200, "{key}");
            alone.as_object_mut().expect("a user").remove("@odata.context");
            assert_eq!(alone, *user);
        }
    }
}

#[test]
fn a_page_is_written_as_values_would_be() {
    let mut tenant = large(7);
    for options in [ALL_PROPERTIES, "$top=999", "$select=userPrincipalName,id,id"] {
        let answer = tenant.handle(&ask("GET", &format!("/v1.0/users?{options}")), noon());
        assert_eq!(json(&answer).to_string().into_bytes(), answer.body, "{options}");
    }
}

#[test]
fn the_tenant_is_as_its_shares_say() {
    let mut tenant = large(7);
    let all = users(&mut tenant, ALL_PROPERTIES);
    let share = |is: &dyn Fn(&Value) -> bool| {
        let count = u32::try_from(all.iter().filter(|user| is(user)).count()).expect("a few thousand");
        f64::from(count) * 100.0 / f64::from(u32::try_from(USERS).expect("a few thousand"))
    };
    let has_auditing = |user: &Value| {
        let plans = user["assignedPlans"].as_array().expect("a list");
        plans.iter().any(|plan| plan["servicePlanId"] == AUDITING.to_string())
    };
    let in_error = |user: &Value| {
        let states = user["licenseAssignmentStates"].as_array().expect("a list");
        states.iter().any(|state| state["error"] != "None")
    };
    assert!((27.0..33.0).contains(&share(&has_auditing)), "{}", share(&has_auditing));
    assert!((3.0..7.0).contains(&share(&|user| user["userType"] == "Guest")));
    assert!((2.5..5.5).contains(&share(&|user| user["accountEnabled"] == false)));
    assert!((0.01..0.5).contains(&share(&in_error)), "{}", share(&in_error));
    let guest = all.iter().find(|user| user["userType"] == "Guest").expect("a guest");
    assert!(word(guest, "userPrincipalName").contains("#EXT#@contoso.onmicrosoft.com"), "{guest}");
}

#[test]
fn filters_find_who_is_like_that() {
    let mut tenant = large(7);
    let all = users(&mut tenant, ALL_PROPERTIES);
    let upn = |user: &Value| word(user, "userPrincipalName").to_lowercase();
    let holds = |user: &Value, sku: SkuId| {
        user["assignedLicenses"].as_array().expect("a list").iter().any(|own| own["skuId"] == sku.to_string())
    };
    let on = |user: &Value| {
        user["assignedPlans"].as_array().expect("a list").iter().any(|plan| {
            plan["servicePlanId"] == AUDITING.to_string() && plan["capabilityStatus"] == "Enabled"
        })
    };
    let some = upn(&all[5]);
    let e5 = format!("assignedLicenses/any(a:a/skuId eq {E5})");
    let either = format!("({e5} or assignedLicenses/any(a:a/skuId eq {O365_E5}))");
    type Is<'a> = &'a dyn Fn(&Value) -> bool;
    let cases: [(String, Is<'_>); 14] = [
        ("startsWith(userPrincipalName,'A')".to_owned(), &|user| upn(user).starts_with('a')),
        ("startsWith(userPrincipalName,'an')".to_owned(), &|user| upn(user).starts_with("an")),
        (format!("startsWith(userPrincipalName,'{}')", &some[..9].replace('\'', "''")), &|user| {
            upn(user).starts_with(&some[..9])
        }),
        (e5.clone(), &|user| holds(user, E5)),
        (format!("startsWith(userPrincipalName,'m') and {either}"), &|user| {
            upn(user).starts_with('m') && (holds(user, E5) || holds(user, O365_E5))
        }),
        ("department eq 'Legal' or department eq 'it'".to_owned(), &|user| {
            matches!(word(user, "department"), "Legal" | "IT")
        }),
        ("department in ('Legal','HR')".to_owned(), &|user| {
            matches!(word(user, "department"), "Legal" | "HR")
        }),
        ("usageLocation eq 'DE'".to_owned(), &|user| user["usageLocation"] == "DE"),
        ("accountEnabled eq false".to_owned(), &|user| user["accountEnabled"] == false),
        ("userType eq 'guest'".to_owned(), &|user| user["userType"] == "Guest"),
        ("not(startsWith(userPrincipalName,'a')) and jobTitle ne 'Manager'".to_owned(), &|user| {
            !upn(user).starts_with('a') && user["jobTitle"] != "Manager"
        }),
        ("assignedLicenses/$count eq 0".to_owned(), &|user| {
            user["assignedLicenses"] == serde_json::json!([])
        }),
        (
            format!("assignedPlans/any(a:a/servicePlanId eq {AUDITING} and a/capabilityStatus eq 'Enabled')"),
            &on,
        ),
        (format!("userPrincipalName eq '{}'", some.replace('\'', "''")), &|user| upn(user) == some),
    ];
    for (filter, is) in cases {
        let expected: Vec<&Value> = all.iter().filter(|user| is(user)).collect();
        let query = format!("$count=true&$filter={}", filter.replace('#', "%23"));
        let found = users(&mut tenant, &format!("{ALL_PROPERTIES}&{query}"));
        assert!(!expected.is_empty() && found.iter().collect::<Vec<_>>() == expected, "{filter}");
        let small = whole(&mut tenant, &format!("/v1.0/users?$top=7&$select=id&{query}"));
        assert_eq!(small.len(), expected.len(), "{filter}");
        let counted = count(&mut tenant, &format!("?$filter={}", filter.replace('#', "%23")));
        assert_eq!(counted, expected.len().to_string(), "{filter}");
    }
    assert_eq!(count(&mut tenant, ""), USERS.to_string());
}

#[test]
fn lanes_of_first_letters_have_everybody_once() {
    let mut tenant = large(7);
    let mut found = BTreeSet::new();
    let mut in_lane = 0;
    for lane in ["abcdefghijklmno", "pqrstuvwxyz0123", "456789_'.-!#^~"] {
        let any: Vec<String> = lane
            .chars()
            .map(|letter| match letter {
                '\'' => "''".to_owned(),
                other => percent_encoding::utf8_percent_encode(
                    &other.to_string(),
                    percent_encoding::NON_ALPHANUMERIC,
                )
                .to_string(),
            })
            .map(|letter| format!("startsWith(userPrincipalName,'{letter}')"))
            .collect();
        let lane = users(&mut tenant, &format!("$select=id&$filter={}", any.join(" or ")));
        in_lane += lane.len();
        found.extend(lane.iter().map(|user| word(user, "id").to_owned()));
    }
    assert_eq!((in_lane as u64, found.len() as u64), (USERS, USERS));
}

#[test]
fn the_same_file_is_the_same_tenant_and_another_seed_another() {
    let shown = |seed: u64| users(&mut large(seed), "$select=id,userPrincipalName,licenseAssignmentStates");
    assert_eq!(shown(7), shown(7));
    let others: BTreeSet<String> = shown(8).iter().map(|user| word(user, "id").to_owned()).collect();
    assert!(shown(7).iter().all(|user| !others.contains(word(user, "id"))));
    assert!(large(7).state == large(7).state && large(7).state != large(8).state);
}

#[test]
fn a_change_of_somebody_described_sticks_and_nobody_else_changes() {
    let mut tenant = large(7);
    let filter = format!("$filter=assignedLicenses/any(a:a/skuId eq {E5})");
    let before = users(&mut tenant, ALL_PROPERTIES);
    let holders = users(&mut tenant, &format!("$select=id&{filter}"));
    let id = word(&holders[3], "id").to_owned();
    let answer =
        tenant.handle(&post(&format!("/v1.0/users/{id}/assignLicense"), &assign(&[AUDITING])), noon());
    assert_eq!(answer.status, 200, "{answer:?}");
    let after = users(&mut tenant, ALL_PROPERTIES);
    let changed: Vec<_> = before.iter().zip(&after).filter(|(before, after)| before != after).collect();
    assert_eq!(changed.len(), 1);
    assert_eq!(word(changed[0].1, "id"), id);
    assert!(changed[0].1["licenseAssignmentStates"].to_string().contains(&noon().to_string()));
    assert_eq!(users(&mut tenant, &format!("$select=id&{filter}")), holders);
}

#[test]
fn somebody_described_can_be_deleted_renamed_and_is_counted_right() {
    let mut tenant = large(7);
    let all = users(&mut tenant, "$select=id,userPrincipalName,assignedLicenses");
    let consumed = |tenant: &mut Tenant| {
        let (_, skus) = get(tenant, "/v1.0/subscribedSkus");
        let pair =
            |sku: &Value| (word(sku, "skuId").to_owned(), sku["consumedUnits"].as_u64().expect("a number"));
        skus["value"].as_array().expect("a list").iter().map(pair).collect::<BTreeMap<_, _>>()
    };
    let before = consumed(&mut tenant);
    let holds = |user: &&Value| user["assignedLicenses"].to_string().contains(&E5.to_string());
    assert_eq!(before[&E5.to_string()], all.iter().filter(holds).count() as u64);
    assert_eq!(count(&mut tenant, ""), USERS.to_string());

    let gone = all.iter().find(holds).expect("a holder");
    let user: UserId = word(gone, "id").parse().expect("an id");
    tenant.administrate(&Deed::DeleteUser { user }, noon()).expect("deleted");
    assert_eq!(consumed(&mut tenant)[&E5.to_string()], before[&E5.to_string()] - 1);
    assert_eq!(count(&mut tenant, ""), (USERS - 1).to_string());
    assert_eq!(users(&mut tenant, "$select=id").len() as u64, USERS - 1);
    tenant.administrate(&Deed::RestoreUser { user }, noon()).expect("restored");
    assert_eq!(consumed(&mut tenant), before);

    let upn = "somebody.else@contoso.com".to_owned();
    tenant.administrate(&Deed::RenameUser { user, upn: upn.clone() }, noon()).expect("renamed");
    assert_eq!(get(&mut tenant, &format!("/v1.0/users/{upn}")).1["id"], gone["id"]);
    let old = word(gone, "userPrincipalName").replace('#', "%23");
    assert_eq!(get(&mut tenant, &format!("/v1.0/users/{old}")).0, 404);
}

/// The ids of a group's members as the wire lists them.
fn members(tenant: &mut Tenant, group: &str, rest: &str) -> Vec<String> {
    let id = tenant.group_named(group).expect("a group");
    let found = whole(tenant, &format!("/v1.0/groups/{id}/members{rest}"));
    found.iter().map(|user| word(user, "id").to_owned()).collect()
}

#[test]
fn a_group_reaches_those_who_are_described_and_only_them() {
    let mut tenant = large(7);
    let group = tenant.group_named("E5 Europe").expect("a group");
    let before = users(&mut tenant, "$select=id,licenseAssignmentStates");
    let ours = |user: &Value| user["licenseAssignmentStates"].to_string().contains(&group.to_string());
    let expected: Vec<String> =
        before.iter().filter(|user| ours(user)).map(|user| word(user, "id").to_owned()).collect();
    assert!(expected.len() > 150, "{}", expected.len());
    assert_eq!(members(&mut tenant, "E5 Europe", "?$top=100&$select=id"), expected);
    let in_error = members(&mut tenant, "E5 Europe", "WithLicenseErrors?$select=id");

    let answer =
        tenant.handle(&post(&format!("/v1.0/groups/{group}/assignLicense"), &assign(&[AUDITING])), noon());
    assert_eq!(answer.status, 202);
    let state = |tenant: &mut Tenant, second: i64| {
        let path = format!("/v1.0/groups/{group}?$select=licenseProcessingState");
        word(&get_at(tenant, &path, after(second)).1["licenseProcessingState"], "state").to_owned()
    };
    assert_eq!(state(&mut tenant, 100), "ProcessingInProgress");
    let ended = state(&mut tenant, 300);
    assert_eq!(ended, if in_error.is_empty() { "ProcessingComplete" } else { "ProcessingFailed" });
    for (before, after) in before.iter().zip(&users(&mut tenant, "$select=id,licenseAssignmentStates")) {
        let id = word(before, "id");
        let reached =
            expected.iter().any(|member| member == id) && !in_error.iter().any(|member| member == id);
        assert_eq!(before != after, reached, "{before} {after}");
    }
}

#[test]
fn members_who_are_described_can_leave_and_come_back() {
    let mut tenant = large(7);
    let (pilot, group) = ("Audit Pilot", tenant.group_named("Audit Pilot").expect("a group"));
    let first = members(&mut tenant, pilot, "?$select=id");
    assert!(first.len() > 5);
    let user: UserId = first[2].parse().expect("an id");
    tenant.administrate(&Deed::RemoveMember { group, user }, noon()).expect("a member");
    assert_eq!(members(&mut tenant, pilot, "?$top=3&$select=id").len(), first.len() - 1);
    tenant.administrate(&Deed::AddMember { group, user }, noon()).expect("no member");
    assert_eq!(members(&mut tenant, pilot, "?$top=3&$select=id"), first);
}

#[test]
fn users_that_are_listed_stand_among_those_that_are_described() {
    let text = NewTenant { users: 20, seed: 7, off: None, quota: false }.text();
    let listed: Vec<String> = (0..20).map(|number| format!("listed{number}@contoso.com")).collect();
    let text = format!("{text}users: [{}]\n", listed.join(", "));
    let mut tenant = Tenant::read(&text).unwrap_or_else(|error| panic!("{error}"));
    let all = whole(&mut tenant, "/v1.0/users?$top=999&$select=id");
    let ids: Vec<&str> = all.iter().map(|user| word(user, "id")).collect();
    assert!(ids.len() == 40 && ids.is_sorted());
    for top in 1..8 {
        assert_eq!(whole(&mut tenant, &format!("/v1.0/users?$top={top}&$select=id")), all);
    }
    let described =
        users(&mut tenant, "$select=userPrincipalName&$filter=startsWith(userPrincipalName,'listed')");
    assert_eq!(described.len(), 20);
    let twice = word(&users(&mut large(7), "$select=userPrincipalName")[0], "userPrincipalName").to_owned();
    let text =
        NewTenant { users: USERS, seed: 7, off: None, quota: false }.text() + "users: [" + &twice + "]\n";
    assert!(Tenant::read(&text).expect_err("twice").to_string().contains("is there twice"));
}

#[test]
fn counting_needs_its_header() {
    let answer = large(7).handle(&ask("GET", "/v1.0/users/$count"), noon());
    assert_eq!(refusal(&answer), (400, "Request_BadRequest: $count is not currently supported.".to_owned()));
    assert_eq!(answer.header("x-ms-resource-unit"), Some("1"));
}

#[test]
fn what_makes_no_sense_says_where() {
    let problem = |from: &str, to: &str| {
        let text = NewTenant { users: 10, seed: 1, off: None, quota: true }.text();
        assert!(text.contains(from), "{from}");
        Tenant::read(&text.replace(from, to)).expect_err("unusable").to_string()
    };
    assert!(problem("SPE_E3: 18%", "SPE_E3: 90%").contains("more than 100%"));
    assert!(
        problem("EXCHANGESTANDARD: 4%", "EXCHANGE: 4%").contains("the tenant owns no license `EXCHANGE`")
    );
    assert!(problem("VPN Users: 35%", "VPN: 35%").contains("there is no user and no group `VPN`"));
    assert!(problem("errors: 0.3%", "errors: 0.3").contains("no share"));
    assert!(problem("users: 10", "users: 0").contains("`users` goes from 1"));
}
