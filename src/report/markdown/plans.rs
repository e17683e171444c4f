//! The plans of several tenants as a reviewer reads them: how many of each there are, then the tenants that
//! failed and why, then those with something to do or to know, each with its numbers. The plans themselves are
//! of one tenant at a time.

use super::BYTES;
use super::fit::{self, Row, Section};
use super::plan::{alert, table};
use super::text::{code, sentence};
use crate::plan::planned::Summary;
use crate::report::json::v1::plan::SummaryDocument;
use crate::report::json::v1::plans::{PlansSummaryDocument, TenantPlanDocument};
use crate::report::words::{count, number};

/// What is kept of a tenant that has a row.
pub struct Line {
    tenant: Option<String>,
    manifest: String,
    exit_code: u8,
    says: Says,
}

/// What there is to say of it.
enum Says {
    /// Why there is no plan.
    Failed(String),
    /// The numbers of its plan.
    Planned(SummaryDocument),
}

impl Line {
    /// None where there is nothing to do or to know.
    pub fn of(own: &TenantPlanDocument) -> Option<Line> {
        let says = match (&own.plan, &own.error) {
            (Some(plan), _) => {
                let SummaryDocument { enable, toggle, resume, in_sync: _, blocked, unknown } = plan.summary;
                let is_quiet = enable + toggle + resume + blocked + unknown == 0 && plan.complete;
                (!is_quiet).then_some(Says::Planned(plan.summary))?
            }
            (None, error) => Says::Failed(error.as_ref().map_or_else(String::new, |error| {
                let first = error.findings.first();
                first.map_or_else(|| error.message.clone(), |finding| finding.message.clone())
            })),
        };
        let (tenant, manifest, exit_code) = (own.tenant.clone(), own.manifest.clone(), own.exit_code);
        Some(Line { tenant, manifest, exit_code, says })
    }

    fn who(&self) -> String {
        let tenant = self.tenant.as_deref().map_or_else(|| "unknown".to_owned(), code);
        format!("| {tenant} | {} |", code(&self.manifest))
    }
}

/// Draws all of them.
pub fn render(summary: &PlansSummaryDocument, lines: &[Line]) -> String {
    let head = head(summary);
    let (body, out) = fit::draw(sections(lines), BYTES.saturating_sub(head.len() + 400));
    let left = if out.rows == 0 {
        String::new()
    } else {
        let rows = count(out.rows, "tenant is", "tenants are");
        alert("NOTE", &format!("To fit here, {rows} left out below. `--json` has all of them."))
    };
    format!("{head}{left}{body}")
}

fn head(summary: &PlansSummaryDocument) -> String {
    let PlansSummaryDocument { tenants, with_changes, incomplete, failed, subjects } = *summary;
    let part = |so_many: usize, what: &str| match so_many {
        0 => String::new(),
        some => format!(", {} {what}", number(some as u64)),
    };
    let sum = Summary::from(subjects).to_string();
    format!(
        "<!-- advaudit:plans -->\n### advaudit plan for {}\n\n**{} with something to do{}{}.**\n\nSum of {}: {}\n\nEach \
         plan in full: `advaudit plan` with its manifest.\n\n",
        count(tenants, "tenant", "tenants"),
        number(with_changes as u64),
        part(incomplete, "not read to the end"),
        part(failed, "failed"),
        count(tenants - failed, "tenant", "tenants"),
        sum.strip_prefix("Plan: ").unwrap_or(&sum),
    )
}

fn sections(lines: &[Line]) -> Vec<Section<'_>> {
    let of = |wanted: fn(&Line) -> bool| lines.iter().filter(|line| wanted(line)).collect::<Vec<_>>();
    let failed = of(|line| matches!(line.says, Says::Failed(_)));
    let planned = of(|line| matches!(line.says, Says::Planned(_)));
    let numbers =
        ["tenant", "manifest", "enable", "toggle", "resume", "in sync", "blocked", "unknown", "exit"];
    let sections = [
        section("Failed", &["tenant", "manifest", "exit", "why"], failed),
        section("Something to do or to know", &numbers, planned),
    ];
    sections.into_iter().flatten().collect()
}

fn section<'a>(title: &str, columns: &[&str], lines: Vec<&'a Line>) -> Option<Section<'a>> {
    let subjects = lines.len();
    (subjects > 0).then(|| Section {
        heading: format!("#### {title} ({})", count(subjects, "tenant", "tenants")),
        head: table(columns),
        rows: Box::new(lines.into_iter().map(row)),
        subjects,
        summary: "",
    })
}

fn row(own: &Line) -> Row<'_> {
    let (who, exit) = (own.who(), own.exit_code);
    let line = match &own.says {
        Says::Failed(why) => format!("{who} {exit} | {} |", sentence(why)),
        Says::Planned(SummaryDocument { enable, toggle, resume, in_sync, blocked, unknown }) => {
            format!("{who} {enable} | {toggle} | {resume} | {in_sync} | {blocked} | {unknown} | {exit} |")
        }
    };
    Row { line, subjects: 1, detail: None }
}
