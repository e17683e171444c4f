//! Whom a selector selects, as far as that was read. Values only; `collect` asks Graph.

use std::collections::BTreeSet;

use super::observed::{Observed, User};
use crate::graph::Account;
use crate::manifest::declared::{Select, Selector};
use crate::model::{GroupId, UserId};

/// What became of one selection. Only one that was read to its end selects anybody (P6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All of it was read.
    Read(Listing),
    /// Some of it is missing, and why.
    Incomplete(String),
    /// Graph does not take the filter; in its words.
    Refused(String),
    /// The group does not exist, on two reads.
    NotFound,
    /// Several groups have that name.
    Ambiguous(Vec<GroupId>),
}

/// A selection that was read to its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Who is selected. Their state is in [`Observed::users`], or why not in [`Observed::unread_users`].
    pub ids: BTreeSet<UserId>,
    /// Who is selected as well, and was passed by: nothing follows from their state, and it was not kept. In
    /// order. Nobody of them is a guest or disabled where that matters, named in the manifest, or excepted.
    pub passed_by: Vec<UserId>,
    /// Users whose entry could not be understood.
    pub unreadable: usize,
    /// Users who came twice, in two ways.
    pub disputed: usize,
    /// How many users came in all, selected or not.
    pub total: usize,
}

/// Whom one selector means: its selection without whom `members: enabled` leaves out. `except` and entries
/// of their own are not looked at here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// Who is meant.
    pub ids: Vec<UserId>,
    /// How many others are meant who were passed by.
    pub passed_by: usize,
    /// How many guests are left out.
    pub guests: usize,
    /// How many disabled accounts are left out.
    pub disabled: usize,
    /// How many are meant although Graph does not say whose account it is.
    pub unsaid: usize,
}

impl Selection {
    /// Whether it was read, and nobody is in it.
    pub fn is_empty(&self) -> bool {
        match self {
            Selection::Read(listing) => {
                let nobody = listing.ids.is_empty() && listing.passed_by.is_empty();
                nobody && listing.unreadable == 0 && listing.disputed == 0
            }
            Selection::Incomplete(_)
            | Selection::Refused(_)
            | Selection::NotFound
            | Selection::Ambiguous(_) => false,
        }
    }

    /// Notes that nothing follows from somebody's state, after all.
    pub(super) fn pass_by(&mut self, ids: &BTreeSet<UserId>) {
        if let Selection::Read(listing) = self {
            let passed: Vec<UserId> = listing.ids.intersection(ids).copied().collect();
            listing.ids.retain(|id| !ids.contains(id));
            listing.passed_by.extend(passed);
            listing.passed_by.sort_unstable();
            listing.passed_by.dedup();
        }
    }

    /// Takes somebody out who does not exist any more.
    pub(super) fn forget(&mut self, id: UserId) {
        if let Selection::Read(listing) = self {
            listing.ids.remove(&id);
        }
    }

    /// Who is selected and was not passed by; nobody when it was not read to its end.
    pub fn ids(&self) -> impl Iterator<Item = UserId> {
        self.listing().into_iter().flat_map(|listing| listing.ids.iter().copied())
    }

    /// Who is selected and was passed by.
    pub fn passed_by(&self) -> &[UserId] {
        self.listing().map_or(&[], |listing| &listing.passed_by)
    }

    fn listing(&self) -> Option<&Listing> {
        match self {
            Selection::Read(listing) => Some(listing),
            Selection::Incomplete(_)
            | Selection::Refused(_)
            | Selection::NotFound
            | Selection::Ambiguous(_) => None,
        }
    }
}

impl Observed {
    /// Whom that selector means, as far as its selection was read.
    pub fn chosen(&self, selector: &Selector) -> Chosen {
        let select = &selector.select.value;
        let selection = self.selections.get(select);
        let passed_by = selection.map_or(0, |selection| selection.passed_by().len());
        let mut chosen = Chosen { passed_by, ..Chosen::default() };
        let ids = selection.into_iter().flat_map(Selection::ids);
        for id in ids.filter(|id| self.is_still_selected(*id, select)) {
            match self.accounts.get(&id) {
                Some(Account::Guest) if selector.only_enabled => chosen.guests += 1,
                Some(Account::Disabled) if selector.only_enabled => chosen.disabled += 1,
                account => {
                    chosen.unsaid += usize::from(selector.only_enabled && account.is_none());
                    chosen.ids.push(id);
                }
            }
        }
        chosen
    }

    /// Who was passed by of those whom that selector means.
    pub fn passed_by(&self, selector: &Selector) -> &[UserId] {
        self.selections.get(&selector.select.value).map_or(&[], Selection::passed_by)
    }

    /// A read that was repeated may show that somebody holds no license with the service plan any more.
    fn is_still_selected(&self, id: UserId, select: &Select) -> bool {
        let holds = |user: &User| user.relevant(&self.catalog).next().is_some();
        match select {
            Select::AllLicensed => self.users.get(&id).is_none_or(holds),
            Select::Filter(_) | Select::MembersOf(_) => true,
        }
    }
}
