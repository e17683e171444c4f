//! A pipeline acted out on one machine: jobs that share nothing but the state, what one hands to the next, and
//! exit codes. Each is a process with a folder, a token and an environment of its own; the hour between them
//! passes on Graph's clock.

use std::path::PathBuf;
use std::process::Command;

use advaudit::model::{SERVICE_PLAN, SignedDuration, SubjectId, Timestamp};
use advaudit::sandbox::{Deed, Tenant};
use serde_json::Value;
use tempfile::TempDir;

use super::common::elsewhen::Elsewhen;
use super::common::served::{Running, until};
use super::common::site::{MANIFEST, T, TENANT_ID};
use super::common::token::{READS, WRITES, token};
use super::common::{Ran, advaudit};

/// Megan and Lee are to be toggled, Adele and Alex to be turned on.
const PEOPLE: &str = "\
users:
  - {upn: megan@contoso.com, licenses: [SPE_E5]}
  - {upn: lee@contoso.com, licenses: [SPE_E5]}
  - {upn: adele@contoso.com, licenses: [{license: SPE_E5, off: [M365_ADVANCED_AUDITING]}]}
  - {upn: alex@contoso.com, licenses: [{license: SPE_E5, off: [M365_ADVANCED_AUDITING]}]}
";
const EVERYBODY: [&str; 4] = ["adele", "alex", "lee", "megan"];

/// A tenant, a repository with a manifest, and the state that all jobs share.
struct Project {
    graph: Elsewhen,
    repository: TempDir,
    state: TempDir,
}

/// Whose token a job has.
#[derive(Clone, Copy)]
enum Identity {
    /// May look.
    Plan,
    /// May change licenses.
    Apply,
}

/// A machine of its own, for one job.
struct Job<'a> {
    project: &'a Project,
    identity: Identity,
    folder: TempDir,
}

impl Project {
    fn new() -> Project {
        let toggled = |name: &str| format!("  - {{user: {name}@contoso.com, toggleIfEnabledBefore: {T}}}\n");
        let manifest = format!(
            "{MANIFEST}users:\n{}{}  - adele@contoso.com\n  - alex@contoso.com\n",
            toggled("megan"),
            toggled("lee")
        );
        let repository = tempfile::tempdir().expect("a folder");
        std::fs::write(repository.path().join("tenant.yaml"), manifest).expect("written");
        let state = tempfile::tempdir().expect("a folder");
        Project { graph: Elsewhen::start(PEOPLE, SignedDuration::ZERO), repository, state }
    }

    /// A job begins on a fresh machine, with the repository checked out.
    fn job(&self, identity: Identity) -> Job<'_> {
        let folder = tempfile::tempdir().expect("a folder");
        let manifest = self.repository.path().join("tenant.yaml");
        std::fs::copy(manifest, folder.path().join("tenant.yaml")).expect("checked out");
        Job { project: self, identity, folder }
    }

    /// So much later, as Graph sees it.
    fn minutes_later(&self, minutes: i64) {
        self.graph.is_ahead(SignedDuration::from_mins(minutes));
    }

    /// Somebody ticks or clears the box of one user in the admin center.
    fn somebody_turns(&self, name: &str, on: bool) {
        self.graph.somebody(|tenant: &Tenant| {
            let user = tenant.user_named(&format!("{name}@contoso.com")).expect("a user");
            let license = tenant.license_named("SPE_E5").expect("a license");
            let of = SubjectId::User(user);
            if on {
                Deed::TurnOn { of, license, plan: SERVICE_PLAN }
            } else {
                Deed::TurnOff { of, license, plan: SERVICE_PLAN }
            }
        });
    }

    /// Who has the service plan now.
    fn on(&self) -> Vec<String> {
        let truth = self.graph.truth();
        let on = truth.users.values().filter(|user| user.is_on);
        let mut names: Vec<_> = on.map(|user| user.upn.replace("@contoso.com", "")).collect();
        names.sort();
        names
    }

    /// Nothing is left to do, as a pipeline asks it.
    #[track_caller]
    fn is_clean(&self) {
        let look = self.job(Identity::Plan);
        look.run("plan tenant.yaml --detailed-exitcode")
            .exits(0)
            .shows("Plan: 0 to enable, 0 to toggle, 0 to resume, 4 in sync, 0 blocked.");
        assert_eq!(self.on(), EVERYBODY);
    }
}

impl Job<'_> {
    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// A step: a process that knows what a runner tells it.
    fn command(&self, command: &str) -> Command {
        let roles = match self.identity {
            Identity::Plan => READS.to_vec(),
            Identity::Apply => [&READS[..], &[WRITES]].concat(),
        };
        let state = self.project.state.path().to_str().expect("UTF-8");
        let mut args: Vec<&str> = command.split(' ').collect();
        if args[0] != "show" {
            args.extend(["--graph-url", &self.project.graph.url, "--state", state]);
        }
        let mut command = advaudit(&args);
        let token = token(TENANT_ID, &roles);
        command.current_dir(self.folder.path()).env("CI", "true").env("ADVAUDIT_ACCESS_TOKEN", token);
        command
    }

    fn run(&self, command: &str) -> Ran {
        Ran::of(&mut self.command(command))
    }

    /// The digest of the plan that a step saved.
    fn digest(&self) -> String {
        let text = std::fs::read_to_string(self.path("plan.json")).expect("a plan");
        let plan: Value = serde_json::from_str(&text).expect("JSON");
        plan["sha256"].as_str().expect("a digest").to_owned()
    }

    /// Gets a file of another job, as an artifact.
    fn receives(&self, from: &Job<'_>, file: &str) {
        std::fs::copy(from.path(file), self.path(file)).expect("handed over");
    }
}

#[test]
fn an_approved_plan_is_carried_out_by_two_jobs_although_somebody_was_changed_meanwhile() {
    let project = Project::new();

    // On the merge: a plan by an identity that can only look.
    let plan = project.job(Identity::Plan);
    plan.run("plan tenant.yaml --out plan.json --detailed-exitcode")
        .exits(2)
        .shows("2 to enable, 2 to toggle");

    // A reviewer reads it, far from the tenant, and approves.
    let review = project.job(Identity::Plan);
    review.receives(&plan, "plan.json");
    let shown = review.run("show plan.json --detailed-exitcode").exits(2);
    shown.shows("megan@contoso.com").shows("adele@contoso.com");
    let seen = review.run("show plan.json --format json").exits(0).json();
    assert_eq!(seen["sha256"], *plan.digest(), "what was reviewed is what was planned");
    assert_eq!(project.graph.written_at(), [], "so far everybody has only looked");

    // Before the job starts, the service desk helps Adele.
    project.somebody_turns("adele", true);

    // The job that writes does the rest, and leaves.
    let apply = project.job(Identity::Apply);
    apply.receives(&plan, "plan.json");
    let ran = apply.run("apply --plan plan.json --no-wait --json").exits(4);
    assert_eq!(outcome(&ran, "adele"), "skipped", "and yet 4: somebody is off, which counts before");
    assert_eq!(outcome(&ran, "alex"), "enabled");
    assert_eq!([outcome(&ran, "lee"), outcome(&ran, "megan")], ["pending", "pending"]);
    assert_eq!(project.on(), ["adele", "alex"]);
    is_in_an_hour(ran.json()["resume_after"].as_str().expect("a time"));

    // Too early, on another machine: nobody is turned on before the hour is over.
    project.minutes_later(30);
    let early = project.job(Identity::Apply);
    early.receives(&plan, "plan.json");
    early.run("apply --plan plan.json --no-wait").exits(4);
    assert_eq!(project.on(), ["adele", "alex"]);

    // An hour later, on yet another one.
    project.minutes_later(62);
    let finish = project.job(Identity::Apply);
    finish.receives(&plan, "plan.json");
    let ran = finish.run("apply --plan plan.json --no-wait --json").exits(5);
    assert_eq!([outcome(&ran, "lee"), outcome(&ran, "adele")], ["resumed", "skipped"]);
    assert!(ran.json()["resume_after"].is_null(), "nothing to come back for\n{}", ran.told());
    project.is_clean();
}

#[test]
fn nothing_travels_but_the_digest() {
    let project = Project::new();
    let plan = project.job(Identity::Plan);
    plan.run("plan tenant.yaml --out plan.json --detailed-exitcode").exits(2);
    let digest = plan.digest();

    project
        .job(Identity::Apply)
        .run(&format!("apply tenant.yaml --plan-sha256 {digest} --no-wait"))
        .exits(4)
        .holds("two are off", project.on() == ["adele", "alex"]);

    project.minutes_later(62);
    project.job(Identity::Apply).run("heal --no-wait").exits(0).shows("2 resumed");
    project.is_clean();
}

#[test]
fn a_digest_that_is_no_longer_so_starts_nothing_and_a_new_approval_goes_on() {
    let project = Project::new();
    let plan = project.job(Identity::Plan);
    plan.run("plan tenant.yaml --out plan.json --detailed-exitcode").exits(2);
    let approved = plan.digest();

    project.somebody_turns("adele", true);
    let apply = |digest: &str| {
        let job = project.job(Identity::Apply);
        job.run(&format!("apply tenant.yaml --plan-sha256 {digest} --no-wait"))
    };
    let before = project.graph.written_at();
    apply(&approved).exits(6);
    assert_eq!(project.graph.written_at(), before, "nothing new was started");

    let again = project.job(Identity::Plan);
    again
        .run("plan tenant.yaml --out plan.json --detailed-exitcode")
        .exits(2)
        .shows("1 to enable, 2 to toggle");
    assert_ne!(again.digest(), approved);
    apply(&again.digest()).exits(4);
    project.minutes_later(62);
    project.job(Identity::Apply).run("heal --no-wait").exits(0);
    project.is_clean();
}

#[test]
fn the_job_that_writes_is_killed_and_the_scheduled_heal_ends_it() {
    let project = Project::new();
    let plan = project.job(Identity::Plan);
    plan.run("plan tenant.yaml --out plan.json --detailed-exitcode").exits(2);

    // It would have waited for the hour; the runner is taken away.
    let apply = project.job(Identity::Apply);
    apply.receives(&plan, "plan.json");
    let doomed = Running::start(apply.command("apply --plan plan.json"));
    until("two are off", || !project.on().iter().any(|name| name == "lee" || name == "megan"));
    doomed.kill();

    // The schedule, each time on a machine that knows nothing: too early, and then in time.
    let heal = |minutes| {
        project.minutes_later(minutes);
        project.job(Identity::Apply).run("heal --no-wait --lock-timeout 10m")
    };
    heal(17).exits(4);
    heal(77).exits(0);
    let on = project.on();
    assert!(on.contains(&"lee".to_owned()) && on.contains(&"megan".to_owned()), "{on:?}");

    // What had not begun is still approved, and done by the same plan.
    let again = project.job(Identity::Apply);
    again.receives(&plan, "plan.json");
    again.run("apply --plan plan.json --no-wait").exits(0);
    project.is_clean();
}

#[test]
fn the_identity_that_plans_cannot_carry_out_what_it_planned() {
    let project = Project::new();
    let plan = project.job(Identity::Plan);
    plan.run("plan tenant.yaml --out plan.json --detailed-exitcode").exits(2);
    plan.run("apply --plan plan.json --no-wait")
        .exits(5)
        .holds("it was refused by the tenant", project.graph.refused() > 0)
        .shows("grant LicenseAssignment.ReadWrite.All");
    assert_eq!(project.graph.written_at(), []);
    assert_eq!(project.on(), ["lee", "megan"], "nobody is off who was on");
}

/// What came of somebody in a run.
#[track_caller]
fn outcome(ran: &Ran, name: &str) -> String {
    let document = ran.json();
    let subjects = document["subjects"].as_array().expect("subjects");
    let own = subjects.iter().find(|own| own["subject"]["name"] == format!("{name}@contoso.com"));
    let own = own.unwrap_or_else(|| panic!("nothing of {name}\n{}", ran.told()));
    own["outcome"].as_str().expect("an outcome").to_owned()
}

/// An hour from now, give or take what the steps took.
#[track_caller]
fn is_in_an_hour(text: &str) {
    let at: Timestamp = text.parse().unwrap_or_else(|error| panic!("resume_after `{text}`: {error}"));
    let minutes = at.duration_since(advaudit::clock::Clock::system().now()).as_mins();
    assert!((58..=62).contains(&minutes), "resume_after is in {minutes} minutes");
}
