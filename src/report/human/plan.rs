//! The plan as a person reads it: what changes in full, identical changes folded into one block,
//! what is blocked with the next step, what is in sync as a number, and the summary line last.

use std::collections::BTreeMap;

use similar::{ChangeTag, TextDiff};

use super::finding;
use crate::diag::Finding;
use crate::model::{Catalog, SERVICE_PLAN, SERVICE_PLAN_NAME, ServicePlanId, SkuId, SubjectKind};
use crate::plan::change::{Action, Change, Step};
use crate::plan::edit::Edit;
use crate::plan::planned::{Blocked, Named, Plan};
use crate::report::style::{Kind, Style};
use crate::report::words::{count, duration, people, time, wrap};

/// How many names a folded block spells out without `-v`.
const NAMES: usize = 5;
/// How many findings of one kind are told without `-v`.
const FINDINGS: usize = 5;
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
pub fn render(plan: &Plan, view: View) -> String {
    let tenant = view.style.paint(Kind::Strong, &plan.tenant.domain);
    let mut text = format!("Tenant {tenant} ({})\n", plan.tenant.id);
    text.push_str(&format!("Read at {}\n", time(plan.created_at)));
    for block in fold(&plan.changes) {
        text.push('\n');
        text.push_str(&change_block(&block, plan, view));
    }
    text.push_str(&blocked(&plan.blocked, view));
    text.push_str(&unknown(plan, view));
    text.push_str(&findings(&plan.findings, view));
    text.push('\n');
    text.push_str(&wrap(&cost(plan), 0, view.width));
    text.push_str(&covered(plan));
    text.push_str(&view.style.paint(Kind::Strong, plan.summary()));
    text.push('\n');
    text
}

/// Changes that differ in nothing but the subject, in the order of the first of each.
fn fold(changes: &[Change]) -> Vec<Vec<&Change>> {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut blocks: Vec<Vec<&Change>> = Vec::new();
    for change in changes {
        let at = *places.entry(alike(change)).or_insert(blocks.len());
        match blocks.get_mut(at) {
            Some(block) => block.push(change),
            None => blocks.push(vec![change]),
        }
    }
    blocks
}

/// Equal for changes that one block can show. Groups each have people of their own.
fn alike(change: &Change) -> String {
    let whose = match change.subject.id.kind() {
        SubjectKind::User => String::new(),
        SubjectKind::Group => change.subject.id.to_string(),
    };
    format!("{:?}{whose}{:?}{:?}{}", change.action, change.edits, change.steps, change.reason)
}

fn change_block(block: &[&Change], plan: &Plan, view: View) -> String {
    let Some(first) = block.first() else { return String::new() };
    let (sign, kind) = match first.action {
        Action::Enable => ('+', Kind::On),
        Action::Toggle => ('~', Kind::Toggle),
        Action::Resume => ('>', Kind::Resume),
    };
    let head = format!("{sign} {}", first.action.as_str());
    let mut text = format!("  {} {}\n", view.style.paint(kind, head), whom(block, view));
    for edit in &first.edits {
        text.push_str(&diff(edit, first.action, &plan.catalog, view.style));
    }
    if first.action != Action::Enable {
        text.push_str(&line("steps", &steps(first), view));
    }
    if first.subject.id.kind() == SubjectKind::Group && first.action == Action::Toggle {
        text.push_str(&line("goes off", &names(&first.people, view), view));
    }
    text.push_str(&line("why", &first.reason, view));
    text
}

/// `      why: …`, wrapped under its own first word.
fn line(word: &str, text: &str, view: View) -> String {
    format!("      {word}: {}\n", wrap(text, 8 + word.len(), view.width))
}

/// `adele@contoso.com`, or `412 users: adele@…, alex@… and 410 more (-v lists them)`.
fn whom(block: &[&Change], view: View) -> String {
    match block {
        [one] if one.subject.id.kind() == SubjectKind::Group => {
            let name = view.style.paint(Kind::Strong, format!("group {}", one.subject));
            format!("{name} ({})", one.subject.id)
        }
        [one] => view.style.paint(Kind::Strong, &one.subject),
        many => {
            let all: Vec<&str> = many.iter().map(|change| change.subject.name.as_str()).collect();
            let head = view.style.paint(Kind::Strong, count(many.len(), "user", "users"));
            format!("{head}\n      {}", wrap(&listed(&all, view), 6, view.width))
        }
    }
}

fn names(group: &[crate::plan::change::Person], view: View) -> String {
    let all: Vec<&str> = group.iter().map(|person| person.name.as_str()).collect();
    format!("{}: {}", people(all.len() as u64), listed(&all, view))
}

fn listed(all: &[&str], view: View) -> String {
    let shown = if view.verbose { all.len() } else { NAMES.min(all.len()) };
    let more = all.len() - shown;
    let names = all[..shown].join(", ");
    if more == 0 { names } else { format!("{names} and {more} more (-v lists them)") }
}

/// The service plans of one license before and after, by name; exactly one line changes.
fn diff(edit: &Edit, action: Action, catalog: &Catalog, style: Style) -> String {
    let (after, note) = match action {
        Action::Enable | Action::Resume => (edit.after.clone(), ""),
        Action::Toggle => (edit.off(), "   (then on again)"),
    };
    let before = lines(edit.sku, &edit.before, catalog);
    let after = lines(edit.sku, &after, catalog);
    let diff = TextDiff::from_lines(&before, &after);
    let mut text = format!("      {}\n", catalog.name(edit.sku));
    for hunk in diff.grouped_ops(CONTEXT).iter().flatten() {
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
fn lines(sku: SkuId, disabled: &std::collections::BTreeSet<ServicePlanId>, catalog: &Catalog) -> String {
    let mut named: BTreeMap<(String, ServicePlanId), bool> = BTreeMap::new();
    for (id, plan) in catalog.get(sku).map(|license| &license.plans).into_iter().flatten() {
        named.insert((plan.name.clone(), *id), !disabled.contains(id));
    }
    for id in disabled {
        named.entry((catalog.plan_name(sku, *id), *id)).or_insert(false);
    }
    named.entry((SERVICE_PLAN_NAME.to_owned(), SERVICE_PLAN)).or_insert(true);
    let widest = named.keys().map(|(name, _)| name.len()).max().unwrap_or(0);
    named
        .iter()
        .map(|((name, _), on)| format!("{name:widest$}  {}\n", if *on { "on" } else { "off" }))
        .collect()
}

fn steps(change: &Change) -> String {
    let each = change.steps.iter().map(|step| match step {
        Step::Off => "off".to_owned(),
        Step::VerifyOff(gate) if gate.is_zero() => "verified off".to_owned(),
        Step::VerifyOff(gate) => format!("verified off for every member (at most {})", duration(*gate)),
        Step::Wait(wait) if wait.is_zero() => "no wait".to_owned(),
        Step::Wait(wait) => format!("wait {}", duration(*wait)),
        Step::On => "on".to_owned(),
        Step::VerifyOn => "verified on".to_owned(),
    });
    each.collect::<Vec<_>>().join(", ")
}

fn blocked(blocked: &[Blocked], view: View) -> String {
    let mut text = String::new();
    let mut alike: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for one in blocked {
        let key = (one.why.reason(), one.why.next_step());
        alike.entry(key).or_default().push(named(&one.subject));
    }
    for ((reason, next_step), names) in alike {
        let mark = view.style.paint(Kind::Bad, "! blocked");
        let who = match names.as_slice() {
            [one] => view.style.paint(Kind::Strong, one),
            many => {
                let all: Vec<&str> = many.iter().map(String::as_str).collect();
                let names = wrap(&listed(&all, view), 6, view.width);
                format!("{}\n      {names}", count(many.len(), "subject", "subjects"))
            }
        };
        text.push_str(&format!("\n  {mark} {who}\n"));
        text.push_str(&line("why", &reason, view));
        text.push_str(&line("next", &next_step, view));
    }
    text
}

/// `adele@contoso.com`, `group E5 Legal`: as in the blocks of changes.
fn named(subject: &Named) -> String {
    match subject.kind {
        SubjectKind::User => subject.name.clone(),
        SubjectKind::Group => format!("group {}", subject.name),
    }
}

/// What could not be read, and why.
pub fn unknown(plan: &Plan, view: View) -> String {
    let mut text = String::new();
    for one in &plan.unknown {
        let mark = view.style.paint(Kind::Bad, "? unknown");
        let name = view.style.paint(Kind::Strong, named(&one.subject));
        text.push_str(&format!("\n  {mark} {name}\n{}", line("why", &one.reason, view)));
    }
    text
}

/// Findings, the first few of each kind.
fn findings(all: &[Finding], view: View) -> String {
    let mut shown: Vec<Finding> = Vec::new();
    let mut left: BTreeMap<&'static str, usize> = BTreeMap::new();
    for one in all {
        let alike = shown.iter().filter(|other| other.code == one.code).count();
        if view.verbose || alike < FINDINGS {
            shown.push(one.clone());
        } else {
            *left.entry(one.code.as_str()).or_default() += 1;
        }
    }
    if shown.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{}", finding::render(&shown, view.style.colour, view.width));
    for (code, more) in left {
        text.push_str(&format!("… and {more} more with [{code}] (-v shows them)\n"));
    }
    text
}

/// How many of those in sync owe it to a declared group.
fn covered(plan: &Plan) -> String {
    let covered = plan.in_sync.iter().filter(|one| !one.covered_by.is_empty()).count();
    match covered {
        0 => String::new(),
        _ => format!("{} in sync through a declared group.\n", count(covered, "user is", "users are")),
    }
}

/// How long, how much, and how many people are off; nothing when nothing happens.
fn cost(plan: &Plan) -> String {
    if plan.changes.is_empty() {
        return String::new();
    }
    let own = plan.estimate;
    let time =
        duration(crate::model::SignedDuration::from_secs(i64::try_from(own.seconds).unwrap_or(i64::MAX)));
    let writes = count(usize::try_from(own.writes).unwrap_or(usize::MAX), "write", "writes");
    let mut text = format!("About {time}, {writes}");
    let going_off: u64 = plan.people_off().sum();
    if going_off > 0 {
        let waves = if own.waves > 1 { format!(" in {} waves", own.waves) } else { String::new() };
        text.push_str(&format!(
            "; {} off{waves}, at most {} at a time, {} of time off",
            people(going_off),
            most_at_once(plan),
            count(usize::try_from(own.off_user_minutes).unwrap_or(usize::MAX), "user-minute", "user-minutes")
        ));
    }
    text.push_str(".\n");
    text
}

/// `maxOff`, or the largest group, which goes alone.
fn most_at_once(plan: &Plan) -> u64 {
    let largest = plan.people_off().max().unwrap_or(0);
    plan.max_off.max(largest).min(plan.people_off().sum())
}
