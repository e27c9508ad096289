//! Offline checks: what DealHub will not take, said before anything is sent.
//!
//! Purpose: the neutral fields that the table of [`super::mapping`] refuses, and everything that
//! building the request ([`super::wanted`]) finds. All problems of a quote are reported at once.

use super::mapping;
use super::status;
use super::wanted::Wanted;
use crate::desired::{Channel, Item, Quote, Wish};
use crate::failure::Diagnostic;

/// All offline problems of a quote.
pub fn check(quote: &Quote) -> Vec<Diagnostic> {
    let mut w = Wanted::of(quote);
    if let Some(state) = quote.state
        && let Some(why) = status::refusal(state)
    {
        let message = format!("DealHub cannot bring a quote into `{state}`");
        w.error("state", "state-refused", message, why);
    }
    head(&mut w);
    for (i, item) in quote.items.set().into_iter().flatten().enumerate() {
        line(&mut w, &format!("items[{i}]"), item);
    }
    w.sink.found
}

fn head(w: &mut Wanted<'_>) {
    let quote = w.quote;
    let some = |list: &Wish<Vec<_>>| list.set().is_some_and(|l| !l.is_empty());
    for (field, written) in [
        ("template", quote.template.set().is_some()),
        ("fees", some(&quote.fees)),
        ("taxes", some(&quote.taxes)),
        ("shipping", quote.shipping.set().is_some()),
        ("notes.public", quote.notes.public.set().is_some()),
        ("notes.terms", quote.notes.terms.set().is_some()),
        ("notes.customer", quote.notes.customer.set().is_some()),
        ("alternatives", quote.alternatives.set().is_some_and(|a| !a.is_empty())),
    ] {
        if written {
            w.sink.refused(field, field);
        }
    }
    for (name, wish) in &quote.fields {
        if wish.set().is_some() {
            w.sink.refused(&format!("fields.{name}"), "fields");
        }
    }
    let delivery = &quote.delivery;
    let asks = delivery.message.set().is_some()
        || [delivery.include_pdf, delivery.include_link, delivery.copy_owner].contains(&Some(true));
    if match delivery.channel {
        Some(Channel::None) => false,
        Some(_) => true,
        None => asks,
    } {
        w.sink.refused("delivery", "delivery");
    }
}

fn line(w: &mut Wanted<'_>, path: &str, item: &Item) {
    if item.taxable == Wish::Set(true) {
        w.sink.refused(&format!("{path}.taxable"), "items[].taxable");
    }
    // With product factors the term is said in DealHub's own way.
    let factors = mapping::set(item.native.get("dealhub"), "product_factors").is_some();
    if item.recurring.set().is_some() && !factors {
        w.sink.refused(&format!("{path}.recurring"), "items[].recurring");
    }
}
