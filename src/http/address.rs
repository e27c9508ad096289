//! Where requests of a connection may go.
//!
//! Purpose: a checked `base_url`, and the one way to put a path behind it.
//!
//! Invariants: plain http only to a loopback address; no user name, query or fragment in a base;
//! [`BaseUrl::join`] is plain concatenation, and it refuses every target that a URL parser would
//! read as another host, port or path than was written (`//host`, `@host`, `..`). A token
//! therefore cannot be led elsewhere by an id that an upstream or a manifest made up.

use std::net::IpAddr;

use reqwest::Url;

/// The address of an upstream: scheme, host, port and a path prefix.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BaseUrl {
    url: Url,
    /// The normalised text, without a trailing slash.
    text: String,
    loopback: bool,
}

/// Why a text is not the address of an upstream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The text is not a URL.
    #[error("`base_url` is not a URL such as `https://api.example.com`")]
    NotAUrl,
    /// Neither http nor https.
    #[error("`base_url` starts with `{0}:`, and only `https:` is spoken (`http:` to loopback)")]
    Scheme(String),
    /// http to a host that is not loopback.
    #[error("`base_url` sends credentials in clear to `{0}`; plain `http:` is for loopback only")]
    PlainText(String),
    /// User name or password in the address.
    #[error("`base_url` holds a user name or password; use `token: {{ env: NAME }}`")]
    Credentials,
    /// Query or fragment in the address.
    #[error("`base_url` holds a query or fragment (`?` or `#`)")]
    Tail,
    /// A path that points outside of the base.
    #[error("the path would lead away from the connection's `base_url`")]
    Elsewhere,
}

impl BaseUrl {
    /// Reads and checks an address.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let url = Url::parse(text.trim()).map_err(|_| AddressError::NotAUrl)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(AddressError::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(AddressError::Tail);
        }
        let host = url.host_str().ok_or(AddressError::NotAUrl)?;
        let loopback = is_loopback(host);
        if url.scheme() == "http" && !loopback {
            return Err(AddressError::PlainText(host.to_owned()));
        }
        let text = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { url, text, loopback })
    }

    /// The normalised text, without a trailing slash.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host, normalised, without port.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Whether the address is this machine.
    pub fn is_loopback(&self) -> bool {
        self.loopback
    }

    /// Whether a token may go here: loopback, one of the provider's own hosts, or a host that the
    /// environment allows (`PROFORMA_ALLOW_HOSTS`, comma-separated). Hosts match whole.
    pub fn is_allowed(&self, own_hosts: &[&str], allowed: &str) -> bool {
        let is_host = |h: &str| !h.is_empty() && h.eq_ignore_ascii_case(self.host());
        self.loopback
            || own_hosts.iter().any(|h| is_host(h))
            || allowed.split(',').any(|h| is_host(h.trim()))
    }

    /// Base and target (`/path?query`) put together by plain concatenation.
    pub fn join(&self, target: &str) -> Result<Url, AddressError> {
        let path = target.split_once('?').map_or(target, |(path, _)| path);
        if !path.starts_with('/') || target.contains('#') {
            return Err(AddressError::Elsewhere);
        }
        let url =
            Url::parse(&format!("{}{target}", self.text)).map_err(|_| AddressError::Elsewhere)?;
        let same_place = url.scheme() == self.url.scheme()
            && url.host_str() == self.url.host_str()
            && url.port_or_known_default() == self.url.port_or_known_default()
            && url.username().is_empty()
            && url.password().is_none();
        // The parser resolves `..` and `%2e%2e`: what it made of the path must be what was written.
        let prefix = self.url.path().trim_end_matches('/');
        let same_path = url.path().strip_prefix(prefix) == Some(path);
        if same_place && same_path { Ok(url) } else { Err(AddressError::Elsewhere) }
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<IpAddr>().map_or(bare == "localhost", |ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_by_concatenation() {
        let base = BaseUrl::parse("https://requestquote.w3apps.co/api/v1/").unwrap();
        let url = base.join("/quotes?page=2&x=%2F..%2F").unwrap();
        assert_eq!(url.as_str(), "https://requestquote.w3apps.co/api/v1/quotes?page=2&x=%2F..%2F");
    }

    #[test]
    fn never_leaves_the_base() {
        for base in ["https://api.example.com", "https://api.example.com/v1", "http://[::1]:80"] {
            let base = BaseUrl::parse(base).unwrap();
            for bad in [
                "",
                "quotes",
                "@evil.example/",
                ".evil.example/",
                ":81/x",
                "/a/../b",
                "/../b",
                "/a/%2e%2E/b",
                "/a/./b",
                "/a#b",
                "/a\\..\\b",
                "/a b",
                "/a\n",
            ] {
                assert_eq!(base.join(bad), Err(AddressError::Elsewhere), "{bad:?}");
            }
        }
        // Two slashes stay a path, since the base has its host already.
        let base = BaseUrl::parse("https://api.example.com").unwrap();
        let url = base.join("//evil.example/x").unwrap();
        assert_eq!(url.host_str(), Some("api.example.com"));
    }

    #[test]
    fn refuses_addresses_that_leak() {
        let parse = |text| BaseUrl::parse(text).map(|_| ());
        assert_eq!(
            parse("http://api.example.com"),
            Err(AddressError::PlainText("api.example.com".into()))
        );
        assert_eq!(parse("https://u:p@api.example.com"), Err(AddressError::Credentials));
        assert_eq!(parse("https://api.example.com?x=1"), Err(AddressError::Tail));
        assert_eq!(parse("ftp://127.0.0.1"), Err(AddressError::Scheme("ftp".into())));
        assert_eq!(parse("api.example.com"), Err(AddressError::NotAUrl));
        for good in ["http://127.0.0.1:8080/hubspot", "http://localhost", "http://[::1]:1"] {
            assert!(BaseUrl::parse(good).unwrap().is_loopback(), "{good}");
        }
        assert!(!BaseUrl::parse("https://127.0.0.1.example.com").unwrap().is_loopback());
    }

    #[test]
    fn allows_own_hosts_and_the_environment_only() {
        let base = BaseUrl::parse("https://API.hubapi.com").unwrap();
        assert!(base.is_allowed(&["api.hubapi.com"], ""));
        assert!(base.is_allowed(&[], "other.example, api.hubapi.com"));
        assert!(!base.is_allowed(&["hubapi.com"], "evil.example,,"));
    }
}
