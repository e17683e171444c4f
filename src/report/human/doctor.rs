//! What `doctor` found, as a person reads it.

use crate::report::json::v1::doctor::DoctorDocument;
use crate::report::style::{Kind, Style};
use crate::report::words::{count, wrap};

/// Where the text of a check begins.
const INDENT: usize = 24;

/// Draws every check, what to do about those that are not well, and what was counted.
pub fn render(found: &DoctorDocument, style: Style, width: usize) -> String {
    let mut text = String::new();
    for check in &found.checks {
        let (kind, word) = match check.status.as_str() {
            "ok" => (Kind::On, "ok"),
            "warning" => (Kind::Toggle, "warning"),
            "failed" => (Kind::Bad, "failed"),
            _ => (Kind::Dim, "skipped"),
        };
        let status = style.paint(kind, format!("{word:<8}"));
        let detail = wrap(&check.detail, INDENT, width);
        text.push_str(&format!("  {status} {:<12} {}\n", check.name, detail.trim_start()));
        if let Some(remedy) = &check.remedy {
            let remedy = wrap(&format!("→ {remedy}"), INDENT, width);
            text.push_str(&format!("{:INDENT$}{remedy}\n", ""));
        }
    }
    let of = |status: &str| found.checks.iter().filter(|check| check.status == status).count();
    text.push_str(&match (of("failed"), of("warning")) {
        (0, 0) => "\nEverything is as it should be.\n".to_owned(),
        (0, warnings) => format!("\nNothing is in the way; {}.\n", count(warnings, "warning", "warnings")),
        (failed, _) => format!("\n{} failed.\n", count(failed, "check", "checks")),
    });
    text
}
