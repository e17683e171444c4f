//! A time zone by its name, a time of day, the days of a week: what a wall clock somewhere shows.
//!
//! Zones come from the database in the program and not from the machine: a container has none, and a plan
//! must mean the same where it is reviewed and where it is carried out.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};

/// Why a text is no zone, day or time of day, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct NoTime {
    /// What is wrong with it.
    pub what: String,
    /// What to write.
    pub help: String,
}

impl NoTime {
    pub(super) fn new(what: impl Into<String>, help: impl Into<String>) -> Self {
        NoTime { what: what.into(), help: help.into() }
    }
}

/// A time zone, such as `Europe/Berlin` or `UTC`.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// The date there at that time.
    pub fn date(&self, at: Timestamp) -> Date {
        self.0.to_datetime(at).date()
    }

    /// The first moment of that date, or after it, at which the clocks there show that time or a later one:
    /// where they are set back the earlier of two, where they are set forward over it the moment of that.
    /// None beyond the end of time.
    pub fn first(&self, date: Date, time: TimeOfDay) -> Option<Timestamp> {
        let date = if time == TimeOfDay::MIDNIGHT_AFTER { date.tomorrow().ok()? } else { date };
        let local = date.to_datetime(time.civil());
        let moment = self.0.to_ambiguous_timestamp(local);
        match moment.offset() {
            AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => moment.earlier().ok(),
            AmbiguousOffset::Gap { .. } => {
                let before = moment.earlier().ok()?;
                self.0.following(before).next().map(|change| change.timestamp())
            }
        }
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or("UTC"))
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({self})")
    }
}

impl FromStr for Zone {
    type Err = NoTime;

    fn from_str(text: &str) -> Result<Self, NoTime> {
        const HELP: &str = "write the name of a zone, such as `Europe/Berlin` or `UTC`";
        if text == "Z" {
            return Ok(Zone(TimeZone::UTC));
        }
        if text.starts_with(['+', '-']) {
            let what = format!("`{text}` is an offset, which summer time would move");
            return Err(NoTime::new(what, HELP));
        }
        match TimeZone::get(text) {
            Ok(zone) if !zone.is_unknown() => Ok(Zone(zone)),
            Ok(_) | Err(_) => Err(NoTime::new(format!("no time zone is called `{text}`"), HELP)),
        }
    }
}

/// The names of all zones, for "did you mean".
pub fn zone_names() -> Vec<String> {
    jiff::tz::db().available().map(|name| name.to_string()).collect()
}

/// A time of day to the minute, up to the `24:00` at which a day ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay {
    minutes: u16,
}

impl TimeOfDay {
    /// `24:00`.
    pub const MIDNIGHT_AFTER: TimeOfDay = TimeOfDay { minutes: 24 * 60 };

    fn civil(self) -> Time {
        let (hour, minute) = (self.minutes / 60 % 24, self.minutes % 60);
        // Both are far below 128.
        Time::new(i8::try_from(hour).unwrap_or(0), i8::try_from(minute).unwrap_or(0), 0, 0)
            .unwrap_or(Time::midnight())
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.minutes / 60, self.minutes % 60)
    }
}

impl FromStr for TimeOfDay {
    type Err = NoTime;

    fn from_str(text: &str) -> Result<Self, NoTime> {
        let wrong = || NoTime::new(format!("`{text}` is no time of day"), "write it as `22:00`");
        let (hours, minutes) = text.split_once(':').ok_or_else(wrong)?;
        let number = |text: &str, digits: std::ops::RangeInclusive<usize>| {
            let is_number = digits.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| text.parse::<u16>().ok()).flatten()
        };
        match (number(hours, 1..=2), number(minutes, 2..=2)) {
            (Some(hours @ 0..=23), Some(minutes @ 0..=59)) => Ok(TimeOfDay { minutes: hours * 60 + minutes }),
            (Some(24), Some(0)) => Ok(TimeOfDay::MIDNIGHT_AFTER),
            _ => Err(wrong()),
        }
    }
}

/// The days of a week, in its order.
const WEEK: [(Weekday, &str, &str); 7] = [
    (Weekday::Monday, "Mon", "Monday"),
    (Weekday::Tuesday, "Tue", "Tuesday"),
    (Weekday::Wednesday, "Wed", "Wednesday"),
    (Weekday::Thursday, "Thu", "Thursday"),
    (Weekday::Friday, "Fri", "Friday"),
    (Weekday::Saturday, "Sat", "Saturday"),
    (Weekday::Sunday, "Sun", "Sunday"),
];

/// Some days of the week: `Sat`, `Sat,Sun`, `Mon-Fri`, `daily`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days([bool; 7]);

impl Days {
    /// Every day.
    pub const DAILY: Days = Days([true; 7]);

    /// Whether that date is one of them.
    pub fn has(self, date: Date) -> bool {
        let at = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or(0);
        self.0.get(at).copied().unwrap_or(false)
    }
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Days::DAILY {
            return f.write_str("daily");
        }
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for at in (0..7).filter(|at| self.0[*at]) {
            match runs.last_mut() {
                Some((_, last)) if *last + 1 == at => *last = at,
                _ => runs.push((at, at)),
            }
        }
        let words = runs.iter().map(|(first, last)| match last - first {
            0 => WEEK[*first].1.to_owned(),
            1 => format!("{},{}", WEEK[*first].1, WEEK[*last].1),
            _ => format!("{}-{}", WEEK[*first].1, WEEK[*last].1),
        });
        f.write_str(&words.collect::<Vec<_>>().join(","))
    }
}

impl FromStr for Days {
    type Err = NoTime;

    fn from_str(text: &str) -> Result<Self, NoTime> {
        if text.eq_ignore_ascii_case("daily") {
            return Ok(Days::DAILY);
        }
        let mut days = Days([false; 7]);
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (day(first, text)?, day(last, text)?);
            // `Fri-Mon` goes over the end of the week.
            let length = (last + 7 - first) % 7;
            (0..=length).for_each(|ahead| days.0[(first + ahead) % 7] = true);
        }
        Ok(days)
    }
}

/// Which day of the week that word is.
fn day(word: &str, text: &str) -> Result<usize, NoTime> {
    let is = |(_, short, long): &(Weekday, &str, &str)| {
        word.eq_ignore_ascii_case(short) || word.eq_ignore_ascii_case(long)
    };
    WEEK.iter().position(is).ok_or_else(|| {
        let what = format!("`{text}` are no days of the week");
        NoTime::new(what, "write days as `Sat`, `Sat,Sun`, `Mon-Fri` or `daily`")
    })
}
