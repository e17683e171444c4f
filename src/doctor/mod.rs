//! Everything that has to be so before a run can go well, looked at one after the other: the way to
//! Graph, the sign-in, the permissions of each command, the state. Each check says what it saw and, where
//! something is wrong, the next step. A check that could not be made because of an earlier one is skipped.
//!
//! Nothing is changed: of licenses there is no writer here, and of the state only the lease is taken for
//! a moment, which shows at once that it is free and that the place can be written.

mod examination;
mod permissions;

pub use examination::{Place, examine};
pub use permissions::{Command, Permission};

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was looked at.
    pub name: Name,
    /// How it is.
    pub verdict: Verdict,
    /// What was seen, in a sentence without a full stop.
    pub detail: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// Which cloud, and what it lacks.
    Cloud,
    /// The names of Graph and of the login authority lead somewhere.
    Dns,
    /// Graph answers, behind a certificate that is trusted.
    Tls,
    /// This machine's clock beside Graph's.
    Clock,
    /// There is a token, for the tenant that answers.
    Token,
    /// The tenant answers.
    Tenant,
    /// What the commands need.
    Permissions,
    /// The state can be read and written.
    State,
    /// No run works on the tenant.
    Lease,
    /// How much may be asked.
    Quota,
}

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// A run goes well, but somebody should know.
    Warning,
    /// A run will not go well.
    Failed,
    /// Not looked at.
    Skipped,
}

/// All that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    /// In the order in which a run needs them.
    pub checks: Vec<Check>,
    /// Every call that a command makes, with what is known of its permission.
    pub permissions: Vec<Permission>,
    /// What the token says of itself.
    pub granted: Option<crate::graph::Granted>,
    /// How many users the tenant has.
    pub users: Option<u64>,
}

impl Name {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Name::Cloud => "cloud",
            Name::Dns => "dns",
            Name::Tls => "tls",
            Name::Clock => "clock",
            Name::Token => "token",
            Name::Tenant => "tenant",
            Name::Permissions => "permissions",
            Name::State => "state",
            Name::Lease => "lease",
            Name::Quota => "quota",
        }
    }
}

impl Verdict {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::Warning => "warning",
            Verdict::Failed => "failed",
            Verdict::Skipped => "skipped",
        }
    }
}

impl Check {
    fn new(name: Name, verdict: Verdict, detail: impl Into<String>) -> Self {
        Check { name, verdict, detail: detail.into(), remedy: None }
    }

    fn remedy(self, remedy: impl Into<String>) -> Self {
        Check { remedy: Some(remedy.into()), ..self }
    }

    fn skipped(name: Name, why: &str) -> Self {
        Check::new(name, Verdict::Skipped, why)
    }
}

impl Examined {
    /// Whether a check of that name failed.
    pub fn has_failed(&self, name: Name) -> bool {
        self.checks.iter().any(|check| check.name == name && check.verdict == Verdict::Failed)
    }
}
