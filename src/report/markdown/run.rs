//! What became of a run, as somebody reads it who was not there: how it ended, what went wrong with whom
//! and under which request id, when to come back, and what was done.

use std::collections::BTreeMap;

use super::BYTES;
use super::fit::{self, Detail, Row, Section};
use super::plan::{self, alert, table};
use super::text::{code, spoken, subject};
use crate::apply::outcome::{Outcome, Trouble};
use crate::report::broken;
use crate::report::json::v1::run::{RunDocument, SubjectDocument};
use crate::report::words::{count, number, time};

/// How many names, or request ids, a row spells out.
const NAMES: usize = 3;

/// Draws the end of a run; `meaning` is what its exit code says, in Markdown of ours.
pub fn render(run: &RunDocument, meaning: &'static str) -> String {
    let head = head(run, meaning);
    let foot = foot(run);
    let (body, out) = fit::draw(sections(run), BYTES.saturating_sub(head.len() + foot.len() + 400));
    let left = out.in_words().map_or(String::new(), |what| {
        let text =
            format!("To fit here, {what} are left out below. `--json` and the journal have all of it.");
        alert("NOTE", &text)
    });
    format!("{head}{left}{body}{foot}")
}

fn head(run: &RunDocument, meaning: &'static str) -> String {
    let aside = run.subjects.iter().filter(|one| one.outcome.is_aside()).count();
    let aside = Some((aside, "ended otherwise")).filter(|(many, _)| *many > 0);
    let counted = run.summary.counted().chain(aside);
    let counted: Vec<String> =
        counted.map(|(many, word)| format!("{} {word}", number(many as u64))).collect();
    let counted = if counted.is_empty() { "nobody was changed".to_owned() } else { counted.join(", ") };
    let mut text = format!(
        "<!-- advaudit:run tenant={} -->\n### advaudit run on {}\n\n**{}: {counted}.**\n\nExit code {}: {meaning}.\n\n",
        run.tenant.id,
        code(&run.tenant.domain),
        ended(run.exit_code),
        run.exit_code,
    );
    if let Some(after) = run.resume_after {
        let come_back = format!(
            "**Not finished.** Run `advaudit apply` or `advaudit heal` with the same `--state` at {} or later.",
            time(after)
        );
        text.push_str(&alert("IMPORTANT", &come_back));
    }
    text
}

/// How it ended, in a word or two: the codes of the README.
fn ended(exit_code: u8) -> &'static str {
    match exit_code {
        0 => "Done",
        3 => "Stopped by a limit",
        4 => "Pending",
        5 => "Partly done",
        6 => "Not as approved",
        7 => "No access",
        130 => "Interrupted",
        _ => "Failed",
    }
}

/// What an outcome means for whoever reads it.
fn in_words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Stuck => "stuck: off, and the on is refused; tried again by each run",
        Outcome::Failed => "failed",
        Outcome::Skipped => "skipped: it changed since the plan, nothing was done",
        Outcome::Pending => "pending: off because of us, or not started yet",
        Outcome::CutShort => "cut short: somebody else turned it on during the wait",
        Outcome::LicenseGone => "the license was taken away meanwhile",
        Outcome::NowByGroup => "the license comes from a group now",
        Outcome::NoEffect => "without effect: another source kept it on",
        Outcome::SubjectGone => "it no longer exists",
        Outcome::Toggled => "toggled: off, waited, and on again",
        Outcome::Enabled => "enabled: turned on",
        Outcome::Resumed => "resumed: an earlier toggle ended on",
    }
}

/// The worst first.
const ORDER: [Outcome; 12] = [
    Outcome::Stuck,
    Outcome::Failed,
    Outcome::Pending,
    Outcome::Skipped,
    Outcome::SubjectGone,
    Outcome::LicenseGone,
    Outcome::NoEffect,
    Outcome::NowByGroup,
    Outcome::CutShort,
    Outcome::Toggled,
    Outcome::Resumed,
    Outcome::Enabled,
];

type Alike<'a> = BTreeMap<(usize, &'a str, &'a str), Vec<&'a SubjectDocument>>;

fn sections(run: &RunDocument) -> Vec<Section<'_>> {
    let mut alike: Alike<'_> = BTreeMap::new();
    for one in &run.subjects {
        let order = ORDER.iter().position(|outcome| *outcome == one.outcome).unwrap_or(ORDER.len());
        let (code, message) = one.error.as_ref().map_or(("", ""), |error| (&error.code, &error.message));
        alike.entry((order, code, message)).or_default().push(one);
    }
    if alike.is_empty() {
        return Vec::new();
    }
    vec![Section {
        heading: "#### What became of whom".to_owned(),
        head: table(&["", "who", "what", "why", "request ids"]),
        rows: Box::new(alike.into_values().enumerate().map(|(at, alike)| row(at + 1, alike))),
        subjects: run.subjects.len(),
        summary: "Names and times",
    }]
}

fn row(at: usize, alike: Vec<&SubjectDocument>) -> Row<'_> {
    let total = alike.len();
    let names: Vec<String> = alike.iter().take(NAMES).map(|one| subject(&one.subject)).collect();
    let who = match total {
        0..=NAMES => names.join(", "),
        _ => format!("**{}**: {} and {} more", number(total as u64), names.join(", "), total - NAMES),
    };
    let outcome = alike.first().map_or("", |one| in_words(one.outcome));
    let why = alike.first().and_then(|one| one.error.as_ref()).map_or(String::new(), why);
    let ids = alike.iter().filter_map(|one| one.error.as_ref()?.request_id.as_deref());
    let ids: Vec<String> = ids.take(NAMES).map(code).collect();
    let line = plan::row(&[at.to_string(), who, outcome.to_owned(), why, ids.join(", ")]);
    Row { line, subjects: total, detail: detail(alike) }
}

fn why(trouble: &Trouble) -> String {
    format!("{} {}", code(&trouble.code), spoken(&trouble.message))
}

/// When each was off, and what is to be noted.
fn detail(alike: Vec<&SubjectDocument>) -> Option<Detail<'_>> {
    let total = alike.len();
    let is_worth_it = total > NAMES
        || alike.iter().any(|one| one.off_at.is_some() || one.due_at.is_some() || !notes(one).is_empty());
    is_worth_it.then(|| Detail {
        text: count(total, "subject", "subjects"),
        names: Box::new(alike.into_iter().map(when)),
        total,
    })
}

fn when(one: &SubjectDocument) -> String {
    let mut text = subject(&one.subject);
    let times = [("off", one.off_at), ("on", one.on_at), ("due", one.due_at.filter(|_| one.on_at.is_none()))];
    let times: Vec<String> =
        times.into_iter().filter_map(|(word, at)| Some(format!("{word} {}", time(at?)))).collect();
    let minutes = one.off_user_minutes.actual;
    let off = (minutes > 0).then(|| format!("{} user-minutes off", number(minutes)));
    let notes = notes(one).into_iter().take(NAMES).map(|note| spoken(&note));
    let said: Vec<String> = times.into_iter().chain(off).chain(notes).collect();
    if !said.is_empty() {
        text.push_str(&format!(" ({})", said.join(", ")));
    }
    text
}

fn notes(one: &SubjectDocument) -> Vec<String> {
    one.notes.iter().cloned().chain(broken::sentences(one)).collect()
}

fn foot(run: &RunDocument) -> String {
    let minutes = run.cost.off_user_minutes;
    let digest =
        run.plan_sha256.as_deref().map_or(String::new(), |digest| format!(" Plan {}.", code(digest)));
    let retried = broken::retried(&run.reprocessed);
    let retried = retried.iter().take(NAMES).map(|line| format!("- {}\n", spoken(line))).collect::<String>();
    let retried = if retried.is_empty() { retried } else { format!("{retried}\n") };
    format!(
        "{retried}From {} to {}. User-minutes of time off: {} planned, {} in fact.{digest} Run {}.\n",
        time(run.started_at),
        time(run.finished_at),
        number(minutes.planned),
        number(minutes.actual),
        code(&run.run_id.to_string())
    )
}
