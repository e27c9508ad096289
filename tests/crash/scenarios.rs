//! The workspaces of the matrix: one of everything that a provider can be asked to write.
//!
//! Customers of Quick Quote and SalesByte are named after their quotes, so that a person who looks
//! upstream finds them.

use std::fs;
use std::path::Path;

use super::{Scenario, portrait};
use crate::support::{SMALL, World};

/// All rows of the table, in its order.
pub fn all() -> Vec<Scenario> {
    vec![
        hubspot("a first apply", None, HUBSPOT_NEW.to_owned()),
        hubspot(
            "an unlock, a revision, an edited draft, a deletion, one made anew, and new quotes",
            Some(HUBSPOT_BEFORE.to_owned()),
            hubspot_after(),
        ),
        shop("a first apply, two quotes mailed", None, SHOP_NEW.to_owned()),
        shop(
            "edits of each kind, a mail, a closing state, a deletion, one made anew",
            Some(SHOP_BEFORE.to_owned()),
            shop_after(),
        ),
        nordic("a first apply: a draft, one sent, one whose customer is told", false, None, NORDIC),
        nordic(
            "a replacement, one made anew, and a new quote",
            false,
            Some(NORDIC_BEFORE),
            NORDIC_AFTER,
        ),
        nordic("a connection without a token: nothing can be read", true, None, NORDIC_BLIND),
        cpq("a draft, a submission, a publication, a signature", None, CPQ_NEW),
        cpq("a replacement of a published quote, and a new one", Some(CPQ_BEFORE), CPQ_AFTER),
        four(),
    ]
}

fn hubspot(story: &'static str, before: Option<String>, quotes: String) -> Scenario {
    Scenario {
        provider: "HubSpot",
        story,
        files: vec![("proforma.yaml".to_owned(), SMALL.to_owned())],
        meanwhile: before.as_ref().map(|_| portrait::hubspot_loses as fn(&World)),
        before,
        quotes: Some(quotes),
        upstreams: &["/hubspot/"],
        portrait: portrait::hubspot,
        ids: portrait::hubspot_ids,
        look: portrait::nobody,
        blind: false,
    }
}

fn shop(story: &'static str, before: Option<String>, quotes: String) -> Scenario {
    Scenario {
        provider: "Quick Quote",
        story,
        files: vec![("proforma.yaml".to_owned(), SHOP.to_owned())],
        meanwhile: before.as_ref().map(|_| portrait::quickquote_loses as fn(&World)),
        before,
        quotes: Some(quotes),
        upstreams: &["/quickquote/"],
        portrait: portrait::quickquote,
        ids: portrait::quickquote_ids,
        look: portrait::quickquote_mail,
        blind: false,
    }
}

fn nordic(
    story: &'static str,
    blind: bool,
    before: Option<&str>,
    quotes: &'static str,
) -> Scenario {
    let token = "    token: { env: SB_TOKEN }\n";
    let workspace = if blind { NORDIC_SPACE.replace(token, "") } else { NORDIC_SPACE.to_owned() };
    Scenario {
        provider: "SalesByte",
        story,
        files: vec![("proforma.yaml".to_owned(), workspace)],
        before: before.map(ToOwned::to_owned),
        meanwhile: before.map(|_| portrait::salesbyte_loses as fn(&World)),
        quotes: Some(quotes.to_owned()),
        upstreams: &["/salesbyte/"],
        portrait: portrait::salesbyte,
        ids: portrait::salesbyte_ids,
        look: portrait::salesbyte_quote,
        blind,
    }
}

fn cpq(story: &'static str, before: Option<&str>, quotes: &str) -> Scenario {
    Scenario {
        provider: "DealHub",
        story,
        files: vec![("proforma.yaml".to_owned(), CPQ.to_owned())],
        before: before.map(ToOwned::to_owned),
        meanwhile: None,
        quotes: Some(quotes.to_owned()),
        upstreams: &["/dealhub/"],
        portrait: portrait::dealhub,
        ids: portrait::dealhub_ids,
        look: portrait::nobody,
        blind: false,
    }
}

/// The example workspace. Its connections are served side by side, so writes are counted for each.
fn four() -> Scenario {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/four-upstreams");
    let paths = [
        "proforma.yaml",
        "catalog/products.yaml",
        "quotes/cpq.yaml",
        "quotes/crm.yaml",
        "quotes/nordic.yaml",
        "quotes/shop.yaml",
    ];
    let read = |path: &str| {
        let text = fs::read_to_string(root.join(path)).unwrap();
        (path.to_owned(), text.replace("visibility: 5s", "visibility: 1s"))
    };
    Scenario {
        provider: "all four",
        story: "one workspace, four connections served side by side",
        files: paths.into_iter().map(read).collect(),
        before: None,
        meanwhile: None,
        quotes: None,
        upstreams: &["/hubspot/", "/quickquote/", "/salesbyte/", "/dealhub/"],
        portrait: portrait::four,
        ids: portrait::four_ids,
        look: portrait::nobody,
        blind: false,
    }
}

/// What is applied undisturbed before the run that is killed.
const HUBSPOT_BEFORE: &str = "\
quote: unlocked
title: Unlocked
expires: 2027-12-01
state: published
lifecycle: { when_locked: unlock }
customer: { email: buyer@globex.example }
deal: Globex renewal 2027
items:
  - { key: a, name: Retainer, quantity: 12, price: 100.00 }
  - { key: b, name: Report, price: 650.00, discount: 10% }
fees: [{ label: Setup, amount: 20.00 }]
---
quote: revised
title: Revised
expires: 2027-12-01
state: published
lifecycle: { when_locked: revise }
customer: { email: buyer@initech.example }
deal: Initech renewal 2027
items: [{ key: a, name: Sprint, price: 4800.00 }]
discounts: [{ label: Loyalty, percent: 5 }]
---
quote: draft
title: Draft
expires: 2027-12-01
customer: { email: buyer@stark.example }
deal: Stark SEO 2027
items: [{ key: a, name: Training, quantity: 2, price: 1750.00 }]
---
quote: gone
title: Gone
expires: 2027-12-01
state: published
customer: { email: buyer@soylent.example }
deal: Soylent SEO 2027
items: [{ key: a, name: Links, price: 1950.00 }]
fees: [{ label: Setup, amount: 5.00 }]
---
quote: still
title: Still
expires: 2027-12-01
state: published
customer: { email: buyer@cyberdyne.example }
deal: Cyberdyne SEO 2027
items: [{ key: a, name: Articles, price: 1600.00 }]
---
quote: lost
title: Lost
expires: 2027-12-01
customer: { email: cfo@stark.example }
deal: Stark renewal 2027
items: [{ key: a, name: Report, price: 650.00 }]
";

/// New quotes, with one of everything.
pub const HUBSPOT_NEW: &str = "\
quote: new-published
title: New and published
expires: 2027-12-01
state: published
customer: { email: jo@acme.example }
contacts: [{ email: cfo@acme.example }]
company: acme.example
deal: Acme renewal 2027
items:
  - { key: a, name: Audit, sku: SEO-A, quantity: 2, price: 100.00 }
  - { key: b, name: Bundle, price: 50.50, discount: 10% }
  - { key: c, name: Care, price: 19.90, recurring: { every: month, for: 12 months } }
discounts: [{ label: Loyalty, percent: 5 }, { label: Spring, amount: 10.00 }]
fees: [{ label: Onboarding, amount: 300.00 }]
taxes: [{ label: VAT, percent: 25 }]
---
quote: new-draft
title: New draft
expires: 2027-12-01
customer: { email: buyer@acme.example }
deal: Acme SEO 2027
items: [{ key: a, name: Local, quantity: 3, price: 950.00, discount: 150.00 }]
fees: [{ label: Travel, amount: 12.50 }]
---
quote: new-too
title: New too
expires: 2027-12-01
state: published
customer: { email: buyer@oscorp.example }
deal: Oscorp SEO 2027
items: [{ key: a, name: Plain, price: 1.00 }]
notes: { public: \"Two <lines>\\nof text\" }
";

/// An unlock, a revision, an edited draft, a deletion, and new quotes.
fn hubspot_after() -> String {
    let edited = HUBSPOT_BEFORE
        .replace("price: 650.00, discount: 10% }", "price: 700.00, discount: 75.00 }")
        .replace("quantity: 12, price: 100.00", "quantity: 12, price: 110.00")
        .replace("fees: [{ label: Setup, amount: 20.00 }]", "taxes: [{ label: VAT, percent: 19 }]")
        .replace("name: Sprint, price: 4800.00", "name: Long sprint, price: 5100.00")
        .replace("name: Training, quantity: 2,", "name: Training days, quantity: 3,");
    let kept: Vec<&str> = edited.split("---\n").filter(|q| !q.starts_with("quote: gone")).collect();
    format!("{}---\n{HUBSPOT_NEW}", kept.join("---\n"))
}

const SHOP: &str = "\
proforma: 1
workspace: shop-matrix
connections:
  shop:
    provider: quickquote
    token: { env: QUICKQUOTE_TOKEN }
    currency: USD
    rate: 1000/1s
";

const SHOP_NEW: &str = "\
quote: mailed
state: sent
customer: { email: mailed@acme.example, first_name: Jo, last_name: Ek, phone: \"+46768741810\" }
items:
  - { key: a, name: Audit, sku: A-1, quantity: 2, price: 100.00, taxable: false }
  - { key: b, name: Bundle, price: 50.50, discount: { percent: 10, label: Loyal }, properties: { Colour: brown, Size: L } }
  - { key: c, quantity: 3, quickquote: { variant_id: 40100000000009 } }
discounts: [{ label: Spring, amount: 20.00 }]
shipping: { name: Courier, price: 25.50 }
notes: { public: \"Hello\\nthere\", internal: careful }
tags: [priority, needs review]
delivery: { channel: email, include_link: true, include_pdf: false, copy_owner: true }
---
quote: drafted
customer: { email: drafted@acme.example, first_name: Ed, last_name: Ek, id: 123127982734 }
items: [{ key: a, name: Local, quantity: 3, price: 950.00, properties: { Colour: red } }]
fields: { \"12121\": Acme }
---
quote: mailed-too
state: sent
customer: { email: mailed-too@acme.example, first_name: Mo, last_name: Ek }
items: [{ key: a, name: Plain, price: 1.00 }]
";

const SHOP_BEFORE: &str = "\
quote: edited
customer: { email: edited@acme.example, first_name: Jo, last_name: Ek }
items:
  - { key: a, name: Audit, sku: A-1, quantity: 2, price: 100.00, properties: { Colour: brown, Size: L } }
  - { key: b, name: Bundle, price: 50.50 }
  - { key: c, quantity: 3, quickquote: { variant_id: 40100000000009 } }
notes: { internal: careful }
---
quote: drafted
state: draft
customer: { email: drafted@acme.example, first_name: Ed, last_name: Ek }
items: [{ key: a, name: Local, quantity: 3, price: 950.00 }]
---
quote: closed
state: draft
customer: { email: closed@acme.example, first_name: Mo, last_name: Ek }
items: [{ key: a, name: Plain, price: 1.00 }]
---
quote: gone
customer: { email: gone@acme.example, first_name: Al, last_name: Ek }
items: [{ key: a, name: Plain, price: 2.00 }]
---
quote: still
state: sent
customer: { email: still@acme.example, first_name: Bo, last_name: Ek }
items: [{ key: a, name: Plain, price: 3.00 }]
---
quote: lost
customer: { email: lost@acme.example, first_name: Cy, last_name: Ek }
items: [{ key: a, name: Plain, price: 4.00 }]
";

fn shop_after() -> String {
    let edited = SHOP_BEFORE
        .replace("internal: careful", "internal: relaxed")
        .replace("price: 100.00", "price: 110.00")
        .replace("Colour: brown, Size: L", "Colour: green, Weight: 2 kg")
        .replace(
            "  - { key: b, name: Bundle, price: 50.50 }\n",
            "  - { key: d, name: New, price: 5.00, properties: { A: b, C: d } }\n",
        )
        .replace("key: c, quantity: 3,", "key: c, quantity: 3, discount: 5%,")
        .replace("quote: drafted\nstate: draft", "quote: drafted\nstate: sent")
        .replace("quote: closed\nstate: draft", "quote: closed\nstate: canceled");
    let kept: Vec<&str> = edited.split("---\n").filter(|q| !q.starts_with("quote: gone")).collect();
    kept.join("---\n")
}

const NORDIC_SPACE: &str = "\
proforma: 1
workspace: nordic-matrix
connections:
  nordic:
    provider: salesbyte
    uuid: { env: SB_UUID }
    token: { env: SB_TOKEN }
    quote_profile_id: 115
    stamp_field: { name: proforma, label: Proforma }
    currency: SEK
";

const NORDIC: &str = "\
quote: drafted
customer: { name: Jo Ek, email: drafted@acme.example, company: Acme }
items: [{ sku: SEO-A }]
fields: { bank_name: Acme bank }
tags: [one]
---
quote: sent
state: sent
customer: { name: Mo Ek, email: sent@acme.example }
alternatives: [{ skus: [SKU-1], sort_order: 1 }, { bundle_id: 456, title: Premium, sort_order: 2 }]
salesbyte: { signable: true }
---
quote: told
customer: { name: Al Ek, email: told@acme.example }
items: [{ sku: TRAIN-D }]
salesbyte: { trigger_created_messages_to_customer: true }
";

const NORDIC_BLIND: &str = "\
quote: drafted
customer: { name: Jo Ek, email: drafted@acme.example, company: Acme }
items: [{ sku: SEO-A }]
---
quote: sent
state: sent
customer: { name: Mo Ek, email: sent@acme.example }
items: [{ sku: TRAIN-D }]
";

const NORDIC_BEFORE: &str = "\
quote: replaced
lifecycle: { when_immutable: replace }
customer: { name: Jo Ek, email: replaced@acme.example }
items: [{ sku: SEO-A }]
---
quote: lost
customer: { name: Cy Ek, email: lost@acme.example }
items: [{ sku: CRO-1 }]
";

const NORDIC_AFTER: &str = "\
quote: replaced
lifecycle: { when_immutable: replace }
customer: { name: Jo Ek, email: replaced@acme.example }
items: [{ sku: TRAIN-D }]
---
quote: lost
customer: { name: Cy Ek, email: lost@acme.example }
items: [{ sku: CRO-1 }]
---
quote: new
state: sent
customer: { name: Mo Ek, email: new@acme.example }
items: [{ sku: SEO-A }]
";

/// DealHub shows a quote at once here; `visibility` is how long proforma gives it.
const CPQ: &str = "\
proforma: 1
workspace: cpq-matrix
connections:
  cpq:
    provider: dealhub
    token: { env: DEALHUB_TOKEN }
    visibility: 1s
    defaults: { currency: USD, expires: 2027-12-01 }
";

const CPQ_NEW: &str = "\
quote: drafted
title: Drafted
deal: { id: \"345345\", name: Acme renewal 2027 }
items: [{ key: a, sku: SEO-A, quantity: 2, price: 12000.00, discount: 10% }]
---
quote: submitted
title: Submitted
state: in_review
deal: { id: \"345346\", name: Acme SEO 2027 }
items: [{ key: a, sku: TRAIN-D, price: 1750.00 }]
discounts: [{ label: Loyalty, percent: 5 }]
---
quote: published
title: Published
state: published
deal: { id: \"345410\", name: Globex renewal 2027 }
items:
  - { key: a, sku: TECH-FIX, price: 4800.00 }
  - { key: b, sku: TRAIN-D, quantity: 2, price: 1750.50 }
---
quote: signed
title: Signed
state: accepted
deal: { id: \"345411\", name: Globex SEO 2027 }
items: [{ key: a, sku: LINK-10, price: 1950.00 }]
dealhub: { sign_externally_comment: on paper }
";

const CPQ_BEFORE: &str = "\
quote: replaced
title: Replaced
state: published
lifecycle: { when_immutable: replace }
deal: { id: \"345410\", name: Globex renewal 2027 }
items: [{ key: a, sku: TECH-FIX, price: 4800.00 }]
";

const CPQ_AFTER: &str = "\
quote: replaced
title: Replaced
state: published
lifecycle: { when_immutable: replace }
deal: { id: \"345410\", name: Globex renewal 2027 }
items: [{ key: a, sku: TECH-FIX, price: 4500.00 }]
---
quote: new
title: New
deal: { id: \"345345\", name: Acme renewal 2027 }
items: [{ key: a, sku: SEO-A, price: 12000.00 }]
";
