//! One command on one machine: how it is started, how it ended, and what may be in its output.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser as _;
use proforma::cli::args::Cli;
use proforma::cli::machine::Here;
use proforma::disk::FakeDisk;
use proforma::output::printer::{Format, Printer, Settings};
use tempfile::TempDir;

use super::drawn::{PERSONAL, SECRETS};
use super::machine::{Process, SimMachine};
use super::net::Net;
use super::trace::Trace;

/// Everything that goes wrong in a story ends here.
pub type Check<T = ()> = Result<T, String>;

/// A machine (or CI pipeline) that runs proforma on the workspace.
pub struct Runner {
    pub folder: TempDir,
    pub disk: FakeDisk,
    /// The lockfile as it was committed last.
    pub committed: Option<Vec<u8>>,
}

/// How a command ended; no code = it was killed.
pub struct Ran {
    pub code: Option<u8>,
    pub out: String,
    pub err: String,
    pub writes: u64,
    pub ticks: u64,
}

impl Runner {
    pub fn new(trace: &Trace, number: usize) -> Self {
        let memory = std::path::Path::new("/dev/shm");
        let folder = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
        let folder = folder.unwrap();
        trace.mask(&folder.path().to_string_lossy(), &format!("<runner {number}>"));
        Self { folder, disk: FakeDisk::new(), committed: None }
    }
}

/// Runs a command line on a machine of the simulation, until it ends or dies.
pub fn start(
    net: Arc<Net>,
    process: Arc<Process>,
    folder: &Path,
    disk: FakeDisk,
    args: &[&str],
) -> impl Future<Output = Check<Ran>> + use<> {
    let dir = folder.to_string_lossy().into_owned();
    let cli =
        Cli::try_parse_from([&["proforma", "-C", &dir], args].concat()).map_err(|e| e.to_string());
    async move {
        let mut cli = cli?;
        cli.global.machine =
            Here::on(Arc::new(SimMachine { net, process: Arc::clone(&process), disk }));
        let json = cli.global.format == proforma::cli::args::Format::Json;
        let (printer, kept) = Printer::kept(Settings {
            format: if json { Format::Json } else { Format::Human },
            verbose: cli.global.verbose > 0,
            ..Settings::default()
        });
        let code = {
            let command = proforma::cli::carry_out(&cli, &printer);
            let bound = tokio::time::timeout(Duration::from_hours(12), command);
            tokio::select! {
                biased;
                () = process.death.notified() => None,
                code = bound => {
                    Some(code.map_err(|_| "a command does not come to an end".to_owned())?)
                }
            }
        };
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(Ran {
            code: code.filter(|_| !process.is_dead()),
            out: text(kept.out()),
            err: text(kept.err()),
            writes: process.writes(),
            ticks: process.ticks(),
        })
    }
}

/// No secret, and where told so nothing of a person either.
pub fn leaks(what: &str, bytes: &[u8], personal: bool) -> Check {
    let text = String::from_utf8_lossy(bytes);
    if let Some((name, _)) = SECRETS.iter().find(|(_, secret)| text.contains(secret)) {
        return Err(format!("{what} shows {name}"));
    }
    match PERSONAL.iter().find(|word| personal && text.contains(**word)) {
        Some(word) => {
            let line = text.lines().find(|l| l.contains(word)).unwrap_or_default();
            Err(format!("{what} holds {word:?}: {line}"))
        }
        None => Ok(()),
    }
}

/// No character that a terminal or a reader could be misled by.
pub fn unprintable(text: &str) -> Check {
    let bad = |c: &char| {
        (c.is_control() && *c != '\n')
            || matches!(*c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    match text.chars().find(bad) {
        Some(c) => Err(format!("the output holds {c:?}")),
        None => Ok(()),
    }
}
