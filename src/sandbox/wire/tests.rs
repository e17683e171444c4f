//! Reads, as a client sees them.

use serde_json::{Value, json};

use super::super::Tenant;
use super::super::testing::*;

const PEOPLE: &str = "\
licenses: [SPE_E5, EXCHANGESTANDARD]
users:
  - {upn: o'brien@contoso.com, id: 10000000-0000-4000-8000-000000000001, department: Legal, licenses: [{license: SPE_E5, off: [YAMMER_ENTERPRISE]}]}
  - {upn: ann_fabrikam.com#EXT#@contoso.com, id: 10000000-0000-4000-8000-000000000002, guest: true}
  - {upn: $cash@contoso.com, id: 10000000-0000-4000-8000-000000000003, enabled: false}
groups:
  - name: Legal
    id: 20000000-0000-4000-8000-000000000001
    licenses: [EXCHANGESTANDARD]
    members: [o'brien@contoso.com, Inner]
    otherMembers: [{type: device, name: KIOSK-1}]
  - {name: Inner, id: 20000000-0000-4000-8000-000000000002, members: [$cash@contoso.com]}
  - {name: Inner, id: 20000000-0000-4000-8000-000000000003}
";

const LEGAL: &str = "/v1.0/groups/20000000-0000-4000-8000-000000000001";

fn people() -> Tenant {
    // The two groups called Inner would make the member ambiguous.
    tenant(&PEOPLE.replacen(", Inner]", ", 20000000-0000-4000-8000-000000000002]", 1))
}

fn status(path: &str) -> u16 {
    get(&mut people(), path).0
}

/// The last digits of the ids in a list.
fn ids(list: &Value) -> Vec<u64> {
    let last = |object: &Value| object["id"].as_str().and_then(|id| id.rsplit('-').next()?.parse().ok());
    list["value"].as_array().expect("a list").iter().map(|object| last(object).expect("an id")).collect()
}

fn found(filter: &str) -> Vec<u64> {
    let path = format!("/v1.0/users?$select=id&$filter={}", filter.replace('#', "%23").replace(' ', "%20"));
    let (status, body) = get(&mut people(), &path);
    assert_eq!(status, 200, "{body}");
    ids(&body)
}

#[test]
fn without_a_token_nothing_is_said() {
    let mut ask = ask("GET", "/v1.0/users");
    ask.headers.clear();
    let (status, text) = refusal(&people().handle(&ask, noon()));
    assert_eq!((status, text.as_str()), (401, "InvalidAuthenticationToken: Access token is empty."));
}

#[test]
fn a_user_is_found_by_id_or_upn_in_any_case() {
    for key in [
        "10000000-0000-4000-8000-000000000001",
        "O%27Brien@contoso.com",
        "ann_fabrikam.com%23EXT%23@contoso.com",
    ] {
        assert_eq!(status(&format!("/v1.0/users/{key}")), 200, "{key}");
    }
    assert_eq!(status("/v1.0/users('O''BRIEN@contoso.com')"), 200);
    assert_eq!(status("/v1.0/users('$cash@contoso.com')"), 200);
    assert_eq!(status("/v1.0/users/$cash@contoso.com"), 400);
    assert_eq!(status("/v1.0/users/ann_fabrikam.com#EXT#@contoso.com"), 404);
    assert_eq!(status("/v1.0/users/nobody@contoso.com"), 404);
}

#[test]
fn without_select_no_licensing_property_is_shown() {
    let (_, user) = get(&mut people(), "/v1.0/users/o%27brien@contoso.com");
    assert_eq!(user["userPrincipalName"], "o'brien@contoso.com");
    assert_eq!(user.as_object().expect("an object").len(), 12, "11 properties and the context");
    let (_, group) = get(&mut people(), LEGAL);
    assert!(group.get("assignedLicenses").is_none() && group.get("licenseProcessingState").is_none());
}

#[test]
fn an_unknown_property_is_refused_and_one_that_no_list_has_is_not_implemented() {
    let (status, body) = get(&mut people(), "/v1.0/users?$select=id,licenses");
    assert_eq!(status, 400);
    assert!(body["error"]["message"].as_str().expect("a text").contains("'licenses'"));
    assert_eq!(get(&mut people(), "/v1.0/users?$select=mailboxSettings").0, 501);
    assert_eq!(get(&mut people(), "/v1.0/groups?$select=members").0, 400);
}

#[test]
fn an_assignment_shows_its_source_state_and_date() {
    let (_, user) = get(&mut people(), "/v1.0/users/o%27brien@contoso.com?$select=licenseAssignmentStates");
    let states = user["licenseAssignmentStates"].as_array().expect("states");
    assert_eq!(states.len(), 2);
    assert_eq!(states[0]["assignedByGroup"], Value::Null);
    assert_eq!(states[0]["disabledPlans"].as_array().map(Vec::len), Some(1));
    assert_eq!(states[1]["assignedByGroup"], "20000000-0000-4000-8000-000000000001");
    let word = |key: &str| states[1][key].as_str().expect("a text").to_owned();
    assert_eq!(
        [word("state"), word("error"), word("lastUpdatedDateTime")],
        ["Active", "None", "2025-01-15T08:00:00Z"]
    );
}

#[test]
fn pages_are_linked_until_there_are_no_more() {
    let mut tenant = tenant("generate: {users: 250}\n");
    let mut path = "/v1.0/users?$select=id&$top=100".to_owned();
    let mut sizes = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    loop {
        let (_, page) = get(&mut tenant, &path);
        let items = page["value"].as_array().expect("a list");
        sizes.push(items.len());
        seen.extend(items.iter().map(|user| user["id"].to_string()));
        let Some(link) = page["@odata.nextLink"].as_str() else { break };
        path = link.strip_prefix("https://graph.microsoft.com").expect("the same host").to_owned();
        assert!(path.contains("$select=id&$top=100&$skiptoken="), "{path}");
    }
    assert_eq!((sizes, seen.len()), (vec![100, 100, 50], 250));
}

#[test]
fn a_full_last_page_has_no_link() {
    let (_, page) = get(&mut tenant("generate: {users: 100}\n"), "/v1.0/users");
    assert_eq!(page["value"].as_array().map(Vec::len), Some(100));
    assert!(page.get("@odata.nextLink").is_none());
}

#[test]
fn users_are_filtered() {
    assert_eq!(found("userPrincipalName eq 'O''Brien@contoso.com'"), [1]);
    assert_eq!(found("userPrincipalName in ('ann_fabrikam.com#EXT#@contoso.com','x@contoso.com')"), [2]);
    assert_eq!(found("id in ('10000000-0000-4000-8000-000000000003')"), [3]);
    assert_eq!(found("assignedLicenses/any(a:a/skuId eq 06ebc4ee-1bb5-47dd-8120-11324bc54e06)"), [1]);
    assert_eq!(found("accountEnabled eq true and userType eq 'Member'"), [1]);
    assert_eq!(found("department eq 'legal'"), [1]);
    assert_eq!(found("department eq 'Sales'"), [0; 0]);
}

#[test]
fn advanced_queries_need_header_and_count_and_then_count() {
    let path = "/v1.0/users?$select=id&$count=true&$top=1&$filter=department%20ne%20'Legal'";
    let mut tenant = people();
    assert_eq!(get(&mut tenant, path).0, 400);
    let answer = tenant.handle(&advanced(path), noon());
    let body = json(&answer);
    assert_eq!((answer.status, &body["@odata.count"]), (200, &json!(2)));
    let link = body["@odata.nextLink"].as_str().expect("a link");
    let second = link.strip_prefix("https://graph.microsoft.com").expect("the same host").to_owned();
    assert_eq!(get(&mut tenant, &second).0, 400, "the link does not carry the header");
    let second = json(&tenant.handle(&advanced(&second), noon()));
    assert!(second.get("@odata.count").is_none(), "on the first page only");
    assert_eq!(second["value"].as_array().map(Vec::len), Some(1));
}

#[test]
fn groups_are_found_by_name_which_need_not_be_unique() {
    let (_, inner) = get(&mut people(), "/v1.0/groups?$filter=displayName%20eq%20'Inner'");
    assert_eq!(ids(&inner), [2, 3]);
    let (_, start) = get(&mut people(), "/v1.0/groups?$filter=startsWith(displayName,'leg')");
    assert_eq!(ids(&start), [1]);
    assert_eq!(status("/v1.0/groups/Legal"), 404);
}

#[test]
fn groups_with_members_in_error_can_be_filtered_for_and_list_them() {
    let mut tenant = tenant(
        "licenses: [SPE_E5]\nusers: [{upn: a@contoso.com, inherited: [{group: Legal, error: Other}]}, b@contoso.com]\n\
         groups: [{name: Legal, id: 20000000-0000-4000-8000-000000000001, licenses: [SPE_E5], members: [a@contoso.com, b@contoso.com]}, {name: Sales}]\n",
    );
    let (_, found) = get(&mut tenant, "/v1.0/groups?$filter=hasMembersWithLicenseErrors%20eq%20true");
    assert_eq!(ids(&found), [1]);
    let (_, list) = get(&mut tenant, &format!("{LEGAL}/membersWithLicenseErrors?$select=userPrincipalName"));
    assert_eq!(
        list["value"],
        json!([{"userPrincipalName": "a@contoso.com", "@odata.type": "#microsoft.graph.user"}])
    );
}

#[test]
fn members_are_direct_ones_of_every_kind() {
    let (_, list) = get(&mut people(), &format!("{LEGAL}/members?$select=id,userPrincipalName"));
    let kinds: Vec<&str> = list["value"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|member| member["@odata.type"].as_str().expect("a type"))
        .collect();
    assert_eq!(kinds, ["#microsoft.graph.user", "#microsoft.graph.group", "#microsoft.graph.device"]);
    assert_eq!(list["value"][0]["userPrincipalName"], "o'brien@contoso.com");
}

#[test]
fn members_can_be_asked_for_as_users_with_an_advanced_query() {
    let path = format!("{LEGAL}/members/microsoft.graph.user?$count=true&$select=id");
    let mut tenant = people();
    assert_eq!(get(&mut tenant, &path).0, 400);
    let body = json(&tenant.handle(&advanced(&path), noon()));
    assert_eq!((ids(&body), &body["@odata.count"]), (vec![1], &json!(1)));
    let filtered = json(&tenant.handle(&advanced(&format!("{path}&$filter=department%20eq%20'x'")), noon()));
    assert_eq!(ids(&filtered), [0; 0]);
}

#[test]
fn what_cannot_be_read_is_refused_by_name_and_left_out_of_lists() {
    let mut tenant = tenant(
        "users: [{upn: a@contoso.com, unreadable: 403}, {upn: b@contoso.com, unreadable: 503}, c@contoso.com]\n",
    );
    assert_eq!(get(&mut tenant, "/v1.0/users/a@contoso.com").0, 403);
    assert_eq!(get(&mut tenant, "/v1.0/users/b@contoso.com").0, 503);
    let named = "/v1.0/users?$filter=userPrincipalName%20in%20('b@contoso.com','c@contoso.com')";
    assert_eq!(get(&mut tenant, named).0, 503);
    let (status, list) = get(&mut tenant, "/v1.0/users");
    assert_eq!((status, list["value"].as_array().map(Vec::len)), (200, Some(1)));
}

#[test]
fn the_organization_and_its_licenses_are_shown() {
    let (_, organization) = get(&mut people(), "/v1.0/organization");
    assert_eq!(organization["value"][0]["id"], "8a9b0c1d-0000-4000-8000-000000000001");
    assert_eq!(organization["value"][0]["verifiedDomains"][0]["name"], "contoso.onmicrosoft.com");
    let (_, skus) = get(&mut people(), "/v1.0/subscribedSkus");
    let e5 = &skus["value"][0];
    assert_eq!((&e5["skuPartNumber"], &e5["capabilityStatus"]), (&json!("SPE_E5"), &json!("Enabled")));
    assert_eq!((&e5["consumedUnits"], &e5["prepaidUnits"]["enabled"]), (&json!(1), &json!(11)));
    assert_eq!(e5["servicePlans"].as_array().map(Vec::len), Some(86));
    assert_eq!(status("/v1.0/subscribedSkus?$filter=skuId%20eq%20null"), 400);
}

#[test]
fn license_details_are_the_merged_view() {
    let (_, details) = get(&mut people(), "/v1.0/users/o%27brien@contoso.com/licenseDetails");
    let e5 = &details["value"][0];
    assert_eq!(e5["skuPartNumber"], "SPE_E5");
    let off = e5["servicePlans"].as_array().expect("a list").iter();
    let off: Vec<_> = off.filter(|plan| plan["provisioningStatus"] == "Disabled").collect();
    assert_eq!(off.len(), 1);
    assert_eq!(off[0]["servicePlanName"], "YAMMER_ENTERPRISE");
}

#[test]
fn a_refusal_has_an_envelope_and_every_answer_its_ids_date_and_price() {
    let mut tenant = people();
    let mut ask = ask("GET", "/v1.0/users/nobody@contoso.com");
    ask.headers.push(("client-request-id".to_owned(), "mine".to_owned()));
    let answer = tenant.handle(&ask, noon());
    let error = &json(&answer)["error"];
    assert_eq!(error["code"], "Request_ResourceNotFound");
    assert_eq!(error["innerError"]["date"], "2026-11-22T12:00:00");
    assert_eq!(error["innerError"]["client-request-id"], "mine");
    assert_eq!(answer.header("request-id"), error["innerError"]["request-id"].as_str());
    assert_eq!(answer.header("client-request-id"), Some("mine"));
    assert_eq!(answer.header("Date"), Some("Sun, 22 Nov 2026 12:00:00 GMT"));
    assert_eq!(answer.header("x-ms-resource-unit"), Some("1"));
}

#[test]
fn the_answer_to_a_users_write_is_as_new_as_the_write() {
    let mut tenant =
        tenant("lag: 1h\nlicenses: [SPE_E5]\nusers: [{upn: a@contoso.com, licenses: [SPE_E5]}]\n");
    let answer =
        tenant.handle(&post("/v1.0/users/a@contoso.com/assignLicense", &assign(&[AUDITING])), noon());
    let body = json(&answer);
    assert_eq!(body["assignedLicenses"], json!([{"skuId": E5, "disabledPlans": [AUDITING]}]));
    assert!(body.get("licenseAssignmentStates").is_none(), "only when selected");
}

#[test]
fn the_answer_to_a_groups_write_is_202_with_a_location() {
    let body = json!({"addLicenses": [{"skuId": E5, "disabledPlans": []}], "removeLicenses": []});
    let answer = people().handle(&post(&format!("{LEGAL}/microsoft.graph.assignLicense"), &body), noon());
    assert_eq!(answer.status, 202);
    assert!(answer.header("Location").is_some_and(|link| link.contains("/directoryObjects/2000")));
}

#[test]
fn other_methods_are_not_allowed() {
    for (method, path) in [("DELETE", "/v1.0/users/o%27brien@contoso.com"), ("GET", "/v1.0/$batch")] {
        assert_eq!(people().handle(&ask(method, path), noon()).status, 405, "{method} {path}");
    }
}

#[test]
fn an_empty_page_links_to_the_page_that_was_asked_for() {
    let mut tenant = tenant("users: [a@contoso.com]\nfaults: [{request: 1, answer: emptyPage}]\n");
    let (_, page) = get(&mut tenant, "/v1.0/users?$select=id");
    assert_eq!(page["value"], json!([]));
    let link = page["@odata.nextLink"].as_str().expect("a link");
    let path = link.strip_prefix("https://graph.microsoft.com").expect("the same host").to_owned();
    assert_eq!(get(&mut tenant, &path).1["value"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_foreign_link_leads_to_another_host() {
    let mut tenant = tenant("users: [a@contoso.com]\nfaults: [{request: 1, answer: foreignLink}]\n");
    let (_, page) = get(&mut tenant, "/v1.0/users");
    assert!(
        page["@odata.nextLink"].as_str().is_some_and(|link| link.starts_with("https://graph.example.net/"))
    );
}

#[test]
fn a_refusal_by_fault_says_when_to_come_back_and_does_nothing() {
    let mut tenant = tenant(
        "licenses: [SPE_E5]\nusers: [{upn: a@contoso.com, licenses: [SPE_E5]}]\nfaults: [{write: 1, answer: 429, retryAfter: 3}, {request: 2, answer: html}]\n",
    );
    let write = post("/v1.0/users/a@contoso.com/assignLicense", &assign(&[AUDITING]));
    let answer = tenant.handle(&write, noon());
    assert_eq!((answer.status, answer.header("Retry-After")), (429, Some("3")));
    assert!(tenant.writes().is_empty());
    let html = tenant.handle(&write, noon());
    assert_eq!((html.status, html.header("Content-Type")), (503, Some("text/html")));
    assert_eq!(tenant.handle(&write, noon()).status, 200);
}
