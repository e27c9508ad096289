//! The documents say what the program says.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

/// The first text literal behind each of these calls, which is the code of a diagnostic.
fn codes_in(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for call in ["Diagnostic::error(", "Diagnostic::warning(", "Problem::new(", ".problem("] {
        for (at, _) in text.match_indices(call) {
            let rest = text[at + call.len()..].trim_start();
            let Some(rest) = rest.strip_prefix('"') else { continue };
            let Some((code, _)) = rest.split_once('"') else { continue };
            found.insert(code.to_owned());
        }
    }
    found
}

#[test]
fn every_error_code_is_in_the_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = fs::read_to_string(root.join("docs/errors.md")).unwrap();
    let mut files = Vec::new();
    sources(&root.join("src"), &mut files);
    let mut missing = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        // Tests make up codes of their own.
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        if file.file_name().unwrap().to_string_lossy().contains("tests") {
            continue;
        }
        if file.ends_with("output/fixtures.rs") {
            continue;
        }
        missing
            .extend(codes_in(code).into_iter().filter(|c| !table.contains(&format!("| `{c}` |"))));
    }
    assert!(missing.is_empty(), "docs/errors.md lacks {missing:?}");
}

/// `SECURITY.md` names the test that holds each claim: the name leads to a test.
#[test]
fn every_test_that_a_claim_of_security_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("SECURITY.md")).unwrap();
    let mut named = 0;
    for word in text.split('`').skip(1).step_by(2) {
        if let Some((file, name)) = word.split_once("::")
            && let Ok(source) = fs::read_to_string(root.join(format!("tests/{file}.rs")))
        {
            assert!(source.contains(&format!("fn {name}(")), "there is no test `{word}`");
            named += 1;
        } else if word.starts_with("tests/") {
            assert!(root.join(word).exists(), "there is no `{word}`");
        }
    }
    assert!(named > 25, "{named} claims");
}

/// `UPDATE_DOCS=1 cargo test --test docs` writes the pages anew.
#[test]
fn the_field_tables_are_those_of_the_program() {
    use proforma::output::sheet_markdown::renewed;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/providers");
    for sheet in proforma::cli::providers::sheets() {
        let path = folder.join(format!("{}.md", sheet.name));
        let page = fs::read_to_string(&path).unwrap();
        let now = renewed(&page, &sheet)
            .unwrap_or_else(|| panic!("{} has no markers for its fields", path.display()));
        if std::env::var_os("UPDATE_DOCS").is_some() {
            fs::write(&path, now).unwrap();
        } else {
            let help = "run `UPDATE_DOCS=1 cargo test --test docs`";
            assert!(page == now, "{} is not what the program says: {help}", path.display());
        }
    }
}

/// The workspaces that users copy from are in the layout that `fmt` gives.
#[test]
fn the_examples_are_formatted() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let examples = fs::read_dir(root.join("examples")).unwrap().map(|e| e.unwrap().path());
    let mut seen = 0;
    for folder in examples.chain([root.join("quotes")]) {
        if !folder.join("proforma.yaml").exists() {
            continue;
        }
        seen += 1;
        let check = std::process::Command::new(env!("CARGO_BIN_EXE_proforma"))
            .args(["-C".as_ref(), folder.as_os_str(), "fmt".as_ref(), "--check".as_ref()])
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&check.stdout);
        assert_eq!(check.status.code(), Some(0), "{}: {told}", folder.display());
    }
    assert!(seen >= 8, "{seen} workspaces");
}
