//! Licenses that a tenant file can name without saying what is in them: real part numbers, real
//! ids, full lists of service plans, from Microsoft's table of product names (GRAPH 6).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::model::{ServicePlanId, SkuId};

/// A license that Microsoft sells.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KnownLicense {
    /// `skuPartNumber`.
    pub license: String,
    /// `skuId`.
    pub id: SkuId,
    /// Its service plans: names to ids.
    pub service_plans: BTreeMap<String, ServicePlanId>,
}

static KNOWN: LazyLock<Vec<KnownLicense>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("known.json")).expect("known.json is part of the program")
});

/// The license with that part number, in any case.
pub fn known_license(part_number: &str) -> Option<&'static KnownLicense> {
    KNOWN.iter().find(|known| known.license.eq_ignore_ascii_case(part_number))
}

/// All part numbers that need no further explanation, for hints.
pub fn known_names() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().map(|known| known.license.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{SERVICE_PLAN, SERVICE_PLAN_NAME};

    #[test]
    fn e5_has_the_service_plan_and_e3_does_not() {
        let e5 = known_license("spe_e5").expect("known");
        assert_eq!(e5.service_plans.get(SERVICE_PLAN_NAME), Some(&SERVICE_PLAN));
        let e3 = known_license("SPE_E3").expect("known");
        assert!(!e3.service_plans.contains_key(SERVICE_PLAN_NAME));
    }

    #[test]
    fn each_known_license_is_there_once() {
        let mut ids: Vec<_> = KNOWN.iter().map(|known| known.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), known_names().count());
    }
}
