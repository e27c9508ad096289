//! The builder of HTML: elements by name, text escaped.
//!
//! The one thing to know: nothing gets in unescaped, because there is no method for it. A crate of
//! templates would bring an escaper of its own beside [`escape_html`], which also shows the
//! characters that mislead; here is one door.

use super::super::escape_html::{escape_html, web_address};

/// A piece of HTML that is being written.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Html(String);

/// Names and values of attributes.
pub type Attributes<'a> = [(&'static str, &'a str)];

impl Html {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The text of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Text. Line feeds are written as entities, so that no line of the document begins with
    /// foreign text (a log that shows it may take one for a command).
    pub fn text(&mut self, text: &str) {
        let text = escape_html(text);
        if text.contains('\n') {
            self.0.push_str(&text.replace('\n', "&#10;"));
        } else {
            self.0.push_str(&text);
        }
    }

    /// An element with what `inner` writes.
    pub fn element(
        &mut self,
        name: &'static str,
        attributes: &Attributes<'_>,
        inner: impl FnOnce(&mut Self),
    ) {
        self.open(name, attributes);
        inner(self);
        self.close(name);
    }

    /// An element with a text.
    pub fn leaf(&mut self, name: &'static str, attributes: &Attributes<'_>, text: &str) {
        self.element(name, attributes, |inner| inner.text(text));
    }

    /// An element that holds nothing (`br`, `rect`).
    pub fn void(&mut self, name: &'static str, attributes: &Attributes<'_>) {
        self.open(name, attributes);
        // In HTML nothing may follow a void element's tag; an SVG shape needs its end.
        if !matches!(name, "br" | "hr" | "input" | "col") {
            self.close(name);
        }
    }

    /// A link to a web address; the bare text where it is none.
    pub fn link(&mut self, address: &str, text: &str) {
        match web_address(address) {
            Some(address) => {
                self.0.push_str("<a rel=\"noopener noreferrer\" href=\"");
                self.0.push_str(&address);
                self.0.push_str("\">");
                self.text(text);
                self.0.push_str("</a>");
            }
            None => self.text(text),
        }
    }

    /// A link to a place of this page: the `id` of an element.
    pub fn jump(&mut self, id: &str, text: &str) {
        self.0.push_str("<a href=\"#");
        self.0.push_str(&escape_html(id));
        self.0.push_str("\">");
        self.text(text);
        self.0.push_str("</a>");
    }

    /// Another piece behind this one.
    pub fn add(&mut self, other: &Self) {
        self.0.push_str(&other.0);
    }

    /// A line feed between blocks, for those who read the source.
    pub fn line(&mut self) {
        self.0.push('\n');
    }

    fn open(&mut self, name: &'static str, attributes: &Attributes<'_>) {
        debug_assert!(!matches!(name, "script" | "style" | "iframe"), "{name}");
        self.0.push('<');
        self.0.push_str(name);
        for (key, value) in attributes {
            debug_assert!(
                !matches!(*key, "href" | "src" | "style") && !key.starts_with("on"),
                "{key} needs more than escaping"
            );
            self.0.push(' ');
            self.0.push_str(key);
            if !value.is_empty() {
                self.0.push_str("=\"");
                self.text(value);
                self.0.push('"');
            }
        }
        self.0.push('>');
    }

    fn close(&mut self, name: &'static str) {
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push('>');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_in_its_place() {
        let mut html = Html::new();
        html.element("td", &[("class", "a\" onload=\"x"), ("hidden", "")], |td| {
            td.text("</td><script>\n::error::x");
        });
        assert_eq!(
            html.as_str(),
            "<td class=\"a&quot; onload=&quot;x\" hidden>&lt;/td&gt;&lt;script&gt;&#10;::error::x</td>"
        );
    }

    #[test]
    fn only_web_addresses_are_links() {
        let mut html = Html::new();
        html.link("javascript:alert(1)", "a");
        html.link("https://a.example/?q=\"", "b");
        html.jump("q-x\">", "c");
        assert_eq!(
            html.as_str(),
            "a<a rel=\"noopener noreferrer\" href=\"https://a.example/?q=%22\">b</a><a href=\"#q-x&quot;&gt;\">c</a>"
        );
    }
}
