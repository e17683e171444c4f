//! The way from a process to the tenant: it can break together with the process, and some proxies on it
//! have a clock of their own.

use std::cell::Cell;
use std::rc::Rc;

use advaudit::graph::transport::{Lost, Request, Response, Sending, Transport};

use super::TOKEN;
use super::process::Process;
use super::watch::Watch;

/// No process of a small story has so much to ask.
const REQUESTS_MAX: u64 = 20_000;

/// One process's way to the tenant.
pub struct Network {
    pub watch: Rc<Watch>,
    pub process: Rc<Process>,
    /// Whether the last answer had a wrong date.
    pub was_spoiled: Cell<bool>,
}

impl Network {
    async fn carry(&self, request: Request) -> Result<Response, Lost> {
        let (watch, process) = (&self.watch, &self.process);
        process.requests.set(process.requests.get() + 1);
        if process.requests.get() == REQUESTS_MAX {
            watch.violated("P2", "a process asks and asks and comes to no end");
        }
        if request.uri().host() != Some("graph.microsoft.com") {
            watch.violated("P9", &format!("a request leaves for {}", request.uri()));
        }
        let is_write = request.uri().path().ends_with("/assignLicense");
        process.step();
        let tenant = watch.tenant.clone();
        let answer = tenant.send(request).await;
        // In the same moment: nobody else has been at work since it was done.
        watch.look(process, is_write);
        process.step();
        if is_write {
            process.wrote();
        }
        answer.map(|answer| self.spoil_date(answer))
    }

    /// A proxy that dates answers by its own clock.
    fn spoil_date(&self, mut answer: Response) -> Response {
        // Two in a row would be believed, as a proxy that is always there.
        let again = self.was_spoiled.replace(false);
        if self.watch.is_rough() && !again && self.process.percent(1) {
            self.was_spoiled.set(true);
            let date = if self.process.percent(50) {
                "Sun, 22 Nov 2026 23:00:00 GMT"
            } else {
                "Sun, 22 Nov 2026 01:00:00 GMT"
            };
            answer.headers_mut().insert("date", date.parse().expect("a header"));
            self.watch.count("wrong date");
        }
        answer
    }
}

impl Transport for Network {
    fn send(&self, request: Request) -> Sending<'_> {
        debug_assert!(request.headers()["authorization"].to_str().is_ok_and(|text| text.ends_with(TOKEN)));
        Box::pin(self.carry(request))
    }
}
