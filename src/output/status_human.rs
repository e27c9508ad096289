//! The page of `status`, and that of `lock list`: tables that fit the terminal.
//!
//! From 72 columns on, a row a quote: desired, recorded and observed side by side. Narrower, the
//! three stand under each other. Below a row stands what makes it other than in sync.

use super::layout::{Page, clip, pad, plain, span, width};
use super::link::linked;
use super::status::{Row, Side, Status, Verdict};
use super::text::safe_line;
use super::theme::{Look, Tone};
use super::wording::{count, shown};
use crate::lockfile::Lockfile;
use crate::plan::model::ChangeOrigin;

/// Columns from which on the sides stand beside each other.
const WIDE: usize = 72;
/// Changes that are shown of one quote, unless asked for more.
const MOST_CHANGES: usize = 6;

/// The page. `clickable` = names are links that the terminal can open.
pub fn status_human(status: &Status, look: Look, clickable: bool) -> String {
    let mut page = Page::new(look);
    if status.rows.is_empty() {
        page.flow(0, 0, &[plain("no quotes")]);
        return page.finish();
    }
    let names = Names::of(status.rows.iter().map(|r| r.quote.as_str()), look.width);
    if look.width >= WIDE {
        let head = format!(
            "  {}  {}  {}  {}  {}",
            pad("quote", names.0),
            pad("desired", STATE),
            pad("recorded", STATE),
            pad("observed", STATE),
            "total"
        );
        page.flow(0, 0, &[span(head, Tone::Muted)]);
    }
    for row in &status.rows {
        write_row(&mut page, row, names, clickable);
    }
    page.blank();
    page.flow(0, 0, &[plain(summary(status))]);
    page.finish()
}

/// The columns of a state.
const STATE: usize = 11;

/// The columns of the names.
#[derive(Clone, Copy)]
struct Names(usize);

impl Names {
    fn of<'a>(names: impl Iterator<Item = &'a str>, page: usize) -> Self {
        let longest = names.map(width).max().unwrap_or(0).max(5);
        Self(longest.min(page.saturating_sub(2 + 3 * (STATE + 2) + 18)).max(12))
    }
}

fn mark(verdict: Verdict) -> (&'static str, Tone) {
    match verdict {
        Verdict::InSync => ("=", Tone::Muted),
        Verdict::New => ("+", Tone::Create),
        Verdict::Changed => ("~", Tone::Update),
        Verdict::Drift => ("≠", Tone::Drift),
        Verdict::Unrecorded => ("@", Tone::Adopt),
        Verdict::Gone => ("x", Tone::Delete),
        Verdict::Orphaned => ("o", Tone::Drift),
        Verdict::Blocked => ("!", Tone::Blocked),
        Verdict::Unverifiable => ("?", Tone::Drift),
    }
}

fn words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::InSync => "in sync",
        Verdict::New => "new: not upstream yet",
        Verdict::Changed => "the manifest changed: `apply` brings it upstream",
        Verdict::Drift => "somebody changed it upstream",
        Verdict::Unrecorded => "upstream with our stamp, not in the lockfile: `apply` adopts it",
        Verdict::Gone => "recorded, and gone upstream",
        Verdict::Orphaned => "its manifest is gone",
        Verdict::Blocked => "blocked",
        Verdict::Unverifiable => "the upstream cannot be asked",
    }
}

fn state(side: Option<&Side>) -> String {
    side.map_or("-", |s| s.state.as_deref().unwrap_or("?")).to_owned()
}

fn total(side: Option<&Side>) -> Option<String> {
    side.and_then(|s| s.total).map(|m| m.to_string())
}

fn write_row(page: &mut Page, row: &Row, names: Names, clickable: bool) {
    let (sign, tone) = mark(row.verdict);
    let address = row.links.get("quote").or_else(|| row.links.values().next());
    let sides = [row.desired.as_ref(), row.recorded.as_ref(), row.observed.as_ref()];
    let look = page.look();
    let name = safe_line(&row.quote).into_owned();
    let wide = look.width >= WIDE;
    let shown_name = if wide { clip(&name, names.0) } else { clip(&name, look.width - 2) };
    let rest = names.0.saturating_sub(width(&shown_name));
    let painted = |text: &str, tone: Tone| {
        let mut out = String::new();
        tone.paint(text, look.color, &mut out);
        out
    };
    let url = address.map_or("", String::as_str);
    let mut line = format!(
        "{} {}",
        painted(sign, tone),
        linked(&painted(&shown_name, Tone::Strong), url, clickable)
    );
    if wide {
        line.extend(std::iter::repeat_n(' ', rest));
        for side in sides {
            line.push_str("  ");
            line.push_str(&pad(&clip(&safe_line(&state(side)), STATE), STATE));
        }
        if let Some(total) = total(sides[2]).or_else(|| total(sides[0])).or_else(|| total(sides[1]))
        {
            line.push_str("  ");
            line.push_str(&total);
        }
    }
    page.verbatim(line.trim_end());
    if !wide {
        for (side, word) in sides.into_iter().zip(["desired", "recorded", "observed"]) {
            let money = total(side).map(|t| format!(" · {t}")).unwrap_or_default();
            let text = format!("{} {}{money}", pad(word, 8), safe_line(&state(side)));
            page.flow(2, 11, &[plain(text)]);
        }
    }
    details(page, row, tone, wide, clickable);
}

/// What is below a row.
fn details(page: &mut Page, row: &Row, tone: Tone, wide: bool, clickable: bool) {
    let verbose = page.look().verbose;
    if row.verdict != Verdict::InSync || row.reason.is_some() {
        let text = match &row.reason {
            Some(reason) if row.verdict == Verdict::Blocked => {
                format!("blocked: {}", safe_line(reason))
            }
            Some(reason) => format!("{}; {}", words(row.verdict), safe_line(reason)),
            None => words(row.verdict).to_owned(),
        };
        page.flow(4, 6, &[span(text, tone)]);
    }
    let totals: Vec<Option<String>> =
        [&row.desired, &row.recorded, &row.observed].map(|s| total(s.as_ref())).into();
    let known: Vec<&String> = totals.iter().flatten().collect();
    if wide && known.windows(2).any(|pair| pair.first() != pair.last()) {
        let said = |n: usize| totals.get(n).and_then(Option::as_deref).unwrap_or("-").to_owned();
        let text =
            format!("total: desired {}, recorded {}, observed {}", said(0), said(1), said(2));
        page.flow(4, 6, &[plain(text)]);
    }
    // A new quote differs in everything: that is `plan`'s to show.
    if !matches!(row.verdict, Verdict::New | Verdict::Gone) {
        let most = if verbose { usize::MAX } else { MOST_CHANGES };
        for change in row.changes.iter().take(most) {
            let side = |value: &Option<_>| {
                value.as_ref().map_or("-".to_owned(), |v| shown(&change.path, v, row.currency()))
            };
            let who = match change.origin {
                ChangeOrigin::Manifest => "",
                ChangeOrigin::Drift => " (changed upstream)",
                ChangeOrigin::Server => " (computed upstream)",
            };
            let text = format!(
                "{} {} → {}{who}",
                safe_line(change.path.as_str()),
                side(&change.before),
                side(&change.after)
            );
            page.flow(4, 6, &[plain(text)]);
        }
        let left = row.changes.len().saturating_sub(most);
        if left > 0 {
            page.flow(
                4,
                6,
                &[span(format!("… {} (-v shows all)", count(left, "more change")), Tone::Muted)],
            );
        }
    }
    if let Some(help) = &row.help {
        page.flow(4, 6, &[span("hint: ", Tone::Strong), plain(safe_line(help).into_owned())]);
    }
    for (what, url) in &row.links {
        // The name is the link to the quote already.
        if clickable && what == "quote" && !verbose {
            continue;
        }
        if verbose || what == "quote" {
            let text = format!("{}: {}", safe_line(what), safe_line(url));
            page.flow(4, 6, &[span(text, Tone::Muted)]);
        }
    }
}

fn summary(status: &Status) -> String {
    let parts: Vec<String> = Verdict::ALL
        .into_iter()
        .map(|v| (status.count(v), v.word().replace('_', " ")))
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| format!("{n} {word}"))
        .collect();
    format!("{}: {}", count(status.rows.len(), "quote"), parts.join(", "))
}

/// The page of `lock list`.
pub fn lock_human(lockfile: &Lockfile, look: Look, clickable: bool) -> String {
    let mut page = Page::new(look);
    if lockfile.entries.is_empty() {
        page.flow(0, 0, &[plain("nothing is recorded")]);
        return page.finish();
    }
    let rows: Vec<[String; 5]> = lockfile
        .entries
        .iter()
        .map(|(name, entry)| {
            [
                name.to_string(),
                entry.connection.to_string(),
                entry.id.to_string(),
                entry.state.clone().unwrap_or_else(|| "-".to_owned()),
                entry.total.map_or_else(|| "-".to_owned(), |m| m.to_string()),
            ]
            .map(|cell| safe_line(&cell).into_owned())
        })
        .collect();
    let head = ["quote", "connection", "id", "state", "total"];
    let mut columns = head.map(width);
    for row in &rows {
        for (column, cell) in columns.iter_mut().zip(row) {
            *column = (*column).max(width(cell));
        }
    }
    let fits = columns.iter().sum::<usize>() + 2 * (columns.len() - 1) <= look.width;
    if fits {
        let cells: Vec<String> = head.iter().zip(columns).map(|(h, w)| pad(h, w)).collect();
        page.flow(0, 0, &[span(cells.join("  "), Tone::Muted)]);
    }
    for (cells, (_, entry)) in rows.iter().zip(&lockfile.entries) {
        let address = entry.links.get("quote").map_or("", String::as_str);
        let [name, connection, id, state, total] = cells;
        let link_name = |text: String| {
            let bare = text.trim_end();
            let gap = " ".repeat(text.len() - bare.len());
            format!("{}{gap}", linked(bare, address, clickable))
        };
        if fits {
            let mut line = link_name(pad(name, columns[0]));
            for (cell, column) in cells.iter().zip(columns).skip(1) {
                line.push_str("  ");
                line.push_str(&pad(cell, column));
            }
            page.verbatim(line.trim_end());
        } else {
            page.verbatim(&link_name(clip(name, look.width)));
            page.flow(2, 4, &[plain(format!("{connection} · {id} · {state} · {total}"))]);
        }
        if !address.is_empty() && !clickable {
            page.flow(2, 4, &[span(safe_line(address).into_owned(), Tone::Muted)]);
        }
    }
    page.finish()
}
