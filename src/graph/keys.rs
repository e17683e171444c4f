//! Names in URLs: how a user or a text is written so that Graph reads the very same one (GRAPH 2.4).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::model::UserKey;

/// What stands for itself in a path segment and in a query value. `@` and `$` may by RFC 3986, and
/// Microsoft's examples write them so; `+` could be read as a space and is not among them.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'@')
    .remove(b'$')
    .remove(b',');

/// The path of a user, below the version: by id, or by UPN with its capitals kept.
///
/// The plain form is for what looks like a UPN. Everything else takes the form with a quoted key:
/// Graph refuses a segment that starts with `$`, an apostrophe is only defined inside quotes, and a
/// name such as `delta`, `..` or none at all would be another address.
pub(super) fn user(key: &UserKey) -> String {
    match key {
        UserKey::Id(id) => format!("/users/{id}"),
        UserKey::Upn(upn) if upn.contains('@') && !upn.contains('\'') && !upn.starts_with('$') => {
            format!("/users/{}", encoded(upn))
        }
        UserKey::Upn(upn) => format!("/users('{}')", encoded(&doubled(upn))),
    }
}

/// A text as a literal of OData: in quotes, with the quotes in it doubled. Not yet encoded.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", doubled(text))
}

/// A path with a query whose values are encoded.
pub(super) fn with_query(path: &str, query: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = query.iter().map(|(key, value)| format!("{key}={}", encoded(value))).collect();
    format!("{path}?{}", pairs.join("&"))
}

fn doubled(text: &str) -> String {
    text.replace('\'', "''")
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, KEPT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(upn: &str) -> String {
        user(&UserKey::Upn(upn.to_owned()))
    }

    #[test]
    fn a_user_is_addressed_by_id_or_by_upn_with_its_capitals() {
        let id = UserKey::parse("8A9B0C1D-0000-4000-8000-000000000002");
        assert_eq!(user(&id), "/users/8a9b0c1d-0000-4000-8000-000000000002");
        assert_eq!(path("Adele.Vance@Contoso.com"), "/users/Adele.Vance@Contoso.com");
    }

    #[test]
    fn the_hash_of_a_guest_is_encoded() {
        assert_eq!(
            path("ann_fabrikam.com#EXT#@contoso.onmicrosoft.com"),
            "/users/ann_fabrikam.com%23EXT%23@contoso.onmicrosoft.com"
        );
    }

    #[test]
    fn whatever_could_end_a_segment_or_be_read_as_a_space_is_encoded() {
        assert_eq!(path("a/b?c&d+e f%g@x.com"), "/users/a%2Fb%3Fc%26d%2Be%20f%25g@x.com");
        assert_eq!(path("zo\u{eb}@x.com"), "/users/zo%C3%AB@x.com");
    }

    #[test]
    fn a_dollar_in_front_takes_the_quoted_form() {
        assert_eq!(path("$x@y.com"), "/users('$x@y.com')");
    }

    #[test]
    fn an_apostrophe_is_doubled_and_encoded_in_the_quoted_form() {
        assert_eq!(path("o'brien@contoso.com"), "/users('o%27%27brien@contoso.com')");
    }

    #[test]
    fn what_is_no_upn_cannot_become_another_address() {
        assert_eq!(path("delta"), "/users('delta')");
        assert_eq!(path(".."), "/users('..')");
        assert_eq!(path(""), "/users('')");
    }

    #[test]
    fn a_filter_holds_a_literal_with_doubled_quotes() {
        let filter = format!("userPrincipalName eq {}", literal("o'brien@contoso.com"));
        assert_eq!(
            with_query("/users", &[("$filter", &filter), ("$select", "id,userPrincipalName")]),
            "/users?$filter=userPrincipalName%20eq%20%27o%27%27brien@contoso.com%27&$select=id,userPrincipalName"
        );
    }
}
