//! The tenant's own licenses and their service plans, from `subscribedSkus`. Which licenses hold
//! *the* service plan is read here and nowhere hard-coded: Microsoft adds some each year.

use std::collections::BTreeMap;

use super::{SERVICE_PLAN, ServicePlanId, SkuId};

/// `subscribedSkus[].capabilityStatus`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LicenseStatus {
    /// Paid for.
    Enabled,
    /// In the grace period, still usable.
    Warning,
    /// Not usable until it is paid again.
    Suspended,
    /// Ended.
    Deleted,
    /// Locked by Microsoft.
    LockedOut,
    /// A word that Microsoft has added since; never read as usable.
    Other(String),
}

impl LicenseStatus {
    /// The word as Graph writes it.
    pub fn as_str(&self) -> &str {
        match self {
            LicenseStatus::Enabled => "Enabled",
            LicenseStatus::Warning => "Warning",
            LicenseStatus::Suspended => "Suspended",
            LicenseStatus::Deleted => "Deleted",
            LicenseStatus::LockedOut => "LockedOut",
            LicenseStatus::Other(word) => word,
        }
    }

    /// Whether assignments of a license in this status can be in force.
    pub fn is_usable(&self) -> bool {
        match self {
            LicenseStatus::Enabled | LicenseStatus::Warning => true,
            LicenseStatus::Suspended
            | LicenseStatus::Deleted
            | LicenseStatus::LockedOut
            | LicenseStatus::Other(_) => false,
        }
    }
}

impl From<&str> for LicenseStatus {
    fn from(word: &str) -> Self {
        match word {
            "Enabled" => LicenseStatus::Enabled,
            "Warning" => LicenseStatus::Warning,
            "Suspended" => LicenseStatus::Suspended,
            "Deleted" => LicenseStatus::Deleted,
            "LockedOut" => LicenseStatus::LockedOut,
            other => LicenseStatus::Other(other.to_owned()),
        }
    }
}

/// One service plan of one license, as the tenant has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePlan {
    /// `servicePlanName`, such as `EXCHANGE_S_ENTERPRISE`.
    pub name: String,
    /// The tenant-level `provisioningStatus`, as Graph writes it.
    pub provisioning: String,
}

impl ServicePlan {
    /// Whether turning the service plan on for a user can help. `PendingInput` waits for a
    /// service's confirmation and comes by itself; the others need the tenant first (GRAPH 3.4, 6).
    pub fn is_provisioned(&self) -> bool {
        !matches!(
            self.provisioning.as_str(),
            "Disabled" | "Error" | "PendingActivation" | "PendingProvisioning"
        )
    }
}

/// One license that the tenant owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct License {
    /// `skuId`.
    pub id: SkuId,
    /// `skuPartNumber`, such as `SPE_E5`.
    pub part_number: String,
    /// Whether the tenant may use it.
    pub status: LicenseStatus,
    /// `consumedUnits`: how many users hold it, of whichever source; none where Graph does not say.
    pub holders: Option<u64>,
    /// Its service plans.
    pub plans: BTreeMap<ServicePlanId, ServicePlan>,
}

impl License {
    /// Whether the license contains *the* service plan.
    pub fn has_service_plan(&self) -> bool {
        self.plans.contains_key(&SERVICE_PLAN)
    }
}

/// All licenses that the tenant owns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    licenses: BTreeMap<SkuId, License>,
    /// Those with *the* service plan. A few, and asked about for every assignment of a tenant.
    holding: Vec<SkuId>,
}

impl Catalog {
    /// The license with that id.
    pub fn get(&self, id: SkuId) -> Option<&License> {
        self.licenses.get(&id)
    }

    /// The licenses with that part number; compared without regard to case. A tenant can own two.
    pub fn by_name<'a>(&'a self, part_number: &'a str) -> impl Iterator<Item = &'a License> + 'a {
        self.licenses.values().filter(move |license| license.part_number.eq_ignore_ascii_case(part_number))
    }

    /// Whether that license contains *the* service plan.
    pub fn has_service_plan(&self, id: SkuId) -> bool {
        self.holding.contains(&id)
    }

    /// The part number, or the id of a license that the tenant does not list.
    pub fn name(&self, id: SkuId) -> String {
        self.get(id).map_or_else(|| id.to_string(), |license| license.part_number.clone())
    }

    /// The name of a service plan of that license, or its id when the license does not list it.
    pub fn plan_name(&self, sku: SkuId, plan: ServicePlanId) -> String {
        self.get(sku)
            .and_then(|license| license.plans.get(&plan))
            .map_or_else(|| plan.to_string(), |plan| plan.name.clone())
    }

    /// Every license, by id.
    pub fn licenses(&self) -> impl Iterator<Item = &License> {
        self.licenses.values()
    }
}

impl FromIterator<License> for Catalog {
    fn from_iter<I: IntoIterator<Item = License>>(licenses: I) -> Self {
        let licenses: BTreeMap<SkuId, License> =
            licenses.into_iter().map(|license| (license.id, license)).collect();
        let holding = licenses.values().filter(|one| one.has_service_plan()).map(|one| one.id).collect();
        Catalog { licenses, holding }
    }
}
