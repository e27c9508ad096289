//! Secrets, and how they get into a request.
//!
//! Purpose: a [`Secret`] is read from an environment variable or a file, never from the
//! workspace, and goes out as a header ([`Credential`]) or in a body that the provider builds.
//!
//! Invariants: a secret cannot be printed, compared, cloned into a log or serialised; it is
//! visible ASCII without spaces, so it is fit for a header; the value never appears in an error.
//! [`Redactor`] takes secrets out of what an upstream echoes.

use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};

use crate::key::ConnectionName;

/// The largest file that is read as a secret, in bytes.
pub const MAX_FILE: u64 = 64 * 1024;

/// Where a secret lies.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SecretSource {
    /// An environment variable.
    Env(String),
    /// A file that holds nothing else; one newline at its end is dropped.
    File(PathBuf),
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "environment variable `{name}`"),
            Self::File(path) => write!(f, "file `{}`", path.display()),
        }
    }
}

/// A secret could not be had. The exit code is that of refused credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("connection `{connection}`: {source_of} {problem}")]
pub struct CredentialError {
    /// The connection that needs it.
    pub connection: ConnectionName,
    /// Where it was looked for.
    pub source_of: SecretSource,
    /// Why there is none.
    pub problem: CredentialProblem,
}

/// Why there is no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialProblem {
    /// The variable does not exist.
    #[error("is not set")]
    NotSet,
    /// The file could not be read.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// There is nothing in it.
    #[error("is empty")]
    Empty,
    /// More than [`MAX_FILE`] bytes.
    #[error("is larger than 64 KiB, which no token is")]
    TooLarge,
    /// Spaces, control characters or letters outside of ASCII.
    #[error("holds a space, a line break or another character that no token has")]
    Unfit,
}

impl From<CredentialError> for crate::failure::Failure {
    fn from(error: CredentialError) -> Self {
        let help = match &error.source_of {
            SecretSource::Env(name) => format!("set `{name}` to the token and run again"),
            SecretSource::File(_) => "the file holds the token and nothing else".to_owned(),
        };
        Self::new(crate::failure::Kind::Credentials, error.to_string()).help(help)
    }
}

/// A token or other secret: visible ASCII, wiped from memory when dropped.
#[derive(Clone)]
pub struct Secret(SecretString);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// A secret from its text.
    pub fn new(text: String) -> Result<Self, CredentialProblem> {
        if text.is_empty() {
            return Err(CredentialProblem::Empty);
        }
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(CredentialProblem::Unfit);
        }
        Ok(Self(SecretString::from(text)))
    }

    /// Reads a secret from where it lies. The environment is handed in, so that a test need not
    /// change the process's; a relative file is relative to the current folder.
    pub fn load(
        source: &SecretSource,
        connection: &ConnectionName,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, CredentialError> {
        let text = match source {
            SecretSource::Env(name) => environment(name).ok_or(CredentialProblem::NotSet),
            SecretSource::File(path) => read(path),
        };
        text.and_then(Self::new).map_err(|problem| CredentialError {
            connection: connection.clone(),
            source_of: source.clone(),
            problem,
        })
    }

    /// The text, for a header or body that is sent at once.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

fn read(path: &Path) -> Result<String, CredentialProblem> {
    // The kind of error only: its text can hold parts of the path, and the path is named already.
    let unreadable = |e: std::io::Error| CredentialProblem::Unreadable(e.kind().to_string());
    // Before it is opened: a pipe would block for ever. Links are followed, as mounted secrets are
    // made of them; whoever may write the workspace may name their target just as well.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(CredentialProblem::Unreadable("it is not a regular file".to_owned()));
    }
    // The kernel's own files call themselves regular, and some of them block for ever.
    let real = std::fs::canonicalize(path).map_err(unreadable)?;
    if ["/proc", "/sys", "/dev"].iter().any(|folder| real.starts_with(folder)) {
        return Err(CredentialProblem::Unreadable("it is the kernel's, not a file".to_owned()));
    }
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(CredentialProblem::TooLarge);
    }
    let mut text = String::from_utf8(bytes).map_err(|_| CredentialProblem::Unfit)?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

/// A secret bound to the header in which it goes out.
#[derive(Clone, Debug)]
pub struct Credential {
    name: HeaderName,
    scheme: &'static str,
    secret: Secret,
}

impl Credential {
    /// `Authorization: Bearer <secret>`.
    pub fn bearer(secret: Secret) -> Self {
        Self { name: AUTHORIZATION, scheme: "Bearer ", secret }
    }

    /// `<name>: <secret>` (`x-api-key`).
    pub fn header(name: HeaderName, secret: Secret) -> Self {
        Self { name, scheme: "", secret }
    }

    /// The secret.
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Name and value, the value marked sensitive. `None` cannot happen for a [`Secret`], which
    /// is fit for a header by construction.
    pub fn to_header(&self) -> Option<(HeaderName, HeaderValue)> {
        let text = format!("{}{}", self.scheme, self.secret.expose());
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        Some((self.name.clone(), value))
    }
}

/// What stands in the place of a secret.
const MASK: &str = "[secret]";

/// Makes upstream text fit for a message: without secrets and control characters.
#[derive(Clone, Debug, Default)]
pub struct Redactor(Vec<Secret>);

impl Redactor {
    /// Takes these secrets out.
    pub fn new(secrets: Vec<Secret>) -> Self {
        Self(secrets)
    }

    /// The text with secrets masked, control and direction characters as spaces, and clipped to
    /// `limit` characters. Masking comes first, so that clipping cannot leave half a secret.
    pub fn clean(&self, text: &str, limit: usize) -> String {
        let mut text = text.to_owned();
        for secret in &self.0 {
            text = text.replace(secret.expose(), MASK);
        }
        let mut out: String = text.chars().take(limit).map(visible).collect();
        if text.chars().nth(limit).is_some() {
            out.push_str("...");
        }
        out
    }
}

/// Secrets at least this long are taken out of answers too. A shorter one is a stand-in (the
/// sandbox's, a test's) that may well be a word of the answer.
const LONG_ENOUGH: usize = 16;

impl Redactor {
    /// An answer without the connection's own secrets, so that an upstream which echoes one into a
    /// title or a link does not have it carried into a plan, a lockfile or a log.
    pub(super) fn scrub(&self, body: Bytes) -> Bytes {
        let mut body = body;
        for secret in self.0.iter().filter(|s| s.expose().len() >= LONG_ENOUGH) {
            body = without(body, secret.expose().as_bytes());
        }
        body
    }
}

/// The bytes with every occurrence of a secret masked, in any spelling that JSON has for it.
fn without(body: Bytes, secret: &[u8]) -> Bytes {
    let Some(first) = secret.first() else { return body };
    // A search for one byte is quick, and most answers hold no escape at all.
    let escapes = body.contains(&b'\\');
    let mut out: Option<Vec<u8>> = None;
    let (mut kept, mut at) = (0, 0);
    loop {
        let rest = body.get(at..).unwrap_or_default();
        let begins = |b: &u8| b == first || (escapes && *b == b'\\');
        let Some(hit) = rest.iter().position(begins) else { break };
        at += hit;
        let rest = rest.get(hit..).unwrap_or_default();
        let Some(length) = spelt(rest, secret) else {
            at += step(rest);
            continue;
        };
        let out = out.get_or_insert_with(|| Vec::with_capacity(body.len()));
        out.extend_from_slice(body.get(kept..at).unwrap_or_default());
        out.extend_from_slice(MASK.as_bytes());
        at += length;
        kept = at;
    }
    match out {
        None => body,
        Some(mut out) => {
            out.extend_from_slice(body.get(kept..).unwrap_or_default());
            out.into()
        }
    }
}

/// The length of a secret that a text begins with, as it is or in JSON's escapes.
fn spelt(text: &[u8], secret: &[u8]) -> Option<usize> {
    if text.starts_with(secret) {
        return Some(secret.len());
    }
    if let [b'\\', b'b' | b'f' | b'n' | b'r' | b't', ..] = text
        && text.get(1..).is_some_and(|rest| rest.starts_with(secret))
    {
        // All but its first letter would be left behind what JSON takes for a line break.
        return Some(secret.len() + 1);
    }
    let mut length = 0;
    for byte in secret {
        length += match text.get(length..)? {
            [b'\\', b'u', hex @ ..] if hex.get(..4).and_then(code) == Some(u32::from(*byte)) => 6,
            // PHP writes `\/` for every slash.
            [b'\\', c @ (b'"' | b'\\' | b'/'), ..] if c == byte => 2,
            [c, ..] if c == byte && *c != b'\\' => 1,
            _ => return None,
        };
    }
    Some(length)
}

/// The number that four digits of an escape stand for.
fn code(hex: &[u8]) -> Option<u32> {
    hex.iter().try_fold(0, |n, b| Some(n * 16 + char::from(*b).to_digit(16)?))
}

/// How far to go on: over an escape as a whole, so that a mask cannot take half of it.
fn step(text: &[u8]) -> usize {
    match text {
        [b'\\', b'\\' | b'"' | b'/', ..] => 2,
        _ => 1,
    }
}

fn visible(c: char) -> char {
    // Bidirectional controls reorder what a reader sees without being control characters.
    let reorders =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if c.is_control() || reorders { ' ' } else { c }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(source: &SecretSource) -> Result<Secret, CredentialError> {
        let crm = ConnectionName::parse("crm").unwrap();
        Secret::load(source, &crm, &|name| match name {
            "GOOD" => Some("pat-eu1-123".to_owned()),
            "EMPTY" => Some(String::new()),
            "SPACED" => Some("two words".to_owned()),
            _ => None,
        })
    }

    fn env(name: &str) -> SecretSource {
        SecretSource::Env(name.to_owned())
    }

    /// Some of the kernel's files call themselves regular and never end a read.
    #[cfg(target_os = "linux")]
    #[test]
    fn files_of_the_kernel_are_not_opened() {
        for path in ["/proc/kmsg", "/proc/version", "/sys/kernel/mm/transparent_hugepage/enabled"] {
            let refused = load(&SecretSource::File(path.into())).unwrap_err();
            assert!(matches!(refused.problem, CredentialProblem::Unreadable(_)), "{refused}");
        }
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("token");
        std::os::unix::fs::symlink("/proc/kmsg", &link).unwrap();
        assert!(load(&SecretSource::File(link)).is_err());
    }

    #[test]
    fn loads_from_the_environment_and_names_what_is_missing() {
        assert_eq!(load(&env("GOOD")).unwrap().expose(), "pat-eu1-123");
        let missing = load(&env("HUBSPOT_TOKEN")).unwrap_err();
        assert_eq!(
            missing.to_string(),
            "connection `crm`: environment variable `HUBSPOT_TOKEN` is not set"
        );
        assert_eq!(load(&env("EMPTY")).unwrap_err().problem, CredentialProblem::Empty);
        let spaced = load(&env("SPACED")).unwrap_err();
        assert_eq!(spaced.problem, CredentialProblem::Unfit);
        assert!(!spaced.to_string().contains("words"));
    }

    #[test]
    fn loads_from_a_file_without_its_last_newline() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            SecretSource::File(path)
        };
        assert_eq!(load(&write("a", b"token\n")).unwrap().expose(), "token");
        assert_eq!(load(&write("b", b"token\r\n")).unwrap().expose(), "token");
        let problem = |source| load(&source).unwrap_err().problem;
        assert_eq!(problem(write("c", b"\n")), CredentialProblem::Empty);
        assert_eq!(problem(write("d", b"token\n\n")), CredentialProblem::Unfit);
        assert_eq!(problem(write("e", b"\xff")), CredentialProblem::Unfit);
        assert_eq!(problem(write("f", &vec![b'a'; 65_537])), CredentialProblem::TooLarge);
        assert!(load(&write("g", &vec![b'a'; 65_536])).is_ok());
        let absent = SecretSource::File(folder.path().join("absent"));
        assert!(matches!(problem(absent), CredentialProblem::Unreadable(_)));
        let folder = SecretSource::File(folder.path().to_owned());
        assert!(matches!(problem(folder), CredentialProblem::Unreadable(_)));
    }

    #[test]
    fn shows_a_secret_nowhere() {
        let secret = Secret::new("s3cr3t".to_owned()).unwrap();
        let bearer = Credential::bearer(secret.clone());
        let (name, value) = bearer.to_header().unwrap();
        assert_eq!((name, value.to_str().unwrap()), (AUTHORIZATION, "Bearer s3cr3t"));
        let redactor = Redactor::new(vec![secret.clone()]);
        for shown in [
            format!("{secret:?}"),
            format!("{bearer:?}"),
            format!("{value:?}"),
            format!("{redactor:?}"),
        ] {
            assert!(!shown.contains("s3cr3t"), "{shown}");
        }
        assert_eq!(
            redactor.clean("bad token s3cr3t\u{1b}[2J\u{202e}", 80),
            "bad token [secret] [2J "
        );
        assert_eq!(redactor.clean("aaaas3cr3t", 6), "aaaa[s...");
    }

    fn json_of(text: &str) -> String {
        let quoted = serde_json::to_string(text).unwrap();
        quoted[1..quoted.len() - 1].to_owned()
    }

    #[test]
    fn what_is_left_of_an_answer_is_as_it_was() {
        let secret = Secret::new("note-0123456789abcdef".to_owned()).unwrap();
        let redactor = Redactor::new(vec![secret]);
        let scrub = |text: &str| redactor.scrub(Bytes::copy_from_slice(text.as_bytes()));
        assert_eq!(scrub(r#"{"a":"b\\note-0123456789abcdef\"c"}"#), r#"{"a":"b\\[secret]\"c"}"#);
        assert_eq!(scrub(r#""a\note-0123456789abcdefb""#), r#""a[secret]b""#);
        let body = Bytes::from_static(b"nothing to see, note-");
        assert_eq!(redactor.scrub(body.clone()).as_ptr(), body.as_ptr());
        // Beginnings without end cost no more than their length.
        let many = "note-0123456789abcde".repeat(100_000);
        assert_eq!(scrub(&many), many);
    }

    #[test]
    fn takes_a_long_secret_out_of_an_answer_in_every_spelling() {
        let token = "pat/eu1\\0123456789";
        let redactor = Redactor::new(vec![
            Secret::new(token.to_owned()).unwrap(),
            Secret::new("sandbox".to_owned()).unwrap(),
        ]);
        let scrub = |text: &str| {
            String::from_utf8(redactor.scrub(Bytes::copy_from_slice(text.as_bytes())).to_vec())
        };
        let json = serde_json::to_string(token).unwrap();
        assert_eq!(scrub(token).unwrap(), "[secret]");
        assert_eq!(scrub(&json).unwrap(), "\"[secret]\"");
        assert_eq!(scrub(&json.replace('/', "\\/")).unwrap(), "\"[secret]\"");
        let twice = format!("a{token}b{token}{token}c");
        assert_eq!(scrub(&twice).unwrap(), "a[secret]b[secret][secret]c");
        // Each character may be an escape, its digits in either case; whatever stands around it.
        let coded = |upper: bool| -> String {
            let digits = |c: char| format!("{:04x}", u32::from(c));
            let cased = |c: char| if upper { digits(c).to_uppercase() } else { digits(c) };
            token.chars().flat_map(|c| ["\\u".to_owned(), cased(c)]).collect()
        };
        for all in [coded(false), coded(true)] {
            assert_eq!(scrub(&format!("\\n{all}\\\\{all}")).unwrap(), "\\n[secret]\\\\[secret]");
        }
        for (i, c) in token.char_indices() {
            let (before, after) = (json_of(&token[..i]), json_of(&token[i + 1..]));
            let one = format!("\"{before}\\u{:04X}{after}\"", u32::from(c));
            assert_eq!(scrub(&one).unwrap(), "\"[secret]\"", "{one}");
        }
        // Neither an escape that is cut off nor one of another character counts, nor is any changed.
        for other in ["\\u007", "\\u0071at/eu1", "pat\\", "\\", "\\\\u0070at", "\\u+070"] {
            assert_eq!(scrub(other).unwrap(), other);
        }
        // A word as short as that stands in honest answers.
        assert_eq!(scrub("the sandbox answers").unwrap(), "the sandbox answers");
    }
}
