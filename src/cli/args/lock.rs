//! The commands of `lock`.

use std::path::PathBuf;

use clap::Subcommand;
use clap_complete::ArgValueCandidates;

use super::examples;
use crate::cli::completions;

/// The care of the lockfile.
#[derive(Debug, Clone, Subcommand)]
pub enum LockCommand {
    /// List what is recorded. Formats: human, json.
    #[command(after_help = examples::LIST)]
    List,
    /// Take a quote out of the lockfile; the quote upstream is left alone.
    #[command(after_help = examples::FORGET)]
    Forget {
        /// The quote.
        #[arg(add = ArgValueCandidates::new(completions::quotes))]
        quote: String,
    },
    /// Make the lockfile anew from the stamps upstream. Reads upstream, never writes there.
    ///
    /// Finds the quotes of the manifests at hand. What cannot be looked up is listed (exit code 5).
    /// Entries of a readable lockfile that no stamp leads to are kept.
    #[command(after_help = examples::REBUILD)]
    Rebuild {
        /// Do it although the lockfile is readable and records quotes.
        #[arg(long)]
        overwrite: bool,
    },
    /// Rename a quote. The quote upstream is stamped anew with the next write that its state allows.
    #[command(after_help = examples::MV)]
    Mv {
        /// The name in the lockfile.
        #[arg(add = ArgValueCandidates::new(completions::quotes))]
        old: String,
        /// The new name.
        new: String,
    },
    /// Join two branches' lockfiles: a merge driver for git. Writes the result to OURS.
    ///
    /// Exit code 0 when joined; 1 when the branches disagree: OURS then holds conflict marks.
    /// `git config merge.proforma.driver 'proforma lock merge %O %A %B'`
    #[command(after_help = examples::MERGE)]
    Merge {
        /// The common ancestor (git: %O).
        base: PathBuf,
        /// This branch's lockfile, which becomes the result (git: %A).
        ours: PathBuf,
        /// The other branch's lockfile (git: %B).
        theirs: PathBuf,
    },
}
