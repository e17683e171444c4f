//! What is in flight, as a person reads it.

use crate::model::Timestamp;
use crate::report::json::v1::status::StatusDocument;
use crate::report::style::{Kind, Style};
use crate::report::words::{duration, people, time};

/// Draws what is in flight.
pub fn render(status: &StatusDocument, now: Timestamp, style: Style) -> String {
    let mut text = String::new();
    for one in &status.in_flight {
        let name = style.paint(Kind::Strong, &one.subject.name);
        let off = one.off_at.map_or_else(|| "perhaps off".to_owned(), |at| format!("off since {}", time(at)));
        let due = match one.due_at {
            Some(due) if due > now => {
                format!("on due {} (in {})", time(due), duration(due.duration_since(now)))
            }
            Some(_) | None => "on is due now".to_owned(),
        };
        text.push_str(&format!("  {name}  {off}, {due}\n"));
    }
    match (status.in_flight.len(), status.people_off) {
        (0, _) => text.push_str("Nobody is off because of us.\n"),
        (_, off) => text.push_str(&format!(
            "{} off because of us. `advaudit heal` turns on what is due.\n",
            if off == 1 { "1 person is".to_owned() } else { format!("{} are", people(off)) }
        )),
    }
    match &status.lease {
        Some(lease) => text.push_str(&format!("A run is working: {}.\n", lease.owner)),
        None => text.push_str("No run is working.\n"),
    }
    text
}
