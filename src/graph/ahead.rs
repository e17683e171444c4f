//! The next page, on its way while the one before is taken apart.
//!
//! Where it is can be seen before the entries are read. That is a guess, of which nothing but a request follows: it
//! counts only if the page, once read, names the same link.

use std::borrow::Cow;
use std::fmt;
use std::pin::Pin;
use std::task::Poll;

use serde::Deserializer as _;
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};

use super::client::{Answer, Ask, Client};
use super::error::Failure;

/// Where a page says where the next one is.
const NEXT_LINK: &str = "@odata.nextLink";

/// A link that ends a page has no more than that; Graph's have some hundreds.
const LINK_BYTES_MAX: usize = 4096;

/// The next page, asked for before the one that names it was read.
pub(super) struct Ahead<'a> {
    link: String,
    answer: Pin<Box<dyn Future<Output = Result<Answer, Failure>> + 'a>>,
}

impl<'a> Ahead<'a> {
    /// Asks for the page that an answer seems to name. A link that was followed before is not one.
    pub async fn send(
        client: &'a Client,
        ask: &Ask,
        answer: &Answer,
        was_followed: impl Fn(&str) -> bool,
    ) -> Option<Ahead<'a>> {
        let link = peek(&answer.body)?;
        if !client.root().holds(&link) || was_followed(&link) {
            return None;
        }
        let next = ask.next(&link);
        let mut answer: Pin<Box<dyn Future<Output = _> + 'a>> =
            Box::pin(async move { client.read(&next).await });
        // Once is enough to send it; what comes of it is for whoever waits for it.
        let polled = std::future::poll_fn(|context| Poll::Ready(answer.as_mut().poll(context))).await;
        let answer = match polled {
            Poll::Ready(came) => Box::pin(std::future::ready(came)),
            Poll::Pending => answer,
        };
        Some(Ahead { link, answer })
    }

    /// Whether this is the page behind that link.
    pub fn is_of(&self, link: &str) -> bool {
        self.link == link
    }

    /// Waits for it.
    pub async fn came(self) -> Result<Answer, Failure> {
        self.answer.await
    }
}

/// The link to the next page, where it stands in front of the entries, as Graph writes it, or right behind.
fn peek(body: &[u8]) -> Option<String> {
    /// Stops at the entries.
    struct Head<'a>(&'a mut Option<String>);

    impl<'de> Visitor<'de> for Head<'_> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a page")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut page: A) -> Result<(), A::Error> {
            while let Some(key) = page.next_key::<Cow<'de, str>>()? {
                match key.as_ref() {
                    NEXT_LINK => *self.0 = Some(page.next_value()?),
                    "value" => return Err(A::Error::custom("enough")),
                    _ => _ = page.next_value::<IgnoredAny>()?,
                }
            }
            Ok(())
        }
    }

    let mut link = None;
    // What is wrong with it is told when it is read.
    _ = serde_json::Deserializer::from_slice(body).deserialize_map(Head(&mut link));
    link.or_else(|| {
        let tail = str::from_utf8(&body[body.len().saturating_sub(LINK_BYTES_MAX)..]).ok()?;
        let (_, after) = tail.rsplit_once(&format!("\"{NEXT_LINK}\""))?;
        let text = after.trim_start().strip_prefix(':')?;
        serde_json::Deserializer::from_str(text).into_iter::<String>().next()?.ok()
    })
}

#[cfg(test)]
mod tests {
    use super::peek;

    #[test]
    fn a_link_is_seen_in_front_of_the_entries_and_behind_them() {
        for body in [
            r#"{"@odata.context":{"a":[1]},"@odata.nextLink":"https:\/\/x","value":[{"id":1"#,
            r#"{"value":[{"displayName":"\"@odata.nextLink\":\"y\""}],"@odata.nextLink" : "https://x"}"#,
        ] {
            assert_eq!(peek(body.as_bytes()).as_deref(), Some("https://x"), "{body}");
        }
    }

    #[test]
    fn what_is_no_link_is_none() {
        for body in [r#"{"value":[]}"#, "", "[]", r#"{"@odata.nextLink":7,"value":[]}"#, "<html>"] {
            assert_eq!(peek(body.as_bytes()), None, "{body}");
        }
    }
}
