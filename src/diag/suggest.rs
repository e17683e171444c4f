//! "Did you mean": the nearest of a few known words.

/// A longer word is no slip for any known one, and comparing it would take time.
const LONGEST_SLIP_BYTES: usize = 120;

/// The candidate nearest to `word`, when it is near enough to be a slip of the keyboard.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > LONGEST_SLIP_BYTES {
        return None;
    }
    let folded = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (similarity(&folded, &candidate.to_lowercase()), candidate))
        .filter(|(ratio, _)| *ratio >= 0.7)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, candidate)| candidate)
}

/// How alike two words are, 0 to 1, by the characters that a diff of them keeps.
fn similarity(left: &str, right: &str) -> f32 {
    similar::TextDiff::from_chars(left, right).ratio()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_corrected_and_another_word_is_not() {
        let known = ["users", "groups", "limits", "tenant"];
        assert_eq!(did_you_mean("user", known), Some("users"));
        assert_eq!(did_you_mean("Tennant", known), Some("tenant"));
        assert_eq!(did_you_mean("colour", known), None);
    }
}
