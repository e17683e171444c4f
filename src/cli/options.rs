//! Options known everywhere: where the tenant is, where the state is, how to print.

use std::path::PathBuf;

use clap::Args;

use super::Failure;
use crate::graph::Cloud;
use crate::journal::state::State;
use crate::report::output::{Format, Output};

/// The state folder when none is named.
const STATE: &str = ".advaudit";

#[derive(Args, Clone)]
#[command(next_help_heading = "Options known everywhere")]
pub(super) struct Global {
    /// Use this simulated tenant instead of Graph; waits pass in virtual time, and the file is
    /// never changed
    #[arg(long, global = true, value_name = "FILE", conflicts_with_all = ["graph_url", "cloud"])]
    pub sandbox: Option<PathBuf>,
    /// Forget what was done to the simulated tenant before
    #[arg(long, global = true, requires = "sandbox")]
    pub sandbox_reset: bool,
    /// The cloud of the tenant: global, usgov, usgov-dod or china
    #[arg(long, global = true, value_name = "CLOUD", conflicts_with = "graph_url")]
    pub cloud: Option<Cloud>,
    /// The root of Graph without a version, as `https://graph.microsoft.com`; plain http only for
    /// loopback
    #[arg(long, global = true, value_name = "URL")]
    pub graph_url: Option<String>,
    /// The folder where journal and lease are kept [default: .advaudit]
    #[arg(long, global = true, value_name = "DIR")]
    state: Option<PathBuf>,
    /// How results are printed
    #[arg(long, global = true, value_enum, default_value = "human")]
    format: Format,
    /// Short for --format json
    #[arg(long, global = true)]
    json: bool,
    /// Never colour
    #[arg(long, global = true)]
    no_color: bool,
    /// Show results and errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Show every name and every finding
    #[arg(short, long, global = true)]
    verbose: bool,
}

impl Global {
    pub fn output(&self) -> Output {
        Output {
            format: if self.json { Format::Json } else { self.format },
            quiet: self.quiet,
            verbose: self.verbose,
            no_colour: self.no_color,
        }
    }

    /// Whether the state folder was named: a runner's own folder is lost, and with it the memory of
    /// who is off.
    pub fn names_state(&self) -> bool {
        self.state.is_some()
    }

    /// Where journals and leases are kept.
    pub fn state(&self) -> Result<State, Failure> {
        self.folder().map(State::Folder)
    }

    /// The state folder; a simulated tenant needs one.
    pub fn folder(&self) -> Result<PathBuf, Failure> {
        let folder = self.state.clone().unwrap_or_else(|| PathBuf::from(STATE));
        match folder.to_string_lossy().split_once("://") {
            Some((scheme, _)) if ["az", "s3", "gs", "file"].contains(&scheme) => {
                Err(Failure::Usage(format!("--state {scheme}:// is not available yet; name a folder")))
            }
            _ => Ok(folder),
        }
    }
}
