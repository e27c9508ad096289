//! The flags of `migrate`.

use std::path::PathBuf;

use clap::Args;

use super::Selection;

/// Flags of migrate.
#[derive(Debug, Clone, Args)]
pub struct MigrateArgs {
    /// The connection whose quotes move.
    #[arg(long, value_name = "CONNECTION")]
    pub from: String,
    /// The connection that they move to.
    #[arg(long, value_name = "CONNECTION")]
    pub to: String,
    /// Which quotes.
    #[command(flatten)]
    pub selection: Selection,
    /// The folder of the new manifests, below the workspace [default: quotes/migrated/CONNECTION].
    #[arg(long, value_name = "DIR", conflicts_with_all = ["in_place", "archive_source"])]
    pub out: Option<PathBuf>,
    /// Change the manifests themselves; quotes keep their names.
    ///
    /// The old quotes stay upstream: their lockfile entries get the name `QUOTE.CONNECTION` and are
    /// protected.
    #[arg(long, conflicts_with = "archive_source")]
    pub in_place: bool,
    /// Keep states that the target can set. Without it every new quote is a draft.
    #[arg(long)]
    pub keep_state: bool,
    /// End with 3 and write nothing if a field ends so: lost, approximated, rounded, ...
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub fail_on: Vec<String>,
    /// The file with the names of the target [default: migrate.yaml].
    #[arg(long, value_name = "FILE")]
    pub mapping: Option<PathBuf>,
    /// Instead of writing new manifests: let the manifests of sources whose move is complete ask
    /// for a state that takes them out of use.
    ///
    /// Complete = applied, recorded as coming from that quote, and with the same total. The next
    /// plan shows what would be archived.
    #[arg(long)]
    pub archive_source: bool,
}
