//! The loop against a simulated tenant, where the journal ends in the middle of it.

use std::rc::Rc;
use std::sync::Arc;

use super::*;
use crate::apply::replay::replay;
use crate::diag::Source;
use crate::graph::{Client, Cloud, Root, Token};
use crate::journal::store;
use crate::model::RunId;
use crate::observe::collect;
use crate::plan::planned::Plan;
use crate::plan::resolve::resolve;
use crate::plan::resume;
use crate::plan::running::Running;
use crate::sandbox::{InProcess, Tenant};

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

struct World {
    tenant: InProcess,
    clock: Clock,
    client: Client,
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> World {
        let tenant = Tenant::read(TENANT).expect("a tenant");
        let clock = Clock::starting_at(tenant.start().expect("virtual time"));
        let tenant = InProcess::new(tenant, clock.clone());
        let token = Token::new("any").expect("a token");
        let client = Client::new(Rc::new(tenant.clone()), Root::of(Cloud::Global), token, clock.clone());
        World { tenant, clock, client, folder: tempfile::tempdir().expect("a folder") }
    }

    async fn plan(&self) -> Plan {
        let source = Arc::new(Source::new("manifest.yaml", MANIFEST));
        let (declared, _) = crate::manifest::read(source, self.clock.now()).expect("a manifest");
        let (reader, running) = (Reader::new(self.client.clone()), Running::default());
        let tenant = collect::tenant(&reader).await.expect("a tenant");
        let observed = collect::collect(&reader, &declared, tenant, &running.last_on, &self.clock).await;
        let observed = observed.expect("read");
        let desired = resolve(&declared, &observed, &running);
        crate::plan::plan(&desired, &observed, &running, self.clock.now())
    }

    fn journal(&self) -> Journal {
        Journal::open(self.folder.path(), RunId(uuid::Uuid::nil())).expect("a journal").0
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
            clock: &self.clock,
            catalog: &catalog,
            tell: &mut |_| {},
            interrupt: &interrupt,
        };
        run(jobs, Manner { max_off: 10, no_wait }, tools).await
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
        let (toggles, mut journal) = (world.toggles().await, world.journal());
        let done = world.run(toggles, true, &mut journal).await;
        assert!(done.stopped.is_none() && world.writes() == 1, "off, and left to wait");
        let records = store::load(world.folder.path()).expect("records").records;
        let running = replay(&records, world.clock.now());
        let own = running.in_flight.values().next().expect("one is off");
        journal.refuse_writing();
        let back_on = vec![Job::new(&resume(own, world.clock.now()), &Arc::default())];
        let done = world.run(back_on, false, &mut journal).await;
        assert!(cannot_write(&done) && world.writes() == 2, "on again");
    };
    world.clock.drive(story).await;
}

#[tokio::test]
async fn nobody_is_turned_off_when_the_journal_cannot_be_written() {
    let world = World::new();
    let story = async {
        let (toggles, mut journal) = (world.toggles().await, world.journal());
        journal.refuse_writing();
        let done = world.run(toggles, false, &mut journal).await;
        assert!(cannot_write(&done) && world.writes() == 0);
    };
    world.clock.drive(story).await;
}
