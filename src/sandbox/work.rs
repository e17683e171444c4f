//! What is still to happen by itself in a tenant, as a value.

use super::group::Group;
use crate::model::{GroupId, UserId};

/// One thing that will happen to a group or one of its members. A later change of the group takes
/// the place of what is left of an earlier one, whose last members then never see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Work {
    /// Which group was changed.
    pub group: GroupId,
    /// By which of its changes. A member who comes or leaves depends on none.
    pub change: u64,
    /// What will happen.
    pub step: Step,
}

/// What happens at one moment of the processing.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Until then the state is still that of the run before (GRAPH 5.2).
    Queue,
    /// The state says that members are being changed.
    Start,
    /// This member is brought in line.
    Member(UserId),
    /// The state says how it ended.
    Finish,
    /// This user came or left, and what it has from the group follows.
    Moved(UserId),
}

impl Work {
    /// Whether it still has to be done: a later change of the group has not taken its place.
    pub fn is_due_for(&self, group: &Group) -> bool {
        matches!(self.step, Step::Moved(_)) || self.change == group.changes
    }
}
