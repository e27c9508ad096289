//! From what was read to a manifest: what the four `import` files share.
//!
//! Purpose: [`Unfold`] takes facts one by one out of what was observed; what nobody took is what the
//! manifest cannot hold, and becomes a remark. Pure.
//!
//! Invariant: a fact is either held by the manifest, declared to follow from others, or told; none is
//! dropped in silence.

use std::collections::{BTreeMap, BTreeSet};

use super::listing::Seen;
use crate::desired::{Adjustment, Item, LineDiscount, Measure, Period, Quote, Reference, Wish};
use crate::facts::{Facts, Path, Plain, Value};
use crate::key::RemoteId;
use crate::manifest::{is_key, period, slug, unique_slugs};
use crate::money::{Amount, Currency};

/// A manifest that was made of what was observed.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The quote.
    pub quote: Quote,
    /// The part upstream (`items[#123]`) of each part of the manifest (`items[audit]`).
    pub parts: BTreeMap<String, String>,
    /// What the manifest does not hold, by the path at which a remark belongs.
    pub lost: Vec<Lost>,
}

/// A value that a manifest does not hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lost {
    /// Where it belongs (`items[audit].price`).
    pub path: String,
    /// The value and why, in words.
    pub what: String,
    /// Nothing is lost: it is only said beside what is held.
    pub aside: bool,
}

/// Facts on their way into a manifest.
pub struct Unfold {
    facts: Facts,
    parts: BTreeMap<String, String>,
    lost: Vec<Lost>,
    /// Which digits money has.
    currency: Option<Currency>,
}

/// A part of a list: its name upstream, and its facts without it.
pub type Part = (String, BTreeMap<String, Value>);

impl Unfold {
    /// All that was observed.
    pub fn new(seen: &Seen) -> Self {
        let facts = seen.observed.facts.iter().filter(|(_, v)| !v.is_empty());
        let facts = facts.map(|(p, v)| (p.clone(), v.clone())).collect();
        let mut unfold = Self { facts, parts: BTreeMap::new(), lost: Vec::new(), currency: None };
        for (path, what) in &seen.aside {
            unfold.aside(path.clone(), what.clone());
        }
        unfold
    }

    /// The currency whose digits money must fit.
    pub fn in_currency(&mut self, currency: Option<Currency>) {
        self.currency = currency;
    }

    /// Last day and currency, and with it the digits that money must fit.
    pub fn expiry_and_currency(&mut self, quote: &mut Quote) {
        match self.take("expires") {
            Some(Value::Date(day)) => quote.expires = Wish::Set(day),
            Some(other) => self.lose("expires", format!("`expires` is `{other}`: no date")),
            None => {}
        }
        match self.take("currency") {
            Some(Value::Text(code)) => match Currency::parse(&code) {
                Some(currency) => quote.currency = Some(currency),
                None => self.lose(
                    "currency",
                    format!("the currency is `{code}`, which is no code of ISO 4217"),
                ),
            },
            Some(other) => self.lose("currency", format!("the currency is `{other}`")),
            None => {}
        }
        self.in_currency(quote.currency);
    }

    /// Takes one fact.
    pub fn take(&mut self, path: &str) -> Option<Value> {
        self.facts.remove(&Path::new(path))
    }

    /// Takes facts that follow from others, and need no remark.
    pub fn follow(&mut self, is: impl Fn(&Path) -> bool) {
        self.facts.retain(|path, _| !is(path));
    }

    /// Remarks something that the manifest does not hold.
    pub fn lose(&mut self, path: impl Into<String>, what: impl Into<String>) {
        self.lost.push(Lost { path: path.into(), what: what.into(), aside: false });
    }

    /// Says something beside what is held.
    pub fn aside(&mut self, path: impl Into<String>, what: impl Into<String>) {
        self.lost.push(Lost { path: path.into(), what: what.into(), aside: true });
    }

    /// Takes a text; one that a manifest cannot hold is told.
    pub fn text(&mut self, path: &str) -> Wish<String> {
        match self.take(path) {
            None => Wish::Unowned,
            Some(value) => self.fit_text(path, path, &value).map_or(Wish::Unowned, Wish::Set),
        }
    }

    /// A value as a text that a manifest can hold.
    fn fit_text(&mut self, at: &str, name: &str, value: &Value) -> Option<String> {
        let text = match value {
            Value::Text(text) => text.clone(),
            Value::Plain(plain) => plain.scalar().unwrap_or_else(|| plain.to_string()),
            other => other.to_string(),
        };
        let odd = text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t'));
        if odd || text.len() > crate::manifest::MAX_TEXT {
            let why = if odd { "it holds control characters" } else { "it is too long" };
            let start: String = text.chars().take(80).collect();
            self.lose(at, format!("`{name}` is `{start}`, which a manifest cannot hold: {why}"));
            return None;
        }
        Some(text)
    }

    /// Takes a reference by id.
    pub fn reference(&mut self, path: &str) -> Wish<Reference> {
        match self.take(path) {
            Some(Value::Ref { id, label }) => {
                let label = Some(label).filter(|l| !l.is_empty() && *l != id);
                let named = label.and_then(|l| self.fit_text(path, path, &Value::Text(l)));
                Wish::Set(Reference::Id { id, name: named, email: None })
            }
            Some(other) => {
                self.lose(path, format!("`{path}` is `{other}`"));
                Wish::Unowned
            }
            None => Wish::Unowned,
        }
    }

    /// Takes all facts of the parts of a list, in their order.
    pub fn list(&mut self, list: &str) -> Vec<Part> {
        let mut parts: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
        for (path, value) in &self.facts {
            if path.list() == Some(list)
                && let Some(part) = path.part()
            {
                let fields = parts.entry(part.to_owned()).or_default();
                fields.insert(path.field().to_owned(), value.clone());
            }
        }
        self.facts.retain(|path, _| path.list() != Some(list));
        let mut parts: Vec<Part> = parts.into_iter().collect();
        let place = |part: &Part| part.1.get("position").and_then(Value::number);
        parts.sort_by(|a, b| {
            (place(a).is_none(), place(a), a.0.len(), &a.0).cmp(&(
                place(b).is_none(),
                place(b),
                b.0.len(),
                &b.0,
            ))
        });
        for (_, fields) in &mut parts {
            fields.remove("position");
        }
        parts
    }

    /// Keys for the parts of `items`, by SKU, else by name; the link between both sides is kept.
    pub fn keys(&mut self, parts: &[Part]) -> Vec<String> {
        let mut taken: BTreeSet<String> = BTreeSet::new();
        let mut keys = Vec::with_capacity(parts.len());
        for (i, (part, fields)) in parts.iter().enumerate() {
            let text = |name: &str| match fields.get(name) {
                Some(Value::Text(text)) => Some(text.clone()),
                _ => None,
            };
            let base = text("sku")
                .filter(|sku| is_key(sku) && sku.len() <= 50)
                .or_else(|| text("name").map(|name| slug(&name)))
                .unwrap_or_else(|| format!("line-{}", i + 1));
            let mut key: String = base.chars().take(50).collect();
            let mut n = 1;
            while !taken.insert(key.clone()) {
                n += 1;
                key = format!("{}-{n}", base.chars().take(50).collect::<String>());
            }
            self.parts.insert(format!("items[{key}]"), part.clone());
            keys.push(key);
        }
        keys
    }

    /// Money that a manifest can hold; told where it cannot.
    pub fn money(&mut self, at: &str, value: Option<Value>) -> Option<Amount> {
        let value = value?;
        let why = match value.number() {
            None => "it is no number".to_owned(),
            Some(n) if n.is_negative() => "a manifest has no negative money".to_owned(),
            Some(n) => match self.currency {
                Some(c) if n.significant_scale() > c.digits() => {
                    format!("{c} has {} digits after the point", c.digits())
                }
                _ => return Some(n),
            },
        };
        self.lose(at, format!("`{at}` is `{value}` upstream, which is not held: {why}"));
        None
    }

    /// Percent points from 0 to 100; told where they are not.
    pub fn percent(&mut self, at: &str, value: Option<Value>) -> Option<Amount> {
        let value = value?;
        match value.number() {
            Some(n) if !n.is_negative() && n <= Amount::HUNDRED => Some(n),
            _ => {
                self.lose(at, format!("`{at}` is `{value}` upstream: no percent from 0 to 100"));
                None
            }
        }
    }

    /// A billing period as it was read (`3 years`).
    pub fn period(&mut self, at: &str, value: Option<Value>) -> Option<Period> {
        let value = value?;
        let found = match &value {
            Value::Text(text) => period(text),
            _ => None,
        };
        if found.is_none() {
            self.lose(at, format!("`{at}` is `{value}` upstream: no period that is known"));
        }
        found
    }

    /// The discount of a line, out of its facts. `per` says what an amount is taken off.
    pub fn discount(
        &mut self,
        at: &str,
        fields: &mut BTreeMap<String, Value>,
        per: crate::desired::Per,
    ) -> Wish<LineDiscount> {
        let percent = fields.remove("discount.percent").filter(|v| !v.is_empty());
        let amount = fields.remove("discount.amount").filter(|v| !v.is_empty());
        let label = match fields.remove("discount.label") {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        };
        let at = format!("{at}.discount");
        if percent.is_some() && amount.is_some() {
            self.lose(
                &at,
                "the line has a discount in percent and one in money; a manifest holds one",
            );
            return Wish::Unowned;
        }
        let measure = match (self.percent(&at, percent), self.money(&at, amount)) {
            (Some(p), _) => Measure::Percent(p),
            (None, Some(a)) => Measure::Amount(a),
            (None, None) => return Wish::Unowned,
        };
        let per = match measure {
            Measure::Percent(_) => crate::desired::Per::Line,
            Measure::Amount(_) => per,
        };
        Wish::Set(LineDiscount { measure, per, label })
    }

    /// An item with what every provider tells of a line; the rest stays in `fields`.
    pub fn item(&mut self, key: &str, fields: &mut BTreeMap<String, Value>) -> Option<Item> {
        let at = format!("items[{key}]");
        let mut text = |name: &str, unfold: &mut Self| match fields.remove(name) {
            None => Wish::Unowned,
            Some(value) => unfold
                .fit_text(&format!("{at}.{name}"), name, &value)
                .map_or(Wish::Unowned, Wish::Set),
        };
        let (name, description, sku) =
            (text("name", self), text("description", self), text("sku", self));
        let quantity = fields.remove("quantity");
        let Some(quantity) =
            quantity.as_ref().and_then(Value::number).filter(|q| *q > Amount::ZERO)
        else {
            let there = quantity.map_or_else(|| "missing".to_owned(), |q| format!("`{q}`"));
            self.lose(
                "items",
                format!("the quantity of `{key}` is {there}, so the items are not held"),
            );
            return None;
        };
        let price = fields.remove("price");
        let price = self.money(&format!("{at}.price"), price).map_or(Wish::Unowned, Wish::Set);
        Some(Item {
            key: key.to_owned(),
            product: None,
            name,
            description,
            sku,
            quantity: quantity.canonical(),
            price,
            discount: Wish::Unowned,
            taxable: Wish::Unowned,
            recurring: Wish::Unowned,
            properties: Wish::Unowned,
            native: BTreeMap::new(),
        })
    }

    /// The native block of a provider, out of facts such as `hubspot.hs_language`.
    pub fn block(
        fields: &mut BTreeMap<String, Value>,
        provider: &str,
    ) -> BTreeMap<String, Wish<Plain>> {
        let head = format!("{provider}.");
        let names: Vec<String> =
            fields.keys().filter(|name| name.starts_with(&head)).cloned().collect();
        names
            .into_iter()
            .filter_map(|name| {
                let value = fields.remove(&name)?;
                let plain = plain_of(&value)?;
                Some((name.trim_start_matches(head.as_str()).to_owned(), Wish::Set(plain)))
            })
            .collect()
    }

    /// What is left of a line is told.
    pub fn rest(&mut self, at: &str, fields: BTreeMap<String, Value>) {
        for (name, value) in fields {
            if !value.is_empty() {
                self.lose(at, format!("`{name}` is `{value}` upstream, and is not held"));
            }
        }
    }

    /// Discounts, fees or taxes of the whole quote; all of them, or none.
    pub fn adjustments(&mut self, list: &str) -> Wish<Vec<Adjustment>> {
        let parts = self.list(list);
        if parts.is_empty() {
            return Wish::Unowned;
        }
        let mut found: Vec<(String, Measure, String)> = Vec::new();
        let mut whole = true;
        for (part, mut fields) in parts {
            let label = match fields.remove("label") {
                Some(Value::Text(label)) => Some(label),
                _ => None,
            };
            let percent = fields.remove("percent");
            let amount = fields.remove("amount");
            let what = format!(
                "{} {}",
                label.as_deref().unwrap_or("without a label"),
                percent
                    .as_ref()
                    .map(|p| format!("{p}%"))
                    .or(amount.as_ref().map(ToString::to_string))
                    .unwrap_or_default()
            );
            let measure = match (self.percent(list, percent), self.money(list, amount)) {
                (Some(p), None) => Some(Measure::Percent(p)),
                (None, Some(a)) => Some(Measure::Amount(a)),
                _ => None,
            };
            let strange = !fields.values().all(Value::is_empty);
            match (label, measure) {
                (Some(label), Some(measure)) if !strange => found.push((label, measure, part)),
                _ => {
                    whole = false;
                    self.lose(list, format!("one of `{list}` cannot be held: {what}"));
                }
            }
        }
        if !whole {
            for (label, measure, _) in found {
                let measure = match measure {
                    Measure::Percent(p) => format!("{p}%"),
                    Measure::Amount(a) => a.to_string(),
                };
                self.lose(list, format!("and so is not, beside it: {label} {measure}"));
            }
            return Wish::Unowned;
        }
        let keys = unique_slugs(found.iter().map(|(label, ..)| label.as_str()));
        let made = found.into_iter().zip(keys).map(|((label, measure, part), key)| {
            self.parts.insert(format!("{list}[{key}]"), part);
            Adjustment { key, label, measure }
        });
        Wish::Set(made.collect())
    }

    /// The end: what nobody took is told.
    pub fn finish(mut self, quote: Quote) -> Imported {
        let left: Vec<(Path, Value)> = std::mem::take(&mut self.facts).into_iter().collect();
        for (path, value) in left {
            self.lose(path.as_str(), format!("`{path}` is `{value}` upstream, and is not held"));
        }
        Imported { quote, parts: self.parts, lost: self.lost }
    }
}

/// A fact's value as it is written in a native block or under `fields`.
pub fn plain_of(value: &Value) -> Option<Plain> {
    Some(match value {
        Value::Empty => return None,
        Value::Text(text) => Plain::Text(text.clone()),
        Value::Number(n) => Plain::Number(*n),
        Value::Bool(b) => Plain::Bool(*b),
        Value::Date(d) => Plain::Text(d.to_string()),
        Value::Ref { id, .. } => Plain::Text(id.clone()),
        Value::Plain(plain) => plain.clone(),
    })
}

/// What was observed, its parts under the keys of a manifest.
pub fn renamed(
    observed: &super::survey::Observed,
    parts: &BTreeMap<String, RemoteId>,
) -> super::survey::Observed {
    let by_id: BTreeMap<(&str, &RemoteId), &String> = parts
        .iter()
        .map(|(part, id)| ((part.split('[').next().unwrap_or_default(), id), part))
        .collect();
    let new_name = |part: &str| -> Option<&String> {
        let id = observed.parts.get(part)?;
        by_id.get(&(part.split('[').next().unwrap_or_default(), id)).copied()
    };
    let mut out = observed.clone();
    out.facts = observed
        .facts
        .iter()
        .map(|(path, value)| {
            let moved = path.part().and_then(|part| {
                let rest = path.as_str().get(part.len()..)?;
                Some(Path::new(format!("{}{rest}", new_name(part)?)))
            });
            (moved.unwrap_or_else(|| path.clone()), value.clone())
        })
        .collect();
    out.parts = observed
        .parts
        .iter()
        .map(|(part, id)| (new_name(part).unwrap_or(part).clone(), id.clone()))
        .collect();
    out
}
