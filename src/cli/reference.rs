//! The reference of the command line as one page, made from the help of each command.

use std::fmt::Write as _;

use clap::{Command, CommandFactory as _};

use super::args::Cli;

/// Columns of the help texts on the page.
const WIDTH: usize = 96;

/// `docs/cli.md`.
pub fn markdown() -> String {
    let mut root = Cli::command().term_width(WIDTH);
    root.build();
    let mut page = String::from(
        "# Command line\n\nWhat `proforma COMMAND --help` says, for every command. This page is made from the program; \
         a test holds it (`UPDATE_DOCS=1 cargo test --test reference`). The global options of the first block are those of every command.\n",
    );
    add(&mut root, &mut Vec::new(), &mut page);
    page
}

/// The help of a command without the flags that every command has: those stand once, at the top.
fn own(help: &str) -> Vec<&str> {
    let mut global = false;
    let keep = |line: &&str| {
        let headline = line.chars().next().is_some_and(|c| !c.is_whitespace());
        global = if headline { line.starts_with("Global options:") } else { global };
        !global
    };
    help.lines().map(str::trim_end).filter(keep).collect()
}

fn add(command: &mut Command, path: &mut Vec<String>, page: &mut String) {
    path.push(command.get_name().to_owned());
    let help = command.render_long_help().to_string();
    let lines =
        if path.len() == 1 { help.lines().map(str::trim_end).collect() } else { own(&help) };
    // Writing to a String cannot fail.
    let _ =
        write!(page, "\n## `{}`\n\n```text\n{}\n```\n", path.join(" "), lines.join("\n").trim());
    let mut below: Vec<&mut Command> = command.get_subcommands_mut().collect();
    for sub in &mut below {
        if sub.get_name() != "help" && !sub.is_hide_set() {
            add(sub, path, page);
        }
    }
    path.pop();
}
