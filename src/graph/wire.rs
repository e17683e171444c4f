//! What Microsoft sends and takes, exactly as it stands on the wire.
//!
//! Lenient: everything may be absent, unknown fields are ignored, unknown words are kept as they
//! are. What a missing field means is not decided here but in the conversion to the values that the
//! rest of advaudit sees.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::scalar::{Guid, Moment, Word, flag, word};
use crate::model::{SERVICE_PLAN, Timestamp};

/// Something that has to stand in braces. Serde's structs are also read from a list, by the order of
/// their fields, and no answer of Graph's is meant so.
#[derive(Clone, Debug)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Braces<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Braces<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        deserializer.deserialize_map(Braces(PhantomData))
    }
}

/// One page of a collection.
#[derive(Clone, Debug, Deserialize)]
pub struct Page<T> {
    /// The entries. Absent means that this is not a page; empty is a page (GRAPH 2.2).
    pub value: Option<Vec<T>>,
    /// Where the next page is; absent on the last one. One that is no text is a page that cannot be
    /// read: taken for absent, the rest of the collection would be missing.
    #[serde(rename = "@odata.nextLink")]
    pub next_link: Option<String>,
}

/// What an advanced query counts beside its first page (GRAPH 2.2).
#[derive(Clone, Debug, Deserialize)]
pub struct Counted {
    /// How many there are in all.
    #[serde(rename = "@odata.count", default, deserialize_with = "word")]
    pub count: Option<String>,
}

/// `GET /organization`, one entry (GRAPH 6).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Organization {
    /// The tenant id.
    pub id: Option<String>,
    /// Its verified domains.
    pub verified_domains: Option<Vec<VerifiedDomain>>,
}

/// One domain that the tenant has proved to own.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VerifiedDomain {
    /// `contoso.com`.
    pub name: Option<String>,
    /// The one that new accounts get.
    #[serde(deserialize_with = "flag")]
    pub is_default: Option<bool>,
}

/// One entry of `GET /subscribedSkus` (GRAPH 6).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SubscribedSku {
    /// The license.
    pub sku_id: Option<String>,
    /// Its name.
    #[serde(deserialize_with = "word")]
    pub sku_part_number: Option<String>,
    /// Enabled, Warning, Suspended, Deleted, LockedOut.
    pub capability_status: Option<String>,
    /// How many users hold it.
    #[serde(deserialize_with = "word")]
    pub consumed_units: Option<String>,
    /// Its service plans.
    pub service_plans: Option<Vec<ServicePlanInfo>>,
}

/// One service plan of a license (GRAPH 3.4).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServicePlanInfo {
    /// The service plan.
    pub service_plan_id: Option<String>,
    /// Its name.
    #[serde(deserialize_with = "word")]
    pub service_plan_name: Option<String>,
    /// Success, Disabled, Error, PendingInput, PendingActivation, PendingProvisioning.
    pub provisioning_status: Option<String>,
}

/// A user (GRAPH 2.1), as far as it is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct User {
    /// The object id.
    pub id: Option<Guid>,
    /// The UPN.
    pub user_principal_name: Option<String>,
    /// ISO 3166 alpha-2.
    pub usage_location: Option<String>,
    /// Whether the user can sign in; only when selected.
    #[serde(deserialize_with = "flag")]
    pub account_enabled: Option<bool>,
    /// `Member` or `Guest`; only when selected.
    #[serde(deserialize_with = "word")]
    pub user_type: Option<String>,
    /// Every way in which the user holds a license; only when selected.
    pub license_assignment_states: Option<Vec<LicenseAssignmentState>>,
    /// What is said of *the* service plan, with its date; only when selected.
    pub assigned_plans: Option<AssignedPlans>,
}

/// One (license, source) of a user (GRAPH 3.2).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LicenseAssignmentState {
    /// The license.
    pub sku_id: Option<Guid>,
    /// The service plans that this source turns off.
    pub disabled_plans: Option<Vec<Guid>>,
    /// The group; null when direct.
    pub assigned_by_group: Option<Guid>,
    /// Active, ActiveWithError, Disabled, Error.
    pub state: Option<Word>,
    /// Null, empty, `None`, or what is wrong.
    pub error: Option<Word>,
    /// When it changed last.
    pub last_updated_date_time: Option<Moment>,
}

/// Of the service plans that a user has or had (GRAPH 3.3), *the* one's entries, and those that do not say
/// which they are for. The hundred others are passed by as they are read.
#[derive(Clone, Debug, Default)]
pub struct AssignedPlans(pub Vec<AssignedPlan>);

/// One service plan that a user has or had.
#[derive(Clone, Debug)]
pub struct AssignedPlan {
    /// The service plan.
    pub service_plan_id: Option<Guid>,
    /// Enabled, Warning, Suspended, LockedOut, Deleted.
    pub capability_status: Option<Word>,
    /// Since when.
    pub assigned_date_time: Option<Timestamp>,
}

impl<'de> Deserialize<'de> for AssignedPlans {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// As it is written; the date comes before what it is the date of.
        #[derive(Default, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        struct Entry<'a> {
            service_plan_id: Option<Guid>,
            capability_status: Option<Word>,
            #[serde(borrow)]
            assigned_date_time: Option<Cow<'a, str>>,
        }

        struct Own;

        impl<'de> Visitor<'de> for Own {
            type Value = AssignedPlans;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<AssignedPlans, A::Error> {
                let mut own = Vec::new();
                while let Some(entry) = list.next_element::<Entry<'de>>()? {
                    let is_other = |id: &Guid| *id != Guid::Is(SERVICE_PLAN.0);
                    if !entry.service_plan_id.as_ref().is_some_and(is_other) {
                        let date = entry.assigned_date_time.and_then(|text| text.parse().ok());
                        let Entry { service_plan_id, capability_status, .. } = entry;
                        own.push(AssignedPlan {
                            service_plan_id,
                            capability_status,
                            assigned_date_time: date,
                        });
                    }
                }
                Ok(AssignedPlans(own))
            }
        }
        deserializer.deserialize_seq(Own)
    }
}

/// A group (GRAPH 5.1), as far as it is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Group {
    /// The object id.
    pub id: Option<String>,
    /// The name; not unique.
    #[serde(deserialize_with = "word")]
    pub display_name: Option<String>,
    /// The licenses that it carries; only when selected.
    pub assigned_licenses: Option<Vec<AssignedLicense>>,
    /// How far the last change has come; null for a group that never had a license.
    #[serde(deserialize_with = "processing_state")]
    pub license_processing_state: Option<String>,
}

/// A license with its whole list of service plans turned off: an entry of a group's
/// `assignedLicenses`, and of `addLicenses`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AssignedLicense {
    /// The license.
    pub sku_id: Option<String>,
    /// The service plans that are turned off.
    pub disabled_plans: Option<Vec<String>>,
}

/// The body of `POST …/assignLicense` (GRAPH 4.1). Both lists are required, also when empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssignLicense {
    /// What is written; each entry replaces the list of that license.
    pub add_licenses: Vec<AssignedLicense>,
    /// Always empty.
    pub remove_licenses: Vec<String>,
}

/// One entry of `/groups/{id}/members` (GRAPH 5.4).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Member {
    /// `#microsoft.graph.user`, `#microsoft.graph.group`, …
    #[serde(rename = "@odata.type")]
    pub kind: Option<Word>,
    /// The object id.
    pub id: Option<Guid>,
    /// The UPN of a user; only when selected.
    pub user_principal_name: Option<String>,
    /// Where a user is; only when selected.
    pub usage_location: Option<String>,
    /// Whether a user can sign in; only when selected.
    #[serde(deserialize_with = "flag")]
    pub account_enabled: Option<bool>,
    /// `Member` or `Guest`; only when selected.
    #[serde(deserialize_with = "word")]
    pub user_type: Option<String>,
    /// Every way in which a user holds a license; only when selected, and not of whom may not be read.
    pub license_assignment_states: Option<Vec<LicenseAssignmentState>>,
}

/// The body of `POST /$batch` (GRAPH 7).
#[derive(Clone, Debug, Serialize)]
pub struct Batch {
    /// At most 20.
    pub requests: Vec<BatchRequest>,
}

/// One part of a batch.
#[derive(Clone, Debug, Serialize)]
pub struct BatchRequest {
    /// Unique within the batch, without regard to case.
    pub id: String,
    /// The method.
    pub method: &'static str,
    /// Relative to the version, with a slash in front.
    pub url: String,
}

/// The answer to a batch: 200 even when every part failed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct BatchAnswer {
    /// In any order. Each is read by itself, so that one that cannot be read is only that one.
    pub responses: Option<Vec<Box<RawValue>>>,
}

/// The answer to one part of a batch.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct BatchPart {
    /// The id it was sent with.
    #[serde(deserialize_with = "word")]
    pub id: Option<String>,
    /// The HTTP status, as it is written.
    #[serde(deserialize_with = "word")]
    pub status: Option<String>,
    /// The headers, `Retry-After` among them.
    pub headers: Option<BTreeMap<String, Value>>,
    /// The body, as it is written.
    pub body: Option<Box<RawValue>>,
}

/// The schema says `{"state": "…"}`, the docs say `"…"`, and a group without licenses says null
/// (GRAPH 5.2).
fn processing_state<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Spelling {
        Object { state: Option<String> },
        Word(String),
    }
    let spelling = Option::<Spelling>::deserialize(deserializer)?;
    Ok(spelling.and_then(|spelling| match spelling {
        Spelling::Object { state } => state,
        Spelling::Word(word) => Some(word),
    }))
}
