//! What the shop answers with: the read shapes.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::record::{Discount, Line, Property, Quote};
use super::seed::FieldKind;
use super::settings::LinePrice;
use super::{QuickQuote, totals};
use crate::facts::Plain;
use crate::money::Amount;

/// An object.
pub(super) fn object<const N: usize>(pairs: [(&str, Plain); N]) -> Plain {
    Plain::Map(pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
}

/// An integer, or null.
pub(super) fn int(n: Option<i64>) -> Plain {
    n.map_or(Plain::Null, |n| Plain::Number(Amount::from_int(n)))
}

fn money(amount: Amount) -> Plain {
    Plain::Number(amount.round_half_up(2))
}

fn text(t: &str) -> Plain {
    Plain::Text(t.to_owned())
}

fn discount_of(map: &mut BTreeMap<String, Plain>, discount: Option<&Discount>, total: Amount) {
    let mut put = |name: &str, value: Plain| map.insert(format!("discount_{name}"), value);
    put("type", discount.map_or(Plain::Null, |d| text(&d.word)));
    put("amount", discount.map_or(Plain::Null, |d| money(d.amount)));
    put("reason", discount.and_then(|d| d.reason.as_deref()).map_or(Plain::Null, text));
    put("total", discount.map_or(Plain::Null, |_| money(total)));
}

impl QuickQuote {
    fn optional(&self, t: Option<&str>) -> Plain {
        match t {
            Some("") if self.settings.blank_is_null => Plain::Null,
            Some(t) => text(t),
            None => Plain::Null,
        }
    }

    /// A quote as it is read.
    pub(super) fn render(&self, q: &Quote) -> Plain {
        let t = totals::quote(q, &self.settings);
        let assignee = match q.assignee_id {
            None if self.settings.unassigned_object => {
                object([("assignee_id", Plain::Null), ("assignee_name", Plain::Null)])
            }
            None => Plain::Null,
            Some(id) => object([
                ("assignee_id", int(Some(id))),
                ("assignee_name", self.shop.assignee(id).map_or(Plain::Null, text)),
            ]),
        };
        let shipping = object([
            ("shipping_handle", q.shipping.as_ref().map_or(Plain::Null, |_| text("custom"))),
            ("shipping_name", q.shipping.as_ref().map_or(Plain::Null, |s| text(&s.name))),
            ("shipping_price", q.shipping.as_ref().map_or(Plain::Null, |s| money(s.price))),
            ("shipping_total", money(t.shipping)),
        ]);
        let fields = self.shop.fields.iter().map(|f| {
            object([
                ("id", int(Some(f.id))),
                ("name", text(&f.name)),
                ("value", q.fields.get(&f.id).map_or(Plain::Null, |v| self.field_value(f.kind, v))),
            ])
        });
        let mut map: BTreeMap<String, Plain> = [
            ("id", int(Some(q.id))),
            ("quote_number", int(Some(q.number))),
            ("email", text(&q.email)),
            ("first_name", text(&q.first_name)),
            ("last_name", text(&q.last_name)),
            ("phone", self.optional(q.phone.as_deref())),
            ("remarks", self.optional(q.remarks.as_deref())),
            ("internal_notes", self.optional(q.internal_notes.as_deref())),
            ("public_notes", self.optional(q.public_notes.as_deref())),
            ("customer_id", int(q.customer_id)),
            ("assignee", assignee),
            ("tags", self.optional(q.tags.as_deref())),
            ("shipping", shipping),
            ("custom_fields", Plain::List(fields.collect())),
            ("line_items", Plain::List(q.lines.iter().map(|l| self.render_line(l)).collect())),
            ("status", text(q.status.word())),
            ("subtotal", money(t.subtotal)),
            ("total", money(t.total)),
            ("total_tax", money(t.tax)),
            ("shopify_order_id", int(q.order.map(|n| 5_300_000_000_000 + n))),
            ("shopify_order_number", int(q.order)),
            ("created_on", text(&q.created_on)),
        ]
        .into_iter()
        .map(|(k, v)| (k.to_owned(), v))
        .collect();
        discount_of(&mut map, q.discount.as_ref(), t.discount);
        Plain::Map(map)
    }

    fn field_value(&self, kind: FieldKind, value: &Plain) -> Plain {
        match (kind, value) {
            (FieldKind::Date, Plain::Text(date)) if self.settings.us_dates => {
                match date.split('-').collect::<Vec<_>>().as_slice() {
                    [y, m, d] if y.len() == 4 => text(&format!("{m}-{d}-{y}")),
                    _ => value.clone(),
                }
            }
            (FieldKind::Address, map @ Plain::Map(_)) if self.settings.address_as_text => {
                text(&map.to_json())
            }
            _ => value.clone(),
        }
    }

    /// A line as it is read.
    pub(super) fn render_line(&self, l: &Line) -> Plain {
        let t = totals::line(l, &self.settings);
        let variant = l.variant.and_then(|v| self.shop.variant(v));
        let original = variant.map_or(l.price, |v| v.price);
        let extended = self.settings.line_price == LinePrice::Extended;
        let shown = |price: Amount| {
            let times = Amount::from_int(if extended { l.quantity } else { 1 });
            money(price.times(times).unwrap_or(price))
        };
        let hosted = |image: &str| {
            let name = image.rsplit('/').next().unwrap_or_default();
            format!("https://cdn.quickquote.example/custom/{name}")
        };
        let image = l.image.as_deref().map(|i| {
            if l.custom && self.settings.rehost_images { hosted(i) } else { i.to_owned() }
        });
        let image = image.map_or(Plain::Null, Plain::Text);
        let (custom_image, image) =
            if l.custom { (image, Plain::Null) } else { (Plain::Null, image) };
        let mut map: BTreeMap<String, Plain> = [
            ("id", int(Some(l.id))),
            ("custom_product", Plain::Bool(l.custom)),
            ("variant_id", int(l.variant)),
            ("product_id", int(variant.map(|v| v.product))),
            ("title", text(&l.title)),
            ("variant_title", variant.map_or(Plain::Null, |v| text(&v.option))),
            ("quantity", int(Some(l.quantity))),
            ("line_price", shown(l.price)),
            ("original_line_price", shown(original)),
            ("total", money(t.total)),
            ("sku", self.optional(l.sku.as_deref())),
            ("barcode", self.optional(l.barcode.as_deref())),
            ("custom_image_path", custom_image),
            ("image", image),
            ("grams", int(l.grams)),
            ("requires_shipping", Plain::Bool(l.requires_shipping)),
            ("taxable", Plain::Bool(l.taxable)),
            ("url", Plain::Null),
            ("item_properties", Plain::List(l.properties.iter().map(pair).collect())),
        ]
        .into_iter()
        .map(|(k, v)| (k.to_owned(), v))
        .collect();
        discount_of(&mut map, l.discount.as_ref(), t.discount);
        Plain::Map(map)
    }

    /// All records, for `snapshot`.
    pub(super) fn render_all(&self) -> Value {
        let list = |all: Vec<Plain>| {
            serde_json::from_str::<Value>(&Plain::List(all).to_json()).unwrap_or_default()
        };
        json!({
            "quotes": list(self.data.quotes.iter().map(|q| self.render(q)).collect()),
            "emails": self.data.mails,
            "draft_orders": self.data.quotes.iter().filter(|q| q.draft_order).map(|q| q.id).collect::<Vec<_>>(),
            "variants": self.shop.variants.iter().map(|v| json!({"variant_id": v.id, "title": v.title, "sku": v.sku, "price": v.price})).collect::<Vec<_>>(),
            "custom_fields": self.shop.fields.iter().map(|f| json!({"id": f.id, "name": f.name, "options": f.options})).collect::<Vec<_>>(),
            "assignees": self.shop.assignees.iter().map(|a| json!({"assignee_id": a.id, "assignee_name": a.name})).collect::<Vec<_>>(),
        })
    }
}

/// A pair as a line shows it: without its id.
fn pair(p: &Property) -> Plain {
    object([("key", text(&p.key)), ("value", text(&p.value))])
}

/// A pair as its own endpoints show it.
pub(super) fn property(p: &Property) -> Plain {
    object([("id", int(Some(p.id))), ("key", text(&p.key)), ("value", text(&p.value))])
}
