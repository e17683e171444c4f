//! The lease as an object: `lease.json` says who works and until when, or that nobody does.
//!
//! Whoever changes it says which version was seen, so of two runs that found it free only one gets it.
//! A lease is never deleted: a delete has no condition, and could take away another's. The run's id is
//! in it, hence a run whose answer was lost recognises its own.

use std::cell::RefCell;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::lease::Holder;
use super::objects::{Expect, Object, Objects, Put, Version};
use super::store::{StoreError, Taken};
use crate::model::Timestamp;

/// How often a change is tried when another one came between, or an answer was lost.
const TRIES: u32 = 4;

/// The lease of one tenant.
pub struct Claim {
    objects: Rc<dyn Objects>,
    name: String,
    /// What we wrote last, and its version.
    ours: RefCell<Option<(Holder, Version)>>,
}

/// What `lease.json` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    /// Somebody works, or has died since.
    Held(Holder),
    /// Nobody does.
    Free {
        /// Always true.
        free: bool,
    },
}

const FREE: Written = Written::Free { free: true };

impl Written {
    fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Who holds the lease at that time.
    fn holder(&self, now: Timestamp) -> Option<&Holder> {
        match self {
            Written::Held(holder) => Some(holder).filter(|one| one.expires_at.is_none_or(|end| end > now)),
            Written::Free { .. } => None,
        }
    }
}

impl Claim {
    /// The lease below that folder.
    pub fn new(objects: Rc<dyn Objects>, below: &str) -> Claim {
        Claim { objects, name: format!("{below}/lease.json"), ours: RefCell::default() }
    }

    /// See [`Store::take`](super::store::Store::take).
    pub async fn take(&self, own: Holder, now: Timestamp) -> Result<Taken, StoreError> {
        let mut trouble = None;
        for _ in 0..TRIES {
            let read = match self.read().await {
                Ok(read) => read,
                Err(error) => return Err(trouble.unwrap_or(error)),
            };
            let (written, expect) = match &read {
                // Made free first, so that there is always an older version to probe with.
                None => (FREE, Expect::Absent),
                Some((written, version)) => match written.holder(now) {
                    Some(other) if other.run != own.run => return Ok(Taken::Held(Some(other.clone()))),
                    Some(_) | None => (Written::Held(own.clone()), Expect::Version(version.clone())),
                },
            };
            match (self.put(&written, expect).await, read) {
                (Ok(Put::Done(version)), Some((_, before))) => {
                    self.ours.replace(Some((own.clone(), version.clone())));
                    return self.probed(&own, before, version).await;
                }
                // It is free now; or it is another's, or ours and the answer was lost: the next look tells.
                (Ok(Put::Done(_) | Put::Conflict), _) => {}
                (Err(error), _) => trouble = Some(error),
            }
        }
        trouble.map_or(Ok(Taken::Held(None)), Err)
    }

    async fn probed(&self, own: &Holder, before: Version, now: Version) -> Result<Taken, StoreError> {
        if let Err(error) = self.probe(own, before, now).await {
            // Otherwise nobody could work for a minute.
            _ = self.release().await;
            return Err(error);
        }
        Ok(Taken::Ours)
    }

    /// A store that ignores conditions would let two runs work at once, each in the other's records.
    async fn probe(&self, own: &Holder, before: Version, now: Version) -> Result<(), StoreError> {
        let held = Written::Held(own.clone());
        let mut wrong = vec![Expect::Absent];
        // Where the version comes from the bytes, the same bytes again are no older version.
        wrong.extend((before != now).then_some(Expect::Version(before)));
        for expect in wrong {
            if let Put::Done(version) = self.put(&held, expect).await? {
                self.ours.replace(Some((own.clone(), version)));
                return Err(self.failed("use", "this store ignores conditional writes and cannot be shared"));
            }
        }
        Ok(())
    }

    /// See [`Store::renew`](super::store::Store::renew).
    pub async fn renew(&self, own: Holder) -> Result<(), StoreError> {
        let ours = self.ours.borrow().as_ref().map(|(_, version)| version.clone());
        let mut version = ours.ok_or_else(|| self.conflict())?;
        for _ in 0..TRIES {
            match self.put(&Written::Held(own.clone()), Expect::Version(version)).await? {
                Put::Done(version) => {
                    self.ours.replace(Some((own, version)));
                    return Ok(());
                }
                Put::Conflict => version = self.still_ours(&own).await?,
            }
        }
        Err(self.conflict())
    }

    /// The version that the lease has now, if it is still ours: a write of ours was done whose answer was
    /// lost.
    async fn still_ours(&self, own: &Holder) -> Result<Version, StoreError> {
        match self.read().await? {
            Some((Written::Held(holder), version)) if holder.run == own.run => Ok(version),
            Some(_) | None => Err(self.conflict()),
        }
    }

    /// See [`Store::release`](super::store::Store::release).
    pub async fn release(&self) -> Result<(), StoreError> {
        let Some((own, mut version)) = self.ours.take() else { return Ok(()) };
        for _ in 0..TRIES {
            if let Ok(Put::Done(_)) = self.put(&FREE, Expect::Version(version)).await {
                return Ok(());
            }
            version = match self.still_ours(&own).await {
                Ok(version) => version,
                // Free, or another's: it is not ours to let go.
                Err(error) if error.is_conflict() => return Ok(()),
                Err(error) => return Err(error),
            };
        }
        Err(self.conflict())
    }

    /// See [`Store::holder`](super::store::Store::holder).
    pub async fn holder(&self, now: Timestamp) -> Result<Option<Holder>, StoreError> {
        Ok(self.read().await?.and_then(|(written, _)| written.holder(now).cloned()))
    }

    /// See [`Store::break_lease`](super::store::Store::break_lease).
    pub async fn break_it(&self) -> Result<(), StoreError> {
        for _ in 0..TRIES {
            let Some((written, version)) = self.read().await? else { return Ok(()) };
            if written == FREE {
                return Ok(());
            }
            // The holder renews it every few seconds, perhaps just now.
            if let Put::Done(_) = self.put(&FREE, Expect::Version(version)).await? {
                return Ok(());
            }
        }
        Err(self.conflict())
    }

    async fn read(&self) -> Result<Option<(Written, Version)>, StoreError> {
        let Some(Object { bytes, version }) = self.objects.get(&self.name).await? else { return Ok(None) };
        let written = serde_json::from_slice(&bytes).map_err(|_| {
            self.failed("read", "it is no lease that this advaudit knows; delete it when no run works")
        })?;
        Ok(Some((written, version)))
    }

    async fn put(&self, written: &Written, expect: Expect) -> Result<Put, StoreError> {
        self.objects.put(&self.name, written.bytes(), expect).await
    }

    fn place(&self) -> String {
        format!("{}/{}", self.objects.place(), self.name)
    }

    fn failed(&self, what: &'static str, cause: &str) -> StoreError {
        StoreError::Failed { what, place: self.place(), cause: cause.to_owned() }
    }

    fn conflict(&self) -> StoreError {
        StoreError::Conflict { place: self.place() }
    }
}
