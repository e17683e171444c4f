//! What `collect` and whoever looks again share: wire values to observed ones, and which failures
//! concern one subject only.

use std::collections::BTreeMap;

use super::effect::is_in_error;
use super::observed::{Dates, Group, Members, User};
use crate::graph::{Account, Failure, GroupRead, Lanes, UserRead};
use crate::model::{Assignment, Catalog, SubjectId, Timestamp};

/// What our journal adds to what is read: when we last turned a subject on, of those that are not off
/// because of us by now.
pub type LastOn = BTreeMap<SubjectId, Timestamp>;

/// Says of a user who comes in a long list that nothing follows from it: it is counted, and forgotten. The rule is
/// the planner's; the date is what the list's entries ask for.
pub type PassesBy<'a> = &'a dyn Fn(&User, Option<Account>, Option<Timestamp>, &Catalog) -> bool;

/// What whoever decides adds to what is read.
#[derive(Clone, Copy)]
pub struct Knows<'a> {
    /// When our journal last turned somebody on.
    pub last_on: &'a LastOn,
    /// Whom the plan has no word for but that it is in sync.
    pub passes_by: PassesBy<'a>,
    /// In how many lanes long lists are read.
    pub lanes: Lanes,
}

impl<'a> Knows<'a> {
    /// Only what the journal knows: everybody is kept.
    pub fn only(last_on: &'a LastOn) -> Self {
        Knows { last_on, passes_by: &|_, _, _, _| false, lanes: Lanes::Auto }
    }
}

/// Why a user that one read shows and the next one does not know is unread.
pub(super) const READS_DISAGREE: &str = "two reads disagree whether it exists";

/// Splits what went wrong for one subject (its reason) from what would go wrong for all.
pub(super) fn fatal<T>(outcome: Result<T, Failure>) -> Result<Result<T, String>, Failure> {
    match outcome {
        Ok(value) => Ok(Ok(value)),
        Err(failure) if failure.ends_the_run() || matches!(failure, Failure::Lost { .. }) => Err(failure),
        Err(failure) => Ok(Err(failure.explained())),
    }
}

/// Whether anything can rest on that assignment of a member: it gives or hides the service plan, or its error
/// may be the reason of another one's (GRAPH 3.2).
pub fn matters(assignment: &Assignment, catalog: &Catalog) -> bool {
    catalog.has_service_plan(assignment.sku) || is_in_error(assignment)
}

/// A user as it came over the wire; its dates, where they did not come with it, are asked for later.
pub fn user(read: UserRead) -> User {
    User {
        id: read.id,
        upn: read.upn,
        usage_location: read.usage_location,
        assignments: read.assignments,
        dates: read.dates.map_or(Dates::NotRead, Dates::Read),
    }
}

/// A group as it came over the wire, before its members are asked for.
pub fn group(read: GroupRead) -> Group {
    Group {
        id: read.id,
        name: read.name,
        licenses: read.licenses,
        processing: read.processing,
        members: Members::NotRead,
    }
}
