//! The ways to the tenants that manifests name: Graph, one simulated tenant for all, or a folder of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::connect::Connection;
use super::options::Global;
use super::over_graph::OverGraph;
use super::pipeline::Pipeline;
use super::{Failure, files, manifests};
use crate::journal::state::State;
use crate::report::output::Output;
use crate::sandbox::Tenant;

/// How a tenant is reached that a manifest names.
pub(super) enum Ways {
    /// Over Graph, with one state for all.
    Graph(Box<OverGraph>, State),
    /// One simulated tenant, whoever is meant.
    One(PathBuf),
    /// Simulated tenants.
    Sandboxes(Sandboxes),
}

impl Ways {
    pub fn open(global: &Global) -> Result<Self, Failure> {
        match &global.sandbox {
            None => Ok(Ways::Graph(Box::new(OverGraph::open_for_several(global)?), global.state()?)),
            Some(path) if path.is_dir() => Ok(Ways::Sandboxes(Sandboxes::read(path)?)),
            Some(path) => Ok(Ways::One(path.clone())),
        }
    }

    /// To the tenant of that name. No pipeline is told of one among several.
    pub fn to(&self, tenant: &str, global: &Global, output: Output) -> Result<Connection, Failure> {
        let file = match self {
            Ways::Graph(graph, state) => return graph.connect_to(tenant, output, state),
            Ways::One(file) => file,
            Ways::Sandboxes(all) => all.of(tenant)?,
        };
        Connection::sandbox(file, Some(tenant), global, output, &Pipeline::default())
    }

    /// What to do where another tenant answers than the one that was meant, if this is why.
    pub fn help_to_another_tenant(&self) -> Option<String> {
        match self {
            Ways::Graph(graph, _) => {
                let why = graph.is_of_one_tenant()?;
                Some(format!(
                    "{why}: sign in as an application that is in each of the tenants, docs/credentials.md says how, or \
                     correct `tenant`; nothing was changed"
                ))
            }
            Ways::One(file) => Some(format!(
                "--sandbox {} is one tenant: name a folder with a file for each, or correct `tenant`",
                file.display()
            )),
            Ways::Sandboxes(_) => None,
        }
    }
}

/// A folder of simulated tenants, by the names of each.
pub(super) struct Sandboxes {
    folder: PathBuf,
    named: BTreeMap<String, BTreeSet<PathBuf>>,
    /// Files that do not say whose tenant they are, and why.
    unread: Vec<String>,
}

impl Sandboxes {
    /// Looks into each file, only for whose tenant it is.
    pub fn read(folder: &Path) -> Result<Self, Failure> {
        let mut own = Sandboxes { folder: folder.to_owned(), named: BTreeMap::new(), unread: Vec::new() };
        for file in manifests::inside(folder)? {
            let names = files::read_text(&file).map_err(|cause| cause.to_string());
            match names.and_then(|text| Tenant::names(&text).map_err(|unusable| unusable.to_string())) {
                Ok(names) => names.into_iter().for_each(|name| {
                    own.named.entry(name.to_lowercase()).or_default().insert(file.clone());
                }),
                Err(why) => own.unread.push(format!("{}: {why}", file.display())),
            }
        }
        Ok(own)
    }

    /// The file of that tenant.
    pub fn of(&self, tenant: &str) -> Result<&Path, Failure> {
        let folder = self.folder.display();
        let all: Vec<&PathBuf> = self.named.get(&tenant.to_lowercase()).into_iter().flatten().collect();
        match (all.as_slice(), self.unread.first()) {
            ([one], _) => Ok(one),
            ([], unread) => {
                let hint = match unread {
                    None => "a file of that folder has to have this id or domain under `tenant`".to_owned(),
                    Some(unread) => format!("is it the one that cannot be read? {unread}"),
                };
                Err(Failure::other(format!("there is no simulated tenant {tenant} in {folder}"), hint))
            }
            (many, _) => {
                let files: Vec<String> = many.iter().map(|file| file.display().to_string()).collect();
                let message = format!("{} are all the tenant {tenant}", files.join(", "));
                Err(Failure::other(
                    message,
                    "each tenant has one file: remove the others, or change their names",
                ))
            }
        }
    }
}
