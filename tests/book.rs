//! The user guide does what it says: each page that shows commands is played, in order, in a
//! folder of its own against a sandbox of its own, and what it prints is compared with the page.
//!
//! In a page, `<!-- played -->` at its top asks for that. Then:
//! - a block after `<!-- file: PATH -->` is written to that file;
//! - a `console` block is played: `$ ` lines are commands for bash, the lines below are what they
//!   print (stdout and stderr), where a line `...` stands for any lines and `[..]` for any text;
//!   without lines below, the command must end with 0;
//! - a block after `<!-- not played -->` is left alone.
//!
//! `UPDATE_DOCS=1 cargo test --test book` writes what differs into the page; wildcards are lost then.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::World;

/// One fenced block, by the numbers of its first and last line between the fences.
struct Block {
    order: Option<String>,
    language: String,
    from: usize,
    to: usize,
}

fn blocks(lines: &[&str]) -> Vec<Block> {
    let mut out = Vec::new();
    let (mut order, mut open): (Option<String>, Option<(usize, String)>) = (None, None);
    for (n, line) in lines.iter().enumerate() {
        if let Some((from, language)) = &open {
            if line.starts_with("```") {
                let block =
                    Block { order: order.take(), language: language.clone(), from: *from, to: n };
                out.push(block);
                open = None;
            }
        } else if let Some(language) = line.strip_prefix("```") {
            open = Some((n + 1, language.to_owned()));
        } else if let Some(comment) =
            line.strip_prefix("<!-- ").and_then(|l| l.strip_suffix(" -->"))
        {
            order = Some(comment.to_owned());
        } else if !line.trim().is_empty() {
            order = None;
        }
    }
    out
}

/// The line with every date as one and the same: `init` reckons from today.
fn undated(line: &str) -> String {
    let is_date = |at: usize| {
        let text = line.as_bytes().get(at..at + 10)?;
        let fits = text.iter().enumerate().all(|(n, b)| match n {
            4 | 7 => *b == b'-',
            _ => b.is_ascii_digit(),
        });
        fits.then_some(())
    };
    let mut out = String::new();
    let mut at = 0;
    while let Some(c) = line[at..].chars().next() {
        if is_date(at).is_some() {
            out.push_str("YYYY-MM-DD");
            at += 10;
        } else {
            out.push(c);
            at += c.len_utf8();
        }
    }
    out
}

/// Whether a line is what the page shows for it.
fn fits(shown: &str, line: &str) -> bool {
    let (shown, line) = (&*undated(shown), &*undated(line));
    let mut parts = shown.trim_end().split("[..]");
    let Some(mut rest) = line.trim_end().strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let mut last = "";
    let mut wild = false;
    for part in parts {
        wild = true;
        last = part;
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.is_empty() || (wild && (last.is_empty() || line.trim_end().ends_with(last)))
}

/// Whether the lines are what the page shows; `...` stands for any number of them.
fn all_fit(shown: &[&str], lines: &[&str]) -> bool {
    match shown.split_first() {
        None => lines.is_empty(),
        Some((&"...", rest)) => (0..=lines.len()).any(|skip| all_fit(rest, &lines[skip..])),
        Some((first, rest)) => lines
            .split_first()
            .is_some_and(|(line, others)| fits(first, line) && all_fit(rest, others)),
    }
}

fn bash(world: &World, folder: &Path, script: &str) -> (String, bool) {
    let binary = Path::new(env!("CARGO_BIN_EXE_proforma"));
    let path = format!(
        "{}:{}",
        binary.parent().unwrap().display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let output = Command::new("bash")
        .args(["-c", &format!("exec 2>&1; set -o pipefail; {script}")])
        .current_dir(folder)
        .env_clear()
        .env("PATH", path)
        .env("HOME", world.dir())
        .env("COLUMNS", "80")
        .env("PROFORMA_SANDBOX", world.url())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    // The address of the sandbox is another one each time.
    let text = String::from_utf8_lossy(&output.stdout)
        .replace(&format!(" --sandbox {}", world.url()), "")
        .replace(&world.url(), "http://127.0.0.1:8765");
    (text, output.status.success())
}

/// Plays a page, and gives it back with what was really printed.
fn play(page: &str, failures: &mut Vec<String>) -> String {
    let world = World::empty();
    let folder = world.path("page");
    fs::create_dir(&folder).unwrap();
    let lines: Vec<&str> = page.lines().collect();
    let mut now: Vec<String> = Vec::new();
    let mut copied = 0;
    for block in blocks(&lines) {
        let body = &lines[block.from..block.to];
        if let Some(file) = block.order.as_deref().and_then(|o| o.strip_prefix("file: ")) {
            let path = folder.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, format!("{}\n", body.join("\n"))).unwrap();
            continue;
        }
        if block.language != "console" || block.order.as_deref() == Some("not played") {
            continue;
        }
        now.extend(lines[copied..block.from].iter().map(|l| (*l).to_owned()));
        copied = block.to;
        let mut at = 0;
        while at < body.len() {
            let command = body[at].strip_prefix("$ ").unwrap_or_else(|| {
                panic!("line {}: a block begins with a command", block.from + at + 1)
            });
            now.push(body[at].to_owned());
            let next =
                (at + 1..body.len()).find(|n| body[*n].starts_with("$ ")).unwrap_or(body.len());
            let shown = &body[at + 1..next];
            let (text, fine) = bash(&world, &folder, command);
            let printed: Vec<&str> = text.lines().collect();
            let as_shown = if shown.is_empty() { fine } else { all_fit(shown, &printed) };
            if as_shown {
                now.extend(shown.iter().map(|l| (*l).to_owned()));
            } else {
                let mut told = format!("line {}: $ {command}\n", block.from + at + 1);
                let _ = write!(told, "--- the page\n{}\n--- the program\n{text}", shown.join("\n"));
                failures.push(told);
                now.extend(printed.iter().map(|l| (*l).to_owned()));
            }
            at = next;
        }
    }
    now.extend(lines[copied..].iter().map(|l| (*l).to_owned()));
    now.join("\n") + "\n"
}

fn pages(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            pages(&path, out);
        } else if path.extension().is_some_and(|e| e == "md") {
            out.push(path);
        }
    }
    out.sort();
}

fn book() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

#[test]
fn the_pages_print_what_they_show() {
    let mut all = Vec::new();
    pages(&book(), &mut all);
    let mut failures = Vec::new();
    let mut played = 0;
    for path in all {
        let page = fs::read_to_string(&path).unwrap();
        if !page.lines().any(|l| l == "<!-- played -->") {
            continue;
        }
        played += 1;
        let before = failures.len();
        let now = play(&page, &mut failures);
        for failure in &mut failures[before..] {
            *failure = format!("{}, {failure}", path.display());
        }
        if std::env::var_os("UPDATE_DOCS").is_some() && failures.len() > before {
            fs::write(&path, now).unwrap();
        }
    }
    assert!(played >= 4, "{played} pages are played");
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// Every page is in the table of contents, and every entry of it and every link leads somewhere.
#[test]
fn the_book_is_whole() {
    let root = book();
    let summary = fs::read_to_string(root.join("SUMMARY.md")).unwrap();
    let mut all = Vec::new();
    pages(&root, &mut all);
    let mut wrong = Vec::new();
    for path in &all {
        let name = path.strip_prefix(&root).unwrap().display().to_string();
        if name != "SUMMARY.md" && !summary.contains(&format!("({name})")) {
            wrong.push(format!("{name} is not in SUMMARY.md"));
        }
        let page = fs::read_to_string(path).unwrap();
        for (at, _) in page.match_indices("](") {
            let target = page[at + 2..].split([')', ' ', '\n']).next().unwrap_or_default();
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            if target.contains("://") || target.starts_with('<') || file.contains(['`', '"']) {
                continue;
            }
            let leads =
                if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            if !leads.exists() {
                wrong.push(format!("{name}: `{target}` leads nowhere"));
            } else if !anchor.is_empty() && leads.extension().is_some_and(|e| e == "md") {
                let there = fs::read_to_string(&leads).unwrap();
                if !there.lines().any(|l| l.starts_with('#') && slug(l) == anchor) {
                    wrong.push(format!("{name}: there is no `{target}`"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The anchor of a heading, as GitHub and mdBook make it.
fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn wildcards_stand_for_what_they_say() {
    assert!(fits("a [..] c", "a b c") && fits("a[..]", "abc") && fits("abc", "abc  "));
    assert!(fits("on 2027-01-31 at", "on 2028-12-01 at") && !fits("2027-01-31", "2027-01-3"));
    assert!(!fits("a [..] c", "a b d") && !fits("abc", "abcd") && !fits("abcd", "abc"));
    assert!(all_fit(&["...", "b"], &["a", "a", "b"]) && all_fit(&["a", "..."], &["a"]));
    assert!(!all_fit(&["a"], &["a", "b"]) && !all_fit(&["...", "c"], &["a"]));
}
