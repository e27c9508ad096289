//! The schemas of the JSON that commands print.
//!
//! Invariants: keys are added, never taken away, so the schemas leave other keys open; a run that
//! failed prints the same document, with `failure` and without what it did not come to know.

use serde_json::{Map, Value, json};

use crate::apply::report::QuoteOutcome;
use crate::plan::model::Action;
use crate::provider::step::Effect;

/// A document of a kind: its members, of which these must be there.
fn document(kind: &str, title: &str, members: &[(&str, Value)], also: &[&str]) -> Value {
    let mut all = vec![
        ("format", json!({ "const": 1 })),
        ("kind", json!({ "const": kind })),
        ("diagnostics", json!({ "type": "array", "items": diagnostic() })),
        ("failure", failure()),
    ];
    all.extend(members.iter().cloned());
    let mut required = vec!["format", "kind", "diagnostics"];
    required.extend(also);
    let mut schema = map(&all, &required);
    if let Some(object) = schema.as_object_mut() {
        object.insert("title".to_owned(), Value::from(title));
    }
    schema
}

/// A map with these members, some of which must be there; other keys may come.
fn map(members: &[(&str, Value)], required: &[&str]) -> Value {
    let members: Map<String, Value> =
        members.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    json!({ "type": "object", "properties": members, "required": required })
}

/// A map all of whose members are there.
fn whole(members: &[(&str, Value)]) -> Value {
    let keys: Vec<&str> = members.iter().map(|(key, _)| *key).collect();
    map(members, &keys)
}

fn list(of: &Value) -> Value {
    json!({ "type": "array", "items": of })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn maybe_text() -> Value {
    json!({ "type": ["string", "null"] })
}

fn count() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

fn amount() -> Value {
    json!({ "type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$" })
}

fn texts() -> Value {
    json!({ "type": "object", "additionalProperties": { "type": "string" } })
}

fn effects() -> Value {
    list(&json!({ "enum": Effect::ALL.map(Effect::word) }))
}

fn money() -> Value {
    json!({ "anyOf": [whole(&[("amount", amount()), ("currency", text())]), { "type": "null" }] })
}

fn provider() -> Value {
    json!({ "enum": crate::manifest::ProviderName::ALL.map(crate::manifest::ProviderName::word) })
}

fn diagnostic() -> Value {
    map(
        &[
            ("severity", json!({ "enum": ["error", "warning", "note"] })),
            ("code", text()),
            ("message", text()),
            ("file", maybe_text()),
            ("line", json!({ "type": ["integer", "null"], "minimum": 1 })),
            ("column", json!({ "type": ["integer", "null"], "minimum": 1 })),
            ("help", maybe_text()),
            ("quote", text()),
        ],
        &["severity", "code", "message", "file", "line", "column", "help"],
    )
}

fn failure() -> Value {
    whole(&[
        ("code", text()),
        ("exit_code", json!({ "type": "integer", "minimum": 1, "maximum": 130 })),
        ("message", text()),
        ("help", maybe_text()),
    ])
}

fn requests() -> Value {
    json!({ "type": "object", "additionalProperties": whole(&[("read", count()), ("write", count())]) })
}

fn counts(words: &[&str]) -> Value {
    let members: Vec<(&str, Value)> = words.iter().map(|word| (*word, count())).collect();
    whole(&members)
}

fn sides(of: &Value) -> Value {
    whole(&[("before", of.clone()), ("after", of.clone())])
}

fn step() -> Value {
    whole(&[
        ("id", text()),
        ("does", text()),
        ("effects", effects()),
        ("awaits", effects()),
        ("needs", list(&text())),
    ])
}

fn change() -> Value {
    whole(&[
        ("path", text()),
        ("before", maybe_text()),
        ("after", maybe_text()),
        ("origin", json!({ "enum": ["manifest", "drift", "server"] })),
        ("planned", json!({ "type": "boolean" })),
    ])
}

/// The JSON of `plan`.
pub(super) fn plan() -> Value {
    let quote = whole(&[
        ("quote", text()),
        ("connection", text()),
        ("provider", provider()),
        ("action", json!({ "enum": Action::ALL.map(Action::word) })),
        ("id", maybe_text()),
        ("title", maybe_text()),
        ("state", sides(&maybe_text())),
        ("total", sides(&money())),
        ("discount", json!({ "anyOf": [amount(), { "type": "null" }] })),
        ("changes", list(&change())),
        ("steps", list(&step())),
        ("consent", effects()),
        ("reason", maybe_text()),
        ("help", maybe_text()),
        ("ownership_conflict", json!({ "type": "boolean" })),
        ("waits_for", maybe_text()),
        ("notices", list(&text())),
        ("links", texts()),
    ]);
    let line = map(
        &[
            ("currency", text()),
            ("before", amount()),
            ("after", amount()),
            ("delta", json!({ "anyOf": [amount(), { "type": "null" }] })),
        ],
        &["currency", "before", "after", "delta"],
    );
    document(
        "plan",
        "What `proforma plan --format json` prints",
        &[
            ("id", maybe_text()),
            ("workspace", maybe_text()),
            ("offline", json!({ "type": "boolean" })),
            ("summary", counts(&Action::ALL.map(Action::word))),
            ("money", list(&line)),
            ("requests", requests()),
            ("consent", effects()),
            ("allowed", effects()),
            ("prune", json!({ "type": "boolean" })),
            ("overrides", list(&text())),
            ("preparations", list(&step())),
            ("quotes", list(&quote)),
        ],
        &["id", "workspace", "summary", "money", "requests", "consent", "quotes"],
    )
}

/// The JSON of `apply`.
pub(super) fn apply() -> Value {
    let outcomes = QuoteOutcome::ALL.map(QuoteOutcome::word);
    let quote = whole(&[
        ("quote", text()),
        ("connection", text()),
        ("action", json!({ "enum": Action::ALL.map(Action::word) })),
        ("outcome", json!({ "enum": outcomes })),
        ("id", maybe_text()),
        ("links", texts()),
        ("error", maybe_text()),
        ("error_kind", maybe_text()),
        ("help", maybe_text()),
        ("consent", effects()),
        ("stale", json!({ "type": "boolean" })),
    ]);
    let canary = json!({ "anyOf": [
        whole(&[("quotes", list(&text())), ("of", count()), ("stopped", maybe_text())]),
        { "type": "null" },
    ] });
    document(
        "apply",
        "What `proforma apply --format json` prints",
        &[
            ("plan", maybe_text()),
            ("summary", counts(&outcomes)),
            ("quotes", list(&quote)),
            ("requests", requests()),
            ("seconds", json!({ "type": ["number", "null"] })),
            ("interrupted", json!({ "type": "boolean" })),
            ("consent", effects()),
            ("canary", canary),
        ],
        &["plan", "summary", "quotes", "requests", "seconds"],
    )
}

/// The JSON of `validate`.
pub(super) fn validate() -> Value {
    let summary = counts(&["files", "quotes", "products", "errors", "warnings"]);
    document(
        "validate",
        "What `proforma validate --format json` prints",
        &[("summary", summary)],
        &["summary"],
    )
}

/// The JSON of `status`.
pub(super) fn status() -> Value {
    let side = |more: &[(&str, Value)]| {
        let mut members = vec![("state", maybe_text()), ("total", money())];
        members.extend(more.iter().cloned());
        json!({ "anyOf": [whole(&members), { "type": "null" }] })
    };
    let source = json!({ "anyOf": [
        whole(&[("connection", text()), ("id", text()), ("link", maybe_text())]),
        { "type": "null" },
    ] });
    let quote = map(
        &[
            ("quote", text()),
            ("connection", text()),
            ("provider", provider()),
            ("title", maybe_text()),
            (
                "verdict",
                json!({ "enum": crate::output::status::Verdict::ALL.map(crate::output::status::Verdict::word) }),
            ),
            ("reason", maybe_text()),
            ("help", maybe_text()),
            ("desired", side(&[])),
            ("recorded", side(&[("id", text()), ("generation", count()), ("revision", count())])),
            ("observed", side(&[("id", text())])),
            ("changes", list(&change())),
            ("links", texts()),
            ("migrated_from", source),
        ],
        &[
            "quote",
            "connection",
            "provider",
            "verdict",
            "desired",
            "recorded",
            "observed",
            "changes",
            "links",
        ],
    );
    document(
        "status",
        "What `proforma status --format json` prints",
        &[
            ("workspace", text()),
            (
                "summary",
                counts(
                    &crate::output::status::Verdict::ALL.map(crate::output::status::Verdict::word),
                ),
            ),
            ("requests", requests()),
            ("quotes", list(&quote)),
        ],
        &[],
    )
}

/// The outcomes of a migrated field, as the loss report counts them.
const FIELD_OUTCOMES: [&str; 7] =
    ["exact", "converted", "rounded", "approximated", "local", "lost", "impossible"];

/// The JSON of `migrate`.
pub(super) fn migrate() -> Value {
    let field = map(
        &[
            ("path", text()),
            ("outcome", json!({ "enum": FIELD_OUTCOMES })),
            ("from", maybe_text()),
            ("to", maybe_text()),
            ("why", maybe_text()),
        ],
        &["path", "outcome", "from", "to", "why"],
    );
    let totals = map(
        &[
            ("currency", maybe_text()),
            ("before", maybe_text()),
            ("after", maybe_text()),
            ("equal", json!({ "type": ["boolean", "null"] })),
            ("why", maybe_text()),
        ],
        &["currency", "before", "after", "equal"],
    );
    let quote = map(
        &[
            ("quote", text()),
            ("target", text()),
            ("file", maybe_text()),
            ("written", text()),
            ("totals", json!({ "anyOf": [totals, { "type": "null" }] })),
            ("fields", list(&field)),
        ],
        &["quote", "target", "totals", "fields"],
    );
    let names = || list(&text());
    let mut unmapped = whole(&[("products", names()), ("customers", names()), ("owners", names())]);
    // A migration may lack a mapping of other things, each under its own section.
    if let Some(object) = unmapped.as_object_mut() {
        object.insert("additionalProperties".to_owned(), names());
    }
    let archived = map(
        &[("quote", text()), ("state", maybe_text()), ("why", text())],
        &["quote", "state", "why"],
    );
    document(
        "migration",
        "What `proforma migrate --format json` prints",
        &[
            ("from", maybe_text()),
            ("to", maybe_text()),
            ("summary", counts(&FIELD_OUTCOMES)),
            ("reconciled", counts(&["equal", "different", "unknown", "impossible"])),
            ("quotes", list(&quote)),
            ("unmapped", unmapped),
            ("archived", list(&archived)),
            ("files", list(&text())),
        ],
        &["from", "to", "summary", "quotes", "unmapped"],
    )
}
