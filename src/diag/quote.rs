//! A word of the user's, as it is quoted in a message.

/// Longer words are cut: a message is one line, and the underline shows the rest.
const QUOTED_CHARACTERS: usize = 60;

/// The word in backticks, cut when it is long; characters that a terminal would obey, or not show,
/// are written as escapes.
pub fn quoted(word: &str) -> String {
    let mut text = String::from("`");
    for (index, character) in word.chars().enumerate() {
        if index == QUOTED_CHARACTERS {
            text.push('…');
            break;
        }
        if character.is_control() || is_invisible(character) {
            text.extend(character.escape_unicode());
        } else {
            text.push(character);
        }
    }
    text.push('`');
    text
}

/// Whether a character shows nothing, or changes the direction of what follows it. Copied along
/// from chats and web pages, it makes two names look the same that are not. The joiners that Persian
/// and emoji need (U+200C, U+200D) are not counted.
pub fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_word_is_short_and_harmless() {
        assert_eq!(quoted("E5 Legal"), "`E5 Legal`");
        assert_eq!(quoted("\u{1b}[2J\u{200b}"), "`\\u{1b}[2J\\u{200b}`");
        assert_eq!(quoted(&"x".repeat(10_000)).chars().count(), QUOTED_CHARACTERS + 3);
    }
}
