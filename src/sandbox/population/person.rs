//! One person of a population: everything about it is computed from its number.

use std::fmt::Write as _;
use std::sync::Arc;

use uuid::Uuid;

use super::super::plans::Plans;
use super::super::user::User;
use super::profile::{Own, Profile, Source, variant};
use super::share::below;
use super::{Population, Share, mixed, names};
use crate::model::{GroupId, Timestamp, UserId};

/// A person who is as described.
#[derive(Clone, Copy, Debug)]
pub struct Person<'p> {
    population: &'p Population,
    number: u64,
}

/// What is drawn for a person, each independently of the others.
#[derive(Clone, Copy)]
enum Draw {
    Id = 1,
    IdEnd,
    Source,
    Own,
    Off,
    OtherOff,
    Error,
    ErrorKind,
    Name,
    Guest,
    Disabled,
    Synced,
    NoLocation,
    Country,
    Department,
    Title,
    Day,
}

impl<'p> Person<'p> {
    pub(super) fn new(population: &'p Population, number: u64) -> Self {
        Person { population, number }
    }

    /// Its number.
    pub fn number(self) -> u64 {
        self.number
    }

    fn draw(self, what: Draw) -> u64 {
        self.draw_of(what as u64)
    }

    fn draw_of(self, what: u64) -> u64 {
        let base = self.population.seed.wrapping_add(what.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        mixed(mixed(base).wrapping_add(self.number.wrapping_mul(0xd134_2543_de82_ef95)))
    }

    /// A draw that decides whether it is in that group.
    pub(super) fn draw_for(self, group: GroupId) -> u64 {
        self.draw_of(group.0.as_u64_pair().0)
    }

    fn hits(self, share: Share, what: Draw) -> bool {
        share.parts() > 0 && share.hits(self.draw(what))
    }

    /// `id`: shaped like a random one, but in the order of numbers.
    pub fn id(self) -> UserId {
        let draw = self.draw(Draw::Id);
        let ordered = self.number * self.population.step + below(draw, self.population.step);
        let high = ordered << 16 | 0x4000 | (draw & 0x0fff);
        let low = 1 << 63 | (self.draw(Draw::IdEnd) >> 2);
        UserId(Uuid::from_u64_pair(high, low))
    }

    /// Which source its licenses have.
    pub(super) fn source(self) -> usize {
        let draw = below(self.draw(Draw::Source), 1_000_000);
        let sources = &self.population.sources;
        sources.iter().position(|(end, _)| draw < *end).unwrap_or(sources.len() - 1)
    }

    /// The number of its profile.
    pub fn profile_number(self) -> usize {
        let block = &self.population.block;
        let source = self.source();
        let (is_there, errors) = match self.population.sources[source].1 {
            Source::Nothing => return source * super::PER_SOURCE,
            Source::Direct(_) => (true, block.errors.tenth()),
            Source::Group(..) => (self.hits(block.both, Draw::Own), block.errors),
        };
        let own = Own {
            is_there,
            off: is_there && self.hits(block.off, Draw::Off),
            other_off: is_there && self.hits(block.other_off, Draw::OtherOff),
        };
        let error = self.hits(errors, Draw::Error).then(|| self.draw(Draw::ErrorKind));
        source * super::PER_SOURCE + variant(own, error)
    }

    /// How it holds licenses.
    pub fn profile(self) -> &'p Profile {
        &self.population.profiles[self.profile_number()]
    }

    /// When its licenses were assigned, as a time and as JSON.
    pub fn since(self) -> &'p (Timestamp, String) {
        let days = &self.population.days;
        let day = below(self.draw(Draw::Day), days.len() as u64);
        &days[usize::try_from(day).unwrap_or(0)]
    }

    /// Whether `userType` is `Guest`.
    pub fn is_guest(self) -> bool {
        let population = self.population;
        let last = population.sources.len() - 1;
        if self.source() != last {
            return false;
        }
        // The share is of all, and guests are among those without a license.
        let licensed = last.checked_sub(1).map_or(0, |at| population.sources[at].0);
        below(self.draw(Draw::Guest), 1_000_000 - licensed) < population.block.guests.parts()
    }

    /// The given name, as a place in the list of them.
    pub fn first(self) -> usize {
        let place = below(self.draw(Draw::Name), names::FIRST.len() as u64);
        usize::try_from(place).unwrap_or(0)
    }

    fn names(self) -> (&'static str, &'static str) {
        let last = self.draw(Draw::Name) % names::LAST.len() as u64;
        (names::FIRST[self.first()], names::LAST[usize::try_from(last).unwrap_or(0)])
    }

    /// Writes `userPrincipalName`. Nothing in it has to be escaped in JSON.
    pub fn write_upn(self, to: &mut String) {
        let (first, last) = self.names();
        to.push_str(first);
        to.push('.');
        to.push_str(last);
        push_number(to, self.number);
        if self.is_guest() {
            let partner = self.draw(Draw::Guest) % names::PARTNERS.len() as u64;
            let partner = names::PARTNERS[usize::try_from(partner).unwrap_or(0)];
            let _ = write!(to, "_{partner}#EXT#@{}", self.population.guest_domain);
        } else {
            to.push('@');
            to.push_str(&self.population.domain);
        }
    }

    /// `userPrincipalName`.
    pub fn upn(self) -> String {
        let mut upn = String::with_capacity(64);
        self.write_upn(&mut upn);
        upn
    }

    /// `displayName`.
    pub fn name(self) -> String {
        let (first, last) = self.names();
        format!("{} {}", names::capital(first), names::capital(last))
    }

    /// `usageLocation`.
    pub fn usage_location(self) -> Option<&'p str> {
        let population = self.population;
        let no_license = matches!(population.sources[self.source()].1, Source::Nothing);
        if no_license && self.hits(population.block.no_location, Draw::NoLocation) {
            return None;
        }
        Some(self.one_of(&population.countries, Draw::Country).unwrap_or(&population.country))
    }

    /// `department`.
    pub fn department(self) -> Option<&'p str> {
        self.one_of(&self.population.departments, Draw::Department)
    }

    fn one_of(self, words: &'p [(u64, String)], what: Draw) -> Option<&'p str> {
        if words.is_empty() {
            return None;
        }
        let draw = below(self.draw(what), 1_000_000);
        words.iter().find(|(end, _)| draw < *end).map(|(_, word)| word.as_str())
    }

    /// `accountEnabled`.
    pub fn enabled(self) -> bool {
        !self.hits(self.population.block.disabled, Draw::Disabled)
    }

    /// `onPremisesSyncEnabled`.
    pub fn synced(self) -> bool {
        !self.is_guest() && self.hits(self.population.block.synced, Draw::Synced)
    }

    /// The account, without its licenses.
    pub fn account(self) -> User {
        let title = self.draw(Draw::Title) % names::TITLES.len() as u64;
        User {
            id: self.id(),
            upn: self.upn(),
            name: self.name(),
            usage_location: self.usage_location().map(str::to_owned),
            enabled: self.enabled(),
            guest: self.is_guest(),
            department: self.department().map(str::to_owned),
            job_title: names::TITLES
                .get(usize::try_from(title).unwrap_or(0))
                .map(|title| (*title).to_owned()),
            synced: self.synced(),
            restricted: false,
            unreadable: None,
            held: Vec::new(),
            plans: Plans::default(),
            to_come: Vec::new(),
            deleted: None,
        }
    }

    /// The whole user.
    pub fn user(self) -> User {
        let (profile, since) = (self.profile(), self.since().0);
        let mut user = self.account();
        user.held = profile.held.clone();
        user.held.iter_mut().for_each(|held| held.updated = Some(since));
        user.plans = Plans::since(Arc::clone(&profile.plans), since);
        user
    }
}

/// A number in digits; `write!` takes longer, and this is done for everybody on a page.
fn push_number(to: &mut String, mut number: u64) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    to.extend(digits[at..].iter().map(|digit| char::from(*digit)));
}
