//! A migration as JSON: the keys of format 1, and a few more.
//!
//! Invariants: keys are added, never taken away or renamed; amounts are texts with the digits of
//! their currency; `equal` is null where one of the totals cannot be known.

use std::collections::BTreeMap;

use serde::Serialize;

use super::json::{document, lines};
use super::wording;
use crate::migrate::report::{Archived, Migration, Moved, Row, Totals};
use crate::money::Money;

#[derive(Serialize)]
struct MigrationDocument<'a> {
    format: u32,
    kind: &'static str,
    from: &'a str,
    to: &'a str,
    summary: BTreeMap<&'static str, usize>,
    reconciled: Reconciled,
    quotes: Vec<QuoteDocument<'a>>,
    unmapped: BTreeMap<&'static str, Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    archived: Option<Vec<ArchivedDocument<'a>>>,
    files: &'a [String],
    diagnostics: Vec<serde_json::Value>,
}

#[derive(Serialize)]
struct Reconciled {
    equal: usize,
    different: usize,
    unknown: usize,
    impossible: usize,
}

#[derive(Serialize)]
struct QuoteDocument<'a> {
    quote: &'a str,
    target: &'a str,
    file: Option<&'a str>,
    written: &'static str,
    totals: TotalsDocument<'a>,
    fields: Vec<FieldDocument<'a>>,
}

#[derive(Serialize)]
struct TotalsDocument<'a> {
    currency: Option<&'static str>,
    before: Option<String>,
    after: Option<String>,
    equal: Option<bool>,
    why: Option<&'a str>,
}

#[derive(Serialize)]
struct FieldDocument<'a> {
    path: &'a str,
    outcome: &'static str,
    from: Option<&'a str>,
    to: Option<&'a str>,
    why: Option<&'a str>,
}

#[derive(Serialize)]
struct ArchivedDocument<'a> {
    quote: &'a str,
    state: Option<&'static str>,
    why: &'a str,
}

/// The document of a migration.
pub fn migrate_json(migration: &Migration) -> String {
    let [equal, different, unknown, impossible] = migration.reconciled();
    // The three of the contract are there in any case.
    let mut unmapped: BTreeMap<&'static str, Vec<&str>> =
        ["products", "customers", "owners"].map(|section| (section, Vec::new())).into();
    for (section, names) in &migration.unmapped {
        unmapped.entry(section).or_default().extend(names.keys().map(String::as_str));
    }
    document(&MigrationDocument {
        format: 1,
        kind: "migration",
        from: migration.from.as_str(),
        to: migration.to.as_str(),
        summary: migration.summary(),
        reconciled: Reconciled { equal, different, unknown, impossible },
        quotes: migration.quotes.iter().map(quote).collect(),
        unmapped,
        archived: migration.archived.as_ref().map(|all| all.iter().map(archived).collect()),
        files: &migration.files,
        diagnostics: lines(&migration.diagnostics),
    })
}

fn archived(row: &Archived) -> ArchivedDocument<'_> {
    ArchivedDocument { quote: row.quote.as_str(), state: row.state, why: &row.why }
}

fn quote(moved: &Moved) -> QuoteDocument<'_> {
    QuoteDocument {
        quote: moved.quote.as_str(),
        target: moved.target.as_str(),
        file: moved.file.as_deref(),
        written: moved.written.word(),
        totals: totals(&moved.totals),
        fields: moved.rows.iter().map(field).collect(),
    }
}

fn totals(totals: &Totals) -> TotalsDocument<'_> {
    let amount = |m: Money| wording::with_digits(m.amount, Some(m.currency)).to_string();
    TotalsDocument {
        currency: totals.before.or(totals.after).map(|m| m.currency.code()),
        before: totals.before.map(amount),
        after: totals.after.map(amount),
        equal: totals.equal(),
        why: totals.why.as_deref(),
    }
}

fn field(row: &Row) -> FieldDocument<'_> {
    FieldDocument {
        path: &row.path,
        outcome: row.outcome.word(),
        from: row.from.as_deref(),
        to: row.to.as_deref(),
        why: Some(row.why.as_ref()).filter(|w| !w.is_empty()),
    }
}
