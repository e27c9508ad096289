//! `fmt`: the layout of files, by the real binary.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use support::{Ended, World, bare, finish};

const UNTIDY: &str = "title:   A # shown\nquote: a\nitems:\n- price: 19.990\n  name: X\n";
const TIDY: &str = "quote: a\ntitle: A # shown\nitems:\n  - name: X\n    price: 19.990\n";

fn world() -> World {
    let world = World::small(UNTIDY);
    world.write("catalog/p.yaml", "name: P\nproduct: p\n");
    world.edit(
        "proforma.yaml",
        "{ template: Default Modern, currency: USD }",
        "{ currency: USD, template: Default Modern }",
    );
    world
}

fn fmt(world: &World, args: &[&str]) -> Ended {
    finish(bare(world.dir()).arg("fmt").args(args))
}

#[test]
fn all_files_of_the_workspace_are_laid_out_once() {
    let world = world();
    let done = fmt(&world, &[]).expect(0);
    assert!(done.stdout.contains("2 files changed, 1 in order"), "{}", done.stdout);
    assert_eq!(world.read("quotes/all.yaml"), TIDY);
    assert_eq!(world.read("catalog/p.yaml"), "product: p\nname: P\n");
    let again = fmt(&world, &[]).expect(0);
    assert!(again.stdout.contains("3 files in order"), "{}", again.stdout);
}

#[test]
fn check_lists_and_changes_nothing() {
    let world = world();
    let found = fmt(&world, &["--check"]).expect(2);
    assert!(found.stdout.contains("would change quotes/all.yaml"), "{}", found.stdout);
    assert!(!found.stdout.contains("19.990"));
    let shown = fmt(&world, &["--check", "-v", "quotes"]).expect(2);
    assert!(shown.stdout.contains("+   - name: X"), "{}", shown.stdout);
    assert_eq!(world.read("quotes/all.yaml"), UNTIDY);
    fmt(&world, &[]).expect(0);
    fmt(&world, &["--check"]).expect(0);
}

#[test]
fn a_broken_file_is_left_and_the_others_are_done() {
    let world = world();
    world.write("quotes/bad.yaml", "quote: [\n");
    let done = fmt(&world, &[]).expect(10);
    assert!(done.stderr.contains("quotes/bad.yaml:2"), "{}", done.stderr);
    assert_eq!(world.read("quotes/bad.yaml"), "quote: [\n");
    assert_eq!(world.read("quotes/all.yaml"), TIDY);
}

#[test]
fn named_files_and_folders_only() {
    let world = world();
    fmt(&world, &["catalog/p.yaml"]).expect(0);
    assert_eq!(world.read("quotes/all.yaml"), UNTIDY);
    let whole = world.path("quotes");
    fmt(&world, &[whole.to_str().unwrap()]).expect(0);
    assert_eq!(world.read("quotes/all.yaml"), TIDY);
    let missing = fmt(&world, &["nowhere.yaml"]).expect(10);
    assert!(missing.stderr.contains("nowhere.yaml"), "{}", missing.stderr);
}

fn piped(world: &World, args: &[&str], text: &str) -> Ended {
    let mut command = bare(world.dir());
    command.arg("fmt").args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    Ended {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn an_editor_pipes_its_text_through() {
    let world = World::empty();
    assert_eq!(piped(&world, &["-"], UNTIDY).expect(0).stdout, TIDY);
    assert_eq!(piped(&world, &["-", "--check"], UNTIDY).expect(2).stdout, "");
    piped(&world, &["--check", "-"], TIDY).expect(0);
    // What cannot be formatted comes back as it was, so that nothing is lost.
    let broken = piped(&world, &["-"], "quote: [\n").expect(10);
    assert_eq!(broken.stdout, "quote: [\n");
    assert!(broken.stderr.contains("yaml-syntax"), "{}", broken.stderr);
}

#[test]
fn what_init_writes_is_in_order() {
    for provider in ["hubspot", "quickquote", "salesbyte", "dealhub"] {
        let world = World::empty();
        finish(bare(world.dir()).args(["init", "--provider", provider])).expect(0);
        let checked = fmt(&world, &["--check", "-v"]);
        assert_eq!(checked.code, 0, "{provider}\n{}\n{}", checked.stdout, checked.stderr);
    }
}

#[cfg(unix)]
#[test]
fn permissions_stay_and_links_are_not_followed() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let world = world();
    let path = world.path("quotes/all.yaml");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().join("x.yaml");
    std::fs::write(&target, UNTIDY).unwrap();
    symlink(&target, world.path("quotes/link.yaml")).unwrap();
    fmt(&world, &[]).expect(10);
    assert_eq!(std::fs::read_to_string(&target).unwrap(), UNTIDY);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(world.read("quotes/all.yaml"), TIDY);
    assert!(Path::new(&target).exists());
}

/// A folder on the way that is a link leads outside too, whatever is named behind it.
#[cfg(unix)]
#[test]
fn named_paths_behind_a_link_are_refused() {
    let world = world();
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().join("x.yaml");
    std::fs::write(&target, UNTIDY).unwrap();
    std::os::unix::fs::symlink(outside.path(), world.path("linked")).unwrap();
    for args in [&["linked"][..], &["linked/x.yaml"], &["./linked/x.yaml"], &["--check", "linked"]]
    {
        let told = fmt(&world, args).expect(10);
        assert!(told.stderr.contains("symbolic link"), "{args:?}: {}", told.stderr);
        assert!(!told.stdout.contains("19.99"), "{args:?}: {}", told.stdout);
    }
    assert_eq!(std::fs::read_to_string(&target).unwrap(), UNTIDY);
    // What the user has outside of the workspace is the user's own.
    let named = target.to_str().unwrap();
    fmt(&world, &[named]).expect(0);
    assert_eq!(std::fs::read_to_string(&target).unwrap(), TIDY);
}

/// A file that is wrong everywhere is told 200 times, and how often more.
#[test]
fn a_file_full_of_errors_is_told_in_part() {
    let world = world();
    world.write("quotes/all.yaml", &format!("quote: a\n{}", "title: 1\n".repeat(5_000)));
    let told = fmt(&world, &["--check"]).expect(10).stderr;
    assert!(told.contains("more-errors"), "{}", &told[told.len().saturating_sub(2_000)..]);
    assert!(told.matches("duplicate-key").count() <= 200);
}

/// The quotes and products of a workspace as they are desired: name and fingerprint of all fields.
fn desired(folder: &Path) -> Vec<(String, String)> {
    let loaded = proforma::manifest::load(folder, &proforma::manifest::LoadOptions::default());
    let quotes = loaded.quotes.iter().map(|q| (q.name.to_string(), q.fingerprint.to_string()));
    let products = loaded.products.iter().map(|p| {
        let told =
            (&p.name, &p.description, &p.sku, &p.price, &p.currency, &p.recurring, &p.native);
        (p.product.clone(), format!("{told:?}"))
    });
    quotes.chain(products).collect()
}

#[test]
fn what_is_desired_stays_the_same() {
    let world = World::northlight();
    let before = desired(world.dir());
    assert!(before.len() > 20, "{}", before.len());
    fmt(&world, &[]).expect(0);
    assert_eq!(desired(world.dir()), before);
    fmt(&world, &["--check"]).expect(0);
}

#[test]
fn what_import_writes_is_in_order() {
    let world = World::northlight();
    world.apply().expect(0);
    // Quotes that nobody marked, as if people had made them.
    let unmarked = world.take_upstream().to_string().replace("pf1-", "old-");
    world.put_upstream(serde_json::from_str(&unmarked).unwrap());
    let other = support::SMALL.replace("workspace: small", "workspace: other").replace(
        "{ template: Default Modern, currency: USD }",
        "{ currency: USD, template: Default Modern }",
    );
    world.write("other/proforma.yaml", &other);
    world.write("other/quotes/none.yaml", "# none yet\n");
    // What of it cannot be imported is told (5); the manifests of the rest are there.
    let imported = world.run(&["-C", "other", "import", "--connection", "crm", "--all"]);
    assert!([0, 5].contains(&imported.code), "{}\n{}", imported.stdout, imported.stderr);
    let checked = finish(bare(world.dir()).args(["-C", "other", "fmt", "--check", "-v"]));
    assert_eq!(checked.code, 0, "{}\n{}", checked.stdout, checked.stderr);
    let count: usize = checked.stdout.split(' ').next().unwrap().parse().unwrap();
    assert!(count > 10, "{}", checked.stdout);
}
