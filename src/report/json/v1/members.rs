//! What a change of a group does to its members, as a part of the plan document.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{AssignmentError, GroupId};
use crate::plan::members::{Alike, Members};
use crate::plan::sources::{LOOK, Through};
use crate::plan::why::GroupRef;

/// The members of a group that is toggled or enabled. Everybody who was looked at is in one of `off`, `on`,
/// `stays_on`, `already_off` and `in_error`; whoever is in error and on all the same is in `off` as well.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MembersDocument {
    /// How many users are direct members; null when the list could not be read. Others get no license.
    pub total: Option<u64>,
    /// How many go off by a toggle; their names are in `people` of the change.
    pub off: u64,
    /// How many of those have no entry under `users`, of their own or by a selector.
    pub undeclared: u64,
    /// Of those who go off: whoever does so only while other groups are off as well.
    pub only_together: Vec<TogetherDocument>,
    /// Who comes on by an enable.
    pub on: Vec<String>,
    /// Who is on through something else, and stays so.
    pub stays_on: Vec<StaysOnDocument>,
    /// Whose assignment from this group is in error.
    pub in_error: Vec<InErrorDocument>,
    /// Who is off, without an error, and stays so.
    pub already_off: Vec<String>,
    /// How many were not looked at one by one.
    pub unread: u64,
}

/// Members who go off only together with other groups.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TogetherDocument {
    /// Those groups.
    pub groups: Vec<GroupDocument>,
    /// How many.
    pub count: u64,
    /// UPNs.
    pub names: Vec<String>,
}

/// Members who stay on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StaysOnDocument {
    /// Through what.
    pub through: Vec<ThroughDocument>,
    /// How many.
    pub count: u64,
    /// UPNs.
    pub names: Vec<String>,
}

/// Members in error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InErrorDocument {
    /// As Graph writes it; null when it does not say what is wrong.
    pub error: Option<String>,
    /// What that means.
    pub meaning: String,
    /// What to do about it.
    pub remedy: String,
    /// How many.
    pub count: u64,
    /// UPNs.
    pub names: Vec<String>,
}

/// A license and where it comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ThroughDocument {
    /// `skuPartNumber`.
    pub license: String,
    /// The group; null for a license of the user's own.
    pub group: Option<GroupDocument>,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GroupDocument {
    /// Object id.
    pub id: GroupId,
    /// Display name, or the id where it could not be read.
    pub name: String,
}

impl From<&GroupRef> for GroupDocument {
    fn from(group: &GroupRef) -> Self {
        GroupDocument { id: group.id, name: group.name.clone() }
    }
}

impl From<&GroupDocument> for GroupRef {
    fn from(group: &GroupDocument) -> Self {
        GroupRef { id: group.id, name: group.name.clone() }
    }
}

impl From<&Through> for ThroughDocument {
    fn from(through: &Through) -> Self {
        ThroughDocument {
            license: through.license.clone(),
            group: through.group.as_ref().map(GroupDocument::from),
        }
    }
}

impl From<&ThroughDocument> for Through {
    fn from(through: &ThroughDocument) -> Self {
        Through { license: through.license.clone(), group: through.group.as_ref().map(GroupRef::from) }
    }
}

impl From<&Members> for MembersDocument {
    fn from(members: &Members) -> Self {
        let Members { total, off, undeclared, only_together, on, stays_on, in_error, stays_off, unread } =
            members;
        let together = |one: &Alike<Vec<GroupRef>>| TogetherDocument {
            groups: one.what.iter().map(GroupDocument::from).collect(),
            count: one.names.len() as u64,
            names: one.names.clone(),
        };
        let stays = |one: &Alike<Vec<Through>>| StaysOnDocument {
            through: one.what.iter().map(ThroughDocument::from).collect(),
            count: one.names.len() as u64,
            names: one.names.clone(),
        };
        MembersDocument {
            total: *total,
            off: *off,
            undeclared: *undeclared,
            only_together: only_together.iter().map(together).collect(),
            on: on.clone(),
            stays_on: stays_on.iter().map(stays).collect(),
            in_error: in_error.iter().map(broken).collect(),
            already_off: stays_off.clone(),
            unread: *unread,
        }
    }
}

fn broken(one: &Alike<Option<AssignmentError>>) -> InErrorDocument {
    let (meaning, remedy) = match &one.what {
        Some(error) => (error.meaning(), error.remedy()),
        None => ("Graph does not say what is wrong", LOOK),
    };
    InErrorDocument {
        error: one.what.as_ref().map(|error| error.as_str().to_owned()),
        meaning: meaning.to_owned(),
        remedy: remedy.to_owned(),
        count: one.names.len() as u64,
        names: one.names.clone(),
    }
}

impl From<&MembersDocument> for Members {
    /// As they were; counts and remedies follow from the rest.
    fn from(document: &MembersDocument) -> Self {
        let together = |one: &TogetherDocument| Alike {
            what: one.groups.iter().map(GroupRef::from).collect(),
            names: one.names.clone(),
        };
        let stays = |one: &StaysOnDocument| Alike {
            what: one.through.iter().map(Through::from).collect(),
            names: one.names.clone(),
        };
        let broken = |one: &InErrorDocument| Alike {
            what: one.error.as_deref().and_then(AssignmentError::parse),
            names: one.names.clone(),
        };
        Members {
            total: document.total,
            off: document.off,
            undeclared: document.undeclared,
            only_together: document.only_together.iter().map(together).collect(),
            on: document.on.clone(),
            stays_on: document.stays_on.iter().map(stays).collect(),
            in_error: document.in_error.iter().map(broken).collect(),
            stays_off: document.already_off.clone(),
            unread: document.unread,
        }
    }
}

impl MembersDocument {
    /// Every word in it that somebody chose: names of people, groups and licenses.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        let together = self
            .only_together
            .iter()
            .flat_map(|one| one.names.iter().chain(one.groups.iter().map(|group| &group.name)));
        let stays = self.stays_on.iter().flat_map(|one| {
            let through = one.through.iter();
            let named = through.flat_map(|own| {
                [&own.license].into_iter().chain(own.group.as_ref().map(|group| &group.name))
            });
            one.names.iter().chain(named)
        });
        let broken = self.in_error.iter().flat_map(|one| one.names.iter().chain(&one.error));
        let others = self.on.iter().chain(&self.already_off);
        together.chain(stays).chain(broken).chain(others).map(String::as_str)
    }
}
