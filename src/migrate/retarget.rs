//! The first pass: name, connection, state, and everything that names something in an account.
//!
//! Invariants: an id of the source's account never reaches the target unless the mapping says that
//! it means the same there: it would be somebody else's customer, deal or product. Nothing is sent
//! or published by a migration unless the states are kept.

use super::draft::Draft;
use super::identifiers;
use super::leaves::{person_text, reference_text};
use super::report::Outcome;
use crate::desired::{Person, Quote, Reference, WantedState, Wish};
use crate::facts::{Plain, Value};
use crate::lockfile::origin::migrated_name;
use crate::manifest::ProviderName;
use crate::provider::hubspot::value::from_html;
use crate::provider::state::{Move, State};

const OTHER_ACCOUNT: &str = "an id of the other account: here it would mean something else";

/// Brings a draft to the target's connection.
pub fn retarget(draft: &mut Draft<'_>) {
    let job = draft.job;
    let quote = &mut draft.quote;
    quote.connection = job.to.clone();
    quote.was = None;
    if !job.in_place {
        quote.name = migrated_name(&quote.name, job.to);
    }
    forget_clears(quote);
    state(draft);
    title(draft);
    for (path, section) in [
        ("owner", "owners"),
        ("company", "companies"),
        ("deal", "deals"),
        ("template", "templates"),
    ] {
        reference(draft, path, section);
    }
    people(draft);
    html_notes(draft);
    fields(draft);
    same_provider(draft);
}

/// A new quote has nothing that could be cleared.
fn forget_clears(quote: &mut Quote) {
    fn open<T>(wish: &mut Wish<T>) {
        if matches!(wish, Wish::Clear) {
            *wish = Wish::Unowned;
        }
    }
    open(&mut quote.title);
    open(&mut quote.expires);
    open(&mut quote.contacts);
    open(&mut quote.owner);
    open(&mut quote.company);
    open(&mut quote.deal);
    open(&mut quote.template);
    open(&mut quote.discounts);
    open(&mut quote.fees);
    open(&mut quote.taxes);
    open(&mut quote.shipping);
    open(&mut quote.tags);
    open(&mut quote.alternatives);
    open(&mut quote.notes.public);
    open(&mut quote.notes.internal);
    open(&mut quote.notes.customer);
    open(&mut quote.notes.terms);
    open(&mut quote.delivery.message);
    if let Some(person) = &mut quote.customer {
        for field in [
            &mut person.email,
            &mut person.first_name,
            &mut person.last_name,
            &mut person.name,
            &mut person.company,
            &mut person.phone,
            &mut person.id,
        ] {
            open(field);
        }
    }
    quote.fields.retain(|_, wish| wish.set().is_some());
    for block in quote.native.values_mut() {
        block.retain(|_, wish| wish.set().is_some());
    }
}

fn state(draft: &mut Draft<'_>) {
    let wanted = draft.source.state.unwrap_or(WantedState::Draft);
    let mut kept = WantedState::Draft;
    if wanted != WantedState::Draft && draft.job.keep_state {
        match draft.job.target.transition(None, &State::Plain(wanted)) {
            Move::InPlace | Move::Write(_) => kept = wanted,
            Move::Wait(who) => {
                let why = format!("it waits for {who}: the new quote begins as a draft");
                draft.note("state", Outcome::Approximated, Some("draft".to_owned()), why);
            }
            Move::Refused(why) => {
                let why = format!("{why}; the new quote begins as a draft");
                draft.note("state", Outcome::Lost, Some("draft".to_owned()), why);
            }
        }
    } else if wanted != WantedState::Draft {
        let why = "a migration sends and publishes nothing; `--keep-state` keeps what can be kept";
        draft.note("state", Outcome::Converted, Some("draft".to_owned()), why);
    }
    draft.quote.state = Some(kept);
    // A delivery belongs to the moment of sending.
    if kept == WantedState::Draft
        && draft.quote.delivery.channel.is_some_and(|c| c != crate::desired::Channel::None)
        && draft.job.provider == ProviderName::Salesbyte
    {
        draft.quote.delivery.channel = None;
        draft.lose(
            "delivery.channel",
            "SalesByte sends a quote when it is made, and this is a draft",
        );
    }
}

/// What shows a title needs one.
fn title(draft: &mut Draft<'_>) {
    let given = draft.quote.title.set().is_some() || draft.job.defaults.title.set().is_some();
    if !given && draft.sends("title") {
        let name = draft.source.name.to_string();
        draft.quote.title = Wish::Set(name.clone());
        let why =
            "the source has no title, and the target shows one: the quote's name stands for it";
        draft.note("title", Outcome::Approximated, Some(name), why);
    }
}

fn slot<'q>(quote: &'q mut Quote, path: &str) -> &'q mut Wish<Reference> {
    match path {
        "owner" => &mut quote.owner,
        "company" => &mut quote.company,
        "deal" => &mut quote.deal,
        _ => &mut quote.template,
    }
}

/// How a mapping calls a reference: its id, its address or its name.
fn keys(reference: &Reference) -> Vec<&str> {
    match reference {
        Reference::Named(name) => vec![name],
        Reference::Id { id, name, email } => {
            [Some(id.as_str()), email.as_deref(), name.as_deref()].into_iter().flatten().collect()
        }
    }
}

fn reference(draft: &mut Draft<'_>, path: &'static str, section: &'static str) {
    let Wish::Set(old) = slot(&mut draft.quote, path).clone() else { return };
    let mapping = draft.job.mapping;
    let table = mapping.references.get(section);
    let answer = table.and_then(|t| keys(&old).into_iter().find_map(|k| t.get(k)?.clone()));
    if let Some(new) = answer {
        let text = reference_text(&new);
        *slot(&mut draft.quote, path) = Wish::Set(new);
        draft.note(path, Outcome::Converted, Some(text), format!("by `{section}` of the mapping"));
        return;
    }
    if mapping.keep_ids.iter().any(|k| k == path) {
        return;
    }
    // A table that keeps it local sends nothing anyway.
    if !draft.sends(path) {
        return;
    }
    let (named, dropped) = match &old {
        Reference::Named(name) => (Some(name.clone()), false),
        Reference::Id { name, email, .. } => (email.clone().or_else(|| name.clone()), true),
    };
    let fits = |name: &String| path != "owner" || owner_fits(draft.job.provider, name);
    if let Some(name) = named.filter(fits) {
        if dropped {
            draft.note(path, Outcome::Converted, Some(name.clone()), OTHER_ACCOUNT);
        }
        *slot(&mut draft.quote, path) = Wish::Set(Reference::Named(name));
        return;
    }
    let key = keys(&old).first().copied().unwrap_or_default().to_owned();
    let title = draft.title();
    draft.unmapped(section, key, &reference_text(&old));
    *slot(&mut draft.quote, path) = Wish::Unowned;
    let why = format!("{title} calls it otherwise: say how under `{section}` of the mapping");
    draft.lose(path, why);
}

/// Whether a provider finds a salesperson by this text: HubSpot and SalesByte by e-mail address,
/// Quick Quote by name; DealHub wants both and an id.
fn owner_fits(provider: ProviderName, text: &str) -> bool {
    match provider {
        ProviderName::Hubspot | ProviderName::Salesbyte => text.contains('@'),
        ProviderName::Quickquote => !text.contains('@'),
        ProviderName::Dealhub => false,
    }
}

fn people(draft: &mut Draft<'_>) {
    if draft.quote.customer.is_none()
        && !draft.sends("contacts")
        && let Wish::Set(contacts) = &mut draft.quote.contacts
        && !contacts.is_empty()
    {
        let first = contacts.remove(0);
        let text = person_text(&first);
        draft.quote.customer = Some(first);
        draft.note(
            "contacts[0]",
            Outcome::Converted,
            Some(text),
            "the first contact is the customer",
        );
    }
    let keep = draft.job.mapping.keep_ids.iter().any(|k| k == "customer");
    if let Some(mut person) = draft.quote.customer.take() {
        let key = person_text(&person);
        match draft.job.mapping.customers.get(&key) {
            Some(Some(answer)) => overlay(draft, &mut person, answer),
            _ if !keep && person.id.set().is_some() && draft.sends("customer.id") => {
                person.id = Wish::Unowned;
                draft.lose("customer.id", OTHER_ACCOUNT);
            }
            _ => {}
        }
        draft.quote.customer = Some(person);
    }
    if keep {
        return;
    }
    let mut lost = Vec::new();
    if let Wish::Set(contacts) = &mut draft.quote.contacts {
        let mut index = 0;
        contacts.retain_mut(|person| {
            let at = format!("contacts[{index}]");
            index += 1;
            person.id = Wish::Unowned;
            let known = person.email.set().is_some() || person.phone.set().is_some();
            if !known {
                lost.push(at);
            }
            known
        });
    }
    for path in lost {
        draft.lose(path, OTHER_ACCOUNT);
    }
}

fn overlay(draft: &mut Draft<'_>, person: &mut Person, answer: &Person) {
    for (path, own, new) in [
        ("customer.email", &mut person.email, &answer.email),
        ("customer.first_name", &mut person.first_name, &answer.first_name),
        ("customer.last_name", &mut person.last_name, &answer.last_name),
        ("customer.name", &mut person.name, &answer.name),
        ("customer.company", &mut person.company, &answer.company),
        ("customer.phone", &mut person.phone, &answer.phone),
    ] {
        if let Wish::Set(text) = new
            && own.set() != Some(text)
        {
            own.clone_from(new);
            let why = "by `customers` of the mapping";
            draft.note(path, Outcome::Converted, Some(text.clone()), why);
        }
    }
    if person.id != answer.id {
        let to = answer.id.set().cloned();
        let outcome = if to.is_some() { Outcome::Converted } else { Outcome::Lost };
        draft.note("customer.id", outcome, to, "by `customers` of the mapping");
        person.id.clone_from(&answer.id);
    }
}

/// Notes that stand in HTML in a native field, where the neutral word is free.
fn html_notes(draft: &mut Draft<'_>) {
    for (name, path) in [("hs_comments", "notes.public"), ("hs_terms", "notes.terms")] {
        let block = draft.source.native.get("hubspot").and_then(|b| b.get(name));
        let Some(html) = block.and_then(Wish::set).and_then(Plain::scalar) else { continue };
        if draft.job.provider == ProviderName::Hubspot {
            continue;
        }
        let notes = &mut draft.quote.notes;
        let note = if name == "hs_comments" { &mut notes.public } else { &mut notes.terms };
        if note.is_owned() {
            continue;
        }
        let (text, outcome) = match from_html(&html) {
            Value::Text(text) => (text, Outcome::Converted),
            _ => (bare(&html), Outcome::Approximated),
        };
        *note = Wish::Set(text.clone());
        let at = format!("hubspot.{name}");
        draft.note(at, outcome, Some(text), format!("HTML, as plain text in `{path}`"));
    }
}

/// HTML without its marks: what a reader sees of it, roughly.
fn bare(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut tag: Option<String> = None;
    for c in html.chars() {
        match (&mut tag, c) {
            (None, '<') => tag = Some(String::new()),
            (None, c) => out.push(c),
            (Some(name), '>') => {
                let breaks = ["br", "/p", "/li", "/div", "/h1", "/h2", "/h3", "/tr"];
                let name = name.to_ascii_lowercase();
                let word = name.split([' ', '\t', '\n']).next().unwrap_or_default();
                if breaks.contains(&word.trim_end_matches('/')) || breaks.contains(&word) {
                    out.push('\n');
                }
                tag = None;
            }
            (Some(name), c) => name.push(c),
        }
    }
    // What was never closed was no mark.
    if let Some(rest) = tag {
        out.push('<');
        out.push_str(&rest);
    }
    for (mark, text) in [
        ("&nbsp;", " "),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ] {
        out = out.replace(mark, text);
    }
    out.trim().to_owned()
}

/// Custom fields bear other names in another account.
fn fields(draft: &mut Draft<'_>) {
    let job = draft.job;
    let names: Vec<String> = draft.quote.fields.keys().cloned().collect();
    for name in names {
        let path = format!("fields.{name}");
        match job.mapping.fields.get(&name) {
            Some(Some(new)) if new.is_empty() => {
                draft.quote.fields.remove(&name);
                draft.lose(path, "the mapping drops it");
            }
            Some(Some(new)) => {
                if let Some(value) = draft.quote.fields.remove(&name) {
                    draft.quote.fields.insert(new.clone(), value);
                    let to = Some(format!("fields.{new}"));
                    draft.note(path, Outcome::Converted, to, "by `fields` of the mapping");
                }
            }
            _ if job.source_provider == job.provider || !draft.sends("fields") => {}
            _ => {
                draft.quote.fields.remove(&name);
                draft.unmapped("fields", name, "a custom field of the source");
                draft.lose(path, "no field of the target is known for it: say which under `fields` of the mapping");
            }
        }
    }
}

/// Between two accounts of one provider, what names products means others.
fn same_provider(draft: &mut Draft<'_>) {
    if draft.job.source_provider != draft.job.provider {
        return;
    }
    let provider = draft.job.provider.word();
    let names = identifiers(provider);
    let mut lost = Vec::new();
    for item in draft.items() {
        let key = item.key.clone();
        if let Some(block) = item.native.get_mut(provider) {
            for name in names {
                if block.remove(*name).is_some() {
                    lost.push(format!("items[{key}].{provider}.{name}"));
                }
            }
        }
    }
    for path in lost {
        draft.lose(path, OTHER_ACCOUNT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_becomes_what_a_reader_sees() {
        assert_eq!(bare("<p>Net <b>30</b> days</p><p>A &amp; B</p>"), "Net 30 days\nA & B");
        assert_eq!(bare("one<br />two<ul><li>x</li></ul>"), "one\ntwox");
        assert_eq!(bare("a < b"), "a < b");
    }
}
