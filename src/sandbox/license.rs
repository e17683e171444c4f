//! The licenses that the tenant owns.

use std::collections::{BTreeMap, BTreeSet};

use super::words::Capability;
use crate::model::{ServicePlanId, SkuId};

/// A license that the tenant owns.
#[derive(Clone, Debug, PartialEq)]
pub struct Owned {
    /// `skuId`.
    pub id: SkuId,
    /// `skuPartNumber`.
    pub part_number: String,
    /// `capabilityStatus`.
    pub status: Capability,
    /// How many can be assigned.
    pub seats: u64,
    /// What is in it.
    pub plans: BTreeMap<ServicePlanId, OwnedPlan>,
}

/// A service plan of an owned license.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnedPlan {
    /// `servicePlanName`.
    pub name: String,
    /// `provisioningStatus` at the level of the tenant.
    pub provisioning: String,
}

impl Owned {
    /// Whether it can be assigned. Nobody at Microsoft says what happens to a license that is not paid
    /// for any more (GRAPH 6); this is what an administrator expects.
    pub fn is_assignable(&self) -> bool {
        self.status.is_usable()
    }

    /// The service plan with that name (in any case) or id.
    pub fn plan(&self, name_or_id: &str) -> Option<ServicePlanId> {
        let by_name = self.plans.iter().find(|(_, plan)| plan.name.eq_ignore_ascii_case(name_or_id));
        let by_id = || name_or_id.parse().ok().filter(|id| self.plans.contains_key(id));
        by_name.map(|(id, _)| *id).or_else(by_id)
    }

    /// The service plans that an assignment with these turned off gives.
    pub fn plans_without<'a>(
        &'a self,
        off: &'a BTreeSet<ServicePlanId>,
    ) -> impl Iterator<Item = ServicePlanId> + 'a {
        self.plans.keys().filter(|plan| !off.contains(plan)).copied()
    }
}

/// All licenses that the tenant owns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shelf(pub BTreeMap<SkuId, Owned>);

impl Shelf {
    /// The license with that id.
    pub fn get(&self, id: SkuId) -> Option<&Owned> {
        self.0.get(&id)
    }

    /// The license with that part number (in any case) or id.
    pub fn find(&self, name_or_id: &str) -> Option<&Owned> {
        let by_name = self.0.values().find(|owned| owned.part_number.eq_ignore_ascii_case(name_or_id));
        by_name.or_else(|| self.get(name_or_id.parse().ok()?))
    }
}
