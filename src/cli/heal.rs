//! `advaudit heal`: finishes unfinished toggles and starts none. Its writer can only turn on.

use std::ops::ControlFlow;
use std::path::PathBuf;

use super::connect::Connection;
use super::options::Global;
use super::plan::Narrow;
use super::run::{Run, drive, interrupted_at_once};
use super::{Exit, Failure};
use crate::apply::interrupt::Interrupt;
use crate::plan::change::{Action, Change};
use crate::plan::resolve::Protected;
use crate::plan::resume;
use crate::report::output::Output;

/// Finish what earlier runs began: turn on what is off because of them
///
/// Starts no toggle and turns nobody off. Waits until everything is due; with --no-wait it turns on
/// what is due now and leaves with exit 4 if something is not. With a manifest, declared subjects
/// that are off are turned on as well: that is the way back when the state folder is lost.
#[derive(clap::Args)]
pub(super) struct HealArgs {
    /// The manifest; needed when there is no journal
    #[arg(value_name = "MANIFEST")]
    manifest: Option<PathBuf>,
    /// Do not wait for what is not due: leave, and say when to come back
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    narrow: Narrow,
}

pub(super) fn heal(args: &HealArgs, global: &Global) -> Result<Exit, Failure> {
    let output = global.output();
    let connection = Connection::open(global, output)?;
    drive(&connection, |interrupt| heal_now(args, &connection, output, interrupt))
}

async fn heal_now(
    args: &HealArgs,
    connection: &Connection,
    output: Output,
    interrupt: Interrupt,
) -> Result<Exit, Failure> {
    let mut run = tokio::select! {
        biased;
        () = interrupt.set() => return Ok(interrupted_at_once(&output)),
        run = Run::begin(connection, output, "heal", None, interrupt.clone()) => run?,
    };
    connection.tell_skew(&output);
    if args.manifest.is_none() && !run.is_known() {
        return Err(nothing_known());
    }
    run.turn_on_what_is_due().await?;
    if run.is_stopped() {
        return run.end(&[]);
    }
    let Some(manifest) = &args.manifest else {
        let now = connection.clock.now();
        let open = run.running().in_flight.values().filter(|own| own.counts_as_off());
        let changes: Vec<Change> = open.map(|own| resume(own, now)).collect();
        run.carry_out(changes, Protected::default(), None, args.no_wait).await?;
        return run.end(&[]);
    };
    let (mut run, made) = match run.plan(manifest, &args.narrow).await {
        ControlFlow::Continue(planned) => planned,
        ControlFlow::Break(ended) => return ended,
    };
    let turns_on = made.plan.changes.iter().filter(|change| change.action != Action::Toggle);
    let changes = turns_on.cloned().collect();
    run.carry_out(changes, made.desired.protected, Some(&made.plan), args.no_wait).await?;
    let also: Vec<Exit> = args.narrow.blocked(&made.plan).into_iter().collect();
    run.end(&also)
}

/// Neither a journal nor a manifest: silence would look like health.
fn nothing_known() -> Failure {
    Failure::other(
        "nothing is known here: there is no journal of this tenant, and no manifest was given",
        "is --state the folder that `apply` used? `advaudit heal MANIFEST` heals by the tenant's own dates",
    )
}
