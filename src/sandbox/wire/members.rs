//! The members of a group, page by page: first those that are listed, in the order of the file, then those
//! who are described, in the order of ids.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::super::group::{Group, Member};
use super::super::population::Person;
use super::super::tenant::Tenant;
use super::super::users::{Found, Seen};
use super::columns::{self, Columns};
use super::filter::{Filterable, Test};
use super::list::Page;
use super::properties::{GROUP, USER};
use super::refusal::Refusal;
use super::reply::Call;
use super::show;

/// Where a member stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// That place in the list.
    Listed(usize),
    /// That number in the population.
    Person(u64),
}

impl Place {
    /// As it goes into a token.
    fn key(self) -> String {
        match self {
            Place::Listed(place) => format!("{place:09}"),
            Place::Person(number) => format!("person {number}"),
        }
    }

    /// The place that a token names; the first one where it names none.
    fn read(key: Option<&str>) -> Option<Self> {
        let key = key?;
        let person = key.strip_prefix("person ").and_then(|number| number.parse().ok());
        person.map(Place::Person).or_else(|| key.parse().ok().map(Place::Listed))
    }
}

/// The members of a group behind that place.
fn after(group: &Group, place: Option<Place>) -> impl Iterator<Item = (Place, Cow<'_, Member>)> {
    let (skipped, number) = match place {
        None => (0, 0),
        Some(Place::Listed(place)) => (place + 1, 0),
        Some(Place::Person(number)) => (usize::MAX, number + 1),
    };
    let listed = group.members.iter().enumerate().skip(skipped);
    let listed = listed.map(|(place, member)| (Place::Listed(place), Cow::Borrowed(member)));
    let person = |person: Person<'_>| (Place::Person(person.number()), Cow::Owned(Member::User(person.id())));
    listed.chain(group.people_from(number).map(person))
}

/// `GET /groups/{id}/members`, or only the users among them.
pub fn all(tenant: &Tenant, call: &Call<'_>, group: &Group, only_users: bool) -> Result<Page, Refusal> {
    for name in call.options.select.iter().flatten() {
        if !USER.has(name) && (only_users || !GROUP.has(name)) {
            call.options.check_select(&USER, true)?;
        }
    }
    let filter = call.filter(&Filterable::USER)?;
    if only_users && !call.is_advanced() || filter.is_some() && !(only_users && call.is_advanced()) {
        return Err(Refusal::unsupported(
            "The request needs the header ConsistencyLevel: eventual and $count=true.",
        ));
    }
    let test = filter.map(Test::of);
    let fits = |(_, member): &(Place, Cow<'_, Member>)| match **member {
        Member::User(id) => call
            .user(tenant, id)
            .is_some_and(|user| test.as_ref().is_none_or(|test| test.fits(user, tenant.shelf()))),
        Member::Group(id) => !only_users && call.group(tenant, id).is_some(),
        Member::Other(..) => !only_users,
    };
    let count = call.counts().then(|| after(group, None).filter(fits).count());
    let found = after(group, Place::read(call.options.skip.as_deref())).filter(fits);
    let columns = Columns::of(call.options.select.as_deref(), true);
    let show = |(_, member): &(Place, Cow<'_, Member>), to: &mut String| {
        show_member(tenant, call, &columns, member, to);
    };
    let page = Page::take(found, call, |(place, _)| place.key(), show);
    Ok(page.counted(count))
}

fn show_member(tenant: &Tenant, call: &Call<'_>, columns: &Columns, member: &Member, to: &mut String) {
    let select = call.options.select.as_deref();
    let only_id = |id: Value| -> Map<String, Value> { [("id".to_owned(), id)].into_iter().collect() };
    let mut shown = match member {
        Member::User(id) => match call.user(tenant, *id) {
            Some(user) if user.unreadable().is_none() => {
                return columns.write(user, tenant.shelf(), to);
            }
            // Only type and id of what may not be read (GRAPH 4.4).
            Some(_) | None => only_id(json!(id)),
        },
        Member::Group(id) => match call.group(tenant, *id) {
            Some(group) => {
                let mut shown = show::object(&GROUP, select, |name| show::group(group, name));
                shown.retain(|name, _| GROUP.has(name));
                shown
            }
            None => only_id(json!(id)),
        },
        Member::Other(id, _) => {
            let mut shown = show::object(&USER, select, |name| show::other_member(*id, member, name));
            shown.retain(|name, _| name == "id" || name == "displayName");
            shown
        }
    };
    shown.insert("@odata.type".to_owned(), json!(show::odata_type(member)));
    columns::value(&Value::Object(shown), to);
}

/// `GET /groups/{id}/membersWithLicenseErrors`
pub fn with_errors(tenant: &Tenant, call: &Call<'_>, group: &Group) -> Result<Page, Refusal> {
    call.options.check_select(&USER, true)?;
    let found = in_error(tenant, call, group, call.options.skip.as_deref());
    let columns = Columns::of(call.options.select.as_deref(), true);
    let show = |(_, user): &(Place, Seen<'_>), to: &mut String| columns.write(*user, tenant.shelf(), to);
    Ok(Page::take(found, call, |(place, _)| place.key(), show))
}

/// Whether licenses of any member from that group are in error (GRAPH 5.3).
pub fn any_in_error(tenant: &Tenant, call: &Call<'_>, group: &Group) -> bool {
    in_error(tenant, call, group, None).next().is_some()
}

/// The members of that group whose licenses from it are in error, behind that place.
fn in_error<'a>(
    tenant: &'a Tenant,
    call: &'a Call<'_>,
    group: &'a Group,
    place: Option<&str>,
) -> impl Iterator<Item = (Place, Seen<'a>)> + 'a {
    let seen = |id| tenant.state.users.find(id).map(|found: Found<'a>| call.sees(tenant, found));
    let user = move |(place, member): (Place, Cow<'a, Member>)| match *member {
        Member::User(id) => Some((place, seen(id)?)),
        Member::Group(_) | Member::Other(..) => None,
    };
    let users = after(group, Place::read(place)).filter_map(user);
    users.filter(|(_, user)| user.is_there() && user.has_error_from(group.id))
}
