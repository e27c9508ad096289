//! A migration as one page for a browser: the sum, other totals, reasons, and every quote with its
//! fields, to be filtered and searched.
//!
//! Invariants: all text goes through the page's builder. Each quote is one fold, so that what is
//! filtered, searched and counted is quotes. Past a number of quotes only those with something to tell
//! are there, and the page says how many are not.

use std::collections::BTreeSet;

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
            parts::row(rows, &[], |cells| {
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
    for quote in shown {
        fold(body, quote);
    }
}

/// A quote: its totals in the head, its fields below, where there is something to tell.
fn fold(body: &mut Html, quote: &Moved) {
    let id = format!("q-{}", quote.quote);
    let mut kinds: BTreeSet<&str> = quote.rows.iter().map(|r| r.outcome.word()).collect();
    if quote.totals.equal() == Some(false) {
        kinds.insert("total");
    }
    let kinds = kinds.into_iter().collect::<Vec<_>>().join(" ");
    let attributes = [("class", "quote"), ("id", id.as_str()), ("data-kind", &kinds)];
    body.element("details", &attributes, |details| {
        details.element("summary", &[], |summary| head(summary, quote));
        details.element("div", &[("class", "inside")], |inside| {
            if let Some(why) = &quote.totals.why {
                inside.leaf("p", &[], &format!("total: {}", wording::one_line(why, 300)));
            }
            fields(inside, quote);
        });
    });
    body.line();
}

fn head(summary: &mut Html, quote: &Moved) {
    let (tone, verdict) = match (&quote.result, quote.totals.equal()) {
        (None, _) => ("blocked", "impossible"),
        (_, Some(true)) => ("create", "equal"),
        (_, Some(false)) => ("drift", "differs"),
        (_, None) => ("muted", "known later"),
    };
    parts::badge(summary, tone, verdict);
    summary.element("span", &[("class", "who")], |who| {
        who.leaf("span", &[("class", "name")], quote.quote.as_str());
        if quote.result.is_some() && quote.target != quote.quote {
            who.leaf("span", &[("class", "title")], &format!("→ {}", quote.target));
        }
    });
    summary.element("span", &[("class", "sum")], |sum| {
        match (quote.totals.before, quote.totals.after) {
            (Some(before), Some(after)) if before == after => sum.text(&after.to_string()),
            (Some(before), Some(after)) => sum.text(&format!("{before} → {after}")),
            (Some(one), None) | (None, Some(one)) => sum.text(&one.to_string()),
            (None, None) => {}
        }
    });
}

fn fields(out: &mut Html, quote: &Moved) {
    let columns = [
        Column::text("Field"),
        Column::text("Outcome"),
        Column::text("From"),
        Column::text("To"),
        Column::text("Why"),
    ];
    // The gravest first, in the order of the manifest otherwise.
    let mut all: Vec<_> = quote.rows.iter().collect();
    let rank = |o: Outcome| WORTH.iter().position(|w| *w == o).unwrap_or(WORTH.len());
    all.sort_by_key(|r| rank(r.outcome));
    parts::table(out, &columns, |rows| {
        for row in all {
            parts::row(rows, &[], |cells| {
                cells.leaf("td", &[], &row.path);
                cells.element("td", &[], |td| badge(td, row.outcome));
                cells.leaf("td", &[], row.from.as_deref().unwrap_or_default());
                cells.leaf("td", &[], row.to.as_deref().unwrap_or_default());
                cells.leaf("td", &[], &row.why);
            });
        }
    });
}
