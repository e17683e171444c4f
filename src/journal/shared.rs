//! The store in an object store, which any number of machines can share.
//!
//! ```text
//! <tenant id>/journal/00000001.jsonl   the journal, in segments
//! <tenant id>/lease.json               who works
//! ```

use std::rc::Rc;

use super::claim::Claim;
use super::lease::Holder;
use super::objects::Objects;
use super::segments::Segments;
use super::store::{Later, Store, Taken, Term};
use crate::model::{TenantId, Timestamp};

/// The objects of one tenant.
pub struct Shared {
    journal: Segments,
    lease: Claim,
}

impl Shared {
    /// Those of that tenant. Nothing is asked for yet.
    pub fn new(objects: Rc<dyn Objects>, tenant: TenantId) -> Shared {
        let below = tenant.to_string();
        Shared { journal: Segments::new(objects.clone(), &below), lease: Claim::new(objects, &below) }
    }
}

impl Store for Shared {
    fn place(&self) -> String {
        self.journal.place()
    }

    fn load(&self) -> Later<'_, Vec<u8>> {
        Box::pin(self.journal.load())
    }

    fn append(&self, whole: u64, line: Vec<u8>) -> Later<'_, ()> {
        Box::pin(async move { self.journal.append(whole, &line).await })
    }

    fn take(&self, own: Holder, now: Timestamp) -> Later<'_, Taken> {
        Box::pin(self.lease.take(own, now))
    }

    fn renew(&self, own: Holder) -> Later<'_, ()> {
        Box::pin(self.lease.renew(own))
    }

    fn release(&self) -> Later<'_, ()> {
        Box::pin(self.lease.release())
    }

    fn holder(&self, now: Timestamp) -> Later<'_, Option<Holder>> {
        Box::pin(self.lease.holder(now))
    }

    fn break_lease(&self) -> Later<'_, ()> {
        Box::pin(self.lease.break_it())
    }

    fn term(&self) -> Term {
        Term::Time
    }
}

#[cfg(test)]
mod tests;
