//! The difference of two texts, line by line, with the changed words of a line marked.
//!
//! Invariants: removed lines begin with `-`, added ones with `+`, so that colour is not needed.
//! The work is bounded by the size of what is compared, never by a clock: the same input gives
//! the same page on any machine. What is left out is counted.

use similar::{ChangeTag, TextDiff};

use super::layout::{Page, Span, plain, span};
use super::text::safe;
use super::theme::Tone;
use super::wording;

/// Texts beyond this are not compared: in bytes, and in lines.
const MOST_BYTES: usize = 64 * 1024;
const MOST_LINES: usize = 2_000;
/// Up to this many bytes changed words are marked.
const MOST_BYTES_INLINE: usize = 16 * 1024;
/// Lines shown of one text, unless asked for more.
const MOST_SHOWN: usize = 16;
/// Characters shown of one line.
const MOST_OF_A_LINE: usize = 2_000;
/// Unchanged lines shown round a change.
const CONTEXT: usize = 1;

/// Writes the difference at `indent`.
pub(super) fn write(page: &mut Page, indent: usize, before: &str, after: &str) {
    let size = before.len().max(after.len());
    if size > MOST_BYTES || before.lines().count().max(after.lines().count()) > MOST_LINES {
        for (sign, text, tone) in [("- ", before, Tone::Delete), ("+ ", after, Tone::Create)] {
            if !text.is_empty() {
                let text = wording::one_line(text, 200);
                page.flow(indent, indent + 2, &[span(sign, tone), span(text, tone)]);
            }
        }
        return;
    }
    let lines = lines(before, after, size <= MOST_BYTES_INLINE);
    let most = if page.look().verbose { usize::MAX } else { MOST_SHOWN };
    let total = lines.len();
    // One line more is shorter than saying that there is one more.
    let most = if total == most.saturating_add(1) { total } else { most };
    for line in lines.into_iter().take(most) {
        page.flow(indent, indent + 2, &line);
    }
    if total > most {
        let rest = format!("… {} (-v shows all)", wording::count(total - most, "more line"));
        page.flow(indent, indent, &[span(rest, Tone::Muted)]);
    }
}

fn lines(before: &str, after: &str, inline: bool) -> Vec<Vec<Span>> {
    let diff = TextDiff::from_lines(before, after);
    let mut out = Vec::new();
    let mut reached = 0;
    for group in diff.grouped_ops(CONTEXT) {
        let start = group.first().map_or(0, |op| op.old_range().start);
        out.extend(skipped(start.saturating_sub(reached)));
        reached = group.last().map_or(reached, |op| op.old_range().end);
        for op in group {
            if inline {
                for change in diff.iter_inline_changes_deadline(&op, None) {
                    let pieces = change.values().iter().map(|(marked, text)| (*marked, *text));
                    out.push(drawn(change.tag(), pieces));
                }
            } else {
                for change in diff.iter_changes(&op) {
                    out.push(drawn(change.tag(), std::iter::once((false, change.value()))));
                }
            }
        }
    }
    out.extend(skipped(diff.old_len().saturating_sub(reached)));
    out
}

fn skipped(count: usize) -> Option<Vec<Span>> {
    let text = || format!("  … {} unchanged", wording::count(count, "line"));
    (count > 0).then(|| vec![span(text(), Tone::Muted)])
}

fn drawn<'a>(tag: ChangeTag, pieces: impl Iterator<Item = (bool, &'a str)>) -> Vec<Span> {
    let (sign, tone, word) = match tag {
        ChangeTag::Delete => ("- ", Tone::Delete, Tone::RemovedWord),
        ChangeTag::Insert => ("+ ", Tone::Create, Tone::AddedWord),
        ChangeTag::Equal => ("  ", Tone::Muted, Tone::Muted),
    };
    let mut line = vec![span(sign, tone)];
    let mut room = MOST_OF_A_LINE;
    for (marked, text) in pieces {
        let text = text.trim_end_matches('\n');
        if room == 0 || text.is_empty() {
            continue;
        }
        let taken = text.chars().count();
        let shown = if taken > room { wording::brief(text, room) } else { safe(text).into_owned() };
        room = room.saturating_sub(taken);
        line.push(span(shown, if marked { word } else { tone }));
    }
    if line.len() == 1 {
        // An empty line still shows its sign.
        line.push(plain(""));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::theme::Look;

    fn diff(before: &str, after: &str, verbose: bool, color: bool) -> String {
        let mut page = Page::new(Look { color, width: 60, verbose });
        write(&mut page, 2, before, after);
        page.finish()
    }

    #[test]
    fn changed_lines_with_one_line_of_context() {
        let out = diff("a\nb\nc\nsecond year\nd\n", "a\nb\nc\nthird year\nd\n", false, false);
        assert_eq!(out, "    … 2 lines unchanged\n    c\n  - second year\n  + third year\n    d\n");
    }

    #[test]
    fn changed_words_are_marked_in_colour() {
        let out = diff("a second year together", "a third year together", false, true);
        assert!(out.contains("second\u{1b}[0m"), "{out:?}");
        assert!(out.contains("\u{1b}[1m\u{1b}[4m\u{1b}[32mthird"), "{out:?}");
    }

    #[test]
    fn long_differences_are_counted_and_shown_on_request() {
        let after = "line\n".repeat(40);
        let out = diff("", &after, false, false);
        assert!(out.ends_with("  … 24 more lines (-v shows all)\n"), "{out}");
        assert_eq!(diff("", &after, true, false).lines().count(), 40);
    }

    #[test]
    fn a_huge_text_is_told_not_compared() {
        let out = diff("old", &"x".repeat(1 << 20), true, false);
        assert!(out.len() < 1_000, "{}", out.len());
        assert!(out.contains("(1048376 more"), "{out}");
    }

    #[test]
    fn hostile_lines_are_shown_not_obeyed() {
        let out = diff("a", "\u{1b}[2J\u{202e}b", false, false);
        assert!(out.contains("\\u{1b}[2J\\u{202e}b"), "{out}");
    }
}
