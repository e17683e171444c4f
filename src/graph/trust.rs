//! Which certificate authorities are believed: the system's, and with them those of `SSL_CERT_FILE`.
//!
//! What reads the system's roots below reqwest takes that variable for a replacement. For advaudit it
//! adds (DESIGN 6): a proxy's own authority beside the world's. `SSL_CERT_DIR` stays what it is there,
//! a replacement.

use std::path::{Path, PathBuf};

use reqwest::{Certificate, ClientBuilder};

/// A file of certificate authorities that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadTrust {
    /// It cannot be read.
    #[error("cannot read the certificates in {}: {cause}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// There is none in it.
    #[error("{} holds no certificate; it has to be a PEM file, with `-----BEGIN CERTIFICATE-----` in it", .0.display())]
    None(PathBuf),
    /// One of them is none.
    #[error("{} holds something between BEGIN and END CERTIFICATE that is no certificate", .0.display())]
    Broken(PathBuf),
}

/// Who is believed to say who a server is.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// Beside those that are found without our doing.
    also: Vec<Certificate>,
}

impl Trust {
    /// The system's authorities.
    pub fn system() -> Trust {
        Trust::default()
    }

    /// The system's and those of a PEM file, which is the value of `SSL_CERT_FILE`. When a folder is
    /// named as well (`SSL_CERT_DIR`), that folder instead of the system's.
    pub fn with_file(path: &Path, names_folder: bool) -> Result<Trust, BadTrust> {
        let folders: Vec<&Path> = if names_folder { Vec::new() } else { of_the_system() };
        Trust::of(path, &folders)
    }

    fn of(path: &Path, folders: &[&Path]) -> Result<Trust, BadTrust> {
        let text =
            std::fs::read(path).map_err(|cause| BadTrust::Unreadable { path: path.to_owned(), cause })?;
        let broken = |_| BadTrust::Broken(path.to_owned());
        let mut also = Certificate::from_pem_bundle(&text).map_err(broken)?;
        if also.is_empty() {
            return Err(BadTrust::None(path.to_owned()));
        }
        // Only whoever makes a client of them reads them.
        reqwest::Client::builder().tls_certs_only(also.clone()).build().map_err(broken)?;
        also.extend(folders.iter().flat_map(|folder| certificates(folder)));
        Ok(Trust { also })
    }

    /// A client that believes them.
    pub(super) fn put_into(&self, builder: ClientBuilder) -> ClientBuilder {
        builder.tls_certs_merge(self.also.iter().cloned())
    }
}

/// Where the system keeps its authorities. The well-known bundles lie in the same folders.
#[cfg(all(unix, not(target_vendor = "apple")))]
fn of_the_system() -> Vec<&'static Path> {
    openssl_probe::candidate_cert_dirs().collect()
}

/// Elsewhere the variable means nothing to what asks the system.
#[cfg(not(all(unix, not(target_vendor = "apple"))))]
fn of_the_system() -> Vec<&'static Path> {
    Vec::new()
}

/// Every certificate in the files of a folder that is one; a broken one among the system's own is no
/// reason to stop.
#[cfg(all(unix, not(target_vendor = "apple")))]
fn certificates(folder: &Path) -> Vec<Certificate> {
    let found = rustls_native_certs::load_certs_from_paths(None, Some(folder)).certs;
    let good = found.into_iter().filter(|one| rustls::RootCertStore::empty().add(one.clone()).is_ok());
    good.filter_map(|one| Certificate::from_der(&one).ok()).collect()
}

#[cfg(not(all(unix, not(target_vendor = "apple"))))]
fn certificates(_: &Path) -> Vec<Certificate> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = include_str!("../../tests/it/keys/ca.pem");
    const OTHER: &str = include_str!("../../tests/it/keys/app.pem");

    fn file(folder: &Path, name: &str, text: &str) -> PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("written");
        path
    }

    #[test]
    fn a_file_adds_to_what_the_system_has() {
        let folder = tempfile::tempdir().expect("a folder");
        let system = folder.path().join("certs");
        std::fs::create_dir(&system).expect("a folder");
        file(&system, "a.pem", OTHER);
        file(&system, "broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        let own = file(folder.path(), "own.pem", ONE);
        let count = |folders: &[&Path]| Trust::of(&own, folders).expect("certificates").also.len();
        assert_eq!(count(&[]), 1);
        assert_eq!(count(&[&system]), 2);
        assert_eq!(count(&[Path::new("/no/such/folder")]), 1);
    }

    #[test]
    fn a_file_that_cannot_be_used_is_told_by_its_path() {
        let folder = tempfile::tempdir().expect("a folder");
        let told = |path: &Path| Trust::of(path, &[]).expect_err("cannot be used").to_string();
        let missing = folder.path().join("missing.pem");
        assert!(told(&missing).contains("missing.pem"), "{}", told(&missing));
        let empty = file(folder.path(), "empty.pem", "nothing\n");
        assert!(told(&empty).contains("holds no certificate"), "{}", told(&empty));
        let text = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let broken = file(folder.path(), "broken.pem", text);
        assert!(told(&broken).contains("that is no certificate"), "{}", told(&broken));
    }
}
