//! `items:` of a quote, with the catalog under them.
//!
//! Invariants: an item's own keys win over its product's, native blocks merge key by key; keys are
//! unique in the quote and do not depend on the item's place.

use std::collections::HashMap;

use super::catalog::{OWN_KEYS, read_native_blocks};
use super::parts::{read_discount, read_properties, read_recurring};
use super::read::{Field, Map, Sink, fixed, nearest, shown, wish};
use super::slug::{KEY_RULE, is_key, slug};
use crate::desired::{Item, Wish};
use crate::money::{Amount, Currency};
use crate::yaml::{Kind, Node, Problem, Span};

/// The products that items can name.
#[derive(Clone, Debug, Default)]
pub(super) struct Products<'n> {
    /// The document of each product.
    pub(super) by_name: HashMap<&'n str, &'n Node<'n>>,
    /// Whether some file could not be read, so that a missing product proves nothing.
    pub(super) incomplete: bool,
}

/// Reads `items:`. `currency` is the quote's.
pub(super) fn read_items<'n>(
    field: Field<'n>,
    products: &Products<'n>,
    currency: Option<Currency>,
    sink: &mut Sink,
) -> Option<Vec<Item>> {
    let list = field.list(sink)?;
    let mut items = Vec::with_capacity(list.len());
    let mut keys: HashMap<String, Span> = HashMap::with_capacity(list.len());
    for (index, node) in list.iter().enumerate() {
        let element = field.element(node);
        let Some((item, key_span)) = read_item(element, products, currency, sink) else { continue };
        if keys.contains_key(&item.key) {
            let message = format!("the key `{}` is used by an earlier item too", shown(&item.key));
            let problem = Problem::new("duplicate-item", key_span, message);
            sink.push(problem.help(format!(
                "give each item a `key` of its own, such as `{}-{}`",
                shown(&item.key),
                index + 1
            )));
        } else {
            keys.insert(item.key.clone(), key_span);
        }
        items.push(item);
    }
    Some(items)
}

fn read_item<'n>(
    element: Field<'n>,
    products: &Products<'n>,
    currency: Option<Currency>,
    sink: &mut Sink,
) -> Option<(Item, Span)> {
    let before = sink.count();
    let own = element.map(sink)?;
    let product = own.get("product");
    let lower = product.and_then(|f| find_product(f, products, sink));
    let map = own.over(lower);
    let product_currency = |sink: &mut Sink| currency_of(lower, product, &map, currency, sink);
    product_currency(sink);
    let name = wish(map.get("name"), sink, |f, s| f.text(s));
    let sku = wish(map.get("sku"), sink, |f, s| f.text(s));
    let (key, key_span) = read_key(&map, &sku, &name, element, sink);
    let quantity = fixed(map.get("quantity"), sink, |f, s| {
        let quantity = f.decimal(s)?;
        if quantity <= Amount::ZERO {
            s.error("bad-quantity", f.span(), "`quantity` must be above 0");
            return None;
        }
        Some(quantity)
    });
    let item = Item {
        key: key.unwrap_or_default(),
        product: product.and_then(|f| f.raw()).map(str::to_owned),
        name,
        description: wish(map.get("description"), sink, |f, s| f.text(s)),
        sku,
        quantity: quantity.unwrap_or(Amount::from_int(1)),
        price: wish(map.get("price"), sink, |f, s| f.money(currency, s)),
        discount: wish(map.get("discount"), sink, |f, s| read_discount(f, currency, s)),
        taxable: wish(map.get("taxable"), sink, |f, s| f.boolean(s)),
        recurring: wish(map.get("recurring"), sink, read_recurring),
        properties: wish(map.get("properties"), sink, read_properties),
        native: read_native_blocks(&map, sink),
    };
    map.finish("an item", sink);
    // An item with an error still takes its key, so that a clash is found in the same run.
    (!item.key.is_empty() || sink.count() == before).then_some((item, key_span))
}

fn find_product<'n>(
    field: Field<'n>,
    products: &Products<'n>,
    sink: &mut Sink,
) -> Option<&'n Node<'n>> {
    let Some(raw) = field.raw().filter(|raw| !raw.is_empty()) else {
        field.wrong_type("the name of a product", sink);
        return None;
    };
    if let Some(node) = products.by_name.get(raw) {
        return Some(node);
    }
    if !products.incomplete {
        let problem = field
            .problem("unknown-product", format!("the catalog has no product `{}`", shown(raw)));
        sink.push(match nearest(raw, products.by_name.keys().copied()) {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem.help("products are `product:` documents in the folders of `catalog`"),
        });
    }
    None
}

/// A price that comes from the catalog must be in the quote's currency.
fn currency_of(
    lower: Option<&Node<'_>>,
    product: Option<Field<'_>>,
    map: &Map<'_>,
    currency: Option<Currency>,
    sink: &mut Sink,
) {
    let (Some(product), Some(Node { kind: Kind::Mapping(entries), .. })) = (product, lower) else {
        return;
    };
    let written = entries.iter().find(|e| e.key == OWN_KEYS[1]).map(|e| &e.value.kind);
    let theirs = match written {
        Some(Kind::Plain(t) | Kind::Quoted(t)) => Currency::parse(t),
        _ => None,
    };
    let (Some(theirs), Some(ours)) = (theirs, currency) else { return };
    if theirs != ours && map.is_inherited("price") {
        let message = format!(
            "the price of product `{}` is in {theirs}, the quote is in {ours}",
            shown(product.raw().unwrap_or_default())
        );
        let problem = product.problem("currency-mismatch", message);
        sink.push(problem.help("write the item's own `price`"));
    }
}

/// `key`, else the sku where it is a key, else a slug of the name or of the product.
fn read_key(
    map: &Map<'_>,
    sku: &Wish<String>,
    name: &Wish<String>,
    element: Field<'_>,
    sink: &mut Sink,
) -> (Option<String>, Span) {
    if let Some(field) = map.get("key") {
        let key = field.raw().filter(|raw| is_key(raw));
        if key.is_none() {
            let message = format!("`key` cannot be `{}`", shown(field.raw().unwrap_or("...")));
            sink.push(field.problem("bad-key", message).help(KEY_RULE));
        }
        return (key.map(str::to_owned), field.span());
    }
    let place = |key: &'static str| {
        map.get(key).map_or(element.span(), |f| {
            if map.is_inherited(key) { element.span() } else { f.span() }
        })
    };
    if let Some(sku) = sku.set().filter(|sku| is_key(sku)) {
        return (Some(sku.clone()), place("sku"));
    }
    if let Some(name) = name.set() {
        return (Some(slug(name)), place("name"));
    }
    if let Some(product) = map.get("product").and_then(|f| f.raw()).filter(|raw| is_key(raw)) {
        return (Some(product.to_owned()), place("product"));
    }
    let problem = element.problem("missing-key", "an item needs `key`, `sku`, `name` or `product`");
    sink.push(problem.help("the key is how proforma finds the item again"));
    (None, element.span())
}
