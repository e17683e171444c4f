//! Large tenants: what is read of them, in how many requests and lanes, and that nobody is missed by it. In virtual
//! time, in which a request takes 50 ms, so that waiting can be counted.

use std::rc::Rc;
use std::sync::Arc;

use advaudit::clock::Clock;
use advaudit::diag::Source;
use advaudit::graph::{Client, Cloud, Lanes, Reader, Root, Spent, Token};
use advaudit::model::SignedDuration;
use advaudit::observe::collect;
use advaudit::observe::observed::Observed;
use advaudit::observe::reading::Knows;
use advaudit::observe::ways::Way;
use advaudit::plan::passing::Passing;
use advaudit::plan::planned::Plan;
use advaudit::plan::resolve::resolve;
use advaudit::plan::running::Running;
use advaudit::sandbox::{InProcess, NewTenant, Tenant};

use super::common::site::{MANIFEST, TENANT};

/// What came of reading and deciding.
struct Planned {
    plan: Plan,
    observed: Observed,
    spent: Spent,
    took: SignedDuration,
}

/// How it is read.
#[derive(Clone, Copy)]
struct How {
    lanes: usize,
    passes_by: bool,
}

const ONE_LANE: How = How { lanes: 1, passes_by: true };

fn plan(tenant: &str, manifest: &str, how: How) -> Planned {
    let tenant = Tenant::read(tenant).expect("a tenant");
    let clock = Clock::starting_at(tenant.start().expect("virtual time"));
    let tenant = InProcess::new(tenant, clock.clone());
    let token = Rc::new(Token::new("any").expect("a token"));
    let client = Client::new(Rc::new(tenant), Root::of(Cloud::Global), token, clock.clone());
    let reader = Reader::new(client.clone());
    let source = Arc::new(Source::new("manifest.yaml", manifest));
    let (declared, _) = advaudit::manifest::read(source, clock.now()).expect("a manifest");
    let running = Running::default();
    let last_on = running.left_on();
    let passing = Passing::new(&declared, &running, &[]);
    let passes_by = |user: &_, account, asked, catalog: &_| {
        how.passes_by && passing.passes_by(user, account, asked, catalog)
    };
    let knows = Knows { last_on: &last_on, passes_by: &passes_by, lanes: Lanes::Exactly(how.lanes) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let observed = runtime.block_on(clock.drive(async {
        let own = collect::tenant(&reader).await.expect("a tenant");
        collect::collect(&reader, &declared, own, knows, &clock).await.expect("read")
    }));
    let took = clock.ticks() - Clock::starting_at(observed_start()).ticks();
    let desired = resolve(&declared, &observed, &running);
    let plan = advaudit::plan::plan(&desired, &observed, &running, observed_start());
    Planned { plan, observed, spent: client.spent(), took }
}

fn observed_start() -> advaudit::model::Timestamp {
    "2026-11-22T09:00:00Z".parse().expect("a time")
}

/// A tenant as `sandbox new` makes it, at the time of the others.
fn population(users: u64) -> String {
    let text = NewTenant { users, seed: 7, off: None, quota: false }.text();
    let start = format!("now: {}\n", observed_start());
    match text.lines().find(|line| line.starts_with("now:")) {
        Some(line) => text.replace(&format!("{line}\n"), &start),
        None => format!("{text}{start}"),
    }
}

fn manifest(rest: &str) -> String {
    format!("apiVersion: advaudit/v1\ntenant: contoso.onmicrosoft.com\nlimits: {{toggle: 100%}}\n{rest}")
}

/// Everything that a plan says but who is in sync, by name.
fn says(plan: &Plan) -> String {
    let Plan { changes, blocked, unknown, findings, limits, max_off, canary, estimate, .. } = plan;
    format!(
        "{:?}\n{changes:#?}\n{blocked:#?}\n{unknown:#?}\n{findings:#?}\n{limits:#?}\n{max_off} {canary:?} {estimate:?}",
        plan.summary()
    )
}

#[test]
fn a_plan_of_those_who_are_kept_says_what_a_plan_of_everybody_says() {
    let tenant = population(1_500);
    for rest in [
        "users:\n  - all: licensed\n",
        "users:\n  - {all: licensed, toggleIfEnabledBefore: 2026-01-01T00:00:00Z}\n",
        "users:\n  - {all: licensed, members: enabled}\n  - {filter: department eq 'Sales'}\n",
        "users:\n  - {all: licensed}\n  - {filter: department eq 'Legal', toggleIfEnabledBefore: 2026-11-01T00:00:00Z}\n",
        "users:\n  - {membersOf: VPN Users}\n  - {all: licensed, toggleIfEnabledBefore: 2025-06-01T00:00:00Z}\ngroups:\n  - E5 Field Staff\n  - {group: E5 Legal, toggleIfEnabledBefore: 2026-11-01T00:00:00Z}\n",
    ] {
        let [kept, all] =
            [true, false].map(|passes_by| plan(&tenant, &manifest(rest), How { lanes: 1, passes_by }));
        assert!(says(&kept.plan) == says(&all.plan), "{rest}\n{}\n{}", says(&kept.plan), says(&all.plan));
        assert!(kept.observed.users.len() < all.observed.users.len(), "{rest}");
    }
}

#[test]
fn of_whom_nothing_follows_only_the_id_is_kept() {
    let planned = plan(&population(10_000), &manifest("users:\n  - all: licensed\n"), ONE_LANE);
    let summary = planned.plan.summary();
    assert!(summary.in_sync > 2_000, "{summary:?}");
    let worth_a_look = summary.enable + summary.blocked + planned.plan.findings.len();
    assert!(planned.observed.users.len() <= worth_a_look, "{} kept", planned.observed.users.len());
    assert!(planned.plan.in_sync.len() <= planned.plan.findings.len());
}

/// Pages of users, at 999.
fn pages(users: usize) -> u64 {
    users.div_ceil(999) as u64
}

#[test]
fn everybody_with_a_license_is_read_from_the_list_of_holders() {
    let planned = plan(&population(20_000), &manifest("users:\n  - all: licensed\n"), ONE_LANE);
    let holders = planned.plan.summary();
    let holders = holders.enable + holders.in_sync + holders.blocked;
    // Whose tenant it is, its licenses, in which groups somebody is in error and who, the names of groups, and
    // the dates of whoever is in error by itself: beside the list itself.
    let beside = 1 + 3 + 1 + 8 + 1 + 1;
    let units = planned.spent.resource_units;
    assert!((pages(holders)..=pages(holders) + beside + 1).contains(&units), "{units} for {holders} holders");
    assert!(pages(20_000) > pages(holders) * 2);
    assert_eq!(planned.observed.ways[0].prices[0].way, Way::Holders);
}

#[test]
fn a_tenant_of_one_page_is_read_in_one_page() {
    let tenant = format!("{TENANT}generate: {{users: 900, license: SPE_E5, off: 9}}\n");
    let planned = plan(&tenant, &format!("{MANIFEST}users:\n  - all: licensed\n"), ONE_LANE);
    assert_eq!((planned.spent.requests, planned.spent.resource_units), (3, 1 + 3 + 1));
    assert_eq!(planned.plan.summary().enable, 9);
}

/// So many users by name, of a tenant of ten thousand who hold the license.
fn named(count: usize) -> Planned {
    let tenant = format!("{TENANT}generate: {{users: 10000, name: p, license: SPE_E5, off: 1%}}\n");
    let names: String =
        (0..count).map(|at| format!("  - p{:03}@contoso.onmicrosoft.com\n", at * 7 + 1)).collect();
    plan(&tenant, &format!("{MANIFEST}users:\n{names}"), ONE_LANE)
}

#[test]
fn names_are_read_fifteen_to_a_unit_or_from_the_list_whichever_is_cheaper() {
    for (count, units, way) in [(1, 1, Way::Filters), (100, 7, Way::Filters), (1_400, 11, Way::Holders)] {
        let planned = named(count);
        let spent = planned.spent.resource_units - 1 - 3;
        assert!(spent <= units + 4, "{count} names: {spent} units");
        let chosen = planned.observed.ways.first().map_or(Way::Filters, |chosen| chosen.prices[0].way);
        assert_eq!(chosen, way, "{count} names");
        assert_eq!(planned.plan.summary().enable + planned.plan.summary().in_sync, count);
    }
}

#[test]
fn many_names_of_whom_most_hold_nothing_are_found_in_the_list_of_all_users() {
    let tenant = format!(
        "{TENANT}generate:\n  - {{users: 300, name: p, license: SPE_E5, off: 1%}}\n  - {{users: 3000, name: q}}\n"
    );
    let names: String = (1..=3000).map(|at| format!("  - q{at:03}@contoso.onmicrosoft.com\n")).collect();
    let planned = plan(&tenant, &format!("{MANIFEST}users:\n{names}"), ONE_LANE);
    assert_eq!(planned.plan.summary().blocked, 3000);
    // The list of holders, the count, and four pages: by filters it would be two hundred.
    assert!(planned.spent.resource_units <= 1 + 3 + 1 + 1 + 4, "{:?}", planned.spent);
}

#[test]
fn lanes_show_the_same_people_and_take_a_fifth_of_the_time() {
    let tenant = population(600_000).replace("errors: 0.3%", "errors: 0%");
    let everybody = manifest("users:\n  - all: licensed\n");
    let [one, eight] = [1, 8].map(|lanes| plan(&tenant, &everybody, How { lanes, passes_by: true }));
    assert!(says(&one.plan) == says(&eight.plan));
    let ratio = one.took.as_secs_f64() / eight.took.as_secs_f64();
    assert!(ratio >= 5.0, "{ratio:.1} times as fast, {:?}", eight.spent);
}

#[test]
fn names_that_all_begin_alike_are_parted_further_on() {
    let tenant = format!("{TENANT}generate: {{users: 60000, name: user, license: SPE_E5, off: 1%}}\n");
    let everybody = format!("{MANIFEST}users:\n  - all: licensed\n");
    let [one, eight] = [1, 8].map(|lanes| plan(&tenant, &everybody, How { lanes, passes_by: true }));
    assert!(says(&one.plan) == says(&eight.plan));
    assert!(one.took > eight.took * 3, "{} and {}", one.took, eight.took);
}

#[test]
fn whoever_is_in_no_lane_is_missed_by_the_count_and_read_in_one() {
    let odd =
        "users: [{upn: üte@contoso.com, licenses: [{license: SPE_E5, off: [M365_ADVANCED_AUDITING]}]}]\n";
    let tenant = format!("{TENANT}generate: {{users: 5000, license: SPE_E5}}\n{odd}");
    let everybody = format!("{MANIFEST}users:\n  - all: licensed\n");
    let planned = plan(&tenant, &everybody, How { lanes: 8, passes_by: true });
    let summary = planned.plan.summary();
    assert_eq!((summary.enable, summary.in_sync, summary.unknown), (1, 5_000, 0));
}
