//! Single values of Graph's JSON. Those that come by the million (ids, words, times) are taken in as they are
//! read, without a copy of their text.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use crate::model::Timestamp;

/// An id, or a text that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guid {
    /// A GUID in the hyphenated form, in whatever case.
    Is(Uuid),
    /// Something else.
    Not(String),
}

impl Guid {
    /// Reads a text.
    pub fn of(text: &str) -> Self {
        match text.parse::<Hyphenated>() {
            Ok(id) => Guid::Is(id.into_uuid()),
            Err(_) => Guid::Not(text.to_owned()),
        }
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Guid::Is(id) => id.fmt(f),
            Guid::Not(text) => f.write_str(text),
        }
    }
}

/// A word of a small set, which Microsoft may enlarge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word(pub Cow<'static, str>);

/// The words that come with nearly every user.
const USUAL: [&str; 8] = [
    "Active",
    "None",
    "Enabled",
    "Deleted",
    "Error",
    "CountViolation",
    "ActiveWithError",
    "#microsoft.graph.user",
];

impl Word {
    fn of(text: &str) -> Self {
        let usual = USUAL.into_iter().find(|usual| *usual == text);
        Word(usual.map_or_else(|| Cow::Owned(text.to_owned()), Cow::Borrowed))
    }
}

/// A time, or a text that is none: a date that cannot be read is no date, and no date decides nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub Option<Timestamp>);

/// Reads a text by one of the functions above.
struct Text<T>(fn(&str) -> T);

impl<T> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        Ok((self.0)(text))
    }
}

impl<'de> Deserialize<'de> for Guid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text(Guid::of))
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text(Word::of))
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text(|text| Moment(usual_time(text).or_else(|| text.parse().ok()))))
    }
}

/// A time as Graph writes nearly all of them, `2026-11-20T08:00:00Z`: ten times as fast as the parser for every
/// kind of time, of which a tenant has millions. None for whatever is written otherwise, or is no time.
fn usual_time(text: &str) -> Option<Timestamp> {
    let bytes: &[u8; 20] = text.as_bytes().try_into().ok()?;
    if [bytes[4], bytes[7], bytes[10], bytes[13], bytes[16], bytes[19]] != *b"--T::Z" {
        return None;
    }
    let number = |digits: &[u8]| {
        digits
            .iter()
            .try_fold(0_i64, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0')))
    };
    let (year, month, day) = (number(&bytes[..4])?, number(&bytes[5..7])?, number(&bytes[8..10])?);
    let (hour, minute, second) = (number(&bytes[11..13])?, number(&bytes[14..16])?, number(&bytes[17..19])?);
    // Every month has 28 days; the others, and leap seconds, are for the parser.
    let is_usual =
        (1..=12).contains(&month) && (1..=28).contains(&day) && hour < 24 && minute < 60 && second < 60;
    if !is_usual || year == 0 {
        return None;
    }
    // Years that begin in March end with the leap day.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    const DAYS_TO_1970: i64 = 719_468;
    Timestamp::from_second((days - DAYS_TO_1970) * 86_400 + hour * 3_600 + minute * 60 + second).ok()
}

/// A number or a text, as a text: `200` and `"200"` say the same. Anything else is not said.
pub fn word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match deserializer.deserialize_any(Loose)? {
        Said::Text(text) => Some(text),
        Said::Flag(_) | Said::Nothing => None,
    })
}

/// A truth value, or its word. Anything else is not said: what is read so decides nothing.
pub fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    Ok(match deserializer.deserialize_any(Loose)? {
        Said::Flag(flag) => Some(flag),
        Said::Text(word) => word.to_ascii_lowercase().parse().ok(),
        Said::Nothing => None,
    })
}

/// What a value of any type says.
enum Said {
    Text(String),
    Flag(bool),
    Nothing,
}

struct Loose;

impl<'de> Visitor<'de> for Loose {
    type Value = Said;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Said, E> {
        Ok(Said::Flag(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Said, E> {
        Ok(Said::Text(number.to_string()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Said, E> {
        Ok(Said::Text(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Said, E> {
        Ok(Said::Text(number.to_string()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Said, E> {
        Ok(Said::Text(text.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Said, E> {
        Ok(Said::Nothing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Said, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Said::Nothing)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Said, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Said::Nothing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_in_any_case_and_what_is_none_is_kept() {
        let read = |text: &str| serde_json::from_str::<Guid>(text).expect("a text");
        assert_eq!(
            read("\"8A9B0C1D-0000-4000-8000-00000000000\\u0032\"").to_string(),
            "8a9b0c1d-0000-4000-8000-000000000002"
        );
        assert_eq!(read("\"odd\""), Guid::Not("odd".to_owned()));
        assert_eq!(
            read("\"8a9b0c1d000040008000000000000002\"").to_string(),
            "8a9b0c1d000040008000000000000002"
        );
        assert!(serde_json::from_str::<Guid>("7").is_err());
    }

    #[test]
    fn a_word_is_kept_whether_it_is_usual_or_not() {
        for text in ["Active", "Napping", ""] {
            let word: Word = serde_json::from_value(text.into()).expect("a text");
            assert_eq!(word.0, text);
        }
    }

    #[test]
    fn what_is_no_time_is_no_date_and_what_is_no_text_is_an_error() {
        let read = |text: &str| serde_json::from_str::<Moment>(text);
        assert!(read("\"2026-11-20T00:00:00Z\"").expect("a text").0.is_some());
        assert_eq!(read("\"yesterday\"").expect("a text"), Moment(None));
        assert!(read("5").is_err());
    }

    #[test]
    fn a_usual_time_is_what_the_parser_says() {
        for year in [1, 1600, 1899, 1900, 1970, 1999, 2000, 2023, 2024, 2026, 2100, 9999] {
            for month in 0..=13 {
                for day in [0, 1, 2, 27, 28, 29, 30, 31, 32] {
                    for clock in ["00:00:00", "23:59:59", "08:30:05", "24:00:00", "08:60:00", "08:00:60"] {
                        let text = format!("{year:04}-{month:02}-{day:02}T{clock}Z");
                        let parsed = text.parse::<Timestamp>().ok();
                        assert!(usual_time(&text).is_none_or(|time| Some(time) == parsed), "{text}");
                        let is_usual = day > 0 && day <= 28 && !clock.contains('4') && !clock.contains("60");
                        assert_eq!(usual_time(&text).is_some(), is_usual && parsed.is_some(), "{text}");
                    }
                }
            }
        }
        for odd in ["2026-11-20T08:00:00.1Z", "2026-11-20 08:00:00Z", "2026-11-2xT08:00:00Z", ""] {
            assert_eq!(usual_time(odd), None, "{odd}");
        }
    }

    #[test]
    fn odd_values_of_loose_fields_say_nothing() {
        let word = |text: &str| word(&mut serde_json::Deserializer::from_str(text)).expect("a value");
        assert_eq!((word("200"), word("\"x\"")), (Some("200".to_owned()), Some("x".to_owned())));
        for odd in ["null", "[1,[2]]", "{\"a\":{}}", "true"] {
            assert_eq!(word(odd), None, "{odd}");
        }
        let flag = |text: &str| flag(&mut serde_json::Deserializer::from_str(text)).expect("a value");
        assert_eq!(
            (flag("true"), flag("\"False\""), flag("1"), flag("{}")),
            (Some(true), Some(false), None, None)
        );
    }
}
