//! `advaudit sandbox`: the simulated tenant by itself.

use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::connect::block_on;
use super::options::Global;
use super::{Exit, Failure, files};
use crate::sandbox::{CannotSave, Tenant, serve};

/// Serve a simulated tenant that speaks Graph
#[derive(clap::Args)]
pub(super) struct SandboxArgs {
    #[command(subcommand)]
    command: SandboxCommand,
}

#[derive(Subcommand)]
enum SandboxCommand {
    /// Answer Graph requests on loopback, in real time, until Ctrl-C
    ///
    /// Any token is accepted. What is done to the tenant is forgotten at the end.
    Serve {
        /// The file that describes the tenant, such as examples/mixed/tenant.yaml
        #[arg(value_name = "TENANT")]
        file: PathBuf,
        /// The port on 127.0.0.1; 0 takes a free one
        #[arg(long)]
        port: u16,
    },
}

/// A tenant file that is none: which, what is wrong with it, and what one looks like.
pub(super) fn no_tenant(file: &Path, error: &CannotSave) -> Failure {
    Failure::other(
        format!("{}: {error}", file.display()),
        "a tenant is described like those in examples/*/tenant.yaml",
    )
}

pub(super) fn sandbox(args: &SandboxArgs, global: &Global) -> Result<Exit, Failure> {
    let SandboxCommand::Serve { file, port } = &args.command;
    let text = files::read_text(file).map_err(|cause| Failure::Read { path: file.clone(), cause })?;
    let tenant = Tenant::read(&text).map_err(|error| no_tenant(file, &error.into()))?;
    let output = global.output();
    let ready = move |address: std::net::SocketAddr| {
        output.result(&format!("Serving {} on http://{address}; Ctrl-C ends.", file.display()));
        output.say(&format!(
            "Try: ADVAUDIT_ACCESS_TOKEN=any advaudit plan MANIFEST --graph-url http://{address}"
        ));
    };
    let served = async {
        serve(tenant, *port, ready).await.map_err(|error| {
            Failure::other(
                format!("cannot serve on port {port}: {error}"),
                "is the port in use? --port 0 takes a free one",
            )
        })
    };
    block_on(served)?;
    Ok(Exit::Done)
}
