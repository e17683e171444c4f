//! The harness: runs advaudit in a world of its own and tells, when something is not so, what was
//! run and what came back.

pub mod authority;
pub mod cloud;
pub mod elsewhen;
pub mod served;
pub mod site;
pub mod tenant;
pub mod tenants;
pub mod text;
pub mod token;
pub mod world;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The binary under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_advaudit");

/// A path in the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A command in the repository's folder that inherits nothing: no `CI`, no token, no `NO_COLOR`.
pub fn advaudit(args: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(args).env_clear().current_dir(repository("")).stdin(Stdio::null());
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

/// What came of a command.
#[derive(Clone)]
pub struct Ran {
    pub command: String,
    pub stdout: String,
    pub stderr: String,
    /// None when a signal ended it.
    pub code: Option<i32>,
}

impl Ran {
    /// Runs a command to its end.
    pub fn of(command: &mut Command) -> Ran {
        let line = line(command);
        let output = command.output().unwrap_or_else(|error| panic!("{line}: {error}"));
        Ran::from(line, &output)
    }

    pub fn from(command: String, output: &Output) -> Ran {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8 on both streams");
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        Ran { command, stdout, stderr, code: output.status.code() }
    }

    /// Everything about it, for a failing test.
    pub fn told(&self) -> String {
        let Ran { command, stdout, stderr, code } = self;
        format!("$ {command}\n--- stdout\n{stdout}--- stderr\n{stderr}--- exit code {code:?}\n")
    }

    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert!(self.code == Some(code), "exit code {code} was expected\n{}", self.told());
        self
    }

    #[track_caller]
    pub fn shows(self, part: &str) -> Self {
        assert!(self.stdout.contains(part), "stdout lacks `{part}`\n{}", self.told());
        self
    }

    #[track_caller]
    pub fn complains(self, part: &str) -> Self {
        assert!(self.stderr.contains(part), "stderr lacks `{part}`\n{}", self.told());
        self
    }

    /// Fails with the whole story unless that holds.
    #[track_caller]
    pub fn holds(self, claim: &str, holds: bool) -> Self {
        assert!(holds, "not so: {claim}\n{}", self.told());
        self
    }

    /// Stdout as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("stdout is no JSON: {error}\n{}", self.told()))
    }
}

/// How a person would type that command.
pub fn line(command: &Command) -> String {
    let args = command.get_args().map(|arg| arg.to_string_lossy().into_owned());
    std::iter::once("advaudit".to_owned()).chain(args).collect::<Vec<_>>().join(" ")
}

/// The stories of `examples/`, by name; the pipelines are none.
pub fn examples() -> Vec<String> {
    let folder = std::fs::read_dir(repository("examples")).expect("examples/");
    let mut names: Vec<String> = folder
        .map(|entry| entry.expect("an entry"))
        .filter(|entry| entry.path().is_dir() && entry.file_name() != "ci")
        .map(|entry| entry.file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    assert!(names.len() >= 6, "examples/ lost some: {names:?}");
    names
}
