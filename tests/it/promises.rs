//! The promises, each by at least one test that fails when it is broken.

use std::collections::{BTreeMap, BTreeSet};

use advaudit::apply::outcome::Outcome;
use advaudit::graph::{OffWriter, OnWriter, Reader};
use advaudit::model::{SignedDuration, Timestamp};
use serde_json::Value;

use super::common::site::{MANIFEST, Site, T, Write, json_lines};
use super::common::tenant::AUDITING;
use super::common::world::{World, gives_e5, takes_e5};
use super::common::{Ran, advaudit, examples};

/// An id that the tenant's licenses do not have any more; in examples/mixed as well.
const GONE: &str = "0dead000-0000-4000-8000-000000000001";

const YAMMER: &str = "7547a3fe-08ee-4ccb-b430-5077c5041653";

/// `users:` that are toggled.
fn toggled(names: &[&str]) -> String {
    let entry = |name: &&str| format!("  - {{user: {name}@contoso.com, toggleIfEnabledBefore: {T}}}\n");
    format!("users:\n{}", names.iter().map(entry).collect::<String>())
}

// P1: one service plan, nothing else.

#[test]
fn p1_no_other_service_plan_and_no_license_is_changed() {
    for example in examples() {
        let site = Site::example(&example);
        let before = site.people_at_first();
        let ran = site.apply();
        let beside = |people: &super::common::tenant::People| people.beside_the_service_plan(&[GONE]);
        ran.holds("everything but the service plan is as it was", beside(&before) == beside(&site.people()));
        assert!(site.writes().iter().all(|write| write.removes == 0), "{example} takes licenses away");
    }
}

#[test]
fn p1_what_was_off_stays_off_through_a_toggle_and_what_graph_refuses_is_left_out() {
    let site = Site::new(
        &toggled(&["a"]),
        &format!(
            "users: [{{upn: a@contoso.com, licenses: [{{license: SPE_E5, off: [YAMMER_ENTERPRISE, {GONE}]}}]}}]\n"
        ),
    );
    site.apply().exits(0).shows("1 toggled");
    let lists: Vec<Vec<String>> =
        site.writes().into_iter().flat_map(|write| write.lists.into_values()).collect();
    assert_eq!(lists, [vec![AUDITING.to_owned(), YAMMER.to_owned()], vec![YAMMER.to_owned()]]);
}

#[test]
fn p1_a_change_of_another_service_plan_after_the_plan_is_kept() {
    let world = World::new("users: [{upn: a@contoso.com, licenses: [SPE_E5]}]\n");
    let made = world.plan(&toggled(&["a"]));
    world.meddle("a@contoso.com", &gives_e5(&[YAMMER]));
    assert_eq!(world.carry_out(&made), [("a@contoso.com".to_owned(), Outcome::Toggled)]);
    let people = world.people();
    assert!(people.is_on("a@contoso.com"));
    let off: Vec<_> = people.0["a@contoso.com"].values().flat_map(|held| &held.off).collect();
    assert_eq!(off, [YAMMER], "turned off by somebody else meanwhile, and none of our business");
}

#[test]
fn p1_a_license_that_is_gone_since_the_plan_does_not_come_back() {
    let tenant = "users: [{upn: a@contoso.com, licenses: [SPE_E5]}, {upn: b@contoso.com, licenses: [{license: SPE_E5, off: \
                  [M365_ADVANCED_AUDITING]}]}]\n";
    let world = World::new(tenant);
    let made = world.plan(&format!("{}  - b@contoso.com\n", toggled(&["a"])));
    for upn in ["a@contoso.com", "b@contoso.com"] {
        world.meddle(upn, &takes_e5());
    }
    let ended: BTreeMap<String, Outcome> = world.carry_out(&made).into_iter().collect();
    assert_eq!(world.writes(), 2, "only those of somebody else: {ended:?}");
    assert!(world.people().0.values().all(BTreeMap::is_empty), "nobody holds anything");
}

// P2: it always ends on.

/// Somebody is off because of an earlier apply, and due.
fn due() -> Site {
    let site =
        Site::new(&toggled(&["a"]), "users: [{upn: a@contoso.com, licenses: [SPE_E5]}, b@contoso.com]\n");
    site.apply_and_leave().exits(4);
    assert!(!site.people().is_on("a@contoso.com"));
    site.later(61);
    site
}

#[track_caller]
fn is_on_again(site: &Site, ran: &Ran) {
    assert!(site.people().is_on("a@contoso.com"), "a is still off after\n{}", ran.told());
}

#[test]
fn p2_a_broken_manifest_does_not_keep_anybody_off() {
    let site = due();
    site.declare("users: {nonsense\n");
    let ran = site.apply().exits(1);
    is_on_again(&site, &ran);
}

#[test]
fn p2_a_manifest_that_is_not_there_does_not_keep_anybody_off() {
    let site = due();
    let ran = site.run("apply no/such/file.yaml --auto-approve").exits(1);
    is_on_again(&site, &ran);
}

#[test]
fn p2_a_manifest_of_another_tenant_does_not_keep_anybody_off() {
    let site = due();
    site.write_manifest(&format!("{MANIFEST}users: [a@contoso.com]\n").replace("contoso.on", "fabrikam.on"));
    let ran = site.apply().exits(1);
    is_on_again(&site, &ran);
}

#[test]
fn p2_a_limit_does_not_keep_anybody_off() {
    let tenant =
        "users: [{upn: a@contoso.com, licenses: [SPE_E5]}, {upn: b@contoso.com, licenses: [SPE_E5]}]\n";
    let site = Site::new(&toggled(&["a"]), tenant);
    site.apply_and_leave().exits(4);
    site.later(61);
    site.declare(&format!("limits: {{toggle: 0}}\n{}", toggled(&["b"])));
    let ran = site.apply().exits(3);
    is_on_again(&site, &ran);
    assert!(site.people().is_on("b@contoso.com"));
}

#[test]
fn p2_whoever_is_not_declared_any_more_is_turned_on_all_the_same() {
    let site = due();
    site.declare("users: [b@contoso.com]\n");
    let ran = site.apply().exits(0);
    is_on_again(&site, &ran);
}

#[test]
fn p2_heal_needs_neither_manifest_nor_patience() {
    let site = due();
    let ran = site.run("heal --no-wait").exits(0);
    is_on_again(&site, &ran);
}

#[test]
fn p2_before_it_is_due_heal_waits_and_the_hour_is_kept() {
    let site = Site::example("ticked");
    site.apply_and_leave().exits(4);
    site.run("heal").exits(0).shows("1 resumed");
    let writes = site.writes();
    assert_eq!(writes.iter().map(Write::turns_on).collect::<Vec<_>>(), [false, true]);
    assert!(writes[1].at.duration_since(writes[0].at).as_mins() >= 60, "{writes:?}");
}

/// Reads that show somebody off whom we turned on a moment ago are repeated for a minute. Not where we
/// turned the same person off again since: others who become due would wait that minute too.
#[test]
fn p2_whoever_is_toggled_twice_within_an_hour_keeps_no_plan_waiting() {
    let site = Site::new("", "users: [{upn: a@contoso.com, licenses: [SPE_E5]}]\n");
    let ask = |time: &str| {
        site.declare(&format!(
            "toggle: {{wait: 10m}}\nusers: [{{user: a@contoso.com, toggleIfEnabledBefore: {time}}}]\n"
        ));
    };
    ask(T);
    site.apply().exits(0).shows("1 toggled");
    site.later(10);
    ask("2026-11-22T09:15:00Z");
    site.apply_and_leave().exits(4);
    let before = site.journal().len();
    site.run(&format!("heal {} --no-wait", site.manifest())).exits(4);
    let journal = site.journal();
    let at = |record: &Value| record["at"].as_str().expect("a time").parse::<Timestamp>().expect("a time");
    let waited = at(&journal[before]).duration_since(at(&journal[before - 1]));
    assert!(waited < SignedDuration::from_secs(10), "the plan took {waited}");
}

#[test]
fn p2_a_lost_journal_is_healed_by_the_manifest() {
    let site = due();
    std::fs::remove_dir_all(site.journal_folder()).expect("removed");
    site.run("heal").exits(1).complains("nothing is known here");
    let ran = site.run(&format!("heal {}", site.manifest())).exits(0);
    is_on_again(&site, &ran);
}

#[test]
fn p2_whatever_graph_answers_to_a_write_it_ends_on() {
    let answers =
        ["lost", "dropped", "html", "empty", "429", "503", "500", "409", "400", "403", "404", "401"];
    for answer in answers {
        for (write, times) in [(1, 1), (1, 2), (2, 1), (2, 3)] {
            let faults = format!("faults: [{{write: {write}, answer: {answer}, times: {times}}}]\n");
            let tenant = format!("{faults}users: [{{upn: a@contoso.com, licenses: [SPE_E5]}}]\n");
            let site = Site::new(&toggled(&["a"]), &tenant);
            let mut runs = vec![site.apply()];
            // Each refused write ends a run; no fault is left after that many.
            while runs.len() < 5 && (runs.len() == 1 || runs.last().is_some_and(|ran| ran.code != Some(0))) {
                runs.push(site.run("heal"));
            }
            let told = runs.iter().map(Ran::told).collect::<String>();
            assert!(runs.last().is_some_and(|ran| ran.code == Some(0)), "never done: {faults}{told}");
            assert!(site.people().is_on("a@contoso.com"), "off in the end: {faults}{told}");
        }
    }
}

#[test]
fn p2_after_a_crash_at_any_record_heal_turns_on_whoever_is_off() {
    let tenant = "groupProcessing: 90s\nusers: [{upn: a@contoso.com, licenses: [SPE_E5]}, m1@contoso.com, m2@contoso.com]\n\
                  groups: [{name: E5 Legal, licenses: [SPE_E5], members: [m1@contoso.com, m2@contoso.com]}]\n";
    let manifest = format!("{}groups: [{{group: E5 Legal, toggleIfEnabledBefore: {T}}}]\n", toggled(&["a"]));
    let whole = Site::new(&manifest, tenant);
    whole.apply().exits(0).shows("2 toggled");
    let (records, log) = (whole.journal(), json_lines(&sandbox_log(&whole)));
    let written: Vec<&Value> = log.iter().filter(|line| line.get("write").is_some()).collect();
    assert_eq!(written.len(), 4);
    let mut crashes = 0;
    for kept in 1..=records.len() {
        let count = |kinds: &[&str]| {
            let is_one = |record: &&Value| kinds.contains(&record["entry"]["kind"].as_str().expect("a kind"));
            records[..kept].iter().filter(is_one).count()
        };
        // The write of an intent may or may not have arrived.
        for arrived in count(&["off_done", "on_done"])..=count(&["off_intent", "on_intent"]) {
            let site = Site::new(&manifest, tenant);
            crash(&site, &records[..kept], &written[..arrived]);
            let ran = site.run("heal").exits(0);
            let people = site.people();
            for upn in ["a@contoso.com", "m1@contoso.com", "m2@contoso.com"] {
                assert!(
                    people.is_on(upn),
                    "{upn} stays off after a crash at record {kept} with {arrived} writes\n{}",
                    ran.told()
                );
            }
            crashes += 1;
        }
    }
    assert!(crashes > records.len(), "some intents are in doubt: {crashes}");
}

/// The log of the site's simulated tenant.
fn sandbox_log(site: &Site) -> std::path::PathBuf {
    site.journal_folder().parent().expect("a folder").with_extension("jsonl")
}

/// Leaves a site as a process that died there would have.
fn crash(site: &Site, records: &[Value], writes: &[&Value]) {
    site.plan();
    let log = sandbox_log(site);
    let lines = json_lines(&log);
    let counters = serde_json::json!({"requests": 40, "writes": writes.len()});
    let at = &records.last().expect("a record")["at"];
    let end = serde_json::json!({"time": {"at": at, "counters": counters}});
    let lines = std::iter::once(&lines[0]).chain(writes.iter().copied()).chain([&end]);
    std::fs::write(&log, lines.map(|line| format!("{line}\n")).collect::<String>()).expect("written");
    std::fs::create_dir_all(site.journal_folder()).expect("made");
    std::fs::write(site.journal_folder().join("journal.jsonl"), chained(records)).expect("written");
}

/// The lines of a journal: each carries the digest of the one before as it stood in the file.
fn chained(records: &[Value]) -> String {
    use sha2::Digest as _;
    let mut text = String::new();
    let mut previous = String::new();
    for record in records {
        let mut record = record.clone();
        record["prev"] = previous.clone().into();
        let line = record.to_string();
        previous = sha2::Sha256::digest(line.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        text = text + &line + "\n";
    }
    text
}

#[test]
fn p2_turning_on_goes_before_turning_off() {
    let site = Site::example("mixed");
    site.apply().exits(0);
    let writes = site.writes();
    let first_off = writes.iter().position(|write| !write.turns_on()).expect("an off");
    let enabled = 4;
    assert!(first_off >= enabled, "the first off is write {first_off}: {writes:?}");
}

// P3: what is shown is what runs.

#[test]
fn p3_the_plan_that_is_shown_is_the_one_that_runs() {
    for example in examples() {
        let site = Site::example(&example);
        let plan = site.run(&format!("plan {} --json", site.manifest())).json();
        let ran = site.run(&format!("apply {} --auto-approve --json", site.manifest()));
        let run = ran.json();
        assert_eq!(run["plan_sha256"], plan["sha256"], "{}", ran.told());
        let ids = |list: &Value| -> BTreeSet<String> {
            let id = |one: &Value| one["subject"]["id"].as_str().expect("an id").to_owned();
            list.as_array().expect("a list").iter().map(id).collect()
        };
        assert_eq!(ids(&run["subjects"]), ids(&plan["changes"]), "{}", ran.told());
        let written: BTreeSet<String> = site.writes().into_iter().map(|write| write.id).collect();
        assert!(written.is_subset(&ids(&plan["changes"])), "{written:?} in {}", ran.told());
    }
}

#[test]
fn p3_who_changed_since_the_plan_is_skipped_and_the_others_go_on() {
    let both =
        "users: [{upn: a@contoso.com, licenses: [SPE_E5]}, {upn: b@contoso.com, licenses: [SPE_E5]}]\n";
    let world = World::new(both);
    let made = world.plan(&toggled(&["a", "b"]));
    world.meddle("a@contoso.com", &gives_e5(&[AUDITING]));
    let ended: BTreeMap<String, Outcome> = world.carry_out(&made).into_iter().collect();
    assert_eq!(ended["a@contoso.com"], Outcome::Skipped);
    assert_eq!(ended["b@contoso.com"], Outcome::Toggled);
    assert_eq!(world.writes(), 3, "one of somebody else, two for b");
}

// P4: looking cannot change.

#[test]
fn p4_looking_writes_nothing() {
    for example in examples() {
        let site = Site::example(&example);
        site.plan();
        site.run(&format!("plan {} --json --detailed-exitcode", site.manifest()));
        site.run("status");
        for person in site.people().0.keys().take(3) {
            site.run(&format!("explain {person} {}", site.manifest()));
        }
        Ran::of(&mut advaudit(&["check", site.manifest()])).exits(0);
        Ran::of(&mut advaudit(&["schema"])).exits(0);
        assert!(site.writes().is_empty(), "{example}: {:?}", site.writes());
        assert!(!site.journal_folder().exists(), "{example}: not even a journal");
    }
}

#[test]
fn p4_looking_writes_nothing_even_when_somebody_is_due() {
    let site = due();
    let before = site.writes().len();
    site.plan().exits(0).shows("1 to resume");
    site.run("status").exits(0);
    for person in site.people().0.keys() {
        site.run(&format!("explain {person} {}", site.manifest())).exits(0);
    }
    assert_eq!(site.writes().len(), before);
}

#[test]
fn p4_heal_cannot_turn_off() {
    let site = Site::example("mixed");
    site.run(&format!("heal {}", site.manifest())).exits(0);
    let writes = site.writes();
    assert!(!writes.is_empty() && writes.iter().all(Write::turns_on), "{writes:?}");
}

/// This test is its own compilation. The methods of these traits are called only where the type has
/// none of that name itself: one that it has comes first, and then nothing here compiles.
#[test]
fn p4_a_reader_cannot_write_and_each_writer_knows_one_direction() {
    struct Absent;
    trait NoTurnOn {
        fn turn_on(&self) -> Absent {
            Absent
        }
    }
    trait NoTurnOff {
        fn turn_off(&self) -> Absent {
            Absent
        }
    }
    impl NoTurnOn for Reader {}
    impl NoTurnOff for Reader {}
    impl NoTurnOff for OnWriter {}
    impl NoTurnOn for OffWriter {}
    let _: fn(&Reader) -> (Absent, Absent) = |reader| (reader.turn_on(), reader.turn_off());
    let _: fn(&OnWriter) -> Absent = |on| on.turn_off();
    let _: fn(&OffWriter) -> Absent = |off| off.turn_on();
}

// P5: not mentioned is not touched.

#[test]
fn p5_only_declared_subjects_are_written() {
    let off = "licenses: [{license: SPE_E5, off: [M365_ADVANCED_AUDITING]}]";
    let tenant = format!(
        "users:\n  - {{upn: a@contoso.com, id: 00000000-0000-4000-8000-00000000000a, {off}}}\n  - {{upn: b@contoso.com, \
         {off}}}\n  - {{upn: c@contoso.com, licenses: [SPE_E5]}}\ngroups:\n  - {{name: Field, \
         {off}, members: [c@contoso.com]}}\n"
    );
    let site = Site::new("users: [a@contoso.com]\n", &tenant);
    site.apply().exits(0);
    let written: Vec<String> = site.writes().into_iter().map(|write| write.id).collect();
    assert_eq!(written, ["00000000-0000-4000-8000-00000000000a"]);
}

#[test]
fn p5_only_leaves_the_rest_of_the_manifest_alone() {
    let site = Site::example("mixed");
    let only = "--only ticked@contoso.com --only NOT.ticked@contoso.com";
    site.run(&format!("apply {} --auto-approve {only}", site.manifest())).exits(0);
    let written: BTreeSet<String> = site.writes().into_iter().map(|write| write.id).collect();
    assert_eq!(written.len(), 2, "{written:?}");
    let people = site.people();
    assert!(people.is_on("not.ticked@contoso.com") && !people.is_on("not.ticked.twice@contoso.com"));
}

// P6: unknown is not off.

#[test]
fn p6_what_cannot_be_read_is_not_written_and_the_rest_is() {
    let site = Site::example("unreadable");
    site.apply().exits(5);
    assert_eq!(site.writes().len(), 1, "{:?}", site.writes());
}

const SELECTED: &str = "users:\n  - {upn: a@contoso.com, licenses: [SPE_E5]}\n  - {upn: b@contoso.com, licenses: [{license: \
                        SPE_E5, off: [M365_ADVANCED_AUDITING]}]}\n  - {upn: c@contoso.com, licenses: [{license: SPE_E5, \
                        off: [M365_ADVANCED_AUDITING]}]}\n";

#[test]
fn p6_a_selector_that_is_read_in_part_selects_nobody_and_named_entries_go_on() {
    let manifest = format!("users:\n  - {{all: licensed, toggleIfEnabledBefore: {T}}}\n  - c@contoso.com\n");
    // More than a page: the selector has met people before the second page fails.
    let tenant = format!("generate: {{users: 1500, license: SPE_E5, off: 50%}}\n{SELECTED}");
    let mut met = 0;
    for request in 3..6 {
        // As often as it is asked for again.
        let faults = format!("faults: [{{request: {request}, times: 8, answer: 503}}]\n");
        let site = Site::new(&manifest, &format!("{faults}{tenant}"));
        let ran = site.apply();
        assert!(ran.stdout.contains("Plan: ") || ran.code == Some(1), "{}", ran.told());
        if !ran.stdout.contains("unknown all: licensed") {
            continue;
        }
        met += 1;
        let ran = ran.exits(5);
        assert!(site.people().is_on("c@contoso.com"), "named\n{}", ran.told());
        let writes = site.writes();
        assert!(
            writes.len() == 1 && writes[0].turns_on(),
            "nobody else is touched: {writes:?}\n{}",
            ran.told()
        );
    }
    assert_eq!(met, 2, "two requests are the pages of users");
}

#[test]
fn p6_a_link_to_another_origin_ends_the_run_wherever_it_comes() {
    let manifest = format!("users:\n  - {{all: licensed, toggleIfEnabledBefore: {T}}}\ngroups: [Field]\n");
    let tenant = format!(
        "groups: [{{name: Field, licenses: [SPE_E5], members: [d@contoso.com]}}]\n{SELECTED}  - d@contoso.com\n"
    );
    let mut ended = 0;
    for request in 1..12 {
        let faults = format!("faults: [{{request: {request}, answer: foreignLink}}]\n");
        let site = Site::new(&manifest, &format!("{faults}{tenant}"));
        let ran = site.apply();
        if ran.code == Some(1) {
            ended += 1;
            assert!(site.writes().iter().all(Write::turns_on), "{faults}{}", ran.told());
            assert!(ran.stderr.contains("graph.example.net"), "{}", ran.told());
        }
    }
    assert!(ended >= 4, "organization, licenses, groups, members and users come in pages: {ended}");
}

#[test]
fn p6_an_empty_answer_is_not_nobody() {
    let site = Site::new("users: [{all: licensed}]\n", "users: []\n");
    site.plan().exits(1).shows("1 unknown");
    // A page without items that says there is more is not the end either (GRAPH 2.2). The first two
    // requests are the organization and its licenses, which come in one page.
    let faults = "faults: [{request: 3, answer: emptyPage}]\n";
    let site = Site::new("users: [{all: licensed}]\n", &format!("{faults}{SELECTED}"));
    site.plan().exits(0).shows("2 to enable");
}

// P7: no one is surprised.

/// Users p1 to pN, all on by direct assignments.
fn many(count: usize) -> (String, String) {
    let names: Vec<String> = (1..=count).map(|number| format!("p{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let user = |name: &&str| format!("  - {{upn: {name}@contoso.com, licenses: [SPE_E5]}}\n");
    (toggled(&names), format!("users:\n{}", names.iter().map(user).collect::<String>()))
}

#[test]
fn p7_a_run_that_exceeds_a_limit_prints_in_full_and_starts_nothing() {
    let (manifest, tenant) = many(24);
    let site = Site::new(&manifest, &tenant);
    let plan = site.plan().exits(0);
    let ran = site.apply().exits(3).shows("24 to toggle");
    assert!(ran.stdout.contains("p24@contoso.com") == plan.stdout.contains("p24@contoso.com"));
    assert!(site.writes().is_empty());
    site.declare(&format!("limits: {{toggle: 100%}}\n{manifest}"));
    site.apply().exits(0).shows("24 toggled");
}

#[test]
fn p7_never_more_people_are_off_than_max_off() {
    let (manifest, tenant) = many(25);
    let site = Site::new(&format!("limits: {{toggle: 100%}}\ntoggle: {{maxOff: 10}}\n{manifest}"), &tenant);
    site.apply().exits(0).shows("25 toggled");
    let mut off = BTreeSet::new();
    let mut most = 0;
    for write in site.writes() {
        let _ = if write.turns_on() { off.remove(&write.id) } else { off.insert(write.id) };
        most = most.max(off.len());
    }
    assert_eq!((most, off.len()), (10, 0));
}

#[test]
fn p7_who_is_protected_never_goes_off() {
    let tenant = "groups: [{name: Board, licenses: [SPE_E5], members: [m@contoso.com, chair@contoso.com]}]\n\
                  users: [m@contoso.com, chair@contoso.com, {upn: ceo@contoso.com, licenses: [SPE_E5]}]\n";
    let manifest = format!(
        "protect: [chair@contoso.com, CEO@contoso.com]\n{}groups: [{{group: Board, toggleIfEnabledBefore: {T}}}]\n",
        toggled(&["ceo"])
    );
    let site = Site::new(&manifest, tenant);
    site.apply().exits(0).shows("2 blocked");
    assert!(site.writes().is_empty());
}

// P8: any run can be explained afterwards.

#[test]
fn p8_the_journal_has_each_write_with_time_subject_lists_reason_and_request_id() {
    for example in examples() {
        let site = Site::example(&example);
        let ran = site.apply();
        let entries: Vec<(String, Value)> = site
            .journal()
            .into_iter()
            .map(|record| (record["at"].as_str().expect("a time").to_owned(), record["entry"].clone()))
            .collect();
        for write in site.writes() {
            explains(&entries, &write, &ran);
        }
    }
}

/// The intent before the write and the answer after it.
#[track_caller]
fn explains(entries: &[(String, Value)], write: &Write, ran: &Ran) {
    let direction = if write.turns_on() { "on" } else { "off" };
    let of = |kind: String| {
        let subject = |entry: &Value| entry["subject"]["id"] == *write.id;
        let found = entries.iter().find(|(_, entry)| entry["kind"] == *kind && subject(entry));
        found.unwrap_or_else(|| panic!("no {kind} for {write:?}\n{}", ran.told()))
    };
    let (intended, intent) = of(format!("{direction}_intent"));
    assert!(intended.parse::<advaudit::model::Timestamp>().expect("a time") <= write.at);
    assert!(!intent["reason"].as_str().expect("a reason").is_empty());
    let name = intent["subject"]["name"].as_str().expect("a name");
    assert!(!name.is_empty() && name != write.id, "{intent}");
    let lists = intent["lists"].as_array().expect("lists");
    assert_eq!(lists.len(), write.lists.len(), "{intent}");
    for list in lists {
        let sent = &write.lists[list["license"].as_str().expect("a license")];
        let ids = |key: &str| -> BTreeSet<String> {
            list[key]
                .as_array()
                .expect("ids")
                .iter()
                .map(|id| id.as_str().expect("an id").to_owned())
                .collect()
        };
        assert_eq!(ids("after"), sent.iter().cloned().collect(), "as sent: {intent}");
        assert_eq!(ids("before").contains(AUDITING), write.turns_on(), "as it was: {intent}");
    }
    let (_, done) = of(format!("{direction}_done"));
    assert!(done["request_id"].as_str().is_some_and(|id| id.len() == 36), "{done}");
    assert!(done[format!("{direction}_at")].is_string(), "{done}");
}

#[test]
fn p8_the_administrators_reason_is_in_the_journal() {
    let site = Site::example("ticked");
    site.apply().exits(0);
    let with_reason =
        |record: &Value| record["entry"]["reason"] == "INC-4711 no MailItemsAccessed since October";
    assert_eq!(site.journal().iter().filter(|record| with_reason(record)).count(), 2);
}

#[test]
fn p7_a_name_in_the_tenant_writes_no_lines_of_its_own_into_a_plan_and_paints_on_no_terminal() {
    let id = "8a9b0c1d-0000-4000-8000-000000000002";
    let site = Site::new(
        &format!("users:\n  - all: licensed\ngroups:\n  - {{group: {id}, toggleIfEnabledBefore: {T}}}\n"),
        &format!(
            "groups: [{{name: \"Legal\\e[2J\\nPlan: 0 to toggle\", id: {id}, licenses: [SPE_E5], members: \
             [\"m\\e[31m@contoso.com\"]}}]\nusers: [\"m\\e[31m@contoso.com\", {{upn: \"n\\x9b2J@contoso.com\", \
             licenses: [{{license: SPE_E5, off: [M365_ADVANCED_AUDITING]}}]}}]\n"
        ),
    );
    let manifest = site.manifest();
    for command in ["plan MANIFEST -v", "plan MANIFEST --json", "apply MANIFEST --auto-approve", "status"] {
        let ran = site.run(&command.replace("MANIFEST", manifest));
        let obeyed = |text: &str| text.contains(|c: char| c.is_control() && c != '\n');
        let forged =
            ran.stdout.lines().chain(ran.stderr.lines()).any(|line| line.starts_with("Plan: 0 to toggle"));
        let harmless = !obeyed(&ran.stdout) && !obeyed(&ran.stderr) && !forged;
        ran.exits(0).holds("names are shown with escapes", harmless);
    }
}

#[test]
fn p2_a_retry_after_of_a_day_does_not_keep_anybody_off_for_a_day() {
    let site = Site::new(
        &toggled(&["a"]),
        "users: [{upn: a@contoso.com, licenses: [SPE_E5]}]\nfaults: [{write: 2, answer: 429, retryAfter: 86400}]\n",
    );
    site.apply().exits(0).shows("1 toggled");
    let writes = site.writes();
    let off = writes.last().expect("an on").at.duration_since(writes[0].at);
    assert!(off < advaudit::model::SignedDuration::from_mins(75), "off for {off:#}");
}
