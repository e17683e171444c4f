//! The bytes of a journal ↔ its records. Pure.
//!
//! JSON lines, each with the hash of the one before, so an edited journal is noticed. A torn last
//! line (a crash in the middle of a write) is no record: what it announced happens only after its
//! write has returned.

use sha2::{Digest, Sha256};

use super::record::{Entry, Record, VERSION};
use super::store::StoreError;
use crate::model::{SignedDuration, TenantId, Timestamp};

/// A record names at most the members of one group; a million of them are 40 MB.
const LONGEST_LINE: usize = 64 * 1024 * 1024;
/// So much is repeated of what is wrong with a line.
const CAUSE_CHARACTERS: usize = 200;
/// A manifest allows 30 days.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(366 * 24);
/// More people than any tenant has.
const MOST_PEOPLE: u64 = 1_000_000_000;

/// What can be wrong with a journal. Each says what is safe to do.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The place where it is kept cannot be used.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// A record that is not the last cannot be read.
    #[error(
        "{place}: record {line} is damaged ({cause}); nothing was written. Restore it from a backup, or move it away \
         and run `advaudit heal MANIFEST`: without a journal, declared subjects that are off are turned on by the \
         tenant's own dates"
    )]
    Damaged {
        /// Which journal.
        place: String,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        cause: String,
    },
    /// Written by a later version.
    #[error(
        "{place}: record {line} has version {found}, and this advaudit knows version {VERSION}; nothing was written. \
         Use the newer advaudit"
    )]
    Newer {
        /// Which journal.
        place: String,
        /// Which line, from 1.
        line: usize,
        /// Its version.
        found: u64,
    },
    /// It tells of another tenant.
    #[error(
        "{place}: record {line} is of tenant {found}, and this is tenant {own}; nothing was written. Name the state \
         that belongs to this tenant with --state, or move this journal to where it came from"
    )]
    OtherTenant {
        /// Which journal.
        place: String,
        /// Which line, from 1.
        line: usize,
        /// The tenant that is asked.
        own: TenantId,
        /// The tenant of the journal.
        found: TenantId,
    },
}

impl JournalError {
    /// Whether another run has written the journal, so that the lease is not ours any more.
    pub fn is_conflict(&self) -> bool {
        matches!(self, JournalError::Store(error) if error.is_conflict())
    }
}

/// What a journal holds.
#[derive(Debug, Default)]
pub struct Loaded {
    /// All whole records.
    pub records: Vec<Record>,
    /// How many bytes of a torn last record follow them.
    pub torn: usize,
    /// How many bytes they take.
    pub(super) whole: u64,
    /// The hash that the next record has to carry.
    pub(super) last_hash: String,
}

/// Reads the bytes of a journal. `tenant` is the one it has to be of, where that is known.
pub fn parse(place: &str, bytes: &[u8], tenant: Option<TenantId>) -> Result<Loaded, JournalError> {
    let mut loaded = Loaded::default();
    let mut rest = bytes;
    while !rest.is_empty() {
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            loaded.torn = rest.len();
            break;
        };
        let text = &rest[..end];
        let record = record(place, text, &loaded, tenant)?;
        loaded.records.push(record);
        loaded.last_hash = hash(text);
        loaded.whole += end as u64 + 1;
        rest = &rest[end + 1..];
    }
    Ok(loaded)
}

fn record(
    place: &str,
    text: &[u8],
    before: &Loaded,
    tenant: Option<TenantId>,
) -> Result<Record, JournalError> {
    let line = before.records.len() + 1;
    let damaged = |cause: String| JournalError::Damaged { place: place.to_owned(), line, cause };
    if text.len() > LONGEST_LINE {
        return Err(damaged(format!("its line is longer than {} MiB", LONGEST_LINE / 1024 / 1024)));
    }
    let value: serde_json::Value =
        serde_json::from_slice(text).map_err(|cause| damaged(odd(text, &cause)))?;
    let found = value.get("v").and_then(serde_json::Value::as_u64).unwrap_or(0);
    if found > u64::from(VERSION) {
        return Err(JournalError::Newer { place: place.to_owned(), line, found });
    }
    let record: Record = serde_json::from_value(value).map_err(|cause| damaged(odd(text, &cause)))?;
    if let Some(absurd) = absurd(&record) {
        return Err(damaged(absurd));
    }
    if record.prev != before.last_hash {
        let why = if text.ends_with(b"\r") { ", and its lines end in CR LF now" } else { "" };
        let cause = format!("it does not follow from the record before it: the journal was edited{why}");
        return Err(damaged(cause));
    }
    if record.seq != line as u64 {
        return Err(damaged(format!("it is numbered {}", record.seq)));
    }
    match (tenant, &record.entry) {
        (Some(own), Entry::RunStarted { tenant: found, .. }) if *found != own => {
            Err(JournalError::OtherTenant { place: place.to_owned(), line, own, found: *found })
        }
        _ => Ok(record),
    }
}

/// What is wrong with a line that is no record: on one line, short, and without what a terminal would
/// obey, because the reader of JSON repeats what it does not know.
fn odd(text: &[u8], cause: &serde_json::Error) -> String {
    if text.starts_with(b"\xef\xbb\xbf") {
        return "it begins with a byte order mark: another program has saved it".to_owned();
    }
    let cause = cause.to_string();
    let cut = if cause.chars().nth(CAUSE_CHARACTERS).is_some() { "…" } else { "" };
    let plain = cause.chars().take(CAUSE_CHARACTERS).map(|char| if char.is_control() { ' ' } else { char });
    plain.collect::<String>() + cut
}

/// What no advaudit has written: to reckon with it would turn somebody on never, or at no time at all.
fn absurd(record: &Record) -> Option<String> {
    let seconds = |seconds: i64| (0..=LONGEST_WAIT.as_secs()).contains(&seconds);
    let soon = |at: Timestamp| at.duration_since(record.at) <= LONGEST_WAIT;
    let (waits, people, due) = match &record.entry {
        Entry::OffIntent { wait_seconds, gate_seconds, people, .. } => {
            ([*wait_seconds, *gate_seconds], *people, None)
        }
        Entry::Adopted { wait_seconds, gate_seconds, people, due, .. } => {
            ([*wait_seconds, *gate_seconds], *people, *due)
        }
        Entry::OffVerified { due, .. } => ([0, 0], 0, Some(*due)),
        _ => return None,
    };
    if !waits.into_iter().all(seconds) {
        Some("it waits longer than a year, or less than nothing".to_owned())
    } else if people > MOST_PEOPLE {
        Some(format!("it turns {people} people off"))
    } else if !due.is_none_or(soon) {
        Some("its on is due more than a year after it".to_owned())
    } else {
        None
    }
}

/// What the record after that line has to carry.
pub(super) fn hash(line: &[u8]) -> String {
    Sha256::digest(line).iter().map(|byte| format!("{byte:02x}")).collect()
}
