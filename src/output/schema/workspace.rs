//! The schema of `proforma.yaml`.

use serde_json::{Value, json};

use super::forms::{decimal, needing, object, said};
use super::manifest::defaults;
use crate::manifest::{AllowedEffect, ProviderName};
use crate::provider::capability::Sheet;

const NAME: &str = "^[a-z0-9][a-z0-9._-]{0,62}$";
const DURATION: &str = "^[0-9]+(ms|s|m|h)$";
const TIME: &str = "^[0-2][0-9]:[0-5][0-9]$";

fn row(key: &str, schema: Value, text: &str, example: Value) -> (String, Value) {
    let examples: Vec<Value> = Some(example).filter(|e| !e.is_null()).into_iter().collect();
    (key.to_owned(), said(schema, text, &examples))
}

/// The workspace file.
pub(super) fn workspace(sheets: &[Sheet]) -> Value {
    let paths = || json!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] });
    let name = || json!({ "type": "string", "pattern": NAME });
    let all = vec![
        row("proforma", json!({ "const": 1 }), "The format of this file.", json!(1)),
        row(
            "workspace",
            name(),
            "Part of the mark on every quote made from here: another name is another owner.",
            json!("acme-sales"),
        ),
        row(
            "quotes",
            paths(),
            "Files or folders with quotes, below the workspace; default `quotes`.",
            json!(["quotes"]),
        ),
        row(
            "catalog",
            paths(),
            "Files or folders with products; default `catalog`, if it exists.",
            json!(["catalog"]),
        ),
        row(
            "default_connection",
            json!({ "type": "string" }),
            "The connection of quotes that name none.",
            json!("crm"),
        ),
        row(
            "connections",
            json!({ "type": "object", "minProperties": 1, "propertyNames": { "pattern": NAME }, "additionalProperties": connection(sheets) }),
            "Accounts upstream, by name.",
            Value::Null,
        ),
        row("guardrails", guardrails(), "Limits that a plan must keep.", Value::Null),
    ];
    let mut schema = needing(object(all), &["proforma", "workspace", "connections"]);
    if let Some(object) = schema.as_object_mut() {
        object.insert("title".to_owned(), Value::from("A proforma workspace"));
    }
    schema
}

fn connection(sheets: &[Sheet]) -> Value {
    let words: Vec<&str> = ProviderName::ALL.iter().map(|p| p.word()).collect();
    let secret = || {
        let way = |key: &str, text: &str, example: &str| {
            let member = row(key, json!({ "type": "string" }), text, json!(example));
            needing(object(vec![member]), &[key])
        };
        json!({ "anyOf": [
            way("env", "The name of an environment variable.", "HUBSPOT_TOKEN"),
            way("file", "The path of a file.", "/run/secrets/hubspot"),
        ] })
    };
    let duration = || json!({ "type": "string", "pattern": DURATION });
    let whole = |max: Value| json!({ "type": "integer", "minimum": 1, "maximum": max });
    let all = vec![
        row("provider", json!({ "enum": words }), "The upstream.", json!("hubspot")),
        row(
            "uuid",
            secret(),
            "SalesByte: where the account's uuid is found; never the uuid itself.",
            json!({ "env": "SALESBYTE_UUID" }),
        ),
        row(
            "token",
            secret(),
            "Where the token is found; never the token itself. Optional at SalesByte.",
            json!({ "env": "HUBSPOT_TOKEN" }),
        ),
        row(
            "base_url",
            json!({ "type": "string", "format": "uri" }),
            "What stands before the paths of the provider's interface; a host of the provider, or loopback.",
            json!("https://api.hubapi.com"),
        ),
        row(
            "rate",
            json!({ "type": "string", "pattern": "^[1-9][0-9]*/[0-9]+(ms|s|m|h)$" }),
            "Never more than so many requests in any such time; default: the provider's published limit.",
            json!("190/10s"),
        ),
        row("concurrency", whole(json!(256)), "Requests in flight at once.", json!(8)),
        row(
            "currency",
            json!({ "type": "string", "pattern": "^[A-Z]{3}$" }),
            "The currency of quotes that name none, and of providers that never tell it.",
            json!("USD"),
        ),
        row(
            "quote_system",
            json!({ "enum": ["legacy", "cpq"] }),
            "HubSpot: the kind of quote.",
            json!("legacy"),
        ),
        row(
            "stamp",
            json!({ "const": "slug" }),
            "HubSpot: keep the stamp in the slug of the quote's link.",
            json!("slug"),
        ),
        row(
            "stamp_property",
            json!({ "type": "string", "pattern": "^[a-z][a-z0-9_]{0,99}$" }),
            "HubSpot: the text property that holds the stamp.",
            json!("proforma_key"),
        ),
        row(
            "quote_profile_id",
            json!({ "type": "integer", "minimum": 1 }),
            "SalesByte: the profile that quotes are made with.",
            json!(115),
        ),
        row(
            "stamp_field",
            needing(
                object(vec![
                    row("name", json!({ "type": "string" }), "Its name.", Value::Null),
                    row(
                        "label",
                        json!({ "type": "string" }),
                        "Its label, where the profile asks for one.",
                        Value::Null,
                    ),
                ]),
                &["name"],
            ),
            "SalesByte: a hidden custom field of the profile that holds the stamp.",
            json!({ "name": "proforma", "label": "Proforma" }),
        ),
        row(
            "visibility",
            duration(),
            "DealHub: how long a fresh quote may stay unreadable.",
            json!("60s"),
        ),
        row(
            "defaults",
            defaults(sheets),
            "What every quote of the connection has unless it says otherwise.",
            Value::Null,
        ),
    ];
    needing(object(all), &["provider"])
}

fn guardrails() -> Value {
    let limit = || json!({ "anyOf": [{ "type": "integer", "minimum": 0 }, { "type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?%$" }] });
    let percent = || json!({ "type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?%$" });
    let effects: Vec<&str> = AllowedEffect::ALL.iter().map(|e| e.word()).chain(["all"]).collect();
    let all = vec![
        row(
            "max_creates",
            limit(),
            "Quotes made in one run: a count, or a percent of what the lockfile holds.",
            json!(50),
        ),
        row("max_updates", limit(), "Quotes changed in one run.", json!("30%")),
        row("max_deletes", limit(), "Quotes deleted in one run.", json!(5)),
        row(
            "max_discount",
            percent(),
            "All discounts of a quote together, of its list total.",
            json!("25%"),
        ),
        row(
            "max_price_change",
            percent(),
            "A quote's total against the recorded one.",
            json!("15%"),
        ),
        row(
            "max_total",
            json!({ "type": "object", "propertyNames": { "pattern": "^[A-Z]{3}$" }, "additionalProperties": decimal() }),
            "The total of a quote, by currency.",
            json!({ "USD": 250_000 }),
        ),
        row(
            "min_days_to_expiry",
            json!({ "type": "integer", "minimum": 0, "maximum": 36500 }),
            "Days between the run and the quote's expiry.",
            json!(7),
        ),
        row(
            "recipients",
            json!({ "type": "array", "items": { "type": "string" } }),
            "E-mail domains that anything may be sent to.",
            json!(["acme.example", "*.example.org"]),
        ),
        row(
            "quiet_hours",
            needing(
                object(vec![
                    row(
                        "from",
                        json!({ "type": "string", "pattern": TIME }),
                        "The first quiet minute; quoted.",
                        json!("19:00"),
                    ),
                    row(
                        "to",
                        json!({ "type": "string", "pattern": TIME }),
                        "The first minute that is not quiet; quoted.",
                        json!("07:30"),
                    ),
                    row(
                        "zone",
                        json!({ "type": "string" }),
                        "A name of the time zone database.",
                        json!("Europe/Stockholm"),
                    ),
                    row(
                        "days",
                        json!({ "type": "array", "items": { "enum": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] } }),
                        "Days on which a quiet time begins; default: all.",
                        json!(["mon", "fri"]),
                    ),
                ]),
                &["from", "to", "zone"],
            ),
            "No sending or publishing in these hours.",
            Value::Null,
        ),
        row(
            "allow",
            json!({ "anyOf": [{ "const": "all" }, { "type": "array", "items": { "enum": effects } }] }),
            "Effects that need no `--allow`.",
            json!(["publish"]),
        ),
    ];
    object(all)
}
