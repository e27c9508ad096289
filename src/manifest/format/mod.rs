//! The canonical layout of manifests and of the workspace file: what `fmt` writes.
//!
//! Keys stand in the order of [`super::order`], two blanks an indent, lists indented under their
//! key, short maps between braces where their author put them there and they fit on a line. Scalars
//! stay as they were written, digit by digit and quote by quote; comments stay with what they stand
//! beside.
//!
//! Invariants: what is read from the new text is what was read from the old one, every comment is
//! there exactly once, and formatting twice changes nothing. All three are checked on each text,
//! by reading it again: a text for which one of them fails is not given.

mod comments;
mod emit;
mod sort;
mod tree;

use crate::yaml::{self, Kind, Node, Problem, Span};

/// How often a text is formatted until it stays as it is.
const MOST_PASSES: usize = 4;

/// Formats a text. `file` is the number that the spans of problems carry.
pub fn format(text: &str, file: u32) -> Result<String, Vec<Problem>> {
    let crlf = text.split_once('\n').is_some_and(|(first, _)| first.ends_with('\r'));
    let bare = text.strip_prefix('\u{feff}').unwrap_or(text);
    // Problems point into the text as it is.
    let parsed = yaml::parse(bare, file);
    if !parsed.problems.is_empty() {
        return Err(parsed.problems);
    }
    for document in &parsed.documents {
        if !matches!(document.root.kind, Kind::Mapping(_)) {
            let message = format!("a manifest is a map, not {}", document.root.describe());
            return Err(vec![Problem::new("not-a-manifest", document.root.span, message)]);
        }
    }
    let plain = bare.replace("\r\n", "\n");
    let unsafe_ = || {
        let message =
            "the layout of this file cannot be changed without a risk, it is left as it is";
        let span = Span { file, ..Span::default() };
        vec![Problem::new("cannot-format", span, message).help(
            "multi-line keys, `%` directives and mixed indentation are what usually causes it: \
             write that part by hand as the documentation shows",
        )]
    };
    let mut now = plain.clone();
    for _ in 0..MOST_PASSES {
        let next = once(&now).ok_or_else(unsafe_)?;
        if next == now {
            let holds = is_same(&plain, &now) && comments::of(&plain) == comments::of(&now);
            let done = if crlf { now.replace('\n', "\r\n") } else { now };
            return if holds { Ok(done) } else { Err(unsafe_()) };
        }
        now = next;
    }
    Err(unsafe_())
}

/// One pass.
fn once(text: &str) -> Option<String> {
    let mut stream = tree::read(text)?;
    sort::sort(&mut stream);
    Some(emit::emit(&stream))
}

/// Whether two texts are read alike, whatever the order of keys.
fn is_same(a: &str, b: &str) -> bool {
    let (a, b) = (yaml::parse(a, 0), yaml::parse(b, 0));
    a.problems.is_empty()
        && b.problems.is_empty()
        && a.documents.len() == b.documents.len()
        && a.documents.iter().zip(&b.documents).all(|(a, b)| alike(&a.root, &b.root))
}

fn alike(a: &Node<'_>, b: &Node<'_>) -> bool {
    match (&a.kind, &b.kind) {
        (Kind::Plain(a), Kind::Plain(b)) | (Kind::Quoted(a), Kind::Quoted(b)) => a == b,
        (Kind::Sequence(a), Kind::Sequence(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b))
        }
        (Kind::Mapping(a), Kind::Mapping(b)) => {
            a.len() == b.len()
                && a.iter().all(|x| b.iter().any(|y| x.key == y.key && alike(&x.value, &y.value)))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
