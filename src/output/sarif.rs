//! SARIF 2.1.0, for code scanning: one document whatever happens.
//!
//! Invariants: paths are addresses relative to the root of the checkout, percent-encoded; messages
//! are plain text ([`escape_sarif`]); a fingerprint does not depend on the line, so that a finding
//! stays the same one when lines are added above it. Columns count characters.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::escape_sarif::escape_sarif;
use super::json::document;
use super::rules;
use crate::failure::{Diagnostic, Failure, Place, Severity};
use crate::key::Fingerprint;

/// The most results of a run that GitHub takes.
const MOST_RESULTS: usize = 25_000;

/// The document of these findings. `prefix` is the workspace's folder in the checkout (`sales`),
/// empty for its root. `complete` says whether the command came to its end.
pub fn sarif(findings: &[Diagnostic], prefix: &str, complete: bool) -> String {
    let shown = findings.get(..findings.len().min(MOST_RESULTS)).unwrap_or_default();
    let mut codes: Vec<&'static str> = shown.iter().map(|d| d.code).collect();
    codes.sort_unstable();
    codes.dedup();
    let index: BTreeMap<&str, usize> = codes.iter().enumerate().map(|(n, c)| (*c, n)).collect();
    let rules: Vec<Value> = codes.iter().map(|code| rule(code)).collect();
    let mut seen: BTreeMap<Fingerprint, usize> = BTreeMap::new();
    let results: Vec<Value> = shown
        .iter()
        .map(|d| result(d, prefix, index.get(d.code).copied().unwrap_or_default(), &mut seen))
        .collect();
    let mut notices = Vec::new();
    if findings.len() > shown.len() {
        let left = findings.len() - shown.len();
        let text = format!("{left} more findings are left out: code scanning takes {MOST_RESULTS}");
        notices.push(json!({ "level": "warning", "message": { "text": text } }));
    }
    document(&json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "proforma",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": complete,
                "toolExecutionNotifications": notices,
            }],
            "results": results,
        }],
    }))
}

/// The document of a command that failed: its details, or the failure itself.
pub fn failure_sarif(failure: &Failure, prefix: &str) -> String {
    let own = [Diagnostic {
        help: failure.help.clone(),
        ..Diagnostic::error(failure.kind.code(), failure.message.clone())
    }];
    let all: &[Diagnostic] =
        if failure.diagnostics.is_empty() { &own } else { &failure.diagnostics };
    sarif(all, prefix, false)
}

fn rule(code: &str) -> Value {
    let mut value = json!({ "id": code, "name": code });
    if let Some(rule) = rules::rule(code)
        && let Some(object) = value.as_object_mut()
    {
        let help = format!("{}. {}", rule.means, rule.way_out);
        object.insert("shortDescription".to_owned(), json!({ "text": escape_sarif(rule.means) }));
        object.insert("help".to_owned(), json!({ "text": escape_sarif(&help) }));
    }
    value
}

fn result(
    finding: &Diagnostic,
    prefix: &str,
    rule: usize,
    seen: &mut BTreeMap<Fingerprint, usize>,
) -> Value {
    let level = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    let file = finding.place.as_ref().map_or("proforma.yaml", |p| p.source.path.as_str());
    let quote = finding.quote.as_ref().map_or("", |q| q.as_str());
    let same = Fingerprint::of_parts(
        "proforma 2026 finding 1",
        &[finding.code, prefix, file, quote, &finding.message],
    );
    // Two alike in one file are told apart by their order.
    let nth = seen.entry(same).or_default();
    *nth += 1;
    let text = match &finding.help {
        Some(help) => format!("{} (hint: {help})", finding.message),
        None => finding.message.clone(),
    };
    let mut location = json!({
        "artifactLocation": { "uri": address(prefix, file), "uriBaseId": "%SRCROOT%" },
    });
    if let Some(object) = location.as_object_mut() {
        // Code scanning shows no finding without a line: one about no line stands at the first.
        let region = finding.place.as_ref().map_or_else(|| json!({ "startLine": 1 }), region);
        object.insert("region".to_owned(), region);
    }
    json!({
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": level,
        "message": { "text": escape_sarif(&text) },
        "locations": [{ "physicalLocation": location }],
        "partialFingerprints": { "proforma/v1": format!("{same}:{nth}") },
    })
}

fn region(place: &Place) -> Value {
    let end = place.offset.saturating_add(place.length);
    let marked = place.source.text.get(place.offset..end).unwrap_or_default();
    let first = marked.lines().next().unwrap_or_default();
    json!({
        "startLine": place.line.max(1),
        "startColumn": place.column.max(1),
        "endColumn": place.column.max(1) + first.chars().count().max(1),
    })
}

/// The address of a file, relative to the checkout's root.
fn address(prefix: &str, file: &str) -> String {
    use std::fmt::Write as _;
    let path = joined(prefix, file);
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// A path of the workspace as one of the checkout.
pub(super) fn joined(prefix: &str, file: &str) -> String {
    if prefix.is_empty() { file.to_owned() } else { format!("{prefix}/{file}") }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::failure::{Kind, SourceFile};

    fn at(path: &str) -> Place {
        let text = "title: Åsa\n".to_owned();
        let source = Arc::new(SourceFile { path: path.to_owned(), text });
        Place { source, offset: 7, length: 4, line: 1, column: 8 }
    }

    fn read(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_finding_has_a_rule_an_address_a_region_and_a_fingerprint() {
        let all = [
            Diagnostic::error("bad-date", "no [day](x) {0}")
                .at(Some(at("quotes/å b#.yaml")))
                .help("mend"),
            Diagnostic::warning("bad-date", "other"),
        ];
        let json = read(&sarif(&all, "sales", true));
        assert_eq!(json["version"], "2.1.0");
        let run = &json["runs"][0];
        assert_eq!(run["tool"]["driver"]["rules"].as_array().unwrap().len(), 1);
        assert!(
            run["tool"]["driver"]["rules"][0]["help"]["text"].as_str().unwrap().contains("YYYY")
        );
        let one = &run["results"][0];
        assert_eq!(one["level"], "error");
        assert_eq!(one["message"]["text"], "no \\[day\\](x) {{0}} (hint: mend)");
        let place = &one["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "sales/quotes/%C3%A5%20b%23.yaml");
        assert_eq!(place["region"], json!({ "startLine": 1, "startColumn": 8, "endColumn": 11 }));
        let other = &run["results"][1]["locations"][0]["physicalLocation"];
        assert_eq!(other["artifactLocation"]["uri"], "sales/proforma.yaml");
    }

    #[test]
    fn a_fingerprint_outlives_a_line_and_tells_twins_apart() {
        let of = |all: &[Diagnostic]| -> Vec<String> {
            let json = read(&sarif(all, "", true));
            let results = json["runs"][0]["results"].as_array().unwrap().clone();
            let print =
                |r: &Value| r["partialFingerprints"]["proforma/v1"].as_str().unwrap().to_owned();
            results.iter().map(print).collect()
        };
        let here = Diagnostic::error("a", "x").at(Some(at("q.yaml")));
        let mut later = here.clone();
        later.place.as_mut().unwrap().line = 9;
        assert_eq!(of(std::slice::from_ref(&here)), of(std::slice::from_ref(&later)));
        let twins = of(&[here.clone(), later]);
        assert_ne!(twins[0], twins[1]);
    }

    #[test]
    fn a_failure_is_a_document_too() {
        let json = read(&failure_sarif(&Failure::new(Kind::Credentials, "401"), ""));
        assert_eq!(json["runs"][0]["results"][0]["ruleId"], "credentials");
        assert_eq!(json["runs"][0]["invocations"][0]["executionSuccessful"], false);
        let none = read(&sarif(&[], "", true));
        assert_eq!(none["runs"][0]["results"], json!([]));
    }
}
