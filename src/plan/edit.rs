//! One license whose list of disabled service plans is written.

use std::collections::BTreeSet;

use crate::model::{SERVICE_PLAN, ServicePlanId, SkuId};

/// A license whose list is written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Edit {
    /// Which license.
    pub sku: SkuId,
    /// The disabled service plans now.
    pub before: BTreeSet<ServicePlanId>,
    /// The disabled service plans at the end; the same for a toggle.
    pub after: BTreeSet<ServicePlanId>,
}

impl Edit {
    /// The list with the service plan off, as it is between the two writes of a toggle.
    pub fn off(&self) -> BTreeSet<ServicePlanId> {
        let mut off = self.before.clone();
        off.insert(SERVICE_PLAN);
        off
    }
}
