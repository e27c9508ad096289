//! A code and its page, for people. The text is that of the documentation, Markdown that reads as
//! it is; only fences are taken away and paragraphs laid out anew.

use super::layout::{Page as Sheet, pad, plain, span, width};
use super::theme::{Look, Tone};

/// What there is to say of a code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page {
    /// The code.
    pub code: String,
    /// What it means, in half a sentence.
    pub means: String,
    /// What to do.
    pub way_out: String,
    /// More, in Markdown.
    pub more: Option<String>,
}

/// One code.
pub fn page_human(page: &Page, look: Look) -> String {
    let mut sheet = Sheet::new(look);
    let exit = page.code.bytes().all(|b| b.is_ascii_digit());
    let title = if exit { format!("exit code {}", page.code) } else { page.code.clone() };
    sheet.flow(0, 2, &[span(title, Tone::Strong)]);
    sheet.blank();
    sheet.flow(2, 2, &[plain(page.means.clone())]);
    sheet.blank();
    sheet.flow(2, 11, &[span("way out: ", Tone::Strong), plain(page.way_out.clone())]);
    let Some(more) = &page.more else { return sheet.finish() };
    sheet.blank();
    let mut paragraph: Vec<&str> = Vec::new();
    let mut fenced = false;
    let end = |sheet: &mut Sheet, paragraph: &mut Vec<&str>| {
        if !paragraph.is_empty() {
            sheet.flow(2, 2, &[plain(paragraph.join(" "))]);
            paragraph.clear();
        }
    };
    for line in more.lines() {
        if line.starts_with("```") {
            end(&mut sheet, &mut paragraph);
            fenced = !fenced;
        } else if fenced {
            sheet.flow(4, 6, &[plain(line)]);
        } else if line.trim().is_empty() {
            end(&mut sheet, &mut paragraph);
            sheet.blank();
        } else if line.starts_with("- ") {
            end(&mut sheet, &mut paragraph);
            sheet.flow(2, 4, &[plain(line)]);
        } else {
            paragraph.push(line.trim());
        }
    }
    end(&mut sheet, &mut paragraph);
    sheet.finish()
}

/// All codes, a line each.
pub fn index_human(errors: &[Page], exits: &[Page], look: Look) -> String {
    let mut sheet = Sheet::new(look);
    for (title, pages) in [("Exit codes", exits), ("Error codes", errors)] {
        sheet.blank();
        sheet.flow(0, 0, &[span(title, Tone::Strong)]);
        let longest = pages.iter().map(|p| width(&p.code)).max().unwrap_or(0);
        let column = longest.min(look.width / 3);
        for page in pages {
            let code = span(pad(&page.code, column), Tone::Update);
            sheet.flow(2, column + 4, &[code, plain("  "), plain(page.means.clone())]);
        }
    }
    sheet.blank();
    sheet.flow(0, 0, &[plain("`proforma explain CODE` says what to do.")]);
    sheet.finish()
}
