//! One run per tenant and state folder: an operating-system file lock, gone with its process.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::model::{RunId, Timestamp};

const FILE: &str = "lease.json";

/// Who holds the lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The run.
    pub run: RunId,
    /// Process id on `host`.
    pub pid: u32,
    /// The machine's name.
    pub host: String,
    /// Since when.
    pub since: Timestamp,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let since = self.since.strftime("%Y-%m-%d %H:%M:%S UTC");
        write!(f, "run {} (process {} on {}, since {since})", self.run, self.pid, self.host)
    }
}

/// Why the lease was not to be had.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// Another run works on this tenant.
    #[error("{} already works on this tenant; nothing was started. Wait for it, or look at `advaudit status`",
        .0.as_ref().map_or_else(|| "another run".to_owned(), ToString::to_string))]
    Held(Option<Holder>),
    /// The folder cannot be used.
    #[error("cannot take the lease {}: {cause}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
}

/// The lease, held as long as this value lives.
pub struct Lease {
    _file: File,
}

impl Lease {
    /// Takes the lease of a tenant's folder, or says who has it.
    pub fn take(folder: &Path, run: RunId, now: Timestamp) -> Result<Lease, LeaseError> {
        let path = folder.join(FILE);
        let io = |cause| LeaseError::Io { path: path.clone(), cause };
        std::fs::create_dir_all(folder).map_err(io)?;
        // Not truncated on opening: the text belongs to whoever holds the lock.
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LeaseError::Held(read(&path))),
            Err(TryLockError::Error(cause)) => return Err(io(cause)),
        }
        let holder = Holder { run, pid: std::process::id(), host: host(), since: now };
        let text = serde_json::to_string(&holder).unwrap_or_default();
        file.set_len(0).map_err(io)?;
        file.write_all(text.as_bytes()).map_err(io)?;
        file.sync_data().map_err(io)?;
        Ok(Lease { _file: file })
    }
}

/// Who holds the lease of a tenant's folder now, if anyone.
pub fn holder(folder: &Path) -> Option<Holder> {
    let path = folder.join(FILE);
    let file = File::open(&path).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => read(&path),
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

fn read(path: &Path) -> Option<Holder> {
    serde_json::from_str(&std::fs::read_to_string(path).ok()?).ok()
}

/// The machine's name, to tell runners apart; only shown.
fn host() -> String {
    std::env::var("HOSTNAME")
        .ok()
        .or_else(|| std::fs::read_to_string("/etc/hostname").ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "this machine".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_run_is_told_who_holds_the_lease_and_gets_it_when_the_first_is_gone() {
        let folder = tempfile::tempdir().expect("a folder");
        let run = RunId(uuid::Uuid::from_u128(7));
        let first = Lease::take(folder.path(), run, Timestamp::UNIX_EPOCH).expect("free");
        assert_eq!(holder(folder.path()).map(|holder| holder.run), Some(run));
        let refused = Lease::take(folder.path(), run, Timestamp::UNIX_EPOCH).err().expect("held");
        assert!(refused.to_string().contains(&run.to_string()), "{refused}");
        drop(first);
        assert_eq!(holder(folder.path()), None);
        assert!(Lease::take(folder.path(), run, Timestamp::UNIX_EPOCH).is_ok());
    }
}
