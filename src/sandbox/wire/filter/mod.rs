//! `$filter`: what it says (`parse`), whether the directory supports it (`support`), and whether
//! an object is like that (here, and for many users at once in `test`).

mod parse;
mod support;
mod test;
mod token;

use serde_json::Value;

pub use support::Filterable;
pub use test::Test;

use super::refusal::Refusal;

/// A condition on an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// All of them.
    And(Vec<Filter>),
    /// Any of them.
    Or(Vec<Filter>),
    /// The opposite.
    Not(Box<Filter>),
    /// `path eq 'x'`, or `ne`.
    Compare {
        /// The property.
        path: String,
        /// `ne` rather than `eq`.
        not: bool,
        /// What it is compared with.
        value: Literal,
    },
    /// `path in ('x', 'y')`
    In {
        /// The property.
        path: String,
        /// What it may be.
        values: Vec<Literal>,
    },
    /// `startsWith(path, 'x')`
    StartsWith(String, String),
    /// `endsWith(path, 'x')`
    EndsWith(String, String),
    /// `path/any(a:a/skuId eq x)`: an entry of which all of these are true.
    Any {
        /// The list.
        path: String,
        /// Properties of an entry and what they must be.
        entry: Vec<(String, Literal)>,
    },
    /// `path/$count eq 0`, or `ne`.
    Count {
        /// The list.
        path: String,
        /// `ne` rather than `eq`.
        not: bool,
        /// How many.
        number: u64,
    },
}

/// A constant in a filter.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `'x'`
    Text(String),
    /// A bare GUID, in lower case.
    Guid(String),
    /// `true`
    Bool(bool),
    /// `null`
    Null,
}

impl Filter {
    /// Reads a filter.
    pub fn read(text: &str) -> Result<Self, Refusal> {
        parse::filter(text)
    }

    /// Whether an object is like that; `property` gives its properties.
    pub fn fits(&self, property: &dyn Fn(&str) -> Value) -> bool {
        match self {
            Filter::And(all) => all.iter().all(|filter| filter.fits(property)),
            Filter::Or(any) => any.iter().any(|filter| filter.fits(property)),
            Filter::Not(filter) => !filter.fits(property),
            Filter::Compare { path, not, value } => value.is(&property(path)) != *not,
            Filter::In { path, values } => {
                let own = property(path);
                values.iter().any(|value| value.is(&own))
            }
            Filter::StartsWith(path, text) => folded(&property(path)).starts_with(&text.to_lowercase()),
            Filter::EndsWith(path, text) => folded(&property(path)).ends_with(&text.to_lowercase()),
            Filter::Any { path, entry } => property(path).as_array().is_some_and(|list| {
                list.iter().any(|own| entry.iter().all(|(name, value)| value.is(&own[name.as_str()])))
            }),
            Filter::Count { path, not, number } => {
                let count = property(path).as_array().map_or(0, Vec::len);
                (u64::try_from(count) == Ok(*number)) != *not
            }
        }
    }

    /// The ids and UPNs that a filter asks for, when it asks for nothing else.
    pub fn keys(&self) -> Option<Vec<&str>> {
        match self {
            Filter::Compare { path, not: false, value } if is_key(path) => Some(vec![value.text()?]),
            Filter::In { path, values } if is_key(path) => values.iter().map(Literal::text).collect(),
            Filter::Or(any) => {
                any.iter().map(Filter::keys).collect::<Option<Vec<_>>>().map(|keys| keys.concat())
            }
            Filter::Compare { .. }
            | Filter::In { .. }
            | Filter::And(_)
            | Filter::Not(_)
            | Filter::StartsWith(..)
            | Filter::EndsWith(..)
            | Filter::Any { .. }
            | Filter::Count { .. } => None,
        }
    }
}

fn is_key(path: &str) -> bool {
    matches!(path, "id" | "userPrincipalName")
}

impl Literal {
    /// Whether a property has that value; texts are compared without regard to case.
    fn is(&self, own: &Value) -> bool {
        match self {
            Literal::Text(text) | Literal::Guid(text) => {
                own.is_string() && folded(own) == text.to_lowercase()
            }
            Literal::Bool(value) => own.as_bool() == Some(*value),
            Literal::Null => own.is_null(),
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Literal::Text(text) => Some(text),
            Literal::Guid(_) | Literal::Bool(_) | Literal::Null => None,
        }
    }
}

fn folded(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_lowercase()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fits(filter: &str) -> bool {
        let object = json!({
            "id": "8a9b0c1d-0000-4000-8000-000000000002",
            "userPrincipalName": "O'Brien@contoso.com",
            "department": null,
            "accountEnabled": true,
            "assignedLicenses": [{"skuId": "06ebc4ee-1bb5-47dd-8120-11324bc54e06"}],
        });
        Filter::read(filter).expect("a filter").fits(&|name| object[name].clone())
    }

    #[test]
    fn texts_are_compared_without_regard_to_case() {
        assert!(fits("userPrincipalName eq 'o''brien@CONTOSO.com'"));
        assert!(fits("startsWith(userPrincipalName,'o''b') and endsWith(userPrincipalName, '.com')"));
        assert!(!fits("userPrincipalName eq 'brien@contoso.com'"));
    }

    #[test]
    fn lists_are_looked_into() {
        assert!(fits("assignedLicenses/any(a:a/skuId eq 06EBC4EE-1bb5-47dd-8120-11324bc54e06)"));
        assert!(!fits("assignedLicenses/any(a:a/skuId eq 00000000-1bb5-47dd-8120-11324bc54e06)"));
        assert!(fits("assignedLicenses/$count eq 1") && fits("assignedLicenses/$count ne 0"));
    }

    #[test]
    fn and_binds_before_or() {
        assert!(fits("accountEnabled eq true or accountEnabled eq false and department eq 'x'"));
        assert!(!fits("(accountEnabled eq true or accountEnabled eq false) and department eq 'x'"));
        assert!(fits("not(accountEnabled eq false) and department eq null"));
    }

    #[test]
    fn a_filter_by_keys_says_which() {
        let keys = |text: &str| Filter::read(text).expect("a filter").keys().map(|keys| keys.join(" "));
        assert_eq!(keys("id in ('a','b')").as_deref(), Some("a b"));
        assert_eq!(keys("id eq 'a' or userPrincipalName eq 'b'").as_deref(), Some("a b"));
        assert_eq!(keys("department eq 'a'"), None);
    }
}
