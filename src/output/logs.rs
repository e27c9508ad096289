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
#[derive(Debug)]
pub struct Door<W> {
    out: W,
    encode: fn(&str) -> String,
}

/// For lines that people read.
pub fn text() -> Door<io::Stderr> {
    Door { out: io::stderr(), encode: |line| safe(line).into_owned() }
}

/// For lines of JSON.
pub fn json() -> Door<io::Stderr> {
    Door { out: io::stderr(), encode: tame }
}

impl<W: Write> Write for Door<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let encoded = (self.encode)(&String::from_utf8_lossy(line));
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
        let mut door = Door { out: &mut seen, encode: |l| safe(l).into_owned() };
        door.write_all(LINE.as_bytes()).unwrap();
        door.flush().unwrap();
        assert_eq!(seen, b"a\\u{1b}[31m\\u{202e}b\\u{9b}c\n");
    }

    #[test]
    fn lines_of_json_stay_json() {
        let mut seen = Vec::new();
        let line = serde_json::to_string(LINE).unwrap();
        Door { out: &mut seen, encode: tame }.write_all(line.as_bytes()).unwrap();
        assert!(seen.is_ascii());
        assert_eq!(serde_json::from_slice::<String>(&seen).unwrap(), LINE);
    }
}
