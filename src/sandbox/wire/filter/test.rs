//! A filter of users, made ready: what it asks of a described user is answered from tables where it can be,
//! so that going through a large directory costs little more than counting.

use std::cell::RefCell;

use serde_json::Value;

use super::super::super::license::Shelf;
use super::super::super::population::{FIRST_NAMES, Person};
use super::super::super::users::Seen;
use super::super::show;
use super::{Filter, Literal};
use crate::model::SkuId;

/// A condition on users.
pub struct Test<'f> {
    filter: &'f Filter,
    kind: Kind<'f>,
}

enum Kind<'f> {
    All(Vec<Test<'f>>),
    Any(Vec<Test<'f>>),
    Not(Box<Test<'f>>),
    Enabled(bool),
    Guest(bool),
    /// Holds that license.
    License(SkuId),
    /// Asks for nothing but licenses and service plans: what is known of each profile.
    Profile(RefCell<Vec<Option<bool>>>),
    /// The UPN begins so, in lower case; what each given name says of it.
    Upn(String, Vec<Option<bool>>),
    Department(Vec<String>),
    Location(Vec<String>),
    /// Anything else.
    Other,
}

impl<'f> Test<'f> {
    /// Makes a filter ready.
    pub fn of(filter: &'f Filter) -> Self {
        let tests = |filters: &'f [Filter]| filters.iter().map(Test::of).collect();
        let kind = match filter {
            Filter::And(filters) => Kind::All(tests(filters)),
            Filter::Or(filters) => Kind::Any(tests(filters)),
            Filter::Not(filter) => Kind::Not(Box::new(Test::of(filter))),
            Filter::StartsWith(path, text) if path == "userPrincipalName" => {
                let text = text.to_lowercase();
                let says =
                    FIRST_NAMES.iter().map(|name| match (name.starts_with(&text), text.starts_with(name)) {
                        (true, _) => Some(true),
                        (false, true) => None,
                        (false, false) => Some(false),
                    });
                let says = says.collect();
                Kind::Upn(text, says)
            }
            Filter::Any { path, entry } if path == "assignedLicenses" => match entry.as_slice() {
                [(name, Literal::Guid(guid))] if name == "skuId" => {
                    guid.parse().map_or(Kind::Other, Kind::License)
                }
                _ => Kind::Other,
            },
            Filter::Any { path, .. } | Filter::Count { path, .. }
                if path == "assignedPlans" || path == "assignedLicenses" =>
            {
                Kind::Profile(RefCell::default())
            }
            Filter::Compare { path, not: false, value } => equal(path, std::slice::from_ref(value)),
            Filter::In { path, values } => equal(path, values),
            Filter::Compare { .. }
            | Filter::StartsWith(..)
            | Filter::EndsWith(..)
            | Filter::Any { .. }
            | Filter::Count { .. } => Kind::Other,
        };
        Test { filter, kind }
    }

    /// Whether a user is like that.
    pub fn fits(&self, user: Seen<'_>, shelf: &Shelf) -> bool {
        match (&self.kind, user) {
            (Kind::All(tests), _) => tests.iter().all(|test| test.fits(user, shelf)),
            (Kind::Any(tests), _) => tests.iter().any(|test| test.fits(user, shelf)),
            (Kind::Not(test), _) => !test.fits(user, shelf),
            (Kind::Enabled(is), Seen::Kept(user)) => user.enabled == *is,
            (Kind::Enabled(is), Seen::Lazy(person)) => person.enabled() == *is,
            (Kind::Guest(is), Seen::Kept(user)) => user.guest == *is,
            (Kind::Guest(is), Seen::Lazy(person)) => person.is_guest() == *is,
            (Kind::License(sku), Seen::Kept(user)) => user.has(*sku),
            (Kind::License(sku), Seen::Lazy(person)) => person.profile().in_force.contains(sku),
            (Kind::Upn(text, _), Seen::Kept(user)) => user.upn.to_lowercase().starts_with(text),
            (Kind::Upn(text, says), Seen::Lazy(person)) => {
                let whole = || person.upn().to_lowercase().starts_with(text);
                says[person.first()].unwrap_or_else(whole)
            }
            (Kind::Department(words), Seen::Kept(user)) => is_one_of(user.department.as_deref(), words),
            (Kind::Department(words), Seen::Lazy(person)) => is_one_of(person.department(), words),
            (Kind::Location(words), Seen::Kept(user)) => is_one_of(user.usage_location.as_deref(), words),
            (Kind::Location(words), Seen::Lazy(person)) => is_one_of(person.usage_location(), words),
            (Kind::Profile(known), Seen::Lazy(person)) => self.by_profile(known, person, shelf),
            (Kind::Profile(_) | Kind::Other, Seen::Kept(user)) => {
                self.filter.fits(&|name| show::user(user, name, shelf))
            }
            (Kind::Other, Seen::Lazy(person)) => self.by_value(person, shelf),
        }
    }

    fn by_profile(&self, known: &RefCell<Vec<Option<bool>>>, person: Person<'_>, shelf: &Shelf) -> bool {
        let number = person.profile_number();
        let mut known = known.borrow_mut();
        if known.len() <= number {
            known.resize(number + 1, None);
        }
        *known[number].get_or_insert_with(|| self.by_value(person, shelf))
    }

    fn by_value(&self, person: Person<'_>, shelf: &Shelf) -> bool {
        let property = |name: &str| -> Value {
            match name {
                "assignedLicenses" | "assignedPlans" => show::user(&person.user(), name, shelf),
                other => show::user(&person.account(), other, shelf),
            }
        };
        self.filter.fits(&property)
    }
}

/// `path eq value`, or one of several.
fn equal<'f>(path: &str, values: &[Literal]) -> Kind<'f> {
    let texts = || values.iter().map(|value| value.text().map(str::to_lowercase)).collect::<Option<Vec<_>>>();
    match (path, values) {
        ("accountEnabled", [Literal::Bool(is)]) => Kind::Enabled(*is),
        ("userType", [Literal::Text(text)]) if text.eq_ignore_ascii_case("guest") => Kind::Guest(true),
        ("userType", [Literal::Text(text)]) if text.eq_ignore_ascii_case("member") => Kind::Guest(false),
        ("department", _) => texts().map_or(Kind::Other, Kind::Department),
        ("usageLocation", _) => texts().map_or(Kind::Other, Kind::Location),
        _ => Kind::Other,
    }
}

fn is_one_of(own: Option<&str>, words: &[String]) -> bool {
    own.is_some_and(|own| {
        words.iter().any(|word| word.eq_ignore_ascii_case(own) || *word == own.to_lowercase())
    })
}
