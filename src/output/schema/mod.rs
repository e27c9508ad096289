//! JSON Schemas (2020-12) of what users write and of what pipelines read.
//!
//! Purpose: editors check and complete manifests by them, pipelines check documents by them. The
//! schemas of manifests are made from the tables that the checks use: the neutral fields, the
//! native fields of each provider, the order of keys. Only the descriptions stand here.
//!
//! Invariants: every key that the reader knows is in a schema and the other way round; every
//! document that the binary prints is valid by its schema. Tests hold both, the second with a
//! validator of another make.

mod documents;
mod forms;
mod manifest;
mod words;
mod workspace;

use serde_json::Value;

use crate::provider::capability::Sheet;

/// The schemas there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Subject {
    /// `quote:` documents.
    Quote,
    /// `product:` documents.
    Product,
    /// `proforma.yaml`.
    Workspace,
    /// The JSON of `plan`.
    Plan,
    /// The JSON of `apply`.
    Apply,
    /// The JSON of `migrate`.
    Migrate,
    /// The JSON of `validate`.
    Validate,
    /// The JSON of `status`.
    Status,
}

impl Subject {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Quote,
        Self::Product,
        Self::Workspace,
        Self::Plan,
        Self::Apply,
        Self::Migrate,
        Self::Validate,
        Self::Status,
    ];

    /// The word on the command line, and the name of the published file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Quote => "quote",
            Self::Product => "product",
            Self::Workspace => "workspace",
            Self::Plan => "plan",
            Self::Apply => "apply",
            Self::Migrate => "migrate",
            Self::Validate => "validate",
            Self::Status => "status",
        }
    }
}

/// A schema; `sheets` are those of all providers.
pub fn schema(subject: Subject, sheets: &[Sheet]) -> Value {
    let mut schema = match subject {
        Subject::Quote => manifest::quote(sheets),
        Subject::Product => manifest::product(sheets),
        Subject::Workspace => workspace::workspace(sheets),
        Subject::Plan => documents::plan(),
        Subject::Apply => documents::apply(),
        Subject::Migrate => documents::migrate(),
        Subject::Validate => documents::validate(),
        Subject::Status => documents::status(),
    };
    if let Some(object) = schema.as_object_mut() {
        object.insert(
            "$schema".to_owned(),
            Value::from("https://json-schema.org/draft/2020-12/schema"),
        );
    }
    schema
}

/// The schema as text, as it is published.
pub fn text(subject: Subject, sheets: &[Sheet]) -> String {
    super::json::document(&schema(subject, sheets))
}
