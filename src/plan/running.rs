//! What our journal knows, as far as planning needs it. Filled by `apply::replay`.
//!
//! Without it a user in the middle of a toggle would look like a user to repair, and one whom we
//! turned on a minute ago like one to toggle again.

use std::collections::{BTreeMap, BTreeSet};

use super::dates::Own;
use super::edit::Edit;
use super::rolled::Rolled;
use crate::model::{RunId, SignedDuration, Subject, SubjectId, Timestamp, UserId};

/// When to look at the gate of a group again (DESIGN 7, exit code 4).
const GATE_PAUSE: SignedDuration = SignedDuration::from_mins(5);

/// The memory of earlier runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Running {
    /// Unfinished toggles: these subjects are, or may be, off because of us.
    pub in_flight: BTreeMap<SubjectId, InFlight>,
    /// The newest on of ours that ended an off, by subject.
    pub last_on: BTreeMap<SubjectId, Timestamp>,
    /// The newest on of ours that ended a doubt, by subject.
    pub null_on: BTreeMap<SubjectId, Timestamp>,
    /// Which object a user name led to when we last wrote it; names folded.
    pub names: BTreeMap<String, UserId>,
    /// When work of ours on a subject last came to an end that was neither a failure nor nothing at all.
    pub settled: BTreeMap<SubjectId, Timestamp>,
    /// What earlier runs carried out.
    pub runs: Runs,
    /// How their toggles ended.
    pub rolled: Rolled,
}

/// What is remembered of earlier runs as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Runs {
    /// When the journal begins: nothing of ours is older, or it is lost.
    pub began: Option<Timestamp>,
    /// The run that goes on, as it will be the baseline.
    pub open: Option<(RunId, Baseline)>,
    /// The newest run that carried a manifest out as far as it could.
    pub baseline: Option<Baseline>,
    /// The plan that was carried out last.
    pub carried: Option<Carried>,
}

/// When a manifest was last carried out: what differs now was changed since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Baseline {
    /// When that began, with what was read just before.
    pub at: Timestamp,
    /// Who was not as declared then, by id and by name in lower case; none where that is not known.
    pub out_of_sync: Option<BTreeSet<String>>,
    /// The digest of the manifest's text.
    pub manifest: String,
}

impl Baseline {
    /// Whether that subject was as declared then.
    pub fn was_in_sync(&self, subject: &Subject) -> bool {
        let words = [subject.id.guid().to_string(), subject.name.to_lowercase()];
        self.out_of_sync.as_ref().is_some_and(|out| words.iter().all(|word| !out.contains(word)))
    }
}

/// A plan that runs have begun to carry out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// Digest of the decision.
    pub sha256: String,
    /// Its newest run.
    pub run: RunId,
    /// Its newest record.
    pub at: Timestamp,
    /// The digest of each change that was begun.
    pub begun: BTreeMap<SubjectId, String>,
}

/// A plan that nobody has gone on with for that long is a new one when it comes again: the same decision
/// can be made in spring and in autumn.
const FORGOTTEN_AFTER: SignedDuration = SignedDuration::from_hours(24);

impl Runs {
    /// A run begins to carry out a plan, or goes on with it.
    pub fn carry_out(&mut self, run: RunId, sha256: &str, at: Timestamp) {
        match &mut self.carried {
            Some(own) if own.sha256 == sha256 && own.is_remembered(at) => (own.run, own.at) = (run, at),
            Some(_) | None => {
                self.carried = Some(Carried { sha256: sha256.to_owned(), run, at, begun: BTreeMap::new() });
            }
        }
    }

    /// A change of the plan is begun.
    pub fn begin(&mut self, run: RunId, subject: SubjectId, change: &str, at: Timestamp) {
        if let Some(own) = self.carried.as_mut().filter(|own| own.run == run) {
            own.begun.insert(subject, change.to_owned());
            own.at = at;
        }
    }

    /// What of the plan with that digest is begun.
    pub fn begun(&self, sha256: &str, now: Timestamp) -> Option<&BTreeMap<SubjectId, String>> {
        let own = self.carried.as_ref().filter(|own| own.sha256 == sha256 && own.is_remembered(now))?;
        Some(&own.begun)
    }
}

impl Carried {
    fn is_remembered(&self, now: Timestamp) -> bool {
        now.duration_since(self.at) <= FORGOTTEN_AFTER
    }
}

impl Running {
    /// Whether work of ours on that subject came to its end at that time or later.
    pub fn is_settled_since(&self, id: SubjectId, time: Timestamp) -> bool {
        let ends = [self.settled.get(&id), self.last_on.get(&id)];
        ends.into_iter().flatten().any(|at| *at >= time)
    }

    /// What is known of one subject's ons.
    pub fn own(&self, id: SubjectId) -> Own {
        Own { on: self.last_on.get(&id).copied(), null_on: self.null_on.get(&id).copied() }
    }

    /// The newest on of ours by subject, of those that a read has to show on since then: who was turned
    /// off by us once more is rightly shown off.
    pub fn left_on(&self) -> BTreeMap<SubjectId, Timestamp> {
        let is_off = |id: &SubjectId| {
            self.in_flight.get(id).is_some_and(|own| !matches!(own.phase, Phase::OnSent { .. }))
        };
        self.last_on.iter().filter(|(id, _)| !is_off(id)).map(|(id, at)| (*id, *at)).collect()
    }
}

/// An unfinished toggle: all that is needed to end it, without a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct InFlight {
    /// Whose.
    pub subject: Subject,
    /// The licenses that were turned off, with their lists before.
    pub edits: Vec<Edit>,
    /// How far it came.
    pub phase: Phase,
    /// Between off and on.
    pub wait: SignedDuration,
    /// How long the gate of a group may hold the on back.
    pub gate: SignedDuration,
    /// Members of a group that were without error before the off: the gate waits for them.
    pub members: Vec<UserId>,
    /// How many people are off because of it.
    pub people: u64,
    /// Why it was started.
    pub reason: String,
    /// The date that asked for it.
    pub asked: Option<Timestamp>,
    /// Whether a read showed the off, so that the on after it turns the service plan on anew.
    pub verified: bool,
    /// Whether an on was sent whose answer is not known: then it may be us who turned it on.
    pub on_lost: bool,
    /// Whether the journal has it. Without a record it is made up from the tenant's own dates.
    pub recorded: bool,
}

/// How far an unfinished toggle came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The off was about to be sent; whether it was done is unknown.
    InDoubt {
        /// When the intent was written.
        since: Timestamp,
    },
    /// The off was accepted, not yet seen.
    Off {
        /// When Graph answered.
        at: Timestamp,
    },
    /// The off was seen; the on waits for its time.
    Waiting {
        /// When Graph answered the off.
        off_at: Timestamp,
        /// When the on is due.
        due: Timestamp,
    },
    /// The on was sent and accepted, not yet seen.
    OnSent {
        /// When Graph answered the off.
        off_at: Timestamp,
        /// When Graph answered the on.
        on_at: Timestamp,
    },
    /// The subject no longer exists; looked for again for 30 days, because a restored user comes
    /// back off.
    Gone {
        /// When Graph answered the off.
        off_at: Timestamp,
        /// When it was first missed.
        since: Timestamp,
    },
}

impl InFlight {
    /// When the subject went off, as far as is known.
    pub fn off_at(&self) -> Timestamp {
        match self.phase {
            Phase::InDoubt { since } => since,
            Phase::Off { at } => at,
            Phase::Waiting { off_at, .. } | Phase::OnSent { off_at, .. } | Phase::Gone { off_at, .. } => {
                off_at
            }
        }
    }

    /// When the on is due. In doubt, or before the gate of a group has opened, that is now: there
    /// is something to look at. A user's wait runs from the answer to the off.
    pub fn due(&self) -> Timestamp {
        match self.phase {
            Phase::InDoubt { since } => since,
            Phase::Off { at } if self.subject.id.user().is_some() => {
                at.saturating_add(self.wait).unwrap_or(Timestamp::MAX)
            }
            Phase::Off { at } => at,
            Phase::Waiting { due, .. } => due,
            Phase::OnSent { on_at, .. } => on_at,
            // Whoever is restored comes back off, and the wait is kept all the same.
            Phase::Gone { off_at, .. } => off_at.saturating_add(self.wait).unwrap_or(Timestamp::MAX),
        }
    }

    /// When to come back for it: when the on is due; for the gate of a group in a few minutes, because
    /// it opens when Graph is done; at once where there is something to look at.
    pub fn come_back(&self, now: Timestamp) -> Timestamp {
        match self.phase {
            Phase::Off { .. } | Phase::OnSent { .. } if self.subject.id.group().is_some() => {
                now.saturating_add(GATE_PAUSE).unwrap_or(Timestamp::MAX)
            }
            Phase::InDoubt { .. }
            | Phase::Off { .. }
            | Phase::Waiting { .. }
            | Phase::OnSent { .. }
            | Phase::Gone { .. } => self.due().max(now),
        }
    }

    /// Whether people are counted as off because of it. Whoever no longer exists is not.
    pub fn counts_as_off(&self) -> bool {
        !matches!(self.phase, Phase::Gone { .. })
    }
}
