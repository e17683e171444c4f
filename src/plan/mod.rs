//! The decision: what a run would do. Pure and synchronous: everything known comes in as a value,
//! time included, everything decided goes out as a value.
//!
//! `resolve` lays the declared beside the observed (`selected`: whom selectors mean; `passing`: who of them needs no
//! look), `groups` and `users` are the two tables of the
//! contract, `dates` is the date table, `sequence` writes the steps, `limits` and `estimate` say how
//! much it is. Groups are judged first, because users can be covered by them.

pub mod calendar;
mod cause;
pub mod change;
pub mod check;
pub mod dates;
pub mod digest;
pub mod edit;
pub mod estimate;
pub mod explained;
mod findings;
pub mod group_trail;
mod groups;
pub mod limits;
pub mod members;
pub mod narrow;
pub mod passing;
pub mod planned;
pub mod resolve;
pub mod rolled;
pub mod rollout;
pub mod running;
pub mod saved;
mod selected;
mod sequence;
pub mod skew;
pub mod sources;
#[cfg(test)]
mod tests;
mod users;
pub mod ways;
pub mod why;

use std::collections::{BTreeMap, BTreeSet};

pub use sequence::{expect_group, expect_user, resume};

use cause::Case;
use change::{Action, Change, Person};
use estimate::{Estimate, Terms};
use findings::Overlap;
use groups::Judged;
use limits::Started;
use members::Members;
use planned::{Blocked, InSync, Named, Plan, Unknown};
use resolve::{Desired, Want};
use rollout::Past;
use running::{InFlight, Running};
use sequence::Found;
use skew::Skew;
use sources::Turn;
use users::{Context, DeclaredGroup, Verdict};
use why::WhyNot;

use crate::diag::Place;
use crate::model::{Catalog, GroupId, SERVICE_PLAN, SkuId, Subject, SubjectId, Timestamp, UserId};
use crate::observe::observed::{Group, Observed, User};

/// Decides what a run would do now.
pub fn plan(desired: &Desired, observed: &Observed, running: &Running, now: Timestamp) -> Plan {
    let mut draft = Draft::new(desired, observed, running, now);
    draft.resume_unfinished();
    draft.judge_groups();
    draft.judge_users();
    draft.finish()
}

/// A plan while it is being made.
struct Draft<'a> {
    desired: &'a Desired,
    observed: &'a Observed,
    running: &'a Running,
    now: Timestamp,
    /// What the users' table needs to know of the groups.
    groups: BTreeMap<GroupId, DeclaredGroup>,
    /// Groups that are off at some time in this run: in an unfinished toggle, or toggled by this plan.
    going_off: BTreeSet<GroupId>,
    /// Who is enabled: users, and members who go on with their group.
    turned_on: BTreeSet<UserId>,
    /// Who is on through several declared groups and due, by those groups and the entry.
    together: BTreeMap<(Vec<GroupId>, Place), Vec<UserId>>,
    plan: Plan,
}

impl<'a> Draft<'a> {
    fn new(desired: &'a Desired, observed: &'a Observed, running: &'a Running, now: Timestamp) -> Self {
        let blocked = desired.blocked.iter().map(|(subject, why, place)| Blocked {
            subject: subject.clone(),
            why: why.clone(),
            place: place.clone(),
        });
        let unfinished = running.in_flight.values().filter(|own| own.counts_as_off());
        let going_off = unfinished.filter_map(|own| own.subject.id.group()).collect();
        let plan = Plan {
            tenant: observed.tenant.clone(),
            created_at: now,
            catalog: observed.catalog.clone(),
            changes: Vec::new(),
            in_sync: Vec::new(),
            passed_by: desired.passed_by.len(),
            blocked: blocked.collect(),
            unknown: desired.unknown.clone(),
            findings: desired.findings.clone(),
            limits: Vec::new(),
            max_off: 0,
            rollout: desired.toggle.rollout.clone(),
            canary: Vec::new(),
            starts_at: None,
            estimate: Estimate::default(),
            skew: observed.machine_ahead.map(Skew),
        };
        Draft {
            desired,
            observed,
            running,
            now,
            groups: BTreeMap::new(),
            going_off,
            turned_on: BTreeSet::new(),
            together: BTreeMap::new(),
            plan,
        }
    }

    /// Whatever a run of ours began is finished, declared or not (P2, P5).
    fn resume_unfinished(&mut self) {
        let unfinished = self.running.in_flight.values().filter(|own| self.is_to_finish(own));
        let changes: Vec<Change> = unfinished.map(|own| sequence::resume(own, self.now)).collect();
        self.plan.changes.extend(changes);
    }

    fn judge_groups(&mut self) {
        for (id, want) in &self.desired.groups {
            let mut turns_on = false;
            if self.is_unfinished(SubjectId::Group(*id)) {
                turns_on = true;
            } else if let Some(group) = self.observed.groups.get(id) {
                match groups::judge(group, want, self) {
                    Ok(judged) => turns_on = self.settle_group(group, want, judged),
                    Err(reason) => self.unknown(SubjectId::Group(*id), &group.name, reason, want),
                }
            } else {
                self.unknown(SubjectId::Group(*id), &id.to_string(), "it could not be read".into(), want);
            }
            self.groups.insert(*id, DeclaredGroup { turns_on, asked: want.asked });
        }
    }

    /// Notes what was decided for a group; true when this plan turns it on.
    fn settle_group(&mut self, group: &Group, want: &Want, judged: Judged) -> bool {
        let Judged { verdict, roll } = judged;
        let turns_on = matches!(verdict, Verdict::Enable(_) | Verdict::Resume { .. });
        if matches!(verdict, Verdict::Toggle(_)) {
            self.going_off.insert(group.id);
        }
        let off = self.members_off(group);
        if matches!(verdict, Verdict::Enable(_)) {
            self.turned_on.extend(&off);
        }
        let members = self.members(group, &verdict);
        // Of a group that is changed its own block says it.
        if want.asked.is_some() && members.is_none() {
            self.plan.findings.extend(findings::of_members(group, &roll, &verdict, want, self.observed));
        }
        let subject = Subject { id: SubjectId::Group(group.id), name: group.name.clone() };
        let lists = group.licenses.iter().map(|one| (one.sku, &one.disabled)).collect();
        let expect = expect_group(group, &self.observed.catalog);
        let found = Found { subject, want, lists, expect, people: roll.off, off: off.len() as u64, members };
        self.settle(found, verdict);
        turns_on
    }

    /// What becomes of the members, where something is done to the group.
    fn members(&self, group: &Group, verdict: &Verdict) -> Option<Members> {
        let turn = match verdict {
            Verdict::Toggle(_) => Turn::Off,
            Verdict::Enable(_) => Turn::On,
            Verdict::InSync
            | Verdict::Covered(_)
            | Verdict::Undecided(_)
            | Verdict::Resume { .. }
            | Verdict::Blocked(_) => return None,
        };
        Some(members::members(group, turn, self.observed, self.desired, &self.going_off))
    }

    /// How many members are off, or may be: not all members are read when no date is asked for.
    fn members_off(&self, group: &Group) -> Vec<UserId> {
        let on =
            |id: &UserId| self.observed.users.get(id).is_some_and(|user| user.is_on(&self.observed.catalog));
        group.members.ids().iter().copied().filter(|id| !on(id)).collect()
    }

    fn judge_users(&mut self) {
        for (id, want) in &self.desired.users {
            if self.is_unfinished(SubjectId::User(*id)) {
                continue;
            }
            let Some(user) = self.observed.users.get(id) else {
                let reason = self.observed.unread_users.get(id).cloned();
                let reason = reason.unwrap_or_else(|| "it could not be read".into());
                self.unknown(SubjectId::User(*id), &id.to_string(), reason, want);
                continue;
            };
            let context = Context {
                observed: self.observed,
                running: self.running,
                desired: self.desired,
                groups: &self.groups,
            };
            let verdict = users::judge(user, want, &context);
            if matches!(verdict, Verdict::Enable(_)) {
                self.turned_on.insert(*id);
            }
            self.plan.findings.extend(findings::of_user(user, want, &self.observed.catalog));
            let subject = Subject { id: SubjectId::User(*id), name: user.upn.clone() };
            let direct = user.assignments.iter().filter(|one| one.is_direct());
            let lists = direct.map(|one| (one.sku, &one.disabled)).collect();
            let expect = expect_user(user, &self.observed.catalog);
            let person = Person { id: user.id, name: user.upn.clone() };
            let people = vec![person];
            self.settle(Found { subject, want, lists, expect, people, off: 1, members: None }, verdict);
        }
    }

    /// Turns a verdict into a line of the plan.
    fn settle(&mut self, found: Found<'_>, verdict: Verdict) {
        let rule = &self.desired.toggle;
        let in_sync = |subject, covered_by| InSync { subject, covered_by };
        match verdict {
            Verdict::InSync => self.plan.in_sync.push(in_sync(found.subject, Vec::new())),
            Verdict::Covered(groups) => {
                self.note_together(&found, &groups);
                self.plan.in_sync.push(in_sync(found.subject, groups));
            }
            Verdict::Undecided(why) => {
                self.plan.findings.push(findings::undecided(&found.subject, found.want, why));
                self.plan.in_sync.push(in_sync(found.subject, Vec::new()));
            }
            Verdict::Blocked(why) => {
                let is_off = matches!(
                    why,
                    WhyNot::OffByGroups(_) | WhyNot::NoUsageLocation { .. } | WhyNot::InError { .. }
                );
                self.tell_of_others(&found, is_off);
                let (subject, place) = (Named::from(&found.subject), found.want.place.clone());
                self.plan.blocked.push(Blocked { subject, why, place });
            }
            Verdict::Enable(licenses) => {
                self.tell_of_others(&found, true);
                let cause = cause::cause(self.case(&found, Action::Enable), self.running);
                self.plan.changes.push(found.enable(&licenses, cause));
            }
            Verdict::Toggle(licenses) => {
                let cause = cause::cause(self.case(&found, Action::Toggle), self.running);
                self.plan.changes.push(found.toggle(&licenses, rule, cause));
            }
            Verdict::Resume { licenses, off_since } => {
                self.tell_of_others(&found, true);
                self.plan.changes.push(found.resume(&licenses, off_since, rule, self.now));
            }
        }
    }

    /// On, due, and covered by several groups: none of them alone turns the user off.
    fn note_together(&mut self, found: &Found<'_>, groups: &[GroupId]) {
        let user = found.subject.id.user().and_then(|id| self.observed.users.get(&id));
        if let Some(user) = user.filter(|user| groups.len() > 1 && user.is_on(&self.observed.catalog)) {
            let alike = (groups.to_vec(), found.want.place.clone());
            self.together.entry(alike).or_default().push(user.id);
        }
    }

    /// Whoever is covered by several groups, once for those of one entry that are covered by the same.
    fn tell_together(&mut self) {
        for ((groups, place), users) in std::mem::take(&mut self.together) {
            let unknown: BTreeSet<_> = self.plan.unknown.iter().filter_map(|one| one.subject.id).collect();
            let stays = |id: &&GroupId| !self.going_off.contains(id) && !unknown.contains(&id.0);
            let left_on: Vec<GroupId> = groups.iter().filter(stays).copied().collect();
            let toggles = self.plan.with(Action::Toggle);
            let toggles = toggles.filter(|one| one.subject.id.group().is_some_and(|id| groups.contains(&id)));
            let people = toggles.map(|one| one.people.len() as u64).sum();
            let overlap = Overlap { people, max_off: self.plan.max_off };
            let finding = findings::only_together(&groups, &users, &place, &left_on, overlap, self.observed);
            self.plan.findings.push(finding);
        }
    }

    /// Somebody else turned off what was on as declared: whatever is done about it, somebody has to know.
    fn tell_of_others(&mut self, found: &Found<'_>, is_off: bool) {
        let case = self.case(found, Action::Enable);
        if let Some(since) = cause::was_on_since(case, self.running).filter(|_| is_off) {
            let finding = findings::turned_off_by_others(&found.subject, found.want, since, case.changed);
            self.plan.findings.push(finding);
        }
    }

    fn case<'f>(&self, found: &'f Found<'_>, action: Action) -> Case<'f>
    where
        'a: 'f,
    {
        let id = found.subject.id;
        let user = id.user().and_then(|id| self.observed.users.get(&id));
        let changed = user.and_then(|user| User::newest_update(user.relevant(&self.observed.catalog)));
        Case {
            subject: &found.subject,
            action,
            changed,
            manifest: &self.desired.manifest_sha256,
            is_named: found.want.is_named,
        }
    }

    fn unknown(&mut self, id: SubjectId, name: &str, reason: String, want: &Want) {
        let subject = Named { kind: id.kind(), id: Some(id.guid()), name: name.to_owned() };
        self.plan.unknown.push(Unknown { subject, reason, place: want.place.clone() });
    }

    fn is_unfinished(&self, id: SubjectId) -> bool {
        self.running.in_flight.get(&id).is_some_and(|own| self.is_to_finish(own))
    }

    /// Also of whoever was deleted in mid-toggle and has been read now: restored, and off because of us.
    fn is_to_finish(&self, own: &InFlight) -> bool {
        own.counts_as_off()
            || match own.subject.id {
                SubjectId::User(id) => self.observed.users.contains_key(&id),
                SubjectId::Group(id) => self.observed.groups.contains_key(&id),
            }
    }

    /// Sorts, and holds the whole against the limits.
    fn finish(mut self) -> Plan {
        let people = declared_people(self.desired, self.observed);
        self.plan.max_off = limits::max_off(&self.desired.toggle, people);
        self.tell_together();
        let mut plan = self.plan;
        plan.changes.sort_by(|left, right| {
            (left.action, &left.subject.name, left.subject.id).cmp(&(
                right.action,
                &right.subject.name,
                right.subject.id,
            ))
        });
        rollout::sort(&mut plan.changes, &plan.rollout);
        plan.in_sync.sort_by(|left, right| left.subject.name.cmp(&right.subject.name));
        plan.blocked.sort_by(|left, right| left.subject.cmp(&right.subject));
        plan.unknown.sort_by(|left, right| left.subject.cmp(&right.subject));
        let turned_on = self.turned_on.len() as u64;
        let started = Started { people, turned_on, changes: &plan.changes };
        plan.limits = limits::check(&self.desired.limits, &self.desired.allowed, started);
        plan.findings.extend(findings::of_plan(&plan));
        plan.findings.sort();
        let groups = &self.observed.groups;
        let members = |id| groups.get(&id).map(|group: &Group| group.members.ids().len() as u64);
        let past = Past::of(&plan.changes, self.running, self.running.rolled.open_since());
        plan.canary = rollout::canary(&plan.changes, &plan.rollout, past).into_iter().cloned().collect();
        plan.starts_at = rollout::starts_at(&plan.changes, &plan.rollout, self.now);
        let terms = Terms { max_off: plan.max_off, rollout: &plan.rollout, past, from: self.now };
        plan.estimate = estimate::estimate(&plan.changes, terms, &members);
        plan
    }
}

/// Everyone who is declared: users, and the members of declared groups as far as they were read.
/// An unread group makes shares smaller, never larger.
fn declared_people(desired: &Desired, observed: &Observed) -> u64 {
    let members = desired.groups.keys().filter_map(|id| observed.groups.get(id));
    let members = members.flat_map(|group| group.members.ids().iter().copied());
    let people: BTreeSet<UserId> = desired.users.keys().copied().chain(members).collect();
    let twice = people.iter().filter(|id| desired.passed_by.binary_search(id).is_ok()).count();
    (people.len() + desired.passed_by.len() - twice) as u64
}

/// Why nobody in the tenant can have the service plan through that license now, if so.
fn tenant_level(sku: SkuId, catalog: &Catalog) -> Option<WhyNot> {
    let license = catalog.get(sku)?;
    let name = license.part_number.clone();
    if !license.status.is_usable() {
        return Some(WhyNot::LicenseNotUsable { license: name, status: license.status.as_str().into() });
    }
    let plan = license.plans.get(&SERVICE_PLAN).filter(|plan| !plan.is_provisioned())?;
    Some(WhyNot::NotProvisioned { license: name, status: plan.provisioning.clone() })
}
