//! A path and its options, decoded; and links to what follows.

use percent_encoding::percent_decode_str;

use super::refusal::Refusal;

/// A request's path and query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// Decoded, without the version; a key in parentheses is a segment of its own.
    pub segments: Vec<Segment>,
    /// Decoded options in their order.
    pub query: Vec<(String, String)>,
    raw_path: String,
    raw_query: Vec<String>,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// Between slashes.
    Plain(String),
    /// `('...')`, with its apostrophes halved.
    Quoted(String),
}

impl Segment {
    /// The text.
    pub fn text(&self) -> &str {
        match self {
            Segment::Plain(text) | Segment::Quoted(text) => text,
        }
    }
}

impl Url {
    /// Reads `/v1.0/users('x')?$select=id`.
    pub fn read(path_and_query: &str) -> Result<Self, Refusal> {
        // A browser or library never sends what is behind `#`: an unencoded guest UPN ends there.
        let sent = path_and_query.split('#').next().unwrap_or_default();
        let (raw_path, query) = sent.split_once('?').unwrap_or((sent, ""));
        let mut parts = raw_path.split('/').filter(|part| !part.is_empty());
        match parts.next() {
            Some("v1.0") => {}
            other => return Err(Refusal::no_segment(other.unwrap_or_default())),
        }
        let mut segments = Vec::new();
        for part in parts {
            let text = decode(part)?;
            match split_key(&text) {
                Some((collection, key)) if segments.is_empty() => {
                    segments.push(Segment::Plain(collection));
                    segments.push(Segment::Quoted(key));
                }
                Some(_) | None => segments.push(Segment::Plain(text)),
            }
        }
        let raw_query: Vec<String> =
            query.split('&').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let query = raw_query.iter().map(|part| option(part)).collect::<Result<_, _>>()?;
        Ok(Url { segments, query, raw_path: raw_path.to_owned(), raw_query })
    }

    /// The same request, further on: an absolute link.
    pub fn next_link(&self, origin: &str, skip_token: &str) -> String {
        let kept = self.raw_query.iter().filter(|part| !part.starts_with("$skiptoken="));
        let kept = kept.filter(|part| !part.to_lowercase().starts_with("%24skiptoken="));
        let mut query: Vec<String> = kept.cloned().collect();
        query.push(format!("$skiptoken={skip_token}"));
        format!("{origin}{}?{}", self.raw_path, query.join("&"))
    }
}

fn option(part: &str) -> Result<(String, String), Refusal> {
    let (name, value) = part.split_once('=').unwrap_or((part, ""));
    Ok((decode(&name.replace('+', " "))?, decode(&value.replace('+', " "))?))
}

fn decode(text: &str) -> Result<String, Refusal> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(std::borrow::Cow::into_owned).map_err(|_| Refusal::misread("The URL is not UTF-8."))
}

/// `users('o''brien@contoso.com')` → the collection and the key.
fn split_key(text: &str) -> Option<(String, String)> {
    let (collection, rest) = text.split_once("('")?;
    let key = rest.strip_suffix("')")?;
    let halved = key.replace("''", "'");
    // An apostrophe that is not doubled ends the text, so what follows it makes no sense.
    (halved.matches('\'').count() * 2 == key.matches('\'').count()).then(|| (collection.to_owned(), halved))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(path: &str) -> Vec<Segment> {
        Url::read(path).expect("a URL").segments
    }

    #[test]
    fn segments_are_decoded_after_they_are_split() {
        let plain = |text: &str| Segment::Plain(text.to_owned());
        assert_eq!(segments("/v1.0/users/a%2Fb%23EXT%23%40c"), [plain("users"), plain("a/b#EXT#@c")]);
        assert_eq!(segments("/v1.0/users/a#EXT#@c"), [plain("users"), plain("a")]);
    }

    #[test]
    fn a_key_in_parentheses_has_doubled_apostrophes() {
        let key = |path: &str| segments(path)[1].clone();
        assert_eq!(key("/v1.0/users('o''brien@c')"), Segment::Quoted("o'brien@c".to_owned()));
        assert_eq!(key("/v1.0/users(%27o%27%27brien@c%27)/assignLicense").text(), "o'brien@c");
        assert_eq!(segments("/v1.0/users('o'brien@c')").len(), 1);
    }

    #[test]
    fn a_link_keeps_the_options_and_replaces_the_token() {
        let url = Url::read("/v1.0/users?$top=5&$skiptoken=old&%24select=id").expect("a URL");
        assert_eq!(
            url.next_link("http://h", "new"),
            "http://h/v1.0/users?$top=5&%24select=id&$skiptoken=new"
        );
    }

    #[test]
    fn another_version_is_not_there() {
        assert_eq!(Url::read("/beta/users").expect_err("no").status, 404);
    }
}
