//! Graph over HTTP, signed in as the environment says. What several tenants share is here once: where Graph
//! is, who signs in and by what, and one pool of connections. Each tenant has a client of its own, with its
//! own clock and its own governor, because quotas are each tenant's.

use std::ffi::OsString;
use std::path::Path;
use std::rc::Rc;

use super::Failure;
use super::connect::{Connection, observer};
use super::options::Global;
use super::pipeline::Pipeline;
use crate::clock::Clock;
use crate::credentials::choice::{self, AUTHORITY_HOST, Choice, Lacking, Variables};
use crate::credentials::{Authority, Setting, Way, Wires};
use crate::graph::{BadTrust, Client, Cloud, HttpTransport, Lanes, Root, Trust};
use crate::journal::state::State;
use crate::report::output::Output;

/// A PEM file of certificate authorities beside the system's.
const CERT_FILE: &str = "SSL_CERT_FILE";
/// A folder of them instead of the system's.
const CERT_FOLDER: &str = "SSL_CERT_DIR";

/// What all tenants share.
pub(super) struct OverGraph {
    root: Root,
    cloud: Cloud,
    authority: Authority,
    choice: Choice,
    wires: Wires,
    transport: Rc<HttpTransport>,
    /// In how many lanes long lists are read.
    lanes: Lanes,
}

impl OverGraph {
    /// For the tenant that the environment names.
    pub fn open(global: &Global) -> Result<Self, Failure> {
        Self::by(global, choice::choose)
    }

    /// For the tenants that manifests name.
    pub fn open_for_several(global: &Global) -> Result<Self, Failure> {
        let own = Self::by(global, choice::choose_for_several)?;
        // Told once, not once for each of them.
        own.choice.usable().map_err(Failure::NoToken)?;
        Ok(own)
    }

    fn by(
        global: &Global,
        choose: fn(Option<Way>, &Variables) -> Result<Choice, Lacking>,
    ) -> Result<Self, Failure> {
        let (root, cloud) = global.place()?;
        global.named()?;
        let variables = environment();
        let authority = authority(&variables, cloud)?;
        let choice = choose(global.auth.way(), &variables);
        let choice = choice.map_err(|lacking| Failure::NoToken(lacking.to_string()))?;
        let trust =
            if root.is_plain() && !authority.is_secure() { Trust::system() } else { trust(&variables)? };
        let wires = Wires::new(&trust);
        let (lanes, transport) = (global.lanes(), Rc::new(HttpTransport::new(trust)));
        Ok(OverGraph { root, cloud, authority, choice, wires, transport, lanes })
    }

    /// Why another tenant may answer than a manifest names; none where the way leads into any tenant.
    pub fn is_of_one_tenant(&self) -> Option<&'static str> {
        self.choice.is_of_one_tenant()
    }

    /// To the tenant that the environment names.
    pub fn connect(
        self,
        output: Output,
        pipeline: &Pipeline,
        state: impl FnOnce() -> Result<State, Failure>,
    ) -> Result<Connection, Failure> {
        let choice = self.choice.clone();
        self.connected(choice, None, output, pipeline, state)
    }

    /// To that tenant, one of several.
    pub fn connect_to(&self, tenant: &str, output: Output, state: &State) -> Result<Connection, Failure> {
        let choice = self.choice.clone().into_tenant(tenant);
        self.connected(choice, Some(tenant), output, &Pipeline::default(), || Ok(state.clone()))
    }

    fn connected(
        &self,
        choice: Choice,
        tenant: Option<&str>,
        output: Output,
        pipeline: &Pipeline,
        state: impl FnOnce() -> Result<State, Failure>,
    ) -> Result<Connection, Failure> {
        let mut hosts = vec![self.root.host()];
        if choice.asks_an_authority() {
            hosts.push(self.authority.host());
        }
        let (clock, pipeline) = (Clock::system(), pipeline.clone());
        // A thousand times the same is no news.
        let is_said = tenant.is_none() || output.verbose;
        let setting = Setting {
            choice,
            authority: self.authority.clone(),
            cloud: self.cloud,
            wires: self.wires.clone(),
            clock: clock.clone(),
            observer: observer(&clock, output, &pipeline, tenant),
            say: Rc::new(move |text| {
                if is_said {
                    output.say(text)
                }
            }),
        };
        let tokens = setting.tokens().map_err(Failure::NoToken)?;
        let client = Client::new(self.transport.clone(), self.root.clone(), tokens, clock.clone());
        let client = client.observed(observer(&clock, output, &pipeline, tenant));
        let (state, lanes) = (state()?, self.lanes);
        Ok(Connection { client, clock, state, hosts, sandbox: None, lanes, output, pipeline })
    }
}

/// The variables that are text; a name or a path of ours is.
fn environment() -> Variables {
    let text =
        |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    std::env::vars_os().filter_map(text).collect()
}

/// Where tokens come from: the cloud's authority, or the one that the environment names.
fn authority(variables: &Variables, cloud: Cloud) -> Result<Authority, Failure> {
    match variables.get(AUTHORITY_HOST).filter(|text| !text.is_empty()) {
        None => Ok(Authority::of(cloud)),
        Some(text) => {
            Authority::parse(text).map_err(|bad| Failure::Usage(format!("{AUTHORITY_HOST}: {bad}")))
        }
    }
}

/// Who is believed to say who a server is.
fn trust(variables: &Variables) -> Result<Trust, Failure> {
    let Some(file) = variables.get(CERT_FILE).filter(|path| !path.is_empty()) else {
        return Ok(Trust::system());
    };
    let bad = |bad: BadTrust| Failure::other(format!("{CERT_FILE}: {bad}"), "correct the path, or unset it");
    Trust::with_file(Path::new(file), variables.contains_key(CERT_FOLDER)).map_err(bad)
}
