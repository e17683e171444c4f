//! Why a declared subject is left alone, and the next step: the closed set of DESIGN's "blocked".

use super::sources;
use super::ways::{self, Held, Hidden};
use crate::model::{AssignmentError, GroupId, SERVICE_PLAN_NAME, UserId};

/// Why nothing is done although something should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhyNot {
    /// The tenant does not know the name or id, on two reads.
    NotFound,
    /// The name leads to another object than in the journal.
    NameMoved {
        /// The object it was.
        was: UserId,
        /// The object it is now.
        now: UserId,
    },
    /// Several groups have that display name.
    Ambiguous(Vec<GroupId>),
    /// No license with the service plan.
    NoLicense {
        /// The one license that the entry allows, if it narrows.
        narrowed_to: Option<String>,
        /// A selector means it, and no entry names it.
        is_selected: bool,
        /// The licenses of its own that turn it off, where the entry narrows to another one.
        own: Vec<String>,
    },
    /// The tenant may not use the license now.
    LicenseNotUsable {
        /// Part number.
        license: String,
        /// The tenant's status of it.
        status: String,
    },
    /// The service plan is not provisioned in the tenant.
    NotProvisioned {
        /// Part number.
        license: String,
        /// The tenant's status of the service plan in it.
        status: String,
    },
    /// Off, only through groups that disable it.
    OffByGroups(Vec<Hidden>),
    /// Its assignments are in error.
    InError {
        /// Part number.
        license: String,
        /// The group that it comes from.
        group: Option<GroupRef>,
        /// The state as Graph writes it.
        state: String,
        /// What Graph says is wrong.
        error: Option<AssignmentError>,
        /// Groups that turn it off as well, and would do.
        hidden: Vec<Hidden>,
    },
    /// A direct assignment cannot be written without one.
    NoUsageLocation {
        /// Groups that turn it off as well, and would do.
        hidden: Vec<Hidden>,
    },
    /// Protected users are never turned off.
    Protected,
    /// On through groups, so that no change of the user turns it off.
    OnByGroups(Held),
    /// A protected person would go off with the group.
    ProtectedMembers(Vec<String>),
    /// More members than `limits.groupMembers`.
    GroupTooLarge {
        /// How many user members it has.
        members: u64,
        /// The limit.
        limit: u64,
    },
}

/// A group, by id and display name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupRef {
    /// Object id.
    pub id: GroupId,
    /// Display name, or the id when it could not be read.
    pub name: String,
}

impl GroupRef {
    /// `group "E5 Legal"`; by id where it has no name that could be read.
    pub fn short(&self) -> String {
        if self.name == self.id.to_string() { self.full() } else { format!("group \"{}\"", self.name) }
    }

    /// `group "E5 Legal" (8a9b…)`, because names are not unique.
    pub fn full(&self) -> String {
        if self.name == self.id.to_string() {
            format!("group {}", self.id)
        } else {
            format!("group \"{}\" ({})", self.name, self.id)
        }
    }
}

impl WhyNot {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            WhyNot::NotFound => "not-found",
            WhyNot::NameMoved { .. } => "name-moved",
            WhyNot::Ambiguous(_) => "ambiguous",
            WhyNot::NoLicense { .. } => "no-license",
            WhyNot::LicenseNotUsable { .. } => "license-not-usable",
            WhyNot::NotProvisioned { .. } => "not-provisioned",
            WhyNot::OffByGroups(_) => "off-by-group",
            WhyNot::InError { .. } => "assignment-in-error",
            WhyNot::NoUsageLocation { .. } => "no-usage-location",
            WhyNot::Protected => "protected",
            WhyNot::OnByGroups(_) => "on-by-group",
            WhyNot::ProtectedMembers(_) => "protected-member",
            WhyNot::GroupTooLarge { .. } => "group-too-large",
        }
    }

    /// The reason, a clause in lower case.
    pub fn reason(&self) -> String {
        match self {
            WhyNot::NotFound => "the tenant does not know it (two reads)".into(),
            WhyNot::NameMoved { was, now } => {
                format!("the name now leads to another object ({now}) than in the journal ({was})")
            }
            WhyNot::Ambiguous(ids) => format!("{} groups have this name: {}", ids.len(), list(ids)),
            WhyNot::NoLicense { narrowed_to: None, .. } => {
                format!("it holds no license with {SERVICE_PLAN_NAME}")
            }
            WhyNot::NoLicense { narrowed_to: Some(license), .. } => {
                format!("it holds no {license} of its own that turns {SERVICE_PLAN_NAME} off")
            }
            WhyNot::LicenseNotUsable { license, status } => format!("the tenant's {license} is {status}"),
            WhyNot::NotProvisioned { license, status } => {
                format!("{SERVICE_PLAN_NAME} of {license} is not provisioned in the tenant ({status})")
            }
            WhyNot::OffByGroups(hidden) => format!("turned off by {}", names(hidden)),
            WhyNot::InError { license, group, state, error, .. } => {
                let from = group.as_ref().map_or_else(String::new, |group| format!(" of {}", group.full()));
                match error {
                    Some(error) => {
                        let meaning = error.meaning();
                        format!("its {license}{from} is in error: {error}, {meaning} (state {state})")
                    }
                    None => format!("its {license}{from} is not in force (state {state})"),
                }
            }
            WhyNot::NoUsageLocation { .. } => {
                "it has no usageLocation, and Graph refuses direct licenses without one".into()
            }
            WhyNot::Protected => "it is protected, and a toggle would turn it off".into(),
            WhyNot::OnByGroups(held) => held.reason(),
            WhyNot::ProtectedMembers(people) => {
                format!("its toggle would turn off protected people: {}", people.join(", "))
            }
            WhyNot::GroupTooLarge { members, limit } => {
                format!("it has {members} members, more than limits.groupMembers ({limit})")
            }
        }
    }

    /// What to do about it.
    pub fn next_step(&self) -> String {
        match self {
            WhyNot::NotFound => "correct the name, or remove the entry".into(),
            WhyNot::NameMoved { .. } => "declare the object id of the one that is meant".into(),
            WhyNot::Ambiguous(_) => "declare the id of the one that is meant".into(),
            WhyNot::NoLicense { narrowed_to: None, is_selected: false, .. } => {
                "assign an E5-class license, or remove the entry".into()
            }
            WhyNot::NoLicense { narrowed_to: None, is_selected: true, .. } => {
                "assign an E5-class license, or leave it out of the selection: `except`, or a narrower selector"
                    .into()
            }
            WhyNot::NoLicense { narrowed_to: Some(_), own, .. } if !own.is_empty() => {
                format!("name {} as `license`, or leave it out", own.join(" or "))
            }
            WhyNot::NoLicense { narrowed_to: Some(_), .. } => "correct `license`, or leave it out".into(),
            WhyNot::LicenseNotUsable { .. } => "renew the subscription; enabling cannot help before".into(),
            WhyNot::NotProvisioned { .. } => {
                "activate the service plan for the tenant in the Microsoft 365 admin center".into()
            }
            WhyNot::OffByGroups(hidden) => ways::to_turn_on(hidden),
            WhyNot::InError { error, hidden, .. } => {
                let remedy = error.as_ref().map_or(sources::LOOK, AssignmentError::remedy);
                or_by_group(remedy, hidden)
            }
            WhyNot::NoUsageLocation { hidden } => or_by_group("set the user's usageLocation", hidden),
            WhyNot::Protected => "take it out of `protect`, or out of the entry with the date".into(),
            WhyNot::OnByGroups(held) => held.next_step(),
            WhyNot::ProtectedMembers(_) => {
                "give them a direct license first, take them out of `protect`, or out of the group".into()
            }
            WhyNot::GroupTooLarge { members, .. } => {
                format!(
                    "if all of them may go off at once: --allow groupMembers={members} --reason \"why\" for one run, or \
                     raise limits.groupMembers"
                )
            }
        }
    }
}

fn list(ids: &[GroupId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// `group "E5 Legal" (8a9b…)`, joined.
fn names(hidden: &[Hidden]) -> String {
    hidden.iter().map(|one| one.group.full()).collect::<Vec<_>>().join(" and ")
}

/// What helps with the user itself, and the groups that would do instead.
fn or_by_group(own: &str, hidden: &[Hidden]) -> String {
    if hidden.is_empty() { own.to_owned() } else { format!("{own}; or {}", ways::by_any_group(hidden)) }
}
