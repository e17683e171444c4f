//! A plan as a reviewer reads it who has never seen advaudit: the numbers, what it costs, what is in the
//! way, then who is turned off and for how long, who is turned on, and who is blocked and why.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::BYTES;
use super::fit::{self, Detail, LeftOut, Row, Section};
use super::text::{code, command, sentence, shell_word, spoken, subject};
use crate::diag::{Code, Severity};
use crate::model::SubjectKind;
use crate::plan::change::{Action, Cause};
use crate::plan::planned::Summary;
use crate::report::folded::{self, Block};
use crate::report::json::v1::common::{FindingDocument, PlaceDocument};
use crate::report::json::v1::plan::{BlockedDocument, ChangeDocument, LimitDocument, PlanDocument};
use crate::report::member_lines;
use crate::report::rollout::{self, Drawn};
use crate::report::words::{count, people, time};

/// How many names a row spells out.
const NAMES: usize = 3;
/// How many findings of severity error are told at the top.
const ALERTS: usize = 5;

/// How many sentences on the members of one group.
const MEMBER_LINES: usize = 6;

/// Bytes of a command that is worth copying.
const COMMAND: usize = 4_000;

/// Draws a plan.
pub fn render(plan: &PlanDocument) -> String {
    let head = head(plan);
    let foot = foot(plan);
    let room = BYTES.saturating_sub(head.len() + foot.len() + 400);
    let (body, out) = fit::draw(sections(plan), room);
    format!("{head}{}{body}{foot}", left_out(out))
}

fn head(plan: &PlanDocument) -> String {
    let mut text = format!("<!-- advaudit:plan tenant={} -->\n", plan.tenant.id);
    text.push_str(&format!("### advaudit plan for {}\n\n", code(&plan.tenant.domain)));
    text.push_str(&format!("**{}**\n\n", Summary::from(plan.summary)));
    text.push_str(&part(plan));
    if plan.changes.is_empty() {
        text.push_str("Nothing would be written, and nobody turned off.\n\n");
    } else {
        text.push_str(&format!("{}.\n\n", folded::cost(plan)));
        let spread = rollout::sentences(plan, Drawn { name: subject, text: code });
        text.push_str(&spread.iter().map(|one| format!("- {one}\n")).collect::<String>());
        text.push_str(if spread.is_empty() { "" } else { "\n" });
    }
    text.push_str(
        "This is about one service plan, Microsoft 365 Advanced Auditing (`M365_ADVANCED_AUDITING`), in the \
         licenses that people have. *Enable* turns it on. *Toggle* turns it off, waits, and turns it on again, so \
         that it takes effect. *Resume* turns on what an earlier toggle left off. No license is added or taken \
         away.\n\n",
    );
    text + &alerts(plan)
}

/// That others who are declared were not looked at (`--only`).
fn part(plan: &PlanDocument) -> String {
    let only = &plan.manifest.only;
    if only.is_empty() {
        return String::new();
    }
    let names: Vec<String> = only.iter().map(|name| code(name)).collect();
    let names = few(&names);
    format!(
        "**Only a part of the manifest** (`--only`): {names}. The others who are declared were not compared.\n\n"
    )
}

fn alerts(plan: &PlanDocument) -> String {
    let mut text = String::new();
    for limit in &plan.limits {
        text.push_str(&of_limit(limit, plan));
    }
    if !plan.complete {
        let unread = count(plan.unknown.len(), "declared subject", "declared subjects");
        text.push_str(&alert(
            "WARNING",
            &format!(
                "**Incomplete.** {unread} could not be read, see *Unknown*. Nothing is done to them; a run does the \
                 rest and exits with 5."
            ),
        ));
    }
    let errors: Vec<_> = plan.findings.iter().filter(|one| one.severity == Severity::Error).collect();
    for error in errors.iter().take(ALERTS) {
        text.push_str(&alert("CAUTION", &format!("{} {}", code(&error.code), spoken(&error.message))));
    }
    if errors.len() > ALERTS {
        let more = format!("{} more errors stand under *Findings*.", errors.len() - ALERTS);
        text.push_str(&alert("CAUTION", &more));
    }
    let is_held_back = !plan.applyable && !plan.changes.is_empty() && !plan.exceeds_a_limit();
    if is_held_back {
        let why =
            "**No toggle would start now.** The clock of the machine that made this plan is too far off.";
        text.push_str(&alert("WARNING", why));
    }
    text
}

fn of_limit(limit: &LimitDocument, plan: &PlanDocument) -> String {
    let is_share = limit.written.ends_with('%');
    let written = if is_share { format!(" ({})", sentence(&limit.written)) } else { String::new() };
    let name = sentence(&limit.name);
    if limit.exceeded {
        let others = plan.limits.iter().filter(|one| one.allowed.is_some() && one.name != limit.name);
        let mut allow: Vec<(&str, String)> =
            others.map(|one| (one.name.as_str(), one.written.clone())).collect();
        allow.push((&limit.name, limit.actual.to_string()));
        let once = apply(plan, "", &allow, "\"…\"")
            .unwrap_or_else(|| format!("--allow {}={} --reason \"…\"", limit.name, limit.actual));
        return alert(
            "CAUTION",
            &format!(
                "**Over the limit: nothing new would be started.** This plan would {name} {}, and `limits.{name}` \
                 allows {}{written}. If that is meant, allow it once and say why: {}",
                people(limit.actual),
                limit.limit,
                command(&once)
            ),
        );
    }
    match &limit.allowed {
        Some(reason) => {
            let reason = sentence(reason);
            alert("WARNING", &format!("`limits.{name}` is overridden for this plan: {reason}"))
        }
        None => String::new(),
    }
}

/// The command that makes this plan again and carries it out, with so many people allowed by limit; none
/// where it would be longer than anybody copies.
fn apply(plan: &PlanDocument, digest: &str, allow: &[(&str, String)], reason: &str) -> Option<String> {
    let manifest = plan.manifest.files.first().and_then(|file| shell_word(file));
    let mut text = format!("advaudit apply{digest} {}", manifest.as_deref().unwrap_or("MANIFEST"));
    for name in &plan.manifest.only {
        _ = write!(text, " --only {}", shell_word(name).as_deref().unwrap_or("NAME"));
    }
    for (name, most) in allow {
        let allowed = shell_word(&format!("{name}={most}"));
        _ = write!(text, " --allow {}", allowed.as_deref().unwrap_or("LIMIT=N"));
    }
    if !allow.is_empty() {
        _ = write!(text, " --reason {reason}");
    }
    (text.len() <= COMMAND).then_some(text)
}

/// A block that GitHub and GitLab draw with a sign and a colour.
pub(super) fn alert(kind: &str, text: &str) -> String {
    format!("> [!{kind}]\n> {text}\n\n")
}

fn left_out(out: LeftOut) -> String {
    let Some(what) = out.in_words() else { return String::new() };
    let text = format!(
        "To fit here, {what} are left out below, where it says so. All of it: `advaudit show plan.json -v`, or `advaudit \
         plan -v` again."
    );
    alert("NOTE", &text)
}

/// Turning off first: that is what a reviewer answers for.
fn sections(plan: &PlanDocument) -> Vec<Section<'_>> {
    let blocks = folded::changes(&plan.changes);
    let mut sections = Vec::new();
    for action in [Action::Toggle, Action::Enable, Action::Resume] {
        let own: Vec<Block<'_>> =
            blocks.iter().filter(|block| block.first.action == action).cloned().collect();
        if !own.is_empty() {
            sections.push(changes(action, own));
        }
    }
    if !plan.blocked.is_empty() {
        sections.push(blocked(plan));
    }
    if !plan.unknown.is_empty() {
        sections.push(unknown(plan));
    }
    sections.extend(findings(plan));
    sections
}

fn changes<'a>(action: Action, blocks: Vec<Block<'a>>) -> Section<'a> {
    let subjects = blocks.iter().map(|block| block.all.len()).sum();
    let title = match action {
        Action::Toggle => "Toggle: off, and on again",
        Action::Enable => "Enable: turn on",
        Action::Resume => "Resume: turn on again",
    };
    // That everything is new needs no column.
    let is_telling = |cause| matches!(cause, Some(Cause::ManifestChanged | Cause::TenantChanged));
    let tells_cause = blocks.iter().any(|block| is_telling(block.first.cause));
    let mut columns = vec!["", "who"];
    columns.extend(match action {
        Action::Toggle => Some("off for"),
        Action::Resume => Some("off since"),
        Action::Enable => None,
    });
    columns.extend(["licenses", "why"]);
    columns.extend(tells_cause.then_some("cause"));
    let rows =
        blocks.into_iter().enumerate().map(move |(at, block)| change(at + 1, action, tells_cause, block));
    Section {
        heading: format!("#### {title} ({})", count(subjects, "subject", "subjects")),
        head: table(&columns),
        rows: Box::new(rows),
        subjects,
        summary: if action == Action::Enable { "All names, by row" } else { "Steps and all names, by row" },
    }
}

/// The first two lines of a table.
pub(super) fn table(columns: &[&str]) -> String {
    format!("{}\n|{}", row(columns), " --- |".repeat(columns.len()))
}

/// A line of a table.
pub(super) fn row(cells: &[impl AsRef<str>]) -> String {
    let cells: Vec<&str> = cells.iter().map(AsRef::as_ref).collect();
    format!("| {} |", cells.join(" | "))
}

fn change(at: usize, action: Action, tells_cause: bool, block: Block<'_>) -> Row<'_> {
    let (first, subjects) = (block.first, block.all.len());
    let licenses: Vec<String> = first.assignments.iter().map(|one| code(&one.license.part_number)).collect();
    let mut cells = vec![at.to_string(), whom(&block)];
    cells.extend(match action {
        Action::Toggle => Some(folded::off_for(first)),
        Action::Resume => first.off.as_ref().map(|off| time(off.at)),
        Action::Enable => None,
    });
    cells.extend([few(&licenses), sentence(&first.reason)]);
    cells.extend(tells_cause.then(|| first.cause.map_or("", in_words).to_owned()));
    Row { line: row(&cells), subjects, detail: detail(action, block) }
}

/// The first few.
fn few(names: &[String]) -> String {
    let shown = names.iter().take(NAMES).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > NAMES { format!("{shown} and {} more", names.len() - NAMES) } else { shown }
}

fn whom(block: &Block<'_>) -> String {
    let names: Vec<String> = block.all.iter().take(NAMES).map(|one| subject(&one.subject)).collect();
    let names = names.join(", ");
    match block.all.as_slice() {
        [one] if one.subject.kind == SubjectKind::Group && one.action == Action::Toggle => {
            format!("{names}: **{}**", people(one.people.len() as u64))
        }
        all if all.len() > NAMES => {
            let more = all.len() - NAMES;
            format!(
                "**{}**: {names} and {} more",
                count(all.len(), "user", "users"),
                count(more, "", "").trim()
            )
        }
        _ => names,
    }
}

fn in_words(cause: Cause) -> &'static str {
    match cause {
        Cause::FirstRun => "first run",
        Cause::ManifestChanged => "manifest changed",
        Cause::TenantChanged => "tenant changed",
    }
}

/// Steps, who goes off with a group, and every name of a set.
fn detail(action: Action, block: Block<'_>) -> Option<Detail<'_>> {
    let (first, total) = (block.first, block.all.len());
    let off = folded::time_off(&block).map_or(String::new(), |off| format!(". Time off: {off}"));
    let steps = format!("{}{off}", folded::steps(first));
    if first.subject.kind == SubjectKind::Group && action == Action::Toggle {
        let people = people(first.people.len() as u64);
        let others = others_of_group(block.first);
        let text = format!("{}: {steps}.{others} Off with it go {people}", subject(&first.subject));
        let names = Box::new(first.people.iter().map(|person| code(&person.name)));
        return Some(Detail { text, names, total: first.people.len() });
    }
    if first.members.is_some() && action == Action::Enable {
        let text = format!("{}:{}", subject(&first.subject), others_of_group(first));
        return Some(Detail { text, names: Box::new(std::iter::empty()), total: 0 });
    }
    if total == 1 {
        let text = format!("{}: {steps}", subject(&first.subject));
        let nobody = Detail { text, names: Box::new(std::iter::empty()), total: 0 };
        return (action != Action::Enable).then_some(nobody);
    }
    let users = count(total, "user", "users");
    let text = if action == Action::Enable { users } else { format!("{steps}. {users}") };
    let names = Box::new(block.all.into_iter().map(|one| subject(&one.subject)));
    (total > NAMES || action != Action::Enable).then_some(Detail { text, names, total })
}

/// What is to be said of the members beside who goes off, each in a sentence with a few names.
fn others_of_group(change: &ChangeDocument) -> String {
    let lines = member_lines::of_change(change);
    let told: Vec<_> = lines.iter().filter(|own| own.word != "goes off").collect();
    let mut text = String::new();
    for own in told.iter().take(MEMBER_LINES) {
        let names: Vec<String> = own.names.iter().take(NAMES + 1).map(|name| code(name)).collect();
        let more = own.names.len().saturating_sub(NAMES);
        let names = match more {
            0 => names.join(", "),
            _ => format!("{} and {more} more", names[..NAMES].join(", ")),
        };
        let colon = if names.is_empty() { "" } else { ": " };
        _ = write!(text, " *{}* {}{colon}{names}.", own.word, spoken(&own.says));
    }
    if told.len() > MEMBER_LINES {
        _ = write!(text, " And more of this kind ({}).", told.len() - MEMBER_LINES);
    }
    text
}

fn blocked(plan: &PlanDocument) -> Section<'_> {
    let mut blocks: Vec<_> = folded::blocked(&plan.blocked).into_iter().collect();
    // What concerns most people first, otherwise as it is declared.
    let declared =
        |alike: &[&BlockedDocument]| alike.iter().map(|one| (one.place.file.clone(), one.place.line)).min();
    blocks.sort_by_cached_key(|(_, alike)| (Reverse(alike.len()), declared(alike)));
    let rows = blocks.into_iter().enumerate().map(|(at, ((reason, next_step), alike))| {
        let (who, place) = (alike_in_words(&alike), places(plan, &alike));
        let line = row(&[(at + 1).to_string(), who, spoken(reason), spoken(next_step), place]);
        let total = alike.len();
        let names = Box::new(
            alike.into_iter().map(|one| format!("{} (line {})", subject(&one.subject), one.place.line)),
        );
        let text = count(total, "subject", "subjects");
        let detail = (total > NAMES).then_some(Detail { text, names, total });
        Row { line, subjects: total, detail }
    });
    Section {
        heading: format!(
            "#### Blocked: something else must be done first ({}){}",
            count(plan.blocked.len(), "subject", "subjects"),
            lines(plan)
        ),
        head: table(&["", "who", "why", "what to do", "where"]),
        rows: Box::new(rows),
        subjects: plan.blocked.len(),
        summary: "All names, by row",
    }
}

fn alike_in_words(alike: &[&BlockedDocument]) -> String {
    let names: Vec<String> = alike.iter().take(NAMES).map(|one| subject(&one.subject)).collect();
    let names = names.join(", ");
    if alike.len() <= NAMES {
        return names;
    }
    format!("**{}**: {names} and {} more", count(alike.len(), "subject", "subjects"), alike.len() - NAMES)
}

/// `line 12`; with the file where that is not the plan's own.
fn place(plan: &PlanDocument, place: &PlaceDocument) -> String {
    let line = format!("line {}", place.line);
    if plan.manifest.files.first() == Some(&place.file) {
        line
    } else {
        format!("{}, {line}", code(&place.file))
    }
}

/// Of several places the first, and how many others.
fn places(plan: &PlanDocument, alike: &[&BlockedDocument]) -> String {
    let all: BTreeSet<(&str, usize)> =
        alike.iter().map(|one| (one.place.file.as_str(), one.place.line)).collect();
    let first = alike.iter().map(|one| &one.place).min_by_key(|place| (&place.file, place.line));
    let first = first.map_or(String::new(), |first| place(plan, first));
    match all.len() {
        0 | 1 => first,
        many => format!("{first} and {}", count(many - 1, "other", "others")),
    }
}

/// Below a heading: of what the lines are.
fn lines(plan: &PlanDocument) -> String {
    let file = plan.manifest.files.first().map_or("", String::as_str);
    format!("\n\nLines are those of {}.", code(file))
}

fn unknown(plan: &PlanDocument) -> Section<'_> {
    let rows = plan.unknown.iter().map(|one| {
        let (who, why) = (subject(&one.subject), spoken(&one.reason));
        let line = row(&[who, why, place(plan, &one.place)]);
        Row { line, subjects: 1, detail: None }
    });
    Section {
        heading: format!(
            "#### Unknown: could not be read ({})",
            count(plan.unknown.len(), "subject", "subjects")
        ),
        head: table(&["who", "why", "where"]),
        rows: Box::new(rows),
        subjects: plan.unknown.len(),
        summary: "",
    }
}

/// All but those of limits, which stand at the top with what to do.
fn findings(plan: &PlanDocument) -> Option<Section<'_>> {
    let is_told = |one: &&FindingDocument| one.code == Code::LimitExceeded.as_str();
    let mut own: Vec<&FindingDocument> = plan.findings.iter().filter(|one| !is_told(one)).collect();
    own.sort_by_key(|one| one.severity);
    let total = own.len();
    let rows = own.into_iter().map(|one| {
        let (word, message) = (one.severity.as_str(), spoken(&one.message));
        let help = one.help.as_deref().map_or(String::new(), spoken);
        let place = one.place.as_ref().map_or(String::new(), |own| place(plan, own));
        let line = row(&[format!("{word} {}", code(&one.code)), message, help, place]);
        Row { line, subjects: 1, detail: None }
    });
    (total > 0).then(|| Section {
        heading: format!("#### Findings ({total}){}", lines(plan)),
        head: table(&["", "what", "what to do", "where"]),
        rows: Box::new(rows),
        subjects: total,
        summary: "",
    })
}

fn foot(plan: &PlanDocument) -> String {
    let digest = plan.sha256.chars().filter(char::is_ascii_hexdigit).take(64).collect::<String>();
    let mut text = format!(
        "Read at {} by advaudit {}. May be started until {}. Digest `{digest}`.\n",
        time(plan.created_at),
        sentence(&plan.tool_version),
        time(plan.expires_at)
    );
    if plan.covered > 0 {
        let covered = count(plan.covered, "user is", "users are");
        _ = writeln!(text, "{covered} in sync through a declared group.");
    }
    // What would start nothing is not to be copied.
    if plan.applyable {
        text.push_str(&to_carry_out(plan, &digest));
    }
    text
}

fn to_carry_out(plan: &PlanDocument, digest: &str) -> String {
    let limits = plan.limits.iter().filter(|limit| limit.allowed.is_some());
    let allow: Vec<(&str, String)> =
        limits.clone().map(|one| (one.name.as_str(), one.written.clone())).collect();
    let reason = limits.filter_map(|one| one.allowed.as_deref()).next().and_then(shell_word);
    let digest = format!(" --plan-sha256 {digest}");
    match apply(plan, &digest, &allow, reason.as_deref().unwrap_or("\"…\"")) {
        Some(command) => format!(
            "\nTo carry out just this, and nothing if the plan is another by then:\n\n```sh\n{command}\n```\n"
        ),
        None => format!(
            "\nTo carry out just this, and nothing if the plan is another by then: `advaudit apply{digest}` with \
             the manifest and each `--only` of this plan.\n"
        ),
    }
}
