//! What the directory lets one filter by, and for what it wants the headers of an advanced query
//! (GRAPH 2.3, 5.1). What is not in these tables is refused.

use super::super::refusal::Refusal;
use super::{Filter, Literal};

/// What can be filtered by in one collection.
#[derive(Debug)]
pub struct Filterable {
    /// `User`, for messages.
    pub resource: &'static str,
    /// Texts: `eq`, `in`, `startsWith`; `endsWith` in advanced queries.
    pub texts: &'static [&'static str],
    /// Texts that only know `eq` and `in`.
    pub exact: &'static [&'static str],
    /// `eq true`, `eq false`.
    pub flags: &'static [&'static str],
}

impl Filterable {
    /// `/users`
    pub const USER: Filterable = Filterable {
        resource: "User",
        texts: &[
            "userPrincipalName",
            "displayName",
            "mail",
            "givenName",
            "surname",
            "jobTitle",
            "department",
            "companyName",
            "city",
            "country",
            "employeeId",
            "usageLocation",
        ],
        exact: &["id", "userType"],
        flags: &["accountEnabled", "onPremisesSyncEnabled"],
    };

    /// `/groups`
    pub const GROUP: Filterable = Filterable {
        resource: "Group",
        texts: &["displayName", "mail"],
        exact: &["id"],
        flags: &["securityEnabled", "mailEnabled", "isAssignableToRole", "hasMembersWithLicenseErrors"],
    };

    /// Whether that filter works here; `advanced` says that the request has what an advanced
    /// query needs.
    pub fn check(&self, filter: &Filter, advanced: bool) -> Result<(), Refusal> {
        match filter {
            Filter::And(filters) | Filter::Or(filters) => {
                filters.iter().try_for_each(|filter| self.check(filter, advanced))
            }
            Filter::Not(filter) => {
                self.check(filter, advanced)?;
                self.only(advanced, "not")
            }
            Filter::Compare { path, not, value } => {
                self.typed(path, value)?;
                self.only(advanced || !(*not || *value == Literal::Null), path)
            }
            Filter::In { path, values } => values.iter().try_for_each(|value| self.typed(path, value)),
            Filter::StartsWith(path, _) => self.known(self.texts, path),
            Filter::EndsWith(path, _) => {
                self.known(self.texts, path)?;
                self.only(advanced, path)
            }
            Filter::Any { path, entry } => {
                entry.iter().try_for_each(|entry| self.entry(path, entry, advanced))
            }
            Filter::Count { path, .. } => {
                self.known(&["assignedLicenses"], path)?;
                self.only(advanced, path)
            }
        }
    }

    fn typed(&self, path: &str, value: &Literal) -> Result<(), Refusal> {
        let text = self.texts.contains(&path) || self.exact.contains(&path);
        let flag = self.flags.contains(&path);
        match value {
            Literal::Null if text || flag => Ok(()),
            Literal::Text(_) if text => Ok(()),
            Literal::Bool(_) if flag => Ok(()),
            Literal::Null | Literal::Text(_) | Literal::Guid(_) | Literal::Bool(_) if text || flag => {
                Err(Refusal::misread(format!(
                    "A binary operator with incompatible types was detected for the property '{path}'."
                )))
            }
            Literal::Null | Literal::Text(_) | Literal::Guid(_) | Literal::Bool(_) => self.known(&[], path),
        }
    }

    fn entry(&self, path: &str, entry: &(String, Literal), advanced: bool) -> Result<(), Refusal> {
        let (name, value) = entry;
        match (path, name.as_str(), value) {
            ("assignedLicenses", "skuId", Literal::Guid(_)) => Ok(()),
            ("assignedPlans", "servicePlanId", Literal::Guid(_))
            | ("assignedPlans", "capabilityStatus" | "service", Literal::Text(_))
                if self.resource == "User" =>
            {
                self.only(advanced, path)
            }
            _ => self.known(&[], &format!("{path}/{name}")),
        }
    }

    fn known(&self, known: &[&str], path: &str) -> Result<(), Refusal> {
        if known.contains(&path) {
            return Ok(());
        }
        Err(Refusal::unsupported(format!(
            "Unsupported or invalid query filter clause specified for property '{path}' of resource '{}'.",
            self.resource
        )))
    }

    fn only(&self, allowed: bool, path: &str) -> Result<(), Refusal> {
        if allowed { Ok(()) } else { self.known(&[], path) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, advanced: bool) -> Result<(), Refusal> {
        Filterable::USER.check(&Filter::read(text).expect("a filter"), advanced)
    }

    #[test]
    fn the_default_query_knows_these() {
        for text in [
            "userPrincipalName eq 'a@b'",
            "userPrincipalName in ('a@b','c@d')",
            "id in ('x')",
            "accountEnabled eq true and userType eq 'Member'",
            "department eq 'Legal'",
            "startsWith(displayName,'A')",
            "assignedLicenses/any(a:a/skuId eq 06ebc4ee-1bb5-47dd-8120-11324bc54e06)",
        ] {
            assert_eq!(check(text, false), Ok(()), "{text}");
        }
    }

    #[test]
    fn these_need_the_headers_of_an_advanced_query() {
        for text in [
            "department ne 'Legal'",
            "not startsWith(displayName,'A')",
            "endsWith(mail,'x')",
            "assignedLicenses/$count ne 0",
            "assignedPlans/any(a:a/servicePlanId eq 2f442157-a11c-46b9-ae5b-6e39ff4e5849 and a/capabilityStatus eq 'Enabled')",
        ] {
            assert_eq!(check(text, false).expect_err(text).code, "Request_UnsupportedQuery");
            assert_eq!(check(text, true), Ok(()), "{text}");
        }
    }

    #[test]
    fn nothing_else_can_be_filtered_by() {
        for text in [
            "licenseAssignmentStates/any(a:a/skuId eq 06ebc4ee-1bb5-47dd-8120-11324bc54e06)",
            "frobnicate eq 'x'",
            "assignedLicenses/any(a:a/skuId eq '06ebc4ee-1bb5-47dd-8120-11324bc54e06')",
            "accountEnabled eq 'true'",
            "id eq 06ebc4ee-1bb5-47dd-8120-11324bc54e06",
        ] {
            assert_eq!(check(text, true).expect_err(text).status, 400, "{text}");
        }
    }
}
