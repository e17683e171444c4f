//! Random tenants and manifests: what holds of every plan, and of the tenant after it was carried out.

use proptest::prelude::*;

use super::*;
use crate::graph::Account;
use crate::report::json::v1::common::text;
use crate::report::json::v1::plan::{EXPIRES_IN, MadeFrom, PlanDocument};
use crate::report::json::v1::plan_file;

const PEOPLE: [&str; 5] = ["adele", "ida", "max", "megan", "zoe"];
const GROUPS: [&str; 3] = ["Legal", "Sales", "Staff"];
const DATES: [&str; 3] = [BEFORE, ASKED, SINCE];

/// How a person holds a license: which one, from whom (0 is direct), on, in which state, since when.
type Holding = (usize, usize, bool, u8, usize);

/// A filter: whom it selects, except, with which date, only enabled accounts, whether it may be empty, and
/// whether it was read (one in eight was not).
type Filter = (BTreeSet<usize>, Vec<usize>, Option<usize>, bool, bool, u8);

#[derive(Clone, Debug)]
struct Drawn {
    people: Vec<(Vec<Holding>, bool, Option<usize>)>,
    groups: Vec<(bool, Vec<usize>)>,
    named: Vec<(usize, Option<usize>)>,
    named_groups: Vec<(usize, Option<usize>)>,
    selector: Option<(Vec<usize>, Option<usize>)>,
    filters: Vec<Filter>,
    protected: Vec<usize>,
    in_flight: Vec<usize>,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let holding = (0_usize..2, 0_usize..4, any::<bool>(), 0_u8..8, 0_usize..4);
    let person = (proptest::collection::vec(holding, 0..4), any::<bool>(), proptest::option::of(0_usize..3));
    let group = (any::<bool>(), proptest::collection::vec(0_usize..5, 0..5));
    let named = proptest::collection::btree_map(0_usize..5, proptest::option::of(1_usize..3), 0..5);
    let named_groups = proptest::collection::btree_map(0_usize..3, proptest::option::of(1_usize..3), 0..3);
    let who = || proptest::collection::vec(0_usize..5, 0..2);
    let filter = (
        proptest::collection::btree_set(0_usize..5, 0..4),
        who(),
        proptest::option::of(1_usize..3),
        any::<bool>(),
        any::<bool>(),
        0_u8..8,
    );
    (
        proptest::collection::vec(person, 5),
        proptest::collection::vec(group, 3),
        named,
        named_groups,
        (
            proptest::option::of((who(), proptest::option::of(1_usize..3))),
            proptest::collection::vec(filter, 0..3),
        ),
        who(),
        who(),
    )
        .prop_map(|(people, groups, named, named_groups, (selector, filters), protected, in_flight)| {
            Drawn {
                people,
                groups,
                named: named.into_iter().collect(),
                named_groups: named_groups.into_iter().collect(),
                selector,
                filters,
                protected,
                in_flight,
            }
        })
}

fn assignment(holding: &Holding, groups: &[(bool, Vec<usize>)]) -> Assignment {
    let (license, from, on, state, since) = *holding;
    // What comes from a group follows the group's own list.
    let (by, on) = match from {
        0 => (AssignedBy::Direct, on),
        group => (AssignedBy::Group(gid(GROUPS[group - 1])), groups[group - 1].0),
    };
    let license = if from == 0 { [E5, SECURITY][license] } else { E5 };
    let one = Assignment { updated: DATES.get(since).map(|at| time(at)), ..holds(license, by, on) };
    match state {
        0 => in_error(one),
        1 => Assignment { state: AssignmentState::ActiveWithError, ..in_error(one) },
        _ => one,
    }
}

fn build(drawn: &Drawn) -> Tenant {
    let mut tenant = tenant();
    for (name, (holdings, located, turned_on)) in PEOPLE.iter().zip(&drawn.people) {
        let mut assignments: Vec<Assignment> = Vec::new();
        for holding in holdings {
            let one = assignment(holding, &drawn.groups);
            let is_member = |group: usize| drawn.groups[group - 1].1.iter().any(|at| PEOPLE[*at] == *name);
            let twice = assignments.iter().any(|other| (other.sku, other.by) == (one.sku, one.by));
            if !twice && (holding.1 == 0 || is_member(holding.1)) {
                assignments.push(one);
            }
        }
        tenant = tenant.user(name, &assignments);
        if !located {
            tenant = tenant.but(name, |user| user.usage_location = None);
        }
        if let Some(at) = turned_on {
            tenant = tenant.turned_on(name, DATES[*at]);
        }
    }
    for (name, (on, members)) in GROUPS.iter().zip(&drawn.groups) {
        let members: BTreeSet<&str> = members.iter().map(|at| PEOPLE[*at]).collect();
        tenant = tenant.group(name, *on, &members.into_iter().collect::<Vec<_>>());
    }
    for (person, asked) in &drawn.named {
        tenant = tenant.names(PEOPLE[*person], asked.map(|at| DATES[at]));
    }
    for (group, asked) in &drawn.named_groups {
        tenant = tenant.names_group(GROUPS[*group], asked.map(|at| DATES[at]));
    }
    if let Some((except, asked)) = &drawn.selector {
        let except: Vec<&str> = except.iter().map(|at| PEOPLE[*at]).collect();
        tenant = tenant.selects_all(&except, asked.map(|at| DATES[at]));
    }
    for (at, filter) in drawn.filters.iter().enumerate() {
        tenant = select_by(tenant, &format!("filter {at}"), filter);
    }
    // Of five people one is a guest, one is disabled, and of one nobody says it.
    let accounts = [Account::Enabled, Account::Guest, Account::Disabled, Account::Enabled];
    tenant.observed.accounts = PEOPLE.iter().map(|name| uid(name)).zip(accounts).collect();
    tenant = drawn.protected.iter().fold(tenant, |tenant, at| tenant.protects(PEOPLE[*at]));
    drawn.in_flight.iter().fold(tenant, |tenant, at| in_mid_toggle(tenant, PEOPLE[*at]))
}

fn select_by(tenant: Tenant, name: &str, filter: &Filter) -> Tenant {
    let (selected, except, asked, only_enabled, allow_empty, read) = filter;
    let names = |all: &[usize]| all.iter().map(|at| PEOPLE[*at]).collect::<Vec<_>>();
    let selected: Vec<usize> = selected.iter().copied().collect();
    let asked = asked.map(|at| DATES[at]);
    let mut tenant = tenant.selects_by(name, &names(&selected), &names(except), asked);
    if *read == 0 {
        let incomplete = Selection::Incomplete("503".into());
        tenant.observed.selections.insert(Select::Filter(name.into()), incomplete);
    }
    tenant.but_selector(|selector| {
        (selector.only_enabled, selector.allow_empty) = (*only_enabled, *allow_empty);
    })
}

/// In the wait of a toggle of ours, when there is a license that can have been toggled.
fn in_mid_toggle(mut tenant: Tenant, name: &str) -> Tenant {
    let user = tenant.observed.users.get_mut(&uid(name)).expect("a person");
    let mut own = user.assignments.iter_mut().filter(|one| {
        (one.sku, one.by, &one.state) == (sku(E5), AssignedBy::Direct, &AssignmentState::Active)
    });
    let Some(own) = own.next() else { return tenant };
    own.disabled.insert(SERVICE_PLAN);
    tenant.in_flight(uid(name), &upn(name), Phase::Waiting { off_at: time(NOW), due: time(NOW) })
}

/// Carries a plan out on the values: what ends on is on, members follow their group, dates move, the
/// journal remembers.
fn carry_out(tenant: &mut Tenant, plan: &Plan) {
    for change in &plan.changes {
        tenant.running.in_flight.remove(&change.subject.id);
        tenant.running.last_on.insert(change.subject.id, time(NOW));
        for edit in &change.edits {
            turn_on(tenant, change.subject.id, edit.sku);
        }
    }
}

fn turn_on(tenant: &mut Tenant, id: SubjectId, sku: SkuId) {
    let by = match id {
        SubjectId::User(_) => AssignedBy::Direct,
        SubjectId::Group(group) => AssignedBy::Group(group),
    };
    if let Some(group) = id.group().and_then(|id| tenant.observed.groups.get_mut(&id)) {
        let own = group.licenses.iter_mut().filter(|one| one.sku == sku);
        own.for_each(|one| _ = one.disabled.remove(&SERVICE_PLAN));
    }
    for user in tenant.observed.users.values_mut().filter(|user| id.user().is_none_or(|id| id == user.id)) {
        for one in user.assignments.iter_mut().filter(|one| (one.sku, one.by) == (sku, by)) {
            if one.state == AssignmentState::Active {
                one.disabled.remove(&SERVICE_PLAN);
                one.updated = Some(time(NOW));
                let entry = ServicePlanEntry { status: "Enabled".into(), assigned: Some(time(NOW)) };
                user.dates = Dates::Read(vec![entry]);
            }
        }
    }
}

/// The parts of a plan that must not depend on the order of the manifest.
fn decision(plan: &Plan) -> (Vec<Change>, Vec<String>, String, String) {
    let all = plan.in_sync.iter().map(|one| format!("{:?}", one.subject));
    let all = all.chain(plan.blocked.iter().map(|one| format!("{:?} {:?}", one.subject, one.why)));
    (plan.changes.clone(), all.collect(), digest::sha256(plan), plan.summary().to_string())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_entries_does_not_matter(drawn in drawn(), turn in 0_usize..5) {
        let tenant = build(&drawn);
        let mut turned = tenant.clone();
        let (users, groups) = (&mut turned.declared.users, &mut turned.declared.groups);
        users.reverse();
        groups.reverse();
        let middle = turn % users.len().max(1);
        users.rotate_left(middle);
        turned.declared.protect.reverse();
        prop_assert_eq!(decision(&tenant.plan()), decision(&turned.plan()));
    }

    /// P6: nobody is meant by a selection that was not read, and nobody whom a selector leaves out.
    #[test]
    fn a_selector_means_those_whom_it_selects_and_does_not_leave_out(drawn in drawn()) {
        let tenant = build(&drawn);
        let desired = tenant.desired();
        let named: BTreeSet<&str> = drawn.named.iter().map(|(at, _)| PEOPLE[*at]).collect();
        for (at, name) in PEOPLE.iter().enumerate() {
            let by_all = drawn.selector.as_ref().filter(|(except, _)| {
                let user = &tenant.observed.users[&uid(name)];
                !except.contains(&at) && user.relevant(&tenant.observed.catalog).next().is_some()
            });
            let by_filters = drawn.filters.iter().filter(|(selected, except, _, only_enabled, _, read)| {
                let is_out = *only_enabled && matches!(*name, "ida" | "max");
                *read > 0 && selected.contains(&at) && !except.contains(&at) && !is_out
            });
            let dates: Vec<Option<usize>> =
                by_all.iter().map(|(_, asked)| *asked).chain(by_filters.map(|filter| filter.2)).collect();
            let want = desired.users.get(&uid(name)).filter(|want| !want.is_named);
            if named.contains(name) {
                prop_assert!(want.is_none(), "{name} has an entry of its own");
            } else {
                let latest = dates.iter().max().map(|asked| asked.map(|at| time(DATES[at])));
                prop_assert_eq!(want.map(|want| want.asked), latest, "{}", name);
            }
        }
        let unread = drawn.filters.iter().filter(|filter| filter.5 == 0).count();
        prop_assert!(desired.unknown.len() >= unread, "{:?}", desired.unknown);
    }

    #[test]
    fn nothing_but_what_is_declared_or_unfinished_is_in_the_plan(drawn in drawn()) {
        let tenant = build(&drawn);
        let (plan, desired) = (tenant.plan(), tenant.desired());
        for change in &plan.changes {
            let declared = match change.subject.id {
                SubjectId::User(id) => desired.users.contains_key(&id),
                SubjectId::Group(id) => desired.groups.contains_key(&id),
            };
            prop_assert!(declared || tenant.running.in_flight.contains_key(&change.subject.id));
        }
    }

    /// P3: the saved plan is the plan.
    #[test]
    fn a_saved_plan_is_carried_out_as_it_was_made(drawn in drawn()) {
        let tenant = build(&drawn);
        let (plan, desired) = (tenant.plan(), tenant.desired());
        let from = MadeFrom { file: "m", text: "", only: &[], protected: &desired.protected, expires_in: EXPIRES_IN };
        let document = PlanDocument::new(&plan, from);
        let (_, restored) = plan_file::read(text(&document).as_bytes()).expect("it reads back");
        prop_assert_eq!(&restored.protected, &desired.protected);
        prop_assert_eq!(restored.changes.len(), plan.changes.len());
        for (back, made) in restored.changes.iter().zip(&plan.changes) {
            // What the journal has of a toggle stands in the journal.
            let theirs = made.resumes.as_ref().filter(|own| !own.recorded);
            let known = Change { resumes: back.resumes.clone(), ..made.clone() };
            prop_assert_eq!(back, if made.resumes.is_some() { &known } else { made });
            prop_assert!(theirs.is_none() || back.resumes.as_ref() == theirs, "{:?}\n{:?}", back, made);
        }
    }

    #[test]
    fn every_declared_subject_is_in_the_plan_exactly_once(drawn in drawn()) {
        let tenant = build(&drawn);
        let plan = tenant.plan();
        let declared = tenant.desired();
        for id in declared.users.keys() {
            let name = tenant.observed.users[id].upn.clone();
            let words = says(&plan, &name);
            prop_assert!(!words.is_empty() && !words.contains(','), "{name}: {words}");
        }
        for id in declared.groups.keys() {
            let words = says(&plan, &group_name(id));
            prop_assert!(!words.is_empty() && !words.contains(','), "{words}");
        }
    }

    #[test]
    fn planning_again_after_a_finished_run_changes_nothing(drawn in drawn()) {
        let mut tenant = build(&Drawn { protected: Vec::new(), ..drawn });
        let first = tenant.plan();
        carry_out(&mut tenant, &first);
        let again = tenant.plan();
        prop_assert!(again.changes.is_empty(), "{:?}\nthen\n{:?}", first.changes, again.changes);
    }

    /// Somebody protected holds a group back while another source of theirs is off, so it may take a
    /// run for each group.
    #[test]
    fn with_protected_people_a_few_runs_come_to_an_end(drawn in drawn()) {
        let mut tenant = build(&drawn);
        for _ in 0..=GROUPS.len() {
            let plan = tenant.plan();
            carry_out(&mut tenant, &plan);
        }
        prop_assert!(tenant.plan().changes.is_empty());
    }

    #[test]
    fn nobody_protected_goes_off_even_with_all_toggles_off_at_once(drawn in drawn()) {
        let tenant = build(&drawn);
        let plan = tenant.plan();
        let mut off = tenant.clone();
        for change in plan.with(Action::Toggle) {
            for user in off.observed.users.values_mut() {
                let is_own = |by: AssignedBy| match change.subject.id {
                    SubjectId::User(id) => id == user.id && by == AssignedBy::Direct,
                    SubjectId::Group(id) => by == AssignedBy::Group(id),
                };
                let own = user.assignments.iter_mut().filter(|one| is_own(one.by));
                own.for_each(|one| _ = one.disabled.insert(SERVICE_PLAN));
            }
        }
        let counted: BTreeSet<UserId> = plan.changes.iter().flat_map(|one| &one.people).map(|one| one.id).collect();
        for (id, before) in &tenant.observed.users {
            let went = before.is_on(&tenant.observed.catalog) && !off.observed.users[id].is_on(&off.observed.catalog);
            prop_assert!(!went || !tenant.desired().protected.covers(*id, &before.upn), "{}", before.upn);
            prop_assert!(!went || counted.contains(id), "{} is not counted", before.upn);
        }
    }
}
