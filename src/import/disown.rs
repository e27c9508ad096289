//! Taking a field out of a manifest, by the path of a fact or by a line of its text.
//!
//! Invariant: a field that a list of the upstream hangs on is never taken alone: what would make the plan
//! delete a line takes the whole list out instead.

use crate::desired::{Item, Quote, Wish};

/// Takes a field out, so that the manifest no longer owns it. `false` = it did not own it.
pub fn disown(quote: &mut Quote, path: &str) -> bool {
    let before = quote.clone();
    let (head, rest) = split(path);
    match head {
        "title" => quote.title = Wish::Unowned,
        "expires" => quote.expires = Wish::Unowned,
        "currency" => quote.currency = None,
        "contacts" | "customer" if rest.is_empty() || head == "contacts" => {
            quote.contacts = Wish::Unowned;
            quote.customer = None;
        }
        "customer" => customer(quote, rest),
        "owner" => quote.owner = Wish::Unowned,
        "company" => quote.company = Wish::Unowned,
        "deal" => quote.deal = Wish::Unowned,
        "template" => quote.template = Wish::Unowned,
        "items" => items(quote, rest),
        "discounts" => quote.discounts = Wish::Unowned,
        "fees" => quote.fees = Wish::Unowned,
        "taxes" => quote.taxes = Wish::Unowned,
        "shipping" => quote.shipping = Wish::Unowned,
        "tags" => quote.tags = Wish::Unowned,
        "notes" => {
            let notes = &mut quote.notes;
            match rest {
                "public" => notes.public = Wish::Unowned,
                "internal" => notes.internal = Wish::Unowned,
                "customer" => notes.customer = Wish::Unowned,
                "terms" => notes.terms = Wish::Unowned,
                _ => *notes = crate::desired::Notes::default(),
            }
        }
        "fields" => {
            quote.fields.remove(rest.trim_start_matches('[').trim_end_matches(']'));
        }
        provider => {
            if let Some(block) = quote.native.get_mut(provider) {
                block.remove(rest.split(['.', '[']).next().unwrap_or_default());
                if block.is_empty() {
                    quote.native.remove(provider);
                }
            }
        }
    }
    *quote != before
}

/// Clears a field that the manifest does not own, against a default of the connection. `false` = it
/// cannot be cleared.
pub fn clear(quote: &mut Quote, path: &str) -> bool {
    let (head, rest) = split(path);
    match (head, rest) {
        ("owner", "") => quote.owner = Wish::Clear,
        ("company", "") => quote.company = Wish::Clear,
        ("deal", "") => quote.deal = Wish::Clear,
        ("template", "") => quote.template = Wish::Clear,
        ("notes", "public") => quote.notes.public = Wish::Clear,
        ("notes", "internal") => quote.notes.internal = Wish::Clear,
        ("notes", "customer") => quote.notes.customer = Wish::Clear,
        ("notes", "terms") => quote.notes.terms = Wish::Clear,
        ("tags", "") => quote.tags = Wish::Clear,
        ("shipping", _) => quote.shipping = Wish::Clear,
        ("discounts", _) => quote.discounts = Wish::Set(Vec::new()),
        ("fees", _) => quote.fees = Wish::Set(Vec::new()),
        ("taxes", _) => quote.taxes = Wish::Set(Vec::new()),
        ("fields", name) => {
            let name = name.trim_start_matches('[').trim_end_matches(']').to_owned();
            quote.fields.insert(name, Wish::Clear);
        }
        ("hubspot" | "quickquote" | "salesbyte" | "dealhub", name) if !name.is_empty() => {
            let name = name.split(['.', '[']).next().unwrap_or_default().to_owned();
            quote.native.entry(head.to_owned()).or_default().insert(name, Wish::Clear);
        }
        _ => return false,
    }
    true
}

fn split(path: &str) -> (&str, &str) {
    let at = path.find(['.', '[']).unwrap_or(path.len());
    let (head, rest) = path.split_at(at);
    (head, rest.strip_prefix('.').unwrap_or(rest))
}

fn customer(quote: &mut Quote, field: &str) {
    let Some(customer) = &mut quote.customer else { return };
    match field {
        "email" => customer.email = Wish::Unowned,
        "first_name" => customer.first_name = Wish::Unowned,
        "last_name" => customer.last_name = Wish::Unowned,
        "name" => customer.name = Wish::Unowned,
        "company" => customer.company = Wish::Unowned,
        "phone" => customer.phone = Wish::Unowned,
        "id" => customer.id = Wish::Unowned,
        _ => {}
    }
    if *customer == crate::desired::Person::default() {
        quote.customer = None;
    }
}

/// A field of an item (`[audit].price`), or all items.
fn items(quote: &mut Quote, rest: &str) {
    let found = rest.strip_prefix('[').and_then(|r| r.split_once(']'));
    let Wish::Set(items) = &mut quote.items else { return };
    let field = found.and_then(|(key, field)| {
        let item = items.iter_mut().find(|i| i.key == key)?;
        let field = field.trim_start_matches('.');
        field_of(item, field).then_some(())
    });
    if field.is_none() {
        quote.items = Wish::Unowned;
    }
}

/// Takes a field out of an item; `false` where the line cannot do without.
fn field_of(item: &mut Item, field: &str) -> bool {
    let (head, rest) = split(field);
    match head {
        "description" => item.description = Wish::Unowned,
        "sku" => item.sku = Wish::Unowned,
        "price" => item.price = Wish::Unowned,
        "discount" => item.discount = Wish::Unowned,
        "taxable" => item.taxable = Wish::Unowned,
        "recurring" => item.recurring = Wish::Unowned,
        "properties" => item.properties = Wish::Unowned,
        "hubspot" | "quickquote" | "salesbyte" | "dealhub" => {
            let Some(block) = item.native.get_mut(head) else { return false };
            let name = rest.split(['.', '[']).next().unwrap_or_default();
            let gone = block.remove(name).is_some();
            if block.is_empty() {
                item.native.remove(head);
            }
            return gone;
        }
        _ => return false,
    }
    true
}

/// The path of the field that stands on a line (from 1) of a canonical manifest.
pub fn path_at(text: &str, line: usize) -> Option<String> {
    let lines: Vec<&str> = text.lines().take(line).collect();
    let key_of = |line: &str| {
        let line = line.trim_start().trim_start_matches("- ");
        let key = line.split(':').next().unwrap_or_default().trim().trim_matches('"');
        (!key.is_empty() && !key.starts_with('#')).then(|| key.to_owned())
    };
    let top = lines.iter().rev().find(|l| !l.starts_with([' ', '#', '-']) && l.contains(':'))?;
    let top_key = key_of(top)?;
    let last = lines.last()?;
    if std::ptr::eq(*last, *top) {
        return Some(top_key);
    }
    if top_key != "items" {
        let second = lines.iter().rev().find(|l| l.starts_with("  ") && !l.starts_with("   "))?;
        let second = key_of(second)?;
        return Some(if second.is_empty() { top_key } else { format!("{top_key}.{second}") });
    }
    let item = lines.iter().rev().find_map(|l| l.strip_prefix("  - key: "))?;
    let item = item.trim().trim_matches('"');
    let field = lines.iter().rev().find(|l| l.starts_with("    ") && !l.starts_with("     "));
    Some(match field.and_then(|f| key_of(f)) {
        Some(field) if !last.starts_with("  - ") => format!("items[{item}].{field}"),
        _ => format!("items[{item}]"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_lead_to_their_paths() {
        let text = "# head\nquote: a\ntitle: x\nitems:\n  - key: a.b\n    name: n\n    recurring: { every: year }\n    \
                    hubspot:\n      hs_x: 1\nnotes:\n  public: |\n    one\n    two\n  terms: t\n";
        let at = |line| path_at(text, line);
        assert_eq!(at(3).as_deref(), Some("title"));
        assert_eq!(at(5).as_deref(), Some("items[a.b]"));
        assert_eq!(at(7).as_deref(), Some("items[a.b].recurring"));
        assert_eq!(at(9).as_deref(), Some("items[a.b].hubspot"));
        assert_eq!(at(13).as_deref(), Some("notes.public"));
        assert_eq!(at(14).as_deref(), Some("notes.terms"));
        assert_eq!(at(1), None);
    }
}
