//! Output: everything that a person or a pipeline sees.
//!
//! Every renderer takes values and gives a text; only [`printer`] knows the terminal. People get
//! pages ([`plan_human`], [`apply_human`], [`failure_human`], [`quote_human`]; in a browser
//! [`plan_html`] and [`quote_html`] on top of [`html`], on a pull request [`plan_markdown`]), programs
//! get documents ([`plan_json`], [`apply_json`], [`quote_json`], [`json`], [`events_file`]; of findings
//! [`mod@sarif`] and [`mod@annotations`]), all from the same values.
//!
//! Untrusted text has one door for each format: [`text::safe`] for pages, [`json::document`] for
//! JSON, [`mod@escape_markdown`], [`mod@escape_html`], [`mod@escape_sarif`] and [`escape_workflow`]
//! for theirs, [`logs`] for log lines.

pub mod annotations;
pub mod apply_human;
pub mod apply_json;
pub mod diagnostics;
pub mod escape_html;
pub mod escape_markdown;
pub mod escape_sarif;
pub mod escape_workflow;
pub mod events_file;
pub mod explain_human;
pub mod failure_human;
#[cfg(test)]
mod fixtures;
pub mod fmt_human;
#[cfg(test)]
mod format_tests;
pub mod html;
pub mod import_report;
pub mod json;
mod layout;
mod link;
pub mod logs;
pub mod markdown;
mod migrate_groups;
pub mod migrate_html;
pub mod migrate_human;
pub mod migrate_json;
pub mod migrate_markdown;
#[cfg(test)]
mod page_tests;
mod plan_brief;
mod plan_brief_rows;
mod plan_care;
pub mod plan_findings;
pub mod plan_html;
mod plan_html_picture;
mod plan_html_quote;
pub mod plan_human;
pub mod plan_json;
pub mod plan_markdown;
mod plan_markdown_quote;
mod plan_parts;
mod plan_quote;
pub mod printer;
pub mod progress;
pub mod quote_html;
pub mod quote_human;
pub mod quote_json;
pub mod quote_sheet;
pub mod rules;
pub mod sarif;
pub mod schema;
pub mod sheet;
pub mod sheet_markdown;
pub mod status;
pub mod status_human;
pub mod text;
mod text_diff;
pub mod theme;
mod wording;
