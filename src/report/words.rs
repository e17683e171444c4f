//! Numbers, times and durations as people say them.

use crate::model::{SignedDuration, Timestamp};

/// `1 person`, `3 people`.
pub(super) fn people(count: u64) -> String {
    if count == 1 { "1 person".into() } else { format!("{} people", number(count)) }
}

/// `1 user`, `3 users`.
pub(super) fn count(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{} {many}", number(count as u64)) }
}

/// `12,345`.
pub(super) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `2 s`, `60 min`, `2 h 30 min`; rounded to what matters.
pub(super) fn duration(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    // From ten minutes on only minutes are said, the nearest: an hour but a second is an hour.
    let seconds = if seconds < 600 { seconds } else { seconds.saturating_add(30) / 60 * 60 };
    let (minutes, rest) = (seconds / 60, seconds % 60);
    match (minutes, rest) {
        (0, _) => format!("{seconds} s"),
        (1..10, 1..) => format!("{minutes} min {rest} s"),
        (..=119, _) => format!("{minutes} min"),
        (_, _) if minutes % 60 == 0 => format!("{} h", minutes / 60),
        (_, _) => format!("{} h {} min", minutes / 60, minutes % 60),
    }
}

/// `2026-11-22 10:00:05 UTC`.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// `10:00:05`, UTC.
pub(super) fn time_of_day(at: Timestamp) -> String {
    at.strftime("%H:%M:%S").to_string()
}

/// Breaks a text between words so that no line is wider than `width` where that can be had; every
/// line after the first is indented by `indent` columns, the first one is taken to start there too.
pub(super) fn wrap(text: &str, indent: usize, width: usize) -> String {
    let room = width.saturating_sub(indent).max(20);
    let (mut wrapped, mut used) = (String::with_capacity(text.len()), 0);
    for word in text.split(' ') {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > room {
            wrapped.push('\n');
            wrapped.extend(std::iter::repeat_n(' ', indent));
            used = 0;
        } else if used > 0 {
            wrapped.push(' ');
            used += 1;
        }
        wrapped.push_str(word);
        used += length;
    }
    wrapped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_durations_are_short() {
        assert_eq!(number(1_234_567), "1,234,567");
        assert_eq!(number(999), "999");
        assert_eq!(duration(SignedDuration::from_secs(2)), "2 s");
        assert_eq!(duration(SignedDuration::from_mins(60)), "60 min");
        assert_eq!(duration(SignedDuration::from_secs(95)), "1 min 35 s");
        assert_eq!(duration(SignedDuration::from_secs(3599)), "60 min");
        assert_eq!(duration(SignedDuration::from_mins(150)), "2 h 30 min");
    }

    #[test]
    fn long_lists_of_names_are_broken_between_words() {
        assert_eq!(wrap("one two three", 2, 30), "one two three");
        assert_eq!(wrap("aaaaaaaaaa, bbbbbbbbbb, c", 4, 24), "aaaaaaaaaa,\n    bbbbbbbbbb, c");
    }
}
