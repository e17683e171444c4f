//! Whom a selector means: with how few requests that is found out, and what comes of an answer that is
//! empty, late, incomplete or refused. Each story is a manifest, a tenant, and what the plan says.

use std::cell::RefCell;
use std::rc::Rc;

use advaudit::clock::Clock;
use advaudit::diag::{Code, Finding};
use advaudit::graph::transport::{Request, Response, Sending, Transport};
use advaudit::model::SubjectId;
use advaudit::plan::planned::Plan;
use advaudit::sandbox::{Deed, InProcess, Tenant};
use serde_json::{Value, json};

use super::common::site::{Site, T, TENANT};
use super::common::world::World;

/// What stands between advaudit and the tenant.
type Spoil = Box<dyn Fn(&str, usize, Value) -> (u16, Value)>;

/// Notes what is asked, and may change what comes back: of each answer the path and the query, how often
/// the path was asked before, and the body.
struct Between {
    tenant: InProcess,
    asked: RefCell<Vec<String>>,
    spoil: Spoil,
}

impl Transport for Between {
    fn send(&self, request: Request) -> Sending<'_> {
        let path = request.uri().path_and_query().unwrap().as_str().trim_start_matches("/v1.0").to_owned();
        let short = |path: &str| path.split('?').next().unwrap().to_owned();
        let eventual = request.headers().contains_key("consistencylevel");
        let before = self.asked.borrow().iter().filter(|own| short(own) == short(&path)).count();
        let mark = if eventual { " (advanced)" } else { "" };
        self.asked.borrow_mut().push(format!("{path}{mark}"));
        Box::pin(async move {
            let (parts, body) = self.tenant.send(request).await?.into_parts();
            if !parts.status.is_success() {
                return Ok(Response::from_parts(parts, body));
            }
            let (status, body) = (self.spoil)(&path, before, serde_json::from_slice(&body).unwrap());
            let mut response = Response::from_parts(parts, body.to_string().into_bytes());
            *response.status_mut() = status.try_into().unwrap();
            Ok(response)
        })
    }
}

/// A tenant, and everything that was asked of it.
struct Watched {
    world: World,
    between: Rc<Between>,
}

fn watched(tenant: &str) -> Watched {
    spoiled(tenant, |_, _, body| (200, body))
}

fn spoiled(tenant: &str, spoil: impl Fn(&str, usize, Value) -> (u16, Value) + 'static) -> Watched {
    let tenant = Tenant::read(&format!("{TENANT}{tenant}")).expect("a tenant");
    let clock = Clock::starting_at(tenant.start().expect("virtual time"));
    let tenant = InProcess::new(tenant, clock.clone());
    let (asked, spoil) = (RefCell::default(), Box::new(spoil) as Spoil);
    let between = Rc::new(Between { tenant: tenant.clone(), asked, spoil });
    Watched { world: World::of(tenant, between.clone(), clock), between }
}

impl Watched {
    fn plan(&self, manifest: &str) -> Plan {
        self.world.plan(manifest).0
    }

    /// The paths that were asked since planning began, without the tenant and its licenses.
    fn asked(&self) -> Vec<String> {
        let asked = self.between.asked.borrow();
        let path = |one: &String| {
            let query = one.split_once('?').map_or("", |(_, query)| query);
            let ids = if query.contains("$select=id&")
                || query.contains("$select=id (")
                || query.ends_with("$select=id")
            {
                " ids"
            } else {
                ""
            };
            let advanced = if one.ends_with("(advanced)") { " advanced" } else { "" };
            format!("{}{ids}{advanced}", one.split('?').next().unwrap())
        };
        let all = asked.iter().map(path);
        all.filter(|path| path != "/organization" && path != "/subscribedSkus").collect()
    }
}

fn finding(plan: &Plan, code: Code) -> &Finding {
    plan.findings.iter().find(|one| one.code == code).unwrap_or_else(|| panic!("{:?}", plan.findings))
}

/// The reasons why something is unknown, by its name.
fn unknown(plan: &Plan) -> Vec<(&str, &str)> {
    plan.unknown.iter().map(|one| (one.subject.name.as_str(), one.reason.as_str())).collect()
}

/// So many people in one department who are members of one group, without a license from it.
fn people(count: usize) -> String {
    let members: Vec<String> = (0..count).map(|number| format!("p{number}@contoso.com")).collect();
    let users: String = members
        .iter()
        .map(|upn| format!("  - {{upn: {upn}, department: Legal, licenses: [SPE_E5]}}\n"))
        .collect();
    format!(
        "groups: [{{name: Watchlist, id: {WATCHLIST}, members: [{}]}}]\nusers:\n{users}",
        members.join(", ")
    )
}

const WATCHLIST: &str = "f04e0000-0000-4000-8000-000000000001";

#[test]
fn two_and_a_half_thousand_members_take_three_requests() {
    let tenant = watched(&people(2500));
    let plan = tenant.plan(&format!("users: [{{membersOf: {WATCHLIST}}}]\n"));
    assert_eq!(plan.summary().in_sync, 2500);
    let members = format!("/groups/{WATCHLIST}/members");
    assert_eq!(tenant.asked(), [members.clone(), members.clone(), members]);
}

#[test]
fn two_and_a_half_thousand_users_of_a_filter_take_three_requests() {
    let tenant = watched(&people(2500));
    let plan = tenant.plan("users: [{filter: department eq 'Legal', members: enabled}]\n");
    assert_eq!(plan.summary().in_sync, 2500);
    assert_eq!(tenant.asked(), ["/users"; 3]);
}

#[test]
fn an_advanced_query_says_who_and_each_of_them_is_read() {
    for (count, read) in [(20, "/$batch"), (45, "/users")] {
        let tenant = watched(&people(count));
        let plan = tenant.plan("users: [{filter: department ne 'Sales'}]\n");
        assert_eq!(plan.summary().in_sync, count);
        assert_eq!(tenant.asked(), ["/users", "/users ids advanced", read], "by filters, or from a list");
    }
}

#[test]
fn beside_all_licensed_each_selection_is_asked_once() {
    let tenant = watched(&people(1200));
    let manifest = "users: [{all: licensed}, {filter: department eq 'Legal'}, {membersOf: Watchlist}, {filter: \
                    department eq 'Legal', members: enabled}]\n";
    let plan = tenant.plan(manifest);
    assert_eq!(plan.summary().in_sync, 1200);
    let members = format!("/groups/{WATCHLIST}/members");
    let of_holders = ["/users", "/users", "/groups ids"];
    let expected = [&["/users", "/users", "/groups", &members, &members], &of_holders[..]].concat();
    assert_eq!(tenant.asked(), expected, "one answer for one filter, and one reading of who holds a license");
}

#[test]
fn who_is_named_beside_a_selector_is_not_read_again() {
    let tenant = watched(&people(3));
    let plan = tenant.plan("users: [p1@contoso.com, {filter: department eq 'Legal'}]\n");
    assert_eq!(plan.summary().in_sync, 3);
    assert_eq!(tenant.asked(), ["/users"]);
}

#[test]
fn without_guests_and_disabled_accounts_and_how_many_those_are_is_told() {
    let tenant = "users:\n  - {upn: in@contoso.com, department: Legal, licenses: [SPE_E5]}\n  - {upn: \
                  left@contoso.com, enabled: false, department: Legal, licenses: [SPE_E5]}\n  - {upn: \
                  guest@contoso.com, guest: true, department: Legal, licenses: [SPE_E5]}\n";
    let plan = watched(tenant).plan("users: [{filter: department eq 'Legal', members: enabled}]\n");
    assert_eq!((plan.summary().in_sync, plan.in_sync[0].subject.name.as_str()), (1, "in@contoso.com"));
    let told = finding(&plan, Code::LeftOut);
    assert_eq!(
        told.message,
        "`filter: department eq 'Legal'`: 1 guest and 1 disabled account are left out by `members: enabled`"
    );
    let plan = watched(tenant).plan("users: [{all: licensed, members: enabled}]\n");
    assert_eq!(plan.summary().in_sync, 1);
    assert_eq!(watched(tenant).plan("users: [{all: licensed}]\n").summary().in_sync, 3);
}

#[test]
fn an_account_of_which_graph_does_not_say_whether_it_is_enabled_stays_in() {
    let tenant = spoiled(&people(1), |_, _, mut body| {
        if let Some(user) = body.pointer_mut("/value/0").filter(|user| user.get("accountEnabled").is_some()) {
            user["accountEnabled"] = Value::Null;
        }
        (200, body)
    });
    let plan = tenant.plan("users: [{filter: department eq 'Legal', members: enabled}]\n");
    assert_eq!(plan.summary().in_sync, 1);
    assert!(finding(&plan, Code::LeftOut).message.contains("does not say"), "{:?}", plan.findings);
}

#[test]
fn a_page_that_fails_in_the_middle_makes_the_selector_unknown_and_others_go_on() {
    for manifest in [
        "users: [{filter: department eq 'Legal'}, {membersOf: Watchlist}]\n",
        "users: [{membersOf: Watchlist}, {filter: department eq 'Legal', allowEmpty: true}]\n",
    ] {
        let tenant = spoiled(&people(1500), |path, before, body| {
            if path.starts_with("/users") && before > 0 { (503, json!({})) } else { (200, body) }
        });
        let plan = tenant.plan(manifest);
        let [(name, reason)] = unknown(&plan)[..] else { panic!("{:?}", plan.unknown) };
        assert_eq!(name, "filter: department eq 'Legal'");
        assert!(reason.contains("503"), "{reason}");
        assert_eq!(plan.summary().in_sync, 1500, "by the group");
    }
}

#[test]
fn an_empty_answer_is_unknown_unless_it_may_be_empty() {
    for (entry, says) in [
        ("filter: department eq 'Treasury'", "it selects nobody"),
        ("membersOf: Empty", "no user is a direct member of the group"),
        ("all: licensed", "nobody holds a license with the service plan"),
    ] {
        let tenant =
            "groups: [{name: Empty, otherMembers: [{type: device, name: x}]}]\nusers: [a@contoso.com]\n";
        let plan = watched(tenant).plan(&format!("users: [{{{entry}}}]\n"));
        let [(name, reason)] = unknown(&plan)[..] else { panic!("{:?}", plan.unknown) };
        assert_eq!(name, entry);
        assert!(reason.starts_with(says) && reason.contains("write `allowEmpty: true`"), "{reason}");

        let plan = watched(tenant).plan(&format!("users: [{{{entry}, allowEmpty: true}}]\n"));
        assert!(plan.is_complete() && plan.changes.is_empty());
        assert_eq!(finding(&plan, Code::EmptySelection).message, format!("`{entry}`: {says}"));
    }
}

#[test]
fn an_empty_answer_that_may_be_true_is_asked_for_twice() {
    let empty_at_first =
        |path: &str, before: usize, body: Value| match path.starts_with("/users") && before == 0 {
            true => (200, json!({ "value": [] })),
            false => (200, body),
        };
    let tenant = spoiled(&people(2), empty_at_first);
    let plan = tenant.plan("users: [{filter: department eq 'Legal', allowEmpty: true}]\n");
    assert_eq!((plan.summary().in_sync, plan.findings.len()), (2, 0));
    let plan = spoiled(&people(2), empty_at_first).plan("users: [{filter: department eq 'Legal'}]\n");
    assert!(!plan.is_complete(), "without it nobody is asked again, and it is unknown");
}

#[test]
fn a_group_that_is_not_there_on_two_reads_or_there_twice_blocks_its_entry() {
    let twins = "groups: [{name: Twin, id: aa000000-0000-4000-8000-000000000001}, {name: Twin, id: \
                 aa000000-0000-4000-8000-000000000002}]\nusers: [{upn: on@contoso.com, licenses: [SPE_E5]}]\n";
    let nobody = "aa000000-0000-4000-8000-00000000000f";
    let tenant = watched(twins);
    let plan = tenant.plan(&format!(
        "users: [on@contoso.com, {{membersOf: Nobody}}, {{membersOf: {nobody}}}, {{membersOf: Twin, allowEmpty: true}}]\n"
    ));
    let blocked: Vec<(&str, &str)> =
        plan.blocked.iter().map(|one| (one.subject.name.as_str(), one.why.code())).collect();
    let by_id = format!("membersOf: {nobody}");
    assert_eq!(
        blocked,
        [("membersOf: Nobody", "not-found"), ("membersOf: Twin", "ambiguous"), (by_id.as_str(), "not-found")]
    );
    assert!(plan.blocked[1].why.reason().contains("aa000000-0000-4000-8000-000000000002"));
    assert_eq!((plan.is_complete(), plan.summary().in_sync), (true, 1));
    let members = format!("/groups/{nobody}/members");
    let twice = |path: &str| tenant.asked().iter().filter(|one| *one == path).count();
    assert_eq!((twice(&members), twice("/groups")), (2, 3));
}

#[test]
fn a_filter_that_graph_refuses_is_told_at_its_place_and_others_go_on() {
    let site = Site::new(
        "users:\n  - on@contoso.com\n  - filter: shoeSize eq '43'\n",
        "users: [{upn: on@contoso.com, licenses: [SPE_E5]}]\n",
    );
    let ran = site.plan().exits(1).shows("1 in sync, 0 blocked, 1 unknown.");
    let ran = ran.shows("? unknown filter: shoeSize eq '43'").shows("warning[filter-refused]");
    ran.shows("manifest.yaml:5:13").shows("'shoeSize' of resource 'User'").shows("correct the filter");
}

#[test]
fn who_is_in_an_index_and_not_in_the_directory_any_more_is_not_selected() {
    let ghost = |path: &str, _: usize, mut body: Value| {
        if path.contains("$count=true") {
            let list = body["value"].as_array_mut().unwrap();
            list.push(json!({ "id": "aa000000-0000-4000-8000-00000000000f" }));
        }
        (200, body)
    };
    let tenant = spoiled(&people(2), ghost);
    let plan = tenant.plan("users: [{filter: department ne 'Sales'}]\n");
    assert_eq!((plan.summary().in_sync, plan.is_complete()), (2, true));
    assert_eq!(tenant.asked().last().map(String::as_str), Some("/$batch"), "asked for twice");
}

#[test]
fn who_is_selected_and_cannot_be_read_is_unknown_by_id() {
    let tenant = "groups: [{name: Watchlist, members: [a@contoso.com, b@contoso.com]}]\nusers:\n  - {upn: \
                  a@contoso.com, licenses: [SPE_E5]}\n  - {upn: b@contoso.com, unreadable: 503, licenses: [SPE_E5]}\n";
    let plan = watched(tenant).plan("users: [{membersOf: Watchlist, except: [zoe@contoso.com]}]\n");
    assert_eq!((plan.summary().in_sync, plan.summary().unknown), (1, 1));
    assert!(plan.unknown[0].subject.id.is_some(), "{:?}", plan.unknown);
    assert!(plan.findings.is_empty(), "zoe may be the one: {:?}", plan.findings);
}

#[test]
fn a_saved_plan_does_not_follow_the_selection() {
    let users = ["a", "b"].map(|name| {
        format!("  - {{upn: {name}@contoso.com, department: Legal, licenses: [{{license: SPE_E5, off: [M365_ADVANCED_AUDITING]}}]}}\n")
    });
    let tenant =
        format!("groups: [{{name: Watchlist, members: [a@contoso.com]}}]\nusers:\n{}", users.concat());
    let site = Site::new("users: [{membersOf: Watchlist}]\n", &tenant);
    let file = site.state().with_file_name("plan.json");
    site.run(&format!("plan {} --out {}", site.manifest(), file.display())).exits(0).shows("1 to enable");
    let member = |name: &'static str, joins: bool| {
        site.somebody(|tenant: &Tenant| {
            let group = tenant.group_named("Watchlist").expect("a group");
            let user = tenant.user_named(&format!("{name}@contoso.com")).expect("a user");
            if joins { Deed::AddMember { group, user } } else { Deed::RemoveMember { group, user } }
        });
    };
    member("a", false);
    member("b", true);
    let ran = site.run(&format!("apply --plan {} --json", file.display())).exits(0).json();
    assert_eq!(ran["subjects"][0]["subject"]["name"], "a@contoso.com", "{ran:#}");
    assert!(site.people().is_on("a@contoso.com") && !site.people().is_on("b@contoso.com"));
    site.plan().exits(0).shows("+ enable b@contoso.com");
}

#[test]
fn only_finds_whom_a_selector_selects_and_does_not_deny_whom_it_could_not_read() {
    let tenant = "users:\n  - {upn: a@contoso.com, department: Legal, licenses: [SPE_E5]}\n  - {upn: b@contoso.com, \
                  department: Legal, licenses: [SPE_E5]}\n";
    let site = Site::new("users: [{filter: department eq 'Legal'}]\n", tenant);
    let only = |who: &str| site.run(&format!("plan {} --only {who}", site.manifest()));
    only("A@contoso.com").exits(0).shows("1 in sync");
    only("zoe@contoso.com").exits(64).complains("declares no `zoe@contoso.com`");
    site.declare("users: [{filter: shoeSize eq '43'}, b@contoso.com]\n");
    only("a@contoso.com").exits(1).shows("? unknown filter: shoeSize eq '43'");
    only("b@contoso.com").exits(0).shows("1 in sync");
}

#[test]
fn whose_name_leads_elsewhere_is_no_concern_of_a_selector() {
    let tenant = watched(&people(2));
    let plan = tenant.plan(&format!(
        "users: [{{user: p0@contoso.com, toggleIfEnabledBefore: {T}}}, {{filter: department eq 'Legal'}}]\n"
    ));
    let toggled: Vec<SubjectId> = plan.changes.iter().map(|one| one.subject.id).collect();
    assert_eq!((toggled.len(), plan.summary().in_sync), (1, 1), "a named entry beats a selector");
}
