//! Checks across files: names are unique, and renames make sense.
//!
//! Invariants: of two equal names the second (in the order of the files) is the error, and its
//! message says where the first is.

use std::collections::HashMap;
use std::sync::Arc;

use super::read::{Sink, shown};
use crate::desired::Quote;
use crate::failure::SourceFile;
use crate::key::QuoteName;
use crate::yaml::{self, Problem, Span};

/// The names seen so far.
#[derive(Debug, Default)]
pub(super) struct Names {
    quotes: HashMap<QuoteName, Span>,
    products: HashMap<String, Span>,
}

impl Names {
    /// Takes the name of a quote; `false` when it is taken.
    pub(super) fn quote(
        &mut self,
        name: &QuoteName,
        span: Span,
        source: &Arc<SourceFile>,
        sources: &[Arc<SourceFile>],
        sink: &mut Sink,
    ) -> bool {
        if let Some(first) = self.quotes.get(name) {
            let place = where_is(*first, source, sources);
            let message = format!("the quote `{name}` is written twice; the first is {place}");
            sink.push(
                Problem::new("duplicate-quote", span, message)
                    .help("give one of them another name"),
            );
            return false;
        }
        self.quotes.insert(name.clone(), span);
        true
    }

    /// Takes the name of a product; `false` when it is taken.
    pub(super) fn product(
        &mut self,
        name: &str,
        span: Span,
        source: &Arc<SourceFile>,
        sources: &[Arc<SourceFile>],
        sink: &mut Sink,
    ) -> bool {
        if let Some(first) = self.products.get(name) {
            let place = where_is(*first, source, sources);
            let message =
                format!("the product `{}` is written twice; the first is {place}", shown(name));
            sink.push(
                Problem::new("duplicate-product", span, message)
                    .help("give one of them another name"),
            );
            return false;
        }
        self.products.insert(name.to_owned(), span);
        true
    }

    /// `was:` names a quote that is gone, and each earlier name has one heir. Quotes that break
    /// the rule are taken out.
    pub(super) fn check_renames(
        &self,
        quotes: &mut Vec<Quote>,
        sources: &[Arc<SourceFile>],
        sink: &mut Sink,
    ) {
        let mut heirs: HashMap<QuoteName, QuoteName> = HashMap::new();
        let file_of: HashMap<&str, u32> = if quotes.iter().any(|q| q.was.is_some()) {
            sources
                .iter()
                .enumerate()
                .map(|(i, s)| (s.path.as_str(), u32::try_from(i).unwrap_or(u32::MAX)))
                .collect()
        } else {
            return;
        };
        quotes.retain(|quote| {
            let Some(was) = &quote.was else { return true };
            let found = yaml::find(&quote.origin.source.text, quote.origin.offset, "was");
            let file = file_of.get(quote.origin.source.path.as_str()).copied().unwrap_or_default();
            let span = Span { file, ..found.map(|f| f.span).unwrap_or_default() };
            if self.quotes.contains_key(was) {
                let message =
                    format!("`was` names `{was}`, which is still a quote of this workspace");
                sink.push(
                    Problem::new("bad-was", span, message)
                        .help("take out `was`, or the other quote"),
                );
                return false;
            }
            if let Some(heir) = heirs.get(was) {
                let message = format!("`was` names `{was}`, as the quote `{heir}` does");
                sink.push(
                    Problem::new("bad-was", span, message)
                        .help("only one of them can be the renamed one"),
                );
                return false;
            }
            heirs.insert(was.clone(), quote.name.clone());
            true
        });
    }
}

/// `on line 3`, or `in quotes/a.yaml on line 3`.
fn where_is(span: Span, here: &Arc<SourceFile>, sources: &[Arc<SourceFile>]) -> String {
    let Some(source) = sources.get(span.file as usize) else { return "elsewhere".to_owned() };
    let line = yaml::place_of(source, span).line;
    if Arc::ptr_eq(source, here) {
        format!("on line {line}")
    } else {
        format!("in {} on line {line}", source.path)
    }
}
