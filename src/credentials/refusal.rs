//! Reading what a login authority (or an issuer, or the machine) answered instead of a token: whether
//! to ask again, and what the administrator can do.
//!
//! The codes are Microsoft's (learn.microsoft.com/entra/identity-platform/reference-error-codes).
//! Nothing in an answer can be relied on: a proxy answers with pages of its own.

use http::HeaderMap;
use serde_json::Value;

use super::carrier::Party;
use super::choice::{Application, NamedBy};
use super::federated::Presented;
use crate::graph::transport::Response;
use crate::model::SignedDuration;

/// Longer texts are cut.
const TEXT_CHARS_MAX: usize = 500;
/// A longer `Retry-After` is not waited for here.
const RETRY_AFTER_SECONDS_MAX: u32 = 600;

/// Why a request for a token came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NotFetched {
    /// No, and it will stay no until somebody acts.
    Refused {
        /// What was said, and by whom.
        reason: String,
        /// What to do.
        hint: Option<String>,
        /// The id that Microsoft's support asks for.
        request_id: Option<String>,
    },
    /// No answer, or one that says neither yes nor no.
    Lost {
        /// What was seen.
        reason: String,
        /// Whether it may be otherwise a little later.
        again: bool,
        /// How long to stay away.
        retry_after: Option<SignedDuration>,
        /// The status, where there was one.
        status: Option<u16>,
    },
}

impl NotFetched {
    pub(super) fn refused(reason: String, hint: Option<String>) -> Self {
        NotFetched::Refused { reason, hint, request_id: None }
    }

    pub(super) fn lost(reason: String) -> Self {
        NotFetched::Lost { reason, again: true, retry_after: None, status: None }
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    party: Party,
    /// Scheme and host.
    place: String,
    /// The HTTP status.
    pub(super) status: u16,
    headers: HeaderMap,
    /// The body, of bounded size. May hold a token.
    pub(super) body: Vec<u8>,
}

/// Who wanted a token, for hints.
pub(super) struct Asker<'a> {
    pub(super) application: Option<&'a Application>,
    pub(super) presented: Option<Presented>,
    pub(super) scope: &'a str,
}

impl Seen {
    pub(super) fn new(party: Party, place: String, response: Response) -> Seen {
        let (parts, body) = response.into_parts();
        Seen { party, place, status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// How long the token that it holds lives.
    pub(super) fn expires_in(&self) -> Option<SignedDuration> {
        let body: Value = serde_json::from_slice(&self.body).ok()?;
        // The machine's answer has the number as a text.
        let seconds = match body.get("expires_in")? {
            Value::String(text) => text.parse().ok()?,
            number => number.as_i64()?,
        };
        Some(SignedDuration::from_secs(seconds))
    }

    /// Why this is no token.
    pub(super) fn judge(&self, asker: Option<&Asker<'_>>) -> NotFetched {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let told = Told::read(&body);
        let place = &self.place;
        let lost = |again: bool, reason: String| NotFetched::Lost {
            reason,
            again,
            retry_after: self.retry_after(),
            status: Some(self.status),
        };
        let answered = match &told {
            Some(told) => format!("{place} answered {}: {}", self.status, told.text),
            None => format!("{place} answered {} with {}", self.status, self.kind()),
        };
        match self.status {
            300..=399 => lost(false, format!("{place} answered with a redirect, which is not followed")),
            408 | 429 | 500..=599 => lost(true, answered),
            200..=299 => lost(true, format!("{answered}, which holds no token")),
            _ if told.as_ref().is_some_and(Told::is_transient) => lost(true, answered),
            _ => match told {
                Some(told) => NotFetched::Refused {
                    reason: format!("{place} says {}", told.text),
                    hint: hint(&told, asker, self.party),
                    request_id: told.trace_id.or_else(|| self.header("x-ms-request-id")),
                },
                None if self.party == Party::Authority => {
                    lost(false, format!("{answered}; is there a proxy in between?"))
                }
                None => NotFetched::refused(answered, hint_of(self.party)),
            },
        }
    }

    /// What the body is, for people. Its text is left out: it may be a page with anything in it.
    fn kind(&self) -> String {
        let length = self.body.len();
        match self.header("content-type") {
            _ if length == 0 => "nothing".to_owned(),
            Some(kind) => format!("{length} bytes of {kind}"),
            None => format!("{length} bytes"),
        }
    }

    fn retry_after(&self) -> Option<SignedDuration> {
        let seconds: u32 = self.header("retry-after")?.parse().ok()?;
        Some(SignedDuration::from_secs(i64::from(seconds.min(RETRY_AFTER_SECONDS_MAX))))
    }

    fn header(&self, name: &str) -> Option<String> {
        let text = self.headers.get(name).and_then(|value| value.to_str().ok())?;
        Some(one_line(text)).filter(|text| !text.is_empty())
    }
}

/// What an authority says of an error.
struct Told {
    /// `AADSTS7000215: Invalid client secret provided. …`, else the error and its description.
    text: String,
    error: String,
    code: Option<u32>,
    trace_id: Option<String>,
}

impl Told {
    fn read(body: &Value) -> Option<Told> {
        let text =
            |name: &str| body.get(name).and_then(Value::as_str).map(one_line).filter(|text| !text.is_empty());
        let error = text("error").or_else(|| text("code"))?;
        let whole = text("error_description").or_else(|| text("message")).unwrap_or_default();
        // The ids and the time follow, once more.
        let first = whole.split(" Trace ID:").next().unwrap_or_default().trim().to_owned();
        let code = body.pointer("/error_codes/0").and_then(Value::as_u64).map(|code| code as u32);
        let code = code.or_else(|| {
            let digits = whole.split("AADSTS").nth(1)?;
            let end = digits.find(|char: char| !char.is_ascii_digit()).unwrap_or(digits.len());
            digits[..end].parse().ok()
        });
        let text_of = match (first.is_empty(), first.contains("AADSTS"), code) {
            (true, _, Some(code)) => format!("{error} (AADSTS{code})"),
            (true, _, None) => error.clone(),
            (false, false, Some(code)) => format!("{error} (AADSTS{code}): {first}"),
            (false, false, None) => format!("{error}: {first}"),
            (false, true, _) => first,
        };
        Some(Told { text: text_of, error, code, trace_id: text("trace_id") })
    }

    /// Whether the authority has trouble of its own.
    fn is_transient(&self) -> bool {
        self.error == "temporarily_unavailable" || matches!(self.code, Some(90_033 | 90_055 | 50_196))
    }
}

/// What to do about a refusal of the authority.
fn hint(told: &Told, asker: Option<&Asker<'_>>, party: Party) -> Option<String> {
    let application = asker.and_then(|asker| asker.application);
    let client = application.map_or("the application", |app| &app.client);
    let tenant = application.map_or("the tenant", |app| &app.tenant);
    let is_of_manifest = application.is_some_and(|app| app.named_by == NamedBy::Manifest);
    let presented = asker.and_then(|asker| asker.presented.clone());
    let own = match told.code? {
        7_000_215 => format!(
            "the client secret of {client} is wrong: AZURE_CLIENT_SECRET takes the secret's value, not its id"
        ),
        7_000_222 => format!("the client secret of {client} has expired: add a new one to its app registration"),
        700_016 if is_of_manifest => format!(
            "there is no application {client} in tenant {tenant}: is AZURE_CLIENT_ID right, is the application for \
             accounts in any organizational directory, has an administrator of the tenant consented to it, and is it \
             the tenant's cloud (--cloud)?"
        ),
        700_016 => format!(
            "there is no application {client} in tenant {tenant}: are AZURE_CLIENT_ID and AZURE_TENANT_ID right, and is \
             it the tenant's cloud (--cloud)?"
        ),
        90_002 | 900_023 | 900_021 => {
            let named = if is_of_manifest { "`tenant` of the manifest" } else { "AZURE_TENANT_ID" };
            format!("there is no tenant {tenant}: is {named} right, and is it the tenant's cloud (--cloud)?")
        }
        700_027 => format!(
            "the certificate is not one of {client}, or has expired: upload the first certificate of \
             AZURE_CLIENT_CERTIFICATE_PATH to its app registration (the thumbprint is above)"
        ),
        70_021 | 700_211 | 700_212 | 700_213 | 700_222 | 700_223 | 700_238 => match presented {
            Some(presented) => format!(
                "no federated credential of {client} fits: the token that was shown has {presented}, and one of its \
                 federated credentials has to say exactly that"
            ),
            None => format!("no federated credential of {client} fits the issuer, subject and audience of the token"),
        },
        500_011 | 1_002_012 | 70_011 => format!(
            "the scope {} is not one of this tenant's cloud: is --cloud right?",
            asker.map_or("of the request", |asker| asker.scope)
        ),
        53_003 => "a conditional access policy of the tenant forbids this sign-in: let somebody who administers them \
                   look it up by the request id"
            .to_owned(),
        700_024 => "the statement was not valid in time: is the clock of this machine right?".to_owned(),
        7_000_112 => format!("the application {client} is disabled in tenant {tenant}"),
        7_000_218 => "the application is shown without secret, certificate or token".to_owned(),
        650_052 | 65_001 | 7_000_229 => format!("an administrator of {tenant} has not consented to the permissions of {client}"),
        _ => return hint_of(party),
    };
    Some(own)
}

fn hint_of(party: Party) -> Option<String> {
    let text = match party {
        Party::Authority => return None,
        Party::Issuer => {
            "does the job have `permissions: id-token: write` (GitHub), or its service connection (Azure Pipelines)?"
        }
        Party::Machine => {
            "is an identity assigned to this machine or app? AZURE_CLIENT_ID names one of several"
        }
    };
    Some(text.to_owned())
}

/// Without control characters, and not without end.
pub(super) fn one_line(text: &str) -> String {
    let clean = text.trim().chars().map(|char| if char.is_control() { ' ' } else { char });
    let clean: String = clean.take(TEXT_CHARS_MAX).collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
