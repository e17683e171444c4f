//! Fresh reads for the machines: a batch of subjects → what each shows now.

use super::live::{Live, Members};
use super::machine::Event;
use super::outcome::Trouble;
use crate::graph::{Failure, Fields, Reader, UserRead, keeping};
use crate::model::{Catalog, GroupId, SubjectId, UserKey};
use crate::observe::observed::User;
use crate::observe::reading::{group, matters, user};

/// One look that is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// At whom.
    pub id: SubjectId,
    /// With the members of a group.
    pub members: bool,
}

/// Looks at all of them, in their order. `Err`: nothing can be read any more.
pub(super) async fn look(
    reader: &Reader,
    wanted: &[Wanted],
    catalog: &Catalog,
) -> Result<Vec<Event>, Failure> {
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
                    let members =
                        if one.members { members(reader, id, catalog).await? } else { Members::NotRead };
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

/// The members as users, with their licenses that matter. One that cannot be read makes all of them unread.
async fn members(reader: &Reader, id: GroupId, catalog: &Catalog) -> Result<Members, Failure> {
    let unread = |failure: Failure| match failure.ends_the_run() {
        true => Err(failure),
        false => Ok(Members::Unread(failure.explained())),
    };
    let found = match reader
        .member_users(id, Fields::STATE, &|read| keeping(read, &|one| matters(one, catalog)))
        .await
    {
        Ok(found) => found,
        Err(failure) => return unread(failure),
    };
    let read: Result<Vec<User>, Failure> = found.into_iter().map(|(_, read)| read.map(user)).collect();
    read.map_or_else(unread, |members| Ok(Members::Read(members)))
}

/// What went wrong, for the journal and the run document.
pub(super) fn trouble(failure: &Failure) -> Trouble {
    Trouble {
        code: failure.code().to_owned(),
        message: failure.explained(),
        request_id: failure.request_id().map(str::to_owned),
    }
}
