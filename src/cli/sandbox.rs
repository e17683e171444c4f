//! `advaudit sandbox`: the simulated tenant by itself.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::connect::block_on_all_cores;
use super::options::Global;
use super::{Exit, Failure, files};
use crate::model::SignedDuration;
use crate::sandbox::{CannotSave, NewTenant, Serving, Share, Tenant, serve};

/// Make a simulated tenant, or serve one that speaks Graph
#[derive(clap::Args)]
pub(super) struct SandboxArgs {
    #[command(subcommand)]
    command: SandboxCommand,
}

#[derive(Subcommand)]
enum SandboxCommand {
    /// Write the file of a large, realistic tenant
    ///
    /// Licenses by themselves and by groups, guests, disabled accounts, errors. Its users are described, not
    /// listed, in shares that can be changed.
    New(NewArgs),
    /// Answer Graph requests on loopback, in real time, until Ctrl-C
    ///
    /// Any token is accepted. What is done to the tenant is forgotten at the end.
    Serve(ServeArgs),
}

#[derive(clap::Args)]
struct NewArgs {
    /// How many users
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=50_000_000))]
    users: u64,
    /// Another seed makes other people
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Of those who hold the service plan by themselves, how many have it off
    #[arg(long, value_name = "SHARE", default_value = "1%")]
    off: Share,
    /// With Graph's published quotas: 8,000 units in 10 s, 3,000 writes in 150 s
    #[arg(long)]
    quota: bool,
    /// The file to write, which must not be there yet; stdout without it
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(clap::Args)]
struct ServeArgs {
    /// The file that describes the tenant, such as examples/mixed/tenant.yaml
    #[arg(value_name = "TENANT")]
    file: PathBuf,
    /// The port on 127.0.0.1; 0 takes a free one
    #[arg(long)]
    port: u16,
    /// How long every answer takes, such as 40ms; requests are answered side by side
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = latency)]
    latency: SignedDuration,
}

fn latency(text: &str) -> Result<SignedDuration, String> {
    match text.parse::<SignedDuration>() {
        Ok(latency) if (0..=60).contains(&latency.as_secs()) && !latency.is_negative() => Ok(latency),
        Ok(_) | Err(_) => Err(format!("`{text}` is no duration such as 40ms, up to a minute")),
    }
}

/// A tenant file that is none: which, what is wrong with it, and what one looks like.
pub(super) fn no_tenant(file: &Path, error: &CannotSave) -> Failure {
    Failure::other(
        format!("{}: {error}", file.display()),
        "a tenant is described like those in examples/*/tenant.yaml",
    )
}

pub(super) fn sandbox(args: &SandboxArgs, global: &Global) -> Result<Exit, Failure> {
    match &args.command {
        SandboxCommand::New(args) => new(args, global),
        SandboxCommand::Serve(args) => serves(args, global),
    }
}

fn new(args: &NewArgs, global: &Global) -> Result<Exit, Failure> {
    let tenant = NewTenant { users: args.users, seed: args.seed, off: Some(args.off), quota: args.quota };
    let output = global.output();
    let Some(file) = &args.out else {
        output.result(tenant.text().trim_end());
        return Ok(Exit::Done);
    };
    files::write_new(file, tenant.text().as_bytes())
        .map_err(|cause| Failure::Write { path: file.clone(), cause })?;
    output.say(&format!("Wrote {}. Try: advaudit sandbox serve {0} --port 0", file.display()));
    Ok(Exit::Done)
}

fn serves(args: &ServeArgs, global: &Global) -> Result<Exit, Failure> {
    let ServeArgs { file, port, latency } = args;
    let text = files::read_text(file).map_err(|cause| Failure::Read { path: file.clone(), cause })?;
    let tenant = Tenant::read(&text).map_err(|error| no_tenant(file, &error.into()))?;
    let output = global.output();
    let ready = move |address: SocketAddr| {
        output.result(&format!("Serving {} on http://{address}; Ctrl-C ends.", file.display()));
        output.say(&format!(
            "Try: ADVAUDIT_ACCESS_TOKEN=any advaudit plan MANIFEST --graph-url http://{address}"
        ));
    };
    let served = async {
        serve(tenant, Serving { port: *port, latency: *latency }, ready).await.map_err(|error| {
            Failure::other(
                format!("cannot serve on port {port}: {error}"),
                "is the port in use? --port 0 takes a free one",
            )
        })
    };
    block_on_all_cores(served)?;
    Ok(Exit::Done)
}
