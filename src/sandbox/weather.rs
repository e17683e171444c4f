//! What goes wrong by chance: how often each thing does, and whether it does this time.
//!
//! Chance comes from the tenant's seed and the number of the request, never from how often it was
//! asked, so the same run meets the same weather again. It can be changed at any time: a simulation
//! lets it calm down to see that everything ends.

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::faults::{Fault, FaultAnswer};
use super::gate::Gate;
use super::group::Group;
use super::seed::Seed;
use super::tenant::Tenant;
use crate::model::{SignedDuration, UserId};

/// How often things go wrong, each in percent. What is left out never does.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Weather {
    /// 429 with `Retry-After`; nothing was done.
    #[serde(deserialize_with = "percent")]
    pub throttled: f64,
    /// 500, 502, 503 or 504, some with a page of HTML, some with `Retry-After`; nothing was done.
    #[serde(deserialize_with = "percent")]
    pub unavailable: f64,
    /// The connection is closed; nothing was done.
    #[serde(deserialize_with = "percent")]
    pub dropped: f64,
    /// The connection is closed after the work was done.
    #[serde(deserialize_with = "percent")]
    pub lost: f64,
    /// The answer breaks off in the middle; the work was done.
    #[serde(deserialize_with = "percent")]
    pub truncated: f64,
    /// 200 with a page of HTML from some proxy; the work was done, or it was not.
    #[serde(deserialize_with = "percent")]
    pub page: f64,
    /// Of writes: the body of the answer is empty; the work was done (GRAPH 4.1).
    #[serde(deserialize_with = "percent")]
    pub empty: f64,
    /// Of writes: they met another one in the tenant, 409 or 400; nothing was done (GRAPH 4.5).
    #[serde(deserialize_with = "percent")]
    pub conflict: f64,
    /// The token is refused from here on for one to four requests.
    #[serde(deserialize_with = "percent")]
    pub expired: f64,
    /// Of changes of a group: the last member and the end do not come before `stuckFor`.
    #[serde(deserialize_with = "percent")]
    pub stuck: f64,
    /// How long a stuck change takes.
    pub stuck_for: SignedDuration,
    /// Of members whom a change of a group reaches: they end in error (CountViolation) and stay so
    /// until somebody reprocesses them.
    #[serde(deserialize_with = "percent")]
    pub member_errors: f64,
}

impl Default for Weather {
    /// Nothing goes wrong.
    fn default() -> Self {
        Weather {
            throttled: 0.0,
            unavailable: 0.0,
            dropped: 0.0,
            lost: 0.0,
            truncated: 0.0,
            page: 0.0,
            empty: 0.0,
            conflict: 0.0,
            expired: 0.0,
            stuck: 0.0,
            // Longer than anybody waits for a group by default (the gate of two hours).
            stuck_for: SignedDuration::from_hours(6),
            member_errors: 0.0,
        }
    }
}

/// What can be struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A request of its own.
    Request,
    /// A part of a batch. The connection and the token are the batch's.
    Part,
    /// A batch as a whole.
    Batch,
}

/// A kind of thing that goes wrong with a request.
#[derive(Clone, Copy)]
enum Kind {
    Throttled,
    Unavailable,
    Dropped,
    Lost,
    Truncated,
    Page,
    Empty,
    Conflict,
}

impl Kind {
    /// Whether it can meet that.
    fn meets(self, place: Place, is_write: bool) -> bool {
        match self {
            Kind::Throttled | Kind::Unavailable => true,
            Kind::Dropped | Kind::Lost | Kind::Truncated | Kind::Page => place != Place::Part,
            Kind::Empty | Kind::Conflict => is_write,
        }
    }
}

/// The longest stretch of requests for which a token is refused.
const LONGEST_STRETCH: u64 = 4;

/// Whole numbers from 0 up to 100 %.
const FINE: u64 = 1_000_000;

impl Weather {
    /// Nothing goes wrong.
    pub fn calm() -> Self {
        Weather::default()
    }

    /// What goes wrong with the request of that number.
    fn draw(&self, seed: Seed, number: u64, place: Place, is_write: bool) -> Option<Fault> {
        let chance = Chance { seed, number, place };
        if place != Place::Part && self.is_expired(seed, number) {
            return Some(fault(FaultAnswer::Status(401), None));
        }
        let mut roll = chance.below(FINE, "kind");
        for (kind, share) in self.kinds().into_iter().filter(|(kind, _)| kind.meets(place, is_write)) {
            let share = parts(share);
            if roll < share {
                return Some(chance.fault(kind));
            }
            roll -= share;
        }
        None
    }

    fn kinds(&self) -> [(Kind, f64); 8] {
        [
            (Kind::Throttled, self.throttled),
            (Kind::Unavailable, self.unavailable),
            (Kind::Dropped, self.dropped),
            (Kind::Lost, self.lost),
            (Kind::Truncated, self.truncated),
            (Kind::Page, self.page),
            (Kind::Empty, self.empty),
            (Kind::Conflict, self.conflict),
        ]
    }

    /// Whether a stretch without a token that counts began at this request or a little before.
    fn is_expired(&self, seed: Seed, number: u64) -> bool {
        let began = |first: u64| {
            let chance = Chance { seed, number: first, place: Place::Request };
            let length = 1 + chance.below(LONGEST_STRETCH, "stretch");
            number - first < length && chance.below(FINE, "expired") < parts(self.expired)
        };
        self.expired > 0.0 && (number.saturating_sub(LONGEST_STRETCH - 1)..=number).any(began)
    }
}

/// The chance of one request.
struct Chance {
    seed: Seed,
    number: u64,
    place: Place,
}

impl Chance {
    fn below(&self, end: u64, word: &str) -> u64 {
        let place = match self.place {
            Place::Request | Place::Part => "request",
            Place::Batch => "batch",
        };
        self.seed.below(end, &["weather", place, &self.number.to_string(), word])
    }

    fn fault(&self, kind: Kind) -> Fault {
        let pause = 1 + self.below(30, "pause");
        let two = self.below(2, "which") == 0;
        match kind {
            Kind::Throttled => fault(FaultAnswer::Status(429), Some(pause)),
            Kind::Unavailable => {
                let answer = match self.below(5, "status") {
                    0 => FaultAnswer::Status(500),
                    1 => FaultAnswer::Status(502),
                    2 => FaultAnswer::Status(504),
                    3 => FaultAnswer::Html,
                    _ => FaultAnswer::Status(503),
                };
                fault(answer, two.then_some(pause))
            }
            Kind::Dropped => fault(FaultAnswer::Dropped, None),
            Kind::Lost => fault(FaultAnswer::Lost, None),
            Kind::Truncated => fault(FaultAnswer::Truncated, None),
            Kind::Page if two => fault(FaultAnswer::PageInstead, None),
            Kind::Page => fault(FaultAnswer::PageAfter, None),
            Kind::Empty => fault(FaultAnswer::Empty, None),
            Kind::Conflict if two => fault(FaultAnswer::Conflict, None),
            Kind::Conflict => fault(FaultAnswer::Status(409), None),
        }
    }
}

fn fault(answer: FaultAnswer, retry_after: Option<u64>) -> Fault {
    Fault { request: None, write: None, answer, retry_after, times: 1 }
}

/// Percent in parts of [`FINE`].
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates, as it should")]
fn parts(percent: f64) -> u64 {
    (percent * 10_000.0) as u64
}

fn percent<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let share = f64::deserialize(from)?;
    if (0.0..=100.0).contains(&share) {
        return Ok(share);
    }
    Err(D::Error::custom(format!("`{share}` is no percentage: it goes from 0 to 100")))
}

impl Gate {
    /// What goes wrong with the request that was just counted: what is written down for it, or what
    /// chance brings.
    pub(super) fn fault(&mut self, seed: Seed, is_write: bool, place: Place) -> Option<Fault> {
        let counters = self.counters;
        let written = self.faults.due(counters.requests, is_write.then_some(counters.writes)).cloned();
        let fault = written.or_else(|| self.drawn(seed, counters.requests, is_write, place))?;
        self.count_fault(fault.answer.word());
        Some(fault)
    }

    /// What goes wrong with a whole batch, which is no request of its own unless it is struck.
    pub(super) fn fault_of_batch(&mut self, seed: Seed) -> Option<Fault> {
        let fault = self.drawn(seed, self.counters.requests + 1, false, Place::Batch)?;
        self.count_fault(fault.answer.word());
        Some(fault)
    }

    fn drawn(&self, seed: Seed, number: u64, is_write: bool, place: Place) -> Option<Fault> {
        if self.weather == Weather::calm() {
            return None;
        }
        self.weather.draw(seed, number, place, is_write)
    }
}

impl Tenant {
    /// Replaces what goes wrong by chance. What a stuck group is waiting for stays.
    pub fn set_weather(&mut self, weather: Weather) {
        self.own_gate().weather = weather;
    }

    /// Whether this change of a group hangs, and for how long.
    pub(super) fn is_stuck(&mut self, group: &Group) -> Option<SignedDuration> {
        let words = ["stuck", &group.id.to_string(), &group.changes.to_string()];
        let draw = self.settings.seed.below(FINE, &words);
        let gate = self.own_gate();
        let is_stuck = draw < parts(gate.weather.stuck);
        is_stuck.then(|| {
            gate.count_fault("stuck");
            gate.weather.stuck_for
        })
    }

    /// Whether this change of a group leaves that member in error.
    pub(super) fn is_member_error(&mut self, group: &Group, user: UserId) -> bool {
        let seed = self.settings.seed;
        let gate = self.own_gate();
        let share = parts(gate.weather.member_errors);
        // A draw for each member of a large group takes long.
        let words = ["member", &group.id.to_string(), &group.changes.to_string(), &user.to_string()];
        let is_error = share > 0 && seed.below(FINE, &words) < share;
        if is_error {
            gate.count_fault("memberError");
        }
        is_error
    }
}

#[cfg(test)]
mod tests;
