//! One quote as the customer would read it.
//!
//! Invariants: only what a customer sees: no internal note, no tag, no owner, no id, no name of a
//! connection. Every figure is the provider's arithmetic; what only the upstream knows is said to be
//! known later. The provider's own page may look different, which the page says.

use super::html::parts::{self, Column};
use super::html::{Html, page};
use super::quote_sheet::{ItemRow, QuoteSheet, StepRow, discount_text, recurring_text};
use crate::desired::{Alternative, Measure};

/// The page.
pub fn quote_html(sheet: &QuoteSheet<'_>) -> String {
    let quote = sheet.quote;
    let title = quote.title.set().map_or(quote.name.as_str(), String::as_str);
    let mut body = Html::new();
    body.element("article", &[("class", "sheet")], |out| {
        write_head(out, sheet, title);
        write_items(out, sheet);
        write_alternatives(out, quote.alternatives.set().map(Vec::as_slice).unwrap_or_default());
        write_totals(out, sheet);
        for (label, wish) in [("Notes", &quote.notes.public), ("Terms", &quote.notes.terms)] {
            if let Some(text) = wish.set() {
                out.element("section", &[], |section| {
                    section.leaf("h2", &[], label);
                    section.leaf("div", &[("class", "pre"), ("dir", "auto")], text.trim_end());
                });
            }
        }
    });
    body.line();
    body.element("p", &[("class", "plain")], |p| {
        p.text("A reading copy of what the manifest says. The seller's system may lay it out differently");
        match sheet.entry.and_then(|e| e.links.get("quote")) {
            Some(address) => {
                p.text(": ");
                p.link(address, "the quote itself");
                p.text(".");
            }
            None => p.text("."),
        }
    });
    page(title, &body)
}

fn write_head(out: &mut Html, sheet: &QuoteSheet<'_>, title: &str) {
    let quote = sheet.quote;
    out.element("header", &[], |header| {
        header.element("div", &[], |left| {
            left.leaf("div", &[("class", "label")], "Quote");
            left.leaf("h1", &[("dir", "auto")], title);
            if let Some(customer) = &quote.customer {
                let name = customer.display_name();
                let company = customer.company.set().filter(|c| Some(*c) != name.as_ref());
                let lines = [name.as_ref(), company, customer.email.set()];
                left.element("div", &[("class", "soft")], |who| {
                    who.text("for ");
                    for (n, line) in lines.into_iter().flatten().enumerate() {
                        if n > 0 {
                            who.text(", ");
                        }
                        who.leaf("bdi", &[], line);
                    }
                });
            }
        });
        if let Some(day) = quote.expires.set() {
            header.element("div", &[], |right| {
                right.leaf("div", &[("class", "label")], "Valid until");
                right.leaf("div", &[("class", "value")], &day.to_string());
            });
        }
    });
}

fn write_items(out: &mut Html, sheet: &QuoteSheet<'_>) {
    let items = sheet.items();
    if items.is_empty() {
        return;
    }
    let discounts = items.iter().any(|row| discount_text(sheet, row.item).is_some());
    let mut columns =
        vec![Column::text("Item"), Column::number("Quantity"), Column::number("Price")];
    if discounts {
        columns.push(Column::number("Discount"));
    }
    columns.push(Column::number("Amount"));
    parts::table(out, &columns, |rows| {
        for row in &items {
            parts::row(rows, &[], |cells| write_item(cells, sheet, row, discounts));
        }
    });
}

fn write_item(cells: &mut Html, sheet: &QuoteSheet<'_>, row: &ItemRow<'_>, discounts: bool) {
    let item = row.item;
    let number = [("class", "number")];
    cells.element("td", &[], |td| {
        td.leaf("div", &[("class", "item"), ("dir", "auto")], row.name);
        let small = [("dir", "auto")];
        if let Some(text) = item.description.set() {
            td.leaf("small", &small, text.trim_end());
        }
        if let Some(sku) = item.sku.set().filter(|sku| *sku != row.name) {
            td.leaf("small", &small, sku);
        }
        if let Some(text) = recurring_text(item) {
            td.leaf("small", &[], &text);
        }
        for (name, value) in item.properties.set().into_iter().flatten() {
            td.leaf("small", &small, &format!("{name}: {value}"));
        }
    });
    cells.leaf("td", &number, &item.quantity.canonical().to_string());
    let price = item.price.set().map_or_else(|| "–".to_owned(), |p| sheet.said(*p));
    cells.leaf("td", &number, &price);
    if discounts {
        cells.leaf("td", &number, &discount_text(sheet, item).unwrap_or_default());
    }
    let net = row.sum.and_then(|s| s.net);
    let net = net.map_or_else(|| "–".to_owned(), |net| sheet.said(net.amount));
    cells.leaf("td", &number, &net);
}

fn write_alternatives(out: &mut Html, alternatives: &[Alternative]) {
    if alternatives.is_empty() {
        return;
    }
    out.element("section", &[], |section| {
        section.leaf("h2", &[], "To choose from");
        section.element("ul", &[], |list| {
            for one in alternatives {
                let what = match (&one.title, one.bundle_id) {
                    (Some(title), _) => title.clone(),
                    (None, Some(id)) => format!("bundle {id}"),
                    (None, None) => one.skus.join(", "),
                };
                list.leaf("li", &[("dir", "auto")], &what);
            }
        });
    });
}

fn write_totals(out: &mut Html, sheet: &QuoteSheet<'_>) {
    let number = [("class", "number")];
    out.element("table", &[("class", "totals")], |table| {
        table.element("tbody", &[], |body| {
            let steps = sheet.steps();
            let net = sheet.net();
            if let Some(net) = net.filter(|_| !steps.is_empty()) {
                body.element("tr", &[("class", "step")], |tr| {
                    tr.leaf("td", &[], "Items");
                    tr.leaf("td", &number, &sheet.said(net));
                });
            }
            for row in &steps {
                body.element("tr", &[("class", "step")], |tr| {
                    tr.leaf("td", &[("dir", "auto")], &label(row));
                    tr.leaf("td", &number, &amount(sheet, row));
                });
            }
            body.element("tr", &[("class", "total")], |tr| {
                tr.leaf("td", &[], "Total");
                match sheet.total() {
                    Some(total) => tr.leaf("td", &number, &total.to_string()),
                    None => tr.leaf("td", &number, "on the final quote"),
                }
            });
        });
    });
}

fn label(row: &StepRow<'_>) -> String {
    match row.measure {
        Measure::Percent(p) => format!("{} ({}%)", row.label, p.canonical()),
        Measure::Amount(_) => row.label.to_owned(),
    }
}

fn amount(sheet: &QuoteSheet<'_>, row: &StepRow<'_>) -> String {
    let size = match (row.sum, row.measure) {
        (Some(sum), _) => sheet.said(sum.size.amount),
        (None, Measure::Amount(amount)) => sheet.said(amount),
        // Part of the amounts of the lines already.
        (None, Measure::Percent(_)) => return "included".to_owned(),
    };
    if row.down { format!("−{size}") } else { size }
}
