//! DealHub's answers: views on JSON whose numbers are exact.
//!
//! Purpose: the one place that knows the members of an answer. Nothing is required: what is
//! missing reads as absent. Invariant: a body with an `error` failed, whatever its status.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::facts::Plain;
use crate::http::{Answer, CallError};
use crate::json;
use crate::money::Amount;

/// The body of an answer.
pub fn body(answer: &Answer) -> Result<Plain, CallError> {
    match json::read(&answer.body) {
        Ok(body @ (Plain::Map(_) | Plain::List(_))) => Ok(body),
        Ok(_) => Err(answer.nonsense("it is neither an object nor a list")),
        Err(e) => Err(answer.nonsense(&e.to_string())),
    }
}

/// The error that a body tells, in any of the shapes that DealHub has for it.
pub fn error_of(body: &Plain) -> Option<String> {
    let error = body.get("error").filter(|e| !matches!(e, Plain::Null | Plain::Bool(false)))?;
    Some(match error {
        Plain::Text(text) => text.clone(),
        other => other
            .get("message")
            .and_then(Plain::as_text)
            .map_or_else(|| other.to_string(), ToOwned::to_owned),
    })
}

/// The reason in the body of a refusal: JSON with `error` or `message`, or plain text.
pub fn reason(answer: &Answer) -> String {
    let told = json::read(&answer.body).ok().and_then(|body| {
        error_of(&body)
            .or_else(|| body.get("message").and_then(Plain::as_text).map(ToOwned::to_owned))
    });
    let told = told.unwrap_or_else(|| answer.excerpt());
    if told.is_empty() { "without a reason".to_owned() } else { answer.clean(&told) }
}

/// A quote as `GET /api/v2/quote/{id}` or the list tells it.
#[derive(Clone, Debug)]
pub struct Seen(pub Plain);

impl Seen {
    /// Its id.
    pub fn id(&self) -> Option<&str> {
        self.0.get("dealhub_quote_id").and_then(Plain::as_text)
    }

    /// Its status, verbatim.
    pub fn status(&self) -> &str {
        self.0.get("status").and_then(Plain::as_text).unwrap_or_default()
    }

    /// Nothing but id and status is told until somebody saves it in DealHub's interface.
    pub fn is_outdated(&self) -> bool {
        self.0.get("quote_upgrade_required") == Some(&Plain::Bool(true))
    }

    /// A text of `info`.
    pub fn info(&self, name: &str) -> Option<&str> {
        self.0.get("info").and_then(|i| i.get(name)).and_then(Plain::as_text)
    }

    /// Whether `info` is there at all.
    pub fn has_info(&self) -> bool {
        matches!(self.0.get("info"), Some(Plain::Map(_)))
    }

    /// A number of `summary`.
    pub fn summary(&self, name: &str) -> Option<Amount> {
        self.0.get("summary").and_then(|s| s.get(name)).and_then(Plain::as_number)
    }

    /// Its lines, in the order in which they are shown.
    pub fn lines(&self) -> Vec<&Plain> {
        let mut lines: Vec<&Plain> =
            self.0.get("line_items").map(Plain::items).unwrap_or_default().iter().collect();
        // A stable sort: lines without a place stay in the order of the answer.
        lines.sort_by_key(|l| l.get("ordinal").and_then(Plain::as_number));
        lines
    }

    /// Its answers.
    pub fn answers(&self) -> &[Plain] {
        self.0.get("answers").map(Plain::items).unwrap_or_default()
    }

    /// The address of its `DealRoom`.
    pub fn dealroom(&self) -> Option<&str> {
        self.0.get("deal_room_info").and_then(|d| d.get("url")).and_then(Plain::as_text)
    }

    /// When it expires.
    pub fn expires(&self) -> Option<Timestamp> {
        self.info("expiration_date").and_then(time)
    }

    /// Who still has to approve it, and why.
    pub fn waiting_for(&self) -> Option<String> {
        let approvals = self.0.get("approvals").map(Plain::items).unwrap_or_default();
        let waiting = approvals
            .iter()
            .filter(|a| {
                a.get("status")
                    .and_then(Plain::as_text)
                    .is_some_and(|s| s.eq_ignore_ascii_case("waiting"))
            })
            .filter_map(|a| {
                let who = a.get("reviewer").and_then(Plain::as_text)?;
                let reason = match a.get("reason")? {
                    Plain::List(all) => {
                        all.iter().filter_map(Plain::as_text).collect::<Vec<_>>().join(", ")
                    }
                    other => other.scalar().unwrap_or_default(),
                };
                Some(if reason.is_empty() { who.to_owned() } else { format!("{who} ({reason})") })
            });
        let all: Vec<String> = waiting.collect();
        (!all.is_empty()).then(|| all.join(", "))
    }
}

/// `2027-01-31 23:59:59`, GMT.
pub fn time(text: &str) -> Option<Timestamp> {
    let at: DateTime = text.trim_end_matches('Z').replace(' ', "T").parse().ok()?;
    at.to_zoned(TimeZone::UTC).ok().map(|z| z.timestamp())
}

/// A page of the list.
#[derive(Clone, Debug)]
pub struct Page {
    /// The quotes.
    pub quotes: Vec<Seen>,
    /// Whether there are more.
    pub more: bool,
}

impl Page {
    /// Reads one; the page's information stands in `info` or at top level.
    pub fn of(body: &Plain) -> Option<Self> {
        let Plain::List(quotes) = body.get("quotes")? else { return None };
        let name = "more_results_matching_the_request";
        let more = body.get("info").and_then(|i| i.get(name)).or_else(|| body.get(name));
        let more = match more {
            Some(Plain::Bool(more)) => *more,
            Some(Plain::Text(word)) => word.eq_ignore_ascii_case("true"),
            _ => false,
        };
        Some(Self { quotes: quotes.iter().cloned().map(Seen).collect(), more })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> Seen {
        Seen(json::read(text.as_bytes()).unwrap())
    }

    #[test]
    fn both_shapes_of_a_page_are_read() {
        for text in [
            r#"{"info":{"more_results_matching_the_request":true,"offset":"0"},"quotes":[{}]}"#,
            r#"{"more_results_matching_the_request":true,"quotes":[{}]}"#,
        ] {
            let page = Page::of(&json::read(text.as_bytes()).unwrap()).unwrap();
            assert!(page.more && page.quotes.len() == 1, "{text}");
        }
        assert!(Page::of(&Plain::Null).is_none());
    }

    #[test]
    fn reviewers_are_named_with_their_reason() {
        let text = r#"{"approvals":[{"reviewer":"Mo","status":"waiting","reason":["discount"]},
            {"reviewer":"Al","status":"approved","reason":"x"}]}"#;
        assert_eq!(seen(text).waiting_for().as_deref(), Some("Mo (discount)"));
        assert_eq!(seen("{}").waiting_for(), None);
    }

    #[test]
    fn times_are_gmt_and_errors_are_found() {
        assert_eq!(time("2027-01-31 23:59:59").unwrap().to_string(), "2027-01-31T23:59:59Z");
        assert_eq!(time("soon"), None);
        let body = json::read(br#"{"error":"Publish quote failed: x","status":"Draft"}"#).unwrap();
        assert_eq!(error_of(&body).as_deref(), Some("Publish quote failed: x"));
        assert_eq!(error_of(&json::read(br#"{"error":null}"#).unwrap()), None);
    }
}
