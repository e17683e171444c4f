//! What the plan says of a declared user: the table of DESIGN 5, first row that matches.

use std::collections::BTreeMap;

use super::dates::{Renewal, renewal};
use super::resolve::{Desired, Want};
use super::running::{InFlight, Running};
use super::sources::through;
use super::ways::{Already, Giving, Held, Hidden, Standing};
use super::why::{GroupRef, WhyNot};
use crate::model::{
    AssignedBy, Assignment, AssignmentState, GroupId, SERVICE_PLAN, SkuId, SubjectId, Timestamp,
};
use crate::observe::observed::{Observed, User};

/// What is decided for one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// As it must be.
    InSync,
    /// As it must be once the declared groups are.
    Covered(Vec<GroupId>),
    /// On, and whether a toggle is due cannot be decided.
    Undecided(Renewal),
    /// Off to on, for these licenses of its own.
    Enable(Vec<SkuId>),
    /// Off and on again, for these licenses of its own.
    Toggle(Vec<SkuId>),
    /// Off without a record of ours, though a toggle is asked for: on again, due then.
    Resume {
        /// The licenses of its own that are off.
        licenses: Vec<SkuId>,
        /// When it seems to have gone off; unknown without a date.
        off_since: Option<Timestamp>,
    },
    /// Something else must happen first.
    Blocked(WhyNot),
}

/// What the users' table needs to know of the groups.
#[derive(Clone, Copy, Debug)]
pub(super) struct DeclaredGroup {
    /// This plan turns it on.
    pub turns_on: bool,
    /// The date it is declared with.
    pub asked: Option<Timestamp>,
}

/// Everything a verdict rests on.
pub(super) struct Context<'a> {
    pub observed: &'a Observed,
    pub running: &'a Running,
    pub desired: &'a Desired,
    pub groups: &'a BTreeMap<GroupId, DeclaredGroup>,
}

impl Context<'_> {
    /// Whether what a group gives is on soon, whatever the user shows: this plan turns the group on, or
    /// the group is on already and Graph has not brought that to the user yet.
    fn comes_on(&self, id: GroupId) -> bool {
        let turns_on = self.groups.get(&id).is_some_and(|group| group.turns_on);
        turns_on || self.observed.groups.get(&id).is_some_and(|group| group.is_on(&self.observed.catalog))
    }
}

/// Judges one user who exists, was read, and is not in an unfinished toggle of ours.
pub(super) fn judge(user: &User, want: &Want, context: &Context<'_>) -> Verdict {
    let sources = user.sources(&context.observed.catalog);
    if sources.is_empty() {
        return off(user, want, context);
    }
    let Some(asked) = want.asked else { return Verdict::InSync };
    match renewal(asked, context.running.own(SubjectId::User(user.id)), &user.dates, &sources) {
        Renewal::Renewed => Verdict::InSync,
        Renewal::Due => toggle_due(user, asked, &sources, context),
        undecided @ (Renewal::ChangedSince(_) | Renewal::NoDate) => Verdict::Undecided(undecided),
    }
}

/// The rows of a user who is off.
fn off(user: &User, want: &Want, context: &Context<'_>) -> Verdict {
    let catalog = &context.observed.catalog;
    let held: Vec<&Assignment> = user.relevant(catalog).collect();
    let to_enable: Vec<&Assignment> = held.iter().copied().filter(|one| can_enable(one, context)).collect();
    if want.asked.is_some() && !to_enable.is_empty() && user.usage_location.is_some() {
        return resume(&held, &to_enable);
    }
    if held.is_empty() {
        let (own, is_selected) = (Vec::new(), !want.is_named);
        return Verdict::Blocked(WhyNot::NoLicense { narrowed_to: None, own, is_selected });
    }
    if let Some(why) = tenant_level(&held, context) {
        return Verdict::Blocked(why);
    }
    let (groups, rest): (Vec<_>, Vec<_>) = held
        .iter()
        .filter(|one| provisioned(one, context))
        .partition(|one| one.state == AssignmentState::Active && !one.is_direct() && !one.leaves_on());
    if to_enable.is_empty() {
        return not_by_itself(&groups, &rest, context);
    }
    if user.usage_location.is_none() {
        let hidden = hidden(&group_ids(groups.iter().map(|one| one.by)), context);
        return Verdict::Blocked(WhyNot::NoUsageLocation { hidden });
    }
    match &want.license {
        None => Verdict::Enable(licenses(&to_enable)),
        Some((name, narrowed)) => {
            let (kept, others): (Vec<_>, Vec<_>) =
                to_enable.into_iter().partition(|one| narrowed.contains(&one.sku));
            if kept.is_empty() {
                let (narrowed_to, is_selected) = (Some(name.clone()), !want.is_named);
                let own = names(&others, context);
                return Verdict::Blocked(WhyNot::NoLicense { narrowed_to, own, is_selected });
            }
            Verdict::Enable(licenses(&kept))
        }
    }
}

/// A direct assignment in force that turns the service plan off, of a license where it can be on.
fn can_enable(one: &Assignment, context: &Context<'_>) -> bool {
    one.is_direct()
        && !one.leaves_on()
        && one.state == AssignmentState::Active
        && one.error.is_none()
        && provisioned(one, context)
}

/// Whether the tenant may use the license, and has the service plan ready in it.
fn provisioned(one: &Assignment, context: &Context<'_>) -> bool {
    context.observed.catalog.get(one.sku).is_some_and(|license| {
        license.status.is_usable()
            && license.plans.get(&SERVICE_PLAN).is_some_and(|plan| plan.is_provisioned())
    })
}

/// The reason at the level of the tenant, when every license that is held has one.
fn tenant_level(held: &[&Assignment], context: &Context<'_>) -> Option<WhyNot> {
    if held.iter().any(|one| provisioned(one, context)) {
        return None;
    }
    held.iter().find_map(|one| super::tenant_level(one.sku, &context.observed.catalog))
}

/// Off with a date and no record of ours: whoever turned it off, it ends on (DESIGN 9).
fn resume(held: &[&Assignment], to_enable: &[&Assignment]) -> Verdict {
    Verdict::Resume {
        licenses: licenses(to_enable),
        off_since: held.iter().filter_map(|one| one.updated).max(),
    }
}

/// Off, and no change of the user itself helps: `disabling` groups turn it off, `rest` is in error.
fn not_by_itself(disabling: &[&&Assignment], rest: &[&&Assignment], context: &Context<'_>) -> Verdict {
    let ids = group_ids(disabling.iter().map(|one| one.by));
    let covers = |id: &GroupId| context.groups.contains_key(id) && context.comes_on(*id);
    let covering: Vec<GroupId> = ids.iter().copied().filter(covers).collect();
    if !covering.is_empty() {
        return Verdict::Covered(covering);
    }
    let hidden = hidden(&ids, context);
    let Some(broken) = rest.iter().find(|one| one.error.is_some()).or(rest.first()) else {
        return Verdict::Blocked(WhyNot::OffByGroups(hidden));
    };
    let from = through(broken, context.observed);
    Verdict::Blocked(WhyNot::InError {
        license: from.license,
        group: from.group,
        state: broken.state.as_str().to_owned(),
        error: broken.error.clone(),
        hidden,
    })
}

/// What is known already of groups that turn a user off.
fn hidden(ids: &[GroupId], context: &Context<'_>) -> Vec<Hidden> {
    let already = |id: &GroupId| {
        let unfinished = context.running.in_flight.get(&SubjectId::Group(*id));
        if unfinished.is_some_and(InFlight::counts_as_off) {
            Already::InFlight
        } else if context.comes_on(*id) {
            Already::On
        } else if context.groups.contains_key(id) {
            Already::Declared
        } else {
            Already::Nothing
        }
    };
    ids.iter().map(|id| Hidden { group: named(*id, context), already: already(id) }).collect()
}

/// The rows of a user who is on and has not been turned on since the date.
fn toggle_due(user: &User, asked: Timestamp, sources: &[&Assignment], context: &Context<'_>) -> Verdict {
    if context.desired.protected.covers(user.id, &user.upn) {
        return Verdict::Blocked(WhyNot::Protected);
    }
    let groups = group_ids(sources.iter().map(|one| one.by));
    if groups.is_empty() {
        // A group that comes on would keep the user on in the middle of the toggle.
        let sound = |one: &&Assignment| one.state == AssignmentState::Active && one.error.is_none();
        let held = group_ids(user.relevant(&context.observed.catalog).filter(sound).map(|one| one.by));
        let coming: Vec<GroupId> = held.into_iter().filter(|id| context.comes_on(*id)).collect();
        if coming.is_empty() {
            return Verdict::Toggle(licenses(sources));
        }
        let held = kept_on(asked, sources, &coming, context);
        return Verdict::Blocked(WhyNot::OnByGroups(Held { to_come: true, ..held }));
    }
    let held = kept_on(asked, sources, &groups, context);
    if held.own.is_empty() && held.groups.iter().all(|one| one.standing == Standing::InTime) {
        return Verdict::Covered(groups);
    }
    Verdict::Blocked(WhyNot::OnByGroups(held))
}

/// What keeps a user on whom no change of its own turns off.
fn kept_on(asked: Timestamp, sources: &[&Assignment], groups: &[GroupId], context: &Context<'_>) -> Held {
    let own: Vec<&Assignment> = sources.iter().copied().filter(|one| one.is_direct()).collect();
    let error = |id: GroupId| {
        let of = sources.iter().filter(|one| one.by == AssignedBy::Group(id));
        of.filter_map(|one| one.error.clone()).next()
    };
    let giving = |id: &GroupId| Giving {
        group: named(*id, context),
        standing: standing(*id, asked, context),
        error: error(*id),
    };
    Held { asked, own: names(&own, context), groups: groups.iter().map(giving).collect(), to_come: false }
}

fn standing(id: GroupId, asked: Timestamp, context: &Context<'_>) -> Standing {
    match context.groups.get(&id) {
        None => Standing::Undeclared,
        Some(DeclaredGroup { asked: None, .. }) => Standing::NoDate,
        Some(DeclaredGroup { asked: Some(date), .. }) if *date < asked => Standing::Earlier(*date),
        Some(DeclaredGroup { asked: Some(_), .. }) => Standing::InTime,
    }
}

/// The part numbers of their licenses, each once.
fn names(assignments: &[&Assignment], context: &Context<'_>) -> Vec<String> {
    licenses(assignments).into_iter().map(|sku| context.observed.catalog.name(sku)).collect()
}

fn licenses(assignments: &[&Assignment]) -> Vec<SkuId> {
    let mut ids: Vec<SkuId> = assignments.iter().map(|one| one.sku).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn group_ids(sources: impl Iterator<Item = AssignedBy>) -> Vec<GroupId> {
    let mut ids: Vec<GroupId> = sources
        .filter_map(|by| match by {
            AssignedBy::Direct => None,
            AssignedBy::Group(id) => Some(id),
        })
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn named(id: GroupId, context: &Context<'_>) -> GroupRef {
    GroupRef { id, name: context.observed.group_name(id) }
}
