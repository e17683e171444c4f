//! Texts of a tenant as they may be shown. Whoever may name a group or a user there must not be able
//! to paint on an administrator's terminal, or to write lines of their own into a plan.

/// The text with an escape, such as `\u{1b}`, for each character that a terminal would obey: controls,
/// line ends, and marks that turn the direction of what follows.
pub(super) fn plain(text: impl Into<String>) -> String {
    let text = text.into();
    // Most names are nothing but this, and they come by the million.
    let is_ordinary = |byte: &u8| matches!(byte, b' '..=b'~');
    if text.as_bytes().iter().all(is_ordinary) || !text.contains(is_obeyed) {
        return text;
    }
    let mut plain = String::with_capacity(text.len());
    for char in text.chars() {
        if is_obeyed(char) {
            plain.extend(char.escape_unicode());
        } else {
            plain.push(char);
        }
    }
    plain
}

fn is_obeyed(char: char) -> bool {
    let turns = matches!(char, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    char.is_control() || turns || matches!(char, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn what_a_terminal_would_obey_is_written_as_an_escape() {
        assert_eq!(
            plain("a\u{1b}[2J\nb\u{9b}c\u{202e}\u{2028}"),
            "a\\u{1b}[2J\\u{a}b\\u{9b}c\\u{202e}\\u{2028}"
        );
    }

    #[test]
    fn names_of_any_language_stay_as_they_are() {
        for name in ["E5 Legal", "O'Brien & Söhne #1", "法務部 🧾", "نگهبان\u{200c}ها"] {
            assert_eq!(plain(name), name);
        }
    }
}
