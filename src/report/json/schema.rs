//! The JSON Schemas of everything that outlives a process, generated from the structs.

use serde_json::Value;

use super::v1::{
    check::CheckDocument, doctor::DoctorDocument, event::EventDocument, explain::ExplainDocument,
    plan::PlanDocument, plans::PlansDocument, run::RunDocument, status::StatusDocument,
};
use crate::journal::record::Record;

/// What has a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Which {
    /// The manifest.
    Manifest,
    /// The plan document.
    Plan,
    /// The document of `plan` for several manifests.
    Plans,
    /// The run document of `apply` and `heal`.
    Run,
    /// A line of the journal.
    Journal,
    /// A line of `--log-events`.
    Event,
    /// The document of `status`.
    Status,
    /// The document of `check`.
    Check,
    /// The document of `doctor`.
    Doctor,
    /// The document of `explain`.
    Explain,
}

impl Which {
    /// Its file in `schema/`.
    pub fn file(self) -> &'static str {
        match self {
            Which::Manifest => "manifest.schema.json",
            Which::Plan => "plan.schema.json",
            Which::Plans => "plans.schema.json",
            Which::Run => "run.schema.json",
            Which::Journal => "journal.schema.json",
            Which::Event => "event.schema.json",
            Which::Status => "status.schema.json",
            Which::Check => "check.schema.json",
            Which::Doctor => "doctor.schema.json",
            Which::Explain => "explain.schema.json",
        }
    }
}

/// The schema as text, as it stands in `schema/`.
pub fn text(which: Which) -> String {
    let schema: Value = match which {
        Which::Manifest => crate::manifest::json_schema(),
        Which::Plan => schemars::schema_for!(PlanDocument).into(),
        Which::Plans => schemars::schema_for!(PlansDocument).into(),
        Which::Run => schemars::schema_for!(RunDocument).into(),
        Which::Journal => schemars::schema_for!(Record).into(),
        Which::Event => schemars::schema_for!(EventDocument).into(),
        Which::Status => schemars::schema_for!(StatusDocument).into(),
        Which::Check => schemars::schema_for!(CheckDocument).into(),
        Which::Doctor => schemars::schema_for!(DoctorDocument).into(),
        Which::Explain => schemars::schema_for!(ExplainDocument).into(),
    };
    super::v1::common::text(&schema)
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn the_files_in_schema_are_what_the_types_say() {
        for which in Which::value_variants().iter().copied() {
            let path = format!("{}/schema/{}", env!("CARGO_MANIFEST_DIR"), which.file());
            if std::env::var_os("ADVAUDIT_BLESS").is_some() {
                std::fs::write(&path, text(which)).expect("schema/ can be written");
            }
            let stored = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(stored == text(which), "{path} is old: ADVAUDIT_BLESS=1 cargo test rewrites it");
        }
    }
}
