//! Secrets, and texts without them.
//!
//! A [`Secret`] cannot be printed. What comes from outside (an answer that repeats the form it was sent,
//! an error of a library) goes through [`Known`], which blanks out every secret that was ever used.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};

/// Shorter ones are words of tests; blanking them out would spoil messages.
const SECRET_BYTES_MIN: usize = 6;
/// Tokens and assertions of a run that lasts for days; nobody repeats what was used so long ago.
const KNOWN_MAX: usize = 256;
/// What a form leaves as it is (WHATWG URL, application/x-www-form-urlencoded).
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_');

/// A client secret, an assertion or a bearer of another service.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes it as it was given.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(SecretString::from(text.into()))
    }

    /// The text, for the request that it is meant for.
    pub(super) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([hidden])")
    }
}

/// Every secret that was used.
#[derive(Default)]
pub(super) struct Known(Mutex<VecDeque<Secret>>);

impl Known {
    /// Keeps a secret in mind, as it is and as forms and URLs spell it.
    pub(super) fn learn(&self, text: &str) {
        if text.len() < SECRET_BYTES_MIN {
            return;
        }
        let form = utf8_percent_encode(text, FORM).to_string();
        let spellings = [
            text.to_owned(),
            form.replace("%20", "+"),
            form,
            utf8_percent_encode(text, NON_ALPHANUMERIC).to_string(),
            text.replace('\\', "\\\\").replace('"', "\\\"").replace('/', "\\/"),
            text.replace('\\', "\\\\").replace('"', "\\\""),
        ];
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // What is used again is the last to be forgotten.
        known.retain(|one| !spellings.iter().any(|spelling| one.expose() == spelling));
        for (at, spelling) in spellings.iter().enumerate() {
            if !spellings[..at].contains(spelling) {
                known.push_back(Secret::new(spelling.as_str()));
            }
        }
        while known.len() > KNOWN_MAX {
            known.pop_front();
        }
    }

    /// The text without any of them. The longest first, so that no rest of one stays.
    pub(super) fn scrub(&self, text: &str) -> String {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known: Vec<&Secret> = known.iter().filter(|one| text.contains(one.expose())).collect();
        known.sort_by_key(|one| std::cmp::Reverse(one.expose().len()));
        known.iter().fold(text.to_owned(), |text, one| text.replace(one.expose(), "[secret]"))
    }
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Known([hidden])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "a~b/c+d e\"f=&8Q";

    #[test]
    fn a_secret_is_blanked_out_however_it_is_spelled() {
        let known = Known::default();
        known.learn(SECRET);
        for spelling in [
            SECRET.to_owned(),
            "a%7Eb%2Fc%2Bd+e%22f%3D%268Q".to_owned(),
            "a%7Eb%2Fc%2Bd%20e%22f%3D%268Q".to_owned(),
            serde_json::Value::from(SECRET).to_string(),
        ] {
            let scrubbed = known.scrub(&format!("client_secret={spelling}&x"));
            assert!(scrubbed.contains("[secret]") && !scrubbed.contains("8Q"), "{scrubbed}");
        }
        assert_eq!(known.scrub("nothing of it"), "nothing of it");
    }

    #[test]
    fn debug_shows_nothing() {
        let known = Known::default();
        known.learn(SECRET);
        let shown = format!("{:?} {known:?}", Secret::new(SECRET));
        assert!(!shown.contains("8Q"), "{shown}");
    }

    #[test]
    fn what_is_kept_is_bounded_and_the_newest_stays() {
        let known = Known::default();
        for number in 0..1000 {
            known.learn(SECRET);
            known.learn(&format!("secret-number-{number}"));
        }
        assert_eq!(known.scrub("secret-number-999"), "[secret]");
        assert_eq!(known.scrub(SECRET), "[secret]", "used all the time");
        assert!(known.0.lock().expect("no panic").len() <= KNOWN_MAX);
    }
}
