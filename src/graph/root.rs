//! Where Graph is: the clouds, and the one origin that a run may talk to.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use reqwest::Url;

/// Microsoft's national clouds (GRAPH 13). Tokens of one are worthless in another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cloud {
    /// The worldwide cloud, GCC included.
    #[default]
    Global,
    /// US Government L4, GCC High.
    UsGov,
    /// US Government L5, DoD.
    UsGovDod,
    /// China, operated by 21Vianet.
    China,
}

impl Cloud {
    /// Every cloud, in the order in which they are listed.
    pub const ALL: [Cloud; 4] = [Cloud::Global, Cloud::UsGov, Cloud::UsGovDod, Cloud::China];

    /// The word on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Cloud::Global => "global",
            Cloud::UsGov => "usgov",
            Cloud::UsGovDod => "usgov-dod",
            Cloud::China => "china",
        }
    }

    /// The origin of its Graph, without a version.
    pub fn graph_root(self) -> &'static str {
        match self {
            Cloud::Global => "https://graph.microsoft.com",
            Cloud::UsGov => "https://graph.microsoft.us",
            Cloud::UsGovDod => "https://dod-graph.microsoft.us",
            Cloud::China => "https://microsoftgraph.chinacloudapi.cn",
        }
    }

    /// Where its tokens come from.
    pub fn login_authority(self) -> &'static str {
        match self {
            Cloud::Global => "https://login.microsoftonline.com",
            Cloud::UsGov | Cloud::UsGovDod => "https://login.microsoftonline.us",
            Cloud::China => "https://login.chinacloudapi.cn",
        }
    }

    /// What a token is asked for: everything that the application was granted on its Graph.
    pub fn scope(self) -> String {
        format!("{}/.default", self.graph_root())
    }

    /// The audience that the login authority expects in a token of another issuer
    /// (learn.microsoft.com/entra/workload-id/workload-identity-federation-create-trust).
    pub fn federation_audience(self) -> &'static str {
        match self {
            Cloud::Global => "api://AzureADTokenExchange",
            Cloud::UsGov | Cloud::UsGovDod => "api://AzureADTokenExchangeUSGov",
            Cloud::China => "api://AzureADTokenExchangeChina",
        }
    }

    /// Whether its Graph can search the audit log: `security/auditLog/queries` is in no schema but the
    /// worldwide one (GRAPH 13).
    pub fn can_search_audit_log(self) -> bool {
        self == Cloud::Global
    }
}

impl fmt::Display for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Cloud {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Cloud::ALL.into_iter().find(|cloud| cloud.as_str() == text).ok_or_else(|| {
            let known = Cloud::ALL.map(Cloud::as_str).join(", ");
            format!("`{text}` is not a cloud; there are {known}")
        })
    }
}

/// Why a text is not the root of a Graph. A URL with credentials in it is never repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRoot {
    /// No URL at all.
    #[error("`{0}` is not a URL; it looks like https://graph.microsoft.com")]
    NotAUrl(String),
    /// Neither https, nor http to this machine.
    #[error("`{0}` is not https; plain http is for loopback addresses only")]
    NotSecure(String),
    /// `user:password@`.
    #[error("the URL holds a user name or a password; give the access token by its variable instead")]
    Credentials,
    /// More than an origin.
    #[error("`{0}` is more than the root; leave out the version, path, query and fragment")]
    MoreThanRoot(String),
}

/// The origin of a Graph: scheme, host and port, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// As the URL standard writes it, without a slash at the end.
    origin: String,
}

impl Root {
    /// Reads the value of `--graph-url`: https, or plain http to a loopback address; no version.
    pub fn parse(text: &str) -> Result<Root, BadRoot> {
        if text.contains('@') {
            return Err(BadRoot::Credentials);
        }
        let url = Url::parse(text).map_err(|_| BadRoot::NotAUrl(text.to_owned()))?;
        if url.host_str().is_none_or(str::is_empty) {
            return Err(BadRoot::NotAUrl(text.to_owned()));
        }
        if !may_carry_a_token(&url) {
            return Err(BadRoot::NotSecure(text.to_owned()));
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(BadRoot::MoreThanRoot(text.to_owned()));
        }
        Ok(Root { origin: url.origin().ascii_serialization() })
    }

    /// The root of that cloud.
    pub fn of(cloud: Cloud) -> Root {
        Root { origin: cloud.graph_root().to_owned() }
    }

    /// The cloud whose root this is, where it is one of Microsoft's.
    pub fn cloud(&self) -> Option<Cloud> {
        Cloud::ALL.into_iter().find(|cloud| cloud.graph_root() == self.origin)
    }

    /// Whether it is plain http, which it can be on this machine only.
    pub fn is_plain(&self) -> bool {
        self.origin.starts_with("http://")
    }

    /// Its host and port.
    pub fn host(&self) -> (String, u16) {
        let url = Url::parse(&self.origin).ok();
        let host = url.as_ref().and_then(Url::host_str).unwrap_or_default().to_owned();
        (host, url.and_then(|url| url.port_or_known_default()).unwrap_or(443))
    }

    /// The absolute URL of a path below version 1.0: `/users` to `https://…/v1.0/users`.
    pub fn url(&self, path: &str) -> String {
        format!("{}/v1.0{path}", self.origin)
    }

    /// Whether a URL is on this origin: same scheme, host and port (P6, P9). Read by the parser that
    /// decides where a request really goes, so that the two cannot differ.
    pub(super) fn holds(&self, url: &str) -> bool {
        Url::parse(url).is_ok_and(|url| {
            let bare = url.username().is_empty() && url.password().is_none();
            bare && url.origin().ascii_serialization() == self.origin
        })
    }
}

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.origin)
    }
}

/// The origin of a URL for a message, without path, query and credentials.
pub(super) fn origin_of(url: &str) -> String {
    match Url::parse(url) {
        Ok(url) if url.has_host() => url.origin().ascii_serialization(),
        _ => "an address that cannot be read".to_owned(),
    }
}

/// Whether a token may travel to that URL: https, or plain http that never leaves this machine.
pub(super) fn may_carry_a_token(url: &Url) -> bool {
    match url.scheme() {
        "https" => true,
        "http" => is_loopback(url),
        _ => false,
    }
}

/// Whether the host is this machine: `localhost`, 127.0.0.0/8 or `::1`.
pub(super) fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether the host is an address that no router passes on (169.254.0.0/16).
pub(super) fn is_link_local(url: &Url) -> bool {
    let address = url.host_str().and_then(|host| host.parse::<std::net::Ipv4Addr>().ok());
    address.is_some_and(|address| address.is_link_local())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cloud_has_a_root_and_a_word_that_reads_back() {
        for cloud in Cloud::ALL {
            assert_eq!(Root::parse(cloud.graph_root()), Ok(Root::of(cloud)));
            assert_eq!(cloud.as_str().parse(), Ok(cloud));
        }
        assert!("moon".parse::<Cloud>().expect_err("no cloud").contains("usgov-dod"));
    }

    #[test]
    fn every_cloud_has_an_authority_and_a_scope_of_its_own_graph() {
        for cloud in Cloud::ALL {
            assert_eq!(cloud.scope(), format!("{}/.default", cloud.graph_root()));
            assert!(Root::parse(cloud.login_authority()).is_ok());
            assert_eq!(Root::of(cloud).cloud(), Some(cloud));
            assert_eq!(cloud.can_search_audit_log(), cloud == Cloud::Global);
        }
        assert_eq!(Cloud::UsGovDod.login_authority(), "https://login.microsoftonline.us");
        assert_eq!(Root::parse("https://graph.example").expect("a root").cloud(), None);
    }

    #[test]
    fn a_slash_at_the_end_and_capitals_are_the_same_root() {
        let root = Root::parse("https://GRAPH.microsoft.com:443/").expect("a root");
        assert_eq!(root, Root::of(Cloud::Global));
        assert_eq!(root.url("/users"), "https://graph.microsoft.com/v1.0/users");
    }

    #[test]
    fn plain_http_is_for_loopback_only() {
        for good in ["http://127.0.0.1:8080", "http://127.3.2.1", "http://[::1]:9", "http://localhost:8080"] {
            assert!(Root::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "http://graph.microsoft.com",
            "http://10.0.0.1",
            "http://localhost.evil.example",
            "ftp://127.0.0.1",
        ] {
            assert_eq!(Root::parse(bad), Err(BadRoot::NotSecure(bad.to_owned())), "{bad}");
        }
    }

    #[test]
    fn more_than_a_root_is_refused() {
        for bad in [
            "https://graph.microsoft.com/v1.0",
            "https://graph.microsoft.com/?x=1",
            "https://graph.microsoft.com/#x",
        ] {
            assert_eq!(Root::parse(bad), Err(BadRoot::MoreThanRoot(bad.to_owned())), "{bad}");
        }
        assert!(matches!(Root::parse("graph.microsoft.com"), Err(BadRoot::NotAUrl(_))));
        assert!(matches!(Root::parse(""), Err(BadRoot::NotAUrl(_))));
    }

    #[test]
    fn a_password_in_the_url_is_refused_and_not_repeated() {
        let error = Root::parse("https://me:hunter2@graph.microsoft.com").expect_err("credentials");
        assert_eq!(error, BadRoot::Credentials);
        assert!(!error.to_string().contains("hunter2"));
    }

    #[test]
    fn a_link_is_held_only_by_its_own_scheme_host_and_port() {
        let root = Root::of(Cloud::Global);
        assert!(root.holds("https://graph.microsoft.com/v1.0/users?$skiptoken=x"));
        assert!(root.holds("https://Graph.Microsoft.com:443/beta/x"));
        for other in [
            "http://graph.microsoft.com/v1.0/users",
            "https://graph.microsoft.com:8443/v1.0/users",
            "https://graph.microsoft.com.evil.example/v1.0/users",
            "https://me@graph.microsoft.com/v1.0/users",
            "https://graph.microsoft.com@evil.example/v1.0/users",
            "//graph.microsoft.com/v1.0/users",
            "/v1.0/users",
        ] {
            assert!(!root.holds(other), "{other}");
        }
    }
}
