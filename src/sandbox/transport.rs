//! The tenant in process, behind the same transport as Graph itself.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Answer, Ask, Tenant};
use crate::clock::Clock;
use crate::graph::transport::{HowLost, Lost, Request, Response, Sending, Transport};
use crate::model::SignedDuration;

/// How long a request takes, so that time moves: an ordinary answer of Graph.
const LATENCY: SignedDuration = SignedDuration::from_millis(50);

/// A simulated tenant that is asked without a socket. Clones share it.
#[derive(Clone)]
pub struct InProcess {
    tenant: Arc<Mutex<Tenant>>,
    clock: Clock,
}

impl InProcess {
    /// Puts a tenant behind a clock, usually a virtual one.
    pub fn new(tenant: Tenant, clock: Clock) -> Self {
        InProcess { tenant: Arc::new(Mutex::new(tenant)), clock }
    }

    /// The tenant itself, to look at it past the wire.
    pub fn tenant(&self) -> MutexGuard<'_, Tenant> {
        // A poisoned lock only means that another thread panicked while it asked.
        self.tenant.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for InProcess {
    fn send(&self, request: Request) -> Sending<'_> {
        Box::pin(async move {
            let ask = ask(&request);
            let _on_its_way = OnItsWay::new(self, &ask);
            self.clock.sleep(LATENCY).await;
            let answer = self.tenant().handle(&ask, self.clock.now());
            if answer.lost {
                return Err(Lost { reason: "the connection was closed".to_owned(), how: HowLost::NoAnswer });
            }
            response(answer)
        })
    }
}

/// A write between its sender and the tenant; dropped when its answer is there, or nobody waits for it.
struct OnItsWay<'a>(Option<&'a InProcess>);

impl<'a> OnItsWay<'a> {
    fn new(tenant: &'a InProcess, ask: &Ask) -> Self {
        let is_write = ask.path_and_query.ends_with("/assignLicense");
        if is_write {
            tenant.tenant().write_sets_out();
        }
        OnItsWay(is_write.then_some(tenant))
    }
}

impl Drop for OnItsWay<'_> {
    fn drop(&mut self) {
        if let Some(tenant) = self.0 {
            tenant.tenant().write_is_over();
        }
    }
}

fn ask(request: &Request) -> Ask {
    let uri = request.uri();
    let scheme = uri.scheme_str().unwrap_or("https");
    let host = uri.authority().map_or("graph.microsoft.com", http::uri::Authority::as_str);
    let headers = request.headers().iter();
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Ask {
        method: request.method().to_string(),
        origin: format!("{scheme}://{host}"),
        path_and_query: uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned(),
        headers: headers.map(|(name, value)| (name.to_string(), text(value))).collect(),
        body: request.body().clone(),
    }
}

fn response(answer: Answer) -> Result<Response, Lost> {
    let mut response = http::Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    // Only a tenant file with a line break in a name could make a header that is none.
    response.body(answer.body).map_err(|error| Lost { reason: error.to_string(), how: HowLost::NoAnswer })
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    async fn send(transport: &InProcess, method: &str, url: &str, body: String) -> Result<Response, Lost> {
        let request = http::Request::builder().method(method).uri(url).header("Authorization", "Bearer t");
        transport.send(request.body(body.into_bytes()).expect("a request")).await
    }

    fn in_process(rest: &str) -> (InProcess, Clock) {
        let clock = Clock::starting_at(noon());
        (InProcess::new(tenant(rest), clock.clone()), clock)
    }

    #[tokio::test]
    async fn a_request_takes_a_moment_of_virtual_time_and_is_dated_by_it() {
        let (transport, clock) = in_process("users: [a@contoso.com]\n");
        let url = "https://graph.microsoft.com/v1.0/users/a@contoso.com";
        let sent = clock.drive(send(&transport, "GET", url, String::new())).await.expect("an answer");
        assert_eq!(sent.status(), 200);
        assert_eq!(sent.headers()["Date"], "Sun, 22 Nov 2026 12:00:00 GMT");
        assert_eq!(clock.now().duration_since(noon()), LATENCY);
    }

    #[tokio::test]
    async fn a_group_is_turned_off_and_waited_for_in_virtual_time() {
        let (transport, clock) = in_process(
            "groupProcessing: 90s\nlicenses: [SPE_E5]\ngenerate: {users: 12, group: Legal}\ngroups: \
             [{name: Legal, id: 8a9b0c1d-0000-4000-8000-000000000002, licenses: [SPE_E5]}]\n",
        );
        let legal = "https://graph.microsoft.com/v1.0/groups/8a9b0c1d-0000-4000-8000-000000000002";
        let run = async {
            let off = assign(&[AUDITING]).to_string();
            let accepted = send(&transport, "POST", &format!("{legal}/assignLicense"), off).await;
            assert_eq!(accepted.expect("an answer").status(), 202);
            let members = format!("{legal}/members?$select=licenseAssignmentStates");
            let off = format!("\"disabledPlans\":[\"{AUDITING}\"]");
            loop {
                let page = send(&transport, "GET", &members, String::new()).await.expect("an answer");
                let page = String::from_utf8(page.into_body()).expect("a text");
                if page.matches(&off).count() == 12 {
                    return;
                }
                clock.sleep(SignedDuration::from_secs(10)).await;
            }
        };
        clock.drive(run).await;
        let waited = clock.now().duration_since(noon());
        assert!((80..=100).contains(&waited.as_secs()), "{waited}");
    }

    #[tokio::test]
    async fn links_lead_to_the_host_that_was_asked() {
        let (transport, clock) = in_process("users: [a@contoso.com, b@contoso.com]\n");
        let url = "http://127.0.0.1:8080/v1.0/users?$top=1";
        let sent = clock.drive(send(&transport, "GET", url, String::new())).await.expect("an answer");
        let body: serde_json::Value = serde_json::from_slice(sent.body()).expect("JSON");
        let link = body["@odata.nextLink"].as_str().expect("a link");
        assert!(link.starts_with("http://127.0.0.1:8080/v1.0/users?$top=1&$skiptoken="), "{link}");
    }

    #[tokio::test]
    async fn a_lost_answer_is_an_error_but_the_work_is_done() {
        let (transport, clock) = in_process(
            "licenses: [SPE_E5]\nusers: [{upn: a@contoso.com, licenses: [SPE_E5]}]\nfaults: [{write: 1, answer: lost}]\n",
        );
        let url = "https://graph.microsoft.com/v1.0/users/a@contoso.com/assignLicense";
        let lost = clock.drive(send(&transport, "POST", url, assign(&[AUDITING]).to_string())).await;
        assert_eq!(lost.expect_err("lost").how, HowLost::NoAnswer);
        assert_eq!(transport.tenant().writes().len(), 1);
    }
}
