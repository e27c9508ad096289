//! A provider's sheet as the tables of its page in `docs/providers/`.
//!
//! Purpose: the part of a page between the markers is made from the table that the program works
//! from; the prose around it is written by hand and is not touched.

use std::fmt::Write as _;

use super::sheet::{handling, open_text, window_text};
use crate::provider::capability::{Mode, NativeField, Sheet, neutral};

/// The line before the generated part of a page.
pub const BEGIN: &str = "<!-- fields: generated from the provider's table; see CONTRIBUTING.md -->";
/// The line behind it.
pub const END: &str = "<!-- end of fields -->";

/// A page with its generated part renewed; `None` where the markers are missing.
pub fn renewed(page: &str, sheet: &Sheet) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{}\n{END}{after}", tables(sheet)))
}

/// Both tables, with what a reader needs to know of them.
pub fn tables(sheet: &Sheet) -> String {
    let mut text = format!("Fields are written {}.\n", open_text(sheet));
    text.push_str(
        "\"Read back\" says whether a change made upstream shows in a plan. `new` is a quote that is being made.\n\n",
    );
    text.push_str("| manifest | type | what becomes of it | read back | written when |\n");
    text.push_str("|---|---|---|---|---|\n");
    for field in &sheet.neutral {
        let (word, note) = handling(field.handling);
        let sent = word == "sent";
        let when = if sent { window_text(field.window) } else { None };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| `{}` | {} | {word}: {} | {} | {} |",
            field.path,
            cell(&neutral::form_of(field.path).text()),
            cell(note),
            if sent { yes(field.readable) } else { "" },
            when.unwrap_or_default(),
        );
    }
    let _ = writeln!(text, "\n| `{}:` | on | type | | read back | written when |", sheet.name);
    text.push_str("|---|---|---|---|---|---|\n");
    for field in &sheet.native {
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | {} | {} |",
            field.name,
            field.on.join(", "),
            cell(&field.form.text()),
            mode(field),
            yes(field.readable),
            window_text(field.window).unwrap_or_default(),
        );
    }
    text
}

fn yes(flag: bool) -> &'static str {
    if flag { "yes" } else { "no" }
}

fn mode(field: &NativeField) -> String {
    match (field.mode, field.word) {
        (Mode::ReadOnly, _) => "read only".to_owned(),
        // A word that is code already, or a sentence with code in it.
        (Mode::Writable, Some(word)) if word.contains(['`', ' ']) => format!("by {}", cell(word)),
        (Mode::Writable, Some(word)) => format!("by `{word}`"),
        (Mode::Writable, None) => "writable".to_owned(),
    }
}

/// Text that cannot end its cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_markers_is_renewed() {
        let sheet = Sheet {
            name: "x",
            title: "X",
            summary: "",
            open: vec!["new"],
            otherwise: "no edits",
            neutral: Vec::new(),
            native: Vec::new(),
            states: Vec::new(),
        };
        let page = format!("before\n{BEGIN}\nold\n{END}\nafter\n");
        let new = renewed(&page, &sheet).unwrap();
        assert!(new.starts_with("before\n") && new.ends_with("\nafter\n"), "{new}");
        assert!(!new.contains("old") && new.contains("at creation only; no edits"), "{new}");
        assert_eq!(renewed(&new, &sheet).as_deref(), Some(new.as_str()));
        assert_eq!(renewed("no markers", &sheet), None);
    }

    #[test]
    fn a_cell_keeps_its_bar() {
        assert_eq!(cell("a|b\nc"), "a\\|b c");
    }
}
