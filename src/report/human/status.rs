//! What is in flight, as a person reads it.

use super::finding::harmless;
use crate::apply::outcome::Outcome;
use crate::model::{SubjectKind, Timestamp};
use crate::report::json::v1::status::StatusDocument;
use crate::report::style::{Kind, Style};
use crate::report::words::{duration, people, time};

/// Draws what is in flight.
pub fn render(status: &StatusDocument, now: Timestamp, style: Style) -> String {
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
        text.push_str(&format!("  {name}\n      {off}; {due}\n"));
    }
    match (status.in_flight.len(), status.people_off) {
        (0, _) => text.push_str("Nobody is off because of us.\n"),
        (_, off) => text.push_str(&format!(
            "{} off because of us. `advaudit heal` turns on what is due.\n",
            if off == 1 { "1 person is".to_owned() } else { format!("{} are", people(off)) }
        )),
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
