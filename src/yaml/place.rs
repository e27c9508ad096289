//! Places for messages: from a span, or from a path.
//!
//! Invariants: lines and columns count from 1, columns in characters; a place never crosses the end
//! of its first line, so that a caret stays readable. Model types carry no spans: a message that
//! needs one reads the document again, which costs nothing until there is a message.

use std::sync::Arc;

use crate::failure::{Place, SourceFile, column_after};

use super::parse::parse_from;
use super::tree::{Entry, Kind, Node, Span};

/// The place of a span of a file.
pub fn place_of(source: &Arc<SourceFile>, span: Span) -> Place {
    let text = source.text.as_str();
    let mut offset = (span.offset as usize).min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let before = text.get(..offset).unwrap_or_default();
    let mut end = offset.saturating_add(span.length as usize).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let under = text.get(offset..end).unwrap_or_default();
    let under = under.split('\n').next().unwrap_or_default().trim_end();
    Place {
        source: Arc::clone(source),
        offset,
        length: under.len(),
        line: before.matches('\n').count() + 1,
        column: column_after(before),
    }
}

/// Where a path leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Found {
    /// The value, or the key of a value that has no text of its own.
    pub span: Span,
    /// How much of the path is not written there; 0 = all of it is.
    pub rest: usize,
}

/// Where a path (`items[0].price`, `hubspot.hs_language`) is written in the document that starts
/// at byte `start`, or the nearest ancestor that is; `None` when not even the first segment is. The
/// empty path is the first value of the document.
pub fn find(text: &str, start: usize, path: &str) -> Option<Found> {
    let parsed = parse_from(text, 0, start, 1);
    let mut node = &parsed.documents.first()?.root;
    let mut found = None;
    let mut rest = path;
    if rest.is_empty() {
        return first_value(node).map(|span| Found { span, rest: 0 });
    }
    while !rest.is_empty() {
        let Some((span, next, tail)) = step(node, rest) else { break };
        found = Some(Found { span, rest: tail.len() });
        node = next;
        rest = tail;
    }
    found
}

fn first_value(node: &Node<'_>) -> Option<Span> {
    match &node.kind {
        Kind::Mapping(entries) => {
            let named = entries.iter().find(|e| matches!(e.key.as_ref(), "quote" | "product"));
            named.or(entries.first()).map(span_of)
        }
        _ => Some(node.span),
    }
}

/// One segment of a path: where it stands, its node, and what is left of the path.
fn step<'n, 't, 'p>(node: &'n Node<'t>, path: &'p str) -> Option<(Span, &'n Node<'t>, &'p str)> {
    match &node.kind {
        Kind::Mapping(entries) => {
            // Keys may hold dots: the longest key that fits is meant.
            let fits = |e: &&Entry<'t>| {
                path.strip_prefix(e.key.as_ref())
                    .is_some_and(|t| t.is_empty() || t.starts_with(['.', '[']))
            };
            let entry = entries.iter().filter(fits).max_by_key(|e| e.key.len())?;
            let tail = path.get(entry.key.len()..)?;
            Some((span_of(entry), &entry.value, tail.strip_prefix('.').unwrap_or(tail)))
        }
        Kind::Sequence(items) => {
            let (index, tail) = path.strip_prefix('[')?.split_once(']')?;
            let item = items.get(index.parse::<usize>().ok()?)?;
            Some((item.span, item, tail.strip_prefix('.').unwrap_or(tail)))
        }
        _ => None,
    }
}

/// A value that fits on its line is shown itself; anything larger by its key.
fn span_of(entry: &Entry<'_>) -> Span {
    match &entry.value.kind {
        Kind::Plain(_) | Kind::Quoted(_) if entry.value.span.length > 0 => entry.value.span,
        _ => entry.key_span,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a: 0\n---\nquote: q\ntitle: Åsa\nitems:\n  - name: x\n    price: 1.5 # p\n  - {name: y}\nfields:\n  a.b: 7\n  a: {b: 8}\n";

    fn at(path: &str) -> (String, usize, usize) {
        let source = Arc::new(SourceFile { path: "q.yaml".into(), text: TEXT.into() });
        let place = place_of(&source, find(TEXT, 5, path).unwrap().span);
        (TEXT[place.offset..place.offset + place.length].to_owned(), place.line, place.column)
    }

    #[test]
    fn paths_lead_to_their_text() {
        assert_eq!(at("title"), ("Åsa".into(), 4, 8));
        assert_eq!(at("items[0].price"), ("1.5".into(), 7, 12));
        assert_eq!(at("items[1].name"), ("y".into(), 8, 12));
        assert_eq!(at("items"), ("items".into(), 5, 1));
        assert_eq!(at("fields.a.b"), ("7".into(), 10, 8));
        assert_eq!(at(""), ("q".into(), 3, 8));
    }

    #[test]
    fn a_path_that_is_not_written_leads_to_its_nearest_ancestor() {
        assert_eq!(at("items[0].sku").1, 6);
        assert_eq!(at("items[9].sku").1, 5);
        assert_eq!(find(TEXT, 5, "expires"), None);
    }
}
