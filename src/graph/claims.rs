//! The challenge that may come with a 401: what a new token has to bring (GRAPH 9, "Continuous access
//! evaluation"). Passed on as it is; what it means is between Microsoft's servers.

use std::fmt;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;
use serde_json::{Map, Value};

/// Real challenges have about a hundred bytes.
const CLAIMS_BYTES_MAX: usize = 4 * 1024;

/// A claims request: a JSON object, to be sent with the next request for a token.
#[derive(Clone, PartialEq, Eq)]
pub struct Claims(String);

impl Claims {
    /// The JSON, for the parameter `claims`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The challenge in the headers of a 401: `WWW-Authenticate: Bearer …, error="insufficient_claims",
    /// claims="<base64>"`. None when there is none, or when it is not an object of bounded size.
    pub fn of(headers: &HeaderMap) -> Option<Claims> {
        headers
            .get_all(WWW_AUTHENTICATE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .find_map(Claims::read)
    }

    fn read(header: &str) -> Option<Claims> {
        let parameters = parameters(header);
        let value = |wanted: &str| {
            parameters
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
                .map(|(_, value)| value.as_str())
        };
        if value("error") != Some("insufficient_claims") {
            return None;
        }
        let encoded = value("claims").filter(|text| text.len() <= CLAIMS_BYTES_MAX)?;
        let object: Map<String, Value> = serde_json::from_slice(&decode(encoded)?).ok()?;
        Some(Claims(Value::Object(object).to_string()))
    }
}

/// A challenge tells of sign-ins and addresses; a log need not.
impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claims([hidden])")
    }
}

/// `Bearer a="b", c=d, Basic e="f"` as pairs. A comma in quotes separates nothing, and neither does a
/// quote after a backslash.
fn parameters(header: &str) -> Vec<(String, String)> {
    let mut parts = vec![String::new()];
    let (mut quoted, mut escaped) = (false, false);
    for char in header.chars() {
        match char {
            _ if escaped => escaped = false,
            '\\' if quoted => {
                escaped = true;
                continue;
            }
            '"' => {
                quoted = !quoted;
                continue;
            }
            ',' if !quoted => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(char);
        }
    }
    let pair = |part: &String| {
        let (name, value) = part.split_once('=')?;
        // The first parameter has the scheme before its name.
        let name = name.trim().rsplit(' ').next().unwrap_or_default();
        Some((name.to_owned(), value.trim().to_owned()))
    };
    parts.iter().filter_map(pair).collect()
}

/// Base64 of both alphabets, with and without padding.
fn decode(text: &str) -> Option<Vec<u8>> {
    let lenient = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let decode = |alphabet| GeneralPurpose::new(alphabet, lenient).decode(text).ok();
    decode(&alphabet::STANDARD).or_else(|| decode(&alphabet::URL_SAFE))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OBJECT: &str = r#"{"access_token":{"nbf":{"essential":true,"value":"1604106651"},"x":"??>>~~"}}"#;

    fn challenge(encoded: &str) -> Option<String> {
        let header = format!(
            "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize, x\", \
             error=\"insufficient_claims\", claims=\"{encoded}\""
        );
        let mut headers = HeaderMap::new();
        headers.append(WWW_AUTHENTICATE, "Basic realm=\"proxy\"".parse().expect("a value"));
        headers.append(WWW_AUTHENTICATE, header.parse().expect("a value"));
        Claims::of(&headers).map(|claims| claims.as_str().to_owned())
    }

    fn encoded(alphabet: &alphabet::Alphabet, padded: bool, text: &str) -> String {
        let config = GeneralPurposeConfig::new().with_encode_padding(padded);
        GeneralPurpose::new(alphabet, config).encode(text)
    }

    #[test]
    fn a_challenge_is_read_in_every_spelling_of_base64() {
        for object in [OBJECT.to_owned(), OBJECT.replace("??", "?"), OBJECT.replace("??", "")] {
            for (alphabet, padded) in [
                (alphabet::STANDARD, true),
                (alphabet::STANDARD, false),
                (alphabet::URL_SAFE, true),
                (alphabet::URL_SAFE, false),
            ] {
                let text = encoded(&alphabet, padded, &object);
                let read: Value =
                    serde_json::from_str(&challenge(&text).expect("a challenge")).expect("JSON");
                assert_eq!(read, serde_json::from_str::<Value>(&object).expect("JSON"), "{text}");
            }
        }
    }

    #[test]
    fn what_is_no_object_of_bounded_size_is_no_challenge() {
        let standard = |text: &str| encoded(&alphabet::STANDARD, true, text);
        assert_eq!(challenge("not base64!"), None);
        assert_eq!(challenge(""), None);
        for text in ["[1]", "7", "\"text\"", "{", "null"] {
            assert_eq!(challenge(&standard(text)), None, "{text}");
        }
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(CLAIMS_BYTES_MAX));
        assert_eq!(challenge(&standard(&long)), None);
    }

    #[test]
    fn only_insufficient_claims_is_a_challenge() {
        let claims = encoded(&alphabet::STANDARD, true, OBJECT);
        for header in [
            format!("Bearer error=\"invalid_token\", claims=\"{claims}\""),
            format!("Bearer claims=\"{claims}\""),
            "Bearer error=\"insufficient_claims\"".to_owned(),
            "Bearer".to_owned(),
        ] {
            assert_eq!(Claims::read(&header), None, "{header}");
        }
        assert!(Claims::read(&format!("Bearer error=insufficient_claims, claims={claims}")).is_some());
    }
}
