//! What a plan tells beside its changes: dates that do not decide, members whom a toggle does not
//! turn off, errors beside a working assignment, groups that go alone, limits.

use super::change::Action;
use super::dates::Renewal;
use super::groups::Roll;
use super::limits::LimitCheck;
use super::planned::Plan;
use super::resolve::Want;
use super::skew::Skew;
use super::users::Verdict;
use crate::diag::{Code, Finding};
use crate::model::{Catalog, License, SERVICE_PLAN_NAME, Subject, SubjectKind, Timestamp, UserId};
use crate::observe::effect::Member;
use crate::observe::observed::{Group, Observed, User};

/// How many names a finding spells out.
const NAMES: usize = 5;

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
    Finding::new(Code::Undecided, message).at(&want.place).help("a later `toggleIfEnabledBefore` asks again")
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
    for (kind, says) in [
        (
            Member::OnAnyway,
            "on through another source as well, so a toggle of this group does not reach them",
        ),
        (Member::InError, "with an error in the assignment from this group"),
    ] {
        let ids = roll.kinds.get(&kind).map_or(&[][..], Vec::as_slice);
        if !ids.is_empty() {
            let message = format!("{}: {} {says}: {}", group.name, people(ids.len()), names(ids, observed));
            findings.push(Finding::new(Code::MemberDoesNotCount, message).at(&want.place));
        }
    }
    findings
}

/// An assignment in error beside one that gives the service plan.
pub(super) fn of_user(user: &User, want: &Want, catalog: &Catalog) -> Vec<Finding> {
    if !user.is_on(catalog) {
        return Vec::new();
    }
    let broken = user.relevant(catalog).filter_map(|one| Some((one, one.error.as_ref()?)));
    broken
        .map(|(one, error)| {
            let message =
                format!("{} is on, but its {} is in error: {error}", user.upn, catalog.name(one.sku));
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
