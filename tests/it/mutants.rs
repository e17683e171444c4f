//! The simulation proves something only if it can fail: advaudit is broken on purpose, built anew, and
//! the simulation has to notice.
//!
//! Each build takes its time, so this runs on demand: `cargo test --test it mutants -- --ignored`.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::common::repository;

/// A mistake that somebody could make.
struct Mutant {
    /// What it does wrong.
    wrong: &'static str,
    file: &'static str,
    /// What stands there, once.
    right: &'static str,
    instead: &'static str,
}

const MUTANTS: [Mutant; 14] = [
    Mutant {
        wrong: "the on is sent before the wait is over",
        file: "src/apply/machine/off.rs",
        right: "self.off_seen(later(off_at, self.job.wait), true, world)",
        instead: "self.off_seen(later(off_at, self.job.wait / 2), true, world)",
    },
    Mutant {
        wrong: "the list is built from the plan instead of the fresh read",
        file: "src/apply/machine/before.rs",
        right: "let fresh = live.lists(&self.job.skus);",
        instead: "let fresh: Vec<Licensed> = self.job.planned.iter().map(|(sku, off)| Licensed { sku: *sku, \
                  disabled: off.clone() }).collect();",
    },
    Mutant {
        wrong: "the intent is written down after the request",
        file: "src/apply/machine/before.rs",
        right: "vec![Command::Record(intent), Command::TurnOff(fresh)]",
        instead: "let _ = intent; vec![Command::TurnOff(fresh)]",
    },
    Mutant {
        wrong: "an off in doubt is closed on the word of a read",
        file: "src/apply/machine/off.rs",
        right: "(Stand::AllOn | Stand::Mixed, Action::Resume) | (_, Action::Enable) => self.turn_to_on(world),",
        instead: "(Stand::AllOn | Stand::Mixed, Action::Resume) | (_, Action::Enable) => self.finish(),",
    },
    Mutant {
        wrong: "a record is called durable before it is",
        file: "src/journal/folder.rs",
        right: ".and_then(|()| self.disk.sync(JOURNAL))",
        instead: "",
    },
    Mutant {
        wrong: "half a record is left behind by a write that failed",
        file: "src/journal/folder.rs",
        right: "        if length == whole {",
        instead: "        if length >= whole {",
    },
    Mutant {
        wrong: "the lease is nobody's",
        file: "src/journal/folder.rs",
        right: "if !self.disk.lock(LEASE).map_err(&io)? {",
        instead: "if !self.disk.lock(LEASE).map_err(&io)? && false {",
    },
    Mutant {
        wrong: "others go off before the canary is back",
        file: "src/apply/rollout.rs",
        right: "held.or(for_canary.then_some(Held::ForCanary))",
        instead: "held.or((for_canary && false).then_some(Held::ForCanary))",
    },
    Mutant {
        wrong: "people go off when the window has closed",
        file: "src/apply/rollout.rs",
        right: "if !self.rollout.has_times() {",
        instead: "if !self.rollout.has_times() || true {",
    },
    Mutant {
        wrong: "more people are off at once than may be",
        file: "src/apply/room.rs",
        right: "self.off == 0 || self.off.saturating_add(people) <= self.max_off",
        instead: "self.off == 0 || self.off <= self.max_off",
    },
    Mutant {
        wrong: "a group is turned on before its members were off",
        file: "src/apply/machine/off.rs",
        right: "if self.members_are(false, live, off_at, world) {",
        instead: "if live.is_processed() {",
    },
    Mutant {
        wrong: "the off is dated by the earliest moment at which it can have been",
        file: "src/clock/mod.rs",
        right: "heard.reckoning.latest(",
        instead: "heard.reckoning.now(",
    },
    Mutant {
        wrong: "one answer with a wrong date is believed",
        file: "src/clock/reckoning.rs",
        right: "            self.doubtful = Some(heard);\n            return false;",
        instead: "            self.believed = Some(heard);",
    },
    Mutant {
        wrong: "the next run forgets when an on is due",
        file: "src/apply/replay.rs",
        right: "Phase::Waiting { off_at: own.off_at(), due: *due }",
        instead: "Phase::Waiting { off_at: own.off_at(), due: own.off_at().min(*due) }",
    },
];

/// What is needed to build the simulation.
const NEEDED: [&str; 5] = ["Cargo.toml", "Cargo.lock", "src", "benches", "tests/simulation"];

#[test]
fn each_mutant_still_fits_the_source() {
    for mutant in &MUTANTS {
        let text = std::fs::read_to_string(repository(mutant.file)).expect("a source");
        assert_eq!(text.matches(mutant.right).count(), 1, "{}: `{}`", mutant.file, mutant.right);
    }
}

#[test]
#[ignore = "builds the program anew for each mutant: cargo test --test it mutants -- --ignored"]
fn the_simulation_notices_each_mutant() {
    let copy = repository("target/mutants");
    copy_anew(&copy);
    assert!(simulate(&copy, 300).0, "the simulation fails without a mutant");
    let unnoticed: Vec<&str> = wanted().filter(|one| !is_noticed(one, &copy)).map(|one| one.wrong).collect();
    assert!(unnoticed.is_empty(), "not noticed: {unnoticed:#?}");
}

/// All, or those whose mistake is spelled like `ADVAUDIT_MUTANT`; at most `ADVAUDIT_MUTANTS_MAX` of them.
fn wanted() -> impl Iterator<Item = &'static Mutant> {
    let part = std::env::var("ADVAUDIT_MUTANT").unwrap_or_default();
    let most = std::env::var("ADVAUDIT_MUTANTS_MAX").ok().and_then(|text| text.parse().ok());
    MUTANTS.iter().filter(move |one| one.wrong.contains(&part)).take(most.unwrap_or(MUTANTS.len()))
}

fn is_noticed(mutant: &Mutant, copy: &Path) -> bool {
    let file = copy.join(mutant.file);
    let text = std::fs::read_to_string(&file).expect("a source");
    std::fs::write(&file, text.replacen(mutant.right, mutant.instead, 1)).expect("written");
    let (is_sound, said) = simulate(copy, 3000);
    std::fs::write(&file, text).expect("written");
    let first = said.lines().find(|line| line.starts_with("seed ")).unwrap_or("not noticed");
    tell(&format!("{}: {first}", mutant.wrong));
    !is_sound
}

/// Builds the simulation and plays until a promise breaks; what it said.
fn simulate(copy: &Path, seeds: u32) -> (bool, String) {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["run", "--quiet", "--locked", "--example", "mutant", "--"]);
    cargo.args(["--seeds", &seeds.to_string(), "--until-broken"]).current_dir(copy);
    // The libraries that are built already are used again.
    cargo.env("CARGO_TARGET_DIR", target());
    let output = cargo.output().expect("cargo runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let built = said.contains(" seeds in ");
    assert!(built, "it does not build: {}", String::from_utf8_lossy(&output.stderr));
    (output.status.success(), said)
}

fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository("target"), PathBuf::from)
}

fn copy_anew(to: &Path) {
    _ = std::fs::remove_dir_all(to);
    for name in NEEDED {
        copy(&repository(name), &to.join(name));
    }
    // Of another name and version, because it is built into the same folder as the sound one.
    copy(&repository("examples/simulate.rs"), &to.join("examples/mutant.rs"));
    for file in ["Cargo.toml", "Cargo.lock"] {
        let own = "name = \"advaudit\"\nversion = \"";
        let text = std::fs::read_to_string(to.join(file)).expect("a text");
        assert!(text.contains(own), "{file} names the package and its version");
        std::fs::write(to.join(file), text.replace(own, &format!("{own}0.0.0-mutant."))).expect("written");
    }
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        std::fs::create_dir_all(to).expect("a folder");
        for entry in std::fs::read_dir(from).expect("a folder") {
            let entry = entry.expect("an entry");
            copy(&entry.path(), &to.join(entry.file_name()));
        }
        return;
    }
    std::fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
    std::fs::copy(from, to).expect("copied");
}

fn tell(text: &str) {
    use std::io::Write as _;
    _ = writeln!(std::io::stderr(), "{text}");
}
