//! The command line: arguments to settings, settings to one function a command, results to an
//! exit code.
//!
//! Invariants: every run ends in one place, [`main`]; a failure of a command whose data is a
//! document still prints the document; usage errors end in 10 like every other invalid input.

pub mod apply;
pub mod applying;
pub mod args;
pub mod checkout;
pub mod completions;
pub mod connect;
pub mod demo;
pub mod explain;
pub mod fmt;
mod holding;
pub mod import;
pub mod import_stamp;
mod import_told;
mod import_wanted;
pub mod init;
pub mod lock;
pub mod lock_merge;
pub mod lock_rebuild;
pub mod machine;
pub mod man;
pub mod migrate;
mod migrate_files;
pub mod offline;
pub mod open;
pub mod plan;
pub mod planning;
pub mod providers;
pub mod recover;
pub mod reference;
pub mod sandbox;
pub mod schema;
pub mod select;
pub mod show;
pub mod signals;
pub mod status;
pub mod validate;

use std::ffi::OsString;
use std::io::Write as _;

use clap::Parser;
use clap::error::ErrorKind;

use crate::failure::{Failure, Kind};
use crate::output::annotations::failure_annotations;
use crate::output::failure_human::failure_human;
use crate::output::json::{Document, failure_json};
use crate::output::logs;
use crate::output::markdown::failure_markdown;
use crate::output::plan_html::failure_html;
use crate::output::printer::{ColorChoice, Format, Printer, Settings};
use crate::output::sarif::failure_sarif;
use crate::output::text::{disarm, safe};
use args::{Cli, Color, Command, Global};

/// What a command ends with: nothing more to say, or why the code is not 0.
type Ending = Result<Option<Kind>, Failure>;

/// Runs the command line and gives the exit code.
pub fn main(args: impl IntoIterator<Item = OsString>) -> u8 {
    let args: Vec<OsString> = args.into_iter().collect();
    if let Some(code) = completions::answer(&args) {
        return code;
    }
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            print_usage(&error);
            return match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => 0,
                _ => Kind::Invalid.exit_code(),
            };
        }
    };
    let printer = printer(&cli.global);
    let run = run_id();
    start_logs(&cli.global, &run);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            printer.say(&format!("error: cannot start: {error}\n"));
            return Kind::Other.exit_code();
        }
    };
    let code = runtime.block_on(carry_out(&cli, &printer));
    // What support asks for first; without logs there is nothing to look it up in.
    if code != 0 && cli.global.verbose > 1 {
        printer.note(&format!("run {run} ended with exit code {code}\n"));
    }
    code
}

/// Runs one command on the machine of its [`Global`] and gives the exit code.
pub async fn carry_out(cli: &Cli, printer: &Printer) -> u8 {
    let ending = run(cli, printer).await;
    let ending = match (ending, printer.finish()) {
        (Ok(_), Err(failure)) => Err(failure),
        (ending, _) => ending,
    };
    match ending {
        Ok(kind) => kind.map_or(0, Kind::exit_code),
        Err(failure) => {
            tell(cli, printer, &failure);
            failure.kind.exit_code()
        }
    }
}

fn printer(global: &Global) -> Printer {
    Printer::new(Settings {
        format: global.format.into(),
        color: match global.color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        },
        quiet: global.quiet,
        verbose: global.verbose > 0,
    })
}

/// An id that tells this run from others in collected logs.
fn run_id() -> String {
    let now = jiff::Timestamp::now().as_nanosecond();
    let hash = blake3::hash(format!("{} {now}", std::process::id()).as_bytes());
    hash.to_hex().chars().take(12).collect()
}

/// Logs go to stderr: what `PROFORMA_LOG` asks for, or every request with `-vv`. Other crates stay
/// silent unless they are named, since nobody has checked what they print.
fn start_logs(global: &Global, run: &str) {
    let run = run.to_owned();
    let default = if global.verbose > 1 { "proforma=debug" } else { "off" };
    let filter = tracing_subscriber::EnvFilter::try_from_env("PROFORMA_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    let logs = tracing_subscriber::fmt().with_env_filter(filter);
    let by_variable = || {
        let json = std::env::var("PROFORMA_LOG_FORMAT").as_deref() == Ok("json");
        if json { args::LogFormat::Json } else { args::LogFormat::Text }
    };
    let set = if global.log_format.unwrap_or_else(by_variable) == args::LogFormat::Json {
        logs.json().with_writer(move || logs::json(&run)).try_init()
    } else {
        logs.with_ansi(false).with_writer(move || logs::text(&run)).try_init()
    };
    // A second start in one process (a test) keeps the first.
    drop(set);
}

/// clap's own pages and errors; nothing can be done when even this cannot be printed.
fn print_usage(error: &clap::Error) {
    let text = error.render().to_string();
    // An error repeats the words that it does not understand: they may be anybody's.
    let tamed = safe(&text);
    let tamed = disarm(&tamed);
    if tamed == text {
        let _ = error.print();
    } else {
        let _ = std::io::stderr().lock().write_all(tamed.as_bytes());
    }
}

fn tell(cli: &Cli, printer: &Printer, failure: &Failure) {
    // A format that the command does not have is refused in the usual way.
    let format = printer.format();
    if format == Format::Json || formats(&cli.command).contains(&format) {
        let document = document(&cli.command).unwrap_or(Document::Other("failure"));
        match format {
            Format::Human => {}
            Format::Json => printer.data(&failure_json(document, failure)),
            Format::Markdown => printer.data(&failure_markdown(document.word(), failure)),
            Format::Html => printer.data(&failure_html(document.word(), failure)),
            Format::Sarif => {
                printer.data(&failure_sarif(failure, &checkout::prefix(&cli.global.dir)));
            }
            Format::Github => {
                printer.data(&failure_annotations(failure, &checkout::prefix(&cli.global.dir)));
            }
        }
    }
    printer.say(&failure_human(failure, printer.look_err()));
}

/// The document of a command; none where it has no JSON.
fn document(command: &Command) -> Option<Document> {
    match command {
        Command::Plan(_) => Some(Document::Plan),
        Command::Apply(_) => Some(Document::Apply),
        Command::Status { .. } => Some(Document::Other("status")),
        Command::Validate { .. } => Some(Document::Validate),
        Command::Lock(args::LockCommand::List) => Some(Document::Other("lock")),
        Command::Import(_) => Some(Document::Other("import")),
        Command::Providers { .. } => Some(Document::Other("providers")),
        Command::Migrate(_) => Some(Document::Migration),
        Command::Show { .. } => Some(Document::Other("quote")),
        _ => None,
    }
}

/// The formats that a command has.
fn formats(command: &Command) -> &'static [Format] {
    use Format::{Github, Html, Human, Json, Markdown, Sarif};
    match command {
        Command::Plan(_) => &[Human, Json, Markdown, Html, Sarif, Github],
        Command::Validate { .. } => &[Human, Json, Sarif, Github],
        Command::Show { .. } => &[Human, Json, Html],
        Command::Apply(_)
        | Command::Import(_)
        | Command::Status { .. }
        | Command::Lock(args::LockCommand::List)
        | Command::Providers { .. } => &[Human, Json],
        Command::Migrate(_) => &[Human, Json, Markdown, Html],
        _ => &[Human],
    }
}

async fn run(cli: &Cli, printer: &Printer) -> Ending {
    let global = &cli.global;
    let format = printer.format();
    if !formats(&cli.command).contains(&format) {
        let words: Vec<_> = formats(&cli.command).iter().map(|f| f.word()).collect();
        let what = format!("this command has no `--format {}`", format.word());
        return Err(Failure::new(Kind::Invalid, what)
            .help(format!("it has {}; `--help` says so of each command", words.join(", "))));
    }
    match &cli.command {
        Command::Status { selection } => status::run(global, selection, printer).await,
        Command::Explain { code } => explain::run(code.as_deref(), printer),
        Command::Completions { shell } => completions::run(*shell, printer),
        Command::Man { folder } => man::run(folder.as_deref(), printer),
        Command::Schema { name } => schema::run(*name, printer),
        Command::Fmt { paths, check } => fmt::run(global, paths, *check, printer),
        Command::Init(args) => init::run(global, args, printer),
        Command::Import(args) => import::run(global, args, printer).await,
        Command::Validate { paths } => validate::run(global, paths, printer),
        Command::Plan(args) => plan::run(global, args, printer).await,
        Command::Show { quote } => show::run(global, quote, printer),
        Command::Apply(args) => apply::run(global, args, printer).await,
        Command::Recover { quote, adopt, absent } => {
            recover::run(global, quote.as_deref(), adopt.as_deref(), *absent, printer).await
        }
        Command::Lock(command) => lock::run(global, command, printer).await,
        Command::Providers { name } => providers::run(name.as_deref(), printer),
        Command::Migrate(args) => migrate::run(global, args, printer),
        Command::Sandbox(args) => sandbox::run(args, printer).await.map(|()| None),
        Command::Demo { no_pause } => demo::run(printer, *no_pause).await.map(|()| None),
    }
}

/// What the reader typed before the command's name, for commands that are proposed.
fn program(global: &Global) -> String {
    let mut words = vec!["proforma".to_owned()];
    if let Some(url) = &global.sandbox {
        words.push(format!("--sandbox {url}"));
    }
    if global.dir.as_os_str() != "." {
        words.push(format!("-C {}", global.dir.display()));
    }
    safe(&words.join(" ")).into_owned()
}
