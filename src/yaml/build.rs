//! Events to a tree, one at a time.
//!
//! Invariants: never deeper than [`MAX_DEPTH`]; duplicate keys, anchors, aliases, tags, merge keys
//! and keys that are not plain text are problems, and building goes on behind them.

use std::borrow::Cow;
use std::collections::HashMap;

use super::parse::MAX_DEPTH;
use super::tree::{Entry, Kind, Node, Problem, Span};

/// What to do instead of anchors and merge keys.
pub(super) const REUSE_HELP: &str = "write values that several quotes share under `connections.NAME.defaults` or in a catalog product";

/// A map or list that is still open.
struct Frame<'t> {
    span: Span,
    shape: Shape<'t>,
}

enum Shape<'t> {
    Sequence(Vec<Node<'t>>),
    Mapping { entries: Vec<Entry<'t>>, key: Option<(Option<Cow<'t, str>>, Span)> },
}

/// Builds one document after the other.
pub(super) struct Builder<'t> {
    text: &'t str,
    stack: Vec<Frame<'t>>,
    root: Option<Node<'t>>,
    problems: Vec<Problem>,
}

impl<'t> Builder<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, stack: Vec::new(), root: None, problems: Vec::new() }
    }

    /// The finished document and its problems; ready for the next one.
    pub(super) fn finish(&mut self) -> (Option<Node<'t>>, Vec<Problem>) {
        self.stack.clear();
        (self.root.take(), std::mem::take(&mut self.problems))
    }

    pub(super) fn scalar(
        &mut self,
        text: Cow<'t, str>,
        plain: bool,
        span: Span,
        anchored: bool,
        tagged: bool,
    ) -> bool {
        self.refuse_properties(span, anchored, tagged);
        let mut span = span;
        if plain && text.is_empty() && !anchored && !tagged {
            span.length = 0;
        }
        let kind = if plain { Kind::Plain(text) } else { Kind::Quoted(text) };
        self.push(Node { kind, span });
        true
    }

    /// Opens a map or a list; `false` when that is too deep.
    pub(super) fn open(&mut self, mapping: bool, span: Span, anchored: bool, tagged: bool) -> bool {
        if self.stack.len() >= MAX_DEPTH {
            return false;
        }
        self.refuse_properties(span, anchored, tagged);
        let shape = if mapping {
            Shape::Mapping { entries: Vec::new(), key: None }
        } else {
            Shape::Sequence(Vec::new())
        };
        self.stack.push(Frame { span, shape });
        true
    }

    pub(super) fn close(&mut self) -> bool {
        let Some(frame) = self.stack.pop() else { return true };
        let node = match frame.shape {
            Shape::Sequence(items) => {
                let span = frame_span(frame.span, items.first().map(|n| n.span));
                Node { kind: Kind::Sequence(items), span }
            }
            Shape::Mapping { entries, .. } => {
                let span = frame_span(frame.span, entries.first().map(|e| e.key_span));
                let entries = self.without_duplicates(entries);
                Node { kind: Kind::Mapping(entries), span }
            }
        };
        self.push(node);
        true
    }

    pub(super) fn alias(&mut self, span: Span) -> bool {
        let problem = Problem::new("yaml-alias", span, "aliases (`*name`) are not allowed here");
        self.problems.push(problem.help(REUSE_HELP));
        self.push(Node { kind: Kind::Broken, span });
        true
    }

    fn refuse_properties(&mut self, span: Span, anchored: bool, tagged: bool) {
        let shorten = |span: Span| Span { length: span.length.min(40), ..span };
        if anchored {
            let problem = Problem::new(
                "yaml-anchor",
                shorten(span),
                "anchors (`&name`) are not allowed here",
            );
            self.problems.push(problem.help(REUSE_HELP));
        }
        if tagged {
            let problem =
                Problem::new("yaml-tag", shorten(span), "tags (`!name`) are not allowed here");
            self.problems.push(problem.help("write the value without a tag"));
        }
    }

    fn push(&mut self, node: Node<'t>) {
        let Some(frame) = self.stack.last_mut() else {
            self.root = Some(node);
            return;
        };
        match &mut frame.shape {
            Shape::Sequence(items) => items.push(node),
            Shape::Mapping { entries, key } => match key.take() {
                Some((Some(text), key_span)) => {
                    entries.push(Entry { key: text, key_span, value: node });
                }
                // The key was refused; its value goes with it.
                Some((None, _)) => {}
                None => *key = Some(key_of(node, &mut self.problems)),
            },
        }
    }

    /// Keeps the first of equal keys and reports the others.
    fn without_duplicates(&mut self, entries: Vec<Entry<'t>>) -> Vec<Entry<'t>> {
        let repeated: Vec<(usize, usize)> = if entries.len() <= 16 {
            let earlier =
                |i: usize, e: &Entry<'_>| entries.iter().take(i).position(|o| o.key == e.key);
            entries.iter().enumerate().filter_map(|(i, e)| Some((i, earlier(i, e)?))).collect()
        } else {
            let mut first: HashMap<&str, usize> = HashMap::with_capacity(entries.len());
            let mut repeated = Vec::new();
            for (i, entry) in entries.iter().enumerate() {
                match first.get(entry.key.as_ref()) {
                    Some(j) => repeated.push((i, *j)),
                    None => {
                        first.insert(entry.key.as_ref(), i);
                    }
                }
            }
            repeated
        };
        if repeated.is_empty() {
            return entries;
        }
        for (again, first) in &repeated {
            let (Some(again), Some(first)) = (entries.get(*again), entries.get(*first)) else {
                continue;
            };
            let line = self.line_of(first.key_span);
            let message = format!("`{}` is written twice; the first is on line {line}", again.key);
            self.problems.push(
                Problem::new("duplicate-key", again.key_span, message).help("keep one of them"),
            );
        }
        let mut drop = repeated.iter().map(|(i, _)| *i).peekable();
        let keep = |(i, entry)| if drop.next_if_eq(&i).is_some() { None } else { Some(entry) };
        entries.into_iter().enumerate().filter_map(keep).collect()
    }

    fn line_of(&self, span: Span) -> usize {
        let before = self.text.get(..span.offset as usize).unwrap_or_default();
        before.matches('\n').count() + 1
    }
}

/// The text of a key, or `None` when it was refused.
fn key_of<'t>(node: Node<'t>, problems: &mut Vec<Problem>) -> (Option<Cow<'t, str>>, Span) {
    let span = node.span;
    let problem = match node.kind {
        Kind::Plain(text) if text == "<<" => {
            Problem::new("yaml-merge-key", span, "merge keys (`<<`) are not allowed here")
                .help(REUSE_HELP)
        }
        Kind::Plain(text) | Kind::Quoted(text) if !text.is_empty() => return (Some(text), span),
        Kind::Broken => return (None, span),
        _ => Problem::new("bad-key", span, "a key must be a text"),
    };
    problems.push(problem);
    (None, span)
}

/// Block maps and lists have no text of their own: point at their first part.
fn frame_span(own: Span, first: Option<Span>) -> Span {
    match first {
        Some(first) if own.length == 0 || first.offset < own.offset => first,
        _ => own,
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::*;

    fn problems(text: &str) -> Vec<(&'static str, u32)> {
        parse(text, 0).problems.iter().map(|p| (p.code, p.span.offset)).collect()
    }

    #[test]
    fn a_duplicate_key_is_reported_at_its_second_place() {
        let parsed = parse("a: 1\nb: 2\na: 3\n", 0);
        assert_eq!(parsed.problems[0].span.offset, 10);
        assert!(parsed.problems[0].message.contains("line 1"));
        assert!(parsed.documents[0].broken);
        let many: Vec<String> = (0..40).map(|i| format!("k{}: 1\n", i % 39)).collect();
        assert_eq!(problems(&many.concat()).len(), 1);
    }

    #[test]
    fn anchors_aliases_tags_and_merge_keys_are_refused_each_at_its_place() {
        let text = "a: &x 1\nb: *x\nc: !t 2\n<<: {d: 1}\n? [e]\n: 1\n";
        assert_eq!(
            problems(text),
            [
                ("yaml-anchor", 3),
                ("yaml-alias", 11),
                ("yaml-tag", 17),
                ("yaml-merge-key", 22),
                ("bad-key", 35)
            ]
        );
        assert_eq!(problems("a: *x\n"), [("yaml-alias", 3)]);
    }

    #[test]
    fn empty_values_point_behind_their_key() {
        let parsed = parse("a:   # nothing\nb: 1\n", 0);
        let Kind::Mapping(entries) = &parsed.documents[0].root.kind else { panic!() };
        assert!(entries[0].value.is_null());
        assert_eq!(entries[0].value.span.length, 0);
    }
}
