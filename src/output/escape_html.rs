//! Foreign text on its way into HTML: between tags, or in a quoted attribute.
//!
//! Invariants: what comes out holds no `<`, `>`, quote or back-quote, and every `&` in it starts an
//! entity of ours, so that it ends no text, no attribute and no comment. Characters that mislead are
//! shown, see [`super::text`]. An address is not made harmless by this: `javascript:` needs no sign
//! that is escaped. Only [`web_address`] goes into `href`.

use super::text::safe;

/// The text for HTML. Line feeds stay.
pub fn escape_html(text: &str) -> String {
    let text = safe(text);
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '`' => out.push_str("&#96;"),
            c => out.push(c),
        }
    }
    out
}

/// An address that may stand in `href`, escaped: `https:`, or `http:`, and nothing else.
pub fn web_address(text: &str) -> Option<String> {
    let url = reqwest::Url::parse(text).ok()?;
    let plain = text.chars().all(|c| c.is_ascii_graphic());
    (plain && matches!(url.scheme(), "https" | "http") && url.has_host())
        .then(|| escape_html(url.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn back(html: &str) -> String {
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#96;", "`")]
            .iter()
            .fold(html.to_owned(), |text, (entity, sign)| text.replace(entity, sign))
            .replace("&amp;", "&")
    }

    fn holds(text: &str) {
        let html = escape_html(text);
        assert!(!html.contains(['<', '>', '"', '\'', '`']), "{html}");
        for (at, _) in html.match_indices('&') {
            let ours = ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;", "&#96;"];
            assert!(ours.iter().any(|e| html[at..].starts_with(e)), "{html}");
        }
        assert_eq!(back(&html), safe(text));
    }

    #[test]
    fn hostile_text_stays_in_its_place() {
        for text in [
            "</td><script>alert(1)</script>",
            "\" onload=\"x",
            "' onload='x",
            "-->",
            "&lt;",
            "&#x3c;",
            "]]>",
            "`x`",
            "a\u{202e}b\u{0}",
            "{{constructor}}",
            "&amp;lt;",
        ] {
            holds(text);
        }
    }

    #[test]
    fn only_web_addresses_are_links() {
        for bad in [
            "javascript:alert(1)",
            "JaVaScRiPt:x",
            " javascript:x",
            "java\nscript:x",
            "data:text/html,x",
            "vbscript:x",
            "file:///etc/passwd",
            "//evil.example",
            "/x",
            "",
            "https://",
            "mailto:a@b.c",
            "https://a.example/\u{202e}x",
            "\u{1}https://a.example",
        ] {
            assert_eq!(web_address(bad), None, "{bad:?}");
        }
        assert_eq!(
            web_address("https://a.example/?b=1&c=\"").unwrap(),
            "https://a.example/?b=1&amp;c=%22"
        );
    }

    proptest! {
        #[test]
        fn any_text_stays_in_its_place(text in "\\PC{0,60}") {
            holds(&text);
        }

        #[test]
        fn no_address_leaves_its_attribute(text in "[ -~]{0,40}") {
            if let Some(address) = web_address(&text) {
                prop_assert!(address.starts_with("http"));
                prop_assert!(!address.contains(['"', '\'', '<', '>', ' ']));
            }
        }
    }
}
