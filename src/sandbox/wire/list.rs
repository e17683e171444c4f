//! Lists: which objects are in them, page by page.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::group::Group;
use super::super::tenant::Tenant;
use super::super::users::{Found, Seen};
use super::super::words::Unreadable;
use super::columns::{self, Columns};
use super::filter::{Filter, Filterable, Test};
use super::members;
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
    /// JSON, with commas in between.
    items: String,
    next: Option<String>,
    count: Option<usize>,
}

impl Page {
    /// A list that is never so long that it needs a second page.
    pub fn whole(items: impl IntoIterator<Item = Value>) -> Self {
        let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
        Page { items: items.join(","), ..Page::default() }
    }

    /// The same page, saying how many there are in all.
    pub fn counted(self, count: Option<usize>) -> Self {
        Page { count, ..self }
    }

    /// The body of the answer.
    pub fn body(self, call: &Call<'_>, context: &str) -> String {
        let mut body = String::with_capacity(self.items.len() + 1_000);
        body.push_str("{\"@odata.context\":");
        columns::text(&call.context(context), &mut body);
        if let Some(count) = self.count {
            body.push_str(&format!(",\"@odata.count\":{count}"));
        }
        if let Some(place) = self.next {
            body.push_str(",\"@odata.nextLink\":");
            columns::text(&call.url.next_link(&call.ask.origin, &token(&place)), &mut body);
        }
        body.push_str(",\"value\":[");
        body.push_str(&self.items);
        body.push_str("]}");
        body
    }

    /// Takes one page from objects that come in their order, those before the page left out.
    pub fn take<T>(
        mut objects: impl Iterator<Item = T>,
        call: &Call<'_>,
        key: impl Fn(&T) -> String,
        show: impl Fn(&T, &mut String),
    ) -> Self {
        let mut page = Page::default();
        let mut last = None;
        for object in objects.by_ref().take(call.options.page()) {
            if last.is_some() {
                page.items.push(',');
            }
            show(&object, &mut page.items);
            last = Some(object);
        }
        page.next = objects.next().and(last).map(|last| key(&last));
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
    let found = Asked::users(tenant, call)?;
    let count = call.counts().then(|| found.count());
    let after: Option<UserId> = call.options.skip.as_deref().and_then(|place| place.parse().ok());
    let columns = Columns::of(call.options.select.as_deref(), false);
    let show = |user: &Seen<'_>, to: &mut String| columns.write(*user, tenant.shelf(), to);
    let page = Page::take(found.after(after), call, |user| user.id().to_string(), show);
    Ok(page.counted(count))
}

/// `GET /users/$count`
pub fn count_users(tenant: &Tenant, call: &Call<'_>) -> Result<usize, Refusal> {
    Asked::users(tenant, call).map(|found| found.count())
}

/// The users that a request asks for.
struct Asked<'c> {
    tenant: &'c Tenant,
    call: &'c Call<'c>,
    test: Option<Test<'c>>,
    /// Who is asked for by id or UPN.
    named: Option<BTreeSet<UserId>>,
}

impl<'c> Asked<'c> {
    fn users(tenant: &'c Tenant, call: &'c Call<'c>) -> Result<Self, Refusal> {
        let filter = call.filter(&Filterable::USER)?;
        let named = filter.and_then(Filter::keys).map(|keys| ids_of(tenant, call, &keys));
        let asked = Asked { tenant, call, test: filter.map(Test::of), named };
        // A list leaves out what cannot be read, silently; who asks for it by name is refused.
        let named = asked.named.iter().flatten();
        let mut users = named.filter_map(|id| call.user(tenant, *id)).filter(|user| asked.fits(*user));
        users.try_for_each(|user| check_readable(user.unreadable()))?;
        Ok(asked)
    }

    fn fits(&self, user: Seen<'_>) -> bool {
        self.test.as_ref().is_none_or(|test| test.fits(user, self.tenant.shelf()))
    }

    /// Those behind that place, in the order of lists.
    fn after(&self, place: Option<UserId>) -> impl Iterator<Item = Seen<'_>> {
        let found: Box<dyn Iterator<Item = Found<'_>>> = match &self.named {
            Some(ids) => {
                let behind = ids.iter().filter(move |id| place.is_none_or(|place| **id > place));
                Box::new(behind.filter_map(|id| self.tenant.state.users.find(*id)))
            }
            None => Box::new(self.tenant.state.users.after(place)),
        };
        let seen = found.map(|found| self.call.sees(self.tenant, found)).filter(|user| user.is_there());
        seen.filter(|user| self.fits(*user) && user.unreadable().is_none())
    }

    /// How many there are in all.
    fn count(&self) -> usize {
        let filter = format!("{:?}", self.call.options.filter);
        let lag = self.tenant.settings.lag;
        self.tenant.counts.of(filter, self.call.now, lag, || self.after(None).count())
    }
}

/// The users with these ids or UPNs, in the order of lists.
fn ids_of(tenant: &Tenant, call: &Call<'_>, keys: &[&str]) -> BTreeSet<UserId> {
    keys.iter().filter_map(|key| call.user_by_key(tenant, key)).map(Seen::id).collect()
}

/// `GET /groups`
pub fn groups(tenant: &Tenant, call: &Call<'_>) -> Result<Page, Refusal> {
    call.options.check_select(&GROUP, true)?;
    let filter = call.filter(&Filterable::GROUP)?;
    let shown = tenant.state.groups.keys().filter_map(|id| call.group(tenant, *id));
    let property = |group: &Group, name: &str| match name {
        // Never shown, but one can filter by it (GRAPH 5.3).
        "hasMembersWithLicenseErrors" => json!(members::any_in_error(tenant, call, group)),
        other => show::group(group, other),
    };
    let fits = |group: &&Group| filter.is_none_or(|filter| filter.fits(&|name| property(group, name)));
    let found: Vec<&Group> = shown.filter(fits).collect();
    readable(&found, filter.is_some(), |group| group.unreadable)?;
    let found = found.into_iter().filter(|group| group.unreadable.is_none());
    let select = call.options.select.as_deref();
    let count = call.counts().then(|| found.clone().count());
    let after = call.options.skip.as_deref().unwrap_or_default();
    let found = found.filter(|group| group.id.to_string().as_str() > after);
    let show = |group: &&Group, to: &mut String| {
        let shown = show::object(&GROUP, select, |name| show::group(group, name));
        columns::value(&Value::Object(shown), to);
    };
    let page = Page::take(found, call, |group| group.id.to_string(), show);
    Ok(page.counted(count))
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

/// The id of that group. Groups have no other key.
pub fn group_id(tenant: &Tenant, key: &str) -> Option<GroupId> {
    key.parse().ok().filter(|id| tenant.state.groups.contains_key(id))
}

impl Call<'_> {
    /// A user as this request sees it, whether or not it is there.
    pub fn sees<'t>(&self, tenant: &Tenant, found: Found<'t>) -> Seen<'t> {
        found.at(|id| tenant.shown(id.0, self.now, self.number))
    }

    /// That user as this request sees it; one that it sees deleted is not there.
    pub fn user<'t>(&self, tenant: &'t Tenant, id: UserId) -> Option<Seen<'t>> {
        let user = tenant.state.users.find(id).map(|found| self.sees(tenant, found));
        user.filter(|user| user.is_there())
    }

    /// The user with that id or UPN, in any case, as this request sees it.
    pub fn user_by_key<'t>(&self, tenant: &'t Tenant, key: &str) -> Option<Seen<'t>> {
        tenant.user_by_key(key, |found| self.sees(tenant, found))
    }

    /// That group as this request sees it; one that it sees deleted is not there.
    pub fn group<'t>(&self, tenant: &'t Tenant, id: GroupId) -> Option<&'t Group> {
        let shown = tenant.shown(id.0, self.now, self.number);
        let group = tenant.state.groups.get(&id).map(|history| history.at(shown));
        group.filter(|group| !group.deleted)
    }

    /// Its filter, if the collection supports it.
    pub fn filter(&self, filterable: &Filterable) -> Result<Option<&Filter>, Refusal> {
        let filter = self.options.filter.as_ref();
        filter.map(|filter| filterable.check(filter, self.is_advanced())).transpose()?;
        Ok(filter)
    }

    /// Whether `@odata.count` is due: in advanced queries, on the first page (GRAPH 2.2).
    pub fn counts(&self) -> bool {
        self.is_advanced() && self.options.skip.is_none()
    }
}
