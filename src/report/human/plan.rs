//! The plan as a person reads it: what changes in full, identical changes folded into one block,
//! what is blocked with the next step, what is in sync as a number, and the summary line last.

use std::collections::{BTreeMap, BTreeSet};

use similar::{ChangeTag, TextDiff};

use super::finding::{self, harmless};
use crate::model::{SERVICE_PLAN, SERVICE_PLAN_NAME, ServicePlanId, SubjectKind};
use crate::plan::change::{Action, Cause};
use crate::plan::planned::Summary;
use crate::report::folded::{self, Block, steps};
use crate::report::json::v1::common::{FindingDocument, SubjectName};
use crate::report::json::v1::plan::{AssignmentDocument, BlockedDocument, NamesDocument, PlanDocument};
use crate::report::member_lines::{self, MemberLine};
use crate::report::rollout::{self, Drawn};
use crate::report::style::{Kind, Style};
use crate::report::words::{count, time, wrap};

/// How many names a folded block spells out without `-v`.
const NAMES: usize = 5;
/// How many findings of one kind are told without `-v`.
const FINDINGS: usize = 5;
/// How many blocks of one kind are drawn without `-v`: more are read by nobody.
const BLOCKS: usize = 20;
/// Lines of unchanged service plans around the one that changes.
const CONTEXT: usize = 1;

/// How a plan is drawn.
#[derive(Clone, Copy)]
pub struct View {
    /// Colours.
    pub style: Style,
    /// Columns.
    pub width: usize,
    /// Every name and every finding.
    pub verbose: bool,
}

/// Draws a plan.
pub fn render(plan: &PlanDocument, view: View) -> String {
    let tenant = view.style.paint(Kind::Strong, harmless(&plan.tenant.domain));
    let mut text = format!("Tenant {tenant} ({})\n", plan.tenant.id);
    text.push_str(&format!("Read at {}\n", time(plan.created_at)));
    let mut blocks = folded::changes(&plan.changes);
    // By action, as a run goes through them, so that the first of each are shown.
    blocks.sort_by_key(|block| block.first.action);
    for alike in blocks.chunk_by(|one, next| one.first.action == next.first.action) {
        let (shown, left) = alike.split_at(view.shown(alike.len()));
        for block in shown {
            text.push('\n');
            text.push_str(&change_block(block, plan, view));
        }
        let subjects = left.iter().map(|block| block.all.len()).sum();
        let action = alike.first().map_or("", |block| block.first.action.as_str());
        text.push_str(&more(left.len(), subjects, &format!("to {action}")));
    }
    text.push_str(&blocked(&plan.blocked, view));
    text.push_str(&unknown(plan, view));
    text.push_str(&findings(&plan.findings, view));
    text.push('\n');
    text.push_str(&wrap(&cost(plan), 0, view.width));
    for sentence in rollout::sentences(plan, Drawn { name: named, text: harmless }) {
        text.push_str(&wrap(&sentence, 0, view.width));
        text.push('\n');
    }
    text.push_str(&covered(plan));
    text.push_str(&view.style.paint(Kind::Strong, Summary::from(plan.summary)));
    text.push('\n');
    text
}

impl View {
    /// How many of so many blocks are drawn.
    fn shown(self, blocks: usize) -> usize {
        if self.verbose { blocks } else { blocks.min(BLOCKS) }
    }
}

/// `… and 80 more blocks with 412 subjects to toggle (-v shows them)`.
fn more(blocks: usize, subjects: usize, what: &str) -> String {
    if blocks == 0 {
        return String::new();
    }
    let blocks = count(blocks, "block", "blocks");
    let subjects = count(subjects, "subject", "subjects");
    format!("\n  … and {blocks} more with {subjects} {what} (-v shows them)\n")
}

/// The digest by which a plan can be approved, and until when it may be started.
pub fn approval(plan: &PlanDocument) -> String {
    format!("Digest {}\nMay be started until {}\n", harmless(&plan.sha256), time(plan.expires_at))
}

fn change_block(block: &Block<'_>, plan: &PlanDocument, view: View) -> String {
    let first = block.first;
    let (sign, kind) = match first.action {
        Action::Enable => ('+', Kind::On),
        Action::Toggle => ('~', Kind::Toggle),
        Action::Resume => ('>', Kind::Resume),
    };
    let head = format!("{sign} {}", first.action.as_str());
    let mut text = format!("  {} {}\n", view.style.paint(kind, head), whom(block, view));
    for assignment in &first.assignments {
        text.push_str(&diff(assignment, first.action, block.same_lists, &plan.licenses, view.style));
    }
    if first.action != Action::Enable {
        text.push_str(&line("steps", &steps(first), view));
    }
    if let Some(off) = folded::time_off(block) {
        text.push_str(&line("time off", &off, view));
    }
    text.push_str(&of_members(member_lines::of_change(first), view));
    text.push_str(&line("why", &first.reason, view));
    if let Some(cause) = first.cause.and_then(in_words) {
        text.push_str(&line("cause", cause, view));
    }
    text
}

/// What made it necessary; nothing to compare with is not worth a line.
fn in_words(cause: Cause) -> Option<&'static str> {
    match cause {
        Cause::FirstRun => None,
        Cause::ManifestChanged => Some("the manifest changed since it was last carried out"),
        Cause::TenantChanged => Some("somebody changed the tenant since it was last as declared"),
    }
}

/// `      why: …`, wrapped under its own first word.
pub(super) fn line(word: &str, text: &str, view: View) -> String {
    format!("      {word}: {}\n", wrap(&harmless(text), 8 + word.len(), view.width))
}

/// `adele@contoso.com`, or `412 users: adele@…, alex@… and 410 more (-v lists them)`.
fn whom(block: &Block<'_>, view: View) -> String {
    match block.all.as_slice() {
        [one] if one.subject.kind == SubjectKind::Group => {
            let name = view.style.paint(Kind::Strong, named(&one.subject));
            one.subject.id.map_or_else(|| name.clone(), |id| format!("{name} ({id})"))
        }
        [one] => view.style.paint(Kind::Strong, named(&one.subject)),
        many => {
            let all: Vec<&str> = many.iter().map(|change| change.subject.name.as_str()).collect();
            let head = view.style.paint(Kind::Strong, count(many.len(), "user", "users"));
            format!("{head}\n      {}", wrap(&listed(&all, view), 6, view.width))
        }
    }
}

/// What is said of the members of a group; without `-v` a few lines of each kind.
pub(super) fn of_members(lines: Vec<MemberLine<'_>>, view: View) -> String {
    let (shown, left) = if view.verbose { (lines, 0) } else { member_lines::first_of_each(lines) };
    let mut text: String = shown.iter().map(|own| member_line(own, view)).collect();
    if left > 0 {
        text.push_str(&format!("      … and {left} more lines like these (-v shows them)\n"));
    }
    text
}

/// `      stays on: 1 person through its own SPE_E5: nestor@…`.
fn member_line(own: &MemberLine<'_>, view: View) -> String {
    let names = if own.names.is_empty() { String::new() } else { format!(": {}", listed(&own.names, view)) };
    line(own.word, &format!("{}{names}", own.says), view)
}

fn listed(all: &[&str], view: View) -> String {
    let shown = if view.verbose { all.len() } else { NAMES.min(all.len()) };
    let more = all.len() - shown;
    let names = harmless(&all[..shown].join(", "));
    if more == 0 { names } else { format!("{names} and {more} more (-v lists them)") }
}

/// The service plans of one license before and after, by name; exactly one line changes. The lines around
/// it are shown only where they are the same for everybody.
fn diff(
    assignment: &AssignmentDocument,
    action: Action,
    with_context: bool,
    names: &[NamesDocument],
    style: Style,
) -> String {
    let mut off = assignment.before.clone();
    off.insert(SERVICE_PLAN);
    let (after, note) = match action {
        Action::Enable | Action::Resume => (&assignment.after, ""),
        Action::Toggle => (&off, "   (then on again)"),
    };
    let names = names.iter().find(|names| names.license.id == assignment.license.id);
    let (before, after) = (lines(names, &assignment.before), lines(names, after));
    let diff = TextDiff::from_lines(&before, &after);
    let mut text = format!("      {}\n", harmless(&assignment.license.part_number));
    let context = if with_context { CONTEXT } else { 0 };
    for hunk in diff.grouped_ops(context).iter().flatten() {
        for change in diff.iter_changes(hunk) {
            let line = change.value().trim_end();
            text.push_str(&match change.tag() {
                ChangeTag::Equal => format!("          {}\n", style.paint(Kind::Dim, line)),
                ChangeTag::Delete => format!("        {}\n", style.paint(Kind::Bad, format!("- {line}"))),
                ChangeTag::Insert => {
                    let kind = if action == Action::Toggle { Kind::Toggle } else { Kind::On };
                    format!("        {}{note}\n", style.paint(kind, format!("+ {line}")))
                }
            });
        }
    }
    text
}

/// `NAME   on`, a line for each service plan of the license, by name.
fn lines(names: Option<&NamesDocument>, disabled: &BTreeSet<ServicePlanId>) -> String {
    let mut named: BTreeMap<(String, ServicePlanId), bool> = BTreeMap::new();
    let mut unnamed = disabled.clone();
    for plan in names.map(|names| &names.service_plans).into_iter().flatten() {
        unnamed.remove(&plan.id);
        named.insert((harmless(&plan.name), plan.id), !disabled.contains(&plan.id));
    }
    for id in unnamed {
        let name = if id == SERVICE_PLAN { SERVICE_PLAN_NAME.to_owned() } else { id.to_string() };
        named.insert((name, id), false);
    }
    let widest = named.keys().map(|(name, _)| name.len()).max().unwrap_or(0);
    named
        .iter()
        .map(|((name, _), on)| format!("{name:widest$}  {}\n", if *on { "on" } else { "off" }))
        .collect()
}

fn blocked(all: &[BlockedDocument], view: View) -> String {
    let mut text = String::new();
    let blocks: Vec<_> = folded::blocked(all).into_iter().collect();
    let (shown, left) = blocks.split_at(view.shown(blocks.len()));
    for ((reason, next_step), alike) in shown {
        let mark = view.style.paint(Kind::Bad, "! blocked");
        let names: Vec<String> = alike.iter().map(|one| named(&one.subject)).collect();
        let who = match names.as_slice() {
            [one] => view.style.paint(Kind::Strong, one),
            many => {
                let all: Vec<&str> = many.iter().map(String::as_str).collect();
                let names = wrap(&listed(&all, view), 6, view.width);
                format!("{}\n      {names}", count(many.len(), "subject", "subjects"))
            }
        };
        text.push_str(&format!("\n  {mark} {who}\n"));
        text.push_str(&line("why", reason, view));
        text.push_str(&line("next", next_step, view));
    }
    let subjects = left.iter().map(|(_, alike)| alike.len()).sum();
    text + &more(left.len(), subjects, "blocked")
}

/// `adele@contoso.com`, `group E5 Legal`.
fn named(subject: &SubjectName) -> String {
    let name = harmless(&subject.name);
    match subject.kind {
        SubjectKind::User => name,
        SubjectKind::Group => format!("group {name}"),
    }
}

/// What could not be read, and why.
pub fn unknown(plan: &PlanDocument, view: View) -> String {
    let mut text = String::new();
    let (shown, left) = plan.unknown.split_at(view.shown(plan.unknown.len()));
    for one in shown {
        let mark = view.style.paint(Kind::Bad, "? unknown");
        let name = view.style.paint(Kind::Strong, named(&one.subject));
        text.push_str(&format!("\n  {mark} {name}\n{}", line("why", &one.reason, view)));
    }
    text + &more(left.len(), left.len(), "unknown")
}

/// Findings, the first few of each kind.
fn findings(all: &[FindingDocument], view: View) -> String {
    let mut shown: Vec<FindingDocument> = Vec::new();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for one in all {
        let alike = seen.entry(one.code.as_str()).or_default();
        *alike += 1;
        if view.verbose || *alike <= FINDINGS {
            shown.push(one.clone());
        }
    }
    let left = seen.into_iter().filter(|(_, alike)| !view.verbose && *alike > FINDINGS);
    if shown.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{}", finding::render(&shown, view.style.colour, view.width));
    for (code, alike) in left {
        let more = alike - FINDINGS;
        text.push_str(&format!("… and {more} more with [{}] (-v shows them)\n", harmless(code)));
    }
    text
}

/// How many of those in sync owe it to a declared group.
fn covered(plan: &PlanDocument) -> String {
    match plan.covered {
        0 => String::new(),
        covered => format!("{} in sync through a declared group.\n", count(covered, "user is", "users are")),
    }
}

/// How long, how much, and how many people are off; nothing when nothing happens.
fn cost(plan: &PlanDocument) -> String {
    if plan.changes.is_empty() {
        return String::new();
    }
    format!("{}.\n", folded::cost(plan))
}
