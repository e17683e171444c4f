//! A disk that runs full, tears a write in two, and forgets what was not made durable when the power
//! goes. Locks belong to processes and end with them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use advaudit::journal::disk::Disk;

use super::chance::Chance;
use super::process::Process;

/// What is on the disk.
#[derive(Default)]
pub struct Platter {
    files: BTreeMap<String, Held>,
    locks: BTreeMap<String, u64>,
    /// Whether nothing fits any more.
    pub is_full: bool,
    /// Whether it was, at some time: then not everything is in the journal.
    pub was_full: bool,
}

#[derive(Clone, Default)]
struct Held {
    /// What survives a loss of power.
    durable: Vec<u8>,
    /// What processes see.
    seen: Vec<u8>,
    /// Whether its name survives.
    is_named: bool,
}

impl Platter {
    /// The process is gone, and its locks with it.
    pub fn unlock_all(&mut self, process: u64) {
        self.locks.retain(|_, owner| *owner != process);
    }

    /// The power goes: what was not durable is gone, or a part of it. The machine's processes are dead.
    pub fn lose_power(&mut self, chance: &mut Chance) {
        self.locks.clear();
        self.files.retain(|_, file| file.is_named || chance.percent(50));
        for file in self.files.values_mut() {
            let kept = file.seen.len().saturating_sub(file.durable.len());
            if file.seen.starts_with(&file.durable) {
                let kept = chance.below(kept + 1);
                file.seen.truncate(file.durable.len() + kept);
            } else {
                file.seen = file.durable.clone();
            }
            file.durable = file.seen.clone();
            // What is there after the machine has started again is on the disk, name and all.
            file.is_named = true;
        }
    }

    /// Everything is deleted.
    pub fn wipe(&mut self) {
        self.files.clear();
    }

    /// What of a file survives a loss of power.
    pub fn durable(&self, name: &str) -> &[u8] {
        self.files.get(name).map_or(&[], |file| &file.durable)
    }

    /// Everything that is written anywhere.
    pub fn holds(&self, text: &str) -> bool {
        let text = text.as_bytes();
        self.files.values().any(|file| file.seen.windows(text.len()).any(|part| part == text))
    }

    /// Who has that lock.
    pub fn owner(&self, name: &str) -> Option<u64> {
        self.locks.get(name).copied()
    }
}

/// The disk as one process sees it.
pub struct SimulatedDisk {
    pub platter: Rc<RefCell<Platter>>,
    pub process: Rc<Process>,
    pub path: PathBuf,
}

impl SimulatedDisk {
    fn file<T>(&self, name: &str, work: impl FnOnce(&mut Held) -> T) -> Result<T> {
        let mut platter = self.platter.borrow_mut();
        platter.files.get_mut(name).map(work).ok_or_else(|| Error::from(ErrorKind::NotFound))
    }

    /// How much of a write happens: all, or a part because the disk is full or the process dies.
    fn fitting(&self, length: usize, dies: bool) -> usize {
        let is_full = self.platter.borrow().is_full;
        if is_full || dies { self.process.chance.borrow_mut().below(length + 1) } else { length }
    }
}

impl Disk for SimulatedDisk {
    fn path(&self) -> &Path {
        &self.path
    }

    fn create(&self) -> Result<()> {
        self.process.step();
        Ok(())
    }

    fn read(&self, name: &str) -> Result<Vec<u8>> {
        self.file(name, |file| file.seen.clone())
    }

    fn append(&self, name: &str, bytes: &[u8], new: bool) -> Result<()> {
        self.process.step();
        if new {
            self.platter.borrow_mut().files.entry(name.to_owned()).or_default();
        }
        let dies = self.process.burns();
        let fitting = self.fitting(bytes.len(), dies);
        self.file(name, |file| file.seen.extend_from_slice(&bytes[..fitting]))?;
        if dies {
            self.process.die();
        }
        if self.platter.borrow().is_full { Err(Error::from(ErrorKind::StorageFull)) } else { Ok(()) }
    }

    fn length(&self, name: &str) -> Result<u64> {
        self.file(name, |file| file.seen.len() as u64)
    }

    fn cut(&self, name: &str, length: u64) -> Result<()> {
        self.process.step();
        let length = usize::try_from(length).expect("small");
        self.file(name, |file| file.seen.truncate(length))
    }

    fn sync(&self, name: &str) -> Result<()> {
        self.process.step();
        self.file(name, |file| file.durable = file.seen.clone())?;
        self.process.step();
        Ok(())
    }

    fn sync_names(&self) -> Result<()> {
        self.process.step();
        self.platter.borrow_mut().files.values_mut().for_each(|file| file.is_named = true);
        Ok(())
    }

    fn lock(&self, name: &str) -> Result<bool> {
        self.process.step();
        let mut platter = self.platter.borrow_mut();
        platter.files.entry(name.to_owned()).or_default();
        let owner = *platter.locks.entry(name.to_owned()).or_insert(self.process.number);
        Ok(owner == self.process.number)
    }

    fn unlock(&self, name: &str) {
        let mut platter = self.platter.borrow_mut();
        if platter.owner(name) == Some(self.process.number) {
            platter.locks.remove(name);
        }
    }

    fn is_locked(&self, name: &str) -> bool {
        self.platter.borrow().owner(name).is_some_and(|owner| owner != self.process.number)
    }
}
