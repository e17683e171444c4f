//! SIGKILL at random moments, again and again, until the work is done: the real program against a tenant
//! that keeps its own record of what was done to it.
//!
//! The moments come from a seed, which a failure names; `ADVAUDIT_TEST_KILLS=7` plays another one. Real
//! processes have chance of their own, so a seed tells a similar story, not the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::rc::Rc;

use advaudit::clock::Clock;
use advaudit::journal::folder::Folder;
use advaudit::journal::log;
use advaudit::model::{SERVICE_PLAN, SignedDuration, SubjectId, Timestamp, UserId};
use advaudit::sandbox::{Assigned, AssignmentState, Audited, Doing, Truth};
use serde_json::Value;
use tempfile::TempDir;

use super::common::Ran;
use super::common::elsewhen::Elsewhen;
use super::common::served::{Running, on, pause};
use super::common::site::{MANIFEST, T, TENANT_ID};

const PEOPLE: &str = "\
lag: 300ms
groupProcessing: 300ms
groups:
  - {name: E5 Legal, licenses: [SPE_E5], members: [l1@contoso.com, l2@contoso.com, l3@contoso.com, u8@contoso.com]}
  - {name: E5 Sales, licenses: [{license: SPE_E5, off: [YAMMER_ENTERPRISE]}], members: [s1@contoso.com, s2@contoso.com]}
users:
  - {upn: u1@contoso.com, licenses: [SPE_E5]}
  - {upn: u2@contoso.com, licenses: [{license: SPE_E5, off: [YAMMER_ENTERPRISE]}]}
  - {upn: u3@contoso.com, licenses: [SPE_E5]}
  - {upn: u4@contoso.com, licenses: [SPE_E5, ENTERPRISEPREMIUM]}
  - {upn: u5@contoso.com, licenses: [{license: SPE_E5, off: [YAMMER_ENTERPRISE, LOCKBOX_ENTERPRISE]}]}
  - {upn: u6@contoso.com, licenses: [SPE_E5]}
  - {upn: u7@contoso.com, licenses: [SPE_E5]}
  - {upn: u8@contoso.com, licenses: [SPE_E5]}
  - {upn: off1@contoso.com, licenses: [{license: SPE_E5, off: [M365_ADVANCED_AUDITING]}]}
  - {upn: off2@contoso.com, licenses: [{license: SPE_E5, off: [M365_ADVANCED_AUDITING, YAMMER_ENTERPRISE]}]}
  - {upn: off3@contoso.com, licenses: [{license: SPE_E5, off: [M365_ADVANCED_AUDITING]}]}
  - {upn: other.on@contoso.com, licenses: [SPE_E5]}
  - {upn: other.off@contoso.com, licenses: [{license: SPE_E5, off: [M365_ADVANCED_AUDITING]}]}
  - l1@contoso.com
  - l2@contoso.com
  - l3@contoso.com
  - s1@contoso.com
  - s2@contoso.com
";

/// Who is declared with a date. u8 is toggled by nobody, being on directly and by a group.
const TOGGLED: [&str; 8] = ["u1", "u2", "u3", "u4", "u5", "u6", "u7", "off3"];
/// Who is declared without.
const ENABLED: [&str; 3] = ["off1", "off2", "u8"];
const GROUPS: [&str; 2] = ["E5 Legal", "E5 Sales"];
/// Whom nobody declares.
const OTHERS: [&str; 2] = ["other.on@contoso.com", "other.off@contoso.com"];
const WAIT: SignedDuration = SignedDuration::from_secs(1);
const MAX_OFF: usize = 4;

/// The records after which it is not known whether a write was done.
const DOUBTS: [&str; 2] = ["off_intent", "on_intent"];

/// SplitMix64: small, and the same everywhere.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// When a process is killed.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// So many milliseconds after its start.
    Millis(u64),
    /// Once it has written so many records: just before a request leaves, or just after an answer came.
    Records(usize),
}

/// A served tenant, a manifest, a state folder, and chance.
struct Place {
    graph: Elsewhen,
    first: Truth,
    folder: TempDir,
    seed: u64,
    chance: Chance,
    /// What was done so far, for a failing test.
    story: Vec<String>,
}

impl Place {
    fn new(seed: u64) -> Place {
        let named = std::env::var("ADVAUDIT_TEST_KILLS").ok().map(|text| text.parse().expect("a number"));
        let seed = named.unwrap_or(seed);
        let graph = Elsewhen::start_far_away(PEOPLE, SignedDuration::ZERO, SignedDuration::from_millis(8));
        let folder = tempfile::tempdir().expect("a folder");
        let (first, chance) = (graph.truth(), Chance(seed));
        let place = Place { graph, first, folder, seed, chance, story: Vec::new() };
        place.ask_for(T);
        place
    }

    /// Declares everybody, with that date.
    fn ask_for(&self, date: &str) {
        let toggled =
            TOGGLED.map(|name| format!("  - {{user: {name}@contoso.com, toggleIfEnabledBefore: {date}}}\n"));
        let enabled = ENABLED.map(|name| format!("  - {name}@contoso.com\n"));
        let groups = GROUPS.map(|name| format!("  - {{group: {name}, toggleIfEnabledBefore: {date}}}\n"));
        let text = format!(
            "{MANIFEST}toggle: {{wait: 1s, groupGate: 3s, maxOff: {MAX_OFF}}}\nusers:\n{}{}groups:\n{}",
            toggled.concat(),
            enabled.concat(),
            groups.concat()
        );
        std::fs::write(self.manifest(), text).expect("written");
    }

    /// Declares everybody, with the date of a moment ago: who was turned on before is toggled again.
    fn ask_again(&mut self) {
        let date = Clock::system().now() - SignedDuration::from_secs(2);
        self.ask_for(&date.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        self.story.push(format!("asked again with {date}"));
    }

    fn manifest(&self) -> PathBuf {
        self.folder.path().join("manifest.yaml")
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// A command; `MANIFEST` stands for the manifest.
    fn command(&self, command: &str) -> std::process::Command {
        let manifest = self.manifest();
        on(&self.graph.url, &self.state(), &command.replace("MANIFEST", manifest.to_str().expect("UTF-8")))
    }

    fn run(&self, command: &str) -> Ran {
        Ran::of(&mut self.command(command))
    }

    fn journal(&self) -> Vec<u8> {
        std::fs::read(self.state().join(TENANT_ID).join("journal.jsonl")).unwrap_or_default()
    }

    /// How many records the journal has.
    fn records(&self) -> usize {
        self.journal().iter().filter(|byte| **byte == b'\n').count()
    }

    /// Who is on with a last record of that kind: `off_intent` of an off that has not reached the tenant,
    /// `on_intent` of an on whose answer has not come back.
    fn on_after(&self, kinds: &[&str]) -> BTreeSet<String> {
        let text = String::from_utf8(self.journal()).expect("UTF-8");
        let mut last = BTreeMap::new();
        for record in text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            let entry = &record["entry"];
            if let (Some(name), Some(kind)) = (entry["subject"]["name"].as_str(), entry["kind"].as_str()) {
                last.insert(name.to_owned(), kinds.contains(&kind));
            }
        }
        let truth = self.graph.truth();
        let users = truth.users.values().map(|user| (&user.upn, user.is_on));
        let groups = truth.groups.values().map(|group| (&group.name, group.licenses.iter().all(is_on)));
        let on = users.chain(groups).filter(|(name, is_on)| *is_on && last.get(*name) == Some(&true));
        on.map(|(name, _)| name.clone()).collect()
    }

    /// Starts a command and kills it at a random moment. None when it was killed, what it did when it ended
    /// before. In doubt about somebody whom reads show on, the next run takes that for a replica that lags,
    /// for half a minute: those moments are passed over, and have tests of their own.
    fn kill_in_the_middle(&mut self, command: &str) -> Option<Ran> {
        let moment = match self.chance.below(2) {
            0 => Moment::Millis(self.chance.below(60) * self.chance.below(14) + 10),
            _ => Moment::Records(1 + usize::try_from(self.chance.below(9)).expect("small")),
        };
        let (before, doubts) = (self.records(), self.on_after(&DOUBTS));
        let mut run = Running::start(self.command(command));
        for passed in 0..3000 {
            let is_time = match moment {
                Moment::Millis(millis) => passed >= millis,
                Moment::Records(count) => passed >= 300 || self.records() >= before + count,
            };
            if run.has_ended() || is_time && self.is_well_caught(&run, &doubts) {
                break;
            }
            pause(1);
        }
        let ran = run.kill();
        self.story.push(format!(
            "{command}: {moment:?}, {before} to {} records, code {:?}",
            self.records(),
            ran.code
        ));
        ran.code.is_some().then_some(ran)
    }

    /// Stops it; lets it go on where killing it would leave a doubt.
    fn is_well_caught(&self, run: &Running, doubts: &BTreeSet<String>) -> bool {
        run.signal("STOP");
        pause(20);
        let is_well = self.on_after(&DOUBTS).is_subset(doubts);
        if !is_well {
            run.signal("CONT");
        }
        is_well
    }

    /// Kills these commands in turn until so many were killed, asking again whenever all is done.
    fn kill(&mut self, times: usize, commands: &[&str], mut between: impl FnMut(&mut Place, usize)) {
        let mut killed = 0;
        for command in commands.iter().cycle() {
            if killed == times {
                return;
            }
            assert!(self.story.len() < 6 * times, "too few could be killed\n{}", self.told());
            match self.kill_in_the_middle(command) {
                None => {
                    killed += 1;
                    between(self, killed);
                }
                Some(ran) => {
                    let is_known = !ran.stderr.contains("nothing is known here");
                    let is_fine = matches!(ran.code, Some(0 | 4)) || !is_known;
                    assert!(is_fine, "{}\n{}", ran.told(), self.told());
                    if ran.code == Some(0) && command.starts_with("apply") {
                        self.ask_again();
                    }
                }
            }
        }
    }

    fn told(&self) -> String {
        let (seed, story) = (self.seed, self.story.join("\n"));
        format!("{story}\nthis was ADVAUDIT_TEST_KILLS={seed}\n")
    }

    /// Lets the work be done, and looks whether it is.
    fn finish(&self, command: &str) {
        let told = self.told();
        let ran = self.run(command);
        assert!(ran.code == Some(0), "{}\n{told}", ran.told());
        let status = self.run("status --json").exits(0);
        let in_flight = status.json()["in_flight"].as_array().expect("a list").len();
        assert!(in_flight == 0 && status.json()["lease"].is_null(), "{}\n{told}", status.told());
        let wrong = everything_is_on(&self.first, &self.graph.truth());
        assert!(wrong.is_empty(), "{}\n{told}", wrong.join("\n"));
        let wrong = Judge::of(&self.first).wrong(&self.graph.audit());
        assert!(wrong.is_empty(), "{}\n{told}", wrong.join("\n"));
    }

    /// How many records there are, all of them whole and each following from the one before.
    fn whole_records(&self) -> usize {
        let store = Rc::new(Folder::new(self.state().join(TENANT_ID)));
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let loaded = runtime.block_on(log::load(&*store, Some(TENANT_ID.parse().expect("an id"))));
        let loaded = loaded.unwrap_or_else(|error| panic!("{error}\n{}", self.told()));
        assert_eq!(loaded.torn, 0, "{}", self.told());
        loaded.records.len()
    }
}

#[test]
fn killed_a_hundred_times_everybody_is_on_and_nothing_else_has_changed() {
    let mut place = Place::new(20_261_122);
    let commands =
        ["apply MANIFEST --auto-approve", "apply MANIFEST --auto-approve --no-wait", "heal", "heal MANIFEST"];
    place.kill(100, &commands, |_, _| {});
    place.finish("apply MANIFEST --auto-approve");
    let offs = place.graph.audit().iter().filter(|one| turns_off(one)).count();
    assert!(offs >= 6, "only {offs} toggles\n{}", place.told());
    assert_eq!(place.whole_records(), place.records());
    let ran = place.run("plan MANIFEST").exits(0);
    ran.shows("Plan: 0 to enable, 0 to toggle, 0 to resume, 13 in sync, 0 blocked.");
}

#[test]
fn killed_and_its_state_lost_nobody_is_left_off() {
    let mut place = Place::new(4711);
    let commands =
        ["apply MANIFEST --auto-approve", "apply MANIFEST --auto-approve --no-wait", "heal MANIFEST"];
    place.kill(16, &commands, |place, killed| {
        if killed % 4 == 0 {
            place.story.push("the state is lost".to_owned());
            _ = std::fs::remove_dir_all(place.state());
            // What a replica does not show yet nobody can know without a journal.
            pause(300);
        }
    });
    place.finish("heal MANIFEST");
}

/// Kills at the first moment when somebody is on whose last record is of that kind; then heals.
fn killed_after(kind: &str, seed: u64) {
    let mut place = Place::new(seed);
    place.run("heal MANIFEST").exits(0);
    for _ in 0..20 {
        let before = place.on_after(&[kind]);
        let mut run = Running::start(place.command("apply MANIFEST --auto-approve"));
        while place.on_after(&[kind]).is_subset(&before) && !run.has_ended() {
            pause(1);
        }
        let ran = run.kill();
        place.story.push(format!("{} records, code {:?}", place.records(), ran.code));
        if !place.on_after(&[kind]).is_subset(&before) {
            return place.finish("heal MANIFEST");
        }
        if ran.code == Some(0) {
            place.ask_again();
        }
    }
    panic!("the moment was not met\n{}", place.told());
}

#[test]
fn killed_between_the_record_of_an_off_and_its_request_it_ends_on() {
    killed_after("off_intent", 1);
}

#[test]
fn killed_between_an_on_and_its_answer_it_ends_on() {
    killed_after("on_intent", 2);
}

// The judge: what the tenant's own record must never show.

/// The service plan is on where it is declared; whatever else there is is as it was.
fn everything_is_on(first: &Truth, last: &Truth) -> Vec<String> {
    let mut wrong = Vec::new();
    for (id, user) in &last.users {
        let before = &first.users[id];
        let is_other = OTHERS.contains(&user.upn.as_str());
        if is_other && before != user {
            wrong.push(format!("{} was touched: {user:?}", user.upn));
        }
        let is_left_off = !user.is_on || !user.assignments.iter().all(is_on);
        if !is_other && is_left_off {
            wrong.push(format!("{} is left off: {user:?}", user.upn));
        }
        if beside(&before.assignments) != beside(&user.assignments) {
            wrong.push(format!("{} had {before:?} and has {user:?}", user.upn));
        }
    }
    for (id, group) in &last.groups {
        let before = &first.groups[id];
        if !group.licenses.iter().all(is_on) {
            wrong.push(format!("{} is left off: {group:?}", group.name));
        }
        if beside(&before.licenses) != beside(&group.licenses) || before.members != group.members {
            wrong.push(format!("{} was {before:?} and is {group:?}", group.name));
        }
    }
    wrong
}

fn is_on(assigned: &Assigned) -> bool {
    assigned.state == AssignmentState::Active && !assigned.off.contains(&SERVICE_PLAN)
}

/// Everything but the service plan.
fn beside(assignments: &[Assigned]) -> BTreeSet<String> {
    let one = |held: &Assigned| {
        let off: Vec<_> = held.off.iter().filter(|id| **id != SERVICE_PLAN).collect();
        format!("{:?} {:?} {off:?}", held.license, held.by)
    };
    assignments.iter().map(one).collect()
}

/// Whether it is a request of ours that turns somebody off who was on.
fn turns_off(change: &Audited) -> bool {
    let is_ours = matches!(change.doing, Doing::Wire { .. });
    is_ours && change.before.iter().any(is_on) && !change.after.iter().any(is_on)
}

/// Goes through the tenant's record in order.
struct Judge<'a> {
    first: &'a Truth,
    /// Who was on and is off now, and since when.
    off: BTreeMap<UserId, Timestamp>,
    wrong: Vec<String>,
}

impl<'a> Judge<'a> {
    fn of(first: &'a Truth) -> Judge<'a> {
        Judge { first, off: BTreeMap::new(), wrong: Vec::new() }
    }

    fn wrong(mut self, changes: &[Audited]) -> Vec<String> {
        for change in changes {
            self.look_at(change);
        }
        self.wrong
    }

    fn look_at(&mut self, change: &Audited) {
        if beside(&change.before) != beside(&change.after) {
            self.wrong.push(format!("something else was changed: {change:?}"));
        }
        if let Doing::Wire { body } = &change.doing
            && body["removeLicenses"].as_array().is_none_or(|list| !list.is_empty())
        {
            self.wrong.push(format!("a license was removed: {change:?}"));
        }
        if let SubjectId::User(id) = change.object {
            self.look_at_user(id, change);
        }
    }

    fn look_at_user(&mut self, id: UserId, change: &Audited) {
        let name = &self.first.users[&id].upn;
        let (was_on, is_now_on) = (change.before.iter().any(is_on), change.after.iter().any(is_on));
        if was_on && !is_now_on {
            self.off.insert(id, change.at);
        }
        if self.off.len() > MAX_OFF {
            self.wrong.push(format!("{} are off at {}", self.off.len(), change.at));
        }
        if is_now_on
            && let Some(since) = self.off.remove(&id)
            && matches!(change.doing, Doing::Wire { .. })
            && change.at.duration_since(since) < WAIT
        {
            self.wrong.push(format!("{name} went off at {since} and on at {}", change.at));
        }
    }
}
