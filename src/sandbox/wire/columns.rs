//! Users as JSON text, written at once. A client that reads a whole directory asks for pages of a thousand
//! users with a few properties each; building values for them first takes ten times as long.
//!
//! What is written is what [`show::user`] shows, keys in the same order; a test compares them.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use serde_json::Value;
use uuid::Uuid;

use super::super::license::Shelf;
use super::super::plans::Provisioned;
use super::super::population::Person;
use super::super::user::{self, Held, User};
use super::super::users::Seen;
use super::properties::USER;
use super::show;
use crate::model::{ServicePlanId, SkuId, Timestamp};

/// The properties that each user of a list shows.
pub struct Columns {
    columns: Vec<(String, Column)>,
    /// Whether each says that it is a user, as in a list of members.
    typed: bool,
}

/// How a property is written.
enum Column {
    Id,
    Upn,
    Name,
    Location,
    Department,
    Enabled,
    Type,
    Licenses,
    States,
    Plans,
    /// As a value first.
    Other(String),
}

impl Columns {
    /// The selected properties, or those that are shown without being asked for.
    pub fn of(select: Option<&[String]>, typed: bool) -> Self {
        let names: BTreeSet<&str> = match select {
            Some(names) => names.iter().map(String::as_str).collect(),
            None => USER.default.iter().copied().collect(),
        };
        let column = |name: &str| match name {
            "id" => Column::Id,
            "userPrincipalName" | "mail" => Column::Upn,
            "displayName" => Column::Name,
            "usageLocation" => Column::Location,
            "department" => Column::Department,
            "accountEnabled" => Column::Enabled,
            "userType" => Column::Type,
            "assignedLicenses" => Column::Licenses,
            "licenseAssignmentStates" => Column::States,
            "assignedPlans" => Column::Plans,
            other => Column::Other(other.to_owned()),
        };
        let columns = names.into_iter().map(|name| (format!("\"{name}\":"), column(name)));
        Columns { columns: columns.collect(), typed }
    }

    /// Writes one user.
    pub fn write(&self, user: Seen<'_>, shelf: &Shelf, to: &mut String) {
        to.push('{');
        if self.typed {
            to.push_str("\"@odata.type\":\"#microsoft.graph.user\"");
        }
        let account = OnceLock::new();
        for (at, (key, column)) in self.columns.iter().enumerate() {
            if at > 0 || self.typed {
                to.push(',');
            }
            to.push_str(key);
            match user {
                Seen::Kept(user) => column.write_kept(user, shelf, to),
                Seen::Lazy(person) => column.write_lazy(person, &account, shelf, to),
            }
        }
        to.push('}');
    }
}

impl Column {
    fn write_kept(&self, user: &User, shelf: &Shelf, to: &mut String) {
        match self {
            Column::Id => guid(user.id.0, to),
            Column::Upn => text(&user.upn, to),
            Column::Name => text(&user.name, to),
            Column::Location => optional(user.usage_location.as_deref(), to),
            Column::Department => optional(user.department.as_deref(), to),
            Column::Enabled => flag(user.enabled, to),
            Column::Type => kind(user.guest, to),
            Column::Licenses => licenses(&user.held, to),
            Column::States => list(&user.held, to, |held, to| state(held, &date(held.updated), to)),
            Column::Plans => {
                list(user.plans.iter(), to, |entry, to| plan(&entry, &date(entry.since), shelf, to));
            }
            Column::Other(name) => value(&show::user(user, name, shelf), to),
        }
    }

    fn write_lazy(&self, person: Person<'_>, account: &OnceLock<User>, shelf: &Shelf, to: &mut String) {
        let pieces = || &person.profile().pieces;
        match self {
            Column::Id => guid(person.id().0, to),
            Column::Upn => {
                to.push('"');
                person.write_upn(to);
                to.push('"');
            }
            Column::Name => text(&person.name(), to),
            Column::Location => optional(person.usage_location(), to),
            Column::Department => optional(person.department(), to),
            Column::Enabled => flag(person.enabled(), to),
            Column::Type => kind(person.is_guest(), to),
            Column::Licenses => to.push_str(pieces().licenses(&person.profile().held)),
            Column::States => dated(pieces().states(&person.profile().held), &person.since().1, to),
            Column::Plans => dated(pieces().plans(&person.profile().plans, shelf), &person.since().1, to),
            Column::Other(name) if name == "provisionedPlans" => {
                value(&show::user(&person.user(), name, shelf), to);
            }
            Column::Other(name) => {
                value(&show::user(account.get_or_init(|| person.account()), name, shelf), to);
            }
        }
    }
}

/// How the wire shows what all people of one profile have in common: texts, cut where a date comes in.
#[derive(Debug, Default)]
pub struct Pieces {
    licenses: OnceLock<String>,
    states: OnceLock<Vec<String>>,
    plans: OnceLock<Vec<String>>,
}

/// Where a date comes in. JSON has no such character.
const HOLE: &str = "\0";

impl Pieces {
    fn licenses(&self, held: &[Held]) -> &str {
        self.licenses.get_or_init(|| written(|to| licenses(held, to)))
    }

    fn states(&self, held: &[Held]) -> &[String] {
        self.states.get_or_init(|| cut(|to| list(held, to, |held, to| state(held, HOLE, to))))
    }

    fn plans(&self, plans: &[Provisioned], shelf: &Shelf) -> &[String] {
        self.plans.get_or_init(|| cut(|to| list(plans, to, |entry, to| plan(entry, HOLE, shelf, to))))
    }
}

fn written(write: impl FnOnce(&mut String)) -> String {
    let mut text = String::new();
    write(&mut text);
    text
}

fn cut(write: impl FnOnce(&mut String)) -> Vec<String> {
    written(write).split(HOLE).map(str::to_owned).collect()
}

fn dated(pieces: &[String], date: &str, to: &mut String) {
    for (at, piece) in pieces.iter().enumerate() {
        if at > 0 {
            to.push_str(date);
        }
        to.push_str(piece);
    }
}

/// An entry of `licenseAssignmentStates`.
fn state(held: &Held, date: &str, to: &mut String) {
    to.push_str("{\"assignedByGroup\":");
    match held.by {
        Some(group) => guid(group.0, to),
        None => to.push_str("null"),
    }
    to.push_str(",\"disabledPlans\":");
    list(&held.disabled, to, |plan, to| guid(plan.0, to));
    to.push_str(",\"error\":\"");
    to.push_str(held.error.map_or("None", |error| error.as_str()));
    to.push_str("\",\"lastUpdatedDateTime\":");
    to.push_str(date);
    to.push_str(",\"skuId\":");
    guid(held.sku.0, to);
    to.push_str(",\"state\":\"");
    to.push_str(held.state.as_str());
    to.push_str("\"}");
}

/// `assignedLicenses`.
fn licenses(held: &[Held], to: &mut String) {
    list(user::merged(held), to, |(sku, off): (SkuId, BTreeSet<ServicePlanId>), to| {
        to.push_str("{\"disabledPlans\":");
        list(off, to, |plan, to| guid(plan.0, to));
        to.push_str(",\"skuId\":");
        guid(sku.0, to);
        to.push('}');
    });
}

/// An entry of `assignedPlans`.
fn plan(entry: &Provisioned, date: &str, shelf: &Shelf, to: &mut String) {
    to.push_str("{\"assignedDateTime\":");
    to.push_str(date);
    to.push_str(",\"capabilityStatus\":\"");
    to.push_str(entry.status.as_str());
    to.push_str("\",\"service\":\"");
    to.push_str(show::service(entry.plan, shelf));
    to.push_str("\",\"servicePlanId\":");
    guid(entry.plan.0, to);
    to.push('}');
}

fn date(time: Option<Timestamp>) -> String {
    time.map_or_else(|| "null".to_owned(), |time| format!("\"{}\"", show::seconds(time)))
}

fn list<T>(items: impl IntoIterator<Item = T>, to: &mut String, write: impl Fn(T, &mut String)) {
    to.push('[');
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            to.push(',');
        }
        write(item, to);
    }
    to.push(']');
}

fn guid(id: Uuid, to: &mut String) {
    let mut digits = Uuid::encode_buffer();
    to.push('"');
    to.push_str(id.hyphenated().encode_lower(&mut digits));
    to.push('"');
}

fn flag(is: bool, to: &mut String) {
    to.push_str(if is { "true" } else { "false" });
}

fn kind(guest: bool, to: &mut String) {
    to.push_str(if guest { "\"Guest\"" } else { "\"Member\"" });
}

fn optional(own: Option<&str>, to: &mut String) {
    match own {
        Some(own) => text(own, to),
        None => to.push_str("null"),
    }
}

/// A text in quotes, escaped where it must be.
pub fn text(own: &str, to: &mut String) {
    let plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    if own.bytes().all(plain) {
        to.push('"');
        to.push_str(own);
        to.push('"');
    } else {
        value(&Value::from(own), to);
    }
}

/// Any value.
pub fn value(own: &Value, to: &mut String) {
    to.push_str(&own.to_string());
}
