//! What editors say of each key of a manifest: a sentence, and an example.
//!
//! Invariant: every key of the neutral part has a row; a test compares them with the reader's.

use serde_json::{Value, json};

/// The sentence and the example of a path; list elements are `[]`.
pub(super) fn words(path: &str) -> Option<(&'static str, Option<Value>)> {
    let found = ROWS.iter().find(|(known, _, _)| *known == path)?;
    let example = serde_json::from_str(found.2).ok().filter(|v| *v != json!(null));
    Some((found.1, example))
}

/// Path, sentence, example in JSON.
const ROWS: &[(&str, &str, &str)] = &[
    (
        "quote",
        "The identity of the quote in the workspace. File name and title are free to change.",
        "\"acme-seo-2027\"",
    ),
    (
        "connection",
        "The account upstream; default: the workspace's `default_connection`.",
        "\"crm\"",
    ),
    (
        "title",
        "What the customer reads on top. Local at Quick Quote and SalesByte.",
        "\"Acme: annual SEO audit\"",
    ),
    ("expires", "The last day on which the customer can accept, `YYYY-MM-DD`.", "\"2027-01-31\""),
    ("currency", "ISO 4217 code of all money of the quote.", "\"USD\""),
    (
        "state",
        "The state that the quote shall have; absent = the provider's draft. What only a customer or an approver sets cannot be asked for.",
        "\"published\"",
    ),
    ("customer", "Who buys. `null` clears all of it.", "{\"email\":\"jo@acme.example\"}"),
    ("customer.email", "The address by which the customer is found.", "\"jo@acme.example\""),
    ("customer.first_name", "First name.", "\"Jo\""),
    ("customer.last_name", "Last name.", "\"Ek\""),
    (
        "customer.name",
        "The name that is shown; default: first and last name, else the company.",
        "\"Jo Ek\"",
    ),
    ("customer.company", "The company's name.", "\"Acme\""),
    ("customer.phone", "International, quoted.", "\"+46768741810\""),
    ("customer.id", "The customer's id upstream.", "\"123127982734\""),
    (
        "contacts",
        "Further people. A contact that a colleague added upstream stays.",
        "[{\"email\":\"cfo@acme.example\"}]",
    ),
    (
        "owner",
        "The salesperson: an e-mail address, a name, or `{ id }`.",
        "\"jane@seller.example\"",
    ),
    (
        "company",
        "The customer's company: by name or domain, or `{ id }`. HubSpot.",
        "\"acme.example\"",
    ),
    ("deal", "The deal or opportunity: by name, or `{ id }`.", "\"Acme renewal 2027\""),
    ("template", "The template: by name, or `{ id }`. HubSpot.", "\"Default Modern\""),
    (
        "items",
        "The lines; owned whole: what is not listed is removed upstream.",
        "[{\"name\":\"Annual SEO audit\",\"price\":\"12000.00\"}]",
    ),
    (
        "items[].key",
        "Identity inside the quote; default: the sku, else a slug of the name.",
        "\"audit\"",
    ),
    ("items[].product", "A product of the catalog; the item's own keys win.", "\"seo-audit\""),
    ("items[].name", "What the customer reads.", "\"Annual SEO audit\""),
    ("items[].description", "More about it.", "\"A crawl of the whole site.\""),
    ("items[].sku", "Stock-keeping unit.", "\"SEO-A\""),
    ("items[].quantity", "How many; above 0, default 1.", "2"),
    ("items[].price", "The price of one unit, an exact decimal.", "\"12000.00\""),
    ("items[].discount", "`10%`, an amount off the line, or a map.", "\"10%\""),
    ("items[].discount.percent", "Percent points.", "10"),
    ("items[].discount.amount", "An amount off.", "\"150.00\""),
    ("items[].discount.per", "Whether an amount is off the line or off each unit.", "\"unit\""),
    ("items[].discount.label", "The reason, where the provider has one.", "\"Third year\""),
    ("items[].taxable", "Whether taxes apply to the line.", "true"),
    ("items[].recurring", "Billing cycle and term.", "{\"every\":\"month\",\"for\":\"12 months\"}"),
    (
        "items[].recurring.every",
        "`week`, `month`, `quarter`, `year`, or a number of them.",
        "\"month\"",
    ),
    ("items[].recurring.for", "For how long; absent = without an end.", "\"12 months\""),
    (
        "items[].properties",
        "What the customer sees of the line, name to value, in this order.",
        "{\"Colour\":\"brown\"}",
    ),
    (
        "discounts",
        "Discounts on the whole quote; owned whole.",
        "[{\"label\":\"Loyalty\",\"percent\":5}]",
    ),
    ("fees", "Fees; owned whole.", "[{\"label\":\"Onboarding\",\"amount\":\"300.00\"}]"),
    ("taxes", "Taxes; owned whole.", "[{\"label\":\"VAT\",\"percent\":25}]"),
    (
        "shipping",
        "Shipping: a name and a price.",
        "{\"name\":\"Local delivery\",\"price\":\"25.50\"}",
    ),
    ("notes", "Plain text, lines kept; `null` clears all of it.", ""),
    ("notes.public", "What the customer reads.", "\"Thank you for a third year together.\""),
    ("notes.internal", "For the sales team.", "\"Jo wants the invoice in January.\""),
    (
        "notes.customer",
        "What the customer wrote, or is written to, by the provider's own meaning.",
        "",
    ),
    ("notes.terms", "Terms.", "\"Invoices are due 30 days after their date.\""),
    ("tags", "Labels, for `--only tag=renewal` too.", "[\"renewal\"]"),
    ("fields", "Custom fields, by name or id.", "{\"Company name\":\"Acme\"}"),
    ("delivery", "How the quote reaches the customer.", "{\"channel\":\"email\"}"),
    ("delivery.channel", "By which way.", "\"email\""),
    ("delivery.message", "The text of the message.", "\"Hi Jo, here is what we talked about.\""),
    ("delivery.include_pdf", "Attach the PDF.", "true"),
    ("delivery.include_link", "Add the link.", "true"),
    ("delivery.copy_owner", "A copy to the owner.", "false"),
    (
        "alternatives",
        "Offers of which the customer takes one. SalesByte.",
        "[{\"bundle_id\":456,\"title\":\"Premium\",\"sort_order\":1}]",
    ),
    ("lifecycle", "How proforma treats the quote.", "{\"protect\":true}"),
    ("lifecycle.protect", "Never deleted, even when the manifest is gone.", "true"),
    ("lifecycle.ignore", "Fields that are set at creation and then left alone.", "[\"owner\"]"),
    (
        "lifecycle.when_locked",
        "What to do with changes of a locked quote: block, unlock and publish again, or make a new one.",
        "\"unlock\"",
    ),
    (
        "lifecycle.when_immutable",
        "What to do with changes at a provider that only creates: block, or make a new quote.",
        "\"replace\"",
    ),
    ("was", "Only to rename: the quote's earlier name.", "\"acme-seo\""),
    (
        "hubspot",
        "HubSpot's own properties, for all that has no word above. Ignored on other providers.",
        "{\"hs_language\":\"en\"}",
    ),
    ("quickquote", "Quick Quote's own fields. Ignored on other providers.", ""),
    ("salesbyte", "SalesByte's own fields. Ignored on other providers.", "{\"signable\":true}"),
    (
        "dealhub",
        "DealHub's own fields. Ignored on other providers.",
        "{\"playbook\":\"api_playbook\"}",
    ),
    (
        "product",
        "The identity of the product in the catalog: what items write under `product`.",
        "\"seo-audit\"",
    ),
    ("shipping.name", "What the customer reads.", "\"Local delivery\""),
    ("shipping.price", "What it costs.", "\"25.50\""),
    ("alternatives[].bundle_id", "A bundle of the provider; instead of `skus`.", "456"),
    ("alternatives[].skus", "Stock-keeping units, as text; instead of `bundle_id`.", "[\"SEO-A\"]"),
    ("alternatives[].title", "What the customer reads.", "\"Premium\""),
    ("alternatives[].sort_order", "Its place, ascending.", "1"),
];
