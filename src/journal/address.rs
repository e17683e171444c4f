//! What `--state` names: a local folder, or a place in an object store. Only the text; nothing is asked.

use std::path::PathBuf;

/// What was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A place in an object store.
    Objects(Address),
}

/// A place in an object store: `az://container/prefix`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Whose store it is.
    pub kind: Kind,
    /// The container or bucket.
    pub bucket: String,
    /// The folder in it; may be empty.
    pub prefix: String,
}

/// The object stores that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Azure Blob Storage.
    Azure,
    /// Amazon S3, and what speaks like it.
    Amazon,
    /// Google Cloud Storage.
    Google,
}

impl Kind {
    const ALL: [Kind; 3] = [Kind::Azure, Kind::Amazon, Kind::Google];

    /// How its addresses begin.
    pub fn scheme(self) -> &'static str {
        match self {
            Kind::Azure => "az",
            Kind::Amazon => "s3",
            Kind::Google => "gs",
        }
    }
}

/// An address that is none, and what one looks like.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no place for the state: {why}")]
pub struct BadAddress {
    text: String,
    why: &'static str,
}

/// Reads what was named.
pub fn named(text: &str) -> Result<Named, BadAddress> {
    // What stands before an `@` or behind a `?` may be a secret, and is not repeated.
    let shown = match text.split_once('?') {
        _ if text.contains('@') => "...".to_owned(),
        Some((path, _)) => format!("{path}?..."),
        None => text.to_owned(),
    };
    let bad = |why| BadAddress { text: shown.clone(), why };
    let Some((scheme, rest)) = text.split_once("://") else {
        return if is_meant_as_address(text) {
            Err(bad(
                "an address has two slashes behind its colon, as az://container/prefix or file:///folder",
            ))
        } else {
            Ok(Named::Folder(PathBuf::from(text)))
        };
    };
    if scheme == "file" {
        return folder(rest)
            .map(Named::Folder)
            .ok_or_else(|| bad("write a whole path, as file:///srv/advaudit"));
    }
    let kind = Kind::ALL.into_iter().find(|kind| kind.scheme() == scheme).ok_or_else(|| {
        bad("write a folder, az://container/prefix, s3://bucket/prefix, gs://bucket/prefix or file:///folder")
    })?;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    if !is_name(bucket) {
        return Err(bad(
            "after :// comes the name of a container or bucket; credentials come from the environment",
        ));
    }
    if !prefix.is_empty() && !prefix.split('/').all(is_name) {
        return Err(bad("the prefix is made of letters, digits, `-`, `_`, `.`, `=` and single slashes"));
    }
    Ok(Named::Objects(Address { kind, bucket: bucket.to_owned(), prefix: prefix.to_owned() }))
}

/// `s3:/bucket`: taken for a folder it would be made on the runner, and lost with it.
fn is_meant_as_address(text: &str) -> bool {
    let scheme = text.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    scheme.is_some_and(|own| own == "file" || Kind::ALL.into_iter().any(|kind| kind.scheme() == own))
}

fn folder(rest: &str) -> Option<PathBuf> {
    let path = percent_encoding::percent_decode_str(rest).decode_utf8().ok()?;
    (path.starts_with('/') && path.len() > 1).then(|| PathBuf::from(path.as_ref()))
}

/// The part of a path that needs no escapes anywhere.
fn is_name(part: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.=".contains(&byte);
    !part.is_empty() && part != "." && part != ".." && part.bytes().all(is_plain)
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}", self.kind.scheme(), self.bucket)?;
        if self.prefix.is_empty() { Ok(()) } else { write!(f, "/{}", self.prefix) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> String {
        match named(text).expect("an address") {
            Named::Objects(address) => address.to_string(),
            Named::Folder(path) => format!("the folder {}", path.display()),
        }
    }

    #[test]
    fn a_container_with_or_without_a_prefix() {
        assert_eq!(address("az://audit/prod/eu"), "az://audit/prod/eu");
        assert_eq!(address("s3://my.bucket/"), "s3://my.bucket");
        assert_eq!(address("gs://audit"), "gs://audit");
    }

    #[test]
    fn a_folder_by_its_path_or_its_address() {
        assert_eq!(address(".advaudit"), "the folder .advaudit");
        assert_eq!(address(r"C:\advaudit"), r"the folder C:\advaudit");
        assert_eq!(address("file:///srv/ad%20audit"), "the folder /srv/ad audit");
    }

    #[test]
    fn what_is_no_address_says_what_one_looks_like() {
        for (text, why) in [
            ("https://x/y", "az://container/prefix"),
            ("az://", "the name of a container"),
            ("az://c/a//b", "single slashes"),
            ("s3://b/../c", "the prefix is made of"),
            ("az:/c/p", "two slashes"),
            ("S3:b", "two slashes"),
            ("file:/srv/advaudit", "two slashes"),
            ("file://relative", "file:///srv/advaudit"),
            ("file:///", "file:///srv/advaudit"),
        ] {
            let error = named(text).expect_err(text).to_string();
            assert!(error.contains(why) && error.contains(text), "{error}");
        }
    }

    #[test]
    fn a_secret_in_an_address_is_not_repeated() {
        for text in
            ["s3://AKIA:geheim@bucket/prefix", "az://audit?sv=1&sig=geheim", "az://audit/prod?sig=geheim"]
        {
            let error = named(text).expect_err("no address").to_string();
            assert!(!error.contains("geheim"), "{error}");
        }
    }
}
