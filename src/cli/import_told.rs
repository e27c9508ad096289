//! What an import says of each quote: counted, told with its id, and in JSON listed.
//!
//! Invariant: memory does not grow with what went well, unless every quote was asked for (JSON).

use crate::failure::{Diagnostic, Severity};
use crate::import::{Held, Refused};
use crate::key::RemoteId;
use crate::output::import_report::{ImportLine, ImportReport};

/// The report as far as it is.
pub(super) struct Told {
    pub(super) report: ImportReport,
    /// Whether each quote has a line.
    pub(super) in_full: bool,
}

impl Told {
    /// A quote that is imported.
    pub(super) fn imported(&mut self, one: Held) {
        self.report.counts.imported += 1;
        self.report.counts.notes += one.notes.len();
        if !self.in_full {
            return;
        }
        for note in &one.notes {
            let message = format!("quote {}: {note}", one.entry.id);
            let warning = Diagnostic::warning("import-not-held", message).about(&one.name);
            self.report.diagnostics.push(warning);
        }
        self.report.lines.push(ImportLine {
            quote: Some(one.name.to_string()),
            id: one.entry.id.to_string(),
            outcome: "imported",
            file: Some(one.file),
            state: one.entry.state,
            total: one.entry.total,
            links: one.entry.links,
            notes: one.notes,
            reason: None,
        });
    }

    /// An entry of a list that cannot be read.
    pub(super) fn unreadable(&mut self, what: &str) {
        // A second look at the list meets it again.
        let code = "import-unreadable";
        if self.report.diagnostics.iter().any(|d| d.code == code && d.message == what) {
            return;
        }
        self.report.counts.listed += 1;
        self.report.counts.refused += 1;
        let error = Diagnostic::error("import-unreadable", what.to_owned());
        self.report
            .diagnostics
            .push(error.help("look at it upstream; the other quotes are imported"));
    }

    /// A quote that was listed, and is gone.
    pub(super) fn vanished(&mut self, id: &RemoteId) {
        self.report.counts.vanished += 1;
        let message = format!("quote {id} was listed, and was gone when it was read");
        let mut note = Diagnostic::warning("import-vanished", message);
        note.severity = Severity::Note;
        self.report.diagnostics.push(note);
        self.line(id, "vanished", None);
    }

    /// A quote that is not imported.
    pub(super) fn refuse(&mut self, refused: Refused) {
        let Refused { id, why, help } = refused;
        self.report.counts.refused += 1;
        let message = format!("quote {id} is not imported: {why}");
        let mut error = Diagnostic::error("import-refused", message);
        error.help = help;
        self.report.diagnostics.push(error);
        self.line(&id, "refused", Some(why));
    }

    fn line(&mut self, id: &RemoteId, outcome: &'static str, reason: Option<String>) {
        if self.in_full {
            self.report.lines.push(ImportLine {
                quote: None,
                id: id.to_string(),
                outcome,
                file: None,
                state: None,
                total: None,
                links: std::collections::BTreeMap::new(),
                notes: Vec::new(),
                reason,
            });
        }
    }
}
