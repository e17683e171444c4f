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

/// No answer came. Whether the request was carried out is unknown, unless it never left.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct Lost {
    /// What the network said, without the token.
    pub reason: String,
    /// The connection could not even be made, so nothing was carried out.
    pub never_left: bool,
}
