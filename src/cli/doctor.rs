//! `advaudit doctor`: whether everything is there that a run needs. It has no way to change a license
//! (P4).

use super::connect::Connection;
use super::options::Global;
use super::{Exit, Failure};
use crate::clock::Clock;
use crate::doctor::{Command, Examined, Name, Place, examine};
use crate::report::human;
use crate::report::json::v1::common;
use crate::report::json::v1::doctor::DoctorDocument;
use crate::report::output::Format;

/// Check cloud, credentials, permissions, clock and state, and say what to do
///
/// Exits 0 when nothing is in the way of the commands, 7 when it is the sign-in or a permission, else 1.
#[derive(clap::Args)]
pub(super) struct DoctorArgs {
    /// For which command; can be repeated. An identity that only plans needs less [default: all]
    #[arg(long = "for", value_enum, value_name = "COMMAND")]
    commands: Vec<Command>,
}

pub(super) fn doctor(args: &DoctorArgs, global: &Global) -> Result<Exit, Failure> {
    let output = global.output();
    let (_, cloud) = global.place()?;
    let commands = if args.commands.is_empty() { Command::ALL.to_vec() } else { args.commands.clone() };
    let connection = match Connection::open(global, output) {
        Ok(connection) => Ok(connection),
        Err(failure @ Failure::NoToken(_)) => Err((failure.to_string(), failure.hint())),
        Err(failure) => return Err(failure),
    };
    let connected = connection.as_ref();
    let place = Place {
        client: connected.map(|connection| connection.client.clone()).map_err(Clone::clone),
        clock: connected.map_or_else(|_| Clock::system(), |connection| connection.clock.clone()),
        state: connected.map(|connection| connection.state().clone()).map_err(|_| "not opened".to_owned()),
        cloud,
        hosts: connected.map_or_else(
            |_| global.place().map(|(root, _)| vec![root.host()]).unwrap_or_default(),
            |connection| connection.hosts.clone(),
        ),
        has_proxy: ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
            .iter()
            .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty())),
        commands: &commands,
    };
    let looking = async { Ok(examine(&place).await) };
    let examined = match &connection {
        Ok(connection) => connection.drive(looking)?,
        Err(_) => super::connect::block_on(looking)?,
    };
    let exit = exit(&examined);
    let document = DoctorDocument::new(&examined, exit.code());
    output.result(&match output.format {
        Format::Json => common::text(&document),
        // No other format is let through to this command.
        Format::Human | Format::Markdown | Format::Sarif | Format::Junit | Format::Gitlab => {
            human::doctor::render(&document, output.style(), output.width())
        }
    });
    Ok(exit)
}

fn exit(examined: &Examined) -> Exit {
    let any = |names: &[Name]| names.iter().any(|name| examined.has_failed(*name));
    let holding = [
        any(&[Name::Token, Name::Permissions]).then_some(Exit::Credentials),
        any(&[Name::Dns, Name::Tls, Name::Clock, Name::Tenant, Name::State]).then_some(Exit::Error),
    ];
    Exit::first(&holding.into_iter().flatten().collect::<Vec<_>>())
}
