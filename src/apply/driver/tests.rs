//! The loop against a simulated tenant, where the journal ends in the middle of it.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use super::*;
use crate::apply::interrupt::Interrupt;
use crate::apply::outcome::Outcome;
use crate::apply::replay::replay;
use crate::clock::Clock;
use crate::diag::Source;
use crate::graph::{Client, Cloud, OffWriter, OnWriter, Reader, Root, Token};
use crate::journal::folder::Folder;
use crate::journal::lease::{Holder, Lease};
use crate::journal::log::{self, Journal};
use crate::journal::store::{Later, Store, StoreError, Taken, Term};
use crate::model::{RunId, TenantId};
use crate::observe::collect;
use crate::observe::reading::Knows;
use crate::plan::planned::Plan;
use crate::plan::resolve::resolve;
use crate::plan::resume;
use crate::plan::running::Running;
use crate::sandbox::{Fault, FaultAnswer, Faults, InProcess, Tenant};

const TENANT: &str = "\
tenant: {id: 8a9b0c1d-0000-4000-8000-000000000001, domain: contoso.onmicrosoft.com}
now: 2026-11-22T09:00:00Z
licenses: [SPE_E5]
users:
  - {upn: adele@contoso.com, since: 2026-03-02T10:15:00Z, licenses: [SPE_E5]}
";

const MANIFEST: &str = "\
apiVersion: advaudit/v1
tenant: contoso.onmicrosoft.com
users:
  - {user: adele@contoso.com, toggleIfEnabledBefore: 2026-11-20T00:00:00Z}
";

/// A folder on a disk that can run full.
struct Filling {
    folder: Folder,
    is_full: Cell<bool>,
}

impl Store for Filling {
    fn place(&self) -> String {
        self.folder.place()
    }
    fn load(&self) -> Later<'_, Vec<u8>> {
        self.folder.load()
    }
    fn append(&self, whole: u64, line: Vec<u8>) -> Later<'_, ()> {
        if !self.is_full.get() {
            return self.folder.append(whole, line);
        }
        let (what, cause) = ("write to", "no space left".to_owned());
        Box::pin(async move { Err(StoreError::Failed { what, place: self.place(), cause }) })
    }
    fn take(&self, own: Holder, now: Timestamp) -> Later<'_, Taken> {
        self.folder.take(own, now)
    }
    fn renew(&self, own: Holder) -> Later<'_, ()> {
        self.folder.renew(own)
    }
    fn release(&self) -> Later<'_, ()> {
        self.folder.release()
    }
    fn holder(&self, now: Timestamp) -> Later<'_, Option<Holder>> {
        self.folder.holder(now)
    }
    fn break_lease(&self) -> Later<'_, ()> {
        self.folder.break_lease()
    }
    fn term(&self) -> Term {
        self.folder.term()
    }
}

struct World {
    tenant: InProcess,
    clock: Clock,
    client: Client,
    store: Rc<Filling>,
    lease: Lease,
    _folder: tempfile::TempDir,
}

impl World {
    fn new() -> World {
        let tenant = Tenant::read(TENANT).expect("a tenant");
        let clock = Clock::starting_at(tenant.start().expect("virtual time"));
        let tenant = InProcess::new(tenant, clock.clone());
        let token = Token::new("any").expect("a token");
        let client =
            Client::new(Rc::new(tenant.clone()), Root::of(Cloud::Global), Rc::new(token), clock.clone());
        let folder = tempfile::tempdir().expect("a folder");
        let store =
            Rc::new(Filling { folder: Folder::new(folder.path().to_owned()), is_full: Cell::new(false) });
        let lease = Lease::new(store.clone(), clock.clone());
        World { tenant, clock, client, store, lease, _folder: folder }
    }

    async fn plan(&self) -> Plan {
        let source = Arc::new(Source::new("manifest.yaml", MANIFEST));
        let (declared, _) = crate::manifest::read(source, self.clock.now()).expect("a manifest");
        let (reader, running) = (Reader::new(self.client.clone()), Running::default());
        let tenant = collect::tenant(&reader).await.expect("a tenant");
        let knows = Knows::only(&running.last_on);
        let observed = collect::collect(&reader, &declared, tenant, knows, &self.clock).await;
        let observed = observed.expect("read");
        let desired = resolve(&declared, &observed, &running);
        crate::plan::plan(&desired, &observed, &running, self.clock.now())
    }

    async fn journal(&self) -> Journal {
        let (tenant, run) = (TenantId(uuid::Uuid::nil()), RunId(uuid::Uuid::nil()));
        Journal::open(self.store.clone(), tenant, run).await.expect("a journal").0
    }

    async fn in_flight(&self) -> Vec<Job> {
        let records = log::load(&*self.store, None).await.expect("records").records;
        let running = replay(&records, self.clock.now());
        let own = running.in_flight.values();
        own.map(|own| Job::new(&resume(own, self.clock.now()), &Arc::default())).collect()
    }

    async fn run(&self, jobs: Vec<Job>, no_wait: bool, journal: &mut Journal) -> Done {
        let reader = Reader::new(self.client.clone());
        let (on, off) = (OnWriter::new(self.client.clone()), OffWriter::new(self.client.clone()));
        let catalog = reader.catalog().await.expect("a catalog");
        let (_keep, interrupt) = Interrupt::pair();
        let tools = Tools {
            reader: &reader,
            on: &on,
            off: Some(&off),
            journal,
            running: &mut Running::default(),
            lease: &self.lease,
            clock: &self.clock,
            catalog: &catalog,
            tell: &mut |_| {},
            interrupt: &interrupt,
        };
        run(jobs, Manner { max_off: 10, no_wait, ..Manner::default() }, tools).await
    }

    fn writes(&self) -> usize {
        self.tenant.tenant().writes().len()
    }

    async fn toggles(&self) -> Vec<Job> {
        self.plan().await.changes.iter().map(|change| Job::new(change, &Arc::default())).collect()
    }
}

fn cannot_write(done: &Done) -> bool {
    matches!(done.stopped, Some(Stopped::Journal(_)))
}

#[tokio::test]
async fn who_is_off_is_turned_on_when_due_also_when_the_journal_cannot_be_written_any_more() {
    let world = World::new();
    let story = async {
        let (toggles, mut journal) = (world.toggles().await, world.journal().await);
        let done = world.run(toggles, true, &mut journal).await;
        assert!(done.stopped.is_none() && world.writes() == 1, "off, and left to wait");
        let back_on = world.in_flight().await;
        world.store.is_full.set(true);
        let done = world.run(back_on, false, &mut journal).await;
        assert!(cannot_write(&done) && world.writes() == 2, "on again");
    };
    world.clock.drive(story).await;
}

#[tokio::test]
async fn nobody_is_turned_off_when_the_journal_cannot_be_written() {
    let world = World::new();
    let story = async {
        let (toggles, mut journal) = (world.toggles().await, world.journal().await);
        world.store.is_full.set(true);
        let done = world.run(toggles, false, &mut journal).await;
        assert!(cannot_write(&done) && world.writes() == 0);
    };
    world.clock.drive(story).await;
}

#[tokio::test]
async fn a_lost_lease_starts_nothing_new_and_turns_on_who_is_off_when_due() {
    let world = World::new();
    let story = async {
        let (toggles, mut journal) = (world.toggles().await, world.journal().await);
        let (done, ()) = tokio::join!(world.run(toggles, false, &mut journal), async {
            world.clock.sleep(SignedDuration::from_mins(20)).await;
            world.lease.lose("another run has taken it");
        });
        assert!(matches!(done.stopped, Some(Stopped::Lease(_))));
        assert_eq!(world.writes(), 2, "off and on");
        assert!(
            world.clock.now().duration_since(world.tenant.tenant().start().expect("a start")).as_mins() >= 60
        );
    };
    world.clock.drive(story).await;
}

#[tokio::test]
async fn nothing_is_started_without_the_lease() {
    let world = World::new();
    let story = async {
        let (toggles, mut journal) = (world.toggles().await, world.journal().await);
        world.lease.lose("another run has taken it");
        let done = world.run(toggles, false, &mut journal).await;
        assert!(matches!(done.stopped, Some(Stopped::Lease(_))) && world.writes() == 0);
    };
    world.clock.drive(story).await;
}

#[tokio::test]
async fn an_outage_ends_a_large_run_before_it_has_gone_through_everybody() {
    let world = World::new();
    let story = async {
        let (toggles, mut journal) = (world.toggles().await, world.journal().await);
        let many: Vec<Job> = toggles.iter().cycle().take(200).cloned().collect();
        let asked = world.tenant.tenant().counters().requests;
        // The licenses are still read; after that nothing answers any more.
        let fault = Fault {
            request: Some(asked + 2),
            write: None,
            answer: FaultAnswer::Status(503),
            retry_after: None,
            times: u64::MAX / 2,
        };
        world.tenant.tenant().set_faults(Faults::new(vec![fault]));
        let done = world.run(many, false, &mut journal).await;
        assert!(matches!(done.stopped, Some(Stopped::Outage(_))), "{:?}", done.stopped);
        let left = done.machines.iter().filter_map(Machine::end);
        let left = left.filter(|end| end.outcome == Outcome::Pending).count();
        assert!(left >= 150 && world.writes() == 0, "{left} were not looked at");
    };
    world.clock.drive(story).await;
}
