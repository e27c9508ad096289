//! Products that several imported quotes sell, as documents of the catalog (`--catalog`).
//!
//! Purpose: a [`Shelf`] knows the products of the workspace and those met so far, by the identifier that
//! the provider gives them. The second quote that sells one makes it a product; from then on items
//! name it, and write only what differs.
//!
//! Invariants: an item with its product says the very same as it did without (the manifest is read
//! again with the catalog before it is written); a product of the workspace is never changed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use crate::desired::{Item, NativeBlock, Quote, Wish};
use crate::facts::Plain;
use crate::failure::SourceFile;
use crate::key::is_name;
use crate::manifest::write::{Remarks, product_text};
use crate::manifest::{Product, slug};

/// Products by their identifier.
#[derive(Debug, Default)]
pub struct Shelf {
    provider: &'static str,
    active: bool,
    /// The file that new products go into, below the workspace.
    file: String,
    /// Its text so far.
    text: String,
    /// Files of the catalog that are there already.
    others: Vec<(String, String)>,
    known: BTreeMap<String, Product>,
    /// Products that one quote sold so far.
    once: BTreeMap<String, Product>,
    names: BTreeSet<String>,
    fresh: usize,
}

impl Shelf {
    /// A shelf that makes no products.
    pub fn closed() -> Self {
        Self::default()
    }

    /// A shelf with the products of the workspace; `text` is what stands in `file` already.
    pub fn open(provider: &'static str, file: String, text: String, products: &[Product]) -> Self {
        let mut shelf = Self { provider, active: true, file, text, ..Self::default() };
        let mut files: BTreeMap<String, String> = BTreeMap::new();
        for product in products {
            shelf.names.insert(product.product.clone());
            if product.source.path != shelf.file {
                files.insert(product.source.path.clone(), product.source.text.clone());
            }
            if let Some(id) = identity(provider, product.native.get(provider), &product.sku) {
                shelf.known.entry(id).or_insert_with(|| product.clone());
            }
        }
        shelf.others = files.into_iter().collect();
        shelf
    }

    /// Meets the items of a quote, and lets those name their product that have one.
    pub fn meet(&mut self, quote: &mut Quote) {
        let Wish::Set(items) = &mut quote.items else { return };
        if !self.active {
            return;
        }
        for item in items {
            let Some(id) = identity(self.provider, item.native.get(self.provider), &item.sku)
            else {
                continue;
            };
            if !self.known.contains_key(&id) {
                let Some(product) = self.once.remove(&id) else {
                    self.once.insert(id, self.product_of(item, quote.currency));
                    continue;
                };
                self.add(id.clone(), product);
            }
            item.product = self.known.get(&id).map(|p| p.product.clone());
        }
    }

    fn add(&mut self, id: String, mut product: Product) {
        let name = product.name.set().or(product.sku.set()).map_or("product", String::as_str);
        let base: String = slug(name).chars().take(40).collect();
        let base = base.trim_end_matches('-').to_owned();
        let mut chosen = base.clone();
        let mut n = 1;
        while self.names.contains(&chosen) || !is_name(&chosen) {
            n += 1;
            chosen = format!("{base}-{n}");
        }
        self.names.insert(chosen.clone());
        product.product = chosen;
        if !self.text.is_empty() {
            self.text.push_str("---\n");
        }
        let _ = write!(self.text, "{}", product_text(&product, &Remarks::default()));
        self.fresh += 1;
        self.known.insert(id, product);
    }

    /// A product with all that is of the thing sold, and nothing of the one sale.
    fn product_of(&self, item: &Item, currency: Option<crate::money::Currency>) -> Product {
        let own = |name: &str| {
            matches!(
                name,
                "hs_product_id" | "variant_id" | "barcode" | "image_url" | "sku" | "bundle_ref_sku"
            )
        };
        let block: NativeBlock = item
            .native
            .get(self.provider)
            .into_iter()
            .flatten()
            .filter(|(name, _)| own(name))
            .map(|(name, wish)| (name.clone(), wish.clone()))
            .collect();
        let mut native = BTreeMap::new();
        if !block.is_empty() {
            native.insert(self.provider.to_owned(), block);
        }
        Product {
            product: String::new(),
            name: item.name.clone(),
            description: item.description.clone(),
            sku: item.sku.clone(),
            price: item.price.clone(),
            currency,
            recurring: item.recurring.clone(),
            native,
            source: Arc::new(SourceFile { path: self.file.clone(), text: String::new() }),
            offset: 0,
        }
    }

    /// The quote as it is written: items say only what their product does not.
    pub fn tidied(&self, quote: &Quote) -> Quote {
        let mut quote = quote.clone();
        let currency = quote.currency;
        let Wish::Set(items) = &mut quote.items else { return quote };
        for item in items {
            let Some(name) = &item.product else { continue };
            let Some(product) = self.known.values().find(|p| p.product == *name) else { continue };
            inherit(&mut item.name, &product.name);
            inherit(&mut item.description, &product.description);
            inherit(&mut item.sku, &product.sku);
            if product.currency.is_none() || product.currency == currency {
                inherit(&mut item.price, &product.price);
            }
            inherit(&mut item.recurring, &product.recurring);
            for (provider, theirs) in &product.native {
                let ours = item.native.entry(provider.clone()).or_default();
                for (field, value) in theirs {
                    let mut own = ours.remove(field).unwrap_or_default();
                    inherit(&mut own, value);
                    if own.is_owned() {
                        ours.insert(field.clone(), own);
                    }
                }
                if ours.is_empty() {
                    item.native.remove(provider);
                }
            }
        }
        quote
    }

    /// All files of the catalog.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let own = (!self.text.is_empty()).then_some((self.file.as_str(), self.text.as_bytes()));
        self.others.iter().map(|(path, text)| (path.as_str(), text.as_bytes())).chain(own)
    }

    /// The file to write, and how many products are new in it, if any are.
    pub fn written(&self) -> Option<(&str, &str, usize)> {
        (self.fresh > 0).then_some((self.file.as_str(), self.text.as_str(), self.fresh))
    }
}

/// What the item says and the product says too, the item need not say; what the product says and the
/// item does not, the item clears.
fn inherit<T: PartialEq + Clone>(own: &mut Wish<T>, product: &Wish<T>) {
    if own == product {
        *own = Wish::Unowned;
    } else if !own.is_owned() && product.set().is_some() {
        *own = Wish::Clear;
    }
}

/// By what a provider tells its products apart.
fn identity(provider: &str, block: Option<&NativeBlock>, sku: &Wish<String>) -> Option<String> {
    let native =
        |name: &str| block.and_then(|b| b.get(name)).and_then(Wish::set).and_then(Plain::scalar);
    match provider {
        "hubspot" => native("hs_product_id").map(|id| format!("product {id}")),
        "quickquote" => native("variant_id").map(|id| format!("variant {id}")),
        "dealhub" => native("sku").or_else(|| sku.set().cloned()).map(|s| format!("sku {s}")),
        _ => None,
    }
}
