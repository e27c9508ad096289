//! A connection: one upstream account.
//!
//! Invariants: a connection holds the names of secrets, never a secret; a literal one is an error
//! and is masked wherever its file is shown. `base_url` names a host of the provider, a loopback
//! address, or a host that the caller allowed: an edit of the workspace cannot send a token
//! elsewhere.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::read::{Field, Map, Sink, fixed, nearest, shown};
use crate::money::Currency;
use crate::yaml::{Kind, Node, Problem};

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

/// Where a secret is found. Never the secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Credential {
    /// In an environment variable.
    Env(String),
    /// In a file; a relative path is meant from the workspace.
    File(PathBuf),
}

/// `rate: 190/10s`: never more than `requests` in any `window`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    /// How many.
    pub requests: u32,
    /// In which rolling time.
    pub window: Duration,
}

/// HubSpot's two kinds of quote.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum QuoteSystem {
    /// Legacy quotes with templates.
    #[default]
    Legacy,
    /// CPQ quotes.
    Cpq,
}

/// Where HubSpot keeps the stamp.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Stamping {
    /// In a text property of quotes, line items and adjustments.
    Property(String),
    /// In the slug of the quote's link.
    Slug,
}

/// The custom field in which SalesByte keeps the stamp.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StampField {
    /// Its name.
    pub name: String,
    /// Its label, where the profile asks for one.
    pub label: Option<String>,
}

/// A checked connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Connection {
    /// Which upstream.
    pub provider: ProviderName,
    /// What stands before every path; no slash at the end.
    pub base_url: String,
    /// The access token; optional at SalesByte only.
    pub token: Option<Credential>,
    /// SalesByte: the account's uuid.
    pub uuid: Option<Credential>,
    /// The rate limit; `None` = the provider's published one.
    pub rate: Option<Rate>,
    /// Requests in flight at once; `None` = the provider's default.
    pub concurrency: Option<u32>,
    /// The currency of quotes that name none.
    pub currency: Option<Currency>,
    /// HubSpot: the kind of quote.
    pub quote_system: QuoteSystem,
    /// HubSpot: where the stamp goes.
    pub stamp: Stamping,
    /// SalesByte: where the stamp goes.
    pub stamp_field: Option<StampField>,
    /// SalesByte: the profile that quotes are made with.
    pub quote_profile_id: Option<i64>,
    /// DealHub: how long a fresh quote may stay unreadable.
    pub visibility: Option<Duration>,
}

/// The property in which HubSpot keeps stamps unless the connection says otherwise.
pub const DEFAULT_STAMP_PROPERTY: &str = "proforma_key";

/// Reads one connection; also gives the node of its `defaults:`.
pub(super) fn read_connection<'n>(
    field: Field<'n>,
    allow_hosts: &[String],
    sink: &mut Sink,
) -> Option<(Option<Connection>, Option<&'n Node<'n>>)> {
    let map = field.map(sink)?;
    let before = sink.count();
    let words: Vec<(&'static str, ProviderName)> =
        ProviderName::ALL.iter().map(|p| (p.word(), *p)).collect();
    let what = format!("the connection `{}`", shown(field.name));
    let provider = map.need("provider", &what, sink).and_then(|f| f.word(&words, sink));
    let token = fixed(map.get("token"), sink, read_credential);
    let base_url =
        fixed(map.get("base_url"), sink, |f, s| read_base_url(f, provider, allow_hosts, s));
    let rate = fixed(map.get("rate"), sink, read_rate);
    let concurrency = fixed(map.get("concurrency"), sink, |f, s| f.whole(1, 256, s));
    let currency = fixed(map.get("currency"), sink, |f, s| f.currency(s));
    let of = |key: &'static str, owner: ProviderName, sink: &mut Sink| {
        only_for(key, owner, provider, &map, sink)
    };
    let quote_system = of("quote_system", ProviderName::Hubspot, sink);
    let quote_system = fixed(quote_system, sink, |f, s| {
        f.word(&[("legacy", QuoteSystem::Legacy), ("cpq", QuoteSystem::Cpq)], s)
    });
    let property = of("stamp_property", ProviderName::Hubspot, sink);
    let slug = of("stamp", ProviderName::Hubspot, sink);
    let stamp = read_stamping(property, slug, sink);
    let uuid = of("uuid", ProviderName::Salesbyte, sink);
    let uuid = fixed(uuid, sink, read_credential);
    let profile = of("quote_profile_id", ProviderName::Salesbyte, sink);
    let quote_profile_id = fixed(profile, sink, |f, s| f.whole(1, i64::MAX, s));
    let stamp_field = of("stamp_field", ProviderName::Salesbyte, sink);
    let stamp_field = fixed(stamp_field, sink, read_stamp_field);
    let visibility = of("visibility", ProviderName::Dealhub, sink);
    let visibility = fixed(visibility, sink, read_duration);
    match provider {
        Some(ProviderName::Salesbyte) => {
            map.need("uuid", &what, sink);
        }
        Some(_) => {
            map.need("token", &what, sink);
        }
        None => {}
    }
    let defaults = map.get("defaults").filter(|f| !f.is_cleared());
    if let Some(defaults) = defaults {
        defaults.map(sink);
    }
    hide_secret_keys(&map, sink);
    map.finish(&what, sink);
    let whole = sink.count() == before;
    let connection = provider.filter(|_| whole).map(|provider| Connection {
        provider,
        base_url: base_url.unwrap_or_else(|| provider.default_base_url().to_owned()),
        token,
        uuid,
        rate,
        concurrency: concurrency.and_then(|n| u32::try_from(n).ok()),
        currency,
        quote_system: quote_system.unwrap_or_default(),
        stamp,
        stamp_field,
        quote_profile_id,
        visibility,
    });
    Some((connection, defaults.map(|f| f.node)))
}

/// A key that one provider has; an error at the others.
fn only_for<'n>(
    key: &'static str,
    owner: ProviderName,
    provider: Option<ProviderName>,
    map: &Map<'n>,
    sink: &mut Sink,
) -> Option<Field<'n>> {
    let field = map.get(key)?;
    match provider {
        Some(provider) if provider != owner => {
            let message = format!("`{key}` is for {owner} connections, this one is {provider}");
            sink.push(Problem::new("unknown-key", field.key_span, message).help("take it out"));
            None
        }
        _ => Some(field),
    }
}

fn read_credential(field: Field<'_>, sink: &mut Sink) -> Option<Credential> {
    const HELP: &str = "name an environment variable, `{ env: NAME }`, or a file, `{ file: /path }`; if this secret was ever shared, revoke it";
    let Kind::Mapping(_) = &field.node.kind else {
        sink.secret(field.node.span);
        hide_scalars(field.node, sink);
        let message = format!("`{}` is written out, a workspace never holds a secret", field.name);
        sink.push(field.problem("literal-secret", message).help(HELP));
        return None;
    };
    let map = field.map(sink)?;
    let (env, file) = (map.get("env"), map.get("file"));
    let before = sink.count();
    for other in map.all().iter().filter(|f| !matches!(f.name, "env" | "file")) {
        hide_scalars(other.node, sink);
    }
    map.finish(&format!("`{}`", field.name), sink);
    let credential = match (env, file) {
        (Some(env), None) => match env.raw().filter(|raw| is_variable(raw)) {
            Some(raw) => Some(Credential::Env(raw.to_owned())),
            None => {
                hide_scalars(env.node, sink);
                let message =
                    format!("`{}.env` is not the name of an environment variable", field.name);
                sink.push(env.problem("literal-secret", message).help(HELP));
                None
            }
        },
        (None, Some(file)) => {
            let path = file.text(sink).filter(|t| !t.trim().is_empty() && !t.contains('\n'));
            if path.is_none() {
                sink.push(file.problem("bad-path", format!("`{}.file` is not a path", field.name)));
            }
            path.map(|p| Credential::File(PathBuf::from(p)))
        }
        _ => {
            let message = format!("`{}` needs exactly one of `env` and `file`", field.name);
            sink.push(field.problem("bad-credential", message).help(HELP));
            None
        }
    };
    credential.filter(|_| sink.count() == before)
}

fn is_variable(raw: &str) -> bool {
    let head = raw.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    head && raw.len() <= 128 && raw.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Keeps every scalar below a node from being shown.
fn hide_scalars(node: &Node<'_>, sink: &mut Sink) {
    match &node.kind {
        Kind::Plain(_) | Kind::Quoted(_) => sink.secret(node.span),
        Kind::Sequence(items) => items.iter().for_each(|n| hide_scalars(n, sink)),
        Kind::Mapping(entries) => entries.iter().for_each(|e| hide_scalars(&e.value, sink)),
        Kind::Broken => {}
    }
}

/// Unknown keys that look like a secret keep their value hidden.
fn hide_secret_keys(map: &Map<'_>, sink: &mut Sink) {
    const SECRET: [&str; 6] = ["token", "secret", "password", "uuid", "api_key", "key"];
    for field in map.all() {
        let lower = field.name.to_ascii_lowercase();
        let telling = SECRET.iter().any(|w| lower.contains(w))
            || nearest(&lower, SECRET.into_iter()).is_some();
        let known =
            matches!(field.name, "token" | "uuid" | "defaults" | "stamp_property" | "stamp_field");
        if telling && !known {
            hide_scalars(field.node, sink);
        }
    }
}

fn read_base_url(
    field: Field<'_>,
    provider: Option<ProviderName>,
    allow_hosts: &[String],
    sink: &mut Sink,
) -> Option<String> {
    let bad = |message: &str, help: &str, sink: &mut Sink| {
        sink.push(field.problem("bad-base-url", message).help(help));
    };
    let url = field.text(sink).and_then(|t| reqwest::Url::parse(&t).ok());
    let Some((url, host)) =
        url.as_ref().and_then(|u| Some((u, u.host_str()?.to_ascii_lowercase())))
    else {
        bad("`base_url` is not an address", "such as `https://api.hubapi.com`", sink);
        return None;
    };
    if !url.username().is_empty() || url.password().is_some() {
        sink.secret(field.node.span);
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

fn read_rate(field: Field<'_>, sink: &mut Sink) -> Option<Rate> {
    let parsed = field.raw().and_then(|raw| {
        let (requests, window) = raw.split_once('/')?;
        let requests = requests.parse().ok().filter(|n| (1..=1_000_000).contains(n))?;
        Some(Rate { requests, window: duration(window)? })
    });
    if parsed.is_none() {
        let problem = field.problem("bad-rate", "`rate` must be a number of requests in a time");
        sink.push(problem.help("such as `190/10s`"));
    }
    parsed
}

fn read_duration(field: Field<'_>, sink: &mut Sink) -> Option<Duration> {
    let parsed = field.raw().and_then(duration);
    if parsed.is_none() {
        let problem = field.problem("bad-duration", format!("`{}` must be a time", field.name));
        sink.push(problem.help("such as `60s`, at most `24h`"));
    }
    parsed
}

/// `500ms`, `10s`, `5m`, `1h`: above nought and at most a day.
fn duration(raw: &str) -> Option<Duration> {
    let digits = raw.bytes().take_while(u8::is_ascii_digit).count();
    let (count, unit) = raw.split_at_checked(digits)?;
    let count: u64 = count.parse().ok()?;
    let millis = match unit {
        "ms" => Some(count),
        "s" => count.checked_mul(1_000),
        "m" => count.checked_mul(60_000),
        "h" => count.checked_mul(3_600_000),
        _ => None,
    };
    millis.filter(|ms| (1..=86_400_000).contains(ms)).map(Duration::from_millis)
}

fn read_stamping(
    property: Option<Field<'_>>,
    slug: Option<Field<'_>>,
    sink: &mut Sink,
) -> Stamping {
    if let (Some(_), Some(slug)) = (property, slug) {
        let message = "`stamp: slug` and `stamp_property` exclude each other";
        sink.push(slug.problem("conflicting-keys", message).help("keep one of them"));
    }
    let property = fixed(property, sink, |f, sink| {
        let fine = |raw: &str| {
            raw.len() <= 100
                && raw.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
                && raw.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        let name = f.raw().filter(|raw| fine(raw));
        if name.is_none() {
            let problem = f.problem("bad-name", "`stamp_property` is not a valid property name");
            sink.push(problem.help("lower-case letters, digits and `_`, starting with a letter"));
        }
        name
    });
    let slug = fixed(slug, sink, |f, s| f.word(&[("slug", ())], s));
    match (property, slug) {
        (None, Some(())) => Stamping::Slug,
        (property, _) => Stamping::Property(property.unwrap_or(DEFAULT_STAMP_PROPERTY).to_owned()),
    }
}

fn read_stamp_field(field: Field<'_>, sink: &mut Sink) -> Option<StampField> {
    let map = field.map(sink)?;
    let name = map.need("name", "`stamp_field`", sink);
    let name = fixed(name, sink, |f, s| f.text(s));
    let label = fixed(map.get("label"), sink, |f, s| f.text(s));
    map.finish("`stamp_field`", sink);
    Some(StampField { name: name?, label })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit_and_a_limit() {
        assert_eq!(duration("10s"), Some(Duration::from_secs(10)));
        assert_eq!(duration("500ms"), Some(Duration::from_millis(500)));
        for bad in ["", "10", "s", "0s", "1d", "25h", "-1s", "99999999999999999999s", "1.5s"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }

    #[test]
    fn hosts_are_matched_whole() {
        assert!(ProviderName::Dealhub.owns_host("eu.dealhub.io"));
        assert!(!ProviderName::Dealhub.owns_host("evildealhub.io"));
        assert!(!ProviderName::Dealhub.owns_host(".dealhub.io"));
        assert!(!ProviderName::Hubspot.owns_host("api.hubapi.com.evil.example"));
    }
}
