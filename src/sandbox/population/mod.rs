//! People who are described, not listed: whoever nobody has changed is what the seed and a number say.
//!
//! A person is computed when somebody looks. From the number come an id and a UPN, and from either the
//! number again; ids are in the order of numbers, so a page of a list is a range of them. Whoever is
//! changed is kept in [`super::users`] from then on.

mod block;
mod crowd;
mod names;
mod person;
mod profile;
mod share;

use std::collections::BTreeMap;

pub use block::PopulationBlock;
pub use crowd::Crowd;
pub use names::FIRST as FIRST_NAMES;
pub use person::Person;
pub use profile::Source;
pub use share::Share;

use super::file::Organization;
use super::license::Shelf;
use super::seed::Seed;
use crate::model::{GroupId, SignedDuration, SkuId, Timestamp, UserId};
use profile::{PER_SOURCE, Profile};

/// More than any tenant has, and few enough for everything that is reckoned per person at the start.
const MOST_USERS: u64 = 50_000_000;

/// The part of an id that is in the order of numbers: all before the version digit.
const ORDERED: u64 = 1 << 48;

/// People who are described.
#[derive(Debug)]
pub struct Population {
    block: PopulationBlock,
    seed: u64,
    domain: String,
    guest_domain: String,
    country: String,
    /// Where licenses come from, each with the upper end of its part of the whole; what is above the last
    /// has none.
    sources: Vec<(u64, Source)>,
    /// Groups that carry no licenses.
    plain_groups: Vec<(GroupId, Share)>,
    profiles: Vec<Profile>,
    countries: Vec<(u64, String)>,
    departments: Vec<(u64, String)>,
    /// The times at which licenses were assigned, one a day, as times and as JSON.
    days: Vec<(Timestamp, String)>,
    /// How many numbers of the ordered part each person has.
    step: u64,
}

/// Two are equal when their people are: all else follows from what the file says.
impl PartialEq for Population {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
            || (self.block == other.block && self.seed == other.seed && self.domain == other.domain)
    }
}

impl Population {
    /// The people that `block` describes. `groups` are those that it names, with what they carry.
    pub fn new(
        block: PopulationBlock,
        seed: Seed,
        organization: &Organization,
        shelf: &Shelf,
        groups: Vec<(GroupId, Source, Share)>,
    ) -> Result<Self, String> {
        if block.users == 0 || block.users > MOST_USERS {
            return Err(format!("`users` goes from 1 to {MOST_USERS}"));
        }
        let domain = organization.domains.first().unwrap_or(&organization.domain);
        for domain in [domain, &organization.domain] {
            if !domain.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')) {
                return Err(format!("`{domain}` is no domain"));
            }
        }
        let (sources, plain_groups) = sources(&block, shelf, groups)?;
        let profile = |at: usize| Profile::new(&sources[at / PER_SOURCE].1, at % PER_SOURCE, shelf);
        Ok(Population {
            seed: seed.number(&["population"]),
            domain: domain.clone(),
            guest_domain: organization.domain.clone(),
            country: organization.country.clone(),
            profiles: (0..sources.len() * PER_SOURCE).map(profile).collect(),
            plain_groups,
            countries: stacked(block.countries.iter())?,
            departments: stacked(block.departments.iter())?,
            days: days(&block, seed)?,
            step: ORDERED / block.users,
            sources,
            block,
        })
    }

    /// How many.
    pub fn len(&self) -> u64 {
        self.block.users
    }

    /// The person of that number.
    pub fn person(&self, number: u64) -> Person<'_> {
        Person::new(self, number)
    }

    /// Everybody.
    pub fn people(&self) -> impl Iterator<Item = Person<'_>> {
        (0..self.len()).map(|number| self.person(number))
    }

    /// Who has that id.
    pub fn by_id(&self, id: UserId) -> Option<Person<'_>> {
        let number = self.slot(id);
        let person = (number < self.len()).then(|| self.person(number))?;
        (person.id() == id).then_some(person)
    }

    /// Who has that UPN, in any case.
    pub fn by_upn(&self, upn: &str) -> Option<Person<'_>> {
        let name = upn.split(['@', '_']).find(|part| part.ends_with(|last: char| last.is_ascii_digit()))?;
        let digits = &name[name.rfind(|one: char| !one.is_ascii_digit()).map_or(0, |at| at + 1)..];
        let number: u64 = digits.parse().ok()?;
        let person = (number < self.len()).then(|| self.person(number))?;
        person.upn().eq_ignore_ascii_case(upn).then_some(person)
    }

    /// The number of the first person with that id or a later one.
    pub fn from(&self, id: UserId) -> u64 {
        let number = self.slot(id);
        if number >= self.len() || self.person(number).id() >= id { number } else { number + 1 }
    }

    /// The only number that could have that id; the number of people where it is behind all of them.
    fn slot(&self, id: UserId) -> u64 {
        let ordered = id.0.as_u64_pair().0 >> 16;
        (ordered / self.step).min(self.len())
    }

    /// How many hold each license.
    pub fn consumed(&self) -> BTreeMap<SkuId, u64> {
        let mut by_profile = vec![0_u64; self.profiles.len()];
        for person in self.people() {
            by_profile[person.profile_number()] += 1;
        }
        let mut consumed = BTreeMap::new();
        for (profile, count) in self.profiles.iter().zip(by_profile).filter(|(_, count)| *count > 0) {
            for sku in &profile.in_force {
                *consumed.entry(*sku).or_default() += count;
            }
        }
        consumed
    }
}

/// A number that looks random, for each number: the end of the generator known as splitmix64.
fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// Sources with the upper ends of their parts, and the groups that are none.
type Sources = (Vec<(u64, Source)>, Vec<(GroupId, Share)>);

fn sources(
    block: &PopulationBlock,
    shelf: &Shelf,
    groups: Vec<(GroupId, Source, Share)>,
) -> Result<Sources, String> {
    let mut named = Vec::new();
    for (license, share) in &block.direct {
        let Some(owned) = shelf.find(license) else {
            return Err(format!("the tenant owns no license `{license}`; add it to `licenses`"));
        };
        named.push((Source::Direct(owned.id), *share));
    }
    let mut plain = Vec::new();
    for (id, source, share) in groups {
        match &source {
            Source::Group(_, carried) if !carried.is_empty() => named.push((source, share)),
            Source::Group(..) | Source::Direct(_) | Source::Nothing => plain.push((id, share)),
        }
    }
    let mut end = 0;
    let mut sources = Vec::new();
    for (source, share) in named {
        end += share.parts();
        sources.push((end, source));
    }
    if end + block.guests.parts() > 1_000_000 {
        return Err(
            "`direct`, groups that carry licenses and `guests` are more than 100% together".to_owned()
        );
    }
    sources.push((1_000_000, Source::Nothing));
    Ok((sources, plain))
}

/// Words with the upper ends of their parts of the whole.
fn stacked<'a>(shares: impl Iterator<Item = (&'a String, &'a Share)>) -> Result<Vec<(u64, String)>, String> {
    let mut end = 0;
    let mut stacked = Vec::new();
    for (word, share) in shares {
        end += share.parts();
        stacked.push((end, word.clone()));
    }
    if end > 1_000_000 { Err("shares are more than 100% together".to_owned()) } else { Ok(stacked) }
}

/// One moment of each day from the first on, before the last.
fn days(block: &PopulationBlock, seed: Seed) -> Result<Vec<(Timestamp, String)>, String> {
    const A_DAY: i64 = 24 * 60 * 60;
    let seconds = block.until.duration_since(block.from).as_secs();
    let count = seconds / A_DAY;
    if !(1..=20_000).contains(&count) {
        return Err("`from` must be at least a day before `until`, and not so many years".to_owned());
    }
    let day = |day: i64| {
        let moment = seed.below(A_DAY.unsigned_abs(), &["day", &day.to_string()]);
        let after = SignedDuration::from_secs(day * A_DAY + moment.cast_signed());
        let time = block.from + after;
        (time, format!("\"{time:.0}\""))
    };
    Ok((0..count).map(day).collect())
}

#[cfg(test)]
mod tests;
