//! The journal of one tenant, open for one run.

use std::rc::Rc;

use super::chain::{JournalError, Loaded, hash, parse};
use super::record::{Entry, Record, VERSION};
use super::store::{Store, StoreError};
use crate::model::{RunId, TenantId, Timestamp};

/// An open journal: one writer, guarded by the lease.
pub struct Journal {
    store: Rc<dyn Store>,
    run: RunId,
    next: u64,
    last_hash: String,
    /// Bytes of whole records.
    whole: u64,
}

/// Reads a journal without changing it; empty when there is none.
pub async fn load(store: &dyn Store, tenant: Option<TenantId>) -> Result<Loaded, JournalError> {
    parse(&store.place(), &store.load().await?, tenant)
}

impl Journal {
    /// Opens the journal for a run. What is torn at its end is cut off by the first append.
    pub async fn open(
        store: Rc<dyn Store>,
        tenant: TenantId,
        run: RunId,
    ) -> Result<(Journal, Loaded), JournalError> {
        let loaded = load(&*store, Some(tenant)).await?;
        let next = loaded.records.last().map_or(1, |record| record.seq + 1);
        let (last_hash, whole) = (loaded.last_hash.clone(), loaded.whole);
        Ok((Journal { store, run, next, last_hash, whole }, loaded))
    }

    /// The run that writes here.
    pub fn run(&self) -> RunId {
        self.run
    }

    /// Appends one entry. When this returns `Ok` the record survives a crash of the machine; when it
    /// does not, the next append takes its place.
    pub async fn append(&mut self, entry: Entry, at: Timestamp) -> Result<Record, JournalError> {
        let record =
            Record { v: VERSION, seq: self.next, at, run: self.run, prev: self.last_hash.clone(), entry };
        let mut line = serde_json::to_vec(&record).map_err(|cause| StoreError::Failed {
            what: "write to",
            place: self.store.place(),
            cause: cause.to_string(),
        })?;
        let hash = hash(&line);
        line.push(b'\n');
        let length = line.len() as u64;
        self.store.append(self.whole, line).await?;
        self.next += 1;
        self.last_hash = hash;
        self.whole += length;
        Ok(record)
    }
}
