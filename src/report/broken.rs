//! Members of groups in error, in sentences: whom a change left so, one for each error with what it means and
//! what to do; and what came of having their licenses tried again.

use std::collections::BTreeMap;

use super::json::v1::run::{MemberInErrorDocument, ReprocessResult, ReprocessedDocument, SubjectDocument};
use super::words::count;

/// How many names a sentence has.
const NAMES: usize = 5;

/// `2 members are newly in error, CountViolation (no seat of the license was left): a@x.com, b@x.com. Free or …`
pub(super) fn sentences(subject: &SubjectDocument) -> Vec<String> {
    let mut alike: BTreeMap<Option<&str>, Vec<&MemberInErrorDocument>> = BTreeMap::new();
    for one in &subject.members_in_error {
        alike.entry(one.error.as_deref()).or_default().push(one);
    }
    alike.into_iter().map(|(error, all)| sentence(error, &all)).collect()
}

fn sentence(error: Option<&str>, all: &[&MemberInErrorDocument]) -> String {
    let Some(first) = all.first() else { return String::new() };
    let names: Vec<&str> = all.iter().take(NAMES).map(|one| one.member.name.as_str()).collect();
    let more = match all.len().saturating_sub(NAMES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "{} newly in error, {} ({}): {}{more}; {}, then have Graph reprocess their licenses",
        count(all.len(), "member is", "members are"),
        error.unwrap_or("without a reason"),
        first.meaning,
        names.join(", "),
        first.remedy,
    )
}

/// `reprocessed 2 members of E5 Legal, without error now: a@x.com, b@x.com`.
pub(super) fn retried(all: &[ReprocessedDocument]) -> Vec<String> {
    let mut alike: BTreeMap<(&str, bool, &str), Vec<&str>> = BTreeMap::new();
    for one in all {
        let said = match (one.result, &one.message, &one.error) {
            (ReprocessResult::Healed, _, _) => "without error now",
            (ReprocessResult::StillInError, _, Some(error)) => error,
            (ReprocessResult::StillInError, _, None) => "still in error",
            (ReprocessResult::Refused, Some(message), _) => message,
            (ReprocessResult::Refused, None, _) => "refused",
        };
        let refused = one.result == ReprocessResult::Refused;
        alike.entry((&one.group.name, refused, said)).or_default().push(&one.member.name);
    }
    let line = |((group, refused, said), names): ((&str, bool, &str), Vec<&str>)| {
        let shown = names.iter().take(NAMES).copied().collect::<Vec<_>>().join(", ");
        let more = match names.len().saturating_sub(NAMES) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let done = if refused { "could not reprocess" } else { "reprocessed" };
        format!("{done} {} of {group}: {shown}{more}: {said}", count(names.len(), "member", "members"))
    };
    alike.into_iter().map(line).collect()
}
