//! The files of a migration: what they say, and whether they may be written.
//!
//! The one thing to know: the first line holds a digest of the rest. A file whose digest does not
//! hold was edited, and is never overwritten; nor is one whose quote is recorded, since its manifest
//! is what counts now.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::report::{Moved, Outcome, Written};
use crate::desired::Quote;
use crate::failure::SourceFile;
use crate::key::{ConnectionName, Fingerprint};
use crate::manifest::write::{Remarks, quote_text};
use crate::yaml::{self, Kind, Mark, Node, Sign, marks};

const MARK: &str = "# proforma migrate: ";

/// Lines of a comment are not endless.
const MOST_OF_A_REMARK: usize = 160;

/// The text of a new manifest's file.
pub fn text(moved: &Moved, quote: &Quote, from: &ConnectionName, to: &ConnectionName) -> String {
    let body = quote_text(quote, &remarks(moved, Vec::new()));
    format!("{MARK}{from}/{} -> {to}; digest {}\n{body}", moved.quote, digest(&body))
}

fn digest(body: &str) -> Fingerprint {
    Fingerprint::of_parts("proforma 2026 migrated manifest 1", &[body])
}

/// The comments that say what is not as it was.
fn remarks(moved: &Moved, head: Vec<String>) -> Remarks {
    let mut remarks = Remarks { head, at: BTreeMap::new() };
    for row in &moved.rows {
        if !matches!(row.outcome, Outcome::Rounded | Outcome::Approximated | Outcome::Lost) {
            continue;
        }
        let said = row.from.as_deref().map(|from| format!(" was {from};")).unwrap_or_default();
        let line = format!("{}: {}:{said} {}", row.outcome.word(), row.path, row.why);
        let line = line.replace(['\r', '\n'], " ");
        remarks.at.entry(row.path.clone()).or_default().push(cut(&line));
    }
    remarks
}

/// A remark that is not endless: cut behind a word, with a sign that there is more.
fn cut(line: &str) -> String {
    const MORE: &str = "...";
    let most = MOST_OF_A_REMARK - MORE.len();
    let ends = |n: usize| line.char_indices().nth(n).map(|(at, _)| at);
    let (Some(_), Some(end)) = (ends(MOST_OF_A_REMARK), ends(most)) else {
        return line.to_owned();
    };
    let start = line.get(..end).unwrap_or_default();
    // One word that fills the line is cut inside.
    let words = start.rsplit_once(' ').map(|(words, _)| words.trim_end());
    let words = words.filter(|w| w.len() > start.len() / 2).unwrap_or(start);
    format!("{words}{MORE}")
}

/// Whether a new text may take the place of what is there.
pub fn decide(existing: Option<&str>, new: &str, recorded: bool) -> Written {
    let Some(existing) = existing else { return Written::New };
    if existing == new {
        return Written::Unchanged;
    }
    if recorded {
        return Written::Applied;
    }
    if is_untouched(existing) { Written::Renewed } else { Written::Edited }
}

/// Whether nobody has edited a file since a migration wrote it.
fn is_untouched(text: &str) -> bool {
    let Some((first, body)) = text.split_once('\n') else { return false };
    let told =
        first.strip_prefix(MARK).and_then(|line| line.rsplit_once("digest ")).map(|(_, d)| d);
    told.and_then(Fingerprint::parse) == Some(digest(body))
}

/// A file with the documents of some quotes replaced by what they have become. Comments stay: those
/// of a document stand above the key that they stood at. `None` where the documents are not found.
pub fn replaced(source: &Arc<SourceFile>, moved: &[(usize, &Moved, &Quote)]) -> Option<String> {
    let text = source.text.as_str();
    let parsed = yaml::parse(text, 0);
    let spans = scalars(text)?;
    let mut out = text.to_owned();
    let mut order: Vec<&(usize, &Moved, &Quote)> = moved.iter().collect();
    order.sort_by_key(|(start, ..)| std::cmp::Reverse(*start));
    for (start, moved, quote) in order {
        let index = parsed.documents.iter().position(|d| d.start == *start)?;
        let document = parsed.documents.get(index)?;
        let next = parsed.documents.get(index + 1).map_or(text.len(), |d| d.start);
        let chunk = text.get(*start..next)?;
        let (before, inner, after) = frame(chunk);
        let offset = *start + before.len();
        let (head, at) = comments(inner, offset, &spans, &document.root);
        let mut all = remarks(moved, head);
        for (key, mut lines) in at {
            let known = all.at.entry(key).or_default();
            lines.append(known);
            *known = lines;
        }
        let body = quote_text(quote, &all);
        let whole = format!("{before}{body}{after}");
        out.replace_range(*start..next, &whole);
    }
    Some(out)
}

/// The separators around a document.
fn frame(chunk: &str) -> (&str, &str, &str) {
    let begin = match chunk.strip_prefix("---") {
        Some(rest) if rest.starts_with('\n') => 4,
        Some(rest) if rest.starts_with("\r\n") => 5,
        _ => 0,
    };
    let rest = chunk.get(begin..).unwrap_or_default();
    let end = ["---\n", "---\r\n", "---"]
        .iter()
        .find_map(|mark| {
            let inner = rest.strip_suffix(mark)?;
            (inner.is_empty() || inner.ends_with('\n')).then_some(inner.len())
        })
        .unwrap_or(rest.len());
    let (inner, after) = rest.split_at(end);
    (chunk.get(..begin).unwrap_or_default(), inner, after)
}

/// The stretches of all keys and values of a text.
fn scalars(text: &str) -> Option<Vec<(usize, usize)>> {
    let scalars =
        |mark: Mark| matches!(mark.sign, Sign::Scalar { .. }).then_some((mark.start, mark.end));
    Some(marks(text)?.into_iter().filter_map(scalars).collect())
}

/// The comments of a document: those before its first key, and the others by the key that follows
/// (or that they stand behind).
fn comments(
    inner: &str,
    offset: usize,
    spans: &[(usize, usize)],
    root: &Node<'_>,
) -> (Vec<String>, Vec<(String, Vec<String>)>) {
    let keys: Vec<(usize, String)> = match &root.kind {
        Kind::Mapping(entries) => {
            entries.iter().map(|e| (e.key_span.offset as usize, e.key.to_string())).collect()
        }
        _ => Vec::new(),
    };
    let (mut head, mut at): (Vec<String>, Vec<(String, Vec<String>)>) = (Vec::new(), Vec::new());
    let mut line_start = offset;
    for line in inner.split_inclusive('\n') {
        let mut found = None;
        for (i, c) in line.char_indices() {
            let place = line_start + i;
            let free = line.get(..i).is_some_and(|b| b.is_empty() || b.ends_with([' ', '\t']));
            let inside = || spans.iter().any(|(from, to)| *from < place && place < *to);
            if c == '#' && free && !inside() {
                found = line.get(i + 1..).map(|t| (t.trim().to_owned(), place));
                break;
            }
        }
        if let Some((text, place)) = found {
            let alone = line.trim_start().starts_with('#');
            let key = if alone {
                keys.iter().find(|(k, _)| *k > place)
            } else {
                keys.iter().rev().find(|(k, _)| *k < place)
            };
            let first = keys.first().is_none_or(|(k, _)| alone && *k > place);
            match key {
                Some((_, key)) if !first => at.push((key.clone(), vec![text])),
                _ => head.push(text),
            }
        }
        line_start += line.len();
    }
    (head, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_untouched_files_are_written_anew() {
        let body = "quote: a\n";
        let whole = format!("{MARK}crm/a -> shop; digest {}\n{body}", digest(body));
        assert_eq!(decide(None, &whole, false), Written::New);
        assert_eq!(decide(Some(&whole), &whole, true), Written::Unchanged);
        assert_eq!(decide(Some(&whole), "else", false), Written::Renewed);
        assert_eq!(decide(Some(&whole), "else", true), Written::Applied);
        let edited = whole.replace("quote: a", "quote: b");
        assert_eq!(decide(Some(&edited), "else", false), Written::Edited);
        assert_eq!(decide(Some("quote: a\n"), "else", false), Written::Edited);
    }

    #[test]
    fn remarks_are_cut_behind_a_word_and_say_so() {
        let short = "x".repeat(MOST_OF_A_REMARK);
        assert_eq!(cut(&short), short);
        let words = "word ".repeat(40);
        assert_eq!(cut(words.trim_end()), format!("{}...", "word ".repeat(31).trim_end()));
        assert_eq!(cut(&"å".repeat(200)), format!("{}...", "å".repeat(157)));
    }

    #[test]
    fn comments_are_found_by_the_key_that_they_stand_at() {
        let text = "# top\nquote: a # the name\n# on items\nitems:\n  - name: \"x # y\" # inner\n";
        let parsed = yaml::parse(text, 0);
        let root = &parsed.documents[0].root;
        let spans = scalars(text).unwrap();
        let (head, at) = comments(text, 0, &spans, root);
        assert_eq!(head, ["top"]);
        let at: Vec<(&str, &str)> = at.iter().map(|(k, l)| (k.as_str(), l[0].as_str())).collect();
        assert_eq!(at, [("quote", "the name"), ("items", "on items"), ("items", "inner")]);
    }

    #[test]
    fn the_frame_of_a_document_is_kept() {
        assert_eq!(frame("---\na: 1\n"), ("---\n", "a: 1\n", ""));
        assert_eq!(frame("a: 1\n---\n"), ("", "a: 1\n", "---\n"));
        assert_eq!(frame("a: 1\n"), ("", "a: 1\n", ""));
    }
}
