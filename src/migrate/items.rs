//! Items on their way: what names a product, and what a line costs.
//!
//! Invariants: a line's net is the same at both ends wherever the target can hold it: factors that
//! multiply a price are multiplied in, a net price of its own becomes a discount. An item whose
//! price nobody knows makes the quote impossible where the target wants prices.

use super::draft::Draft;
use super::report::Outcome;
use super::{identifiers, totals};
use crate::desired::{Item, LineDiscount, Measure, Per, Wish};
use crate::facts::Plain;
use crate::manifest::{ProductAt, ProviderName};
use crate::money::{Amount, Currency};

/// The first pass over all items.
pub fn items(draft: &mut Draft<'_>) {
    alternatives(draft);
    let count = draft.items().len();
    for index in 0..count {
        clears(draft, index);
        dealhub_lines(draft, index);
        identity(draft, index);
        price(draft, index);
    }
}

/// The one alternative of a quote is its items.
fn alternatives(draft: &mut Draft<'_>) {
    if draft.sends("alternatives") || draft.quote.items.set().is_some_and(|i| !i.is_empty()) {
        return;
    }
    let Some([only]) = draft.quote.alternatives.set().map(Vec::as_slice) else { return };
    let names: Vec<(String, Plain)> = match only.bundle_id {
        Some(id) => vec![("bundle_id".to_owned(), Plain::Number(Amount::from_int(id)))],
        None => only.skus.iter().map(|s| ("sku".to_owned(), Plain::Text(s.clone()))).collect(),
    };
    let title = only.title.clone();
    let provider = draft.job.source_provider.word();
    let mut made = Vec::with_capacity(names.len());
    let mut catalog = None;
    for (n, (field, value)) in names.into_iter().enumerate() {
        let product = draft.job.products.values().find(|p| {
            let told = p.native.get(provider).and_then(|b| b.get(&field)).and_then(Wish::set);
            told.and_then(Plain::scalar) == value.scalar()
        });
        let mut item = blank(&format!("line-{}", n + 1));
        if let Some(product) = product {
            catalog = Some(product.product.clone());
            item.product.clone_from(&catalog);
            item.name = product.name.clone();
            item.description = product.description.clone();
            item.sku = product.sku.clone();
            item.native = product.native.clone();
        } else {
            let text = value.scalar().unwrap_or_default();
            item.name = only.title.clone().map_or(Wish::Set(text.clone()), Wish::Set);
            if field == "sku" {
                item.sku = Wish::Set(text);
            }
            let block = std::collections::BTreeMap::from([(field, Wish::Set(value))]);
            item.native.insert(provider.to_owned(), block);
        }
        made.push(item);
    }
    let to = made.iter().map(|i| i.key.clone()).collect::<Vec<_>>().join(", ");
    draft.quote.items = Wish::Set(made);
    draft.quote.alternatives = Wish::Unowned;
    draft.note("alternatives[0]", Outcome::Converted, Some(to), "the only alternative, as items");
    if let Some(title) = title {
        let path = "alternatives[0].title";
        match catalog {
            Some(product) => {
                let why = format!("the item is called as the catalog calls `{product}`");
                draft.lose(path, why);
            }
            None => draft.note(path, Outcome::Converted, Some(title), "the name of the item"),
        }
    }
}

/// An item that says nothing yet.
pub fn blank(key: &str) -> Item {
    Item {
        key: key.to_owned(),
        product: None,
        name: Wish::Unowned,
        description: Wish::Unowned,
        sku: Wish::Unowned,
        quantity: Amount::from_int(1),
        price: Wish::Unowned,
        discount: Wish::Unowned,
        taxable: Wish::Unowned,
        recurring: Wish::Unowned,
        properties: Wish::Unowned,
        native: std::collections::BTreeMap::new(),
    }
}

/// `null` says something only where a product would say otherwise.
fn clears(draft: &mut Draft<'_>, index: usize) {
    fn open<T>(wish: &mut Wish<T>) {
        if matches!(wish, Wish::Clear) {
            *wish = Wish::Unowned;
        }
    }
    let Some(item) = draft.items().get_mut(index) else { return };
    if item.product.is_none() {
        open(&mut item.name);
        open(&mut item.description);
        open(&mut item.sku);
        open(&mut item.price);
        open(&mut item.recurring);
    }
    open(&mut item.discount);
    open(&mut item.taxable);
    open(&mut item.properties);
}

fn number(item: &Item, provider: &str, name: &str) -> Option<Amount> {
    let plain = item.native.get(provider)?.get(name)?.set()?;
    plain.scalar().and_then(|t| Amount::parse(&t).ok())
}

/// `DealHub` multiplies a price by factors, and takes net prices as they are given.
fn dealhub_lines(draft: &mut Draft<'_>, index: usize) {
    if draft.job.source_provider != ProviderName::Dealhub
        || draft.job.provider == ProviderName::Dealhub
    {
        return;
    }
    let digits = draft.quote.currency.map_or(2, Currency::digits);
    let Some(item) = draft.items().get_mut(index) else { return };
    let part = format!("items[{}]", item.key);
    let factors = item.native.get("dealhub").and_then(|b| b.get("product_factors"));
    let factors: Vec<(String, Amount)> = match factors.and_then(Wish::set) {
        Some(Plain::Map(map)) => map
            .iter()
            .filter_map(|(k, v)| Some((k.clone(), Amount::parse(&v.scalar()?).ok()?)))
            .collect(),
        _ => Vec::new(),
    };
    let product =
        factors.iter().try_fold(Amount::from_int(1), |all, (_, factor)| all.times(*factor));
    let mut notes = Vec::new();
    let one = Amount::from_int(1);
    if let (Some(product), Wish::Set(price)) = (product.filter(|p| *p != one), &mut item.price) {
        let names: Vec<String> = factors.iter().map(|(k, v)| format!("{k} {v}")).collect();
        let unit = price.times(product).unwrap_or(*price);
        *price = unit;
        let why = format!("the price of one unit times {}", names.join(" times "));
        notes.push((format!("{part}.price"), Outcome::Converted, Some(unit.to_string()), why));
        let to = Some("in the price".to_owned());
        let why = "DealHub multiplies the price by it, so it is in the price now".to_owned();
        notes.push((format!("{part}.dealhub.product_factors"), Outcome::Converted, to, why));
        if let Wish::Set(LineDiscount { measure: Measure::Amount(off), per: Per::Unit, .. }) =
            &mut item.discount
        {
            *off = off.times(product).unwrap_or(*off);
            let why = "off one unit, times the factors".to_owned();
            notes.push((
                format!("{part}.discount"),
                Outcome::Converted,
                Some(off.to_string()),
                why,
            ));
        }
    }
    let whole = item.quantity.times(product.unwrap_or(one));
    let unit_net = number(item, "dealhub", "net_price_per_unit");
    let net = number(item, "dealhub", "net_price")
        .or_else(|| Some(unit_net?.times(whole?)?.round_half_up(digits)));
    if let Some(net) = net {
        let gross = item.price.set().and_then(|p| p.times(item.quantity));
        match gross {
            Some(gross) if gross == net => {}
            Some(gross) if gross > net => {
                let off = gross.minus(net).unwrap_or_default();
                item.discount = Wish::Set(LineDiscount {
                    measure: Measure::Amount(off),
                    per: Per::Line,
                    label: None,
                });
            }
            _ => {
                if let Some(unit) = net.over_exactly(item.quantity, digits) {
                    item.price = Wish::Set(unit);
                } else {
                    // More than the list price, and not so many cents a unit.
                    let why = format!("one unit at the net of the line: {} of them", item.quantity);
                    let to = Some("1".to_owned());
                    notes.push((format!("{part}.quantity"), Outcome::Converted, to, why));
                    item.quantity = Amount::from_int(1);
                    item.price = Wish::Set(net);
                }
                item.discount = Wish::Unowned;
            }
        }
        let why = "the net price of the line, as price and discount".to_owned();
        for field in ["net_price", "net_price_per_unit"] {
            if item.native.get("dealhub").is_some_and(|b| b.contains_key(field)) {
                let to = Some(net.to_string());
                notes.push((
                    format!("{part}.dealhub.{field}"),
                    Outcome::Converted,
                    to,
                    why.clone(),
                ));
            }
        }
    }
    for (path, outcome, to, why) in notes {
        draft.note(path, outcome, to, why);
    }
}

/// What an item is called in the mapping: its product, else its SKU, else its name.
pub fn product_key(item: &Item) -> String {
    let name = || item.name.set().cloned();
    item.product.clone().or_else(|| item.sku.set().cloned()).or_else(name).unwrap_or_default()
}

fn identity(draft: &mut Draft<'_>, index: usize) {
    let provider = draft.job.provider.word();
    let names = identifiers(provider);
    let source = draft.job.source_provider.word();
    let Some(item) = draft.items().get(index) else { return };
    let key = product_key(item);
    let known = |block: Option<&crate::desired::NativeBlock>| {
        block.is_some_and(|b| names.iter().any(|n| b.get(*n).is_some_and(|w| w.set().is_some())))
    };
    let has = known(item.native.get(provider));
    let of_catalog = item.product.is_some() || {
        let block = item.native.get(source);
        identifiers(source).iter().any(|n| block.is_some_and(|b| b.contains_key(*n)))
    };
    let (part, hint) =
        (format!("items[{}]", item.key), item.name.set().cloned().unwrap_or_default());
    match draft.job.mapping.products.get(&key) {
        Some(Some(ProductAt { native, .. })) if !native.is_empty() => {
            let fields: Vec<String> = native.keys().cloned().collect();
            if let Some(item) = draft.items().get_mut(index) {
                let block = item.native.entry(provider.to_owned()).or_default();
                block.extend(native.clone());
            }
            for field in fields {
                let why = "by `products` of the mapping";
                draft.note(format!("{part}.{provider}.{field}"), Outcome::Converted, None, why);
            }
        }
        Some(Some(_)) => {}
        _ if !has && of_catalog && !key.is_empty() => {
            draft.unmapped("products", key, &hint);
        }
        _ => {}
    }
}

/// A price where the source tells none: of the mapping, of the catalog, or all of a recorded total.
fn price(draft: &mut Draft<'_>, index: usize) {
    if !draft.sends("items[].price") {
        return;
    }
    let job = draft.job;
    let whole = whole_total(draft, index);
    let Some(item) = draft.items().get(index) else { return };
    if item.price.set().is_some() {
        return;
    }
    let key = product_key(item);
    let path = format!("items[{}].price", item.key);
    let product = item.product.clone();
    let mapped = job.mapping.products.get(&key).and_then(|p| p.as_ref()?.price);
    let listed = listed(draft, product.as_deref()).and_then(Result::ok);
    let (price, why) = match (mapped, listed, whole) {
        (Some(price), ..) => (price, "by `products` of the mapping"),
        (_, Some(price), _) => (price, "the catalog's: the source tells no prices"),
        (_, _, Some(price)) => {
            (price, "the source tells its total only, and this is the only item")
        }
        _ => return,
    };
    if let Some(item) = draft.items().get_mut(index) {
        item.price = Wish::Set(price);
    }
    draft.note(path, Outcome::Converted, Some(price.to_string()), why);
}

/// The catalog's price of a product; the currency that it is in where that is not the quote's.
fn listed(draft: &Draft<'_>, product: Option<&str>) -> Option<Result<Amount, Currency>> {
    let product = draft.job.products.get(product?)?;
    let price = *product.price.set()?;
    let ours = draft.quote.currency.or(draft.job.currency);
    Some(match product.currency {
        Some(theirs) if Some(theirs) != ours => Err(theirs),
        _ => Ok(price),
    })
}

/// The recorded total as the price of one unit: only where the total is this item and nothing else.
/// An adjustment that moves the total would be in the price, and be charged once more beside it.
fn whole_total(draft: &mut Draft<'_>, index: usize) -> Option<Amount> {
    let total = draft.recorded_total()?;
    if draft.items().len() != 1 || totals::is_edited(draft.job, draft.source) {
        return None;
    }
    let source = draft.source;
    // What the manifest does not own may be upstream, wherever the source can hold such a thing.
    let none_of = |list: &str, wish: &Wish<Vec<_>>| match wish {
        Wish::Set(all) => all.is_empty(),
        Wish::Clear => true,
        Wish::Unowned => !draft.source_sends(list),
    };
    let shipping = match source.shipping {
        Wish::Set(_) => false,
        Wish::Clear => true,
        Wish::Unowned => !draft.source_sends("shipping"),
    };
    let alone = none_of("discounts", &source.discounts)
        && none_of("fees", &source.fees)
        && none_of("taxes", &source.taxes)
        && shipping;
    let digits = total.currency.digits();
    let item = draft.items().get(index).filter(|_| alone)?;
    let taxed = item.native.get("hubspot").is_some_and(|b| b.contains_key("hs_tax_rate_group_id"));
    // The total of a line that recurs may be that of its whole term.
    let moved = item.discount.set().is_some() || item.recurring.set().is_some() || taxed;
    let price = total.amount.over_exactly(item.quantity, digits).filter(|_| !moved)?;
    Some(price.at_least(digits))
}

/// Why an item has no price, and the way out.
pub fn no_price(draft: &Draft<'_>, item: &Item) -> String {
    let Some(Err(theirs)) = listed(draft, item.product.as_deref()) else {
        return "no price is known: write one on the item, in the catalog, or as `price` under `products` of the mapping".to_owned();
    };
    let ours = draft.quote.currency.or(draft.job.currency);
    let ours = ours.map_or_else(
        || "the quote says no currency".to_owned(),
        |ours| format!("the quote is in {ours}"),
    );
    format!(
        "no price is known: the catalog's is in {theirs}, and {ours}: write one on the item, or as `price` under `products` of the mapping"
    )
}

/// The first item without a price, where the target wants prices: its path, and what is missing.
pub fn unpriced(draft: &Draft<'_>) -> Option<(String, String)> {
    if !draft.sends("items[].price") {
        return None;
    }
    let items = draft.quote.items.set()?;
    let item = items.iter().find(|i| i.price.set().is_none())?;
    Some((format!("items[{}].price", item.key), no_price(draft, item)))
}
