//! Bad places for the state: what each command says and does when the journal or the lease cannot be
//! used. Tests may run as root, so nothing here depends on permissions: a file stands where a folder
//! has to be, or the system is told to take no byte more.
#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::process::Command;

use advaudit::model::SignedDuration;
use tempfile::TempDir;

use super::common::Ran;
use super::common::elsewhen::Elsewhen;
use super::common::served::{on, pause};
use super::common::site::{MANIFEST, T, TENANT_ID};

const PEOPLE: &str = "\
users:
  - {upn: a@contoso.com, licenses: [SPE_E5]}
  - {upn: b@contoso.com, licenses: [{license: SPE_E5, off: [M365_ADVANCED_AUDITING]}]}
";

/// Everything that reads the state, and whether it may change the tenant.
const LOOKS: [&str; 2] = ["plan MANIFEST", "status"];
const RUNS: [&str; 3] = ["apply MANIFEST --auto-approve", "heal", "heal MANIFEST"];

/// A tenant with its own record of writes, a manifest that toggles a and enables b, and a state folder.
struct Place {
    graph: Elsewhen,
    folder: TempDir,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().expect("a folder");
        let manifest = format!(
            "{MANIFEST}toggle: {{wait: 1s}}\nusers:\n  - b@contoso.com\n  - {{user: a@contoso.com, \
             toggleIfEnabledBefore: {T}}}\n"
        );
        std::fs::write(folder.path().join("manifest.yaml"), manifest).expect("written");
        Place { graph: Elsewhen::start(PEOPLE, SignedDuration::ZERO), folder }
    }

    /// a is off because of an earlier run, and due.
    fn due() -> Place {
        let place = Place::new();
        place.run("apply MANIFEST --auto-approve --no-wait").exits(4);
        place.is_on("a@contoso.com", false);
        pause(3000);
        place
    }

    /// The same with a journal that was changed.
    fn edited(change: impl FnOnce(String) -> String) -> Place {
        let place = Place::due();
        let text = std::fs::read_to_string(place.journal()).expect("a journal");
        std::fs::write(place.journal(), change(text)).expect("written");
        place
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn tenant_folder(&self) -> PathBuf {
        self.state().join(TENANT_ID)
    }

    fn journal(&self) -> PathBuf {
        self.tenant_folder().join("journal.jsonl")
    }

    fn command(&self, command: &str) -> Command {
        let manifest = self.folder.path().join("manifest.yaml");
        on(&self.graph.url, &self.state(), &command.replace("MANIFEST", manifest.to_str().expect("UTF-8")))
    }

    fn run(&self, command: &str) -> Ran {
        Ran::of(&mut self.command(command))
    }

    /// The same on a disk that takes no byte.
    fn run_on_a_full_disk(&self, command: &str) -> Ran {
        let own = self.command(command);
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh"]);
        command.arg(own.get_program()).args(own.get_args());
        command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Ran::of(&mut command)
    }

    #[track_caller]
    fn is_on(&self, upn: &str, is_on: bool) {
        let truth = self.graph.truth();
        let user = truth.users.values().find(|user| user.upn == upn).expect("there");
        assert_eq!(user.is_on, is_on, "{user:?}");
    }

    /// Each command ends with 1, says all of that, and changes nothing in the tenant.
    #[track_caller]
    fn refuses(&self, commands: &[&str], says: &[&str]) {
        let before = self.graph.written_at().len();
        for command in commands {
            let mut ran = self.run(command).exits(1);
            for part in says {
                ran = ran.complains(part);
            }
            assert_eq!(self.graph.written_at().len(), before, "something was changed\n{}", ran.told());
        }
    }

    #[track_caller]
    fn all_in_sync(&self) {
        self.run("plan MANIFEST").exits(0).shows("0 to enable, 0 to toggle, 0 to resume, 2 in sync");
    }
}

fn put_a_file(path: &Path) {
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
    std::fs::write(path, "no folder\n").expect("written");
}

/// Every command there is.
fn all() -> Vec<&'static str> {
    LOOKS.into_iter().chain(RUNS).collect()
}

#[test]
fn a_file_in_the_place_of_the_state_folder() {
    let place = Place::new();
    put_a_file(&place.state());
    place.refuses(
        &all(),
        &["Not a directory", place.state().to_str().expect("UTF-8"), "hint: --state has to name"],
    );
}

#[test]
fn a_file_in_the_place_of_the_tenants_folder() {
    let place = Place::new();
    put_a_file(&place.tenant_folder());
    let path = place.tenant_folder();
    place.refuses(&all(), &[path.to_str().expect("UTF-8"), "hint: --state has to name"]);
}

#[test]
fn a_folder_in_the_place_of_the_journal() {
    let place = Place::new();
    std::fs::create_dir_all(place.journal()).expect("made");
    place.refuses(&all(), &["cannot read", "journal.jsonl: Is a directory", "hint: --state has to name"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_nobody_can_make() {
    let place = Place::new();
    let manifest = place.folder.path().join("manifest.yaml");
    for command in RUNS {
        let command = command.replace("MANIFEST", manifest.to_str().expect("UTF-8"));
        let ran = Ran::of(&mut on(&place.graph.url, Path::new("/proc/advaudit"), &command)).exits(1);
        ran.complains("cannot create the folder of /proc/advaudit/").complains("hint: --state has to name");
    }
    assert!(place.graph.written_at().is_empty());
}

#[test]
fn an_address_with_one_slash_is_no_folder() {
    let place = Place::new();
    for state in ["az:/container/prefix", "s3:bucket", "file:/srv/advaudit"] {
        for command in all() {
            let manifest = place.folder.path().join("manifest.yaml");
            let command = command.replace("MANIFEST", manifest.to_str().expect("UTF-8"));
            let mut command = on(&place.graph.url, Path::new(state), &command);
            Ran::of(command.current_dir(place.folder.path())).exits(64).complains("two slashes");
        }
    }
    assert!(place.graph.written_at().is_empty());
}

#[test]
fn a_full_disk_lets_nothing_new_start_and_says_so() {
    let place = Place::new();
    place.run_on_a_full_disk("plan MANIFEST").exits(0).shows("1 to enable, 1 to toggle");
    let ran = place.run_on_a_full_disk("apply MANIFEST --auto-approve").exits(1);
    ran.complains("cannot write to").complains("journal.jsonl: File too large").complains("is there room?");
    assert!(place.graph.written_at().is_empty(), "nothing was turned off");
}

#[test]
fn a_full_disk_keeps_nobody_off() {
    for command in RUNS {
        let place = Place::due();
        place.run_on_a_full_disk("status").exits(0).shows("a@contoso.com");
        let ran = place.run_on_a_full_disk(command).exits(1).complains("cannot write to");
        place.is_on("a@contoso.com", true);
        ran.complains("journal.jsonl").complains("run again with the same --state");
        place.run("apply MANIFEST --auto-approve").exits(0);
        place.all_in_sync();
    }
}

#[test]
fn a_lease_that_can_only_be_read_keeps_nobody_off() {
    let place = Place::due();
    let lease = place.tenant_folder().join("lease.json");
    std::fs::remove_file(&lease).expect("there");
    std::fs::create_dir(&lease).expect("made");
    place.run("heal").exits(0).shows("1 resumed");
    place.is_on("a@contoso.com", true);
}

#[test]
fn a_lease_full_of_garbage_is_nobodys() {
    let place = Place::due();
    std::fs::write(place.tenant_folder().join("lease.json"), b"\xff\x00 garbage {").expect("written");
    let status = place.run("status --json").exits(0).json();
    assert!(status["lease"].is_null(), "{status:#}");
    place.run("heal --break-lease --auto-approve").exits(0).complains("nothing to break").shows("1 resumed");
    place.all_in_sync();
}

#[test]
fn a_journal_of_a_newer_version() {
    let place = Place::edited(|text| text.replace("{\"v\":1,", "{\"v\":2,"));
    place.refuses(&all(), &["record 1 has version 2", "nothing was written", "Use the newer advaudit"]);
}

#[test]
fn a_journal_of_another_tenant() {
    let other = "c0450000-0000-4000-8000-00000000ffff";
    let place = Place::edited(|text| text.replacen(TENANT_ID, other, 1));
    place.refuses(
        &all(),
        &[&format!("record 1 is of tenant {other}"), "Name the state that belongs to this tenant"],
    );
}

#[test]
fn a_damaged_middle() {
    let place = Place::edited(|text| text.replacen("\"kind\":\"off_intent\"", "\"kind\":\"off", 1));
    place.refuses(&all(), &["is damaged", "nothing was written", "Restore it from a backup"]);
    // The way out that the message names.
    let away = place.folder.path().join("away.jsonl");
    std::fs::rename(place.journal(), away).expect("moved");
    place.run("heal MANIFEST").exits(0);
    place.all_in_sync();
}

#[test]
fn an_edited_record() {
    let place = Place::edited(|text| text.replacen("\"wait_seconds\":1,", "\"wait_seconds\":9,", 1));
    place.refuses(&all(), &["the journal was edited", "nothing was written", "`advaudit heal MANIFEST`"]);
}

#[test]
fn a_torn_last_record_is_told_and_cut_off() {
    for command in RUNS {
        let place = Place::edited(|text| text + "{\"v\":1,\"seq\":99,\"at\":\"20");
        place.run("plan MANIFEST").exits(0).shows("1 to resume");
        place.run("status").exits(0).shows("a@contoso.com");
        place.run(command).exits(0).complains("the last record of the journal was torn (24 bytes)");
        place.is_on("a@contoso.com", true);
        place.all_in_sync();
    }
}
