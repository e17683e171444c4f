//! What is asked of a user, from least to most. Never the merged `assignedLicenses`, which does not say where a
//! license comes from (GRAPH 3.1), and `assignedPlans`, which makes an answer fifteen times as large (GRAPH 3.3),
//! only where the dates of nearly everybody decide.

/// How much is asked of each user, beside each assignment with its source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// Whose account it is, which only a selector asks.
    pub account: bool,
    /// The entries of `assignedPlans` for *the* service plan.
    pub dates: bool,
}

impl Fields {
    /// Each assignment with its source, and nothing else.
    pub const STATE: Fields = Fields { account: false, dates: false };

    /// The value of `$select`.
    pub(super) fn select(self) -> &'static str {
        match (self.account, self.dates) {
            (false, false) => "id,userPrincipalName,usageLocation,licenseAssignmentStates",
            (true, false) => {
                "id,userPrincipalName,usageLocation,accountEnabled,userType,licenseAssignmentStates"
            }
            (false, true) => "id,userPrincipalName,usageLocation,licenseAssignmentStates,assignedPlans",
            (true, true) => {
                "id,userPrincipalName,usageLocation,accountEnabled,userType,licenseAssignmentStates,assignedPlans"
            }
        }
    }
}
