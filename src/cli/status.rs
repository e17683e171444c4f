//! `advaudit status`: what is in flight, what is due when, who works. Asks nobody.

use std::path::{Path, PathBuf};

use super::connect::Connection;
use super::options::Global;
use super::{Exit, Failure, journal};
use crate::clock::Clock;
use crate::journal::lease;
use crate::model::{TenantId, Timestamp};
use crate::report::human;
use crate::report::json::v1::common;
use crate::report::json::v1::status::StatusDocument;
use crate::report::output::Format;

/// Show who is off because of us and when they are due
///
/// Reads the journals of the state folder; no token is needed. Exits 1 when there is none, for then
/// nothing can be said.
#[derive(clap::Args)]
pub(super) struct StatusArgs {
    /// Only this tenant, by id
    #[arg(long, value_name = "ID")]
    tenant: Option<TenantId>,
}

pub(super) fn status(args: &StatusArgs, global: &Global) -> Result<Exit, Failure> {
    let output = global.output();
    let (folder, now) = match &global.sandbox {
        Some(_) => {
            let connection = Connection::open(global, output)?;
            (connection.state(), connection.clock.now())
        }
        None => (global.state()?, Clock::system().now()),
    };
    let tenants = tenants(&folder, args.tenant)?;
    let (first, rest) =
        tenants.split_first().ok_or_else(|| nothing_known(&folder, global.sandbox.is_some()))?;
    if !rest.is_empty() && output.format == Format::Json {
        return Err(Failure::Usage(
            "the state folder knows several tenants: name one with --tenant ID".into(),
        ));
    }
    for (tenant, own) in std::iter::once(first).chain(rest) {
        let document = document(*tenant, own, now)?;
        output.result(&match output.format {
            Format::Json => common::text(&document),
            Format::Human => {
                format!("Tenant {tenant}\n{}", human::status::render(&document, now, output.style()))
            }
        });
    }
    Ok(Exit::Done)
}

/// Silence would look like health.
fn nothing_known(folder: &Path, sandbox: bool) -> Failure {
    let hint = if sandbox {
        "is --state the folder that `apply` used, and --sandbox the same file?"
    } else {
        "is --state the folder that `apply` used? If that is lost, `advaudit heal MANIFEST` heals by the tenant's \
         own dates. For a simulated tenant name its file with --sandbox"
    };
    Failure::other(format!("nothing is known here: there is no journal in {}", folder.display()), hint)
}

fn document(tenant: TenantId, folder: &Path, now: Timestamp) -> Result<StatusDocument, Failure> {
    Ok(StatusDocument::new(tenant, &journal::look(folder, now)?, lease::holder(folder), now))
}

/// The tenants with a journal, each with its folder.
fn tenants(state: &Path, only: Option<TenantId>) -> Result<Vec<(TenantId, PathBuf)>, Failure> {
    let mut tenants = Vec::new();
    for entry in std::fs::read_dir(state).into_iter().flatten().flatten() {
        let id = entry.file_name().to_str().and_then(|name| name.parse::<TenantId>().ok());
        if let Some(id) = id.filter(|id| only.is_none_or(|only| only == *id))
            && journal::is_known(&entry.path())?
        {
            tenants.push((id, entry.path()));
        }
    }
    tenants.sort();
    Ok(tenants)
}
