//! The command `schema`: JSON Schemas of manifests and of documents.

use super::args::SchemaName;
use super::{Ending, providers};
use crate::output::printer::Printer;
use crate::output::schema::{Subject, text};

/// Prints one schema.
pub fn run(name: SchemaName, printer: &Printer) -> Ending {
    printer.raw(&text(name.into(), &providers::sheets()));
    Ok(None)
}

impl From<SchemaName> for Subject {
    fn from(name: SchemaName) -> Self {
        match name {
            SchemaName::Quote => Self::Quote,
            SchemaName::Product => Self::Product,
            SchemaName::Workspace => Self::Workspace,
            SchemaName::Plan => Self::Plan,
            SchemaName::Apply => Self::Apply,
            SchemaName::Migrate => Self::Migrate,
            SchemaName::Validate => Self::Validate,
            SchemaName::Status => Self::Status,
        }
    }
}
