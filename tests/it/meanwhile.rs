//! What happens meanwhile: while somebody is off because of a toggle, other people do something to the
//! same tenant. Each story says how it ends (DESIGN 8), in words that a person understands, and none
//! ends in an assignment that was not there.

use std::collections::BTreeSet;

use advaudit::apply::outcome::Outcome;
use advaudit::model::{GroupId, SERVICE_PLAN, ServicePlanId, SignedDuration, SkuId, SubjectId, UserId};
use advaudit::sandbox::{Assigned, Audited, Deed, Doing, Tenant, Truth};

use super::common::site::{Site, T};
use super::common::world::World;

/// One person, and a group that gives the same license to nobody yet.
const ONE: &str = "\
groupProcessing: 90s
users: [{upn: a@contoso.com, licenses: [{license: SPE_E5, off: [SWAY]}]}, b@contoso.com]
groups: [{name: E5 Legal, licenses: [SPE_E5]}]
";

/// A group of three; d has the license from nowhere.
const GROUP: &str = "\
groupProcessing: 90s
users: [a@contoso.com, b@contoso.com, c@contoso.com, d@contoso.com]
groups: [{name: E5 Legal, licenses: [SPE_E5], members: [a@contoso.com, b@contoso.com, c@contoso.com]}]
";

const A_TOGGLED: &str = "users: [{user: a@contoso.com, toggleIfEnabledBefore: 2026-11-20T00:00:00Z}]\n";
const LEGAL_TOGGLED: &str = "groups: [{group: E5 Legal, toggleIfEnabledBefore: 2026-11-20T00:00:00Z}]\n";

/// A toggle that is watched: a plan is carried out while something else happens.
struct Story {
    world: World,
    manifest: &'static str,
}

/// How it ended.
struct Ended {
    outcome: Outcome,
    /// What is said about it, notes included.
    said: String,
}

impl Story {
    fn of(tenant: &str, manifest: &'static str) -> Story {
        let world = World::new(tenant);
        world.tenant.tenant().keep_audit();
        Story { world, manifest }
    }

    fn user(&self, name: &str) -> UserId {
        self.world.tenant.tenant().user_named(&format!("{name}@contoso.com")).expect("a user")
    }

    fn a(&self) -> SubjectId {
        SubjectId::User(self.user("a"))
    }

    fn legal(&self) -> GroupId {
        self.world.tenant.tenant().group_named("E5 Legal").expect("a group")
    }

    fn license(&self, name: &str) -> SkuId {
        self.world.tenant.tenant().license_named(name).expect("owned")
    }

    fn e5(&self) -> SkuId {
        self.license("SPE_E5")
    }

    fn plan(&self, name: &str) -> ServicePlanId {
        let e5 = self.e5();
        self.world.tenant.tenant().plan_named(e5, name).expect("a service plan")
    }

    /// Carries the toggle out while that happens, twenty minutes into it.
    fn in_the_wait(&self, deeds: &[Deed]) -> Ended {
        self.run(async {
            self.world.minutes(20).await;
            deeds.iter().for_each(|deed| self.world.somebody(deed));
        })
    }

    /// Carries the toggle out while that happens, before anybody could see the off.
    fn right_after_the_off(&self, deeds: &[Deed]) -> Ended {
        self.run(async {
            self.world.written(1).await;
            deeds.iter().for_each(|deed| self.world.somebody(deed));
        })
    }

    fn run(&self, meanwhile: impl Future<Output = ()>) -> Ended {
        let made = self.world.plan(self.manifest);
        let ended = self.world.ended_beside(&made, meanwhile);
        let [(_, end, notes)] = ended.as_slice() else { panic!("one subject: {ended:?}") };
        self.nothing_came_by_us();
        let said = end.trouble.iter().map(|trouble| trouble.message.clone()).chain(notes.clone());
        Ended { outcome: end.outcome, said: said.collect::<Vec<_>>().join("; ") }
    }

    /// No write of ours gave or took anything, and none changed anything but the service plan.
    fn nothing_came_by_us(&self) {
        let tenant = self.world.tenant.tenant();
        let ours = tenant.audit().expect("kept").iter();
        for Audited { before, after, .. } in ours.filter(|one| matches!(one.doing, Doing::Wire { .. })) {
            let beside = |held: &[Assigned]| {
                let strip = |one: &Assigned| {
                    let mut off = one.off.clone();
                    off.remove(&SERVICE_PLAN);
                    (one.license, one.by, off)
                };
                held.iter().map(strip).collect::<BTreeSet<_>>()
            };
            assert_eq!(beside(before), beside(after), "a write of ours did more than it may");
        }
    }

    fn is_on(&self, name: &str) -> bool {
        self.world.truth().users[&self.user(name)].is_on
    }

    fn held(&self, name: &str) -> Vec<Assigned> {
        self.world.truth().users[&self.user(name)].assignments.clone()
    }
}

impl Ended {
    #[track_caller]
    fn is(self, outcome: Outcome, said: &str) {
        assert_eq!(self.outcome, outcome, "{}", self.said);
        assert!(self.said.contains(said), "`{}` does not say `{said}`", self.said);
    }
}

// One person's toggle.

#[test]
fn somebody_turns_it_on_and_the_toggle_is_cut_short() {
    let story = Story::of(ONE, A_TOGGLED);
    let on = Deed::TurnOn { of: story.a(), license: story.e5(), plan: SERVICE_PLAN };
    story.in_the_wait(&[on]).is(Outcome::CutShort, "someone else turned it on during the wait");
    assert!(story.is_on("a"));
    assert_eq!(story.world.writes(), 1, "only the off");
}

#[test]
fn somebody_turns_it_on_before_the_off_was_seen() {
    let story = Story::of(&format!("lag: 30s\n{ONE}"), A_TOGGLED);
    let on = Deed::TurnOn { of: story.a(), license: story.e5(), plan: SERVICE_PLAN };
    let ended = story.run(async {
        story.world.written(1).await;
        // Dates of assignments have whole seconds: one in the second of the off is not newer than it.
        story.world.seconds(1).await;
        story.world.somebody(&on);
    });
    ended.is(Outcome::CutShort, "someone else turned it on before the off was seen");
    assert!(story.is_on("a"));
}

#[test]
fn other_service_plans_are_edited_and_stay_as_they_were_edited() {
    let story = Story::of(ONE, A_TOGGLED);
    let edit = Deed::TurnOff { of: story.a(), license: story.e5(), plan: story.plan("YAMMER_ENTERPRISE") };
    let other = Deed::TurnOn { of: story.a(), license: story.e5(), plan: story.plan("SWAY") };
    story.in_the_wait(&[edit, other]).is(Outcome::Toggled, "");
    assert_eq!(story.held("a")[0].off, BTreeSet::from([story.plan("YAMMER_ENTERPRISE")]));
    assert!(story.is_on("a"));
}

#[test]
fn the_license_is_taken_away_and_does_not_come_back() {
    let story = Story::of(ONE, A_TOGGLED);
    let remove = Deed::Remove { from: story.a(), license: story.e5() };
    story.in_the_wait(&[remove]).is(Outcome::LicenseGone, "its license was taken away");
    assert!(story.held("a").is_empty());
    assert_eq!(story.world.writes(), 1, "only the off");
}

#[test]
fn the_license_is_taken_away_and_given_again() {
    let story = Story::of(ONE, A_TOGGLED);
    let (of, license) = (story.a(), story.e5());
    let again = Deed::Assign { to: of, license, off: BTreeSet::new() };
    story.in_the_wait(&[Deed::Remove { from: of, license }, again]).is(Outcome::CutShort, "someone else");
    assert!(story.is_on("a"));
    assert_eq!(story.world.writes(), 1, "only the off");
}

#[test]
fn one_of_two_licenses_is_taken_away_and_only_the_other_is_turned_on() {
    let tenant = "users: [{upn: a@contoso.com, licenses: [SPE_E5, ENTERPRISEPREMIUM]}]\n";
    let story = Story::of(tenant, A_TOGGLED);
    let remove = Deed::Remove { from: story.a(), license: story.license("ENTERPRISEPREMIUM") };
    story.in_the_wait(&[remove]).is(Outcome::Toggled, "");
    let held: Vec<SkuId> = story.held("a").iter().map(|one| one.license).collect();
    assert_eq!(held, [story.e5()]);
    assert!(story.is_on("a"));
}

#[test]
fn the_license_moves_to_a_group() {
    let story = Story::of(ONE, A_TOGGLED);
    let moved = Deed::MoveToGroup { user: story.user("a"), license: story.e5(), group: story.legal() };
    story.in_the_wait(&[moved]).is(Outcome::NowByGroup, "comes from a group now; declare the group");
    let held = story.held("a");
    assert_eq!(held.iter().map(|one| one.by).collect::<Vec<_>>(), [Some(story.legal())]);
    assert_eq!(story.world.writes(), 1, "only the off");
}

#[test]
fn the_license_moves_to_a_group_that_takes_longer_than_the_wait() {
    let story = Story::of(&ONE.replace("90s", "2h"), A_TOGGLED);
    let moved = Deed::MoveToGroup { user: story.user("a"), license: story.e5(), group: story.legal() };
    story.in_the_wait(&[moved]).is(Outcome::LicenseGone, "nothing is left to turn on");
    assert!(settled(&story).users[&story.user("a")].is_on, "by the group, when that comes");
}

#[test]
fn a_group_gives_it_as_well_during_the_wait() {
    let story = Story::of(ONE, A_TOGGLED);
    let given = Deed::AddMember { user: story.user("a"), group: story.legal() };
    story.in_the_wait(&[given]).is(Outcome::Toggled, "");
    assert!(story.held("a").iter().all(|one| !one.off.contains(&SERVICE_PLAN)));
}

#[test]
fn a_group_gives_it_as_well_before_the_off_was_seen() {
    let story = Story::of(&ONE.replace("90s", "0s"), A_TOGGLED);
    let given = Deed::AddMember { user: story.user("a"), group: story.legal() };
    let began = story.world.now();
    story.right_after_the_off(&[given]).is(Outcome::NoEffect, "another source keeps the service plan on");
    assert!(story.held("a").iter().all(|one| !one.off.contains(&SERVICE_PLAN)));
    assert!(story.world.now().duration_since(began).as_mins() < 5, "it is turned on again at once");
}

#[test]
fn a_user_who_is_deleted_is_gone_and_is_not_written() {
    let story = Story::of(ONE, A_TOGGLED);
    let delete = Deed::DeleteUser { user: story.user("a") };
    let user = story.user("a");
    story.in_the_wait(&[delete]).is(Outcome::SubjectGone, "if it is restored, the next run turns it on");
    assert!(story.world.truth().users[&user].is_deleted);
    assert_eq!(story.world.writes(), 1, "only the off");
}

#[test]
fn a_user_who_is_deleted_and_restored_in_the_wait_is_toggled() {
    let story = Story::of(ONE, A_TOGGLED);
    let user = story.user("a");
    story.in_the_wait(&[Deed::DeleteUser { user }, Deed::RestoreUser { user }]).is(Outcome::Toggled, "");
    assert!(story.is_on("a"));
}

#[test]
fn a_renamed_user_is_turned_on_and_whoever_has_the_name_now_is_left_alone() {
    let story = Story::of(ONE, A_TOGGLED);
    let (a, b) = (story.user("a"), story.user("b"));
    let leaves = Deed::RenameUser { user: a, upn: "was-a@contoso.com".to_owned() };
    let takes = Deed::RenameUser { user: b, upn: "a@contoso.com".to_owned() };
    story.in_the_wait(&[leaves, takes]).is(Outcome::Toggled, "");
    let truth = story.world.truth();
    assert!(truth.users[&a].is_on);
    assert!(truth.users[&b].assignments.is_empty());
}

#[test]
fn the_last_seat_goes_to_somebody_else_and_nobody_loses_one() {
    let story = Story::of(ONE, A_TOGGLED);
    let used_up = Deed::LeaveSeats { license: story.e5(), free: 0 };
    story.in_the_wait(&[used_up]).is(Outcome::Toggled, "");
    assert!(story.is_on("a"));
}

#[test]
fn a_license_that_is_suspended_in_the_wait_leaves_a_person_stuck() {
    let story = Story::of(ONE, A_TOGGLED);
    let suspend = Deed::Suspend { license: story.e5() };
    story.in_the_wait(&[suspend]).is(Outcome::Stuck, "the tenant's SPE_E5 is Suspended");
}

#[test]
fn a_license_that_is_paid_for_again_within_the_wait_is_turned_on() {
    let story = Story::of(ONE, A_TOGGLED);
    let license = story.e5();
    story.in_the_wait(&[Deed::Suspend { license }, Deed::Resume { license }]).is(Outcome::Toggled, "");
    assert!(story.is_on("a"));
}

// A group's toggle.

#[test]
fn who_joins_while_the_group_is_off_is_on_in_the_end() {
    let story = Story::of(GROUP, LEGAL_TOGGLED);
    let join = Deed::AddMember { group: story.legal(), user: story.user("d") };
    story.right_after_the_off(&[join]).is(Outcome::Toggled, "");
    let truth = settled(&story);
    assert!(truth.users.values().all(|user| user.is_on), "{truth:#?}");
}

#[test]
fn who_leaves_while_the_group_is_off_is_not_waited_for() {
    let story = Story::of(GROUP, LEGAL_TOGGLED);
    let leave = Deed::RemoveMember { group: story.legal(), user: story.user("b") };
    let began = story.world.now();
    story.right_after_the_off(&[leave]).is(Outcome::Toggled, "");
    assert!(story.world.now().duration_since(began).as_mins() < 30, "the gate opens without b");
    let truth = settled(&story);
    let on = truth.users.values().filter(|user| user.is_on).map(|user| user.upn.as_str());
    assert_eq!(on.collect::<BTreeSet<_>>(), BTreeSet::from(["a@contoso.com", "c@contoso.com"]));
}

#[test]
fn everybody_leaves_while_the_group_is_off() {
    let story = Story::of(GROUP, LEGAL_TOGGLED);
    let leave = |name| Deed::RemoveMember { group: story.legal(), user: story.user(name) };
    story.right_after_the_off(&["a", "b", "c"].map(leave)).is(Outcome::Toggled, "");
    let own = &story.world.truth().groups[&story.legal()].licenses;
    assert!(!own[0].off.contains(&SERVICE_PLAN), "the group itself is on again");
}

#[test]
fn a_member_who_is_deleted_while_the_group_is_off_is_not_waited_for_and_comes_back_on() {
    let story = Story::of(GROUP, LEGAL_TOGGLED);
    let user = story.user("b");
    story.right_after_the_off(&[Deed::DeleteUser { user }]).is(Outcome::Toggled, "");
    story.world.somebody(&Deed::RestoreUser { user });
    assert!(settled(&story).users[&user].is_on);
}

#[test]
fn a_license_that_is_suspended_while_the_group_is_off_leaves_it_stuck() {
    let story = Story::of(GROUP, LEGAL_TOGGLED);
    let suspend = Deed::Suspend { license: story.e5() };
    story.right_after_the_off(&[suspend]).is(Outcome::Stuck, "the tenant's SPE_E5 is Suspended");
}

#[test]
fn somebody_turns_the_group_on_while_its_members_still_go_off() {
    let story = Story::of(GROUP, LEGAL_TOGGLED);
    let on = Deed::TurnOn { of: SubjectId::Group(story.legal()), license: story.e5(), plan: SERVICE_PLAN };
    let began = story.world.now();
    let ended = story.run(async {
        story.world.written(1).await;
        story.world.seconds(45).await;
        story.world.somebody(&on);
    });
    ended.is(Outcome::CutShort, "someone else turned it on before every member was seen off");
    assert!(story.world.now().duration_since(began).as_mins() < 10, "nobody waits for the whole gate");
    assert!(settled(&story).groups[&story.legal()].licenses[0].off.is_empty());
}

#[test]
fn the_group_loses_its_license_and_is_deleted() {
    let story = Story::of(GROUP, LEGAL_TOGGLED);
    let group = story.legal();
    let remove = Deed::Remove { from: SubjectId::Group(group), license: story.e5() };
    let delete = Deed::DeleteGroup { group };
    story
        .right_after_the_off(std::slice::from_ref(&remove))
        .is(Outcome::LicenseGone, "its license was taken away");
    assert!(story.world.truth().groups[&group].licenses.is_empty());

    let story = Story::of(GROUP, LEGAL_TOGGLED);
    story.right_after_the_off(&[remove, delete]).is(Outcome::SubjectGone, "it was deleted");
    assert_eq!(story.world.writes(), 1, "only the off");
}

/// How everything stands when groups have done what they were doing.
fn settled(story: &Story) -> Truth {
    let later = story.world.now() + SignedDuration::from_hours(6);
    story.world.tenant.tenant().truth(later)
}

// Over several runs.

/// A person who is off because of an apply that did not wait.
fn left_off() -> Site {
    let manifest = format!("users: [{{user: a@contoso.com, toggleIfEnabledBefore: {T}}}]\n");
    let site = Site::new(&manifest, ONE);
    site.apply_and_leave().exits(4);
    site
}

fn a(tenant: &Tenant) -> UserId {
    tenant.user_named("a@contoso.com").expect("a user")
}

#[test]
fn a_user_who_is_restored_within_thirty_days_is_turned_on_by_the_next_run() {
    let site = left_off();
    let mut user = None;
    site.somebody(|tenant| {
        user = Some(a(tenant));
        Deed::DeleteUser { user: a(tenant) }
    });
    site.later(61);
    site.run("heal").exits(0).shows("subject gone a@contoso.com: it was deleted while it was off");
    site.later(29 * 24 * 60);
    site.somebody(|_| Deed::RestoreUser { user: user.expect("known") });
    let ran = site.apply().exits(0).shows("1 resumed");
    assert!(site.people().is_on("a@contoso.com"), "{}", ran.told());
}

#[test]
fn a_license_that_is_paid_for_again_is_turned_on_by_the_next_run() {
    let site = left_off();
    let e5 = |tenant: &Tenant| tenant.license_named("SPE_E5").expect("owned");
    site.somebody(|tenant| Deed::Suspend { license: e5(tenant) });
    site.later(61);
    for _ in 0..2 {
        site.run("heal").exits(4).shows("stuck a@contoso.com: the tenant's SPE_E5 is Suspended");
    }
    site.somebody(|tenant| Deed::Resume { license: e5(tenant) });
    let ran = site.run("heal").exits(0).shows("1 resumed");
    assert!(site.people().is_on("a@contoso.com"), "{}", ran.told());
}

#[test]
fn a_user_who_was_renamed_is_turned_on_although_the_manifest_has_the_old_name() {
    let site = left_off();
    site.somebody(|tenant| Deed::RenameUser { user: a(tenant), upn: "was-a@contoso.com".to_owned() });
    site.later(61);
    let ran = site.apply().exits(0).shows("the tenant does not know it").shows("1 resumed");
    assert!(site.people().is_on("was-a@contoso.com"), "{}", ran.told());
}

#[test]
fn a_name_that_leads_to_somebody_else_now_is_blocked() {
    let site = left_off();
    let mut first = None;
    site.somebody(|tenant| {
        first = Some(a(tenant));
        Deed::RenameUser { user: a(tenant), upn: "was-a@contoso.com".to_owned() }
    });
    let b = |tenant: &Tenant| tenant.user_named("b@contoso.com").expect("a user");
    site.somebody(|tenant| Deed::RenameUser { user: b(tenant), upn: "a@contoso.com".to_owned() });
    site.later(61);
    let ran = site.apply().exits(0).shows("the name now leads to another object").shows("1 resumed");
    let people = site.people();
    assert!(people.is_on("was-a@contoso.com") && people.0["a@contoso.com"].is_empty(), "{}", ran.told());
}
