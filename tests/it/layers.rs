//! Who may import whom: the directions of the house, held by reading the sources. Test modules may
//! import anything.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::common::repository;

/// The non-test part of a source file.
struct Source {
    /// `plan/why.rs`.
    path: String,
    text: String,
}

impl Source {
    /// The first folder or file of the path: `plan`.
    fn module(&self) -> &str {
        self.path.split('/').next().expect("a part").trim_end_matches(".rs")
    }

    /// Everything of ours that is named by its path from the root, as `plan::planned::Plan`.
    fn imports(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for (at, _) in self.text.match_indices("crate::") {
            let whole_word =
                !self.text[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_');
            if whole_word {
                paths("", &self.text[at + "crate::".len()..], &mut found);
            }
        }
        found
    }

    fn names(&self, word: &str) -> bool {
        let is_in_a_word = |before: char| before.is_alphanumeric() || before == '_';
        self.text.match_indices(word).any(|(at, _)| !self.text[..at].ends_with(is_in_a_word))
    }
}

/// Reads a path, or a tree of them in braces, and returns what follows it.
fn paths<'a>(before: &str, text: &'a str, found: &mut BTreeSet<String>) -> &'a str {
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = paths(before, rest.trim_start(), found).trim_start();
            rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
            if let Some(end) = rest.strip_prefix('}') {
                return end;
            }
            assert!(!rest.is_empty(), "an open brace after {before}");
        }
    }
    let end = text.find(|next: char| !next.is_alphanumeric() && next != '_').unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let path = if before.is_empty() { word.to_owned() } else { format!("{before}::{word}") };
    match rest.strip_prefix("::") {
        // `::<T>` is no path.
        Some(deeper) if !deeper.starts_with('<') => paths(&path, deeper, found),
        Some(_) | None => {
            found.insert(path);
            let renamed = rest.trim_start().strip_prefix("as ").map(str::trim_start);
            renamed.map_or(rest, |name| {
                name.trim_start_matches(|next: char| next.is_alphanumeric() || next == '_')
            })
        }
    }
}

/// All sources without their tests and comments.
fn sources() -> Vec<Source> {
    let root = repository("src");
    let mut files = Vec::new();
    walk(&root, &mut files);
    let mut sources: Vec<Source> = files
        .iter()
        .map(|file| {
            let path =
                file.strip_prefix(&root).expect("below src").to_str().expect("UTF-8").replace('\\', "/");
            Source { path, text: code(&std::fs::read_to_string(file).expect("a text")) }
        })
        .filter(|source| !is_test(&source.path))
        .collect();
    sources.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(sources.len() > 100, "src/ was not found: {}", sources.len());
    sources
}

/// Whole files that are compiled for tests only.
fn is_test(path: &str) -> bool {
    path.split('/').any(|part| matches!(part, "tests" | "tests.rs" | "testing.rs"))
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            walk(&entry, files);
        } else if entry.extension().is_some_and(|end| end == "rs") {
            files.push(entry);
        }
    }
}

/// A text without comments, and without what comes from the test module on, which is the last.
fn code(text: &str) -> String {
    let mut out = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let opens_tests = line == "#[cfg(test)]"
            && lines.peek().is_some_and(|next| next.starts_with("mod ") && next.ends_with('{'));
        if opens_tests {
            break;
        }
        out.push_str(line.find("//").filter(|at| !line[..*at].ends_with(':')).map_or(line, |at| &line[..at]));
        out.push('\n');
    }
    out
}

/// Fails with every import of those sources that is not allowed.
#[track_caller]
fn may_import(of: impl Fn(&Source) -> bool, allowed: &[&str]) {
    let mut seen = 0;
    let mut wrong = Vec::new();
    for source in sources().into_iter().filter(of) {
        seen += 1;
        let own = source.module().to_owned();
        for path in source.imports() {
            let is = |one: &&str| path == **one || path.starts_with(&format!("{one}::"));
            if !allowed.iter().any(&is) && !is(&own.as_str()) {
                wrong.push(format!("src/{}: crate::{path}", source.path));
            }
        }
    }
    assert!(seen > 0, "nothing was looked at");
    assert!(wrong.is_empty(), "imports against the direction (allowed: {allowed:?}):\n{}", wrong.join("\n"));
}

fn module(name: &'static str) -> impl Fn(&Source) -> bool {
    move |source| source.module() == name
}

fn file(path: &'static str) -> impl Fn(&Source) -> bool {
    move |source| source.path == path
}

/// The pure values of `graph`: what a tenant says, never a way to ask it.
/// `edited` is how a list is made, the same for the writer and for the journal.
const GRAPH_VALUES: [&str; 6] = [
    "graph::Processing",
    "graph::ServicePlanEntry",
    "graph::GroupRead",
    "graph::UserRead",
    "graph::Direction",
    "graph::edited",
];

#[test]
fn a_tree_of_imports_is_read_as_paths() {
    let mut found = BTreeSet::new();
    let text = "{a::{b, c::D as E, self}, f}; rest";
    assert_eq!(paths("", text, &mut found), "; rest");
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["a::b", "a::c::D", "a::self", "f"]);
}

#[test]
fn model_and_diag_know_nothing_of_ours() {
    may_import(module("model"), &[]);
    may_import(module("diag"), &[]);
}

#[test]
fn the_clock_knows_the_model() {
    may_import(module("clock"), &["model"]);
}

#[test]
fn graph_knows_the_clock_and_the_model() {
    may_import(module("graph"), &["clock", "model"]);
}

#[test]
fn credentials_know_where_tokens_go_and_only_the_command_line_knows_credentials() {
    may_import(module("credentials"), &["graph", "clock", "model"]);
    no_writer(module("credentials"));
    for source in sources().into_iter().filter(|source| source.module() != "credentials") {
        let imports = source.imports();
        let knows = imports.iter().any(|path| path.split("::").next() == Some("credentials"));
        assert!(!knows || source.module() == "cli", "src/{} imports credentials", source.path);
    }
}

#[test]
fn the_doctor_looks_and_has_nothing_to_change_with() {
    may_import(module("doctor"), &["graph", "journal", "plan::skew", "clock", "model"]);
    no_writer(module("doctor"));
}

#[test]
fn the_sandbox_shares_the_wire_with_graph_and_no_logic_with_the_planner() {
    may_import(module("sandbox"), &["graph::transport", "graph::wire", "clock", "model", "diag"]);
}

#[test]
fn the_manifest_is_read_without_a_tenant() {
    may_import(module("manifest"), &["diag", "model"]);
}

#[test]
fn observing_reads_and_cannot_write() {
    may_import(module("observe"), &["manifest::declared", "graph", "clock", "model"]);
    no_writer(module("observe"));
}

/// Those sources do not even name a writer.
#[track_caller]
fn no_writer(of: impl Fn(&Source) -> bool) {
    for source in sources().into_iter().filter(of) {
        assert!(
            !source.names("OnWriter") && !source.names("OffWriter"),
            "src/{} names a writer",
            source.path
        );
    }
}

#[test]
fn planning_is_pure() {
    may_import(
        module("plan"),
        &[
            "manifest::declared",
            "observe::observed",
            "observe::effect",
            "observe::selection",
            "diag",
            "model",
        ],
    );
    for source in sources().into_iter().filter(module("plan")) {
        assert!(!source.names("async"), "src/{} waits for something", source.path);
    }
}

#[test]
fn the_journal_knows_the_clock_and_the_model() {
    may_import(module("journal"), &["clock", "model"]);
}

#[test]
fn a_run_knows_everything_but_files_and_terminals() {
    may_import(module("run"), &["apply", "journal", "plan", "observe", "graph", "clock", "model"]);
}

/// What decides in `apply`: no clock, no HTTP, nothing that waits. `look`, `driver`, `date_guard` and
/// `interrupt` are the shell around it.
const PURE: [&str; 9] = [
    "apply/machine.rs",
    "apply/live.rs",
    "apply/job.rs",
    "apply/replay.rs",
    "apply/outcome.rs",
    "apply/room.rs",
    "apply/rollout.rs",
    "apply/write_down.rs",
    "apply/event.rs",
];

#[test]
fn what_decides_in_apply_is_pure() {
    let pure =
        |source: &Source| PURE.contains(&source.path.as_str()) || source.path.starts_with("apply/machine/");
    let mut allowed = vec!["plan", "journal::record", "observe::observed", "observe::effect", "model"];
    // A read becomes the value that planning used.
    allowed.extend(["observe::collect::user", "observe::collect::group"]);
    allowed.extend(GRAPH_VALUES);
    may_import(pure, &allowed);
    for source in sources().into_iter().filter(pure) {
        assert!(!source.names("async") && !source.names("tokio"), "src/{} waits for something", source.path);
    }
}

#[test]
fn apply_knows_what_it_carries_out_and_with_what() {
    may_import(module("apply"), &["plan", "journal", "observe", "graph", "clock", "model"]);
}

#[test]
fn the_report_knows_values_only() {
    may_import(
        module("report"),
        &[
            "apply::event",
            "apply::machine",
            "apply::outcome",
            "apply::rollout::Stop",
            "plan",
            "observe::observed",
            "observe::ways",
            "journal::record",
            "journal::lease::Holder",
            "manifest::json_schema",
            "graph::Throttled",
            "graph::Granted",
            "graph::Spent",
            "doctor",
            "clock",
            "diag",
            "model",
        ],
    );
}

#[test]
fn nothing_imports_the_command_line_and_it_alone_imports_sandbox_and_report() {
    for source in sources() {
        for path in source.imports() {
            let first = path.split("::").next().expect("a part");
            let own = source.module();
            let forbidden = match first {
                "cli" => own != "cli" && own != "main",
                "sandbox" | "report" => own != "cli" && own != first,
                _ => false,
            };
            assert!(!forbidden, "src/{} imports crate::{path}", source.path);
        }
    }
}

#[test]
fn only_a_run_is_given_the_writers() {
    let may = ["graph/", "apply/driver.rs", "apply/tools.rs", "run/mod.rs", "cli/run.rs", "cli/apply.rs"];
    no_writer(|source| !may.iter().any(|one| source.path.starts_with(one)));
    // The one that turns off: not in what heal is made of.
    for source in sources() {
        let is_heal = source.path == "cli/heal.rs";
        assert!(!is_heal || !source.names("OffWriter"), "heal could turn off");
    }
}

#[test]
fn only_graph_and_the_ends_of_the_sandbox_speak_http() {
    let may = |path: &str| {
        path.starts_with("graph/") || path == "sandbox/serve.rs" || path == "sandbox/transport.rs"
    };
    // Tokens travel over graph's transport.
    let carries = |path: &str| path.starts_with("credentials/");
    for source in sources().into_iter().filter(|source| !may(&source.path)) {
        for word in ["http::", "reqwest", "axum"] {
            let allowed = word == "http::" && carries(&source.path);
            assert!(allowed || !source.names(word), "src/{} names {word}", source.path);
        }
        for word in ["azure_core", "azure_identity"] {
            assert!(carries(&source.path) || !source.names(word), "src/{} names {word}", source.path);
        }
    }
}

#[test]
fn only_the_report_prints() {
    // The question on the terminal flushes stderr so that it stands before the answer.
    let may = |path: &str| path.starts_with("report/") || path == "cli/apply.rs";
    for source in sources().into_iter().filter(|source| !may(&source.path)) {
        for word in ["println!", "print!", "eprintln!", "eprint!", "std::io::stdout", "std::io::stderr"] {
            assert!(!source.names(word), "src/{} prints: {word}", source.path);
        }
    }
}

#[test]
fn only_the_clock_asks_for_the_time_and_sleeps() {
    for source in sources().into_iter().filter(|source| !source.path.starts_with("clock/")) {
        for word in ["Timestamp::now", "SystemTime", "Instant", "tokio::time", "thread::sleep"] {
            assert!(!source.names(word), "src/{} names {word}", source.path);
        }
    }
}

#[test]
fn main_does_nothing_else() {
    let main = sources().into_iter().find(file("main.rs")).expect("main.rs");
    assert!(main.text.lines().filter(|line| !line.trim().is_empty()).count() <= 3, "{}", main.text);
}

/// Files above 500 lines, tests included, each with the reason why it is one.
const LONG: [(&str, &str); 2] = [
    ("sandbox/build.rs", "half of it tests of what a tenant file can say"),
    ("sandbox/file.rs", "a list of the keys of a tenant file"),
];

#[test]
fn files_are_short_and_say_what_they_are_for() {
    let root = repository("src");
    let mut files = Vec::new();
    walk(&root, &mut files);
    for path in files {
        let name = path.strip_prefix(&root).expect("below src").to_str().expect("UTF-8").replace('\\', "/");
        let text = std::fs::read_to_string(&path).expect("a text");
        assert!(text.starts_with("//!"), "src/{name} does not say what it is for (`//!`)");
        let is_long = text.lines().count() > 500;
        let listed = LONG.iter().any(|(path, _)| *path == name);
        assert!(
            !is_long || listed,
            "src/{name} has {} lines: split it, or say why not",
            text.lines().count()
        );
    }
}
