//! Members whom the change of their group left in error, in sentences: one for each error, with what it
//! means and what to do.

use std::collections::BTreeMap;

use super::json::v1::run::{MemberInErrorDocument, SubjectDocument};
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
