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
        deserializer.deserialize_str(Text(|text| Moment(text.parse().ok())))
    }
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
