//! The canonical order of keys, as one table.
//!
//! Purpose: the writer of manifests and `fmt` put keys in the same order, that of the manifest's
//! description in the documentation. Keys that no row names (custom fields, native properties, item
//! properties) keep the order that they have.
//!
//! Invariant: every key that a reader of [`crate::manifest`] asks for is in its row; a test writes a
//! full quote and reads it back.

/// What a document is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sort {
    /// A `quote:` document.
    Quote,
    /// A `product:` document.
    Product,
}

/// Keys of a quote.
pub const QUOTE: [&str; 28] = [
    "quote",
    "connection",
    "title",
    "expires",
    "currency",
    "state",
    "customer",
    "contacts",
    "owner",
    "company",
    "deal",
    "template",
    "items",
    "discounts",
    "fees",
    "taxes",
    "shipping",
    "notes",
    "tags",
    "fields",
    "delivery",
    "alternatives",
    "lifecycle",
    "was",
    "hubspot",
    "quickquote",
    "salesbyte",
    "dealhub",
];
/// Keys of a product.
pub const PRODUCT: [&str; 11] = [
    "product",
    "name",
    "description",
    "sku",
    "price",
    "currency",
    "recurring",
    "hubspot",
    "quickquote",
    "salesbyte",
    "dealhub",
];
/// Keys of an item.
pub const ITEM: [&str; 15] = [
    "key",
    "product",
    "name",
    "description",
    "sku",
    "quantity",
    "price",
    "discount",
    "taxable",
    "recurring",
    "properties",
    "hubspot",
    "quickquote",
    "salesbyte",
    "dealhub",
];
/// Keys of `customer` and of a contact.
pub const PERSON: [&str; 7] =
    ["email", "first_name", "last_name", "name", "company", "phone", "id"];
/// Keys of `deal`, `template`, `company` and `owner`.
pub const REFERENCE: [&str; 3] = ["id", "name", "email"];
/// Keys of an item's `discount`.
pub const DISCOUNT: [&str; 4] = ["percent", "amount", "per", "label"];
/// Keys of `recurring`.
pub const RECURRING: [&str; 2] = ["every", "for"];
/// Keys of a discount, fee or tax of a quote.
pub const ADJUSTMENT: [&str; 3] = ["label", "percent", "amount"];
/// Keys of `shipping`.
pub const SHIPPING: [&str; 2] = ["name", "price"];
/// Keys of `notes`.
pub const NOTES: [&str; 4] = ["public", "internal", "customer", "terms"];
/// Keys of `delivery`.
pub const DELIVERY: [&str; 5] = ["channel", "message", "include_pdf", "include_link", "copy_owner"];
/// Keys of an alternative.
pub const ALTERNATIVE: [&str; 4] = ["bundle_id", "skus", "title", "sort_order"];
/// Keys of `lifecycle`.
pub const LIFECYCLE: [&str; 4] = ["protect", "ignore", "when_locked", "when_immutable"];

/// The keys of the map at a path of a document, in order. List elements are `[]`: `items[]`,
/// `items[].discount`; the document itself is the empty path. `None` where keys are free.
pub fn keys_at(sort: Sort, path: &str) -> Option<&'static [&'static str]> {
    Some(match (sort, path) {
        (Sort::Quote, "") => &QUOTE,
        (Sort::Product, "") => &PRODUCT,
        (Sort::Product, "recurring") | (Sort::Quote, "items[].recurring") => &RECURRING,
        (Sort::Quote, "items[]") => &ITEM,
        (Sort::Quote, "items[].discount") => &DISCOUNT,
        (Sort::Quote, "customer" | "contacts[]") => &PERSON,
        (Sort::Quote, "deal" | "template" | "company" | "owner") => &REFERENCE,
        (Sort::Quote, "discounts[]" | "fees[]" | "taxes[]") => &ADJUSTMENT,
        (Sort::Quote, "shipping") => &SHIPPING,
        (Sort::Quote, "notes") => &NOTES,
        (Sort::Quote, "delivery") => &DELIVERY,
        (Sort::Quote, "alternatives[]") => &ALTERNATIVE,
        (Sort::Quote, "lifecycle") => &LIFECYCLE,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_their_keys_and_free_maps_to_none() {
        assert_eq!(keys_at(Sort::Quote, "items[].recurring"), Some(&RECURRING[..]));
        assert_eq!(keys_at(Sort::Product, "recurring"), Some(&RECURRING[..]));
        for free in ["fields", "hubspot", "items[].properties", "items[].hubspot"] {
            assert_eq!(keys_at(Sort::Quote, free), None, "{free}");
        }
        assert_eq!(keys_at(Sort::Product, "dealhub"), None);
    }
}
