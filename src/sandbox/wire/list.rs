//! Lists: which objects are in them, page by page.

use std::collections::BTreeSet;
use std::ops::Bound;

use serde_json::{Value, json};

use super::super::group::{Group, Member};
use super::super::tenant::Tenant;
use super::super::user::User;
use super::super::words::Unreadable;
use super::filter::{Filter, Filterable};
use super::options::token;
use super::properties::{GROUP, USER};
use super::refusal::Refusal;
use super::reply::Call;
use super::show;
use crate::model::{GroupId, UserId};

/// One page: the objects, how many there are in all (when that was asked for), and where the next
/// page begins.
#[derive(Debug, Default)]
pub struct Page {
    items: Vec<Value>,
    next: Option<String>,
    count: Option<usize>,
}

impl Page {
    /// A list that is never so long that it needs a second page.
    pub fn whole(items: Vec<Value>) -> Self {
        Page { items, ..Page::default() }
    }

    /// The body of the answer.
    pub fn body(self, call: &Call<'_>, context: &str) -> Value {
        let mut body = json!({ "@odata.context": call.context(context) });
        if let Some(count) = self.count {
            body["@odata.count"] = json!(count);
        }
        if let Some(place) = self.next {
            body["@odata.nextLink"] = json!(call.url.next_link(&call.ask.origin, &token(&place)));
        }
        body["value"] = Value::Array(self.items);
        body
    }

    /// Takes one page from objects that are in the order of their keys.
    fn take<T>(
        objects: impl Iterator<Item = (String, T)>,
        call: &Call<'_>,
        show: impl Fn(T) -> Value,
    ) -> Self {
        let after = call.options.skip.clone().unwrap_or_default();
        let mut page = Page::default();
        let mut rest = objects.filter(|(key, _)| *key > after);
        let mut last = None;
        for (key, object) in rest.by_ref().take(call.options.page()) {
            page.items.push(show(object));
            last = Some(key);
        }
        page.next = rest.next().and(last);
        page
    }
}

/// Refuses what cannot be read.
pub fn check_readable(unreadable: Option<Unreadable>) -> Result<(), Refusal> {
    match unreadable {
        None => Ok(()),
        Some(Unreadable::Forbidden) => Err(Refusal::denied()),
        Some(Unreadable::Unavailable) => Err(Refusal::of_status(503)),
    }
}

/// `GET /users`
pub fn users(tenant: &Tenant, call: &Call<'_>) -> Result<Page, Refusal> {
    call.options.check_select(&USER, true)?;
    let filter = call.filter(&Filterable::USER)?;
    let fits = |id: &UserId| {
        let user = call.user(tenant, *id)?;
        let property = |name: &str| show::user(user, name, tenant.shelf());
        filter.is_none_or(|filter| filter.fits(&property)).then_some(user)
    };
    let named = filter.and_then(Filter::keys).map(|keys| ids_of(tenant, call, &keys));
    let mut asked_for = named.iter().flatten().filter_map(fits);
    asked_for.try_for_each(|user| check_readable(user.unreadable))?;
    let readable = |user: &&User| user.unreadable.is_none();
    let count = call.counts().then(|| tenant.state.users.keys().filter_map(fits).filter(readable).count());
    let candidates: Box<dyn Iterator<Item = &UserId>> = match &named {
        Some(ids) => Box::new(ids.iter()),
        None => Box::new(users_after(tenant, call.options.skip.as_deref())),
    };
    let keyed = candidates.filter_map(fits).filter(readable).map(|user| (user.id.to_string(), user));
    let select = call.options.select.as_deref();
    let page = Page::take(keyed, call, |user| {
        Value::Object(show::object(&USER, select, |name| show::user(user, name, tenant.shelf())))
    });
    Ok(Page { count, ..page })
}

/// The users with these ids or UPNs, in the order of lists.
fn ids_of(tenant: &Tenant, call: &Call<'_>, keys: &[&str]) -> BTreeSet<UserId> {
    keys.iter().filter_map(|key| call.user_by_key(tenant, key)).map(|user| user.id).collect()
}

/// All users from there on. Going through those before it again for each page would make long
/// lists slow.
fn users_after<'a>(tenant: &'a Tenant, place: Option<&str>) -> impl Iterator<Item = &'a UserId> {
    let after: Option<UserId> = place.and_then(|place| place.parse().ok());
    let after = after.map_or(Bound::Unbounded, Bound::Excluded);
    tenant.state.users.range((after, Bound::Unbounded)).map(|(id, _)| id)
}

/// `GET /groups`
pub fn groups(tenant: &Tenant, call: &Call<'_>) -> Result<Page, Refusal> {
    call.options.check_select(&GROUP, true)?;
    let filter = call.filter(&Filterable::GROUP)?;
    let shown = tenant.state.groups.keys().filter_map(|id| call.group(tenant, *id));
    let property = |group: &Group, name: &str| match name {
        // Never shown, but one can filter by it (GRAPH 5.3).
        "hasMembersWithLicenseErrors" => json!(members_in_error(tenant, call, group).next().is_some()),
        other => show::group(group, other),
    };
    let fits = |group: &&Group| filter.is_none_or(|filter| filter.fits(&|name| property(group, name)));
    let found: Vec<&Group> = shown.filter(fits).collect();
    readable(&found, filter.is_some(), |group| group.unreadable)?;
    let found = found.into_iter().filter(|group| group.unreadable.is_none());
    let select = call.options.select.as_deref();
    let count = call.counts().then(|| found.clone().count());
    let keyed = found.map(|group| (group.id.to_string(), group));
    let page = Page::take(keyed, call, |group| {
        Value::Object(show::object(&GROUP, select, |name| show::group(group, name)))
    });
    Ok(Page { count, ..page })
}

/// A list leaves out what cannot be read, silently; who asks for it by name is refused.
fn readable<T>(
    found: &[&T],
    asked_for: bool,
    unreadable: impl Fn(&T) -> Option<Unreadable>,
) -> Result<(), Refusal> {
    if !asked_for {
        return Ok(());
    }
    found.iter().try_for_each(|object| check_readable(unreadable(object)))
}

/// `GET /groups/{id}/members`, or only the users among them.
pub fn members(tenant: &Tenant, call: &Call<'_>, group: &Group, only_users: bool) -> Result<Page, Refusal> {
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
    let fits = |member: &Member| match member {
        Member::User(id) => call.user(tenant, *id).is_some_and(|user| {
            filter.is_none_or(|filter| filter.fits(&|name| show::user(user, name, tenant.shelf())))
        }),
        Member::Group(id) => !only_users && call.group(tenant, *id).is_some(),
        Member::Other(..) => !only_users,
    };
    let found: Vec<&Member> = group.members.iter().filter(|member| fits(member)).collect();
    let count = call.counts().then_some(found.len());
    // The order of members is the file's, so the place in it is the key.
    let keyed = found.into_iter().enumerate().map(|(place, member)| (format!("{place:09}"), member));
    let page = Page::take(keyed, call, |member| show_member(tenant, call, member));
    Ok(Page { count, ..page })
}

fn show_member(tenant: &Tenant, call: &Call<'_>, member: &Member) -> Value {
    let select = call.options.select.as_deref();
    let mut shown = match member {
        Member::User(id) => match call.user(tenant, *id) {
            Some(user) if user.unreadable.is_none() => {
                show::object(&USER, select, |name| show::user(user, name, tenant.shelf()))
            }
            // Only type and id of what may not be read (GRAPH 4.4).
            Some(_) | None => [("id".to_owned(), json!(id))].into_iter().collect(),
        },
        Member::Group(id) => match call.group(tenant, *id) {
            Some(group) => {
                let mut shown = show::object(&GROUP, select, |name| show::group(group, name));
                shown.retain(|name, _| GROUP.has(name));
                shown
            }
            None => [("id".to_owned(), json!(id))].into_iter().collect(),
        },
        Member::Other(id, _) => {
            let mut shown = show::object(&USER, select, |name| show::other_member(*id, member, name));
            shown.retain(|name, _| name == "id" || name == "displayName");
            shown
        }
    };
    shown.insert("@odata.type".to_owned(), json!(show::odata_type(member)));
    Value::Object(shown)
}

/// `GET /groups/{id}/membersWithLicenseErrors`
pub fn members_with_errors(tenant: &Tenant, call: &Call<'_>, group: &Group) -> Result<Page, Refusal> {
    call.options.check_select(&USER, true)?;
    let select = call.options.select.as_deref();
    let keyed = members_in_error(tenant, call, group).enumerate();
    Ok(Page::take(keyed.map(|(place, user)| (format!("{place:09}"), user)), call, |user| {
        let mut shown = show::object(&USER, select, |name| show::user(user, name, tenant.shelf()));
        shown.insert("@odata.type".to_owned(), json!("#microsoft.graph.user"));
        Value::Object(shown)
    }))
}

fn members_in_error<'a>(
    tenant: &'a Tenant,
    call: &'a Call<'_>,
    group: &'a Group,
) -> impl Iterator<Item = &'a User> + 'a {
    group.users().filter_map(|id| call.user(tenant, id)).filter(|user| user.has_error_from(group.id))
}

/// The id of that group. Groups have no other key.
pub fn group_id(tenant: &Tenant, key: &str) -> Option<GroupId> {
    key.parse().ok().filter(|id| tenant.state.groups.contains_key(id))
}

impl Call<'_> {
    /// That user as this request sees it; one that it sees deleted is not there.
    pub fn user<'t>(&self, tenant: &'t Tenant, id: UserId) -> Option<&'t User> {
        let shown = tenant.shown(id.0, self.now);
        let user = tenant.state.users.get(&id).map(|history| history.at(shown));
        user.filter(|user| user.deleted.is_none())
    }

    /// The user with that id or UPN, in any case, as this request sees it.
    pub fn user_by_key<'t>(&self, tenant: &'t Tenant, key: &str) -> Option<&'t User> {
        tenant.user_by_key(key, |id, history| history.at(tenant.shown(id.0, self.now)))
    }

    /// That group as this request sees it; one that it sees deleted is not there.
    pub fn group<'t>(&self, tenant: &'t Tenant, id: GroupId) -> Option<&'t Group> {
        let shown = tenant.shown(id.0, self.now);
        let group = tenant.state.groups.get(&id).map(|history| history.at(shown));
        group.filter(|group| !group.deleted)
    }

    fn filter(&self, filterable: &Filterable) -> Result<Option<&Filter>, Refusal> {
        let filter = self.options.filter.as_ref();
        filter.map(|filter| filterable.check(filter, self.is_advanced())).transpose()?;
        Ok(filter)
    }

    /// Whether `@odata.count` is due: in advanced queries, on the first page (GRAPH 2.2).
    fn counts(&self) -> bool {
        self.is_advanced() && self.options.skip.is_none()
    }
}
