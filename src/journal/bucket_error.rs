//! What an object store answered, in words: what happened, and which variable or permission to look at.
//! Never a secret: of an answer only its code and its first sentence are told.

use object_store::Error;
use object_store::client::{HttpError, HttpErrorKind};

use super::address::Kind;

/// The words for one kind of store, and what must not be in them.
pub(super) struct Words {
    kind: Kind,
    secrets: Vec<String>,
}

/// What an error says.
#[derive(Debug)]
pub(super) struct Told {
    what: What,
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// There is no such object.
    Absence,
    /// The object is not as expected.
    Conflict,
    /// The store did not answer, or not for itself.
    Silence,
    /// Anything else.
    Refusal,
}

impl Told {
    pub(super) fn is_absence(&self) -> bool {
        self.what == What::Absence
    }

    pub(super) fn is_conflict(&self) -> bool {
        self.what == What::Conflict
    }

    pub(super) fn is_silence(&self) -> bool {
        self.what == What::Silence
    }
}

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// Parts of names of variables whose values are told to nobody.
const SECRET: [&str; 5] = ["KEY", "SECRET", "TOKEN", "SAS", "PASSWORD"];
/// Ends of names of variables that say where a secret is.
const NO_SECRET: [&str; 2] = ["_FILE", "_PATH"];
/// Codes that come with the status of a refused condition, and mean something else.
const NO_CONDITION: [&str; 12] = [
    "AccountBeingCreated",
    "BlobArchived",
    "BlobBeingRehydrated",
    "BlobImmutableDueToPolicy",
    "ContainerBeingDeleted",
    "ContainerDisabled",
    "ContainerNotFound",
    "InvalidBucketState",
    "LeaseIdMissing",
    "NoSuchBucket",
    "ObjectUnderRetention",
    "SnapshotsPresent",
];
/// Codes of a container that is not there, where the object was asked for.
const NO_BUCKET: [&str; 2] = ["ContainerNotFound", "NoSuchBucket"];
/// The machines' own sources of credentials, asked when none is named.
const METADATA: [&str; 3] = ["169.254.", "metadata.google.internal", "instance metadata"];

impl Words {
    pub(super) fn new(kind: Kind, variables: &[(String, String)]) -> Words {
        let is_secret = |name: &str| {
            SECRET.iter().any(|part| name.contains(part)) && !NO_SECRET.iter().any(|end| name.ends_with(end))
        };
        let secrets = variables.iter().filter(|(name, value)| is_secret(name) && value.len() >= 6);
        Words { kind, secrets: secrets.map(|(_, value)| value.clone()).collect() }
    }

    /// What has to be set before anything can be asked.
    pub(super) fn missing(&self, variables: &[(String, String)]) -> Option<String> {
        let value =
            |name: &str| variables.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
        let is_on = |name: &str| {
            value(name).is_some_and(|text| {
                ["1", "true", "on", "yes", "y"].contains(&text.to_ascii_lowercase().as_str())
            })
        };
        let (endpoints, plain): (&[&str], &str) = match self.kind {
            Kind::Azure => (&["AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"], "AZURE_ALLOW_HTTP"),
            Kind::Amazon => (&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"], "AWS_ALLOW_HTTP"),
            Kind::Google => (&["GOOGLE_BASE_URL"], "GOOGLE_ALLOW_HTTP"),
        };
        let is_plain = |name: &&&str| value(name).is_some_and(|text| text.starts_with("http://"));
        if let Some(name) = endpoints.iter().find(is_plain).filter(|_| !is_on(plain)) {
            return Some(format!(
                "{name} is plain http, which anyone on the way can read and change: name https, or set {plain}=true"
            ));
        }
        let unnamed = self.kind == Kind::Azure
            && value("AZURE_STORAGE_ACCOUNT_NAME").is_none()
            && !is_on("AZURE_STORAGE_USE_EMULATOR");
        unnamed.then(|| format!("AZURE_STORAGE_ACCOUNT_NAME is not set; {}", self.credentials()))
    }

    /// An error of the configuration in words; nothing was asked, so it is all about variables.
    pub(super) fn misconfigured(&self, error: &Error) -> String {
        self.clean(&format!("{}; {}", first_line(&error.to_string()), self.credentials()))
    }

    /// An error in words.
    pub(super) fn tell(&self, error: &Error) -> Told {
        let whole = error.to_string();
        let code = tag(&whole, "Code");
        let is_one_of = |codes: &[&str]| code.is_some_and(|code| codes.contains(&code));
        let what = match error {
            Error::NotFound { .. } if !is_one_of(&NO_BUCKET) => What::Absence,
            Error::AlreadyExists { .. } | Error::Precondition { .. } | Error::NotModified { .. }
                if !is_one_of(&NO_CONDITION) =>
            {
                What::Conflict
            }
            _ if unanswered(error).is_some() || whole.contains("status code: 5") => What::Silence,
            _ => What::Refusal,
        };
        let mut text = self.gist(error, &whole);
        if let Some(advice) = self.advice(error, &whole, code) {
            text = format!("{text}; {advice}");
        }
        Told { what, text: self.clean(&text) }
    }

    /// The gist of an error, whose text repeats itself at every level and has the answer at its end.
    fn gist(&self, error: &Error, whole: &str) -> String {
        let status =
            whole.split_once("status code: ").map(|(_, rest)| rest.split(':').next().unwrap_or(rest));
        match (tag(whole, "Code"), tag(whole, "Message"), status) {
            (Some(code), Some(message), _) => format!("{code}: {}", first_line(message)),
            (Some(code), None, _) => code.to_owned(),
            (None, _, Some(status)) => format!("the store answered {}", first_line(status)),
            (None, _, None) => match unanswered(error) {
                Some(HttpErrorKind::Timeout) => "the store did not answer in time".to_owned(),
                _ => first_line(&deepest(error)).to_owned(),
            },
        }
    }

    fn advice(&self, error: &Error, whole: &str, code: Option<&str>) -> Option<String> {
        if METADATA.iter().any(|part| whole.contains(part)) {
            return Some(format!("no credentials were found; {}", self.credentials()));
        }
        match error {
            Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => Some(self.credentials().into()),
            Error::NotFound { .. } if code.is_some_and(|code| NO_BUCKET.contains(&code)) => {
                Some("create it, or name one that exists with --state".into())
            }
            _ if unanswered(error).is_some() => {
                Some(format!("is the network there, and {} right?", self.endpoint()))
            }
            _ => None,
        }
    }

    fn endpoint(&self) -> &'static str {
        match self.kind {
            Kind::Azure => "AZURE_STORAGE_ACCOUNT_NAME (or AZURE_STORAGE_ENDPOINT)",
            Kind::Amazon => "AWS_REGION (or AWS_ENDPOINT_URL)",
            Kind::Google => "the proxy",
        }
    }

    /// What to set so that the store knows who asks.
    fn credentials(&self) -> &'static str {
        match self.kind {
            Kind::Azure => {
                "set AZURE_STORAGE_ACCOUNT_NAME, and AZURE_STORAGE_ACCOUNT_KEY, AZURE_STORAGE_SAS_KEY or \
                 the AZURE_* variables of an app that may read and write blobs (Storage Blob Data Contributor)"
            }
            Kind::Amazon => {
                "set AWS_REGION, and AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY or AWS_ROLE_ARN with \
                 AWS_WEB_IDENTITY_TOKEN_FILE, of somebody who may s3:ListBucket, s3:GetObject and s3:PutObject"
            }
            Kind::Google => {
                "set GOOGLE_APPLICATION_CREDENTIALS or GOOGLE_SERVICE_ACCOUNT_PATH, of somebody who may list, \
                 read and write objects (Storage Object User)"
            }
        }
    }

    /// Without what is secret: values of the environment, and what follows a `?` in an address.
    fn clean(&self, text: &str) -> String {
        let text = self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret, "***"));
        let mut clean = String::with_capacity(text.len());
        for word in text.split_inclusive(' ') {
            match word.split_once('?').filter(|_| word.contains("://")) {
                Some((address, _)) => clean.push_str(&format!("{address}?... ")),
                None => clean.push_str(word),
            }
        }
        clean.trim_end().to_owned()
    }
}

/// The text of an element of an answer.
fn tag<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text.trim()).filter(|text| !text.is_empty())
}

fn first_line(text: &str) -> &str {
    let line = text.lines().next().unwrap_or_default().trim();
    line.char_indices().nth(200).map_or(line, |(end, _)| &line[..end])
}

fn chain(error: &Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    let first: &(dyn std::error::Error + 'static) = error;
    std::iter::successors(Some(first), |error| error.source())
}

/// How a request ended that was not answered.
fn unanswered(error: &Error) -> Option<HttpErrorKind> {
    chain(error).find_map(|error| error.downcast_ref::<HttpError>()).map(HttpError::kind)
}

/// What the innermost cause says, as `Connection refused`.
fn deepest(error: &Error) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests;
