//! Clocks that differ (DESIGN 9): the machine's is wrong, is set, or slept, and Graph's is what counts.

use std::cell::Cell;
use std::path::PathBuf;
use std::rc::Rc;

use advaudit::apply::outcome::Outcome;
use advaudit::clock::Clock;
use advaudit::graph::transport::{Request, Sending, Transport};
use advaudit::model::{SignedDuration, Timestamp};
use advaudit::sandbox::{InProcess, Tenant};
use tempfile::TempDir;

use super::common::Ran;
use super::common::elsewhen::Elsewhen;
use super::common::served::on;
use super::common::site::{MANIFEST, T, TENANT, TENANT_ID, json_lines};
use super::common::world::World;

// Over sockets: a Graph whose clock is not the machine's.

const PEOPLE: &str = "\
users:
  - {upn: a@contoso.com, licenses: [SPE_E5]}
  - {upn: b@contoso.com, licenses: [{license: SPE_E5, off: [M365_ADVANCED_AUDITING]}]}
";

/// A served tenant whose clock is elsewhere, and a manifest: b is turned on, a is toggled.
struct Place {
    graph: Elsewhen,
    folder: TempDir,
}

impl Place {
    fn new(wait: &str, graph_ahead: SignedDuration) -> Place {
        let folder = tempfile::tempdir().expect("a folder");
        let manifest = format!(
            "{MANIFEST}toggle: {{wait: {wait}}}\nusers:\n  - b@contoso.com\n  - {{user: a@contoso.com, \
             toggleIfEnabledBefore: {T}}}\n"
        );
        std::fs::write(folder.path().join("manifest.yaml"), manifest).expect("written");
        Place { graph: Elsewhen::start(PEOPLE, graph_ahead), folder }
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn run(&self, command: &str) -> Ran {
        let manifest = self.folder.path().join("manifest.yaml");
        let command = command.replace("MANIFEST", manifest.to_str().expect("UTF-8"));
        Ran::of(&mut on(&self.graph.url, &self.state(), &command))
    }

    fn journal(&self) -> Vec<serde_json::Value> {
        json_lines(&self.state().join(TENANT_ID).join("journal.jsonl"))
    }
}

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

fn time(value: &serde_json::Value) -> Timestamp {
    value.as_str().expect("a time").parse().expect("a time")
}

#[test]
fn over_two_minutes_is_told_and_everything_runs_in_graphs_time() {
    for (graph_ahead, says) in [(-5, "5 min ahead of Graph's"), (5, "5 min behind Graph's")] {
        let place = Place::new("2s", minutes(graph_ahead));
        place.run("plan MANIFEST").exits(0).shows("warning[clock-skew]").shows(says);
        let plan = place.run("plan MANIFEST --json").exits(0).json();
        let mut findings = plan["findings"].as_array().expect("a list").iter();
        assert!(findings.any(|one| one["code"] == "clock-skew"), "{plan:#}");
        assert_eq!(plan["applyable"], true);
        let ran = place.run("apply MANIFEST --auto-approve --json").exits(0).complains(says);
        let run = ran.json();
        let [_, off, on] = place.graph.written_at()[..] else { panic!("{}", ran.told()) };
        assert!(on.duration_since(off) >= seconds(2), "{off} to {on}\n{}", ran.told());
        assert!(on.duration_since(off) <= seconds(20), "{off} to {on}\n{}", ran.told());
        let toggled =
            run["subjects"].as_array().expect("a list").iter().find(|one| one["outcome"] == "toggled");
        let toggled = toggled.unwrap_or_else(|| panic!("{}", ran.told()));
        for (ours, graphs) in [(&toggled["off_at"], off), (&toggled["on_at"], on), (&run["started_at"], off)]
        {
            let apart = time(ours).duration_since(graphs).abs();
            assert!(apart <= seconds(10), "{ours} is not Graph's {graphs}\n{}", ran.told());
        }
    }
}

#[test]
fn over_a_quarter_of_an_hour_no_new_toggle_starts_and_the_rest_goes_on() {
    for (graph_ahead, says) in [(-180, "3 h ahead of Graph's"), (180, "3 h behind Graph's")] {
        let place = Place::new("2s", minutes(graph_ahead));
        let plan = place.run("plan MANIFEST").exits(0).shows("1 to enable, 1 to toggle").shows(says);
        plan.shows("no new toggle is started");
        let ran = place.run("apply MANIFEST --auto-approve").exits(4);
        let ran =
            ran.shows("Done: 1 enabled.").complains("no toggle was started [clock-skew]").complains(says);
        assert_eq!(place.graph.written_at().len(), 1, "{}", ran.told());
        // Nothing but the toggle is left, and it may not start: there is nothing to approve.
        let plan = place.run("plan MANIFEST --json").exits(0).json();
        assert_eq!((&plan["summary"]["toggle"], &plan["applyable"]), (&1.into(), &false.into()));
        place.run("apply MANIFEST --auto-approve --json").exits(4);
        assert_eq!(place.graph.written_at().len(), 1);
        place.graph.is_ahead(SignedDuration::ZERO);
        place.run("apply MANIFEST --auto-approve").exits(0).shows("1 toggled");
    }
}

#[test]
fn what_is_off_is_turned_on_in_graphs_time_whatever_the_machine_shows() {
    let place = Place::new("30m", minutes(-10));
    let ran = place.run("apply MANIFEST --auto-approve --no-wait --json").exits(4);
    let [_, off] = place.graph.written_at()[..] else { panic!("{}", ran.told()) };
    let mut entries = place.journal().into_iter().map(|record| record["entry"].clone());
    let verified = entries.find(|entry| entry["kind"] == "off_verified");
    let due = time(&verified.unwrap_or_else(|| panic!("{:#?}", place.journal()))["due"]);
    let late = due.duration_since(off) - minutes(30);
    assert!((SignedDuration::ZERO..seconds(5)).contains(&late), "off at {off}, due at {due}");
    // By the machine's clock the wait would be over for ten minutes; by Graph's it is not.
    place.graph.is_ahead(minutes(15));
    place.run("heal --no-wait").exits(4);
    // And now the other way round, from a machine that starts no toggle any more.
    place.graph.is_ahead(minutes(21));
    let ran = place.run("heal --no-wait").exits(0).complains("21 min behind Graph's").shows("1 resumed");
    let written = place.graph.written_at();
    assert!(written[2].duration_since(off) >= minutes(30), "{written:?}\n{}", ran.told());
}

// In process and in virtual time: what happens in the middle of a wait.

const ADELE: &str = "users:\n  - {upn: adele@contoso.com, since: 2026-03-02T10:15:00Z, licenses: [SPE_E5]}\n";

/// A tenant, the clock of Graph and the clock of the machine, over the same passing of time.
struct Clocks {
    world: World,
    exact: Clock,
    graph: Clock,
    machine: Clock,
}

impl Clocks {
    fn new(machine_ahead: SignedDuration, transport: impl FnOnce(InProcess) -> Rc<dyn Transport>) -> Clocks {
        let tenant = Tenant::read(&format!("{TENANT}{ADELE}")).expect("a tenant");
        let exact = Clock::starting_at(tenant.start().expect("virtual time"));
        // Nothing is heard by it: it shows its wall clock.
        let graph = Clock::machine_of(&exact, SignedDuration::ZERO);
        let machine = Clock::machine_of(&exact, machine_ahead);
        let tenant = InProcess::new(tenant, graph.clone());
        let world = World::of(tenant.clone(), transport(tenant), machine.clone());
        Clocks { world, exact, graph, machine }
    }

    fn ahead(machine_ahead: SignedDuration) -> Clocks {
        Clocks::new(machine_ahead, |tenant| Rc::new(tenant))
    }

    /// Everybody's clock but the machine's ticks go on.
    fn sleeps(&self, how_long: SignedDuration) {
        self.graph.set_wall_offset(how_long);
        self.machine.set_wall_offset(how_long);
    }

    /// Toggles Adele while that happens; off and on by the tenant's own record.
    #[track_caller]
    fn toggle(&self, meanwhile: impl Future<Output = ()>) -> (Timestamp, Timestamp) {
        let planned =
            self.world.plan(&format!("users: [{{user: adele@contoso.com, toggleIfEnabledBefore: {T}}}]\n"));
        let ended = self.world.carry_out_beside(&planned, meanwhile);
        assert_eq!(ended, [("adele@contoso.com".to_owned(), Outcome::Toggled)]);
        let tenant = self.world.tenant.tenant();
        let [off, on] = tenant.writes() else { panic!("{:?}", tenant.writes()) };
        (off.at, on.at)
    }

    /// Whether the wait was an hour, by the tenant's own record, and not much more.
    #[track_caller]
    fn is_an_hour(&self, (off, on): (Timestamp, Timestamp)) {
        let waited = on.duration_since(off);
        assert!(waited >= minutes(60), "on too early: {waited} after the off");
        assert!(waited <= minutes(60) + seconds(10), "on too late: {waited} after the off");
    }
}

#[test]
fn a_machine_that_is_wrong_waits_an_hour_of_graphs() {
    for ahead in [-100_000, -180, -14, -1, 0, 1, 14, 180, 100_000] {
        let clocks = Clocks::ahead(minutes(ahead));
        let toggled = clocks.toggle(async {});
        clocks.is_an_hour(toggled);
    }
}

#[test]
fn setting_the_machines_clock_in_the_wait_changes_nothing() {
    for (from, to) in [(0, 120), (0, -120), (10, 0), (-10, 5000), (14, -5000)] {
        let clocks = Clocks::ahead(minutes(from));
        let toggled = clocks.toggle(async {
            clocks.machine.sleep(minutes(20)).await;
            clocks.machine.set_wall_offset(minutes(to));
        });
        clocks.is_an_hour(toggled);
    }
}

#[test]
fn a_laptop_that_slept_in_the_wait_does_not_wait_its_sleep_out_again() {
    for slept in [40, 50, 300] {
        let clocks = Clocks::ahead(SignedDuration::ZERO);
        let began = clocks.exact.now();
        let (off, on) = clocks.toggle(async {
            clocks.machine.sleep(minutes(20)).await;
            clocks.sleeps(minutes(slept));
        });
        assert!(on.duration_since(off) >= minutes(60));
        let awake = clocks.exact.now().duration_since(began);
        let least = (minutes(60) - minutes(slept)).max(minutes(20));
        assert!((least..least + seconds(20)).contains(&awake), "awake for {awake}");
    }
}

#[test]
fn a_laptop_that_slept_while_it_turned_somebody_off_waits_from_the_off() {
    for slept in [2, 50, 300] {
        let clocks = Clocks::ahead(SignedDuration::ZERO);
        let toggled = clocks.toggle(async {
            // The intent is durable, the request under way.
            while !clocks.world.journal().contains("off_intent") {
                clocks.machine.sleep(SignedDuration::from_millis(10)).await;
            }
            clocks.sleeps(minutes(slept));
        });
        clocks.is_an_hour(toggled);
    }
}

/// A tenant behind a proxy that answers one request with a date of its own.
struct Misdated {
    tenant: InProcess,
    /// The write whose answer it is, from 1.
    write: u32,
    writes: Cell<u32>,
    date: &'static str,
}

impl Transport for Misdated {
    fn send(&self, request: Request) -> Sending<'_> {
        Box::pin(async move {
            let is_write = request.uri().path().ends_with("/assignLicense");
            let mut response = self.tenant.send(request).await?;
            self.writes.set(self.writes.get() + u32::from(is_write));
            if is_write && self.writes.get() == self.write {
                response.headers_mut().insert("date", self.date.parse().expect("a header"));
            }
            Ok(response)
        })
    }
}

#[test]
fn one_answer_with_a_crazy_date_moves_no_deadline() {
    for date in
        ["Sun, 22 Nov 2026 08:00:00 GMT", "Sun, 22 Nov 2026 11:30:00 GMT", "Fri, 01 Jan 2038 00:00:00 GMT"]
    {
        for write in [1, 2] {
            let clocks = Clocks::new(SignedDuration::ZERO, |tenant| {
                Rc::new(Misdated { tenant, write, writes: Cell::new(0), date })
            });
            let toggled = clocks.toggle(async {});
            clocks.is_an_hour(toggled);
        }
    }
}
