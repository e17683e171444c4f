//! The document of `doctor`, format 1.0.

use schemars::JsonSchema;
use serde::Serialize;

use crate::doctor::{Examined, Permission};
use crate::graph::Granted;

/// What was found.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(title = "advaudit doctor")]
pub struct DoctorDocument {
    /// `1.0`.
    pub format_version: String,
    /// Whether nothing failed.
    pub ok: bool,
    /// The code that the command ends with.
    pub exit_code: u8,
    /// In the order in which a run needs them.
    pub checks: Vec<CheckedDocument>,
    /// What the token says of itself; null where it says nothing.
    pub identity: Option<IdentityDocument>,
    /// Every call that the commands make.
    pub permissions: Vec<PermissionDocument>,
    /// How many users the tenant has; null where Graph does not say.
    pub users: Option<u64>,
}

/// One check.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CheckedDocument {
    /// `cloud`, `dns`, `tls`, `clock`, `token`, `tenant`, `permissions`, `state`, `lease` or `quota`.
    pub name: String,
    /// `ok`, `warning`, `failed` or `skipped`.
    pub status: String,
    /// What was seen.
    pub detail: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

/// Who the token is of.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct IdentityDocument {
    /// The tenant that it was issued for.
    pub tenant: Option<String>,
    /// The application.
    pub application: Option<String>,
    /// The application's name, or that of the person who is signed in.
    pub name: Option<String>,
    /// The permissions that it carries.
    pub permissions: Vec<String>,
    /// When it ends.
    pub expires_at: Option<crate::model::Timestamp>,
}

/// One call.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PermissionDocument {
    /// As Graph's documentation writes it.
    pub call: String,
    /// Which commands make it.
    pub commands: Vec<String>,
    /// Whether it may be made; null where that cannot be known without making it.
    pub granted: Option<bool>,
    /// The permissions of which any one is enough, the least privileged first.
    pub accepted: Vec<String>,
    /// What to do where it may not be made.
    pub remedy: Option<String>,
}

impl DoctorDocument {
    /// Everything that was found, and the code that it means.
    pub fn new(examined: &Examined, exit_code: u8) -> Self {
        let check = |check: &crate::doctor::Check| CheckedDocument {
            name: check.name.as_str().to_owned(),
            status: check.verdict.as_str().to_owned(),
            detail: check.detail.clone(),
            remedy: check.remedy.clone(),
        };
        let granted = examined.granted.as_ref();
        DoctorDocument {
            format_version: "1.0".to_owned(),
            ok: exit_code == 0,
            exit_code,
            checks: examined.checks.iter().map(check).collect(),
            identity: granted.map(IdentityDocument::new),
            permissions: examined
                .permissions
                .iter()
                .map(|one| PermissionDocument::new(one, granted))
                .collect(),
            users: examined.users,
        }
    }
}

impl IdentityDocument {
    fn new(granted: &Granted) -> Self {
        IdentityDocument {
            tenant: granted.tenant.clone(),
            application: granted.application.clone(),
            name: granted.name.clone(),
            permissions: granted.permissions.iter().cloned().collect(),
            expires_at: granted.expires,
        }
    }
}

impl PermissionDocument {
    fn new(one: &Permission, granted: Option<&Granted>) -> Self {
        PermissionDocument {
            call: one.needs.call().to_owned(),
            commands: one.commands.iter().map(|command| command.as_str().to_owned()).collect(),
            granted: one.granted,
            accepted: one.needs.accepted().iter().map(|&name| name.to_owned()).collect(),
            remedy: (one.granted == Some(false)).then(|| one.remedy(granted)),
        }
    }
}
