//! References of manifests, resolved in batches.
//!
//! Purpose: `deal: Acme renewal 2027` becomes an id, once; what the lockfile already resolved is
//! not asked again. Invariants: exactly one match or a diagnostic at the manifest's line that
//! lists the candidates; matches are checked here, whatever the upstream's search thinks equal.

use std::collections::{BTreeMap, BTreeSet};

use super::fetch::Fetch;
use super::near::NAMES_MAX;
use super::operation::Object;
use super::wire::{Owner, Record};
use super::{QuoteSystem, Settings};
use crate::desired::{Person, Quote, Reference, Wish};
use crate::failure::Diagnostic;
use crate::key::{Fingerprint, QuoteName, RemoteId};
use crate::provider::step::Trouble;
use crate::provider::survey::{Ask, Asked, Resolved};

/// What a reference asks for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum By {
    Id(String),
    Name(String),
}

/// What kind of record a reference leads to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Kind {
    Owner,
    Record(Object),
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Record(object) => object.word(),
        }
    }
}

/// One reference of one manifest.
struct Want<'a> {
    quote: &'a Quote,
    path: String,
    kind: Kind,
    by: By,
    asked: Fingerprint,
}

/// A possible target.
#[derive(Clone, Debug)]
struct Candidate {
    id: String,
    label: String,
    /// The texts that lead to it.
    names: Vec<String>,
    currency: Option<String>,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Resolution {
    /// By quote and manifest path.
    pub refs: BTreeMap<QuoteName, BTreeMap<String, Resolved>>,
    /// What could not be resolved.
    pub problems: Vec<Diagnostic>,
    /// Currencies of the deals that were looked at.
    pub deal_currency: BTreeMap<String, String>,
}

/// Resolves all references of the manifests asked about.
pub async fn resolve(
    fetch: &Fetch,
    settings: &Settings,
    asks: &[Ask<'_>],
) -> Result<Resolution, Trouble> {
    let mut out = Resolution::default();
    let mut open: Vec<Want<'_>> = Vec::new();
    for ask in asks {
        let Some(quote) = ask.desired else { continue };
        for want in wants(quote) {
            let known =
                ask.entry.and_then(|e| e.refs.get(&want.path)).filter(|r| r.asked == want.asked);
            match known {
                Some(known) => {
                    let label = match &want.by {
                        By::Id(_) => String::new(),
                        By::Name(name) => name.clone(),
                    };
                    let resolved = Resolved { asked: want.asked, id: known.id.clone(), label };
                    out.refs.entry(quote.name.clone()).or_default().insert(want.path, resolved);
                }
                None => open.push(want),
            }
        }
    }
    let found = candidates(fetch, settings, &open).await?;
    let mut lost: Vec<Want<'_>> = Vec::new();
    for want in open {
        let all = found.get(&want.kind).map_or(&[][..], Vec::as_slice);
        match (matches(&want, all).is_empty(), want.kind, &want.by) {
            (true, Kind::Record(Object::Deal | Object::Company), By::Name(_)) => lost.push(want),
            _ => settle(&mut out, settings, &want, all),
        }
    }
    explain(fetch, settings, &lost, &mut out).await?;
    Ok(out)
}

/// Names that lead nowhere are problems that show what there is instead.
async fn explain(
    fetch: &Fetch,
    settings: &Settings,
    lost: &[Want<'_>],
    out: &mut Resolution,
) -> Result<(), Trouble> {
    let mut near: BTreeMap<(Object, &str), Vec<Candidate>> = BTreeMap::new();
    for want in lost {
        let (Kind::Record(object), By::Name(name)) = (want.kind, &want.by) else { continue };
        let asked = near.keys().filter(|(other, _)| *other == object).count();
        let key = (object, name.as_str());
        if !near.contains_key(&key) && asked < NAMES_MAX {
            let found = super::near::near(fetch, object, name).await?;
            near.insert(key, found.iter().map(|r| record(object, r)).collect());
        }
        settle(out, settings, want, near.get(&key).map_or(&[], Vec::as_slice));
    }
    Ok(())
}

/// Recorded ids are trusted; a manifest whose currency is not the quote's is checked against the
/// deal again.
pub async fn check_deals(
    fetch: &Fetch,
    out: &mut Resolution,
    doubtful: &[(&Quote, String)],
) -> Result<(), Trouble> {
    let ids: BTreeSet<String> = doubtful.iter().map(|(_, id)| id.clone()).collect();
    let ids: Vec<String> =
        ids.into_iter().filter(|id| !out.deal_currency.contains_key(id)).collect();
    let properties = ["dealname".to_owned(), "deal_currency_code".to_owned()];
    for deal in fetch.read(Object::Deal, &ids, &properties, None).await? {
        if let Some(code) = deal.get("deal_currency_code") {
            out.deal_currency.insert(deal.id.0.clone(), code.to_owned());
        }
    }
    for (quote, id) in doubtful {
        if let Some(code) = out.deal_currency.get(id) {
            out.problems.extend(mismatch(quote, code));
        }
    }
    Ok(())
}

fn mismatch(quote: &Quote, of_deal: &str) -> Option<Diagnostic> {
    let currency = quote.currency.filter(|c| c.code() != of_deal)?;
    let message = format!("the quote is in {currency}, and its deal is in {of_deal}");
    let place = quote.origin.place("currency");
    Some(
        Diagnostic::error("currency-mismatch", message)
            .at(place)
            .about(&quote.name)
            .help("take another deal, or change one of the currencies"),
    )
}

fn wants(quote: &Quote) -> Vec<Want<'_>> {
    let mut out = Vec::new();
    let mut add = |path: String, kind: Kind, by: By| {
        let text = match &by {
            By::Id(id) => format!("id {id}"),
            By::Name(name) => format!("name {name}"),
        };
        let asked = Fingerprint::of_value(&quote.name, &format!("reference {path}"), &text);
        out.push(Want { quote, path, kind, by, asked });
    };
    for (path, kind, wish) in [
        ("owner", Kind::Owner, &quote.owner),
        ("company", Kind::Record(Object::Company), &quote.company),
        ("deal", Kind::Record(Object::Deal), &quote.deal),
        ("template", Kind::Record(Object::Template), &quote.template),
    ] {
        match wish {
            Wish::Set(Reference::Id { id, .. }) => add(path.to_owned(), kind, By::Id(id.clone())),
            Wish::Set(Reference::Named(name)) => add(path.to_owned(), kind, By::Name(name.clone())),
            Wish::Unowned | Wish::Clear => {}
        }
    }
    let mut person = |path: String, person: &Person| {
        let by = match (person.id.set(), person.email.set()) {
            (Some(id), _) => By::Id(id.clone()),
            (None, Some(email)) => By::Name(email.clone()),
            (None, None) => return,
        };
        add(path, Kind::Record(Object::Contact), by);
    };
    if let Some(customer) = &quote.customer {
        person("customer".to_owned(), customer);
    }
    for (i, contact) in quote.contacts.set().into_iter().flatten().enumerate() {
        person(format!("contacts[{i}]"), contact);
    }
    out
}

/// The fingerprint under which a reference is recorded, by manifest path.
pub fn asked_of(quote: &Quote) -> BTreeMap<String, Fingerprint> {
    wants(quote).into_iter().map(|w| (w.path, w.asked)).collect()
}

/// The references of a manifest, by manifest path.
pub fn references(quote: &Quote) -> BTreeMap<String, Asked> {
    let asked = |want: Want<'_>| {
        let (id, label) = match &want.by {
            By::Id(id) => (RemoteId::parse(id), id.clone()),
            By::Name(name) => (None, name.clone()),
        };
        (want.path, Asked { asked: want.asked, id, label })
    };
    wants(quote).into_iter().map(asked).collect()
}

async fn candidates(
    fetch: &Fetch,
    settings: &Settings,
    open: &[Want<'_>],
) -> Result<BTreeMap<Kind, Vec<Candidate>>, Trouble> {
    let of = |kind: Kind| open.iter().filter(move |w| w.kind == kind);
    let pick = |kind: Kind, ids: bool| -> Vec<String> {
        let texts: BTreeSet<String> = of(kind)
            .filter_map(|w| match (&w.by, ids) {
                (By::Id(text), true) | (By::Name(text), false) => Some(text.clone()),
                _ => None,
            })
            .collect();
        texts.into_iter().collect()
    };
    let has = |kind: Kind| of(kind).next().is_some();
    let owners = async {
        if !has(Kind::Owner) {
            return Ok(Vec::new());
        }
        Ok::<_, Trouble>(fetch.owners().await?.into_iter().map(owner).collect())
    };
    let templates = async {
        if !has(Kind::Record(Object::Template)) {
            return Ok(Vec::new());
        }
        let all = fetch.list(Object::Template, &["hs_name", "hs_type", "hs_active"]).await?;
        Ok::<_, Trouble>(all.iter().filter(|t| fits(settings.system, t)).map(template).collect())
    };
    let records = |object: Object| {
        let kind = Kind::Record(object);
        let (ids, names) = (pick(kind, true), pick(kind, false));
        async move {
            Ok::<_, Trouble>(
                read(fetch, object, &ids, &names)
                    .await?
                    .iter()
                    .map(|r| record(object, r))
                    .collect::<Vec<_>>(),
            )
        }
    };
    let (owners, templates, deals, companies, contacts) = tokio::try_join!(
        owners,
        templates,
        records(Object::Deal),
        records(Object::Company),
        records(Object::Contact),
    )?;
    Ok(BTreeMap::from([
        (Kind::Owner, owners),
        (Kind::Record(Object::Template), templates),
        (Kind::Record(Object::Deal), deals),
        (Kind::Record(Object::Company), companies),
        (Kind::Record(Object::Contact), contacts),
    ]))
}

async fn read(
    fetch: &Fetch,
    object: Object,
    ids: &[String],
    names: &[String],
) -> Result<Vec<Record>, Trouble> {
    let (properties, by): (&[&str], &[&str]) = match object {
        Object::Deal => (&["dealname", "deal_currency_code"], &["dealname"]),
        Object::Company => (&["name", "domain"], &["domain", "name"]),
        _ => (&["firstname", "lastname", "email"], &["email"]),
    };
    let owned: Vec<String> = properties.iter().map(|p| (*p).to_owned()).collect();
    let searched = async {
        if names.is_empty() {
            Ok(Vec::new())
        } else if object == Object::Contact {
            fetch.read(object, names, &owned, Some("email")).await
        } else {
            fetch.search(object, by, names, properties).await
        }
    };
    let (mut records, by_text) = tokio::try_join!(fetch.read(object, ids, &owned, None), searched)?;
    records.extend(by_text);
    records.sort_by(|a, b| a.age().cmp(&b.age()));
    records.dedup_by(|a, b| a.id == b.id);
    Ok(records)
}

fn owner(o: Owner) -> Candidate {
    let name: Vec<&str> =
        [o.first_name.as_deref(), o.last_name.as_deref()].into_iter().flatten().collect();
    let name = name.join(" ");
    let email = o.email.unwrap_or_default();
    let label = if email.is_empty() { name.clone() } else { email.clone() };
    Candidate { id: o.id.0, label, names: vec![email, name], currency: None }
}

/// A template of the other quote system cannot be linked; an inactive one is not offered.
fn fits(system: QuoteSystem, t: &Record) -> bool {
    let wanted = match system {
        QuoteSystem::Legacy => "customizable_quote_template",
        QuoteSystem::Cpq => "cpq_template",
    };
    t.get("hs_type").is_none_or(|kind| kind.eq_ignore_ascii_case(wanted))
        && t.get("hs_active") != Some("false")
}

fn template(t: &Record) -> Candidate {
    let name = t.get("hs_name").unwrap_or_default().to_owned();
    Candidate { id: t.id.0.clone(), label: name.clone(), names: vec![name], currency: None }
}

fn record(object: Object, r: &Record) -> Candidate {
    let text = |name| r.get(name).unwrap_or_default().to_owned();
    let (label, names) = match object {
        Object::Deal => (text("dealname"), vec![text("dealname")]),
        Object::Company => (text("name"), vec![text("domain"), text("name")]),
        _ => (text("email"), vec![text("email")]),
    };
    let currency = r.get("deal_currency_code").map(ToOwned::to_owned);
    Candidate { id: r.id.0.clone(), label, names, currency }
}

/// The records that a reference leads to.
fn matches<'c>(want: &Want<'_>, all: &'c [Candidate]) -> Vec<&'c Candidate> {
    match &want.by {
        By::Id(id) => all.iter().filter(|c| c.id == *id).collect(),
        By::Name(name) => {
            let names = |same: &dyn Fn(&str) -> bool| -> Vec<&Candidate> {
                all.iter().filter(|c| c.names.iter().any(|n| !n.is_empty() && same(n))).collect()
            };
            // The exact text wins over one that differs in case.
            let exact = names(&|n| n == name);
            if exact.is_empty() {
                names(&|n| n.to_lowercase() == name.to_lowercase())
            } else {
                exact
            }
        }
    }
}

/// Takes the one match among the candidates; anything else is a problem that lists them.
fn settle(out: &mut Resolution, settings: &Settings, want: &Want<'_>, all: &[Candidate]) {
    let matches = matches(want, all);
    let only = match matches.as_slice() {
        [only] => RemoteId::parse(&only.id).map(|id| (*only, id)),
        _ => None,
    };
    let Some((target, id)) = only else {
        out.problems.push(problem(settings, want, &matches, all));
        return;
    };
    if let Some(code) = &target.currency {
        out.deal_currency.insert(target.id.clone(), code.clone());
        out.problems.extend(mismatch(want.quote, code));
    }
    let resolved = Resolved { asked: want.asked, id, label: target.label.clone() };
    out.refs.entry(want.quote.name.clone()).or_default().insert(want.path.clone(), resolved);
}

fn problem(
    settings: &Settings,
    want: &Want<'_>,
    matches: &[&Candidate],
    all: &[Candidate],
) -> Diagnostic {
    let word = want.kind.word();
    let shown = match &want.by {
        By::Id(id) => format!("with id {id}"),
        By::Name(name) => format!("`{name}`"),
    };
    let list = |some: &mut dyn Iterator<Item = &Candidate>| {
        let rows: Vec<String> = some.take(10).map(|c| format!("{} ({})", c.label, c.id)).collect();
        rows.join(", ")
    };
    let place = want.quote.origin.place(&want.path);
    let diagnostic = if matches.len() > 1 {
        let message = format!(
            "HubSpot has {} {word} records {shown}: {}",
            matches.len(),
            list(&mut matches.iter().copied())
        );
        let help = format!(
            "write the id of one: `{}: {{ id: \"...\" }}`",
            want.path.split('[').next().unwrap_or(&want.path)
        );
        Diagnostic::error("reference-ambiguous", message).help(help)
    } else {
        let kind = match (want.kind, settings.system) {
            (Kind::Record(Object::Template), QuoteSystem::Cpq) => " of the CPQ kind",
            (Kind::Record(Object::Template), QuoteSystem::Legacy) => " of the legacy kind",
            _ => "",
        };
        let message = format!("HubSpot has no {word} {shown}{kind}");
        // Contacts are people, and are not listed.
        let person = want.kind == Kind::Record(Object::Contact);
        let whole = matches!(want.kind, Kind::Owner | Kind::Record(Object::Template));
        let shown = whole || (!person && matches!(want.by, By::Name(_)));
        let lead = if whole { "it has" } else { "did you mean one of" };
        let help = match list(&mut all.iter()) {
            rows if shown && !rows.is_empty() => format!("{lead}: {rows}"),
            _ => format!("make the {word} in HubSpot, or correct what is written here"),
        };
        Diagnostic::error("reference-not-found", message).help(help)
    };
    diagnostic.at(place).about(&want.quote.name)
}
