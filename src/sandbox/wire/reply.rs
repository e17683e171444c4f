//! From a request to its answer.

use std::borrow::Cow;

use serde_json::{Value, json};
use uuid::Uuid;

use super::super::group::Group;
use super::super::tenant::Tenant;
use super::super::user::User;
use super::super::users::{Found, Seen};
use super::super::weather::Place;
use super::super::words::AssignmentError;
use super::access::Access;
use super::ask::{Answer, Ask};
use super::list::{self, Page, check_readable};
use super::options::Options;
use super::properties::{GROUP, LICENSE_DETAILS, ORGANIZATION, Properties, SUBSCRIBED_SKU, USER};
use super::refusal::Refusal;
use super::target::Target;
use super::url::Url;
use super::{batch, cost, members, show, spoil};
use crate::model::{SubjectId, Timestamp, UserId};

/// A request that is understood.
pub struct Call<'a> {
    /// As it came.
    pub ask: &'a Ask,
    /// Its URL.
    pub url: Url,
    /// What the URL leads to.
    pub target: Target,
    /// How to show it.
    pub options: Options,
    /// When.
    pub now: Timestamp,
    /// Which request of the tenant it is.
    pub number: u64,
}

impl<'a> Call<'a> {
    fn read(ask: &'a Ask, now: Timestamp) -> Result<Self, Refusal> {
        let url = Url::read(&ask.path_and_query)?;
        let target = Target::of(&url)?;
        if ask.method != target.method() {
            return Err(Refusal::no_method());
        }
        let known: &[&str] = match target {
            Target::Users | Target::Groups | Target::Members(_) | Target::UserMembers(_) => {
                &["$select", "$filter", "$top", "$count", "$skiptoken"]
            }
            Target::MembersWithErrors(_) => &["$select", "$top", "$skiptoken"],
            Target::CountUsers => &["$filter"],
            Target::Organization
            | Target::SubscribedSkus
            | Target::User(_)
            | Target::LicenseDetails(_)
            | Target::Group(_) => &["$select"],
            Target::AssignUser(_) | Target::AssignGroup(_) | Target::ReprocessUser(_) | Target::Batch => &[],
        };
        let options = Options::read(&url, known)?;
        Ok(Call { ask, url, target, options, now, number: 0 })
    }

    /// Whether the request has what an advanced query needs: a header and `$count` (GRAPH 2.3).
    /// The header is not part of a link, so it has to come again with each page.
    pub fn is_advanced(&self) -> bool {
        (self.options.count || self.target == Target::CountUsers) && self.is_eventual()
    }

    fn is_eventual(&self) -> bool {
        let eventual = |value: &str| value.eq_ignore_ascii_case("eventual");
        self.ask.header("ConsistencyLevel").is_some_and(eventual)
    }

    /// `@odata.context`
    pub fn context(&self, fragment: &str) -> String {
        let selected = self.options.select.as_ref().map(|names| format!("({})", names.join(",")));
        let (collection, entity) = fragment.split_once('/').unwrap_or((fragment, ""));
        let entity = if entity.is_empty() { String::new() } else { format!("/{entity}") };
        let origin = &self.ask.origin;
        format!("{origin}/v1.0/$metadata#{collection}{}{entity}", selected.unwrap_or_default())
    }
}

/// What a request that went well comes back with.
struct Done {
    status: u16,
    kind: &'static str,
    body: String,
    location: Option<String>,
}

const JSON: &str = "application/json;odata.metadata=minimal;charset=utf-8";

impl From<String> for Done {
    fn from(body: String) -> Self {
        Done { status: 200, kind: JSON, body, location: None }
    }
}

impl From<Value> for Done {
    fn from(body: Value) -> Self {
        body.to_string().into()
    }
}

/// The answer to a request, which may be a batch.
pub fn answer(access: &mut impl Access, ask: &Ask, now: Timestamp) -> Answer {
    if access.look(|tenant| tenant.is_due(now)) {
        access.change(|tenant| tenant.advance(now));
    }
    match Call::read(ask, now) {
        Ok(call) if call.target == Target::Batch && has_token(ask) => batch::answer(access, ask, now),
        Ok(_) | Err(_) => one(access, ask, Place::Request, now),
    }
}

/// The answer to a request that is not a batch; it may be a part of one.
pub fn one(access: &mut impl Access, ask: &Ask, place: Place, now: Timestamp) -> Answer {
    let mut call = Call::read(ask, now);
    let is_write = call.as_ref().is_ok_and(|call| call.target.is_write());
    let units = call.as_ref().map_or(1, |call| cost::units(&call.target, &call.options));
    let passed = access.look(|tenant| tenant.gate().pass(tenant.settings.seed, is_write, units, place, now));
    let (number, fault, charged) = (passed.number, passed.fault, passed.charged);
    if let Ok(call) = &mut call {
        call.number = number;
    }
    let instead = fault.as_ref().filter(|fault| !fault.answer.after_the_work());
    let refusal = match &call {
        _ if instead.is_some() => None,
        _ if charged.refused.is_some() => Some(Refusal::of_status(429)),
        _ if passed.meets => Some(Refusal::conflict()),
        _ if !has_token(ask) => Some(Refusal::no_token()),
        Err(refusal) => Some(refusal.clone()),
        Ok(_) => None,
    };
    let done = match (refusal, &call) {
        (None, Ok(call)) if instead.is_none() && is_write => access.change(|tenant| changed(tenant, call)),
        (None, Ok(call)) if instead.is_none() => access.look(|tenant| shown(tenant, call)),
        (None, Ok(_)) => Err(Refusal::of_status(503)),
        (Some(refusal), _) => Err(refusal),
        (None, Err(refusal)) => Err(refusal.clone()),
    };
    access.look(|tenant| {
        let mut answer = match (instead, done) {
            (Some(fault), _) => spoil::instead(tenant, fault, ask, number, now),
            (None, Ok(done)) => answered(done),
            (None, Err(refusal)) => refused(tenant, &refusal, ask, number, now),
        };
        if let (Some(fault), Ok(call)) = (&fault, &call) {
            spoil::after(&mut answer, fault.answer);
            spoil::relink(&mut answer, fault.answer, call);
        }
        set_headers(&mut answer, tenant, ask, number, now);
        answer.set("x-ms-resource-unit", units.to_string());
        charged.tell(&mut answer);
        answer
    })
}

/// Every request needs a token; any token will do.
fn has_token(ask: &Ask) -> bool {
    let token = ask.header("Authorization").and_then(|value| value.strip_prefix("Bearer "));
    token.is_some_and(|token| !token.trim().is_empty())
}

fn answered(done: Done) -> Answer {
    let mut answer = Answer { status: done.status, ..Answer::default() };
    answer.set("Content-Type", done.kind);
    if let Some(location) = done.location {
        answer.set("Location", location);
    }
    answer.body = done.body.into_bytes();
    answer
}

/// The answer that a refusal is.
pub fn refused(tenant: &Tenant, refusal: &Refusal, ask: &Ask, number: u64, now: Timestamp) -> Answer {
    let mut answer = Answer { status: refusal.status, ..Answer::default() };
    answer.set("Content-Type", "application/json");
    let body = refusal.body(request_id(tenant, number), &client_request_id(tenant, ask, number), now);
    answer.body = body.to_string().into_bytes();
    answer
}

/// What every answer has (GRAPH 9).
pub fn set_headers(answer: &mut Answer, tenant: &Tenant, ask: &Ask, number: u64, now: Timestamp) {
    answer.set("request-id", request_id(tenant, number).to_string());
    answer.set("client-request-id", client_request_id(tenant, ask, number));
    answer.set("Date", now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string());
}

fn request_id(tenant: &Tenant, number: u64) -> Uuid {
    tenant.settings.seed.guid(&["request", &number.to_string()])
}

fn client_request_id(tenant: &Tenant, ask: &Ask, number: u64) -> String {
    ask.header("client-request-id").map_or_else(|| request_id(tenant, number).to_string(), str::to_owned)
}

/// What is there to see.
fn shown(tenant: &Tenant, call: &Call<'_>) -> Result<Done, Refusal> {
    match &call.target {
        Target::Organization => organization(tenant, call).map(Done::from),
        Target::SubscribedSkus => subscribed_skus(tenant, call).map(Done::from),
        Target::Users => list::users(tenant, call).map(|page| page.body(call, "users").into()),
        Target::CountUsers => count_users(tenant, call),
        Target::Groups => list::groups(tenant, call).map(|page| page.body(call, "groups").into()),
        Target::User(key) => {
            let user = the_user(tenant, call, key)?;
            call.options.check_select(&USER, false)?;
            let property = |name: &str| show::user(&user, name, tenant.shelf());
            Ok(entity(call, &USER, "users/$entity", property).into())
        }
        Target::LicenseDetails(key) => license_details(tenant, call, key).map(Done::from),
        Target::Group(key) => {
            let group = the_group(tenant, call, key)?;
            call.options.check_select(&GROUP, false)?;
            Ok(entity(call, &GROUP, "groups/$entity", |name| show::group(group, name)).into())
        }
        Target::Members(key) => {
            let page = members::all(tenant, call, the_group(tenant, call, key)?, false)?;
            Ok(page.body(call, "directoryObjects").into())
        }
        Target::UserMembers(key) => {
            let page = members::all(tenant, call, the_group(tenant, call, key)?, true)?;
            Ok(page.body(call, "users").into())
        }
        Target::MembersWithErrors(key) => {
            let page = members::with_errors(tenant, call, the_group(tenant, call, key)?)?;
            Ok(page.body(call, "directoryObjects").into())
        }
        Target::Batch => Err(Refusal::misread("A batch cannot be part of a batch.")),
        Target::AssignUser(_) | Target::ReprocessUser(_) | Target::AssignGroup(_) => {
            Err(Refusal::no_method())
        }
    }
}

/// What comes of a write.
fn changed(tenant: &mut Tenant, call: &Call<'_>) -> Result<Done, Refusal> {
    match &call.target {
        Target::AssignUser(key) => assign_user(tenant, call, key),
        Target::ReprocessUser(key) => reprocess_user(tenant, call, key),
        Target::AssignGroup(key) => assign_group(tenant, call, key),
        _ => shown(tenant, call),
    }
}

/// `GET /users/$count`: a number as plain text, for advanced queries only (GRAPH 2.3).
fn count_users(tenant: &Tenant, call: &Call<'_>) -> Result<Done, Refusal> {
    if !call.is_eventual() {
        return Err(Refusal::bad("$count is not currently supported."));
    }
    let body = list::count_users(tenant, call)?.to_string();
    Ok(Done { kind: "text/plain", ..Done::from(body) })
}

fn the_user<'t>(tenant: &'t Tenant, call: &Call<'_>, key: &str) -> Result<Cow<'t, User>, Refusal> {
    let user = call.user_by_key(tenant, key).ok_or_else(|| Refusal::not_found(key))?;
    check_readable(user.unreadable())?;
    Ok(user.into_user())
}

fn the_group<'t>(tenant: &'t Tenant, call: &Call<'_>, key: &str) -> Result<&'t Group, Refusal> {
    let group = list::group_id(tenant, key).and_then(|id| call.group(tenant, id));
    let group = group.ok_or_else(|| Refusal::not_found(key))?;
    check_readable(group.unreadable)?;
    Ok(group)
}

/// A single object.
fn entity(
    call: &Call<'_>,
    properties: &Properties,
    context: &str,
    property: impl Fn(&str) -> Value,
) -> Value {
    let mut shown = show::object(properties, call.options.select.as_deref(), property);
    shown.insert("@odata.context".to_owned(), json!(call.context(context)));
    Value::Object(shown)
}

fn organization(tenant: &Tenant, call: &Call<'_>) -> Result<String, Refusal> {
    call.options.check_select(&ORGANIZATION, false)?;
    let select = call.options.select.as_deref();
    let own = show::object(&ORGANIZATION, select, |name| show::organization(tenant, name));
    Ok(Page::whole([Value::Object(own)]).body(call, "organization"))
}

fn subscribed_skus(tenant: &Tenant, call: &Call<'_>) -> Result<String, Refusal> {
    call.options.check_select(&SUBSCRIBED_SKU, false)?;
    let select = call.options.select.as_deref();
    let own = tenant.settings.organization.id.0;
    let shelf = tenant.shelf.at(tenant.shown(own, call.now, call.number));
    let shown = shelf.0.values().map(|owned| {
        let property = |name: &str| show::subscribed_sku(tenant, owned, name);
        Value::Object(show::object(&SUBSCRIBED_SKU, select, property))
    });
    Ok(Page::whole(shown).body(call, "subscribedSkus"))
}

fn license_details(tenant: &Tenant, call: &Call<'_>, key: &str) -> Result<String, Refusal> {
    let user = the_user(tenant, call, key)?;
    call.options.check_select(&LICENSE_DETAILS, false)?;
    let select = call.options.select.as_deref();
    let merged = user.merged();
    let shown = merged.iter().filter_map(|(sku, off)| {
        let owned = tenant.shelf().get(*sku)?;
        let property = |name: &str| show::license_detail(owned, off, name);
        Some(Value::Object(show::object(&LICENSE_DETAILS, select, property)))
    });
    Ok(Page::whole(shown).body(call, "users/licenseDetails"))
}

fn body(call: &Call<'_>) -> Result<Value, Refusal> {
    serde_json::from_slice(&call.ask.body)
        .map_err(|error| Refusal::misread(format!("Unable to read JSON request payload: {error}.")))
}

/// What the answer to a user's `assignLicense` shows. `licenseAssignmentStates` is not among it:
/// that one only comes when it is selected (GRAPH 3.2).
const AFTER_ASSIGNING: [&str; 7] = [
    "accountEnabled",
    "assignedLicenses",
    "assignedPlans",
    "department",
    "provisionedPlans",
    "usageLocation",
    "userType",
];

fn assign_user(tenant: &mut Tenant, call: &Call<'_>, key: &str) -> Result<Done, Refusal> {
    // Not a read: a write finds its object where it is mastered, and so is its answer (GRAPH 12).
    let id = tenant.user_by_key(key, Found::latest).map(Seen::id);
    let id = id.ok_or_else(|| Refusal::not_found(key))?;
    tenant.assign(SubjectId::User(id), &body(call)?, call.now)?;
    after_assigning(tenant, call, id)
}

/// Answers with the true error where one is left (GRAPH 5.6).
fn reprocess_user(tenant: &mut Tenant, call: &Call<'_>, key: &str) -> Result<Done, Refusal> {
    let id = tenant.user_by_key(key, Found::latest).map(Seen::id);
    let id = id.ok_or_else(|| Refusal::not_found(key))?;
    tenant.reprocess_as_asked(id, call.now)?;
    let user = tenant.user(id)?;
    match user.held.iter().find(|held| !held.is_direct() && held.has_error()) {
        None => after_assigning(tenant, call, id),
        Some(held) => {
            let error = held.error.map_or("Other", AssignmentError::as_str);
            Err(Refusal::bad(format!("License assignment failed for SKU {}: {error}.", held.sku)))
        }
    }
}

/// The user as an answer shows it that has changed its licenses.
fn after_assigning(tenant: &Tenant, call: &Call<'_>, id: UserId) -> Result<Done, Refusal> {
    let user = tenant.user(id)?;
    let property = |name: &str| show::user(&user, name, tenant.shelf());
    let mut shown = show::object(&USER, None, property);
    shown.extend(AFTER_ASSIGNING.iter().map(|name| ((*name).to_owned(), property(name))));
    shown.insert("@odata.context".to_owned(), json!(call.context("users/$entity")));
    Ok(Value::Object(shown).into())
}

fn assign_group(tenant: &mut Tenant, call: &Call<'_>, key: &str) -> Result<Done, Refusal> {
    let id = list::group_id(tenant, key).ok_or_else(|| Refusal::not_found(key))?;
    tenant.assign(SubjectId::Group(id), &body(call)?, call.now)?;
    let group = tenant.state.groups[&id].latest();
    let shown = entity(call, &GROUP, "groups/$entity", |name| show::group(group, name));
    let location = format!(
        "{}/v2/{}/directoryObjects/{id}/Microsoft.DirectoryServices.Group",
        call.ask.origin, tenant.settings.organization.id
    );
    Ok(Done { status: 202, location: Some(location), ..Done::from(shown) })
}
