//! `advaudit plan`: what a run would do. It has no way to change a license (P4).

use std::path::{Path, PathBuf};

use super::connect::Connection;
use super::options::Global;
use super::{Exit, Failure, manifests};
use crate::diag::Finding;
use crate::graph::Reader;
use crate::manifest::declared::Declared;
use crate::model::Timestamp;
use crate::observe::collect;
use crate::observe::observed::Tenant;
use crate::plan::change::Action;
use crate::plan::planned::Plan;
use crate::plan::resolve::{Desired, resolve};
use crate::plan::running::Running;
use crate::report::human::plan::{View, render, unknown};
use crate::report::json::v1::common;
use crate::report::json::v1::plan::PlanDocument;
use crate::report::output::{Format, Output};
use crate::run::look;

/// Show what would change, and change nothing
///
/// Compares the manifest with the tenant. Exits 0, or 1 when something could not be read.
#[derive(clap::Args)]
pub(super) struct PlanArgs {
    /// The manifest
    #[arg(value_name = "MANIFEST")]
    manifest: PathBuf,
    #[command(flatten)]
    narrow: Narrow,
    /// Exit 2 when a write would happen
    #[arg(long)]
    detailed_exitcode: bool,
}

/// Which part of a manifest is meant, and what counts as failure.
#[derive(clap::Args, Clone)]
pub(super) struct Narrow {
    /// Only this user or group of the manifest, by name or id; can be repeated
    #[arg(long, value_name = "SUBJECT")]
    only: Vec<String>,
    /// What else fails: blocked exits 5 when something declared is blocked
    #[arg(long, value_enum, value_name = "WHAT")]
    fail_on: Option<FailOn>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum FailOn {
    /// Something declared is blocked.
    Blocked,
}

/// A plan and what it was made from.
pub(super) struct Made {
    /// The manifest.
    pub declared: Declared,
    /// The manifest in ids of the tenant.
    pub desired: Desired,
    /// What would be done.
    pub plan: Plan,
}

impl Narrow {
    /// The code for blocked subjects, if they count.
    pub fn blocked(&self, plan: &Plan) -> Option<Exit> {
        (self.fail_on == Some(FailOn::Blocked) && !plan.blocked.is_empty()).then_some(Exit::Partial)
    }
}

pub(super) fn plan(args: &PlanArgs, global: &Global) -> Result<Exit, Failure> {
    let output = global.output();
    if global.sandbox.is_none() {
        // Nobody is asked, and no token needed, to see that a manifest cannot be used.
        manifests::read_offline(&args.manifest)?;
    }
    let connection = Connection::open(global, output)?;
    let reader = Reader::new(connection.client.clone());
    let made = connection.drive(async {
        let tenant = collect::tenant(&reader).await?;
        let now = connection.clock.now();
        let store = connection.state().store(tenant.id);
        let running = look(&*store, &tenant, now).await?;
        make(&args.manifest, &args.narrow, tenant, &reader, &running, &connection).await
    })?;
    show(&made, &output);
    let writes = args.detailed_exitcode && !made.plan.changes.is_empty();
    let holding = [
        (!made.plan.is_complete()).then_some(Exit::Error),
        args.narrow.blocked(&made.plan),
        writes.then_some(Exit::Changes),
    ];
    Ok(Exit::first(&holding.into_iter().flatten().collect::<Vec<_>>()))
}

/// Reads the manifest and the tenant, and decides.
pub(super) async fn make(
    manifest: &Path,
    narrow: &Narrow,
    tenant: Tenant,
    reader: &Reader,
    running: &Running,
    connection: &Connection,
) -> Result<Made, Failure> {
    let clock = &connection.clock;
    let (declared, told) = manifests::read_for(manifest, &tenant, clock.now())?;
    let observed = collect::collect(reader, &declared, tenant, &running.left_on(), clock).await?;
    let mut desired = resolve(&declared, &observed, running);
    desired.findings.extend(told);
    if desired.findings.iter().any(Finding::is_error) {
        desired.findings.sort();
        return Err(Failure::Manifest(desired.findings));
    }
    if !narrow.only.is_empty() {
        let nobody = desired.keep_only(&narrow.only, &observed);
        if !nobody.is_empty() {
            return Err(Failure::Usage(format!(
                "--only: the manifest declares no {}; name a user or group as it does, or by object id",
                nobody.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
            )));
        }
    }
    let plan = decide(&desired, &observed, running, clock.now())?;
    Ok(Made { declared, desired, plan })
}

/// Decides, and asks for the second opinion.
fn decide(
    desired: &Desired,
    observed: &crate::observe::observed::Observed,
    running: &Running,
    now: Timestamp,
) -> Result<Plan, Failure> {
    let plan = crate::plan::plan(desired, observed, running, now);
    let wrong = crate::plan::check::check(&plan, desired, running);
    if wrong.is_empty() { Ok(plan) } else { Err(Failure::Internal(wrong.join("; "))) }
}

/// Prints a plan as a result.
pub(super) fn show(made: &Made, output: &Output) {
    output.result(&match output.format {
        Format::Human => human(&made.plan, output),
        Format::Json => {
            let source = &made.declared.source;
            common::text(&PlanDocument::new(&made.plan, &source.name, &source.text))
        }
    });
}

/// A plan for people.
pub(super) fn human(plan: &Plan, output: &Output) -> String {
    render(plan, View { style: output.style(), width: output.width(), verbose: output.verbose })
}

/// Tells what could not be read, where the plan itself is not shown.
pub(super) fn tell_unknown(plan: &Plan, output: &Output) {
    let view = View { style: output.error_style(), width: output.width(), verbose: output.verbose };
    output.complain(&unknown(plan, view));
}

/// Whether a plan starts anything, and whether a toggle is among it.
pub(super) fn starts(plan: &Plan) -> (bool, bool) {
    let toggles = plan.with(Action::Toggle).next().is_some();
    (toggles || plan.with(Action::Enable).next().is_some(), toggles)
}
