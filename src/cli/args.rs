//! The command line: flags and their help. Doc comments are the help text.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::{ArgValueCandidates, ArgValueCompleter};

use super::completions;
use super::machine::Here;

mod examples;
mod lock;
mod migrate;
mod start;
mod words;

pub use lock::LockCommand;
pub use migrate::MigrateArgs;
pub use start::{InitArgs, SandboxArgs};
pub use words::{LogFormat, Provider, SchemaName, Shell};

/// The version, with the commit where the build knows it.
pub const VERSION: &str = env!("PROFORMA_VERSION");

/// Where `proforma sandbox` listens, and `--sandbox` without an address leads.
pub const DEFAULT_SANDBOX: &str = "http://127.0.0.1:8765";

/// Quotes as code: write sales quotes as YAML, see what would change upstream, apply it once.
///
/// Typical use: `proforma validate`, then `proforma plan`, then `proforma apply`. Without an
/// account, `proforma demo` tells the whole story against an embedded sandbox.
#[derive(Debug, Parser)]
#[command(name = "proforma", version = VERSION, disable_help_subcommand = true, max_term_width = 100,
          after_help = examples::ROOT)]
pub struct Cli {
    /// Flags of every command.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// The workspace: the folder with `proforma.yaml`.
    #[arg(short = 'C', long, global = true, value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
    /// How to print the result; each command says which formats it has.
    #[arg(long, global = true, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// When to use colour. `NO_COLOR` is honoured.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
    /// Say less: no progress, no hints.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more: every step; twice: every request.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// How the logs on stderr look. What is logged: `-vv`, or `PROFORMA_LOG`.
    #[arg(long, global = true, value_enum, value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
    /// Let every connection talk to the sandbox at this loopback address instead of its upstream.
    ///
    /// Needs no credentials, and remembers in `proforma.sandbox.lock`. Without an address (as the
    /// last word of the line) it is the one where `proforma sandbox` listens.
    #[arg(long, global = true, value_name = "URL", env = "PROFORMA_SANDBOX",
          num_args = 0..=1, default_missing_value = DEFAULT_SANDBOX)]
    pub sandbox: Option<String>,
    /// The machine that the command runs on: no flag, a seam.
    #[arg(skip)]
    pub machine: Here,
}

/// Output formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Human,
    /// For programs: one JSON document on stdout, valid whatever happens.
    Json,
    /// For a comment on a pull request.
    Markdown,
    /// Annotations of a GitHub workflow.
    Github,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// One self-contained page for a browser.
    Html,
}

impl From<Format> for crate::output::printer::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Human => Self::Human,
            Format::Json => Self::Json,
            Format::Markdown => Self::Markdown,
            Format::Github => Self::Github,
            Format::Sarif => Self::Sarif,
            Format::Html => Self::Html,
        }
    }
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal that can.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Make a workspace: commented, valid, ready to plan against the sandbox.
    ///
    /// On a terminal it asks for what no flag says. It never writes over a file.
    #[command(after_help = examples::INIT)]
    Init(InitArgs),
    /// Check workspace, manifests, catalog and lockfile, offline.
    ///
    /// Formats: human, json, sarif, github. Exit code 10 if anything is wrong.
    #[command(after_help = examples::VALIDATE)]
    Validate {
        /// Report only what is in these files or folders (everything is still read).
        paths: Vec<PathBuf>,
    },
    /// Put manifests and the workspace file into their canonical layout; comments are kept.
    ///
    /// Keys in the order of the documentation, two blanks an indent; values stay as they were
    /// written. A file with an error is left alone (exit code 10).
    #[command(after_help = examples::FMT)]
    Fmt {
        /// Files or folders; `-` reads stdin and writes stdout. Default: all of the workspace.
        paths: Vec<PathBuf>,
        /// Change nothing: list what would change, with the differences under `-v`, and exit with 2.
        #[arg(long)]
        check: bool,
    },
    /// Show what apply would change. Reads upstream, never writes.
    ///
    /// Formats: human, json, markdown, html, sarif, github. Exit code 5 when a quote is blocked.
    #[command(after_help = examples::PLAN)]
    Plan(PlanArgs),
    /// Each quote as it is desired, recorded and observed, with links. Reads upstream, never writes.
    ///
    /// Formats: human, json.
    #[command(after_help = examples::STATUS)]
    Status {
        /// Which quotes.
        #[command(flatten)]
        selection: Selection,
    },
    /// Show one quote with its lines and how its total comes about. Offline.
    ///
    /// Totals are computed by the provider's arithmetic, each rounding named. Formats: human, json,
    /// html (the quote as the customer would read it).
    #[command(after_help = examples::SHOW)]
    Show {
        /// The quote.
        #[arg(add = ArgValueCandidates::new(completions::quotes))]
        quote: String,
    },
    /// Do what the plan says, in order, exactly once.
    ///
    /// Without PLANFILE it plans first, shows the plan and asks. Formats: human, json.
    #[command(after_help = examples::APPLY)]
    Apply(ApplyArgs),
    /// Turn quotes that exist upstream into manifests and lockfile entries.
    ///
    /// Reads upstream, and without `--stamp` never writes there; the next plan is empty. Running it
    /// again imports only what is new. Formats: human, json. Exit code 5 when a quote could not be imported.
    #[command(after_help = examples::IMPORT)]
    Import(ImportArgs),
    /// Explain requests whose outcome is unknown, and settle them.
    ///
    /// Without a flag: says for each quote what was sent, when, and what to look for.
    #[command(after_help = examples::RECOVER)]
    Recover {
        /// The quote to settle.
        #[arg(add = ArgValueCandidates::new(completions::quotes))]
        quote: Option<String>,
        /// It is there: this is its id.
        #[arg(long, value_name = "ID", requires = "quote")]
        adopt: Option<String>,
        /// You looked, and it is not there.
        #[arg(long, requires = "quote", conflicts_with = "adopt")]
        absent: bool,
    },
    /// Care for the lockfile.
    #[command(subcommand)]
    Lock(LockCommand),
    /// What each provider can do, field by field.
    ///
    /// Formats: human, json.
    #[command(after_help = examples::PROVIDERS)]
    Providers {
        /// One provider.
        name: Option<String>,
    },
    /// JSON Schemas: of manifests, for editors, and of the JSON that commands print.
    #[command(after_help = examples::SCHEMA)]
    Schema {
        /// What of.
        name: SchemaName,
    },
    /// What an error code or an exit code means, and the way out.
    #[command(after_help = examples::EXPLAIN)]
    Explain {
        /// The code, such as `unknown-field` or `6`. Without it: all codes.
        #[arg(add = ArgValueCandidates::new(completions::codes))]
        code: Option<String>,
    },
    /// Completions for a shell, with the names of quotes and connections.
    #[command(after_help = examples::COMPLETIONS)]
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Manual pages.
    #[command(after_help = examples::MAN)]
    Man {
        /// Write the page of each command into this folder. Without it: the main page, to stdout.
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
    },
    /// Write manifests for another connection, and report what is lost on the way.
    ///
    /// Offline: from the manifests at hand (`import` makes them). Each field is exact, converted,
    /// rounded, approximated, local, lost or impossible, and both totals are compared to the cent.
    /// Nothing is sent or published: `plan` and `apply` do the rest. Formats: human, json, markdown, html.
    Migrate(MigrateArgs),
    /// Run a local emulator of the upstreams.
    ///
    /// Accepts any credential but `invalid`. Prints the `base_url` of each upstream. Stops on
    /// Ctrl-C.
    #[command(after_help = examples::SANDBOX)]
    Sandbox(SandboxArgs),
    /// Tell the whole story against an embedded sandbox; no account needed.
    #[command(after_help = examples::DEMO)]
    Demo {
        /// Do not pause between the scenes on a terminal.
        #[arg(long)]
        no_pause: bool,
    },
}

/// Which quotes a command looks at.
#[derive(Debug, Clone, Default, Args)]
pub struct Selection {
    /// Only these quotes: a name or glob, `connection=C`, `provider=P` or `tag=T`; repeatable.
    #[arg(long, value_name = "SEL", add = ArgValueCompleter::new(completions::selectors))]
    pub only: Vec<String>,
    /// All but these quotes.
    #[arg(long, value_name = "SEL", add = ArgValueCompleter::new(completions::selectors))]
    pub except: Vec<String>,
}

/// Flags that shape a plan.
#[derive(Debug, Clone, Default, Args)]
pub struct Shape {
    /// Which quotes.
    #[command(flatten)]
    pub selection: Selection,
    /// Delete quotes whose manifest is gone (never a protected one).
    #[arg(long)]
    pub prune: bool,
    /// Override these guardrails for this run.
    #[arg(long = "override", value_name = "NAME[,NAME]", value_delimiter = ',',
          add = ArgValueCandidates::new(completions::guardrails))]
    pub overrides: Vec<String>,
    /// Stamp what is recorded without a stamp: no flag, what `import --stamp` asks for.
    #[arg(skip)]
    pub restamp: bool,
}

/// Flags of plan.
#[derive(Debug, Clone, Args)]
pub struct PlanArgs {
    /// What shapes the plan.
    #[command(flatten)]
    pub shape: Shape,
    /// Save the plan for `proforma apply FILE`; it is spent once.
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Ask upstreams that can (DealHub) what they would charge. Nothing is stored or billed.
    #[arg(long)]
    pub preview_prices: bool,
    /// Exit with 2 when changes are pending.
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Ask no upstream: compare manifests with what the lockfile records. Needs no credentials.
    ///
    /// For pull requests from forks. Says which quotes will be created, will change, are as
    /// recorded, or cannot be told without a look; never what is upstream now. Such a plan cannot
    /// be saved.
    #[arg(long)]
    pub offline: bool,
}

/// Flags of import.
#[derive(Debug, Clone, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["all", "id"]))]
pub struct ImportArgs {
    /// The connection to import from.
    #[arg(long, value_name = "C")]
    pub connection: String,
    /// Every quote of the account.
    #[arg(long)]
    pub all: bool,
    /// Quotes by their upstream ids; repeatable.
    #[arg(long, value_name = "ID", num_args = 1..)]
    pub id: Vec<String>,
    /// Where the manifests go, below the workspace. Default: `quotes/imported/<connection>`.
    #[arg(long, value_name = "DIR")]
    pub out: Option<String>,
    /// Write stamps upstream, where the quote's state allows. The only thing that import writes.
    #[arg(long)]
    pub stamp: bool,
    /// Make products that several quotes sell entries of the catalog.
    #[arg(long)]
    pub catalog: bool,
    /// Only quotes in this state (draft, published, sent, viewed, ..); repeatable.
    #[arg(long, value_name = "STATE", value_parser = STATES)]
    pub state: Vec<String>,
    /// Only quotes that were made on this day or later (YYYY-MM-DD).
    #[arg(long, value_name = "DATE")]
    pub since: Option<String>,
    /// Only quotes that were made on this day or earlier.
    #[arg(long, value_name = "DATE")]
    pub until: Option<String>,
    /// Only quotes with this tag; repeatable.
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Only quotes that hold this text, in any case: title, customer, items, notes.
    #[arg(long, value_name = "TEXT")]
    pub text: Option<String>,
}

/// States that a quote may be observed in.
const STATES: [&str; 13] = [
    "draft",
    "in_review",
    "approved",
    "rejected",
    "published",
    "sent",
    "viewed",
    "accepted",
    "declined",
    "canceled",
    "ordered",
    "expired",
    "unknown",
];

/// Flags of apply.
#[derive(Debug, Clone, Args)]
pub struct ApplyArgs {
    /// A plan saved by `proforma plan --out`.
    #[arg(value_name = "PLANFILE", conflicts_with_all = ["only", "except", "prune", "overrides"])]
    pub plan: Option<PathBuf>,
    /// What shapes the plan.
    #[command(flatten)]
    pub shape: Shape,
    /// Do not ask.
    #[arg(long)]
    pub auto_approve: bool,
    /// Consent to effects: publish, send, bill, delete, final, or all.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub allow: Vec<String>,
    /// At most this many requests in flight a connection.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub parallelism: Option<u16>,
    /// Apply a few quotes first, so many or a share of them, and go on only if they are as planned.
    ///
    /// The first quote of each connection by name, then the second of each, and so on. They are
    /// applied and read back, and their totals are compared; if one differs or cannot be compared,
    /// no other quote is touched (exit code 5).
    #[arg(long, value_name = "N|P%")]
    pub canary: Option<crate::apply::canary::Share>,
    /// Write what happens to this file, one JSON object a line.
    #[arg(long, value_name = "FILE")]
    pub events: Option<PathBuf>,
}
