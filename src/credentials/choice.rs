//! What the environment says about signing in → one way with all it needs, or what is missing. A pure
//! function of the variables: nothing is read, nobody is asked.
//!
//! `auto` takes the first of these that the environment names: ready-made token, secret, certificate,
//! GitHub, Azure Pipelines, workload identity, managed identity, Azure CLI. What is named is never
//! given up for another identity: half of it is an error that names the other half, and a refusal is a
//! refusal. Only where nothing is named at all are the machine's identity and the CLI tried in turn.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::secret::Secret;
use super::way::Way;
use crate::graph::{BadToken, Token};

/// The variables of the environment.
pub type Variables = BTreeMap<String, String>;

/// A ready-made token.
pub const ACCESS_TOKEN: &str = "ADVAUDIT_ACCESS_TOKEN";
/// The login authority, where it is not the cloud's own.
pub const AUTHORITY_HOST: &str = "AZURE_AUTHORITY_HOST";
const TENANT_ID: &str = "AZURE_TENANT_ID";
const CLIENT_ID: &str = "AZURE_CLIENT_ID";
const CLIENT_SECRET: &str = "AZURE_CLIENT_SECRET";
const CERTIFICATE_PATH: &str = "AZURE_CLIENT_CERTIFICATE_PATH";
const TOKEN_FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";
const GITHUB_URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";
const GITHUB_TOKEN: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";
const PIPELINES_URI: &str = "SYSTEM_OIDCREQUESTURI";
const PIPELINES_TOKEN: &str = "SYSTEM_ACCESSTOKEN";
const PIPELINES_CONNECTION: &str = "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID";
const PIPELINES_CLIENT: &str = "AZURESUBSCRIPTION_CLIENT_ID";
const PIPELINES_TENANT: &str = "AZURESUBSCRIPTION_TENANT_ID";
/// App Service, Functions, Container Apps.
const IDENTITY_ENDPOINT: &str = "IDENTITY_ENDPOINT";
/// The older name, of Cloud Shell and Azure Machine Learning.
const MSI_ENDPOINT: &str = "MSI_ENDPOINT";

/// An application in a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// The tenant, by id or domain.
    pub tenant: String,
    /// Who names it.
    pub named_by: NamedBy,
    /// The client id.
    pub client: String,
}

/// Who names the tenant that is signed in to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedBy {
    /// The environment.
    Environment,
    /// A manifest, where there are several.
    Manifest,
}

/// By what an application shows that it is itself.
#[derive(Clone, Debug)]
pub enum Proof {
    /// It knows a secret.
    Secret(Secret),
    /// It has the private key of a certificate: a PEM file of both.
    Certificate(PathBuf),
    /// A token of an issuer that it trusts, in a file.
    File(PathBuf),
    /// The id token of a GitHub Actions job.
    GitHub {
        /// Where it is asked for.
        url: String,
        /// With what.
        bearer: Secret,
    },
    /// The id token of an Azure Pipelines job.
    Pipelines {
        /// The service connection.
        connection: String,
        /// What asks for it.
        bearer: Secret,
    },
}

/// A way to sign in, with all it needs.
#[derive(Clone, Debug)]
pub enum Choice {
    /// There is a token already.
    Token(Token),
    /// An application.
    Application(Application, Proof),
    /// The identity of the machine; of several the one with that client id.
    ManagedIdentity {
        /// The client id of a user-assigned identity.
        client: Option<String>,
    },
    /// Whoever is signed in to the Azure CLI.
    AzureCli {
        /// The tenant, where it is not the one that was signed in to.
        tenant: Option<String>,
    },
    /// Nothing is named: the identity of the machine if it has one, else the Azure CLI.
    Unnamed {
        /// The tenant for the Azure CLI.
        tenant: Option<String>,
    },
}

/// What the environment lacks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lacking {
    /// The ready-made token is none.
    #[error("{ACCESS_TOKEN}: {0}")]
    Token(BadToken),
    /// Half of a way is there.
    #[error("to sign in by {way} there is {there}, but {} not set{}", are(.missing), hint.unwrap_or_default())]
    Half {
        /// The way.
        way: Way,
        /// What is there.
        there: &'static str,
        /// The variables that are not.
        missing: Vec<&'static str>,
        /// More about them.
        hint: Option<&'static str>,
    },
    /// A way was asked for of which nothing is there.
    #[error("to sign in by {way} set {}{}", missing.join(", "), hint.unwrap_or_default())]
    All {
        /// The way.
        way: Way,
        /// The variables that it needs.
        missing: Vec<&'static str>,
        /// More about them.
        hint: Option<&'static str>,
    },
    /// An application without a proof.
    #[error(
        "{TENANT_ID} and {CLIENT_ID} name an application, but nothing shows that this is it: set {CLIENT_SECRET}, \
         {CERTIFICATE_PATH} or {TOKEN_FILE}, or say --auth managed-identity or --auth azure-cli"
    )]
    Proof,
}

const IN_A_JOB: &str = "; in a GitHub Actions job they come with `permissions: id-token: write`";
const IN_A_PIPELINE: &str = "; a step is given the token by `env: SYSTEM_ACCESSTOKEN: $(System.AccessToken)`, the rest \
                             comes with AzureCLI@2 (whose own sign-in is --auth azure-cli)";

impl Choice {
    /// Whether a token is asked for at the login authority; not where it is there already, or where
    /// somebody else asks.
    pub fn asks_an_authority(&self) -> bool {
        matches!(self, Choice::Application(..))
    }

    /// The same way, into the tenant that a manifest names. What cannot go there stays as it is.
    #[must_use]
    pub fn into_tenant(self, tenant: &str) -> Choice {
        let tenant = tenant.to_owned();
        match self {
            Choice::Application(Application { client, .. }, proof) => {
                Choice::Application(Application { tenant, named_by: NamedBy::Manifest, client }, proof)
            }
            Choice::AzureCli { .. } => Choice::AzureCli { tenant: Some(tenant) },
            Choice::Unnamed { .. } => Choice::Unnamed { tenant: Some(tenant) },
            own @ (Choice::Token(_) | Choice::ManagedIdentity { .. }) => own,
        }
    }

    /// Why this may be the wrong way where another tenant answers than the one that was meant; none where the
    /// way leads into any tenant.
    pub fn is_of_one_tenant(&self) -> Option<&'static str> {
        match self {
            Choice::Token(_) => Some("the ready-made token in ADVAUDIT_ACCESS_TOKEN is one tenant's"),
            Choice::ManagedIdentity { .. } => Some("a managed identity signs in to its own tenant only"),
            Choice::Unnamed { .. } => Some(
                "the environment names no application, and a managed identity signs in to its own tenant only",
            ),
            Choice::Application(..) | Choice::AzureCli { .. } => None,
        }
    }
}

/// Chooses: that way, or the first that the environment names.
pub fn choose(way: Option<Way>, variables: &Variables) -> Result<Choice, Lacking> {
    Found { variables, needs_a_tenant: true }.chosen(way)
}

/// Chooses where each of several manifests names a tenant of its own, for [`Choice::into_tenant`]: the
/// environment need not name any.
pub fn choose_for_several(way: Option<Way>, variables: &Variables) -> Result<Choice, Lacking> {
    Found { variables, needs_a_tenant: false }.chosen(way)
}

struct Found<'a> {
    variables: &'a Variables,
    needs_a_tenant: bool,
}

impl Found<'_> {
    fn chosen(&self, way: Option<Way>) -> Result<Choice, Lacking> {
        match way {
            Some(way) => self.by(way),
            None => self.first(),
        }
    }

    /// An empty variable is one that a pipeline had nothing for.
    fn get(&self, name: &str) -> Option<String> {
        self.variables.get(name).filter(|value| !value.trim().is_empty()).cloned()
    }

    fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    fn first(&self) -> Result<Choice, Lacking> {
        let names_application = self.has(TENANT_ID) || self.has(CLIENT_ID);
        // Also an empty one: somebody meant to set it.
        let way = if self.variables.contains_key(ACCESS_TOKEN) {
            Way::Token
        } else if self.has(CLIENT_SECRET) {
            Way::Secret
        } else if self.has(CERTIFICATE_PATH) {
            Way::Certificate
        // A job has these whenever it may ask for id tokens, also where the CLI was signed in with one.
        } else if self.has(GITHUB_URL) && self.has(GITHUB_TOKEN) && names_application {
            Way::GitHub
        } else if self.has(PIPELINES_URI) && self.has(PIPELINES_CONNECTION) {
            Way::AzurePipelines
        } else if self.has(TOKEN_FILE) {
            Way::WorkloadIdentity
        } else if self.has(IDENTITY_ENDPOINT) || self.has(MSI_ENDPOINT) {
            Way::ManagedIdentity
        } else if self.has(CLIENT_ID) && self.has(TENANT_ID) {
            return Err(Lacking::Proof);
        } else if self.has(CLIENT_ID) {
            Way::ManagedIdentity
        } else {
            return Ok(Choice::Unnamed { tenant: self.get(TENANT_ID) });
        };
        self.by(way)
    }

    fn by(&self, way: Way) -> Result<Choice, Lacking> {
        let application = |proof: Proof| {
            let (tenant, client) =
                (self.pipelines(way, PIPELINES_TENANT), self.pipelines(way, PIPELINES_CLIENT));
            let tenant = tenant.or_else(|| self.get(TENANT_ID)).unwrap_or_default();
            let client = client.or_else(|| self.get(CLIENT_ID)).unwrap_or_default();
            let named_by = NamedBy::Environment;
            Choice::Application(Application { tenant, named_by, client }, proof)
        };
        let path = |name: &str| PathBuf::from(self.get(name).unwrap_or_default());
        let secret = |name: &str| Secret::new(self.get(name).unwrap_or_default());
        match way {
            Way::Token => {
                let Some(text) = self.variables.get(ACCESS_TOKEN) else {
                    return Err(Lacking::All { way, missing: vec![ACCESS_TOKEN], hint: None });
                };
                Token::new(text.clone()).map(Choice::Token).map_err(Lacking::Token)
            }
            Way::Secret => {
                self.needs(way, "a secret", &[CLIENT_SECRET], None)?;
                // Unlike a path it may begin or end with a space, but not with the line break of a file.
                let text = self.get(CLIENT_SECRET).unwrap_or_default();
                Ok(application(Proof::Secret(Secret::new(text.trim_end_matches(['\r', '\n'])))))
            }
            Way::Certificate => {
                self.needs(way, "a certificate", &[CERTIFICATE_PATH], None)?;
                Ok(application(Proof::Certificate(path(CERTIFICATE_PATH))))
            }
            Way::WorkloadIdentity => {
                self.needs(way, "a token file", &[TOKEN_FILE], None)?;
                Ok(application(Proof::File(path(TOKEN_FILE))))
            }
            Way::GitHub => {
                self.needs(way, "the id token of the job", &[GITHUB_URL, GITHUB_TOKEN], Some(IN_A_JOB))?;
                let url = self.get(GITHUB_URL).unwrap_or_default();
                Ok(application(Proof::GitHub { url, bearer: secret(GITHUB_TOKEN) }))
            }
            Way::AzurePipelines => {
                let own = [PIPELINES_URI, PIPELINES_CONNECTION, PIPELINES_TOKEN];
                self.needs(way, "a service connection", &own, Some(IN_A_PIPELINE))?;
                let connection = self.get(PIPELINES_CONNECTION).unwrap_or_default();
                Ok(application(Proof::Pipelines { connection, bearer: secret(PIPELINES_TOKEN) }))
            }
            Way::ManagedIdentity => Ok(Choice::ManagedIdentity { client: self.get(CLIENT_ID) }),
            Way::AzureCli => Ok(Choice::AzureCli { tenant: self.get(TENANT_ID) }),
        }
    }

    /// A variable of Azure Pipelines' own, where that is the way.
    fn pipelines(&self, way: Way, name: &str) -> Option<String> {
        if way == Way::AzurePipelines { self.get(name) } else { None }
    }

    /// Whether everything is there: what is the way's own, and the application.
    fn needs(
        &self,
        way: Way,
        there: &'static str,
        own: &[&'static str],
        hint: Option<&'static str>,
    ) -> Result<(), Lacking> {
        let mut missing: Vec<&'static str> = own.iter().copied().filter(|name| !self.has(name)).collect();
        let has_own = missing.len() < own.len();
        let hint = hint.filter(|_| !missing.is_empty());
        let of_the_application =
            [(TENANT_ID, PIPELINES_TENANT, self.needs_a_tenant), (CLIENT_ID, PIPELINES_CLIENT, true)];
        for (name, pipelines, is_needed) in of_the_application {
            if is_needed && !self.has(name) && self.pipelines(way, pipelines).is_none() {
                missing.push(name);
            }
        }
        match (missing.is_empty(), has_own) {
            (true, _) => Ok(()),
            (false, true) => Err(Lacking::Half { way, there, missing, hint }),
            (false, false) => Err(Lacking::All { way, missing, hint }),
        }
    }
}

/// `A is`, `A and B are`.
fn are(names: &[&'static str]) -> String {
    match names {
        [one] => format!("{one} is"),
        [all @ .., last] => format!("{} and {last} are", all.join(", ")),
        [] => String::new(),
    }
}

#[cfg(test)]
mod tests;
