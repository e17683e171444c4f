//! How fast the parts are, each at three sizes so that growth shows: `cargo bench --bench speed`.
//!
//! parse: a manifest. decode: a list of users, from bytes to values. plan: from what was read to the decision.
//! render: its document as text and as JSON. replay: a journal, from bytes to what is remembered.
//!
//! Not timed tests; `examples/bench.rs` measures the whole, end to end.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use advaudit::apply::interrupt::Interrupt;
use advaudit::apply::replay::replay;
use advaudit::clock::Clock;
use advaudit::diag::Source;
use advaudit::graph::transport::{Request, Response, Sending, Transport};
use advaudit::graph::{Client, Cloud, Fields, Listed, OffWriter, Reader, Root, Token};
use advaudit::journal::chain;
use advaudit::journal::folder::Folder;
use advaudit::journal::lease::Lease;
use advaudit::manifest::declared::Declared;
use advaudit::model::Timestamp;
use advaudit::observe::collect;
use advaudit::observe::observed::Observed;
use advaudit::observe::reading::Knows;
use advaudit::plan::planned::Plan;
use advaudit::plan::resolve::{Protected, resolve};
use advaudit::plan::running::Running;
use advaudit::report::human;
use advaudit::report::json::v1::common;
use advaudit::report::json::v1::plan::{EXPIRES_IN, MadeFrom, PlanDocument};
use advaudit::report::output::Output;
use advaudit::run::{Begin, Mandate, Run, Way};
use advaudit::sandbox::{InProcess, Tenant};
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};

const SIZES: [usize; 3] = [1_000, 10_000, 100_000];

fn main() {
    divan::main();
}

fn now() -> Timestamp {
    "2026-11-22T09:00:00Z".parse().expect("a time")
}

fn name(number: usize) -> String {
    format!("person{number:06}@contoso.onmicrosoft.com")
}

fn declared(users: &str) -> Declared {
    let text = format!("apiVersion: advaudit/v1\ntenant: contoso.onmicrosoft.com\nusers:\n{users}");
    advaudit::manifest::read(Arc::new(Source::new("manifest.yaml", text)), now()).expect("a manifest").0
}

#[divan::bench(args = SIZES)]
fn parse(bencher: Bencher, users: usize) {
    let entries: String = (0..users).map(|number| format!("  - {}\n", name(number))).collect();
    bencher.counter(ItemsCount::new(users)).bench(|| declared(black_box(&entries)));
}

/// Gives the same pages to whoever asks.
struct Pages {
    pages: Vec<Vec<u8>>,
    given: RefCell<usize>,
}

impl Pages {
    fn of(users: usize) -> Pages {
        let user = |number: usize| {
            format!(
                r#"{{"id":"a0000000-0000-4000-8000-{number:012}","userPrincipalName":"{}","usageLocation":"CH","licenseAssignmentStates":[{{"skuId":"06ebc4ee-1bb5-47dd-8120-11324bc54e06","disabledPlans":["a23b959c-7ce8-4e57-9140-b90eb88a9e97","2f442157-a11c-46b9-ae5b-6e39ff4e5849"],"assignedByGroup":null,"state":"Active","error":"None","lastUpdatedDateTime":"2026-01-15T08:00:00Z"}}]}}"#,
                name(number)
            )
        };
        let all: Vec<String> = (0..users).map(user).collect();
        let pages: Vec<&[String]> = all.chunks(999).collect();
        let page = |(at, users): (usize, &&[String])| {
            let more = at + 1 < pages.len();
            let link =
                format!(r#""@odata.nextLink":"https://graph.microsoft.com/v1.0/users?$skiptoken={at}","#);
            format!(r#"{{{}"value":[{}]}}"#, if more { link } else { String::new() }, users.join(","))
                .into_bytes()
        };
        Pages { pages: pages.iter().enumerate().map(page).collect(), given: RefCell::default() }
    }
}

impl Transport for Pages {
    fn send(&self, _: Request) -> Sending<'_> {
        let at = self.given.replace_with(|at| (*at + 1) % self.pages.len());
        Box::pin(async move { Ok(Response::new(self.pages[at].clone())) })
    }
}

fn client(transport: Rc<dyn Transport>, clock: &Clock) -> Client {
    let token = Token::new("any").expect("a token");
    Client::new(transport, Root::of(Cloud::Global), Rc::new(token), clock.clone())
}

fn drive<T>(clock: &Clock, work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(clock.drive(work))
}

#[divan::bench(args = SIZES)]
fn decode(bencher: Bencher, users: usize) {
    let clock = Clock::starting_at(now());
    let reader = Reader::new(client(Rc::new(Pages::of(users)), &clock));
    bencher.counter(ItemsCount::new(users)).bench_local(|| {
        let mut count = 0;
        let mut each = |listed: Listed| count += usize::from(matches!(black_box(listed), Listed::User(_)));
        drive(&clock, reader.each_user(Fields::STATE, &mut each)).expect("users");
        assert_eq!(count, users);
    });
}

/// So many users, one in a hundred of them off.
fn tenant(users: usize, off: usize, clock: &Clock) -> InProcess {
    let text = format!(
        "tenant: {{id: 8a9b0c1d-0000-4000-8000-000000000001, domain: contoso.onmicrosoft.com}}\n\
         licenses: [SPE_E5]\n\
         generate: {{users: {users}, license: SPE_E5, off: {off}, since: 2026-01-01T00:00:00Z}}\n"
    );
    InProcess::new(Tenant::read(&text).expect("a tenant"), clock.clone())
}

/// What is decided about everybody of them.
fn observed(users: usize, off: usize) -> (Declared, Observed) {
    let clock = Clock::starting_at(now());
    let reader = Reader::new(client(Rc::new(tenant(users, off, &clock)), &clock));
    let declared = declared("  - all: licensed\n");
    let observed = drive(&clock, async {
        let own = collect::tenant(&reader).await.expect("a tenant");
        collect::collect(&reader, &declared, own, Knows::only(&Default::default()), &clock)
            .await
            .expect("read")
    });
    (declared, observed)
}

fn decide(declared: &Declared, observed: &Observed) -> Plan {
    let running = Running::default();
    advaudit::plan::plan(&resolve(declared, observed, &running), observed, &running, now())
}

#[divan::bench(args = SIZES, sample_count = 10)]
fn plan(bencher: Bencher, users: usize) {
    let (declared, observed) = observed(users, users / 100);
    bencher.counter(ItemsCount::new(users)).bench_local(|| decide(black_box(&declared), &observed));
}

fn document(changes: usize) -> PlanDocument {
    let (declared, observed) = observed(changes, changes);
    let protected = Protected::default();
    let from =
        MadeFrom { file: "m.yaml", text: "", only: &[], protected: &protected, expires_in: EXPIRES_IN };
    PlanDocument::new(&decide(&declared, &observed), from)
}

#[divan::bench(args = [100, 1_000, 10_000], sample_count = 10)]
fn render_text(bencher: Bencher, changes: usize) {
    let (document, output) = (document(changes), Output { no_colour: true, ..Output::default() });
    bencher.counter(ItemsCount::new(changes)).bench_local(|| {
        let view = human::plan::View { style: output.style(), width: 100, verbose: true };
        human::plan::render(black_box(&document), view)
    });
}

#[divan::bench(args = [100, 1_000, 10_000], sample_count = 10)]
fn render_json(bencher: Bencher, changes: usize) {
    let document = document(changes);
    bencher.counter(ItemsCount::new(changes)).bench_local(|| common::text(black_box(&document)));
}

/// The journal of a run that has toggled so many users.
fn journal(users: usize) -> Vec<u8> {
    let clock = Clock::starting_at(now());
    let client = client(Rc::new(tenant(users, 0, &clock)), &clock);
    let folder = tempfile::tempdir().expect("a folder");
    let store = Rc::new(Folder::new(folder.path().to_owned()));
    let reader = Reader::new(client.clone());
    let declared = declared("  - {all: licensed, toggleIfEnabledBefore: 2026-11-20T00:00:00Z}\n");
    drive(&clock, async {
        let own = collect::tenant(&reader).await.expect("a tenant");
        let last_on = Default::default();
        let observed = collect::collect(&reader, &declared, own.clone(), Knows::only(&last_on), &clock).await;
        let plan = decide(&declared, &observed.expect("read"));
        let (_keep, interrupt) = Interrupt::pair();
        let way = Way {
            client: client.clone(),
            clock: clock.clone(),
            store: store.clone(),
            lease: Rc::new(Lease::new(store.clone(), clock.clone())),
            interrupt,
            tell: Box::new(|_| {}),
        };
        let begin = Begin { command: "apply", lock_timeout: None, broke: None };
        let mut run = Run::begin(own, way, begin, Some(OffWriter::new(client.clone()))).await.expect("a run");
        let mandate = Mandate { max_off: u64::MAX, ..Mandate::default() };
        run.carry_out(plan.changes, Protected::default(), Some(&mandate), false).await.expect("carried out");
        run.end(|_| (0, ())).await;
    });
    std::fs::read(folder.path().join("journal.jsonl")).expect("a journal")
}

#[divan::bench(args = [10, 100, 1_000], sample_count = 10)]
fn replay_journal(bencher: Bencher, users: usize) {
    let bytes = journal(users);
    bencher.counter(ItemsCount::new(users)).bench_local(|| {
        let loaded = chain::parse("the journal", black_box(&bytes), None).expect("a journal");
        replay(&loaded.records, now())
    });
}
