//! Quick Quote's answers as they come in.
//!
//! Invariants: numbers are read from their digits; what may be null, absent, empty or an object of
//! nulls is nothing in all its forms; what makes no sense is an error and never a guess.

use crate::facts::Plain;
use crate::key::{RemoteId, Stamp};
use crate::money::Amount;

use super::{STAMP_KEY, STAMP_TAG};

/// What a discount is measured in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DiscountKind {
    /// Percent points.
    Percent,
    /// Money.
    Fixed,
    /// A word that we do not know.
    Unknown(String),
}

/// The discount of a quote or line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Discount {
    /// Percent or money.
    pub kind: DiscountKind,
    /// Percent points or money, as it was written.
    pub amount: Amount,
    /// The reason.
    pub reason: Option<String>,
    /// What the shop takes off for it.
    pub total: Option<Amount>,
}

/// A pair on a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Property {
    /// Its id, which only its own endpoints tell.
    pub id: Option<RemoteId>,
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
}

/// A line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// Its id; new on every re-adding.
    pub id: RemoteId,
    /// The catalogue variant; `None` = a custom line.
    pub variant: Option<String>,
    /// The title.
    pub title: Option<String>,
    /// The stock-keeping unit.
    pub sku: Option<String>,
    /// The bar code.
    pub barcode: Option<String>,
    /// Where the image lies.
    pub image: Option<String>,
    /// How many.
    pub quantity: Amount,
    /// The price of one, as far as it can be told.
    pub price: Option<Amount>,
    /// The weight.
    pub grams: Option<Amount>,
    /// Whether it is shipped.
    pub requires_shipping: Option<bool>,
    /// Whether tax applies.
    pub taxable: Option<bool>,
    /// The discount.
    pub discount: Option<Discount>,
    /// Its pairs.
    pub properties: Vec<Property>,
}

/// A custom field of a quote.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Field {
    /// Its id.
    pub id: String,
    /// How a person calls it.
    pub name: Option<String>,
    /// What it holds.
    pub value: Plain,
}

/// A quote.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Quote {
    /// Its id, for all paths.
    pub id: RemoteId,
    /// The recipient.
    pub email: Option<String>,
    /// The customer's first name.
    pub first_name: Option<String>,
    /// The customer's last name.
    pub last_name: Option<String>,
    /// The customer's phone number.
    pub phone: Option<String>,
    /// The customer's own remarks.
    pub remarks: Option<String>,
    /// Notes for the staff.
    pub internal_notes: Option<String>,
    /// Notes for the customer.
    pub public_notes: Option<String>,
    /// The Shopify customer.
    pub customer: Option<String>,
    /// The staff member: id and name.
    pub assignee: Option<(String, Option<String>)>,
    /// All tags, our stamp among them.
    pub tags: Vec<String>,
    /// The discount.
    pub discount: Option<Discount>,
    /// The shipping charge; its name may be empty.
    pub shipping: Option<(String, Amount)>,
    /// Custom fields.
    pub fields: Vec<Field>,
    /// Lines, in the shop's order.
    pub lines: Vec<Line>,
    /// The status, as read.
    pub status: String,
    /// What the customer pays, tax included.
    pub total: Option<Amount>,
    /// The shop's tax in it.
    pub total_tax: Option<Amount>,
    /// When it was made, in the shop's words.
    pub created_on: Option<String>,
}

/// A page of a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page {
    /// How many there are in all, if the answer is right about it.
    pub total: Option<i64>,
    /// The cursor of the next page.
    pub next: Option<String>,
    /// The quotes.
    pub quotes: Vec<Quote>,
}

fn member<'a>(plain: &'a Plain, name: &str) -> Option<&'a Plain> {
    plain.get(name).filter(|v| **v != Plain::Null)
}

fn text(plain: &Plain, name: &str) -> Option<String> {
    member(plain, name).and_then(Plain::scalar).filter(|t| !t.is_empty())
}

fn amount(plain: &Plain, name: &str) -> Result<Option<Amount>, String> {
    match member(plain, name) {
        None => Ok(None),
        Some(Plain::Number(n)) => Ok(Some(*n)),
        Some(Plain::Text(t)) => {
            Amount::parse(t).map(Some).map_err(|_| format!("its `{name}` is no number"))
        }
        Some(_) => Err(format!("its `{name}` is no number")),
    }
}

fn flag(plain: &Plain, name: &str) -> Option<bool> {
    match member(plain, name) {
        Some(Plain::Bool(b)) => Some(*b),
        _ => None,
    }
}

fn id(plain: &Plain, what: &str) -> Result<RemoteId, String> {
    let id = text(plain, "id").and_then(|t| RemoteId::parse(&t));
    id.ok_or_else(|| format!("{what} has no `id`"))
}

/// The elements of a list; also where it is wrapped into `data`, as the overview promises.
pub fn list(plain: &Plain) -> Option<&[Plain]> {
    match plain {
        Plain::List(items) => Some(items),
        Plain::Map(map) => map.get("data").and_then(list),
        _ => None,
    }
}

impl Discount {
    fn read(plain: &Plain) -> Result<Option<Self>, String> {
        let size = amount(plain, "discount_amount")?.filter(|a| !a.is_zero());
        let Some(size) = size else { return Ok(None) };
        let word = text(plain, "discount_type").unwrap_or_default();
        let bare: String = word.chars().filter(char::is_ascii_alphabetic).collect();
        let kind = match bare.to_ascii_lowercase().as_str() {
            "percentage" | "percent" => DiscountKind::Percent,
            "fixed" | "fixedamount" => DiscountKind::Fixed,
            _ => DiscountKind::Unknown(word),
        };
        let reason = text(plain, "discount_reason").or_else(|| text(plain, "reason"));
        Ok(Some(Self { kind, amount: size, reason, total: amount(plain, "discount_total")? }))
    }
}

impl Property {
    /// A pair of a line or of its own endpoints.
    pub fn read(plain: &Plain) -> Result<Self, String> {
        let key = text(plain, "key").ok_or("a property has no `key`")?;
        let id = text(plain, "id").and_then(|t| RemoteId::parse(&t));
        Ok(Self { id, key, value: text(plain, "value").unwrap_or_default() })
    }
}

impl Line {
    /// A line of a quote or of the line endpoints.
    pub fn read(plain: &Plain) -> Result<Self, String> {
        let quantity = amount(plain, "quantity")?.unwrap_or(Amount::from_int(1));
        let discount = Discount::read(plain)?;
        let off = discount.as_ref().and_then(|d| d.total).unwrap_or_default();
        let (line_price, total) = (amount(plain, "line_price")?, amount(plain, "total")?);
        let properties = member(plain, "item_properties").and_then(list).unwrap_or(&[]);
        Ok(Self {
            id: id(plain, "a line")?,
            variant: text(plain, "variant_id")
                .filter(|_| flag(plain, "custom_product") != Some(true)),
            title: text(plain, "title"),
            sku: text(plain, "sku"),
            barcode: text(plain, "barcode"),
            image: text(plain, "custom_image_path").or_else(|| text(plain, "image")),
            price: unit_price(quantity, line_price, total, off),
            quantity,
            grams: amount(plain, "grams")?,
            requires_shipping: flag(plain, "requires_shipping"),
            taxable: flag(plain, "taxable"),
            discount,
            properties: properties.iter().map(Property::read).collect::<Result<_, _>>()?,
        })
    }

    /// The stamp that the line carries.
    pub fn stamp(&self) -> Option<Stamp> {
        self.properties.iter().find(|p| p.key == STAMP_KEY).and_then(|p| Stamp::parse(&p.value))
    }

    /// Its pairs but the hidden one.
    pub fn shown(&self) -> impl Iterator<Item = &Property> {
        self.properties.iter().filter(|p| p.key != STAMP_KEY)
    }
}

/// The price of one. The documents do not say whether `line_price` is of one or of the whole line;
/// the line's own total does: it is the price times the quantity, less the discount.
fn unit_price(
    quantity: Amount,
    line_price: Option<Amount>,
    total: Option<Amount>,
    off: Amount,
) -> Option<Amount> {
    let (Some(price), Some(total)) = (line_price, total) else { return line_price };
    let gross = total.plus(off)?;
    if price.times(quantity).is_some_and(|g| g == gross) {
        return Some(price);
    }
    if price == gross {
        // Of the whole line.
        return gross.over_exactly(quantity, 4).or(Some(price));
    }
    // Neither: the price may be what is left after the discount.
    gross.over_exactly(quantity, 4).or(Some(price))
}

impl Quote {
    /// A quote.
    pub fn read(plain: &Plain) -> Result<Self, String> {
        let assignee = member(plain, "assignee")
            .and_then(|a| Some((text(a, "assignee_id")?, text(a, "assignee_name"))));
        let shipping = match member(plain, "shipping") {
            None => None,
            Some(s) => {
                let name = text(s, "shipping_name").unwrap_or_default();
                let price = amount(s, "shipping_price")?;
                // Without a name it may still cost something, which the customer pays.
                let price = match price {
                    None if name.is_empty() => amount(s, "shipping_total")?,
                    price => price,
                };
                let price = price.unwrap_or_default();
                (!name.is_empty() || !price.is_zero()).then_some((name, price))
            }
        };
        let fields = member(plain, "custom_fields").and_then(list).unwrap_or(&[]);
        let lines = member(plain, "line_items").and_then(list).unwrap_or(&[]);
        let tags = text(plain, "tags").unwrap_or_default();
        Ok(Self {
            id: id(plain, "a quote")?,
            email: text(plain, "email"),
            first_name: text(plain, "first_name"),
            last_name: text(plain, "last_name"),
            phone: text(plain, "phone"),
            remarks: text(plain, "remarks"),
            internal_notes: text(plain, "internal_notes"),
            public_notes: text(plain, "public_notes"),
            customer: text(plain, "customer_id"),
            assignee,
            tags: tags
                .split(',')
                .map(str::trim)
                .filter(|t| !t.is_empty())
                .map(str::to_owned)
                .collect(),
            discount: Discount::read(plain)?,
            shipping,
            fields: fields
                .iter()
                .filter_map(|f| {
                    let value = f.get("value").cloned().unwrap_or(Plain::Null);
                    Some(Field { id: text(f, "id")?, name: text(f, "name"), value })
                })
                .collect(),
            lines: lines.iter().map(Line::read).collect::<Result<_, _>>()?,
            status: text(plain, "status").ok_or("a quote has no `status`")?,
            total: amount(plain, "total")?,
            total_tax: amount(plain, "total_tax")?,
            created_on: text(plain, "created_on"),
        })
    }

    /// The stamp that the quote carries.
    pub fn stamp(&self) -> Option<Stamp> {
        self.tags.iter().find_map(|t| Stamp::parse(t.strip_prefix(STAMP_TAG)?))
    }

    /// Its tags but ours, sorted.
    pub fn shown_tags(&self) -> Vec<&str> {
        let mut tags: Vec<&str> =
            self.tags.iter().map(String::as_str).filter(|t| !t.starts_with(STAMP_TAG)).collect();
        tags.sort_unstable();
        tags.dedup();
        tags
    }
}

/// A page of which each row stands for itself.
#[derive(Debug)]
pub struct Rows {
    /// The quotes, with the day on which they were made.
    pub quotes: Vec<(Quote, Option<jiff::civil::Date>)>,
    /// What is wrong with the others.
    pub unreadable: Vec<String>,
    /// The cursor of the next page.
    pub next: Option<String>,
}

impl Rows {
    /// A page of a list of quotes; a quote that makes no sense spoils itself alone.
    pub fn read(plain: &Plain) -> Result<Self, String> {
        let data = list(plain).ok_or("it is no list of quotes")?;
        let mut rows = Self { quotes: Vec::new(), unreadable: Vec::new(), next: None };
        rows.next = text(plain, "next_page");
        for row in data {
            match Quote::read(row) {
                Ok(quote) => {
                    let made = text(row, "created_on");
                    let made = made.and_then(|t| t.get(..10)?.parse().ok());
                    rows.quotes.push((quote, made));
                }
                Err(why) => {
                    let id = text(row, "id").unwrap_or_else(|| "without an id".to_owned());
                    rows.unreadable.push(format!("quote {id} makes no sense: {why}"));
                }
            }
        }
        Ok(rows)
    }
}

impl Page {
    /// A page of a list of quotes.
    pub fn read(plain: &Plain) -> Result<Self, String> {
        let data = list(plain).ok_or("it is no list of quotes")?;
        Ok(Self {
            total: amount(plain, "total_records")?.and_then(Amount::to_int),
            next: text(plain, "next_page"),
            quotes: data.iter().map(Quote::read).collect::<Result<_, _>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a(text: &str) -> Amount {
        Amount::parse(text).unwrap()
    }

    fn plain(json: &str) -> Plain {
        crate::json::read(json.as_bytes()).ok().unwrap()
    }

    #[test]
    fn the_price_of_one_is_told_by_the_total() {
        let unit = |q: &str, p: &str, t: &str, off: &str| {
            unit_price(a(q), Some(a(p)), Some(a(t)), a(off)).unwrap()
        };
        assert_eq!(unit("4", "10", "37.5", "2.5"), a("10"));
        assert_eq!(unit("4", "40", "37.5", "2.5"), a("10"));
        assert_eq!(unit("2", "9", "18", "2"), a("10"));
        assert_eq!(unit("1", "225", "225", "0"), a("225"));
        assert_eq!(unit_price(a("3"), Some(a("5")), None, a("0")), Some(a("5")));
    }

    #[test]
    fn nothing_has_many_forms() {
        let q = Quote::read(&plain(
            r#"{"id":1,"status":"Created","assignee":{"assignee_id":null,"assignee_name":null},
            "tags":"","discount_amount":0,"shipping":{"shipping_name":null,"shipping_total":0},
            "custom_fields":null,"line_items":null,"phone":""}"#,
        ))
        .unwrap();
        assert_eq!((q.assignee, q.discount, q.shipping, q.phone), (None, None, None, None));
        assert!(q.tags.is_empty() && q.lines.is_empty() && q.fields.is_empty());
        assert!(Quote::read(&plain("{\"status\":\"Created\"}")).is_err());
        assert!(Quote::read(&plain("{\"id\":1}")).is_err());
        assert!(Page::read(&plain("{\"id\":1}")).is_err());
    }

    #[test]
    fn our_tag_is_not_one_of_theirs() {
        let stamp = "pf1-0123456789abcdef0123456789abcdef";
        let json = format!(r#"{{"id":1,"status":"Sent","tags":"b,  a , proforma:{stamp}"}}"#);
        let q = Quote::read(&plain(&json)).unwrap();
        assert_eq!(q.stamp().unwrap().as_str(), stamp);
        assert_eq!(q.shown_tags(), ["a", "b"]);
    }

    #[test]
    fn spellings_of_discounts() {
        for (word, kind) in [
            ("fixed", DiscountKind::Fixed),
            ("FixedAmount", DiscountKind::Fixed),
            ("fixed_amount", DiscountKind::Fixed),
            ("Percentage", DiscountKind::Percent),
            ("bogo", DiscountKind::Unknown("bogo".to_owned())),
        ] {
            let json = format!(r#"{{"discount_type":"{word}","discount_amount":10.00}}"#);
            assert_eq!(Discount::read(&plain(&json)).unwrap().unwrap().kind, kind);
        }
    }
}
