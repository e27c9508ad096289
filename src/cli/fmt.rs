//! The command `fmt`: manifests and the workspace file in their canonical layout.
//!
//! Invariants: a file with an error is left as it is, and the others are formatted all the same; a
//! file that is already in order is not touched; `--check` writes nothing.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args::Global;
use super::{Ending, program};
use crate::failure::{Diagnostic, Failure, Kind, SourceFile};
use crate::manifest::MAX_PROBLEMS;
use crate::manifest::cover::{Cover, Hush};
use crate::manifest::files::Files;
use crate::manifest::format::format;
use crate::output::failure_human::diagnostics_human;
use crate::output::fmt_human::{Changed, changed_human};
use crate::output::printer::Printer;
use crate::yaml::{self, MAX_BYTES};

/// Formats the named files, or all of the workspace.
pub fn run(global: &Global, paths: &[PathBuf], check: bool, printer: &Printer) -> Ending {
    if paths.iter().any(|p| p.as_os_str() == "-") {
        if paths.len() > 1 {
            return Err(Failure::new(Kind::Invalid, "`-` stands alone")
                .help("`proforma fmt - < FILE` reads one text, `proforma fmt FILE..` many files"));
        }
        return stdin(check, printer);
    }
    let found = if paths.is_empty() {
        Files::of_workspace(&global.dir)
    } else {
        Files::named(&global.dir, paths)
    };
    let mut wrong = found.diagnostics;
    let mut changed = Vec::new();
    let disk = global.machine.disk();
    for file in &found.files {
        match laid_out(&file.source) {
            Ok(text) if text == file.source.text => {}
            Ok(text) => {
                if !check {
                    disk.replace(&file.path, text.as_bytes())
                        .map_err(|e| unwritable(&file.path, &e))?;
                }
                changed.push(covered(&file.source, &text));
            }
            Err(problems) => wrong.extend(problems),
        }
    }
    printer.data(&changed_human(&changed, found.files.len(), check, printer.look()));
    if !wrong.is_empty() {
        printer.say(&diagnostics_human(&wrong, printer.look_err()));
        return Ok(Some(Kind::Invalid));
    }
    if check && !changed.is_empty() {
        printer.note(&format!("hint: `{} fmt` writes them\n", program(global)));
        return Ok(Some(Kind::Pending));
    }
    Ok(None)
}

/// Formats what comes in to what goes out: for editors.
fn stdin(check: bool, printer: &Printer) -> Ending {
    let mut bytes = Vec::new();
    let limit = MAX_BYTES as u64 + 4;
    std::io::stdin()
        .lock()
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(|e| Failure::new(Kind::Other, format!("cannot read standard input: {e}")))?;
    let text = String::from_utf8(bytes).map_err(|_| {
        Failure::new(Kind::Invalid, "standard input is not UTF-8 text").help("save it as UTF-8")
    })?;
    let source = Arc::new(SourceFile { path: "standard input".to_owned(), text });
    match laid_out(&source) {
        Ok(text) if check => Ok((text != source.text).then_some(Kind::Pending)),
        Ok(text) => {
            printer.raw(&text);
            Ok(None)
        }
        Err(problems) => {
            // An editor that puts the output in the place of the text must not lose it.
            if !check {
                printer.raw(&source.text);
            }
            printer.say(&diagnostics_human(&problems, printer.look_err()));
            Ok(Some(Kind::Invalid))
        }
    }
}

/// The text in its layout, or what is wrong in it.
fn laid_out(source: &Arc<SourceFile>) -> Result<String, Vec<Diagnostic>> {
    let bare = source.text.strip_prefix('\u{feff}').unwrap_or(&source.text);
    format(&source.text, 0).map_err(|problems| {
        let text = Cover::of(&source.path, bare).text(bare);
        let shown = Arc::new(SourceFile { path: source.path.clone(), text });
        let hush = Hush::new(bare, &shown.text);
        let hidden = problems.len().saturating_sub(MAX_PROBLEMS);
        let more =
            (hidden > 0).then(|| Diagnostic::warning("more-errors", format!("and {hidden} more")));
        let told = problems.into_iter().take(MAX_PROBLEMS).map(|problem| {
            let problem = hush.problem(problem, true);
            let place = yaml::place_of(&shown, problem.span);
            let mut told = Diagnostic::error(problem.code, problem.message).at(Some(place));
            told.help = problem.help;
            told
        });
        told.chain(more).collect()
    })
}

/// The difference as it may be shown: with the secrets of both sides covered.
fn covered(source: &SourceFile, text: &str) -> Changed {
    let cover = Cover::of(&source.path, &source.text);
    let before = cover.text(&source.text);
    let source = Arc::new(SourceFile { path: source.path.clone(), text: before });
    Changed { source, text: cover.text(text) }
}

fn unwritable(path: &Path, why: &std::io::Error) -> Failure {
    let shown = crate::output::text::safe_line(&path.to_string_lossy()).into_owned();
    Failure::new(Kind::Other, format!("cannot write `{shown}`: {why}"))
        .help("files before it are formatted, this one is as it was")
}
