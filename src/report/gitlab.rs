//! GitLab's `terraform` report: three numbers that a merge request shows beside the plan's job.
//!
//! GitLab knows only create, update and delete. Enabling makes something be on that was not: create. A
//! toggle or the end of one leaves everything as it was: update. Nothing is ever deleted.

use serde::Serialize;

use super::json::v1::common;
use super::json::v1::plan::PlanDocument;

/// The report, as GitLab names its keys.
#[derive(Serialize)]
struct Report {
    /// How many subjects are enabled.
    create: usize,
    /// How many are toggled, or turned on again after an earlier run's toggle.
    update: usize,
    /// Always 0.
    delete: usize,
}

/// The report of a plan.
pub fn render(plan: &PlanDocument) -> String {
    let own = plan.summary;
    common::text(&Report { create: own.enable, update: own.toggle + own.resume, delete: 0 })
}
