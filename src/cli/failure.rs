//! The one place where errors become words with a next step, and exit codes.

use std::path::PathBuf;

use super::Exit;
use crate::diag::Finding;
use crate::graph;
use crate::journal::bucket::CannotOpen;
use crate::journal::chain::JournalError;
use crate::journal::lease::LeaseError;
use crate::journal::store::StoreError;

use crate::report::human::finding;
use crate::report::json::v1::common;
use crate::report::output::Output;
use crate::run::CannotRun;
use crate::sandbox::CannotSave;

/// Why a command could not go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The command line asks for something that cannot be.
    #[error("{0}")]
    Usage(String),
    /// There is no access token.
    #[error("{0}")]
    NoToken(String),
    /// The plan that was approved cannot be carried out.
    #[error("{message}")]
    Stale {
        /// Why not.
        message: String,
        /// What to do.
        hint: String,
    },
    /// A file cannot be written.
    #[error("cannot write {}: {cause}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// The manifest cannot be used; all that is wrong with it.
    #[error("the manifest cannot be used")]
    Manifest(Vec<Finding>),
    /// A file cannot be read.
    #[error("cannot read {}: {cause}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// Graph did not do what was asked.
    #[error("{0}")]
    Graph(#[from] graph::Failure),
    /// The journal cannot be used.
    #[error("{0}")]
    Journal(#[from] JournalError),
    /// The lease is not to be had.
    #[error("{0}")]
    Lease(#[from] LeaseError),
    /// The object store of the state cannot be used as the environment describes it.
    #[error("{0}")]
    State(#[from] CannotOpen),
    /// The simulated tenant cannot be used.
    #[error("{0}")]
    Sandbox(#[from] CannotSave),
    /// The program is wrong, and noticed it in time.
    #[error("advaudit made a plan that breaks its own rules, and did nothing: {0}; please report this")]
    Internal(String),
    /// Something else, with the next step.
    #[error("{message}")]
    Other {
        /// What happened.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
}

impl From<CannotRun> for Failure {
    fn from(cannot: CannotRun) -> Self {
        match cannot {
            CannotRun::Graph(failure) => Failure::Graph(failure),
            CannotRun::Journal(error) => Failure::Journal(error),
            CannotRun::Lease(error) => Failure::Lease(error),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Failure::Journal(JournalError::Store(error))
    }
}

impl Failure {
    pub(super) fn other(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Failure::Other { message: message.into(), hint: Some(hint.into()) }
    }

    pub(super) fn stale(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Failure::Stale { message: message.into(), hint: hint.into() }
    }

    pub(super) fn exit(&self) -> Exit {
        match self {
            Failure::Usage(_) => Exit::Usage,
            Failure::NoToken(_) => Exit::Credentials,
            Failure::Stale { .. } => Exit::Stale,
            Failure::Graph(failure) if failure.is_credentials() || failure.is_denied() => Exit::Credentials,
            Failure::Manifest(_)
            | Failure::Read { .. }
            | Failure::Write { .. }
            | Failure::Graph(_)
            | Failure::Journal(_)
            | Failure::Lease(_)
            | Failure::State(_)
            | Failure::Sandbox(_)
            | Failure::Internal(_)
            | Failure::Other { .. } => Exit::Error,
        }
    }

    pub(super) fn show(&self, output: &Output) {
        if let Failure::Manifest(findings) = self {
            let (colour, findings) = (output.error_style().colour, common::findings(findings));
            output.complain(&finding::render(&findings, colour, output.width()));
            return;
        }
        output.explain(&output.error_style().error(&self.to_string()));
        if let Some(hint) = self.hint() {
            output.explain(&format!("hint: {hint}"));
        }
    }

    pub(super) fn hint(&self) -> Option<String> {
        match self {
            Failure::Graph(graph::Failure::Credentials(_)) => {
                Some(
                    "is it a token of this tenant's cloud (--cloud)? A ready-made one lives about an hour: set \
                     ADVAUDIT_ACCESS_TOKEN to a fresh one, or sign in by a secret or certificate, and run again"
                        .into(),
                )
            }
            Failure::Graph(failure @ graph::Failure::Lost { .. }) if failure.asked() == graph::TOKEN_REQUEST => {
                Some("is AZURE_AUTHORITY_HOST right, and the network there? Run again: whatever was begun is in the journal".into())
            }
            Failure::Graph(graph::Failure::Lost { .. }) => {
                Some("is --graph-url right, and the network there? Run again: whatever was begun is in the journal".into())
            }
            Failure::Graph(failure) => failure.hint().map(str::to_owned),
            Failure::Other { hint, .. } => hint.clone(),
            Failure::Stale { hint, .. } => Some(hint.clone()),
            Failure::Journal(JournalError::Store(error)) | Failure::Lease(LeaseError::Store(error)) => {
                in_a_folder(error).map(str::to_owned)
            }
            Failure::Usage(_)
            | Failure::NoToken(_)
            | Failure::Manifest(_)
            | Failure::Read { .. }
            | Failure::Write { .. }
            | Failure::Journal(_)
            | Failure::Lease(_)
            | Failure::State(_)
            | Failure::Sandbox(_)
            | Failure::Internal(_) => None,
        }
    }
}

/// What to do about a folder that cannot be used. What an object store says has its own next step.
fn in_a_folder(error: &StoreError) -> Option<&'static str> {
    match error {
        StoreError::Failed { place, .. } if !place.contains("://") => Some(
            "--state has to name a folder that can be read and written: is it the right one, is there room on the \
             disk, may this user write there? Then run again with the same --state: who is off is in its journal. If \
             that is lost, `advaudit heal MANIFEST` with another --state turns on by the tenant's own dates",
        ),
        StoreError::Failed { .. } | StoreError::Conflict { .. } => None,
    }
}
