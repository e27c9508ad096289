//! Foreign text on its way into a workflow command of GitHub Actions:
//! `::error file=a.yaml,line=1,title=..::message`.
//!
//! Invariants: a value ends neither its command nor its property, so that no text of a manifest or
//! an upstream starts a command of its own (`::add-mask::`, `::stop-commands::`). The runner turns
//! the escapes back before it shows the text; characters that mislead are shown, see
//! [`super::text`], which also breaks the older form (`##[..`) and that of other services.

use super::text::safe;

/// What stands behind the second `::`.
pub fn escape_workflow_data(text: &str) -> String {
    escape(text, false)
}

/// The value of a property.
pub fn escape_workflow_property(text: &str) -> String {
    escape(text, true)
}

fn escape(text: &str, property: bool) -> String {
    let text = safe(text);
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '%' => out.push_str("%25"),
            '\n' => out.push_str("%0A"),
            '\r' => out.push_str("%0D"),
            ':' if property => out.push_str("%3A"),
            ',' if property => out.push_str("%2C"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Command = (String, Vec<(String, String)>, String);

    /// What the runner makes of a line: name, properties, message. Written after its source:
    /// the name and the properties end at the second `::`, properties are split at `,` and `=`.
    fn run(line: &str) -> Option<Command> {
        let rest = line.trim_start().strip_prefix("::")?;
        let (head, data) = rest.split_once("::")?;
        let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
        let back = |text: &str, property: bool| {
            let text = text.replace("%0D", "\r").replace("%0A", "\n");
            let text = if property { text.replace("%3A", ":").replace("%2C", ",") } else { text };
            text.replace("%25", "%")
        };
        let properties = properties
            .split(',')
            .filter_map(|pair| pair.split_once('='))
            .map(|(key, value)| (key.trim().to_owned(), back(value, true)))
            .collect();
        Some((name.to_owned(), properties, back(data, false)))
    }

    fn holds(title: &str, message: &str) {
        let (t, m) = (escape_workflow_property(title), escape_workflow_data(message));
        let whole = format!("::error file=quotes/a.yaml,title={t},line=7::{m}");
        assert_eq!(whole.lines().count(), 1, "{whole:?}");
        assert!(!whole.contains("##["), "{whole}");
        let (name, properties, data) = run(&whole).unwrap();
        assert_eq!(name, "error");
        let wanted = [("file", "quotes/a.yaml"), ("title", &safe(title)), ("line", "7")];
        let wanted: Vec<_> =
            wanted.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        assert_eq!(properties, wanted);
        assert_eq!(data, safe(message));
    }

    #[test]
    fn hostile_text_starts_no_command() {
        for text in [
            "a\n::add-mask::x",
            "::stop-commands::x",
            "a,line=9",
            "a::b",
            "%0A::error::x",
            "100%",
            "\r\n##[error]x",
            "##vso[task.setvariable variable=a]b",
            "a=b,c=d",
            "%3A",
            "\u{2028}::x",
        ] {
            holds(text, text);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_one_value(title in "[ -~\n\r]{0,40}", message in "\\PC{0,40}") {
            holds(&title, &message);
        }
    }
}
