//! The fingerprint of a quote as its manifest asks for it, after defaults and catalog.
//!
//! Invariants: independent of comments, quoting style and the order of keys (save for item
//! `properties`, whose order the customer sees); every field takes part, which the destructuring
//! below makes the compiler check; texts are written with their length, so no two quotes share a
//! form.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::desired::{
    Adjustment, Alternative, Delivery, Item, Lifecycle, LineDiscount, Measure, NativeBlock, Notes,
    Per, Period, Person, Quote, Recurring, Reference, Shipping, Wish,
};
use crate::key::Fingerprint;

/// The fingerprint of a quote; its origin does not count.
pub(super) fn fingerprint_of(quote: &Quote) -> Fingerprint {
    let mut form = Form(String::with_capacity(1024));
    form.quote(quote);
    Fingerprint::of_parts("proforma 2026 manifest 1", &[&form.0])
}

/// The canonical form while it is written.
struct Form(String);

impl Form {
    fn text(&mut self, text: &str) {
        let _ = write!(self.0, "{}:{text};", text.len());
    }

    fn show(&mut self, value: impl std::fmt::Display) {
        self.text(&value.to_string());
    }

    fn option<T>(&mut self, value: Option<&T>, write: impl FnOnce(&mut Self, &T)) {
        self.0.push(if value.is_some() { '+' } else { '-' });
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn wish<T>(&mut self, wish: &Wish<T>, write: impl FnOnce(&mut Self, &T)) {
        match wish {
            Wish::Unowned => self.0.push('-'),
            Wish::Clear => self.0.push('0'),
            Wish::Set(value) => {
                self.0.push('+');
                write(self, value);
            }
        }
    }

    fn texts(&mut self, wishes: &[&Wish<String>]) {
        for wish in wishes {
            self.wish(wish, |f, t| f.text(t));
        }
    }

    fn list<T>(&mut self, list: &[T], mut write: impl FnMut(&mut Self, &T)) {
        let _ = write!(self.0, "[{}", list.len());
        for element in list {
            write(self, element);
        }
    }

    fn block(&mut self, block: &NativeBlock) {
        let _ = write!(self.0, "{{{}", block.len());
        for (key, value) in block {
            self.text(key);
            self.wish(value, |f, v| f.show(v));
        }
    }

    fn native(&mut self, native: &BTreeMap<String, NativeBlock>) {
        // An empty block says nothing.
        for (provider, block) in native.iter().filter(|(_, block)| !block.is_empty()) {
            self.text(provider);
            self.block(block);
        }
        self.0.push('.');
    }

    fn quote(&mut self, quote: &Quote) {
        let Quote {
            name,
            connection,
            title,
            expires,
            currency,
            state,
            customer,
            contacts,
            owner,
            company,
            deal,
            template,
            items,
            discounts,
            fees,
            taxes,
            shipping,
            notes,
            tags,
            fields,
            delivery,
            alternatives,
            lifecycle,
            was,
            native,
            origin: _,
            fingerprint: _,
        } = quote;
        self.text(name.as_str());
        self.text(connection.as_str());
        self.wish(title, |f, t| f.text(t));
        self.wish(expires, |f, d| f.show(d));
        self.option(currency.as_ref(), |f, c| f.text(c.code()));
        self.option(state.as_ref(), |f, s| f.text(s.word()));
        self.option(customer.as_ref(), Self::person);
        self.wish(contacts, |f, all| f.list(all, Self::person));
        for reference in [owner, company, deal, template] {
            self.wish(reference, Self::reference);
        }
        self.wish(items, |f, all| f.list(all, Self::item));
        for adjustments in [discounts, fees, taxes] {
            self.wish(adjustments, |f, all| f.list(all, Self::adjustment));
        }
        self.wish(shipping, |f, Shipping { name, price }| {
            f.text(name);
            f.show(price.canonical());
        });
        let Notes { public, internal, customer, terms } = notes;
        self.texts(&[public, internal, customer, terms]);
        self.wish(tags, |f, all| f.list(all, |f, tag| f.text(tag)));
        self.block(fields);
        self.delivery(delivery);
        self.wish(alternatives, |f, all| f.list(all, Self::alternative));
        let Lifecycle { protect, ignore, when_locked, when_immutable } = lifecycle;
        let _ = write!(self.0, "{protect}{when_locked:?}{when_immutable:?}");
        self.list(ignore, |f, path| f.text(path));
        self.option(was.as_ref(), |f, name| f.text(name.as_str()));
        self.native(native);
    }

    fn person(&mut self, person: &Person) {
        let Person { email, first_name, last_name, name, company, phone, id } = person;
        self.texts(&[email, first_name, last_name, name, company, phone, id]);
    }

    fn reference(&mut self, reference: &Reference) {
        match reference {
            Reference::Named(name) => {
                self.0.push('n');
                self.text(name);
            }
            Reference::Id { id, name, email } => {
                self.0.push('i');
                self.text(id);
                self.option(name.as_ref(), |f, t| f.text(t));
                self.option(email.as_ref(), |f, t| f.text(t));
            }
        }
    }

    fn measure(&mut self, measure: Measure) {
        let (sign, amount) = match measure {
            Measure::Percent(amount) => ('%', amount),
            Measure::Amount(amount) => ('$', amount),
        };
        self.0.push(sign);
        self.show(amount.canonical());
    }

    fn period(&mut self, Period { count, unit }: Period) {
        let _ = write!(self.0, "{count}{unit:?}");
    }

    fn item(&mut self, item: &Item) {
        let Item {
            key,
            product,
            name,
            description,
            sku,
            quantity,
            price,
            discount,
            taxable,
            recurring,
            properties,
            native,
        } = item;
        self.text(key);
        self.option(product.as_ref(), |f, t| f.text(t));
        self.texts(&[name, description, sku]);
        self.show(quantity.canonical());
        self.wish(price, |f, p| f.show(p.canonical()));
        self.wish(discount, |f, LineDiscount { measure, per, label }| {
            f.measure(*measure);
            f.0.push(if *per == Per::Line { 'l' } else { 'u' });
            f.option(label.as_ref(), |f, t| f.text(t));
        });
        self.wish(taxable, |f, b| f.show(b));
        self.wish(recurring, |f, Recurring { every, term }| {
            f.period(*every);
            f.option(term.as_ref(), |f, p| f.period(*p));
        });
        self.wish(properties, |f, all| {
            f.list(all, |f, (key, value)| {
                f.text(key);
                f.text(value);
            });
        });
        self.native(native);
    }

    fn adjustment(&mut self, Adjustment { key, label, measure }: &Adjustment) {
        self.text(key);
        self.text(label);
        self.measure(*measure);
    }

    fn delivery(&mut self, delivery: &Delivery) {
        let Delivery { channel, message, include_pdf, include_link, copy_owner } = delivery;
        self.option(channel.as_ref(), |f, c| f.text(&format!("{c:?}")));
        self.wish(message, |f, t| f.text(t));
        for flag in [include_pdf, include_link, copy_owner] {
            self.option(flag.as_ref(), |f, b| f.show(b));
        }
    }

    fn alternative(&mut self, alternative: &Alternative) {
        let Alternative { bundle_id, skus, title, sort_order } = alternative;
        self.option(bundle_id.as_ref(), |f, n| f.show(n));
        self.list(skus, |f, sku| f.text(sku));
        self.option(title.as_ref(), |f, t| f.text(t));
        self.option(sort_order.as_ref(), |f, n| f.show(n));
    }
}
