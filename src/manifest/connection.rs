//! A connection: one upstream account.
//!
//! Invariants: a connection holds the names of secrets, never a secret; a literal one is an error
//! and is masked wherever its file is shown. `base_url` names a host of the provider, a loopback
//! address, or a host that the caller allowed: an edit of the workspace cannot send a token
//! elsewhere.

use std::time::Duration;

use super::credential::{Credential, hide_secret_keys, read_credential};
use super::provider::{ProviderName, read_base_url};
use super::read::{Field, Map, Sink, fixed, shown};
use crate::money::Currency;
use crate::yaml::{Node, Problem};

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
}
