//! Findings with the line that they are about, underlined, as the Rust compiler shows its own.

use std::fmt::Write as _;
use std::ops::Range;

use annotate_snippets::renderer::DEFAULT_TERM_WIDTH;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet, normalize_untrusted_str};

use crate::diag::Severity;
use crate::report::json::v1::common::{FindingDocument, PlaceDocument};
use crate::report::words::wrap;

/// What stands before the words of a help where lines have up to four digits: `     = help: `.
const BEFORE_HELP: usize = 13;

/// A narrower terminal gets lines that it has to wrap.
const NARROWEST_COLUMNS: usize = 60;

/// Every finding as a block of lines with a blank line after it, and how many there are of each
/// severity. Empty when there are none. `width` is the terminal's; 0 stands for no terminal.
pub fn render(findings: &[FindingDocument], colour: bool, width: usize) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let width = if width == 0 { DEFAULT_TERM_WIDTH } else { width.max(NARROWEST_COLUMNS) };
    let renderer = renderer.term_width(width);
    let mut text = String::new();
    for finding in findings {
        let spot = finding.place.as_ref().map(Spot::of);
        text += &renderer.render(&[group(finding, spot.as_ref(), width)]);
        text += "\n\n";
    }
    if !findings.is_empty() {
        text += &summary(findings);
        text.push('\n');
    }
    text
}

/// How many findings there are of each severity: `3 errors, 1 warning`.
pub fn summary(findings: &[FindingDocument]) -> String {
    let mut text = String::new();
    for severity in [Severity::Error, Severity::Warning, Severity::Note] {
        let count = findings.iter().filter(|finding| finding.severity == severity).count();
        if count > 0 {
            let comma = if text.is_empty() { "" } else { ", " };
            let plural = if count == 1 { "" } else { "s" };
            // Writing to a string cannot fail.
            let _ = write!(text, "{comma}{count} {}{plural}", severity.as_str());
        }
    }
    text
}

/// One finding in the renderer's terms. Sentences are broken here, which the renderer leaves to the
/// terminal, in the middle of words; it puts each line under the first.
fn group<'a>(finding: &'a FindingDocument, spot: Option<&'a Spot>, width: usize) -> Group<'a> {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let code = finding.code.as_str();
    let before_message = finding.severity.as_str().len() + code.len() + "[]: ".len();
    let message = broken(&finding.message, before_message, width);
    let mut group = Group::with_title(level.primary_title(message).id(code));
    let label = finding.label.as_deref().map(harmless);
    match spot {
        None => {}
        Some(Spot { name, line, line_text: Some(text), underline, .. }) => {
            let underline = AnnotationKind::Primary.span(underline.clone()).label(label);
            let snippet = Snippet::source(text.as_str()).path(name.as_str()).line_start(*line);
            group = group.element(snippet.annotation(underline));
        }
        Some(Spot { name, line, column, line_text: None, .. }) => {
            group = group.element(Origin::path(name.as_str()).line(*line).char_column(*column));
            if let Some(label) = label {
                group = group.element(Level::NOTE.message(label));
            }
        }
    }
    match &finding.help {
        Some(help) => group.element(Level::HELP.message(broken(help, BEFORE_HELP, width))),
        None => group,
    }
}

/// The harmless text, broken between words; the renderer indents each line but the first by `before`.
fn broken(text: &str, before: usize, width: usize) -> String {
    wrap(&harmless(text), 0, width.saturating_sub(before))
}

/// The text without characters that a terminal obeys or that hide other text.
pub(super) fn harmless(text: &str) -> String {
    without_c1(&normalize_untrusted_str(text))
}

/// The text without the second set of control characters, which the renderer lets pass. Each is
/// replaced by one other, so that columns stay.
fn without_c1(text: &str) -> String {
    text.replace(|c| matches!(c, '\u{80}'..='\u{9f}'), "\u{fffd}")
}

/// What is shown of a manifest around a place: never more than one line, and never all of a long one.
struct Spot {
    name: String,
    line: usize,
    column: usize,
    /// The line, without most of what follows the place; none when too much comes before it.
    line_text: Option<String>,
    /// The place, in bytes of `line_text`.
    underline: Range<usize>,
}

impl Spot {
    fn of(place: &PlaceDocument) -> Self {
        let mut spot = Spot {
            name: harmless(&place.file), // the path of a file can hold anything
            line: place.line,
            column: place.column,
            line_text: None,
            underline: 0..0,
        };
        if let Some(text) = &place.text {
            let text = without_c1(text);
            let byte = |character: usize| text.char_indices().nth(character).map_or(text.len(), |(at, _)| at);
            let from = place.column.saturating_sub(1);
            spot.underline = byte(from)..byte(from.saturating_add(place.length));
            spot.line_text = Some(text);
        }
        spot
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use snapbox::{assert_data_eq, str};

    use super::*;
    use crate::diag::{Code, Finding, Place, Source};

    fn render(findings: &[Finding], colour: bool, width: usize) -> String {
        super::render(&findings.iter().map(FindingDocument::from).collect::<Vec<_>>(), colour, width)
    }

    fn source(text: &str) -> Arc<Source> {
        Arc::new(Source::new("m.yaml", text))
    }

    #[test]
    fn a_finding_shows_its_line_and_the_next_step() {
        let source = source("tenant: contoso.com\nusres:\n  - adele@contoso.com\n");
        let findings = [
            Finding::new(Code::UnknownKey, "unknown key `usres`")
                .at(&Place::new(&source, 20..25))
                .label("did you mean `users`?"),
            Finding::new(Code::BadValue, "`x` is wrong").at(&Place::new(&source, 0..6)).help("write `y`"),
            Finding::new(Code::NoLicenseInTenant, "the tenant owns no license").help("buy one"),
        ];
        assert_data_eq!(
            render(&findings, false, 100),
            str![[r#"
error[unknown-key]: unknown key `usres`
 --> m.yaml:2:1
  |
2 | usres:
  | ^^^^^ did you mean `users`?

error[bad-value]: `x` is wrong
 --> m.yaml:1:1
  |
1 | tenant: contoso.com
  | ^^^^^^
  |
  = help: write `y`

warning[no-license-in-tenant]: the tenant owns no license
 |
 = help: buy one

2 errors, 1 warning

"#]]
        );
    }

    #[test]
    fn a_place_over_several_lines_shows_its_first() {
        let source = source("users:\r\n  - user: a\r\n    reason: b\r\n");
        let finding = Finding::new(Code::BadValue, "wrong").at(&Place::new(&source, 12..33));
        assert_data_eq!(
            render(&[finding], false, 100),
            str![[r#"
error[bad-value]: wrong
 --> m.yaml:2:5
  |
2 |   - user: a
  |     ^^^^^^^

1 error

"#]]
        );
    }

    #[test]
    fn a_place_at_the_end_of_the_text_is_shown_there() {
        let source = source("a: \"b\n");
        for range in [5..6, 6..6] {
            let finding =
                Finding::new(Code::Syntax, "this quote is never closed").at(&Place::new(&source, range));
            assert!(render(&[finding], false, 100).contains("m.yaml:"));
        }
        let finding =
            Finding::new(Code::Syntax, "the manifest is empty").at(&Place::new(&self::source(""), 0..0));
        assert_data_eq!(
            render(&[finding], false, 100),
            str![[r#"
error[syntax]: the manifest is empty
 --> m.yaml:1:1
  |
1 |
  | ^

1 error

"#]]
        );
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        for (length, column) in [(5_000, "m.yaml:1:10009"), (500_000, "m.yaml:1:1000009")] {
            let source = source(&format!("reason: {}ü{}\n", "é ".repeat(length), "x".repeat(100_000)));
            let at = source.text.find('ü').expect("it is there");
            let finding = Finding::new(Code::BadValue, "wrong").at(&Place::new(&source, at..at + 90_000));
            let shown = render(&[finding.label("this")], false, 80);
            assert!(shown.len() < 2000, "{shown}");
            assert!(shown.contains(column) && shown.contains("this"), "{shown}");
        }
    }

    #[test]
    fn control_characters_never_reach_the_terminal() {
        let source = source("reason: \u{1b}[2J\u{202e}\t\u{9b}x\n");
        let mut finding = Finding::new(Code::BadValue, "\u{1b}[2J").at(&Place::new(&source, 8..12));
        finding.label = Some("\u{1b}[31m".to_owned());
        finding.help = Some("\u{9b}31m".to_owned());
        let shown = render(&[finding], false, 80);
        assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown}");
    }

    #[test]
    fn colour_is_only_added() {
        let finding = Finding::new(Code::BadValue, "wrong").at(&Place::new(&source("a: b\n"), 3..4));
        let coloured = render(std::slice::from_ref(&finding), true, 80);
        assert!(coloured.contains("\u{1b}["));
        assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), render(&[finding], false, 80));
    }

    #[test]
    fn nothing_found_says_nothing() {
        assert_eq!(render(&[], false, 80), "");
        assert_eq!(summary(&[]), "");
    }
}
