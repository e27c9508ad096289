//! The only way to the terminal.
//!
//! Data goes to stdout, all else to stderr, so that `proforma plan --format json | jq` always
//! works. Each call writes one whole text through one lock.
//!
//! Invariants: a reader that went away (`| head -1`) is no error: the run goes on and ends with the
//! code that it would have had. Any other error of stdout is one, since data would be missing; it
//! is kept, and told by [`Printer::finish`] at the end of the run. An error of stderr is not:
//! there is nobody to tell.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anstream::AutoStream;

use super::text::disarm;
use super::theme::Look;
use crate::failure::{Failure, Kind};

/// Output formats.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Format {
    /// For people.
    #[default]
    Human,
    /// One JSON document on stdout.
    Json,
    /// Markdown, such as a comment on a pull request.
    Markdown,
    /// Workflow commands that GitHub turns into annotations.
    Github,
    /// One SARIF document, for code scanning.
    Sarif,
    /// One self-contained HTML page.
    Html,
}

impl Format {
    /// The word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Json => "json",
            Self::Markdown => "markdown",
            Self::Github => "github",
            Self::Sarif => "sarif",
            Self::Html => "html",
        }
    }
}

/// When to use colour.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ColorChoice {
    /// On a terminal that can, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always; a flag outranks `NO_COLOR`.
    Always,
    /// Never.
    Never,
}

impl ColorChoice {
    /// Whether a stream gets colour: `no_color` and `term` are the values of the environment.
    pub fn resolve(self, no_color: Option<&str>, term: Option<&str>, terminal: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => {
                // By https://no-color.org an empty value does not count.
                terminal && no_color.is_none_or(str::is_empty) && term != Some("dumb")
            }
        }
    }
}

/// Columns where the terminal does not say.
const WIDTH_OF_A_LOG: usize = 100;
/// Lines longer than this are hard to follow with the eye.
const WIDEST: usize = 140;
/// Below this nothing can be aligned; lines then run over.
const NARROWEST: usize = 40;

/// What the user asked of the output.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Settings {
    /// The format of the data.
    pub format: Format,
    /// When to use colour.
    pub color: ColorChoice,
    /// Say less: no progress, no notes.
    pub quiet: bool,
    /// Say more.
    pub verbose: bool,
}

/// What is known of stdout or stderr.
#[derive(Clone, Copy, Debug)]
struct Stream {
    color: bool,
    terminal: bool,
}

/// The printer of a run.
#[derive(Clone, Debug)]
pub struct Printer {
    settings: Settings,
    out: Stream,
    err: Stream,
    width: usize,
    /// The first error of stdout.
    lost: OnceLock<String>,
    /// Where the output goes instead of the process's streams.
    kept: Option<Kept>,
}

/// Output that is kept in memory, as bytes of stdout and of stderr.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    out: Arc<Mutex<Vec<u8>>>,
    err: Arc<Mutex<Vec<u8>>>,
}

impl Kept {
    /// What was written to stdout so far.
    pub fn out(&self) -> Vec<u8> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was written to stderr so far.
    pub fn err(&self) -> Vec<u8> {
        self.err.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// One of the streams of a [`Kept`].
struct KeptStream(Arc<Mutex<Vec<u8>>>);

fn stream(bytes: &Arc<Mutex<Vec<u8>>>) -> Box<dyn Write + Send> {
    Box::new(KeptStream(Arc::clone(bytes)))
}

impl Write for KeptStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Printer {
    /// For the process's own streams; looks at them and at `NO_COLOR`, `TERM` and `COLUMNS` once.
    pub fn new(settings: Settings) -> Self {
        let variable = |name: &str| std::env::var(name).ok();
        let (no_color, term) = (variable("NO_COLOR"), variable("TERM"));
        let resolve =
            |terminal| settings.color.resolve(no_color.as_deref(), term.as_deref(), terminal);
        let (out, err) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        Self {
            settings,
            out: Stream { color: resolve(out), terminal: out },
            err: Stream { color: resolve(err), terminal: err },
            width: page_width(variable("COLUMNS").as_deref(), measured(out || err)),
            lost: OnceLock::new(),
            kept: None,
        }
    }

    /// For output that is kept in memory instead of shown: a program that runs commands in its own
    /// process, such as the simulation. Never a terminal, never in colour unless told so.
    pub fn kept(settings: Settings) -> (Self, Kept) {
        let kept = Kept::default();
        let color = settings.color.resolve(None, None, false);
        let printer = Self {
            settings,
            out: Stream { color, terminal: false },
            err: Stream { color, terminal: false },
            width: WIDTH_OF_A_LOG,
            lost: OnceLock::new(),
            kept: Some(kept.clone()),
        };
        (printer, kept)
    }

    /// Stderr, for those that write to it as they go.
    pub(super) fn stderr(&self) -> Box<dyn Write + Send> {
        match &self.kept {
            Some(kept) => stream(&kept.err),
            None => Box::new(io::stderr()),
        }
    }

    /// The format of the data.
    pub fn format(&self) -> Format {
        self.settings.format
    }

    /// Whether the data is one JSON document.
    pub fn is_json(&self) -> bool {
        self.settings.format == Format::Json
    }

    /// Whether the data is a page for the terminal. All else is a document that owns stdout.
    pub fn is_human(&self) -> bool {
        self.settings.format == Format::Human
    }

    /// Whether progress and notes are left out.
    pub fn is_quiet(&self) -> bool {
        self.settings.quiet
    }

    /// Whether the output goes to the process's own streams, as it comes.
    pub fn is_live(&self) -> bool {
        self.kept.is_none()
    }

    /// Whether somebody watches stderr.
    pub fn stderr_is_terminal(&self) -> bool {
        self.err.terminal
    }

    /// Whether a name on stdout can be a link: on a terminal, in colour.
    pub fn links(&self) -> bool {
        self.out.terminal && self.out.color && self.is_human()
    }

    /// How pages for stdout look.
    pub fn look(&self) -> Look {
        Look { color: self.out.color, width: self.width, verbose: self.settings.verbose }
    }

    /// How pages for stderr look.
    pub fn look_err(&self) -> Look {
        Look { color: self.err.color, ..self.look() }
    }

    /// Writes data to stdout.
    pub fn data(&self, text: &str) {
        let choice = choice(self.out.color && self.is_human());
        // Other formats are documents, and have encoders of their own.
        let text = if self.is_human() { disarm(text) } else { text.into() };
        let written = match &self.kept {
            Some(kept) => put(AutoStream::new(stream(&kept.out), choice), &text),
            None => put(AutoStream::new(io::stdout().lock(), choice), &text),
        };
        if let Err(error) = written {
            // The first error is the cause; later ones follow from it.
            self.lost.get_or_init(|| error.to_string());
        }
    }

    /// Writes a text to stdout byte by byte: one that goes on to another program, such as an editor.
    pub fn raw(&self, text: &str) {
        let written = match &self.kept {
            Some(kept) => put(stream(&kept.out), text),
            None => put(io::stdout().lock(), text),
        };
        if let Err(error) = written {
            self.lost.get_or_init(|| error.to_string());
        }
    }

    /// Whether all data arrived; to be asked once, when the run is over.
    pub fn finish(&self) -> Result<(), Failure> {
        self.lost.get().map_or(Ok(()), |error| {
            Err(Failure::new(Kind::Other, format!("cannot write to standard output: {error}"))
                .help("what the command did is done and recorded; only its output is incomplete"))
        })
    }

    /// Writes to stderr what must be seen: failures, questions' context, warnings.
    pub fn say(&self, text: &str) {
        let choice = choice(self.err.color);
        // There is nowhere to tell that stderr is gone.
        let text = disarm(text);
        let _ = match &self.kept {
            Some(kept) => put(AutoStream::new(stream(&kept.err), choice), &text),
            None => put(AutoStream::new(io::stderr().lock(), choice), &text),
        };
    }

    /// Writes to stderr what is good to know; nothing when quiet.
    pub fn note(&self, text: &str) {
        if !self.settings.quiet {
            self.say(text);
        }
    }

    /// Writes a page that a person reads beside the data: to stdout if that is the format, to
    /// stderr (unless quiet) if stdout belongs to a document. `page` draws it for its stream.
    pub fn page(&self, page: impl FnOnce(Look) -> String) {
        if self.is_human() {
            self.data(&page(self.look()));
        } else if !self.settings.quiet {
            self.say(&page(self.look_err()));
        }
    }
}

fn choice(color: bool) -> anstream::ColorChoice {
    // `AlwaysAnsi` would skip the translation that old Windows consoles need.
    if color { anstream::ColorChoice::Always } else { anstream::ColorChoice::Never }
}

/// Writes one text; a reader that went away is no error.
fn put(stream: impl Write, text: &str) -> io::Result<()> {
    let mut stream = BufWriter::new(stream);
    match stream.write_all(text.as_bytes()).and_then(|()| stream.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            // What is left in the buffer has no reader: it must not be tried again on drop.
            let _ = stream.into_parts();
            Ok(())
        }
        other => other,
    }
}

fn measured(terminal: bool) -> Option<usize> {
    if !terminal {
        return None;
    }
    terminal_size::terminal_size().map(|(columns, _)| usize::from(columns.0))
}

/// The columns of a page: what the terminal says, else `COLUMNS`, else that of a log.
fn page_width(columns: Option<&str>, terminal: Option<usize>) -> usize {
    terminal
        .or_else(|| columns.and_then(|c| c.parse().ok()))
        .filter(|width| *width > 0)
        .unwrap_or(WIDTH_OF_A_LOG)
        .clamp(NARROWEST, WIDEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_follows_flag_environment_and_terminal() {
        use ColorChoice::{Always, Auto, Never};
        assert!(Auto.resolve(None, Some("xterm"), true));
        assert!(Auto.resolve(Some(""), None, true));
        assert!(!Auto.resolve(Some("1"), None, true));
        assert!(!Auto.resolve(None, Some("dumb"), true));
        assert!(!Auto.resolve(None, None, false));
        assert!(Always.resolve(Some("1"), Some("dumb"), false));
        assert!(!Never.resolve(None, None, true));
    }

    #[test]
    fn the_width_is_sane_whatever_is_said() {
        assert_eq!(page_width(None, None), WIDTH_OF_A_LOG);
        assert_eq!(page_width(Some("80"), None), 80);
        assert_eq!(page_width(Some("80"), Some(120)), 120);
        assert_eq!(page_width(Some("0"), None), WIDTH_OF_A_LOG);
        assert_eq!(page_width(Some("x"), Some(3)), NARROWEST);
        assert_eq!(page_width(None, Some(100_000)), WIDEST);
    }

    struct Broken(io::ErrorKind);
    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    #[test]
    fn a_closed_pipe_is_no_error_and_a_full_disk_is() {
        let long = "x".repeat(100_000);
        assert!(put(Broken(io::ErrorKind::BrokenPipe), &long).is_ok());
        assert!(put(Broken(io::ErrorKind::BrokenPipe), "x").is_ok());
        assert!(put(Broken(io::ErrorKind::StorageFull), &long).is_err());
        let mut seen = Vec::new();
        put(&mut seen, "text").unwrap();
        assert_eq!(seen, b"text");
    }
}
