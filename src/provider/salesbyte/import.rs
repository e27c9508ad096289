//! From what SalesByte tells back to a manifest: the mirror of [`super::wanted`].
//!
//! The one thing to know: SalesByte tells the customer, the salesperson and the custom fields (by
//! label), and nothing else. Products, texts and dates are not in the manifest, and a remark says so.

use crate::desired::{Person, Quote, Reference, Wish};
use crate::facts::Value;
use crate::provider::import::{Imported, Unfold, plain_of};
use crate::provider::listing::Seen;

/// The manifest of a quote that was read; `blank` brings name and connection.
pub fn import(seen: &Seen, blank: Quote) -> Imported {
    let mut u = Unfold::new(seen);
    let mut quote = blank;
    let mut customer = Person {
        email: u.text("customer.email"),
        name: u.text("customer.name"),
        company: u.text("customer.company"),
        phone: u.text("customer.phone"),
        ..Person::default()
    };
    if let Some(email) = customer.email.set().filter(|e| !crate::manifest::is_email(e)).cloned() {
        u.lose("customer", format!("the customer's e-mail is `{email}`, which is none"));
        customer.email = Wish::Unowned;
    }
    if customer != Person::default() {
        quote.customer = Some(customer);
    }
    if let Some(Value::Text(email)) = u.take("owner") {
        quote.owner = Wish::Set(Reference::Named(email));
    }
    for path in seen.observed.facts.keys().filter(|p| p.list() == Some("fields")) {
        let label = path.as_str().strip_prefix("fields[").and_then(|l| l.strip_suffix(']'));
        let Some(label) = label else { continue };
        if let Some(plain) = u.take(path.as_str()).as_ref().and_then(plain_of) {
            quote.fields.insert(label.to_owned(), Wish::Set(plain));
        }
    }
    u.lose("", "SalesByte does not tell products, texts, expiry and tags of a quote: they are not in this manifest");
    u.finish(quote)
}
