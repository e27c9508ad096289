//! The names of the four upstreams, and which address each may be reached at.
//!
//! Invariants: an address that passes [`read_base_url`] is https on a host of the provider or on
//! one that the caller allowed, or a loopback address.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::read::{Field, Sink, shown};

/// The four upstreams.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProviderName {
    /// HubSpot quotes.
    Hubspot,
    /// Quick Quote.
    Quickquote,
    /// SalesByte.
    Salesbyte,
    /// DealHub.
    Dealhub,
}

impl ProviderName {
    /// All of them, in the order of the contract.
    pub const ALL: [Self; 4] = [Self::Hubspot, Self::Quickquote, Self::Salesbyte, Self::Dealhub];

    /// The word in the workspace file, and the name of the native block.
    pub fn word(self) -> &'static str {
        match self {
            Self::Hubspot => "hubspot",
            Self::Quickquote => "quickquote",
            Self::Salesbyte => "salesbyte",
            Self::Dealhub => "dealhub",
        }
    }

    /// The provider behind a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.word() == word)
    }

    /// What stands before the paths of the provider's interface, unless the connection says
    /// otherwise.
    pub fn default_base_url(self) -> &'static str {
        match self {
            Self::Hubspot => "https://api.hubapi.com",
            Self::Quickquote => "https://requestquote.w3apps.co/api/v1",
            Self::Salesbyte => "https://app.salesbyte.se",
            Self::Dealhub => "https://api.dealhub.io",
        }
    }

    /// Whether a host (lower case) is the provider's own.
    fn owns_host(self, host: &str) -> bool {
        match self {
            Self::Hubspot => matches!(host, "api.hubapi.com" | "api-eu1.hubapi.com"),
            Self::Quickquote => host == "requestquote.w3apps.co",
            Self::Salesbyte => host == "app.salesbyte.se",
            Self::Dealhub => host.strip_suffix(".dealhub.io").is_some_and(|sub| !sub.is_empty()),
        }
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// `base_url:` of a connection, without a slash at the end.
pub(super) fn read_base_url(
    field: Field<'_>,
    provider: Option<ProviderName>,
    allow_hosts: &[String],
    sink: &mut Sink,
) -> Option<String> {
    let bad = |message: &str, help: &str, sink: &mut Sink| {
        sink.push(field.problem("bad-base-url", message).help(help));
    };
    let text = field.text(sink);
    // Whatever is wrong with it: a password or a key in an address is not shown with the error.
    if text.as_ref().is_some_and(|t| t.contains(['@', '?', '#'])) {
        sink.secret(field.node.span);
    }
    let url = text.and_then(|t| reqwest::Url::parse(&t).ok());
    let Some((url, host)) =
        url.as_ref().and_then(|u| Some((u, u.host_str()?.to_ascii_lowercase())))
    else {
        bad("`base_url` is not an address", "such as `https://api.hubapi.com`", sink);
        return None;
    };
    if !url.username().is_empty() || url.password().is_some() {
        bad("`base_url` may not hold a user or password", "use `token`", sink);
        return None;
    }
    if url.query().is_some() || url.fragment().is_some() {
        bad("`base_url` may not hold `?` or `#`", "write what stands before the paths", sink);
        return None;
    }
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let loopback = bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match url.scheme() {
        "https" => {}
        "http" if loopback => {}
        _ => {
            bad(
                "`base_url` must start with `https://`",
                "plain http is for loopback addresses only",
                sink,
            );
            return None;
        }
    }
    let own = provider.is_none_or(|p| p.owns_host(bare));
    let allowed = || allow_hosts.iter().any(|h| h.trim().eq_ignore_ascii_case(bare));
    if !(own || loopback || allowed()) {
        let message =
            format!("`base_url` names `{}`, which is not a host of the provider", shown(bare));
        let help = format!(
            "to send credentials there, set PROFORMA_ALLOW_HOSTS={} in the environment",
            shown(bare)
        );
        sink.push(field.problem("host-not-allowed", message).help(help));
        return None;
    }
    Some(url.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_matched_whole() {
        assert!(ProviderName::Dealhub.owns_host("eu.dealhub.io"));
        assert!(!ProviderName::Dealhub.owns_host("evildealhub.io"));
        assert!(!ProviderName::Dealhub.owns_host(".dealhub.io"));
        assert!(!ProviderName::Hubspot.owns_host("api.hubapi.com.evil.example"));
    }
}
