//! How the toggles of a plan are spread over people and time, in sentences that every text for people shows.

use super::json::v1::common::SubjectName;
use super::json::v1::plan::PlanDocument;
use super::words::{count, people, time};
use crate::plan::change::Action;

/// How many of the canary are named.
const NAMES: usize = 3;

/// How names and other texts from outside are drawn.
#[derive(Clone, Copy)]
pub(super) struct Drawn {
    /// A subject.
    pub name: fn(&SubjectName) -> String,
    /// A window, a deadline.
    pub text: fn(&str) -> String,
}

/// Nothing where no toggle is planned, or nothing spreads them.
pub(super) fn sentences(plan: &PlanDocument, drawn: Drawn) -> Vec<String> {
    if plan.summary.toggle == 0 {
        return Vec::new();
    }
    let failures = plan.rollout.max_failures.map(|most| {
        let most = count(usize::try_from(most).unwrap_or(usize::MAX), "failed toggle", "failed toggles");
        format!("After {most} no further one starts.")
    });
    let by = plan.rollout.must_be_on_by.as_deref();
    let by = by.map(|by| format!("A toggle starts only if it can be back on by {}.", (drawn.text)(by)));
    canary(plan, drawn)
        .into_iter()
        .chain(windows(plan, drawn))
        .chain(by)
        .chain(never(plan))
        .chain(failures)
        .collect()
}

/// `Canary: adele@…, alex@… and 3 more, 5 people, go off first …`.
fn canary(plan: &PlanDocument, drawn: Drawn) -> Option<String> {
    plan.rollout.canary?;
    let first = &plan.rollout.first;
    if first.is_empty() {
        return Some("Canary: it came back on in an earlier run, or is off now.".to_owned());
    }
    let names: Vec<String> = first.iter().take(NAMES).map(drawn.name).collect();
    let more = if first.len() > NAMES { format!(" and {} more", first.len() - NAMES) } else { String::new() };
    let off = plan.changes.iter().filter(|change| first.contains(&change.subject));
    let off = off.filter(|change| change.action == Action::Toggle).map(|change| change.people.len() as u64);
    let (off, goes) = (off.sum::<u64>(), if first.len() == 1 { "goes" } else { "go" });
    Some(format!(
        "Canary: {}{more} ({}) {goes} off first; nobody else does before every one of them was seen back on.",
        names.join(", "),
        people(off)
    ))
}

/// `Toggles may start Sat 22:00-04:00 Europe/Berlin, next at 2026-11-28 21:00:00 UTC; 3 windows are needed.`
fn windows(plan: &PlanDocument, drawn: Drawn) -> Option<String> {
    let own: Vec<String> = plan.rollout.windows.iter().map(|window| (drawn.text)(window)).collect();
    if own.is_empty() {
        return None;
    }
    let next = match plan.rollout.starts_at {
        Some(at) if at <= plan.created_at => ", which is now".to_owned(),
        Some(at) => format!(", next at {}", time(at)),
        None => String::new(),
    };
    let needed = match plan.estimate.windows {
        0 | 1 => String::new(),
        many => format!("; it takes about {many} windows for all of them"),
    };
    Some(format!("Toggles may start {}{next}{needed}.", own.join(" or ")))
}

fn never(plan: &PlanDocument) -> Option<String> {
    let own = &plan.rollout;
    let has_times = !own.windows.is_empty() || own.must_be_on_by.is_some();
    (has_times && own.starts_at.is_none())
        .then(|| "No toggle can start: window and deadline never leave it enough time.".to_owned())
}
