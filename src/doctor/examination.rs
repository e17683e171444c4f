//! The looking itself: one check after the other, in the order in which a run needs them.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::permissions::{Command, Permission};
use super::{Check, Examined, Name, Verdict};
use crate::clock::Clock;
use crate::graph::{Client, Cloud, Failure, Granted, Needs, Organization, Reader};
use crate::journal::lease::Holder;
use crate::journal::log;
use crate::journal::state::State;
use crate::journal::store::{Store, StoreError, Taken};
use crate::model::RunId;
use crate::plan::skew::Skew;

/// Where everything is.
pub struct Place<'a> {
    /// Graph; or why it cannot be asked, with the next step.
    pub client: Result<Client, (String, Option<String>)>,
    /// Graph's clock.
    pub clock: Clock,
    /// Where the journals are.
    pub state: Result<State, String>,
    /// Which cloud.
    pub cloud: Cloud,
    /// Host and port of Graph and of the login authority; none for a simulated tenant.
    pub hosts: Vec<(String, u16)>,
    /// Whether a proxy stands between, which then looks names up instead of this machine.
    pub has_proxy: bool,
    /// For which commands.
    pub commands: &'a [Command],
}

/// Looks at everything.
pub async fn examine(place: &Place<'_>) -> Examined {
    let mut found =
        Examined { checks: vec![cloud(place.cloud)], permissions: Vec::new(), granted: None, users: None };
    found.checks.push(dns(place).await);
    let (client, reader) = match &place.client {
        Ok(client) => (client, Reader::new(client.clone())),
        Err((why, remedy)) => {
            let check = Check::new(Name::Token, Verdict::Failed, why.clone());
            found.checks.push(Check { remedy: remedy.clone(), ..check });
            skip(&mut found, &AFTER_TOKEN, "there is no token");
            return found;
        }
    };
    let token = client.granted().await;
    found.granted = token.as_ref().ok().cloned().flatten();
    if let Err(failure) = &token {
        skip(&mut found, &[Name::Tls, Name::Clock], "nothing is asked without a token");
        found.checks.push(failed(Name::Token, failure));
        skip(&mut found, &AFTER_TOKEN, "there is no token");
        return found;
    }
    // The first question that every run asks: its answer shows the way, the time and the tenant.
    let organization = reader.organization().await;
    found.checks.extend([tls(client, place, organization.as_ref().err()), clock(&place.clock, place)]);
    found.checks.push(match &organization {
        Err(failure) if failure.is_credentials() => failed(Name::Token, failure),
        Ok(_) | Err(_) => the_token(found.granted.as_ref()),
    });
    if matches!(organization, Err(Failure::Lost { .. })) {
        skip(&mut found, &AFTER_TOKEN, "Graph does not answer");
        return found;
    }
    let tenant = organization.as_ref().ok().cloned();
    let may_ask = seen(&organization);
    found.checks.push(match organization {
        Ok(organization) => the_tenant(&organization, found.granted.as_ref()),
        Err(failure) => failed(Name::Tenant, &failure),
    });
    found.permissions = permissions(&reader, place.commands, found.granted.as_ref(), may_ask).await;
    found.checks.push(judged(&found.permissions, found.granted.as_ref()));
    match &tenant {
        Some(tenant) => found.checks.extend(state(place, tenant).await),
        None => skip(
            &mut found,
            &[Name::State, Name::Lease],
            "it is kept for each tenant, and no tenant answered",
        ),
    }
    found.users = reader.count_users().await;
    found.checks.push(quota(found.users));
    found
}

/// What cannot be looked at without a token.
const AFTER_TOKEN: [Name; 5] = [Name::Tenant, Name::Permissions, Name::State, Name::Lease, Name::Quota];

fn skip(found: &mut Examined, names: &[Name], why: &str) {
    found.checks.extend(names.iter().map(|name| Check::skipped(*name, why)));
}

fn failed(name: Name, failure: &Failure) -> Check {
    let check = Check::new(name, Verdict::Failed, failure.to_string());
    match failure.hint() {
        Some(hint) => check.remedy(hint),
        None => check,
    }
}

fn cloud(cloud: Cloud) -> Check {
    if cloud.can_search_audit_log() {
        return Check::new(Name::Cloud, Verdict::Ok, format!("{cloud}"));
    }
    let detail = format!(
        "{cloud}, which has no audit log search: what a toggle did to the records cannot be looked up"
    );
    Check::new(Name::Cloud, Verdict::Warning, detail)
}

async fn dns(place: &Place<'_>) -> Check {
    if place.hosts.is_empty() {
        return Check::skipped(Name::Dns, "the tenant is simulated in this process");
    }
    let mut there = Vec::new();
    for (host, port) in &place.hosts {
        let found = tokio::net::lookup_host((host.trim_matches(['[', ']']), *port)).await;
        match found.map(|mut addresses| addresses.next()) {
            Ok(Some(address)) => there.push(format!("{host} is {}", address.ip())),
            Ok(None) | Err(_) if place.has_proxy => {
                let detail = format!("{host} has no address here; the proxy has to know it");
                return Check::new(Name::Dns, Verdict::Warning, detail);
            }
            Ok(None) | Err(_) => {
                let check = Check::new(Name::Dns, Verdict::Failed, format!("{host} has no address here"));
                return check
                    .remedy("is --cloud right, and is there a name server? Behind a proxy set HTTPS_PROXY");
            }
        }
    }
    Check::new(Name::Dns, Verdict::Ok, there.join(", "))
}

fn tls(client: &Client, place: &Place<'_>, failure: Option<&Failure>) -> Check {
    if place.hosts.is_empty() {
        return Check::skipped(Name::Tls, "the tenant is simulated in this process");
    }
    let root = client.root();
    match failure {
        Some(Failure::Lost { reason, .. }) => Check::new(
            Name::Tls,
            Verdict::Failed,
            format!("{root} cannot be asked: {reason}"),
        )
        .remedy(
            "is --cloud or --graph-url right? Behind a proxy set HTTPS_PROXY, and name the authority that \
                 signs its certificates in SSL_CERT_FILE",
        ),
        Some(_) | None if root.is_plain() => {
            Check::new(Name::Tls, Verdict::Ok, format!("{root} answers, without TLS on this machine"))
        }
        Some(_) | None => {
            Check::new(Name::Tls, Verdict::Ok, format!("{root} answers, and its certificate is trusted"))
        }
    }
}

fn clock(clock: &Clock, place: &Place<'_>) -> Check {
    let Some(ahead) = clock.skew() else {
        let why = if place.hosts.is_empty() {
            "virtual time has no other clock beside it"
        } else {
            "Graph told no time"
        };
        return Check::skipped(Name::Clock, why);
    };
    let skew = Skew(ahead);
    let direction = if ahead.is_negative() { "behind" } else { "ahead of" };
    let detail = match ahead.abs().as_secs() {
        0..=1 => "this machine's clock agrees with Graph's".to_owned(),
        seconds @ 2..=119 => format!("this machine's clock is {seconds} s {direction} Graph's"),
        120.. | ..0 => skew.to_string(),
    };
    let remedy = "set the machine's clock: deadlines are Graph's, but above 15 minutes no new toggle starts, and \
                  tokens and certificates may be refused";
    match (skew.allows_toggles(), skew.is_told()) {
        (false, _) => Check::new(Name::Clock, Verdict::Failed, detail).remedy(remedy),
        (true, true) => Check::new(Name::Clock, Verdict::Warning, detail).remedy(remedy),
        (true, false) => Check::new(Name::Clock, Verdict::Ok, detail),
    }
}

fn the_token(granted: Option<&Granted>) -> Check {
    let Some(granted) = granted else {
        return Check::new(Name::Token, Verdict::Ok, "there is one; it does not say whose it is");
    };
    let until = granted.expires.map(|at| format!(", until {}", at.strftime("%Y-%m-%d %H:%M:%S UTC")));
    let tenant = granted.tenant.as_ref().map(|id| format!(" in tenant {id}"));
    let (whose, until, tenant) = (granted.whose(), until.unwrap_or_default(), tenant.unwrap_or_default());
    Check::new(Name::Token, Verdict::Ok, format!("{whose}{tenant}{until}"))
}

fn the_tenant(organization: &Organization, granted: Option<&Granted>) -> Check {
    let domain = organization.domains.first().map_or("no verified domain", String::as_str);
    let detail = format!("{domain} ({})", organization.id);
    match granted.and_then(|granted| granted.tenant.as_deref()) {
        Some(own) if !own.eq_ignore_ascii_case(&organization.id.to_string()) => Check::new(
            Name::Tenant,
            Verdict::Failed,
            format!("{detail} answers, and the token is of tenant {own}"),
        )
        .remedy("set AZURE_TENANT_ID to the tenant that the manifest names"),
        Some(_) | None => Check::new(Name::Tenant, Verdict::Ok, detail),
    }
}

/// Every call that reads is asked once, for as little as it can be asked; `organization` was already.
async fn permissions(
    reader: &Reader,
    commands: &[Command],
    granted: Option<&Granted>,
    organization: Option<bool>,
) -> Vec<Permission> {
    let group = reader.first_group().await;
    let mut all = Vec::new();
    for needs in Needs::ALL {
        let seen = match (needs, &group) {
            (Needs::Organization, _) => organization,
            (Needs::Licenses, _) => seen(&reader.catalog().await),
            (Needs::Users, _) => seen(&reader.try_users().await),
            (Needs::Groups, group) => seen(group),
            (Needs::Members, Ok(Some(group))) => seen(&reader.try_members(*group).await),
            (Needs::Members, Ok(None) | Err(_))
            | (Needs::WriteUser | Needs::WriteGroup | Needs::Reprocess, _) => None,
        };
        let one = Permission::new(needs, commands, seen, granted);
        if !one.commands.is_empty() {
            all.push(one);
        }
    }
    all
}

/// Whether a call may be made, as far as asking showed it.
fn seen<T>(outcome: &Result<T, Failure>) -> Option<bool> {
    match outcome {
        Ok(_) => Some(true),
        Err(failure) if failure.is_denied() => Some(false),
        Err(_) => None,
    }
}

/// What is missing, for which command, and the least that helps.
fn judged(permissions: &[Permission], granted: Option<&Granted>) -> Check {
    let missing: Vec<&Permission> = permissions.iter().filter(|one| one.granted == Some(false)).collect();
    let unknown: Vec<&str> =
        permissions.iter().filter(|one| one.granted.is_none()).map(|one| one.needs.call()).collect();
    if !missing.is_empty() {
        let least: BTreeSet<&str> = missing.iter().map(|one| one.least()).collect();
        let words = |least: &&str| {
            let calls = missing.iter().filter(|one| one.least() == *least);
            let commands: BTreeSet<Command> = calls.clone().flat_map(|one| one.commands.clone()).collect();
            let commands: Vec<&str> = commands.into_iter().map(Command::as_str).collect();
            let calls: Vec<&str> = calls.map(|one| one.needs.call()).collect();
            format!("{least} for {} ({})", commands.join(", "), calls.join(", "))
        };
        let detail = least.iter().map(words).collect::<Vec<_>>().join("; ");
        let mut remedies: Vec<String> = missing.iter().map(|one| one.remedy(granted)).collect();
        remedies.dedup();
        return Check::new(Name::Permissions, Verdict::Failed, format!("missing: {detail}"))
            .remedy(remedies.join("; "));
    }
    if !unknown.is_empty() {
        let detail =
            format!("what is read can be read; the token does not say whether it may {}", unknown.join(", "));
        return Check::new(Name::Permissions, Verdict::Warning, detail);
    }
    Check::new(Name::Permissions, Verdict::Ok, "nothing is missing")
}

/// The state of that tenant: read whole, and its lease taken for a moment.
async fn state(place: &Place<'_>, tenant: &Organization) -> Vec<Check> {
    let state = match &place.state {
        Ok(state) => state,
        Err(why) => {
            let check = Check::new(Name::State, Verdict::Failed, why.clone());
            return vec![check, Check::skipped(Name::Lease, "the state cannot be used")];
        }
    };
    let store = state.store(tenant.id);
    let failed = |why: String| {
        let check = Check::new(Name::State, Verdict::Failed, why).remedy(
            "--state has to name a place that can be read and written by whoever runs advaudit; see the README on \
             where the state is kept",
        );
        vec![check, Check::skipped(Name::Lease, "the state cannot be used")]
    };
    let records = match log::load(&*store, Some(tenant.id)).await {
        Ok(loaded) => loaded.records.len(),
        Err(error) => return failed(error.to_string()),
    };
    let detail = match records {
        0 => format!("{} can be written; nothing is known there of this tenant yet", store.place()),
        _ => format!("{} can be written; {records} records of this tenant", store.place()),
    };
    match lease(&*store, &place.clock).await {
        Ok(lease) => vec![Check::new(Name::State, Verdict::Ok, detail), lease],
        Err(error) => failed(error.to_string()),
    }
}

async fn lease(store: &dyn Store, clock: &Clock) -> Result<Check, StoreError> {
    let own = Holder::this(RunId(Uuid::now_v7()), clock.now());
    match store.take(own, clock.now()).await? {
        Taken::Ours => {
            store.release().await?;
            Ok(Check::new(Name::Lease, Verdict::Ok, "free"))
        }
        Taken::Held(holder) => {
            let who = holder.map_or_else(|| "another run".to_owned(), |holder| holder.to_string());
            let check = Check::new(Name::Lease, Verdict::Warning, format!("{who} works on this tenant now"));
            Ok(check.remedy("a second run would say so and end; --lock-timeout waits for it"))
        }
    }
}

/// The published quotas by the size of the tenant (GRAPH 8.1).
fn quota(users: Option<u64>) -> Check {
    let Some(users) = users else {
        let detail = "Graph does not count the users; a run starts at 3,500 resource units in 10 s and 3,000 writes in 150 s";
        return Check::new(Name::Quota, Verdict::Ok, detail);
    };
    let (class, units) = match users {
        0..50 => ("S", "3,500"),
        50..=500 => ("M", "5,000"),
        501.. => ("L", "8,000"),
    };
    let who = if users == 1 { "1 user".to_owned() } else { format!("{users} users") };
    let detail = format!("class {class} ({who}): {units} resource units in 10 s, 3,000 writes in 150 s");
    Check::new(Name::Quota, Verdict::Ok, detail)
}
