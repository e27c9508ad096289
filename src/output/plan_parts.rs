//! Folding: a whole new or removed element of a list said on one line.
//!
//! Invariants: an element is folded only when all of it is new (or all of it goes); a change
//! inside an element that stays is shown field by field. A folded line names every field that
//! the customer pays by, and the remaining fields follow it: nothing is left out.

use super::layout::{Span, plain, span};
use super::theme::Tone;
use super::wording;
use crate::facts::{Path, Value};
use crate::money::Currency;
use crate::plan::model::{Action, Change, ChangeOrigin, QuotePlan};

/// One line of a quote's section.
pub(super) enum Row<'a> {
    /// One field.
    Field(&'a Change),
    /// A whole element, added or removed.
    Element {
        /// `items[audit]`.
        part: &'a str,
        /// Its fields.
        fields: Vec<&'a Change>,
        /// Whether it is new; else it goes.
        added: bool,
    },
}

impl Row<'_> {
    /// What stands in the column of paths.
    pub(super) fn label(&self) -> &str {
        match self {
            Self::Field(change) => change.path.as_str(),
            Self::Element { part, .. } => part,
        }
    }

    /// Who wants it: an element is of one origin, or of the manifest.
    pub(super) fn origin(&self) -> ChangeOrigin {
        match self {
            Self::Field(change) => change.origin,
            Self::Element { fields, .. } => {
                let first = fields.first().map_or(ChangeOrigin::Manifest, |c| c.origin);
                let same = fields.iter().all(|c| c.origin == first);
                if same { first } else { ChangeOrigin::Manifest }
            }
        }
    }

    /// Whether a step brings it about.
    pub(super) fn planned(&self) -> bool {
        match self {
            Self::Field(change) => change.planned,
            Self::Element { fields, .. } => fields.iter().any(|c| c.planned),
        }
    }
}

/// The rows of a quote, in the order of its changes. What the quote's head says already (title of
/// a new quote, a planned change of state) is left to the head.
pub(super) fn rows(quote: &QuotePlan) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    let mut rest = quote.changes.as_slice();
    while let Some((first, after)) = rest.split_first() {
        let Some(part) = first.path.part() else {
            if !in_head(quote, first) {
                rows.push(Row::Field(first));
            }
            rest = after;
            continue;
        };
        let length = rest.iter().take_while(|c| c.path.part() == Some(part)).count();
        let (fields, after) = rest.split_at(length);
        rest = after;
        match folds(quote, part, fields) {
            Some(added) => {
                rows.push(Row::Element { part, fields: fields.iter().collect(), added });
            }
            None => rows.extend(fields.iter().map(Row::Field)),
        }
    }
    rows
}

fn in_head(quote: &QuotePlan, change: &Change) -> bool {
    match change.path.as_str() {
        "state" => change.planned,
        // Offline, what a changed title was is not known: that is no new quote.
        "title" => {
            quote.action == Action::Create
                && change.before.is_none()
                && matches!(&change.after, Some(Value::Text(t)) if Some(t) == quote.title.as_ref())
        }
        _ => false,
    }
}

/// Whether an element is wholly new (`Some(true)`) or wholly gone (`Some(false)`).
fn folds(quote: &QuotePlan, part: &str, fields: &[Change]) -> Option<bool> {
    let wanted =
        || quote.want.iter().filter(|(path, v)| path.part() == Some(part) && !v.is_empty());
    if fields.iter().all(|c| c.before.is_none() && c.after.is_some()) {
        let covered = wanted().all(|(path, _)| fields.iter().any(|c| c.path == *path));
        return covered.then_some(true);
    }
    let gone = fields.iter().all(|c| c.after.is_none()) && wanted().next().is_none();
    gone.then_some(false)
}

/// The line of a folded element, and the fields that do not fit into it.
pub(super) fn line(
    fields: &[&Change],
    added: bool,
    currency: Option<Currency>,
) -> (Vec<Span>, Vec<Span>) {
    let value = |c: &Change| if added { c.after.clone() } else { c.before.clone() };
    let values: Vec<(&Path, Value)> =
        fields.iter().filter_map(|c| Some((&c.path, value(c)?))).collect();
    let mut used: Vec<&str> = Vec::new();
    let mut pick = |field: &'static str| -> Option<String> {
        let (path, value) = values.iter().find(|(path, _)| path.field() == field)?;
        used.push(field);
        Some(shorten(&wording::shown(path, value, currency)))
    };
    let mut out: Vec<String> = Vec::new();
    out.extend(pick("label"));
    out.extend(pick("name"));
    // An element without fields of its own (a contact) is its value.
    out.extend(pick(""));
    match (pick("quantity"), pick("price")) {
        (Some(quantity), Some(price)) => out.push(format!("{quantity} × {price}")),
        // Left to the account's price list.
        (Some(quantity), None) => out.push(format!("{quantity} × the upstream's price")),
        (None, price) => out.extend(price),
    }
    out.extend(pick("discount.percent").map(|p| format!("−{p}")));
    // A discount of the whole quote is taken off, a fee or a tax is put on.
    let off = fields.first().is_some_and(|c| c.path.list() == Some("discounts"));
    let sign = if off { "−" } else { "" };
    out.extend(pick("percent").map(|p| format!("{sign}{p}")));
    out.extend(pick("amount").map(|a| format!("{sign}{a}")));

    let tone = if added { Tone::Create } else { Tone::Delete };
    let head = vec![span(out.join("  "), tone)];
    let more: Vec<String> = values
        .iter()
        .filter(|(path, value)| {
            let field = path.field();
            let evident = field == "currency"
                && matches!(value, Value::Text(t) if Some(t.as_str()) == currency.map(Currency::code));
            !used.contains(&field) && field != "position" && !evident
        })
        .map(|(path, value)| {
            let said = shorten(&wording::shown(path, value, currency));
            format!("{} {said}", wording::one_line(path.field(), 80))
        })
        .collect();
    let more = if more.is_empty() { Vec::new() } else { vec![plain(more.join("; "))] };
    (head, more)
}

fn shorten(text: &str) -> String {
    wording::one_line(text, 120)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::fixtures::{change, number, quote, text};

    fn said(spans: &[Span]) -> String {
        spans.iter().map(|s| s.text.as_str()).collect()
    }

    #[test]
    fn an_item_is_said_as_a_person_would() {
        let all = [
            change("items[a].name", None, text("Audit")),
            change("items[a].sku", None, text("SEO-A")),
            change("items[a].quantity", None, number("1")),
            change("items[a].price", None, number("12000")),
            change("items[a].discount.percent", None, number("10")),
            change("items[a].currency", None, text("USD")),
            change("items[a].position", None, number("0")),
        ];
        let (head, more) = line(&all.iter().collect::<Vec<_>>(), true, Currency::parse("USD"));
        assert_eq!(said(&head), "Audit  1 × 12,000.00  −10%");
        assert_eq!(said(&more), "sku SEO-A");
    }

    #[test]
    fn an_element_that_stays_is_not_folded() {
        let mut q = quote("q", Action::Update);
        q.changes = vec![change("items[a].description", None, text("new"))];
        q.want.insert(Path::new("items[a].name"), Value::text("A"));
        q.want.insert(Path::new("items[a].description"), Value::text("new"));
        assert!(matches!(rows(&q).as_slice(), [Row::Field(_)]));
        q.changes.insert(0, change("items[a].name", None, text("A")));
        assert!(matches!(rows(&q).as_slice(), [Row::Element { added: true, .. }]));
    }

    #[test]
    fn a_field_that_is_cleared_is_not_a_removed_element() {
        let mut q = quote("q", Action::Update);
        q.changes = vec![change("items[a].sku", text("X"), None)];
        q.want.insert(Path::new("items[a].name"), Value::text("A"));
        assert!(matches!(rows(&q).as_slice(), [Row::Field(_)]));
        q.want.clear();
        assert!(matches!(rows(&q).as_slice(), [Row::Element { added: false, .. }]));
    }
}
