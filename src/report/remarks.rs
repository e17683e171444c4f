//! What is to be looked at, in one list: findings, and declared subjects that are blocked or unknown. The
//! formats that other programs show (SARIF, JUnit) are drawn from it.

use super::json::v1::common::{FindingDocument, PlaceDocument, SubjectName};
use super::json::v1::plan::PlanDocument;
use crate::diag::Severity;
use crate::model::SubjectKind;

/// Where a remark comes from. The order is that in which they matter where the severity is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Source {
    /// A declared subject that could not be read.
    Unknown,
    /// A declared subject that needs something else first.
    Blocked,
    /// A finding of the manifest or the tenant.
    Finding,
}

/// One thing to look at.
#[derive(Clone, Debug)]
pub(super) struct Remark<'a> {
    /// Where it comes from.
    pub source: Source,
    /// Stable, in kebab case. A finding and a blocked subject can have the same.
    pub code: &'a str,
    /// How much it weighs: blocked and unknown are warnings.
    pub severity: Severity,
    /// What is so.
    pub message: &'a str,
    /// The next step.
    pub help: Option<&'a str>,
    /// Whom it is about; absent for a finding.
    pub subject: Option<&'a SubjectName>,
    /// Where in the manifest.
    pub place: Option<&'a PlaceDocument>,
}

/// A manifest that could not be read, so that nothing is known of what it declares.
#[derive(Clone, Debug)]
pub struct Unread {
    /// As it was named.
    pub file: String,
    /// Why not.
    pub message: String,
    /// The next step.
    pub help: Option<String>,
}

impl Unread {
    /// Why not, and the next step below it.
    pub(super) fn text(&self) -> String {
        let help = self.help.as_ref().map(|help| format!("\nnext: {}", plain(help, 1_000)));
        format!("{}{}", plain(&self.message, 1_000), help.unwrap_or_default())
    }
}

/// All of a plan, worst first, otherwise in the order of the document.
pub(super) fn of_plan(plan: &PlanDocument) -> Vec<Remark<'_>> {
    let blocked = plan.blocked.iter().map(|one| Remark {
        source: Source::Blocked,
        code: &one.code,
        severity: Severity::Warning,
        message: &one.reason,
        help: Some(&one.next_step),
        subject: Some(&one.subject),
        place: Some(&one.place),
    });
    let unknown = plan.unknown.iter().map(|one| Remark {
        source: Source::Unknown,
        code: "unknown",
        severity: Severity::Warning,
        message: &one.reason,
        help: Some("run again; when it stays unknown, `advaudit doctor` looks for the cause"),
        subject: Some(&one.subject),
        place: Some(&one.place),
    });
    let mut all: Vec<Remark<'_>> = plan.findings.iter().map(finding).chain(unknown).chain(blocked).collect();
    all.sort_by_key(|one| (one.severity, one.source));
    all
}

/// All findings, worst first, otherwise as they come.
pub(super) fn of_findings(findings: &[FindingDocument]) -> Vec<Remark<'_>> {
    let mut all: Vec<Remark<'_>> = findings.iter().map(finding).collect();
    all.sort_by_key(|one| one.severity);
    all
}

fn finding(one: &FindingDocument) -> Remark<'_> {
    Remark {
        source: Source::Finding,
        code: &one.code,
        severity: one.severity,
        message: &one.message,
        help: one.help.as_deref(),
        subject: None,
        place: one.place.as_ref(),
    }
}

impl Remark<'_> {
    /// `adele@contoso.com: it holds no license`, or what a finding says.
    pub fn text(&self) -> String {
        match self.subject {
            None => self.message.to_owned(),
            Some(subject) => format!("{}: {}", called(subject), self.message),
        }
    }

    /// What stands at the place, as far as the document has it.
    pub fn under(&self) -> Option<&str> {
        let place = self.place?;
        let text = place.text.as_deref()?;
        let byte = |character: usize| text.char_indices().nth(character).map_or(text.len(), |(at, _)| at);
        let from = place.column.saturating_sub(1);
        text.get(byte(from)..byte(from.saturating_add(place.length))).filter(|under| !under.is_empty())
    }
}

/// `adele@contoso.com`, `group E5 Legal`.
pub(super) fn called(subject: &SubjectName) -> String {
    match subject.kind {
        SubjectKind::User => subject.name.clone(),
        SubjectKind::Group => format!("group {}", subject.name),
    }
}

/// A text without characters that are obeyed instead of shown, or that hide others, on one line and of so
/// many characters at most.
pub(super) fn plain(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(most * 4));
    for (at, c) in text.trim().chars().enumerate() {
        if at == most {
            out.push('…');
            break;
        }
        out.push(match c {
            _ if c.is_whitespace() => ' ',
            _ if is_obeyed(c) => char::REPLACEMENT_CHARACTER,
            _ => c,
        });
    }
    out
}

/// Control characters, what shows nothing or turns the direction, and what XML 1.0 has no way to write.
fn is_obeyed(c: char) -> bool {
    let is_hidden = matches!(c, '\u{61c}' | '\u{180e}' | '\u{2028}' | '\u{2029}' | '\u{e0000}'..='\u{e007f}');
    c.is_control() || crate::diag::is_invisible(c) || is_hidden || matches!(c, '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_text_is_one_short_line_without_tricks() {
        assert_eq!(plain(" a\nb\tc\u{202e}d\u{0}\u{1b}e ", 99), "a b c\u{fffd}d\u{fffd}\u{fffd}e");
        assert_eq!(plain("ünder", 2), "ün…");
    }
}
