//! What is not YAML, in an administrator's words.

use granit_parser::{ErrorKind, ScanError};

use super::node::DEEPEST_LEVELS;
use super::review::Review;
use crate::diag::Code;

/// Tells where reading ended, and why.
pub(super) fn tell(review: &mut Review, error: &ScanError) {
    let mut at = error.marker().byte_offset().unwrap_or(0);
    if is_tab(error.kind()) {
        at = tab(&review.source.text, at).unwrap_or(at);
    }
    let (message, help) = words(error.kind());
    let finding = review.finding(Code::Syntax, at..at + 1, message);
    review.tell(match help {
        Some(help) => finding.help(help),
        None => finding,
    });
}

fn is_tab(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::TabNotAllowed
            | ErrorKind::TabInBlockIndentation
            | ErrorKind::TabInIndentation
            | ErrorKind::TabAtBlockScalarStart
            | ErrorKind::TabInPlainScalar
    )
}

/// The tab that the parser means: it stops behind the tab, or in front of the line that has it.
fn tab(text: &str, at: usize) -> Option<usize> {
    let (before, after) = text.split_at_checked(at)?;
    let line = before.rfind('\n').map_or(0, |end| end + 1);
    let behind = before[line..].rfind('\t').map(|tab| line + tab);
    behind.or_else(|| after.find('\t').map(|tab| at + tab))
}

/// The message, and the next step for the slips that people make.
fn words(kind: &ErrorKind) -> (String, Option<&'static str>) {
    let (message, help) = match kind {
        kind if is_tab(kind) => ("a tab stands where YAML takes only spaces", "replace each tab with spaces"),
        ErrorKind::RecursionLimitExceeded => {
            return (format!("nested deeper than {DEEPEST_LEVELS} levels"), None);
        }
        ErrorKind::BomInsideDocument => (
            "a byte order mark stands in the middle of the text",
            "remove it; joining files leaves such marks",
        ),
        ErrorKind::UnclosedQuotedScalar => ("this quote is never closed", "close it with the same quote"),
        ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofImplicitFlowMapping => {
            ("a bracket is never closed", "close it, or write the list as lines with `- `")
        }
        ErrorKind::MappingValueNotAllowed => (
            "a second `key: value` cannot stand here",
            "align the key with the keys of its block; quote a text that holds `: `",
        ),
        ErrorKind::SimpleKeyExpected => (
            "this line is neither `key: value` nor `- item`",
            "put a space after the dash or the colon, or align the line with its block",
        ),
        ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::InvalidIndentation
        | ErrorKind::BlockSequenceEntryNotAllowed
        | ErrorKind::MappingKeyNotAllowed => (
            "the indentation does not fit the lines above",
            "align it with the other lines of its list or block",
        ),
        ErrorKind::UnexpectedCharacter { character: '@' | '`' | '%' } => {
            ("a text cannot begin with this character", "quote the whole text")
        }
        ErrorKind::UnknownQuotedScalarEscape => {
            ("YAML knows no such escape with a backslash", "use 'single quotes' for a text with backslashes")
        }
        other => return (format!("this is not YAML: {other}"), None),
    };
    (message.to_owned(), Some(help))
}
