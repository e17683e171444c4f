//! The state that `--state` names: the stores of any number of tenants.

use std::path::PathBuf;
use std::rc::Rc;

use super::folder::{Folder, JOURNAL};
use super::store::{Store, StoreError};
use crate::model::TenantId;

/// A place with a store for each tenant.
#[derive(Clone, Debug)]
pub enum State {
    /// A local folder, with a folder in it for each tenant.
    Folder(PathBuf),
}

impl State {
    /// The store of that tenant. Nothing is made before something is written.
    pub fn store(&self, tenant: TenantId) -> Rc<dyn Store> {
        match self {
            State::Folder(path) => Rc::new(Folder::new(path.join(tenant.to_string()))),
        }
    }

    /// The tenants that have a journal, in order.
    pub async fn tenants(&self) -> Result<Vec<TenantId>, StoreError> {
        let State::Folder(path) = self;
        let mut tenants = Vec::new();
        for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
            let id = entry.file_name().to_str().and_then(|name| name.parse::<TenantId>().ok());
            tenants.extend(id.filter(|_| entry.path().join(JOURNAL).is_file()));
        }
        tenants.sort();
        Ok(tenants)
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            State::Folder(path) => path.display().fmt(f),
        }
    }
}
