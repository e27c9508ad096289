//! From a checked manifest to the facts that must hold in HubSpot.
//!
//! Purpose: the only place that turns neutral words into what HubSpot will show. Native fields and
//! `fields:` are checked here against the portal's own definitions. Invariants: only what the
//! manifest owns becomes a fact; money is exact or an error; the state is not among the facts.

use super::check;
use super::mapping;
use super::operation::Object;
use super::portal::Portal;
use super::{QuoteSystem, Settings, value};
use crate::desired::{Adjustment, Item, Measure, NativeBlock, Per, Quote, Reference, Wish};
use crate::facts::{Facts, Path, Value};
use crate::failure::Diagnostic;
use crate::money::{Amount, Currency};
use crate::provider::capability::{Mode, Sink};
use crate::provider::survey::{Lore, Observed, Sight, Survey};

/// The facts that must hold, or everything that is in the way.
pub fn facts(
    settings: &Settings,
    quote: &Quote,
    survey: &Survey,
) -> Result<Facts, Vec<Diagnostic>> {
    let empty = Portal::default();
    let portal = match &survey.lore {
        Lore::Hubspot(portal) => portal.as_ref(),
        _ => &empty,
    };
    let observed = match survey.sights.get(&quote.name) {
        Some(Sight::Found(observed)) => Some(observed.as_ref()),
        _ => None,
    };
    let mut w = Wanted {
        settings,
        quote,
        survey,
        portal,
        facts: Facts::new(),
        sink: check::sink(quote),
        unresolved: false,
    };
    w.head();
    w.links(observed);
    let currency = w.currency(observed);
    w.items(currency, observed);
    for (list, wish) in
        [("discounts", &quote.discounts), ("fees", &quote.fees), ("taxes", &quote.taxes)]
    {
        w.adjustments(list, wish);
    }
    if let Some(block) = quote.native.get("hubspot") {
        w.native(Object::Quote, "", "", block);
    }
    w.fields();
    if observed.is_none() {
        check::creation(settings, &mut w.sink);
    }
    if w.sink.found.is_empty() && !w.unresolved { Ok(w.facts) } else { Err(w.sink.found) }
}

struct Wanted<'a> {
    settings: &'a Settings,
    quote: &'a Quote,
    survey: &'a Survey,
    portal: &'a Portal,
    facts: Facts,
    sink: Sink<'a>,
    /// A reference is missing whose problem the survey already tells.
    unresolved: bool,
}

impl Wanted<'_> {
    fn put(&mut self, path: impl AsRef<str>, value: Value) {
        self.facts.insert(Path::new(path), value);
    }

    fn put_wish<T>(&mut self, path: &str, wish: &Wish<T>, value: impl FnOnce(&T) -> Value) {
        match wish {
            Wish::Unowned => {}
            Wish::Clear => self.put(path, Value::Empty),
            Wish::Set(v) => {
                let v = value(v);
                self.put(path, v);
            }
        }
    }

    fn head(&mut self) {
        let quote = self.quote;
        self.put_wish("title", &quote.title, |t| Value::text(t.clone()));
        self.put_wish("expires", &quote.expires, |d| Value::Date(*d));
        if let Some(currency) = quote.currency {
            self.put("currency", Value::text(currency.code()));
        }
        let note = |n: &String| Value::text(value::plain_note(n));
        self.put_wish("notes.public", &quote.notes.public, note);
        self.put_wish("notes.terms", &quote.notes.terms, note);
    }

    fn links(&mut self, observed: Option<&Observed>) {
        let quote = self.quote;
        for (path, wish) in [
            ("owner", &quote.owner),
            ("company", &quote.company),
            ("deal", &quote.deal),
            ("template", &quote.template),
        ] {
            match wish {
                Wish::Unowned => {}
                Wish::Clear => self.put(path, Value::Empty),
                Wish::Set(reference) => {
                    let written = match reference {
                        Reference::Named(name) => Some(name.as_str()),
                        Reference::Id { name, email, .. } => name.as_deref().or(email.as_deref()),
                    };
                    if let Some(value) = self.resolved(path, written) {
                        self.put(path, value);
                    }
                }
            }
        }
        let fixed = self.settings.system == QuoteSystem::Cpq;
        if let (true, Some(seen)) = (fixed, observed) {
            let path = Path::new("template");
            let there = seen.facts.get(&path).unwrap_or(&Value::Empty);
            if self.facts.get(&path).is_some_and(|wanted| !wanted.same(there)) {
                self.sink.error(
                    "template",
                    "template-fixed",
                    "a CPQ quote of HubSpot keeps the template that it was made with",
                    "take the template back, or give the quote another name to make a new one",
                );
            }
        }
        if let Some(customer) = &quote.customer {
            let label = customer.email.set().cloned().or_else(|| customer.display_name());
            self.contact("customer", label.as_deref());
        }
        for (i, person) in quote.contacts.set().into_iter().flatten().enumerate() {
            let label = person.email.set().cloned().or_else(|| person.display_name());
            self.contact(&format!("contacts[{i}]"), label.as_deref());
        }
    }

    fn contact(&mut self, path: &str, label: Option<&str>) {
        if let Some(value) = self.resolved(path, label)
            && let Value::Ref { id, .. } = &value
        {
            let path = format!("contacts[{id}]");
            self.put(path, value);
        }
    }

    fn resolved(&mut self, path: &str, written: Option<&str>) -> Option<Value> {
        let known = self.survey.refs.get(&self.quote.name).and_then(|refs| refs.get(path));
        let Some(known) = known else {
            self.unresolved = true;
            let told =
                self.survey.problems.iter().any(|p| p.quote.as_ref() == Some(&self.quote.name));
            if !told {
                let message = format!("`{path}` was not resolved in HubSpot");
                self.sink.error(path, "reference-not-found", message, "run the command again");
            }
            return None;
        };
        let label = if known.label.is_empty() { written.unwrap_or_default() } else { &known.label };
        Some(Value::Ref { id: known.id.as_str().to_owned(), label: label.to_owned() })
    }

    /// The currency of the quote's money, where anything says it.
    fn currency(&self, observed: Option<&Observed>) -> Option<Currency> {
        let said = |facts: &Facts| match facts.get(&Path::new("currency")) {
            Some(Value::Text(code)) => Currency::parse(code),
            _ => None,
        };
        let of_deal = || match self.facts.get(&Path::new("deal")) {
            Some(Value::Ref { id, .. }) => {
                self.portal.deal_currency.get(id).and_then(|code| Currency::parse(code))
            }
            _ => None,
        };
        self.quote.currency.or_else(|| observed.and_then(|o| said(&o.facts))).or_else(of_deal)
    }

    fn items(&mut self, currency: Option<Currency>, observed: Option<&Observed>) {
        let quote = self.quote;
        let asked = quote.currency.is_some() || self.currency(None).is_some();
        for (i, item) in quote.items.set().into_iter().flatten().enumerate() {
            let part = format!("items[{}]", item.key);
            let source = format!("items[{i}]");
            self.item(&part, &source, item, currency);
            // Nothing but the quote upstream says a currency: a line that was made without one
            // has the account's, as the quote has, and that is no change that anybody asked for.
            let at = Path::of(&part, "currency");
            let bare = |o: &Observed| o.parts.contains_key(&part) && !o.facts.contains_key(&at);
            if !asked && observed.is_some_and(bare) {
                self.facts.remove(&at);
            }
            self.put(format!("{part}.position"), position(i));
        }
    }

    fn item(&mut self, part: &str, source: &str, item: &Item, currency: Option<Currency>) {
        let at = |field: &str| format!("{part}.{field}");
        let text = |t: &String| Value::text(t.replace("\r\n", "\n"));
        self.put_wish(&at("name"), &item.name, text);
        self.put_wish(&at("description"), &item.description, text);
        self.put_wish(&at("sku"), &item.sku, text);
        self.put(at("quantity"), Value::Number(item.quantity));
        self.put_wish(&at("price"), &item.price, |p| Value::Number(*p));
        if let Some(currency) = currency {
            self.put(at("currency"), Value::text(currency.code()));
        }
        if item.discount.is_owned() {
            let digits = currency.map_or(2, Currency::digits);
            let (percent, amount) = self.discount(source, item, digits);
            self.put(at("discount.percent"), percent);
            self.put(at("discount.amount"), amount);
        }
        match &item.recurring {
            Wish::Unowned => {}
            Wish::Clear => {
                self.put(at("recurring.every"), Value::Empty);
                self.put(at("recurring.for"), Value::Empty);
            }
            Wish::Set(recurring) => {
                // What does not fit was an error of the offline check.
                let Some(word) = value::frequency(recurring.every) else { return };
                self.put(at("recurring.every"), value::cycle_of(word));
                let term = recurring.term.map_or(Ok(Value::Empty), |t| value::term(word, t));
                self.put(at("recurring.for"), term.unwrap_or(Value::Empty));
            }
        }
        if item.taxable == Wish::Set(false) {
            self.put(at("hubspot.hs_tax_rate_group_id"), Value::Empty);
        }
        if let Some(block) = item.native.get("hubspot") {
            self.native(Object::LineItem, &format!("{part}."), &format!("{source}."), block);
        }
    }

    /// Percent and amount per unit of a line's discount; the one that is not used is cleared.
    fn discount(&mut self, source: &str, item: &Item, digits: u32) -> (Value, Value) {
        let filled = |a: Amount| if a.is_zero() { Value::Empty } else { Value::Number(a) };
        let Some(discount) = item.discount.set() else { return (Value::Empty, Value::Empty) };
        match (discount.measure, discount.per) {
            (Measure::Percent(p), _) => (filled(p), Value::Empty),
            (Measure::Amount(a), Per::Unit) => (Value::Empty, filled(a)),
            (Measure::Amount(a), Per::Line) => {
                // Told offline too, unless only HubSpot knows the currency.
                match value::off_each_unit(a, item.quantity, digits) {
                    Ok(unit) => (Value::Empty, filled(unit)),
                    Err(why) => {
                        let path = format!("{source}.discount");
                        let help = value::NOT_EXACT_HELP;
                        self.sink.error(&path, "discount-not-exact", why, help);
                        (Value::Empty, Value::Empty)
                    }
                }
            }
        }
    }

    fn adjustments(&mut self, list: &str, wish: &Wish<Vec<Adjustment>>) {
        for (i, a) in wish.set().into_iter().flatten().enumerate() {
            let at = |field: &str| format!("{list}[{}].{field}", a.key);
            let (percent, amount) = match a.measure {
                Measure::Percent(p) => (Value::Number(p), Value::Empty),
                Measure::Amount(v) => (Value::Empty, Value::Number(v)),
            };
            self.put(at("label"), Value::text(a.label.clone()));
            self.put(at("percent"), percent);
            self.put(at("amount"), amount);
            self.put(at("position"), position(i));
        }
    }

    fn native(&mut self, object: Object, part: &str, source: &str, block: &NativeBlock) {
        for (name, wish) in block {
            let place = format!("{source}hubspot.{name}");
            if wish.is_owned()
                && let Some(name) = self.writable(object, &place, name)
                && let Some(value) = self.value(object, &place, &name, wish)
            {
                let path = format!("{part}hubspot.{name}");
                self.put(path, value);
            }
        }
    }

    fn fields(&mut self) {
        let quote = self.quote;
        for (written, wish) in &quote.fields {
            let place = format!("fields.{written}");
            if !wish.is_owned() {
                continue;
            }
            let name = match self.portal.name_of(Object::Quote, written) {
                Ok(name) => name,
                Err(several) if !several.is_empty() => {
                    self.sink.error(
                        &place,
                        "reference-ambiguous",
                        format!("several properties of quotes are labelled `{written}`"),
                        format!("write the internal name: {}", several.join(", ")),
                    );
                    continue;
                }
                Err(_) => written.clone(),
            };
            // By its label, a property may be one that a neutral word says.
            if let Some(word) = mapping::native(Object::Quote, &name).and_then(|n| n.word) {
                let message = format!("`{written}` is what `{word}` says");
                let help = format!("write `{word}` instead");
                self.sink.error(&place, "native-neutral", message, help);
                continue;
            }
            if let Some(name) = self.writable(Object::Quote, &place, &name)
                && let Some(value) = self.value(Object::Quote, &place, &name, wish)
            {
                self.put(format!("fields[{name}]"), value);
            }
        }
    }

    /// The property's name, if the portal has it and lets us write it.
    fn writable(&mut self, object: Object, place: &str, name: &str) -> Option<String> {
        if !self.portal.knows(object) {
            return Some(name.to_owned());
        }
        let Some(definition) = self.portal.definition(object, name) else {
            let help = match self.portal.nearest(object, name) {
                Some(near) => format!("did you mean `{near}`?"),
                None => {
                    format!("HubSpot lists them under Settings, Properties, {}s", object.word())
                }
            };
            let message =
                format!("this HubSpot account has no property `{name}` on {}s", object.word());
            self.sink.error(place, "native-unknown", message, help);
            return None;
        };
        if definition.mode == Mode::ReadOnly {
            let message = format!("`{name}` cannot be written in this HubSpot account");
            self.sink.error(place, "native-read-only", message, "remove the line");
            return None;
        }
        Some(name.to_owned())
    }

    fn value(
        &mut self,
        object: Object,
        place: &str,
        name: &str,
        wish: &Wish<crate::facts::Plain>,
    ) -> Option<Value> {
        let Wish::Set(plain) = wish else { return Some(Value::Empty) };
        match value::from_plain(&self.portal.kind(object, name), plain) {
            Ok(v) => Some(v),
            Err(why) => {
                let help = "see HubSpot's property settings";
                self.sink.error(place, "native-value", format!("`{name}`: {why}"), help);
                None
            }
        }
    }
}

/// The place of the n-th element of a list.
pub fn position(index: usize) -> Value {
    Value::Number(Amount::from_int(i64::try_from(index).unwrap_or(i64::MAX)))
}
