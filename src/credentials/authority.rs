//! The login authority: the one origin that sees secrets and assertions.

use std::fmt;

use crate::graph::{BadRoot, Cloud, Root};

/// Why a text is not a login authority. One with credentials in it is never repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAuthority {
    /// No URL at all.
    #[error("`{0}` is not a URL; it looks like https://login.microsoftonline.com")]
    NotAUrl(String),
    /// Neither https, nor http to this machine.
    #[error("`{0}` is not https; plain http is for loopback addresses only")]
    NotSecure(String),
    /// `user:password@`.
    #[error("the URL holds a user name or a password")]
    Credentials,
    /// More than an origin.
    #[error("`{0}` is more than scheme and host; leave out the tenant, path, query and fragment")]
    MoreThanOrigin(String),
}

/// A login authority, as `https://login.microsoftonline.com`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority(Root);

impl Authority {
    /// Reads the value of `AZURE_AUTHORITY_HOST`: https, or plain http to a loopback address. A host
    /// alone means https.
    pub fn parse(text: &str) -> Result<Authority, BadAuthority> {
        let url = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let root = Root::parse(&url).map_err(|bad| match bad {
            BadRoot::NotAUrl(_) => BadAuthority::NotAUrl(text.to_owned()),
            BadRoot::NotSecure(_) => BadAuthority::NotSecure(text.to_owned()),
            BadRoot::Credentials => BadAuthority::Credentials,
            BadRoot::MoreThanRoot(_) => BadAuthority::MoreThanOrigin(text.to_owned()),
        })?;
        Ok(Authority(root))
    }

    /// The authority of that cloud.
    pub fn of(cloud: Cloud) -> Authority {
        // What the cloud says is a URL; a test reads each.
        Authority(Root::parse(cloud.login_authority()).unwrap_or_else(|_| Root::of(cloud)))
    }

    /// Whether requests to it are encrypted.
    pub fn is_secure(&self) -> bool {
        !self.0.is_plain()
    }

    /// Its host and port.
    pub fn host(&self) -> (String, u16) {
        self.0.host()
    }

    /// As `azure_identity` takes it, which insists on https.
    pub(super) fn for_the_sdk(&self) -> String {
        self.0.to_string().replacen("http://", "https://", 1)
    }

    /// Where a URL of `azure_identity` really is: the same, but by plain http where the authority is.
    /// None when the URL is not on the authority.
    pub(super) fn real(&self, url: &str) -> Option<String> {
        let path = url.strip_prefix(&self.for_the_sdk()).filter(|rest| rest.starts_with('/'))?;
        Some(format!("{}{path}", self.0))
    }

    /// Where a tenant's tokens are asked for, and the audience of what an application signs.
    pub(super) fn token_url(&self, tenant: &str) -> String {
        format!("{}/{tenant}/oauth2/v2.0/token", self.0)
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cloud_has_its_authority() {
        assert_eq!(Authority::of(Cloud::Global).to_string(), "https://login.microsoftonline.com");
        for cloud in Cloud::ALL {
            let authority = Authority::of(cloud);
            assert_eq!(authority.to_string(), cloud.login_authority());
            assert_eq!(Authority::parse(cloud.login_authority()), Ok(authority));
        }
    }

    #[test]
    fn a_slash_at_the_end_and_a_host_alone_are_taken() {
        let authority = Ok(Authority::of(Cloud::UsGov));
        assert_eq!(Authority::parse("https://login.microsoftonline.us/"), authority);
        assert_eq!(Authority::parse("login.microsoftonline.us"), authority);
    }

    #[test]
    fn plain_http_is_for_loopback_and_nothing_but_an_origin_is_taken() {
        assert!(Authority::parse("http://127.0.0.1:8081").is_ok());
        let insecure = "http://login.example";
        assert_eq!(Authority::parse(insecure), Err(BadAuthority::NotSecure(insecure.to_owned())));
        let with_tenant = "https://login.microsoftonline.com/contoso";
        assert_eq!(Authority::parse(with_tenant), Err(BadAuthority::MoreThanOrigin(with_tenant.to_owned())));
        let error = Authority::parse("https://me:hunter2@login.example").expect_err("credentials");
        assert!(!error.to_string().contains("hunter2"));
        assert!(matches!(Authority::parse(""), Err(BadAuthority::NotAUrl(_))));
    }

    #[test]
    fn only_the_authoritys_own_origin_is_spelled_otherwise() {
        let plain = Authority::parse("http://127.0.0.1:8081").expect("an authority");
        assert_eq!(plain.for_the_sdk(), "https://127.0.0.1:8081");
        let real = plain.real("https://127.0.0.1:8081/t/oauth2/v2.0/token");
        assert_eq!(real.as_deref(), Some("http://127.0.0.1:8081/t/oauth2/v2.0/token"));
        for other in ["https://127.0.0.1:80812/t", "https://127.0.0.1:8081.evil/t", "http://127.0.0.1:8081/t"]
        {
            assert_eq!(plain.real(other), None, "{other}");
        }
        let secure = Authority::of(Cloud::Global);
        let url = "https://login.microsoftonline.com/t/oauth2/v2.0/token";
        assert_eq!(secure.real(url).as_deref(), Some(url));
        assert_eq!(secure.token_url("t"), url);
    }
}
