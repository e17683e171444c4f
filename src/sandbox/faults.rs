//! What goes wrong, and when: the n-th request or the n-th write gets another answer.
//!
//! A list that a test or a tenant file writes down. What goes wrong by chance is in `weather`; quotas
//! are not here yet.

use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// One thing that goes wrong.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fault {
    /// The n-th request, counted from 1. Parts of a batch count, the batch itself does not.
    pub request: Option<u64>,
    /// The n-th `assignLicense`, counted from 1.
    pub write: Option<u64>,
    /// What comes instead of the answer.
    pub answer: FaultAnswer,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<u64>,
    /// How many requests or writes in a row.
    #[serde(default = "once")]
    pub times: u64,
}

fn once() -> u64 {
    1
}

/// What comes instead of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultAnswer {
    /// A refusal with that status; nothing was done.
    Status(u16),
    /// 503 with a page of HTML from some gateway; nothing was done (GRAPH 9).
    Html,
    /// No answer; nothing was done.
    Dropped,
    /// No answer, but the work was done.
    Lost,
    /// The work was done, the body of the answer is empty (GRAPH 4.1).
    Empty,
    /// The work was done, the body of the answer breaks off in the middle.
    Truncated,
    /// 200 with a page of HTML from some proxy; nothing was done.
    PageInstead,
    /// 200 with a page of HTML from some proxy; the work was done.
    PageAfter,
    /// `Directory_ConcurrencyViolation` as 400; nothing was done (GRAPH 4.3). As 409 it is a status.
    Conflict,
    /// A page without items that links to the page that was asked for (GRAPH 2.2).
    EmptyPage,
    /// A page whose `@odata.nextLink` leads to another host.
    ForeignLink,
}

impl FaultAnswer {
    /// Whether the request is carried out all the same.
    pub fn after_the_work(self) -> bool {
        match self {
            FaultAnswer::Status(_)
            | FaultAnswer::Html
            | FaultAnswer::Dropped
            | FaultAnswer::PageInstead
            | FaultAnswer::Conflict => false,
            FaultAnswer::Lost
            | FaultAnswer::Empty
            | FaultAnswer::Truncated
            | FaultAnswer::PageAfter
            | FaultAnswer::EmptyPage
            | FaultAnswer::ForeignLink => true,
        }
    }

    /// The word under which it is counted.
    pub fn word(self) -> &'static str {
        match self {
            FaultAnswer::Status(401) => "expired",
            FaultAnswer::Status(409) | FaultAnswer::Conflict => "conflict",
            FaultAnswer::Status(429) => "throttled",
            FaultAnswer::Status(500..) | FaultAnswer::Html => "unavailable",
            FaultAnswer::Status(_) => "refused",
            FaultAnswer::Dropped => "dropped",
            FaultAnswer::Lost => "lost",
            FaultAnswer::Empty => "empty",
            FaultAnswer::Truncated => "truncated",
            FaultAnswer::PageInstead | FaultAnswer::PageAfter => "page",
            FaultAnswer::EmptyPage => "emptyPage",
            FaultAnswer::ForeignLink => "foreignLink",
        }
    }
}

/// All that goes wrong in a tenant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Nothing goes wrong.
    pub fn none() -> Self {
        Faults::default()
    }

    /// These things go wrong.
    pub fn new(faults: Vec<Fault>) -> Self {
        Faults(faults)
    }

    /// What happens to the request with that number, which is the write with that number when it
    /// is one. The first fault of the list that fits.
    pub fn due(&self, request: u64, write: Option<u64>) -> Option<&Fault> {
        self.0.iter().find(|fault| {
            let hits = |first: Option<u64>, number: Option<u64>| match (first, number) {
                (Some(first), Some(number)) => number >= first && number - first < fault.times,
                (None, _) | (_, None) => false,
            };
            hits(fault.request, Some(request)) || hits(fault.write, write)
        })
    }
}

impl<'de> Deserialize<'de> for FaultAnswer {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AnswerVisitor)
    }
}

/// A status is a number, everything else a word.
struct AnswerVisitor;

impl serde::de::Visitor<'_> for AnswerVisitor {
    type Value = FaultAnswer;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a status such as 429, or html, dropped, lost, empty, truncated, pageInstead, pageAfter, conflict, \
             emptyPage, foreignLink",
        )
    }

    fn visit_u64<E: Error>(self, status: u64) -> Result<FaultAnswer, E> {
        match u16::try_from(status) {
            Ok(status) if (400..600).contains(&status) => Ok(FaultAnswer::Status(status)),
            Ok(_) | Err(_) => Err(E::custom(format!("`{status}` is no status of a refusal"))),
        }
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<FaultAnswer, E> {
        match word {
            "html" => Ok(FaultAnswer::Html),
            "dropped" => Ok(FaultAnswer::Dropped),
            "lost" => Ok(FaultAnswer::Lost),
            "empty" => Ok(FaultAnswer::Empty),
            "truncated" => Ok(FaultAnswer::Truncated),
            "pageInstead" => Ok(FaultAnswer::PageInstead),
            "pageAfter" => Ok(FaultAnswer::PageAfter),
            "conflict" => Ok(FaultAnswer::Conflict),
            "emptyPage" => Ok(FaultAnswer::EmptyPage),
            "foreignLink" => Ok(FaultAnswer::ForeignLink),
            other => Err(E::invalid_value(serde::de::Unexpected::Str(other), &self)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Faults {
        Faults::new(serde_yaml::from_str(text).expect("faults"))
    }

    #[test]
    fn a_fault_hits_its_request_and_as_many_after_it_as_it_says() {
        let faults = faults("[{request: 7, answer: 429, retryAfter: 3, times: 2}]");
        let hit: Vec<u64> = (1..12).filter(|request| faults.due(*request, None).is_some()).collect();
        assert_eq!(hit, [7, 8]);
    }

    #[test]
    fn writes_are_counted_by_themselves() {
        let faults = faults("[{write: 2, answer: lost}]");
        assert_eq!(faults.due(9, Some(2)).map(|fault| fault.answer), Some(FaultAnswer::Lost));
        assert_eq!(faults.due(2, None), None);
    }

    #[test]
    fn an_unknown_word_names_the_known_ones() {
        let error = serde_yaml::from_str::<Vec<Fault>>("[{request: 1, answer: gone}]").expect_err("unknown");
        assert!(error.to_string().contains("foreignLink"), "{error}");
    }
}
