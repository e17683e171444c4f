//! The state that `--state` names: the stores of any number of tenants.

use std::path::PathBuf;
use std::rc::Rc;

use super::folder::Folder;
use super::objects::Objects;
use super::shared::Shared;
use super::store::{Store, StoreError};
use crate::model::TenantId;

/// A place with a store for each tenant.
#[derive(Clone)]
pub enum State {
    /// A local folder, with a folder in it for each tenant.
    Folder(PathBuf),
    /// An object store, with a folder in it for each tenant.
    Objects(Rc<dyn Objects>),
}

impl State {
    /// The store of that tenant. Nothing is made before something is written.
    pub fn store(&self, tenant: TenantId) -> Rc<dyn Store> {
        match self {
            State::Folder(path) => Rc::new(Folder::new(path.join(tenant.to_string()))),
            State::Objects(objects) => Rc::new(Shared::new(objects.clone(), tenant)),
        }
    }

    /// The tenants that something is kept for, in order. Whether that is a journal is seen by loading it.
    pub async fn tenants(&self) -> Result<Vec<TenantId>, StoreError> {
        let names = match self {
            State::Folder(path) => folders(path).map_err(|cause| StoreError::Failed {
                what: "read the folder",
                place: path.display().to_string(),
                cause: cause.to_string(),
            })?,
            State::Objects(objects) => objects.list("").await?,
        };
        let mut tenants: Vec<TenantId> = names.iter().filter_map(|name| name.parse().ok()).collect();
        tenants.sort();
        Ok(tenants)
    }
}

/// What is in the folder; a missing one is empty. That something there is no journal is seen by loading it.
fn folders(path: &std::path::Path) -> std::io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(path) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let names = entries.map(|entry| Ok(entry?.file_name().into_string().ok()));
    names.filter_map(std::io::Result::transpose).collect()
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            State::Folder(path) => path.display().fmt(f),
            State::Objects(objects) => f.write_str(&objects.place()),
        }
    }
}
