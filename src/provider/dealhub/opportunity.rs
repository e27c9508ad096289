//! `opportunity_data`: what describes the opportunity, its account and its people.
//!
//! The one thing to know: DealHub wants it whole or not at all. It is sent when the manifest (or
//! the connection's defaults) has `dealhub: { opportunity_data: { geo_code: .. } }`, since the geo
//! code has no neutral word; neutral words then fill the rest. Without it, `customer`, `contacts`
//! and `owner` have nowhere to go, and that is an error. `currency` is then an assertion: it must
//! be what the opportunity has.

use super::mapping::{self, Native, Scope, Shape};
use super::wanted::{Object, Wanted, block, deal_name, value_of};
use crate::desired::{Person, Reference, Wish};
use crate::facts::{Plain, Value};

const PATH: &str = "dealhub.opportunity_data";

/// Fills `opportunity_data`.
pub fn fill(w: &mut Wanted<'_>) {
    let quote = w.quote;
    let data = match mapping::set(block(quote), "opportunity_data") {
        Some(Plain::Map(map)) => map.clone(),
        Some(_) => {
            w.error(
                PATH,
                "native-value",
                "`opportunity_data` is a map",
                "such as `{ geo_code: SE }`",
            );
            return;
        }
        None => return homeless(w),
    };
    let mut out = Object::new();
    own_fields(w, &data, &mut out);
    owner(w, &data, &mut out);
    contacts(w, &data, &mut out);
    let customer = quote.customer.as_ref();
    let said = [
        ("external_opportunity_name", deal_name(quote), "deal.name"),
        ("external_customer_id", customer.and_then(|c| c.id.set().cloned()), "customer.id"),
        ("customer_name", customer.and_then(Person::display_name), "customer.name"),
        ("currency", quote.currency.map(|c| c.code().to_owned()), "currency"),
    ];
    for (name, text, word) in said {
        let Some(text) = text else { continue };
        if conflicts(w, &data, PATH, name, word) {
            continue;
        }
        let sent = w.limited(Scope::Opportunity, name, word, &text);
        out.insert(name.to_owned(), sent);
        w.fact(word, Value::text(text));
    }
    missing(w, Scope::Opportunity, &out, PATH);
    w.send("opportunity_data", Plain::Map(out));
}

/// Words that only `opportunity_data` could carry.
fn homeless(w: &mut Wanted<'_>) {
    let quote = w.quote;
    let person = |p: &Person| {
        [&p.email, &p.first_name, &p.last_name, &p.name, &p.company, &p.phone, &p.id]
            .into_iter()
            .any(|f| f.set().is_some())
    };
    let written = [
        ("customer", quote.customer.as_ref().is_some_and(person)),
        ("contacts", quote.contacts.set().is_some_and(|c| !c.is_empty())),
        ("owner", quote.owner.set().is_some()),
    ];
    for (word, _) in written.into_iter().filter(|(_, written)| *written) {
        w.error(
            word,
            "opportunity-data-missing",
            format!("DealHub takes `{word}` as part of `opportunity_data` only, which is not written"),
            format!("add `dealhub: {{ opportunity_data: {{ geo_code: .. }} }}` here or to the connection's defaults; or remove `{word}`, where DealHub has the opportunity from the CRM"),
        );
    }
}

/// Whether a neutral word and the native block say the same thing; an error if so.
fn conflicts(w: &mut Wanted<'_>, map: &Object, path: &str, name: &str, word: &str) -> bool {
    let twice = map.get(name).is_some_and(|v| *v != Plain::Null);
    if twice {
        let message = format!("`{name}` is what `{word}` says");
        w.error(&format!("{path}.{name}"), "native-neutral", message, "keep one of them");
    }
    twice
}

/// The fields that DealHub refuses to miss.
fn missing(w: &mut Wanted<'_>, scope: Scope, sent: &Object, path: &str) {
    let lacking: Vec<&Native> =
        mapping::natives(scope).filter(|n| n.required && !sent.contains_key(n.name)).collect();
    for native in lacking {
        let message = format!("DealHub wants `{}` in `{path}`", native.name);
        let help = match native.word {
            Some(word) => format!("write `{word}`, or `{}` in the native block", native.name),
            None => format!("add `{}` to the native block", native.name),
        };
        w.error(path, "missing-field", message, help);
    }
}

fn own_fields(w: &mut Wanted<'_>, data: &Object, out: &mut Object) {
    for (name, plain) in data {
        let path = format!("{PATH}.{name}");
        let Some(native) = mapping::native(Scope::Opportunity, name) else {
            w.unknown(Scope::Opportunity, &path, name);
            continue;
        };
        if *plain == Plain::Null
            || matches!(name.as_str(), "opportunity_owner" | "customer_contacts")
        {
            continue;
        }
        let value = if native.shape == Shape::Nested {
            fields(w, Scope::Address, &path, plain).map(Plain::Map)
        } else {
            w.checked(native, &path, plain)
        };
        let Some(value) = value else { continue };
        // A field with a neutral word is compared under that word.
        let fact = native.word.map_or_else(|| path.clone(), ToOwned::to_owned);
        w.fact(fact, value_of(native, &value));
        out.insert(name.clone(), value);
    }
}

/// The fields of a nested object, checked.
fn fields(w: &mut Wanted<'_>, scope: Scope, path: &str, plain: &Plain) -> Option<Object> {
    let Plain::Map(map) = plain else {
        w.error(path, "native-value", "this is a map", "see docs/providers/dealhub.md");
        return None;
    };
    let mut out = Object::new();
    for (name, value) in map {
        let at = format!("{path}.{name}");
        let Some(native) = mapping::native(scope, name) else {
            w.unknown(scope, &at, name);
            continue;
        };
        if *value != Plain::Null
            && let Some(value) = w.checked(native, &at, value)
        {
            out.insert(name.clone(), value);
        }
    }
    Some(out)
}

fn owner(w: &mut Wanted<'_>, data: &Object, out: &mut Object) {
    let quote = w.quote;
    let path = format!("{PATH}.opportunity_owner");
    let given = match data.get("opportunity_owner") {
        None | Some(Plain::Null) => Object::new(),
        Some(plain) => fields(w, Scope::Owner, &path, plain).unwrap_or_default(),
    };
    let (id, email, name) = match quote.owner.set() {
        None => (None, None, None),
        Some(Reference::Id { id, name, email }) => (Some(id.clone()), email.clone(), name.clone()),
        Some(Reference::Named(text)) if text.contains('@') => (None, Some(text.clone()), None),
        Some(Reference::Named(text)) => (None, None, Some(text.clone())),
    };
    if given.is_empty() && quote.owner.set().is_none() {
        // Told as missing with the rest of the structure.
        return;
    }
    let mut whole = given.clone();
    let said = [
        ("external_user_id", id, "owner.id"),
        ("email", email, "owner.email"),
        ("name", name, "owner.name"),
    ];
    for (field, text, word) in said {
        let Some(text) = text else { continue };
        if conflicts(w, &given, &path, field, word) {
            continue;
        }
        let sent = w.limited(Scope::Owner, field, "owner", &text);
        whole.insert(field.to_owned(), sent);
    }
    missing(w, Scope::Owner, &whole, &path);
    w.fact("owner", Value::Plain(Plain::Map(whole.clone())));
    out.insert("opportunity_owner".to_owned(), Plain::Map(whole));
}

fn contacts(w: &mut Wanted<'_>, data: &Object, out: &mut Object) {
    let quote = w.quote;
    let mut all: Vec<Object> = Vec::new();
    if let Some(customer) = &quote.customer {
        match contact(w, "customer", customer) {
            Some(mut first) => {
                if let Some(email) = customer.email.set() {
                    w.fact("customer.email", Value::text(email.to_lowercase()));
                }
                first.insert("primary_contact".to_owned(), Plain::Bool(true));
                all.push(first);
            }
            None => alone(w, customer),
        }
    }
    for (i, person) in quote.contacts.set().into_iter().flatten().enumerate() {
        let path = format!("contacts[{i}]");
        match contact(w, &path, person) {
            Some(more) => all.push(more),
            None => w.error(
                &path,
                "missing-field",
                "DealHub wants `email`, `first_name` and `last_name` of a contact",
                "add them, or remove the contact",
            ),
        }
    }
    let path = format!("{PATH}.customer_contacts");
    for (i, plain) in
        data.get("customer_contacts").map(Plain::items).unwrap_or_default().iter().enumerate()
    {
        let at = format!("{path}[{i}]");
        let Some(more) = fields(w, Scope::Contact, &at, plain) else { continue };
        let same =
            |c: &&mut Object| c.get("email").is_some() && c.get("email") == more.get("email");
        if let Some(known) = all.iter_mut().find(same) {
            // The rest of a contact that a neutral word began.
            for (name, value) in more {
                known.entry(name).or_insert(value);
            }
            continue;
        }
        missing(w, Scope::Contact, &more, &at);
        all.push(more);
    }
    if all.is_empty() {
        return;
    }
    let list = Plain::List(all.into_iter().map(Plain::Map).collect());
    w.fact("contacts", Value::Plain(list.clone()));
    out.insert("customer_contacts".to_owned(), list);
}

/// Details of a customer that only a contact could carry.
fn alone(w: &mut Wanted<'_>, customer: &Person) {
    let shown = customer.display_name();
    for (field, wish) in
        [("email", &customer.email), ("phone", &customer.phone), ("company", &customer.company)]
    {
        // A company that is the display name is sent as the account's name.
        if wish.set().is_some() && (field != "company" || wish.set() != shown.as_ref()) {
            w.error(
                &format!("customer.{field}"),
                "missing-field",
                format!("DealHub takes `customer.{field}` as that of a contact, who needs `email`, `first_name` and `last_name`"),
                format!("add them, or remove `{field}`"),
            );
        }
    }
}

/// A person as a contact; `None` where a name or the address is missing.
fn contact(w: &mut Wanted<'_>, path: &str, person: &Person) -> Option<Object> {
    let (email, first, last) =
        (person.email.set()?, person.first_name.set()?, person.last_name.set()?);
    let mut out = Object::new();
    let company: &Wish<String> = &person.company;
    let said = [
        ("email", Some(email), "email"),
        ("first_name", Some(first), "first_name"),
        ("last_name", Some(last), "last_name"),
        ("phone", person.phone.set(), "phone"),
        ("account_name", company.set(), "company"),
    ];
    for (name, text, word) in said {
        let Some(text) = text else { continue };
        let sent = w.limited(Scope::Contact, name, &format!("{path}.{word}"), text);
        out.insert(name.to_owned(), sent);
    }
    Some(out)
}
