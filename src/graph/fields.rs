//! What is asked of a user, from least to most. Never the merged `assignedLicenses`, which does not say where a
//! license comes from (GRAPH 3.1), and never `assignedPlans`, which makes an answer fifteen times as large
//! (GRAPH 3.3).

/// How much is asked of each user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fields {
    /// Each assignment with its source.
    State,
    /// And whose account it is, which only a selector asks.
    StateAndAccount,
}

impl Fields {
    /// The value of `$select`.
    pub(super) fn select(self) -> &'static str {
        match self {
            Fields::State => "id,userPrincipalName,usageLocation,licenseAssignmentStates",
            Fields::StateAndAccount => {
                "id,userPrincipalName,usageLocation,accountEnabled,userType,licenseAssignmentStates"
            }
        }
    }
}
