//! Reading what came back with a status that is not success. Nothing in it can be relied on: the
//! body may be HTML or empty, `code` may be empty, `innerError` has two spellings and nests (GRAPH 9).

use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::error::{Failure, Told};
use super::headers::{header, one_line, retry_after, scrubbed};
use super::permission::Needs;
use super::{Token, TokenSource};
use crate::model::Timestamp;

/// How deep `innerError` is followed. Two levels have been seen.
const INNER_DEPTH_MAX: usize = 8;

/// An answer that is not success, whether it came alone or as a part of a batch.
pub(super) struct Refusal<'a> {
    /// What was asked.
    pub asked: &'a str,
    /// What the call needs.
    pub needs: Needs,
    /// The status.
    pub status: StatusCode,
    /// The headers, of the part where it is one.
    pub headers: &'a HeaderMap,
    /// The body as JSON, when it is JSON.
    pub body: Option<Value>,
    /// What the body is when it is not JSON.
    pub instead: String,
    /// Whose secrets must not be in a message, even if the server repeats them (P9).
    pub tokens: &'a dyn TokenSource,
    /// The token of this attempt, whose permissions a 403 is about.
    pub token: &'a Token,
    /// What the attempt was sent with.
    pub client_request_id: &'a str,
    /// When it came.
    pub now: Timestamp,
}

impl Refusal<'_> {
    /// The failure that this answer is.
    pub(super) fn into_failure(self) -> Failure {
        let (status, needs, token) = (self.status, self.needs, self.token);
        let told = Box::new(self.into_told());
        match status.as_u16() {
            401 => Failure::Credentials(told),
            403 => Failure::Denied { told, hint: needs.hint(token.granted().as_ref()) },
            404 => Failure::NotFound(told),
            429 => Failure::Throttled(told),
            400..=499 => Failure::Refused(told),
            _ => Failure::Unavailable(told),
        }
    }

    fn into_told(self) -> Told {
        let error = self.body.as_ref().and_then(|body| body.get("error")).unwrap_or(&Value::Null);
        let inner = inner_errors(error);
        // Scrubbed before it is cut: half of a secret would not be found.
        let text = |value: Option<&Value>| {
            let text = value.and_then(Value::as_str).map(|text| one_line(&self.tokens.scrub(text)));
            text.filter(|text| !text.is_empty())
        };
        let found = |key: &str| inner.iter().rev().find_map(|inner| text(inner.get(key)));
        let inner_code = found("code");
        let code = text(error.get("code")).or_else(|| text(Some(error))).or_else(|| inner_code.clone());
        let message = text(error.get("message"))
            .or_else(|| text(error.pointer("/message/value")))
            .or_else(|| found("message"))
            .or_else(|| self.body.as_ref().and_then(|body| text(body.get("error_description"))));
        let request_id = scrubbed(self.headers, "request-id", |id| self.tokens.scrub(id));
        Told {
            asked: self.asked.to_owned(),
            status: self.status.as_u16(),
            code: code.unwrap_or_else(|| name_of(self.status)),
            inner_code,
            message: message.unwrap_or_else(|| self.instead.clone()),
            request_id: request_id.or_else(|| found("request-id")),
            client_request_id: self.client_request_id.to_owned(),
            retry_after: retry_after(self.headers, self.now),
        }
    }
}

/// What a body is, for people, when it is not the JSON that it should be. Its text is left out: it
/// may be a page of a proxy, with anything in it.
pub(super) fn describe(headers: &HeaderMap, body: &[u8]) -> String {
    match (body.len(), header(headers, "content-type")) {
        (0, _) => "the answer is empty".to_owned(),
        (length, None) => format!("the answer says nothing that Graph would ({length} bytes)"),
        (length, Some(kind)) => format!("the answer says nothing that Graph would ({kind}, {length} bytes)"),
    }
}

/// The inner errors, from the outermost to the innermost.
fn inner_errors(error: &Value) -> Vec<&Value> {
    fn inner(error: &Value) -> Option<&Value> {
        error.get("innerError").or_else(|| error.get("innererror"))
    }
    std::iter::successors(inner(error), |error| inner(error)).take(INNER_DEPTH_MAX).collect()
}

/// `Service Unavailable` as Graph would write it as a code.
fn name_of(status: StatusCode) -> String {
    let reason = status.canonical_reason().unwrap_or_default().replace(' ', "");
    if reason.is_empty() { format!("http-{}", status.as_u16()) } else { reason }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::graph::headers::TEXT_CHARS_MAX;

    fn told(code: u16, body: Value) -> Told {
        told_of(&Token::new("t").expect("a token"), code, &HeaderMap::new(), body)
    }

    fn told_of(token: &Token, code: u16, headers: &HeaderMap, body: Value) -> Told {
        let refusal = Refusal {
            asked: "GET /users",
            needs: Needs::Users,
            status: StatusCode::from_u16(code).expect("a status"),
            headers,
            body: Some(body),
            instead: "instead".to_owned(),
            tokens: token,
            token,
            client_request_id: "mine",
            now: Timestamp::UNIX_EPOCH,
        };
        refusal.into_told()
    }

    #[test]
    fn the_request_id_of_the_body_counts_where_there_is_no_header() {
        for spelling in ["innerError", "innererror"] {
            let told = told(
                400,
                json!({ "error": { "code": "A", "message": "b", spelling: { "request-id": "r" } } }),
            );
            assert_eq!(told.request_id.as_deref(), Some("r"));
        }
    }

    #[test]
    fn a_token_that_a_server_repeats_is_shown_nowhere() {
        let secret = "s3cret-s3cret";
        let error = json!({ "code": secret, "message": secret, "innerError": { "code": secret, "request-id": secret } });
        let token = Token::new(secret).expect("a token");
        let told = format!("{:?}", told_of(&token, 400, &HeaderMap::new(), json!({ "error": error })));
        assert!(!told.contains(secret), "{told}");
    }

    #[test]
    fn half_of_a_token_at_the_end_of_a_long_message_is_not_shown_either() {
        let secret = "s3cret".repeat(200);
        let token = Token::new(secret.as_str()).expect("a token");
        let long = format!("{} Bearer {secret}", "x".repeat(TEXT_CHARS_MAX - 50));
        let mut headers = HeaderMap::new();
        headers.insert("request-id", long.parse().expect("a header"));
        let told = format!(
            "{:?}",
            told_of(&token, 400, &headers, json!({ "error": { "code": "A", "message": long } }))
        );
        assert!(!told.contains("s3cret"), "{told}");
    }

    #[test]
    fn inner_errors_are_followed_to_the_innermost_code() {
        let inner =
            json!({ "code": "B", "innererror": { "code": "C", "innerError": { "request-id": "r" } } });
        let told = told(400, json!({ "error": { "code": "A", "message": "m", "innerError": inner } }));
        assert_eq!((told.code.as_str(), told.inner_code.as_deref()), ("A", Some("C")));
        assert_eq!(told.request_id.as_deref(), Some("r"));
    }

    #[test]
    fn an_empty_code_is_taken_from_further_in_or_from_the_status() {
        let inner = json!({ "error": { "code": "", "message": "m", "innerError": { "code": "B" } } });
        assert_eq!(told(400, inner).code, "B");
        assert_eq!(told(409, json!({ "error": { "code": "" } })).code, "Conflict");
        assert_eq!(told(599, json!(null)).code, "http-599");
    }

    #[test]
    fn other_shapes_of_errors_are_read_as_far_as_they_go() {
        assert_eq!(
            told(400, json!({ "error": "invalid_request", "error_description": "d" })).code,
            "invalid_request"
        );
        assert_eq!(told(400, json!({ "error": "x", "error_description": "d" })).message, "d");
        assert_eq!(told(400, json!({ "error": { "code": 7, "message": { "value": "v" } } })).message, "v");
        for odd in [json!([]), json!("text"), json!({ "error": [] }), json!({ "error": { "message": "" } })] {
            assert_eq!(told(400, odd).message, "instead");
        }
    }

    #[test]
    fn a_message_is_one_line_of_bounded_length() {
        let long = format!("one\r\n\u{1b}[31mtwo{}", "x".repeat(10_000));
        let message = told(400, json!({ "error": { "code": "A", "message": long } })).message;
        assert!(message.starts_with("one   [31mtwox"));
        assert_eq!(message.chars().count(), TEXT_CHARS_MAX);
    }
}
