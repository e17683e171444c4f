//! `generate:` of a tenant file: a few hundred ordinary users, each as if it were listed.

use std::collections::BTreeSet;

use super::file::{Generate, HeldBlock, UserBlock};
use super::group::Member;
use super::seed::{Seed, id_of};
use crate::model::{Amount, SERVICE_PLAN, UserId};

/// The users of `generate:`.
pub struct Generated {
    /// As the file says.
    pub block: Generate,
    domain: String,
    /// Which of them have the service plan off.
    off: BTreeSet<u64>,
}

impl Generated {
    /// Decides who has the service plan off.
    pub fn new(block: Generate, domain: &str, seed: Seed) -> Self {
        let off = block.off.unwrap_or(Amount::Count(0)).of(block.users, 0);
        let chosen = seed.shuffled(0..block.users, &["off", &block.name]).into_iter();
        let off = chosen.take(usize::try_from(off).unwrap_or(usize::MAX)).collect();
        Generated { block, domain: domain.to_owned(), off }
    }

    fn upn(&self, number: u64) -> String {
        format!("{}{:03}@{}", self.block.name, number + 1, self.domain)
    }

    /// Each as the file could write it.
    pub fn users(&self) -> impl Iterator<Item = (String, UserBlock)> + '_ {
        (0..self.block.users).map(|number| {
            let off = self.off.contains(&number).then(|| SERVICE_PLAN.to_string());
            let license = self.block.license.iter().map(|license| HeldBlock {
                license: license.clone(),
                off: off.clone().into_iter().collect(),
                ..HeldBlock::default()
            });
            let user = UserBlock {
                upn: self.upn(number),
                enabled: true,
                since: self.block.since,
                licenses: license.collect(),
                ..UserBlock::default()
            };
            ("generate".to_owned(), user)
        })
    }

    /// Those who are members of that group.
    pub fn members_of(&self, group: &str) -> impl Iterator<Item = Member> + '_ {
        let all = if self.block.group.as_deref() == Some(group) { self.block.users } else { 0 };
        (0..all).map(|number| Member::User(UserId(id_of("user", &self.upn(number)))))
    }
}
