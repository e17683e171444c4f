//! What it costs to read people, way by way, in Graph's resource units (GRAPH 8.2). Chosen before anything is
//! read, by what the manifest names and how many users hold which license. Pure.

use std::fmt;

use crate::graph::{AMONG_MAX, Scan};
use crate::model::{Catalog, License, SkuId, UserKey};

/// Users on one page (GRAPH 2.2); charged as one unit with `$select`.
const PAGE: u64 = 999;

/// Whoever is read by a list of license holders and holds none has to be read beside it: about so many in a
/// hundred of those who are named.
const NOT_HOLDING_PERCENT: u64 = 5;

/// One way to read people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// Those who are meant, by filters of fifteen.
    Filters,
    /// The list of whoever holds a license with the service plan.
    Holders,
    /// The list of all users.
    Everyone,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Way::Filters => "one by one, fifteen to a filter",
            Way::Holders => "from the list of those who hold a license with the service plan",
            Way::Everyone => "from the list of all users",
        })
    }
}

/// What a way costs. The list of all users costs at least that: how many there are is not known before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// Which way.
    pub way: Way,
    /// Resource units, about.
    pub units: u64,
}

/// A choice: for whom, and what it was chosen among, the way that was taken first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Whom it is about.
    pub whom: String,
    /// What was taken, and what else there was.
    pub prices: Vec<Price>,
}

/// The licenses with the service plan.
pub fn holding(catalog: &Catalog) -> Vec<SkuId> {
    catalog.licenses().filter(|license| license.has_service_plan()).map(|license| license.id).collect()
}

/// How many pages the list of license holders has, at most: whoever holds two licenses counts twice. None where
/// Graph does not say, or a filter cannot name all of the licenses.
pub fn pages_of_holders(catalog: &Catalog) -> Option<u64> {
    let licenses: Vec<&License> = catalog.licenses().filter(|license| license.has_service_plan()).collect();
    if licenses.len() > Scan::HOLDING_MAX {
        return None;
    }
    let holders: Option<u64> = licenses.iter().map(|license| license.holders).sum();
    Some(holders?.div_ceil(PAGE).max(1))
}

/// How many users the list of license holders shows at the least: most of those who hold the license that most
/// hold. Some may have lost it since, and the licenses count a little late.
pub fn holders_at_least(catalog: &Catalog) -> u64 {
    let with_it = catalog.licenses().filter(|license| license.has_service_plan());
    with_it.filter_map(|license| license.holders).max().unwrap_or(0) / 10 * 9
}

/// How many pages the list of so many users has.
pub fn pages(users: u64) -> u64 {
    users.div_ceil(PAGE).max(1)
}

/// How many pages the list of all users has, at least: as many users as hold the license that most hold.
pub fn pages_of_everyone(catalog: &Catalog) -> u64 {
    let most = catalog.licenses().filter_map(|license| license.holders).max().unwrap_or(0);
    most.div_ceil(PAGE).max(1)
}

/// How many units it takes to read those users by filters.
pub fn by_filters(keys: &[UserKey]) -> u64 {
    let ids = keys.iter().filter(|key| matches!(key, UserKey::Id(_))).count();
    (ids.div_ceil(AMONG_MAX) + (keys.len() - ids).div_ceil(AMONG_MAX)) as u64
}

/// How to read those users: the cheapest way first. Only such lists as are known to be cheaper are among them.
pub fn of_named(keys: &[UserKey], catalog: &Catalog) -> Vec<Price> {
    let filters = by_filters(keys);
    let mut prices = vec![Price { way: Way::Filters, units: filters }];
    if let Some(pages) = pages_of_holders(catalog) {
        let rest = (filters * NOT_HOLDING_PERCENT).div_ceil(100);
        prices.push(Price { way: Way::Holders, units: pages + rest });
    }
    // Equal prices: the way that reads nobody else.
    prices.sort_by_key(|price| (price.units, price.way));
    prices
}

/// How to read whoever holds a license with the service plan: the cheapest way first.
///
/// Where all may fit on one page that page is asked for, and shows whether they do. The list of holders does not
/// show who holds a license in error only; the groups in which there are such people cost a unit more.
pub fn of_holders(catalog: &Catalog) -> Vec<Price> {
    let everyone = Price { way: Way::Everyone, units: pages_of_everyone(catalog) };
    let Some(pages) = pages_of_holders(catalog) else { return vec![everyone] };
    let holders = Price { way: Way::Holders, units: pages + 1 };
    if pages == 1 && everyone.units == 1 { vec![everyone, holders] } else { vec![holders, everyone] }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use uuid::Uuid;

    use super::*;
    use crate::model::{LicenseStatus, SERVICE_PLAN, ServicePlan};

    fn license(number: u128, with_it: bool, holders: Option<u64>) -> License {
        let plan = ServicePlan { name: "A".into(), provisioning: "Success".into() };
        let plans = if with_it { BTreeMap::from([(SERVICE_PLAN, plan)]) } else { BTreeMap::new() };
        let id = SkuId(Uuid::from_u128(number));
        License { id, part_number: number.to_string(), status: LicenseStatus::Enabled, holders, plans }
    }

    fn catalog(e5: Option<u64>, e3: u64) -> Catalog {
        [license(1, true, e5), license(2, false, Some(e3))].into_iter().collect()
    }

    fn names(count: usize) -> Vec<UserKey> {
        (0..count).map(|at| UserKey::Upn(format!("{at}@x.com"))).collect()
    }

    #[test]
    fn few_names_are_read_by_filters_and_many_from_the_list_of_holders() {
        let way = |count| of_named(&names(count), &catalog(Some(300_000), 500_000))[0];
        assert_eq!(way(1), Price { way: Way::Filters, units: 1 });
        assert_eq!(way(4_500), Price { way: Way::Filters, units: 300 });
        assert_eq!(way(10_000).way, Way::Holders);
        assert_eq!(of_named(&names(10_000), &catalog(None, 5))[0].way, Way::Filters);
    }

    #[test]
    fn ids_and_names_are_filters_of_their_own() {
        let mut keys = names(16);
        keys.push(UserKey::Id(crate::model::UserId(Uuid::nil())));
        assert_eq!(by_filters(&keys), 3);
    }

    #[test]
    fn holders_are_read_by_their_list_unless_everybody_may_fit_on_a_page() {
        let way = |e5, e3| of_holders(&catalog(e5, e3))[0].way;
        assert_eq!(way(Some(20), 100), Way::Everyone);
        assert_eq!(way(Some(20), 5_000), Way::Holders);
        assert_eq!(way(Some(5_000), 100), Way::Holders);
        assert_eq!(way(None, 100_000), Way::Everyone);
    }

    #[test]
    fn more_licenses_than_a_filter_takes_are_read_with_everybody() {
        let many: Catalog = (1..=16).map(|number| license(number, true, Some(5_000))).collect();
        assert_eq!(of_holders(&many)[0].way, Way::Everyone);
    }
}
