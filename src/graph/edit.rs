//! What is written: the list that was just read, with one service plan more or less. Pure.
//!
//! The one place where a list for `assignLicense` is made. It replaces the whole list of a license
//! (GRAPH 4.2), so whatever is lost here is turned on in the tenant.

use std::fmt;

use crate::model::{Catalog, Licensed, SERVICE_PLAN, ServicePlanId, SkuId};

/// Which way *the* service plan is turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Out of the list of what is turned off.
    On,
    /// Into it.
    Off,
}

impl Direction {
    /// `on` or `off`.
    pub fn as_str(self) -> &'static str {
        match self {
            Direction::On => "on",
            Direction::Off => "off",
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A service plan that was turned off and is no longer written as such, because the tenant's own
/// `subscribedSkus` does not list it for that license any more and Graph refuses it (P1, GRAPH 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeftOut {
    /// The license.
    pub sku: SkuId,
    /// The service plan.
    pub plan: ServicePlanId,
}

/// The licenses of one subject with *the* service plan turned that way and nothing else changed, in
/// their order, and what had to be left out.
///
/// A license that the catalog does not list keeps its list whole: nothing is known about it. Off is
/// not added to a license that the catalog lists without the service plan: Graph would refuse it.
pub fn edited(fresh: &[Licensed], direction: Direction, catalog: &Catalog) -> (Vec<Licensed>, Vec<LeftOut>) {
    let mut left_out = Vec::new();
    let mut edit = |licensed: &Licensed| {
        let known = catalog.get(licensed.sku);
        let listed = |plan: &ServicePlanId| known.is_none_or(|license| license.plans.contains_key(plan));
        let mut disabled = licensed.disabled.clone();
        match direction {
            Direction::On => disabled.remove(&SERVICE_PLAN),
            Direction::Off => listed(&SERVICE_PLAN) && disabled.insert(SERVICE_PLAN),
        };
        let gone = disabled.extract_if(.., |plan| !listed(plan));
        left_out.extend(gone.map(|plan| LeftOut { sku: licensed.sku, plan }));
        Licensed { sku: licensed.sku, disabled }
    };
    let licenses = fresh.iter().map(&mut edit).collect();
    (licenses, left_out)
}
