//! Paths that a workspace, or a branch that somebody else wrote, can lead astray: links, pipes,
//! devices, `..`, and names that are no text.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use support::{Ended, World, plain_quote};
use tempfile::TempDir;

const APPLY: [&str; 4] = ["apply", "--auto-approve", "--allow", "all"];
const STOLEN: &str = "quote: stolen\ntitle: top-secret\n";

fn world() -> World {
    World::small(&plain_quote("one", "draft"))
}

/// A folder outside of the workspace, with a file whose content is to stay there.
fn outside() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("stolen.yaml"), STOLEN).unwrap();
    fs::write(folder.path().join("file"), "precious").unwrap();
    folder
}

#[track_caller]
fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Runs a command that must end by itself, whatever it finds.
#[track_caller]
fn in_time(world: &World, args: &[&str]) -> Ended {
    let mut command = world.command(args);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let limit = Instant::now() + Duration::from_mins(1);
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > limit {
            child.kill().unwrap();
            panic!("{args:?} hangs");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let ended = Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
    };
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    ended
}

#[track_caller]
fn refused(world: &World, args: &[&str], says: &str) {
    let writes = world.writes();
    let ended = in_time(world, args);
    let all = format!("{}{}", ended.stdout, ended.stderr);
    assert!([1, 10].contains(&ended.code), "{args:?} ended in {}: {all}", ended.code);
    // Pages are wrapped.
    let words = all.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(says), "{args:?} does not say `{says}`: {all}");
    assert!(!all.contains("top-secret") && !all.contains("precious"), "{all}");
    assert_eq!(world.writes(), writes);
}

#[test]
fn quotes_and_catalog_stay_below_the_workspace() {
    let outside = outside();
    let place = outside.path().to_str().unwrap();
    for key in ["quotes", "catalog"] {
        let world = world();
        for path in ["..", "../x", "a/../../x", "/etc", place, "~/x", "a/./../..", "", "c:\\x"] {
            let text = format!("{key}: [{path:?}]\n{}", support::SMALL);
            world.write("proforma.yaml", &text);
            refused(&world, &["plan"], "");
        }
    }
}

#[test]
fn links_are_not_followed_wherever_they_stand() {
    let outside = outside();
    // A file, a folder, a folder on the way, the workspace file, a link within the workspace.
    #[expect(clippy::type_complexity, reason = "a table of this test alone")]
    let plant: [(&str, &dyn Fn(&World)); 6] = [
        ("symbolic link", &|w| {
            symlink(outside.path().join("stolen.yaml"), w.path("quotes/l.yaml")).unwrap();
        }),
        ("symbolic link", &|w| symlink(outside.path(), w.path("quotes/more")).unwrap()),
        ("symbolic link", &|w| {
            fs::remove_dir_all(w.path("quotes")).unwrap();
            symlink(outside.path(), w.path("quotes")).unwrap();
        }),
        ("symbolic link", &|w| {
            symlink(outside.path(), w.path("way")).unwrap();
            w.write("proforma.yaml", &format!("quotes: [way/stolen.yaml]\n{}", support::SMALL));
        }),
        ("symbolic link", &|w| {
            fs::rename(w.path("proforma.yaml"), w.path("real.yaml")).unwrap();
            symlink(w.path("real.yaml"), w.path("proforma.yaml")).unwrap();
        }),
        ("symbolic link", &|w| symlink(w.path("quotes"), w.path("quotes/loop")).unwrap()),
    ];
    for (says, plant) in plant {
        let world = world();
        plant(&world);
        for args in [&["validate"][..], &["plan"], &APPLY] {
            refused(&world, args, says);
        }
    }
}

#[test]
fn pipes_and_devices_do_not_block() {
    let world = world();
    pipe(&world.path("quotes/p.yaml"));
    refused(&world, &["plan"], "not a regular file");
    fs::remove_file(world.path("quotes/p.yaml")).unwrap();
    for file in ["proforma.sandbox.lock", ".proforma/journal.sandbox.jsonl"] {
        fs::create_dir_all(world.path(".proforma")).unwrap();
        pipe(&world.path(file));
        refused(&world, &["plan"], "not a regular file");
        refused(&world, &APPLY, "not a regular file");
        fs::remove_file(world.path(file)).unwrap();
    }
    // The lock of the runs before.
    fs::remove_file(world.path(".proforma/lock")).unwrap();
    pipe(&world.path(".proforma/lock"));
    refused(&world, &APPLY, "not a regular file");
    fs::remove_file(world.path(".proforma/lock")).unwrap();
    pipe(&world.path("pipe"));
    refused(&world, &["apply", "pipe", "--auto-approve"], "not a regular file");
    refused(&world, &["plan", "--out", "pipe"], "not a regular file");
    let events = [&APPLY[..], &["--events", "pipe"]].concat();
    refused(&world, &events, "not a regular file");
    refused(&world, &["apply", "/dev/zero", "--auto-approve"], "not a regular file");
    // The workspace file itself.
    fs::remove_file(world.path("proforma.yaml")).unwrap();
    pipe(&world.path("proforma.yaml"));
    refused(&world, &["plan"], "not a regular file");
}

#[test]
fn a_token_is_not_waited_for() {
    let world = World::connected(&plain_quote("one", "draft"));
    pipe(&world.path("token"));
    for path in ["token", "/dev/zero", "."] {
        let text = world.read("proforma.yaml");
        world.edit("proforma.yaml", "{ env: HUBSPOT_TOKEN }", &format!("{{ file: {path} }}"));
        let ended = world.direct(&["plan"], None).expect(8);
        assert!(ended.stderr.contains("not a regular file"), "{}", ended.stderr);
        world.write("proforma.yaml", &text);
    }
}

#[test]
fn what_is_written_stays_below_the_workspace() {
    let outside = outside();
    let precious = outside.path().join("file");
    // The lockfile, the journal, the lock and the folder of both.
    for file in ["proforma.sandbox.lock", ".proforma/journal.sandbox.jsonl", ".proforma/lock"] {
        let world = world();
        fs::create_dir_all(world.path(".proforma")).unwrap();
        symlink(&precious, world.path(file)).unwrap();
        refused(&world, &APPLY, "");
        fs::remove_file(world.path(file)).unwrap();
        symlink(outside.path().join("new"), world.path(file)).unwrap();
        refused(&world, &APPLY, "");
    }
    let world = world();
    symlink(outside.path(), world.path(".proforma")).unwrap();
    fs::write(outside.path().join("journal.sandbox.jsonl"), "precious").unwrap();
    refused(&world, &["plan"], "symbolic link");
    refused(&world, &APPLY, "a link to one is refused");
    fs::remove_file(world.path(".proforma")).unwrap();
    // Files named on the command line that a branch has put links in the place of.
    symlink(&precious, world.path("out.json")).unwrap();
    symlink(outside.path(), world.path("out")).unwrap();
    for path in ["out.json", "out/new.json", "out/file"] {
        refused(&world, &["plan", "--out", path], "symbolic link");
        refused(&world, &[&APPLY[..], &["--events", path]].concat(), "symbolic link");
    }
    assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
    let mut left: Vec<_> =
        fs::read_dir(outside.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["file", "journal.sandbox.jsonl", "stolen.yaml"]);
    // Outside of the workspace the caller says where, and no link stands in between.
    let free = outside.path().join("plan.json");
    world.run(&["plan", "--out", free.to_str().unwrap()]).expect(0);
    assert!(free.exists());
}

#[test]
fn names_that_are_no_text_are_refused_and_shown_safely() {
    let world = world();
    for name in [&b"bad\xff.yaml"[..], b"bad\x1b[2J\xfe.yml"] {
        let path = world.path("quotes").join(OsStr::from_bytes(name));
        fs::write(&path, "quote: x\n").unwrap();
        for args in [&["validate"][..], &["validate", "--format", "json"], &["plan"]] {
            let ended = in_time(&world, args);
            assert_eq!(ended.code, 10);
            let all = format!("{}{}", ended.stdout, ended.stderr);
            assert!(all.contains("UTF-8") && !all.contains('\u{1b}'), "{all}");
        }
        fs::remove_file(&path).unwrap();
    }
    // As an argument.
    let mut command = world.command(&["plan", "--out"]);
    let ended = support::finish(command.arg(OsStr::from_bytes(b"no\xff/x\x1b[2J")));
    assert_ne!(ended.code, 0);
    assert!(!ended.stderr.contains('\u{1b}'), "{}", ended.stderr);
}
