//! Which permission each call needs (GRAPH 4.4), and what to tell whoever reads "403".

use super::granted::Granted;

/// What a request touches, as far as permissions are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    /// `GET /organization`.
    Organization,
    /// `GET /subscribedSkus`.
    Licenses,
    /// `GET /users`, one or many, with their licenses.
    Users,
    /// `GET /groups`, one or by name, with their licenses.
    Groups,
    /// `GET /groups/{id}/members`.
    Members,
    /// `POST /users/{id}/assignLicense`.
    WriteUser,
    /// `POST /groups/{id}/assignLicense`.
    WriteGroup,
    /// `POST /users/{id}/reprocessLicenseAssignment`: only where it is asked for.
    Reprocess,
}

impl Needs {
    /// Every call that no run can do without, reading first.
    pub const ALL: [Needs; 7] = [
        Needs::Organization,
        Needs::Licenses,
        Needs::Users,
        Needs::Groups,
        Needs::Members,
        Needs::WriteUser,
        Needs::WriteGroup,
    ];

    /// The call as Graph's documentation writes it.
    pub fn call(self) -> &'static str {
        match self {
            Needs::Organization => "GET /organization",
            Needs::Licenses => "GET /subscribedSkus",
            Needs::Users => "GET /users",
            Needs::Groups => "GET /groups",
            Needs::Members => "GET /groups/{id}/members",
            Needs::WriteUser => "POST /users/{id}/assignLicense",
            Needs::WriteGroup => "POST /groups/{id}/assignLicense",
            Needs::Reprocess => "POST /users/{id}/reprocessLicenseAssignment",
        }
    }

    /// The permissions of which any one is enough, the least privileged first.
    pub fn accepted(self) -> &'static [&'static str] {
        match self {
            Needs::Organization => &[
                "Organization.Read.All",
                "Directory.Read.All",
                "Organization.ReadWrite.All",
                "Directory.ReadWrite.All",
            ],
            Needs::Licenses => &[
                "LicenseAssignment.Read.All",
                "Organization.Read.All",
                "LicenseAssignment.ReadWrite.All",
                "Directory.Read.All",
                "Organization.ReadWrite.All",
                "Directory.ReadWrite.All",
            ],
            Needs::Users => {
                &["User.Read.All", "Directory.Read.All", "User.ReadWrite.All", "Directory.ReadWrite.All"]
            }
            Needs::Groups | Needs::Members => &[
                "GroupMember.Read.All",
                "Group.Read.All",
                "Directory.Read.All",
                "GroupMember.ReadWrite.All",
                "Group.ReadWrite.All",
                "Directory.ReadWrite.All",
            ],
            Needs::WriteUser => {
                &["LicenseAssignment.ReadWrite.All", "User.ReadWrite.All", "Directory.ReadWrite.All"]
            }
            Needs::WriteGroup => {
                &["LicenseAssignment.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All"]
            }
            // `LicenseAssignment.ReadWrite.All` is not accepted here (GRAPH 4.4).
            Needs::Reprocess => &["User.ReadWrite.All", "Directory.ReadWrite.All"],
        }
    }

    /// What one such request takes in resource units, with the `$select` that is always sent (GRAPH 8.2).
    pub(super) fn units(self) -> u32 {
        match self {
            Needs::Licenses => 3,
            Needs::Members => 2,
            Needs::Organization
            | Needs::Users
            | Needs::Groups
            | Needs::WriteUser
            | Needs::WriteGroup
            | Needs::Reprocess => 1,
        }
    }

    /// Whether it changes something.
    pub fn is_write(self) -> bool {
        match self {
            Needs::WriteUser | Needs::WriteGroup | Needs::Reprocess => true,
            Needs::Organization | Needs::Licenses | Needs::Users | Needs::Groups | Needs::Members => false,
        }
    }

    /// What a 403 means and what to do about it: a permission that the token lacks, or, where it has one
    /// that is enough, something about the object or the person.
    pub(super) fn hint(self, granted: Option<&Granted>) -> String {
        let [least, others @ ..] = self.accepted() else { return String::new() };
        match granted.map(|granted| (granted, granted.has(self.accepted()))) {
            Some((granted, has)) if !has.is_empty() => {
                let has = has.join(" and ");
                format!("the token has {has}, which is enough for {}: {}", self.call(), self.besides(granted))
            }
            Some((granted, _)) => format!(
                "the token of {} has none of what {} needs: grant {least} to it, and give admin consent",
                granted.whose(),
                self.call()
            ),
            None => {
                let others =
                    others.first().map(|other| format!(" ({other} is enough too)")).unwrap_or_default();
                format!("{} needs {least}{others}; besides, {}", self.call(), self.in_general())
            }
        }
    }

    /// Why a call may be refused although the permission is there.
    fn besides(self, granted: &Granted) -> String {
        if granted.is_person && self.is_write() {
            return format!(
                "the signed-in person needs the role License Administrator as well; {}",
                self.in_general()
            );
        }
        self.in_general().to_owned()
    }

    fn in_general(self) -> &'static str {
        match self {
            Needs::Organization | Needs::Licenses | Needs::Users => {
                "a permission counts from the next token after admin consent, and Conditional Access can refuse \
                 what a permission allows"
            }
            Needs::Groups | Needs::Members => "a hidden membership needs Member.Read.Hidden as well",
            Needs::WriteUser | Needs::Reprocess => {
                "a user in a restricted management administrative unit can be changed only by those who administer \
                 that unit"
            }
            Needs::WriteGroup => {
                "a role-assignable group, or one in a restricted management administrative unit, can be changed \
                 only by those who own or administer it; if it is neither, try Group.ReadWrite.All"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(permissions: &[&str], is_person: bool) -> Granted {
        let permissions = permissions.iter().map(|&name| name.to_owned()).collect();
        Granted { permissions, is_person, name: Some("audit".to_owned()), ..Granted::default() }
    }

    #[test]
    fn a_permission_that_is_missing_is_named_with_whom_to_give_it() {
        let hint = Needs::WriteUser.hint(Some(&granted(&["User.Read.All"], false)));
        assert!(
            hint.contains("application audit") && hint.contains("grant LicenseAssignment.ReadWrite.All"),
            "{hint}"
        );
    }

    #[test]
    fn where_the_permission_is_there_the_object_or_the_person_is_the_reason() {
        let app = Needs::WriteGroup.hint(Some(&granted(&["LicenseAssignment.ReadWrite.All"], false)));
        assert!(
            app.contains("is enough") && app.contains("role-assignable") && app.contains("restricted"),
            "{app}"
        );
        let person = Needs::WriteUser.hint(Some(&granted(&["User.ReadWrite.All"], true)));
        assert!(person.contains("License Administrator"), "{person}");
    }

    #[test]
    fn without_claims_everything_that_may_be_missing_is_named() {
        for needs in Needs::ALL {
            let hint = needs.hint(None);
            assert!(hint.contains(needs.accepted()[0]) && hint.contains(needs.call()), "{hint}");
        }
    }
}
