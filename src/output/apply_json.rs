//! A report of an apply as JSON: the keys of format 1, and a few more.
//!
//! Invariants: keys are added, never taken away or renamed; `error` is a sentence or null, with
//! its kind and its way out beside it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::json::{document, lines};
use crate::apply::report::{QuoteOutcome, QuoteReport, Report};
use crate::key::ConnectionName;
use crate::plan::model::Action;
use crate::provider::Requests;
use crate::provider::step::{Effects, TroubleKind};

#[derive(Serialize)]
struct ApplyDocument<'a> {
    format: u32,
    kind: &'static str,
    plan: &'a str,
    summary: BTreeMap<&'static str, usize>,
    quotes: Vec<QuoteDocument<'a>>,
    requests: &'a BTreeMap<ConnectionName, Requests>,
    seconds: f64,
    interrupted: bool,
    consent: Effects,
    canary: Option<CanaryDocument<'a>>,
    diagnostics: Vec<serde_json::Value>,
}

/// The quotes that went first.
#[derive(Serialize)]
struct CanaryDocument<'a> {
    quotes: &'a std::collections::BTreeSet<crate::key::QuoteName>,
    of: usize,
    stopped: Option<String>,
}

#[derive(Serialize)]
struct QuoteDocument<'a> {
    quote: &'a str,
    connection: &'a str,
    action: Action,
    outcome: &'static str,
    id: Option<&'a str>,
    links: &'a BTreeMap<String, String>,
    error: Option<&'a str>,
    error_kind: Option<TroubleKind>,
    help: Option<&'a str>,
    consent: &'a Effects,
    stale: bool,
}

/// The document of an apply.
pub fn apply_json(report: &Report) -> String {
    document(&ApplyDocument {
        format: 1,
        kind: "apply",
        plan: &report.plan,
        summary: QuoteOutcome::ALL.map(|o| (o.word(), report.count(o))).into(),
        quotes: report.quotes.iter().map(quote).collect(),
        requests: &report.requests,
        seconds: (report.seconds * 1000.0).round() / 1000.0,
        interrupted: report.interrupted,
        consent: report.lacking(),
        canary: report.canary.as_ref().map(|c| CanaryDocument {
            quotes: &c.quotes,
            of: c.of,
            stopped: c.stopped(),
        }),
        diagnostics: lines(&report.diagnostics),
    })
}

fn quote(report: &QuoteReport) -> QuoteDocument<'_> {
    let error = report.error.as_ref();
    QuoteDocument {
        quote: report.quote.as_str(),
        connection: report.connection.as_str(),
        action: report.action,
        outcome: report.outcome.word(),
        id: report.id.as_ref().map(crate::key::RemoteId::as_str),
        links: &report.links,
        error: error.map(|e| e.message.as_str()),
        error_kind: error.map(|e| e.kind),
        help: error.and_then(|e| e.help.as_deref()),
        consent: &report.lacking,
        stale: report.stale,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::fixtures::report;

    #[test]
    fn the_document_has_the_keys_of_the_contract() {
        let json: serde_json::Value = serde_json::from_str(&apply_json(&report())).unwrap();
        assert_eq!(json["format"], 1);
        assert_eq!(json["kind"], "apply");
        assert_eq!(json["plan"], "0123456789abcdef");
        assert_eq!(
            json["summary"],
            serde_json::json!({"applied": 2, "unchanged": 1, "failed": 1, "blocked": 1,
                "unknown": 1, "waiting": 2, "skipped": 1})
        );
        assert_eq!(json["requests"]["crm"], serde_json::json!({"read": 12, "write": 6}));
        assert_eq!(json["seconds"], 2.412);
        assert_eq!(json["diagnostics"], serde_json::json!([]));
        let first = &json["quotes"][0];
        assert_eq!(first["outcome"], "applied");
        assert_eq!(first["action"], "create");
        assert_eq!(first["links"]["quote"], "https://app.example/q/1");
        assert!(first["error"].is_null());
        let failed = json["quotes"].as_array().unwrap().iter().find(|q| q["outcome"] == "failed");
        let failed = failed.unwrap();
        assert!(failed["error"].as_str().unwrap().contains("items[audit].price"));
        assert_eq!(failed["error_kind"], "refused");
    }

    #[test]
    fn a_report_without_anything_is_a_document_too() {
        let empty = Report { seconds: f64::NAN, ..Report::default() };
        let json: serde_json::Value = serde_json::from_str(&apply_json(&empty)).unwrap();
        assert_eq!(json["quotes"], serde_json::json!([]));
        assert!(json["seconds"].is_null());
    }
}
