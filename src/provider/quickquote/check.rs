//! Offline checks: what Quick Quote will not take, said before anything is sent.
//!
//! Purpose: every neutral field that the table of [`super::mapping`] refuses, every value that the
//! shop cannot hold exactly, and the native fields. All problems of a quote are reported at once,
//! each at its place with the way out.

use super::mapping::{self, Place, Shape};
use super::{STAMP_KEY, STAMP_TAG, Settings, status, total};
use crate::desired::{
    Adjustment, Channel, Item, Measure, Per, Person, Quote, Reference, WantedState, Wish,
};
use crate::facts::Plain;
use crate::failure::Diagnostic;
use crate::money::{Amount, Currency};
use crate::provider::capability::{Mode, Sink};

/// For problems of a quote.
pub fn sink(quote: &Quote) -> Sink<'_> {
    Sink::new(quote, mapping::TITLE, mapping::NEUTRAL)
}

/// All offline problems of a quote.
pub fn check(settings: &Settings, quote: &Quote) -> Vec<Diagnostic> {
    let mut sink = sink(quote);
    head(&mut sink);
    currency(&mut sink, settings);
    people(&mut sink);
    delivery(&mut sink);
    discounts(&mut sink, settings);
    for (i, item) in quote.items.set().into_iter().flatten().enumerate() {
        line(&mut sink, &format!("items[{i}]"), item);
    }
    for (name, wish) in quote.native.get("quickquote").into_iter().flatten() {
        native_field(&mut sink, Place::Quote, &format!("quickquote.{name}"), name, wish);
    }
    sink.found
}

fn head(sink: &mut Sink<'_>) {
    let quote = sink.quote;
    if let Some(why) = quote.state.and_then(status::refusal) {
        let state = quote.state.map(WantedState::word).unwrap_or_default();
        let message = format!("Quick Quote cannot bring a quote into `{state}`");
        sink.error("state", "state-refused", message, why);
    }
    let some = |list: Option<&Vec<_>>| list.is_some_and(|l: &Vec<_>| !l.is_empty());
    for (path, asks) in [
        ("expires", quote.expires.set().is_some()),
        ("template", quote.template.set().is_some()),
        ("fees", some(quote.fees.set())),
        ("taxes", some(quote.taxes.set())),
        ("contacts", quote.contacts.set().is_some_and(|c| !c.is_empty())),
        ("alternatives", quote.alternatives.set().is_some_and(|a| !a.is_empty())),
        ("notes.terms", quote.notes.terms.set().is_some()),
    ] {
        if asks {
            sink.refused(path, path);
        }
    }
    for (i, tag) in quote.tags.set().into_iter().flatten().enumerate() {
        let path = format!("tags[{i}]");
        if tag.contains(',') || tag.trim() != tag || tag.is_empty() {
            let message = format!("`{tag}` cannot be one tag: the shop joins tags by commas");
            sink.error(
                &path,
                "tag-unfit",
                message,
                "write it as several tags, without spaces around",
            );
        } else if tag.starts_with(STAMP_TAG) {
            let message = format!("tags that begin with `{STAMP_TAG}` are kept by proforma");
            sink.error(&path, "tag-reserved", message, "take it out");
        }
    }
    if let Wish::Set(Reference::Id { id, .. }) = &quote.owner
        && !is_id(id)
    {
        let help = "write the number that Quick Quote's `assignee_id` has, or the name";
        sink.error("owner", "id-unfit", format!("`{id}` is no assignee of Quick Quote"), help);
    }
    if let Some(shipping) = quote.shipping.set() {
        money(sink, "shipping.price", shipping.price);
        if shipping.price.is_negative() {
            let help = "write a reduction as a discount";
            sink.error(
                "shipping.price",
                "price-negative",
                "shipping cannot cost less than 0",
                help,
            );
        }
    }
}

fn currency(sink: &mut Sink<'_>, settings: &Settings) {
    let Some(wanted) = sink.quote.currency else { return };
    match settings.currency {
        Some(shop) if shop == wanted => {}
        Some(shop) => sink.error(
            "currency",
            "currency-mismatch",
            format!("the quote is in {wanted}, and the shop of this connection sells in {shop}"),
            format!(
                "write the prices in {shop}, or use the connection of a shop that sells in {wanted}"
            ),
        ),
        None => sink.error(
            "currency",
            "currency-unknown",
            "Quick Quote does not tell the shop's currency, so this one cannot be checked",
            format!(
                "write `currency: {wanted}` on the connection if that is what the shop sells in"
            ),
        ),
    }
}

fn people(sink: &mut Sink<'_>) {
    let Some(customer) = &sink.quote.customer else { return };
    let Person { email, first_name, last_name, id, .. } = customer;
    for (field, wish) in [("email", email), ("first_name", first_name), ("last_name", last_name)] {
        if matches!(wish, Wish::Clear) {
            let message =
                format!("Quick Quote needs the customer's `{field}`: it cannot be cleared");
            sink.error(&format!("customer.{field}"), "cannot-clear", message, "write it");
        }
    }
    if let Some(id) = id.set().filter(|id| !is_id(id)) {
        let message = format!("`{id}` is no id of a Shopify customer");
        sink.error("customer.id", "id-unfit", message, "it is a number; write `null` to detach");
    }
}

fn delivery(sink: &mut Sink<'_>) {
    let delivery = &sink.quote.delivery;
    let sends = sink.quote.state == Some(WantedState::Sent);
    match delivery.channel {
        Some(Channel::Sms | Channel::Dual) => sink.error(
            "delivery.channel",
            "field-refused",
            "Quick Quote sends no text messages",
            "use `channel: email`",
        ),
        Some(Channel::None) if sends => sink.error(
            "delivery.channel",
            "field-contradiction",
            "`state: sent` mails the quote, and `channel: none` says not to",
            "take one of them out",
        ),
        _ => {}
    }
    if delivery.message.set().is_some() {
        sink.refused("delivery.message", "delivery.message");
    }
    let shows = [delivery.include_link, delivery.include_pdf].contains(&Some(true));
    if sends && !shows && delivery.channel != Some(Channel::None) {
        sink.warning(
            "state",
            "mail-without-quote",
            "the mail will hold neither the link nor the PDF of the quote",
            "write `delivery: { include_link: true }`",
        );
    }
}

fn discounts(sink: &mut Sink<'_>, settings: &Settings) {
    let Some(all) = sink.quote.discounts.set() else { return };
    if all.len() > 1 {
        sink.error(
            "discounts[1]",
            "one-discount",
            format!("Quick Quote takes one discount a quote, and these are {}", all.len()),
            "add them up, or discount the items",
        );
    }
    for (i, discount) in all.iter().enumerate() {
        let path = format!("discounts[{i}]");
        measure(sink, &path, discount.measure);
        nothing(sink, &path, discount.measure);
    }
    let digits = settings.currency.or(sink.quote.currency).map_or(2, Currency::digits);
    let items = sink.quote.items.set().into_iter().flatten();
    let mut nets = items.map(|item| total::net_of(item, digits));
    // One price that only the shop knows, and nobody can say.
    let sum = nets.try_fold(Amount::ZERO, |sum, net| sum.plus(net?));
    let (Some(sum), true) = (sum, sink.quote.items.is_owned()) else { return };
    if let [Adjustment { measure: Measure::Amount(off), .. }] = all.as_slice()
        && *off > sum
    {
        let message = format!("the discount is more than the {sum} of all lines");
        sink.error("discounts[0]", "discount-too-large", message, "lower it");
    }
}

/// The shop keeps no discount of nothing, so its label would not arrive.
fn nothing(sink: &mut Sink<'_>, path: &str, measure: Measure) {
    let (Measure::Percent(size) | Measure::Amount(size)) = measure;
    if size.is_zero() {
        let message = "Quick Quote keeps no discount of nothing, nor its label";
        sink.error(path, "discount-zero", message, "leave it out");
    }
}

fn measure(sink: &mut Sink<'_>, path: &str, measure: Measure) {
    let (shown, fine) = match measure {
        Measure::Percent(p) => {
            if p.significant_scale() > 2 {
                let message = format!(
                    "`{p}%` has more digits than Quick Quote keeps of a percent, which is 2"
                );
                sink.error(path, "too-many-decimals", message, "round it, or write the amount");
            }
            (p, !p.is_negative() && p <= Amount::HUNDRED)
        }
        Measure::Amount(a) => {
            money(sink, path, a);
            (a, !a.is_negative())
        }
    };
    if !fine {
        let message = format!("Quick Quote does not take `{shown}` here");
        let help = "a percent is 0 to 100, an amount is not below 0";
        sink.error(path, "measure-out-of-range", message, help);
    }
}

fn money(sink: &mut Sink<'_>, path: &str, amount: Amount) {
    if amount.significant_scale() > 2 {
        let message = format!("`{amount}` has more digits than Quick Quote keeps, which is 2");
        sink.error(path, "too-many-decimals", message, "round it");
    }
}

fn line(sink: &mut Sink<'_>, path: &str, item: &Item) {
    let at = |field: &str| format!("{path}.{field}");
    let block = item.native.get("quickquote");
    let catalogue = block.is_some_and(|b| matches!(b.get("variant_id"), Some(Wish::Set(_))));
    if item.quantity.to_int().is_none_or(|q| q < 1) {
        let message =
            format!("Quick Quote needs a whole quantity, and this is `{}`", item.quantity);
        sink.error(
            &at("quantity"),
            "quantity-not-whole",
            message,
            "put the fraction into the price",
        );
    }
    if let Some(price) = item.price.set() {
        money(sink, &at("price"), *price);
        if price.is_negative() {
            let help = "write a credit as a discount";
            sink.error(&at("price"), "price-negative", "a line cannot cost less than 0", help);
        }
    }
    if !catalogue {
        for (field, missing) in
            [("name", item.name.set().is_none()), ("price", item.price.set().is_none())]
        {
            if missing {
                sink.error(
                    path,
                    "line-incomplete",
                    format!("a line that is not from the shop's catalogue needs `{field}`: Quick Quote leaves it out else"),
                    format!("write `{field}`, or `quickquote: {{ variant_id: .. }}`"),
                );
            }
        }
        // The shop's own page describes a catalogue variant; a custom line has nothing but this.
        if item.description.set().is_some() {
            sink.refused(&at("description"), "items[].description");
        }
    }
    if item.recurring.set().is_some() {
        sink.refused(&at("recurring"), "items[].recurring");
    }
    if let Some(discount) = item.discount.set() {
        measure(sink, &at("discount"), discount.measure);
        if discount.label.is_some() {
            nothing(sink, &at("discount"), discount.measure);
        }
        if let (Measure::Amount(a), Some(price)) = (discount.measure, item.price.set()) {
            let gross = price.times(item.quantity).unwrap_or_default();
            let off = match discount.per {
                Per::Line => Some(a),
                Per::Unit => a.times(item.quantity),
            };
            if off.is_none_or(|off| off > gross) {
                let message = format!("the discount is more than the line's {gross}");
                sink.error(&at("discount"), "discount-too-large", message, "lower it");
            }
        }
    }
    for (key, _) in item.properties.set().into_iter().flatten() {
        if key == STAMP_KEY {
            let message = format!("the property `{STAMP_KEY}` is kept by proforma");
            sink.error(&at("properties"), "native-reserved", message, "take it out");
        }
    }
    for (name, wish) in block.into_iter().flatten() {
        native_field(sink, Place::Line, &at(&format!("quickquote.{name}")), name, wish);
    }
    let has = |name: &str| block.is_some_and(|b| matches!(b.get(name), Some(Wish::Set(_))));
    if has("weight") != has("weight_units") {
        let message = "`weight` and `weight_units` go together";
        sink.error(&at("quickquote"), "weight-incomplete", message, "write both");
    }
}

fn native_field(sink: &mut Sink<'_>, place: Place, path: &str, name: &str, wish: &Wish<Plain>) {
    let Some(known) = mapping::native(place, name) else {
        let names = mapping::NATIVE
            .iter()
            .filter(|n| n.place == place && n.mode == Mode::Writable && n.word.is_none())
            .map(|n| n.name);
        let names: Vec<&str> = names.collect();
        let help = if names.is_empty() {
            "everything that a quote has here is said by a neutral word".to_owned()
        } else {
            format!("it has {}", names.join(", "))
        };
        sink.error(path, "native-unknown", format!("Quick Quote has no field `{name}` here"), help);
        return;
    };
    if known.mode == Mode::ReadOnly {
        let message = format!("Quick Quote sets `{name}` itself, it cannot be written");
        sink.error(path, "native-read-only", message, "take it out");
        return;
    }
    if let Some(word) = known.word {
        let message = format!("`{name}` is what `{word}` says");
        sink.error(path, "native-neutral", message, format!("write `{word}` instead"));
        return;
    }
    if let Wish::Set(plain) = wish
        && let Some(what) = misfit(known.shape, plain)
    {
        let message = format!("`{name}` must be {what}");
        sink.error(path, "native-value", message, "see the Quick Quote page of the docs");
    }
}

/// What a new quote needs.
pub fn creation(sink: &mut Sink<'_>) {
    let customer = sink.quote.customer.as_ref();
    for (field, there) in [
        ("email", customer.and_then(|c| c.email.set())),
        ("first_name", customer.and_then(|c| c.first_name.set())),
        ("last_name", customer.and_then(|c| c.last_name.set())),
    ] {
        if there.is_none_or(String::is_empty) {
            let message = format!("Quick Quote needs the customer's `{field}` to make a quote");
            sink.error("customer", "customer-incomplete", message, format!("add `{field}`"));
        }
    }
}

/// What a value should have been, where it is not.
fn misfit(shape: Shape, plain: &Plain) -> Option<String> {
    let number = plain.scalar().and_then(|t| Amount::parse(&t).ok());
    let fits = match shape {
        Shape::Text => plain.scalar().is_some(),
        Shape::Int => number.and_then(Amount::to_int).is_some_and(|n| n > 0),
        Shape::Number => number.is_some_and(|n| !n.is_negative()),
        Shape::Bool => matches!(plain, Plain::Bool(_)),
        Shape::Choice(words) => plain.scalar().is_some_and(|t| words.contains(&t.as_str())),
        Shape::Structure => true,
    };
    let what = match shape {
        Shape::Text => "text".to_owned(),
        Shape::Int => "a whole number above 0".to_owned(),
        Shape::Number => "a number that is not below 0".to_owned(),
        Shape::Bool => "`true` or `false`".to_owned(),
        Shape::Choice(words) => format!("one of {}", words.join(", ")),
        Shape::Structure => "a structure".to_owned(),
    };
    (!fits).then_some(what)
}

/// Whether a text is an id as the shop gives them.
pub fn is_id(text: &str) -> bool {
    (1..=18).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_digit())
        && !text.starts_with('0')
}
