//! What a path leads to.

use super::refusal::Refusal;
use super::url::{Segment, Url};

/// An endpoint that the sandbox knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `/organization`
    Organization,
    /// `/subscribedSkus`
    SubscribedSkus,
    /// `/users`
    Users,
    /// `/users/$count`
    CountUsers,
    /// `/users/{id|userPrincipalName}`
    User(String),
    /// `/users/{id}/licenseDetails`
    LicenseDetails(String),
    /// `/users/{id}/assignLicense`
    AssignUser(String),
    /// `/users/{id}/reprocessLicenseAssignment`
    ReprocessUser(String),
    /// `/groups`
    Groups,
    /// `/groups/{id}`
    Group(String),
    /// `/groups/{id}/members`
    Members(String),
    /// `/groups/{id}/members/microsoft.graph.user`
    UserMembers(String),
    /// `/groups/{id}/membersWithLicenseErrors`
    MembersWithErrors(String),
    /// `/groups/{id}/assignLicense`
    AssignGroup(String),
    /// `/$batch`
    Batch,
}

impl Target {
    /// Where that URL leads.
    pub fn of(url: &Url) -> Result<Self, Refusal> {
        let texts: Vec<&str> = url.segments.iter().map(Segment::text).collect();
        match texts.as_slice() {
            ["organization"] => Ok(Target::Organization),
            ["subscribedSkus"] => Ok(Target::SubscribedSkus),
            ["$batch"] => Ok(Target::Batch),
            ["users"] => Ok(Target::Users),
            ["groups"] => Ok(Target::Groups),
            ["users", "$count"] => Ok(Target::CountUsers),
            ["users", _, rest @ ..] => Self::of_user(key(&url.segments[1])?, rest),
            ["groups", _, rest @ ..] => Self::of_group(key(&url.segments[1])?, rest),
            [first, ..] => Err(Refusal::no_segment(first)),
            [] => Err(Refusal::no_segment("")),
        }
    }

    fn of_user(key: String, rest: &[&str]) -> Result<Self, Refusal> {
        match rest {
            [] => Ok(Target::User(key)),
            ["licenseDetails"] => Ok(Target::LicenseDetails(key)),
            ["assignLicense" | "microsoft.graph.assignLicense"] => Ok(Target::AssignUser(key)),
            ["reprocessLicenseAssignment" | "microsoft.graph.reprocessLicenseAssignment"] => {
                Ok(Target::ReprocessUser(key))
            }
            [first, ..] => Err(Refusal::no_segment(first)),
        }
    }

    fn of_group(key: String, rest: &[&str]) -> Result<Self, Refusal> {
        match rest {
            [] => Ok(Target::Group(key)),
            ["members"] => Ok(Target::Members(key)),
            ["members", "microsoft.graph.user"] => Ok(Target::UserMembers(key)),
            ["membersWithLicenseErrors"] => Ok(Target::MembersWithErrors(key)),
            ["assignLicense" | "microsoft.graph.assignLicense"] => Ok(Target::AssignGroup(key)),
            [first, ..] => Err(Refusal::no_segment(first)),
        }
    }

    /// Whether it changes licenses.
    pub fn is_write(&self) -> bool {
        matches!(self, Target::AssignUser(_) | Target::AssignGroup(_) | Target::ReprocessUser(_))
    }

    /// The one method that it knows.
    pub fn method(&self) -> &'static str {
        if self.is_write() || *self == Target::Batch { "POST" } else { "GET" }
    }
}

/// A `$` in front would be an option of the system, so a UPN that begins with one must be quoted
/// (GRAPH 2.4).
fn key(segment: &Segment) -> Result<String, Refusal> {
    match segment {
        Segment::Plain(text) if text.starts_with('$') => {
            Err(Refusal::misread(format!("The segment '{text}' is not valid in this place.")))
        }
        Segment::Plain(text) | Segment::Quoted(text) => Ok(text.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(path: &str) -> Result<Target, Refusal> {
        Target::of(&Url::read(path)?)
    }

    #[test]
    fn an_action_can_be_called_by_its_full_name() {
        let short = target("/v1.0/groups/g/assignLicense").expect("known");
        assert_eq!(short, target("/v1.0/groups/g/microsoft.graph.assignLicense").expect("known"));
    }

    #[test]
    fn a_upn_that_begins_with_a_dollar_must_be_quoted() {
        assert_eq!(target("/v1.0/users/$x@y").expect_err("plain").status, 400);
        assert_eq!(target("/v1.0/users('$x@y')"), Ok(Target::User("$x@y".to_owned())));
    }

    #[test]
    fn what_is_not_simulated_is_not_found() {
        assert_eq!(target("/v1.0/users/x/memberOf").expect_err("not here").status, 404);
        assert_eq!(target("/v1.0/devices").expect_err("not here").status, 404);
    }
}
