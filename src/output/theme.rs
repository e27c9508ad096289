//! Colours by meaning, and how a page looks.
//!
//! Invariants: a tone only repeats what a symbol or a word already says, so that nothing is lost
//! without colour. Only the sixteen colours of the terminal's own palette are used: they are
//! readable on light and dark ground alike.

use anstyle::{AnsiColor, Effects, Style};

use crate::apply::report::QuoteOutcome;
use crate::plan::model::Action;

/// How a text page is drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Look {
    /// Whether ANSI colour codes are written.
    pub color: bool,
    /// Columns of the page.
    pub width: usize,
    /// Whether to show every step, every quote and every line.
    pub verbose: bool,
}

impl Look {
    /// Without colour, with a width: for logs and tests.
    pub fn plain(width: usize) -> Self {
        Self { color: false, width, verbose: false }
    }
}

/// What a piece of text means.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Tone {
    /// Nothing special.
    #[default]
    Plain,
    /// A heading, or the name of the thing.
    Strong,
    /// Plumbing: ids, connections, unchanged lines.
    Muted,
    /// Made, added, done.
    Create,
    /// Changed in place.
    Update,
    /// Deleted, removed, failed.
    Delete,
    /// Replaced by a new one.
    Replace,
    /// Taken over.
    Adopt,
    /// Cannot be done.
    Blocked,
    /// Somebody else changed it.
    Drift,
    /// The words of a line that were added.
    AddedWord,
    /// The words of a line that were removed.
    RemovedWord,
}

impl Tone {
    fn style(self) -> Style {
        let color = |c: AnsiColor| c.on_default();
        match self {
            Self::Plain => Style::new(),
            Self::Strong => Style::new().bold(),
            Self::Muted => Style::new().dimmed(),
            Self::Create => color(AnsiColor::Green),
            Self::Update => color(AnsiColor::Yellow),
            Self::Delete => color(AnsiColor::Red),
            Self::Replace => color(AnsiColor::Magenta),
            Self::Adopt => color(AnsiColor::Cyan),
            Self::Blocked => color(AnsiColor::Red).bold(),
            Self::Drift => color(AnsiColor::Blue),
            Self::AddedWord => color(AnsiColor::Green).effects(Effects::BOLD | Effects::UNDERLINE),
            Self::RemovedWord => color(AnsiColor::Red).effects(Effects::BOLD | Effects::UNDERLINE),
        }
    }

    /// Appends `text` to `out` in this tone.
    pub(super) fn paint(self, text: &str, color: bool, out: &mut String) {
        if !color || self == Self::Plain || text.is_empty() {
            out.push_str(text);
            return;
        }
        let style = self.style();
        out.push_str(&style.render().to_string());
        out.push_str(text);
        out.push_str(&style.render_reset().to_string());
    }
}

/// The symbol and tone of an action.
pub fn mark_of(action: Action) -> (&'static str, Tone) {
    match action {
        Action::Create => ("+", Tone::Create),
        Action::Update => ("~", Tone::Update),
        Action::Replace => ("±", Tone::Replace),
        Action::Delete => ("-", Tone::Delete),
        Action::Adopt => ("@", Tone::Adopt),
        Action::Forget => ("x", Tone::Delete),
        Action::None => ("=", Tone::Muted),
        Action::Blocked => ("!", Tone::Blocked),
        Action::Unverifiable => ("?", Tone::Drift),
        Action::Orphaned => ("o", Tone::Drift),
    }
}

/// The symbol and tone of an outcome.
pub fn mark_of_outcome(outcome: QuoteOutcome) -> (&'static str, Tone) {
    match outcome {
        QuoteOutcome::Applied => ("✓", Tone::Create),
        QuoteOutcome::Unchanged => ("=", Tone::Muted),
        QuoteOutcome::Failed => ("✗", Tone::Delete),
        QuoteOutcome::Blocked => ("!", Tone::Blocked),
        QuoteOutcome::Unknown => ("?", Tone::Replace),
        QuoteOutcome::Waiting => ("…", Tone::Update),
        QuoteOutcome::Skipped => ("o", Tone::Drift),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_its_own_symbol() {
        let symbols: std::collections::BTreeSet<_> =
            Action::ALL.into_iter().map(|a| mark_of(a).0).collect();
        assert_eq!(symbols.len(), Action::ALL.len());
        let outcomes: std::collections::BTreeSet<_> =
            QuoteOutcome::ALL.into_iter().map(|o| mark_of_outcome(o).0).collect();
        assert_eq!(outcomes.len(), QuoteOutcome::ALL.len());
    }

    #[test]
    fn without_colour_the_text_is_bare() {
        let mut out = String::new();
        Tone::Blocked.paint("x", false, &mut out);
        assert_eq!(out, "x");
        Tone::Blocked.paint("x", true, &mut out);
        assert!(out.contains("\u{1b}[") && out.ends_with("\u{1b}[0m"), "{out:?}");
    }
}
