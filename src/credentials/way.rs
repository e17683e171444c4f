//! The ways to sign in: a closed set, and the words by which `--auth` knows them.

use std::fmt;

/// A way to an access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// A ready-made token, in a variable.
    Token,
    /// An application that knows a secret.
    Secret,
    /// An application that has a certificate and its private key.
    Certificate,
    /// An application that trusts the tokens in a file, as Kubernetes puts them there.
    WorkloadIdentity,
    /// An application that trusts the jobs of a GitHub repository.
    GitHub,
    /// An application that trusts a service connection of Azure Pipelines.
    AzurePipelines,
    /// The identity of the Azure machine, app or container that this runs on.
    ManagedIdentity,
    /// Whoever is signed in to the Azure CLI.
    AzureCli,
}

impl Way {
    /// Every way, in the order of `--auth auto`.
    pub const ALL: [Way; 8] = [
        Way::Token,
        Way::Secret,
        Way::Certificate,
        Way::GitHub,
        Way::AzurePipelines,
        Way::WorkloadIdentity,
        Way::ManagedIdentity,
        Way::AzureCli,
    ];

    /// The word of `--auth`.
    pub fn as_str(self) -> &'static str {
        match self {
            Way::Token => "token",
            Way::Secret => "secret",
            Way::Certificate => "certificate",
            Way::WorkloadIdentity => "workload-identity",
            Way::GitHub => "github",
            Way::AzurePipelines => "azure-pipelines",
            Way::ManagedIdentity => "managed-identity",
            Way::AzureCli => "azure-cli",
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What `--auth` may say. The names beside are those of other tools.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Auth {
    /// What the environment names first: ready-made token, secret, certificate, GitHub, Azure
    /// Pipelines, workload identity, managed identity, Azure CLI
    #[default]
    #[value(alias = "default", alias = "environment", alias = "env")]
    Auto,
    /// The ready-made token in ADVAUDIT_ACCESS_TOKEN
    #[value(alias = "access-token", alias = "bearer")]
    Token,
    /// Application and client secret
    #[value(alias = "client-secret", alias = "password")]
    Secret,
    /// Application and certificate, a PEM file with its private key
    #[value(alias = "client-certificate", alias = "cert", alias = "pem")]
    Certificate,
    /// Application and the token in AZURE_FEDERATED_TOKEN_FILE
    #[value(alias = "workload", alias = "federated", alias = "federated-token", alias = "kubernetes")]
    WorkloadIdentity,
    /// Application and the id token of a GitHub Actions job
    #[value(
        name = "github",
        alias = "github-oidc",
        alias = "github-actions",
        alias = "oidc",
        alias = "actions"
    )]
    GitHub,
    /// Application and a service connection of Azure Pipelines
    #[value(alias = "pipelines", alias = "azure-devops", alias = "devops", alias = "ado")]
    AzurePipelines,
    /// The identity of the Azure machine this runs on
    #[value(alias = "msi", alias = "imds", alias = "managed", alias = "mi")]
    ManagedIdentity,
    /// Whoever is signed in to the Azure CLI
    #[value(alias = "cli", alias = "az")]
    AzureCli,
}

impl Auth {
    /// The way that was named; none when the environment decides.
    pub fn way(self) -> Option<Way> {
        match self {
            Auth::Auto => None,
            Auth::Token => Some(Way::Token),
            Auth::Secret => Some(Way::Secret),
            Auth::Certificate => Some(Way::Certificate),
            Auth::WorkloadIdentity => Some(Way::WorkloadIdentity),
            Auth::GitHub => Some(Way::GitHub),
            Auth::AzurePipelines => Some(Way::AzurePipelines),
            Auth::ManagedIdentity => Some(Way::ManagedIdentity),
            Auth::AzureCli => Some(Way::AzureCli),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn every_way_has_its_word_and_the_words_of_other_tools_lead_to_it() {
        for way in Way::ALL {
            let auth = Auth::from_str(way.as_str(), false).expect("a word");
            assert_eq!(auth.way(), Some(way));
        }
        for (word, way) in [
            ("client-secret", Way::Secret),
            ("client-certificate", Way::Certificate),
            ("federated", Way::WorkloadIdentity),
            ("workload", Way::WorkloadIdentity),
            ("oidc", Way::GitHub),
            ("github-oidc", Way::GitHub),
            ("pipelines", Way::AzurePipelines),
            ("msi", Way::ManagedIdentity),
            ("cli", Way::AzureCli),
            ("az", Way::AzureCli),
            ("access-token", Way::Token),
        ] {
            assert_eq!(Auth::from_str(word, false).map(Auth::way), Ok(Some(way)), "{word}");
        }
        assert_eq!(Auth::from_str("auto", false).map(Auth::way), Ok(None));
    }
}
