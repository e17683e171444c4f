//! A way to the tenant: Graph over HTTP with the token of the environment, or the sandbox.

use std::path::Path;
use std::rc::Rc;

use super::options::Global;
use super::sandbox::no_tenant;
use super::{Failure, files};
use crate::clock::Clock;
use crate::graph::transport::Transport;
use crate::graph::{Client, HttpTransport, Root, Throttled, Token};
use crate::journal::state::State;
use crate::model::Timestamp;
use crate::plan::skew::Skew;
use crate::report::human::finding;
use crate::report::output::Output;
use crate::report::progress;
use crate::sandbox::{CannotSave, InProcess, Opened, Saved};

/// The variable that holds a ready-made token.
const TOKEN: &str = "ADVAUDIT_ACCESS_TOKEN";

/// A tenant that can be asked.
pub(super) struct Connection {
    /// The client; what a command may do with it depends on what it makes of it.
    pub client: Client,
    /// Graph's clock as far as it was heard, or the sandbox's.
    pub clock: Clock,
    /// Where the journals of tenants are.
    state: State,
    sandbox: Option<(InProcess, Saved)>,
}

impl Connection {
    pub fn open(global: &Global, output: Output) -> Result<Self, Failure> {
        match &global.sandbox {
            Some(file) => Self::sandbox(file, global, output),
            None => Self::graph(global, output),
        }
    }

    fn graph(global: &Global, output: Output) -> Result<Self, Failure> {
        let root = match &global.graph_url {
            Some(url) => Root::parse(url).map_err(|error| Failure::Usage(format!("--graph-url: {error}")))?,
            None => Root::of(global.cloud.unwrap_or_default()),
        };
        global.named()?;
        let text = std::env::var(TOKEN).map_err(|_| no_token())?;
        let token = Token::new(text).map_err(|error| Failure::NoToken(format!("{TOKEN}: {error}")))?;
        let clock = Clock::system();
        let client = client(Rc::new(HttpTransport::new()), root, token, &clock, output);
        Ok(Connection { client, clock, state: global.state()?, sandbox: None })
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
        let client =
            client(Rc::new(tenant.clone()), Root::of(crate::graph::Cloud::Global), token, &clock, output);
        let state = State::Folder(state);
        Ok(Connection { client, clock, state, sandbox: Some((tenant, opened.saved)) })
    }

    /// Where the journals and leases of tenants are.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Tells of a machine whose clock is wrong, where no plan is shown that does.
    pub fn tell_skew(&self, output: &Output) {
        let findings: Vec<_> =
            self.clock.skew().and_then(|ahead| Skew(ahead).finding()).into_iter().collect();
        output.complain(&finding::render(&findings, output.error_style().colour, output.width()));
    }

    /// Whether the tenant is simulated.
    pub fn is_sandbox(&self) -> bool {
        self.sandbox.is_some()
    }

    /// Runs a command against the tenant to its end; afterwards the sandbox remembers the time.
    pub fn drive<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime =
            runtime.map_err(|error| Failure::other(format!("cannot start: {error}"), "run again"))?;
        let outcome = runtime.block_on(self.clock.drive(work));
        if let Some((tenant, saved)) = &self.sandbox {
            saved.ended(&tenant.tenant(), self.clock.now())?;
        }
        outcome
    }
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

fn client(transport: Rc<dyn Transport>, root: Root, token: Token, clock: &Clock, output: Output) -> Client {
    let told = clock.clone();
    let observer = move |throttled: Throttled| output.say(&progress::throttled(&throttled, told.now()));
    Client::new(transport, root, token, clock.clone()).observed(Rc::new(observer))
}

fn no_token() -> Failure {
    Failure::NoToken(format!(
        "there is no access token: set {TOKEN}, or use --sandbox FILE to try a simulated tenant"
    ))
}
