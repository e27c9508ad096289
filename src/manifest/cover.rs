//! Secrets in a text, made unreadable without reading the text as YAML.
//!
//! Purpose: a file is shown where it is wrong, and just then it may be no YAML at all. What stands
//! behind a key such as `token` is covered by its look alone, unless it has one of the few shapes
//! that hold no secret.
//!
//! Invariants: what is covered is as long as before, in bytes and in characters, so that places
//! keep their meaning; white space and quotes stay. Rather too much is covered than too little: what
//! comes out is shown, never read for its values. One pass, without going back.

use std::collections::HashSet;
use std::ops::Range;

use super::read::{nearest, shown};
use super::workspace::FILE_NAME;
use crate::yaml::{Problem, Span};

/// What kind of file a text is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Cover {
    /// The workspace file, where credentials are named: all that looks like a key counts.
    Workspace,
    /// A manifest, where a `key` is the name of a line and prose may speak of tokens.
    Manifest,
}

impl Cover {
    /// For a file of which only its path and its text are known.
    pub(crate) fn of(path: &str, text: &str) -> Self {
        let manifest = |line: &str| line.starts_with("quote:") || line.starts_with("product:");
        let is_workspace = path.rsplit(['/', '\\']).next() == Some(FILE_NAME);
        if !is_workspace && text.lines().any(manifest) { Self::Manifest } else { Self::Workspace }
    }

    /// The text with every stretch covered that may hold a secret.
    pub(crate) fn text(self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut open: Option<Value> = None;
        for line in text.split_inclusive('\n') {
            let body = line.trim_end_matches(['\n', '\r']);
            let hidden = self.line(body, &mut open);
            let mut from = 0;
            for range in hidden {
                out.push_str(body.get(from..range.start).unwrap_or_default());
                blot(body.get(range.clone()).unwrap_or_default(), &mut out);
                from = range.end;
            }
            out.push_str(line.get(from..).unwrap_or_default());
        }
        out
    }

    /// The stretches of a line that are to be covered, in order.
    fn line(self, body: &str, open: &mut Option<Value>) -> Vec<Range<usize>> {
        let trimmed = body.trim_start();
        let indent = body.len() - trimmed.len();
        if let Some(value) = open {
            match value.goes_on(body, indent) {
                GoesOn::Covered => {
                    let mut hidden = Vec::new();
                    if !(value.empty && names_a_source(trimmed)) {
                        value.take(trimmed);
                        hidden.push(indent..body.len());
                    }
                    return hidden;
                }
                GoesOn::Comment => {}
                GoesOn::No => *open = None,
            }
        }
        let mut hidden: Vec<Range<usize>> = words(body, 0)
            .filter(|word| is_known_token(body.get(word.clone()).unwrap_or_default()))
            .collect();
        let mut from = 0;
        while let Some((key, value_at)) = self.next_key(body, from) {
            let rest = body.get(value_at..).unwrap_or_default();
            let name = body.get(key.clone()).unwrap_or_default();
            let harmless = if is_address(name) { address(rest) } else { source(rest) };
            if let Some(length) = harmless {
                from = value_at + length;
                let behind = body.get(from..).unwrap_or_default();
                if behind.trim_start().starts_with('#') {
                    hidden.extend(long_words(body, from));
                }
                continue;
            }
            let comment_only = rest.trim().is_empty() || rest.trim_start().starts_with('#');
            if comment_only {
                hidden.extend(long_words(body, value_at));
            } else {
                let blanks = rest.len() - rest.trim_start().len();
                hidden.push(value_at + blanks..body.len());
            }
            if !trimmed.starts_with('#') && !is_address(name) {
                let column = column_of_key(body, key.start);
                let mut value = Value { column, empty: comment_only, quote: None, depth: 0 };
                if !comment_only {
                    value.take(rest);
                }
                *open = Some(value);
            }
            break;
        }
        merged(hidden)
    }

    /// The next key that looks like one of a secret, and where its value begins.
    fn next_key(self, body: &str, from: usize) -> Option<(Range<usize>, usize)> {
        for word in words(body, from) {
            let name = body.get(word.clone()).unwrap_or_default();
            if !self.tells(name) {
                continue;
            }
            let after = body.get(word.end..).unwrap_or_default();
            let bare = after.trim_start_matches([' ', '\t', '"', '\'', ']', '}', ')']);
            let before = body.get(..word.start).unwrap_or_default();
            let starts = starts_a_key(before);
            if bare.starts_with([':', '=']) && (starts || self == Self::Workspace) {
                return Some((word, body.len() - bare.len() + 1));
            }
            // Somebody forgot the colon. A word of a list is no key.
            let listed = before.trim() == "-" && after.trim().is_empty();
            if starts && !listed && self == Self::Workspace {
                return Some((word.clone(), word.end));
            }
        }
        None
    }

    /// Whether a key has the look of one whose value is a secret.
    fn tells(self, name: &str) -> bool {
        /// Anywhere in a key.
        const PARTS: [&str; 10] = [
            "token",
            "secret",
            "passw",
            "pwd",
            "apikey",
            "bearer",
            "auth",
            "credential",
            "uuid",
            "privatekey",
        ];
        /// The whole key.
        const WHOLE: [&str; 5] = ["pat", "pass", "pw", "login", "cookie"];
        /// What a misspelt key may have meant.
        const MEANT: [&str; 5] = ["token", "secret", "password", "uuid", "apikey"];
        if name.len() > 200 {
            return false;
        }
        let lower: String = name
            .chars()
            .filter(|c| !matches!(c, '_' | '-' | '.'))
            .map(|c| c.to_ascii_lowercase())
            .collect();
        if PARTS.iter().any(|part| lower.contains(part)) || WHOLE.contains(&lower.as_str()) {
            return true;
        }
        self == Self::Workspace
            && (lower.ends_with("key")
                || is_address(name)
                || (lower.len() >= 4 && nearest(&lower, MEANT.into_iter()).is_some()))
    }
}

/// Keeps messages from repeating what is covered where the file is shown.
pub(crate) struct Hush<'t> {
    text: &'t str,
    covered: &'t str,
    /// Covered words that are no words of a message by chance.
    words: HashSet<&'t str>,
}

/// From here on a word is rather a secret than a word of the message itself.
const TELLING: usize = 8;

impl<'t> Hush<'t> {
    /// For a text and what [`Cover::text`] made of it.
    pub(crate) fn new(text: &'t str, covered: &'t str) -> Self {
        let mut words = HashSet::new();
        if text != covered {
            for stretch in pieces(text) {
                let word = text.get(stretch.clone()).unwrap_or_default();
                if covered.get(stretch) != Some(word) {
                    words.insert(bare(word));
                }
            }
            words.retain(|w| w.len() >= TELLING);
        }
        Self { text, covered, words }
    }

    /// The problem without covered words. `own` says whether its place is in this text.
    pub(crate) fn problem(&self, problem: Problem, own: bool) -> Problem {
        let under = self.under(problem.span).filter(|_| own);
        if self.words.is_empty() && under.is_none() {
            return problem;
        }
        let clean = |text: String| {
            let text = match under {
                Some(name) => text.replace(&format!("`{}`", shown(name)), "`...`"),
                None => text,
            };
            let mut out = String::with_capacity(text.len());
            let mut from = 0;
            for stretch in pieces(&text) {
                let word = text.get(stretch.clone()).unwrap_or_default();
                if self.knows(word) {
                    out.push_str(text.get(from..stretch.start).unwrap_or_default());
                    out.push_str("...");
                    from = stretch.end;
                }
            }
            out.push_str(text.get(from..).unwrap_or_default());
            out
        };
        Problem { message: clean(problem.message), help: problem.help.map(clean), ..problem }
    }

    /// The covered name that a place points at, however short it is.
    fn under(&self, span: Span) -> Option<&'t str> {
        let from = span.offset as usize;
        let to = from.checked_add(span.length as usize)?;
        let name = self.text.get(from..to)?;
        let hidden = self.covered.get(from..to)? != name;
        let name = name.trim().trim_matches(['"', '\'']);
        (hidden && !matches!(name, "" | "env" | "file")).then_some(name)
    }

    fn knows(&self, word: &str) -> bool {
        // A long name is told by its beginning.
        let begins = word.strip_suffix("...").map(bare).filter(|w| w.len() >= TELLING);
        self.words.contains(bare(word))
            || begins.is_some_and(|start| self.words.iter().any(|w| w.starts_with(start)))
    }
}

/// The stretches of a text between blanks, quotes and signs.
fn pieces(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let separates = |c: char| c.is_whitespace() || "\"'`{}[],:=".contains(c);
    let mut at = 0;
    text.split_inclusive(separates).filter_map(move |piece| {
        let start = at;
        at += piece.len();
        let word = piece.trim_end_matches(separates);
        (!word.is_empty()).then_some(start..start + word.len())
    })
}

fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric())
}

/// A value that is covered, for as long as it goes on.
struct Value {
    /// The column of its key, in bytes.
    column: usize,
    /// Whether nothing of it was seen yet.
    empty: bool,
    /// The quote that it stands in.
    quote: Option<char>,
    /// Brackets that are open.
    depth: usize,
}

enum GoesOn {
    /// The line is part of the value.
    Covered,
    /// The line is a comment, the value may go on behind it.
    Comment,
    /// The value has ended.
    No,
}

impl Value {
    fn goes_on(&self, body: &str, indent: usize) -> GoesOn {
        let trimmed = body.trim();
        if body.starts_with("---")
            && body.get(3..).is_none_or(|t| t.trim_start() != t || t.is_empty())
        {
            return GoesOn::No;
        }
        let inside = self.quote.is_some() || self.depth > 0;
        let on = if inside {
            // A quote that nobody closed ends where the file is itself again.
            indent > self.column || !has_known_key(trimmed)
        } else if trimmed.is_empty() || indent > self.column || trimmed.starts_with(':') {
            true
        } else if trimmed.starts_with('#') {
            return GoesOn::Comment;
        } else {
            // Wrongly indented, perhaps: no key begins here, or none that has its place here.
            let astray = self.empty && indent > 0 && indent != self.column;
            !has_key(trimmed) || (astray && !trimmed.ends_with(':') && !has_known_key(trimmed))
        };
        if on { GoesOn::Covered } else { GoesOn::No }
    }

    /// Counts the quotes and brackets of more of the value.
    fn take(&mut self, text: &str) {
        let mut before = ' ';
        let mut escaped = false;
        for c in text.chars() {
            if let Some(quote) = self.quote {
                if escaped {
                    escaped = false;
                } else if c == '\\' && quote == '"' {
                    escaped = true;
                } else if c == quote {
                    self.quote = None;
                }
            } else {
                match c {
                    '"' | '\'' if before.is_whitespace() || "[{,:".contains(before) => {
                        self.quote = Some(c);
                    }
                    '[' | '{' if before.is_whitespace() || self.depth > 0 => self.depth += 1,
                    ']' | '}' => self.depth = self.depth.saturating_sub(1),
                    _ => {}
                }
            }
            before = c;
        }
        self.empty &= text.trim().is_empty();
    }
}

/// The words of a line: what could be a key.
fn words(body: &str, from: usize) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut at = from;
    std::iter::from_fn(move || {
        let rest = body.get(at..)?;
        let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let start = at + rest.find(part)?;
        let tail = body.get(start..)?;
        let end = start + tail.find(|c| !part(c)).unwrap_or(tail.len());
        at = end;
        Some(start..end)
    })
}

/// Whether a word is a token of HubSpot by its look, wherever it stands.
fn is_known_token(word: &str) -> bool {
    word.len() >= 16 && word.starts_with("pat-") && word.bytes().any(|b| b.is_ascii_digit())
}

/// Whether a key begins behind this part of a line.
fn starts_a_key(before: &str) -> bool {
    let bare = before.trim_end_matches(['"', '\'']).trim_end();
    let marker = bare.trim_start();
    marker.is_empty() || marker == "?" || marker == "-" || bare.ends_with(['{', ','])
}

/// The column of a key, or of its line when it stands within braces.
fn column_of_key(body: &str, start: usize) -> usize {
    let lead = body.len() - body.trim_start_matches([' ', '\t', '-', '?']).len();
    let before = body.get(..start).unwrap_or_default();
    let indent = body.len() - body.trim_start().len();
    if before.contains(['{', '[']) { indent } else { lead.min(start) }
}

/// Whether a line begins with `key:`. What is in brackets is no key but a value.
fn has_key(trimmed: &str) -> bool {
    trimmed.split_once(':').is_some_and(|(key, behind)| {
        !key.contains(['{', '[', ',']) && (behind.is_empty() || behind.starts_with([' ', '\t']))
    })
}

/// Whether a line begins with a key that every workspace has.
fn has_known_key(trimmed: &str) -> bool {
    const KNOWN: [&str; 14] = [
        "proforma",
        "workspace",
        "connections",
        "default_connection",
        "quotes",
        "catalog",
        "guardrails",
        "provider",
        "token",
        "uuid",
        "base_url",
        "defaults",
        "rate",
        "concurrency",
    ];
    trimmed.split_once(':').is_some_and(|(key, _)| KNOWN.contains(&key.trim_end()))
}

/// `{ env: NAME }` or `{ file: PATH }`: its length.
fn source(rest: &str) -> Option<usize> {
    let inner = rest.trim_start().strip_prefix('{')?.trim_start();
    let behind = entry(inner)?.trim_start().strip_prefix('}')?;
    let after = behind.trim_start();
    let ends = after.is_empty()
        || after.starts_with([',', '}'])
        || (after.starts_with('#') && after.len() < behind.len());
    ends.then(|| rest.len() - behind.len())
}

/// `env: NAME` or `file: PATH` on a line of its own.
fn names_a_source(trimmed: &str) -> bool {
    entry(trimmed).is_some_and(|behind| behind.trim().is_empty() || behind.starts_with(" #"))
}

/// What stands behind `env: NAME` or `file: PATH`.
fn entry(text: &str) -> Option<&str> {
    let (env, tail) = match text.strip_prefix("env") {
        Some(tail) => (true, tail),
        None => (false, text.strip_prefix("file")?),
    };
    let tail = tail.trim_start().strip_prefix(':')?;
    let value = tail.trim_start();
    if value.len() == tail.len() {
        return None;
    }
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    let value = quote.map_or(value, |q| value.strip_prefix(q).unwrap_or(value));
    let plain = if quote == Some('"') { "_-./~:" } else { "_-./~:\\" };
    let stops = |c: char| !(c.is_ascii_alphanumeric() || plain.contains(c));
    let end = value.find(stops).unwrap_or(value.len());
    let (word, behind) = value.split_at_checked(end)?;
    let behind = quote.map_or(Some(behind), |q| behind.strip_prefix(q))?;
    let name = || {
        word.len() <= 64
            && word.starts_with(|c: char| c.is_ascii_uppercase())
            && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    };
    // A path that has no look of one is rather a secret in the wrong place.
    let path = || word.contains(['/', '\\', '.']);
    (if env { name() } else { path() }).then_some(behind)
}

fn is_address(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    matches!(lower.as_str(), "base_url" | "baseurl" | "url" | "proxy")
}

/// An address without a user, a query or a long part in its path: its length.
fn address(rest: &str) -> Option<usize> {
    let value = rest.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    let value = quote.map_or(value, |q| value.strip_prefix(q).unwrap_or(value));
    let end = value.find(|c: char| c.is_whitespace() || "\"'},".contains(c)).unwrap_or(value.len());
    let (word, behind) = value.split_at_checked(end)?;
    let fine = |c: char| c.is_ascii_alphanumeric() || "-._~:/[]%".contains(c);
    let (_, path) = word.split_once("://")?;
    let short = path.split('/').skip(1).all(|part| part.len() < 20);
    (word.chars().all(fine) && short).then(|| rest.len() - behind.len())
}

/// The words of a comment that are as long as a secret.
fn long_words(body: &str, from: usize) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = from;
    while let Some(rest) = body.get(at..) {
        let Some(start) = rest.find(|c: char| !c.is_whitespace()) else { break };
        let word = rest.get(start..).unwrap_or_default();
        let word = word.split(char::is_whitespace).next().unwrap_or_default();
        let start = at + start;
        at = start + word.len();
        if word.len() >= 12 && word.bytes().any(|b| b.is_ascii_digit()) {
            found.push(start..at);
        }
    }
    found
}

/// Stretches in order and without overlaps.
fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|r| r.start);
    let mut out: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match out.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => out.push(range),
        }
    }
    out
}

/// Writes a stretch with each character as one that says nothing and is as long in bytes. Brackets
/// at its ends stay, so that what follows can be found.
fn blot(stretch: &str, out: &mut String) {
    let inner = stretch.trim_end_matches(['}', ']']);
    for (i, c) in inner.char_indices() {
        let stays = c.is_whitespace() || matches!(c, '"' | '\'') || (i == 0 && "{[".contains(c));
        out.push(match c.len_utf8() {
            _ if stays => c,
            1 => 'x',
            2 => '\u{d7}',
            3 => '\u{2715}',
            _ => '\u{1d431}',
        });
    }
    out.push_str(stretch.get(inner.len()..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    #[test]
    fn what_stands_behind_a_key_of_a_secret_is_covered() {
        for (text, wanted) in [
            ("token: \"abc", "token: \"xxx"),
            ("token: abc # def", "token: xxx x xxx"),
            ("token:abc", "token:xxx"),
            ("token abc", "token xxx"),
            ("token=abc\u{e9}\u{4e2d}", "token=xxx\u{d7}\u{2715}"),
            ("- \"token\" : abc", "- \"token\" : xxx"),
            ("a: {b: 1, token: abc, c: @}", "a: {b: 1, token: xxxx xx x}"),
            ("token: {abc: x}", "token: {xxxx x}"),
            ("token: {env: abc}", "token: {xxxx xxx}"),
            ("token: {env: A, file: /b}", "token: {xxxx xx xxxxx xx}"),
            ("token: {env: A} abc", "token: {xxxx xx xxx"),
            ("token: {file: abc}", "token: {xxxxx xxx}"),
            ("Authorization: Bearer abc", "Authorization: xxxxxx xxx"),
            ("x-api-key: abc\r\nb: c", "x-api-key: xxx\r\nb: c"),
            ("tokn: abc", "tokn: xxx"),
            ("# token: abc", "# token: xxx"),
            ("token: # abcdefghijkl0", "token: # xxxxxxxxxxxxx"),
            ("a: 1\ntoken:\n  abc\n\n  d: e\nf: g", "a: 1\ntoken:\n  xxx\n\n  xx x\nf: g"),
            ("? token\n: abc\nd: e", "? token\nx xxx\nd: e"),
            ("  token:\n abc\n  d: e", "  token:\n xxx\n  d: e"),
            ("token: \"abc\ndef: g\"\nh: i", "token: \"xxx\nxxxx x\"\nh: i"),
            ("token: [abc,\ndef]\nh: i", "token: [xxxx\nxxx]\nh: i"),
            ("  token:\n { abc: x }\n  d: e", "  token:\n { xxxx x }\n  d: e"),
            ("    token:\n   abc: x\n  two:", "    token:\n   xxxx x\n  two:"),
            ("token: &a [abc,\ndef: x\n]\nh: i", "token: xx xxxxx\nxxxx x\n]\nh: i"),
            ("token: 'abc\nprovider: x", "token: 'xxx\nprovider: x"),
            ("token: |\n  abc\n  def\ng: h", "token: x\n  xxx\n  xxx\ng: h"),
            ("token:\n  env: abc", "token:\n  xxxx xxx"),
            ("base_url: https://u:abc@h.example", "base_url: xxxxxxxxxxxxxxxxxxxxxxx"),
            ("base_url: https://h.example?token=abc", "base_url: xxxxxxxxxxxxxxxxxxxxxxxxxxx"),
            ("token: {file: \"a.b\\n\"}", "token: {xxxxx \"xxxxx\"}"),
            ("two: pat-na1-0123456789", "two: xxxxxxxxxxxxxxxxxx"),
            ("<<: {token: abc}", "<<: {token: xxx}"),
        ] {
            assert_eq!(Cover::Workspace.text(text), wanted, "{text:?}");
        }
    }

    #[test]
    fn what_holds_no_secret_stays() {
        for text in [
            "token: { env: HUBSPOT_TOKEN }\nrate: 1/1s",
            "token: {env: \"A_1\"} # of the account\nuuid: { file: /run/uuid }\n",
            "crm: { token: { env: A }, uuid: { file: ./b }, rate: 1/1s }",
            "token:\n  env: HUBSPOT_TOKEN # comment\n  \nrate: 1/1s",
            "base_url: http://127.0.0.1:8080/quickquote/api/v1\nrate: 1/1s",
            "stamp_property: proforma_key\nworkspace: tokens\nquotes:\n  - secrets\n  - a",
        ] {
            assert_eq!(Cover::Workspace.text(text), text);
        }
        for text in ["items: [{ key: audit, name: \"Audit token: one\" }]", "title: The secret"] {
            assert_eq!(Cover::Manifest.text(text), text);
        }
        assert_eq!(Cover::Manifest.text("fields: { api_key: abc }"), "fields: { api_key: xxx }");
    }

    #[test]
    fn a_file_is_known_by_its_name_or_its_first_words() {
        assert_eq!(Cover::of("a/proforma.yaml", "quote: a\n"), Cover::Workspace);
        assert_eq!(Cover::of("a.yaml", "# a\nquote: a\n"), Cover::Manifest);
        assert_eq!(Cover::of("standard input", "token: a\n"), Cover::Workspace);
    }

    #[test]
    fn the_workspaces_of_the_examples_stay_as_they_are() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
        let mut seen = 0;
        for entry in std::fs::read_dir(root).unwrap() {
            let path = entry.unwrap().path().join(FILE_NAME);
            if let Ok(text) = std::fs::read_to_string(&path) {
                assert_eq!(Cover::Workspace.text(&text), text, "{}", path.display());
                seen += 1;
            }
        }
        assert!(seen > 1);
    }

    #[test]
    fn a_message_does_not_repeat_what_is_covered() {
        let text = "token: { abcdefghij: x }\nother: { abcdefghij: x }\n";
        let covered = Cover::Workspace.text(text);
        let told = |offset: u32| {
            let span = Span { file: 0, offset, length: 10 };
            let problem = Problem::new("x", span, "no key `abcdefghij`").help("or abcdefghij");
            let hushed = Hush::new(text, &covered).problem(problem, true);
            (hushed.message, hushed.help.unwrap())
        };
        assert_eq!(told(9), ("no key `...`".to_owned(), "or ...".to_owned()));
        let long = format!("uuid: a{}", "b".repeat(80));
        let covered = Cover::Workspace.text(&long);
        let clipped = shown(long.get(6..).unwrap());
        let problem = Problem::new("x", Span::default(), format!("not `{clipped}`"));
        assert_eq!(Hush::new(&long, &covered).problem(problem, false).message, "not `...`");
        let text = "token: { a: x }\n";
        let covered = Cover::Workspace.text(text);
        let problem = Problem::new("x", Span { file: 0, offset: 9, length: 1 }, "a no `a`, a");
        assert_eq!(Hush::new(text, &covered).problem(problem, true).message, "a no `...`, a");
    }

    proptest! {
        /// Whatever the text is, places in it keep their meaning.
        #[test]
        fn places_keep_their_meaning(
            parts in prop::collection::vec(select(vec![
                "token", "uuid", ": ", ":", "=", "\n", "\r\n", "  ", "{", "}", "[", "]", "\"", "'",
                "#", "env", "A", "\u{e9}", "\u{4e2d}", "\u{1f600}", "base_url", "https://", "@",
                "a", ",", "- ", "? ", "---", "\t", "\r", "\u{feff}",
            ]), 0..40),
        ) {
            let text = parts.concat();
            for kind in [Cover::Workspace, Cover::Manifest] {
                let covered = kind.text(&text);
                prop_assert_eq!(covered.len(), text.len());
                let ends = |t: &str| t.char_indices().map(|(i, c)| (i, c == '\n')).collect::<Vec<_>>();
                prop_assert_eq!(ends(&covered), ends(&text));
            }
        }
    }
}
