//! The table against the reader: a property is called readable if, and only if, a change of it in
//! `HubSpot` changes what is observed.

use std::collections::BTreeMap;

use serde_json::json;

use super::mapping::{NATIVE, Native, sheet};
use super::observed::{Records, observe};
use super::operation::Object;
use super::portal::Portal;
use super::wire::Record;
use super::{HubspotDialect, QuoteSystem, Settings, StampPlace};
use crate::key::{ConnectionName, QuoteName, WorkspaceName};
use crate::provider::capability::{Kind, Mode};
use crate::provider::survey::{Ask, Observed};

fn settings() -> Settings {
    Settings {
        connection: ConnectionName::parse("crm").unwrap(),
        system: QuoteSystem::Legacy,
        stamp: StampPlace::Property("proforma_key".to_owned()),
    }
}

fn record(id: &str, properties: &[(&str, &str)]) -> Record {
    let properties: BTreeMap<&str, &str> = properties.iter().copied().collect();
    serde_json::from_value(json!({ "id": id, "properties": properties })).unwrap()
}

/// A quote with two records of this type, of which the first has this value.
fn seen(object: Object, name: &str, value: &str) -> Observed {
    let mut own = vec![("hs_value", "3"), ("recurringbillingfrequency", "monthly")];
    own.retain(|(known, _)| *known != name);
    own.push((name, value));
    let first = record("1", &own);
    let second = record("2", &[("hs_sort_order", "1"), ("hs_position_on_quote", "1")]);
    let (workspace, quote) = (WorkspaceName::parse("w").unwrap(), QuoteName::parse("q").unwrap());
    let ask =
        Ask { workspace: &workspace, quote: &quote, desired: None, entry: None, recorded_as: None };
    let bare = record("9", &[]);
    let records = if object == Object::Quote {
        Records { quote: &first, parts: BTreeMap::new(), links: BTreeMap::new() }
    } else {
        let parts = BTreeMap::from([(object, vec![&first, &second])]);
        Records { quote: &bare, parts, links: BTreeMap::new() }
    };
    observe(&settings(), &Portal::default(), &ask, &records, 0, &BTreeMap::new()).unwrap()
}

fn two_values(native: &Native) -> (&'static str, &'static str) {
    match (native.name, native.shape.kind()) {
        ("hs_status", _) => ("DRAFT", "REJECTED"),
        ("hs_type", Kind::Choice(words)) if words.iter().any(|w| w == "FIXED") => {
            ("FIXED", "PERCENT")
        }
        ("recurringbillingfrequency", _) => ("monthly", "annually"),
        ("hs_recurring_billing_period", _) => ("P12M", "P24M"),
        (_, Kind::Number) => ("0", "9"),
        (_, Kind::Bool) => ("true", "false"),
        (_, Kind::Date) => ("2027-01-01", "2027-01-02"),
        _ => ("x", "y"),
    }
}

#[test]
fn what_the_table_calls_readable_is_read() {
    let sheet = sheet(&HubspotDialect::new(settings()));
    for native in NATIVE.iter().filter(|n| n.mode == Mode::Writable) {
        for object in native.objects {
            let row = sheet
                .native
                .iter()
                .find(|row| row.name == native.name && row.on.contains(&object.word()))
                .unwrap();
            let (one, other) = two_values(native);
            let differs = seen(*object, native.name, one) != seen(*object, native.name, other);
            assert_eq!(differs, row.readable, "{object:?} {}", native.name);
        }
    }
}
