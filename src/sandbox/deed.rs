//! What other people do to a tenant, as values.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::model::{GroupId, ServicePlanId, SkuId, SubjectId, Timestamp, UserId};

/// One thing that somebody else does, past the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Deed {
    /// Assigns a license to a user itself or to a group, with exactly these service plans off. Of one
    /// that is assigned already, the list is replaced.
    Assign {
        /// Who gets it.
        #[serde(with = "holder")]
        to: SubjectId,
        /// Which license.
        license: SkuId,
        /// What is off in it.
        off: BTreeSet<ServicePlanId>,
    },
    /// Turns one service plan of a license on; the others stay as they are.
    TurnOn {
        /// Whose own assignment.
        #[serde(with = "holder")]
        of: SubjectId,
        /// Of which license.
        license: SkuId,
        /// Which service plan.
        plan: ServicePlanId,
    },
    /// Turns one service plan of a license off; the others stay as they are.
    TurnOff {
        /// Whose own assignment.
        #[serde(with = "holder")]
        of: SubjectId,
        /// Of which license.
        license: SkuId,
        /// Which service plan.
        plan: ServicePlanId,
    },
    /// Takes a license away that was assigned to a user itself or to a group.
    Remove {
        /// From whom.
        #[serde(with = "holder")]
        from: SubjectId,
        /// Which license.
        license: SkuId,
    },
    /// Takes a license away from a user and puts the user into a group that carries it.
    MoveToGroup {
        /// Who.
        user: UserId,
        /// Which license.
        license: SkuId,
        /// Where to.
        group: GroupId,
    },
    /// Deletes a user, who keeps all it had for 30 days.
    DeleteUser {
        /// Who.
        user: UserId,
    },
    /// Brings a deleted user back as it was.
    RestoreUser {
        /// Who.
        user: UserId,
    },
    /// Gives a user another UPN.
    RenameUser {
        /// Who.
        user: UserId,
        /// The new name.
        upn: String,
    },
    /// Puts a user into a group; its licenses follow.
    AddMember {
        /// Into which group.
        group: GroupId,
        /// Who.
        user: UserId,
    },
    /// Takes a user out of a group; what it has from there goes.
    RemoveMember {
        /// Out of which group.
        group: GroupId,
        /// Who.
        user: UserId,
    },
    /// Deletes a group. Graph refuses that while the group carries licenses (GRAPH 4.3).
    DeleteGroup {
        /// Which.
        group: GroupId,
    },
    /// A license of the tenant is not paid for any more: nobody can use it, and it cannot be assigned.
    Suspend {
        /// Which.
        license: SkuId,
    },
    /// It is paid for again.
    Resume {
        /// Which.
        license: SkuId,
    },
    /// Buys or gives up seats, so that this many are free.
    LeaveSeats {
        /// Of which license.
        license: SkuId,
        /// How many; none uses them up.
        free: u64,
    },
    /// Tries the licenses once more that a user could not get from its groups
    /// (`reprocessLicenseAssignment`, GRAPH 5.6).
    Reprocess {
        /// Whose.
        user: UserId,
    },
}

/// A deed that was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Done {
    /// When.
    pub at: Timestamp,
    /// What.
    pub deed: Deed,
}

/// A user or a group in the sandbox's log.
mod holder {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::model::{GroupId, SubjectId, UserId};

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Holder {
        User(UserId),
        Group(GroupId),
    }

    pub fn serialize<S: Serializer>(id: &SubjectId, to: S) -> Result<S::Ok, S::Error> {
        let holder = match id {
            SubjectId::User(id) => Holder::User(*id),
            SubjectId::Group(id) => Holder::Group(*id),
        };
        holder.serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SubjectId, D::Error> {
        Ok(match Holder::deserialize(from)? {
            Holder::User(id) => SubjectId::User(id),
            Holder::Group(id) => SubjectId::Group(id),
        })
    }
}
