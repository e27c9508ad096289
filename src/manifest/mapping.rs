//! `migrate.yaml`: what a migration cannot know by itself, filled in by the user.
//!
//! Purpose: for products, customers, owners and what else bears another name in the other account,
//! one table each, from what the source calls it to what the target does. `null` is a stub that
//! waits to be filled; `{}` says that nothing is to be mapped.
//!
//! Invariants: read like every manifest, with all errors at once and a caret each; nothing here
//! writes the file, [`crate::migrate::stubs`] says what to add to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::catalog::OWN_KEYS;
use super::parts::{read_native, read_person, read_reference};
use super::read::{Field, Map, Sink, fixed};
use crate::desired::{NativeBlock, Person, Reference};
use crate::failure::{Diagnostic, SourceFile};
use crate::key::ConnectionName;
use crate::money::Amount;
use crate::yaml::{self, Problem};

/// Where a migration looks for its mapping, unless told otherwise.
pub const MAPPING: &str = "migrate.yaml";

/// The sections that map one name to another thing, as the file calls them.
pub const SECTIONS: [&str; 8] =
    ["products", "customers", "owners", "companies", "deals", "templates", "fields", "lines"];

/// References whose ids may be the same in both accounts.
const KEPT: [&str; 5] = ["customer", "owner", "company", "deal", "template"];

/// What a product is called by the target.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ProductAt {
    /// The target's own fields of it (`variant_id`, `sku`).
    pub native: NativeBlock,
    /// Its unit price, where the source tells none.
    pub price: Option<Amount>,
}

/// A checked mapping. A key with `None` is a stub that nobody has filled.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Mapping {
    /// The connection that it maps from, if it says.
    pub from: Option<ConnectionName>,
    /// The connection that it maps to, if it says.
    pub to: Option<ConnectionName>,
    /// References whose ids are the same in both accounts (`deal`).
    pub keep_ids: Vec<String>,
    /// Products by catalog name, else SKU, else name.
    pub products: BTreeMap<String, Option<ProductAt>>,
    /// Customers by e-mail address, else id, else name.
    pub customers: BTreeMap<String, Option<Person>>,
    /// Owners, companies, deals and templates, each by id or name.
    pub references: BTreeMap<&'static str, BTreeMap<String, Option<Reference>>>,
    /// Custom fields by name; an empty name drops the field.
    pub fields: BTreeMap<String, Option<String>>,
    /// SKUs of fees, taxes and shipping that become lines, by label.
    pub lines: BTreeMap<String, Option<String>>,
}

impl Mapping {
    /// Whether a section has a key, filled or not.
    pub fn has(&self, section: &str, key: &str) -> bool {
        match section {
            "products" => self.products.contains_key(key),
            "customers" => self.customers.contains_key(key),
            "fields" => self.fields.contains_key(key),
            "lines" => self.lines.contains_key(key),
            other => self.references.get(other).is_some_and(|all| all.contains_key(key)),
        }
    }
}

/// Reads a mapping; errors have their places.
pub fn read_mapping(source: &Arc<SourceFile>) -> Result<Mapping, Vec<Diagnostic>> {
    let parsed = yaml::parse(&source.text, 0);
    let mut sink = Sink::default();
    for problem in &parsed.problems {
        sink.push(problem.clone());
    }
    let mut mapping = Mapping::default();
    if let Some(document) = parsed.documents.first() {
        let root = Field {
            name: "the mapping",
            node: &document.root,
            key_span: document.root.span,
            list: None,
        };
        if let Some(map) = root.map(&mut sink) {
            mapping = read(&map, &mut sink);
        }
    }
    if let Some(second) = parsed.documents.get(1) {
        sink.error("not-a-manifest", second.root.span, "a mapping is one document");
    }
    let (problems, _) = sink.into_problems();
    if problems.is_empty() {
        return Ok(mapping);
    }
    let told = |problem: Problem| {
        let place = yaml::place_of(source, problem.span);
        let mut diagnostic = Diagnostic::error(problem.code, problem.message).at(Some(place));
        diagnostic.help = problem.help;
        diagnostic
    };
    Err(problems.into_iter().map(told).collect())
}

fn read(map: &Map<'_>, sink: &mut Sink) -> Mapping {
    if let Some(field) = map.get("migrate")
        && field.raw() != Some("1")
    {
        let problem = field.problem("unknown-word", "the format of a mapping is 1");
        sink.push(problem.help("write `migrate: 1`"));
    }
    let connection = |key, sink: &mut Sink| {
        fixed(map.get(key), sink, |f, s| {
            let name = f.raw().and_then(ConnectionName::parse);
            if name.is_none() {
                f.wrong_type("the name of a connection", s);
            }
            name
        })
    };
    let mut mapping = Mapping {
        from: connection("from", sink),
        to: connection("to", sink),
        ..Mapping::default()
    };
    let words: Vec<(&'static str, &'static str)> = KEPT.iter().map(|w| (*w, *w)).collect();
    for node in fixed(map.get("keep_ids"), sink, |f, s| f.list(s)).unwrap_or_default() {
        let element = Field { name: "keep_ids", node, key_span: node.span, list: None };
        mapping.keep_ids.extend(element.word(&words, sink).map(str::to_owned));
    }
    mapping.products = section(map, "products", sink, |f, s| {
        let map = f.map(s)?;
        let price = fixed(map.get("price"), s, |f, s| f.money(None, s));
        let mut native = read_native(&map, s);
        for key in ["price"].iter().chain(&OWN_KEYS) {
            native.remove(*key);
        }
        Some(ProductAt { native, price })
    });
    mapping.customers = section(map, "customers", sink, read_person);
    for name in ["owners", "companies", "deals", "templates"] {
        let all = section(map, name, sink, |f, s| read_reference(f, true, s));
        mapping.references.insert(name, all);
    }
    mapping.fields = section(map, "fields", sink, |f, s| {
        if f.raw() == Some("") { Some(String::new()) } else { f.text(s) }
    });
    mapping.lines = section(map, "lines", sink, |f, s| f.text(s));
    map.finish("a mapping", sink);
    mapping
}

/// One table; a `null` is a stub.
fn section<T>(
    map: &Map<'_>,
    key: &'static str,
    sink: &mut Sink,
    read: impl Fn(Field<'_>, &mut Sink) -> Option<T>,
) -> BTreeMap<String, Option<T>> {
    let Some(field) = map.get(key).filter(|f| !f.node.is_null()) else { return BTreeMap::new() };
    let Some(table) = field.map(sink) else { return BTreeMap::new() };
    let mut out = BTreeMap::new();
    for field in table.all() {
        let value = if field.node.is_null() { None } else { read(field, sink) };
        out.insert(field.name.to_owned(), value);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(text: &str) -> Result<Mapping, Vec<Diagnostic>> {
        let source = SourceFile { path: MAPPING.to_owned(), text: text.to_owned() };
        read_mapping(&Arc::new(source))
    }

    #[test]
    fn stubs_are_told_from_answers() {
        let read = mapping(
            "migrate: 1\nfrom: crm\nto: shop\nkeep_ids: [deal]\nproducts:\n  a: { variant_id: 7, price: 1.50 }\n  b: null\n  c: {}\nowners: { jane@x.example: { id: 4, name: Jane } }\nfields: { region: \"\" }\n",
        )
        .unwrap();
        let a = read.products["a"].clone().unwrap();
        assert_eq!(a.price, Amount::parse("1.50").ok());
        assert_eq!(a.native.keys().collect::<Vec<_>>(), ["variant_id"]);
        assert_eq!(read.products["b"], None);
        assert_eq!(read.products["c"], Some(ProductAt::default()));
        assert_eq!(read.keep_ids, ["deal"]);
        assert!(read.has("owners", "jane@x.example") && !read.has("deals", "x"));
        assert_eq!(read.fields["region"], Some(String::new()));
        assert_eq!(mapping("").unwrap(), Mapping::default());
    }

    #[test]
    fn unknown_keys_have_a_place() {
        let found = mapping("migrate: 1\nprodcts: {}\n").unwrap_err();
        assert_eq!(found[0].code, "unknown-key");
        assert_eq!(found[0].place.as_ref().unwrap().line, 2);
        assert!(found[0].help.as_ref().unwrap().contains("products"));
        assert!(mapping("keep_ids: [deals]\n").is_err());
        assert!(mapping("migrate: 2\n").is_err());
    }
}
