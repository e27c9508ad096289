//! The pieces that pages share: cards of numbers, badges, the toolbar, tables.
//!
//! Invariant: a piece only arranges; what it is given is text and goes through [`Html`].

use super::Html;

/// A filter of the toolbar.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chip {
    /// The word of `data-kind` that it shows.
    pub kind: &'static str,
    /// What it is called.
    pub label: String,
    /// How many rows are of the kind.
    pub count: usize,
}

impl Chip {
    /// A chip.
    pub fn new(kind: &'static str, label: impl Into<String>, count: usize) -> Self {
        Self { kind, label: label.into(), count }
    }
}

/// A column of a table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Column<'a> {
    title: &'a str,
    class: &'static str,
}

impl<'a> Column<'a> {
    /// Of text.
    pub fn text(title: &'a str) -> Self {
        Self { title, class: "" }
    }

    /// Of numbers: cells of it have the class `number` too.
    pub fn number(title: &'a str) -> Self {
        Self { title, class: "number" }
    }
}

/// A row of cards; fill it with [`card`].
pub fn cards(out: &mut Html, inner: impl FnOnce(&mut Html)) {
    out.element("div", &[("class", "cards")], inner);
    out.line();
}

/// A number with what it counts and a line below it (may be empty).
pub fn card(out: &mut Html, label: &str, value: &str, below: &str) {
    out.element("div", &[("class", "card")], |card| {
        card.leaf("div", &[("class", "label")], label);
        card.leaf("div", &[("class", "value")], value);
        if !below.is_empty() {
            card.leaf("div", &[("class", "below")], below);
        }
    });
}

/// A word in a coloured frame. `tone` is one of the classes of the module's head.
pub fn badge(out: &mut Html, tone: &'static str, text: &str) {
    out.element("span", &[("class", "badge"), ("data-tone", tone)], |b| b.text(text));
}

/// The toolbar over everything below it that has `data-kind`: a chip for all rows, one for each
/// kind that has any, and a search box. Without the script it is not there.
pub fn toolbar(out: &mut Html, chips: &[Chip], search: &str) {
    let attributes = [("class", "toolbar"), ("data-toolbar", ""), ("hidden", "")];
    out.element("div", &attributes, |bar| {
        let group = [("class", "chips"), ("role", "group"), ("aria-label", "Filter")];
        bar.element("div", &group, |group| {
            chip(group, "all", "all", None, true);
            for one in chips.iter().filter(|c| c.count > 0) {
                chip(group, one.kind, &one.label, Some(one.count), false);
            }
        });
        bar.void("input", &[("type", "search"), ("placeholder", search), ("aria-label", search)]);
        let toggle = [("type", "button"), ("class", "quiet"), ("data-unfold", "")];
        bar.leaf("button", &toggle, "open all");
        bar.element("span", &[("class", "seen"), ("data-seen", ""), ("role", "status")], |_| {});
    });
    out.line();
}

fn chip(out: &mut Html, kind: &str, label: &str, count: Option<usize>, pressed: bool) {
    let state = if pressed { "true" } else { "false" };
    let attributes = [
        ("type", "button"),
        ("class", "chip"),
        ("data-filter", kind),
        ("data-tone", kind),
        ("aria-pressed", state),
    ];
    out.element("button", &attributes, |button| {
        button.text(label);
        if let Some(count) = count {
            button.text(" ");
            button.leaf("b", &[], &count.to_string());
        }
    });
}

/// A table that scrolls by itself where it is too wide; fill it with [`row`].
pub fn table(out: &mut Html, columns: &[Column<'_>], rows: impl FnOnce(&mut Html)) {
    out.element("div", &[("class", "scroll")], |frame| {
        frame.element("table", &[], |table| {
            table.element("thead", &[], |head| {
                head.element("tr", &[], |tr| {
                    for column in columns {
                        tr.leaf("th", &[("scope", "col"), ("class", column.class)], column.title);
                    }
                });
            });
            table.element("tbody", &[], rows);
        });
    });
    out.line();
}

/// A row that the toolbar can filter by these kinds; none = it is always shown. `cells` writes the
/// `td`s.
pub fn row(out: &mut Html, kinds: &[&str], cells: impl FnOnce(&mut Html)) {
    let kinds = kinds.join(" ");
    if kinds.is_empty() {
        out.element("tr", &[], cells);
    } else {
        out.element("tr", &[("data-kind", &kinds)], cells);
    }
    out.line();
}

/// Something folded: a line that opens what `inner` writes.
pub fn fold(out: &mut Html, title: &str, inner: impl FnOnce(&mut Html)) {
    out.element("details", &[("class", "fold")], |details| {
        details.leaf("summary", &[], title);
        inner(details);
    });
    out.line();
}
