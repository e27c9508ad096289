//! A quote with a connection's defaults under it, as the reader of manifests lays them.
//!
//! Purpose: a provider judges what a manifest comes to together with the defaults of its
//! connection. The rule is that of the manifest: `notes`, `delivery`, `fields` and native blocks
//! merge key by key, all else is replaced whole.

use crate::desired::{Lifecycle, Quote, Wish};

/// The quote as it is once its manifest is read under these defaults.
pub fn under(quote: &Quote, defaults: &Quote) -> Quote {
    let mut q = quote.clone();
    lay(&mut q.title, &defaults.title);
    lay(&mut q.expires, &defaults.expires);
    q.currency = q.currency.or(defaults.currency);
    q.state = q.state.or(defaults.state);
    if q.customer.is_none() {
        q.customer.clone_from(&defaults.customer);
    }
    lay(&mut q.contacts, &defaults.contacts);
    lay(&mut q.owner, &defaults.owner);
    lay(&mut q.company, &defaults.company);
    lay(&mut q.deal, &defaults.deal);
    lay(&mut q.template, &defaults.template);
    lay(&mut q.discounts, &defaults.discounts);
    lay(&mut q.fees, &defaults.fees);
    lay(&mut q.taxes, &defaults.taxes);
    lay(&mut q.shipping, &defaults.shipping);
    lay(&mut q.notes.public, &defaults.notes.public);
    lay(&mut q.notes.internal, &defaults.notes.internal);
    lay(&mut q.notes.customer, &defaults.notes.customer);
    lay(&mut q.notes.terms, &defaults.notes.terms);
    lay(&mut q.tags, &defaults.tags);
    for (name, value) in &defaults.fields {
        q.fields.entry(name.clone()).or_insert_with(|| value.clone());
    }
    let (own, lower) = (&mut q.delivery, &defaults.delivery);
    own.channel = own.channel.or(lower.channel);
    lay(&mut own.message, &lower.message);
    own.include_pdf = own.include_pdf.or(lower.include_pdf);
    own.include_link = own.include_link.or(lower.include_link);
    own.copy_owner = own.copy_owner.or(lower.copy_owner);
    lay(&mut q.alternatives, &defaults.alternatives);
    if q.lifecycle == Lifecycle::default() {
        q.lifecycle.clone_from(&defaults.lifecycle);
    }
    for (provider, block) in &defaults.native {
        let own = q.native.entry(provider.clone()).or_default();
        for (name, value) in block {
            own.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    q
}

fn lay<T: Clone>(own: &mut Wish<T>, lower: &Wish<T>) {
    if !own.is_owned() {
        own.clone_from(lower);
    }
}
