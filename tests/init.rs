//! `init`: a workspace that works at once, on every provider.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::fs;

use support::{World, bare, finish};

const PROVIDERS: [&str; 4] = ["hubspot", "quickquote", "salesbyte", "dealhub"];

/// DealHub may take a minute to show a fresh quote; the sandbox does so at once.
fn at_once(world: &World) {
    let text = world.read("proforma.yaml");
    world.write("proforma.yaml", &text.replace("visibility: 60s", "visibility: 1s"));
}

#[test]
fn a_new_workspace_validates_plans_and_applies_on_every_provider() {
    for provider in PROVIDERS {
        let world = World::empty();
        let made = world.run(&["init", "--provider", provider, "--name", "first"]).expect(0);
        assert!(made.stdout.contains("proforma.yaml"), "{}", made.stdout);
        at_once(&world);
        let offline = finish(bare(world.dir()).args(["validate"])).expect(0);
        assert!(offline.stdout.contains("1 quotes, 1 products"), "{}", offline.stdout);
        let plan = world.plan().expect(2).json();
        assert_eq!(plan["summary"]["create"], 1, "{provider}: {plan}");
        assert_eq!(plan["workspace"], "first");
        assert_eq!(world.apply().expect(0).json()["summary"]["applied"], 1, "{provider}");
        world.settled();
    }
}

#[test]
fn what_it_says_to_type_is_what_the_first_apply_needs() {
    for provider in PROVIDERS {
        let world = World::empty();
        let said = world.run(&["init", "--provider", provider]).expect(0).stderr;
        at_once(&world);
        let line = said.lines().find(|l| l.contains(" apply ")).unwrap();
        let (_, flags) = line.split_once(&world.url()).unwrap();
        let mut args = vec!["apply", "--auto-approve"];
        args.extend(flags.split_whitespace());
        world.run(&args).expect(0);
        world.settled();
    }
}

#[test]
fn flags_and_folder_are_in_the_files() {
    let world = World::empty();
    let args = ["init", "deep/down", "--connection", "main", "--provider", "quickquote"];
    finish(bare(world.dir()).args(args)).expect(0);
    let workspace = world.read("deep/down/proforma.yaml");
    assert!(workspace.contains("workspace: down\n"), "{workspace}");
    assert!(workspace.contains("default_connection: main\n"), "{workspace}");
    assert!(workspace.contains("QUICKQUOTE_TOKEN into the environment"), "{workspace}");
    assert!(workspace.starts_with("# yaml-language-server: $schema="), "{workspace}");
    finish(bare(world.dir()).args(["-C", "deep/down", "validate"])).expect(0);
    // Names that another reader would take for a number.
    finish(bare(world.dir()).args(["init", "n", "--name", "2027", "--connection", "on"])).expect(0);
    assert!(world.read("n/proforma.yaml").contains("workspace: \"2027\"\n"));
    finish(bare(world.dir()).args(["-C", "n", "validate"])).expect(0);
}

#[test]
fn for_a_sandbox_it_says_how_to_use_that_one() {
    let world = World::empty();
    let said = finish(bare(world.dir()).args(["init", "--sandbox"])).expect(0).stderr;
    assert!(said.contains("proforma sandbox    (in another terminal)"), "{said}");
    assert!(said.contains("proforma plan --sandbox\n"), "{said}");
    assert!(!said.contains("HUBSPOT_TOKEN"), "{said}");
    let other = ["init", "b", "--sandbox", "http://127.0.0.1:9999"];
    let said = finish(bare(world.dir()).args(other)).expect(0).stderr;
    assert!(said.contains("proforma sandbox --listen 127.0.0.1:9999"), "{said}");
    assert!(world.read("b/proforma.yaml").contains("plan --sandbox http://127.0.0.1:9999"));
    finish(bare(world.dir()).args(["init", "c", "--sandbox", "https://example.org"])).expect(10);
    assert!(!world.path("c").exists());
}

#[test]
fn nothing_is_written_over_and_all_that_is_in_the_way_is_named() {
    let world = World::empty();
    world.write("quotes/acme-seo-audit.yaml", "mine\n");
    world.write("proforma.lock", "mine too\n");
    let refused = finish(bare(world.dir()).args(["init"])).expect(10);
    for name in ["quotes/acme-seo-audit.yaml", "proforma.lock"] {
        assert!(refused.stderr.contains(name), "{}", refused.stderr);
    }
    assert_eq!(world.read("quotes/acme-seo-audit.yaml"), "mine\n");
    let mut there: Vec<_> =
        fs::read_dir(world.dir()).unwrap().map(|e| e.unwrap().file_name()).collect();
    there.sort();
    assert_eq!(there, ["proforma.lock", "quotes"]);
}

#[test]
fn git_files_that_are_there_get_the_missing_lines_only() {
    let world = World::empty();
    world.write(".gitignore", "target\n*.plan");
    world.write(".gitattributes", "* text=auto\n");
    finish(bare(world.dir()).args(["init"])).expect(0);
    assert_eq!(world.read(".gitignore"), "target\n*.plan\n**/.proforma/\nproforma.sandbox.lock\n");
    assert_eq!(world.read(".gitattributes"), "* text=auto\nproforma.lock merge=proforma\n");
}

#[cfg(unix)]
#[test]
fn links_are_not_followed() {
    let world = World::empty();
    let outside = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(outside.path(), world.path("quotes")).unwrap();
    finish(bare(world.dir()).args(["init"])).expect(1);
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[test]
fn bad_names_are_refused_with_the_rule() {
    let world = World::empty();
    for flag in ["--name", "--connection"] {
        let refused = finish(bare(world.dir()).args(["init", flag, "Not A Name"])).expect(10);
        assert!(refused.stderr.contains("lower-case letters"), "{}", refused.stderr);
    }
    finish(bare(world.dir()).args(["init", "--provider", "sap"])).expect(10);
    assert_eq!(fs::read_dir(world.dir()).unwrap().count(), 0);
}
