//! Which permission each call needs, for the one who reads "403".

/// What a request touches, as far as permissions are concerned (GRAPH 4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
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
}

impl Needs {
    /// What one such request takes in resource units, with the `$select` that is always sent (GRAPH 8.2).
    pub(super) fn units(self) -> u32 {
        match self {
            Needs::Licenses => 3,
            Needs::Members => 2,
            Needs::Organization | Needs::Users | Needs::Groups | Needs::WriteUser | Needs::WriteGroup => 1,
        }
    }

    /// Whether it changes something.
    pub(super) fn is_write(self) -> bool {
        match self {
            Needs::WriteUser | Needs::WriteGroup => true,
            Needs::Organization | Needs::Licenses | Needs::Users | Needs::Groups | Needs::Members => false,
        }
    }

    /// What to grant, in one sentence.
    pub(super) fn hint(self) -> &'static str {
        match self {
            Needs::Organization => "grant Organization.Read.All",
            Needs::Licenses => "grant LicenseAssignment.Read.All or Organization.Read.All",
            Needs::Users => "grant User.Read.All; LicenseAssignment.* alone does not let users be read",
            Needs::Groups => "grant Group.Read.All or GroupMember.Read.All",
            Needs::Members => {
                "grant GroupMember.Read.All or Group.Read.All; hidden memberships need \
                 Member.Read.Hidden as well"
            }
            Needs::WriteUser => {
                "grant LicenseAssignment.ReadWrite.All; a signed-in person needs License \
                 Administrator, and a user in a restricted administrative unit can be changed \
                 only by those who administer that unit"
            }
            Needs::WriteGroup => {
                "grant LicenseAssignment.ReadWrite.All, or Group.ReadWrite.All where that is not enough; \
                 a signed-in person needs License Administrator, and a role-assignable group can \
                 be changed only by its owners and Privileged Role Administrators"
            }
        }
    }
}
