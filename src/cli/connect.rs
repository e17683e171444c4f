//! A way to the tenant: Graph over HTTP (`over_graph`), or the sandbox.

use std::path::Path;
use std::rc::Rc;

use super::options::Global;
use super::over_graph::OverGraph;
use super::pipeline::Pipeline;
use super::sandbox::no_tenant;
use super::{Failure, files};
use crate::clock::Clock;
use crate::graph::{Client, Cloud, Lanes, Observer, Root, Throttled, Token};
use crate::journal::state::State;
use crate::model::Timestamp;
use crate::plan::skew::Skew;
use crate::report::human::finding;
use crate::report::json::v1::common;
use crate::report::output::Output;
use crate::report::progress;
use crate::sandbox::{CannotSave, InProcess, Opened, Saved};

/// A tenant that can be asked.
pub(super) struct Connection {
    /// The client; what a command may do with it depends on what it makes of it.
    pub client: Client,
    /// Graph's clock as far as it was heard, or the sandbox's.
    pub clock: Clock,
    /// Where the journals of tenants are.
    pub(super) state: State,
    /// Host and port of Graph, and of the login authority where one is asked; none for the sandbox.
    pub hosts: Vec<(String, u16)>,
    pub(super) sandbox: Option<(InProcess, Saved)>,
    /// In how many lanes long lists are read.
    pub lanes: Lanes,
    /// How results and everything else are printed.
    pub output: Output,
    /// What a pipeline is told beside the result.
    pub pipeline: Pipeline,
}

impl Connection {
    pub fn open(global: &Global, output: Output) -> Result<Self, Failure> {
        let pipeline = &global.pipeline;
        let connection = match &global.sandbox {
            Some(file) => Self::sandbox(file, None, global, output, pipeline)?,
            None => OverGraph::open(global)?.connect(output, pipeline, || global.state())?,
        };
        pipeline.begins(&connection.clock);
        Ok(connection)
    }

    /// To the simulated tenant of that file, where there are several to that of this name.
    pub fn sandbox(
        file: &Path,
        tenant: Option<&str>,
        global: &Global,
        output: Output,
        pipeline: &Pipeline,
    ) -> Result<Self, Failure> {
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
        let simulated = InProcess::new(opened.tenant, clock.clone());
        let token = Token::new("sandbox").map_err(|error| Failure::Usage(error.to_string()))?;
        let pipeline = pipeline.clone();
        let client =
            Client::new(Rc::new(simulated.clone()), Root::of(Cloud::Global), Rc::new(token), clock.clone());
        let client = client.observed(observer(&clock, output, &pipeline, tenant));
        let state = State::Folder(state);
        let (sandbox, lanes) = (Some((simulated, opened.saved)), global.lanes());
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
        block_on(self.run(work))
    }

    /// The same beside others. Virtual time is the tenant's own, and jumps when all that waits is `work`.
    pub async fn run<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let outcome = self.clock.drive(work).await;
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

/// Says that something waits; where there are several, in which tenant.
pub(super) fn observer(clock: &Clock, output: Output, pipeline: &Pipeline, tenant: Option<&str>) -> Observer {
    let (told, pipeline) = (clock.clone(), pipeline.clone());
    let of = tenant.map_or_else(String::new, |tenant| format!("{tenant}: "));
    Rc::new(move |throttled: Throttled| {
        pipeline.throttled(&throttled);
        output.say(&format!("{of}{}", progress::throttled(&throttled, told.now())));
    })
}
