//! Moving quotes between the four upstreams: twelve directions, what is lost, both totals.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use serde_json::Value;
use support::World;

/// One connection to each upstream, all in one currency.
const FOUR: &str = "\
proforma: 1
workspace: moving
connections:
  crm:
    provider: hubspot
    token: { env: HUBSPOT_TOKEN }
    defaults: { template: Default Modern, currency: USD, expires: 2027-12-31 }
  shop: { provider: quickquote, token: { env: QUICKQUOTE_TOKEN }, currency: USD }
  nordic:
    provider: salesbyte
    uuid: { env: SB_UUID }
    token: { env: SB_TOKEN }
    quote_profile_id: 115
    stamp_field: { name: proforma, label: Proforma }
    currency: USD
  cpq:
    provider: dealhub
    token: { env: DEALHUB_TOKEN }
    visibility: 1s
    defaults:
      currency: USD
      owner: { id: \"70112901\", email: jane@northlight.example, name: Jane Ek }
      dealhub: { playbook: api_playbook, opportunity_data: { geo_code: US } }
";

const CATALOG: &str = "\
product: seo-audit
name: Annual SEO audit
sku: SEO-A
currency: USD
salesbyte: { sku: SEO-A }
dealhub: { sku: SEO-A }
";

/// The same sale on each upstream, as far as each can hold it.
fn sale(connection: &str) -> String {
    let head = format!("quote: acme\nconnection: {connection}\n");
    let customer = "customer: { email: jo@acme.example, first_name: Jo, last_name: Ek, name: Jo Ek, company: Acme }\n";
    let rest = match connection {
        "crm" => {
            "title: Acme audit\nstate: published\ndeal: { id: \"345345\", name: Acme renewal 2027 }\nitems:\n  - { key: audit, product: seo-audit, quantity: 2, price: 1200.00, discount: 10% }\ndiscounts: [{ label: Loyalty, percent: 5 }]\nfees: [{ label: Onboarding, amount: 300.00 }]\nnotes: { public: Thanks, terms: Net 30 }\n"
        }
        "shop" => {
            "items:\n  - { key: audit, product: seo-audit, quantity: 2, price: 1200.00, discount: { amount: 100.00, label: Old friend } }\nshipping: { name: Courier, price: 25.50 }\nnotes: { customer: Call first }\ntags: [priority]\n"
        }
        "nordic" => {
            "items: [{ key: audit, product: seo-audit }]\nfields: { bank_name: Bank }\nexpires: 2027-11-30\n"
        }
        _ => {
            "title: Acme audit\nexpires: 2027-11-30\ndeal: { id: \"345345\", name: Acme renewal 2027 }\nitems:\n  - { key: audit, product: seo-audit, quantity: 2, price: 100.00, dealhub: { product_factors: { Duration: 12 } } }\ndiscounts: [{ label: Loyalty, percent: 5 }]\n"
        }
    };
    let customer = if connection == "cpq" {
        customer.replace("{ email", "{ id: \"123127982734\", email")
    } else {
        customer.to_owned()
    };
    head + &customer + rest
}

fn world(quotes: &str) -> World {
    let world = World::empty();
    world.write("proforma.yaml", FOUR);
    world.write("catalog/products.yaml", CATALOG);
    world.write("quotes/all.yaml", quotes);
    world
}

fn migrate(world: &World, from: &str, to: &str, more: &[&str]) -> Value {
    let mut args = vec!["migrate", "--from", from, "--to", to, "--format", "json"];
    args.extend(more);
    let ended = world.run(&args);
    assert_eq!(ended.code, 0, "{}\n{}", ended.stdout, ended.stderr);
    let json = ended.json();
    assert_eq!(json["kind"], "migration");
    json
}

#[track_caller]
fn row<'j>(quote: &'j Value, path: &str) -> &'j Value {
    let rows = quote["fields"].as_array().unwrap();
    rows.iter().find(|r| r["path"] == path).unwrap_or_else(|| panic!("no row {path} in {quote:#}"))
}

/// What each direction comes to for [`sale`]: the totals, and what stands in the way.
type Direction = (&'static str, &'static str, Option<(&'static str, &'static str)>, &'static str);

const DIRECTIONS: [Direction; 12] = [
    ("crm", "shop", Some(("2352.00", "2352.00")), ""),
    ("crm", "nordic", None, "items[audit].quantity"),
    ("crm", "cpq", None, "dealhub.opportunity_data"),
    ("shop", "crm", Some(("2325.50", "2325.50")), ""),
    ("shop", "nordic", None, "items[audit].quantity"),
    ("shop", "cpq", None, ""),
    ("nordic", "crm", None, "items[audit].price"),
    ("nordic", "shop", None, "items[audit]"),
    ("nordic", "cpq", None, ""),
    ("cpq", "crm", Some(("2280.00", "2280.00")), ""),
    ("cpq", "shop", Some(("2280.00", "2280.00")), ""),
    ("cpq", "nordic", None, "items[audit].quantity"),
];

#[test]
fn twelve_directions() {
    for (from, to, totals, blocker) in DIRECTIONS {
        let world = world(&sale(from));
        let json = migrate(&world, from, to, &[]);
        let quote = &json["quotes"][0];
        assert_eq!(quote["quote"], "acme", "{from} to {to}");
        if let Some((before, after)) = totals {
            assert_eq!(quote["totals"]["before"], before, "{from} to {to}: {quote:#}");
            assert_eq!(quote["totals"]["after"], after, "{from} to {to}: {quote:#}");
            assert_eq!(quote["totals"]["equal"], before == after);
            assert_eq!(quote["target"], format!("acme.{to}"));
            let file = quote["file"].as_str().unwrap();
            assert_eq!(file, format!("quotes/migrated/{to}/acme.{to}.yaml"));
            assert!(world.path(file).exists());
            // The workspace with both is sound.
            let ended = world.run(&["validate"]);
            assert_eq!(ended.code, 0, "{from} to {to}: {}{}", ended.stdout, ended.stderr);
        } else {
            let rows = quote["fields"].as_array().unwrap();
            assert!(
                !rows.is_empty() && rows.iter().all(|r| r["outcome"] == "impossible"),
                "{quote:#}"
            );
            assert!(
                rows.iter().all(|r| r["why"].as_str().is_some_and(|w| w.len() > 20)),
                "{quote:#}"
            );
            assert!(
                rows.iter().any(|r| r["path"].as_str().unwrap().starts_with(blocker)),
                "{from} to {to}: {quote:#}"
            );
            assert_eq!(quote["file"], Value::Null);
        }
    }
}

/// `UPDATE_DOCS=1 cargo test --test migrate` writes the table anew.
#[test]
fn the_table_of_directions_is_what_happens() {
    let mut table = "| from | to | what becomes of it |\n|---|---|---|\n".to_owned();
    let title = |c: &str| match c {
        "crm" => "HubSpot",
        "shop" => "Quick Quote",
        "nordic" => "SalesByte",
        _ => "DealHub",
    };
    for (from, to, ..) in DIRECTIONS {
        let json = migrate(&world(&sale(from)), from, to, &[]);
        let quote = &json["quotes"][0];
        let said = match (&quote["file"], quote["totals"]["equal"].as_bool()) {
            (Value::Null, _) => {
                let first = &quote["fields"][0];
                format!("not like this: {}", first["why"].as_str().unwrap().replace('|', "/"))
            }
            (_, Some(true)) => {
                let after = quote["totals"]["after"].as_str().unwrap();
                format!("moves, {after} at both ends")
            }
            (_, other) => format!("moves, totals {other:?}"),
        };
        // Writing to a String cannot fail.
        let _ = std::fmt::Write::write_fmt(
            &mut table,
            format_args!("| {} | {} | {said} |\n", title(from), title(to)),
        );
    }
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/migration.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = page.split_once("<!-- directions -->\n").unwrap();
    let (_, tail) = rest.split_once("<!-- /directions -->").unwrap();
    let now = format!("{head}<!-- directions -->\n{table}<!-- /directions -->{tail}");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, now).unwrap();
    } else {
        assert!(page == now, "run `UPDATE_DOCS=1 cargo test --test migrate`\n{table}");
    }
}

#[test]
fn each_field_of_a_rich_quote_is_told() {
    let world = world(&sale("crm"));
    let json = migrate(&world, "crm", "shop", &[]);
    let quote = &json["quotes"][0];
    for (path, outcome) in [
        ("title", "local"),
        ("expires", "converted"),
        ("state", "converted"),
        ("customer.email", "exact"),
        ("template", "lost"),
        ("items[audit].price", "exact"),
        ("items[audit].discount", "exact"),
        ("discounts[loyalty]", "converted"),
        ("fees[onboarding]", "converted"),
        ("notes.public", "converted"),
        ("notes.terms", "converted"),
    ] {
        assert_eq!(row(quote, path)["outcome"], outcome, "{path}: {quote:#}");
    }
    let text = world.read("quotes/migrated/shop/acme.shop.yaml");
    for told in ["state: draft", "Valid until 2027-12-31", "Net 30", "lost: template", "Onboarding"]
    {
        assert!(text.contains(told), "no {told:?} in\n{text}");
    }
    assert!(!text.contains("id: \"345345\"") || text.contains("deal:"), "{text}");
    assert_eq!(json["summary"]["impossible"], 0);
    // The id of a customer in one account never reaches another.
    world.write("quotes/all.yaml", &sale("crm").replace("{ email", "{ id: 99, email"));
    let json = migrate(&world, "crm", "shop", &[]);
    assert_eq!(row(&json["quotes"][0], "customer.id")["outcome"], "lost");
    let text = world.read("quotes/migrated/shop/acme.shop.yaml");
    assert!(!text.contains("id: \"99\"") && !text.contains("id: 99"), "{text}");
}

#[test]
fn a_migration_is_repeatable_and_leaves_edited_files_alone() {
    let world = world(&sale("crm"));
    let written = |json: &Value| json["quotes"][0]["written"].as_str().unwrap().to_owned();
    assert_eq!(written(&migrate(&world, "crm", "shop", &[])), "new");
    let file = "quotes/migrated/shop/acme.shop.yaml";
    let first = world.read(file);
    assert_eq!(written(&migrate(&world, "crm", "shop", &[])), "unchanged");
    assert_eq!(world.read(file), first);
    world.edit("quotes/all.yaml", "1200.00", "1300.00");
    assert_eq!(written(&migrate(&world, "crm", "shop", &[])), "renewed");
    assert!(world.read(file).contains("1300.00"));
    world.edit(file, "1300.00", "1250.00");
    let json = migrate(&world, "crm", "shop", &[]);
    assert_eq!(written(&json), "edited");
    assert_eq!(json["diagnostics"][0]["code"], "migrated-edited");
    assert!(world.read(file).contains("1250.00"));
}

#[test]
fn what_is_unmapped_is_listed_once_and_filled_in_by_the_user() {
    let world = world(&format!(
        "{}owner: jane@seller.example\n---\n{}owner: jane@seller.example\n",
        sale("crm"),
        sale("crm").replace("quote: acme", "quote: globex")
    ));
    let json = migrate(&world, "crm", "shop", &[]);
    assert_eq!(json["unmapped"]["owners"], serde_json::json!(["jane@seller.example"]));
    assert_eq!(json["unmapped"]["products"], serde_json::json!(["seo-audit"]));
    assert_eq!(json["files"], serde_json::json!(["migrate.yaml"]));
    assert_eq!(row(&json["quotes"][0], "owner")["outcome"], "lost");
    let stubs = world.read("migrate.yaml");
    assert!(stubs.contains("\"jane@seller.example\": null"), "{stubs}");
    world.edit(
        "migrate.yaml",
        "\"jane@seller.example\": null",
        "\"jane@seller.example\": Jane Ek # ours",
    );
    let own = world.read("migrate.yaml");
    let json = migrate(&world, "crm", "shop", &[]);
    assert_eq!(json["unmapped"]["owners"], serde_json::json!([]));
    assert_eq!(row(&json["quotes"][0], "owner")["outcome"], "converted");
    assert!(world.read("quotes/migrated/shop/acme.shop.yaml").contains("owner: Jane Ek"));
    for line in own.lines() {
        assert!(world.read("migrate.yaml").contains(line), "{line}");
    }
    // Unknown keys have a caret; another direction is refused.
    world.edit("migrate.yaml", "migrate: 1", "migrate: 1\nownres: {}");
    let ended = world.run(&["migrate", "--from", "crm", "--to", "shop"]).expect(10);
    assert!(
        ended.stderr.contains("unknown-key") && ended.stderr.contains("owners"),
        "{}",
        ended.stderr
    );
    world.edit("migrate.yaml", "\nownres: {}", "");
    let ended = world.run(&["migrate", "--from", "crm", "--to", "cpq"]).expect(10);
    assert!(ended.stderr.contains("--mapping"), "{}", ended.stderr);
}

/// What Quick Quote would not keep is said in another way, at the same price.
#[test]
fn discounts_that_a_shop_does_not_keep_are_said_otherwise() {
    let (_, rest) =
        sale("crm").split_once("items:").map(|(h, r)| (h.to_owned(), r.to_owned())).unwrap();
    let head = sale("crm").replace(&format!("items:{rest}"), "");
    for (more, total, path, outcome) in [
        (
            "items: [{ key: audit, name: A, price: 100.00, discount: 33.333% }]\n",
            "66.67",
            "items[audit].discount",
            "rounded",
        ),
        (
            "items: [{ key: audit, name: A, price: 100.00 }]\ndiscounts: [{ label: Loyalty, percent: 3.125 }]\n",
            "96.87",
            "discounts[loyalty]",
            "rounded",
        ),
        (
            "items: [{ key: audit, name: A, price: 100.00 }]\ndiscounts: [{ label: Loyalty, percent: 0 }]\n",
            "100.00",
            "discounts[loyalty]",
            "lost",
        ),
        (
            "items: [{ key: audit, name: A, price: 100.00 }]\ndiscounts: [{ label: Loyalty, amount: 500.00 }]\nfees: [{ label: Rush, amount: 7.00 }]\n",
            "7.00",
            "discounts[loyalty]",
            "converted",
        ),
    ] {
        let world = world(&format!("{head}{more}"));
        let json = migrate(&world, "crm", "shop", &[]);
        let quote = &json["quotes"][0];
        assert_eq!(quote["totals"]["before"], total, "{more}: {quote:#}");
        assert_eq!(quote["totals"]["after"], total, "{more}: {quote:#}");
        assert_eq!(row(quote, path)["outcome"], outcome, "{more}: {quote:#}");
        world.run(&["validate"]).expect(0);
    }
}

/// Parts of a cent off each unit: the line is sold as one, at its net.
#[test]
fn a_discount_of_parts_of_a_cent_is_in_the_price_of_one() {
    let text = sale("crm").replace("customer: { email", "customer: { id: \"123127982734\", email");
    let (head, _) = text.split_once("items:").unwrap();
    let world = world(&format!(
        "{head}items:\n  - {{ key: audit, product: seo-audit, quantity: 2.5, price: 10.10, discount: {{ amount: 0.01, per: unit }} }}\n"
    ));
    world.write("migrate.yaml", "migrate: 1\nkeep_ids: [deal, customer]\n");
    let json = migrate(&world, "crm", "cpq", &[]);
    let quote = &json["quotes"][0];
    assert_eq!(quote["totals"]["before"], "25.23", "{quote:#}");
    assert_eq!(quote["totals"]["after"], "25.23", "{quote:#}");
    assert_eq!(row(quote, "items[audit].discount")["why"], "it is in the price");
    world.run(&["validate"]).expect(0);
}

/// Nothing that a manifest says is left out of the report.
#[test]
fn titles_of_alternatives_and_all_of_a_contact_are_in_the_report() {
    let nordic = sale("nordic").replace(
        "items: [{ key: audit, product: seo-audit }]",
        "alternatives: [{ skus: [SEO-A], title: Gold }]",
    );
    let world = world(&nordic);
    world.write("catalog/products.yaml", &format!("{CATALOG}price: 1200.00\n"));
    let json = migrate(&world, "nordic", "crm", &[]);
    let title = row(&json["quotes"][0], "alternatives[0].title");
    assert_eq!((&title["from"], &title["outcome"]), (&"Gold".into(), &"lost".into()), "{json:#}");
    let contacts = "contacts: [{ email: bo@acme.example, first_name: Bo, last_name: Li, phone: \"+4612345678\" }]\n";
    world.write("quotes/all.yaml", &format!("{}{contacts}", sale("crm")));
    std::fs::remove_file(world.path("migrate.yaml")).unwrap();
    let json = migrate(&world, "crm", "shop", &[]);
    for (field, value) in [("first_name", "Bo"), ("last_name", "Li"), ("phone", "+4612345678")] {
        let row = row(&json["quotes"][0], &format!("contacts[0].{field}"));
        assert_eq!((&row["from"], &row["outcome"]), (&value.into(), &"lost".into()), "{json:#}");
    }
}

#[test]
fn deals_of_dealhub_are_kept_or_named() {
    let world =
        world(&sale("crm").replace("customer: { email", "customer: { id: \"123127982734\", email"));
    world.write(
        "migrate.yaml",
        "migrate: 1\nkeep_ids: [deal, customer]\nlines: { Onboarding: ONB-1 }\n",
    );
    let json = migrate(&world, "crm", "cpq", &[]);
    let quote = &json["quotes"][0];
    assert_eq!(quote["totals"]["before"], "2352.00", "{quote:#}");
    assert_eq!(quote["totals"]["after"], "2352.00", "{quote:#}");
    assert_eq!(row(quote, "deal")["outcome"], "exact");
    world.run(&["validate"]).expect(0);
}

#[test]
fn fail_on_writes_nothing() {
    let world = world(&sale("crm"));
    let args = ["migrate", "--from", "crm", "--to", "shop", "--format", "json", "--fail-on"];
    let mut lost = args.to_vec();
    lost.push("lost,impossible");
    let ended = world.run(&lost).expect(3);
    assert!(!ended.json()["quotes"][0]["fields"].as_array().unwrap().is_empty());
    assert!(!world.path("quotes/migrated").exists());
    let mut fine = args.to_vec();
    fine.push("impossible");
    world.run(&fine).expect(0);
    let mut wrong = args.to_vec();
    wrong.push("lsot");
    assert!(world.run(&wrong).expect(10).stderr.contains("approximated"));
}

#[test]
fn another_currency_is_never_converted() {
    let world = world(&sale("crm").replace("title:", "currency: EUR\ntitle:"));
    let json = migrate(&world, "crm", "shop", &[]);
    let quote = &json["quotes"][0];
    assert_eq!(row(quote, "currency")["outcome"], "impossible", "{quote:#}");
    assert!(!world.path("quotes/migrated").exists());
}

/// SalesByte tells no prices: what it tells is the price of the only item.
#[test]
fn a_total_of_salesbyte_is_the_price_of_its_only_item() {
    let world = world(&sale("nordic"));
    world.apply().expect(0);
    let quote = migrate(&world, "nordic", "crm", &[])["quotes"][0].clone();
    assert_eq!(row(&quote, "items[audit].price")["outcome"], "converted", "{quote:#}");
    assert_eq!(quote["totals"]["equal"], true, "{quote:#}");
    // Another product has another price.
    world.edit("catalog/products.yaml", "salesbyte: { sku: SEO-A }", "salesbyte: { sku: SEO-B }");
    let quote = migrate(&world, "nordic", "crm", &[])["quotes"][0].clone();
    assert!(quote.to_string().contains("no price is known"), "{quote:#}");
}

/// 1,200 euros are not 1,200 dollars.
#[test]
fn a_price_of_the_catalog_in_another_currency_is_none() {
    let item = "items: [{ key: audit, product: seo-audit }]";
    let world = world(&sale("nordic").replace(item, "alternatives: [{ skus: [SEO-A] }]"));
    for (currency, known) in [("USD", true), ("EUR", false)] {
        let product =
            CATALOG.replace("currency: USD", &format!("currency: {currency}\nprice: 1200.00"));
        world.write("catalog/products.yaml", &product);
        for to in ["crm", "shop"] {
            let names = format!("migrate-{to}.yaml");
            let json = migrate(&world, "nordic", to, &["--mapping", &names]);
            let price = row(
                &json["quotes"][0],
                if known || to == "crm" { "items[line-1].price" } else { "items[line-1]" },
            );
            assert_eq!(price["to"] == "1200.00", known, "{currency} to {to}: {json:#}");
            let why = price["why"].as_str().unwrap_or_default();
            let told = why.contains("catalog's is in EUR") && why.contains("quote is in USD");
            assert_eq!(told, !known, "{currency} to {to}: {json:#}");
        }
    }
}

#[test]
fn a_lost_tax_explains_the_difference_and_keeps_the_quote_a_draft() {
    let world = world(&format!(
        "{}taxes: [{{ label: VAT, percent: 25 }}]\n",
        sale("cpq")
            .replace("connection: cpq", "connection: crm")
            .replace(", dealhub: { product_factors: { Duration: 12 } }", "")
            .replace("title:", "state: published\ntitle:")
    ));
    let json = migrate(&world, "crm", "shop", &["--keep-state"]);
    let quote = &json["quotes"][0];
    assert_eq!(quote["totals"]["equal"], false, "{quote:#}");
    assert_eq!(quote["totals"]["why"], "taxes[vat]");
    assert_eq!(row(quote, "taxes[vat]")["outcome"], "approximated");
    assert!(world.read("quotes/migrated/shop/acme.shop.yaml").contains("state: draft"));
    let human = world.run(&["migrate", "--from", "crm", "--to", "shop"]).expect(0).stdout;
    assert!(human.contains("Other totals") && human.contains("taxes[vat]"), "{human}");
    let markdown =
        world.run(&["migrate", "--from", "crm", "--to", "shop", "--format", "markdown"]).expect(0);
    assert!(markdown.stdout.starts_with("## 1 quote"), "{}", markdown.stdout);
}

#[test]
fn both_ends_are_remembered_and_the_source_is_archived_by_a_plan() {
    let world = world(&sale("crm"));
    world.apply().expect(0);
    migrate(&world, "crm", "shop", &[]);
    let source = world.quote("Acme audit");
    world.apply().expect(0);
    world.settled();
    let list = world.run(&["lock", "list", "--format", "json"]).expect(0).json();
    let moved =
        list["quotes"].as_array().unwrap().iter().find(|q| q["quote"] == "acme.shop").unwrap();
    assert_eq!(moved["from"]["connection"], "crm");
    assert_eq!(moved["from"]["id"], source["id"]);
    assert!(world.read("proforma.sandbox.lock").contains("proforma-lock 2\n"));
    assert_eq!(
        world.quote("Acme audit")["properties"],
        source["properties"],
        "the source is untouched"
    );
    // Again: applied quotes are left alone, whatever the source says now.
    world.edit("quotes/all.yaml", "Net 30", "Net 60");
    let json = migrate(&world, "crm", "shop", &[]);
    assert_eq!(json["quotes"][0]["written"], "applied");
    world.edit("quotes/all.yaml", "Net 60", "Net 30");
    // Archiving is a change of the manifest, done by a plan with consent.
    let json = migrate(&world, "crm", "shop", &["--archive-source"]);
    assert_eq!(json["archived"][0]["state"], "draft", "{json:#}");
    assert!(world.read("quotes/all.yaml").contains("state: draft"));
    let plan = world.plan().expect(2).json();
    assert_eq!(plan["summary"]["update"], 1, "{plan:#}");
    world.apply().expect(0);
    assert_eq!(world.quote("Acme audit")["properties"]["hs_status"], "DRAFT");
    let json = migrate(&world, "crm", "shop", &["--archive-source"]);
    assert_eq!(json["archived"][0]["state"], Value::Null);
}

#[test]
fn nothing_is_archived_before_its_target_is_there() {
    let world = world(&sale("crm"));
    world.apply().expect(0);
    migrate(&world, "crm", "shop", &[]);
    let before = world.read("quotes/all.yaml");
    let json = migrate(&world, "crm", "shop", &["--archive-source"]);
    assert_eq!(json["archived"][0]["state"], Value::Null);
    assert!(json["archived"][0]["why"].as_str().unwrap().contains("not applied"), "{json:#}");
    assert_eq!(world.read("quotes/all.yaml"), before);
}

#[test]
fn in_place_keeps_names_and_comments_and_protects_the_old_quote() {
    let quotes = format!(
        "# our best\n{}---\n# another\nquote: other\nconnection: shop\ncustomer: {{ email: a@b.example, first_name: A, last_name: B }}\nitems: [{{ name: X, price: 1.00 }}]\n",
        sale("crm")
    );
    let world =
        world(&quotes.replace("title: Acme audit", "# what they see\ntitle: Acme audit # ok"));
    world.apply().expect(0);
    let old = world.quote("Acme audit");
    let json = migrate(&world, "crm", "shop", &["--in-place"]);
    assert_eq!(json["quotes"][0]["target"], "acme", "{json:#}");
    let text = world.read("quotes/all.yaml");
    for kept in
        ["# our best", "# what they see", "# ok", "# another", "quote: other", "connection: shop"]
    {
        assert!(text.contains(kept), "no {kept:?} in\n{text}");
    }
    world.run(&["validate"]).expect(0);
    let lock = world.read("proforma.sandbox.lock");
    assert!(lock.contains("quote acme.crm\n"), "{lock}");
    let plan = world.run(&["plan", "--prune", "--format", "json"]).json();
    let of = |name: &str| {
        plan["quotes"].as_array().unwrap().iter().find(|q| q["quote"] == name).unwrap()["action"]
            .clone()
    };
    assert_eq!(of("acme"), "create");
    assert_eq!(of("acme.crm"), "blocked", "the old quote is never deleted by accident");
    world.apply();
    assert_eq!(world.quote("Acme audit")["id"], old["id"], "it is still there");
    assert!(
        world
            .read("proforma.sandbox.lock")
            .contains(&format!("from crm {}", old["id"].as_str().unwrap()))
    );
}

#[test]
fn a_name_that_is_taken_is_not_taken_again() {
    let world = world(&sale("crm"));
    migrate(&world, "crm", "shop", &["--out", "quotes/moved"]);
    assert!(world.path("quotes/moved/acme.shop.yaml").exists());
    let json = migrate(&world, "crm", "shop", &[]);
    let why = json["quotes"][0]["fields"][0]["why"].as_str().unwrap();
    assert!(why.contains("quotes/moved/acme.shop.yaml"), "{why}");
    assert!(!world.path("quotes/migrated").exists());
    world.run(&["validate"]).expect(0);
}

#[test]
fn quotes_without_adjustments_get_them_on_their_items() {
    let world = world(&sale("crm").replace("title:", "currency: USD\ntitle:"));
    world.edit(
        "proforma.yaml",
        "  cpq:\n",
        "  newer: { provider: hubspot, token: { env: H2 }, quote_system: cpq, currency: USD }\n  cpq:\n",
    );
    let json = migrate(&world, "crm", "newer", &[]);
    let quote = &json["quotes"][0];
    assert_eq!(quote["totals"]["after"], "2352.00", "{quote:#}");
    assert_eq!(quote["totals"]["equal"], true);
    assert_eq!(row(quote, "discounts[loyalty]")["outcome"], "converted");
    assert_eq!(row(quote, "fees[onboarding]")["outcome"], "converted");
    world.run(&["validate"]).expect(0);
}

#[test]
fn wrong_words_are_told() {
    let world = world(&sale("crm"));
    for (args, word) in [
        (&["--from", "crm", "--to", "crm"][..], "same connection"),
        (&["--from", "crm", "--to", "nowhere"], "connections are"),
        (&["--from", "crm", "--to", "shop", "--out", "../else"], "not below the workspace"),
        (&["--from", "crm", "--to", "shop", "--only", "colour=red"], "colour"),
    ] {
        let mut all = vec!["migrate"];
        all.extend(args);
        let ended = world.run(&all).expect(10);
        assert!(ended.stderr.contains(word), "{args:?}: {}", ended.stderr);
    }
    let json = world
        .run(&["migrate", "--from", "x", "--to", "shop", "--format", "json"])
        .expect(10)
        .json();
    assert_eq!(json["kind"], "migration");
    assert_eq!(json["unmapped"]["owners"], serde_json::json!([]));
    assert_eq!(world.writes(), 0);
}
