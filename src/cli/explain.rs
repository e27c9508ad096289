//! The command `explain`: what an error code or an exit code means, and the way out.
//!
//! The pages are those of the documentation, compiled in: there is one text. A test finds codes
//! without a page, and pages without a code.

use super::Ending;
use crate::failure::{Failure, Kind};
use crate::manifest::nearest;
use crate::output::explain_human::{Page, index_human, page_human};
use crate::output::printer::Printer;
use crate::output::text::safe;

/// The table of error codes, and what there is to say besides.
const ERRORS: &str = include_str!("../../docs/errors.md");
/// The table of exit codes, and what there is to say besides.
const EXITS: &str = include_str!("../../docs/exit-codes.md");

/// Explains a code, or lists all.
pub fn run(code: Option<&str>, printer: &Printer) -> Ending {
    let Some(code) = code else {
        printer.data(&index_human(&errors(), &exits(), printer.look()));
        return Ok(None);
    };
    let wanted = code.trim().trim_matches('`').to_lowercase();
    let (errors, exits) = (errors(), exits());
    if let Some(page) = errors.iter().chain(&exits).find(|p| p.code == wanted) {
        printer.data(&page_human(page, printer.look()));
        return Ok(None);
    }
    let failure = Failure::new(Kind::Invalid, format!("there is no code `{}`", safe(code)));
    Err(failure.help(match near(&wanted, &errors) {
        near if near.is_empty() => "`proforma explain` lists all codes".to_owned(),
        near => format!("did you mean {}?", near.join(" or ")),
    }))
}

/// The codes that were most likely meant: the nearest by letters, else those with the same words.
fn near(wanted: &str, pages: &[Page]) -> Vec<String> {
    let codes = || pages.iter().map(|p| p.code.as_str());
    let quoted = |code: &str| format!("`{code}`");
    if let Some(found) = nearest(wanted, codes()) {
        return vec![quoted(found)];
    }
    let words: Vec<&str> = wanted.split(['-', '_', ' ']).filter(|w| w.len() > 2).collect();
    let shared = |code: &str| words.iter().filter(|w| code.contains(*w)).count();
    let mut found: Vec<&str> = codes().filter(|code| shared(code) > 0).collect();
    found.sort_by_key(|code| std::cmp::Reverse(shared(code)));
    found.into_iter().take(4).map(quoted).collect()
}

/// The codes of errors, with their pages.
pub fn errors() -> Vec<Page> {
    rows(between(ERRORS, "<!-- error codes -->", "<!-- /error codes -->"))
        .filter_map(|cells| {
            let [code, means, way_out] = cells.try_into().ok()?;
            let code = code.strip_prefix('`')?.strip_suffix('`')?.to_owned();
            let more = section(ERRORS, &format!("### `{code}`"), "### ");
            Some(Page { code, means, way_out, more })
        })
        .collect()
}

/// The exit codes, with their pages.
pub fn exits() -> Vec<Page> {
    rows(EXITS)
        .filter_map(|cells| {
            let [code, means, way_out] = cells.try_into().ok()?;
            code.parse::<u8>().ok()?;
            let more = section(EXITS, &format!("## {code}: "), "## ");
            Some(Page { code, means, way_out, more })
        })
        .collect()
}

fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    let rest = text.split_once(from).map_or("", |(_, rest)| rest);
    rest.split_once(to).map_or(rest, |(inner, _)| inner)
}

/// The cells of each row of the tables in a text.
fn rows(text: &str) -> impl Iterator<Item = Vec<String>> {
    text.lines().filter_map(|line| {
        let inner = line.strip_prefix("| ")?.strip_suffix(" |")?;
        // A bar inside a cell is written `\|`.
        let cells = inner.replace("\\|", "\u{0}");
        Some(cells.split(" | ").map(|cell| cell.trim().replace('\u{0}', "|")).collect())
    })
}

/// What stands under a headline, without it.
fn section(text: &str, headline: &str, next: &str) -> Option<String> {
    let mut lines = text.lines().skip_while(|line| !line.starts_with(headline)).skip(1);
    let mut out: Vec<&str> = Vec::new();
    let mut fenced = false;
    for line in lines.by_ref() {
        fenced ^= line.starts_with("```");
        // A headline of the same or a higher rank ends it; a `#` in a block of code does not.
        let rank = line.chars().take_while(|c| *c == '#').count();
        if !fenced && rank > 0 && rank < next.len() {
            break;
        }
        out.push(line);
    }
    let joined = out.join("\n").trim().to_owned();
    (!joined.is_empty()).then_some(joined)
}
