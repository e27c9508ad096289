//! Logs on their way to stderr.
//!
//! Purpose: the door for log lines. Our own events hold no foreign text, but a filter such as
//! `PROFORMA_LOG=trace` lets other crates speak, and nobody has checked what they repeat of an
//! upstream.
//!
//! Invariants: a line passes the encoder of its format as a whole; an error of stderr is no error,
//! since there is nobody left to tell.

use std::io::{self, Write};

use super::json::tame;
use super::text::safe;

/// A writer of log lines; each call of `write` is one whole line, as `tracing-subscriber` does it.
/// Every line carries the id of the run, whichever task it comes from.
#[derive(Debug)]
pub struct Door<W> {
    out: W,
    encode: fn(&str, &str) -> String,
    run: String,
}

/// For lines that people read.
pub fn text(run: &str) -> Door<io::Stderr> {
    Door { out: io::stderr(), encode: text_line, run: run.to_owned() }
}

/// For lines of JSON.
pub fn json(run: &str) -> Door<io::Stderr> {
    Door { out: io::stderr(), encode: json_line, run: run.to_owned() }
}

fn text_line(line: &str, run: &str) -> String {
    let line = safe(line);
    match line.strip_suffix('\n') {
        Some(body) => format!("{body} run={run}\n"),
        None => line.into_owned(),
    }
}

fn json_line(line: &str, run: &str) -> String {
    let line = tame(line);
    match line.strip_prefix('{') {
        // The id is made of digits and letters: it needs no escaping.
        Some(rest) => format!("{{\"run\":\"{run}\",{rest}"),
        None => line,
    }
}

impl<W: Write> Write for Door<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let encoded = (self.encode)(&String::from_utf8_lossy(line), &self.run);
        // All of it is taken, or the subscriber would send the rest as a line of its own.
        let _ = self.out.write_all(encoded.as_bytes());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = self.out.flush();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "a\u{1b}[31m\u{202e}b\u{9b}c\n";

    #[test]
    fn lines_cannot_drive_a_terminal() {
        let mut seen = Vec::new();
        let mut door = Door { out: &mut seen, encode: text_line, run: "r1".to_owned() };
        door.write_all(LINE.as_bytes()).unwrap();
        door.flush().unwrap();
        assert_eq!(seen, b"a\\u{1b}[31m\\u{202e}b\\u{9b}c run=r1\n");
    }

    #[test]
    fn lines_of_json_stay_json() {
        let mut seen = Vec::new();
        let line = serde_json::json!({ "message": LINE }).to_string();
        let mut door = Door { out: &mut seen, encode: json_line, run: "r1".to_owned() };
        door.write_all(line.as_bytes()).unwrap();
        assert!(seen.is_ascii());
        let read: serde_json::Value = serde_json::from_slice(&seen).unwrap();
        assert_eq!(read, serde_json::json!({ "run": "r1", "message": LINE }));
    }
}
