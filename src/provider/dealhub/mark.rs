//! The mark: proforma's stamp at the end of a quote's name.
//!
//! DealHub's generate can set no external id and no hidden field; the name is the only text that
//! is stored, listed and ours to write. `Acme: annual audit [pf1-0123..]`.

use super::mapping::NAME_MAX;
use crate::key::Stamp;

/// ` [` and `]` around a stamp of 36 characters.
const MARK: usize = 39;
/// The longest title that leaves room for the mark.
pub const TITLE_MAX: usize = NAME_MAX - MARK;

/// A title with the mark behind it.
pub fn join(title: &str, stamp: &Stamp) -> String {
    format!("{title} [{stamp}]")
}

/// A name without its mark, and the mark.
pub fn split(name: &str) -> (&str, Option<Stamp>) {
    let name = name.trim_end();
    let found = name.strip_suffix(']').and_then(|n| n.rsplit_once('['));
    match found.and_then(|(title, mark)| Some((title, Stamp::parse(mark)?))) {
        Some((title, stamp)) => (title.trim_end(), Some(stamp)),
        None => (name, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{QuoteName, WorkspaceName};

    #[test]
    fn a_mark_comes_back_and_the_longest_title_fits() {
        let stamp =
            Stamp::new(&WorkspaceName::parse("w").unwrap(), &QuoteName::parse("q").unwrap(), 0, "");
        let title = "å".repeat(TITLE_MAX);
        let name = join(&title, &stamp);
        assert_eq!(name.chars().count(), NAME_MAX);
        assert_eq!(split(&name), (title.as_str(), Some(stamp)));
        assert_eq!(split("Offer [draft]"), ("Offer [draft]", None));
        assert_eq!(split(""), ("", None));
    }
}
