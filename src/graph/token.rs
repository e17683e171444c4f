//! The access token: a secret that only ever becomes one request header. And where it comes from: a
//! [`TokenSource`], which is asked before each request and told when Graph refused what it gave.
//!
//! How a token is got is not known here; see `credentials`.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use super::{Claims, Granted};

/// Real tokens have hundreds of characters.
const SECRET_BYTES_MIN: usize = 8;

/// Why a text cannot be an access token. The text itself is never repeated (P9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// Nothing there.
    #[error("the access token is empty")]
    Empty,
    /// A line break, a space or another character that no token has; often the end of a file.
    #[error("the access token holds a character that no token has, such as a space or a line break")]
    Character,
}

/// A ready-made access token, such as the value of `ADVAUDIT_ACCESS_TOKEN`. As a [`TokenSource`] it is
/// all there is: what Graph refused once is refused for good.
#[derive(Clone)]
pub struct Token(SecretString);

/// How failures speak of the request for a token; it is none of Graph's.
pub const TOKEN_REQUEST: &str = "the request for an access token";

/// Why there is no token. Never holds a secret (P9).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoToken {
    /// The credentials were refused, or cannot be used: nothing will work before somebody acts.
    #[error("{reason}")]
    Refused {
        /// What was said, and by whom.
        reason: String,
        /// What the administrator can do, where that is known.
        hint: Option<String>,
        /// The id that Microsoft's support asks for.
        request_id: Option<String>,
    },
    /// Whoever gives tokens did not answer, or not with what it should, as often as patience lasts.
    #[error("{0}")]
    Unreachable(String),
}

/// A token, later.
pub type Giving<'a> = Pin<Box<dyn Future<Output = Result<Token, NoToken>> + 'a>>;

/// Where tokens come from.
pub trait TokenSource {
    /// A token that is good now. Has been as patient as makes sense when it fails.
    fn token(&self) -> Giving<'_>;

    /// Graph refused that token with 401, and with this challenge where there was one. It is not given
    /// again. Whether asking for another one makes sense.
    fn refused(&self, token: &Token, claims: Option<Claims>) -> bool;

    /// The text without any token or secret that this source has used, should a server or a proxy have
    /// repeated one.
    fn scrub(&self, text: &str) -> String;
}

impl TokenSource for Token {
    fn token(&self) -> Giving<'_> {
        Box::pin(std::future::ready(Ok(self.clone())))
    }

    fn refused(&self, _: &Token, _: Option<Claims>) -> bool {
        false
    }

    fn scrub(&self, text: &str) -> String {
        Token::scrub(self, text)
    }
}

impl Token {
    /// Takes a token as it was given. Visible ASCII only: anything else would not survive a header,
    /// and a line break in it would become a header of its own.
    pub fn new(text: impl Into<String>) -> Result<Token, BadToken> {
        let secret = SecretString::from(text.into());
        if secret.expose_secret().is_empty() {
            return Err(BadToken::Empty);
        }
        if !secret.expose_secret().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(BadToken::Character);
        }
        Ok(Token(secret))
    }

    /// The value of the `authorization` header, marked so that no log shows it.
    pub(super) fn header(&self) -> Result<HeaderValue, BadToken> {
        let text = SecretString::from(format!("Bearer {}", self.0.expose_secret()));
        let mut value = HeaderValue::from_str(text.expose_secret()).map_err(|_| BadToken::Character)?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// What it says of itself.
    pub(super) fn granted(&self) -> Option<Granted> {
        Granted::of(self.0.expose_secret())
    }

    /// The text without the token, should a server or a proxy have repeated it. A word as short as a
    /// simulated tenant takes is no secret, and blanking it out would spoil messages.
    pub fn scrub(&self, text: &str) -> String {
        if self.0.expose_secret().len() < SECRET_BYTES_MIN {
            return text.to_owned();
        }
        text.replace(self.0.expose_secret(), "[token]")
    }
}

impl PartialEq for Token {
    fn eq(&self, other: &Token) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token([hidden])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_neither_the_token_nor_the_header() {
        let token = Token::new("s3cret").expect("a token");
        assert_eq!(format!("{token:?}"), "Token([hidden])");
        let header = token.header().expect("a header");
        assert_eq!(header, "Bearer s3cret");
        assert!(!format!("{header:?}").contains("s3cret"));
    }

    #[test]
    fn a_line_break_in_a_token_is_an_error_that_does_not_show_it() {
        for bad in ["s3cret\n", "s3cret\r\nx: y", "s3 cret", "s3cr\u{e9}t", "s3cret\0"] {
            let error = Token::new(bad).expect_err("not a token");
            assert_eq!(error, BadToken::Character);
            assert!(!format!("{error} {error:?}").contains("s3"));
        }
        assert_eq!(Token::new("").expect_err("nothing"), BadToken::Empty);
    }
}
