//! What to do about each thing that the target refuses.
//!
//! Purpose: the target's own checks say what is in the way, with the path and a code; here is what
//! follows: say it in another way, drop it with a note, or give up with the reason. The table's way
//! out is the reason that the report shows.
//!
//! Invariants: a remedy changes the draft or gives up, so the loop around it ends; what is dropped is
//! noted; nothing that changes what the customer pays is dropped without being marked as such.

use super::draft::Draft;
use super::items::{no_price, product_key};
use super::leaves::{period_text, person_text};
use super::money::{self, Stuck, append};
use super::report::Outcome;
use crate::desired::{Person, WantedState, Wish};
use crate::failure::Diagnostic;
use crate::manifest::ProviderName;

/// Mends one problem of a draft, or says why it cannot be mended.
pub fn remedy(draft: &mut Draft<'_>, problem: &Diagnostic) -> Result<(), Stuck> {
    let path = problem.path.clone().unwrap_or_default();
    let told = || match &problem.help {
        Some(help) => format!("{}: {help}", problem.message),
        None => problem.message.clone(),
    };
    if let Some((index, part)) = draft.item_at(&path) {
        let field = path.split_once("].").map(|(_, f)| f.to_owned()).unwrap_or_default();
        return item(draft, index, &part, &field, problem).map_err(|why| why.unwrap_or_else(told));
    }
    let head = path.split(['.', '[']).next().unwrap_or_default();
    match (problem.code, head) {
        ("state-refused", _) => {
            draft.quote.state = Some(WantedState::Draft);
            draft.note("state", Outcome::Lost, Some("draft".to_owned()), problem.message.clone());
            Ok(())
        }
        ("currency-mismatch" | "currency-unknown" | "currency-unknowable", _) => Err(told()),
        ("too-many-decimals", _) => money::round(draft, &path),
        ("discount-zero", _) => money::drop_zero(draft, problem),
        ("discount-too-large", "discounts") => money::cap(draft),
        (_, "discounts") => money::discounts(draft),
        (_, "fees") => money::as_items(draft, "fees"),
        (_, "taxes") => money::as_items(draft, "taxes"),
        (_, "shipping") => money::shipping(draft),
        (_, "tags") => tags(draft, &path, problem.code),
        (_, "notes") => note(draft, &path).ok_or_else(told),
        (_, "customer") => customer(draft, &path, problem).map_err(|()| told()),
        (_, "contacts") => contact(draft, &path, told()),
        ("reference-needs-id", "deal") => {
            let key = draft.quote.deal.set().map(super::leaves::reference_text);
            draft.unmapped("deals", key.unwrap_or_default(), "its id in the target");
            Err(told())
        }
        ("missing-field", "dealhub") if path.ends_with("opportunity_owner") => {
            owner(draft).ok_or_else(told)
        }
        (_, "owner") => owner(draft).ok_or_else(told),
        ("value-too-long", "title") => cut_title(draft).ok_or_else(told),
        (_, "alternatives") if draft.quote.items.set().is_none_or(Vec::is_empty) => Err(told()),
        _ => drop_at(draft, &path).ok_or_else(told),
    }
}

/// Drops what stands at a path of the quote.
fn drop_at(draft: &mut Draft<'_>, path: &str) -> Option<()> {
    let head = path.split(['.', '[']).next().unwrap_or_default();
    let why = draft.way_out(path);
    let quote = &mut draft.quote;
    match head {
        "expires" => {
            let Wish::Set(day) = std::mem::take(&mut quote.expires) else { return None };
            let line = format!("Valid until {day}");
            if draft.sends("notes.public") {
                append(&mut draft.quote.notes.public, &line);
                draft.note(
                    "expires",
                    Outcome::Converted,
                    Some(line),
                    "as a line of `notes.public`",
                );
            } else {
                draft.lose("expires", why);
            }
            return Some(());
        }
        "template" => quote.template.set().map(drop)?,
        "company" => quote.company.set().map(drop)?,
        "alternatives" => quote.alternatives.set().map(drop)?,
        "delivery" => {}
        "fields" => {
            let name = path.strip_prefix("fields.")?;
            quote.fields.remove(name)?;
        }
        provider if ProviderName::parse(provider).is_some() => {
            let name = path.split_once('.')?.1.split(['.', '[']).next()?;
            quote.native.get_mut(provider)?.remove(name)?;
            draft.lose(format!("{provider}.{name}"), why);
            return Some(());
        }
        _ => return None,
    }
    match head {
        "template" => quote.template = Wish::Unowned,
        "company" => quote.company = Wish::Unowned,
        "alternatives" => quote.alternatives = Wish::Unowned,
        "delivery" => {
            let delivery = &mut quote.delivery;
            match path {
                "delivery.channel" => drop(delivery.channel.take()?),
                "delivery.message" => delivery.message = Wish::Unowned,
                "delivery.include_pdf" => drop(delivery.include_pdf.take()?),
                "delivery.include_link" => drop(delivery.include_link.take()?),
                "delivery.copy_owner" => drop(delivery.copy_owner.take()?),
                _ if *delivery == crate::desired::Delivery::default() => return None,
                _ => *delivery = crate::desired::Delivery::default(),
            }
        }
        _ => {}
    }
    draft.lose(path.to_owned(), why);
    Some(())
}

/// Notes that the target has no place for go to the customer's own note, where there is one.
fn note(draft: &mut Draft<'_>, path: &str) -> Option<()> {
    let why = draft.way_out(path);
    let public = draft.sends("notes.public");
    let notes = &mut draft.quote.notes;
    let slot = match path {
        "notes.terms" => &mut notes.terms,
        "notes.customer" => &mut notes.customer,
        "notes.internal" => &mut notes.internal,
        "notes.public" => &mut notes.public,
        _ => return None,
    };
    let Wish::Set(text) = std::mem::take(slot) else { return None };
    if public && matches!(path, "notes.terms" | "notes.customer") {
        append(&mut notes.public, &text);
        draft.note(path, Outcome::Converted, Some(text), "at the end of `notes.public`");
    } else {
        draft.lose(path, why);
    }
    Some(())
}

fn tags(draft: &mut Draft<'_>, path: &str, code: &str) -> Result<(), Stuck> {
    let Wish::Set(tags) = std::mem::take(&mut draft.quote.tags) else {
        return Err("the tags cannot be held".to_owned());
    };
    let mut kept: Vec<String> = Vec::new();
    for tag in &tags {
        for part in tag.split(',').map(str::trim).filter(|t| !t.is_empty()) {
            if !kept.iter().any(|k| k == part) {
                kept.push(part.to_owned());
            }
        }
    }
    if code == "tag-reserved" {
        let index = path.trim_start_matches("tags[").trim_end_matches(']').parse::<usize>();
        let bad = index.ok().and_then(|i| tags.get(i)).cloned().unwrap_or_default();
        kept.retain(|t| *t != bad);
        draft.lose("tags", "tags of this beginning are kept by proforma");
    } else if code == "too-many-tags" {
        kept.truncate(10);
        draft.note("tags", Outcome::Approximated, Some(kept.join(", ")), "the first ten of them");
    } else {
        draft.note("tags", Outcome::Converted, Some(kept.join(", ")), "each tag by itself");
    }
    draft.quote.tags = Wish::Set(kept);
    Ok(())
}

/// A customer who lacks something.
fn customer(draft: &mut Draft<'_>, path: &str, problem: &Diagnostic) -> Result<(), ()> {
    if problem.code == "phone-format" {
        if let Some(person) = &mut draft.quote.customer {
            person.phone = Wish::Unowned;
        }
        draft.lose("customer.phone", problem.message.clone());
        return Ok(());
    }
    if let Some(person) = &mut draft.quote.customer
        && split_name(person)
    {
        for (field, wish) in [("first_name", &person.first_name), ("last_name", &person.last_name)]
        {
            let (to, why) = (wish.set().cloned(), "the name, cut at its first space");
            let note = (format!("customer.{field}"), to);
            draft.notes.entry(note.0).or_insert(super::draft::Note {
                outcome: Outcome::Approximated,
                to: note.1,
                why: why.into(),
                money: false,
            });
        }
        return Ok(());
    }
    let key = draft.quote.customer.as_ref().map(person_text).unwrap_or_default();
    let hint = draft.quote.customer.as_ref().and_then(Person::display_name).unwrap_or_default();
    match problem.code {
        "opportunity-data-missing" => {
            draft.quote.customer = None;
            draft.lose("customer", problem.message.clone());
            Ok(())
        }
        "contact-unresolvable" => {
            draft.unmapped("customers", key, &hint);
            draft.quote.customer = None;
            draft.lose("customer", problem.message.clone());
            Ok(())
        }
        "missing-field" if path != "customer" && draft.job.provider == ProviderName::Dealhub => {
            let Some(person) = &mut draft.quote.customer else { return Err(()) };
            match path {
                "customer.email" => person.email = Wish::Unowned,
                "customer.phone" => person.phone = Wish::Unowned,
                "customer.company" => person.company = Wish::Unowned,
                _ => return Err(()),
            }
            draft.unmapped("customers", key, &hint);
            draft.lose(path.to_owned(), problem.message.clone());
            Ok(())
        }
        _ => {
            draft.unmapped("customers", key, &hint);
            Err(())
        }
    }
}

/// First and last name from the whole one, where they are missing.
fn split_name(person: &mut Person) -> bool {
    if person.first_name.set().is_some() && person.last_name.set().is_some() {
        return false;
    }
    let Some((first, last)) = person.name.set().and_then(|n| n.trim().split_once(' ')) else {
        return false;
    };
    let (first, last) = (first.to_owned(), last.trim().to_owned());
    if last.is_empty() {
        return false;
    }
    person.first_name = Wish::Set(first);
    person.last_name = Wish::Set(last);
    true
}

fn contact(draft: &mut Draft<'_>, path: &str, why: String) -> Result<(), Stuck> {
    let Wish::Set(mut contacts) = std::mem::take(&mut draft.quote.contacts) else {
        return Err(why);
    };
    let index =
        path.strip_prefix("contacts[").and_then(|r| r.split_once(']')?.0.parse::<usize>().ok());
    match index {
        Some(index) if index < contacts.len() => {
            let gone = contacts.remove(index);
            // The place of the source may be another one by now.
            let text = person_text(&gone);
            let of_source = draft.source.contacts.set().into_iter().flatten();
            let place = of_source.into_iter().position(|p| person_text(p) == text).unwrap_or(index);
            draft.quote.contacts = Wish::Set(contacts);
            draft.lose(format!("contacts[{place}]"), why);
        }
        _ => draft.lose("contacts", why),
    }
    Ok(())
}

/// An owner whom the target does not know by what is written.
fn owner(draft: &mut Draft<'_>) -> Option<()> {
    let Wish::Set(old) = std::mem::take(&mut draft.quote.owner) else { return None };
    let text = super::leaves::reference_text(&old);
    draft.unmapped("owners", text, "how the target calls this salesperson");
    let title = draft.title();
    draft.lose(
        "owner",
        format!("{title} calls it otherwise: say how under `owners` of the mapping"),
    );
    Some(())
}

/// A title that is too long, at the last place that fits.
fn cut_title(draft: &mut Draft<'_>) -> Option<()> {
    let title = draft.quote.title.set()?.clone();
    let most = title.chars().count().checked_sub(10).filter(|n| *n > 0)?;
    let cut: String = title.chars().take(most.min(200)).collect();
    draft.quote.title = Wish::Set(cut.clone());
    draft.note(
        "title",
        Outcome::Approximated,
        Some(cut),
        "its beginning: the target has less room",
    );
    Some(())
}

/// Problems of an item. `Err(None)` = the problem's own words.
fn item(
    draft: &mut Draft<'_>,
    index: usize,
    part: &str,
    field: &str,
    problem: &Diagnostic,
) -> Result<(), Option<Stuck>> {
    let stuck = |result: Result<(), Stuck>| result.map_err(Some);
    match (problem.code, field) {
        ("quantity-not-whole", _) => return stuck(money::fold(draft, index)),
        ("price-negative", _) => return stuck(money::credit(draft, index)),
        ("discount-not-exact", _) => return stuck(money::indivisible(draft, index)),
        ("discounts-collide", _) => return stuck(money::spread(draft)),
        ("discount-zero", _) => {
            let item = draft.items().get_mut(index).ok_or(None)?;
            item.discount = Wish::Unowned;
            draft.lose(format!("{part}.discount"), problem.message.clone());
            return Ok(());
        }
        ("too-many-decimals", field) => {
            return stuck(money::round(draft, &format!("items[{index}].{field}")));
        }
        // The check asks for the price in the words of a manifest; whence it may come is said here.
        ("line-incomplete", _) => {
            let items = draft.quote.items.set();
            let item = items.and_then(|i| i.get(index)).filter(|i| i.price.set().is_none());
            let named = item.filter(|i| i.name.set().is_some());
            return Err(named.map(|item| no_price(draft, item)));
        }
        ("item-unidentified", _) | ("missing-field", "") => {
            let known = draft
                .items()
                .get(index)
                .map(|i| (product_key(i), i.name.set().cloned().unwrap_or_default()));
            let (key, hint) = known.unwrap_or_default();
            draft.unmapped("products", key, &hint);
            return Err(None);
        }
        _ => {}
    }
    let table = format!("items[].{field}");
    let mut why = draft.way_out(&table);
    let (properties, describes, prices) = (
        draft.sends("items[].properties"),
        draft.sends("items[].description"),
        draft.sends("items[].price"),
    );
    let catalog = draft.items().get(index).and_then(|i| i.product.clone());
    let listed = catalog.and_then(|p| draft.job.products.get(p.as_str()).copied());
    let of_catalog = |owned: fn(&crate::manifest::Product) -> bool| listed.is_some_and(owned);
    let Some(item) = draft.items().get_mut(index) else { return Err(None) };
    let path = format!("{part}.{field}");
    let mut to = None;
    let mut outcome = Outcome::Lost;
    match field {
        "description" => {
            let hide = of_catalog(|p| p.description.is_owned());
            let Wish::Set(text) = std::mem::replace(&mut item.description, gone(hide)) else {
                return Err(None);
            };
            if properties {
                push(&mut item.properties, "Description", &text);
                (to, outcome, why) =
                    (Some(text), Outcome::Converted, "as a property of the line".to_owned());
            }
        }
        "properties" => {
            let Wish::Set(all) = std::mem::take(&mut item.properties) else { return Err(None) };
            if describes {
                let lines: Vec<String> = all.iter().map(|(k, v)| format!("{k}: {v}")).collect();
                append(&mut item.description, &lines.join("\n"));
                to = Some(lines.join("; "));
                (outcome, why) = (Outcome::Converted, "as lines of the description".to_owned());
            }
        }
        "recurring" => {
            let hide = of_catalog(|p| p.recurring.is_owned());
            let Wish::Set(recurring) = std::mem::replace(&mut item.recurring, gone(hide)) else {
                return Err(None);
            };
            let every = format!("every {}", period_text(recurring.every));
            let text = match recurring.term {
                Some(term) => format!("{every} for {}", period_text(term)),
                None => every,
            };
            if properties || describes {
                if properties {
                    push(&mut item.properties, "Billing", &text);
                } else {
                    append(&mut item.description, &format!("Billing: {text}"));
                }
                (to, outcome) = (Some(text), Outcome::Approximated);
                "told on the line; the target bills once".clone_into(&mut why);
            }
        }
        "taxable" => {
            item.taxable.set().ok_or(None)?;
            item.taxable = Wish::Unowned;
        }
        "discount" => {
            let Wish::Set(discount) = &mut item.discount else { return Err(None) };
            match discount.label.take() {
                Some(label) if prices => {
                    if describes {
                        append(&mut item.description, &format!("Discount: {label}"));
                        (to, outcome) = (Some(label), Outcome::Converted);
                        "as a line of the description".clone_into(&mut why);
                    } else {
                        why = draft.way_out("items[].discount.label");
                    }
                    draft.note(format!("{path}.label"), outcome, to, why);
                    return Ok(());
                }
                _ if prices => return Err(None),
                _ => {
                    item.discount = Wish::Unowned;
                    draft.note_money(path, Outcome::Lost, None, why);
                    return Ok(());
                }
            }
        }
        "price" if !prices => {
            let hide = of_catalog(|p| p.price.is_owned());
            item.price.set().ok_or(None)?;
            item.price = gone(hide);
            let why = format!(
                "{} takes the price of its own product: compare it after the apply",
                draft.title()
            );
            draft.note_money(path, Outcome::Approximated, None, why);
            return Ok(());
        }
        native => {
            let (provider, name) = native.split_once('.').ok_or(None)?;
            let name = name.split(['.', '[']).next().unwrap_or(name);
            let path = format!("{part}.{provider}.{name}");
            item.native.get_mut(provider).and_then(|b| b.remove(name)).ok_or(None)?;
            draft.lose(path, problem.message.clone());
            return Ok(());
        }
    }
    draft.note(path, outcome, to, why);
    Ok(())
}

/// What stands in the place of a value that goes: `null` hides what the catalog says.
fn gone<T>(hide: bool) -> Wish<T> {
    if hide { Wish::Clear } else { Wish::Unowned }
}

fn push(properties: &mut Wish<Vec<(String, String)>>, key: &str, value: &str) {
    let mut all = properties.set().cloned().unwrap_or_default();
    let mut name = key.to_owned();
    while all.iter().any(|(k, _)| *k == name) {
        name.push('\'');
    }
    all.push((name, value.to_owned()));
    *properties = Wish::Set(all);
}
