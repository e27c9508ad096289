//! The command `providers`: what each provider can hold, field by field, from the one table that
//! the checks use.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Ending;
use crate::failure::{Failure, Kind};
use crate::key::ConnectionName;
use crate::output::printer::Printer;
use crate::output::text::safe;
use crate::provider::capability::{Handling, Kind as Shape, Mode, Sheet, StateField};
use crate::provider::dealhub::{self, DealhubDialect};
use crate::provider::hubspot::{self, HubspotDialect, QuoteSystem, Settings, StampPlace};
use crate::provider::quickquote::{self, QuickquoteDialect};
use crate::provider::salesbyte::{self, SalesbyteDialect};

/// Shows one sheet, or the overview of all.
pub fn run(name: Option<&str>, printer: &Printer) -> Ending {
    let sheets = sheets();
    let Some(name) = name else {
        if printer.is_json() {
            let all: Vec<Value> = sheets.iter().map(to_json).collect();
            let document = json!({ "format": 1, "kind": "providers", "providers": all });
            printer.data(&format!("{document:#}\n"));
        } else {
            printer.data(&overview(&sheets));
        }
        return Ok(None);
    };
    let Some(sheet) = sheets.iter().find(|s| s.name == name) else {
        let known: Vec<&str> = sheets.iter().map(|s| s.name).collect();
        return Err(Failure::new(Kind::Invalid, format!("there is no provider `{}`", safe(name)))
            .help(format!("providers are: {}", known.join(", "))));
    };
    if printer.is_json() {
        let mut document = to_json(sheet);
        document["format"] = json!(1);
        document["kind"] = json!("provider");
        printer.data(&format!("{document:#}\n"));
    } else {
        printer.data(&page(sheet));
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

fn handling(handling: Handling) -> (&'static str, &'static str) {
    match handling {
        Handling::Sent(text) => ("sent", text),
        Handling::Local(text) => ("local", text),
        Handling::Refused(text) => ("refused", text),
    }
}

fn options(kind: &Shape) -> &[String] {
    match kind {
        Shape::Choice(words) | Shape::Choices(words) => words,
        _ => &[],
    }
}

fn to_json(sheet: &Sheet) -> Value {
    let neutral: Vec<Value> = sheet
        .neutral
        .iter()
        .map(|field| {
            let (handling, note) = handling(field.handling);
            json!({ "path": field.path, "handling": handling, "note": note })
        })
        .collect();
    let native: Vec<Value> = sheet
        .native
        .iter()
        .map(|field| {
            json!({
                "name": field.name, "on": field.on, "type": field.kind.word(),
                "options": options(&field.kind), "writable": field.mode == Mode::Writable,
                "readable": field.readable, "word": field.word, "source": field.source,
            })
        })
        .collect();
    let states: Vec<Value> = sheet
        .states
        .iter()
        .map(|s| {
            json!({
                "state": s.state.word(), "native": s.native, "settable": s.effects.is_some(),
                "effects": s.effects, "why": s.why,
            })
        })
        .collect();
    json!({
        "provider": sheet.name, "title": sheet.title, "summary": sheet.summary,
        "neutral": neutral, "native": native, "states": states,
    })
}

fn state_text(state: &StateField) -> String {
    match (&state.effects, &state.why) {
        (Some(effects), _) if effects.is_empty() => "settable".to_owned(),
        (Some(effects), _) => {
            let words: Vec<&str> = effects.iter().map(|e| e.word()).collect();
            format!("settable, needs --allow {}", words.join(","))
        }
        (None, Some(why)) => format!("not settable: {why}"),
        (None, None) => "not settable".to_owned(),
    }
}

fn overview(sheets: &[Sheet]) -> String {
    let mut text = String::new();
    for sheet in sheets {
        let count = |word| sheet.neutral.iter().filter(|f| handling(f.handling).0 == word).count();
        let states: Vec<&str> =
            sheet.states.iter().filter(|s| s.effects.is_some()).map(|s| s.state.word()).collect();
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "{}  {}\n  {}\n  neutral fields: {} sent, {} local, {} refused; native properties: {}\n  states: {}\n\n",
            sheet.name,
            sheet.title,
            sheet.summary,
            count("sent"),
            count("local"),
            count("refused"),
            sheet.native.len(),
            states.join(", "),
        );
    }
    text.push_str("`proforma providers NAME` lists every field.\n");
    text
}

fn page(sheet: &Sheet) -> String {
    let mut text = format!("{}: {}\n\nStates\n", sheet.title, sheet.summary);
    for state in &sheet.states {
        let native = state.native.unwrap_or("-");
        let _ = writeln!(text, "  {:<10} {native:<20} {}", state.state.word(), state_text(state));
    }
    text.push_str("\nNeutral fields\n");
    let width = sheet.neutral.iter().map(|f| f.path.len()).max().unwrap_or(0);
    for field in &sheet.neutral {
        let (word, note) = handling(field.handling);
        let _ = writeln!(text, "  {:<width$}  {word:<8} {note}", field.path);
    }
    let _ = writeln!(text, "\nNative properties (the `{}:` block)", sheet.name);
    let width = sheet.native.iter().map(|f| f.name.len()).max().unwrap_or(0);
    for field in &sheet.native {
        let mode = match (field.mode, field.word) {
            (Mode::ReadOnly, _) => "read only".to_owned(),
            (Mode::Writable, Some(word)) => format!("said by `{word}`"),
            (Mode::Writable, None) if !field.readable => "writable, not readable".to_owned(),
            (Mode::Writable, None) => "writable".to_owned(),
        };
        let _ = writeln!(
            text,
            "  {:<width$}  {mode:<26} {} ({})",
            field.name,
            field.kind.word(),
            field.on.join(", ")
        );
    }
    text
}
