//! The command `providers`: what each provider can hold, field by field, from the one table that
//! the checks use.

use serde_json::{Value, json};

use super::Ending;
use crate::failure::{Failure, Kind};
use crate::key::ConnectionName;
use crate::output::printer::Printer;
use crate::output::sheet;
use crate::output::text::safe;
use crate::provider::capability::Sheet;
use crate::provider::dealhub::{self, DealhubDialect};
use crate::provider::hubspot::{self, HubspotDialect, QuoteSystem, Settings, StampPlace};
use crate::provider::quickquote::{self, QuickquoteDialect};
use crate::provider::salesbyte::{self, SalesbyteDialect};

/// Shows one sheet, or the overview of all.
pub fn run(name: Option<&str>, printer: &Printer) -> Ending {
    let sheets = sheets();
    let Some(name) = name else {
        if printer.is_json() {
            let all: Vec<Value> = sheets.iter().map(sheet::json).collect();
            let document = json!({ "format": 1, "kind": "providers", "providers": all });
            printer.data(&format!("{document:#}\n"));
        } else {
            printer.data(&sheet::overview(&sheets));
        }
        return Ok(None);
    };
    let Some(found) = sheets.iter().find(|s| s.name == name) else {
        let known: Vec<&str> = sheets.iter().map(|s| s.name).collect();
        return Err(Failure::new(Kind::Invalid, format!("there is no provider `{}`", safe(name)))
            .help(format!("providers are: {}", known.join(", "))));
    };
    if printer.is_json() {
        let mut document = sheet::json(found);
        document["format"] = json!(1);
        document["kind"] = json!("provider");
        printer.data(&format!("{document:#}\n"));
    } else {
        printer.data(&sheet::page(found));
    }
    Ok(None)
}

/// The sheets of all providers.
pub fn sheets() -> Vec<Sheet> {
    // The sheet is the same for every connection; a name is needed to have a dialect at all.
    let Some(connection) = ConnectionName::parse("any") else { return Vec::new() };
    let shop = quickquote::Settings { connection: connection.clone(), currency: None };
    let salesbyte = SalesbyteDialect::new(salesbyte::Settings {
        connection: connection.clone(),
        profile: None,
        stamp: None,
        currency: None,
        readable: true,
    });
    let settings = Settings {
        connection,
        system: QuoteSystem::Legacy,
        stamp: StampPlace::Property(crate::manifest::DEFAULT_STAMP_PROPERTY.to_owned()),
    };
    let dealhub = dealhub::Settings {
        connection: settings.connection.clone(),
        visibility: dealhub::DEFAULT_VISIBILITY,
    };
    vec![
        hubspot::mapping::sheet(&HubspotDialect::new(settings)),
        quickquote::mapping::sheet(&QuickquoteDialect::new(shop)),
        salesbyte::mapping::sheet(&salesbyte),
        dealhub::mapping::sheet(&DealhubDialect::new(dealhub)),
    ]
}
