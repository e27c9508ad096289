//! The command `man`: manual pages, made from the same help texts.

use std::path::Path;

use clap::CommandFactory as _;

use super::Ending;
use super::args::Cli;
use crate::failure::{Failure, Kind};
use crate::output::printer::Printer;
use crate::output::text::safe_line;

/// Writes the page of each command into a folder, or prints the main one.
pub fn run(folder: Option<&Path>, printer: &Printer) -> Ending {
    let command = Cli::command();
    let Some(folder) = folder else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command)
            .render(&mut page)
            .map_err(|e| Failure::new(Kind::Other, format!("cannot make the page: {e}")))?;
        printer.raw(&String::from_utf8_lossy(&page));
        return Ok(None);
    };
    let shown = safe_line(&folder.to_string_lossy()).into_owned();
    let failed = |e: std::io::Error| {
        Failure::new(Kind::Other, format!("cannot write manual pages to `{shown}`: {e}"))
            .help("name a folder that you may write to, such as ~/.local/share/man/man1")
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(command, folder).map_err(failed)?;
    printer
        .data(&format!("manual pages are in {shown}; `man {shown}/proforma.1` shows the first\n"));
    Ok(None)
}
