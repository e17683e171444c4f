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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::model::{License, LicenseStatus, ServicePlan};

    /// Few ids, so that lists and catalogs meet often. Plan 0 is *the* service plan.
    fn plan(n: u8) -> ServicePlanId {
        if n == 0 { SERVICE_PLAN } else { ServicePlanId(uuid::Uuid::from_u128(u128::from(n))) }
    }

    fn sku(n: u8) -> SkuId {
        SkuId(uuid::Uuid::from_u128(u128::from(n)))
    }

    fn plans() -> impl Strategy<Value = BTreeSet<ServicePlanId>> {
        proptest::collection::btree_set((0_u8..6).prop_map(plan), 0..6)
    }

    fn fresh() -> impl Strategy<Value = Vec<Licensed>> {
        let lists = proptest::collection::btree_map((0_u8..5).prop_map(sku), plans(), 0..5);
        lists.prop_map(|lists| lists.into_iter().map(|(sku, disabled)| Licensed { sku, disabled }).collect())
    }

    fn catalog() -> impl Strategy<Value = Catalog> {
        proptest::collection::btree_map((0_u8..5).prop_map(sku), plans(), 0..5).prop_map(|licenses| {
            let license = |(id, plans): (SkuId, BTreeSet<ServicePlanId>)| License {
                id,
                part_number: id.to_string(),
                status: LicenseStatus::Enabled,
                holders: None,
                plans: plans.into_iter().map(|plan| (plan, anything())).collect(),
            };
            licenses.into_iter().map(license).collect()
        })
    }

    fn anything() -> ServicePlan {
        ServicePlan { name: String::new(), provisioning: "Success".to_owned() }
    }

    fn direction() -> impl Strategy<Value = Direction> {
        prop_oneof![Just(Direction::On), Just(Direction::Off)]
    }

    /// What differs between what was read and what is sent.
    fn differs(before: &Licensed, after: &Licensed) -> BTreeSet<ServicePlanId> {
        before.disabled.symmetric_difference(&after.disabled).copied().collect()
    }

    proptest! {
        #[test]
        fn the_same_licenses_in_the_same_order_are_written(
            fresh in fresh(), direction in direction(), catalog in catalog(),
        ) {
            let (sent, _) = edited(&fresh, direction, &catalog);
            let skus = |licenses: &[Licensed]| licenses.iter().map(|one| one.sku).collect::<Vec<_>>();
            prop_assert_eq!(skus(&sent), skus(&fresh));
        }

        #[test]
        fn nothing_changes_but_the_one_service_plan_and_what_is_told_to_be_left_out(
            fresh in fresh(), direction in direction(), catalog in catalog(),
        ) {
            let (sent, left_out) = edited(&fresh, direction, &catalog);
            for (before, after) in fresh.iter().zip(&sent) {
                for plan in differs(before, after) {
                    let told = left_out.contains(&LeftOut { sku: before.sku, plan });
                    prop_assert!(plan == SERVICE_PLAN || told, "{plan} of {}", before.sku);
                }
            }
        }

        #[test]
        fn only_what_was_turned_off_and_is_not_listed_any_more_is_left_out(
            fresh in fresh(), direction in direction(), catalog in catalog(),
        ) {
            for LeftOut { sku, plan } in edited(&fresh, direction, &catalog).1 {
                let listed = catalog.get(sku).expect("an unknown license loses nothing");
                prop_assert!(!listed.plans.contains_key(&plan));
                prop_assert!(fresh.iter().any(|one| one.sku == sku && one.disabled.contains(&plan)));
            }
        }

        #[test]
        fn on_always_leaves_it_on_and_never_turns_anything_off(fresh in fresh(), catalog in catalog()) {
            let (sent, _) = edited(&fresh, Direction::On, &catalog);
            for (before, after) in fresh.iter().zip(&sent) {
                prop_assert!(after.leaves_on());
                prop_assert!(after.disabled.is_subset(&before.disabled));
            }
        }

        #[test]
        fn off_turns_it_off_exactly_where_the_license_has_it(fresh in fresh(), catalog in catalog()) {
            let (sent, _) = edited(&fresh, Direction::Off, &catalog);
            for (before, after) in fresh.iter().zip(&sent) {
                let has = catalog.get(before.sku).is_none_or(License::has_service_plan);
                prop_assert_eq!(after.leaves_on(), !has);
            }
        }

        #[test]
        fn off_and_on_again_is_where_it_began_when_all_is_listed(fresh in fresh()) {
            let off = edited(&fresh, Direction::Off, &Catalog::default()).0;
            let on = edited(&off, Direction::On, &Catalog::default()).0;
            prop_assert_eq!(on, edited(&fresh, Direction::On, &Catalog::default()).0);
        }
    }
}
