//! One quote as JSON: manifest, sums and record.
//!
//! Invariants: amounts are text with the digits of their currency; `null` is what is not known;
//! `rounded_from` is there only where a figure was rounded.

use serde_json::{Value, json};

use super::json::document;
use super::quote_sheet::{QuoteSheet, recurring_text};
use crate::desired::{Measure, Per, Person, Quote, Wish};
use crate::money::Amount;
use crate::provider::sums::Rounded;

/// The document.
pub fn quote_json(sheet: &QuoteSheet<'_>) -> String {
    let quote = sheet.quote;
    let digits = sheet.currency().map_or(0, crate::money::Currency::digits);
    let amount = |a: Amount| a.at_least(digits).to_string();
    let entry = sheet.entry;
    let items: Vec<Value> = sheet
        .items()
        .iter()
        .map(|row| {
            let item = row.item;
            let figure = |pick: fn(&crate::provider::sums::LineSum<'_>) -> Option<Rounded>| {
                row.sum.and_then(pick)
            };
            let net = figure(|line| line.net);
            json!({
                "key": item.key, "product": item.product,
                "name": item.name.set(), "description": item.description.set(),
                "sku": item.sku.set(), "quantity": item.quantity,
                "price": item.price.set().map(|p| amount(*p)),
                "discount": item.discount.set().map(|d| measure(d.measure, &amount, d.per)),
                "recurring": recurring_text(item),
                "gross": figure(|line| line.gross).map(|f| amount(f.amount)),
                "off": figure(|line| line.off).map(|f| amount(f.amount)),
                "net": net.map(|f| amount(f.amount)),
                "rounded_from": net.filter(|f| f.is_rounded()).map(|f| f.exact.canonical().to_string()),
            })
        })
        .collect();
    let steps: Vec<Value> = sheet
        .steps()
        .iter()
        .map(|row| {
            let size = row.sum.map(|s| s.size);
            json!({
                "part": row.part, "label": row.label, "measure": measure(row.measure, &amount, Per::Line),
                "off": row.down,
                "base": row.sum.map(|s| amount(s.base)),
                "amount": size.map(|s| amount(s.amount)),
                "rounded_from": size.filter(|s| s.is_rounded()).map(|s| s.exact.canonical().to_string()),
                "after": row.sum.map(|s| amount(s.after)),
            })
        })
        .collect();
    document(&json!({
        "format": 1, "kind": "quote", "quote": quote.name.as_str(),
        "connection": quote.connection.as_str(), "provider": sheet.provider,
        "title": quote.title.set(), "expires": quote.expires.set().map(ToString::to_string),
        "state": {
            "desired": quote.state.unwrap_or(crate::desired::WantedState::Draft).word(),
            "recorded": entry.and_then(|e| e.state.as_deref()),
        },
        "id": entry.map(|e| e.id.as_str()), "links": entry.map(|e| &e.links),
        "currency": sheet.currency(), "customer": quote.customer.as_ref().map(person),
        "contacts": quote.contacts.set().into_iter().flatten().map(person).collect::<Vec<_>>(),
        "items": items, "steps": steps,
        "net": sheet.net().map(amount),
        "total": sheet.total().map(|t| json!({ "currency": t.currency, "amount": amount(t.amount) })),
        "total_recorded": entry.and_then(|e| e.total).map(|t| json!({
            "currency": t.currency, "amount": t.amount.at_least(t.currency.digits()).to_string(),
        })),
        "arithmetic": sheet.sums.as_ref().map(|s| s.rule),
        "notes": notes(quote), "tags": quote.tags.set(),
        "diagnostics": [],
    }))
}

fn measure(measure: Measure, amount: &dyn Fn(Amount) -> String, per: Per) -> Value {
    match measure {
        Measure::Percent(p) => json!({ "percent": p.canonical() }),
        Measure::Amount(a) if per == Per::Unit => json!({ "amount": amount(a), "per": "unit" }),
        Measure::Amount(a) => json!({ "amount": amount(a), "per": "line" }),
    }
}

fn person(person: &Person) -> Value {
    json!({
        "name": person.display_name(), "email": person.email.set(),
        "company": person.company.set(), "phone": person.phone.set(), "id": person.id.set(),
    })
}

fn notes(quote: &Quote) -> Value {
    let text = |wish: &Wish<String>| wish.set().cloned();
    let notes = &quote.notes;
    json!({
        "public": text(&notes.public), "internal": text(&notes.internal),
        "customer": text(&notes.customer), "terms": text(&notes.terms),
    })
}
