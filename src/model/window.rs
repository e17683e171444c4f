//! When toggles may start, and by when everybody must be back on, as a manifest says it. What follows from
//! it for a moment is `plan::calendar`'s.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use super::zone::{Days, NoTime, TimeOfDay, Zone};

/// What a window looks like.
const WINDOW: &str = "write days, from, to and zone, such as `Sat 22:00-04:00 Europe/Berlin`";

/// `Sat 22:00-04:00 Europe/Berlin`: what is past midnight belongs to the day on which it began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// On which days it opens.
    pub days: Days,
    /// When it opens.
    pub opens: TimeOfDay,
    /// When it closes: on the same day, or on the next one when that is not later than it opens.
    pub closes: TimeOfDay,
    /// Whose clocks are meant.
    pub zone: Zone,
}

impl Window {
    /// Whether it closes on the day after.
    pub fn is_over_midnight(&self) -> bool {
        self.closes < self.opens
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Window { days, opens, closes, zone } = self;
        write!(f, "{days} {opens}-{closes} {zone}")
    }
}

impl FromStr for Window {
    type Err = NoTime;

    fn from_str(text: &str) -> Result<Self, NoTime> {
        let wrong = || NoTime::new(format!("`{text}` is no window"), WINDOW);
        let joined = text.split(" - ").map(str::trim).collect::<Vec<_>>().join("-");
        let words: Vec<&str> = joined.split_whitespace().collect();
        let (days, times, zone) = match words.as_slice() {
            [.., times] if is_times(times) => {
                return Err(NoTime::new(format!("`{text}` has no time zone"), WINDOW));
            }
            [days @ .., times, zone] => (days.concat(), times, zone),
            _ => return Err(wrong()),
        };
        let (opens, closes) = times.split_once('-').ok_or_else(wrong)?;
        let days = if days.is_empty() { Days::DAILY } else { days.parse()? };
        let window = Window { days, opens: opens.parse()?, closes: closes.parse()?, zone: zone.parse()? };
        if window.opens == window.closes || window.opens == TimeOfDay::MIDNIGHT_AFTER {
            let what = format!("`{text}` opens when it closes");
            return Err(NoTime::new(what, "write `00:00-24:00` for whole days"));
        }
        Ok(window)
    }
}

/// Whether that looks like `22:00-04:00` and not like the name of a zone.
fn is_times(word: &str) -> bool {
    word.contains(':') && word.starts_with(|first: char| first.is_ascii_digit())
}

/// By when whoever went off must be back on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deadline {
    /// Again and again: `07:00 Europe/Berlin`, `Sun 07:00 Europe/Berlin`.
    Every {
        /// On which days.
        days: Days,
        /// At what time.
        time: TimeOfDay,
        /// Whose clocks are meant.
        zone: Zone,
    },
    /// Once; after that nobody goes off any more.
    Once(Timestamp),
}

impl fmt::Display for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Deadline::Every { days, time, zone } if *days == Days::DAILY => write!(f, "{time} {zone}"),
            Deadline::Every { days, time, zone } => write!(f, "{days} {time} {zone}"),
            Deadline::Once(at) => write!(f, "{at}"),
        }
    }
}

impl FromStr for Deadline {
    type Err = NoTime;

    fn from_str(text: &str) -> Result<Self, NoTime> {
        const HELP: &str = "write a time of day and its zone, such as `07:00 Europe/Berlin` or `Sun 07:00 Europe/Berlin`, or \
             one moment such as `2026-11-29T07:00:00+01:00`";
        if let Ok(at) = text.parse::<Timestamp>() {
            return Ok(Deadline::Once(at));
        }
        let wrong = || NoTime::new(format!("`{text}` is neither a time of day nor a moment"), HELP);
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            [.., time] if is_times(time) => Err(NoTime::new(format!("`{text}` has no time zone"), HELP)),
            [days @ .., time, zone] if is_times(time) => {
                let days = days.concat();
                let days = if days.is_empty() { Days::DAILY } else { days.parse()? };
                Ok(Deadline::Every { days, time: time.parse()?, zone: zone.parse()? })
            }
            _ => Err(wrong()),
        }
    }
}

/// How toggles are spread over time and people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rollout {
    /// So many people go off first, and nobody else before they are seen back on.
    pub canary: Option<u64>,
    /// After so many failed toggles no further one starts.
    pub max_failures: Option<u64>,
    /// Toggles start only in these; always, where there is none.
    pub windows: Vec<Window>,
    /// A toggle starts only if it can be back on by then.
    pub must_be_on_by: Option<Deadline>,
}

impl Rollout {
    /// Whether the time of day matters to it.
    pub fn has_times(&self) -> bool {
        !self.windows.is_empty() || self.must_be_on_by.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown<T: FromStr<Err = NoTime> + fmt::Display>(text: &str) -> String {
        text.parse::<T>().map_or_else(|wrong| wrong.what, |value| value.to_string())
    }

    #[test]
    fn a_window_is_written_back_as_it_is_usually_written() {
        for (text, back) in [
            ("Sat 22:00-04:00 Europe/Berlin", "Sat 22:00-04:00 Europe/Berlin"),
            ("sat,SUN 9:30-12:00 utc", "Sat,Sun 09:30-12:00 UTC"),
            ("Mon-Fri 00:00 - 24:00 Z", "Mon-Fri 00:00-24:00 UTC"),
            ("Friday - Monday 22:00-23:00 america/new_york", "Mon,Fri-Sun 22:00-23:00 America/New_York"),
            ("daily 01:00-02:00 Asia/Kolkata", "daily 01:00-02:00 Asia/Kolkata"),
            ("01:00-02:00 UTC", "daily 01:00-02:00 UTC"),
        ] {
            assert_eq!(shown::<Window>(text), back);
            assert_eq!(shown::<Window>(back), back, "again");
        }
    }

    #[test]
    fn what_is_no_window_says_why() {
        for (text, why) in [
            ("nights", "`nights` is no window"),
            ("Sat 22:00-04:00", "`Sat 22:00-04:00` has no time zone"),
            ("Sat 22:00-04:00 Mars/Base", "no time zone is called `Mars/Base`"),
            ("Sat 22:00-04:00 +01:00", "`+01:00` is an offset, which summer time would move"),
            ("Sat 22:00-25:00 UTC", "`25:00` is no time of day"),
            ("Sat 22-04 UTC", "`22` is no time of day"),
            ("Samstag 22:00-04:00 UTC", "`Samstag` are no days of the week"),
            ("Sat 22:00-22:00 UTC", "`Sat 22:00-22:00 UTC` opens when it closes"),
        ] {
            assert_eq!(shown::<Window>(text), why);
        }
    }

    #[test]
    fn a_deadline_is_a_time_of_day_or_one_moment() {
        assert_eq!(shown::<Deadline>("07:00 Europe/Berlin"), "07:00 Europe/Berlin");
        assert_eq!(shown::<Deadline>("Sun 7:00 europe/berlin"), "Sun 07:00 Europe/Berlin");
        assert_eq!(shown::<Deadline>("2026-11-29T07:00:00+01:00"), "2026-11-29T06:00:00Z");
        assert_eq!(shown::<Deadline>("07:00"), "`07:00` has no time zone");
        assert_eq!(shown::<Deadline>("tomorrow"), "`tomorrow` is neither a time of day nor a moment");
        assert_eq!(shown::<Deadline>("Sun 7 UTC"), "`Sun 7 UTC` is neither a time of day nor a moment");
    }
}
