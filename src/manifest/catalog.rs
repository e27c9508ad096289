//! `product:` documents: the catalog.
//!
//! Invariants: a product is checked once, by itself; items that use it read their missing keys
//! from its tree, so what a product says is read by the very same readers as what an item says.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::parts::{read_native, read_recurring};
use super::provider::ProviderName;
use super::read::{Map, Sink, fixed, wish};
use crate::desired::{NativeBlock, Recurring, Wish};
use crate::failure::{Place, SourceFile};
use crate::key::{NAME_RULE, is_name};
use crate::money::{Amount, Currency};
use crate::yaml::{self, Node};

/// A checked product.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Product {
    /// Identity in the catalog: what items write under `product:`.
    pub product: String,
    /// Name on the quote.
    pub name: Wish<String>,
    /// Description.
    pub description: Wish<String>,
    /// Stock-keeping unit.
    pub sku: Wish<String>,
    /// Unit price.
    pub price: Wish<Amount>,
    /// Currency of the price; `None` = whatever the quote's is.
    pub currency: Option<Currency>,
    /// Billing cycle and term.
    pub recurring: Wish<Recurring>,
    /// Native blocks by provider name.
    pub native: BTreeMap<String, NativeBlock>,
    /// The file it was written in.
    pub source: Arc<SourceFile>,
    /// The byte at which its document starts.
    pub offset: usize,
}

impl Product {
    /// The place of a path of the product, or of its name.
    pub fn place(&self, path: &str) -> Option<Place> {
        let text = &self.source.text;
        let found =
            yaml::find(text, self.offset, path).or_else(|| yaml::find(text, self.offset, ""))?;
        Some(yaml::place_of(&self.source, found.span))
    }
}

/// The keys of a product that say nothing about an item.
pub(super) const OWN_KEYS: [&str; 2] = ["product", "currency"];

/// Reads a product document.
pub(super) fn read_product<'n>(
    root: &'n Node<'n>,
    source: &Arc<SourceFile>,
    offset: usize,
    sink: &mut Sink,
) -> Option<Product> {
    let map = Map::of(root, root.span)?;
    let product = map.get("product").and_then(|f| {
        let name = f.raw().filter(|raw| is_name(raw));
        if name.is_none() {
            sink.push(f.problem("bad-name", "`product` is not a valid name").help(NAME_RULE));
        }
        name
    });
    let currency = fixed(map.get("currency"), sink, |f, s| f.currency(s));
    let read = Product {
        product: product.unwrap_or_default().to_owned(),
        name: wish(map.get("name"), sink, |f, s| f.text(s)),
        description: wish(map.get("description"), sink, |f, s| f.text(s)),
        sku: wish(map.get("sku"), sink, |f, s| f.text(s)),
        price: wish(map.get("price"), sink, |f, s| f.money(currency, s)),
        currency,
        recurring: wish(map.get("recurring"), sink, read_recurring),
        native: read_native_blocks(&map, sink),
        source: Arc::clone(source),
        offset,
    };
    map.finish("a product", sink);
    product.map(|_| read)
}

/// All native blocks of a quote, item or product, each merged over its layers.
pub(super) fn read_native_blocks(map: &Map<'_>, sink: &mut Sink) -> BTreeMap<String, NativeBlock> {
    let mut native = BTreeMap::new();
    for provider in ProviderName::ALL {
        if let Some(block) = map.merged(provider.word(), sink) {
            native.insert(provider.word().to_owned(), read_native(&block, sink));
        }
    }
    native
}
