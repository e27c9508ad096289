//! A provider's sheet for people and for programs.
//!
//! Invariant: every row of the table is in every rendering, so that what `providers` says, what its
//! JSON says and what the documents say ([`super::sheet_markdown`]) are one thing.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::provider::capability::{
    Handling, Mode, NativeField, NeutralField, Sheet, StateField, Window, neutral,
};

/// What becomes of a neutral field: a word, and the table's note.
pub fn handling(handling: Handling) -> (&'static str, &'static str) {
    match handling {
        Handling::Sent(text) => ("sent", text),
        Handling::Local(text) => ("local", text),
        Handling::Refused(text) => ("refused", text),
    }
}

/// The document of one provider.
pub fn json(sheet: &Sheet) -> Value {
    let neutral: Vec<Value> =
        sheet.neutral.iter().map(|field| neutral_json(sheet, field)).collect();
    let native: Vec<Value> = sheet.native.iter().map(|field| native_json(sheet, field)).collect();
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
        "open": sheet.open, "otherwise": sheet.otherwise,
        "neutral": neutral, "native": native, "states": states,
    })
}

fn neutral_json(sheet: &Sheet, field: &NeutralField) -> Value {
    let (handling, note) = handling(field.handling);
    let form = neutral::form_of(field.path);
    json!({
        "path": field.path, "handling": handling, "note": note,
        "type": form.word(), "shape": form.shape(), "options": form.options(),
        "writable": handling == "sent", "readable": field.readable,
        "states": sheet.states_for(field.window),
    })
}

fn native_json(sheet: &Sheet, field: &NativeField) -> Value {
    json!({
        "name": field.name, "on": field.on,
        "type": field.form.word(), "shape": field.form.shape(), "options": field.form.options(),
        "writable": field.mode == Mode::Writable, "readable": field.readable,
        "states": sheet.states_for(field.window), "word": field.word, "source": field.source,
    })
}

/// How a state is set.
pub fn state_text(state: &StateField) -> String {
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

/// When a quote takes edits, in a sentence.
pub fn open_text(sheet: &Sheet) -> String {
    let observed: Vec<&str> = sheet.open.iter().skip(1).copied().collect();
    let when = if observed.is_empty() {
        "at creation only".to_owned()
    } else {
        format!("at creation, and in the states {}", observed.join(", "))
    };
    format!("{when}; {}", sheet.otherwise)
}

/// When a field may be written, where that is not whenever the quote takes edits.
pub fn window_text(window: Window) -> Option<String> {
    match window {
        Window::Only(states) => Some(states.join(", ")),
        Window::Usual | Window::Never => None,
    }
}

/// A line for each provider.
pub fn overview(sheets: &[Sheet]) -> String {
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

/// All of one provider.
pub fn page(sheet: &Sheet) -> String {
    let mut text = format!("{}: {}\n\nStates\n", sheet.title, sheet.summary);
    for state in &sheet.states {
        let native = state.native.unwrap_or("-");
        let _ = writeln!(text, "  {:<10} {native:<20} {}", state.state.word(), state_text(state));
    }
    let _ = writeln!(text, "\nWritten {}.", open_text(sheet));
    text.push_str("Fields with another time say so; `new` is a quote that is being made.\n");
    text.push_str("\nNeutral fields\n");
    let width = sheet.neutral.iter().map(|f| f.path.len()).max().unwrap_or(0);
    for field in &sheet.neutral {
        let (word, note) = handling(field.handling);
        let _ = write!(text, "  {:<width$}  {word:<8} {note}", field.path);
        if word == "sent" && !field.readable {
            text.push_str("; not read back");
        }
        if let Some(when) = window_text(field.window) {
            let _ = write!(text, "; when {when}");
        }
        text.push('\n');
    }
    let _ = writeln!(text, "\nNative properties (the `{}:` block)", sheet.name);
    let width = sheet.native.iter().map(|f| f.name.len()).max().unwrap_or(0);
    for field in &sheet.native {
        let _ = write!(
            text,
            "  {:<width$}  {:<26} {} ({})",
            field.name,
            mode_text(field),
            field.form.text(),
            field.on.join(", ")
        );
        if let Some(when) = window_text(field.window) {
            let _ = write!(text, "; when {when}");
        }
        text.push('\n');
    }
    text
}

/// Who sets a native field, and whether proforma looks at it.
pub fn mode_text(field: &NativeField) -> String {
    match (field.mode, field.word, field.readable) {
        (Mode::ReadOnly, _, true) => "read only".to_owned(),
        (Mode::ReadOnly, _, false) => "read only, not used".to_owned(),
        // A sentence, or a word that a manifest can be searched for.
        (Mode::Writable, Some(word), _) if word.contains(' ') => {
            format!("said by {}", word.replace('`', ""))
        }
        (Mode::Writable, Some(word), _) => format!("said by `{word}`"),
        (Mode::Writable, None, true) => "writable".to_owned(),
        (Mode::Writable, None, false) => "writable, not read back".to_owned(),
    }
}
