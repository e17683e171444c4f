//! One user or group as a person reads it: who, the tenant's licenses, each assignment, what follows, the
//! dates, the line of the manifest, what would be done, what a change of each source would do.

use super::finding::{self, harmless};
use super::plan::{View, line, of_members};
use crate::model::{SERVICE_PLAN_NAME, SubjectKind, Timestamp};
use crate::report::folded;
use crate::report::json::v1::common::{FindingDocument, PlaceDocument};
use crate::report::json::v1::explain::{
    DecisionDocument, EntryDocument, ExplainDocument, GroupTrailDocument, HeldDocument, JudgedDocument,
    LicenseStateDocument, UserDocument,
};
use crate::report::json::v1::members::ThroughDocument;
use crate::report::json::v1::status::InFlightDocument;
use crate::report::member_lines::{self, through};
use crate::report::style::Kind;
use crate::report::words::{count, time, wrap};

/// How many other groups are named without `-v`.
const OVERLAPS: usize = 5;

/// Findings that the trail itself tells.
const TOLD: [&str; 4] = ["undecided", "nobody-counts", "member-does-not-count", "assignment-in-error"];

/// Draws what is known of one subject.
pub fn render(own: &ExplainDocument, view: View) -> String {
    let mut text = who(own, view);
    text.push_str(&licenses(own, view));
    if let Some(user) = &own.user {
        text.push_str(&assignments(user, view));
    }
    if let Some(group) = &own.group {
        text.push_str(&of_group(group, view));
    }
    text.push_str(&state(own, view));
    if let Some(user) = &own.user {
        text.push_str(&dates(own, user, view));
    }
    text.push_str(&own.in_flight.iter().map(|one| in_flight(one, view)).collect::<String>());
    for judged in &own.manifests {
        text.push_str(&manifest(judged, view));
    }
    if let Some(decision) = &own.if_declared {
        text.push_str(&undeclared(own, decision, view));
    }
    text.push_str(&changes(own, view));
    text
}

/// `User adele@contoso.com (8a9b…): on`, and when and where that was read.
fn who(own: &ExplainDocument, view: View) -> String {
    let name = view.style.paint(Kind::Strong, harmless(&own.subject.name));
    let id = own.subject.id.map_or_else(String::new, |id| format!(" ({id})"));
    let kind = match own.subject.kind {
        SubjectKind::User => "User",
        SubjectKind::Group => "Group",
    };
    let tenant = harmless(&own.tenant.domain);
    let account = match own.user.as_ref().and_then(|user| user.account.as_deref()) {
        Some("guest") => "A guest; licenses and toggles are those of any other user\n",
        Some("disabled") => "Cannot sign in; its licenses count, and toggles work, as of any other user\n",
        Some(_) | None => "",
    };
    let (kind_of, word) = if own.on { (Kind::On, "on") } else { (Kind::Bad, "off") };
    let state = view.style.paint(kind_of, word);
    format!("{kind} {name}{id}: {state}\nTenant {tenant}, read at {}\n{account}", time(own.read_at))
}

/// What stands over some lines.
fn heading(text: &str, view: View) -> String {
    format!("{}\n", view.style.paint(Kind::Strong, text))
}

/// The same with a blank line before it: there are few, so that the whole is one screen.
fn part(text: &str, view: View) -> String {
    format!("\n{}", heading(text, view))
}

/// A sentence, two columns in.
fn said(text: &str, view: View) -> String {
    format!("  {}\n", wrap(&harmless(text), 2, view.width))
}

fn licenses(own: &ExplainDocument, view: View) -> String {
    let held = own.licenses.iter().any(|one| one.held);
    let mut text = part(&format!("Licenses with {SERVICE_PLAN_NAME}"), view);
    let others = own.user.as_ref().map(|user| &user.other_licenses);
    let others = others.or(own.group.as_ref().map(|group| &group.other_licenses));
    if !held {
        let owned: Vec<String> = own.licenses.iter().map(in_short).collect();
        let verb = if own.is_user() { "holds" } else { "carries" };
        text.push_str(&said(
            &match owned.as_slice() {
                [] => format!("it {verb} none, and the tenant owns none"),
                some => format!("it {verb} none; the tenant owns {}", some.join(", ")),
            },
            view,
        ));
        if own.is_user() {
            text.push_str(&said(
                "a group's licenses reach its direct members only, not those of groups in it",
                view,
            ));
        }
    } else {
        text.extend(own.licenses.iter().map(|one| said(&license(one), view)));
    }
    if let Some(others) = others.filter(|others| !others.is_empty()) {
        text.push_str(&said(&format!("without it: {}", others.join(", ")), view));
    }
    text
}

/// `SPE_E5`, `DEVELOPERPACK_E5 (Suspended)`.
fn in_short(own: &LicenseStateDocument) -> String {
    let name = &own.license.part_number;
    match (own.usable, is_usable(own)) {
        (true, _) => name.clone(),
        (false, true) => format!("{name} (not provisioned: {})", own.provisioning),
        (false, false) => format!("{name} ({})", own.status),
    }
}

/// Whether the tenant may use the license, whatever is in it.
fn is_usable(own: &LicenseStateDocument) -> bool {
    ["Enabled", "Warning"].contains(&own.status.as_str())
}

/// `SPE_E5`, and what the tenant may not do with it.
fn license(own: &LicenseStateDocument) -> String {
    let name = &own.license.part_number;
    match (own.usable, is_usable(own)) {
        (true, _) if own.status == "Warning" => {
            format!("{name}: in its grace period (Warning), still usable")
        }
        (true, _) => format!("{name}: the tenant may use it ({}), provisioned", own.status),
        (false, false) => format!("{name}: the tenant may not use it ({}), so it gives nothing", own.status),
        (false, true) => format!(
            "{name}: the tenant has not provisioned the service plan ({}), so it is of no use to anybody",
            own.provisioning
        ),
    }
}

fn assignments(user: &UserDocument, view: View) -> String {
    if user.assignments.is_empty() {
        return String::new();
    }
    let mut text = heading("Assignments", view);
    for own in &user.assignments {
        let since = own.since.map_or_else(|| "no date".to_owned(), |at| format!("changed {}", time(at)));
        let (word, kind) = match (own.gives(), own.on) {
            (true, _) => ("on", Kind::On),
            (false, true) => ("on, without effect", Kind::Bad),
            (false, false) => ("off", Kind::Bad),
        };
        let head = wrap(&harmless(&format!("{}; {since}", from(&own.from))), 2, view.width);
        let what = wrap(&harmless(&format!("{word}: {}", what(own))), 6, view.width);
        let what = what.strip_prefix(word).unwrap_or(&what).to_owned();
        text.push_str(&format!("  {head}\n      {}{what}\n", view.style.paint(kind, word)));
    }
    text
}

/// `SPE_E5, direct`, `SPE_E5 by group "E5 Legal" (1e9a…)`.
fn from(own: &ThroughDocument) -> String {
    match &own.group {
        None => format!("{}, direct", own.license),
        Some(group) => format!("{} by group \"{}\" ({})", own.license, group.name, group.id),
    }
}

/// What an assignment does, and what is wrong with it.
fn what(own: &HeldDocument) -> String {
    let mut text = match own.role.as_str() {
        "gives" => "gives it".to_owned(),
        "not_provisioned" => {
            "it is on here, but of no use until the tenant has provisioned the service plan".to_owned()
        }
        "hides" => "turned off here; gives nothing, and takes nothing that another one gives".to_owned(),
        "in_error" => "in error, so it gives nothing".to_owned(),
        "not_in_force" => "not in force, so it gives nothing".to_owned(),
        _ => "of a license that the tenant may not use, so it gives nothing".to_owned(),
    };
    if own.state == "ActiveWithError" && !own.gives() {
        text.push_str("; state ActiveWithError, and assignedPlans does not show the service plan");
    } else if own.state != "Active" {
        text.push_str(&format!("; state {}", own.state));
    }
    if let (Some(error), Some(meaning), Some(remedy)) = (&own.error, &own.meaning, &own.remedy) {
        let stays = if own.gives() { " (its last change could not be applied)" } else { "" };
        text.push_str(&format!("; {error}{stays}: {meaning}; to do: {remedy}"));
    }
    match own.group_on {
        Some(is_on) if is_on != own.on => {
            let now = if is_on { "on" } else { "off" };
            text.push_str(&format!(
                "; the group has it {now} by now, and Graph has not brought that here yet"
            ));
        }
        Some(_) | None => {}
    }
    if let Some(state) = &own.group_processing {
        text.push_str(&format!("; Graph still works on the group ({state})"));
    }
    text
}

fn of_group(group: &GroupTrailDocument, view: View) -> String {
    let mut text = heading("What it carries", view);
    for own in &group.licenses {
        let on = if own.on { "leaves it on" } else { "turns it off" };
        text.push_str(&said(&format!("{}: {on}", own.license.part_number), view));
    }
    if group.licenses.is_empty() {
        text.push_str(&said("no license with the service plan", view));
    }
    if let Some(state) = &group.processing {
        text.push_str(&said(&format!("last change of its licenses: {state}"), view));
    }
    text
}

/// What follows from all of it.
fn state(own: &ExplainDocument, view: View) -> String {
    let mut text = heading("What follows", view);
    let sentence = match (own.is_user(), own.on) {
        (true, true) => format!("on, through {}", through(&own.through)),
        (true, false) => "off: nothing gives it".to_owned(),
        (false, true) => "on: it gives the service plan to its members".to_owned(),
        (false, false) => "off: it gives the service plan to nobody".to_owned(),
    };
    let kind = if own.on { Kind::On } else { Kind::Bad };
    let (word, rest) = sentence.split_at(if own.on { 2 } else { 3 });
    text.push_str(&format!("  {}{}\n", view.style.paint(kind, word), wrap(&harmless(rest), 2, view.width)));
    if let Some(user) = &own.user {
        let unusable =
            user.assignments.iter().filter(|one| one.gives()).all(|one| one.role == "not_provisioned");
        if own.on && unusable {
            text.push_str(&said("by its licenses, and of no use: nothing helps before the tenant has provisioned the service plan", view));
        }
        if user.usage_location.is_none() && !user.assignments.is_empty() {
            text.push_str(&said(
                "it has no usageLocation: Graph refuses a change of licenses of its own; those of groups take the \
                 tenant's location",
                view,
            ));
        }
    }
    text
}

fn dates(own: &ExplainDocument, user: &UserDocument, view: View) -> String {
    let asked: Vec<Timestamp> =
        own.manifests.iter().flat_map(|one| &one.entries).filter_map(|one| one.asked).collect();
    if user.dates.is_none() && user.our_on.is_none() {
        return String::new();
    }
    let mut text = heading("Dates", view);
    match user.dates.as_deref() {
        Some([]) => text.push_str(&said("assignedPlans has no entry of the service plan", view)),
        Some(entries) => text.extend(entries.iter().map(|one| {
            let at = one.assigned_at.map_or_else(|| "without a date".to_owned(), time);
            said(&format!("assigned {at}, {} (assignedPlans)", one.status), view)
        })),
        None => {}
    }
    if let Some(at) = user.our_on {
        text.push_str(&said(&format!("turned on by us at {} (journal)", time(at)), view));
    }
    if let Some(asked) = asked.iter().max() {
        text.push_str(&said(&format!("asked for: turned on at or after {}", time(*asked)), view));
    }
    text
}

/// `Off because of us since …`.
fn in_flight(own: &InFlightDocument, view: View) -> String {
    let whom = match own.subject.kind {
        SubjectKind::User => String::new(),
        SubjectKind::Group => format!("group \"{}\" is ", own.subject.name),
    };
    let off = own.off_at.map_or_else(|| "perhaps off".to_owned(), |at| format!("off since {}", time(at)));
    let due = match (own.due_at, own.subject.kind) {
        (Some(due), _) => format!("on is due {}", time(due)),
        (None, SubjectKind::Group) => "on when every member was seen off".to_owned(),
        (None, SubjectKind::User) => "the next run looks, and ends it on".to_owned(),
    };
    let text = said(&format!("{whom}{off} in an unfinished toggle of ours; {due}"), view);
    format!("{}{text}", part("In flight", view))
}

fn manifest(own: &JudgedDocument, view: View) -> String {
    let mut text = part(&format!("Manifest {}", harmless(&own.file)), view);
    text.extend(own.entries.iter().map(|one| entry(one, view)));
    text.push_str(&decision(&own.decision, view));
    if let Some(change) = &own.change {
        if change.steps.len() > 2 {
            text.push_str(&line("steps", &folded::steps(change), view));
        }
        // What the journal has stands under "In flight".
        if let Some(off) = change.off.as_ref().filter(|off| !off.recorded) {
            let due = match change.subject.kind {
                SubjectKind::User => format!("on is due {}", time(off.due)),
                SubjectKind::Group => "on when every member was seen off".to_owned(),
            };
            text.push_str(&line("off since", &format!("{}; {due}", time(off.at)), view));
        }
    }
    // What the decision says already is not said again.
    let told = |one: &&FindingDocument| !TOLD.contains(&one.code.as_str());
    let findings: Vec<_> = own.findings.iter().filter(told).cloned().collect();
    if !findings.is_empty() {
        text.push_str(&format!("\n{}", finding::render(&findings, view.style.colour, view.width)));
    }
    text
}

/// `m.yaml:14:5  - user: adele@contoso.com`, and how it concerns the subject.
fn entry(own: &EntryDocument, view: View) -> String {
    let how = match (own.how.as_str(), own.counts) {
        ("named", _) => "names it".to_owned(),
        ("selected", true) => "selects it".to_owned(),
        ("selected", false) => "selects it as well (another entry counts)".to_owned(),
        ("excepted", _) => "leaves it out by name".to_owned(),
        ("not_enabled", _) => "leaves it out: `members: enabled`".to_owned(),
        ("unread", _) => "could not be read: nobody knows whether it selects it".to_owned(),
        _ => own.group.as_ref().map_or_else(String::new, |group| {
            format!("declares group \"{}\", which gives it a license", group.name)
        }),
    };
    let asked = own.asked.map_or_else(String::new, |at| format!(", toggle if not turned on since {at}"));
    let reason = own.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
    format!(
        "  {}\n{}",
        place(&own.place, view),
        format_args!("      {}\n", wrap(&harmless(&format!("{how}{asked}{reason}")), 6, view.width))
    )
}

/// `tenant.yaml:14:5: - group: E5 Legal`.
fn place(own: &PlaceDocument, view: View) -> String {
    let at = format!("{}:{}:{}", own.file, own.line, own.column);
    let text = own.text.as_deref().map_or("", str::trim);
    let room = view.width.saturating_sub(at.len() + 4).max(20);
    let shown: String = match text.chars().count() > room {
        true => text.chars().take(room - 1).chain(['…']).collect(),
        false => text.to_owned(),
    };
    harmless(&if shown.is_empty() { at } else { format!("{at}: {shown}") })
}

/// The decision and why, with the next step.
fn decision(own: &DecisionDocument, view: View) -> String {
    let (word, kind) = match own.decision.as_str() {
        "enable" => ("+ enable", Kind::On),
        "toggle" => ("~ toggle", Kind::Toggle),
        "resume" => ("> resume", Kind::Resume),
        "in_sync" => ("in sync", Kind::On),
        "covered" => ("in sync, by a group", Kind::On),
        "undecided" => ("in sync, undecided", Kind::On),
        "blocked" => ("! blocked", Kind::Bad),
        "not_declared" => ("not declared", Kind::Dim),
        _ => ("? unknown", Kind::Bad),
    };
    let code = own.code.as_ref().map_or_else(String::new, |code| format!(" [{code}]"));
    let mut text = format!("  {}{}\n", view.style.paint(kind, word), harmless(&code));
    text.push_str(&line("why", &own.why, view));
    if let Some(next) = &own.next_step {
        text.push_str(&line("next", next, view));
    }
    text
}

/// Of whom nothing is declared: what would be if it were.
fn undeclared(own: &ExplainDocument, decision: &DecisionDocument, view: View) -> String {
    if own.on {
        return String::new();
    }
    format!("{}{}", part("If it were declared by name", view), self::decision(decision, view))
}

fn changes(own: &ExplainDocument, view: View) -> String {
    let mut text = String::new();
    if let Some(user) = own.user.as_ref().filter(|user| !user.changes.is_empty()) {
        text.push_str(&part("What a change of each source would do", view));
        for one in &user.changes {
            text.push_str(&said(&format!("{}: {}", one.change, one.does), view));
        }
    }
    let Some(group) = own.group.as_ref().filter(|group| !group.licenses.is_empty()) else { return text };
    let what = if own.on { "What a toggle of it would do" } else { "What turning it on would do" };
    text.push_str(&part(what, view));
    text.push_str(&said(&member_lines::size(&group.members), view));
    text.push_str(&of_members(member_lines::of_group(own.on, &group.goes_off, &group.members), view));
    let shown = if view.verbose { group.overlaps.len() } else { OVERLAPS.min(group.overlaps.len()) };
    for own in &group.overlaps[..shown] {
        let members = count(usize::try_from(own.count).unwrap_or(usize::MAX), "member has", "members have");
        let says = format!("{members} licenses of group \"{}\" as well", own.group.name);
        text.push_str(&line("overlap", &says, view));
    }
    if shown < group.overlaps.len() {
        text.push_str(&format!("      … and {} more groups (-v shows them)\n", group.overlaps.len() - shown));
    }
    if !group.protected.is_empty() {
        text.push_str(&line("protected", &group.protected.join(", "), view));
    }
    text
}
