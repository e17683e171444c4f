//! One request to one origin and its answer: over a socket, or in process for the sandbox.
//!
//! No retries, no JSON, no paging: those are above. A transport only knows bytes.

use std::future::Future;
use std::pin::Pin;

/// A request to Graph: method, path with query (or an absolute URL), headers, body.
pub type Request = http::Request<Vec<u8>>;

/// What came back.
pub type Response = http::Response<Vec<u8>>;

/// The answer of a transport, later.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<Response, Lost>> + 'a>>;

/// Something that carries requests to a tenant.
pub trait Transport {
    /// Sends one request; the URI is absolute (`http://127.0.0.1:8080/v1.0/users?...`).
    fn send(&self, request: Request) -> Sending<'_>;
}

/// No answer came that could be taken. Whether the request was carried out is unknown, unless it
/// never left.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct Lost {
    /// What the network said, without the token.
    pub reason: String,
    /// Where it was lost.
    pub how: HowLost,
}

/// Where an answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HowLost {
    /// The connection could not even be made, so nothing was carried out.
    NeverLeft,
    /// The request left, and its answer did not come, or broke off.
    NoAnswer,
    /// An answer came that is too large to be read. The same would come again.
    TooLarge,
}
