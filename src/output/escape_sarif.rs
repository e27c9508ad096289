//! Foreign text on its way into a message of a SARIF log.
//!
//! The one thing to know: a SARIF message is more than a JSON string. `[text](place)` in it is a
//! link, and `{0}` stands for an argument. Here both are text. The document itself is written with
//! [`super::json::document`], which keeps characters that mislead as `\uXXXX`.

/// The text as a message that shows just this text.
pub fn escape_sarif(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\\' | '[' | ']' => out.extend(['\\', c]),
            '{' | '}' => out.extend([c, c]),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a viewer shows: escapes undone; `None` where there is a link or an argument.
    fn shown(message: &str) -> Option<String> {
        let mut out = String::new();
        let mut chars = message.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => out.push(chars.next()?),
                '[' | ']' => return None,
                '{' | '}' if chars.next() != Some(c) => return None,
                c => out.push(c),
            }
        }
        Some(out)
    }

    #[test]
    fn links_and_arguments_are_text() {
        for text in ["[a](http://evil.example)", "{0}", "\\[a](1)", "a\\", "{{0}}", "}{"] {
            assert_eq!(shown(&escape_sarif(text)).as_deref(), Some(text));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_text(text in "\\PC{0,60}") {
            let escaped = escape_sarif(&text);
            prop_assert_eq!(shown(&escaped), Some(text.clone()));
            let json = crate::output::json::line(&escaped).unwrap();
            prop_assert!(!json.chars().any(super::super::text::is_unsafe));
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), escaped);
        }
    }
}
