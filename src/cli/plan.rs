//! `advaudit plan`: what a run would do. It has no way to change a license (P4).

use std::path::{Path, PathBuf};

use super::allowing::Allowing;
use super::connect::Connection;
use super::options::Global;
use super::ways::Sandboxes;
use super::{Exit, Failure, files, manifests, plans, step_summary};
use crate::diag::{Finding, Severity, Source};
use crate::graph::Reader;
use crate::journal::record::Allowed;
use crate::model::{GroupId, Rollout, SignedDuration, Subject, SubjectId, Timestamp};
use crate::observe::collect;
use crate::observe::observed::{Observed, Tenant};
use crate::observe::reading::Knows;
use crate::plan::change::Change;
use crate::plan::estimate::Estimate;
use crate::plan::passing::Passing;
use crate::plan::planned::Plan;
use crate::plan::resolve::{Desired, Protected, resolve};
use crate::plan::running::Running;
use crate::report::human::plan::{View, approval, render, unknown};
use crate::report::human::{finding, ways};
use crate::report::json::v1::common::{self, FindingDocument, SubjectName};
use crate::report::json::v1::plan::{LimitDocument, MadeFrom, PlanDocument};
use crate::report::output::{Format, Output};
use crate::report::{gitlab, junit, markdown, sarif};
use crate::run::{Mandate, look};

/// Show what would change, and change nothing
///
/// Compares the manifest with the tenant. Exits 0, or 1 when something could not be read. What was saved with
/// --out can be looked at with `show` and carried out, as it is, with `apply --plan`. Several manifests are as
/// many tenants, looked at side by side: one that fails stops none of the others.
#[derive(clap::Args)]
pub(super) struct PlanArgs {
    /// The manifest; several, or folders of them, are several tenants
    #[arg(required = true, value_name = "MANIFEST")]
    manifests: Vec<PathBuf>,
    #[command(flatten)]
    narrow: Narrow,
    #[command(flatten)]
    allowing: Allowing,
    /// Save the plan to this file as well
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// How long the saved plan may be started; finishing is not bounded
    #[arg(long, value_name = "DURATION", value_parser = lifetime, default_value = "24h")]
    expires_in: SignedDuration,
    /// Exit 2 when a write would happen
    #[arg(long)]
    detailed_exitcode: bool,
    /// How many tenants are looked at at the same time, where there are several
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    pub parallelism: u16,
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
    /// The groups that are declared; of a saved plan, those that it changes.
    pub groups: Vec<Subject>,
    /// Who goes first, when toggles may start, and what stops them; the same as in the document.
    pub rollout: Rollout,
    /// Whom `--only` names and the manifest does not declare.
    pub nobody: Vec<String>,
}

impl Narrow {
    /// Leaves the part that is meant; returns whom it does not find.
    fn keep(&self, desired: &mut Desired, observed: &Observed) -> Vec<String> {
        if self.only.is_empty() { Vec::new() } else { desired.keep_only(&self.only, observed) }
    }

    /// The code for blocked subjects, if they count.
    pub fn blocked(&self, plan: &PlanDocument) -> Option<Exit> {
        (self.fail_on == Some(FailOn::Blocked) && !plan.blocked.is_empty()).then_some(Exit::Partial)
    }
}

pub(super) fn plan(args: &PlanArgs, global: &Global) -> Result<Exit, Failure> {
    args.allowing.check()?;
    match manifests::files(&args.manifests)?.as_slice() {
        [one] => plan_one(args, one, global),
        several => plans::plan(args, several, global),
    }
}

fn plan_one(args: &PlanArgs, manifest: &Path, global: &Global) -> Result<Exit, Failure> {
    let output = global.output();
    refuse_to_overwrite(args, manifest, global)?;
    let connection = open(manifest, global, output)?;
    let made = connection.drive(made(args, manifest, &connection, false))?;
    show(&made.document, &output);
    if let Some(file) = &args.out {
        save(&made.document, file, &output)?;
    }
    step_summary::append(|| markdown::plan(&made.document), &output);
    Ok(args.exit(&made))
}

/// To the tenant; of a folder of simulated ones, to that of the manifest.
fn open(manifest: &Path, global: &Global, output: Output) -> Result<Connection, Failure> {
    if let Some(folder) = global.sandbox.as_deref().filter(|path| path.is_dir()) {
        let tenant = manifests::read_offline(manifest)?;
        let (sandboxes, pipeline) = (Sandboxes::read(folder)?, &global.pipeline);
        let connection = Connection::sandbox(sandboxes.of(&tenant)?, None, global, output, pipeline)?;
        pipeline.begins(&connection.clock);
        return Ok(connection);
    }
    if global.sandbox.is_none() {
        // Nobody is asked, and no token needed, to see that a manifest cannot be used.
        manifests::read_offline(manifest)?;
    }
    Connection::open(global, output)
}

/// Makes the plan of one manifest; `is_one_of_several` as in [`Asked`].
pub(super) async fn made(
    args: &PlanArgs,
    manifest: &Path,
    connection: &Connection,
    is_one_of_several: bool,
) -> Result<Made, Failure> {
    let reader = Reader::new(connection.client.clone());
    let tenant = collect::tenant(&reader).await?;
    let now = connection.clock.now();
    let store = connection.state().store(tenant.id);
    let running = look(&*store, &tenant, now).await?;
    let asked = Asked { manifest, narrow: &args.narrow, allowing: &args.allowing, is_one_of_several };
    make(&asked, args.expires_in, tenant, &reader, &running, connection).await
}

impl PlanArgs {
    /// The code that a plan ends with.
    pub fn exit(&self, made: &Made) -> Exit {
        let writes = self.detailed_exitcode && !made.changes.is_empty();
        let holding = [
            (!made.document.complete).then_some(Exit::Error),
            self.narrow.blocked(&made.document),
            writes.then_some(Exit::Changes),
        ];
        Exit::first(&holding.into_iter().flatten().collect::<Vec<_>>())
    }
}

/// What is asked for on the command line.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    /// The manifest.
    pub manifest: &'a Path,
    /// Which part of it.
    pub narrow: &'a Narrow,
    /// Limits that do not count.
    pub allowing: &'a Allowing,
    /// Whether whom `--only` names may be declared by another manifest.
    pub is_one_of_several: bool,
}

/// A plan file in the place of its manifest, or of a device, would be the end of that.
fn refuse_to_overwrite(args: &PlanArgs, manifest: &Path, global: &Global) -> Result<(), Failure> {
    let Some(out) = &args.out else { return Ok(()) };
    let Ok(whole) = out.canonicalize() else { return Ok(()) };
    let is = |other: &Path| is_same(other, &whole);
    let sandbox = global.sandbox.as_deref();
    let what = if is(manifest) {
        "the manifest itself"
    } else if sandbox.is_some_and(is) {
        "the simulated tenant itself"
    } else if whole.parent().is_some_and(|of| sandbox.is_some_and(|own| own.is_dir() && is_same(own, of))) {
        "in the folder of the simulated tenants"
    } else if !whole.is_file() {
        "no file, but a folder, a pipe or a device"
    } else {
        return Ok(());
    };
    Err(Failure::Usage(format!("--out {} is {what}: name another file", out.display())))
}

fn is_same(one: &Path, other: &Path) -> bool {
    one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
}

fn save(plan: &PlanDocument, file: &Path, output: &Output) -> Result<(), Failure> {
    let text = common::line(plan);
    files::write(file, text.as_bytes()).map_err(|cause| Failure::Write { path: file.to_owned(), cause })?;
    output.say(&format!(
        "Saved to {}. To carry out just this: advaudit apply --plan {}",
        file.display(),
        file.display()
    ));
    if output.format == Format::Human {
        output.say(&approval(plan));
    }
    Ok(())
}

fn lifetime(text: &str) -> Result<SignedDuration, String> {
    match text.parse::<SignedDuration>() {
        Ok(duration) if duration.is_positive() => Ok(duration),
        Ok(_) | Err(_) => Err("write a duration with its unit, such as `24h` or `90m`".to_owned()),
    }
}

/// Reads the manifest and the tenant, and decides.
pub(super) async fn make(
    asked: &Asked<'_>,
    expires_in: SignedDuration,
    tenant: Tenant,
    reader: &Reader,
    running: &Running,
    connection: &Connection,
) -> Result<Made, Failure> {
    let Asked { manifest, narrow, allowing, is_one_of_several } = *asked;
    let clock = &connection.clock;
    let (declared, told) = manifests::read_for(manifest, &tenant, clock.now())?;
    let (last_on, passing) = (running.left_on(), Passing::new(&declared, running, &narrow.only));
    let passes_by = |user: &_, account, asked, catalog: &_| passing.passes_by(user, account, asked, catalog);
    let knows = Knows { last_on: &last_on, passes_by: &passes_by, lanes: connection.lanes };
    let before = connection.client.spent();
    let observed = collect::collect(reader, &declared, tenant, knows, clock).await?;
    if connection.output.verbose {
        let whose = is_one_of_several.then_some(observed.tenant.domain.as_str());
        let told = ways::render(&observed.ways, connection.client.spent() - before, whose);
        told.lines().for_each(|line| connection.output.explain(line));
    }
    let mut desired = resolve(&declared, &observed, running);
    desired.findings.extend(told);
    if desired.findings.iter().any(Finding::is_error) {
        desired.findings.sort();
        return Err(Failure::Manifest(desired.findings));
    }
    let nobody = narrow.keep(&mut desired, &observed);
    if !nobody.is_empty() && !is_one_of_several {
        return Err(no_such_subject("the manifest declares no", &nobody));
    }
    desired.allowed = allowing.apply(&mut desired.limits);
    let plan = decide(&desired, &observed, running, clock.now())?;
    let Source { name, text, .. } = &*declared.source;
    let from = MadeFrom { file: name, text, only: &narrow.only, protected: &desired.protected, expires_in };
    let document = PlanDocument::new(&plan, from);
    connection.pipeline.planned(&document);
    let group = |id: &GroupId| Subject { id: SubjectId::Group(*id), name: observed.group_name(*id) };
    let groups = desired.groups.keys().map(group).collect();
    let (protected, rollout) = (desired.protected, plan.rollout);
    Ok(Made { document, changes: plan.changes, protected, groups, rollout, nobody })
}

/// Nobody declares whom `--only` names.
pub(super) fn no_such_subject(declares: &str, nobody: &[String]) -> Failure {
    let names: Vec<String> = nobody.iter().map(|name| format!("`{name}`")).collect();
    Failure::Usage(format!(
        "--only: {declares} {}; name a user or group as it does, or by object id",
        names.join(", ")
    ))
}

/// Decides, and asks for the second opinion.
fn decide(
    desired: &Desired,
    observed: &Observed,
    running: &Running,
    now: Timestamp,
) -> Result<Plan, Failure> {
    let plan = crate::plan::plan(desired, observed, running, now);
    let wrong = crate::plan::check::check(&plan, desired, running);
    if wrong.is_empty() { Ok(plan) } else { Err(Failure::Internal(wrong.join("; "))) }
}

/// More than that are not worth a place in the journal: next time fewer will be.
const TOO_MANY: usize = 1000;

/// Whoever was not as declared when this plan was made cannot have been turned off by somebody since.
fn out_of_sync(plan: &PlanDocument) -> Option<Vec<String>> {
    let changed = plan.changes.iter().map(|one| &one.subject);
    let blocked = plan.blocked.iter().map(|one| &one.subject);
    let all = changed.chain(blocked).chain(plan.unknown.iter().map(|one| &one.subject));
    let words =
        |one: &SubjectName| one.id.map(|id| id.to_string()).into_iter().chain([one.name.to_lowercase()]);
    let words: Vec<String> = all.flat_map(words).take(2 * TOO_MANY + 1).collect();
    (words.len() <= 2 * TOO_MANY).then_some(words)
}

/// What a run that carries this plan out may do.
pub(super) fn mandate(plan: &PlanDocument, rollout: &Rollout) -> Mandate {
    let allowed = |limit: &LimitDocument| {
        let reason = limit.allowed.clone()?;
        Some(Allowed { limit: limit.name.clone(), written: limit.written.clone(), reason })
    };
    Mandate {
        sha256: plan.sha256.clone(),
        max_off: plan.max_off,
        rollout: rollout.clone(),
        manifest_sha256: plan.manifest.only.is_empty().then(|| plan.manifest.sha256.clone()),
        out_of_sync: out_of_sync(plan),
        allowed: plan.limits.iter().filter_map(allowed).collect(),
        changes: plan.changes.len(),
        estimate: Estimate::from(&plan.estimate),
    }
}

/// Prints a plan as a result.
pub(super) fn show(plan: &PlanDocument, output: &Output) {
    output.result(&match output.format {
        Format::Human => human(plan, output),
        Format::Json => common::text(plan),
        Format::Markdown => markdown::plan(plan),
        Format::Sarif => sarif::of_plan(plan),
        Format::Junit => junit::of_plan(plan),
        Format::Gitlab => gitlab::render(plan),
    });
}

/// A plan for people.
pub(super) fn human(plan: &PlanDocument, output: &Output) -> String {
    render(plan, View { style: output.style(), width: output.width(), verbose: output.verbose })
}

/// Tells what somebody has to know now, where the plan itself is not shown.
pub(super) fn tell_alarms(plan: &PlanDocument, output: &Output) {
    let alarms = plan.findings.iter().filter(|finding| finding.severity == Severity::Error);
    let alarms: Vec<FindingDocument> = alarms.cloned().collect();
    output.complain(&finding::render(&alarms, output.error_style().colour, output.width()));
}

/// Tells what could not be read, where the plan itself is not shown.
pub(super) fn tell_unknown(plan: &PlanDocument, output: &Output) {
    let view = View { style: output.error_style(), width: output.width(), verbose: output.verbose };
    output.complain(&unknown(plan, view));
}
