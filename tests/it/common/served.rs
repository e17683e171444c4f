//! A simulated tenant on loopback, served by a process of its own in real time.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::{Ran, advaudit, line};

/// A token that must show up nowhere.
pub const TOKEN: &str = "eyJ0eXAiOiJKV1Qi.the-secret-of-the-tests.c2lnbmF0dXJl";

/// A served tenant; ends with this value.
pub struct Served {
    child: Child,
    pub url: String,
}

impl Served {
    /// Serves that tenant file on a free port.
    pub fn start(tenant: &Path) -> Served {
        let mut command = advaudit(&["sandbox", "serve", tenant.to_str().expect("UTF-8"), "--port", "0"]);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("advaudit serves");
        let mut first = String::new();
        let stdout = child.stdout.as_mut().expect("a pipe");
        BufReader::new(stdout).read_line(&mut first).expect("a line");
        let url = first.split(" on ").nth(1).and_then(|rest| rest.split(';').next());
        let url = url.unwrap_or_else(|| panic!("no address in `{first}`")).to_owned();
        Served { child, url }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// A command against a Graph over HTTP, with the token.
pub fn on(url: &str, state: &Path, command: &str) -> Command {
    let mut args: Vec<&str> = command.split(' ').collect();
    args.extend(["--graph-url", url, "--state", state.to_str().expect("UTF-8")]);
    let mut command = advaudit(&args);
    command.env("ADVAUDIT_ACCESS_TOKEN", TOKEN);
    command
}

/// A command that goes on by itself; killed with this value.
pub struct Running {
    child: Option<Child>,
    line: String,
}

impl Running {
    pub fn start(mut command: Command) -> Running {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let line = line(&command);
        Running { child: Some(command.spawn().expect("advaudit starts")), line }
    }

    pub fn id(&self) -> u32 {
        self.child.as_ref().expect("still there").id()
    }

    /// Sends a signal by its name, as `INT`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.id().to_string()).status();
        assert!(sent.expect("kill runs").success(), "{} is gone already", self.line);
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.as_mut().expect("still there").try_wait().expect("a child").is_some()
    }

    /// Kills it, if it has not ended before; what came of it.
    pub fn kill(mut self) -> Ran {
        _ = self.child.as_mut().expect("still there").kill();
        self.end()
    }

    /// What came of it.
    pub fn end(mut self) -> Ran {
        let child = self.child.take().expect("still there");
        Ran::from(self.line.clone(), &child.wait_with_output().expect("ends"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            _ = child.kill();
            _ = child.wait();
        }
    }
}

/// Waits until that is so; real time, so only where processes meet.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "other processes live in real time")]
pub fn until(what: &str, mut so: impl FnMut() -> bool) {
    for _ in 0..200 {
        if so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("not within ten seconds: {what}");
}

/// Lets real time pass.
#[expect(clippy::disallowed_methods, reason = "other processes live in real time")]
pub fn pause(millis: u64) {
    std::thread::sleep(Duration::from_millis(millis));
}
