//! Why a declared subject is left alone, and the next step: the closed set of DESIGN's "blocked".

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
    OffByGroups(Vec<GroupRef>),
    /// Its assignments are in error.
    InError {
        /// Part number.
        license: String,
        /// The state as Graph writes it.
        state: String,
        /// What Graph says is wrong.
        error: Option<AssignmentError>,
    },
    /// A direct assignment cannot be written without one.
    NoUsageLocation,
    /// Protected users are never turned off.
    Protected,
    /// On through groups, so that no change of the user turns it off.
    OnByGroups(Vec<GroupRef>),
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
            WhyNot::NoUsageLocation => "no-usage-location",
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
            WhyNot::OffByGroups(groups) => format!("turned off by {}", names(groups)),
            WhyNot::InError { license, state, error: Some(error) } => {
                format!("its {license} is in error: {error} (state {state})")
            }
            WhyNot::InError { license, state, error: None } => {
                format!("its {license} is not in force (state {state})")
            }
            WhyNot::NoUsageLocation => {
                "it has no usageLocation, and Graph refuses direct licenses without one".into()
            }
            WhyNot::Protected => "it is protected, and a toggle would turn it off".into(),
            WhyNot::OnByGroups(groups) => {
                format!("it is on through {}: no change of the user turns it off", names(groups))
            }
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
            WhyNot::NoLicense { narrowed_to: None, is_selected: false } => {
                "assign an E5-class license, or remove the entry".into()
            }
            WhyNot::NoLicense { narrowed_to: None, is_selected: true } => {
                "assign an E5-class license, or leave it out of the selection: `except`, or a narrower selector"
                    .into()
            }
            WhyNot::NoLicense { narrowed_to: Some(_), .. } => "correct `license`, or leave it out".into(),
            WhyNot::LicenseNotUsable { .. } => "renew the subscription; enabling cannot help before".into(),
            WhyNot::NotProvisioned { .. } => {
                "activate the service plan for the tenant in the Microsoft 365 admin center".into()
            }
            WhyNot::OffByGroups(groups) => match groups.as_slice() {
                [_] => "declare that group under `groups`, or license the user directly".into(),
                _ => "declare one of those groups under `groups`, or license the user directly".into(),
            },
            WhyNot::InError { error: Some(error), .. } => error.remedy().into(),
            WhyNot::InError { error: None, .. } => {
                "look at the user's licenses in the Microsoft 365 admin center".into()
            }
            WhyNot::NoUsageLocation => "set the user's usageLocation".into(),
            WhyNot::Protected => "take it out of `protect`, or out of the entry with the date".into(),
            WhyNot::OnByGroups(_) => "toggle the group: declare it under `groups` with the same date".into(),
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

/// `group “E5 Legal” (8a9b…)`, joined.
fn names(groups: &[GroupRef]) -> String {
    let each: Vec<String> = groups
        .iter()
        .map(|group| {
            if group.name == group.id.to_string() {
                format!("group {}", group.id)
            } else {
                format!("group \"{}\" ({})", group.name, group.id)
            }
        })
        .collect();
    each.join(" and ")
}
