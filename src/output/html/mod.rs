//! HTML pages: one self-contained file each, for plan, `show` and reports.
//!
//! How a page is made:
//!
//! ```ignore
//! let mut body = Html::new();
//! body.leaf("h1", &[], "Loss report");
//! parts::cards(&mut body, |cards| parts::card(cards, "Quotes", "12", "3 with a loss"));
//! parts::toolbar(&mut body, &[Chip::new("lost", "lost", 3)], "Search quotes and fields");
//! parts::table(&mut body, &[Column::text("Field"), Column::number("Total")], |rows| {
//!     parts::row(rows, &["lost"], |cells| {
//!         cells.leaf("td", &[], foreign_text);
//!         cells.leaf("td", &[("class", "number")], "1,200.00");
//!     });
//! });
//! let document = page("Loss report", &body);
//! ```
//!
//! - [`Html`] is the builder. Text and attribute values go through [`super::escape_html`], names of
//!   elements and attributes are literals of ours, and there is no way to add raw text. An address
//!   becomes a link through [`Html::link`] alone, which knows only `https:` and `http:`.
//! - Whatever carries `data-kind` (words, separated by spaces; [`parts::row`] sets it) is found by
//!   the toolbar: a chip shows the rows of its kind, the box those with all its words. The chosen
//!   view stands in the address (`page.html#filter=care&search=acme`), so it can be linked to.
//! - A heading with `data-group` around rows is hidden while none of its rows is shown.
//! - Tones (`create`, `update`, `delete`, `replace`, `adopt`, `blocked`, `drift`, `muted`) are
//!   classes of [`parts::badge`] and of spans; colour only repeats what a word says.
//!
//! Invariants: a page loads nothing, sends nothing and runs nothing but the one script below, whose
//! digest its own policy names; so text that slipped out of its place would still be inert. All of it
//! can be read without the script, on paper, and in light and dark.

mod markup;
pub mod parts;

pub use markup::Html;

/// The style of every page.
const STYLE: &str = include_str!("style.css");
/// The script of every page: filter, search, printing.
const SCRIPT: &str = include_str!("script.js");
/// SHA-256 of [`STYLE`] in base64, for the page's policy. A test holds it.
const STYLE_DIGEST: &str = "2OiZDTylYIGIJbivornL2EKLKLA4RbT0MzXGVprpph0=";
/// SHA-256 of [`SCRIPT`].
const SCRIPT_DIGEST: &str = "togdMuFSB9GUNGp/a/LnQBNQCU1DK2woW9FDmjoSLKU=";

/// A whole document with this title and body.
pub fn page(title: &str, body: &Html) -> String {
    let title = super::text::safe_line(title);
    let mut head = Html::new();
    head.leaf("title", &[], &title);
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{STYLE_DIGEST}'; script-src 'sha256-{SCRIPT_DIGEST}'; base-uri 'none'; form-action 'none'"
    );
    let mut out = String::with_capacity(body.as_str().len() + STYLE.len() + SCRIPT.len() + 1024);
    for part in [
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
        "<meta http-equiv=\"Content-Security-Policy\" content=\"",
        &policy,
        "\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
        "<meta name=\"color-scheme\" content=\"light dark\">\n",
        "<meta name=\"referrer\" content=\"no-referrer\">\n",
        "<meta name=\"generator\" content=\"proforma ",
        env!("CARGO_PKG_VERSION"),
        "\">\n",
        head.as_str(),
        "\n<style>",
        STYLE,
        "</style>\n</head>\n<body>\n<main>\n",
        body.as_str(),
        "\n</main>\n<script>",
        SCRIPT,
        "</script>\n</body>\n</html>\n",
    ] {
        out.push_str(part);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SHA-256 by the library that the wire uses, in base64.
    fn digest(text: &str) -> String {
        let suite = rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
        let rustls::SupportedCipherSuite::Tls13(suite) = suite else { panic!("no TLS 1.3") };
        let hash = suite.common.hash_provider.hash(text.as_bytes());
        let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut out = String::new();
        for three in hash.as_ref().chunks(3) {
            let byte = |n: usize| u32::from(three.get(n).copied().unwrap_or_default());
            let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
            for n in 0..4 {
                let letter = letters[(bits >> (18 - 6 * n)) as usize & 63];
                out.push(if n > three.len() { '=' } else { char::from(letter) });
            }
        }
        out
    }

    #[test]
    fn the_policy_names_the_style_and_the_script() {
        assert_eq!(STYLE_DIGEST, digest(STYLE), "write the new digest of style.css");
        assert_eq!(SCRIPT_DIGEST, digest(SCRIPT), "write the new digest of script.js");
    }

    #[test]
    fn a_page_loads_nothing() {
        let mut body = Html::new();
        body.leaf("p", &[], "text");
        let page = page("a <b>", &body);
        assert!(page.contains("<title>a &lt;b&gt;</title>"));
        for loads in ["src=", "@import", "url(", "<link", "fetch(", "XMLHttpRequest", "innerHTML"] {
            assert!(!page.contains(loads), "{loads}");
        }
        // Neither ends its element early.
        assert!(!STYLE.contains("</") && !SCRIPT.contains("</"));
    }
}
