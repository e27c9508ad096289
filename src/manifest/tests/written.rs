//! Written manifests: what the writer writes, our reader and another one read as the same values.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::desired::{
    Adjustment, Alternative, Channel, Delivery, Item, Lifecycle, LineDiscount, NativeBlock, Notes,
    Period, Person, Recurring, Shipping, WhenImmutable, WhenLocked,
};
use crate::failure::SourceFile;
use crate::key::QuoteName;
use crate::manifest::slug::unique_slugs;
use crate::manifest::write::{Remarks, product_text, quote_text};
use crate::money::{Amount, Currency};

/// Texts that some reader of YAML trips over.
fn any_text() -> impl Strategy<Value = String> {
    let traps = vec![
        "NO",
        "yes",
        "y",
        "12:30:45",
        "2026-01-05",
        "1_000",
        "~",
        "null",
        "0x1F",
        "1e3",
        "007",
        "3.10",
        " a",
        "a ",
        "#a",
        "a #b",
        "a: b",
        "a:",
        "- a",
        "-",
        "?",
        "[a",
        "{a}",
        "a,b",
        "*a",
        "&a",
        "!a",
        "%a",
        "@a",
        "`a",
        "'",
        "\"",
        "'a'",
        "<<",
        "=",
        "---",
        "...",
        "a\u{202e}b",
        "a\u{a0}b",
        "\u{2028}",
        "one\ntwo",
        "one\n\n  two\n",
        "one \ntwo",
        "\none",
        "one\n\n",
        "a\tb",
        "\ta",
        "Åre",
        "年",
        "true",
        "False",
        "|",
        ">",
        "a\n---\nb",
        "a\n# b",
        "\u{feff}a",
        "\\n",
        ".inf",
        "0o7",
        "+1",
        "a\u{1d173}b",
    ];
    prop_oneof![
        select(traps).prop_map(str::to_owned),
        "[ -~\n\tåé年]{1,60}",
        "[a-zA-Z0-9 .,:#'\"-]{1,120}",
    ]
}

fn any_id() -> impl Strategy<Value = String> {
    prop_oneof!["[0-9]{1,12}", "[!#-~]{1,12}"]
}

fn any_email() -> impl Strategy<Value = String> {
    "[a-z0-9]{1,8}@[a-z]{1,8}\\.example"
}

fn amount(max: u32) -> impl Strategy<Value = Amount> {
    (0..max, 0..4u32).prop_map(|(n, scale)| {
        let text =
            if scale == 0 { n.to_string() } else { format!("{n}.{:0>1$}", n % 10, scale as usize) };
        Amount::parse(&text).unwrap()
    })
}

fn wish<T: std::fmt::Debug + Clone>(
    of: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Wish<T>> {
    let of = of.boxed();
    prop_oneof![
        3 => Just(Wish::Unowned),
        1 => Just(Wish::Clear),
        4 => of.prop_map(Wish::Set),
    ]
}

fn any_plain() -> impl Strategy<Value = Plain> {
    let leaf = prop_oneof![
        Just(Plain::Null),
        any::<bool>().prop_map(Plain::Bool),
        amount(100_000).prop_map(Plain::Number),
        any_text().prop_map(Plain::Text),
        Just(Plain::Text(String::new())),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Plain::List),
            prop::collection::btree_map(any_text(), inner, 0..4).prop_map(Plain::Map),
        ]
    })
}

fn any_block() -> impl Strategy<Value = NativeBlock> {
    let value = any_plain().prop_map(|p| match p {
        Plain::Null => Wish::Clear,
        Plain::Text(t) if t.is_empty() => Wish::Clear,
        p => Wish::Set(p),
    });
    prop::collection::btree_map(any_text(), value, 1..4)
}

fn any_native() -> impl Strategy<Value = BTreeMap<String, NativeBlock>> {
    let word =
        select(vec!["hubspot", "quickquote", "salesbyte", "dealhub"]).prop_map(str::to_owned);
    prop::collection::btree_map(word, any_block(), 0..3)
}

fn any_person() -> impl Strategy<Value = Person> {
    (
        wish(any_email()),
        wish(any_text()),
        wish(any_text()),
        wish(any_text()),
        wish(any_text()),
        wish(any_text()),
        wish(any_id()),
    )
        .prop_map(|(email, first_name, last_name, name, company, phone, id)| Person {
            email,
            first_name,
            last_name,
            name,
            company,
            phone,
            id,
        })
}

fn any_contacts() -> impl Strategy<Value = Vec<Person>> {
    prop::collection::btree_map(any_id(), any_person(), 0..3).prop_map(|all| {
        let keyed = all.into_iter().enumerate();
        keyed
            .map(|(i, (id, person))| Person {
                email: Wish::Set(format!("c{i}@a.example")),
                id: Wish::Set(id),
                ..person
            })
            .collect()
    })
}

fn any_reference(email: bool) -> impl Strategy<Value = Reference> {
    prop_oneof![
        any_text().prop_map(Reference::Named),
        (any_id(), prop::option::of(any_text()), prop::option::of(any_email())).prop_map(
            move |(id, name, mail)| Reference::Id { id, name, email: mail.filter(|_| email) }
        ),
    ]
}

fn any_measure() -> impl Strategy<Value = Measure> {
    prop_oneof![amount(100).prop_map(Measure::Percent), amount(1_000_000).prop_map(Measure::Amount)]
}

fn any_period() -> impl Strategy<Value = Period> {
    prop_oneof![
        (1..=1200u32, select(vec![Unit::Week, Unit::Month, Unit::Year]))
            .prop_map(|(count, unit)| Period { count, unit }),
        (1..=1200u32).prop_map(|n| Period { count: n * 3, unit: Unit::Month }),
    ]
}

fn any_recurring() -> impl Strategy<Value = Recurring> {
    (any_period(), prop::option::of(any_period()))
        .prop_map(|(every, term)| Recurring { every, term })
}

fn any_items() -> impl Strategy<Value = Vec<Item>> {
    let discount = (any_measure(), any::<bool>(), prop::option::of(any_text())).prop_map(
        |(measure, unit, label)| LineDiscount {
            measure,
            per: if unit { Per::Unit } else { Per::Line },
            label,
        },
    );
    let item = (
        (wish(any_text()), wish(any_text()), wish(any_text())),
        (1..1000u32).prop_map(|n| Amount::from_int(n.into())),
        wish(amount(1_000_000)),
        wish(discount),
        wish(any::<bool>()),
        wish(any_recurring()),
        wish(prop::collection::btree_map(any_text(), any_text(), 0..3)),
        any_native(),
    )
        .prop_map(
            |(
                (name, description, sku),
                quantity,
                price,
                discount,
                taxable,
                recurring,
                properties,
                native,
            )| Item {
                key: String::new(),
                product: None,
                name,
                description,
                sku,
                quantity,
                price,
                discount,
                taxable,
                recurring,
                properties: match properties {
                    Wish::Set(map) => Wish::Set(map.into_iter().collect()),
                    Wish::Clear => Wish::Clear,
                    Wish::Unowned => Wish::Unowned,
                },
                native,
            },
        );
    prop::collection::vec(item, 0..3).prop_map(|mut items| {
        for (i, item) in items.iter_mut().enumerate() {
            item.key = ["no", "a.b", "1"][i].to_owned();
        }
        items
    })
}

fn any_adjustments() -> impl Strategy<Value = Vec<Adjustment>> {
    prop::collection::vec((any_text(), any_measure()), 0..3).prop_map(|all| {
        let keys = unique_slugs(all.iter().map(|(label, _)| label.as_str()));
        let keyed = all.into_iter().zip(keys);
        keyed.map(|((label, measure), key)| Adjustment { key, label, measure }).collect()
    })
}

fn any_alternative() -> impl Strategy<Value = Alternative> {
    (
        prop::option::of(1..i64::MAX),
        prop::collection::vec(any_text(), 0..3),
        prop::option::of(any_text()),
        prop::option::of(0..100i64),
    )
        .prop_map(|(bundle_id, skus, title, sort_order)| Alternative {
            bundle_id,
            skus: if bundle_id.is_some() { Vec::new() } else { skus },
            title,
            sort_order,
        })
}

fn any_lifecycle() -> impl Strategy<Value = Lifecycle> {
    (
        any::<bool>(),
        prop::collection::vec(select(vec!["owner", "items[a].price", "notes.public"]), 0..3),
        select(vec![WhenLocked::Fail, WhenLocked::Unlock, WhenLocked::Revise]),
        select(vec![WhenImmutable::Fail, WhenImmutable::Replace]),
    )
        .prop_map(|(protect, ignore, when_locked, when_immutable)| Lifecycle {
            protect,
            ignore: ignore.into_iter().map(str::to_owned).collect(),
            when_locked,
            when_immutable,
        })
}

fn any_delivery() -> impl Strategy<Value = Delivery> {
    let channels = vec![Channel::None, Channel::Email, Channel::Sms, Channel::Dual, Channel::Auto];
    let flag = || prop::option::of(any::<bool>());
    (prop::option::of(select(channels)), wish(any_text()), flag(), flag(), flag()).prop_map(
        |(channel, message, include_pdf, include_link, copy_owner)| Delivery {
            channel,
            message,
            include_pdf,
            include_link,
            copy_owner,
        },
    )
}

fn any_quote() -> impl Strategy<Value = Quote> {
    let head = (
        "[a-z0-9][a-z0-9._-]{0,12}",
        wish(any_text()),
        wish(any::<bool>().prop_map(|b| {
            if b { jiff::civil::date(2027, 1, 31) } else { jiff::civil::date(2026, 2, 8) }
        })),
        prop::option::of(select(WantedState::ALL.to_vec())),
        prop::option::of(any_person()),
        wish(any_contacts()),
    );
    let links = (
        wish(any_reference(true)),
        wish(any_reference(false)),
        wish(any_reference(false)),
        wish(any_reference(false)),
    );
    let lists = (
        wish(any_items()),
        wish(any_adjustments()),
        wish(any_adjustments()),
        wish(any_adjustments()),
    );
    let notes = (wish(any_text()), wish(any_text()), wish(any_text()), wish(any_text()));
    let rest = (
        wish((any_text(), amount(100)).prop_map(|(name, price)| Shipping { name, price })),
        wish(prop::collection::btree_set(any_text(), 0..4)),
        prop_oneof![Just(BTreeMap::new()), any_block()],
        any_delivery(),
        wish(prop::collection::vec(any_alternative(), 0..3)),
        any_lifecycle(),
        any_native(),
    );
    (head, links, lists, notes, rest).prop_map(|(head, links, lists, notes, rest)| {
        let mut quote = sound("quote: a\nconnection: shop\n");
        quote.name = QuoteName::parse(&head.0).unwrap();
        (quote.title, quote.expires, quote.state) = (head.1, head.2, head.3);
        (quote.customer, quote.contacts) = (head.4, head.5);
        (quote.owner, quote.company, quote.deal, quote.template) = links;
        (quote.items, quote.discounts, quote.fees, quote.taxes) = lists;
        let (public, internal, customer, terms) = notes;
        quote.notes = Notes { public, internal, customer, terms };
        quote.shipping = rest.0;
        quote.tags = match rest.1 {
            Wish::Set(tags) => Wish::Set(tags.into_iter().collect()),
            Wish::Clear => Wish::Clear,
            Wish::Unowned => Wish::Unowned,
        };
        (quote.fields, quote.delivery, quote.alternatives) = (rest.2, rest.3, rest.4);
        (quote.lifecycle, quote.native) = (rest.5, rest.6);
        quote
    })
}

/// The same quote without what depends on its file.
fn bare(quote: &Quote) -> Quote {
    let source = Arc::new(SourceFile { path: String::new(), text: String::new() });
    let mut quote = quote.clone();
    quote.origin = crate::desired::Origin::new(source, 0);
    quote.fingerprint = crate::key::Fingerprint::of_parts("x", &[]);
    // A customer or notes with every field cleared are one thing, however it came about.
    quote
}

fn read_back(text: &str) -> Quote {
    let l = quote_file(text);
    assert!(l.diagnostics.is_empty(), "{text}\n{:?}", l.diagnostics);
    l.quotes.into_iter().next().unwrap_or_else(|| panic!("no quote in\n{text}"))
}

/// Scalars in order, as another reader of YAML sees them, each as the text that it stands for.
fn theirs(value: &serde_yaml::Value, out: &mut String) {
    match value {
        serde_yaml::Value::Null => out.push_str("null;"),
        serde_yaml::Value::Bool(b) => drop(write!(out, "{b};")),
        serde_yaml::Value::Number(_) => out.push_str("number;"),
        serde_yaml::Value::String(s) => drop(write!(out, "{s:?};")),
        serde_yaml::Value::Sequence(all) => all.iter().for_each(|v| theirs(v, out)),
        serde_yaml::Value::Mapping(map) => map.iter().for_each(|(k, v)| {
            theirs(k, out);
            theirs(v, out);
        }),
        serde_yaml::Value::Tagged(_) => panic!("a tag"),
    }
}

fn ours(node: &crate::yaml::Node<'_>, out: &mut String) {
    use crate::yaml::Kind;
    match &node.kind {
        Kind::Plain(_) if node.is_null() => out.push_str("null;"),
        Kind::Plain(t) if matches!(t.as_ref(), "true" | "false") => drop(write!(out, "{t};")),
        Kind::Plain(t) if Amount::parse(t).is_ok() => out.push_str("number;"),
        Kind::Plain(t) | Kind::Quoted(t) => drop(write!(out, "{t:?};")),
        Kind::Sequence(all) => all.iter().for_each(|n| ours(n, out)),
        Kind::Mapping(all) => all.iter().for_each(|e| {
            let _ = write!(out, "{:?};", e.key);
            ours(&e.value, out);
        }),
        Kind::Broken => panic!("broken"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_as_the_same_quote(
        quote in any_quote(),
        path in select(vec!["customer", "items[no].price", "items[a.b]", "nowhere", "notes.public", "contacts[0]"]),
        comment in any_text(),
    ) {
        let text = quote_text(&quote, &Remarks::default());
        let again = read_back(&text);
        prop_assert_eq!(bare(&again), bare(&quote), "\n{}", text);
        prop_assert_eq!(quote_text(&again, &Remarks::default()), text.clone());
        // Comments change nothing, and none is lost.
        let remarks = Remarks {
            head: vec![comment.clone()],
            at: BTreeMap::from([(path.to_owned(), vec![comment.clone(), "kept".to_owned()])]),
        };
        let remarked = quote_text(&quote, &remarks);
        prop_assert_eq!(bare(&read_back(&remarked)), bare(&quote), "\n{}", remarked);
        prop_assert_eq!(remarked.matches("# kept\n").count(), 1, "{}", remarked);
        // Another reader sees the same values.
        let parsed = crate::yaml::parse(&text, 0);
        let value: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
        let (mut a, mut b) = (String::new(), String::new());
        ours(&parsed.documents[0].root, &mut a);
        theirs(&value, &mut b);
        prop_assert_eq!(a, b, "\n{}", text);
    }
}

#[test]
fn the_layout_is_that_of_the_documentation() {
    let quote = sound(FULL);
    let remarks = Remarks {
        head: vec!["Imported from crm\nquote: evil".to_owned(), String::new()],
        at: BTreeMap::from([
            ("items[audit]".to_owned(), vec!["the audit".to_owned()]),
            ("items[audit].price".to_owned(), vec!["rounded".to_owned()]),
            ("customer.email".to_owned(), vec!["unverified".to_owned()]),
            ("shipping.carrier".to_owned(), vec!["not held".to_owned()]),
        ]),
    };
    insta::assert_snapshot!(quote_text(&quote, &remarks));
}

#[test]
fn products_are_written_and_read_again() {
    let file = |text: &str| {
        let l = loaded(&[("catalog/p.yaml", text)]);
        assert!(l.diagnostics.is_empty(), "{text}\n{:?}", l.diagnostics);
        l.products.into_iter().next().unwrap()
    };
    let product = file(CATALOG);
    let text = product_text(&product, &Remarks::default());
    assert_eq!(
        text,
        "product: seo-audit\nname: Annual SEO audit\nsku: SEO-A\nprice: 12000.00\ncurrency: USD\n\
         recurring: { every: year, for: 3 years }\n\
         hubspot: { hs_cost_of_goods_sold: 1, hs_product_id: 77 }\n"
    );
    let again = file(&text);
    assert_eq!(
        (again.name, again.price, again.native),
        (product.name, product.price, product.native)
    );
    assert_eq!(again.currency, Currency::parse("USD"));
}

#[test]
fn every_key_that_a_reader_knows_is_in_the_table() {
    use crate::manifest::order::{ITEM, QUOTE};
    let text = quote_text(&sound(FULL), &Remarks::default());
    for line in text.lines().filter(|l| !l.starts_with([' ', '#'])) {
        let key = line.split(':').next().unwrap();
        assert!(QUOTE.contains(&key), "{key}");
    }
    assert_eq!((QUOTE.len(), ITEM.len()), (28, 15));
}
