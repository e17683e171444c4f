//! A way to the tenant: Graph over HTTP, signed in as the environment says, or the sandbox.

use std::ffi::OsString;
use std::path::Path;
use std::rc::Rc;

use super::options::Global;
use super::pipeline::Pipeline;
use super::sandbox::no_tenant;
use super::{Failure, files};
use crate::clock::Clock;
use crate::credentials::choice::{self, AUTHORITY_HOST, Variables};
use crate::credentials::{Authority, Setting};
use crate::graph::{BadTrust, Client, Cloud, HttpTransport, Lanes, Observer, Root, Throttled, Token, Trust};
use crate::journal::state::State;
use crate::model::Timestamp;
use crate::plan::skew::Skew;
use crate::report::human::finding;
use crate::report::json::v1::common;
use crate::report::output::Output;
use crate::report::progress;
use crate::sandbox::{CannotSave, InProcess, Opened, Saved};

/// A PEM file of certificate authorities beside the system's.
const CERT_FILE: &str = "SSL_CERT_FILE";
/// A folder of them instead of the system's.
const CERT_FOLDER: &str = "SSL_CERT_DIR";

/// A tenant that can be asked.
pub(super) struct Connection {
    /// The client; what a command may do with it depends on what it makes of it.
    pub client: Client,
    /// Graph's clock as far as it was heard, or the sandbox's.
    pub clock: Clock,
    /// Where the journals of tenants are.
    state: State,
    /// Host and port of Graph, and of the login authority where one is asked; none for the sandbox.
    pub hosts: Vec<(String, u16)>,
    sandbox: Option<(InProcess, Saved)>,
    /// In how many lanes long lists are read.
    pub lanes: Lanes,
    /// How results and everything else are printed.
    pub output: Output,
    /// What a pipeline is told beside the result.
    pub pipeline: Pipeline,
}

impl Connection {
    pub fn open(global: &Global, output: Output) -> Result<Self, Failure> {
        let connection = match &global.sandbox {
            Some(file) => Self::sandbox(file, global, output)?,
            None => Self::graph(global, output)?,
        };
        connection.pipeline.begins(&connection.clock);
        Ok(connection)
    }

    fn graph(global: &Global, output: Output) -> Result<Self, Failure> {
        let (root, cloud) = global.place()?;
        let mut hosts = vec![root.host()];
        global.named()?;
        let variables = environment();
        let authority = authority(&variables, cloud)?;
        let choice = choice::choose(global.auth.way(), &variables);
        let choice = choice.map_err(|lacking| Failure::NoToken(lacking.to_string()))?;
        let trust =
            if root.is_plain() && !authority.is_secure() { Trust::system() } else { trust(&variables)? };
        if choice.asks_an_authority() {
            hosts.push(authority.host());
        }
        let (clock, pipeline) = (Clock::system(), global.pipeline.clone());
        let setting = Setting {
            choice,
            authority,
            cloud,
            trust: trust.clone(),
            clock: clock.clone(),
            observer: observer(&clock, output, &pipeline),
            say: Rc::new(move |text| output.say(text)),
        };
        let tokens = setting.tokens().map_err(Failure::NoToken)?;
        let client = Client::new(Rc::new(HttpTransport::new(trust)), root, tokens, clock.clone());
        let client = client.observed(observer(&clock, output, &pipeline));
        let (state, lanes) = (global.state()?, global.lanes());
        Ok(Connection { client, clock, state, hosts, sandbox: None, lanes, output, pipeline })
    }

    fn sandbox(file: &Path, global: &Global, output: Output) -> Result<Self, Failure> {
        let text = files::read_text(file).map_err(|cause| Failure::Read { path: file.to_owned(), cause })?;
        let opened =
            Saved::open(&global.folder()?, file, &text, global.sandbox_reset).map_err(
                |error| match error {
                    CannotSave::File(_) => no_tenant(file, &error),
                    other => Failure::Sandbox(other),
                },
            )?;
        if let Some(notice) = &opened.notice {
            output.say(notice);
        }
        let state = opened.saved.folder();
        if opened.fresh {
            forget(&state)?;
        }
        let clock = Clock::starting_at(start(&opened));
        let tenant = InProcess::new(opened.tenant, clock.clone());
        let token = Token::new("sandbox").map_err(|error| Failure::Usage(error.to_string()))?;
        let pipeline = global.pipeline.clone();
        let client =
            Client::new(Rc::new(tenant.clone()), Root::of(Cloud::Global), Rc::new(token), clock.clone());
        let client = client.observed(observer(&clock, output, &pipeline));
        let state = State::Folder(state);
        let sandbox = Some((tenant, opened.saved));
        let lanes = global.lanes();
        Ok(Connection { client, clock, state, hosts: Vec::new(), sandbox, lanes, output, pipeline })
    }

    /// Where the journals and leases of tenants are.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Tells of a machine whose clock is wrong, where no plan is shown that does.
    pub fn tell_skew(&self, output: &Output) {
        let findings: Vec<_> =
            self.clock.skew().and_then(|ahead| Skew(ahead).finding()).into_iter().collect();
        let findings = common::findings(&findings);
        output.complain(&finding::render(&findings, output.error_style().colour, output.width()));
    }

    /// Whether the tenant is simulated.
    pub fn is_sandbox(&self) -> bool {
        self.sandbox.is_some()
    }

    /// Runs a command against the tenant to its end; afterwards the sandbox remembers the time.
    pub fn drive<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let outcome = block_on(self.clock.drive(work));
        if let Some((tenant, saved)) = &self.sandbox {
            saved.ended(&tenant.tenant(), self.clock.now())?;
        }
        outcome
    }
}

/// Runs a future to its end.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    run(&mut tokio::runtime::Builder::new_current_thread(), work)
}

/// The same, and what it spawns runs side by side.
pub(super) fn block_on_all_cores<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    run(&mut tokio::runtime::Builder::new_multi_thread(), work)
}

fn run<T>(
    runtime: &mut tokio::runtime::Builder,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let runtime = runtime.enable_all().build();
    let runtime = runtime.map_err(|error| Failure::other(format!("cannot start: {error}"), "run again"))?;
    runtime.block_on(work)
}

/// Virtual time goes on where it stopped; a tenant without a time of its own lives in the real one,
/// but never goes back.
fn start(opened: &Opened) -> Timestamp {
    let real = Clock::system().now();
    match (opened.tenant.start(), opened.start) {
        (Some(_), Some(start)) => start,
        (_, start) => start.map_or(real, |start| start.max(real)),
    }
}

/// The journal of a simulated tenant that starts over tells of another one.
fn forget(folder: &Path) -> Result<(), Failure> {
    match std::fs::remove_dir_all(folder) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
            Err(Failure::other(format!("cannot remove {}: {cause}", folder.display()), "remove it by hand"))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Says that something waits.
fn observer(clock: &Clock, output: Output, pipeline: &Pipeline) -> Observer {
    let (told, pipeline) = (clock.clone(), pipeline.clone());
    Rc::new(move |throttled: Throttled| {
        pipeline.throttled(&throttled);
        output.say(&progress::throttled(&throttled, told.now()));
    })
}

/// The variables that are text; a name or a path of ours is.
fn environment() -> Variables {
    let text =
        |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    std::env::vars_os().filter_map(text).collect()
}

/// Where tokens come from: the cloud's authority, or the one that the environment names.
fn authority(variables: &Variables, cloud: Cloud) -> Result<Authority, Failure> {
    match variables.get(AUTHORITY_HOST).filter(|text| !text.is_empty()) {
        None => Ok(Authority::of(cloud)),
        Some(text) => {
            Authority::parse(text).map_err(|bad| Failure::Usage(format!("{AUTHORITY_HOST}: {bad}")))
        }
    }
}

/// Who is believed to say who a server is.
fn trust(variables: &Variables) -> Result<Trust, Failure> {
    let Some(file) = variables.get(CERT_FILE).filter(|path| !path.is_empty()) else {
        return Ok(Trust::system());
    };
    let bad = |bad: BadTrust| Failure::other(format!("{CERT_FILE}: {bad}"), "correct the path, or unset it");
    Trust::with_file(Path::new(file), variables.contains_key(CERT_FOLDER)).map_err(bad)
}
