//! The table of fields and the requests that leave are one thing, for every provider.
//!
//! The manifests here are made from the table: every native field that it calls writable is
//! written, with a value of its type. What then leaves for the sandbox is written down by a
//! stand-in, and must hold exactly the fields of the table: one that is missing, and one that the
//! table does not know, fails.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use support::ledger::{Ledger, Sent, stand_in};
use support::{World, bare, finish};

/// The table of a provider, by its own command.
fn table(provider: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let args = ["providers", provider, "--format", "json"];
    finish(bare(folder.path()).args(args)).expect(0).json()
}

/// A row of the native part: what has it, its name, and all else.
fn rows(table: &Value) -> Vec<(String, String, Value)> {
    let mut rows = Vec::new();
    for row in table["native"].as_array().unwrap() {
        for on in row["on"].as_array().unwrap() {
            let (on, name) = (on.as_str().unwrap(), row["name"].as_str().unwrap());
            rows.push((on.to_owned(), name.to_owned(), row.clone()));
        }
    }
    rows
}

fn writable(table: &Value) -> BTreeSet<(String, String)> {
    let rows = rows(table).into_iter().filter(|(_, _, row)| row["writable"] == true);
    rows.map(|(on, name, _)| (on, name)).collect()
}

/// A value of a shape.
fn sample(shape: &Value) -> Value {
    match shape {
        Value::Array(of) => json!([sample(&of[0])]),
        Value::Object(members) => members
            .iter()
            .map(|(k, v)| (k.replace('*', "Duration"), sample(v)))
            .collect::<Map<_, _>>()
            .into(),
        word => match word.as_str().unwrap() {
            "integer" => json!(12),
            "number" => json!(2),
            "boolean" => json!(true),
            "date" => json!("2027-06-01"),
            "html" => json!("<p>x</p>"),
            _ => json!("x"),
        },
    }
}

/// A native block with every field that has no neutral word, as YAML that is JSON.
fn block(table: &Value, on: &str, own: &Value, without: &[&str]) -> String {
    let mut block = Map::new();
    for (_, name, row) in rows(table).into_iter().filter(|(o, _, _)| o == on) {
        if row["writable"] != true || !row["word"].is_null() || without.contains(&name.as_str()) {
            continue;
        }
        let value = match (&own[&name], &row["options"][0]) {
            (Value::Null, Value::String(option)) if row["type"] == "choices" => json!([option]),
            (Value::Null, Value::String(option)) => json!(option),
            (Value::Null, _) => sample(&row["shape"]),
            (own, _) => own.clone(),
        };
        block.insert(name, value);
    }
    Value::Object(block).to_string()
}

/// A world whose connections go through a stand-in.
struct Account {
    world: World,
    _runtime: tokio::runtime::Runtime,
    sent: Ledger,
}

impl Account {
    /// `connection` is the connection's part of the workspace, with `BASE` for the address.
    fn new(connection: &str) -> Self {
        let world = World::empty();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let sent = Ledger::default();
        let url = runtime.block_on(stand_in(world.url(), "", &sent));
        let connection = connection.replace("BASE", &url);
        world.write(
            "proforma.yaml",
            &format!("proforma: 1\nworkspace: w\nconnections:\n{connection}"),
        );
        Self { world, _runtime: runtime, sent }
    }

    /// Applies these manifests, and again, which must do nothing.
    #[track_caller]
    fn apply(&self, quotes: &str) {
        self.world.write("quotes/all.yaml", quotes);
        let run = |args: &[&str]| {
            finish(bare(self.world.dir()).env("TOKEN", "key").args(args).args(["--format", "json"]))
        };
        run(&["apply", "--auto-approve", "--allow", "all"]).expect(0);
        run(&["plan", "--detailed-exitcode"]).expect(0);
    }

    fn writes(&self) -> Vec<Sent> {
        let all = self.sent.lock().unwrap().clone();
        all.into_iter().filter(|s| s.method != "GET" && s.method != "DELETE").collect()
    }
}

/// What was sent: every value by what has it and its name.
#[derive(Default)]
struct Seen(BTreeMap<(String, String), Vec<Value>>);

impl Seen {
    fn object(&mut self, on: &str, object: &Value) {
        for (name, value) in object.as_object().unwrap() {
            self.0.entry((on.to_owned(), name.clone())).or_default().push(value.clone());
        }
    }

    fn list(&mut self, on: &str, list: &Value) {
        for object in list.as_array().into_iter().flatten() {
            self.object(on, object);
        }
    }

    fn drop(&mut self, on: &str, name: &str) {
        assert!(self.0.remove(&(on.to_owned(), name.to_owned())).is_some(), "{name} was not sent");
    }

    /// What left, and what the table calls writable, are the same.
    #[track_caller]
    fn is_the_table(&self, table: &Value) {
        let (sent, known): (BTreeSet<_>, _) = (self.0.keys().cloned().collect(), writable(table));
        let unknown: Vec<_> = sent.difference(&known).collect();
        assert!(unknown.is_empty(), "sent, and not in the table: {unknown:?}");
        let missing: Vec<_> = known.difference(&sent).collect();
        assert!(missing.is_empty(), "writable by the table, and never sent: {missing:?}");
    }

    /// Every value has the shape that the table tells, and every member of every shape was sent.
    #[track_caller]
    fn has_the_shapes(&self, table: &Value) {
        for (on, name, row) in rows(table) {
            let Some(values) = self.0.get(&(on.clone(), name.clone())) else { continue };
            let mut members = BTreeSet::new();
            for value in values {
                fits(&row["shape"], value, &format!("{on}.{name}"), &mut members);
            }
            let mut all = BTreeSet::new();
            paths(&row["shape"], &format!("{on}.{name}"), &mut all);
            let missing: Vec<_> = all.difference(&members).collect();
            assert!(missing.is_empty(), "in the table's shape, and never sent: {missing:?}");
        }
    }
}

/// Asserts that a value has a shape; gathers the paths of the members that it has.
#[track_caller]
fn fits(shape: &Value, value: &Value, at: &str, members: &mut BTreeSet<String>) {
    if value.is_null() {
        return;
    }
    match shape {
        Value::Array(of) => {
            for element in value.as_array().unwrap_or_else(|| panic!("{at} is no list: {value}")) {
                fits(&of[0], element, &format!("{at}[]"), members);
            }
        }
        Value::Object(known) => {
            for (name, value) in value.as_object().unwrap_or_else(|| panic!("{at}: {value}")) {
                let shape = known.get("*").or(known.get(name));
                let shape = shape.unwrap_or_else(|| panic!("{at} has no `{name}` in the table"));
                let name = if known.contains_key("*") { "*" } else { name };
                let at = format!("{at}.{name}");
                fits(shape, value, &at, members);
                members.insert(at);
            }
        }
        word => {
            let fine = match word.as_str().unwrap() {
                "number" => value.is_number(),
                "integer" => value.is_i64() || value.is_u64(),
                "boolean" => value.is_boolean(),
                "any" => true,
                _ => value.is_string(),
            };
            assert!(fine, "{at} should be {word}, and is {value}");
        }
    }
}

fn paths(shape: &Value, at: &str, out: &mut BTreeSet<String>) {
    match shape {
        Value::Array(of) => paths(&of[0], &format!("{at}[]"), out),
        Value::Object(members) => {
            for (name, shape) in members {
                let at = format!("{at}.{name}");
                paths(shape, &at, out);
                out.insert(at);
            }
        }
        _ => {}
    }
}

// ---- One provider after the other ------------------------------------------------------------------

#[test]
fn hubspot_sends_what_its_table_says() {
    let table = table("hubspot");
    let account = Account::new(
        "  crm: { provider: hubspot, token: { env: TOKEN }, base_url: BASE/hubspot }\n\
         default_connection: crm\n",
    );
    let own = json!({
        "hs_quote_total_preference": "TOTAL_FIRST_PAYMENT", "hs_collection_process": "AUTO_PAYMENTS",
        "hs_product_id": "19610001", "hs_tax_rate_group_id": "8101",
        "hs_billing_start_delay_type": "hs_billing_start_delay_days", "hs_pricing_model": "volume",
        "hs_recurring_billing_end_date": "2028-06-01",
    });
    let quote = block(&table, "quote", &own, &[]);
    let line =
        block(&table, "line item", &own, &["hs_pricing_model", "hs_tier_ranges", "hs_tier_prices"]);
    let text = format!(
        "quote: all\ntitle: All\nexpires: 2027-12-01\ncurrency: USD\nstate: in_review\n\
         customer: {{ email: jo@acme.example }}\ncontacts: [{{ email: cfo@acme.example }}]\n\
         owner: jane@northlight.example\ncompany: acme.example\ndeal: Acme renewal 2027\n\
         template: Default Modern\nnotes: {{ public: P, terms: T }}\n\
         discounts: [{{ label: D, percent: 5 }}]\nfees: [{{ label: F, amount: 5.00 }}]\n\
         taxes: [{{ label: T, percent: 25 }}]\nhubspot: {quote}\nitems:\n  \
         - {{ key: a, name: A, description: D, sku: S, quantity: 2, price: 100.00, discount: 10%, \
         recurring: {{ every: month, for: 1 year }}, hubspot: {line} }}\n  \
         - {{ key: b, name: B, price: 50.00, discount: 5.00 }}\n  \
         - {{ key: c, name: C, hubspot: {{ hs_pricing_model: volume, hs_tier_ranges: '[]', hs_tier_prices: '[]' }} }}\n"
    );
    account.apply(&text);
    let mut seen = Seen::default();
    for sent in account.writes() {
        let path: Vec<&str> = sent.path.trim_matches('/').split('/').collect();
        let ["hubspot", "crm", "v3", "objects", object, rest @ ..] = path.as_slice() else {
            continue;
        };
        if rest.last().is_some_and(|r| matches!(*r, "read" | "search" | "archive")) {
            continue;
        }
        let on = match *object {
            "quotes" => "quote",
            "line_items" => "line item",
            "discounts" => "discount",
            "fees" => "fee",
            "taxes" => "tax",
            other => panic!("a write to {other}"),
        };
        match sent.body["inputs"].as_array() {
            Some(inputs) => inputs.iter().for_each(|i| seen.object(on, &i["properties"])),
            None => seen.object(on, &sent.body["properties"]),
        }
    }
    for on in ["quote", "line item", "discount", "fee", "tax"] {
        seen.drop(on, "proforma_key");
    }
    seen.is_the_table(&table);
}

#[test]
fn quick_quote_sends_what_its_table_says() {
    let table = table("quickquote");
    let account = Account::new(
        "  shop: { provider: quickquote, token: { env: TOKEN }, currency: USD, base_url: BASE/quickquote/api/v1 }\n\
         default_connection: shop\n",
    );
    let own = json!({ "image_url": "https://img.example/a.png", "weight": 1300 });
    let line = block(&table, "line", &own, &["variant_id"]);
    let head = "quote: all\n\
        customer: { email: new@buyer.example, first_name: A, last_name: B, phone: '+46700000000', id: 123127982734 }\n\
        owner: { id: '12123' }\ntags: [one, two]\nshipping: { name: Van, price: 5.00 }\n\
        discounts: [{ label: Loyal, percent: 5 }]\nfields: { '12121': Acme }\n\
        notes: { public: P, internal: I, customer: C }\n\
        delivery: { channel: email, include_link: true, include_pdf: true, copy_owner: true }\n";
    let items = format!(
        "items:\n  - {{ key: own, name: Own, sku: S, quantity: 2, price: 10.00, taxable: true, \
         discount: {{ amount: 5.00, label: Off }}, properties: {{ Colour: brown }}, quickquote: {line} }}\n  \
         - {{ key: variant, quickquote: {{ variant_id: 40100000000001 }} }}\n"
    );
    account.apply(&format!("{head}state: sent\n{items}"));
    // An added line takes its pairs as a list; a decision is written as a status.
    let more = "  - { key: more, name: More, price: 1.00, properties: { Size: L } }\n";
    account.apply(&format!("{head}state: sent\n{items}{more}"));
    account.apply(&format!("{head}state: canceled\n{items}{more}"));
    let mut seen = Seen::default();
    for sent in account.writes() {
        let path: Vec<&str> = sent.path.trim_matches('/').split('/').skip(3).collect();
        match (sent.method.as_str(), path.as_slice()) {
            ("POST", ["quotes", "email"]) => {
                seen.object("quote", &sent.body);
                seen.drop("quote", "quote_id");
            }
            ("POST", ["quotes"]) | ("PUT", ["quotes", _]) => {
                seen.object("quote", &sent.body);
                seen.list("line", &sent.body["line_items"]);
            }
            ("POST", ["quotes", _, "line_items"]) => seen.list("line", &sent.body),
            ("PUT", ["quotes", _, "line_items", _]) => seen.object("line", &sent.body),
            ("POST", ["quotes", _, "line_items", _, "properties"]) => {
                let pairs = sent.body.as_array().unwrap();
                assert!(pairs.iter().all(|p| p.as_object().unwrap().keys().eq(["key", "value"])));
            }
            other => panic!("an unexpected write: {other:?}"),
        }
    }
    seen.is_the_table(&table);
    seen.has_the_shapes(&table);
}

#[test]
fn salesbyte_sends_what_its_table_says() {
    let table = table("salesbyte");
    let account = Account::new(
        "  nordic:\n    provider: salesbyte\n    uuid: { env: TOKEN }\n    token: { env: TOKEN }\n    \
         quote_profile_id: 115\n    stamp_field: { name: proforma, label: Proforma }\n    currency: SEK\n    \
         base_url: BASE/salesbyte\ndefault_connection: nordic\n",
    );
    let own = json!({
        "quote_profile_id": 116,
        "custom_fields": { "bank_name": { "attribute": {
            "required": true, "editableByContact": true, "hideFromContact": false } } },
        "alternative_1_bundle_id": 1, "alternative_2_bundle_id": 456, "alternative_3_bundle_id": 457,
    });
    let slots: Vec<String> = rows(&table)
        .into_iter()
        .map(|(_, name, _)| name)
        .filter(|name| name.starts_with("alternative_"))
        .collect();
    let slots: Vec<&str> = slots.iter().map(String::as_str).collect();
    let rest: Vec<String> =
        rows(&table).into_iter().map(|r| r.1).filter(|n| !slots.contains(&n.as_str())).collect();
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    let (most, legacy) =
        (block(&table, "quote", &own, &slots), block(&table, "quote", &own, &rest));
    let person =
        "customer: { name: Jo Ek, email: jo@acme.example, phone: '+46768741810', company: Acme }\n";
    account.apply(&format!(
        "quote: most\nstate: sent\n{person}owner: omar@northlight.example\nexpires: 2027-12-31\n\
         delivery: {{ channel: email, message: Hello }}\nfields: {{ bank_name: Acme bank }}\n\
         tags: [a, b, c, d, e, f, g, h, i, j]\nsalesbyte: {most}\nalternatives:\n  \
         - {{ bundle_id: 456, title: Premium, sort_order: 2 }}\n  - {{ skus: [SEO-A], sort_order: 1 }}\n\
         ---\nquote: slots\n{person}salesbyte: {legacy}\n\
         ---\nquote: lines\n{person}items: [{{ key: a, salesbyte: {{ sku: SEO-A }} }}]\n\
         ---\nquote: bundle\n{person}items: [{{ key: b, salesbyte: {{ bundle_id: 456 }} }}]\n"
    ));
    let mut seen = Seen::default();
    for sent in account.writes() {
        assert_eq!(sent.path, "/salesbyte/integrations/create_quote");
        seen.object("quote", &sent.body);
        // What an item is called goes into an alternative.
        for alternative in sent.body["alternatives"].as_array().into_iter().flatten() {
            match alternative["skus"][0].as_str() {
                Some(sku) => seen.object("item", &json!({ "sku": sku })),
                None => seen.object("item", &json!({ "bundle_id": alternative["bundle_id"] })),
            }
        }
    }
    seen.is_the_table(&table);
    seen.has_the_shapes(&table);
}

#[test]
fn dealhub_sends_what_its_table_says() {
    let table = table("dealhub");
    let account = Account::new(
        "  cpq: { provider: dealhub, token: { env: TOKEN }, visibility: 1s, base_url: BASE/dealhub }\n\
         default_connection: cpq\n",
    );
    let object = |on: &str, own: Value| -> Value {
        serde_json::from_str(&block(&table, on, &own, &[])).unwrap()
    };
    let address = object("address", json!({}));
    let mut data = object(
        "opportunity_data",
        json!({ "geo_code": "SE", "customer_shipping_address": address,
            "customer_billing_address": address, "opportunity_owner": object("opportunity_owner", json!({})) }),
    );
    let contact = json!({ "email": "cfo@wonka.example", "first_name": "Mo", "last_name": "Ivey" });
    data["customer_contacts"] = json!([object("customer_contacts", contact)]);
    let own = json!({
        "playbook": "api_playbook", "timezone_offset": 2, "document_type": "DealRoom",
        "quote_data": [{ "group_id": "general", "questions": [{ "term": 12 }] }],
        "opportunity_data": data,
    });
    let quote = block(&table, "quote", &own, &[]);
    let line =
        json!({ "sku": "SEO-A", "attributes": { "Colour": "brown" }, "bundle_ref_sku": "SEO-A" });
    let line = block(&table, "item", &line, &[]);
    account.apply(&format!(
        "quote: native\ntitle: Native\nexpires: 2027-12-01\ncurrency: SEK\nstate: accepted\n\
         deal: {{ id: crm-77, name: New business }}\n\
         customer: {{ id: c-9, name: Wonka, email: hal@wonka.example, first_name: Hal, last_name: Ivey, phone: '+4670', company: Wonka }}\n\
         owner: {{ id: u-1, email: jane@northlight.example, name: Jane Ek }}\n\
         items: [{{ key: a, name: Audit, price: 10.00, dealhub: {line} }}]\ndealhub: {quote}\n\
         ---\nquote: discounted\ntitle: Discounted\nexpires: 2027-12-01\ndeal: {{ id: '345345' }}\n\
         discounts: [{{ label: L, percent: 5 }}]\nitems: [{{ key: a, sku: SEO-A, price: 10.00 }}]\n"
    ));
    let mut seen = Seen::default();
    for sent in account.writes() {
        let path: Vec<&str> = sent.path.trim_matches('/').split('/').skip(3).collect();
        // A question about the catalog is asked with POST.
        let ["quote", path @ ..] = path.as_slice() else { continue };
        match path {
            ["generate"] => {
                let data = &sent.body["opportunity_data"];
                seen.object("quote", &sent.body);
                seen.list("item", &sent.body["line_items"]);
                if data.is_object() {
                    seen.object("opportunity_data", data);
                    seen.object("opportunity_owner", &data["opportunity_owner"]);
                    seen.object("address", &data["customer_shipping_address"]);
                    seen.object("address", &data["customer_billing_address"]);
                    seen.list("customer_contacts", &data["customer_contacts"]);
                }
            }
            [_, "submit" | "publish" | "sign_externally"] => {
                if sent.body.is_object() {
                    seen.object("quote", &sent.body);
                }
            }
            other => panic!("an unexpected write: {other:?}"),
        }
    }
    seen.is_the_table(&table);
    seen.has_the_shapes(&table);
}

// ---- What is refused -------------------------------------------------------------------------------

/// A manifest's line that asks for a field.
fn asking(path: &str) -> &'static str {
    match path {
        "expires" => "expires: 2027-12-31",
        "template" => "template: Default Modern",
        "contacts" => "contacts: [{ email: cfo@acme.example, first_name: Mo, last_name: Berg }]",
        "discounts" => "discounts: [{ label: L, percent: 5 }]",
        "fees" => "fees: [{ label: L, amount: 5.00 }]",
        "taxes" => "taxes: [{ label: L, percent: 25 }]",
        "shipping" => "shipping: { name: Van, price: 5.00 }",
        "notes.public" => "notes: { public: N }",
        "notes.terms" => "notes: { terms: N }",
        "notes.customer" => "notes: { customer: N }",
        "fields" => "fields: { Region: EMEA }",
        "delivery" => "delivery: { channel: email }",
        "delivery.message" => "delivery: { message: Hello }",
        "delivery.include_pdf" => "delivery: { include_pdf: true }",
        "delivery.include_link" => "delivery: { include_link: true }",
        "delivery.copy_owner" => "delivery: { copy_owner: true }",
        "alternatives" => "alternatives: [{ skus: [SEO-A], sort_order: 1 }]",
        "items[].description" => "items: [{ name: A, sku: SEO-A, price: 5.00, description: D }]",
        "items[].quantity" => "items: [{ name: A, sku: SEO-A, quantity: 2 }]",
        "items[].price" => "items: [{ name: A, sku: SEO-A, price: 5.00 }]",
        "items[].discount" => "items: [{ name: A, sku: SEO-A, price: 5.00, discount: 10% }]",
        "items[].discount.label" => {
            "items: [{ name: A, sku: SEO-A, price: 5.00, discount: { percent: 5, label: L } }]"
        }
        "items[].taxable" => "items: [{ name: A, sku: SEO-A, price: 5.00, taxable: true }]",
        "items[].recurring" => {
            "items: [{ name: A, sku: SEO-A, price: 5.00, recurring: { every: month } }]"
        }
        "items[].properties" => {
            "items: [{ name: A, sku: SEO-A, price: 5.00, properties: { Colour: brown } }]"
        }
        other => panic!("no manifest asks for `{other}`: add one here"),
    }
}

#[test]
fn every_refused_field_is_an_error_that_names_field_provider_and_way_out() {
    let world = World::empty();
    world.write(
        "proforma.yaml",
        "proforma: 1\nworkspace: w\nconnections:\n  hubspot: { provider: hubspot, token: { env: T } }\n  \
         quickquote: { provider: quickquote, token: { env: T }, currency: USD }\n  \
         salesbyte: { provider: salesbyte, uuid: { env: T }, quote_profile_id: 115 }\n  \
         dealhub: { provider: dealhub, token: { env: T } }\n",
    );
    let mut wanted = Vec::new();
    for (provider, title) in [
        ("hubspot", "HubSpot"),
        ("quickquote", "Quick Quote"),
        ("salesbyte", "SalesByte"),
        ("dealhub", "DealHub"),
    ] {
        let table = table(provider);
        let refused = table["neutral"].as_array().unwrap().iter();
        for row in refused.filter(|row| row["handling"] == "refused") {
            let path = row["path"].as_str().unwrap();
            let file = format!("quotes/{provider}-{}.yaml", wanted.len());
            let text = format!("quote: {provider}-{}\nconnection: {provider}\n", wanted.len());
            world.write(&file, &format!("{text}{}\n", asking(path)));
            let message = format!("{title} cannot hold `{}`", path.replace("[]", ""));
            wanted.push((file, message, row["note"].as_str().unwrap().to_owned()));
        }
    }
    assert!(wanted.len() > 30, "{}", wanted.len());
    let found = world.run(&["validate", "--format", "json"]).expect(10).json();
    let found = found["diagnostics"].as_array().unwrap();
    for (file, message, way_out) in wanted {
        assert!(!way_out.is_empty(), "{message}: no way out");
        let mut own = found.iter().filter(|d| d["file"] == file.as_str());
        let hit = own.any(|d| {
            d["code"] == "field-refused"
                && d["severity"] == "error"
                && d["message"] == message.as_str()
                && d["help"] == way_out.as_str()
                && d["line"].as_u64() == Some(3)
        });
        assert!(hit, "{file}: no error `{message}`, help `{way_out}` among {found:#?}");
    }
}

// ---- What a table must have ------------------------------------------------------------------------

#[test]
fn every_neutral_field_has_one_row_at_every_provider() {
    use proforma::provider::capability::neutral::{answers_for, fields};
    for sheet in proforma::cli::providers::sheets() {
        for (path, _) in fields() {
            let rows = sheet.neutral.iter().filter(|row| answers_for(row.path, path));
            assert_eq!(rows.count(), 1, "{}: rows for `{path}`", sheet.name);
        }
        for row in &sheet.neutral {
            assert!(
                fields().iter().any(|(path, _)| answers_for(row.path, path)),
                "{}: `{}` is no field of a manifest",
                sheet.name,
                row.path
            );
        }
    }
}

#[test]
fn what_is_writable_has_states_and_nothing_else_has() {
    for (provider, edits) in
        [("hubspot", true), ("quickquote", true), ("salesbyte", false), ("dealhub", false)]
    {
        let table = table(provider);
        let open = texts(&table["open"]);
        assert_eq!((open[0].as_str(), open.len() > 1), ("new", edits), "{provider}: {open:?}");
        let rows =
            ["neutral", "native"].into_iter().flat_map(|part| table[part].as_array().unwrap());
        for row in rows {
            assert_eq!(row["writable"] == true, !texts(&row["states"]).is_empty(), "{row}");
        }
    }
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|t| t.as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_state_is_written_in_the_states_that_the_adapter_can_leave() {
    use proforma::desired::WantedState;
    use proforma::provider::state::{Move, State};
    use proforma::provider::{dealhub, hubspot, quickquote};
    type Transition = fn(Option<&State>, &State) -> Move;
    for (provider, transition) in [
        ("hubspot", hubspot::status::transition as Transition),
        ("quickquote", quickquote::status::transition),
        ("dealhub", dealhub::status::transition),
    ] {
        let plain = WantedState::ALL.map(State::Plain);
        let all = plain.iter().chain(std::iter::once(&State::Viewed));
        let leaves = |from: &&State| {
            // DealHub leaves a rejected quote by another one in its place.
            let replaced = provider == "dealhub" && from.word() == "rejected";
            let moves = |to| matches!(transition(Some(from), to), Move::Write(_));
            !replaced && plain.iter().any(moves)
        };
        let can: BTreeSet<String> = all.filter(leaves).map(State::word).collect();
        let table = table(provider);
        let rows = table["neutral"].as_array().unwrap();
        let row = rows.iter().find(|row| row["path"] == "state").unwrap();
        let said: BTreeSet<String> =
            texts(&row["states"]).into_iter().filter(|s| s != "new").collect();
        assert_eq!(said, can, "{provider}");
    }
}

#[test]
fn a_new_quote_is_asked_for_what_its_making_takes() {
    let world = World::small("quote: a\ntitle: A\n---\nquote: b\ntitle: B\nexpires: 2027-12-01\n");
    let found = world.run(&["validate", "--format", "json"]).expect(10).json();
    let found = found["diagnostics"].as_array().unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((&found[0]["code"], &found[0]["line"]), (&json!("missing-field"), &json!(1)));
    assert!(found[0]["message"].as_str().unwrap().contains("`expires`"), "{found:?}");
    // A quote that is made may leave the line out, and so leave the value alone.
    world.edit(
        "quotes/all.yaml",
        "quote: a\ntitle: A\n",
        "quote: a\ntitle: A\nexpires: 2027-12-01\n",
    );
    world.apply().expect(0);
    world.edit(
        "quotes/all.yaml",
        "quote: a\ntitle: A\nexpires: 2027-12-01\n",
        "quote: a\ntitle: A\n",
    );
    world.run(&["validate"]).expect(0);
}
