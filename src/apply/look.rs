//! Fresh reads for the machines: a batch of subjects → what each shows now.

use super::live::{Live, Members};
use super::machine::Event;
use super::outcome::Trouble;
use crate::graph::{Failure, Reader, UserRead};
use crate::model::{GroupId, SubjectId, UserId, UserKey};
use crate::observe::observed::User;
use crate::observe::reading::{group, user};

/// One look that is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// At whom.
    pub id: SubjectId,
    /// With the members of a group.
    pub members: bool,
}

/// Looks at all of them, in their order. `Err`: nothing can be read any more.
pub(super) async fn look(reader: &Reader, wanted: &[Wanted]) -> Result<Vec<Event>, Failure> {
    let users: Vec<UserKey> = wanted.iter().filter_map(|one| one.id.user()).map(UserKey::Id).collect();
    let groups: Vec<GroupId> = wanted.iter().filter_map(|one| one.id.group()).collect();
    let mut users = reader.users(&users).await.into_iter();
    let mut groups = reader.groups(&groups).await.into_iter();
    let mut events = Vec::with_capacity(wanted.len());
    for one in wanted {
        let live = match one.id {
            SubjectId::User(_) => {
                users.next().map(|found| found.map(|found| found.map_or(Live::Gone, live_user)))
            }
            SubjectId::Group(id) => match groups.next() {
                Some(Ok(Some(read))) => {
                    let members = if one.members { members(reader, id).await? } else { Members::NotRead };
                    Some(Ok(Live::Group(group(read), members)))
                }
                Some(Ok(None)) => Some(Ok(Live::Gone)),
                Some(Err(failure)) => Some(Err(failure)),
                None => None,
            },
        };
        events.push(match live {
            Some(Ok(live)) => Event::Seen(live),
            Some(Err(failure)) if failure.ends_the_run() => return Err(failure),
            Some(Err(failure)) => Event::Unreadable(trouble(&failure)),
            None => Event::Unreadable(Trouble::ours("no-answer", "the answer left this subject out")),
        });
    }
    Ok(events)
}

fn live_user(read: UserRead) -> Live {
    Live::User(user(read))
}

/// The members as users; one that vanished between the two reads is no member any more.
async fn members(reader: &Reader, id: GroupId) -> Result<Members, Failure> {
    let ids: Vec<UserId> = match reader.members(id).await {
        Ok(ids) => ids,
        Err(failure) if failure.ends_the_run() => return Err(failure),
        Err(failure) => return Ok(Members::Unread(failure.to_string())),
    };
    let keys: Vec<UserKey> = ids.into_iter().map(UserKey::Id).collect();
    let mut members: Vec<User> = Vec::with_capacity(keys.len());
    for found in reader.users(&keys).await {
        match found {
            Ok(Some(read)) => members.push(user(read)),
            Ok(None) => {}
            Err(failure) if failure.ends_the_run() => return Err(failure),
            Err(failure) => return Ok(Members::Unread(failure.to_string())),
        }
    }
    Ok(Members::Read(members))
}

/// What went wrong, for the journal and the run document.
pub(super) fn trouble(failure: &Failure) -> Trouble {
    Trouble {
        code: failure.code().to_owned(),
        message: failure.explained(),
        request_id: failure.request_id().map(str::to_owned),
    }
}
