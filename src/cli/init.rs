//! The command `init`: a commented workspace that validates at once and plans against the sandbox.
//!
//! On a terminal it asks for what no flag says; elsewhere it takes the defaults and asks nothing.
//! What it writes is compiled in, one set of files a provider, each in the layout of `fmt`.
//!
//! Invariants: nothing that is there is written over: if one of the files exists, the run ends
//! before the first write and names all that are in the way. `.gitignore` and `.gitattributes` of a
//! repository that has them get the missing lines at their end. No symbolic link is followed.

mod files;
mod questions;

use std::fmt::Write as _;
use std::fs;
use std::io::{self, IsTerminal, Write as _};
use std::path::{Path, PathBuf};

use super::args::{Global, InitArgs};
use super::{Ending, open};
use crate::failure::{Failure, Kind};
use crate::key::{ConnectionName, NAME_RULE, WorkspaceName};
use crate::manifest::{ProviderName, slug};
use crate::output::printer::Printer;
use crate::output::text::safe;
use files::{Answers, Part};

/// Days until the quote of the workspace expires.
const VALID_FOR: i64 = 90;

/// Writes a workspace.
pub fn run(global: &Global, args: &InitArgs, printer: &Printer) -> Ending {
    let folder = args.folder.as_ref().map_or_else(|| global.dir.clone(), |d| global.dir.join(d));
    let sandbox = global.sandbox.as_deref().map(open::sandbox_url).transpose()?;
    let chosen = choose(args, &folder)?;
    let today = global.machine.now().to_zoned(global.machine.zone()).date();
    let expires = today
        .checked_add(jiff::Span::new().days(VALID_FOR))
        .map_err(|e| Failure::new(Kind::Other, format!("the clock of this machine is off: {e}")))?;
    let answers = Answers {
        provider: chosen.provider,
        workspace: chosen.workspace,
        connection: chosen.connection,
        expires,
        sandbox: sandbox.as_ref().map(|url| url.as_str().to_owned()),
    };
    let parts = files::parts(&answers);
    refuse_what_is_there(&folder, &parts)?;
    let mut told = format!("made in {}:\n", safe(&folder.display().to_string()));
    for part in &parts {
        let done = write(&folder, part).map_err(|error| {
            let path = folder.join(part.path);
            let what = format!("cannot write `{}`: {error}", safe(&path.display().to_string()));
            Failure::new(Kind::Other, what)
                .help("what was written before it stays: remove it before the next `init`")
        })?;
        // Writing to a String cannot fail.
        let _ = writeln!(told, "  {:<28} {}", part.path, if done { part.says } else { "" });
    }
    printer.data(&told);
    printer.note(&next(&answers, args.folder.as_deref(), global));
    Ok(None)
}

/// What to write, after flags, questions and defaults.
struct Chosen {
    provider: ProviderName,
    workspace: WorkspaceName,
    connection: ConnectionName,
}

fn choose(args: &InitArgs, folder: &Path) -> Result<Chosen, Failure> {
    let by_folder = std::path::absolute(folder)
        .ok()
        .and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .map(|name| slug(&name))
        .and_then(|name| WorkspaceName::parse(&name));
    let fallback = by_folder.or_else(|| WorkspaceName::parse("sales"));
    let given = args.workspace()?;
    let connection = args.connection()?;
    let asks = io::stdin().is_terminal() && io::stderr().is_terminal();
    let mut stdin = io::stdin().lock();
    let mut stderr = io::stderr().lock();
    let mut desk = questions::Desk::new(&mut stdin, &mut stderr, asks);
    let stopped = |e: io::Error| {
        Failure::new(Kind::Interrupted, format!("nothing was written: {e}"))
            .help("flags answer the questions too: `--provider`, `--name`, `--connection`")
    };
    let provider = match args.provider {
        Some(provider) => provider.into(),
        None => desk.provider().map_err(stopped)?,
    };
    let ask_name = |desk: &mut questions::Desk<'_>| {
        let proposed = fallback.as_ref().map(WorkspaceName::as_str).unwrap_or_default();
        desk.name("Name of the workspace", proposed, WorkspaceName::parse).map_err(stopped)
    };
    let workspace = given.map_or_else(|| ask_name(&mut desk), Ok)?;
    let connection = match connection {
        Some(connection) => connection,
        None => desk
            .name(
                "Name of the connection",
                files::usual_connection(provider),
                ConnectionName::parse,
            )
            .map_err(stopped)?,
    };
    Ok(Chosen { provider, workspace, connection })
}

impl InitArgs {
    fn workspace(&self) -> Result<Option<WorkspaceName>, Failure> {
        self.name
            .as_deref()
            .map(|n| WorkspaceName::parse(n).ok_or_else(|| bad("name", n)))
            .transpose()
    }

    fn connection(&self) -> Result<Option<ConnectionName>, Failure> {
        let parse = |n| ConnectionName::parse(n).ok_or_else(|| bad("connection", n));
        self.connection.as_deref().map(parse).transpose()
    }
}

fn bad(flag: &str, given: &str) -> Failure {
    Failure::new(Kind::Invalid, format!("`--{flag} {}` is not a valid name", safe(given)))
        .help(NAME_RULE)
}

/// Ends the run when something is in the way, and names all of it.
fn refuse_what_is_there(folder: &Path, parts: &[Part]) -> Result<(), Failure> {
    let is_there = |path: &str| fs::symlink_metadata(folder.join(path)).is_ok();
    let recorded = ["proforma.lock", "proforma.sandbox.lock"];
    let own = parts.iter().filter(|p| !p.joins).map(|p| p.path);
    let taken: Vec<String> =
        own.chain(recorded).filter(|p| is_there(p)).map(|p| format!("`{p}`")).collect();
    if taken.is_empty() {
        return Ok(());
    }
    let shown = folder.display().to_string();
    let what = format!("`{}` already has {}", safe(&shown), taken.join(", "));
    Err(Failure::new(Kind::Invalid, what)
        .help("nothing was written; name another folder, or remove what is no longer needed"))
}

/// Writes one file. `false` = it was there and has all that it needs.
fn write(folder: &Path, part: &Part) -> io::Result<bool> {
    let path = folder.join(part.path);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
        let within = parent.strip_prefix(folder).unwrap_or(Path::new(""));
        let mut place = folder.to_owned();
        for step in within.components() {
            place.push(step);
            if fs::symlink_metadata(&place)?.is_symlink() {
                return Err(io::Error::other("a folder on its path is a symbolic link"));
            }
        }
    }
    if !part.joins || fs::symlink_metadata(&path).is_err() {
        // Never follows a link, and never empties a file that came meanwhile.
        let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
        file.write_all(part.text.as_bytes())?;
        return Ok(true);
    }
    join(&path, &part.text)
}

/// Adds the lines that a file lacks to its end.
fn join(path: &PathBuf, text: &str) -> io::Result<bool> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let there = fs::read_to_string(path)?;
    let has = |line: &str| there.lines().any(|l| l.trim() == line);
    let missing: Vec<&str> =
        text.lines().filter(|l| !l.starts_with('#') && !l.is_empty() && !has(l)).collect();
    if missing.is_empty() {
        return Ok(false);
    }
    let gap = if there.is_empty() || there.ends_with('\n') { "" } else { "\n" };
    let mut file = fs::OpenOptions::new().append(true).open(path)?;
    file.write_all(format!("{gap}{}\n", missing.join("\n")).as_bytes())?;
    Ok(true)
}

/// What to do next, in commands that can be copied.
fn next(answers: &Answers, folder: Option<&Path>, global: &Global) -> String {
    let mut program = "proforma".to_owned();
    if let Some(place) = folder
        .map(|f| global.dir.join(f))
        .or_else(|| Some(global.dir.clone()).filter(|d| d.as_os_str() != "."))
    {
        let _ = write!(program, " -C {}", safe(&place.display().to_string()));
    }
    let apply = files::apply_flags(answers.provider);
    let mut text = format!("\nnext: {program} validate\n");
    if answers.sandbox.is_none() {
        let variables =
            files::variables(answers.provider).map(|v| format!("{v}=...")).collect::<Vec<_>>();
        let _ = write!(
            text,
            "\nwith an account:\n  export {}\n  {program} plan\n",
            variables.join(" ")
        );
    }
    let sandbox = files::sandbox_flag(answers.sandbox.as_deref());
    let _ = write!(
        text,
        "\nwithout an account:\n  {}    (in another terminal)\n  {program} plan {sandbox}\n  \
         {program} apply {sandbox}{apply}\n",
        files::sandbox_command(answers.sandbox.as_deref())
    );
    text.push_str(
        "\nso that branches merge their lockfiles:\n  \
         git config merge.proforma.driver 'proforma lock merge %O %A %B'\n",
    );
    text
}
