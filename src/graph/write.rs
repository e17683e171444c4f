//! The two writers. One turns on, the other turns off, and each can do only that: what is sent is
//! made here from the list that was just read, not handed in.
//!
//! No retries. Each attempt has to come after a read of its own (P1), so the loop is the caller's.
//! No reading either: a writer cannot look.

use serde_json::Value;

use super::client::{Answer, Ask, Client, Priority};
use super::edit::{Direction, edited};
use super::error::Failure;
use super::governor::NextWrite;
use super::permission::Needs;
use super::wire;
use crate::model::{Catalog, Licensed, SignedDuration, SubjectId};

/// Graph has taken a write. For a user it is done; for a group it is only accepted, and its members
/// follow (GRAPH 4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The `request-id`, for the journal.
    pub request_id: Option<String>,
    /// What was sent: the whole list of each license.
    pub sent: Vec<Licensed>,
}

/// A write that is not known to be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotWritten {
    /// Certainly not done, and worth another try after a fresh read: throttled, in conflict with
    /// another write in the tenant, or never sent.
    #[error("{failure}")]
    Busy {
        /// How long Graph asked us to stay away.
        retry_after: Option<SignedDuration>,
        /// What happened.
        failure: Failure,
    },
    /// Certainly not done, and it will not be.
    #[error("{0}")]
    Refused(Failure),
    /// Perhaps done: look at the tenant, and act as if it were (DESIGN 9).
    #[error("{0}")]
    InDoubt(Failure),
}

/// Turns the service plan on, and nothing else.
#[derive(Clone)]
pub struct OnWriter(Client);

impl OnWriter {
    /// A writer through that client.
    pub fn new(client: Client) -> Self {
        OnWriter(client)
    }

    /// When the next write may leave, whichever writer sends it: an earlier one would only wait.
    pub fn next_write(&self) -> NextWrite {
        self.0.next_write()
    }

    /// Sends, in one request, the licenses of one subject with the service plan on. `fresh` is the
    /// list of those assignments as read just before: of a user only direct ones. Sent with high
    /// priority, because turning on goes before all else (P2).
    pub async fn turn_on(
        &self,
        subject: SubjectId,
        fresh: &[Licensed],
        catalog: &Catalog,
    ) -> Result<Written, NotWritten> {
        assign(&self.0, subject, fresh, Direction::On, catalog).await
    }
}

/// Turns the service plan off, and nothing else.
#[derive(Clone)]
pub struct OffWriter(Client);

impl OffWriter {
    /// A writer through that client.
    pub fn new(client: Client) -> Self {
        OffWriter(client)
    }

    /// Sends, in one request, the licenses of one subject with the service plan off. `fresh` is the
    /// list of those assignments as read just before: of a user only direct ones. Sent with low
    /// priority.
    pub async fn turn_off(
        &self,
        subject: SubjectId,
        fresh: &[Licensed],
        catalog: &Catalog,
    ) -> Result<Written, NotWritten> {
        assign(&self.0, subject, fresh, Direction::Off, catalog).await
    }
}

async fn assign(
    client: &Client,
    subject: SubjectId,
    fresh: &[Licensed],
    direction: Direction,
    catalog: &Catalog,
) -> Result<Written, NotWritten> {
    let (sent, _) = edited(fresh, direction, catalog);
    let ask = ask(client, subject, direction, &sent);
    if let Some(reason) = unfit(&sent) {
        let failure = Failure::NotSent { asked: ask.asked, reason: reason.to_owned() };
        return Err(NotWritten::Refused(failure));
    }
    let answer = client.once(&ask).await.map_err(judge)?;
    is_graphs_own(&answer).map_err(NotWritten::InDoubt)?;
    Ok(Written { request_id: answer.request_id, sent })
}

fn ask(client: &Client, subject: SubjectId, direction: Direction, licenses: &[Licensed]) -> Ask {
    let (path, needs) = match subject {
        SubjectId::User(id) => (format!("/users/{id}/assignLicense"), Needs::WriteUser),
        SubjectId::Group(id) => (format!("/groups/{id}/assignLicense"), Needs::WriteGroup),
    };
    let priority = match direction {
        Direction::On => Priority::High,
        Direction::Off => Priority::Low,
    };
    let license = |licensed: &Licensed| wire::AssignedLicense {
        sku_id: Some(licensed.sku.to_string()),
        disabled_plans: Some(licensed.disabled.iter().map(ToString::to_string).collect()),
    };
    let add_licenses = licenses.iter().map(license).collect();
    client.post(&path, needs, priority, &wire::AssignLicense { add_licenses, remove_licenses: Vec::new() })
}

/// Why a list must not be sent. Both are mistakes of the caller; sending them would be worse.
fn unfit(licenses: &[Licensed]) -> Option<&'static str> {
    let twice =
        |(at, licensed): (usize, &Licensed)| licenses[..at].iter().any(|other| other.sku == licensed.sku);
    if licenses.is_empty() {
        Some("it would write no license")
    } else if licenses.iter().enumerate().any(twice) {
        Some("it would write one license twice")
    } else {
        None
    }
}

/// What a failed attempt says about whether the write was done (GRAPH 4.3).
pub(super) fn judge(failure: Failure) -> NotWritten {
    /// A server that gave up waiting for the rest of a request; what it did with it is not said.
    const REQUEST_TIMEOUT: u16 = 408;
    let retry_after = failure.retry_after();
    match &failure {
        Failure::Throttled(_) | Failure::Lost { never_left: true, .. } => {
            NotWritten::Busy { retry_after, failure }
        }
        Failure::Refused(_) if failure.is_concurrency() => NotWritten::Busy { retry_after, failure },
        Failure::Refused(told) if told.status == REQUEST_TIMEOUT => NotWritten::InDoubt(failure),
        Failure::Credentials(_)
        | Failure::SignIn { .. }
        | Failure::Denied { .. }
        | Failure::NotFound(_)
        | Failure::Refused(_)
        | Failure::NotSent { .. } => NotWritten::Refused(failure),
        // A redirect or an answer that is not Graph's does not say what Graph did.
        Failure::Lost { .. }
        | Failure::Unavailable(_)
        | Failure::Unreadable { .. }
        | Failure::OtherOrigin { .. }
        | Failure::Endless { .. } => NotWritten::InDoubt(failure),
    }
}

/// Whether the answer can be Graph's. An empty body can (GRAPH 4.1); one that is no JSON object is
/// another server's, and does not say what Graph did. What the object holds is not looked at: whether
/// the write shows is seen by reading it back (P1).
pub(super) fn is_graphs_own(answer: &Answer) -> Result<(), Failure> {
    if answer.body.is_empty() || answer.json::<Value>()?.is_object() {
        return Ok(());
    }
    Err(answer.unreadable("it is not an object"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::graph::testing::{
        ADELE, AUDITING, Bench, E5, LEGAL, MEGAN, Prepared, REQUEST_ID, SWAY, catalog, lost, ok, raw,
        refused, sku, status, unconnected, user,
    };

    const GONE: &str = "dddddddd-0000-4000-8000-000000000001";

    fn adele() -> SubjectId {
        SubjectId::User(ADELE.parse().expect("an id"))
    }

    fn legal() -> SubjectId {
        SubjectId::Group(LEGAL.parse().expect("an id"))
    }

    fn licensed(disabled: &[&str]) -> Vec<Licensed> {
        let disabled = disabled.iter().map(|plan| plan.parse().expect("an id")).collect();
        vec![Licensed { sku: sku(E5), disabled }]
    }

    async fn on(answer: Prepared) -> (Bench, Result<Written, NotWritten>) {
        let bench = Bench::new([answer]);
        let fresh = licensed(&[SWAY, AUDITING]);
        let outcome = bench.run(bench.on().turn_on(adele(), &fresh, &catalog(&[SWAY, AUDITING]))).await;
        (bench, outcome)
    }

    #[tokio::test]
    async fn on_sends_the_fresh_list_without_the_service_plan_in_one_request() {
        let (bench, outcome) = on(ok(user(ADELE, "adele@x.com", &[SWAY]))).await;
        let written = outcome.expect("written");
        assert_eq!(bench.asked(), [format!("POST /v1.0/users/{ADELE}/assignLicense")]);
        assert_eq!(
            bench.body(0),
            json!({ "addLicenses": [{ "skuId": E5, "disabledPlans": [SWAY] }], "removeLicenses": [] })
        );
        assert_eq!(bench.sent("content-type"), ["application/json"]);
        assert_eq!(bench.sent("x-ms-throttle-priority"), ["high"]);
        assert_eq!(written.request_id.as_deref(), Some(REQUEST_ID));
        assert_eq!(written.sent, licensed(&[SWAY]));
    }

    #[tokio::test]
    async fn off_adds_the_service_plan_leaves_out_what_is_gone_and_yields_to_all_else() {
        let bench = Bench::new([raw(202, "").with("request-id", REQUEST_ID)]);
        let fresh = licensed(&[SWAY, GONE]);
        let outcome = bench.run(bench.off().turn_off(legal(), &fresh, &catalog(&[SWAY, AUDITING]))).await;
        let written = outcome.expect("accepted");
        assert_eq!(bench.asked(), [format!("POST /v1.0/groups/{LEGAL}/assignLicense")]);
        assert_eq!(bench.body(0)["addLicenses"][0]["disabledPlans"], json!([AUDITING, SWAY]));
        assert_eq!(bench.sent("x-ms-throttle-priority"), ["low"]);
        assert_eq!(written.sent, licensed(&[AUDITING, SWAY]));
    }

    #[tokio::test]
    async fn success_is_success_whatever_the_object_in_the_answer_says() {
        let object = ok(json!({ "id": ADELE, "assignedLicenses": [] }));
        for answer in [object, ok(user(MEGAN, "megan@x.com", &[SWAY])), raw(200, ""), raw(204, "")] {
            assert_eq!(on(answer).await.1.expect("written").sent, licensed(&[SWAY]));
        }
    }

    #[tokio::test]
    async fn nothing_to_write_and_one_license_twice_are_never_sent() {
        let bench = Bench::new([]);
        let all = catalog(&[AUDITING]);
        for fresh in [Vec::new(), [licensed(&[]), licensed(&[SWAY])].concat()] {
            let outcome = bench.run(bench.off().turn_off(adele(), &fresh, &all)).await;
            assert!(matches!(outcome, Err(NotWritten::Refused(Failure::NotSent { .. }))), "{outcome:?}");
        }
        assert!(bench.asked().is_empty());
    }

    #[tokio::test]
    async fn throttled_and_conflicting_writes_are_certainly_not_done_and_worth_another_try() {
        let word = "Directory_ConcurrencyViolation";
        let inner = json!({ "error": { "code": "Request_BadRequest", "message": "no", "innerError": { "code": word } } });
        for answer in [
            refused(429, "TooManyRequests", "slow down"),
            refused(409, word, "wait"),
            refused(400, word, "wait"),
            refused(
                400,
                "Request_BadRequest",
                "Error due to concurrent requests being made to the tenant. Please wait.",
            ),
            refused(409, "Request_BadRequest", &format!("{word}: wait")),
            status(400, inner),
            unconnected(),
        ] {
            let (bench, outcome) = on(answer.with("retry-after", "7")).await;
            let Err(NotWritten::Busy { retry_after, failure }) = outcome else { panic!("{outcome:?}") };
            if failure.status().is_some() {
                assert_eq!(retry_after, Some(SignedDuration::from_secs(7)));
            }
            assert_eq!((bench.asked().len(), bench.seconds()), (1, 0), "the loop is the caller's");
        }
    }

    #[tokio::test]
    async fn other_refusals_are_final() {
        for code in [400, 401, 403, 404, 409, 422] {
            let (_, outcome) = on(refused(code, "Request_BadRequest", "User license is inherited.")).await;
            let Err(NotWritten::Refused(failure)) = outcome else { panic!("{code}: {outcome:?}") };
            assert!(failure.to_string().contains(REQUEST_ID), "{failure}");
        }
    }

    #[tokio::test]
    async fn a_403_on_a_group_names_the_permission_for_groups() {
        let bench = Bench::new([refused(403, "Authorization_RequestDenied", "Insufficient privileges.")]);
        let outcome =
            bench.run(bench.on().turn_on(legal(), &licensed(&[AUDITING]), &catalog(&[AUDITING]))).await;
        let Err(NotWritten::Refused(failure)) = outcome else { panic!("{outcome:?}") };
        assert!(failure.hint().expect("a hint").contains("Group.ReadWrite.All"));
    }

    #[tokio::test]
    async fn whatever_does_not_say_no_may_have_been_done() {
        for answer in [
            raw(500, ""),
            raw(502, "<html>"),
            raw(503, "").with("retry-after", "9"),
            raw(504, ""),
            raw(408, ""),
            lost(),
            raw(200, "<html>sign in</html>"),
            raw(200, "{\"id\": \"cut o"),
            raw(200, "[]"),
            raw(302, "").with("location", "https://evil.example"),
        ] {
            let (bench, outcome) = on(answer).await;
            assert!(matches!(outcome, Err(NotWritten::InDoubt(_))), "{outcome:?}");
            assert_eq!(bench.asked().len(), 1);
        }
    }
}
