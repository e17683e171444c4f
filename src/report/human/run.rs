//! What became of a run, as a person reads it: what went wrong in full, the rest as numbers.

use std::collections::BTreeMap;

use super::finding::harmless;
use crate::model::SignedDuration;
use crate::report::broken;
use crate::report::json::v1::run::{RunDocument, SubjectDocument};
use crate::report::style::{Kind, Style};
use crate::report::words::{count, duration, time, wrap};

/// Draws the end of a run.
pub fn render(run: &RunDocument, style: Style, width: usize) -> String {
    let mut text = String::new();
    let mut alike: BTreeMap<(&'static str, String), Vec<&SubjectDocument>> = BTreeMap::new();
    for one in &run.subjects {
        if let Some(error) = &one.error {
            alike.entry((one.outcome.as_str(), error.message.clone())).or_default().push(one);
        }
        for note in one.notes.iter().chain(&broken::sentences(one)) {
            let note = format!("note: {}: {note}", one.subject.name);
            text.push_str(&format!("  {}\n", wrap(&note, 4, width)));
        }
    }
    for ((_, message), all) in alike {
        text.push_str(&format!("  {}\n", wrap(&ended(&all, &message, style), 4, width)));
    }
    for line in broken::retried(&run.reprocessed) {
        text.push_str(&format!("  {}\n", wrap(&harmless(&line), 4, width)));
    }
    text.push_str(&summary(run, style));
    text.push('\n');
    text.push_str(&wrap(&cost(run), 0, width));
    if let Some(resume_after) = run.resume_after {
        // What has not started is not `heal`'s to start.
        let is_off = |one: &SubjectDocument| one.off_at.is_some() && one.on_at.is_none();
        let commands = if run.subjects.iter().any(is_off) { "`apply` or `heal`" } else { "`apply`" };
        text.push_str(&format!("To continue, run {commands} at {} or later.\n", time(resume_after)));
    }
    text
}

/// `Planned 5 writes in about 60 min; it took 5 writes, 12 requests, 60 min, 66 user-minutes off.`; nothing
/// where nothing was carried out.
fn cost(run: &RunDocument) -> String {
    let own = &run.cost;
    if own.requests.actual == 0 {
        return String::new();
    }
    let time = |seconds: u64| duration(SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX)));
    let number = |number: u64, one, many| count(usize::try_from(number).unwrap_or(usize::MAX), one, many);
    let off = match own.off_user_minutes.actual {
        0 => String::new(),
        minutes => format!(", {} off", number(minutes, "user-minute", "user-minutes")),
    };
    format!(
        "Planned {} in about {}; it took {}, {}, {}{off}.\n",
        number(own.writes.planned, "write", "writes"),
        time(own.seconds.planned),
        number(own.writes.actual, "write", "writes"),
        number(own.requests.actual, "request", "requests"),
        time(own.seconds.actual),
    )
}

fn ended(all: &[&SubjectDocument], message: &str, style: Style) -> String {
    let Some(first) = all.first() else { return String::new() };
    let names: Vec<&str> = all.iter().take(5).map(|one| one.subject.name.as_str()).collect();
    let more = if all.len() > 5 { format!(" and {} more", all.len() - 5) } else { String::new() };
    let word = style.paint(Kind::of(first.outcome), first.outcome.as_str().replace('_', " "));
    let id = first.error.as_ref().and_then(|error| error.request_id.as_ref());
    let id = id
        .filter(|id| !message.contains(id.as_str()))
        .map_or(String::new(), |id| format!(" (request id {id})"));
    format!("{word} {}{more}: {message}{id}", names.join(", "))
}

/// `Done: 3 enabled, 2 toggled.`; a run that was not allowed to do what is due does not say that there
/// was nothing.
fn summary(run: &RunDocument, style: Style) -> String {
    let parts = run.summary.counted().map(|(number, word)| format!("{number} {word}"));
    let parts: Vec<String> = parts.collect();
    let others = run.subjects.iter().filter(|one| one.outcome.is_aside()).count();
    let others =
        if others > 0 { vec![format!("{} (see above)", count(others, "other", "others"))] } else { vec![] };
    let parts = [parts, others].concat();
    let said = match (parts.is_empty(), run.exit_code) {
        (false, _) => format!("Done: {}.", parts.join(", ")),
        (true, 0) => "Done: nothing to do.".to_owned(),
        (true, _) => "Nothing was done.".to_owned(),
    };
    style.paint(Kind::Strong, said)
}
