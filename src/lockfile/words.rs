//! Words and defects: what reading a lockfile is made of.
//!
//! Purpose: take a line apart word by word, and say of a word what is wrong with it.
//!
//! Invariants: a [`Defect`] knows the address of the offending text and is turned into line,
//! column and offset once, when it is told; a good file pays nothing for it.

use std::sync::Arc;

use crate::failure::{Diagnostic, Failure, Kind, Place, SourceFile, column_after};

pub(super) const RESTORE: &str =
    "restore the file from git, or move it away: the next plan finds the quotes by their stamps";
pub(super) const ONCE: &str = "two branches may have been joined by hand: keep one, the one whose object exists upstream, or move the file away: the next plan finds the quotes by their stamps";

/// One thing wrong, placed by the address of the text that is wrong.
pub(super) struct Defect {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) help: &'static str,
    /// Address of the offending text's first byte, to be turned into an offset once.
    pub(super) address: usize,
    pub(super) length: usize,
    /// Nothing after it can be trusted.
    pub(super) ends: bool,
}

impl Defect {
    pub(super) fn new(address: usize, length: usize, code: &'static str, message: String) -> Self {
        Self { code, message, help: RESTORE, address, length, ends: false }
    }

    pub(super) fn of(word: &str, code: &'static str, message: impl Into<String>) -> Self {
        Self::new(word.as_ptr() as usize, word.len(), code, message.into())
    }

    pub(super) fn at_end(address: usize, code: &'static str, message: &str) -> Self {
        Self::new(address, 0, code, message.to_owned())
    }

    pub(super) fn help(mut self, help: &'static str) -> Self {
        self.help = help;
        self
    }

    pub(super) fn ends(mut self) -> Self {
        self.ends = true;
        self
    }
}

pub(super) fn failure(source: &Arc<SourceFile>, defects: Vec<(usize, Defect)>) -> Failure {
    let start = source.text.as_ptr() as usize;
    let help = defects.first().map_or(RESTORE, |(_, d)| d.help);
    let diagnostics: Vec<Diagnostic> = defects
        .into_iter()
        .map(|(_, defect)| {
            let offset = defect.address.saturating_sub(start).min(source.text.len());
            let before = source.text.get(..offset).unwrap_or_default();
            // Not the line that was being read: an entry is found wanting where the next begins.
            let line = before.matches('\n').count() + 1;
            let column = column_after(before);
            let place =
                Place { source: Arc::clone(source), offset, length: defect.length, line, column };
            Diagnostic::error(defect.code, defect.message).at(Some(place)).help(defect.help)
        })
        .collect();
    let what = match diagnostics.as_slice() {
        [only] => format!("{}: {}", source.path, only.message),
        many => format!("{} has {} defects", source.path, many.len()),
    };
    Failure::new(Kind::Invalid, what).help(help).with(diagnostics)
}

/// The words of a line that are not yet taken.
pub(super) struct Words<'a>(pub(super) &'a str);

impl<'a> Words<'a> {
    pub(super) fn next(&mut self) -> Option<&'a str> {
        // By bytes: the reader spends most of its time here, and blanks are never part of a letter.
        let is_blank = |b: &u8| matches!(b, b' ' | b'\t');
        let start = self.0.bytes().take_while(is_blank).count();
        let (_, rest) = self.0.split_at_checked(start)?;
        let end = rest.bytes().position(|b| is_blank(&b)).unwrap_or(rest.len());
        let (word, rest) = rest.split_at_checked(end)?;
        self.0 = rest;
        (!word.is_empty()).then_some(word)
    }

    /// The next word as a value, or a defect that says what was expected there.
    pub(super) fn value<T>(
        &mut self,
        what: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, Defect> {
        let Some(word) = self.next() else {
            return Err(Defect::of(self.0, "lockfile-value", format!("expected {what} here")));
        };
        read(word).ok_or_else(|| {
            let shown: String = word.chars().take(60).collect();
            Defect::of(word, "lockfile-value", format!("`{shown}` is not {what}"))
        })
    }

    pub(super) fn end(&mut self) -> Result<(), Defect> {
        match self.next() {
            None => Ok(()),
            Some(word) => Err(Defect::of(word, "lockfile-value", "nothing may follow here")),
        }
    }
}

pub(super) fn line_address(words: &Words<'_>) -> usize {
    words.0.trim_start_matches([' ', '\t']).as_ptr() as usize
}

pub(super) fn unknown(kind: &str) -> Defect {
    let shown: String = kind.chars().take(60).collect();
    Defect::of(kind, "lockfile-unknown-line", format!("`{shown}` is no kind of line known here"))
}

pub(super) fn twice(kind: &str, message: impl Into<String>) -> Defect {
    Defect::of(kind, "lockfile-duplicate", message).help(ONCE)
}

/// A count as it is printed: no sign, no leading zeros.
pub(super) fn whole<T: std::str::FromStr>(word: &str) -> Option<T> {
    let digits = word.bytes().all(|b| b.is_ascii_digit());
    (digits && (word == "0" || !word.starts_with('0'))).then(|| word.parse().ok()).flatten()
}
