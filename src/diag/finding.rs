//! One thing to tell about the manifest or the tenant.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Code, Place};

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The manifest cannot be used, or somebody has to look at it now.
    Error,
    /// Probably not what was meant, or something to look at.
    Warning,
    /// Good to know.
    Note,
}

impl Severity {
    /// `error`, `warning` or `note`.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

/// Something to tell, with a code, often a place, and the next step where there is one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// How much it weighs.
    pub severity: Severity,
    /// What kind of thing it is; stable, for people who search or suppress.
    pub code: Code,
    /// One sentence, lower case, without a full stop.
    pub message: String,
    /// Where in the manifest; absent when the tenant is meant.
    pub place: Option<Place>,
    /// A few words under the underline.
    pub label: Option<String>,
    /// The next step.
    pub help: Option<String>,
}

impl Finding {
    /// A finding with that code; its severity is the code's own.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Finding {
            severity: code.severity(),
            code,
            message: message.into(),
            place: None,
            label: None,
            help: None,
        }
    }

    /// The same finding, at a place.
    #[must_use]
    pub fn at(mut self, place: &Place) -> Self {
        self.place = Some(place.clone());
        self
    }

    /// The same finding, with words under the underline.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// The same finding, with the next step.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Whether the manifest cannot be used because of it.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}
