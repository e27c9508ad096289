//! Stories: a small workspace on disk, loaded whole.

mod drawn;
mod workspaces;
mod written;

use super::*;
use crate::desired::{Measure, Per, Quote, Reference, Unit, WantedState, Wish};
use crate::facts::Plain;
use crate::failure::Severity;

const WORKSPACE: &str = "proforma: 1
workspace: acme-sales
default_connection: crm
connections:
  crm:
    provider: hubspot
    token: { env: HUBSPOT_TOKEN }
    currency: USD
    defaults:
      template: Default Modern
      notes: { terms: Net 30, public: Hello }
      hubspot: { hs_language: en, hs_locale: en-us }
      lifecycle: { protect: true }
  shop: { provider: quickquote, token: { env: QUICKQUOTE_TOKEN } }
";

const CATALOG: &str = "product: seo-audit
name: Annual SEO audit
sku: SEO-A
price: 12000.00
currency: USD
recurring: { every: year, for: 3 years }
hubspot: { hs_product_id: 77, hs_cost_of_goods_sold: 1 }
";

/// A workspace of the given files; `proforma.yaml` is [`WORKSPACE`] unless given.
fn workspace(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &[u8]| {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(FILE_NAME, WORKSPACE.as_bytes());
    for (path, text) in files {
        write(path, text.as_bytes());
    }
    dir
}

fn loaded(files: &[(&str, &str)]) -> Loaded {
    load(workspace(files).path(), &LoadOptions::default())
}

/// `code line:column` of every diagnostic, `file ` in front where it is not `quotes/q.yaml`.
fn places(loaded: &Loaded) -> Vec<String> {
    let show = |d: &crate::failure::Diagnostic| match &d.place {
        Some(p) if p.source.path == "quotes/q.yaml" => {
            format!("{} {}:{}", d.code, p.line, p.column)
        }
        Some(p) => format!("{} {} {}:{}", p.source.path, d.code, p.line, p.column),
        None => d.code.to_owned(),
    };
    loaded.diagnostics.iter().map(show).collect()
}

/// Loads one quote file beside the catalog.
fn quote_file(text: &str) -> Loaded {
    loaded(&[("quotes/q.yaml", text), ("catalog/seo.yaml", CATALOG)])
}

fn sound(text: &str) -> Quote {
    let loaded = quote_file(text);
    assert_eq!(places(&loaded), Vec::<String>::new(), "{:?}", loaded.diagnostics);
    loaded.quotes.into_iter().next().unwrap()
}

fn faults(text: &str) -> Vec<String> {
    let loaded = quote_file(text);
    assert!(loaded.quotes.is_empty(), "a quote with an error must not be given: {text}");
    places(&loaded)
}

fn help_of(text: &str) -> String {
    let loaded = quote_file(text);
    loaded.diagnostics[0].help.clone().unwrap_or_default()
}

const FULL: &str = r#"quote: acme-seo-2027
connection: crm
title: "Acme: annual SEO audit"
expires: 2027-01-31
currency: USD
state: published
customer: { email: jo@acme.example, first_name: Jo, last_name: Ek, company: Acme, phone: "+46768741810", id: 123127982734 }
contacts: [ { email: cfo@acme.example } ]
owner: { id: "12123", email: jane@seller.example, name: Jane }
company: acme.example
deal: { id: 345345 }
template: Default Modern
items:
  - key: audit
    product: seo-audit
    quantity: 1
    price: 19.990
    discount: 10%
    taxable: true
    properties: { Colour: brown, Age: 3 }
    hubspot: { hs_product_id: 78 }
  - name: Årlig link building
    price: 450
    discount: { amount: 1.50, per: unit, label: Volume }
    recurring: { every: quarter }
discounts: [ { label: Loyalty, percent: 5 }, { label: loyalty, amount: 10.00 } ]
fees: [ { label: Onboarding, amount: 300.00 } ]
taxes: [ { label: VAT, percent: 25% } ]
shipping: { name: Local delivery, price: 25.50 }
notes: { public: "", internal: null, customer: 2027 }
tags: [priority, needs-review]
fields: { "Shipping address": { city: Lund, zip: "22100", level: 3.10, since: 2027-01-31 }, "12121": Company name, gone: null }
delivery: { channel: email, message: Hi, include_pdf: true, include_link: true, copy_owner: false }
alternatives: [ { bundle_id: 456, title: Premium, sort_order: 2 }, { skus: [01.350000.01.00], sort_order: 1 } ]
lifecycle: { ignore: [owner, "items[audit].price"], when_locked: unlock, when_immutable: replace }
was: acme-seo
hubspot: { hs_language: sv }
salesbyte: { custom_fields: { bank_name: { attribute: x } } }
"#;

#[test]
fn the_contracts_example_is_read_whole() {
    let q = sound(FULL);
    assert_eq!(q.state, Some(WantedState::Published));
    assert_eq!(q.expires.set().unwrap().to_string(), "2027-01-31");
    let customer = q.customer.as_ref().unwrap();
    assert_eq!(customer.id, Wish::Set("123127982734".into()));
    assert_eq!(customer.display_name().as_deref(), Some("Jo Ek"));
    assert_eq!(
        q.owner,
        Wish::Set(Reference::Id {
            id: "12123".into(),
            name: Some("Jane".into()),
            email: Some("jane@seller.example".into())
        })
    );
    assert_eq!(q.company, Wish::Set(Reference::Named("acme.example".into())));
    let items = q.items.set().unwrap();
    let keys: Vec<&str> = items.iter().map(|i| i.key.as_str()).collect();
    assert_eq!(keys, ["audit", "arlig-link-building"]);
    assert_eq!(items[0].price.set().unwrap().to_string(), "19.990");
    assert_eq!(items[0].name, Wish::Set("Annual SEO audit".into()));
    assert_eq!(items[0].recurring.set().unwrap().term.unwrap().unit, Unit::Year);
    let block = &items[0].native["hubspot"];
    assert_eq!(block["hs_product_id"].set().unwrap().scalar().as_deref(), Some("78"));
    assert!(block.contains_key("hs_cost_of_goods_sold"));
    assert_eq!(items[0].properties.set().unwrap()[1], ("Age".into(), "3".into()));
    let discount = items[1].discount.set().unwrap();
    assert_eq!((discount.per, discount.label.as_deref()), (Per::Unit, Some("Volume")));
    assert!(matches!(discount.measure, Measure::Amount(a) if a.to_string() == "1.50"));
    assert_eq!(items[1].recurring.set().unwrap().every.count, 3);
    let labels: Vec<&str> = q.discounts.set().unwrap().iter().map(|d| d.key.as_str()).collect();
    assert_eq!(labels, ["loyalty", "loyalty-2"]);
    assert_eq!(q.alternatives.set().unwrap()[1].skus, ["01.350000.01.00"]);
    assert_eq!(q.fields["gone"], Wish::Clear);
    let Some(Plain::Map(address)) = q.fields["Shipping address"].set() else { panic!() };
    assert_eq!(address["zip"], Plain::Text("22100".into()));
    assert!(matches!(address["level"], Plain::Number(n) if n.to_string() == "3.10"));
    assert_eq!(address["since"], Plain::Text("2027-01-31".into()));
}

#[test]
fn defaults_show_through_key_by_key_and_the_manifest_wins() {
    let q = sound(FULL);
    assert_eq!(q.notes.public, Wish::Clear);
    assert_eq!(q.notes.internal, Wish::Clear);
    assert_eq!(q.notes.customer, Wish::Set("2027".into()));
    assert_eq!(q.notes.terms, Wish::Set("Net 30".into()));
    assert!(q.lifecycle.protect && q.lifecycle.ignore.len() == 2);
    assert_eq!(q.native["hubspot"]["hs_language"], Wish::Set(Plain::Text("sv".into())));
    assert_eq!(q.native["hubspot"]["hs_locale"], Wish::Set(Plain::Text("en-us".into())));
    let bare = sound("quote: a\nnotes: null\ntemplate: ''\n");
    assert_eq!((&bare.notes.terms, &bare.template), (&Wish::Clear, &Wish::Clear));
    assert_eq!((bare.connection.as_str(), bare.currency.unwrap().code()), ("crm", "USD"));
    assert_eq!(bare.title, Wish::Unowned);
    assert_eq!(bare.items, Wish::Unowned);
}

#[test]
fn places_are_found_again_in_the_manifest_and_in_the_defaults() {
    let q = sound(FULL);
    let at = |path: &str| {
        let p = q.place(path).unwrap();
        (
            p.source.path.clone(),
            p.line,
            p.column,
            p.source.text[p.offset..p.offset + p.length].to_owned(),
        )
    };
    assert_eq!(at("items[audit].price"), ("quotes/q.yaml".into(), 17, 12, "19.990".into()));
    assert_eq!(at("items[arlig-link-building].discount").1, 24);
    assert_eq!(at("fees[onboarding].amount").3, "300.00");
    assert_eq!(at("notes.customer").1, 30);
    assert_eq!(at("notes.terms"), ("proforma.yaml".into(), 11, 23, "Net 30".into()));
    let bare = sound("title: x\nquote: a\n");
    let p = bare.place("template").unwrap();
    assert_eq!((p.source.path.as_str(), p.line, p.column), ("proforma.yaml", 10, 17));
    assert_eq!(bare.place("expires").unwrap().line, 2);
}

#[test]
fn every_error_is_told_at_once_with_its_place() {
    let text = "quote: a
tilte: x
expires: 2027-02-29
state: publishd
items:
  - name: A
    price: 1.234
    quantity: 0
  - sku: A-1
    price: 12,000.00
    discount: 110%
  - sku: A-1
    taxable: yes
customer: { email: jo }
---
quote: B
---
quote: c
connection: crn
title: true
";
    assert_eq!(
        faults(text),
        [
            "unknown-key 2:1",
            "bad-date 3:10",
            "unknown-word 4:8",
            "too-many-decimals 7:12",
            "bad-quantity 8:15",
            "bad-number 10:12",
            "bad-percent 11:15",
            "duplicate-item 12:10",
            "bad-boolean 13:14",
            "bad-email 14:20",
            "bad-name 16:8",
            "unknown-connection 19:13",
            "wrong-type 20:8",
        ]
    );
}

#[test]
fn the_help_names_the_way_out() {
    assert_eq!(help_of("quote: a\ntilte: x\n"), "did you mean `title`?");
    assert_eq!(help_of("quote: a\nstate: in-review\n"), "did you mean `in_review`?");
    assert_eq!(help_of("quote: a\ncurrency: usd\n"), "write `USD`");
    assert_eq!(help_of("quote: a\ntitle: true\n"), "quote it: \"true\"");
    assert_eq!(help_of("quote: a\nconnection: crn\n"), "did you mean `crm`?");
    assert_eq!(help_of("quote: a\nitems: [{product: seo-audi}]\n"), "did you mean `seo-audit`?");
    assert_eq!(help_of("quote: a\nitems: [{name: x, price: \"1,000\"}]\n"), "write `1000`");
    assert_eq!(help_of("qoute: a\n"), "did you mean `quote`?");
    assert!(help_of("quote: Acme AB\n").ends_with("such as `acme-ab`"));
    assert!(help_of("quote: a\ntitle: &x 1\n").contains("defaults"));
}

#[test]
fn each_rule_of_a_quote_has_its_code() {
    let cases = [
        ("items: {}", "wrong-type 2:8"),
        ("items: [1]", "wrong-type 2:9"),
        ("items: [{}]", "missing-key 2:9"),
        ("items: [{key: a b}]", "bad-key 2:15"),
        ("items: [{name: x, price: -1}]", "negative-amount 2:26"),
        ("items: [{name: x, price: 1e3}]", "bad-number 2:26"),
        ("items: [{name: x, quantity: null}]", "cannot-clear 2:29"),
        ("items: [{name: x, recurring: {every: day}}]", "bad-period 2:38"),
        ("items: [{name: x, recurring: month}]", "wrong-type 2:30"),
        ("items: [{name: x, discount: {percent: 1, amount: 1}}]", "conflicting-keys 2:42"),
        ("items: [{name: x, currency: EUR}]", "unknown-key 2:19"),
        ("items: [{product: nope}]", "unknown-product 2:19"),
        ("currency: EUR\nitems: [{product: seo-audit}]", "currency-mismatch 3:19"),
        ("currency: JPY\nitems: [{name: x, price: 1.5}]", "too-many-decimals 3:26"),
        ("currency: XXQ", "unknown-currency 2:11"),
        ("discounts: [{label: a}]", "missing-key 2:13"),
        ("fees: [{percent: 1}]", "missing-key 2:8"),
        ("taxes: [{label: a, percent: -1}]", "bad-percent 2:29"),
        ("shipping: {name: a}", "missing-key 2:11"),
        ("state: viewed", "unknown-word 2:8"),
        ("state: null", "cannot-clear 2:8"),
        ("owner: {name: a, email: a@b.c}", "missing-key 2:8"),
        ("owner: {}", "missing-key 2:8"),
        ("deal: {id: 'a b'}", "bad-id 2:12"),
        ("deal: {email: a@b.c}", "unknown-key 2:8"),
        ("contacts: [{first_name: a}]", "missing-key 2:12"),
        ("contacts: [{email: a@b.c}, {email: a@b.c}]", "duplicate-contact 2:28"),
        ("tags: [a, a]", "duplicate-tag 2:11"),
        ("tags: a", "wrong-type 2:7"),
        ("alternatives: [{title: a}]", "missing-key 2:16"),
        ("lifecycle: {ignore: [ownr]}", "unknown-key 2:22"),
        ("lifecycle: {protect: on}", "bad-boolean 2:22"),
        ("delivery: {channel: fax}", "unknown-word 2:21"),
        ("was: a", "bad-was 2:6"),
        ("title: \"a\\e[31m\"", "control-character 2:8"),
        ("title: [a]", "wrong-type 2:8"),
        ("product: x", "not-a-manifest 2:1"),
        ("expires: 20270131", "bad-date 2:10"),
        ("hubspot: 1", "wrong-type 2:10"),
        ("title: a\ntitle: b", "duplicate-key 3:1"),
        ("title: &a b", "yaml-anchor 2:8"),
        ("title: !!str b", "yaml-tag 2:8"),
        ("<<: {title: b}", "yaml-merge-key 2:1"),
        ("title: a: b", "yaml-syntax 2:9"),
    ];
    let differs = |(text, wanted): &(&str, &str)| {
        let found = faults(&format!("quote: a\n{text}\n"));
        (found != [*wanted]).then(|| format!("{text}: {found:?}, not {wanted}"))
    };
    let wrong: Vec<String> = cases.iter().filter_map(differs).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn texts_take_any_scalar_and_prices_keep_their_digits() {
    let q = sound("quote: a\ntitle: 2027\nitems: [{name: yes, price: \"19.990\"}]\n");
    assert_eq!(q.title, Wish::Set("2027".into()));
    let item = &q.items.set().unwrap()[0];
    assert_eq!(item.name, Wish::Set("yes".into()));
    assert_eq!(item.price.set().unwrap().to_string(), "19.990");
}

#[test]
fn byte_order_marks_and_crlf_change_nothing() {
    let clean = sound(FULL);
    let crlf = format!("\u{feff}{}", FULL.replace('\n', "\r\n"));
    let twin = sound(&crlf);
    assert_eq!(clean.fingerprint, twin.fingerprint);
    assert_eq!(twin.place("items[audit].price").unwrap().line, 17);
    assert_eq!(faults("\u{feff}quote: a\r\ntilte: x\r\n"), ["unknown-key 2:1"]);
    let block = sound("quote: a\r\nnotes:\r\n  public: |\r\n    one\r\n    two\r\n");
    assert_eq!(block.notes.public, Wish::Set("one\ntwo\n".into()));
}

#[test]
fn names_are_unique_across_files_and_the_message_says_where_the_first_is() {
    let l = loaded(&[
        ("quotes/a.yaml", "quote: a\n---\nquote: b\n"),
        ("quotes/q.yaml", "title: x\nquote: a\n"),
        ("catalog/p.yaml", "product: p\n---\nproduct: p\n"),
        ("quotes/w.yaml", "quote: w\nwas: b\n---\nquote: x\nwas: old\n---\nquote: y\nwas: old\n"),
    ]);
    assert_eq!(
        places(&l),
        [
            "catalog/p.yaml duplicate-product 3:10",
            "duplicate-quote 2:8",
            "quotes/w.yaml bad-was 2:6",
            "quotes/w.yaml bad-was 8:6",
        ]
    );
    assert!(l.diagnostics[1].message.ends_with("the first is in quotes/a.yaml on line 1"));
    let names: Vec<&str> = l.quotes.iter().map(|q| q.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "x"]);
}

#[test]
fn an_unreadable_catalog_does_not_blame_the_quotes() {
    let l = loaded(&[
        ("quotes/q.yaml", "quote: a\nitems: [{product: seo-audit}]\n"),
        ("catalog/seo.yaml", "product: 'x\n"),
    ]);
    assert_eq!(places(&l), ["catalog/seo.yaml yaml-syntax 1:10"]);
}

#[test]
fn products_in_unlikely_places_are_found() {
    for product in [
        "{ product: seo-audit, name: Audit, price: 5.00 }\n",
        "  product: seo-audit\n  name: Audit\n  price: 5.00\n",
        "--- { \"product\": seo-audit, name: Audit, price: 5.00 }\n",
        "quote: b\n---\n? product\n: seo-audit\nname: Audit\nprice: 5.00\n",
    ] {
        let l = loaded(&[
            ("quotes/q.yaml", "quote: a\nitems: [{product: seo-audit}]\n"),
            ("quotes/z.yaml", product),
        ]);
        assert_eq!(places(&l), [""; 0], "{product}");
        let items = l.quotes[0].items.set().unwrap();
        assert_eq!(items[0].price, Wish::Set("5.00".parse().unwrap()), "{product}");
    }
}

#[test]
fn a_file_that_is_broken_behind_a_wave_silences_what_follows_from_it() {
    let long = format!("quote: b\n# {}\n", "x".repeat(600 * 1024));
    let l = loaded(&[
        ("quotes/a.yaml", "quote: a\nitems: [{product: gone}]\n"),
        ("quotes/b.yaml", &long),
        ("quotes/z.yaml", "quote: 'x\n"),
    ]);
    assert_eq!(places(&l), ["quotes/z.yaml yaml-syntax 1:8"]);
}

#[test]
fn many_errors_are_counted_and_not_all_shown() {
    let text: Vec<String> = (0..300).map(|i| format!("---\nquote: q{i}\ntilte: x\n")).collect();
    let l = quote_file(&text.concat());
    assert_eq!(l.diagnostics.len(), MAX_PROBLEMS + 1);
    let last = l.diagnostics.last().unwrap();
    assert_eq!((last.message.as_str(), last.severity), ("and 100 more", Severity::Note));
}
