//! The last step of a run, only where it was asked for: Graph tries again what members of the declared
//! groups could not get (GRAPH 5.6). Each attempt is written down before and after, like every write.

use super::{CannotRun, Run};
use crate::apply::outcome::{Reprocessed, Retried};
use crate::graph::{Failure, Fields, NotWritten, Reprocessor, UserRead};
use crate::journal::record::{Entry, Who};
use crate::model::{
    AssignedBy, AssignmentError, GroupId, SignedDuration, Subject, SubjectId, UserId, UserKey,
};
use crate::observe::effect::is_in_error;

/// How often an attempt is made that meets another write, or asks to be made later.
const TRIES: u32 = 5;
/// Before another attempt, where Graph names no time.
const PAUSE: SignedDuration = SignedDuration::from_secs(5);
/// When members are looked at again, after the last attempt: reads lag (GRAPH 12).
const LOOKS: [i64; 4] = [5, 10, 20, 40];

impl Run {
    /// Has everything tried again that members of those groups could not get, and looks what came of it.
    pub async fn reprocess(
        &mut self,
        groups: &[Subject],
        reprocessor: &Reprocessor,
    ) -> Result<(), CannotRun> {
        for group in groups {
            let Some(id) = group.id.group().filter(|_| self.stopped.is_none()) else { continue };
            let members = self.reader.members_in_error(id, Fields::STATE).await?;
            let mut tried = Vec::with_capacity(members.len());
            for member in members {
                if self.way.interrupt.is_set() {
                    self.interrupted();
                }
                if self.stopped.is_none() {
                    tried.push(self.try_again(group, id, &member, reprocessor).await?);
                }
            }
            self.look_again(id, &mut tried).await?;
            self.reprocessed.extend(tried);
        }
        Ok(())
    }

    async fn try_again(
        &mut self,
        group: &Subject,
        id: GroupId,
        read: &UserRead,
        reprocessor: &Reprocessor,
    ) -> Result<Reprocessed, CannotRun> {
        let member = Subject { id: SubjectId::User(read.id), name: read.upn.clone() };
        let error = error_from(id, read);
        let word = error.as_ref().map(ToString::to_string);
        let intent =
            Entry::ReprocessIntent { subject: Who::from(&member), group: Who::from(group), error: word };
        self.journal.append(intent, self.way.clock.now()).await?;
        let outcome = self.ask(read.id, reprocessor).await;
        let (message, request_id) = match &outcome {
            Ok(request_id) => (None, request_id.clone()),
            Err(failure) => (Some(failure.explained()), failure.request_id().map(str::to_owned)),
        };
        let done = Entry::Reprocessed { subject: Who::from(&member), message: message.clone(), request_id };
        self.journal.append(done, self.way.clock.now()).await?;
        if let Err(failure) = outcome
            && failure.ends_the_run()
        {
            return Err(failure.into());
        }
        let result = message.map_or(Retried::StillInError, Retried::Refused);
        Ok(Reprocessed { group: group.clone(), member, error, result })
    }

    async fn ask(&self, id: UserId, reprocessor: &Reprocessor) -> Result<Option<String>, Failure> {
        for tries in 1.. {
            match reprocessor.reprocess(id).await {
                Ok(request_id) => return Ok(request_id),
                Err(NotWritten::Busy { retry_after, .. }) if tries < TRIES => {
                    self.way.clock.sleep(retry_after.unwrap_or(PAUSE)).await;
                }
                Err(
                    NotWritten::Busy { failure, .. }
                    | NotWritten::Refused(failure)
                    | NotWritten::InDoubt(failure),
                ) => {
                    return Err(failure);
                }
            }
        }
        Ok(None)
    }

    /// Whether those that were tried are without error now.
    async fn look_again(&mut self, group: GroupId, tried: &mut [Reprocessed]) -> Result<(), CannotRun> {
        for pause in LOOKS {
            let open = tried.iter_mut().filter(|one| one.result == Retried::StillInError);
            let mut open: Vec<&mut Reprocessed> = open.collect();
            if open.is_empty() {
                return Ok(());
            }
            self.way.clock.sleep(SignedDuration::from_secs(pause)).await;
            let keys: Vec<UserKey> =
                open.iter().filter_map(|one| one.member.id.user()).map(UserKey::Id).collect();
            for (one, read) in open.iter_mut().zip(self.reader.users(&keys).await) {
                if let Some(read) = read?
                    && error_from(group, &read).is_none()
                    && !read
                        .assignments
                        .iter()
                        .any(|own| own.by == AssignedBy::Group(group) && is_in_error(own))
                {
                    one.result = Retried::Healed;
                }
            }
        }
        Ok(())
    }
}

/// The error of what comes from that group; the true one, where others only say `Other` (GRAPH 3.2).
fn error_from(group: GroupId, read: &UserRead) -> Option<AssignmentError> {
    let own = read.assignments.iter().filter(|one| one.by == AssignedBy::Group(group));
    own.filter_map(|one| one.error.clone()).min_by_key(|error| matches!(error, AssignmentError::Other(_)))
}
