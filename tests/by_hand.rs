//! Quotes that people and other programs made, with what the vendors' documents say and no more: they
//! are imported with their lines, and their totals are those of the upstream.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests that print what is told")]

mod support;

use serde_json::{Value, json};
use support::World;
use support::four::FOUR;

fn world() -> World {
    let world = World::empty();
    world.write("proforma.yaml", FOUR);
    world
}

/// A HubSpot record, linked to others by HubSpot's own types.
#[track_caller]
fn hubspot(world: &World, object: &str, properties: &Value, links: &[(&str, u32)]) -> String {
    try_hubspot(world, object, properties, links).unwrap()
}

/// The same for what HubSpot may refuse.
fn try_hubspot(
    world: &World,
    object: &str,
    properties: &Value,
    links: &[(&str, u32)],
) -> Result<String, String> {
    let links: Vec<Value> = links
        .iter()
        .map(|(id, kind)| {
            json!({ "to": { "id": id }, "types": [
                { "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": kind }] })
        })
        .collect();
    let body = json!({ "properties": properties, "associations": links });
    let path = format!("/hubspot/crm/v3/objects/{object}");
    let made = world.try_by_hand("POST", &path, &body)?;
    Ok(made["id"].as_str().unwrap().to_owned())
}

/// A draft with these lines, on a deal, for a contact.
fn quote(world: &World, title: &str, lines: &[Value], more: &[(&str, u32)]) -> String {
    let lines: Vec<String> =
        lines.iter().map(|line| hubspot(world, "line_items", line, &[])).collect();
    let mut ends = vec![("345345", 64), ("123127982734", 69), ("235425923863", 286)];
    ends.extend(lines.iter().map(|id| (id.as_str(), 67)));
    ends.extend(more);
    let properties = json!({ "hs_title": title, "hs_expiration_date": "2027-06-30", "hs_status": "DRAFT", "hs_currency": "USD" });
    hubspot(world, "quotes", &properties, &ends)
}

/// Imports all of a connection; gives the manifests' texts by the quotes' names.
fn imported(world: &World, connection: &str, count: usize) -> Vec<(String, String)> {
    let report = world
        .run(&["import", "--connection", connection, "--all", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(report["summary"]["imported"], count, "{report:#}");
    world.run(&["validate"]).expect(0);
    world.settled();
    let quotes = report["quotes"].as_array().unwrap();
    quotes
        .iter()
        .map(|q| {
            let file = q["file"].as_str().unwrap();
            (q["quote"].as_str().unwrap().to_owned(), world.read(file))
        })
        .collect()
}

/// The total of a quote in a plan without changes.
fn total(world: &World, quote: &str) -> Value {
    let plan = world.run(&["plan", "--format", "json"]).expect(0).json();
    let quotes = plan["quotes"].as_array().unwrap();
    quotes.iter().find(|q| q["quote"] == quote).unwrap()["total"]["after"]["amount"].clone()
}

#[test]
fn hubspot_lines_without_a_currency_of_their_own_are_in_the_quotes() {
    let world = world();
    quote(
        &world,
        "Bare",
        &[
            json!({ "name": "Audit", "price": "1200.00", "quantity": "2" }),
            json!({ "name": "Training", "price": "99.99", "quantity": "3", "hs_discount_percentage": "10" }),
        ],
        &[],
    );
    let all = imported(&world, "crm", 1);
    let (name, text) = &all[0];
    assert!(text.contains("name: Audit") && text.contains("name: Training"), "{text}");
    assert!(!text.contains("not held"), "{text}");
    assert_eq!(total(&world, name), "2669.97");
    // It can be edited, and the total is known.
    world.edit(&format!("quotes/imported/crm/{name}.yaml"), "price: 1200.00", "price: 1000.00");
    let plan = world.plan().expect(2).json();
    assert_eq!(plan["quotes"][0]["total"]["after"]["amount"], "2269.97", "{plan:#}");
    world.apply().expect(0);
    world.settled();
}

/// Properties that the portal has made are part of what is imported, so that a migration can say what
/// becomes of them.
#[test]
fn properties_of_the_portals_own_are_imported_too() {
    let world = world();
    for (object, group, name) in [
        ("quotes", "quoteinformation", "erp_number"),
        ("line_items", "lineiteminformation", "cost_center"),
    ] {
        let property = json!({ "name": name, "label": name, "type": "string", "fieldType": "text", "groupName": group });
        world.by_hand("POST", &format!("/hubspot/crm/v3/properties/{object}"), &property);
    }
    let line = json!({ "name": "Audit", "price": "10", "quantity": "1", "cost_center": "CC: 1" });
    let line = hubspot(&world, "line_items", &line, &[]);
    let quote = json!({ "hs_title": "Own", "hs_expiration_date": "2027-06-30", "hs_status": "DRAFT", "hs_currency": "USD", "erp_number": "007" });
    hubspot(&world, "quotes", &quote, &[(&line, 67), ("345345", 64)]);
    let all = imported(&world, "crm", 1);
    let text = &all[0].1;
    assert!(text.contains("fields: { erp_number: \"007\" }"), "{text}");
    assert!(text.contains("hubspot: { cost_center: \"CC: 1\" }"), "{text}");
    let moved = world.run(&["migrate", "--from", "crm", "--to", "shop", "--format", "json"]);
    assert!(moved.expect(0).json().to_string().contains("erp_number"));
}

/// A fee that a colleague adds, and that no manifest owns: the customer pays it all the same.
#[test]
fn what_the_manifest_does_not_own_is_in_the_total() {
    let world = world();
    world.write(
        "quotes/a.yaml",
        "quote: a\nconnection: crm\ntitle: A\nexpires: 2027-12-01\ncurrency: USD\ncustomer: { email: jo@acme.example }\n\
         deal: Acme renewal 2027\nitems: [{ key: a, name: Audit, price: 100.00 }]\n",
    );
    world.apply().expect(0);
    assert_eq!(total(&world, "a"), "100.00");
    let id = world.quote("A")["id"].as_str().unwrap().to_owned();
    let fee =
        json!({ "hs_label": "Rush", "hs_type": "FIXED", "hs_value": "50", "hs_sort_order": "0" });
    let fee = hubspot(&world, "fees", &fee, &[]);
    let path = format!("/hubspot/crm/v4/objects/quotes/{id}/associations/default/fees/{fee}");
    world.by_hand("PUT", &path, &Value::Null);
    // Not owned: no change, and it counts.
    assert_eq!(total(&world, "a"), "150.00");
    let status = world.run(&["status", "--format", "json"]).expect(0).json();
    assert_eq!(status["quotes"][0]["observed"]["total"]["amount"], "150.00", "{status:#}");
    // With another price nobody can say what the customer will pay: so no figure is shown.
    world.edit("quotes/a.yaml", "price: 100.00", "price: 200.00");
    let plan = world.plan().expect(2).json();
    assert_eq!(plan["quotes"][0]["total"]["before"]["amount"], "150.00", "{plan:#}");
    assert_eq!(plan["quotes"][0]["total"]["after"], Value::Null, "{plan:#}");
    world.apply().expect(0);
    assert_eq!(total(&world, "a"), "250.00");
    // A title is not money.
    world.edit("quotes/a.yaml", "title: A", "title: Aa");
    let plan = world.plan().expect(2).json();
    assert_eq!(plan["quotes"][0]["total"]["after"]["amount"], "250.00", "{plan:#}");
    world.apply().expect(0);
    // A migration knows that something is missing.
    world.edit(
        "quotes/a.yaml",
        "jo@acme.example",
        "jo@acme.example, first_name: Jo, last_name: Ek",
    );
    let moved = world.run(&["migrate", "--from", "crm", "--to", "shop", "--format", "json"]);
    let moved = moved.expect(0).json();
    let totals = &moved["quotes"][0]["totals"];
    assert_eq!(totals["before"], "250.00", "{moved:#}");
    assert_eq!(totals["after"], "200.00", "{moved:#}");
    assert_eq!(totals["equal"], false);
    assert!(moved.to_string().contains("does not own"), "{moved:#}");
}

/// Half a yen that HubSpot keeps and a manifest's arithmetic does not: nobody's hidden fee.
#[test]
fn an_account_that_rounds_otherwise_is_said_to() {
    let world = world();
    world.edit(
        "proforma.yaml",
        "QUICKQUOTE_TOKEN }, currency: USD",
        "QUICKQUOTE_TOKEN }, currency: JPY",
    );
    let deal = json!({ "properties": { "dealname": "In yen", "deal_currency_code": "JPY" } });
    let deal = world.by_hand("POST", "/hubspot/crm/v3/objects/deals", &deal)["id"].clone();
    world.write(
        "quotes/a.yaml",
        &format!(
            "quote: a\nconnection: crm\ntitle: A\nexpires: 2027-12-01\ncurrency: JPY\ndeal: {{ id: {deal} }}\n\
             customer: {{ email: jo@acme.example, first_name: Jo, last_name: Ek }}\n\
             items: [{{ key: a, name: Audit, price: 105 }}]\ndiscounts: [{{ label: Loyalty, percent: 10 }}]\n"
        ),
    );
    // Everything arrived, and the sum is another one: that is said, and recorded.
    let applied = world.apply().expect(0);
    let told = "a: upstream it comes to 94.5 JPY, and the plan said 94 JPY";
    assert!(applied.stderr.contains(told), "{}", applied.stderr);
    let lock = world.run(&["lock", "list", "--format", "json"]).expect(0).json();
    assert_eq!(lock["quotes"][0]["total"]["amount"], "94.5", "{lock:#}");
    world.settled();
    let moved = world.run(&["migrate", "--from", "crm", "--to", "shop", "--format", "json"]);
    let moved = moved.expect(0).json();
    assert_eq!(moved["quotes"][0]["totals"]["before"], "94.5", "{moved:#}");
    assert_eq!(moved["quotes"][0]["totals"]["equal"], false, "{moved:#}");
    assert!(moved.to_string().contains("the account rounds otherwise"), "{moved:#}");
}

/// A quote on HubSpot that could move to the shop as it is.
fn moving(more: &str) -> String {
    format!(
        "quote: a\nconnection: crm\ntitle: A\nexpires: 2027-12-01\ncurrency: USD\ndeal: Acme renewal 2027\n\
         customer: {{ email: jo@acme.example, first_name: Jo, last_name: Ek }}\n{more}"
    )
}

/// `a` as it moves from HubSpot to the shop.
#[track_caller]
fn moved(world: &World) -> Value {
    let moved = world.run(&["migrate", "--from", "crm", "--to", "shop", "--format", "json"]);
    moved.expect(0).json()["quotes"][0].clone()
}

/// VAT in the price of an item would be charged twice, in a quote that is called equal.
#[test]
fn a_recorded_total_is_a_price_only_where_it_is_nothing_else() {
    let world = world();
    let item = "items: [{ key: a, name: Audit, quantity: 4, price: 100.00 }]\n";
    let none = "discounts: []\nfees: []\n";
    world.write(
        "quotes/a.yaml",
        &moving(&format!("{item}{none}taxes: [{{ label: VAT, percent: 25 }}]\n")),
    );
    world.apply().expect(0);
    let unpriced = item.replace(", price: 100.00", "");
    world.edit("quotes/a.yaml", item, &unpriced);
    let taxed = moved(&world);
    assert_eq!(taxed["fields"][0]["outcome"], "impossible", "{taxed:#}");
    assert!(taxed.to_string().contains("no price is known"), "{taxed:#}");
    assert_eq!(taxed["totals"]["after"], Value::Null);
    // Without anything else the total is the price.
    world.write("quotes/a.yaml", &moving(&format!("{item}{none}taxes: []\n")));
    world.apply().expect(0);
    world.edit("quotes/a.yaml", item, &unpriced);
    let whole = moved(&world);
    assert_eq!(whole["totals"]["equal"], true, "{whole:#}");
    assert!(world.read("quotes/migrated/shop/a.shop.yaml").contains("price: 100.00"));
    // Of another quantity it was not the price, and what nobody owns may be upstream.
    std::fs::remove_dir_all(world.path("quotes/migrated")).unwrap();
    for other in [
        moving(&format!("{unpriced}{none}taxes: []\n")).replace("quantity: 4", "quantity: 8"),
        moving(&unpriced),
    ] {
        world.write("quotes/a.yaml", &other);
        let unknown = moved(&world);
        assert!(unknown.to_string().contains("no price is known"), "{other}: {unknown:#}");
        assert!(!world.path("quotes/migrated").exists());
    }
}

/// What the manifest leaves to HubSpot counts as it is there.
#[test]
fn an_ignored_price_is_that_of_the_upstream() {
    let world = world();
    let text = moving(
        "items: [{ key: a, name: Audit, price: 100.00 }]\ndiscounts: []\nfees: []\ntaxes: []\n\
         lifecycle: { ignore: [\"items[a].price\"] }\n",
    );
    world.write("quotes/a.yaml", &text);
    world.apply().expect(0);
    assert_eq!(moved(&world)["totals"]["equal"], true);
    let line = world.records("line_items")[0]["id"].as_str().unwrap().to_owned();
    world.colleague("line_items", &line, &json!({ "price": "150" }));
    world.edit("quotes/a.yaml", "title: A", "title: Ab");
    world.apply().expect(0);
    let moved = moved(&world);
    assert_eq!(moved["totals"]["before"], "150.00", "{moved:#}");
    assert_eq!(moved["totals"]["after"], "100.00", "{moved:#}");
    assert_eq!(moved["totals"]["equal"], false);
    assert!(moved.to_string().contains("lifecycle.ignore"), "{moved:#}");
}

/// Nobody gets an empty quote in the place of a full one.
#[test]
fn a_manifest_without_items_is_not_migrated() {
    let world = world();
    world.write(
        "quotes/a.yaml",
        "quote: a\nconnection: crm\ntitle: A\nexpires: 2027-12-01\ncurrency: USD\n\
         customer: { email: jo@acme.example, first_name: Jo, last_name: Ek }\ndeal: Acme renewal 2027\n",
    );
    let moved = world.run(&["migrate", "--from", "crm", "--to", "shop", "--format", "json"]);
    let moved = moved.expect(0).json();
    assert_eq!(moved["summary"]["impossible"], 1, "{moved:#}");
    assert!(moved.to_string().contains("says nothing of its items"), "{moved:#}");
    assert!(!world.path("quotes/migrated").exists());
    assert_eq!(
        world.run(&["migrate", "--from", "crm", "--to", "shop", "--fail-on", "impossible"]).code,
        3
    );
}

#[test]
fn shop_quotes_of_the_vendors_examples_are_imported_with_their_lines() {
    let world = world();
    world.by_hand(
        "POST",
        "/quickquote/api/v1/quotes",
        &json!({
            "email": "ann@acme.example", "first_name": "Ann", "last_name": "Lee",
            "phone": "122-123-1234", "tags": "priority, needs review",
            "discount": { "discount_amount": 10, "discount_type": "fixed", "discount_reason": "$10 off" },
            "line_items": [
                { "custom_product": true, "title": "Audit", "price": 120.5, "quantity": 2, "taxable": true,
                  "discount": { "discount_amount": 5, "discount_type": "percentage", "reason": "early" },
                  "properties": { "key": "Colour", "value": "brown" } },
                { "custom_product": false, "variant_id": 40_100_000_000_001_i64, "quantity": 1 },
            ],
        }),
    );
    world.by_hand(
        "POST",
        "/quickquote/api/v1/quotes",
        &json!({
            "email": "bo@acme.example", "first_name": "Bo", "last_name": "Ek",
            "line_items": [{ "custom_product": true, "title": "Only", "price": 10 }],
        }),
    );
    world.by_hand(
        "POST",
        "/quickquote/api/v1/quotes",
        &json!({
            "first_name": "No", "last_name": "Name", "email": "noname@acme.example",
            "shipping": { "shipping_name": "", "shipping_price": 12.5 },
            "line_items": [{ "title": "A", "price": 10.0, "quantity": 1 }],
        }),
    );
    let seeded = support::four::count_on(&world, "shop");
    assert!(seeded >= 3);
    for (name, text) in imported(&world, "shop", seeded) {
        assert!(text.contains("\nitems:"), "{name}: {text}");
        // A charge that has no name is told: the customer pays it.
        let nameless = text.contains("noname@acme.example");
        assert_eq!(
            text.contains("shipping costs 12.50, without a name"),
            nameless,
            "{name}: {text}"
        );
        assert!(!nameless || !text.contains("\nshipping:"), "{name}: {text}");
    }
}

/// One fee that no manifest can hold leaves out the other too: both are told as people write them.
#[test]
fn adjustments_that_are_not_held_are_told_in_words() {
    let world = world();
    let fee = |label: &str, kind: &str, value: &str| {
        let fee =
            json!({ "hs_label": label, "hs_type": kind, "hs_value": value, "hs_sort_order": "0" });
        hubspot(&world, "fees", &fee, &[])
    };
    let (rush, odd) = (fee("Rush", "PERCENT", "5"), fee("Odd", "FIXED", "0.125"));
    let line =
        json!({ "name": "A", "price": "10", "quantity": "1", "hs_line_item_currency_code": "USD" });
    quote(&world, "Fees", &[line], &[(&rush, 364), (&odd, 364)]);
    let count = support::four::count_on(&world, "crm");
    let all = imported(&world, "crm", count);
    let (_, text) = all.iter().find(|(_, text)| text.contains("title: Fees")).unwrap();
    assert!(text.contains("one of `fees` cannot be held: Odd 0.125"), "{text}");
    assert!(text.contains("and so is not, beside it: Rush 5%"), "{text}");
}

#[test]
fn salesbyte_and_dealhub_quotes_of_the_vendors_examples_are_imported_with_their_lines() {
    let world = world();
    world.by_hand(
        "POST",
        "/salesbyte/integrations/create_quote",
        &json!({
            "uuid": "u-1", "quote_profile_id": 115, "customer_name": "Jo Ek", "send_type": "none",
            "customer_email": "jo@acme.example", "alternatives": [{ "skus": ["SEO-A"] }],
            "custom_fields": { "bank_name": { "value": "Acme bank", "attribute": { "required": true } } },
        }),
    );
    world.by_hand(
        "POST",
        "/dealhub/api/v1/quote/generate",
        &json!({
            "external_opportunity_id": "345345", "request_action": "draft",
            "document_type": "DealRoom", "quote_name": "Acme", "quote_data": [],
            "line_items": [{
                "sku": "SEO-A", "list_price": 12000.00, "net_price_per_unit": 10800, "net_price": 21600,
                "msrp": 12000, "msrp_discount": 0, "sales_discount": 10, "total_discount": 10,
                "product_factors": { "Quantity": 2 }, "attributes": { "Colour": "brown" },
            }],
        }),
    );
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    let nordic = support::four::count_on(&world, "nordic");
    for (name, text) in imported(&world, "nordic", nordic) {
        // SalesByte does not tell what is sold; that is said, and such a quote is not migrated.
        assert!(
            text.contains("does not tell products") && text.contains("Acme bank"),
            "{name}: {text}"
        );
    }
    let moved = world.run(&["migrate", "--from", "nordic", "--to", "crm", "--format", "json"]);
    assert_eq!(moved.expect(0).json()["summary"]["impossible"], nordic);
    let cpq = support::four::count_on(&world, "cpq");
    let all = imported(&world, "cpq", cpq);
    for (name, text) in &all {
        assert!(text.contains("\nitems:") && text.contains("SEO-A"), "{name}: {text}");
    }
    assert_eq!(total(&world, &all[0].0), "21600.00");
}

/// A small generator, so that the quotes below are the same on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn pick<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }
}

fn set(properties: &mut Value, name: &str, value: &str) {
    // `-` = the property is not there at all.
    if value != "-" {
        properties[name] = json!(value);
    }
}

/// A line as anybody may have made it.
fn any_line(dice: &mut Dice) -> Value {
    let mut line = json!({});
    set(
        &mut line,
        "name",
        dice.pick(&[
            "Audit",
            "Audit",
            "Link <b>building</b>",
            "  spaced  ",
            "a: b # c",
            "'quoted'",
            "年 1",
            "\"x\"\ny",
        ]),
    );
    set(&mut line, "price", dice.pick(&["1200", "1200.50", "0", "99.999", "0.005", "1000000.01"]));
    set(&mut line, "quantity", dice.pick(&["1", "2", "2.5", "12", "-"]));
    set(&mut line, "hs_sku", dice.pick(&["-", "-", "SEO-A", "001", "1e3"]));
    set(
        &mut line,
        "description",
        dice.pick(&["-", "-", "one\ntwo", "<p>html</p>", "trailing \n\n"]),
    );
    match dice.below(4) {
        0 => set(
            &mut line,
            "hs_discount_percentage",
            dice.pick(&["10", "12.5", "33.333", "100", "0"]),
        ),
        1 => set(&mut line, "discount", dice.pick(&["5", "0.01", "0"])),
        _ => {}
    }
    if dice.below(3) == 0 {
        set(
            &mut line,
            "recurringbillingfrequency",
            dice.pick(&["monthly", "annually", "quarterly", "weekly", "biweekly", "per_two_years"]),
        );
        set(&mut line, "hs_recurring_billing_period", dice.pick(&["-", "P12M", "P1Y6M", "P3Y"]));
    }
    if dice.below(4) == 0 {
        set(&mut line, "hs_line_item_currency_code", dice.pick(&["USD", "EUR"]));
    }
    if dice.below(6) == 0 {
        set(&mut line, "hs_product_id", "19610001");
    }
    line
}

#[test]
fn whatever_a_hubspot_account_holds_is_imported_or_told() {
    const QUOTES: u64 = 120;
    let world = world();
    let mut dice = Dice(2027);
    let mut made = 0;
    for n in 0..QUOTES {
        let lines: Vec<Value> = (0..dice.below(4)).map(|_| any_line(&mut dice)).collect();
        let mut parts: Vec<(String, u32)> = Vec::new();
        for (object, kind) in [("discounts", 362), ("fees", 364), ("taxes", 366)] {
            if dice.below(4) == 0 {
                for order in 0..=dice.below(2) {
                    let mut part = json!({ "hs_sort_order": order.to_string() });
                    set(&mut part, "hs_label", dice.pick(&["VAT", "VAT", "Rush: \"now\"", "-"]));
                    set(&mut part, "hs_type", dice.pick(&["PERCENT", "FIXED"]));
                    set(&mut part, "hs_value", dice.pick(&["5", "12.5", "0.01"]));
                    if let Ok(id) = try_hubspot(&world, object, &part, &[]) {
                        parts.push((id, kind));
                    }
                }
            }
        }
        let lines: Vec<String> = lines
            .iter()
            .filter_map(|line| try_hubspot(&world, "line_items", line, &[]).ok())
            .collect();
        let mut ends: Vec<(&str, u32)> = lines.iter().map(|id| (id.as_str(), 67)).collect();
        ends.extend(parts.iter().map(|(id, kind)| (id.as_str(), *kind)));
        let deal = dice.below(4) > 0;
        if deal {
            ends.push(("345345", 64));
        }
        if dice.below(4) > 0 {
            ends.push(("123127982734", 69));
        }
        if dice.below(3) > 0 {
            ends.push(("235425923863", 286));
        }
        let mut quote = json!({ "hs_status": "DRAFT" });
        set(
            &mut quote,
            "hs_title",
            &format!("{} {n}", dice.pick(&["Acme", "# not a comment", "null", "~", "年", "a: b"])),
        );
        set(&mut quote, "hs_expiration_date", dice.pick(&["2027-06-30", "2020-01-01"]));
        set(
            &mut quote,
            "hs_currency",
            if deal { "USD" } else { dice.pick(&["USD", "EUR", "JPY", "-"]) },
        );
        set(
            &mut quote,
            "hs_comments",
            dice.pick(&[
                "-",
                "<p>Thank you &amp; <b>more</b></p>",
                "plain\ntext",
                "<script>x</script>",
            ]),
        );
        set(&mut quote, "hs_terms", dice.pick(&["-", "Net 30<br>or so"]));
        match try_hubspot(&world, "quotes", &quote, &ends) {
            Ok(_) => made += 1,
            Err(e) => println!("refused upstream: {e}"),
        }
    }
    all_of_them(&world, "crm", made);
}

/// Every quote is imported, and the next plan is empty.
fn all_of_them(world: &World, connection: &str, made: usize) {
    let ended = world.run(&["import", "--connection", connection, "--all", "--format", "json"]);
    let report = ended.json();
    let told: Vec<&Value> = report["diagnostics"].as_array().unwrap().iter().collect();
    let told: Vec<&str> = told.iter().filter_map(|d| d["message"].as_str()).collect();
    assert_eq!(report["summary"]["imported"], made, "{}", told.join("\n"));
    println!("{}", told.join("\n"));
    world.run(&["validate"]).expect(0);
    world.settled();
    // What is left out is said, quote by quote.
    for quote in report["quotes"].as_array().unwrap() {
        let text = world.read(quote["file"].as_str().unwrap());
        let left_out = !text.contains("\nitems:");
        let said = quote["notes"].to_string().contains("items");
        assert!(!left_out || said, "{text}");
    }
}

#[test]
fn whatever_a_shop_holds_is_imported_or_told() {
    let world = world();
    let mut dice = Dice(7);
    for n in 0..120 {
        let lines: Vec<Value> = (0..=dice.below(3))
            .map(|_| {
                let price = dice.pick(&["10", "99.99", "0", "1234.5"]).parse::<f64>().unwrap();
                let mut line = if dice.below(3) == 0 {
                    json!({ "custom_product": false, "variant_id": 40_100_000_000_001_i64 })
                } else {
                    json!({
                        "custom_product": true,
                        "title": dice.pick(&["Audit", "Audit", "<i>x</i>", "a: b # c", "null", "年"]),
                        "price": price,
                    })
                };
                line["quantity"] = json!(1 + dice.below(12));
                if dice.below(3) == 0 {
                    line["taxable"] = json!(dice.below(2) == 0);
                }
                if dice.below(3) == 0 {
                    line["sku"] = json!(dice.pick(&["A-1", "001", "1e3", ""]));
                }
                if dice.below(3) == 0 {
                    line["discount"] = json!({
                        "discount_type": dice.pick(&["fixed", "fixed_amount", "percentage"]),
                        "discount_amount": 1 + dice.below(9), "reason": dice.pick(&["", "early"]),
                    });
                }
                if dice.below(3) == 0 {
                    line["properties"] = json!({ "key": dice.pick(&["Colour", "_hidden", "a: b"]), "value": dice.pick(&["brown", "", "x\ny"]) });
                }
                line
            })
            .collect();
        let mut quote = json!({
            "email": format!("buyer{n}@acme.example"), "first_name": "Jo", "last_name": dice.pick(&["Ek", "O'Hara", "年"]),
            "line_items": lines,
        });
        for (name, values) in [
            ("tags", &["", "priority, needs review", "a,a , b"][..]),
            ("phone", &["", "122-123-1234"][..]),
            ("public_notes", &["", "one\ntwo\n", "<b>x</b>"][..]),
            ("internal_notes", &["", "  spaced  "][..]),
            ("remarks", &["", "please hurry"][..]),
        ] {
            if dice.below(2) == 0 {
                quote[name] = json!(dice.pick(values));
            }
        }
        if dice.below(3) == 0 {
            quote["discount"] = json!({
                "discount_type": dice.pick(&["fixed", "percentage"]), "discount_amount": 5,
                "discount_reason": dice.pick(&["", "$5 off"]),
            });
        }
        if dice.below(3) == 0 {
            quote["custom_fields"] =
                json!([{ "id": 12121, "value": "Acme: 1" }, { "id": 2569, "value": "x" }]);
        }
        if dice.below(3) == 0 {
            quote["assignee_id"] = json!(12123);
        }
        world.by_hand("POST", "/quickquote/api/v1/quotes", &quote);
    }
    all_of_them(&world, "shop", support::four::count_on(&world, "shop"));
}
