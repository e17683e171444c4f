//! A number of people: a count, or a share of the declared people.

use std::fmt;
use std::str::FromStr;

/// A limit as the manifest writes it: `25`, or `10%`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// That many.
    Count(u64),
    /// That share of the declared people, in percent, 0 to 100.
    Share(u8),
}

impl Amount {
    /// How many of `people` that is; a share is rounded down and never below `floor`.
    pub fn of(self, people: u64, floor: u64) -> u64 {
        match self {
            Amount::Count(count) => count,
            Amount::Share(percent) => (people * u64::from(percent) / 100).max(floor),
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Amount::Count(count) => write!(f, "{count}"),
            Amount::Share(percent) => write!(f, "{percent}%"),
        }
    }
}

impl FromStr for Amount {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is neither a count such as `50` nor a share such as `10%`");
        match text.strip_suffix('%') {
            None => text.parse().map(Amount::Count).map_err(|_| wrong()),
            Some(percent) => match percent.trim_end().parse::<u8>() {
                Ok(percent) if percent <= 100 => Ok(Amount::Share(percent)),
                Ok(_) => Err(format!("`{text}` is more than 100%")),
                Err(_) => Err(wrong()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_down_and_has_a_floor() {
        assert_eq!(Amount::Share(10).of(209, 10), 20);
        assert_eq!(Amount::Share(10).of(96, 10), 10);
        assert_eq!(Amount::Count(3).of(1_000_000, 20), 3);
    }

    #[test]
    fn what_is_no_amount_says_so() {
        assert!("101%".parse::<Amount>().expect_err("too much").contains("more than 100%"));
        assert!("ten".parse::<Amount>().expect_err("a word").contains("`ten`"));
        assert!("-5".parse::<Amount>().is_err());
    }
}
