//! The journal's file: JSON lines in the local state folder, appended and made durable one by one.
//!
//! Each line carries the hash of the one before, so an edited journal is noticed. A torn last line
//! (a crash in the middle of a write) is cut off and reported; its record never took effect,
//! because what it announces happens only after the write returned.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::record::{Entry, Record, VERSION};
use crate::model::{RunId, Timestamp};

/// Name of the journal in the folder of a tenant.
pub const FILE: &str = "journal.jsonl";

/// What can be wrong with a journal. Each says what is safe to do.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The folder or file cannot be used.
    #[error("cannot {what} {}: {cause}", path.display())]
    Io {
        /// The verb.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// A record that is not the last cannot be read.
    #[error(
        "{}: record {line} is damaged ({cause}); nothing was written. Restore the file from a backup, or move it away \
         and run `advaudit heal MANIFEST`: without a journal, declared subjects that are off are turned on by the \
         tenant's own dates",
        path.display()
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        cause: String,
    },
    /// Written by a later version.
    #[error(
        "{}: record {line} has version {found}, and this advaudit knows version {VERSION}; use the newer advaudit",
        path.display()
    )]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// Its version.
        found: u64,
    },
}

/// An open journal: one writer, guarded by the lease.
pub struct Journal {
    file: File,
    path: PathBuf,
    run: RunId,
    next: u64,
    last_hash: String,
    /// Bytes of whole records.
    whole: u64,
    /// What a failed write left behind could not be cut off.
    is_torn: bool,
}

/// What a journal holds.
pub struct Loaded {
    /// All whole records.
    pub records: Vec<Record>,
    /// How many bytes of a torn last record follow them.
    pub torn: usize,
    whole: u64,
    last_hash: String,
}

/// Reads the journal of a tenant's folder without changing it; empty when there is none.
pub fn load(folder: &Path) -> Result<Loaded, JournalError> {
    let path = folder.join(FILE);
    match std::fs::read(&path) {
        Ok(bytes) => parse(&path, &bytes),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => parse(&path, b""),
        Err(cause) => Err(JournalError::Io { what: "read", path, cause }),
    }
}

impl Journal {
    /// Opens the journal of a tenant's folder for a run, and cuts a torn last record off.
    pub fn open(folder: &Path, run: RunId) -> Result<(Journal, Loaded), JournalError> {
        let path = folder.join(FILE);
        let io = |what| {
            let path = path.clone();
            move |cause| JournalError::Io { what, path, cause }
        };
        std::fs::create_dir_all(folder).map_err(io("create the folder of"))?;
        let mut file =
            OpenOptions::new().read(true).append(true).create(true).open(&path).map_err(io("open"))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io("read"))?;
        let loaded = parse(&path, &bytes)?;
        if loaded.torn > 0 {
            file.set_len(loaded.whole).map_err(io("cut the torn end off"))?;
        }
        sync_folder(folder).map_err(io("make durable the folder of"))?;
        let next = loaded.records.last().map_or(1, |record| record.seq + 1);
        let (last_hash, whole) = (loaded.last_hash.clone(), loaded.whole);
        Ok((Journal { file, path, run, next, last_hash, whole, is_torn: false }, loaded))
    }

    /// The run that writes here.
    pub fn run(&self) -> RunId {
        self.run
    }

    /// Appends one entry. When this returns `Ok` the record survives a crash of the machine. What an
    /// append that failed has left is cut off before the next one: behind half a record, a whole one
    /// would make the journal unreadable.
    pub fn append(&mut self, entry: Entry, at: Timestamp) -> Result<Record, JournalError> {
        let record =
            Record { v: VERSION, seq: self.next, at, run: self.run, prev: self.last_hash.clone(), entry };
        let written = serde_json::to_string(&record).map_err(Into::into).and_then(|line| self.write(line));
        written.map_err(|cause| JournalError::Io { what: "write to", path: self.path.clone(), cause })?;
        Ok(record)
    }

    /// Writes one line, or nothing: what a full disk took of it would become part of the next record,
    /// and make the whole journal unreadable.
    fn write(&mut self, mut line: String) -> std::io::Result<()> {
        if self.is_torn {
            self.file.set_len(self.whole)?;
            self.is_torn = false;
        }
        let hash = hash(line.as_bytes());
        line.push('\n');
        if let Err(cause) = self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_data()) {
            self.is_torn = self.file.set_len(self.whole).is_err();
            return Err(cause);
        }
        self.next += 1;
        self.last_hash = hash;
        self.whole += line.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
impl Journal {
    /// From now on every append fails, as on a full disk.
    pub(crate) fn refuse_writing(&mut self) {
        self.file = File::open(&self.path).expect("opens for reading");
    }
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Loaded, JournalError> {
    let mut loaded = Loaded { records: Vec::new(), torn: 0, whole: 0, last_hash: String::new() };
    let mut rest = bytes;
    while !rest.is_empty() {
        let line = loaded.records.len() + 1;
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            loaded.torn = rest.len();
            break;
        };
        let (text, after) = (&rest[..end], &rest[end + 1..]);
        let record = record(path, line, text, &loaded)?;
        loaded.records.push(record);
        loaded.last_hash = hash(text);
        loaded.whole += end as u64 + 1;
        rest = after;
    }
    Ok(loaded)
}

fn record(path: &Path, line: usize, text: &[u8], before: &Loaded) -> Result<Record, JournalError> {
    let damaged = |cause: String| JournalError::Damaged { path: path.to_owned(), line, cause };
    let value: serde_json::Value =
        serde_json::from_slice(text).map_err(|cause| damaged(cause.to_string()))?;
    let found = value.get("v").and_then(serde_json::Value::as_u64).unwrap_or(0);
    if found > u64::from(VERSION) {
        return Err(JournalError::Newer { path: path.to_owned(), line, found });
    }
    let record: Record = serde_json::from_value(value).map_err(|cause| damaged(cause.to_string()))?;
    if record.prev != before.last_hash {
        return Err(damaged("it does not follow from the record before it: the file was edited".into()));
    }
    if record.seq != line as u64 {
        return Err(damaged(format!("it is numbered {}", record.seq)));
    }
    Ok(record)
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A new file's name is durable only once its folder is.
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finished(code: u8) -> Entry {
        Entry::RunFinished { exit_code: code }
    }

    fn folder_with_three() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut journal, _) = Journal::open(folder.path(), RunId(uuid::Uuid::nil())).expect("opens");
        for code in [0, 4, 0] {
            journal.append(finished(code), Timestamp::UNIX_EPOCH).expect("appends");
        }
        folder
    }

    fn edit(folder: &Path, change: impl FnOnce(String) -> String) {
        let path = folder.join(FILE);
        let text = std::fs::read_to_string(&path).expect("text");
        std::fs::write(path, change(text)).expect("written");
    }

    #[test]
    fn what_was_appended_is_read_again_and_numbered_on() {
        let folder = folder_with_three();
        let (mut journal, loaded) = Journal::open(folder.path(), RunId(uuid::Uuid::nil())).expect("opens");
        assert_eq!(loaded.records.len(), 3);
        let fourth = journal.append(finished(0), Timestamp::UNIX_EPOCH).expect("appends");
        assert_eq!(fourth.seq, 4);
        assert_eq!(load(folder.path()).expect("loads").records.len(), 4);
    }

    #[test]
    fn a_torn_last_record_is_cut_off_and_reported() {
        let folder = folder_with_three();
        edit(folder.path(), |text| text[..text.len() - 20].to_owned());
        let (mut journal, loaded) = Journal::open(folder.path(), RunId(uuid::Uuid::nil())).expect("opens");
        assert_eq!(loaded.records.len(), 2);
        assert!(loaded.torn > 0);
        journal.append(finished(0), Timestamp::UNIX_EPOCH).expect("appends");
        assert_eq!(load(folder.path()).expect("loads").records.len(), 3);
    }

    #[test]
    fn what_an_append_that_failed_has_left_does_not_spoil_the_next_one() {
        let folder = folder_with_three();
        let (mut journal, _) = Journal::open(folder.path(), RunId(uuid::Uuid::nil())).expect("opens");
        let good = journal.file.try_clone().expect("a second handle");
        journal.refuse_writing();
        assert!(journal.append(finished(5), Timestamp::UNIX_EPOCH).is_err());
        edit(folder.path(), |text| text + "{\"v\":1,\"seq\":4,");
        journal.file = good;
        journal.append(finished(0), Timestamp::UNIX_EPOCH).expect("appends");
        assert_eq!(load(folder.path()).expect("loads").records.len(), 4);
    }

    #[test]
    fn a_damaged_middle_is_an_error_that_names_the_record_and_the_way_out() {
        let folder = folder_with_three();
        edit(folder.path(), |text| text.replacen("\"exit_code\":4", "\"exit_code\":", 1));
        let error = load(folder.path()).err().expect("damaged").to_string();
        assert!(error.contains("record 2 is damaged"), "{error}");
        assert!(error.contains("advaudit heal MANIFEST"), "{error}");
    }

    #[test]
    fn an_edited_record_is_noticed() {
        let folder = folder_with_three();
        edit(folder.path(), |text| text.replacen("\"exit_code\":4", "\"exit_code\":0", 1));
        let error = load(folder.path()).err().expect("edited").to_string();
        assert!(error.contains("record 3") && error.contains("edited"), "{error}");
    }

    #[test]
    fn a_newer_version_is_left_alone() {
        let folder = folder_with_three();
        edit(folder.path(), |text| text.replace("{\"v\":1", "{\"v\":2"));
        let error = load(folder.path()).err().expect("newer").to_string();
        assert!(error.contains("use the newer advaudit"), "{error}");
    }
}
