//! The two ends of a request.

/// A request as it comes from the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// `GET` or `POST`.
    pub method: String,
    /// Scheme and host that the request came to; links in the answer lead there.
    pub origin: String,
    /// `/v1.0/users?$top=5`, percent-encoded.
    pub path_and_query: String,
    /// Names in any case.
    pub headers: Vec<(String, String)>,
    /// Empty without one.
    pub body: Vec<u8>,
}

/// The answer to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// In the order in which they were set.
    pub headers: Vec<(String, String)>,
    /// JSON, nearly always.
    pub body: Vec<u8>,
    /// The answer must not reach who asked: it is lost on the way, whatever was done.
    pub lost: bool,
}

impl Ask {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }
}

impl Answer {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// Adds a header.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.headers.push((name.to_owned(), value.into()));
    }
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let named = headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
    named.map(|(_, value)| value.as_str())
}
