//! A share of people, finer than a percent: groups of a large tenant can be small.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

/// All of them.
const WHOLE: u32 = 1_000_000;

/// A part of all, in millionths: `30%`, `0.05%`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u32);

impl Share {
    /// So many tenths of a percent.
    pub const fn per_mille(tenths: u32) -> Self {
        Share(tenths * 1_000)
    }

    /// In millionths.
    pub fn parts(self) -> u64 {
        u64::from(self.0)
    }

    /// Whether a draw hits it. A draw is any number, all of them equally likely.
    pub fn hits(self, draw: u64) -> bool {
        below(draw, u64::from(WHOLE)) < self.parts()
    }

    /// A tenth of it.
    pub fn tenth(self) -> Self {
        Share(self.0 / 10)
    }
}

/// Brings a draw down to a number below `end`, all of them equally likely.
pub fn below(draw: u64, end: u64) -> u64 {
    let scaled = (u128::from(draw) * u128::from(end)) >> 64;
    u64::try_from(scaled).unwrap_or(0)
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no share such as `5%` or `0.25%`");
        let number = text.strip_suffix('%').ok_or_else(wrong)?.trim_end();
        let (whole, rest) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(rest) || rest.len() > 4 || whole.len() > 3 {
            return Err(wrong());
        }
        let parts: u32 = format!("{whole}{rest:0<4}").parse().map_err(|_| wrong())?;
        if parts > WHOLE { Err(format!("`{text}` is more than 100%")) } else { Ok(Share(parts)) }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 10_000, self.0 % 10_000);
        if rest == 0 {
            return write!(f, "{whole}%");
        }
        let rest = format!("{rest:04}");
        write!(f, "{whole}.{}%", rest.trim_end_matches('0'))
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_read_and_shown_in_percent() {
        for text in ["30%", "0.05%", "100%", "0%", "2.5%", "0.0001%"] {
            assert_eq!(text.parse::<Share>().expect(text).to_string(), text);
        }
        for wrong in ["30", "101%", "-1%", "0.00001%", ".5%", "a%", "%"] {
            assert!(wrong.parse::<Share>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_share_hits_that_often() {
        let share: Share = "25%".parse().expect("a share");
        let step = u64::MAX / 1_000;
        let hits = (0..1_000).filter(|draw| share.hits(draw * step)).count();
        assert!((249..=251).contains(&hits), "{hits}");
        assert!(!Share::default().hits(0) && Share::per_mille(1_000).hits(u64::MAX));
    }
}
