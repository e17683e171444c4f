//! Many users as they come, page by page: each once.
//!
//! While somebody edits the tenant a user may come twice (GRAPH 2.2). The same twice is one; two that
//! differ leave open which is true, and nothing is decided by either of them (P6). Who of them is
//! named in the manifest is read again by its name, as everybody who is not in the list.

use std::collections::{BTreeMap, HashSet};

use crate::graph::{Listed, UserRead};
use crate::model::UserId;

/// The users so far.
#[derive(Debug, Default)]
pub(super) struct UserList {
    /// Those who matter to the manifest.
    pub kept: BTreeMap<UserId, UserRead>,
    /// Those who came twice, and differently in what matters.
    pub disputed: HashSet<UserId>,
    /// How many entries could not be read.
    pub unreadable: usize,
    /// The others, by id alone: half a million of them are a few megabytes.
    passed: HashSet<UserId>,
}

impl UserList {
    /// Takes what comes of a list, and keeps whom the manifest needs.
    pub fn take(&mut self, listed: Listed, keeps: &dyn Fn(&UserRead) -> bool) {
        match listed {
            Listed::User(read) => {
                let keep = keeps(&read);
                self.add(read, keep);
            }
            Listed::Unreadable(_) => self.unreadable += 1,
            Listed::FromTheStart => *self = UserList::default(),
        }
    }

    /// Takes the next user. Of those who do not matter only that they do not is compared.
    pub fn add(&mut self, read: UserRead, keep: bool) {
        let id = read.id;
        let is_new = !self.disputed.contains(&id);
        let agrees = match self.kept.get(&id) {
            Some(first) => *first == read,
            None => !(keep && self.passed.contains(&id)),
        };
        if !is_new {
        } else if !agrees {
            self.kept.remove(&id);
            self.passed.remove(&id);
            self.disputed.insert(id);
        } else if keep {
            self.kept.insert(id, read);
        } else {
            self.passed.insert(id);
        }
    }

    /// How many users came.
    pub fn total(&self) -> usize {
        self.kept.len() + self.passed.len() + self.disputed.len() + self.unreadable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: u128, location: &str) -> UserRead {
        UserRead {
            id: UserId(uuid::Uuid::from_u128(id)),
            upn: format!("user{id}@contoso.com"),
            usage_location: Some(location.to_owned()),
            assignments: Vec::new(),
            account: None,
        }
    }

    #[test]
    fn the_same_user_twice_is_one() {
        let mut list = UserList::default();
        for keep in [true, false] {
            for _ in 0..2 {
                list.add(user(u128::from(keep), "CH"), keep);
            }
        }
        assert_eq!((list.kept.len(), list.disputed.len(), list.total()), (1, 0, 2));
    }

    #[test]
    fn a_user_who_comes_twice_and_differently_is_neither() {
        let mut list = UserList::default();
        for (location, keep) in [("CH", true), ("DE", true), ("CH", true)] {
            list.add(user(1, location), keep);
        }
        for (id, first) in [(2, true), (3, false)] {
            list.add(user(id, "CH"), first);
            list.add(user(id, "DE"), !first);
        }
        assert_eq!((list.kept.len(), list.disputed.len(), list.total()), (0, 3, 3));
    }
}
