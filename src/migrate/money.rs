//! Remedies for money: discounts, fees, taxes, shipping and lines that the target holds otherwise.
//!
//! Invariant: what a remedy writes comes to the very amount that the source charges; where it
//! cannot, the note says so and is marked as one that changes the price.

use super::draft::Draft;
use super::items::blank;
use super::ladder::{self, Ladder, gross, net};
use super::report::Outcome;
use crate::desired::{Adjustment, Item, LineDiscount, Measure, Per, Shipping, Wish};
use crate::failure::Diagnostic;
use crate::manifest::{ProviderName, unique_slugs};
use crate::money::Amount;

/// Why nothing could be done.
pub type Stuck = String;

fn amounts(draft: &Draft<'_>) -> Result<Ladder, Stuck> {
    ladder::ladder(&draft.quote).ok_or_else(|| "the price of an item is not known".to_owned())
}

fn per_line(amount: Amount, label: Option<String>) -> LineDiscount {
    LineDiscount { measure: Measure::Amount(amount), per: Per::Line, label }
}

/// Several discounts, or one that the target cannot hold, as one that it can.
pub fn discounts(draft: &mut Draft<'_>) -> Result<(), Stuck> {
    if !draft.sends("discounts") {
        lose_list(draft, "discounts");
        return Ok(());
    }
    // Where a single amount is refused too, none on the whole quote is taken.
    let single = draft.quote.discounts.set().map(Vec::as_slice);
    let refused = matches!(single, Some([Adjustment { measure: Measure::Amount(_), .. }]));
    if refused || draft.job.provider == ProviderName::Dealhub {
        return spread(draft);
    }
    let all = amounts(draft)?;
    let whole = ladder::sum(&all.discounts).ok_or("the discounts are too large")?;
    one_discount(draft, whole);
    Ok(())
}

/// A discount that is more than all lines, as one that takes off all that they come to.
pub fn cap(draft: &mut Draft<'_>) -> Result<(), Stuck> {
    let all = amounts(draft)?;
    let whole = ladder::sum(&all.discounts).ok_or("the discounts are too large")?;
    let single = draft.quote.discounts.set().map(Vec::as_slice);
    let same =
        matches!(single, Some([Adjustment { measure: Measure::Amount(a), .. }]) if *a == whole);
    if same {
        return spread(draft);
    }
    one_discount(draft, whole);
    Ok(())
}

/// Discounts of nothing, where the target keeps none.
pub fn drop_zero(draft: &mut Draft<'_>, problem: &Diagnostic) -> Result<(), Stuck> {
    let Wish::Set(all) = &mut draft.quote.discounts else {
        return Err(problem.message.clone());
    };
    let zero = |a: &Adjustment| match a.measure {
        Measure::Percent(n) | Measure::Amount(n) => n.is_zero(),
    };
    let gone: Vec<Adjustment> = all.extract_if(.., |a| zero(a)).collect();
    if gone.is_empty() {
        return Err(problem.message.clone());
    }
    for a in gone {
        draft.lose(format!("discounts[{}]", a.key), problem.message.clone());
    }
    Ok(())
}

/// One discount of an amount in the place of all.
fn one_discount(draft: &mut Draft<'_>, amount: Amount) {
    let Wish::Set(old) = draft.quote.discounts.clone() else { return };
    let label = old.iter().map(|a| a.label.as_str()).collect::<Vec<_>>().join(" + ");
    let keys = unique_slugs(std::iter::once(label.as_str()));
    let key = keys.into_iter().next().unwrap_or_default();
    draft.quote.discounts =
        Wish::Set(vec![Adjustment { key, label, measure: Measure::Amount(amount) }]);
    let why = if old.len() > 1 {
        "one discount that takes off the same"
    } else {
        "the same, as an amount"
    };
    for a in &old {
        let path = format!("discounts[{}]", a.key);
        draft.note(path, Outcome::Converted, Some(amount.to_string()), why);
    }
}

/// Takes the discounts of the whole quote off its items.
pub fn spread(draft: &mut Draft<'_>) -> Result<(), Stuck> {
    let all = amounts(draft)?;
    let whole = ladder::sum(&all.discounts).ok_or("the discounts are too large")?;
    let shares = ladder::shares(whole, &all.lines, ladder::digits(&draft.quote))
        .ok_or("the amounts are too large")?;
    let Wish::Set(old) = std::mem::take(&mut draft.quote.discounts) else { return Ok(()) };
    for (index, (net, share)) in all.lines.iter().zip(shares).enumerate() {
        let Some(item) = draft.items().get_mut(index) else { continue };
        let (Some(gross), Some(net)) = (gross(item), net.minus(share)) else { continue };
        let off = gross.minus(net).unwrap_or_default();
        if !off.is_zero() {
            let label = item.discount.set().and_then(|d| d.label.clone());
            item.discount = Wish::Set(per_line(off, label));
            let path = format!("items[{}].discount", item.key);
            let to = Some(format!("{off} off the line"));
            draft.note(
                path,
                Outcome::Converted,
                to,
                "with its share of the discount on the whole quote",
            );
        }
    }
    for a in old {
        let to = Some(format!("{whole} off the items"));
        let why = "taken off the items, in proportion to what they cost";
        draft.note(format!("discounts[{}]", a.key), Outcome::Converted, to, why);
    }
    Ok(())
}

/// Drops a list of adjustments; the customer pays another price.
fn lose_list(draft: &mut Draft<'_>, list: &'static str) {
    let why = draft.way_out(list);
    let slot = match list {
        "discounts" => &mut draft.quote.discounts,
        "fees" => &mut draft.quote.fees,
        _ => &mut draft.quote.taxes,
    };
    let Wish::Set(old) = std::mem::take(slot) else { return };
    for a in old {
        draft.note_money(format!("{list}[{}]", a.key), Outcome::Lost, None, why.clone());
    }
}

/// Fees or taxes as items.
pub fn as_items(draft: &mut Draft<'_>, list: &'static str) -> Result<(), Stuck> {
    if !draft.sends("items[].price") {
        lose_list(draft, list);
        return Ok(());
    }
    // A shop taxes by its own rates: an item of that name would be taxed itself.
    if list == "taxes" && draft.sends("items[].taxable") {
        let why = format!("{}; the items are marked as taxable", draft.way_out("taxes"));
        for item in draft.items() {
            if !item.taxable.is_owned() {
                item.taxable = Wish::Set(true);
            }
        }
        let Wish::Set(old) = std::mem::take(&mut draft.quote.taxes) else { return Ok(()) };
        for a in old {
            let to = Some("the shop's own tax".to_owned());
            let path = format!("taxes[{}]", a.key);
            draft.note_money(path, Outcome::Approximated, to, why.clone());
        }
        return Ok(());
    }
    let all = amounts(draft)?;
    let sizes = if list == "fees" { &all.fees } else { &all.taxes };
    let slot = if list == "fees" { &mut draft.quote.fees } else { &mut draft.quote.taxes };
    let Wish::Set(old) = std::mem::take(slot) else { return Ok(()) };
    // A discount on the whole would be taken off the new item too.
    if draft.quote.discounts.set().is_some_and(|d| !d.is_empty()) {
        discounts(draft)?;
    }
    for (a, size) in old.iter().zip(sizes) {
        line(draft, &format!("{list}[{}]", a.key), &a.label, *size);
    }
    Ok(())
}

/// Shipping as a fee, or as an item where there are none.
pub fn shipping(draft: &mut Draft<'_>) -> Result<(), Stuck> {
    let Wish::Set(Shipping { name, price }) = std::mem::take(&mut draft.quote.shipping) else {
        return Ok(());
    };
    if draft.sends("fees") {
        let mut fees = draft.quote.fees.set().cloned().unwrap_or_default();
        fees.push(Adjustment { key: String::new(), label: name, measure: Measure::Amount(price) });
        relabel(&mut fees);
        draft.quote.fees = Wish::Set(fees);
        let why = "as a fee: it is added after the discounts there as here";
        draft.note("shipping", Outcome::Converted, Some(format!("fee of {price}")), why);
        return Ok(());
    }
    if !draft.sends("items[].price") {
        let why = draft.way_out("shipping");
        draft.note_money("shipping", Outcome::Lost, None, why);
        return Ok(());
    }
    if draft.quote.discounts.set().is_some_and(|d| !d.is_empty()) {
        discounts(draft)?;
    }
    line(draft, "shipping", &name, price);
    Ok(())
}

fn relabel(all: &mut [Adjustment]) {
    let keys = unique_slugs(all.iter().map(|a| a.label.as_str()));
    for (a, key) in all.iter_mut().zip(keys) {
        a.key = key;
    }
}

/// Adds an item of this price, or notes that the target cannot sell it.
fn line(draft: &mut Draft<'_>, path: &str, label: &str, amount: Amount) {
    let dealhub = draft.job.provider == ProviderName::Dealhub;
    let sku = draft.job.mapping.lines.get(label).cloned().flatten();
    if dealhub && sku.is_none() {
        draft.unmapped("lines", label, "the SKU that stands for it");
        let why = "DealHub sells by SKU: say which stands for it under `lines` of the mapping";
        draft.note_money(path, Outcome::Lost, None, why);
        return;
    }
    let mut items = draft.quote.items.set().cloned().unwrap_or_default();
    let taken: Vec<String> = items.iter().map(|i| i.key.clone()).collect();
    let labels = taken.iter().map(String::as_str).chain(std::iter::once(label));
    let mut key = unique_slugs(std::iter::once(label)).pop().unwrap_or_default();
    if taken.contains(&key) {
        key = unique_slugs(labels).pop().unwrap_or(key);
    }
    let mut item = blank(&key);
    item.name = Wish::Set(label.to_owned());
    item.price = Wish::Set(amount);
    if let Some(sku) = sku {
        item.sku = Wish::Set(sku);
    }
    if draft.sends("items[].taxable") {
        item.taxable = Wish::Set(false);
    }
    items.push(item);
    draft.quote.items = Wish::Set(items);
    let to = Some(format!("items[{key}] of {amount}"));
    draft.note(path, Outcome::Converted, to, "as an item of that price");
}

/// One unit at the price of all: for quantities and prices that the target cannot hold.
pub fn fold(draft: &mut Draft<'_>, index: usize) -> Result<(), Stuck> {
    let digits = ladder::digits(&draft.quote);
    let provider = draft.job.provider.word();
    let (properties, describes) =
        (draft.sends("items[].properties"), draft.sends("items[].description"));
    let Some(item) = draft.items().get_mut(index) else { return Err("no such item".to_owned()) };
    let part = format!("items[{}]", item.key);
    let (Some(gross), Some(net), Some(price)) =
        (gross(item), net(item, digits), item.price.set().copied())
    else {
        return Err("its price is not known".to_owned());
    };
    let quantity = item.quantity;
    let said = format!("{} x {price}", quantity.canonical());
    let off = ladder::off(item).unwrap_or_default();
    item.quantity = Amount::from_int(1);
    // An amount off each unit may be parts of a cent off all of them.
    let amount = matches!(item.discount.set().map(|d| d.measure), Some(Measure::Amount(_)));
    let plain = !amount || off.significant_scale() <= digits;
    let exact = gross.significant_scale() <= digits && plain;
    let rounded = if gross.minus(off) == Some(net) { "" } else { ", rounded half up" };
    let label = item.discount.set().and_then(|d| d.label.clone()).filter(|_| !exact);
    let had = item.discount.set().is_some();
    if exact {
        item.price = Wish::Set(gross.at_least(digits));
        if let Wish::Set(LineDiscount { measure: Measure::Amount(off), per, .. }) =
            &mut item.discount
            && *per == Per::Unit
        {
            *off = off.times(quantity).unwrap_or(*off);
            *per = Per::Line;
        }
    } else {
        // The source rounds the line after its discount: so what is left is the price.
        item.price = Wish::Set(net);
        item.discount = Wish::Unowned;
    }
    let note = ("Quantity".to_owned(), said.clone());
    if properties {
        let mut all = item.properties.set().cloned().unwrap_or_default();
        all.push(note);
        item.properties = Wish::Set(all);
    } else if describes {
        append(&mut item.description, &format!("{}: {}", note.0, note.1));
    }
    // What the shop prices by itself cannot be sold at another price.
    if let Some(block) = item.native.get_mut(provider)
        && block.contains_key("variant_id")
    {
        block.insert("variant_id".to_owned(), Wish::Clear);
    }
    let shown = item.price.set().map(Amount::to_string);
    let outcome = if exact || quantity != Amount::from_int(1) {
        Outcome::Converted
    } else {
        Outcome::Rounded
    };
    let why = if exact {
        format!("one unit at the price of all: {said}")
    } else {
        format!("one unit at the net of the line{rounded}: {said}")
    };
    if quantity != Amount::from_int(1) {
        draft.note(
            format!("{part}.quantity"),
            Outcome::Converted,
            Some("1".to_owned()),
            why.clone(),
        );
    }
    draft.note(format!("{part}.price"), outcome, shown, why);
    if had && !exact {
        draft.note(format!("{part}.discount"), Outcome::Converted, None, "it is in the price");
        if label.is_some() {
            let why = "the discount that it names is in the price";
            draft.lose(format!("{part}.discount.label"), why);
        }
    }
    Ok(())
}

/// A discount off the line that does not divide by the quantity.
pub fn indivisible(draft: &mut Draft<'_>, index: usize) -> Result<(), Stuck> {
    let Some(item) = draft.items().get_mut(index) else { return Err("no such item".to_owned()) };
    let part = format!("items[{}]", item.key);
    let (Some(gross), Some(discount)) = (gross(item), item.discount.set().cloned()) else {
        return Err("its price is not known".to_owned());
    };
    let (Measure::Amount(_), Some(off)) = (discount.measure, ladder::off(item)) else {
        return Err("the discount cannot be held".to_owned());
    };
    let percent = off.times(Amount::HUNDRED).and_then(|n| n.over_exactly(gross, 6));
    if let Some(percent) = percent.filter(|p| gross.percent(*p) == Some(off)) {
        item.discount = Wish::Set(LineDiscount { measure: Measure::Percent(percent), ..discount });
        let to = Some(format!("{percent}%"));
        draft.note(format!("{part}.discount"), Outcome::Converted, to, "the same, as a percent");
        return Ok(());
    }
    if item.quantity == Amount::from_int(1) {
        return Err(format!("a discount of {off} cannot be held"));
    }
    fold(draft, index)?;
    if draft.items().get(index).is_some_and(|i| i.discount.set().is_some()) {
        let to = Some(format!("{off} off the line"));
        draft.note(format!("{part}.discount"), Outcome::Converted, to, "off the one unit");
    }
    Ok(())
}

/// More digits than the target keeps.
pub fn round(draft: &mut Draft<'_>, path: &str) -> Result<(), Stuck> {
    let digits = ladder::digits(&draft.quote);
    if let Some((index, part)) = draft.item_at(path) {
        if path.strip_suffix("price").is_some() {
            return fold(draft, index);
        }
        let item: &mut Item = draft.items().get_mut(index).ok_or("no such item")?;
        let (Some(gross), Some(net)) = (gross(item), net(item, digits)) else {
            return Err("its price is not known".to_owned());
        };
        let off = gross.minus(net).unwrap_or_default();
        let label = item.discount.set().and_then(|d| d.label.clone());
        item.discount = Wish::Set(per_line(off, label));
        let why = "the net of the line, rounded half up, stays the same";
        draft.note(format!("{part}.discount"), Outcome::Rounded, Some(off.to_string()), why);
        return Ok(());
    }
    if let Wish::Set(shipping) = &mut draft.quote.shipping
        && path.starts_with("shipping")
    {
        shipping.price = shipping.price.round_half_up(digits);
        let to = Some(shipping.price.to_string());
        draft.note_money("shipping", Outcome::Rounded, to, "rounded half up");
        return Ok(());
    }
    let all = amounts(draft)?;
    let whole = ladder::sum(&all.discounts).ok_or("the discounts are too large")?;
    let rounded = whole.round_half_up(digits);
    let paths: Vec<String> = draft
        .quote
        .discounts
        .set()
        .into_iter()
        .flatten()
        .map(|a| format!("discounts[{}]", a.key))
        .collect();
    one_discount(draft, rounded);
    for path in paths {
        draft.note_money(path, Outcome::Rounded, Some(rounded.to_string()), "rounded half up");
    }
    Ok(())
}

/// A line below zero as a discount on the whole quote.
pub fn credit(draft: &mut Draft<'_>, index: usize) -> Result<(), Stuck> {
    let digits = ladder::digits(&draft.quote);
    let mut items = draft.quote.items.set().cloned().unwrap_or_default();
    let (Some(item), true) = (items.get(index).cloned(), items.len() > 1) else {
        return Err("all of it is below zero".to_owned());
    };
    let amount = net(&item, digits).ok_or("its price is not known")?.abs();
    items.remove(index);
    draft.quote.items = Wish::Set(items);
    let mut all = draft.quote.discounts.set().cloned().unwrap_or_default();
    let label = item.name.set().cloned().unwrap_or_else(|| item.key.clone());
    all.push(Adjustment { key: String::new(), label, measure: Measure::Amount(amount) });
    relabel(&mut all);
    draft.quote.discounts = Wish::Set(all);
    let to = Some(format!("discount of {amount}"));
    let why = "no line may cost less than nothing: as a discount on the quote";
    draft.note(format!("items[{}]", item.key), Outcome::Converted, to, why);
    Ok(())
}

/// Line discounts in percent as amounts, where one of the providers rounds the discount and the
/// other one the line.
pub fn settle_halves(draft: &mut Draft<'_>) -> bool {
    let digits = ladder::digits(&draft.quote);
    let mut notes = Vec::new();
    for item in draft.items() {
        let Some(Measure::Percent(_)) = item.discount.set().map(|d| d.measure) else { continue };
        let (Some(gross), Some(net)) = (gross(item), net(item, digits)) else { continue };
        let whole = gross.significant_scale() <= digits;
        let Some(off) = ladder::off(item).filter(|o| whole && o.significant_scale() > digits)
        else {
            continue;
        };
        let amount = gross.minus(net).unwrap_or(off);
        let label = item.discount.set().and_then(|d| d.label.clone());
        item.discount = Wish::Set(per_line(amount, label));
        notes.push((format!("items[{}].discount", item.key), amount));
    }
    let changed = !notes.is_empty();
    for (path, amount) in notes {
        let to = Some(format!("{amount} off the line"));
        let why = "as an amount, so that the line costs the same to the cent";
        draft.note(path, Outcome::Converted, to, why);
    }
    changed
}

/// Adds a line to a text.
pub fn append(text: &mut Wish<String>, line: &str) {
    let whole = match text.set() {
        Some(there) if !there.is_empty() => format!("{there}\n{line}"),
        _ => line.to_owned(),
    };
    *text = Wish::Set(whole);
}
