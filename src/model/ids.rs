//! One type for each kind of id, so that a group can never be passed where a user is meant.
//!
//! Microsoft Graph sends every one of these as a GUID; parsing is case-insensitive and display is
//! lower case, as the directory does it.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            /// Takes the hyphenated form only: a 32-digit word may be somebody's display name.
            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                let id: uuid::fmt::Hyphenated = text.parse()?;
                Ok(Self(id.into_uuid()))
            }
        }
    };
}

id!(
    /// The tenant, `organization.id`.
    TenantId
);
id!(
    /// A user's object id.
    UserId
);
id!(
    /// A group's object id.
    GroupId
);
id!(
    /// A license (`skuId`).
    SkuId
);
id!(
    /// A part of a license (`servicePlanId`).
    ServicePlanId
);
id!(
    /// One `apply` or `heal`. Version 7, so that ids sort by the time they were made.
    RunId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capitals_are_the_same_id_and_display_is_lower_case() {
        let id: UserId = "8A9B0C1D-0000-4000-8000-000000000002".parse().expect("a GUID");
        assert_eq!(id.to_string(), "8a9b0c1d-0000-4000-8000-000000000002");
    }

    #[test]
    fn thirty_two_digits_without_hyphens_are_a_name() {
        assert!("8a9b0c1d000040008000000000000002".parse::<GroupId>().is_err());
    }
}
