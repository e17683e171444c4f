//! An object store in memory that can lose answers, work late, fall silent, or ignore conditions.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use super::objects::{Expect, Object, Objects, Put, Version};
use super::store::{Later, StoreError};

/// What happens to a put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// None.
    Fine,
    /// It is done, and the answer is lost.
    AnswerLost,
    /// It is not done, and nobody says so.
    RequestLost,
    /// The answer is lost, and it is done when the next request has been answered.
    Late,
    /// It was done, and an attempt of its own after it is refused.
    AskedTwice,
}

/// The store; clones share it, as machines do.
#[derive(Clone, Default)]
pub struct Memory(Rc<RefCell<Inner>>);

#[derive(Default)]
struct Inner {
    objects: BTreeMap<String, (Vec<u8>, u64)>,
    count: u64,
    faults: VecDeque<Fault>,
    late: Option<(String, Vec<u8>, Expect)>,
    is_silent: bool,
    ignores_conditions: bool,
    /// The version is a digest of the bytes, as the ETag of S3.
    by_bytes: bool,
}

impl Memory {
    /// One whose versions come from the bytes.
    pub fn by_bytes() -> Memory {
        let memory = Memory::default();
        memory.0.borrow_mut().by_bytes = true;
        memory
    }

    /// One that does every put, whatever is expected.
    pub fn without_conditions() -> Memory {
        let memory = Memory::default();
        memory.0.borrow_mut().ignores_conditions = true;
        memory
    }

    /// What happens to the next puts.
    pub fn will(&self, faults: &[Fault]) {
        self.0.borrow_mut().faults = faults.iter().copied().collect();
    }

    /// Whether nothing is answered any more.
    pub fn silent(&self, is_silent: bool) {
        self.0.borrow_mut().is_silent = is_silent;
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        self.0.borrow().objects.get(name).map(|(bytes, _)| bytes.clone()).unwrap_or_default()
    }

    pub fn names(&self) -> Vec<String> {
        self.0.borrow().objects.keys().cloned().collect()
    }

    /// Somebody puts other objects there.
    pub fn replace_by(&self, other: &Memory) {
        let objects = other.0.borrow().objects.clone();
        self.0.borrow_mut().objects = objects;
    }

    /// Somebody puts an object there by hand.
    pub fn place_by_hand(&self, name: &str, bytes: &[u8]) {
        self.0.borrow_mut().write(name, bytes.to_vec());
    }
}

impl Inner {
    fn version(&self, name: &str) -> Option<Version> {
        let (bytes, count) = self.objects.get(name)?;
        Some(Version(if self.by_bytes { super::chain::hash(bytes) } else { count.to_string() }))
    }

    fn write(&mut self, name: &str, bytes: Vec<u8>) -> Put {
        self.count += 1;
        self.objects.insert(name.to_owned(), (bytes, self.count));
        Put::Done(self.version(name).expect("just written"))
    }

    fn put(&mut self, name: &str, bytes: Vec<u8>, expect: &Expect) -> Put {
        let is_as_expected = match expect {
            Expect::Absent => !self.objects.contains_key(name),
            Expect::Version(version) => self.version(name).as_ref() == Some(version),
        };
        if is_as_expected || self.ignores_conditions { self.write(name, bytes) } else { Put::Conflict }
    }

    /// What arrives late arrives now.
    fn deliver(&mut self) {
        if let Some((name, bytes, expect)) = self.late.take() {
            self.put(&name, bytes, &expect);
        }
    }

    fn no_answer<T>(name: &str) -> Result<T, StoreError> {
        let (place, cause) = (format!("memory://test/{name}"), "the store did not answer in time".to_owned());
        Err(StoreError::Failed { what: "write", place, cause })
    }

    fn answer(&mut self, name: &str, bytes: Vec<u8>, expect: Expect) -> Result<Put, StoreError> {
        if self.is_silent {
            return Inner::no_answer(name);
        }
        let late = self.late.take();
        let answer = match self.faults.pop_front().unwrap_or(Fault::Fine) {
            Fault::Fine => Ok(self.put(name, bytes, &expect)),
            Fault::AnswerLost => {
                self.put(name, bytes, &expect);
                Inner::no_answer(name)
            }
            Fault::RequestLost => Inner::no_answer(name),
            Fault::Late => {
                self.late = Some((name.to_owned(), bytes, expect));
                return Inner::no_answer(name);
            }
            Fault::AskedTwice => {
                self.put(name, bytes.clone(), &expect);
                Ok(self.put(name, bytes, &expect))
            }
        };
        self.late = late;
        self.deliver();
        answer
    }
}

impl Objects for Memory {
    fn place(&self) -> String {
        "memory://test".into()
    }

    fn get<'a>(&'a self, name: &'a str) -> Later<'a, Option<Object>> {
        Box::pin(async move {
            let mut inner = self.0.borrow_mut();
            if inner.is_silent {
                return Inner::no_answer(name);
            }
            let read = inner.version(name).map(|version| (inner.objects[name].0.clone(), version));
            inner.deliver();
            Ok(read.map(|(bytes, version)| Object { bytes, version }))
        })
    }

    fn put<'a>(&'a self, name: &'a str, bytes: Vec<u8>, expect: Expect) -> Later<'a, Put> {
        Box::pin(async move { self.0.borrow_mut().answer(name, bytes, expect) })
    }

    fn list<'a>(&'a self, folder: &'a str) -> Later<'a, Vec<String>> {
        Box::pin(async move {
            let inner = self.0.borrow();
            if inner.is_silent {
                return Inner::no_answer(folder);
            }
            let folder = if folder.is_empty() { String::new() } else { format!("{folder}/") };
            let below = inner.objects.keys().filter_map(|name| name.strip_prefix(&folder));
            let mut names: Vec<String> =
                below.map(|name| name.split('/').next().unwrap_or(name).to_owned()).collect();
            names.dedup();
            Ok(names)
        })
    }
}
