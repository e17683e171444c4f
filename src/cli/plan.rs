//! `advaudit plan`: what a run would do. It has no way to change a license (P4).

use std::path::{Path, PathBuf};

use super::connect::Connection;
use super::options::Global;
use super::{Exit, Failure, manifests};
use crate::diag::{Finding, Source};
use crate::graph::Reader;
use crate::model::Timestamp;
use crate::observe::collect;
use crate::observe::observed::Tenant;
use crate::plan::change::Change;
use crate::plan::planned::Plan;
use crate::plan::resolve::{Desired, Protected, resolve};
use crate::plan::running::Running;
use crate::report::human::plan::{View, render, unknown};
use crate::report::json::v1::common;
use crate::report::json::v1::plan::{EXPIRES_IN, MadeFrom, PlanDocument};
use crate::report::output::{Format, Output};
use crate::run::{Mandate, look};

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

/// A plan: what is shown, and what is carried out.
pub(super) struct Made {
    /// As it is shown and saved.
    pub document: PlanDocument,
    /// What would be done; the same as in the document.
    pub changes: Vec<Change>,
    /// Who is never turned off.
    pub protected: Protected,
}

impl Narrow {
    /// The code for blocked subjects, if they count.
    pub fn blocked(&self, plan: &PlanDocument) -> Option<Exit> {
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
    show(&made.document, &output);
    let writes = args.detailed_exitcode && !made.changes.is_empty();
    let holding = [
        (!made.document.complete).then_some(Exit::Error),
        args.narrow.blocked(&made.document),
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
    let Source { name, text, .. } = &*declared.source;
    let from = MadeFrom { file: name, text, protected: &desired.protected, expires_in: EXPIRES_IN };
    Ok(Made { document: PlanDocument::new(&plan, from), changes: plan.changes, protected: desired.protected })
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

/// What a run that carries this plan out may do.
pub(super) fn mandate(plan: &PlanDocument) -> Mandate {
    Mandate { sha256: plan.sha256.clone(), max_off: plan.max_off }
}

/// Prints a plan as a result.
pub(super) fn show(plan: &PlanDocument, output: &Output) {
    output.result(&match output.format {
        Format::Human => human(plan, output),
        Format::Json => common::text(plan),
    });
}

/// A plan for people.
pub(super) fn human(plan: &PlanDocument, output: &Output) -> String {
    render(plan, View { style: output.style(), width: output.width(), verbose: output.verbose })
}

/// Tells what could not be read, where the plan itself is not shown.
pub(super) fn tell_unknown(plan: &PlanDocument, output: &Output) {
    let view = View { style: output.error_style(), width: output.width(), verbose: output.verbose };
    output.complain(&unknown(plan, view));
}
