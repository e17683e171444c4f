//! `advaudit apply`: turns on what is due, plans, shows, asks, runs.

use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::allowing::Allowing;
use super::connect::Connection;
use super::held::{Held, loses_its_memory};
use super::locking::{Locking, Start};
use super::options::Global;
use super::plan::{self, Asked, Made, Narrow};
use super::run::{drive, end, plan_within};
use super::saved_plan::{SavedPlan, same_digest};
use super::{Exit, Failure, ask, manifests};
use crate::apply::interrupt::Interrupt;
use crate::graph::{OffWriter, Reprocessor};
use crate::model::Timestamp;
use crate::plan::change::{Action, Change};
use crate::plan::resolve::Protected;
use crate::plan::running::Running;
use crate::plan::skew::Skew;
use crate::report::json::v1::plan::PlanDocument;
use crate::report::json::v1::plan_file;
use crate::report::output::{Format, Output};
use crate::run::Run;

/// Make the tenant as the manifest says, or carry out a saved plan
///
/// Shows the plan, asks, runs it. Whatever an earlier run turned off and is due is turned on first, whatever
/// manifest or plan say. Waits for toggles to end; with --no-wait it leaves with exit 4, and running it again
/// continues. A plan that was approved before, as a file or by its digest, is not asked about.
#[derive(clap::Args)]
pub(super) struct ApplyArgs {
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    narrow: Narrow,
    #[command(flatten)]
    allowing: Allowing,
    #[command(flatten)]
    locking: Locking,
    /// Do not ask
    #[arg(long)]
    auto_approve: bool,
    /// Do not wait for toggles: leave, and say when to come back
    #[arg(long)]
    no_wait: bool,
    /// At the end, have Graph try again the licenses of members of the declared groups who are in error;
    /// needs User.ReadWrite.All
    #[arg(long)]
    reprocess: bool,
}

/// What is carried out.
#[derive(clap::Args)]
struct What {
    /// The manifest
    #[arg(value_name = "MANIFEST", required_unless_present = "saved")]
    manifest: Option<PathBuf>,
    /// Further ones, to say that there is room for one
    #[arg(hide = true, conflicts_with = "saved")]
    further: Vec<PathBuf>,
    /// Carry out this saved plan instead; exits 6 when it is altered, expired or for another tenant
    #[arg(long = "plan", id = "saved", value_name = "FILE", conflicts_with_all = ["manifest", "only", "allow", "reason"])]
    saved: Option<PathBuf>,
    /// Start something only if the plan has this digest, else exit 6
    #[arg(long, value_name = "HEX", value_parser = digest)]
    plan_sha256: Option<String>,
}

impl What {
    /// Whether somebody has seen and approved it already.
    fn is_approved(&self) -> bool {
        self.saved.is_some() || self.plan_sha256.is_some()
    }
}

fn digest(text: &str) -> Result<String, String> {
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(text.to_ascii_lowercase());
    }
    Err("a digest has 64 hexadecimal digits; it is `sha256` of the plan's JSON".to_owned())
}

pub(super) fn apply(args: &ApplyArgs, global: &Global) -> Result<Exit, Failure> {
    args.allowing.check()?;
    manifests::just_one("apply", &args.what.further)?;
    let asks = !args.what.is_approved() || args.locking.asks();
    if asks && !args.auto_approve && !std::io::stdin().is_terminal() {
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
        return Ok(end(run, None, connection, &[]).await);
    }
    let planned = match (&args.what.saved, &args.what.manifest) {
        (Some(file), _) => read_within(run, file, args, connection, &interrupt).await,
        (None, manifest) => {
            let manifest = manifest.as_deref().unwrap_or(Path::new(""));
            let (narrow, allowing) = (&args.narrow, &args.allowing);
            let asked = Asked { manifest, narrow, allowing, is_one_of_several: false };
            plan_within(run, &asked, connection, &output, &interrupt).await
        }
    };
    let (mut run, mut made) = match planned {
        ControlFlow::Continue(planned) => planned,
        ControlFlow::Break(ended) => return ended,
    };
    match output.format {
        Format::Human => output.result(&plan::human(&made.document, &output)),
        // The document of the run has no place for what the plan tells.
        Format::Json | Format::Markdown | Format::Sarif | Format::Junit | Format::Gitlab => {
            connection.tell_skew(&output);
            plan::tell_unknown(&made.document, &output);
            plan::tell_alarms(&made.document, &output);
        }
    }
    let mut changes = std::mem::take(&mut made.changes);
    let mut held = hold(args, global, connection, &run, &mut made.document, &changes);
    changes.retain(|change| held.iter().all(|held| held.lets(change)));
    if asks(args) && !changes.iter().all(is_resume) {
        held.extend(ask(&made, &changes, output, &interrupt).await);
        changes.retain(|change| held.iter().all(|held| held.lets(change)));
    }
    held.iter().for_each(|held| held.tell(&output));
    held.iter().filter_map(Held::failure).for_each(|failure| connection.pipeline.failed(failure));
    let mut also: Vec<Exit> =
        held.iter().map(Held::exit).chain(args.narrow.blocked(&made.document)).collect();
    // What starts nothing is not the plan that is gone on with.
    let mandate = held.iter().all(Held::starts).then(|| plan::mandate(&made.document, &made.rollout));
    run.carry_out(changes, made.protected, mandate.as_ref(), args.no_wait).await?;
    if args.reprocess && mandate.is_some() {
        let reprocessor = Reprocessor::new(connection.client.clone());
        if let Err(error) = run.reprocess(&made.groups, &reprocessor).await {
            // What was done before is still told.
            let failure = Failure::from(error);
            failure.show(&output);
            connection.pipeline.failed(&failure);
            also.push(failure.exit());
        }
    }
    Ok(end(run, Some(&made.document), connection, &also).await)
}

/// Reads the saved plan in the middle of a run; breaks with its end where that cannot be.
async fn read_within(
    mut run: Run,
    file: &Path,
    args: &ApplyArgs,
    connection: &Connection,
    interrupt: &Interrupt,
) -> ControlFlow<Result<Exit, Failure>, (Run, Made)> {
    let made = tokio::select! {
        biased;
        () = interrupt.set() => {
            run.interrupted();
            return ControlFlow::Break(Ok(end(run, None, connection, &[]).await));
        }
        made = from_file(file, args, &run, connection) => made,
    };
    match made {
        Ok(made) => ControlFlow::Continue((run, made)),
        Err(failure) => ControlFlow::Break(only_finish(run, &failure, args.no_wait, connection).await),
    }
}

/// The saved plan, as far as it is still to be done.
async fn from_file(
    file: &Path,
    args: &ApplyArgs,
    run: &Run,
    connection: &Connection,
) -> Result<Made, Failure> {
    let (saved, now) = (SavedPlan::read(file)?, connection.clock.now());
    saved.may_start(run.tenant(), now, args.what.plan_sha256.as_deref())?;
    let all = saved.document.changes.len();
    let (made, done) = saved.left(run, &connection.clock).await?;
    connection.pipeline.planned(&made.document);
    if done > 0 {
        connection.output.say(&format!("{done} of the plan's {all} changes are done already."));
    }
    Ok(made)
}

/// Starts nothing new, because of that, and ends what earlier runs began.
async fn only_finish(
    mut run: Run,
    failure: &Failure,
    no_wait: bool,
    connection: &Connection,
) -> Result<Exit, Failure> {
    failure.show(&connection.output);
    connection.pipeline.failed(failure);
    let unfinished = run.unfinished();
    run.carry_out(unfinished, Protected::default(), None, no_wait).await?;
    Ok(end(run, None, connection, &[failure.exit()]).await)
}

/// Why some of the changes are not started, before anybody is asked.
fn hold(
    args: &ApplyArgs,
    global: &Global,
    connection: &Connection,
    run: &Run,
    plan: &mut PlanDocument,
    changes: &[Change],
) -> Vec<Held> {
    let mut held = Vec::new();
    let toggles = changes.iter().any(|change| change.action == Action::Toggle);
    let skew = connection.clock.skew().map(Skew).filter(|skew| toggles && !skew.allows_toggles());
    held.extend(skew.map(Held::Clock));
    if toggles && held.is_empty() && loses_its_memory(global, connection) {
        held.push(Held::LostMemory);
    } else if let Err(failure) = approve(args, plan, changes, run.running(), connection.clock.now()) {
        held.push(Held::Digest(failure));
    } else if !changes.iter().all(is_resume) && plan.exceeds_a_limit() {
        held.push(Held::Limit);
    }
    held
}

/// Holds a fresh plan against the digest that was approved. What runs of the approved plan have begun is no
/// longer in a fresh one, and counts as if it were: so a plan is gone on with after exit 4.
fn approve(
    args: &ApplyArgs,
    plan: &mut PlanDocument,
    changes: &[Change],
    running: &Running,
    now: Timestamp,
) -> Result<(), Failure> {
    let (None, Some(approved)) = (&args.what.saved, &args.what.plan_sha256) else { return Ok(()) };
    let fresh = same_digest(&plan.sha256, approved);
    let begun = running.runs.begun(approved, now);
    if let (Err(_), Some(begun)) = (&fresh, begun)
        && plan_file::decision(plan, changes).with(begun).sha256() == *approved
    {
        plan.sha256.clone_from(approved);
        return Ok(());
    }
    fresh
}

fn asks(args: &ApplyArgs) -> bool {
    !args.auto_approve && !args.what.is_approved()
}

/// Whether it only turns on what is off already.
fn is_resume(change: &Change) -> bool {
    change.action == Action::Resume
}

/// Where stdout is for the document, the plan is shown beside the question.
async fn ask(made: &Made, changes: &[Change], output: Output, interrupt: &Interrupt) -> Option<Held> {
    if output.format != Format::Human {
        output.complain(&plan::human(&made.document, &output));
    }
    let toggles = changes.iter().any(|change| change.action == Action::Toggle);
    let toggles = if toggles { ", turning people off and on again" } else { "" };
    let question = format!("Apply this to {}{toggles}?", made.document.tenant.domain);
    match (ask::yes(&question, output, interrupt).await, interrupt.is_set()) {
        (true, _) => None,
        (false, true) => Some(Held::Interrupt),
        (false, false) => Some(Held::Answer),
    }
}
