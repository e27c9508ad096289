//! The endpoints of lines and of their properties.

use super::body::{Body, document, objects};
use super::record::{Line, Property};
use super::render::property;
use super::settings::Leniency;
use super::{Answered, Done, QuickQuote, Refusal};
use crate::facts::Plain;
use crate::money::Amount;
use crate::sandbox::upstream::Call;

const KEYS: &[&str] = &[
    "custom_product",
    "variant_id",
    "price",
    "title",
    "quantity",
    "sku",
    "barcode",
    "image_url",
    "weight",
    "weight_units",
    "requires_shipping",
    "taxable",
    "discount",
    "properties",
    "item_properties",
];

impl QuickQuote {
    /// A line from a write shape; `None` where its conditional field is missing, as the shop
    /// then leaves the line out in silence.
    pub(super) fn make_line(&mut self, body: &Body<'_>) -> Result<Option<Line>, Refusal> {
        body.only(KEYS, self.settings.unknown_keys)?;
        let custom = body.flag("custom_product")?.unwrap_or(false);
        let mut line = if custom {
            let (Some(title), Some(price)) = (body.text("title")?, body.amount("price")?) else {
                return Ok(None);
            };
            Line {
                id: 0,
                custom: true,
                variant: None,
                title,
                price,
                quantity: 1,
                sku: None,
                barcode: None,
                image: None,
                grams: None,
                requires_shipping: false,
                taxable: false,
                discount: None,
                properties: Vec::new(),
            }
        } else {
            let Some(id) = body.int("variant_id")? else { return Ok(None) };
            let Some(variant) = self.shop.variant(id) else {
                return match self.settings.unknown_variant {
                    Leniency::Drop => Ok(None),
                    Leniency::Reject => Err(Refusal::bad(format!("variant {id} was not found"))),
                };
            };
            Line {
                id: 0,
                custom: false,
                variant: Some(id),
                title: variant.title.clone(),
                price: variant.price,
                quantity: 1,
                sku: variant.sku.clone(),
                barcode: None,
                image: variant.image.clone(),
                grams: variant.grams,
                requires_shipping: variant.requires_shipping,
                taxable: false,
                discount: None,
                properties: Vec::new(),
            }
        };
        self.write_line(&mut line, body, false)?;
        line.id = self.data.next_line;
        self.data.next_line += 1;
        line.properties = self.read_properties(body)?;
        Ok(Some(line))
    }

    /// Both names and both shapes: one pair, or a list of pairs.
    fn read_properties(&mut self, body: &Body<'_>) -> Result<Vec<Property>, Refusal> {
        let written = body.get("properties").or_else(|| body.get("item_properties"));
        let one;
        let list: &[Plain] = match written {
            None => &[],
            Some(Plain::List(list)) => list,
            Some(single) => {
                one = [single.clone()];
                &one
            }
        };
        list.iter().map(|pair| self.make_property(&Body::of(pair)?)).collect()
    }

    fn make_property(&mut self, body: &Body<'_>) -> Result<Property, Refusal> {
        let key = body.text("key")?.filter(|k| !k.is_empty());
        let key = key.ok_or_else(|| Refusal::bad("key is required."))?;
        let id = self.data.next_property;
        self.data.next_property += 1;
        Ok(Property { id, key, value: body.text("value")?.unwrap_or_default() })
    }

    /// Writes fields of a line. On a catalogue line the shop keeps title, price and sku.
    pub(super) fn write_line(
        &self,
        line: &mut Line,
        body: &Body<'_>,
        update: bool,
    ) -> Result<(), Refusal> {
        if let Some(quantity) = body.int("quantity")? {
            if quantity < 1 {
                return Err(Refusal::bad("quantity must be at least 1"));
            }
            line.quantity = quantity;
        }
        if !line.custom && update {
            return body.only(&["quantity"], self.settings.unknown_keys);
        }
        if line.custom {
            if let Some(title) = body.text("title")?.filter(|t| !t.is_empty()) {
                line.title = title;
            }
            if let Some(price) = body.amount("price")? {
                line.price = price.round_half_up(2);
            }
            if body.has("sku") {
                line.sku = body.text("sku")?;
            }
            if body.has("image_url") {
                line.image = body.text("image_url")?;
            }
        }
        if body.has("barcode") {
            line.barcode = body.text("barcode")?;
        }
        if body.has("weight") {
            let unit = body.text("weight_units")?.unwrap_or_else(|| "g".to_owned());
            line.grams = body.amount("weight")?.and_then(|w| grams(w, &unit));
        }
        if let Some(flag) = body.flag("requires_shipping")? {
            line.requires_shipping = flag;
        }
        if let Some(flag) = body.flag("taxable")? {
            line.taxable = flag;
        }
        if body.has("discount") {
            self.write_discount(&mut line.discount, body)?;
        }
        Ok(())
    }

    pub(super) fn add_lines(&mut self, id: i64, call: &Call) -> Answered {
        self.open(id)?;
        let document = document(call)?;
        let mut new = Vec::new();
        for body in objects(&document)? {
            new.extend(self.make_line(&body)?);
        }
        let quote = self.find_mut(id)?;
        quote.lines.extend(new.iter().cloned());
        if self.settings.add_answers_all {
            return self.list_lines(id);
        }
        Ok(Done::Body(Plain::List(new.iter().map(|l| self.render_line(l)).collect())))
    }

    pub(super) fn list_lines(&self, id: i64) -> Answered {
        let lines = &self.find(id)?.lines;
        Ok(Done::Body(Plain::List(lines.iter().map(|l| self.render_line(l)).collect())))
    }

    fn line(&self, quote: i64, id: i64) -> Result<&Line, Refusal> {
        let line = self.find(quote)?.lines.iter().find(|l| l.id == id);
        line.ok_or_else(|| Refusal::missing("Line item"))
    }

    fn line_mut(&mut self, quote: i64, id: i64) -> Result<&mut Line, Refusal> {
        let line = self.open(quote)?.lines.iter_mut().find(|l| l.id == id);
        line.ok_or_else(|| Refusal::missing("Line item"))
    }

    pub(super) fn update_line(&mut self, quote: i64, id: i64, call: &Call) -> Answered {
        let mut line = self.line_mut(quote, id)?.clone();
        let document = document(call)?;
        let body = Body::of(&document)?;
        body.only(KEYS, self.settings.unknown_keys)?;
        self.write_line(&mut line, &body, true)?;
        let answer = self.render_line(&line);
        *self.line_mut(quote, id)? = line;
        Ok(Done::Body(answer))
    }

    pub(super) fn delete_line(&mut self, quote: i64, id: i64) -> Answered {
        self.line_mut(quote, id)?;
        self.open(quote)?.lines.retain(|l| l.id != id);
        Ok(Done::Nothing)
    }

    pub(super) fn add_properties(&mut self, quote: i64, id: i64, call: &Call) -> Answered {
        self.line_mut(quote, id)?;
        let document = document(call)?;
        let mut new = Vec::new();
        for body in objects(&document)? {
            new.push(self.make_property(&body)?);
        }
        self.line_mut(quote, id)?.properties.extend(new);
        self.list_properties(quote, id)
    }

    pub(super) fn list_properties(&self, quote: i64, id: i64) -> Answered {
        let line = self.line(quote, id)?;
        Ok(Done::Body(Plain::List(line.properties.iter().map(property).collect())))
    }

    pub(super) fn update_property(
        &mut self,
        quote: i64,
        line: i64,
        id: i64,
        call: &Call,
    ) -> Answered {
        let document = document(call)?;
        let body = Body::of(&document)?;
        let (key, value) = (body.text("key")?, body.text("value")?);
        let properties = &mut self.line_mut(quote, line)?.properties;
        let found = properties.iter_mut().find(|p| p.id == id);
        let found = found.ok_or_else(|| Refusal::missing("Property"))?;
        if let Some(key) = key.filter(|k| !k.is_empty()) {
            found.key = key;
        }
        if body.has("value") {
            found.value = value.unwrap_or_default();
        }
        Ok(Done::Body(property(found)))
    }

    pub(super) fn delete_property(&mut self, quote: i64, line: i64, id: i64) -> Answered {
        let properties = &mut self.line_mut(quote, line)?.properties;
        if !properties.iter().any(|p| p.id == id) {
            return Err(Refusal::missing("Property"));
        }
        properties.retain(|p| p.id != id);
        Ok(Done::Nothing)
    }
}

/// A weight in whole grams; an unknown unit is dropped.
fn grams(weight: Amount, unit: &str) -> Option<i64> {
    let factor = match unit {
        "g" => "1",
        "kg" => "1000",
        "oz" => "28.349523125",
        "lb" => "453.59237",
        _ => return None,
    };
    weight.times(Amount::parse(factor).ok()?)?.round_half_up(0).to_int()
}
