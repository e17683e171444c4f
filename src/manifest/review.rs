//! One manifest under review: its text, the time, and what has been found so far.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::node::{Node, Scalar, Value};
use crate::diag::{Code, Finding, Place, Source, did_you_mean};
use crate::model::Timestamp;

/// Collects findings, so that all are told in one run.
pub(super) struct Review {
    pub source: Arc<Source>,
    /// What "later than now" is measured against.
    pub now: Timestamp,
    findings: Vec<Finding>,
    /// How many errors and how many other findings have been told, listed or not.
    told: Told,
    /// Suggestions made so far: a slip of a generator stands in every entry.
    near: HashMap<(&'static str, String), Option<&'static str>>,
}

/// How many of each kind.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    errors: usize,
    others: usize,
}

/// So many errors are listed, and so many other findings. Whoever has more has one slip in every line,
/// and a million of them would fill the memory and the terminal.
const MOST_LISTED: usize = 1000;

/// After so many different slips a suggestion helps nobody, and each one takes time.
const MOST_SUGGESTIONS: usize = 1000;

impl Review {
    pub fn new(source: Arc<Source>, now: Timestamp) -> Self {
        Review { source, now, findings: Vec::new(), told: Told::default(), near: HashMap::new() }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.source.text
    }

    /// A place in the text.
    pub fn place(&self, range: Range<usize>) -> Place {
        Place::new(&self.source, range)
    }

    /// The number of the line with that byte.
    pub fn line(&self, byte: usize) -> usize {
        self.source.lines().number(byte)
    }

    /// The byte at a line and column, both from 1; columns are counted in characters.
    pub fn byte(&self, line: usize, column: usize) -> usize {
        let line = self.source.lines().range(line);
        let before = self.source.text[line.clone()].chars().take(column.saturating_sub(1));
        line.start + before.map(char::len_utf8).sum::<usize>()
    }

    /// A finding at a place; it counts once it is told.
    pub fn finding(&self, code: Code, range: Range<usize>, message: impl Into<String>) -> Finding {
        Finding::new(code, message).at(&self.place(range))
    }

    pub fn tell(&mut self, finding: Finding) {
        let told = if finding.is_error() { &mut self.told.errors } else { &mut self.told.others };
        *told += 1;
        if *told <= MOST_LISTED {
            self.findings.push(finding);
        }
    }

    /// The known word that this one was probably meant to be. `of` names the known words.
    pub fn near(&mut self, word: &str, of: &'static str, known: &[&'static str]) -> Option<&'static str> {
        if self.near.len() >= MOST_SUGGESTIONS {
            return None;
        }
        let slip = (of, word.to_owned());
        *self.near.entry(slip).or_insert_with(|| {
            let near = did_you_mean(word, known.iter().copied());
            known.iter().copied().find(|known| Some(*known) == near)
        })
    }

    /// Tells that something else was expected here; nothing for what has been told.
    pub fn tell_wrong_type(&mut self, node: &Node, what: &str, expected: &str, help: Option<String>) {
        let found = match &node.value {
            Value::Told => return,
            Value::List(_) => "a list",
            Value::Block(_) => "a block of keys",
            Value::Scalar(Scalar { plain: false, .. }) => "a text",
            Value::Scalar(_) => "a single value",
        };
        let message = format!("{what} must be {expected}, and this is {found}");
        let mut finding = self.finding(Code::WrongType, node.range.clone(), message);
        finding.help = help;
        self.tell(finding);
    }

    /// Whether any error has been told.
    pub fn failed(&self) -> bool {
        self.told.errors > 0
    }

    /// How many findings were told and are not listed.
    fn unlisted(&self) -> usize {
        let over = |told: usize| told.saturating_sub(MOST_LISTED);
        over(self.told.errors) + over(self.told.others)
    }

    /// The findings, in the order of the text, and how many more there are.
    pub fn into_findings(mut self) -> Vec<Finding> {
        self.findings.sort_by_key(|finding| {
            let range = finding.place.as_ref().map(Place::range);
            (range.map(|range| range.start), finding.code)
        });
        let unlisted = self.unlisted();
        if unlisted > 0 {
            let message = format!("there are {unlisted} more of them, which are not listed");
            self.findings.push(Finding::new(Code::MoreFindings, message).help("correct these first"));
        }
        self.findings
    }
}
