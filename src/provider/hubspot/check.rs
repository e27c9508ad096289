//! Offline checks: what HubSpot will not take, said before anything is sent.
//!
//! Purpose: every neutral field that the table of [`super::mapping`] refuses, every value that
//! HubSpot cannot hold exactly, and the native fields that can be judged without the portal. All
//! problems of a quote are reported at once, each at its place with the way out.

use super::mapping::{self, native};
use super::operation::Object;
use super::{QuoteSystem, Settings, StampPlace, status, value};
use crate::desired::{
    Adjustment, Channel, Item, LineDiscount, Measure, Per, Person, Quote, WantedState, Wish,
};
use crate::facts::Plain;
use crate::failure::Diagnostic;
use crate::money::{Amount, Currency};
use crate::provider::capability::{Mode, Sink};
use crate::provider::state::State;

/// Digits behind the point that no currency has more of.
const MOST_DIGITS: u32 = 28;

/// For problems of a quote.
pub fn sink(quote: &Quote) -> Sink<'_> {
    Sink::new(quote, mapping::TITLE, mapping::NEUTRAL)
}

/// All offline problems of a quote.
pub fn check(settings: &Settings, quote: &Quote) -> Vec<Diagnostic> {
    let mut sink = sink(quote);
    head(&mut sink);
    people(&mut sink);
    adjustments(&mut sink, settings);
    if let Wish::Set(items) = &quote.items {
        for (i, item) in items.iter().enumerate() {
            line(&mut sink, settings, &format!("items[{i}]"), item);
        }
    }
    if let Some(block) = quote.native.get("hubspot") {
        for (name, wish) in block {
            let path = format!("hubspot.{name}");
            native_field(&mut sink, settings, Object::Quote, &path, name, wish);
        }
    }
    for name in quote.fields.keys() {
        let path = format!("fields.{name}");
        reserved(&mut sink, settings, Object::Quote, &path, name);
    }
    sink.found
}

fn head(sink: &mut Sink<'_>) {
    let quote = sink.quote;
    if let Some(why) = quote.state.and_then(status::refusal) {
        let state = quote.state.map(WantedState::word).unwrap_or_default();
        sink.error(
            "state",
            "state-refused",
            format!("HubSpot cannot bring a quote into `{state}`"),
            why,
        );
    }
    for (path, cleared) in [
        ("title", matches!(quote.title, Wish::Clear)),
        ("expires", matches!(quote.expires, Wish::Clear)),
    ] {
        if cleared {
            sink.cannot_clear(path, "leave the line out to leave the value alone");
        }
    }
    if quote.shipping.is_owned() && quote.shipping != Wish::Clear {
        sink.refused("shipping", "shipping");
    }
    if quote.notes.customer.set().is_some() {
        sink.refused("notes.customer", "notes.customer");
    }
    if quote.alternatives.set().is_some_and(|a| !a.is_empty()) {
        sink.refused("alternatives", "alternatives");
    }
    let delivery = &quote.delivery;
    let asks = delivery.message.set().is_some()
        || [delivery.include_pdf, delivery.include_link, delivery.copy_owner].contains(&Some(true));
    if match delivery.channel {
        Some(Channel::None) => false,
        Some(_) => true,
        None => asks,
    } {
        sink.refused("delivery", "delivery");
    }
}

fn people(sink: &mut Sink<'_>) {
    let quote = sink.quote;
    let mut check = |path: &str, person: &Person| {
        if person.id.set().is_none() && person.email.set().is_none() {
            sink.error(
                path,
                "contact-unresolvable",
                "HubSpot refers to a person by e-mail address or id, and neither is written",
                "add `email:` or `id:`",
            );
        }
    };
    if let Some(customer) = &quote.customer {
        check("customer", customer);
    }
    for (i, person) in quote.contacts.set().into_iter().flatten().enumerate() {
        check(&format!("contacts[{i}]"), person);
    }
}

fn adjustments(sink: &mut Sink<'_>, settings: &Settings) {
    let quote = sink.quote;
    let lists: [(&str, &Wish<Vec<Adjustment>>); 3] =
        [("discounts", &quote.discounts), ("fees", &quote.fees), ("taxes", &quote.taxes)];
    for (list, wish) in lists {
        let Some(all) = wish.set().filter(|all| !all.is_empty()) else { continue };
        if settings.system == QuoteSystem::Cpq {
            let help = match list {
                "discounts" => "discount the items instead",
                "taxes" => "use `hubspot: { hs_tax_rate_group_id: .. }` on the items",
                _ => "add an item instead",
            };
            let message = format!("CPQ quotes of HubSpot have no `{list}` on the whole quote");
            sink.error(list, "field-refused", message, help);
        }
        for (i, a) in all.iter().enumerate() {
            measure(sink, &format!("{list}[{i}]"), a.measure);
        }
    }
}

fn measure(sink: &mut Sink<'_>, path: &str, measure: Measure) {
    let (shown, fine) = match measure {
        Measure::Percent(p) => (p, !p.is_negative() && p <= Amount::HUNDRED),
        Measure::Amount(a) => (a, !a.is_negative()),
    };
    if !fine {
        let message = format!("HubSpot does not take `{shown}` here");
        sink.error(
            path,
            "measure-out-of-range",
            message,
            "a percent is 0 to 100, an amount is not below 0",
        );
    }
}

fn line(sink: &mut Sink<'_>, settings: &Settings, path: &str, item: &Item) {
    let at = |field: &str| format!("{path}.{field}");
    let native_block = item.native.get("hubspot");
    let has = |name: &str| native_block.is_some_and(|b| matches!(b.get(name), Some(Wish::Set(_))));
    if item.quantity.is_zero() || item.quantity.is_negative() {
        sink.error(
            &at("quantity"),
            "quantity-not-positive",
            format!("HubSpot needs a quantity above 0, and this is `{}`", item.quantity),
            "remove the item instead",
        );
    }
    if item.price.set().is_some_and(|p| p.is_negative()) {
        sink.error(
            &at("price"),
            "price-negative",
            "HubSpot refuses negative prices",
            "write a credit as a discount",
        );
    }
    if item.price.set().is_some() && (has("hs_tier_prices") || has("hs_pricing_model")) {
        sink.error(
            &at("price"),
            "price-with-tiers",
            "a line with tiered pricing has its prices in `hs_tier_prices`",
            "remove `price`, or the tiers",
        );
    }
    if let Wish::Set(discount) = &item.discount {
        measure(sink, &at("discount"), discount.measure);
        off(sink, &at("discount"), item, discount);
        if discount.label.is_some() {
            sink.refused(&at("discount"), "items[].discount.label");
        }
    }
    match &item.taxable {
        Wish::Set(true) if !has("hs_tax_rate_group_id") => {
            sink.refused(&at("taxable"), "items[].taxable");
        }
        Wish::Set(false) if has("hs_tax_rate_group_id") => sink.error(
            &at("taxable"),
            "field-contradiction",
            "`taxable: false` contradicts `hs_tax_rate_group_id`",
            "keep one of them",
        ),
        _ => {}
    }
    if let Wish::Set(recurring) = &item.recurring {
        match value::frequency(recurring.every) {
            None => sink.error(
                &at("recurring"),
                "recurring-unsupported",
                "HubSpot has no such billing cycle",
                "it has week, 2 weeks, month, quarter, 6 months, year, and 2, 3, 4 or 5 years",
            ),
            Some(frequency) => {
                if let Some(Err(why)) = recurring.term.map(|t| value::term(frequency, t)) {
                    sink.error(
                        &at("recurring"),
                        "recurring-unsupported",
                        why,
                        "change `for`, or the cycle",
                    );
                }
            }
        }
    }
    if item.properties.set().is_some_and(|p| !p.is_empty()) {
        sink.refused(&at("properties"), "items[].properties");
    }
    for (name, wish) in native_block.into_iter().flatten() {
        native_field(sink, settings, Object::LineItem, &at(&format!("hubspot.{name}")), name, wish);
    }
}

/// An amount off a line: it divides by the quantity, and is not more than the line.
fn off(sink: &mut Sink<'_>, path: &str, item: &Item, discount: &LineDiscount) {
    let Measure::Amount(amount) = discount.measure else { return };
    if amount.is_negative() || item.quantity <= Amount::ZERO {
        return;
    }
    if discount.per == Per::Line {
        // A currency that only the deal says may have more digits than any guess.
        let digits = sink.quote.currency.map_or(MOST_DIGITS, Currency::digits);
        if let Err(why) = value::off_each_unit(amount, item.quantity, digits) {
            sink.error(path, "discount-not-exact", why, value::NOT_EXACT_HELP);
        }
    }
    let Some(gross) = item.price.set().and_then(|p| p.times(item.quantity)) else { return };
    let off = match discount.per {
        Per::Line => Some(amount),
        Per::Unit => amount.times(item.quantity),
    };
    if off.is_none_or(|off| off > gross) {
        let message = format!("the discount is more than the line's {gross}");
        sink.error(path, "discount-too-large", message, "lower it: a line costs 0 at least");
    }
}

/// Names that a neutral word or a setting says; true when refused.
fn reserved(
    sink: &mut Sink<'_>,
    settings: &Settings,
    object: Object,
    path: &str,
    name: &str,
) -> bool {
    let setting = match &settings.stamp {
        StampPlace::Property(stamp) if stamp == name => Some("stamp_property"),
        StampPlace::Slug if name == "hs_slug" && object == Object::Quote => Some("stamp: slug"),
        _ if name == "hs_template_type" && settings.system == QuoteSystem::Cpq => {
            Some("quote_system")
        }
        _ => None,
    };
    if let Some(setting) = setting {
        let message = format!("`{name}` is kept by proforma");
        sink.error(
            path,
            "native-reserved",
            message,
            format!("the connection's `{setting}` says it"),
        );
        return true;
    }
    let Some(known) = native(object, name) else { return false };
    // Raw HTML is what the neutral notes cannot say.
    let free = match name {
        "hs_comments" => !sink.quote.notes.public.is_owned(),
        "hs_terms" => !sink.quote.notes.terms.is_owned(),
        _ => false,
    };
    if let Some(word) = known.word
        && !free
    {
        let message = format!("`{name}` is what `{word}` says");
        sink.error(path, "native-neutral", message, format!("write `{word}` instead"));
        return true;
    }
    if known.mode == Mode::ReadOnly {
        let message = format!("HubSpot computes `{name}`, it cannot be written");
        sink.error(path, "native-read-only", message, "remove the line");
        return true;
    }
    false
}

fn native_field(
    sink: &mut Sink<'_>,
    settings: &Settings,
    object: Object,
    path: &str,
    name: &str,
    wish: &Wish<Plain>,
) {
    if reserved(sink, settings, object, path, name) {
        return;
    }
    let Some(known) = native(object, name) else { return };
    if let Wish::Set(plain) = wish
        && let Err(why) = value::from_plain(&known.shape.kind(), plain)
    {
        sink.error(
            path,
            "native-value",
            format!("`{name}`: {why}"),
            "see HubSpot's property settings",
        );
    }
}

/// What a quote needs to be made at all, and to be shown to a customer.
pub fn creation(settings: &Settings, sink: &mut Sink<'_>) {
    let quote = sink.quote;
    for (path, there) in [("title", quote.title.is_owned()), ("expires", quote.expires.is_owned())]
    {
        if !there {
            let message = format!("HubSpot needs `{path}` to make a quote");
            sink.error("", "missing-field", message, format!("add `{path}:`"));
        }
    }
    let live = quote.state.is_some_and(|s| status::is_open_to_customer(&State::Plain(s)));
    if !live {
        return;
    }
    let cpq = settings.system == QuoteSystem::Cpq;
    let person = quote.customer.is_some() || quote.contacts.set().is_some_and(|c| !c.is_empty());
    for (path, there) in [
        ("deal", quote.deal.set().is_some()),
        ("template", cpq || quote.template.set().is_some()),
        ("items", quote.items.set().is_some_and(|i| !i.is_empty())),
        ("customer", !cpq || person),
    ] {
        if !there {
            let message = format!("HubSpot publishes no quote without `{path}`");
            sink.error(
                "state",
                "missing-field",
                message,
                format!("add `{path}:`, or stay with `state: draft`"),
            );
        }
    }
}
