//! Links that a terminal can click (OSC 8).
//!
//! Invariants: nothing but a web address of plain signs becomes a link, so that no address can
//! end the sequence or hide where it leads; the text that is shown takes the same columns as
//! without the link.

/// The text as a link to an address; the bare text where `clickable` is false or the address is
/// not one that may be used.
pub(super) fn linked(text: &str, url: &str, clickable: bool) -> String {
    if clickable && is_plain(url) {
        format!("\u{1b}]8;;{url}\u{1b}\\{text}\u{1b}]8;;\u{1b}\\")
    } else {
        text.to_owned()
    }
}

/// Whether an address is safe inside the sequence.
pub(super) fn is_plain(url: &str) -> bool {
    let web = url.starts_with("https://") || url.starts_with("http://");
    web && url.len() <= 2_000 && url.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_web_addresses_are_clickable() {
        assert!(
            linked("q", "https://a.example/q", true).starts_with("\u{1b}]8;;https://a.example/q")
        );
        assert_eq!(linked("q", "https://a.example/q", false), "q");
        for bad in
            ["javascript:alert(1)", "https://a\u{1b}\\x", "https://a b", "file:///etc", "https://å"]
        {
            assert_eq!(linked("q", bad, true), "q", "{bad:?}");
        }
    }
}
