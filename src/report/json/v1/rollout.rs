//! The rollout of a plan document: how toggles are spread, and what that means for this plan.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::SubjectName;
use crate::model::{Rollout, Timestamp};
use crate::plan::planned::Plan;

/// How toggles are spread over people and time, in the words of the manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RolloutDocument {
    /// So many people go off first, and nobody else before they are back on; null without a canary.
    pub canary: Option<u64>,
    /// After so many failed toggles no further one starts; null without such a bound.
    pub max_failures: Option<u64>,
    /// When toggles may start; at any time where there is none.
    pub windows: Vec<String>,
    /// By when whoever goes off must be back on; null without a deadline.
    pub must_be_on_by: Option<String>,
    /// The canary of this plan, by name; nobody where earlier runs have done that.
    pub first: Vec<SubjectName>,
    /// When the first toggle of this plan may start; null where there is none, or none may within a year.
    pub starts_at: Option<Timestamp>,
}

impl RolloutDocument {
    /// Of a plan.
    pub fn of(plan: &Plan) -> Self {
        let Rollout { canary, max_failures, windows, must_be_on_by } = &plan.rollout;
        RolloutDocument {
            canary: *canary,
            max_failures: *max_failures,
            windows: windows.iter().map(ToString::to_string).collect(),
            must_be_on_by: must_be_on_by.as_ref().map(ToString::to_string),
            first: plan.canary.iter().map(SubjectName::from).collect(),
            starts_at: plan.starts_at,
        }
    }
}
