//! What a change of a group does to its members, as lines that every text for people shows: a word, what is
//! so, and whom it is about.

use std::collections::BTreeMap;

use super::json::v1::members::{GroupDocument, MembersDocument, ThroughDocument};
use super::json::v1::plan::ChangeDocument;
use super::words::{count, number, people};
use crate::model::SubjectKind;
use crate::plan::change::Action;
use crate::plan::sources::{Through, joined};
use crate::plan::ways::join;
use crate::plan::why::GroupRef;

/// One thing to say of some members.
pub(super) struct MemberLine<'a> {
    /// What stands before it: `stays on`.
    pub word: &'static str,
    /// How many, and what is so.
    pub says: String,
    /// Who, sorted.
    pub names: Vec<&'a str>,
}

/// All that is to be said of the members of a group that is changed; nothing of a user.
pub(super) fn of_change(change: &ChangeDocument) -> Vec<MemberLine<'_>> {
    let Some(members) = change.members.as_ref().filter(|_| change.subject.kind == SubjectKind::Group) else {
        return Vec::new();
    };
    let mut lines = match change.action {
        Action::Toggle => {
            goes_off(change.people.iter().map(|person| person.name.as_str()).collect(), members)
        }
        Action::Enable => comes_on(members),
        Action::Resume => Vec::new(),
    };
    lines.extend(others(members));
    lines
}

/// How many lines with the same word are drawn: in a large tenant members stay on in hundreds of ways.
const ALIKE: usize = 5;

/// The first few lines with each word, and how many are left out.
pub(super) fn first_of_each(lines: Vec<MemberLine<'_>>) -> (Vec<MemberLine<'_>>, usize) {
    let (all, mut seen) = (lines.len(), BTreeMap::new());
    let mut shown = lines;
    shown.retain(|line| {
        let alike = seen.entry(line.word).or_insert(0_usize);
        *alike += 1;
        *alike <= ALIKE
    });
    let left = all - shown.len();
    (shown, left)
}

/// What a toggle of a group that is on would do, or an enable of one that is off; `off` is who goes off.
pub(super) fn of_group<'a>(
    is_on: bool,
    off: &'a [String],
    members: &'a MembersDocument,
) -> Vec<MemberLine<'a>> {
    let mut lines = match is_on {
        true => goes_off(off.iter().map(String::as_str).collect(), members),
        false => comes_on(members),
    };
    lines.extend(others(members));
    lines
}

fn goes_off<'a>(off: Vec<&'a str>, members: &'a MembersDocument) -> Vec<MemberLine<'a>> {
    let declared = match members.undeclared {
        0 => String::new(),
        all if all == members.off => ", none of them declared under `users`".to_owned(),
        some => format!(", {} of them not declared under `users`", number(some)),
    };
    let mut lines =
        vec![MemberLine { word: "goes off", says: format!("{}{declared}", people(members.off)), names: off }];
    lines.extend(members.only_together.iter().map(|one| MemberLine {
        word: "of them",
        says: format!(
            "{} only while {} {} off as well",
            people(one.count),
            groups(&one.groups),
            if one.groups.len() == 1 { "is" } else { "are" }
        ),
        names: one.names.iter().map(String::as_str).collect(),
    }));
    lines
}

fn comes_on(members: &MembersDocument) -> Vec<MemberLine<'_>> {
    let known = members.on.len() as u64;
    let says = match members.unread {
        0 => people(known),
        unread => format!("up to {}, not looked at one by one", people(known + unread)),
    };
    vec![MemberLine { word: "comes on", says, names: members.on.iter().map(String::as_str).collect() }]
}

/// Who stays as they are, and who is in error.
fn others(members: &MembersDocument) -> Vec<MemberLine<'_>> {
    let mut lines = Vec::new();
    let mut stays_on: Vec<_> = members.stays_on.iter().collect();
    stays_on.sort_by_key(|one| std::cmp::Reverse(one.count));
    for one in stays_on {
        let says = format!("{} through {}", people(one.count), through(&one.through));
        lines.push(MemberLine {
            word: "stays on",
            says,
            names: one.names.iter().map(String::as_str).collect(),
        });
    }
    for one in &members.in_error {
        let error = one.error.as_ref().map_or_else(String::new, |error| format!(", {error}"));
        let says = format!("{}{error} ({}; {})", people(one.count), one.meaning, one.remedy);
        lines.push(MemberLine {
            word: "in error",
            says,
            names: one.names.iter().map(String::as_str).collect(),
        });
    }
    if !members.already_off.is_empty() {
        let names: Vec<&str> = members.already_off.iter().map(String::as_str).collect();
        lines.push(MemberLine { word: "stays off", says: people(names.len() as u64), names });
    }
    lines
}

/// `its own SPE_E5 and SPE_E5 of group "Sales"`.
pub(super) fn through(all: &[ThroughDocument]) -> String {
    joined(&all.iter().map(Through::from).collect::<Vec<_>>())
}

fn groups(all: &[GroupDocument]) -> String {
    join(all.iter().map(|one| GroupRef::from(one).short()), "and")
}

/// How many members the group has: `12 members`, `12 members, not looked at one by one`.
pub(super) fn size(members: &MembersDocument) -> String {
    let total = match members.total {
        Some(total) => count(usize::try_from(total).unwrap_or(usize::MAX), "member", "members"),
        None => return "its members could not be read".to_owned(),
    };
    match members.unread {
        0 => total,
        all if Some(all) == members.total => format!("{total}, not looked at one by one"),
        some => format!("{total}, {} of them not looked at one by one", number(some)),
    }
}
