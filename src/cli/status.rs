//! `advaudit status`: what is in flight, what is due when, who works. Asks nobody.

use super::connect::{Connection, block_on};
use super::options::Global;
use super::{Exit, Failure};
use crate::apply::replay::replay;
use crate::clock::Clock;
use crate::journal::log::load;
use crate::journal::state::State;
use crate::model::{TenantId, Timestamp};
use crate::report::human;
use crate::report::json::v1::common;
use crate::report::json::v1::status::StatusDocument;
use crate::report::output::Format;

/// Show who is off because of us and when they are due
///
/// Reads the journals and leases of the state; no token is needed. Exits 1 when there is none, for
/// then nothing can be said.
#[derive(clap::Args)]
pub(super) struct StatusArgs {
    /// Only this tenant, by id
    #[arg(long, value_name = "ID")]
    tenant: Option<TenantId>,
}

pub(super) fn status(args: &StatusArgs, global: &Global) -> Result<Exit, Failure> {
    let output = global.output();
    let connection = global.sandbox.as_ref().map(|_| Connection::open(global, output)).transpose()?;
    let (state, now) = match &connection {
        Some(connection) => (connection.state().clone(), connection.clock.now()),
        None => (global.state()?, Clock::system().now()),
    };
    let documents = block_on(documents(&state, args.tenant, now))?;
    if documents.is_empty() {
        return Err(nothing_known(&state, global.sandbox.is_some()));
    }
    if documents.len() > 1 && output.format == Format::Json {
        return Err(Failure::Usage("the state knows several tenants: name one with --tenant ID".into()));
    }
    for document in &documents {
        output.result(&match output.format {
            Format::Json => common::text(document),
            // No other format is let through to this command.
            Format::Human | Format::Markdown | Format::Sarif | Format::Junit | Format::Gitlab => {
                let text = human::status::render(document, now, output.style(), output.width());
                format!("Tenant {}\n{text}", document.tenant)
            }
        });
    }
    Ok(Exit::Done)
}

/// What each tenant's journal says, of those that have one.
async fn documents(
    state: &State,
    only: Option<TenantId>,
    now: Timestamp,
) -> Result<Vec<StatusDocument>, Failure> {
    let mut documents = Vec::new();
    for tenant in state.tenants().await? {
        if only.is_some_and(|only| only != tenant) {
            continue;
        }
        let store = state.store(tenant);
        let loaded = load(&*store, Some(tenant)).await?;
        if !loaded.records.is_empty() {
            let (running, holder) = (replay(&loaded.records, now), store.holder(now).await?);
            documents.push(StatusDocument::new(tenant, &running, holder, now));
        }
    }
    Ok(documents)
}

/// Silence would look like health.
fn nothing_known(state: &State, sandbox: bool) -> Failure {
    let hint = if sandbox {
        "is --state the one that `apply` used, and --sandbox the same file?"
    } else {
        "is --state the one that `apply` used? If that is lost, `advaudit heal MANIFEST` heals by the tenant's \
         own dates. For a simulated tenant name its file with --sandbox"
    };
    Failure::other(format!("nothing is known here: there is no journal in {state}"), hint)
}
