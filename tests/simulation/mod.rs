//! The whole of a run in one process and virtual time: driver, client with its retries and batches,
//! journal, lease and Graph's clock, against a simulated tenant in bad weather. Processes are killed at
//! any step, alone or with their machine; a rival works at the same time; the disk runs full; somebody
//! else edits licenses; the state folder gets lost. One seed decides everything.
//!
//! Every write is held against the promises in the moment in which it is done ([`watch`]); at the end
//! the weather calms down, and everything has to end on.

mod chance;
mod cloud;
mod disk;
mod meddle;
mod network;
mod process;
mod story;
mod watch;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use advaudit::apply::driver::Stopped;
use advaudit::apply::interrupt::Interrupt;
use advaudit::apply::outcome::Outcome;
use advaudit::clock::Clock;
use advaudit::diag::Source;
use advaudit::graph::{Client, Cloud, Lanes, OffWriter, Root, Token};
use advaudit::journal::chain::JournalError;
use advaudit::journal::folder::Folder;
use advaudit::journal::lease::Lease;
use advaudit::journal::shared::Shared;
use advaudit::journal::store::Store;
use advaudit::manifest::declared::Declared;
use advaudit::model::{SignedDuration, TenantId};
use advaudit::observe::collect;
use advaudit::observe::reading::Knows;
use advaudit::plan::change::{Action, Change};
use advaudit::plan::digest;
use advaudit::plan::passing::Passing;
use advaudit::plan::planned::Plan;
use advaudit::plan::resolve::{Desired, Protected, resolve};
use advaudit::plan::saved::{left, toggles};
use advaudit::report::json::v1::common;
use advaudit::report::json::v1::plan::{EXPIRES_IN, MadeFrom, PlanDocument};
use advaudit::report::json::v1::plan_file;
use advaudit::run::{Begin, CannotRun, Ended, Mandate, Run, Way, tenant};
use advaudit::sandbox::{InProcess, Tenant, Weather};

use chance::Chance;
use cloud::SharedState;
use disk::SimulatedDisk;
use network::Network;
use process::{Death, Fuse, Mortal, Process};
use story::Story;
use watch::Watch;

/// A token that must show up nowhere.
const TOKEN: &str = "eyJ0eXAi.the-secret-of-the-simulation";

/// How many runs the calm at the end may need.
const LAST_RUNS: u32 = 12;

/// What became of a seed.
pub struct Played {
    /// What was counted: toggles, kills, faults by kind.
    pub counts: BTreeMap<String, u64>,
    /// Which promises were broken, each with what broke it.
    pub violations: Vec<String>,
    /// The manifest, the tenant and what happened, line by line.
    pub told: String,
}

/// Plays one seed.
pub fn play(seed: u64) -> Played {
    let mut chance = Chance::new(seed);
    let story = Story::of(seed, &mut chance);
    let tenant = Tenant::read(&story.tenant).expect("a tenant");
    let clock = Clock::starting_at(tenant.start().expect("virtual time"));
    let tenant = InProcess::new(tenant, clock.clone());
    let is_shared = chance.percent(40);
    let watch = Rc::new(Watch::new(story, is_shared, clock.clone(), tenant));
    let world = World { watch, processes: Cell::new(0), alive: Cell::new(0), saved: RefCell::new(None) };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(clock.drive(world.live(&mut chance)));
    world.played()
}

struct World {
    watch: Rc<Watch>,
    /// How many there were.
    processes: Cell<u64>,
    /// How many are at work.
    alive: Cell<u64>,
    /// The plan that somebody saved last, as a file.
    saved: RefCell<Option<String>>,
}

/// What a process is started for.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Command {
    heals: bool,
    /// Which of the two manifests; none for a `heal` without one.
    manifest: Option<bool>,
    no_wait: bool,
    /// Carries out the plan that was saved, if there is one.
    from_file: bool,
}

impl World {
    async fn live(&self, chance: &mut Chance) {
        self.watch.tenant.tenant().set_weather(weather(chance));
        let (mut own, mut rival, mut meddler, mut fate) =
            (chance.split(), chance.split(), chance.split(), chance.split());
        tokio::join!(
            self.pipeline(&mut own, 4),
            self.rival(&mut rival),
            meddle::meddle(&self.watch, &mut meddler),
            self.disk_trouble(&mut fate),
        );
        self.come_to_rest(chance).await;
    }

    /// A pipeline whose jobs die, come back later, and sometimes lose their folder.
    async fn pipeline(&self, chance: &mut Chance, most: u64) {
        for _ in 0..chance.between(1, most) {
            let command = command(chance);
            let fuse = Fuse::by(chance);
            let killed = self.process(command, fuse, chance).await;
            self.accident(killed, chance);
            let seconds = *chance.one_of(&[&0, &1, &5, &70, &1800, &3700]);
            self.watch.clock.sleep(SignedDuration::from_secs(seconds)).await;
        }
    }

    /// What may happen to the disk between two processes.
    fn accident(&self, killed: bool, chance: &mut Chance) {
        let mut platter = self.watch.platter.borrow_mut();
        let nobody_works = self.alive.get() == 0;
        if killed && nobody_works && chance.percent(50) {
            self.watch.tell("the power goes");
            self.watch.count("power lost");
            platter.lose_power(chance);
        }
        if nobody_works && chance.percent(4) {
            self.watch.tell("the state folder is lost");
            self.watch.count("state lost");
            self.watch.forget();
            platter.wipe();
            self.watch.bucket.borrow_mut().wipe();
        }
    }

    /// Somebody else's pipeline on the same state.
    async fn rival(&self, chance: &mut Chance) {
        if chance.percent(60) {
            return;
        }
        self.watch.count("rivals");
        let minutes = i64::try_from(chance.between(0, 70)).expect("small");
        self.watch.clock.sleep(SignedDuration::from_mins(minutes)).await;
        self.pipeline(chance, 3).await;
    }

    async fn disk_trouble(&self, chance: &mut Chance) {
        if chance.percent(85) || self.watch.is_shared {
            return;
        }
        let seconds = |chance: &mut Chance| {
            SignedDuration::from_secs(chance.between(0, 4000).try_into().expect("small"))
        };
        self.watch.clock.sleep(seconds(chance)).await;
        self.watch.tell("the disk is full");
        self.watch.count("disk full");
        self.watch.platter.borrow_mut().is_full = true;
        self.watch.platter.borrow_mut().was_full = true;
        self.watch.clock.sleep(seconds(chance)).await;
        self.watch.tell("the disk has room again");
        self.watch.platter.borrow_mut().is_full = false;
    }

    /// Nothing goes wrong any more: everything has to end on, and then nothing is left to do.
    async fn come_to_rest(&self, chance: &mut Chance) {
        self.watch.tell("calm");
        self.watch.calm();
        self.watch.platter.borrow_mut().is_full = false;
        self.watch.tenant.tenant().set_weather(Weather::calm());
        meddle::make_good(&self.watch);
        self.watch.clock.sleep(SignedDuration::from_mins(10)).await;
        // What the journal knows is healed without any manifest.
        let heal = Command { heals: true, manifest: None, no_wait: false, from_file: false };
        self.run_until_nothing_is_left(heal, chance).await;
        if !self.watch.has_lost_memory() {
            self.watch.nobody_is_left_off();
        }
        let apply = Command { heals: false, manifest: Some(true), no_wait: false, from_file: false };
        self.run_until_nothing_is_left(apply, chance).await;
        self.watch.is_at_rest();
    }

    async fn run_until_nothing_is_left(&self, command: Command, chance: &mut Chance) {
        for _ in 0..LAST_RUNS {
            let before = self.watch.writes();
            let is_done = self.calm_run(command, chance).await;
            if is_done && before == self.watch.writes() {
                return;
            }
            self.watch.clock.sleep(SignedDuration::from_mins(5)).await;
        }
        self.watch.violated("P2", "it never ends");
    }

    async fn calm_run(&self, command: Command, chance: &mut Chance) -> bool {
        let number = self.number();
        let process = Rc::new(Process::new(number, command.heals, Fuse::default(), chance.split()));
        let clock = Clock::machine_of(&self.watch.clock, SignedDuration::ZERO);
        let ended = self.run(command, &process, clock).await;
        self.watch.platter.borrow_mut().unlock_all(number);
        match ended {
            Ok(ended) => {
                self.account(&ended);
                ended.running.in_flight.values().all(|own| !own.counts_as_off()) && ended.stopped.is_none()
            }
            Err(error) => {
                self.watch.violated("P2", &format!("a run cannot begin in calm weather: {error}"));
                true
            }
        }
    }

    fn number(&self) -> u64 {
        self.processes.set(self.processes.get() + 1);
        self.processes.get()
    }

    /// One process, which is killed when its fuse has burnt. True when it was.
    async fn process(&self, command: Command, fuse: Fuse, chance: &mut Chance) -> bool {
        let number = self.number();
        let process = Rc::new(Process::new(number, command.heals, fuse, chance.split()));
        let wrong = SignedDuration::from_secs(
            *chance.one_of(&[&0, &0, &0, &0, &60, &-60, &-600, &400, &800, &100_000]),
        );
        let clock = Clock::machine_of(&self.watch.clock, wrong);
        self.watch.tell(&format!(
            "process {number} starts: {}{}",
            if command.heals { "heal" } else { "apply" },
            if command.no_wait { " --no-wait" } else { "" }
        ));
        self.alive.set(self.alive.get() + 1);
        let jump = chance.percent(10).then(|| chance.between(0, 3600));
        let run = Mortal(Box::pin(self.run(command, &process, clock.clone())));
        let death = tokio::select! {
            biased;
            death = run => death,
            never = self.set_clock(&clock, jump) => match never {},
        };
        self.alive.set(self.alive.get() - 1);
        self.watch.platter.borrow_mut().unlock_all(number);
        match death {
            Death::Kill => {
                self.watch.tell(&format!("process {number} is killed"));
                self.watch.count("kills survived");
                true
            }
            Death::Natural(ended) => {
                self.judge(number, ended);
                false
            }
        }
    }

    /// Somebody sets the clock of the machine.
    async fn set_clock(&self, clock: &Clock, after: Option<u64>) -> std::convert::Infallible {
        if let Some(seconds) = after {
            self.watch.clock.sleep(SignedDuration::from_secs(seconds.try_into().expect("small"))).await;
            self.watch.count("clock jump");
            clock.set_wall_offset(SignedDuration::from_hours(-3));
        }
        std::future::pending().await
    }

    fn judge(&self, number: u64, ended: Result<Ended, CannotRun>) {
        match ended {
            Ok(ended) => {
                let stopped = match &ended.stopped {
                    None => "",
                    Some(Stopped::Interrupted) => ", interrupted",
                    Some(Stopped::Graph(_) | Stopped::Outage(_)) => ", Graph cannot be asked",
                    Some(Stopped::Journal(_)) => ", the journal cannot be written",
                    Some(Stopped::Lease(_)) => ", the lease is lost",
                };
                self.watch.tell(&format!("process {number} ends{stopped}"));
                if !stopped.is_empty() {
                    self.watch.count(&format!("run stopped{stopped}"));
                }
                self.account(&ended);
            }
            Err(error) => {
                self.watch.tell(&format!("process {number} gives up: {error}"));
                let is_unsound = match &error {
                    CannotRun::Journal(error) => !matches!(error, JournalError::Store(_)),
                    CannotRun::Graph(_) | CannotRun::Lease(_) => false,
                };
                if is_unsound {
                    self.watch.violated("P2", &format!("the journal cannot be read any more: {error}"));
                }
            }
        }
    }

    /// What a run says of itself.
    fn account(&self, ended: &Ended) {
        // Who has lost the lease, or has not reached the shared state for as long as it lasts, does not know what
        // the run does that has it.
        let is_overtaken = match &ended.stopped {
            Some(Stopped::Lease(_)) => true,
            Some(Stopped::Journal(error)) => error.is_conflict() || self.watch.is_shared,
            None | Some(Stopped::Interrupted | Stopped::Graph(_) | Stopped::Outage(_)) => false,
        };
        if !is_overtaken {
            self.watch.is_remembered(&ended.running);
        }
        self.watch.rollout_is_kept(&ended.run.to_string());
        for machine in &ended.machines {
            let Some(end) = machine.end() else { continue };
            self.watch.count(&format!("outcome {}", end.outcome.as_str()));
            let (name, outcome) = (self.watch.name(machine.job().subject.id), end.outcome.as_str());
            if let Some(trouble) = &end.trouble {
                self.watch.count(&format!("code {}", trouble.code));
            }
            let why =
                end.trouble.as_ref().map(|trouble| format!(": {}", trouble.message)).unwrap_or_default();
            self.watch.tell(&format!("  {name} {outcome}{why}"));
            if end.outcome == Outcome::Toggled {
                self.watch.count("toggles");
            }
        }
    }

    /// What the command line does, without the command line.
    async fn run(&self, command: Command, process: &Rc<Process>, clock: Clock) -> Result<Ended, CannotRun> {
        let network =
            Network { watch: self.watch.clone(), process: process.clone(), was_spoiled: Cell::new(false) };
        let token = Token::new(TOKEN).expect("a token");
        let client = Client::new(Rc::new(network), Root::of(Cloud::Global), Rc::new(token), clock.clone());
        let off = (!command.heals).then(|| OffWriter::new(client.clone()));
        let own = tenant(&client).await?;
        let store = self.store(own.id, process);
        let lease = Rc::new(Lease::new(store.clone(), clock.clone()));
        let (_keep, interrupt) = Interrupt::pair();
        let tell = Box::new(|_: &_| {});
        let way = Way { client, clock: clock.clone(), store, lease: lease.clone(), interrupt, tell };
        let name = if command.heals { "heal" } else { "apply" };
        let begin = Begin { command: name, lock_timeout: None, broke: None };
        let whole = async {
            let run = Run::begin(own, way, begin, off).await?;
            self.stages(run, command, &clock).await
        };
        let ended = tokio::select! {
            biased;
            ended = whole => ended,
            never = lease.keep() => match never {},
        };
        lease.release().await;
        ended
    }

    fn store(&self, tenant: TenantId, process: &Rc<Process>) -> Rc<dyn Store> {
        let (watch, process) = (self.watch.clone(), process.clone());
        if !watch.is_shared {
            let (platter, path) = (watch.platter.clone(), PathBuf::from("state"));
            return Rc::new(Folder::on(SimulatedDisk { platter, process, path }));
        }
        let (bucket, clock, cut_off) = (watch.bucket.clone(), watch.clock.clone(), Cell::new(None));
        Rc::new(Shared::new(Rc::new(SharedState { bucket, process, watch, clock, cut_off }), tenant))
    }

    async fn stages(&self, mut run: Run, command: Command, clock: &Clock) -> Result<Ended, CannotRun> {
        run.turn_on_what_is_due().await?;
        if run.is_stopped() {
            return Ok(run.end(|_| (1, ())).await.0);
        }
        let Some(whole) = command.manifest else {
            let unfinished = run.unfinished();
            run.carry_out(unfinished, Protected::default(), None, command.no_wait).await?;
            return Ok(run.end(|_| (0, ())).await.0);
        };
        let saved = self.saved.borrow().clone().filter(|_| command.from_file && !command.heals);
        if let Some(saved) = saved {
            return self.stage_of(&saved, run, command, clock).await;
        }
        let story = &self.watch.story;
        let text = if whole { &story.manifest } else { &story.shorter };
        let source = Arc::new(Source::new("manifest.yaml", text.clone()));
        let Ok((declared, _)) = advaudit::manifest::read(source, clock.now()) else {
            // The shorter one may declare nobody, which is an error.
            return Ok(run.end(|_| (1, ())).await.0);
        };
        let running = run.running().clone();
        let (last_on, passing) = (running.left_on(), Passing::new(&declared, &running, &[]));
        let passes_by =
            |user: &_, account, asked, catalog: &_| passing.passes_by(user, account, asked, catalog);
        let knows = Knows { last_on: &last_on, passes_by: &passes_by, lanes: Lanes::Auto };
        let observed = collect::collect(run.reader(), &declared, run.tenant().clone(), knows, clock).await?;
        let desired = resolve(&declared, &observed, &running);
        let plan = advaudit::plan::plan(&desired, &observed, &running, clock.now());
        for wrong in advaudit::plan::check::check(&plan, &desired, &running) {
            self.watch.violated("P3", &format!("the plan breaks its own rules: {wrong}"));
        }
        self.save(&plan, &declared, &desired);
        let only_resumes = plan.exceeds_a_limit();
        let starts = |change: &&Change| match change.action {
            Action::Resume => true,
            Action::Enable => !only_resumes,
            Action::Toggle => !only_resumes && !command.heals && plan.allows_toggles(),
        };
        let changes: Vec<Change> = plan.changes.iter().filter(starts).cloned().collect();
        let (count, estimate) = (plan.changes.len(), plan.estimate);
        let mandate = Mandate {
            sha256: digest::sha256(&plan),
            max_off: plan.max_off,
            rollout: plan.rollout.clone(),
            changes: count,
            estimate,
            ..Mandate::default()
        };
        run.carry_out(changes, desired.protected, Some(&mandate), command.no_wait).await?;
        Ok(run.end(|_| (0, ())).await.0)
    }

    fn save(&self, plan: &Plan, declared: &Declared, desired: &Desired) {
        let Source { name, text, .. } = &*declared.source;
        let from =
            MadeFrom { file: name, text, only: &[], protected: &desired.protected, expires_in: EXPIRES_IN };
        self.saved.replace(Some(common::text(&PlanDocument::new(plan, from))));
    }

    /// A plan that was saved by an earlier process, which may have carried it out in part.
    async fn stage_of(
        &self,
        saved: &str,
        mut run: Run,
        command: Command,
        clock: &Clock,
    ) -> Result<Ended, CannotRun> {
        let (document, restored) = plan_file::read(saved.as_bytes()).expect("as it was written");
        let now = clock.now();
        if document.expires_at <= now {
            let unfinished = run.unfinished();
            run.carry_out(unfinished, Protected::default(), None, command.no_wait).await?;
            return Ok(run.end(|_| (6, ())).await.0);
        }
        self.watch.count("saved plans");
        let running = run.running().clone();
        let mut left = left(&restored.changes, &running, document.created_at, now);
        if let Some(declared) = toggles(&left.changes, run.tenant().id, &restored.protected) {
            let own = run.tenant().clone();
            let last_on = running.left_on();
            let knows = Knows::only(&last_on);
            let observed = collect::collect(run.reader(), &declared, own, knows, clock).await?;
            let fresh = advaudit::plan::plan(
                &resolve(&declared, &observed, &running),
                &observed,
                &running,
                clock.now(),
            );
            left = left.looked_at(&observed, &fresh, running.runs.began);
        }
        let only_resumes = document.exceeds_a_limit();
        let starts = |change: &Change| change.action == Action::Resume || !only_resumes;
        let changes = left.changes.into_iter().filter(starts).collect();
        let mandate = Mandate {
            sha256: document.sha256,
            max_off: document.max_off,
            rollout: restored.rollout,
            ..Mandate::default()
        };
        run.carry_out(changes, restored.protected, Some(&mandate), command.no_wait).await?;
        Ok(run.end(|_| (0, ())).await.0)
    }

    fn played(self) -> Played {
        let mut counts = self.watch.counts();
        let tenant = self.watch.tenant.tenant();
        for (kind, times) in tenant.faults_injected() {
            *counts.entry(format!("fault {kind}")).or_default() += times;
        }
        let story = &self.watch.story;
        let told = format!(
            "--- manifest\n{}--- shorter\n{}--- tenant\n{}--- journal\n{}--- what happened\n{}\n",
            story.manifest,
            story.shorter,
            story.tenant,
            self.watch.journal(),
            self.watch.told.borrow().join("\n")
        );
        Played { counts, violations: self.watch.violations(), told }
    }
}

fn command(chance: &mut Chance) -> Command {
    let heals = chance.percent(25);
    let manifest = if heals && chance.percent(50) { None } else { Some(chance.percent(80)) };
    Command { heals, manifest, no_wait: chance.percent(35), from_file: chance.percent(30) }
}

/// Fine, or bad in ways of its own.
fn weather(chance: &mut Chance) -> Weather {
    let mut some = |most: u32| {
        if chance.percent(40) {
            f64::from(u32::try_from(chance.between(1, u64::from(most))).expect("small"))
        } else {
            0.0
        }
    };
    Weather {
        throttled: some(8),
        unavailable: some(8),
        dropped: some(6),
        lost: some(6),
        truncated: some(4),
        page: some(4),
        empty: some(10),
        conflict: some(10),
        expired: some(2) / 10.0,
        stuck: some(10),
        stuck_for: SignedDuration::from_hours(3),
        member_errors: some(4),
    }
}
