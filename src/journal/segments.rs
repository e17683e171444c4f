//! A journal as objects: `journal/00000001.jsonl`, `00000002.jsonl`, and so on, which put together are
//! byte for byte the `journal.jsonl` of a local folder.
//!
//! An object cannot be appended to. So the newest segment is written again, with one line more, as long
//! as it is short; then the next one is begun. Each write is conditional, hence of two writers who saw
//! the same end only one gets further: a run that has lost its lease is refused by the store itself.
//!
//! An answer may be lost. What a write that failed has tried to add is remembered, and recognised when
//! it is there after all: a line carries its run, its number and the hash of the one before, so no
//! other run can have written the same.

use std::cell::RefCell;
use std::rc::Rc;

use super::objects::{Expect, Objects, Put, Version};
use super::store::StoreError;

/// The folder of the segments.
const FOLDER: &str = "journal";
/// How long a segment has to be for the next line to begin another. All writers of a journal have to
/// agree on it: two that disagree could both get further, one in this segment and one in the next.
const FULL: usize = 64 * 1024;
/// How often a line is tried: once, once more when the store did not answer, once more when the end of
/// the journal had to be read again.
const TRIES: u32 = 3;

/// The segments of one journal.
pub struct Segments {
    objects: Rc<dyn Objects>,
    /// `c0450000-…/journal`.
    folder: String,
    /// The newest segment as last seen.
    tail: RefCell<Option<Tail>>,
    /// Lines whose writing failed, all for the same place: one of them may be there, or still come.
    failed: RefCell<Vec<Vec<u8>>>,
}

/// The newest segment.
#[derive(Clone)]
struct Tail {
    /// Counts from 1.
    number: u32,
    /// How many bytes of the journal are in segments before it.
    start: u64,
    bytes: Vec<u8>,
    /// None while there is no object yet.
    version: Option<Version>,
    /// What stands behind `bytes` has to go, so this segment has to be written again however long it is.
    is_cut: bool,
}

/// What a look at the end of the journal shows.
enum End {
    /// The line can be put behind it.
    Open(Tail),
    /// The line is there.
    Done(Tail),
}

impl Tail {
    /// The segment before the first line.
    fn none() -> Tail {
        Tail { number: 1, start: 0, bytes: Vec::new(), version: None, is_cut: false }
    }

    fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    /// What has to be written for one line more, and where.
    fn with(&self, line: &[u8]) -> (Tail, Expect) {
        match &self.version {
            Some(_) if self.bytes.len() >= FULL && !self.is_cut => {
                let next = Tail {
                    number: self.number + 1,
                    start: self.end(),
                    bytes: line.to_vec(),
                    version: None,
                    is_cut: false,
                };
                (next, Expect::Absent)
            }
            version => {
                let bytes = [&self.bytes, line].concat();
                let expect = version.clone().map_or(Expect::Absent, Expect::Version);
                (Tail { bytes, version: None, is_cut: false, ..*self }, expect)
            }
        }
    }
}

impl Segments {
    /// The journal below that folder.
    pub fn new(objects: Rc<dyn Objects>, below: &str) -> Segments {
        let folder = format!("{below}/{FOLDER}");
        Segments { objects, folder, tail: RefCell::default(), failed: RefCell::default() }
    }

    /// Where that is.
    pub fn place(&self) -> String {
        format!("{}/{}", self.objects.place(), self.folder)
    }

    /// All of the journal.
    pub async fn load(&self) -> Result<Vec<u8>, StoreError> {
        let last = self.last().await?;
        let mut whole: Vec<u8> = Vec::new();
        let mut tail = Tail::none();
        for number in 1..=last {
            let read = self.objects.get(&self.name(number)).await?;
            let read = read.ok_or_else(|| self.missing(number))?;
            tail = Tail {
                number,
                start: whole.len() as u64,
                bytes: read.bytes,
                version: Some(read.version),
                is_cut: false,
            };
            whole.extend_from_slice(&tail.bytes);
        }
        self.tail.replace(Some(tail));
        Ok(whole)
    }

    /// Puts a line behind the first `whole` bytes, as [`Store::append`](super::store::Store::append).
    pub async fn append(&self, whole: u64, line: &[u8]) -> Result<(), StoreError> {
        let mut trouble = None;
        for _ in 0..TRIES {
            let tail = match self.end_at(whole, line).await {
                Ok(End::Open(tail)) => tail,
                Ok(End::Done(tail)) => return self.appended(tail),
                // That the store did not answer is the news, not that it cannot be read either.
                Err(error) if error.is_conflict() => return Err(error),
                Err(error) => return Err(trouble.unwrap_or(error)),
            };
            let (mut next, expect) = tail.with(line);
            self.remember(line);
            self.tail.take();
            match self.objects.put(&self.name(next.number), next.bytes.clone(), expect).await {
                Ok(Put::Done(version)) => {
                    next.version = Some(version);
                    return self.appended(next);
                }
                Ok(Put::Conflict) => {}
                Err(error) => trouble = Some(error),
            }
        }
        Err(trouble.unwrap_or_else(|| self.conflict()))
    }

    fn appended(&self, tail: Tail) -> Result<(), StoreError> {
        self.tail.replace(Some(tail));
        self.failed.take();
        Ok(())
    }

    fn remember(&self, line: &[u8]) {
        let mut failed = self.failed.borrow_mut();
        if !failed.iter().any(|one| one == line) {
            failed.push(line.to_vec());
        }
    }

    /// The newest segment, cut off behind the first `whole` bytes where what follows is no line, or one
    /// of ours that failed.
    async fn end_at(&self, whole: u64, line: &[u8]) -> Result<End, StoreError> {
        let known = self.tail.borrow().clone();
        let mut tail = match known {
            Some(tail) => tail,
            None => self.read_tail().await?,
        };
        if whole > 0 && tail.version.is_none() {
            return Err(self.failed_with("find", "there is no journal here any more"));
        }
        let at = whole.checked_sub(tail.start).and_then(|at| usize::try_from(at).ok());
        let behind = at.and_then(|at| tail.bytes.get(at..)).ok_or_else(|| self.conflict())?;
        if behind == line {
            return Ok(End::Done(tail));
        }
        let is_ours = !behind.contains(&b'\n') || self.failed.borrow().iter().any(|one| one == behind);
        if !is_ours {
            return Err(self.conflict());
        }
        let cut = behind.len();
        tail.is_cut = cut > 0;
        tail.bytes.truncate(tail.bytes.len() - cut);
        Ok(End::Open(tail))
    }

    async fn read_tail(&self) -> Result<Tail, StoreError> {
        self.load().await?;
        Ok(self.tail.borrow().clone().unwrap_or_else(Tail::none))
    }

    /// The number of the newest segment; 0 when there is none.
    async fn last(&self) -> Result<u32, StoreError> {
        let names = self.objects.list(&self.folder).await?;
        let numbers = names.iter().filter_map(|name| name.strip_suffix(".jsonl")?.parse::<u32>().ok());
        Ok(numbers.max().unwrap_or(0))
    }

    fn name(&self, number: u32) -> String {
        format!("{}/{number:08}.jsonl", self.folder)
    }

    fn missing(&self, number: u32) -> StoreError {
        StoreError::Failed {
            what: "find",
            place: format!("{}/{}", self.objects.place(), self.name(number)),
            cause:
                "a part of the journal is missing; nothing was written. Restore it from a backup or an older \
                    version"
                    .into(),
        }
    }

    fn failed_with(&self, what: &'static str, cause: &str) -> StoreError {
        StoreError::Failed { what, place: self.place(), cause: cause.to_owned() }
    }

    fn conflict(&self) -> StoreError {
        StoreError::Conflict { place: self.place() }
    }
}
