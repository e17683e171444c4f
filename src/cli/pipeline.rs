//! What a pipeline is told beside the result: what happens while it happens (`--log-events`), and the
//! outputs of a GitHub Actions step (its page is `step_summary`). Nothing here stops a run: whoever is off must be turned on.

use std::cell::{Cell, RefCell};
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::{Exit, Failure};
use crate::apply::event::{Event, Told};
use crate::clock::Clock;
use crate::graph::Throttled;
use crate::model::Timestamp;
use crate::report::events;
use crate::report::github::StepOutputs;
use crate::report::json::v1::common;
use crate::report::json::v1::event::EventDocument;
use crate::report::json::v1::plan::PlanDocument;
use crate::report::json::v1::run::RunDocument;
use crate::report::output::{Format, Output, to_stdout};

/// Where a step of GitHub Actions writes its outputs.
const OUTPUT_FILE: &str = "GITHUB_OUTPUT";

/// A command that pipelines are told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reports {
    /// `plan`.
    Plan,
    /// `apply`.
    Apply,
    /// `heal`.
    Heal,
}

impl Reports {
    const ALL: [Reports; 3] = [Reports::Plan, Reports::Apply, Reports::Heal];

    fn as_str(self) -> &'static str {
        match self {
            Reports::Plan => "plan",
            Reports::Apply => "apply",
            Reports::Heal => "heal",
        }
    }
}

/// What a pipeline is told. Clones share it; by default nobody is told anything.
#[derive(Clone, Default)]
pub(super) struct Pipeline(Rc<Inner>);

#[derive(Default)]
struct Inner {
    command: Cell<Option<Reports>>,
    output: Cell<Option<Output>>,
    clock: RefCell<Option<Clock>>,
    sink: RefCell<Option<Sink>>,
    has_begun: Cell<bool>,
    /// The last wait that was told.
    waits_until: Cell<Option<Timestamp>>,
    outputs: RefCell<StepOutputs>,
}

/// Where events go.
enum Sink {
    Stdout,
    File(File, PathBuf),
}

/// Whether that file means stdout.
pub(super) fn is_stdout(file: &Path) -> bool {
    file.as_os_str() == "-"
}

impl Pipeline {
    /// Opens the file for the events of a command, before anything begins. What is in it stays: each command
    /// adds its own lines.
    pub fn open(&self, command: Option<Reports>, file: Option<&Path>, output: Output) -> Result<(), Failure> {
        self.0.command.set(command);
        self.0.output.set(Some(output));
        let Some(file) = file else { return Ok(()) };
        if command.is_none() {
            let text = "--log-events: this command has no events; `plan`, `apply` and `heal` do";
            return Err(Failure::Usage(text.to_owned()));
        }
        if is_stdout(file) && output.format != Format::Human {
            return Err(Failure::Usage(
                "--log-events - writes the events to stdout, where the document would be printed too: name a file \
                 for the events, or leave out --json; run_summary, the last event, has the numbers of the run"
                    .to_owned(),
            ));
        }
        *self.0.sink.borrow_mut() = Some(Sink::open(file)?);
        Ok(())
    }

    /// The tenant is about to be asked; from now on that clock is gone by.
    pub fn begins(&self, clock: &Clock) {
        *self.0.clock.borrow_mut() = Some(clock.clone());
        self.write(Vec::new());
    }

    /// A plan was made, or read back.
    pub fn planned(&self, plan: &PlanDocument) {
        let is_heal = self.0.command.get() == Some(Reports::Heal);
        let mut outputs = self.0.outputs.borrow_mut();
        outputs.plan_sha256 = Some(plan.sha256.clone());
        if !is_heal {
            outputs.has_changes = Some(!plan.changes.is_empty());
        }
        self.write(events::planned(plan, !is_heal, self.now()));
    }

    /// Plans of several tenants were made, which have no digest together. Whether one of them has changes, if
    /// that is known.
    pub fn planned_several(&self, has_changes: Option<bool>) {
        self.0.outputs.borrow_mut().has_changes = has_changes;
    }

    /// Something happened in a run.
    pub fn tell(&self, told: &Told) {
        if let Event::WaitUntil { until, .. } = &told.event
            && self.0.waits_until.replace(Some(*until)) == Some(*until)
        {
            return;
        }
        self.write(events::happened(told).into_iter().collect());
    }

    /// Graph is asked again later.
    pub fn throttled(&self, throttled: &Throttled) {
        self.write(vec![events::throttled(throttled, self.now())]);
    }

    /// A run ended.
    pub fn ended(&self, document: &RunDocument) {
        let mut outputs = self.0.outputs.borrow_mut();
        outputs.resume_after = document.resume_after;
        // A plan that goes on with an approved one has the digest of that one.
        outputs.plan_sha256 = document.plan_sha256.clone().or(outputs.plan_sha256.take());
        if self.0.command.get() == Some(Reports::Heal) {
            outputs.has_changes = Some(!document.subjects.is_empty() || document.resume_after.is_some());
        }
        self.write(vec![events::run(document)]);
    }

    /// The command could not go on.
    pub fn failed(&self, failure: &Failure) {
        let (at, code) = (self.now(), failure.exit().code());
        self.write(match failure {
            Failure::Manifest(findings) => {
                let findings = common::findings(findings);
                findings.iter().map(|one| events::finding(one, Some(code), at)).collect()
            }
            other => vec![events::failure(other.to_string(), other.hint(), code, at)],
        });
    }

    /// The command is over, with that code.
    pub fn over(&self, exit: Exit) {
        if self.0.command.get().is_none() {
            return;
        }
        self.0.outputs.borrow_mut().exit_code = exit.code();
        self.append(OUTPUT_FILE, &self.0.outputs.borrow().lines());
    }

    /// Adds a text to the file that a variable names; what cannot be written is told, and no more.
    fn append(&self, variable: &str, text: &str) {
        let Some(path) = named_by(variable).filter(|_| !text.is_empty()) else { return };
        let written = OpenOptions::new().append(true).create(true).open(&path);
        let written = written.and_then(|mut file| file.write_all(text.as_bytes()));
        if let Err(cause) = written {
            let path = PathBuf::from(path);
            self.complain(&format!(
                "cannot write what this step is to give on to {} ({variable}): {cause}; the exit code is as it would \
                 have been",
                path.display()
            ));
        }
    }

    /// Writes lines, each at once, the first one first. What cannot be written is told once.
    fn write(&self, mut lines: Vec<EventDocument>) {
        let mut sink = self.0.sink.borrow_mut();
        let (Some(own), Some(command)) = (sink.as_mut(), self.0.command.get()) else { return };
        if !self.0.has_begun.replace(true) {
            lines.insert(0, events::version(command.as_str(), self.now()));
        }
        let failed = lines.iter().find_map(|event| own.write(&common::line(event)).err());
        if let Some(cause) = failed {
            self.complain(&format!(
                "cannot write events to {} any more: {cause}; no further event is written, and the command goes on",
                own.name()
            ));
            *sink = None;
        }
    }

    fn complain(&self, text: &str) {
        if let Some(output) = self.0.output.get() {
            output.explain(&output.error_style().error(text));
        }
    }

    fn now(&self) -> Timestamp {
        self.0.clock.borrow().as_ref().map_or_else(|| Clock::system().now(), Clock::now)
    }
}

impl Sink {
    fn open(path: &Path) -> Result<Sink, Failure> {
        if is_stdout(path) {
            return Ok(Sink::Stdout);
        }
        let file = OpenOptions::new().append(true).create(true).open(path);
        let file = file.map_err(|cause| {
            Failure::other(
                format!("cannot write events to {}: {cause}", path.display()),
                "nothing was begun: name a file in a folder that is there and can be written with --log-events, or - \
                 for stdout",
            )
        })?;
        Ok(Sink::File(file, path.to_owned()))
    }

    /// One line, in one write, so that whoever reads along never sees half of it.
    fn write(&mut self, line: &str) -> std::io::Result<()> {
        match self {
            Sink::Stdout => to_stdout(line),
            Sink::File(file, _) => file.write_all(line.as_bytes()),
        }
    }

    fn name(&self) -> String {
        match self {
            Sink::Stdout => "stdout".to_owned(),
            Sink::File(_, path) => path.display().to_string(),
        }
    }
}

/// The command line was not understood. If it was to be one of the commands that steps are written with,
/// the step gets to know at least the code.
pub(super) fn not_understood(exit: Exit) {
    let is = |word: OsString| Reports::ALL.into_iter().find(|command| word == command.as_str());
    let pipeline = Pipeline::default();
    pipeline.0.output.set(Some(Output::default()));
    pipeline.0.command.set(std::env::args_os().skip(1).find_map(is));
    pipeline.over(exit);
}

fn named_by(variable: &str) -> Option<OsString> {
    std::env::var_os(variable).filter(|path| !path.is_empty())
}
