//! The document of `explain`, format 1.0: one user or group, where its state comes from, and what would be
//! done about it.

use schemars::JsonSchema;
use serde::Serialize;

use super::common::{self, FindingDocument, PlaceDocument, ServicePlanDocument, SubjectName, TenantDocument};
use super::members::{GroupDocument, MembersDocument, ThroughDocument};
use super::plan::{self, ChangeDocument, LicenseDocument};
use super::status::{self, InFlightDocument};
use crate::model::{
    AssignmentError, Catalog, GroupId, License, SERVICE_PLAN, SubjectId, SubjectKind, Timestamp, UserId,
};
use crate::observe::observed::{Dates, Observed, User};
use crate::plan::explained::{Decision, Entry, How, Judged};
use crate::plan::group_trail::GroupTrail;
use crate::plan::planned::Said;
use crate::plan::running::Running;
use crate::plan::sources::{Change, Role, Source, Sources, Turn, group_has_it_on};

/// One user or group, explained.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "advaudit explain")]
pub struct ExplainDocument {
    /// `1.0`.
    pub format_version: String,
    /// When it was read.
    pub read_at: Timestamp,
    /// The tenant that answered.
    pub tenant: TenantDocument,
    /// What it is about.
    pub service_plan: ServicePlanDocument,
    /// Who.
    pub subject: SubjectName,
    /// Whether the subject is on: a user through any assignment in force, a group by a license of its own.
    pub on: bool,
    /// Through what a user is on; empty for a group.
    pub through: Vec<ThroughDocument>,
    /// The licenses with the service plan that concern the subject; all that the tenant owns where it has none.
    pub licenses: Vec<LicenseStateDocument>,
    /// Of a user; null for a group.
    pub user: Option<UserDocument>,
    /// Of a group; null for a user.
    pub group: Option<GroupTrailDocument>,
    /// Unfinished toggles of ours: of the subject, or of a group that gives the user a license.
    pub in_flight: Vec<InFlightDocument>,
    /// What each manifest says of it, in the order in which they were named.
    pub manifests: Vec<JudgedDocument>,
    /// What would be done if it were declared by name and without a date; only where no manifest declares it.
    pub if_declared: Option<DecisionDocument>,
}

/// A license of the tenant.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LicenseStateDocument {
    /// Which.
    pub license: LicenseDocument,
    /// `capabilityStatus`: whether the tenant may use it.
    pub status: String,
    /// The tenant's `provisioningStatus` of the service plan in it.
    pub provisioning: String,
    /// Whether anybody can have the service plan through it now.
    pub usable: bool,
    /// Whether the subject holds it, in whatever state.
    pub held: bool,
}

/// What is known of a user.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct UserDocument {
    /// `enabled`, `disabled` or `guest`; null where Graph does not say.
    pub account: Option<String>,
    /// Two letters; null where there is none, and then Graph refuses direct licenses.
    pub usage_location: Option<String>,
    /// Every assignment of a license with the service plan.
    pub assignments: Vec<HeldDocument>,
    /// Licenses without the service plan, by part number.
    pub other_licenses: Vec<String>,
    /// The entries of the service plan in `assignedPlans`; null where they decide nothing and were not read.
    pub dates: Option<Vec<DateDocument>>,
    /// When our journal last turned the user on; null when it never did.
    pub our_on: Option<Timestamp>,
    /// What a change of each source would do to the user.
    pub changes: Vec<EffectDocument>,
}

/// One assignment.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct HeldDocument {
    /// The license, and the group that it comes from.
    pub from: ThroughDocument,
    /// `direct`, or the id of the group, as in `expect` of a plan.
    pub by: String,
    /// Whether the assignment itself leaves the service plan on.
    pub on: bool,
    /// `gives`, `not_provisioned` (gives it, and the tenant has not provisioned it), `hides`, `in_error`,
    /// `not_in_force` or `license_not_usable`.
    pub role: String,
    /// `state` as Graph writes it.
    pub state: String,
    /// `error` as Graph writes it; null without one.
    pub error: Option<String>,
    /// What the error means.
    pub meaning: Option<String>,
    /// What to do about the error.
    pub remedy: Option<String>,
    /// `lastUpdatedDateTime`.
    pub since: Option<Timestamp>,
    /// Of one by a group: whether the group itself has it on; null where the group could not be read.
    pub group_on: Option<bool>,
    /// Of one by a group: `licenseProcessingState` of the group, where it is not finished.
    pub group_processing: Option<String>,
}

/// One entry of `assignedPlans`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DateDocument {
    /// `capabilityStatus`.
    pub status: String,
    /// `assignedDateTime`.
    pub assigned_at: Option<Timestamp>,
}

/// What one change would do.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct EffectDocument {
    /// `off` or `on`.
    pub turn: String,
    /// At which group; null for the user's own licenses, all of them together.
    pub group: Option<GroupDocument>,
    /// The licenses that it is about, by part number.
    pub licenses: Vec<String>,
    /// `turns_off`, `may_turn_off`, `stays_on`, `turns_on`, `is_on_anyway`, `on_its_way` or `nothing`.
    pub effect: String,
    /// The change, in words.
    pub change: String,
    /// What it does, in words.
    pub does: String,
}

/// What is known of a group.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct GroupTrailDocument {
    /// The licenses with the service plan that it carries.
    pub licenses: Vec<CarriedDocument>,
    /// Licenses without the service plan, by part number.
    pub other_licenses: Vec<String>,
    /// `licenseProcessingState`; null for a group that never carried a license.
    pub processing: Option<String>,
    /// What a toggle (of a group that is on) or an enable (of one that is off) would do to its members.
    pub members: MembersDocument,
    /// Who would go off by a toggle.
    pub goes_off: Vec<String>,
    /// Other groups from which members have licenses with the service plan, and how many members.
    pub overlaps: Vec<OverlapDocument>,
    /// Members whom the manifest protects.
    pub protected: Vec<String>,
}

/// A license that a group carries.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CarriedDocument {
    /// Which.
    pub license: LicenseDocument,
    /// Whether the group leaves the service plan on in it.
    pub on: bool,
}

/// Another group of some members.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct OverlapDocument {
    /// Which.
    pub group: GroupDocument,
    /// How many of the members.
    pub count: u64,
}

/// What a manifest says of the subject.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct JudgedDocument {
    /// As it was named.
    pub file: String,
    /// Every entry that concerns the subject.
    pub entries: Vec<EntryDocument>,
    /// What would be done.
    pub decision: DecisionDocument,
    /// The change, where something would be done.
    pub change: Option<ChangeDocument>,
    /// Things to tell of the subject.
    pub findings: Vec<FindingDocument>,
}

/// One entry that concerns the subject.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct EntryDocument {
    /// `named`, `selected`, `excepted` (a selector leaves it out by name), `not_enabled` (a selector leaves out
    /// guests and disabled accounts), `unread` (nobody knows whether it selects), or `through_group` (it names a
    /// group that gives the user a license).
    pub how: String,
    /// Of `through_group`: which.
    pub group: Option<GroupDocument>,
    /// Whether it is the one that counts for the subject itself.
    pub counts: bool,
    /// Where it stands.
    pub place: PlaceDocument,
    /// `toggleIfEnabledBefore`.
    pub asked: Option<Timestamp>,
    /// `reason`.
    pub reason: Option<String>,
}

/// What would be done, and why.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DecisionDocument {
    /// `enable`, `toggle`, `resume`, `in_sync`, `covered`, `undecided`, `blocked`, `unknown` or `not_declared`.
    pub decision: String,
    /// Of a blocked one: why, by its stable code.
    pub code: Option<String>,
    /// Why.
    pub why: String,
    /// What to do about it, if anything.
    pub next_step: Option<String>,
}

/// What is explained from.
#[derive(Clone, Copy)]
pub struct Looked<'a> {
    /// Who.
    pub id: SubjectId,
    /// When.
    pub now: Timestamp,
    /// The tenant, as far as it concerns the subject.
    pub observed: &'a Observed,
    /// What our journal knows.
    pub running: &'a Running,
    /// What each manifest says.
    pub manifests: &'a [Judged],
    /// What a manifest would say that names the subject and nobody else.
    pub alone: &'a Judged,
}

impl ExplainDocument {
    /// The document of one subject that was read; none of one that was not.
    pub fn new(looked: Looked<'_>) -> Option<Self> {
        let Looked { id, now, observed, running, manifests, alone } = looked;
        let judged: Vec<JudgedDocument> = manifests.iter().map(|one| self::judged(one, looked)).collect();
        let is_declared = judged.iter().any(|one| one.decision.decision != "not_declared");
        let mut document = ExplainDocument {
            format_version: "1.0".to_owned(),
            read_at: now,
            tenant: TenantDocument::from(&observed.tenant),
            service_plan: ServicePlanDocument::ours(),
            subject: SubjectName { kind: id.kind(), id: Some(id.guid()), name: String::new() },
            on: false,
            through: Vec::new(),
            licenses: Vec::new(),
            user: None,
            group: None,
            in_flight: in_flight(looked),
            if_declared: (!is_declared)
                .then(|| DecisionDocument::from(alone.decision(id, observed, running))),
            manifests: judged,
        };
        match id {
            SubjectId::User(id) => document.add_user(observed.users.get(&id)?, looked),
            SubjectId::Group(id) => document.add_group(id, looked)?,
        }
        Some(document)
    }

    fn add_user(&mut self, user: &User, looked: Looked<'_>) {
        let (observed, catalog) = (looked.observed, &looked.observed.catalog);
        let sources = Sources::of(user, observed);
        self.subject.name = user.upn.clone();
        self.through = sources.giving().iter().map(ThroughDocument::from).collect();
        self.on = !self.through.is_empty();
        let held: Vec<_> = user.relevant(catalog).map(|one| one.sku).collect();
        self.licenses = licenses(catalog, |license| held.contains(&license.id));
        let others = user.assignments.iter().filter(|one| !catalog.has_service_plan(one.sku));
        let mut other_licenses: Vec<String> = others.map(|one| catalog.name(one.sku)).collect();
        other_licenses.sort();
        other_licenses.dedup();
        self.user = Some(UserDocument {
            account: observed.accounts.get(&user.id).map(|account| account.as_str().to_owned()),
            usage_location: user.usage_location.clone(),
            assignments: sources.all.iter().map(|one| assignment(one, observed)).collect(),
            other_licenses,
            dates: dates(&user.dates),
            our_on: looked.running.last_on.get(&looked.id).copied(),
            changes: sources.changes(observed).iter().map(EffectDocument::from).collect(),
        });
    }

    fn add_group(&mut self, id: GroupId, looked: Looked<'_>) -> Option<()> {
        let catalog = &looked.observed.catalog;
        let group = looked.observed.groups.get(&id)?;
        let judged = looked.manifests.first().unwrap_or(looked.alone);
        let trail = GroupTrail::of(group, looked.observed, judged);
        self.subject.name = group.name.clone();
        self.on = group.is_on(catalog);
        let carried = |own: &License| group.licenses.iter().any(|one| one.sku == own.id);
        self.licenses = licenses(catalog, carried);
        let others = group.licenses.iter().filter(|one| !catalog.has_service_plan(one.sku));
        self.group = Some(GroupTrailDocument {
            licenses: group
                .relevant(catalog)
                .map(|one| CarriedDocument {
                    license: LicenseDocument { id: one.sku, part_number: catalog.name(one.sku) },
                    on: one.leaves_on(),
                })
                .collect(),
            other_licenses: others.map(|one| catalog.name(one.sku)).collect(),
            processing: group.processing.word().map(str::to_owned),
            // Without a manifest nobody is declared, and that is not to be said.
            members: MembersDocument {
                undeclared: if looked.manifests.is_empty() { 0 } else { trail.members.undeclared },
                ..MembersDocument::from(&trail.members)
            },
            goes_off: trail.goes_off,
            overlaps: trail
                .overlaps
                .iter()
                .map(|(group, count)| OverlapDocument { group: GroupDocument::from(group), count: *count })
                .collect(),
            protected: trail.protected,
        });
        Some(())
    }
}

/// The licenses with the service plan that are held; all of them where none is.
fn licenses(catalog: &Catalog, is_held: impl Fn(&License) -> bool) -> Vec<LicenseStateDocument> {
    let all: Vec<LicenseStateDocument> = catalog
        .licenses()
        .filter_map(|license| {
            let plan = license.plans.get(&SERVICE_PLAN)?;
            Some(LicenseStateDocument {
                license: LicenseDocument { id: license.id, part_number: license.part_number.clone() },
                status: license.status.as_str().to_owned(),
                provisioning: plan.provisioning.clone(),
                usable: license.status.is_usable() && plan.is_provisioned(),
                held: is_held(license),
            })
        })
        .collect();
    match all.iter().any(|one| one.held) {
        true => all.into_iter().filter(|one| one.held).collect(),
        false => all,
    }
}

fn assignment(source: &Source<'_>, observed: &Observed) -> HeldDocument {
    let own = source.assignment;
    let group = own.by.group().and_then(|id| observed.groups.get(&id));
    HeldDocument {
        from: ThroughDocument::from(&source.through),
        by: own.by.group().map_or_else(|| "direct".to_owned(), |id| id.to_string()),
        on: own.leaves_on(),
        role: source.role.as_str().to_owned(),
        state: own.state.as_str().to_owned(),
        error: own.error.as_ref().map(|error| error.as_str().to_owned()),
        meaning: own.error.as_ref().map(|error| error.meaning().to_owned()),
        remedy: own.error.as_ref().map(|error: &AssignmentError| error.remedy().to_owned()),
        since: own.updated,
        group_on: group_has_it_on(own, observed),
        group_processing: group
            .filter(|group| !group.processing.is_finished())
            .and_then(|group| group.processing.word().map(str::to_owned)),
    }
}

fn dates(dates: &Dates) -> Option<Vec<DateDocument>> {
    match dates {
        Dates::NotRead => None,
        Dates::Read(entries) => Some(
            entries
                .iter()
                .map(|one| DateDocument { status: one.status.clone(), assigned_at: one.assigned })
                .collect(),
        ),
    }
}

/// Of the subject itself, and of groups that a user has licenses from.
fn in_flight(looked: Looked<'_>) -> Vec<InFlightDocument> {
    let mut ids = vec![looked.id];
    let user = looked.id.user().and_then(|id: UserId| looked.observed.users.get(&id));
    if let Some(user) = user {
        let groups = user.relevant(&looked.observed.catalog).filter_map(|one| one.by.group());
        ids.extend(groups.map(SubjectId::Group));
    }
    ids.sort_unstable();
    ids.dedup();
    ids.iter()
        .filter_map(|id| looked.running.in_flight.get(id))
        .map(|own| status::in_flight(own, looked.now))
        .collect()
}

fn judged(own: &Judged, looked: Looked<'_>) -> JudgedDocument {
    let Looked { id, observed, running, .. } = looked;
    let change = match own.plan.says_of(id) {
        Said::Change(change) => Some(plan::change(change, &own.plan.catalog)),
        Said::InSync(_) | Said::Blocked(_) | Said::Unknown(_) | Said::Nothing => None,
    };
    let findings: Vec<_> = own.findings(id).into_iter().cloned().collect();
    JudgedDocument {
        file: own.declared.source.name.clone(),
        entries: own.entries(id, observed).iter().map(|one| entry(one, observed)).collect(),
        decision: DecisionDocument::from(own.decision(id, observed, running)),
        change,
        findings: common::findings(&findings),
    }
}

fn entry(own: &Entry<'_>, observed: &Observed) -> EntryDocument {
    let group = match own.how {
        How::ThroughGroup(id) => Some(GroupDocument { id, name: observed.group_name(id) }),
        How::Named | How::Selected | How::Excepted | How::NotEnabled | How::Unread => None,
    };
    EntryDocument {
        how: own.how.as_str().to_owned(),
        group,
        counts: own.counts,
        place: PlaceDocument::from(&own.wish.place),
        asked: own.wish.toggle_if_enabled_before,
        reason: own.wish.reason.clone(),
    }
}

impl From<Decision> for DecisionDocument {
    fn from(own: Decision) -> Self {
        DecisionDocument {
            decision: own.word.to_owned(),
            code: own.code.map(str::to_owned),
            why: own.why,
            next_step: own.next_step,
        }
    }
}

impl From<&Change> for EffectDocument {
    fn from(own: &Change) -> Self {
        EffectDocument {
            turn: match own.turn {
                Turn::Off => "off".to_owned(),
                Turn::On => "on".to_owned(),
            },
            group: own.group.as_ref().map(GroupDocument::from),
            licenses: own.licenses.clone(),
            effect: own.effect.as_str().to_owned(),
            change: own.in_words(),
            does: own.effect.to_string(),
        }
    }
}

impl HeldDocument {
    /// Whether the user is on because of it.
    pub fn gives(&self) -> bool {
        [Role::Gives.as_str(), "not_provisioned"].contains(&self.role.as_str())
    }
}

impl ExplainDocument {
    /// Whether it is about a user.
    pub fn is_user(&self) -> bool {
        self.subject.kind == SubjectKind::User
    }
}
