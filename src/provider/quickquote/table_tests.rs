//! The table against the wire: a field is called readable if, and only if, an answer without it is
//! read as something else.

use super::mapping::{NATIVE, Place};
use super::wire::Quote;
use crate::facts::Plain;

/// Answers with every field that the vendor's pages know: a line of one's own, and one of the
/// catalogue.
const ANSWERS: [&str; 2] = [
    r#"{"id":7,"quote_number":12,"email":"a@b.example","first_name":"A","last_name":"B","phone":"1",
    "remarks":"r","internal_notes":"i","public_notes":"p","customer_id":5,
    "assignee":{"assignee_id":12123,"assignee_name":"Jane"},"tags":"x, y",
    "discount_type":"percentage","discount_amount":5.00,"discount_reason":"Loyal","discount_total":1.00,
    "shipping":{"shipping_handle":"h","shipping_name":"Van","shipping_price":5.00,"shipping_total":5.00},
    "custom_fields":[{"id":12121,"name":"Company","value":"Acme"}],"status":"Created",
    "subtotal":19.00,"total":24.00,"total_tax":0.00,"shopify_order_id":1,"shopify_order_number":2,
    "created_on":"2027-01-01T00:00:00.000","line_items":[{"id":70,"custom_product":true,"variant_id":3,
    "product_id":4,"variant_title":"v","title":"T","sku":"S","barcode":"b","quantity":2,"line_price":10.00,
    "original_line_price":10.00,"total":18.00,"custom_image_path":"https://img.example/c.png","grams":1300,
    "requires_shipping":true,"taxable":true,"discount_type":"fixed_amount","discount_amount":2.00,
    "discount_reason":"Off","discount_total":2.00,"url":"/u","item_properties":[{"key":"k","value":"v"}]}]}"#,
    r#"{"id":7,"status":"Created","line_items":[{"id":70,"custom_product":false,"variant_id":3,"quantity":2,
    "image":"https://img.example/i.png","line_price":20.00,"total":20.00}]}"#,
];

/// Where the shop tells what is written under another name.
fn told_as(place: Place, name: &str) -> &str {
    match (place, name) {
        (_, "discount") => "discount_amount",
        (Place::Quote, "assignee_id") => "assignee",
        (Place::Line, "price") => "line_price",
        (Place::Line, "weight" | "weight_units") => "grams",
        (Place::Line, "image_url") => "custom_image_path",
        (Place::Line, "properties") => "item_properties",
        (_, name) => name,
    }
}

fn members(answer: &mut Plain, place: Place) -> &mut std::collections::BTreeMap<String, Plain> {
    let Plain::Map(quote) = answer else { panic!("no quote") };
    match place {
        Place::Quote => quote,
        Place::Line => match quote.get_mut("line_items") {
            Some(Plain::List(lines)) => match lines.first_mut() {
                Some(Plain::Map(line)) => line,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        },
    }
}

fn answer(text: &str) -> Plain {
    crate::json::read(text.as_bytes()).ok().unwrap()
}

/// Whether leaving a member out makes any of the answers another one.
fn matters(place: Place, name: &str) -> bool {
    ANSWERS.iter().any(|text| {
        let (whole, mut less) = (answer(text), answer(text));
        members(&mut less, place).remove(name);
        Quote::read(&whole) != Quote::read(&less)
    })
}

#[test]
fn what_the_table_calls_readable_is_read() {
    for native in NATIVE {
        let name = told_as(native.place, native.name);
        assert_eq!(
            matters(native.place, name),
            native.readable,
            "{:?} {}",
            native.place,
            native.name
        );
    }
}

#[test]
fn what_is_read_is_in_the_table() {
    for place in [Place::Quote, Place::Line] {
        for name in ANSWERS
            .iter()
            .flat_map(|text| members(&mut answer(text), place).keys().cloned().collect::<Vec<_>>())
        {
            let rows = NATIVE.iter().filter(|n| n.place == place);
            let known = rows.clone().any(|n| n.name == name || told_as(place, n.name) == name);
            assert!(known, "{place:?} {name}");
        }
    }
}
