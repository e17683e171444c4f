//! Options known everywhere: where the tenant is, where the state is, how to print.

use std::ffi::OsString;
use std::path::PathBuf;
use std::rc::Rc;

use clap::Args;

use super::Failure;
use super::pipeline::{Pipeline, is_stdout};
use crate::credentials::Auth;
use crate::graph::{Cloud, Lanes, Root};
use crate::journal::address::{self, Named};
use crate::journal::bucket::Bucket;
use crate::journal::state::State;
use crate::report::output::{Format, Output};

/// The state folder when none is named.
const STATE: &str = ".advaudit";

#[derive(Args, Clone)]
#[command(next_help_heading = "Options known everywhere")]
pub(super) struct Global {
    /// Use this simulated tenant instead of Graph; waits pass in virtual time, and the file is
    /// never changed. For plan also a folder of them, from which each manifest takes its own
    #[arg(long, global = true, value_name = "FILE", conflicts_with_all = ["graph_url", "cloud"])]
    pub sandbox: Option<PathBuf>,
    /// Forget what was done to the simulated tenant before
    #[arg(long, global = true, requires = "sandbox")]
    pub sandbox_reset: bool,
    /// The cloud of the tenant: global, usgov, usgov-dod or china. Says where its Graph and its login
    /// authority are
    #[arg(long, global = true, value_name = "CLOUD")]
    pub cloud: Option<Cloud>,
    /// The root of Graph without a version, where it is not the cloud's own, as
    /// `https://graph.microsoft.com`; plain http only for loopback
    #[arg(long, global = true, value_name = "URL")]
    pub graph_url: Option<String>,
    /// How to sign in; auto takes what the environment names
    #[arg(
        long,
        global = true,
        value_name = "WAY",
        value_enum,
        default_value_t = Auth::Auto,
        hide_possible_values = true,
        conflicts_with = "sandbox"
    )]
    pub auth: Auth,
    /// Where journal and lease are kept: a folder, or a place in an object store that runners share
    /// (az://container/prefix, s3://bucket/prefix, gs://bucket/prefix) [default: .advaudit]
    #[arg(long, global = true, value_name = "DIR|URL")]
    state: Option<PathBuf>,
    /// How results are printed
    #[arg(long, global = true, value_enum, default_value = "human")]
    format: Format,
    /// Short for --format json
    #[arg(long, global = true, conflicts_with = "format")]
    json: bool,
    /// Write what happens while it happens to this file, one JSON object a line; - for stdout, and then
    /// the result goes to stderr. For plan, apply and heal
    #[arg(long, global = true, value_name = "FILE|-")]
    pub log_events: Option<PathBuf>,
    /// Read long lists of users in so many lanes at once, at the price of a few requests more; without it as many
    /// as are worth it. For plan and apply
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=32))]
    lanes: Option<u8>,
    /// Never colour
    #[arg(long, global = true)]
    no_color: bool,
    /// Show results and errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Show every name and every finding
    #[arg(short, long, global = true)]
    verbose: bool,
    /// What a pipeline is told beside the result.
    #[arg(skip)]
    pub pipeline: Pipeline,
}

impl Global {
    pub fn output(&self) -> Output {
        Output {
            format: if self.json { Format::Json } else { self.format },
            quiet: self.quiet,
            verbose: self.verbose,
            no_colour: self.no_color,
            results_to_stderr: self.log_events.as_deref().is_some_and(is_stdout),
        }
    }

    /// In how many lanes long lists are read.
    pub fn lanes(&self) -> Lanes {
        self.lanes.map_or(Lanes::Auto, |lanes| Lanes::Exactly(lanes.into()))
    }

    /// Where Graph is, and of which cloud it is. A root of Microsoft's names its cloud.
    pub fn place(&self) -> Result<(Root, Cloud), Failure> {
        let Some(url) = &self.graph_url else {
            let cloud = self.cloud.unwrap_or_default();
            return Ok((Root::of(cloud), cloud));
        };
        let root = Root::parse(url).map_err(|error| Failure::Usage(format!("--graph-url: {error}")))?;
        match (root.cloud(), self.cloud) {
            (Some(own), Some(named)) if own != named => Err(Failure::Usage(format!(
                "--graph-url {root} is the Graph of {own}, and --cloud says {named}: tokens of one are worthless in the \
                 other"
            ))),
            (own, named) => Ok((root, named.or(own).unwrap_or_default())),
        }
    }

    /// Whether the state was named: a runner's own folder is lost, and with it the memory of
    /// who is off.
    pub fn names_state(&self) -> bool {
        self.state.is_some()
    }

    /// What was named as the state; only the text is looked at.
    pub fn named(&self) -> Result<Named, Failure> {
        match self.state.as_deref().map(|path| (path, path.to_str())) {
            None => Ok(Named::Folder(PathBuf::from(STATE))),
            Some((_, Some(text))) => {
                address::named(text).map_err(|error| Failure::Usage(format!("--state: {error}")))
            }
            // An address is text.
            Some((path, None)) => Ok(Named::Folder(path.to_owned())),
        }
    }

    /// Where journals and leases are kept.
    pub fn state(&self) -> Result<State, Failure> {
        match self.named()? {
            Named::Folder(path) => Ok(State::Folder(path)),
            Named::Objects(address) => {
                let text = |(name, value): (OsString, OsString)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                };
                let variables: Vec<(String, String)> = std::env::vars_os().filter_map(text).collect();
                Ok(State::Objects(Rc::new(Bucket::open(address, &variables)?)))
            }
        }
    }

    /// The state folder; a simulated tenant needs one.
    pub fn folder(&self) -> Result<PathBuf, Failure> {
        match self.named()? {
            Named::Folder(path) => Ok(path),
            Named::Objects(address) => Err(Failure::Usage(format!(
                "--sandbox keeps what is done to its tenant in a folder, and {address} is none: name one with --state DIR"
            ))),
        }
    }
}
