//! What only happens between processes: interrupts, crashes, two runs at once, a token on the wire.
//! Real sockets, hence real time; the waits are as short as Graph's rules allow.

use std::io::{Read, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tempfile::TempDir;

use super::common::Ran;
use super::common::served::{Running, Served, TOKEN, on, pause, until};
use super::common::site::{MANIFEST, T, TENANT, TENANT_ID};

/// A served tenant, and a manifest: b is turned on, a is toggled.
struct Place {
    served: Served,
    folder: TempDir,
}

const PEOPLE: &str = "\
lag: 1s
groupProcessing: 2s
groups: [{name: E5 Legal, licenses: [SPE_E5], members: [m1@contoso.com, m2@contoso.com]}]
users:
  - {upn: a@contoso.com, licenses: [SPE_E5]}
  - {upn: b@contoso.com, licenses: [{license: SPE_E5, off: [M365_ADVANCED_AUDITING, YAMMER_ENTERPRISE]}]}
  - m1@contoso.com
  - m2@contoso.com
";

impl Place {
    fn new(wait: &str, tenant: &str) -> Place {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("tenant.yaml");
        std::fs::write(&file, format!("{TENANT}{tenant}")).expect("written");
        let manifest = format!(
            "{MANIFEST}toggle: {{wait: {wait}}}\nusers:\n  - b@contoso.com\n  - {{user: a@contoso.com, \
             toggleIfEnabledBefore: {T}}}\n"
        );
        std::fs::write(folder.path().join("manifest.yaml"), manifest).expect("written");
        Place { served: Served::start(&file), folder }
    }

    /// Declares the group as well.
    fn with_group(self) -> Place {
        let path = self.folder.path().join("manifest.yaml");
        let text = std::fs::read_to_string(&path).expect("a manifest");
        let group = format!("groups: [{{group: E5 Legal, toggleIfEnabledBefore: {T}}}]\n");
        std::fs::write(path, text + &group).expect("written");
        self
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// A command; `MANIFEST` stands for the manifest.
    fn command(&self, command: &str) -> std::process::Command {
        let manifest = self.folder.path().join("manifest.yaml");
        let manifest = manifest.to_str().expect("UTF-8");
        on(&self.served.url, &self.state(), &command.replace("MANIFEST", manifest))
    }

    fn run(&self, command: &str) -> Ran {
        Ran::of(&mut self.command(command))
    }

    fn start(&self, command: &str) -> Running {
        Running::start(self.command(command))
    }

    fn journal(&self) -> String {
        let path = self.state().join(TENANT_ID).join("journal.jsonl");
        std::fs::read_to_string(path).unwrap_or_default()
    }

    /// Whether everybody whom `plan` is asked about has the service plan.
    #[track_caller]
    fn all_in_sync(&self, how_many: usize) {
        let summary = format!("Plan: 0 to enable, 0 to toggle, 0 to resume, {how_many} in sync, 0 blocked.");
        self.run("plan MANIFEST").exits(0).shows(&summary);
    }

    /// Starts an apply and waits until a is off and nothing but the wait is left.
    fn apply_until_it_waits(&self) -> Running {
        let run = self.start("apply MANIFEST --auto-approve");
        until("a is seen to be off", || self.journal().contains("off_verified"));
        until("b is turned on", || self.journal().contains("on_done"));
        run
    }
}

#[test]
fn plan_apply_plan_over_http_with_a_lag_and_a_slow_group() {
    let place = Place::new("2s", PEOPLE).with_group();
    place.run("plan MANIFEST").exits(0).shows("1 to enable, 2 to toggle");
    let ran = place.run("apply MANIFEST --auto-approve --json").exits(0);
    let run = ran.json();
    assert_eq!((&run["summary"]["enabled"], &run["summary"]["toggled"]), (&1.into(), &2.into()));
    for subject in run["subjects"].as_array().expect("a list") {
        if subject["outcome"] == "toggled" && subject["subject"]["kind"] == "user" {
            assert!(seconds_between(&subject["off_at"], &subject["on_at"]) >= 2.0, "{}", ran.told());
        }
    }
    place.all_in_sync(3);
}

fn seconds_between(from: &Value, to: &Value) -> f64 {
    let time = |value: &Value| -> advaudit::model::Timestamp {
        value.as_str().expect("a time").parse().expect("a time")
    };
    time(to).duration_since(time(from)).as_secs_f64()
}

#[cfg(unix)]
#[test]
fn code_130_interrupted_in_the_wait_and_heal_finishes() {
    let place = Place::new("3s", PEOPLE);
    let run = place.apply_until_it_waits();
    run.signal("INT");
    run.end().exits(130).complains("interrupted");
    let status = place.run("status --json").exits(0).json();
    assert_eq!(status["in_flight"][0]["subject"]["name"], "a@contoso.com");
    place.run("heal").exits(0).shows("1 resumed");
    place.all_in_sync(2);
}

#[cfg(unix)]
#[test]
fn code_130_before_4_and_5() {
    let restricted = PEOPLE.replace("b@contoso.com,", "b@contoso.com, restricted: true,");
    let place = Place::new("60s", &restricted);
    let run = place.start("apply MANIFEST --auto-approve --json");
    until("a is seen to be off", || place.journal().contains("off_verified"));
    run.signal("INT");
    let ran = run.end().exits(130);
    let document = ran.json();
    assert_eq!((&document["summary"]["failed"], &document["summary"]["pending"]), (&1.into(), &1.into()));
    assert!(document["resume_after"].is_string(), "{}", ran.told());
    place.run("heal --no-wait").exits(4);
}

#[test]
fn killed_in_the_wait_heal_turns_everybody_on_without_a_manifest() {
    let place = Place::new("3s", PEOPLE);
    drop(place.apply_until_it_waits());
    let status = place.run("status --json").exits(0);
    let told = status.json();
    assert_eq!(told["lease"], Value::Null, "the lease is gone with the process\n{}", status.told());
    assert_eq!(told["in_flight"][0]["subject"]["name"], "a@contoso.com", "{}", status.told());
    place.run("heal").exits(0).shows("1 resumed");
    place.all_in_sync(2);
}

#[test]
fn a_second_run_is_told_who_works_and_starts_nothing() {
    let place = Place::new("60s", PEOPLE);
    let first = place.apply_until_it_waits();
    let records = place.journal().lines().count();
    let owner = format!("process {}", first.id());
    place.run("apply MANIFEST --auto-approve").exits(1).complains(&owner);
    place.run("heal").exits(1).complains(&owner);
    let refused = place.run("heal --break-lease --auto-approve").exits(1).complains(&owner);
    refused.complains("nothing to break").complains(&format!("end process {}", first.id()));
    let status = place.run("status --json").exits(0).json();
    assert!(status["lease"]["owner"].as_str().is_some_and(|text| text.contains(&owner)), "{status:#}");
    place.run("plan MANIFEST").exits(0).shows("1 to resume");
    assert_eq!(place.journal().lines().count(), records, "nobody else writes the journal");
    drop(first);
    place.run("heal --no-wait").exits(4);
}

#[test]
fn code_64_toggles_in_ci_without_a_state_folder_of_their_own() {
    let place = Place::new("2s", PEOPLE);
    let folder = tempfile::tempdir().expect("a folder");
    let in_ci = |value: &str| {
        let manifest = place.folder.path().join("manifest.yaml");
        let args =
            ["apply", manifest.to_str().expect("UTF-8"), "--auto-approve", "--graph-url", &place.served.url];
        let mut command = super::common::advaudit(&args);
        command.env("ADVAUDIT_ACCESS_TOKEN", TOKEN).env("CI", value).current_dir(folder.path());
        Ran::of(&mut command)
    };
    in_ci("true").exits(64).complains("--state");
    // Turning on harms nobody, and b was off.
    place.run("plan MANIFEST").shows("1 to toggle");
    let named = &mut place.command("apply MANIFEST --auto-approve");
    Ran::of(named.env("CI", "true")).exits(0);
    place.all_in_sync(2);
}

#[test]
fn p2_the_lost_answer_of_a_socket_is_a_write_in_doubt_and_ends_on() {
    let place = Place::new(
        "1s",
        &format!("faults: [{{write: 2, answer: lost}}]\n{}", PEOPLE.replace("lag: 1s\n", "")),
    );
    place.run("apply MANIFEST --auto-approve").exits(0);
    place.all_in_sync(2);
}

/// Most of the time passes in waiting, so a case does not wait for the one before.
fn in_parallel(cases: &[&str], test: impl Fn(&str) + Sync) {
    std::thread::scope(|scope| {
        for case in cases {
            scope.spawn(|| test(case));
        }
    });
}

// P9: secrets stay secret.

/// Fails when the token stands anywhere in that text, whole or in its telling part.
#[track_caller]
fn is_silent(text: &str, what: &str) {
    assert!(!text.contains(TOKEN) && !text.contains("secret-of-the-tests"), "the token is in {what}: {text}");
}

#[track_caller]
fn folder_is_silent(folder: &Path) {
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
        if entry.path().is_dir() {
            folder_is_silent(&entry.path());
        } else {
            let bytes = std::fs::read(entry.path()).expect("a file");
            is_silent(&String::from_utf8_lossy(&bytes), &entry.path().display().to_string());
        }
    }
}

#[test]
fn p9_the_token_is_in_nothing_that_is_written() {
    let place = Place::new("1s", PEOPLE);
    let commands = [
        "plan MANIFEST -v",
        "plan MANIFEST --json",
        "apply MANIFEST --auto-approve -v",
        "status --json",
        "heal MANIFEST --json",
        "plan MANIFEST --no-such-option",
    ];
    for command in commands {
        let ran = place.run(command);
        is_silent(&ran.stdout, command);
        is_silent(&ran.stderr, command);
    }
    folder_is_silent(place.folder.path());
}

#[test]
fn p9_the_token_is_in_no_error() {
    in_parallel(&["401", "403", "400", "html", "lost"], |answer| {
        let faults =
            format!("faults: [{{request: 1, answer: {answer}}}, {{request: 9, answer: {answer}}}]\n");
        let place = Place::new("1s", &format!("{faults}{}", PEOPLE.replace("lag: 1s\n", "")));
        for _ in 0..2 {
            let ran = place.run("apply MANIFEST --auto-approve");
            is_silent(&format!("{}{}", ran.stdout, ran.stderr), answer);
        }
        folder_is_silent(place.folder.path());
    });
    // A token that cannot be sent is not shown either, and nothing can be reached at port 1.
    let mut command = on("http://127.0.0.1:1", Path::new("/nowhere"), "plan examples/ticked/manifest.yaml");
    let ran = Ran::of(command.env("ADVAUDIT_ACCESS_TOKEN", format!("{TOKEN}\nX: y"))).exits(7);
    is_silent(&format!("{}{}", ran.stdout, ran.stderr), "a token with a line break");
}

/// Answers everything with one text; what was asked is kept.
fn answering(answer: String) -> (String, Arc<Mutex<String>>, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (asked, count) = (Arc::new(Mutex::new(String::new())), Arc::new(AtomicUsize::new(0)));
    let (heard, counted) = (asked.clone(), count.clone());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut buffer = [0; 16384];
            let length = stream.read(&mut buffer).unwrap_or(0);
            heard.lock().expect("no panic").push_str(&String::from_utf8_lossy(&buffer[..length]));
            counted.fetch_add(1, Ordering::SeqCst);
            _ = stream.write_all(answer.as_bytes());
        }
    });
    (url, asked, count)
}

#[test]
fn p9_the_token_goes_to_no_other_host() {
    let empty = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
    let (elsewhere, _, reached) = answering(empty.to_owned());
    let head = "Content-Type: application/json\r\nConnection: close";
    let redirect = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: {elsewhere}/v1.0/organization\r\nContent-Length: 0\r\n{head}\r\n\r\n"
    );
    let page = format!("{{\"value\": [], \"@odata.nextLink\": \"{elsewhere}/v1.0/organization\"}}");
    let link = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{head}\r\n\r\n{page}", page.len());
    for answer in [redirect, link] {
        let (url, asked, _) = answering(answer);
        let folder = tempfile::tempdir().expect("a folder");
        let ran = Ran::of(&mut on(&url, folder.path(), "plan examples/ticked/manifest.yaml")).exits(1);
        is_silent(&format!("{}{}", ran.stdout, ran.stderr), "the error");
        let asked = asked.lock().expect("no panic").to_lowercase();
        assert!(asked.contains(&format!("authorization: bearer {}", TOKEN.to_lowercase())), "{asked}");
        pause(50);
        assert_eq!(reached.load(Ordering::SeqCst), 0, "somebody came to the other host\n{}", ran.told());
    }
}

/// What a full disk took of a record must not become part of the next one.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_a_journal_that_the_next_run_can_read() {
    // Side by side, because each waits for reads that may lag.
    let filled: usize = std::thread::scope(|scope| {
        let rounds = [2, 4, 5].map(|blocks| scope.spawn(move || fill_the_disk(blocks)));
        rounds.into_iter().map(|round| usize::from(round.join().expect("as it should be"))).sum()
    });
    assert!(filled > 0, "the disk was never full while somebody was off");
}

/// Runs where files may have that many blocks of 512 bytes. Whether the disk was full while somebody was
/// off.
#[cfg(unix)]
fn fill_the_disk(blocks: u32) -> bool {
    let place = Place::new("2s", PEOPLE);
    let run = place.command("apply MANIFEST --auto-approve");
    // With an error instead of a signal.
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\""), "sh"]);
    command.arg(run.get_program()).args(run.get_args());
    command.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let ran = Ran::of(&mut command).exits(1).complains("cannot write to");
    let was_off = place.journal().contains("off_intent");
    ran.holds("only whole records", place.journal().ends_with('\n'));
    // An off in doubt is ended with an on, which is no toggle yet: that comes with the run after it.
    for _ in 0..2 {
        place.run("apply MANIFEST --auto-approve").exits(0);
    }
    place.all_in_sync(2);
    was_off
}

/// A Graph that never answers must not hold a terminal or a runner.
#[cfg(unix)]
#[test]
fn code_130_before_graph_has_answered_at_all() {
    for signal in ["INT", "TERM"] {
        for command in ["apply MANIFEST --auto-approve", "heal"] {
            let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
            let url = format!("http://{}", silent.local_addr().expect("an address"));
            let folder = tempfile::tempdir().expect("a folder");
            let run = Running::start(on(&url, folder.path(), command));
            let asked = silent.accept().expect("a request");
            run.signal(signal);
            run.end().exits(130).complains("interrupted");
            drop(asked);
        }
    }
}

#[cfg(unix)]
#[test]
fn code_130_when_a_runner_cancels_the_job_in_the_wait() {
    let place = Place::new("3s", PEOPLE);
    let run = place.apply_until_it_waits();
    run.signal("TERM");
    run.end().exits(130).complains("interrupted");
    place.run("heal").exits(0).shows("1 resumed");
    place.all_in_sync(2);
}
