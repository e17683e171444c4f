//! A saved plan: its bytes, from wherever they come, back to the document, or why not.
//!
//! Strict. A plan file is carried out without being looked at again, so there must be nothing in it that
//! this advaudit does not understand: a document that is written again is the same JSON as was read.
//! For which tenant and until when it is, is not judged here.

use serde_json::Value;

use super::plan::PlanDocument;
use super::restored::{Restored, restore};
use crate::plan::change::Change;
use crate::plan::digest::{Decision, FORMAT_VERSION};

/// A plan for half a million people who go off is some 500 MB; one that people save is a few.
pub const LARGEST_BYTES: usize = 1024 * 1024 * 1024;

/// So much is repeated of what is wrong.
const CAUSE_CHARACTERS: usize = 200;

/// Why bytes are no plan to be carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPlan {
    /// More than any plan.
    #[error("it is larger than {} MiB", LARGEST_BYTES / 1024 / 1024)]
    TooLarge,
    /// Not the JSON of a plan.
    #[error("it is no plan of advaudit: {0}")]
    NotAPlan(String),
    /// A plan of another format.
    #[error("its format_version is {0}, and this advaudit knows {FORMAT_VERSION}")]
    OtherVersion(String),
    /// It holds more than this advaudit knows, or not as it writes it.
    #[error("it holds something that no plan of format {FORMAT_VERSION} holds")]
    Unknown,
    /// It was changed since it was written.
    #[error("it was changed after it was made: {0} does not fit")]
    Altered(&'static str),
    /// Its parts contradict each other, so it was not written by an advaudit.
    #[error("it was changed after it was made: {0}")]
    Contradicts(String),
}

/// The document that these bytes are, and what it would do.
pub fn read(bytes: &[u8]) -> Result<(PlanDocument, Restored), NoPlan> {
    if bytes.len() > LARGEST_BYTES {
        return Err(NoPlan::TooLarge);
    }
    let written: Value = serde_json::from_slice(bytes).map_err(|error| no_plan(&error))?;
    match written.get("format_version").and_then(Value::as_str) {
        Some(FORMAT_VERSION) => {}
        Some(other) => return Err(NoPlan::OtherVersion(shown(other))),
        None => return Err(NoPlan::NotAPlan("`format_version` is missing".to_owned())),
    }
    // From the bytes and not from the value, which keeps the last of two keys.
    let document: PlanDocument = serde_json::from_slice(bytes).map_err(|error| no_plan(&error))?;
    if !serde_json::to_value(&document).is_ok_and(|again| again == written) {
        return Err(NoPlan::Unknown);
    }
    if document.file_sha256 != document.digest_of_the_rest() {
        return Err(NoPlan::Altered("file_sha256"));
    }
    let restored = restore(&document).map_err(|what| NoPlan::Contradicts(shown(&what)))?;
    if document.sha256 != decision(&document, &restored.changes).sha256() {
        return Err(NoPlan::Altered("sha256"));
    }
    Ok((document, restored))
}

/// The decision that a plan document and its changes are.
pub fn decision(document: &PlanDocument, changes: &[Change]) -> Decision {
    let limits = document.limits.iter().map(|limit| (limit.name.clone(), limit.written.clone()));
    Decision::new(document.tenant.id, limits.collect(), changes)
}

fn no_plan(error: &serde_json::Error) -> NoPlan {
    NoPlan::NotAPlan(shown(&error.to_string()))
}

/// On one line, short, and without what a terminal would obey.
fn shown(text: &str) -> String {
    let plain = text.chars().map(|char| if char.is_control() { ' ' } else { char });
    plain.take(CAUSE_CHARACTERS).collect()
}
