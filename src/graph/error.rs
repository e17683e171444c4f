//! Why Graph did not do what was asked: one enum, and in it always what was asked and, where Graph
//! gave one, the request id that Microsoft's support asks for.

use std::fmt;

use super::TOKEN_REQUEST;
use super::transport::HowLost;
use crate::model::SignedDuration;

/// What Graph said with a status that is not success (GRAPH 9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What was asked: method and path without the version and the query, as `GET /users`.
    pub asked: String,
    /// The HTTP status.
    pub status: u16,
    /// `error.code`; never empty, the name of the status when Graph sent none.
    pub code: String,
    /// The code of the innermost `innerError`, when there is one.
    pub inner_code: Option<String>,
    /// `error.message`, on one line; or what came instead of one.
    pub message: String,
    /// The `request-id` header, else the one in the body.
    pub request_id: Option<String>,
    /// The `client-request-id` that this attempt was sent with.
    pub client_request_id: String,
    /// `Retry-After`, from the moment of the answer.
    pub retry_after: Option<SignedDuration>,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}: {}", self.asked, self.status, self.code, self.message)?;
        write!(f, "{}", id(self.request_id.as_deref()))
    }
}

/// Why a request to Graph came to nothing. Never holds the token (P9).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// 401: the token is missing, wrong or expired.
    #[error("the access token was not accepted: {0}")]
    Credentials(Box<Told>),
    /// There is no access token, because the credentials are refused or cannot be used. Nothing was sent.
    #[error("cannot sign in: {reason}{}", id(request_id.as_deref()))]
    SignIn {
        /// What was said, and by whom.
        reason: String,
        /// What the administrator can do, where that is known.
        hint: Option<String>,
        /// The id that Microsoft's support asks for.
        request_id: Option<String>,
    },
    /// 403: the token is good, its permissions are not.
    #[error("a permission is missing: {told}")]
    Denied {
        /// What Graph said.
        told: Box<Told>,
        /// What to grant for this call (GRAPH 4.4).
        hint: String,
    },
    /// 404. A replica that lags says this too (GRAPH 12).
    #[error("not found: {0}")]
    NotFound(Box<Told>),
    /// Any other 4xx: Graph understood and will not do it.
    #[error("refused: {0}")]
    Refused(Box<Told>),
    /// 429, as often as patience lasts.
    #[error("throttled: {0}")]
    Throttled(Box<Told>),
    /// 5xx, as often as patience lasts.
    #[error("Graph could not answer: {0}")]
    Unavailable(Box<Told>),
    /// No answer at all, as often as patience lasts.
    #[error("no answer to {asked}: {reason}")]
    Lost {
        /// What was asked.
        asked: String,
        /// What the network said.
        reason: String,
        /// The connection could not be made, so nothing was carried out.
        never_left: bool,
        /// The `client-request-id` of the last attempt.
        client_request_id: String,
    },
    /// Success, with an answer that does not say what was asked.
    #[error("the answer to {asked} cannot be read: {reason}{}", id(request_id.as_deref()))]
    Unreadable {
        /// What was asked.
        asked: String,
        /// What is wrong with the answer.
        reason: String,
        /// The `request-id` header.
        request_id: Option<String>,
    },
    /// A link or a redirect to another origin. Nothing was sent there; the run has to end (P6).
    #[error("{asked} was sent on to {origin}, which is not the Graph of this run{}", id(request_id.as_deref()))]
    OtherOrigin {
        /// What was asked.
        asked: String,
        /// Where it led: scheme, host and port.
        origin: String,
        /// The `request-id` header of the answer that led there.
        request_id: Option<String>,
    },
    /// Pages without an end: a link came twice, or there are more pages than any tenant has.
    #[error("the pages of {asked} do not end: {reason}{}", id(request_id.as_deref()))]
    Endless {
        /// What was asked.
        asked: String,
        /// What was seen.
        reason: String,
        /// The `request-id` header of the last page.
        request_id: Option<String>,
    },
    /// Nothing was sent, because it would have been wrong.
    #[error("{asked} was not sent: {reason}")]
    NotSent {
        /// What would have been asked.
        asked: String,
        /// Why not.
        reason: String,
    },
}

/// What every failure has.
struct Parts<'a> {
    code: &'a str,
    asked: &'a str,
    request_id: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn new(code: &'a str, asked: &'a str, request_id: Option<&'a str>) -> Self {
        Parts { code, asked, request_id }
    }
}

impl Failure {
    /// No answer that could be taken. One that is too large is no lost one: it would come again, and
    /// be as large.
    pub(super) fn lost(asked: String, reason: String, how: HowLost, client_request_id: String) -> Failure {
        match how {
            HowLost::TooLarge => Failure::Unreadable { asked, reason, request_id: None },
            HowLost::NeverLeft | HowLost::NoAnswer => {
                let never_left = how == HowLost::NeverLeft;
                Failure::Lost { asked, reason, never_left, client_request_id }
            }
        }
    }

    /// A stable word for machines: Graph's own code, or ours where Graph gave none.
    pub fn code(&self) -> &str {
        self.parts().code
    }

    /// What was asked, as `GET /users`.
    pub fn asked(&self) -> &str {
        self.parts().asked
    }

    /// Graph's request id, where there was an answer with one.
    pub fn request_id(&self) -> Option<&str> {
        self.parts().request_id
    }

    /// What every failure has, wherever it keeps it.
    fn parts(&self) -> Parts<'_> {
        match self {
            Failure::Credentials(told)
            | Failure::Denied { told, .. }
            | Failure::NotFound(told)
            | Failure::Refused(told)
            | Failure::Throttled(told)
            | Failure::Unavailable(told) => Parts::new(&told.code, &told.asked, told.request_id.as_deref()),
            Failure::SignIn { request_id, .. } => Parts::new("sign-in", TOKEN_REQUEST, request_id.as_deref()),
            Failure::Lost { asked, .. } => Parts::new("no-answer", asked, None),
            Failure::Unreadable { asked, request_id, .. } => {
                Parts::new("unreadable-answer", asked, request_id.as_deref())
            }
            Failure::OtherOrigin { asked, request_id, .. } => {
                Parts::new("other-origin", asked, request_id.as_deref())
            }
            Failure::Endless { asked, request_id, .. } => {
                Parts::new("endless-pages", asked, request_id.as_deref())
            }
            Failure::NotSent { asked, .. } => Parts::new("not-sent", asked, None),
        }
    }

    /// What Graph said, where it answered with a status that is not success.
    pub fn told(&self) -> Option<&Told> {
        match self {
            Failure::Credentials(told)
            | Failure::Denied { told, .. }
            | Failure::NotFound(told)
            | Failure::Refused(told)
            | Failure::Throttled(told)
            | Failure::Unavailable(told) => Some(told),
            Failure::SignIn { .. }
            | Failure::Lost { .. }
            | Failure::Unreadable { .. }
            | Failure::OtherOrigin { .. }
            | Failure::Endless { .. }
            | Failure::NotSent { .. } => None,
        }
    }

    /// The HTTP status, where it was not success.
    pub fn status(&self) -> Option<u16> {
        self.told().map(|told| told.status)
    }

    /// How long Graph asked us to stay away.
    pub fn retry_after(&self) -> Option<SignedDuration> {
        self.told().and_then(|told| told.retry_after)
    }

    /// What the administrator can do, where that is known.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Failure::Denied { hint, .. } => Some(hint),
            Failure::SignIn { hint, .. } => hint.as_deref(),
            Failure::Credentials(_) => Some("get a new access token; one of another cloud is not accepted"),
            _ => None,
        }
    }

    /// The same with a reason that was found since, where it is a missing permission.
    #[must_use]
    pub fn because(self, reason: &str) -> Failure {
        match self {
            Failure::Denied { told, .. } => Failure::Denied { told, hint: reason.to_owned() },
            other => other,
        }
    }

    /// 400: Graph does not understand the question, or does not answer such questions.
    pub fn is_bad_request(&self) -> bool {
        matches!(self, Failure::Refused(told) if told.status == 400)
    }

    /// Whether every other question would fail as well: without a token, or after a link or redirect
    /// to another origin (P6).
    pub fn ends_the_run(&self) -> bool {
        self.is_credentials() || self.is_other_origin()
    }

    /// What happened and what can be done about it, in one text.
    pub fn explained(&self) -> String {
        match self.hint() {
            Some(hint) => format!("{self}; {hint}"),
            None => self.to_string(),
        }
    }

    /// 401, or no token to be had: nothing will work before somebody acts.
    pub fn is_credentials(&self) -> bool {
        matches!(self, Failure::Credentials(_) | Failure::SignIn { .. })
    }

    /// 403: a permission is missing.
    pub fn is_denied(&self) -> bool {
        matches!(self, Failure::Denied { .. })
    }

    /// A link or redirect to another origin: the run ends, with no new off (P6).
    pub fn is_other_origin(&self) -> bool {
        matches!(self, Failure::OtherOrigin { .. })
    }

    /// Whether the same question may be answered a little later (GRAPH 9). Not 501 and 507, which
    /// stay what they are.
    pub fn is_transient(&self) -> bool {
        match self {
            Failure::Throttled(_) | Failure::Lost { .. } => true,
            Failure::Unavailable(told) => matches!(told.status, 500 | 502 | 503 | 504),
            _ => false,
        }
    }

    /// Whether Graph does not take a question as it is asked: a filter that it does not know, or a property that it
    /// does not show in a list (GRAPH 2.2, 2.3). Another question may be answered.
    pub fn is_not_taken(&self) -> bool {
        match self {
            Failure::Refused(told) => told.status == 400,
            Failure::Unavailable(told) => told.status == 501,
            _ => false,
        }
    }

    /// Whether two writes met in the tenant (GRAPH 4.3): 409, or 400 with the real code elsewhere.
    /// Microsoft asks to branch on the code; here the code is seen under `Request_BadRequest` too.
    pub fn is_concurrency(&self) -> bool {
        let Failure::Refused(told) = self else { return false };
        let said = |text: &str| {
            let text = text.to_ascii_lowercase();
            ["concurrencyviolation", "concurrencyexception", "concurrent requests"]
                .iter()
                .any(|word| text.contains(word))
        };
        said(&told.code) || said(&told.message) || told.inner_code.as_deref().is_some_and(said)
    }
}

/// ` (request id …)`, or nothing.
fn id(request_id: Option<&str>) -> String {
    request_id.map(|id| format!(" (request id {id})")).unwrap_or_default()
}
