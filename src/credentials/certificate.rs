//! An application that has a certificate: a statement about itself, signed with the private key
//! (learn.microsoft.com/entra/identity-platform/certificate-credentials).
//!
//! A PEM file with both, because that needs no OpenSSL. What is in another shape is said how to convert.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::secret::Secret;
use crate::model::{SignedDuration, Timestamp};

/// How long such a statement is good for; it is used at once.
const LIFETIME: SignedDuration = SignedDuration::from_mins(10);
/// How far this machine's clock may be ahead of the authority's.
const LEEWAY: SignedDuration = SignedDuration::from_secs(60);
/// Two keys and a long chain are a tenth of that.
const FILE_BYTES_MAX: usize = 256 * 1024;

/// A certificate file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadCertificate {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(std::io::Error),
    /// PKCS #12, which Windows and the key vault export.
    #[error(
        "is no PEM file (a .pfx or .p12?): convert it with `openssl pkcs12 -in FILE -out app.pem -nodes` and keep \
         app.pem as safe as a password"
    )]
    NotPem,
    /// The private key has a password.
    #[error(
        "has a private key with a password, which advaudit cannot use: write one without with `openssl rsa -in FILE \
         -out app.key`, put the certificate and app.key into one PEM file, and keep that as safe as a password"
    )]
    Encrypted,
    /// There is no certificate in it.
    #[error("holds no certificate: put certificate and private key into one PEM file")]
    NoCertificate,
    /// There is no private key in it.
    #[error("holds no private key: put certificate and private key into one PEM file")]
    NoKey,
    /// A key of another kind.
    #[error("has a private key that is not RSA; Entra ID takes RSA keys only")]
    NotRsa,
}

/// A certificate with its private key.
pub(super) struct Certificate {
    key: EncodingKey,
    /// The certificates of the file in DER, the application's own first.
    chain: Vec<Vec<u8>>,
}

#[derive(Serialize)]
struct Statement<'a> {
    aud: &'a str,
    iss: &'a str,
    sub: &'a str,
    jti: String,
    iat: i64,
    nbf: i64,
    exp: i64,
}

impl Certificate {
    /// Reads a PEM file with a certificate and its private key, in any order; of several certificates
    /// the first is the application's.
    pub(super) fn read(path: &Path) -> Result<Certificate, BadCertificate> {
        let bytes = std::fs::read(path).map_err(BadCertificate::Unreadable)?;
        if bytes.len() > FILE_BYTES_MAX {
            return Err(BadCertificate::NotPem);
        }
        let text = String::from_utf8(bytes).map_err(|_| BadCertificate::NotPem)?;
        Certificate::parse(&text)
    }

    fn parse(text: &str) -> Result<Certificate, BadCertificate> {
        let blocks = blocks(text);
        if blocks.is_empty() {
            return Err(BadCertificate::NotPem);
        }
        let der = |block: &Block<'_>| STANDARD.decode(block.base64()).ok();
        let chain: Vec<Vec<u8>> =
            blocks.iter().filter(|block| block.label == "CERTIFICATE").filter_map(der).collect();
        let key = blocks.iter().find(|block| block.label.ends_with("PRIVATE KEY"));
        let key = key.ok_or(BadCertificate::NoKey)?;
        if key.label.contains("ENCRYPTED") || key.whole.contains("ENCRYPTED") {
            return Err(BadCertificate::Encrypted);
        }
        if chain.is_empty() {
            return Err(BadCertificate::NoCertificate);
        }
        let key = EncodingKey::from_rsa_pem(key.whole.as_bytes()).map_err(|_| BadCertificate::NotRsa)?;
        let certificate = Certificate { key, chain };
        // A key that cannot sign is found when the file is read, not in the middle of a run.
        certificate.sign("", "", Timestamp::UNIX_EPOCH).ok_or(BadCertificate::NotRsa)?;
        Ok(certificate)
    }

    /// A statement of that application for that token endpoint. None when the key cannot sign.
    pub(super) fn sign(&self, client: &str, audience: &str, now: Timestamp) -> Option<Secret> {
        let mut header = Header::new(Algorithm::PS256);
        header.x5t_s256 = Some(URL_SAFE_NO_PAD.encode(Sha256::digest(self.chain.first()?)));
        header.x5c = Some(self.chain.iter().map(|der| STANDARD.encode(der)).collect());
        let statement = Statement {
            aud: audience,
            iss: client,
            sub: client,
            jti: Uuid::new_v4().to_string(),
            iat: now.as_second(),
            nbf: now.saturating_sub(LEEWAY).unwrap_or(now).as_second(),
            exp: now.saturating_add(LIFETIME).unwrap_or(now).as_second(),
        };
        jsonwebtoken::encode(&header, &statement, &self.key).ok().map(Secret::new)
    }
}

/// One part of a PEM file.
struct Block<'a> {
    label: &'a str,
    /// From BEGIN to END.
    whole: &'a str,
}

impl Block<'_> {
    fn base64(&self) -> String {
        let lines = self.whole.lines().map(str::trim).filter(|line| !line.starts_with("-----"));
        lines.collect()
    }
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    const BEGIN: &str = "-----BEGIN ";
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(BEGIN) {
        let from = &rest[at..];
        let Some((label, _)) = from[BEGIN.len()..].split_once("-----") else { break };
        let end = format!("-----END {label}-----");
        let Some(length) = from.find(&end) else { break };
        let (whole, after) = from.split_at(length + end.len());
        blocks.push(Block { label, whole });
        rest = after;
    }
    blocks
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, Validation};
    use serde_json::Value;

    use super::*;

    const PEM: &str = include_str!("../../tests/it/keys/app.pem");
    const PUBLIC: &str = include_str!("../../tests/it/keys/app.pub");
    const ENCRYPTED: &str = include_str!("../../tests/it/keys/app.encrypted.pem");

    fn error(text: &str) -> String {
        Certificate::parse(text).err().expect("cannot be used").to_string()
    }

    #[test]
    fn a_statement_is_signed_by_the_key_and_names_the_certificate() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().expect("a time");
        let reversed: String = {
            let at = PEM.find("-----BEGIN PRIVATE KEY-----").expect("a key");
            format!("{}{}", &PEM[at..], &PEM[..at])
        };
        for text in [PEM, &reversed, &PEM.replace('\n', "\r\n")] {
            let certificate = Certificate::parse(text).expect("a certificate");
            let signed = certificate.sign("client", "https://login.example/t/oauth2/v2.0/token", now);
            let signed = signed.expect("signed");
            let header = jsonwebtoken::decode_header(signed.expose()).expect("a header");
            assert_eq!(header.x5t_s256.map(|print| print.len()), Some(43));
            assert_eq!(header.x5c.map(|chain| chain.len()), Some(1));
            let mut rules = Validation::new(Algorithm::PS256);
            rules.set_audience(&["https://login.example/t/oauth2/v2.0/token"]);
            rules.validate_exp = false;
            let key = DecodingKey::from_rsa_pem(PUBLIC.as_bytes()).expect("a key");
            let claims = jsonwebtoken::decode::<Value>(signed.expose(), &key, &rules).expect("signed").claims;
            assert_eq!((&claims["iss"], &claims["sub"]), (&"client".into(), &"client".into()));
            let seconds = |name: &str| claims[name].as_i64().expect("seconds") - now.as_second();
            assert_eq!((seconds("nbf"), seconds("exp")), (-60, 600));
        }
    }

    #[test]
    fn every_statement_has_an_id_of_its_own() {
        let certificate = Certificate::parse(PEM).expect("a certificate");
        let sign = || certificate.sign("c", "a", Timestamp::UNIX_EPOCH).expect("signed").expose().to_owned();
        assert_ne!(sign(), sign());
    }

    #[test]
    fn what_cannot_be_used_is_told_with_the_way_out() {
        let at = PEM.find("-----BEGIN PRIVATE KEY-----").expect("a key");
        assert!(error(ENCRYPTED).contains("openssl rsa"), "{}", error(ENCRYPTED));
        assert!(error("0\u{82}\u{b}").contains("openssl pkcs12"));
        assert!(error("").contains("openssl pkcs12"));
        assert!(error(&PEM[..at]).contains("no private key"));
        assert!(error(&PEM[at..]).contains("no certificate"));
        let other = PEM[at..].replace("PRIVATE KEY", "EC PRIVATE KEY");
        assert!(error(&format!("{}{other}", &PEM[..at])).contains("not RSA"));
    }
}
