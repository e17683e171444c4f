//! The journal of the model: real records, and what the real `replay` makes of them.

use std::hash::{Hash, Hasher};
use std::rc::Rc;

use advaudit::apply::replay::replay;
use advaudit::journal::record::{Entry, Record, VERSION};
use advaudit::model::{RunId, SubjectId, Timestamp};
use advaudit::plan::running::{InFlight, Running};
use uuid::Uuid;

/// The journal of the tenant.
#[derive(Clone, Debug)]
pub struct Journal {
    records: Rc<Vec<Record>>,
    running: Rc<Running>,
}

impl Journal {
    pub fn new() -> Self {
        Journal { records: Rc::default(), running: Rc::default() }
    }

    /// With one record more.
    pub fn append(&mut self, entry: Entry, at: Timestamp) {
        let seq = self.records.len() as u64 + 1;
        let record = Record { v: VERSION, seq, at, run: RunId(Uuid::nil()), prev: String::new(), entry };
        Rc::make_mut(&mut self.records).push(record);
        self.running = Rc::new(replay(&self.records, at));
    }

    /// All of it.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// What is unfinished of one subject.
    pub fn own(&self, id: SubjectId) -> Option<&InFlight> {
        self.running.in_flight.get(&id)
    }

    /// Whether an on of ours is known that ended an off.
    pub fn has_renewed(&self, id: SubjectId) -> bool {
        self.running.last_on.contains_key(&id)
    }
}

/// Two journals that say the same are the same, however many records they took for it.
impl Hash for Journal {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.running.in_flight.hash(state);
        self.running.last_on.keys().for_each(|id| id.hash(state));
    }
}
