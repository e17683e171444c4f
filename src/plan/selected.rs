//! What becomes of a selector: the ids that it selects, or why nobody is selected by it.
//!
//! From here on a selection is ids and nothing else. A plan holds those, so what Graph would select later
//! changes neither a saved plan nor one that is being carried out.

use super::planned::{Named, Unknown};
use super::resolve::{Desired, NamedUsers, Want, want};
use super::why::WhyNot;
use crate::diag::{Code, Finding};
use crate::manifest::declared::{Located, Select, Selector, UserEntry};
use crate::model::{SubjectKind, UserId, UserKey};
use crate::observe::observed::Observed;
use crate::observe::selection::{Chosen, Listing, Selection};

impl Desired {
    /// Adds whom a selector selects. Nobody, when it could not be read to its end (P6).
    pub(super) fn add_selected(
        &mut self,
        entry: &UserEntry,
        selector: &Selector,
        named: &NamedUsers,
        observed: &Observed,
    ) {
        let select = &selector.select.value;
        match observed.selections.get(select) {
            None => self.select_nobody(entry, selector, "it was not asked for".into()),
            Some(Selection::Incomplete(reason)) => self.select_nobody(entry, selector, reason.clone()),
            Some(Selection::Refused(reason)) => {
                self.findings.push(refused(selector, reason));
                self.select_nobody(entry, selector, "Graph does not take this filter".into());
            }
            Some(Selection::NotFound) => self.block_selector(entry, selector, WhyNot::NotFound),
            Some(Selection::Ambiguous(ids)) => {
                self.block_selector(entry, selector, WhyNot::Ambiguous(ids.clone()));
            }
            Some(Selection::Read(listing)) => {
                let chosen = observed.chosen(selector);
                if self.is_worth_adding(entry, selector, listing, &chosen) {
                    self.tell_who_is_left_out(entry, selector, &chosen, observed);
                    self.passed_by.extend(observed.passed_by(selector));
                    self.add_chosen(entry, selector, chosen.ids, named, observed);
                }
            }
        }
    }

    /// Whether anybody is left to add. What came in a form that decides nothing is unknown beside the others;
    /// an empty answer is not taken for the truth unless the manifest says that it may be.
    fn is_worth_adding(
        &mut self,
        entry: &UserEntry,
        selector: &Selector,
        listing: &Listing,
        chosen: &Chosen,
    ) -> bool {
        let Listing { unreadable, disputed, total, .. } = listing;
        if *unreadable > 0 {
            let reason = format!("{unreadable} of {total} users came in a form that cannot be understood");
            self.select_nobody(entry, selector, reason);
        }
        if *disputed > 0 {
            let reason = format!(
                "{disputed} of {total} users came twice and not the same, as when somebody changes them \
                 meanwhile; run again"
            );
            self.select_nobody(entry, selector, reason);
        }
        let is_nobody = chosen.ids.is_empty() && chosen.passed_by == 0;
        let is_empty = is_nobody && *unreadable == 0 && *disputed == 0;
        if is_empty && selector.allow_empty {
            self.findings.push(empty(selector, chosen));
        } else if is_empty {
            let reason = format!(
                "{}; an empty answer is not taken as the truth: where it may be, write `allowEmpty: true`",
                nobody(selector, chosen)
            );
            self.select_nobody(entry, selector, reason);
        }
        !is_nobody
    }

    fn add_chosen(
        &mut self,
        entry: &UserEntry,
        selector: &Selector,
        ids: Vec<UserId>,
        named: &NamedUsers,
        observed: &Observed,
    ) {
        let license = self.licenses(entry, observed);
        for id in ids {
            // Of whom could not be read only the id is known.
            let upn = observed.users.get(&id).map_or("", |user| &user.upn);
            if !selector.excepts(id, upn) && !named.covers(id, upn) {
                self.select(id, Want { is_named: false, ..want(&entry.wish, license.clone()) });
            }
        }
    }

    /// Selected by several entries, the latest date counts; of equal ones the first entry.
    fn select(&mut self, user: UserId, want: Want) {
        match self.users.get(&user) {
            Some(earlier) if earlier.asked >= want.asked => {}
            Some(_) | None => {
                self.users.insert(user, want);
            }
        }
    }

    fn tell_who_is_left_out(
        &mut self,
        entry: &UserEntry,
        selector: &Selector,
        chosen: &Chosen,
        observed: &Observed,
    ) {
        let users: Vec<_> = chosen.ids.iter().filter_map(|id| observed.users.get(id)).collect();
        // It may name one of those who could not be read.
        let all_are_known = users.len() == chosen.ids.len();
        for name in selector.except.iter().filter(|_| all_are_known) {
            if !users.iter().any(|user| name.value.names(user.id, &user.upn)) {
                self.findings.push(excepts_nobody(name, &selector.select.value));
            }
        }
        if chosen.guests + chosen.disabled + chosen.unsaid > 0 {
            let message = format!("`{}`: {}", selector.select.value, left_out(chosen));
            self.findings.push(Finding::new(Code::LeftOut, message).at(&entry.wish.place));
        }
    }

    /// Notes that a selector is, in part or as a whole, not known.
    fn select_nobody(&mut self, entry: &UserEntry, selector: &Selector, reason: String) {
        self.unknown.push(Unknown { subject: subject(selector), reason, place: entry.wish.place.clone() });
    }

    fn block_selector(&mut self, entry: &UserEntry, selector: &Selector, why: WhyNot) {
        self.blocked.push((subject(selector), why, entry.wish.place.clone()));
    }
}

/// A selector where a subject is named: by its text.
fn subject(selector: &Selector) -> Named {
    Named { kind: SubjectKind::User, id: None, name: selector.select.value.to_string() }
}

fn refused(selector: &Selector, reason: &str) -> Finding {
    let help = "correct the filter; learn.microsoft.com/graph/aad-advanced-queries lists what users can be \
                filtered by";
    let message = format!("Graph does not take this filter: {reason}");
    Finding::new(Code::FilterRefused, message).at(&selector.select.place).help(help)
}

fn empty(selector: &Selector, chosen: &Chosen) -> Finding {
    let message = format!("`{}`: {}", selector.select.value, nobody(selector, chosen));
    let help = "`allowEmpty: true` says that this may be";
    Finding::new(Code::EmptySelection, message).at(&selector.select.place).help(help)
}

/// That nobody is selected, in the words of the selector.
fn nobody(selector: &Selector, chosen: &Chosen) -> String {
    if chosen.guests + chosen.disabled > 0 {
        return format!("it selects nobody: {}", left_out(chosen));
    }
    match &selector.select.value {
        Select::AllLicensed => "nobody holds a license with the service plan".into(),
        Select::Filter(_) => "it selects nobody".into(),
        Select::MembersOf(_) => "no user is a direct member of the group".into(),
    }
}

/// `3 guests and 1 disabled account are left out`.
fn left_out(chosen: &Chosen) -> String {
    let count = |number: usize, one: &str, many: &str| match number {
        0 => None,
        1 => Some(format!("1 {one}")),
        _ => Some(format!("{number} {many}")),
    };
    let out = [
        count(chosen.guests, "guest", "guests"),
        count(chosen.disabled, "disabled account", "disabled accounts"),
    ];
    let out = out.into_iter().flatten().collect::<Vec<_>>().join(" and ");
    let verb = if chosen.guests + chosen.disabled == 1 { "is" } else { "are" };
    let out = if out.is_empty() { out } else { format!("{out} {verb} left out by `members: enabled`") };
    let unsaid = count(chosen.unsaid, "account", "accounts")
        .map(|accounts| format!("of {accounts} Graph does not say whether it is enabled: not left out"));
    [Some(out).filter(|out| !out.is_empty()), unsaid].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn excepts_nobody(name: &Located<UserKey>, select: &Select) -> Finding {
    let message = format!("`{}` is not among the users of `{select}`: it excepts nobody", name.value);
    Finding::new(Code::UnknownName, message).at(&name.place)
}
