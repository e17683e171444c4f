//! The manifest as it is written, one type for each block.
//!
//! The JSON Schema is made of these types, and the doc comments of their fields are what an editor
//! shows. [`super::read()`] checks everything on the tree first, where it knows the places; these
//! types then read the same text once more, with another YAML reader, and both must agree.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::json;

use super::declared::{Declared, Select, Who};
use super::filter::in_one_line;
use crate::model::{GroupKey, UserKey};

/// What must be so in one Microsoft 365 tenant: who must have the service plan Microsoft 365
/// Advanced Auditing (M365_ADVANCED_AUDITING), and how carefully to get there.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ManifestFile {
    /// The version of this format.
    #[schemars(extend("const" = "advaudit/v1"))]
    pub api_version: String,
    /// The tenant's id or one of its verified domains. Compared with the tenant before anything else.
    #[schemars(example = &"contoso.onmicrosoft.com", length(min = 1))]
    pub tenant: String,
    /// How a toggle runs: off, wait, on.
    pub toggle: Option<ToggleBlock>,
    /// What one run may start. A run that would exceed a limit prints in full and starts nothing.
    pub limits: Option<LimitsBlock>,
    /// People who are never turned off, neither directly nor through a group: UPNs or object ids.
    #[schemars(example = ["ceo@contoso.com"])]
    pub protect: Option<Vec<String>>,
    /// Users who must be on: each by name, or many by a selector.
    pub users: Option<Vec<Line<UserBlock>>>,
    /// Groups that carry licenses (group-based licensing) and must leave the service plan on.
    pub groups: Option<Vec<Line<GroupBlock>>>,
}

/// How a toggle runs. All keys are optional.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ToggleBlock {
    /// The time between off and on, for users. Microsoft's remedy asks for 60 minutes; less is
    /// allowed with a warning.
    pub wait: Option<Duration<60>>,
    /// The time between off and on, for groups, after the group has been verified to be off.
    pub group_wait: Option<Duration<0>>,
    /// How long a group may take to be verified off before it is turned on anyway.
    pub group_gate: Option<Duration<120>>,
    /// How many people may be off at the same time: a count, or a share of the declared people that
    /// is never below 10.
    pub max_off: Option<AmountText<10>>,
    /// So many people go off first, the smallest subjects before others, and nobody else before every one of
    /// them was seen back on. If one is not, no further toggle starts.
    #[schemars(range(min = 1), example = 5)]
    pub canary: Option<u64>,
    /// When so many toggles of a run have failed, no further one starts.
    #[schemars(range(min = 1), example = 3)]
    pub max_failures: Option<u64>,
    /// When toggles may start: days, from, to, and zone; past midnight belongs to the day on which it began. Turning
    /// on is never bound to it.
    pub window: Option<Windows>,
    /// A toggle starts only if it can be back on by the next such moment: a time of day with its zone, on some
    /// days or on all, or one moment.
    #[schemars(example = &"07:00 Europe/Berlin", length(min = 1))]
    pub must_be_on_by: Option<String>,
}

/// What one run may start. All keys are optional.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LimitsBlock {
    /// How many people one run may turn on: a count, or a share of the declared people that is never
    /// below 20. Turning on harms nobody, so there is no limit unless you set one.
    pub enable: Option<AmountText<100>>,
    /// How many people one run may turn off for a toggle: a count, or a share of the declared people
    /// that is never below 20. Write 100% to ask for an organization-wide toggle.
    pub toggle: Option<AmountText<25>>,
    /// Groups with more members than this are not toggled.
    #[schemars(range(min = 1), extend("default" = 1000))]
    pub group_members: Option<u64>,
}

/// One user, or a selection of many.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    {"required": ["user"]}, {"required": ["all"]}, {"required": ["filter"]}, {"required": ["membersOf"]},
]))]
pub struct UserBlock {
    /// The user's UPN or object id.
    #[schemars(example = &"megan.bowen@contoso.com", length(min = 1))]
    pub user: Option<String>,
    /// `licensed`: each user who holds a license with the service plan, directly or by a group.
    #[schemars(extend("const" = "licensed"))]
    pub all: Option<String>,
    /// Users by a Graph $filter on users. Whoever it selects must be on, licensed or not.
    #[schemars(example = &"department eq 'Legal'", length(min = 1))]
    pub filter: Option<String>,
    /// The direct members of a group, as users: its display name or object id. The group need not carry
    /// licenses, and is not changed.
    #[schemars(example = &"Forensics Watchlist", length(min = 1))]
    pub members_of: Option<String>,
    /// Users whom this selection leaves out: UPNs or object ids.
    #[schemars(example = ["svc-scan@contoso.com"])]
    pub except: Option<Vec<String>>,
    /// The service plan must have been turned on at or after this time; where it is on since before,
    /// it is toggled. Date, time and zone, not later than now.
    #[schemars(example = &"2026-11-20T00:00:00Z", extend("format" = "date-time"))]
    pub toggle_if_enabled_before: Option<String>,
    /// Why, for the plan, the journal and the report.
    #[schemars(example = &"INC-4711 no MailItemsAccessed since October")]
    pub reason: Option<String>,
    /// The part number of one license; narrows an enable to it.
    #[schemars(example = &"SPE_E5", length(min = 1))]
    pub license: Option<String>,
    /// Whether the selection may be empty. Without it an empty one is unknown and makes the plan incomplete,
    /// because a slip in a filter looks the same.
    pub allow_empty: Option<bool>,
    /// `enabled`: the selection without guests and disabled accounts.
    #[schemars(extend("const" = "enabled"))]
    pub members: Option<String>,
}

/// One group that carries licenses.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GroupBlock {
    /// The group's display name or object id. A name that several groups have is an error that lists
    /// their ids.
    #[schemars(example = &"E5 Legal", length(min = 1))]
    pub group: String,
    /// The service plan must have been turned on at or after this time; where it is on since before,
    /// the group is toggled. Date, time and zone, not later than now.
    #[schemars(example = &"2026-11-20T00:00:00Z", extend("format" = "date-time"))]
    pub toggle_if_enabled_before: Option<String>,
    /// Why, for the plan, the journal and the report.
    #[schemars(example = &"INC-4711 no MailItemsAccessed since October")]
    pub reason: Option<String>,
}

/// An entry of a list: a bare name, or a block.
#[derive(Clone, Debug, PartialEq)]
pub enum Line<B> {
    /// The short form: must be on.
    Name(String),
    /// The long form.
    Block(Box<B>),
}

/// A duration such as `60m` or `1h 30m`, by default that many minutes.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(transparent)]
pub struct Duration<const DEFAULT_MINUTES: u32>(pub String);

/// A count such as `50` or a share such as `10%`, by default that many percent.
#[derive(Clone, Debug, PartialEq)]
pub struct AmountText<const DEFAULT_PERCENT: u8>(pub String);

/// One window such as `Sat 22:00-04:00 Europe/Berlin`, or a list of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Windows(pub Vec<String>);

impl ManifestFile {
    /// Reads the types from a text. Its errors name a line, but only the first is found; that is why
    /// [`super::read()`] comes before.
    pub fn from_yaml(text: &str) -> Result<Self, serde_yaml::Error> {
        serde_yaml::from_str(text)
    }

    /// Whether this is the same manifest, as far as it says who is meant.
    pub(super) fn has_the_names_of(&self, declared: &Declared) -> bool {
        let users = self.users.iter().flatten().map(|line| match line {
            Line::Name(name) => Meant::User(UserKey::parse(name)),
            Line::Block(block) => block.meant(),
        });
        let groups = self.groups.iter().flatten().map(|line| match line {
            Line::Name(name) => GroupKey::parse(name),
            Line::Block(block) => GroupKey::parse(&block.group),
        });
        let declared_users = declared.users.iter().map(|entry| match &entry.who {
            Who::User(key) => Meant::User(key.clone()),
            Who::Selected(selector) => Meant::Selected(selector.select.value.clone()),
        });
        let declared_groups = declared.groups.iter().map(|entry| entry.group.clone());
        self.tenant == declared.tenant.value && users.eq(declared_users) && groups.eq(declared_groups)
    }
}

/// Whom an entry of `users:` means, as far as the two readers compare it.
#[derive(PartialEq)]
enum Meant {
    User(UserKey),
    Selected(Select),
}

impl UserBlock {
    fn meant(&self) -> Meant {
        match (&self.user, &self.filter, &self.members_of) {
            (Some(user), ..) => Meant::User(UserKey::parse(user)),
            (None, Some(filter), _) => Meant::Selected(Select::Filter(in_one_line(filter))),
            (None, None, Some(group)) => Meant::Selected(Select::MembersOf(GroupKey::parse(group))),
            (None, None, None) => Meant::Selected(Select::AllLicensed),
        }
    }
}

impl<'de, B: Deserialize<'de>> Deserialize<'de> for Line<B> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<B>(PhantomData<B>);

        impl<'de, B: Deserialize<'de>> Visitor<'de> for Either<B> {
            type Value = Line<B>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name, or a block of keys")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Line<B>, E> {
                Ok(Line::Name(name.to_owned()))
            }

            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Line<B>, M::Error> {
                B::deserialize(MapAccessDeserializer::new(map)).map(|block| Line::Block(Box::new(block)))
            }
        }

        deserializer.deserialize_any(Either(PhantomData))
    }
}

impl<B: JsonSchema> JsonSchema for Line<B> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("{}Line", B::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let block = generator.subschema_for::<B>();
        json_schema!({"anyOf": [{"type": "string", "minLength": 1, "description": "Must be on."}, block]})
    }
}

impl<const DEFAULT_MINUTES: u32> JsonSchema for Duration<DEFAULT_MINUTES> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let default = match DEFAULT_MINUTES {
            minutes @ 0..=60 => format!("{minutes}m"),
            minutes => format!("{}h", minutes / 60),
        };
        json_schema!({
            "type": "string",
            "pattern": r"[0-9]\s*[A-Za-z]", // every number has a unit
            "default": default,
            "examples": ["60m", "1h 30m"],
        })
    }
}

impl<'de, const DEFAULT_PERCENT: u8> Deserialize<'de> for AmountText<DEFAULT_PERCENT> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CountOrShare<const DEFAULT_PERCENT: u8>;

        impl<const DEFAULT_PERCENT: u8> Visitor<'_> for CountOrShare<DEFAULT_PERCENT> {
            type Value = AmountText<DEFAULT_PERCENT>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a count such as `50`, or a share such as `10%`")
            }

            fn visit_u64<E: de::Error>(self, count: u64) -> Result<Self::Value, E> {
                Ok(AmountText(count.to_string()))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(AmountText(text.to_owned()))
            }
        }

        deserializer.deserialize_any(CountOrShare)
    }
}

impl<const DEFAULT_PERCENT: u8> JsonSchema for AmountText<DEFAULT_PERCENT> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Amount".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {"type": "string", "pattern": r"^([0-9]+|([0-9]{1,2}|100)\s*%)$"},
            ],
            "default": format!("{DEFAULT_PERCENT}%"),
            "examples": ["10%", 50],
        })
    }
}

impl<'de> Deserialize<'de> for Windows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMore;

        impl<'de> Visitor<'de> for OneOrMore {
            type Value = Windows;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a window such as `Sat 22:00-04:00 Europe/Berlin`, or a list of windows")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Windows, E> {
                Ok(Windows(vec![text.to_owned()]))
            }

            fn visit_seq<S: SeqAccess<'de>>(self, list: S) -> Result<Windows, S::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(Windows)
            }
        }

        deserializer.deserialize_any(OneOrMore)
    }
}

impl JsonSchema for Windows {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Windows".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let window = json!({
            "type": "string",
            "pattern": r"[0-9]{1,2}:[0-9]{2}\s*-\s*[0-9]{1,2}:[0-9]{2}\s+[A-Za-z]",
            "examples": ["Sat 22:00-04:00 Europe/Berlin", "Mon-Fri 01:00-05:00 UTC"],
        });
        json_schema!({"anyOf": [window, {"type": "array", "items": window, "minItems": 1}]})
    }
}
