//! An answer that cannot be read is asked for again, a few times: a gateway's page with status 200,
//! or an answer that was cut off, is gone a moment later. Only of questions that change nothing.

use super::client::{Answer, Ask, Client};
use super::error::Failure;
use super::throttle::Patience;

/// How often in all: the waits between add up to 7 s. What still cannot be read then is no accident.
const UNREADABLE_TRIES_MAX: u32 = 4;

impl Client {
    /// Asks, and reads the answer; asks again while it cannot be read. Patience with refusals is
    /// [`read`](Client::read)'s and begins anew each time.
    pub(super) async fn read_as<T>(
        &self,
        ask: &Ask,
        read: impl Fn(&Answer) -> Result<T, Failure>,
    ) -> Result<(Answer, T), Failure> {
        let first = self.read(ask).await?;
        self.read_on(ask, first, read).await
    }

    /// The same from an answer that has come already.
    pub(super) async fn read_on<T>(
        &self,
        ask: &Ask,
        first: Answer,
        read: impl Fn(&Answer) -> Result<T, Failure>,
    ) -> Result<(Answer, T), Failure> {
        let mut patience = Patience::new(self.ticks());
        let mut came = Some(first);
        loop {
            let answer = match came.take() {
                Some(first) => first,
                None => self.read(ask).await?,
            };
            let failure = match read(&answer) {
                Ok(value) => return Ok((answer, value)),
                Err(failure) => failure,
            };
            if !matches!(failure, Failure::Unreadable { .. })
                || !self.wait(&mut patience, &ask.asked, &failure, None, UNREADABLE_TRIES_MAX).await
            {
                return Err(failure);
            }
        }
    }
}
