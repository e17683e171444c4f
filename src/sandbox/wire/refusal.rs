//! Why Graph does not do something, in its words (GRAPH 4.3, 9). Where no words are known these
//! are ours: clients are told to look at the code.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::model::{SkuId, Timestamp};

/// A refusal: status, code, message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// `error.code`.
    pub code: &'static str,
    /// `error.message`.
    pub message: String,
}

impl Refusal {
    fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Refusal { status, code, message: message.into() }
    }

    /// The request makes no sense for this object.
    pub fn bad(message: impl Into<String>) -> Self {
        Self::new(400, "Request_BadRequest", message)
    }

    /// A `$filter`, `$top` or other option that the directory does not support there.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(400, "Request_UnsupportedQuery", message)
    }

    /// A URL that is not understood: the gateway's code, not the directory's.
    pub fn misread(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// `$select` of something that a list cannot give (GRAPH 2.2).
    pub fn not_in_a_list(property: &str) -> Self {
        Self::new(501, "NotImplemented", format!("The property '{property}' cannot be returned in a list."))
    }

    /// A license that the tenant does not own.
    pub fn not_owned(sku: SkuId) -> Self {
        Self::bad(format!("License {sku} does not correspond to a valid company License."))
    }

    /// No such object.
    pub fn not_found(key: &str) -> Self {
        let message = format!(
            "Resource '{key}' does not exist or one of its queried reference-property objects are not present."
        );
        Self::new(404, "Request_ResourceNotFound", message)
    }

    /// No such endpoint.
    pub fn no_segment(segment: &str) -> Self {
        Self::new(404, "ResourceNotFound", format!("Resource not found for the segment '{segment}'."))
    }

    /// No such method on that endpoint.
    pub fn no_method() -> Self {
        Self::new(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
    }

    /// No token.
    pub fn no_token() -> Self {
        Self::new(401, "InvalidAuthenticationToken", "Access token is empty.")
    }

    /// Permission or role is missing, or the object is in a restricted unit.
    pub fn denied() -> Self {
        Self::new(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
    }

    /// Two writes met in the tenant, told as a mistake of the request (GRAPH 4.3).
    pub fn conflict() -> Self {
        Refusal { status: 400, ..Self::of_status(409) }
    }

    /// A refusal with that status which has nothing to do with the request.
    pub fn of_status(status: u16) -> Self {
        match status {
            401 => {
                Self::new(401, "InvalidAuthenticationToken", "Access token has expired or is not yet valid.")
            }
            403 => Self::denied(),
            409 => Self::new(
                409,
                "Directory_ConcurrencyViolation",
                "Error due to concurrent requests being made to the tenant. Please wait briefly and retry.",
            ),
            424 => Self::new(424, "FailedDependency", "A request that this one depends on has failed."),
            429 => Self::new(429, "TooManyRequests", "Too many requests."),
            503 => Self::new(503, "ServiceUnavailable", "The service is temporarily unavailable."),
            504 => Self::new(504, "GatewayTimeout", "The gateway did not receive an answer in time."),
            502 => Self::new(502, "BadGateway", "The gateway received an invalid answer."),
            other => Self::new(other, "UnknownError", "An unexpected error occurred."),
        }
    }

    /// The error as JSON.
    pub fn body(&self, request_id: Uuid, client_request_id: &str, now: Timestamp) -> Value {
        let date = format!("{now:.0}");
        json!({ "error": {
            "code": self.code,
            "message": self.message,
            "innerError": {
                // Without a zone, although it is UTC.
                "date": date.trim_end_matches('Z'),
                "request-id": request_id,
                "client-request-id": client_request_id,
            },
        } })
    }
}
