//! `advaudit plan` for several manifests: one tenant each, some of them at the same time, each shown as soon
//! as it and those before it are made. Only what is shown is kept of a plan, and only until then. One that
//! fails stops none of the others.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::connect::block_on;
use super::in_order::in_order;
use super::options::Global;
use super::plan::{self, Made, PlanArgs};
use super::ways::Ways;
use super::{Exit, Failure, manifests, step_summary};
use crate::diag::{Code, Finding};
use crate::model::TenantId;
use crate::report::human::plan::View;
use crate::report::human::plans::{self as human, Drawn};
use crate::report::json::v1::common;
use crate::report::json::v1::plans::{self as json, ErrorDocument, PlansSummaryDocument, TenantPlanDocument};
use crate::report::markdown::{self, Line};
use crate::report::output::{Format, Output};

pub(super) fn plan(args: &PlanArgs, files: &[PathBuf], global: &Global) -> Result<Exit, Failure> {
    refuse(args, files, global)?;
    let output = global.output();
    let several = Several { args, global, output, ways: Ways::open(global)? };
    if output.format == Format::Json {
        output.result(&json::begin());
    }
    let mut told = Told::new(files, output);
    let work = |at: usize| several.looked_at(&files[at], at + 1 == files.len());
    block_on(async {
        let at_once = usize::from(args.parallelism);
        in_order(files.len(), at_once, work, Looked::bytes, |at, looked| told.take(at, looked)).await;
        Ok(())
    })?;
    told.end(global)
}

/// What cannot be done for several manifests.
fn refuse(args: &PlanArgs, files: &[PathBuf], global: &Global) -> Result<(), Failure> {
    let usage = |text: String| Err(Failure::Usage(text));
    let count = files.len();
    match global.output().format {
        Format::Human | Format::Json | Format::Markdown => {}
        Format::Sarif | Format::Junit | Format::Gitlab => {
            return usage(format!(
                "`plan` of several manifests, here {count}, prints human, json and markdown; the other formats \
                 are of one manifest: plan each by itself"
            ));
        }
    }
    if let Some(out) = &args.out {
        return usage(format!(
            "--out {} has room for the plan of one manifest, and these are {count}: save each by itself, as in \
             `advaudit plan {} --out plan.json`",
            out.display(),
            files.first().map_or_else(String::new, |file| file.display().to_string())
        ));
    }
    if global.log_events.is_some() {
        return usage(format!(
            "--log-events tells of one tenant, and these are {count} manifests: `--json` prints each tenant as soon \
             as it and those before it are looked at"
        ));
    }
    Ok(())
}

/// What all of them need.
struct Several<'a> {
    args: &'a PlanArgs,
    global: &'a Global,
    output: Output,
    ways: Ways,
}

/// What is left of a tenant that was looked at.
struct Looked {
    shown: Shown,
    exit: Exit,
    /// Its row, where it has one.
    line: Option<Line>,
    /// Its name, where it failed.
    failed: Option<String>,
    /// Its numbers.
    summary: PlansSummaryDocument,
    /// Who answered.
    tenant: Option<TenantId>,
    /// Whom `--only` names and the manifest does not declare; none where that is not known.
    nobody: Option<Vec<String>>,
}

/// What is printed of it.
enum Shown {
    /// For people.
    Human(Drawn),
    /// Its part of the document.
    Json(String),
    /// Nothing before the end.
    Later,
}

impl Looked {
    fn bytes(&self) -> usize {
        match &self.shown {
            Shown::Human(Drawn::Line(text) | Drawn::Block(text)) | Shown::Json(text) => text.len(),
            Shown::Human(Drawn::Nothing) | Shown::Later => 0,
        }
    }
}

impl Several<'_> {
    /// Looks at one tenant, and draws what it sees.
    async fn looked_at(&self, file: &Path, is_last: bool) -> Looked {
        let mut named = None;
        let made = self.made(file, &mut named).await;
        let exit = made.as_ref().map_or_else(Failure::exit, |made| self.args.exit(made));
        let (plan, error, nobody) = match made {
            Ok(made) => (Some(made.document), None, Some(made.nobody)),
            Err(failure) => (None, Some(self.error(failure)), None),
        };
        let manifest = file.display().to_string();
        let document = TenantPlanDocument { manifest, tenant: named, plan, error, exit_code: exit.code() };
        Looked {
            shown: match self.output.format {
                Format::Json => Shown::Json(json::tenant(&document, is_last)),
                Format::Human => Shown::Human(human::tenant(&document, view(&self.output))),
                // No other format is let through to several manifests.
                Format::Markdown | Format::Sarif | Format::Junit | Format::Gitlab => Shown::Later,
            },
            exit,
            line: Line::of(&document),
            failed: document.error.as_ref().map(|_| human::failed(&document)),
            summary: PlansSummaryDocument::of(&document),
            tenant: document.plan.as_ref().map(|plan| plan.tenant.id),
            nobody,
        }
    }

    /// Makes the plan; `named` gets to know which tenant the manifest names.
    async fn made(&self, file: &Path, named: &mut Option<String>) -> Result<Made, Failure> {
        let tenant = named.insert(manifests::read_offline(file)?);
        let connection = self.ways.to(tenant, self.global, self.output)?;
        connection.run(plan::made(self.args, file, &connection, true)).await
    }

    fn error(&self, failure: Failure) -> ErrorDocument {
        let (message, hint) = (failure.to_string(), failure.hint());
        let mut findings = match failure {
            Failure::Manifest(findings) => findings,
            _ => Vec::new(),
        };
        let is_another = |finding: &&mut Finding| finding.code == Code::WrongTenant;
        for finding in findings.iter_mut().filter(is_another) {
            finding.help = self.ways.help_to_another_tenant().or(finding.help.take());
        }
        ErrorDocument { message, hint, findings: common::findings(&findings) }
    }
}

fn view(output: &Output) -> View {
    View { style: output.style(), width: output.width(), verbose: output.verbose }
}

/// What was told, and what is told at the end.
struct Told<'a> {
    files: &'a [PathBuf],
    output: Output,
    summary: PlansSummaryDocument,
    exits: Vec<Exit>,
    failed: Vec<String>,
    lines: Vec<Line>,
    /// The manifests of each tenant that answered.
    tenants: BTreeMap<TenantId, Vec<usize>>,
    /// How often nobody was found, by the name in `--only`.
    nobody: BTreeMap<String, usize>,
    /// How many were not shown, because `--only` names others.
    left_out: usize,
    /// Whether a line was printed last.
    after_a_line: bool,
}

impl<'a> Told<'a> {
    fn new(files: &'a [PathBuf], output: Output) -> Self {
        Told {
            files,
            output,
            summary: PlansSummaryDocument::default(),
            exits: Vec::new(),
            failed: Vec::new(),
            lines: Vec::new(),
            tenants: BTreeMap::new(),
            nobody: BTreeMap::new(),
            left_out: 0,
            after_a_line: false,
        }
    }

    /// Prints one, in its turn.
    fn take(&mut self, at: usize, looked: Looked) {
        let Looked { shown, exit, line, failed, summary, tenant, nobody } = looked;
        match shown {
            Shown::Json(text) => self.output.result(&text),
            Shown::Human(Drawn::Line(text)) => {
                self.output.result(&text);
                self.after_a_line = true;
            }
            Shown::Human(Drawn::Block(text)) => {
                self.empty_line();
                self.output.result(&text);
            }
            Shown::Human(Drawn::Nothing) => self.left_out += 1,
            Shown::Later => {}
        }
        self.lines.extend(line);
        self.summary.add(&summary);
        self.exits.push(exit);
        self.failed.extend(failed);
        if let Some(tenant) = tenant {
            self.tenants.entry(tenant).or_default().push(at);
        }
        for name in nobody.into_iter().flatten().collect::<BTreeSet<_>>() {
            *self.nobody.entry(name).or_default() += 1;
        }
    }

    /// Between lines and what follows them.
    fn empty_line(&mut self) {
        if std::mem::take(&mut self.after_a_line) {
            self.output.result("\n");
        }
    }

    /// Says what there is to say over all of them.
    fn end(mut self, global: &Global) -> Result<Exit, Failure> {
        let output = self.output;
        let unheard_of = self.unheard_of();
        self.exits.extend(unheard_of.as_ref().map(Failure::exit));
        let exit = Exit::first(&self.exits);
        self.empty_line();
        if let Some(warning) = self.same_tenant() {
            output.explain(&warning);
        }
        let markdown = || markdown::plans(&self.summary, &self.lines);
        output.result(&match output.format {
            Format::Human => human::total(&self.summary, self.left_out, &self.failed, view(&output)),
            Format::Json => json::end(&self.summary, exit.code()),
            Format::Markdown | Format::Sarif | Format::Junit | Format::Gitlab => markdown(),
        });
        step_summary::append(markdown, &output);
        // A document is read by programs; who reads the log has to see it too.
        if output.format != Format::Human
            && let Some(failed) = human::listed(&self.failed, output.verbose)
        {
            output.explain(&output.error_style().error(&format!("failed: {failed}")));
        }
        let has_changes = self.summary.with_changes > 0;
        let is_known = has_changes || self.failed.is_empty();
        global.pipeline.planned_several(is_known.then_some(has_changes));
        if let Some(failure) = unheard_of {
            failure.show(&output);
        }
        Ok(exit)
    }

    /// Whom no manifest declares. Where one could not be looked at, it may be the one.
    fn unheard_of(&self) -> Option<Failure> {
        if !self.failed.is_empty() {
            return None;
        }
        let all = self.files.len();
        let nowhere: Vec<String> =
            self.nobody.iter().filter(|(_, times)| **times == all).map(|(name, _)| name.clone()).collect();
        (!nowhere.is_empty()).then(|| plan::no_such_subject("none of the manifests declares", &nowhere))
    }

    /// Looking at a tenant twice harms nobody, but it is hardly meant.
    fn same_tenant(&self) -> Option<String> {
        let name = |at: &usize| self.files[*at].display().to_string();
        let twice = self.tenants.values().filter(|all| all.len() > 1);
        let twice: Vec<Vec<String>> = twice.map(|all| all.iter().map(name).collect()).collect();
        human::same_tenant(&twice, view(&self.output))
    }
}
