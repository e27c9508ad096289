//! What happened, line by line: for whoever replays a seed, and to prove that a seed repeats.
//!
//! Invariant: no address of memory, no path of this machine, no time of the real clock.

use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// The trace of one simulation. Clones write to the same one.
#[derive(Clone, Debug, Default)]
pub struct Trace(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    text: String,
    /// Texts that differ between machines, and what stands for them.
    masks: Vec<(String, String)>,
    echo: bool,
}

impl Trace {
    pub fn new(echo: bool) -> Self {
        let trace = Self::default();
        trace.inner(|t| t.echo = echo);
        trace
    }

    fn inner<T>(&self, work: impl FnOnce(&mut Inner) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on this text is written as that one.
    pub fn mask(&self, text: &str, name: &str) {
        self.inner(|t| t.masks.push((text.to_owned(), name.to_owned())));
    }

    pub fn line(&self, text: &str) {
        self.inner(|t| {
            let mut line = text.to_owned();
            for (from, to) in &t.masks {
                line = line.replace(from, to);
            }
            let _ = writeln!(t.text, "{line}");
            if t.echo {
                println!("{line}");
            }
        });
    }

    pub fn text(&self) -> String {
        self.inner(|t| t.text.clone())
    }
}

/// The logs of the program under test.
#[derive(Clone, Debug, Default)]
pub struct Logs(pub Arc<Mutex<Vec<u8>>>);

impl io::Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
