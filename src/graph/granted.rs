//! What an access token says of itself: whose it is and what it may do. Read without checking its
//! signature, for words to people only; nothing is ever allowed or refused because of it, Graph decides.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::plain::plain;
use crate::model::Timestamp;

/// Tokens with more are not Graph's.
const NAMES_MAX: usize = 200;

/// The claims of a token that are worth telling.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Granted {
    /// `tid`: the tenant that it was issued for.
    pub tenant: Option<String>,
    /// `appid`: the application.
    pub application: Option<String>,
    /// `app_displayname`, or who is signed in.
    pub name: Option<String>,
    /// Whether a person is signed in, so that what that person may do counts as well.
    pub is_person: bool,
    /// The permissions: `roles` of an application, `scp` of a person.
    pub permissions: BTreeSet<String>,
    /// `exp`: when it ends.
    pub expires: Option<Timestamp>,
}

impl Granted {
    /// The claims of a token; none for one that does not tell any.
    pub(super) fn of(token: &str) -> Option<Granted> {
        let payload = token.split('.').nth(1)?;
        let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
        let claims: Map<String, Value> = serde_json::from_slice(&payload).ok()?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str).map(plain);
        let scopes = text("scp");
        // What tells neither whose it is nor what it may do is no token of Graph's.
        let tells = ["appid", "azp", "roles", "scp"].iter().any(|name| claims.contains_key(*name));
        if !tells {
            return None;
        }
        let roles = claims.get("roles").and_then(Value::as_array).into_iter().flatten();
        let permissions = roles
            .filter_map(Value::as_str)
            .map(plain)
            .chain(scopes.iter().flat_map(|scopes| scopes.split(' ').map(plain)))
            .filter(|name| !name.is_empty())
            .take(NAMES_MAX)
            .collect();
        Some(Granted {
            tenant: text("tid"),
            application: text("appid").or_else(|| text("azp")),
            name: text("upn").or_else(|| text("app_displayname")),
            is_person: scopes.is_some(),
            permissions,
            expires: claims.get("exp").and_then(Value::as_i64).and_then(|at| Timestamp::from_second(at).ok()),
        })
    }

    /// Those of these permissions that it has.
    pub fn has(&self, any: &[&'static str]) -> Vec<&'static str> {
        any.iter().copied().filter(|name| self.permissions.contains(*name)).collect()
    }

    /// `application contoso-audit (2f44…)`, as far as it is known.
    pub fn whose(&self) -> String {
        let kind = if self.is_person { "person" } else { "application" };
        match (&self.name, &self.application) {
            (Some(name), Some(id)) => format!("{kind} {name} ({id})"),
            (Some(name), None) => format!("{kind} {name}"),
            (None, Some(id)) => format!("{kind} {id}"),
            (None, None) => {
                format!("an {kind} that the token does not name").replace("an person", "a person")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn token(payload: &Value) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload.to_string()))
    }

    #[test]
    fn an_application_has_roles_and_a_person_has_scopes() {
        let app = json!({"tid": "t", "appid": "a", "app_displayname": "audit", "roles": ["User.Read.All"], "exp": 60});
        let app = Granted::of(&token(&app)).expect("claims");
        assert_eq!(app.has(&["Directory.Read.All", "User.Read.All"]), ["User.Read.All"]);
        assert_eq!((app.whose().as_str(), app.is_person), ("application audit (a)", false));
        assert_eq!(app.expires.map(Timestamp::as_second), Some(60));
        let person = json!({"appid": "a", "upn": "me@contoso.com", "scp": "User.Read.All Group.Read.All"});
        let person = Granted::of(&token(&person)).expect("claims");
        assert_eq!((person.permissions.len(), person.is_person), (2, true));
    }

    #[test]
    fn what_is_no_token_with_claims_says_nothing() {
        for odd in ["", "opaque", "a.b", "a.e30", "a.%%%.c", "a.W10.c", "a.bnVsbA.c"] {
            assert!(Granted::of(odd).is_none_or(|granted| granted == Granted::default()), "{odd}");
        }
    }

    #[test]
    fn claims_of_other_types_are_left_out() {
        let odd = json!({"tid": 7, "roles": "all", "scp": ["x"], "exp": "soon", "upn": "a\u{1b}[31m"});
        let odd = Granted::of(&token(&odd)).expect("claims");
        assert!(odd.tenant.is_none() && odd.permissions.is_empty() && odd.expires.is_none());
        assert!(!odd.name.expect("a name").contains('\u{1b}'));
    }
}
