//! Many users as they come, page by page: each once.
//!
//! While somebody edits the tenant a user may come twice (GRAPH 2.2). The same twice is one; two that
//! differ leave open which is true, and nothing is decided by either of them (P6). Who of them is
//! named in the manifest is read again by its name, as everybody who is not in the list.

use std::collections::{BTreeMap, BTreeSet};

use super::observed::User;
use super::reading::user;
use crate::graph::{Account, Listed};
use crate::model::UserId;

/// What becomes of a user of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sorted {
    /// Its state may decide something.
    Keep,
    /// It is meant, and nothing follows from its state.
    PassBy,
    /// It is not meant.
    Leave,
}

/// Says what becomes of a user.
pub(super) type Sort<'a> = &'a dyn Fn(&User, Option<Account>) -> Sorted;

/// The users so far.
#[derive(Debug, Default)]
pub(super) struct UserList {
    kept: BTreeMap<UserId, (User, Option<Account>)>,
    disputed: BTreeSet<UserId>,
    unreadable: usize,
    /// The others by id alone: a million of them are sixteen megabytes. In order and each once only at the end.
    passed_by: Vec<UserId>,
    left: Vec<UserId>,
}

/// The users of a list that has come to its end.
#[derive(Debug, Default)]
pub(super) struct Ended {
    /// Those whose state may decide something.
    pub kept: BTreeMap<UserId, (User, Option<Account>)>,
    /// Those of whom nothing follows, in order.
    pub passed_by: Vec<UserId>,
    /// Those who came twice, and differently in what matters.
    pub disputed: BTreeSet<UserId>,
    /// How many entries could not be read.
    pub unreadable: usize,
    /// How many users came in all.
    pub total: usize,
}

impl UserList {
    /// Takes what comes of a list, and keeps of it what is needed.
    pub fn take(&mut self, listed: Listed, sort: Sort<'_>) {
        match listed {
            Listed::User(read) => {
                let account = read.account;
                let user = user(read);
                let sorted = sort(&user, account);
                self.add(user, account, sorted);
            }
            Listed::Unreadable(_) => self.unreadable += 1,
            Listed::FromTheStart => *self = UserList::default(),
        }
    }

    /// Takes the next user.
    pub fn add(&mut self, user: User, account: Option<Account>, sorted: Sorted) {
        let id = user.id;
        match sorted {
            Sorted::Keep => {
                let own = (user, account);
                match self.kept.get(&id) {
                    Some(first) if *first != own => _ = self.disputed.insert(id),
                    Some(_) => {}
                    None => _ = self.kept.insert(id, own),
                }
            }
            Sorted::PassBy => self.passed_by.push(id),
            Sorted::Leave => self.left.push(id),
        }
    }

    /// The end. Who was sorted in two ways differs in what matters.
    pub fn end(self) -> Ended {
        let UserList { mut kept, mut disputed, unreadable, mut passed_by, mut left } = self;
        for ids in [&mut passed_by, &mut left] {
            ids.sort_unstable();
            ids.dedup();
        }
        let is_in = |ids: &[UserId], id: &UserId| ids.binary_search(id).is_ok();
        disputed.extend(kept.keys().filter(|id| is_in(&passed_by, id) || is_in(&left, id)));
        disputed.extend(passed_by.iter().filter(|id| is_in(&left, id)));
        if !disputed.is_empty() {
            kept.retain(|id, _| !disputed.contains(id));
            for ids in [&mut passed_by, &mut left] {
                ids.retain(|id| !disputed.contains(id));
            }
        }
        let total = kept.len() + passed_by.len() + left.len() + disputed.len() + unreadable;
        Ended { kept, passed_by, disputed, unreadable, total }
    }
}

impl Ended {
    /// Takes in who is in another list as well or only; its word on them counts where this list has kept them.
    pub fn take_in(&mut self, other: Ended) {
        let before = self.kept.len();
        for (id, user) in other.kept {
            if self.passed_by.binary_search(&id).is_err() && !self.disputed.contains(&id) {
                self.kept.insert(id, user);
            }
        }
        self.total += self.kept.len() - before;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::observed::Dates;

    fn user(id: u128, location: &str) -> User {
        User {
            id: UserId(uuid::Uuid::from_u128(id)),
            upn: format!("user{id}@contoso.com"),
            usage_location: Some(location.to_owned()),
            assignments: Vec::new(),
            dates: Dates::NotRead,
        }
    }

    #[test]
    fn the_same_user_twice_is_one() {
        let mut list = UserList::default();
        for (id, sorted) in [(1, Sorted::Keep), (2, Sorted::PassBy), (3, Sorted::Leave)] {
            for _ in 0..2 {
                list.add(user(id, "CH"), None, sorted);
            }
        }
        let Ended { kept, passed_by, disputed, total, .. } = list.end();
        assert_eq!((kept.len(), passed_by.len(), disputed.len(), total), (1, 1, 0, 3));
    }

    #[test]
    fn a_user_who_comes_twice_and_differently_is_neither() {
        let mut list = UserList::default();
        for location in ["CH", "DE", "CH"] {
            list.add(user(1, location), None, Sorted::Keep);
        }
        let ways = [Sorted::Keep, Sorted::PassBy, Sorted::Leave];
        for (id, (first, second)) in (2..).zip([(0, 1), (1, 0), (0, 2), (2, 1)]) {
            list.add(user(id, "CH"), None, ways[first]);
            list.add(user(id, "CH"), None, ways[second]);
        }
        let Ended { kept, passed_by, disputed, total, .. } = list.end();
        assert_eq!((kept.len(), passed_by.len(), disputed.len(), total), (0, 0, 5, 5));
    }
}
