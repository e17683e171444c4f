//! The library without the command line: a tenant in process, a plan of it, and a run of that plan.
//! Between the two a test can do to the tenant what somebody else might.

use std::rc::Rc;
use std::sync::Arc;

use advaudit::apply::driver::{self, Done, Manner, Tools};
use advaudit::apply::interrupt::Interrupt;
use advaudit::apply::job::Job;
use advaudit::apply::outcome::{End, Outcome};
use advaudit::clock::Clock;
use advaudit::diag::Source;
use advaudit::graph::transport::Transport;
use advaudit::graph::{Client, Cloud, OffWriter, OnWriter, Reader, Root, Token};
use advaudit::journal::folder::Folder;
use advaudit::journal::lease::Lease;
use advaudit::journal::log::Journal;
use advaudit::model::{RunId, SignedDuration, Timestamp};
use advaudit::observe::collect;
use advaudit::observe::reading::Knows;
use advaudit::plan::planned::Plan;
use advaudit::plan::resolve::{Desired, resolve};
use advaudit::plan::running::Running;
use advaudit::sandbox::{Ask, Deed, InProcess, Tenant, Truth};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::site::{MANIFEST, TENANT};

pub struct World {
    pub tenant: InProcess,
    clock: Clock,
    client: Client,
    folder: TempDir,
}

impl World {
    /// A tenant file that begins as all do, behind virtual time.
    pub fn new(tenant: &str) -> World {
        let tenant = Tenant::read(&format!("{TENANT}{tenant}")).expect("a tenant");
        let clock = Clock::starting_at(tenant.start().expect("virtual time"));
        let tenant = InProcess::new(tenant, clock.clone());
        World::of(tenant.clone(), Rc::new(tenant), clock)
    }

    /// That tenant, asked by a machine with a clock of its own.
    pub fn of(tenant: InProcess, transport: Rc<dyn Transport>, clock: Clock) -> World {
        let token = Token::new("any").expect("a token");
        let client = Client::new(transport, Root::of(Cloud::Global), Rc::new(token), clock.clone());
        World { tenant, clock, client, folder: tempfile::tempdir().expect("a folder") }
    }

    /// The plan for a manifest.
    pub fn plan(&self, manifest: &str) -> (Plan, Desired) {
        let source = Arc::new(Source::new("manifest.yaml", format!("{MANIFEST}{manifest}")));
        let reader = Reader::new(self.client.clone());
        let running = Running::default();
        let tenant = self.drive(collect::tenant(&reader)).expect("a tenant");
        let (declared, _) = advaudit::manifest::read(source, self.clock.now()).expect("a manifest");
        let knows = Knows::only(&running.last_on);
        let observed = self.drive(async {
            collect::collect(&reader, &declared, tenant, knows, &self.clock).await.expect("read")
        });
        let desired = resolve(&declared, &observed, &running);
        (advaudit::plan::plan(&desired, &observed, &running, self.clock.now()), desired)
    }

    /// Carries a plan out; how it ended, by name.
    pub fn carry_out(&self, planned: &(Plan, Desired)) -> Vec<(String, Outcome)> {
        let ended = self.ended_beside(planned, async {});
        ended.into_iter().map(|(name, end, _)| (name, end.outcome)).collect()
    }

    /// The same while something else happens.
    pub fn carry_out_beside(
        &self,
        planned: &(Plan, Desired),
        meanwhile: impl Future<Output = ()>,
    ) -> Vec<(String, Outcome)> {
        let ended = self.ended_beside(planned, meanwhile);
        ended.into_iter().map(|(name, end, _)| (name, end.outcome)).collect()
    }

    /// The same while something else happens, with what is said about it and the notes.
    pub fn ended_beside(
        &self,
        (plan, desired): &(Plan, Desired),
        meanwhile: impl Future<Output = ()>,
    ) -> Vec<(String, End, Vec<String>)> {
        let run = RunId(uuid::Uuid::nil());
        let store = Rc::new(Folder::new(self.folder.path().to_owned()));
        let lease = Lease::new(store.clone(), self.clock.clone());
        let opened = self.drive(Journal::open(store, plan.tenant.id, run));
        let (mut journal, _) = opened.expect("a journal");
        let reader = Reader::new(self.client.clone());
        let mut running = Running::default();
        let (on, off) = (OnWriter::new(self.client.clone()), OffWriter::new(self.client.clone()));
        let protected = Arc::new(desired.protected.clone());
        let jobs = plan.changes.iter().map(|change| Job::new(change, &protected)).collect();
        let (_keep, interrupt) = Interrupt::pair();
        let mut tell = |_: &_| {};
        let run = driver::run(
            jobs,
            Manner { max_off: plan.max_off, rollout: plan.rollout.clone(), ..Manner::default() },
            Tools {
                reader: &reader,
                on: &on,
                off: Some(&off),
                journal: &mut journal,
                running: &mut running,
                lease: &lease,
                clock: &self.clock,
                catalog: &plan.catalog,
                tell: &mut tell,
                interrupt: &interrupt,
            },
        );
        let (done, ()): (Done, ()) = self.drive(async { tokio::join!(run, meanwhile) });
        assert!(done.stopped.is_none(), "{:?}", done.stopped);
        let ended = done.machines.iter().map(|machine| {
            let end = machine.end().expect("ended").clone();
            (machine.job().subject.name.clone(), end, machine.notes().to_vec())
        });
        ended.collect()
    }

    /// What time it is.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Waits until that many seconds have passed.
    pub async fn seconds(&self, seconds: i64) {
        self.clock.sleep(SignedDuration::from_secs(seconds)).await;
    }

    /// Waits until that many minutes have passed.
    pub async fn minutes(&self, minutes: i64) {
        self.clock.sleep(SignedDuration::from_mins(minutes)).await;
    }

    /// Waits until that many changes were done over the wire. Faster than the next request.
    pub async fn written(&self, count: usize) {
        while self.writes() < count {
            self.clock.sleep(SignedDuration::from_millis(5)).await;
        }
    }

    /// Somebody else does something.
    #[track_caller]
    pub fn somebody(&self, deed: &Deed) {
        let done = self.tenant.tenant().administrate(deed, self.clock.now());
        done.unwrap_or_else(|refusal| panic!("{deed:?}: {refusal:?}"));
    }

    /// How everything stands.
    pub fn truth(&self) -> Truth {
        self.tenant.tenant().truth(self.clock.now())
    }

    /// Somebody else changes somebody's licenses.
    pub fn meddle(&self, upn: &str, body: &Value) {
        let ask = Ask {
            method: "POST".to_owned(),
            origin: "https://graph.microsoft.com".to_owned(),
            path_and_query: format!("/v1.0/users/{upn}/assignLicense"),
            headers: vec![
                ("Authorization".to_owned(), "Bearer theirs".to_owned()),
                ("Content-Type".to_owned(), "application/json".to_owned()),
            ],
            body: body.to_string().into_bytes(),
        };
        let answer = self.tenant.tenant().handle(&ask, self.clock.now());
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    }

    /// The records so far.
    pub fn journal(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("journal.jsonl")).unwrap_or_default()
    }

    /// How many changes were done so far.
    pub fn writes(&self) -> usize {
        self.tenant.tenant().writes().len()
    }

    pub fn people(&self) -> super::tenant::People {
        super::tenant::People::of(&mut self.tenant.tenant(), self.clock.now())
    }

    fn drive<T>(&self, work: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(self.clock.drive(work))
    }
}

/// `assignLicense` that gives SPE_E5 with these service plans off.
pub fn gives_e5(off: &[&str]) -> Value {
    json!({"addLicenses": [{"skuId": SPE_E5, "disabledPlans": off}], "removeLicenses": []})
}

/// `assignLicense` that takes SPE_E5 away.
pub fn takes_e5() -> Value {
    json!({"addLicenses": [], "removeLicenses": [SPE_E5]})
}

const SPE_E5: &str = "06ebc4ee-1bb5-47dd-8120-11324bc54e06";
