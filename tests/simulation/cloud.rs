//! An object store that loses requests and answers, does work late, and is out of reach of one process
//! for a while.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use advaudit::clock::Clock;
use advaudit::journal::objects::{Expect, Object, Objects, Put, Version};
use advaudit::journal::store::{Later, StoreError};
use advaudit::model::{SignedDuration, Timestamp};

use super::process::Process;
use super::watch::Watch;

/// How long a request takes.
const LATENCY: SignedDuration = SignedDuration::from_millis(20);
/// How long a process waits for an answer that does not come.
const SILENCE: SignedDuration = SignedDuration::from_secs(3);

/// What is in the store.
#[derive(Default)]
pub struct Bucket {
    objects: BTreeMap<String, (Vec<u8>, u64)>,
    versions: u64,
    late: Vec<(Timestamp, String, Vec<u8>, Expect)>,
}

impl Bucket {
    /// The object of that name below any folder.
    pub fn read(&self, name: &str) -> Vec<u8> {
        let own = self.objects.iter().filter(|(path, _)| path.ends_with(name));
        own.flat_map(|(_, (bytes, _))| bytes.clone()).collect()
    }

    /// The segments of the journal, one after the other.
    pub fn journal(&self) -> Vec<u8> {
        self.read(".jsonl")
    }

    /// Everything is deleted.
    pub fn wipe(&mut self) {
        self.objects.clear();
        self.late.clear();
    }

    fn put(&mut self, name: &str, bytes: Vec<u8>, expect: &Expect) -> Put {
        let found = self.objects.get(name).map(|(_, version)| version.to_string());
        let is_expected = match expect {
            Expect::Absent => found.is_none(),
            Expect::Version(Version(version)) => found.as_ref() == Some(version),
        };
        if !is_expected {
            return Put::Conflict;
        }
        self.versions += 1;
        self.objects.insert(name.to_owned(), (bytes, self.versions));
        Put::Done(Version(self.versions.to_string()))
    }

    fn do_what_is_late(&mut self, now: Timestamp) {
        let (due, later) = std::mem::take(&mut self.late).into_iter().partition(|(at, ..)| *at <= now);
        self.late = later;
        let due: Vec<(Timestamp, String, Vec<u8>, Expect)> = due;
        for (_, name, bytes, expect) in due {
            self.put(&name, bytes, &expect);
        }
    }
}

/// The store as one process sees it.
pub struct SharedState {
    pub bucket: Rc<RefCell<Bucket>>,
    pub process: Rc<Process>,
    pub watch: Rc<Watch>,
    pub clock: Clock,
    /// Out of reach until then.
    pub cut_off: Cell<Option<Timestamp>>,
}

impl SharedState {
    /// One request on its way: an error when it does not arrive.
    async fn arrives(&self) -> Result<(), StoreError> {
        self.process.step();
        self.clock.sleep(LATENCY).await;
        let now = self.clock.now();
        self.bucket.borrow_mut().do_what_is_late(now);
        if self.watch.is_rough() && self.cut_off.get().is_none() && self.process.per_mille(4) {
            let seconds = self.process.chance.borrow_mut().between(10, 200);
            self.watch.tell(&format!("process {} does not reach its state", self.process.number));
            self.watch.count("fault store out of reach");
            self.cut_off
                .set(now.checked_add(SignedDuration::from_secs(seconds.try_into().expect("small"))).ok());
        }
        if self.cut_off.get().is_some_and(|until| now < until) || self.strikes("store lost request") {
            return self.silence().await;
        }
        Ok(())
    }

    fn strikes(&self, what: &str) -> bool {
        let strikes = self.watch.is_rough() && self.process.percent(1);
        if strikes {
            self.watch.count(&format!("fault {what}"));
        }
        strikes
    }

    async fn silence<T>(&self) -> Result<T, StoreError> {
        self.clock.sleep(SILENCE).await;
        let (what, place, cause) = ("reach", self.place(), "no answer".to_owned());
        Err(StoreError::Failed { what, place, cause })
    }

    async fn put_now(&self, name: &str, bytes: Vec<u8>, expect: Expect) -> Result<Put, StoreError> {
        self.arrives().await?;
        if self.strikes("store works late") {
            let seconds = self.process.chance.borrow_mut().between(1, 90).try_into().expect("small");
            let at = self.clock.now().checked_add(SignedDuration::from_secs(seconds)).expect("a time");
            self.bucket.borrow_mut().late.push((at, name.to_owned(), bytes, expect));
            return self.silence().await;
        }
        let put = self.bucket.borrow_mut().put(name, bytes, &expect);
        self.process.step();
        if self.strikes("store lost answer") { self.silence().await } else { Ok(put) }
    }
}

impl Objects for SharedState {
    fn place(&self) -> String {
        "az://state".to_owned()
    }

    fn get<'a>(&'a self, name: &'a str) -> Later<'a, Option<Object>> {
        Box::pin(async move {
            self.arrives().await?;
            let bucket = self.bucket.borrow();
            let object = |(bytes, version): &(Vec<u8>, u64)| Object {
                bytes: bytes.clone(),
                version: Version(version.to_string()),
            };
            Ok(bucket.objects.get(name).map(object))
        })
    }

    fn put<'a>(&'a self, name: &'a str, bytes: Vec<u8>, expect: Expect) -> Later<'a, Put> {
        Box::pin(self.put_now(name, bytes, expect))
    }

    fn list<'a>(&'a self, folder: &'a str) -> Later<'a, Vec<String>> {
        Box::pin(async move {
            self.arrives().await?;
            let below = if folder.is_empty() { String::new() } else { format!("{folder}/") };
            let bucket = self.bucket.borrow();
            let names = bucket.objects.keys().filter_map(|path| path.strip_prefix(&below));
            let mut names: Vec<String> =
                names.map(|rest| rest.split('/').next().unwrap_or(rest).to_owned()).collect();
            names.dedup();
            Ok(names)
        })
    }
}
