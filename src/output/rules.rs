//! What each code means and the way out, as data: the table of `docs/errors.md`, read once.
//!
//! Invariant: one source. The page that people read is the text that code scanning shows.

use std::collections::BTreeMap;
use std::sync::LazyLock;

const PAGE: &str = include_str!("../../docs/errors.md");

/// What the page says of a code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rule {
    /// What it means.
    pub means: &'static str,
    /// The way out.
    pub way_out: &'static str,
}

static RULES: LazyLock<BTreeMap<&'static str, Rule>> = LazyLock::new(|| {
    let row = |line: &'static str| {
        let mut cells = line.strip_prefix("| `")?.trim_end().strip_suffix('|')?.splitn(3, " | ");
        let code = cells.next()?.trim().strip_suffix('`')?;
        Some((code, Rule { means: cells.next()?.trim(), way_out: cells.next()?.trim() }))
    };
    PAGE.lines().filter_map(row).collect()
});

/// What the page says of a code; `None` where it has no row.
pub fn rule(code: &str) -> Option<Rule> {
    RULES.get(code).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_read_row_by_row() {
        let rule = rule("bad-date").unwrap();
        assert_eq!(rule.means, "not a real day as `YYYY-MM-DD`");
        assert_eq!(rule.way_out, "write the day, for example `2027-01-31`");
        assert!(RULES.len() > 50, "{}", RULES.len());
        assert!(super::rule("no-such-code").is_none());
    }
}
