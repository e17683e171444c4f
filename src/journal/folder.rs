//! The store in a local folder: a file of JSON lines that is appended to, and a lock of the operating
//! system that ends with its process.

use std::cell::{Cell, RefCell};
use std::io;
use std::path::PathBuf;

use super::disk::{self, Disk};
use super::lease::Holder;
use super::store::{Later, Store, StoreError, Taken, Term};
use crate::model::Timestamp;

/// Name of the journal in the folder of a tenant.
pub const JOURNAL: &str = "journal.jsonl";
/// Name of the file that is locked, and that says who did.
const LEASE: &str = "lease.json";

/// A folder for one tenant.
pub struct Folder<D = disk::Folder> {
    disk: D,
    /// What an append that failed has tried to write: it may be there, whole or in part.
    failed: RefCell<Vec<u8>>,
    /// Whether the name of the journal is known to survive a crash of the machine.
    is_named: Cell<bool>,
}

impl Folder {
    /// The folder of that tenant. Nothing is made before something is written.
    pub fn new(path: PathBuf) -> Self {
        Folder::on(disk::Folder::new(path))
    }
}

impl<D: Disk> Folder<D> {
    /// A folder on that disk.
    pub fn on(disk: D) -> Self {
        Folder { disk, failed: RefCell::default(), is_named: Cell::new(false) }
    }

    fn failed(&self, what: &'static str, file: &str) -> impl Fn(io::Error) -> StoreError {
        let place = self.disk.path().join(file).display().to_string();
        move |cause| StoreError::Failed { what, place: place.clone(), cause: cause.to_string() }
    }

    fn append_now(&self, whole: u64, line: &[u8]) -> Result<(), StoreError> {
        let write_to = self.failed("write to", JOURNAL);
        let new = whole == 0;
        if new {
            self.disk.create().map_err(self.failed("create the folder of", JOURNAL))?;
        }
        self.make_room(whole)?;
        let written = self
            .disk
            .append(JOURNAL, line, new)
            .and_then(|()| self.disk.sync(JOURNAL))
            .and_then(|()| self.keep_the_name());
        if let Err(cause) = written {
            // A part of a line would become part of the next one, and make the journal unreadable.
            self.failed.replace(line.to_vec());
            _ = self.disk.cut(JOURNAL, whole);
            return Err(write_to(cause));
        }
        self.failed.take();
        Ok(())
    }

    /// Once a run, and not only where the file is new: whoever made it may have been killed in between.
    fn keep_the_name(&self) -> io::Result<()> {
        if !self.is_named.get() {
            self.disk.sync_names()?;
            self.is_named.set(true);
        }
        Ok(())
    }

    /// Sees to it that the journal is exactly that long.
    fn make_room(&self, whole: u64) -> Result<(), StoreError> {
        let place = || self.disk.path().join(JOURNAL).display().to_string();
        let length = match self.disk.length(JOURNAL) {
            Ok(length) => length,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound && whole == 0 => 0,
            Err(cause) => return Err(self.failed("find", JOURNAL)(cause)),
        };
        if length == whole {
            return Ok(());
        }
        let bytes = self.disk.read(JOURNAL).map_err(self.failed("read", JOURNAL))?;
        let at = usize::try_from(whole).unwrap_or(usize::MAX);
        let Some(behind) = bytes.get(at..) else { return Err(StoreError::Conflict { place: place() }) };
        let is_torn = !behind.contains(&b'\n') || self.failed.borrow().starts_with(behind);
        if !is_torn {
            return Err(StoreError::Conflict { place: place() });
        }
        self.disk.cut(JOURNAL, whole).map_err(self.failed("cut the torn end off", JOURNAL))
    }

    fn take_now(&self, own: &Holder) -> Result<Taken, StoreError> {
        let io = self.failed("take the lease", LEASE);
        self.disk.create().map_err(self.failed("create the folder of", LEASE))?;
        if !self.disk.lock(LEASE).map_err(&io)? {
            return Ok(Taken::Held(self.written_holder()));
        }
        // The lock is the lease; the text only says whose. A full disk must not keep anybody off.
        let text = serde_json::to_string(own).unwrap_or_default();
        _ = self.disk.cut(LEASE, 0).and_then(|()| self.disk.append(LEASE, text.as_bytes(), false));
        Ok(Taken::Ours)
    }

    fn written_holder(&self) -> Option<Holder> {
        serde_json::from_slice(&self.disk.read(LEASE).ok()?).ok()
    }
}

impl<D: Disk> Store for Folder<D> {
    fn place(&self) -> String {
        self.disk.path().join(JOURNAL).display().to_string()
    }

    fn load(&self) -> Later<'_, Vec<u8>> {
        Box::pin(async move {
            match self.disk.read(JOURNAL) {
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
                read => read.map_err(self.failed("read", JOURNAL)),
            }
        })
    }

    fn append(&self, whole: u64, line: Vec<u8>) -> Later<'_, ()> {
        Box::pin(async move { self.append_now(whole, &line) })
    }

    fn take(&self, own: Holder, _now: Timestamp) -> Later<'_, Taken> {
        Box::pin(async move { self.take_now(&own) })
    }

    /// The lock lasts as long as the process.
    fn renew(&self, _own: Holder) -> Later<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn release(&self) -> Later<'_, ()> {
        Box::pin(async move {
            self.disk.unlock(LEASE);
            Ok(())
        })
    }

    fn holder(&self, _now: Timestamp) -> Later<'_, Option<Holder>> {
        Box::pin(async move { Ok(self.disk.is_locked(LEASE).then(|| self.written_holder()).flatten()) })
    }

    /// There is nothing to break: a lock that is held has a process that lives.
    fn break_lease(&self) -> Later<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn term(&self) -> Term {
        Term::Process
    }
}

#[cfg(test)]
mod tests;
