//! What is in flight, as a person reads it.

use super::finding::harmless;
use crate::apply::outcome::Outcome;
use crate::model::{SubjectKind, Timestamp};
use crate::report::json::v1::status::{InFlightDocument, StatusDocument};
use crate::report::style::{Kind, Style};
use crate::report::words::{count, duration, number, people, time, wrap};

/// Draws what is in flight.
pub fn render(status: &StatusDocument, now: Timestamp, style: Style, width: usize) -> String {
    let mut text = String::new();
    for one in &status.in_flight {
        let name = style.paint(Kind::Strong, harmless(&one.subject.name));
        let off = one.off_at.map_or_else(|| "perhaps off".to_owned(), |at| format!("off since {}", time(at)));
        let due = match (one.outcome, one.due_at, one.subject.kind) {
            (Outcome::SubjectGone, _, _) => "deleted since; turned on if it is restored".to_owned(),
            (_, Some(due), _) if due > now => {
                format!("on due {} (in {})", time(due), duration(due.duration_since(now)))
            }
            (_, Some(_), _) => "on is due now".to_owned(),
            (_, None, SubjectKind::Group) => "on when every member was seen off".to_owned(),
            (_, None, SubjectKind::User) => "the next run looks, and ends it on".to_owned(),
        };
        let minutes = so_far(one);
        text.push_str(&format!("  {name}\n      {}\n", wrap(&format!("{off}{minutes}; {due}"), 6, width)));
    }
    match (status.in_flight.len(), status.people_off) {
        (0, _) => text.push_str("Nobody is off because of us.\n"),
        (_, off) => text.push_str(&format!(
            "{} off because of us. `advaudit heal` turns on what is due.\n",
            if off == 1 { "1 person is".to_owned() } else { format!("{} are", people(off)) }
        )),
    }
    if status.ended.off_user_minutes > 0 {
        let (all, run) = (number(status.ended.off_user_minutes), number(status.ended.run_off_user_minutes));
        text.push_str(&format!(
            "Time off of ended toggles: {run} user-minutes in the newest run, {all} in all.\n"
        ));
    }
    match &status.lease {
        Some(lease) => {
            let end = lease.expires_at.map(|end| format!(", lease until {} unless renewed", time(end)));
            text.push_str(&format!(
                "A run is working: {}{}.\n",
                harmless(&lease.owner),
                end.unwrap_or_default()
            ));
        }
        None => text.push_str("No run is working.\n"),
    }
    text
}

/// ` (40 people, 820 user-minutes so far)`; nothing where it is not known whether anybody is off.
fn so_far(one: &InFlightDocument) -> String {
    if one.off_user_minutes == 0 {
        return String::new();
    }
    let minutes = usize::try_from(one.off_user_minutes).unwrap_or(usize::MAX);
    let minutes = count(minutes, "user-minute", "user-minutes");
    match (one.people, one.subject.kind) {
        (1, _) => format!(" ({minutes} so far)"),
        (many, SubjectKind::Group) => format!(" ({}, at most {minutes} so far)", people(many)),
        (many, SubjectKind::User) => format!(" ({}, {minutes} so far)", people(many)),
    }
}
