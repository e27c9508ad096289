//! Offline checks: what SalesByte will not take, said before anything is sent.
//!
//! Purpose: a creation cannot be taken back or corrected, so everything that can be judged without
//! SalesByte is judged here: refused fields, conditions between fields, shapes of addresses and
//! numbers. All problems of a quote are reported at once, each at its place with the way out.

use std::collections::BTreeSet;

use super::mapping::{self, Shape};
use super::value::{self, Phone};
use super::wanted::{self, Identifier};
use super::{Settings, status};
use crate::desired::{Alternative, Channel, Item, Person, Quote, WantedState, Wish};
use crate::facts::Plain;
use crate::failure::Diagnostic;
use crate::money::Amount;
use crate::provider::capability::Sink;

/// How many tags a quote has room for.
const TAGS: usize = 10;

/// Why nothing that SalesByte holds can be emptied.
pub(super) const LEAVE: &str = "leave the line out to leave it to SalesByte";

/// All offline problems of a quote.
pub fn check(settings: &Settings, quote: &Quote) -> Vec<Diagnostic> {
    let mut sink = Sink::new(quote, mapping::TITLE, mapping::NEUTRAL);
    head(&mut sink, settings);
    delivery(&mut sink);
    customer(&mut sink);
    refusals(&mut sink);
    content(&mut sink);
    fields(&mut sink, settings);
    super::check_native::natives(&mut sink, settings);
    sink.found
}

fn head(sink: &mut Sink<'_>, settings: &Settings) {
    let quote = sink.quote;
    if let Some((state, why)) = quote.state.and_then(|s| Some((s, status::refusal(s)?))) {
        let message = format!("SalesByte cannot bring a quote into `{state}`");
        sink.error("state", "state-refused", message, why);
    }
    match (quote.currency, settings.currency) {
        (Some(said), Some(theirs)) if said != theirs => sink.error(
            "currency",
            "currency-mismatch",
            format!("the quote is in {said}, and the connection says that SalesByte's products are in {theirs}"),
            "the currency is SalesByte's own: remove the line, or use another connection",
        ),
        (Some(said), None) => sink.error(
            "currency",
            "currency-unknowable",
            format!("whether SalesByte's products are in {said} cannot be known"),
            "write `currency:` on the connection, or remove it from the quote",
        ),
        _ => {}
    }
    match &quote.owner {
        Wish::Clear => sink.cannot_clear("owner", LEAVE),
        Wish::Set(owner) if wanted::owner_email(owner).is_none() => sink.error(
            "owner",
            "owner-unresolvable",
            "SalesByte knows its salespeople by e-mail address, and none is written",
            "write the address: `owner: jane@seller.example`",
        ),
        _ => {}
    }
    let named = quote.native.get("salesbyte").is_some_and(|b| b.contains_key("quote_profile_id"));
    if settings.profile.is_none() && !named {
        sink.error(
            "",
            "missing-field",
            "SalesByte makes a quote by a quote profile, and none is named",
            "write `quote_profile_id:` on the connection, or `salesbyte: { quote_profile_id: .. }`",
        );
    }
}

fn delivery(sink: &mut Sink<'_>) {
    let quote = sink.quote;
    let delivery = &quote.delivery;
    let at_rest = matches!(quote.state, None | Some(WantedState::Draft));
    match delivery.channel {
        Some(Channel::None) if quote.state == Some(WantedState::Sent) => sink.error(
            "delivery.channel",
            "field-contradiction",
            "`state: sent` needs a way to send",
            "write `channel: email`, `sms`, `dual` or `auto`, or `state: draft`",
        ),
        Some(channel) if channel != Channel::None && at_rest => sink.error(
            "delivery.channel",
            "field-contradiction",
            "SalesByte sends a quote when it is made or not at all, and this one is a draft",
            "write `state: sent`, or `channel: none`",
        ),
        _ => {}
    }
    for (path, there) in [
        ("delivery.include_pdf", delivery.include_pdf == Some(true)),
        ("delivery.include_link", delivery.include_link.is_some()),
        ("delivery.copy_owner", delivery.copy_owner == Some(true)),
    ] {
        if there {
            sink.refused(path, path);
        }
    }
    for (path, wish) in
        [("delivery.message", &delivery.message), ("notes.public", &quote.notes.public)]
    {
        if *wish == Wish::Clear {
            sink.cannot_clear(path, LEAVE);
        }
    }
    if let (Some(message), Some(note)) = (delivery.message.set(), quote.notes.public.set())
        && message != note
    {
        sink.error(
            "notes.public",
            "field-contradiction",
            "SalesByte has one text to the customer, and `delivery.message` says another one",
            "keep one of the two",
        );
    }
    let signable = quote.native.get("salesbyte").and_then(|b| b.get("signable"));
    if quote.state == Some(WantedState::Sent) && signable.is_none() {
        sink.warning(
            "state",
            "not-signable",
            "the customer will not be able to sign this quote",
            "write `salesbyte: { signable: true }`, or `false` to say that it is meant",
        );
    }
}

fn customer(sink: &mut Sink<'_>) {
    let quote = sink.quote;
    let nobody = Person::default();
    let person = quote.customer.as_ref().unwrap_or(&nobody);
    if person.display_name().is_none_or(|n| n.trim().is_empty()) {
        sink.error(
            "customer",
            "missing-field",
            "SalesByte needs the customer's name to make a quote",
            "add `customer: { name: .. }`",
        );
    }
    let (email, phone) = (person.email.set(), person.phone.set());
    let channel = wanted::channel(quote);
    let word = channel.map_or("", wanted::send_type);
    let mut need = |there: bool, path: &str, what: &str| {
        if !there {
            let message = format!("sending by `{word}` needs the customer's {what}");
            sink.error(path, "missing-field", message, format!("add `{path}`"));
        }
    };
    if matches!(channel, Some(Channel::Email | Channel::Dual)) {
        need(email.is_some(), "customer.email", "e-mail address");
    }
    if matches!(channel, Some(Channel::Sms | Channel::Dual)) {
        need(phone.is_some(), "customer.phone", "phone number");
    }
    let triggered = matches!(
        quote.native.get("salesbyte").and_then(|b| b.get("trigger_created_messages_to_customer")),
        Some(Wish::Set(plain)) if value::from_plain(Shape::Flag, plain) == Ok(crate::facts::Value::Bool(true))
    );
    if (channel == Some(Channel::Auto) || triggered) && email.is_none() && phone.is_none() {
        sink.warning(
            "customer",
            "nobody-to-tell",
            "the quote is to be announced to a customer without e-mail address and phone number",
            "add `customer.email` or `customer.phone`",
        );
    }
    match phone.map(|p| value::judge_phone(p)) {
        Some(Phone::Wrong) => sink.error(
            "customer.phone",
            "phone-format",
            "SalesByte wants phone numbers in international form",
            "write `+46` and nine digits, such as `+46768741810`",
        ),
        Some(Phone::Foreign) => sink.warning(
            "customer.phone",
            "phone-foreign",
            "SalesByte documents Swedish phone numbers only (`+46` and nine digits)",
            "it may refuse this one; leave it out unless it is needed",
        ),
        _ => {}
    }
}

fn refusals(sink: &mut Sink<'_>) {
    let quote = sink.quote;
    for (path, there) in [
        ("contacts", quote.contacts.set().is_some_and(|c| !c.is_empty())),
        ("template", quote.template.set().is_some()),
        ("discounts", quote.discounts.set().is_some_and(|a| !a.is_empty())),
        ("fees", quote.fees.set().is_some_and(|a| !a.is_empty())),
        ("taxes", quote.taxes.set().is_some_and(|a| !a.is_empty())),
        ("shipping", quote.shipping.set().is_some()),
        ("notes.terms", quote.notes.terms.set().is_some()),
        ("notes.customer", quote.notes.customer.set().is_some()),
    ] {
        if there {
            sink.refused(path, path);
        }
    }
    if let Some(tags) = quote.tags.set() {
        if tags.len() > TAGS {
            let message =
                format!("SalesByte has room for {TAGS} tags, and these are {}", tags.len());
            sink.error("tags", "too-many-tags", message, "keep ten of them");
        }
        if tags.iter().any(|t| t.trim().is_empty()) {
            sink.error("tags", "empty-tag", "an empty tag says nothing", "remove it");
        }
    }
}

fn content(sink: &mut Sink<'_>) {
    let quote = sink.quote;
    let items = quote.items.set().map_or(&[][..], Vec::as_slice);
    let alternatives = quote.alternatives.set().map_or(&[][..], Vec::as_slice);
    for (i, item) in items.iter().enumerate() {
        line(sink, &format!("items[{i}]"), item, items.len());
    }
    let skus: Vec<String> = items
        .iter()
        .filter_map(|i| match wanted::identifier_of(i) {
            Some(Identifier::Sku(sku)) => Some(sku),
            _ => None,
        })
        .collect();
    twice(sink, "items", &skus);
    if !items.is_empty() && !alternatives.is_empty() {
        sink.error(
            "alternatives",
            "field-contradiction",
            "`items` are one alternative of a SalesByte quote, and `alternatives` names others",
            "keep one of the two",
        );
    }
    let legacy: Vec<&String> = quote
        .native
        .get("salesbyte")
        .into_iter()
        .flatten()
        .map(|(name, _)| name)
        .filter(|name| mapping::is_legacy_alternative(name))
        .collect();
    if let Some(name) = legacy.first().filter(|_| !items.is_empty() || !alternatives.is_empty()) {
        sink.error(
            &format!("salesbyte.{name}"),
            "field-contradiction",
            "SalesByte does not say which wins, the legacy slots or the list of alternatives",
            "use `alternatives` alone",
        );
    }
    each_alternative(sink, alternatives);
}

fn each_alternative(sink: &mut Sink<'_>, alternatives: &[Alternative]) {
    let mut orders = BTreeSet::new();
    for (i, a) in alternatives.iter().enumerate() {
        let path = format!("alternatives[{i}]");
        if a.bundle_id.is_none() && a.skus.is_empty() {
            let message = "an alternative needs a bundle or SKUs";
            sink.error(&path, "missing-field", message, "add `bundle_id` or `skus`");
        }
        twice(sink, &format!("{path}.skus"), &a.skus);
        if a.sort_order.is_some_and(|order| !orders.insert(order)) {
            sink.error(
                &format!("{path}.sort_order"),
                "duplicate-sort-order",
                "another alternative has this place already",
                "give each alternative a place of its own",
            );
        }
    }
}

/// What a SKU that is named twice means is documented nowhere.
fn twice(sink: &mut Sink<'_>, path: &str, skus: &[String]) {
    let mut seen = BTreeSet::new();
    if let Some(sku) = skus.iter().find(|s| !seen.insert(s.as_str())) {
        sink.error(
            path,
            "duplicate-sku",
            format!("`{sku}` is named twice, and SalesByte does not say what that means"),
            "make a bundle that holds two of it, and name the bundle",
        );
    }
}

fn line(sink: &mut Sink<'_>, path: &str, item: &Item, count: usize) {
    let at = |field: &str| format!("{path}.{field}");
    if item.quantity != Amount::from_int(1) {
        sink.refused(&at("quantity"), "items[].quantity");
    }
    if item.price.set().is_some() {
        sink.refused(&at("price"), "items[].price");
    }
    if item.discount.set().is_some() {
        sink.refused(&at("discount"), "items[].discount");
    }
    if item.taxable.set().is_some() {
        sink.refused(&at("taxable"), "items[].taxable");
    }
    if item.recurring.set().is_some() {
        sink.refused(&at("recurring"), "items[].recurring");
    }
    if item.properties.set().is_some_and(|p| !p.is_empty()) {
        sink.refused(&at("properties"), "items[].properties");
    }
    let block = item.native.get("salesbyte");
    for (name, wish) in block.into_iter().flatten() {
        let place = at(&format!("salesbyte.{name}"));
        match (name.as_str(), wish) {
            ("bundle_id", Wish::Set(plain)) => {
                if let Err(why) = value::from_plain(Shape::Whole, plain) {
                    sink.error(
                        &place,
                        "native-value",
                        format!("`bundle_id` {why}"),
                        "see SalesByte's bundles",
                    );
                }
            }
            ("sku", Wish::Set(plain)) if plain.scalar().is_some_and(|s| !s.is_empty()) => {}
            ("bundle_id" | "sku", Wish::Clear | Wish::Unowned) => {}
            ("sku", _) => {
                sink.error(
                    &place,
                    "native-value",
                    "`sku` must be text",
                    "see SalesByte's products",
                );
            }
            _ => sink.error(
                &place,
                "native-unknown",
                format!("an item has no field `{name}` in SalesByte"),
                "it has `sku` or `bundle_id`",
            ),
        }
    }
    let has = |name: &str| block.and_then(|b| b.get(name)).is_some_and(|w| w.set().is_some());
    if has("bundle_id") && has("sku") {
        sink.error(
            &at("salesbyte"),
            "field-contradiction",
            "SalesByte ignores SKUs beside a bundle",
            "keep one of `sku` and `bundle_id`",
        );
    }
    match wanted::identifier_of(item) {
        None => sink.error(
            path,
            "item-unidentified",
            "SalesByte knows what it sells by SKU or bundle, and this item names neither",
            "add `sku:`, or `salesbyte: { sku: .. }` or `{ bundle_id: .. }` here or in the catalog",
        ),
        Some(Identifier::Bundle(_)) if count > 1 => sink.error(
            path,
            "bundle-beside-items",
            "a bundle is a whole alternative of a SalesByte quote, and there are other items",
            "make a bundle that holds all of them, or write `alternatives`",
        ),
        Some(_) => {}
    }
}

fn fields(sink: &mut Sink<'_>, settings: &Settings) {
    for (name, wish) in &sink.quote.fields {
        let path = format!("fields.{name}");
        if settings.stamp.as_ref().is_some_and(|s| s.name == *name) {
            let message = format!("the custom field `{name}` is kept by proforma");
            sink.error(&path, "native-reserved", message, "the connection's `stamp_field` says it");
        }
        if matches!(wish, Wish::Clear | Wish::Set(Plain::Null)) {
            sink.cannot_clear(&path, LEAVE);
        }
    }
}
