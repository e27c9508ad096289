//! The small kit with which every manifest value is read: maps, fields, and the sink of problems.
//!
//! Invariants: a reader never stops at the first problem, it reports and gives what it can; a key
//! that nobody asked for is an unknown key, so the list of known keys cannot drift from the
//! readers; the same problem at the same place is told once, but counted each time, because a
//! broken default breaks every quote that uses it.

use std::cell::RefCell;
use std::collections::HashSet;

use crate::desired::Wish;
use crate::yaml::{Kind, Node, Problem, Span};

/// Problems that a run keeps in full.
pub const MAX_PROBLEMS: usize = 200;

/// Where problems go.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sink {
    problems: Vec<Problem>,
    seen: HashSet<(Span, &'static str, String)>,
    count: usize,
    hidden: usize,
    /// Stretches that hold a literal secret: never shown.
    secrets: Vec<Span>,
}

impl Sink {
    /// Takes a problem.
    pub(crate) fn push(&mut self, problem: Problem) {
        self.count += 1;
        if self.problems.len() >= MAX_PROBLEMS {
            self.hidden += 1;
        } else if self.seen.insert((problem.span, problem.code, problem.message.clone())) {
            self.problems.push(problem);
        }
    }

    /// Takes a problem without a way out.
    pub(crate) fn error(&mut self, code: &'static str, span: Span, message: impl Into<String>) {
        self.push(Problem::new(code, span, message));
    }

    /// How many problems were pushed so far, repeated ones included.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Remembers a stretch that must not be shown.
    pub(crate) fn secret(&mut self, span: Span) {
        self.secrets.push(span);
    }

    /// The stretches that must not be shown.
    pub(crate) fn secrets(&self) -> &[Span] {
        &self.secrets
    }

    /// The problems kept and the number of those that were not.
    pub(crate) fn into_problems(self) -> (Vec<Problem>, usize) {
        (self.problems, self.hidden)
    }
}

/// A named value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field<'n> {
    /// Its key, or what to call it in a message.
    pub(crate) name: &'n str,
    /// The value.
    pub(crate) node: &'n Node<'n>,
    /// Where to point when the value has no text of its own.
    pub(crate) key_span: Span,
    /// The list that it is an element of, if it is one.
    pub(crate) list: Option<&'n Node<'n>>,
}

impl<'n> Field<'n> {
    /// An element of a list, called like its list.
    pub(crate) fn element(&self, node: &'n Node<'n>) -> Self {
        Self { name: self.name, node, key_span: node.span, list: Some(self.node) }
    }

    /// What the value is called in a message: its key, or which element of the list it is.
    pub(crate) fn called(&self) -> String {
        let place = self.list.and_then(|list| match &list.kind {
            Kind::Sequence(all) => all.iter().position(|n| std::ptr::eq(n, self.node)),
            _ => None,
        });
        match place {
            Some(place) => format!("element {} of `{}`", place + 1, self.name),
            None => format!("`{}`", self.name),
        }
    }

    /// Where a message about the value points.
    pub(crate) fn span(&self) -> Span {
        if self.node.span.length == 0 { self.key_span } else { self.node.span }
    }

    /// Whether the value is `null`, nothing, or `""`.
    pub(crate) fn is_cleared(&self) -> bool {
        self.node.is_null() || matches!(&self.node.kind, Kind::Quoted(t) if t.is_empty())
    }

    /// Reports that something else was expected.
    pub(crate) fn wrong_type(&self, wanted: &str, sink: &mut Sink) {
        if matches!(self.node.kind, Kind::Broken) {
            // Told already; counted, so that what holds it is not used.
            sink.count += 1;
            return;
        }
        let message = format!("{} must be {wanted}, not {}", self.called(), self.node.describe());
        sink.error("wrong-type", self.span(), message);
    }

    /// The value as a map.
    pub(crate) fn map(&self, sink: &mut Sink) -> Option<Map<'n>> {
        let map = Map::of(self.node, self.span());
        if map.is_none() {
            self.wrong_type("a map", sink);
        }
        map
    }

    /// The elements of a list.
    pub(crate) fn list(&self, sink: &mut Sink) -> Option<&'n [Node<'n>]> {
        if let Kind::Sequence(items) = &self.node.kind {
            return Some(items);
        }
        self.wrong_type("a list", sink);
        None
    }
}

/// One key of a map that is being read.
#[derive(Debug)]
struct Entry<'n> {
    field: Field<'n>,
    /// 0 is the map itself; higher layers lie under it.
    layer: u8,
}

/// A map, possibly with others under it whose keys show through where it has none.
#[derive(Debug)]
pub(crate) struct Map<'n> {
    entries: Vec<Entry<'n>>,
    asked: RefCell<Vec<&'static str>>,
    /// Where to point when a key is missing.
    pub(crate) span: Span,
}

impl<'n> Map<'n> {
    /// The map behind a node, if it is one.
    pub(crate) fn of(node: &'n Node<'n>, span: Span) -> Option<Self> {
        let Kind::Mapping(entries) = &node.kind else { return None };
        let mut map =
            Self { entries: Vec::with_capacity(entries.len()), asked: RefCell::default(), span };
        map.add(node, 0);
        Some(map)
    }

    /// A map of nothing.
    pub(crate) fn empty(span: Span) -> Self {
        Self { entries: Vec::new(), asked: RefCell::default(), span }
    }

    /// Lays another map under this one. Its own unknown keys are reported where it is read by
    /// itself, not here.
    #[must_use]
    pub(crate) fn over(mut self, lower: Option<&'n Node<'n>>) -> Self {
        if let Some(lower) = lower {
            let layer = self.entries.iter().map(|e| e.layer).max().unwrap_or(0).saturating_add(1);
            self.add(lower, layer);
        }
        self
    }

    fn add(&mut self, node: &'n Node<'n>, layer: u8) {
        let Kind::Mapping(entries) = &node.kind else { return };
        self.entries.extend(entries.iter().map(|e| Entry {
            field: Field { name: e.key.as_ref(), node: &e.value, key_span: e.key_span, list: None },
            layer,
        }));
    }

    /// The value of a key; the upper layer wins.
    pub(crate) fn get(&self, key: &'static str) -> Option<Field<'n>> {
        self.asked.borrow_mut().push(key);
        self.entries.iter().find(|e| e.field.name == key).map(|e| e.field)
    }

    /// The value of a key in every layer, uppermost first.
    pub(crate) fn layers(&self, key: &'static str) -> Vec<Field<'n>> {
        self.asked.borrow_mut().push(key);
        self.entries.iter().filter(|e| e.field.name == key).map(|e| e.field).collect()
    }

    /// Whether the uppermost value of a key comes from a layer under the map itself.
    pub(crate) fn is_inherited(&self, key: &str) -> bool {
        self.entries.iter().find(|e| e.field.name == key).is_some_and(|e| e.layer > 0)
    }

    /// Maps of one key, merged key by key over all layers. An upper `null` hides what lies under.
    pub(crate) fn merged(&self, key: &'static str, sink: &mut Sink) -> Option<Map<'n>> {
        let layers = self.layers(key);
        let top = layers.first()?;
        if top.is_cleared() {
            return Some(Map::empty(top.span()));
        }
        let mut map = top.map(sink)?;
        for lower in layers.iter().skip(1).take_while(|f| !f.is_cleared()) {
            map = map.over(Some(lower.node));
        }
        Some(map)
    }

    /// All visible keys, upper layers first; for maps whose keys are free.
    pub(crate) fn all(&self) -> Vec<Field<'n>> {
        let mut names = HashSet::new();
        self.entries.iter().map(|e| e.field).filter(|f| names.insert(f.name)).collect()
    }

    /// The value of a key that must be there.
    pub(crate) fn need(&self, key: &'static str, what: &str, sink: &mut Sink) -> Option<Field<'n>> {
        let found = self.get(key);
        if found.is_none() {
            sink.error("missing-key", self.span, format!("{what} needs `{key}`"));
        }
        found
    }

    /// Reports every key of the map itself that nobody asked for.
    pub(crate) fn finish(&self, what: &str, sink: &mut Sink) {
        let asked = self.asked.borrow();
        for entry in self.entries.iter().filter(|e| e.layer == 0) {
            let name = entry.field.name;
            if asked.contains(&name) {
                continue;
            }
            let problem = Problem::new(
                "unknown-key",
                entry.field.key_span,
                format!("{what} has no key `{}`", shown(name)),
            );
            let near = nearest(name, asked.iter().copied());
            sink.push(match near {
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None => problem.help(format!("known keys: {}", known(&asked))),
            });
        }
    }
}

fn known(asked: &[&str]) -> String {
    let mut keys: Vec<String> = asked.iter().map(|k| format!("`{k}`")).collect();
    keys.sort_unstable();
    keys.dedup();
    keys.join(", ")
}

/// A name as it may stand in a message: not endless.
pub(crate) fn shown(text: &str) -> String {
    if text.chars().count() <= 60 {
        return text.to_owned();
    }
    text.chars().take(60).chain("...".chars()).collect()
}

/// The known word that a misspelt one most likely meant.
pub(crate) fn nearest<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    if word.len() > 80 {
        return None;
    }
    let allowed = (word.chars().count() / 3).clamp(1, 4);
    let lower = word.to_lowercase();
    let scored = known.map(|k| (strsim::damerau_levenshtein(&lower, &k.to_lowercase()), k));
    let (distance, near) = scored.min()?;
    (distance <= allowed && distance < near.chars().count()).then_some(near)
}

/// Reads an optional field that can be cleared.
pub(crate) fn wish<'n, T>(
    field: Option<Field<'n>>,
    sink: &mut Sink,
    read: impl FnOnce(Field<'n>, &mut Sink) -> Option<T>,
) -> Wish<T> {
    match field {
        None => Wish::Unowned,
        Some(field) if field.is_cleared() => Wish::Clear,
        // What could not be read was reported; the quote is not used then.
        Some(field) => read(field, sink).map_or(Wish::Unowned, Wish::Set),
    }
}

/// Reads an optional field that cannot be cleared.
pub(crate) fn fixed<'n, T>(
    field: Option<Field<'n>>,
    sink: &mut Sink,
    read: impl FnOnce(Field<'n>, &mut Sink) -> Option<T>,
) -> Option<T> {
    let field = field?;
    if field.is_cleared() {
        let problem = Problem::new(
            "cannot-clear",
            field.span(),
            format!("{} cannot be empty", field.called()),
        );
        sink.push(problem.help("give it a value, or leave the key out"));
        return None;
    }
    read(field, sink)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions_are_near_and_never_wild() {
        let keys = ["title", "expires", "currency", "items", "taxes"];
        let near = |w| nearest(w, keys.iter().copied());
        assert_eq!(near("tilte"), Some("title"));
        assert_eq!(near("Currency"), Some("currency"));
        assert_eq!(near("expire"), Some("expires"));
        assert_eq!(near("colour"), None);
        assert_eq!(near(&"x".repeat(100)), None);
    }

    #[test]
    fn repeated_problems_are_told_once_and_counted_each_time() {
        let mut sink = Sink::default();
        for _ in 0..3 {
            sink.error("x", Span::default(), "same");
        }
        assert_eq!(sink.count(), 3);
        assert_eq!(sink.into_problems().0.len(), 1);
        let mut sink = Sink::default();
        for i in 0..250_u32 {
            sink.error("x", Span { offset: i, ..Span::default() }, "other");
        }
        let (kept, hidden) = sink.into_problems();
        assert_eq!((kept.len(), hidden), (MAX_PROBLEMS, 50));
    }
}
