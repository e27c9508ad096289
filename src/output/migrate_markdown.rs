//! A migration for a comment on a pull request.
//!
//! Invariants: never longer than GitHub takes, however many quotes there are: what does not fit is
//! counted. Foreign text passes the one door to Markdown.

use std::fmt::Write as _;

use super::escape_markdown::escape_markdown;
use super::migrate_groups::{self as grouped, WORTH};
use super::wording;
use crate::migrate::report::Migration;

/// The longest comment that GitHub takes, less some room for the last line.
const LIMIT: usize = 65_536 - 512;
/// Characters of one cell.
const CELL: usize = 240;

/// The text, with the sum first.
pub fn migrate_markdown(migration: &Migration) -> String {
    let mut out = Doc { text: String::new(), left: 0 };
    out.force(&format!("## {}\n\n", escape_markdown(&grouped::headline(migration))));
    out.force(&format!("{}\n", escape_markdown(&grouped::counts(migration))));
    if let Some(archived) = &migration.archived {
        let rows = archived.iter().map(|a| {
            vec![a.quote.to_string(), a.state.unwrap_or("left alone").to_owned(), a.why.clone()]
        });
        out.table("Archive", &["quote", "state", "why"], rows.collect());
    }
    let different: Vec<Vec<String>> = grouped::different(migration)
        .into_iter()
        .map(|q| {
            let totals = wording::total(q.totals.before, q.totals.after).unwrap_or_default();
            vec![q.quote.to_string(), totals, q.totals.why.clone().unwrap_or_default()]
        })
        .collect();
    out.table("Other totals", &["quote", "total", "because of"], different);
    for outcome in WORTH {
        let rows: Vec<Vec<String>> = grouped::groups(migration, outcome)
            .into_iter()
            .map(|g| {
                vec![g.field.clone(), g.count.to_string(), g.why.to_owned(), g.example.to_owned()]
            })
            .collect();
        out.table(outcome.word(), &["field", "times", "why", "first seen in"], rows);
    }
    for (section, names) in &migration.unmapped {
        let rows: Vec<Vec<String>> =
            names.iter().map(|(name, hint)| vec![name.clone(), hint.clone()]).collect();
        out.table(&format!("Unmapped {section}"), &["name", "known of it"], rows);
    }
    let left = out.left;
    if left > 0 {
        let more = wording::count(left, "more line");
        let _ = write!(out.text, "\n… and {more}; `--format json` has all of them\n");
    }
    out.text
}

struct Doc {
    text: String,
    /// Lines that did not fit.
    left: usize,
}

impl Doc {
    fn force(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn table(&mut self, title: &str, head: &[&str], rows: Vec<Vec<String>>) {
        if rows.is_empty() {
            return;
        }
        let rule = vec!["---"; head.len()].join(" | ");
        let title = escape_markdown(&format!("{title}: {}", rows.len()));
        let head = format!("\n### {title}\n\n| {} |\n| {rule} |\n", head.join(" | "));
        if self.text.len() + head.len() > LIMIT {
            self.left += rows.len();
            return;
        }
        self.text.push_str(&head);
        for (n, row) in rows.iter().enumerate() {
            let cells: Vec<String> =
                row.iter().map(|c| escape_markdown(&wording::one_line(c, CELL))).collect();
            let line = format!("| {} |\n", cells.join(" | "));
            if self.text.len() + line.len() > LIMIT {
                self.left += rows.len() - n;
                return;
            }
            self.text.push_str(&line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{ConnectionName, QuoteName};
    use crate::migrate::report::{Moved, Outcome, Row, Totals, Unmapped, Written};

    #[test]
    fn however_many_quotes_there_are_it_fits_and_the_rest_is_counted() {
        let row = |n: usize| Row {
            path: format!("items[a{n}].price"),
            outcome: Outcome::Lost,
            from: Some("1".to_owned()),
            to: None,
            why: format!("reason | number {n} <b> @someone").into(),
        };
        let quotes: Vec<Moved> = (0..3000)
            .map(|n| Moved {
                quote: QuoteName::parse(&format!("q{n}")).unwrap(),
                target: QuoteName::parse(&format!("q{n}.shop")).unwrap(),
                totals: Totals::default(),
                rows: vec![row(n)],
                result: None,
                file: None,
                written: Written::Nothing,
            })
            .collect();
        let name = |t| ConnectionName::parse(t).unwrap();
        let migration = Migration {
            from: name("crm"),
            to: name("shop"),
            quotes,
            unmapped: Unmapped::new(),
            archived: None,
            files: Vec::new(),
            diagnostics: Vec::new(),
        };
        let text = migrate_markdown(&migration);
        assert!(text.len() < 65_536, "{}", text.len());
        let shown = text.lines().filter(|l| l.contains("reason")).count();
        let counted = format!("… and {} more lines", 3000 - shown);
        assert!(text.contains(&counted), "{counted}\n{}", &text[text.len() - 300..]);
        assert!(!text.contains("<b>") && !text.contains(" @someone"), "foreign text is escaped");
    }
}
