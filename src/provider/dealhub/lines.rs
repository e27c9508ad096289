//! Lines: items of a manifest as `line_items` of DealHub.
//!
//! The one thing to know: DealHub takes the figures of a line as they are sent and computes none
//! of them, so every figure that follows from price, quantity and discount is computed here,
//! exactly, and sent: `net_price_per_unit`, `net_price` (per unit times all product factors,
//! rounded once), `msrp`, and the discounts in percent. Each line's net price is a fact (`net`), and
//! so is the total, so a quote whose money did not arrive is never published.

use super::mapping::{self, QUANTITY, Scope, Shape};
use super::wanted::{Object, Wanted, value_of};
use crate::desired::{Item, LineDiscount, Measure, Per, Wish};
use crate::facts::{Plain, Value};
use crate::money::Amount;

/// The figures that a discount decides.
const DISCOUNTED: [&str; 4] =
    ["net_price_per_unit", "net_price", "sales_discount", "total_discount"];
/// Digits of a percent that follows from an amount.
const PERCENT_DIGITS: u32 = 6;

/// Fills `line_items`; `whole` is the percent off the whole quote.
pub fn fill(w: &mut Wanted<'_>, whole: Option<Amount>) {
    let quote = w.quote;
    let Wish::Set(items) = &quote.items else {
        if whole.is_some() {
            let message = "a discount on the whole quote needs its items";
            w.error("discounts", "missing-field", message, "add `items:`");
        }
        return;
    };
    let mut lines = Vec::with_capacity(items.len());
    let mut total = Some(Amount::ZERO);
    for (i, item) in items.iter().enumerate() {
        let mut line = Line {
            part: format!("items[{}]", item.key),
            source: format!("items[{i}]"),
            item,
            body: Object::new(),
        };
        let net = line.fill(w, whole);
        total = total.zip(net).and_then(|(t, n)| t.plus(n));
        let place = Amount::from_int(i64::try_from(i).unwrap_or(i64::MAX));
        w.fact(format!("{}.position", line.part), Value::Number(place));
        lines.push(Plain::Map(line.body));
    }
    w.send("line_items", Plain::List(lines));
    // Answers may add lines that only DealHub knows.
    if let Some(total) = total.filter(|_| !w.has_answers()) {
        w.fact("total", Value::Number(total.round_half_up(w.digits())));
    }
}

struct Line<'a> {
    /// `items[audit]`.
    part: String,
    /// `items[0]`.
    source: String,
    item: &'a Item,
    body: Object,
}

impl Line<'_> {
    fn at(&self, field: &str) -> String {
        format!("{}.{field}", self.part)
    }

    fn from(&self, field: &str) -> String {
        format!("{}.{field}", self.source)
    }

    fn set(&self, name: &str) -> Option<&Plain> {
        mapping::set(self.item.native.get("dealhub"), name)
    }

    fn send(&mut self, name: &str, value: Plain) {
        self.body.insert(name.to_owned(), value);
    }

    /// The net price of the line, where it is known.
    fn fill(&mut self, w: &mut Wanted<'_>, whole: Option<Amount>) -> Option<Amount> {
        self.sku(w);
        if let Wish::Set(name) = &self.item.name {
            let sent = w.limited(Scope::Item, "item_name", &self.from("name"), name);
            self.send("item_name", sent);
            w.fact(self.at("name"), Value::text(name.clone()));
        }
        let factors = self.factors(w);
        self.attributes(w);
        self.native(w, whole.is_some());
        let net = self.money(w, factors, whole);
        if let Some(net) = net {
            w.fact(self.at("net"), Value::Number(net));
        }
        net
    }

    fn sku(&mut self, w: &mut Wanted<'_>) {
        // The catalog's identifier for DealHub goes before the seller's own.
        let own = self.set("sku").and_then(Plain::scalar);
        match own.or_else(|| self.item.sku.set().cloned()) {
            Some(sku) => {
                self.send("sku", Plain::Text(sku.clone()));
                w.fact(self.at("sku"), Value::text(sku));
            }
            None => w.error(
                &self.source,
                "missing-field",
                "DealHub knows its products by SKU, and this item has none",
                "add `sku:`, or `dealhub: { sku: .. }` to the product",
            ),
        }
    }

    /// `product_factors`, and what they multiply to.
    fn factors(&mut self, w: &mut Wanted<'_>) -> Amount {
        let quantity = self.item.quantity;
        if quantity.to_int().is_none_or(|n| n < 1) {
            w.error(
                &self.from("quantity"),
                "quantity-not-whole",
                format!("DealHub takes whole quantities from 1, and this is `{quantity}`"),
                "write the fraction into the price",
            );
        }
        w.fact(self.at("quantity"), Value::Number(quantity));
        let mut all = Object::from([(QUANTITY.to_owned(), Plain::Number(quantity))]);
        let mut product = quantity;
        let place = self.from("dealhub.product_factors");
        match self.set("product_factors").cloned() {
            None => {}
            Some(Plain::Map(map)) => {
                for (name, factor) in map {
                    let path = format!("{place}.{name}");
                    if name.eq_ignore_ascii_case(QUANTITY) {
                        let message = format!("`{name}` is what `quantity` says");
                        w.error(&path, "native-neutral", message, "write `quantity` instead");
                        continue;
                    }
                    let Some(n) = factor.as_number().filter(|n| n.to_int().is_some()) else {
                        let message = format!("the factor `{name}` must be a whole number");
                        w.error(&path, "native-value", message, "such as `Duration: 12`");
                        continue;
                    };
                    w.fact(self.at(&format!("dealhub.product_factors.{name}")), Value::Number(n));
                    product = product.times(n).unwrap_or(product);
                    all.insert(name, Plain::Number(n));
                }
            }
            Some(_) => {
                let message = "`product_factors` is a map from name to whole number";
                w.error(&place, "native-value", message, "such as `{ Duration: 12 }`");
            }
        }
        self.send("product_factors", Plain::Map(all));
        product
    }

    fn attributes(&mut self, w: &mut Wanted<'_>) {
        let mut all = Object::new();
        for (name, text) in self.item.properties.set().into_iter().flatten() {
            w.fact(self.at(&format!("properties.{name}")), Value::text(text.clone()));
            all.insert(name.clone(), Plain::Text(text.clone()));
        }
        let place = self.from("dealhub.attributes");
        match self.set("attributes").cloned() {
            None => {}
            Some(Plain::Map(map)) => {
                for (name, value) in map {
                    let path = format!("{place}.{name}");
                    if all.contains_key(&name) {
                        let message = format!("`{name}` is one of `properties` already");
                        w.error(&path, "native-neutral", message, "keep one of them");
                        continue;
                    }
                    let Some(text) = value.scalar() else {
                        w.error(&path, "native-value", "an attribute is a text", "quote it");
                        continue;
                    };
                    let fact = self.at(&format!("dealhub.attributes.{name}"));
                    w.fact(fact, Value::text(text.clone()));
                    all.insert(name, Plain::Text(text));
                }
            }
            Some(_) => {
                w.error(
                    &place,
                    "native-value",
                    "`attributes` is a map from name to text",
                    "such as `{ Colour: brown }`",
                );
            }
        }
        if !all.is_empty() {
            self.send("attributes", Plain::Map(all));
        }
    }

    fn native(&mut self, w: &mut Wanted<'_>, whole: bool) {
        let item = self.item;
        for (name, wish) in item.native.get("dealhub").into_iter().flatten() {
            let path = self.from(&format!("dealhub.{name}"));
            let Some(native) = mapping::native(Scope::Item, name) else {
                w.unknown(Scope::Item, &path, name);
                continue;
            };
            let discounted = DISCOUNTED.contains(&name.as_str());
            let word = match native.word {
                None if discounted && item.discount.set().is_some() => Some("discount"),
                None if discounted && whole => Some("discounts"),
                word => word,
            };
            if let Some(word) = word {
                let message = format!("`{name}` is what `{word}` says");
                w.error(&path, "native-neutral", message, format!("write `{word}` instead"));
                continue;
            }
            let Wish::Set(plain) = wish else { continue };
            match name.as_str() {
                "sku" | "product_factors" | "attributes" => {}
                "partner_program_data" => self.partners(w, &path, plain),
                _ => {
                    let Some(value) = w.checked(native, &path, plain) else { continue };
                    // The net price is compared as `net`.
                    if name != "net_price" {
                        w.fact(self.at(&format!("dealhub.{name}")), value_of(native, &value));
                    }
                    self.send(name, value);
                }
            }
        }
    }

    fn partners(&mut self, w: &mut Wanted<'_>, path: &str, plain: &Plain) {
        let mut sent = Vec::new();
        for row in plain.items() {
            let Some(row) = partner(row) else {
                let message = "`partner_program_data` is a list of `partner_program_name`, `partner_level_item_price` and `partner_level_item_discount`";
                w.error(path, "native-value", message, "see docs/providers/dealhub.md");
                return;
            };
            sent.push(row);
        }
        let list = Plain::List(sent);
        w.fact(self.at("dealhub.partner_program_data"), Value::Plain(list.clone()));
        self.send("partner_program_data", list);
    }

    /// The figures of the line; gives its net price.
    fn money(
        &mut self,
        w: &mut Wanted<'_>,
        factors: Amount,
        whole: Option<Amount>,
    ) -> Option<Amount> {
        let given = |line: &Self, name: &str| line.body.get(name).and_then(Plain::as_number);
        let discount = self.item.discount.set();
        if let (Some(_), Some(discount)) = (whole, discount) {
            let none =
                matches!(discount.measure, Measure::Percent(p) | Measure::Amount(p) if p.is_zero());
            if !none {
                w.error(
                    &self.from("discount"),
                    "discounts-collide",
                    "DealHub's discount on the whole quote replaces the discounts of its items",
                    "keep `discounts`, or the items' own",
                );
            }
        }
        let Some(price) = self.item.price.set().copied() else {
            if discount.is_some() || whole.is_some() {
                let message = "a discount needs the price that it is taken off";
                w.error(&self.from("discount"), "missing-field", message, "add `price:`");
            }
            return given(self, "net_price");
        };
        self.send("list_price", Plain::Number(price));
        w.fact(self.at("price"), Value::Number(price));
        let (unit, percent) = match (whole, discount) {
            (Some(p), _) => (less_percent(price, p)?, p),
            (None, Some(discount)) => self.discounted(w, price, factors, discount)?,
            (None, None) => (price, Amount::ZERO),
        };
        let unit = given(self, "net_price_per_unit").unwrap_or(unit);
        let net = given(self, "net_price")
            .or_else(|| Some(unit.times(factors)?.round_half_up(w.digits())))?;
        for (name, value) in [
            ("net_price_per_unit", unit.canonical()),
            ("net_price", net),
            ("msrp", price),
            ("msrp_discount", Amount::ZERO),
            ("sales_discount", percent),
            ("total_discount", percent),
        ] {
            self.body.entry(name.to_owned()).or_insert(Plain::Number(value));
        }
        Some(net)
    }

    /// The net price of one unit, and the discount in percent.
    fn discounted(
        &self,
        w: &mut Wanted<'_>,
        price: Amount,
        factors: Amount,
        discount: &LineDiscount,
    ) -> Option<(Amount, Amount)> {
        let off = match (discount.measure, discount.per) {
            (Measure::Percent(p), _) => {
                w.fact(self.at("discount.percent"), Value::Number(p));
                return Some((less_percent(price, p)?, p));
            }
            (Measure::Amount(a), Per::Unit) => a,
            (Measure::Amount(a), Per::Line) => {
                let Some(unit) = a.over_exactly(factors, w.digits()) else {
                    w.error(
                        &self.from("discount"),
                        "discount-not-exact",
                        format!("DealHub holds the net price of one unit, and {a} does not divide exactly by {factors}"),
                        "write the discount of one unit with `per: unit`, or a percent",
                    );
                    return None;
                };
                unit
            }
        };
        w.fact(self.at("discount.amount"), Value::Number(off));
        let percent = if price.is_zero() {
            Amount::ZERO
        } else {
            off.times(Amount::HUNDRED)?.over(price)?.round_half_up(PERCENT_DIGITS).canonical()
        };
        Some((price.minus(off)?, percent))
    }
}

fn less_percent(price: Amount, percent: Amount) -> Option<Amount> {
    price.percent(Amount::HUNDRED.minus(percent)?)
}

/// A row of `partner_program_data`, if it is one.
fn partner(row: &Plain) -> Option<Plain> {
    let Plain::Map(map) = row else { return None };
    let mut out = Object::new();
    for (name, value) in map {
        let native = match name.as_str() {
            "partner_program_name" => Shape::Text(200),
            "partner_level_item_price" | "partner_level_item_discount" => Shape::Number,
            _ => return None,
        };
        let value = match (native, value) {
            (Shape::Text(max), Plain::Text(t)) if t.chars().count() <= max => value.clone(),
            (Shape::Number, v) => Plain::Number(v.as_number()?),
            _ => return None,
        };
        out.insert(name.clone(), value);
    }
    Some(Plain::Map(out))
}
