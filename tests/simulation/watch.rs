//! Sees every change of the tenant as it happens and holds it against the promises, in terms of the
//! tenant: it knows nothing of plans and machines.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use advaudit::clock::Clock;
use advaudit::journal::folder::JOURNAL;
use advaudit::model::{SERVICE_PLAN, ServicePlanId, SignedDuration, SkuId, SubjectId, Timestamp, UserId};
use advaudit::plan::running::Running;
use advaudit::sandbox::{Assigned, Audited, Doing, InProcess, Truth};

use super::cloud::Bucket;
use super::disk::Platter;
use super::process::Process;
use super::story::{Declared, Story};

/// Between off and on; the manifests of the stories leave the default.
const WAIT: SignedDuration = SignedDuration::from_mins(60);
/// How long the gate of a group may hold the on back; likewise.
const GATE: SignedDuration = SignedDuration::from_hours(2);
/// How old the read may be that a write is made from, lag of replicas included: what somebody else
/// changed so shortly before cannot have been known.
const UNSEEN: SignedDuration = SignedDuration::from_secs(75);

/// What has become of one subject by our writes.
#[derive(Clone, Copy, Default)]
struct Own {
    /// Off because of us since then.
    off_at: Option<Timestamp>,
    /// How many people that off has turned off, when it was done.
    people: u64,
    /// Toggled from end to end, with its hour.
    is_toggled: bool,
    /// Offs that were done since the journal began.
    offs: usize,
    /// Somebody else changed it at that time, last.
    others_at: Option<Timestamp>,
}

/// The watcher.
pub struct Watch {
    pub story: Story,
    pub clock: Clock,
    pub tenant: InProcess,
    /// Where the state is: on a disk, or in a store.
    pub is_shared: bool,
    pub platter: Rc<RefCell<Platter>>,
    pub bucket: Rc<RefCell<Bucket>>,
    own: RefCell<BTreeMap<SubjectId, Own>>,
    /// How far the tenant's own record was looked through.
    seen: Cell<usize>,
    is_rough: Cell<bool>,
    /// The journal was deleted at some time.
    lost_memory: Cell<bool>,
    /// People whom each process began to turn off.
    begun: RefCell<BTreeMap<u64, u64>>,
    /// People whose toggle went its whole way.
    back: Cell<u64>,
    counts: RefCell<BTreeMap<String, u64>>,
    violations: RefCell<Vec<String>>,
    /// What happened, for a seed that fails.
    pub told: RefCell<Vec<String>>,
}

impl Watch {
    pub fn new(story: Story, is_shared: bool, clock: Clock, tenant: InProcess) -> Watch {
        tenant.tenant().keep_audit();
        Watch {
            story,
            clock,
            tenant,
            is_shared,
            platter: Rc::default(),
            bucket: Rc::default(),
            own: RefCell::default(),
            seen: Cell::new(0),
            is_rough: Cell::new(true),
            lost_memory: Cell::new(false),
            begun: RefCell::default(),
            back: Cell::new(0),
            counts: RefCell::default(),
            violations: RefCell::default(),
            told: RefCell::default(),
        }
    }

    pub fn is_rough(&self) -> bool {
        self.is_rough.get()
    }

    /// From now on nothing goes wrong any more.
    pub fn calm(&self) {
        self.is_rough.set(false);
    }

    /// The state folder is gone.
    pub fn forget(&self) {
        self.lost_memory.set(true);
        self.own.borrow_mut().values_mut().for_each(|own| own.offs = 0);
    }

    pub fn count(&self, what: &str) {
        *self.counts.borrow_mut().entry(what.to_owned()).or_default() += 1;
    }

    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.counts.borrow().clone()
    }

    pub fn violations(&self) -> Vec<String> {
        self.violations.borrow().clone()
    }

    pub fn violated(&self, promise: &str, what: &str) {
        let text = format!("{promise}: {what}");
        self.tell(&format!("VIOLATED {text}"));
        self.violations.borrow_mut().push(text);
    }

    pub fn tell(&self, what: &str) {
        self.told.borrow_mut().push(format!("{}  {what}", self.clock.now()));
    }

    /// Looks at what was done to the tenant since the last look. What came over the wire came from
    /// that process, because each one looks in the moment of its own request.
    pub fn look(&self, process: &Process, is_write: bool) {
        let truth = is_write.then(|| self.tenant.tenant().truth(self.clock.now()));
        for change in self.news() {
            match &change.doing {
                Doing::Wire { .. } => {
                    let truth = truth.as_ref().expect("only a write changes something");
                    self.written(process, &change, truth);
                }
                // Noted in its own moment.
                Doing::Administrator(_) | Doing::Processing => {}
            }
        }
    }

    /// Somebody else has just done something. To a small tenant that is to everybody: who joins a group,
    /// or a license that is suspended, changes what many are to us.
    pub fn others(&self) {
        self.news();
        let mut own = self.own.borrow_mut();
        for subject in self.story.subjects() {
            own.entry(subject.id).or_default().others_at = Some(self.clock.now());
        }
    }

    fn news(&self) -> Vec<Audited> {
        let tenant = self.tenant.tenant();
        let audit = tenant.audit().unwrap_or_default();
        audit[self.seen.replace(audit.len())..].to_vec()
    }

    /// One write of ours.
    fn written(&self, process: &Process, change: &Audited, truth: &Truth) {
        let turns_off = change.after.iter().any(|one| one.by.is_none() && off(one))
            && !change.before.iter().all(|one| one.by.is_some() || off(one) || !names(change, one.license));
        let name = self.name(change.object);
        let direction = if self.is_off_write(change) { "off" } else { "on" };
        self.tell(&format!("process {} writes {name} {direction}", process.number));
        self.is_declared(change, &name);
        self.only_the_service_plan(change, &name);
        if self.is_off_write(change) {
            self.count("offs");
            self.off_is_allowed(process, change, truth, &name);
            self.turned_off(change, truth, turns_off);
        } else {
            self.count("ons");
            self.on_is_in_time(change, truth, &name);
            self.turned_on(change);
        }
    }

    /// By what was sent, not by what it changed.
    fn is_off_write(&self, change: &Audited) -> bool {
        let Doing::Wire { body } = &change.doing else { return false };
        body["addLicenses"].to_string().contains(&SERVICE_PLAN.to_string())
    }

    fn is_declared(&self, change: &Audited, name: &str) {
        let is = |one: &super::story::Subject| one.id == change.object && one.declared != Declared::No;
        if !self.story.subjects().any(is) {
            self.violated("P5", &format!("{name} is written and nobody declared it"));
        }
    }

    /// P1, against the lists as they were in truth just before.
    fn only_the_service_plan(&self, change: &Audited, name: &str) {
        let own = self.own.borrow().get(&change.object).copied().unwrap_or_default();
        let unseen = own.others_at.is_some_and(|at| change.at.duration_since(at) <= UNSEEN);
        let direct = |all: &[Assigned]| -> BTreeMap<SkuId, BTreeSet<ServicePlanId>> {
            let own = all.iter().filter(|one| one.by.is_none());
            own.map(|one| (one.license, one.off.iter().copied().filter(|id| *id != SERVICE_PLAN).collect()))
                .collect()
        };
        let (before, after) = (direct(&change.before), direct(&change.after));
        if before != after && !unseen {
            self.violated("P1", &format!("more than the service plan of {name}: {before:?} -> {after:?}"));
        }
        if let Doing::Wire { body } = &change.doing
            && body["removeLicenses"].as_array().is_none_or(|all| !all.is_empty())
        {
            self.violated("P1", &format!("a license is taken away from {name}"));
        }
    }

    fn off_is_allowed(&self, process: &Process, change: &Audited, truth: &Truth, name: &str) {
        if process.heals {
            self.violated("P4", &format!("heal turns {name} off"));
        }
        let own = self.own.borrow().get(&change.object).copied().unwrap_or_default();
        let journal = self.journal();
        let id = change.object.guid().to_string();
        let intents = journal.lines().filter(|line| line.contains("\"off_intent\"") && line.contains(&id));
        let intents: Vec<&str> = intents.collect();
        if intents.len() <= own.offs {
            self.violated("P8", &format!("{name} is turned off, and no durable record says so"));
        }
        if !self.has_lease(process, intents.last().copied().unwrap_or_default()) {
            self.violated("P2", &format!("{name} is turned off without the lease"));
        }
        if own.is_toggled && own.others_at.is_none() && !self.lost_memory.get() {
            self.violated("P2", &format!("{name} is toggled a second time"));
        }
        if let Some(protected) = self.story.protected
            && self.goes_off(change, truth).contains(&protected)
            && self.own.borrow().get(&SubjectId::User(protected)).is_none_or(|own| own.others_at.is_none())
        {
            self.violated("P7", &format!("{name} is turned off, and with it who is protected"));
        }
        self.room_is_kept(change, truth, name);
        self.off_is_in_time(change, name);
        self.canary_goes_first(change, truth, name);
        self.limit_is_kept(process, change, truth, name);
    }

    /// Everything in the journal that survives whatever happens now.
    pub fn journal(&self) -> String {
        let (platter, bucket) = (self.platter.borrow(), self.bucket.borrow());
        let shared = bucket.journal();
        let bytes = if self.is_shared { &shared } else { platter.durable(JOURNAL) };
        String::from_utf8_lossy(bytes).into_owned()
    }

    /// Whether that process has the lease; in a store, whether the run that wrote this record has it.
    fn has_lease(&self, process: &Process, record: &str) -> bool {
        if !self.is_shared {
            return self.platter.borrow().owner("lease.json") == Some(process.number);
        }
        let run = |text: &str| {
            let value: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
            value["run"].as_str().map(str::to_owned)
        };
        let lease = String::from_utf8_lossy(&self.bucket.borrow().read("lease.json")).into_owned();
        run(&lease).is_some() && run(&lease) == run(record)
    }

    /// Not more than `maxOff` people off at once, but for one subject alone.
    fn room_is_kept(&self, change: &Audited, truth: &Truth, name: &str) {
        let going = self.goes_off(change, truth).len() as u64;
        let own = self.own.borrow();
        let others = own.iter().filter(|(id, own)| **id != change.object && own.off_at.is_some());
        let off: u64 = others.map(|(_, own)| own.people).sum();
        drop(own);
        if off > 0 && off + going > self.story.max_off && !self.lost_memory.get() && !self.was_meddled_with()
        {
            self.violated("P7", &format!("{going} people go off with {name} beside {off}"));
        }
    }

    /// Nobody goes off outside the window, nor too late for the deadline. A request may be on its way for a while.
    fn off_is_in_time(&self, change: &Audited, name: &str) {
        const ON_ITS_WAY: i64 = 60;
        const DAY: i64 = 24 * 3600;
        let second = change.at.as_second().rem_euclid(DAY);
        if let Some((opens, closes)) = self.story.spread.window
            && !(opens * 60..closes * 60 + ON_ITS_WAY).contains(&second)
        {
            self.violated("P7", &format!("{name} goes off outside the window"));
        }
        let minutes = if change.object.group().is_some() { 120 } else { 60 };
        if let Some(by) = self.story.spread.must_be_on_by {
            let left = (by * 60 - second - 1).rem_euclid(DAY) + 1;
            if left + ON_ITS_WAY < minutes * 60 {
                self.violated("P7", &format!("{name} goes off {left} seconds before it must be on"));
            }
        }
    }

    /// Nobody else goes off before the canary is back: by the tenant's own truth, whatever any journal says.
    fn canary_goes_first(&self, change: &Audited, truth: &Truth, name: &str) {
        let Some(canary) = self.story.spread.canary else { return };
        let own = self.own.borrow();
        let is_again = own.get(&change.object).is_some_and(|own| own.off_at.is_some());
        let out: u64 = own.values().filter(|own| own.off_at.is_some()).map(|own| own.people).sum();
        drop(own);
        let (back, going) = (self.back.get(), self.goes_off(change, truth).len() as u64);
        let is_known = !is_again && !self.lost_memory.get() && !self.was_meddled_with();
        if is_known && out > 0 && back < canary && back + out + going > canary {
            self.violated("P7", &format!("{name} goes off beside a canary of {canary} that is not back"));
        }
    }

    /// By its own records: after a canary that failed, and after as many failures as are allowed, that run
    /// turned nobody off any more.
    pub fn rollout_is_kept(&self, run: &str) {
        let (mut back, mut failures, mut stopped) = (0, 0, None);
        for line in self.journal().lines() {
            let record: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
            let (entry, is_own) = (&record["entry"], record["run"] == run);
            let outcome = entry["outcome"].as_str().unwrap_or_default();
            let is_toggle = matches!(entry["action"].as_str(), Some("toggle" | "resume"));
            match entry["kind"].as_str() {
                Some("off_intent") if is_own => {
                    if let Some(why) = &stopped {
                        self.violated("P7", &format!("somebody is turned off after {why}"));
                    }
                }
                Some("closed") if matches!(outcome, "toggled" | "resumed") => {
                    back += entry["off"]["people"].as_u64().unwrap_or(0);
                }
                Some("closed") if is_own && is_toggle => {
                    failures += u64::from(matches!(outcome, "failed" | "no_effect" | "stuck"));
                    let went_wrong = !matches!(outcome, "skipped" | "pending" | "subject_gone");
                    if went_wrong && self.story.spread.canary.is_some_and(|canary| back < canary) {
                        stopped = Some("the canary failed");
                    }
                    if self.story.spread.max_failures.is_some_and(|most| failures >= most) {
                        stopped = Some("too many failures");
                    }
                }
                _ => {}
            }
        }
    }

    /// Not more people than a run may begin to turn off. An off that is sent again begins nothing.
    fn limit_is_kept(&self, process: &Process, change: &Audited, truth: &Truth, name: &str) {
        let is_again = self.own.borrow().get(&change.object).is_some_and(|own| own.off_at.is_some());
        let Some(limit) = self.story.limit.filter(|_| !is_again) else { return };
        let mut begun = self.begun.borrow_mut();
        let begun = begun.entry(process.number).or_default();
        *begun += self.goes_off(change, truth).len() as u64;
        if *begun > limit && !self.was_meddled_with() {
            self.violated(
                "P7",
                &format!("{begun} people go off by one run with {name}, and the limit is {limit}"),
            );
        }
    }

    fn was_meddled_with(&self) -> bool {
        self.own.borrow().values().any(|own| own.others_at.is_some())
    }

    /// The people whom the off that was just done turns off, or has still to reach.
    fn goes_off(&self, change: &Audited, truth: &Truth) -> Vec<UserId> {
        let own = |one: &Assigned| names(change, one.license) && one.by == change.object.group();
        let only_this = |user: &UserId| {
            let Some(user) = truth.users.get(user) else { return false };
            let mut others = user.assignments.iter().filter(|one| !own(one));
            user.assignments.iter().any(own) && !others.any(|one| !off(one))
        };
        match change.object {
            SubjectId::User(id) => vec![id],
            SubjectId::Group(id) => {
                let members = truth.groups.get(&id).map(|group| group.members.clone()).unwrap_or_default();
                members.into_iter().filter(only_this).collect()
            }
        }
    }

    fn turned_off(&self, change: &Audited, truth: &Truth, turns_off: bool) {
        let people = self.goes_off(change, truth).len() as u64;
        let mut all = self.own.borrow_mut();
        let own = all.entry(change.object).or_default();
        own.offs += 1;
        if turns_off || own.off_at.is_none() {
            own.people = people;
        }
        own.off_at.get_or_insert(change.at);
    }

    fn on_is_in_time(&self, change: &Audited, truth: &Truth, name: &str) {
        let own = self.own.borrow().get(&change.object).copied().unwrap_or_default();
        let Some(off_at) = own.off_at else { return };
        if own.others_at.is_some_and(|at| at >= off_at - UNSEEN) {
            return;
        }
        let off_for = change.at.duration_since(off_at);
        match change.object {
            SubjectId::User(id) => {
                let user = &truth.users[&id];
                let elsewhere = user.assignments.iter().any(|one| one.by.is_some() && !off(one));
                if off_for < WAIT && !elsewhere {
                    self.violated("P2", &format!("the toggle of {name} is cut short after {off_for:#}"));
                }
            }
            SubjectId::Group(id) => {
                let waits = truth.groups.get(&id).is_some_and(|_| self.members_still_on(change, truth));
                if off_for < GATE && waits {
                    self.violated(
                        "P2",
                        &format!("{name} is turned on after {off_for:#}, before its members were off"),
                    );
                }
            }
        }
    }

    /// Whether a member without error has never seen the off that this on ends. Asked of the change
    /// itself, whose processing has not begun.
    fn members_still_on(&self, change: &Audited, truth: &Truth) -> bool {
        let SubjectId::Group(id) = change.object else { return false };
        let members = &truth.groups[&id].members;
        let shows_on = |user: &UserId| {
            let user = &truth.users[user];
            let held = user.assignments.iter().filter(|_| !user.is_deleted);
            let mut own = held.filter(|one| one.by == Some(id) && names(change, one.license));
            own.any(|one| one.error.is_none() && !off(one))
        };
        !truth.groups[&id].is_deleted && self.processing_takes_time() && members.iter().any(shows_on)
    }

    fn processing_takes_time(&self) -> bool {
        !self.story.tenant.contains("groupProcessing: 0s")
    }

    fn turned_on(&self, change: &Audited) {
        let mut all = self.own.borrow_mut();
        let own = all.entry(change.object).or_default();
        if let Some(off_at) = own.off_at.take() {
            let is_whole = change.object.group().is_some() || change.at.duration_since(off_at) >= WAIT;
            self.back.set(self.back.get() + if is_whole { own.people } else { 0 });
            own.is_toggled |= change.object.user().is_some() && change.at.duration_since(off_at) >= WAIT;
        }
    }

    pub fn has_lost_memory(&self) -> bool {
        self.lost_memory.get()
    }

    /// How many writes of ours were done.
    pub fn writes(&self) -> u64 {
        let counts = self.counts.borrow();
        ["offs", "ons"].iter().filter_map(|what| counts.get(*what)).sum()
    }

    /// Whoever was off because of us is on again, if that can be.
    pub fn nobody_is_left_off(&self) {
        let truth = self.tenant.tenant().truth(self.clock.now());
        for (id, own) in self.own.borrow().iter() {
            if own.off_at.is_some_and(|off_at| own.others_at.is_none_or(|at| at < off_at))
                && self.can_be_on(*id, &truth)
            {
                self.violated("P2", &format!("{} is off because of us in the end", self.name(*id)));
            }
        }
    }

    /// A run has ended, and this is what its journal says is unfinished: nobody who is off because of us
    /// may be missing, whatever a read has shown.
    pub fn is_remembered(&self, running: &Running) {
        let truth = self.tenant.tenant().truth(self.clock.now());
        for (id, own) in self.own.borrow().iter() {
            let is_off = own.off_at.is_some() && own.others_at.is_none() && self.can_be_on(*id, &truth);
            if is_off && !self.has_lost_memory() && !running.in_flight.contains_key(id) {
                self.violated("P2", &format!("{} is off because of us, and forgotten", self.name(*id)));
            }
        }
    }

    /// At the end, when everything has had its time.
    pub fn is_at_rest(&self) {
        self.nobody_is_left_off();
        let truth = self.tenant.tenant().truth(self.clock.now());
        let meddled = self.was_meddled_with();
        for subject in self.story.subjects().filter(|one| one.declared != Declared::No && !meddled) {
            if own_assignments(subject.id, &truth).iter().any(|one| off(one)) {
                self.violated("P2", &format!("{} is declared and off in the end", subject.name));
            }
        }
        if self.platter.borrow().holds(super::TOKEN) || self.journal().contains(super::TOKEN) {
            self.violated("P9", "the token is in the state folder");
        }
    }

    fn can_be_on(&self, id: SubjectId, truth: &Truth) -> bool {
        let is_gone = match id {
            SubjectId::User(id) => truth.users[&id].is_deleted,
            SubjectId::Group(id) => truth.groups[&id].is_deleted,
        };
        !is_gone && own_assignments(id, truth).iter().any(|one| off(one))
    }

    pub fn name(&self, id: SubjectId) -> String {
        let found = self.story.subjects().find(|one| one.id == id);
        found.map_or_else(|| id.guid().to_string(), |one| one.name.clone())
    }
}

/// What is assigned to the subject itself.
fn own_assignments(id: SubjectId, truth: &Truth) -> Vec<&Assigned> {
    let all = match id {
        SubjectId::User(id) => &truth.users[&id].assignments,
        SubjectId::Group(id) => &truth.groups[&id].licenses,
    };
    all.iter().filter(|one| one.by.is_none() || id.group().is_some()).collect()
}

fn off(one: &Assigned) -> bool {
    one.off.contains(&SERVICE_PLAN)
}

/// Whether that license was written.
fn names(change: &Audited, license: SkuId) -> bool {
    let Doing::Wire { body } = &change.doing else { return false };
    body["addLicenses"].to_string().contains(&license.to_string())
}
