//! `--events FILE`: what happens during an apply, one JSON object a line.
//!
//! Invariants: a line is written whole and flushed before the next event is taken, so that a
//! reader that follows the file never waits for one. A file that cannot be written never stops an
//! apply that is under way; [`EventsFile::finish`] tells about it afterwards.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::json;
use super::text::safe_line;
use crate::apply::events::{Event, Listener};
use crate::failure::{Failure, Kind};

/// Several listeners as one.
#[derive(Default)]
pub struct Listeners<'a>(pub Vec<&'a dyn Listener>);

impl Listener for Listeners<'_> {
    fn on(&self, event: &Event) {
        for listener in &self.0 {
            listener.on(event);
        }
    }
}

/// Events as lines of JSON.
#[derive(Debug)]
pub struct EventsFile<W = File> {
    /// How the file is called in messages.
    name: String,
    state: Mutex<(W, Option<String>)>,
}

impl EventsFile<File> {
    /// Makes the file, or empties it.
    pub fn create(path: &Path) -> Result<Self, Failure> {
        let name = safe_line(&path.to_string_lossy()).into_owned();
        let file = File::create(path).map_err(|error| {
            Failure::new(Kind::Invalid, format!("cannot write events to `{name}`: {error}"))
                .help("`--events` needs a file in a folder that exists and may be written")
        })?;
        Ok(Self::to(file, name))
    }
}

impl<W: Write + Send> EventsFile<W> {
    /// Writes to anything.
    pub fn to(out: W, name: impl Into<String>) -> Self {
        Self { name: name.into(), state: Mutex::new((out, None)) }
    }

    /// Whether all events arrived.
    pub fn finish(self) -> Result<(), Failure> {
        let (_, error) = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        match error {
            None => Ok(()),
            Some(error) => Err(Failure::new(
                Kind::Other,
                format!("events are missing from `{}`: {error}", self.name),
            )
            .help("the apply itself is not concerned: the lockfile says what was done")),
        }
    }
}

impl<W: Write + Send> Listener for EventsFile<W> {
    fn on(&self, event: &Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (out, error) = &mut *state;
        // After a failure nothing more is written: a gap in the middle would be worse than an end.
        if error.is_none()
            && let Err(found) = write(out, event)
        {
            *error = Some(found.to_string());
        }
    }
}

fn write(out: &mut impl Write, event: &Event) -> io::Result<()> {
    let mut line = json::line(event)?;
    line.push('\n');
    out.write_all(line.as_bytes())?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::QuoteName;

    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::new(io::ErrorKind::StorageFull, "no space"))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn quote() -> Event {
        Event::Quote { quote: QuoteName::parse("q").unwrap(), outcome: "applied" }
    }

    #[test]
    fn one_object_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        let file = EventsFile::create(&path).unwrap();
        let all = Listeners(vec![&file, &crate::apply::events::Silence]);
        all.on(&Event::Started { plan: "p\n\u{1b}".to_owned(), quotes: 1, steps: 2 });
        all.on(&quote());
        file.finish().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<serde_json::Value> =
            text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["event"], "started");
        assert_eq!(lines[0]["plan"], "p\n\u{1b}");
        assert_eq!(
            lines[1],
            serde_json::json!({"event": "quote", "quote": "q", "outcome": "applied"})
        );
    }

    #[test]
    fn a_full_disk_is_told_at_the_end() {
        let file = EventsFile::to(Full, "events.jsonl");
        file.on(&quote());
        file.on(&quote());
        assert!(file.finish().unwrap_err().message.contains("no space"));
    }

    #[test]
    fn a_file_that_cannot_be_made_is_told_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let error = EventsFile::create(&folder.path().join("missing/e")).unwrap_err();
        assert_eq!(error.kind, Kind::Invalid);
    }
}
