//! `population:` of a tenant file: how many people there are, and what share of them is how.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::share::Share;
use crate::model::Timestamp;

/// `population:`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PopulationBlock {
    /// How many.
    pub users: u64,
    /// Who holds which license itself, in shares of all.
    #[serde(default)]
    pub direct: BTreeMap<String, Share>,
    /// Who is in which group, in shares of all. Nobody is in two groups that carry licenses, nor in one
    /// and among `direct`; in groups that carry none anybody can be.
    #[serde(default)]
    pub groups: BTreeMap<String, Share>,
    /// Of all: guests. They hold nothing.
    #[serde(default = "guests")]
    pub guests: Share,
    /// Of all: accounts that are not enabled.
    #[serde(default = "disabled")]
    pub disabled: Share,
    /// Of all: synced from on-premises.
    #[serde(default = "synced")]
    pub synced: Share,
    /// Of the members of groups that carry licenses: they hold the group's first one themselves as well.
    #[serde(default = "both")]
    pub both: Share,
    /// Of the direct assignments that have the service plan: it is off in them.
    #[serde(default = "off")]
    pub off: Share,
    /// Of the direct assignments: some other service plan is off in them.
    #[serde(default = "other_off")]
    pub other_off: Share,
    /// Of the members of groups that carry licenses: they could not get them. Of the direct assignments a
    /// tenth as many are in error.
    #[serde(default = "errors")]
    pub errors: Share,
    /// Of those without a license: no usage location.
    #[serde(default = "no_location")]
    pub no_location: Share,
    /// Usage locations; the rest is in the tenant's country.
    #[serde(default)]
    pub countries: BTreeMap<String, Share>,
    /// Departments; the rest has none.
    #[serde(default)]
    pub departments: BTreeMap<String, Share>,
    /// When the licenses were assigned: at some time from then on.
    #[serde(default = "from")]
    pub from: Timestamp,
    /// And before then.
    #[serde(default = "until")]
    pub until: Timestamp,
}

fn guests() -> Share {
    Share::per_mille(50)
}

fn disabled() -> Share {
    Share::per_mille(40)
}

fn synced() -> Share {
    Share::per_mille(700)
}

fn both() -> Share {
    Share::per_mille(20)
}

fn off() -> Share {
    Share::per_mille(10)
}

fn other_off() -> Share {
    Share::per_mille(150)
}

fn errors() -> Share {
    Share::per_mille(3)
}

fn no_location() -> Share {
    Share::per_mille(100)
}

fn from() -> Timestamp {
    "2023-03-01T00:00:00Z".parse().expect("a constant time")
}

fn until() -> Timestamp {
    "2026-09-01T00:00:00Z".parse().expect("a constant time")
}
