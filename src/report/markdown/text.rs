//! Texts from outside as Markdown that shows them and does nothing else: no element, no mention, no link to
//! an issue, no broken table. They never begin a line, so what counts only there needs no care.

use crate::model::SubjectKind;
use crate::report::json::v1::common::SubjectName;
use crate::report::remarks::plain;

/// Characters of a name that are shown.
const NAME: usize = 100;
/// Characters of a reason, a message or a next step that are shown.
const SENTENCE: usize = 300;

/// A space of no width: after `@` and the like it keeps GitHub and GitLab from making a link of what follows,
/// which they do after Markdown, so that escaping alone does not help.
const APART: &str = "&#8203;";

/// A sentence.
pub(super) fn sentence(text: &str) -> String {
    escaped(&plain(text, SENTENCE))
}

/// A sentence that we wrote, maybe about somebody whom others named: what stands between two backticks is a
/// word of ours (`` `protect` ``) and is shown as code. Nothing but plain words can become that.
pub(super) fn spoken(text: &str) -> String {
    let text = plain(text, SENTENCE);
    let mut out = String::with_capacity(text.len() + text.len() / 4);
    let mut rest = text.as_str();
    while let Some((before, word, after)) = next_word(rest) {
        out.push_str(&escaped(before));
        out.push_str(&format!("`{word}`"));
        rest = after;
    }
    out + &escaped(rest)
}

/// What is before the next word between two single backticks, the word, and what is after it.
fn next_word(text: &str) -> Option<(&str, &str, &str)> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " ._:=/-".contains(c);
    text.match_indices('`').find_map(|(at, _)| {
        let (before, rest) = (&text[..at], &text[at + 1..]);
        let (word, after) = rest.split_once('`')?;
        let is_single = !before.ends_with('`') && !after.starts_with('`');
        let is_word = !word.is_empty() && word.trim() == word && word.chars().all(is_plain);
        (is_single && is_word).then_some((before, word, after))
    })
}

/// A command as code, whole.
pub(super) fn command(text: &str) -> String {
    if text.contains(['`', '|', '\\', '$']) {
        format!("<code>{}</code>", escaped(text))
    } else {
        format!("`{text}`")
    }
}

/// A name as code, which neither of them looks into.
pub(super) fn code(text: &str) -> String {
    let text = plain(text, NAME);
    // A code span cannot hold a backtick without a longer fence, nor a table cell a bar.
    if text.is_empty() || text.contains(['`', '|', '\\', '$']) {
        format!("<code>{}</code>", escaped(&text))
    } else {
        format!("`{text}`")
    }
}

/// `` `adele@contoso.com` ``, `` group `E5 Legal` ``.
pub(super) fn subject(subject: &SubjectName) -> String {
    match subject.kind {
        SubjectKind::User => code(&subject.name),
        SubjectKind::Group => format!("group {}", code(&subject.name)),
    }
}

/// A text as one word of a shell, in quotes where it needs them; none where it cannot be shown as it is, or
/// would be taken for an option.
pub(super) fn shell_word(text: &str) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./_-".contains(c);
    if text.is_empty() || text.starts_with('-') || plain(text, SENTENCE) != text {
        return None;
    }
    let is_word = text.chars().all(is_plain);
    Some(if is_word { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) })
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 4);
    let mut before = ['\0'; 3];
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let ends_word = rest.peek().is_none_or(|next| next.is_whitespace());
        let is_time = before[2].is_ascii_digit() && rest.peek().is_some_and(char::is_ascii_digit);
        match c {
            '$' => out.push_str("<span>\\$</span>"), // by itself it is no mathematics, as GitHub advises
            // A table is cut into cells before anything else is looked at.
            '|' => out.push_str("&#124;"),
            '`' => out.push_str("&#96;"),
            '\\' | '*' | '_' | '[' | ']' | '<' | '>' | '~' | '&' | '!' | '#' | '@' | '^' => {
                out.extend(['\\', c]);
            }
            '.' if is(before, "www") => out.push_str("\\."),
            _ => out.push(c),
        }
        let begins_a_link = matches!(c, '@' | '#' | '!' | '~' | '%' | '^' | '&') || (c == ':' && !is_time);
        // `GH-12` is an issue.
        let is_issue = c == '-' && is([before[1], before[2], '\0'], "gh\0");
        if (begins_a_link && !ends_word) || is_issue {
            out.push_str(APART);
        }
        before = [before[1], before[2], c];
    }
    out
}

fn is(before: [char; 3], word: &str) -> bool {
    before.iter().map(char::to_ascii_lowercase).eq(word.chars())
}
