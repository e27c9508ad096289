//! Diagnostics for people and for machines.
//!
//! Invariants: every text passes [`safe`] before it is drawn, the source lines under a caret too;
//! the JSON form is that of the contract; meaning survives without colour.

use std::fmt::{self, Write as _};
use std::ops::Range;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, NamedSource, SourceCode,
    SourceSpan, SpanContents,
};
use serde_json::{Value, json};

use super::text::{safe, safe_line};
use crate::failure::{Diagnostic, Place, Severity};

/// How diagnostics are drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Style {
    /// Whether colours may be used.
    pub color: bool,
    /// Columns of the terminal; at least 80 are used.
    pub width: usize,
}

impl Default for Style {
    fn default() -> Self {
        Self { color: false, width: 80 }
    }
}

/// All diagnostics with their source lines, and a summary line at the end; empty for none.
pub fn render(diagnostics: &[Diagnostic], style: Style) -> String {
    let theme =
        if style.color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(style.width.max(80))
        .with_links(false)
        .with_context_lines(1);
    let mut out = String::new();
    for diagnostic in diagnostics {
        if !out.is_empty() {
            out.push('\n');
        }
        let drawing = Drawing::of(diagnostic);
        if handler.render_report(&mut out, &drawing).is_err() {
            // A place that does not fit its text: the words still get through.
            let _ = writeln!(out, "{}: {}", drawing.code, drawing.message);
        }
        if !out.ends_with('\n') {
            out.push('\n');
        }
    }
    if let Some(summary) = summary(diagnostics) {
        let _ = writeln!(out, "\n{summary}");
    }
    out
}

/// `2 errors, 1 warning in 2 files`; `None` when there is neither.
pub fn summary(diagnostics: &[Diagnostic]) -> Option<String> {
    let count = |severity| diagnostics.iter().filter(|d| d.severity == severity).count();
    let plural = |n: usize, word: &str| match n {
        0 => None,
        1 => Some(format!("1 {word}")),
        n => Some(format!("{n} {word}s")),
    };
    let parts: Vec<String> =
        [plural(count(Severity::Error), "error"), plural(count(Severity::Warning), "warning")]
            .into_iter()
            .flatten()
            .collect();
    if parts.is_empty() {
        return None;
    }
    let mut files: Vec<&str> = diagnostics
        .iter()
        .filter_map(|d| d.place.as_ref())
        .map(|p| p.source.path.as_str())
        .collect();
    files.sort_unstable();
    files.dedup();
    let files = plural(files.len(), "file").map_or(String::new(), |f| format!(" in {f}"));
    Some(format!("{}{files}", parts.join(", ")))
}

/// A diagnostic on one line: `quotes/a.yaml:7:3: error[unknown-key]: ...`.
pub fn one_line(diagnostic: &Diagnostic) -> String {
    let severity = word(diagnostic.severity);
    let message = safe_line(&diagnostic.message);
    let what = format!("{severity}[{}]: {message}", diagnostic.code);
    match &diagnostic.place {
        Some(p) => format!("{}:{}:{}: {what}", safe_line(&p.source.path), p.line, p.column),
        None => what,
    }
}

/// The JSON form: `severity, code, message, file, line, column, help`, and `quote` where one is
/// concerned.
pub fn to_json(diagnostic: &Diagnostic) -> Value {
    let place = diagnostic.place.as_ref();
    let mut value = json!({
        "severity": word(diagnostic.severity),
        "code": diagnostic.code,
        "message": diagnostic.message,
        "file": place.map(|p| p.source.path.as_str()),
        "line": place.map(|p| p.line),
        "column": place.map(|p| p.column),
        "help": diagnostic.help,
    });
    if let (Some(quote), Some(object)) = (&diagnostic.quote, value.as_object_mut()) {
        object.insert("quote".to_owned(), json!(quote.as_str()));
    }
    value
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// A diagnostic in the shape that the renderer takes, all texts made safe.
struct Drawing {
    severity: Severity,
    code: &'static str,
    message: String,
    help: Option<String>,
    excerpt: Option<Excerpt>,
}

/// The lines round a place: one before, its own, one after.
struct Excerpt {
    source: NamedSource<Lines>,
    span: SourceSpan,
}

/// A few safe lines of a larger file.
#[derive(Debug)]
struct Lines {
    text: String,
    /// Lines of the file before them.
    above: usize,
}

impl SourceCode for Lines {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let inner = self.text.read_span(span, before, after)?;
        Ok(Box::new(miette::MietteSpanContents::new(
            inner.data(),
            *inner.span(),
            inner.line() + self.above,
            inner.column(),
            inner.line_count(),
        )))
    }
}

impl Drawing {
    fn of(diagnostic: &Diagnostic) -> Self {
        Self {
            severity: diagnostic.severity,
            code: diagnostic.code,
            message: safe(&diagnostic.message).into_owned(),
            help: diagnostic.help.as_deref().map(|h| safe(h).into_owned()),
            excerpt: diagnostic.place.as_ref().and_then(excerpt),
        }
    }
}

/// The longest stretch of a line that is drawn on each side of the place, in characters.
const REACH: usize = 200;

fn excerpt(place: &Place) -> Option<Excerpt> {
    let text = place.source.text.as_str();
    let line = |range: Range<usize>| -> Option<&str> { text.get(range) };
    let start = text.get(..place.offset)?.rfind('\n').map_or(0, |i| i + 1);
    let end = text.get(place.offset..)?.find('\n').map_or(text.len(), |i| place.offset + i);
    let stop = place.offset.checked_add(place.length)?.min(end);
    let ahead = safe(last(line(start..place.offset)?, REACH)).into_owned();
    let under = safe(first(line(place.offset..stop)?, REACH)).into_owned();
    let behind = safe(first(line(stop..end)?.trim_end_matches('\r'), REACH)).into_owned();
    let mut shown = String::new();
    let mut above = place.line.saturating_sub(1);
    if start > 0 {
        let previous = text.get(..start - 1)?.rfind('\n').map_or(0, |i| i + 1);
        shown.push_str(&safe(first(line(previous..start - 1)?.trim_end_matches('\r'), REACH)));
        shown.push('\n');
        above -= 1;
    }
    let offset = shown.len() + ahead.len();
    let length = under.len();
    for part in [&ahead, &under, &behind] {
        shown.push_str(part);
    }
    if let Some(rest) = text.get(end + 1..).filter(|rest| !rest.is_empty()) {
        let next = rest.split('\n').next().unwrap_or_default();
        shown.push('\n');
        shown.push_str(&safe(first(next.trim_end_matches('\r'), REACH)));
    }
    let path = safe_line(&place.source.path).into_owned();
    let source = NamedSource::new(path, Lines { text: shown, above });
    Some(Excerpt { source, span: SourceSpan::new(offset.into(), length) })
}

fn first(text: &str, n: usize) -> &str {
    text.char_indices().nth(n).map_or(text, |(i, _)| text.get(..i).unwrap_or(text))
}

fn last(text: &str, n: usize) -> &str {
    let skip = text.chars().count().saturating_sub(n);
    text.char_indices().nth(skip).map_or("", |(i, _)| text.get(i..).unwrap_or_default())
}

impl fmt::Debug for Drawing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Display for Drawing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Drawing {}

impl miette::Diagnostic for Drawing {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
            Severity::Note => miette::Severity::Advice,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|h| Box::new(h) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.excerpt.as_ref().map(|e| &e.source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.excerpt.as_ref()?.span;
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(None, span))))
    }
}
