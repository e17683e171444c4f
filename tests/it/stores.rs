//! State that machines share: the real program on Azure Blob Storage, as Azurite plays it, and on S3,
//! as moto does. Google Cloud Storage has no such double that refuses what the real one refuses; what is
//! its own is tested beside the code.
//!
//! A lease lasts a minute, so here it is broken, or made to expire by hand; its patience is tested in
//! virtual time.

use std::rc::Rc;
use std::sync::Arc;

use advaudit::journal::bucket::Bucket;
use advaudit::journal::log::Journal;
use advaudit::journal::objects::{Expect, Objects as _, Put};
use advaudit::journal::record::Entry;
use advaudit::journal::shared::Shared;
use advaudit::journal::store::Store as _;
use advaudit::model::{RunId, TenantId, Timestamp};
use serde_json::Value;
use tempfile::TempDir;

use super::common::Ran;
use super::common::cloud::{KEY_TEXT, Kind, Server};
use super::common::served::{Running, Served, on, until};
use super::common::site::{MANIFEST, T, TENANT, TENANT_ID};

const PEOPLE: &str = "\
users:
  - {upn: a@contoso.com, licenses: [SPE_E5]}
  - {upn: b@contoso.com, licenses: [{license: SPE_E5, off: [M365_ADVANCED_AUDITING]}]}
";

/// A served tenant, a manifest that toggles a and turns b on, and a state of its own in a store.
struct Place {
    server: Arc<Server>,
    served: Served,
    folder: TempDir,
    prefix: String,
}

impl Place {
    fn new(server: Arc<Server>, wait: &str) -> Place {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("tenant.yaml");
        std::fs::write(&file, format!("{TENANT}{PEOPLE}")).expect("written");
        let manifest = format!(
            "{MANIFEST}toggle: {{wait: {wait}}}\nusers:\n  - b@contoso.com\n  - {{user: a@contoso.com, \
             toggleIfEnabledBefore: {T}}}\n"
        );
        std::fs::write(folder.path().join("manifest.yaml"), manifest).expect("written");
        let prefix = format!("tests/{}", uuid::Uuid::new_v4());
        Place { server, served: Served::start(&file), folder, prefix }
    }

    /// A command on a machine that has nothing but the manifest: another empty folder each time.
    fn command(&self, command: &str) -> std::process::Command {
        let manifest = self.folder.path().join("manifest.yaml");
        let state = self.server.state(&self.prefix);
        let command = command.replace("MANIFEST", manifest.to_str().expect("UTF-8"));
        let mut command = on(&self.served.url, state.as_ref(), &command);
        let machine = self.folder.path().join(uuid::Uuid::new_v4().to_string());
        std::fs::create_dir(&machine).expect("a folder");
        command.current_dir(machine).envs(self.server.variables());
        command
    }

    fn run(&self, command: &str) -> Ran {
        let ran = Ran::of(&mut self.command(command));
        let silent = !ran.stdout.contains(KEY_TEXT) && !ran.stderr.contains(KEY_TEXT);
        ran.holds("the key of the store is told to nobody", silent)
    }

    fn start(&self, command: &str) -> Running {
        Running::start(self.command(command))
    }

    fn objects(&self) -> Rc<Bucket> {
        self.server.objects(&self.prefix)
    }

    /// The records of the journal.
    fn journal(&self) -> Vec<Value> {
        let bytes = block_on(shared(&self.objects()).load()).expect("readable");
        let text = String::from_utf8(bytes).expect("UTF-8");
        text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }

    /// How many records of a kind there are.
    fn count(&self, kind: &str) -> usize {
        self.journal().iter().filter(|record| record["entry"]["kind"] == kind).count()
    }

    /// Starts an apply and waits until a is off and nothing but the wait is left.
    fn apply_until_it_waits(&self) -> Running {
        let run = self.start("apply MANIFEST --auto-approve");
        until("a is seen to be off, and b on", || {
            self.count("off_verified") == 1 && self.count("closed") == 1
        });
        run
    }

    #[track_caller]
    fn all_in_sync(&self) {
        self.run("plan MANIFEST")
            .exits(0)
            .shows("Plan: 0 to enable, 0 to toggle, 0 to resume, 2 in sync, 0 blocked.");
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(work)
}

fn shared(objects: &Rc<Bucket>) -> Rc<Shared> {
    Rc::new(Shared::new(objects.clone(), TENANT_ID.parse::<TenantId>().expect("an id")))
}

/// Every story on every store that is there.
macro_rules! stories {
    ($($story:ident),* $(,)?) => {
        mod azure {
            $(#[test] fn $story() { super::told(super::Kind::Azure, super::$story); })*
        }
        mod s3 {
            $(#[test] fn $story() { super::told(super::Kind::S3, super::$story); })*
        }
    };
}

fn told(kind: Kind, story: fn(Arc<Server>)) {
    if let Some(server) = kind.server() {
        story(server);
    }
}

stories! {
    a_whole_toggle_and_its_status_on_another_machine,
    killed_while_somebody_is_off_and_finished_by_another_machine,
    a_lease_that_has_expired_is_taken_without_asking,
    of_two_runs_at_once_one_works_and_the_other_says_who,
    a_run_whose_lease_was_broken_writes_no_record_more,
    a_stale_writer_is_refused_by_the_store,
    a_long_journal_is_in_segments,
    what_is_wrong_with_the_store_is_said_before_anything_is_written,
}

fn a_whole_toggle_and_its_status_on_another_machine(server: Arc<Server>) {
    let place = Place::new(server, "2s");
    place.run("status").exits(1).complains("nothing is known here").complains(&place.prefix);
    let run = place.run("apply MANIFEST --auto-approve --json").exits(0).json();
    assert_eq!((&run["summary"]["enabled"], &run["summary"]["toggled"]), (&1.into(), &1.into()));
    let status = place.run("status --json").exits(0).json();
    assert_eq!((&status["tenant"], &status["lease"]), (&TENANT_ID.into(), &Value::Null));
    place.run("status").exits(0).shows("Nobody is off because of us.").shows("No run is working.");
    place.run("heal").exits(0);
    place.all_in_sync();
}

fn killed_while_somebody_is_off_and_finished_by_another_machine(server: Arc<Server>) {
    let place = Place::new(server, "3s");
    let first = place.apply_until_it_waits();
    let owner = format!("process {}", first.id());
    drop(first);
    let status = place.run("status --json").exits(0).json();
    assert_eq!(status["in_flight"][0]["subject"]["name"], "a@contoso.com", "{status:#}");
    assert!(status["lease"]["owner"].as_str().is_some_and(|text| text.contains(&owner)), "{status:#}");
    assert!(status["lease"]["expires_at"].is_string(), "{status:#}");
    place.run("status").exits(0).shows(&owner).shows("lease until");
    place.run("heal --lock-timeout 0s").exits(1).complains(&owner);
    place.run("heal --break-lease --auto-approve").exits(0).complains("was broken").shows("1 resumed");
    assert_eq!(place.count("lease_broken"), 1);
    place.all_in_sync();
}

fn a_lease_that_has_expired_is_taken_without_asking(server: Arc<Server>) {
    let place = Place::new(server, "2s");
    drop(place.apply_until_it_waits());
    let name = format!("{TENANT_ID}/lease.json");
    block_on(async {
        let objects = place.objects();
        let lease = objects.get(&name).await.expect("readable").expect("held");
        let mut holder: Value = serde_json::from_slice(&lease.bytes).expect("JSON");
        holder["expires_at"] = "2026-01-01T00:00:00Z".into();
        let put = objects.put(&name, holder.to_string().into_bytes(), Expect::Version(lease.version)).await;
        assert!(matches!(put, Ok(Put::Done(_))), "{put:?}");
    });
    assert_eq!(place.run("status --json").exits(0).json()["lease"], Value::Null);
    place.run("heal").exits(0).shows("1 resumed");
    assert_eq!(place.count("lease_broken"), 0);
    place.all_in_sync();
}

fn of_two_runs_at_once_one_works_and_the_other_says_who(server: Arc<Server>) {
    let place = Place::new(server, "3s");
    let runs = [(); 2].map(|()| place.start("apply MANIFEST --auto-approve --lock-timeout 0s"));
    let ids = [runs[0].id(), runs[1].id()];
    let ran = runs.map(Running::end);
    let worked = usize::from(ran[1].code == Some(0));
    ran[worked].clone().exits(0).shows("1 enabled, 1 toggled");
    let owner = format!("process {}", ids[worked]);
    ran[1 - worked].clone().exits(1).complains(&owner).complains("already works on this tenant");
    assert_eq!(place.count("off_intent"), 1);
    place.all_in_sync();
}

fn a_run_whose_lease_was_broken_writes_no_record_more(server: Arc<Server>) {
    let place = Place::new(server, "5s");
    let first = place.apply_until_it_waits();
    place.run("heal --no-wait --break-lease --auto-approve").exits(4);
    let records = place.journal();
    let ended = first.end().exits(1).complains("another run has written");
    ended.complains("who was off was turned on").shows("1 toggled");
    assert_eq!(place.journal(), records, "the store refused it");
}

fn a_stale_writer_is_refused_by_the_store(server: Arc<Server>) {
    let objects = server.objects(&format!("tests/{}", uuid::Uuid::new_v4()));
    block_on(async {
        let (mut stale, _) = open(&objects, 1).await;
        append(&mut stale, 1).await.expect("appends");
        let (mut new, loaded) = open(&objects, 2).await;
        assert_eq!(loaded, 1);
        append(&mut new, 1).await.expect("appends");
        let refused = append(&mut stale, 1).await.expect_err("not the only writer");
        assert!(refused.is_conflict(), "{refused}");
        append(&mut new, 1).await.expect("goes on");
        assert_eq!(open(&objects, 3).await.1, 3);
    });
}

fn a_long_journal_is_in_segments(server: Arc<Server>) {
    let objects = server.objects(&format!("tests/{}", uuid::Uuid::new_v4()));
    block_on(async {
        let (mut journal, _) = open(&objects, 1).await;
        for _ in 0..5 {
            append(&mut journal, 30_000).await.expect("appends");
        }
        let mut names = objects.list(&format!("{TENANT_ID}/journal")).await.expect("listed");
        names.sort();
        assert_eq!(names, ["00000001.jsonl", "00000002.jsonl"]);
        assert_eq!(objects.list("").await.expect("listed"), [TENANT_ID]);
        assert_eq!(open(&objects, 2).await.1, 5);
    });
}

/// A journal, and how many records it has.
async fn open(objects: &Rc<Bucket>, run: u128) -> (Journal, usize) {
    let run = RunId(uuid::Uuid::from_u128(run));
    let store = shared(objects);
    let opened = Journal::open(store, TENANT_ID.parse().expect("an id"), run).await;
    let (journal, loaded) = opened.expect("readable");
    (journal, loaded.records.len())
}

async fn append(journal: &mut Journal, length: usize) -> Result<(), advaudit::journal::chain::JournalError> {
    let entry = Entry::LeaseBroken { owner: "x".repeat(length) };
    journal.append(entry, Timestamp::UNIX_EPOCH).await.map(|_| ())
}

fn what_is_wrong_with_the_store_is_said_before_anything_is_written(server: Arc<Server>) {
    let place = Place::new(server, "2s");
    let apply = |state: &str, variables: &[(&str, &str)]| {
        let mut command = place.command("apply MANIFEST --auto-approve");
        let args: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        let shown = std::ffi::OsString::from(place.server.state(&place.prefix));
        let args = args.into_iter().map(|arg| if arg == shown { state.into() } else { arg });
        let mut other = std::process::Command::new(command.get_program());
        other.args(args).env_clear();
        other.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command = other;
        Ran::of(command.envs(variables.iter().copied())).exits(1)
    };
    let nowhere = place.server.state("").replace("audit/", "nowhere/prod");
    apply(&nowhere, &[]).complains(&nowhere).complains("create it");
    // moto does not look at signatures.
    if nowhere.starts_with("az") {
        let other = KEY_TEXT.replace("YWR2", "ZHZh");
        let ran = apply(&place.server.state("x"), &[("AZURE_STORAGE_ACCOUNT_KEY", &other)]);
        let ran = ran.complains("AZURE_STORAGE_ACCOUNT_KEY").complains("az://audit/x");
        ran.clone().holds("no key is told", !ran.stderr.contains(&other));
    }
    place.run("plan MANIFEST").exits(0).shows("1 to enable, 1 to toggle");
}
