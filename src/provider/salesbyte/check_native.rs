//! Offline checks of the `salesbyte:` block of a quote.
//!
//! Invariant: a native field is unknown, read-only, said by a neutral word, or of the right type;
//! there is no fifth case, so nothing of the block is dropped in silence.

use std::collections::BTreeMap;

use super::check::LEAVE;
use super::mapping::{self, Shape, native};
use super::{Settings, value, wanted};
use crate::desired::{Channel, Quote, Wish};
use crate::facts::Plain;
use crate::provider::capability::{Mode, Sink};

/// The attributes of a custom field, by SalesByte's own spelling.
const ATTRIBUTES: [&str; 3] = ["required", "editableByContact", "hideFromContact"];

/// Every field of the block.
pub(super) fn natives(sink: &mut Sink<'_>, settings: &Settings) {
    for (name, wish) in sink.quote.native.get("salesbyte").into_iter().flatten() {
        let path = format!("salesbyte.{name}");
        let Some(known) = native(name) else {
            let help = match mapping::nearest(name) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`proforma providers salesbyte` lists its fields".to_owned(),
            };
            let message = format!("a SalesByte quote has no field `{name}`");
            sink.error(&path, "native-unknown", message, help);
            continue;
        };
        if known.mode == Mode::ReadOnly {
            let message = format!("SalesByte computes `{name}`, it cannot be written");
            sink.error(&path, "native-read-only", message, "remove the line");
            continue;
        }
        if let Some(word) = known.word
            && !is_free(sink.quote, name, wish)
        {
            let (message, help) = if name == "send_type" {
                (
                    "`send_type` is what `delivery.channel` says".to_owned(),
                    "write `delivery.channel`; beside `channel: sms`, `salesbyte: { send_type: phone }` sends the word `phone` for it".to_owned(),
                )
            } else {
                let word = word.trim_matches('`');
                (format!("`{name}` is what `{word}` says"), format!("write `{word}` instead"))
            };
            sink.error(&path, "native-neutral", message, help);
            continue;
        }
        match (known.shape, wish) {
            (Shape::CustomFields, Wish::Set(plain)) => custom_fields(sink, settings, plain),
            (Shape::Text, _) | (_, Wish::Unowned) => {
                if let Wish::Set(plain) = wish
                    && let Err(why) = value::from_plain(Shape::Text, plain)
                {
                    let help = "see SalesByte's documentation";
                    sink.error(&path, "native-value", format!("`{name}` {why}"), help);
                }
            }
            (_, Wish::Clear) => sink.cannot_clear(&path, LEAVE),
            (shape, Wish::Set(plain)) => {
                if let Err(why) = value::from_plain(shape, plain) {
                    let help = "see SalesByte's documentation";
                    sink.error(&path, "native-value", format!("`{name}` {why}"), help);
                }
            }
        }
    }
}

/// Native spellings of neutral words that say something the word cannot.
fn is_free(quote: &Quote, name: &str, wish: &Wish<Plain>) -> bool {
    match name {
        "send_type" => {
            matches!(wish, Wish::Set(Plain::Text(word)) if word == "phone")
                && wanted::channel(quote) == Some(Channel::Sms)
        }
        // A slot of its own, where the list is not used.
        tag if tag.starts_with("tag_") => !quote.tags.is_owned(),
        _ => false,
    }
}

fn custom_fields(sink: &mut Sink<'_>, settings: &Settings, plain: &Plain) {
    let path = "salesbyte.custom_fields";
    let shape = "a map such as `{ bank_name: { attribute: { required: true } } }`";
    let Plain::Map(all) = plain else {
        sink.error(path, "native-value", "`custom_fields` must be a map", shape);
        return;
    };
    for (name, entry) in all {
        let at = format!("{path}.{name}");
        let Plain::Map(entry) = entry else {
            sink.error(&at, "native-value", format!("`{name}` must be a map"), shape);
            continue;
        };
        let stamp = settings.stamp.as_ref().is_some_and(|s| s.name == *name);
        for (key, value) in entry {
            let at = format!("{at}.{key}");
            match (key.as_str(), value) {
                ("value", _) => sink.error(
                    &at,
                    "native-neutral",
                    "the value of a custom field is what `fields` says",
                    format!("write `fields: {{ {name}: .. }}` instead"),
                ),
                ("label", Plain::Text(label)) if !label.is_empty() => {}
                ("label", _) => {
                    let help = "write it as the customer reads it";
                    sink.error(&at, "native-value", "`label` must be text", help);
                }
                ("attribute", Plain::Map(flags)) => attribute(sink, &at, flags, stamp),
                _ => sink.error(
                    &at,
                    "native-unknown",
                    format!("a custom field has no `{key}`"),
                    "it has `attribute`, and `label` to find it again",
                ),
            }
        }
    }
}

fn attribute(sink: &mut Sink<'_>, path: &str, flags: &BTreeMap<String, Plain>, stamp: bool) {
    for (flag, value) in flags {
        let at = format!("{path}.{flag}");
        if !ATTRIBUTES.contains(&flag.as_str()) {
            let message = format!("a custom field has no attribute `{flag}`");
            sink.error(&at, "native-unknown", message, format!("it has {}", ATTRIBUTES.join(", ")));
        } else if !matches!(value, Plain::Bool(_)) {
            let message = format!("`{flag}` must be `true` or `false`");
            sink.error(&at, "native-value", message, "write `true` or `false`");
        } else if stamp && flag == "hideFromContact" && *value == Plain::Bool(false) {
            let message = "the customer would read proforma's stamp";
            sink.error(&at, "native-reserved", message, "leave it hidden");
        }
    }
}
