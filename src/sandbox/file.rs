//! A tenant as a person writes it: the YAML file, as serde types.
//!
//! Everything but `tenant` is optional, and what is left out is ordinary: an account is enabled,
//! an assignment is active and old, a service plan that an assignment in force leaves on is
//! provisioned. Names are resolved in `build`.

use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::faults::Fault;
use super::lines::Lines;
use super::population::PopulationBlock;
use super::quota::Quota;
use super::short::{self, Short};
use super::weather::Weather;
use super::words::{AssignmentError, AssignmentState, Capability, PlanDates, Unreadable};
use crate::model::{Amount, GroupId, ServicePlanId, SignedDuration, SkuId, TenantId, Timestamp, UserId};

/// The file cannot be used: where and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    /// Which entry: `users[3].licenses[0]`.
    pub path: String,
    /// The line, counted from 1.
    pub line: Option<usize>,
    /// What is wrong with it.
    pub problem: String,
}

impl std::error::Error for Unusable {}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.path.is_empty(), self.line) {
            (true, None) => f.write_str(&self.problem),
            (true, Some(line)) => write!(f, "line {line}: {}", self.problem),
            (false, None) => write!(f, "{}: {}", self.path, self.problem),
            (false, Some(line)) => write!(f, "line {line}, {}: {}", self.path, self.problem),
        }
    }
}

/// A whole tenant file.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TenantFile {
    /// Whose tenant it is.
    pub tenant: Organization,
    /// When virtual time starts; real time is used where it is left out.
    pub now: Option<Timestamp>,
    /// Where all chance comes from.
    #[serde(default)]
    pub seed: u64,
    /// Reads may be that much behind writes.
    #[serde(default)]
    pub lag: SignedDuration,
    /// How long a change of a group's licenses takes to reach its last member.
    #[serde(default)]
    pub group_processing: SignedDuration,
    /// Whether the date of a service plan moves when it is turned on again (GRAPH 3.3 does not
    /// promise it).
    #[serde(default)]
    pub plan_dates: PlanDates,
    /// What the tenant owns.
    #[serde(default, deserialize_with = "short::list")]
    pub licenses: Vec<OwnedLicense>,
    /// Its groups.
    #[serde(default)]
    pub groups: Vec<GroupBlock>,
    /// Its users.
    #[serde(default, deserialize_with = "short::list")]
    pub users: Vec<UserBlock>,
    /// Many ordinary users more; a block, or a list of them.
    #[serde(default, deserialize_with = "short::one_or_many")]
    pub generate: Vec<Generate>,
    /// As many users as anybody likes, described and not listed.
    pub population: Option<PopulationBlock>,
    /// What goes wrong, and when.
    #[serde(default)]
    pub faults: Vec<Fault>,
    /// How much may be asked; without it, anything.
    #[serde(default)]
    pub quota: Quota,
    /// What goes wrong by chance, and how often.
    #[serde(default)]
    pub weather: Weather,
}

/// `tenant:`
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Organization {
    /// The tenant id.
    pub id: TenantId,
    /// The initial domain, such as `contoso.onmicrosoft.com`.
    pub domain: String,
    /// Further verified domains.
    #[serde(default)]
    pub domains: Vec<String>,
    /// The organization's name.
    pub name: Option<String>,
    /// ISO 3166; what users without a usage location get for licenses of groups.
    #[serde(default = "united_states")]
    pub country: String,
}

/// An entry of `licenses:` at the top: a license that the tenant owns.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OwnedLicense {
    /// The part number.
    pub license: String,
    /// `skuId`; known part numbers need none.
    pub id: Option<SkuId>,
    /// `capabilityStatus`.
    #[serde(default)]
    pub status: Capability,
    /// How many are paid for; by default ten more than are in use.
    pub seats: Option<u64>,
    /// Service plans that are not provisioned in the tenant: name or id to `provisioningStatus`.
    #[serde(default)]
    pub provisioning: std::collections::BTreeMap<String, String>,
    /// What is in it; known part numbers need none.
    pub service_plans: Option<Vec<PlanBlock>>,
}

/// A service plan of a license that is not known.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanBlock {
    /// `servicePlanName`.
    pub name: String,
    /// `servicePlanId`.
    pub id: ServicePlanId,
}

/// An entry of `groups:`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GroupBlock {
    /// The display name; need not be unique.
    pub name: String,
    /// Derived from the name where it is left out.
    pub id: Option<GroupId>,
    /// Free text.
    pub description: Option<String>,
    /// What its direct members get.
    #[serde(default, deserialize_with = "short::list")]
    pub licenses: Vec<CarriedBlock>,
    /// UPNs, ids, or names of other groups.
    #[serde(default)]
    pub members: Vec<String>,
    /// Members that are neither users nor groups.
    #[serde(default)]
    pub other_members: Vec<OtherMember>,
    /// When its licenses were last changed.
    pub since: Option<Timestamp>,
    /// Writes are refused with 403.
    #[serde(default)]
    pub restricted: bool,
    /// Reads are refused with this status, 403 or 503.
    pub unreadable: Option<Unreadable>,
}

/// A device, a contact or an app in a group. They get no licenses.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OtherMember {
    /// Which kind.
    #[serde(rename = "type")]
    pub kind: OtherKind,
    /// Its display name.
    pub name: String,
}

/// What a member can be that is neither a user nor a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OtherKind {
    /// A device.
    Device,
    /// An organizational contact.
    OrgContact,
    /// An app.
    ServicePrincipal,
}

/// An entry of a group's `licenses:`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CarriedBlock {
    /// Part number.
    pub license: String,
    /// The service plans that are turned off, by name or id.
    #[serde(default)]
    pub off: Vec<String>,
}

/// An entry of `users:`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserBlock {
    /// `userPrincipalName`.
    pub upn: String,
    /// Derived from the UPN where it is left out.
    pub id: Option<UserId>,
    /// `displayName`; derived from the UPN where it is left out.
    pub name: Option<String>,
    /// Two letters or `none`; the tenant's country where it is left out.
    #[serde(default, deserialize_with = "word_or_none")]
    pub usage_location: Option<Option<String>>,
    /// `accountEnabled`.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Whether `userType` is `Guest`.
    #[serde(default)]
    pub guest: bool,
    /// `department`.
    pub department: Option<String>,
    /// `jobTitle`.
    pub job_title: Option<String>,
    /// `onPremisesSyncEnabled`.
    #[serde(default)]
    pub synced: bool,
    /// When the assignments were last changed and their service plans assigned.
    pub since: Option<Timestamp>,
    /// What was assigned to the user itself.
    #[serde(default, deserialize_with = "short::list")]
    pub licenses: Vec<HeldBlock>,
    /// What is special about assignments that come from groups.
    #[serde(default)]
    pub inherited: Vec<InheritedBlock>,
    /// `assignedPlans` where they are not what the assignments say.
    #[serde(default)]
    pub assigned_plans: Vec<AssignedPlanBlock>,
    /// In a restricted administrative unit: writes are refused with 403.
    #[serde(default)]
    pub restricted: bool,
    /// Reads are refused with this status, 403 or 503.
    pub unreadable: Option<Unreadable>,
}

/// An entry of a user's `licenses:`: a direct assignment.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HeldBlock {
    /// Part number.
    pub license: String,
    /// The service plans that are turned off, by name or id. An id that the license does not have
    /// is kept: it was once part of it.
    #[serde(default)]
    pub off: Vec<String>,
    /// `Active` by default, `Error` when there is an `error`.
    pub state: Option<AssignmentState>,
    /// What is wrong with it.
    pub error: Option<AssignmentError>,
    /// When it was last changed and its service plans assigned.
    pub since: Option<Timestamp>,
    /// `lastUpdatedDateTime` where it is not `since`; `none` leaves it out.
    #[serde(default, deserialize_with = "time_or_none")]
    pub updated: Option<Option<Timestamp>>,
}

/// An entry of a user's `inherited:`: what is special about the assignments from one group.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InheritedBlock {
    /// The group, by name or id.
    pub group: String,
    /// Only this license of the group.
    pub license: Option<String>,
    /// `Active` by default, `Error` when there is an `error`.
    pub state: Option<AssignmentState>,
    /// What is wrong with it.
    pub error: Option<AssignmentError>,
    /// The error comes with the group's n-th change; 0, the default, has it from the start.
    #[serde(default)]
    pub from_change: u64,
    /// When it was last changed and its service plans assigned.
    pub since: Option<Timestamp>,
    /// `lastUpdatedDateTime` where it is not `since`; `none` leaves it out.
    #[serde(default, deserialize_with = "time_or_none")]
    pub updated: Option<Option<Timestamp>>,
}

/// An entry of a user's `assignedPlans:`. The entries of one service plan replace what the
/// assignments say about it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AssignedPlanBlock {
    /// The service plan, by name or id.
    pub plan: String,
    /// `capabilityStatus`, or `none` when there is no entry at all.
    #[serde(default, deserialize_with = "capability_or_none")]
    pub status: Option<Option<Capability>>,
    /// `assignedDateTime`, or `none`.
    #[serde(default, deserialize_with = "time_or_none")]
    pub since: Option<Option<Timestamp>>,
}

/// `generate:`
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Generate {
    /// How many.
    pub users: u64,
    /// What their UPNs begin with; a number follows.
    #[serde(default = "person")]
    pub name: String,
    /// What each of them holds directly.
    pub license: Option<String>,
    /// The group that each of them is in.
    pub group: Option<String>,
    /// How many of them have the service plan off in their direct assignment.
    #[serde(default, deserialize_with = "amount")]
    pub off: Option<Amount>,
    /// When they got it.
    pub since: Option<Timestamp>,
}

impl Short for OwnedLicense {
    const WHAT: &'static str = "a license";

    fn from_word(word: &str) -> Self {
        OwnedLicense {
            license: word.to_owned(),
            id: None,
            status: Capability::Enabled,
            seats: None,
            provisioning: Default::default(),
            service_plans: None,
        }
    }
}

impl Short for CarriedBlock {
    const WHAT: &'static str = "a license";

    fn from_word(word: &str) -> Self {
        CarriedBlock { license: word.to_owned(), off: Vec::new() }
    }
}

impl Short for HeldBlock {
    const WHAT: &'static str = "a license";

    fn from_word(word: &str) -> Self {
        HeldBlock { license: word.to_owned(), ..HeldBlock::default() }
    }
}

impl Short for UserBlock {
    const WHAT: &'static str = "a user";

    fn from_word(word: &str) -> Self {
        UserBlock { upn: word.to_owned(), enabled: true, ..UserBlock::default() }
    }
}

impl TenantFile {
    /// Reads the text of a tenant file. Only its shape: `build` finds names that lead nowhere.
    pub fn read(text: &str) -> Result<Self, Unusable> {
        parse(text)
    }
}

/// So much of a tenant file as says whose tenant it is.
#[derive(Deserialize)]
struct Head {
    tenant: Organization,
}

/// The names by which a manifest may mean the tenant of that text: its id and its domains. The rest of the
/// file is not looked at.
pub fn names(text: &str) -> Result<Vec<String>, Unusable> {
    let Organization { id, domain, domains, .. } = parse::<Head>(text)?.tenant;
    Ok([id.to_string(), domain].into_iter().chain(domains).collect())
}

fn parse<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Unusable> {
    // Windows editors put a mark in front that the YAML reader takes for text.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    serde_yaml::from_str(text).map_err(|error| Unusable {
        // The reader names path, line and column in its own text.
        path: String::new(),
        line: None,
        problem: error.to_string(),
    })
}

impl Unusable {
    /// Something is wrong with that entry of the text.
    pub fn new(lines: &Lines, path: impl Into<String>, problem: impl Into<String>) -> Self {
        let path = path.into();
        Unusable { line: lines.line(&path), path, problem: problem.into() }
    }
}

fn united_states() -> String {
    "US".to_owned()
}

fn person() -> String {
    "person".to_owned()
}

fn yes() -> bool {
    true
}

/// A value, or the word `none`, which is not the same as leaving it out.
fn or_none<'de, D, T>(
    from: D,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
{
    let word = String::deserialize(from)?;
    if word == "none" {
        return Ok(Some(None));
    }
    parse(&word).map(|value| Some(Some(value))).map_err(D::Error::custom)
}

fn word_or_none<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<String>>, D::Error> {
    or_none(from, |word| Ok(word.to_owned()))
}

fn time_or_none<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<Timestamp>>, D::Error> {
    or_none(from, |word| word.parse().map_err(|error| format!("`{word}` is no time: {error}")))
}

fn capability_or_none<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<Capability>>, D::Error> {
    or_none(from, |word| {
        Capability::parse(word).ok_or_else(|| {
            format!("`{word}` is no status; there are Enabled, Warning, Suspended, LockedOut, Deleted, none")
        })
    })
}

fn amount<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Amount>, D::Error> {
    /// A count or a share; a bare number is not a text in YAML.
    struct Either;
    impl serde::de::Visitor<'_> for Either {
        type Value = Option<Amount>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a count such as `50` or a share such as `5%`")
        }
        fn visit_u64<E: Error>(self, count: u64) -> Result<Self::Value, E> {
            Ok(Some(Amount::Count(count)))
        }
        fn visit_str<E: Error>(self, word: &str) -> Result<Self::Value, E> {
            word.parse().map(Some).map_err(E::custom)
        }
    }
    from.deserialize_any(Either)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        TenantFile::read(text).expect_err("unusable").to_string()
    }

    const TENANT: &str =
        "tenant: {id: 8a9b0c1d-0000-4000-8000-000000000001, domain: contoso.onmicrosoft.com}\n";

    #[test]
    fn a_word_stands_for_a_block() {
        let text =
            format!("{TENANT}licenses: [SPE_E5]\nusers:\n  - a@contoso.com\n  - {{upn: b@contoso.com}}\n");
        let file = TenantFile::read(&text).expect("usable");
        assert_eq!(file.licenses[0].license, "SPE_E5");
        assert!(file.users[0].enabled && file.users[1].enabled);
    }

    #[test]
    fn an_unknown_key_is_an_error_with_path_and_line() {
        let text = format!("{TENANT}users:\n  - {{upn: a@contoso.com, licences: [SPE_E5]}}\n");
        let problem = problem(&text);
        assert!(problem.contains("unknown field `licences`"), "{problem}");
        assert!(problem.contains("line 3"), "{problem}");
    }

    #[test]
    fn none_is_not_the_same_as_left_out() {
        let text = format!("{TENANT}users: [{{upn: a@b.c, usageLocation: none}}, {{upn: b@b.c}}]\n");
        let file = TenantFile::read(&text).expect("usable");
        assert_eq!(file.users[0].usage_location, Some(None));
        assert_eq!(file.users[1].usage_location, None);
    }

    #[test]
    fn a_time_without_a_zone_is_an_error() {
        let text = format!("{TENANT}now: 2026-11-22T09:00:00\n");
        assert!(problem(&text).contains("now"), "{}", problem(&text));
    }

    #[test]
    fn a_byte_order_mark_is_no_error() {
        assert!(TenantFile::read(&format!("\u{feff}{TENANT}")).is_ok());
    }
}
