//! What the program says of itself: help, reference, manual pages, completions, explanations.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use proforma::cli::{args::Cli, explain, reference};
use support::{Ended, World, bare, finish, plain_quote};

fn run(args: &[&str]) -> Ended {
    finish(bare(&std::env::temp_dir()).args(args))
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// `UPDATE_DOCS=1 cargo test --test reference` writes it anew.
#[test]
fn the_reference_is_that_of_the_program() {
    let path = root().join("docs/cli.md");
    let now = reference::markdown();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &now).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(there == now, "docs/cli.md is old: run `UPDATE_DOCS=1 cargo test --test reference`");
}

#[test]
fn every_command_has_an_example() {
    fn walk(command: &clap::Command, path: &str, without: &mut Vec<String>) {
        for sub in command.get_subcommands() {
            let path = format!("{path} {}", sub.get_name());
            let help = sub.get_after_help().map(ToString::to_string).unwrap_or_default();
            if !sub.has_subcommands() && !help.contains("proforma ") {
                without.push(path.clone());
            }
            walk(sub, &path, without);
        }
    }
    let mut without = Vec::new();
    walk(&Cli::command(), "proforma", &mut without);
    assert!(without.is_empty(), "{without:?}");
}

/// The commands of the examples are ones that the program takes.
#[test]
fn the_examples_can_be_typed() {
    fn walk(command: &clap::Command, lines: &mut Vec<String>) {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        lines.extend(
            help.lines().filter_map(|l| Some(l.trim().strip_prefix("proforma ")?.to_owned())),
        );
        command.get_subcommands().for_each(|sub| walk(sub, lines));
    }
    let mut lines = Vec::new();
    walk(&Cli::command(), &mut lines);
    assert!(lines.len() > 20, "{}", lines.len());
    for line in lines {
        let line = line.split("   ").next().unwrap().split(['|', '>', '<']).next().unwrap().trim();
        let words = line.split_whitespace().map(|w| w.trim_matches('\'').to_owned());
        let words = std::iter::once("proforma".to_owned()).chain(words);
        if let Err(error) = Cli::command().try_get_matches_from(words) {
            panic!("`proforma {line}`: {error}");
        }
    }
}

// ---- explain -----------------------------------------------------------------------------------------

/// Codes in the sources: the literals in the places where a code stands.
fn codes_in_sources() -> BTreeSet<String> {
    fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.to_string_lossy().into_owned();
            if path.is_dir() {
                if !path.ends_with("tests") && !path.ends_with("sandbox") {
                    walk(&path, files);
                }
            } else if path.extension().is_some_and(|e| e == "rs")
                && !name.contains("tests")
                && !name.contains("fixtures")
            {
                files.push(path);
            }
        }
    }
    let mut files = Vec::new();
    walk(&root().join("src"), &mut files);
    let calls = [
        "Diagnostic::error(",
        "Diagnostic::warning(",
        "Problem::new(",
        ".problem(",
        "Refusal::new(",
        "sink.error(",
        "s.error(",
    ];
    let mut found = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        for call in calls {
            for (at, _) in text.match_indices(call) {
                let rest: String = text[at + call.len()..].chars().take(120).collect();
                let literals = rest.split('"').skip(1).step_by(2);
                let is_code = |t: &&str| {
                    t.contains('-')
                        && t.bytes()
                            .all(|b| b.is_ascii_lowercase() || b == b'-' || b.is_ascii_digit())
                };
                // The first or the second argument is the code; what follows is the message.
                found.extend(literals.take(2).find(is_code).map(str::to_owned));
            }
        }
    }
    found
}

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let pages = explain::errors();
    let known: BTreeSet<String> = pages.iter().map(|p| p.code.clone()).collect();
    assert_eq!(known.len(), pages.len(), "a code has two rows");
    let missing: Vec<String> = codes_in_sources().difference(&known).cloned().collect();
    assert!(missing.is_empty(), "docs/errors.md lacks {missing:?}");
    let mut all = String::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                all.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }
    let unused: Vec<&String> =
        known.iter().filter(|c| !all.contains(&format!("\"{c}\""))).collect();
    assert!(unused.is_empty(), "docs/errors.md has pages of no code: {unused:?}");
    let exits: BTreeSet<String> = explain::exits().into_iter().map(|p| p.code).collect();
    let codes = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "130"];
    assert_eq!(exits, codes.map(str::to_owned).into());
    for page in pages {
        assert!(!page.means.is_empty() && !page.way_out.is_empty(), "{}", page.code);
    }
}

#[test]
fn a_code_is_explained_and_near_misses_are_proposed() {
    let page = run(&["explain", "unknown-field"]).expect(0).stdout;
    assert!(page.contains("custom field") && page.contains("way out"), "{page}");
    let exit = run(&["explain", "6"]).expect(0).stdout;
    assert!(exit.contains("proforma recover") && exit.contains("exit code 6"), "{exit}");
    let missed = run(&["explain", "unknwon-field"]).expect(10);
    assert!(missed.stderr.contains("did you mean `unknown-field`?"), "{}", missed.stderr);
    let missed = run(&["explain", "merge"]).expect(10);
    assert!(missed.stderr.contains("`yaml-merge-key`"), "{}", missed.stderr);
    let all = run(&["explain"]).expect(0).stdout;
    assert!(all.contains("unknown-key") && all.contains("130"), "{all}");
}

#[test]
fn forty_columns_are_enough() {
    for args in [&["explain"][..], &["explain", "6"], &["explain", "unknown-field"]] {
        let mut command = bare(&std::env::temp_dir());
        let page = finish(command.args(args).env("COLUMNS", "40")).expect(0).stdout;
        // Lines of code are broken too; nothing is lost.
        let widest = page.lines().map(|l| l.chars().count()).max().unwrap();
        assert!(widest <= 40, "{widest}: {page}");
    }
}

// ---- completions and manual pages --------------------------------------------------------------------

/// What the shell would be offered after these words.
fn offered(world: &World, words: &[&str]) -> String {
    let mut command = bare(world.dir());
    command
        .env("PROFORMA_COMPLETE", "bash")
        .env("_CLAP_COMPLETE_INDEX", (words.len() + 1).to_string());
    command.env("_CLAP_COMPLETE_COMP_TYPE", "9").env("_CLAP_COMPLETE_SPACE", "true");
    command.env("_CLAP_IFS", "\n").arg("--").arg("proforma").args(words).arg("");
    finish(&mut command).expect(0).stdout
}

#[test]
fn each_shell_has_a_script_that_asks_the_program() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(&["completions", shell]).expect(0).stdout;
        assert!(
            script.contains("PROFORMA_COMPLETE") && script.contains("proforma"),
            "{shell}: {script}"
        );
    }
    assert_eq!(run(&["completions", "tcsh"]).code, 10);
}

#[test]
fn quotes_and_connections_of_the_workspace_are_offered() {
    let quotes =
        format!("{}---\n{}", plain_quote("acme-one", "draft"), plain_quote("zebra", "draft"));
    let world = World::small(&quotes);
    let names = offered(&world, &["recover"]);
    assert!(names.contains("acme-one") && names.contains("zebra"), "{names}");
    let selectors = offered(&world, &["plan", "--only"]);
    for word in ["acme-one", "connection=crm", "provider=hubspot"] {
        assert!(selectors.contains(word), "{selectors}");
    }
    assert!(offered(&world, &["lock"]).contains("rebuild"));
    assert!(offered(&world, &["explain"]).contains("unknown-field"));
    // Another workspace, a broken one, none at all.
    let elsewhere = World::empty();
    let dir = world.dir().to_string_lossy().into_owned();
    assert!(offered(&elsewhere, &["-C", &dir, "recover"]).contains("zebra"));
    assert!(!offered(&elsewhere, &["recover"]).contains("zebra"));
    world.write("proforma.yaml", "proforma: [\n");
    assert!(offered(&world, &["recover"]).contains("zebra"));
    assert_eq!(world.requests(), (0, 0));
}

#[test]
fn manual_pages_of_all_commands() {
    let world = World::empty();
    let page = run(&["man"]).expect(0).stdout;
    assert!(page.contains(".TH proforma 1"), "{page}");
    finish(bare(world.dir()).args(["man", "pages/man1"])).expect(0);
    for name in ["proforma.1", "proforma-plan.1", "proforma-lock-merge.1"] {
        assert!(world.read(&format!("pages/man1/{name}")).contains(".SH NAME"), "{name}");
    }
}

#[test]
fn the_version_is_plain_in_a_debug_build() {
    let version = run(&["--version"]).expect(0).stdout;
    let plain = format!("proforma {}", env!("CARGO_PKG_VERSION"));
    // With a commit where the build was told one.
    assert!(version.trim() == plain || version.starts_with(&format!("{plain} (")), "{version}");
}

#[cfg(unix)]
#[test]
fn a_closed_pipe_is_no_error() {
    let program = env!("CARGO_BIN_EXE_proforma");
    for command in ["explain", "schema quote", "man", "completions bash"] {
        let line = format!("set -o pipefail; {program} {command} | head -1 >/dev/null");
        let ended = finish(std::process::Command::new("bash").args(["-c", &line]));
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{command}");
    }
}
