//! The headers of an answer, and texts from outside: on one line, of bounded length. What is made of
//! them is not decided here.

use http::HeaderMap;
use jiff::fmt::rfc2822;

use crate::model::{SignedDuration, Timestamp};

/// Longer texts are cut: a proxy may send a whole page as one.
pub(super) const TEXT_CHARS_MAX: usize = 600;

/// A header as text on one line.
pub(super) fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    scrubbed(headers, name, |text| text.to_owned())
}

/// The same without what must not be told. Before it is cut: half of a secret would not be found.
pub(super) fn scrubbed(headers: &HeaderMap, name: &str, scrub: impl Fn(&str) -> String) -> Option<String> {
    let text = headers.get(name).and_then(|value| value.to_str().ok());
    text.map(|text| one_line(&scrub(text))).filter(|text| !text.is_empty())
}

/// Without control characters, which could paint on a terminal, and not without end.
pub(super) fn one_line(text: &str) -> String {
    let clean = text.trim().chars().map(|char| if char.is_control() { ' ' } else { char });
    clean.take(TEXT_CHARS_MAX).collect()
}

/// `Retry-After`, in seconds or as an HTTP date. A date is compared with the answer's own `Date`,
/// so that a wrong clock on this machine does not matter.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<SignedDuration> {
    /// Longer is not believed; it only has to be longer than any patience.
    const LONGEST: SignedDuration = SignedDuration::from_hours(24);
    let value = header(headers, "retry-after")?;
    let wait = match value.parse::<u32>() {
        Ok(seconds) => SignedDuration::from_secs(i64::from(seconds)),
        Err(_) => http_date(&value)?.duration_since(date(headers).unwrap_or(now)),
    };
    Some(wait.clamp(SignedDuration::ZERO, LONGEST))
}

/// `Date`: what Graph's clock showed, cut to a second.
pub(super) fn date(headers: &HeaderMap) -> Option<Timestamp> {
    http_date(&header(headers, "date")?)
}

fn http_date(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")))
            .collect()
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_beside_the_date_of_the_answer() {
        let seconds =
            |pairs: &[(&'static str, &str)]| retry_after(&headers(pairs), NOW).map(|wait| wait.as_secs());
        assert_eq!(seconds(&[]), None);
        assert_eq!(seconds(&[("retry-after", "12")]), Some(12));
        assert_eq!(seconds(&[("retry-after", "Thu, 01 Jan 1970 00:01:30 GMT")]), Some(90));
        let date = ("date", "Sun, 22 Nov 2026 10:00:00 GMT");
        assert_eq!(seconds(&[("retry-after", "Sun, 22 Nov 2026 10:00:07 GMT"), date]), Some(7));
        assert_eq!(seconds(&[("retry-after", "Sun, 22 Nov 2026 09:59:00 GMT"), date]), Some(0));
        assert_eq!(seconds(&[("retry-after", "4294967295")]), Some(86_400));
        assert_eq!(seconds(&[("retry-after", "soon")]), None);
    }
}
