//! A run while it goes: a line and a countdown on a terminal, plain lines elsewhere.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use super::events::halted;
use super::output::Output;
use super::style::{Kind, Style};
use super::words::{count, duration, people, time_of_day};
use crate::apply::event::{Event, Told};
use crate::apply::outcome::Outcome;
use crate::clock::Clock;
use crate::graph::Throttled;
use crate::model::{SignedDuration, Timestamp};
use crate::plan::change::Action;

/// Shorter waits are pauses between two looks, not worth a line of their own.
const WORTH_A_LINE: SignedDuration = SignedDuration::from_secs(20);
/// How often the countdown is redrawn.
const REDRAW: Duration = Duration::from_millis(500);

/// Shows what a driver tells.
pub struct Progress {
    output: Output,
    style: Style,
    clock: Clock,
    bar: Option<ProgressBar>,
    wait: Wait,
    /// The last wait that got a line.
    told_until: Option<Timestamp>,
}

/// Until when the driver waits, and how many people are off meanwhile.
type Wait = Arc<Mutex<Option<(Timestamp, u64)>>>;

impl Progress {
    /// Draws a bar where stderr is a terminal and time is real; otherwise writes lines.
    pub fn new(output: Output, clock: &Clock) -> Self {
        let (style, clock, wait) = (output.error_style(), clock.clone(), Wait::default());
        Progress { output, style, clock, bar: None, wait, told_until: None }
    }

    /// Shows one event.
    pub fn tell(&mut self, told: &Told) {
        self.set_wait(None);
        match &told.event {
            Event::Due { subjects } => self.output.say(&due(*subjects)),
            Event::Over => self.finish(),
            Event::Begun { subjects } => {
                if *subjects > 0 && self.output.can_draw() && !self.clock.is_virtual() {
                    let bar = bar(&self.wait, self.clock.clone());
                    bar.set_length(*subjects as u64);
                    self.bar = Some(bar);
                }
            }
            Event::Started { subject, action: Action::Toggle | Action::Resume } => {
                if let Some(bar) = &self.bar {
                    bar.set_message(subject.name.clone());
                }
            }
            Event::Started { action: Action::Enable, .. } => {}
            Event::TurnedOff { subject, people: off } => {
                let whom = if *off == 1 { String::new() } else { format!(" ({})", people(*off)) };
                self.line(told.at, Kind::Toggle, "off", &format!("{subject}{whom}"));
            }
            Event::Members { subject, headcount } => {
                let word = if headcount.on { "members on" } else { "members off" };
                self.line(
                    told.at,
                    Kind::Dim,
                    word,
                    &format!("{subject}: {} of {}", headcount.shown, headcount.of),
                );
            }
            Event::VerifiedOff { subject, due } => {
                let due = format!("{subject}, on due at {}", time_of_day(*due));
                self.line(told.at, Kind::Toggle, "verified off", &due);
            }
            Event::TurnedOn { subject } => self.line(told.at, Kind::On, "on", &subject.name),
            // Told with the end of the subject, or of the run.
            Event::VerifiedOn { .. } | Event::Left { .. } => {}
            Event::WaitUntil { until, off } => self.waiting(told.at, *until, *off),
            Event::Throttled { pause, asked } => {
                let text = format!("{asked}: Graph asks to wait {}", duration(*pause));
                self.line(told.at, Kind::Dim, "throttled", &text);
            }
            Event::Ended { subject, end } => {
                self.ended(told.at, &subject.name, end.outcome);
            }
            Event::DateDoesNotMove { subject } => {
                let text =
                    format!("the date of {subject} did not move after its toggle: no further toggle starts");
                self.line(told.at, Kind::Bad, "stopped", &text);
            }
            Event::Halted { stop } => self.line(told.at, Kind::Bad, "stopped", &halted(stop)),
            Event::NothingNew => {
                let text = "nothing new is started; whoever is off is turned on when due";
                self.line(told.at, Kind::Bad, "stopped", text);
            }
            Event::Interrupted => self.line(told.at, Kind::Bad, "interrupted", "nothing new is started"),
        }
    }

    /// Takes the bar away.
    fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn ended(&mut self, at: Timestamp, name: &str, outcome: Outcome) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
        self.line(at, Kind::of(outcome), &outcome.as_str().replace('_', " "), name);
    }

    fn waiting(&mut self, now: Timestamp, until: Timestamp, off: u64) {
        self.set_wait(Some((until, off)));
        let left = until.duration_since(now);
        let is_new = self.told_until.replace(until) != Some(until);
        if self.bar.is_none() && left > WORTH_A_LINE && is_new {
            let left = duration(left);
            let who = if off > 0 { format!(", {} off", people(off)) } else { String::new() };
            self.line(now, Kind::Dim, "waiting", &format!("until {} ({left}){who}", time_of_day(until)));
        }
    }

    fn set_wait(&self, until: Option<(Timestamp, u64)>) {
        *self.wait.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    /// `10:00:05  off           adele.vance@contoso.com`.
    fn line(&self, at: Timestamp, kind: Kind, word: &str, rest: &str) {
        let pad = " ".repeat(12_usize.saturating_sub(word.len()));
        let text = format!("{}  {}{pad}  {rest}", time_of_day(at), self.style.paint(kind, word));
        match &self.bar {
            Some(bar) if !self.output.quiet => bar.println(text),
            Some(_) => {}
            None => self.output.say(&text),
        }
    }
}

/// `12/96  3 people off, next step in 34 min; Ctrl-C is safe`.
fn bar(wait: &Wait, clock: Clock) -> ProgressBar {
    let wait = Arc::clone(wait);
    let countdown = move |_: &ProgressState, text: &mut dyn std::fmt::Write| {
        let waiting = *wait.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((until, off)) = waiting {
            let left = duration(until.duration_since(clock.now()).max(SignedDuration::ZERO));
            _ = write!(text, "{} off, next step in {left}; Ctrl-C is safe", people(off));
        }
    };
    let style = ProgressStyle::with_template("{bar:20.green} {pos}/{len}  {left}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("left", countdown);
    let bar = ProgressBar::new(0).with_style(style);
    bar.enable_steady_tick(REDRAW);
    bar
}

/// `Turning on what earlier runs left off: 3 subjects.`
fn due(subjects: usize) -> String {
    format!("Turning on what earlier runs left off: {}.", count(subjects, "subject", "subjects"))
}

/// What is said while a read waits for Graph.
pub fn throttled(throttled: &Throttled, now: Timestamp) -> String {
    let why =
        throttled.status.map_or_else(|| "no usable answer".to_owned(), |status| format!("status {status}"));
    // Less than a second is not no time at all.
    let left = duration(throttled.until.duration_since(now).max(SignedDuration::from_secs(1)));
    format!("{}  waiting       {}: {why}, asking again in {left}", time_of_day(now), throttled.asked)
}
