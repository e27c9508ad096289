//! Where the offline checks of a provider put what they find.
//!
//! Invariant: every problem has its place in the manifest and its way out; the way out of a
//! refused field is the one that the provider's table gives, so a message and the table cannot
//! say different things.

use super::{Handling, NeutralField};
use crate::desired::Quote;
use crate::failure::Diagnostic;

/// Problems of one quote at one provider.
#[derive(Debug)]
pub struct Sink<'a> {
    /// The quote.
    pub quote: &'a Quote,
    /// What was found.
    pub found: Vec<Diagnostic>,
    provider: &'static str,
    table: &'static [NeutralField],
}

impl<'a> Sink<'a> {
    /// For a quote, a provider as people call it (`HubSpot`), and its table.
    pub fn new(quote: &'a Quote, provider: &'static str, table: &'static [NeutralField]) -> Self {
        Self { quote, found: Vec::new(), provider, table }
    }

    /// An error at a manifest path.
    pub fn error(
        &mut self,
        path: &str,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(path, Diagnostic::error(code, message), help);
    }

    /// A warning at a manifest path.
    pub fn warning(
        &mut self,
        path: &str,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(path, Diagnostic::warning(code, message), help);
    }

    /// A field that the table refuses, written at this path; nothing where it does not.
    pub fn refused(&mut self, path: &str, field: &str) {
        let row = self.table.iter().find(|row| row.path == field);
        if let Some(Handling::Refused(way_out)) = row.map(|row| row.handling) {
            let shown = field.replace("[]", "");
            let message = format!("{} cannot hold `{shown}`", self.provider);
            self.error(path, "field-refused", message, way_out);
        }
    }

    /// A value that is cleared, and cannot be.
    pub fn cannot_clear(&mut self, path: &str, help: &str) {
        let message = format!("{} cannot clear `{path}`", self.provider);
        self.error(path, "cannot-clear", message, help);
    }

    fn push(&mut self, path: &str, diagnostic: Diagnostic, help: impl Into<String>) {
        let place = self.quote.origin.place(path);
        let mut diagnostic = diagnostic.at(place).about(&self.quote.name).help(help);
        diagnostic.path = Some(path.to_owned());
        self.found.push(diagnostic);
    }
}
