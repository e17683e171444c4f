//! The shared words: ids, subjects, licenses, the catalog of the tenant's licenses, windows of time.
//!
//! Parsing, equality and display only. Nothing here decides anything, reads a clock or knows HTTP.

mod amount;
mod catalog;
mod ids;
mod license;
mod subject;
mod window;
mod zone;

pub use amount::Amount;
pub use catalog::{Catalog, License, LicenseStatus, ServicePlan};
pub use ids::{GroupId, RunId, ServicePlanId, SkuId, TenantId, UserId};
pub use jiff::{SignedDuration, Timestamp};
pub use license::{AssignedBy, Assignment, AssignmentError, AssignmentState, Licensed};
pub use subject::{GroupKey, Subject, SubjectId, SubjectKind, UserKey};
pub use window::{Deadline, Rollout, Window};
pub use zone::{Days, NoTime, TimeOfDay, Zone, zone_names};

/// The one service plan that advaudit manages, `M365_ADVANCED_AUDITING` ("Microsoft 365 Advanced
/// Auditing"). Not configurable: turning off another one can destroy data.
pub const SERVICE_PLAN: ServicePlanId = ServicePlanId(uuid::uuid!("2f442157-a11c-46b9-ae5b-6e39ff4e5849"));

/// The name of [`SERVICE_PLAN`] in `subscribedSkus` and in everything that advaudit prints.
pub const SERVICE_PLAN_NAME: &str = "M365_ADVANCED_AUDITING";
