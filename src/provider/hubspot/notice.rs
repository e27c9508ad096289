//! What the customer notices of changes on a visible quote.
//!
//! Short sentences for the reviewer of a plan; pure, from the changes alone.

use std::collections::BTreeSet;

use crate::facts::Value;
use crate::plan::model::Change;

/// The sentences, most important first.
pub fn noticed(changes: &[Change]) -> Vec<String> {
    let changes: Vec<&Change> = changes.iter().filter(|c| c.planned).collect();
    if changes.is_empty() {
        return Vec::new();
    }
    let mut money = false;
    let mut out = Vec::new();
    let mut parts: BTreeSet<&str> = BTreeSet::new();
    for change in &changes {
        let path = &change.path;
        let (part, field) = (path.part().unwrap_or_default(), path.field());
        let key = part.split_once('[').map_or("", |(_, key)| key.trim_end_matches(']'));
        if let Some(list @ ("items" | "discounts" | "fees" | "taxes")) = path.list() {
            let priced =
                ["quantity", "price", "discount.percent", "discount.amount", "percent", "amount"];
            money |= priced.contains(&field);
            let whole = changes.iter().filter(|c| c.path.part() == Some(part));
            let added = whole.clone().all(|c| is_nothing(c.before.as_ref()));
            let removed = whole.clone().all(|c| is_nothing(c.after.as_ref()));
            let word = match list {
                "items" => "item",
                "discounts" => "discount",
                "fees" => "fee",
                _ => "tax",
            };
            if added || removed {
                money = true;
                if parts.insert(part) {
                    let verb = if added { "appears" } else { "disappears" };
                    out.push(format!("the {word} {key} {verb}"));
                }
            } else if let (true, Some(verb)) = (list == "items", direction(change))
                && matches!(field, "price" | "quantity")
            {
                out.push(format!("the {field} of {key} {verb}"));
            }
        } else {
            let sentence = match path.as_str() {
                "title" => "the title changes",
                "expires" => "the last day of validity changes",
                "notes.public" => "the note to the customer changes",
                "notes.terms" => "the terms change",
                "template" => "the layout changes",
                "currency" => "the currency changes",
                "company" => "the company on the quote changes",
                _ => continue,
            };
            out.push(sentence.to_owned());
        }
    }
    if money {
        out.insert(0, "the total changes".to_owned());
    }
    out.push("the link goes down while the quote is edited".to_owned());
    out
}

fn is_nothing(value: Option<&Value>) -> bool {
    value.is_none_or(Value::is_empty)
}

fn direction(change: &Change) -> Option<&'static str> {
    let before = change.before.as_ref()?.number()?;
    let after = change.after.as_ref()?.number()?;
    Some(if after < before { "falls" } else { "rises" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Path;
    use crate::money::Amount;
    use crate::plan::model::ChangeOrigin;

    fn change(path: &str, before: Option<&str>, after: Option<&str>) -> Change {
        let value = |v: &str| Amount::parse(v).map_or_else(|_| Value::text(v), Value::Number);
        Change {
            path: Path::new(path),
            before: before.map(value),
            after: after.map(value),
            origin: ChangeOrigin::Manifest,
            planned: true,
        }
    }

    #[test]
    fn says_what_a_customer_would_see() {
        let said = noticed(&[
            change("items[audit].price", Some("12"), Some("10")),
            change("items[new].price", None, Some("10")),
            change("items[new].name", None, Some("New")),
            change("title", Some("a"), Some("b")),
            change("hubspot.hs_language", Some("a"), Some("b")),
        ]);
        assert_eq!(
            said,
            [
                "the total changes",
                "the price of audit falls",
                "the item new appears",
                "the title changes",
                "the link goes down while the quote is edited"
            ]
        );
        assert!(noticed(&[]).is_empty());
    }
}
