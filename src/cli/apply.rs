//! `advaudit apply`: turns on what is due, plans, shows, asks, runs.

use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::path::PathBuf;

use super::ask;
use super::connect::Connection;
use super::locking::{Locking, Start};
use super::options::Global;
use super::plan::{self, Made, Narrow};
use super::run::{drive, end, plan_within};
use super::{Exit, Failure};
use crate::apply::interrupt::Interrupt;
use crate::diag::Code;
use crate::graph::OffWriter;
use crate::plan::change::{Action, Change};
use crate::plan::skew::Skew;
use crate::report::output::{Format, Output};
use crate::run::Run;

/// Make the tenant as the manifest says: show the plan, ask, run it
///
/// Whatever an earlier run turned off and is due is turned on first, whatever the manifest says.
/// Waits for toggles to end; with --no-wait it leaves with exit 4, and running it again continues.
#[derive(clap::Args)]
pub(super) struct ApplyArgs {
    /// The manifest
    #[arg(value_name = "MANIFEST")]
    manifest: PathBuf,
    #[command(flatten)]
    narrow: Narrow,
    #[command(flatten)]
    locking: Locking,
    /// Do not ask
    #[arg(long)]
    auto_approve: bool,
    /// Do not wait for toggles: leave, and say when to come back
    #[arg(long)]
    no_wait: bool,
}

pub(super) fn apply(args: &ApplyArgs, global: &Global) -> Result<Exit, Failure> {
    if !args.auto_approve && !std::io::stdin().is_terminal() {
        return Err(Failure::Usage(
            "there is no terminal to ask on: add --auto-approve, or look at the plan with `advaudit plan`"
                .into(),
        ));
    }
    let output = global.output();
    let connection = Connection::open(global, output)?;
    let off = OffWriter::new(connection.client.clone());
    let work = |run, interrupt| apply_now(args, global, &connection, run, interrupt);
    let start = Start { command: "apply", locking: &args.locking, auto_approve: args.auto_approve };
    drive(&connection, global, &start, Some(off), work)
}

async fn apply_now(
    args: &ApplyArgs,
    global: &Global,
    connection: &Connection,
    mut run: Run,
    interrupt: Interrupt,
) -> Result<Exit, Failure> {
    let output = global.output();
    run.turn_on_what_is_due().await?;
    if run.is_stopped() {
        return Ok(end(run, None, &output, &[]).await);
    }
    let planned = plan_within(run, &args.manifest, &args.narrow, connection, &output, &interrupt).await;
    let (mut run, made) = match planned {
        ControlFlow::Continue(planned) => planned,
        ControlFlow::Break(ended) => return ended,
    };
    match output.format {
        Format::Human => output.result(&plan::human(&made.document, &output)),
        // The document of the run has no place for what the plan tells.
        Format::Json => {
            connection.tell_skew(&output);
            plan::tell_unknown(&made.document, &output);
        }
    }
    let starts = made.changes.iter().any(|change| change.action != Action::Resume);
    let toggles = made.changes.iter().any(|change| change.action == Action::Toggle);
    let mut also: Vec<Exit> = args.narrow.blocked(&made.document).into_iter().collect();
    let mut changes = made.changes.clone();
    let held_back = connection.clock.skew().map(Skew).filter(|skew| toggles && !skew.allows_toggles());
    if let Some(skew) = held_back {
        output.explain(&held_back_by(skew));
        also.push(Exit::Pending);
        changes.retain(|change| change.action != Action::Toggle);
    }
    if toggles && held_back.is_none() && loses_its_memory(global, connection) {
        output.explain(&output.error_style().error(LOST_MEMORY));
        changes.retain(is_resume);
        also.push(Exit::Usage);
    } else if starts && made.document.exceeds_a_limit() {
        changes.retain(is_resume);
        also.push(Exit::Limit);
    } else if !changes.iter().all(is_resume)
        && !args.auto_approve
        && !approve(&made, &changes, output, &interrupt).await
    {
        if !interrupt.is_set() {
            output.say("Not approved: nothing new was started.");
        }
        changes.retain(is_resume);
        also.push(Exit::Error);
    }
    let mandate = plan::mandate(&made.document);
    run.carry_out(changes, made.protected, Some(&mandate), args.no_wait).await?;
    Ok(end(run, Some(&made.document), &output, &also).await)
}

/// Whether it only turns on what is off already.
fn is_resume(change: &Change) -> bool {
    change.action == Action::Resume
}

/// What is said when the plan has toggles and the machine's clock forbids them.
fn held_back_by(skew: Skew) -> String {
    format!(
        "no toggle was started [{}]: {skew}, and so far apart either of them may be wrong. Set the machine's \
         clock and run again; turning on went ahead.",
        Code::ClockSkew
    )
}

const LOST_MEMORY: &str = "there are toggles to start, CI is set, and no --state is named: a runner's folder is \
     lost with the runner, and with it the memory of who is off. Name a place that outlives the job with --state, a \
     folder or an object store (az://, s3://, gs://); nothing new was started";

fn loses_its_memory(global: &Global, connection: &Connection) -> bool {
    let ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false");
    ci && !global.names_state() && !connection.is_sandbox()
}

/// Where stdout is for the document, the plan is shown beside the question.
async fn approve(made: &Made, changes: &[Change], output: Output, interrupt: &Interrupt) -> bool {
    if output.format == Format::Json {
        output.complain(&plan::human(&made.document, &output));
    }
    let toggles = changes.iter().any(|change| change.action == Action::Toggle);
    let toggles = if toggles { ", turning people off and on again" } else { "" };
    ask::yes(&format!("Apply this to {}{toggles}?", made.document.tenant.domain), output, interrupt).await
}
