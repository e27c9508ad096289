//! A migration as one page for a browser: the sum, other totals, reasons, and every quote with its
//! fields, to be filtered and searched.
//!
//! Invariant: all text goes through the page's builder. Quotes whose fields are all exact or local
//! have a row and no table of fields; past a number of quotes only those with something to tell do.

use super::html::parts::{self, Chip, Column};
use super::html::{Html, page};
use super::migrate_groups::{self as grouped, WORTH};
use super::wording;
use crate::migrate::report::{Migration, Moved, Outcome};

/// Quotes that are shown field by field.
const MOST_IN_FULL: usize = 2_000;

/// The page.
pub fn migrate_html(migration: &Migration) -> String {
    let mut body = Html::new();
    let [equal, different, unknown, impossible] = migration.reconciled();
    let title = format!("Migration from {} to {}", migration.from, migration.to);
    body.leaf("h1", &[], &title);
    body.leaf("p", &[], &grouped::headline(migration));
    parts::cards(&mut body, |cards| {
        for (label, count, below) in [
            ("Equal totals", equal, "to the cent, by both providers' arithmetic"),
            ("Other totals", different, "explained below"),
            ("Totals known later", unknown, "the target prices by itself"),
            ("Impossible", impossible, "no manifest is written"),
        ] {
            parts::card(cards, label, &count.to_string(), below);
        }
    });
    body.leaf("p", &[], &grouped::counts(migration));
    let of = |outcome: Outcome| migration.quotes.iter().filter(|q| q.count(outcome) > 0).count();
    let mut chips = vec![Chip::new("total", "other total", different)];
    chips.extend(WORTH.map(|o| Chip::new(o.word(), o.word(), of(o))));
    parts::toolbar(&mut body, &chips, "Search quotes, fields and reasons");
    if let Some(archived) = &migration.archived {
        body.leaf("h2", &[], "Archive");
        let columns = [Column::text("Quote"), Column::text("State"), Column::text("Why")];
        parts::table(&mut body, &columns, |rows| {
            for one in archived {
                parts::row(rows, &[], |cells| {
                    cells.leaf("td", &[], one.quote.as_str());
                    cells.leaf("td", &[], one.state.unwrap_or("left alone"));
                    cells.leaf("td", &[], &one.why);
                });
            }
        });
    }
    reasons(&mut body, migration);
    unmapped(&mut body, migration);
    quotes(&mut body, migration);
    page(&title, &body)
}

fn reasons(body: &mut Html, migration: &Migration) {
    body.leaf("h2", &[], "Reasons");
    let columns = [
        Column::text("Outcome"),
        Column::text("Field"),
        Column::number("Times"),
        Column::text("Why"),
        Column::text("First seen in"),
    ];
    parts::table(body, &columns, |rows| {
        for group in WORTH.iter().flat_map(|o| grouped::groups(migration, *o)) {
            parts::row(rows, &[group.outcome.word()], |cells| {
                cells.element("td", &[], |td| badge(td, group.outcome));
                cells.leaf("td", &[], &group.field);
                cells.leaf("td", &[("class", "number")], &group.count.to_string());
                cells.leaf("td", &[], group.why);
                cells.leaf("td", &[], group.example);
            });
        }
    });
}

fn badge(out: &mut Html, outcome: Outcome) {
    let tone = match outcome {
        Outcome::Impossible => "blocked",
        Outcome::Lost => "delete",
        Outcome::Approximated | Outcome::Rounded => "drift",
        Outcome::Converted => "update",
        Outcome::Exact => "create",
        Outcome::Local => "muted",
    };
    parts::badge(out, tone, outcome.word());
}

fn unmapped(body: &mut Html, migration: &Migration) {
    for (section, names) in migration.unmapped.iter().filter(|(_, names)| !names.is_empty()) {
        body.leaf("h2", &[], &format!("Unmapped {section}: {}", names.len()));
        let columns = [Column::text("Name"), Column::text("Known of it")];
        parts::table(body, &columns, |rows| {
            for (name, hint) in names {
                parts::row(rows, &[], |cells| {
                    cells.leaf("td", &[], name);
                    cells.leaf("td", &[], hint);
                });
            }
        });
    }
}

fn quotes(body: &mut Html, migration: &Migration) {
    body.leaf("h2", &[], "Quotes");
    let worth = |q: &&Moved| q.rows.iter().any(|r| WORTH.contains(&r.outcome));
    let shown: Vec<&Moved> = if migration.quotes.len() > MOST_IN_FULL {
        migration.quotes.iter().filter(worth).take(MOST_IN_FULL).collect()
    } else {
        migration.quotes.iter().collect()
    };
    let left = migration.quotes.len() - shown.len();
    if left > 0 {
        let text = format!("{left} more quotes are not listed; `--format json` has all of them");
        body.leaf("p", &[], &text);
    }
    let columns = [
        Column::text("Quote"),
        Column::text("Field"),
        Column::text("Outcome"),
        Column::text("From"),
        Column::text("To"),
        Column::text("Why"),
    ];
    parts::table(body, &columns, |rows| {
        for quote in shown {
            total(rows, quote);
            for row in &quote.rows {
                parts::row(rows, &[row.outcome.word()], |cells| {
                    cells.leaf("td", &[], quote.quote.as_str());
                    cells.leaf("td", &[], &row.path);
                    cells.element("td", &[], |td| badge(td, row.outcome));
                    cells.leaf("td", &[], row.from.as_deref().unwrap_or_default());
                    cells.leaf("td", &[], row.to.as_deref().unwrap_or_default());
                    cells.leaf("td", &[], &row.why);
                });
            }
        }
    });
}

/// The first row of a quote: its totals.
fn total(rows: &mut Html, quote: &Moved) {
    let kinds: &[&str] = if quote.totals.equal() == Some(false) { &["total"] } else { &["sum"] };
    let said =
        |money: Option<crate::money::Money>| money.map_or_else(String::new, |m| m.to_string());
    let verdict = match (&quote.result, quote.totals.equal()) {
        (None, _) => "impossible",
        (_, Some(true)) => "equal",
        (_, Some(false)) => "differs",
        (_, None) => "known later",
    };
    parts::row(rows, kinds, |cells| {
        cells.leaf("td", &[], quote.quote.as_str());
        cells.leaf("td", &[], "total");
        cells.leaf("td", &[], verdict);
        cells.leaf("td", &[], &said(quote.totals.before));
        cells.leaf("td", &[], &said(quote.totals.after));
        let why = quote.totals.why.as_deref().map(|w| wording::one_line(w, 300));
        cells.leaf("td", &[], &why.unwrap_or_default());
    });
}
