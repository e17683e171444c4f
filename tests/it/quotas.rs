//! Tenants with quotas, and tenants in which writes meet: what leaves, how much of it is refused, and
//! that nothing leaves before its time. In virtual time, heard at the transport.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use advaudit::apply::outcome::Outcome;
use advaudit::clock::Clock;
use advaudit::graph::transport::{Request, Response, Sending, Transport};
use advaudit::model::{SignedDuration, Timestamp};
use advaudit::sandbox::{InProcess, Tenant};
use serde_json::Value;

use super::common::site::TENANT;
use super::common::world::World;

/// One request and its answer, as they passed.
struct Passed {
    path: String,
    is_write: bool,
    left: Timestamp,
    came: Timestamp,
    status: u16,
    retry_after: Option<u64>,
}

/// Listens to everything that passes to the tenant.
struct Ear {
    tenant: InProcess,
    clock: Clock,
    heard: RefCell<Vec<Passed>>,
}

impl Transport for Ear {
    fn send(&self, request: Request) -> Sending<'_> {
        Box::pin(async move {
            let left = self.clock.now();
            let path = request.uri().path().to_owned();
            let answer = self.tenant.send(request).await?;
            let is_write = path.ends_with("/assignLicense");
            let (status, retry_after) = (answer.status().as_u16(), seconds(&answer));
            let passed = Passed { path, is_write, left, came: self.clock.now(), status, retry_after };
            self.heard.borrow_mut().push(passed);
            Ok(answer)
        })
    }
}

fn seconds(answer: &Response) -> Option<u64> {
    answer.headers().get("retry-after")?.to_str().ok()?.parse().ok()
}

/// What passed in a run that enabled so many users.
struct Heard(Vec<Passed>);

/// Enables those users of a tenant with that quota; all of them end on.
fn enable(users: u32, quota: &str) -> Heard {
    let tenant =
        format!("{TENANT}quota: {quota}\ngenerate: {{users: {users}, license: SPE_E5, off: {users}}}\n");
    let tenant = Tenant::read(&tenant).expect("a tenant");
    let clock = Clock::starting_at(tenant.start().expect("virtual time"));
    let tenant = InProcess::new(tenant, clock.clone());
    let heard = RefCell::default();
    let ear = Rc::new(Ear { tenant: tenant.clone(), clock: clock.clone(), heard });
    let world = World::of(tenant, ear.clone(), clock);
    let planned = world.plan("users:\n  - all: licensed\n");
    ear.heard.borrow_mut().clear();
    let ended = world.carry_out(&planned);
    assert_eq!(ended.len(), users as usize);
    assert!(ended.iter().all(|(_, outcome)| *outcome == Outcome::Enabled), "everybody is on");
    Heard(ear.heard.take())
}

impl Heard {
    fn writes(&self) -> impl Iterator<Item = &Passed> {
        self.0.iter().filter(|passed| passed.is_write)
    }

    /// Writes that were done, a second, between a fifth and nine tenths of the run.
    fn sustained(&self) -> f64 {
        let mut done: Vec<Timestamp> =
            self.writes().filter(|one| one.status == 200).map(|one| one.came).collect();
        done.sort();
        let (from, to) = (done.len() / 5, done.len() * 9 / 10);
        (to - from) as f64 / done[to].duration_since(done[from]).as_secs_f64()
    }

    /// The share of the writes that came back with that status.
    fn share(&self, status: u16) -> f64 {
        self.writes().filter(|one| one.status == status).count() as f64 / self.writes().count() as f64
    }

    /// Writes that left while an earlier refusal still asked writers to stay away.
    fn too_early(&self) -> usize {
        let refusals: Vec<(Timestamp, Timestamp)> = self
            .writes()
            .filter(|one| one.status == 429)
            .map(|one| {
                let away = SignedDuration::from_secs(i64::try_from(one.retry_after.unwrap()).unwrap());
                (one.came, one.came + away)
            })
            .collect();
        let early = |one: &&Passed| refusals.iter().any(|(from, to)| one.left > *from && one.left < *to);
        self.writes().filter(early).count()
    }

    /// The most writes that were on their way at once to one object.
    fn most_at_one_object(&self) -> usize {
        let mut objects: BTreeMap<&str, Vec<(Timestamp, i32)>> = BTreeMap::new();
        for one in self.writes() {
            objects.entry(&one.path).or_default().extend([(one.left, 1), (one.came, -1)]);
        }
        let most = |mut moments: Vec<(Timestamp, i32)>| {
            moments.sort();
            let on_their_way = moments.iter().scan(0, |now, (_, step)| {
                *now += step;
                Some(*now)
            });
            on_their_way.max().unwrap_or(0)
        };
        objects.into_values().map(most).max().unwrap_or(0).try_into().unwrap()
    }
}

#[test]
fn a_small_quota_of_writes_is_used_and_hardly_ever_hit() {
    for (quota, a_second) in [
        ("{writes: {most: 60, every: 10s}}", 6.0),
        ("{writes: {most: 60, every: 10s}, silent: true}", 6.0),
        ("{writes: {most: 300, every: 30s}}", 10.0),
        ("{writes: {most: 3000, every: 150s}}", 19.6),
    ] {
        let heard = enable(700, quota);
        let (used, refused) = (heard.sustained() / a_second, heard.share(429));
        assert!(used >= 0.9, "{quota}: {used:.3} of it used");
        assert!(refused < 0.01, "{quota}: {refused:.4} refused");
        assert_eq!(heard.too_early(), 0, "{quota}");
        assert_eq!(heard.most_at_one_object(), 1, "{quota}");
    }
}

#[test]
fn a_small_quota_of_units_is_lived_with() {
    let heard = enable(400, "{units: {most: 200, every: 10s}}");
    let refused = heard.share(429);
    assert!(refused < 0.05, "{refused:.3} refused");
    assert_eq!(heard.too_early(), 0);
}

#[test]
fn writes_that_meet_are_seldom_sent_together() {
    for at_once in [1, 3] {
        let heard = enable(600, &format!("{{writesAtOnce: {at_once}}}"));
        let conflicts = heard.share(400);
        assert!(conflicts < 0.05, "more than {at_once} at once meet: {conflicts:.3} did");
        assert_eq!(heard.most_at_one_object(), 1);
    }
}

#[test]
fn a_tenant_without_quotas_is_written_to_at_the_published_one() {
    let heard = enable(600, "{}");
    let a_second = heard.sustained();
    assert!((18.0..=20.0).contains(&a_second), "{a_second:.1} a second");
    let statuses: Vec<u16> = heard.writes().map(|one| one.status).filter(|status| *status != 200).collect();
    assert!(statuses.is_empty(), "{statuses:?}");
}

#[test]
fn turning_on_goes_before_turning_off_when_writes_are_few() {
    let tenant = "quota: {writes: {most: 4, every: 8s}, writesAtOnce: 1}\n\
                  generate: [{users: 30, name: off, license: SPE_E5, off: 30}, {users: 30, name: on, license: SPE_E5, since: 2026-01-01T00:00:00Z}]\n";
    let world = World::new(tenant);
    let manifest = "limits: {toggle: 100%}\ntoggle: {maxOff: 100%}\nusers:\n  - {all: licensed, toggleIfEnabledBefore: 2026-11-20T00:00:00Z}\n";
    let planned = world.plan(manifest);
    world.carry_out(&planned);
    let tenant = world.tenant.tenant();
    let off =
        |body: &Value| body["addLicenses"][0]["disabledPlans"].as_array().is_some_and(|ids| !ids.is_empty());
    let writes: Vec<bool> = tenant.writes().iter().map(|write| off(&write.body)).collect();
    assert_eq!(writes.len(), 90);
    // One that was refused and is looked at again is not in line just then.
    let before_the_first_off = writes.iter().take_while(|off| !**off).count();
    assert!(before_the_first_off >= 28, "an enable waited behind an off: {writes:?}");
}
