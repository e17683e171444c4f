//! `advaudit heal`: finishes unfinished toggles and starts none. Its writer can only turn on.

use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::path::PathBuf;

use super::allowing::Allowing;
use super::connect::Connection;
use super::locking::{Locking, Start};
use super::options::Global;
use super::plan::{self, Asked, Narrow};
use super::run::{drive, end, plan_within};
use super::{Exit, Failure, manifests};
use crate::apply::interrupt::Interrupt;
use crate::plan::change::Action;
use crate::plan::resolve::Protected;
use crate::report::output::Output;
use crate::run::Run;

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
    /// Further ones, to say that there is room for one
    #[arg(hide = true)]
    further: Vec<PathBuf>,
    /// Do not wait for what is not due: leave, and say when to come back
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    narrow: Narrow,
    #[command(flatten)]
    locking: Locking,
    /// Do not ask whether to break a lease
    #[arg(long)]
    auto_approve: bool,
}

pub(super) fn heal(args: &HealArgs, global: &Global) -> Result<Exit, Failure> {
    manifests::just_one("heal", &args.further)?;
    if args.locking.asks() && !args.auto_approve && !std::io::stdin().is_terminal() {
        return Err(Failure::Usage(
            "there is no terminal to ask on whether to break the lease: add --auto-approve, or look who holds it \
             with `advaudit status`"
                .into(),
        ));
    }
    let connection = Connection::open(global, global.output())?;
    let start = Start { command: "heal", locking: &args.locking, auto_approve: args.auto_approve };
    drive(&connection, global, &start, None, |run, interrupt| {
        heal_now(args, &connection, global.output(), run, interrupt)
    })
}

async fn heal_now(
    args: &HealArgs,
    connection: &Connection,
    output: Output,
    mut run: Run,
    interrupt: Interrupt,
) -> Result<Exit, Failure> {
    connection.tell_skew(&output);
    if args.manifest.is_none() && !run.is_known() {
        return Err(nothing_known());
    }
    run.turn_on_what_is_due().await?;
    if run.is_stopped() {
        return Ok(end(run, None, connection, &[]).await);
    }
    let Some(manifest) = &args.manifest else {
        let unfinished = run.unfinished();
        run.carry_out(unfinished, Protected::default(), None, args.no_wait).await?;
        return Ok(end(run, None, connection, &[]).await);
    };
    let allowing = &Allowing::default();
    let asked = Asked { manifest, narrow: &args.narrow, allowing, is_one_of_several: false };
    let planned = plan_within(run, &asked, connection, &output, &interrupt).await;
    let (mut run, made) = match planned {
        ControlFlow::Continue(planned) => planned,
        ControlFlow::Break(ended) => return ended,
    };
    plan::tell_unknown(&made.document, &output);
    plan::tell_alarms(&made.document, &output);
    let mandate = plan::mandate(&made.document, &made.rollout);
    let turns_on = made.changes.into_iter().filter(|change| change.action != Action::Toggle).collect();
    run.carry_out(turns_on, made.protected, Some(&mandate), args.no_wait).await?;
    let also: Vec<Exit> = args.narrow.blocked(&made.document).into_iter().collect();
    Ok(end(run, Some(&made.document), connection, &also).await)
}

/// Neither a journal nor a manifest: silence would look like health.
fn nothing_known() -> Failure {
    Failure::other(
        "nothing is known here: there is no journal of this tenant, and no manifest was given",
        "is --state the one that `apply` used? `advaudit heal MANIFEST` heals by the tenant's own dates",
    )
}
