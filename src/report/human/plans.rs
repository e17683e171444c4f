//! The plans of several tenants as a person reads them: each under a line that names tenant and manifest,
//! those with nothing to do on that line alone, and at the end how many of each there were.

use super::finding::{self, harmless};
use super::plan::{View, render};
use crate::diag::Severity;
use crate::plan::planned::Summary;
use crate::report::json::v1::plan::PlanDocument;
use crate::report::json::v1::plans::{ErrorDocument, PlansSummaryDocument, TenantPlanDocument};
use crate::report::style::Kind;
use crate::report::words::{count, number, wrap};

/// How many tenants a sentence names without `-v`.
const NAMES: usize = 10;

/// How many manifests of one tenant are named without `-v`.
const TOGETHER: usize = 3;

/// What stands before the name of each tenant, so that a search finds them and nothing else.
const MARK: &str = "==";

/// A tenant, drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drawn {
    /// Nothing to do: one line.
    Line(String),
    /// Something to read, with an empty line at its end.
    Block(String),
    /// Nobody of it was asked for: only counted.
    Nothing,
}

/// Draws one of several tenants.
pub fn tenant(own: &TenantPlanDocument, view: View) -> Drawn {
    match (&own.plan, &own.error) {
        (Some(plan), _) if !view.verbose && declares_nobody_of_these(plan) => Drawn::Nothing,
        (Some(plan), _) if !view.verbose && says_nothing(plan) => {
            let line = format!("{}: {}", name(own), quiet(plan));
            Drawn::Line(format!("{} {}\n", MARK, wrap(&line, MARK.len() + 1, view.width)))
        }
        (Some(plan), _) => Drawn::Block(format!("{}\n{}\n", head(own, view, ""), render(plan, view))),
        (None, error) => {
            let head = head(own, view, &format!(": failed, exit {}", own.exit_code));
            let why = error.as_ref().map_or_else(String::new, |error| why(error, view));
            Drawn::Block(format!("{head}\n{why}\n"))
        }
    }
}

/// `contoso.com (tenants/contoso.yaml)`.
pub fn name(own: &TenantPlanDocument) -> String {
    let manifest = harmless(&own.manifest);
    own.tenant
        .as_ref()
        .map_or_else(|| manifest.clone(), |tenant| format!("{} ({manifest})", harmless(tenant)))
}

fn head(own: &TenantPlanDocument, view: View, end: &str) -> String {
    let kind = if own.error.is_some() { Kind::Bad } else { Kind::Strong };
    view.style.paint(kind, format!("{MARK} {}{end}", name(own)))
}

/// Whether there is nothing that anybody has to do or know.
fn says_nothing(plan: &PlanDocument) -> bool {
    let is_noted = |severity| severity != Severity::Note;
    plan.complete
        && plan.changes.is_empty()
        && plan.blocked.is_empty()
        && !plan.findings.iter().any(|one| is_noted(one.severity))
}

/// Whether `--only` names subjects of other manifests alone.
fn declares_nobody_of_these(plan: &PlanDocument) -> bool {
    let is_alarm = |severity| severity == Severity::Error;
    let summary = Summary::from(plan.summary);
    !plan.manifest.only.is_empty()
        && plan.complete
        && summary == Summary::default()
        && !plan.findings.iter().any(|one| is_alarm(one.severity))
}

/// `nothing to do, 96 in sync, 2 notes (-v shows them)`.
fn quiet(plan: &PlanDocument) -> String {
    let in_sync = number(plan.summary.in_sync as u64);
    let notes = match plan.findings.len() {
        0 => String::new(),
        notes => format!(
            ", {} (-v shows {})",
            count(notes, "note", "notes"),
            if notes == 1 { "it" } else { "them" }
        ),
    };
    format!("nothing to do, {in_sync} in sync{notes}")
}

/// As the errors of a run on one tenant are told.
fn why(error: &ErrorDocument, view: View) -> String {
    if !error.findings.is_empty() {
        return finding::render(&error.findings, view.style.colour, view.width);
    }
    let mut text = format!("{}\n", wrap(&view.style.error(&harmless(&error.message)), 0, view.width));
    if let Some(hint) = &error.hint {
        text.push_str(&format!("{}\n", wrap(&format!("hint: {}", harmless(hint)), 0, view.width)));
    }
    text
}

/// What is said at the end, over all tenants: `left_out` of them were not shown, `failed` are those without a
/// plan.
pub fn total(summary: &PlansSummaryDocument, left_out: usize, failed: &[String], view: View) -> String {
    let PlansSummaryDocument { tenants, with_changes, incomplete, failed: without, subjects } = *summary;
    let part = |so_many: usize, what: &str| match so_many {
        0 => String::new(),
        some => format!(", {} {what}", number(some as u64)),
    };
    let all = format!(
        "{}: {} with something to do{}{}{}.",
        count(tenants, "tenant", "tenants"),
        number(with_changes as u64),
        part(incomplete, "not read to the end"),
        part(without, "failed"),
        part(left_out, "without anybody whom --only names (-v shows them)"),
    );
    let mut text = format!("{MARK} {all}\n");
    if let Some(failed) = listed(failed, view.verbose) {
        let failed = view.style.paint(Kind::Bad, "Failed: ") + &failed;
        text.push_str(&format!("{}\n", wrap(&failed, 0, view.width)));
    }
    let planned = count(tenants - without, "tenant", "tenants");
    let summary = Summary::from(subjects).to_string();
    // The summary of one plan is looked for by its first word.
    let numbers = summary.strip_prefix("Plan: ").unwrap_or(&summary);
    text.push_str(&view.style.paint(Kind::Strong, format!("Sum of {planned}: {numbers}")));
    text.push('\n');
    text
}

/// One without a plan: `fabrikam.com (tenants/fabrikam.yaml, exit 7)`.
pub fn failed(own: &TenantPlanDocument) -> String {
    let (manifest, code) = (harmless(&own.manifest), own.exit_code);
    match &own.tenant {
        Some(tenant) => format!("{} ({manifest}, exit {code})", harmless(tenant)),
        None => format!("{manifest} (exit {code})"),
    }
}

/// `a, b and 3 more (-v lists them)`; none of none.
pub fn listed(all: &[String], verbose: bool) -> Option<String> {
    let shown = if verbose { all.len() } else { NAMES.min(all.len()) };
    let more = all.len() - shown;
    let names = all[..shown].join(", ");
    match (all.is_empty(), more) {
        (true, _) => None,
        (false, 0) => Some(names),
        (false, more) => Some(format!("{names} and {} more (-v lists them)", number(more as u64))),
    }
}

/// That some manifests, together in `twice`, are for one tenant.
pub fn same_tenant(twice: &[Vec<String>], view: View) -> Option<String> {
    let together = |all: &Vec<String>| {
        let shown = if view.verbose { all.len() } else { TOGETHER.min(all.len()) };
        let names = all[..shown].iter().map(|one| harmless(one));
        let more = (all.len() > shown).then(|| format!("{} more", number((all.len() - shown) as u64)));
        names.chain(more).collect::<Vec<_>>().join(" and ")
    };
    let all = listed(&twice.iter().map(together).collect::<Vec<_>>(), view.verbose)?;
    let warning = view.style.paint(Kind::Toggle, "warning:");
    Some(format!(
        "{warning} several manifests are for one tenant, and `apply` counts its limits for each alone: {all}"
    ))
}
