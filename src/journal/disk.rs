//! The few things that a journal asks of a folder on a disk, so that a test can put a disk there that
//! runs full, tears a write in two, or forgets what was not made durable.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::path::{Path, PathBuf};

/// What is larger is no journal: half a million toggles are some 1.5 GB.
const LARGEST_BYTES: u64 = 8 * 1024 * 1024 * 1024;

/// One folder and the files in it.
pub trait Disk {
    /// Where it is.
    fn path(&self) -> &Path;
    /// Makes the folder where it is missing.
    fn create(&self) -> Result<()>;
    /// The whole file. Fails with `NotFound` where there is none.
    fn read(&self, name: &str) -> Result<Vec<u8>>;
    /// Adds to the end of a file, perhaps only a part; a missing one is made only if `new`.
    fn append(&self, name: &str, bytes: &[u8], new: bool) -> Result<()>;
    /// How long a file is.
    fn length(&self, name: &str) -> Result<u64>;
    /// Cuts a file off.
    fn cut(&self, name: &str, length: u64) -> Result<()>;
    /// Makes what was written to a file survive a crash of the machine.
    fn sync(&self, name: &str) -> Result<()>;
    /// Makes the names of the files survive it.
    fn sync_names(&self) -> Result<()>;
    /// Locks a file for this process, making it where it is missing; false when another one has it.
    fn lock(&self, name: &str) -> Result<bool>;
    /// Lets the lock go.
    fn unlock(&self, name: &str);
    /// Whether another process has the lock.
    fn is_locked(&self, name: &str) -> bool;
}

/// A folder of the operating system. Locks end with the process.
pub struct Folder {
    path: PathBuf,
    locks: RefCell<BTreeMap<String, File>>,
}

impl Folder {
    /// That folder; nothing is made or opened yet.
    pub fn new(path: PathBuf) -> Self {
        Folder { path, locks: RefCell::default() }
    }
}

impl Disk for Folder {
    fn path(&self) -> &Path {
        &self.path
    }

    fn create(&self) -> Result<()> {
        std::fs::create_dir_all(&self.path)
    }

    fn read(&self, name: &str) -> Result<Vec<u8>> {
        let path = self.path.join(name);
        // Asked by its name, before it is opened: opening a pipe waits already.
        let what = std::fs::metadata(&path)?;
        if !what.is_file() && !what.is_dir() {
            return Err(Error::new(ErrorKind::InvalidInput, "it is a pipe or a device, and no file"));
        }
        let mut bytes = Vec::new();
        File::open(path)?.take(LARGEST_BYTES + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > LARGEST_BYTES {
            return Err(Error::new(ErrorKind::FileTooLarge, "it is larger than any journal"));
        }
        Ok(bytes)
    }

    fn append(&self, name: &str, bytes: &[u8], new: bool) -> Result<()> {
        let mut file = OpenOptions::new().append(true).create(new).open(self.path.join(name))?;
        file.write_all(bytes)
    }

    fn length(&self, name: &str) -> Result<u64> {
        Ok(std::fs::metadata(self.path.join(name))?.len())
    }

    fn cut(&self, name: &str, length: u64) -> Result<()> {
        OpenOptions::new().write(true).open(self.path.join(name))?.set_len(length)
    }

    fn sync(&self, name: &str) -> Result<()> {
        OpenOptions::new().append(true).open(self.path.join(name))?.sync_data()
    }

    fn sync_names(&self) -> Result<()> {
        if cfg!(unix) { File::open(&self.path)?.sync_all() } else { Ok(()) }
    }

    fn lock(&self, name: &str) -> Result<bool> {
        let path = self.path.join(name);
        // Not truncated on opening: the text belongs to whoever holds the lock.
        let own = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        // A file that may only be read can be locked all the same.
        let file = own.or_else(|cause| File::open(&path).map_err(|_| cause))?;
        match file.try_lock() {
            Ok(()) => {
                self.locks.borrow_mut().insert(name.to_owned(), file);
                Ok(true)
            }
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(cause)) => Err(cause),
        }
    }

    fn unlock(&self, name: &str) {
        self.locks.borrow_mut().remove(name);
    }

    fn is_locked(&self, name: &str) -> bool {
        let Ok(file) = File::open(self.path.join(name)) else { return false };
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
    }
}
