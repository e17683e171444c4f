//! What an application shows of an issuer that it trusts: a token in a file, or one that GitHub mints
//! for the job.

use std::path::Path;

use azure_core::http::Url;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::carrier::{Carrier, Party};
use super::refusal::{NotFetched, one_line};
use super::secret::Secret;
use crate::clock::Clock;
use crate::model::SignedDuration;

/// Tokens have some kilobytes.
const FILE_BYTES_MAX: usize = 64 * 1024;
/// Whoever writes the file may not do it in one step.
const FILE_TRIES: u32 = 3;
const FILE_PAUSE: SignedDuration = SignedDuration::from_secs(1);

/// Reads the token in the file as it is now: it is replaced every hour or so. Line breaks around it are
/// not part of it.
pub(super) async fn from_file(path: &Path, clock: &Clock) -> Result<Secret, NotFetched> {
    let mut tries = 1;
    loop {
        match read(path) {
            Ok(token) => return Ok(token),
            Err(why) if tries >= FILE_TRIES => {
                let reason = format!("the token file {} {why}", path.display());
                let hint = "is AZURE_FEDERATED_TOKEN_FILE right, and does the platform write a token there?";
                return Err(NotFetched::refused(reason, Some(hint.to_owned())));
            }
            Err(_) => tries += 1,
        }
        clock.sleep(FILE_PAUSE).await;
    }
}

fn read(path: &Path) -> Result<Secret, String> {
    let bytes = std::fs::read(path).map_err(|cause| format!("cannot be read: {cause}"))?;
    let text = String::from_utf8(bytes).unwrap_or_default();
    let token = text.trim();
    if token.is_empty() || token.len() > FILE_BYTES_MAX || !token.bytes().all(|byte| byte.is_ascii_graphic())
    {
        return Err("holds no token".to_owned());
    }
    Ok(Secret::new(token))
}

/// Has GitHub mint a token for this job and that audience
/// (docs.github.com/actions/reference/security/oidc). Each lives for some minutes only, so each request
/// for an access token gets one of its own.
pub(super) async fn from_github(
    carrier: &Carrier,
    url: &str,
    bearer: &Secret,
    audience: &str,
) -> Result<Secret, NotFetched> {
    let wrong = |what: &str| {
        let reason = format!("ACTIONS_ID_TOKEN_REQUEST_URL {what}");
        NotFetched::refused(reason, Some("GitHub sets it; is it overwritten?".to_owned()))
    };
    let mut url = Url::parse(url).map_err(|_| wrong("is not a URL"))?;
    url.query_pairs_mut().append_pair("audience", audience);
    let mut request = http::Request::get(url.as_str())
        .header("accept", "application/json; api-version=2.0")
        .body(Vec::new())
        .map_err(|_| wrong("cannot be asked"))?;
    let header = http::HeaderValue::from_str(&format!("Bearer {}", bearer.expose()));
    let mut header = header
        .map_err(|_| NotFetched::refused("ACTIONS_ID_TOKEN_REQUEST_TOKEN is no token".to_owned(), None))?;
    header.set_sensitive(true);
    request.headers_mut().insert("authorization", header);
    let seen = carrier.ask(Party::Issuer, request).await?;
    let body: Value = serde_json::from_slice(&seen.body).unwrap_or_default();
    match body.get("value").and_then(Value::as_str).filter(|_| seen.status == 200) {
        Some(token) => Ok(Secret::new(token)),
        None => Err(seen.judge(None)),
    }
}

/// Whom a token of another issuer is about, for the one who has to say the same in the application's
/// federated credential. None of it is secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Presented {
    issuer: String,
    subject: String,
    audience: String,
}

impl Presented {
    /// Read without looking at the signature: it is only told.
    pub(super) fn of(token: &Secret) -> Option<Presented> {
        let payload = token.expose().split('.').nth(1)?;
        let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
        let text = |name: &str| match claims.get(name)? {
            Value::String(text) => Some(one_line(text)),
            Value::Array(all) => all.first().and_then(Value::as_str).map(one_line),
            _ => None,
        };
        Some(Presented { issuer: text("iss")?, subject: text("sub")?, audience: text("aud")? })
    }
}

impl std::fmt::Display for Presented {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Presented { issuer, subject, audience } = self;
        write!(f, "issuer `{issuer}`, subject `{subject}`, audience `{audience}`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    #[tokio::test]
    async fn a_file_is_read_without_the_line_break_at_its_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("token");
        std::fs::write(&path, " a.b.c\r\n\n").expect("written");
        let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
        let token = clock.drive(from_file(&path, &clock)).await.expect("a token");
        assert_eq!((token.expose(), clock.now()), ("a.b.c", Timestamp::UNIX_EPOCH));
    }

    #[tokio::test]
    async fn a_file_without_a_token_is_looked_at_again_before_it_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("token");
        let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
        let refused = |error: NotFetched| match error {
            NotFetched::Refused { reason, .. } => reason,
            other => panic!("{other:?}"),
        };
        for text in [None, Some(""), Some("two words"), Some("\u{e9}")] {
            if let Some(text) = text {
                std::fs::write(&path, text).expect("written");
            }
            let before = clock.now();
            let told = refused(clock.drive(from_file(&path, &clock)).await.expect_err("no token"));
            assert!(told.contains(path.to_str().expect("UTF-8")), "{told}");
            assert_eq!(clock.now().duration_since(before).as_secs(), 2);
        }
        // Written while it is looked at.
        let (found, ()) = clock
            .drive(async {
                tokio::join!(from_file(&path, &clock), async {
                    clock.sleep(SignedDuration::from_millis(500)).await;
                    std::fs::write(&path, "a.b.c").expect("written");
                })
            })
            .await;
        assert_eq!(found.expect("a token").expose(), "a.b.c");
    }

    #[test]
    fn whom_a_token_is_about_is_told_without_its_signature() {
        let claims =
            URL_SAFE_NO_PAD.encode(r#"{"iss":"https://i","sub":"repo:a/b:ref:refs/heads/main","aud":["x"]}"#);
        let presented = Presented::of(&Secret::new(format!("e30.{claims}.c2ln"))).expect("claims");
        let told = "issuer `https://i`, subject `repo:a/b:ref:refs/heads/main`, audience `x`";
        assert_eq!(presented.to_string(), told);
        for none in ["", "a.b.c", "opaque"] {
            assert_eq!(Presented::of(&Secret::new(none)), None);
        }
    }
}
