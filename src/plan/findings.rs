//! What a plan tells beside its changes: dates that do not decide, members whom a toggle does not
//! turn off, errors beside a working assignment, groups that go alone, limits.

use std::collections::{BTreeMap, BTreeSet};

use super::change::Action;
use super::dates::Renewal;
use super::groups::Roll;
use super::limits::LimitCheck;
use super::members::own_error;
use super::planned::Plan;
use super::resolve::Want;
use super::skew::Skew;
use super::sources::{LOOK, through};
use super::users::Verdict;
use super::ways::join;
use super::why::GroupRef;
use crate::diag::{Code, Finding, Place};
use crate::model::{
    AssignmentError, Catalog, GroupId, License, SERVICE_PLAN_NAME, Subject, SubjectKind, Timestamp, UserId,
};
use crate::observe::effect::Member;
use crate::observe::observed::{Group, Observed, User};

/// How many names a finding spells out.
const NAMES: usize = 5;
/// How many sources that keep members on.
const SOURCES: usize = 3;

/// What helps where Graph gives no date at all.
pub(super) const NO_DATE_DECIDES: &str =
    "no date decides where Graph gives none: if it has to be toggled, do it by hand in the admin center";

/// On, asked to be toggled, and nobody can tell whether it is due.
pub(super) fn undecided(subject: &Subject, want: &Want, why: Renewal) -> Finding {
    let asked = want.asked.map_or_else(String::new, |date| date.to_string());
    let whose = match subject.id.kind() {
        SubjectKind::User => "its assignment",
        SubjectKind::Group => "the assignment of a member",
    };
    let message = match why {
        Renewal::ChangedSince(changed) => format!(
            "{subject} is not toggled: {whose} changed at {changed}, after {asked}, and whether that turned the service plan on cannot be told"
        ),
        Renewal::NoDate | Renewal::Renewed | Renewal::Due => {
            format!("{subject} is not toggled: Graph gives no date on which the service plan was turned on")
        }
    };
    let help = match why {
        Renewal::NoDate => NO_DATE_DECIDES,
        Renewal::ChangedSince(_) | Renewal::Renewed | Renewal::Due => {
            "a later `toggleIfEnabledBefore` asks again"
        }
    };
    Finding::new(Code::Undecided, message).at(&want.place).help(help)
}

/// Off, and it was on as declared before: somebody else turned it off.
pub(super) fn turned_off_by_others(
    subject: &Subject,
    want: &Want,
    was_on: Timestamp,
    changed: Option<Timestamp>,
) -> Finding {
    let when = changed.filter(|changed| *changed > was_on);
    let when =
        when.map_or_else(String::new, |changed| format!("; its assignments last changed at {changed}"));
    let was_on = was_on.strftime("%Y-%m-%d %H:%M:%S UTC");
    let message = format!("{subject} was turned off by somebody else: it was on at {was_on}{when}");
    let help = "turning this service plan off is a known attacker's move (MITRE ATT&CK T1562.008): the tenant's \
                audit log has who changed the license";
    Finding::new(Code::TurnedOffByOthers, message).at(&want.place).help(help)
}

/// Members whom the group's toggle does not turn off, or who are in error.
pub(super) fn of_members(
    group: &Group,
    roll: &Roll,
    verdict: &Verdict,
    want: &Want,
    observed: &Observed,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    if roll.count(Member::Counts) == 0 && matches!(verdict, Verdict::InSync) && group.is_on(&observed.catalog)
    {
        let message = format!(
            "no member of {} counts for the date: none has the service plan from this group alone and without error",
            group.name
        );
        findings.push(Finding::new(Code::NobodyCounts, message).at(&want.place));
    }
    let on_anyway = roll.kinds.get(&Member::OnAnyway).map_or(&[][..], Vec::as_slice);
    if !on_anyway.is_empty() {
        let message = format!(
            "{}: {} on through {}, so a toggle of this group does not reach them: {}",
            group.name,
            people(on_anyway.len()),
            others(group, on_anyway, observed),
            names(on_anyway, observed)
        );
        findings.push(Finding::new(Code::MemberDoesNotCount, message).at(&want.place));
    }
    for (error, ids) in in_error(group, roll, observed) {
        let what = match &error {
            Some(error) => format!("in error ({error}: {})", error.meaning()),
            None => "in error".to_owned(),
        };
        let message = format!(
            "{}: {} whose assignment from this group is {what}: {}",
            group.name,
            people(ids.len()),
            names(&ids, observed)
        );
        let remedy = error.as_ref().map_or(LOOK, AssignmentError::remedy);
        findings.push(Finding::new(Code::MemberDoesNotCount, message).at(&want.place).help(remedy));
    }
    findings
}

/// What keeps these members on beside that group: `its own SPE_E5 or SPE_E5 of group "E5 Sales"`.
fn others(group: &Group, ids: &[UserId], observed: &Observed) -> String {
    let users = ids.iter().filter_map(|id| observed.users.get(id));
    let sources = users.flat_map(|user| user.sources(&observed.catalog));
    let others = sources.filter(|one| one.by.group() != Some(group.id));
    let all: BTreeSet<String> = others.map(|one| through(one, observed).to_string()).collect();
    let more = all.len().saturating_sub(SOURCES);
    let mut shown: Vec<String> = all.into_iter().take(SOURCES).collect();
    if more > 0 {
        shown.push(format!("{more} other sources"));
    }
    join(shown.into_iter(), "or")
}

/// The members in error, by what is wrong.
fn in_error(
    group: &Group,
    roll: &Roll,
    observed: &Observed,
) -> BTreeMap<Option<AssignmentError>, Vec<UserId>> {
    let mut sorted: BTreeMap<_, Vec<UserId>> = BTreeMap::new();
    let ids = roll.kinds.get(&Member::InError).map_or(&[][..], Vec::as_slice);
    for user in ids.iter().filter_map(|id| observed.users.get(id)) {
        let error = own_error(user, group.id, observed).flatten();
        sorted.entry(error).or_default().push(user.id);
    }
    sorted
}

/// Whether groups can be off at the same time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Overlap {
    /// How many people go off with all of them together.
    pub people: u64,
    /// How many may.
    pub max_off: u64,
}

/// Users who are on through several declared groups, and due: what each of those groups does alone changes
/// nothing for them.
pub(super) fn only_together(
    groups: &[GroupId],
    users: &[UserId],
    place: &Place,
    left_on: &[GroupId],
    overlap: Overlap,
    observed: &Observed,
) -> Finding {
    let called = |id: &GroupId| GroupRef { id: *id, name: observed.group_name(*id) }.short();
    let all = join(groups.iter().map(called), "and");
    let who = names(users, observed);
    let verb = if users.len() == 1 { "goes" } else { "go" };
    let Overlap { people: off, max_off } = overlap;
    let (message, help) = if left_on.is_empty() && off > max_off {
        (
            format!(
                "{who} {verb} off only while {all} are off at the same time, and they never are: together they \
                 turn off {}, more than maxOff ({max_off}), so they go one after the other",
                people(usize::try_from(off).unwrap_or(usize::MAX))
            ),
            "raise `toggle.maxOff` to that number, and `toggle.groupWait` to some minutes, so that they overlap",
        )
    } else if left_on.is_empty() {
        (
            format!(
                "{who} {verb} off only while {all} are off at the same time, which is not assured: each comes back as soon as its own members were seen off"
            ),
            "they overlap when together they fit under maxOff and take about as long; a longer `toggle.groupWait` makes that likely. The next plan says `undecided` of whoever did not go off",
        )
    } else {
        let left_on = join(left_on.iter().map(called), "and");
        (
            format!(
                "{who} {verb} off only while {all} are off at the same time, and this plan does not toggle {left_on}"
            ),
            "see what the plan says of that group; a group is toggled for members who have the service plan from it alone",
        )
    };
    Finding::new(Code::OverlappingGroups, message).at(place).help(help)
}

/// An assignment in error beside one that gives the service plan.
pub(super) fn of_user(user: &User, want: &Want, catalog: &Catalog) -> Vec<Finding> {
    if !user.is_on(catalog) {
        return Vec::new();
    }
    let broken = user.relevant(catalog).filter_map(|one| Some((one, one.error.as_ref()?)));
    broken
        .map(|(one, error)| {
            let message = format!(
                "{} is on, but its {} is in error: {error}, {}",
                user.upn,
                catalog.name(one.sku),
                error.meaning()
            );
            Finding::new(Code::AssignmentInError, message).at(&want.place).help(error.remedy())
        })
        .collect()
}

/// What only the whole plan shows.
pub(super) fn of_plan(plan: &Plan) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !plan.catalog.licenses().any(License::has_service_plan) {
        let message = format!("the tenant owns no license with {SERVICE_PLAN_NAME}");
        let help = "buy an E5-class license; until then nobody can have the service plan";
        findings.push(Finding::new(Code::NoLicenseInTenant, message).help(help));
    }
    findings.extend(plan.skew.and_then(Skew::finding));
    for change in plan.with(Action::Toggle) {
        let going = change.people.len() as u64;
        if change.subject.id.kind() == SubjectKind::Group && going > plan.max_off {
            let message = format!(
                "group {} turns off {} at once, more than maxOff ({}): it goes alone, with nobody else off meanwhile",
                change.subject,
                people(change.people.len()),
                plan.max_off
            );
            findings.push(Finding::new(Code::GroupAlone, message));
        }
    }
    findings.extend(plan.limits.iter().filter(|limit| limit.exceeded()).map(over_its_limit));
    findings
}

/// Names the limit, the numbers, and the flag that allows it once.
fn over_its_limit(check: &LimitCheck) -> Finding {
    let LimitCheck { limit, most, written, actual, .. } = check;
    let name = limit.as_str();
    let share = if written.ends_with('%') { format!(" ({written})") } else { String::new() };
    let message = format!(
        "this run would {name} {}, and limits.{name} allows {most}{share}",
        people(usize::try_from(*actual).unwrap_or(usize::MAX))
    );
    let help = format!(
        "nothing new is started; to allow it this once: --allow {name}={actual} --reason \"why\"; for good: \
         `limits: {{{name}: {actual}}}`"
    );
    Finding::new(Code::LimitExceeded, message).help(help)
}

fn people(count: usize) -> String {
    if count == 1 { "1 person".into() } else { format!("{count} people") }
}

fn names(ids: &[UserId], observed: &Observed) -> String {
    let name = |id: &UserId| observed.users.get(id).map_or_else(|| id.to_string(), |user| user.upn.clone());
    let mut text = ids.iter().take(NAMES).map(name).collect::<Vec<_>>().join(", ");
    if ids.len() > NAMES {
        text.push_str(&format!(" and {} more", ids.len() - NAMES));
    }
    text
}
